//! `array_or_empty`: what `ARRAY(SELECT …)` becomes around its aggregate, because an array of no rows is empty, not NULL.

use arrow::array::{Array, ArrayRef, AsArray, ListArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use std::sync::Arc;

/// Name of the function.
pub(crate) const ARRAY_OR_EMPTY: &str = "array_or_empty";

/// The function: its list argument with empty lists for NULLs.
pub(crate) fn array_or_empty() -> ScalarUDF {
    ScalarUDF::from(ArrayOrEmpty {
        signature: Signature::any(1, Volatility::Immutable),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ArrayOrEmpty {
    signature: Signature,
}

impl ScalarUDFImpl for ArrayOrEmpty {
    fn name(&self) -> &str {
        ARRAY_OR_EMPTY
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        match arguments {
            [list @ DataType::List(_)] => Ok(list.clone()),
            other => exec_err!("array_or_empty takes a list, not {other:?}"),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let Some(argument) = args.args.first() else {
            return exec_err!("array_or_empty takes a list");
        };
        let array = argument.to_array(args.number_rows)?;
        let Some(list) = array.as_list_opt::<i32>() else {
            return exec_err!("array_or_empty takes a list");
        };
        let DataType::List(field) = list.data_type() else {
            return exec_err!("array_or_empty takes a list");
        };
        if list.null_count() == 0 {
            return Ok(ColumnarValue::Array(array));
        }
        // A NULL slot may still cover values: slice them away by taking each row's own length.
        let lengths = (0..list.len()).map(|row| {
            if list.is_null(row) {
                0
            } else {
                list.value(row).len()
            }
        });
        let offsets = OffsetBuffer::from_lengths(lengths);
        let parts: Vec<ArrayRef> = (0..list.len())
            .filter(|row| list.is_valid(*row))
            .map(|row| list.value(row))
            .collect();
        let values = if parts.is_empty() {
            arrow::array::new_empty_array(field.data_type())
        } else {
            arrow::compute::concat(&parts.iter().map(AsRef::as_ref).collect::<Vec<_>>())?
        };
        Ok(ColumnarValue::Array(Arc::new(ListArray::try_new(
            Arc::clone(field),
            offsets,
            values,
            None,
        )?)))
    }
}
