//! Literals as PostgreSQL reads them: numbers by their digits, intervals in the one form that Arrow's parser knows.

use radlake_sql::ast::{CastKind, DataType, ExactNumberInfo, Expr, Value};

use super::{intervals, scales};
use crate::{Error, Result};

/// A literal that is cast: numbers to floating point without a detour over decimals; intervals in one form.
///
/// # Errors
/// The literal is no value of the type.
pub(super) fn rewrite(expr: &mut Expr) -> Result<()> {
    match expr {
        Expr::Cast {
            expr: inner,
            data_type,
            ..
        } => {
            if let Expr::Value(value) = inner.as_mut() {
                literal(&mut value.value, data_type)?;
            }
        }
        Expr::TypedString(typed) => literal(&mut typed.value.value, &mut typed.data_type)?,
        Expr::Interval(interval) => {
            let unit = interval
                .leading_field
                .as_ref()
                .map(|field| field.to_string().to_lowercase());
            if interval.last_field.is_none()
                && let Some(text) = super::dialect::string(&mut interval.value)
            {
                let precision = interval.fractional_seconds_precision.take();
                *text = scales::seconds(&interval_text(text, unit.as_deref())?, precision);
                interval.leading_field = None;
            }
        }
        _ => {}
    }
    Ok(())
}

fn literal(value: &mut Value, data_type: &mut DataType) -> Result<()> {
    match value {
        Value::Number(number, _) if is_float(data_type) => {
            if number.parse::<f64>().is_ok_and(f64::is_infinite) {
                return Err(Error::NumericOverflow("double precision".to_owned()));
            }
            *value = Value::SingleQuotedString(number.clone());
        }
        Value::SingleQuotedString(text) => {
            if let DataType::Interval { precision, .. } = data_type {
                *text = scales::seconds(&interval_text(text, None)?, precision.take());
            }
        }
        _ => {}
    }
    Ok(())
}

fn interval_text(text: &str, unit: Option<&str>) -> Result<String> {
    intervals::normalised(text, unit).ok_or_else(|| Error::InvalidDatetime {
        type_name: "interval".to_owned(),
    })
}

/// A number that the planner would not read as PostgreSQL does.
pub(super) fn number(digits: &str) -> Result<Option<Expr>> {
    if has_exponent(digits) {
        // Beyond what numeric can hold here.
        return match digits.parse::<f64>() {
            Ok(value) if value.is_infinite() => Err(Error::NumericOverflow("double precision".to_owned())),
            Ok(value) if value != 0.0 && !(1e-18..1e18).contains(&value) => Ok(Some(float(digits))),
            _ => Ok(written_out(digits).map(|digits| numeric(&digits))),
        };
    }
    // Beyond int8 it is numeric; 2^63 itself may stand behind a minus.
    let whole = digits.parse::<u64>().is_ok_and(|value| value > 1 << 63);
    Ok(whole.then(|| {
        cast(
            Value::Number(digits.to_owned(), false),
            DataType::Numeric(ExactNumberInfo::PrecisionAndScale(20, 0)),
        )
    }))
}

/// `1.5e3` as `1500`.
pub(super) fn written_out(number: &str) -> Option<String> {
    // More zeros than any number here can have.
    const FAR: i32 = 400;
    let (mantissa, exponent) = number.split_once(['e', 'E'])?;
    let exponent: i32 = exponent.parse().ok().filter(|e| (-FAR..=FAR).contains(e))?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let point = i32::try_from(whole.len()).ok()? + exponent;
    let mut digits = format!("{whole}{fraction}");
    if point <= 0 {
        return Some(format!("0.{}{digits}", "0".repeat(usize::try_from(-point).ok()?)));
    }
    let point = usize::try_from(point).ok()?;
    if point >= digits.len() {
        digits.push_str(&"0".repeat(point - digits.len()));
    } else {
        digits.insert(point, '.');
    }
    Some(digits)
}

/// A literal of as many digits as it has.
fn numeric(digits: &str) -> Expr {
    let count = |digits: &str| digits.len() as u64;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let precision = (count(whole) + count(fraction)).max(1);
    let scale = i64::try_from(count(fraction)).unwrap_or(0);
    cast(
        Value::Number(digits.to_owned(), false),
        DataType::Numeric(ExactNumberInfo::PrecisionAndScale(precision, scale)),
    )
}

fn has_exponent(number: &str) -> bool {
    number.contains(['e', 'E'])
}

fn float(number: &str) -> Expr {
    cast(
        Value::SingleQuotedString(number.to_owned()),
        DataType::Double(ExactNumberInfo::None),
    )
}

fn cast(value: Value, data_type: DataType) -> Expr {
    Expr::Cast {
        kind: CastKind::DoubleColon,
        expr: Box::new(Expr::Value(value.into())),
        data_type,
        array: false,
        format: None,
    }
}

fn is_float(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Float(_)
            | DataType::Float4
            | DataType::Float8
            | DataType::Float32
            | DataType::Float64
            | DataType::Real
            | DataType::Double(_)
            | DataType::DoublePrecision
    )
}
