//! Lists of a row's own in FROM: `FROM t, unnest(t.list) u`, which DataFusion reads and cannot carry out.
//!
//! The sub-query of such a join reads nothing but the row beside it. It is therefore computed upon the rows themselves, whose columns
//! it carries along.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, NullHandling, Result};
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::{Expr, Join, JoinType, LogicalPlan, LogicalPlanBuilder, Projection, Unnest};
use datafusion::optimizer::AnalyzerRule;

/// The rule, which is to run before any other.
#[derive(Debug)]
pub(in crate::planner) struct Lateral;

impl Lateral {
    fn join(join: Join) -> Result<Transformed<LogicalPlan>> {
        let fits = match join.join_type {
            JoinType::Inner => true,
            // What is on no row is kept with NULLs: only of lists themselves, under no other condition.
            JoinType::Left => {
                join.on.is_empty()
                    && join
                        .filter
                        .as_ref()
                        .is_none_or(|filter| *filter == datafusion::logical_expr::lit(true))
                    && plain(&join.right)
            }
            _ => false,
        };
        if !fits || !chain(&join.right, join.left.schema()) {
            return Ok(Transformed::no(LogicalPlan::Join(join)));
        }
        let left: Vec<Column> = join.left.schema().columns();
        let (made, renamed) = upon(&join.right, &join.left, &left, join.join_type == JoinType::Left)?;
        let mut all: Vec<Expr> = left.into_iter().map(Expr::Column).collect();
        for column in join.right.schema().columns() {
            all.push(match renamed.get(&column) {
                Some(made) => Expr::Column(made.clone()).alias(&column.name),
                None => Expr::Column(column),
            });
        }
        let mut builder = LogicalPlanBuilder::from(made).project(all)?;
        for (one, other) in join.on {
            builder = builder.filter(one.eq(other))?;
        }
        if let (JoinType::Inner, Some(filter)) = (join.join_type, join.filter) {
            builder = builder.filter(filter)?;
        }
        Ok(Transformed::yes(builder.build()?))
    }
}

/// A plan, and what columns are called in it that others have the names of.
type Made = (LogicalPlan, HashMap<Column, Column>);

/// The sub-query with the rows of `rows` in the place of its one empty row, whose columns `kept` stay.
fn upon(plan: &LogicalPlan, rows: &Arc<LogicalPlan>, kept: &[Column], outer: bool) -> Result<Made> {
    let beside = || kept.iter().cloned().map(Expr::Column);
    match plan {
        LogicalPlan::EmptyRelation(_) => Ok((rows.as_ref().clone(), HashMap::new())),
        LogicalPlan::Subquery(subquery) => upon(&subquery.subquery, rows, kept, outer),
        LogicalPlan::SubqueryAlias(alias) => {
            let (input, renamed) = upon(&alias.input, rows, kept, outer)?;
            let inner = alias.input.schema().columns();
            let named = inner
                .into_iter()
                .zip(alias.schema.columns())
                .map(|(column, named)| {
                    let column = renamed.get(&column).cloned().unwrap_or(column);
                    Expr::Column(column).alias_qualified(named.relation.clone(), named.name)
                });
            Ok((project(beside().chain(named).collect(), input)?, HashMap::new()))
        }
        LogicalPlan::Projection(projection) => {
            let (input, renamed) = upon(&projection.input, rows, kept, outer)?;
            let mut exprs: Vec<Expr> = beside().collect();
            let mut names = HashMap::new();
            for expr in &projection.expr {
                let (relation, name) = expr.qualified_name();
                let own = resolved(expr.clone(), &renamed)?;
                let taken = relation.is_none() && kept.iter().any(|column| column.name == name);
                let shown = match taken {
                    true => format!("\u{1}{}", name),
                    false => name.clone(),
                };
                if taken {
                    let _ = names.insert(Column::from_name(name), Column::from_name(shown.clone()));
                }
                exprs.push(match own.qualified_name() == (relation.clone(), shown.clone()) {
                    true => own,
                    false => own.unalias().alias_qualified(relation, shown),
                });
            }
            Ok((project(exprs, input)?, names))
        }
        LogicalPlan::Unnest(unnest) => {
            let (input, renamed) = upon(&unnest.input, rows, kept, outer)?;
            let mut options = unnest.options.clone();
            if outer {
                options.null_handling = NullHandling::PreserveAndExpandEmpty;
            }
            let made = LogicalPlanBuilder::from(input)
                .unnest_columns_with_options(unnest.exec_columns.clone(), options)?
                .build()?;
            Ok((made, renamed))
        }
        other => datafusion::common::internal_err!("{} beside rows", other.display()),
    }
}

fn project(exprs: Vec<Expr>, input: LogicalPlan) -> Result<LogicalPlan> {
    Projection::try_new(exprs, Arc::new(input)).map(LogicalPlan::Projection)
}

/// Columns of the row beside are columns of the input.
fn resolved(expr: Expr, renamed: &HashMap<Column, Column>) -> Result<Expr> {
    expr.transform(|expr| {
        Ok(match expr {
            Expr::OuterReferenceColumn(_, column) => Transformed::yes(Expr::Column(column)),
            Expr::Column(column) => match renamed.get(&column) {
                Some(made) => Transformed::yes(Expr::Column(made.clone())),
                None => Transformed::no(Expr::Column(column)),
            },
            other => Transformed::no(other),
        })
    })
    .data()
}

/// Whether a plan is a chain over nothing but rows of lists, all of whose outer columns are in `beside`, and there is one.
fn chain(plan: &LogicalPlan, beside: &DFSchema) -> bool {
    fn links(plan: &LogicalPlan) -> bool {
        match plan {
            LogicalPlan::EmptyRelation(empty) => empty.produce_one_row,
            LogicalPlan::Subquery(subquery) => links(&subquery.subquery),
            LogicalPlan::SubqueryAlias(alias) => links(&alias.input),
            LogicalPlan::Projection(projection) => links(&projection.input),
            LogicalPlan::Unnest(Unnest { input, .. }) => links(input),
            _ => false,
        }
    }
    if !links(plan) {
        return false;
    }
    let (mut any, mut all) = (false, true);
    let visited = plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|part| {
                match part {
                    Expr::OuterReferenceColumn(_, column) => {
                        any = true;
                        all &= beside.has_column(column);
                    }
                    Expr::ScalarSubquery(_) | Expr::Exists(_) | Expr::InSubquery(_) => all = false,
                    _ => {}
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    });
    visited.is_ok() && any && all
}

/// Whether nothing but the elements themselves is put out, which are NULL where there are none.
fn plain(plan: &LogicalPlan) -> bool {
    fn strict(expr: &Expr) -> bool {
        match expr {
            Expr::Column(_) => true,
            Expr::Alias(alias) => strict(&alias.expr),
            Expr::Cast(cast) => strict(&cast.expr),
            Expr::ScalarFunction(call) => {
                matches!(call.func.name(), "json_in" | "jsonb_in") && call.args.iter().all(strict)
            }
            _ => false,
        }
    }
    match plan {
        LogicalPlan::Subquery(subquery) => plain(&subquery.subquery),
        LogicalPlan::SubqueryAlias(alias) => plain(&alias.input),
        LogicalPlan::Projection(projection) => projection.expr.iter().all(strict) && plain(&projection.input),
        // One of several lists may end before another.
        LogicalPlan::Unnest(Unnest { input, .. }) => matches!(
            input.as_ref(),
            LogicalPlan::Projection(lists) if matches!(lists.input.as_ref(), LogicalPlan::EmptyRelation(_))
        ),
        _ => false,
    }
}

impl AnalyzerRule for Lateral {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(|plan| match plan {
            LogicalPlan::Join(join) => Self::join(join),
            other => Ok(Transformed::no(other)),
        })
        .data()
    }

    fn name(&self) -> &str {
        "lateral_lists"
    }
}
