//! Where the images of a series lie: a pure function from positions and orientations to spacing, gaps and regularity.
//!
//! Definitions (lengths in mm, in the patient's coordinates of PS3.3 C.7.6.2):
//! - A *plane* is an image, or a frame, whose Image Position (Patient) is three finite numbers and whose Image Orientation
//!   (Patient) spans a plane. Its *normal* is row × column direction, at length one.
//! - Planes whose direction cosines differ by at most [`ORIENTATION_TOLERANCE`] have one orientation. The *main stack* is
//!   the orientation with most planes (of several, the one with the smallest cosines); all that follows is of it, so that
//!   scout images do not spoil a volume's spacing.
//! - The *depth* of a plane is its position projected on the stack's normal. Depths closer than [`SAME_POSITION`] are one
//!   *position*; what is more than one plane at a position counts as duplicate (also the phases of a dynamic series).
//! - *Spacings* are the distances of neighbouring positions, *slice spacing* is their median, of an even number the lower
//!   one, or their mean where they are uniform. *Uniform*: each within 1 % of the median, or 0.01 mm if that is more.
//! - A *gap* is a spacing beyond 1.5 medians; the slices *missing* in it are its length in medians, rounded, less one.

use radlake_kernels::orientation::{Plane as Anatomical, classify, normal};

/// Direction cosines that differ by no more than this are one orientation (the tolerance of IDC's volume geometry index).
pub const ORIENTATION_TOLERANCE: f64 = 0.01;
/// Depths closer than this are one position, mm.
pub const SAME_POSITION: f64 = 0.01;
/// Relative deviation of a spacing that still is uniform.
pub const SPACING_TOLERANCE: f64 = 0.01;
/// Sideways distance of slices, within their planes, that still is a straight stack, mm.
pub const IN_PLANE_TOLERANCE: f64 = 0.1;
/// A spacing beyond so many medians is a gap.
pub const GAP: f64 = 1.5;
/// A volume has at least so many positions.
pub const MIN_VOLUME: usize = 3;

/// Position and orientation of one image or frame, as the file says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plane {
    /// Image Position (Patient), mm.
    pub position: [f64; 3],
    /// Image Orientation (Patient): cosines of rows, then of columns.
    pub orientation: [f64; 6],
}

/// What [`geometry`] finds. Numbers are rounded to a nanometre (1e-6 mm), which hides the order of additions.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Geometry {
    /// Planes: images or frames that can be placed in space.
    pub planes: usize,
    /// Orientations among them.
    pub orientations: usize,
    /// Anatomical plane of the main stack.
    pub orientation: Option<Anatomical>,
    /// Angle between the main stack's normal and the nearest axis of the patient, degrees.
    pub obliquity_degrees: Option<f64>,
    /// Different positions in the main stack.
    pub positions: usize,
    /// Planes of the main stack beyond the first at their position.
    pub duplicate_positions: usize,
    /// Slice spacing, mm; `None` below two positions.
    pub slice_spacing: Option<f64>,
    /// Smallest and largest spacing, mm.
    pub spacing_range: Option<(f64, f64)>,
    /// Whether spacings are uniform; `None` below two positions.
    pub uniform: Option<bool>,
    /// Spacings that are gaps.
    pub gaps: usize,
    /// Slices that would fill the gaps.
    pub missing_slices: usize,
    /// Distance between the outermost positions, mm.
    pub length: Option<f64>,
    /// Whether the main stack is straight: no slice is shifted sideways against the first by more than 0.1 mm.
    pub aligned: bool,
}

impl Geometry {
    /// Whether the planes are one regular stack: one orientation, at least three positions, uniform spacing without gaps,
    /// one plane per position, straight.
    pub fn is_regular(&self) -> bool {
        self.orientations == 1
            && self.positions >= MIN_VOLUME
            && self.uniform == Some(true)
            && self.gaps == 0
            && self.duplicate_positions == 0
            && self.aligned
    }
}

/// The geometry of a series' planes. The order of `planes` does not matter; planes that are not finite are left out.
pub fn geometry(planes: &[Plane]) -> Geometry {
    let mut usable: Vec<Plane> = planes.iter().copied().filter(usable).collect();
    // Total order, so that groups and ties do not depend on the order in which files came.
    usable.sort_by(|a, b| order(&a.orientation, &b.orientation).then(order(&a.position, &b.position)));
    let stacks = stacks(&usable);
    let Some(main) = main_stack(&stacks) else {
        return Geometry::default();
    };
    let first = main.planes[0];
    let Some(n) = normal(&first.orientation) else {
        return Geometry::default();
    };
    let mut out = Geometry {
        planes: usable.len(),
        orientations: stacks.len(),
        orientation: classify(&first.orientation),
        obliquity_degrees: Some(obliquity(n)),
        aligned: main
            .planes
            .iter()
            .all(|p| sideways(first.position, p.position, n) <= IN_PLANE_TOLERANCE),
        ..Geometry::default()
    };
    spacing(&main.planes, n, &mut out);
    out
}

fn usable(plane: &Plane) -> bool {
    plane.position.iter().all(|v| v.is_finite()) && normal(&plane.orientation).is_some()
}

fn order(a: &[f64], b: &[f64]) -> std::cmp::Ordering {
    a.iter()
        .zip(b)
        .map(|(a, b)| a.total_cmp(b))
        .find(|o| o.is_ne())
        .unwrap_or(std::cmp::Ordering::Equal)
}

struct Stack {
    planes: Vec<Plane>,
}

/// Groups planes by orientation; each is compared with the first of a group.
fn stacks(sorted: &[Plane]) -> Vec<Stack> {
    let mut stacks: Vec<Stack> = Vec::new();
    for plane in sorted {
        let near = |stack: &Stack| {
            let first = stack.planes[0].orientation;
            first
                .iter()
                .zip(plane.orientation)
                .all(|(a, b)| (a - b).abs() <= ORIENTATION_TOLERANCE)
        };
        match stacks.iter().position(near) {
            Some(i) => stacks[i].planes.push(*plane),
            // Images that turn around the patient have an orientation each; counting more than this is no use.
            None if stacks.len() >= MAX_STACKS => {}
            None => stacks.push(Stack { planes: vec![*plane] }),
        }
    }
    stacks
}

/// More orientations than this in one series are not told apart: it bounds the work on rotating projections.
const MAX_STACKS: usize = 4096;

fn main_stack(stacks: &[Stack]) -> Option<&Stack> {
    // `max_by_key` takes the last of equals, and the first is wanted.
    stacks.iter().rev().max_by_key(|stack| stack.planes.len())
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Distance of `b` from the line through `a` along `n`.
fn sideways(a: [f64; 3], b: [f64; 3], n: [f64; 3]) -> f64 {
    let d: [f64; 3] = std::array::from_fn(|i| b[i] - a[i]);
    let along = dot(d, n);
    (0..3).map(|i| (d[i] - along * n[i]).powi(2)).sum::<f64>().sqrt()
}

fn obliquity(n: [f64; 3]) -> f64 {
    let largest = n.iter().fold(0.0f64, |m, v| m.max(v.abs())).min(1.0);
    round(largest.acos().to_degrees())
}

fn spacing(planes: &[Plane], n: [f64; 3], out: &mut Geometry) {
    let mut depths: Vec<f64> = planes.iter().map(|p| dot(p.position, n)).collect();
    depths.sort_by(f64::total_cmp);
    let all = depths.len();
    depths.dedup_by(|next, kept| *next - *kept < SAME_POSITION);
    out.positions = depths.len();
    out.duplicate_positions = all - depths.len();
    let mut spacings: Vec<f64> = depths.windows(2).map(|w| w[1] - w[0]).collect();
    let (Some(first), Some(last)) = (depths.first(), depths.last()) else {
        return;
    };
    out.length = Some(round(last - first));
    spacings.sort_by(f64::total_cmp);
    let (Some(least), Some(most)) = (spacings.first(), spacings.last()) else {
        return;
    };
    let median = spacings[(spacings.len() - 1) / 2];
    let tolerance = (SPACING_TOLERANCE * median).max(SAME_POSITION);
    let uniform = spacings.iter().all(|s| (s - median).abs() <= tolerance);
    let gaps = spacings.iter().filter(|s| **s > GAP * median);
    out.gaps = gaps.clone().count();
    // A position far off (a hostile 1e300) must not overflow the sum.
    out.missing_slices = gaps.fold(0usize, |sum, s| {
        sum.saturating_add((s / median).round() as usize - 1)
    });
    out.uniform = Some(uniform);
    out.spacing_range = Some((round(*least), round(*most)));
    let mean = (last - first) / spacings.len() as f64;
    out.slice_spacing = Some(round(if uniform { mean } else { median }));
}

fn round(v: f64) -> f64 {
    let rounded = (v * 1e6).round() / 1e6;
    if rounded.is_finite() { rounded } else { v }
}

#[cfg(test)]
#[path = "geometry_tests.rs"]
mod tests;
