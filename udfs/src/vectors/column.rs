//! The vectors of an argument, row by row.

use std::borrow::Cow;

use arrow::array::{Array, ArrayRef, AsArray, Float32Array, StringArray};
use arrow::datatypes::Float32Type;
use datafusion::common::internal_err;
use datafusion::error::Result;
use radlake_kernels::vectors::{VectorError, parse};

use super::refused;

/// Rows of one of the two forms that vectors have.
pub(super) enum Vectors<'a> {
    Fixed {
        list: &'a dyn Array,
        elements: &'a Float32Array,
        dimensions: usize,
    },
    Texts(&'a StringArray),
}

impl<'a> Vectors<'a> {
    pub(super) fn of(values: &'a ArrayRef) -> Result<Self> {
        if let Some(list) = values.as_fixed_size_list_opt()
            && let Some(elements) = list.values().as_primitive_opt::<Float32Type>()
        {
            return Ok(Self::Fixed {
                list,
                elements,
                dimensions: usize::try_from(list.value_length()).unwrap_or_default(),
            });
        }
        match values.as_string_opt::<i32>() {
            Some(texts) => Ok(Self::Texts(texts)),
            None => internal_err!("{} holds no vectors", values.data_type()),
        }
    }

    pub(super) fn row(&self, row: usize) -> Result<Option<Cow<'a, [f32]>>> {
        match self {
            Self::Fixed {
                list,
                elements,
                dimensions,
            } => {
                if list.is_null(row) {
                    return Ok(None);
                }
                let (start, end) = (row * dimensions, (row + 1) * dimensions);
                // Files of other writers may have them.
                if elements.null_count() > 0 && (start..end).any(|at| elements.is_null(at)) {
                    return Err(refused(VectorError::NullElement));
                }
                Ok(elements.values().get(start..end).map(Cow::Borrowed))
            }
            Self::Texts(texts) if texts.is_null(row) => Ok(None),
            Self::Texts(texts) => Ok(Some(Cow::Owned(parse(texts.value(row)).map_err(refused)?))),
        }
    }
}
