//! Specific Character Set (0008,0005): bytes to text (PS3.5 §6.1, annexes H to K), code extensions of ISO 2022 included.

use std::borrow::Cow;

use encoding_rs::Encoding;

use self::set::{G0, G1};

mod iso2022;
mod set;
#[cfg(test)]
mod tests;

/// What governs the text of a data set or item.
#[derive(Debug, Clone, Copy)]
pub(super) struct Charset(Kind);

#[derive(Debug, Clone, Copy)]
enum Kind {
    /// None is declared: ASCII.
    Default,
    /// One that stands alone and covers all of Unicode or Chinese: UTF-8, GB18030, GBK.
    Whole(&'static Encoding),
    /// 7 and 8 bit sets, in which escape sequences may change to others.
    Extended(Extended),
}

/// The sets that are active at the start of a value and after each delimiter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Extended {
    g0: G0,
    g1: Option<G1>,
    /// Stands in where nothing was designated: writers forget escape sequences.
    fallback: Option<G1>,
}

/// Which characters end the reach of an escape sequence (PS3.5 §6.1.2.5.3), beside those that end a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delimiters {
    /// None: ST, LT, UT.
    Lines,
    /// The backslash between values: LO, SH, UC.
    Values,
    /// Backslash, caret and equals sign: PN.
    Names,
}

impl Charset {
    /// The default repertoire.
    pub(super) const DEFAULT: Self = Self(Kind::Default);

    /// From the value of Specific Character Set, and how many of its terms are unknown.
    pub(super) fn parse(value: &[u8]) -> (Self, u32) {
        if super::values::trim(value).is_empty() {
            return (Self::DEFAULT, 0);
        }
        let mut unknown = 0;
        let mut first = None;
        let mut fallback = None;
        for (i, term) in value.split(|b| *b == b'\\').enumerate() {
            match set::term(term) {
                Some(set::Term::Whole(encoding)) if i == 0 => return (Self(Kind::Whole(encoding)), 0),
                Some(set::Term::Whole(_)) => unknown += 1, // stands alone, or not at all
                Some(set::Term::Sets(g0, g1)) => {
                    if i == 0 {
                        first = Some((g0, g1));
                    }
                    fallback = fallback.or(g1);
                }
                Some(set::Term::Designated(g1)) => fallback = fallback.or(g1),
                None => {
                    unknown += 1;
                    // Readers agree on Latin-1 where they do not know the set: the text stays legible.
                    if i == 0 {
                        first = Some((G0::Ascii, Some(G1::Latin1)));
                    }
                }
            }
        }
        if unknown > 0 {
            fallback = fallback.or(Some(G1::Latin1));
        }
        let (g0, g1) = first.unwrap_or((G0::Ascii, None));
        (Self(Kind::Extended(Extended { g0, g1, fallback })), unknown)
    }

    /// Text of a value, and whether all of it could be told: characters that could not are U+FFFD. NUL becomes U+FFFD
    /// too, since text in SQL cannot have it.
    pub(super) fn decode<'b>(&self, bytes: &'b [u8], delimiters: Delimiters) -> (Cow<'b, str>, bool) {
        let plain_ascii = plain(bytes) && !matches!(self.0, Kind::Extended(e) if e.g0 != G0::Ascii);
        if plain_ascii && let Ok(text) = std::str::from_utf8(bytes) {
            return (Cow::Borrowed(text), true);
        }
        let (text, good) = match self.0 {
            Kind::Whole(encoding) => {
                let (text, errors) = encoding.decode_without_bom_handling(bytes);
                (text, !errors)
            }
            // Nothing is declared, and there is more than ASCII: UTF-8 shows by itself, Latin-1 is the best guess else.
            Kind::Default if !bytes.contains(&0x1B) => match std::str::from_utf8(bytes) {
                Ok(text) => (Cow::Borrowed(text), text.is_ascii()),
                Err(_) => (Cow::Owned(latin1(bytes)), false),
            },
            Kind::Default => iso2022::decode(
                Extended {
                    g0: G0::Ascii,
                    g1: None,
                    fallback: None,
                },
                bytes,
                delimiters,
            ),
            Kind::Extended(sets) => iso2022::decode(sets, bytes, delimiters),
        };
        if text.contains('\0') {
            (Cow::Owned(text.replace('\0', "\u{FFFD}")), false)
        } else {
            (text, good)
        }
    }
}

/// Text of a VR that Specific Character Set does not govern: ASCII, and where it is not, Latin-1 as most readers have it.
pub(super) fn default_text(bytes: &[u8]) -> (Cow<'_, str>, bool) {
    if plain(bytes)
        && let Ok(text) = std::str::from_utf8(bytes)
    {
        return (Cow::Borrowed(text), true);
    }
    (Cow::Owned(latin1(bytes).replace('\0', "\u{FFFD}")), false)
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|b| char::from(*b)).collect()
}

/// ASCII without NUL and escape.
fn plain(bytes: &[u8]) -> bool {
    bytes
        .iter()
        .fold(true, |good, b| good & (b.wrapping_sub(1) < 0x7F) & (*b != 0x1B))
}
