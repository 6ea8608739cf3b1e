//! `information_schema._pg_expandarray`: the elements of an array with their numbers, from 1, as drivers ask for the columns of keys.

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, ListArray, StructArray};
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use std::sync::Arc;

/// Name of the function that gives them as a list of structs `x`, `n`.
pub(crate) const NUMBERED: &str = "numbered_elements";

/// The function.
pub(crate) fn numbered_elements() -> ScalarUDF {
    ScalarUDF::from(Numbered {
        signature: Signature::any(1, Volatility::Immutable),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Numbered {
    signature: Signature,
}

fn fields(element: &DataType) -> Fields {
    Fields::from(vec![
        Field::new("x", element.clone(), true),
        Field::new("n", DataType::Int32, true),
    ])
}

impl ScalarUDFImpl for Numbered {
    fn name(&self) -> &str {
        NUMBERED
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        match arguments {
            [DataType::List(element)] => Ok(DataType::List(Arc::new(Field::new_list_field(
                DataType::Struct(fields(element.data_type())),
                true,
            )))),
            _ => exec_err!("_pg_expandarray takes an array"),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let Some(argument) = args.args.first() else {
            return exec_err!("_pg_expandarray takes an array");
        };
        let array = argument.to_array(args.number_rows)?;
        let Some(lists) = array.as_list_opt::<i32>() else {
            return exec_err!("_pg_expandarray takes an array");
        };
        let offsets = lists.value_offsets();
        let (first, last) = match (offsets.first(), offsets.last()) {
            (Some(first), Some(last)) => (*first, *last),
            _ => (0, 0),
        };
        let values = lists.values().slice(
            usize::try_from(first).unwrap_or(0),
            usize::try_from(last - first).unwrap_or(0),
        );
        let numbers: Int32Array = offsets
            .windows(2)
            .flat_map(|row| 1..=(row.get(1).copied().unwrap_or(0) - row.first().copied().unwrap_or(0)))
            .collect();
        let fields = fields(values.data_type());
        let structs = StructArray::try_new(fields.clone(), vec![values, Arc::new(numbers)], None)?;
        let lengths = offsets.windows(2).map(|row| {
            usize::try_from(row.get(1).copied().unwrap_or(0) - row.first().copied().unwrap_or(0)).unwrap_or(0)
        });
        let numbered = ListArray::try_new(
            Arc::new(Field::new_list_field(DataType::Struct(fields), true)),
            arrow::buffer::OffsetBuffer::from_lengths(lengths),
            Arc::new(structs),
            lists.nulls().cloned(),
        )?;
        let numbered: ArrayRef = Arc::new(numbered);
        Ok(ColumnarValue::Array(numbered))
    }
}
