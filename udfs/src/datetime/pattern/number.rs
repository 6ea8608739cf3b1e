//! Numbers written as a pattern says, as `to_char` does (PostgreSQL's `src/backend/utils/adt/formatting.c`, `NUM_processor`).

mod reader;
mod writer;

use datafusion::common::{not_impl_err, plan_err};
use datafusion::error::Result;

use writer::Writer;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Comma,
    Point,
    Zero,
    Nine,
    Group,
    Currency,
    Minus,
    Plus,
    Roman {
        lower: bool,
    },
    Either,
    Ordinal {
        lower: bool,
    },
    /// What only says how the rest is written.
    Nothing,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    Key(Key),
    Text(String),
}

/// Where `S` stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Before,
    Behind,
}

/// A pattern of numbers, taken apart.
#[derive(Debug, Clone, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "one for each keyword that is there or not"
)]
pub struct NumberPattern {
    nodes: Vec<Node>,
    /// Digits before the point, behind it, and behind `V`.
    before: usize,
    behind: usize,
    shift: usize,
    /// Where zeros begin, counted from 1, and end.
    zeros_from: usize,
    zeros_to: usize,
    zero: bool,
    decimal: bool,
    fill: bool,
    sign: Option<Sign>,
    digits_before_sign: usize,
    minus: bool,
    plus: bool,
    bracket: bool,
    roman: bool,
    shifted: bool,
    scientific: bool,
}

const WORDS: [(&str, Option<Key>); 23] = [
    (",", Some(Key::Comma)),
    (".", Some(Key::Point)),
    ("0", Some(Key::Zero)),
    ("9", Some(Key::Nine)),
    ("B", None),
    ("C", None),
    ("D", Some(Key::Point)),
    ("EEEE", None),
    ("FM", None),
    ("G", Some(Key::Group)),
    ("L", Some(Key::Currency)),
    ("MI", Some(Key::Minus)),
    ("PL", Some(Key::Plus)),
    ("PR", None),
    ("RN", Some(Key::Roman { lower: false })),
    ("rn", Some(Key::Roman { lower: true })),
    ("SG", Some(Key::Either)),
    ("SP", None),
    ("S", None),
    ("TH", Some(Key::Ordinal { lower: false })),
    ("th", Some(Key::Ordinal { lower: true })),
    ("V", None),
    ("Rn", Some(Key::Roman { lower: false })),
];

impl NumberPattern {
    /// Takes a pattern apart.
    ///
    /// # Errors
    /// Parts of it exclude one another.
    pub fn parse(text: &str) -> Result<Self> {
        let mut pattern = Self::default();
        let mut rest = text;
        while !rest.is_empty() {
            let word = WORDS.iter().find(|(word, _)| {
                rest.starts_with(word)
                    || !matches!(*word, "RN" | "TH" | "Rn") && rest.starts_with(&word.to_lowercase())
            });
            match word {
                Some((word, key)) => {
                    pattern.keyword(word)?;
                    pattern.nodes.push(Node::Key(key.unwrap_or(Key::Nothing)));
                    rest = &rest[word.len()..];
                }
                None => rest = pattern.literal(rest),
            }
        }
        Ok(pattern)
    }

    /// Adds a quoted text or one character; gives what follows it.
    fn literal<'a>(&mut self, text: &'a str) -> &'a str {
        if let Some(quoted) = text.strip_prefix('"') {
            let (mut literal, mut characters) = (String::new(), quoted.chars());
            while let Some(character) = characters.next() {
                match character {
                    '"' => break,
                    '\\' => literal.push(characters.next().unwrap_or('\\')),
                    other => literal.push(other),
                }
            }
            self.nodes.push(Node::Text(literal));
            return characters.as_str();
        }
        let text = text
            .strip_prefix('\\')
            .filter(|rest| rest.starts_with('"'))
            .unwrap_or(text);
        let mut characters = text.chars();
        self.nodes
            .extend(characters.next().map(|c| Node::Text(c.to_string())));
        characters.as_str()
    }

    fn keyword(&mut self, word: &str) -> Result<()> {
        if self.scientific {
            return match word {
                "EEEE" => plan_err!("cannot use \"EEEE\" twice"),
                _ => plan_err!("\"EEEE\" must be the last pattern used"),
            };
        }
        match word {
            "9" | "0" if self.bracket => return plan_err!("\"{word}\" must be ahead of \"PR\""),
            "9" if self.shifted => self.shift += 1,
            "9" if self.decimal => self.behind += 1,
            "9" => self.before += 1,
            "0" => {
                if !self.zero && !self.decimal {
                    self.zero = true;
                    self.zeros_from = self.before + 1;
                }
                match self.decimal {
                    true => self.behind += 1,
                    false => self.before += 1,
                }
                self.zeros_to = self.before + self.behind;
            }
            "." | "D" => {
                if self.decimal {
                    return plan_err!("multiple decimal points");
                }
                if self.shifted {
                    return plan_err!("cannot use \"V\" and decimal point together");
                }
                self.decimal = true;
            }
            "FM" => self.fill = true,
            "S" => {
                if self.sign.is_some() {
                    return plan_err!("cannot use \"S\" twice");
                }
                if self.plus || self.minus || self.bracket {
                    return plan_err!("cannot use \"S\" and \"PL\"/\"MI\"/\"SG\"/\"PR\" together");
                }
                self.digits_before_sign = self.before;
                self.sign = Some(if self.decimal { Sign::Behind } else { Sign::Before });
            }
            "MI" | "PL" | "SG" | "PR" if self.sign.is_some() => {
                return plan_err!("cannot use \"S\" and \"{word}\" together");
            }
            "MI" => self.minus = true,
            "PL" => self.plus = true,
            "SG" => (self.minus, self.plus) = (true, true),
            "PR" => {
                if self.plus || self.minus {
                    return plan_err!("cannot use \"PR\" and \"S\"/\"PL\"/\"MI\"/\"SG\" together");
                }
                self.bracket = true;
            }
            "RN" | "rn" | "Rn" => self.roman = true,
            "V" => {
                if self.decimal {
                    return plan_err!("cannot use \"V\" and decimal point together");
                }
                self.shifted = true;
            }
            "EEEE" => {
                if self.fill
                    || self.sign.is_some()
                    || self.bracket
                    || self.minus
                    || self.plus
                    || self.roman
                    || self.shifted
                {
                    return plan_err!("\"EEEE\" is incompatible with other formats");
                }
                self.scientific = true;
            }
            _ => {}
        }
        Ok(())
    }

    /// Writes a decimal number: its digits as a whole number, and how many of them stand behind the point.
    ///
    /// # Errors
    /// It has more digits than can be written.
    pub fn decimal(&self, value: i128, scale: i8) -> Result<String> {
        if self.roman {
            let whole = round(value, scale.into(), 0);
            return Ok(self.write(&roman(&whole, value < 0), '+', 0));
        }
        if self.scientific {
            return Ok(scientific(value, scale, self.behind));
        }
        let shift = i32::try_from(self.shift).unwrap_or(0);
        let digits = round(value, i32::from(scale) - shift, self.behind);
        let zero = digits.bytes().all(|b| matches!(b, b'0' | b'.'));
        Ok(self.fitted(digits, if value < 0 && !zero { '-' } else { '+' }, self.behind))
    }

    /// Writes a floating point number, of which 15 digits are written at most.
    ///
    /// # Errors
    /// It is infinite, or none.
    pub fn float(&self, value: f64, digits: usize) -> Result<String> {
        if !value.is_finite() {
            return not_impl_err!("to_char of a number that is not finite");
        }
        if self.roman {
            let whole = format!("{:.0}", value.abs());
            return Ok(self.write(&roman(&whole, value < 0.0), '+', 0));
        }
        if self.scientific {
            let text = format!("{:.*e}", self.behind, value.abs());
            let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
            let exponent: i32 = exponent.parse().unwrap_or(0);
            let sign = if value < 0.0 { '-' } else { ' ' };
            return Ok(format!(
                "{sign}{mantissa}e{}{:02}",
                if exponent < 0 { '-' } else { '+' },
                exponent.abs()
            ));
        }
        let value = value * 10_f64.powi(i32::try_from(self.shift).unwrap_or(0));
        let whole = format!("{:.0}", value.abs()).len();
        let behind = match whole >= digits {
            true => 0,
            false => self.behind.min(digits - whole),
        };
        let text = format!("{:.*}", behind, value.abs());
        let sign = if value.is_sign_negative() && value != 0.0 {
            '-'
        } else {
            '+'
        };
        Ok(self.fitted(text, sign, behind))
    }

    fn fitted(&self, digits: String, sign: char, behind: usize) -> String {
        let room = self.before + self.shift;
        let whole = digits.find('.').unwrap_or(digits.len());
        match room < whole {
            true => {
                let mut full = "#".repeat(room);
                full.push('.');
                full.push_str(&"#".repeat(behind));
                self.write(&full, sign, 0)
            }
            false => self.write(&digits, sign, room - whole),
        }
    }

    fn write(&self, number: &str, sign: char, spaces: usize) -> String {
        let mut writer = Writer::new(self, number.as_bytes(), sign, spaces);
        for node in &self.nodes {
            match node {
                Node::Text(text) => writer.out.push_str(text),
                Node::Key(key) => writer.key(*key, number),
            }
        }
        writer.out
    }
}

/// Half away from zero, without a sign.
fn round(value: i128, scale: i32, behind: usize) -> String {
    let mut digits = value.unsigned_abs().to_string();
    let missing = i32::try_from(behind).unwrap_or(i32::MAX) - scale;
    match usize::try_from(missing) {
        Ok(missing) => digits.push_str(&"0".repeat(missing)),
        Err(_) => {
            let cut = 10_u128.checked_pow(missing.unsigned_abs());
            let rounded = cut.map_or(0, |cut| {
                let value = value.unsigned_abs();
                value / cut + u128::from(value % cut >= cut - cut / 2)
            });
            digits = rounded.to_string();
        }
    }
    if digits.len() <= behind {
        digits.insert_str(0, &"0".repeat(behind + 1 - digits.len()));
    }
    if behind > 0 {
        digits.insert(digits.len() - behind, '.');
    }
    digits
}

fn scientific(value: i128, scale: i8, behind: usize) -> String {
    let sign = if value < 0 { '-' } else { ' ' };
    let length = i32::try_from(value.unsigned_abs().to_string().len()).unwrap_or(0);
    let exponent = if value == 0 {
        0
    } else {
        length - 1 - i32::from(scale)
    };
    // One digit is left before the point; two where it is rounded up to ten, which PostgreSQL leaves so.
    let mantissa = round(value, if value == 0 { 0 } else { length - 1 }, behind);
    let size = exponent.abs();
    format!(
        "{sign}{mantissa}e{}{size:02}",
        if exponent < 0 { '-' } else { '+' }
    )
}

fn roman(whole: &str, negative: bool) -> String {
    const PARTS: [(u32, &str); 13] = [
        (1000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ];
    let mut number: u32 = match whole.parse() {
        Ok(number @ 1..=3999) if !negative => number,
        _ => return "#".repeat(15),
    };
    let mut out = String::new();
    for (size, letters) in PARTS {
        while number >= size {
            out.push_str(letters);
            number -= size;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::NumberPattern;

    fn written(value: i128, scale: i8, pattern: &str) -> String {
        NumberPattern::parse(pattern)
            .unwrap()
            .decimal(value, scale)
            .unwrap()
    }

    // What PostgreSQL 15 answers.
    #[test]
    fn numbers_are_written_as_postgresql_does() {
        for (value, scale, pattern, expected) in [
            (12_345, 1, "9,999.99", " 1,234.50"),
            (-5, 0, "999", "  -5"),
            (5, 1, "FM0.00", "0.50"),
            (12, 0, "0000", " 0012"),
            (1_000_000, 0, "9.99EEEE", " 1.00e+06"),
            (485, 0, "RN", "        CDLXXXV"),
            (-1, 1, "99.99", "  -.10"),
            (-1, 1, "FM9.99", "-.1"),
            (12_345, 0, "999", " ###"),
            (12, 0, "99V999", " 12000"),
            (-12, 0, "99PR", "<12>"),
        ] {
            assert_eq!(written(value, scale, pattern), expected, "{pattern}");
        }
        for pattern in ["9.9.9", "EEEE9", "9.9V9", "S9S", "S9MI"] {
            assert!(NumberPattern::parse(pattern).is_err(), "{pattern}");
        }
    }
}
