//! Numbers whose meaning a word before them announced.

use super::decode::{DATE, DAY, Decoded, HOUR, MICROS, MINUTE, MONTH, SECOND, TIME, YEAR};
use super::numbers::{fraction, leading};
use super::words::Unit;
use super::{Problem, Problem::Syntax};
use crate::datetime::calendar;

impl Decoded {
    /// A number whose meaning a word before announced: `y2001m02d04`.
    pub(super) fn labelled(&mut self, unit: Unit, text: &str, known: u32) -> Result<u32, Problem> {
        let (value, rest) = leading(text)?;
        let may_have_point = matches!(unit, Unit::Julian | Unit::Time | Unit::Second);
        if !(rest.is_empty() || rest.starts_with('.') && may_have_point) {
            return Err(Syntax);
        }
        Ok(match unit {
            Unit::Year => {
                self.year = value;
                YEAR
            }
            Unit::Month if known & MONTH != 0 && known & HOUR != 0 => {
                self.minute = value;
                MINUTE
            }
            Unit::Month => {
                self.month = value;
                MONTH
            }
            Unit::Day => {
                self.day = value;
                DAY
            }
            Unit::Hour => {
                self.hour = value;
                HOUR
            }
            Unit::Minute => {
                self.minute = value;
                MINUTE
            }
            Unit::Second => {
                self.second = value;
                if rest.is_empty() {
                    return Ok(SECOND);
                }
                self.micros = fraction(rest)?;
                SECOND | MICROS
            }
            Unit::Julian => {
                self.julian_day(value);
                if rest.is_empty() {
                    return Ok(DATE);
                }
                let part: f64 = format!("0{rest}").parse().map_err(|_| Syntax)?;
                let micros = (part * 86_400e6) as i64;
                self.hour = micros / 3_600_000_000;
                self.minute = micros / 60_000_000 % 60;
                self.second = micros / 1_000_000 % 60;
                self.micros = micros % 1_000_000;
                DATE | TIME
            }
            Unit::Time => match self.run_together(text, known | DATE)? {
                (TIME, _) => TIME,
                _ => return Err(Syntax),
            },
            Unit::Other => return Err(Syntax),
        })
    }

    pub(super) fn julian_day(&mut self, days: i64) {
        (self.year, self.month, self.day) = calendar::date(days - calendar::EPOCH);
        self.julian = true;
    }
}
