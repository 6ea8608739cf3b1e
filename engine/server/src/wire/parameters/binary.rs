//! PostgreSQL's binary representation of each type.

use std::sync::Arc;

use arrow::datatypes::{DataType, IntervalMonthDayNano, i256};
use pgwire::api::Type;
use radlake::ScalarValue;

use super::{Invalid, array, text};
use crate::wire::types::arrow_type_of;

/// Days and microseconds from 1970 to 2000.
const DAYS: i32 = 10_957;
const MICROS: i64 = 946_684_800_000_000;

/// Reads `bytes` as a value of the type `oid`.
pub(super) fn read(bytes: &[u8], oid: u32) -> Result<ScalarValue, Invalid> {
    let Some(kind) = Type::from_oid(oid) else {
        return string(bytes);
    };
    Ok(match kind {
        Type::BOOL => ScalarValue::Boolean(Some(fixed::<1>(bytes)?[0] != 0)),
        Type::INT2 => ScalarValue::Int16(Some(i16::from_be_bytes(fixed(bytes)?))),
        Type::INT4 => ScalarValue::Int32(Some(i32::from_be_bytes(fixed(bytes)?))),
        Type::INT8 => ScalarValue::Int64(Some(i64::from_be_bytes(fixed(bytes)?))),
        Type::OID | Type::REGCLASS | Type::REGTYPE | Type::REGPROC | Type::XID => {
            ScalarValue::UInt32(Some(u32::from_be_bytes(fixed(bytes)?)))
        }
        Type::FLOAT4 => ScalarValue::Float32(Some(f32::from_be_bytes(fixed(bytes)?))),
        Type::FLOAT8 => ScalarValue::Float64(Some(f64::from_be_bytes(fixed(bytes)?))),
        Type::NUMERIC => numeric(bytes)?,
        Type::BYTEA => ScalarValue::Binary(Some(bytes.to_vec())),
        Type::DATE => ScalarValue::Date32(Some(match i32::from_be_bytes(fixed(bytes)?) {
            ends @ (i32::MIN | i32::MAX) => ends,
            days => days.checked_add(DAYS).ok_or(Invalid::Range("date"))?,
        })),
        Type::TIME => ScalarValue::Time64Microsecond(Some(i64::from_be_bytes(fixed(bytes)?))),
        Type::TIMESTAMP => ScalarValue::TimestampMicrosecond(Some(instant(bytes)?), None),
        Type::TIMESTAMPTZ => ScalarValue::TimestampMicrosecond(Some(instant(bytes)?), Some(Arc::from("UTC"))),
        Type::INTERVAL => interval(fixed(bytes)?)?,
        Type::UUID => {
            let digits: String = fixed::<16>(bytes)?
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            ScalarValue::from(text::hyphenate(&digits).as_str())
        }
        Type::JSONB => match bytes.split_first() {
            Some((1, rest)) => string(rest)?,
            _ => return Err(Invalid::Binary),
        },
        _ => match arrow_type_of(oid) {
            Some(DataType::List(field)) => list(bytes, field.data_type())?,
            _ => string(bytes)?,
        },
    })
}

fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N], Invalid> {
    bytes.try_into().map_err(|_| Invalid::Binary)
}

fn string(bytes: &[u8]) -> Result<ScalarValue, Invalid> {
    std::str::from_utf8(bytes)
        .map(ScalarValue::from)
        .map_err(|_| Invalid::Encoding)
}

fn instant(bytes: &[u8]) -> Result<i64, Invalid> {
    match i64::from_be_bytes(fixed(bytes)?) {
        ends @ (i64::MIN | i64::MAX) => Ok(ends),
        micros => micros.checked_add(MICROS).ok_or(Invalid::Range("timestamp")),
    }
}

fn interval(bytes: [u8; 16]) -> Result<ScalarValue, Invalid> {
    let (micros, rest) = bytes.split_at(8);
    let (days, months) = rest.split_at(4);
    let nanos = i64::from_be_bytes(fixed(micros)?)
        .checked_mul(1_000)
        .ok_or(Invalid::Range("interval"))?;
    let value = IntervalMonthDayNano::new(
        i32::from_be_bytes(fixed(months)?),
        i32::from_be_bytes(fixed(days)?),
        nanos,
    );
    Ok(ScalarValue::IntervalMonthDayNano(Some(value)))
}

/// Groups of four decimal digits, the first of weight 10000^weight.
fn numeric(bytes: &[u8]) -> Result<ScalarValue, Invalid> {
    let (head, groups) = bytes.split_at_checked(8).ok_or(Invalid::Binary)?;
    let part = |at: usize| u16::from_be_bytes([head[at], head[at + 1]]);
    let (count, weight, sign, scale) = (usize::from(part(0)), part(2) as i16, part(4), part(6));
    if groups.len() != count * 2 || !matches!(sign, 0 | 0x4000) {
        // NaN and the infinities are no decimals.
        return Err(if matches!(sign, 0xc000 | 0xd000 | 0xf000) {
            Invalid::Range("numeric")
        } else {
            Invalid::Binary
        });
    }
    if scale > 76 {
        return Err(Invalid::Range("numeric"));
    }
    let ten = i256::from_i128(10);
    let range = Invalid::Range("numeric");
    let mut value = i256::ZERO;
    // Digits before and after the point, one by one, as far as the scale goes.
    let digit = |position: i32| {
        let group = i32::from(weight) - position.div_euclid(4);
        let index = usize::try_from(group).ok().filter(|index| *index < count)?;
        let number = u16::from_be_bytes([groups[index * 2], groups[index * 2 + 1]]);
        Some(number / 10u16.pow(position.rem_euclid(4) as u32) % 10)
    };
    let highest = i32::from(weight) * 4 + 3;
    if highest > 400 {
        return Err(range);
    }
    for position in (-i32::from(scale)..=highest.max(0)).rev() {
        let next = i256::from_i128(i128::from(digit(position).unwrap_or(0)));
        value = value
            .checked_mul(ten)
            .and_then(|v| v.checked_add(next))
            .ok_or(Invalid::Range("numeric"))?;
    }
    let value = if sign == 0x4000 {
        value.wrapping_neg()
    } else {
        value
    };
    match value.to_i128() {
        Some(small) if small.unsigned_abs() < 10u128.pow(38) && scale <= 38 => {
            Ok(ScalarValue::Decimal128(Some(small), 38, scale as i8))
        }
        _ if value.to_string().trim_start_matches('-').len() <= 76 => {
            Ok(ScalarValue::Decimal256(Some(value), 76, scale as i8))
        }
        _ => Err(range),
    }
}

/// Dimensions, whether there are nulls, the items' type; per dimension its length and lower bound; the items.
fn list(bytes: &[u8], arrow: &DataType) -> Result<ScalarValue, Invalid> {
    let mut rest = bytes;
    let mut number = || -> Result<i32, Invalid> {
        let (head, tail) = rest.split_at_checked(4).ok_or(Invalid::Binary)?;
        rest = tail;
        Ok(i32::from_be_bytes(fixed(head)?))
    };
    let (count, _, oid) = (number()?, number()?, number()? as u32);
    // PostgreSQL has at most six.
    if !(0..=6).contains(&count) {
        return Err(Invalid::Binary);
    }
    let mut dimensions = Vec::new();
    for _ in 0..count {
        dimensions.push(usize::try_from(number()?).map_err(|_| Invalid::Binary)?);
        number()?;
    }
    let total = dimensions
        .iter()
        .try_fold(usize::from(count > 0), |all, length| all.checked_mul(*length));
    // Each item has four bytes of length at least: the total cannot be a lie.
    let total = total
        .filter(|total| total.saturating_mul(4) <= rest.len())
        .ok_or(Invalid::Binary)?;
    let cast = |value: ScalarValue| {
        if value.data_type() == *arrow {
            Ok(value)
        } else {
            value.cast_to(arrow).map_err(|e| Invalid::Cast(e.to_string()))
        }
    };
    let mut items = Vec::with_capacity(total);
    for _ in 0..total {
        let (head, tail) = rest.split_at_checked(4).ok_or(Invalid::Binary)?;
        rest = tail;
        items.push(match i32::from_be_bytes(fixed(head)?) {
            -1 => ScalarValue::try_from(arrow).map_err(|error| Invalid::Cast(error.to_string()))?,
            length => {
                let length = usize::try_from(length).map_err(|_| Invalid::Binary)?;
                let (value, tail) = rest.split_at_checked(length).ok_or(Invalid::Binary)?;
                rest = tail;
                cast(read(value, oid)?)?
            }
        });
    }
    if rest.is_empty() {
        Ok(array(&dimensions, items, arrow))
    } else {
        Err(Invalid::Binary)
    }
}
