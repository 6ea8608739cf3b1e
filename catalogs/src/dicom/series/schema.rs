//! The columns of `imaging.series` and how each follows from the instances of a series: one table for both.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

/// How a column of a series follows from its instances, which are taken in the order of instance number (none last), then
/// SOP Instance UID. No rule depends on the order in which files came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Part of the key: equal in all instances of the series.
    Key,
    /// The first that is not NULL; of the columns in their order.
    First(&'static [&'static str]),
    /// The smallest number or date; of arrays, over all their numbers. Several columns: the first that is not NULL per instance.
    Min(&'static [&'static str]),
    /// The largest, likewise.
    Max(&'static [&'static str]),
    /// Different texts in ascending order, at most [`MAX_DISTINCT`]; an array counts as one text, joined by `\`, but for those of
    /// frames. Several columns: the first that is not NULL per instance.
    Texts(&'static [&'static str]),
    /// Different numbers in ascending order, at most [`MAX_DISTINCT`]. Several columns: likewise.
    Numbers(&'static [&'static str]),
    /// Sum.
    Sum(&'static str),
    /// How many different values there are; of two columns how many combinations, those of NULLs included.
    Count(&'static [&'static str]),
    /// Computed by `aggregate`, under the column's name.
    Computed,
}

/// Entries of an array column; further ones are left out.
pub(crate) const MAX_DISTINCT: usize = 256;

/// Where distances of rows and columns are, of one image or of all frames.
pub(crate) const PIXEL_SPACING: &[&str] = &["pixel_spacings", "pixel_spacing"];

/// One column of `imaging.series`.
pub(crate) struct SeriesColumn {
    pub(crate) name: &'static str,
    pub(crate) data_type: DataType,
    pub(crate) nullable: bool,
    pub(crate) rule: Rule,
    pub(crate) meaning: &'static str,
}

fn column(name: &'static str, data_type: DataType, rule: Rule, meaning: &'static str) -> SeriesColumn {
    SeriesColumn {
        name,
        data_type,
        nullable: true,
        rule,
        meaning,
    }
}

fn required(name: &'static str, data_type: DataType, rule: Rule, meaning: &'static str) -> SeriesColumn {
    SeriesColumn {
        name,
        data_type,
        nullable: false,
        rule,
        meaning,
    }
}

/// All columns, in order.
pub(crate) static COLUMNS: LazyLock<Vec<SeriesColumn>> = LazyLock::new(|| {
    use DataType::{Boolean, Date32, Float64, Int32, Int64, Utf8};
    use Rule::{Computed, Count, First, Key, Max, Min, Numbers, Sum, Texts};
    let time = DataType::Time64(TimeUnit::Microsecond);
    let texts = || DataType::List(Arc::new(Field::new("item", Utf8, true)));
    let numbers = || DataType::List(Arc::new(Field::new("item", Float64, true)));
    vec![
        required(
            "series_instance_uid",
            Utf8,
            Key,
            "Identifies the series, with provider and study_instance_uid",
        ),
        required("study_instance_uid", Utf8, Key, "Identifies the study"),
        required(
            "provider",
            Utf8,
            Key,
            "Who brought the instances; a series that two providers bring has a row for each",
        ),
        column(
            "patient_id",
            Utf8,
            First(&["patient_id"]),
            "Identifies the patient within the issuer",
        ),
        column(
            "issuer_of_patient_id",
            Utf8,
            First(&["issuer_of_patient_id"]),
            "Who gave the patient ID",
        ),
        column(
            "patient_name",
            Utf8,
            First(&["patient_name"]),
            "Name: family^given^middle^prefix^suffix",
        ),
        column(
            "patient_birth_date",
            Date32,
            First(&["patient_birth_date"]),
            "Date of birth",
        ),
        column("patient_sex", Utf8, First(&["patient_sex"]), "Sex: M, F, O"),
        required(
            "patient_count",
            Int32,
            Count(&["issuer_of_patient_id", "patient_id"]),
            "Patients among the instances, by issuer and ID; more than one is a conflict",
        ),
        required(
            "patient_name_count",
            Int32,
            Count(&["patient_name"]),
            "Different names among the instances, carets at the end aside; more than one is a conflict",
        ),
        required(
            "patient_birth_date_count",
            Int32,
            Count(&["patient_birth_date"]),
            "Different dates of birth among the instances; more than one is a conflict",
        ),
        required(
            "patient_sex_count",
            Int32,
            Count(&["patient_sex"]),
            "Different sexes among the instances; more than one is a conflict",
        ),
        column(
            "patient_age",
            Utf8,
            First(&["patient_age"]),
            "Age at the study, as 045Y",
        ),
        column(
            "study_date",
            Date32,
            First(&["study_date"]),
            "Day the study started",
        ),
        column(
            "study_time",
            time.clone(),
            First(&["study_time"]),
            "Time the study started",
        ),
        column(
            "study_id",
            Utf8,
            First(&["study_id"]),
            "The equipment's number for the study",
        ),
        column(
            "accession_number",
            Utf8,
            First(&["accession_number"]),
            "Number of the order in the department's system",
        ),
        column(
            "study_description",
            Utf8,
            First(&["study_description"]),
            "What the study is",
        ),
        column(
            "modality",
            Utf8,
            First(&["modality"]),
            "Kind of equipment: CT, MR, PT, MG, US, SEG, RTSTRUCT, ...",
        ),
        column(
            "series_number",
            Int32,
            First(&["series_number"]),
            "Number of the series within the study",
        ),
        column(
            "series_date",
            Date32,
            First(&["series_date"]),
            "Day the series started",
        ),
        column(
            "series_time",
            time,
            First(&["series_time"]),
            "Time the series started",
        ),
        column(
            "series_description",
            Utf8,
            First(&["series_description"]),
            "What the series is",
        ),
        column(
            "protocol_name",
            Utf8,
            First(&["protocol_name"]),
            "Protocol chosen at the console",
        ),
        column(
            "body_part_examined",
            Utf8,
            First(&["body_part_examined"]),
            "Part of the body",
        ),
        column(
            "laterality",
            Utf8,
            First(&["laterality", "image_laterality"]),
            "Side of a paired body part",
        ),
        column(
            "patient_position",
            Utf8,
            First(&["patient_position"]),
            "Patient relative to the equipment: HFS, FFS, ...",
        ),
        column(
            "manufacturer",
            Utf8,
            First(&["manufacturer"]),
            "Maker of the equipment",
        ),
        column(
            "manufacturer_model_name",
            Utf8,
            First(&["manufacturer_model_name"]),
            "Model of the equipment",
        ),
        column(
            "institution_name",
            Utf8,
            First(&["institution_name"]),
            "Where the equipment stands",
        ),
        column(
            "referenced_series_instance_uid",
            Utf8,
            First(&[
                "referenced_series_instance_uid",
                "rt_referenced_series_instance_uid",
            ]),
            "Series that a segmentation or structure set was made from",
        ),
        column(
            "sop_class_uids",
            texts(),
            Texts(&["sop_class_uid"]),
            "Kinds of object; dicom_uid_name() gives their names",
        ),
        column(
            "transfer_syntax_uids",
            texts(),
            Texts(&["transfer_syntax_uid"]),
            "How the files are encoded",
        ),
        column(
            "image_types",
            texts(),
            Texts(&["image_type"]),
            "Image types, each with its values joined by \\",
        ),
        required("instance_count", Int64, Computed, "Instances"),
        required(
            "frame_count",
            Int64,
            Computed,
            "Frames of all images; instances without pixels have none",
        ),
        required("total_bytes", Int64, Sum("file_size"), "Bytes of all files"),
        required(
            "warnings",
            Int64,
            Sum("warnings"),
            "Values that did not parse, of all instances",
        ),
        column(
            "first_acquisition_date",
            Date32,
            Min(&["acquisition_date"]),
            "Earliest acquisition date",
        ),
        column(
            "last_acquisition_date",
            Date32,
            Max(&["acquisition_date"]),
            "Latest acquisition date",
        ),
        column(
            "rows_min",
            Int32,
            Min(&["rows"]),
            "Least height of an image, pixels",
        ),
        column(
            "rows_max",
            Int32,
            Max(&["rows"]),
            "Greatest height of an image, pixels",
        ),
        column(
            "columns_min",
            Int32,
            Min(&["columns"]),
            "Least width of an image, pixels",
        ),
        column(
            "columns_max",
            Int32,
            Max(&["columns"]),
            "Greatest width of an image, pixels",
        ),
        column(
            "pixel_spacing_min_mm",
            Float64,
            Min(PIXEL_SPACING),
            "Least distance of pixels, between rows or columns, mm",
        ),
        column(
            "pixel_spacing_max_mm",
            Float64,
            Max(PIXEL_SPACING),
            "Greatest distance of pixels, between rows or columns, mm",
        ),
        column(
            "slice_thickness_min_mm",
            Float64,
            Min(&["slice_thicknesses", "slice_thickness"]),
            "Least nominal slice thickness, mm",
        ),
        column(
            "slice_thickness_max_mm",
            Float64,
            Max(&["slice_thicknesses", "slice_thickness"]),
            "Greatest nominal slice thickness, mm",
        ),
        column(
            "contrast_bolus_agent",
            Utf8,
            First(&["contrast_bolus_agent"]),
            "Contrast agent",
        ),
        column(
            "kvp_min",
            Float64,
            Min(&["kvps", "kvp"]),
            "Least peak voltage, kV",
        ),
        column(
            "kvp_max",
            Float64,
            Max(&["kvps", "kvp"]),
            "Greatest peak voltage, kV",
        ),
        column(
            "x_ray_tube_current_min",
            Int32,
            Min(&["x_ray_tube_currents", "x_ray_tube_current"]),
            "Least tube current, mA",
        ),
        column(
            "x_ray_tube_current_max",
            Int32,
            Max(&["x_ray_tube_currents", "x_ray_tube_current"]),
            "Greatest tube current, mA",
        ),
        column(
            "convolution_kernels",
            texts(),
            Texts(&["convolution_kernels", "convolution_kernel"]),
            "Reconstruction kernels",
        ),
        column(
            "magnetic_field_strength",
            Float64,
            First(&["magnetic_field_strength"]),
            "Field, T",
        ),
        column(
            "echo_times",
            numbers(),
            Numbers(&["echo_times", "echo_time"]),
            "Echo times, ms",
        ),
        column(
            "repetition_times",
            numbers(),
            Numbers(&["repetition_times", "repetition_time"]),
            "Repetition times, ms",
        ),
        column(
            "inversion_times",
            numbers(),
            Numbers(&["inversion_times", "inversion_time"]),
            "Inversion times, ms",
        ),
        column(
            "flip_angles",
            numbers(),
            Numbers(&["flip_angles", "flip_angle"]),
            "Flip angles, degrees",
        ),
        column(
            "diffusion_b_values",
            numbers(),
            Numbers(&[
                "diffusion_b_values",
                "diffusion_b_value",
                "private_diffusion_b_value",
            ]),
            "Diffusion weightings, s/mm2, of the standard's attribute or else of private elements",
        ),
        column(
            "units",
            Utf8,
            First(&["units"]),
            "PET: unit after rescaling: BQML, CNTS, GML, ...",
        ),
        column(
            "radiopharmaceutical",
            Utf8,
            First(&["radiopharmaceutical"]),
            "PET: radiopharmaceutical",
        ),
        column(
            "frame_of_reference_uid",
            Utf8,
            Computed,
            "Coordinate system in space; NULL if the instances have none, or several",
        ),
        required(
            "frame_of_reference_count",
            Int32,
            Computed,
            "Coordinate systems among the instances",
        ),
        required(
            "plane_count",
            Int64,
            Computed,
            "Images and frames that have a position and an orientation in space",
        ),
        required(
            "orientation_count",
            Int32,
            Computed,
            "Orientations among the planes (direction cosines within 0.01)",
        ),
        column(
            "orientation",
            Utf8,
            Computed,
            "axial, coronal, sagittal (normal within 36.9 degrees of the axis) or oblique; of the orientation with most planes, \
             to which the following columns refer too",
        ),
        column(
            "obliquity_degrees",
            Float64,
            Computed,
            "Angle between the planes' normal and the nearest axis, degrees",
        ),
        required(
            "position_count",
            Int64,
            Computed,
            "Different positions along the normal (0.01 mm apart or more)",
        ),
        required(
            "duplicate_positions",
            Int64,
            Computed,
            "Planes beyond the first at their position",
        ),
        column(
            "slice_spacing_mm",
            Float64,
            Computed,
            "Distance of neighbouring positions along the normal, mm: the mean if uniform, else the median; NULL below two",
        ),
        column(
            "spacing_min_mm",
            Float64,
            Computed,
            "Least distance of neighbouring positions, mm",
        ),
        column(
            "spacing_max_mm",
            Float64,
            Computed,
            "Greatest distance of neighbouring positions, mm",
        ),
        column(
            "uniform_spacing",
            Boolean,
            Computed,
            "Whether each distance is within 1 % (or 0.01 mm) of the median; NULL below two positions",
        ),
        required("gaps", Int64, Computed, "Distances beyond 1.5 medians"),
        required(
            "missing_slices",
            Int64,
            Computed,
            "Slices that would fill the gaps",
        ),
        column(
            "stack_length_mm",
            Float64,
            Computed,
            "Distance of the outermost positions, mm",
        ),
        required(
            "is_volume",
            Boolean,
            Computed,
            "Whether all images form one regular volume: all have a place, one orientation, at least 3 positions, uniform \
             spacing, no gap, no duplicate, no sideways shift beyond 0.1 mm, one matrix, one distance of rows and one of \
             columns (1 %), one frame of reference",
        ),
        required(
            "ingested_epoch",
            Int64,
            Computed,
            "Epoch of the lake that last changed the row",
        ),
    ]
});

/// The schema of `imaging.series`; each field's metadata has its meaning under `comment`.
pub fn series_schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        let field = |c: &SeriesColumn| {
            let comment = HashMap::from([("comment".to_owned(), c.meaning.to_owned())]);
            Field::new(c.name, c.data_type.clone(), c.nullable).with_metadata(comment)
        };
        Arc::new(Schema::new(COLUMNS.iter().map(field).collect::<Vec<_>>()))
    });
    Arc::clone(&SCHEMA)
}

/// The columns of `imaging.instances` that the rules read, besides `dataset`.
pub fn source_columns() -> &'static [&'static str] {
    static NAMES: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
        let mut names = vec![
            "sop_instance_uid",
            "instance_number",
            "number_of_frames",
            "image_position_patient",
            "image_positions_patient",
            "image_orientation_patient",
            "shared_image_orientation_patient",
            "first_frame_image_position_patient",
            "frame_of_reference_uid",
            "grid_frame_offset_vector",
        ];
        for c in COLUMNS.iter() {
            match c.rule {
                Rule::Key => names.push(c.name),
                Rule::First(n)
                | Rule::Min(n)
                | Rule::Max(n)
                | Rule::Texts(n)
                | Rule::Numbers(n)
                | Rule::Count(n) => names.extend(n),
                Rule::Sum(n) => names.push(n),
                Rule::Computed => {}
            }
        }
        names.sort_unstable();
        names.dedup();
        names
    });
    &NAMES
}
