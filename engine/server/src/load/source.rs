//! A file's bytes: decompressed where it is compressed, counted as they are read.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures::StreamExt;
use radlake::Error;
use tokio::sync::mpsc;

use crate::copy::Pieces;

/// Bytes read at a time.
const PIECE: usize = 256 << 10;
/// Pieces read ahead.
const AHEAD: usize = 8;

/// How many bytes of the file itself have been read.
pub(crate) type Count = Arc<AtomicU64>;

struct Counted {
    file: File,
    count: Count,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.count.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// Opens a file; one that begins as gzip or zstd files do is decompressed.
pub(crate) fn open(path: &Path, count: &Count) -> io::Result<Box<dyn BufRead + Send>> {
    let counted = Counted {
        file: File::open(path)?,
        count: Arc::clone(count),
    };
    let mut file = BufReader::with_capacity(PIECE, counted);
    let begin = file.fill_buf()?;
    if begin.starts_with(&[0x1f, 0x8b]) {
        let decoder = flate2::bufread::MultiGzDecoder::new(file);
        return Ok(Box::new(BufReader::with_capacity(PIECE, decoder)));
    }
    if begin.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        let decoder = zstd::stream::read::Decoder::with_buffer(file)?;
        return Ok(Box::new(BufReader::with_capacity(PIECE, decoder)));
    }
    Ok(Box::new(file))
}

/// The file as pieces, read by a thread of its own.
pub(crate) fn pieces(path: PathBuf, count: &Count) -> Pieces {
    let (sender, receiver) = mpsc::channel(AHEAD);
    let count = Arc::clone(count);
    tokio::task::spawn_blocking(move || {
        let failed = |error: io::Error| Error::Storage(format!("{}: {error}", path.display()));
        let mut file = match open(&path, &count) {
            Ok(file) => file,
            Err(error) => return drop(sender.blocking_send(Err(failed(error)))),
        };
        loop {
            let piece = file.fill_buf().map(Bytes::copy_from_slice).map_err(failed);
            let length = piece.as_ref().map_or(0, Bytes::len);
            let ended = length == 0;
            if (piece.is_err() || !ended) && sender.blocking_send(piece).is_err() {
                return;
            }
            if ended {
                return;
            }
            file.consume(length);
        }
    });
    futures::stream::unfold(receiver, |mut receiver| async {
        Some((receiver.recv().await?, receiver))
    })
    .boxed()
}

/// A hash of the file's bytes as they are.
pub(crate) fn hash(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; PIECE];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(hasher.finalize().to_hex().to_string());
        }
        hasher.update(&buffer[..read]);
    }
}
