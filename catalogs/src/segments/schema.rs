//! `imaging.segments` and `imaging.measurements`: their rows and columns.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use crate::dicom::{Code, code_fields};

/// What both tables say of the object that a row is from.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Object {
    pub(crate) instance: String,
    pub(crate) series: String,
    pub(crate) study: String,
    pub(crate) patient_id: Option<String>,
    pub(crate) issuer: Option<String>,
    pub(crate) provider: String,
    pub(crate) modality: Option<String>,
    /// Fingerprint of the header that it was read from.
    pub(crate) header_hash: String,
}

/// Whether a segment's voxels are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Status {
    /// On the grid of its source images.
    Placed,
    /// On its own grid: its source images are not in the lake.
    OwnGrid,
    /// Nothing is known until its source images come.
    #[default]
    Waiting,
    /// It cannot be placed, as `reason` says.
    Unplaceable,
}

impl Status {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Placed => "placed",
            Self::OwnGrid => "own grid",
            Self::Waiting => "waiting",
            Self::Unplaceable => "unplaceable",
        }
    }
}

/// Where a segment's voxels are.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Placement {
    pub(crate) status: Status,
    pub(crate) reason: Option<String>,
    /// What was found beside, told rather than guessed at.
    pub(crate) findings: Vec<&'static str>,
    pub(crate) source_series: Option<String>,
    pub(crate) voxel_count: Option<i64>,
    pub(crate) volume_ml: Option<f64>,
    pub(crate) box_low: Option<[i32; 3]>,
    pub(crate) box_high: Option<[i32; 3]>,
    pub(crate) centroid: Option<[f64; 3]>,
    pub(crate) spacing: Option<[f64; 3]>,
}

/// A row of `imaging.segments`, but for its object.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Segment {
    pub(crate) number: i64,
    pub(crate) kind: &'static str,
    pub(crate) label: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) category: Option<Code>,
    pub(crate) property_type: Option<Code>,
    pub(crate) property_type_modifier: Option<Code>,
    pub(crate) region: Option<Code>,
    pub(crate) region_modifier: Option<Code>,
    pub(crate) interpreted_type: Option<String>,
    pub(crate) algorithm_type: Option<String>,
    pub(crate) algorithm_name: Option<String>,
    pub(crate) tracking_id: Option<String>,
    pub(crate) tracking_uid: Option<String>,
    pub(crate) frame_of_reference_uid: Option<String>,
    pub(crate) placement: Placement,
}

/// Name, type, whether NULL may stand there, meaning.
type Declared = (&'static str, DataType, bool, &'static str);

fn code() -> DataType {
    DataType::Struct(code_fields())
}

fn list(of: DataType) -> DataType {
    DataType::List(Arc::new(Field::new_list_field(of, true)))
}

fn object_columns() -> Vec<Declared> {
    use DataType::Utf8;
    vec![
        ("sop_instance_uid", Utf8, false, "The object"),
        ("series_instance_uid", Utf8, false, "Its series"),
        ("study_instance_uid", Utf8, false, "Its study"),
        ("patient_id", Utf8, true, "PatientID (0010,0020) of the object"),
        ("issuer_of_patient_id", Utf8, true, "Who gave that ID"),
        ("provider", Utf8, false, "Who brought the object"),
        ("modality", Utf8, true, "Its modality: SEG, RTSTRUCT, SR"),
    ]
}

fn last_columns() -> Vec<Declared> {
    vec![
        (
            "header_hash",
            DataType::Utf8,
            false,
            "Fingerprint of the object's header: with another the rows are made anew",
        ),
        (
            "ingested_epoch",
            DataType::Int64,
            false,
            "Epoch of the lake that made the row visible",
        ),
    ]
}

fn schema(columns: Vec<Declared>) -> SchemaRef {
    let fields: Vec<Field> = columns
        .into_iter()
        .map(|(name, data_type, nullable, meaning)| {
            Field::new(name, data_type, nullable)
                .with_metadata(HashMap::from([("comment".to_owned(), meaning.to_owned())]))
        })
        .collect();
    Arc::new(Schema::new(fields))
}

/// The schema of `imaging.segments`; each field's metadata has its meaning under `comment`.
pub fn segments_schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        use DataType::{Float64, Int32, Int64, Utf8};
        let mut columns = object_columns();
        columns.extend([
            (
                "segment_number",
                Int32,
                false,
                "Segment Number (0062,0004) or ROI Number (3006,0022)",
            ),
            (
                "segmentation_type",
                Utf8,
                true,
                "BINARY, FRACTIONAL, LABELMAP or CONTOURS",
            ),
            ("label", Utf8, true, "Segment Label or ROI Name"),
            (
                "description",
                Utf8,
                true,
                "Segment Description or ROI Description",
            ),
            ("property_category", code(), true, "Segmented Property Category"),
            (
                "property_type",
                code(),
                true,
                "Segmented Property Type, or RT ROI Identification Code",
            ),
            (
                "property_type_modifier",
                code(),
                true,
                "Segmented Property Type Modifier",
            ),
            ("anatomic_region", code(), true, "Anatomic Region"),
            (
                "anatomic_region_modifier",
                code(),
                true,
                "Anatomic Region Modifier",
            ),
            (
                "interpreted_type",
                Utf8,
                true,
                "RT ROI Interpreted Type: GTV, PTV, ORGAN, ...",
            ),
            ("algorithm_type", Utf8, true, "AUTOMATIC, SEMIAUTOMATIC, MANUAL"),
            ("algorithm_name", Utf8, true, "What it was made with"),
            ("tracking_id", Utf8, true, "Tracking ID (0062,0020)"),
            (
                "tracking_uid",
                Utf8,
                true,
                "Tracking UID (0062,0021): the same lesion in other objects",
            ),
            (
                "frame_of_reference_uid",
                Utf8,
                true,
                "The coordinate system that it is drawn in",
            ),
            (
                "source_series_instance_uid",
                Utf8,
                true,
                "Series of the images that it is placed on, or names",
            ),
            (
                "status",
                Utf8,
                false,
                "placed (on its source's grid), own grid, waiting (for its source), unplaceable",
            ),
            ("reason", Utf8, true, "Why it is not placed"),
            (
                "findings",
                list(Utf8),
                true,
                "What was found and not guessed at: resampled, outside, open contour, ...",
            ),
            ("voxel_count", Int64, true, "Voxels whose centre is in it"),
            ("volume_ml", Float64, true, "Voxels times the volume of one, ml"),
            (
                "bounding_box_low",
                list(Int32),
                true,
                "Smallest column, row and slice, from 0",
            ),
            (
                "bounding_box_high",
                list(Int32),
                true,
                "Largest column, row and slice",
            ),
            (
                "centroid",
                list(Float64),
                true,
                "Mean of its voxels' centres: x, y, z in the patient, mm",
            ),
            (
                "voxel_spacing",
                list(Float64),
                true,
                "Distance of voxels along columns, rows and slices, mm",
            ),
        ]);
        columns.extend(last_columns());
        schema(columns)
    });
    Arc::clone(&SCHEMA)
}

/// The schema of `imaging.measurements`; each field's metadata has its meaning under `comment`.
pub fn measurements_schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        use DataType::{Float64, Int32, Utf8};
        let mut columns = object_columns();
        columns.extend([
            (
                "measurement_group",
                Int32,
                false,
                "Measurement group within the report, from 1",
            ),
            (
                "measurement_number",
                Int32,
                false,
                "Measurement within its group, from 1",
            ),
            ("tracking_id", Utf8, true, "Tracking Identifier (112039, DCM)"),
            (
                "tracking_uid",
                Utf8,
                true,
                "Tracking Unique Identifier (112040, DCM): the same lesion in other objects",
            ),
            ("time_point", Utf8, true, "Time Point (C2348792, UMLS)"),
            (
                "finding_category",
                code(),
                true,
                "Finding category (276214006, SCT)",
            ),
            ("finding", code(), true, "Finding (121071, DCM)"),
            ("finding_site", code(), true, "Finding Site (363698007, SCT)"),
            (
                "laterality",
                code(),
                true,
                "Laterality (272741003, SCT) of the site",
            ),
            ("concept", code(), true, "What was measured or judged"),
            ("value_type", Utf8, false, "NUM, CODE or TEXT"),
            ("value", Float64, true, "The number"),
            ("unit", code(), true, "Its unit, of UCUM mostly"),
            ("qualifier", code(), true, "Why there is no number"),
            (
                "code_value",
                code(),
                true,
                "The concept, of a qualitative evaluation",
            ),
            ("text_value", Utf8, true, "The text, of a qualitative evaluation"),
            (
                "derivation",
                code(),
                true,
                "Derivation (121401, DCM): mean, maximum, ...",
            ),
            ("method", code(), true, "Measurement Method (370129005, SCT)"),
            (
                "graphic_type",
                Utf8,
                true,
                "Form of a region that is drawn in the report itself",
            ),
            (
                "segmentation_sop_instance_uid",
                Utf8,
                true,
                "Segmentation that was measured",
            ),
            ("segment_number", Int32, true, "Its segment"),
            (
                "source_series_instance_uid",
                Utf8,
                true,
                "Series that the segmentation was made from",
            ),
            (
                "source_sop_instance_uid",
                Utf8,
                true,
                "Image that was measured on",
            ),
        ]);
        columns.extend(last_columns());
        schema(columns)
    });
    Arc::clone(&SCHEMA)
}
