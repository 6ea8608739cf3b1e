//! `mean_hu(roi)`: the mean of a region's voxels.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array};
use arrow::datatypes::DataType;
use datafusion::error::Result;

use super::function::{Arguments, Declared};
use super::kind::Kind;
use crate::document::{Family, document};

pub(super) fn declared() -> Declared {
    Declared {
        name: "mean_hu",
        kinds: &[Kind::Roi],
        needed: 1,
        returns: DataType::Float64,
        run,
        documentation: document(
            Family::Image,
            "mean_hu(roi)",
            "Mean of a region's voxels, in the unit that they have, whatever it is: Hounsfield units of CT, Bq/ml or counts of PET, none of \
             MR; `(roi).units` tells. NULL where the mask is empty, NaN where a voxel is.",
            &[("roi", "A region: the column `roi` of imaging.regions.")],
            "SELECT mean_hu(roi) FROM imaging.regions LIMIT 1;",
        ),
    }
}

fn run(arguments: &Arguments) -> Result<ArrayRef> {
    let mean = |row| -> Result<Option<f64>> {
        let Some(view) = arguments.image(0, row)? else {
            return Ok(None);
        };
        let Some(mask) = view.mask() else {
            return Ok(None);
        };
        let members = view.voxels().iter().zip(mask).filter(|(_, m)| **m != 0);
        let (mut sum, mut count) = (0.0, 0.0);
        for (value, _) in members {
            sum += f64::from(*value);
            count += 1.0;
        }
        Ok((count > 0.0).then(|| sum / count))
    };
    let means = arguments.rows().map(mean).collect::<Result<Float64Array>>()?;
    Ok(Arc::new(means))
}

#[cfg(test)]
mod tests {
    use crate::image::samples::{ball, column, empty, numbers};
    use crate::testing::number;

    #[test]
    fn of_the_members_alone() {
        // The ball lies about the voxel (4, 4, 3), and a voxel's value is linear in its place.
        let rows = column(vec![Some(ball()), None, Some(empty())]);
        let centre = f64::from(4 + 9 * (4 + 8 * 3));
        assert_eq!(
            numbers("SELECT mean_hu(a) FROM t", rows),
            [Some(centre), None, None]
        );
        assert_eq!(number("mean_hu(NULL)"), None);
    }

    #[test]
    fn nan_inside_counts_and_outside_does_not() {
        let mut inside = ball();
        inside.voxels[4 + 9 * (4 + 8 * 3)] = f32::NAN;
        let mut outside = ball();
        outside.voxels[0] = f32::NAN;
        let means = numbers(
            "SELECT mean_hu(a) FROM t",
            column(vec![Some(inside), Some(outside)]),
        );
        assert!(means[0].unwrap().is_nan() && means[1].unwrap().is_finite());
    }
}
