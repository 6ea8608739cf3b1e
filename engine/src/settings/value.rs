//! Values of settings: what each kind takes, and how it is written.

use super::{styles, zones};

/// What a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Bool,
    Text,
    /// At most 63 printable ASCII characters; others become `?`, as in PostgreSQL.
    Name,
    Enum(&'static [&'static str]),
    /// Least and greatest.
    Integer(i32, i32),
    /// A number with a unit from `ms` to `d`, at most 2^31 - 1 ms.
    Milliseconds,
    /// Names, separated by commas.
    Names,
    Zone,
    Encoding,
    DateStyle,
    /// A number, or nothing.
    Epoch,
    /// Voxels, at most 1000, or `whole`.
    Margin,
}

impl Kind {
    /// The value as it is kept and shown. The error is a hint.
    pub(crate) fn normalise(self, text: &str) -> Result<String, Option<String>> {
        let value = text.trim();
        match self {
            Self::Text => Ok(text.to_owned()),
            Self::Name => Ok(text
                .chars()
                .take(63)
                .map(|c| if (' '..='~').contains(&c) { c } else { '?' })
                .collect()),
            Self::Bool => bool_value(value)
                .map(|on| if on { "on" } else { "off" }.to_owned())
                .ok_or(None),
            Self::Enum(values) => {
                let bool_text = || bool_value(value).map(|on| if on { "on" } else { "off" });
                let found = values.iter().find(|known| known.eq_ignore_ascii_case(value));
                let found = found.or_else(|| values.iter().find(|known| Some(**known) == bool_text()));
                found
                    .map(|known| (*known).to_owned())
                    .ok_or_else(|| Some(format!("Available values: {}.", values.join(", "))))
            }
            Self::Integer(least, greatest) => match value.parse::<i32>() {
                Ok(number) if (least..=greatest).contains(&number) => Ok(number.to_string()),
                _ => Err(Some(format!("An integer from {least} to {greatest}."))),
            },
            Self::Milliseconds => match milliseconds(value) {
                Some(number) => Ok(duration(number)),
                None => Err(Some(
                    "Valid units for this parameter are \"us\", \"ms\", \"s\", \"min\", \"h\", and \"d\"."
                        .to_owned(),
                )),
            },
            Self::Names => Ok(names(text)
                .iter()
                .map(|name| quoted(name))
                .collect::<Vec<_>>()
                .join(", ")),
            Self::Zone => zones::normalise(value).map(|(_, shown)| shown).map_err(|_| None),
            // As in PostgreSQL, only letters and digits count: asyncpg sends the name in quotes.
            Self::Encoding => match value
                .to_ascii_lowercase()
                .replace(|c: char| !c.is_ascii_alphanumeric(), "")
                .as_str()
            {
                "utf8" | "unicode" => Ok("UTF8".to_owned()),
                _ => Err(Some("Only UTF8 is supported.".to_owned())),
            },
            Self::DateStyle => styles::normalise(value, "ISO, MDY", "ISO, MDY").map_err(|_| None),
            Self::Margin => match value.parse::<u16>() {
                Ok(voxels @ 0..=1000) => Ok(voxels.to_string()),
                _ if value.eq_ignore_ascii_case("whole") => Ok("whole".to_owned()),
                _ => Err(Some("Voxels from 0 to 1000, or whole.".to_owned())),
            },
            Self::Epoch => match value {
                "" => Ok(String::new()),
                number => number
                    .parse::<u64>()
                    .map(|n| n.to_string())
                    .map_err(|_| Some("A number of system.epochs.".to_owned())),
            },
        }
    }

    /// `pg_settings.vartype`.
    pub(crate) fn vartype(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Enum(_) => "enum",
            Self::Integer(..) | Self::Milliseconds => "integer",
            _ => "string",
        }
    }

    /// `pg_settings.unit`.
    pub(crate) fn unit(self) -> Option<&'static str> {
        (self == Self::Milliseconds).then_some("ms")
    }
}

fn bool_value(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "on" | "true" | "yes" | "1" | "t" | "y" => Some(true),
        "off" | "false" | "no" | "0" | "f" | "n" => Some(false),
        _ => None,
    }
}

/// A duration such as `1500`, `2s`, `1.5 min`, in milliseconds.
pub(crate) fn milliseconds(text: &str) -> Option<u64> {
    let text = text.trim();
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || c == '.'))
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let scale = match unit.trim() {
        "" | "ms" => 1.0,
        "us" => 0.001,
        "s" => 1e3,
        "min" => 60e3,
        "h" => 3_600e3,
        "d" => 86_400e3,
        _ => return None,
    };
    let number = (number.parse::<f64>().ok()? * scale).round();
    (number <= f64::from(i32::MAX)).then_some(number as u64)
}

/// In the greatest unit that leaves no remainder, as SHOW does.
fn duration(milliseconds: u64) -> String {
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s")];
    match units
        .iter()
        .find(|(size, _)| milliseconds > 0 && milliseconds.is_multiple_of(*size))
    {
        Some((size, unit)) => format!("{}{unit}", milliseconds / size),
        None if milliseconds == 0 => "0".to_owned(),
        None => format!("{milliseconds}ms"),
    }
}

/// The names of a list; quoted ones keep their case.
fn names(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''));
        let name = match quote {
            Some(quote) => {
                let body = rest.get(1..).unwrap_or_default();
                let end = body.find(quote).unwrap_or(body.len());
                rest = body.get(end + 1..).unwrap_or_default();
                body.get(..end).unwrap_or_default().to_owned()
            }
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                let name = rest.get(..end).unwrap_or_default().trim().to_owned();
                rest = rest.get(end..).unwrap_or_default();
                name
            }
        };
        if !name.is_empty() {
            names.push(name);
        }
        rest = rest.trim_start().trim_start_matches(',').trim_start();
    }
    names
}

/// The schemas of a `search_path`, with `$user` replaced.
pub(crate) fn search_path(value: &str, role: &str) -> Vec<String> {
    names(value)
        .into_iter()
        .map(|name| if name == "$user" { role.to_owned() } else { name })
        .collect()
}

fn quoted(name: &str) -> String {
    let plain = name
        .chars()
        .next()
        .is_some_and(|c| c.is_ascii_lowercase() || c == '_')
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if plain {
        name.to_owned()
    } else {
        format!("\"{name}\"")
    }
}
