//! Zip archives, by the `zip` crate.

use std::cell::Cell;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::rc::Rc;

use ::zip::ZipArchive;
use ::zip::result::ZipError;

use super::{Budget, Input, MAX_NAME, MAX_ZIP_DIRECTORY, Member, Metered, broken, link};
use crate::ingest::failure::{Failure, code};

pub(super) fn read(
    file: Box<dyn Input>,
    budget: &mut Budget,
    visit: &mut dyn FnMut(Member<'_>) -> ControlFlow<()>,
) -> Result<(), Failure> {
    let gate = Rc::new(Cell::new(Some(MAX_ZIP_DIRECTORY)));
    let gated = Gated {
        file,
        left: Rc::clone(&gate),
    };
    let mut archive = match ZipArchive::new(BufReader::with_capacity(64 << 10, gated)) {
        Ok(archive) => archive,
        Err(error) => return Err(failure(error)),
    };
    gate.set(None);
    for index in 0..archive.len() {
        let (name, size, skip, linked) = match archive.by_index_data(index) {
            Ok(entry) => (
                entry.name_raw().to_vec(),
                entry.size(),
                entry.is_dir(),
                entry.is_symlink(),
            ),
            Err(error) => return Err(failure(error)),
        };
        if skip {
            continue;
        }
        let flow = match archive.by_index(index) {
            _ if linked => visit(Member {
                name: &name[..name.len().min(MAX_NAME)],
                size: None,
                content: Err(link()),
            }),
            _ if name.len() > MAX_NAME => visit(Member {
                name: &name[..MAX_NAME],
                size: Some(size),
                content: Err(Failure::new(
                    code::ARCHIVE_BROKEN,
                    format!("its name is longer than {MAX_NAME} bytes"),
                )),
            }),
            Ok(member) => {
                let mut content = Metered {
                    inner: member,
                    budget: &mut *budget,
                };
                visit(Member {
                    name: &name,
                    size: Some(size),
                    content: Ok(&mut content),
                })
            }
            Err(error) => visit(Member {
                name: &name,
                size: Some(size),
                content: Err(failure(error)),
            }),
        };
        if flow.is_break() || budget.exhausted {
            return Ok(());
        }
    }
    Ok(())
}

fn failure(error: ZipError) -> Failure {
    match error {
        ZipError::Io(error) => broken(&error),
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) | ZipError::InvalidPassword => {
            Failure::new(
                code::MEMBER_UNSUPPORTED,
                "it is encrypted; unpack it with its password first",
            )
        }
        ZipError::CompressionMethodNotSupported(method) => Failure::new(
            code::MEMBER_UNSUPPORTED,
            format!("zip compression method {method} is not read; only stored and deflated members are"),
        ),
        ZipError::UnsupportedArchive(what) => Failure::new(code::MEMBER_UNSUPPORTED, what),
        other => Failure::new(
            code::ARCHIVE_BROKEN,
            format!("the archive is damaged or cut short: {other}"),
        ),
    }
}

/// A file that gives out a bounded number of bytes while the directory is being read: the directory's entries are kept
/// in memory, at several times their size.
pub(super) struct Gated {
    pub(super) file: Box<dyn Input>,
    pub(super) left: Rc<Cell<Option<u64>>>,
}

impl Read for Gated {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read(buf)?;
        if let Some(left) = self.left.get() {
            let left = left.checked_sub(n as u64).ok_or_else(|| {
                io::Error::other(format!(
                    "its directory is larger than {MAX_ZIP_DIRECTORY} bytes; unpack it first"
                ))
            })?;
            self.left.set(Some(left));
        }
        Ok(n)
    }
}

impl Seek for Gated {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}
