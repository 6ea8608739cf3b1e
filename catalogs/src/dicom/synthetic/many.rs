//! Very many small instances, fast: for benchmarks and for tests that kill an ingest.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::encode::Encoding;
use super::series::SeriesBuilder;
use super::study::{Patient, StudyBuilder};

/// Instances per series, and per folder, of [`many`].
pub const MANY_PER_SERIES: usize = 100;

/// Writes `n` CT instances below `dir`: 100 per series, two series per study, two studies per patient, headers of
/// some 75 elements, 8×8 pixels. Two threads write; the result does not depend on that. Returns the bytes written.
///
/// # Errors
/// The first folder or file that cannot be written.
pub fn many(dir: &Path, n: usize) -> io::Result<u64> {
    let studies = n.div_ceil(2 * MANY_PER_SERIES);
    let next = AtomicUsize::new(0);
    let bytes = AtomicU64::new(0);
    let work = || -> io::Result<()> {
        loop {
            let study = next.fetch_add(1, Ordering::Relaxed);
            if study >= studies {
                return Ok(());
            }
            let first = study * 2 * MANY_PER_SERIES;
            let written = write_study(dir, study, (n - first).min(2 * MANY_PER_SERIES))?;
            bytes.fetch_add(written, Ordering::Relaxed);
        }
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(work);
        let mine = work();
        other
            .join()
            .map_err(|_| io::Error::other("a thread that writes synthetic files stopped"))?
            .and(mine)
    })?;
    Ok(bytes.into_inner())
}

fn write_study(dir: &Path, study: usize, n: usize) -> io::Result<u64> {
    let patient = Patient::new(&format!("MANY-{:06}", study / 2), "Doe^Jane");
    let series = |slices: usize| SeriesBuilder::ct(slices).spacing(1.25);
    let mut builder = StudyBuilder::new(&format!("many/{study}"))
        .patient(patient)
        .series(series(n.min(MANY_PER_SERIES)));
    if n > MANY_PER_SERIES {
        builder = builder.series(series(n - MANY_PER_SERIES).description("CT axial, second series"));
    }
    let folder = dir
        .join(format!("{:03}", study / 500))
        .join(format!("{study:06}"));
    std::fs::create_dir_all(&folder)?;
    let mut bytes = 0;
    for (i, instance) in builder.instances().enumerate() {
        let content = instance.bytes(&Encoding::default());
        std::fs::write(folder.join(format!("{i:04}.dcm")), &content)?;
        bytes += content.len() as u64;
    }
    Ok(bytes)
}
