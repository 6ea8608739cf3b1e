//! What a header says of segments and measurements: known as soon as the object is ingested. Where voxels are is found out later, on the
//! grid of the source images, which may come before or after.

use crate::dicom::objects::{
    Measurement, Roi, SegSegment, read_measurements, read_segmentation, read_structure_set,
};
use crate::dicom::{Header, Tree};

use super::schema::{Placement, Segment, Status};

/// The rows of one object.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Extracted {
    pub(crate) segments: Vec<Segment>,
    pub(crate) measurements: Vec<Measurement>,
}

impl Extracted {
    /// Bytes in memory, about.
    pub(crate) fn size(&self) -> usize {
        self.segments.len() * (size_of::<Segment>() + 256)
            + self.measurements.len() * (size_of::<Measurement>() + 512)
    }
}

/// Kinds of objects that have rows, by SOP class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ObjectKind {
    Segmentation,
    StructureSet,
    Report,
}

impl ObjectKind {
    /// Of a SOP Class UID (PS3.6 table A-1).
    pub(crate) fn of(sop_class: &str) -> Option<Self> {
        match sop_class {
            "1.2.840.10008.5.1.4.1.1.66.4" | "1.2.840.10008.5.1.4.1.1.66.7" => Some(Self::Segmentation),
            "1.2.840.10008.5.1.4.1.1.481.3" => Some(Self::StructureSet),
            report if report.starts_with("1.2.840.10008.5.1.4.1.1.88.") => Some(Self::Report),
            _ => None,
        }
    }
}

/// The rows of the object that a header is of; `None` if it is of another kind, or says nothing.
pub(crate) fn extract(header: &Header<'_>) -> Option<Extracted> {
    let kind = ObjectKind::of(header.sop_class_uid())?;
    let tree = Tree::of(header);
    let root = tree.root();
    let mut found = Extracted::default();
    match kind {
        ObjectKind::Report => found.measurements = read_measurements(root),
        ObjectKind::Segmentation => match read_segmentation(root) {
            Ok(object) => {
                let source = match object.source_series.as_slice() {
                    [only] => Some(only.clone()),
                    _ => None,
                };
                let of = |segment: SegSegment| Segment {
                    placement: Placement {
                        source_series: source.clone(),
                        ..waiting()
                    },
                    frame_of_reference_uid: object.frame_of_reference_uid.clone(),
                    ..of_segment(segment, object.kind.name())
                };
                // The background of a label map is no segment of anything.
                let background = object.kind == crate::dicom::objects::SegKind::Labelmap;
                let segments = object.segments.clone().into_iter();
                found.segments = segments
                    .filter(|segment| !(background && segment.number == 0))
                    .map(of)
                    .collect();
            }
            Err(reason) => found.segments.push(unreadable(reason)),
        },
        ObjectKind::StructureSet => {
            let set = read_structure_set(root);
            let source = match set.source_series.as_slice() {
                [only] => Some(only.clone()),
                _ => None,
            };
            let of = |roi: Roi| Segment {
                placement: Placement {
                    source_series: source.clone(),
                    ..waiting()
                },
                ..of_roi(roi)
            };
            found.segments = set.rois.into_iter().map(of).collect();
        }
    }
    if kind != ObjectKind::Report && found.segments.is_empty() {
        // A row says that it was looked at.
        found.segments.push(unreadable("it has no segments".to_owned()));
    }
    (found != Extracted::default()).then_some(found)
}

fn waiting() -> Placement {
    Placement {
        status: Status::Waiting,
        ..Placement::default()
    }
}

/// An object that is there and cannot be understood: a row that says why.
fn unreadable(reason: String) -> Segment {
    Segment {
        placement: Placement {
            status: Status::Unplaceable,
            reason: Some(reason),
            ..Placement::default()
        },
        ..Segment::default()
    }
}

/// A segment as a row, not placed.
pub(crate) fn of_segment(segment: SegSegment, kind: &'static str) -> Segment {
    Segment {
        number: segment.number,
        kind,
        label: segment.label,
        description: segment.description,
        category: segment.category,
        property_type: segment.property_type,
        property_type_modifier: segment.property_type_modifier,
        region: segment.region,
        region_modifier: segment.region_modifier,
        algorithm_type: segment.algorithm_type,
        algorithm_name: segment.algorithm_name,
        tracking_id: segment.tracking_id,
        tracking_uid: segment.tracking_uid,
        ..Segment::default()
    }
}

/// A region of interest as a row, not placed.
pub(crate) fn of_roi(roi: Roi) -> Segment {
    Segment {
        number: roi.number,
        kind: "CONTOURS",
        label: roi.name,
        description: roi.description,
        category: roi.category,
        property_type: roi.property_type,
        region: roi.region,
        region_modifier: roi.region_modifier,
        interpreted_type: roi.interpreted_type,
        algorithm_type: roi.algorithm_type,
        algorithm_name: roi.algorithm_name,
        tracking_id: roi.tracking_id,
        tracking_uid: roi.tracking_uid,
        frame_of_reference_uid: roi.frame_of_reference_uid,
        ..Segment::default()
    }
}
