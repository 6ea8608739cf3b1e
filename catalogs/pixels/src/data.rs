//! Where the frames lie in the value of the element (PS3.5 A.4).

use std::borrow::Cow;
use std::ops::Range;

use crate::encoding::Encoding;
use crate::error::{PixelError, Result};

/// Tags of items and their delimiter, as little endian bytes: (FFFE,E000) and (FFFE,E0DD).
const ITEM: [u8; 4] = [0xFE, 0xFF, 0x00, 0xE0];
const DELIMITER: [u8; 4] = [0xFE, 0xFF, 0xDD, 0xE0];

/// How far from a fragment's end its marker may stand: encoders pad to even length, some more.
const MARKER_WINDOW: usize = 10;

/// Extended Offset Table (7FE0,0001) and its Lengths (7FE0,0002), one entry per frame.
#[derive(Debug, Clone, Copy)]
pub struct ExtendedOffsets<'a> {
    /// Bytes from the tag of the first fragment's item to that of the frame's first.
    pub offsets: &'a [u64],
    /// Bytes of each frame, without padding.
    pub lengths: &'a [u64],
}

/// The value of a pixel data element; borrows it.
#[derive(Debug, Clone)]
pub struct PixelData<'a>(Form<'a>);

#[derive(Debug, Clone)]
enum Form<'a> {
    Native {
        bytes: &'a [u8],
        words: bool,
    },
    Encapsulated {
        fragments: Vec<Fragment<'a>>,
        basic: Vec<u64>,
        extended: Option<ExtendedOffsets<'a>>,
    },
}

#[derive(Debug, Clone)]
struct Fragment<'a> {
    /// Bytes from the tag of the first fragment's item to that of this one.
    offset: u64,
    bytes: &'a [u8],
    /// Bytes that the item says it has.
    length: u64,
}

impl<'a> PixelData<'a> {
    /// Samples as they are, one frame after the other.
    pub fn native(bytes: &'a [u8]) -> Self {
        Self(Form::Native { bytes, words: false })
    }

    /// Says that the VR is OW: in big endian, bytes of 8 and 1 bit samples come in swapped pairs (PS3.5 8.1.1, 8.2).
    #[must_use]
    pub fn in_words(mut self) -> Self {
        if let Form::Native { words, .. } = &mut self.0 {
            *words = true;
        }
        self
    }

    /// The items of an encapsulated element, from the tag of the Basic Offset Table's item on. The sequence delimiter
    /// may be missing and the last item cut: what is whole can be decoded. Fails if there is no fragment.
    pub fn encapsulated(bytes: &'a [u8]) -> Result<Self> {
        Self::items(bytes, None)
    }

    /// The same, with the Extended Offset Table of the data set.
    pub fn encapsulated_with(bytes: &'a [u8], table: ExtendedOffsets<'a>) -> Result<Self> {
        Self::items(bytes, Some(table))
    }

    fn items(bytes: &'a [u8], extended: Option<ExtendedOffsets<'a>>) -> Result<Self> {
        let mut items = Items { bytes, at: 0 };
        let table = items
            .next()
            .ok_or(PixelError::Encapsulation("no item for the Basic Offset Table"))??;
        if (table.bytes.len() as u64) < table.length {
            return Err(PixelError::Encapsulation("the Basic Offset Table is cut"));
        }
        let basic = table
            .bytes
            .as_chunks::<4>()
            .0
            .iter()
            .map(|&o| u64::from(u32::from_le_bytes(o)))
            .collect();
        let first = items.at as u64;
        let mut fragments = Vec::new();
        for item in items {
            // What follows a broken item cannot be found; what precedes it can be decoded.
            let Ok(mut fragment) = item else { break };
            fragment.offset -= first;
            fragments.push(fragment);
        }
        if fragments.is_empty() {
            return Err(PixelError::Encapsulation("no fragment"));
        }
        Ok(Self(Form::Encapsulated {
            fragments,
            basic,
            extended,
        }))
    }

    /// The whole value, and whether it is in words, if it is native.
    pub(crate) fn as_native(&self) -> Option<(&'a [u8], bool)> {
        match self.0 {
            Form::Native { bytes, words } => Some((bytes, words)),
            Form::Encapsulated { .. } => None,
        }
    }

    /// The stream of frame `n` of `frames`, copied only if several fragments make it up.
    ///
    /// The extended table goes before the basic one; one that does not fit the fragments is passed over. Without a table
    /// frames are fragments, or runs of fragments up to an end marker, or all of them if there is one frame.
    pub(crate) fn stream(&self, n: u32, frames: u32, encoding: Encoding) -> Result<Cow<'a, [u8]>> {
        let Form::Encapsulated {
            fragments,
            basic,
            extended,
        } = &self.0
        else {
            return Err(PixelError::WrongForm {
                encoding: encoding.name(),
                found: "native",
            });
        };
        let no_such = PixelError::NoSuchFrame { frame: n, frames };
        if n >= frames {
            return Err(no_such);
        }
        let (index, count) = (n as usize, frames as usize);
        let by_table = extended
            .filter(|table| table.offsets.len() == count)
            .and_then(|table| {
                Some((
                    range(fragments, table.offsets, index)?,
                    table.lengths.get(index).copied(),
                ))
            })
            .or_else(|| {
                let fits = basic.len() == count;
                fits.then(|| range(fragments, basic, index))
                    .flatten()
                    .map(|range| (range, None))
            });
        let (range, length) = match by_table {
            Some(found) => found,
            None if count == 1 => (0..fragments.len(), None),
            None if count == fragments.len() => (index..index + 1, None),
            None if encoding.ends_with_marker() => (by_markers(fragments, index).ok_or(no_such)?, None),
            None => {
                return Err(PixelError::Encapsulation(
                    "no offset table, and fragments are not frames",
                ));
            }
        };
        join(&fragments[range], length)
    }
}

/// Items one after the other; ends at a delimiter or the end of the bytes.
struct Items<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Items<'a> {
    type Item = Result<Fragment<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.at;
        let head = self.bytes.get(start..start.checked_add(8)?)?;
        let (tag, length) = head.split_at(4);
        let length = u32::from_le_bytes(length.try_into().ok()?);
        if tag == DELIMITER {
            return None;
        }
        if tag != ITEM {
            return Some(Err(PixelError::Encapsulation(
                "neither item nor delimiter where one must stand",
            )));
        }
        if length == u32::MAX {
            return Some(Err(PixelError::Encapsulation("an item of undefined length")));
        }
        let rest = &self.bytes[start + 8..];
        let bytes = &rest[..rest.len().min(length as usize)];
        self.at = start + 8 + bytes.len();
        Some(Ok(Fragment {
            offset: start as u64,
            bytes,
            length: u64::from(length),
        }))
    }
}

/// Fragments of frame `n` by a table of offsets; nothing if an offset is not that of a fragment.
fn range(fragments: &[Fragment<'_>], offsets: &[u64], n: usize) -> Option<Range<usize>> {
    let find = |offset: &u64| fragments.binary_search_by_key(offset, |f| f.offset).ok();
    let start = find(offsets.get(n)?)?;
    let end = match offsets.get(n + 1) {
        Some(next) => find(next)?,
        None => fragments.len(),
    };
    (start < end).then_some(start..end)
}

/// Fragments of frame `n`, frames ending where a fragment ends with the marker `FFD9`.
fn by_markers(fragments: &[Fragment<'_>], n: usize) -> Option<Range<usize>> {
    let ends = |f: &Fragment<'_>| {
        let tail = &f.bytes[f.bytes.len().saturating_sub(MARKER_WINDOW)..];
        tail.windows(2).any(|pair| pair == [0xFF, 0xD9])
    };
    let mut start = 0;
    let mut frame = 0;
    for (i, fragment) in fragments.iter().enumerate() {
        if ends(fragment) || i + 1 == fragments.len() {
            if frame == n {
                return Some(start..i + 1);
            }
            (frame, start) = (frame + 1, i + 1);
        }
    }
    None
}

/// The bytes of some fragments, up to `length` of them.
fn join<'a>(fragments: &[Fragment<'a>], length: Option<u64>) -> Result<Cow<'a, [u8]>> {
    let got: u64 = fragments.iter().map(|f| f.bytes.len() as u64).sum();
    let needed = length.unwrap_or_else(|| fragments.iter().map(|f| f.length).sum());
    if got < needed {
        return Err(PixelError::Truncated {
            what: "fragments of the frame",
            needed,
            got,
        });
    }
    let needed = needed as usize;
    Ok(match fragments {
        [one] => Cow::Borrowed(&one.bytes[..needed]),
        many => {
            let mut joined: Vec<u8> = many.iter().flat_map(|f| f.bytes).copied().collect();
            joined.truncate(needed);
            Cow::Owned(joined)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(bytes: &[u8]) -> Vec<u8> {
        [&ITEM[..], &(bytes.len() as u32).to_le_bytes(), bytes].concat()
    }

    fn element(table: &[u32], fragments: &[&[u8]]) -> Vec<u8> {
        let table: Vec<u8> = table.iter().flat_map(|o| o.to_le_bytes()).collect();
        let mut out = item(&table);
        fragments.iter().for_each(|f| out.extend(item(f)));
        out.extend(DELIMITER);
        out.extend([0; 4]);
        out
    }

    fn frames(bytes: &[u8], count: u32, encoding: Encoding) -> Vec<Vec<u8>> {
        let data = PixelData::encapsulated(bytes).unwrap();
        (0..count)
            .map(|n| data.stream(n, count, encoding).unwrap().into_owned())
            .collect()
    }

    #[test]
    fn frames_by_table_by_number_and_by_marker() {
        let parts: [&[u8]; 3] = [&[1, 2], &[3, 4, 5, 6], &[7, 8]];
        let expected = [vec![1, 2, 3, 4, 5, 6], vec![7, 8]];
        assert_eq!(frames(&element(&[0, 22], &parts), 2, Encoding::Rle), expected);
        // A table that fits no fragment is passed over.
        assert_eq!(frames(&element(&[0, 10, 23], &parts), 3, Encoding::Rle).len(), 3);
        assert_eq!(
            frames(&element(&[], &parts), 1, Encoding::Rle),
            [vec![1, 2, 3, 4, 5, 6, 7, 8]]
        );
        let marked: [&[u8]; 3] = [&[1, 2], &[3, 0xFF, 0xD9, 0], &[7, 8, 0xFF, 0xD9]];
        let by_marker = frames(&element(&[], &marked), 2, Encoding::Jpeg);
        assert_eq!(by_marker, [vec![1, 2, 3, 0xFF, 0xD9, 0], vec![7, 8, 0xFF, 0xD9]]);
        let bytes = element(&[], &parts);
        let data = PixelData::encapsulated(&bytes).unwrap();
        assert!(matches!(
            data.stream(0, 2, Encoding::Rle),
            Err(PixelError::Encapsulation(_))
        ));
        assert!(matches!(
            data.stream(2, 2, Encoding::Rle),
            Err(PixelError::NoSuchFrame { .. })
        ));
    }

    #[test]
    fn extended_table() {
        let bytes = element(&[], &[&[1, 2], &[3, 4, 5, 0], &[7, 8]]);
        let table = ExtendedOffsets {
            offsets: &[0, 22],
            lengths: &[5, 1],
        };
        let data = PixelData::encapsulated_with(&bytes, table).unwrap();
        assert_eq!(*data.stream(0, 2, Encoding::Rle).unwrap(), [1, 2, 3, 4, 5]);
        assert_eq!(*data.stream(1, 2, Encoding::Rle).unwrap(), [7]);
        let long = ExtendedOffsets {
            offsets: &[0, 22],
            lengths: &[u64::MAX, 1],
        };
        let data = PixelData::encapsulated_with(&bytes, long).unwrap();
        assert!(matches!(
            data.stream(0, 2, Encoding::Rle),
            Err(PixelError::Truncated { .. })
        ));
    }

    #[test]
    fn what_is_whole_of_a_cut_element() {
        let bytes = element(&[], &[&[1, 2], &[3, 4]]);
        // Without the delimiter; within it; within the last fragment.
        for cut in [8, 4] {
            assert_eq!(frames(&bytes[..bytes.len() - cut], 2, Encoding::Rle).len(), 2);
        }
        let data = PixelData::encapsulated(&bytes[..bytes.len() - 9]).unwrap();
        assert_eq!(*data.stream(0, 2, Encoding::Rle).unwrap(), [1, 2]);
        assert!(matches!(
            data.stream(1, 2, Encoding::Rle),
            Err(PixelError::Truncated { .. })
        ));
        for cut in 0..16 {
            assert!(PixelData::encapsulated(&bytes[..cut]).is_err(), "{cut}");
        }
        assert!(PixelData::encapsulated(&[0; 64]).is_err());
    }
}
