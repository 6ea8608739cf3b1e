//! `timezone(zone, value)`, which is `value AT TIME ZONE zone`.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, TimestampMicrosecondBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use chrono::{DateTime, Offset, TimeZone};
use chrono_tz::{TZ_VARIANTS, Tz};
use datafusion::common::{Result, exec_datafusion_err, internal_err, not_impl_err};

use super::super::zones;
use super::Named;

/// What clocks of a zone show at a moment, or the moment at which they show a time.
pub(super) const TIMEZONE: Named = Named {
    name: "timezone",
    returns: |types, _| match types {
        [_, DataType::Timestamp(_, Some(_))] => Ok(DataType::Timestamp(TimeUnit::Microsecond, None)),
        [_, DataType::Timestamp(_, None)] => {
            Ok(DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())))
        }
        [_, other] => not_impl_err!("AT TIME ZONE of {other}; cast it to timestamp or timestamptz"),
        _ => datafusion::common::plan_err!("timezone takes a zone and a time"),
    },
    run: |values, _| {
        let [names, times] = values else {
            return internal_err!("timezone takes two arguments");
        };
        let DataType::Timestamp(_, aware) = times.data_type() else {
            return internal_err!("timezone takes a timestamp");
        };
        let aware = aware.is_some();
        let names = cast(names, &DataType::Utf8)?;
        let names = names.as_string::<i32>();
        let zone = aware.then(|| Arc::<str>::from("UTC"));
        let times: ArrayRef = cast(times, &DataType::Timestamp(TimeUnit::Microsecond, zone))?;
        let times = times.as_primitive::<TimestampMicrosecondType>();
        let mut out = TimestampMicrosecondBuilder::with_capacity(times.len());
        for row in 0..times.len() {
            if names.is_null(row) || times.is_null(row) {
                out.append_null();
                continue;
            }
            out.append_value(moved(times.value(row), named(names.value(row))?, aware)?);
        }
        let moved = out.finish();
        Ok(match aware {
            true => Arc::new(moved),
            false => Arc::new(moved.with_timezone("UTC")),
        })
    },
};

fn moved(at: i64, zone: Tz, aware: bool) -> Result<i64> {
    let range = || exec_datafusion_err!("timestamp out of range");
    let time = DateTime::from_timestamp_micros(at).ok_or_else(range)?.naive_utc();
    let seconds = match aware {
        true => zone.offset_from_utc_datetime(&time).fix().local_minus_utc(),
        false => -zones::offset(&zone, time).ok_or_else(range)?,
    };
    Ok(at + i64::from(seconds) * 1_000_000)
}

/// The zone of that name, in whatever case.
fn named(name: &str) -> Result<Tz> {
    static ZONES: LazyLock<HashMap<String, Tz>> = LazyLock::new(|| {
        TZ_VARIANTS
            .iter()
            .map(|zone| (zone.name().to_lowercase(), *zone))
            .collect()
    });
    match ZONES.get(&name.to_lowercase()) {
        Some(zone) => Ok(*zone),
        None if name.starts_with(|c: char| c.is_ascii_digit() || "+-".contains(c)) => {
            not_impl_err!("offsets as time zones, whose signs PostgreSQL turns round; name a zone")
        }
        None => Err(exec_datafusion_err!("time zone not recognized")),
    }
}
