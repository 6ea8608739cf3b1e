//! Files that mean harm: each is refused by name, in bounded time and memory.

use std::sync::LazyLock;

use arrow::array::RecordBatch;
use proptest::prelude::*;

use super::{synthetic, testing::*, *};

fn nested(levels: usize) -> Vec<u8> {
    let mut set = el(0x0008_0018, "UI", b"1.2.3\0");
    for _ in 0..levels {
        set.extend(head(0x0040_A730, "SQ", u32::MAX));
        set.extend(implicit(ITEM, u32::MAX, &[]));
    }
    for _ in 0..levels {
        set.extend(implicit(ITEM_END, 0, &[]));
        set.extend(implicit(SEQUENCE_END, 0, &[]));
    }
    set.extend(&ids()[14..]);
    part10(EXPLICIT, &set)
}

#[test]
fn nesting_is_bounded() {
    assert!(matches!(
        refusal(&nested(1000)),
        Refusal::TooDeep { limit: 32, .. }
    ));
    assert!(matches!(refusal(&nested(33)), Refusal::TooDeep { limit: 32, .. }));
    // The deepest that is taken is JSON that common parsers, with their 128 levels, take too.
    assert!(dataset(&nested(32)).is_object());
    // Unlimited, a million levels still cost no stack.
    let limits = Limits {
        max_depth: usize::MAX,
        ..Limits::default()
    };
    assert!(matches!(
        refusal_under(&nested(1_000_000), &limits),
        Refusal::TooDeep { .. }
    ));
}

#[test]
fn claims_cost_nothing() {
    for (vr, tag) in [
        ("OB", 0x0029_1010),
        ("UT", 0x0029_1010),
        ("UN", 0x0029_1010),
        ("SQ", 0x0008_1140),
    ] {
        for claim in [0xFFFF_FFFE, 0x8000_0000, 1 << 20] {
            let bytes = [
                part10(EXPLICIT, &ids()[..14]),
                head(tag, vr, claim),
                vec![b'x'; 100],
            ]
            .concat();
            let expected = if claim > 1 << 30 { "too_long" } else { "truncated" };
            assert_eq!(refusal(&bytes).code(), expected, "{vr} {claim}");
            // From a stream that does not tell its size.
            let mut scratch = Scratch::default();
            let mut stream = Trickle::new(&bytes, 50);
            let refusal = read_header(&mut stream, &Limits::default(), &mut scratch).unwrap_err();
            assert_eq!(refusal.code(), expected, "{vr} {claim}, stream");
        }
    }
}

#[test]
fn children_that_outgrow_their_parents_are_liars() {
    let child = el(0x0008_0100, "SH", b"0123456789"); // 18 bytes, its item 26
    for (sequence, item, honest) in [
        (26, 18, true),
        (26, 20, false),
        (26, 10, false),
        (20, 18, false),
        (28, 18, false),
        (24, 16, false),
    ] {
        let set = [
            head(0x0008_1140, "SQ", sequence),
            implicit(ITEM, item, &child),
            ids(),
        ]
        .concat();
        let bytes = part10(EXPLICIT, &set);
        let mut scratch = Scratch::default();
        match read_header(&mut BytesSource::new(&bytes), &Limits::default(), &mut scratch) {
            Ok(_) => assert!(honest, "{sequence} {item}"),
            Err(e) => assert_eq!(
                (e.code(), honest),
                ("length_lies", false),
                "{sequence} {item}: {e}"
            ),
        }
    }
}

#[test]
fn bombs_do_not_go_off() {
    // Megabytes of spaces in kilobytes: as text that would be kept, and as a binary that would be skipped.
    let limits = Limits {
        max_header_bytes: 1 << 20,
        max_inflated_bytes: 4 << 20,
        ..Limits::default()
    };
    let spaces = vec![b' '; 8 << 20];
    for (vr, code) in [("UT", "header_too_large"), ("OB", "inflates_too_far")] {
        let set = [ids(), head(0x0029_1010, vr, spaces.len() as u32)].concat();
        let bytes = part10(DEFLATED, &deflate(&[&set[..], &spaces].concat()));
        assert!(bytes.len() < 100_000);
        assert_eq!(refusal_under(&bytes, &limits).code(), code);
    }
    assert_eq!(refusal(&part10(DEFLATED, &[0xFF; 100])).code(), "bad_deflate");
    let stream = deflate(&[ids(), ids()].concat());
    assert!(matches!(
        refusal(&part10(DEFLATED, &stream[..10])).code(),
        "truncated" | "no_sop_instance_uid"
    ));
}

#[test]
fn items_without_end_are_counted() {
    let items = implicit(ITEM, 0, &[]).repeat(3000);
    let bytes = part10(
        EXPLICIT,
        &[ids(), head(0x0028_3010, "SQ", items.len() as u32), items].concat(),
    );
    let limits = Limits {
        max_elements: 2000,
        ..Limits::default()
    };
    assert_eq!(
        refusal_under(&bytes, &limits),
        Refusal::TooManyElements { limit: 2000 }
    );
    let fragments = implicit(ITEM, 0, &[]).repeat(3000);
    let icon = [head(0x0029_1010, "OB", u32::MAX), fragments].concat();
    let bytes = part10(EXPLICIT, &[ids(), icon].concat());
    assert_eq!(
        refusal_under(&bytes, &limits),
        Refusal::TooManyElements { limit: 2000 }
    );
}

#[test]
fn headers_have_a_size() {
    let texts = el(0x0029_1010, "UT", &vec![b'x'; 100_000]);
    let bytes = part10(EXPLICIT, &[ids(), texts].concat());
    let limits = Limits {
        max_header_bytes: 50_000,
        ..Limits::default()
    };
    assert_eq!(
        refusal_under(&bytes, &limits),
        Refusal::HeaderTooLarge { limit: 50_000 }
    );
}

/// Files of several kinds, small.
fn specimens() -> Vec<Vec<u8>> {
    let mut out = vec![nested(3), part10(DEFLATED, &deflate(&ids())), ids()];
    let code = [el(0x0008_0100, "SH", b"T-1 "), el(0x0008_0104, "LO", b"Lung")].concat();
    let set = [
        el(0x0008_0005, "CS", b"\\ISO 2022 IR 87 "),
        el(0x0008_0008, "CS", b"ORIGINAL\\PRIMARY"),
        el(0x0008_0018, "UI", b"1.2.3\0"),
        el(0x0008_0020, "DA", b"20200101"),
        sequence(0x0008_2218, &[code.clone(), code]),
        el(0x0010_0010, "PN", b"A^B=\x1b$B;3ED\x1b(B^C"),
        el(0x0018_9087, "FD", &1.5f64.to_le_bytes()),
        el(0x0019_1001, "UN", b"private "),
        ids().split_off(14),
        el(0x0028_0010, "US", &[0, 2]),
        el(0x0028_0030, "DS", b"0.5\\0.5 "),
        head(0x7FE0_0010, "OW", 4),
        vec![0; 4],
    ];
    out.push(part10(EXPLICIT, &set.concat()));
    for encoding in [synthetic::Syntax::ImplicitLittle, synthetic::Syntax::ExplicitBig] {
        let study = synthetic::StudyBuilder::new("hostile").series(synthetic::SeriesBuilder::seg(2));
        out.extend(study.instances().take(1).map(|i| i.bytes(&encoding.into())));
    }
    out
}

static SPECIMENS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(specimens);

static GOOD: LazyLock<(Vec<u8>, RecordBatch)> = LazyLock::new(|| {
    let bytes = SPECIMENS[4].clone();
    let batch = row(&bytes).0;
    (bytes, batch)
});

/// Reads and maps; that is all that must not fail.
fn survives(bytes: &[u8]) {
    let mut scratch = Scratch::default();
    let limits = Limits::default();
    let mut rows = InstanceRows::new(1);
    if let Ok(header) = read_header(&mut BytesSource::new(bytes), &limits, &mut scratch) {
        let hash = header.hash(0);
        rows.append(
            &header,
            &Origin {
                provider: "",
                source_uri: "",
                file_size: 0,
                header_hash: hash,
            },
        );
        // Whatever it was, the row after it is as if it had never been.
        let (good, expected) = &*GOOD;
        let header = read_header(&mut BytesSource::new(good), &limits, &mut scratch).unwrap();
        let size = good.len() as u64;
        let hash = header.hash(size);
        rows.append(
            &header,
            &Origin {
                provider: "p",
                source_uri: "u",
                file_size: size,
                header_hash: hash,
            },
        );
        let batch = rows.finish().unwrap();
        assert_eq!(batch.slice(1, 1), *expected);
        let dataset = arrow::array::AsArray::as_string::<i32>(batch.column_by_name("dataset").unwrap());
        serde_json::from_str::<serde_json::Value>(dataset.value(0)).unwrap();
    }
    let _ = read_header(&mut Trickle::new(bytes, 13), &limits, &mut scratch).map(|h| h.hash(0));
}

#[test]
fn files_cut_at_any_byte_are_survived() {
    for specimen in &*SPECIMENS {
        for end in (0..specimen.len()).step_by(1 + specimen.len() / 3000) {
            survives(&specimen[..end]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_files_are_survived(
        which in 0usize..6,
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = SPECIMENS[which].clone();
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        survives(&bytes);
    }

    #[test]
    fn noise_behind_the_four_letters_is_survived(noise in prop::collection::vec(any::<u8>(), 0..400)) {
        survives(&[&[0; 128][..], b"DICM", &noise].concat());
        survives(&[&ids()[..], &noise].concat());
    }

    #[test]
    fn any_text_in_any_character_set_is_survived(
        term in prop::sample::select(vec![
            "", "ISO_IR 13", "ISO_IR 100", "ISO_IR 192", "GB18030", "ISO_IR 166", "\\ISO 2022 IR 87\\ISO 2022 IR 159",
            "ISO 2022 IR 13\\ISO 2022 IR 87", "\\ISO 2022 IR 149", "\\ISO 2022 IR 58", "NONSENSE",
        ]),
        text in prop::collection::vec(prop_oneof![any::<u8>(), Just(0x1B), Just(b'$'), Just(b'('), Just(b'B')], 0..80),
    ) {
        let set = [el(0x0008_0005, "CS", term.as_bytes()), ids(), el(0x0010_0010, "PN", &text), el(0x0020_4000, "LT", &text)];
        survives(&part10(EXPLICIT, &set.concat()));
    }
}
