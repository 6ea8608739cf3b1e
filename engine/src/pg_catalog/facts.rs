//! Reads `data/facts/`: the rows that are the same in every PostgreSQL 15, as its COPY writes them (`data/facts.sh`).

use arrow::array::{RecordBatch, new_null_array};
use arrow::datatypes::{DataType, Field};
use arrow::error::ArrowError;
use std::borrow::Cow;
use std::str::FromStr;

use super::declared::{Declared, NOT_NULL_KEY};
use super::rows::{Value, array};
use super::types::PG_TYPE_KEY;

/// The text of a value; None is NULL.
pub(super) type Cell = Option<Cow<'static, str>>;

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("data/facts/", $name, ".tsv")))),*]
    };
}

/// The files by the name of their relation or function.
const FILES: &[(&str, &str)] = files![
    "pg_aggregate",
    "pg_am",
    "pg_amop",
    "pg_amproc",
    "pg_cast",
    "pg_collation",
    "pg_conversion",
    "pg_description",
    "pg_get_keywords",
    "pg_language",
    "pg_opclass",
    "pg_operator",
    "pg_opfamily",
    "pg_proc",
    "pg_range",
    "pg_tablespace",
    "pg_ts_config",
    "pg_ts_dict",
    "pg_ts_parser",
    "pg_ts_template",
];

/// One of the files.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts {
    /// Names of the columns.
    header: &'static str,
    /// The lines below.
    rows: &'static str,
}

impl Facts {
    /// The file of a relation, if there is one.
    pub(super) fn of(name: &str) -> Option<Self> {
        let (_, text) = FILES.iter().find(|(n, _)| *n == name)?;
        let (header, rows) = text.split_once('\n')?;
        Some(Self { header, rows })
    }

    /// Some columns of every row; None if there is no such column.
    pub(super) fn select<const N: usize>(self, names: [&str; N]) -> Option<impl Iterator<Item = [Cell; N]>> {
        let mut positions = [0; N];
        for (position, name) in positions.iter_mut().zip(names) {
            *position = self.header.split('\t').position(|n| n == name)?;
        }
        Some(self.rows.lines().map(move |line| {
            let cells: Vec<&str> = line.split('\t').collect();
            positions.map(|position| cells.get(position).and_then(|cell| unescape(cell)))
        }))
    }

    /// The rows with the columns that are declared. An owner that is the bootstrap superuser is `owner` instead.
    ///
    /// # Errors
    /// An Arrow error if file and declaration do not fit, which would be a defect.
    pub(super) fn batch(self, declared: &Declared, owner: u32) -> Result<RecordBatch, ArrowError> {
        let mut columns: Vec<Column> = self
            .header
            .split('\t')
            .map(|name| Column::new(declared, name))
            .collect::<Result<_, _>>()?;
        let mut count = 0;
        for line in self.rows.lines() {
            let mut cells = line.split('\t');
            for column in &mut columns {
                let cell = cells
                    .next()
                    .ok_or_else(|| column.misfit("a line that is too short"))?;
                column.push(unescape(cell), owner)?;
            }
            if let (Some(surplus), Some(column)) = (cells.next(), columns.last()) {
                return Err(column.misfit(surplus));
            }
            count += 1;
        }
        let arrays = declared.schema.fields().iter().map(|field| {
            match columns.iter_mut().find(|c| c.field.name() == field.name()) {
                Some(column) => array(field.data_type(), column.values.drain(..)),
                // The script leaves out columns that hold nothing but NULL.
                None if is_not_null(field) => Err(ArrowError::SchemaError(format!(
                    "{}.{} is missing",
                    declared.name,
                    field.name()
                ))),
                None => Ok(new_null_array(field.data_type(), count)),
            }
        });
        RecordBatch::try_new(declared.schema.clone(), arrays.collect::<Result<_, _>>()?)
    }
}

/// The bootstrap superuser that owns PostgreSQL's own objects.
const BOOTSTRAP_OWNER: u32 = 10;

/// A column while its file is read.
struct Column<'d> {
    relation: &'static str,
    field: &'d Field,
    is_owner: bool,
    values: Vec<Value<'static>>,
}

impl<'d> Column<'d> {
    fn new(declared: &'d Declared, name: &str) -> Result<Self, ArrowError> {
        Ok(Self {
            relation: declared.name,
            field: declared.schema.field_with_name(name)?,
            is_owner: name.ends_with("owner"),
            values: Vec::new(),
        })
    }

    fn push(&mut self, cell: Cell, owner: u32) -> Result<(), ArrowError> {
        let value = match cell {
            None if is_not_null(self.field) => return Err(self.misfit("NULL")),
            None => Value::Null,
            Some(text) => match value(&text, self.field) {
                Some(Value::Int(oid)) if self.is_owner && oid == i64::from(BOOTSTRAP_OWNER) => owner.into(),
                Some(value) => value,
                None => return Err(self.misfit(&text)),
            },
        };
        self.values.push(value);
        Ok(())
    }

    fn misfit(&self, text: &str) -> ArrowError {
        ArrowError::ParseError(format!(
            "{}.{} is {}, not {text:?}",
            self.relation,
            self.field.name(),
            self.field.data_type()
        ))
    }
}

fn is_not_null(field: &Field) -> bool {
    field.metadata().contains_key(NOT_NULL_KEY)
}

/// The value that a text means in a column; None if it does not fit the column's type, in which it would become NULL.
fn value(text: &str, field: &Field) -> Option<Value<'static>> {
    match field.data_type() {
        DataType::Boolean => match text {
            "t" => Some(Value::Bool(true)),
            "f" => Some(Value::Bool(false)),
            _ => None,
        },
        DataType::Float32 | DataType::Float64 => text.parse().ok().map(Value::Float),
        DataType::Utf8 => Some(text.to_owned().into()),
        DataType::List(element) => {
            let vector = field
                .metadata()
                .get(PG_TYPE_KEY)
                .is_some_and(|t| t.ends_with("vector"));
            let elements = if vector {
                text.split_ascii_whitespace().map(Cow::Borrowed).collect()
            } else {
                elements(text)?
            };
            if element.data_type() == &DataType::Utf8 {
                return Some(Value::Texts(
                    elements.into_iter().map(|e| Cow::Owned(e.into_owned())).collect(),
                ));
            }
            let integers: Option<_> = elements.iter().map(|e| integer(e, element.data_type())).collect();
            integers.map(Value::Ints)
        }
        other => integer(text, other).map(Value::Int),
    }
}

/// An integer within the range of its type.
fn integer(text: &str, data_type: &DataType) -> Option<i64> {
    fn parse<T: FromStr + Into<i64>>(text: &str) -> Option<i64> {
        text.parse::<T>().ok().map(Into::into)
    }
    match data_type {
        DataType::Int16 => parse::<i16>(text),
        DataType::Int32 => parse::<i32>(text),
        DataType::Int64 => parse::<i64>(text),
        DataType::UInt32 => parse::<u32>(text),
        _ => None,
    }
}

/// Takes COPY's backslashes out of a cell; `\N` is NULL.
fn unescape(cell: &'static str) -> Cell {
    if cell == r"\N" {
        return None;
    }
    if !cell.contains('\\') {
        return Some(Cow::Borrowed(cell));
    }
    let mut text = String::with_capacity(cell.len());
    let mut chars = cell.chars();
    while let Some(c) = chars.next() {
        text.push(match c {
            '\\' => match chars.next() {
                Some('b') => '\u{8}',
                Some('f') => '\u{c}',
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some('v') => '\u{b}',
                Some(other) => other,
                None => c,
            },
            _ => c,
        });
    }
    Some(Cow::Owned(text))
}

/// The elements of an array's text, `{a,"b c"}`; None for what is no array of one dimension, or has NULLs.
fn elements(text: &str) -> Option<Vec<Cow<'_, str>>> {
    let mut rest = text.strip_prefix('{')?.strip_suffix('}')?;
    let mut elements = Vec::new();
    if rest.is_empty() {
        return Some(elements);
    }
    loop {
        let after = if let Some(quoted) = rest.strip_prefix('"') {
            let (element, after) = quoted_element(quoted)?;
            elements.push(Cow::Owned(element));
            after
        } else {
            let (element, after) = rest.split_at(rest.find(',').unwrap_or(rest.len()));
            if element.is_empty()
                || element.contains(['{', '}', '"', '\\'])
                || element.eq_ignore_ascii_case("null")
            {
                return None;
            }
            elements.push(Cow::Borrowed(element));
            after
        };
        if after.is_empty() {
            return Some(elements);
        }
        rest = after.strip_prefix(',')?;
    }
}

/// An element up to its closing quote, and what follows.
fn quoted_element(text: &str) -> Option<(String, &str)> {
    let mut element = String::new();
    let mut chars = text.chars();
    loop {
        match chars.next()? {
            '"' => return Some((element, chars.as_str())),
            '\\' => element.push(chars.next()?),
            other => element.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(data_type: DataType) -> Field {
        Field::new("x", data_type, true)
    }

    #[test]
    fn arrays_are_taken_apart() {
        let parts = |text| elements(text).map(|e| e.join("|"));
        assert_eq!(parts("{}").as_deref(), Some(""));
        assert_eq!(parts("{a,b c}").as_deref(), Some("a|b c"));
        assert_eq!(
            parts(r#"{"a,b","","c\"d\\","NULL"}"#).as_deref(),
            Some(r#"a,b||c"d\|NULL"#)
        );
        for wrong in [
            "",
            "{",
            "a",
            "{a",
            "{a,}",
            "{,a}",
            "{NULL}",
            "{{a}}",
            r#"{"a}"#,
            r#"{"a"b}"#,
        ] {
            assert_eq!(parts(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn cells_are_unescaped() {
        assert_eq!(unescape(r"\N"), None);
        assert_eq!(unescape(""), Some("".into()));
        assert_eq!(unescape(r"a\tb\\n\n"), Some("a\tb\\n\n".into()));
    }

    #[test]
    fn what_does_not_fit_is_no_value() {
        let fits = |text, data_type| value(text, &field(data_type)).is_some();
        assert!(fits("t", DataType::Boolean) && !fits("true", DataType::Boolean));
        assert!(fits("-1", DataType::Int32) && !fits("-1", DataType::UInt32));
        assert!(fits("32767", DataType::Int16) && !fits("32768", DataType::Int16));
        assert!(fits("0.01", DataType::Float32) && !fits("", DataType::Float32));
        assert!(!fits("1", DataType::Date32));
        let list = |element| DataType::new_list(element, true);
        assert!(fits("{1,2}", list(DataType::UInt32)) && !fits("{1,x}", list(DataType::UInt32)));
        assert!(!fits("1 2", list(DataType::UInt32)));
    }
}
