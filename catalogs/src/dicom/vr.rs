//! Value representations (PS3.5 §6.2), and the one that the dictionary gives a tag where the file does not say.

use dicom_core::{
    VR,
    dictionary::{DataDictionary, VirtualVr},
};
use dicom_dictionary_std::StandardDataDictionary;
use rustc_hash::FxHashMap;

mod private;

pub(super) use private::{Blocks, Diffusion, PRIVATE};

macro_rules! vrs {
    ($($name:ident)*) => {
        /// A value representation.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "the names are those of PS3.5")]
        pub enum Vr { $($name),* }

        impl Vr {
            /// The two letters.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),* }
            }

            /// From two letters; `None` for what PS3.5 does not know.
            #[inline]
            pub fn from_bytes(bytes: [u8; 2]) -> Option<Self> {
                const TABLE: [Option<Vr>; 26 * 26] = {
                    let mut table = [None; 26 * 26];
                    $(
                        let name = stringify!($name).as_bytes();
                        table[(name[0] - b'A') as usize * 26 + (name[1] - b'A') as usize] = Some(Vr::$name);
                    )*
                    table
                };
                let [a, b] = bytes.map(|b| usize::from(b.wrapping_sub(b'A')));
                if a < 26 && b < 26 { TABLE[a * 26 + b] } else { None }
            }
        }
    };
}
vrs! { AE AS AT CS DA DS DT FD FL IS LO LT OB OD OF OL OV OW PN SH SL SQ SS ST SV TM UC UI UL UN UR US UT UV }

impl Vr {
    /// Whether an explicit element has two reserved bytes and a length of 32 bits (PS3.5 §7.1.2).
    pub fn long_length(self) -> bool {
        use Vr::{OB, OD, OF, OL, OV, OW, SQ, SV, UC, UN, UR, UT, UV};
        matches!(
            self,
            OB | OD | OF | OL | OV | OW | SQ | SV | UC | UN | UR | UT | UV
        )
    }

    /// Whether the value is bytes or words without a meaning of their own: OB, OD, OF, OL, OV, OW, UN.
    pub fn binary(self) -> bool {
        use Vr::{OB, OD, OF, OL, OV, OW, UN};
        matches!(self, OB | OD | OF | OL | OV | OW | UN)
    }

    /// Whether the value is binary numbers or tags.
    pub fn is_number(self) -> bool {
        use Vr::{AT, FD, FL, SL, SS, SV, UL, US, UV};
        matches!(self, AT | FD | FL | SL | SS | SV | UL | US | UV)
    }

    /// Bytes of one number or tag; `None` if the value is something else.
    pub(super) fn number_size(self) -> Option<usize> {
        use Vr::{AT, FD, FL, SL, SS, SV, UL, US, UV};
        match self {
            US | SS => Some(2),
            UL | SL | FL | AT => Some(4),
            FD | SV | UV => Some(8),
            _ => None,
        }
    }

    /// Whether Specific Character Set governs the text (PS3.5 §6.1.2.3).
    pub fn charset(self) -> bool {
        use Vr::{LO, LT, PN, SH, ST, UC, UT};
        matches!(self, LO | LT | PN | SH | ST | UC | UT)
    }

    /// Whether backslashes are part of the text instead of separating values: LT, ST, UT, UR.
    pub fn single_text(self) -> bool {
        matches!(self, Self::LT | Self::ST | Self::UT | Self::UR)
    }
}

/// What the dictionary says of a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// Always this one.
    Exact(Vr),
    /// US or SS, as Pixel Representation (0028,0103) says.
    Signedness,
}

/// The dictionary of PS3.6 with the tags that files really use in a table of its own: the crate's is a slow hash. And who has
/// which private elements in the file that is being read.
#[derive(Debug, Default)]
pub(super) struct Dictionary {
    pub(super) blocks: Blocks,
    seen: FxHashMap<u32, Option<Known>>,
}

impl Dictionary {
    /// The VR of a tag; private creators are LO, group lengths UL, what is unknown is `None`.
    pub(super) fn lookup(&mut self, tag: u32) -> Option<Known> {
        let (group, element) = ((tag >> 16) as u16, (tag & 0xFFFF) as u16);
        if group % 2 == 1 {
            return (0x0010..=0x00FF)
                .contains(&element)
                .then_some(Known::Exact(Vr::LO));
        }
        if element == 0 {
            return Some(Known::Exact(Vr::UL));
        }
        if let Some(known) = self.seen.get(&tag) {
            return *known;
        }
        if self.seen.len() >= 16_384 {
            self.seen.clear(); // a hostile file invents tags without end
        }
        let known = StandardDataDictionary
            .by_tag(dicom_core::Tag(group, element))
            .map(|entry| match entry.vr {
                VirtualVr::Exact(vr) => Known::Exact(from_dicom_core(vr)),
                VirtualVr::Xs => Known::Signedness,
                _ => Known::Exact(Vr::OW),
            });
        self.seen.insert(tag, known);
        known
    }
}

fn from_dicom_core(vr: VR) -> Vr {
    let name = vr.to_bytes();
    Vr::from_bytes(name).unwrap_or(Vr::UN)
}
