//! ENCODING: other encodings than UTF-8 are turned into it on the way in, and from it on the way out.

use encoding_rs::{CoderResult, Decoder, Encoding};

/// An encoding under PostgreSQL's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Charset {
    #[default]
    Utf8,
    /// ISO 8859-1, each byte the character of its number.
    Latin1,
    Other(&'static Encoding),
}

impl Charset {
    /// By name, in any case and with any punctuation, as PostgreSQL takes them.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let plain: String = name
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .collect::<String>()
            .to_ascii_lowercase();
        let label = match plain.as_str() {
            "utf8" | "unicode" | "sqlascii" => return Some(Self::Utf8),
            "latin1" | "iso88591" => return Some(Self::Latin1),
            "latin2" | "iso88592" => "iso-8859-2",
            "latin3" | "iso88593" => "iso-8859-3",
            "latin4" | "iso88594" => "iso-8859-4",
            "iso88595" => "iso-8859-5",
            "iso88596" => "iso-8859-6",
            "iso88597" => "iso-8859-7",
            "iso88598" => "iso-8859-8",
            "latin6" | "iso885910" => "iso-8859-10",
            "latin7" | "iso885913" => "iso-8859-13",
            "latin8" | "iso885914" => "iso-8859-14",
            "latin9" | "iso885915" => "iso-8859-15",
            "latin10" | "iso885916" => "iso-8859-16",
            "win866" | "alt" => "ibm866",
            "win874" => "windows-874",
            "win1250" | "windows1250" => "windows-1250",
            "win1251" | "windows1251" | "win" => "windows-1251",
            "win1252" | "windows1252" => "windows-1252",
            "win1253" | "windows1253" => "windows-1253",
            "win1254" | "windows1254" => "windows-1254",
            "win1255" | "windows1255" => "windows-1255",
            "win1256" | "windows1256" => "windows-1256",
            "win1257" | "windows1257" => "windows-1257",
            "win1258" | "windows1258" | "abc" => "windows-1258",
            "koi8r" | "koi8" => "koi8-r",
            "koi8u" => "koi8-u",
            "sjis" | "shiftjis" | "mskanji" => "shift_jis",
            "eucjp" => "euc-jp",
            "euckr" => "euc-kr",
            "gbk" | "euccn" => "gbk",
            "gb18030" => "gb18030",
            "big5" => "big5",
            _ => return None,
        };
        Encoding::for_label(label.as_bytes()).map(Self::Other)
    }

    /// A decoder for one stream; `None` where there is nothing to decode.
    pub(crate) fn decoder(self) -> Option<ToUtf8> {
        match self {
            Self::Utf8 => None,
            Self::Latin1 => Some(ToUtf8::Latin1),
            Self::Other(encoding) => Some(ToUtf8::Other(encoding.new_decoder_without_bom_handling())),
        }
    }

    /// UTF-8 text in this encoding; `None` if a character has no place in it.
    pub(crate) fn encode(self, text: &[u8]) -> Option<Vec<u8>> {
        let text = std::str::from_utf8(text).ok()?;
        match self {
            Self::Utf8 => Some(text.as_bytes().to_vec()),
            Self::Latin1 => text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect(),
            Self::Other(encoding) => {
                let (bytes, _, unmappable) = encoding.encode(text);
                (!unmappable).then(|| bytes.into_owned())
            }
        }
    }

    /// Its name in messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF8",
            Self::Latin1 => "LATIN1",
            Self::Other(encoding) => encoding.name(),
        }
    }
}

/// Decodes pieces of a stream.
pub(crate) enum ToUtf8 {
    Latin1,
    Other(Decoder),
}

impl ToUtf8 {
    /// The next piece as UTF-8; `None` if there are bytes that mean nothing.
    pub(crate) fn decode(&mut self, piece: &[u8], last: bool) -> Option<Vec<u8>> {
        match self {
            Self::Latin1 => Some(
                piece
                    .iter()
                    .map(|byte| char::from(*byte))
                    .collect::<String>()
                    .into_bytes(),
            ),
            Self::Other(decoder) => {
                let mut text = String::with_capacity(decoder.max_utf8_buffer_length(piece.len())?);
                let (result, _, damaged) = decoder.decode_to_string(piece, &mut text, last);
                (result == CoderResult::InputEmpty && !damaged).then(|| text.into_bytes())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_go_there_and_back() {
        for (name, text) in [
            ("LATIN1", "Zürich"),
            ("win1252", "50 €"),
            ("EUC_JP", "山田"),
            ("utf-8", "山田 €"),
        ] {
            let charset = Charset::named(name).unwrap();
            let bytes = charset.encode(text.as_bytes()).unwrap();
            let mut back = Vec::new();
            match charset.decoder() {
                None => back = bytes,
                Some(mut decoder) => {
                    // Byte by byte: a character may come in pieces.
                    for byte in bytes {
                        back.extend(decoder.decode(&[byte], false).unwrap());
                    }
                }
            }
            assert_eq!(String::from_utf8(back).unwrap(), text, "{name}");
        }
        assert_eq!(Charset::Latin1.encode("€".as_bytes()), None);
        assert_eq!(Charset::named("klingon"), None);
    }
}
