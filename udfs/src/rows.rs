//! What functions over rows have in common: constants stay constants, and arguments become arrays of one length.

use arrow::array::ArrayRef;
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs};
use datafusion::scalar::ScalarValue;

/// Rows to compute: one where every argument is a constant.
pub(crate) fn rows(args: &ScalarFunctionArgs) -> usize {
    let constant = args.args.iter().all(|a| matches!(a, ColumnarValue::Scalar(_)));
    if constant { 1 } else { args.number_rows }
}

/// The answer of `run` to the arguments as arrays of one length, which is one where all are constants.
///
/// # Errors
/// Those of `run`.
pub fn by_row(
    args: &ScalarFunctionArgs,
    run: impl FnOnce(&[ArrayRef]) -> Result<ArrayRef>,
) -> Result<ColumnarValue> {
    let rows = rows(args);
    let values = args
        .args
        .iter()
        .map(|a| a.to_array(rows))
        .collect::<Result<Vec<_>>>()?;
    let answer = run(&values)?;
    let constant = args.args.iter().all(|a| matches!(a, ColumnarValue::Scalar(_)));
    Ok(if constant {
        ColumnarValue::Scalar(ScalarValue::try_from_array(&answer, 0)?)
    } else {
        ColumnarValue::Array(answer)
    })
}
