//! Shape of a single slice: PyRadiomics `radiomics.shape2D`.

use crate::error::Result;
use crate::feature::{Feature, Undefined, feature};
use crate::mesh::contour;
use crate::region::Region;
use crate::shape;

/// The nine features of PyRadiomics for a region that is one voxel thick along `flat` (`force2Ddimension`).
pub fn pyradiomics(region: &Region, flat: usize) -> Result<Vec<Feature>> {
    let outline = contour(region, flat)?;
    let (_, covariance) = shape::moments(region);
    // The flat axis has no spread: its eigenvalue is the smallest, exactly 0.
    let [_, minor, major] = shape::flat_to_zero(crate::eigen::symmetric(covariance).0);
    let pixel: f64 = (0..3)
        .filter(|axis| *axis != 2 - flat)
        .map(|axis| region.spacing[axis])
        .product();
    let one = |name, value| feature("shape2D", name, value, Undefined::Degenerate);
    let sphericity = 2.0 * (std::f64::consts::PI * outline.surface).sqrt() / outline.perimeter;
    Ok(vec![
        one("Elongation", (minor / major).sqrt()),
        one("MajorAxisLength", 4.0 * major.sqrt()),
        one("MaximumDiameter", outline.diameter),
        one("MeshSurface", outline.surface),
        one("MinorAxisLength", 4.0 * minor.sqrt()),
        one("Perimeter", outline.perimeter),
        one("PerimeterSurfaceRatio", outline.perimeter / outline.surface),
        one("PixelSurface", region.count as f64 * pixel),
        one("Sphericity", sphericity),
    ])
}
