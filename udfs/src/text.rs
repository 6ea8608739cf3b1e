//! Text arguments in whichever of Arrow's encodings and shapes they come.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Float64Builder, LargeStringArray, StringArray, StringBuilder, StringViewArray,
};
use arrow::datatypes::DataType;
use datafusion::common::internal_err;
use datafusion::common::types::logical_string;
use datafusion::common::utils::take_function_args;
use datafusion::error::Result;
use datafusion::logical_expr::{
    Coercion, ColumnarValue, ScalarFunctionArgs, Signature, TypeSignatureClass, Volatility,
};
use datafusion::scalar::ScalarValue;

/// `n` arguments of type text, in any encoding; the answer depends on nothing else.
pub(crate) fn text_signature(n: usize) -> Signature {
    let text = Coercion::new_exact(TypeSignatureClass::Native(logical_string()));
    Signature::coercible(vec![text; n], Volatility::Immutable)
}

/// One text argument: a constant or a column of a batch.
pub(crate) enum Text<'a> {
    Constant(Option<&'a str>),
    Utf8(&'a StringArray),
    LargeUtf8(&'a LargeStringArray),
    Utf8View(&'a StringViewArray),
}

impl<'a> Text<'a> {
    pub(crate) fn new(value: &'a ColumnarValue) -> Result<Self> {
        match value {
            ColumnarValue::Scalar(scalar) => match scalar {
                ScalarValue::Null => Ok(Text::Constant(None)),
                _ => match scalar.try_as_str() {
                    Some(text) => Ok(Text::Constant(text)),
                    None => internal_err!("text expected, not {}", scalar.data_type()),
                },
            },
            ColumnarValue::Array(array) => match array.data_type() {
                DataType::Utf8 => Ok(Text::Utf8(array.as_string())),
                DataType::LargeUtf8 => Ok(Text::LargeUtf8(array.as_string())),
                DataType::Utf8View => Ok(Text::Utf8View(array.as_string_view())),
                DataType::Null => Ok(Text::Constant(None)),
                other => internal_err!("text expected, not {other}"),
            },
        }
    }

    pub(crate) fn is_constant(&self) -> bool {
        matches!(self, Text::Constant(_))
    }

    /// The value of row `i`; a constant has it in every row.
    #[inline]
    pub(crate) fn get(&self, i: usize) -> Option<&'a str> {
        match self {
            Text::Constant(text) => *text,
            Text::Utf8(a) => a.is_valid(i).then(|| a.value(i)),
            Text::LargeUtf8(a) => a.is_valid(i).then(|| a.value(i)),
            Text::Utf8View(a) => a.is_valid(i).then(|| a.value(i)),
        }
    }
}

/// Where a function of text puts its answers, one per row.
pub(crate) trait Answers: Default {
    /// What a row's answer is.
    type Value<'v>;
    fn push(&mut self, value: Option<Self::Value<'_>>);
    fn finish(self) -> ArrayRef;
}

impl Answers for StringBuilder {
    type Value<'v> = &'v str;
    fn push(&mut self, value: Option<&str>) {
        self.append_option(value);
    }
    fn finish(mut self) -> ArrayRef {
        Arc::new(StringBuilder::finish(&mut self))
    }
}

impl Answers for Float64Builder {
    type Value<'v> = f64;
    fn push(&mut self, value: Option<f64>) {
        self.append_option(value);
    }
    fn finish(mut self) -> ArrayRef {
        Arc::new(Float64Builder::finish(&mut self))
    }
}

/// Applies `f` to each row of one text argument; NULL where the argument is NULL or `f` has no answer.
pub(crate) fn map1<A: Answers>(
    name: &str,
    args: &ScalarFunctionArgs,
    mut f: impl for<'v> FnMut(&'v str) -> Result<Option<A::Value<'v>>>,
) -> Result<ColumnarValue> {
    let [value] = take_function_args(name, &args.args)?;
    let value = Text::new(value)?;
    rows(value.is_constant(), args.number_rows, |i, out: &mut A| {
        let answer = match value.get(i) {
            Some(text) => f(text)?,
            None => None,
        };
        out.push(answer);
        Ok(())
    })
}

/// Runs `row` for each row of a batch, or once when every argument is `constant`.
pub(crate) fn rows<A: Answers>(
    constant: bool,
    number_rows: usize,
    mut row: impl FnMut(usize, &mut A) -> Result<()>,
) -> Result<ColumnarValue> {
    let mut out = A::default();
    for i in 0..if constant { 1 } else { number_rows } {
        row(i, &mut out)?;
    }
    let out = out.finish();
    if constant {
        return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&out, 0)?));
    }
    Ok(ColumnarValue::Array(out))
}
