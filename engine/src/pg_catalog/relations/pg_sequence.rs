//! `pg_sequence` and `pg_sequences`.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use radlake_catalogs::{Counting, SequenceObject};
use std::sync::Arc;

use crate::pg_catalog::context::Context;
use crate::pg_catalog::functions::sequences::last_value;
use crate::pg_catalog::{declared::Declared, model::Model, rows::Rows};

fn type_oid(counting: &Counting) -> u32 {
    match counting.data_type.as_str() {
        "smallint" => 21,
        "integer" => 23,
        _ => 20,
    }
}

fn sequences(model: &Model) -> Vec<&Arc<SequenceObject>> {
    model.sequences.values().collect()
}

pub(super) fn rows(declared: &'static Declared, model: &Model) -> Result<RecordBatch, ArrowError> {
    let sequences = sequences(model);
    Rows::new(declared, &sequences)
        .column("seqrelid", |s| s.oid)
        .column("seqtypid", |s| type_oid(&s.counting))
        .column("seqstart", |s| s.counting.start)
        .column("seqincrement", |s| s.counting.increment)
        .column("seqmax", |s| s.counting.maximum)
        .column("seqmin", |s| s.counting.minimum)
        .column("seqcache", |s| s.counting.cache)
        .column("seqcycle", |s| s.counting.cycle)
        .finish()
}

/// `last_value` is for who may use a sequence or read it.
pub(crate) fn by_name(declared: &'static Declared, context: &Context) -> Result<RecordBatch, ArrowError> {
    let model = context.model();
    let sequences = sequences(model);
    Rows::new(declared, &sequences)
        .column("schemaname", |s| s.schema.as_str())
        .column("sequencename", |s| s.name.as_str())
        .column("sequenceowner", |s| {
            model
                .relation(s.oid)
                .map(|relation| model.role_name(relation.owner))
        })
        .column("data_type", |s| type_oid(&s.counting))
        .column("start_value", |s| s.counting.start)
        .column("min_value", |s| s.counting.minimum)
        .column("max_value", |s| s.counting.maximum)
        .column("increment_by", |s| s.counting.increment)
        .column("cycle", |s| s.counting.cycle)
        .column("cache_size", |s| s.counting.cache)
        .column("last_value", |s| last_value(context, s))
        .finish()
}
