//! `generate_series` of times, with steps that are intervals: DataFusion's takes nanoseconds, and literals alone.

use std::sync::Arc;

use arrow::array::{Array, ArrayBuilder, ArrayRef, AsArray, ListBuilder, TimestampMicrosecondBuilder};
use arrow::datatypes::{
    DataType, Field, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit, TimeUnit,
    TimestampMicrosecondType,
};
use datafusion::common::{Result, exec_err, internal_err, plan_err};
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use radlake_udfs::datetime::read::{self, Zone};

use crate::Error;

const NAME: &str = "generate_series";
/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;
/// Times that a series may have: it is made at once.
const MOST: usize = 10_000_000;

/// Puts the function in the place of the one that is registered, which keeps whole numbers.
///
/// # Errors
/// There is none.
pub(super) fn register(registry: &mut dyn FunctionRegistry) -> Result<()> {
    let numbers = registry.udf(NAME)?;
    let _ = registry.register_udf(Arc::new(ScalarUDF::from(Series {
        numbers,
        signature: Signature::user_defined(Volatility::Immutable),
    })))?;
    Ok(())
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Series {
    numbers: Arc<ScalarUDF>,
    signature: Signature,
}

fn item(of: DataType) -> Arc<Field> {
    Arc::new(Field::new_list_field(of, true))
}

impl ScalarUDFImpl for Series {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        if matches!(types.len(), 2 | 3) && types.iter().all(|of| of.is_integer() || of.is_null()) {
            return Ok(vec![DataType::Int64; types.len()]);
        }
        let [start, stop, step] = types else {
            return plan_err!("No function matches the given name and argument types '{NAME}'");
        };
        let is_time = |of: &DataType| matches!(of, DataType::Date32 | DataType::Timestamp(..));
        let is_text = |of: &DataType| of.is_string() || of.is_null();
        let fits = |of: &DataType| is_time(of) || is_text(of);
        if !fits(start)
            || !fits(stop)
            || !(is_time(start) || is_time(stop))
            || !(matches!(step, DataType::Interval(_)) || is_text(step))
        {
            return plan_err!(
                "No function matches the given name and argument types '{NAME}({start}, {stop}, {step})'"
            );
        }
        let given = [start, stop];
        let moment = given
            .iter()
            .find(|of| matches!(of, DataType::Timestamp(_, Some(_))));
        let local = given.iter().any(|of| matches!(of, DataType::Timestamp(_, None)));
        let zone = match (moment, local) {
            (Some(DataType::Timestamp(_, zone)), _) => zone.clone(),
            (_, true) => None,
            // Of dates it is a series of moments.
            _ => Some("UTC".into()),
        };
        let time = DataType::Timestamp(TimeUnit::Microsecond, zone);
        Ok(vec![
            time.clone(),
            time,
            DataType::Interval(IntervalUnit::MonthDayNano),
        ])
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match types.first() {
            Some(time @ DataType::Timestamp(..)) => Ok(DataType::List(item(time.clone()))),
            _ => Ok(DataType::List(item(DataType::Int64))),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if !matches!(
            args.args.first().map(ColumnarValue::data_type),
            Some(DataType::Timestamp(..))
        ) {
            return self.numbers.invoke_with_args(args);
        }
        radlake_udfs::by_row(&args, series)
    }
}

fn series(values: &[ArrayRef]) -> Result<ArrayRef> {
    let [starts, stops, steps] = values else {
        return internal_err!("{NAME} takes three arguments");
    };
    let DataType::Timestamp(_, zone) = starts.data_type() else {
        return internal_err!("{NAME} takes times");
    };
    let clock = zone.as_deref().map(Zone::parse).transpose()?;
    let stops = arrow::compute::cast(stops, starts.data_type())?;
    let (from, to) = (
        starts.as_primitive::<TimestampMicrosecondType>(),
        stops.as_primitive::<TimestampMicrosecondType>(),
    );
    let steps = steps.as_primitive::<IntervalMonthDayNanoType>();
    let times = TimestampMicrosecondBuilder::new().with_data_type(starts.data_type().clone());
    let mut out = ListBuilder::new(times).with_field(item(starts.data_type().clone()));
    for row in 0..from.len() {
        if from.is_null(row) || to.is_null(row) || steps.is_null(row) {
            out.append(true);
            continue;
        }
        let step = steps.value(row);
        let length = (i128::from(step.months) * 30 + i128::from(step.days)) * i128::from(DAY)
            + i128::from(step.nanoseconds / 1000);
        if length == 0 {
            return exec_err!("step size cannot equal zero");
        }
        let (mut at, end) = (from.value(row), to.value(row));
        while if length > 0 { at <= end } else { at >= end } {
            out.values().append_value(at);
            if out.values().len() > MOST {
                return Err(Error::LimitExceeded(format!("a series of more than {MOST} times")).into());
            }
            at = added(at, step, clock)?.ok_or(Error::DatetimeOverflow)?;
        }
        out.append(true);
    }
    Ok(Arc::new(out.finish()))
}

/// A time and an interval: months and days by the calendar and the clocks of the zone.
fn added(at: i64, step: IntervalMonthDayNano, zone: Option<Zone>) -> Result<Option<i64>> {
    let micros = step.nanoseconds / 1000;
    if step.months == 0 && step.days == 0 {
        return Ok(at.checked_add(micros));
    }
    let ahead = zone.map_or(Ok(0), |zone| zone.offset(at))?;
    let Some(moved) = at
        .checked_add(ahead * 1_000_000)
        .and_then(|shown| by_calendar(shown, step))
    else {
        return Ok(None);
    };
    let ahead = zone.map_or(Ok(0), |zone| zone.offset_of_local(moved))?;
    Ok(moved
        .checked_sub(ahead * 1_000_000)
        .and_then(|at| at.checked_add(micros)))
}

/// The 31st of a shorter month is its last day.
fn by_calendar(shown: i64, step: IntervalMonthDayNano) -> Option<i64> {
    let (mut day, clock) = (shown.div_euclid(DAY), shown.rem_euclid(DAY));
    if step.months != 0 {
        let (year, month, of_month) = read::civil(day);
        let months = year * 12 + month - 1 + i64::from(step.months);
        let (year, month) = (months.div_euclid(12), months.rem_euclid(12) + 1);
        day = (28..=of_month)
            .rev()
            .find_map(|of_month| read::days(year, month, of_month))
            .or_else(|| read::days(year, month, of_month))?;
    }
    day.checked_add(step.days.into())?
        .checked_mul(DAY)?
        .checked_add(clock)
}
