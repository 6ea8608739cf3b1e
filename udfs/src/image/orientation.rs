//! `orientation(image_orientation_patient)`: the anatomical plane of an image.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, GenericListArray, OffsetSizeTrait, StringBuilder};
use arrow::datatypes::{DataType, Field, Float64Type};
use datafusion::common::utils::take_function_args;
use datafusion::common::{internal_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::scalar::ScalarValue;
use radlake_kernels::orientation::{Plane, classify};

use crate::document::{Family, document};

const NAME: &str = "orientation";

/// The SQL function `orientation`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Orientation {
    signature: Signature,
}

impl Default for Orientation {
    fn default() -> Self {
        Self {
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }
}

/// The plane of row `cosines`, which must be six numbers.
fn plane(cosines: &dyn Array) -> Option<&'static str> {
    if cosines.len() != 6 || cosines.null_count() > 0 {
        return None;
    }
    let values: &[f64; 6] = cosines
        .as_primitive_opt::<Float64Type>()?
        .values()
        .as_ref()
        .try_into()
        .ok()?;
    classify(values).map(Plane::as_str)
}

fn lists<O: OffsetSizeTrait>(array: &GenericListArray<O>, out: &mut StringBuilder) {
    for i in 0..array.len() {
        out.append_option(if array.is_valid(i) {
            plane(&array.value(i))
        } else {
            None
        });
    }
}

fn planes(array: &ArrayRef) -> Result<ArrayRef> {
    let mut out = StringBuilder::new();
    match array.data_type() {
        DataType::List(_) => lists(array.as_list::<i32>(), &mut out),
        DataType::LargeList(_) => lists(array.as_list::<i64>(), &mut out),
        DataType::FixedSizeList(..) => {
            let array = array.as_fixed_size_list();
            for i in 0..array.len() {
                out.append_option(if array.is_valid(i) {
                    plane(&array.value(i))
                } else {
                    None
                });
            }
        }
        DataType::Null => (0..array.len()).for_each(|_| out.append_null()),
        other => return internal_err!("orientation: array of float8 expected, not {other}"),
    }
    Ok(Arc::new(out.finish()))
}

impl ScalarUDFImpl for Orientation {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let [argument] = take_function_args(NAME, types)?;
        let item = |field: &Field| {
            let number = field.data_type().is_numeric() || field.data_type().is_null();
            number.then(|| Arc::new(Field::new(field.name(), DataType::Float64, true)))
        };
        let coerced = match argument {
            DataType::Null => Some(DataType::Null),
            DataType::List(field) | DataType::ListView(field) => item(field).map(DataType::List),
            DataType::LargeList(field) | DataType::LargeListView(field) => {
                item(field).map(DataType::LargeList)
            }
            DataType::FixedSizeList(field, n) => item(field).map(|field| DataType::FixedSizeList(field, *n)),
            _ => None,
        };
        match coerced {
            Some(coerced) => Ok(vec![coerced]),
            None => plan_err!("orientation: an array of six numbers is wanted, not {argument}"),
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [cosines] = take_function_args(NAME, &args.args)?;
        match cosines {
            ColumnarValue::Array(array) => Ok(ColumnarValue::Array(planes(array)?)),
            ColumnarValue::Scalar(scalar) => {
                let answer = planes(&scalar.to_array()?)?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&answer, 0)?))
            }
        }
    }

    fn documentation(&self) -> Option<&Documentation> {
        static DOC: LazyLock<Documentation> = LazyLock::new(|| {
            document(
                Family::Image,
                "orientation(image_orientation_patient)",
                "Anatomical plane of an image: axial, coronal or sagittal while its normal lies within 36.9° (cosine 0.8) of \
                 the patient's axis, else oblique. NULL where the six cosines span no plane: a NaN, a zero vector, parallel \
                 directions, or not six numbers.",
                &[(
                    "image_orientation_patient",
                    "Direction cosines of the row, then of the column: float8[6].",
                )],
                "SELECT orientation(ARRAY[1, 0, 0, 0, 0, -1]);  -- coronal",
            )
        });
        Some(&DOC)
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{error, run, text, texts};
    use arrow::array::{Array, ArrayRef, FixedSizeListArray, LargeListArray, ListArray};
    use arrow::datatypes::Float64Type;
    use std::sync::Arc;

    #[test]
    fn in_sql() {
        assert_eq!(
            text("orientation(ARRAY[1, 0, 0, 0, 0, -1])").as_deref(),
            Some("coronal")
        );
        assert_eq!(
            text("orientation(ARRAY[1.0, 0.0, 0.0, 0.0, 1.0, 0.0])").as_deref(),
            Some("axial")
        );
        assert_eq!(text("orientation(NULL)"), None);
        assert_eq!(text("orientation(ARRAY[1, 0, 0, 0, 1])"), None);
        assert_eq!(text("orientation(ARRAY[1, 0, 0, 0, NULL, 1])"), None);
        assert_eq!(text("orientation(ARRAY[1, 0, 0, 0, 'NaN'::float8, 1])"), None);
        assert!(error("orientation('axial')").contains("orientation"));
    }

    #[test]
    fn every_kind_of_list() {
        let rows = || {
            let axial = [1., 0., 0., 0., 1., 0.].map(Some).to_vec();
            let sagittal = [0., 1., 0., 0., 0., -1.].map(Some).to_vec();
            vec![Some(axial), None, Some(sagittal)]
        };
        let lists: [ArrayRef; 3] = [
            Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>(rows())),
            Arc::new(LargeListArray::from_iter_primitive::<Float64Type, _, _>(rows())),
            Arc::new(FixedSizeListArray::from_iter_primitive::<Float64Type, _, _>(
                rows(),
                6,
            )),
        ];
        for list in lists {
            let kind = list.data_type().to_string();
            let expected = [Some("axial".to_owned()), None, Some("sagittal".to_owned())];
            assert_eq!(
                texts("SELECT orientation(a) FROM t", vec![list]).unwrap(),
                expected,
                "{kind}"
            );
        }
        let single = Arc::new(ListArray::from_iter_primitive::<
            arrow::datatypes::Float32Type,
            _,
            _,
        >([Some([1_f32, 0., 0., 0., 1., 0.].map(Some))]));
        assert_eq!(
            run("SELECT orientation(a) FROM t", vec![single]).unwrap().len(),
            1
        );
    }
}
