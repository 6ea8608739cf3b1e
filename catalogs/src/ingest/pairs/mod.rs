//! Lists of image and label volumes (`radlake ingest --pairs list.csv`), read as if they were archives of DICOM instances.
//!
//! Each image volume (NIfTI, NRRD) is a multi-frame image of one series, each label volume a segmentation of it. The instances are made
//! when they are asked for, from the files where they are: `file:///data/list.csv!/p1/ct.nii.gz` names the instance of the image that
//! the list calls `p1/ct.nii.gz`. Nothing is copied, and all that holds for members of archives holds for them: what is known, replaced,
//! gone, hidden or forgotten.

mod dicom;
mod list;
mod voxels;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use radlake_volumes::{Head, VolumeFile};

use self::list::Pair;
use super::archive::Member;
use super::failure::{Failure, code};
use super::walk::modified_us;

/// Bytes of a list.
const MAX_LIST: u64 = 64 << 20;
/// Bytes of a volume, inflated.
const MAX_VOLUME: usize = 4 << 30;

/// When a list or one of its files was modified last (microseconds since 1970), and their bytes. Files that cannot be looked at do not
/// count: their members say so.
///
/// # Errors
/// Why the list cannot be read.
pub(crate) fn look(path: &Path) -> Result<(u64, Option<i64>), Failure> {
    let own = std::fs::metadata(path).map_err(|error| Failure::of_io(&error))?;
    let (mut size, mut modified) = (own.len(), modified_us(&own));
    for pair in read_list(path)? {
        for name in [Some(&pair.image), pair.mask.as_ref()].into_iter().flatten() {
            if let Ok(metadata) = std::fs::metadata(beside(path, name)) {
                size = size.saturating_add(metadata.len());
                modified = modified.max(modified_us(&metadata));
            }
        }
    }
    Ok((size, modified))
}

/// Visits the instances of a list: each image, then its label volumes, in the order of the list, until `visit` breaks off.
///
/// # Errors
/// Why the list cannot be read. What is wrong with a volume is the failure of its member.
pub(crate) fn read(path: &Path, visit: &mut dyn FnMut(Member<'_>) -> ControlFlow<()>) -> Result<(), Failure> {
    let pairs = read_list(path)?;
    let mut images: BTreeMap<&str, Vec<&Pair>> = BTreeMap::new();
    for pair in &pairs {
        images.entry(&pair.image).or_default().push(pair);
    }
    for (image, of) in images {
        let Some(first) = of.first() else { continue };
        if of.iter().any(|pair| !pair.is_of_the_same_image(first)) {
            let failure = Failure::new(
                code::MEMBER_UNSUPPORTED,
                "rows of the list that name it differ in patient, study, series or modality",
            );
            if visit(failed(image, failure)).is_break() {
                return Ok(());
            }
            continue;
        }
        let whole = beside(path, image);
        let mut content = Lazy::new(|| image_member(&whole, first));
        if visit(Member {
            name: image.as_bytes(),
            size: None,
            content: Ok(&mut content),
        })
        .is_break()
        {
            return Ok(());
        }
        for pair in of {
            let Some(mask) = &pair.mask else { continue };
            let labels = beside(path, mask);
            let mut content = Lazy::new(|| mask_member(&whole, &labels, pair));
            if visit(Member {
                name: pair.mask_member(mask).as_bytes(),
                size: None,
                content: Ok(&mut content),
            })
            .is_break()
            {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn failed(name: &str, failure: Failure) -> Member<'_> {
    Member {
        name: name.as_bytes(),
        size: None,
        content: Err(failure),
    }
}

fn read_list(path: &Path) -> Result<Vec<Pair>, Failure> {
    let mut text = Vec::new();
    let file = File::open(path).map_err(|error| Failure::of_io(&error))?;
    file.take(MAX_LIST + 1)
        .read_to_end(&mut text)
        .map_err(|error| Failure::of_io(&error))?;
    if text.len() as u64 > MAX_LIST {
        return Err(broken(format!("the list is larger than {MAX_LIST} bytes")));
    }
    list::parse(&text).map_err(broken)
}

fn broken(reason: impl Into<String>) -> Failure {
    Failure::new(code::ARCHIVE_BROKEN, reason)
}

/// A file that a list names: relative to the list's folder.
fn beside(list: &Path, name: &str) -> PathBuf {
    list.parent().unwrap_or_else(|| Path::new("")).join(name)
}

type Content = Box<dyn Read>;

/// Made when it is first read: a list is gone through for the sake of one member, too.
struct Lazy<F> {
    make: Option<F>,
    made: Option<Content>,
}

impl<F: FnOnce() -> io::Result<Content>> Lazy<F> {
    fn new(make: F) -> Self {
        Self {
            make: Some(make),
            made: None,
        }
    }
}

impl<F: FnOnce() -> io::Result<Content>> Read for Lazy<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(make) = self.make.take() {
            self.made = Some(make()?);
        }
        match &mut self.made {
            Some(made) => made.read(buffer),
            None => Err(invalid("it could not be read before")),
        }
    }
}

fn invalid(reason: impl ToString) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason.to_string())
}

fn image_member(path: &Path, pair: &Pair) -> io::Result<Content> {
    let (head, hash) = (head(path)?, hash(path)?);
    let header = dicom::image(pair, &hash, &head).map_err(invalid)?;
    let path = path.to_owned();
    let voxels = head.geometry.len();
    let load = move || volume(&path);
    Ok(Box::new(voxels::Image::new(header, voxels, load)))
}

fn mask_member(image: &Path, mask: &Path, pair: &Pair) -> io::Result<Content> {
    let hash = hash(image).map_err(|error| io::Error::new(error.kind(), format!("its image: {error}")))?;
    let of_image =
        head(image).map_err(|error| io::Error::new(error.kind(), format!("its image: {error}")))?;
    let labels = volume(mask)?;
    if labels.oriented != of_image.oriented {
        return Err(invalid(
            "one of image and label volume says where in the patient it is, and the other does not",
        ));
    }
    let bytes = dicom::mask(pair, &hash, &self::hash(mask)?, &labels).map_err(invalid)?;
    Ok(Box::new(io::Cursor::new(bytes)))
}

fn head(path: &Path) -> io::Result<Head> {
    radlake_volumes::read_head(&mut open(path)?).map_err(invalid)
}

fn volume(path: &Path) -> io::Result<VolumeFile> {
    let mut bytes = Vec::new();
    open(path)?.take(MAX_VOLUME as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > MAX_VOLUME {
        return Err(invalid(format!(
            "it is larger than the {MAX_VOLUME} bytes that are read of one file"
        )));
    }
    radlake_volumes::read(&bytes, MAX_VOLUME).map_err(invalid)
}

/// Opens a regular file: what is read of a pipe would not come again.
fn open(path: &Path) -> io::Result<File> {
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "it is no regular file"));
    }
    File::open(path)
}

fn hash(path: &Path) -> io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    io::copy(&mut open(path)?, &mut hasher)?;
    Ok(hasher.finalize().to_hex().to_string())
}

#[cfg(test)]
mod tests;
