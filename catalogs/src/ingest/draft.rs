//! What follows from instances that come and sources that come and go: rows of `imaging.instances` that are taken out or handed
//! to another source, and rows of `imaging.series` that are made anew.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::compute::{cast, interleave_record_batch};
use arrow::datatypes::DataType;

use super::cut::Cut;
use super::files;
use super::reads::Reader;
use super::sources::{self, Source};
use super::target::{Change, Changes, SeriesKey, View};
use crate::Result;
use crate::dicom::series::{aggregate, source_columns};

/// Changes as they are gathered.
pub(crate) struct Draft<'a> {
    pub(crate) reader: &'a Reader,
    pub(crate) view: &'a View,
    /// Rows for `imaging.instances`, sorted as the table is; what the lake has of the same UIDs they replace.
    pub(crate) instances: Vec<RecordBatch>,
    /// Rows for `imaging.segments` and `imaging.measurements`, of those instances.
    pub(crate) segments: Vec<RecordBatch>,
    pub(crate) measurements: Vec<RecordBatch>,
    /// UIDs among them that the lake has, each with its study as the lake has it.
    pub(crate) replaced: BTreeMap<String, String>,
    /// Rows for `imaging.sources` that it does not have.
    pub(crate) added: BTreeSet<Source>,
    /// Rows of `imaging.sources` that go.
    pub(crate) removed: BTreeSet<Source>,
    /// Keys of `imaging.files` whose rows go, provider and URI.
    pub(crate) files_gone: BTreeSet<(String, String)>,
    /// Rows for `imaging.files`, sorted by URI.
    pub(crate) files: Vec<RecordBatch>,
}

/// What becomes of instances whose sources go.
#[derive(Debug, Default)]
pub(crate) struct Fate {
    /// Nobody brings them any more; each with its study.
    pub(crate) gone: BTreeMap<String, String>,
    /// Another source has them now.
    pub(crate) handed: BTreeMap<String, Source>,
}

/// What became of rows of `imaging.series`.
#[derive(Debug, Default)]
pub(crate) struct SeriesCounts {
    pub(crate) gone: u64,
    pub(crate) made: u64,
}

impl<'a> Draft<'a> {
    pub(crate) fn new(reader: &'a Reader, view: &'a View) -> Self {
        Self {
            reader,
            view,
            instances: Vec::new(),
            segments: Vec::new(),
            measurements: Vec::new(),
            replaced: BTreeMap::new(),
            added: BTreeSet::new(),
            removed: BTreeSet::new(),
            files_gone: BTreeSet::new(),
            files: Vec::new(),
        }
    }

    /// The instances of `removed` that are left without a source, and those whose row is of a source that goes.
    pub(crate) async fn fate(&self) -> Result<Fate> {
        let mut fate = Fate::default();
        let affected: BTreeMap<&str, &Source> = self
            .removed
            .iter()
            .filter(|source| !self.replaced.contains_key(&source.instance))
            .map(|source| (source.instance.as_str(), source))
            .collect();
        if affected.is_empty() {
            return Ok(fate);
        }
        let series: BTreeSet<&str> = affected.values().map(|source| source.series.as_str()).collect();
        let mut left: HashMap<&str, Vec<&Source>> = HashMap::new();
        let there = self.reader.sources_of_series(&self.view.sources, &series).await?;
        for source in there.iter().filter(|source| !self.removed.contains(source)) {
            left.entry(&source.instance).or_default().push(source);
        }
        for source in &self.added {
            left.entry(&source.instance).or_default().push(source);
        }
        let uids: HashSet<&str> = affected.keys().copied().collect();
        let rows = self.reader.existing(&self.view.instances, None, &uids).await?;
        for (uid, row) in rows {
            let others = left.get(uid.as_str()).map(Vec::as_slice).unwrap_or_default();
            let same = others
                .iter()
                .any(|source| source.provider == row.provider && source.uri == row.source_uri);
            if same {
                continue;
            }
            // Another file of the same provider, if there is one.
            match others
                .iter()
                .min_by_key(|source| (source.provider != row.provider, &source.provider, &source.uri))
            {
                Some(next) => {
                    fate.handed.insert(uid, (*next).clone());
                }
                None => {
                    fate.gone.insert(uid, row.study);
                }
            }
        }
        Ok(fate)
    }

    /// All that follows.
    pub(crate) async fn finish(mut self, fate: Fate, epoch: i64) -> Result<(Changes, SeriesCounts)> {
        let Fate { gone, handed } = fate;
        let mut cut = Cut::instances();
        for (uid, study) in gone.iter().chain(&self.replaced) {
            cut.insert(&[uid], study);
        }
        let touched: BTreeSet<SeriesKey> = self
            .added
            .iter()
            .chain(&self.removed)
            .map(Source::series_key)
            .collect();
        let existing = self.reader.existing_series(&self.view.series, &touched).await?;
        let series = self.series(&touched, &existing, &gone, epoch).await?;
        let mut objects = Cut::objects();
        for (uid, study) in gone.iter().chain(&self.replaced) {
            objects.insert(&[uid], study);
        }
        for (uid, next) in &handed {
            cut.insert(&[uid], &next.study);
            objects.insert(&[uid], &next.study);
        }
        if !handed.is_empty() {
            let rows = self
                .reader
                .instances_by_uid(&self.view.instances, &handed)
                .await?;
            for batch in &rows {
                self.instances.push(handed_to(batch, &handed, epoch)?);
            }
            for (table, rows) in [
                (&self.view.segments, &mut self.segments),
                (&self.view.measurements, &mut self.measurements),
            ] {
                for batch in &self.reader.instances_by_uid(table, &handed).await? {
                    rows.push(handed_to(batch, &handed, epoch)?);
                }
            }
            self.promote(&handed).await?;
        }
        let (mut series_cut, mut sources_cut, mut files_cut) = (Cut::series(), Cut::sources(), Cut::files());
        for (study, series, provider) in &existing {
            series_cut.insert(&[study, series, provider], study);
        }
        for source in &self.removed {
            sources_cut.insert(&source.key(), &source.study);
        }
        for (provider, uri) in &self.files_gone {
            files_cut.insert(&[provider, uri], uri);
        }
        let counts = SeriesCounts {
            gone: (existing.len().saturating_sub(series.num_rows())) as u64,
            made: series.num_rows() as u64,
        };
        let added: Vec<Source> = self.added.into_iter().collect();
        let changes = Changes {
            instances: Change {
                gone: cut,
                new: self.instances,
            },
            series: Change {
                gone: series_cut,
                new: vec![series],
            },
            files: Change {
                gone: files_cut,
                new: self.files,
            },
            sources: Change {
                gone: sources_cut,
                new: vec![sources::to_batch(&added, epoch)?],
            },
            segments: Change {
                gone: objects.clone(),
                new: self.segments,
            },
            measurements: Change {
                gone: objects,
                new: self.measurements,
            },
        };
        Ok((changes, counts))
    }

    /// Files that instances are of now were copies until now: their rows in `imaging.files` say so no more.
    async fn promote(&mut self, handed: &BTreeMap<String, Source>) -> Result<()> {
        let keys = handed
            .values()
            .map(|source| (source.provider.clone(), source.uri.clone()));
        let keys: BTreeSet<(String, String)> = keys.filter(|key| !self.files_gone.contains(key)).collect();
        for batch in self.reader.files_at(&self.view.files, &keys).await? {
            self.files.push(files::promoted(&batch, handed)?);
        }
        self.files_gone.extend(keys);
        Ok(())
    }

    /// The rows of the series `touched`, as they will be.
    pub(crate) async fn series(
        &self,
        touched: &BTreeSet<SeriesKey>,
        existing: &BTreeSet<SeriesKey>,
        gone: &BTreeMap<String, String>,
        epoch: i64,
    ) -> Result<RecordBatch> {
        // Sources that the lake has and keeps, then those that come.
        let there: BTreeSet<&str> = existing.iter().map(|(_, series, _)| series.as_str()).collect();
        let mut members: BTreeMap<SeriesKey, BTreeSet<String>> = BTreeMap::new();
        let kept = self.reader.sources_of_series(&self.view.sources, &there).await?;
        let kept = kept.iter().filter(|source| !self.removed.contains(source));
        for source in kept.chain(&self.added) {
            let key = source.series_key();
            if touched.contains(&key) {
                members.entry(key).or_default().insert(source.instance.clone());
            }
        }
        let mut batches = Vec::with_capacity(self.instances.len());
        for batch in &self.instances {
            batches.push(series_sources(batch)?);
        }
        let mut places: HashMap<String, (usize, usize)> = HashMap::new();
        note(&batches, 0, |_| true, &mut places)?;
        let asked: BTreeSet<&str> = members
            .iter()
            .filter(|(_, uids)| uids.iter().any(|uid| !places.contains_key(uid)))
            .map(|((_, series, _), _)| series.as_str())
            .collect();
        let old = self.reader.instances_of(&self.view.instances, &asked).await?;
        // As mostly: the series are made of what comes, and of nothing else.
        let all: usize = members.values().map(BTreeSet::len).sum();
        let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
        if asked.is_empty() && all == rows && of_one(&batches, &members)? {
            return Ok(aggregate(&batches, epoch)?);
        }
        let first = batches.len();
        batches.extend(old);
        let new: HashSet<String> = places.keys().cloned().collect();
        note(
            &batches,
            first,
            |uid| !new.contains(uid) && !gone.contains_key(uid),
            &mut places,
        )?;
        let mut rows = Vec::new();
        for (key, uids) in &members {
            let at: Vec<(usize, usize)> = uids.iter().filter_map(|uid| places.get(uid).copied()).collect();
            rows.extend(of_provider(&batches, &at, &key.2)?);
        }
        Ok(aggregate(&rows, epoch)?)
    }
}

/// Whether all rows, and all series, are of one provider.
fn of_one(batches: &[RecordBatch], members: &BTreeMap<SeriesKey, BTreeSet<String>>) -> Result<bool> {
    let mut providers: BTreeSet<&str> = members.keys().map(|(_, _, provider)| provider.as_str()).collect();
    for batch in batches {
        let column = batch.column(batch.schema().index_of("provider")?);
        providers.extend(column.as_string::<i32>().iter().flatten());
        if providers.len() > 1 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Rows side by side are taken a piece at a time: data sets of many could pass what one array holds.
const PIECE: usize = 8192;

/// Rows as if `provider` had brought them.
fn of_provider(batches: &[RecordBatch], at: &[(usize, usize)], provider: &str) -> Result<Vec<RecordBatch>> {
    let all: Vec<&RecordBatch> = batches.iter().collect();
    at.chunks(PIECE)
        .map(|piece| {
            let rows = interleave_record_batch(&all, piece)?;
            let index = rows.schema().index_of("provider")?;
            let mut columns = rows.columns().to_vec();
            columns[index] = Arc::new(StringArray::from_iter_values(std::iter::repeat_n(
                provider,
                rows.num_rows(),
            )));
            Ok(RecordBatch::try_new(rows.schema(), columns)?)
        })
        .collect()
}

/// Where the instances of batches from number `first` on are.
fn note(
    batches: &[RecordBatch],
    first: usize,
    wanted: impl Fn(&str) -> bool,
    places: &mut HashMap<String, (usize, usize)>,
) -> Result<()> {
    for (number, batch) in batches.iter().enumerate().skip(first) {
        let uids = batch.column(batch.schema().index_of("sop_instance_uid")?);
        let uids = cast(uids, &DataType::Utf8)?;
        for (row, uid) in uids.as_string::<i32>().iter().enumerate() {
            if let Some(uid) = uid.filter(|uid| wanted(uid)) {
                places.insert(uid.to_owned(), (number, row));
            }
        }
    }
    Ok(())
}

/// The columns that a series is made of, as [`Reader::instances_of`] gives them.
fn series_sources(rows: &RecordBatch) -> Result<RecordBatch> {
    let mut wanted = source_columns()
        .iter()
        .map(|name| rows.schema().index_of(name))
        .collect::<std::result::Result<Vec<_>, _>>()?;
    wanted.push(rows.schema().index_of("dataset")?);
    super::reads::plain_types(&rows.project(&wanted)?)
}

/// Rows of `imaging.instances`, or of objects among them, with other sources.
fn handed_to(batch: &RecordBatch, to: &BTreeMap<String, Source>, epoch: i64) -> Result<RecordBatch> {
    let schema = batch.schema();
    let uids = cast(
        batch.column(schema.index_of("sop_instance_uid")?),
        &DataType::Utf8,
    )?;
    let next = |pick: fn(&Source) -> &str| -> ArrayRef {
        let values = uids
            .as_string::<i32>()
            .iter()
            .map(|uid| uid.and_then(|uid| to.get(uid)).map(pick));
        Arc::new(values.collect::<StringArray>())
    };
    let mut columns = batch.columns().to_vec();
    for (name, values) in [
        ("provider", next(|source| &source.provider)),
        ("source_uri", next(|source| &source.uri)),
        (
            "ingested_epoch",
            Arc::new(Int64Array::from_value(epoch, batch.num_rows())) as ArrayRef,
        ),
    ] {
        if let Ok(index) = schema.index_of(name) {
            columns[index] = cast(&values, schema.field(index).data_type())?;
        }
    }
    Ok(RecordBatch::try_new(schema, columns)?)
}
