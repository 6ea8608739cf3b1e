//! Casts of fractions to integers round, as in PostgreSQL: `1.5::int4` is 2. DataFusion's cut off.

use std::sync::Arc;

use arrow::array::{AsArray, Float32Array, Float64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float32Type, Float64Type};
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result, exec_err};
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::expr::{Cast, ScalarFunction};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, LogicalPlan, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use datafusion::optimizer::AnalyzerRule;

use super::expressions;

/// Name of the function.
const ROUND_TO_INT: &str = "round_to_int";

/// Puts rounding under casts of fractions to integers.
#[derive(Debug)]
pub(super) struct Rounding {
    function: Arc<ScalarUDF>,
}

impl Rounding {
    pub(super) fn new() -> Self {
        Self {
            function: Arc::new(ScalarUDF::from(RoundToInt {
                signature: Signature::any(1, Volatility::Immutable),
            })),
        }
    }

    fn round(&self, expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
        let Expr::Cast(Cast { expr: inner, field }) = expr else {
            return Ok(Transformed::no(expr));
        };
        let rounded =
            matches!(inner.as_ref(), Expr::ScalarFunction(call) if call.func.name() == ROUND_TO_INT);
        let wanted = field.data_type().is_integer()
            && !rounded
            && inner.get_type(schema).is_ok_and(|from| is_fraction(&from));
        if !wanted {
            return Ok(Transformed::no(Expr::Cast(Cast { expr: inner, field })));
        }
        let call = ScalarFunction::new_udf(Arc::clone(&self.function), vec![*inner]);
        Ok(Transformed::yes(Expr::Cast(Cast {
            expr: Box::new(Expr::ScalarFunction(call)),
            field,
        })))
    }
}

fn is_fraction(data_type: &DataType) -> bool {
    match data_type {
        DataType::Float32 | DataType::Float64 => true,
        DataType::Decimal128(_, scale) | DataType::Decimal256(_, scale) => *scale > 0,
        _ => false,
    }
}

impl AnalyzerRule for Rounding {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        expressions::rewrite(plan, |expr, schema| self.round(expr, schema))
    }

    fn name(&self) -> &str {
        "round_to_int"
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct RoundToInt {
    signature: Signature,
}

impl ScalarUDFImpl for RoundToInt {
    fn name(&self) -> &str {
        ROUND_TO_INT
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        match arguments {
            // One digit before the point more at most, and at least one behind it fewer.
            [DataType::Decimal128(precision, scale)] if *scale > 0 => Ok(DataType::Decimal128(*precision, 0)),
            [DataType::Decimal256(precision, scale)] if *scale > 0 => Ok(DataType::Decimal256(*precision, 0)),
            [other] => Ok(other.clone()),
            _ => exec_err!("round_to_int takes one argument"),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        radlake_udfs::by_row(&args, |values| {
            let [values] = values else {
                return exec_err!("round_to_int takes one argument");
            };
            Ok(match values.data_type() {
                // Halves to the even neighbour, as the hardware does and PostgreSQL with it.
                DataType::Float64 => {
                    let rounded: Float64Array =
                        values.as_primitive::<Float64Type>().unary(f64::round_ties_even);
                    Arc::new(rounded)
                }
                DataType::Float32 => {
                    let rounded: Float32Array =
                        values.as_primitive::<Float32Type>().unary(f32::round_ties_even);
                    Arc::new(rounded)
                }
                // Halves away from zero, which is how decimals are brought to another scale.
                _ => cast(values, args.return_field.data_type())?,
            })
        })
    }
}
