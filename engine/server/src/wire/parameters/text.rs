//! PostgreSQL's text representation of each type.

use std::str::FromStr;
use std::sync::Arc;

use arrow::datatypes::DataType;
use pgwire::api::Type;
use radlake::ScalarValue;
use radlake::datetimes::{self, Kind, Order, Problem};

use super::{Invalid, array, interval, literal};
use crate::wire::encode::Zone;
use crate::wire::types::{arrow_type_of, item_of};

/// Reads `text` as a value of the type `oid`.
pub(super) fn read(text: &str, oid: u32, zone: &Zone) -> Result<ScalarValue, Invalid> {
    let Some(kind) = Type::from_oid(oid) else {
        return Ok(ScalarValue::from(text));
    };
    let trimmed = text.trim();
    Ok(match kind {
        Type::BOOL => ScalarValue::Boolean(Some(boolean(trimmed)?)),
        Type::INT2 => ScalarValue::Int16(Some(integer(trimmed, "smallint")?)),
        Type::INT4 => ScalarValue::Int32(Some(integer(trimmed, "integer")?)),
        Type::INT8 => ScalarValue::Int64(Some(integer(trimmed, "bigint")?)),
        Type::OID | Type::REGCLASS | Type::REGTYPE | Type::REGPROC | Type::XID => {
            ScalarValue::UInt32(Some(integer(trimmed, "oid")?))
        }
        Type::FLOAT4 => ScalarValue::Float32(Some(float(trimmed, "real")?)),
        Type::FLOAT8 => ScalarValue::Float64(Some(float(trimmed, "double precision")?)),
        Type::NUMERIC => numeric(trimmed)?,
        Type::BYTEA => ScalarValue::Binary(Some(bytea(text)?)),
        Type::DATE => {
            let days = datetime(text, Kind::Date, "date", zone)?;
            ScalarValue::Date32(Some(i32::try_from(days).map_err(|_| Invalid::Range("date"))?))
        }
        Type::TIME => ScalarValue::Time64Microsecond(Some(datetime(text, Kind::Time, "time", zone)?)),
        Type::TIMESTAMP => {
            ScalarValue::TimestampMicrosecond(Some(datetime(text, Kind::Timestamp, "timestamp", zone)?), None)
        }
        Type::TIMESTAMPTZ => ScalarValue::TimestampMicrosecond(
            Some(datetime(
                text,
                Kind::Timestamptz,
                "timestamp with time zone",
                zone,
            )?),
            Some(Arc::from("UTC")),
        ),
        Type::INTERVAL => ScalarValue::IntervalMonthDayNano(Some(
            interval::parse(trimmed).ok_or(Invalid::Syntax("interval"))?,
        )),
        Type::UUID => ScalarValue::from(uuid(text)?.as_str()),
        Type::INT2_VECTOR | Type::OID_VECTOR => ScalarValue::from(text),
        _ => match arrow_type_of(oid) {
            Some(DataType::List(field)) => list(trimmed, item_of(oid, &field), field.data_type(), zone)?,
            _ => ScalarValue::from(text),
        },
    })
}

fn list(text: &str, item: u32, arrow: &DataType, zone: &Zone) -> Result<ScalarValue, Invalid> {
    let parsed = literal::parse(text).ok_or(Invalid::Syntax("array"))?;
    let null = || ScalarValue::try_from(arrow).map_err(|error| Invalid::Cast(error.to_string()));
    let items = parsed
        .items
        .iter()
        .map(|value| match value {
            None => null(),
            Some(value) => {
                let read = read(value, item, zone)?;
                if read.data_type() == *arrow {
                    Ok(read)
                } else {
                    read.cast_to(arrow).map_err(|e| Invalid::Cast(e.to_string()))
                }
            }
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok(array(&parsed.dimensions, items, arrow))
}

/// PostgreSQL takes every unique prefix of these words.
fn boolean(text: &str) -> Result<bool, Invalid> {
    let text = text.to_ascii_lowercase();
    let is = |word: &str, least: usize| text.len() >= least && word.starts_with(&text);
    if is("true", 1) || is("yes", 1) || is("on", 2) || text == "1" {
        Ok(true)
    } else if is("false", 1) || is("no", 1) || is("off", 2) || text == "0" {
        Ok(false)
    } else {
        Err(Invalid::Syntax("boolean"))
    }
}

fn integer<T: FromStr<Err = std::num::ParseIntError>>(text: &str, kind: &'static str) -> Result<T, Invalid> {
    use std::num::IntErrorKind::{NegOverflow, PosOverflow};
    text.parse()
        .map_err(|error: std::num::ParseIntError| match error.kind() {
            PosOverflow | NegOverflow => Invalid::Range(kind),
            _ => Invalid::Syntax(kind),
        })
}

fn float<T: FromStr>(text: &str, kind: &'static str) -> Result<T, Invalid> {
    // Rust reads `inf`, `infinity` and `nan` in any case too.
    text.parse().map_err(|_| Invalid::Syntax(kind))
}

/// Exact up to 76 digits, at the scale that the text has.
fn numeric(text: &str) -> Result<ScalarValue, Invalid> {
    let syntax = Invalid::Syntax("numeric");
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => match exponent.parse::<i32>() {
            Ok(exponent) => (mantissa, exponent),
            Err(_) => return Err(syntax),
        },
        None => (text, 0),
    };
    let (sign, digits) = match mantissa.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mut all = format!("{whole}{fraction}");
    if all.is_empty() || !all.bytes().all(|b| b.is_ascii_digit()) {
        return Err(syntax);
    }
    let mut scale = fraction.len() as i32 - exponent;
    if !(-76..=76).contains(&scale) {
        return Err(Invalid::Range("numeric"));
    }
    if scale < 0 {
        all.push_str(&"0".repeat(scale.unsigned_abs() as usize));
        scale = 0;
    }
    let significant = all.trim_start_matches('0');
    let value = format!("{sign}{}", if significant.is_empty() { "0" } else { significant });
    if significant.len() <= 38 && scale <= 38 {
        let value = value.parse().map_err(|_| Invalid::Range("numeric"))?;
        Ok(ScalarValue::Decimal128(Some(value), 38, scale as i8))
    } else if significant.len() <= 76 {
        let value = arrow::datatypes::i256::from_string(&value).ok_or(Invalid::Range("numeric"))?;
        Ok(ScalarValue::Decimal256(Some(value), 76, scale as i8))
    } else {
        Err(Invalid::Range("numeric"))
    }
}

/// `\x` and hex digits, or the escape format.
fn bytea(text: &str) -> Result<Vec<u8>, Invalid> {
    const SYNTAX: Invalid = Invalid::Syntax("bytea");
    if let Some(hex) = text.strip_prefix("\\x") {
        let digits: Vec<u8> = hex.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
        let digit = |b: u8| (b as char).to_digit(16).map(|d| d as u8).ok_or(SYNTAX);
        if !digits.len().is_multiple_of(2) {
            return Err(SYNTAX);
        }
        return digits
            .chunks(2)
            .map(|pair| Ok(digit(pair[0])? * 16 + digit(pair[1])?))
            .collect();
    }
    let (mut out, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'\\' {
            out.push(byte);
        } else if rest.first() == Some(&b'\\') {
            out.push(b'\\');
            rest = &rest[1..];
        } else {
            let octal = rest
                .get(..3)
                .and_then(|o| std::str::from_utf8(o).ok())
                .and_then(|o| u8::from_str_radix(o, 8).ok());
            out.push(octal.ok_or(SYNTAX)?);
            rest = &rest[3..];
        }
    }
    Ok(out)
}

/// A date or time. Where it is another in another order of day and month it is refused: the session's is not known here.
fn datetime(text: &str, kind: Kind, name: &'static str, zone: &Zone) -> Result<i64, Invalid> {
    let read = |order| datetimes::read(text, kind, zone.for_reading(), order);
    let value = read(Order::Mdy);
    if [Order::Dmy, Order::Ymd]
        .into_iter()
        .any(|order| read(order) != value)
    {
        return Err(Invalid::Unsupported(
            "a date whose day, month and year have no certain order; write YYYY-MM-DD",
        ));
    }
    value.map_err(|problem| match problem {
        Problem::Syntax | Problem::UnknownZone => Invalid::Syntax(name),
        Problem::Range | Problem::Displacement => Invalid::Range(name),
        Problem::Current => {
            Invalid::Unsupported("the words now, today, tomorrow and yesterday; use now() and CURRENT_DATE")
        }
        Problem::Unsupported(what) => Invalid::Unsupported(what),
    })
}

/// In the one spelling that values of the type have here. A hyphen may stand after any four digits.
fn uuid(text: &str) -> Result<String, Invalid> {
    let inner = text
        .strip_prefix('{')
        .map_or(Some(text), |rest| rest.strip_suffix('}'))
        .ok_or(Invalid::Syntax("uuid"))?;
    let mut digits = String::with_capacity(32);
    let mut hyphen = false;
    for c in inner.chars() {
        if c == '-' && !hyphen && digits.len().is_multiple_of(4) && (1..32).contains(&digits.len()) {
            hyphen = true;
        } else if c.is_ascii_hexdigit() {
            digits.push(c.to_ascii_lowercase());
            hyphen = false;
        } else {
            return Err(Invalid::Syntax("uuid"));
        }
    }
    match digits.len() {
        32 => Ok(hyphenate(&digits)),
        _ => Err(Invalid::Syntax("uuid")),
    }
}

/// 32 hex digits with PostgreSQL's hyphens.
pub(super) fn hyphenate(digits: &str) -> String {
    [
        &digits[..8],
        &digits[8..12],
        &digits[12..16],
        &digits[16..20],
        &digits[20..],
    ]
    .join("-")
}
