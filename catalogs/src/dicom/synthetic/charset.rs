//! Text encodings of PS3.3 C.12.1.1.2, the writing side: enough of them for names from all over Europe and Asia.

use dicom_core::VR;
use encoding_rs::Encoding;

/// A value of Specific Character Set (0008,0005) and how text is written under it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CharacterSet {
    /// ISO_IR 6, the default repertoire: the attribute is left out.
    #[default]
    Ascii,
    /// ISO_IR 100, Latin alphabet No. 1 (Western Europe).
    Latin1,
    /// ISO_IR 101, Latin alphabet No. 2 (Central Europe).
    Latin2,
    /// ISO_IR 144, Cyrillic.
    Cyrillic,
    /// ISO_IR 126, Greek.
    Greek,
    /// ISO_IR 138, Hebrew.
    Hebrew,
    /// ISO_IR 127, Arabic.
    Arabic,
    /// `\ISO 2022 IR 87`: ASCII and, behind escape sequences, JIS X 0208.
    Japanese,
    /// `\ISO 2022 IR 149`: ASCII and KS X 1001 in G1.
    Korean,
    /// GB18030.
    Gb18030,
    /// ISO_IR 192, UTF-8.
    Utf8,
}

impl CharacterSet {
    /// The attribute's value, or `None` for the default repertoire.
    pub fn term(self) -> Option<&'static str> {
        Some(match self {
            Self::Ascii => return None,
            Self::Latin1 => "ISO_IR 100",
            Self::Latin2 => "ISO_IR 101",
            Self::Cyrillic => "ISO_IR 144",
            Self::Greek => "ISO_IR 126",
            Self::Hebrew => "ISO_IR 138",
            Self::Arabic => "ISO_IR 127",
            Self::Japanese => "\\ISO 2022 IR 87",
            Self::Korean => "\\ISO 2022 IR 149",
            Self::Gb18030 => "GB18030",
            Self::Utf8 => "ISO_IR 192",
        })
    }

    /// The set that [`term`](Self::term) names; the default repertoire for a term that is not one of ours.
    pub(crate) fn of_term(term: &str) -> Self {
        use CharacterSet::{
            Arabic, Cyrillic, Gb18030, Greek, Hebrew, Japanese, Korean, Latin1, Latin2, Utf8,
        };
        [
            Latin1, Latin2, Cyrillic, Greek, Hebrew, Arabic, Japanese, Korean, Gb18030, Utf8,
        ]
        .into_iter()
        .find(|set| set.term() == Some(term))
        .unwrap_or_default()
    }

    /// `text` as bytes of a value of `vr`. Representations to which the attribute does not apply stay as they are.
    pub fn encode(self, vr: VR, text: &str) -> Vec<u8> {
        use VR::{LO, LT, PN, SH, ST, UC, UT};
        if text.is_ascii() || !matches!(vr, LO | LT | PN | SH | ST | UC | UT) {
            return text.as_bytes().to_vec();
        }
        match self {
            Self::Ascii | Self::Utf8 => text.as_bytes().to_vec(),
            Self::Latin1 => single(encoding_rs::WINDOWS_1252, text),
            Self::Latin2 => single(encoding_rs::ISO_8859_2, text),
            Self::Cyrillic => single(encoding_rs::ISO_8859_5, text),
            Self::Greek => single(encoding_rs::ISO_8859_7, text),
            Self::Hebrew => single(encoding_rs::ISO_8859_8, text),
            Self::Arabic => single(encoding_rs::ISO_8859_6, text),
            Self::Gb18030 => single(encoding_rs::GB18030, text),
            Self::Japanese => by_component(vr, text, |part| single(encoding_rs::ISO_2022_JP, part)),
            Self::Korean => by_component(vr, text, |part| {
                if part.is_ascii() {
                    return part.as_bytes().to_vec();
                }
                let mut bytes = b"\x1b$)C".to_vec();
                bytes.extend(single(encoding_rs::EUC_KR, part));
                bytes
            }),
        }
    }
}

fn single(encoding: &'static Encoding, text: &str) -> Vec<u8> {
    encoding.encode(text).0.into_owned()
}

/// Code extensions are reset at each delimiter (PS3.5 6.1.2.5.3), so that every part opens its own.
fn by_component(vr: VR, text: &str, encode: impl Fn(&str) -> Vec<u8>) -> Vec<u8> {
    let is_delimiter = |c: char| match vr {
        VR::PN => matches!(c, '^' | '=' | '\\'),
        VR::LO | VR::SH | VR::UC => c == '\\',
        _ => matches!(c, '\r' | '\n' | '\x0c' | '\t'),
    };
    let mut bytes = Vec::new();
    for piece in text.split_inclusive(is_delimiter) {
        let (body, delimiter) = match piece.chars().next_back() {
            Some(c) if is_delimiter(c) => piece.split_at(piece.len() - c.len_utf8()),
            _ => (piece, ""),
        };
        bytes.extend(encode(body));
        bytes.extend_from_slice(delimiter.as_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worked examples of PS3.5 Annexes H and I.
    #[test]
    fn examples_of_the_standard() {
        let japanese = CharacterSet::Japanese.encode(VR::PN, "Yamada^Tarou=山田^太郎=やまだ^たろう");
        let expected =
            b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B";
        assert_eq!(japanese, expected);
        let korean = CharacterSet::Korean.encode(VR::PN, "Hong^Gildong=洪^吉洞=홍^길동");
        let expected =
            b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf";
        assert_eq!(korean, expected);
        assert_eq!(
            CharacterSet::Greek.encode(VR::PN, "Διονυσιος")[..3],
            [0xC4, 0xE9, 0xEF]
        );
        assert_eq!(
            CharacterSet::Cyrillic.encode(VR::PN, "Люк")[..3],
            [0xBB, 0xEE, 0xDA]
        );
    }

    #[test]
    fn codes_are_never_reencoded() {
        assert_eq!(CharacterSet::Latin1.encode(VR::CS, "é"), "é".as_bytes());
    }
}
