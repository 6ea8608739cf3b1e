//! Text in 7 and 8 bit sets with escape sequences between them (PS3.5 §6.1.2.5).

use std::borrow::Cow;

use encoding_rs::Encoding;

use super::{
    Delimiters, Extended,
    set::{Designation, G0, G1, escape},
};

const UNKNOWN: char = char::REPLACEMENT_CHARACTER;

struct Decoder {
    out: String,
    good: bool,
    initial: Extended,
    g0: G0,
    g1: Option<G1>,
    /// The last set that this value designated, for writers who do not repeat it after a delimiter.
    last: Option<G1>,
}

/// Decodes a value, and tells whether all of it could be.
pub(super) fn decode(sets: Extended, bytes: &[u8], delimiters: Delimiters) -> (Cow<'static, str>, bool) {
    let mut d = Decoder {
        out: String::with_capacity(bytes.len() * 2),
        good: true,
        initial: sets,
        g0: sets.g0,
        g1: sets.g1,
        last: None,
    };
    let mut left = bytes;
    while let [first, ..] = left {
        let used = match first {
            0x1B => d.escape(left),
            0x80.. => d.high(left),
            0x21..=0x7E if matches!(d.g0, G0::Jis0208 | G0::Jis0212) => d.pairs(left),
            _ => d.low(*first, delimiters),
        };
        left = left.get(used.max(1)..).unwrap_or_default();
    }
    (Cow::Owned(d.out), d.good)
}

impl Decoder {
    fn escape(&mut self, bytes: &[u8]) -> usize {
        match escape(bytes) {
            Some((Designation::G0(set), n)) => {
                self.g0 = set;
                n
            }
            Some((Designation::G1(set), n)) => {
                self.g1 = Some(set);
                self.last = Some(set);
                n
            }
            None => {
                self.unknown();
                1
            }
        }
    }

    fn unknown(&mut self) {
        self.out.push(UNKNOWN);
        self.good = false;
    }

    /// One byte below 80H in a set of one byte a character.
    fn low(&mut self, b: u8, delimiters: Delimiters) -> usize {
        let delimiter = match b {
            b'\n' | b'\r' | b'\t' | 0x0C => true,
            b'\\' => delimiters != Delimiters::Lines,
            b'^' | b'=' => delimiters == Delimiters::Names,
            _ => false,
        };
        if delimiter {
            (self.g0, self.g1) = (self.initial.g0, self.initial.g1);
        }
        self.out.push(match b {
            b'\\' if !delimiter && self.g0 == G0::JisRoman => '¥',
            b'~' if self.g0 == G0::JisRoman => '‾',
            _ => char::from(b),
        });
        1
    }

    /// A run of characters of two bytes below 80H.
    fn pairs(&mut self, bytes: &[u8]) -> usize {
        let run = bytes.iter().take_while(|b| (0x21..=0x7E).contains(*b)).count();
        let mut euc = Vec::with_capacity(run / 2 * 3);
        for pair in bytes[..run].chunks_exact(2) {
            if self.g0 == G0::Jis0212 {
                euc.push(0x8F);
            }
            euc.extend(pair.iter().map(|b| b | 0x80));
        }
        let from = self.out.len();
        self.push(encoding_rs::EUC_JP, &euc);
        if self.g0 == G0::Jis0208 {
            self.standard_jis(from);
        }
        if run % 2 == 1 {
            self.unknown();
        }
        run
    }

    /// The web's table of JIS X 0208 has full-width forms where the standard and every DICOM reader have these.
    fn standard_jis(&mut self, from: usize) {
        const WEB: [(char, char); 6] = [
            ('\u{FF5E}', '\u{301C}'),
            ('\u{2225}', '\u{2016}'),
            ('\u{FF0D}', '\u{2212}'),
            ('\u{FFE0}', '\u{00A2}'),
            ('\u{FFE1}', '\u{00A3}'),
            ('\u{FFE2}', '\u{00AC}'),
        ];
        let other = |c: char| WEB.iter().find(|(web, _)| *web == c).map(|(_, jis)| *jis);
        if self.out[from..].chars().any(|c| other(c).is_some()) {
            let tail: String = self.out[from..].chars().map(|c| other(c).unwrap_or(c)).collect();
            self.out.truncate(from);
            self.out.push_str(&tail);
        }
    }

    /// A run of bytes from 80H on.
    fn high(&mut self, bytes: &[u8]) -> usize {
        let run = bytes.iter().take_while(|b| **b >= 0x80).count();
        let bytes = &bytes[..run];
        let set = self.g1.or_else(|| {
            self.good = false; // nothing is designated here
            self.last.or(self.initial.fallback)
        });
        match set {
            Some(G1::Latin1) => self.out.extend(bytes.iter().map(|b| char::from(*b))),
            Some(G1::Latin5) => self.out.extend(bytes.iter().map(|b| latin5(*b))),
            Some(G1::Single(encoding)) => self.push(encoding, bytes),
            Some(G1::Katakana) => bytes.iter().for_each(|b| match b {
                0xA1..=0xDF => {
                    let kana = char::from_u32(0xFF61 + u32::from(b - 0xA1));
                    self.out.push(kana.unwrap_or(UNKNOWN));
                }
                _ => self.unknown(),
            }),
            Some(G1::Ksx1001) => self.push(encoding_rs::EUC_KR, bytes),
            Some(G1::Gb2312) => self.push(encoding_rs::GBK, bytes),
            None => bytes.iter().for_each(|_| self.unknown()),
        }
        run
    }

    fn push(&mut self, encoding: &'static Encoding, bytes: &[u8]) {
        let (text, errors) = encoding.decode_without_bom_handling(bytes);
        self.out.push_str(&text);
        self.good &= !errors;
    }
}

fn latin5(b: u8) -> char {
    match b {
        0xD0 => 'Ğ',
        0xDD => 'İ',
        0xDE => 'Ş',
        0xF0 => 'ğ',
        0xFD => 'ı',
        0xFE => 'ş',
        _ => char::from(b),
    }
}
