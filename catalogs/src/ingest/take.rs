//! Taking instances out of all tables at once: what was forgotten, deleted, or is no longer where it was.

use std::collections::{BTreeSet, HashSet};
use std::sync::Mutex;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::compute::{cast, filter_record_batch};
use arrow::datatypes::DataType;
use async_trait::async_trait;
use datafusion::prelude::{Expr, col, lit};
use serde::Serialize;

use super::draft::{Draft, Fate};
use super::lake::{Imaging, Tables};
use super::reads::{Reader, read_sources, texts};
use super::sources::Source;
use super::target::{Changes, Plan, Target, View};
use super::{gone, uri};
use crate::{Error, Lake, Result, Transaction};

/// Which instances are meant: those that fulfil all that is said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Who brought them. What others brought too is theirs from then on.
    pub provider: Option<String>,
    /// PatientID (0010,0020).
    pub patient: Option<String>,
    /// IssuerOfPatientID (0010,0021) of that patient; `Some(None)` says that there is none.
    pub issuer: Option<Option<String>>,
    /// StudyInstanceUID (0020,000D).
    pub study: Option<String>,
    /// SeriesInstanceUID (0020,000E).
    pub series: Option<String>,
    /// SOPInstanceUID (0008,0018).
    pub instance: Option<String>,
}

impl Selection {
    /// The condition upon rows of `imaging.instances`; `None` if only the provider is said.
    pub(crate) fn condition(&self) -> Option<Expr> {
        let mut condition: Option<Expr> = None;
        for (name, value) in [
            ("patient_id", &self.patient),
            ("study_instance_uid", &self.study),
            ("series_instance_uid", &self.series),
            ("sop_instance_uid", &self.instance),
        ] {
            if let Some(value) = value {
                let this = col(name).eq(lit(value.as_str()));
                condition = Some(match condition {
                    Some(before) => before.and(this),
                    None => this,
                });
            }
        }
        if let Some(issuer) = &self.issuer {
            let this = match issuer {
                Some(issuer) => col("issuer_of_patient_id").eq(lit(issuer.as_str())),
                None => col("issuer_of_patient_id").is_null(),
            };
            condition = condition.map(|before| before.and(this));
        }
        condition
    }

    /// Refuses what says nothing, or less than it seems to.
    pub(crate) fn check(&self) -> Result<()> {
        if self.issuer.is_some() && self.patient.is_none() {
            return Err(Error::invalid(
                "an issuer is that of a patient: name the patient too",
            ));
        }
        if self.provider.is_none() && self.condition().is_none() {
            return Err(Error::invalid(
                "name what is to be forgotten: a provider, patient, study, series or instance",
            ));
        }
        Ok(())
    }
}

/// What was taken out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TakenOut {
    /// Rows of `imaging.instances` that went.
    pub instances: u64,
    /// Rows of `imaging.instances` that stayed because another file or provider has the instance, and name that one now.
    pub handed_over: u64,
    /// Rows of `imaging.series` that went.
    pub series: u64,
    /// Rows of `imaging.series` that were made anew.
    pub series_remade: u64,
    /// Files whose rows in `imaging.files` went.
    pub files: u64,
    /// Rows of `imaging.sources` that went.
    pub sources: u64,
    /// The epoch that it became; `None` if there was nothing to do, or nothing was to be done.
    pub epoch: Option<u64>,
    /// Files of other instances that may be ingested now.
    pub reopened: u64,
}

/// What is meant.
#[derive(Debug, Clone)]
pub(crate) enum What {
    Selected(Selection),
    Instances(BTreeSet<String>),
    /// What a provider brought from below these places and is no longer there.
    Gone {
        provider: String,
        roots: Vec<String>,
    },
}

/// Takes instances out of all of the tables in one epoch.
///
/// # Errors
/// [`Error::Invalid`] for a selection that says nothing, or a patient of several issuers or providers.
pub async fn forget(lake: &Lake, user: &str, selection: Selection, dry_run: bool) -> Result<TakenOut> {
    selection.check()?;
    let target = Imaging {
        lake,
        user: Some(user.to_owned()),
    };
    take(&target, "FORGET", What::Selected(selection), dry_run).await
}

/// Takes instances out of all of the tables, as part of a transaction.
///
/// # Errors
/// [`Error::Older`] if the lake has to be upgraded first.
pub async fn delete_instances(work: &mut Transaction, instances: BTreeSet<String>) -> Result<TakenOut> {
    let epoch = work.preview()?;
    let tables = Tables::of(&epoch)?;
    let view = tables.view(work).await?;
    let reader = Reader::new(1);
    match changes(&reader, &view, &What::Instances(instances)).await? {
        Some((changes, taken)) => {
            tables.carry_out(work, changes).await?;
            Ok(taken)
        }
        None => Ok(TakenOut::default()),
    }
}

pub(crate) async fn take(
    target: &dyn Target,
    statement: &'static str,
    what: What,
    dry_run: bool,
) -> Result<TakenOut> {
    let plan = Take {
        reader: Reader::new(std::thread::available_parallelism().map_or(2, usize::from)),
        statement,
        what,
        taken: Mutex::default(),
    };
    let epoch = if dry_run {
        let view = target.view().await?;
        plan.changes(&view).await?;
        None
    } else {
        let app = format!("take-{}", uuid::Uuid::now_v7());
        target.commit((&app, 0), &plan).await?
    };
    let taken = plan.taken.into_inner().unwrap_or_default();
    Ok(TakenOut { epoch, ..taken })
}

struct Take {
    reader: Reader,
    statement: &'static str,
    what: What,
    taken: Mutex<TakenOut>,
}

#[async_trait]
impl Plan for Take {
    fn statement(&self) -> &'static str {
        self.statement
    }

    async fn changes(&self, view: &View) -> Result<Option<Changes>> {
        let (changes, taken) = match changes(&self.reader, view, &self.what).await? {
            Some((changes, taken)) => (Some(changes), taken),
            None => (None, TakenOut::default()),
        };
        if let Ok(mut last) = self.taken.lock() {
            *last = taken;
        }
        Ok(changes)
    }
}

async fn changes(reader: &Reader, view: &View, what: &What) -> Result<Option<(Changes, TakenOut)>> {
    let mut draft = Draft::new(reader, view);
    // Of whom all files go, whatever they hold.
    let mut whole_provider = None;
    match what {
        What::Selected(selection) => {
            let sources = selected(reader, view, selection).await?;
            draft.removed.extend(sources);
            if selection.condition().is_none() {
                whole_provider = selection.provider.as_deref();
            }
        }
        What::Instances(uids) => {
            let uids: BTreeSet<&str> = uids.iter().map(String::as_str).collect();
            draft
                .removed
                .extend(reader.sources_of(&view.sources, &uids).await?);
        }
        What::Gone { provider, roots } => {
            let uris = gone::uris(reader, view, provider, roots).await?;
            let wanted: BTreeSet<&str> = uris.iter().map(String::as_str).collect();
            draft
                .removed
                .extend(reader.sources_at(&view.sources, provider, &wanted).await?);
            draft.files_gone = uris.into_iter().map(|uri| (provider.clone(), uri)).collect();
        }
    }
    let fate = draft.fate().await?;
    let reopened = files(reader, view, &mut draft, &fate, what, whole_provider).await?;
    let (sources, files) = (draft.removed.len() as u64, draft.files_gone.len() as u64);
    if sources == 0 && files == 0 {
        return Ok(None);
    }
    let instances = fate.gone.len() as u64;
    let handed_over = fate.handed.len() as u64;
    let (changes, series) = draft.finish(fate, view.epoch as i64 + 1).await?;
    let taken = TakenOut {
        instances,
        handed_over,
        series: series.gone,
        series_remade: series.made,
        files,
        sources,
        epoch: None,
        reopened,
    };
    Ok(Some((changes, taken)))
}

/// The sources that a selection means.
async fn selected(reader: &Reader, view: &View, selection: &Selection) -> Result<Vec<Source>> {
    let of_provider = |source: &Source| {
        selection
            .provider
            .as_ref()
            .is_none_or(|provider| source.provider == *provider)
    };
    let Some(condition) = selection.condition() else {
        let provider = selection.provider.as_deref().unwrap_or_default();
        let rows = reader
            .rows(&view.sources, col("provider").eq(lit(provider)))
            .await?;
        return read_sources(&rows);
    };
    let columns = ["sop_instance_uid", "issuer_of_patient_id", "provider"];
    let rows = reader.columns(&view.instances, condition, &columns).await?;
    let (mut uids, mut issuers, mut first) = (BTreeSet::new(), HashSet::new(), HashSet::new());
    for batch in &rows {
        let [uid, issuer, provider] = [texts(batch, 0)?, texts(batch, 1)?, texts(batch, 2)?];
        for row in 0..batch.num_rows() {
            uids.insert(uid.as_string::<i32>().value(row).to_owned());
            let issuer = issuer.as_string::<i32>();
            issuers.insert(issuer.is_valid(row).then(|| issuer.value(row).to_owned()));
            first.insert(provider.as_string::<i32>().value(row).to_owned());
        }
    }
    let uids: BTreeSet<&str> = uids.iter().map(String::as_str).collect();
    let mut sources = reader.sources_of(&view.sources, &uids).await?;
    sources.retain(of_provider);
    // A patient is an ID of an issuer, at a provider: the same ID elsewhere is somebody else.
    if selection.patient.is_some() && selection.issuer.is_none() && issuers.len() > 1 {
        return Err(Error::invalid(
            "several issuers have given out this patient ID: name the issuer too, or NULL for none",
        ));
    }
    if selection.patient.is_some() && selection.provider.is_none() && first.len() > 1 {
        return Err(Error::invalid(
            "several providers have a patient of this ID, who need not be one person: name the provider too",
        ));
    }
    Ok(sources)
}

/// Which rows of `imaging.files` go. Gives how many files may be ingested now that could not before.
async fn files(
    reader: &Reader,
    view: &View,
    draft: &mut Draft<'_>,
    fate: &Fate,
    what: &What,
    whole_provider: Option<&str>,
) -> Result<u64> {
    let pairs: HashSet<(String, String)> = draft
        .removed
        .iter()
        .map(|source| (source.provider.clone(), source.instance.clone()))
        .collect();
    let places: Vec<(String, String)> = draft
        .removed
        .iter()
        .map(|source| (source.provider.clone(), source.uri.clone()))
        .collect();
    let wholly_gone = std::mem::take(&mut draft.files_gone);
    let mut keys: BTreeSet<(String, String)> = places.into_iter().collect();
    let mut reopened = 0;
    // Whatever else was offered under the UIDs that go: copies, and conflicts, which are none any more.
    let uids: Vec<&str> = fate.gone.keys().map(String::as_str).collect();
    for batch in reader.rows_where(&view.files, "sop_instance_uid", &uids).await? {
        let column = |name: &str| texts(&batch, batch.schema().index_of(name)?);
        let (provider, uri, status) = (column("provider")?, column("uri")?, column("status")?);
        for row in 0..batch.num_rows() {
            let key = (
                provider.as_string::<i32>().value(row).to_owned(),
                uri.as_string::<i32>().value(row).to_owned(),
            );
            let other = matches!(status.as_string::<i32>().value(row), "conflict" | "replaced");
            if keys.insert(key.clone()) && other && !wholly_gone.contains(&key) {
                reopened += 1;
            }
        }
    }
    // An archive is opened again for the sake of a member that is still there.
    if !matches!(what, What::Gone { .. }) {
        let archives: Vec<(String, String)> = keys
            .iter()
            .filter_map(|(provider, uri)| Some((provider.clone(), uri.split_once("!/")?.0.to_owned())))
            .collect();
        keys.extend(archives);
    }
    if let Some(provider) = whole_provider {
        let rows = reader
            .columns(&view.files, col("provider").eq(lit(provider)), &["uri"])
            .await?;
        for batch in &rows {
            let uris = texts(batch, 0)?;
            keys.extend(
                uris.as_string::<i32>()
                    .iter()
                    .flatten()
                    .map(|uri| (provider.to_owned(), uri.to_owned())),
            );
        }
    }
    let partly: BTreeSet<(String, String)> = keys.difference(&wholly_gone).cloned().collect();
    for batch in reader.files_at(&view.files, &partly).await? {
        let staying = of_others(&batch, &pairs, fate, whole_provider)?;
        draft.files.push(filter_record_batch(&batch, &staying)?);
    }
    keys.extend(wholly_gone);
    draft.files_gone = keys;
    Ok(reopened)
}

/// Rows of files that went, about instances that stay.
fn of_others(
    batch: &RecordBatch,
    pairs: &HashSet<(String, String)>,
    fate: &Fate,
    whole_provider: Option<&str>,
) -> Result<BooleanArray> {
    let column = |name: &str| -> Result<_> {
        let index = batch.schema().index_of(name)?;
        Ok(cast(batch.column(index), &DataType::Utf8)?)
    };
    let (provider, uid) = (column("provider")?, column("sop_instance_uid")?);
    let (provider, uid) = (provider.as_string::<i32>(), uid.as_string::<i32>());
    Ok((0..batch.num_rows())
        .map(|row| {
            let other = uid.is_valid(row)
                && whole_provider != Some(provider.value(row))
                && !fate.gone.contains_key(uid.value(row))
                && !pairs.contains(&(provider.value(row).to_owned(), uid.value(row).to_owned()));
            Some(other)
        })
        .collect())
}

/// The roots of a run as its URIs begin.
pub(crate) fn root_uris(roots: &[std::path::PathBuf]) -> Vec<String> {
    roots
        .iter()
        .map(|root| uri::of_file(root).trim_end_matches('/').to_owned())
        .collect()
}

#[cfg(test)]
#[path = "take_tests.rs"]
mod tests;
