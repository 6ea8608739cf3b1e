//! `rank(v) WITHIN GROUP (ORDER BY x)` and its like: the place that a row would have among the others (ISO/IEC 9075-2, hypothetical set
//! functions). They count the rows that come before it, which an aggregate with a FILTER says.

use radlake_sql::ast::{
    BinaryOperator, CastKind, DataType, DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArguments, OrderByExpr, Value,
};

use super::dialect::call;
use super::shapes::calls_volatile;
use crate::{Error, Result};

/// Their names.
pub(super) const NAMES: [&str; 4] = ["rank", "dense_rank", "percent_rank", "cume_dist"];

/// What the function says, where `given` are the values of the row that is not there, one for each key of the order.
///
/// # Errors
/// [`Error::UndefinedFunction`]: values and keys are not as many. [`Error::Unsupported`]: values that are others each time, and
/// `dense_rank` over several keys.
pub(super) fn rewrite(name: &str, given: &[Expr], function: &Function) -> Result<Expr> {
    let keys = function.within_group.as_slice();
    if given.len() != keys.len() {
        return Err(Error::UndefinedFunction {
            name: format!("{name}()"),
            hint: Some(format!("{name} wants as many values as WITHIN GROUP has keys.")),
            position: None,
        });
    }
    if given
        .iter()
        .chain(keys.iter().map(|key| &key.expr))
        .any(calls_volatile)
    {
        return Err(Error::unsupported(format!(
            "a volatile function as an argument of {name}"
        )));
    }
    let rows = Rows {
        filter: function.filter.as_deref(),
        given,
        keys,
    };
    let answer = match name {
        "rank" => plus(rows.before(), number(1)),
        "dense_rank" => plus(rows.different_before()?, number(1)),
        "percent_rank" => {
            // Alone it is the first.
            let all = call("nullif", vec![rows.all(), number(0)]);
            let share = binary(double(rows.before()), BinaryOperator::Divide, double(all));
            call("coalesce", vec![share, double(number(0))])
        }
        _ => binary(
            double(plus(rows.up_to(), number(1))),
            BinaryOperator::Divide,
            double(plus(rows.all(), number(1))),
        ),
    };
    Ok(Expr::Nested(Box::new(answer)))
}

struct Rows<'a> {
    filter: Option<&'a Expr>,
    given: &'a [Expr],
    keys: &'a [OrderByExpr],
}

impl Rows<'_> {
    fn all(&self) -> Expr {
        self.counted(None, None)
    }

    fn before(&self) -> Expr {
        self.counted(None, Some(self.comes_before(false)))
    }

    fn up_to(&self) -> Expr {
        self.counted(None, Some(self.comes_before(true)))
    }

    fn different_before(&self) -> Result<Expr> {
        let [key] = self.keys else {
            return Err(Error::unsupported("dense_rank over several keys"));
        };
        let before = self.comes_before(false);
        let none = Expr::IsNull(Box::new(key.expr.clone()));
        // NULL is a value of its own here.
        Ok(plus(
            self.counted(Some(key.expr.clone()), Some(before.clone())),
            self.counted(
                Some(none.clone()),
                Some(binary(before, BinaryOperator::And, none)),
            ),
        ))
    }

    /// Whether a row comes before that of the given values, key by key from the last; `or_with`: or beside it.
    fn comes_before(&self, or_with: bool) -> Expr {
        let mut pairs = self.given.iter().zip(self.keys).rev();
        let Some((value, key)) = pairs.next() else {
            return Expr::Value(Value::Boolean(or_with).into());
        };
        let last = match or_with {
            true => binary(less(key, value), BinaryOperator::Or, same(key, value)),
            false => less(key, value),
        };
        pairs.fold(last, |rest, (value, key)| {
            let tied = binary(same(key, value), BinaryOperator::And, rest);
            binary(less(key, value), BinaryOperator::Or, tied)
        })
    }

    /// `count(*)` or `count(DISTINCT …)` of the rows of which a condition is true.
    fn counted(&self, distinct: Option<Expr>, condition: Option<Expr>) -> Expr {
        let mut count = match call("count", distinct.into_iter().collect()) {
            Expr::Function(count) => count,
            other => return other,
        };
        if let FunctionArguments::List(list) = &mut count.args {
            match list.args.is_empty() {
                true => list.args.push(FunctionArg::Unnamed(FunctionArgExpr::Wildcard)),
                false => list.duplicate_treatment = Some(DuplicateTreatment::Distinct),
            }
        }
        let filter = self.filter.cloned().map(|filter| Expr::Nested(Box::new(filter)));
        count.filter = match (filter, condition) {
            (Some(filter), Some(condition)) => Some(binary(filter, BinaryOperator::And, condition)),
            (filter, condition) => filter.or(condition),
        }
        .map(Box::new);
        Expr::Function(count)
    }
}

/// Whether a row's key comes before the value: NULLs come last, or first where the order falls.
fn less(key: &OrderByExpr, value: &Expr) -> Expr {
    let falls = key.options.asc == Some(false);
    let nulls_first = key.options.nulls_first.unwrap_or(falls);
    let op = match falls {
        true => BinaryOperator::Gt,
        false => BinaryOperator::Lt,
    };
    let compared = binary(key.expr.clone(), op, value.clone());
    let (null_side, other) = match nulls_first {
        true => (&key.expr, value),
        false => (value, &key.expr),
    };
    let by_null = binary(
        Expr::IsNull(Box::new(null_side.clone())),
        BinaryOperator::And,
        Expr::IsNotNull(Box::new(other.clone())),
    );
    // A comparison with NULL is not false.
    let compared = call(
        "coalesce",
        vec![compared, Expr::Value(Value::Boolean(false).into())],
    );
    binary(compared, BinaryOperator::Or, by_null)
}

fn same(key: &OrderByExpr, value: &Expr) -> Expr {
    let same = Expr::IsNotDistinctFrom(Box::new(key.expr.clone()), Box::new(value.clone()));
    Expr::Nested(Box::new(same))
}

fn binary(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    Expr::Nested(Box::new(Expr::BinaryOp {
        left: Box::new(left),
        op,
        right: Box::new(right),
    }))
}

fn plus(left: Expr, right: Expr) -> Expr {
    binary(left, BinaryOperator::Plus, right)
}

fn number(number: u8) -> Expr {
    Expr::Value(Value::Number(number.to_string(), false).into())
}

fn double(expr: Expr) -> Expr {
    Expr::Cast {
        kind: CastKind::DoubleColon,
        expr: Box::new(expr),
        data_type: DataType::DoublePrecision,
        array: false,
        format: None,
    }
}
