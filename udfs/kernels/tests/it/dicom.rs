//! A reader for the few elements that tests need of uncompressed Little Endian files (PS3.5 A.1, A.2).
#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::disallowed_methods, reason = "the functions under test read no files")]

use std::path::Path;

const SEQUENCE_ITEM: u32 = 0xFFFE_E000;

/// Elements of a data set, in order: tag and value, or items.
pub(crate) struct Dataset(Vec<(u32, Value)>);

enum Value {
    Bytes(Vec<u8>),
    Items(Vec<Dataset>),
}

/// Reads a file; `sequences` are the tags that hold items (Implicit VR does not say).
pub(crate) fn read(path: &Path, sequences: &[u32]) -> Dataset {
    let bytes = std::fs::read(path).unwrap();
    // Preamble, "DICM", then the group of meta elements, whose length is its first element's value.
    let at = 144 + u32::from_le_bytes(bytes[140..144].try_into().unwrap()) as usize;
    let mut reader = Reader {
        at,
        explicit: bytes[at + 4..at + 6].iter().all(u8::is_ascii_uppercase),
        sequences,
        bytes: &bytes,
    };
    reader.dataset(bytes.len())
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    explicit: bool,
    sequences: &'a [u32],
}

impl Reader<'_> {
    fn dataset(&mut self, end: usize) -> Dataset {
        let mut elements = Vec::new();
        while self.at < end {
            let (tag, length) = self.header();
            if tag == 0xFFFE_E00D {
                break;
            }
            // Only sequences may leave their length open.
            if self.sequences.contains(&tag) || length == u32::MAX {
                elements.push((tag, Value::Items(self.items(length))));
            } else {
                let value = &self.bytes[self.at..self.at + length as usize];
                elements.push((tag, Value::Bytes(value.to_vec())));
                self.at += length as usize;
            }
        }
        Dataset(elements)
    }

    fn short(&self, k: usize) -> u32 {
        u32::from(u16::from_le_bytes([
            self.bytes[self.at + k],
            self.bytes[self.at + k + 1],
        ]))
    }

    fn header(&mut self) -> (u32, u32) {
        let tag = self.short(0) << 16 | self.short(2);
        let (length, size) = match &self.bytes[self.at + 4..self.at + 6] {
            _ if !self.explicit || tag >> 16 == 0xFFFE => (self.short(6) << 16 | self.short(4), 8),
            b"OB" | b"OW" | b"SQ" | b"UN" | b"UT" => (self.short(10) << 16 | self.short(8), 12),
            _ => (self.short(6), 8),
        };
        self.at += size;
        (tag, length)
    }

    fn end(&self, length: u32) -> usize {
        match length {
            u32::MAX => self.bytes.len(),
            length => self.at + length as usize,
        }
    }

    fn items(&mut self, length: u32) -> Vec<Dataset> {
        let end = self.end(length);
        let mut found = Vec::new();
        while self.at < end {
            let (tag, length) = self.header();
            if tag != SEQUENCE_ITEM {
                break;
            }
            let end = self.end(length);
            found.push(self.dataset(end));
        }
        found
    }
}

impl Dataset {
    fn find(&self, tag: u32) -> &Value {
        &self.0.iter().find(|e| e.0 == tag).unwrap().1
    }

    /// Items of a sequence.
    pub(crate) fn items(&self, tag: u32) -> &[Dataset] {
        match self.find(tag) {
            Value::Items(items) => items,
            Value::Bytes(_) => &[],
        }
    }

    /// The text of an element.
    pub(crate) fn text(&self, tag: u32) -> String {
        match self.find(tag) {
            Value::Bytes(bytes) => String::from_utf8_lossy(bytes)
                .trim_end_matches([' ', '\0'])
                .to_owned(),
            Value::Items(_) => String::new(),
        }
    }

    /// The numbers of a DS or IS element.
    pub(crate) fn numbers(&self, tag: u32) -> Vec<f64> {
        self.text(tag)
            .split('\\')
            .map(|v| v.trim().parse().unwrap())
            .collect()
    }

    /// The value of an element.
    pub(crate) fn bytes(&self, tag: u32) -> &[u8] {
        match self.find(tag) {
            Value::Bytes(bytes) => bytes,
            Value::Items(_) => &[],
        }
    }

    /// The number of a US element.
    pub(crate) fn short(&self, tag: u32) -> usize {
        match self.find(tag) {
            Value::Bytes(bytes) => usize::from(u16::from_le_bytes([bytes[0], bytes[1]])),
            Value::Items(_) => 0,
        }
    }
}
