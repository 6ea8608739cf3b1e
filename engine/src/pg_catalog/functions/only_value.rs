//! A scalar subquery's value: the aggregate `up_to_two` gathers its rows, `only_value` takes the one out (`rewrite/subqueries.rs`).
//!
//! Two steps, because a correlated subquery becomes a join with the aggregate of *every* key: that some key nobody asks for
//! has two rows is no error. `only_value` sees the keys that are asked for.

use arrow::array::{Array, ArrayRef, AsArray, new_null_array};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::utils::SingleRowListArrayBuilder;
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs,
    ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use std::sync::Arc;

use crate::pg_catalog::error::CatalogError;
use crate::pg_catalog::types::PG_TYPE_KEY;

/// Name of the function.
pub(crate) const ONLY_VALUE: &str = "only_value";
/// Name of the aggregate.
pub(crate) const UP_TO_TWO: &str = "up_to_two";

/// The function: the element of a list of one, NULL of none, an error of more, as SQL wants of a scalar subquery.
pub(crate) fn only_value() -> ScalarUDF {
    ScalarUDF::from(OnlyValue {
        signature: Signature::any(1, Volatility::Immutable),
    })
}

/// The aggregate: the first two values as a list.
pub(crate) fn up_to_two() -> AggregateUDF {
    AggregateUDF::from(UpToTwo {
        signature: Signature::any(1, Volatility::Immutable),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct OnlyValue {
    signature: Signature,
}

impl ScalarUDFImpl for OnlyValue {
    fn name(&self) -> &str {
        ONLY_VALUE
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        match arguments {
            [DataType::List(element)] => Ok(element.data_type().clone()),
            other => exec_err!("only_value takes a list, not {other:?}"),
        }
    }

    /// PostgreSQL's type, where no Arrow type tells it, stays with the value.
    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let types: Vec<DataType> = args.arg_fields.iter().map(|f| f.data_type().clone()).collect();
        Ok(alike(ONLY_VALUE, self.return_type(&types)?, args.arg_fields))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let Some(argument) = args.args.first() else {
            return exec_err!("only_value takes a list");
        };
        let array = argument.to_array(args.number_rows)?;
        let Some(lists) = array.as_list_opt::<i32>() else {
            return exec_err!("only_value takes a list");
        };
        let mut parts: Vec<ArrayRef> = Vec::with_capacity(lists.len());
        for row in 0..lists.len() {
            let values = if lists.is_null(row) {
                None
            } else {
                Some(lists.value(row))
            };
            match values.filter(|v| !v.is_empty()) {
                None => parts.push(new_null_array(&lists.value_type(), 1)),
                Some(one) if one.len() == 1 => parts.push(one),
                Some(_) => return Err(CatalogError::SeveralRows.into()),
            }
        }
        if parts.is_empty() {
            return Ok(ColumnarValue::Array(arrow::array::new_empty_array(
                &lists.value_type(),
            )));
        }
        let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
        Ok(ColumnarValue::Array(arrow::compute::concat(&parts)?))
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct UpToTwo {
    signature: Signature,
}

fn alike(name: &str, data_type: DataType, arguments: &[FieldRef]) -> FieldRef {
    let field = Field::new(name, data_type, true);
    let named = arguments
        .first()
        .and_then(|argument| argument.metadata().get_key_value(PG_TYPE_KEY));
    Arc::new(match named {
        Some((key, name)) => field.with_metadata([(key.clone(), name.clone())].into()),
        None => field,
    })
}

fn list_of(element: &DataType) -> DataType {
    DataType::List(Arc::new(Field::new_list_field(element.clone(), true)))
}

impl AggregateUDFImpl for UpToTwo {
    fn name(&self) -> &str {
        UP_TO_TWO
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        match arguments {
            [one] => Ok(list_of(one)),
            _ => exec_err!("subquery must return only one column"),
        }
    }

    fn return_field(&self, arguments: &[FieldRef]) -> Result<FieldRef> {
        let types: Vec<DataType> = arguments.iter().map(|f| f.data_type().clone()).collect();
        Ok(alike(UP_TO_TWO, self.return_type(&types)?, arguments))
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        match args.return_field.data_type() {
            DataType::List(element) => Ok(Box::new(Gathered {
                element: element.data_type().clone(),
                values: Vec::new(),
            })),
            other => exec_err!("up_to_two gives a list, not {other}"),
        }
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        Ok(vec![Arc::new(Field::new(
            "values",
            args.return_field.data_type().clone(),
            true,
        ))])
    }
}

#[derive(Debug)]
struct Gathered {
    element: DataType,
    values: Vec<ScalarValue>,
}

impl Gathered {
    fn take(&mut self, column: &ArrayRef) -> Result<()> {
        for row in 0..column.len() {
            if self.values.len() == 2 {
                return Ok(());
            }
            let mut value = ScalarValue::try_from_array(column, row)?;
            value.compact();
            self.values.push(value);
        }
        Ok(())
    }
}

impl Accumulator for Gathered {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        values.iter().try_for_each(|column| self.take(column))
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let array = if self.values.is_empty() {
            arrow::array::new_empty_array(&self.element)
        } else {
            ScalarValue::iter_to_array(self.values.iter().cloned())?
        };
        Ok(SingleRowListArrayBuilder::new(array).build_list_scalar())
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.values.iter().map(ScalarValue::size).sum::<usize>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.evaluate()?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let Some(lists) = states.first().and_then(|s| s.as_list_opt::<i32>()) else {
            return exec_err!("up_to_two merges lists");
        };
        for row in 0..lists.len() {
            if lists.is_valid(row) {
                self.take(&lists.value(row))?;
            }
        }
        Ok(())
    }
}
