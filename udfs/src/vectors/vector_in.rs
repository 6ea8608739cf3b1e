//! `vector_in(value, dimensions)`: what a cast to vector becomes.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use arrow::array::NullBufferBuilder;
use arrow::array::{Array, ArrayRef, AsArray, FixedSizeListArray, Float32Array, StringArray};
use arrow::datatypes::{DataType, Field, FieldRef, Float32Type};
use datafusion::common::{internal_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::scalar::ScalarValue;
use radlake_kernels::vectors::{MAX_DIMENSIONS, VectorError, VectorResult, print};

use super::column::Vectors;
use super::{TYPE, data_type, dimensions, refused};
use crate::document::{Family, document};
use crate::rows::by_row;

/// The SQL function `vector_in`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct VectorIn {
    signature: Signature,
}

impl Default for VectorIn {
    fn default() -> Self {
        Self {
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }
}

impl ScalarUDFImpl for VectorIn {
    fn name(&self) -> &str {
        "vector_in"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let (value, rest) = match types {
            [value] => (value, vec![]),
            [value, _] => (value, vec![DataType::Int64]),
            _ => return plan_err!("vector_in takes a value and its dimensions"),
        };
        let value = match value {
            vector if dimensions(vector).is_some() => vector.clone(),
            text if text.is_string() || text.is_null() => DataType::Utf8,
            DataType::List(item) | DataType::LargeList(item)
                if item.data_type().is_numeric() || item.data_type().is_null() =>
            {
                DataType::new_list(DataType::Float32, true)
            }
            other => return plan_err!("cannot cast type {other} to vector"),
        };
        Ok([vec![value], rest].concat())
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        internal_err!("{}: the field is asked for", self.name())
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let field = |data_type| Arc::new(Field::new(self.name(), data_type, true));
        if arguments.arg_fields.len() == 2 {
            return match arguments.scalar_arguments.get(1) {
                Some(Some(ScalarValue::Int64(Some(wanted)))) => match i32::try_from(*wanted) {
                    Ok(wanted) if wanted > 0 && wanted <= MAX_DIMENSIONS as i32 => {
                        Ok(field(data_type(wanted)))
                    }
                    _ => plan_err!("a vector has 1 to {MAX_DIMENSIONS} dimensions"),
                },
                _ => plan_err!("the dimensions of a vector must be a constant"),
            };
        }
        let given = arguments.arg_fields.first().map(|given| given.data_type());
        Ok(match given.filter(|given| dimensions(given).is_some()) {
            Some(given) => field(given.clone()),
            None => Arc::new(
                Field::new(self.name(), DataType::Utf8, true)
                    .with_metadata(HashMap::from([("pg_type".to_owned(), TYPE.to_owned())])),
            ),
        })
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let wanted = dimensions(args.return_field.data_type());
        by_row(&args, |values| {
            let Some(values) = values.first() else {
                return internal_err!("{} without a value", self.name());
            };
            match wanted {
                Some(wanted) if dimensions(values.data_type()) == Some(wanted) => Ok(Arc::clone(values)),
                Some(wanted) => fixed(values, wanted),
                None => texts(values),
            }
        })
    }

    fn documentation(&self) -> Option<&Documentation> {
        static DOC: LazyLock<Documentation> = LazyLock::new(|| {
            document(
                Family::Vector,
                "vector_in(value, dimensions)",
                "A vector read from its text, or made of an array of numbers, as value::vector(dimensions) is.",
                &[
                    ("value", "A text such as [1,2.5,-3], or an array without NULLs."),
                    (
                        "dimensions",
                        "How many elements it must have; any number if left out.",
                    ),
                ],
                "SELECT vector_in('[1,2.5,-3]', 3);",
            )
        });
        Some(&DOC)
    }
}

/// Calls `each` with every vector of an array of texts, lists or vectors.
fn each(values: &ArrayRef, mut each: impl FnMut(Option<&[f32]>) -> VectorResult<()>) -> Result<()> {
    if let Some(lists) = values.as_list_opt::<i32>() {
        for row in 0..lists.len() {
            if lists.is_null(row) {
                each(None).map_err(refused)?;
                continue;
            }
            let list = lists.value(row);
            let elements = list.as_primitive::<Float32Type>();
            each(Some(checked(elements).map_err(refused)?)).map_err(refused)?;
        }
        return Ok(());
    }
    let vectors = Vectors::of(values)?;
    for row in 0..values.len() {
        each(vectors.row(row)?.as_deref()).map_err(refused)?;
    }
    Ok(())
}

/// The elements of an array, if they make a vector.
fn checked(elements: &Float32Array) -> VectorResult<&[f32]> {
    if elements.null_count() > 0 {
        return Err(VectorError::NullElement);
    }
    let values: &[f32] = elements.values();
    if values.is_empty() {
        return Err(VectorError::Empty);
    }
    if values.len() > MAX_DIMENSIONS {
        return Err(VectorError::TooManyDimensions);
    }
    if values.iter().any(|value| value.is_nan()) {
        return Err(VectorError::NotANumber);
    }
    if values.iter().any(|value| value.is_infinite()) {
        return Err(VectorError::Infinite);
    }
    Ok(values)
}

/// Vectors of `wanted` dimensions.
fn fixed(values: &ArrayRef, wanted: i32) -> Result<ArrayRef> {
    let expected = usize::try_from(wanted).unwrap_or_default();
    let mut elements = Vec::with_capacity(values.len() * expected);
    let mut valid = NullBufferBuilder::new(values.len());
    each(values, |vector| {
        match vector {
            None => {
                valid.append_null();
                elements.resize(elements.len() + expected, 0.0);
            }
            Some(vector) if vector.len() == expected => {
                valid.append_non_null();
                elements.extend_from_slice(vector);
            }
            Some(vector) => {
                return Err(VectorError::WrongDimensions {
                    expected,
                    found: vector.len(),
                });
            }
        }
        Ok(())
    })?;
    Ok(Arc::new(FixedSizeListArray::try_new(
        Arc::new(Field::new_list_field(DataType::Float32, true)),
        wanted,
        Arc::new(Float32Array::from(elements)),
        valid.finish(),
    )?))
}

/// Vectors as texts, in the one spelling.
fn texts(values: &ArrayRef) -> Result<ArrayRef> {
    let mut out = Vec::with_capacity(values.len());
    each(values, |vector| {
        out.push(vector.map(print));
        Ok(())
    })?;
    Ok(Arc::new(StringArray::from(out)))
}

#[cfg(test)]
mod tests {
    use crate::testing::{error, run, text};

    #[test]
    fn in_sql() {
        assert_eq!(text("vector_in(' [1, 2.50] ')").as_deref(), Some("[1,2.5]"));
        assert_eq!(text("vector_in([1, 2.5])").as_deref(), Some("[1,2.5]"));
        assert_eq!(text("vector_in(NULL)"), None);
        let fixed = run("SELECT vector_in('[1,2]', 2)", vec![]).unwrap();
        assert_eq!(super::dimensions(fixed.data_type()), Some(2));
        for (call, part) in [
            ("vector_in('[1,2,3,4]', 3)", "expected 3 dimensions, not 4"),
            ("vector_in([1, NULL])", "array must not contain nulls"),
            ("vector_in([1e39])", "infinite value not allowed in vector"),
            ("vector_in('[4711,')", "invalid input syntax for type vector"),
            ("vector_in('[1]', 0)", "1 to 16000"),
            ("vector_in(1)", "cannot cast"),
        ] {
            let refused = error(call);
            assert!(refused.contains(part), "{call}: {refused}");
        }
    }
}
