//! What the fields of a date or time mean, as PostgreSQL's `DecodeDateTime` and `DecodeTimeOnly` find it.

use super::fields::{Field, Shape};
use super::numbers::{leading, offset};
use super::places;
use super::words::{Unit, Word, word};
use super::{Order, Problem, Problem::Range, Problem::Syntax};
use crate::datetime::calendar;
use crate::datetime::value::Zone;

pub(super) const YEAR: u32 = 1;
pub(super) const MONTH: u32 = 1 << 1;
pub(super) const DAY: u32 = 1 << 2;
pub(super) const HOUR: u32 = 1 << 3;
pub(super) const MINUTE: u32 = 1 << 4;
pub(super) const SECOND: u32 = 1 << 5;
pub(super) const MICROS: u32 = 1 << 6;
pub(super) const ZONE: u32 = 1 << 7;
pub(super) const DAY_OF_YEAR: u32 = 1 << 8;
const SUMMER: u32 = 1 << 9;
const WEEKDAY: u32 = 1 << 10;
const HALF: u32 = 1 << 11;
const ERA: u32 = 1 << 12;
pub(super) const DATE: u32 = YEAR | MONTH | DAY;
pub(super) const TIME: u32 = HOUR | MINUTE | SECOND | MICROS;

/// What a whole text is, where it is no date of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Special {
    Infinity,
    MinusInfinity,
    Epoch,
}

/// The parts of a date and time.
#[derive(Debug)]
pub(super) struct Decoded {
    pub(super) order: Order,
    /// A time without a date is wanted.
    pub(super) time_only: bool,
    pub(super) year: i64,
    pub(super) month: i64,
    pub(super) day: i64,
    pub(super) day_of_year: i64,
    pub(super) hour: i64,
    pub(super) minute: i64,
    pub(super) second: i64,
    pub(super) micros: i64,
    /// The year was written with two digits at most.
    pub(super) two_digits: bool,
    pub(super) place: Option<Zone>,
    pub(super) special: Option<Special>,
    pub(super) julian: bool,
    bc: bool,
    half: Option<bool>,
    summer: i32,
    text_month: bool,
    /// What a word before announced.
    announced: Option<Unit>,
}

impl Decoded {
    pub(super) fn new(order: Order, time_only: bool) -> Self {
        Self {
            order,
            time_only,
            year: 0,
            month: 0,
            day: 0,
            day_of_year: 0,
            hour: 0,
            minute: 0,
            second: 0,
            micros: 0,
            two_digits: false,
            place: None,
            special: None,
            julian: false,
            bc: false,
            half: None,
            summer: 0,
            text_month: false,
            announced: None,
        }
    }

    /// Reads all fields.
    pub(super) fn decode(&mut self, fields: &[Field]) -> Result<(), Problem> {
        let mut known = 0;
        for at in 0..fields.len() {
            let Some(found) = self.field(fields, at, known)? else {
                continue;
            };
            if known & found != 0 {
                return Err(Syntax);
            }
            known |= found;
        }
        if self.special.is_some() {
            return Ok(());
        }
        self.validate(known)?;
        if self.half.is_some() && self.hour > 12 {
            return Err(Range);
        }
        match self.half {
            Some(false) if self.hour == 12 => self.hour = 0,
            Some(true) if self.hour != 12 => self.hour += 12,
            _ => {}
        }
        if self.time_only && self.overflows() {
            return Err(Range);
        }
        let (wanted, place_needs) = if self.time_only {
            (TIME, DATE)
        } else {
            (DATE, DATE)
        };
        if known & wanted != wanted {
            return Err(Syntax);
        }
        // Of a zone with summers a time of day says nothing without its date.
        if self.time_only && known & place_needs != DATE && matches!(self.place, Some(Zone::Named(_))) {
            return Err(Syntax);
        }
        if self.summer != 0 {
            self.place = match self.place {
                Some(Zone::Fixed(east)) => Some(Zone::Fixed(east + self.summer)),
                _ => return Err(Syntax),
            };
        }
        Ok(())
    }

    /// What one field tells; `None` for what is passed over.
    fn field(&mut self, fields: &[Field], at: usize, known: u32) -> Result<Option<u32>, Problem> {
        let Some(Field { shape, text }) = fields.get(at) else {
            return Err(Syntax);
        };
        // A time may come without a date before it.
        let dated = if self.time_only { known | DATE } else { known };
        let found = match shape {
            Shape::Date => self.dated(fields, at, known)?,
            Shape::Time => {
                self.announced_only(Unit::Time)?;
                let found = self.time(text)?;
                if self.overflows() {
                    return Err(Range);
                }
                found
            }
            Shape::Zone => {
                self.place = Some(Zone::Fixed(offset(text)?));
                ZONE
            }
            Shape::Number => match self.announced.take() {
                Some(unit) => self.labelled(unit, text, known)?,
                None if self.time_only => self.clock_number(fields, at, dated)?,
                None => self.date_number(text, known)?,
            },
            Shape::Word => return self.word(fields, at, known),
        };
        Ok(Some(found))
    }

    /// Nothing was announced but what comes.
    fn announced_only(&mut self, unit: Unit) -> Result<(), Problem> {
        match self.announced.take() {
            Some(announced) if announced != unit => Err(Syntax),
            _ => Ok(()),
        }
    }

    /// A field with separators: a date, a zone's name, or a time with an offset behind it.
    fn dated(&mut self, fields: &[Field], at: usize, known: u32) -> Result<u32, Problem> {
        let text = fields.get(at).map_or("", |field| field.text.as_str());
        let shape = |at: usize| fields.get(at).map(|field| field.shape);
        let is_date = match self.time_only {
            true => {
                at == 0
                    && fields.len() >= 2
                    && (shape(fields.len() - 1) == Some(Shape::Date) || shape(1) == Some(Shape::Time))
            }
            false => self.announced.is_none() && known & (MONTH | DAY) != (MONTH | DAY),
        };
        if is_date {
            return self.date(text, known);
        }
        if !self.time_only && self.announced == Some(Unit::Julian) {
            self.announced = None;
            let (days, rest) = leading(text)?;
            self.julian_day(days);
            self.place = Some(Zone::Fixed(offset(rest)?));
            return Ok(DATE | TIME | ZONE);
        }
        if !(text.starts_with(|c: char| c.is_ascii_digit()) || !self.time_only && self.announced.is_some()) {
            self.place = Some(places::named(text)?);
            return Ok(ZONE);
        }
        self.announced_only(Unit::Time)?;
        if known & TIME == TIME {
            return Err(Syntax);
        }
        let end = text.find('-').ok_or(Syntax)?;
        let (clock, zone) = text.split_at(end);
        self.place = Some(Zone::Fixed(offset(zone)?));
        let known = if self.time_only { known | DATE } else { known };
        let (found, _) = self.run_together(clock, known)?;
        Ok(found | ZONE)
    }

    fn date_number(&mut self, text: &str, known: u32) -> Result<u32, Problem> {
        match text.find('.') {
            Some(_) if known & DATE == 0 => self.date(text, known),
            Some(before) if before > 2 => self.run_together(text, known).map(|(found, _)| found),
            _ if text.len() >= 6 && (known & DATE == 0 || known & TIME == 0) => {
                self.run_together(text, known).map(|(found, _)| found)
            }
            _ => self.number(text, self.text_month, known),
        }
    }

    fn clock_number(&mut self, fields: &[Field], at: usize, known: u32) -> Result<u32, Problem> {
        let text = fields.get(at).map_or("", |field| field.text.as_str());
        let last_is_date = fields.last().is_some_and(|field| field.shape == Shape::Date);
        match text.find('.') {
            Some(_) if at == 0 && fields.len() >= 2 && last_is_date => self.date(text, known & !DATE),
            Some(before) if before > 2 => self.run_together(text, known).map(|(found, _)| found),
            Some(_) => Err(Syntax),
            None if text.len() > 4 => self.run_together(text, known).map(|(found, _)| found),
            None => self.number(text, false, known),
        }
    }

    fn word(&mut self, fields: &[Field], at: usize, known: u32) -> Result<Option<u32>, Problem> {
        let text = fields.get(at).map_or("", |field| field.text.as_str());
        if let Some(place) = places::abbreviation(text)? {
            self.place = Some(place);
            return Ok(Some(ZONE));
        }
        let Some(word) = word(text) else {
            self.place = Some(places::named(text).map_err(|problem| match problem {
                Problem::UnknownZone => Syntax,
                other => other,
            })?);
            return Ok(Some(ZONE));
        };
        let found = match word {
            Word::Ignored => return Ok(None),
            Word::Month(_) | Word::Infinity(_) | Word::Epoch if self.time_only => return Err(Syntax),
            Word::Month(month) => {
                let mut found = MONTH;
                if known & MONTH != 0
                    && !self.text_month
                    && known & DAY == 0
                    && (1..=31).contains(&self.month)
                {
                    // The number before it was taken for a month, and is the day.
                    self.day = self.month;
                    found = DAY;
                }
                self.text_month = true;
                self.month = month.into();
                found
            }
            Word::Weekday if self.time_only => return Err(Syntax),
            Word::Weekday => WEEKDAY,
            Word::Half(second) => {
                self.half = Some(second);
                HALF
            }
            Word::Era(bc) => {
                self.bc = bc;
                ERA
            }
            Word::Unit(Unit::Time) => {
                let next = fields.get(at + 1).map(|field| field.shape);
                let goes_on = matches!(next, Some(Shape::Number | Shape::Time | Shape::Date));
                if !goes_on || !self.time_only && known & DATE != DATE {
                    return Err(Syntax);
                }
                self.announced = Some(Unit::Time);
                0
            }
            Word::Unit(unit) => {
                self.announced = Some(unit);
                0
            }
            Word::Infinity(late) => {
                self.special = Some(if late {
                    Special::Infinity
                } else {
                    Special::MinusInfinity
                });
                DATE | TIME | ZONE
            }
            Word::Epoch => {
                self.special = Some(Special::Epoch);
                DATE | TIME | ZONE
            }
            Word::Current => return Err(Problem::Current),
            Word::AllBalls => {
                (self.hour, self.minute, self.second, self.micros) = (0, 0, 0, 0);
                self.place = Some(Zone::Fixed(0));
                TIME | ZONE
            }
            Word::Summer => {
                self.summer = 3600;
                SUMMER
            }
        };
        Ok(Some(found))
    }

    fn validate(&mut self, known: u32) -> Result<(), Problem> {
        if known & YEAR != 0 && !self.julian {
            if self.bc {
                if self.year <= 0 {
                    return Err(Range);
                }
                self.year = 1 - self.year;
            } else if self.two_digits {
                self.year += if self.year < 70 {
                    2000
                } else if self.year < 100 {
                    1900
                } else {
                    0
                };
            } else if self.year <= 0 {
                return Err(Range);
            }
        }
        if known & DAY_OF_YEAR != 0 {
            let days = calendar::julian(self.year, 1, 1) + self.day_of_year - 1;
            (self.year, self.month, self.day) = calendar::date(days - calendar::EPOCH);
        }
        if known & MONTH != 0 && !(1..=12).contains(&self.month)
            || known & DAY != 0 && !(1..=31).contains(&self.day)
        {
            return Err(Range);
        }
        if known & DATE == DATE {
            let days = calendar::julian(self.year, self.month, self.day);
            if calendar::date(days - calendar::EPOCH) != (self.year, self.month, self.day) {
                return Err(Range);
            }
        }
        Ok(())
    }

    /// Microseconds since midnight.
    pub(super) fn of_day(&self) -> i64 {
        ((self.hour * 60 + self.minute) * 60 + self.second) * 1_000_000 + self.micros
    }

    fn overflows(&self) -> bool {
        self.hour > 24
            || self.minute > 59
            || self.second > 60
            || self.micros > 1_000_000
            || self.of_day() > calendar::DAY
    }
}
