//! What a client may say after the handshake, read from one complete frame.
//!
//! Every count and length inside a message is the client's claim: it is checked against the bytes that are there,
//! so that a lie costs its sender an error and nobody else anything.

use bytes::{Buf, Bytes};

/// A message whose frame is whole but whose content is not what its type promises.
#[derive(Debug, PartialEq, thiserror::Error)]
pub(crate) enum Malformed {
    /// Fewer or more bytes than the message's own counts say.
    #[error("invalid message format")]
    Format,
    /// PostgreSQL's text is UTF-8 here.
    #[error("invalid byte sequence for encoding \"UTF8\"")]
    Encoding,
    /// It was passed over.
    #[error("message is too long: at most {limit} bytes are read")]
    TooLong {
        /// Bytes that a message of its type may have.
        limit: usize,
    },
}

/// A statement or a portal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Statement,
    Portal,
}

/// `B`: values for a prepared statement.
#[derive(Debug, PartialEq)]
pub(crate) struct Bind {
    pub(crate) portal: String,
    pub(crate) statement: String,
    pub(crate) parameter_formats: Vec<i16>,
    pub(crate) parameters: Vec<Option<Bytes>>,
    pub(crate) result_formats: Vec<i16>,
}

/// One message of the client.
#[derive(Debug, PartialEq)]
pub(crate) enum Frontend {
    Query(String),
    Parse {
        name: String,
        sql: String,
        types: Vec<u32>,
    },
    Bind(Bind),
    Describe(Target, String),
    Execute {
        portal: String,
        max_rows: i32,
    },
    Close(Target, String),
    Flush,
    Sync,
    Terminate,
    /// Password, SASLInitialResponse or SASLResponse: the state of the handshake tells which.
    Password(Bytes),
    CopyData(Bytes),
    CopyDone,
    CopyFail(String),
    /// `F`: the fast path of old, which nobody offers any more.
    FunctionCall,
}

impl Frontend {
    /// True if an error in this message is followed by skipping everything up to Sync.
    pub(crate) fn is_extended(kind: u8) -> bool {
        matches!(kind, b'P' | b'B' | b'D' | b'E' | b'C' | b'H')
    }

    /// Reads the body of a message of type `kind`; `None` for a type that does not exist.
    pub(crate) fn parse(kind: u8, body: Bytes) -> Option<Result<Self, Malformed>> {
        let mut body = Body(body);
        let parsed = match kind {
            b'Q' => body.text().map(Self::Query),
            b'P' => body.parse_message(),
            b'B' => body.bind_message().map(Self::Bind),
            b'D' => body.target().map(|(target, name)| Self::Describe(target, name)),
            b'C' => body.target().map(|(target, name)| Self::Close(target, name)),
            b'E' => body.execute_message(),
            b'H' => Ok(Self::Flush),
            b'S' => Ok(Self::Sync),
            b'X' => Ok(Self::Terminate),
            b'p' => return Some(Ok(Self::Password(body.0))),
            b'd' => return Some(Ok(Self::CopyData(body.0))),
            b'c' => Ok(Self::CopyDone),
            b'f' => body.text().map(Self::CopyFail),
            b'F' => return Some(Ok(Self::FunctionCall)),
            _ => return None,
        };
        Some(parsed.and_then(|message| {
            if body.0.is_empty() {
                Ok(message)
            } else {
                Err(Malformed::Format)
            }
        }))
    }
}

/// The rest of a message's body.
pub(crate) struct Body(pub(crate) Bytes);

impl Body {
    pub(crate) fn u8(&mut self) -> Result<u8, Malformed> {
        self.0.try_get_u8().map_err(|_| Malformed::Format)
    }

    pub(crate) fn i16(&mut self) -> Result<i16, Malformed> {
        self.0.try_get_i16().map_err(|_| Malformed::Format)
    }

    pub(crate) fn i32(&mut self) -> Result<i32, Malformed> {
        self.0.try_get_i32().map_err(|_| Malformed::Format)
    }

    /// `count` items of `size` bytes each must be there before room is made for them.
    fn count(&mut self, size: usize) -> Result<usize, Malformed> {
        let count = usize::from(self.0.try_get_u16().map_err(|_| Malformed::Format)?);
        if count * size > self.0.len() {
            Err(Malformed::Format)
        } else {
            Ok(count)
        }
    }

    fn i16s(&mut self) -> Result<Vec<i16>, Malformed> {
        let count = self.count(2)?;
        (0..count).map(|_| self.i16()).collect()
    }

    pub(crate) fn take(&mut self, length: usize) -> Result<Bytes, Malformed> {
        if length > self.0.len() {
            Err(Malformed::Format)
        } else {
            Ok(self.0.split_to(length))
        }
    }

    /// A string that ends with a zero byte.
    pub(crate) fn text(&mut self) -> Result<String, Malformed> {
        let end = self
            .0
            .iter()
            .position(|byte| *byte == 0)
            .ok_or(Malformed::Format)?;
        let text = std::str::from_utf8(&self.0[..end])
            .map_err(|_| Malformed::Encoding)?
            .to_owned();
        self.0.advance(end + 1);
        Ok(text)
    }

    fn target(&mut self) -> Result<(Target, String), Malformed> {
        let target = match self.u8()? {
            b'S' => Target::Statement,
            b'P' => Target::Portal,
            _ => return Err(Malformed::Format),
        };
        Ok((target, self.text()?))
    }

    fn parse_message(&mut self) -> Result<Frontend, Malformed> {
        let (name, sql) = (self.text()?, self.text()?);
        let count = self.count(4)?;
        let types = (0..count)
            .map(|_| self.i32().map(|oid| oid as u32))
            .collect::<Result<_, _>>()?;
        Ok(Frontend::Parse { name, sql, types })
    }

    fn bind_message(&mut self) -> Result<Bind, Malformed> {
        let (portal, statement) = (self.text()?, self.text()?);
        let parameter_formats = self.i16s()?;
        let count = self.count(4)?;
        let parameters = (0..count)
            .map(|_| match self.i32()? {
                -1 => Ok(None),
                length => self
                    .take(usize::try_from(length).map_err(|_| Malformed::Format)?)
                    .map(Some),
            })
            .collect::<Result<_, _>>()?;
        let result_formats = self.i16s()?;
        Ok(Bind {
            portal,
            statement,
            parameter_formats,
            parameters,
            result_formats,
        })
    }

    fn execute_message(&mut self) -> Result<Frontend, Malformed> {
        Ok(Frontend::Execute {
            portal: self.text()?,
            max_rows: self.i32()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(kind: u8, body: &'static [u8]) -> Result<Frontend, Malformed> {
        Frontend::parse(kind, Bytes::from_static(body)).unwrap()
    }

    #[test]
    fn a_bind_is_read_whole() {
        let body = b"p\0s\0\0\x01\0\x01\0\x02\0\0\0\x02ab\xff\xff\xff\xff\0\x01\0\x01";
        let expected = Bind {
            portal: "p".into(),
            statement: "s".into(),
            parameter_formats: vec![1],
            parameters: vec![Some(Bytes::from_static(b"ab")), None],
            result_formats: vec![1],
        };
        assert_eq!(parse(b'B', body), Ok(Frontend::Bind(expected)));
    }

    #[test]
    fn lies_about_lengths_are_errors_not_panics() {
        for (kind, body) in [
            (b'Q', &b"select 1"[..]),
            (b'Q', b"select 1\0rest"),
            (b'B', b"p\0s\0\xff\xff"),
            (b'B', b"p\0s\0\0\0\0\x01\x7f\xff\xff\xff"),
            (b'B', b"p\0s\0\0\0\0\x01\x80\0\0\0"),
            (b'B', b"p\0s\0\0\0\xff\xff\0\0\0\0"),
            (b'P', b"s\0select 1\0\xff\xff"),
            (b'E', b"p\0\0\0"),
            (b'D', b"Xp\0"),
            (b'D', b""),
            (b'S', b"x"),
        ] {
            assert_eq!(
                parse(kind, body),
                Err(Malformed::Format),
                "{} {body:?}",
                kind as char
            );
        }
        assert_eq!(parse(b'Q', b"\xff\0"), Err(Malformed::Encoding));
        assert!(Frontend::parse(b'!', Bytes::new()).is_none());
    }
}
