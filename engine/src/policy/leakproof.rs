//! Which of a client's conditions may be evaluated on rows that the client may not see.
//!
//! Below a barrier only what can neither fail nor tell: comparisons of a column as it is with a literal of its type, lists of
//! literals, IS NULL, and what AND, OR and NOT make of these.

use datafusion::arrow::datatypes::Schema;
use datafusion::logical_expr::{Between, BinaryExpr, Expr, Operator};

/// Whether a condition is such. `open` says of a column's name whether its values are shown as they are.
pub(crate) fn is_leakproof(condition: &Expr, schema: &Schema, open: &dyn Fn(&str) -> bool) -> bool {
    let column = |expr: &Expr| match expr {
        Expr::Column(column) if open(&column.name) => {
            let field = schema.field_with_name(&column.name).ok()?;
            Some(field.data_type().clone())
        }
        _ => None,
    };
    let same = |left: &Expr, right: &Expr| match (column(left), right) {
        (Some(data_type), Expr::Literal(value, _)) => value.data_type() == data_type,
        _ => false,
    };
    let also = |part: &Expr| is_leakproof(part, schema, open);
    match condition {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match op {
            Operator::And | Operator::Or => also(left) && also(right),
            Operator::Eq
            | Operator::NotEq
            | Operator::Lt
            | Operator::LtEq
            | Operator::Gt
            | Operator::GtEq
            | Operator::IsDistinctFrom
            | Operator::IsNotDistinctFrom => same(left, right) || same(right, left),
            _ => false,
        },
        Expr::Not(part) => also(part),
        Expr::IsNull(part) | Expr::IsNotNull(part) => column(part).is_some(),
        Expr::IsTrue(part)
        | Expr::IsFalse(part)
        | Expr::IsUnknown(part)
        | Expr::IsNotTrue(part)
        | Expr::IsNotFalse(part)
        | Expr::IsNotUnknown(part) => also(part),
        Expr::InList(list) => !list.list.is_empty() && list.list.iter().all(|value| same(&list.expr, value)),
        Expr::Between(Between { expr, low, high, .. }) => same(expr, low) && same(expr, high),
        Expr::Literal(value, _) => value.data_type() == arrow::datatypes::DataType::Boolean,
        Expr::Column(_) => column(condition) == Some(arrow::datatypes::DataType::Boolean),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{DataType, Field};
    use datafusion::functions::expr_fn::lower;
    use datafusion::prelude::{cast, col, lit};

    use super::*;

    #[test]
    fn only_plain_comparisons_go_below() {
        let schema = Schema::new(vec![
            Field::new("a", DataType::Int64, true),
            Field::new("t", DataType::Utf8, true),
            Field::new("secret", DataType::Int64, true),
            Field::new("flag", DataType::Boolean, true),
        ]);
        let passes = |expr: Expr| is_leakproof(&expr, &schema, &|name| name != "secret");
        assert!(passes(col("a").eq(lit(1_i64))));
        assert!(passes(lit(1_i64).lt(col("a")).and(col("t").not_eq(lit("x")))));
        assert!(passes(
            col("a")
                .in_list(vec![lit(1_i64), lit(2_i64)], true)
                .or(col("flag"))
        ));
        assert!(passes(col("t").is_null()));
        assert!(passes(col("a").between(lit(1_i64), lit(2_i64))));
        assert!(!passes(col("a").eq(lit(1_i32))), "another type is a cast");
        assert!(!passes(col("secret").eq(lit(1_i64))));
        assert!(!passes(col("secret").is_null()));
        assert!(!passes((lit(1_i64) / col("a")).eq(lit(1_i64))));
        assert!(!passes(cast(col("t"), DataType::Int64).eq(lit(1_i64))));
        assert!(!passes(lower(col("t")).eq(lit("x"))));
        assert!(!passes(col("t").like(lit("a%"))));
        assert!(!passes(col("a").eq(col("a"))));
        assert!(!passes(
            col("a")
                .eq(lit(1_i64))
                .and((lit(1_i64) / col("a")).eq(lit(1_i64)))
        ));
    }
}
