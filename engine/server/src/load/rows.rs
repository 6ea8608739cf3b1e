//! Rows of files that carry their types: Parquet, Arrow IPC, NDJSON. Brought to the table's columns by name.

use std::fs::File;
use std::io::{BufRead, Seek};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, new_null_array};
use arrow::compute::{CastOptions, cast_with_options, concat_batches};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::ipc::reader::{FileReader, StreamReader};
use arrow::json::ReaderBuilder;
use arrow::json::reader::infer_json_schema;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use radlake::{CopyTarget, Error, Rejected, Rejects};
use tokio::sync::mpsc;

use super::Kind;
use super::source::{Count, open};

/// Rows of a batch.
const ROWS: usize = 8192;
/// Batches read ahead.
const AHEAD: usize = 2;

/// Batches of a file with the line that each begins on.
type Batches = Box<dyn Iterator<Item = Result<(i64, RecordBatch), Error>> + Send>;

fn failed(path: &Path, error: impl std::fmt::Display) -> Error {
    Error::Storage(format!("{}: {error}", path.display()))
}

/// The columns that a file says it has.
pub(crate) fn schema(path: &Path, kind: Kind) -> Result<SchemaRef, Error> {
    let file = || File::open(path).map_err(|error| failed(path, error));
    match kind {
        Kind::Parquet => Ok(Arc::clone(
            ParquetRecordBatchReaderBuilder::try_new(file()?)
                .map_err(|error| failed(path, error))?
                .schema(),
        )),
        Kind::Arrow => match FileReader::try_new(file()?, None) {
            Ok(reader) => Ok(reader.schema()),
            Err(_) => {
                let source = open(path, &Count::default()).map_err(|error| failed(path, error))?;
                Ok(StreamReader::try_new(source, None)
                    .map_err(|error| failed(path, error))?
                    .schema())
            }
        },
        _ => {
            let source = open(path, &Count::default()).map_err(|error| failed(path, error))?;
            let (schema, _) = infer_json_schema(source, None).map_err(|_| json(1))?;
            Ok(Arc::new(schema))
        }
    }
}

fn json(line: i64) -> Error {
    Error::Row {
        table: "NDJSON".to_owned(),
        line,
        column: None,
        error: Box::new(Error::InvalidText {
            type_name: "json".to_owned(),
        }),
    }
}

fn batches(
    path: &Path,
    kind: Kind,
    count: &Count,
    target: &CopyTarget,
    rejects: Option<Rejects>,
) -> Result<Batches, Error> {
    let numbered = |batches: Box<dyn Iterator<Item = Result<RecordBatch, Error>> + Send>| -> Batches {
        let mut line = 1;
        Box::new(batches.map(move |batch| {
            let batch = batch?;
            let first = line;
            line += batch.num_rows() as i64;
            Ok((first, batch))
        }))
    };
    let owned = path.to_owned();
    match kind {
        Kind::Parquet => {
            let file = File::open(path).map_err(|error| failed(path, error))?;
            let builder =
                ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| failed(path, error))?;
            let reader = builder
                .with_batch_size(ROWS)
                .build()
                .map_err(|error| failed(path, error))?;
            Ok(numbered(Box::new(
                reader.map(move |batch| batch.map_err(|error| failed(&owned, error))),
            )))
        }
        Kind::Arrow => {
            let mut file = File::open(path).map_err(|error| failed(path, error))?;
            if FileReader::try_new(&mut file, None).is_ok() {
                file.rewind().map_err(|error| failed(path, error))?;
                let reader = FileReader::try_new(file, None).map_err(|error| failed(path, error))?;
                return Ok(numbered(Box::new(
                    reader.map(move |batch| batch.map_err(|error| failed(&owned, error))),
                )));
            }
            let source = open(path, count).map_err(|error| failed(path, error))?;
            let reader = StreamReader::try_new(source, None).map_err(|error| failed(path, error))?;
            Ok(numbered(Box::new(
                reader.map(move |batch| batch.map_err(|error| failed(&owned, error))),
            )))
        }
        _ => {
            let source = open(path, count).map_err(|error| failed(path, error))?;
            // Types are the table's where the reader knows them, text otherwise; other keys are passed over.
            let fields = target.columns.fields().iter().map(|field| {
                let known = field.data_type().is_primitive()
                    || matches!(
                        field.data_type(),
                        DataType::Utf8 | DataType::Boolean | DataType::List(_)
                    );
                let data_type = match known {
                    true => field.data_type().clone(),
                    false => DataType::Utf8,
                };
                Field::new(field.name(), data_type, true)
            });
            let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
            Ok(Box::new(Lines {
                path: owned,
                source,
                schema,
                line: 1,
                rejects,
                over: false,
            }))
        }
    }
}

/// NDJSON, some thousand lines at a time; where they do not parse together, one by one.
struct Lines {
    path: PathBuf,
    source: Box<dyn BufRead + Send>,
    schema: SchemaRef,
    line: i64,
    rejects: Option<Rejects>,
    over: bool,
}

impl Lines {
    fn parse(&self, bytes: &[u8]) -> Option<RecordBatch> {
        let builder = ReaderBuilder::new(Arc::clone(&self.schema))
            .with_batch_size(ROWS)
            .with_coerce_primitive(true);
        let batches: Vec<RecordBatch> = builder.build(bytes).ok()?.collect::<Result<_, _>>().ok()?;
        concat_batches(&self.schema, &batches).ok()
    }

    fn block(&mut self) -> Result<Option<(i64, RecordBatch)>, Error> {
        let mut lines: Vec<Vec<u8>> = Vec::new();
        let mut bytes = 0;
        while lines.len() < ROWS && bytes < 8 << 20 {
            let mut line = Vec::new();
            let read = self
                .source
                .read_until(b'\n', &mut line)
                .map_err(|error| failed(&self.path, error))?;
            if read == 0 {
                break;
            }
            bytes += read;
            lines.push(line);
        }
        if lines.is_empty() {
            return Ok(None);
        }
        let first = self.line;
        self.line += lines.len() as i64;
        if let Some(batch) = self.parse(&lines.concat())
            && batch.num_rows() == lines.len()
        {
            return Ok(Some((first, batch)));
        }
        let mut kept = Vec::new();
        for (at, line) in lines.iter().enumerate() {
            if line.trim_ascii().is_empty() {
                continue;
            }
            let number = first + at as i64;
            match (
                self.parse(line).filter(|batch| batch.num_rows() == 1),
                &self.rejects,
            ) {
                (Some(batch), _) => kept.push(batch),
                (None, None) => return Err(json(number)),
                (None, Some(rejects)) => rejects.add(Rejected {
                    line: number,
                    column: None,
                    reason: "is no JSON object whose values fit the columns".to_owned(),
                })?,
            }
        }
        let batch = concat_batches(&self.schema, &kept).map_err(|error| failed(&self.path, error))?;
        Ok(Some((first, batch)))
    }
}

impl Iterator for Lines {
    type Item = Result<(i64, RecordBatch), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let next = self.block().transpose();
        self.over = !matches!(next, Some(Ok(_)));
        next
    }
}

/// The rows of a file in the columns of `target`.
pub(crate) fn read(
    path: PathBuf,
    kind: Kind,
    count: &Count,
    target: CopyTarget,
    rejects: Option<Rejects>,
) -> impl Stream<Item = Result<RecordBatch, Error>> + Send + use<> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    let count = Arc::clone(count);
    tokio::task::spawn_blocking(move || {
        let rows = match batches(&path, kind, &count, &target, rejects.clone()) {
            Ok(rows) => rows,
            Err(error) => return drop(sender.blocking_send(Err(error))),
        };
        for batch in rows {
            let fitted = batch.and_then(|(line, batch)| fit(&batch, line, &target, rejects.as_ref()));
            let failed = fitted.is_err();
            if sender.blocking_send(fitted).is_err() || failed {
                return;
            }
        }
    });
    let stream: BoxStream<'static, _> = futures::stream::unfold(receiver, |mut receiver| async {
        Some((receiver.recv().await?, receiver))
    })
    .boxed();
    stream
}

/// Columns by name, in the table's types; rows that cannot be cast are found one by one.
fn fit(
    batch: &RecordBatch,
    line: i64,
    target: &CopyTarget,
    rejects: Option<&Rejects>,
) -> Result<RecordBatch, Error> {
    let last = line + batch.num_rows() as i64;
    let lines = Int64Array::from_iter_values(line..last);
    match fitted(batch, lines, target) {
        Ok(batch) => Ok(batch),
        Err(_) => {
            let mut kept = vec![RecordBatch::new_empty(target.schema())];
            for row in 0..batch.num_rows() {
                let number = line + row as i64;
                let lines = Int64Array::from_iter_values([number]);
                match (fitted(&batch.slice(row, 1), lines, target), rejects) {
                    (Ok(batch), _) => kept.push(batch),
                    (Err(column), None) => {
                        return Err(Error::Row {
                            table: target.table.clone(),
                            line: number,
                            column: Some(column),
                            error: Box::new(Error::DatatypeMismatch(
                                "the value does not fit the column's type".to_owned(),
                            )),
                        });
                    }
                    (Err(column), Some(rejects)) => rejects.add(Rejected {
                        line: number,
                        column: Some(column),
                        reason: "the value does not fit the column's type".to_owned(),
                    })?,
                }
            }
            concat_batches(&target.schema(), &kept).map_err(|error| Error::Internal(error.to_string()))
        }
    }
}

/// An error is the name of the column whose values cannot be cast.
fn fitted(batch: &RecordBatch, lines: Int64Array, target: &CopyTarget) -> Result<RecordBatch, String> {
    let options = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    let mut columns: Vec<ArrayRef> = vec![Arc::new(lines)];
    for field in target.columns.fields() {
        columns.push(match batch.column_by_name(field.name()) {
            Some(column) => {
                cast_with_options(column, field.data_type(), &options).map_err(|_| field.name().clone())?
            }
            None => new_null_array(field.data_type(), batch.num_rows()),
        });
    }
    RecordBatch::try_new(target.schema(), columns).map_err(|_| target.table.clone())
}

/// Rejected rows as rows of their own table: file, line, column, reason.
pub(crate) fn rejects(target: &CopyTarget, path: &Path, rejected: &[Rejected]) -> Result<RecordBatch, Error> {
    let lines = || Int64Array::from_iter_values(rejected.iter().map(|rejected| rejected.line));
    let file = path.display().to_string();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(lines()),
        Arc::new(StringArray::from_iter_values(rejected.iter().map(|_| &file))),
        Arc::new(lines()),
        Arc::new(StringArray::from_iter(
            rejected.iter().map(|rejected| rejected.column.as_deref()),
        )),
        Arc::new(StringArray::from_iter_values(
            rejected.iter().map(|rejected| &rejected.reason),
        )),
    ];
    RecordBatch::try_new(target.schema(), columns).map_err(|_| {
        Error::DatatypeMismatch(format!(
            "{} is not a table of rejected rows (file text, line bigint, \"column\" text, reason text)",
            target.table
        ))
    })
}
