//! What functions that give rows are made of: the lists that are unnested. Statements call them after they were rewritten.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Builder, ListBuilder, StringArray, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err, internal_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use radlake_udfs::json::{elements, field, members};

use crate::Error;

/// What a function gives; of two truth values the first is of jsonb, the second of texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Gives {
    Elements(bool, bool),
    Keys(bool),
    Values(bool, bool),
    /// A field of each object of an array.
    Fields(bool),
    /// A field of an object.
    Field(bool),
    /// 1, 2 … of a list.
    Places,
}

/// The function that numbers the elements of a list.
pub(super) const PLACES: &str = "json_list_places";

const FUNCTIONS: &[(&str, Gives)] = &[
    ("json_array_elements_list", Gives::Elements(false, false)),
    ("jsonb_array_elements_list", Gives::Elements(true, false)),
    ("json_array_elements_text_list", Gives::Elements(false, true)),
    ("jsonb_array_elements_text_list", Gives::Elements(true, true)),
    ("json_object_keys_list", Gives::Keys(false)),
    ("jsonb_object_keys_list", Gives::Keys(true)),
    ("json_each_list", Gives::Values(false, false)),
    ("jsonb_each_list", Gives::Values(true, false)),
    ("json_each_text_list", Gives::Values(false, true)),
    ("jsonb_each_text_list", Gives::Values(true, true)),
    ("json_fields_list", Gives::Fields(false)),
    ("json_fields_text_list", Gives::Fields(true)),
    ("json_record_field", Gives::Field(false)),
    ("json_record_field_text", Gives::Field(true)),
    (PLACES, Gives::Places),
];

/// The functions.
pub(in crate::planner) fn functions() -> Vec<Arc<ScalarUDF>> {
    let function = |(name, gives): &(&'static str, Gives)| {
        Arc::new(ScalarUDF::from(Listed {
            name,
            gives: *gives,
            signature: Signature::variadic_any(Volatility::Immutable),
        }))
    };
    FUNCTIONS.iter().map(function).collect()
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Listed {
    name: &'static str,
    gives: Gives,
    signature: Signature,
}

fn text(column: &ArrayRef) -> Result<StringArray> {
    Ok(cast(column, &DataType::Utf8)?.as_string::<i32>().clone())
}

impl Listed {
    fn run(&self, columns: &[ArrayRef]) -> Result<ArrayRef> {
        let Some(first) = columns.first() else {
            return internal_err!("{} takes a document", self.name);
        };
        if self.gives == Gives::Places {
            return places(first);
        }
        let documents = text(first)?;
        let key = match columns.get(1) {
            Some(keys) => text(keys)?.iter().next().flatten().unwrap_or_default().to_owned(),
            None => String::new(),
        };
        if let Gives::Field(as_text) = self.gives {
            let mut out = StringBuilder::new();
            for document in &documents {
                out.append_option(match document {
                    Some(document) => field(document, &key, as_text)?,
                    None => None,
                });
            }
            return Ok(Arc::new(out.finish()));
        }
        let mut out = ListBuilder::new(StringBuilder::new());
        for document in &documents {
            let Some(document) = document else {
                out.append_null();
                continue;
            };
            let items: Vec<Option<String>> = match self.gives {
                Gives::Elements(jsonb, as_text) => elements(document, jsonb, as_text)?,
                Gives::Keys(jsonb) => members(document, jsonb, true)?
                    .into_iter()
                    .map(|(key, _)| Some(key))
                    .collect(),
                Gives::Values(jsonb, as_text) => members(document, jsonb, as_text)?
                    .into_iter()
                    .map(|(_, value)| value)
                    .collect(),
                Gives::Fields(as_text) => {
                    let objects = elements(document, false, false)?;
                    let each = objects
                        .iter()
                        .map(|object| field(object.as_deref().unwrap_or("null"), &key, as_text));
                    each.collect::<Result<_>>()?
                }
                Gives::Field(_) | Gives::Places => return internal_err!("{} gives no texts", self.name),
            };
            items
                .into_iter()
                .for_each(|item| out.values().append_option(item));
            out.append(true);
        }
        Ok(Arc::new(out.finish()))
    }
}

fn places(lists: &ArrayRef) -> Result<ArrayRef> {
    let mut out = ListBuilder::new(Int64Builder::new());
    match lists.as_list_opt::<i32>() {
        Some(lists) => {
            for row in 0..lists.len() {
                if lists.is_valid(row) {
                    (1_i64..)
                        .take(lists.value(row).len())
                        .for_each(|place| out.values().append_value(place));
                }
                out.append(lists.is_valid(row));
            }
        }
        None => return exec_err!("{PLACES} takes a list"),
    }
    Ok(Arc::new(out.finish()))
}

impl ScalarUDFImpl for Listed {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match (self.gives, types) {
            (Gives::Places, [DataType::List(_)]) => Ok(DataType::new_list(DataType::Int64, true)),
            (Gives::Field(_), [document, _]) if document.is_string() || document.is_null() => {
                Ok(DataType::Utf8)
            }
            (Gives::Places | Gives::Field(_), _) => internal_err!("{} takes other arguments", self.name),
            (_, [document, ..]) if document.is_string() || document.is_null() => {
                Ok(DataType::new_list(DataType::Utf8, true))
            }
            (_, types) => {
                let types: Vec<String> = types.iter().map(super::name_of).collect();
                Err(Error::UndefinedFunction {
                    name: format!("{}({})", self.name.trim_end_matches("_list"), types.join(", ")),
                    hint: None,
                    position: None,
                }
                .into())
            }
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        radlake_udfs::by_row(&args, |columns| self.run(columns))
    }
}
