//! Images without their pixels: where each frame lies, how its samples are stored, and what turns them into the modality's units.

use radlake_pixels::ModalityLut;

use super::groups::{FrameGeometry, Groups};
use crate::dicom::DataSet;

/// An image, of one frame or many.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Image {
    pub(crate) modality: Option<String>,
    pub(crate) frame_of_reference_uid: Option<String>,
    pub(crate) rows: u32,
    pub(crate) columns: u32,
    pub(crate) samples_per_pixel: u16,
    pub(crate) planar_configuration: u16,
    pub(crate) photometric: String,
    pub(crate) bits_allocated: u16,
    pub(crate) bits_stored: u16,
    pub(crate) high_bit: u16,
    pub(crate) signed: bool,
    /// Rescale Type (0028,1054), or Units (0054,1001) of PET.
    pub(crate) units: Option<String>,
    /// The first item of the Modality LUT Sequence (0028,3000), which counts for more than slope and intercept.
    pub(crate) lut: Option<ModalityLut>,
    pub(crate) frames: Vec<ImageFrame>,
}

/// One frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ImageFrame {
    pub(crate) geometry: FrameGeometry,
    pub(crate) slope: f64,
    pub(crate) intercept: f64,
    /// Tells frames at one place apart: time, echo, weighting. The same for all frames of a volume.
    pub(crate) phase: u64,
}

/// Reads an image.
///
/// # Errors
/// Why it cannot be read, for people; no values of a patient.
pub(crate) fn read_image(root: DataSet<'_>) -> Result<Image, String> {
    let short = |tag: u32| root.integer(tag).and_then(|n| u16::try_from(n).ok());
    let size = |tag: u32| {
        root.integer(tag)
            .and_then(|n| u32::try_from(n).ok())
            .filter(|n| *n > 0)
    };
    let (Some(rows), Some(columns)) = (size(0x0028_0010), size(0x0028_0011)) else {
        return Err("Rows or Columns are missing: it is no image".to_owned());
    };
    let bits_allocated = short(0x0028_0100).ok_or("Bits Allocated is missing: it is no image")?;
    let bits_stored = short(0x0028_0101).unwrap_or(bits_allocated);
    let groups = Groups::of(root)?;
    let table = root.first(0x0028_3000);
    // The type of a table is that of what it gives.
    let units = match table {
        Some(table) => table.text(0x0028_3004),
        None => groups
            .group_or_root(0, 0x0028_9145)
            .text(0x0028_1054)
            .or_else(|| root.text(0x0054_1001))
            .or_else(|| root.text(0x3004_0002)),
    };
    let lut = table.and_then(lut);
    Ok(Image {
        modality: root.text(0x0008_0060),
        frame_of_reference_uid: root.uid(0x0020_0052).map(str::to_owned),
        rows,
        columns,
        samples_per_pixel: short(0x0028_0002).unwrap_or(1),
        planar_configuration: short(0x0028_0006).unwrap_or(0),
        photometric: root.text(0x0028_0004).unwrap_or_else(|| "MONOCHROME2".to_owned()),
        bits_allocated,
        bits_stored,
        high_bit: short(0x0028_0102).unwrap_or_else(|| bits_stored.saturating_sub(1)),
        signed: short(0x0028_0103) == Some(1),
        units,
        lut,
        frames: (0..groups.len()).map(|i| frame(root, &groups, i)).collect(),
    })
}

fn frame(root: DataSet<'_>, groups: &Groups<'_>, i: usize) -> ImageFrame {
    let transformation = groups.group_or_root(i, 0x0028_9145);
    let scaling = root.float(0x3004_000E);
    ImageFrame {
        geometry: groups.geometry(i),
        slope: transformation.float(0x0028_1053).or(scaling).unwrap_or(1.0),
        intercept: transformation.float(0x0028_1052).unwrap_or(0.0),
        phase: phase(root, groups, i),
    }
}

/// What tells frames at one place apart, as one number: temporal position, trigger, echo, b-value, flip angle, inversion and the kind of
/// image (magnitude and phase, in and out of phase, in dual energy's monochromatic images).
fn phase(root: DataSet<'_>, groups: &Groups<'_>, i: usize) -> u64 {
    let mut hash = Fnv::default();
    let content = groups.group(i, 0x0020_9111);
    hash.value(content.and_then(|g| g.bytes(0x0020_9128)));
    for tag in [
        0x0020_0100,
        0x0018_1060,
        0x0018_0086,
        0x0018_0081,
        0x0018_1314,
        0x0018_0082,
        0x0018_9087,
    ] {
        hash.value(root.bytes(tag));
    }
    hash.value(groups.group(i, 0x0018_9114).and_then(|g| g.bytes(0x0018_9082)));
    hash.value(groups.group(i, 0x0018_9117).and_then(|g| g.bytes(0x0018_9087)));
    hash.value(groups.group(i, 0x0018_9341).and_then(|g| g.bytes(0x0018_9344)));
    // Image Type says more than ORIGINAL and PRIMARY where a scanner makes several images of one place.
    let kind = root.text(0x0008_0008).unwrap_or_default();
    hash.value(Some(kind.as_bytes()));
    hash.0
}

/// FNV-1a, 64 bits: short values, and no adversary who would gain by a collision but to mix his own slices.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xCBF2_9CE4_8422_2325)
    }
}

impl Fnv {
    fn value(&mut self, bytes: Option<&[u8]>) {
        for byte in bytes.unwrap_or_default().iter().chain(&[0xFF]) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
        }
    }
}

fn lut(item: DataSet<'_>) -> Option<ModalityLut> {
    let descriptor = item.integers(0x0028_3002)?;
    let [count, first, bits] = descriptor.try_into().ok()?;
    let count = if count == 0 {
        1 << 16
    } else {
        usize::try_from(count).ok()?
    };
    let bytes = item.bytes(0x0028_3006)?;
    let big = item.big_endian(0x0028_3006);
    let entries: Vec<u16> = if bits <= 8 && bytes.len() < count * 2 {
        bytes.iter().map(|b| u16::from(*b)).collect()
    } else {
        bytes
            .chunks_exact(2)
            .map(|pair| match big {
                true => u16::from_be_bytes([pair[0], pair[1]]),
                false => u16::from_le_bytes([pair[0], pair[1]]),
            })
            .collect()
    };
    (entries.len() >= count).then(|| ModalityLut::Table {
        first: i32::try_from(first).unwrap_or_default(),
        entries: entries.into_iter().take(count).collect(),
        bits: u16::try_from(bits).unwrap_or(16),
    })
}
