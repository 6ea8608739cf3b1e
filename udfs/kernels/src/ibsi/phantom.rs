//! Self-check against the digital phantom: every reference value of IBSI, computed by the code in this binary.

use super::phantom_values::{IMAGE, MASK, REFERENCE};
use super::{Settings, extract};
use crate::discretise::Discretisation;
use crate::error::Result;
use crate::geometry::Geometry;
use crate::mask::Mask;
use crate::volume::{PixelType, Volume};

/// One reference value and what this crate computes for it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Check {
    /// Class and name of IBSI's tag without aggregation: `cm_joint_max`.
    pub feature: &'static str,
    /// Aggregation (`3D_avg`), empty where there is none.
    pub aggregation: &'static str,
    /// Computed value; NaN if it is not defined.
    pub value: f64,
    /// Published value.
    pub reference: f64,
    /// Published tolerance; 0 where three significant digits must agree.
    pub tolerance: f64,
    /// Whether the value agrees.
    pub ok: bool,
}

/// The phantom: grey levels and region of interest.
pub fn phantom() -> Result<(Volume, Mask)> {
    let grid = Geometry::new([5, 4, 4], [2.0; 3])?;
    let image = Volume::new(grid.clone(), IMAGE.map(f64::from).to_vec(), PixelType::INT16)?;
    Ok((image, Mask::new(grid, MASK.map(|v| v != 0).to_vec())?))
}

/// Computes all 482 reference values and compares.
pub fn check() -> Result<Vec<Check>> {
    let (image, mask) = phantom()?;
    let settings = Settings {
        discretisation: Discretisation::Identity,
        ..Settings::default()
    };
    let features = extract(&image, &mask, &mask, &settings)?;
    Ok(REFERENCE
        .iter()
        .map(|&(tag, reference, tolerance)| {
            let (feature, aggregation) = split(tag);
            let value = features
                .iter()
                .find(|f| {
                    f.aggregation == aggregation
                        && feature
                            .strip_prefix(f.class)
                            .and_then(|rest| rest.strip_prefix('_'))
                            == Some(f.name)
                })
                .and_then(|f| f.value.ok())
                .unwrap_or(f64::NAN);
            let ok = (value - reference).abs() <= half_digit(reference) + tolerance;
            Check {
                feature,
                aggregation,
                value,
                reference,
                tolerance,
                ok,
            }
        })
        .collect())
}

/// Separates a tag from its aggregation.
fn split(tag: &'static str) -> (&'static str, &'static str) {
    const AGGREGATIONS: [&str; 9] = [
        "2D_avg",
        "2D_comb",
        "2_5D_avg",
        "2_5D_comb",
        "3D_avg",
        "3D_comb",
        "2D",
        "2_5D",
        "3D",
    ];
    AGGREGATIONS
        .iter()
        .find_map(|a| Some((tag.strip_suffix(a)?.strip_suffix('_')?, *a)))
        .unwrap_or((tag, ""))
}

/// Half a unit of the third significant digit, to which references are rounded.
fn half_digit(reference: f64) -> f64 {
    if reference == 0.0 {
        5e-4
    } else {
        0.501 * 10f64.powf(reference.abs().log10().floor() - 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_value_is_met() {
        let checks = check().unwrap();
        let missed: Vec<&Check> = checks.iter().filter(|c| !c.ok).collect();
        assert!(missed.is_empty(), "{missed:?}");
        assert_eq!(checks.len(), 482);
    }

    #[test]
    fn tags_are_split() {
        assert_eq!(split("szm_zs_var_2_5D"), ("szm_zs_var", "2_5D"));
        assert_eq!(split("cm_corr_2D_avg"), ("cm_corr", "2D_avg"));
        assert_eq!(split("stat_mean"), ("stat_mean", ""));
    }
}
