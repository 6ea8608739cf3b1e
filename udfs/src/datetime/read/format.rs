//! Times read by a pattern, as `to_date` and `to_timestamp` do (PostgreSQL's `src/backend/utils/adt/formatting.c`).

use super::super::calendar::{self, DAY};
use super::super::pattern::keywords::{KEYWORDS, Key};
use super::super::pattern::{MONTHS, ROMAN};
use super::Problem;

/// What a pattern is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Node {
    /// A blank or a sign, which stands for any other or for nothing.
    Separator,
    /// A character that stands for any one character.
    Character(char),
    Field {
        key: Key,
        /// `FM`: as many digits as there are.
        fill: bool,
        /// `TH` behind it.
        ordinal: bool,
    },
}

/// A pattern of `to_timestamp`.
#[derive(Debug)]
pub struct Format {
    nodes: Vec<Node>,
    /// It says what is read by no other parts of it.
    refused: Option<&'static str>,
}

impl Format {
    /// Every text is a pattern.
    #[must_use]
    pub fn parse(pattern: &str) -> Self {
        let (mut nodes, mut refused) = (Vec::new(), None);
        let mut rest = pattern;
        while !rest.is_empty() {
            let mut fill = false;
            let folded = |prefix: &str| {
                rest.get(..2)
                    .is_some_and(|head| head.eq_ignore_ascii_case(prefix))
            };
            if folded("FM") || folded("TM") {
                fill = folded("FM");
                rest = &rest[2..];
            }
            let keyword = KEYWORDS
                .iter()
                .find_map(|(word, key)| Some((*key, rest.strip_prefix(word)?)));
            if let Some((key, after)) = keyword {
                let ordinal = after.starts_with("TH") || after.starts_with("th");
                rest = if ordinal { &after[2..] } else { after };
                match key {
                    Key::Exact => refused = Some("FX in a pattern that a time is read by"),
                    Key::ZoneName(_) | Key::Offset => {
                        refused = Some("formatting field \"TZ\" is only supported in to_char");
                    }
                    Key::OffsetHours | Key::OffsetMinutes => {
                        refused = Some("TZH in a pattern that a time is read by");
                    }
                    Key::YearWithComma | Key::IsoDayOfYear | Key::WeekOfMonth => {
                        refused = Some("Y,YYY, IDDD and W in a pattern that a time is read by");
                    }
                    _ => {}
                }
                nodes.push(Node::Field { key, fill, ordinal });
                continue;
            }
            rest = literal(rest, &mut nodes);
        }
        Self { nodes, refused }
    }

    /// Microseconds since 1970 that the clock shows.
    ///
    /// # Errors
    /// [`Problem::Syntax`] for what the pattern does not fit, [`Problem::Range`] for a part that is none.
    pub fn read(&self, text: &str) -> Result<i64, Problem> {
        if let Some(refused) = self.refused {
            return Err(Problem::Unsupported(refused));
        }
        let mut found = Found::default();
        let mut left = Left { text, skipped: 0 };
        for (at, node) in self.nodes.iter().enumerate() {
            if left.text.is_empty() {
                break;
            }
            if at == 0 || matches!(node, Node::Field { .. }) {
                left.blanks();
            }
            match *node {
                Node::Separator => left.separator(),
                Node::Character(_) => left.character(),
                Node::Field { key, fill, ordinal } => {
                    let greedy =
                        fill || ordinal || self.nodes.get(at + 1).is_none_or(|next| !begins_with_digit(next));
                    found.field(key, greedy, &mut left)?;
                    if ordinal {
                        left.text = left.text.get(2..).unwrap_or_default();
                    }
                    left.skipped = 0;
                    left.blanks();
                }
            }
        }
        found.moment()
    }
}

/// A moment with so many digits behind its seconds; a half goes away from the year 2000, from which PostgreSQL counts.
fn rounded(at: i64, digits: u32) -> Option<i64> {
    const Y2000: i64 = 946_684_800_000_000;
    let unit = 10_i64.pow(6_u32.saturating_sub(digits));
    let since = at.checked_sub(Y2000)?;
    let away = since.unsigned_abs().checked_add(unit.unsigned_abs() / 2)? / unit.unsigned_abs();
    let cut = i64::try_from(away).ok()?.checked_mul(unit)?;
    (if since < 0 { -cut } else { cut }).checked_add(Y2000)
}

/// Adds a quoted text or one character; gives what follows it.
fn literal<'a>(text: &'a str, nodes: &mut Vec<Node>) -> &'a str {
    if let Some(quoted) = text.strip_prefix('"') {
        let mut characters = quoted.chars();
        while let Some(character) = characters.next() {
            match character {
                '"' => break,
                '\\' => nodes.push(Node::Character(characters.next().unwrap_or('\\'))),
                other => nodes.push(Node::Character(other)),
            }
        }
        return characters.as_str();
    }
    let text = match text.starts_with("\\\"") {
        true => text.get(1..).unwrap_or_default(),
        false => text,
    };
    let mut characters = text.chars();
    if let Some(character) = characters.next() {
        nodes.push(match is_separator(character) {
            true => Node::Separator,
            false => Node::Character(character),
        });
    }
    characters.as_str()
}

fn is_separator(character: char) -> bool {
    character.is_ascii_whitespace() || character == '\u{b}' || character.is_ascii_punctuation()
}

/// Whether what comes next is digits, so that a number before it must end by its length.
fn begins_with_digit(node: &Node) -> bool {
    match node {
        Node::Separator => false,
        Node::Character(character) => character.is_ascii_digit(),
        Node::Field { key, .. } => !matches!(
            key,
            Key::Half(..)
                | Key::Era(..)
                | Key::Month(_)
                | Key::ShortMonth(_)
                | Key::RomanMonth(_)
                | Key::Day(_)
                | Key::ShortDay(_)
        ),
    }
}

/// What is left of a text.
struct Left<'a> {
    text: &'a str,
    /// Blanks that were passed over beyond what the pattern has.
    skipped: i32,
}

impl Left<'_> {
    fn blanks(&mut self) {
        let rest = self
            .text
            .trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '\u{b}');
        self.skipped += i32::try_from(self.text.len() - rest.len()).unwrap_or(i32::MAX / 2);
        self.text = rest;
    }

    fn separator(&mut self) {
        self.skipped -= 1;
        if let Some(rest) = self.text.strip_prefix(is_separator) {
            self.text = rest;
            self.skipped += 1;
        }
    }

    fn character(&mut self) {
        if self.skipped > 0 {
            self.skipped -= 1;
            return;
        }
        let mut characters = self.text.chars();
        let _ = characters.next();
        self.text = characters.as_str();
    }

    /// A number of `length` characters, or of as many as there are; with how many there were.
    fn number(&mut self, length: usize, greedy: bool) -> Result<(i64, usize), Problem> {
        self.blanks();
        let end = match greedy {
            true => self.text.len(),
            false => self
                .text
                .char_indices()
                .nth(length)
                .map_or(self.text.len(), |(at, _)| at),
        };
        let part = self.text.get(..end).unwrap_or_default();
        let signed = usize::from(part.starts_with(['+', '-']));
        let digits = part.bytes().skip(signed).take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            return Err(Problem::Syntax);
        }
        let (number, rest) = self.text.split_at(signed + digits);
        self.text = rest;
        let number: i32 = number.parse().map_err(|_| Problem::Range)?;
        Ok((number.into(), signed + digits))
    }

    /// One of some words; its place.
    fn word<'w>(&mut self, words: impl IntoIterator<Item = &'w str>) -> Result<i64, Problem> {
        for (place, word) in words.into_iter().enumerate() {
            if let Some(head) = self.text.get(..word.len())
                && head.eq_ignore_ascii_case(word)
            {
                self.text = self.text.get(word.len()..).unwrap_or_default();
                return Ok(place as i64);
            }
        }
        Err(Problem::Syntax)
    }
}

const WEEKDAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

/// The parts of a time that a text said.
#[derive(Debug, Default)]
struct Found {
    year: Option<i64>,
    /// Digits of the year's keyword.
    digits: usize,
    iso_year: Option<i64>,
    century: Option<i64>,
    before_christ: bool,
    month: Option<i64>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    weekday: Option<i64>,
    week: Option<i64>,
    iso_week: Option<i64>,
    julian: Option<i64>,
    hour: Option<i64>,
    minute: Option<i64>,
    second: Option<i64>,
    seconds: Option<i64>,
    micros: i64,
    /// Digits behind the seconds that it is rounded to.
    precision: Option<u32>,
    twelve: bool,
    afternoon: bool,
    /// Keywords of the one calendar, and of the other.
    calendars: (bool, bool),
}

/// Sets a part; two that say different things are none.
fn set(part: &mut Option<i64>, value: i64) -> Result<(), Problem> {
    match part.replace(value) {
        Some(other) if other != value && other != 0 => Err(Problem::Syntax),
        _ => Ok(()),
    }
}

/// A year of fewer than four digits is the nearest to 2020.
fn near_2020(year: i64) -> i64 {
    match year {
        0..70 => year + 2000,
        70..100 => year + 1900,
        100..520 => year + 2000,
        520..1000 => year + 1000,
        _ => year,
    }
}

impl Found {
    fn field(&mut self, key: Key, greedy: bool, left: &mut Left<'_>) -> Result<(), Problem> {
        let short = |word: &'static str| &word[..3];
        match key {
            Key::Year(_)
            | Key::Month(_)
            | Key::ShortMonth(_)
            | Key::RomanMonth(_)
            | Key::MonthNumber
            | Key::DayOfMonth
            | Key::DayOfYear
            | Key::Week
            | Key::DayOfWeek => self.calendars.0 = true,
            Key::IsoYear(_) | Key::IsoWeek | Key::IsoDayOfWeek => self.calendars.1 = true,
            _ => {}
        }
        if self.calendars == (true, true) {
            return Err(Problem::Syntax);
        }
        match key {
            Key::Year(length) | Key::IsoYear(length) => {
                let (mut year, digits) = left.number(length, greedy)?;
                if length < 4 && digits < 4 {
                    year = near_2020(year);
                }
                self.digits = length;
                let part = match key {
                    Key::Year(_) => &mut self.year,
                    _ => &mut self.iso_year,
                };
                set(part, year)
            }
            Key::Century => set(&mut self.century, left.number(2, greedy)?.0),
            Key::Era(_, points) => {
                let words = if points { ["A.D.", "B.C."] } else { ["AD", "BC"] };
                self.before_christ = left.word(words)? == 1;
                Ok(())
            }
            Key::Half(_, points) => {
                let words = if points { ["A.M.", "P.M."] } else { ["AM", "PM"] };
                self.afternoon = left.word(words)? == 1;
                self.twelve = true;
                Ok(())
            }
            Key::Month(_) => set(&mut self.month, left.word(MONTHS)? + 1),
            Key::ShortMonth(_) => set(&mut self.month, left.word(MONTHS.map(short))? + 1),
            Key::RomanMonth(_) => {
                // The longer ones are tried first: I begins II.
                let place = left.word(ROMAN_BY_LENGTH)?;
                let word = ROMAN_BY_LENGTH[usize::try_from(place).unwrap_or(0)];
                let month = ROMAN.iter().position(|roman| *roman == word).unwrap_or(0);
                set(&mut self.month, month as i64 + 1)
            }
            Key::MonthNumber => set(&mut self.month, left.number(2, greedy)?.0),
            Key::Day(_) => set(&mut self.weekday, left.word(WEEKDAYS)?),
            Key::ShortDay(_) => set(&mut self.weekday, left.word(WEEKDAYS.map(short))?),
            Key::DayOfMonth => set(&mut self.day, left.number(2, greedy)?.0),
            Key::DayOfYear => set(&mut self.day_of_year, left.number(3, greedy)?.0),
            Key::DayOfWeek => set(&mut self.weekday, left.number(1, greedy)?.0 - 1),
            Key::IsoDayOfWeek => set(&mut self.weekday, left.number(1, greedy)?.0 % 7),
            Key::Week => set(&mut self.week, left.number(2, greedy)?.0),
            Key::IsoWeek => set(&mut self.iso_week, left.number(2, greedy)?.0),
            // A quarter is read, and means nothing.
            Key::Quarter => left.number(1, greedy).map(drop),
            Key::Julian => set(&mut self.julian, left.number(usize::MAX, true)?.0),
            Key::Hour12 => {
                self.twelve = true;
                set(&mut self.hour, left.number(2, greedy)?.0)
            }
            Key::Hour24 => set(&mut self.hour, left.number(2, greedy)?.0),
            Key::Minute => set(&mut self.minute, left.number(2, greedy)?.0),
            Key::Second => set(&mut self.second, left.number(2, greedy)?.0),
            Key::SecondsOfDay => set(&mut self.seconds, left.number(5, greedy)?.0),
            Key::Fraction(length) | Key::Precision(length) => {
                if matches!(key, Key::Precision(_)) {
                    self.precision = Some(length);
                }
                let (value, digits) = left.number(length as usize, greedy)?;
                let missing = 6_i64 - digits as i64;
                let micros = match u32::try_from(missing) {
                    Ok(missing) => value * 10_i64.pow(missing),
                    Err(_) => return Err(Problem::Range),
                };
                self.micros += micros;
                Ok(())
            }
            Key::Exact
            | Key::YearWithComma
            | Key::IsoDayOfYear
            | Key::WeekOfMonth
            | Key::ZoneName(_)
            | Key::Offset
            | Key::OffsetHours
            | Key::OffsetMinutes => Err(Problem::Unsupported("this pattern")),
        }
    }

    fn clock(&self) -> Result<i64, Problem> {
        let (mut hour, mut minute, mut second) = (
            self.hour.unwrap_or(0),
            self.minute.unwrap_or(0),
            self.second.unwrap_or(0),
        );
        if let Some(seconds) = self.seconds {
            (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        }
        if self.twelve {
            if !(1..=12).contains(&hour) {
                return Err(Problem::Syntax);
            }
            hour = hour % 12 + if self.afternoon { 12 } else { 0 };
        }
        let whole = (0..24).contains(&hour) && (0..60).contains(&minute) && (0..60).contains(&second);
        match whole && (0..1_000_000).contains(&self.micros) {
            true => Ok((hour * 3600 + minute * 60 + second) * 1_000_000 + self.micros),
            false => Err(Problem::Range),
        }
    }

    /// The year, in which 0 is 1 BC.
    fn astronomical(&self) -> i64 {
        let bc = self.before_christ;
        match (self.year.or(self.iso_year), self.century) {
            (Some(year), Some(century)) if self.digits <= 2 => {
                let within = year % 100;
                let century = if bc { -century } else { century };
                match (within, century) {
                    (0, 0..) => century * 100,
                    (_, 0..) => (century - 1) * 100 + within,
                    (0, _) => century * 100 + 1,
                    _ => (century + 1) * 100 - within + 1,
                }
            }
            (Some(year), _) => {
                let year = if bc { -year } else { year };
                // There is no year 0, and ours is 1 BC.
                if year < 0 { year + 1 } else { year }
            }
            (None, Some(century)) => {
                let century = if bc { -century } else { century };
                match century {
                    0.. => (century - 1) * 100 + 1,
                    _ => century * 100 + 1,
                }
            }
            (None, None) => 0,
        }
    }

    fn moment(&self) -> Result<i64, Problem> {
        let clock = self.clock()?;
        let year = self.astronomical();
        let day = match (self.julian, self.iso_week, self.week, self.day_of_year) {
            (Some(julian), ..) => julian - calendar::EPOCH,
            (_, Some(week), ..) => {
                let day = self.weekday.map_or(1, |day| if day == 0 { 7 } else { day });
                if !(1..=53).contains(&week) {
                    return Err(Problem::Range);
                }
                calendar::iso_start(year) + (week - 1) * 7 + day - 1 - calendar::EPOCH
            }
            (_, _, Some(week), _) => self.nth(year, (week - 1) * 7 + 1)?,
            (_, _, _, Some(nth)) if self.month.unwrap_or(1) <= 1 || self.day.unwrap_or(1) <= 1 => {
                self.nth(year, nth)?
            }
            _ => {
                let (month, day) = (self.month.unwrap_or(1), self.day.unwrap_or(1));
                // A part that is 0 is as one that was not said.
                super::days(
                    year,
                    if month == 0 { 1 } else { month },
                    if day == 0 { 1 } else { day },
                )
                .ok_or(Problem::Range)?
            }
        };
        if !super::DAYS.contains(&day) {
            return Err(Problem::Range);
        }
        let at = day.checked_mul(DAY).and_then(|day| day.checked_add(clock));
        match self.precision {
            Some(digits) => at.and_then(|at| rounded(at, digits)),
            None => at,
        }
        .ok_or(Problem::Range)
    }

    /// A day of a year, from 1.
    fn nth(&self, year: i64, nth: i64) -> Result<i64, Problem> {
        if self.year.is_none() && self.century.is_none() {
            return Err(Problem::Syntax);
        }
        let length = calendar::julian(year + 1, 1, 1) - calendar::julian(year, 1, 1);
        match (1..=length).contains(&nth) {
            true => Ok(calendar::julian(year, 1, 1) + nth - 1 - calendar::EPOCH),
            false => Err(Problem::Range),
        }
    }
}

const ROMAN_BY_LENGTH: [&str; 12] = [
    "VIII", "VII", "III", "XII", "VI", "IV", "II", "IX", "XI", "V", "I", "X",
];
