//! The bytes of an image's instance as they are read: the header at once, voxels when somebody goes on reading.

use std::io::{self, Read};

use radlake_volumes::VolumeFile;

use super::invalid;

/// Values that are converted at a time.
const CHUNK: usize = 16 << 10;

/// Header, then Float Pixel Data.
pub(super) struct Image<F> {
    header: io::Cursor<Vec<u8>>,
    voxels: usize,
    load: Option<F>,
    volume: Option<VolumeFile>,
    /// Values that were converted.
    done: usize,
    chunk: Vec<u8>,
    /// Bytes of `chunk` that were read.
    at: usize,
}

impl<F: FnOnce() -> io::Result<VolumeFile>> Image<F> {
    /// `load` gives a volume of `voxels`.
    pub(super) fn new(mut header: Vec<u8>, voxels: usize, load: F) -> Self {
        // PS3.5 7.1.2: OF has a length of 32 bits. A grid has 2^29 voxels at most.
        header.extend_from_slice(b"\xE0\x7F\x08\x00OF\0\0");
        header.extend_from_slice(&(voxels as u32).saturating_mul(4).to_le_bytes());
        Self {
            header: io::Cursor::new(header),
            voxels,
            load: Some(load),
            volume: None,
            done: 0,
            chunk: Vec::new(),
            at: 0,
        }
    }
}

impl<F: FnOnce() -> io::Result<VolumeFile>> Read for Image<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.header.read(buffer)?;
        if n > 0 || buffer.is_empty() {
            return Ok(n);
        }
        if let Some(load) = self.load.take() {
            let volume = load()?;
            if volume.samples.len() != self.voxels {
                return Err(invalid("it changed while it was read"));
            }
            self.volume = Some(volume);
        }
        let Some(volume) = &self.volume else {
            return Err(invalid("it could not be read before"));
        };
        if self.at == self.chunk.len() {
            let next = (self.voxels - self.done).min(CHUNK);
            self.chunk.resize(4 * next, 0);
            self.done += volume
                .samples
                .write_f32(self.done, volume.slope, volume.intercept, &mut self.chunk);
            self.at = 0;
        }
        let n = (&self.chunk[self.at..]).read(buffer)?;
        self.at += n;
        Ok(n)
    }
}
