//! Casts to numeric. Of floating point numbers they take the digits that PostgreSQL takes, 15 of double precision and 6 of real. What
//! has more digits behind the point than `numeric` without a scale keeps here is refused, not rounded, where it was written so.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, StringArray, StringBuilder};
use arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType, Float32Type, Float64Type};
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result, ScalarValue, exec_err};
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::expr::{Cast, ScalarFunction};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, LogicalPlan, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use datafusion::optimizer::AnalyzerRule;

use radlake_udfs::types::numeric::SCALE;

use super::{expressions, literals};

/// `numeric` without precision and scale.
pub(super) const NUMERIC: DataType = DataType::Decimal128(DECIMAL128_MAX_PRECISION, SCALE);

/// The rule, which is to run after types were made to agree.
#[derive(Debug)]
pub(super) struct Numerics {
    digits: Arc<ScalarUDF>,
}

impl Numerics {
    pub(super) fn new() -> Self {
        Self {
            digits: Arc::new(ScalarUDF::from(Digits {
                signature: Signature::any(1, Volatility::Immutable),
            })),
        }
    }

    fn cast(&self, expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
        let Expr::Cast(Cast { expr: inner, field }) = expr else {
            return Ok(Transformed::no(expr));
        };
        let target = field.data_type();
        let same = |inner, field| Ok(Transformed::no(Expr::Cast(Cast { expr: inner, field })));
        if !matches!(target, DataType::Decimal128(..) | DataType::Decimal256(..)) {
            return same(inner, field);
        }
        if *target == NUMERIC
            && let Expr::Literal(ScalarValue::Decimal128(Some(value), _, scale), _) = inner.as_ref()
            && *scale > SCALE
            && value % 10_i128.pow(u32::from((scale - SCALE).unsigned_abs())) != 0
        {
            return too_long();
        }
        let wanted = match inner.get_type(schema)? {
            DataType::Float32 | DataType::Float64 => true,
            DataType::Utf8 => *target == NUMERIC,
            _ => false,
        };
        if !wanted {
            return same(inner, field);
        }
        let call = ScalarFunction::new_udf(Arc::clone(&self.digits), vec![*inner]);
        Ok(Transformed::yes(Expr::Cast(Cast {
            expr: Box::new(Expr::ScalarFunction(call)),
            field,
        })))
    }
}

fn too_long<T>() -> Result<T> {
    exec_err!("numeric without a scale keeps {SCALE} digits behind the point; more are not supported")
}

impl AnalyzerRule for Numerics {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        expressions::rewrite(plan, |expr, schema| {
            // A cast of what the function gives was rewritten before.
            if let Expr::Cast(cast) = &expr
                && matches!(cast.expr.as_ref(), Expr::ScalarFunction(call) if call.func.name() == Digits::NAME)
            {
                return Ok(Transformed::no(expr));
            }
            self.cast(expr, schema)
        })
    }

    fn name(&self) -> &str {
        "numerics"
    }
}

/// The digits of a number or a text, as a text that a decimal is read from.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Digits {
    signature: Signature,
}

impl Digits {
    const NAME: &str = "numeric_digits";
}

impl ScalarUDFImpl for Digits {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        radlake_udfs::by_row(&args, |values| {
            let [values] = values else {
                return exec_err!("numeric_digits takes one argument");
            };
            Ok(match values.data_type() {
                DataType::Float64 => written(values.as_primitive::<Float64Type>().iter(), 15),
                DataType::Float32 => written(
                    values
                        .as_primitive::<Float32Type>()
                        .iter()
                        .map(|value| value.map(f64::from)),
                    6,
                ),
                _ => Arc::new(checked(values.as_string::<i32>())?),
            })
        })
    }
}

/// Numbers with so many digits, written out.
fn written(values: impl Iterator<Item = Option<f64>>, digits: usize) -> ArrayRef {
    let mut out = StringBuilder::new();
    for value in values {
        out.append_option(value.map(|value| match value.is_finite() {
            true => rounded(value, digits),
            false => value.to_string(),
        }));
    }
    Arc::new(out.finish())
}

/// `1234567.891` with six digits is `1234570`.
fn rounded(value: f64, digits: usize) -> String {
    let text = format!("{value:.*e}", digits - 1);
    let Some((mantissa, exponent)) = text.split_once('e') else {
        return text;
    };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", mantissa),
    };
    let mut digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let point = exponent + 1;
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or_default());
    if point <= 0 {
        return format!("{sign}0.{}{digits}", zeros(-point));
    }
    let point = usize::try_from(point).unwrap_or_default();
    if point >= digits.len() {
        digits.push_str(&"0".repeat(point - digits.len()));
    } else {
        digits.insert(point, '.');
    }
    format!("{sign}{digits}")
}

/// The texts without exponents, which the cast does not read everywhere. Refused are those with more digits behind the point than are
/// kept; what is no number the cast refuses.
fn checked(texts: &StringArray) -> Result<StringArray> {
    texts
        .iter()
        .map(|text| {
            let Some(text) = text.map(str::trim) else {
                return Ok(None);
            };
            let plain = match text.contains(['e', 'E']) && text.parse::<f64>().is_ok() {
                true => plain(text),
                false => Cow::Borrowed(text),
            };
            let behind = plain.split_once('.').map_or("", |(_, fraction)| fraction);
            if behind.trim_end_matches('0').len() > usize::from(SCALE.unsigned_abs()) {
                return too_long();
            }
            Ok(Some(plain))
        })
        .collect()
}

/// `-1.5e3` as `-1500`.
fn plain(text: &str) -> Cow<'_, str> {
    let (sign, number) = match text.strip_prefix('-') {
        Some(number) => ("-", number),
        None => ("", text.trim_start_matches('+')),
    };
    match literals::written_out(number) {
        Some(digits) => Cow::Owned(format!("{sign}{digits}")),
        None => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_have_their_digits() {
        assert_eq!(rounded(0.1 + 0.2, 15), "0.300000000000000");
        assert_eq!(rounded(1_234_567.891, 6), "1234570");
        assert_eq!(rounded(-1e-7, 15), "-0.000000100000000000000");
        assert_eq!(rounded(1e20, 15), "100000000000000000000");
        assert_eq!(rounded(0.0, 6), "0.00000");
        assert_eq!(rounded(9.999_999_9, 6), "10.0000");
    }

    #[test]
    fn texts_of_too_many_digits_are_refused() {
        let check =
            |text: &str| checked(&StringArray::from(vec![Some(text), None])).map(|it| it.value(0).to_owned());
        assert!(check("0.1234567890").is_ok());
        assert!(check("0.12345678901").is_err());
        assert!(check("0.123456789010e1").is_ok());
        assert!(check("1.5e-10").is_err());
        assert!(check("12345678901234567890").is_ok());
        assert_eq!(check(" -1.5e-9 ").unwrap(), "-0.0000000015");
        assert_eq!(check("no number").unwrap(), "no number");
    }
}
