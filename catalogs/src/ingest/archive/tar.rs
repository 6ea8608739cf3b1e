//! Tar archives: ustar, GNU and pax names, read strictly forward.
//!
//! The header's fields are the `tar` crate's; the loop is ours, because that crate reads long names and extended
//! headers into memory whatever their size.

use std::io::{self, Read};
use std::ops::ControlFlow;

use ::tar::{EntryType, Header};

use super::{MAX_NAME, Member, broken, link};
use crate::ingest::failure::{Failure, code};

const BLOCK: usize = 512;
/// Bytes of one extended header that are read; honest ones have a few hundred.
const MAX_EXTENDED: u64 = 1 << 20;

/// Whether `head` starts with a tar header: its checksum, octal in bytes 148 to 155, says so.
pub(super) fn is_header(head: &[u8]) -> bool {
    let Some(block) = head.get(..BLOCK) else {
        return false;
    };
    let header = Header::from_byte_slice(block);
    let sum: u32 = (0..BLOCK)
        .map(|i| {
            if (148..156).contains(&i) {
                32
            } else {
                u32::from(block[i])
            }
        })
        .sum();
    // A block of zeros is none: its sum is 256, and its field says nothing.
    header.cksum().is_ok_and(|stated| stated == sum)
}

/// What an extended header says of the next member.
#[derive(Default)]
pub(super) struct Extended {
    name: Option<Vec<u8>>,
    size: Option<u64>,
}

pub(super) fn read(
    input: &mut dyn Read,
    visit: &mut dyn FnMut(Member<'_>) -> ControlFlow<()>,
) -> Result<(), Failure> {
    let mut next = Extended::default();
    let mut block = [0u8; BLOCK];
    loop {
        match fill(input, &mut block).map_err(|e| broken(&e))? {
            // Some writers leave the two blocks of zeros away.
            0 => return Ok(()),
            BLOCK if block.iter().all(|b| *b == 0) => return Ok(()),
            BLOCK if is_header(&block) => {}
            _ => return Err(damaged("a member's header is damaged or cut short")),
        }
        let header = Header::from_byte_slice(&block);
        let kind = header.entry_type();
        let stated = header.entry_size().map_err(|e| broken(&e))?;
        match kind {
            EntryType::GNULongName
            | EntryType::XHeader
            | EntryType::XGlobalHeader
            | EntryType::GNULongLink => {
                let bytes = small(input, stated)?;
                match kind {
                    EntryType::GNULongName => {
                        let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
                        next.name = Some(bytes[..end].to_vec());
                    }
                    EntryType::XHeader => pax(&bytes, &mut next)?,
                    _ => {}
                }
            }
            _ => {
                let extended = std::mem::take(&mut next);
                let size = extended.size.unwrap_or(stated);
                let name = extended.name.unwrap_or_else(|| header.path_bytes().into_owned());
                if member(input, kind, &name, size, visit)?.is_break() {
                    return Ok(());
                }
            }
        }
    }
}

fn member(
    input: &mut dyn Read,
    kind: EntryType,
    name: &[u8],
    size: u64,
    visit: &mut dyn FnMut(Member<'_>) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, Failure> {
    // Links and devices have no data of their own, whatever their size field says (as GNU tar reads them).
    let data =
        if matches!(kind, EntryType::Link | EntryType::Symlink | EntryType::Directory) || kind.is_fifo() {
            0
        } else {
            size
        };
    let mut content = input.take(data);
    let flow = match kind {
        EntryType::Directory => ControlFlow::Continue(()),
        _ if name.len() > MAX_NAME => {
            let failure = Failure::new(
                code::ARCHIVE_BROKEN,
                format!("its name is longer than {MAX_NAME} bytes"),
            );
            visit(Member {
                name: &name[..MAX_NAME],
                size: Some(size),
                content: Err(failure),
            })
        }
        EntryType::Regular | EntryType::Continuous => visit(Member {
            name,
            size: Some(size),
            content: Ok(&mut content),
        }),
        EntryType::Link | EntryType::Symlink => visit(Member {
            name,
            size: None,
            content: Err(link()),
        }),
        EntryType::GNUSparse => {
            let failure = Failure::new(code::MEMBER_UNSUPPORTED, "a sparse member of a GNU tar archive");
            visit(Member {
                name,
                size: Some(size),
                content: Err(failure),
            })
        }
        _ => {
            let failure = Failure::new(code::SPECIAL_FILE, "a device or pipe, not a regular file");
            visit(Member {
                name,
                size: Some(size),
                content: Err(failure),
            })
        }
    };
    if flow.is_break() {
        return Ok(flow);
    }
    // What the visitor left unread, then the padding to a whole block.
    let left = content.limit();
    skip(input, left)?;
    skip(input, padding(data))?;
    Ok(flow)
}

fn padding(size: u64) -> u64 {
    (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64
}

fn skip(input: &mut dyn Read, n: u64) -> Result<(), Failure> {
    let passed = io::copy(&mut input.take(n), &mut io::sink()).map_err(|e| broken(&e))?;
    if passed < n {
        Err(damaged("a member is cut short"))
    } else {
        Ok(())
    }
}

/// The content of an extended header, and its padding.
fn small(input: &mut dyn Read, size: u64) -> Result<Vec<u8>, Failure> {
    if size > MAX_EXTENDED {
        return Err(damaged("an extended header claims more than a mebibyte"));
    }
    let mut bytes = Vec::new();
    input.take(size).read_to_end(&mut bytes).map_err(|e| broken(&e))?;
    if (bytes.len() as u64) < size {
        return Err(damaged("an extended header is cut short"));
    }
    skip(input, padding(size))?;
    Ok(bytes)
}

/// Records `LENGTH KEY=VALUE\n` of POSIX.1-2001 pax, where LENGTH counts the whole record.
pub(super) fn pax(mut bytes: &[u8], next: &mut Extended) -> Result<(), Failure> {
    while !bytes.is_empty() {
        let record = bytes
            .iter()
            .position(|b| *b == b' ')
            .and_then(|space| {
                std::str::from_utf8(&bytes[..space])
                    .ok()?
                    .parse::<usize>()
                    .ok()
                    .map(|n| (space, n))
            })
            .and_then(|(space, n)| bytes.get(space + 1..n.checked_sub(1)?).map(|record| (n, record)));
        let Some((n, record)) = record else {
            return Err(damaged("an extended header is malformed"));
        };
        if let Some(name) = record.strip_prefix(b"path=") {
            next.name = Some(name.to_vec());
        } else if let Some(size) = record.strip_prefix(b"size=") {
            let size = std::str::from_utf8(size).ok().and_then(|s| s.parse().ok());
            next.size = Some(size.ok_or_else(|| damaged("an extended header is malformed"))?);
        }
        bytes = &bytes[n.min(bytes.len())..];
    }
    Ok(())
}

fn damaged(what: &str) -> Failure {
    Failure::new(
        code::ARCHIVE_BROKEN,
        format!("the archive is damaged or cut short: {what}"),
    )
}

/// Reads a whole block, or as much as there is.
fn fill(input: &mut dyn Read, block: &mut [u8; BLOCK]) -> io::Result<usize> {
    let mut n = 0;
    while n < BLOCK {
        match input.read(&mut block[n..]) {
            Ok(0) => break,
            Ok(got) => n += got,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(n)
}
