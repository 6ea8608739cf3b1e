//! Keys that must be unique: a declared primary key.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use arrow::row::{OwnedRow, RowConverter, SortField};
use datafusion::catalog::TableProvider;
use datafusion::datasource::MemTable;
use datafusion::error::DataFusionError;

use super::Writer;
use super::constraint::{self, Constraint};
use super::target::{Target, quoted};
use crate::error::Violation;
use crate::{Error, Result};

/// Relations of one query, by name.
type Locals = Vec<(&'static str, Arc<dyn TableProvider>)>;

/// New keys beyond which the table's keys are compared as a whole.
const FEW: usize = 10_000;

/// New keys up to which each is looked up by its value.
const LOOKED_UP: usize = 64;

/// Keys of new rows.
#[derive(Debug)]
pub(super) struct Keys {
    columns: Vec<String>,
    /// `None` when there are too many to keep.
    batches: Option<Vec<RecordBatch>>,
    rows: usize,
    seen: HashSet<OwnedRow>,
    /// Whether the rows were there before the constraint.
    there: bool,
}

impl Keys {
    /// Of a constraint; without one nothing is kept.
    pub(super) fn new(constraint: Option<&Constraint>) -> Self {
        Self::all(constraint.and_then(Constraint::key).unwrap_or_default())
    }

    pub(super) fn all(columns: &[String]) -> Self {
        Self {
            columns: columns.to_vec(),
            batches: Some(Vec::new()),
            rows: 0,
            seen: HashSet::new(),
            there: false,
        }
    }

    /// More than can be kept: the table's keys are compared as a whole.
    pub(super) fn everything(constraints: &[Constraint]) -> Self {
        let mut keys = Self::new(constraint::primary_key(constraints));
        (keys.batches, keys.rows) = (None, usize::MAX);
        keys
    }

    /// Whether the rows were there before the constraint.
    pub(super) fn there(mut self, there: bool) -> Self {
        self.there = there;
        self
    }

    fn of(&self, rows: &RecordBatch) -> Result<RecordBatch> {
        let places: Vec<usize> = self
            .columns
            .iter()
            .map(|column| rows.schema().index_of(column))
            .collect::<std::result::Result<_, _>>()
            .map_err(DataFusionError::from)?;
        Ok(rows.project(&places).map_err(DataFusionError::from)?)
    }

    /// Keeps the keys of rows.
    pub(super) fn see(&mut self, rows: &RecordBatch) -> Result<()> {
        if self.columns.is_empty() {
            return Ok(());
        }
        let keys = self.of(rows)?;
        self.rows += keys.num_rows();
        match &mut self.batches {
            Some(batches) if self.rows <= FEW => batches.push(keys),
            batches => *batches = None,
        }
        Ok(())
    }

    /// For each row, whether its key comes for the first time. Keys with a NULL always do.
    pub(super) fn first_times(&mut self, rows: &RecordBatch) -> Result<Vec<bool>> {
        let keys = self.of(rows)?;
        let fields = keys
            .columns()
            .iter()
            .map(|key| SortField::new(key.data_type().clone()))
            .collect();
        let converter = RowConverter::new(fields).map_err(DataFusionError::from)?;
        let converted = converter
            .convert_columns(keys.columns())
            .map_err(DataFusionError::from)?;
        let null = |row: usize| keys.columns().iter().any(|key: &ArrayRef| key.is_null(row));
        let first = (0..keys.num_rows())
            .map(|row| null(row) || self.seen.insert(converted.row(row).owned()))
            .collect();
        Ok(first)
    }
}

/// The values of the first column of a few keys, as literals: by them bounds and Bloom filters find the files to look into.
fn among(batches: &[RecordBatch]) -> Option<String> {
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    if rows == 0 || rows > LOOKED_UP {
        return None;
    }
    let mut values = Vec::with_capacity(rows);
    for batch in batches {
        let column = batch.columns().first()?;
        match column.data_type() {
            DataType::Int16 | DataType::Int32 | DataType::Int64 => {
                let numbers = cast(column, &DataType::Int64).ok()?;
                let numbers = numbers.as_primitive_opt::<Int64Type>()?;
                values.extend(
                    numbers
                        .iter()
                        .map(|number| number.map(|number| number.to_string())),
                );
            }
            DataType::Utf8 => {
                let texts = column.as_string_opt::<i32>()?;
                values.extend(
                    texts
                        .iter()
                        .map(|text| text.map(|text| format!("'{}'", text.replace('\'', "''")))),
                );
            }
            _ => return None,
        }
    }
    Some(values.into_iter().collect::<Option<Vec<_>>>()?.join(", "))
}

impl Writer<'_> {
    /// Refuses a primary key that is there twice after the statement.
    pub(super) async fn unique(
        &mut self,
        target: &Target,
        constraints: &[Constraint],
        keys: Keys,
    ) -> Result<()> {
        let Some(constraint) = constraint::primary_key(constraints) else {
            return Ok(());
        };
        // Another writer's rows count too: the statement must be built again if one was first and may have added the same.
        self.work.keyed(target.object.oid, &keys.columns);
        if keys.rows == 0 {
            return Ok(());
        }
        // Of the state after the statement, also where its parts read the one before.
        let before = self.before.take();
        let (_, local) = self.open(target).await?;
        let list = |prefix: &str| {
            let columns = keys
                .columns
                .iter()
                .map(|column| format!("{prefix}{}", quoted(column)));
            columns.collect::<Vec<_>>()
        };
        let (sql, locals): (String, Locals) = match &keys.batches {
            Some(batches) => {
                let Some(schema) = batches.first().map(RecordBatch::schema) else {
                    self.before = before;
                    return Ok(());
                };
                let on: Vec<String> = list("t.")
                    .into_iter()
                    .zip(list("k."))
                    .map(|(t, k)| format!("{t} = {k}"))
                    .collect();
                let sql = format!(
                    "SELECT 1 FROM {} AS t JOIN (SELECT DISTINCT {} FROM {}) \
                     AS k ON {}{} GROUP BY {} HAVING count(*) > 1 LIMIT 1",
                    self.splices.local("target"),
                    list("").join(", "),
                    self.splices.local("keys"),
                    on.join(" AND "),
                    among(batches).map_or_else(String::new, |values| format!(
                        " WHERE t.{} IN ({values})",
                        quoted(&keys.columns[0])
                    )),
                    list("t.").join(", ")
                );
                let new = MemTable::try_new(schema, vec![batches.clone()])?;
                (sql, vec![("target", local), ("keys", Arc::new(new))])
            }
            None => {
                let columns = list("").join(", ");
                let sql = format!(
                    "SELECT 1 FROM {} GROUP BY {columns} HAVING count(*) > 1 LIMIT 1",
                    self.splices.local("target")
                );
                (sql, vec![("target", local)])
            }
        };
        let planner = self.planner(locals)?;
        self.before = before;
        let found = self.collected(&planner, &sql).await?;
        if found.iter().any(|batch| batch.num_rows() > 0) {
            let name = &constraint.name;
            let message = match keys.there {
                true => format!("could not create unique index \"{name}\""),
                false => format!("duplicate key value violates unique constraint \"{name}\""),
            };
            let violation = Violation::of_table(&target.object.schema, &target.object.name, message)
                .constraint(name)
                .key(&keys.columns, keys.there);
            return Err(Error::UniqueViolation(violation));
        }
        Ok(())
    }
}
