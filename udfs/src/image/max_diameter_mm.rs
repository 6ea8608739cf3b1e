//! `max_diameter_mm(roi)`: the greatest extent of a region.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array};
use arrow::datatypes::DataType;
use datafusion::error::Result;
use radlake_kernels::measures::max_diameters;

use super::function::{Arguments, Declared, measured};
use super::kind::Kind;
use crate::document::{Family, document};

pub(super) fn declared() -> Declared {
    Declared {
        name: "max_diameter_mm",
        kinds: &[Kind::Roi],
        needed: 1,
        returns: DataType::Float64,
        run,
        documentation: document(
            Family::Image,
            "max_diameter_mm(roi)",
            "Greatest distance between two points of a region's surface, in any direction, mm: PyRadiomics' Maximum3DDiameter, between \
             vertices of the surface mesh, which lie half a voxel beyond the outermost centres. Not the longest axis within a slice that \
             RECIST asks for. NULL where the mask is empty.",
            &[("roi", "A region: the column `roi` of imaging.regions.")],
            "SELECT max_diameter_mm(roi) FROM imaging.regions LIMIT 1;",
        ),
    }
}

fn run(arguments: &Arguments) -> Result<ArrayRef> {
    let diameter = |row| -> Result<Option<f64>> {
        let Some(mask) = arguments.mask(0, row)? else {
            return Ok(None);
        };
        Ok(measured(arguments.name, max_diameters(&mask))?.map(|d| d.planes.any))
    };
    let diameters = arguments.rows().map(diameter).collect::<Result<Float64Array>>()?;
    Ok(Arc::new(diameters))
}

#[cfg(test)]
mod tests {
    use crate::image::samples::{ball, column, empty, numbers};
    use crate::testing::number;

    #[test]
    fn from_surface_to_surface() {
        // Three voxels of 3 mm in a row along z: from half a voxel below the first centre to half a voxel above the last.
        let mut rod = empty();
        for z in 2..5 {
            rod.mask.as_mut().unwrap()[4 + 9 * (4 + 8 * z)] = 1;
        }
        let found = numbers(
            "SELECT max_diameter_mm(a) FROM t",
            column(vec![Some(rod), None, Some(empty()), Some(ball())]),
        );
        assert_eq!(found[..3], [Some(9.0), None, None]);
        assert!((7.0..12.0).contains(&found[3].unwrap()));
        assert_eq!(number("max_diameter_mm(NULL)"), None);
    }
}
