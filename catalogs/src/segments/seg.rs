//! The segments of a segmentation: their frames are decoded and placed.

use std::collections::HashSet;

use radlake_kernels::placing::{Measures, Members, own_grid, place};
use radlake_kernels::planes::Plane;
use radlake_kernels::{Error, Geometry, Mask, PlacedMask};
use radlake_pixels::Samples;

use super::images::plane;
use super::place::{Candidates, On, Placed, SEVERAL, Source, Unplaced};
use crate::dicom::objects::{Image, Pixels, SegFrame, SegKind, Segmentation, read_image, read_segmentation};
use crate::dicom::{DataSet, Header};

/// The part of the largest value from which on a pixel of a FRACTIONAL segmentation belongs to its segment.
pub(crate) const THRESHOLD: f64 = 0.5;

/// A segmentation with its pixels at hand.
pub(crate) struct Opened<'b> {
    object: Segmentation,
    image: Image,
    pixels: Pixels<'b>,
}

impl<'b> Opened<'b> {
    pub(crate) fn of(bytes: &'b [u8], header: &Header<'_>, root: DataSet<'_>) -> Result<Self, String> {
        let object = read_segmentation(root)?;
        if object.tiled {
            return Err("tiles of a slide are not placed".to_owned());
        }
        let image = read_image(root)?;
        if image.samples_per_pixel != 1 {
            return Err("its pixels have several samples".to_owned());
        }
        let pixels = Pixels::of(bytes, header, &image)?;
        Ok(Self {
            object,
            image,
            pixels,
        })
    }

    /// The frames that may show a segment.
    fn frames(&self, number: i64) -> Vec<usize> {
        let frames = self.object.frames.iter().enumerate();
        frames
            .filter(|(_, frame)| frame.segment.is_none_or(|segment| segment == number))
            .map(|(at, _)| at)
            .collect()
    }

    fn members(&self, number: i64) -> Result<Members, Unplaced> {
        Ok(match self.object.kind {
            SegKind::Binary => Members::NonZero,
            SegKind::Fractional { maximum } => Members::AtLeast {
                threshold: THRESHOLD,
                maximum,
            },
            SegKind::Labelmap => Members::Label(
                u16::try_from(number)
                    .map_err(|_| Unplaced::Never("its number is no label of a label map".to_owned()))?,
            ),
        })
    }

    /// Which pixels of a frame belong to a segment.
    fn mark(&self, frame: usize, members: Members, marks: &mut [bool]) -> Result<(), String> {
        let decoded = self.pixels.frame(frame)?;
        let marked = match &decoded.samples {
            Samples::U8(pixels) => members.mark(pixels, marks),
            Samples::U16(pixels) => members.mark(pixels, marks),
            _ => return Err("its pixels are neither bits nor unsigned numbers of up to 16 bits".to_owned()),
        };
        marked.map_err(|error| error.to_string())
    }

    pub(crate) fn place(&self, number: i64, sources: &[Source]) -> Result<Placed, Unplaced> {
        if self.object.segments.iter().filter(|s| s.number == number).count() > 1 {
            return Err(Unplaced::Never(SEVERAL.to_owned()));
        }
        let members = self.members(number)?;
        let frames = self.frames(number);
        let all: Vec<&SegFrame> = frames.iter().map(|at| &self.object.frames[*at]).collect();
        let size = [self.object.rows, self.object.columns];
        let planes: Option<Vec<Plane>> = all.iter().map(|frame| plane(&frame.geometry, size, 0)).collect();
        let Some(planes) = planes else {
            return self.place_flat(&frames, members, sources);
        };
        let measures = self.measures(&all);
        if frames.is_empty() {
            // All of its frames were empty, and were left out.
            return self.empty(sources);
        }
        let mut named: HashSet<&str> = all
            .iter()
            .filter_map(|frame| Some(frame.source.as_ref()?.0.as_str()))
            .collect();
        if named.is_empty() {
            named.extend(self.object.source_instances.iter().map(String::as_str));
        }
        let tried = Candidates::of(sources, &named);
        let mut best: Option<((usize, usize), Placed)> = None;
        let mut wrong = None;
        for &(s, g) in &tried.grids {
            let geometry = &sources[s].grids[g].stack.geometry;
            match self.on(geometry, &planes, &frames, measures, members) {
                Ok(placed) => {
                    let rank = |p: &Placed| {
                        let count = p.mask.as_ref().map_or(0, |m| m.mask.count());
                        (!p.findings.contains(&RESAMPLED), count)
                    };
                    if best
                        .as_ref()
                        .is_none_or(|(_, before)| rank(&placed) > rank(before))
                    {
                        best = Some(((s, g), placed));
                    }
                }
                Err(reason) => wrong = Some(reason),
            }
        }
        if let Some((at, placed)) = best {
            tried.check(sources, at)?;
            return Ok(Placed {
                on: On::Grid(at.0, at.1),
                ..placed
            });
        }
        let own = own_grid(&planes, measures)
            .map_err(|error| Unplaced::Never(wrong.clone().unwrap_or_else(|| error.to_string())))?;
        let mut placed = self
            .on(&own.geometry, &planes, &frames, measures, members)
            .map_err(Unplaced::Never)?;
        if own.inferred {
            placed.findings.push("spacing of slices inferred");
        }
        Ok(placed)
    }

    /// On one grid.
    fn on(
        &self,
        grid: &Geometry,
        planes: &[Plane],
        frames: &[usize],
        measures: Measures,
        members: Members,
    ) -> Result<Placed, String> {
        let mut wrong = None;
        let placing = place(grid, planes, measures, |at, marks| {
            self.mark(frames[at], members, marks).map_err(|reason| {
                wrong = Some(reason);
                Error::BadDirection
            })
        });
        let placing = placing.map_err(|error| wrong.unwrap_or_else(|| error.to_string()))?;
        let told = placing.findings;
        let findings = [
            (told.resampled, RESAMPLED),
            (told.inferred_spacing, "spacing of slices inferred"),
            (
                !told.outside.is_empty()
                    || told.voxels_outside > 0
                    || !told.clipped.is_empty() && placing.mask.is_none(),
                OUTSIDE,
            ),
            (!told.repeated.is_empty(), "several frames at one place"),
        ];
        Ok(Placed {
            on: On::Own,
            mask: placing.mask,
            grid: grid.clone(),
            sized: true,
            solid: true,
            findings: findings
                .into_iter()
                .filter(|(so, _)| *so)
                .map(|(_, what)| what)
                .collect(),
        })
    }

    /// A segment without a pixel, which lies wherever the others do.
    fn empty(&self, sources: &[Source]) -> Result<Placed, Unplaced> {
        let grids = sources.iter().enumerate();
        let mut grids =
            grids.flat_map(|(s, source)| source.grids.iter().enumerate().map(move |(g, grid)| (s, g, grid)));
        match grids.next() {
            Some((s, g, grid)) => Ok(Placed {
                on: On::Grid(s, g),
                mask: None,
                grid: grid.stack.geometry.clone(),
                sized: true,
                solid: true,
                findings: vec!["no frames"],
            }),
            None => Err(Unplaced::Waiting(
                "it has no frames, and its source images are not in the lake".to_owned(),
            )),
        }
    }

    fn measures(&self, frames: &[&SegFrame]) -> Measures {
        let usable = |mm: f64| mm.abs() >= 1e-6 && mm.is_finite();
        let first = |f: fn(&SegFrame) -> Option<f64>| {
            frames.iter().find_map(|frame| f(frame)).filter(|mm| usable(*mm))
        };
        Measures {
            between_slices: first(|frame| frame.geometry.between).map(f64::abs),
            thickness: first(|frame| frame.geometry.thickness).map(f64::abs),
        }
    }

    /// On the image that a frame names, where neither has a place in space: projections.
    fn place_flat(&self, frames: &[usize], members: Members, sources: &[Source]) -> Result<Placed, Unplaced> {
        let named = frames
            .iter()
            .find_map(|at| self.object.frames[*at].source.as_ref());
        let named = named
            .map(|(uid, _)| uid)
            .or(match self.object.source_instances.as_slice() {
                [only] => Some(only),
                _ => None,
            });
        let [frame] = frames else {
            return Err(Unplaced::Never(
                "its frames have no place in space, and are not one of one image".to_owned(),
            ));
        };
        let Some(named) = named else {
            return Err(Unplaced::Never(
                "it has no place in space, and names no source image".to_owned(),
            ));
        };
        let found = sources.iter().enumerate().find_map(|(s, source)| {
            let image = source.instances.iter().position(|uid| uid == named)?;
            Some((s, source.flat.iter().find(|flat| flat.image == image)?))
        });
        let Some((s, flat)) = found else {
            return Err(Unplaced::Waiting(
                "its source image is not in the lake".to_owned(),
            ));
        };
        if flat.size != [self.image.rows, self.image.columns] {
            return Err(Unplaced::Never(
                "it has other rows or columns than its source image".to_owned(),
            ));
        }
        let [rows, columns] = flat.size.map(|n| n as usize);
        let spacing = flat
            .spacing
            .filter(|all| all.iter().all(|mm| *mm > 0.0 && mm.is_finite()));
        let [down, across] = spacing.unwrap_or([1.0; 2]);
        let grid = Geometry::new([columns, rows, 1], [across, down, 1.0])
            .map_err(|error| Unplaced::Never(error.to_string()))?;
        let mut marks = vec![false; rows * columns];
        self.mark(*frame, members, &mut marks).map_err(Unplaced::Never)?;
        let mask = Mask::new(grid.clone(), marks).map_err(|error| Unplaced::Never(error.to_string()))?;
        Ok(Placed {
            on: On::Flat(s, flat.image),
            mask: PlacedMask::new(&mask),
            grid,
            sized: spacing.is_some(),
            solid: false,
            findings: Vec::new(),
        })
    }
}

const RESAMPLED: &str = "resampled";
const OUTSIDE: &str = "partly outside the image";
