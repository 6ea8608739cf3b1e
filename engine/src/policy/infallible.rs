//! Which expressions a policy may have: those that cannot fail on a row, whatever is in it.
//!
//! A policy is evaluated on rows that it hides; an error there would tell that such a row exists. What has no column in it
//! may be anything: it is the same for every row.

use arrow::datatypes::DataType;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::{BinaryExpr, Cast, Expr, ExprSchemable, LogicalPlan, Operator, Subquery};

/// Functions that take any value.
const TOTAL: &[&str] = &[
    "array_has",
    "ascii",
    "btrim",
    "char_length",
    "character_length",
    "coalesce",
    "concat",
    "cut_blanks",
    "date_part",
    "enum_out",
    "enum_place",
    "greatest",
    "least",
    "left",
    "length",
    "lower",
    "ltrim",
    "nullif",
    "octet_length",
    "right",
    "rtrim",
    "starts_with",
    "text_out",
    "trim",
    "upper",
];

/// Those for masks, which take any value by construction.
const PRIVACY: &[&str] = &[
    "age_band",
    "date_shift",
    "noise",
    "partial",
    "pseudonym",
    "pseudonym_uid",
    "year_only",
];

/// [`fallible`] of a mask's plan. Functions for privacy give numbers as wide as they are computed and no larger than they came.
pub(crate) fn fallible_mask(plan: &LogicalPlan) -> Result<Option<String>> {
    fallible(plan)
}

/// What of a policy's plan may fail on a row, in words; `None` if nothing.
///
/// A sub-query that names nothing of the row is the same for every row, and reads with the rights of whom the policy binds: where
/// it fails, it tells him nothing that he could not ask himself.
pub(crate) fn fallible(plan: &LogicalPlan) -> Result<Option<String>> {
    let mut found = None;
    plan.apply(|node| {
        if matches!(node, LogicalPlan::Window(_)) {
            found = Some("a window function".to_owned());
            return Ok(TreeNodeRecursion::Stop);
        }
        let mut schema = DFSchema::empty();
        for input in node.inputs() {
            schema.merge(input.schema());
        }
        let plain = matches!(node, LogicalPlan::Aggregate(_) | LogicalPlan::TableScan(_));
        node.apply_expressions(|expr| {
            if found.is_none() && !plain {
                found = in_expr(expr, &schema)?;
            }
            if found.is_none() {
                found = in_subqueries(expr)?;
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(match found {
            Some(_) => TreeNodeRecursion::Stop,
            None => TreeNodeRecursion::Continue,
        })
    })?;
    Ok(found)
}

/// [`fallible`] of the sub-queries that name something of the row.
fn in_subqueries(expr: &Expr) -> Result<Option<String>> {
    let mut found = None;
    expr.apply(|part| {
        if let Some(query) = subquery(part).filter(|query| is_correlated(query)) {
            found = fallible(&query.subquery)?;
        }
        Ok(match found {
            Some(_) => TreeNodeRecursion::Stop,
            None => TreeNodeRecursion::Continue,
        })
    })?;
    Ok(found)
}

fn subquery(expr: &Expr) -> Option<&Subquery> {
    match expr {
        Expr::ScalarSubquery(query) => Some(query),
        Expr::Exists(exists) => Some(&exists.subquery),
        Expr::InSubquery(is_in) => Some(&is_in.subquery),
        Expr::SetComparison(comparison) => Some(&comparison.subquery),
        _ => None,
    }
}

fn is_correlated(query: &Subquery) -> bool {
    !query.outer_ref_columns.is_empty()
}

fn in_expr(expr: &Expr, schema: &DFSchema) -> Result<Option<String>> {
    let mut found = None;
    expr.apply(|part| {
        if !reads_columns(part)? {
            return Ok(TreeNodeRecursion::Jump);
        }
        found = match part {
            Expr::BinaryExpr(BinaryExpr { op, right, .. }) => match op {
                Operator::And
                | Operator::Or
                | Operator::StringConcat
                | Operator::AtArrow
                | Operator::ArrowAt
                | Operator::LikeMatch
                | Operator::NotLikeMatch
                | Operator::ILikeMatch
                | Operator::NotILikeMatch => None,
                op if op.supports_propagation() => None,
                Operator::RegexMatch
                | Operator::RegexIMatch
                | Operator::RegexNotMatch
                | Operator::RegexNotIMatch
                    if matches!(right.as_ref(), Expr::Literal(..)) =>
                {
                    None
                }
                Operator::IsDistinctFrom | Operator::IsNotDistinctFrom => None,
                other => Some(format!("operator {other}")),
            },
            Expr::Cast(Cast { expr, field }) => {
                if matches!(expr.as_ref(), Expr::ScalarFunction(function) if PRIVACY.contains(&function.name())) {
                    return Ok(TreeNodeRecursion::Continue);
                }
                let from = expr.get_type(schema)?;
                (!widens(&from, field.data_type()))
                    .then(|| format!("cast from {from} to {}", field.data_type()))
            }
            Expr::ScalarFunction(function)
                if !TOTAL.contains(&function.name()) && !PRIVACY.contains(&function.name()) =>
            {
                Some(format!("function {}", function.name()))
            }
            Expr::WindowFunction(_) | Expr::AggregateFunction(_) | Expr::Unnest(_) => {
                Some("a function over several rows".to_owned())
            }
            Expr::HigherOrderFunction(_) => Some("a function of functions".to_owned()),
            _ => None,
        };
        Ok(match found {
            Some(_) => TreeNodeRecursion::Stop,
            None => TreeNodeRecursion::Continue,
        })
    })?;
    Ok(found)
}

fn reads_columns(expr: &Expr) -> Result<bool> {
    let mut reads = false;
    expr.apply(|part| {
        reads = matches!(part, Expr::Column(_) | Expr::OuterReferenceColumn(..))
            || subquery(part).is_some_and(is_correlated);
        Ok(match reads {
            true => TreeNodeRecursion::Stop,
            false => TreeNodeRecursion::Continue,
        })
    })?;
    Ok(reads)
}

/// Whether each value of a type is one of the other.
fn widens(from: &DataType, to: &DataType) -> bool {
    use DataType as T;
    if from == to {
        return true;
    }
    let width = |data_type: &DataType| match data_type {
        T::Int8 => Some(1),
        T::Int16 => Some(2),
        T::Int32 => Some(4),
        T::Int64 => Some(8),
        _ => None,
    };
    match (from, to) {
        (T::Null, _)
        | (_, T::Utf8 | T::LargeUtf8 | T::Utf8View)
        | (T::Utf8 | T::LargeUtf8 | T::Utf8View, T::Binary)
        | (T::Int8 | T::Int16 | T::Int32 | T::Int64 | T::Float32 | T::Decimal128(..), T::Float64)
        | (T::Int8 | T::Int16 | T::Int32 | T::Int64, T::Float32) => true,
        (T::Int8 | T::Int16 | T::Int32 | T::Int64, T::Decimal128(precision, scale)) => {
            let digits = match from {
                T::Int8 => 3,
                T::Int16 => 5,
                T::Int32 => 10,
                _ => 19,
            };
            i16::from(*precision) - i16::from(*scale) >= digits
        }
        (T::List(from), T::List(to)) => widens(from.data_type(), to.data_type()),
        _ => matches!((width(from), width(to)), (Some(from), Some(to)) if from <= to),
    }
}
