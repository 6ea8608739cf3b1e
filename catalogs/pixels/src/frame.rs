//! One decoded frame.

use crate::layout::Photometric;

/// Samples in the type that the data set gives them.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "each variant is named for the type it holds")]
pub enum Samples {
    U8(Vec<u8>),
    I8(Vec<i8>),
    U16(Vec<u16>),
    I16(Vec<i16>),
    U32(Vec<u32>),
    I32(Vec<i32>),
    F32(Vec<f32>),
    F64(Vec<f64>),
}

/// Does the same to whatever samples there are.
macro_rules! each {
    ($samples:expr, $v:ident => $does:expr) => {
        match $samples {
            Samples::U8($v) => $does,
            Samples::I8($v) => $does,
            Samples::U16($v) => $does,
            Samples::I16($v) => $does,
            Samples::U32($v) => $does,
            Samples::I32($v) => $does,
            Samples::F32($v) => $does,
            Samples::F64($v) => $does,
        }
    };
}

impl Samples {
    /// How many, all channels.
    pub fn len(&self) -> usize {
        each!(self, v => v.len())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// `u8`, `i16`, … `f64`.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::U8(_) => "u8",
            Self::I8(_) => "i8",
            Self::U16(_) => "u16",
            Self::I16(_) => "i16",
            Self::U32(_) => "u32",
            Self::I32(_) => "i32",
            Self::F32(_) => "f32",
            Self::F64(_) => "f64",
        }
    }

    /// All samples as `f32`; beyond 24 bits the nearest.
    #[expect(
        clippy::allow_attributes,
        reason = "one of eight types makes the cast trivial"
    )]
    pub fn to_f32(&self) -> Vec<f32> {
        #[allow(clippy::unnecessary_cast, reason = "f32 to f32 for one of eight types")]
        {
            each!(self, v => v.iter().map(|&x| x as f32).collect())
        }
    }

    /// All samples as `f64`, exactly.
    #[expect(
        clippy::allow_attributes,
        reason = "one of eight types makes the cast trivial"
    )]
    pub fn to_f64(&self) -> Vec<f64> {
        #[allow(clippy::unnecessary_cast, reason = "f64 to f64 for one of eight types")]
        {
            each!(self, v => v.iter().map(|&x| x as f64).collect())
        }
    }

    /// `f` of each sample, in one pass.
    #[expect(
        clippy::allow_attributes,
        reason = "one of eight types makes the cast trivial"
    )]
    pub(crate) fn mapped(&self, f: impl Fn(f64) -> f32) -> Vec<f32> {
        #[allow(clippy::unnecessary_cast, reason = "f64 to f64 for one of eight types")]
        {
            each!(self, v => v.iter().map(|&x| f(x as f64)).collect())
        }
    }

    /// All samples, least significant byte first.
    pub fn to_le_bytes(&self) -> Vec<u8> {
        each!(self, v => v.iter().flat_map(|x| x.to_le_bytes()).collect())
    }
}

/// One frame: rows from the top, pixels from the left, the samples of a pixel side by side.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// Rows.
    pub rows: u16,
    /// Columns.
    pub columns: u16,
    /// Samples per pixel.
    pub samples_per_pixel: u16,
    /// What the samples mean, after any conversion of colours.
    pub photometric: Photometric,
    /// `rows * columns * samples_per_pixel` of them.
    pub samples: Samples,
}

impl Frame {
    /// The stored values as `f32`, no modality transform applied.
    pub fn to_f32(&self) -> Vec<f32> {
        self.samples.to_f32()
    }
}
