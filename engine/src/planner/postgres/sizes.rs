//! `pg_column_size` and `trim_scale`: what a value takes, and what a numeric is without the zeros behind it.

use std::sync::Arc;

use arrow::array::{Array, AsArray, Int32Array};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::common::{internal_err, not_impl_err};

use radlake_udfs::types::numeric;

use super::{Named, unknown};

/// Bytes that PostgreSQL stores a value in: those of fixed types, of texts and bytes with what tells their length.
pub(in super::super) const COLUMN_SIZE: Named = Named {
    name: "pg_column_size",
    returns: |types, _| match types {
        [DataType::Utf8 | DataType::Binary | DataType::Null] => Ok(DataType::Int32),
        [of] if fixed(of).is_some() => Ok(DataType::Int32),
        [of] => not_impl_err!("pg_column_size of the type {of}"),
        _ => unknown("pg_column_size", types),
    },
    run: |values, _| {
        let [values] = values else {
            return internal_err!("pg_column_size takes one argument");
        };
        // A byte tells the length of what is short, four that of other.
        let stored =
            |length: usize| i32::try_from(length + if length < 127 { 1 } else { 4 }).unwrap_or(i32::MAX);
        let sizes: Int32Array = match values.data_type() {
            DataType::Utf8 => values
                .as_string::<i32>()
                .iter()
                .map(|text| text.map(|text| stored(text.len())))
                .collect(),
            DataType::Binary => values
                .as_binary::<i32>()
                .iter()
                .map(|bytes| bytes.map(|bytes| stored(bytes.len())))
                .collect(),
            of => {
                let size = fixed(of);
                (0..values.len())
                    .map(|row| size.filter(|_| values.is_valid(row)))
                    .collect()
            }
        };
        Ok(Arc::new(sizes))
    },
};

fn fixed(of: &DataType) -> Option<i32> {
    Some(match of {
        DataType::Boolean => 1,
        DataType::Int16 => 2,
        DataType::Int32 | DataType::Float32 | DataType::Date32 => 4,
        DataType::Int64 | DataType::Float64 | DataType::Timestamp(..) | DataType::Time64(_) => 8,
        DataType::Interval(_) | DataType::FixedSizeBinary(16) => 16,
        _ => return None,
    })
}

/// Numerics of a column have one scale, so that only a text can be without the zeros.
pub(in super::super) const TRIM_SCALE: Named = Named {
    name: "trim_scale",
    returns: |types, _| match types {
        [of] if of.is_decimal() || of.is_integer() || of.is_null() => {
            not_impl_err!(
                "trim_scale of a column, whose numerics have one scale, but as a text: trim_scale(x)::text"
            )
        }
        _ => unknown("trim_scale", types),
    },
    run: |_, _| internal_err!("trim_scale is put out as a text"),
};

/// `trim_scale(x)::text`, and what numerics without a scale are as texts.
pub(in super::super) const TRIMMED: Named = Named {
    name: "trimmed_scale",
    returns: |types, _| match types {
        [of] if of.is_decimal() || of.is_integer() || of.is_null() => Ok(DataType::Utf8),
        _ => unknown("trim_scale", types),
    },
    run: |values, _| {
        let [values] = values else {
            return internal_err!("trim_scale takes one argument");
        };
        match numeric::texts_without_zeros(values) {
            Some(texts) => Ok(texts),
            None => Ok(cast(values, &DataType::Utf8)?),
        }
    },
};
