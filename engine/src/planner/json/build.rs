//! Functions that make documents of values, and what aggregates into documents are put together from.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringBuilder, StructArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion::common::{Result, ScalarValue, exec_err, internal_err};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature,
    Volatility,
};
use radlake_udfs::json::literal;

use super::render::{NAMED, Writer};
use crate::Error;

/// A row of a table, or of a sub-query: names and values in turn.
pub(super) const ROW_OF: &str = "json_row_of";
/// Begins what is to be on a line of its own. No document begins so.
const LINE: char = '\u{1}';
/// What a pair whose key is NULL is until it is known that it counts.
const NO_KEY: &str = "\u{2}";

/// What a function does; those with a truth value differ between json (false) and jsonb.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Makes {
    Value,
    OfRow,
    OfArray,
    Array,
    Object,
    /// An element or a pair of an aggregate, and the aggregate of a list of them.
    Item,
    Pair,
    Items,
    Pairs,
    /// The aggregate of a list of values.
    Distinct,
    Row,
    /// An object of texts.
    Texts,
}

const FUNCTIONS: &[(&str, Makes, bool)] = &[
    ("to_json", Makes::Value, false),
    ("to_jsonb", Makes::Value, true),
    ("row_to_json", Makes::OfRow, false),
    ("array_to_json", Makes::OfArray, false),
    ("json_build_array", Makes::Array, false),
    ("jsonb_build_array", Makes::Array, true),
    ("json_build_object", Makes::Object, false),
    ("jsonb_build_object", Makes::Object, true),
    ("json_object", Makes::Texts, false),
    ("jsonb_object", Makes::Texts, true),
    ("json_agg_item", Makes::Item, false),
    ("jsonb_agg_item", Makes::Item, true),
    ("json_agg_pair", Makes::Pair, false),
    ("jsonb_agg_pair", Makes::Pair, true),
    ("json_agg_items", Makes::Items, false),
    ("jsonb_agg_items", Makes::Items, true),
    ("json_agg_pairs", Makes::Pairs, false),
    ("jsonb_agg_pairs", Makes::Pairs, true),
    ("json_agg_distinct", Makes::Distinct, false),
    ("jsonb_agg_distinct", Makes::Distinct, true),
    (ROW_OF, Makes::Row, false),
];

/// The functions.
pub(in crate::planner) fn functions() -> Vec<Arc<ScalarUDF>> {
    let function = |(name, makes, jsonb): &(&'static str, Makes, bool)| {
        Arc::new(ScalarUDF::from(Build {
            name,
            makes: *makes,
            jsonb: *jsonb,
            signature: Signature::one_of(
                vec![TypeSignature::Nullary, TypeSignature::VariadicAny],
                Volatility::Immutable,
            ),
        }))
    };
    FUNCTIONS.iter().map(function).collect()
}

/// Whether a function makes documents of its arguments.
pub(super) fn is_maker(function: &str) -> bool {
    FUNCTIONS.iter().any(|(name, ..)| *name == function)
}

/// Whether a function writes values that may be arrays; those of an aggregate are written already.
pub(super) fn writes_arrays(function: &str) -> bool {
    FUNCTIONS.iter().any(|(name, makes, _)| {
        *name == function && !matches!(makes, Makes::Items | Makes::Pairs | Makes::Texts | Makes::Row)
    })
}

/// The function that makes a row.
pub(super) fn row_of() -> Option<Arc<ScalarUDF>> {
    functions().into_iter().find(|function| function.name() == ROW_OF)
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Build {
    name: &'static str,
    makes: Makes,
    jsonb: bool,
    signature: Signature,
}

impl Build {
    fn check(&self, fields: &[FieldRef]) -> Result<()> {
        let types: Vec<&DataType> = fields.iter().map(|field| field.data_type()).collect();
        let is_list = |of: &DataType| matches!(of, DataType::List(_) | DataType::Null);
        let fits = match (self.makes, types.as_slice()) {
            (Makes::Value | Makes::Item | Makes::Items | Makes::Pairs | Makes::Distinct, [_])
            | (Makes::Pair, [_, _]) => true,
            (Makes::OfRow, [DataType::Struct(_)] | [DataType::Struct(_), DataType::Boolean]) => true,
            (Makes::OfArray, [list] | [list, DataType::Boolean]) => is_list(list),
            (Makes::Array | Makes::Object | Makes::Row, _) => true,
            (Makes::Texts, [keys] | [keys, _]) => {
                is_list(keys) && types.get(1).is_none_or(|values| is_list(values))
            }
            _ => false,
        };
        if fits {
            return Ok(());
        }
        let types: Vec<String> = types.iter().map(|of| super::name_of(of)).collect();
        Err(Error::UndefinedFunction {
            name: format!("{}({})", self.name, types.join(", ")),
            hint: None,
            position: None,
        }
        .into())
    }

    fn row(&self, args: &ReturnFieldArgs<'_>) -> Result<DataType> {
        let mut fields = Vec::with_capacity(args.arg_fields.len() / 2);
        for (place, field) in args
            .arg_fields
            .iter()
            .enumerate()
            .filter(|(place, _)| place % 2 == 1)
        {
            let name = match args.scalar_arguments.get(place - 1) {
                Some(Some(ScalarValue::Utf8(Some(name)))) => name,
                _ => return internal_err!("{ROW_OF} takes names"),
            };
            fields.push(
                Field::new(format!("{NAMED}{name}"), field.data_type().clone(), true)
                    .with_metadata(field.metadata().clone()),
            );
        }
        Ok(DataType::Struct(Fields::from(fields)))
    }

    fn finished(&self, document: String) -> Result<String> {
        match self.jsonb {
            true => literal(&document, true),
            false => Ok(document),
        }
    }

    fn run(&self, columns: &[ArrayRef], fields: &[FieldRef], rows: usize) -> Result<ArrayRef> {
        if self.makes == Makes::Object && !columns.len().is_multiple_of(2) {
            return exec_err!("argument list must have even number of elements");
        }
        if matches!(self.makes, Makes::Items | Makes::Pairs | Makes::Distinct) {
            return self.aggregate(columns, fields);
        }
        if self.makes == Makes::Texts {
            return self.of_texts(columns);
        }
        let writers = columns
            .iter()
            .zip(fields)
            .map(|(column, field)| Writer::new(column, field))
            .collect::<Result<Vec<_>>>()?;
        let mut out = StringBuilder::with_capacity(rows, rows * 16);
        for row in 0..rows {
            let mut text = String::new();
            match (self.makes, writers.as_slice()) {
                (Makes::Value | Makes::OfRow | Makes::OfArray | Makes::Item, [value, rest @ ..]) => {
                    let unknown = |column: &ArrayRef| column.is_null(row);
                    if columns
                        .iter()
                        .any(|column| column.data_type().is_null() || unknown(column))
                    {
                        out.append_null();
                        continue;
                    }
                    let lines =
                        !rest.is_empty() && columns.get(1).is_some_and(|lines| lines.as_boolean().value(row));
                    if self.makes == Makes::Item && value.is_structured() && !self.jsonb {
                        text.push(LINE);
                    }
                    value.write(row, lines, &mut text);
                }
                (Makes::Pair, [key, value]) => match key.key(row, &mut text)? {
                    true => {
                        text.push_str(" : ");
                        value.write(row, false, &mut text);
                        out.append_value(text);
                        continue;
                    }
                    false => text.push_str(NO_KEY),
                },
                (Makes::Array, values) => {
                    text.push('[');
                    for (place, value) in values.iter().enumerate() {
                        text.push_str(if place > 0 { ", " } else { "" });
                        value.write(row, false, &mut text);
                    }
                    text.push(']');
                }
                (_, values) => {
                    text.push('{');
                    for (place, pair) in values.chunks_exact(2).enumerate() {
                        let [key, value] = pair else { continue };
                        text.push_str(if place > 0 { ", " } else { "" });
                        if !key.key(row, &mut text)? {
                            return exec_err!("argument {}: key must not be null", place * 2 + 1);
                        }
                        text.push_str(" : ");
                        value.write(row, false, &mut text);
                    }
                    text.push('}');
                }
            }
            out.append_value(match text == NO_KEY {
                true => text,
                false => self.finished(text)?,
            });
        }
        Ok(Arc::new(out.finish()))
    }

    /// The documents of lists, whose elements are written already or are values.
    fn aggregate(&self, columns: &[ArrayRef], fields: &[FieldRef]) -> Result<ArrayRef> {
        let (Some(lists), Some(field)) = (columns.first(), fields.first()) else {
            return internal_err!("{} takes a list", self.name);
        };
        let (Some(lists), DataType::List(item)) = (lists.as_list_opt::<i32>(), field.data_type()) else {
            return internal_err!("{} takes a list", self.name);
        };
        let mut out = StringBuilder::new();
        for row in 0..lists.len() {
            if lists.is_null(row) {
                out.append_null();
                continue;
            }
            let items = lists.value(row);
            let (open, close) = match self.makes {
                Makes::Pairs => ("{ ", " }"),
                _ => ("[", "]"),
            };
            let mut text = String::from(open);
            let values = (self.makes == Makes::Distinct)
                .then(|| Writer::new(&items, item))
                .transpose()?;
            let written = match values {
                Some(_) => None,
                None => Some(cast(&items, &DataType::Utf8)?),
            };
            for at in 0..items.len() {
                text.push_str(if at > 0 { ", " } else { "" });
                if let Some(values) = &values {
                    text.push_str(if at > 0 && values.is_structured() {
                        "\n "
                    } else {
                        ""
                    });
                    values.write(at, false, &mut text);
                    continue;
                }
                let Some(written) = &written else { continue };
                let written = written.as_string::<i32>();
                match written.is_valid(at).then(|| written.value(at)) {
                    None => text.push_str("null"),
                    Some(NO_KEY) => return exec_err!("field name must not be null"),
                    Some(item) => match item.strip_prefix(LINE) {
                        Some(item) => {
                            text.push_str(if at > 0 { "\n " } else { "" });
                            text.push_str(item);
                        }
                        None => text.push_str(item),
                    },
                }
            }
            text.push_str(close);
            out.append_value(self.finished(text)?);
        }
        Ok(Arc::new(out.finish()))
    }

    /// `json_object('{k,v}')` and `json_object('{k}', '{v}')`.
    fn of_texts(&self, columns: &[ArrayRef]) -> Result<ArrayRef> {
        let mut out = StringBuilder::new();
        let [first, rest @ ..] = columns else {
            return internal_err!("{} takes an array", self.name);
        };
        for row in 0..first.len() {
            let listed = |column: &ArrayRef| -> Result<Option<Vec<Option<String>>>> {
                let Some(lists) = column.as_list_opt::<i32>().filter(|lists| lists.is_valid(row)) else {
                    return Ok(None);
                };
                let items = lists.value(row);
                if matches!(items.data_type(), DataType::List(_)) {
                    return datafusion::common::not_impl_err!("{} of an array of arrays", self.name);
                }
                let items = cast(&items, &DataType::Utf8)?;
                let items = items.as_string::<i32>().iter();
                Ok(Some(items.map(|item| item.map(str::to_owned)).collect()))
            };
            let (Some(keys), values) = (listed(first)?, rest.first().map(listed).transpose()?) else {
                out.append_null();
                continue;
            };
            let pairs: Vec<(Option<String>, Option<String>)> = match values {
                None if !keys.len().is_multiple_of(2) => {
                    return Err(Error::ArraySubscript("array must have even number of elements").into());
                }
                None => keys
                    .chunks_exact(2)
                    .map(|pair| (pair.first().cloned().flatten(), pair.get(1).cloned().flatten()))
                    .collect(),
                Some(None) => {
                    out.append_null();
                    continue;
                }
                Some(Some(values)) if values.len() != keys.len() => {
                    return Err(Error::ArraySubscript("mismatched array dimensions").into());
                }
                Some(Some(values)) => keys.into_iter().zip(values).collect(),
            };
            let mut text = String::from("{");
            for (place, (key, value)) in pairs.iter().enumerate() {
                let Some(key) = key else {
                    return Err(Error::NullNotAllowed("null value not allowed for object key").into());
                };
                text.push_str(if place > 0 { ", " } else { "" });
                radlake_udfs::json::quote(key, &mut text);
                text.push_str(" : ");
                match value {
                    Some(value) => radlake_udfs::json::quote(value, &mut text),
                    None => text.push_str("null"),
                }
            }
            text.push('}');
            out.append_value(self.finished(text)?);
        }
        Ok(Arc::new(out.finish()))
    }
}

impl ScalarUDFImpl for Build {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        self.check(args.arg_fields)?;
        if self.makes == Makes::Row {
            return Ok(Arc::new(Field::new(self.name, self.row(&args)?, true)));
        }
        let typname = if self.jsonb { "jsonb" } else { "json" };
        let field = Field::new(self.name, DataType::Utf8, true);
        // What an aggregate is put together from is no document yet.
        Ok(Arc::new(match self.makes {
            Makes::Item | Makes::Pair => field,
            _ => field.with_metadata([("pg_type".to_owned(), typname.to_owned())].into()),
        }))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if let (Makes::Row, DataType::Struct(fields)) = (self.makes, args.return_field.data_type()) {
            let columns = args.args.iter().skip(1).step_by(2);
            let columns = columns
                .map(|column| column.to_array(args.number_rows))
                .collect::<Result<Vec<_>>>()?;
            let row = StructArray::try_new_with_length(fields.clone(), columns, None, args.number_rows)?;
            return Ok(ColumnarValue::Array(Arc::new(row)));
        }
        let fields = args.arg_fields.clone();
        radlake_udfs::by_row(&args, |columns| {
            let rows = columns.first().map_or(1, |column| column.len());
            self.run(columns, &fields, rows)
        })
    }
}
