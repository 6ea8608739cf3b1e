//! A result on its way to the client.
//!
//! At most one batch of rows and one chunk of output are held, whatever the size of the result.

use std::time::Duration;

use futures::SinkExt;
use pgwire::messages::PgWireBackendMessage;

use super::encode::{BoundBatch, RowEncoder};
use super::running::Batches;
use super::sqlstate::Fault;
use super::watch::Watch;
use super::{CHUNK, Wire};

/// A result that has been started, and perhaps suspended.
pub(crate) struct Rows {
    batches: Batches,
    encoder: RowEncoder,
    current: Option<(BoundBatch, usize)>,
}

/// How far [`Rows::send`] got.
#[derive(Debug, PartialEq)]
pub(crate) enum Sent {
    /// All rows; this many in this call.
    All(u64),
    /// As many as were asked for; there may be more.
    Suspended,
}

impl Rows {
    /// Rows of `batches` in the encoder's formats.
    pub(crate) fn new(batches: Batches, encoder: RowEncoder) -> Self {
        Self {
            batches,
            encoder,
            current: None,
        }
    }

    /// Writes up to `limit` rows (0: all), waiting for the client whenever a chunk is full.
    pub(crate) async fn send(&mut self, wire: &mut Wire, watch: &Watch, limit: u64) -> Result<Sent, Fault> {
        let mut sent = 0;
        loop {
            if let Some((batch, next)) = &mut self.current {
                while *next < batch.rows() {
                    if limit != 0 && sent == limit {
                        return Ok(Sent::Suspended);
                    }
                    batch.data_row(*next, wire.write_buffer_mut())?;
                    *next += 1;
                    sent += 1;
                    if wire.write_buffer().len() >= CHUNK {
                        flush_watched(wire, watch).await?;
                    }
                }
                self.current = None;
            }
            if limit != 0 && sent == limit {
                return Ok(Sent::Suspended);
            }
            let batch = tokio::select! {
                biased;
                batch = self.batches.next() => batch,
                fault = watch.stopped(wire.get_ref()) => return Err(fault),
            };
            match batch {
                Some(batch) => self.current = Some((self.encoder.bind(&batch?)?, 0)),
                None => return Ok(Sent::All(sent)),
            }
        }
    }
}

/// Writes everything out, as fast as the client reads.
pub(crate) async fn flush(wire: &mut Wire) -> Result<(), Fault> {
    SinkExt::<PgWireBackendMessage>::flush(wire)
        .await
        .map_err(Fault::from)
}

/// As [`flush`], unless the statement is ended before its client has read so much.
pub(crate) async fn flush_watched(wire: &mut Wire, watch: &Watch) -> Result<(), Fault> {
    tokio::select! {
        biased;
        done = flush(wire) => done,
        fault = watch.interrupted() => Err(fault),
    }
}

/// As [`flush`], to a client that may be as slow as it likes, but has to read: one that takes nothing for so long is gone.
pub(crate) async fn flush_while_read(wire: &mut Wire, patience: Duration) -> Result<(), Fault> {
    loop {
        let left = wire.write_buffer().len();
        match tokio::time::timeout(patience, flush(wire)).await {
            Ok(done) => return done,
            Err(_) if wire.write_buffer().len() < left => {}
            Err(_) => {
                tracing::info!("a client does not read what is left for it: the connection is closed");
                return Err(Fault::Gone);
            }
        }
    }
}
