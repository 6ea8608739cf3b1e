//! What the frames of an instance say of one thing: each value once, in the order of frames.

use rustc_hash::FxHashSet;

use super::cell::{Value, clean, narrow};
use crate::dicom::{ColumnType, Vr, numbers::Numbers, values};

/// A value of one frame, which may be several numbers or texts.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Entry {
    Numbers(Vec<f64>),
    /// Several texts are joined by backslashes, as in DICOM.
    Text(String),
}

/// Different values of the frames of one row.
#[derive(Debug, Default)]
pub(super) struct Distinct {
    entries: Vec<Entry>,
    seen: FxHashSet<Vec<u8>>,
    /// The bytes of the last value: frames mostly say what the one before them said.
    last: Vec<u8>,
    last_good: bool,
}

impl Distinct {
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.last.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.seen.clear();
        self.last.clear();
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The value that all frames have.
    pub(super) fn only(&self) -> Option<&Entry> {
        match &self.entries[..] {
            [only] => Some(only),
            _ => None,
        }
    }

    /// Notes a frame's value, and tells whether it parsed.
    pub(super) fn note(&mut self, value: &Value<'_>, vr: Vr, data_type: ColumnType) -> bool {
        let bytes = value.bytes();
        if !self.last.is_empty() && self.last == bytes {
            return self.last_good;
        }
        self.last.clear();
        self.last.extend(bytes);
        let entry = match data_type {
            ColumnType::Text | ColumnType::TextList => text(value, vr).map(Entry::Text),
            _ => numbers(value).map(Entry::Numbers),
        };
        self.last_good = entry.is_some();
        if let Some(entry) = entry
            && self.seen.insert(entry.key())
        {
            self.entries.push(entry);
        }
        self.last_good
    }
}

impl Entry {
    fn key(&self) -> Vec<u8> {
        match self {
            // Of two zeros there is one.
            Self::Numbers(numbers) => numbers
                .iter()
                .flat_map(|n| (n + 0.0).to_bits().to_le_bytes())
                .collect(),
            Self::Text(text) => text.as_bytes().to_vec(),
        }
    }

    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Numbers(numbers) => match &numbers[..] {
                [only] => Some(*only),
                _ => None,
            },
            Self::Text(_) => None,
        }
    }

    pub(super) fn numbers(&self) -> &[f64] {
        match self {
            Self::Numbers(numbers) => numbers,
            Self::Text(_) => &[],
        }
    }

    /// Whole numbers; `None` where one is none, or beyond 32 bits.
    pub(super) fn integers(&self) -> Option<Vec<i32>> {
        let integer = |n: &f64| (n.fract() == 0.0).then_some(*n as i64).and_then(narrow);
        self.numbers().iter().map(integer).collect()
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Numbers(_) => None,
        }
    }
}

fn numbers(value: &Value<'_>) -> Option<Vec<f64>> {
    match value {
        Value::Text(text) => text
            .split('\\')
            .map(|part| values::decimal(part.as_bytes()))
            .collect(),
        Value::Numbers(numbers) => Some(floats(numbers)),
    }
}

fn floats(numbers: &Numbers<'_>) -> Vec<f64> {
    (0..numbers.len()).map(|i| numbers.float(i)).collect()
}

fn text(value: &Value<'_>, vr: Vr) -> Option<String> {
    match value {
        Value::Text(text) => {
            let parts: Vec<&str> = text.split('\\').map(|part| clean(part, vr)).collect();
            Some(parts.join("\\"))
        }
        Value::Numbers(_) => None,
    }
}
