//! How many DICOM headers a core reads in a second: the plain read of the same bytes, this project's reader, rows, a whole ingest,
//! and beside them dicom-rs and pydicom.

mod stages;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::cpu::{Cost, measure_repeated};
use crate::{Options, Result, table};

/// Files unless `--files` says otherwise.
const FILES: usize = 20_000;

/// Headers are read this many times in turns; the least cost of each counts.
const RUNS: usize = 3;

/// Measures and prints the table.
pub(crate) fn run(options: &Options) -> Result<()> {
    let runs = options.number("runs", RUNS)?.max(1);
    let made = tempfile::tempdir()?;
    let root = match options.text("path") {
        Some(path) => PathBuf::from(path),
        None => {
            radlake::synthetic::many(made.path(), options.number("files", FILES)?)?;
            made.path().to_owned()
        }
    };
    // Reads every file once, so that the page cache is warm.
    let (files, elements) = stages::readable(&root)?;
    if files.is_empty() {
        return Err(format!("no DICOM files in {}", root.display()).into());
    }
    let mut measured = Measured::default();
    for run in 1..=runs {
        eprintln!("run {run} of {runs}");
        measured.round(&root, &files, options.text("python"))?;
    }
    let what = format!(
        "{} files, {:.0} elements each, page cache warm, one thread, best of {runs}",
        files.len(),
        elements as f64 / files.len() as f64
    );
    measured.print(&what, files.len());
    Ok(())
}

/// Least costs so far, of one pass over all files.
#[derive(Default)]
struct Measured {
    plain: Option<Cost>,
    reader: Option<Cost>,
    rows: Option<Cost>,
    ingest: Option<Cost>,
    ingested: u64,
    dicom_rs: Option<Cost>,
    pydicom_read: Option<Cost>,
    pydicom_json: Option<Cost>,
    pydicom: String,
    notes: Vec<String>,
}

impl Measured {
    /// Everything once, in turns, so that what disturbs a machine for a while disturbs all.
    fn round(&mut self, root: &Path, files: &[PathBuf], python: Option<&str>) -> Result<()> {
        self.notes.clear();
        keep(&mut self.plain, measure_repeated(|| stages::plain(files))?);
        keep(&mut self.reader, measure_repeated(|| stages::reader(files))?);
        keep(&mut self.rows, measure_repeated(|| stages::rows(files))?);
        let (report, cost) = stages::ingest(root)?;
        keep(&mut self.ingest, cost);
        self.ingested = report.offered;
        if report.ingested != files.len() as u64 {
            let (offered, ingested) = (report.offered, report.ingested);
            self.notes.push(format!(
                "The ingest was offered {offered} files and took {ingested}: the others are refused, duplicates or conflicts."
            ));
        }
        let mut refused = 0;
        let cost = measure_repeated(|| {
            refused = stages::dicom_rs(files);
            Ok(())
        })?;
        keep(&mut self.dicom_rs, cost);
        self.failures("dicom-rs", refused as u64);
        if let Some(python) = python {
            let peer = pydicom(python, files)?;
            for (name, slot) in [
                ("read", &mut self.pydicom_read),
                ("to_json", &mut self.pydicom_json),
            ] {
                let seconds = |kind: &str| peer[name][kind].as_f64().ok_or("pydicom told no time");
                let cost = Cost {
                    wall: seconds("wall")?,
                    cpu: Some(seconds("cpu")?),
                    kernel: Some(seconds("kernel")?),
                };
                keep(slot, cost);
            }
            self.failures("pydicom to_json", peer["to_json"]["failed"].as_u64().unwrap_or(0));
            peer["version"]
                .as_str()
                .unwrap_or_default()
                .clone_into(&mut self.pydicom);
        }
        Ok(())
    }

    fn failures(&mut self, who: &str, count: u64) {
        if count > 0 {
            self.notes.push(format!("{who} gave up on {count} files."));
        }
    }

    fn print(&self, what: &str, files: usize) {
        let files = files as f64;
        let pydicom = format!("pydicom {}", self.pydicom);
        let lines = [
            ("open + read 64 KiB".to_owned(), self.plain, files),
            ("header reader".to_owned(), self.reader, files),
            ("header reader + rows".to_owned(), self.rows, files),
            ("ingest, end to end".to_owned(), self.ingest, self.ingested as f64),
            ("dicom-rs read_until".to_owned(), self.dicom_rs, files),
            (format!("{pydicom} read"), self.pydicom_read, files),
            (format!("{pydicom} read + to_json"), self.pydicom_json, files),
        ];
        // Times of one file on one core: what all ratios are made of.
        let per_file = |cost: Option<Cost>, files: f64| cost.map(|cost| cost.core() / files);
        let (plain, read, json) = (
            per_file(self.plain, files),
            per_file(self.pydicom_read, files),
            per_file(self.pydicom_json, files),
        );
        let ratio = |over: Option<f64>, under: Option<f64>| match (over, under) {
            (Some(over), Some(under)) => format!("{:.2}", over / under),
            _ => "-".to_owned(),
        };
        let rows: Vec<Vec<String>> = lines
            .iter()
            .filter_map(|(name, cost, files)| cost.map(|cost| (name, cost, *files)))
            .map(|(name, cost, files)| {
                let this = Some(cost.core() / files);
                vec![
                    name.clone(),
                    format!("{:.0}", files / cost.wall),
                    format!("{:.0}", files / cost.core()),
                    format!("{:.1}", 1e6 * cost.core() / files),
                    cost.kernel
                        .map_or_else(|| "-".to_owned(), |kernel| format!("{:.1}", 1e6 * kernel / files)),
                    ratio(this, plain),
                    ratio(read, this),
                    ratio(json, this),
                ]
            })
            .collect();
        let head = [
            "DICOM headers",
            "files/s",
            "files/s/core",
            "us/file/core",
            "of it kernel",
            "time : plain",
            "x pydicom read",
            "x pydicom to_json",
        ];
        table::print(what, &head, &rows);
        for note in &self.notes {
            println!("{note}");
        }
        let reader = per_file(self.reader, files).zip(plain);
        println!(
            "{}",
            aim("header reader within 3x of the plain read", reader, |x| x <= 3.0)
        );
        let ingest = read.zip(per_file(self.ingest, self.ingested as f64));
        println!(
            "{}",
            aim("ingest at least 10x pydicom read, per core", ingest, |x| x
                >= 10.0)
        );
    }
}

/// An aim beside what was reached.
fn aim(what: &str, quotient: Option<(f64, f64)>, met: impl Fn(f64) -> bool) -> String {
    match quotient.map(|(over, under)| over / under) {
        None => format!("Aim: {what}: not measured"),
        Some(reached) => {
            let outcome = if met(reached) { "met" } else { "missed" };
            format!("Aim: {what}: {reached:.2}, {outcome}")
        }
    }
}

fn keep(slot: &mut Option<Cost>, cost: Cost) {
    *slot = Some(slot.map_or(cost, |least| least.least(cost)));
}

/// pydicom over the same files, in a process of its own with one thread.
fn pydicom(python: &str, files: &[PathBuf]) -> Result<Value> {
    let mut peer = Command::new(python)
        .arg(crate::peer("pydicom_headers.py"))
        .arg("--json")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{python}: {error}"))?;
    if let Some(mut stdin) = peer.stdin.take() {
        for path in files {
            writeln!(stdin, "{}", path.display())?;
        }
    }
    let output = peer.wait_with_output()?;
    if !output.status.success() {
        return Err(format!("pydicom_headers.py ended with {}", output.status).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}
