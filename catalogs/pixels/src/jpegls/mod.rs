//! Stub.
use crate::decode::Decoded;
use crate::error::{PixelError, Result};
use crate::layout::Layout;
pub(crate) fn decode(_stream: &[u8], _layout: &Layout) -> Result<Decoded> {
    Err(PixelError::codec("jpegls", "not yet"))
}
