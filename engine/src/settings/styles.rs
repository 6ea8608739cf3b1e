//! `DateStyle`: how dates are written, which is ISO here, and in which order those are read that do not say it.

/// Why a value is not taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// PostgreSQL does not take it either.
    Invalid(Option<String>),
    /// Another output than ISO.
    Style,
}

/// The value with what it leaves out taken from the one in force; `default` is what the word stands for.
///
/// # Errors
/// [`Refusal`].
pub(super) fn normalise(text: &str, current: &str, default: &str) -> Result<String, Refusal> {
    let (mut style, mut order) = (None, None);
    let mut german = false;
    for word in text.split(',').map(|word| word.trim().trim_matches('"')) {
        let word = word.to_ascii_lowercase();
        let starts = |start: &str| word.starts_with(start);
        let (asked_style, asked_order) = match word.as_str() {
            "" if text.trim().is_empty() => (None, None),
            "iso" => (Some("ISO"), None),
            "sql" => (Some("SQL"), None),
            _ if starts("postgres") => (Some("Postgres"), None),
            "german" => {
                german = true;
                (Some("German"), None)
            }
            "ymd" => (None, Some("YMD")),
            "dmy" => (None, Some("DMY")),
            _ if starts("euro") => (None, Some("DMY")),
            "mdy" | "us" => (None, Some("MDY")),
            _ if starts("noneuro") => (None, Some("MDY")),
            // Only where nothing was said before.
            "default" => (
                style.is_none().then_some("ISO"),
                order.is_none().then(|| order_of(default)),
            ),
            _ => return Err(Refusal::Invalid(Some("Unrecognized key word.".to_owned()))),
        };
        for (known, asked) in [(&mut style, asked_style), (&mut order, asked_order)] {
            match (&known, asked) {
                (Some(known), Some(asked)) if *known != asked => {
                    return Err(Refusal::Invalid(Some(
                        "Conflicting \"datestyle\" specifications.".to_owned(),
                    )));
                }
                (None, Some(asked)) => *known = Some(asked),
                _ => {}
            }
        }
    }
    match german || style.is_some_and(|style| style != "ISO") {
        true => Err(Refusal::Style),
        false => Ok(format!("ISO, {}", order.unwrap_or_else(|| order_of(current)))),
    }
}

fn order_of(style: &str) -> &'static str {
    match style.rsplit(',').next().map(str::trim) {
        Some("DMY") => "DMY",
        Some("YMD") => "YMD",
        _ => "MDY",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_stays_until_another_is_named() {
        for (text, current, shown) in [
            ("iso", "ISO, DMY", "ISO, DMY"),
            ("us", "ISO, DMY", "ISO, MDY"),
            ("euro", "ISO, MDY", "ISO, DMY"),
            ("ymd, iso", "ISO, MDY", "ISO, YMD"),
            ("default", "ISO, DMY", "ISO, MDY"),
            ("", "ISO, DMY", "ISO, DMY"),
        ] {
            assert_eq!(
                normalise(text, current, "ISO, MDY").as_deref(),
                Ok(shown),
                "{text}"
            );
        }
        for text in ["sql", "german", "Postgres, MDY", "dmy, sql"] {
            assert_eq!(
                normalise(text, "ISO, MDY", "ISO, MDY"),
                Err(Refusal::Style),
                "{text}"
            );
        }
        for text in ["dm", "iso, sql", "mdy, dmy", "iso,,dmy"] {
            let refused = normalise(text, "ISO, MDY", "ISO, MDY");
            assert!(matches!(refused, Err(Refusal::Invalid(_))), "{text}");
        }
    }
}
