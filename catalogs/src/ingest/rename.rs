//! Another name for a provider.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::physical_plan::execute_stream;
use datafusion::prelude::{SessionContext, col, lit};
use futures::{StreamExt, TryStreamExt};
use serde::Serialize;

use super::cut::Cut;
use super::draft::Draft;
use super::lake::{Tables, cut};
use super::reads::{Reader, read_sources};
use super::sources::{self, Source};
use super::target::SeriesKey;
use crate::delta::DataFile;
use crate::{Error, Lake, Result, TableObject, Transaction};

/// What a new name did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Renamed {
    /// Instances that the provider brought, alone or with others.
    pub instances: u64,
    /// Its files.
    pub files: u64,
    /// Rows of `imaging.series` that were made anew.
    pub series: u64,
    /// The epoch that it became; `None` if the provider has brought nothing.
    pub epoch: Option<u64>,
    /// Policies and masks whose text has the old name in it, as `table: policy`: they are not changed.
    pub named_by: Vec<String>,
}

/// Has all that `from` brought be `to`'s, in all of the tables and one epoch. What both had offered is one's then.
///
/// # Errors
/// [`Error::Invalid`] for a name that is none.
pub async fn rename_provider(lake: &Lake, user: &str, from: &str, to: &str) -> Result<Renamed> {
    if to.trim().is_empty() || from == to {
        return Err(Error::invalid("a provider needs another name"));
    }
    let done = std::sync::Mutex::new(Renamed::default());
    let mut built_on = 0;
    let published = lake
        .transact(|epoch| {
            built_on = epoch.number;
            let done = &done;
            async move {
                let tables = Tables::of(&epoch)?;
                let named_by = policies(&epoch, from);
                let mut work = lake.begin(epoch);
                work.user(user);
                work.statement("RENAME PROVIDER");
                let renamed = rename(&mut work, &tables, from, to).await?;
                if let Ok(mut done) = done.lock() {
                    *done = Renamed { named_by, ..renamed };
                }
                Ok(work)
            }
        })
        .await?;
    let done = done.into_inner().unwrap_or_default();
    Ok(Renamed {
        epoch: (published.number > built_on).then_some(published.number),
        ..done
    })
}

async fn rename(work: &mut Transaction, tables: &Tables, from: &str, to: &str) -> Result<Renamed> {
    let reader = Reader::new(1);
    let view = tables.view(work).await?;
    let epoch = view.epoch as i64 + 1;
    let of = |name: &str| col("provider").eq(lit(name));
    let old = read_sources(&reader.rows(&view.sources, of(from)).await?)?;
    let files = reader.columns(&view.files, of(from), &["uri"]).await?;
    let uris = texts_of(&files)?;
    if old.is_empty() && uris.is_empty() {
        return Ok(Renamed::default());
    }
    // Files that both have offered have the other's rows.
    let theirs: BTreeSet<String> = texts_of(&reader.columns(&view.files, of(to), &["uri"]).await?)?;
    let mut both = Cut::files();
    for uri in uris.intersection(&theirs) {
        both.insert(&[from, uri], uri);
    }
    let mut draft = Draft::new(&reader, &view);
    draft.removed = old.iter().cloned().collect();
    let there: BTreeSet<Source> = read_sources(&reader.rows(&view.sources, of(to)).await?)?
        .into_iter()
        .collect();
    draft.added = old
        .iter()
        .map(|source| Source {
            provider: to.to_owned(),
            ..source.clone()
        })
        .filter(|source| !there.contains(source))
        .collect();
    let touched: BTreeSet<SeriesKey> = draft
        .added
        .iter()
        .chain(&draft.removed)
        .map(Source::series_key)
        .collect();
    let existing = reader.existing_series(&view.series, &touched).await?;
    let series = draft.series(&touched, &existing, &BTreeMap::new(), epoch).await?;
    let (mut series_cut, mut sources_cut) = (Cut::series(), Cut::sources());
    for (study, uid, provider) in &existing {
        series_cut.insert(&[study, uid, provider], study);
    }
    for source in &draft.removed {
        sources_cut.insert(&source.key(), &source.study);
    }
    let added: Vec<Source> = draft.added.iter().cloned().collect();
    for table in [
        &tables.instances,
        &tables.series,
        &tables.files,
        &tables.sources,
        &tables.segments,
        &tables.measurements,
    ] {
        work.reads(table.oid);
    }
    cut(work, &tables.series, &series_cut).await?;
    cut(work, &tables.sources, &sources_cut).await?;
    cut(work, &tables.files, &both).await?;
    let made = series.num_rows() as u64;
    work.append(&tables.series, vec![series]).await?;
    work.append(&tables.sources, vec![sources::to_batch(&added, epoch)?])
        .await?;
    rewrite(work, &tables.instances, from, to).await?;
    rewrite(work, &tables.files, from, to).await?;
    rewrite(work, &tables.segments, from, to).await?;
    rewrite(work, &tables.measurements, from, to).await?;
    let instances: BTreeSet<&str> = old.iter().map(|source| source.instance.as_str()).collect();
    Ok(Renamed {
        instances: instances.len() as u64,
        files: uris.len() as u64,
        series: made,
        ..Renamed::default()
    })
}

/// Writes the files of a table anew that hold a row of `from`. Memory: a batch at a time.
async fn rewrite(work: &mut Transaction, table: &TableObject, from: &str, to: &str) -> Result<()> {
    let open = work.open_table(table.oid).await?;
    let context = SessionContext::new();
    let (state, task) = (context.state(), context.task_ctx());
    let key = vec![open.object().arrow_schema.index_of("provider")?];
    let mut touched: Vec<Arc<DataFile>> = Vec::new();
    for file in open.prune(&state, &[col("provider").eq(lit(from))])? {
        let scan = open.scan_files(&state, Some(&key), &[Arc::clone(&file)], None)?;
        let mut rows = execute_stream(scan, Arc::clone(&task))?;
        while let Some(batch) = rows.try_next().await? {
            let providers = cast(batch.column(0), &DataType::Utf8)?;
            if providers
                .as_string::<i32>()
                .iter()
                .flatten()
                .any(|name| name == from)
            {
                touched.push(file);
                break;
            }
        }
    }
    if touched.is_empty() {
        return Ok(());
    }
    let paths: Vec<String> = touched.iter().map(|file| file.path().to_owned()).collect();
    let mut scans = Vec::with_capacity(touched.len());
    for file in &touched {
        let scan = open.scan_files(&state, None, &[Arc::clone(file)], None)?;
        let rows = execute_stream(scan, Arc::clone(&task))?;
        scans.push(Box::pin(rows.map(|batch| renamed(&batch?, from, to))));
    }
    let staged = work.stage(table, futures::stream::iter(scans).flatten()).await?;
    work.remove_files(table, &paths).await?;
    work.add_staged(table, staged)
}

fn renamed(batch: &RecordBatch, from: &str, to: &str) -> Result<RecordBatch> {
    let index = batch.schema().index_of("provider")?;
    let old = cast(batch.column(index), &DataType::Utf8)?;
    let names = old
        .as_string::<i32>()
        .iter()
        .map(|name| name.map(|name| if name == from { to } else { name }));
    let names: ArrayRef = Arc::new(names.collect::<StringArray>());
    let mut columns = batch.columns().to_vec();
    columns[index] = cast(&names, batch.column(index).data_type())?;
    Ok(RecordBatch::try_new(batch.schema(), columns)?)
}

fn texts_of(batches: &[RecordBatch]) -> Result<BTreeSet<String>> {
    let mut all = BTreeSet::new();
    for batch in batches {
        let column = cast(batch.column(0), &DataType::Utf8)?;
        all.extend(column.as_string::<i32>().iter().flatten().map(str::to_owned));
    }
    Ok(all)
}

/// Policies and masks with the name in their text.
fn policies(epoch: &crate::Epoch, name: &str) -> Vec<String> {
    let literal = format!("'{}'", name.replace('\'', "''"));
    let mut found = Vec::new();
    for table in epoch.tables() {
        let security = &table.row_security;
        for policy in &security.policies {
            let texts = [&policy.using, &policy.check];
            if texts.into_iter().flatten().any(|text| text.contains(&literal)) {
                found.push(format!("{}: policy {}", table.qualified_name(), policy.name));
            }
        }
        for (column, label) in &security.masks {
            if label.contains(&literal) {
                found.push(format!("{}: mask of {column}", table.qualified_name()));
            }
        }
    }
    found
}
