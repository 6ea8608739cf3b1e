//! Instances made from images: a binary Segmentation and an RT Structure Set, both of the lesion that the images show.

use dicom_dictionary_std::tags;

use super::dataset::{Dataset, PIXEL_DATA, Value, code};
use super::series::{Ball, SeriesBuilder};

/// Number of a slice in its stack, and its position, mm.
type Slice = (usize, [f64; 3]);

/// The image series that a derived instance refers to.
pub(crate) struct References {
    pub(crate) study: String,
    pub(crate) series: String,
    pub(crate) sop_class: &'static str,
    pub(crate) instances: Vec<String>,
    pub(crate) frame_of_reference: String,
    /// The images: what they show, and slice number and position (mm) of each.
    pub(crate) images: Option<(SeriesBuilder, Vec<Slice>)>,
}

/// One frame of a segmentation.
struct Frame {
    position: [f64; 3],
    /// Number of the image that it is from.
    source: usize,
}

/// Where a segmentation lies: the series whose matrix it has, its frames, and its bits, row by row and frame by frame (PS3.5 8.1.1).
fn frames(series: &SeriesBuilder, source: &References) -> (SeriesBuilder, Vec<Frame>, Vec<u8>) {
    let lesion = source
        .images
        .as_ref()
        .and_then(|(images, at)| Some((images, at, images.lesion?)));
    let Some((images, at, ball)) = lesion else {
        // Images of no size worth drawing on: frames of its own, and bits that are only there to be read.
        let normal = series.normal();
        let frame = |i: usize| Frame {
            position: std::array::from_fn(|axis| {
                series.origin[axis] + normal[axis] * i as f64 * series.spacing
            }),
            source: i,
        };
        let bits = usize::from(series.rows) * usize::from(series.columns) * series.slices;
        let frames = (0..series.slices).map(frame).collect();
        return (series.clone(), frames, vec![0x18; bits.div_ceil(8)]);
    };
    // Frames without the lesion are left out, as most producers do.
    let cut: Vec<(usize, usize, [f64; 3])> = (0..)
        .zip(at)
        .map(|(i, (slice, position))| (i, *slice, *position))
        .filter(|(.., position)| images.ball_cut(ball, *position) > 0.0)
        .collect();
    let (rows, columns) = (usize::from(images.rows), usize::from(images.columns));
    let mut bits = vec![0_u8; (rows * columns * cut.len()).div_ceil(8)];
    for (frame, (_, slice, position)) in cut.iter().enumerate() {
        let phantom = images.phantom(*slice, *position);
        for row in 0..images.rows {
            let (from, to) = phantom.lesion_in(row);
            for column in from..to {
                let bit = (frame * rows + usize::from(row)) * columns + column;
                bits[bit / 8] |= 1 << (bit % 8);
            }
        }
    }
    let frames = cut.iter().map(|(i, _, position)| Frame {
        position: *position,
        source: *i,
    });
    (images.clone(), frames.collect(), bits)
}

/// Points of a closed contour in patient coordinates, mm: `n` of them about the ball's cut at `position`.
fn outline(images: &SeriesBuilder, ball: Ball, position: [f64; 3], n: usize) -> Vec<f64> {
    let radius = images.ball_cut(ball, position);
    let [a, b, c, d, e, f] = images.orientation;
    // Positions are of the first pixel's centre.
    let centre = [
        (ball.at[0] * f64::from(images.columns) - 0.5) * images.pixel_spacing,
        (ball.at[1] * f64::from(images.rows) - 0.5) * images.pixel_spacing,
    ];
    let points = (0..n).flat_map(|i| {
        let (sin, cos) = (i as f64 * std::f64::consts::TAU / n as f64).sin_cos();
        let (x, y) = (centre[0] + radius * cos, centre[1] + radius * sin);
        let at = [a * x + d * y, b * x + e * y, c * x + f * y];
        // A thousandth of a millimetre is more than anybody draws, and fits a decimal string.
        (0..3).map(move |k| ((position[k] + at[k]) * 1e3).round() / 1e3)
    });
    points.collect()
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
    let (series, found, bits) = frames(series, source);
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
    let frames: Vec<Dataset> = (1..)
        .zip(&found)
        .map(|(number, frame_of)| {
            let content = Dataset::new().with(tags::DIMENSION_INDEX_VALUES, Value::U32(vec![1, number]));
            let mut frame = Dataset::new()
                .with(tags::FRAME_CONTENT_SEQUENCE, content)
                .with(
                    tags::PLANE_POSITION_SEQUENCE,
                    Dataset::new().with(tags::IMAGE_POSITION_PATIENT, &frame_of.position[..]),
                )
                .with(
                    tags::SEGMENT_IDENTIFICATION_SEQUENCE,
                    Dataset::new().with(tags::REFERENCED_SEGMENT_NUMBER, 1u16),
                );
            if let Some(uid) = source.instances.get(frame_of.source) {
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
    d.put(tags::IMAGE_TYPE, "DERIVED\\PRIMARY")
        .put(tags::SEGMENTATION_TYPE, "BINARY")
        .put(tags::CONTENT_LABEL, "LESION")
        .put(tags::CONTENT_DESCRIPTION, "Synthetic lesion")
        .put(tags::CONTENT_CREATOR_NAME, "Roe^Richard")
        .put(tags::LOSSY_IMAGE_COMPRESSION, "00")
        .put(tags::NUMBER_OF_FRAMES, found.len() as i32)
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
        .put_vr(PIXEL_DATA, dicom_core::VR::OB, Value::Bytes(bits));
}

/// RT Structure Set Storage: one closed planar contour on each referenced image.
pub(crate) fn structure_set(d: &mut Dataset, series: &SeriesBuilder, source: &References) {
    let square = |i: usize| {
        let z = series.origin[2] + i as f64 * series.spacing;
        [[10.0, 10.0], [20.0, 10.0], [20.0, 20.0], [10.0, 20.0]]
            .iter()
            .flat_map(|[x, y]| [*x, *y, z])
            .collect::<Vec<f64>>()
    };
    let lesion = source
        .images
        .as_ref()
        .and_then(|(images, at)| Some((images, at, images.lesion?)));
    let contours: Vec<Dataset> = source
        .instances
        .iter()
        .enumerate()
        .filter_map(|(i, uid)| {
            let points = match lesion {
                None => square(i),
                Some((images, at, ball)) => {
                    let (_, position) = at.get(i)?;
                    (images.ball_cut(ball, *position) > 0.0).then(|| outline(images, ball, *position, 72))?
                }
            };
            let contour = Dataset::new()
                .with(tags::CONTOUR_IMAGE_SEQUENCE, source.instance(uid))
                .with(tags::CONTOUR_GEOMETRIC_TYPE, "CLOSED_PLANAR")
                .with(tags::NUMBER_OF_CONTOUR_POINTS, (points.len() / 3) as i32)
                .with(tags::CONTOUR_DATA, &points[..]);
            Some(contour)
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
