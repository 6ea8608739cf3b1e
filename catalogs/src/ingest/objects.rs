//! The segments and measurements of a batch's instances, each with the object that it is from.

use arrow::array::{Array, AsArray, RecordBatch};

use super::outcome::Parsed;
use crate::dicom::objects::Measurement;
use crate::segments::{Extracted, Object, Segment};

/// Objects with what was found in them.
#[derive(Debug, Default)]
pub(crate) struct Objects<'a>(Vec<(Object, &'a Extracted)>);

/// Those among the accepted instances, in their order.
pub(crate) fn objects<'a>(parts: &'a [Parsed], accepted: &[(usize, usize)]) -> Objects<'a> {
    let mut found = Vec::new();
    for &(part, row) in accepted {
        let Some(parsed) = parts.get(part) else {
            continue;
        };
        if let Ok(at) = parsed.extracted.binary_search_by_key(&row, |(row, _)| *row) {
            found.push((object(&parsed.rows, row), &parsed.extracted[at].1));
        }
    }
    Objects(found)
}

impl Objects<'_> {
    pub(crate) fn segments(&self) -> Vec<(&Object, &Segment)> {
        let rows = self.0.iter();
        rows.flat_map(|(object, found)| found.segments.iter().map(move |segment| (object, segment)))
            .collect()
    }

    pub(crate) fn measurements(&self) -> Vec<(&Object, &Measurement)> {
        let rows = self.0.iter();
        rows.flat_map(|(object, found)| found.measurements.iter().map(move |row| (object, row)))
            .collect()
    }
}

/// The object of a row of `imaging.instances`.
fn object(rows: &RecordBatch, row: usize) -> Object {
    let text = |name: &str| -> Option<String> {
        let column = rows.column_by_name(name)?.as_string_opt::<i32>()?;
        column.is_valid(row).then(|| column.value(row).to_owned())
    };
    Object {
        instance: text("sop_instance_uid").unwrap_or_default(),
        series: text("series_instance_uid").unwrap_or_default(),
        study: text("study_instance_uid").unwrap_or_default(),
        patient_id: text("patient_id"),
        issuer: text("issuer_of_patient_id"),
        provider: text("provider").unwrap_or_default(),
        modality: text("modality"),
        header_hash: text("header_hash").unwrap_or_default(),
    }
}
