//! Pictures of slices: grey levels through a window, lengths by the spacing, the outline of a region in colour.

use datafusion::common::exec_err;
use datafusion::error::Result;
use radlake_kernels::Geometry;

use super::hu_percentile::percentile;
use super::png::Picture;
use super::roi::ImageView;

/// Colour of outlines: a yellow that stands out from grey.
const OUTLINE: [u8; 3] = [255, 214, 0];
/// Centre and width for soft tissue, HU.
const SOFT_TISSUE: [f64; 2] = [40.0, 400.0];

/// Which values become black and which white. Exactly linear between (PS3.3 C.11.2.1.3.2, LINEAR_EXACT), as voxels need not be integers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Window {
    centre: f64,
    width: f64,
}

impl Window {
    /// Of a centre and a width.
    ///
    /// # Errors
    /// A width that is not positive, or numbers that are not finite.
    pub(super) fn new(function: &str, [centre, width]: [f64; 2]) -> Result<Self> {
        if !(centre.is_finite() && width.is_finite() && width > 0.0) {
            return exec_err!("{function}: a window is a centre and a width above 0");
        }
        Ok(Self { centre, width })
    }

    /// That for soft tissue of CT; else from the 1st to the 99th percentile of the slices that are shown.
    pub(super) fn of(view: &ImageView, slices: &[usize]) -> Self {
        let hounsfield = view.units.as_deref() == Some("HU");
        let [centre, width] = if hounsfield || view.modality.as_deref() == Some("CT") {
            SOFT_TISSUE
        } else {
            let shown = slices
                .iter()
                .flat_map(|&z| plane(&view.geometry, view.voxels(), z));
            let mut shown: Vec<f32> = shown.copied().filter(|v| v.is_finite()).collect();
            let low = percentile(&mut shown, 0.01).unwrap_or(0.0);
            let high = percentile(&mut shown, 0.99).unwrap_or(1.0);
            let width = if high > low { high - low } else { 1.0 };
            [low + (high - low) / 2.0, width]
        };
        Self { centre, width }
    }

    /// From 0 to 1; of NaN 0.
    fn grey(self, value: f32) -> f64 {
        ((f64::from(value) - self.centre) / self.width + 0.5)
            .clamp(0.0, 1.0)
            .max(0.0)
    }
}

/// A slice's part of voxels or of a mask.
pub(super) fn plane<'a, T>(geometry: &Geometry, all: &'a [T], slice: usize) -> &'a [T] {
    let length = geometry.size[0] * geometry.size[1];
    all.get(slice * length..(slice + 1) * length).unwrap_or(&[])
}

/// Voxels of each slice that are in the region.
pub(super) fn areas(view: &ImageView, mask: &[u8]) -> Vec<usize> {
    (0..view.geometry.size[2])
        .map(|z| {
            let slice = plane(&view.geometry, mask, z);
            slice.iter().filter(|&&v| v != 0).count()
        })
        .collect()
}

/// An axis brought from one number of pixels to another: triangles as wide as the coarser of both, which is linear interpolation
/// where the picture grows, and a weighted mean of all that a pixel covers where it shrinks.
#[derive(Clone, Copy)]
struct Axis {
    from: usize,
    to: usize,
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "places among fewer than 2^30 pixels, which are clamped to them"
)]
impl Axis {
    fn step(self) -> f64 {
        self.from as f64 / self.to as f64
    }

    /// The source's pixels for pixel `at`, and their weights, which are above 0 in all.
    fn weights(self, at: usize) -> impl Iterator<Item = (usize, f64)> {
        let support = self.step().max(1.0);
        let centre = (at as f64 + 0.5) * self.step() - 0.5;
        let first = (centre - support).ceil().max(0.0) as usize;
        let last = ((centre + support).floor().max(0.0) as usize).min(self.from - 1);
        (first..=last).map(move |k| (k, (1.0 - (k as f64 - centre).abs() / support).max(0.0)))
    }

    fn nearest(self, at: usize) -> usize {
        (((at as f64 + 0.5) * self.step()) as usize).min(self.from - 1)
    }

    fn mean(self, at: usize, value: impl Fn(usize) -> f64) -> f64 {
        let (mut sum, mut all) = (0.0, 0.0);
        for (k, weight) in self.weights(at) {
            sum += weight * value(k);
            all += weight;
        }
        sum / all
    }
}

/// Both axes of a slice's picture: the longer side, in mm, has `longest` pixels.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of `longest`, which is small"
)]
fn axes(geometry: &Geometry, longest: usize) -> [Axis; 2] {
    let length = [0, 1].map(|k: usize| geometry.size[k] as f64 * geometry.spacing[k]);
    let most = length[0].max(length[1]);
    [0, 1].map(|k: usize| Axis {
        from: geometry.size[k],
        to: ((length[k] / most * longest as f64).round() as usize).clamp(1, longest),
    })
}

/// A slice as the file has it, first column left, first row on top: in grey, or with the mask's outline in colour.
pub(super) fn picture(view: &ImageView, slice: usize, longest: usize, window: Window) -> Picture {
    let [x, y] = axes(&view.geometry, longest);
    let voxels = plane(&view.geometry, view.voxels(), slice);
    let mut narrow = Vec::with_capacity(x.to * y.from);
    for row in voxels.chunks_exact(x.from) {
        narrow.extend((0..x.to).map(|at| x.mean(at, |k| window.grey(row[k]))));
    }
    let mut grey = Vec::with_capacity(x.to * y.to);
    for at in 0..y.to {
        for column in 0..x.to {
            let level = y.mean(at, |k| narrow[column + x.to * k]);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "from 0 to 255"
            )]
            grey.push((level * 255.0).round() as u8);
        }
    }
    let Some(mask) = view.mask() else {
        return Picture {
            width: x.to,
            height: y.to,
            channels: 1,
            samples: grey,
        };
    };
    let mask = plane(&view.geometry, mask, slice);
    let member = |column: usize, row: usize| mask[x.nearest(column) + x.from * y.nearest(row)] != 0;
    // A pixel of the region beside one that is not, or at the picture's border.
    let outline = |column: usize, row: usize| {
        let within = column > 0 && row > 0 && column + 1 < x.to && row + 1 < y.to;
        member(column, row)
            && !(within
                && member(column - 1, row)
                && member(column + 1, row)
                && member(column, row - 1)
                && member(column, row + 1))
    };
    let colour = |(at, level): (usize, &u8)| {
        if outline(at % x.to, at / x.to) {
            OUTLINE
        } else {
            [*level; 3]
        }
    };
    Picture {
        width: x.to,
        height: y.to,
        channels: 3,
        samples: grey.iter().enumerate().flat_map(colour).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_that_stays_grows_and_shrinks() {
        let values = [0.0, 1.0, 2.0, 6.0];
        let brought = |to: usize| -> Vec<f64> {
            let axis = Axis { from: 4, to };
            (0..to).map(|at| axis.mean(at, |k| values[k])).collect()
        };
        assert_eq!(brought(4), values);
        assert_eq!(brought(8), [0.0, 0.25, 0.75, 1.25, 1.75, 3.0, 5.0, 6.0]);
        // Triangles of two pixels' half width about 0.5 and 2.5.
        assert_eq!(
            brought(2),
            [
                (0.75 + 0.5) / (0.75 + 0.75 + 0.25),
                (0.25 + 1.5 + 4.5) / (0.25 + 0.75 + 0.75)
            ]
        );
        assert_eq!(Axis { from: 1, to: 3 }.mean(2, |_| 7.0), 7.0);
    }

    #[test]
    fn windows() {
        let window = Window::new("f", [40.0, 400.0]).unwrap();
        let greys = [-160.0, 40.0, 240.0, -1000.0, 3000.0, f32::NAN, f32::INFINITY].map(|v| window.grey(v));
        assert_eq!(greys, [0.0, 0.5, 1.0, 0.0, 1.0, 0.0, 1.0]);
        for wrong in [[0.0, 0.0], [0.0, -1.0], [f64::NAN, 1.0], [0.0, f64::INFINITY]] {
            assert!(Window::new("f", wrong).is_err());
        }
    }
}
