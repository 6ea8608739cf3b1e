//! What casts, comparisons and orders of enumerations become.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, ListArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Int32Type};
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature,
    Volatility,
};

use crate::enumeration::Enumeration;
use crate::pg_catalog::types::PG_TYPE_KEY;

/// A text, or an array of texts, as values of an enumeration: `enum_in(text, type)`.
pub(in crate::planner) const IN: &str = "enum_in";
/// A value as a text: `enum_out(value, type)`.
pub(super) const OUT: &str = "enum_out";
/// The place of a value among the labels: `enum_place(value, type)`.
pub(super) const PLACE: &str = "enum_place";
/// The value at a place: `enum_at(place, type)`.
pub(super) const AT: &str = "enum_at";

/// PostgreSQL's functions of a type, which is that of their argument: the rule puts what they give in their place.
const OF_TYPE: [&str; 3] = ["enum_first", "enum_last", "enum_range"];

/// The functions; the second argument is the type as a field's metadata has it.
pub(in crate::planner) fn functions() -> Vec<Arc<ScalarUDF>> {
    let of_type = OF_TYPE.map(|name| {
        let signature = TypeSignature::OneOf(vec![TypeSignature::Any(1), TypeSignature::Any(2)]);
        Arc::new(ScalarUDF::from(Labels {
            name,
            signature: Signature::new(signature, Volatility::Immutable),
        }))
    });
    [IN, OUT, PLACE, AT]
        .map(function)
        .into_iter()
        .chain(of_type)
        .collect()
}

/// What one of PostgreSQL's functions of a type gives: labels, and whether as an array. `bounds` are those of `enum_range`.
pub(super) fn of_type<'e>(
    name: &str,
    of: &'e Enumeration,
    bounds: (Option<&str>, Option<&str>),
) -> Option<(&'e [String], bool)> {
    let labels = of.labels.as_slice();
    let place = |label: &str| labels.iter().position(|known| known == label);
    Some(match name {
        "enum_first" => (labels.get(..1).unwrap_or_default(), false),
        "enum_last" => (
            labels.get(labels.len().saturating_sub(1)..).unwrap_or_default(),
            false,
        ),
        "enum_range" => {
            let from = bounds.0.map_or(Some(0), place)?;
            let to = bounds
                .1
                .map_or(Some(labels.len()), |label| place(label).map(|at| at + 1))?;
            (labels.get(from..to).unwrap_or_default(), true)
        }
        _ => return None,
    })
}

pub(super) fn function(name: &'static str) -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::from(Labels {
        name,
        signature: Signature::any(2, Volatility::Immutable),
    }))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Labels {
    name: &'static str,
    signature: Signature,
}

fn is_list(data_type: &DataType) -> bool {
    matches!(data_type, DataType::List(_))
}

fn texts() -> DataType {
    DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true)))
}

impl ScalarUDFImpl for Labels {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(match self.name {
            PLACE => DataType::Int32,
            IN if types.first().is_some_and(is_list) => texts(),
            "enum_range" => texts(),
            _ => DataType::Utf8,
        })
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let types: Vec<DataType> = args.arg_fields.iter().map(|f| f.data_type().clone()).collect();
        let data_type = self.return_type(&types)?;
        let array = if is_list(&data_type) { "_" } else { "" };
        let field = Field::new(self.name, data_type, true);
        let (IN | AT, Some(Some(ScalarValue::Utf8(Some(of))))) = (self.name, args.scalar_arguments.get(1))
        else {
            return Ok(Arc::new(field));
        };
        let metadata = [(PG_TYPE_KEY.to_owned(), format!("{array}{of}"))];
        Ok(Arc::new(field.with_metadata(metadata.into())))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [value, ColumnarValue::Scalar(ScalarValue::Utf8(Some(of)))] = args.args.as_slice() else {
            return exec_err!("{} wants a value of an enum", self.name);
        };
        let Some(of) = Enumeration::named(of) else {
            return exec_err!("{} of a type that is no enum", self.name);
        };
        let one = matches!(value, ColumnarValue::Scalar(_));
        let values = value.to_array(if one { 1 } else { args.number_rows })?;
        let found = match self.name {
            IN if is_list(values.data_type()) => {
                let values = cast(&values, &texts())?;
                let lists = values.as_list::<i32>();
                of.check(lists.values().as_string::<i32>())?;
                let field = Arc::new(Field::new_list_field(DataType::Utf8, true));
                Arc::new(ListArray::try_new(
                    field,
                    lists.offsets().clone(),
                    Arc::clone(lists.values()),
                    lists.nulls().cloned(),
                )?) as ArrayRef
            }
            IN => {
                let values = cast(&values, &DataType::Utf8)?;
                of.check(values.as_string::<i32>())?;
                values
            }
            PLACE => {
                let values = cast(&values, &DataType::Utf8)?;
                let places = of.places();
                // A label that the type no longer has sorts last; files of others may hold one.
                let place = |label| places.get(label).copied().unwrap_or(i32::MAX);
                let found = values.as_string::<i32>().iter().map(|label| label.map(place));
                Arc::new(found.collect::<Int32Array>())
            }
            AT => {
                let values = cast(&values, &DataType::Int32)?;
                let label = |at: i32| usize::try_from(at).ok().and_then(|at| of.labels.get(at));
                let places = values.as_primitive::<Int32Type>();
                let found = places.iter().map(|at| at.and_then(label).map(String::as_str));
                Arc::new(found.collect::<StringArray>())
            }
            _ => cast(&values, &DataType::Utf8)?,
        };
        match one {
            true => ScalarValue::try_from_array(&found, 0).map(ColumnarValue::Scalar),
            false => Ok(ColumnarValue::Array(found)),
        }
    }
}
