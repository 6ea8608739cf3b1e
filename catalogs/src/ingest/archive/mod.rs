//! Archives are read member by member, as streams: nothing is unpacked to disk, nor a member held in memory.
//!
//! What an archive may cost is bounded: a zip's directory by [`MAX_ZIP_DIRECTORY`], names by [`MAX_NAME`], and all that
//! is inflated by [`inflation_limit`]. An archive within an archive is not descended into.

mod tar;
mod zip;

use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::path::Path;

use bzip2::read::MultiBzDecoder;
use flate2::read::MultiGzDecoder;
use lzma_rust2::XzReader;

use super::failure::{Failure, code};

/// Bytes of a zip's central directory that are read: some million members. A larger one is refused.
pub(crate) const MAX_ZIP_DIRECTORY: u64 = 128 << 20;
/// Bytes of a member's path.
pub(crate) const MAX_NAME: usize = 4096;
/// Bytes at the start of a file that [`sniff`] looks at.
pub(crate) const SNIFF: usize = 512;

/// What a file is, judged by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Not an archive: for the DICOM reader.
    Plain,
    Zip,
    Tar,
    /// A tar archive, or one file, packed by gzip.
    Gzip,
    /// The same, packed by xz.
    Xz,
    /// The same, packed by bzip2.
    Bzip2,
    /// The same, packed by Zstandard.
    Zstd,
    /// A list of image and label volumes. Nothing in its bytes says so: whoever offers it does.
    Pairs,
}

/// Judges by content alone. Formats that we do not read (7z, rar) count as plain: no DICOM either.
pub(crate) fn sniff(head: &[u8]) -> Kind {
    if head.get(128..132) == Some(b"DICM") {
        return Kind::Plain;
    }
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        Kind::Zip
    } else if head.starts_with(&[0x1F, 0x8B, 0x08]) {
        Kind::Gzip
    } else if head.starts_with(b"\xFD7zXZ\0") {
        Kind::Xz
    } else if head.starts_with(b"BZh") && head.get(4..10) == Some(&[0x31, 0x41, 0x59, 0x26, 0x53, 0x59]) {
        Kind::Bzip2
    } else if head.starts_with(&[0x28, 0xB5, 0x2F, 0xFD]) {
        Kind::Zstd
    } else if tar::is_header(head) {
        Kind::Tar
    } else {
        Kind::Plain
    }
}

/// What files are read from: of this machine, or of a bucket.
pub(crate) trait Input: Read + Seek {}

impl<T: Read + Seek> Input for T {}

/// A member while it is being visited.
pub(crate) struct Member<'a> {
    /// Its path as the archive has it; not to be trusted as a path.
    pub(crate) name: &'a [u8],
    /// Its size as the archive has it.
    pub(crate) size: Option<u64>,
    /// Its bytes, or why there are none.
    pub(crate) content: Result<&'a mut dyn Read, Failure>,
}

/// Visits the members of an archive in its own order, until `visit` breaks off.
///
/// # Errors
/// What stops the reading before the archive's end. Members visited by then stay visited.
pub(crate) fn read(
    kind: Kind,
    file: Box<dyn Input>,
    size: u64,
    path: &Path,
    visit: &mut dyn FnMut(Member<'_>) -> ControlFlow<()>,
) -> Result<(), Failure> {
    let mut budget = Budget {
        left: inflation_limit(size),
        exhausted: false,
    };
    let result = match kind {
        Kind::Plain | Kind::Pairs => Ok(()),
        Kind::Zip => zip::read(file, &mut budget, visit),
        Kind::Tar => tar::read(&mut BufReader::with_capacity(64 << 10, file), visit),
        Kind::Gzip | Kind::Xz | Kind::Bzip2 | Kind::Zstd => packed(kind, file, path, &mut budget, visit),
    };
    if budget.exhausted {
        let limit = inflation_limit(size);
        return Err(Failure::new(
            code::ARCHIVE_BOMB,
            format!(
                "expands to more than {limit} bytes, more than {size} bytes can honestly hold; reading stopped there"
            ),
        ));
    }
    result
}

/// Bytes that an archive of `size` bytes may inflate to. Deflate packs at most 1032:1, so that only a zip whose members
/// share their bytes, or a lie, comes near.
fn inflation_limit(size: u64) -> u64 {
    size.saturating_mul(1100).saturating_add(64 << 20)
}

/// Memory that unpacking xz or Zstandard may ask for: what their strongest usual settings need.
const MAX_WINDOW: u32 = 27;

/// What a packed file holds.
fn unpack<'f>(kind: Kind, file: impl Read + 'f) -> io::Result<Box<dyn Read + 'f>> {
    let file = BufReader::with_capacity(64 << 10, file);
    Ok(match kind {
        Kind::Xz => Box::new(XzReader::new_mem_limit(file, true, 1 << (MAX_WINDOW - 9))),
        Kind::Bzip2 => Box::new(MultiBzDecoder::new(file)),
        Kind::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(file)?;
            decoder.window_log_max(MAX_WINDOW)?;
            Box::new(decoder)
        }
        _ => Box::new(MultiGzDecoder::new(file)),
    })
}

fn packed(
    kind: Kind,
    mut file: Box<dyn Input>,
    path: &Path,
    budget: &mut Budget,
    visit: &mut dyn FnMut(Member<'_>) -> ControlFlow<()>,
) -> Result<(), Failure> {
    let mut head = Vec::with_capacity(SNIFF);
    let mut probe = unpack(kind, &mut file)
        .map_err(|e| broken(&e))?
        .take(SNIFF as u64);
    probe.read_to_end(&mut head).map_err(|e| broken(&e))?;
    drop(probe);
    file.seek(SeekFrom::Start(0)).map_err(|e| Failure::of_io(&e))?;
    let inflated = unpack(kind, file).map_err(|e| broken(&e))?;
    let mut inflated = Metered {
        inner: inflated,
        budget,
    };
    if tar::is_header(&head) {
        return tar::read(&mut inflated, visit);
    }
    // One file, packed: it keeps its name without the suffix.
    let name = path
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let _ = visit(Member {
        name: name.as_bytes(),
        size: None,
        content: Ok(&mut inflated),
    });
    Ok(())
}

/// A member that is a link: what it leads to is a member, and has its own row, or lies outside the archive.
fn link() -> Failure {
    Failure::new(
        code::LINK_MEMBER,
        "a link; the member that it leads to has a row of its own if the archive has it",
    )
}

/// An error while decoding: of the file system if that says so, else the archive's own.
fn broken(error: &io::Error) -> Failure {
    if error.raw_os_error().is_some() {
        return Failure::of_io(error);
    }
    Failure::new(
        code::ARCHIVE_BROKEN,
        format!("the archive is damaged or cut short: {error}"),
    )
}

/// Inflated bytes that are left to an archive.
struct Budget {
    left: u64,
    exhausted: bool,
}

/// Counts what is read against the budget and fails when it is used up.
struct Metered<'b, R> {
    inner: R,
    budget: &'b mut Budget,
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        match self.budget.left.checked_sub(n as u64) {
            Some(left) => {
                self.budget.left = left;
                Ok(n)
            }
            None => {
                self.budget.exhausted = true;
                Err(io::Error::other("the archive expands beyond its limit"))
            }
        }
    }
}

#[cfg(test)]
mod tests;
