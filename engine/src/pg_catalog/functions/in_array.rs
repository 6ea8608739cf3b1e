//! `in_array(value, list)`: what `value IN (SELECT …)` becomes where its value is asked for rather than its rows
//! (`rewrite/predicates.rs`), with SQL's three answers.

use arrow::array::{Array, ArrayRef, AsArray, BooleanBuilder, Scalar};
use arrow::compute::cast;
use arrow::compute::kernels::cmp::eq;
use arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use std::sync::Arc;

/// Name of the function.
pub(crate) const IN_ARRAY: &str = "in_array";

/// The function.
pub(crate) fn in_array() -> ScalarUDF {
    ScalarUDF::from(InArray {
        signature: Signature::any(2, Volatility::Immutable),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct InArray {
    signature: Signature,
}

impl ScalarUDFImpl for InArray {
    fn name(&self) -> &str {
        IN_ARRAY
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        match arguments {
            [_, DataType::List(_)] => Ok(DataType::Boolean),
            other => exec_err!("in_array takes a value and a list, not {other:?}"),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [value, list] = args.args.as_slice() else {
            return exec_err!("in_array takes two arguments");
        };
        let (values, lists) = (
            value.to_array(args.number_rows)?,
            list.to_array(args.number_rows)?,
        );
        let Some(lists) = lists.as_list_opt::<i32>() else {
            return exec_err!("in_array takes a list");
        };
        let values = cast(&values, &lists.value_type())?;
        let mut out = BooleanBuilder::new();
        for row in 0..values.len() {
            let elements = if lists.is_null(row) {
                None
            } else {
                Some(lists.value(row))
            };
            out.append_option(is_in(&values, row, elements)?);
        }
        Ok(ColumnarValue::Array(Arc::new(out.finish())))
    }
}

/// False for no elements; NULL where a NULL leaves it open.
pub(super) fn is_in(values: &ArrayRef, row: usize, elements: Option<ArrayRef>) -> Result<Option<bool>> {
    let Some(elements) = elements.filter(|e| !e.is_empty()) else {
        return Ok(Some(false));
    };
    if values.is_null(row) {
        return Ok(None);
    }
    let equal = eq(&elements, &Scalar::new(values.slice(row, 1)))?;
    if equal.iter().any(|e| e == Some(true)) {
        return Ok(Some(true));
    }
    Ok(if elements.null_count() > 0 {
        None
    } else {
        Some(false)
    })
}
