//! Bytes of small DICOM files, made by hand so that they can be wrong.

use std::io;

use super::*;

/// An explicit little endian element.
pub(super) fn el(tag: u32, vr: &str, value: &[u8]) -> Vec<u8> {
    let mut out = head(tag, vr, value.len() as u32);
    out.extend(value);
    out
}

/// The header of an explicit little endian element, whatever length it claims.
pub(super) fn head(tag: u32, vr: &str, len: u32) -> Vec<u8> {
    let mut out = tag_bytes(tag).to_vec();
    out.extend(vr.as_bytes());
    if Vr::from_bytes(vr.as_bytes().try_into().unwrap()).is_some_and(Vr::long_length) {
        out.extend([0, 0]);
        out.extend(len.to_le_bytes());
    } else {
        out.extend((len as u16).to_le_bytes());
    }
    out
}

/// An implicit little endian element; also items and delimiters.
pub(super) fn implicit(tag: u32, len: u32, value: &[u8]) -> Vec<u8> {
    [&tag_bytes(tag)[..], &len.to_le_bytes(), value].concat()
}

pub(super) fn tag_bytes(tag: u32) -> [u8; 4] {
    let [a, b, c, d] = tag.to_be_bytes();
    [b, a, d, c]
}

/// A sequence of undefined length, items too.
pub(super) fn sequence(tag: u32, items: &[Vec<u8>]) -> Vec<u8> {
    let mut out = head(tag, "SQ", u32::MAX);
    for item in items {
        out.extend(implicit(ITEM, u32::MAX, item));
        out.extend(implicit(ITEM_END, 0, &[]));
    }
    out.extend(implicit(SEQUENCE_END, 0, &[]));
    out
}

/// The elements that identify an instance.
pub(super) fn ids() -> Vec<u8> {
    [
        el(0x0008_0018, "UI", b"1.2.3\0"),
        el(0x0020_000D, "UI", b"1.2\0"),
        el(0x0020_000E, "UI", b"1.2.4\0"),
    ]
    .concat()
}

/// Preamble, meta group, data set.
pub(super) fn part10(syntax: &str, data_set: &[u8]) -> Vec<u8> {
    let mut meta = el(0x0002_0010, "UI", syntax.as_bytes());
    if syntax.len() % 2 == 1 {
        meta.push(0);
        let at = 6;
        meta[at] += 1;
    }
    let length = el(0x0002_0000, "UL", &(meta.len() as u32).to_le_bytes());
    [&[0; 128][..], b"DICM", &length, &meta, data_set].concat()
}

pub(super) const EXPLICIT: &str = "1.2.840.10008.1.2.1";
pub(super) const DEFLATED: &str = "1.2.840.10008.1.2.1.99";

/// A raw deflate stream.
pub(super) fn deflate(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The refusal of bytes that must be refused.
pub(super) fn refusal(bytes: &[u8]) -> Refusal {
    refusal_under(bytes, &Limits::default())
}

pub(super) fn refusal_under(bytes: &[u8], limits: &Limits) -> Refusal {
    let mut scratch = Scratch::default();
    match read_header(&mut BytesSource::new(bytes), limits, &mut scratch) {
        Ok(_) => panic!("it was taken"),
        Err(refusal) => refusal,
    }
}

/// A source that gives out a few bytes at a time, does not know its size, and counts.
#[derive(Debug)]
pub(super) struct Trickle<'a> {
    pub(super) left: &'a [u8],
    pub(super) step: usize,
    pub(super) read: usize,
    pub(super) skipped: u64,
}

impl<'a> Trickle<'a> {
    pub(super) fn new(bytes: &'a [u8], step: usize) -> Self {
        Self {
            left: bytes,
            step,
            read: 0,
            skipped: 0,
        }
    }
}

impl HeaderSource for Trickle<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.left.len().min(buf.len()).min(self.step);
        buf[..n].copy_from_slice(&self.left[..n]);
        self.left = &self.left[n..];
        self.read += n;
        Ok(n)
    }

    fn skip(&mut self, n: u64) -> io::Result<u64> {
        let n = self.left.len().min(n as usize);
        self.left = &self.left[n..];
        self.skipped += n as u64;
        Ok(n as u64)
    }

    fn size(&self) -> Option<u64> {
        None
    }
}

/// The only row of a file, all the way: header, columns, JSON.
pub(super) fn row(bytes: &[u8]) -> (arrow::array::RecordBatch, Appended) {
    let mut scratch = Scratch::default();
    let header = read_header(&mut BytesSource::new(bytes), &Limits::default(), &mut scratch).unwrap();
    let mut rows = InstanceRows::new(1);
    let size = bytes.len() as u64;
    let hash = header.hash(size);
    let appended = rows.append(
        &header,
        &Origin {
            provider: "p",
            source_uri: "u",
            file_size: size,
            header_hash: hash,
        },
    );
    (rows.finish().unwrap(), appended)
}

/// The `dataset` of that row.
pub(super) fn dataset(bytes: &[u8]) -> serde_json::Value {
    use arrow::array::AsArray;
    let (batch, _) = row(bytes);
    serde_json::from_str(
        batch
            .column_by_name("dataset")
            .unwrap()
            .as_string::<i32>()
            .value(0),
    )
    .unwrap()
}
