//! `array_lower` and `array_upper`: the bounds of one of an array's dimensions. Arrays of several dimensions are lists of lists.

use arrow::array::{Array, ArrayRef, AsArray, Int32Builder};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::{Result, exec_err, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use std::sync::Arc;

/// `array_lower(array, dimension)`: 1 where there is such a dimension.
pub(crate) fn array_lower() -> ScalarUDF {
    bound("array_lower")
}

/// `array_upper(array, dimension)`: the dimension's length.
pub(crate) fn array_upper() -> ScalarUDF {
    bound("array_upper")
}

fn bound(name: &'static str) -> ScalarUDF {
    ScalarUDF::from(ArrayBound {
        name,
        signature: Signature::any(2, Volatility::Immutable),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ArrayBound {
    name: &'static str,
    signature: Signature,
}

impl ScalarUDFImpl for ArrayBound {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        match arguments {
            // A text is a parameter or constant whose type nobody gave.
            [array, dimension]
                if (is_array(array) || array.is_null())
                    && (dimension.is_integer() || matches!(dimension, DataType::Null | DataType::Utf8)) =>
            {
                Ok(DataType::Int32)
            }
            other => plan_err!("{} takes an array and an integer, not {other:?}", self.name),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [arrays, dimensions] = args.args.as_slice() else {
            return exec_err!("{} takes two arguments", self.name);
        };
        let arrays = arrays.to_array(args.number_rows)?;
        let strict = CastOptions {
            safe: false,
            ..CastOptions::default()
        };
        let dimensions =
            cast_with_options(&dimensions.to_array(args.number_rows)?, &DataType::Int64, &strict)?;
        let mut out = Int32Builder::with_capacity(args.number_rows);
        for (row, dimension) in dimensions.as_primitive::<Int64Type>().iter().enumerate() {
            let length = dimension.and_then(|d| length(&arrays, row, d));
            out.append_option(match length {
                Some(_) if self.name == "array_lower" => Some(1),
                Some(length) => Some(i32::try_from(length).unwrap_or(i32::MAX)),
                None => None,
            });
        }
        Ok(ColumnarValue::Array(Arc::new(out.finish())))
    }
}

fn is_array(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..)
    )
}

/// The length of a row's array in a dimension, counted from 1: that of the first element at this depth, as all are alike. None
/// for NULL, for an array without elements, and beyond its dimensions.
fn length(arrays: &ArrayRef, row: usize, dimension: i64) -> Option<usize> {
    let mut array = elements(arrays, row)?;
    if dimension < 1 || !has_values(&array) {
        return None;
    }
    for _ in 1..dimension {
        if array.is_empty() {
            return None;
        }
        array = elements(&array, 0)?;
    }
    (!array.is_empty()).then(|| array.len())
}

/// The elements of a list in a row; None for NULL and for what is no list.
fn elements(lists: &ArrayRef, row: usize) -> Option<ArrayRef> {
    if lists.is_null(row) {
        return None;
    }
    match lists.data_type() {
        DataType::List(_) => Some(lists.as_list::<i32>().value(row)),
        DataType::LargeList(_) => Some(lists.as_list::<i64>().value(row)),
        DataType::FixedSizeList(..) => Some(lists.as_fixed_size_list().value(row)),
        _ => None,
    }
}

/// Whether there is anything in the innermost lists: `{{},{}}` is PostgreSQL's empty array.
fn has_values(array: &ArrayRef) -> bool {
    if !is_array(array.data_type()) {
        return !array.is_empty();
    }
    (0..array.len()).any(|row| elements(array, row).is_some_and(|inner| has_values(&inner)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Int32Array, Int64Array, ListBuilder, StringArray, new_null_array};
    use arrow::datatypes::{Field, Int32Type};
    use datafusion::config::ConfigOptions;

    /// What both functions say about each row: lower and upper.
    fn bounds(arrays: ArrayRef, dimensions: ArrayRef) -> Result<Vec<Option<(i32, i32)>>> {
        let call = |function: ScalarUDF| {
            let rows = arrays.len();
            let args = [&arrays, &dimensions];
            let types: Vec<DataType> = args.iter().map(|a| a.data_type().clone()).collect();
            let fields = types.iter().map(|t| Arc::new(Field::new("a", t.clone(), true)));
            let called = function.invoke_with_args(ScalarFunctionArgs {
                args: args.map(|a| ColumnarValue::Array(Arc::clone(a))).to_vec(),
                arg_fields: fields.collect(),
                number_rows: rows,
                return_field: Arc::new(Field::new("r", function.return_type(&types)?, true)),
                config_options: Arc::new(ConfigOptions::default()),
            });
            Ok::<_, datafusion::error::DataFusionError>(
                called?.to_array(rows)?.as_primitive::<Int32Type>().clone(),
            )
        };
        let (lower, upper) = (call(array_lower())?, call(array_upper())?);
        let pairs = lower.iter().zip(upper.iter());
        Ok(pairs
            .map(|(lower, upper)| {
                assert_eq!(lower.is_some(), upper.is_some());
                lower.zip(upper)
            })
            .collect())
    }

    fn integers(values: impl IntoIterator<Item = Option<i32>>) -> ArrayRef {
        Arc::new(Int32Array::from_iter(values))
    }

    #[test]
    fn one_dimension() {
        let mut b = ListBuilder::new(Int32Array::builder(0));
        b.append_value([Some(7), None, Some(9)]);
        b.append_value([None]);
        b.append_value([]);
        b.append_null();
        let arrays: ArrayRef = Arc::new(b.finish());
        let of = |dimension| bounds(Arc::clone(&arrays), integers([dimension; 4])).expect("bounds");
        assert_eq!(of(Some(1)), [Some((1, 3)), Some((1, 1)), None, None]);
        for none in [Some(0), Some(-1), Some(2), Some(i32::MAX), None] {
            assert_eq!(of(none), [None; 4], "{none:?}");
        }
    }

    #[test]
    fn several_dimensions() {
        let mut b = ListBuilder::new(ListBuilder::new(Int32Array::builder(0)));
        b.append_value([
            Some([Some(1), Some(2), Some(3)]),
            Some([Some(4), Some(5), Some(6)]),
        ]);
        b.append_value::<Vec<_>, _>(vec![Some(vec![]), Some(vec![])]);
        let arrays: ArrayRef = Arc::new(b.finish());
        let of = |dimension| bounds(Arc::clone(&arrays), integers([Some(dimension); 2])).expect("bounds");
        assert_eq!(of(1), [Some((1, 2)), None]);
        assert_eq!(of(2), [Some((1, 3)), None]);
        assert_eq!(of(3), [None, None]);
    }

    #[test]
    fn arguments() {
        let nothing = new_null_array(&DataType::Null, 1);
        let one: ArrayRef = Arc::new(Int64Array::from(vec![1]));
        assert_eq!(
            bounds(Arc::clone(&nothing), Arc::clone(&one)).expect("NULL"),
            [None]
        );
        let mut b = ListBuilder::new(Int32Array::builder(0));
        b.append_value([Some(7)]);
        let array: ArrayRef = Arc::new(b.finish());
        assert_eq!(bounds(Arc::clone(&array), nothing).expect("NULL"), [None]);
        let text = |t| Arc::new(StringArray::from(vec![t])) as ArrayRef;
        assert_eq!(bounds(Arc::clone(&array), text("1")).expect("1"), [Some((1, 1))]);
        bounds(Arc::clone(&array), text("x")).expect_err("no number");
        bounds(one, array).expect_err("no array");
    }
}
