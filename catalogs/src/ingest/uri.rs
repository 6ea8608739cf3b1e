//! How a file that was offered is named in `source_uri` and `imaging.files.uri`.
//!
//! A file is its absolute path as a `file` URL: `file:///data/ct/1.dcm`. A member of an archive is the archive's URL,
//! `!/`, and the member's path: `file:///data/export.zip!/ct/1.dcm` (the form of Java's `jar:` URLs). Bytes outside
//! RFC 3986's path characters are percent-encoded, and so is `!` itself, so that the first `!/` always ends the
//! archive's name. Paths need not be UTF-8.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The `file` URL of an absolute path.
pub(crate) fn of_file(path: &Path) -> String {
    let mut uri = String::with_capacity(64);
    uri.push_str("file://");
    encode(&path_bytes(path), &mut uri);
    uri
}

/// The URI of `member` (the bytes of its path, `/` between folders) in the archive at `archive`.
pub(crate) fn of_member(archive: &str, member: &[u8]) -> String {
    let mut uri = String::with_capacity(archive.len() + member.len() + 2);
    uri.push_str(archive);
    uri.push_str("!/");
    let start = member.iter().take_while(|b| **b == b'/').count();
    encode(&member[start..], &mut uri);
    uri
}

/// The URL of an object in the bucket of that URL.
pub(crate) fn of_object(bucket: &str, key: &str) -> String {
    let mut uri = String::with_capacity(bucket.len() + key.len() + 1);
    uri.push_str(bucket);
    uri.push('/');
    encode(key.as_bytes(), &mut uri);
    uri
}

/// The file that a URI names, of a member the archive's; `None` if it is no file of this file system.
pub(crate) fn to_path(uri: &str) -> Option<PathBuf> {
    let file = uri.split_once("!/").map_or(uri, |(archive, _)| archive);
    url::Url::parse(file).ok()?.to_file_path().ok()
}

/// Whether nothing is where a URI says: the system knows that there is nothing. What cannot be looked at is not gone.
pub(crate) fn is_gone(uri: &str) -> bool {
    to_path(uri).is_some_and(|path| {
        matches!(
            std::fs::symlink_metadata(path).map_err(|error| error.kind()),
            Err(ErrorKind::NotFound | ErrorKind::NotADirectory)
        )
    })
}

#[cfg(unix)]
fn path_bytes(path: &Path) -> Vec<u8> {
    use std::os::unix::ffi::OsStrExt;
    path.as_os_str().as_bytes().to_vec()
}

#[cfg(not(unix))]
fn path_bytes(path: &Path) -> Vec<u8> {
    let mut text = path.to_string_lossy().replace('\\', "/");
    if !text.starts_with('/') {
        text.insert(0, '/');
    }
    text.into_bytes()
}

fn encode(bytes: &[u8], out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for &b in bytes {
        let plain = b.is_ascii_alphanumeric() || b"/-._~$&'()*+,;=:@".contains(&b);
        if plain {
            out.push(char::from(b));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(b >> 4)]));
            out.push(char::from(HEX[usize::from(b & 15)]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_urls() {
        assert_eq!(
            of_file(Path::new("/a b/ü!/c%.dcm")),
            "file:///a%20b/%C3%BC%21/c%25.dcm"
        );
        assert_eq!(
            url::Url::parse(&of_file(Path::new("/a b/ü!/c%.dcm")))
                .unwrap()
                .to_file_path()
                .unwrap(),
            Path::new("/a b/ü!/c%.dcm")
        );
        assert_eq!(
            of_member("file:///x.zip", b"/a/b!.dcm"),
            "file:///x.zip!/a/b%21.dcm"
        );
        assert_eq!(of_member("file:///x.zip", &[0xFF, b'#']), "file:///x.zip!/%FF%23");
    }
}
