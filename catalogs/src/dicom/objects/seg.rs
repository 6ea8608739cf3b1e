//! Segmentations (PS3.3 §A.51, C.8.20): their segments, and what each frame shows of which of them, and where.

use super::groups::{FrameGeometry, Groups};
use crate::dicom::{Code, DataSet};

/// How pixels say what belongs to a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SegKind {
    /// One bit per pixel.
    Binary,
    /// A part of the largest value.
    Fractional {
        /// Maximum Fractional Value (0062,000E).
        maximum: u16,
    },
    /// The number of the segment.
    Labelmap,
}

impl SegKind {
    /// As Segmentation Type (0062,0001) has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Binary => "BINARY",
            Self::Fractional { .. } => "FRACTIONAL",
            Self::Labelmap => "LABELMAP",
        }
    }
}

/// A segmentation without its pixels.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Segmentation {
    pub(crate) kind: SegKind,
    pub(crate) rows: u32,
    pub(crate) columns: u32,
    pub(crate) frame_of_reference_uid: Option<String>,
    /// Series and instances that it was made from, as the object says.
    pub(crate) source_series: Vec<String>,
    pub(crate) source_instances: Vec<String>,
    pub(crate) segments: Vec<SegSegment>,
    pub(crate) frames: Vec<SegFrame>,
    /// Tiles of a slide.
    pub(crate) tiled: bool,
}

/// A segment.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct SegSegment {
    pub(crate) number: i64,
    pub(crate) label: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) category: Option<Code>,
    pub(crate) property_type: Option<Code>,
    pub(crate) property_type_modifier: Option<Code>,
    pub(crate) region: Option<Code>,
    pub(crate) region_modifier: Option<Code>,
    pub(crate) algorithm_type: Option<String>,
    pub(crate) algorithm_name: Option<String>,
    pub(crate) tracking_id: Option<String>,
    pub(crate) tracking_uid: Option<String>,
}

/// A frame, as its own functional groups or the shared ones say.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct SegFrame {
    /// `None` in a label map, whose frames show all segments.
    pub(crate) segment: Option<i64>,
    pub(crate) geometry: FrameGeometry,
    /// Image that it was made from, and its frame from 1.
    pub(crate) source: Option<(String, i64)>,
}

/// Reads a segmentation.
///
/// # Errors
/// Why it cannot be understood, for people; no values of a patient.
pub(crate) fn read_segmentation(root: DataSet<'_>) -> Result<Segmentation, String> {
    let kind = match root.text(0x0062_0001).as_deref() {
        Some("BINARY") => SegKind::Binary,
        Some("FRACTIONAL") => SegKind::Fractional {
            maximum: root
                .integer(0x0062_000E)
                .and_then(|n| u16::try_from(n).ok())
                .filter(|n| *n > 0)
                .ok_or("Maximum Fractional Value is missing")?,
        },
        Some("LABELMAP") => SegKind::Labelmap,
        Some(_) => return Err("its Segmentation Type is not BINARY, FRACTIONAL or LABELMAP".to_owned()),
        None => return Err("Segmentation Type is missing".to_owned()),
    };
    let size = |tag: u32| {
        root.integer(tag)
            .and_then(|n| u32::try_from(n).ok())
            .filter(|n| *n > 0)
    };
    let (Some(rows), Some(columns)) = (size(0x0028_0010), size(0x0028_0011)) else {
        return Err("Rows or Columns are missing".to_owned());
    };
    let (mut source_series, mut source_instances) = (Vec::new(), Vec::new());
    for series in root.items(0x0008_1115) {
        source_series.extend(series.uid(0x0020_000E).map(str::to_owned));
        for instance in series.items(0x0008_114A) {
            source_instances.extend(instance.uid(0x0008_1155).map(str::to_owned));
        }
    }
    Ok(Segmentation {
        kind,
        rows,
        columns,
        frame_of_reference_uid: root.uid(0x0020_0052).map(str::to_owned),
        source_series,
        source_instances,
        segments: root.items(0x0062_0002).filter_map(segment).collect(),
        frames: frames(root)?,
        tiled: tiled(root),
    })
}

fn tiled(root: DataSet<'_>) -> bool {
    root.text(0x0020_9311)
        .is_some_and(|kind| kind.starts_with("TILED"))
        || root.bytes(0x0048_0006).is_some()
}

fn segment(item: DataSet<'_>) -> Option<SegSegment> {
    let kind = item.first(0x0062_000F);
    let region = item.first(0x0008_2218);
    Some(SegSegment {
        number: item.integer(0x0062_0004)?,
        label: item.text(0x0062_0005),
        description: item.text(0x0062_0006),
        category: item.code(0x0062_0003),
        property_type: kind.and_then(|kind| kind.as_code()),
        property_type_modifier: kind
            .and_then(|kind| kind.code(0x0062_0011))
            .or_else(|| item.code(0x0062_0011)),
        region: region.and_then(|region| region.as_code()),
        region_modifier: region.and_then(|region| region.code(0x0008_2220)),
        algorithm_type: item.text(0x0062_0008),
        algorithm_name: item.text(0x0062_0009),
        tracking_id: item.text(0x0062_0020),
        tracking_uid: item.uid(0x0062_0021).map(str::to_owned),
    })
}

fn frames(root: DataSet<'_>) -> Result<Vec<SegFrame>, String> {
    if tiled(root) {
        return Ok(Vec::new());
    }
    let groups = Groups::of(root)?;
    let frames = (0..groups.len()).map(|i| SegFrame {
        segment: groups
            .group(i, 0x0062_000A)
            .and_then(|group| group.integer(0x0062_000B)),
        geometry: groups.geometry(i),
        source: groups.group(i, 0x0008_9124).and_then(source),
    });
    Ok(frames.collect())
}

/// The image of a Derivation Image item.
fn source(derivation: DataSet<'_>) -> Option<(String, i64)> {
    let image = derivation.first(0x0008_2112)?;
    let uid = image.uid(0x0008_1155)?.to_owned();
    Some((uid, image.integer(0x0008_1160).unwrap_or(1)))
}
