//! How numerics are put out that have no scale of their own.
//!
//! A column of decimals has one scale, and PostgreSQL's `numeric` without modifiers none: it is kept with [`SCALE`] digits behind the point.
//! The zeros that end those are not the user's, so that they are not shown: `0.8200000000` is `0.82`. What `numeric(10,2)` holds, or what
//! is computed to a number of digits as an average is, keeps its zeros.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType, Decimal128Type};

/// Digits behind the point of `numeric` without a scale.
pub const SCALE: i8 = 10;
/// Those that a quotient and an average have, as in PostgreSQL.
pub const QUOTIENT_SCALE: i8 = 16;

/// Whether decimals of this type are `numeric` without a scale, or a sum or product of such.
pub fn is_open(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Decimal128(DECIMAL128_MAX_PRECISION, scale) if *scale >= SCALE && *scale != QUOTIENT_SCALE)
}

/// A decimal number without the zeros that end its fraction, nor a point that nothing follows.
pub fn without_zeros(number: &str) -> &str {
    match number.contains('.') {
        true => number.trim_end_matches('0').trim_end_matches('.'),
        false => number,
    }
}

/// Decimals as texts without those zeros; `None` of other types.
pub fn texts_without_zeros(values: &ArrayRef) -> Option<ArrayRef> {
    let values = values.as_primitive_opt::<Decimal128Type>()?;
    let texts: StringArray = (0..values.len())
        .map(|row| {
            let text = values.is_valid(row).then(|| values.value_as_string(row));
            text.map(|text| without_zeros(&text).to_owned())
        })
        .collect();
    Some(Arc::new(texts))
}
