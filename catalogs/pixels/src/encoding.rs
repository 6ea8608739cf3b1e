//! Transfer syntaxes: which decoder, or why none (PS3.5 section 10 and annex A, PS3.6 annex A).

use crate::error::{PixelError, Result};

/// How the pixels of a data set are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Encoding {
    /// Implicit, explicit and deflated little endian; the caller has inflated the last.
    NativeLittle,
    /// Explicit VR big endian.
    NativeBig,
    /// Encapsulated Uncompressed Explicit VR Little Endian (PS3.5 A.4.11).
    EncapsulatedUncompressed,
    /// RLE Lossless (PS3.5 annex G).
    Rle,
    /// Deflated Image Frame Compression (PS3.5 A.4.13).
    DeflatedFrame,
    /// JPEG baseline, extended and lossless (ITU-T T.81).
    Jpeg,
    /// JPEG-LS, lossless and near-lossless (ITU-T T.87).
    JpegLs,
    /// JPEG 2000 part 1 and HTJ2K (ITU-T T.800, T.814).
    Jpeg2000,
}

/// What is known by name and not decoded: prefix or whole UID, name in PS3.6.
const REFUSED: &[(&str, &str)] = &[
    (
        "1.2.840.10008.1.2.4.52",
        "JPEG extended, processes 3 and 5: arithmetic coding, retired",
    ),
    (
        "1.2.840.10008.1.2.4.53",
        "JPEG spectral selection, processes 6 and 8, retired",
    ),
    (
        "1.2.840.10008.1.2.4.54",
        "JPEG spectral selection, processes 7 and 9, retired",
    ),
    (
        "1.2.840.10008.1.2.4.55",
        "JPEG full progression, processes 10 and 12, retired",
    ),
    (
        "1.2.840.10008.1.2.4.56",
        "JPEG full progression, processes 11 and 13, retired",
    ),
    (
        "1.2.840.10008.1.2.4.58",
        "JPEG lossless, process 15: arithmetic coding, retired",
    ),
    (
        "1.2.840.10008.1.2.4.59",
        "JPEG extended hierarchical, processes 16 and 18, retired",
    ),
    (
        "1.2.840.10008.1.2.4.60",
        "JPEG extended hierarchical, processes 17 and 19, retired",
    ),
    (
        "1.2.840.10008.1.2.4.61",
        "JPEG spectral selection hierarchical, processes 20 and 22, retired",
    ),
    (
        "1.2.840.10008.1.2.4.62",
        "JPEG spectral selection hierarchical, processes 21 and 23, retired",
    ),
    (
        "1.2.840.10008.1.2.4.63",
        "JPEG full progression hierarchical, processes 24 and 26, retired",
    ),
    (
        "1.2.840.10008.1.2.4.64",
        "JPEG full progression hierarchical, processes 25 and 27, retired",
    ),
    (
        "1.2.840.10008.1.2.4.65",
        "JPEG lossless hierarchical, process 28, retired",
    ),
    (
        "1.2.840.10008.1.2.4.66",
        "JPEG lossless hierarchical, process 29, retired",
    ),
    (
        "1.2.840.10008.1.2.4.92",
        "JPEG 2000 part 2 multi-component, lossless only",
    ),
    ("1.2.840.10008.1.2.4.93", "JPEG 2000 part 2 multi-component"),
    (
        "1.2.840.10008.1.2.4.94",
        "JPIP referenced: the pixels are elsewhere",
    ),
    (
        "1.2.840.10008.1.2.4.95",
        "JPIP referenced deflate: the pixels are elsewhere",
    ),
    ("1.2.840.10008.1.2.4.100", "MPEG2 main profile, main level"),
    ("1.2.840.10008.1.2.4.101", "MPEG2 main profile, high level"),
    (
        "1.2.840.10008.1.2.4.102",
        "MPEG-4 AVC/H.264 high profile, level 4.1",
    ),
    (
        "1.2.840.10008.1.2.4.103",
        "MPEG-4 AVC/H.264 BD-compatible high profile, level 4.1",
    ),
    (
        "1.2.840.10008.1.2.4.104",
        "MPEG-4 AVC/H.264 high profile, level 4.2, for 2D video",
    ),
    (
        "1.2.840.10008.1.2.4.105",
        "MPEG-4 AVC/H.264 high profile, level 4.2, for 3D video",
    ),
    (
        "1.2.840.10008.1.2.4.106",
        "MPEG-4 AVC/H.264 stereo high profile, level 4.2",
    ),
    ("1.2.840.10008.1.2.4.107", "HEVC/H.265 main profile, level 5.1"),
    ("1.2.840.10008.1.2.4.108", "HEVC/H.265 main 10 profile, level 5.1"),
    ("1.2.840.10008.1.2.4.110", "JPEG XL lossless"),
    ("1.2.840.10008.1.2.4.111", "JPEG XL recompression"),
    ("1.2.840.10008.1.2.4.112", "JPEG XL"),
    (
        "1.2.840.10008.1.2.4.204",
        "JPIP HTJ2K referenced: the pixels are elsewhere",
    ),
    (
        "1.2.840.10008.1.2.4.205",
        "JPIP HTJ2K referenced deflate: the pixels are elsewhere",
    ),
    ("1.2.840.10008.1.2.6.1", "RFC 2557 MIME encapsulation, retired"),
    ("1.2.840.10008.1.2.6.2", "XML encoding, retired"),
    (
        "1.2.840.10008.1.2.7.1",
        "SMPTE ST 2110-20 uncompressed progressive video",
    ),
    (
        "1.2.840.10008.1.2.7.2",
        "SMPTE ST 2110-20 uncompressed interlaced video",
    ),
    ("1.2.840.10008.1.2.7.3", "SMPTE ST 2110-30 PCM audio"),
    ("1.2.840.10008.1.20", "Papyrus 3 implicit little endian, retired"),
];

impl Encoding {
    /// By the Transfer Syntax UID (0002,0010), padding allowed. Fails with the name of what is not decoded.
    pub fn from_uid(uid: &str) -> Result<Self> {
        let uid = uid.trim_matches(['\0', ' ']);
        match uid {
            "1.2.840.10008.1.2" | "1.2.840.10008.1.2.1" | "1.2.840.10008.1.2.1.99" => Ok(Self::NativeLittle),
            "1.2.840.10008.1.2.2" => Ok(Self::NativeBig),
            "1.2.840.10008.1.2.1.98" => Ok(Self::EncapsulatedUncompressed),
            "1.2.840.10008.1.2.5" => Ok(Self::Rle),
            "1.2.840.10008.1.2.8.1" => Ok(Self::DeflatedFrame),
            "1.2.840.10008.1.2.4.50"
            | "1.2.840.10008.1.2.4.51"
            | "1.2.840.10008.1.2.4.57"
            | "1.2.840.10008.1.2.4.70" => Ok(Self::Jpeg),
            "1.2.840.10008.1.2.4.80" | "1.2.840.10008.1.2.4.81" => Ok(Self::JpegLs),
            "1.2.840.10008.1.2.4.90"
            | "1.2.840.10008.1.2.4.91"
            | "1.2.840.10008.1.2.4.201"
            | "1.2.840.10008.1.2.4.202"
            | "1.2.840.10008.1.2.4.203" => Ok(Self::Jpeg2000),
            _ => Err(PixelError::UnsupportedSyntax {
                uid: uid.to_owned(),
                // Fragmentable video adds `.1` to the UID of its parent (PS3.5 section 10).
                name: REFUSED
                    .iter()
                    .find(|(known, _)| *known == uid || uid.strip_suffix(".1") == Some(known))
                    .map_or("unknown", |(_, name)| name),
            }),
        }
    }

    /// Whether the element holds items rather than the samples themselves (PS3.5 A.4).
    pub fn is_encapsulated(self) -> bool {
        !matches!(self, Self::NativeLittle | Self::NativeBig)
    }

    /// Whether a frame's stream ends with the marker `FFD9`, by which frames of several fragments are told apart.
    pub(crate) fn ends_with_marker(self) -> bool {
        matches!(self, Self::Jpeg | Self::JpegLs | Self::Jpeg2000)
    }

    /// For messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::NativeLittle => "native little endian",
            Self::NativeBig => "native big endian",
            Self::EncapsulatedUncompressed => "encapsulated uncompressed",
            Self::Rle => "RLE",
            Self::DeflatedFrame => "deflated frame",
            Self::Jpeg => "JPEG",
            Self::JpegLs => "JPEG-LS",
            Self::Jpeg2000 => "JPEG 2000",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_name_the_syntax() {
        assert_eq!(Encoding::from_uid("1.2.840.10008.1.2.4.70\0"), Ok(Encoding::Jpeg));
        let refused = |uid| Encoding::from_uid(uid).unwrap_err().to_string();
        assert!(refused("1.2.840.10008.1.2.4.102").contains("H.264"));
        assert!(refused("1.2.840.10008.1.2.4.102.1").contains("H.264"));
        assert!(refused("1.2.840.10008.1.2.4.94").contains("JPIP"));
        assert!(refused("1.2.3").contains("unknown"));
    }
}
