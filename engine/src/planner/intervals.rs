//! Intervals as PostgreSQL reads them, in the one form that Arrow's parser knows.

/// Microseconds of an hour.
const HOUR: i128 = 3_600_000_000;
/// Microseconds of a day.
const DAY: i128 = 24 * HOUR;

/// An interval's three independent parts, as in PostgreSQL.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Interval {
    months: i128,
    days: i128,
    micros: i128,
}

/// `-3 months 5 days 00:00:01.5`, `1-2`, `P1Y2M` or, with the unit of `INTERVAL '1' DAY`, `1`, as Arrow reads it.
///
/// `None` for what is no interval or lies outside the type's range.
pub(super) fn normalised(text: &str, unit: Option<&str>) -> Option<String> {
    let text = text.trim();
    let parsed = match text.strip_prefix(['P', 'p']) {
        Some(rest) => iso(rest)?,
        None => traditional(text, unit.unwrap_or("second"))?,
    };
    let months = i32::try_from(parsed.months).ok()?;
    let days = i32::try_from(parsed.days).ok()?;
    let micros = i64::try_from(parsed.micros).ok()?;
    // Arrow counts nanoseconds.
    let _ = micros.checked_mul(1_000)?;
    let sign = if micros < 0 { "-" } else { "" };
    let (seconds, rest) = (
        micros.unsigned_abs() / 1_000_000,
        micros.unsigned_abs() % 1_000_000,
    );
    Some(format!(
        "{months} months {days} days {sign}{seconds}.{rest:06} seconds"
    ))
}

/// The opposite of what [`normalised`] gave.
pub(super) fn negated(text: &str) -> Option<String> {
    normalised(&format!("{text} ago"), None)
}

/// Words and numbers: `1 year 2 mons -3 days 04:05:06.7`, `@ 1 day ago`, `1-2`.
fn traditional(text: &str, default_unit: &str) -> Option<Interval> {
    let mut sum = Interval::default();
    let mut words: Vec<String> = Vec::new();
    // A sign may stand apart: `1 month - 1 day`.
    let mut sign = "";
    for word in text.split_ascii_whitespace().filter(|word| *word != "@") {
        match word {
            "+" | "-" if sign.is_empty() => sign = word,
            word => words.extend(number_and_unit(&format!("{}{word}", std::mem::take(&mut sign)))),
        }
    }
    if !sign.is_empty() {
        return None;
    }
    let ago = words.last().is_some_and(|last| last == "ago");
    if ago {
        let _ = words.pop();
    }
    if words.is_empty() {
        return None;
    }
    let mut rest = words.as_slice();
    while let Some((word, after)) = rest.split_first() {
        rest = after;
        if word.contains(':') {
            sum.micros = sum.micros.checked_add(clock(word)?)?;
        } else if let Some((years, months)) = years_and_months(word) {
            sum.months += years * 12 + months;
        } else {
            let unit = match rest.split_first() {
                Some((unit, after)) if unit.starts_with(|c: char| c.is_ascii_alphabetic()) => {
                    rest = after;
                    unit.as_str()
                }
                // `1 12:00:00` is a day and twelve hours.
                Some((next, _)) if next.contains(':') => "day",
                Some(_) => return None,
                None => default_unit,
            };
            add(&mut sum, word, unit)?;
        }
    }
    if ago {
        sum = Interval {
            months: -sum.months,
            days: -sum.days,
            micros: -sum.micros,
        };
    }
    Some(sum)
}

/// `3days` as `3` and `days`.
fn number_and_unit(word: &str) -> Vec<String> {
    let lower = word.to_ascii_lowercase();
    match lower.find(|c: char| c.is_ascii_alphabetic()) {
        Some(at) if at > 0 => {
            let (number, unit) = lower.split_at(at);
            vec![number.to_owned(), unit.to_owned()]
        }
        _ => vec![lower],
    }
}

/// ISO 8601 after the `P`: `1Y2M3DT4H5M6.7S`, `2W`.
fn iso(text: &str) -> Option<Interval> {
    let mut sum = Interval::default();
    let (mut time, mut any) = (false, false);
    let mut rest = text;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix(['T', 't']) {
            if std::mem::replace(&mut time, true) {
                return None;
            }
            rest = after;
            continue;
        }
        let at = rest.find(|c: char| c.is_ascii_alphabetic())?;
        let (number, after) = rest.split_at(at);
        let unit = match (after.chars().next()?.to_ascii_uppercase(), time) {
            ('Y', false) => "year",
            ('M', false) => "month",
            ('W', false) => "week",
            ('D', false) => "day",
            ('H', true) => "hour",
            ('M', true) => "minute",
            ('S', true) => "second",
            _ => return None,
        };
        add(&mut sum, number, unit)?;
        any = true;
        rest = after.get(1..)?;
    }
    any.then_some(sum)
}

/// Adds a number of a unit; what is left of a fraction goes to the next smaller part, as in PostgreSQL.
fn add(sum: &mut Interval, number: &str, unit: &str) -> Option<()> {
    let (months, days, micros) = match unit {
        "millennium" | "millennia" | "mil" | "mils" => (12_000, 0, 0),
        "century" | "centuries" | "cent" | "c" => (1_200, 0, 0),
        "decade" | "decades" | "dec" | "decs" => (120, 0, 0),
        "year" | "years" | "yr" | "yrs" | "y" => (12, 0, 0),
        "month" | "months" | "mon" | "mons" => (1, 0, 0),
        "week" | "weeks" | "w" => (0, 7, 0),
        "day" | "days" | "d" => (0, 1, 0),
        "hour" | "hours" | "hr" | "hrs" | "h" => (0, 0, HOUR),
        "minute" | "minutes" | "min" | "mins" | "m" => (0, 0, HOUR / 60),
        "second" | "seconds" | "sec" | "secs" | "s" => (0, 0, 1_000_000),
        "millisecond" | "milliseconds" | "msec" | "msecs" | "ms" => (0, 0, 1_000),
        "microsecond" | "microseconds" | "usec" | "usecs" | "us" => (0, 0, 1),
        _ => return None,
    };
    let (whole, millionths) = decimal(number)?;
    sum.months = sum.months.checked_add(whole.checked_mul(months)?)?;
    sum.days = sum.days.checked_add(whole.checked_mul(days)?)?;
    sum.micros = sum.micros.checked_add(whole.checked_mul(micros)?)?;
    // Half a month is 15 days, half a day 12 hours; months are whole.
    let part = millionths * months;
    if months > 1 {
        sum.months += part / 1_000_000;
    } else {
        let month_days = part * 30;
        sum.days += month_days / 1_000_000;
        sum.micros += (month_days % 1_000_000) * DAY / 1_000_000;
    }
    let part = millionths * days;
    sum.days += part / 1_000_000;
    sum.micros += (part % 1_000_000) * DAY / 1_000_000;
    sum.micros += (millionths * micros + millionths.signum() * 500_000) / 1_000_000;
    Some(())
}

/// A number's whole part and its fraction in millionths, both with its sign.
fn decimal(text: &str) -> Option<(i128, i128)> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !plain(whole) || !plain(fraction) || whole.len() > 18 {
        return None;
    }
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let millionths: i128 = format!("{fraction:0<6}").get(..6)?.parse().ok()?;
    let sign = if negative { -1 } else { 1 };
    Some((whole * sign, millionths * sign))
}

/// `-04:05:06.7` in microseconds; two parts are hours and minutes.
fn clock(text: &str) -> Option<i128> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut parts = digits.split(':');
    let (hours, minutes, seconds) = (parts.next()?, parts.next()?, parts.next().unwrap_or("0"));
    if parts.next().is_some() || hours.starts_with(['-', '+']) {
        return None;
    }
    let ((hours, no), (minutes, none), (seconds, micros)) =
        (decimal(hours)?, decimal(minutes)?, decimal(seconds)?);
    if no != 0 || none != 0 || !(0..60).contains(&minutes) || !(0..=60).contains(&seconds) {
        return None;
    }
    Some(sign * (hours * HOUR + minutes * (HOUR / 60) + seconds * 1_000_000 + micros))
}

/// `1-2`, SQL's year to month.
fn years_and_months(text: &str) -> Option<(i128, i128)> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (years, months) = digits.split_once('-')?;
    let ((years, 0), (months, 0)) = (decimal(years)?, decimal(months)?) else {
        return None;
    };
    (0..12).contains(&months).then_some((sign * years, sign * months))
}

#[cfg(test)]
mod tests {
    use super::normalised;

    #[test]
    fn every_form_of_postgresql_is_read() {
        let read = |text: &str| normalised(text, None).unwrap_or_default();
        assert_eq!(
            read("-3 months 5 days 00:00:01.5"),
            "-3 months 5 days 1.500000 seconds"
        );
        assert_eq!(read("1 year 2 mons"), "14 months 0 days 0.000000 seconds");
        assert_eq!(read("P1Y2M"), "14 months 0 days 0.000000 seconds");
        assert_eq!(read("P1DT2H3M4.5S"), "0 months 1 days 7384.500000 seconds");
        assert_eq!(read("PT-1S"), "0 months 0 days -1.000000 seconds");
        assert_eq!(read("1-2"), "14 months 0 days 0.000000 seconds");
        assert_eq!(read("1 12:00:00"), "0 months 1 days 43200.000000 seconds");
        assert_eq!(read("-1 days +02:03"), "0 months -1 days 7380.000000 seconds");
        assert_eq!(read("@ 2 weeks ago"), "0 months -14 days 0.000000 seconds");
        assert_eq!(read("1.5 days"), "0 months 1 days 43200.000000 seconds");
        assert_eq!(read("1.5 years"), "18 months 0 days 0.000000 seconds");
        assert_eq!(read("0.5 month"), "0 months 15 days 0.000000 seconds");
        assert_eq!(read("3days 5ms"), "0 months 3 days 0.005000 seconds");
        assert_eq!(
            super::negated(&read("1 month -2 days")).unwrap_or_default(),
            "-1 months 2 days 0.000000 seconds"
        );
        assert_eq!(read("1 MONTH - 1 day"), "1 months -1 days 0.000000 seconds");
        assert_eq!(read("90"), "0 months 0 days 90.000000 seconds");
        assert_eq!(
            normalised("2", Some("month")).unwrap_or_default(),
            "2 months 0 days 0.000000 seconds"
        );
    }

    #[test]
    fn what_is_no_interval_is_told() {
        for text in [
            "",
            "nonsense",
            "1 parsec",
            "P",
            "PT",
            "P1",
            "1:2:3:4",
            "1 2",
            "ago",
            "--1 day",
            "1-13",
            "99999999999 years",
        ] {
            assert_eq!(normalised(text, None), None, "{text}");
        }
    }
}
