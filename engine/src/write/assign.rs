//! Which values PostgreSQL assigns to a column without a cast (42804 for the others).

use arrow::datatypes::{DataType, Field};
use radlake_sql::ast;

use super::target::Column;
use crate::pg_catalog::types::{VECTOR_TYPE, format_builtin};
use crate::pg_catalog::{PgType, pg_type_of};
use crate::{Error, Result};

/// Types that are assigned to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Group {
    Boolean,
    Number,
    Text,
    Moment,
}

fn group(oid: u32) -> Option<Group> {
    Some(match oid {
        16 => Group::Boolean,
        20 | 21 | 23 | 700 | 701 | 1700 => Group::Number,
        25 | 1042 | 1043 => Group::Text,
        1082 | 1114 | 1184 => Group::Moment,
        // What is kept as another type is not told from it everywhere.
        _ => return None,
    })
}

/// Texts take everything; else a value goes to its own kind only.
fn fits(from: &PgType, to: &PgType) -> bool {
    // A number, a boolean or a moment is no document, no UUID and no vector.
    if matches!(to.oid, 114 | 3802 | 2950 | VECTOR_TYPE) {
        return matches!(group(from.oid), None | Some(Group::Text));
    }
    match (group(from.oid), group(to.oid)) {
        (Some(from), Some(to)) => from == to || to == Group::Text,
        _ => true,
    }
}

fn refuse(column: &Column, from: &PgType, what: &str) -> Error {
    let name = |pg: &PgType| format_builtin(pg.oid, -1).unwrap_or_default();
    Error::DatatypeMismatch(format!(
        "column \"{}\" is of type {} but {what} is of type {}",
        column.name,
        name(&column.pg_type),
        name(from)
    ))
}

/// Refuses a computed column that does not go to `column`.
pub(super) fn check(column: &Column, found: &Field) -> Result<()> {
    let from = pg_type_of(found);
    // NULL and parameters have the type that they are used as.
    match found.data_type() == &DataType::Null || fits(&from, &column.pg_type) {
        true => Ok(()),
        false => Err(refuse(column, &from, "expression")),
    }
}

/// Refuses a literal that does not go to `column`; texts without a type become what they are assigned to.
pub(super) fn check_literal(column: &Column, value: &ast::Expr, what: &str) -> Result<()> {
    let data_type = match value {
        ast::Expr::Value(value) => match &value.value {
            ast::Value::Boolean(_) => DataType::Boolean,
            ast::Value::Number(number, _) if number.contains(['.', 'e', 'E']) => DataType::Decimal128(38, 10),
            ast::Value::Number(..) => DataType::Int32,
            _ => return Ok(()),
        },
        ast::Expr::Nested(inner) => return check_literal(column, inner, what),
        _ => return Ok(()),
    };
    let from = pg_type_of(&Field::new("", data_type, true));
    match fits(&from, &column.pg_type) {
        true => Ok(()),
        false => Err(refuse(column, &from, what)),
    }
}
