//! The writer: a data set as DICOM bytes (PS3.5) with the file meta information of PS3.10.

use std::io::Write;

use dicom_core::{Tag, VR};
use flate2::Compression;
use flate2::write::DeflateEncoder;

use super::charset::CharacterSet;
use super::dataset::{Dataset, Value};

/// A transfer syntax that the writer knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Syntax {
    /// 1.2.840.10008.1.2
    ImplicitLittle,
    /// 1.2.840.10008.1.2.1
    #[default]
    ExplicitLittle,
    /// 1.2.840.10008.1.2.2 (retired, still met)
    ExplicitBig,
    /// 1.2.840.10008.1.2.1.99
    Deflated,
    /// 1.2.840.10008.1.2.5, RLE Lossless: explicit little-endian with fragments in Pixel Data.
    Rle,
}

impl Syntax {
    /// Its UID.
    pub fn uid(self) -> &'static str {
        match self {
            Self::ImplicitLittle => "1.2.840.10008.1.2",
            Self::ExplicitLittle => "1.2.840.10008.1.2.1",
            Self::ExplicitBig => "1.2.840.10008.1.2.2",
            Self::Deflated => "1.2.840.10008.1.2.1.99",
            Self::Rle => "1.2.840.10008.1.2.5",
        }
    }

    fn big(self) -> bool {
        self == Self::ExplicitBig
    }
}

/// How a data set becomes a file. The default is an ordinary Part 10 file, explicit little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoding {
    /// Transfer syntax of the data set.
    pub syntax: Syntax,
    /// 128 zero bytes and "DICM" in front.
    pub preamble: bool,
    /// File meta information (group 0002) in front.
    pub meta: bool,
    /// Sequences and items of undefined length with delimiters, instead of explicit lengths.
    pub undefined_lengths: bool,
}

impl Default for Encoding {
    fn default() -> Self {
        Self {
            syntax: Syntax::default(),
            preamble: true,
            meta: true,
            undefined_lengths: false,
        }
    }
}

impl From<Syntax> for Encoding {
    fn from(syntax: Syntax) -> Self {
        Self {
            syntax,
            ..Self::default()
        }
    }
}

/// Identifies the software that wrote a file (PS3.7 D.3.3.2).
const IMPLEMENTATION_CLASS_UID: &str = "2.25.311417094338312098213127466017270374431";
const SPECIFIC_CHARACTER_SET: Tag = Tag(0x0008, 0x0005);
const SOP_CLASS_UID: Tag = Tag(0x0008, 0x0016);
const SOP_INSTANCE_UID: Tag = Tag(0x0008, 0x0018);
const UNDEFINED: u32 = 0xFFFF_FFFF;

/// `dataset` as the bytes of a file. Text is encoded in the character set that the data set names.
pub fn encode(dataset: &Dataset, encoding: &Encoding) -> Vec<u8> {
    let charset = CharacterSet::of_term(dataset.text(SPECIFIC_CHARACTER_SET));
    let mut out = Vec::with_capacity(4096);
    if encoding.preamble {
        out.resize(128, 0);
        out.extend_from_slice(b"DICM");
    }
    if encoding.meta {
        write_meta(&mut out, dataset, encoding.syntax);
    }
    let writer = Writer {
        syntax: encoding.syntax,
        undefined: encoding.undefined_lengths,
        charset,
    };
    if encoding.syntax == Syntax::Deflated {
        let mut plain = Vec::new();
        writer.dataset(&mut plain, dataset);
        let mut deflater = DeflateEncoder::new(out, Compression::fast());
        // Writing into a Vec cannot fail; what a failure would leave is an empty body, which no test would accept.
        out = deflater
            .write_all(&plain)
            .and_then(|()| deflater.finish())
            .unwrap_or_default();
        if out.len() % 2 == 1 {
            out.push(0);
        }
    } else {
        writer.dataset(&mut out, dataset);
    }
    out
}

fn write_meta(out: &mut Vec<u8>, dataset: &Dataset, syntax: Syntax) {
    let meta = Dataset::new()
        .with(Tag(0x0002, 0x0001), Value::Bytes(vec![0, 1]))
        .with(Tag(0x0002, 0x0002), dataset.text(SOP_CLASS_UID))
        .with(Tag(0x0002, 0x0003), dataset.text(SOP_INSTANCE_UID))
        .with(Tag(0x0002, 0x0010), syntax.uid())
        .with(Tag(0x0002, 0x0012), IMPLEMENTATION_CLASS_UID)
        .with(Tag(0x0002, 0x0013), "RADLAKE_SYNTH");
    let writer = Writer {
        syntax: Syntax::ExplicitLittle,
        undefined: false,
        charset: CharacterSet::Ascii,
    };
    let mut group = Vec::with_capacity(256);
    writer.dataset(&mut group, &meta);
    writer.dataset(out, &Dataset::new().with(Tag(0x0002, 0x0000), group.len() as u32));
    out.extend_from_slice(&group);
}

struct Writer {
    syntax: Syntax,
    undefined: bool,
    charset: CharacterSet,
}

impl Writer {
    fn dataset(&self, out: &mut Vec<u8>, dataset: &Dataset) {
        for (tag, vr, value) in dataset.iter() {
            match value {
                Value::Sequence(items) => self.sequence(out, tag, vr, items),
                Value::Fragments(fragments) => self.fragments(out, tag, vr, fragments),
                _ => {
                    let mut bytes = self.value(vr, value);
                    if !self.long(vr) {
                        // A length of 16 bits: cut, rather than write a file that lies.
                        bytes.truncate(0xFFFE);
                    }
                    self.head(out, tag, vr, bytes.len() as u32);
                    out.extend_from_slice(&bytes);
                }
            }
        }
    }

    fn sequence(&self, out: &mut Vec<u8>, tag: Tag, vr: VR, items: &[Dataset]) {
        let mut body = Vec::new();
        for item in items {
            let mut content = Vec::new();
            self.dataset(&mut content, item);
            let length = if self.undefined {
                UNDEFINED
            } else {
                content.len() as u32
            };
            self.item_head(&mut body, Tag(0xFFFE, 0xE000), length);
            body.extend_from_slice(&content);
            if self.undefined {
                self.item_head(&mut body, Tag(0xFFFE, 0xE00D), 0);
            }
        }
        if self.undefined {
            self.item_head(&mut body, Tag(0xFFFE, 0xE0DD), 0);
        }
        let length = if self.undefined {
            UNDEFINED
        } else {
            body.len() as u32
        };
        self.head(out, tag, vr, length);
        out.extend_from_slice(&body);
    }

    fn fragments(&self, out: &mut Vec<u8>, tag: Tag, vr: VR, fragments: &[Vec<u8>]) {
        self.head(out, tag, vr, UNDEFINED);
        self.item_head(out, Tag(0xFFFE, 0xE000), 0);
        for fragment in fragments {
            let odd = fragment.len() % 2;
            self.item_head(out, Tag(0xFFFE, 0xE000), (fragment.len() + odd) as u32);
            out.extend_from_slice(fragment);
            out.resize(out.len() + odd, 0);
        }
        self.item_head(out, Tag(0xFFFE, 0xE0DD), 0);
    }

    fn head(&self, out: &mut Vec<u8>, tag: Tag, vr: VR, length: u32) {
        self.u16(out, tag.0);
        self.u16(out, tag.1);
        if self.syntax == Syntax::ImplicitLittle {
            self.u32(out, length);
            return;
        }
        out.extend_from_slice(vr.to_string().as_bytes());
        if self.long(vr) {
            self.u16(out, 0);
            self.u32(out, length);
        } else {
            self.u16(out, length as u16);
        }
    }

    /// Whether elements of `vr` have a length of 32 bits.
    fn long(&self, vr: VR) -> bool {
        use VR::{OB, OD, OF, OL, OV, OW, SQ, SV, UC, UN, UR, UT, UV};
        self.syntax == Syntax::ImplicitLittle
            || matches!(vr, OB | OD | OF | OL | OV | OW | SQ | SV | UC | UN | UR | UT | UV)
    }

    fn item_head(&self, out: &mut Vec<u8>, tag: Tag, length: u32) {
        self.u16(out, tag.0);
        self.u16(out, tag.1);
        self.u32(out, length);
    }

    fn u16(&self, out: &mut Vec<u8>, v: u16) {
        out.extend_from_slice(&if self.syntax.big() {
            v.to_be_bytes()
        } else {
            v.to_le_bytes()
        });
    }

    fn u32(&self, out: &mut Vec<u8>, v: u32) {
        out.extend_from_slice(&if self.syntax.big() {
            v.to_be_bytes()
        } else {
            v.to_le_bytes()
        });
    }

    /// The bytes of a plain value, padded to even length as PS3.5 6.2 says for its VR.
    fn value(&self, vr: VR, value: &Value) -> Vec<u8> {
        let big = self.syntax.big();
        let mut bytes = match value {
            Value::Text(text) => self.charset.encode(vr, text),
            Value::Bytes(bytes) if big && vr == VR::OW => bytes
                .chunks(2)
                .flat_map(|pair| pair.iter().rev().copied())
                .collect(),
            Value::Bytes(bytes) => bytes.clone(),
            Value::U16(v) => words(v, big, u16::to_be_bytes, u16::to_le_bytes),
            Value::I16(v) => words(v, big, i16::to_be_bytes, i16::to_le_bytes),
            Value::U32(v) => words(v, big, u32::to_be_bytes, u32::to_le_bytes),
            Value::I32(v) => words(v, big, i32::to_be_bytes, i32::to_le_bytes),
            Value::F32(v) => words(v, big, f32::to_be_bytes, f32::to_le_bytes),
            Value::F64(v) => words(v, big, f64::to_be_bytes, f64::to_le_bytes),
            Value::Tags(tags) => {
                let halves: Vec<u16> = tags.iter().flat_map(|t| [t.0, t.1]).collect();
                words(&halves, big, u16::to_be_bytes, u16::to_le_bytes)
            }
            Value::Sequence(_) | Value::Fragments(_) => Vec::new(),
        };
        if bytes.len() % 2 == 1 {
            bytes.push(match vr {
                VR::UI | VR::OB | VR::OW | VR::UN => 0,
                _ => b' ',
            });
        }
        bytes
    }
}

fn words<T: Copy, const N: usize>(v: &[T], big: bool, be: fn(T) -> [u8; N], le: fn(T) -> [u8; N]) -> Vec<u8> {
    v.iter().flat_map(|x| if big { be(*x) } else { le(*x) }).collect()
}
