//! Values of the VRs that are text but mean something else (PS3.5 §6.2): days, times, instants, numbers, UIDs.
//! `None` is a value that does not parse.

#[cfg(test)]
mod tests;

const MICROS: i64 = 1_000_000;
const DAY_SECONDS: i64 = 86_400;

/// Without padding: spaces on both sides, NULs at the end.
pub(super) fn trim(bytes: &[u8]) -> &[u8] {
    trim_end(bytes).trim_ascii_start()
}

/// Without padding at the end: spaces and NULs.
pub(super) fn trim_end(mut bytes: &[u8]) -> &[u8] {
    while let [rest @ .., 0 | b' '] = bytes {
        bytes = rest;
    }
    bytes
}

/// A UID, leniently: 1 to 128 letters, digits, dots, hyphens, underscores.
pub(super) fn uid_text(bytes: &[u8]) -> Option<&str> {
    let bytes = trim(bytes);
    let fits = (1..=128).contains(&bytes.len());
    let good = bytes
        .iter()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
    if fits && good {
        std::str::from_utf8(bytes).ok()
    } else {
        None
    }
}

fn digits(bytes: &[u8]) -> Option<i64> {
    if bytes.is_empty() || bytes.len() > 9 {
        return None;
    }
    bytes
        .iter()
        .try_fold(0, |n, b| b.is_ascii_digit().then(|| n * 10 + i64::from(b - b'0')))
}

/// DA: YYYYMMDD, or YYYY.MM.DD of the standard's ancestor. Days since 1970-01-01.
pub(super) fn date(bytes: &[u8]) -> Option<i32> {
    let (y, m, d) = match trim(bytes) {
        [y @ .., m1, m2, d1, d2] if y.len() == 4 => (y, [*m1, *m2], [*d1, *d2]),
        [y @ .., b'.', m1, m2, b'.', d1, d2] if y.len() == 4 => (y, [*m1, *m2], [*d1, *d2]),
        _ => return None,
    };
    days(digits(y)?, digits(&m)?, digits(&d)?)
}

/// Days since 1970-01-01 of a day that the Gregorian calendar has, years 1 to 9999.
fn days(year: i64, month: i64, day: i64) -> Option<i32> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if year < 1 || !(1..=last).contains(&day) {
        return None;
    }
    // Years from March on, so that the leap day is the last (Hinnant, "days_from_civil").
    let y = year - i64::from(month <= 2);
    let era = y / 400;
    let of_era = y % 400;
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let n = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    i32::try_from(n).ok()
}

/// TM: HH[MM[SS[.F]]], or HH:MM:SS[.F] of the standard's ancestor. Microseconds since midnight; second 60 counts as 59.
pub(super) fn time(bytes: &[u8]) -> Option<i64> {
    let bytes = trim(bytes);
    let mut plain = [0; 16];
    let bytes = if let [_, _, b':', ..] = bytes {
        let kept = bytes.iter().filter(|b| **b != b':');
        let n = bytes.len() - bytes.iter().filter(|b| **b == b':').count();
        if n > plain.len() {
            return None;
        }
        plain.iter_mut().zip(kept).for_each(|(to, from)| *to = *from);
        &plain[..n]
    } else {
        bytes
    };
    clock(bytes)
}

/// HH[MM[SS[.F]]] in microseconds.
fn clock(bytes: &[u8]) -> Option<i64> {
    let (whole, fraction) = match bytes.iter().position(|b| *b == b'.') {
        Some(6) => (&bytes[..6], Some(&bytes[7..])),
        Some(_) => return None,
        None => (bytes, None),
    };
    if !matches!(whole.len(), 2 | 4 | 6) {
        return None;
    }
    let part = |at: usize| whole.get(at..at + 2).map_or(Some(0), digits);
    let (h, m, s) = (part(0)?, part(2)?, part(4)?);
    if h > 23 || m > 59 || s > 60 {
        return None;
    }
    let micros = match fraction {
        Some(f) if f.len() <= 6 => digits(f)? * 10_i64.pow(6 - f.len() as u32),
        Some(_) => return None,
        None => 0,
    };
    Some((h * 3600 + m * 60 + s.min(59)) * MICROS + micros)
}

/// An offset from UTC, &ZZXX, in seconds.
pub(super) fn offset(bytes: &[u8]) -> Option<i64> {
    let (sign, digits4) = match trim(bytes) {
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let (h, m) = (digits(digits4.get(..2)?)?, digits(digits4.get(2..)?)?);
    (digits4.len() == 4 && h <= 14 && m <= 59).then_some(sign * (h * 3600 + m * 60))
}

/// DT: YYYY[MM[DD[HH[MM[SS[.F]]]]]][&ZZXX]. Microseconds since 1970-01-01 UTC; what is left out is the earliest there is,
/// `default_offset` (seconds) stands in for a missing offset.
pub(super) fn date_time(bytes: &[u8], default_offset: i64) -> Option<i64> {
    let bytes = trim(bytes);
    let (local, shift) = match bytes.iter().position(|b| matches!(b, b'+' | b'-')) {
        Some(at) => (&bytes[..at], offset(&bytes[at..])?),
        None => (bytes, default_offset),
    };
    let year = digits(local.get(..4)?)?;
    let part = |at: usize| match local.get(at..) {
        None | Some([]) => Some(1),
        Some(rest) => digits(rest.get(..2)?),
    };
    let day = i64::from(days(year, part(4)?, part(6)?)?);
    let within = match local.get(8..) {
        None | Some([]) => 0,
        Some(rest) => clock(rest)?,
    };
    Some((day * DAY_SECONDS - shift) * MICROS + within)
}

/// DS: a decimal number, finite.
pub(super) fn decimal(bytes: &[u8]) -> Option<f64> {
    let bytes = trim(bytes);
    // No names: neither nan nor inf are numbers here.
    if !bytes
        .iter()
        .all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'))
    {
        return None;
    }
    lexical_core::parse::<f64>(bytes).ok().filter(|n| n.is_finite())
}

/// IS: a whole number; written as a decimal it is taken if nothing stands behind the point.
pub(super) fn integer(bytes: &[u8]) -> Option<i64> {
    let bytes = trim(bytes);
    let unsigned = bytes.strip_prefix(b"+").unwrap_or(bytes);
    match lexical_core::parse::<i64>(unsigned) {
        Ok(n) => Some(n),
        Err(_) => decimal(bytes)
            .filter(|n| n.fract() == 0.0 && n.abs() < 9.0e15)
            .map(|n| n as i64),
    }
}
