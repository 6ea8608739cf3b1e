//! A reader for the few elements that tests need of Implicit VR Little Endian files (PS3.5 A.1), such as IBSI's.
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

/// Reads a file; `sequences` are the tags that hold items (the encoding does not say).
pub(crate) fn read(path: &Path, sequences: &[u32]) -> Dataset {
    let bytes = std::fs::read(path).unwrap();
    // Preamble, "DICM", then the group of meta elements, whose length is its first element's value.
    let meta = u32::from_le_bytes(bytes[140..144].try_into().unwrap()) as usize;
    let mut at = 144 + meta;
    dataset(&bytes, &mut at, bytes.len(), sequences)
}

fn dataset(bytes: &[u8], at: &mut usize, end: usize, sequences: &[u32]) -> Dataset {
    let mut elements = Vec::new();
    while *at < end {
        let (tag, length) = header(bytes, at);
        if tag == 0xFFFE_E00D {
            break;
        }
        // Only sequences may leave their length open.
        if sequences.contains(&tag) || length == u32::MAX {
            elements.push((tag, Value::Items(items(bytes, at, length, sequences))));
        } else {
            elements.push((tag, Value::Bytes(bytes[*at..*at + length as usize].to_vec())));
            *at += length as usize;
        }
    }
    Dataset(elements)
}

fn header(bytes: &[u8], at: &mut usize) -> (u32, u32) {
    let half = |k: usize| u32::from(u16::from_le_bytes([bytes[*at + k], bytes[*at + k + 1]]));
    let found = (half(0) << 16 | half(2), half(6) << 16 | half(4));
    *at += 8;
    found
}

fn items(bytes: &[u8], at: &mut usize, length: u32, sequences: &[u32]) -> Vec<Dataset> {
    let end = if length == u32::MAX {
        bytes.len()
    } else {
        *at + length as usize
    };
    let mut found = Vec::new();
    while *at < end {
        let (tag, length) = header(bytes, at);
        if tag != SEQUENCE_ITEM {
            break;
        }
        let end = if length == u32::MAX {
            bytes.len()
        } else {
            *at + length as usize
        };
        found.push(dataset(bytes, at, end, sequences));
    }
    found
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

    /// The number of a US element.
    pub(crate) fn short(&self, tag: u32) -> usize {
        match self.find(tag) {
            Value::Bytes(bytes) => usize::from(u16::from_le_bytes([bytes[0], bytes[1]])),
            Value::Items(_) => 0,
        }
    }
}
