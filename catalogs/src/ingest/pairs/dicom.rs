//! The instances of a pair: Parametric Map Storage (PS3.3 A.75) with Float Pixel Data for the image, Segmentation Storage (A.51) for the
//! label volume.

use std::collections::BTreeMap;

use dicom_dictionary_std::tags;
use radlake_kernels::Geometry;
use radlake_volumes::{Head, VolumeFile};

use super::list::Pair;
use crate::dicom::synthetic::{Dataset, Encoding, Value, encode, uid};

const PARAMETRIC_MAP: &str = "1.2.840.10008.5.1.4.1.1.30";
const SEGMENTATION: &str = "1.2.840.10008.5.1.4.1.1.66.4";
/// Segments of a label volume; the largest atlases have some hundreds.
const MAX_SEGMENTS: usize = 4096;
/// Frames of a segmentation: slices of each segment.
const MAX_FRAMES: usize = 1 << 20;

/// UIDs of an image derive from whose it is and the bytes of its file: the same file has them wherever it lies.
struct Uids<'a> {
    pair: &'a Pair,
    image: &'a str,
}

impl Uids<'_> {
    fn of(&self, what: &str) -> String {
        uid(&[
            "pair",
            what,
            &self.pair.patient_id,
            self.pair.issuer.as_deref().unwrap_or_default(),
            self.image,
        ])
    }

    fn study(&self) -> String {
        let pair = self.pair;
        pair.study_uid.clone().unwrap_or_else(|| {
            let issuer = pair.issuer.as_deref().unwrap_or_default();
            match (&pair.study_id, &pair.study_date) {
                // Nothing says which images are of one study.
                (None, None) => self.of("study"),
                (id, date) => uid(&[
                    "pair",
                    "study",
                    &pair.patient_id,
                    issuer,
                    id.as_deref().unwrap_or_default(),
                    date.as_deref().unwrap_or_default(),
                ]),
            }
        })
    }
}

/// All of the image's instance before its voxels. `hash` is of the image's file.
///
/// # Errors
/// Why it cannot be one.
pub(super) fn image(pair: &Pair, hash: &str, head: &Head) -> Result<Vec<u8>, String> {
    let grid = &head.geometry;
    let uids = Uids { pair, image: hash };
    let mut d = common(pair, &uids, grid)?;
    d.put(tags::SOP_CLASS_UID, PARAMETRIC_MAP)
        .put(tags::SOP_INSTANCE_UID, uids.of("image"))
        .put(tags::SERIES_INSTANCE_UID, uids.of("series"))
        .put(tags::SERIES_NUMBER, 1)
        .put(tags::MODALITY, pair.modality.as_deref().unwrap_or("OT"))
        .put(tags::IMAGE_TYPE, "DERIVED\\PRIMARY\\VOLUME\\NONE")
        .put(tags::NUMBER_OF_FRAMES, grid.size[2] as i32)
        .put(tags::BITS_ALLOCATED, 32u16);
    if let Some(text) = &pair.series_description {
        d.put(tags::SERIES_DESCRIPTION, text);
    }
    if let Some(part) = &pair.body_part {
        d.put(tags::BODY_PART_EXAMINED, part);
    }
    let units = pair
        .units
        .clone()
        .or_else(|| (pair.modality.as_deref() == Some("CT")).then(|| "HU".to_owned()));
    if let Some(units) = units {
        d.put(tags::RESCALE_TYPE, units);
    }
    let frames: Vec<Dataset> = (0..grid.size[2]).map(|z| plane(grid, z)).collect();
    d.put(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, frames);
    Ok(encode(&d, &Encoding::default()))
}

/// The label volume's instance. `image` is the hash of the image's file, `own` of its own.
///
/// # Errors
/// Why it cannot be one.
pub(super) fn mask(pair: &Pair, image: &str, own: &str, labels: &VolumeFile) -> Result<Vec<u8>, String> {
    let grid = &labels.geometry;
    let uids = Uids { pair, image };
    let label = pair.label.map(|label| label.to_string()).unwrap_or_default();
    let own_uid = |what: &str| uid(&["pair", what, &uids.of("image"), own, &label]);
    let mut d = common(pair, &uids, grid)?;
    let slices = slices(labels, pair.label)?;
    let frames: usize = slices.values().map(|slices| slices.len()).sum();
    if frames > MAX_FRAMES {
        return Err(format!("its segments have more than {MAX_FRAMES} slices"));
    }
    let segments: Vec<Dataset> = slices.keys().map(|value| segment(pair, labels, *value)).collect();
    let mut groups = Vec::with_capacity(frames);
    let pixels = grid.size[0] * grid.size[1];
    let mut bits = vec![0_u8; (pixels * frames).div_ceil(8)];
    for (value, slices) in &slices {
        for (z, inside) in slices {
            let first = groups.len() * pixels;
            for at in inside {
                let bit = first + *at as usize;
                bits[bit / 8] |= 1 << (bit % 8);
            }
            let mut group = plane(grid, *z);
            group.put(
                tags::SEGMENT_IDENTIFICATION_SEQUENCE,
                Dataset::new().with(tags::REFERENCED_SEGMENT_NUMBER, *value as u16),
            );
            groups.push(group);
        }
    }
    let source = Dataset::new()
        .with(tags::REFERENCED_SOP_CLASS_UID, PARAMETRIC_MAP)
        .with(tags::REFERENCED_SOP_INSTANCE_UID, uids.of("image"));
    d.put(tags::SOP_CLASS_UID, SEGMENTATION)
        .put(tags::SOP_INSTANCE_UID, own_uid("mask"))
        .put(tags::SERIES_INSTANCE_UID, own_uid("mask series"))
        .put(tags::SERIES_NUMBER, 2)
        .put(tags::MODALITY, "SEG")
        .put(tags::IMAGE_TYPE, "DERIVED\\PRIMARY")
        .put(tags::SEGMENTATION_TYPE, "BINARY")
        .put(tags::CONTENT_LABEL, "LABELS")
        .put(tags::NUMBER_OF_FRAMES, frames as i32)
        .put(tags::BITS_ALLOCATED, 1u16)
        .put(tags::BITS_STORED, 1u16)
        .put(tags::HIGH_BIT, 0u16)
        .put(tags::PIXEL_REPRESENTATION, 0u16)
        .put(
            tags::REFERENCED_SERIES_SEQUENCE,
            Dataset::new()
                .with(tags::SERIES_INSTANCE_UID, uids.of("series"))
                .with(tags::REFERENCED_INSTANCE_SEQUENCE, source),
        )
        .put(tags::SEGMENT_SEQUENCE, segments)
        .put(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, groups)
        .put_vr(tags::PIXEL_DATA, dicom_core::VR::OB, Value::Bytes(bits));
    Ok(encode(&d, &Encoding::default()))
}

/// What both instances say: patient, study, frame of reference, and the planes' size, orientation and spacing.
fn common(pair: &Pair, uids: &Uids<'_>, grid: &Geometry) -> Result<Dataset, String> {
    let side = |n: usize| u16::try_from(n).map_err(|_| "it has more than 65535 rows or columns".to_owned());
    let mut d = Dataset::new();
    d.put(tags::SPECIFIC_CHARACTER_SET, "ISO_IR 192")
        .put(tags::PATIENT_ID, &pair.patient_id)
        .put(tags::STUDY_INSTANCE_UID, uids.study())
        .put(tags::FRAME_OF_REFERENCE_UID, uids.of("frame of reference"))
        .put(tags::SAMPLES_PER_PIXEL, 1u16)
        .put(tags::PHOTOMETRIC_INTERPRETATION, "MONOCHROME2")
        .put(tags::COLUMNS, side(grid.size[0])?)
        .put(tags::ROWS, side(grid.size[1])?);
    for (tag, value) in [
        (tags::ISSUER_OF_PATIENT_ID, &pair.issuer),
        (tags::PATIENT_SEX, &pair.sex),
        (tags::STUDY_ID, &pair.study_id),
        (tags::STUDY_DATE, &pair.study_date),
        (tags::STUDY_DESCRIPTION, &pair.study_description),
    ] {
        if let Some(value) = value {
            d.put(tag, value);
        }
    }
    let direction = &grid.direction;
    let orientation = [
        direction[0],
        direction[3],
        direction[6],
        direction[1],
        direction[4],
        direction[7],
    ];
    let measures = Dataset::new()
        .with(tags::SLICE_THICKNESS, grid.spacing[2])
        .with(tags::SPACING_BETWEEN_SLICES, grid.spacing[2])
        // Between rows, then between columns.
        .with(tags::PIXEL_SPACING, &[grid.spacing[1], grid.spacing[0]][..]);
    d.put(
        tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE,
        Dataset::new()
            .with(
                tags::PLANE_ORIENTATION_SEQUENCE,
                Dataset::new().with(tags::IMAGE_ORIENTATION_PATIENT, &orientation[..]),
            )
            .with(tags::PIXEL_MEASURES_SEQUENCE, measures),
    );
    Ok(d)
}

/// Functional groups of the plane of slice `z`.
fn plane(grid: &Geometry, z: usize) -> Dataset {
    let position = grid.physical([0.0, 0.0, z as f64]);
    Dataset::new().with(
        tags::PLANE_POSITION_SEQUENCE,
        Dataset::new().with(tags::IMAGE_POSITION_PATIENT, &position[..]),
    )
}

fn segment(pair: &Pair, labels: &VolumeFile, value: i64) -> Dataset {
    let named = labels.labels.iter().find(|label| label.value == value);
    let name = pair
        .label_name
        .clone()
        .or_else(|| {
            named.map(|label| {
                label
                    .name
                    .chars()
                    .filter(|c| *c != '\\' && !c.is_control())
                    .take(64)
                    .collect()
            })
        })
        .unwrap_or_else(|| format!("label {value}"));
    Dataset::new()
        .with(tags::SEGMENT_NUMBER, value as u16)
        // Its property and category are codes that nobody gave.
        .with(tags::SEGMENT_LABEL, name)
}

/// Of a segment: its slices, and which pixels of each are inside.
type Slices = BTreeMap<usize, Vec<u32>>;

/// Of each label that is wanted, its slices.
fn slices(labels: &VolumeFile, wanted: Option<i64>) -> Result<BTreeMap<i64, Slices>, String> {
    let pixels = labels.geometry.size[0] * labels.geometry.size[1];
    let mut found: BTreeMap<i64, Slices> = BTreeMap::new();
    for (at, value) in labels.samples.values().enumerate() {
        let value = value * labels.slope + labels.intercept;
        if value == 0.0 {
            continue;
        }
        let label = value as i64;
        if wanted.is_some_and(|wanted| wanted as f64 != value) {
            continue;
        }
        if label as f64 != value || !(1..=i64::from(u16::MAX)).contains(&label) {
            return Err("its values are not whole numbers from 0 to 65535: it is no label volume".to_owned());
        }
        if !found.contains_key(&label) && found.len() >= MAX_SEGMENTS {
            return Err(format!(
                "it has more than {MAX_SEGMENTS} labels: it is no label volume"
            ));
        }
        let of = found.entry(label).or_default().entry(at / pixels).or_default();
        of.push((at % pixels) as u32);
    }
    match (found.is_empty(), wanted) {
        (false, _) => Ok(found),
        (true, Some(wanted)) => Err(format!("no voxel of it has the label {wanted}")),
        (true, None) => Err("all of its voxels are 0".to_owned()),
    }
}
