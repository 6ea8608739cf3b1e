//! Rows of `imaging.segments` and `imaging.measurements` as Arrow batches.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Float64Array, Int32Array, Int64Array, ListArray, RecordBatch, StringArray, StructArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field};
use arrow::error::ArrowError;

use super::schema::{Object, Segment, measurements_schema, segments_schema};
use crate::dicom::objects::Measurement;
use crate::dicom::{Code, code_fields};

/// Segments, each with its object, as a batch of [`segments_schema`].
///
/// # Errors
/// None that a caller could cause.
pub(crate) fn segments_batch(rows: &[(&Object, &Segment)], epoch: i64) -> Result<RecordBatch, ArrowError> {
    let text = |f: fn(&Segment) -> Option<&str>| texts(rows.iter().map(|r| f(r.1)));
    let concept = |f: fn(&Segment) -> Option<&Code>| codes(rows.iter().map(|r| f(r.1)));
    let mut columns = object_arrays(rows.iter().map(|r| r.0));
    columns.extend([
        Arc::new(Int32Array::from_iter_values(
            rows.iter().map(|r| narrow(r.1.number)),
        )) as ArrayRef,
        text(|s| Some(s.kind).filter(|kind| !kind.is_empty())),
        text(|s| s.label.as_deref()),
        text(|s| s.description.as_deref()),
        concept(|s| s.category.as_ref()),
        concept(|s| s.property_type.as_ref()),
        concept(|s| s.property_type_modifier.as_ref()),
        concept(|s| s.region.as_ref()),
        concept(|s| s.region_modifier.as_ref()),
        text(|s| s.interpreted_type.as_deref()),
        text(|s| s.algorithm_type.as_deref()),
        text(|s| s.algorithm_name.as_deref()),
        text(|s| s.tracking_id.as_deref()),
        text(|s| s.tracking_uid.as_deref()),
        text(|s| s.frame_of_reference_uid.as_deref()),
        text(|s| s.placement.source_series.as_deref()),
        text(|s| Some(s.placement.status.name())),
        text(|s| s.placement.reason.as_deref()),
    ]);
    let placements = || rows.iter().map(|r| &r.1.placement);
    let findings: Vec<Option<Vec<&str>>> = placements()
        .map(|p| (!p.findings.is_empty()).then(|| p.findings.clone()))
        .collect();
    columns.push(lists(
        DataType::Utf8,
        findings.iter().map(|f| f.as_ref().map(Vec::len)),
        Arc::new(StringArray::from(
            findings
                .iter()
                .flatten()
                .flatten()
                .copied()
                .collect::<Vec<&str>>(),
        )),
    ));
    columns.push(Arc::new(
        placements().map(|p| p.voxel_count).collect::<Int64Array>(),
    ));
    columns.push(Arc::new(
        placements().map(|p| p.volume_ml).collect::<Float64Array>(),
    ));
    columns.push(triples(placements().map(|p| p.box_low)));
    columns.push(triples(placements().map(|p| p.box_high)));
    columns.push(float_triples(placements().map(|p| p.centroid)));
    columns.push(float_triples(placements().map(|p| p.spacing)));
    columns.extend(last_arrays(rows.iter().map(|r| r.0), epoch));
    RecordBatch::try_new(segments_schema(), columns)
}

/// Measurements, each with its report, as a batch of [`measurements_schema`].
///
/// # Errors
/// None that a caller could cause.
pub(crate) fn measurements_batch(
    rows: &[(&Object, &Measurement)],
    epoch: i64,
) -> Result<RecordBatch, ArrowError> {
    let text = |f: fn(&Measurement) -> Option<&str>| texts(rows.iter().map(|r| f(r.1)));
    let concept = |f: fn(&Measurement) -> Option<&Code>| codes(rows.iter().map(|r| f(r.1)));
    let mut columns = object_arrays(rows.iter().map(|r| r.0));
    columns.extend([
        Arc::new(Int32Array::from_iter_values(rows.iter().map(|r| r.1.group))) as ArrayRef,
        Arc::new(Int32Array::from_iter_values(rows.iter().map(|r| r.1.number))) as ArrayRef,
        text(|m| m.tracking_id.as_deref()),
        text(|m| m.tracking_uid.as_deref()),
        text(|m| m.time_point.as_deref()),
        concept(|m| m.finding_category.as_ref()),
        concept(|m| m.finding.as_ref()),
        concept(|m| m.finding_site.as_ref()),
        concept(|m| m.laterality.as_ref()),
        concept(|m| m.concept.as_ref()),
        text(|m| Some(m.value_type)),
        Arc::new(rows.iter().map(|r| r.1.value).collect::<Float64Array>()),
        concept(|m| m.unit.as_ref()),
        concept(|m| m.qualifier.as_ref()),
        concept(|m| m.code_value.as_ref()),
        text(|m| m.text_value.as_deref()),
        concept(|m| m.derivation.as_ref()),
        concept(|m| m.method.as_ref()),
        text(|m| m.graphic_type.as_deref()),
        text(|m| m.segmentation_sop_instance_uid.as_deref()),
        Arc::new(
            rows.iter()
                .map(|r| r.1.segment_number.map(narrow))
                .collect::<Int32Array>(),
        ),
        text(|m| m.source_series_instance_uid.as_deref()),
        text(|m| m.source_sop_instance_uid.as_deref()),
    ]);
    columns.extend(last_arrays(rows.iter().map(|r| r.0), epoch));
    RecordBatch::try_new(measurements_schema(), columns)
}

/// Numbers of segments are 16 bits wide, those of ROIs whatever twelve digits make; beyond 32 bits they end there.
fn narrow(number: i64) -> i32 {
    i32::try_from(number).unwrap_or(if number < 0 { i32::MIN } else { i32::MAX })
}

fn object_arrays<'a>(objects: impl Iterator<Item = &'a Object> + Clone) -> Vec<ArrayRef> {
    vec![
        texts(objects.clone().map(|o| Some(o.instance.as_str()))),
        texts(objects.clone().map(|o| Some(o.series.as_str()))),
        texts(objects.clone().map(|o| Some(o.study.as_str()))),
        texts(objects.clone().map(|o| o.patient_id.as_deref())),
        texts(objects.clone().map(|o| o.issuer.as_deref())),
        texts(objects.clone().map(|o| Some(o.provider.as_str()))),
        texts(objects.map(|o| o.modality.as_deref())),
    ]
}

fn last_arrays<'a>(objects: impl Iterator<Item = &'a Object> + Clone, epoch: i64) -> [ArrayRef; 2] {
    let rows = objects.clone().count();
    [
        texts(objects.map(|o| Some(o.header_hash.as_str()))),
        Arc::new(Int64Array::from_value(epoch, rows)),
    ]
}

fn texts<'a>(values: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(values.collect::<StringArray>())
}

fn codes<'a>(values: impl Iterator<Item = Option<&'a Code>> + Clone) -> ArrayRef {
    let part = |f: fn(&Code) -> Option<&str>| texts(values.clone().map(move |code| code.and_then(f)));
    let valid: NullBuffer = values
        .clone()
        .map(|code| code.is_some())
        .collect::<Vec<_>>()
        .into();
    let parts = vec![
        part(|code| code.value.as_deref()),
        part(|code| code.scheme.as_deref()),
        part(|code| code.meaning.as_deref()),
    ];
    Arc::new(StructArray::new(code_fields(), parts, Some(valid)))
}

fn lists(of: DataType, lengths: impl Iterator<Item = Option<usize>> + Clone, values: ArrayRef) -> ArrayRef {
    let offsets = OffsetBuffer::from_lengths(lengths.clone().map(Option::unwrap_or_default));
    let valid: NullBuffer = lengths.map(|n| n.is_some()).collect::<Vec<_>>().into();
    let field = Arc::new(Field::new_list_field(of, true));
    Arc::new(ListArray::new(field, offsets, values, Some(valid)))
}

fn triples(values: impl Iterator<Item = Option<[i32; 3]>> + Clone) -> ArrayRef {
    let flat = Int32Array::from_iter_values(values.clone().flatten().flatten());
    lists(DataType::Int32, values.map(|v| v.map(|_| 3)), Arc::new(flat))
}

fn float_triples(values: impl Iterator<Item = Option<[f64; 3]>> + Clone) -> ArrayRef {
    let flat = Float64Array::from_iter_values(values.clone().flatten().flatten());
    lists(DataType::Float64, values.map(|v| v.map(|_| 3)), Arc::new(flat))
}
