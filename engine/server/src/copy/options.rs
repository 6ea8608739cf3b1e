//! The options of COPY, checked in PostgreSQL's order and refused in its words.

use arrow::datatypes::Schema;
use radlake::{Copy, OptionValue, ast};

use super::charset::Charset;
use crate::wire::Report;

/// How rows are written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    Text,
    Csv,
    Binary,
}

/// What the first line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Header {
    No,
    Yes,
    /// It must name the columns.
    Match,
}

/// Options with their defaults filled in; a flag per column for the last three.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) layout: Layout,
    pub(crate) delimiter: u8,
    pub(crate) null: Vec<u8>,
    pub(crate) header: Header,
    pub(crate) quote: u8,
    pub(crate) escape: u8,
    pub(crate) charset: Charset,
    pub(crate) force_quote: Columns,
    pub(crate) force_not_null: Columns,
    pub(crate) force_null: Columns,
    /// The statement lists columns: a table may have others.
    pub(crate) listed: bool,
}

/// Columns that an option is for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Columns {
    #[default]
    None,
    All,
    Named(Vec<String>),
}

impl Columns {
    /// A flag per column; a name that is not there is an error.
    pub(crate) fn flags(&self, option: &str, listed: bool, schema: &Schema) -> Result<Vec<bool>, Report> {
        let fields = schema.fields();
        match self {
            Self::None => Ok(vec![false; fields.len()]),
            Self::All => Ok(vec![true; fields.len()]),
            Self::Named(names) => {
                if let Some(name) = names
                    .iter()
                    .find(|name| fields.iter().all(|field| field.name() != *name))
                {
                    return Err(match listed {
                        true => Report::error(
                            "42P10",
                            format!("{option} column \"{name}\" not referenced by COPY"),
                        ),
                        false => Report::error("42703", format!("column \"{name}\" does not exist")),
                    });
                }
                Ok(fields.iter().map(|field| names.contains(field.name())).collect())
            }
        }
    }
}

fn syntax(message: impl Into<String>) -> Report {
    Report::error("42601", message)
}

fn invalid(message: impl Into<String>) -> Report {
    Report::error("22023", message)
}

fn unsupported(message: impl Into<String>) -> Report {
    Report::error("0A000", message)
}

#[derive(Default)]
struct Given {
    layout: Option<Layout>,
    freeze: Option<()>,
    delimiter: Option<String>,
    null: Option<String>,
    header: Option<Header>,
    quote: Option<String>,
    escape: Option<String>,
    charset: Option<Charset>,
    force_quote: Option<Columns>,
    force_not_null: Option<Columns>,
    force_null: Option<Columns>,
}

fn once<T>(place: &mut Option<T>, value: T) -> Result<(), Report> {
    match place.replace(value) {
        Some(_) => Err(syntax("conflicting or redundant options")),
        None => Ok(()),
    }
}

fn text(name: &str, value: &OptionValue) -> Result<String, Report> {
    match value {
        OptionValue::Text(text) | OptionValue::Word(text) => Ok(text.clone()),
        OptionValue::Star => Ok("*".to_owned()),
        OptionValue::List(names) => Ok(names.join(".")),
        OptionValue::None => Err(syntax(format!("{name} requires a parameter"))),
    }
}

fn boolean(value: &OptionValue) -> Option<bool> {
    match value {
        OptionValue::None => Some(true),
        OptionValue::Word(text) | OptionValue::Text(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "on" | "1" => Some(true),
            "false" | "off" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

fn header(value: &OptionValue, to: bool) -> Result<Header, Report> {
    if let OptionValue::Word(text) | OptionValue::Text(text) = value
        && text.eq_ignore_ascii_case("match")
    {
        return match to {
            true => Err(unsupported("cannot use \"match\" with HEADER in COPY TO")),
            false => Ok(Header::Match),
        };
    }
    match boolean(value) {
        Some(true) => Ok(Header::Yes),
        Some(false) => Ok(Header::No),
        None => Err(syntax("header requires a Boolean value or \"match\"")),
    }
}

fn columns(name: &str, value: &OptionValue, star: bool) -> Result<Columns, Report> {
    match value {
        OptionValue::Star if star => Ok(Columns::All),
        OptionValue::List(names) => Ok(Columns::Named(names.clone())),
        _ => Err(invalid(format!(
            "argument to option \"{name}\" must be a list of column names"
        ))),
    }
}

impl Given {
    fn read(copy: &Copy, to: bool) -> Result<Self, Report> {
        let mut given = Self::default();
        for (name, value) in &copy.options {
            match name.as_str() {
                "format" => {
                    let layout = match text(name, value)?.as_str() {
                        "text" => Layout::Text,
                        "csv" => Layout::Csv,
                        "binary" => Layout::Binary,
                        other => return Err(invalid(format!("COPY format \"{other}\" not recognized"))),
                    };
                    once(&mut given.layout, layout)?;
                }
                "freeze" => {
                    boolean(value).ok_or_else(|| syntax("freeze requires a Boolean value"))?;
                    once(&mut given.freeze, ())?;
                }
                "delimiter" => once(&mut given.delimiter, text(name, value)?)?,
                "null" => once(&mut given.null, text(name, value)?)?,
                "header" => once(&mut given.header, header(value, to)?)?,
                "quote" => once(&mut given.quote, text(name, value)?)?,
                "escape" => once(&mut given.escape, text(name, value)?)?,
                "force_quote" => once(&mut given.force_quote, columns(name, value, true)?)?,
                "force_not_null" => once(&mut given.force_not_null, columns(name, value, false)?)?,
                "force_null" => once(&mut given.force_null, columns(name, value, false)?)?,
                "encoding" => {
                    let charset = Charset::named(&text(name, value)?).ok_or_else(|| {
                        invalid("argument to option \"encoding\" must be a valid encoding name")
                    })?;
                    once(&mut given.charset, charset)?;
                }
                other => return Err(syntax(format!("option \"{other}\" not recognized"))),
            }
        }
        Ok(given)
    }
}

fn one_byte(text: &str, what: &str) -> Result<u8, Report> {
    match text.as_bytes() {
        [byte] => Ok(*byte),
        _ => Err(unsupported(format!(
            "COPY {what} must be a single one-byte character"
        ))),
    }
}

impl Options {
    /// Checks the options of a COPY, `to` or from.
    pub(crate) fn of(copy: &Copy, ast: &ast::Statement) -> Result<Self, Report> {
        let (to, listed) = match ast {
            ast::Statement::Copy { to, source, .. } => (
                *to,
                matches!(source, ast::CopySource::Table { columns, .. } if !columns.is_empty()),
            ),
            _ => (false, false),
        };
        let given = Given::read(copy, to)?;
        let layout = given.layout.unwrap_or(Layout::Text);
        let (csv, binary) = (layout == Layout::Csv, layout == Layout::Binary);
        if binary && given.delimiter.is_some() {
            return Err(syntax("cannot specify DELIMITER in BINARY mode"));
        }
        if binary && given.null.is_some() {
            return Err(syntax("cannot specify NULL in BINARY mode"));
        }
        let delimiter = given.delimiter.as_deref().unwrap_or(if csv { "," } else { "\t" });
        let null = given.null.as_deref().unwrap_or(if csv { "" } else { "\\N" });
        let quote = given.quote.as_deref().unwrap_or("\"");
        let escape = given.escape.as_deref().unwrap_or(quote);
        let delimiter_byte = one_byte(delimiter, "delimiter")?;
        if matches!(delimiter_byte, b'\r' | b'\n') {
            return Err(invalid("COPY delimiter cannot be newline or carriage return"));
        }
        if null.contains(['\r', '\n']) {
            return Err(invalid(
                "COPY null representation cannot use newline or carriage return",
            ));
        }
        if !csv && b"\\.abcdefghijklmnopqrstuvwxyz0123456789".contains(&delimiter_byte) {
            return Err(invalid(format!("COPY delimiter cannot be \"{delimiter}\"")));
        }
        let header = given.header.unwrap_or(Header::No);
        if binary && header != Header::No {
            return Err(unsupported("cannot specify HEADER in BINARY mode"));
        }
        let only_csv = |set: bool, what: &str| match set && !csv {
            true => Err(unsupported(format!("COPY {what} available only in CSV mode"))),
            false => Ok(()),
        };
        only_csv(given.quote.is_some(), "quote")?;
        let quote_byte = match csv {
            true => one_byte(quote, "quote")?,
            false => b'"',
        };
        if csv && delimiter_byte == quote_byte {
            return Err(invalid("COPY delimiter and quote must be different"));
        }
        only_csv(given.escape.is_some(), "escape")?;
        let escape_byte = match csv {
            true => one_byte(escape, "escape")?,
            false => b'"',
        };
        let direction = |set: bool, what: &str, allowed: bool, way: &str| match set && !allowed {
            true => Err(unsupported(format!(
                "COPY {what} only available using COPY {way}"
            ))),
            false => Ok(()),
        };
        only_csv(given.force_quote.is_some(), "force quote")?;
        direction(given.force_quote.is_some(), "force quote", to, "TO")?;
        only_csv(given.force_not_null.is_some(), "force not null")?;
        direction(given.force_not_null.is_some(), "force not null", !to, "FROM")?;
        only_csv(given.force_null.is_some(), "force null")?;
        direction(given.force_null.is_some(), "force null", !to, "FROM")?;
        if null.as_bytes().contains(&delimiter_byte) {
            return Err(unsupported(
                "COPY delimiter must not appear in the NULL specification",
            ));
        }
        if csv && null.as_bytes().contains(&quote_byte) {
            return Err(unsupported(
                "CSV quote character must not appear in the NULL specification",
            ));
        }
        Ok(Self {
            layout,
            delimiter: delimiter_byte,
            null: null.as_bytes().to_vec(),
            header,
            quote: quote_byte,
            escape: escape_byte,
            charset: given.charset.unwrap_or_default(),
            force_quote: given.force_quote.unwrap_or_default(),
            force_not_null: given.force_not_null.unwrap_or_default(),
            force_null: given.force_null.unwrap_or_default(),
            listed,
        })
    }
}
