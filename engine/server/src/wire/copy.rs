//! COPY between a client and the lake: a piece at a time in both directions, so that the slower side sets the pace.

use bytes::{BufMut, Bytes};
use futures::StreamExt;
use radlake::{Copy, Error, Incoming, Response, Statement, ast};
use tokio::sync::mpsc;

use super::CHUNK;
use super::connection::Connection;
use super::encode::{Format, RowEncoder};
use super::frontend::Frontend;
use super::rows::{flush, flush_watched};
use super::running::{self, Batches};
use super::sqlstate::{Fault, Report};
use super::watch::Watch;
use crate::copy::{Layout, Options, Shape, Writer, decode};

/// Pieces of a client that may wait to be read.
const WAITING: usize = 8;

impl Connection {
    /// Runs a COPY with all that is said during it; gives its tag.
    pub(crate) async fn copy(
        &mut self,
        statement: &Statement,
        copy: &Copy,
        watch: &Watch,
    ) -> Result<String, Fault> {
        match statement.ast() {
            ast::Statement::Copy { to: false, .. } => self.copy_in(statement, copy, watch).await,
            _ => self.copy_out(statement, copy, watch).await,
        }
    }

    async fn copy_in(&mut self, statement: &Statement, copy: &Copy, watch: &Watch) -> Result<String, Fault> {
        let (session, owned) = (self.session.clone(), statement.clone());
        let target = running::run(async move { session.copy_target(&owned).await }).await??;
        let options = Options::of(copy, statement.ast())?;
        let layout = options.layout;
        let schema = target.schema();
        let shape = Shape::new(options, &target, self.style().zone, None)?;
        let (sender, receiver) = mpsc::channel::<Result<Bytes, Error>>(WAITING);
        let pieces = futures::stream::unfold(receiver, |mut receiver| async {
            Some((receiver.recv().await?, receiver))
        });
        let incoming = Incoming::new(schema, decode(pieces.boxed(), shape), None);
        self.copy_response(b'G', layout, target.columns.fields().len());
        flush(&mut self.wire).await?;
        let (session, owned) = (self.session.clone(), statement.clone());
        let mut running = std::pin::pin!(running::run(
            async move { session.copy_in(&owned, incoming).await }
        ));
        let mut sender = Some(sender);
        while let Some(open) = &sender {
            let frame = tokio::select! {
                biased;
                // It fails before all of it is there: what is still to come is passed over.
                done = &mut running => return Ok(done??),
                fault = watch.interrupted() => return Err(fault),
                frame = self.wire.next() => frame,
            };
            let piece = match frame {
                None => Err(Fault::Gone),
                Some(Err(error)) => Err(error.into()),
                Some(Ok((kind, message))) => match message {
                    Ok(Frontend::CopyData(piece)) => Ok(piece),
                    Ok(Frontend::CopyDone) => {
                        sender = None;
                        continue;
                    }
                    Ok(Frontend::CopyFail(reason)) => {
                        Err(Report::error("57014", format!("COPY from stdin failed: {reason}")).into())
                    }
                    Ok(Frontend::Flush | Frontend::Sync) => continue,
                    Ok(_) => Err(Report::fatal(
                        "08P01",
                        format!("unexpected message type 0x{kind:02X} during COPY from stdin"),
                    )
                    .into()),
                    Err(malformed) => Err(malformed.into()),
                },
            };
            match piece {
                Ok(piece) => tokio::select! {
                    biased;
                    done = &mut running => return Ok(done??),
                    fault = watch.interrupted() => return Err(fault),
                    // Only a reader that has ended refuses; it says why.
                    _ = open.send(Ok(piece)) => {}
                },
                Err(fault) => {
                    // The statement must not take this for the end of the data: it hears of it and ends.
                    let _ = open.send(Err(Error::Cancelled)).await;
                    let _ = running.await;
                    return Err(fault);
                }
            }
        }
        Ok(running.await??)
    }

    async fn copy_out(&mut self, statement: &Statement, copy: &Copy, watch: &Watch) -> Result<String, Fault> {
        let options = Options::of(copy, statement.ast())?;
        let layout = options.layout;
        let (session, owned) = (self.session.clone(), statement.clone());
        let running = running::run(async move { Box::pin(session.copy_out(&owned)).await });
        let response = tokio::select! {
            biased;
            response = running => response??,
            fault = watch.stopped(self.wire.get_ref()) => return Err(fault),
        };
        let Response::Rows { schema, stream } = response else {
            return Err(Report::error("0A000", "COPY query must have a RETURNING clause").into());
        };
        let mut writer = Writer::new(options, &schema)?;
        let format = match writer.is_binary() {
            true => Format::Binary,
            false => Format::Text,
        };
        let formats = vec![format; schema.fields().len()];
        let encoder = RowEncoder::new(&schema, &formats, self.style());
        let mut batches = Batches::new(stream);
        self.copy_response(b'H', layout, formats.len());
        if let Some(head) = writer.header()? {
            copy_data(head, self.wire.write_buffer_mut());
        }
        let mut count = 0u64;
        loop {
            let batch = tokio::select! {
                biased;
                batch = batches.next() => batch,
                fault = watch.stopped(self.wire.get_ref()) => return Err(fault),
            };
            let Some(batch) = batch else {
                break;
            };
            let bound = encoder.bind(&batch?)?;
            for row in 0..bound.rows() {
                copy_data(writer.row(&bound, row)?, self.wire.write_buffer_mut());
                if self.wire.write_buffer().len() >= CHUNK {
                    flush_watched(&mut self.wire, watch).await?;
                }
            }
            count += bound.rows() as u64;
        }
        if let Some(tail) = writer.end() {
            copy_data(tail, self.wire.write_buffer_mut());
        }
        let out = self.wire.write_buffer_mut();
        out.put_u8(b'c');
        out.put_i32(4);
        Ok(format!("COPY {count}"))
    }

    /// CopyInResponse or CopyOutResponse: the format, and the same for each column.
    fn copy_response(&mut self, kind: u8, layout: Layout, columns: usize) {
        let binary = u8::from(layout == Layout::Binary);
        let out = self.wire.write_buffer_mut();
        out.put_u8(kind);
        out.put_i32(4 + 1 + 2 + 2 * columns as i32);
        out.put_u8(binary);
        out.put_i16(i16::try_from(columns).unwrap_or(i16::MAX));
        (0..columns).for_each(|_| out.put_i16(i16::from(binary)));
    }
}

/// A message with one row, as clients count on.
fn copy_data(bytes: &[u8], out: &mut bytes::BytesMut) {
    out.put_u8(b'd');
    out.put_i32(i32::try_from(bytes.len() + 4).unwrap_or(i32::MAX));
    out.put_slice(bytes);
}

impl From<crate::copy::Unwritten> for Fault {
    fn from(unwritten: crate::copy::Unwritten) -> Self {
        match unwritten {
            crate::copy::Unwritten::Value(error) => error.into(),
            crate::copy::Unwritten::Charset(name) => Report::error(
                "22P05",
                format!("a character has no equivalent in encoding \"{name}\""),
            )
            .into(),
        }
    }
}
