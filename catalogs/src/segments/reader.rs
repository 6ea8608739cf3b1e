//! The pixels of regions and volumes: looked up, read and cut out when somebody asks for them.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::catalog::TableProvider;
use datafusion::prelude::{col, lit};
use radlake_kernels::Geometry;

use super::extract::ObjectKind;
use super::images::{Grid, Located};
use super::locate::{Found, locate};
use super::opened::{MAX_FILE, opened};
use super::place::{On, Opened, Placed, Unplaced};
use super::source::{
    Box3, HIDDEN, Limits, Reserve, Series, Stop, StopOnDrop, Voxels, check_seen, read_box, regular,
};
use crate::ingest::{Reader, read_contents};
use crate::{Error, LakeTable, Result};

/// A segment whose pixels are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    /// SOP Instance UID of its object.
    pub instance: String,
    /// Its number.
    pub segment: i64,
    /// Series that it is placed on.
    pub source: String,
    /// Voxels around the segment's box, where the image has them; `None`: all of the image.
    pub margin: Option<usize>,
}

/// Voxels on a grid, in the modality's units.
#[derive(Debug, Clone, PartialEq)]
pub struct Pixels {
    /// The grid.
    pub geometry: Geometry,
    /// One per voxel, columns fastest.
    pub voxels: Vec<f32>,
    /// Of a region, 1 where a voxel is in it.
    pub mask: Option<Vec<u8>>,
    /// Modality (0008,0060).
    pub modality: Option<String>,
    /// Units of the voxels.
    pub units: Option<String>,
}

/// Pixels, or why there are none; the reason is for people, and names no file and no value.
pub type Read = std::result::Result<Pixels, String>;

/// Series that are remembered: rows come by study and series, several of one.
const REMEMBERED: usize = 8;

/// Reads pixels of the instances of one epoch. It knows nothing of users: who may see which instance is said with each call.
pub struct PixelReader {
    instances: Arc<dyn TableProvider>,
    reader: Reader,
    series: Mutex<VecDeque<Arc<Series>>>,
    objects: Mutex<VecDeque<Arc<Found>>>,
}

impl PixelReader {
    /// Of the instances of `imaging.instances`.
    pub fn new(instances: Arc<LakeTable>) -> Self {
        Self {
            instances,
            reader: Reader::new(1),
            series: Mutex::default(),
            objects: Mutex::default(),
        }
    }

    /// A segment's box with its voxels and mask. Every file that is read must be of an instance in `seen`.
    ///
    /// # Errors
    /// Those of reading the lake. What is wrong with files is told as the reason.
    pub async fn region(&self, region: &Region, seen: &HashSet<String>, memory: Reserve) -> Result<Read> {
        if !seen.contains(&region.instance) {
            return Ok(Err(HIDDEN.to_owned()));
        }
        let Some(object) = self.object(&region.instance).await? else {
            return Ok(Err("its object is not in the lake any more".to_owned()));
        };
        let series = self.series(&region.source, seen).await?;
        let (region, seen) = (region.clone(), seen.clone());
        blocking(memory, move |limits| {
            read_region(&object, &region, &series, &seen, limits)
        })
        .await
    }

    /// An object; several segments of one come together.
    async fn object(&self, instance: &str) -> Result<Option<Arc<Found>>> {
        let held = |objects: &VecDeque<Arc<Found>>| {
            let mut all = objects.iter();
            all.find(|held| held.located.instance == instance).cloned()
        };
        let known = held(&self.objects.lock().unwrap_or_else(PoisonError::into_inner));
        if known.is_some() {
            return Ok(known);
        }
        let condition = col("sop_instance_uid").eq(lit(instance));
        let mut found = locate(&self.reader, &self.instances, condition).await?;
        let Some(object) = found.pop().map(Arc::new) else {
            return Ok(None);
        };
        let mut all = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= REMEMBERED {
            all.pop_front();
        }
        all.push_back(Arc::clone(&object));
        Ok(Some(object))
    }

    /// The volume of a series. Every file that is read must be of an instance in `seen`.
    ///
    /// # Errors
    /// As [`PixelReader::region`].
    pub async fn volume(&self, series: &str, seen: &HashSet<String>, memory: Reserve) -> Result<Read> {
        let series = self.series(series, seen).await?;
        // A part of a volume would tell of the rest.
        if hides(&series, seen) {
            return Ok(Err(HIDDEN.to_owned()));
        }
        blocking(memory, move |limits| read_volume(&series, limits)).await
    }

    /// A series. Who may not see all of its images is given one of whose files only those were opened that he may see.
    async fn series(&self, uid: &str, seen: &HashSet<String>) -> Result<Arc<Series>> {
        let held = |series: &VecDeque<Arc<Series>>| {
            let mut all = series.iter();
            all.find(|held| held.source.series == uid).cloned()
        };
        let known = held(&self.series.lock().unwrap_or_else(PoisonError::into_inner));
        if let Some(known) = known.filter(|known| !hides(known, seen)) {
            return Ok(known);
        }
        let loaded = Arc::new(Series::load(&self.reader, &self.instances, uid, Some(seen)).await?);
        if hides(&loaded, seen) {
            return Ok(loaded);
        }
        let mut all = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= REMEMBERED {
            all.pop_front();
        }
        all.push_back(Arc::clone(&loaded));
        Ok(loaded)
    }
}

/// Whether a series has an image that is not to be seen.
fn hides(series: &Series, seen: &HashSet<String>) -> bool {
    !series.source.instances.iter().all(|uid| seen.contains(uid))
}

/// Runs what reads and decodes where waiting is allowed; it is stopped if nobody waits for it any more. A panic costs one row.
async fn blocking(memory: Reserve, work: impl FnOnce(&Limits) -> Read + Send + 'static) -> Result<Read> {
    let stop = Stop::default();
    let _stop = StopOnDrop(stop.clone());
    let limits = Limits { stop, memory };
    match tokio::task::spawn_blocking(move || work(&limits)).await {
        Ok(read) => Ok(read),
        Err(error) if error.is_panic() => Ok(Err("reading it failed; please report the file".to_owned())),
        Err(error) => Err(Error::internal(format!("reading pixels: {error}"))),
    }
}

fn read_region(
    object: &Found,
    region: &Region,
    series: &Series,
    seen: &HashSet<String>,
    limits: &Limits,
) -> Read {
    let kind = ObjectKind::of(&object.sop_class).ok_or("its object is of another kind now")?;
    let placed = place(&object.located, kind, region.segment, series).map_err(|reason| {
        // Why it fails may be told by images that are not to be seen.
        match hides(series, seen) {
            true => HIDDEN.to_owned(),
            false => reason,
        }
    })?;
    let Some(mask) = &placed.mask else {
        return Err("it has no voxels".to_owned());
    };
    let flat;
    let slices = match placed.on {
        On::Grid(_, g) => &series.source.grids[g].slices,
        On::Flat(_, image) => {
            flat = vec![Some((image, 0))];
            &flat
        }
        On::Own => return Err("it is not of these images".to_owned()),
    };
    let inner = mask.mask.geometry.size;
    let wanted = Box3 {
        low: mask
            .low
            .map(|n| region.margin.map_or(0, |margin| n.saturating_sub(margin))),
        high: std::array::from_fn(|k| {
            let last = placed.grid.size[k] - 1;
            let margin = region.margin.unwrap_or(last);
            (mask.low[k] + inner[k] - 1).saturating_add(margin).min(last)
        }),
    };
    check_seen(&series.images, &slices[wanted.low[2]..=wanted.high[2]], seen)?;
    if let On::Grid(_, g) = placed.on {
        let grid = &series.source.grids[g];
        regular(grid)
            .and_then(|()| unambiguous(grid, wanted))
            .map_err(|reason| match hides(series, seen) {
                true => HIDDEN.to_owned(),
                false => reason,
            })?;
    }
    let voxels = read_box(&series.images, slices, &placed.grid, wanted, limits)?;
    let size = wanted.size();
    let mut bytes = vec![0_u8; voxels.values.len()];
    for (row, from) in mask.mask.voxels.chunks_exact(inner[0]).enumerate() {
        let (y, z) = (
            mask.low[1] - wanted.low[1] + row % inner[1],
            mask.low[2] - wanted.low[2] + row / inner[1],
        );
        let at = mask.low[0] - wanted.low[0] + size[0] * (y + size[1] * z);
        for (to, inside) in bytes[at..at + inner[0]].iter_mut().zip(from) {
            *to = u8::from(*inside);
        }
    }
    Ok(pixels(wanted.of(&placed.grid), voxels, Some(bytes)))
}

/// Places a segment of an object, whose file is read for it.
fn place(located: &Located, kind: ObjectKind, segment: i64, series: &Series) -> Result<Placed, String> {
    let mut placed = Err("its file is not there".to_owned());
    read_contents(&[&located.uri], MAX_FILE, &mut |_, bytes| {
        placed = bytes.map_err(|failure| failure.reason).and_then(|bytes| {
            opened(&bytes, located, |bytes, header, root| {
                let object = Opened::of(kind, bytes, header, root)?;
                object
                    .place(segment, std::slice::from_ref(&series.source))
                    .map_err(|unplaced| match unplaced {
                        Unplaced::Waiting(reason) | Unplaced::Never(reason) => reason,
                    })
            })
        });
        std::ops::ControlFlow::Continue(())
    });
    placed
}

fn read_volume(series: &Series, limits: &Limits) -> Read {
    let grids = &series.source.grids;
    let mut solid = grids.iter().filter(|grid| grid.slices.len() > 1);
    let grid = match (solid.next(), solid.next(), grids.as_slice()) {
        (Some(only), None, _) => only,
        (None, None, [only]) => only,
        (Some(_), Some(_), _) => {
            return Err(format!(
                "it holds {} volumes: time points, echoes, or stacks of other orientations",
                grids.iter().filter(|grid| grid.slices.len() > 1).count()
            ));
        }
        _ => return Err("its images have no place in space, or make no volume".to_owned()),
    };
    regular(grid)?;
    let geometry = &grid.stack.geometry;
    let all = Box3::all(geometry);
    unambiguous(grid, all)?;
    let voxels = read_box(&series.images, &grid.slices, geometry, all, limits)?;
    Ok(pixels(geometry.clone(), voxels, None))
}

/// Refuses slices of which there are several that nothing tells apart.
fn unambiguous(grid: &Grid, wanted: Box3) -> Result<(), String> {
    let twice = |plane: &Option<usize>| {
        let mut all = grid.stack.findings.duplicates.iter();
        plane.is_some_and(|plane| all.any(|(first, _)| *first == plane))
    };
    match grid.stack.planes[wanted.low[2]..=wanted.high[2]]
        .iter()
        .any(twice)
    {
        true => Err("it has several slices at one place, which nothing tells apart".to_owned()),
        false => Ok(()),
    }
}

fn pixels(geometry: Geometry, voxels: Voxels, mask: Option<Vec<u8>>) -> Pixels {
    Pixels {
        geometry,
        voxels: voxels.values,
        mask,
        modality: voxels.modality,
        units: voxels.units,
    }
}
