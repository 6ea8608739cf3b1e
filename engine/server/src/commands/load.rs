//! `radlake load`: files into a table, each all or nothing, each once.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::Instant;

use clap::{Args, ValueEnum};
use radlake::{CopyTarget, Error, Identity, Incoming, Rejected, Rejects, SUPERUSER, Session, Statement};
use serde::Serialize;

use super::{Resources, interrupts};
use crate::copy::{Header, Options, Shape, decode, scan};
use crate::failure::Failure;
use crate::load::infer::{Inference, checked};
use crate::load::source::{Count, hash, pieces};
use crate::load::{Kind, columns, rows};
use crate::output::progress::Bytes;
use crate::wire::Zone;

/// Attempts of a file while other writers are first.
const ATTEMPTS: usize = 10;

/// Arguments of `radlake load`.
#[derive(Args, Debug)]
pub(crate) struct Load {
    /// Directory or URL of the lake
    lake: String,
    /// Table, such as clinical.visits; it is made if it is not there
    table: String,
    /// Files; gzip and zstd are recognised
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// What the files hold [default: by their names]
    #[arg(long, value_enum)]
    kind: Option<Kind>,
    /// COPY's options for CSV and text, such as "DELIMITER ';', NULL 'NA', ENCODING 'latin1'"; CSV has a header unless
    /// this says HEADER false
    #[arg(long, value_name = "OPTIONS")]
    with: Option<String>,
    /// Put rows that do not fit into TABLE_rejects, with line, column and reason, and load the others
    #[arg(long)]
    rejects: bool,
    /// Load a file even if it was loaded before
    #[arg(long)]
    again: bool,
    /// Show the types that would be used, and load nothing
    #[arg(long)]
    dry_run: bool,
    /// Role that loads
    #[arg(long = "as", value_name = "ROLE", default_value = SUPERUSER)]
    role: String,
    /// How the summary is printed
    #[arg(long, value_enum, default_value_t = Summary::Text)]
    format: Summary,
    #[command(flatten)]
    resources: Resources,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq)]
enum Summary {
    /// A line per file.
    Text,
    /// One JSON object.
    Json,
}

/// What became of a file.
#[derive(Debug, Serialize)]
struct Loaded {
    file: String,
    /// `loaded`, `unchanged` or `failed`.
    status: &'static str,
    rows: u64,
    rejected: u64,
    seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Debug, Serialize)]
struct Report<'a> {
    table: &'a str,
    rows: u64,
    rejected: u64,
    files: &'a [Loaded],
}

/// What is to be read, and how.
struct Work<'a> {
    session: &'a Session,
    path: &'a Path,
    kind: Kind,
    /// Of text, CSV and binary.
    options: Option<Options>,
    count: Count,
}

fn one(text: &str) -> Result<Statement, Error> {
    let mut statements = radlake::parse(text)?;
    match (statements.pop(), statements.is_empty()) {
        (Some(statement), true) => Ok(statement),
        _ => Err(Error::InvalidParameter(format!(
            "this is not one statement: {text}"
        ))),
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

impl Load {
    pub(crate) async fn run(self) -> Result<ExitCode, Failure> {
        for path in &self.files {
            std::fs::metadata(path).map_err(|error| Failure::io("cannot read", path, error))?;
        }
        let lakehouse = self.resources.open(&self.lake).await?;
        let session = lakehouse.session(Identity::role(&self.role)).await?;
        let interrupted = interrupts()?;
        let (handle, token) = (session.cancel_handle(), interrupted.clone());
        tokio::spawn(async move {
            token.cancelled().await;
            handle.cancel();
        });
        let mut done = Vec::with_capacity(self.files.len());
        for path in &self.files {
            let started = Instant::now();
            let loaded = self.file(&session, path).await;
            if interrupted.is_cancelled() {
                return Err(Failure::Interrupted);
            }
            let mut loaded = loaded.unwrap_or_else(|failure| {
                eprintln!("radlake: {}: {failure}", path.display());
                Loaded {
                    file: String::new(),
                    status: "failed",
                    rows: 0,
                    rejected: 0,
                    seconds: 0.0,
                    error: Some(failure.to_string()),
                }
            });
            loaded.file = path.display().to_string();
            loaded.seconds = started.elapsed().as_secs_f64();
            done.push(loaded);
        }
        self.report(&done)?;
        Ok(match done.iter().all(|loaded| loaded.error.is_none()) {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        })
    }

    fn report(&self, files: &[Loaded]) -> Result<(), Failure> {
        if self.format == Summary::Json {
            let report = Report {
                table: &self.table,
                rows: files.iter().map(|loaded| loaded.rows).sum(),
                rejected: files.iter().map(|loaded| loaded.rejected).sum(),
                files,
            };
            let text = serde_json::to_string(&report).map_err(|error| Failure::Output(error.to_string()))?;
            println!("{text}");
            return Ok(());
        }
        for loaded in files.iter().filter(|loaded| loaded.error.is_none()) {
            println!(
                "{}: {} {} rows, {} rejected, {:.1} s",
                loaded.file, loaded.status, loaded.rows, loaded.rejected, loaded.seconds
            );
        }
        Ok(())
    }

    async fn file(&self, session: &Session, path: &Path) -> Result<Loaded, Failure> {
        let kind = self.kind.or_else(|| Kind::of(path)).ok_or_else(|| {
            Failure::Usage(
                "the name does not say what it holds: say --kind csv, text, ndjson, parquet …".to_owned(),
            )
        })?;
        let work = Work {
            session,
            path,
            kind,
            options: self.options(kind)?,
            count: Count::default(),
        };
        let hashed = path.to_owned();
        let id = tokio::task::spawn_blocking(move || hash(&hashed))
            .await
            .map_err(|error| Failure::Output(error.to_string()))?
            .map_err(|error| Failure::io("cannot read", path, error))?;
        let id = format!("load:{}:{id}", self.table);
        let length = std::fs::metadata(path).map_or(0, |file| file.len());
        let bar = Bytes::new(length, std::sync::Arc::clone(&work.count));
        for _ in 1..ATTEMPTS {
            match self.attempt(&work, &id).await {
                // Another writer was first: once more from the beginning.
                Err(Failure::Engine(Error::Serialization(_))) => {
                    session.sql("ROLLBACK").await?;
                    work.count.store(0, Ordering::Relaxed);
                }
                Err(failure) => {
                    bar.finish();
                    session.sql("ROLLBACK").await?;
                    return Err(failure);
                }
                Ok(loaded) => {
                    bar.finish();
                    return Ok(loaded);
                }
            }
        }
        bar.finish();
        self.attempt(&work, &id).await
    }

    fn options(&self, kind: Kind) -> Result<Option<Options>, Failure> {
        let Some(format) = kind.copy() else {
            return match &self.with {
                Some(_) => Err(Failure::Usage(
                    "--with is for CSV, text and binary files".to_owned(),
                )),
                None => Ok(None),
            };
        };
        let with = self.with.as_deref().unwrap_or_default();
        let header = match format == "csv" && !with.to_ascii_lowercase().contains("header") {
            true => ", HEADER",
            false => "",
        };
        let comma = if with.is_empty() { "" } else { ", " };
        let statement = one(&format!(
            "COPY t FROM STDIN (FORMAT {format}{header}{comma}{with})"
        ))?;
        let copy = statement
            .copy()
            .ok_or_else(|| Failure::Usage("--with is a list of COPY's options".to_owned()))?;
        let options = Options::of(copy, statement.ast()).map_err(|report| Failure::Usage(report.message))?;
        Ok(Some(options))
    }

    /// One transaction: the table if it is missing, the rows, those that do not fit.
    async fn attempt(&self, work: &Work<'_>, id: &str) -> Result<Loaded, Failure> {
        let session = work.session;
        let mut loaded = Loaded {
            file: String::new(),
            status: "loaded",
            rows: 0,
            rejected: 0,
            seconds: 0.0,
            error: None,
        };
        session.sql("BEGIN").await?;
        if !self.again && session.application(id).await? {
            session.sql("ROLLBACK").await?;
            loaded.status = "unchanged";
            return Ok(loaded);
        }
        let whole = one(&format!("COPY {} FROM STDIN", self.table))?;
        session.sql("SAVEPOINT there").await?;
        let there = match session.copy_target(&whole).await {
            Ok(target) => Some(target),
            Err(Error::UndefinedTable { .. }) => {
                session.sql("ROLLBACK TO there").await?;
                None
            }
            Err(error) => return Err(error.into()),
        };
        let names = work.names(there.as_ref()).await?;
        if there.is_none() {
            self.create(work, names.clone()).await?;
        }
        if self.dry_run {
            session.sql("ROLLBACK").await?;
            return Ok(loaded);
        }
        let list = names.map(|names| {
            names
                .iter()
                .map(|name| quoted(name))
                .collect::<Vec<_>>()
                .join(", ")
        });
        let statement = match list {
            Some(list) => one(&format!("COPY {} ({list}) FROM STDIN", self.table))?,
            None => whole,
        };
        let target = session.copy_target(&statement).await?;
        let rejects = self.rejects.then(Rejects::default);
        let incoming = work.incoming(target, rejects.clone())?;
        let tag = session.copy_in(&statement, incoming).await?;
        loaded.rows = tag
            .rsplit(' ')
            .next()
            .and_then(|count| count.parse().ok())
            .unwrap_or(0);
        if let Some(rejected) = rejects
            .map(|rejects| rejects.take())
            .filter(|rejected| !rejected.is_empty())
        {
            loaded.rejected = rejected.len() as u64;
            self.reject(work, &rejected).await?;
        }
        session.sql("COMMIT").await?;
        Ok(loaded)
    }

    /// Makes the table, with types found in the whole file and shown before they are used.
    async fn create(&self, work: &Work<'_>, names: Option<Vec<String>>) -> Result<(), Failure> {
        let columns = match &work.options {
            Some(_) if work.kind == Kind::Binary => {
                return Err(Failure::Usage(format!(
                    "the binary format says no types: create {} first",
                    self.table
                )));
            }
            Some(options) => work.inferred(options, names).await?,
            None => {
                let (path, kind) = (work.path.to_owned(), work.kind);
                let schema = tokio::task::spawn_blocking(move || rows::schema(&path, kind))
                    .await
                    .map_err(|error| Failure::Output(error.to_string()))??;
                columns::of(&schema)?
            }
        };
        let list: Vec<String> = columns
            .iter()
            .map(|(name, sql)| format!("    {} {sql}", quoted(name)))
            .collect();
        let create = format!("CREATE TABLE {} (\n{}\n)", self.table, list.join(",\n"));
        eprintln!("{create};");
        if !self.dry_run {
            work.session.sql(&create).await?;
        }
        Ok(())
    }

    async fn reject(&self, work: &Work<'_>, rejected: &[Rejected]) -> Result<(), Failure> {
        let table = match self.table.strip_suffix('"') {
            Some(name) => format!("{name}_rejects\""),
            None => format!("{}_rejects", self.table),
        };
        let session = work.session;
        session
            .sql(&format!(
                "CREATE TABLE IF NOT EXISTS {table} (file text, line bigint, \"column\" text, reason text)"
            ))
            .await?;
        let statement = one(&format!("COPY {table} FROM STDIN"))?;
        let target = session.copy_target(&statement).await?;
        let batch = rows::rejects(&target, work.path, rejected)?;
        let rows = futures::stream::iter([Ok(batch)]);
        session
            .copy_in(&statement, Incoming::new(target.schema(), rows, None))
            .await?;
        Ok(())
    }
}

impl Work<'_> {
    /// The columns that a file has, where it says so.
    async fn names(&self, there: Option<&CopyTarget>) -> Result<Option<Vec<String>>, Failure> {
        let names = match &self.options {
            Some(options) if options.header != Header::No => {
                let mut names = Vec::new();
                let pieces = pieces(self.path.to_owned(), &Count::default());
                scan(pieces, options, |record, _| {
                    names = (0..record.len()).map(|at| record.text(at)).collect();
                    false
                })
                .await?;
                if let Some(first) = names.first_mut() {
                    *first = first.trim_start_matches('\u{feff}').to_owned();
                }
                names
            }
            Some(_) => return Ok(None),
            // Each line has its own keys: the table says which count.
            None if self.kind == Kind::Ndjson && there.is_some() => return Ok(None),
            None => {
                let (path, kind) = (self.path.to_owned(), self.kind);
                let schema = tokio::task::spawn_blocking(move || rows::schema(&path, kind))
                    .await
                    .map_err(|error| Failure::Output(error.to_string()))??;
                schema.fields().iter().map(|field| field.name().clone()).collect()
            }
        };
        let Some(there) = there else {
            checked(&names)?;
            return Ok(Some(names));
        };
        // Headers are written in any case.
        let fields = there.columns.fields();
        let known = |name: String| {
            let same = fields.iter().find(|field| *field.name() == name);
            let alike = || {
                fields
                    .iter()
                    .find(|field| field.name().eq_ignore_ascii_case(&name))
            };
            same.or_else(alike)
                .map_or_else(|| name.clone(), |field| field.name().clone())
        };
        match self.options {
            Some(_) => Ok(Some(names.into_iter().map(known).collect())),
            None => Ok(Some(names)),
        }
    }

    async fn inferred(
        &self,
        options: &Options,
        names: Option<Vec<String>>,
    ) -> Result<Vec<(String, String)>, Failure> {
        let mut inference = names.map(Inference::new);
        scan(
            pieces(self.path.to_owned(), &Count::default()),
            options,
            |record, header| {
                let width = record.len();
                let inference = inference.get_or_insert_with(|| {
                    Inference::new((1..=width).map(|at| format!("column{at}")).collect())
                });
                if !header {
                    inference.see(record);
                }
                true
            },
        )
        .await?;
        match inference {
            Some(inference) => Ok(inference.columns()),
            None => Err(Failure::Usage("the file is empty".to_owned())),
        }
    }

    fn incoming(&self, target: CopyTarget, rejects: Option<Rejects>) -> Result<Incoming, Failure> {
        let schema = target.schema();
        let path = self.path.to_owned();
        Ok(match &self.options {
            Some(options) => {
                let shape = Shape::new(options.clone(), &target, Zone::Utc, rejects.clone())
                    .map_err(|report| Failure::Usage(report.message))?;
                Incoming::new(schema, decode(pieces(path, &self.count), shape), rejects)
            }
            None => {
                let rows = rows::read(path, self.kind, &self.count, target, rejects.clone());
                Incoming::new(schema, rows, rejects)
            }
        })
    }
}
