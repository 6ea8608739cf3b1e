//! A header as data sets within data sets, looked up by tag: for objects whose meaning lies in their sequences.

use super::charset::{Charset, Delimiters, default_text};
use super::numbers::Numbers;
use super::{Element, Header, ITEM, ITEM_END, SEQUENCE_END, Vr, values};

/// A coded concept (PS3.3 §8.8): the first item of a code sequence.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Code {
    /// Code Value, or Long Code Value, or URN Code Value.
    pub value: Option<String>,
    /// Coding Scheme Designator.
    pub scheme: Option<String>,
    /// Code Meaning.
    pub meaning: Option<String>,
}

impl Code {
    /// Whether it is this concept.
    pub(crate) fn is(&self, value: &str, scheme: &str) -> bool {
        self.value.as_deref() == Some(value) && self.scheme.as_deref() == Some(scheme)
    }
}

/// The elements of a header with where each one's own ends.
#[derive(Debug)]
pub(crate) struct Tree<'s> {
    header: &'s Header<'s>,
    /// Per element the index of the one behind it and all it holds.
    next: Vec<u32>,
}

/// A data set, or an item of a sequence.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DataSet<'t> {
    tree: &'t Tree<'t>,
    from: usize,
    to: usize,
    charset: Charset,
}

const CHARACTER_SET: u32 = 0x0008_0005;

impl<'s> Tree<'s> {
    /// Time and memory: linear in the elements.
    pub(crate) fn of(header: &'s Header<'s>) -> Self {
        let elements = header.elements();
        let mut next: Vec<u32> = (1..=elements.len() as u32).collect();
        let mut open: Vec<usize> = Vec::new();
        for (i, element) in elements.iter().enumerate() {
            match element.tag {
                ITEM => open.push(i),
                ITEM_END | SEQUENCE_END => {
                    if let Some(start) = open.pop() {
                        next[start] = i as u32 + 1;
                    }
                }
                // Only a sequence is followed by an item or by its end.
                _ if element.vr == Vr::SQ
                    && elements
                        .get(i + 1)
                        .is_some_and(|e| matches!(e.tag, ITEM | SEQUENCE_END)) =>
                {
                    open.push(i);
                }
                _ => {}
            }
        }
        Self { header, next }
    }

    /// The data set itself.
    pub(crate) fn root(&self) -> DataSet<'_> {
        DataSet {
            tree: self,
            from: 0,
            to: self.next.len(),
            charset: Charset::parse(self.header.charset()).0,
        }
    }
}

impl<'t> DataSet<'t> {
    fn elements(&self) -> &'t [Element] {
        self.tree.header.elements()
    }

    /// Index of the element of this tag; of several the one that counts.
    fn find(&self, tag: u32) -> Option<usize> {
        let elements = self.elements();
        let mut at = self.from;
        let mut found = None;
        while at < self.to {
            let element = elements.get(at)?;
            if element.tag == tag && !element.superseded() {
                found = Some(at);
            }
            at = self.tree.next[at] as usize;
        }
        found
    }

    /// The items of a sequence; none if it is not there or no sequence.
    pub(crate) fn items(&self, tag: u32) -> impl Iterator<Item = DataSet<'t>> + use<'t> {
        let (tree, charset) = (self.tree, self.charset);
        let elements = self.elements();
        let mut at = self
            .find(tag)
            .filter(|i| elements[*i].vr == Vr::SQ)
            .map_or(usize::MAX, |i| i + 1);
        std::iter::from_fn(move || {
            let item = elements.get(at).filter(|e| e.tag == ITEM)?;
            debug_assert_eq!(item.tag, ITEM);
            let end = tree.next[at] as usize;
            let mut set = DataSet {
                tree,
                from: at + 1,
                to: end.saturating_sub(1),
                charset,
            };
            at = end;
            if let Some(own) = set.bytes(CHARACTER_SET) {
                set.charset = Charset::parse(own).0;
            }
            Some(set)
        })
    }

    /// The first item of a sequence.
    pub(crate) fn first(&self, tag: u32) -> Option<DataSet<'t>> {
        self.items(tag).next()
    }

    fn element(&self, tag: u32) -> Option<(&'t Element, &'t [u8])> {
        let element = &self.elements()[self.find(tag)?];
        let value = self.tree.header.value(element);
        (element.vr != Vr::SQ && !value.is_empty()).then_some((element, value))
    }

    /// The bytes of a value as they are in the file.
    pub(crate) fn bytes(&self, tag: u32) -> Option<&'t [u8]> {
        Some(self.element(tag)?.1)
    }

    /// Whether the numbers of an element are big endian.
    pub(crate) fn big_endian(&self, tag: u32) -> bool {
        self.element(tag).is_some_and(|(element, _)| element.big_endian())
    }

    /// A text, without padding; `None` if there is none. Of several values all, parted by backslashes.
    pub(crate) fn text(&self, tag: u32) -> Option<String> {
        let (element, value) = self.element(tag)?;
        let text = match element.vr.charset() {
            true if element.vr.single_text() => self.charset.decode(value, Delimiters::Lines).0,
            true if element.vr == Vr::PN => self.charset.decode(value, Delimiters::Names).0,
            true => self.charset.decode(value, Delimiters::Values).0,
            false => default_text(value).0,
        };
        let text = text.trim_matches([' ', '\0']);
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// A UID.
    pub(crate) fn uid(&self, tag: u32) -> Option<&'t str> {
        values::uid_text(self.bytes(tag)?)
    }

    /// Numbers, written or binary; `None` if there are none, or one is not a finite number.
    pub(crate) fn floats(&self, tag: u32) -> Option<Vec<f64>> {
        let (element, value) = self.element(tag)?;
        if let Some(numbers) = Numbers::of(element, element.vr, value) {
            let all: Vec<f64> = (0..numbers.len()).map(|i| numbers.float(i)).collect();
            return all.iter().all(|n| n.is_finite()).then_some(all);
        }
        value.split(|b| *b == b'\\').map(values::decimal).collect()
    }

    /// As many numbers as asked for, no more and no less.
    pub(crate) fn array<const N: usize>(&self, tag: u32) -> Option<[f64; N]> {
        self.floats(tag)?.try_into().ok()
    }

    /// The first number.
    pub(crate) fn float(&self, tag: u32) -> Option<f64> {
        self.floats(tag)?.first().copied()
    }

    /// Whole numbers, written or binary.
    pub(crate) fn integers(&self, tag: u32) -> Option<Vec<i64>> {
        let (element, value) = self.element(tag)?;
        if let Some(numbers) = Numbers::of(element, element.vr, value) {
            return (0..numbers.len()).map(|i| numbers.whole(i)).collect();
        }
        value.split(|b| *b == b'\\').map(values::integer).collect()
    }

    /// The first whole number.
    pub(crate) fn integer(&self, tag: u32) -> Option<i64> {
        self.integers(tag)?.first().copied()
    }

    /// The concept of an item of a code sequence.
    pub(crate) fn as_code(&self) -> Option<Code> {
        let value = self
            .text(0x0008_0100)
            .or_else(|| self.text(0x0008_0119))
            .or_else(|| self.text(0x0008_0120));
        let code = Code {
            value,
            scheme: self.text(0x0008_0102),
            meaning: self.text(0x0008_0104),
        };
        (code != Code::default()).then_some(code)
    }

    /// The first concept of a code sequence.
    pub(crate) fn code(&self, tag: u32) -> Option<Code> {
        self.first(tag)?.as_code()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{el, ids, part10, sequence};
    use super::super::{BytesSource, Limits, Scratch, read_header};
    use super::*;

    #[test]
    fn items_are_told_apart() {
        let code = |value: &str, meaning: &str| {
            [
                el(0x0008_0100, "SH", value.as_bytes()),
                el(0x0008_0102, "SH", b"SCT "),
                el(0x0008_0104, "LO", meaning.as_bytes()),
            ]
            .concat()
        };
        let segment = |number: u16, value: &str| {
            [
                el(0x0062_0004, "US", &number.to_le_bytes()),
                sequence(0x0062_000F, &[code(value, "Lung")]),
                el(0x0062_0020, "UT", b"one\\two "),
            ]
            .concat()
        };
        let data = [
            ids(),
            el(0x0028_0030, "DS", b"1.5\\0.25"),
            sequence(0x0062_0002, &[segment(1, "39607008"), segment(7, "64033007")]),
            el(0x0070_0080, "CS", b"LAST"),
        ]
        .concat();
        let bytes = part10("1.2.840.10008.1.2.1", &data);
        let mut scratch = Scratch::default();
        let header = read_header(&mut BytesSource::new(&bytes), &Limits::default(), &mut scratch).unwrap();
        let tree = Tree::of(&header);
        let root = tree.root();
        assert_eq!(root.uid(0x0008_0018), Some("1.2.3"));
        assert_eq!(root.array::<2>(0x0028_0030), Some([1.5, 0.25]));
        assert_eq!(root.array::<3>(0x0028_0030), None);
        assert_eq!(root.text(0x0070_0080).as_deref(), Some("LAST"));
        // Of an item's own, not of the data set's.
        assert_eq!(root.integer(0x0062_0004), None);
        let found: Vec<_> = root
            .items(0x0062_0002)
            .map(|item| (item.integer(0x0062_0004), item.code(0x0062_000F)))
            .collect();
        assert_eq!(found.len(), 2);
        assert_eq!(found[1].0, Some(7));
        assert!(found[1].1.as_ref().unwrap().is("64033007", "SCT"));
        let first = root.first(0x0062_0002).unwrap();
        assert_eq!(first.text(0x0062_0020).as_deref(), Some("one\\two"));
        let code = first.first(0x0062_000F).unwrap();
        assert_eq!(code.text(0x0008_0104).as_deref(), Some("Lung"));
        assert!(root.items(0x0040_A730).next().is_none());
    }
}
