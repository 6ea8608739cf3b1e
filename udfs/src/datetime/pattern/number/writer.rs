//! What `NUM_processor` does with each part of a pattern while a number is written.

use super::{Key, NumberPattern, Sign};

/// What `NUM_processor` knows while it writes.
pub(super) struct Writer<'a> {
    pattern: &'a NumberPattern,
    number: &'a [u8],
    at: usize,
    sign: char,
    sign_written: bool,
    lsign: Option<Sign>,
    bracket: bool,
    zeros_from: usize,
    spaces: usize,
    count: usize,
    current: usize,
    within: bool,
    /// The last digit behind the point that is not passed over.
    last: Option<usize>,
    pub(super) out: String,
}

impl<'a> Writer<'a> {
    pub(super) fn new(pattern: &'a NumberPattern, number: &'a [u8], sign: char, spaces: usize) -> Self {
        let mut lsign = pattern.sign;
        let mut bracket = pattern.bracket;
        let sign_written = if pattern.plus || pattern.minus {
            !pattern.plus || pattern.minus
        } else {
            if sign != '-' && pattern.fill {
                bracket = false;
            }
            if lsign == Some(Sign::Before) && pattern.before == pattern.digits_before_sign {
                lsign = Some(Sign::Behind);
            }
            sign == '+' && pattern.fill && lsign.is_none()
        };
        let mut last = None;
        if pattern.fill
            && pattern.decimal
            && let Some(point) = number.iter().position(|b| *b == b'.')
        {
            let mut relevant = (point + 1..number.len())
                .rfind(|i| number[*i] != b'0')
                .unwrap_or(point);
            if pattern.zeros_to > spaces {
                relevant = relevant.max((number.len() - 1).min(pattern.zeros_to - spaces));
            }
            last = Some(relevant);
        }
        let count = (pattern.behind + pattern.before + pattern.shift).saturating_sub(1);
        Self {
            pattern,
            number,
            at: 0,
            sign,
            sign_written,
            lsign,
            bracket,
            zeros_from: pattern.zeros_from.saturating_sub(1),
            spaces,
            count: count + usize::from(!sign_written && spaces == 0),
            current: 0,
            within: false,
            last,
            out: String::new(),
        }
    }

    fn blank_unless_filled(&mut self) {
        if !self.pattern.fill {
            self.out.push(' ');
        }
    }

    pub(super) fn key(&mut self, key: Key, number: &str) {
        match key {
            Key::Nine | Key::Zero | Key::Point => self.digit(key),
            Key::Comma | Key::Group if self.within => self.out.push(','),
            Key::Comma | Key::Group => self.blank_unless_filled(),
            Key::Currency => self.out.push(' '),
            Key::Minus if self.sign == '-' => self.out.push('-'),
            Key::Plus if self.sign == '+' => self.out.push('+'),
            Key::Minus | Key::Plus => self.blank_unless_filled(),
            Key::Either => self.out.push(self.sign),
            Key::Roman { lower } => {
                let number = if lower {
                    number.to_lowercase()
                } else {
                    number.to_owned()
                };
                let width = if self.pattern.fill { 0 } else { 15 };
                self.out.push_str(&format!("{number:>width$}"));
            }
            Key::Ordinal { lower } => {
                let hidden =
                    self.pattern.roman || number.starts_with('#') || self.sign == '-' || self.pattern.decimal;
                if !hidden {
                    let ending = ordinal(number);
                    self.out.push_str(&if lower {
                        ending.to_owned()
                    } else {
                        ending.to_uppercase()
                    });
                }
            }
            Key::Nothing => {}
        }
    }

    fn is_point(&self, at: Option<usize>) -> bool {
        at.and_then(|at| self.number.get(at)) == Some(&b'.')
    }

    /// A zero before the point that is not written: `9.9` makes ` .1` of 0.1.
    fn is_bare_zero(&self) -> bool {
        !self.pattern.zero && self.at == 0 && self.number.first() == Some(&b'0') && self.pattern.behind != 0
    }

    fn digit(&mut self, key: Key) {
        if self.pattern.roman {
            return;
        }
        self.within = false;
        let begins = self.current >= self.spaces || self.pattern.zero && self.zeros_from == self.current;
        if !self.sign_written && begins && (!self.is_bare_zero() || self.is_point(self.last)) {
            self.write_sign();
        }
        let leading = self.current < self.spaces;
        if leading && (self.zeros_from > self.current || !self.pattern.zero) {
            self.blank_unless_filled();
        } else if leading && self.pattern.zero {
            self.out.push('0');
            self.within = true;
        } else {
            match self.number.get(self.at) {
                Some(b'.') => self.out.push('.'),
                Some(digit) => {
                    let passed_over = self.last.is_some_and(|last| self.at > last) && key != Key::Zero;
                    match (passed_over, self.is_bare_zero()) {
                        (true, _) => {}
                        (false, true) if !self.pattern.fill => self.out.push(' '),
                        (false, true) if self.is_point(self.last) => self.out.push('0'),
                        (false, true) => {}
                        (false, false) => {
                            self.out.push(char::from(*digit));
                            self.within = true;
                        }
                    }
                }
                None => {}
            }
            if self.at < self.number.len() {
                self.at += 1;
            }
        }
        let mut end = self.count + usize::from(self.spaces > 0) + usize::from(self.pattern.decimal);
        if self.last == Some(self.at) {
            end = self.current;
        }
        if self.current + 1 == end {
            if self.sign_written && self.bracket {
                self.out.push(if self.sign == '+' { ' ' } else { '>' });
            } else if self.lsign == Some(Sign::Behind) {
                self.out.push(self.sign);
            }
        }
        self.current += 1;
    }

    fn write_sign(&mut self) {
        match self.lsign {
            Some(Sign::Before) => self.out.push(self.sign),
            Some(Sign::Behind) => return,
            None if self.bracket => self.out.push(if self.sign == '+' { ' ' } else { '<' }),
            None if self.sign == '+' => self.blank_unless_filled(),
            None => self.out.push('-'),
        }
        self.sign_written = true;
    }
}

/// The letters behind a number in a row.
fn ordinal(number: &str) -> &'static str {
    let digits = number.as_bytes();
    let teens = digits.len() > 1 && digits[digits.len() - 2] == b'1';
    match digits.last() {
        Some(b'1') if !teens => "st",
        Some(b'2') if !teens => "nd",
        Some(b'3') if !teens => "rd",
        _ => "th",
    }
}
