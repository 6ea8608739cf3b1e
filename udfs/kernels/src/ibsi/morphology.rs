//! Morphology: IBSI HCUG.

use std::f64::consts::PI;

use super::moran;
use crate::error::Result;
use crate::feature::{Feature, Undefined, feature};
use crate::mesh::convex_hull;
use crate::region::Region;
use crate::shape::Shape;

/// The features with consensus values. `shape` is the morphological region, `region` the intensity region in its box.
/// The oriented bounding box and the minimum-volume ellipsoid (no consensus) are left out.
pub(super) fn features(shape: &Region, region: &Region) -> Result<Vec<Feature>> {
    let s = Shape::new(shape)?;
    let (v, a) = (s.surface.volume, s.surface.area);
    let ball = (36.0 * PI * v * v).cbrt();
    // Principal axes of a sample, divided by N − 1: PyRadiomics divides by N.
    let count = shape.count as f64;
    let [least, minor, major] = s.variances.map(|variance| variance * count / (count - 1.0));
    let axis = |variance: f64| 4.0 * variance.sqrt();
    let sides: [f64; 3] = std::array::from_fn(|k| shape.size[k] as f64 * shape.spacing[k]);
    let box_volume: f64 = sides.iter().product();
    let box_area = 2.0 * (sides[0] * sides[1] + sides[1] * sides[2] + sides[0] * sides[2]);
    let [c, b, l] = [least, minor, major].map(|variance| 2.0 * variance.sqrt());
    let hull = convex_hull(&s.corners, shape.spacing);
    let (hull_volume, hull_area) = hull.map_or((f64::NAN, f64::NAN), |h| (h.volume, h.area));
    let mean = region.members().sum::<f64>() / region.count as f64;
    let spatial = moran::autocorrelation(region);
    let one = |name, value| feature("morph", name, value, Undefined::Degenerate);
    let mut features = vec![
        one("volume", v),
        one("vol_approx", s.voxel_volume),
        one("area_mesh", a),
        one("av", a / v),
        one("comp_1", v / (PI.sqrt() * a.powf(1.5))),
        one("comp_2", 36.0 * PI * v * v / (a * a * a)),
        one("sph_dispr", a / ball),
        one("sphericity", ball / a),
        one("asphericity", a / ball - 1.0),
        one("com", centre_shift(&s, region)),
        one("diam", s.diameters.any),
        one("pca_maj_axis", axis(major)),
        one("pca_min_axis", axis(minor)),
        one("pca_least_axis", axis(least)),
        one("pca_elongation", (minor / major).sqrt()),
        one("pca_flatness", (least / major).sqrt()),
        one("vol_dens_aabb", v / box_volume),
        one("area_dens_aabb", a / box_area),
        one("vol_dens_aee", 3.0 * v / (4.0 * PI * l * b * c)),
        one("area_dens_aee", a / ellipsoid_area(l, b, c)),
        one("vol_dens_conv_hull", v / hull_volume),
        one("area_dens_conv_hull", a / hull_area),
        one("integ_int", mean * v),
    ];
    features.extend(
        ["moran_i", "geary_c"]
            .into_iter()
            .enumerate()
            .map(|(k, name)| match spatial {
                Ok(values) => feature("morph", name, values[k], Undefined::FlatRegion),
                Err(why) => Feature {
                    class: "morph",
                    name,
                    aggregation: "",
                    value: Err(why),
                },
            }),
    );
    Ok(features)
}

/// Distance between the centre of the voxels and that of their intensities: IBSI KLMA.
fn centre_shift(shape: &Shape, region: &Region) -> f64 {
    let [nx, ny, _] = region.size;
    let (mut total, mut weighted) = (0.0, [0.0; 3]);
    for (k, (value, _)) in region
        .values
        .iter()
        .zip(&region.inside)
        .enumerate()
        .filter(|(_, (_, member))| **member)
    {
        total += value;
        for (axis, at) in [k % nx, k / nx % ny, k / (nx * ny)].into_iter().enumerate() {
            weighted[axis] += value * at as f64 * region.spacing[axis];
        }
    }
    let squared: f64 = (0..3)
        .map(|axis| (weighted[axis] / total - shape.centre[axis]).powi(2))
        .sum();
    squared.sqrt()
}

/// Area of an ellipsoid with semi-axes a ≥ b ≥ c: IBSI's series of Legendre polynomials up to order 20, with the powers
/// of αβ drawn into the recurrence so that round ellipsoids divide by nothing.
fn ellipsoid_area(a: f64, b: f64, c: f64) -> f64 {
    let (alpha2, beta2) = (1.0 - b * b / (a * a), 1.0 - c * c / (a * a));
    let (mean, product) = (0.5 * (alpha2 + beta2), alpha2 * beta2);
    let (mut before, mut here, mut sum) = (0.0, 1.0, 0.0);
    for order in 0..=20 {
        let n = f64::from(order);
        sum += here / (1.0 - 4.0 * n * n);
        (before, here) = (
            here,
            ((2.0 * n + 1.0) * mean * here - n * product * before) / (n + 1.0),
        );
    }
    4.0 * PI * a * b * sum
}
