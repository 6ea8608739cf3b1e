//! PostgreSQL's interval literals: `1 year 2 mons -3 days 04:05:06.5`, `P1Y2M3DT4H5M6S`, `90 minutes ago`.

use arrow::datatypes::IntervalMonthDayNano;

const SECOND: f64 = 1e6;
const DAY: f64 = 86_400.0 * SECOND;

/// Months, days and microseconds that are added up.
#[derive(Default)]
struct Sum {
    months: f64,
    days: f64,
    micros: f64,
}

impl Sum {
    /// Fractions of months become days of a thirtieth, fractions of days become time, as in PostgreSQL.
    fn add(&mut self, amount: f64, unit: &str) -> Option<()> {
        let days = |sum: &mut Self, days: f64| {
            sum.days += days.trunc();
            sum.micros += days.fract() * DAY;
        };
        let months = |sum: &mut Self, months: f64| {
            sum.months += months.trunc();
            days(sum, months.fract() * 30.0);
        };
        match unit {
            "millennium" | "millennia" | "mil" | "mils" => self.months += (amount * 12_000.0).round(),
            "century" | "centuries" | "c" => self.months += (amount * 1_200.0).round(),
            "decade" | "decades" | "dec" | "decs" => self.months += (amount * 120.0).round(),
            "year" | "years" | "y" | "yr" | "yrs" => self.months += (amount * 12.0).round(),
            "month" | "months" | "mon" | "mons" => months(self, amount),
            "week" | "weeks" | "w" => days(self, amount * 7.0),
            "day" | "days" | "d" => days(self, amount),
            "hour" | "hours" | "h" | "hr" | "hrs" => self.micros += amount * 3600.0 * SECOND,
            "minute" | "minutes" | "m" | "min" | "mins" => self.micros += amount * 60.0 * SECOND,
            "second" | "seconds" | "s" | "sec" | "secs" => self.micros += amount * SECOND,
            "millisecond" | "milliseconds" | "ms" | "msec" | "msecs" => self.micros += amount * 1e3,
            "microsecond" | "microseconds" | "us" | "usec" | "usecs" => self.micros += amount,
            _ => return None,
        }
        Some(())
    }

    fn finish(self, sign: f64) -> Option<IntervalMonthDayNano> {
        let whole = |value: f64, limit: f64| (value.abs() <= limit).then_some(value * sign);
        let months = whole(self.months, f64::from(i32::MAX))? as i32;
        let days = whole(self.days, f64::from(i32::MAX))? as i32;
        // Nanoseconds in 64 bits reach 292 years.
        let micros = whole(self.micros.round(), 9.2e15)? as i64;
        Some(IntervalMonthDayNano::new(months, days, micros * 1_000))
    }
}

/// Reads an interval; `None` if it is none.
pub(super) fn parse(text: &str) -> Option<IntervalMonthDayNano> {
    let text = text.trim().to_ascii_lowercase();
    if let Some(iso) = text.strip_prefix('p') {
        return iso_8601(iso);
    }
    let mut words: Vec<&str> = text
        .trim_start_matches('@')
        .split(|c: char| c.is_whitespace() || c == ',')
        .filter(|word| !word.is_empty())
        .collect();
    let sign = if words.last() == Some(&"ago") {
        words.pop();
        -1.0
    } else {
        1.0
    };
    if words.is_empty() {
        return None;
    }
    let mut sum = Sum::default();
    let mut words = words.into_iter().peekable();
    while let Some(word) = words.next() {
        if word.contains(':') {
            sum.micros += clock(word)?;
            continue;
        }
        let end = word.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(word.len());
        let amount: f64 = word[..end].parse().ok()?;
        match &word[end..] {
            // A bare number at the end counts seconds.
            "" => match words.next() {
                Some(unit) => sum.add(amount, unit)?,
                None => sum.add(amount, "second")?,
            },
            unit => sum.add(amount, unit)?,
        }
    }
    sum.finish(sign)
}

/// `[+-]HH:MM[:SS[.ffffff]]` in microseconds.
fn clock(word: &str) -> Option<f64> {
    let (sign, digits) = match word.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, word.strip_prefix('+').unwrap_or(word)),
    };
    let mut parts = digits.split(':');
    let hours: u32 = parts.next()?.parse().ok()?;
    let minutes: u32 = parts.next()?.parse().ok()?;
    let seconds: f64 = parts.next().map_or(Ok(0.0), str::parse).ok()?;
    let valid = minutes < 60 && (0.0..=60.0).contains(&seconds) && parts.next().is_none();
    valid.then(|| sign * ((f64::from(hours) * 3600.0 + f64::from(minutes) * 60.0 + seconds) * SECOND))
}

fn iso_8601(text: &str) -> Option<IntervalMonthDayNano> {
    let (date, time) = text.split_once('t').unwrap_or((text, ""));
    let mut sum = Sum::default();
    for (part, units) in [(date, ["y", "month", "w", "d"]), (time, ["h", "m", "s", "s"])] {
        let mut rest = part;
        while !rest.is_empty() {
            let end = rest.find(|c: char| c.is_ascii_alphabetic())?;
            let amount: f64 = rest[..end].parse().ok()?;
            let unit = &rest[end..=end];
            let unit = units.iter().find(|known| known.starts_with(unit))?;
            sum.add(amount, unit)?;
            rest = &rest[end + 1..];
        }
    }
    (!text.is_empty()).then(|| sum.finish(1.0))?
}
