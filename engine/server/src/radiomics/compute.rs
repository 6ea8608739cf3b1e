//! One region: its features, or why there are none.

use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use radlake::radiomics::{Settings, Value, image_in, of_region};
use tokio_util::sync::CancellationToken;

use super::{Key, text};
use crate::failure::Failure;

/// A value per column, or why there is none of any.
type Features = Result<Vec<Value>, String>;

/// What a row of `radiomics.features` says.
#[derive(Debug, Clone)]
pub(super) struct Outcome {
    pub(super) key: Key,
    /// Provider, patient, issuer, study, source series, label.
    pub(super) texts: [Option<String>; 6],
    pub(super) epoch: Option<i64>,
    /// Modality of the images.
    pub(super) modality: Option<String>,
    /// Whether it was read at all.
    pub(super) read: bool,
    /// A value per column, or why there is none of any.
    pub(super) values: Features,
}

impl Outcome {
    /// One that could not be read.
    pub(super) fn unread(key: Key, reason: &str) -> Self {
        Self {
            key,
            texts: [const { None }; 6],
            epoch: None,
            modality: None,
            read: false,
            values: Err(reason.to_owned()),
        }
    }
}

/// What is to be computed of each.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) settings: Arc<Settings>,
    pub(super) interrupted: CancellationToken,
}

impl Job {
    /// Rows of regions, as [`super::Run`] asks for them.
    pub(super) fn batch(&self, batch: &RecordBatch) -> Result<Vec<Outcome>, Failure> {
        let instances = text(batch, 0)?;
        let segments = batch.column(1).as_primitive::<Int64Type>();
        let texts = [2, 3, 4, 5, 6, 7].map(|column| text(batch, column));
        let [provider, patient, issuer, study, series, label] = texts;
        let texts = [provider?, patient?, issuer?, study?, series?, label?];
        let epochs = batch.column(8).as_primitive::<Int64Type>();
        let reasons = text(batch, 9)?;
        let mut outcomes = Vec::with_capacity(batch.num_rows());
        for row in 0..batch.num_rows() {
            let get = |column: &arrow::array::ArrayRef| {
                column
                    .is_valid(row)
                    .then(|| column.as_string::<i32>().value(row).to_owned())
            };
            let (modality, values) = match get(&reasons) {
                Some(reason) => (None, Err(reason)),
                None => self.values(batch.column(10), row)?,
            };
            outcomes.push(Outcome {
                key: Key {
                    instance: get(&instances).unwrap_or_default(),
                    segment: segments.value(row),
                },
                texts: texts.each_ref().map(get),
                epoch: epochs.is_valid(row).then(|| epochs.value(row)),
                modality,
                read: true,
                values,
            });
        }
        Ok(outcomes)
    }

    /// Modality of the images, and the features.
    fn values(
        &self,
        column: &arrow::array::ArrayRef,
        row: usize,
    ) -> Result<(Option<String>, Features), Failure> {
        let view = image_in("radiomics", column, row).map_err(|error| Failure::Output(error.to_string()))?;
        let Some(view) = view else {
            return Ok((None, Err("it has no region".to_owned())));
        };
        let found = of_region(&view, &self.settings, &|| self.interrupted.is_cancelled());
        if self.interrupted.is_cancelled() {
            return Err(Failure::Interrupted);
        }
        Ok((view.modality, found))
    }
}
