//! Frames of the protocol: one type byte and a length that counts itself.
//!
//! The frame is cut out whole before anything in it is read, and its length is held to a limit that is small until
//! the client has proved who it is: a stranger makes the server hold no more than a few kilobytes.

use bytes::{Buf, BytesMut};
use pgwire::messages::{Message, PgWireBackendMessage};
use tokio_util::codec::{Decoder, Encoder};

use super::frontend::{Frontend, Malformed};

/// Bytes of a message before the login is complete.
const BEFORE_LOGIN: usize = 8 * 1024;
/// Bytes of a query, of a statement's parameters, of a piece of COPY.
const LONG: usize = 256 * 1024 * 1024;
/// Bytes of every other message.
const SHORT: usize = 16 * 1024;

/// Why the stream of frames cannot be followed any further: the connection ends.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FrameError {
    /// No message has this type.
    #[error("invalid frontend message type {0}")]
    Type(u8),
    /// A length that no message of this type may have.
    #[error("invalid message length {length} of a message of type {kind:?}")]
    Length {
        /// The type byte.
        kind: char,
        /// What it claims.
        length: i64,
    },
    /// The socket failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Reads frames of the client, writes messages of the server.
#[derive(Debug, Default)]
pub(crate) struct Codec {
    /// Set after the login.
    pub(crate) trusted: bool,
}

/// A frame's type and what it holds.
pub(crate) type Frame = (u8, Result<Frontend, Malformed>);

impl Decoder for Codec {
    type Item = Frame;
    type Error = FrameError;

    fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Frame>, FrameError> {
        if buffer.len() < 5 {
            return Ok(None);
        }
        let kind = buffer[0];
        let length = i32::from_be_bytes([buffer[1], buffer[2], buffer[3], buffer[4]]);
        let limit = match kind {
            _ if !self.trusted => BEFORE_LOGIN,
            b'Q' | b'P' | b'B' | b'd' | b'F' => LONG,
            _ => SHORT,
        };
        let body = usize::try_from(length)
            .ok()
            .filter(|l| (4..=limit).contains(l))
            .map(|l| l - 4);
        let Some(body) = body else {
            return Err(FrameError::Length {
                kind: kind as char,
                length: i64::from(length),
            });
        };
        if buffer.len() < 5 + body {
            return Ok(None);
        }
        buffer.advance(5);
        match Frontend::parse(kind, buffer.split_to(body).freeze()) {
            Some(message) => Ok(Some((kind, message))),
            None => Err(FrameError::Type(kind)),
        }
    }
}

impl Encoder<PgWireBackendMessage> for Codec {
    type Error = std::io::Error;

    fn encode(&mut self, message: PgWireBackendMessage, buffer: &mut BytesMut) -> std::io::Result<()> {
        message.encode(buffer).map_err(std::io::Error::other)
    }
}

/// Appends a message of the server to its output.
pub(crate) fn put(message: &impl Message, buffer: &mut BytesMut) {
    // The only error is a length over two gigabytes, which none of our messages reaches.
    if let Err(error) = message.encode(buffer) {
        tracing::error!(%error, "a message could not be encoded");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(trusted: bool, bytes: &[u8]) -> Result<Option<Frame>, FrameError> {
        Codec { trusted }.decode(&mut BytesMut::from(bytes))
    }

    #[test]
    fn a_frame_waits_until_it_is_whole() {
        let frame = b"Q\0\0\0\x0dselect 1\0";
        for cut in 0..frame.len() {
            assert!(decode(true, &frame[..cut]).unwrap().is_none(), "{cut}");
        }
        let (kind, message) = decode(true, frame).unwrap().unwrap();
        assert_eq!((kind, message), (b'Q', Ok(Frontend::Query("select 1".into()))));
    }

    #[test]
    fn strangers_get_small_messages_only() {
        // One megabyte announced: refused at once before the login, awaited after it.
        let announced = b"Q\0\x10\0\0";
        assert!(matches!(decode(false, announced), Err(FrameError::Length { .. })));
        assert!(decode(true, announced).unwrap().is_none());
    }

    #[test]
    fn impossible_lengths_and_types_end_the_connection() {
        assert!(matches!(
            decode(true, b"Q\xff\xff\xff\xff"),
            Err(FrameError::Length { length: -1, .. })
        ));
        assert!(matches!(
            decode(true, b"Q\0\0\0\x03"),
            Err(FrameError::Length { length: 3, .. })
        ));
        assert!(matches!(
            decode(true, b"Q\x7f\xff\xff\xff"),
            Err(FrameError::Length { .. })
        ));
        assert!(matches!(
            decode(true, b"!\0\0\0\x04"),
            Err(FrameError::Type(b'!'))
        ));
    }
}
