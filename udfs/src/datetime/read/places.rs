//! Names, abbreviations and offsets of time zones, as inputs, `AT TIME ZONE` and `SET TimeZone` take them.

use std::collections::HashMap;
use std::sync::LazyLock;

use chrono_tz::{TZ_VARIANTS, Tz};

use super::Problem;
use crate::datetime::value::Zone;

/// Abbreviations that PostgreSQL reads as an offset, in seconds, whatever the tz database says of them (`pg_timezone_abbrevs`).
#[rustfmt::skip]
const ABBREVIATIONS: [(&str, i32); 145] = [
    ("acdt", 37800), ("acsst", 37800), ("acst", 34200), ("act", -18000), ("acwst", 31500), ("adt", -10800), ("aedt",
    39600), ("aesst", 39600), ("aest", 36000), ("aft", 16200), ("akdt", -28800), ("akst", -32400), ("almst", 25200),
    ("almt", 21600), ("amt", -14400), ("ast", -14400), ("awsst", 32400), ("awst", 28800), ("azost", 0), ("azot", -3600),
    ("bdst", 7200), ("bdt", 21600), ("bnt", 28800), ("bort", 28800), ("bot", -14400), ("bra", -10800), ("brst", -7200),
    ("brt", -10800), ("bst", 3600), ("btt", 21600), ("cadt", 37800), ("cast", 34200), ("cct", 28800), ("cdt", -18000),
    ("cest", 7200), ("cet", 3600), ("cetdst", 7200), ("chadt", 49500), ("chast", 45900), ("chut", 36000), ("clst", -10800),
    ("cot", -18000), ("cst", -21600), ("cxt", 25200), ("ddut", 36000), ("eat", 10800), ("edt", -14400), ("eest", 10800),
    ("eet", 7200), ("eetdst", 10800), ("egst", 0), ("egt", -3600), ("est", -18000), ("fet", 10800), ("fjst", 46800),
    ("fjt", 43200), ("fnst", -3600), ("fnt", -7200), ("galt", -21600), ("gamt", -32400), ("gft", -10800), ("gilt", 43200),
    ("gmt", 0), ("hkt", 28800), ("hst", -36000), ("ict", 25200), ("idt", 10800), ("irt", 12600), ("ist", 7200), ("jayt",
    32400), ("jst", 32400), ("kdt", 36000), ("kgst", 21600), ("kst", 32400), ("lhst", 37800), ("ligt", 36000), ("mart",
    -34200), ("mdt", -21600), ("mest", 7200), ("mesz", 7200), ("met", 3600), ("metdst", 7200), ("mez", 3600), ("mht",
    43200), ("mmt", 23400), ("mpt", 36000), ("msd", 14400), ("mst", -25200), ("must", 18000), ("mut", 14400), ("mvt",
    18000), ("myt", 28800), ("ndt", -9000), ("nft", -12600), ("npt", 20700), ("nst", -12600), ("nzdt", 46800), ("nzst",
    43200), ("nzt", 43200), ("pdt", -25200), ("pet", -18000), ("pgt", 36000), ("pht", 28800), ("pkst", 21600), ("pkt",
    18000), ("pmdt", -7200), ("pmst", -10800), ("pont", 39600), ("pst", -28800), ("pwt", 32400), ("pyst", -10800), ("ret",
    14400), ("sadt", 37800), ("sast", 7200), ("sct", 14400), ("taht", -36000), ("tft", 18000), ("tjt", 18000), ("tot",
    46800), ("trut", 36000), ("tvt", 43200), ("uct", 0), ("ulast", 32400), ("ut", 0), ("utc", 0), ("uyst", -7200), ("uyt",
    -10800), ("uzst", 21600), ("uzt", 18000), ("vut", 39600), ("wadt", 28800), ("wakt", 43200), ("wast", 25200), ("wat",
    3600), ("wdt", 32400), ("wet", 0), ("wetdst", 3600), ("wft", 43200), ("wgst", -7200), ("wgt", -10800), ("xjt", 21600),
    ("yapt", 36000), ("yekst", 21600), ("z", 0), ("zulu", 0),
];

/// Abbreviations whose offset depends on the date.
#[rustfmt::skip]
const DATED: [&str; 50] = [
    "amst", "anast", "anat", "arst", "art", "azst", "azt", "ckt", "clt", "davt", "easst", "east", "fkst", "fkt", "gest",
    "get", "gyt", "iot", "irkst", "irkt", "kgt", "kost", "krast", "krat", "lhdt", "lint", "lkt", "magst", "magt", "mawt",
    "msk", "novst", "novt", "nut", "omsst", "omst", "petst", "pett", "pyt", "sgt", "tkt", "tmt", "ulat", "vet", "vlast",
    "vlat", "volt", "yakst", "yakt", "yekt",
];

/// An abbreviation, in whatever case; `None` if PostgreSQL knows none such.
pub(super) fn abbreviation(text: &str) -> Result<Option<Zone>, Problem> {
    let text = text.to_ascii_lowercase();
    if let Ok(at) = ABBREVIATIONS.binary_search_by(|(name, _)| (*name).cmp(&text)) {
        return Ok(ABBREVIATIONS.get(at).map(|(_, east)| Zone::Fixed(*east)));
    }
    match DATED.contains(&text.as_str()) {
        true => Err(Problem::Unsupported(
            "an abbreviation of a time zone whose offset depends on the date; name the zone",
        )),
        false => Ok(None),
    }
}

/// A zone of the tz database, in whatever case and its own spelling, or one that POSIX describes by an offset.
pub(super) fn named(text: &str) -> Result<Zone, Problem> {
    static ZONES: LazyLock<HashMap<String, Tz>> = LazyLock::new(|| {
        TZ_VARIANTS
            .iter()
            .map(|zone| (zone.name().to_lowercase(), *zone))
            .collect()
    });
    match ZONES.get(&text.to_lowercase()) {
        Some(zone) => Ok(Zone::Named(*zone)),
        None => posix(text).map(Zone::Fixed),
    }
}

/// Seconds east of Greenwich of `UTC+3`, `<+02>-02`, `-04:30`, where the sign counts to the west.
fn posix(text: &str) -> Result<i32, Problem> {
    let (name, rest) = match text.strip_prefix('<') {
        Some(quoted) => quoted.split_once('>').ok_or(Problem::UnknownZone)?,
        None => text.split_at(
            text.find(|c: char| c.is_ascii_digit() || "+-,".contains(c))
                .unwrap_or(text.len()),
        ),
    };
    if rest.is_empty() {
        return Err(Problem::UnknownZone);
    }
    let unsupported = Problem::Unsupported("this description of a time zone; name one of pg_timezone_names");
    if !name
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"+-:".contains(&b))
    {
        return Err(unsupported);
    }
    let (sign, digits) = match rest.strip_prefix('-') {
        Some(digits) => (1, digits),
        None => (-1, rest.strip_prefix('+').unwrap_or(rest)),
    };
    let end = digits
        .find(|c: char| !(c.is_ascii_digit() || c == ':'))
        .unwrap_or(digits.len());
    let (offset, summer) = digits.split_at(end);
    let parts: Vec<Option<i32>> = offset.split(':').map(|part| part.parse().ok()).collect();
    let (hours, minutes) = match parts.as_slice() {
        [Some(hours)] => (*hours, 0),
        [Some(hours), Some(minutes)] | [Some(hours), Some(minutes), Some(0)] if *minutes < 60 => {
            (*hours, *minutes)
        }
        [Some(_), Some(minutes), Some(seconds)] if *minutes < 60 && *seconds < 60 => return Err(unsupported),
        _ => return Err(Problem::UnknownZone),
    };
    match (hours, summer.is_empty()) {
        (0..24, true) => Ok(sign * (hours * 60 + minutes) * 60),
        (0..168, _) => Err(unsupported),
        _ => Err(Problem::UnknownZone),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn abbreviations_are_in_order() {
        assert!(ABBREVIATIONS.is_sorted());
        assert_eq!(abbreviation("PST"), Ok(Some(Zone::Fixed(-28_800))));
        assert_eq!(abbreviation("xyz"), Ok(None));
    }

    #[test]
    fn signs_of_posix_count_to_the_west() {
        for (text, east) in [
            ("+02", -7200),
            ("-04:30", 16_200),
            ("<+02>-02", 7200),
            ("UTC+3", -10_800),
        ] {
            assert_eq!(posix(text), Ok(east), "{text}");
        }
        for text in ["Mars", "foo/bar", "+2:99", "<x", "x200"] {
            assert_eq!(posix(text), Err(Problem::UnknownZone), "{text}");
        }
        assert!(matches!(posix("EST5XDT"), Err(Problem::Unsupported(_))));
    }
}
