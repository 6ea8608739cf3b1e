//! Arithmetic of floating point that ends in an error where PostgreSQL's does.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, Int64Array};
use arrow::compute::cast;
use arrow::compute::kernels::arity::try_binary;
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int64Type};
use arrow::error::ArrowError;
use datafusion::common::Result;
use datafusion::logical_expr::{Expr, Operator};

use super::Named;

/// `round` of one argument: halves to the even neighbour, as the hardware does.
pub(super) const ROUND: Named = Named {
    name: "round_half_even",
    returns: |types, _| Ok(types.first().cloned().unwrap_or(DataType::Float64)),
    run: |values, _| match values {
        [value] if value.data_type() == &DataType::Float32 => Ok(Arc::new(
            value
                .as_primitive::<Float32Type>()
                .unary::<_, Float32Type>(f32::round_ties_even),
        )),
        [value] => Ok(Arc::new(
            value
                .as_primitive::<Float64Type>()
                .unary::<_, Float64Type>(f64::round_ties_even),
        )),
        _ => datafusion::common::internal_err!("round takes one argument here"),
    },
};

/// The number of the other sign; what is not a number has none, by which it would be sorted.
pub(super) const NEGATE: Named = Named {
    name: "float_negate",
    returns: |types, _| Ok(types.first().cloned().unwrap_or(DataType::Float64)),
    run: |values, to| match values {
        [value] => {
            let value = cast(value, &DataType::Float64)?;
            let negated: Float64Array = value
                .as_primitive::<Float64Type>()
                .unary(|value| if value.is_nan() { f64::NAN } else { -value });
            let negated: ArrayRef = Arc::new(negated);
            Ok(cast(&negated, to)?)
        }
        _ => datafusion::common::internal_err!("a sign takes one operand"),
    },
};

/// A whole number that sorts as the float does in PostgreSQL: what is not a number is the greatest.
const ORDER_KEY: Named = Named {
    name: "float_order_key",
    returns: |_, _| Ok(DataType::Int64),
    run: |values, _| match values {
        [value] => {
            let value = cast(value, &DataType::Float64)?;
            let keys: Int64Array = value.as_primitive::<Float64Type>().unary(|value| {
                let bits = if value.is_nan() { f64::NAN } else { value }.to_bits() as i64;
                // IEEE 754's total order: of negative numbers the greater bits are the smaller number.
                bits ^ (((bits >> 63) as u64) >> 1) as i64
            });
            Ok(Arc::new(keys))
        }
        _ => datafusion::common::internal_err!("a key is of one number"),
    },
};

const OF_ORDER_KEY: Named = Named {
    name: "float_of_order_key",
    returns: |_, _| Ok(DataType::Float64),
    run: |values, _| match values {
        [keys] => {
            let floats: Float64Array = keys
                .as_primitive::<Int64Type>()
                .unary(|key| f64::from_bits((key ^ (((key >> 63) as u64) >> 1) as i64) as u64));
            Ok(Arc::new(floats))
        }
        _ => datafusion::common::internal_err!("a key is of one number"),
    },
};

/// The whole number that stands for a float in an order.
pub(in super::super) fn order_key(float: Expr) -> Expr {
    ORDER_KEY.call(vec![float])
}

/// The float, as `double precision`, that such a number stands for.
pub(in super::super) fn of_order_key(key: Expr) -> Expr {
    OF_ORDER_KEY.call(vec![key])
}

/// The operator on two numbers, one of which is a float; `None` for operators that need no care.
pub(in super::super) fn arithmetic(op: Operator, left: Expr, right: Expr) -> Option<Expr> {
    let function = match op {
        Operator::Plus => ADD,
        Operator::Minus => SUB,
        Operator::Multiply => MUL,
        Operator::Divide => DIV,
        _ => return None,
    };
    Some(function.call(vec![left, right]))
}

const ADD: Named = operator("float_add", |values, to| {
    apply(values, to, |l, r| finite(l + r, l, r))
});
const SUB: Named = operator("float_sub", |values, to| {
    apply(values, to, |l, r| finite(l - r, l, r))
});
const MUL: Named = operator("float_mul", |values, to| {
    apply(values, to, |l, r| {
        let product = finite(l * r, l, r)?;
        match product == 0.0 && l != 0.0 && r != 0.0 {
            true => Err(range("underflow")),
            false => Ok(product),
        }
    })
});
const DIV: Named = operator("float_div", |values, to| {
    apply(values, to, |l, r| {
        if r == 0.0 && !l.is_nan() {
            return Err(ArrowError::DivideByZero);
        }
        let quotient = finite(l / r, l, r)?;
        match quotient == 0.0 && l != 0.0 && r.is_finite() {
            true => Err(range("underflow")),
            false => Ok(quotient),
        }
    })
});

const fn operator(name: &'static str, run: fn(&[ArrayRef], &DataType) -> Result<ArrayRef>) -> Named {
    Named {
        name,
        returns: |types, _| {
            // Two float4 make one; anything else beside a float makes a float8.
            let narrow = types.iter().all(|t| matches!(t, DataType::Float32));
            Ok(if narrow {
                DataType::Float32
            } else {
                DataType::Float64
            })
        },
        run,
    }
}

fn apply(
    values: &[ArrayRef],
    to: &DataType,
    op: impl Fn(f64, f64) -> std::result::Result<f64, ArrowError>,
) -> Result<ArrayRef> {
    let [left, right] = values else {
        return datafusion::common::internal_err!("an operator of two operands");
    };
    let (left, right) = (cast(left, &DataType::Float64)?, cast(right, &DataType::Float64)?);
    let narrow = to == &DataType::Float32;
    let computed: Float64Array = try_binary(
        left.as_primitive::<Float64Type>(),
        right.as_primitive::<Float64Type>(),
        |l, r| {
            let value = op(l, r)?;
            // Hardware gives some a sign, by which it would be sorted.
            let value = if value.is_nan() { f64::NAN } else { value };
            if narrow && value.is_finite() && (value as f32).is_infinite() {
                return Err(range("overflow"));
            }
            Ok(value)
        },
    )?;
    let computed: ArrayRef = Arc::new(computed);
    Ok(cast(&computed, to)?)
}

fn finite(value: f64, left: f64, right: f64) -> std::result::Result<f64, ArrowError> {
    match value.is_infinite() && left.is_finite() && right.is_finite() {
        true => Err(range("overflow")),
        false => Ok(value),
    }
}

fn range(kind: &str) -> ArrowError {
    ArrowError::ComputeError(format!("double precision value out of range: {kind}"))
}

/// The argument of a function that is not defined for all numbers, checked.
pub(super) fn checked(function: &str, value: Expr) -> Expr {
    match function {
        "sqrt" => NOT_NEGATIVE.call(vec![value]),
        "asin" | "acos" => COSINE.call(vec![value]),
        _ => POSITIVE.call(vec![value]),
    }
}

const POSITIVE: Named = domain("checked_logarithm", |values, _| {
    check(values, |value| match value {
        0.0 => Err(ArrowError::ComputeError(
            "cannot take logarithm of zero".to_owned(),
        )),
        value if value < 0.0 => Err(ArrowError::ComputeError(
            "cannot take logarithm of a negative number".to_owned(),
        )),
        value => Ok(value),
    })
});
const NOT_NEGATIVE: Named = domain("checked_root", |values, _| {
    check(values, |value| match value < 0.0 {
        true => Err(ArrowError::ComputeError(
            "cannot take square root of a negative number".to_owned(),
        )),
        false => Ok(value),
    })
});
const COSINE: Named = domain("checked_cosine", |values, _| {
    check(values, |value| match value.abs() > 1.0 {
        true => Err(ArrowError::ComputeError(
            "double precision input is out of range".to_owned(),
        )),
        false => Ok(value),
    })
});

const fn domain(name: &'static str, run: fn(&[ArrayRef], &DataType) -> Result<ArrayRef>) -> Named {
    Named {
        name,
        returns: |_, _| Ok(DataType::Float64),
        run,
    }
}

fn check(
    values: &[ArrayRef],
    test: impl Fn(f64) -> std::result::Result<f64, ArrowError>,
) -> Result<ArrayRef> {
    let [value] = values else {
        return datafusion::common::internal_err!("one argument");
    };
    let checked: Float64Array = value.as_primitive::<Float64Type>().try_unary(test)?;
    Ok(Arc::new(checked))
}
