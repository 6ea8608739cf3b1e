//! Image and label volumes as research keeps them: NIfTI-1 and NIfTI-2 (`.nii`, `.nii.gz`) and NRRD (`.nrrd`).
//!
//! A file's bytes become a [`VolumeFile`]: a grid of voxels in DICOM's patient coordinates (LPS, mm) and its samples as they are stored.
//! No I/O, no threads. Hostile input is an [`Error`]: memory follows the bytes that are there and a limit, never what a header claims.
//!
//! Crates that read NIfTI (`nifti` 0.18) allocate what the header claims before they read, know NIfTI-1 alone and give no direction
//! cosines without a linear algebra library; of NRRD there is none that is kept. Both headers are small.

mod error;
mod labels;
mod nifti;
mod nrrd;
mod samples;

pub use error::{Error, Result};
pub use labels::Label;
pub use samples::{SampleType, Samples};

use std::io::Read;

use radlake_kernels::Geometry;

/// A volume read from a file.
#[derive(Debug, Clone, PartialEq)]
pub struct VolumeFile {
    /// Where its voxels are, in LPS and millimetres.
    pub geometry: Geometry,
    /// Whether the file says where in the patient it is. Without, axes are the patient's and the origin is 0.
    pub oriented: bool,
    /// Stored values, x fastest.
    pub samples: Samples,
    /// A voxel's value is slope × stored value + intercept.
    pub slope: f64,
    /// See `slope`.
    pub intercept: f64,
    /// Names of labels, of files that have them (3D Slicer's `.seg.nrrd`).
    pub labels: Vec<Label>,
}

/// Whether bytes begin as a file that [`read`] knows: gzip, NIfTI or NRRD.
pub fn is_volume(head: &[u8]) -> bool {
    head.starts_with(&GZIP) || head.starts_with(b"NRRD") || nifti::version(head).is_some()
}

/// What a file says before its voxels.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    /// As [`VolumeFile::geometry`].
    pub geometry: Geometry,
    /// As [`VolumeFile::oriented`].
    pub oriented: bool,
}

/// Reads a volume of at most `limit` bytes, inflated.
///
/// # Errors
/// What is wrong with the file; messages hold no voxel values.
pub fn read(bytes: &[u8], limit: usize) -> Result<VolumeFile> {
    let inflated;
    let bytes = match bytes.starts_with(&GZIP) {
        true => {
            inflated = samples::inflate(flate2::read::MultiGzDecoder::new(bytes), limit)?;
            &inflated
        }
        false => bytes,
    };
    match bytes {
        _ if bytes.starts_with(b"NRRD") => nrrd::read(bytes, limit),
        _ if nifti::version(bytes).is_some() => nifti::read(bytes, limit),
        _ => Err(Error::Unknown),
    }
}

/// Reads what a file says before its voxels; of those nothing is looked at.
///
/// # Errors
/// As [`read`].
pub fn read_head(from: &mut dyn Read) -> Result<Head> {
    let mut bytes = samples::start(&mut *from, MAX_HEAD)?;
    if bytes.starts_with(&GZIP) {
        bytes = samples::start(
            flate2::read::MultiGzDecoder::new(bytes.as_slice().chain(&mut *from)),
            MAX_HEAD,
        )?;
    }
    let (geometry, oriented) = match &bytes {
        _ if bytes.starts_with(b"NRRD") => nrrd::head(&bytes)?,
        _ if nifti::version(&bytes).is_some() => nifti::head(&bytes)?,
        _ => return Err(Error::Unknown),
    };
    Ok(Head { geometry, oriented })
}

const GZIP: [u8; 2] = [0x1F, 0x8B];
/// Bytes of a header, at most; those of 3D Slicer with hundreds of segments have some tens of thousands.
const MAX_HEAD: usize = 1 << 20;

#[cfg(test)]
mod tests;
