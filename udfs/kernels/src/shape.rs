//! Size and shape: PyRadiomics `radiomics.shape`, IBSI's morphology (HCUG).

use crate::eigen;
use crate::error::Result;
use crate::feature::{Feature, Undefined, feature};
use crate::mesh::{PaddedMask, Surface, diameter, surface};
use crate::region::Region;

/// What both profiles derive their shape features from.
#[derive(Debug, Clone)]
pub struct Shape {
    /// Mesh area and volume.
    pub surface: Surface,
    /// Voxels times their volume (IBSI YEKZ), mm³.
    pub voxel_volume: f64,
    /// Largest distances between vertices, mm.
    pub diameters: diameter::Diameters,
    /// Variances of the voxel centres along their principal axes (divided by their number), ascending, mm².
    pub variances: [f64; 3],
    /// Vertices that may be corners of the convex hull, as twice (x, y, z) in voxels of the padded box.
    pub corners: Vec<diameter::Vertex>,
    /// Mean position of the voxel centres in the box, mm.
    pub centre: [f64; 3],
}

impl Shape {
    /// Measures a region.
    pub fn new(region: &Region) -> Result<Self> {
        let mask = PaddedMask::new(region)?;
        let (diameters, corners) = diameter::diameters(&mask.vertices(), mask.spacing);
        let (centre, covariance) = moments(region);
        Ok(Self {
            surface: surface(&mask),
            voxel_volume: region.count as f64 * region.spacing.iter().product::<f64>(),
            diameters,
            variances: flat_to_zero(eigen::symmetric(covariance).0),
            corners,
            centre,
        })
    }

    /// The fourteen features of PyRadiomics.
    pub fn pyradiomics(&self) -> Vec<Feature> {
        let Surface { area, volume } = self.surface;
        let [least, minor, major] = self.variances;
        let axis = |variance: f64| 4.0 * variance.sqrt();
        let one = |name, value| feature("shape", name, value, Undefined::Degenerate);
        vec![
            one("Elongation", (minor / major).sqrt()),
            one("Flatness", (least / major).sqrt()),
            one("LeastAxisLength", axis(least)),
            one("MajorAxisLength", axis(major)),
            one("Maximum2DDiameterColumn", self.diameters.column),
            one("Maximum2DDiameterRow", self.diameters.row),
            one("Maximum2DDiameterSlice", self.diameters.slice),
            one("Maximum3DDiameter", self.diameters.any),
            one("MeshVolume", volume),
            one("MinorAxisLength", axis(minor)),
            one(
                "Sphericity",
                (36.0 * std::f64::consts::PI * volume * volume).cbrt() / area,
            ),
            one("SurfaceArea", area),
            one("SurfaceVolumeRatio", area / volume),
            one("VoxelVolume", self.voxel_volume),
        ]
    }
}

/// Variances that are zero but for rounding become zero: regions in a plane or on a line.
pub(crate) fn flat_to_zero(variances: [f64; 3]) -> [f64; 3] {
    variances.map(|v| if v > 1e-15 * variances[2] { v } else { 0.0 })
}

/// Mean (mm) and covariance (mm², divided by the number of voxels) of the member voxels' centres. Sums are integers, so
/// that symmetric regions get symmetric matrices.
pub(crate) fn moments(region: &Region) -> ([f64; 3], [[f64; 3]; 3]) {
    let mut first = [0i128; 3];
    let mut second = [[0i128; 3]; 3];
    for (row, members) in region.inside.chunks_exact(region.size[0]).enumerate() {
        let (mut count, mut sum, mut squares) = (0i64, 0i64, 0i128);
        for (x, _) in members.iter().enumerate().filter(|(_, member)| **member) {
            count += 1;
            sum += x as i64;
            squares += (x as i128) * (x as i128);
        }
        let (y, z) = ((row % region.size[1]) as i128, (row / region.size[1]) as i128);
        let (count, sum) = (i128::from(count), i128::from(sum));
        first[0] += sum;
        first[1] += count * y;
        first[2] += count * z;
        second[0][0] += squares;
        second[0][1] += sum * y;
        second[0][2] += sum * z;
        second[1][1] += count * y * y;
        second[1][2] += count * y * z;
        second[2][2] += count * z * z;
    }
    let n = region.count as i128;
    let squared = region.count as f64 * region.count as f64;
    let mean = std::array::from_fn(|k| first[k] as f64 / region.count as f64 * region.spacing[k]);
    let covariance = std::array::from_fn(|i| {
        std::array::from_fn(|j| {
            let (a, b) = (i.min(j), i.max(j));
            (n * second[a][b] - first[a] * first[b]) as f64 / squared * region.spacing[i] * region.spacing[j]
        })
    });
    (mean, covariance)
}
