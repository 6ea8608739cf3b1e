//! One batch as a plan: what it changes, asked anew for whichever epoch it is to be built on.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Mutex;

use async_trait::async_trait;

use super::decide::{Decision, Existing, KnownFiles, assemble, decide};
use super::draft::Draft;
use super::objects::objects;
use super::outcome::{Parsed, Verdict};
use super::reads::Reader;
use super::target::{Changes, Plan, View};
use super::{files, uri};
use crate::dicom::with_epoch;
use crate::segments::{measurements_batch, segments_batch};
use crate::{Error, Result};

/// A batch of parsed files, and what was decided of it last.
pub(crate) struct BatchPlan<'a> {
    pub(crate) parts: &'a [Parsed],
    pub(crate) provider: &'a str,
    pub(crate) reader: &'a Reader,
    pub(crate) full_hash: bool,
    /// Whether newer versions replace what the lake has.
    pub(crate) replace: bool,
    /// Instances of earlier batches of a dry run, which no lake has.
    pub(crate) imagined: Option<&'a Mutex<HashMap<String, Existing>>>,
    /// The decision of the latest call: of the one that was published, once it is.
    pub(crate) decided: Mutex<Decision>,
}

impl<'a> BatchPlan<'a> {
    /// Judges the batch against the lake as `view` shows it.
    pub(crate) async fn decide(&self, view: &View) -> Result<(Decision, KnownFiles)> {
        let known = self.known_files(view).await?;
        let uids: HashSet<&str> = self.parts.iter().flat_map(instances).collect();
        let files = self.full_hash.then_some(&view.files);
        let mut existing = self.reader.existing(&view.instances, files, &uids).await?;
        if let Some(imagined) = self.imagined
            && let Ok(imagined) = imagined.lock()
        {
            let also = uids.iter().filter_map(|uid| imagined.get_key_value(*uid));
            existing.extend(also.map(|(uid, instance)| (uid.clone(), instance.clone())));
        }
        if self.replace && !existing.is_empty() {
            existing = self.with_places(existing).await?;
        }
        Ok((decide(self.parts, &known, &existing, self.provider), known))
    }

    /// Looks whether the instances of this provider are where they were.
    async fn with_places(
        &self,
        mut existing: HashMap<String, Existing>,
    ) -> Result<HashMap<String, Existing>> {
        let here: HashSet<String> = self.uris().map(str::to_owned).collect();
        let provider = self.provider.to_owned();
        let look = tokio::task::spawn_blocking(move || {
            for known in existing.values_mut().filter(|known| known.provider == provider) {
                known.place_is_gone = !here.contains(&known.source_uri) && uri::is_gone(&known.source_uri);
            }
            existing
        });
        look.await
            .map_err(|error| Error::internal(format!("looking for files: {error}")))
    }

    fn uris(&self) -> impl Iterator<Item = &str> {
        self.parts
            .iter()
            .flat_map(|part| &part.outcomes)
            .map(|outcome| outcome.uri.as_str())
    }

    async fn known_files(&self, view: &View) -> Result<KnownFiles> {
        match (self.uris().min(), self.uris().max()) {
            (Some(from), Some(to)) => {
                self.reader
                    .known_files(&view.files, self.provider, from, to, self.replace)
                    .await
            }
            _ => Ok(KnownFiles::new(self.replace)),
        }
    }

    /// What follows for the lake's own rows: files that have a newer row, sources that hold their instance no more.
    async fn draft<'v>(
        &'v self,
        view: &'v View,
        decision: &mut Decision,
        known: &KnownFiles,
    ) -> Result<Draft<'v>> {
        let mut draft = Draft::new(self.reader, view);
        draft.added = decision.sources.drain(..).collect();
        let ours = |uri: &str| (self.provider.to_owned(), uri.to_owned());
        // Rows that are not the newest word any more.
        let older: BTreeSet<&str> = decision
            .files
            .iter()
            .map(|file| file.uri.as_str())
            .filter(|uri| known.there.contains(*uri))
            .collect();
        draft.files_gone = older.iter().map(|uri| ours(uri)).collect();
        let mut kept = self.reader.files_at(&view.files, &draft.files_gone).await?;
        for batch in &mut kept {
            *batch = files::outdated(batch)?;
        }
        // A file that holds another instance than it did is no source of the old one any more; one that holds the same is one still.
        let before = self
            .reader
            .sources_at(&view.sources, self.provider, &older)
            .await?;
        if self.replace {
            let now: BTreeSet<&str> = draft.added.iter().map(|source| source.uri.as_str()).collect();
            let gone = before
                .iter()
                .filter(|source| now.contains(source.uri.as_str()) && !draft.added.contains(source));
            draft.removed.extend(gone.cloned().collect::<Vec<_>>());
        }
        for source in before {
            if !decision.replaced.contains_key(&source.instance) {
                draft.added.remove(&source);
            }
        }
        // What is replaced is so for everybody who brought it.
        let uids: BTreeSet<&str> = decision
            .replaced
            .keys()
            .chain(decision.moved.keys())
            .map(String::as_str)
            .collect();
        let mut replaced = BTreeSet::new();
        for source in self.reader.sources_of(&view.sources, &uids).await? {
            let moved = decision.moved.get(&source.instance);
            if moved.is_some_and(|place| *place == source.uri && source.provider == self.provider) {
                draft.files_gone.insert(ours(&source.uri));
            } else if decision.replaced.contains_key(&source.instance) {
                if !(source.provider == self.provider && older.contains(source.uri.as_str())) {
                    replaced.insert((source.provider.clone(), source.uri.clone()));
                }
            } else {
                continue;
            }
            draft.removed.insert(source);
        }
        let rows = self.reader.files_at(&view.files, &replaced).await?;
        draft.files_gone.extend(replaced);
        for batch in rows {
            kept.push(files::replaced(&batch, &decision.replaced)?);
        }
        draft.files = kept;
        for uid in uids {
            // Its study as the lake has it, which says where its row is.
            let study = draft
                .removed
                .iter()
                .find(|source| source.instance == uid)
                .map(|source| source.study.clone());
            draft.replaced.insert(uid.to_owned(), study.unwrap_or_default());
        }
        Ok(draft)
    }
}

#[async_trait]
impl Plan for BatchPlan<'_> {
    async fn changes(&self, view: &View) -> Result<Option<Changes>> {
        let (mut decision, known) = self.decide(view).await?;
        let epoch = view.epoch as i64 + 1;
        let mut draft = self.draft(view, &mut decision, &known).await?;
        for piece in assemble(self.parts, &decision.accepted)? {
            draft.instances.push(with_epoch(&piece, epoch)?);
        }
        let objects = objects(self.parts, &decision.accepted);
        draft.segments.push(segments_batch(&objects.segments(), epoch)?);
        draft
            .measurements
            .push(measurements_batch(&objects.measurements(), epoch)?);
        draft
            .files
            .push(files::to_batch(&decision.files, self.provider, epoch)?);
        let nothing = decision.files.is_empty();
        let changes = match nothing {
            true => None,
            false => {
                let fate = draft.fate().await?;
                Some(draft.finish(fate, epoch).await?.0)
            }
        };
        if let Ok(mut decided) = self.decided.lock() {
            *decided = decision;
        }
        Ok(changes)
    }
}

fn instances(part: &Parsed) -> impl Iterator<Item = &str> {
    part.outcomes.iter().filter_map(|outcome| match &outcome.verdict {
        Verdict::Instance { sop_instance_uid, .. } => Some(sop_instance_uid.as_str()),
        _ => None,
    })
}
