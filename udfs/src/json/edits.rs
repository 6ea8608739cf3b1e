//! Functions that change documents: `jsonb_set`, `jsonb_insert`, `#-`, and what takes nulls out or lays documents out.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{exec_err, internal_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use super::document::{Json, Outline, outline, parse, write_string};
use super::paths::{Op, set_path};
use crate::document::{Family, document};
use crate::rows::by_row;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Edit {
    Set,
    SetLax,
    Insert,
    DeletePath,
    StripNulls,
    StripNullsOfText,
    Pretty,
}

/// Name, kind; syntax, description and example.
struct Named(&'static str, Edit, &'static str, &'static str, &'static str);

const NAMED: &[Named] = &[
    Named(
        "jsonb_set",
        Edit::Set,
        "jsonb_set(document, path, value, create)",
        "A document with a value in the place that a path leads to; a key or element that is not there is added unless the last argument is false.",
        "SELECT jsonb_set('{\"a\":1}', '{a}', '5');  -- {\"a\": 5}",
    ),
    Named(
        "jsonb_set_lax",
        Edit::SetLax,
        "jsonb_set_lax(document, path, value, create, treatment)",
        "As jsonb_set; what NULL for a value does, the last argument says: use_json_null, delete_key, return_target or raise_exception.",
        "SELECT jsonb_set_lax('{\"a\":1}', '{a}', NULL);  -- {\"a\": null}",
    ),
    Named(
        "jsonb_insert",
        Edit::Insert,
        "jsonb_insert(document, path, value, after)",
        "A document with a value put before the element that a path leads to, or after it if the last argument is true, or under a key that is not there.",
        "SELECT jsonb_insert('{\"a\":[1]}', '{a,0}', '9');  -- {\"a\": [9, 1]}",
    ),
    Named(
        "jsonb_delete_path",
        Edit::DeletePath,
        "jsonb_delete_path(document, path)",
        "A document without what a path leads to: document #- path.",
        "SELECT jsonb_delete_path('{\"a\":{\"b\":1}}', '{a,b}');  -- {\"a\": {}}",
    ),
    Named(
        "jsonb_strip_nulls",
        Edit::StripNulls,
        "jsonb_strip_nulls(document)",
        "A document without the keys of its objects whose values are null; nulls in arrays stay.",
        "SELECT jsonb_strip_nulls('{\"a\":null,\"b\":1}');  -- {\"b\": 1}",
    ),
    Named(
        "json_strip_nulls",
        Edit::StripNullsOfText,
        "json_strip_nulls(document)",
        "A document without the keys of its objects whose values are null, and without blanks; nulls in arrays stay.",
        "SELECT json_strip_nulls('{\"a\":null,\"b\": 1}');  -- {\"b\":1}",
    ),
    Named(
        "jsonb_pretty",
        Edit::Pretty,
        "jsonb_pretty(document)",
        "The text of a document on several lines, indented by four blanks.",
        "SELECT jsonb_pretty('[]');  -- [ and ] on two lines",
    ),
];

const ARGUMENTS: &[(&str, &str)] = &[
    ("document", "A JSON document."),
    ("path", "Keys and indexes as an array of texts."),
    ("value", "The document to put in."),
    ("create", "Whether to add what is not there; true if left out."),
    (
        "after",
        "Whether to put it behind the element; false if left out.",
    ),
    ("treatment", "What NULL does; use_json_null if left out."),
];

/// Every function of this file.
pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    NAMED
        .iter()
        .map(|named| Arc::new(ScalarUDF::from(Function::new(named))))
        .collect()
}

#[derive(Debug)]
struct Function {
    name: &'static str,
    edit: Edit,
    signature: Signature,
    documentation: Documentation,
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Function {}

impl std::hash::Hash for Function {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

/// A row's arguments.
struct Row<'a> {
    columns: &'a [ArrayRef],
    row: usize,
}

impl Row<'_> {
    fn text(&self, place: usize) -> Option<String> {
        let texts = self.columns.get(place)?.as_string_opt::<i32>()?;
        texts.is_valid(self.row).then(|| texts.value(self.row).to_owned())
    }

    fn truth(&self, place: usize, default: bool) -> Option<bool> {
        let Some(column) = self.columns.get(place) else {
            return Some(default);
        };
        let truths = column.as_boolean_opt()?;
        truths.is_valid(self.row).then(|| truths.value(self.row))
    }

    fn path(&self, place: usize) -> Result<Option<Vec<Option<String>>>> {
        let Some(lists) = self
            .columns
            .get(place)
            .and_then(|column| column.as_list_opt::<i32>())
        else {
            return Ok(None);
        };
        if lists.is_null(self.row) {
            return Ok(None);
        }
        let steps = cast(&lists.value(self.row), &DataType::Utf8)?;
        Ok(Some(
            steps
                .as_string::<i32>()
                .iter()
                .map(|step| step.map(str::to_owned))
                .collect(),
        ))
    }
}

impl Function {
    fn new(named: &Named) -> Self {
        let Named(name, edit, syntax, description, example) = named;
        let names = syntax
            .split_once('(')
            .map_or("", |(_, rest)| rest.trim_end_matches(')'));
        let arguments: Vec<_> = names
            .split(", ")
            .filter_map(|name| ARGUMENTS.iter().find(|(known, _)| *known == name).copied())
            .collect();
        Self {
            name,
            edit: *edit,
            signature: Signature::user_defined(Volatility::Immutable),
            documentation: document(Family::Json, syntax, description, &arguments, example),
        }
    }

    fn answer(&self, row: &Row<'_>) -> Result<Option<String>> {
        let Some(text) = row.text(0) else {
            return Ok(None);
        };
        match self.edit {
            Edit::StripNulls => return stripped(parse(&text)?).to_text().map(Some),
            Edit::StripNullsOfText => {
                let mut out = String::new();
                strip(&text, &mut out)?;
                return Ok(Some(out));
            }
            Edit::Pretty => {
                let mut out = String::new();
                pretty(&parse(&text)?, 0, &mut out)?;
                return Ok(Some(out));
            }
            _ => {}
        }
        let Some(path) = row.path(1)? else {
            return Ok(None);
        };
        let target = parse(&text)?;
        let value = row.text(2);
        let op = match self.edit {
            Edit::DeletePath => return set_path(target, &path, None, Op::Delete)?.to_text().map(Some),
            Edit::Insert => match row.truth(3, false) {
                Some(true) => Op::After,
                Some(false) => Op::Before,
                None => return Ok(None),
            },
            _ => match row.truth(3, true) {
                Some(true) => Op::Create,
                Some(false) => Op::Replace,
                None => return Ok(None),
            },
        };
        let value = match (value, self.edit) {
            (Some(value), _) => value,
            (None, Edit::SetLax) => match row
                .columns
                .get(4)
                .map_or_else(|| Some("use_json_null".to_owned()), |_| row.text(4))
            {
                Some(treatment) => match treatment.as_str() {
                    "use_json_null" => "null".to_owned(),
                    "return_target" => return target.to_text().map(Some),
                    "delete_key" => return set_path(target, &path, None, Op::Delete)?.to_text().map(Some),
                    "raise_exception" => return exec_err!("JSON value must not be null"),
                    _ => {
                        return exec_err!(
                            "null_value_treatment must be \"delete_key\", \"return_target\", \"use_json_null\", or \"raise_exception\""
                        );
                    }
                },
                None => return exec_err!("null_value_treatment must not be null"),
            },
            (None, _) => return Ok(None),
        };
        set_path(target, &path, Some(&parse(&value)?), op)?
            .to_text()
            .map(Some)
    }

    fn wrong<T>(&self, types: &[DataType]) -> Result<T> {
        let types: Vec<_> = types.iter().map(ToString::to_string).collect();
        plan_err!(
            "No function matches the given name and argument types '{}({})'.",
            self.name,
            types.join(", ")
        )
    }
}

fn stripped(document: Json<'_>) -> Json<'_> {
    match document {
        Json::Object(pairs) => Json::Object(
            pairs
                .into_iter()
                .filter(|(_, value)| *value != Json::Null)
                .map(|(key, value)| (key, stripped(value)))
                .collect(),
        ),
        Json::Array(items) => Json::Array(items.into_iter().map(stripped).collect()),
        scalar => scalar,
    }
}

/// The same of a text, whose keys keep their order and numbers their digits.
fn strip(text: &str, out: &mut String) -> Result<()> {
    match outline(text)? {
        Outline::Object(pairs) => {
            out.push('{');
            let kept = pairs.into_iter().filter(|(_, value)| *value != "null");
            for (place, (key, value)) in kept.enumerate() {
                out.push_str(if place > 0 { "," } else { "" });
                write_string(&key, out);
                out.push(':');
                strip(value, out)?;
            }
            out.push('}');
        }
        Outline::Array(items) => {
            out.push('[');
            for (place, item) in items.into_iter().enumerate() {
                out.push_str(if place > 0 { "," } else { "" });
                strip(item, out)?;
            }
            out.push(']');
        }
        Outline::Scalar(scalar) => match parse(scalar)? {
            Json::String(text) => write_string(&text, out),
            _ => out.push_str(scalar),
        },
    }
    Ok(())
}

fn pretty(document: &Json<'_>, level: usize, out: &mut String) -> Result<()> {
    let line = |level: usize, out: &mut String| {
        out.push('\n');
        out.push_str(&" ".repeat(4 * level));
    };
    match document {
        Json::Array(items) => {
            out.push('[');
            for (place, item) in items.iter().enumerate() {
                out.push_str(if place > 0 { "," } else { "" });
                line(level + 1, out);
                pretty(item, level + 1, out)?;
            }
            line(level, out);
            out.push(']');
        }
        Json::Object(pairs) => {
            out.push('{');
            for (place, (key, value)) in pairs.iter().enumerate() {
                out.push_str(if place > 0 { "," } else { "" });
                line(level + 1, out);
                write_string(key, out);
                out.push_str(": ");
                pretty(value, level + 1, out)?;
            }
            line(level, out);
            out.push('}');
        }
        scalar => out.push_str(&scalar.to_text()?),
    }
    Ok(())
}

impl ScalarUDFImpl for Function {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let (text, list, truth) = (
            DataType::Utf8,
            DataType::new_list(DataType::Utf8, true),
            DataType::Boolean,
        );
        let wanted: &[DataType] = match self.edit {
            Edit::Set | Edit::Insert => &[text.clone(), list, text, truth],
            Edit::SetLax => &[text.clone(), list, text.clone(), truth, text],
            Edit::DeletePath => &[text, list],
            Edit::StripNulls | Edit::StripNullsOfText | Edit::Pretty => &[text],
        };
        let least = match self.edit {
            Edit::Set | Edit::SetLax | Edit::Insert => 3,
            _ => wanted.len(),
        };
        let fits = |(given, wanted): (&DataType, &DataType)| match wanted {
            DataType::List(_) => {
                matches!(given, DataType::List(item) if item.data_type().is_string() || item.data_type().is_null())
            }
            DataType::Boolean => *given == DataType::Boolean,
            _ => given.is_string(),
        };
        let all = types
            .iter()
            .zip(wanted)
            .all(|pair| pair.0.is_null() || fits(pair));
        match all && (least..=wanted.len()).contains(&types.len()) {
            true => Ok(wanted.get(..types.len()).unwrap_or_default().to_vec()),
            false => self.wrong(types),
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn return_field_from_args(&self, _: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let field = Field::new(self.name, DataType::Utf8, true);
        let typname = match self.edit {
            Edit::Pretty => return Ok(Arc::new(field)),
            Edit::StripNullsOfText => "json",
            _ => "jsonb",
        };
        let metadata = HashMap::from([("pg_type".to_owned(), typname.to_owned())]);
        Ok(Arc::new(field.with_metadata(metadata)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        by_row(&args, |columns| {
            let Some(first) = columns.first() else {
                return internal_err!("{} takes a document", self.name);
            };
            let mut out = StringBuilder::new();
            for row in 0..first.len() {
                out.append_option(self.answer(&Row { columns, row })?);
            }
            Ok(Arc::new(out.finish()) as ArrayRef)
        })
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }
}
