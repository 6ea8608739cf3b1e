//! Tags as people write them.

use dicom_core::Tag;
use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry};
use dicom_dictionary_std::StandardDataDictionary;

/// Reads `(0018,0050)`, `0018,0050` or `00180050`, in upper or lower case hexadecimal.
pub(crate) fn parse(text: &str) -> Option<Tag> {
    let inner = match text.strip_prefix('(') {
        Some(rest) => rest.strip_suffix(')')?,
        None => text,
    };
    let (group, element) = match inner.split_once(',') {
        Some((group, element)) => (group.trim(), element.trim()),
        // Brackets promise a comma.
        None if inner.len() == text.len() => inner.split_at_checked(4)?,
        None => return None,
    };
    Some(Tag(hex4(group)?, hex4(element)?))
}

fn hex4(text: &str) -> Option<u16> {
    // from_str_radix would take a sign.
    if text.len() != 4 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    u16::from_str_radix(text, 16).ok()
}

/// The tag of a keyword of PS3.6, spelled exactly as there. Of the repeating groups (`OverlayRows`) the first.
pub(crate) fn of_keyword(keyword: &str) -> Option<Tag> {
    StandardDataDictionary
        .by_name(keyword)
        .map(DataDictionaryEntry::tag)
}

/// The keyword of a tag; repeating groups such as (60xx,0010) have that of their first.
pub(crate) fn keyword(tag: Tag) -> Option<&'static str> {
    // The registry's entries live as long as the program; by_tag's signature ties them to the dictionary's.
    static DICTIONARY: StandardDataDictionary = StandardDataDictionary;
    DICTIONARY.by_tag(tag).map(|entry| entry.alias)
}

/// The groups of PS3.6 that images, segmentations and treatment plans use.
const GROUPS: [u16; 16] = [
    0x0002, 0x0008, 0x0010, 0x0012, 0x0014, 0x0018, 0x0020, 0x0022, 0x0028, 0x0032, 0x0040, 0x0054, 0x0062,
    0x3006, 0x300A, 0x7FE0,
];

/// The keyword that differs from `wrong` in case, underscores or blanks only, for an error's hint.
///
/// The dictionary gives no list of its entries, so this asks it for a million tags: some milliseconds, on the way to an error.
pub(crate) fn similar_keyword(wrong: &str) -> Option<&'static str> {
    let plain = |s: &str| -> String {
        s.chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|c| c.to_ascii_lowercase())
            .collect()
    };
    let wanted = plain(wrong);
    GROUPS
        .into_iter()
        .flat_map(|group| (1..=u16::MAX).map(move |element| Tag(group, element)))
        .filter_map(keyword)
        .find(|known| known.len() == wanted.len() && plain(known) == wanted)
}

#[cfg(test)]
mod tests {
    use super::{keyword, of_keyword, parse, similar_keyword};
    use dicom_core::Tag;

    #[test]
    fn forms_of_a_tag() {
        for text in ["(0018,0050)", "0018,0050", "00180050", "(0018, 0050)"] {
            assert_eq!(parse(text), Some(Tag(0x0018, 0x0050)), "{text}");
        }
        assert_eq!(parse("(7fe0,0010)"), Some(Tag(0x7FE0, 0x0010)));
        for text in [
            "",
            "(",
            "()",
            "(0018,0050",
            "0018,0050)",
            "(00180050)",
            "0018005",
            "001800500",
            "+018,0050",
            "00é80050",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn keywords() {
        assert_eq!(keyword(Tag(0x0018, 0x0050)), Some("SliceThickness"));
        assert_eq!(keyword(Tag(0x6002, 0x0010)), Some("OverlayRows"));
        assert_eq!(keyword(Tag(0x0009, 0x1001)), None);
        assert_eq!(of_keyword("SliceThickness"), Some(Tag(0x0018, 0x0050)));
        assert_eq!(of_keyword("slicethickness"), None);
        assert_eq!(similar_keyword("sop_instance_uid"), Some("SOPInstanceUID"));
        assert_eq!(similar_keyword("nonsense"), None);
    }
}
