//! The session's time zone: how far local time is from UTC at an instant.

use std::str::FromStr;

use chrono::{DateTime, NaiveDateTime, Offset, TimeZone};

/// A time zone as `SET TimeZone` takes it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Zone {
    /// No offset.
    Utc,
    /// Seconds east of Greenwich.
    Fixed(i32),
    /// A name of the IANA database.
    Named(chrono_tz::Tz),
}

impl Zone {
    /// Reads a name (`Europe/Berlin`), an abbreviation for UTC, an ISO offset (`+02:00`, east positive) or
    /// PostgreSQL's bare number of hours; `None` if it is none of these.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if ["utc", "gmt", "z", "zulu", "etc/utc"]
            .iter()
            .any(|name| text.eq_ignore_ascii_case(name))
        {
            return Some(Self::Utc);
        }
        let named = chrono_tz::Tz::from_str(text).ok();
        let any_case = || {
            chrono_tz::TZ_VARIANTS
                .iter()
                .find(|zone| zone.name().eq_ignore_ascii_case(text))
                .copied()
        };
        if let Some(zone) = named.or_else(any_case) {
            return Some(Self::Named(zone));
        }
        let sign = if text.starts_with('-') { -1 } else { 1 };
        let mut parts = text.trim_start_matches(['+', '-']).split(':').map(i32::from_str);
        let mut part = || parts.next().unwrap_or(Ok(0)).ok();
        let (hours, minutes, seconds) = (part()?, part()?, part()?);
        let offset = sign * (hours * 3600 + minutes * 60 + seconds);
        (hours <= 15 && minutes < 60 && seconds < 60).then_some(match offset {
            0 => Self::Utc,
            offset => Self::Fixed(offset),
        })
    }

    /// Seconds east of Greenwich at `seconds` after 1970.
    pub(super) fn offset(&self, seconds: i64) -> i32 {
        match self {
            Self::Utc => 0,
            Self::Fixed(offset) => *offset,
            Self::Named(zone) => {
                let seconds = equivalent(seconds);
                // Before chrono's years the zone keeps the offset that it has at their edge.
                let at = DateTime::from_timestamp(seconds, 0).map_or(NaiveDateTime::MIN, |at| at.naive_utc());
                zone.offset_from_utc_datetime(&at).fix().local_minus_utc()
            }
        }
    }
}

/// The zone tables end in 2100; after that a year has the rules of an earlier one that begins on the same weekday
/// and is as long, as in PostgreSQL.
fn equivalent(seconds: i64) -> i64 {
    const DAY: i64 = 86_400;
    let (year, _, _) = super::datetime::civil(seconds.div_euclid(DAY));
    if year < 2100 {
        return seconds;
    }
    let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let first_day = |year: i64| {
        let before = year - 1;
        before * 365 + before / 4 - before / 100 + before / 400 - 719_162
    };
    (2072..2100)
        .find(|like| leap(*like) == leap(year) && (first_day(*like) - first_day(year)) % 7 == 0)
        .map_or(seconds, |like| {
            seconds + (first_day(like) - first_day(year)) * DAY
        })
}
