//! Streams that count and hash what passes.

use std::io::{self, Read};

use crate::dicom::HeaderSource;

/// Counts the bytes that the header reader asks for, and those it passes over.
pub(super) struct Counting<S> {
    pub(super) inner: S,
    pub(super) read: u64,
    passed: u64,
}

impl<S: HeaderSource> Counting<S> {
    pub(super) fn new(inner: S) -> Self {
        Self {
            inner,
            read: 0,
            passed: 0,
        }
    }

    /// Passes over the rest and tells how many bytes there were in all.
    pub(super) fn all(&mut self) -> Option<u64> {
        self.skip(u64::MAX).ok()?;
        Some(self.read + self.passed)
    }
}

impl<S: HeaderSource> HeaderSource for Counting<S> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.read += n as u64;
        Ok(n)
    }

    fn skip(&mut self, n: u64) -> io::Result<u64> {
        let n = self.inner.skip(n)?;
        self.passed += n;
        Ok(n)
    }

    fn size(&self) -> Option<u64> {
        self.inner.size()
    }
}

/// A member of an archive: the bytes looked at already, then the rest, counted and, if asked for, hashed.
pub(super) struct Tee<'a> {
    pub(super) head: &'a [u8],
    pub(super) inner: &'a mut dyn Read,
    pub(super) read: u64,
    pub(super) hasher: Option<blake3::Hasher>,
}

impl Tee<'_> {
    /// Reads what is left if that is to be hashed.
    pub(super) fn finish(&mut self) -> io::Result<Option<String>> {
        if self.hasher.is_none() {
            return Ok(None);
        }
        io::copy(self, &mut io::sink())?;
        Ok(self.hasher.as_ref().map(|h| h.finalize().to_hex().to_string()))
    }
}

impl Read for Tee<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = if self.head.is_empty() {
            self.inner.read(buf)?
        } else {
            self.head.read(buf)?
        };
        self.read += n as u64;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&buf[..n]);
        }
        Ok(n)
    }
}
