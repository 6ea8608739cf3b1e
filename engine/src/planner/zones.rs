//! Times of day meet moments in the session's time zone, on columns as on literals.
//!
//! A `timestamptz` column is kept in UTC, and DataFusion would cast between it and `timestamp`, `date`, `time` and text, and take it apart
//! (`extract`, `date_trunc` …), in the zone of the column's type. Its optimizer besides takes a cast between the two for one that changes
//! nothing, and moves it to the other side of a comparison. Both casts are therefore a function here, which names the zone.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, TimestampMicrosecondArray};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use arrow::util::display::FormatOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result, exec_datafusion_err, exec_err};
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::expr::{Cast, ScalarFunction};
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, ExprSchemable, LogicalPlan, Operator, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility,
};
use datafusion::optimizer::AnalyzerRule;
use radlake_udfs::datetime::read::{Order, Zone};

use super::{expressions, readings, texts};

/// Name of the function. What a client could call so would not be it.
const IN_ZONE: &str = "in_zone";

/// The rule, which is to run when types have been made to agree.
#[derive(Debug)]
pub(super) struct Zones;

impl AnalyzerRule for Zones {
    fn analyze(&self, plan: LogicalPlan, config: &ConfigOptions) -> Result<LogicalPlan> {
        let zone: Arc<str> = config.execution.time_zone.as_deref().unwrap_or("UTC").into();
        let order = readings::order(config);
        expressions::rewrite(plan, |expr, schema| rewrite(expr, schema, &zone, order))
    }

    fn name(&self) -> &str {
        "zones"
    }
}

fn rewrite(expr: Expr, schema: &DFSchema, zone: &Arc<str>, order: Order) -> Result<Transformed<Expr>> {
    match expr {
        Expr::Cast(Cast { expr: inner, field }) => {
            let Ok(from) = inner.get_type(schema) else {
                return Ok(Transformed::no(Expr::Cast(Cast { expr: inner, field })));
            };
            match (&from, field.data_type()) {
                (from, to) if to.is_string() && texts::is_ours(from) => {
                    Ok(Transformed::yes(texts::text_out(*inner, zone)))
                }
                (from, to) if readings::is_reading(from, to) => Ok(Transformed::yes(readings::reading(
                    *inner,
                    field.data_type(),
                    zone,
                    order,
                ))),
                (
                    DataType::Timestamp(_, None) | DataType::Date32 | DataType::Date64,
                    DataType::Timestamp(_, Some(_)),
                ) if !is_utc(zone) => Ok(Transformed::yes(in_zone(*inner, zone, field.data_type(), true))),
                (DataType::Timestamp(_, Some(_)), to) if is_local(to) && !is_utc(zone) => {
                    Ok(Transformed::yes(in_zone(*inner, zone, field.data_type(), false)))
                }
                _ => Ok(Transformed::no(Expr::Cast(Cast { expr: inner, field }))),
            }
        }
        Expr::ScalarFunction(mut call)
            if ![IN_ZONE, texts::TEXT_OUT, readings::DATETIME_IN].contains(&call.func.name()) =>
        {
            let before = Expr::ScalarFunction(call.clone()).get_type(schema);
            let mut changed = false;
            for argument in &mut call.args {
                changed |= to_zone(argument, schema, zone)?;
            }
            if !changed {
                return Ok(Transformed::no(Expr::ScalarFunction(call)));
            }
            let after = Expr::ScalarFunction(call);
            Ok(Transformed::yes(match before {
                Ok(before) => after.cast_to(&before, schema)?,
                Err(_) => after,
            }))
        }
        // A day is added in the zone: it has 23 hours at times.
        Expr::BinaryExpr(BinaryExpr {
            mut left,
            op,
            mut right,
        }) if matches!(op, Operator::Plus | Operator::Minus) => {
            let is_interval = |expr: &Expr| matches!(expr.get_type(schema), Ok(DataType::Interval(_)));
            let before = Expr::BinaryExpr(BinaryExpr::new(left.clone(), op, right.clone())).get_type(schema);
            let mut met = false;
            let changed = match (is_interval(&left), is_interval(&right)) {
                (false, true) => to_zone(&mut left, schema, zone)?,
                (true, false) => to_zone(&mut right, schema, zone)?,
                _ => {
                    met = meet(&mut left, &mut right, schema, zone);
                    false
                }
            };
            let sum = Expr::BinaryExpr(BinaryExpr { left, op, right });
            match (changed, before) {
                (true, Ok(before)) => Ok(Transformed::yes(sum.cast_to(&before, schema)?)),
                _ => Ok(Transformed::new_transformed(sum, changed || met)),
            }
        }
        other => Ok(Transformed::no(other)),
    }
}

/// A time of day and a moment are subtracted as moments; true if they are those.
fn meet(left: &mut Expr, right: &mut Expr, schema: &DFSchema, zone: &Arc<str>) -> bool {
    let local = |expr: &Expr| {
        matches!(
            expr.get_type(schema),
            Ok(DataType::Timestamp(_, None) | DataType::Date32)
        )
    };
    let moment = |expr: &Expr| matches!(expr.get_type(schema), Ok(DataType::Timestamp(_, Some(_))));
    let (local, with) = match (local(left), moment(left), local(right), moment(right)) {
        (true, _, _, true) => (left, right),
        (_, true, true, _) => (right, left),
        _ => return false,
    };
    if let (Ok(to), false) = (with.get_type(schema), is_utc(zone)) {
        *local = in_zone(std::mem::take(local), zone, &to, true);
        return true;
    }
    false
}

/// Brings a moment of another zone to this one; true if it was one.
fn to_zone(expr: &mut Expr, schema: &DFSchema, zone: &Arc<str>) -> Result<bool> {
    match expr.get_type(schema) {
        Ok(DataType::Timestamp(_, Some(other))) if &other != zone => {
            let moved = std::mem::take(expr);
            *expr = moved.cast_to(&moment(zone), schema)?;
            Ok(true)
        }
        _ => Ok(false),
    }
}

fn moment(zone: &Arc<str>) -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::clone(zone)))
}

fn is_utc(zone: &str) -> bool {
    matches!(zone, "UTC" | "Etc/UTC" | "+00:00" | "GMT" | "Z")
}

fn is_local(to: &DataType) -> bool {
    matches!(
        to,
        DataType::Timestamp(_, None)
            | DataType::Date32
            | DataType::Date64
            | DataType::Time64(_)
            | DataType::Time32(_)
    )
}

fn in_zone(expr: Expr, zone: &Arc<str>, to: &DataType, into: bool) -> Expr {
    let function = ScalarUDF::from(InZone {
        zone: Arc::clone(zone),
        to: to.clone(),
        into,
        signature: Signature::any(1, Volatility::Immutable),
    });
    Expr::ScalarFunction(ScalarFunction::new_udf(Arc::new(function), vec![expr]))
}

/// A cast between what clocks show in a zone and the moment it is.
#[derive(Debug, PartialEq, Eq, Hash)]
struct InZone {
    zone: Arc<str>,
    to: DataType,
    /// To the moment; from it otherwise.
    into: bool,
    signature: Signature,
}

impl ScalarUDFImpl for InZone {
    fn name(&self) -> &str {
        IN_ZONE
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.to.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        radlake_udfs::by_row(&args, |values| match (values, self.into) {
            ([values], true) => self.moments(values),
            ([values], false) => self.shown(values),
            _ => exec_err!("in_zone takes one argument"),
        })
    }
}

impl InZone {
    fn moments(&self, values: &ArrayRef) -> Result<ArrayRef> {
        let zone = Zone::parse(&self.zone)?;
        let local = cast(values, &DataType::Timestamp(TimeUnit::Microsecond, None))?;
        let local = local.as_primitive::<TimestampMicrosecondType>();
        let moments: TimestampMicrosecondArray =
            local.try_unary(|at| moved(at, -zone.offset_of_local(at)?))?;
        let moments: ArrayRef = Arc::new(moments.with_timezone("UTC"));
        cast(&moments, &self.to)
    }
}

impl InZone {
    /// What clocks of the zone show at moments.
    fn shown(&self, moments: &ArrayRef) -> Result<ArrayRef> {
        let zone = Zone::parse(&self.zone)?;
        let moments = cast(
            moments,
            &DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        )?;
        let moments = moments.as_primitive::<TimestampMicrosecondType>();
        let shown: TimestampMicrosecondArray = moments.try_unary(|at| moved(at, zone.offset(at)?))?;
        let shown: ArrayRef = Arc::new(shown.with_timezone_opt(None::<Arc<str>>));
        cast(&shown, &self.to)
    }
}

fn moved(at: i64, seconds: i64) -> Result<i64> {
    at.checked_add(seconds * 1_000_000)
        .ok_or_else(|| exec_datafusion_err!("timestamp out of range"))
}

/// Refuses what does not fit, where Arrow's own default makes it NULL.
fn cast(values: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    let options = CastOptions {
        safe: false,
        format_options: FormatOptions::default(),
    };
    Ok(cast_with_options(values, to, &options)?)
}
