//! `pg_constraint`: keys, checks and references of tables.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use crate::pg_catalog::rows::Value;
use crate::pg_catalog::{declared::Declared, model::Model, rows::Rows};

fn numbers(numbers: &[i64]) -> Value<'_> {
    match numbers {
        [] => Value::Null,
        numbers => Value::Ints(numbers.to_vec()),
    }
}

pub(super) fn rows(declared: &'static Declared, model: &Model) -> Result<RecordBatch, ArrowError> {
    // What a reference does when its row goes or changes: nothing, as it is not enforced.
    let action = |kind: &str| if kind == "f" { "a" } else { " " };
    Rows::new(declared, &model.constraints)
        .column("oid", |c| c.oid)
        .column("conname", |c| c.name.as_str())
        .column("connamespace", |c| c.namespace)
        .column("contype", |c| c.kind)
        .column("convalidated", |_| true)
        .column("conrelid", |c| c.table)
        .column("conindid", |c| c.index)
        .column("confrelid", |c| c.referenced)
        .column("confupdtype", move |c| action(c.kind))
        .column("confdeltype", move |c| action(c.kind))
        .column("confmatchtype", |c| if c.kind == "f" { "s" } else { " " })
        .column("conislocal", |_| true)
        .column("connoinherit", |c| c.kind != "c")
        .column("conkey", |c| numbers(&c.columns))
        .column("confkey", |c| numbers(&c.referenced_columns))
        .column("conbin", |c| {
            // As it is written: there are no trees of nodes.
            c.definition
                .strip_prefix("CHECK (")
                .and_then(|rest| rest.strip_suffix(')'))
        })
        .finish()
}
