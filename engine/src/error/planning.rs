//! The query engine's errors in PostgreSQL's terms.
//!
//! Its planner tells most things by text only; each text that is recognised here has a test.

use arrow::error::ArrowError;
use datafusion::common::{Column, SchemaError};
use datafusion::error::DataFusionError;
use radlake_udfs::vectors::VectorError;

use super::{Error, running, suggest};
use crate::pg_catalog::CatalogError;

/// Walks through wrappers to what went wrong, and names it.
pub(super) fn translate(error: &DataFusionError) -> Error {
    match error {
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => translate(inner),
        DataFusionError::Shared(inner) => translate(inner),
        DataFusionError::Collection(all) => match all.first() {
            Some(first) => translate(first),
            None => Error::internal("an empty collection of errors"),
        },
        DataFusionError::ArrowError(inner, _) => running::arrow(inner),
        DataFusionError::ParquetError(inner) => match external(inner.as_ref()) {
            Some(error) => error,
            None => running::parquet(inner),
        },
        DataFusionError::ObjectStore(inner) => running::store(inner),
        DataFusionError::IoError(inner) => running::io(inner),
        DataFusionError::External(inner) => boxed(inner.as_ref()),
        DataFusionError::ResourcesExhausted(message) => running::exhausted(message),
        DataFusionError::SchemaError(inner, _) => schema(inner),
        DataFusionError::SQL(inner, _) => Error::Syntax {
            message: inner.to_string(),
            position: None,
        },
        DataFusionError::NotImplemented(message) => match plan(message) {
            Error::Syntax { message, .. } => Error::unsupported(message),
            known => known,
        },
        DataFusionError::Plan(message) => plan(message),
        DataFusionError::Execution(message) => running::execution(message),
        DataFusionError::Configuration(message) => Error::InvalidParameter(message.clone()),
        DataFusionError::ExecutionJoin(inner) if inner.is_cancelled() => Error::Cancelled,
        other => Error::internal(first_line(&other.strip_backtrace())),
    }
}

/// An error of ours that travelled through the query engine.
fn boxed(error: &(dyn std::error::Error + Send + Sync + 'static)) -> Error {
    if let Some(own) = error.downcast_ref::<Error>() {
        return own.clone();
    }
    external(error).unwrap_or_else(|| Error::internal(error.to_string()))
}

/// Looks for an error that is known in the chain of sources.
fn external(error: &(dyn std::error::Error + 'static)) -> Option<Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(own) = error.downcast_ref::<Error>() {
            return Some(own.clone());
        }
        if let Some(vector) = error.downcast_ref::<VectorError>() {
            return Some(vector.clone().into());
        }
        if let Some(catalog) = error.downcast_ref::<CatalogError>() {
            return Some(self::catalog(catalog));
        }
        if let Some(inner) = error.downcast_ref::<DataFusionError>() {
            return Some(translate(inner));
        }
        if let Some(inner) = error.downcast_ref::<ArrowError>() {
            return Some(running::arrow(inner));
        }
        if let Some(inner) = error.downcast_ref::<object_store::Error>() {
            return Some(running::store(inner));
        }
        if let Some(lake) = error.downcast_ref::<radlake_catalogs::Error>() {
            return Some(self::lake(lake));
        }
        next = error.source();
    }
    None
}

fn lake(error: &radlake_catalogs::Error) -> Error {
    use radlake_catalogs::Error as Lake;
    match error {
        Lake::DataFusion(inner) => translate(inner),
        Lake::Arrow(inner) => running::arrow(inner),
        Lake::Conflict { .. } | Lake::Contention { .. } => Error::Serialization(error.to_string()),
        Lake::InDoubt { .. } => Error::InDoubt(error.to_string()),
        Lake::Feature { .. } | Lake::Foreign { .. } => Error::unsupported(error.to_string()),
        Lake::Internal(_) => Error::internal(error.to_string()),
        Lake::Damaged { .. } => Error::DataCorrupted(error.to_string()),
        Lake::Store(inner) => running::store(inner),
        _ => Error::Storage(error.to_string()),
    }
}

/// An error of a catalog function.
pub(super) fn catalog(error: &CatalogError) -> Error {
    match error {
        CatalogError::UndefinedTable(name) => Error::UndefinedTable {
            name: name.clone(),
            hint: None,
            position: None,
        },
        CatalogError::UndefinedColumn { column, relation } => Error::UndefinedColumn {
            name: format!("\"{column}\" of relation \"{relation}\""),
            hint: None,
            position: None,
        },
        CatalogError::UndefinedDatabase(name) => Error::UndefinedDatabase(name.clone()),
        CatalogError::InvalidText(type_name) => Error::InvalidText {
            type_name: (*type_name).to_owned(),
        },
        CatalogError::UndefinedSchema(name) => Error::UndefinedSchema(name.clone()),
        CatalogError::UndefinedObject(kind, name) => Error::UndefinedObject {
            kind,
            name: name.clone(),
        },
        CatalogError::UndefinedFunction(name) => Error::UndefinedFunction {
            name: name.clone(),
            hint: None,
            position: None,
        },
        CatalogError::UndefinedSetting(name) => Error::UndefinedSetting(name.clone()),
        CatalogError::Deadlock => Error::Deadlock,
        CatalogError::LimitExceeded(message) => Error::LimitExceeded(message.clone()),
        CatalogError::Denied(..) | CatalogError::Forbidden(_) => {
            Error::InsufficientPrivilege(error.to_string())
        }
        CatalogError::SeveralRows => Error::Cardinality,
        CatalogError::InvalidParameter(message) => Error::InvalidParameter(message.clone()),
        CatalogError::SequenceLimit(message) => Error::SequenceLimit(message.clone()),
        CatalogError::OutOfRange(message) => Error::OutOfRange(message.clone()),
        CatalogError::PrerequisiteState(message) => Error::PrerequisiteState(message.clone()),
        CatalogError::WrongObject(message) => Error::WrongObject(message.clone()),
        CatalogError::ReadOnly(what) => Error::ReadOnly((*what).to_owned()),
        CatalogError::Storage(error) => lake(error),
        CatalogError::Unsupported(what) => Error::unsupported(what.clone()),
    }
}

fn schema(error: &SchemaError) -> Error {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => column(field, valid_fields),
        SchemaError::AmbiguousReference { field } => Error::AmbiguousColumn {
            name: field.name.clone(),
            position: None,
        },
        SchemaError::DuplicateQualifiedField { qualifier, .. } => {
            Error::DuplicateAlias(qualifier.table().to_owned())
        }
        SchemaError::DuplicateUnqualifiedField { name } => Error::AmbiguousColumn {
            name: name.clone(),
            position: None,
        },
    }
}

fn column(field: &Column, valid: &[Column]) -> Error {
    if let Some(relation) = &field.relation
        && !valid.iter().any(|known| {
            known
                .relation
                .as_ref()
                .is_some_and(|known| known.table() == relation.table())
        })
    {
        return Error::MissingFrom {
            name: relation.table().to_owned(),
            position: None,
        };
    }
    let name = match &field.relation {
        Some(relation) => format!("{}.{}", relation.table(), field.name),
        None => format!("\"{}\"", field.name),
    };
    Error::UndefinedColumn {
        name,
        hint: suggest::column(field, valid),
        position: None,
    }
}

fn plan(message: &str) -> Error {
    let text = first_line(message);
    // Behind it stands the expression as the engine prints it for its own authors.
    if text.starts_with("Physical plan does not support logical expression")
        || text.starts_with("Correlated scalar subquery can only be used in")
        || text.starts_with("In/Exist/SetComparison subquery can only be used in")
    {
        return Error::Unsupported {
            what: "a sub-query at this place".to_owned(),
            hint: Some("Join with the sub-query in FROM, or put it in a WITH query.".to_owned()),
        };
    }
    if text.contains("failed to match any signature")
        && let Some(name) = quoted(&text, "Function '")
    {
        return function(name);
    }
    if let Some(name) = quoted(&text, "Invalid function '") {
        return function(name);
    }
    if let Some(name) = quoted(&text, "table function '") {
        return function(name);
    }
    if let Some(name) = quoted(&text, "table '") {
        return Error::UndefinedTable {
            name: name.to_owned(),
            hint: None,
            position: None,
        };
    }
    if text.contains("must be in GROUP BY")
        || text.contains("must appear in the GROUP BY")
        || text.contains("could not be resolved from available columns")
        || text.contains("Aggregate functions are not allowed")
        || text.contains("aggregate functions are not allowed")
    {
        return Error::Grouping(grouping(&text));
    }
    if text.contains("No function matches") || text.contains("does not support") && text.contains("function")
    {
        return Error::UndefinedFunction {
            name: signature(message),
            hint: Some("No function matches the given name and argument types. You might need to add explicit type casts.".to_owned()),
            position: None,
        };
    }
    if let Some(name) = text.strip_prefix("Unsupported SQL type ") {
        return Error::UndefinedObject {
            kind: "type",
            name: name.to_lowercase(),
        };
    }
    if text.starts_with("Cannot create filter with non-boolean predicate") {
        return Error::DatatypeMismatch("argument of WHERE must be type boolean".to_owned());
    }
    if text.starts_with("Unsupported") || text.contains("not supported") || text.contains("not implemented") {
        return Error::unsupported(text);
    }
    if text.contains("Cannot infer common argument type")
        || text.contains("Cannot coerce")
        || text.contains("coerce")
    {
        return Error::UndefinedFunction {
            name: operator(&text),
            hint: Some("No operator matches the given name and argument types. You might need to add explicit type casts.".to_owned()),
            position: None,
        };
    }
    if let Some(name) = quoted(&text, "Unknown placeholder: $") {
        return Error::UndefinedParameter(name.to_owned());
    }
    if text.contains("divide by zero") || text.contains("Divide by zero") {
        return Error::DivisionByZero;
    }
    Error::Syntax {
        message: text,
        position: None,
    }
}

fn function(name: &str) -> Error {
    Error::UndefinedFunction {
        name: format!("{name}()"),
        hint: Some(format!(
            "No function has that name. SELECT name, description FROM system.functions lists the documented ones{}.",
            if name.len() < 64 { ", \\df all" } else { "" }
        )),
        position: None,
    }
}

/// `lower(bigint, bigint)` out of "… argument types 'lower(Int64, Int64)'. …", else the name alone: `'date_bin'` out of "… function 'date_bin' …", or the start of the text.
fn signature(text: &str) -> String {
    let typed = text
        .split_once("argument types '")
        .and_then(|(_, rest)| rest.split_once("'."))
        .and_then(|(call, _)| call.strip_suffix(')')?.split_once('('));
    if let Some((name, types)) = typed {
        return format!("{name}({})", types_of(types));
    }
    let name = text
        .split_once("function '")
        .and_then(|(_, rest)| rest.split_once('\''));
    let called = text
        .split_once("call '")
        .and_then(|(_, rest)| rest.split_once('\''));
    match called.or(name) {
        Some((name, _)) => name.to_owned(),
        None => first_line(text),
    }
}

/// `Int64, Utf8` in PostgreSQL's names.
fn types_of(list: &str) -> String {
    let names = list.split(", ").map(|name| match running::type_name(name) {
        "the requested type" => name,
        known => known,
    });
    names.collect::<Vec<_>>().join(", ")
}

/// `boolean + bigint` out of "Cannot coerce arithmetic expression Boolean + Int64 to valid types" and its like.
fn operation(text: &str) -> Option<String> {
    let (_, rest) = text
        .split_once("arithmetic expression ")
        .or_else(|| text.split_once("comparison operation "))?;
    let rest = rest.split(" to valid types").next()?;
    let mut words = rest.split(' ');
    match (words.next(), words.next(), words.next(), words.next()) {
        (Some(left), Some(operator), Some(right), None) => {
            Some(format!("{} {operator} {}", types_of(left), types_of(right)))
        }
        _ => None,
    }
}

fn operator(text: &str) -> String {
    if let Some(operation) = operation(text) {
        return format!("{}{operation}", super::OPERATOR);
    }
    match text.rsplit_once("operation ") {
        Some((_, rest)) => format!("\"{}\"", rest.trim()),
        None => text.to_owned(),
    }
}

fn grouping(text: &str) -> String {
    match text
        .split_once("column \"")
        .and_then(|(_, rest)| rest.split_once('"'))
    {
        Some((name, _)) => {
            format!(
                "column \"{name}\" must appear in the GROUP BY clause or be used in an aggregate function"
            )
        }
        None => text.to_owned(),
    }
}

/// What stands between `start` and the next quote, or the end.
fn quoted<'a>(text: &'a str, start: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    Some(rest.split_once('\'').map_or(rest, |(name, _)| name))
}

/// Characters of a message of the engine at most.
const LONGEST: usize = 600;

/// The first line, without the engine's prefixes.
pub(super) fn first_line(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    let line = line.strip_prefix("Error during planning: ").unwrap_or(line);
    let line = line
        .split(".. This issue was likely caused by")
        .next()
        .unwrap_or(line)
        .trim();
    // No text for people is longer: it is something printed for the engine's own authors.
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{} …", &line[..end]),
        None => line.to_owned(),
    }
}
