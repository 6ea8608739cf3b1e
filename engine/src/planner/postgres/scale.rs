//! Dates and times with fewer digits of seconds than they have.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Int64Type, Time64MicrosecondType, TimeUnit, TimestampMicrosecondType};
use datafusion::common::{Result, exec_datafusion_err, internal_err, not_impl_err};

use super::Named;

/// Microseconds from 1970 to 2000, from where PostgreSQL rounds away.
const EPOCH: i64 = 946_684_800_000_000;

/// Rounds to so many digits.
pub(super) const SCALE: Named = Named {
    name: "datetime_scale",
    returns: |types, _| match types {
        [
            value @ (DataType::Timestamp(TimeUnit::Microsecond, _) | DataType::Time64(TimeUnit::Microsecond)),
            _,
        ] => Ok(value.clone()),
        _ => internal_err!("datetime_scale takes a time and a number of digits"),
    },
    run: |values, _| {
        let [times, digits] = values else {
            return internal_err!("datetime_scale takes two arguments");
        };
        let digits = arrow::compute::cast(digits, &DataType::Int64)?;
        let digits = digits.as_primitive::<Int64Type>();
        if digits.is_empty() {
            return Ok(Arc::clone(times));
        }
        let unit = 10_i64.pow(u32::try_from(6 - digits.value(0).clamp(0, 6)).unwrap_or(0));
        rounded(times, unit)
    },
};

fn rounded(times: &ArrayRef, unit: i64) -> Result<ArrayRef> {
    match times.data_type() {
        DataType::Time64(_) => {
            let times = times.as_primitive::<Time64MicrosecondType>();
            let times = times.try_unary::<_, Time64MicrosecondType, _>(|at| match round(at, unit) {
                Some(at) if at < 86_400_000_000 => Ok(at),
                _ => not_impl_err!("the time 24:00:00"),
            })?;
            Ok(Arc::new(times))
        }
        data_type => {
            let range = || exec_datafusion_err!("timestamp out of range");
            let moments = times.as_primitive::<TimestampMicrosecondType>();
            let moments = moments.try_unary::<_, TimestampMicrosecondType, _>(|at| {
                let since = at.checked_sub(EPOCH).ok_or_else(range)?;
                round(since, unit)
                    .and_then(|since| since.checked_add(EPOCH))
                    .ok_or_else(range)
            })?;
            Ok(Arc::new(moments.with_data_type(data_type.clone())))
        }
    }
}

/// To the nearest multiple; halves away from zero.
fn round(at: i64, unit: i64) -> Option<i64> {
    let half = unit / 2 * at.signum();
    Some(at.checked_add(half)? / unit * unit)
}
