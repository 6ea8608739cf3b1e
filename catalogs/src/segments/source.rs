//! The images of a series, with their grids, as segments are placed on them and voxels read from them.

use std::collections::{BTreeMap, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use datafusion::catalog::TableProvider;
use radlake_kernels::Geometry;
use radlake_pixels::ModalityLut;

use super::images::{Grid, ImageRow, Located, grids, images_of, of_series};
use super::opened::{MAX_FILE, opened};
use super::place::{Flat, Source};
use crate::dicom::objects::{Image, ImageFrame, Pixels, read_image};
use crate::ingest::{Reader, read_contents};
use crate::{Error, Result};

/// A series that was looked up.
#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) images: Vec<ImageRow>,
    pub(crate) source: Source,
}

impl Series {
    /// The images of a series, and their grids; of images with several frames the files are read for that, if they are `seen`.
    ///
    /// # Errors
    /// Those of reading the lake; why its planes are none is left to who needs them: there are no grids then.
    pub(crate) async fn load(
        reader: &Reader,
        instances: &Arc<dyn TableProvider>,
        series: &str,
        seen: Option<&HashSet<String>>,
    ) -> Result<Self> {
        let images = images_of(reader, instances, of_series(series)).await?;
        let uid = series.to_owned();
        let open: Vec<bool> = images
            .iter()
            .map(|image| seen.is_none_or(|seen| seen.contains(&image.located.instance)))
            .collect();
        let load = tokio::task::spawn_blocking(move || {
            let source = source(uid, &images, &open);
            Self { images, source }
        });
        load.await
            .map_err(|error| Error::internal(format!("reading a series: {error}")))
    }
}

/// `open` says of which images the files may be opened.
fn source(series: String, images: &[ImageRow], open: &[bool]) -> Source {
    let mut frames: Vec<((usize, usize), ImageFrame, [u32; 2])> = Vec::new();
    let mut flat = Vec::new();
    let mut several = Vec::new();
    for (at, image) in images.iter().enumerate() {
        let size = [image.rows, image.columns];
        if image.frames.is_some_and(|n| n != 1) {
            if open[at] {
                several.push(at);
            }
            continue;
        }
        if image.geometry.position.is_none() || image.geometry.orientation.is_none() {
            flat.push(Flat {
                image: at,
                size,
                spacing: image.geometry.spacing,
            });
            continue;
        }
        let frame = ImageFrame {
            geometry: image.geometry,
            slope: 1.0,
            intercept: 0.0,
            phase: image.phase,
        };
        frames.push(((at, 0), frame, size));
    }
    // Where frames lie is in the files alone.
    let uris: Vec<&str> = several
        .iter()
        .map(|at| images[*at].located.uri.as_str())
        .collect();
    read_contents(&uris, MAX_FILE, &mut |number, bytes| {
        let at = several[number];
        let read = bytes
            .map_err(|failure| failure.reason)
            .and_then(|bytes| opened(&bytes, &images[at].located, |_, _, root| read_image(root)));
        if let Ok(image) = read {
            let size = [image.rows, image.columns];
            let each = image.frames.iter().enumerate();
            frames.extend(each.map(|(n, frame)| ((at, n), *frame, size)));
        }
        ControlFlow::Continue(())
    });
    frames.sort_by_key(|(which, ..)| *which);
    Source {
        series,
        grids: grids(frames.into_iter()).unwrap_or_default(),
        instances: images
            .iter()
            .map(|image| image.located.instance.clone())
            .collect(),
        flat,
    }
}

/// Says whether nobody waits any more.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stop(Arc<AtomicBool>);

/// Stops what was begun when it is dropped.
#[derive(Debug)]
pub(crate) struct StopOnDrop(pub(crate) Stop);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

impl Stop {
    fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Pixels of a slice that are decoded: 16,384 rows and columns, four times the largest detector. What a header claims beyond it costs
/// its own row, where asking for the memory would end the query.
const MAX_PIXELS: usize = 1 << 28;

/// Takes memory, in bytes, before it is used; `false`: there is none.
pub type Reserve = Arc<dyn Fn(usize) -> bool + Send + Sync>;

/// What holds while pixels are read.
pub(crate) struct Limits {
    pub(crate) stop: Stop,
    pub(crate) memory: Reserve,
}

impl Limits {
    fn reserve(&self, bytes: usize) -> bool {
        (self.memory)(bytes)
    }
}

/// Refuses to read slices of a grid of which one is of an image that is not in `seen`.
pub(crate) fn check_seen(
    images: &[ImageRow],
    slices: &[Option<(usize, usize)>],
    seen: &HashSet<String>,
) -> std::result::Result<(), String> {
    let is_seen = |(image, _): &(usize, usize)| seen.contains(&images[*image].located.instance);
    match slices.iter().flatten().all(is_seen) {
        true => Ok(()),
        false => Err(HIDDEN.to_owned()),
    }
}

/// Voxels of a part of a grid.
#[derive(Debug)]
pub(crate) struct Voxels {
    pub(crate) values: Vec<f32>,
    pub(crate) modality: Option<String>,
    pub(crate) units: Option<String>,
}

/// A box of a grid to be read: both corners inclusive, in voxels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Box3 {
    pub(crate) low: [usize; 3],
    pub(crate) high: [usize; 3],
}

impl Box3 {
    /// All of a grid.
    pub(crate) fn all(grid: &Geometry) -> Self {
        Self {
            low: [0; 3],
            high: grid.size.map(|n| n.saturating_sub(1)),
        }
    }

    pub(crate) fn size(&self) -> [usize; 3] {
        std::array::from_fn(|k| self.high[k] + 1 - self.low[k])
    }

    /// Its own grid, within `grid`.
    pub(crate) fn of(&self, grid: &Geometry) -> Geometry {
        Geometry {
            size: self.size(),
            spacing: grid.spacing,
            origin: grid.physical(self.low.map(|n| n as f64)),
            direction: grid.direction,
        }
    }
}

/// What has to be so for voxels to be where their grid says.
pub(crate) fn regular(grid: &Grid) -> std::result::Result<(), String> {
    let told = &grid.stack.findings;
    if told.tilt.is_some() {
        return Err(
            "its slices are shifted within their plane (a tilted gantry): it is no grid of voxels".to_owned(),
        );
    }
    if told.irregular.is_some() {
        return Err("its slices have no common spacing".to_owned());
    }
    Ok(())
}

/// Reads the voxels of a box, each file once. `slices` says of which image and frame each slice of the grid is.
///
/// # Errors
/// Why it cannot be read, for people.
pub(crate) fn read_box(
    images: &[ImageRow],
    slices: &[Option<(usize, usize)>],
    grid: &Geometry,
    wanted: Box3,
    limits: &Limits,
) -> std::result::Result<Voxels, String> {
    let size = wanted.size();
    wanted.of(grid).check().map_err(|error| error.to_string())?;
    let mut of: BTreeMap<usize, Vec<(usize, usize)>> = BTreeMap::new();
    for z in wanted.low[2]..=wanted.high[2] {
        let Some((image, frame)) = slices.get(z).copied().flatten() else {
            return Err("slices are missing".to_owned());
        };
        of.entry(image).or_default().push((frame, z - wanted.low[2]));
    }
    if grid.size[0].saturating_mul(grid.size[1]) > MAX_PIXELS {
        return Err(format!("it has more than {MAX_PIXELS} pixels in a slice"));
    }
    // What is decoded at a time, and what comes of it.
    let frame = grid.size[0].saturating_mul(grid.size[1]).saturating_mul(16);
    let all = size.iter().product::<usize>().saturating_mul(5);
    if !limits.reserve(all.saturating_add(frame)) {
        return Err("there is no memory for it".to_owned());
    }
    let plane = size[0] * size[1];
    let mut values = vec![0.0_f32; plane * size[2]];
    let (mut modality, mut units) = (None, None);
    let which: Vec<usize> = of.keys().copied().collect();
    let uris: Vec<&str> = which
        .iter()
        .map(|image| images[*image].located.uri.as_str())
        .collect();
    let mut wrong = None;
    read_contents(&uris, MAX_FILE, &mut |number, bytes| {
        if limits.stop.is_set() {
            wrong = Some("it was cancelled".to_owned());
            return ControlFlow::Break(());
        }
        let image = which[number];
        let read = bytes.map_err(|failure| failure.reason).and_then(|bytes| {
            read_frames(
                &bytes,
                &images[image].located,
                grid,
                wanted,
                &of[&image],
                &mut values,
            )
        });
        match read {
            Ok((of_modality, of_units)) => {
                let same = units.is_none() || units == Some(of_units.clone());
                modality = modality.take().or(of_modality);
                units = Some(of_units);
                if same {
                    return ControlFlow::Continue(());
                }
                wrong = Some("its slices are in different units".to_owned());
            }
            Err(reason) => wrong = Some(reason),
        }
        ControlFlow::Break(())
    });
    match wrong {
        Some(reason) => Err(reason),
        None => Ok(Voxels {
            values,
            modality,
            units: units.flatten(),
        }),
    }
}

/// Why pixels are not shown.
pub(crate) const HIDDEN: &str = "it is of images that may not be seen";

type Units = (Option<String>, Option<String>);

/// Frames of one file into their slices of the box; gives modality and units.
fn read_frames(
    bytes: &[u8],
    located: &Located,
    grid: &Geometry,
    wanted: Box3,
    frames: &[(usize, usize)],
    values: &mut [f32],
) -> std::result::Result<Units, String> {
    opened(bytes, located, |bytes, header, root| {
        let image = read_image(root)?;
        if image.samples_per_pixel != 1 || image.photometric == "PALETTE COLOR" {
            return Err("it is in colour".to_owned());
        }
        if [image.columns as usize, image.rows as usize] != [grid.size[0], grid.size[1]] {
            return Err("its slices differ in rows or columns".to_owned());
        }
        let pixels = Pixels::of(bytes, header, &image)?;
        let size = wanted.size();
        for (frame, slice) in frames {
            let decoded = pixels.frame(*frame)?;
            let all = modality_lut(&image, *frame).apply(&decoded);
            let to = values
                .get_mut(slice * size[0] * size[1]..(slice + 1) * size[0] * size[1])
                .ok_or("its slices are not where they were")?;
            for (row, to) in to.chunks_exact_mut(size[0]).enumerate() {
                let from = (wanted.low[1] + row) * grid.size[0] + wanted.low[0];
                to.copy_from_slice(
                    all.get(from..from + size[0])
                        .ok_or("it has fewer pixels than rows and columns")?,
                );
            }
        }
        let units = image.units.clone().or_else(|| {
            // PS3.3 C.8.2.1: without a type they are Hounsfield units in CT.
            (image.modality.as_deref() == Some("CT")).then(|| "HU".to_owned())
        });
        Ok((image.modality, units))
    })
}

fn modality_lut(image: &Image, frame: usize) -> ModalityLut {
    match (&image.lut, image.frames.get(frame)) {
        (Some(table), _) => table.clone(),
        (None, Some(frame)) => ModalityLut::Rescale {
            slope: frame.slope,
            intercept: frame.intercept,
        },
        (None, None) => ModalityLut::IDENTITY,
    }
}
