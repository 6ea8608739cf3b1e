//! Which data files hold rows of some instances, of the newest epoch and of those before it that can still be read: what whoever
//! erases a person must get rid of.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use datafusion::physical_plan::collect;
use datafusion::prelude::{Expr, SessionContext, col, lit};
use serde::Serialize;

use super::reads::texts;
use super::take::Selection;
use crate::delta::DataFile;
use crate::{Lake, LakeTable, Result};

/// A data file of a table, with rows that are looked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Holding {
    /// The table, qualified.
    pub table: String,
    /// The file, relative to the lake.
    pub file: String,
    /// How many of the rows it has.
    pub rows: u64,
    /// The oldest epoch that can be read and has it.
    pub first_epoch: u64,
    /// The newest epoch that has it.
    pub last_epoch: u64,
}

/// A file, and the epochs that have it.
struct Lived {
    table: Arc<LakeTable>,
    file: Arc<DataFile>,
    first: u64,
    last: u64,
}

/// The files of the `imaging` tables that hold rows of what is selected. Vacuum removes those whose last epoch is not the newest once
/// no epoch that is kept has them.
///
/// # Errors
/// [`crate::Error::Invalid`] for a selection that says nothing.
pub async fn holdings(lake: &Lake, selection: &Selection) -> Result<Vec<Holding>> {
    selection.check()?;
    let (newest, oldest) = (lake.latest().await?.number, lake.horizon().await?);
    let mut lived: BTreeMap<(String, String), Lived> = BTreeMap::new();
    let mut seen: HashSet<(String, i64)> = HashSet::new();
    let mut versions: BTreeMap<(String, i64), Arc<LakeTable>> = BTreeMap::new();
    for number in oldest..=newest {
        let epoch = lake.at(number).await?;
        for name in [
            "instances",
            "series",
            "files",
            "sources",
            "segments",
            "measurements",
        ] {
            let Some(object) = epoch.table("imaging", name) else {
                continue;
            };
            let key = (object.location.clone(), object.version);
            if seen.insert(key.clone()) {
                versions.insert(key.clone(), lake.table(object).await?);
            }
            let Some(table) = versions.get(&key) else {
                continue;
            };
            for file in table.files() {
                let entry = lived
                    .entry((name.to_owned(), file.location.to_string()))
                    .or_insert_with(|| Lived {
                        table: Arc::clone(table),
                        file: Arc::clone(file),
                        first: number,
                        last: number,
                    });
                entry.last = number;
            }
        }
    }
    let mut found = Vec::new();
    let (mut instances, mut series) = (BTreeSet::new(), BTreeSet::new());
    let provider = selection.provider.as_deref();
    // Sources say what a provider brought beside what its rows of `instances` say.
    if let (Some(provider), None) = (provider, selection.condition()) {
        for (_, lived) in lived.iter().filter(|((table, _), _)| table == "sources") {
            let rows = rows(lived, col("provider").eq(lit(provider))).await?;
            note(&rows, &mut instances, &mut series)?;
        }
    }
    let condition = match (selection.condition(), provider) {
        (Some(condition), _) => condition,
        (None, Some(provider)) => col("provider").eq(lit(provider)),
        (None, None) => return Ok(found),
    };
    for ((table, path), lived) in lived.iter().filter(|((table, _), _)| table == "instances") {
        let rows = rows(lived, condition.clone()).await?;
        note(&rows, &mut instances, &mut series)?;
        push(&mut found, table, path, lived, &rows);
    }
    for ((table, path), lived) in lived.iter().filter(|((table, _), _)| table != "instances") {
        let (column, values) = match table.as_str() {
            "series" => ("series_instance_uid", &series),
            _ => ("sop_instance_uid", &instances),
        };
        let mut all = Vec::new();
        let values: Vec<&String> = values.iter().collect();
        for part in values.chunks(10_000) {
            let list = part.iter().map(|value| lit(value.as_str())).collect();
            let mut condition = col(column).in_list(list, false);
            if let Some(provider) = provider {
                condition = condition.and(col("provider").eq(lit(provider)));
            }
            all.extend(rows(lived, condition).await?);
        }
        push(&mut found, table, path, lived, &all);
    }
    Ok(found)
}

fn push(found: &mut Vec<Holding>, table: &str, path: &str, lived: &Lived, rows: &[RecordBatch]) {
    let rows: usize = rows.iter().map(RecordBatch::num_rows).sum();
    if rows > 0 {
        found.push(Holding {
            table: format!("imaging.{table}"),
            file: path.to_owned(),
            rows: rows as u64,
            first_epoch: lived.first,
            last_epoch: lived.last,
        });
    }
}

/// The rows of one file that fulfil a condition: the columns that name them.
async fn rows(lived: &Lived, condition: Expr) -> Result<Vec<RecordBatch>> {
    let context = SessionContext::new();
    let state = context.state();
    if !lived
        .table
        .prune(&state, std::slice::from_ref(&condition))?
        .iter()
        .any(|file| file.path() == lived.file.path())
    {
        return Ok(Vec::new());
    }
    let one = [Arc::clone(&lived.file)];
    let columns: Vec<usize> = lived
        .table
        .object()
        .arrow_schema
        .fields()
        .iter()
        .enumerate()
        .filter(|(_, field)| field.name() != "dataset")
        .map(|(index, _)| index)
        .collect();
    let scan = lived.table.scan_files(&state, Some(&columns), &one, None)?;
    let batches = collect(scan, context.task_ctx()).await?;
    let frame = context.read_batches(batches)?;
    Ok(frame.filter(condition)?.collect().await?)
}

fn note(rows: &[RecordBatch], instances: &mut BTreeSet<String>, series: &mut BTreeSet<String>) -> Result<()> {
    for batch in rows {
        for (name, into) in [
            ("sop_instance_uid", &mut *instances),
            ("series_instance_uid", &mut *series),
        ] {
            let column = texts(batch, batch.schema().index_of(name)?)?;
            into.extend(column.as_string::<i32>().iter().flatten().map(str::to_owned));
        }
    }
    Ok(())
}
