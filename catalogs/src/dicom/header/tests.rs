use super::*;
use crate::dicom::{BytesSource, ITEM, ITEM_END, SEQUENCE_END, Vr, testing::*};

fn tags(bytes: &[u8]) -> Vec<(u32, u16)> {
    let mut scratch = Scratch::default();
    let header = read_header(&mut BytesSource::new(bytes), &Limits::default(), &mut scratch).unwrap();
    header
        .elements()
        .iter()
        .filter(|e| e.group() != 2)
        .map(|e| (e.tag, e.depth))
        .collect()
}

const PIXELS: u32 = 0x7FE0_0010;

#[test]
fn with_and_without_preamble_and_meta_group() {
    let whole = part10(EXPLICIT, &ids());
    let expected = vec![(0x0008_0018, 0), (0x0020_000D, 0), (0x0020_000E, 0)];
    assert_eq!(tags(&whole), expected);
    assert_eq!(tags(&whole[128..]), expected, "DICM at the start");
    assert_eq!(tags(&whole[132..]), expected, "meta group at the start");
    assert_eq!(tags(&ids()), expected, "data set at the start");
    let bare = [
        implicit(0x0008_0018, 6, b"1.2.3\0"),
        implicit(0x0020_000D, 4, b"1.2\0"),
        implicit(0x0020_000E, 4, b"1.4\0"),
    ];
    assert_eq!(tags(&bare.concat()), expected, "implicit data set at the start");
    assert_eq!(tags(&part10(DEFLATED, &deflate(&ids()))), expected);
}

#[test]
fn a_syntax_that_is_not_the_one_announced_is_seen() {
    let implicit_set = [
        implicit(0x0008_0018, 6, b"1.2.3\0"),
        implicit(0x0020_000D, 4, b"1.2\0"),
        implicit(0x0020_000E, 4, b"1.4\0"),
    ]
    .concat();
    for (syntax, set) in [
        (EXPLICIT, &implicit_set),
        ("1.2.840.10008.1.2", &ids()),
        (DEFLATED, &ids()),
    ] {
        let bytes = part10(syntax, set);
        let mut scratch = Scratch::default();
        let header = read_header(&mut BytesSource::new(&bytes), &Limits::default(), &mut scratch).unwrap();
        assert_eq!(header.sop_instance_uid(), "1.2.3");
        assert_eq!(header.warnings(), 1, "{syntax}");
    }
}

#[test]
fn pixel_data_is_found_and_not_read() {
    let mut bytes = part10(EXPLICIT, &ids());
    let offset = bytes.len() as u64;
    bytes.extend(head(PIXELS, "OW", 10 << 20));
    bytes.resize(bytes.len() + (10 << 20), 7);
    let mut source = Trickle::new(&bytes, usize::MAX);
    let mut scratch = Scratch::default();
    let header = read_header(&mut source, &Limits::default(), &mut scratch).unwrap();
    assert_eq!(header.pixel_data_offset(), Some(offset));
    assert_eq!((source.read, source.skipped), (16 << 10, 0));

    let fragments = [
        part10("1.2.840.10008.1.2.4.50", &ids()),
        head(PIXELS, "OB", u32::MAX),
    ]
    .concat();
    let header = read_header(
        &mut BytesSource::new(&fragments),
        &Limits::default(),
        &mut scratch,
    )
    .unwrap();
    assert!(header.pixel_data_offset().is_some());
}

#[test]
fn pixels_that_are_cut_short_refuse_the_file() {
    let mut bytes = [part10(EXPLICIT, &ids()), head(PIXELS, "OW", 100)].concat();
    bytes.resize(bytes.len() + 99, 0);
    assert!(matches!(
        refusal(&bytes),
        Refusal::Truncated {
            what: Place::Element(PIXELS),
            needs: 1,
            ..
        }
    ));
}

#[test]
fn sequences_of_every_kind_are_flat() {
    let inner = el(0x0008_0100, "SH", b"A ");
    let undefined = sequence(0x0008_1140, &[inner.clone(), inner.clone()]);
    let item = implicit(ITEM, inner.len() as u32, &inner);
    let defined = [head(0x0008_2112, "SQ", item.len() as u32), item].concat();
    let unknown = [
        head(0x0009_1001, "UN", u32::MAX),
        implicit(ITEM, u32::MAX, &implicit(0x0008_0100, 2, b"A ")),
        implicit(ITEM_END, 0, &[]),
        implicit(SEQUENCE_END, 0, &[]),
    ]
    .concat();
    let empty = head(0x0009_1002, "SQ", 0);
    let bytes = [
        el(0x0008_0018, "UI", b"1.2.3\0"),
        undefined,
        defined,
        unknown,
        empty,
        ids().split_off(14),
    ]
    .concat();
    let expected = [
        (0x0008_0018, 0),
        (0x0008_1140, 0),
        (ITEM, 0),
        (0x0008_0100, 1),
        (ITEM_END, 0),
        (ITEM, 0),
        (0x0008_0100, 1),
        (ITEM_END, 0),
        (SEQUENCE_END, 0),
        (0x0008_2112, 0),
        (ITEM, 0),
        (0x0008_0100, 1),
        (ITEM_END, 0),
        (SEQUENCE_END, 0),
        (0x0009_1001, 0),
        (ITEM, 0),
        (0x0008_0100, 1),
        (ITEM_END, 0),
        (SEQUENCE_END, 0),
        (0x0009_1002, 0),
        (SEQUENCE_END, 0),
        (0x0020_000D, 0),
        (0x0020_000E, 0),
    ];
    assert_eq!(tags(&bytes), expected);
}

#[test]
fn delimiters_too_few_or_too_many_are_passed_over() {
    let inner = el(0x0008_0100, "SH", b"A ");
    let without = [
        head(0x0008_1140, "SQ", u32::MAX),
        implicit(ITEM, u32::MAX, &inner),
        implicit(SEQUENCE_END, 0, &[]),
        implicit(ITEM_END, 0, &[]),
    ]
    .concat();
    let within = [implicit(ITEM, u32::MAX, &inner)].concat();
    let bounded = [head(0x0008_2112, "SQ", within.len() as u32), within].concat();
    let bytes = [
        part10(EXPLICIT, &el(0x0008_0018, "UI", b"1.2.3\0")),
        without,
        bounded,
        ids().split_off(14),
    ]
    .concat();
    let mut scratch = Scratch::default();
    let header = read_header(&mut BytesSource::new(&bytes), &Limits::default(), &mut scratch).unwrap();
    assert_eq!(header.warnings(), 3);
    assert_eq!(header.series_instance_uid(), "1.2.4");
}

#[test]
fn unknown_value_representations_follow_the_dictionary() {
    let bytes = [
        ids(),
        el(0x0028_0030, "UN", b"0.5\\0.5 "),
        el(0x0029_1001, "UN", b"xx"),
        el(0x0028_1050, "??", b""),
    ]
    .concat();
    let bytes = bytes[..bytes.len() - 8].to_vec();
    let mut scratch = Scratch::default();
    let header = read_header(&mut BytesSource::new(&bytes), &Limits::default(), &mut scratch).unwrap();
    let vrs: Vec<Vr> = header.elements().iter().map(|e| e.vr).collect();
    assert_eq!(vrs[3..], [Vr::DS, Vr::UN]);
}

#[test]
fn of_duplicates_the_last_counts() {
    let bytes = [ids(), el(0x0010_0020, "LO", b"a "), el(0x0010_0020, "LO", b"b ")].concat();
    let mut scratch = Scratch::default();
    let header = read_header(&mut BytesSource::new(&bytes), &Limits::default(), &mut scratch).unwrap();
    let superseded: Vec<bool> = header.elements().iter().map(Element::superseded).collect();
    assert_eq!(superseded, [false, false, false, true, false]);
    assert_eq!(dataset(&bytes)["00100020"]["Value"][0], "b");
}

#[test]
fn padding_ends_the_data_set() {
    for padding in [1, 7, 8, 100] {
        let bytes = [part10(EXPLICIT, &ids()), vec![0; padding]].concat();
        assert_eq!(tags(&bytes).len(), 3, "{padding}");
    }
    let bytes = [part10(EXPLICIT, &ids()), el(0xFFFC_FFFC, "OB", &[0; 20])].concat();
    assert!(dataset(&bytes).get("FFFCFFFC").is_none());
}

#[test]
fn large_binaries_are_skipped_and_the_hash_does_not_depend_on_how_bytes_come() {
    // The text makes the reader read ahead, so that some have the first binary in memory when they come to it.
    let text = el(0x0029_1001, "UT", &vec![b'x'; 140_000]);
    let (first, second) = (
        el(0x0029_1002, "OB", &vec![4; 66_000]),
        el(0x0029_1010, "OB", &vec![5; 300_000]),
    );
    let bytes = [
        part10(EXPLICIT, &ids()),
        text,
        first,
        second,
        el(0x0029_1011, "LO", b"after "),
    ]
    .concat();
    let mut hashes = Vec::new();
    for step in [7, 1000, 100_000, usize::MAX] {
        let mut source = Trickle::new(&bytes, step);
        let mut scratch = Scratch::default();
        let header = read_header(&mut source, &Limits::default(), &mut scratch).unwrap();
        let last = header.elements().last().unwrap();
        assert_eq!(header.value(last), b"after ");
        assert_eq!(last.tag, 0x0029_1011);
        hashes.push(header.hash(bytes.len() as u64));
        assert!(source.skipped > 200_000, "{step}: {source:?}");
    }
    hashes.dedup();
    assert_eq!(hashes.len(), 1);
    // Another size is another file.
    let mut scratch = Scratch::default();
    let header = read_header(&mut BytesSource::new(&bytes), &Limits::default(), &mut scratch).unwrap();
    assert_eq!(header.hash(bytes.len() as u64), hashes[0]);
    assert_ne!(header.hash(1), hashes[0]);
}

#[test]
fn an_instance_must_be_identified() {
    assert_eq!(refusal(&part10(EXPLICIT, &[])).code(), "no_sop_instance_uid");
    assert_eq!(
        refusal(&part10(EXPLICIT, &ids()[..14])).code(),
        "no_study_instance_uid"
    );
    assert_eq!(
        refusal(&part10(EXPLICIT, &ids()[..26])).code(),
        "no_series_instance_uid"
    );
    let bad = [el(0x0008_0018, "UI", b"1/2.3\0"), ids().split_off(14)].concat();
    assert_eq!(refusal(&part10(EXPLICIT, &bad)).code(), "bad_uid");
    // The meta group's UID stands in for a missing one.
    let meta = [
        &[0; 128][..],
        b"DICM",
        &el(0x0002_0003, "UI", b"1.2.9\0"),
        &ids()[14..],
    ]
    .concat();
    let mut scratch = Scratch::default();
    let header = read_header(&mut BytesSource::new(&meta), &Limits::default(), &mut scratch).unwrap();
    assert_eq!(header.sop_instance_uid(), "1.2.9");
}

#[test]
fn directories_and_strangers_are_named() {
    let directory = [
        &[0; 128][..],
        b"DICM",
        &el(0x0002_0002, "UI", b"1.2.840.10008.1.3.10"),
        &ids(),
    ]
    .concat();
    assert_eq!(refusal(&directory), Refusal::DicomDir);
    assert_eq!(
        refusal(&[part10(EXPLICIT, &[]), head(0x0004_1220, "SQ", 0)].concat()),
        Refusal::DicomDir
    );
    assert_eq!(refusal(b""), Refusal::Empty);
    for stranger in [
        &b"\0"[..],
        b"#!/bin/sh\n",
        &[0; 1000],
        b"\x89PNG\r\n\x1a\n",
        &[8, 0, 0, 0, 255, 255, 255, 255, 0],
        &[0xFF; 500],
    ] {
        assert_eq!(
            refusal(stranger),
            Refusal::NotDicom,
            "{}",
            stranger.escape_ascii()
        );
    }
    // Starts like a data set, and then is none.
    assert_eq!(
        refusal(&[el(0x0008_0005, "CS", b"ISO_IR 100"), vec![0xAB; 300]].concat()),
        Refusal::NotDicom
    );
}
