//! UUIDs: read in each form that PostgreSQL reads, kept in lower case with hyphens after 8, 12, 16 and 20 digits.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, FixedSizeBinaryArray, FixedSizeBinaryBuilder, ListArray, StringArray,
    StringBuilder,
};
use arrow::datatypes::DataType;
use datafusion::common::{exec_datafusion_err, exec_err};
use datafusion::error::Result;

/// Places of the hyphens in the form that is kept.
const HYPHENS: [usize; 4] = [8, 13, 18, 23];

/// A UUID in the form that is kept.
///
/// # Errors
/// The text is none.
pub fn uuid(text: &str) -> Result<String> {
    read(text).map(|bytes| shown(&bytes))
}

/// Texts in the form that is kept, also within lists; what holds no texts stays as it is.
///
/// # Errors
/// One is no UUID.
pub fn uuids(values: &ArrayRef) -> Result<ArrayRef> {
    if let Some(lists) = values.as_list_opt::<i32>() {
        let DataType::List(item) = values.data_type() else {
            return Ok(Arc::clone(values));
        };
        let inner = uuids(lists.values())?;
        let lists = ListArray::try_new(
            Arc::clone(item),
            lists.offsets().clone(),
            inner,
            lists.nulls().cloned(),
        )?;
        return Ok(Arc::new(lists));
    }
    match values.as_string_opt::<i32>() {
        Some(texts) if !texts.iter().flatten().all(is_normal) => normal(texts),
        _ => Ok(Arc::clone(values)),
    }
}

/// Texts as sixteen bytes each.
///
/// # Errors
/// One is no UUID.
pub fn bytes_of_uuids(texts: &StringArray) -> Result<ArrayRef> {
    let mut out = FixedSizeBinaryBuilder::with_capacity(texts.len(), 16);
    for text in texts {
        match text {
            Some(text) => out.append_value(read(text)?)?,
            None => out.append_null(),
        }
    }
    Ok(Arc::new(out.finish()))
}

/// Sixteen bytes each as texts.
pub(super) fn texts_of_bytes(values: &FixedSizeBinaryArray) -> Result<ArrayRef> {
    let mut out = StringBuilder::with_capacity(values.len(), values.len() * 36);
    for value in values {
        match value.map(<[u8; 16]>::try_from) {
            Some(Ok(bytes)) => out.append_value(shown(&bytes)),
            Some(Err(_)) => return exec_err!("a UUID has sixteen bytes"),
            None => out.append_null(),
        }
    }
    Ok(Arc::new(out.finish()))
}

fn normal(texts: &StringArray) -> Result<ArrayRef> {
    let mut out = StringBuilder::with_capacity(texts.len(), texts.len() * 36);
    for text in texts {
        out.append_option(text.map(uuid).transpose()?);
    }
    Ok(Arc::new(out.finish()))
}

fn is_normal(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match byte {
            b'-' => HYPHENS.contains(&at),
            byte => matches!(byte, b'0'..=b'9' | b'a'..=b'f') && !HYPHENS.contains(&at),
        })
}

/// Two digits a byte, a hyphen after any four of them, braces round all or none. No value stands in the message: it may be a patient's.
fn read(text: &str) -> Result<[u8; 16]> {
    let invalid = || exec_datafusion_err!("invalid input syntax for type uuid");
    let mut rest = match text.strip_prefix('{') {
        Some(inner) => inner.strip_suffix('}').ok_or_else(invalid)?.as_bytes(),
        None => text.as_bytes(),
    };
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    let mut bytes = [0; 16];
    for (at, byte) in bytes.iter_mut().enumerate() {
        let [high, low, after @ ..] = rest else {
            return Err(invalid());
        };
        let (Some(high), Some(low)) = (digit(*high), digit(*low)) else {
            return Err(invalid());
        };
        *byte = high << 4 | low;
        rest = match after {
            [b'-', after @ ..] if at % 2 == 1 && at < 15 => after,
            after => after,
        };
    }
    match rest.is_empty() {
        true => Ok(bytes),
        false => Err(invalid()),
    }
}

fn shown(bytes: &[u8; 16]) -> String {
    let mut text = String::with_capacity(36);
    for byte in bytes {
        if HYPHENS.contains(&text.len()) {
            text.push('-');
        }
        for digit in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(u32::from(digit), 16));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const NORMAL: &str = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";

    #[test]
    fn every_form_of_postgresql_is_read() {
        for text in [
            NORMAL,
            "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11",
            "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}",
            "a0eebc999c0b4ef8bb6d6bb9bd380a11",
            "a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11",
            "{a0eebc99-9c0b4ef8-bb6d6bb9-bd380a11}",
        ] {
            assert_eq!(uuid(text).unwrap(), NORMAL, "{text}");
        }
        for text in [
            "",
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1",
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a111",
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11-",
            "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}",
            " a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
            "a0eeb-c99-9c0b-4ef8-bb6d-6bb9bd380a11",
            "a0--eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
            "g0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
            "é0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1",
        ] {
            assert!(uuid(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_normal_is_not_copied() {
        let texts: ArrayRef = Arc::new(StringArray::from(vec![Some(NORMAL), None]));
        assert!(Arc::ptr_eq(&texts, &uuids(&texts).unwrap()));
        let upper: ArrayRef = Arc::new(StringArray::from(vec![Some(NORMAL.to_uppercase()), None]));
        assert_eq!(&texts, &uuids(&upper).unwrap());
        let bytes = bytes_of_uuids(texts.as_string()).unwrap();
        assert_eq!(&texts, &texts_of_bytes(bytes.as_fixed_size_binary()).unwrap());
    }
}
