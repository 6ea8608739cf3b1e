//! Intervals compare by their length: a month has 30 days, a day 24 hours (PostgreSQL, "Date/Time Functions and Operators").

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Decimal128Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type, IntervalMonthDayNanoType, IntervalUnit};
use datafusion::common::internal_err;

use super::Named;

const SPAN_TYPE: DataType = DataType::Decimal128(38, 0);

/// The length of an interval in microseconds.
pub(super) const SPAN: Named = Named {
    name: "interval_span",
    returns: |_, _| Ok(SPAN_TYPE),
    run: |values, _| {
        let [interval] = values else {
            return internal_err!("interval_span takes one argument");
        };
        let intervals: ArrayRef = cast(interval, &DataType::Interval(IntervalUnit::MonthDayNano))?;
        let spans: Decimal128Array = intervals
            .as_primitive::<IntervalMonthDayNanoType>()
            .unary::<_, Decimal128Type>(|value| {
                let days = i128::from(value.months) * 30 + i128::from(value.days);
                days * 86_400_000_000 + i128::from(value.nanoseconds / 1000)
            });
        Ok(Arc::new(spans.with_precision_and_scale(38, 0)?))
    },
};
