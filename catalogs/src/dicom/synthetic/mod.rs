//! Synthetic but valid DICOM, deterministic down to the byte: for `radlake demo`, tests and benchmarks.
//!
//! ```
//! use radlake_catalogs::dicom::synthetic::{Encoding, SeriesBuilder, StudyBuilder};
//!
//! let study = StudyBuilder::new("example").series(SeriesBuilder::ct(3).spacing(1.25));
//! for instance in study.instances() {
//!     let bytes = instance.bytes(&Encoding::default());
//!     assert_eq!(&bytes[128..132], b"DICM");
//! }
//! ```

mod charset;
mod cohort;
mod dataset;
mod derived;
mod encode;
mod many;
mod modality;
mod people;
mod phantom;
mod series;
mod study;
mod uid;

pub use charset::CharacterSet;
pub use cohort::{Cohort, DemoStudy, Written, demo_cohort};
pub use dataset::{Dataset, Value, code, decimal};
pub use encode::{Encoding, Syntax, encode};
pub use many::{MANY_PER_SERIES, many};
pub use series::{AXIAL, Ball, CORONAL, Modality, Pixels, SAGITTAL, SeriesBuilder};
pub use study::{Instance, Patient, StudyBuilder};
pub use uid::{Rng, uid};

#[cfg(test)]
mod tests;
