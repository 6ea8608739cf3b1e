//! Whole rows as values: the columns that the name of a relation stands for.

use datafusion::common::{Column, DFSchema, Result, ScalarValue, internal_err};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{Expr, lit};

use super::build::row_of;
use super::calls::{ROW, ROW_OR_COLUMN, VALUE};
use crate::Error;
use crate::pg_catalog;

/// What a marked name stands for; `None` if the operator is no mark.
pub(super) fn planned(mark: &str, name: &Expr, schema: &DFSchema) -> Result<Option<Expr>> {
    match (mark, name) {
        (
            ROW_OR_COLUMN | VALUE,
            Expr::Column(Column {
                relation: None, name, ..
            }),
        ) if !schema.has_column_with_unqualified_name(name) => {
            let columns = columns(name, schema);
            match (mark, columns.as_slice()) {
                (_, []) => {}
                (VALUE, [(_, only)]) => return Ok(Some(only.clone())),
                _ => return row(columns).map(Some),
            }
        }
        (ROW, Expr::Literal(ScalarValue::Utf8(Some(name)), _)) => {
            let columns = columns(name, schema);
            if columns.is_empty() {
                return Err(Error::unsupported(format!(
                    "a whole row of \"{name}\" here; make an object of its columns with json_build_object"
                ))
                .into());
            }
            return row(columns).map(Some);
        }
        _ => {}
    }
    Ok([ROW_OR_COLUMN, VALUE, ROW].contains(&mark).then(|| name.clone()))
}

/// The columns of a relation, with the names that clients see.
fn columns(relation: &str, schema: &DFSchema) -> Vec<(String, Expr)> {
    schema
        .iter()
        .filter(|(qualifier, _)| qualifier.is_some_and(|qualifier| qualifier.table() == relation))
        .map(|(qualifier, field)| {
            let column = Column::new(qualifier.cloned(), field.name());
            (
                pg_catalog::output_name(field.name()).to_owned(),
                Expr::Column(column),
            )
        })
        .collect()
}

fn row(columns: Vec<(String, Expr)>) -> Result<Expr> {
    let Some(function) = row_of() else {
        return internal_err!("there is no function of rows");
    };
    let arguments = columns.into_iter().flat_map(|(name, column)| [lit(name), column]);
    Ok(Expr::ScalarFunction(ScalarFunction::new_udf(
        function,
        arguments.collect(),
    )))
}
