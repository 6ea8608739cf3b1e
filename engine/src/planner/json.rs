//! The types json and jsonb. Both are texts to the engine; a field's metadata says which it is.
//!
//! Casts become functions that check the text (here, on the syntax tree), operators become functions while a statement is planned
//! ([`Operators`]), and comparisons, orders and choices are seen to on the plan, before types are made to agree ([`Values`]).

mod build;
pub(super) mod calls;
mod casts;
mod choices;
pub(super) mod lateral;
mod lists;
mod operators;
mod render;
pub(super) mod tables;
mod values;
mod whole;

use std::sync::Arc;

use arrow::datatypes::{DataType as ArrowType, Field};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::logical_expr::{Expr as Planned, ExprSchemable, ScalarUDF};
use radlake_sql::ast::{self, ArrayElemTypeDef, CastKind, DataType, Expr, Value};

pub(super) use operators::Operators;
pub(super) use values::Values;

use super::dialect::{call, null};
use crate::{Error, Result};

/// Functions of documents that are called with values of any type, or after a statement was rewritten.
pub(crate) fn functions() -> Vec<Arc<ScalarUDF>> {
    build::functions().into_iter().chain(lists::functions()).collect()
}

/// Which of the two types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Json,
    Jsonb,
}

impl Kind {
    fn of(data_type: &DataType) -> Option<Self> {
        match data_type {
            DataType::JSON => Some(Self::Json),
            DataType::JSONB => Some(Self::Jsonb),
            DataType::Custom(name, modifiers) if modifiers.is_empty() => {
                let parts: Vec<String> = name
                    .0
                    .iter()
                    .filter_map(|part| part.as_ident().map(|ident| ident.value.to_lowercase()))
                    .collect();
                match parts.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
                    ["json"] | ["pg_catalog", "json"] => Some(Self::Json),
                    ["jsonb"] | ["pg_catalog", "jsonb"] => Some(Self::Jsonb),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn of_field(field: &Field) -> Option<Self> {
        if !field.data_type().is_string() {
            return None;
        }
        match field.metadata().get("pg_type").map(String::as_str) {
            Some("json") => Some(Self::Json),
            Some("jsonb") => Some(Self::Jsonb),
            _ => None,
        }
    }

    /// The type of a planned expression, if it is one of the two. A cast of the engine's keeps the metadata of what it casts.
    fn of_planned(expr: &Planned, schema: &DFSchema) -> Option<Self> {
        match expr {
            Planned::Alias(alias) => Self::of_planned(&alias.expr, schema),
            Planned::Cast(_) | Planned::TryCast(_) | Planned::Literal(..) | Planned::Placeholder(_) => None,
            Planned::ScalarSubquery(subquery) => {
                let fields = subquery.subquery.schema().fields();
                fields.first().and_then(|field| Self::of_field(field))
            }
            other => {
                let (_, field) = other.to_field(schema).ok()?;
                Self::of_field(&field)
            }
        }
    }

    /// PostgreSQL's name.
    const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Jsonb => "jsonb",
        }
    }

    /// The function that reads a text.
    const fn input(self) -> &'static str {
        match self {
            Self::Json => "json_in",
            Self::Jsonb => "jsonb_in",
        }
    }
}

/// Rewrites a cast to one of the two types.
///
/// # Errors
/// [`Error::InvalidText`] for a literal that is no JSON; [`Error::Unsupported`] for arrays of jsonb.
pub(super) fn rewrite(expr: &mut Expr) -> Result<()> {
    let (inner, kind) = match expr {
        Expr::Cast {
            kind: CastKind::Cast | CastKind::DoubleColon,
            expr: inner,
            data_type,
            ..
        } => {
            if is_array(data_type) {
                return Err(Error::unsupported("casts to jsonb[]"));
            }
            match Kind::of(data_type) {
                Some(kind) => (std::mem::replace(inner.as_mut(), null()), kind),
                None => return Ok(()),
            }
        }
        Expr::TypedString(typed) => match Kind::of(&typed.data_type) {
            Some(kind) => (Expr::Value(typed.value.clone()), kind),
            None => return Ok(()),
        },
        _ => return Ok(()),
    };
    *expr = call(kind.input(), vec![read(inner, kind)?]);
    Ok(())
}

/// Columns of VALUES of which one row is of the two types are it in all rows, as in PostgreSQL.
///
/// # Errors
/// As [`rewrite`].
pub(super) fn values(rows: &mut ast::Values) -> Result<()> {
    let width = rows.rows.first().map_or(0, |row| row.content.len());
    for at in 0..width {
        let mut kinds = rows
            .rows
            .iter()
            .filter_map(|row| row.content.get(at).and_then(read_as));
        let Some(kind) = kinds.next_back() else {
            continue;
        };
        for cell in rows.rows.iter_mut().filter_map(|row| row.content.get_mut(at)) {
            if read_as(cell).is_none() {
                let value = std::mem::replace(cell, null());
                *cell = call(kind.input(), vec![read(value, kind)?]);
            }
        }
    }
    Ok(())
}

/// The type that a rewritten cast gives.
fn read_as(expr: &Expr) -> Option<Kind> {
    match expr {
        Expr::Nested(inner) => read_as(inner),
        Expr::Function(function) => match function.name.to_string().as_str() {
            "json_in" => Some(Kind::Json),
            "jsonb_in" => Some(Kind::Jsonb),
            _ => None,
        },
        _ => None,
    }
}

fn is_array(data_type: &DataType) -> bool {
    match data_type {
        DataType::Array(
            ArrayElemTypeDef::SquareBracket(element, _) | ArrayElemTypeDef::AngleBracket(element),
        ) => is_array(element) || Kind::of(element) == Some(Kind::Jsonb),
        _ => false,
    }
}

/// A literal is read at once, as PostgreSQL does: it is an error whether or not there are rows.
fn read(expr: Expr, kind: Kind) -> Result<Expr> {
    match expr {
        Expr::Nested(inner) => read(*inner, kind),
        Expr::Value(mut value) => {
            match &mut value.value {
                Value::SingleQuotedString(text) => {
                    *text = radlake_udfs::json::literal(text, kind == Kind::Jsonb)?;
                }
                Value::Placeholder(_) => {
                    return Ok(Expr::Cast {
                        kind: CastKind::DoubleColon,
                        expr: Box::new(Expr::Value(value)),
                        data_type: DataType::Text,
                        array: false,
                        format: None,
                    });
                }
                _ => {}
            }
            Ok(Expr::Value(value))
        }
        other => Ok(other),
    }
}

/// PostgreSQL's name of a planned expression's type, for messages.
fn type_of(expr: &Planned, schema: &DFSchema) -> String {
    if let Some(kind) = Kind::of_planned(expr, schema) {
        return kind.name().to_owned();
    }
    match expr {
        Planned::Literal(value, _) if value.data_type().is_string() || value.is_null() => {
            "unknown".to_owned()
        }
        Planned::Placeholder(_) => "unknown".to_owned(),
        Planned::Literal(ScalarValue::Int64(Some(value)), _) if i32::try_from(*value).is_ok() => {
            "integer".to_owned()
        }
        other => match other.get_type(schema) {
            Ok(data_type) => name_of(&data_type),
            Err(_) => "unknown".to_owned(),
        },
    }
}

fn name_of(data_type: &ArrowType) -> String {
    let pg = crate::pg_catalog::pg_type_of(&Field::new("", data_type.clone(), true));
    crate::pg_catalog::types::format_builtin(pg.oid, -1).unwrap_or_else(|| "unknown".to_owned())
}

fn no_operator<T>(
    left: &Planned,
    operator: impl std::fmt::Display,
    right: &Planned,
    schema: &DFSchema,
) -> datafusion::common::Result<T> {
    let (left, right) = (type_of(left, schema), type_of(right, schema));
    Err(Error::undefined_operator(format!("{left} {operator} {right}")).into())
}
