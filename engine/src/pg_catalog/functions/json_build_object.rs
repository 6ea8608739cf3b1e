//! `json_build_object`: a JSON object of its arguments, keys and values in turn.

use arrow::array::{Array, ArrayRef, AsArray, StringBuilder};
use arrow::datatypes::{DataType, Field, FieldRef};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature,
    Volatility,
};
use std::sync::Arc;

use crate::pg_catalog::types::PG_TYPE_KEY;

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

    fn return_field_from_args(&self, _: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let typname = self.name.trim_end_matches("_build_object").to_owned();
        let field = Field::new(self.name, DataType::Utf8, true);
        Ok(Arc::new(
            field.with_metadata([(PG_TYPE_KEY.to_owned(), typname)].into()),
        ))
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
        let documents: Vec<bool> = args
            .arg_fields
            .iter()
            .map(|field| matches!(field.metadata().get(PG_TYPE_KEY), Some(name) if name == "json" || name == "jsonb"))
            .collect();
        let jsonb = self.name.starts_with("jsonb");
        let mut out = StringBuilder::new();
        for row in 0..args.number_rows {
            let mut members = Vec::with_capacity(columns.len() / 2);
            for (pair, documents) in columns.chunks_exact(2).zip(documents.chunks_exact(2)) {
                if let ([key, value], [_, is_document]) = (pair, documents) {
                    if key.is_null(row) {
                        return exec_err!("argument for a JSON object's key must not be null");
                    }
                    let shown =
                        match *is_document && value.data_type() == &DataType::Utf8 && value.is_valid(row) {
                            true => text(value, row)?,
                            false => json(value, row)?,
                        };
                    members.push(format!("{} : {shown}", quoted(&text(key, row)?)));
                }
            }
            let object = format!("{{{}}}", members.join(", "));
            out.append_value(match jsonb {
                true => radlake_udfs::json::literal(&object, true)?,
                false => object,
            });
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
