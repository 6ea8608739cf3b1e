//! What casts to json and jsonb, and operators of the two types, become. A function has PostgreSQL's name where PostgreSQL has it.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanBuilder, Int32Builder, StringArray, StringBuilder};
use arrow::datatypes::{DataType, Field, FieldRef, Int32Type};
use datafusion::common::{exec_err, internal_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use super::document::{Json, Outline, concat, outline, parse, validate};
use super::named::{ARGUMENTS, Gives, Kind, NAMED, Named};
use super::order::{contains, sort_key};
use super::parts::{at_path, element, field, place, shown};
use crate::document::{Family, document};
use crate::rows::by_row;

/// Every function of this file.
pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    NAMED
        .iter()
        .map(|named| Arc::new(ScalarUDF::from(Function::new(named))))
        .collect()
}

/// The key of a field's metadata that names PostgreSQL's type.
const PG_TYPE: &str = "pg_type";

#[derive(Debug)]
struct Function {
    named: &'static Named,
    signature: Signature,
    documentation: Documentation,
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.named.0 == other.named.0
    }
}

impl Eq for Function {}

impl std::hash::Hash for Function {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.named.0.hash(state);
    }
}

impl Function {
    fn new(named: &'static Named) -> Self {
        let Named(_, _, _, _, syntax, description, example) = named;
        let names = syntax
            .split_once('(')
            .map_or("", |(_, rest)| rest.trim_end_matches(')'));
        let arguments: Vec<_> = names
            .split(", ")
            .filter_map(|name| ARGUMENTS.iter().find(|(known, _)| *known == name).copied())
            .collect();
        Self {
            named,
            signature: Signature::user_defined(Volatility::Immutable),
            documentation: document(Family::Json, syntax, description, &arguments, example),
        }
    }

    fn wrong<T>(&self, types: &[DataType]) -> Result<T> {
        let types: Vec<_> = types.iter().map(ToString::to_string).collect();
        plan_err!(
            "No function matches the given name and argument types '{}({})'.",
            self.named.0,
            types.join(", ")
        )
    }

    fn run(&self, values: &[ArrayRef]) -> Result<ArrayRef> {
        let Named(name, kind, jsonb, gives, ..) = self.named;
        let Some((documents, others)) = values.split_first() else {
            return internal_err!("{name}: an argument is missing");
        };
        let Some(documents) = documents.as_string_opt::<i32>() else {
            return exec_err!("{name}: a text is wanted");
        };
        let text = *gives == Gives::Text;
        match (kind, others) {
            (Kind::In, []) if !jsonb => {
                documents.iter().flatten().try_for_each(validate)?;
                Ok(Arc::new(documents.clone()))
            }
            (Kind::In, []) => normal(documents),
            (Kind::Out, []) => Ok(Arc::new(documents.clone())),
            (Kind::SortKey, []) => {
                // As hexadecimal digits: windows are made of texts, not of bytes.
                texts(documents, |_, text| {
                    let key = sort_key(&parse(text)?)?;
                    Ok(Some(key.iter().map(|byte| format!("{byte:02x}")).collect()))
                })
            }
            (Kind::Typeof, []) => texts(documents, |_, text| Ok(Some(type_of(&parse(text)?).to_owned()))),
            (Kind::Length, []) => {
                let mut out = Int32Builder::with_capacity(documents.len());
                for document in documents {
                    out.append_option(document.map(length).transpose()?);
                }
                Ok(Arc::new(out.finish()))
            }
            (Kind::Concat, [other]) => {
                let other = other.as_string::<i32>();
                texts(documents, |row, left| match value(other, row) {
                    Some(right) => concat(parse(left)?, parse(right)?).to_text().map(Some),
                    None => Ok(None),
                })
            }
            (Kind::Field, [keys]) => {
                let keys = keys.as_string::<i32>();
                texts(documents, |row, document| match value(keys, row) {
                    Some(key) => part(field(document, key)?, *jsonb, text),
                    None => Ok(None),
                })
            }
            (Kind::Element, [places]) => {
                let places = places.as_primitive::<Int32Type>();
                texts(documents, |row, document| match places.is_valid(row) {
                    true => part(element(document, places.value(row), *jsonb)?, *jsonb, text),
                    false => Ok(None),
                })
            }
            (Kind::Path, steps) => texts(documents, |row, document| {
                let path = path(steps, row);
                match path
                    .iter()
                    .flatten()
                    .map(Option::as_deref)
                    .collect::<Option<Vec<_>>>()
                {
                    Some(steps) if path.is_some() => part(at_path(document, &steps)?, *jsonb, text),
                    _ => Ok(None),
                }
            }),
            (Kind::Contains | Kind::Contained, [other]) => {
                let other = other.as_string::<i32>();
                truths(documents, |row, left| match value(other, row) {
                    Some(right) if *kind == Kind::Contains => {
                        contains(&parse(left)?, &parse(right)?).map(Some)
                    }
                    Some(right) => contains(&parse(right)?, &parse(left)?).map(Some),
                    None => Ok(None),
                })
            }
            (Kind::Exists, [keys]) => {
                let keys = keys.as_string::<i32>();
                truths(documents, |row, document| match value(keys, row) {
                    Some(key) => Ok(Some(exists(&parse(document)?, key))),
                    None => Ok(None),
                })
            }
            (Kind::ExistsAny | Kind::ExistsAll, [_]) => truths(documents, |row, document| {
                let Some(keys) = path(others, row) else {
                    return Ok(None);
                };
                let document = parse(document)?;
                let mut keys = keys.iter().flatten();
                Ok(Some(match kind {
                    Kind::ExistsAny => keys.any(|key| exists(&document, key)),
                    _ => keys.all(|key| exists(&document, key)),
                }))
            }),
            (Kind::Delete, [what]) => match what.data_type() {
                DataType::Int32 => {
                    let places = what.as_primitive::<Int32Type>();
                    texts(documents, |row, document| match places.is_valid(row) {
                        true => without_place(parse(document)?, places.value(row))?
                            .to_text()
                            .map(Some),
                        false => Ok(None),
                    })
                }
                DataType::List(_) => texts(documents, |row, document| match path(others, row) {
                    Some(keys) => {
                        let keys: Vec<&str> = keys.iter().flatten().map(String::as_str).collect();
                        without(parse(document)?, &keys)?.to_text().map(Some)
                    }
                    None => Ok(None),
                }),
                _ => {
                    let keys = what.as_string::<i32>();
                    texts(documents, |row, document| match value(keys, row) {
                        Some(key) => without(parse(document)?, &[key])?.to_text().map(Some),
                        None => Ok(None),
                    })
                }
            },
            _ => internal_err!("{name}: other arguments expected"),
        }
    }
}

/// Texts in the normal form of jsonb.
pub(super) fn normal(documents: &StringArray) -> Result<ArrayRef> {
    texts(documents, |_, text| parse(text)?.to_text().map(Some))
}

fn value(texts: &StringArray, row: usize) -> Option<&str> {
    texts.is_valid(row).then(|| texts.value(row))
}

/// An answer for each document that is there.
fn texts(
    documents: &StringArray,
    mut answer: impl FnMut(usize, &str) -> Result<Option<String>>,
) -> Result<ArrayRef> {
    let mut out = StringBuilder::with_capacity(documents.len(), documents.value_data().len());
    for (row, document) in documents.iter().enumerate() {
        match document {
            Some(document) => out.append_option(answer(row, document)?),
            None => out.append_null(),
        }
    }
    Ok(Arc::new(out.finish()))
}

fn truths(
    documents: &StringArray,
    mut answer: impl FnMut(usize, &str) -> Result<Option<bool>>,
) -> Result<ArrayRef> {
    let mut out = BooleanBuilder::with_capacity(documents.len());
    for (row, document) in documents.iter().enumerate() {
        match document {
            Some(document) => out.append_option(answer(row, document)?),
            None => out.append_null(),
        }
    }
    Ok(Arc::new(out.finish()))
}

fn part(found: Option<&str>, jsonb: bool, text: bool) -> Result<Option<String>> {
    match found {
        Some(found) => shown(found, jsonb, text),
        None => Ok(None),
    }
}

/// The texts of a row: of an array, or of one column each.
fn path(steps: &[ArrayRef], row: usize) -> Option<Vec<Option<String>>> {
    let texts = |texts: &StringArray| texts.iter().map(|text| text.map(str::to_owned)).collect();
    match steps {
        [list] if matches!(list.data_type(), DataType::List(_)) => {
            let list = list.as_list::<i32>();
            list.is_valid(row)
                .then(|| texts(list.value(row).as_string::<i32>()))
        }
        steps => Some(
            steps
                .iter()
                .map(|step| value(step.as_string::<i32>(), row).map(str::to_owned))
                .collect(),
        ),
    }
}

pub(super) fn type_of(document: &Json<'_>) -> &'static str {
    match document {
        Json::Null => "null",
        Json::Bool(_) => "boolean",
        Json::Number(_) => "number",
        Json::String(_) => "string",
        Json::Array(_) => "array",
        Json::Object(_) => "object",
    }
}

fn length(document: &str) -> Result<i32> {
    match outline(document)? {
        Outline::Array(items) => Ok(i32::try_from(items.len()).unwrap_or(i32::MAX)),
        Outline::Object(_) => exec_err!("cannot get array length of a non-array"),
        Outline::Scalar(_) => exec_err!("cannot get array length of a scalar"),
    }
}

fn exists(document: &Json<'_>, wanted: &str) -> bool {
    let is = |json: &Json<'_>| matches!(json, Json::String(text) if text == wanted);
    match document {
        Json::Object(pairs) => pairs.iter().any(|(key, _)| key == wanted),
        Json::Array(items) => items.iter().any(is),
        scalar => is(scalar),
    }
}

fn without<'a>(document: Json<'a>, keys: &[&str]) -> Result<Json<'a>> {
    match document {
        Json::Object(mut pairs) => {
            pairs.retain(|(key, _)| !keys.contains(&key.as_str()));
            Ok(Json::Object(pairs))
        }
        Json::Array(mut items) => {
            items.retain(|item| !matches!(item, Json::String(text) if keys.contains(&text.as_str())));
            Ok(Json::Array(items))
        }
        _ => exec_err!("cannot delete from scalar"),
    }
}

fn without_place(document: Json<'_>, index: i32) -> Result<Json<'_>> {
    match document {
        Json::Array(mut items) => {
            if let Some(at) = place(items.len(), index).filter(|at| *at < items.len()) {
                let _ = items.remove(at);
            }
            Ok(Json::Array(items))
        }
        Json::Object(_) => exec_err!("cannot delete from object using integer index"),
        _ => exec_err!("cannot delete from scalar"),
    }
}

impl ScalarUDFImpl for Function {
    fn name(&self) -> &str {
        self.named.0
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let text = |t: &DataType| t.is_string() || t.is_null();
        let small = |t: &DataType| {
            matches!(
                t,
                DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64
            )
        };
        let list = |t: &DataType| matches!(t, DataType::List(item) | DataType::LargeList(item) if text(item.data_type()));
        let texts = || DataType::new_list(DataType::Utf8, true);
        let Some((document, others)) = types.split_first() else {
            return self.wrong(types);
        };
        if self.named.1 == Kind::In && others.is_empty() && !text(document) {
            // Said to be no cast where its type has a name, in the engine.
            return Ok(types.to_vec());
        }
        if !text(document) {
            return self.wrong(types);
        }
        let mut coerced = vec![DataType::Utf8];
        match (self.named.1, others) {
            (Kind::In | Kind::Out | Kind::SortKey | Kind::Typeof | Kind::Length, []) => {}
            (Kind::Element, [other]) if small(other) || other.is_null() => coerced.push(DataType::Int32),
            (Kind::Delete, [other]) if small(other) => coerced.push(DataType::Int32),
            (Kind::Delete | Kind::ExistsAny | Kind::ExistsAll | Kind::Path, [other]) if list(other) => {
                coerced.push(texts());
            }
            (Kind::ExistsAny | Kind::ExistsAll, [other]) if other.is_null() => coerced.push(texts()),
            (
                Kind::Concat | Kind::Field | Kind::Contains | Kind::Contained | Kind::Exists | Kind::Delete,
                [other],
            ) if text(other) => coerced.push(DataType::Utf8),
            (Kind::Path, steps) if steps.iter().all(text) => {
                coerced.extend(steps.iter().map(|_| DataType::Utf8));
            }
            _ => return self.wrong(types),
        }
        Ok(coerced)
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(match self.named.3 {
            Gives::Json | Gives::Jsonb | Gives::Text => DataType::Utf8,
            Gives::Bool => DataType::Boolean,
            Gives::Int => DataType::Int32,
        })
    }

    fn return_field_from_args(&self, _: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let field = Field::new(self.name(), self.return_type(&[])?, true);
        let typname = match self.named.3 {
            Gives::Json => "json",
            Gives::Jsonb => "jsonb",
            _ => return Ok(Arc::new(field)),
        };
        let metadata = HashMap::from([(PG_TYPE.to_owned(), typname.to_owned())]);
        Ok(Arc::new(field.with_metadata(metadata)))
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        by_row(&args, |values| self.run(values))
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }
}

#[cfg(test)]
mod tests;
