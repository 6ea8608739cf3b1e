//! One series of a synthetic study: which modality, how many images, and where they lie.

use dicom_core::Tag;

use super::dataset::{Dataset, Value};
use super::modality;
use super::phantom::{Phantom, Texture};
use super::uid::Rng;

/// What a series is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Modality {
    /// CT Image Storage.
    Ct,
    /// MR Image Storage.
    Mr,
    /// Positron Emission Tomography Image Storage.
    Pt,
    /// Digital Mammography X-Ray Image Storage – For Presentation: four views.
    Mg,
    /// Segmentation Storage: one multi-frame instance.
    Seg,
    /// RT Structure Set Storage: one instance without pixels.
    RtStruct,
}

impl Modality {
    /// The defined term of Modality (0008,0060).
    pub fn term(self) -> &'static str {
        match self {
            Self::Ct => "CT",
            Self::Mr => "MR",
            Self::Pt => "PT",
            Self::Mg => "MG",
            Self::Seg => "SEG",
            Self::RtStruct => "RTSTRUCT",
        }
    }

    /// Its SOP Class UID.
    pub fn sop_class(self) -> &'static str {
        match self {
            Self::Ct => "1.2.840.10008.5.1.4.1.1.2",
            Self::Mr => "1.2.840.10008.5.1.4.1.1.4",
            Self::Pt => "1.2.840.10008.5.1.4.1.1.128",
            Self::Mg => "1.2.840.10008.5.1.4.1.1.1.2",
            Self::Seg => "1.2.840.10008.5.1.4.1.1.66.4",
            Self::RtStruct => "1.2.840.10008.5.1.4.1.1.481.3",
        }
    }
}

/// How Pixel Data is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pixels {
    /// Left out (header tests only; such an image is not valid DICOM).
    None,
    /// Uncompressed.
    #[default]
    Native,
    /// RLE Lossless; the file must then be written with [`Syntax::Rle`](super::Syntax::Rle).
    Rle,
}

/// Axial: rows to the patient's left, columns to the back.
pub const AXIAL: [f64; 6] = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0];
/// Sagittal: rows to the back, columns downwards.
pub const SAGITTAL: [f64; 6] = [0.0, 1.0, 0.0, 0.0, 0.0, -1.0];
/// Coronal: rows to the left, columns downwards.
pub const CORONAL: [f64; 6] = [1.0, 0.0, 0.0, 0.0, 0.0, -1.0];

/// Describes a series; [`StudyBuilder`](super::StudyBuilder) makes the instances.
#[derive(Debug, Clone)]
pub struct SeriesBuilder {
    pub(crate) modality: Modality,
    pub(crate) slices: usize,
    pub(crate) description: String,
    pub(crate) spacing: f64,
    pub(crate) thickness: f64,
    pub(crate) orientation: [f64; 6],
    pub(crate) origin: [f64; 3],
    pub(crate) rows: u16,
    pub(crate) columns: u16,
    pub(crate) pixel_spacing: f64,
    pub(crate) missing: Vec<usize>,
    pub(crate) duplicates: Vec<usize>,
    pub(crate) jitter: f64,
    pub(crate) localizers: usize,
    pub(crate) pixels: Pixels,
    pub(crate) lesion: Option<Ball>,
    pub(crate) attributes: Dataset,
}

/// A ball-shaped lesion in the middle of a stack of slices.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ball {
    /// Centre as fractions of the images' width and height.
    pub at: [f64; 2],
    /// Radius, mm.
    pub radius_mm: f64,
    /// How much brighter its stored values are than the body's.
    pub contrast: u16,
    /// How far stored values scatter about that.
    pub scatter: u16,
    /// Edge of what shares a value, pixels.
    pub grain: u16,
}

impl SeriesBuilder {
    fn new(modality: Modality, slices: usize, spacing: f64, description: &str) -> Self {
        Self {
            modality,
            slices,
            description: description.to_owned(),
            spacing,
            thickness: spacing,
            orientation: AXIAL,
            origin: [-180.0, -180.0, -600.0],
            rows: 8,
            columns: 8,
            pixel_spacing: 45.0,
            missing: Vec::new(),
            duplicates: Vec::new(),
            jitter: 0.0,
            localizers: 0,
            pixels: Pixels::default(),
            lesion: None,
            attributes: Dataset::new(),
        }
    }

    /// CT, axial, 2.5 mm, 8×8 pixels of 45 mm.
    pub fn ct(slices: usize) -> Self {
        Self::new(Modality::Ct, slices, 2.5, "CT axial 2.5 mm")
    }

    /// MR, axial, 3 mm.
    pub fn mr(slices: usize) -> Self {
        Self::new(Modality::Mr, slices, 3.0, "T2 TSE axial")
    }

    /// PET, axial, 3.27 mm.
    pub fn pt(slices: usize) -> Self {
        Self::new(Modality::Pt, slices, 3.27, "PET AC whole body")
    }

    /// Mammography: the four standard views.
    pub fn mg() -> Self {
        Self::new(Modality::Mg, 4, 0.0, "Screening mammogram")
    }

    /// A segmentation of `slices` frames.
    pub fn seg(slices: usize) -> Self {
        Self::new(Modality::Seg, slices, 2.5, "Segmentation")
    }

    /// A structure set with one region.
    pub fn rtstruct() -> Self {
        Self::new(Modality::RtStruct, 1, 2.5, "RT structures")
    }

    /// Series Description.
    #[must_use]
    pub fn description(mut self, text: &str) -> Self {
        self.description = text.to_owned();
        self
    }

    /// Distance between slice centres in mm, also set as slice thickness.
    #[must_use]
    pub fn spacing(mut self, mm: f64) -> Self {
        self.spacing = mm;
        self.thickness = mm;
        self
    }

    /// Slice Thickness in mm, where it differs from the spacing.
    #[must_use]
    pub fn thickness(mut self, mm: f64) -> Self {
        self.thickness = mm;
        self
    }

    /// Image Orientation (Patient): direction cosines of rows, then of columns.
    #[must_use]
    pub fn orientation(mut self, cosines: [f64; 6]) -> Self {
        self.orientation = cosines;
        self
    }

    /// Image Position (Patient) of the first slice, mm.
    #[must_use]
    pub fn origin(mut self, mm: [f64; 3]) -> Self {
        self.origin = mm;
        self
    }

    /// Rows, columns, and the edge of a pixel in mm.
    #[must_use]
    pub fn matrix(mut self, rows: u16, columns: u16, pixel_mm: f64) -> Self {
        (self.rows, self.columns, self.pixel_spacing) = (rows, columns, pixel_mm);
        self
    }

    /// Slices (from 0) that are left out: gaps.
    #[must_use]
    pub fn missing(mut self, slices: &[usize]) -> Self {
        self.missing = slices.to_vec();
        self
    }

    /// Slices that come twice, the second time as an instance of its own.
    #[must_use]
    pub fn duplicate(mut self, slice: usize) -> Self {
        self.duplicates.push(slice);
        self
    }

    /// Each position moves along the normal by up to ± `mm`.
    #[must_use]
    pub fn jitter(mut self, mm: f64) -> Self {
        self.jitter = mm;
        self
    }

    /// Scout images of another orientation in front.
    #[must_use]
    pub fn localizers(mut self, n: usize) -> Self {
        self.localizers = n;
        self
    }

    /// How Pixel Data is written.
    #[must_use]
    pub fn pixels(mut self, pixels: Pixels) -> Self {
        self.pixels = pixels;
        self
    }

    /// A lesion of that shape, which segmentations and structure sets of the study then outline on the images' own grid.
    #[must_use]
    pub fn lesion(mut self, ball: Ball) -> Self {
        self.lesion = Some(ball);
        self
    }

    /// An attribute of every instance; replaces what the builder would write.
    #[must_use]
    pub fn set(mut self, tag: Tag, value: impl Into<Value>) -> Self {
        self.attributes.put(tag, value);
        self
    }

    /// The normal of the slices: row direction × column direction.
    pub(crate) fn normal(&self) -> [f64; 3] {
        let [a, b, c, d, e, f] = self.orientation;
        [b * f - c * e, c * d - a * f, a * e - b * d]
    }

    /// What the image at `position` (mm) shows: `slice` of the stack.
    pub(crate) fn phantom(&self, slice: usize, position: [f64; 3]) -> Phantom {
        let (air, body, lesion) = modality::stored_values(self.modality);
        let mut phantom = Phantom {
            rows: self.rows,
            columns: self.columns,
            air,
            body,
            lesion,
            body_axes: [0.45, 0.33],
            lesion_at: [0.62, 0.47],
            lesion_axes: [0.0; 2],
            texture: Texture::default(),
        };
        let Some(ball) = self.lesion else {
            // A ball in the middle fifth of the stack.
            let z = (slice as f64 + 0.5) / self.slices.max(1) as f64;
            phantom.lesion_axes = [(0.01 - (z - 0.5).powi(2)).max(0.0).sqrt() * 0.8; 2];
            return phantom;
        };
        let radius = self.ball_cut(ball, position);
        let extent = |pixels: u16| f64::from(pixels) * self.pixel_spacing;
        phantom.lesion = body.saturating_add(ball.contrast);
        phantom.lesion_at = ball.at;
        phantom.lesion_axes = [radius / extent(self.columns), radius / extent(self.rows)];
        phantom.texture = Texture {
            seed: (slice as u64 / u64::from(ball.grain.max(1))) ^ (ball.radius_mm * 1e6) as u64,
            amplitude: ball.scatter,
            grain: ball.grain,
        };
        phantom
    }

    /// Radius in mm of the circle in which the plane at `position` cuts the ball; 0 if it does not.
    pub(crate) fn ball_cut(&self, ball: Ball, position: [f64; 3]) -> f64 {
        let normal = self.normal();
        let along: f64 = (0..3).map(|k| (position[k] - self.origin[k]) * normal[k]).sum();
        let middle = self.slices.saturating_sub(1) as f64 / 2.0 * self.spacing;
        (ball.radius_mm.powi(2) - (along - middle).powi(2))
            .max(0.0)
            .sqrt()
    }

    /// Slice numbers and positions (mm) of the images, localizers aside.
    pub(crate) fn positions(&self, key: &str) -> Vec<(usize, [f64; 3])> {
        let mut rng = Rng::new(0, &["positions", key]);
        let normal = self.normal();
        let mut out = Vec::with_capacity(self.slices);
        for slice in 0..self.slices {
            let shift = (2.0 * rng.unit() - 1.0) * self.jitter;
            if self.missing.contains(&slice) {
                continue;
            }
            let along = slice as f64 * self.spacing + shift;
            let position = std::array::from_fn(|axis| self.origin[axis] + normal[axis] * along);
            out.push((slice, position));
            if self.duplicates.contains(&slice) {
                out.push((slice, position));
            }
        }
        out
    }
}
