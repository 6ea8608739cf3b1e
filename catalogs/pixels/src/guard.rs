//! Decoders may panic; callers must not.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::{PixelError, Result};

/// Runs a decoder. A panic becomes an error: decoders read what anybody sent, many of them are not ours, and a bound
/// that one of them forgot to check must cost a frame, not the process. Nothing that outlives the call is shared with
/// it, so nothing half-done stays behind.
pub(crate) fn guarded<T>(codec: &'static str, decode: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(decode))
        .unwrap_or_else(|_| Err(PixelError::codec(codec, "the decoder failed on a damaged stream")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error() {
        let result: Result<()> = guarded("JPEG", || panic!("index out of bounds"));
        assert!(matches!(result, Err(PixelError::Codec { codec: "JPEG", .. })));
    }
}
