//! Whole files by the URIs that ingestion gave them: of this machine, of archives, of buckets.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::PathBuf;

use url::Url;

use super::archive::{self, Input, Kind, Member, SNIFF};
use super::bucket;
use super::failure::{Failure, code};
use super::walk;
use super::{pairs, uri};

/// Reads files whole, each archive among their places once. `each` gets the number of a URI and its bytes, or why there are none, in no
/// promised order, and may break off. What is not found at its place is told too: every number comes, or nothing more after a break.
///
/// Memory: one file of at most `limit` bytes. Blocking: to be called where waiting is allowed.
pub(crate) fn read_contents(
    uris: &[&str],
    limit: u64,
    each: &mut dyn FnMut(usize, Result<Vec<u8>, Failure>) -> ControlFlow<()>,
) {
    let mut plain = Vec::new();
    let mut archives: BTreeMap<&str, BTreeMap<&str, Vec<usize>>> = BTreeMap::new();
    for (number, uri) in uris.iter().enumerate() {
        match uri.split_once("!/") {
            None => plain.push(number),
            Some((archive, _)) => archives
                .entry(archive)
                .or_default()
                .entry(*uri)
                .or_default()
                .push(number),
        }
    }
    for number in plain {
        if each(number, whole(uris[number], limit)).is_break() {
            return;
        }
    }
    for (archive, mut wanted) in archives {
        if members(archive, &mut wanted, limit, each).is_break() {
            return;
        }
    }
}

fn whole(uri: &str, limit: u64) -> Result<Vec<u8>, Failure> {
    let (mut file, size) = open(uri).map_err(|error| Failure::of_io(&error))?;
    bounded(&mut *file, Some(size), limit)
}

/// The members of one archive that are wanted; they are taken out of `wanted` as they come.
fn members(
    archive: &str,
    wanted: &mut BTreeMap<&str, Vec<usize>>,
    limit: u64,
    each: &mut dyn FnMut(usize, Result<Vec<u8>, Failure>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let mut flow = ControlFlow::Continue(());
    let missing = match visit(archive, wanted, limit, each, &mut flow) {
        Ok(()) => Failure::new(code::VANISHED, "the archive does not have it any more"),
        Err(failure) => failure,
    };
    flow?;
    for number in wanted.values().flatten() {
        each(*number, Err(missing.clone()))?;
    }
    ControlFlow::Continue(())
}

fn visit(
    archive: &str,
    wanted: &mut BTreeMap<&str, Vec<usize>>,
    limit: u64,
    each: &mut dyn FnMut(usize, Result<Vec<u8>, Failure>) -> ControlFlow<()>,
    flow: &mut ControlFlow<()>,
) -> Result<(), Failure> {
    let (mut file, size) = open(archive).map_err(|error| Failure::of_io(&error))?;
    let mut head = Vec::with_capacity(SNIFF);
    Read::take(&mut *file, SNIFF as u64)
        .read_to_end(&mut head)
        .and_then(|_| file.seek(io::SeekFrom::Start(0)))
        .map_err(|error| Failure::of_io(&error))?;
    let kind = archive::sniff(&head);
    let path = PathBuf::from(archive.rsplit_once('/').map_or(archive, |(_, name)| name));
    let mut take = |member: Member<'_>| {
        let Some(numbers) = wanted.remove(uri::of_member(archive, member.name).as_str()) else {
            return ControlFlow::Continue(());
        };
        let bytes = member
            .content
            .and_then(|content| bounded(content, member.size, limit));
        for number in numbers {
            if each(number, bytes.clone()).is_break() {
                *flow = ControlFlow::Break(());
                return ControlFlow::Break(());
            }
        }
        match wanted.is_empty() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    };
    match (kind, uri::to_path(archive)) {
        // What has members and is no archive is a list of volumes.
        (Kind::Plain, Some(list)) => pairs::read(&list, &mut take),
        (Kind::Plain, None) => Err(Failure::new(code::VANISHED, "it is no archive any more")),
        _ => archive::read(kind, file, size, &path, &mut take),
    }
}

fn bounded(from: &mut dyn Read, size: Option<u64>, limit: u64) -> Result<Vec<u8>, Failure> {
    let too_large = || {
        let reason = format!("it is larger than the {limit} bytes that are read of one file");
        Failure::new(code::IO_ERROR, reason)
    };
    if size.is_some_and(|size| size > limit) {
        return Err(too_large());
    }
    // What a file says of its size is a hint: memory follows the bytes that come.
    let hint = size.unwrap_or_default().min(64 << 20);
    let mut bytes = Vec::with_capacity(usize::try_from(hint).unwrap_or_default());
    from.take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::of_io(&error))?;
    match bytes.len() as u64 > limit {
        true => Err(too_large()),
        false => Ok(bytes),
    }
}

/// The file of a URI without a member, and its size.
fn open(uri: &str) -> io::Result<(Box<dyn Input>, u64)> {
    if let Some(path) = uri::to_path(uri) {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                "it is no regular file any more",
            ));
        }
        return Ok((Box::new(file), metadata.len()));
    }
    if walk::bucket_url(uri.as_ref())?.is_none() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "its place is no file and no bucket",
        ));
    }
    let url = Url::parse(uri).map_err(io::Error::other)?;
    let (ranges, size) = bucket::open_object(&url)?;
    Ok((Box::new(ranges), size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_where_ingestion_named_them() {
        let dir = tempfile::tempdir().unwrap();
        let plain = dir.path().join("a b!.dcm");
        std::fs::write(&plain, b"plain").unwrap();
        let packed = dir.path().join("all.tar");
        let mut tar = tar::Builder::new(File::create(&packed).unwrap());
        for (name, bytes) in [("x/1", &b"one"[..]), ("x/2", b"two"), ("x/3", b"three")] {
            let mut header = tar::Header::new_ustar();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o600);
            header.set_cksum();
            tar.append_data(&mut header, name, bytes).unwrap();
        }
        tar.finish().unwrap();
        let archive = uri::of_file(&packed);
        let uris = [
            uri::of_member(&archive, b"x/3"),
            uri::of_file(&plain),
            uri::of_member(&archive, b"x/1"),
            uri::of_member(&archive, b"x/9"),
            uri::of_file(&dir.path().join("gone")),
            uri::of_member(&archive, b"x/1"),
        ];
        let all: Vec<&str> = uris.iter().map(String::as_str).collect();
        let read = |limit| {
            let mut found = BTreeMap::new();
            read_contents(&all, limit, &mut |number, bytes| {
                let told = bytes.map(|b| String::from_utf8(b).unwrap()).map_err(|f| f.code);
                assert!(found.insert(number, told).is_none());
                ControlFlow::Continue(())
            });
            found.into_values().collect::<Vec<_>>()
        };
        let text = |text: &str| Ok(text.to_owned());
        assert_eq!(
            read(100),
            [
                text("three"),
                text("plain"),
                text("one"),
                Err(code::VANISHED),
                Err(code::VANISHED),
                text("one")
            ]
        );
        assert_eq!(
            read(3)[0..3],
            [Err(code::IO_ERROR), Err(code::IO_ERROR), text("one")]
        );
    }
}
