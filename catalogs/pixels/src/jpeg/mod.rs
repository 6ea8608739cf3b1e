//! JPEG (ITU-T T.81): baseline, extended of 8 and 12 bits, lossless; Huffman coding, sequential.
//!
//! Progressive, hierarchical and arithmetic streams, which no transfer syntax in force allows, are refused.

mod dct;
mod header;
mod huffman;
mod lossless;
mod sequential;
mod upsample;

use crate::decode::{Colours, Decoded};
use crate::error::{PixelError, Result};
use crate::layout::Layout;

const NAME: &str = "JPEG";

fn broken<T>(reason: impl Into<String>) -> Result<T> {
    Err(PixelError::codec(NAME, reason))
}

/// Samples of one component: `width` times `height` of them, the rest of a block included.
struct Plane {
    width: usize,
    samples: Vec<u16>,
}

/// Decodes one stream, whose frame header must agree with the layout. No colours are converted.
pub(crate) fn decode(stream: &[u8], layout: &Layout) -> Result<Decoded> {
    let mut reader = header::Reader::new(stream)?;
    let frame = reader.frame(layout)?;
    let mut planes = frame.planes();
    // T.81 B.2: scans until every component had one. Each needs at least a header, so that the stream bounds them.
    let mut seen = vec![false; planes.len()];
    while seen.contains(&false) {
        let scan = reader.scan(&frame)?;
        if scan
            .components
            .iter()
            .any(|c| std::mem::replace(&mut seen[c.index], true))
        {
            return broken("a component has two scans");
        }
        let end = if frame.lossless {
            lossless::scan(&frame, &scan, &mut planes)?
        } else {
            sequential::scan(&frame, &scan, &mut planes)?
        };
        reader.skip(end);
    }
    let ids: Vec<u8> = frame.components.iter().map(|c| c.id).collect();
    let colours = match ids.as_slice() {
        b"RGB" | b"rgb" => Colours::Rgb,
        _ if reader.jfif => Colours::Ybr,
        _ => Colours::Unsaid,
    };
    Ok(Decoded {
        words: upsample::interleave(&frame, &planes),
        precision: frame.precision,
        colours,
    })
}
