//! `TimeZone`: names of the tz database, hours east of Greenwich, and offsets as POSIX has them, whose signs are turned round.

use radlake_udfs::datetime::read::{self, Problem, Zone};

/// A zone, and how it is shown.
///
/// # Errors
/// The text names none, or one that Radlake has no type for.
pub(super) fn normalise(text: &str) -> Result<(Zone, String), Problem> {
    let text = text.trim_start();
    let east = match text
        .get(..8)
        .filter(|start| start.eq_ignore_ascii_case("interval"))
    {
        Some(_) => Some(interval(text.get(8..).unwrap_or_default())?),
        None => hours(text)?,
    };
    match east {
        Some(east) => Ok((Zone::Fixed(east), read::described(east))),
        None => read::setting(text),
    }
}

/// The zone of a value in force, as Arrow's types have it.
pub(crate) fn arrow_name(shown: &str) -> String {
    match normalise(shown) {
        Ok((zone, _)) => read::arrow_name(zone),
        Err(_) => "UTC".to_owned(),
    }
}

/// `2`, `-3.5`: hours east of Greenwich.
fn hours(text: &str) -> Result<Option<i32>, Problem> {
    let plain = text
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'));
    match text.parse::<f64>() {
        Ok(hours) if plain => seconds(hours * 3600.0).map(Some),
        _ => Ok(None),
    }
}

/// What follows `INTERVAL`: `'+02:00'`, `'2 hour'`.
fn interval(text: &str) -> Result<i32, Problem> {
    let inner = text.trim().trim_matches('\'').trim();
    let (digits, negative) = match inner.strip_prefix('-') {
        Some(digits) => (digits, true),
        None => (inner.strip_prefix('+').unwrap_or(inner), false),
    };
    let number = |text: &str| {
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        text.parse::<u16>().ok().filter(|_| digits).map(f64::from)
    };
    let parts: Vec<Option<f64>> = match digits.split_once(' ') {
        Some((hours, "hour" | "hours")) => vec![number(hours)],
        Some(_) => vec![None],
        None => digits.split(':').map(number).collect(),
    };
    let size = match (parts.as_slice(), digits.contains([':', ' '])) {
        ([Some(hours)], true) => hours * 3600.0,
        ([Some(hours), Some(minutes)], _) if *minutes < 60.0 => hours * 3600.0 + minutes * 60.0,
        _ => {
            return Err(Problem::Unsupported(
                "this interval as a time zone; write it as '+02:00'",
            ));
        }
    };
    seconds(if negative { -size } else { size })
}

fn seconds(east: f64) -> Result<i32, Problem> {
    let size = east.abs();
    if size >= 168.0 * 3600.0 {
        return Err(Problem::UnknownZone);
    }
    if size >= 86_400.0 || (size as i32) % 60 != 0 {
        return Err(Problem::Unsupported(
            "a time zone of a day or more, or with seconds; name one of pg_timezone_names",
        ));
    }
    Ok(east as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_to_the_east_and_other_offsets_to_the_west() {
        for (text, name, shown) in [
            ("+02", "+02:00", "<+02>-02"),
            ("2", "+02:00", "<+02>-02"),
            ("-3.5", "-03:30", "<-03:30>+03:30"),
            ("0", "+00:00", "<+00>-00"),
            ("+02:00", "-0200", "+02:00"),
            ("-04:30", "+0430", "-04:30"),
            ("<+02>-02", "+02:00", "<+02>-02"),
            ("interval '-02:30'", "-02:30", "<-02:30>+02:30"),
            ("interval '2 hour'", "+02:00", "<+02>-02"),
            ("utc", "UTC", "UTC"),
            ("zulu", "Zulu", "Zulu"),
            ("europe/berlin", "Europe/Berlin", "Europe/Berlin"),
        ] {
            let normal = normalise(text).map(|(_, shown)| shown);
            assert_eq!(normal.as_deref(), Ok(shown), "{text}");
            assert_eq!(arrow_name(shown), name, "{text}");
        }
        for text in ["", "Z", "PST", "foo", "foo/bar", "200", "-168"] {
            assert_eq!(normalise(text), Err(Problem::UnknownZone), "{text}");
        }
        for text in ["30", "0.001", "UTC+3", "EST5XDT", "interval '1 day'"] {
            assert!(matches!(normalise(text), Err(Problem::Unsupported(_))), "{text}");
        }
    }
}
