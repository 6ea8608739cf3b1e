//! Image and mask onto another grid: SimpleITK's resampling as PyRadiomics calls it, and IBSI's (5.4).

mod axis;
mod bspline;

use self::axis::Axis;
use crate::error::{Error, Result};
use crate::geometry::Geometry;
use crate::mask::{BoundingBox, Mask};
use crate::volume::Volume;

/// How values between voxel centres are found (SimpleITK's names in comments).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Interpolator {
    /// `sitkNearestNeighbor`.
    Nearest,
    /// `sitkLinear`.
    Linear,
    /// `sitkBSpline`: cubic B-spline with mirrored borders.
    #[default]
    BSpline,
}

/// What lies further than half a voxel outside the image.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Outside {
    /// A fixed value, as ITK's default pixel.
    Value(f64),
    /// The nearest value inside.
    Edge,
}

/// PyRadiomics' resampling (`imageoperations.resampleImage`): the new grid covers the mask's box and `pad` voxels around
/// it, aligned with the corner of the first voxel; the mask by nearest neighbour; the image in its own pixel type. A
/// spacing of 0 keeps the image's, as does an axis along which the mask is one voxel thick.
pub fn resample_pyradiomics(
    image: &Volume,
    mask: &Mask,
    spacing: [f64; 3],
    interpolator: Interpolator,
    pad: usize,
) -> Result<(Volume, Mask)> {
    let grid = &image.geometry;
    if grid.size != mask.geometry.size {
        return Err(Error::SizeMismatch {
            image: grid.size,
            mask: mask.geometry.size,
        });
    }
    if !spacing.iter().all(|s| s.is_finite() && *s >= 0.0) {
        return Err(Error::BadSpacing { spacing });
    }
    let bounds = mask.bounding_box()?;
    let size = bounds.size();
    let spacing: [f64; 3] = std::array::from_fn(|k| {
        if spacing[k] == 0.0 || size[k] == 1 {
            grid.spacing[k]
        } else {
            spacing[k]
        }
    });
    if (0..3).all(|k| (grid.spacing[k] - spacing[k]).abs() <= 1e-8 + 1e-5 * spacing[k]) {
        let grown = bounds.grow(pad, grid.size);
        return Ok((
            crop_volume(image, grown.low, grown.high),
            crop_mask(mask, grown.low, grown.high),
        ));
    }
    let mut target = grid.clone();
    let mut first = [0.0; 3];
    for k in 0..3 {
        let ratio = grid.spacing[k] / spacing[k];
        let (low, pad) = (bounds.low[k] as f64, pad as f64);
        let lower = ((low - 0.5) * ratio - pad).floor().max(0.0);
        let highest = (grid.size[k] as f64 * ratio).ceil() - 1.0;
        let upper = ((low + size[k] as f64 - 0.5) * ratio + pad).ceil().min(highest);
        first[k] = 0.5 * (spacing[k] - grid.spacing[k]) / grid.spacing[k] + lower / ratio;
        target.size[k] = (upper - lower + 1.0).max(0.0) as usize;
    }
    target.origin = grid.physical(first);
    target.spacing = spacing;
    target.check()?;
    let axes = itk_positions(grid, &target)?;
    let outside = Outside::Value(0.0);
    let values = separable(&image.values, grid.size, &axes, interpolator, outside);
    let values = values.into_iter().map(|v| image.pixel.cast(v)).collect();
    let labels: Vec<f64> = mask.voxels.iter().map(|&v| f64::from(u8::from(v))).collect();
    let labels = separable(&labels, grid.size, &axes, Interpolator::Nearest, outside);
    let voxels = labels.into_iter().map(|v| v > 0.5).collect();
    Ok((
        Volume::new(target.clone(), values, image.pixel)?,
        Mask::new(target, voxels)?,
    ))
}

/// IBSI's resampling (5.4): the new grid has the image's centre as its own and covers it whole; the mask by (bi- or
/// tri-)linear interpolation, voxels of half coverage and more belonging to it; intensities rounded to whole numbers if
/// `round`. A spacing of 0 keeps the image's along that axis (2D: along z).
pub fn resample_ibsi(
    image: &Volume,
    mask: &Mask,
    spacing: [f64; 3],
    interpolator: Interpolator,
    round: bool,
) -> Result<(Volume, Mask)> {
    let grid = &image.geometry;
    if grid.size != mask.geometry.size {
        return Err(Error::SizeMismatch {
            image: grid.size,
            mask: mask.geometry.size,
        });
    }
    if !spacing.iter().all(|s| s.is_finite() && *s >= 0.0) {
        return Err(Error::BadSpacing { spacing });
    }
    let spacing: [f64; 3] = std::array::from_fn(|k| {
        if spacing[k] == 0.0 {
            grid.spacing[k]
        } else {
            spacing[k]
        }
    });
    let mut target = grid.clone();
    target.spacing = spacing;
    target.size = std::array::from_fn(|k| {
        let exact = grid.size[k] as f64 * grid.spacing[k] / spacing[k];
        // 200 × 0.977 / 0.977 must not become 201.
        (exact - 1e-9 * exact).ceil().max(1.0) as usize
    });
    let first: [f64; 3] = std::array::from_fn(|k| {
        0.5 * (grid.size[k] as f64 - 1.0 - (target.size[k] as f64 - 1.0) * spacing[k] / grid.spacing[k])
    });
    target.origin = grid.physical(first);
    target.check()?;
    let positions: [Vec<f64>; 3] = std::array::from_fn(|k| {
        (0..target.size[k])
            .map(|i| first[k] + i as f64 * spacing[k] / grid.spacing[k])
            .collect()
    });
    let values = separable(&image.values, grid.size, &positions, interpolator, Outside::Edge);
    let values = values
        .into_iter()
        .map(|v| if round { v.round_ties_even() } else { v })
        .collect();
    let labels: Vec<f64> = mask.voxels.iter().map(|&v| f64::from(u8::from(v))).collect();
    let kind = if interpolator == Interpolator::Nearest {
        Interpolator::Nearest
    } else {
        Interpolator::Linear
    };
    let labels = separable(&labels, grid.size, &positions, kind, Outside::Edge);
    let voxels = labels.into_iter().map(|v| v >= 0.5 - 1e-9).collect();
    Ok((
        Volume::new(target.clone(), values, image.pixel)?,
        Mask::new(target, voxels)?,
    ))
}

/// Continuous index, along each axis, of the voxels of a grid with the same directions, by the arithmetic of ITK's
/// `ResampleImageFilter`: transformed at both ends of a line and interpolated between.
fn itk_positions(source: &Geometry, target: &Geometry) -> Result<[Vec<f64>; 3]> {
    let at = |index: [f64; 3]| source.index(target.physical(index));
    let (start, end) = (at([0.0; 3])?, at([target.size[0] as f64, 0.0, 0.0])?);
    let x = (0..target.size[0])
        .map(|i| start[0] + i as f64 / target.size[0] as f64 * (end[0] - start[0]))
        .collect();
    let along = |axis: usize| -> Result<Vec<f64>> {
        (0..target.size[axis])
            .map(|i| {
                let mut index = [0.0; 3];
                index[axis] = i as f64;
                Ok(at(index)?[axis])
            })
            .collect()
    };
    Ok([x, along(1)?, along(2)?])
}

/// Interpolates axis by axis. Only the part of the source that the positions reach is read.
fn separable(
    values: &[f64],
    size: [usize; 3],
    positions: &[Vec<f64>; 3],
    interpolator: Interpolator,
    outside: Outside,
) -> Vec<f64> {
    // Spline coefficients depend on neighbours with weights that fall by 0.27 per voxel: 40 voxels are beyond rounding.
    let margin = if interpolator == Interpolator::BSpline {
        40.0
    } else {
        2.0
    };
    let mut low = [0; 3];
    let mut extent = [0; 3];
    for k in 0..3 {
        let (first, last) = positions[k]
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), p| {
                (p.min(a), p.max(b))
            });
        low[k] = (first - margin).clamp(0.0, (size[k] - 1) as f64) as usize;
        extent[k] = (last + margin).clamp(0.0, (size[k] - 1) as f64) as usize + 1 - low[k];
    }
    let mut data = Vec::with_capacity(extent.iter().product());
    for z in low[2]..low[2] + extent[2] {
        for y in low[1]..low[1] + extent[1] {
            let row = low[0] + size[0] * (y + size[1] * z);
            data.extend_from_slice(&values[row..row + extent[0]]);
        }
    }
    if interpolator == Interpolator::BSpline {
        for axis in 0..3 {
            bspline::coefficients(&mut data, extent, axis);
        }
    }
    let mut inside: Vec<Vec<bool>> = Vec::new();
    let mut shape = extent;
    for axis in 0..3 {
        let lines = Axis::new(&positions[axis], low[axis], extent[axis], interpolator);
        data = lines.apply(&data, shape, axis);
        shape[axis] = positions[axis].len();
        let last = size[axis] as f64 - 0.5;
        inside.push(positions[axis].iter().map(|p| (-0.5..last).contains(p)).collect());
    }
    if let Outside::Value(value) = outside {
        for (row, line) in data.chunks_exact_mut(shape[0]).enumerate() {
            let row_inside = inside[1][row % shape[1]] && inside[2][row / shape[1]];
            for (v, x_inside) in line.iter_mut().zip(&inside[0]) {
                if !(row_inside && *x_inside) {
                    *v = value;
                }
            }
        }
    }
    data
}

fn crop_rows<T: Copy>(values: &[T], size: [usize; 3], low: [usize; 3], high: [usize; 3]) -> Vec<T> {
    let mut kept = Vec::new();
    for z in low[2]..=high[2] {
        for y in low[1]..=high[1] {
            let row = size[0] * (y + size[1] * z);
            kept.extend_from_slice(&values[row + low[0]..=row + high[0]]);
        }
    }
    kept
}

/// The part of both inside a box. Fails unless the box lies inside them, and for different sizes.
pub fn crop(image: &Volume, mask: &Mask, bounds: BoundingBox) -> Result<(Volume, Mask)> {
    let size = image.geometry.size;
    let inside = (0..3).all(|k| bounds.low[k] <= bounds.high[k] && bounds.high[k] < size[k]);
    if size != mask.geometry.size || !inside {
        return Err(Error::SizeMismatch {
            image: size,
            mask: mask.geometry.size,
        });
    }
    Ok((
        crop_volume(image, bounds.low, bounds.high),
        crop_mask(mask, bounds.low, bounds.high),
    ))
}

/// A box of a volume, both corners inclusive and inside it.
pub(crate) fn crop_volume(image: &Volume, low: [usize; 3], high: [usize; 3]) -> Volume {
    let values = crop_rows(&image.values, image.geometry.size, low, high);
    Volume {
        geometry: image.geometry.crop(low, high),
        values,
        pixel: image.pixel,
    }
}

/// A box of a mask, both corners inclusive and inside it.
pub(crate) fn crop_mask(mask: &Mask, low: [usize; 3], high: [usize; 3]) -> Mask {
    let voxels = crop_rows(&mask.voxels, mask.geometry.size, low, high);
    Mask {
        geometry: mask.geometry.crop(low, high),
        voxels,
    }
}
