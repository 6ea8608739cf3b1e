//! The digits of seconds that a type has: `timestamp(0)`, `time(3)`, `interval(2)`.

use radlake_sql::ast::{CastKind, DataType, Expr, Value, Values};

use super::dialect::{call, null};
use crate::{Error, Result};

/// Digits of a microsecond; more are no more.
const MOST: u64 = 6;

/// A cast to a type with fewer digits rounds what it gives.
///
/// # Errors
/// [`Error::Unsupported`]: of intervals that are no literals.
pub(super) fn rewrite(expr: &mut Expr) -> Result<()> {
    if let Expr::TypedString(typed) = expr
        && digits(&mut typed.data_type.clone()).is_some()
    {
        *expr = cast(Expr::Value(typed.value.clone()), typed.data_type.clone());
    }
    let Expr::Cast {
        expr: inner,
        data_type,
        ..
    } = expr
    else {
        return Ok(());
    };
    if let DataType::Interval {
        precision: Some(precision),
        ..
    } = data_type
        && *precision < MOST
        && !matches!(inner.as_ref(), Expr::Value(_))
    {
        return Err(Error::unsupported(
            "interval with fewer digits of what is no literal",
        ));
    }
    if let Some(digits) = digits(data_type) {
        let value = std::mem::replace(expr, null());
        let digits = Expr::Value(Value::Number(digits.to_string(), false).into());
        *expr = call("datetime_scale", vec![value, digits]);
    }
    Ok(())
}

/// Takes the digits out of a type that has fewer than all.
fn digits(data_type: &mut DataType) -> Option<u64> {
    match data_type {
        DataType::Timestamp(digits, _) | DataType::Time(digits, _) => {
            digits.take().filter(|digits| *digits < MOST)
        }
        _ => None,
    }
}

/// An interval as [`super::intervals::normalised`] writes it, its seconds with so many digits.
pub(super) fn seconds(interval: &str, precision: Option<u64>) -> String {
    let parts = interval
        .strip_suffix(" seconds")
        .and_then(|text| text.rsplit_once(' '));
    let (Some((before, seconds)), Some(digits)) = (parts, precision.filter(|digits| *digits < MOST)) else {
        return interval.to_owned();
    };
    let sign = if seconds.starts_with('-') { "-" } else { "" };
    let micros: i64 = seconds.replace(['-', '.'], "").parse().unwrap_or(0);
    let unit = 10_i64.pow((MOST - digits) as u32);
    let micros = (micros + unit / 2) / unit * unit;
    format!(
        "{before} {sign}{}.{:06} seconds",
        micros / 1_000_000,
        micros % 1_000_000
    )
}

/// A text without a type in a column of VALUES has the type of the dates or times of other rows.
pub(super) fn values(rows: &mut Values) {
    let width = rows.rows.first().map_or(0, |row| row.content.len());
    for at in 0..width {
        let mut types = rows
            .rows
            .iter()
            .filter_map(|row| row.content.get(at).and_then(type_of));
        let Some(first) = types.next() else {
            continue;
        };
        if types.any(|other| other != first) {
            continue;
        }
        for cell in rows.rows.iter_mut().filter_map(|row| row.content.get_mut(at)) {
            if matches!(cell, Expr::Value(value) if matches!(value.value, Value::SingleQuotedString(_))) {
                *cell = cast(std::mem::replace(cell, null()), first.clone());
            }
        }
    }
}

fn type_of(cell: &Expr) -> Option<DataType> {
    match cell {
        Expr::Nested(inner) => type_of(inner),
        Expr::Cast { data_type, .. } => Some(data_type.clone()),
        Expr::TypedString(typed) => Some(typed.data_type.clone()),
        _ => None,
    }
    .filter(|data_type| {
        matches!(
            data_type,
            DataType::Date | DataType::Time(..) | DataType::Timestamp(..)
        )
    })
}

fn cast(expr: Expr, data_type: DataType) -> Expr {
    Expr::Cast {
        kind: CastKind::DoubleColon,
        expr: Box::new(expr),
        data_type,
        array: false,
        format: None,
    }
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn fractions_of_intervals_round_away_from_zero() {
        let text = "0 months 1 days 1.500000 seconds";
        assert_eq!(seconds(text, Some(0)), "0 months 1 days 2.000000 seconds");
        assert_eq!(seconds(text, None), text);
        assert_eq!(
            seconds("0 months 0 days -12.345678 seconds", Some(2)),
            "0 months 0 days -12.350000 seconds"
        );
    }
}
