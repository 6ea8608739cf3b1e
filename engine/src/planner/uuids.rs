//! The type uuid: a text in one spelling, which a field's metadata says. Also casts to `name`, which cut.
//!
//! Casts become functions that read the text (here, on the syntax tree). What stands beside a uuid without a type of its own, as a
//! literal that it is compared with, is read as one on the plan ([`Uuids`]), before types are made to agree.

mod literals;

use radlake_sql::ast::{self, ArrayElemTypeDef, CastKind, DataType, Expr, Value};
use radlake_udfs::types;

pub(super) use literals::Uuids;

use super::dialect::{call, null};
use crate::Result;
use crate::pg_catalog::type_name;

/// Rewrites a cast to uuid, `uuid[]` or name.
///
/// # Errors
/// [`crate::Error::InvalidText`] for a literal that is no UUID.
pub(super) fn rewrite(expr: &mut Expr) -> Result<()> {
    match expr {
        Expr::Cast {
            kind: CastKind::Cast | CastKind::DoubleColon,
            expr: inner,
            data_type,
            ..
        } => {
            if let Some(input) = Input::of(data_type) {
                let value = std::mem::replace(inner.as_mut(), null());
                *expr = input.call(value)?;
            }
        }
        Expr::TypedString(typed) => {
            if let Some(input) = Input::of(&typed.data_type) {
                *expr = input.call(Expr::Value(typed.value.clone()))?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// Columns of VALUES of which one row is of one of the types are it in all rows, as in PostgreSQL.
///
/// # Errors
/// As [`rewrite`].
pub(super) fn values(rows: &mut ast::Values) -> Result<()> {
    let width = rows.rows.first().map_or(0, |row| row.content.len());
    for at in 0..width {
        let mut cells = rows.rows.iter().filter_map(|row| row.content.get(at));
        let Some(input) = cells.find_map(Input::of_call) else {
            continue;
        };
        for cell in rows.rows.iter_mut().filter_map(|row| row.content.get_mut(at)) {
            if Input::of_call(cell).is_none() {
                let value = std::mem::replace(cell, null());
                *cell = input.call(value)?;
            }
        }
    }
    Ok(())
}

/// What a cast becomes.
enum Input {
    Uuid,
    Name,
    /// With the array of texts in place of one of uuids.
    Uuids(DataType),
}

impl Input {
    fn of(data_type: &DataType) -> Option<Self> {
        if is_named(data_type, "uuid") {
            return Some(Self::Uuid);
        }
        if is_named(data_type, "name") {
            return Some(Self::Name);
        }
        texts_for(data_type).map(Self::Uuids)
    }

    /// That of a rewritten cast.
    fn of_call(expr: &Expr) -> Option<Self> {
        match expr {
            Expr::Nested(inner) => Self::of_call(inner),
            Expr::Function(function) => match function.name.to_string().as_str() {
                "uuid_in" => Some(Self::Uuid),
                "namein" => Some(Self::Name),
                "uuid_array_in" => {
                    let texts = ArrayElemTypeDef::SquareBracket(Box::new(DataType::Text), None);
                    Some(Self::Uuids(DataType::Array(texts)))
                }
                _ => None,
            },
            _ => None,
        }
    }

    fn call(&self, value: Expr) -> Result<Expr> {
        Ok(match self {
            Self::Uuid => call("uuid_in", vec![read(value)?]),
            Self::Name => call("namein", vec![text(value, DataType::Text)]),
            Self::Uuids(texts) => {
                let mut value = text(value, texts.clone());
                super::arrays::rewrite(&mut value)?;
                super::literals::rewrite(&mut value)?;
                call("uuid_array_in", vec![value])
            }
        })
    }
}

fn is_named(data_type: &DataType, wanted: &str) -> bool {
    match data_type {
        DataType::Uuid => wanted == "uuid",
        DataType::Custom(name, modifiers) => {
            modifiers.is_empty() && type_name(name).is_some_and(|name| name == wanted)
        }
        _ => false,
    }
}

/// The array of texts in place of one of uuids.
fn texts_for(data_type: &DataType) -> Option<DataType> {
    match data_type {
        DataType::Array(ArrayElemTypeDef::SquareBracket(element, size)) => {
            let element = match is_named(element, "uuid") {
                true => DataType::Text,
                false => texts_for(element)?,
            };
            Some(DataType::Array(ArrayElemTypeDef::SquareBracket(
                Box::new(element),
                *size,
            )))
        }
        _ => None,
    }
}

/// A literal is read at once, as PostgreSQL does: it is an error whether or not there are rows.
fn read(expr: Expr) -> Result<Expr> {
    match expr {
        Expr::Nested(inner) => read(*inner),
        Expr::Value(mut value) => {
            match &mut value.value {
                Value::SingleQuotedString(text) => *text = types::uuid(text)?,
                Value::Placeholder(_) => return Ok(text(Expr::Value(value), DataType::Text)),
                _ => {}
            }
            Ok(Expr::Value(value))
        }
        other => Ok(other),
    }
}

fn text(value: Expr, data_type: DataType) -> Expr {
    Expr::Cast {
        kind: CastKind::DoubleColon,
        expr: Box::new(value),
        data_type,
        array: false,
        format: None,
    }
}
