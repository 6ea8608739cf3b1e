//! The first packets of a connection: TLS, a cancel request, or the start of a session.
//!
//! Exactly the bytes of each request are read from the bare socket, so nothing that came before the TLS handshake
//! can be taken for something said under its protection (CVE-2021-23214).

use std::collections::BTreeMap;
use std::io;

use bytes::{Buf, Bytes};
use pgwire::tokio::server::MaybeTls;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::frontend::Body;
use super::sqlstate::Report;
use super::tls::Tls;

const SSL_REQUEST: u32 = 80_877_103;
const GSS_REQUEST: u32 = 80_877_104;
const CANCEL_REQUEST: u32 = 80_877_102;
/// PostgreSQL's own limit for the startup packet.
const LONGEST: usize = 10_000;

/// What a client that has connected wants.
pub(crate) enum Opening {
    /// A session.
    Session(Startup),
    /// To stop another session's statement.
    Cancel {
        /// The session's number.
        pid: i32,
        /// What the client says the secret is.
        secret: Bytes,
    },
    /// Nothing any more, or what no PostgreSQL client says: closed without an answer.
    Nothing,
    /// Something that deserves an error message.
    Refused(MaybeTls, Report),
}

/// The startup packet.
pub(crate) struct Startup {
    /// The connection, under TLS if the client asked for it.
    pub(crate) stream: MaybeTls,
    /// True under TLS.
    pub(crate) secure: bool,
    /// The minor version that the client asked for; ours is 0.
    pub(crate) minor: u32,
    /// `user`, `database`, `options` and settings.
    pub(crate) parameters: BTreeMap<String, String>,
}

/// Reads up to the startup packet.
pub(crate) async fn open(tcp: TcpStream, tls: Option<&Tls>) -> io::Result<Opening> {
    let mut first = [0u8; 1];
    if tcp.peek(&mut first).await? == 0 {
        return Ok(Opening::Nothing);
    }
    let mut stream = MaybeTls::Plain(tcp);
    let mut secure = false;
    // libpq 17's `sslnegotiation=direct` begins with TLS itself.
    if first[0] == 0x16 {
        let (Some(tls), MaybeTls::Plain(tcp)) = (tls, stream) else {
            return Ok(Opening::Nothing);
        };
        let accepted = tls.acceptor.accept(tcp).await?;
        if accepted.get_ref().1.alpn_protocol() != Some(b"postgresql") {
            return Ok(Opening::Nothing);
        }
        (stream, secure) = (MaybeTls::Tls(Box::new(accepted)), true);
    }
    let (mut asked_tls, mut asked_gss) = (secure, false);
    loop {
        let mut head = [0u8; 8];
        if let Err(error) = stream.read_exact(&mut head).await {
            return if error.kind() == io::ErrorKind::UnexpectedEof {
                Ok(Opening::Nothing)
            } else {
                Err(error)
            };
        }
        let (mut length, mut code) = (&head[..4], &head[4..]);
        let (length, code) = (length.get_u32() as usize, code.get_u32());
        match code {
            SSL_REQUEST if length == 8 && !asked_tls => {
                asked_tls = true;
                match (tls, stream) {
                    (Some(tls), MaybeTls::Plain(mut tcp)) => {
                        tcp.write_all(b"S").await?;
                        (stream, secure) = (MaybeTls::Tls(Box::new(tls.acceptor.accept(tcp).await?)), true);
                    }
                    (_, plain) => {
                        stream = plain;
                        stream.write_all(b"N").await?;
                    }
                }
            }
            GSS_REQUEST if length == 8 && !asked_gss => {
                asked_gss = true;
                stream.write_all(b"N").await?;
            }
            CANCEL_REQUEST if (13..=268).contains(&length) => {
                let mut rest = vec![0u8; length - 8];
                stream.read_exact(&mut rest).await?;
                let mut rest = Bytes::from(rest);
                return Ok(Opening::Cancel {
                    pid: rest.get_i32(),
                    secret: rest,
                });
            }
            SSL_REQUEST | GSS_REQUEST | CANCEL_REQUEST => return Ok(Opening::Nothing),
            version if (9..=LONGEST).contains(&length) => {
                let mut rest = vec![0u8; length - 8];
                stream.read_exact(&mut rest).await?;
                if version >> 16 != 3 {
                    let report = Report::fatal(
                        "0A000",
                        format!(
                            "unsupported frontend protocol {}.{}: server supports 3.0 to 3.0",
                            version >> 16,
                            version & 0xffff
                        ),
                    );
                    return Ok(Opening::Refused(stream, report));
                }
                return Ok(match parameters(Bytes::from(rest)) {
                    Some(parameters) => Opening::Session(Startup {
                        stream,
                        secure,
                        minor: version & 0xffff,
                        parameters,
                    }),
                    None => Opening::Refused(
                        stream,
                        Report::fatal(
                            "08P01",
                            "invalid startup packet layout: expected terminator as last byte",
                        ),
                    ),
                });
            }
            // HTTP and the like: silence.
            _ => return Ok(Opening::Nothing),
        }
    }
}

/// Names and values, each ended by a zero byte, and one zero byte at the end.
fn parameters(packet: Bytes) -> Option<BTreeMap<String, String>> {
    let mut body = Body(packet);
    let mut parameters = BTreeMap::new();
    loop {
        let name = body.text().ok()?;
        if name.is_empty() {
            return body.0.is_empty().then_some(parameters);
        }
        parameters.insert(name, body.text().ok()?);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn startup_parameters_are_pairs_with_an_end() {
        let read = parameters(Bytes::from_static(b"user\0a\0database\0b\0\0")).unwrap();
        assert_eq!(read.get("user").map(String::as_str), Some("a"));
        assert_eq!(read.get("database").map(String::as_str), Some("b"));
        for broken in [
            &b""[..],
            b"user\0a\0",
            b"user\0",
            b"user\0a\0\0\0",
            b"\xff\0a\0\0",
        ] {
            assert!(parameters(Bytes::copy_from_slice(broken)).is_none(), "{broken:?}");
        }
    }
}
