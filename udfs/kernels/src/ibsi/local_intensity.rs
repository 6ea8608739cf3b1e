//! Local and global intensity peak: IBSI 9ST6.

use crate::error::Result;
use crate::feature::{Feature, Undefined, feature};
use crate::mask::Mask;
use crate::volume::Volume;

/// Radius of a sphere of 1 cm³, mm.
const RADIUS: f64 = 6.203_504_908_994;

/// Mean intensity within 1 cm³ around the brightest voxel, and the largest such mean of any voxel of the region. The
/// sphere also covers voxels outside the region; those outside the image or not finite are left out of the mean.
pub(super) fn features(image: &Volume, mask: &Mask) -> Result<Vec<Feature>> {
    let reach: [usize; 3] =
        std::array::from_fn(|k| ((RADIUS / image.geometry.spacing[k]) as usize).min(image.geometry.size[k]));
    let inner = mask.bounding_box()?;
    let size = image.geometry.size;
    let low: [usize; 3] = std::array::from_fn(|k| inner.low[k].saturating_sub(reach[k]));
    let high: [usize; 3] = std::array::from_fn(|k| (inner.high[k] + reach[k]).min(size[k] - 1));
    // Sums from the start of each row of the box: the mean over a run of x is a difference of two.
    let width = high[0] - low[0] + 2;
    let mut sums = Vec::with_capacity(width * (high[1] - low[1] + 1) * (high[2] - low[2] + 1));
    for z in low[2]..=high[2] {
        for y in low[1]..=high[1] {
            let row = size[0] * (y + size[1] * z);
            let mut running = (0.0, 0u32);
            sums.push(running);
            for v in &image.values[row + low[0]..=row + high[0]] {
                if v.is_finite() {
                    running = (running.0 + v, running.1 + 1);
                }
                sums.push(running);
            }
        }
    }
    // Rows of the sphere: offset in y and z, half length in x.
    let spacing = image.geometry.spacing;
    let mut rows = Vec::new();
    for dz in -(reach[2] as i64)..=reach[2] as i64 {
        for dy in -(reach[1] as i64)..=reach[1] as i64 {
            let rest = RADIUS * RADIUS - (dz as f64 * spacing[2]).powi(2) - (dy as f64 * spacing[1]).powi(2);
            if rest >= 0.0 {
                rows.push((dy, dz, (rest.sqrt() / spacing[0]) as i64));
            }
        }
    }
    let mean_at = |x: usize, y: usize, z: usize| {
        let (mut sum, mut count) = (0.0, 0u32);
        for &(dy, dz, half) in &rows {
            let (y, z) = (y as i64 + dy - low[1] as i64, z as i64 + dz - low[2] as i64);
            let (ny, nz) = ((high[1] - low[1] + 1) as i64, (high[2] - low[2] + 1) as i64);
            if !(0..ny).contains(&y) || !(0..nz).contains(&z) {
                continue;
            }
            let row = width * (y + ny * z) as usize;
            let from = (x as i64 - half - low[0] as i64).max(0) as usize;
            let to = (x as i64 + half + 1 - low[0] as i64).min(width as i64 - 1) as usize;
            sum += sums[row + to].0 - sums[row + from].0;
            count += sums[row + to].1 - sums[row + from].1;
        }
        sum / f64::from(count)
    };
    let (mut brightest, mut local, mut global) = (f64::NEG_INFINITY, f64::NAN, f64::NAN);
    for z in inner.low[2]..=inner.high[2] {
        for y in inner.low[1]..=inner.high[1] {
            for x in inner.low[0]..=inner.high[0] {
                let at = x + size[0] * (y + size[1] * z);
                if !mask.voxels[at] {
                    continue;
                }
                let (value, mean) = (image.values[at], mean_at(x, y, z));
                global = mean.max(global);
                if value > brightest {
                    (brightest, local) = (value, mean);
                } else if value == brightest {
                    local = mean.max(local);
                }
            }
        }
    }
    let one = |name, value| feature("loc", name, value, Undefined::NotFinite);
    Ok(vec![one("peak_loc", local), one("peak_glob", global)])
}
