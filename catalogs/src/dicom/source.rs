//! Where a header's bytes come from: a file, a stream, a member of an archive.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

/// A forward reader of bytes. The header reader asks for no more than it needs to reach Pixel Data (rounded up to
/// blocks), and skips what it will not keep.
pub trait HeaderSource {
    /// Reads up to `buf.len()` bytes; 0 means the end.
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize>;

    /// Passes over up to `n` bytes and tells how many there were; fewer than `n` means the end.
    fn skip(&mut self, n: u64) -> io::Result<u64> {
        let mut trash = [0; 8192];
        let mut left = n;
        while left > 0 {
            let want = usize::try_from(left).map_or(trash.len(), |left| left.min(trash.len()));
            match self.read(&mut trash[..want]) {
                Ok(0) => break,
                Ok(got) => left -= got as u64,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(n - left)
    }

    /// Bytes in all, if known beforehand; with it a length that reaches beyond the end is refused before anything is read.
    fn size(&self) -> Option<u64>;
}

/// A file, read from its start; what is passed over is not read.
#[derive(Debug)]
pub struct FileSource<R = File> {
    file: R,
    size: u64,
}

impl FileSource {
    /// Opens a file.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        Ok(Self { file, size })
    }
}

impl<R: Read + Seek> FileSource<R> {
    /// Takes an open file, positioned at its start, and its size in bytes.
    pub fn new(file: R, size: u64) -> Self {
        Self { file, size }
    }
}

impl<R: Read + Seek> HeaderSource for FileSource<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.file.read(buf)
    }

    fn skip(&mut self, n: u64) -> io::Result<u64> {
        let here = self.file.stream_position()?;
        let n = n.min(self.size.saturating_sub(here));
        self.file.seek(SeekFrom::Start(here + n))?;
        Ok(n)
    }

    fn size(&self) -> Option<u64> {
        Some(self.size)
    }
}

/// Bytes in memory.
#[derive(Debug, Clone)]
pub struct BytesSource<'a> {
    left: &'a [u8],
    size: u64,
}

impl<'a> BytesSource<'a> {
    /// Reads from a slice that holds the whole file.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self {
            left: bytes,
            size: bytes.len() as u64,
        }
    }
}

impl HeaderSource for BytesSource<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.left.len().min(buf.len());
        let (head, tail) = self.left.split_at(n);
        buf[..n].copy_from_slice(head);
        self.left = tail;
        Ok(n)
    }

    fn skip(&mut self, n: u64) -> io::Result<u64> {
        let n = usize::try_from(n).map_or(self.left.len(), |n| n.min(self.left.len()));
        self.left = &self.left[n..];
        Ok(n as u64)
    }

    fn size(&self) -> Option<u64> {
        Some(self.size)
    }
}

/// Any reader: a member of an archive, a socket. Give the size if the archive tells it.
#[derive(Debug)]
pub struct StreamSource<R> {
    inner: R,
    size: Option<u64>,
}

impl<R: Read> StreamSource<R> {
    /// Reads from `inner`, which is positioned at the start of the file.
    pub fn new(inner: R, size: Option<u64>) -> Self {
        Self { inner, size }
    }

    /// Gives the reader back, positioned wherever reading the header left it.
    pub fn into_inner(self) -> R {
        self.inner
    }
}

impl<R: Read> HeaderSource for StreamSource<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buf)
    }

    fn size(&self) -> Option<u64> {
        self.size
    }
}
