//! vector, from pgvector's text and binary forms.

use radlake::vectors::{MAX_DIMENSIONS, VectorError, parse};

use super::Invalid;
use crate::wire::encode::Format;

/// Reads a vector. What is wrong is said without the value.
pub(crate) fn read(bytes: &[u8], format: Format) -> Result<Vec<f32>, Invalid> {
    match format {
        Format::Text => {
            let text = std::str::from_utf8(bytes).map_err(|_| Invalid::Encoding)?;
            parse(text).map_err(Invalid::Vector)
        }
        Format::Binary => binary(bytes),
    }
}

/// Dimensions, two bytes that are 0, the elements.
fn binary(bytes: &[u8]) -> Result<Vec<f32>, Invalid> {
    let (head, elements) = bytes.split_first_chunk::<4>().ok_or(Invalid::Binary)?;
    let [high, low, unused @ ..] = *head;
    let dimensions = usize::from(u16::from_be_bytes([high, low]));
    if dimensions == 0 {
        return Err(Invalid::Vector(VectorError::Empty));
    }
    if dimensions > MAX_DIMENSIONS {
        return Err(Invalid::Vector(VectorError::TooManyDimensions));
    }
    let (elements, rest) = elements.as_chunks::<4>();
    if unused != [0, 0] || elements.len() != dimensions || !rest.is_empty() {
        return Err(Invalid::Binary);
    }
    let values: Vec<f32> = elements.iter().map(|bytes| f32::from_be_bytes(*bytes)).collect();
    if values.iter().any(|value| value.is_nan()) {
        return Err(Invalid::Vector(VectorError::NotANumber));
    }
    if values.iter().any(|value| value.is_infinite()) {
        return Err(Invalid::Vector(VectorError::Infinite));
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binary_vectors_are_checked() {
        let sent = |dimensions: u16, values: &[f32]| {
            let mut bytes = dimensions.to_be_bytes().to_vec();
            bytes.extend([0, 0]);
            values.iter().for_each(|value| bytes.extend(value.to_be_bytes()));
            read(&bytes, Format::Binary)
        };
        assert_eq!(sent(2, &[1.0, -2.5]), Ok(vec![1.0, -2.5]));
        for (dimensions, values) in [(3, &[1.0, 2.0][..]), (1, &[1.0, 2.0]), (65_535, &[])] {
            assert!(sent(dimensions, values).is_err());
        }
        assert_eq!(sent(0, &[]), Err(Invalid::Vector(VectorError::Empty)));
        assert_eq!(
            sent(1, &[f32::NAN]),
            Err(Invalid::Vector(VectorError::NotANumber))
        );
        assert_eq!(read(b"\0", Format::Binary), Err(Invalid::Binary));
    }
}
