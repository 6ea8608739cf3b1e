//! Placing segments: after an ingest, those that came and those whose images came, changed or went. An object whose images come later
//! is placed then.

use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::prelude::{col, lit};
use futures::{StreamExt, TryStreamExt};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::due::{Due, ImageSeries, due, without_rows};
use super::extract::{Extracted, ObjectKind, extract};
use super::locate::{Found, locate};
use super::opened::{MAX_FILE, opened};
use super::place::{Opened, Source, Unplaced};
use super::rows::{measurements_batch, segments_batch};
use super::schema::{Placement, Segment, Status};
use super::source::Series;
use crate::dicom::DataSet;
use crate::dicom::objects::{Measurement, read_segmentation, read_structure_set};
use crate::ingest::{Change, Changes, Cut, Imaging, Plan, Reader, Target, View, read_contents};
use crate::{Error, Lake, Result};

/// What placing came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PlacedSegments {
    /// Segments on the grid of their source images.
    pub placed: u64,
    /// Segments on their own grid, whose images are not in the lake.
    pub own_grid: u64,
    /// Segments whose images are not in the lake.
    pub waiting: u64,
    /// Segments that cannot be placed.
    pub unplaceable: u64,
    /// Objects whose files could not be read this time; the next run tries again.
    pub unread: u64,
    /// Epochs that it published.
    pub epochs: Vec<u64>,
}

/// Objects that are published together.
const TOGETHER: usize = 256;

/// Gives objects their rows that a lake had before it had the tables, and places what is due.
///
/// # Errors
/// Those of reading and writing the lake. A file that cannot be read is none.
pub async fn catch_up(lake: &Lake, workers: usize, cancel: &CancellationToken) -> Result<PlacedSegments> {
    place_segments(&Imaging::of(lake), workers, true, cancel).await
}

/// Places what is due; `reports` too are looked for that have no rows. A cancelled run leaves whole batches, and the next one goes on from there.
pub(crate) async fn place_segments(
    target: &dyn Target,
    workers: usize,
    reports: bool,
    cancel: &CancellationToken,
) -> Result<PlacedSegments> {
    let reader = Arc::new(Reader::new(workers));
    let view = target.view().await?;
    let series = Arc::new(ImageSeries::of(&reader, &view).await?);
    let mut due = due(&reader, &view, &series).await?;
    due.extend(without_rows(&reader, &view, reports).await?);
    let due: Vec<Due> = due.into_iter().collect();
    let mut report = PlacedSegments::default();
    let app = format!("place-{}", uuid::Uuid::now_v7());
    for (number, batch) in due.chunks(TOGETHER).enumerate() {
        if cancel.is_cancelled() {
            break;
        }
        let uids = batch.iter().map(|due| lit(due.instance.as_str())).collect();
        let objects = locate(
            &reader,
            &view.instances,
            col("sop_instance_uid").in_list(uids, false),
        )
        .await?;
        let done: Vec<Option<Done>> = futures::stream::iter(objects)
            .map(|object| object_of(&reader, &view, &series, object, cancel))
            .buffered(workers.max(1))
            .try_collect()
            .await?;
        if cancel.is_cancelled() {
            break;
        }
        let placement = Placements {
            reader: &reader,
            done: done.into_iter().flatten().collect(),
        };
        for done in &placement.done {
            match &done.rows {
                None => report.unread += 1,
                Some(rows) => rows.iter().for_each(|row| report.count(row)),
            }
        }
        report
            .epochs
            .extend(target.commit((&app, number as i64), &placement).await?);
    }
    Ok(report)
}

impl PlacedSegments {
    fn count(&mut self, segment: &Segment) {
        match segment.placement.status {
            Status::Placed => self.placed += 1,
            Status::OwnGrid => self.own_grid += 1,
            Status::Waiting => self.waiting += 1,
            Status::Unplaceable => self.unplaceable += 1,
        }
    }
}

/// An object with its rows as they will be; `None` if its file could not be read.
struct Done {
    found: Found,
    rows: Option<Vec<Segment>>,
    measurements: Vec<Measurement>,
}

/// Reads an object and places its segments.
async fn object_of(
    reader: &Arc<Reader>,
    view: &View,
    series: &Arc<ImageSeries>,
    found: Found,
    cancel: &CancellationToken,
) -> Result<Option<Done>> {
    let Some(kind) = ObjectKind::of(&found.sop_class) else {
        return Ok(None);
    };
    if cancel.is_cancelled() {
        return Ok(None);
    }
    let first = found.clone();
    let read = blocking(move || read_object(&first, kind)).await?;
    let (bytes, mut extracted, sources) = match read {
        Ok(read) => read,
        // Its rows stay what they are.
        Err(Unread) => {
            return Ok(Some(Done {
                found,
                rows: None,
                measurements: Vec::new(),
            }));
        }
    };
    let measurements = std::mem::take(&mut extracted.measurements);
    if kind == ObjectKind::Report {
        return Ok(Some(Done {
            found,
            rows: Some(Vec::new()),
            measurements,
        }));
    }
    let mut loaded = Vec::new();
    for uid in candidates(reader, view, series, &sources).await? {
        loaded.push(Series::load(reader, &view.instances, &uid, None).await?.source);
    }
    let again = found.clone();
    let rows = blocking(move || place_all(&bytes, &again, kind, extracted, &loaded)).await?;
    Ok(Some(Done {
        found,
        rows: Some(rows),
        measurements,
    }))
}

/// Runs where waiting is allowed.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Error::internal(format!("placing segments: {error}")))
}

/// A file that is not there, not to be read, or not the one that was ingested; the next run tries again.
struct Unread;

/// What an object says of its sources.
#[derive(Debug, Default)]
struct Sources {
    series: Vec<String>,
    instances: Vec<String>,
    frames: BTreeSet<String>,
}

fn read_object(
    found: &Found,
    kind: ObjectKind,
) -> std::result::Result<(Vec<u8>, Extracted, Sources), Unread> {
    let mut read = Err(Unread);
    read_contents(&[&found.located.uri], MAX_FILE, &mut |_, bytes| {
        read = match bytes {
            Err(_) => Err(Unread),
            Ok(bytes) => {
                let parsed = opened(&bytes, &found.located, |_, header, root| {
                    Ok((extract(header).unwrap_or_default(), sources(kind, root)))
                });
                match parsed {
                    Ok((extracted, sources)) => Ok((bytes, extracted, sources)),
                    Err(_) => Err(Unread),
                }
            }
        };
        ControlFlow::Continue(())
    });
    read
}

fn sources(kind: ObjectKind, root: DataSet<'_>) -> Sources {
    match kind {
        ObjectKind::Segmentation => read_segmentation(root).map_or_else(
            |_| Sources::default(),
            |object| {
                let named = object.frames.iter().filter_map(|frame| frame.source.as_ref());
                let mut instances: Vec<String> = named.map(|(uid, _)| uid.clone()).collect();
                instances.extend(object.source_instances);
                Sources {
                    series: object.source_series,
                    instances,
                    frames: object.frame_of_reference_uid.into_iter().collect(),
                }
            },
        ),
        ObjectKind::StructureSet => {
            let set = read_structure_set(root);
            let contours = set.rois.iter().flat_map(|roi| &roi.contours);
            Sources {
                instances: contours
                    .flat_map(|contour| contour.images.iter().cloned())
                    .collect(),
                frames: set
                    .rois
                    .iter()
                    .filter_map(|roi| roi.frame_of_reference_uid.clone())
                    .collect(),
                series: set.source_series,
            }
        }
        ObjectKind::Report => Sources::default(),
    }
}

/// Instances that are looked up to find the series of an object's images.
const LOOKED_UP: usize = 1_000;
/// Series of one frame of reference that are tried.
const TRIED: usize = 16;

/// Series that an object may be placed on: those that it names, else those of the images that it names, else those of its frame of
/// reference.
async fn candidates(
    reader: &Reader,
    view: &View,
    series: &ImageSeries,
    sources: &Sources,
) -> Result<Vec<String>> {
    let mut found: Vec<String> = Vec::new();
    let mut add = |uid: &str| {
        if series.has(uid) && !found.iter().any(|known| known == uid) {
            found.push(uid.to_owned());
        }
    };
    sources.series.iter().for_each(|uid| add(uid));
    let distinct: BTreeSet<&str> = sources.instances.iter().map(String::as_str).collect();
    if !distinct.is_empty() && sources.series.len() != 1 {
        let uids = distinct.into_iter().take(LOOKED_UP).map(lit).collect();
        let images = locate(
            reader,
            &view.instances,
            col("sop_instance_uid").in_list(uids, false),
        )
        .await?;
        images.iter().for_each(|image| add(&image.object.series));
    }
    if found.is_empty() {
        let all = sources.frames.iter().flat_map(|frame| series.of_frame(frame));
        let mut all: Vec<&String> = all.collect();
        all.sort();
        all.dedup();
        found.extend(all.into_iter().take(TRIED).cloned());
    }
    Ok(found)
}

/// Places all segments of an object; a segment on which the decoder fails costs itself.
fn place_all(
    bytes: &[u8],
    found: &Found,
    kind: ObjectKind,
    extracted: Extracted,
    sources: &[Source],
) -> Vec<Segment> {
    let mut rows = extracted.segments;
    let told = opened(bytes, &found.located, |bytes, header, root| {
        let object = Opened::of(kind, bytes, header, root)?;
        for row in &mut rows {
            if row.placement.status == Status::Unplaceable {
                continue;
            }
            let named = row.placement.source_series.take();
            row.placement = match object.place(row.number, sources) {
                Ok(placed) => {
                    let placement = placed.placement(sources);
                    Placement {
                        source_series: placement.source_series.clone().or(named),
                        ..placement
                    }
                }
                Err(Unplaced::Waiting(reason)) => unplaced(Status::Waiting, reason, named),
                Err(Unplaced::Never(reason)) => unplaced(Status::Unplaceable, reason, named),
            };
        }
        Ok(())
    });
    if let Err(reason) = told {
        for row in &mut rows {
            let named = row.placement.source_series.take();
            row.placement = unplaced(Status::Unplaceable, reason.clone(), named);
        }
    }
    rows
}

fn unplaced(status: Status, reason: String, source_series: Option<String>) -> Placement {
    Placement {
        status,
        reason: Some(reason),
        source_series,
        ..Placement::default()
    }
}

/// The rows of some objects, for whichever epoch they are published in.
struct Placements<'a> {
    reader: &'a Reader,
    done: Vec<Done>,
}

#[async_trait]
impl Plan for Placements<'_> {
    fn statement(&self) -> &'static str {
        "PLACE SEGMENTS"
    }

    async fn changes(&self, view: &View) -> Result<Option<Changes>> {
        let read = self
            .done
            .iter()
            .filter_map(|done| Some((&done.found, done.rows.as_ref()?, &done.measurements)));
        let read: Vec<_> = read.collect();
        if read.is_empty() {
            return Ok(None);
        }
        // What went or changed meanwhile is not theirs any more; the provider may be another.
        let uids = read
            .iter()
            .map(|(found, ..)| lit(found.located.instance.as_str()))
            .collect();
        let there = locate(
            self.reader,
            &view.instances,
            col("sop_instance_uid").in_list(uids, false),
        )
        .await?;
        let there: HashMap<&str, &Found> = there.iter().map(|f| (f.located.instance.as_str(), f)).collect();
        let (mut gone, mut rows, mut measured) = (Cut::objects(), Vec::new(), Vec::new());
        for (found, segments, measurements) in read {
            let now = there.get(found.located.instance.as_str());
            if let Some(now) = now.filter(|now| now.located.header_hash == found.located.header_hash) {
                gone.insert(&[&now.object.instance], &now.object.study);
                rows.extend(segments.iter().map(|segment| (&now.object, segment)));
                measured.extend(measurements.iter().map(|row| (&now.object, row)));
            }
        }
        let epoch = view.epoch as i64 + 1;
        let segments = Change {
            gone: gone.clone(),
            new: vec![segments_batch(&rows, epoch)?],
        };
        let measurements = Change {
            // Those of reports that had none; others stay.
            gone: if measured.is_empty() { Cut::objects() } else { gone },
            new: vec![measurements_batch(&measured, epoch)?],
        };
        Ok(Some(Changes::of_objects(segments, measurements)))
    }
}
