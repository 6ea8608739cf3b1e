//! Columns of a new table from the schema of a file.

use arrow::datatypes::{DataType, Field, Schema};
use radlake::Error;
use radlake::pg_catalog::{PgKind, PgType, pg_type_of};

/// Names and SQL types of the columns of a schema.
pub(crate) fn of(schema: &Schema) -> Result<Vec<(String, String)>, Error> {
    let sql = |field: &arrow::datatypes::FieldRef| {
        let found = sql_type(field).ok_or_else(|| Error::Unsupported {
            what: format!("column \"{}\" has the type {}", field.name(), field.data_type()),
            hint: Some("Create the table first, with a type that its values can be cast to.".to_owned()),
        })?;
        Ok((field.name().clone(), found))
    };
    schema.fields().iter().map(sql).collect()
}

fn sql_type(field: &Field) -> Option<String> {
    match field.data_type() {
        DataType::Struct(_) | DataType::Map(..) | DataType::Union(..) => return None,
        DataType::Null => return Some("text".to_owned()),
        // PostgreSQL has no unsigned integers: the next wider type holds them.
        DataType::UInt8 => return Some("smallint".to_owned()),
        DataType::UInt16 => return Some("integer".to_owned()),
        DataType::UInt32 => return Some("bigint".to_owned()),
        DataType::UInt64 => return Some("numeric(20,0)".to_owned()),
        DataType::Decimal128(precision, scale) | DataType::Decimal256(precision, scale) => {
            return Some(format!("numeric({precision},{scale})"));
        }
        DataType::Dictionary(_, value) => {
            return sql_type(&Field::new(field.name(), value.as_ref().clone(), true));
        }
        _ => {}
    }
    named(&pg_type_of(field))
}

fn named(pg: &PgType) -> Option<String> {
    match &pg.kind {
        PgKind::Array(element) => named(element).map(|element| format!("{element}[]")),
        PgKind::Composite(_) => None,
        _ => Some(pg.name()),
    }
}
