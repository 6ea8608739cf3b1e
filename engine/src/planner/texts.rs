//! Values as text, `x::text`, in PostgreSQL's output forms: Arrow's own differ for floating point, timestamps, intervals, bytes, arrays and
//! numerics without a scale.

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, IntervalMonthDayNanoType, IntervalUnit,
    Time64MicrosecondType, TimeUnit, TimestampMicrosecondType,
};
use datafusion::common::{Result, exec_err};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use radlake_udfs::datetime::read::{self, Zone};
use radlake_udfs::types::numeric;
use radlake_udfs::vectors::{self, VectorError};

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

/// Name of the function.
pub(super) const TEXT_OUT: &str = "text_out";

/// Whether a type's text is written here.
pub(super) fn is_ours(from: &DataType) -> bool {
    matches!(
        from,
        DataType::Float32
            | DataType::Float64
            | DataType::Timestamp(..)
            | DataType::Date32
            | DataType::Time32(_)
            | DataType::Time64(_)
            | DataType::Interval(IntervalUnit::MonthDayNano)
            | DataType::List(_)
    ) || vectors::dimensions(from).is_some()
        || numeric::is_open(from)
}

/// `expr::text`; moments in `zone`.
pub(super) fn text_out(expr: Expr, zone: &Arc<str>) -> Expr {
    let function = ScalarUDF::from(TextOut {
        zone: Arc::clone(zone),
        signature: Signature::any(1, Volatility::Immutable),
    });
    Expr::ScalarFunction(ScalarFunction::new_udf(Arc::new(function), vec![expr]))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct TextOut {
    zone: Arc<str>,
    signature: Signature,
}

impl ScalarUDFImpl for TextOut {
    fn name(&self) -> &str {
        TEXT_OUT
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let zone = Zone::parse(&self.zone)?;
        radlake_udfs::by_row(&args, |values| match values {
            [values] => Ok(Arc::new(texts(values, &zone)?)),
            _ => exec_err!("text_out takes one argument"),
        })
    }
}

/// The texts of all values.
pub(super) fn texts(values: &ArrayRef, zone: &Zone) -> Result<StringArray> {
    let mut out = StringBuilder::with_capacity(values.len(), values.len() * 16);
    let mut each = |write: &mut dyn FnMut(usize, &mut String) -> Result<()>| {
        let mut text = String::new();
        for row in 0..values.len() {
            if values.is_null(row) {
                out.append_null();
                continue;
            }
            text.clear();
            write(row, &mut text)?;
            out.append_value(&text);
        }
        Ok::<(), DataFusionError>(())
    };
    match values.data_type() {
        DataType::Float64 => {
            let values = values.as_primitive::<Float64Type>();
            each(&mut |row, text| {
                let value = values.value(row);
                float(value, &format!("{value:e}"), text);
                Ok(())
            })?;
        }
        DataType::Float32 => {
            let values = values.as_primitive::<Float32Type>();
            each(&mut |row, text| {
                let value = values.value(row);
                float(f64::from(value), &format!("{value:e}"), text);
                Ok(())
            })?;
        }
        of if numeric::is_open(of) => {
            let values = values.as_primitive::<Decimal128Type>();
            each(&mut |row, text| {
                text.push_str(numeric::without_zeros(&values.value_as_string(row)));
                Ok(())
            })?;
        }
        DataType::Timestamp(_, tz) => {
            let moments = cast(values, &DataType::Timestamp(TimeUnit::Microsecond, tz.clone()))?;
            let moments = moments.as_primitive::<TimestampMicrosecondType>();
            each(&mut |row, text| {
                let at = moments.value(row);
                let seconds = match tz.is_some() && !matches!(at, i64::MIN | i64::MAX) {
                    true => Some(zone.offset(at)?),
                    false => None,
                };
                timestamp(at, seconds, text);
                Ok(())
            })?;
        }
        DataType::Date32 => {
            let days = values.as_primitive::<Date32Type>();
            each(&mut |row, text| {
                date(days.value(row), text);
                Ok(())
            })?;
        }
        DataType::Time64(_) | DataType::Time32(_) => {
            let times = cast(values, &DataType::Time64(TimeUnit::Microsecond))?;
            let times = times.as_primitive::<Time64MicrosecondType>();
            each(&mut |row, text| {
                clock(times.value(row), text);
                Ok(())
            })?;
        }
        DataType::Interval(IntervalUnit::MonthDayNano) => {
            let values = values.as_primitive::<IntervalMonthDayNanoType>();
            each(&mut |row, text| {
                let value = values.value(row);
                interval(value.months, value.days, value.nanoseconds / 1000, text);
                Ok(())
            })?;
        }
        DataType::Binary => {
            let values = values.as_binary::<i32>();
            each(&mut |row, text| {
                text.push_str("\\x");
                for byte in values.value(row) {
                    let _ = write!(text, "{byte:02x}");
                }
                Ok(())
            })?;
        }
        DataType::List(_) => {
            let lists = values.as_list::<i32>();
            each(&mut |row, text| list(&lists.value(row), zone, text))?;
        }
        vector if vectors::dimensions(vector).is_some() => {
            let lists = values.as_fixed_size_list();
            each(&mut |row, text| {
                let elements = lists.value(row);
                let elements = elements.as_primitive::<Float32Type>();
                if elements.null_count() > 0 {
                    return Err(DataFusionError::External(Box::new(VectorError::NullElement)));
                }
                text.push_str(&vectors::print(elements.values()));
                Ok(())
            })?;
        }
        DataType::Boolean => {
            let values = values.as_boolean();
            each(&mut |row, text| {
                text.push(if values.value(row) { 't' } else { 'f' });
                Ok(())
            })?;
        }
        _ => return Ok(cast(values, &DataType::Utf8)?.as_string::<i32>().clone()),
    }
    Ok(out.finish())
}

/// The shortest digits that give the value again, as `float8out` lays them out; `digits` is its scientific form.
fn float(value: f64, digits: &str, text: &mut String) {
    if !value.is_finite() {
        text.push_str(match value {
            value if value.is_nan() => "NaN",
            value if value > 0.0 => "Infinity",
            _ => "-Infinity",
        });
        return;
    }
    let (mantissa, exponent) = digits.split_once('e').unwrap_or((digits, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |m| ("-", m));
    text.push_str(sign);
    if !(-4..15).contains(&exponent) {
        let (sign, size) = if exponent < 0 {
            ('-', -exponent)
        } else {
            ('+', exponent)
        };
        let _ = write!(text, "{mantissa}e{sign}{size:02}");
        return;
    }
    let digits: String = mantissa.chars().filter(|c| *c != '.').collect();
    match usize::try_from(exponent) {
        Ok(whole) if digits.len() <= whole + 1 => {
            text.push_str(&digits);
            text.extend(std::iter::repeat_n('0', whole + 1 - digits.len()));
        }
        Ok(whole) => {
            let (before, after) = digits.split_at(whole + 1);
            let _ = write!(text, "{before}.{after}");
        }
        Err(_) => {
            text.push_str("0.");
            text.extend(std::iter::repeat_n('0', exponent.unsigned_abs() as usize - 1));
            text.push_str(&digits);
        }
    }
}

/// A time of the clock, or with the seconds that it is ahead of UTC a moment.
fn timestamp(at: i64, ahead: Option<i64>, text: &mut String) {
    match at {
        i64::MAX => return text.push_str("infinity"),
        i64::MIN => return text.push_str("-infinity"),
        _ => {}
    }
    let shown = i128::from(at) + i128::from(ahead.unwrap_or(0)) * 1_000_000;
    let days = shown.div_euclid(i128::from(DAY)) as i64;
    let bc = day(days, text);
    text.push(' ');
    clock(shown.rem_euclid(i128::from(DAY)) as i64, text);
    if let Some(seconds) = ahead {
        offset(seconds, text);
    }
    text.push_str(if bc { " BC" } else { "" });
}

fn date(days: i32, text: &mut String) {
    match days {
        i32::MAX => text.push_str("infinity"),
        i32::MIN => text.push_str("-infinity"),
        days => {
            let bc = day(days.into(), text);
            text.push_str(if bc { " BC" } else { "" });
        }
    }
}

/// `2024-07-01`; true if it is before Christ, which is said at the end.
fn day(days: i64, text: &mut String) -> bool {
    let (year, month, day) = read::civil(days);
    let shown = if year > 0 { year } else { 1 - year };
    let _ = write!(text, "{shown:04}-{month:02}-{day:02}");
    year <= 0
}

/// `10:11:12.5`.
fn clock(micros: i64, text: &mut String) {
    let seconds = micros / 1_000_000;
    let _ = write!(
        text,
        "{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    );
    fraction(micros % 1_000_000, text);
}

fn fraction(micros: i64, text: &mut String) {
    if micros != 0 {
        let digits = format!("{micros:06}");
        let _ = write!(text, ".{}", digits.trim_end_matches('0'));
    }
}

/// `+01`, `-03:30`, `+06:55:25`.
fn offset(seconds: i64, text: &mut String) {
    let (sign, size) = if seconds < 0 {
        ('-', -seconds)
    } else {
        ('+', seconds)
    };
    let _ = write!(text, "{sign}{:02}", size / 3600);
    if size % 3600 != 0 {
        let _ = write!(text, ":{:02}", size / 60 % 60);
    }
    if size % 60 != 0 {
        let _ = write!(text, ":{:02}", size % 60);
    }
}

/// The style `postgres` of IntervalStyle: a part after a negative one has a sign.
fn interval(months: i32, days: i32, micros: i64, text: &mut String) {
    let mut before = false;
    for (value, unit) in [(months / 12, "year"), (months % 12, "mon"), (days, "day")] {
        if value == 0 {
            continue;
        }
        let gap = if text.is_empty() { "" } else { " " };
        let sign = if before && value > 0 { "+" } else { "" };
        let plural = if value == 1 { "" } else { "s" };
        let _ = write!(text, "{gap}{sign}{value} {unit}{plural}");
        before = value < 0;
    }
    if micros == 0 && !text.is_empty() {
        return;
    }
    let gap = if text.is_empty() { "" } else { " " };
    let sign = match (micros < 0, before) {
        (true, _) => "-",
        (false, true) => "+",
        (false, false) => "",
    };
    let size = micros.unsigned_abs();
    let seconds = size / 1_000_000;
    let _ = write!(
        text,
        "{gap}{sign}{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    );
    fraction((size % 1_000_000) as i64, text);
}

/// `{1,NULL,"a b"}`.
fn list(elements: &ArrayRef, zone: &Zone, text: &mut String) -> Result<()> {
    text.push('{');
    let nested = matches!(elements.data_type(), DataType::List(_));
    let shown = texts(elements, zone)?;
    for (place, element) in shown.iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        match element {
            None => text.push_str("NULL"),
            Some(element) if nested || is_plain(element) => text.push_str(element),
            Some(element) => {
                text.push('"');
                for character in element.chars() {
                    if matches!(character, '"' | '\\') {
                        text.push('\\');
                    }
                    text.push(character);
                }
                text.push('"');
            }
        }
    }
    text.push('}');
    Ok(())
}

/// Whether an element is written without quotes.
fn is_plain(element: &str) -> bool {
    !element.is_empty()
        && !element.eq_ignore_ascii_case("null")
        && !element.contains(['{', '}', ',', '"', '\\'])
        && !element.contains(|c: char| c.is_ascii_whitespace() || c == '\u{b}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_as_float8out_writes_them() {
        for (value, expected) in [
            (1.5, "1.5"),
            (100.0, "100"),
            (1e15, "1e+15"),
            (123_456_789_012_345.0, "123456789012345"),
            (1e100, "1e+100"),
            (1.25e-7, "1.25e-07"),
            (0.0001, "0.0001"),
            (-0.0, "-0"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            let mut text = String::new();
            float(value, &format!("{value:e}"), &mut text);
            assert_eq!(text, expected);
        }
    }

    #[test]
    fn intervals_in_the_style_of_postgres() {
        for (months, days, micros, expected) in [
            (14, 3, 4_000_000, "1 year 2 mons 3 days 00:00:04"),
            (-1, 1, -1_500_000, "-1 mons +1 day -00:00:01.5"),
            (0, -1, 3_600_000_000, "-1 days +01:00:00"),
            (0, 0, 0, "00:00:00"),
        ] {
            let mut text = String::new();
            interval(months, days, micros, &mut text);
            assert_eq!(text, expected);
        }
    }
}
