//! Sub-queries as conditions: those that DataFusion 55.2 would answer wrongly are said in a way that it answers rightly, or refused.
//!
//! - `x op ANY (q)`, `x op ALL (q)` (also over the outer query's own table without an alias, where it confuses the two) become EXISTS.
//! - NOT IN of a correlated sub-query, whose NULLs it forgets, becomes NOT EXISTS.
//! - OFFSET of a correlated EXISTS, which it drops, becomes a count.
//! - What names an outer column below a node that its decorrelation moves the condition across though rows depend on it (LIMIT, a window,
//!   the outer side of a join …) is refused.
//!
//! The forms are equal where NULL counts as false, that is where a condition is reached by AND and OR only. Anywhere else they are refused
//! too; `pg_catalog/rewrite/predicates.rs` has seen to those of a select's output.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, ExprSchema, Result, not_impl_err};
use datafusion::config::ConfigOptions;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::expr::{Exists, InSubquery, SetComparison, SetQuantifier};
use datafusion::logical_expr::{
    BinaryExpr, Distinct, Expr, FetchType, Filter, JoinType, LogicalPlan, LogicalPlanBuilder, Operator,
    SkipType, Subquery, lit,
};
use datafusion::optimizer::AnalyzerRule;

use super::{nothing, quantified};

/// The name of the relation and of the column that stand for a sub-query's rows: none of a client's, so that no other is meant.
const SET: &str = "__radlake_set";
const VALUE: &str = "__radlake_value";

/// The rule. It is to run before types are made to agree.
#[derive(Debug)]
pub(super) struct Subqueries;

impl AnalyzerRule for Subqueries {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(|plan| match nothing::may_be_null(plan)?.data {
            LogicalPlan::Filter(filter) => {
                let schema = Arc::clone(filter.input.schema());
                let predicate = condition(filter.predicate, &schema)?;
                Ok(Transformed::yes(LogicalPlan::Filter(Filter::try_new(
                    predicate,
                    filter.input,
                )?)))
            }
            other => {
                for expr in other.expressions() {
                    refuse(&expr)?;
                }
                Ok(Transformed::no(other))
            }
        })
        .data()
    }

    fn name(&self) -> &str {
        "subqueries"
    }
}

/// A condition of which only the rows that are true count.
fn condition(expr: Expr, schema: &DFSchema) -> Result<Expr> {
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if matches!(op, Operator::And | Operator::Or) => {
            let (left, right) = (condition(*left, schema)?, condition(*right, schema)?);
            Ok(Expr::BinaryExpr(BinaryExpr::new(
                Box::new(left),
                op,
                Box::new(right),
            )))
        }
        Expr::Alias(alias) => condition(*alias.expr, schema),
        Expr::Not(inner) => match *inner {
            Expr::InSubquery(InSubquery {
                expr,
                subquery,
                negated,
            }) => condition(
                Expr::InSubquery(InSubquery {
                    expr,
                    subquery,
                    negated: !negated,
                }),
                schema,
            ),
            Expr::Exists(Exists { subquery, negated }) => condition(
                Expr::Exists(Exists {
                    subquery,
                    negated: !negated,
                }),
                schema,
            ),
            Expr::SetComparison(set) => match set.op.negate() {
                Some(op) => {
                    let quantifier = match set.quantifier {
                        SetQuantifier::Any => SetQuantifier::All,
                        SetQuantifier::All => SetQuantifier::Any,
                    };
                    quantified(
                        SetComparison {
                            op,
                            quantifier,
                            ..set
                        },
                        schema,
                    )
                }
                None => not_supported(),
            },
            other => {
                refuse(&other)?;
                Ok(Expr::Not(Box::new(other)))
            }
        },
        Expr::SetComparison(set) => quantified(set, schema),
        Expr::InSubquery(InSubquery {
            expr,
            subquery,
            negated,
        }) if is_one_row(&subquery) => {
            let op = if negated { Operator::NotEq } else { Operator::Eq };
            one(*expr, op, subquery)
        }
        Expr::InSubquery(InSubquery {
            expr,
            subquery,
            negated: true,
        }) if is_correlated(&subquery) || expr.column_refs().is_empty() => {
            // True if no element is equal, and none leaves it open.
            none(*expr, Operator::Eq, &subquery, schema, Expr::IsNotFalse)
        }
        Expr::Exists(exists) if is_correlated(&exists.subquery) => existence(exists),
        Expr::InSubquery(set) => {
            movable(&set.subquery)?;
            refuse(&set.expr)?;
            Ok(Expr::InSubquery(set))
        }
        other => {
            refuse(&other)?;
            Ok(other)
        }
    }
}

/// `x op ANY (q)`: a row of q for which it is true. `x op ALL (q)`: no row for which it is not.
fn quantified(set: SetComparison, schema: &DFSchema) -> Result<Expr> {
    let SetComparison {
        expr,
        subquery,
        op,
        quantifier,
    } = set;
    if is_one_row(&subquery) {
        return one(*expr, op, subquery);
    }
    match (quantifier, op) {
        (SetQuantifier::Any, Operator::Eq) => {
            let set = InSubquery {
                expr,
                subquery,
                negated: false,
            };
            condition(Expr::InSubquery(set), schema)
        }
        (SetQuantifier::All, Operator::NotEq) => {
            let set = InSubquery {
                expr,
                subquery,
                negated: true,
            };
            condition(Expr::InSubquery(set), schema)
        }
        (SetQuantifier::Any, op) => {
            let exists = filtered(*expr, op, &subquery, schema, |comparison| *comparison)?;
            Ok(Expr::Exists(Exists {
                subquery: exists,
                negated: false,
            }))
        }
        (SetQuantifier::All, op) => none(*expr, op, &subquery, schema, Expr::IsNotTrue),
    }
}

/// A comparison with a correlated aggregate, which is one row.
fn one(value: Expr, op: Operator, subquery: Subquery) -> Result<Expr> {
    refuse(&value)?;
    path(&subquery.subquery, false)?;
    let row = Box::new(Expr::ScalarSubquery(subquery));
    Ok(Expr::BinaryExpr(BinaryExpr::new(Box::new(value), op, row)))
}

/// Whether a correlated sub-query is an aggregate without groups.
pub(super) fn is_one_row(subquery: &Subquery) -> bool {
    fn aggregate(plan: &LogicalPlan) -> bool {
        match plan {
            LogicalPlan::Projection(projection) => aggregate(&projection.input),
            LogicalPlan::SubqueryAlias(alias) => aggregate(&alias.input),
            LogicalPlan::Sort(sort) => sort.fetch.is_none() && aggregate(&sort.input),
            LogicalPlan::Aggregate(aggregate) => aggregate.group_expr.is_empty(),
            _ => false,
        }
    }
    is_correlated(subquery) && aggregate(&subquery.subquery)
}

/// NOT EXISTS of the rows of a sub-query for which `test` of the comparison is true.
fn none(
    value: Expr,
    op: Operator,
    subquery: &Subquery,
    schema: &DFSchema,
    test: fn(Box<Expr>) -> Expr,
) -> Result<Expr> {
    let subquery = filtered(value, op, subquery, schema, test)?;
    Ok(Expr::Exists(Exists {
        subquery,
        negated: true,
    }))
}

/// The rows of a sub-query for which `test` of `value op row` is true, `value` being the outer query's.
fn filtered(
    value: Expr,
    op: Operator,
    subquery: &Subquery,
    schema: &DFSchema,
    test: impl FnOnce(Box<Expr>) -> Expr,
) -> Result<Subquery> {
    movable(subquery)?;
    refuse(&value)?;
    if value.contains_outer() || value.is_volatile() {
        return not_supported();
    }
    let value = value
        .transform_up(|expr| match expr {
            Expr::Column(column) => {
                let field = Arc::clone(schema.field_from_column(&column)?);
                Ok(Transformed::yes(Expr::OuterReferenceColumn(field, column)))
            }
            Expr::ScalarSubquery(_) => not_supported(),
            other => Ok(Transformed::no(other)),
        })
        .data()?;
    let rows = subquery.subquery.as_ref().clone();
    let Some((qualifier, field)) = rows.schema().iter().next() else {
        return not_supported();
    };
    let element = Expr::Column(Column::from((qualifier, field)));
    let (rows, element) = if is_correlated(subquery) {
        // The names within are the query's own until it has become a join. They must not be those of the value, too.
        if names_within(&rows, &value)? {
            return not_supported();
        }
        (LogicalPlanBuilder::from(rows), element)
    } else {
        let rows = LogicalPlanBuilder::from(rows)
            .project([element.alias(VALUE)])?
            .alias(SET)?;
        (rows, Expr::Column(Column::new(Some(SET), VALUE)))
    };
    let comparison = quantified::comparison(value, op, element);
    Ok(correlated(
        rows.filter(test(Box::new(comparison)))?.build()?,
        subquery,
    ))
}

/// Whether a column that the value names is one of the sub-query's, too.
fn names_within(rows: &LogicalPlan, value: &Expr) -> Result<bool> {
    let mut columns = Vec::new();
    value.apply(|expr| {
        if let Expr::OuterReferenceColumn(_, column) = expr {
            columns.push(column.clone());
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    rows.exists(|plan| Ok(columns.iter().any(|column| plan.schema().has_column(column))))
}

fn correlated(plan: LogicalPlan, like: &Subquery) -> Subquery {
    Subquery {
        outer_ref_columns: plan.all_out_ref_exprs(),
        subquery: Arc::new(plan),
        spans: like.spans.clone(),
    }
}

/// EXISTS of a correlated sub-query, without its LIMIT and OFFSET.
fn existence(exists: Exists) -> Result<Expr> {
    let Exists { subquery, negated } = exists;
    if is_one_row(&subquery) {
        return Ok(lit(!negated));
    }
    let LogicalPlan::Limit(limit) = subquery.subquery.as_ref() else {
        movable(&subquery)?;
        return Ok(Expr::Exists(Exists { subquery, negated }));
    };
    let (SkipType::Literal(skip), FetchType::Literal(fetch)) =
        (limit.get_skip_type()?, limit.get_fetch_type()?)
    else {
        return not_supported();
    };
    if fetch == Some(0) {
        return Ok(lit(negated));
    }
    let inner = limit.input.as_ref().clone();
    if skip == 0 {
        let subquery = correlated(without_order(inner), &subquery);
        return existence(Exists { subquery, negated });
    }
    let rows = LogicalPlanBuilder::from(without_order(inner))
        .aggregate(Vec::<Expr>::new(), [count(lit(1_i64))])?
        .build()?;
    let rows = correlated(rows, &subquery);
    path(&rows.subquery, false)?;
    let Ok(skip) = i64::try_from(skip) else {
        return Ok(lit(negated));
    };
    let op = if negated { Operator::LtEq } else { Operator::Gt };
    Ok(Expr::BinaryExpr(BinaryExpr::new(
        Box::new(Expr::ScalarSubquery(rows)),
        op,
        Box::new(lit(skip)),
    )))
}

fn without_order(plan: LogicalPlan) -> LogicalPlan {
    match plan {
        LogicalPlan::Sort(sort) => sort.input.as_ref().clone(),
        other => other,
    }
}

fn is_correlated(subquery: &Subquery) -> bool {
    !subquery.outer_ref_columns.is_empty()
}

/// Refuses a set of rows whose conditions on outer columns cannot be moved up to where it stands without changing its rows.
fn movable(subquery: &Subquery) -> Result<()> {
    match is_correlated(subquery) {
        true => path(&subquery.subquery, true),
        false => Ok(()),
    }
}

/// Whether the conditions of a set of rows on outer columns can be moved up.
pub(super) fn is_movable(rows: &LogicalPlan) -> bool {
    path(rows, true).is_ok()
}

/// Whether the value of a comparison has columns that are called like the correlated sub-query's own.
pub(super) fn shares_names(set: &SetComparison) -> Result<bool> {
    if !is_correlated(&set.subquery) {
        return Ok(false);
    }
    let columns = set.expr.column_refs();
    set.subquery
        .subquery
        .exists(|plan| Ok(columns.iter().any(|column| plan.schema().has_column(column))))
}

/// The same of a sub-query, which is a set or a value.
fn path(plan: &LogicalPlan, set: bool) -> Result<()> {
    if plan.all_out_ref_exprs().is_empty() {
        return Ok(());
    }
    match plan {
        LogicalPlan::Filter(_) | LogicalPlan::Projection(_) | LogicalPlan::SubqueryAlias(_) => {}
        LogicalPlan::Distinct(Distinct::All(_)) => {}
        // A condition on an aggregate without groups decides on a row that is there without rows, too.
        LogicalPlan::Aggregate(aggregate) if !set || !aggregate.group_expr.is_empty() => {}
        LogicalPlan::Join(join) => {
            let (left, right) = match join.join_type {
                JoinType::Inner => (true, true),
                JoinType::Left | JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark => {
                    (true, false)
                }
                JoinType::Right | JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => {
                    (false, true)
                }
                JoinType::Full => (false, false),
            };
            let holds = |side: &LogicalPlan| !side.all_out_ref_exprs().is_empty();
            if !left && holds(&join.left) || !right && holds(&join.right) {
                return not_supported();
            }
        }
        _ => return not_supported(),
    }
    plan.inputs().into_iter().try_for_each(|input| path(input, set))
}

/// Refuses sub-queries as conditions within an expression, and scalar ones that cannot be moved.
fn refuse(expr: &Expr) -> Result<()> {
    expr.apply(|expr| match expr {
        Expr::SetComparison(_) => not_supported(),
        Expr::InSubquery(set) if set.negated && is_correlated(&set.subquery) => not_supported(),
        Expr::ScalarSubquery(subquery) => {
            path(&subquery.subquery, false)?;
            Ok(TreeNodeRecursion::Continue)
        }
        Expr::InSubquery(InSubquery { subquery, .. }) => {
            movable(subquery)?;
            Ok(TreeNodeRecursion::Continue)
        }
        Expr::Exists(exists) => {
            movable(&exists.subquery)?;
            Ok(TreeNodeRecursion::Continue)
        }
        _ => Ok(TreeNodeRecursion::Continue),
    })?;
    Ok(())
}

fn not_supported<T>() -> Result<T> {
    not_impl_err!(
        "a sub-query of this form that names columns of the outer query, or is compared by ANY, ALL or NOT IN within an expression; \
         say it as a join, or as a condition of WHERE"
    )
}
