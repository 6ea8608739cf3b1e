//! `window(value, centre, width)`: the grey level of a value.

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
        name: "window",
        kinds: &[Kind::Number; 3],
        needed: 3,
        returns: DataType::Float64,
        run,
        documentation: document(
            Family::Image,
            "window(value, centre, width)",
            "Grey level of a value within a window, from 0 (black) to 1 (white), linear as PS3.3 C.11.2.1.2 has it: all up to \
             centre - 0.5 - (width - 1) / 2 is 0, all above centre - 0.5 + (width - 1) / 2 is 1. An error where width is below 1. The name \
             needs no quotes here, though PostgreSQL reserves the word.",
            &[
                ("value", "A value of a voxel, after the modality's rescaling."),
                ("centre", "Window Center (0028,1050)."),
                ("width", "Window Width (0028,1051), at least 1."),
            ],
            "SELECT window(40, 40, 400);  -- 0.501253…",
        ),
    }
}

fn level(value: f64, centre: f64, width: f64) -> f64 {
    let (middle, reach) = (centre - 0.5, (width - 1.0) / 2.0);
    if value <= middle - reach {
        0.0
    } else if value > middle + reach {
        1.0
    } else {
        (value - middle) / (width - 1.0) + 0.5
    }
}

fn run(arguments: &Arguments) -> Result<ArrayRef> {
    let of = |row| -> Result<Option<f64>> {
        let number = |k| arguments.number(k, row);
        let (Some(value), Some(centre), Some(width)) = (number(0), number(1), number(2)) else {
            return Ok(None);
        };
        // Of NaN too.
        if !matches!(width.partial_cmp(&1.0), Some(order) if order.is_ge()) {
            return exec_err!("{}: width must be at least 1, not {width}", arguments.name);
        }
        Ok(Some(level(value, centre, width)))
    };
    let levels = arguments.rows().map(of).collect::<Result<Float64Array>>()?;
    Ok(Arc::new(levels))
}

#[cfg(test)]
mod tests {
    use super::level;
    use crate::image::samples::numbers;
    use crate::testing::{error, number};
    use arrow::array::{ArrayRef, Float64Array, Int32Array};
    use std::sync::Arc;

    #[test]
    fn as_the_standard_has_it() {
        // Note 3 of C.11.2.1.2.1: a centre of 2048 and a width of 4096 take all of 0 to 4095.
        assert_eq!(level(0.0, 2048.0, 4096.0), 0.0);
        assert_eq!(level(4095.0, 2048.0, 4096.0), 1.0);
        assert_eq!(level(2047.5, 2048.0, 4096.0), 0.5);
        assert_eq!(level(0.0, 2048.0, 1.0), 0.0);
        assert_eq!((level(9.5, 10.0, 1.0), level(9.6, 10.0, 1.0)), (0.0, 1.0));
        assert_eq!(level(f64::INFINITY, 0.0, 10.0), 1.0);
        assert!(level(f64::NAN, 0.0, 10.0).is_nan());
    }

    #[test]
    fn in_sql() {
        let found = number("window(40, 40, 400)").unwrap();
        assert!((found - (0.5 + 0.5 / 399.0)).abs() < 1e-12);
        for null in [
            "window(NULL, 40, 400)",
            "window(1, NULL, 400)",
            "window(1, 2, NULL)",
        ] {
            assert_eq!(number(null), None);
        }
        for wrong in ["window(1, 2, 0.5)", "window(1, 2, 'NaN'::float8)"] {
            assert!(error(wrong).contains("width must be at least 1"));
        }
        assert!(error("window(1, 2)").contains("No function matches"));
        let values: ArrayRef = Arc::new(Float64Array::from(vec![Some(-1000.0), None, Some(1000.0)]));
        let widths: ArrayRef = Arc::new(Int32Array::from(vec![400, 400, 400]));
        assert_eq!(
            numbers("SELECT window(a, 40, b) FROM t", vec![values, widths]),
            [Some(0.0), None, Some(1.0)]
        );
    }
}
