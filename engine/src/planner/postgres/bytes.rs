//! Bytes of a `bytea` and texts: single bytes and bits, `convert_from`, `convert_to`, and the encoding `escape`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryBuilder, Int32Array, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::{Result, internal_err};

use super::{Named, longs, texts, unknown};
use crate::Error;

fn bytes_and_text(name: &str, types: &[DataType], result: DataType) -> Result<DataType> {
    match types {
        [DataType::Binary | DataType::Null, name] if name.is_string() || name.is_null() => Ok(result),
        _ => unknown(name, types),
    }
}

/// The encodings are one: UTF-8.
fn utf8(name: &str) -> Result<()> {
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    match name.to_lowercase().as_str() {
        "utf8" | "unicode" => Ok(()),
        _ => Err(Error::unsupported("an encoding other than UTF8").into()),
    }
}

/// Bytes as a text.
pub(super) const CONVERT_FROM: Named = Named {
    name: "convert_from",
    returns: |types, _| bytes_and_text("convert_from", types, DataType::Utf8),
    run: |values, _| {
        let [bytes, names] = values else {
            return internal_err!("convert_from takes two arguments");
        };
        let (bytes, names) = (cast(bytes, &DataType::Binary)?, texts(names)?);
        let mut out = StringBuilder::new();
        for pair in bytes.as_binary::<i32>().iter().zip(&names) {
            let (Some(bytes), Some(name)) = pair else {
                out.append_null();
                continue;
            };
            utf8(name)?;
            let text = std::str::from_utf8(bytes)
                .ok()
                .filter(|text| !text.contains('\0'));
            out.append_value(
                text.ok_or_else(|| Error::Encoding("invalid byte sequence for encoding \"UTF8\"".into()))?,
            );
        }
        Ok(Arc::new(out.finish()))
    },
};

/// A text as bytes.
pub(super) const CONVERT_TO: Named = Named {
    name: "convert_to",
    returns: |types, _| match types {
        [_, _] if types.iter().all(|one| one.is_string() || one.is_null()) => Ok(DataType::Binary),
        _ => unknown("convert_to", types),
    },
    run: |values, _| {
        let [given, names] = values else {
            return internal_err!("convert_to takes two arguments");
        };
        let mut out = BinaryBuilder::new();
        for pair in texts(given)?.iter().zip(&texts(names)?) {
            let (Some(text), Some(name)) = pair else {
                out.append_null();
                continue;
            };
            utf8(name)?;
            out.append_value(text);
        }
        Ok(Arc::new(out.finish()))
    },
};

/// `encode(bytes, 'escape')`.
pub(super) const ESCAPED: Named = Named {
    name: "encode_escape",
    returns: |types, _| match types {
        [DataType::Binary | DataType::Null] => Ok(DataType::Utf8),
        _ => unknown("encode", types),
    },
    run: |values, _| {
        let [bytes] = values else {
            return internal_err!("encode_escape takes one argument");
        };
        let mut out = StringBuilder::new();
        for bytes in cast(bytes, &DataType::Binary)?.as_binary::<i32>() {
            let Some(bytes) = bytes else {
                out.append_null();
                continue;
            };
            let mut text = String::new();
            for byte in bytes {
                match byte {
                    b'\\' => text.push_str("\\\\"),
                    0 | 128.. => text.push_str(&format!("\\{byte:03o}")),
                    byte => text.push(char::from(*byte)),
                }
            }
            out.append_value(text);
        }
        Ok(Arc::new(out.finish()))
    },
};

/// `decode(text, 'escape')`.
pub(super) const UNESCAPED: Named = Named {
    name: "decode_escape",
    returns: |types, _| match types {
        [text] if text.is_string() || text.is_null() => Ok(DataType::Binary),
        _ => unknown("decode", types),
    },
    run: |values, _| {
        let [given] = values else {
            return internal_err!("decode_escape takes one argument");
        };
        let mut out = BinaryBuilder::new();
        for text in &texts(given)? {
            let Some(text) = text else {
                out.append_null();
                continue;
            };
            let malformed = || Error::InvalidText {
                type_name: "bytea".to_owned(),
            };
            out.append_value(unescaped(text.as_bytes()).ok_or_else(malformed)?);
        }
        Ok(Arc::new(out.finish()))
    },
};

fn unescaped(mut text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    loop {
        text = match text {
            [] => return Some(out),
            [b'\\', b'\\', rest @ ..] => {
                out.push(b'\\');
                rest
            }
            [
                b'\\',
                a @ b'0'..=b'3',
                b @ b'0'..=b'7',
                c @ b'0'..=b'7',
                rest @ ..,
            ] => {
                out.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                rest
            }
            [b'\\', ..] => return None,
            [byte, rest @ ..] => {
                out.push(*byte);
                rest
            }
        };
    }
}

/// A byte of a `bytea`, from 0.
pub(super) const GET_BYTE: Named = Named {
    name: "get_byte",
    returns: |types, _| of_bytes("get_byte", types, 2, DataType::Int32),
    run: |values, _| {
        got(values, |bytes, at| {
            bytes.get(usize::try_from(at).ok()?).map(|byte| (*byte).into())
        })
    },
};

/// A bit of a `bytea`, from 0; the first byte's least is the first.
pub(super) const GET_BIT: Named = Named {
    name: "get_bit",
    returns: |types, _| of_bytes("get_bit", types, 2, DataType::Int32),
    run: |values, _| {
        got(values, |bytes, at| {
            let byte = bytes.get(usize::try_from(at.div_euclid(8)).ok()?)?;
            Some(i32::from(byte >> at.rem_euclid(8) & 1))
        })
    },
};

/// A `bytea` with another byte.
pub(super) const SET_BYTE: Named = Named {
    name: "set_byte",
    returns: |types, _| of_bytes("set_byte", types, 3, DataType::Binary),
    run: |values, _| {
        changed(values, |bytes, at, value| {
            *bytes.get_mut(usize::try_from(at).ok()?)? = (value & 0xff) as u8;
            Some(())
        })
    },
};

/// A `bytea` with another bit.
pub(super) const SET_BIT: Named = Named {
    name: "set_bit",
    returns: |types, _| of_bytes("set_bit", types, 3, DataType::Binary),
    run: |values, _| {
        changed(values, |bytes, at, value| {
            let byte = bytes.get_mut(usize::try_from(at.div_euclid(8)).ok()?)?;
            let bit = 1 << at.rem_euclid(8);
            match value {
                0 => *byte &= !bit,
                1 => *byte |= bit,
                _ => return None,
            }
            Some(())
        })
    },
};

fn of_bytes(name: &str, types: &[DataType], arguments: usize, result: DataType) -> Result<DataType> {
    match types {
        [DataType::Binary | DataType::Null, rest @ ..]
            if rest.len() + 1 == arguments && rest.iter().all(|one| one.is_integer() || one.is_null()) =>
        {
            Ok(result)
        }
        _ => unknown(name, types),
    }
}

fn got(values: &[ArrayRef], one: fn(&[u8], i64) -> Option<i32>) -> Result<ArrayRef> {
    let [bytes, places] = values else {
        return internal_err!("a bytea and a place expected");
    };
    let (bytes, places) = (cast(bytes, &DataType::Binary)?, longs(places)?);
    let mut out = Int32Array::builder(bytes.len());
    for pair in bytes
        .as_binary::<i32>()
        .iter()
        .zip(places.as_primitive::<Int64Type>())
    {
        out.append_option(match pair {
            (Some(bytes), Some(at)) => {
                Some(one(bytes, at).ok_or(Error::ArraySubscript("index is out of range"))?)
            }
            _ => None,
        });
    }
    Ok(Arc::new(out.finish()))
}

fn changed(values: &[ArrayRef], one: fn(&mut [u8], i64, i64) -> Option<()>) -> Result<ArrayRef> {
    let [bytes, places, new] = values else {
        return internal_err!("a bytea, a place and a value expected");
    };
    let (bytes, places, new) = (cast(bytes, &DataType::Binary)?, longs(places)?, longs(new)?);
    let (places, new) = (
        places.as_primitive::<Int64Type>(),
        new.as_primitive::<Int64Type>(),
    );
    let mut out = BinaryBuilder::new();
    for (row, bytes) in bytes.as_binary::<i32>().iter().enumerate() {
        match bytes {
            Some(bytes) if places.is_valid(row) && new.is_valid(row) => {
                let mut bytes = bytes.to_vec();
                one(&mut bytes, places.value(row), new.value(row))
                    .ok_or(Error::ArraySubscript("index is out of range"))?;
                out.append_value(&bytes);
            }
            _ => out.append_null(),
        }
    }
    Ok(Arc::new(out.finish()))
}
