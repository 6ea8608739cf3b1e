//! Finds the files to offer: folders are walked in the order of their names, links are followed (never in a circle),
//! and whatever cannot be read becomes an offer that says why.

use std::fs::{FileType, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use url::Url;
use walkdir::{DirEntry, WalkDir};

use super::bucket::{Bucket, Object};
use super::failure::{Failure, code};
use super::{pairs, uri};

/// One file found by [`walk`].
#[derive(Debug)]
pub(crate) struct Offer {
    /// Its absolute path.
    pub(crate) path: PathBuf,
    /// `file` URL of the path.
    pub(crate) uri: String,
    /// Bytes; `None` where even that could not be learnt.
    pub(crate) size: Option<u64>,
    /// Modification time, microseconds since 1970-01-01T00:00:00Z.
    pub(crate) modified_us: Option<i64>,
    /// Where it is, if it is in a bucket.
    pub(crate) object: Option<Object>,
    /// Whether it is a list of image and label volumes.
    pub(crate) pairs: bool,
    /// Why it cannot be read; `None` for an ordinary file.
    pub(crate) failure: Option<Failure>,
}

/// Where a run begins.
#[derive(Debug, Clone)]
pub(crate) enum Root {
    Local(PathBuf),
    /// A list of image and label volumes.
    Pairs(PathBuf),
    Bucket(Arc<Bucket>),
}

/// The places of a run: those of this machine first, then buckets as they were given.
///
/// # Errors
/// A path that does not exist, a URL that is no bucket's.
pub(crate) fn places(paths: &[PathBuf], lake: Option<&Url>) -> io::Result<Vec<Root>> {
    let (mut local, mut buckets) = (Vec::new(), Vec::new());
    for path in paths {
        match bucket_url(path)? {
            Some(url) => buckets.push(url),
            None => local.push(path.clone()),
        }
    }
    let mut all: Vec<Root> = roots(&local)?.into_iter().map(Root::Local).collect();
    buckets.sort();
    buckets.dedup();
    for url in &buckets {
        // What is below another one is offered with that.
        let within = |other: &Url| {
            let other = other.as_str().trim_end_matches('/');
            url.as_str() != other
                && url
                    .as_str()
                    .strip_prefix(other)
                    .is_some_and(|rest| rest.len() > 1 && rest.starts_with('/'))
        };
        if !buckets.iter().any(within) {
            all.push(Root::Bucket(Arc::new(Bucket::open(url, lake)?)));
        }
    }
    Ok(all)
}

/// Lists of image and label volumes, each once.
///
/// # Errors
/// A list that is no file of this machine.
pub(crate) fn lists(paths: &[PathBuf]) -> io::Result<Vec<Root>> {
    let mut lists = Vec::with_capacity(paths.len());
    for path in paths {
        if bucket_url(path)?.is_some() {
            return Err(io::Error::new(
                io::ErrorKind::Unsupported,
                format!(
                    "{}: lists of volumes are files of this machine; download it and its volumes first",
                    path.display()
                ),
            ));
        }
        let path = existing(&local_path(path)?)?;
        if !path.is_file() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("{}: a list of volumes is a CSV file", path.display()),
            ));
        }
        lists.push(path);
    }
    lists.sort();
    lists.dedup();
    Ok(lists.into_iter().map(Root::Pairs).collect())
}

/// A list is as new as the newest of its volumes.
fn list_of_pairs(path: &Path) -> Offer {
    let looked = pairs::look(path);
    let (size, modified_us) = match &looked {
        Ok((size, modified)) => (Some(*size), *modified),
        Err(_) => (None, None),
    };
    Offer {
        path: path.to_owned(),
        uri: uri::of_file(path),
        size,
        modified_us,
        object: None,
        pairs: true,
        failure: looked.err(),
    }
}

/// The URL of a bucket, if it is one.
///
/// # Errors
/// A URL that is neither a file's nor a bucket's.
pub fn bucket_url(path: &Path) -> io::Result<Option<Url>> {
    const BUCKETS: &[&str] = &[
        "s3", "s3a", "az", "azure", "abfs", "abfss", "adl", "gs", "gcs", "memory",
    ];
    let text = path.to_string_lossy();
    match text.split_once("://") {
        Some((scheme, _)) if BUCKETS.contains(&scheme.to_ascii_lowercase().as_str()) => {
            let url = Url::parse(&text)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, format!("{text}: {error}")))?;
            Ok(Some(url))
        }
        _ => Ok(None),
    }
}

/// All files of the places, in a deterministic order.
pub(crate) fn offers(places: Vec<Root>, exclude: Option<PathBuf>) -> impl Iterator<Item = Offer> + Send {
    places
        .into_iter()
        .flat_map(move |place| -> Box<dyn Iterator<Item = Offer> + Send> {
            match place {
                Root::Local(path) => Box::new(walk(vec![path], exclude.clone())),
                Root::Pairs(list) => Box::new(std::iter::once(list_of_pairs(&list))),
                Root::Bucket(bucket) => Box::new(bucket.walk()),
            }
        })
}

/// The paths of a run as absolute paths, sorted, without those below another one: nothing is offered twice.
///
/// # Errors
/// A path that does not exist or is not a path of this file system: an operator's mistake, so nothing has happened yet.
pub(crate) fn roots(paths: &[PathBuf]) -> io::Result<Vec<PathBuf>> {
    let mut roots = Vec::with_capacity(paths.len());
    for path in paths {
        roots.push(existing(&local_path(path)?)?);
    }
    roots.sort();
    roots.dedup();
    let mut kept: Vec<PathBuf> = Vec::with_capacity(roots.len());
    for root in roots {
        if !kept.iter().any(|other| root.starts_with(other)) {
            kept.push(root);
        }
    }
    Ok(kept)
}

/// The path that an argument names: a path, or a `file` URL.
///
/// # Errors
/// Another URL, or a `file` URL of another machine.
pub fn local_path(path: &Path) -> io::Result<PathBuf> {
    let text = path.to_string_lossy();
    let Some((scheme, _)) = text.split_once("://") else {
        return Ok(path.to_owned());
    };
    let refused = |what: String| {
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            format!("{text}: {what}"),
        ))
    };
    if !scheme.eq_ignore_ascii_case("file") {
        return refused(format!(
            "sources are files of this machine and buckets (s3://, az://, gs://); download what is at {scheme}:// first"
        ));
    }
    match Url::parse(&text).ok().and_then(|url| url.to_file_path().ok()) {
        Some(path) => Ok(path),
        None => refused("is no path of this machine; file URLs are file:///path".to_owned()),
    }
}

fn existing(path: &Path) -> io::Result<PathBuf> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    let absolute = std::path::absolute(path).map_err(named)?;
    absolute.metadata().map_err(named)?;
    // `a/./b/../c` and `a/c` must be one name. Links stay: two names of a file are two files to an archive's owner.
    Ok(
        match absolute
            .components()
            .any(|part| part == std::path::Component::ParentDir)
        {
            true => absolute.canonicalize().map_err(named)?,
            false => absolute,
        },
    )
}

/// All files below `roots` in a deterministic order (by name, folder by folder). `exclude` (the lake itself) is left out.
///
/// Memory: the names of one folder per level; a folder of a million files costs some 200 MB while it is being listed.
pub(crate) fn walk(roots: Vec<PathBuf>, exclude: Option<PathBuf>) -> impl Iterator<Item = Offer> + Send {
    roots.into_iter().flat_map(move |root| {
        let exclude = exclude.clone();
        WalkDir::new(root)
            .follow_links(true)
            .sort_by_file_name()
            .into_iter()
            .filter_entry(move |entry| !is(entry, exclude.as_deref()))
            .filter_map(|entry| match entry {
                Ok(entry) if entry.file_type().is_dir() => None,
                Ok(entry) => Some(offer(&entry)),
                Err(error) => Some(unreadable(&error)),
            })
    })
}

/// Whether an entry is that folder, by whatever path.
fn is(entry: &DirEntry, folder: Option<&Path>) -> bool {
    let Some(folder) = folder else { return false };
    entry.path() == folder
        || (Some(entry.file_name()) == folder.file_name()
            && entry.file_type().is_dir()
            && folder
                .canonicalize()
                .is_ok_and(|folder| entry.path().canonicalize().is_ok_and(|path| path == folder)))
}

fn offer(entry: &DirEntry) -> Offer {
    let path = entry.path().to_path_buf();
    match entry.metadata() {
        Ok(metadata) => Offer {
            uri: uri::of_file(&path),
            path,
            size: Some(metadata.len()),
            modified_us: modified_us(&metadata),
            object: None,
            pairs: false,
            failure: special(metadata.file_type()),
        },
        Err(error) => unreadable(&error),
    }
}

/// Microseconds since the epoch, where the file system knows them.
pub(crate) fn modified_us(metadata: &Metadata) -> Option<i64> {
    let modified = metadata.modified().ok()?;
    match modified.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_micros()).ok(),
        Err(before) => i64::try_from(before.duration().as_micros()).ok().map(|us| -us),
    }
}

fn special(kind: FileType) -> Option<Failure> {
    if kind.is_file() {
        return None;
    }
    #[cfg(unix)]
    let what = {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_fifo() {
            "a named pipe"
        } else if kind.is_socket() {
            "a socket"
        } else {
            "a device"
        }
    };
    #[cfg(not(unix))]
    let what = "a special file";
    Some(Failure::new(
        code::SPECIAL_FILE,
        format!("{what}, not a regular file"),
    ))
}

fn unreadable(error: &walkdir::Error) -> Offer {
    let path = error.path().unwrap_or_else(|| Path::new("")).to_path_buf();
    let failure = match (error.loop_ancestor(), error.io_error()) {
        (Some(ancestor), _) => Failure::new(
            code::LINK_LOOP,
            format!(
                "a link back to {}, which is being read already",
                ancestor.display()
            ),
        ),
        (None, Some(io)) if io.kind() == io::ErrorKind::NotFound && path.is_symlink() => Failure::new(
            code::BROKEN_LINK,
            "a link to something that does not exist".to_owned(),
        ),
        (None, Some(io)) => Failure::of_io(io),
        (None, None) => Failure::new(code::IO_ERROR, "cannot be read".to_owned()),
    };
    Offer {
        uri: uri::of_file(&path),
        path,
        size: None,
        modified_us: None,
        object: None,
        pairs: false,
        failure: Some(failure),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn names(dir: &Path, offers: &[Offer]) -> Vec<(String, Option<&'static str>)> {
        offers
            .iter()
            .map(|o| {
                let name = o.path.strip_prefix(dir).unwrap().to_string_lossy().into_owned();
                (name, o.failure.as_ref().map(|f| f.code))
            })
            .collect()
    }

    #[test]
    fn order_is_by_name_and_overlapping_roots_count_once() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b/2", "b/10", "a/x", "c"] {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
        let paths = [
            dir.path().join("b"),
            dir.path().join("a/../b/2"),
            dir.path().to_path_buf(),
        ];
        let offers: Vec<Offer> = walk(roots(&paths).unwrap(), Some(dir.path().join("a"))).collect();
        let found = names(&dir.path().canonicalize().unwrap(), &offers);
        assert_eq!(
            found,
            [("b/10".into(), None), ("b/2".into(), None), ("c".into(), None)]
        );
        assert_eq!(offers[0].size, Some(4));
        assert!(offers[0].modified_us.unwrap() > 1_600_000_000_000_000);
    }

    #[test]
    fn file_urls_are_paths() {
        for (url, path) in [
            ("file:///a%20b/%C3%BC", "/a b/ü"),
            ("file:///x", "/x"),
            ("a:b/c", "a:b/c"),
            ("file://localhost/x", "/x"),
        ] {
            assert_eq!(local_path(Path::new(url)).unwrap(), Path::new(path));
        }
        assert!(local_path(Path::new("file://elsewhere/x")).is_err());
        assert!(local_path(Path::new("file://relative")).is_err());
    }

    #[test]
    fn a_path_that_is_not_there_is_an_error_and_so_is_a_bucket() {
        assert!(
            roots(&[PathBuf::from("/no/such/path")])
                .unwrap_err()
                .to_string()
                .contains("/no/such/path")
        );
        let error = roots(&[PathBuf::from("ftp://host/x")]).unwrap_err();
        assert!(error.to_string().contains("download"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn links_loops_sockets_and_dead_ends_are_offered_with_reasons() {
        use std::os::unix::fs::symlink;
        use std::os::unix::net::UnixListener;
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        fs::create_dir(root.join("d")).unwrap();
        fs::write(root.join("d/file"), "x").unwrap();
        symlink(root, root.join("d/loop")).unwrap();
        symlink(root.join("gone"), root.join("broken")).unwrap();
        symlink(root.join("d/file"), root.join("link")).unwrap();
        let _socket = UnixListener::bind(root.join("socket")).unwrap();
        let offers: Vec<Offer> = walk(vec![root.to_path_buf()], None).collect();
        let expected = [
            ("broken", Some(code::BROKEN_LINK)),
            ("d/file", None),
            ("d/loop", Some(code::LINK_LOOP)),
            ("link", None),
            ("socket", Some(code::SPECIAL_FILE)),
        ];
        assert_eq!(names(root, &offers), expected.map(|(n, c)| (n.to_owned(), c)));
    }
}
