//! The numbers in fields: dates, times of day and offsets from UTC.

use super::Problem;
use super::decode::{DATE, DAY, DAY_OF_YEAR, Decoded, MONTH, TIME, YEAR, ZONE};
use super::fields::Shape;
use super::words::{Word, word};
use super::{Order, Problem::Range, Problem::Syntax};

/// The number that a text begins with, 0 if it begins with none, and what is behind it.
pub(super) fn leading(text: &str) -> Result<(i64, &str), Problem> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    if digits.is_empty() {
        return Ok((0, rest));
    }
    match digits.parse::<i32>() {
        Ok(value) => Ok((value.into(), rest)),
        Err(_) => Err(Range),
    }
}

/// `.5` in microseconds, rounded to the nearest as floating point has it.
pub(super) fn fraction(text: &str) -> Result<i64, Problem> {
    if text == "." {
        return Ok(0);
    }
    let digits = text.strip_prefix('.').ok_or(Syntax)?;
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Syntax);
    }
    let part: f64 = format!("0{text}").parse().map_err(|_| Syntax)?;
    Ok((part * 1e6).round_ties_even() as i64)
}

/// Seconds east of Greenwich of `+02`, `-03:30`, `+0530`.
pub(super) fn offset(text: &str) -> Result<i32, Problem> {
    let east = match text.as_bytes().first() {
        Some(b'+') => true,
        Some(b'-') => false,
        _ => return Err(Syntax),
    };
    let beyond = |problem| match problem {
        Range => Problem::Displacement,
        other => other,
    };
    let (mut hours, mut rest) = leading(text.get(1..).unwrap_or_default()).map_err(beyond)?;
    let (mut minutes, mut seconds) = (0, 0);
    if let Some(after) = rest.strip_prefix(':') {
        (minutes, rest) = leading(after).map_err(beyond)?;
        if let Some(after) = rest.strip_prefix(':') {
            (seconds, rest) = leading(after).map_err(beyond)?;
        }
    } else if rest.is_empty() && text.len() > 3 {
        (hours, minutes) = (hours / 100, hours % 100);
    }
    if hours > 15 || minutes > 59 || seconds > 59 {
        return Err(Problem::Displacement);
    }
    if !rest.is_empty() {
        return Err(Syntax);
    }
    let size = i32::try_from((hours * 60 + minutes) * 60 + seconds).map_err(|_| Problem::Displacement)?;
    Ok(if east { size } else { -size })
}

impl Decoded {
    /// `10:30`, `10:30:00.5`, and `10:30.5`, which is minutes and seconds.
    pub(super) fn time(&mut self, text: &str) -> Result<u32, Problem> {
        let (hour, rest) = leading(text)?;
        let (minute, rest) = leading(rest.strip_prefix(':').ok_or(Syntax)?)?;
        (self.hour, self.minute, self.second, self.micros) = (hour, minute, 0, 0);
        if rest.starts_with('.') {
            self.micros = fraction(rest)?;
            (self.hour, self.minute, self.second) = (0, hour, minute);
        } else if let Some(rest) = rest.strip_prefix(':') {
            let (second, rest) = leading(rest)?;
            self.second = second;
            if !rest.is_empty() {
                self.micros = fraction(rest)?;
            }
        } else if !rest.is_empty() {
            return Err(Syntax);
        }
        match self.minute > 59 || self.second > 60 || self.micros > 1_000_000 {
            true => Err(Range),
            false => Ok(TIME),
        }
    }

    /// A date with separators.
    pub(super) fn date(&mut self, text: &str, known: u32) -> Result<u32, Problem> {
        let mut parts: Vec<&str> = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            rest = rest.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
            let first = rest.chars().next().ok_or(Syntax)?;
            let digits = first.is_ascii_digit();
            let belongs = |c: char| match digits {
                true => c.is_ascii_digit(),
                false => c.is_ascii_alphabetic(),
            };
            let end = rest.find(|c: char| !belongs(c)).unwrap_or(rest.len());
            parts.push(rest.get(..end).unwrap_or_default());
            // Whatever separates two parts is one character.
            rest = rest.get(end + 1..).unwrap_or_default();
        }
        let (mut found, mut text_month) = (0, false);
        let is_word = |part: &&str| part.starts_with(|c: char| c.is_ascii_alphabetic());
        for part in parts.iter().copied().filter(is_word) {
            match word(part) {
                Some(Word::Ignored) => {}
                Some(Word::Month(month)) if (known | found) & MONTH == 0 => {
                    self.month = month.into();
                    text_month = true;
                    found |= MONTH;
                }
                _ => return Err(Syntax),
            }
        }
        for part in parts.iter().copied().filter(|part| !is_word(part)) {
            let one = self.number(part, text_month, known | found)?;
            if (known | found) & one != 0 {
                return Err(Syntax);
            }
            found |= one;
        }
        match (known | found) & !(DAY_OF_YEAR | ZONE) == DATE {
            true => Ok(found),
            false => Err(Syntax),
        }
    }

    /// A single number, whose place says what it is.
    pub(super) fn number(&mut self, text: &str, text_month: bool, known: u32) -> Result<u32, Problem> {
        let (value, rest) = leading(text)?;
        if rest.len() == text.len() {
            return Err(Syntax);
        }
        if rest.starts_with('.') {
            if text.len() - rest.len() > 2 {
                return self.run_together(text, known | DATE).map(|(found, _)| found);
            }
            self.micros = fraction(rest)?;
        } else if !rest.is_empty() {
            return Err(Syntax);
        }
        let long = text.len() >= 3;
        if text.len() == 3 && known & DATE == YEAR && (1..=366).contains(&value) {
            self.day_of_year = value;
            return Ok(DAY_OF_YEAR | MONTH | DAY);
        }
        let part = match known & DATE {
            0 if long || self.order == Order::Ymd => YEAR,
            0 if self.order == Order::Dmy => DAY,
            0 => MONTH,
            YEAR => MONTH,
            MONTH if text_month && (long || self.order == Order::Ymd) => YEAR,
            MONTH => DAY,
            known if known == YEAR | MONTH => {
                if text_month && long && self.two_digits {
                    // The first number was taken for a year, and is the day.
                    self.day = self.year;
                    self.year = value;
                    self.two_digits = false;
                    return Ok(DAY);
                }
                DAY
            }
            DAY => MONTH,
            known if known == MONTH | DAY => YEAR,
            DATE => return self.run_together(text, known).map(|(found, _)| found),
            _ => return Err(Syntax),
        };
        match part {
            YEAR => {
                self.year = value;
                self.two_digits = text.len() <= 2;
            }
            MONTH => self.month = value,
            _ => self.day = value,
        }
        Ok(part)
    }

    /// `20250102`, `101112.5`, `1011`.
    pub(super) fn run_together(&mut self, text: &str, known: u32) -> Result<(u32, Shape), Problem> {
        let (digits, point) = match text.find('.') {
            Some(at) => {
                let (digits, rest) = text.split_at(at);
                self.micros = fraction(rest)?;
                (digits, true)
            }
            None => (text, false),
        };
        let part =
            |from: usize, to: usize| leading(digits.get(from..to).ok_or(Syntax)?).map(|(value, _)| value);
        let length = digits.len();
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Syntax);
        }
        if !point && known & DATE != DATE && length >= 6 {
            self.day = part(length - 2, length)?;
            self.month = part(length - 4, length - 2)?;
            self.year = part(0, length - 4)?;
            self.two_digits = length == 6;
            return Ok((DATE, Shape::Date));
        }
        if known & TIME != TIME && matches!(length, 4 | 6) {
            self.hour = part(0, 2)?;
            self.minute = part(2, 4)?;
            self.second = if length == 6 { part(4, 6)? } else { 0 };
            return Ok((TIME, Shape::Time));
        }
        Err(Syntax)
    }
}
