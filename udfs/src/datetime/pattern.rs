//! Patterns of `to_char` for dates, times and intervals (PostgreSQL's `src/backend/utils/adt/formatting.c`).

pub(super) mod keywords;
pub(super) mod number;

use datafusion::common::exec_err;
use datafusion::error::Result;

use self::keywords::{Case, KEYWORDS, Key};
use super::calendar::{self, DAY};
use super::value::{Value, Zone};

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const DAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

pub(super) const ROMAN: [&str; 12] = [
    "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII",
];

/// A keyword with what stands before and after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Field {
    key: Key,
    /// `FM` or, for names, `TM`: without blanks and zeros in front or behind.
    bare: bool,
    /// `FM`.
    fill: bool,
    /// `TH` or `th`.
    ordinal: Option<Case>,
}

#[derive(Debug, PartialEq, Eq)]
enum Node {
    Text(String),
    Field(Field),
}

/// A pattern, taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Pattern {
    nodes: Vec<Node>,
}

impl Pattern {
    /// Every text is a pattern: what is no keyword stands for itself.
    pub(super) fn parse(text: &str) -> Self {
        let mut pattern = Pattern::default();
        let mut rest = text;
        while !rest.is_empty() {
            let (mut fill, mut translated) = (false, false);
            if let Some(after) = rest.strip_prefix("FM").or_else(|| rest.strip_prefix("fm")) {
                (fill, rest) = (true, after);
            } else if let Some(after) = rest.strip_prefix("TM").or_else(|| rest.strip_prefix("tm")) {
                (translated, rest) = (true, after);
            }
            let keyword = KEYWORDS
                .iter()
                .find_map(|(word, key)| Some((*key, rest.strip_prefix(word)?)));
            rest = match keyword {
                Some((key, after)) => {
                    let (ordinal, after) = postfix(after);
                    pattern.nodes.push(Node::Field(Field {
                        key,
                        bare: fill || translated,
                        fill,
                        ordinal,
                    }));
                    after
                }
                None => pattern.literal(rest),
            };
        }
        pattern
    }

    /// Adds a quoted text or one character; gives what follows it.
    fn literal<'a>(&mut self, text: &'a str) -> &'a str {
        if let Some(quoted) = text.strip_prefix('"') {
            let mut characters = quoted.chars();
            while let Some(character) = characters.next() {
                match character {
                    '"' => break,
                    '\\' => self.push(characters.next().unwrap_or('\\')),
                    other => self.push(other),
                }
            }
            return characters.as_str();
        }
        // Before a quotation mark only does a backslash mean something here.
        let text = match text.starts_with("\\\"") {
            true => text.get(1..).unwrap_or_default(),
            false => text,
        };
        let mut characters = text.chars();
        if let Some(character) = characters.next() {
            self.push(character);
        }
        characters.as_str()
    }

    fn push(&mut self, character: char) {
        match self.nodes.last_mut() {
            Some(Node::Text(text)) => text.push(character),
            _ => self.nodes.push(Node::Text(character.to_string())),
        }
    }

    /// Appends a value to `out`.
    pub(super) fn write(&self, parts: &Parts, out: &mut String) -> Result<()> {
        for node in &self.nodes {
            match node {
                Node::Text(text) => out.push_str(text),
                Node::Field(field) => field.write(parts, out)?,
            }
        }
        Ok(())
    }
}

/// The ending of an ordinal number, and `SP`, which PostgreSQL reads and leaves.
fn postfix(text: &str) -> (Option<Case>, &str) {
    for (word, ordinal) in [("TH", Some(Case::Upper)), ("th", Some(Case::Lower)), ("SP", None)] {
        if let Some(after) = text.strip_prefix(word) {
            return (ordinal, after);
        }
    }
    (None, text)
}

/// A value, taken apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parts {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    micros: i64,
    weekday: i64,
    day_of_year: i64,
    /// Seconds ahead of UTC.
    offset: i64,
    /// The zone of a timestamptz, and the moment.
    zone: Option<(Zone, i64)>,
    is_interval: bool,
}

impl Parts {
    /// `zone` is the one of a timestamptz. A time is an interval, as in PostgreSQL.
    pub(super) fn new(value: Value, zone: Option<Zone>) -> Result<Self> {
        let (at, offset, moment) = match value {
            Value::Date(days) => (days.saturating_mul(DAY), 0, None),
            Value::Timestamp(at) => (at, 0, None),
            Value::Timestamptz { at, offset } => match at.checked_add(offset * 1_000_000) {
                Some(local) => (local, offset, zone.map(|zone| (zone, at))),
                None => return exec_err!("timestamp out of range"),
            },
            Value::Time(micros) => return Ok(Self::interval(0, 0, micros)),
            Value::Interval { months, days, micros } => return Ok(Self::interval(months, days, micros)),
        };
        let (days, micros) = (at.div_euclid(DAY), at.rem_euclid(DAY));
        let (year, month, day) = calendar::date(days);
        let julian = days + calendar::EPOCH;
        Ok(Self {
            year,
            month,
            day,
            weekday: calendar::weekday(julian),
            day_of_year: julian - calendar::julian(year, 1, 1) + 1,
            offset,
            zone: moment,
            is_interval: false,
            ..Self::interval(0, 0, micros)
        })
    }

    fn interval(months: i64, days: i64, micros: i64) -> Self {
        Self {
            year: months / 12,
            month: months % 12,
            day: days,
            hour: micros / 3_600_000_000,
            minute: micros / 60_000_000 % 60,
            second: micros / 1_000_000 % 60,
            micros: micros % 1_000_000,
            weekday: 0,
            // Of days, about as many.
            day_of_year: months * 30 + days,
            offset: 0,
            zone: None,
            is_interval: true,
        }
    }

    /// A year as it is written: there is none before 1.
    fn shown(&self, year: i64) -> i64 {
        if self.is_interval || year > 0 {
            year
        } else {
            1 - year
        }
    }

    fn iso_year(&self) -> i64 {
        calendar::iso_year(self.year, self.month, self.day)
    }
}

fn named(names: &[&'static str], at: i64) -> &'static str {
    let at = usize::try_from(at).ok();
    at.and_then(|at| names.get(at).copied()).unwrap_or_default()
}

fn short(name: &str) -> &str {
    name.get(..3).unwrap_or(name)
}

impl Field {
    fn write(&self, parts: &Parts, out: &mut String) -> Result<()> {
        // With a sign, a number is one wider.
        let signed = |width: usize, of: i64| width + usize::from(of < 0);
        match self.key {
            Key::Half(case, points) => {
                let half = match (parts.hour % 24 >= 12, points) {
                    (false, false) => "AM",
                    (false, true) => "A.M.",
                    (true, false) => "PM",
                    (true, true) => "P.M.",
                };
                out.push_str(&case.of(half));
            }
            Key::Hour12 => {
                let hour = match parts.hour % 12 {
                    0 => 12,
                    hour => hour,
                };
                self.number(out, hour, signed(2, parts.hour));
            }
            Key::Hour24 => self.number(out, parts.hour, signed(2, parts.hour)),
            Key::Minute => self.number(out, parts.minute, signed(2, parts.minute)),
            Key::Second => self.number(out, parts.second, signed(2, parts.second)),
            Key::Fraction(digits) | Key::Precision(digits) => {
                let width = usize::try_from(digits).unwrap_or_default();
                let fraction = parts.micros / 10_i64.pow(6 - digits);
                self.numeral(out, &format!("{fraction:0width$}"));
            }
            Key::SecondsOfDay => {
                let seconds = parts.hour * 3600 + parts.minute * 60 + parts.second;
                self.number(out, seconds, 0);
            }
            Key::MonthNumber => self.number(out, parts.month, signed(2, parts.month)),
            Key::DayOfMonth => self.number(out, parts.day, 2),
            Key::DayOfYear => self.number(out, parts.day_of_year, 3),
            Key::IsoDayOfYear => {
                let day = calendar::iso_day(parts.year, parts.month, parts.day);
                self.number(out, day, 3);
            }
            Key::Week => self.number(out, (parts.day_of_year - 1) / 7 + 1, 2),
            Key::IsoWeek => {
                let week = calendar::iso_week(parts.year, parts.month, parts.day);
                self.number(out, week, 2);
            }
            Key::WeekOfMonth => self.number(out, (parts.day - 1) / 7 + 1, 0),
            Key::Quarter => {
                if parts.month != 0 {
                    self.number(out, (parts.month - 1) / 3 + 1, 0);
                }
            }
            Key::Century => {
                let century = match (parts.is_interval, parts.year > 0) {
                    (true, _) => parts.year / 100,
                    (false, true) => (parts.year - 1) / 100 + 1,
                    (false, false) => parts.year / 100 - 1,
                };
                self.number(out, century, signed(2, century));
            }
            Key::Year(digits) => self.year(out, parts, parts.year, digits),
            Key::IsoYear(digits) => self.year(out, parts, parts.iso_year(), digits),
            Key::YearWithComma => {
                let year = parts.shown(parts.year);
                self.numeral(out, &format!("{},{:03}", year / 1000, year % 1000));
            }
            Key::Julian => {
                let day = calendar::julian(parts.year, parts.month, parts.day);
                self.number(out, day, 0);
            }
            Key::RomanMonth(case) => {
                // Months of an interval may be missing or negative: years alone are December.
                let month = match (parts.month, parts.year) {
                    (0, 0) => return Ok(()),
                    (0, year) => {
                        if year >= 0 {
                            12
                        } else {
                            1
                        }
                    }
                    (month, _) if month < 0 => 13 + month,
                    (month, _) => month,
                };
                self.word(out, &case.of(named(&ROMAN, month - 1)), 4);
            }
            Key::Exact => {}
            _ if parts.is_interval => {
                return exec_err!("invalid format specification for an interval value");
            }
            Key::Era(case, points) => {
                let era = match (parts.year > 0, points) {
                    (true, false) => "AD",
                    (true, true) => "A.D.",
                    (false, false) => "BC",
                    (false, true) => "B.C.",
                };
                out.push_str(&case.of(era));
            }
            Key::Month(case) => self.word(out, &case.of(named(&MONTHS, parts.month - 1)), 9),
            Key::ShortMonth(case) => out.push_str(&case.of(short(named(&MONTHS, parts.month - 1)))),
            Key::Day(case) => self.word(out, &case.of(named(&DAYS, parts.weekday)), 9),
            Key::ShortDay(case) => out.push_str(&case.of(short(named(&DAYS, parts.weekday)))),
            Key::DayOfWeek => self.number(out, parts.weekday + 1, 0),
            Key::IsoDayOfWeek => {
                let day = match parts.weekday {
                    0 => 7,
                    day => day,
                };
                self.number(out, day, 0);
            }
            Key::ZoneName(case) => {
                if let Some((zone, at)) = parts.zone {
                    let name = zone.abbreviation(at)?;
                    match case {
                        Case::Lower => out.push_str(&name.to_lowercase()),
                        _ => out.push_str(&name),
                    }
                }
            }
            Key::Offset | Key::OffsetHours => {
                let width = match (self.key, self.fill) {
                    (Key::Offset, true) => 0,
                    _ => 2,
                };
                let sign = if parts.offset < 0 { '-' } else { '+' };
                let (hours, minutes) = (parts.offset.abs() / 3600, parts.offset.abs() / 60 % 60);
                out.push_str(&format!("{sign}{hours:0width$}"));
                if self.key == Key::Offset && parts.offset % 3600 != 0 {
                    out.push_str(&format!(":{minutes:02}"));
                }
            }
            Key::OffsetMinutes => out.push_str(&format!("{:02}", parts.offset.abs() / 60 % 60)),
        }
        Ok(())
    }

    /// A number of at least `width` characters.
    fn number(&self, out: &mut String, number: i64, width: usize) {
        let width = if self.fill { 0 } else { width };
        self.numeral(out, &format!("{number:0width$}"));
    }

    fn year(&self, out: &mut String, parts: &Parts, year: i64, digits: usize) {
        let width = match digits {
            1 => 1,
            _ => digits + usize::from(parts.shown(parts.year) < 0),
        };
        let shown = parts.shown(year);
        let shown = match digits {
            1 => shown % 10,
            2 => shown % 100,
            3 => shown % 1000,
            _ => shown,
        };
        self.number(out, shown, width);
    }

    /// A word with blanks behind it up to `width`.
    fn word(&self, out: &mut String, word: &str, width: usize) {
        let width = if self.bare { 0 } else { width };
        out.push_str(&format!("{word:<width$}"));
    }

    /// A number's digits, and what makes it an ordinal one.
    fn numeral(&self, out: &mut String, digits: &str) {
        out.push_str(digits);
        let Some(case) = self.ordinal else {
            return;
        };
        let mut digits = digits.bytes().rev();
        let (last, before) = (digits.next(), digits.next());
        let ending = match (before, last) {
            (Some(b'1'), _) => "TH",
            (_, Some(b'1')) => "ST",
            (_, Some(b'2')) => "ND",
            (_, Some(b'3')) => "RD",
            _ => "TH",
        };
        out.push_str(&case.of(ending));
    }
}
