//! Where a segment's voxels are: on the grid of its source images, or, of a segmentation without them, on its own.

use std::collections::{HashMap, HashSet};

use radlake_kernels::contours::{self, Tolerance, rasterise};
use radlake_kernels::{Geometry, PlacedMask};

use super::extract::ObjectKind;
use super::images::Grid;
use super::schema::{Placement, Status};
use super::seg;
use crate::dicom::objects::{Roi, StructureSet, read_structure_set};
use crate::dicom::{DataSet, Header};

/// A series of images that a segment may be placed on.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) series: String,
    /// Its grids, those with most slices first.
    pub(crate) grids: Vec<Grid>,
    /// UIDs of its images, as [`Grid::slices`] counts them.
    pub(crate) instances: Vec<String>,
    /// Of an image without a place in space: its rows, columns, and distances of rows and of columns, mm, if it says.
    pub(crate) flat: Vec<Flat>,
}

/// A projection, or another image without a place in space.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Flat {
    pub(crate) image: usize,
    pub(crate) size: [u32; 2],
    pub(crate) spacing: Option<[f64; 2]>,
}

/// What a segment is placed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum On {
    /// A grid of a source: their numbers.
    Grid(usize, usize),
    /// A flat image of a source: its number, and the image's.
    Flat(usize, usize),
    Own,
}

/// A segment's voxels.
#[derive(Debug, Clone)]
pub(crate) struct Placed {
    pub(crate) on: On,
    /// `None`: no voxel is in it.
    pub(crate) mask: Option<PlacedMask>,
    /// The grid that `mask` lies in.
    pub(crate) grid: Geometry,
    /// Whether lengths are known: not those of an image that does not say how large a pixel is.
    pub(crate) sized: bool,
    /// Whether there is a third dimension.
    pub(crate) solid: bool,
    pub(crate) findings: Vec<&'static str>,
}

/// Why a segment is not placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unplaced {
    /// Its images may still come.
    Waiting(String),
    /// They would not help.
    Never(String),
}

/// An object that is ready to be placed.
pub(crate) enum Opened<'b> {
    Segmentation(Box<seg::Opened<'b>>),
    /// With the places of its regions by their number.
    StructureSet(StructureSet, HashMap<i64, Vec<usize>>),
}

impl<'b> Opened<'b> {
    /// Reads the object of a file's bytes.
    ///
    /// # Errors
    /// Why it cannot be placed anywhere, for people.
    pub(crate) fn of(
        kind: ObjectKind,
        bytes: &'b [u8],
        header: &Header<'_>,
        root: DataSet<'_>,
    ) -> Result<Self, String> {
        match kind {
            ObjectKind::Segmentation => Ok(Self::Segmentation(Box::new(seg::Opened::of(
                bytes, header, root,
            )?))),
            ObjectKind::StructureSet => {
                let set = read_structure_set(root);
                let mut places: HashMap<i64, Vec<usize>> = HashMap::new();
                for (at, roi) in set.rois.iter().enumerate() {
                    places.entry(roi.number).or_default().push(at);
                }
                Ok(Self::StructureSet(set, places))
            }
            ObjectKind::Report => Err("a report has no segments".to_owned()),
        }
    }

    /// Places a segment on one of `sources`.
    pub(crate) fn place(&self, number: i64, sources: &[Source]) -> Result<Placed, Unplaced> {
        match self {
            Self::Segmentation(object) => object.place(number, sources),
            Self::StructureSet(set, places) => match places.get(&number).map(Vec::as_slice) {
                Some([only]) => place_roi(&set.rois[*only], sources),
                Some(_) => Err(Unplaced::Never(SEVERAL.to_owned())),
                None => Err(Unplaced::Never("it has no region of this number".to_owned())),
            },
        }
    }
}

/// Why nothing is told of one of them.
pub(crate) const SEVERAL: &str = "several of its segments have this number";

/// The grids that an object may be placed on: their sources, and which of their grids.
pub(crate) struct Candidates {
    pub(crate) grids: Vec<(usize, usize)>,
}

impl Candidates {
    /// Those of which most images are named by the object; all if none is.
    pub(crate) fn of(sources: &[Source], named: &HashSet<&str>) -> Self {
        let mut all = Vec::new();
        for (s, source) in sources.iter().enumerate() {
            let is_named = |slice: &&Option<(usize, usize)>| {
                let uid = slice.and_then(|(image, _)| source.instances.get(image));
                uid.is_some_and(|uid| named.contains(uid.as_str()))
            };
            for (g, grid) in source.grids.iter().enumerate() {
                all.push((grid.slices.iter().filter(is_named).count(), (s, g)));
            }
        }
        let most = all.iter().map(|(count, _)| *count).max().unwrap_or(0);
        let grids = all.into_iter().filter(|(count, _)| *count == most);
        Self {
            grids: grids.map(|(_, at)| at).collect(),
        }
    }

    /// Refuses a grid beside which there are others of other times at the same place.
    pub(crate) fn check(&self, sources: &[Source], (s, g): (usize, usize)) -> Result<(), Unplaced> {
        let keyed = |at: &(usize, usize)| {
            let grids = &sources[at.0].grids;
            at.0 == s && grids.get(at.1).is_some_and(|grid| grid.stack.key.is_some())
        };
        match keyed(&(s, g)) && self.grids.iter().filter(|at| keyed(at)).count() > 1 {
            true => Err(Unplaced::Never(
                "its source images are of several times or weightings, and it does not say of which it is"
                    .to_owned(),
            )),
            false => Ok(()),
        }
    }
}

/// Fills a region's contours on the grid that most of them lie in.
fn place_roi(roi: &Roi, sources: &[Source]) -> Result<Placed, Unplaced> {
    let mut findings = Vec::new();
    let mut note = |found: bool, what: &'static str| {
        if found && !findings.contains(&what) {
            findings.push(what);
        }
    };
    let closed: Vec<&[[f64; 3]]> = roi
        .contours
        .iter()
        .filter(|contour| contour.is_closed())
        .map(|contour| contour.points.as_slice())
        .collect();
    let point = roi.contours.iter().any(|c| c.geometric_type == "POINT");
    note(point, "point");
    note(
        roi.contours
            .iter()
            .any(|c| !c.is_closed() && c.geometric_type != "POINT"),
        "open contour",
    );
    if closed.is_empty() {
        return Err(Unplaced::Never(
            if roi.contours.is_empty() {
                "it has no contours"
            } else {
                "it has no closed contours: points and open contours bound no volume"
            }
            .to_owned(),
        ));
    }
    if sources.is_empty() {
        return Err(Unplaced::Waiting(
            "its source images are not in the lake".to_owned(),
        ));
    }
    let named: HashSet<&str> = roi
        .contours
        .iter()
        .flat_map(|contour| contour.images.iter().map(String::as_str))
        .collect();
    let tried = Candidates::of(sources, &named);
    let mut best: Option<((usize, usize), &Geometry, contours::Rasterised)> = None;
    let mut wrong = None;
    for &(s, g) in &tried.grids {
        let geometry = &sources[s].grids[g].stack.geometry;
        match rasterise(geometry, &closed, &Tolerance::default()) {
            Ok(found) => {
                let count = |r: &contours::Rasterised| r.mask.as_ref().map_or(0, |m| m.mask.count());
                let better = |(_, _, before): &(_, _, contours::Rasterised)| count(&found) > count(before);
                if best.as_ref().is_none_or(better) {
                    best = Some(((s, g), geometry, found));
                }
            }
            Err(error) => wrong = Some(error.to_string()),
        }
    }
    let Some((at, grid, found)) = best else {
        return Err(Unplaced::Never(wrong.unwrap_or_else(|| {
            "its source images have no place in space".to_owned()
        })));
    };
    tried.check(sources, at)?;
    let on = On::Grid(at.0, at.1);
    let told = &found.findings;
    note(!told.degenerate.is_empty(), "contour of fewer than three points");
    note(!told.oblique.is_empty(), "oblique contour");
    note(!told.no_slice.is_empty(), "contour between slices");
    note(!told.superseded.is_empty(), "several contours near one slice");
    note(!told.clipped.is_empty(), "partly outside the image");
    note(!told.outside.is_empty(), "outside the image");
    note(!told.empty_slices.is_empty(), "smaller than a voxel");
    note(!told.gaps.is_empty(), "slices without a contour");
    if found.mask.is_none() && (told.oblique.len() + told.no_slice.len()) == closed.len() {
        return Err(Unplaced::Never(
            "none of its contours lies in a slice of its source images".to_owned(),
        ));
    }
    Ok(Placed {
        on,
        mask: found.mask,
        grid: grid.clone(),
        sized: true,
        solid: true,
        findings,
    })
}

impl Placed {
    /// As the row says it. `series` are the sources' UIDs.
    pub(crate) fn placement(&self, sources: &[Source]) -> Placement {
        let series = match self.on {
            On::Grid(source, _) | On::Flat(source, _) => sources.get(source).map(|s| s.series.clone()),
            On::Own => None,
        };
        let count = self.mask.as_ref().map_or(0, |placed| placed.mask.count());
        let volume = count as f64 * self.grid.voxel_volume() / 1000.0;
        let corner = |at: [usize; 3]| at.map(|n| i32::try_from(n).unwrap_or(i32::MAX));
        let high = |placed: &PlacedMask| {
            let size = placed.mask.geometry.size;
            std::array::from_fn(|k| placed.low[k] + size[k] - 1)
        };
        Placement {
            status: match self.on {
                On::Own => Status::OwnGrid,
                _ => Status::Placed,
            },
            reason: None,
            findings: self.findings.clone(),
            source_series: series,
            voxel_count: Some(count as i64),
            volume_ml: (self.sized && self.solid).then_some(volume),
            box_low: self.mask.as_ref().map(|placed| corner(placed.low)),
            box_high: self.mask.as_ref().map(|placed| corner(high(placed))),
            centroid: match self.on {
                // Without a place in space there is no point in the patient.
                On::Flat(..) => None,
                _ => self.mask.as_ref().and_then(|placed| centroid(&placed.mask)),
            },
            spacing: self.sized.then_some(self.grid.spacing),
        }
    }
}

/// Mean of the centres of a mask's voxels, mm.
fn centroid(mask: &radlake_kernels::Mask) -> Option<[f64; 3]> {
    let [nx, ny, _] = mask.geometry.size;
    let (mut sum, mut count) = ([0.0_f64; 3], 0.0);
    for (at, _) in mask.voxels.iter().enumerate().filter(|(_, inside)| **inside) {
        sum[0] += (at % nx) as f64;
        sum[1] += (at / nx % ny) as f64;
        sum[2] += (at / (nx * ny)) as f64;
        count += 1.0;
    }
    (count > 0.0).then(|| mask.geometry.physical(sum.map(|s| s / count)))
}
