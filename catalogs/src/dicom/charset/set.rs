//! The character sets, by defined term (PS3.3 §C.12.1.1.2) and by escape sequence (PS3.5 §6.1.2.4).

use encoding_rs::Encoding;

/// What bytes below 80H mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum G0 {
    Ascii,
    /// JIS X 0201 romaji: a yen sign for the backslash.
    JisRoman,
    /// JIS X 0208, two bytes a character.
    Jis0208,
    /// JIS X 0212, two bytes a character.
    Jis0212,
}

/// What bytes from 80H on mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum G1 {
    Latin1,
    /// ISO 8859-9: Latin-1 with six Turkish letters.
    Latin5,
    /// Another part of ISO 8859, or TIS 620.
    Single(&'static Encoding),
    /// JIS X 0201 katakana.
    Katakana,
    /// KS X 1001, two bytes a character.
    Ksx1001,
    /// GB 2312, two bytes a character.
    Gb2312,
}

/// What a defined term stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Term {
    /// Stands alone, without escape sequences.
    Whole(&'static Encoding),
    /// Active from the start where it is the first term.
    Sets(G0, Option<G1>),
    /// Active only after its escape sequence.
    Designated(Option<G1>),
}

/// A defined term, or one of the ways in which it is misspelt (`ISO IR 100`, `ISO_2022_IR_87`, ...).
pub(super) fn term(term: &[u8]) -> Option<Term> {
    let mut plain = [0; 24];
    let term = super::super::values::trim(term);
    let kept = plain.get_mut(..term.len())?;
    kept.iter_mut().zip(term).for_each(|(to, b)| {
        *to = if matches!(b, b'_' | b'-') {
            b' '
        } else {
            b.to_ascii_uppercase()
        };
    });
    let name = std::str::from_utf8(kept).ok()?;
    Some(match name {
        "" => Term::Sets(G0::Ascii, None),
        "GB18030" => Term::Whole(encoding_rs::GB18030),
        "GBK" | "ISO 2022 GBK" => Term::Whole(encoding_rs::GBK),
        "UTF 8" | "UTF8" => Term::Whole(encoding_rs::UTF_8),
        _ => {
            let number = name
                .strip_prefix("ISO IR ")
                .or_else(|| name.strip_prefix("ISO 2022 IR "));
            match number
                .or_else(|| name.strip_prefix("ISO 2022 "))
                .or_else(|| name.strip_prefix("ISO IR"))?
                .trim()
            {
                "6" => Term::Sets(G0::Ascii, None),
                "13" => Term::Sets(G0::JisRoman, Some(G1::Katakana)),
                "87" | "159" => Term::Designated(None),
                "149" => Term::Designated(Some(G1::Ksx1001)),
                "58" => Term::Designated(Some(G1::Gb2312)),
                "192" => Term::Whole(encoding_rs::UTF_8),
                number => Term::Sets(G0::Ascii, Some(single(number)?)),
            }
        }
    })
}

/// An 8 bit set by its ISO-IR number.
fn single(number: &str) -> Option<G1> {
    Some(match number {
        "100" => G1::Latin1,
        "101" => G1::Single(encoding_rs::ISO_8859_2),
        "109" => G1::Single(encoding_rs::ISO_8859_3),
        "110" => G1::Single(encoding_rs::ISO_8859_4),
        "144" => G1::Single(encoding_rs::ISO_8859_5),
        "127" => G1::Single(encoding_rs::ISO_8859_6),
        "126" => G1::Single(encoding_rs::ISO_8859_7),
        "138" => G1::Single(encoding_rs::ISO_8859_8),
        "148" => G1::Latin5,
        "203" => G1::Single(encoding_rs::ISO_8859_15),
        "166" => G1::Single(encoding_rs::WINDOWS_874),
        _ => return None,
    })
}

/// What an escape sequence designates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Designation {
    G0(G0),
    G1(G1),
}

/// The designation at the start of `bytes` (which start with ESC), and its length.
pub(super) fn escape(bytes: &[u8]) -> Option<(Designation, usize)> {
    use Designation::{G0 as To0, G1 as To1};
    Some(match bytes.get(1..)? {
        [b'(', b'B', ..] => (To0(G0::Ascii), 3),
        [b'(', b'J', ..] => (To0(G0::JisRoman), 3),
        [b')', b'I', ..] => (To1(G1::Katakana), 3),
        [b'$', b'B' | b'@', ..] => (To0(G0::Jis0208), 3),
        [b'$', b'(', b'D', ..] => (To0(G0::Jis0212), 4),
        [b'$', b')', b'C', ..] => (To1(G1::Ksx1001), 4),
        [b'$', b')', b'A', ..] => (To1(G1::Gb2312), 4),
        [b'-', set, ..] => {
            let number = match set {
                b'A' => "100",
                b'B' => "101",
                b'C' => "109",
                b'D' => "110",
                b'L' => "144",
                b'G' => "127",
                b'F' => "126",
                b'H' => "138",
                b'M' => "148",
                b'T' => "166",
                b'b' => "203",
                _ => return None,
            };
            (To1(single(number)?), 3)
        }
        _ => return None,
    })
}
