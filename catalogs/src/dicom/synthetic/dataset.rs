//! A data set in memory, ordered by tag, as the writer needs it.

use std::collections::BTreeMap;

use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry, VirtualVr};
use dicom_core::{Tag, VR};
use dicom_dictionary_std::StandardDataDictionary;

/// The value of one element.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Text of any kind; several values are joined by `\`.
    Text(String),
    /// Bytes as they are (OB, UN) or, for OW, little-endian words that a big-endian writer swaps.
    Bytes(Vec<u8>),
    /// US, or OW of words.
    U16(Vec<u16>),
    /// SS.
    I16(Vec<i16>),
    /// UL.
    U32(Vec<u32>),
    /// SL.
    I32(Vec<i32>),
    /// FL.
    F32(Vec<f32>),
    /// FD.
    F64(Vec<f64>),
    /// AT.
    Tags(Vec<Tag>),
    /// SQ, one data set per item.
    Sequence(Vec<Dataset>),
    /// Encapsulated Pixel Data: one fragment per frame, behind an empty offset table.
    Fragments(Vec<Vec<u8>>),
}

impl From<&str> for Value {
    fn from(v: &str) -> Self {
        Self::Text(v.to_owned())
    }
}
impl From<&String> for Value {
    fn from(v: &String) -> Self {
        Self::Text(v.clone())
    }
}
impl From<String> for Value {
    fn from(v: String) -> Self {
        Self::Text(v)
    }
}
impl From<u16> for Value {
    fn from(v: u16) -> Self {
        Self::U16(vec![v])
    }
}
impl From<i16> for Value {
    fn from(v: i16) -> Self {
        Self::I16(vec![v])
    }
}
impl From<u32> for Value {
    fn from(v: u32) -> Self {
        Self::U32(vec![v])
    }
}
impl From<f32> for Value {
    fn from(v: f32) -> Self {
        Self::F32(vec![v])
    }
}
/// A decimal string (DS); for FD say `Value::F64`.
impl From<f64> for Value {
    fn from(v: f64) -> Self {
        Self::Text(decimal(v))
    }
}
/// An integer string (IS).
impl From<i32> for Value {
    fn from(v: i32) -> Self {
        Self::Text(v.to_string())
    }
}
/// Several decimal strings (DS).
impl From<&[f64]> for Value {
    fn from(v: &[f64]) -> Self {
        Self::Text(v.iter().map(|x| decimal(*x)).collect::<Vec<_>>().join("\\"))
    }
}
impl From<Vec<Dataset>> for Value {
    fn from(v: Vec<Dataset>) -> Self {
        Self::Sequence(v)
    }
}
impl From<Dataset> for Value {
    fn from(v: Dataset) -> Self {
        Self::Sequence(vec![v])
    }
}

/// A number as DS: at most 16 characters, as many digits as fit.
pub fn decimal(v: f64) -> String {
    let v = if v == 0.0 { 0.0 } else { v };
    let shortest = format!("{v}");
    if shortest.len() <= 16 {
        return shortest;
    }
    (0..=13)
        .rev()
        .map(|digits| format!("{v:.digits$}"))
        .find(|s| s.len() <= 16)
        .unwrap_or_else(|| format!("{v:.8e}"))
}

/// Elements by tag. Putting a tag again replaces its value.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Dataset(BTreeMap<Tag, (VR, Value)>);

impl Dataset {
    /// An empty data set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets an element of the standard; its VR comes from the data dictionary, or, where that leaves a choice,
    /// from the value. Tags that the dictionary does not know become UN.
    pub fn put(&mut self, tag: Tag, value: impl Into<Value>) -> &mut Self {
        let value = value.into();
        let vr = match StandardDataDictionary.by_tag(tag).map(|entry| entry.vr()) {
            Some(VirtualVr::Exact(vr)) => vr,
            Some(_) => match value {
                Value::I16(_) => VR::SS,
                Value::U16(_) if tag != PIXEL_DATA => VR::US,
                Value::Fragments(_) => VR::OB,
                _ => VR::OW,
            },
            None => VR::UN,
        };
        self.put_vr(tag, vr, value)
    }

    /// Sets an element under a VR of the caller's choice (private elements, deliberate mistakes).
    pub fn put_vr(&mut self, tag: Tag, vr: VR, value: impl Into<Value>) -> &mut Self {
        self.0.insert(tag, (vr, value.into()));
        self
    }

    /// The same as [`put`](Self::put), for building in one expression.
    #[must_use]
    pub fn with(mut self, tag: Tag, value: impl Into<Value>) -> Self {
        self.put(tag, value);
        self
    }

    /// Takes an element out.
    pub fn remove(&mut self, tag: Tag) -> &mut Self {
        self.0.remove(&tag);
        self
    }

    /// The value of an element.
    pub fn get(&self, tag: Tag) -> Option<&Value> {
        self.0.get(&tag).map(|(_, value)| value)
    }

    /// The text of an element, or "" where it has none.
    pub fn text(&self, tag: Tag) -> &str {
        match self.get(tag) {
            Some(Value::Text(text)) => text,
            _ => "",
        }
    }

    /// The elements in ascending order of tags.
    pub fn iter(&self) -> impl Iterator<Item = (Tag, VR, &Value)> {
        self.0.iter().map(|(tag, (vr, value))| (*tag, *vr, value))
    }
}

/// Pixel Data (7FE0,0010).
pub(crate) const PIXEL_DATA: Tag = Tag(0x7FE0, 0x0010);

/// An item of a code sequence (PS3.3 8.8): value, scheme designator, meaning.
pub fn code(value: &str, scheme: &str, meaning: &str) -> Dataset {
    Dataset::new()
        .with(Tag(0x0008, 0x0100), value)
        .with(Tag(0x0008, 0x0102), scheme)
        .with(Tag(0x0008, 0x0104), meaning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_fit_sixteen_characters() {
        for v in [
            0.0,
            -0.0,
            1.25,
            -1.0 / 3.0,
            1e-7 / 3.0,
            123_456_789.123_456_79,
            -1234567890123456.7,
            1e300,
        ] {
            let text = decimal(v);
            assert!(text.len() <= 16, "{text}");
            let back: f64 = text.parse().unwrap();
            assert!((back - v).abs() <= 1e-8 * v.abs().max(1.0), "{text} for {v}");
        }
    }

    #[test]
    fn dictionary_gives_the_representation() {
        let d = Dataset::new()
            .with(Tag(0x0010, 0x0010), "A^B")
            .with(Tag(0x0028, 0x0010), 5u16);
        let vrs: Vec<VR> = d.iter().map(|(_, vr, _)| vr).collect();
        assert_eq!(vrs, [VR::PN, VR::US]);
    }
}
