//! Prepared statements: types of parameters and columns before there are values.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::expr::{Cast, Placeholder};
use datafusion::logical_expr::{Expr, LogicalPlan};
use radlake_sql::session::{Command, command};
use radlake_sql::{Kind, Statement};

use super::{Inner, PlannerKey, commands, explain, parameters, refusal};
use crate::planner::{Planned, Planner};
use crate::write::{Parameters, Writer};
use crate::{Error, Result};

/// More parameters than the protocol can number.
pub(super) const MAX_PARAMETERS: usize = 65_535;

/// A statement that has been planned once, to be run with values for its parameters.
#[derive(Debug, Clone)]
pub struct Prepared {
    statement: Statement,
    types: Vec<DataType>,
    oids: Vec<u32>,
    columns: Option<SchemaRef>,
    plan: Option<(PlannerKey, Arc<LogicalPlan>)>,
}

impl Prepared {
    /// The columns of its result; `None` for a command.
    #[must_use]
    pub fn columns(&self) -> Option<SchemaRef> {
        self.columns.clone()
    }

    /// The types of `$1`, `$2` …
    #[must_use]
    pub fn param_types(&self) -> &[DataType] {
        &self.types
    }

    /// The OIDs of PostgreSQL's types of `$1`, `$2` …: `$1::uuid` is a uuid, though the engine's type is a text.
    #[must_use]
    pub fn param_oids(&self) -> &[u32] {
        &self.oids
    }

    /// The statement.
    #[must_use]
    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    /// The plan, if it was made under the same conditions.
    pub(super) fn plan(&self, key: &PlannerKey) -> Option<Arc<LogicalPlan>> {
        self.plan
            .as_ref()
            .filter(|(made, _)| made == key)
            .map(|(_, plan)| Arc::clone(plan))
    }

    /// Its plan, whatever the conditions were.
    pub(super) fn any_plan(&self) -> Option<&LogicalPlan> {
        self.plan.as_ref().map(|(_, plan)| plan.as_ref())
    }

    fn command(statement: &Statement, columns: Option<SchemaRef>) -> Self {
        Self {
            statement: statement.clone(),
            types: Vec::new(),
            oids: Vec::new(),
            columns,
            plan: None,
        }
    }
}

impl Inner {
    pub(super) async fn prepare(
        self: &Arc<Self>,
        statement: &Statement,
        types: &[Option<DataType>],
    ) -> Result<Prepared> {
        match statement.kind() {
            Kind::Query => {}
            // What a cursor runs has parameters too.
            Kind::Session if matches!(command(statement.ast()), Some(Command::Declare { .. })) => {
                let inner = Box::pin(self.prepare(&super::cursors::body(statement)?, types)).await?;
                return Ok(Prepared {
                    types: inner.types,
                    oids: inner.oids,
                    ..Prepared::command(statement, None)
                });
            }
            Kind::Session => return Ok(Prepared::command(statement, commands::columns(self, statement)?)),
            // As in PostgreSQL, nothing of it is looked at before it runs.
            Kind::Govern => return Ok(Prepared::command(statement, None)),
            Kind::Write if statement.copy().is_some() => return Ok(Prepared::command(statement, None)),
            Kind::Write => return self.prepare_write(statement, types).await,
            _ => return Err(refusal::refuse(statement)),
        }
        if let Some(body) = explain::body(statement)? {
            // Its plan is text whatever its parameters are; they get their types from it.
            let inner = Box::pin(self.prepare(&body, types)).await?;
            return Ok(Prepared {
                types: inner.types,
                oids: inner.oids,
                ..Prepared::command(statement, Some(explain::schema(statement)))
            });
        }
        let guard = self.guard();
        self.facts.began(statement.text());
        let (this, statement, types) = (Arc::clone(self), statement.clone(), types.to_vec());
        guard
            .run(async move { this.plan_prepared(statement, &types).await })
            .await
    }

    /// A statement that writes: gone through without reading or writing a row.
    async fn prepare_write(
        self: &Arc<Self>,
        statement: &Statement,
        types: &[Option<DataType>],
    ) -> Result<Prepared> {
        let guard = self.guard();
        self.facts.began(statement.text());
        let (this, statement, types) = (Arc::clone(self), statement.clone(), types.to_vec());
        guard
            .run(async move {
                let open = this.transaction().work.clone();
                let mut work = match open {
                    Some(work) => work,
                    None => this.lake().begin(this.read_epoch().await?),
                };
                let found = Mutex::new(types.clone());
                let given = Parameters {
                    types,
                    values: Vec::new(),
                };
                let writer = Writer::new(&this, &given, &mut work).probing(&found);
                let outcome = { writer }.carry_out(&statement).await?;
                let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
                let types: Vec<DataType> = found
                    .into_iter()
                    .map(|known| known.unwrap_or(DataType::Utf8))
                    .collect();
                Ok(Prepared {
                    oids: parameters::oids(statement.ast(), &types),
                    types,
                    ..Prepared::command(&statement, outcome.returned.map(|(schema, _)| schema))
                })
            })
            .await
    }

    async fn plan_prepared(&self, statement: Statement, types: &[Option<DataType>]) -> Result<Prepared> {
        let (key, planner) = self.planner().await?;
        let first = Box::pin(parameters::plan(&planner, &statement, types)).await?;
        let known = parameter_types(&first, types)?;
        if known.is_empty() {
            let Planned { plan, schema } = planner.analyse(first)?;
            let plan = Some((key, Arc::new(plan)));
            return Ok(Prepared {
                statement,
                types: Vec::new(),
                oids: Vec::new(),
                columns: Some(schema),
                plan,
            });
        }
        let (plan, types) = typed(&planner, &statement, first, known).await?;
        let Planned { plan, schema } = planner.analyse(plan)?;
        Ok(Prepared {
            oids: parameters::oids(statement.ast(), &types),
            statement,
            types,
            columns: Some(schema),
            plan: Some((key, Arc::new(plan))),
        })
    }
}

/// Plans again with every parameter's type given, so that the types of columns follow from them. What nothing tells of
/// is text, as in PostgreSQL.
async fn typed(
    planner: &Planner,
    statement: &Statement,
    first: LogicalPlan,
    known: Vec<Option<DataType>>,
) -> Result<(LogicalPlan, Vec<DataType>)> {
    let types: Vec<DataType> = known
        .iter()
        .map(|known| known.clone().unwrap_or(DataType::Utf8))
        .collect();
    let all: Vec<Option<DataType>> = types.iter().cloned().map(Some).collect();
    let plan = match planner.plan(statement, &all).await {
        Ok(plan) => plan,
        // A type that was inferred in one place does not fit another: the values will decide.
        Err(_) => first,
    };
    Ok((plan, types))
}

/// The types of `$1` to the last parameter, from the caller first, then from where they are used.
pub(crate) fn parameter_types(
    plan: &LogicalPlan,
    given: &[Option<DataType>],
) -> Result<Vec<Option<DataType>>> {
    let mut inferred: HashMap<String, Option<DataType>> = plan.get_parameter_types()?;
    for (name, cast_to) in casts(plan)? {
        let known = inferred.entry(name).or_default();
        if known.as_ref().is_none_or(|known| *known == DataType::Null) {
            *known = Some(cast_to);
        }
    }
    let mut types: Vec<Option<DataType>> = given.to_vec();
    for (name, inferred) in inferred {
        let number = name
            .strip_prefix('$')
            .and_then(|number| number.parse::<usize>().ok());
        let Some(index) = number
            .filter(|number| (1..=MAX_PARAMETERS).contains(number))
            .map(|number| number - 1)
        else {
            return Err(Error::UndefinedParameter(name.trim_start_matches('$').to_owned()));
        };
        if types.len() <= index {
            types.resize(index + 1, None);
        }
        if let Some(known) = types.get_mut(index).filter(|known| known.is_none()) {
            // A bare `$1` in a select list has the type of nothing.
            *known = inferred
                .filter(|inferred| *inferred != DataType::Null)
                .map(wire_type);
        }
    }
    Ok(types)
}

/// `$1::date` says that `$1` is a date, and LIMIT that its parameter is a number, as in PostgreSQL.
fn casts(plan: &LogicalPlan) -> Result<Vec<(String, DataType)>> {
    let mut found = Vec::new();
    plan.apply_with_subqueries(|plan| {
        if let LogicalPlan::Limit(limit) = plan {
            for expr in [&limit.skip, &limit.fetch].into_iter().flatten() {
                if let Expr::Placeholder(Placeholder { id, field: None }) = expr.as_ref() {
                    found.push((id.clone(), DataType::Int64));
                }
            }
        }
        plan.apply_expressions(|expr| {
            expr.apply(|expr| {
                if let Expr::Cast(Cast { expr, field }) = expr
                    && let Expr::Placeholder(Placeholder { id, field: None }) = expr.as_ref()
                {
                    found.push((id.clone(), field.data_type().clone()));
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    Ok(found)
}

/// A type that clients can send.
fn wire_type(inferred: DataType) -> DataType {
    match inferred {
        DataType::Utf8View | DataType::LargeUtf8 => DataType::Utf8,
        DataType::BinaryView | DataType::LargeBinary => DataType::Binary,
        DataType::Dictionary(_, value) => wire_type(*value),
        other => other,
    }
}
