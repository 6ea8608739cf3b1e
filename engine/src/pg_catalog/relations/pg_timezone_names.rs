//! `pg_timezone_names`: the time zones that `SET TimeZone` takes.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use chrono::{Offset, TimeZone, Utc};
use chrono_tz::{OffsetComponents, OffsetName, TZ_VARIANTS, Tz};

use crate::pg_catalog::{declared::Declared, model::Model, rows::Rows};

pub(super) fn rows(declared: &'static Declared, _: &Model) -> Result<RecordBatch, ArrowError> {
    let now = Utc::now().naive_utc();
    let offset = |zone: &Tz| zone.offset_from_utc_datetime(&now);
    Rows::new(declared, &TZ_VARIANTS)
        .column("name", |zone| zone.name())
        .column("abbrev", move |zone| {
            offset(zone).abbreviation().map(str::to_owned)
        })
        .column("utc_offset", move |zone| {
            i64::from(offset(zone).fix().local_minus_utc())
        })
        .column("is_dst", move |zone| !offset(zone).dst_offset().is_zero())
        .finish()
}
