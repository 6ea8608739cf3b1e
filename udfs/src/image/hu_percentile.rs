//! `hu_percentile(roi, p)`: a percentile of a region's voxels.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array};
use arrow::datatypes::DataType;
use datafusion::common::exec_err;
use datafusion::error::Result;

use super::function::{Arguments, Declared};
use super::kind::Kind;
use crate::document::{Family, document};

pub(super) fn declared() -> Declared {
    Declared {
        name: "hu_percentile",
        kinds: &[Kind::Roi, Kind::Number],
        needed: 2,
        returns: DataType::Float64,
        run,
        documentation: document(
            Family::Image,
            "hu_percentile(roi, p)",
            "Percentile of a region's voxels, in the unit that they have: linear between ranks, as percentile_cont and NumPy's default. \
             NULL where the mask is empty, NaN where a voxel is; an error where p is not within 0 and 1.",
            &[
                ("roi", "A region: the column `roi` of imaging.regions."),
                (
                    "p",
                    "Share of the voxels that lie below, 0 to 1: 0.5 is the median.",
                ),
            ],
            "SELECT hu_percentile(roi, 0.95) FROM imaging.regions LIMIT 1;",
        ),
    }
}

/// The value at a share of ranks, linear between them; `None` of no values. Reorders them.
pub(super) fn percentile(values: &mut [f32], share: f64) -> Option<f64> {
    let last = values.len().checked_sub(1)?;
    if values.iter().any(|v| v.is_nan()) {
        return Some(f64::NAN);
    }
    #[expect(clippy::cast_precision_loss, reason = "fewer than 2^29 voxels")]
    let rank = share * last as f64;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of the ranks is one of them"
    )]
    let low = (rank.floor() as usize).min(last);
    let (_, &mut a, above) = values.select_nth_unstable_by(low, f32::total_cmp);
    let (a, part) = (f64::from(a), rank.fract());
    if part == 0.0 {
        return Some(a);
    }
    let b = above.iter().copied().min_by(f32::total_cmp).map_or(a, f64::from);
    // NumPy takes the nearer end for the start.
    Some(if part >= 0.5 {
        b - (b - a) * (1.0 - part)
    } else {
        a + (b - a) * part
    })
}

fn run(arguments: &Arguments) -> Result<ArrayRef> {
    let at = |row| -> Result<Option<f64>> {
        let (Some(view), Some(p)) = (arguments.image(0, row)?, arguments.number(1, row)) else {
            return Ok(None);
        };
        if !(0.0..=1.0).contains(&p) {
            return exec_err!("{}: p must be within 0 and 1, not {p}", arguments.name);
        }
        let Some(mask) = view.mask() else {
            return Ok(None);
        };
        let members = view.voxels().iter().zip(mask).filter(|(_, m)| **m != 0);
        let mut members: Vec<f32> = members.map(|(value, _)| *value).collect();
        Ok(percentile(&mut members, p))
    };
    let percentiles = arguments.rows().map(at).collect::<Result<Float64Array>>()?;
    Ok(Arc::new(percentiles))
}

#[cfg(test)]
mod tests {
    use super::percentile;
    use crate::image::samples::{ball, column, empty, numbers};
    use crate::testing::{number, run};

    #[test]
    fn as_numpy() {
        // numpy.percentile([3, 1, 10, 4], 100 * p)
        for (p, expected) in [(0.0, 1.0), (0.25, 2.5), (0.5, 3.5), (0.9, 8.2), (1.0, 10.0)] {
            let found = percentile(&mut [3.0, 1.0, 10.0, 4.0], p).unwrap();
            assert!((found - expected).abs() < 1e-12, "{p}: {found}");
        }
        assert_eq!(percentile(&mut [7.0], 0.3), Some(7.0));
        assert_eq!(percentile(&mut [], 0.3), None);
        assert!(percentile(&mut [1.0, f32::NAN], 0.0).unwrap().is_nan());
    }

    #[test]
    fn in_sql() {
        let rows = || column(vec![Some(ball()), None, Some(empty())]);
        let centre = f64::from(4 + 9 * (4 + 8 * 3));
        assert_eq!(
            numbers("SELECT hu_percentile(a, 0.5) FROM t", rows()),
            [Some(centre), None, None]
        );
        assert_eq!(numbers("SELECT hu_percentile(a, NULL) FROM t", rows()), [None; 3]);
        for p in ["1.01", "-0.1", "50", "'NaN'::float8"] {
            let said = run(&format!("SELECT hu_percentile(a, {p}) FROM t"), rows())
                .unwrap_err()
                .to_string();
            assert!(said.contains("hu_percentile: p must be within 0 and 1"), "{said}");
        }
        assert_eq!(number("hu_percentile(NULL, 2)"), None);
    }
}
