//! Which objects' segments are to be placed, or placed again: those whose source images have come or changed since.

use std::collections::{BTreeSet, HashMap};

use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::prelude::{col, lit};

use crate::Result;
use crate::ingest::{Reader, View, texts};

/// An object whose segments are due.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Due {
    pub(super) study: String,
    pub(super) instance: String,
}

/// Series of images: when each was made anew, and in which frame of reference it is.
#[derive(Debug, Default)]
pub(super) struct ImageSeries {
    epochs: HashMap<String, i64>,
    by_frame: HashMap<String, Vec<String>>,
}

impl ImageSeries {
    /// Those of the lake. Memory: two UIDs each.
    pub(super) async fn of(reader: &Reader, view: &View) -> Result<Self> {
        let columns = [
            "series_instance_uid",
            "frame_of_reference_uid",
            "ingested_epoch",
            "modality",
        ];
        let derived = ["SEG", "RTSTRUCT", "SR", "PR", "KO", "RTPLAN", "REG", "DOC", "RWV"];
        let mut series = Self::default();
        for batch in reader.columns(&view.series, lit(true), &columns).await? {
            let [uids, frames, modality] = [texts(&batch, 0)?, texts(&batch, 1)?, texts(&batch, 3)?];
            let [uids, frames, modality] =
                [&uids, &frames, &modality].map(|column| column.as_string::<i32>());
            let epochs = cast(batch.column(2), &DataType::Int64)?;
            let epochs = epochs.as_primitive::<Int64Type>();
            for row in 0..batch.num_rows() {
                let uid = uids.value(row).to_owned();
                // What a series holds beside its first instance is not told by its modality: who names it may mean an image.
                let named_only = modality.is_valid(row) && derived.contains(&modality.value(row));
                if frames.is_valid(row) && !named_only {
                    let frame = frames.value(row).to_owned();
                    series.by_frame.entry(frame).or_default().push(uid.clone());
                }
                let epoch = series.epochs.entry(uid).or_insert(i64::MIN);
                *epoch = (*epoch).max(epochs.value(row));
            }
        }
        Ok(series)
    }

    pub(super) fn has(&self, series: &str) -> bool {
        self.epochs.contains_key(series)
    }

    /// Those of a frame of reference.
    pub(super) fn of_frame(&self, frame: &str) -> &[String] {
        self.by_frame.get(frame).map_or(&[], Vec::as_slice)
    }

    /// Whether one of these is newer than an epoch.
    fn newer<'s>(&self, mut series: impl Iterator<Item = &'s String>, than: i64) -> bool {
        series.any(|uid| self.epochs.get(uid).is_some_and(|epoch| *epoch > than))
    }
}

/// Objects of these SOP classes that have no rows: those of a lake that was without the tables. Memory: their UIDs.
pub(super) async fn without_rows(reader: &Reader, view: &View, reports: bool) -> Result<BTreeSet<Due>> {
    let columns = ["study_instance_uid", "sop_instance_uid"];
    let mut kinds = col("sop_class_uid").in_list(SEGMENTED.map(lit).to_vec(), false);
    if reports {
        kinds = kinds.or(col("sop_class_uid").like(lit("1.2.840.10008.5.1.4.1.1.88.%")));
    }
    let mut objects = BTreeSet::new();
    for batch in reader.columns(&view.instances, kinds, &columns).await? {
        let (study, instance) = (texts(&batch, 0)?, texts(&batch, 1)?);
        let (study, instance) = (study.as_string::<i32>(), instance.as_string::<i32>());
        objects.extend((0..batch.num_rows()).map(|row| Due {
            study: study.value(row).to_owned(),
            instance: instance.value(row).to_owned(),
        }));
    }
    if objects.is_empty() {
        return Ok(objects);
    }
    for table in [&view.segments, &view.measurements] {
        for batch in reader.columns(table, lit(true), &columns).await? {
            let (study, instance) = (texts(&batch, 0)?, texts(&batch, 1)?);
            let (study, instance) = (study.as_string::<i32>(), instance.as_string::<i32>());
            for row in 0..batch.num_rows() {
                objects.remove(&Due {
                    study: study.value(row).to_owned(),
                    instance: instance.value(row).to_owned(),
                });
            }
        }
    }
    Ok(objects)
}

/// SOP classes whose objects always have rows.
const SEGMENTED: [&str; 3] = [
    "1.2.840.10008.5.1.4.1.1.66.4",
    "1.2.840.10008.5.1.4.1.1.66.7",
    "1.2.840.10008.5.1.4.1.1.481.3",
];

/// The objects that are due.
pub(super) async fn due(reader: &Reader, view: &View, series: &ImageSeries) -> Result<BTreeSet<Due>> {
    let columns = [
        "study_instance_uid",
        "sop_instance_uid",
        "status",
        "reason",
        "source_series_instance_uid",
        "frame_of_reference_uid",
        "ingested_epoch",
    ];
    let open = col("status").not_eq(lit("unplaceable"));
    let mut found = BTreeSet::new();
    for batch in reader.columns(&view.segments, open, &columns).await? {
        let texts = (0..6).map(|i| texts(&batch, i)).collect::<Result<Vec<_>>>()?;
        let epochs = cast(batch.column(6), &DataType::Int64)?;
        let epochs = epochs.as_primitive::<Int64Type>();
        for row in 0..batch.num_rows() {
            let text = |i: usize| {
                let column = texts[i].as_string::<i32>();
                column.is_valid(row).then(|| column.value(row).to_owned())
            };
            let (study, instance) = (text(0).unwrap_or_default(), text(1).unwrap_or_default());
            let (status, reason, source) = (text(2), text(3), text(4));
            let epoch = epochs.value(row);
            let candidates = text(5).map_or(&[][..], |frame| series.of_frame(&frame));
            let is_due = match status.as_deref() {
                // Never tried.
                Some("waiting") if reason.is_none() => true,
                // Its images went, or are others now.
                Some("placed") => source
                    .as_ref()
                    .is_none_or(|source| !series.has(source) || series.newer(std::iter::once(source), epoch)),
                _ => series.newer(source.iter().chain(candidates), epoch),
            };
            if is_due {
                found.insert(Due { study, instance });
            }
        }
    }
    Ok(found)
}
