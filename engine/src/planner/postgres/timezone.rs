//! `timezone(zone, value)`, which is `value AT TIME ZONE zone`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray, TimestampMicrosecondBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use datafusion::common::{Result, exec_datafusion_err, internal_err, not_impl_err};
use radlake_udfs::datetime::read::{self, Zone};

use super::super::readings;
use super::{Named, texts, unknown};
use crate::Error;

/// What clocks of a zone show at a moment, or the moment at which they show a time.
pub(super) const TIMEZONE: Named = Named {
    name: "timezone",
    returns: |types, _| match types {
        [DataType::Interval(_), _] => not_impl_err!("AT TIME ZONE of an interval; name a zone"),
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
        let mut known: Option<(&str, Zone)> = None;
        for row in 0..times.len() {
            if names.is_null(row) || times.is_null(row) {
                out.append_null();
                continue;
            }
            let name = names.value(row);
            let zone = match known {
                Some((last, zone)) if last == name => zone,
                _ => read::zone(name).map_err(|problem| readings::error(problem, "time zone"))?,
            };
            known = Some((name, zone));
            out.append_value(moved(times.value(row), zone, aware)?);
        }
        let moved = out.finish();
        Ok(match aware {
            true => Arc::new(moved),
            false => Arc::new(moved.with_timezone("UTC")),
        })
    },
};

/// The zone that `make_timestamptz` means: digits of it count to the east, where in the zones of POSIX they count to the west.
pub(super) const ZONE_OF_ISO: Named = Named {
    name: "zone_of_iso",
    returns: |types, _| match types {
        [zone] if zone.is_string() || zone.is_null() => Ok(DataType::Utf8),
        _ => unknown("make_timestamptz", types),
    },
    run: |values, _| {
        let [zones] = values else {
            return internal_err!("zone_of_iso takes one argument");
        };
        let turned: Result<StringArray> = texts(zones)?
            .iter()
            .map(|zone| zone.map(zone_of_iso).transpose())
            .collect();
        Ok(Arc::new(turned?))
    },
};

fn zone_of_iso(zone: &str) -> Result<String> {
    let refused = || {
        Error::InvalidParameter(format!(
            "invalid input syntax for type numeric time zone: \"{zone}\""
        ))
    };
    let (sign, digits) = match (zone.strip_prefix('+'), zone.strip_prefix('-')) {
        (Some(digits), _) => ('-', digits),
        (_, Some(digits)) => ('+', digits),
        _ if zone.starts_with(|c: char| c.is_ascii_digit()) => return Err(refused().into()),
        _ => return Ok(zone.to_owned()),
    };
    match digits.chars().all(|c| c.is_ascii_digit() || c == ':') {
        true => Ok(format!("{sign}{digits}")),
        false => Err(refused().into()),
    }
}

fn moved(at: i64, zone: Zone, aware: bool) -> Result<i64> {
    let seconds = match aware {
        true => zone.offset(at)?,
        false => -zone.offset_of_local(at)?,
    };
    at.checked_add(seconds * 1_000_000)
        .ok_or_else(|| exec_datafusion_err!("timestamp out of range"))
}
