//! `volume_ml(roi)`: the volume of a region.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array};
use arrow::datatypes::DataType;
use datafusion::error::Result;

use super::function::{Arguments, Declared};
use super::kind::Kind;
use crate::document::{Family, document};

pub(super) fn declared() -> Declared {
    Declared {
        name: "volume_ml",
        kinds: &[Kind::Roi],
        needed: 1,
        returns: DataType::Float64,
        run,
        documentation: document(
            Family::Image,
            "volume_ml(roi)",
            "Volume of a region in ml: the number of its voxels times a voxel's volume (IBSI: YEKZ). 0 where the mask is empty.",
            &[("roi", "A region: the column `roi` of imaging.regions.")],
            "SELECT volume_ml(roi) FROM imaging.regions LIMIT 1;",
        ),
    }
}

fn run(arguments: &Arguments) -> Result<ArrayRef> {
    // Counted without a copy of the mask; the kernels' `volume_ml` gives the same.
    let volume = |row| -> Result<Option<f64>> {
        let Some(view) = arguments.image(0, row)? else {
            return Ok(None);
        };
        let count = view.mask().map(|mask| mask.iter().filter(|&&v| v != 0).count());
        #[expect(clippy::cast_precision_loss, reason = "fewer than 2^29 voxels")]
        Ok(count.map(|n| n as f64 * view.geometry.voxel_volume() / 1000.0))
    };
    let volumes = arguments.rows().map(volume).collect::<Result<Float64Array>>()?;
    Ok(Arc::new(volumes))
}

#[cfg(test)]
mod tests {
    use crate::image::samples::{ball, column, empty, numbers};
    use crate::testing::{error, number, run};

    #[test]
    fn counts_voxels() {
        let ball = ball();
        let mask = ball.mask.clone().unwrap().iter().map(|&v| v != 0).collect();
        let mask = radlake_kernels::Mask::new(ball.geometry.clone(), mask).unwrap();
        let expected = radlake_kernels::measures::volume_ml(&mask);
        assert!((expected - mask.count() as f64 * 0.003).abs() < 1e-12);
        let rows = column(vec![Some(ball), None, Some(empty())]);
        assert_eq!(
            numbers("SELECT volume_ml(a) FROM t", rows),
            [Some(expected), None, Some(0.0)]
        );
    }

    #[test]
    fn what_is_no_region() {
        assert_eq!(number("volume_ml(NULL)"), None);
        for wrong in [
            "volume_ml(1)",
            "volume_ml()",
            "volume_ml('x')",
            "volume_ml(NULL, NULL)",
        ] {
            assert!(error(wrong).contains("No function matches"), "{}", error(wrong));
        }
        let volumes = crate::image::samples::volumes(vec![Some(ball())]);
        assert!(run("SELECT volume_ml(a) FROM t", volumes).is_err());
    }

    #[test]
    fn parts_that_do_not_fit() {
        let mut wrong = ball();
        wrong.voxels.pop();
        let said = run("SELECT volume_ml(a) FROM t", column(vec![Some(wrong)]))
            .unwrap_err()
            .to_string();
        assert!(said.contains("volume_ml: the struct is no region"), "{said}");
        let mut wrong = ball();
        wrong.mask.as_mut().unwrap().pop();
        assert!(run("SELECT volume_ml(a) FROM t", column(vec![Some(wrong)])).is_err());
        let mut wrong = ball();
        wrong.geometry.size = [usize::MAX; 3];
        assert!(run("SELECT volume_ml(a) FROM t", column(vec![Some(wrong)])).is_err());
    }

    #[test]
    fn regions_written_in_sql() {
        let roi = "named_struct('voxels', ARRAY[1.0, 2.0], 'mask', decode('0100', 'hex'), 'size', ARRAY[2, 1, 1], 'spacing', ARRAY[10.0, 10.0, 5.0], \
                   'origin', ARRAY[0.0, 0.0, 0.0], 'direction', ARRAY[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0], 'modality', 'CT', 'units', NULL)";
        assert_eq!(number(&format!("volume_ml({roi})")), Some(0.5));
    }
}
