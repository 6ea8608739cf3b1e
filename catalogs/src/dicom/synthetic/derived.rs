//! Instances made from images: a binary Segmentation and an RT Structure Set, both of one ball-shaped lesion.

use dicom_dictionary_std::tags;

use super::dataset::{Dataset, PIXEL_DATA, Value, code};
use super::series::SeriesBuilder;

/// The image series that a derived instance refers to.
pub(crate) struct References {
    pub(crate) study: String,
    pub(crate) series: String,
    pub(crate) sop_class: &'static str,
    pub(crate) instances: Vec<String>,
    pub(crate) frame_of_reference: String,
}

impl References {
    fn instance(&self, uid: &str) -> Dataset {
        Dataset::new()
            .with(tags::REFERENCED_SOP_CLASS_UID, self.sop_class)
            .with(tags::REFERENCED_SOP_INSTANCE_UID, uid)
    }
}

/// Segmentation Storage: `series.slices` frames of one segment, geometry in the functional groups.
pub(crate) fn segmentation(d: &mut Dataset, series: &SeriesBuilder, source: &References) {
    let normal = series.normal();
    let segment = Dataset::new()
        .with(tags::SEGMENT_NUMBER, 1u16)
        .with(tags::SEGMENT_LABEL, "Lesion")
        .with(tags::SEGMENT_ALGORITHM_TYPE, "SEMIAUTOMATIC")
        .with(tags::SEGMENT_ALGORITHM_NAME, "Synthetic threshold")
        .with(
            tags::SEGMENTED_PROPERTY_CATEGORY_CODE_SEQUENCE,
            code("49755003", "SCT", "Morphologically Altered Structure"),
        )
        .with(
            tags::SEGMENTED_PROPERTY_TYPE_CODE_SEQUENCE,
            code("108369006", "SCT", "Neoplasm"),
        )
        .with(tags::ANATOMIC_REGION_SEQUENCE, code("39607008", "SCT", "Lung"));
    let shared = Dataset::new()
        .with(
            tags::PLANE_ORIENTATION_SEQUENCE,
            Dataset::new().with(tags::IMAGE_ORIENTATION_PATIENT, &series.orientation[..]),
        )
        .with(
            tags::PIXEL_MEASURES_SEQUENCE,
            Dataset::new()
                .with(tags::SLICE_THICKNESS, series.thickness)
                .with(tags::SPACING_BETWEEN_SLICES, series.spacing)
                .with(tags::PIXEL_SPACING, &[series.pixel_spacing; 2][..]),
        );
    let frames: Vec<Dataset> = (0..series.slices)
        .map(|i| {
            let along = i as f64 * series.spacing;
            let position: [f64; 3] = std::array::from_fn(|axis| series.origin[axis] + normal[axis] * along);
            let content =
                Dataset::new().with(tags::DIMENSION_INDEX_VALUES, Value::U32(vec![1, i as u32 + 1]));
            let mut frame = Dataset::new()
                .with(tags::FRAME_CONTENT_SEQUENCE, content)
                .with(
                    tags::PLANE_POSITION_SEQUENCE,
                    Dataset::new().with(tags::IMAGE_POSITION_PATIENT, &position[..]),
                )
                .with(
                    tags::SEGMENT_IDENTIFICATION_SEQUENCE,
                    Dataset::new().with(tags::REFERENCED_SEGMENT_NUMBER, 1u16),
                );
            if let Some(uid) = source.instances.get(i) {
                frame.put(
                    tags::DERIVATION_IMAGE_SEQUENCE,
                    Dataset::new()
                        .with(
                            tags::DERIVATION_CODE_SEQUENCE,
                            code("113076", "DCM", "Segmentation"),
                        )
                        .with(tags::SOURCE_IMAGE_SEQUENCE, source.instance(uid)),
                );
            }
            frame
        })
        .collect();
    let references: Vec<Dataset> = source.instances.iter().map(|uid| source.instance(uid)).collect();
    let bits = usize::from(series.rows) * usize::from(series.columns) * series.slices;
    d.put(tags::IMAGE_TYPE, "DERIVED\\PRIMARY")
        .put(tags::SEGMENTATION_TYPE, "BINARY")
        .put(tags::CONTENT_LABEL, "LESION")
        .put(tags::CONTENT_DESCRIPTION, "Synthetic lesion")
        .put(tags::CONTENT_CREATOR_NAME, "Roe^Richard")
        .put(tags::LOSSY_IMAGE_COMPRESSION, "00")
        .put(tags::NUMBER_OF_FRAMES, series.slices as i32)
        .put(tags::SAMPLES_PER_PIXEL, 1u16)
        .put(tags::PHOTOMETRIC_INTERPRETATION, "MONOCHROME2")
        .put(tags::ROWS, series.rows)
        .put(tags::COLUMNS, series.columns)
        .put(tags::BITS_ALLOCATED, 1u16)
        .put(tags::BITS_STORED, 1u16)
        .put(tags::HIGH_BIT, 0u16)
        .put(tags::PIXEL_REPRESENTATION, 0u16)
        .put(
            tags::REFERENCED_SERIES_SEQUENCE,
            Dataset::new()
                .with(tags::SERIES_INSTANCE_UID, &source.series)
                .with(tags::REFERENCED_INSTANCE_SEQUENCE, references),
        )
        .put(tags::SEGMENT_SEQUENCE, segment)
        .put(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, shared)
        .put(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, frames)
        .put_vr(
            PIXEL_DATA,
            dicom_core::VR::OB,
            Value::Bytes(vec![0x18; bits.div_ceil(8)]),
        );
}

/// RT Structure Set Storage: one closed planar contour on each referenced image.
pub(crate) fn structure_set(d: &mut Dataset, series: &SeriesBuilder, source: &References) {
    let contours: Vec<Dataset> = source
        .instances
        .iter()
        .enumerate()
        .map(|(i, uid)| {
            let z = series.origin[2] + i as f64 * series.spacing;
            let square = [[10.0, 10.0], [20.0, 10.0], [20.0, 20.0], [10.0, 20.0]];
            let points: Vec<f64> = square.iter().flat_map(|[x, y]| [*x, *y, z]).collect();
            Dataset::new()
                .with(tags::CONTOUR_IMAGE_SEQUENCE, source.instance(uid))
                .with(tags::CONTOUR_GEOMETRIC_TYPE, "CLOSED_PLANAR")
                .with(tags::NUMBER_OF_CONTOUR_POINTS, square.len() as i32)
                .with(tags::CONTOUR_DATA, &points[..])
        })
        .collect();
    let images: Vec<Dataset> = source.instances.iter().map(|uid| source.instance(uid)).collect();
    let referenced_study = Dataset::new()
        .with(tags::REFERENCED_SOP_CLASS_UID, "1.2.840.10008.3.1.2.3.1")
        .with(tags::REFERENCED_SOP_INSTANCE_UID, &source.study)
        .with(
            tags::RT_REFERENCED_SERIES_SEQUENCE,
            Dataset::new()
                .with(tags::SERIES_INSTANCE_UID, &source.series)
                .with(tags::CONTOUR_IMAGE_SEQUENCE, images),
        );
    let date = d.text(tags::STUDY_DATE).to_owned();
    d.put(tags::STRUCTURE_SET_LABEL, "LESION")
        .put(tags::STRUCTURE_SET_DATE, date)
        .put(tags::STRUCTURE_SET_TIME, "113000")
        .put(tags::APPROVAL_STATUS, "UNAPPROVED")
        .put(
            tags::REFERENCED_FRAME_OF_REFERENCE_SEQUENCE,
            Dataset::new()
                .with(tags::FRAME_OF_REFERENCE_UID, &source.frame_of_reference)
                .with(tags::RT_REFERENCED_STUDY_SEQUENCE, referenced_study),
        )
        .put(
            tags::STRUCTURE_SET_ROI_SEQUENCE,
            Dataset::new()
                .with(tags::ROI_NUMBER, 1)
                .with(
                    tags::REFERENCED_FRAME_OF_REFERENCE_UID,
                    &source.frame_of_reference,
                )
                .with(tags::ROI_NAME, "GTV-1")
                .with(tags::ROI_GENERATION_ALGORITHM, "MANUAL"),
        )
        .put(
            tags::ROI_CONTOUR_SEQUENCE,
            Dataset::new()
                .with(tags::ROI_DISPLAY_COLOR, "255\\0\\0")
                .with(tags::REFERENCED_ROI_NUMBER, 1)
                .with(tags::CONTOUR_SEQUENCE, contours),
        )
        .put(
            tags::RTROI_OBSERVATIONS_SEQUENCE,
            Dataset::new()
                .with(tags::OBSERVATION_NUMBER, 1)
                .with(tags::REFERENCED_ROI_NUMBER, 1)
                .with(tags::RTROI_INTERPRETED_TYPE, "GTV")
                .with(tags::ROI_INTERPRETER, "Roe^Richard"),
        );
}
