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
/// Bytes of a query: the parser takes texts of 16 MiB, and one byte ends them.
const QUERY: usize = 4 + (16 << 20) + 1;
/// Bytes of a text to be prepared, with a name and the types of as many parameters as there can be.
const PARSE: usize = QUERY + 512 * 1024;
/// Bytes of a statement's parameters, of a piece of COPY.
const LONG: usize = 256 * 1024 * 1024;
/// PostgreSQL's limit: a longer message of any kind ends the connection.
const LONGEST: usize = (1 << 30) - 1;
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
    /// A message that is too long, which is passed over as it comes in: its type, and the bytes still to come.
    passing: Option<(u8, usize)>,
}

impl Codec {
    /// Drops what has come of a message that is too long; at its end the client is told.
    fn pass(&mut self, kind: u8, left: usize, buffer: &mut BytesMut) -> Option<Frame> {
        let here = left.min(buffer.len());
        buffer.advance(here);
        if here < left {
            self.passing = Some((kind, left - here));
            return None;
        }
        self.passing = None;
        let limit = limit(kind);
        Some((kind, Err(Malformed::TooLong { limit })))
    }
}

/// Bytes of a message of the type after the login, its length included.
fn limit(kind: u8) -> usize {
    match kind {
        b'Q' => QUERY,
        b'P' => PARSE,
        b'B' | b'd' => LONG,
        _ => SHORT,
    }
}

/// A frame's type and what it holds.
pub(crate) type Frame = (u8, Result<Frontend, Malformed>);

impl Decoder for Codec {
    type Item = Frame;
    type Error = FrameError;

    fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Frame>, FrameError> {
        if let Some((kind, left)) = self.passing {
            return Ok(self.pass(kind, left, buffer));
        }
        if buffer.len() < 5 {
            return Ok(None);
        }
        let kind = buffer[0];
        let length = i32::from_be_bytes([buffer[1], buffer[2], buffer[3], buffer[4]]);
        let limit = match self.trusted {
            true => limit(kind),
            false => BEFORE_LOGIN,
        };
        // What may be long with PostgreSQL costs its sender an error here, not the connection, and never its length in memory.
        let longest = match kind {
            b'Q' | b'P' | b'B' | b'F' | b'd' if self.trusted => LONGEST,
            _ => limit,
        };
        let body = usize::try_from(length)
            .ok()
            .filter(|l| (4..=longest).contains(l))
            .map(|l| l - 4);
        let Some(body) = body else {
            return Err(FrameError::Length {
                kind: kind as char,
                length: i64::from(length),
            });
        };
        if body + 4 > limit {
            buffer.advance(5);
            return Ok(self.pass(kind, body, buffer));
        }
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
        let mut codec = Codec {
            trusted,
            ..Codec::default()
        };
        codec.decode(&mut BytesMut::from(bytes))
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
    fn what_is_too_long_is_passed_over_and_kept_nowhere() {
        let mut codec = Codec {
            trusted: true,
            ..Codec::default()
        };
        let mut buffer = BytesMut::new();
        let announced = QUERY + 1;
        buffer.extend_from_slice(b"Q");
        buffer.extend_from_slice(&(announced as i32).to_be_bytes());
        let mut left = announced - 4;
        while left > 0 {
            assert!(codec.decode(&mut buffer).unwrap().is_none());
            assert!(buffer.is_empty());
            let piece = left.min(1 << 20);
            buffer.resize(piece, b'x');
            left -= piece;
        }
        // The next message is read as if nothing had been.
        buffer.extend_from_slice(b"S\0\0\0\x04");
        let (kind, message) = codec.decode(&mut buffer).unwrap().unwrap();
        assert_eq!((kind, message), (b'Q', Err(Malformed::TooLong { limit: QUERY })));
        assert_eq!(
            codec.decode(&mut buffer).unwrap(),
            Some((b'S', Ok(Frontend::Sync)))
        );
        // A text of exactly what the parser takes is awaited.
        let mut longest = vec![b'Q'];
        longest.extend_from_slice(&(QUERY as i32).to_be_bytes());
        assert!(decode(true, &longest).unwrap().is_none());
        // A function call is short, and no reason to end the connection.
        let call = [&b"F\0\0\x40\x01"[..], &[0; SHORT]].concat();
        assert!(matches!(
            decode(true, &call),
            Ok(Some((b'F', Err(Malformed::TooLong { .. }))))
        ));
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
