//! The pixels of a file that is in memory: where they are, how they are stored, and frames of them.

use std::borrow::Cow;
use std::io::Read;

use flate2::read::DeflateDecoder;
use radlake_pixels::{
    Encoding, Frame, Kind, Layout, Limits as PixelLimits, Photometric, PixelData, decode_frame,
};

use super::image::Image;
use crate::dicom::Header;

/// The bytes of a file whose data set can be read where it stands: those of a deflated data set inflated.
///
/// # Errors
/// Why it cannot be inflated, for people.
pub(crate) fn plain<'b>(bytes: &'b [u8], header: &Header<'_>, limit: u64) -> Result<Cow<'b, [u8]>, String> {
    let deflated = header.transfer_syntax_uid() == "1.2.840.10008.1.2.1.99";
    if !deflated || header.pixel_data_offset().is_some() {
        return Ok(Cow::Borrowed(bytes));
    }
    // Preamble, DICM, then the length of the meta group (0002,0000) UL.
    let length = bytes
        .get(132..144)
        .filter(|group| group.starts_with(&[2, 0, 0, 0, b'U', b'L', 4, 0]))
        .and_then(|group| group.get(8..12)?.first_chunk().copied())
        .map(u32::from_le_bytes)
        .ok_or("a deflated file without the length of its meta group is not read")?;
    let packed = bytes
        .get(144 + length as usize..)
        .ok_or("it is cut short within its meta group")?;
    let mut inflated = Vec::new();
    DeflateDecoder::new(packed)
        .take(limit + 1)
        .read_to_end(&mut inflated)
        .map_err(|_| "its data set cannot be inflated")?;
    match inflated.len() as u64 > limit {
        true => Err(format!("it inflates to more than {limit} bytes")),
        false => Ok(Cow::Owned(inflated)),
    }
}

/// Pixel Data, Float Pixel Data or Double Float Pixel Data of a file.
pub(crate) struct Pixels<'b> {
    data: PixelData<'b>,
    encoding: Encoding,
    layout: Layout,
}

impl<'b> Pixels<'b> {
    /// Finds them. `header` is of `bytes`, as [`plain`] gave them.
    ///
    /// # Errors
    /// Why there are none, or none that can be read, for people.
    pub(crate) fn of(bytes: &'b [u8], header: &Header<'_>, image: &Image) -> Result<Self, String> {
        let start = header.pixel_data_offset().ok_or("it has no pixels")?;
        let element = usize::try_from(start)
            .ok()
            .and_then(|start| bytes.get(start..))
            .ok_or("it is cut short before its pixels")?;
        let head: [u8; 12] = *element.first_chunk().ok_or("it is cut short at its pixels")?;
        let big = head[0] == 0x7F;
        let tag: [u8; 4] = match big {
            true => [head[0], head[1], head[2], head[3]],
            false => [head[1], head[0], head[3], head[2]],
        };
        let kind = match u32::from_be_bytes(tag) {
            0x7FE0_0008 => Kind::Float,
            0x7FE0_0009 => Kind::DoubleFloat,
            0x7FE0_0010 => Kind::Integer,
            _ => return Err("its pixels are not where they were found".to_owned()),
        };
        let explicit = matches!(&head[4..6], b"OB" | b"OW" | b"OF" | b"OD" | b"UN") && head[6..8] == [0, 0];
        let (at, length) = match explicit {
            true => (12, [head[8], head[9], head[10], head[11]]),
            false => (8, [head[4], head[5], head[6], head[7]]),
        };
        let length = match big {
            true => u32::from_be_bytes(length),
            false => u32::from_le_bytes(length),
        };
        let syntax = header.transfer_syntax_uid();
        let encapsulated = length == u32::MAX;
        // The bytes count for more than what the meta group says of them.
        let encoding = match (syntax, encapsulated) {
            ("", false) | ("1.2.840.10008.1.2.1.99", false) => Encoding::NativeLittle,
            ("", true) => return Err("its pixels are packed, and it does not say how".to_owned()),
            (uid, _) => Encoding::from_uid(uid).map_err(|error| error.to_string())?,
        };
        if encoding.is_encapsulated() != encapsulated && (encapsulated || !big) {
            return Err(match encapsulated {
                true => "its pixels are packed, and its transfer syntax says that they are not".to_owned(),
                false => "its pixels are not packed, and its transfer syntax says that they are".to_owned(),
            });
        }
        let data = match encapsulated {
            true => PixelData::encapsulated(&element[at..]).map_err(|error| error.to_string())?,
            false => {
                let end = element.len().min(at + length as usize);
                let native = PixelData::native(&element[at..end]);
                match &head[4..6] == b"OW" || !explicit {
                    true => native.in_words(),
                    false => native,
                }
            }
        };
        Ok(Self {
            data,
            encoding: match big && !encapsulated {
                true => Encoding::NativeBig,
                false => encoding,
            },
            layout: layout(image, kind)?,
        })
    }

    /// A frame, from 0.
    ///
    /// # Errors
    /// Why it cannot be decoded, for people.
    pub(crate) fn frame(&self, number: usize) -> Result<Frame, String> {
        let number = u32::try_from(number).map_err(|_| "it has no frame of this number")?;
        decode_frame(
            &self.data,
            &self.layout,
            self.encoding,
            number,
            &PixelLimits::default(),
        )
        .map_err(|error| error.to_string())
    }
}

fn layout(image: &Image, kind: Kind) -> Result<Layout, String> {
    let short = |n: u32| u16::try_from(n).map_err(|_| "it has more than 65,535 rows or columns".to_owned());
    Ok(Layout {
        kind,
        rows: short(image.rows)?,
        columns: short(image.columns)?,
        frames: image.frames.len() as u32,
        samples_per_pixel: image.samples_per_pixel,
        bits_allocated: image.bits_allocated,
        bits_stored: image.bits_stored,
        high_bit: image.high_bit,
        signed: image.signed,
        planar_configuration: image.planar_configuration,
        photometric: Photometric::from_name(&image.photometric),
    })
}
