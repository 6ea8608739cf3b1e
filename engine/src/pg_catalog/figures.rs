//! Numbers of rows, sizes and texts of views are shown to who may read the whole of a relation: to anybody else they would
//! tell of what he may not see.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::compute::kernels::zip::zip;
use arrow::datatypes::UInt32Type;
use arrow::error::ArrowError;
use datafusion::common::ScalarValue;

use super::context::Context;
use super::model::Relation;
use crate::policy::{Privilege, Rights, Subject, Verdict, binds_on, decide};

impl Context {
    /// Whether who asks may read every row and column of a relation as they are.
    pub(crate) fn reads_whole(&self, relation: &Relation) -> bool {
        if relation.is_system() {
            return true;
        }
        let Some(subject) = self.acting() else {
            return false;
        };
        let rights = Rights::new(relation.owner, &relation.grants, None);
        let rows = &relation.row_security;
        subject.superuser
            || decide(&subject, rights, Privilege::Select) == Verdict::Everything
                && !binds_on(&subject, relation.owner, rows)
                && rows.masks.is_empty()
    }

    /// Whether row policies bind who asks on a relation.
    pub(crate) fn row_security_active(&self, relation: &Relation) -> bool {
        let binds = |subject| binds_on(&subject, relation.owner, &relation.row_security);
        self.acting().is_some_and(binds)
    }

    /// Whether a superuser asks.
    pub(crate) fn is_superuser(&self) -> bool {
        let role = self.model().role_named(&self.session.current_role());
        role.is_some_and(|role| role.superuser)
    }

    fn acting(&self) -> Option<Subject> {
        let role = self.model().role_named(&self.session.current_role())?;
        Some(self.model().subject(role))
    }
}

/// What a relation with figures shows in place of those that are hidden: its column of OIDs, the column, and the value.
fn hidden(name: &str) -> Option<(&'static str, &'static str, f32)> {
    match name {
        "pg_class" => Some(("oid", "reltuples", -1.0)),
        "pg_stat_all_tables" | "pg_stat_user_tables" | "pg_stat_sys_tables" => {
            Some(("relid", "n_live_tup", 0.0))
        }
        _ => None,
    }
}

/// The rows of a system relation as who asks may see them.
pub(crate) fn shown(context: &Context, name: &str, rows: RecordBatch) -> Result<RecordBatch, ArrowError> {
    if context.is_superuser() {
        return Ok(rows);
    }
    let schema = rows.schema();
    let (column, known): (&str, BooleanArray) = if let Some((key, column, _)) = hidden(name) {
        let keys = rows
            .column(schema.index_of(key)?)
            .as_primitive_opt::<UInt32Type>();
        let Some(keys) = keys else { return Ok(rows) };
        let known = keys.iter().map(|oid| {
            let relation = oid.and_then(|oid| context.model().relation(oid));
            Some(relation.is_none_or(|relation| context.reads_whole(relation)))
        });
        (column, known.collect())
    } else if let "pg_views" | "pg_matviews" = name {
        let named = if name == "pg_views" {
            "viewname"
        } else {
            "matviewname"
        };
        let text = |column: &str| -> Result<ArrayRef, ArrowError> {
            arrow::compute::cast(
                rows.column(schema.index_of(column)?),
                &arrow::datatypes::DataType::Utf8,
            )
        };
        let (schemas, names) = (text("schemaname")?, text(named)?);
        let (schemas, names) = (schemas.as_string::<i32>(), names.as_string::<i32>());
        let known = (0..rows.num_rows()).map(|row| {
            let namespace = context.model().namespace_named(schemas.value(row))?;
            let relation = context.model().relation_named(namespace.oid, names.value(row));
            Some(relation.is_none_or(|relation| context.reads_whole(relation)))
        });
        ("definition", known.collect())
    } else {
        return Ok(rows);
    };
    if known.true_count() == known.len() {
        return Ok(rows);
    }
    let at = schema.index_of(column)?;
    let values = Arc::clone(rows.column(at));
    let other = match hidden(name) {
        Some((_, _, value)) => ScalarValue::Float32(Some(value)).cast_to(values.data_type()),
        None => ScalarValue::try_new_null(values.data_type()),
    };
    let other = other.and_then(|value| value.to_scalar());
    let other = other.map_err(|error| ArrowError::ComputeError(error.to_string()))?;
    let mut columns = rows.columns().to_vec();
    columns[at] = zip(&known, &values, &other)?;
    RecordBatch::try_new(schema, columns)
}
