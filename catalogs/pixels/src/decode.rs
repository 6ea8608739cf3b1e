//! One frame, whatever its encoding.

use crate::colour::ybr_to_rgb;
use crate::data::PixelData;
use crate::encoding::Encoding;
use crate::error::{PixelError, Result};
use crate::frame::{Frame, Samples};
use crate::guard::guarded;
use crate::layout::{Kind, Layout, Limits, Photometric};
use crate::native::Order;
use crate::words::{Cell, finish};
use crate::{deflated, jpeg, jpeg2000, jpegls, native, rle};

/// What a codec makes of a stream.
pub(crate) struct Decoded {
    /// Interleaved samples, as many as the layout has.
    pub(crate) words: Vec<u32>,
    /// Bits of a sample.
    pub(crate) precision: u32,
    /// What the stream says of its colours.
    pub(crate) colours: Colours,
}

/// What a stream says of its colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Colours {
    /// Nothing: the data set is believed.
    #[default]
    Unsaid,
    /// Components are named R, G, B, or the codec has converted them.
    Rgb,
    /// A JFIF marker.
    Ybr,
}

/// Decodes frame `n`, counted from 0. Fails if the layout, the element or the stream are not sound, if they contradict
/// each other, or if the frame exceeds the limits.
pub fn decode_frame(
    data: &PixelData<'_>,
    layout: &Layout,
    encoding: Encoding,
    n: u32,
    limits: &Limits,
) -> Result<Frame> {
    layout.check(limits)?;
    if n >= layout.frames {
        return Err(PixelError::NoSuchFrame {
            frame: n,
            frames: layout.frames,
        });
    }
    let native = data.as_native();
    let (samples, colours) = match (encoding, native) {
        (Encoding::NativeLittle | Encoding::NativeBig, Some((bytes, words))) => {
            let order = Order {
                big: encoding == Encoding::NativeBig,
                words,
            };
            (native::frame(bytes, n, order, layout)?, Colours::Unsaid)
        }
        (Encoding::NativeLittle | Encoding::NativeBig, None) => {
            return Err(PixelError::WrongForm {
                encoding: encoding.name(),
                found: "encapsulated",
            });
        }
        _ => {
            let stream = data.stream(n, layout.frames, encoding)?;
            guarded(encoding.name(), || encapsulated(&stream, layout, encoding))?
        }
    };
    if samples.len() != layout.samples() {
        return Err(PixelError::codec(
            encoding.name(),
            "the decoder gave another number of samples",
        ));
    }
    Ok(coloured(samples, colours, layout))
}

fn encapsulated(stream: &[u8], layout: &Layout, encoding: Encoding) -> Result<(Samples, Colours)> {
    let decoded = match encoding {
        Encoding::Jpeg => jpeg::decode(stream, integers(layout, encoding)?)?,
        Encoding::JpegLs => jpegls::decode(stream, integers(layout, encoding)?)?,
        Encoding::Jpeg2000 => jpeg2000::decode(stream, integers(layout, encoding)?)?,
        Encoding::Rle => {
            // RLE has planes of bytes, whatever the planar configuration says, and no shared chroma (PS3.5 G.2).
            let mut whole = Layout {
                planar_configuration: 0,
                ..layout.clone()
            };
            if layout.photometric == Photometric::YbrFull422 {
                whole.photometric = Photometric::YbrFull;
            }
            let bytes = rle::decode(stream, &whole)?;
            return Ok((native::frame(&bytes, 0, Order::LITTLE, &whole)?, Colours::Unsaid));
        }
        Encoding::DeflatedFrame => {
            let bytes = deflated::decode(stream, layout)?;
            return Ok((native::frame(&bytes, 0, Order::LITTLE, layout)?, Colours::Unsaid));
        }
        _ => return Ok((native::frame(stream, 0, Order::LITTLE, layout)?, Colours::Unsaid)),
    };
    let cell = Cell::low(decoded.precision);
    Ok((finish(decoded.words.into_iter(), cell, layout), decoded.colours))
}

/// Only integers of whole bytes go through image codecs (PS3.5 8.2).
fn integers(layout: &Layout, encoding: Encoding) -> Result<&Layout> {
    if layout.kind == Kind::Integer && layout.bits_allocated >= 8 {
        return Ok(layout);
    }
    let reason = format!(
        "{} bits allocated to {:?} pixel data",
        layout.bits_allocated, layout.kind
    );
    Err(PixelError::codec(encoding.name(), reason))
}

/// Makes RGB of YBR as the crate's documentation says.
fn coloured(mut samples: Samples, colours: Colours, layout: &Layout) -> Frame {
    use Photometric::{Rgb, YbrFull, YbrFull422, YbrIct, YbrRct};
    let declared = layout.photometric;
    let ybr = match colours {
        _ if layout.samples_per_pixel != 3 => false,
        Colours::Rgb => false,
        Colours::Ybr => !matches!(declared, YbrRct | YbrIct),
        Colours::Unsaid => matches!(declared, YbrFull | YbrFull422),
    };
    if ybr {
        ybr_to_rgb(&mut samples, u32::from(layout.bits_stored));
    }
    Frame {
        rows: layout.rows,
        columns: layout.columns,
        samples_per_pixel: layout.samples_per_pixel,
        photometric: if ybr || colours == Colours::Rgb {
            Rgb
        } else {
            declared
        },
        samples,
    }
}
