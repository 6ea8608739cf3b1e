//! Functions of paths of SQL/JSON: `jsonb_path_exists`, `jsonb_path_query_array` and others of the kind.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanBuilder, ListBuilder, StringBuilder};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{exec_err, internal_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use super::document::{self, Json};
use super::path_parse::{self, Path};
use super::path_run::{Stop, find};
use crate::document::{Family, document};
use crate::rows::by_row;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Exists,
    Match,
    Array,
    First,
    List,
}

/// Name, answer, whether it is an operator's; syntax, description and example.
struct Named(
    &'static str,
    Answer,
    bool,
    &'static str,
    &'static str,
    &'static str,
);

const NAMED: &[Named] = &[
    Named(
        "jsonb_path_exists",
        Answer::Exists,
        false,
        "jsonb_path_exists(document, path, vars, silent)",
        "Whether a path of SQL/JSON finds anything in a document.",
        "SELECT jsonb_path_exists('{\"a\":1}', '$.a');  -- true",
    ),
    Named(
        "jsonb_path_match",
        Answer::Match,
        false,
        "jsonb_path_match(document, path, vars, silent)",
        "Whether the condition holds that a path of SQL/JSON is; an error if it is none.",
        "SELECT jsonb_path_match('{\"a\":1}', '$.a == 1');  -- true",
    ),
    Named(
        "jsonb_path_query_array",
        Answer::Array,
        false,
        "jsonb_path_query_array(document, path, vars, silent)",
        "Everything that a path of SQL/JSON finds in a document, as an array.",
        "SELECT jsonb_path_query_array('{\"a\":[1,2]}', '$.a[*]');  -- [1, 2]",
    ),
    Named(
        "jsonb_path_query_first",
        Answer::First,
        false,
        "jsonb_path_query_first(document, path, vars, silent)",
        "The first that a path of SQL/JSON finds in a document.",
        "SELECT jsonb_path_query_first('{\"a\":[1,2]}', '$.a[*]');  -- 1",
    ),
    Named(
        "jsonb_path_query_list",
        Answer::List,
        false,
        "jsonb_path_query_list(document, path, vars, silent)",
        "Everything that a path of SQL/JSON finds in a document, as a list; jsonb_path_query gives its rows.",
        "SELECT jsonb_path_query_list('{\"a\":[1,2]}', '$.a[*]');  -- {1,2}",
    ),
    Named(
        "jsonb_path_exists_opr",
        Answer::Exists,
        true,
        "jsonb_path_exists_opr(document, path)",
        "Whether a path of SQL/JSON finds anything in a document: document @? path.",
        "SELECT jsonb_path_exists_opr('{\"a\":1}', '$.a');  -- true",
    ),
    Named(
        "jsonb_path_match_opr",
        Answer::Match,
        true,
        "jsonb_path_match_opr(document, path)",
        "Whether the condition holds that a path of SQL/JSON is: document @@ path.",
        "SELECT jsonb_path_match_opr('{\"a\":1}', '$.a == 1');  -- true",
    ),
];

const ARGUMENTS: &[(&str, &str)] = &[
    ("document", "A JSON document."),
    ("path", "A path of SQL/JSON."),
    ("vars", "An object of the values of $name; none if left out."),
    (
        "silent",
        "Whether an error of the document counts as nothing found; false if left out.",
    ),
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
    answer: Answer,
    operator: bool,
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

/// What is found, or nothing where that is an error that does not count.
fn found<'a>(
    path: &Path,
    root: &'a Json<'a>,
    vars: &'a Json<'a>,
    silent: bool,
) -> Result<Option<Vec<Json<'a>>>> {
    match find(path, root, vars) {
        Ok(found) => Ok(Some(found)),
        Err(Stop::Document(_)) if silent => Ok(None),
        Err(Stop::Document(message)) => exec_err!("{message}"),
        Err(Stop::Other(error)) => Err(error),
    }
}

enum Out {
    Truths(BooleanBuilder),
    Texts(StringBuilder),
    Lists(ListBuilder<StringBuilder>),
}

impl Function {
    fn new(named: &Named) -> Self {
        let Named(name, answer, operator, syntax, description, example) = named;
        let arguments = if *operator {
            ARGUMENTS.get(..2)
        } else {
            Some(ARGUMENTS)
        };
        Self {
            name,
            answer: *answer,
            operator: *operator,
            signature: Signature::user_defined(Volatility::Immutable),
            documentation: document(
                Family::Json,
                syntax,
                description,
                arguments.unwrap_or_default(),
                example,
            ),
        }
    }

    fn run(&self, columns: &[ArrayRef]) -> Result<ArrayRef> {
        let [documents, paths, rest @ ..] = columns else {
            return internal_err!("{} takes a document and a path", self.name);
        };
        let (documents, paths) = (documents.as_string::<i32>(), paths.as_string::<i32>());
        let mut out = match self.answer {
            Answer::Exists | Answer::Match => Out::Truths(BooleanBuilder::new()),
            Answer::Array | Answer::First => Out::Texts(StringBuilder::new()),
            Answer::List => Out::Lists(ListBuilder::new(StringBuilder::new())),
        };
        let mut known: Option<(String, Path)> = None;
        for row in 0..documents.len() {
            let vars = match rest.first() {
                Some(vars) if vars.is_null(row) => None,
                Some(vars) => Some(vars.as_string::<i32>().value(row)),
                None => Some("{}"),
            };
            let silent = match rest.get(1) {
                Some(silent) if silent.is_null(row) => None,
                Some(silent) => Some(silent.as_boolean().value(row)),
                None => Some(self.operator),
            };
            let (Some(vars), Some(silent), true) =
                (vars, silent, documents.is_valid(row) && paths.is_valid(row))
            else {
                match &mut out {
                    Out::Truths(out) => out.append_null(),
                    Out::Texts(out) => out.append_null(),
                    Out::Lists(out) => out.append_null(),
                }
                continue;
            };
            let text = paths.value(row);
            let path = match known.take() {
                Some((of, path)) if of == text => path,
                _ => path_parse::parse(text)?,
            };
            let (root, vars) = (document::parse(documents.value(row))?, document::parse(vars)?);
            if !matches!(vars, Json::Object(_)) {
                return exec_err!("\"vars\" argument is not an object");
            }
            let items = found(&path, &root, &vars, silent)?;
            match &mut out {
                Out::Truths(out) if self.answer == Answer::Exists => {
                    out.append_option(items.map(|items| !items.is_empty()))
                }
                Out::Truths(out) => out.append_option(match items.as_deref() {
                    Some([Json::Bool(truth)]) => Some(*truth),
                    Some([Json::Null]) => None,
                    _ if silent => None,
                    _ => return exec_err!("single boolean result is expected"),
                }),
                Out::Texts(out) if self.answer == Answer::Array => {
                    out.append_value(Json::Array(items.unwrap_or_default()).to_text()?);
                }
                Out::Texts(out) => {
                    let first = items.and_then(|items| items.into_iter().next());
                    out.append_option(first.map(|first| first.to_text()).transpose()?);
                }
                Out::Lists(out) => {
                    for item in items.unwrap_or_default() {
                        out.values().append_value(item.to_text()?);
                    }
                    out.append(true);
                }
            }
            known = Some((text.to_owned(), path));
        }
        Ok(match out {
            Out::Truths(mut out) => Arc::new(out.finish()),
            Out::Texts(mut out) => Arc::new(out.finish()),
            Out::Lists(mut out) => Arc::new(out.finish()),
        })
    }
}

impl ScalarUDFImpl for Function {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let most = if self.operator { 2 } else { 4 };
        let fits = types.iter().enumerate().all(|(place, of)| {
            of.is_null()
                || if place == 3 {
                    *of == DataType::Boolean
                } else {
                    of.is_string()
                }
        });
        if !fits || !(2..=most).contains(&types.len()) {
            let types: Vec<_> = types.iter().map(ToString::to_string).collect();
            return plan_err!(
                "No function matches the given name and argument types '{}({})'.",
                self.name,
                types.join(", ")
            );
        }
        let wanted = |place| {
            if place == 3 {
                DataType::Boolean
            } else {
                DataType::Utf8
            }
        };
        Ok((0..types.len()).map(wanted).collect())
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(match self.answer {
            Answer::Exists | Answer::Match => DataType::Boolean,
            Answer::Array | Answer::First => DataType::Utf8,
            Answer::List => DataType::new_list(DataType::Utf8, true),
        })
    }

    fn return_field_from_args(&self, _: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let field = Field::new(self.name, self.return_type(&[])?, true);
        Ok(Arc::new(match self.answer {
            Answer::Array | Answer::First => {
                field.with_metadata(HashMap::from([("pg_type".to_owned(), "jsonb".to_owned())]))
            }
            _ => field,
        }))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        by_row(&args, |columns| self.run(columns))
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }
}
