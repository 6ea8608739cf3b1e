//! `dice(a, b)`: how far two regions agree.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array};
use arrow::datatypes::DataType;
use datafusion::error::Result;

use super::function::{Arguments, Declared, measured};
use super::kind::Kind;
use crate::document::{Family, document};

pub(super) fn declared() -> Declared {
    Declared {
        name: "dice",
        kinds: &[Kind::Roi; 2],
        needed: 2,
        returns: DataType::Float64,
        run,
        documentation: document(
            Family::Image,
            "dice(a, b)",
            "Dice's coefficient of two regions, 2·|A∩B| / (|A|+|B|): 1 where they are the same, 0 where they share no voxel. They may keep \
             different boxes of one lattice of voxels; on different lattices it is an error. NULL where both masks are empty.",
            &[("a", "A region."), ("b", "The region to compare it with.")],
            "SELECT dice(a.roi, b.roi) FROM imaging.regions a, imaging.regions b LIMIT 1;",
        ),
    }
}

fn run(arguments: &Arguments) -> Result<ArrayRef> {
    let coefficient = |row| -> Result<Option<f64>> {
        match (arguments.mask(0, row)?, arguments.mask(1, row)?) {
            (Some(a), Some(b)) => measured(arguments.name, radlake_kernels::measures::dice(&a, &b)),
            _ => Ok(None),
        }
    };
    let coefficients = arguments
        .rows()
        .map(coefficient)
        .collect::<Result<Float64Array>>()?;
    Ok(Arc::new(coefficients))
}

#[cfg(test)]
mod tests {
    use crate::image::roi::{ImageValue, image_array};
    use crate::image::samples::{ball, empty, numbers};
    use crate::testing::{number, run};
    use arrow::array::ArrayRef;
    use radlake_kernels::Geometry;

    /// A rod of three voxels on its own box, which begins at voxel (4, 4, 3) of the ball's.
    fn rod() -> ImageValue {
        let mut geometry = Geometry::new([3, 1, 1], [1.0, 1.0, 3.0]).unwrap();
        geometry.origin = [-6.0, 24.0, 39.0];
        ImageValue {
            geometry,
            voxels: vec![0.0; 3],
            mask: Some(vec![1; 3]),
            modality: None,
            units: None,
            margin: None,
        }
    }

    fn pairs(rows: Vec<(Option<ImageValue>, Option<ImageValue>)>) -> Vec<ArrayRef> {
        let (a, b) = rows.into_iter().unzip();
        vec![image_array(a, true).unwrap(), image_array(b, true).unwrap()]
    }

    #[test]
    fn boxes_of_one_lattice() {
        let members = ball()
            .mask
            .unwrap()
            .iter()
            .filter(|&&v| v != 0)
            .fold(0.0, |n, _| n + 1.0);
        let found = numbers(
            "SELECT dice(a, b) FROM t",
            pairs(vec![
                (Some(ball()), Some(ball())),
                (Some(ball()), Some(rod())),
                (Some(empty()), Some(ball())),
                (Some(empty()), Some(empty())),
                (None, Some(ball())),
                (Some(ball()), None),
            ]),
        );
        // The whole rod is within the ball, whose radius is √10.
        let expected = [
            Some(1.0),
            Some(2.0 * 3.0 / (members + 3.0)),
            Some(0.0),
            None,
            None,
            None,
        ];
        assert_eq!(found, expected);
        assert_eq!(number("dice(NULL, NULL)"), None);
    }

    #[test]
    fn other_lattices_are_refused() {
        let mut shifted = rod();
        shifted.geometry.origin[0] += 0.4;
        let mut coarse = rod();
        coarse.geometry.spacing[1] = 2.0;
        for other in [shifted, coarse] {
            for function in ["dice", "hausdorff_mm"] {
                let rows = pairs(vec![(Some(ball()), Some(other.clone()))]);
                let said = run(&format!("SELECT {function}(a, b) FROM t"), rows)
                    .unwrap_err()
                    .to_string();
                assert!(
                    said.contains(&format!("{function}: the masks lie on different grids")),
                    "{said}"
                );
            }
        }
    }

    #[test]
    fn hausdorff() {
        let found = numbers(
            "SELECT hausdorff_mm(a, b) FROM t",
            pairs(vec![
                (Some(ball()), Some(ball())),
                (Some(rod()), Some(ball())),
                (Some(empty()), Some(ball())),
                (Some(empty()), Some(empty())),
                (None, Some(ball())),
            ]),
        );
        // The voxel of the ball that is farthest from the rod, which begins at its centre and goes to the right.
        let farthest = ball()
            .mask
            .unwrap()
            .iter()
            .enumerate()
            .filter(|(_, m)| **m != 0)
            .map(|(at, _)| {
                let [x, y, z] = [at % 9, at / 9 % 8, at / 72].map(|v| v as f64);
                let along = x - x.clamp(4.0, 6.0);
                (along.powi(2) + (y - 4.0).powi(2) + (3.0 * (z - 3.0)).powi(2)).sqrt()
            })
            .fold(0.0, f64::max);
        assert_eq!(found, [Some(0.0), Some(farthest), None, None, None]);
        assert_eq!(number("hausdorff_mm(NULL, NULL)"), None);
    }
}
