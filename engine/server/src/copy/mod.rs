//! COPY's three formats, for the protocol and for `radlake load`: bytes to batches and back, as streams.
//!
//! ```text
//! bytes ── decoded to UTF-8 ── cut into blocks of whole records ── fields and values, several blocks at once ── batches
//! ```

mod binary;
mod cells;
mod charset;
mod fields;
mod options;
mod scan;
mod split;
mod writer;

use std::sync::Arc;

use arrow::array::RecordBatch;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt, TryStreamExt};
use radlake::Error;

use charset::ToUtf8;
pub(crate) use fields::Shape;
use fields::{Fields, check_header, rows};
pub(crate) use options::{Header, Layout, Options};
pub(crate) use scan::{Record, scan};
use split::{Block, Splitter};
pub(crate) use writer::{Unwritten, Writer};

/// Pieces of a file as they come.
pub(crate) type Pieces = BoxStream<'static, Result<Bytes, Error>>;

/// The rows of a stream of bytes: of a block or two at a time, in their order.
pub(crate) fn decode(pieces: Pieces, shape: Shape) -> impl Stream<Item = Result<RecordBatch, Error>> + Send {
    let shape = Arc::new(shape);
    match shape.options.layout {
        Layout::Binary => binary_rows(pieces, shape).boxed(),
        _ => text_rows(pieces, shape).boxed(),
    }
}

fn binary_rows(pieces: Pieces, shape: Arc<Shape>) -> impl Stream<Item = Result<RecordBatch, Error>> + Send {
    let reader = binary::Reader::new(&shape);
    futures::stream::try_unfold(Some((pieces, reader)), move |state| {
        let shape = Arc::clone(&shape);
        async move {
            let Some((mut pieces, mut reader)) = state else {
                return Ok(None);
            };
            while let Some(piece) = pieces.try_next().await? {
                if let Some(batch) = reader.push(&piece, &shape)? {
                    return Ok(Some((batch, Some((pieces, reader)))));
                }
            }
            Ok(reader.finish(&shape)?.map(|batch| (batch, None)))
        }
    })
}

fn text_rows(pieces: Pieces, shape: Arc<Shape>) -> impl Stream<Item = Result<RecordBatch, Error>> + Send {
    let ahead = std::thread::available_parallelism().map_or(2, usize::from);
    let blocks = Blocks {
        pieces,
        decoder: shape.options.charset.decoder(),
        splitter: Splitter::new(&shape.options),
        header: shape.options.header,
        shape: Arc::clone(&shape),
        over: false,
    };
    let blocks = futures::stream::try_unfold(blocks, |mut blocks| async move {
        Ok::<_, Error>(blocks.next().await?.map(|block| (block, blocks)))
    });
    blocks
        .map_ok(move |block| {
            let shape = Arc::clone(&shape);
            // A task of its own: blocks are read on all threads.
            let task = tokio::spawn(async move { rows(&block, &shape) });
            async move {
                task.await
                    .map_err(|_| Error::Internal("reading rows ended unexpectedly".to_owned()))?
            }
        })
        .try_buffered(ahead)
}

struct Blocks {
    pieces: Pieces,
    decoder: Option<ToUtf8>,
    splitter: Splitter,
    header: Header,
    shape: Arc<Shape>,
    over: bool,
}

impl Blocks {
    async fn next(&mut self) -> Result<Option<Block>, Error> {
        while !self.over {
            let piece = self.pieces.try_next().await?;
            self.over = piece.is_none();
            let piece = piece.unwrap_or_default();
            let line = self.splitter.line();
            let fault = |error| self.shape.at(line, None, error);
            let decoded;
            let piece = match &mut self.decoder {
                Some(decoder) => {
                    let name = self.shape.options.charset.name();
                    decoded = decoder
                        .decode(&piece, self.over)
                        .ok_or_else(|| fault(Error::Encoding(name.to_owned())))?;
                    &decoded[..]
                }
                None => &piece[..],
            };
            if self.over {
                // It has ended, too.
                self.decoder = None;
            }
            let mut block = self.splitter.push(piece);
            if self.over && matches!(block, Ok(None)) {
                block = self.splitter.finish();
            } else if self.over {
                // What is left comes with the next call.
                self.over = false;
                self.pieces = futures::stream::empty().boxed();
            }
            let line = self.splitter.line();
            let block = block.map_err(|error| self.shape.at(line, None, error))?;
            let Some(mut block) = block else {
                continue;
            };
            if self.header != Header::No {
                self.skip_header(&mut block)?;
            }
            return Ok(Some(block));
        }
        Ok(None)
    }

    fn skip_header(&mut self, block: &mut Block) -> Result<(), Error> {
        let (at, line) = {
            let mut fields = Fields::new(block, &self.shape.options);
            fields.next();
            if self.header == Header::Match {
                check_header(&fields, &self.shape).map_err(|error| self.shape.at(1, None, error))?;
            }
            (fields.at(), fields.line())
        };
        block.bytes.drain(..at);
        block.line = line + 1;
        self.header = Header::No;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
