//! Objects as `imaging.instances` has them: their files, and what their rows say of them.

use std::sync::Arc;

use arrow::array::{Array, AsArray};
use datafusion::catalog::TableProvider;
use datafusion::prelude::Expr;

use super::images::Located;
use super::schema::Object;
use crate::Result;
use crate::ingest::{Reader, texts};

/// An object, of whatever kind.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) located: Located,
    pub(crate) sop_class: String,
    pub(crate) object: Object,
}

const COLUMNS: [&str; 10] = [
    "sop_instance_uid",
    "source_uri",
    "header_hash",
    "sop_class_uid",
    "series_instance_uid",
    "study_instance_uid",
    "patient_id",
    "issuer_of_patient_id",
    "provider",
    "modality",
];

/// The objects that fulfil a condition, by study, series and UID.
pub(crate) async fn locate(
    reader: &Reader,
    instances: &Arc<dyn TableProvider>,
    condition: Expr,
) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    for batch in reader.columns(instances, condition, &COLUMNS).await? {
        let columns = (0..COLUMNS.len())
            .map(|i| texts(&batch, i))
            .collect::<Result<Vec<_>>>()?;
        let maybe = |i: usize, row: usize| {
            let column = columns[i].as_string::<i32>();
            column.is_valid(row).then(|| column.value(row).to_owned())
        };
        let text = |i: usize, row: usize| maybe(i, row).unwrap_or_default();
        found.extend((0..batch.num_rows()).map(|row| Found {
            located: Located {
                instance: text(0, row),
                uri: text(1, row),
                header_hash: text(2, row),
            },
            sop_class: text(3, row),
            object: Object {
                instance: text(0, row),
                series: text(4, row),
                study: text(5, row),
                patient_id: maybe(6, row),
                issuer: maybe(7, row),
                provider: text(8, row),
                modality: maybe(9, row),
                header_hash: text(2, row),
            },
        }));
    }
    found.sort_by(|a, b| {
        let key = |f: &Found| {
            (
                f.object.study.clone(),
                f.object.series.clone(),
                f.located.instance.clone(),
            )
        };
        key(a).cmp(&key(b))
    });
    Ok(found)
}
