//! From expressions to rows that fit a table: the queries that statements are turned into, and the checks on their rows.
//!
//! A statement becomes one query. Its first layer gives the columns that are assigned, the second computes generated
//! columns, the third evaluates CHECK constraints. What must never be cut short, NOT NULL, lengths and keys, is checked
//! on the rows themselves.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch, RecordBatchOptions};
use arrow::compute::{cast, is_null};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use std::sync::Arc;

use super::constraint::{Constraint, Rule};
use super::opened::violates;
use super::target::{Column, Target, quoted};
use crate::enumeration::Enumeration;
use crate::error::Violation;
use crate::pg_catalog::types::PG_TYPE_KEY;
use crate::planner::own_types;
use crate::{Error, Result};

/// The layers above `first`, an entry of FROM, which gives the columns `passed` and those of `assigned`. The result has `passed`, then the
/// columns numbered `kept`, then one for each CHECK.
pub(super) fn layers(
    target: &Target,
    constraints: &[Constraint],
    first: &str,
    passed: &[&str],
    kept: &[usize],
) -> String {
    let name = quoted(&target.object.name);
    let pass: Vec<String> = passed.iter().map(|column| quoted(column)).collect();
    let column = |column: &Column| match &column.generated {
        Some(expression) => format!("{} AS {}", column.cast(expression), quoted(&column.name)),
        None => quoted(&column.name),
    };
    let mut second = pass.clone();
    second.extend(target.columns.iter().map(column));
    let second = format!("SELECT {} FROM {first} AS {name}", second.join(", "));
    let mut third = pass;
    third.extend(kept.iter().map(|at| quoted(&target.columns[*at].name)));
    for (at, (_, _, expression)) in checks(constraints).enumerate() {
        third.push(format!("({expression}) AS \"radlake.check.{at}\""));
    }
    for (at, check) in target.checks.iter().enumerate() {
        // A constant NULL has no type of its own.
        third.push(format!(
            "coalesce({}, FALSE) AS {}",
            check.expression,
            quoted(&policy_column(at))
        ));
    }
    if third.is_empty() {
        third.push("1 AS \"radlake.row\"".to_owned());
    }
    format!("SELECT {} FROM ({second}) AS {name}", third.join(", "))
}

/// The domain's schema and name if it is one's, the name, and the condition.
fn checks(constraints: &[Constraint]) -> impl Iterator<Item = (Option<(&str, &str)>, &str, &str)> {
    constraints
        .iter()
        .filter_map(|constraint| match &constraint.rule {
            Rule::Check { expression } => Some((None, constraint.name.as_str(), expression.as_str())),
            Rule::Domain {
                schema,
                domain,
                expression,
            } => Some((
                Some((schema.as_str(), domain.as_str())),
                constraint.name.as_str(),
                expression.as_str(),
            )),
            _ => None,
        })
}

/// Column that says whether a row satisfies a policy.
pub(super) fn policy_column(at: usize) -> String {
    format!("radlake.policy.{at}")
}

/// Checks rows of [`layers`], and brings them into the types of the table's columns.
#[derive(Debug, Clone)]
pub(super) struct Gate {
    schema_name: String,
    table: String,
    /// Whether the rows were there before the constraints.
    pub(super) there: bool,
    passed: usize,
    columns: Vec<(Column, Arc<Field>)>,
    /// Conditions of domains and of the table: the domain's schema and name, and the condition's name.
    checks: Vec<(Option<(String, String)>, String)>,
    /// The restrictive policy behind each condition that policies put on rows; `None` for the permissive ones.
    policies: Vec<Option<String>>,
    /// Next numbers of identity columns, by place among `columns`.
    counters: Vec<(usize, i64)>,
    schema: SchemaRef,
}

impl Gate {
    pub(super) fn new(target: &Target, constraints: &[Constraint], passed: &[&str], kept: &[usize]) -> Self {
        let fields = target.object.arrow_schema.fields();
        let columns: Vec<_> = kept
            .iter()
            .map(|at| (target.columns[*at].clone(), Arc::clone(&fields[*at])))
            .collect();
        let counters = columns
            .iter()
            .enumerate()
            .filter(|(_, (column, _))| column.counted)
            .map(|(at, (column, _))| (at, next_number(target, &column.name)))
            .collect();
        let schema = Schema::new(
            columns
                .iter()
                .map(|(_, field)| nullable(field))
                .collect::<Vec<_>>(),
        );
        Self {
            schema_name: target.object.schema.clone(),
            table: target.object.name.clone(),
            there: false,
            passed: passed.len(),
            columns,
            checks: checks(constraints)
                .map(|(domain, name, _)| {
                    let domain = domain.map(|(schema, domain)| (schema.to_owned(), domain.to_owned()));
                    (domain, name.to_owned())
                })
                .collect(),
            policies: target.checks.iter().map(|check| check.policy.clone()).collect(),
            counters,
            schema: Arc::new(schema),
        }
    }

    /// For rows that were there before the constraints.
    pub(super) fn there(mut self) -> Self {
        self.there = true;
        self
    }

    fn violation(&self, message: String) -> Box<Violation> {
        Violation::of_table(&self.schema_name, &self.table, message)
    }

    /// Identity columns with their next numbers.
    pub(super) fn counters(&self) -> impl Iterator<Item = (&str, i64)> {
        self.counters
            .iter()
            .map(|(at, next)| (self.columns[*at].0.name.as_str(), *next))
    }

    /// The columns passed through, and the row's own.
    pub(super) fn admit(&mut self, batch: &RecordBatch) -> Result<(Vec<ArrayRef>, RecordBatch)> {
        self.admit_where(batch, None)
    }

    /// As [`Gate::admit`], but only the rows where `checked` is true must keep to the constraints.
    pub(super) fn admit_where(
        &mut self,
        batch: &RecordBatch,
        checked: Option<&BooleanArray>,
    ) -> Result<(Vec<ArrayRef>, RecordBatch)> {
        let passed = batch.columns()[..self.passed].to_vec();
        let binding = |row: usize| checked.is_none_or(|checked| checked.is_valid(row) && checked.value(row));
        // Before constraints, as in PostgreSQL: they must tell nothing of rows that may not be written.
        let first = self.passed + self.columns.len() + self.checks.len();
        for (at, policy) in self.policies.iter().enumerate() {
            let outcome = batch.column(first + at).as_boolean();
            if (0..outcome.len()).any(|row| !(outcome.is_valid(row) && outcome.value(row)) && binding(row)) {
                return Err(violates(&self.table, policy.as_deref()));
            }
        }
        let mut columns = Vec::with_capacity(self.columns.len());
        for (at, (column, field)) in self.columns.iter().enumerate() {
            let mut values = Arc::clone(batch.column(self.passed + at));
            if let Some((_, next)) = self.counters.iter_mut().find(|(counted, _)| *counted == at) {
                values = numbered(&values, next)?;
            }
            if let (DataType::FixedSizeBinary(16), Some(texts)) =
                (field.data_type(), values.as_string_opt::<i32>())
            {
                values = radlake_udfs::types::bytes_of_uuids(texts)?;
            }
            if values.data_type() != field.data_type() {
                values =
                    cast(&values, field.data_type()).map_err(datafusion::error::DataFusionError::from)?;
            }
            values = column.normal(values)?;
            if column.not_null
                && values.null_count() > 0
                && (0..values.len()).any(|row| values.is_null(row) && binding(row))
            {
                let (name, table) = (&column.name, &self.table);
                let message = match self.there {
                    true => format!("column \"{name}\" of relation \"{table}\" contains null values"),
                    false => format!(
                        "null value in column \"{name}\" of relation \"{table}\" violates not-null constraint"
                    ),
                };
                return Err(Error::NotNullViolation(self.violation(message).column(name)));
            }
            columns.push(values);
        }
        for (at, (domain, name)) in self.checks.iter().enumerate() {
            let outcome = batch.column(self.passed + self.columns.len() + at);
            let outcome = outcome.as_boolean();
            // NULL passes.
            if (0..outcome.len()).any(|row| outcome.is_valid(row) && !outcome.value(row) && binding(row)) {
                if let Some((schema, domain)) = domain {
                    return Err(own_types::violated(schema, domain, name));
                }
                let table = &self.table;
                let message = match self.there {
                    true => {
                        format!("check constraint \"{name}\" of relation \"{table}\" is violated by some row")
                    }
                    false => {
                        format!("new row for relation \"{table}\" violates check constraint \"{name}\"")
                    }
                };
                return Err(Error::CheckViolation(self.violation(message).constraint(name)));
            }
        }
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let rows = RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
            .map_err(|error| Error::internal(format!("rows of {}: {error}", self.table)))?;
        Ok((passed, rows))
    }
}

/// A field without NOT NULL: the gate says it in PostgreSQL's words. What enums are compared by stays with them.
fn nullable(field: &Field) -> Field {
    let bare = Field::new(field.name(), field.data_type().clone(), true);
    match field.metadata().get_key_value(PG_TYPE_KEY) {
        Some((key, name)) if Enumeration::is_one(name) => {
            bare.with_metadata([(key.clone(), name.clone())].into())
        }
        _ => bare,
    }
}

/// The property that holds the next number of an identity column.
pub(super) fn counter(column: &str) -> String {
    format!("identity.{column}")
}

fn next_number(target: &Target, column: &str) -> i64 {
    let next = target.object.properties.get(&counter(column));
    next.and_then(|next| next.parse().ok()).unwrap_or(1)
}

/// NULLs become the next numbers.
fn numbered(values: &ArrayRef, next: &mut i64) -> Result<ArrayRef> {
    let missing = is_null(values).map_err(datafusion::error::DataFusionError::from)?;
    if missing.true_count() == 0 {
        return Ok(Arc::clone(values));
    }
    let given = cast(values, &DataType::Int64).map_err(datafusion::error::DataFusionError::from)?;
    let given = given.as_primitive::<arrow::datatypes::Int64Type>();
    let filled = (0..given.len()).map(|row| match given.is_null(row) {
        false => given.value(row),
        true => {
            let number = *next;
            *next += 1;
            number
        }
    });
    Ok(Arc::new(Int64Array::from_iter_values(filled)))
}
