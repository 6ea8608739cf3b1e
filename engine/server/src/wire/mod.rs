//! The PostgreSQL wire protocol, version 3.0, over the engine's public API.
//!
//! pgwire gives the messages, SCRAM and TLS. The handling of a session is ours, on the framed socket itself:
//! pgwire's handlers reach it only by one message object per row and collect whole results, its decoder trusts the
//! counts inside a message. Here rows are encoded from Arrow into the socket's own buffer, which is written out
//! whenever it holds [`CHUNK`] bytes; a client that reads slowly slows down its own query and nothing else.

mod cancel;
mod codec;
mod connection;
mod copy;
mod describe;
mod doors;
mod encode;
mod extended;
mod frontend;
mod kept;
mod listener;
mod opening;
pub(crate) mod parameters;
mod query;
mod rows;
mod running;
mod sqlstate;
mod startup;
mod tls;
mod types;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use pgwire::tokio::server::MaybeTls;
use radlake::Lakehouse;
use tokio_util::codec::Framed;
use tokio_util::sync::CancellationToken;

pub(crate) use doors::Limits;
pub(crate) use encode::{BoundBatch, EncodeError, Format, RowEncoder, Style, Zone};
pub(crate) use listener::{ServeOptions, serve};
pub(crate) use sqlstate::Report;
pub(crate) use tls::{Tls, load as load_tls};
pub(crate) use types::{VECTOR, column_name, pg_type_of};

/// The socket with its buffers.
pub(crate) type Wire = Framed<MaybeTls, codec::Codec>;

/// Bytes of output after which the socket is written to.
const CHUNK: usize = 64 * 1024;

/// What all connections share.
pub(crate) struct Shared {
    lakehouse: Lakehouse,
    tls: Option<Tls>,
    registry: Arc<cancel::Registry>,
    mock: startup::Mock,
    /// True if a client from another machine may come without TLS.
    insecure: bool,
    /// Set when the server stops: idle sessions end.
    draining: CancellationToken,
    /// The places for sessions and for logins.
    doors: Arc<doors::Doors>,
    /// How long a client whose statement was ended, or whose session ends, may take nothing of what is left for it.
    patience: Duration,
}
