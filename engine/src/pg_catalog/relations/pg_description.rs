//! `pg_description` and `pg_shdescription`: comments.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use crate::pg_catalog::{declared::Declared, model::Model, rows::Rows, statics};

/// OIDs of the catalogs that comments refer to.
const PG_CLASS: u32 = 1259;
const PG_NAMESPACE: u32 = 2615;
const PG_CONSTRAINT: u32 = 2606;
const PG_TYPE: u32 = 1247;
const PG_PROC: u32 = 1255;
const PG_AUTHID: u32 = 1260;

struct Comment<'m> {
    object: u32,
    class: u32,
    column: i64,
    text: &'m str,
}

pub(super) fn rows(declared: &'static Declared, model: &Model) -> Result<RecordBatch, ArrowError> {
    let shared = declared.name == "pg_shdescription";
    let comments = if shared {
        shared_comments(model)
    } else {
        comments(model)
    };
    let rows = Rows::new(declared, &comments)
        .column("objoid", |c| c.object)
        .column("classoid", |c| c.class)
        .column("description", |c| c.text);
    if shared {
        rows.finish()
    } else {
        rows.column("objsubid", |c| c.column).finish()
    }
}

fn shared_comments(model: &Model) -> Vec<Comment<'_>> {
    model
        .roles
        .iter()
        .filter_map(|r| {
            Some(Comment {
                object: r.oid,
                class: PG_AUTHID,
                column: 0,
                text: r.comment.as_deref()?,
            })
        })
        .collect()
}

fn comments(model: &Model) -> Vec<Comment<'_>> {
    let mut all: Vec<Comment<'_>> = statics::comments()
        .map(|(object, class, text)| Comment {
            object,
            class,
            column: 0,
            text,
        })
        .collect();
    all.retain(|c| !matches!(c.class, PG_CLASS | PG_NAMESPACE));
    for n in &model.namespaces {
        all.extend(n.comment.as_deref().map(|text| Comment {
            object: n.oid,
            class: PG_NAMESPACE,
            column: 0,
            text,
        }));
    }
    for own in model.own_types.values() {
        all.extend(own.object.comment.as_deref().map(|text| Comment {
            object: own.object.oid,
            class: PG_TYPE,
            column: 0,
            text,
        }));
    }
    for r in &model.relations {
        all.extend(r.comment.as_deref().map(|text| Comment {
            object: r.oid,
            class: PG_CLASS,
            column: 0,
            text,
        }));
        for (field, column) in r.schema.fields().iter().zip(1_i64..) {
            all.extend(field.metadata().get("comment").map(|text| Comment {
                object: r.oid,
                class: PG_CLASS,
                column,
                text,
            }));
        }
    }
    for c in &model.constraints {
        all.extend(c.comment.as_deref().map(|text| Comment {
            object: c.oid,
            class: PG_CONSTRAINT,
            column: 0,
            text,
        }));
    }
    for f in &model.functions {
        all.extend(f.comment.as_deref().map(|text| Comment {
            object: f.oid,
            class: PG_PROC,
            column: 0,
            text,
        }));
    }
    all.sort_by_key(|c| c.object);
    all
}
