//! RT structure sets (PS3.3 §C.8.8.5 to C.8.8.8): regions of interest and their contours.

use std::collections::HashMap;

use crate::dicom::{Code, DataSet};

/// A structure set.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct StructureSet {
    /// Series that the regions were drawn on, as the object says.
    pub(crate) source_series: Vec<String>,
    pub(crate) rois: Vec<Roi>,
}

/// A region of interest.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Roi {
    pub(crate) number: i64,
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    /// ROI Generation Algorithm: AUTOMATIC, SEMIAUTOMATIC, MANUAL.
    pub(crate) algorithm_type: Option<String>,
    pub(crate) algorithm_name: Option<String>,
    /// RT ROI Interpreted Type: GTV, PTV, ORGAN ...
    pub(crate) interpreted_type: Option<String>,
    pub(crate) category: Option<Code>,
    pub(crate) property_type: Option<Code>,
    pub(crate) region: Option<Code>,
    pub(crate) region_modifier: Option<Code>,
    pub(crate) tracking_id: Option<String>,
    pub(crate) tracking_uid: Option<String>,
    pub(crate) frame_of_reference_uid: Option<String>,
    pub(crate) contours: Vec<Contour>,
}

/// One contour.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Contour {
    /// CLOSED_PLANAR, OPEN_PLANAR, OPEN_NONPLANAR, POINT, CLOSEDPLANAR_XOR.
    pub(crate) geometric_type: String,
    /// x, y, z in the patient, mm; none if the values are not triples of numbers.
    pub(crate) points: Vec<[f64; 3]>,
    /// Images that it was drawn on.
    pub(crate) images: Vec<String>,
}

impl Contour {
    /// Whether it bounds an area.
    pub(crate) fn is_closed(&self) -> bool {
        matches!(self.geometric_type.as_str(), "CLOSED_PLANAR" | "CLOSEDPLANAR_XOR")
    }
}

/// Reads a structure set. Memory: that of its contours, which the header's bound covers.
pub(crate) fn read_structure_set(root: DataSet<'_>) -> StructureSet {
    let mut set = StructureSet::default();
    let (mut observations, mut contours) = (HashMap::new(), HashMap::new());
    for item in root.items(0x3006_0080) {
        if let Some(number) = item.integer(0x3006_0084) {
            observations.entry(number).or_insert(item);
        }
    }
    for item in root.items(0x3006_0039) {
        if let Some(number) = item.integer(0x3006_0084) {
            contours.entry(number).or_insert_with(Vec::new).push(item);
        }
    }
    let mut frame = None;
    for reference in root.items(0x3006_0010) {
        frame = frame.or_else(|| reference.uid(0x0020_0052).map(str::to_owned));
        for study in reference.items(0x3006_0012) {
            for series in study.items(0x3006_0014) {
                set.source_series
                    .extend(series.uid(0x0020_000E).map(str::to_owned));
            }
        }
    }
    for item in root.items(0x3006_0020) {
        let Some(number) = item.integer(0x3006_0022) else {
            continue;
        };
        let observed = observations.get(&number);
        let drawn = contours.get(&number);
        set.rois.push(Roi {
            number,
            name: item.text(0x3006_0026),
            description: item.text(0x3006_0028),
            algorithm_type: item.text(0x3006_0036),
            algorithm_name: item.text(0x3006_0038),
            interpreted_type: observed.and_then(|o| o.text(0x3006_00A4)),
            category: observed.and_then(|o| o.code(0x0062_0003)),
            property_type: observed.and_then(|o| o.code(0x3006_0086)),
            region: observed.and_then(|o| o.code(0x0008_2218)),
            region_modifier: observed.and_then(|o| o.first(0x0008_2218)?.code(0x0008_2220)),
            tracking_id: item
                .text(0x0062_0020)
                .or_else(|| observed.and_then(|o| o.text(0x0062_0020))),
            tracking_uid: item
                .uid(0x0062_0021)
                .or_else(|| observed.and_then(|o| o.uid(0x0062_0021)))
                .map(str::to_owned),
            frame_of_reference_uid: item.uid(0x3006_0024).map(str::to_owned).or_else(|| frame.clone()),
            contours: drawn
                .into_iter()
                .flatten()
                .flat_map(|roi| roi.items(0x3006_0040))
                .map(contour)
                .collect(),
        });
    }
    set
}

fn contour(item: DataSet<'_>) -> Contour {
    let values = item.floats(0x3006_0050).unwrap_or_default();
    let points = match values.len().is_multiple_of(3) {
        true => values.chunks_exact(3).map(|p| [p[0], p[1], p[2]]).collect(),
        false => Vec::new(),
    };
    Contour {
        geometric_type: item.text(0x3006_0042).unwrap_or_default(),
        points,
        images: item
            .items(0x3006_0016)
            .filter_map(|image| image.uid(0x0008_1155).map(str::to_owned))
            .collect(),
    }
}
