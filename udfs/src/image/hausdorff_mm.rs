//! `hausdorff_mm(a, b)`: how far apart two regions lie at most. Tested beside `dice`, over the same pairs.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array};
use arrow::datatypes::DataType;
use datafusion::error::Result;

use super::function::{Arguments, Declared, measured};
use super::kind::Kind;
use crate::document::{Family, document};

pub(super) fn declared() -> Declared {
    Declared {
        name: "hausdorff_mm",
        kinds: &[Kind::Roi; 2],
        needed: 2,
        returns: DataType::Float64,
        run,
        documentation: document(
            Family::Image,
            "hausdorff_mm(a, b)",
            "Hausdorff distance of two regions, mm: the greatest distance from a voxel of one to the nearest of the other, between \
             centres, inner voxels included, as SimpleITK defines it. They may keep different boxes of one lattice of voxels; on different \
             lattices it is an error. NULL where a mask is empty.",
            &[("a", "A region."), ("b", "The region to compare it with.")],
            "SELECT hausdorff_mm(a.roi, b.roi) FROM imaging.regions a, imaging.regions b LIMIT 1;",
        ),
    }
}

fn run(arguments: &Arguments) -> Result<ArrayRef> {
    let distance = |row| -> Result<Option<f64>> {
        match (arguments.mask(0, row)?, arguments.mask(1, row)?) {
            (Some(a), Some(b)) => measured(arguments.name, radlake_kernels::measures::hausdorff_mm(&a, &b)),
            _ => Ok(None),
        }
    };
    let distances = arguments.rows().map(distance).collect::<Result<Float64Array>>()?;
    Ok(Arc::new(distances))
}
