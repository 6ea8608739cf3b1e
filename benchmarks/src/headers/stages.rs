//! What is measured of headers: each a pass over all files by one thread, from the plain read to the whole ingestion.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dicom_object::{OpenFileOptions, Tag};
use radlake::ingest::{IngestOptions, IngestReport};
use radlake::{Identity, Lakehouse, SUPERUSER};
use radlake_catalogs::dicom::{FileSource, InstanceRows, Limits, Origin, Scratch, read_header};
use tokio_util::sync::CancellationToken;

use crate::Result;
use crate::cpu::{Cost, measure};

/// Bytes that the plain read asks for: headers are shorter, but for rare ones.
const PLAIN: usize = 64 << 10;
/// Rows that are built together, as by a worker of an ingest.
const ROWS: usize = 128;

/// `open`, one `read` of 64 KiB, `close`: what the operating system takes.
pub(super) fn plain(files: &[PathBuf]) -> Result<()> {
    let mut buffer = vec![0; PLAIN];
    let mut bytes = 0;
    for path in files {
        bytes += File::open(path)?.read(&mut buffer)?;
    }
    std::hint::black_box(bytes);
    Ok(())
}

/// dicom-rs' object model. Gives how many files it refuses.
pub(super) fn dicom_rs(files: &[PathBuf]) -> usize {
    let read = |path: &PathBuf| {
        OpenFileOptions::new()
            .read_until(Tag(0x7FE0, 0x0010))
            .open_file(path)
    };
    files
        .iter()
        .filter(|path| std::hint::black_box(read(path)).is_err())
        .count()
}

/// The header reader of ingestion, and nothing done with what it reads.
pub(super) fn reader(files: &[PathBuf]) -> Result<()> {
    let (limits, mut scratch) = (Limits::default(), Scratch::default());
    let mut elements = 0;
    for path in files {
        let mut source = FileSource::open(path)?;
        elements += read_header(&mut source, &limits, &mut scratch)?.elements().len();
    }
    std::hint::black_box(elements);
    Ok(())
}

/// Reader, fingerprint, typed columns and the data set as DICOM JSON, as Arrow batches.
pub(super) fn rows(files: &[PathBuf]) -> Result<()> {
    let (limits, mut scratch) = (Limits::default(), Scratch::default());
    let mut rows = InstanceRows::new(ROWS);
    for path in files {
        let file = File::open(path)?;
        let file_size = file.metadata()?.len();
        let header = read_header(&mut FileSource::new(file, file_size), &limits, &mut scratch)?;
        let origin = Origin {
            provider: "benchmark",
            source_uri: path.to_str().unwrap_or_default(),
            file_size,
            header_hash: header.hash(file_size),
        };
        rows.append(&header, &origin);
        if rows.len() == ROWS {
            std::hint::black_box(rows.finish()?);
        }
    }
    std::hint::black_box(rows.finish()?);
    Ok(())
}

/// A whole ingest with one worker into a lake of its own: listing, rows, Parquet, Delta commit. The lake is made before the
/// clock starts.
pub(super) fn ingest(root: &Path) -> Result<(IngestReport, Cost)> {
    let directory = tempfile::tempdir()?;
    let runtime = tokio::runtime::Runtime::new()?;
    let lake = directory.path().join("lake");
    let lakehouse = runtime.block_on(Lakehouse::init(&lake.to_string_lossy(), SUPERUSER, "benchmark"))?;
    let mut options = IngestOptions::new("benchmark", vec![root.to_owned()]);
    options.workers = 1;
    let identity = Identity::role(SUPERUSER);
    let (report, cost) = measure(|| {
        runtime.block_on(lakehouse.ingest(&identity, options, Arc::new(()), CancellationToken::new()))
    });
    Ok((report?, cost))
}

/// Files below `root` that the reader takes, in the order of their paths, with the elements of them all.
pub(super) fn readable(root: &Path) -> Result<(Vec<PathBuf>, usize)> {
    let (limits, mut scratch) = (Limits::default(), Scratch::default());
    let (mut files, mut elements) = (Vec::new(), 0);
    for entry in walkdir::WalkDir::new(root).sort_by_file_name() {
        let entry = entry?;
        if !entry.file_type().is_file() {
            continue;
        }
        let mut source = FileSource::open(entry.path())?;
        if let Ok(header) = read_header(&mut source, &limits, &mut scratch) {
            elements += header.elements().len();
            files.push(entry.into_path());
        }
    }
    Ok((files, elements))
}
