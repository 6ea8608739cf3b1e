//! Functions whose answers are PostgreSQL's, where DataFusion's of the same name are others; and the rule that puts them into a plan.

mod ages;
mod arrays;
mod bytes;
mod extract;
pub(super) mod floats;
pub(super) mod intervals;
pub(super) mod lists;
mod make_date;
mod maths;
mod percentiles;
mod regexes;
mod scale;
pub(super) mod sizes;
mod strings;
mod times_of_texts;
mod timezone;

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, StringArray};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TransformedResult};
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, ExprSchemable, LogicalPlan, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility,
};
use datafusion::optimizer::AnalyzerRule;

pub(super) use floats::arithmetic;

use super::expressions;
use crate::Error;

/// Functions that statements call by name after they were rewritten.
pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    [
        ages::AGE,
        ages::ISFINITE,
        ages::MAKE_TIME,
        ages::MAKE_TIMESTAMP,
        extract::EXTRACT,
        extract::DATE_PART,
        intervals::JUSTIFY_DAYS,
        intervals::JUSTIFY_HOURS,
        intervals::JUSTIFY_INTERVAL,
        lists::DIMS,
        lists::FILL,
        lists::SLICE,
        lists::TRIM,
        make_date::MAKE_DATE,
        maths::BIT_NOT,
        maths::CEIL,
        maths::FACTORIAL,
        maths::FLOOR,
        maths::NUMBER_OF,
        maths::MIN_SCALE,
        maths::QUOTIENT,
        maths::SCALE,
        sizes::COLUMN_SIZE,
        sizes::TRIMMED,
        sizes::TRIM_SCALE,
        maths::SIGN,
        maths::WIDTH_BUCKET,
        percentiles::CONT,
        percentiles::DISC,
        percentiles::MODE,
        regexes::COUNT,
        regexes::INSTR,
        regexes::MATCH,
        regexes::MATCHES,
        regexes::SPLIT,
        regexes::SPLIT_TO_TABLE,
        regexes::SUBSTR,
        scale::SCALE,
        strings::AS_OUTPUT,
        bytes::CONVERT_FROM,
        bytes::CONVERT_TO,
        bytes::ESCAPED,
        bytes::UNESCAPED,
        strings::FORMAT,
        bytes::GET_BIT,
        bytes::GET_BYTE,
        strings::NUM_NONNULLS,
        strings::NUM_NULLS,
        strings::PARSE_IDENT,
        bytes::SET_BIT,
        bytes::SET_BYTE,
        strings::STRING_TO_TABLE,
        strings::UNISTR,
        times_of_texts::TIMESTAMP_OF,
        times_of_texts::TO_DATE,
        timezone::TIMEZONE,
        timezone::ZONE_OF_ISO,
    ]
    .into_iter()
    .map(|function| Arc::new(function.udf()))
    .collect()
}

/// How a value is put out, where a cast to text says it otherwise.
pub(super) fn as_output(value: Expr) -> Expr {
    strings::AS_OUTPUT.call(vec![value])
}

/// A function in a few words: what it takes, gives and does. Two of one name are the same.
#[derive(Debug, Clone, Copy)]
pub(super) struct Named {
    name: &'static str,
    /// The type of the result by those of the arguments, and the first argument where it is a constant text.
    returns: fn(&[DataType], Option<&str>) -> Result<DataType>,
    /// The result, of as many rows as the arguments have, and of the type that was promised.
    run: fn(&[ArrayRef], &DataType) -> Result<ArrayRef>,
}

impl Named {
    fn udf(self) -> ScalarUDF {
        ScalarUDF::from(Function {
            named: self,
            signature: Signature::variadic_any(Volatility::Immutable),
        })
    }

    pub(super) fn call(self, arguments: Vec<Expr>) -> Expr {
        Expr::ScalarFunction(ScalarFunction::new_udf(Arc::new(self.udf()), arguments))
    }
}

#[derive(Debug)]
struct Function {
    named: Named,
    signature: Signature,
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.named.name == other.named.name
    }
}

impl Eq for Function {}

impl Hash for Function {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.named.name.hash(state);
    }
}

impl ScalarUDFImpl for Function {
    fn name(&self) -> &str {
        self.named.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        (self.named.returns)(types, None)
    }

    fn return_field_from_args(
        &self,
        args: datafusion::logical_expr::ReturnFieldArgs<'_>,
    ) -> Result<arrow::datatypes::FieldRef> {
        let types: Vec<DataType> = args
            .arg_fields
            .iter()
            .map(|field| field.data_type().clone())
            .collect();
        let first = match args.scalar_arguments.first() {
            Some(Some(ScalarValue::Utf8(Some(text)))) => Some(text.as_str()),
            _ => None,
        };
        let data_type = (self.named.returns)(&types, first)?;
        Ok(Arc::new(arrow::datatypes::Field::new(
            self.named.name,
            data_type,
            true,
        )))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        radlake_udfs::by_row(&args, |values| {
            (self.named.run)(values, args.return_field.data_type())
        })
    }
}

/// What is said where there is no function for such arguments.
fn unknown<T>(name: &str, types: &[DataType]) -> Result<T> {
    let types: Vec<String> = types.iter().map(type_name).collect();
    Err(Error::UndefinedFunction {
        name: format!("{name}({})", types.join(", ")),
        hint: Some(
            "No function matches the given name and argument types. You might need to add explicit type casts."
                .to_owned(),
        ),
        position: None,
    }
    .into())
}

fn type_name(of: &DataType) -> String {
    let name = match of {
        DataType::Null => "unknown",
        DataType::Boolean => "boolean",
        DataType::Int8 | DataType::Int16 => "smallint",
        DataType::Int32 => "integer",
        DataType::Int64 => "bigint",
        DataType::Float32 => "real",
        DataType::Float64 => "double precision",
        DataType::Decimal128(..) | DataType::Decimal256(..) => "numeric",
        DataType::Date32 => "date",
        DataType::Time64(_) => "time without time zone",
        DataType::Timestamp(_, None) => "timestamp without time zone",
        DataType::Timestamp(_, Some(_)) => "timestamp with time zone",
        DataType::Interval(_) => "interval",
        DataType::Binary => "bytea",
        DataType::List(item) => return format!("{}[]", type_name(item.data_type())),
        other if other.is_string() => "text",
        other => return other.to_string().to_lowercase(),
    };
    name.to_owned()
}

/// Values as texts.
fn texts(values: &ArrayRef) -> Result<StringArray> {
    Ok(exact(values, &DataType::Utf8)?.as_string::<i32>().clone())
}

/// Whole numbers of 64 bits.
fn longs(values: &ArrayRef) -> Result<ArrayRef> {
    exact(values, &DataType::Int64)
}

/// Numbers in double precision.
fn doubles(values: &ArrayRef) -> Result<ArrayRef> {
    exact(values, &DataType::Float64)
}

/// A cast that fails where a value does not fit.
fn exact(values: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    let options = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    Ok(cast_with_options(values, to, &options)?)
}

/// The rule, which is to run when types have been made to agree.
#[derive(Debug)]
pub(super) struct Functions;

impl AnalyzerRule for Functions {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        expressions::rewrite(plan, rewrite)?
            .transform_up_with_subqueries(by_length)
            .data()
    }

    fn name(&self) -> &str {
        "postgres_functions"
    }
}

fn rewrite(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    match expr {
        Expr::ScalarFunction(call) => {
            let first = call
                .args
                .first()
                .map(|argument| argument.get_type(schema))
                .transpose()?;
            let is_float = matches!(first, Some(DataType::Float32 | DataType::Float64));
            match (call.func.name(), call.args.as_slice()) {
                ("round", [_]) if is_float => Ok(Transformed::yes(floats::ROUND.call(call.args))),
                ("ln" | "log10" | "log2" | "sqrt" | "asin" | "acos", [value]) => {
                    // An integer or a numeric is made a float by the function itself.
                    let value = value.clone().cast_to(&DataType::Float64, schema)?;
                    let value = floats::checked(call.func.name(), value);
                    let checked = ScalarFunction::new_udf(call.func, vec![value]);
                    Ok(Transformed::yes(Expr::ScalarFunction(checked)))
                }
                ("array_has", [list, element]) => match arrays::is_any(list, element, schema)? {
                    Some(found) => Ok(Transformed::yes(found)),
                    None => Ok(Transformed::no(Expr::ScalarFunction(call))),
                },
                ("array_to_string", [list, ..]) if arrays::is_put_out(list, schema) => {
                    let mut arguments = call.args;
                    if let Some(list) = arguments.first_mut() {
                        *list = arrays::PUT_OUT.call(vec![std::mem::take(list)]);
                    }
                    let joined = ScalarFunction::new_udf(call.func, arguments);
                    Ok(Transformed::yes(Expr::ScalarFunction(joined)))
                }
                ("array_length", _) => {
                    let length = Expr::ScalarFunction(call);
                    Ok(Transformed::yes(arrays::LENGTH.call(vec![length])))
                }
                ("array_remove", [list, element]) if arrays::is_plain(list, element, schema)? => {
                    Ok(Transformed::yes(arrays::REMOVE.call(call.args)))
                }
                ("array_remove", [list, element]) => {
                    use datafusion::functions_nested::expr_fn::array_remove_all;
                    Ok(Transformed::yes(array_remove_all(list.clone(), element.clone())))
                }
                ("array_replace", [list, from, to]) => {
                    use datafusion::functions_nested::expr_fn::array_replace_all;
                    Ok(Transformed::yes(array_replace_all(
                        list.clone(),
                        from.clone(),
                        to.clone(),
                    )))
                }
                ("array_element", [_, index]) if matches!(index.get_type(schema), Ok(t) if t.is_integer()) => {
                    // A negative index counts from the end elsewhere.
                    let index = arrays::INDEX.call(vec![index.clone().cast_to(&DataType::Int64, schema)?]);
                    let arguments = call.args.into_iter().take(1).chain([index]).collect();
                    let element = ScalarFunction::new_udf(call.func, arguments);
                    Ok(Transformed::yes(Expr::ScalarFunction(element)))
                }
                _ => Ok(Transformed::no(Expr::ScalarFunction(call))),
            }
        }
        Expr::Negative(value) if value.get_type(schema).is_ok_and(|of| of.is_floating()) => {
            Ok(Transformed::yes(floats::NEGATE.call(vec![*value])))
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if expressions::is_comparison(op) => {
            let is_interval = |expr: &Expr| matches!(expr.get_type(schema), Ok(DataType::Interval(_)));
            if is_interval(&left) && is_interval(&right) {
                let span = |expr: Expr| Box::new(intervals::SPAN.call(vec![expr]));
                let compared = BinaryExpr::new(span(*left), op, span(*right));
                return Ok(Transformed::yes(Expr::BinaryExpr(compared)));
            }
            Ok(Transformed::no(Expr::BinaryExpr(BinaryExpr { left, op, right })))
        }
        other => Ok(Transformed::no(other)),
    }
}

/// Intervals are sorted by their length too.
fn by_length(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let is_interval =
        |expr: &Expr, schema: &DFSchema| matches!(expr.get_type(schema), Ok(DataType::Interval(_)));
    match plan {
        LogicalPlan::Sort(mut sort) => {
            let schema = Arc::clone(sort.input.schema());
            let mut done = false;
            for key in &mut sort.expr {
                if is_interval(&key.expr, &schema) {
                    key.expr = intervals::SPAN.call(vec![std::mem::take(&mut key.expr)]);
                    done = true;
                }
            }
            Ok(Transformed::new_transformed(LogicalPlan::Sort(sort), done))
        }
        other => Ok(Transformed::no(other)),
    }
}
