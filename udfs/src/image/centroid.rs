//! `centroid(roi)`: where a region lies in the patient.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Builder, ListBuilder};
use arrow::datatypes::{DataType, Field};
use datafusion::error::Result;

use super::function::{Arguments, Declared, measured};
use super::kind::Kind;
use crate::document::{Family, document};

pub(super) fn declared() -> Declared {
    Declared {
        name: "centroid",
        kinds: &[Kind::Roi],
        needed: 1,
        returns: DataType::List(Arc::new(Field::new_list_field(DataType::Float64, true))),
        run,
        documentation: document(
            Family::Image,
            "centroid(roi)",
            "Mean of the centres of a region's voxels in the patient, mm: three numbers, towards the patient's left, back and head, as \
             in Image Position (Patient). NULL where the mask is empty.",
            &[("roi", "A region: the column `roi` of imaging.regions.")],
            "SELECT centroid(roi) FROM imaging.regions LIMIT 1;",
        ),
    }
}

fn run(arguments: &Arguments) -> Result<ArrayRef> {
    let mut out = ListBuilder::new(Float64Builder::new());
    for row in arguments.rows() {
        let at = match arguments.mask(0, row)? {
            Some(mask) => measured(arguments.name, radlake_kernels::measures::centroid(&mask))?,
            None => None,
        };
        out.append_option(at.map(|at| at.map(Some)));
    }
    Ok(Arc::new(out.finish()))
}

#[cfg(test)]
mod tests {
    use crate::image::samples::{ball, column, empty};
    use crate::testing::{run, text};
    use arrow::array::{Array, AsArray};
    use arrow::datatypes::Float64Type;

    #[test]
    fn in_the_patient() {
        let rows = column(vec![Some(ball()), None, Some(empty())]);
        let found = run("SELECT centroid(a) FROM t", rows).unwrap();
        let found = found.as_list::<i32>();
        let first = found.value(0);
        // Voxel (4, 4, 3) of 1 × 1 × 3 mm from (-10, 20, 30).
        assert_eq!(
            first.as_primitive::<Float64Type>().values(),
            &[-6.0, 24.0, 39.0][..]
        );
        assert!(found.is_null(1) && found.is_null(2));
        assert_eq!(text("centroid(NULL) IS NULL").as_deref(), Some("true"));
    }

    #[test]
    fn along_the_axes_of_the_grid() {
        let mut turned = ball();
        turned.geometry.direction = [0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, -1.0];
        let found = run("SELECT centroid(a) FROM t", column(vec![Some(turned)])).unwrap();
        let found = found.as_list::<i32>().value(0);
        assert_eq!(
            found.as_primitive::<Float64Type>().values(),
            &[-6.0, 24.0, 21.0][..]
        );
    }
}
