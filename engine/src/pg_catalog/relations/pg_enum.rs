//! `pg_enum`: the labels of enumerations.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use radlake_catalogs::TypeDefinition;

use crate::pg_catalog::{declared::Declared, model::Model, rows::Rows};

/// OIDs of labels, which nothing refers to: those of one type follow each other.
const LABEL_BASE: u32 = 0x8000_0000;

pub(super) fn rows(declared: &'static Declared, model: &Model) -> Result<RecordBatch, ArrowError> {
    let mut labels: Vec<(u32, u16, &str)> = Vec::new();
    for own in model.own_types.values() {
        if let TypeDefinition::Enum { labels: known } = &own.object.definition {
            labels.extend(
                (1..)
                    .zip(known)
                    .map(|(place, label)| (own.object.oid, place, label.as_str())),
            );
        }
    }
    Rows::new(declared, &labels)
        .column("oid", |(of, place, _)| {
            LABEL_BASE | (of << 10) & 0x7fff_fc00 | u32::from(*place)
        })
        .column("enumtypid", |(of, ..)| *of)
        .column("enumsortorder", |(_, place, _)| f64::from(*place))
        .column("enumlabel", |(.., label)| *label)
        .finish()
}
