//! The VRs of makers' private elements, for files that do not say: of implicit VR, or UN after some archive.
//!
//! `private.tsv` has a line per private creator: its name, then by group the VRs, each with the lower bytes (two hexadecimal digits)
//! of the elements that have it. Makers print these in their conformance statements; readers of DICOM list them.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

use super::Vr;

/// A creator of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::dicom) struct Creator(u16);

/// Creators and elements.
#[derive(Debug, Default)]
pub(in crate::dicom) struct Private {
    creators: FxHashMap<&'static [u8], u16>,
    /// By creator, group and lower byte.
    vrs: FxHashMap<(u16, u16, u8), Vr>,
}

/// The table.
pub(in crate::dicom) static PRIVATE: LazyLock<Private> =
    LazyLock::new(|| Private::parse(include_str!("private.tsv")));

impl Private {
    fn parse(text: &'static str) -> Self {
        let mut out = Self::default();
        for (line, creator) in text.lines().zip(0..) {
            let mut fields = line.split('\t');
            let Some(name) = fields.next() else { continue };
            out.creators.insert(name.trim_ascii().as_bytes(), creator);
            for field in fields {
                let mut parts = field.split(' ');
                let Some(group) = parts.next().and_then(|g| u16::from_str_radix(g, 16).ok()) else {
                    continue;
                };
                for part in parts {
                    let Some((vr, elements)) = part.split_at_checked(2) else {
                        continue;
                    };
                    let Some(vr) = vr.as_bytes().first_chunk().and_then(|vr| Vr::from_bytes(*vr)) else {
                        continue;
                    };
                    for element in elements.as_bytes().chunks(2) {
                        let digits = std::str::from_utf8(element).unwrap_or_default();
                        if let Ok(element) = u8::from_str_radix(digits, 16) {
                            out.vrs.insert((creator, group, element), vr);
                        }
                    }
                }
            }
        }
        out
    }

    /// A creator by the value of its element.
    pub(in crate::dicom) fn creator(&self, name: &[u8]) -> Option<Creator> {
        let name = crate::dicom::values::trim(name);
        self.creators.get(name).copied().map(Creator)
    }

    /// The VR of an element in a block of a creator.
    pub(in crate::dicom) fn vr(&self, creator: Creator, group: u16, element: u8) -> Option<Vr> {
        self.vrs.get(&(creator.0, group, element)).copied()
    }
}

/// Blocks of private elements that creators have taken in the data set and the items that the walk is in (PS3.5 §7.8.1).
#[derive(Debug, Default)]
pub(in crate::dicom) struct Blocks {
    taken: Vec<Block>,
}

#[derive(Debug)]
struct Block {
    group: u16,
    number: u8,
    depth: u16,
    creator: Creator,
}

impl Blocks {
    pub(in crate::dicom) fn clear(&mut self) {
        self.taken.clear();
    }

    /// Notes a private creator's element, if the table knows the creator.
    #[cold]
    pub(in crate::dicom) fn take(&mut self, tag: u32, depth: u16, name: &[u8]) {
        // A hostile file takes blocks without end.
        if self.taken.len() < 1024
            && let Some(creator) = PRIVATE.creator(name)
        {
            self.taken.push(Block {
                group: (tag >> 16) as u16,
                number: tag as u8,
                depth,
                creator,
            });
        }
    }

    /// An item ended: what it held is deeper than `depth`.
    #[inline]
    pub(in crate::dicom) fn leave(&mut self, depth: u16) {
        while self.taken.last().is_some_and(|block| block.depth > depth) {
            self.taken.pop();
        }
    }

    /// Who has taken the block of an element.
    pub(in crate::dicom) fn creator(&self, tag: u32, depth: u16) -> Option<Creator> {
        let (group, number) = ((tag >> 16) as u16, (tag >> 8) as u8);
        let block = self
            .taken
            .iter()
            .rev()
            .find(|b| b.group == group && b.number == number && b.depth == depth)?;
        Some(block.creator)
    }
}

/// Elements that tell how an image was weighted for diffusion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::dicom) enum Diffusion {
    /// GE: four integers, of which the first is the b-value.
    Ge,
    /// Siemens: the b-value.
    Siemens,
    /// Siemens: direction of the gradient, three doubles.
    SiemensDirection,
    /// Siemens: the CSA header of the image.
    SiemensCsa,
    /// Philips: the b-value.
    Philips,
}

impl Diffusion {
    const ALL: [(Self, u16, u8, &'static str); 5] = [
        (Self::Ge, 0x0043, 0x39, "GEMS_PARM_01"),
        (Self::Siemens, 0x0019, 0x0C, "SIEMENS MR HEADER"),
        (Self::SiemensDirection, 0x0019, 0x0E, "SIEMENS MR HEADER"),
        (Self::SiemensCsa, 0x0029, 0x10, "SIEMENS CSA HEADER"),
        (Self::Philips, 0x2001, 0x03, "Philips Imaging DD 001"),
    ];

    /// By tag alone; whose it is, the creator tells.
    pub(in crate::dicom) fn of(tag: u32) -> Option<Self> {
        let (group, element) = ((tag >> 16) as u16, tag as u8);
        let found = Self::ALL.iter().find(|(_, g, e, _)| (*g, *e) == (group, element));
        found.map(|(which, ..)| *which)
    }

    /// Whether a creator is the one.
    pub(in crate::dicom) fn is_of(self, creator: Creator) -> bool {
        let name = Self::ALL.iter().find(|(which, ..)| *which == self);
        name.is_some_and(|(.., name)| PRIVATE.creator(name.as_bytes()) == Some(creator))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vr(creator: &str, group: u16, element: u8) -> Option<Vr> {
        PRIVATE.vr(PRIVATE.creator(creator.as_bytes())?, group, element)
    }

    #[test]
    fn the_common_makers_elements_have_a_vr() {
        for (creator, group, element, expected) in [
            ("GEMS_PARM_01", 0x0043, 0x39, Vr::IS),
            ("GEMS_ACQU_01 ", 0x0019, 0xBB, Vr::DS),
            ("SIEMENS MR HEADER", 0x0019, 0x0C, Vr::IS),
            ("SIEMENS MR HEADER\0", 0x0019, 0x0E, Vr::FD),
            ("SIEMENS CSA HEADER", 0x0029, 0x10, Vr::OB),
            ("Philips Imaging DD 001", 0x2001, 0x03, Vr::FL),
            ("Philips MR Imaging DD 001", 0x2005, 0xB0, Vr::FL),
            ("TOSHIBA_MEC_CT3", 0x7005, 0x40, Vr::FD),
        ] {
            assert_eq!(
                vr(creator, group, element),
                Some(expected),
                "{creator} {element:02X}"
            );
        }
        assert_eq!(vr("GEMS_PARM_01", 0x0045, 0x39), None);
        assert!(PRIVATE.creator(b"ACME").is_none());
    }

    #[test]
    fn every_line_of_the_table_is_read() {
        let text = include_str!("private.tsv");
        assert_eq!(PRIVATE.creators.len(), text.lines().count());
        let digits = |part: &str| part.len().saturating_sub(2) / 2;
        let fields = text.lines().flat_map(|line| line.split('\t').skip(1));
        let entries: usize = fields
            .flat_map(|field| field.split(' ').skip(1))
            .map(digits)
            .sum();
        assert_eq!(PRIVATE.vrs.len(), entries);
    }
}
