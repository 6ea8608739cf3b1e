//! Files that are not as the standard has them, and can be read.

use crate::dicom::{BytesSource, Limits, Scratch, Vr, header::read_header, testing::*};

/// Tag, VR and value of the elements, and the warnings.
fn elements(bytes: &[u8]) -> (Vec<(u32, Vr, Vec<u8>)>, u32) {
    let mut scratch = Scratch::default();
    let header = read_header(&mut BytesSource::new(bytes), &Limits::default(), &mut scratch)
        .unwrap_or_else(|refusal| panic!("{refusal}"));
    let elements = header.elements().iter();
    let elements = elements.map(|e| (e.tag, e.vr, header.value(e).to_vec()));
    (elements.collect(), header.warnings())
}

fn value(bytes: &[u8], tag: u32) -> (Vr, Vec<u8>) {
    let (elements, _) = elements(bytes);
    let found = elements.into_iter().find(|(t, ..)| *t == tag);
    let (_, vr, value) = found.unwrap_or_else(|| panic!("no {tag:08X}"));
    (vr, value)
}

fn implicit_ids() -> Vec<u8> {
    [
        implicit(0x0008_0018, 6, b"1.2.3\0"),
        implicit(0x0020_000D, 4, b"1.2\0"),
        implicit(0x0020_000E, 4, b"1.4\0"),
    ]
    .concat()
}

const PADDING_VALUE: u32 = 0x0028_0120;

/// A file with Pixel Padding Value under any two bytes for a VR, followed by pixels of a length.
fn spoilt(vr: [u8; 2], value: &[u8], pixels: usize) -> Vec<u8> {
    let element = [
        &tag_bytes(PADDING_VALUE)[..],
        &vr,
        &(value.len() as u16).to_le_bytes(),
        value,
    ]
    .concat();
    [
        part10(EXPLICIT, &ids()),
        element,
        head(0x7FE0_0010, "OW", pixels as u32),
        vec![7; pixels],
    ]
    .concat()
}

#[test]
fn a_spoilt_vr_has_the_short_form_where_the_long_one_does_not_fit() {
    for vr in [*b"  ", *b"??", *b"us", [0, 0], [0xFF, 0x01], *b"-U"] {
        // In a large file the long form fits into what there is, but nothing follows from it.
        for pixels in [4, 300_000] {
            for stored in [&[5, 0][..], b""] {
                let bytes = spoilt(vr, stored, pixels);
                assert_eq!(
                    value(&bytes, PADDING_VALUE),
                    (Vr::US, stored.to_vec()),
                    "{vr:?} {pixels}"
                );
                assert_eq!(elements(&bytes).1, 1, "{vr:?}");
            }
        }
    }
}

#[test]
fn an_invented_vr_has_the_short_form_where_the_long_one_does_not_fit() {
    // Empty, in the short form: what looks reserved is the length.
    let bytes = [
        part10(EXPLICIT, &ids()),
        el(0x0028_0030, "ZZ", b""),
        el(0x0028_0100, "US", &[16, 0]),
    ]
    .concat();
    assert_eq!(value(&bytes, 0x0028_0030), (Vr::DS, vec![]));
    assert_eq!(value(&bytes, 0x0028_0100), (Vr::US, vec![16, 0]));
    // In the long form, as a later edition would have it.
    let long = [
        &tag_bytes(0x0028_0030)[..],
        b"ZZ\0\0",
        &4u32.to_le_bytes(),
        b"1\\1 ",
    ]
    .concat();
    let bytes = [part10(EXPLICIT, &ids()), long, el(0x0028_0100, "US", &[16, 0])].concat();
    assert_eq!(value(&bytes, 0x0028_0030), (Vr::DS, b"1\\1 ".to_vec()));
}

#[test]
fn implicit_elements_in_an_explicit_data_set_stay_implicit() {
    let bytes = [
        part10(EXPLICIT, &ids()),
        implicit(0x0028_0030, 8, b"0.5\\0.5 "),
        implicit(0x0028_0100, 2, &[16, 0]),
        el(0x0028_0101, "US", &[12, 0]),
        implicit(0x0028_1050, 2, b"1 "),
    ]
    .concat();
    assert_eq!(value(&bytes, 0x0028_0030).1, b"0.5\\0.5 ");
    assert_eq!(value(&bytes, 0x0028_0100), (Vr::US, vec![16, 0]));
    assert_eq!(value(&bytes, 0x0028_1050), (Vr::DS, b"1 ".to_vec()));
}

#[test]
fn a_text_where_a_sequence_belongs_is_passed_over() {
    const PURPOSE: u32 = 0x0040_A170;
    for text in [&b"NAMED TYPE"[..], b"TEXT", b"  "] {
        let len = text.len() as u32;
        for bytes in [
            part10(
                "1.2.840.10008.1.2",
                &[implicit_ids(), implicit(PURPOSE, len, text)].concat(),
            ),
            part10(
                EXPLICIT,
                &[ids(), el(PURPOSE, "SQ", text), el(0x0040_A730, "UN", text)].concat(),
            ),
        ] {
            assert_eq!(value(&bytes, PURPOSE), (Vr::UN, text.to_vec()));
            assert!(elements(&bytes).1 > 0);
            let json = dataset(&bytes);
            assert_eq!(json["0040A170"]["vr"], "UN");
            assert!(json["0040A170"]["InlineBinary"].is_string());
        }
    }
    // Within an item, and followed by what belongs there.
    let inner = [el(0x0008_1140, "SQ", b"TEXT"), el(0x0008_1155, "UI", b"1.2\0")].concat();
    let bytes = part10(EXPLICIT, &[sequence(0x0008_1115, &[inner]), ids()].concat());
    assert_eq!(value(&bytes, 0x0008_1155).1, b"1.2\0");
}

#[test]
fn meta_elements_within_the_data_set_keep_their_coding() {
    let meta = [
        el(0x0002_0002, "UI", b"1.2.840.10008.5.1.4.1.1.2\0"),
        el(0x0002_0010, "UI", b"1.2.840.10008.1.2\0"),
        el(0x0002_0102, "OB", b"ab"),
    ]
    .concat();
    let big = |tag: u32, vr: &str, value: &[u8]| {
        let [a, b, c, d] = tag.to_be_bytes();
        [
            &[a, b, c, d][..],
            vr.as_bytes(),
            &(value.len() as u16).to_be_bytes(),
            value,
        ]
        .concat()
    };
    let big_ids = [
        big(0x0008_0018, "UI", b"1.2.3\0"),
        big(0x0020_000D, "UI", b"1.2\0"),
        big(0x0020_000E, "UI", b"1.4\0"),
    ]
    .concat();
    for (ids, at) in [(implicit_ids(), 14), (ids(), 14), (big_ids, 14)] {
        let bytes = [&ids[..at], &meta, &ids[at..]].concat();
        for bytes in [part10("1.2.840.10008.1.2", &bytes), bytes] {
            let (elements, _) = elements(&bytes);
            let tags: Vec<u32> = elements.iter().map(|(tag, ..)| *tag).collect();
            assert!(
                tags.ends_with(&[
                    0x0008_0018,
                    0x0002_0002,
                    0x0002_0010,
                    0x0002_0102,
                    0x0020_000D,
                    0x0020_000E
                ]),
                "{tags:08X?}"
            );
            assert!(dataset(&bytes).get("00020002").is_none());
        }
    }
}

#[test]
fn files_start_in_every_way_that_readers_know() {
    let implicit_meta = [
        implicit(0x0002_0000, 4, &[28, 0, 0, 0]),
        implicit(0x0002_0010, 20, b"1.2.840.10008.1.2.1\0"),
    ]
    .concat();
    let explicit_meta = el(0x0002_0010, "UI", b"1.2.840.10008.1.2.1\0");
    let command = [
        implicit(0x0000_0000, 4, &[44, 0, 0, 0]),
        implicit(0x0000_0002, 26, b"1.2.840.10008.5.1.4.1.1.2\0"),
        implicit(0x0000_0100, 2, &[1, 0]),
    ]
    .concat();
    let zeros = vec![0; 128];
    let group_length = implicit(0x0008_0000, 4, &[14, 0, 0, 0]);
    let undefined = [sequence(0x0008_0006, &[el(0x0008_0100, "SH", b"en")]), ids()].concat();
    let long = [implicit(0x0008_0008, 400, &[b'A'; 400]), implicit_ids()].concat();
    let strange = implicit(0x0008_0009, 4, b"1234");
    for (what, parts) in [
        (
            "preamble, DICM, meta in implicit VR",
            vec![&zeros[..], b"DICM", &implicit_meta, &ids()],
        ),
        ("meta in implicit VR", vec![&implicit_meta, &ids()]),
        ("preamble without DICM", vec![&zeros, &explicit_meta, &ids()]),
        ("preamble without DICM and meta", vec![&zeros, &implicit_ids()]),
        (
            "preamble without DICM, then a command set",
            vec![&zeros, &command, &implicit_ids()],
        ),
        ("DICM without preamble", vec![b"DICM", &explicit_meta, &ids()]),
        ("preamble, DICM, no meta", vec![&zeros, b"DICM", &implicit_ids()]),
        (
            "preamble, DICM, command set",
            vec![&zeros, b"DICM", &command, &implicit_ids()],
        ),
        ("command set, explicit data set", vec![&command, &ids()]),
        ("command set, meta", vec![&command, &explicit_meta, &ids()]),
        ("a group length", vec![&group_length, &implicit_ids()]),
        ("a sequence of undefined length", vec![&undefined]),
        ("a long element", vec![&long]),
        (
            "group 0010, explicit",
            vec![&el(0x0010_0010, "PN", b"A^B "), &ids()],
        ),
        (
            "group 0010, implicit",
            vec![&implicit(0x0010_0010, 4, b"A^B "), &implicit_ids()],
        ),
        ("an element that nobody knows", vec![&strange, &implicit_ids()]),
        (
            "a private group",
            vec![&implicit(0x0009_0010, 4, b"ACME"), &implicit_ids()],
        ),
        (
            "a high group, implicit",
            vec![&implicit(0x3006_0002, 4, b"Plan"), &implicit_ids()],
        ),
        (
            "a high group, explicit",
            vec![&el(0x3006_0002, "SH", b"Plan"), &ids()],
        ),
    ] {
        let bytes = parts.concat();
        let (elements, _) = elements(&bytes);
        let sop = elements.iter().find(|(tag, ..)| *tag == 0x0008_0018);
        assert_eq!(sop.map(|(.., value)| &value[..]), Some(&b"1.2.3\0"[..]), "{what}");
    }
    // Big endian, sorted by nobody.
    let big = |tag: u32, vr: &str, value: &[u8]| {
        let len = (value.len() as u16).to_be_bytes();
        [&tag.to_be_bytes()[..], vr.as_bytes(), &len, value].concat()
    };
    let bytes = [
        big(0x3006_0002, "SH", b"Plan"),
        big(0x0008_0018, "UI", b"1.2.3\0"),
        big(0x0020_000D, "UI", b"1.2\0"),
        big(0x0020_000E, "UI", b"1.4\0"),
    ];
    assert_eq!(value(&bytes.concat(), 0x3006_0002).1, b"Plan");
    let json = dataset(&[&command[..], &ids()].concat());
    assert_eq!(json["00000002"]["Value"][0], "1.2.840.10008.5.1.4.1.1.2");
}

#[test]
fn what_only_starts_like_a_data_set_is_not_dicom() {
    for stranger in [
        &[0; 2000][..],
        &implicit(0x0010_0010, 4, b"A^B "),
        &implicit(0x0008_0018, 40, b"A^B "),
        &[&[0; 128][..], b"MICD", &ids()].concat(),
        &[&[1; 128][..], &ids()].concat(),
        b"\x10\0\x20\0text file in UTF-16\0\0\0",
    ] {
        assert_eq!(
            refusal(stranger).code(),
            "not_dicom",
            "{}",
            stranger.escape_ascii()
        );
    }
}
