//! Deflated Image Frame Compression (PS3.5 A.4.13): each frame a raw deflate stream (RFC 1951) of its native bytes.

use std::io::Read;

use flate2::read::DeflateDecoder;

use crate::error::{PixelError, Result};
use crate::layout::Layout;
use crate::native::stored_bytes;

/// The native bytes of one frame; what follows them is not inflated.
pub(crate) fn decode(stream: &[u8], layout: &Layout) -> Result<Vec<u8>> {
    let size = if layout.bits_allocated == 1 {
        layout.samples().div_ceil(8)
    } else {
        stored_bytes(layout)
    };
    let mut out = Vec::new();
    // Grows with what is really there, so that a short stream does not take a whole frame of memory.
    DeflateDecoder::new(stream)
        .take(size as u64)
        .read_to_end(&mut out)
        .map_err(|error| PixelError::codec("deflated frame", error.to_string()))?;
    if out.len() < size {
        return Err(PixelError::Truncated {
            what: "deflated frame",
            needed: size as u64,
            got: out.len() as u64,
        });
    }
    Ok(out)
}
