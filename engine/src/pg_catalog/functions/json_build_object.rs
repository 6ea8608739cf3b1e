//! `json_build_object`: a JSON object of its arguments, keys and values in turn.

use arrow::array::{Array, ArrayRef, AsArray, StringBuilder};
use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};
use std::sync::Arc;

/// The function under one of its two names.
pub(crate) fn json_build_object(name: &'static str) -> ScalarUDF {
    let signature = Signature::one_of(
        vec![TypeSignature::Nullary, TypeSignature::VariadicAny],
        Volatility::Stable,
    );
    ScalarUDF::from(JsonBuildObject { name, signature })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct JsonBuildObject {
    name: &'static str,
    signature: Signature,
}

impl ScalarUDFImpl for JsonBuildObject {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if !args.args.len().is_multiple_of(2) {
            return exec_err!("argument list must have even number of elements");
        }
        let columns = args
            .args
            .iter()
            .map(|a| a.to_array(args.number_rows))
            .collect::<Result<Vec<_>>>()?;
        let mut out = StringBuilder::new();
        for row in 0..args.number_rows {
            let mut members = Vec::with_capacity(columns.len() / 2);
            for pair in columns.chunks_exact(2) {
                if let [key, value] = pair {
                    if key.is_null(row) {
                        return exec_err!("argument for a JSON object's key must not be null");
                    }
                    members.push(format!("{} : {}", quoted(&text(key, row)?), json(value, row)?));
                }
            }
            out.append_value(format!("{{{}}}", members.join(", ")));
        }
        Ok(ColumnarValue::Array(Arc::new(out.finish())))
    }
}

fn text(array: &ArrayRef, row: usize) -> Result<String> {
    Ok(
        ArrayFormatter::try_new(array.as_ref(), &FormatOptions::default())?
            .value(row)
            .to_string(),
    )
}

fn quoted(text: &str) -> String {
    serde_json::Value::String(text.to_owned()).to_string()
}

fn json(array: &ArrayRef, row: usize) -> Result<String> {
    if array.is_null(row) || array.data_type() == &DataType::Null {
        return Ok("null".to_owned());
    }
    Ok(match array.data_type() {
        DataType::Boolean => array.as_boolean().value(row).to_string(),
        t if t.is_integer() => text(array, row)?,
        // JSON has no infinities.
        t if t.is_numeric() => match text(array, row)? {
            finite if finite.parse::<f64>().is_ok_and(f64::is_finite) => finite,
            other => quoted(&other),
        },
        DataType::List(_) => {
            let values = array.as_list::<i32>().value(row);
            let items = (0..values.len())
                .map(|i| json(&values, i))
                .collect::<Result<Vec<_>>>()?;
            format!("[{}]", items.join(","))
        }
        _ => quoted(&text(array, row)?),
    })
}
