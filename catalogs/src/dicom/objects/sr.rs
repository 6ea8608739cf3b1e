//! Measurement reports: the groups of a structured report that follow TID 1500 (PS3.16), flattened to a row per measurement. What a
//! group says of what it measured (tracking, finding, site, segment, source) is on each of its rows.

use crate::dicom::{Code, DataSet};

/// One measurement or qualitative evaluation.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Measurement {
    /// Measurement group within the document, from 1.
    pub(crate) group: i32,
    /// Within the group, from 1.
    pub(crate) number: i32,
    pub(crate) tracking_id: Option<String>,
    pub(crate) tracking_uid: Option<String>,
    pub(crate) time_point: Option<String>,
    pub(crate) finding_category: Option<Code>,
    pub(crate) finding: Option<Code>,
    pub(crate) finding_site: Option<Code>,
    pub(crate) laterality: Option<Code>,
    /// What was measured.
    pub(crate) concept: Option<Code>,
    /// NUM, CODE or TEXT.
    pub(crate) value_type: &'static str,
    pub(crate) value: Option<f64>,
    pub(crate) unit: Option<Code>,
    /// Why there is no number.
    pub(crate) qualifier: Option<Code>,
    pub(crate) code_value: Option<Code>,
    pub(crate) text_value: Option<String>,
    pub(crate) derivation: Option<Code>,
    pub(crate) method: Option<Code>,
    /// POINT, CIRCLE, POLYLINE ...: the form of a region that is drawn in the report itself.
    pub(crate) graphic_type: Option<String>,
    pub(crate) segmentation_sop_instance_uid: Option<String>,
    pub(crate) segment_number: Option<i64>,
    pub(crate) source_series_instance_uid: Option<String>,
    pub(crate) source_sop_instance_uid: Option<String>,
}

const VALUE_TYPE: u32 = 0x0040_A040;
const CONCEPT_NAME: u32 = 0x0040_A043;
const CONTENT: u32 = 0x0040_A730;

/// Groups and measurements of one document that are read, together.
const MAX_ROWS: usize = 1_000_000;

/// The measurements of a report, in its order; none if it has no measurement groups.
pub(crate) fn read_measurements(root: DataSet<'_>) -> Vec<Measurement> {
    let (mut rows, mut groups) = (Vec::new(), 0);
    // Nesting is bounded by the reader of headers.
    containers(root, &mut |group| {
        groups += 1;
        if rows.len() < MAX_ROWS {
            measurements(group, groups, &mut rows);
        }
    });
    rows
}

/// Calls `found` with each Measurement Group (125007, DCM).
fn containers(at: DataSet<'_>, found: &mut dyn FnMut(DataSet<'_>)) {
    for item in at.items(CONTENT) {
        if item.text(VALUE_TYPE).as_deref() != Some("CONTAINER") {
            continue;
        }
        match item.code(CONCEPT_NAME) {
            Some(name) if name.is("125007", "DCM") => found(item),
            _ => containers(item, found),
        }
    }
}

/// What a content item of a group is about, by its concept; SNOMED's codes in their old and new form (PS3.16 annex on SRT to SCT).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    TrackingId,
    TrackingUid,
    TimePoint,
    FindingCategory,
    Finding,
    FindingSite,
    Method,
    Segment,
    SourceSeries,
    /// Of the report's making, not of what it found.
    Context,
}

fn role(name: &Code) -> Option<Role> {
    let scheme = name.scheme.as_deref()?;
    Some(match (name.value.as_deref()?, scheme) {
        ("112039", "DCM") => Role::TrackingId,
        ("112040", "DCM") => Role::TrackingUid,
        ("C2348792", "UMLS" | "NCIt") => Role::TimePoint,
        ("276214006", "SCT") => Role::FindingCategory,
        ("121071", "DCM") => Role::Finding,
        ("363698007", "SCT") | ("G-C0E3", "SRT") => Role::FindingSite,
        ("370129005", "SCT") | ("G-C036", "SRT") => Role::Method,
        ("121191" | "121214", "DCM") => Role::Segment,
        ("121232", "DCM") => Role::SourceSeries,
        // Activity session, algorithm's name, parameters and version, observers, purpose of the measurement.
        ("C67447", "NCIt")
        | ("111001" | "111002" | "111003" | "121005" | "121008" | "121012" | "126100", "DCM")
        | ("121401" | "121112", "DCM") => Role::Context,
        _ => return None,
    })
}

fn measurements(group: DataSet<'_>, number: i32, rows: &mut Vec<Measurement>) {
    let mut common = Measurement {
        group: number,
        ..Measurement::default()
    };
    let mut found = Vec::new();
    for item in group.items(CONTENT) {
        let name = item.code(CONCEPT_NAME);
        let role = name.as_ref().and_then(role);
        let kind = item.text(VALUE_TYPE);
        match (kind.as_deref(), role) {
            (Some("TEXT"), Some(Role::TrackingId)) => set(&mut common.tracking_id, item.text(0x0040_A160)),
            (Some("UIDREF"), Some(Role::TrackingUid)) => {
                set(&mut common.tracking_uid, item.uid(0x0040_A124).map(str::to_owned));
            }
            (Some("TEXT"), Some(Role::TimePoint)) => set(&mut common.time_point, item.text(0x0040_A160)),
            (Some("CODE"), Some(Role::FindingCategory)) => {
                set(&mut common.finding_category, item.code(0x0040_A168));
            }
            (Some("CODE"), Some(Role::Finding)) => set(&mut common.finding, item.code(0x0040_A168)),
            (Some("CODE"), Some(Role::FindingSite)) => {
                set(&mut common.finding_site, item.code(0x0040_A168));
                set(&mut common.laterality, laterality(item));
            }
            (Some("CODE"), Some(Role::Method)) => set(&mut common.method, item.code(0x0040_A168)),
            (Some("UIDREF"), Some(Role::SourceSeries)) => {
                set(
                    &mut common.source_series_instance_uid,
                    item.uid(0x0040_A124).map(str::to_owned),
                );
            }
            (Some("IMAGE" | "COMPOSITE"), role) => image(item, role, &mut common),
            (Some("SCOORD" | "SCOORD3D"), _) => {
                set(&mut common.graphic_type, item.text(0x0070_0023));
                for source in item.items(CONTENT) {
                    image(source, None, &mut common);
                }
            }
            (Some("NUM"), _) => found.push(numeric(item, name)),
            (Some("CODE"), None) => found.push(Measurement {
                concept: name,
                value_type: "CODE",
                code_value: item.code(0x0040_A168),
                ..Measurement::default()
            }),
            (Some("TEXT"), None) => found.push(Measurement {
                concept: name,
                value_type: "TEXT",
                text_value: item.text(0x0040_A160),
                ..Measurement::default()
            }),
            _ => {}
        }
    }
    for (place, row) in found.into_iter().enumerate() {
        if rows.len() >= MAX_ROWS {
            return;
        }
        rows.push(Measurement {
            number: i32::try_from(place + 1).unwrap_or(i32::MAX),
            concept: row.concept,
            value_type: row.value_type,
            value: row.value,
            unit: row.unit,
            qualifier: row.qualifier,
            code_value: row.code_value,
            text_value: row.text_value,
            derivation: row.derivation,
            // Its own counts for more than its group's.
            method: row.method.or_else(|| common.method.clone()),
            finding_site: row.finding_site.or_else(|| common.finding_site.clone()),
            laterality: row.laterality.or_else(|| common.laterality.clone()),
            ..common.clone()
        });
    }
}

/// The first that is said counts.
fn set<T>(to: &mut Option<T>, value: Option<T>) {
    if to.is_none() {
        *to = value;
    }
}

/// Laterality (272741003, SCT) below a site.
fn laterality(site: DataSet<'_>) -> Option<Code> {
    let is = |code: &Code| code.is("272741003", "SCT") || code.is("G-C171", "SRT");
    site.items(CONTENT)
        .find(|item| item.code(CONCEPT_NAME).as_ref().is_some_and(is))
        .and_then(|item| item.code(0x0040_A168))
}

/// Segmentation Storage, Label Map Segmentation Storage, Surface Segmentation Storage.
const SEGMENTATIONS: [&str; 3] = [
    "1.2.840.10008.5.1.4.1.1.66.4",
    "1.2.840.10008.5.1.4.1.1.66.7",
    "1.2.840.10008.5.1.4.1.1.66.5",
];

/// An image that a group refers to: its segmentation, or what was measured on.
fn image(item: DataSet<'_>, role: Option<Role>, common: &mut Measurement) {
    let Some(reference) = item.first(0x0008_1199) else {
        return;
    };
    let uid = reference.uid(0x0008_1155).map(str::to_owned);
    let class = reference.uid(0x0008_1150).unwrap_or_default();
    let segment = reference.integer(0x0062_000B);
    if segment.is_some() || SEGMENTATIONS.contains(&class) || role == Some(Role::Segment) {
        set(&mut common.segmentation_sop_instance_uid, uid);
        set(&mut common.segment_number, segment);
    } else if role.is_none() {
        set(&mut common.source_sop_instance_uid, uid);
    }
}

fn numeric(item: DataSet<'_>, concept: Option<Code>) -> Measurement {
    let mut row = Measurement {
        concept,
        value_type: "NUM",
        qualifier: item.code(0x0040_A301),
        ..Measurement::default()
    };
    if let Some(measured) = item.first(0x0040_A300) {
        // The double is the same number with all of its digits (PS3.3 §10.26).
        row.value = measured
            .float(0x0040_A161)
            .or_else(|| measured.float(0x0040_A30A));
        row.unit = measured.code(0x0040_08EA);
    }
    for modifier in item.items(CONTENT) {
        let Some(name) = modifier.code(CONCEPT_NAME) else {
            continue;
        };
        let value = modifier.code(0x0040_A168);
        if name.is("121401", "DCM") {
            set(&mut row.derivation, value);
            continue;
        }
        match role(&name) {
            Some(Role::Method) => set(&mut row.method, value),
            Some(Role::FindingSite) => {
                set(&mut row.finding_site, value);
                set(&mut row.laterality, laterality(modifier));
            }
            _ => {}
        }
    }
    row
}
