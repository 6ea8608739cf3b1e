//! What a statement writes to: a table of ours, and what its columns ask of new rows.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, StringArray};
use arrow::datatypes::Field;
use radlake_catalogs::{Epoch, Relation, TableObject};
use radlake_sql::ast;
use radlake_udfs::{json, types};

use crate::enumeration::Enumeration;
use crate::pg_catalog::IDENTITY_NEXTVAL;
use crate::pg_catalog::types::{PG_TYPE_KEY, VECTOR_TYPE, builtin_name, format_builtin};
use crate::pg_catalog::{PgKind, PgType, pg_type_of};
use crate::planner::PG_TEMP;
use crate::policy::RowCheck;
use crate::{Error, Result};

/// Keys of a column's metadata.
pub(crate) const DEFAULT: &str = "radlake.default";
/// Expression of a column that is always computed.
pub(crate) const GENERATED: &str = "radlake.generated";
/// Longest text that fits, in characters.
pub(crate) const LENGTH: &str = "radlake.length";
/// `always` or `by default`: a column that counts, by its [`SEQUENCE`]. Without one, as tables of older lakes have it, the table's
/// property `identity.<column>` holds the next number.
pub(crate) const IDENTITY: &str = "radlake.identity";

/// OID of the sequence that a column's numbers come from.
pub(crate) const SEQUENCE: &str = "radlake.sequence";

/// A column of the target.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) default: Option<String>,
    pub(super) generated: Option<String>,
    pub(super) identity: Option<String>,
    /// Its numbers are a property of the table.
    pub(super) counted: bool,
    pub(super) length: Option<usize>,
    pub(super) not_null: bool,
    /// The type as SQL names it, where it has a name: what an assignment casts to.
    pub(super) sql_type: Option<String>,
    pub(super) pg_type: PgType,
    /// Of a column of an enumeration, or of arrays of one.
    enumeration: Option<Enumeration>,
}

impl Column {
    pub(super) fn of(field: &Field) -> Self {
        let said = |key: &str| field.metadata().get(key).cloned();
        let pg = pg_type_of(field);
        let identity = said(IDENTITY);
        let next = said(SEQUENCE).map(|oid| match identity.is_some() {
            true => format!("{IDENTITY_NEXTVAL}({oid})"),
            false => format!("nextval({oid})"),
        });
        Self {
            name: field.name().clone(),
            counted: identity.is_some() && next.is_none(),
            default: next.or_else(|| said(DEFAULT)),
            generated: said(GENERATED),
            identity,
            length: said(LENGTH).and_then(|length| length.parse().ok()),
            not_null: !field.is_nullable(),
            sql_type: sql_type_of(field),
            enumeration: enumeration_of(field),
            pg_type: pg,
        }
    }

    /// New values in the spelling that the column's type keeps.
    pub(super) fn normal(&self, values: ArrayRef) -> Result<ArrayRef> {
        let values = match self.pg_type.oid {
            19 => types::names(&values),
            114 => json::stored(&values, false)?,
            3802 => json::stored(&values, true)?,
            2950 | 2951 => types::uuids(&values)?,
            _ if let Some(of) = &self.enumeration => {
                check_labels(&values, of)?;
                values
            }
            _ => values,
        };
        match self.length {
            Some(length) => fitted(values, length),
            None => Ok(values),
        }
    }

    /// `expression` in the column's type. Blanks beyond a text's greatest length are cut here, so that generated columns and
    /// CHECK see what is kept; whether the rest fits is checked on the rows.
    pub(super) fn cast(&self, expression: &str) -> String {
        match (&self.sql_type, self.text_length()) {
            (Some(sql_type), Some(length)) => {
                format!("CAST(cut_blanks(CAST({expression} AS {sql_type}), {length}) AS {sql_type})")
            }
            (Some(sql_type), None) => format!("CAST({expression} AS {sql_type})"),
            (None, _) => expression.to_owned(),
        }
    }

    /// The column of rows that have its type already, without the blanks beyond its length.
    pub(super) fn without_blanks(&self) -> String {
        let name = quoted(&self.name);
        match self.text_length() {
            Some(length) => format!("cut_blanks({name}, {length}) AS {name}"),
            None => name,
        }
    }

    fn text_length(&self) -> Option<usize> {
        self.length
            .filter(|_| matches!(self.pg_type.oid, 25 | 1042 | 1043))
    }
}

/// Texts of at most `length` characters. Blanks beyond are cut, as in PostgreSQL.
fn fitted(values: ArrayRef, length: usize) -> Result<ArrayRef> {
    let Some(texts) = values.as_string_opt::<i32>() else {
        return Ok(values);
    };
    let end = |text: &str| text.char_indices().nth(length).map(|(at, _)| at);
    if !texts
        .iter()
        .flatten()
        .any(|text| text.len() > length && end(text).is_some())
    {
        return Ok(values);
    }
    let fit = |text| match end(text).and_then(|at| text.split_at_checked(at)) {
        None => Ok(text),
        Some((kept, rest)) if rest.bytes().all(|byte| byte == b' ') => Ok(kept),
        Some(_) => Err(Error::TextTooLong(length)),
    };
    let fitted = texts.iter().map(|text: Option<&str>| text.map(fit).transpose());
    Ok(Arc::new(fitted.collect::<Result<StringArray>>()?))
}

/// A column's type as a cast names it.
pub(crate) fn sql_type_of(field: &Field) -> Option<String> {
    // By a name that only we write: it holds the whole type.
    match enumeration_of(field) {
        Some(of) => Some(match field.data_type().is_nested() {
            true => format!("{}[]", quoted(&of.to_string())),
            false => quoted(&of.to_string()),
        }),
        None => sql_type(&pg_type_of(field)),
    }
}

/// The enumeration of a field, or of its elements.
fn enumeration_of(field: &Field) -> Option<Enumeration> {
    let name = field.metadata().get(PG_TYPE_KEY)?;
    Enumeration::named(name.strip_prefix('_').unwrap_or(name))
}

fn check_labels(values: &ArrayRef, of: &Enumeration) -> Result<()> {
    if let Some(texts) = values.as_string_opt::<i32>() {
        return of.check(texts);
    }
    match values
        .as_list_opt::<i32>()
        .map(|lists| lists.values().as_string_opt::<i32>())
    {
        Some(Some(texts)) => of.check(texts),
        _ => Err(Error::internal("values of an enum that are no texts")),
    }
}

/// A type as a cast names it. Lengths are left out: they are checked, not cut to.
fn sql_type(pg: &PgType) -> Option<String> {
    match &pg.kind {
        PgKind::Array(element) => sql_type(element).map(|element| format!("{element}[]")),
        _ if matches!(pg.oid, 1700 | VECTOR_TYPE) => format_builtin(pg.oid, pg.typmod),
        _ => builtin_name(pg.oid).map(str::to_owned),
    }
}

/// The columns of a table that hold what was written, not what is computed from it; quoted.
pub(crate) fn stored(table: &TableObject) -> Vec<String> {
    let fields = table.arrow_schema.fields().iter();
    fields
        .filter(|field| !field.metadata().contains_key(GENERATED))
        .map(|field| quoted(field.name()))
        .collect()
}

/// The table that a statement writes to.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) object: TableObject,
    pub(super) columns: Vec<Column>,
    /// The name that expressions know it by.
    pub(super) alias: String,
    /// What policies ask of new rows.
    pub(super) checks: Vec<RowCheck>,
}

impl Target {
    pub(super) fn new(object: TableObject, alias: Option<&ast::Ident>) -> Self {
        let columns = object
            .arrow_schema
            .fields()
            .iter()
            .map(|field| Column::of(field))
            .collect();
        let alias = alias.map_or_else(|| object.name.clone(), folded);
        Self {
            object,
            columns,
            alias,
            checks: Vec::new(),
        }
    }

    pub(super) fn column(&self, name: &ast::Ident) -> Result<usize> {
        let wanted = folded(name);
        let found = self.columns.iter().position(|column| column.name == wanted);
        found.ok_or_else(|| Error::UndefinedColumn {
            name: format!("\"{wanted}\" of relation \"{}\"", self.object.name),
            hint: None,
            position: None,
        })
    }
}

/// An identifier as PostgreSQL reads it.
pub(crate) fn folded(ident: &ast::Ident) -> String {
    if ident.quote_style.is_some() {
        ident.value.clone()
    } else {
        ident.value.to_lowercase()
    }
}

/// An identifier as SQL text.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The name that an argument of a procedure spells.
pub(crate) fn written_name(argument: &ast::Expr) -> Result<ast::ObjectName> {
    let parts = match argument {
        ast::Expr::Identifier(name) => vec![name.clone()],
        ast::Expr::CompoundIdentifier(parts) => parts.clone(),
        other => return Err(Error::syntax(format!("{other} is no name of a relation"))),
    };
    let parts = parts.into_iter().map(ast::ObjectNamePart::Identifier);
    Ok(ast::ObjectName(parts.collect()))
}

/// Schema and name that a written name means; without a schema, the first of `path` that has it.
pub(crate) fn resolve(
    epoch: &Epoch,
    path: &[String],
    database: &str,
    name: &ast::ObjectName,
) -> Result<(Option<String>, String)> {
    let parts: Vec<String> = name
        .0
        .iter()
        .map(|part| part.as_ident().map(folded))
        .collect::<Option<_>>()
        .ok_or_else(|| Error::unsupported(format!("{name} is no name of a relation")))?;
    match parts.as_slice() {
        [only] => {
            let schema = path
                .iter()
                .find(|schema| epoch.get_relation(schema, only).is_some());
            Ok((schema.cloned(), only.clone()))
        }
        [schema, last] => Ok((Some(own(epoch, schema)), last.clone())),
        [db, schema, last] if db == database => Ok((Some(own(epoch, schema)), last.clone())),
        _ => Err(Error::unsupported(format!(
            "cross-database references are not implemented: \"{name}\""
        ))),
    }
}

/// The schema that a name means: `pg_temp` is the session's own.
fn own(epoch: &Epoch, schema: &str) -> String {
    match epoch.temporary() {
        Some(temporary) if schema == PG_TEMP => temporary.schema().to_owned(),
        _ => schema.to_owned(),
    }
}

/// The table of that name; views and system relations are told apart.
pub(super) fn table(
    epoch: &Epoch,
    path: &[String],
    database: &str,
    name: &ast::ObjectName,
) -> Result<Arc<TableObject>> {
    let (schema, last) = resolve(epoch, path, database, name)?;
    let found = schema
        .as_deref()
        .and_then(|schema| epoch.get_relation(schema, &last));
    match found {
        Some(Relation::Table(table)) => Ok(Arc::clone(table)),
        Some(Relation::View(_) | Relation::Sequence(_)) => {
            Err(Error::WrongObject(format!("\"{last}\" is not a table")))
        }
        None if matches!(schema.as_deref(), Some("pg_catalog" | "information_schema")) => Err(
            Error::InsufficientPrivilege(format!("permission denied: \"{last}\" is a system catalog")),
        ),
        None => {
            if let Some(schema) = schema.filter(|_| name.0.len() > 1)
                && epoch.schema(&schema).is_none()
            {
                return Err(Error::UndefinedSchema(schema));
            }
            Err(Error::UndefinedTable {
                name: name.to_string(),
                hint: None,
                position: None,
            })
        }
    }
}
