//! Dates and times as people write them, in the one form that Arrow's parser knows.

/// `2024-07-01 9:30+2` as `2024-07-01 09:30:00+02:00`; `None` for what has another shape, or needs no change.
pub(super) fn normalised(text: &str) -> Option<String> {
    let trimmed = text.trim();
    let (date, rest) = match trimmed.find([' ', 'T']) {
        Some(at) => (trimmed.get(..at)?, trimmed.get(at + 1..)?.trim_start()),
        None if trimmed.contains(':') && !trimmed.starts_with(|c: char| !c.is_ascii_digit()) => ("", trimmed),
        None => return None,
    };
    let mut parts = date.split('-');
    let date = match (parts.next()?, parts.next(), parts.next(), parts.next()) {
        ("", None, None, None) => String::new(),
        (year, Some(month), Some(day), None) if year.len() >= 4 => {
            format!("{year}-{:0>2}-{:0>2} ", digits(month)?, digits(day)?)
        }
        _ => return None,
    };
    let zone_at = rest
        .find(|c: char| !(c.is_ascii_digit() || c == ':' || c == '.'))
        .unwrap_or(rest.len());
    let (clock, zone) = rest.split_at(zone_at);
    let normal = format!("{date}{}{}", time(clock)?, offset(zone.trim())?);
    (normal != text).then_some(normal)
}

fn digits(text: &str) -> Option<&str> {
    (matches!(text.len(), 1 | 2) && text.bytes().all(|b| b.is_ascii_digit())).then_some(text)
}

fn time(text: &str) -> Option<String> {
    let (whole, fraction) = text
        .split_once('.')
        .map_or((text, None), |(whole, fraction)| (whole, Some(fraction)));
    let mut parts = whole.split(':');
    let (hours, minutes, seconds) = (digits(parts.next()?)?, digits(parts.next()?)?, parts.next());
    if parts.next().is_some() || seconds.is_none() && fraction.is_some() {
        return None;
    }
    let seconds = seconds.map_or(Some("00"), digits)?;
    let fraction = fraction
        .map(|fraction| format!(".{fraction}"))
        .unwrap_or_default();
    Some(format!("{hours:0>2}:{minutes:0>2}:{seconds:0>2}{fraction}"))
}

fn offset(text: &str) -> Option<String> {
    let sign = match text.chars().next() {
        None => return Some(String::new()),
        Some(sign @ ('+' | '-')) => sign,
        // `Z`, a zone's name: as they are.
        Some(_)
            if text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "/_+-".contains(c)) =>
        {
            return Some(if text.eq_ignore_ascii_case("z") {
                "Z".to_owned()
            } else {
                format!(" {text}")
            });
        }
        Some(_) => return None,
    };
    let body = text.get(1..)?;
    let (hours, minutes) = match body.split_once(':') {
        Some((hours, minutes)) => (hours, minutes),
        None if body.len() == 4 => body.split_at(2),
        None => (body, "00"),
    };
    Some(format!("{sign}{:0>2}:{:0>2}", digits(hours)?, digits(minutes)?))
}

#[cfg(test)]
mod tests {
    use super::normalised;

    #[test]
    fn short_forms_are_completed_and_others_left() {
        let normal = |text: &str| normalised(text).unwrap_or_else(|| text.to_owned());
        assert_eq!(normal("2024-07-01 12:00"), "2024-07-01 12:00:00");
        assert_eq!(normal("2024-7-1 9:30+2"), "2024-07-01 09:30:00+02:00");
        assert_eq!(
            normal("2024-07-01T12:00:00.5-0330"),
            "2024-07-01 12:00:00.5-03:30"
        );
        assert_eq!(normal("2024-07-01 12:00:00 +02"), "2024-07-01 12:00:00+02:00");
        assert_eq!(normal("2024-07-01 12:00z"), "2024-07-01 12:00:00Z");
        assert_eq!(
            normal("2024-07-01 12:00 Europe/Berlin"),
            "2024-07-01 12:00:00 Europe/Berlin"
        );
        assert_eq!(normal("12:00"), "12:00:00");
        for text in [
            "2024-07-01",
            "2024-07-01 12:00:00",
            "Doe^Jane",
            "now",
            "",
            "1:2:3:4",
            "x 12:00",
            "infinity",
        ] {
            assert_eq!(normalised(text), None, "{text}");
        }
    }
}
