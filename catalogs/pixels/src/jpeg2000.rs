//! JPEG 2000 part 1 (ITU-T T.800) and HTJ2K (T.814).
//!
//! Two crates, both of safe code only: `hayro-jpeg2000`, whose arithmetic is the more exact, and for block coders of high
//! throughput, which it lacks, its fork `dicom-toolkit-jpeg2000`. Only the codestream is handed over, so that neither
//! applies colour spaces or palettes of a JP2 file around it.

use crate::decode::{Colours, Decoded};
use crate::error::{PixelError, Result};
use crate::layout::{Layout, Photometric};

const NAME: &str = "JPEG 2000";

/// Both crates compute in `f32`, in which wavelet coefficients of more bits would be rounded.
const MOST_BITS: u32 = 20;

/// Packets that a codestream may declare: each is looked for, though there be no bytes for it.
const MOST_PACKETS: u64 = 1 << 22;

/// Decodes one codestream, bare or in a JP2 file, whose size must agree with the layout. Component transforms are undone.
pub(crate) fn decode(stream: &[u8], layout: &Layout) -> Result<Decoded> {
    let Some(start) = stream.windows(4).position(|w| w == [0xFF, 0x4F, 0xFF, 0x51]) else {
        return broken("no codestream");
    };
    let stream = &stream[start..];
    let header = Header::read(stream, layout)?;
    let planes = if header.high_throughput {
        high_throughput(stream)?
    } else {
        classic(stream)?
    };
    let (pixels, channels) = (layout.pixels(), usize::from(layout.samples_per_pixel));
    if planes.len() != channels || planes.iter().any(|plane| plane.len() != pixels) {
        return broken("the decoder gave another size than the header");
    }
    let top = ((1_u32 << header.precision) - 1) as f32;
    let mask = (1_u32 << header.precision) - 1;
    let mut words = vec![0; pixels * channels];
    for (channel, plane) in planes.iter().enumerate() {
        for (place, &value) in words.iter_mut().skip(channel).step_by(channels).zip(plane) {
            // Both crates shift all samples to be positive; those that were signed go back.
            let positive = value.round().clamp(0.0, top) as u32;
            *place = if header.signed {
                positive.wrapping_sub(1 << (header.precision - 1)) & mask
            } else {
                positive
            };
        }
    }
    let transformed = matches!(layout.photometric, Photometric::YbrRct | Photometric::YbrIct);
    let colours = if transformed && header.transform {
        Colours::Rgb
    } else {
        Colours::Unsaid
    };
    Ok(Decoded {
        words,
        precision: header.precision,
        colours,
    })
}

fn broken<T>(reason: impl Into<String>) -> Result<T> {
    Err(PixelError::codec(NAME, reason))
}

/// Samples of each component.
fn classic(stream: &[u8]) -> Result<Vec<Vec<f32>>> {
    use hayro_jpeg2000::{DecodeSettings, DecoderContext, Image};
    let failed = |error: hayro_jpeg2000::DecodeError| PixelError::codec(NAME, error.to_string());
    let settings = DecodeSettings {
        resolve_palette_indices: false,
        ..DecodeSettings::default()
    };
    let image = Image::new(stream, &settings).map_err(failed)?;
    let mut context = DecoderContext::default();
    let decoded = image.decode(&mut context).map_err(failed)?;
    Ok(decoded
        .components()
        .iter()
        .map(|c| c.samples().to_vec())
        .collect())
}

/// The same for HTJ2K.
fn high_throughput(stream: &[u8]) -> Result<Vec<Vec<f32>>> {
    use dicom_toolkit_jpeg2000::{DecodeSettings, Image};
    let failed = |error: dicom_toolkit_jpeg2000::DecodeError| PixelError::codec(NAME, error.to_string());
    let settings = DecodeSettings {
        resolve_palette_indices: false,
        ..DecodeSettings::default()
    };
    let image = Image::new(stream, &settings).map_err(failed)?;
    let raw = image.decode_native().map_err(failed)?;
    let channels = usize::from(raw.num_components).max(1);
    let samples: Vec<f32> = if raw.bytes_per_sample == 1 {
        raw.data.iter().map(|&b| f32::from(b)).collect()
    } else {
        raw.data
            .as_chunks::<2>()
            .0
            .iter()
            .map(|&w| f32::from(u16::from_le_bytes(w)))
            .collect()
    };
    Ok((0..channels)
        .map(|c| samples.iter().skip(c).step_by(channels).copied().collect())
        .collect())
}

/// What the main header says (T.800 A.5, A.6).
struct Header {
    precision: u32,
    signed: bool,
    /// A transform of components is to be undone.
    transform: bool,
    high_throughput: bool,
}

impl Header {
    /// Reads SIZ and COD and holds them against the layout, so that memory and time are bounded before a decoder starts.
    fn read(stream: &[u8], layout: &Layout) -> Result<Self> {
        let mut rest = &stream[2..];
        let (mut size, mut coding, mut high_throughput) = (None, None, false);
        // Segments of the main header, up to the first tile-part.
        while let Some((&[0xFF, marker, l1, l0], _)) = rest.split_first_chunk::<4>() {
            let length = usize::from(u16::from_be_bytes([l1, l0]));
            if marker == 0x90 || length < 2 {
                break;
            }
            let Some((segment, next)) = rest.split_at_checked(2 + length) else {
                break;
            };
            let segment = &segment[4..];
            match marker {
                0x50 => high_throughput = true,
                0x51 => size = Some(segment),
                0x52 => coding = Some(segment),
                _ => {}
            }
            rest = next;
        }
        let (Some(size), Some(coding)) = (size, coding) else {
            return broken("the main header is cut");
        };
        let tiles = tiles(size, layout)?;
        let Some((&[bits, ..], _)) = size.get(36..).and_then(|s| s.split_first_chunk::<3>()) else {
            return broken("no components");
        };
        let (precision, signed) = (u32::from(bits & 0x7F) + 1, bits & 0x80 != 0);
        let (stream, stored) = (precision.into(), layout.bits_stored.into());
        if precision > u32::from(layout.bits_allocated) {
            return Err(PixelError::Mismatch {
                what: "bits stored",
                stream,
                layout: stored,
            });
        }
        let &[
            style,
            _,
            layers1,
            layers0,
            transform,
            levels,
            width,
            height,
            blocks,
            ..,
        ] = coding
        else {
            return broken("the coding style is cut");
        };
        high_throughput |= blocks & 0x40 != 0;
        if precision > MOST_BITS || high_throughput && precision > 16 {
            return broken(format!("{precision} bits are not decoded"));
        }
        if levels > 32 || width > 8 || height > 8 || width + height > 8 {
            return broken("decomposition levels or blocks beyond T.800 table A.13");
        }
        let smallest = match coding.get(10..) {
            // Precincts: exponents of their sides, per level.
            Some(sides) if style & 1 != 0 => sides.iter().map(|s| (s & 15) + (s >> 4)).min().unwrap_or(0),
            _ => 30,
        };
        let layers = u64::from(u16::from_be_bytes([layers1, layers0]));
        let places = (layout.samples() as u64 >> smallest) + u64::from(tiles) * u64::from(levels + 1);
        if layers * places > MOST_PACKETS {
            return broken("more packets than any stream needs");
        }
        Ok(Self {
            precision,
            signed,
            transform: transform == 1,
            high_throughput,
        })
    }
}

/// Holds SIZ against the layout; gives the number of tiles, all components.
fn tiles(size: &[u8], layout: &Layout) -> Result<u32> {
    let Some((fixed, components)) = size.split_at_checked(36) else {
        return broken("the size is cut");
    };
    let word = |at: usize| fixed[at..].first_chunk().map_or(0, |&w| u32::from_be_bytes(w));
    // Rsiz, then ends and starts of the image, size and start of the tiles, number of components.
    let [x1, y1, x0, y0, tile_x, tile_y, tile_x0, tile_y0] = std::array::from_fn(|i| word(2 + 4 * i));
    let count = u32::from(fixed[34]) << 8 | u32::from(fixed[35]);
    for (what, stream, data_set) in [
        ("columns", x1.saturating_sub(x0), layout.columns),
        ("rows", y1.saturating_sub(y0), layout.rows),
        ("samples per pixel", count, layout.samples_per_pixel),
    ] {
        if stream != u32::from(data_set) {
            return Err(PixelError::Mismatch {
                what,
                stream: stream.into(),
                layout: data_set.into(),
            });
        }
    }
    let components = components.as_chunks::<3>().0;
    if components.len() != count as usize
        || components
            .iter()
            .any(|c| c[0] != components[0][0] || c[1..] != [1, 1])
    {
        return broken("components of different size or precision are not decoded");
    }
    if tile_x == 0 || tile_y == 0 || tile_x0 > x0 || tile_y0 > y0 {
        return broken("tiles of no size");
    }
    let across = (x1 - tile_x0).div_ceil(tile_x);
    let down = (y1 - tile_y0).div_ceil(tile_y);
    match across.checked_mul(down) {
        Some(tiles @ 1..=65535) => Ok(tiles * count),
        _ => broken("more tiles than T.800 allows"),
    }
}
