//! Results on the standard output or in a file, written as they come.

mod csv;
mod html;
mod json;
mod parquet;
pub(crate) mod progress;
mod table;
mod values;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use clap::ValueEnum;

use crate::failure::Failure;

/// How results are written.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Aligned, as psql does it.
    Table,
    /// With a header; NULL is empty, as in PostgreSQL's COPY.
    Csv,
    /// One object per line.
    Json,
    /// One Parquet file.
    Parquet,
    /// A page with a table per result, which shows pictures
    Html,
}

/// Where bytes go: the standard output or a file.
type Sink = Box<dyn Write + Send>;

/// One result on its way out.
trait Writer {
    fn batch(&mut self, batch: &RecordBatch) -> Result<(), Failure>;
    /// Ends the result and gives the sink back.
    fn end(self: Box<Self>) -> Result<Sink, Failure>;
}

/// The results of a run.
pub(crate) struct Output {
    format: Format,
    to_file: bool,
    sink: Option<Sink>,
    current: Option<Box<dyn Writer>>,
    results: usize,
}

impl Output {
    /// Writes to `path`, or to the standard output.
    pub(crate) fn new(format: Format, path: Option<&Path>) -> Result<Self, Failure> {
        let sink: Sink = match path {
            Some(path) => {
                let file = File::create(path).map_err(|error| Failure::io("cannot create", path, error))?;
                Box::new(BufWriter::with_capacity(1 << 16, file))
            }
            None => {
                use std::io::IsTerminal;
                if format == Format::Parquet && std::io::stdout().is_terminal() {
                    return Err(Failure::Usage(
                        "Parquet is no text: name a file with -o or redirect".to_owned(),
                    ));
                }
                Box::new(BufWriter::with_capacity(1 << 16, std::io::stdout()))
            }
        };
        Ok(Self {
            format,
            to_file: path.is_some(),
            sink: Some(sink),
            current: None,
            results: 0,
        })
    }

    fn sink(&mut self) -> Result<Sink, Failure> {
        self.sink
            .take()
            .ok_or_else(|| Failure::Output("the output is closed".to_owned()))
    }

    /// Starts a result.
    pub(crate) fn begin(&mut self, schema: &SchemaRef) -> Result<(), Failure> {
        if self.format == Format::Parquet && self.results > 0 {
            return Err(Failure::Usage(
                "a Parquet file holds one result: run one query at a time".to_owned(),
            ));
        }
        if self.format == Format::Html && self.results == 0 {
            self.text(html::HEAD)?;
        }
        self.results += 1;
        let sink = self.sink()?;
        self.current = Some(match self.format {
            Format::Table => Box::new(table::Table::new(sink, schema)),
            Format::Csv => Box::new(csv::Csv::new(sink, schema)?),
            Format::Json => Box::new(json::Json::new(sink)),
            Format::Html => Box::new(html::Html::new(sink, schema)?),
            Format::Parquet => Box::new(parquet::Parquet::new(sink, schema)?),
        });
        Ok(())
    }

    /// Writes rows of the result.
    pub(crate) fn batch(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        match &mut self.current {
            Some(writer) => writer.batch(batch),
            None => Ok(()),
        }
    }

    /// Ends the result.
    pub(crate) fn end(&mut self) -> Result<(), Failure> {
        if let Some(writer) = self.current.take() {
            let mut sink = writer.end()?;
            sink.flush()?;
            self.sink = Some(sink);
        }
        Ok(())
    }

    /// Says that a command without rows is done.
    pub(crate) fn tag(&mut self, tag: &str) -> Result<(), Failure> {
        match self.format {
            Format::Table if !self.to_file => self.text(&format!("{tag}\n")),
            // Between the rows of other formats it would be one more row.
            _ => {
                eprintln!("{tag}");
                Ok(())
            }
        }
    }

    /// Writes a text between results.
    pub(crate) fn text(&mut self, text: &str) -> Result<(), Failure> {
        let mut sink = self.sink()?;
        let written = sink.write_all(text.as_bytes()).and_then(|()| sink.flush());
        self.sink = Some(sink);
        Ok(written?)
    }

    /// Ends the run.
    pub(crate) fn close(mut self) -> Result<(), Failure> {
        self.end()?;
        if let Some(mut sink) = self.sink.take() {
            sink.flush()?;
        }
        Ok(())
    }
}
