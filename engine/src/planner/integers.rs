//! Integer arithmetic as PostgreSQL has it: literals that fit are `int4`, and what does not fit a type is an error.
//!
//! DataFusion reads every literal as `int8` and lets sums wrap.

use std::sync::Arc;

use arrow::array::{ArrayRef, Datum};
use arrow::compute::kernels::numeric::{add, mul, sub};
use arrow::datatypes::{DataType, TimeUnit};
use arrow::error::ArrowError;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{Cast, Placeholder, ScalarFunction};
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, ExprSchemable, Operator, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, TypeSignature, Volatility,
};
use datafusion::sql::sqlparser::ast::BinaryOperator;

use super::postgres::arithmetic;

/// Plans `+`, `-` and `*` of integers as checked functions, and gives literals beside `int2` and `int4` their type.
#[derive(Debug)]
pub(super) struct Integers {
    add: Arc<ScalarUDF>,
    sub: Arc<ScalarUDF>,
    mul: Arc<ScalarUDF>,
}

impl Integers {
    pub(super) fn new() -> Self {
        let of = |name, kernel| Arc::new(ScalarUDF::from(Checked::new(name, kernel)));
        Self {
            add: of("int_add", Kernel::Add),
            sub: of("int_sub", Kernel::Sub),
            mul: of("int_mul", Kernel::Mul),
        }
    }
}

impl ExprPlanner for Integers {
    fn plan_binary_op(&self, expr: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        let expr = dated(floating(expr, schema), schema);
        let function = match expr.op {
            BinaryOperator::Plus => Some(&self.add),
            BinaryOperator::Minus => Some(&self.sub),
            BinaryOperator::Multiply => Some(&self.mul),
            BinaryOperator::Divide | BinaryOperator::Modulo => None,
            _ => return Ok(PlannerResult::Original(expr)),
        };
        let expr = match quotient(expr, schema)? {
            PlannerResult::Original(expr) => expr,
            planned => return Ok(planned),
        };
        if let Some(checked) = float_operation(&expr, schema) {
            return Ok(PlannerResult::Planned(checked));
        }
        let RawBinaryExpr { op, left, right } = of_one_width(expr, schema);
        let integers = is_integer(&left, schema) && is_integer(&right, schema);
        match function.filter(|_| integers) {
            Some(function) => {
                let call = ScalarFunction::new_udf(Arc::clone(function), vec![left, right]);
                Ok(PlannerResult::Planned(Expr::ScalarFunction(call)))
            }
            None => Ok(PlannerResult::Original(RawBinaryExpr { op, left, right })),
        }
    }
}

/// Literals that fit become `int4` where both operands are no wider.
pub(super) fn of_one_width(expr: RawBinaryExpr, schema: &DFSchema) -> RawBinaryExpr {
    let RawBinaryExpr { op, left, right } = expr;
    let (left, right) = match (is_narrow(&left, schema), is_narrow(&right, schema)) {
        (true, true) => (narrowed(left), narrowed(right)),
        _ => (left, right),
    };
    RawBinaryExpr { op, left, right }
}

/// Beside floating point a numeric is floating point too, as in PostgreSQL: otherwise `column > 1.5` would cast the column, row by
/// row, and prune nothing.
fn floating(expr: RawBinaryExpr, schema: &DFSchema) -> RawBinaryExpr {
    let RawBinaryExpr { op, left, right } = expr;
    let is_float = |expr: &Expr| matches!(expr.get_type(schema), Ok(DataType::Float32 | DataType::Float64));
    let (left, right) = match (is_decimal(&left), is_decimal(&right)) {
        (true, false) if is_float(&right) => (as_float(left), right),
        (false, true) if is_float(&left) => (left, as_float(right)),
        _ => (left, right),
    };
    RawBinaryExpr { op, left, right }
}

/// Digits behind the point of a quotient of numerics. PostgreSQL gives 16 significant ones at least, which depends on the values; a column
/// has one scale here.
const QUOTIENT_DIGITS: i8 = 16;

/// A quotient of numerics has digits enough.
fn quotient(expr: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
    let scale = |expr: &Expr| match expr.get_type(schema) {
        Ok(DataType::Decimal128(_, scale) | DataType::Decimal256(_, scale)) => Some(scale),
        Ok(DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64) => Some(-1),
        _ => None,
    };
    let (Some(left), Some(right)) = (scale(&expr.left), scale(&expr.right)) else {
        return Ok(PlannerResult::Original(expr));
    };
    if expr.op != BinaryOperator::Divide || left.max(right) < 0 {
        return Ok(PlannerResult::Original(expr));
    }
    let digits = QUOTIENT_DIGITS.max(left).max(right);
    // One digit more than is kept, for the division cuts off and the cast rounds. The kernel itself adds four.
    let dividend = DataType::Decimal256(76 - 20, (digits - 3).max(left));
    let divided = Expr::BinaryExpr(BinaryExpr::new(
        Box::new(expr.left.cast_to(&dividend, schema)?),
        Operator::Divide,
        Box::new(expr.right),
    ));
    let quotient = DataType::Decimal128(38, digits);
    Ok(PlannerResult::Planned(Expr::Cast(Cast::new(
        Box::new(divided),
        quotient,
    ))))
}

/// An operation on numbers of which one is a float.
fn float_operation(expr: &RawBinaryExpr, schema: &DFSchema) -> Option<Expr> {
    let op = match expr.op {
        BinaryOperator::Plus => Operator::Plus,
        BinaryOperator::Minus => Operator::Minus,
        BinaryOperator::Multiply => Operator::Multiply,
        BinaryOperator::Divide => Operator::Divide,
        _ => return None,
    };
    let (left, right) = (
        expr.left.get_type(schema).ok()?,
        expr.right.get_type(schema).ok()?,
    );
    let is_float = |t: &DataType| matches!(t, DataType::Float32 | DataType::Float64);
    let numbers = left.is_numeric() && right.is_numeric() && (is_float(&left) || is_float(&right));
    match numbers {
        true => arithmetic(op, expr.left.clone(), expr.right.clone()),
        false => None,
    }
}

/// A date and an interval make a timestamp.
fn dated(expr: RawBinaryExpr, schema: &DFSchema) -> RawBinaryExpr {
    let RawBinaryExpr { op, left, right } = expr;
    let is = |expr: &Expr, wanted: fn(&DataType) -> bool| expr.get_type(schema).is_ok_and(|t| wanted(&t));
    let is_date = |expr: &Expr| is(expr, |t| matches!(t, DataType::Date32));
    let is_interval = |expr: &Expr| is(expr, |t| matches!(t, DataType::Interval(_)));
    let timestamp = |expr: Expr| {
        let to = DataType::Timestamp(TimeUnit::Microsecond, None);
        Expr::Cast(Cast::new(Box::new(expr), to))
    };
    let (left, right) = match op {
        BinaryOperator::Plus | BinaryOperator::Minus if is_date(&left) && is_interval(&right) => {
            (timestamp(left), right)
        }
        BinaryOperator::Plus if is_interval(&left) && is_date(&right) => (left, timestamp(right)),
        _ => (left, right),
    };
    RawBinaryExpr { op, left, right }
}

fn is_decimal(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(value, _) => matches!(
            value.data_type(),
            DataType::Decimal128(..) | DataType::Decimal256(..)
        ),
        Expr::Negative(inner) => is_decimal(inner),
        _ => false,
    }
}

fn as_float(expr: Expr) -> Expr {
    match expr {
        Expr::Literal(value, metadata) => {
            // By its text: a detour over powers of ten would not always give the nearest value.
            let float = value
                .cast_to(&DataType::Utf8)
                .and_then(|text| text.cast_to(&DataType::Float64));
            Expr::Literal(float.unwrap_or(value), metadata)
        }
        Expr::Negative(inner) => Expr::Negative(Box::new(as_float(*inner))),
        other => other,
    }
}

/// True for `int2`, `int4`, a literal that fits, and a parameter of which nothing is known.
fn is_narrow(expr: &Expr, schema: &DFSchema) -> bool {
    match expr {
        Expr::Literal(ScalarValue::Int64(Some(value)), _) => i32::try_from(*value).is_ok(),
        Expr::Placeholder(Placeholder { field: None, .. }) => true,
        other => matches!(
            other.get_type(schema),
            Ok(DataType::Int8 | DataType::Int16 | DataType::Int32)
        ),
    }
}

fn narrowed(expr: Expr) -> Expr {
    match &expr {
        Expr::Literal(ScalarValue::Int64(Some(value)), metadata) => match i32::try_from(*value) {
            Ok(value) => Expr::Literal(ScalarValue::Int32(Some(value)), metadata.clone()),
            Err(_) => expr,
        },
        _ => expr,
    }
}

fn is_integer(expr: &Expr, schema: &DFSchema) -> bool {
    matches!(
        expr.get_type(schema),
        Ok(DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64)
    ) && !matches!(expr, Expr::Placeholder(Placeholder { field: None, .. }))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kernel {
    Add,
    Sub,
    Mul,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Checked {
    name: &'static str,
    kernel: Kernel,
    signature: Signature,
}

impl Checked {
    fn new(name: &'static str, kernel: Kernel) -> Self {
        Self {
            name,
            kernel,
            signature: Signature::new(TypeSignature::Any(2), Volatility::Immutable),
        }
    }
}

/// The wider type of the two.
fn wider(types: &[DataType]) -> DataType {
    let width = |data_type: &DataType| match data_type {
        DataType::Int8 | DataType::Int16 => 2,
        DataType::Int32 => 4,
        _ => 8,
    };
    match types.iter().map(width).max() {
        Some(2) => DataType::Int16,
        Some(4) => DataType::Int32,
        _ => DataType::Int64,
    }
}

impl ScalarUDFImpl for Checked {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(wider(types))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let target = args.return_field.data_type();
        let operands = args
            .args
            .iter()
            .map(|value| value.cast_to(target, None))
            .collect::<Result<Vec<_>>>()?;
        let [left, right] = operands.as_slice() else {
            return datafusion::common::internal_err!("{} takes two arguments", self.name);
        };
        let result = self.apply(left, right)?;
        match (left, right) {
            (ColumnarValue::Scalar(_), ColumnarValue::Scalar(_)) => {
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?))
            }
            _ => Ok(ColumnarValue::Array(result)),
        }
    }
}

impl Checked {
    fn apply(&self, left: &ColumnarValue, right: &ColumnarValue) -> Result<ArrayRef> {
        let compute = |left: &dyn Datum, right: &dyn Datum| -> std::result::Result<ArrayRef, ArrowError> {
            match self.kernel {
                Kernel::Add => add(left, right),
                Kernel::Sub => sub(left, right),
                Kernel::Mul => mul(left, right),
            }
        };
        let result = match (left, right) {
            (ColumnarValue::Array(left), ColumnarValue::Array(right)) => compute(left, right),
            (ColumnarValue::Scalar(left), ColumnarValue::Array(right)) => compute(&left.to_scalar()?, right),
            (ColumnarValue::Array(left), ColumnarValue::Scalar(right)) => compute(left, &right.to_scalar()?),
            (ColumnarValue::Scalar(left), ColumnarValue::Scalar(right)) => {
                compute(&left.to_scalar()?, &right.to_scalar()?)
            }
        };
        result.map_err(|error| match error {
            // Arrow's text quotes the values.
            ArrowError::ArithmeticOverflow(_) => {
                let data_type = left.data_type();
                crate::Error::NumericOverflow(type_name(&data_type).to_owned()).into()
            }
            other => other.into(),
        })
    }
}

fn type_name(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Int16 => "smallint",
        DataType::Int32 => "integer",
        _ => "bigint",
    }
}
