//! `values_of(list, pairs)`: what `ARRAY(SELECT value FROM … WHERE key = ANY (list))` becomes once the keys and values are gathered
//! (`rewrite/keyed.rs`): the values whose key the list has, in the order of the pairs.

use arrow::array::{Array, ArrayRef, AsArray, BooleanBuilder, ListArray, StructArray, new_empty_array};
use arrow::buffer::OffsetBuffer;
use arrow::compute::{cast, concat, filter};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use std::sync::Arc;

use super::in_array::is_in;

/// Name of the function.
pub(crate) const VALUES_OF: &str = "values_of";

/// The function.
pub(crate) fn values_of() -> ScalarUDF {
    ScalarUDF::from(ValuesOf {
        signature: Signature::any(2, Volatility::Immutable),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ValuesOf {
    signature: Signature,
}

/// The element of the list that comes out.
fn element(arguments: &[DataType]) -> Result<FieldRef> {
    if let [DataType::List(_), DataType::List(pair)] = arguments
        && let DataType::Struct(fields) = pair.data_type()
        && let [_, value] = fields.as_ref()
    {
        return Ok(Arc::new(Field::new_list_field(value.data_type().clone(), true)));
    }
    exec_err!("{VALUES_OF} takes a list and a list of pairs, not {arguments:?}")
}

impl ScalarUDFImpl for ValuesOf {
    fn name(&self) -> &str {
        VALUES_OF
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::List(element(arguments)?))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [list, pairs] = args.args.as_slice() else {
            return exec_err!("{VALUES_OF} takes two arguments");
        };
        let element = element(&[list.data_type(), pairs.data_type()])?;
        let (lists, pairs) = (
            list.to_array(args.number_rows)?,
            pairs.to_array(args.number_rows)?,
        );
        let (Some(lists), Some(pairs)) = (lists.as_list_opt::<i32>(), pairs.as_list_opt::<i32>()) else {
            return exec_err!("{VALUES_OF} takes lists");
        };
        let mut picked: Vec<ArrayRef> = Vec::with_capacity(lists.len());
        for row in 0..lists.len() {
            picked.push(match lists.is_null(row) || pairs.is_null(row) {
                true => new_empty_array(element.data_type()),
                false => pick(&lists.value(row), pairs.value(row).as_struct())?,
            });
        }
        let offsets = OffsetBuffer::from_lengths(picked.iter().map(Array::len));
        let values = match picked.is_empty() {
            true => new_empty_array(element.data_type()),
            false => concat(&picked.iter().map(AsRef::as_ref).collect::<Vec<_>>())?,
        };
        Ok(ColumnarValue::Array(Arc::new(ListArray::try_new(
            element, offsets, values, None,
        )?)))
    }
}

/// The values of the pairs whose keys are among `wanted`.
fn pick(wanted: &ArrayRef, pairs: &StructArray) -> Result<ArrayRef> {
    let keys = cast(pairs.column(0), wanted.data_type())?;
    let mut chosen = BooleanBuilder::new();
    for row in 0..keys.len() {
        chosen.append_value(is_in(&keys, row, Some(Arc::clone(wanted)))? == Some(true));
    }
    Ok(filter(pairs.column(1), &chosen.finish())?)
}
