//! JPEG-LS (ITU-T T.87), lossless and near-lossless: all interleavings, preset coding parameters.
//!
//! Refused: mapping tables, point transforms, restart intervals and HP's colour transforms, none of which DICOM encoders
//! write.

mod bits;
mod header;
mod model;
mod scan;

use crate::decode::{Colours, Decoded};
use crate::error::{PixelError, Result};
use crate::layout::Layout;

const NAME: &str = "JPEG-LS";

fn broken<T>(reason: impl Into<String>) -> Result<T> {
    Err(PixelError::codec(NAME, reason))
}

/// Decodes one stream, whose frame header must agree with the layout.
pub(crate) fn decode(stream: &[u8], layout: &Layout) -> Result<Decoded> {
    let mut reader = header::Reader::new(stream)?;
    let frame = reader.frame(layout)?;
    let channels = frame.ids.len();
    let mut words = vec![0; layout.samples()];
    let mut seen = vec![false; channels];
    while seen.contains(&false) {
        let scan = reader.scan(&frame)?;
        if scan
            .components
            .iter()
            .any(|&c| std::mem::replace(&mut seen[c], true))
        {
            return broken("a component has two scans");
        }
        let end = scan::decode(&frame, &scan, &mut words)?;
        reader.skip(end);
    }
    let colours = if matches!(frame.ids.as_slice(), b"RGB" | b"rgb") {
        Colours::Rgb
    } else {
        Colours::Unsaid
    };
    Ok(Decoded {
        words,
        precision: frame.precision,
        colours,
    })
}
