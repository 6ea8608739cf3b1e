use arrow::{
    array::{Array, AsArray},
    datatypes::{
        Date32Type, Float64Type, Int32Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
    },
};

use super::*;
use crate::dicom::{BytesSource, Limits, Scratch, read_header, testing::*};

fn of(elements: &[Vec<u8>]) -> (RecordBatch, Appended) {
    row(&part10(EXPLICIT, &[ids(), elements.concat()].concat()))
}

fn text(batch: &RecordBatch, column: &str) -> Option<String> {
    let array = batch.column_by_name(column).unwrap().as_string::<i32>();
    array.is_valid(0).then(|| array.value(0).to_owned())
}

/// The warnings of a data set, in words.
fn warned(elements: &[Vec<u8>]) -> Vec<String> {
    let bytes = part10(EXPLICIT, &[ids(), elements.concat()].concat());
    let (mut scratch, mut rows) = (Scratch::default(), InstanceRows::new(1));
    let header = read_header(&mut BytesSource::new(&bytes), &Limits::default(), &mut scratch).unwrap();
    let origin = Origin {
        provider: "p",
        source_uri: "u",
        file_size: bytes.len() as u64,
        header_hash: header.hash(bytes.len() as u64),
    };
    let appended = rows.append(&header, &origin);
    assert_eq!(appended.warnings as usize, rows.warned().len());
    rows.warned().iter().map(ToString::to_string).collect()
}

#[test]
fn warnings_name_their_elements() {
    assert_eq!(
        warned(&[el(0x0010_0030, "DA", b"1950XX01")]),
        ["(0010,0030) value"]
    );
    assert_eq!(
        warned(&[el(0x0028_0010, "US", &[1, 2, 3])]),
        ["(0028,0010) length"]
    );
    assert_eq!(
        warned(&[el(0x0010_0010, "PN", b"A\xFFB "), el(0x0018_0050, "DS", b"x ")]),
        ["(0010,0010) text", "(0018,0050) value"]
    );
    assert_eq!(
        warned(&[
            el(0x0018_0050, "DS", b"1 "),
            el(0x0018_0050, "DS", b"2 "),
            vec![0; 16]
        ]),
        ["padding", "(0018,0050) twice"]
    );
    let open = [0x08, 0x00, 0x18, 0x22, b'S', b'Q', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF];
    let item = [0xFE, 0xFF, 0x00, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF];
    let end = [0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0];
    assert_eq!(
        warned(&[[&open[..], &item, &el(0x0008_0100, "SH", b"X "), &end].concat()]),
        ["(0008,2218) missing_delimiter"]
    );
}

#[test]
fn every_type_of_column() {
    let code = [
        el(0x0008_0100, "SH", b"T-28000 "),
        el(0x0008_0102, "SH", b"SRT "),
        el(0x0008_0104, "LO", b"Lung"),
    ]
    .concat();
    let (batch, appended) = of(&[
        el(0x0008_0008, "CS", b"ORIGINAL\\\\AXIAL "),
        el(0x0008_0020, "DA", b"20240229"),
        el(0x0008_0030, "TM", b"101112.5"),
        el(0x0008_002A, "DT", b"20240229101112.5"),
        el(0x0008_0201, "SH", b"+0100 "),
        sequence(0x0008_2218, &[code.clone(), el(0x0008_0104, "LO", b"Other ")]),
        el(0x0010_0010, "PN", b"A^B==  "),
        el(0x0018_1310, "US", &[0, 1, 0, 0, 0, 0, 0, 1]),
        el(0x0018_6030, "UL", &[0, 0, 0, 0xF0]),
        el(0x0020_0013, "IS", b"7 "),
        el(0x0028_0030, "DS", b"0.5\\0.25"),
        el(0x0018_0050, "DS", b"2.5 "),
    ]);
    assert_eq!(appended.warnings, 0);
    let column = |name: &str| batch.column_by_name(name).unwrap();
    let kinds = column("image_type").as_list::<i32>().value(0);
    assert_eq!(
        kinds.as_string::<i32>().iter().collect::<Vec<_>>(),
        [Some("ORIGINAL"), None, Some("AXIAL")]
    );
    assert_eq!(column("study_date").as_primitive::<Date32Type>().value(0), 19_782);
    assert_eq!(
        column("study_time")
            .as_primitive::<Time64MicrosecondType>()
            .value(0),
        36_672_500_000
    );
    let instant = column("acquisition_date_time")
        .as_primitive::<TimestampMicrosecondType>()
        .value(0);
    assert_eq!(
        instant,
        19_782 * 86_400_000_000 + 36_672_500_000 - 3_600_000_000,
        "the file's own offset"
    );
    let region = column("anatomic_region").as_struct();
    let parts: Vec<_> = region
        .columns()
        .iter()
        .map(|c| c.as_string::<i32>().value(0))
        .collect();
    assert_eq!(parts, ["T-28000", "SRT", "Lung"]);
    assert!(column("view_code").is_null(0));
    assert_eq!(text(&batch, "patient_name").as_deref(), Some("A^B"));
    let matrix = column("acquisition_matrix").as_list::<i32>().value(0);
    assert_eq!(matrix.as_primitive::<Int32Type>().values(), &[256, 0, 0, 256]);
    assert_eq!(
        column("transducer_frequency")
            .as_primitive::<Int64Type>()
            .value(0),
        0xF000_0000
    );
    assert_eq!(column("instance_number").as_primitive::<Int32Type>().value(0), 7);
    let spacing = column("pixel_spacing").as_list::<i32>().value(0);
    assert_eq!(spacing.as_primitive::<Float64Type>().values(), &[0.5, 0.25]);
    assert_eq!(
        column("slice_thickness").as_primitive::<Float64Type>().value(0),
        2.5
    );
    assert_eq!(text(&batch, "transfer_syntax_uid").as_deref(), Some(EXPLICIT));
    assert_eq!(text(&batch, "header_hash").map(|h| h.len()), Some(32));
}

#[test]
fn what_does_not_parse_is_null_kept_and_counted() {
    let (batch, appended) = of(&[
        el(0x0008_0020, "DA", b"yesterday "),
        el(0x0018_0050, "DS", b"thin"),
        el(0x0018_1150, "IS", b"99999999999 "),
        el(0x0020_0013, "IS", b"1\\2 "),
        el(0x0028_0010, "US", &[1]),
        el(0x0028_0030, "DS", b"0.5\\x "),
    ]);
    assert_eq!(appended.warnings, 6);
    assert_eq!(
        batch
            .column_by_name("warnings")
            .unwrap()
            .as_primitive::<Int32Type>()
            .value(0),
        6
    );
    for column in [
        "study_date",
        "slice_thickness",
        "exposure_time",
        "instance_number",
        "rows",
        "pixel_spacing",
    ] {
        assert!(batch.column_by_name(column).unwrap().is_null(0), "{column}");
    }
    let dataset = text(&batch, "dataset").unwrap();
    assert!(dataset.contains("yesterday") && dataset.contains("thin") && dataset.contains("99999999999"));
}

#[test]
fn paths_take_the_first_item_or_each() {
    let property = |meaning: &[u8]| {
        sequence(
            0x0062_000F,
            &[el(0x0008_0104, "LO", meaning), el(0x0008_0104, "LO", b"no")],
        )
    };
    let segment = |n: u8, rest: &[Vec<u8>]| [el(0x0062_0004, "US", &[n, 0]), rest.concat()].concat();
    let measures = |mm: &[u8]| sequence(0x0028_9110, &[el(0x0018_0050, "DS", mm)]);
    let (batch, appended) = of(&[
        sequence(
            0x0062_0002,
            &[
                segment(1, &[el(0x0062_0005, "LO", b"Liver "), property(b"Organ ")]),
                segment(2, &[]),
                segment(3, &[el(0x0062_0005, "LO", b"Lesion"), property(b"Mass")]),
            ],
        ),
        sequence(0x5200_9229, &[measures(b"3 "), measures(b"4 ")]),
    ]);
    assert_eq!(appended.warnings, 0);
    let list = |name: &str| batch.column_by_name(name).unwrap().as_list::<i32>().value(0);
    let texts = |name: &str| {
        list(name)
            .as_string::<i32>()
            .iter()
            .map(|t| t.map(str::to_owned))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        list("segment_numbers").as_primitive::<Int32Type>().values(),
        &[1, 2, 3]
    );
    assert_eq!(
        texts("segment_labels"),
        [Some("Liver".into()), None, Some("Lesion".into())]
    );
    assert_eq!(
        texts("segmented_property_types"),
        [Some("Organ".into()), None, Some("Mass".into())]
    );
    let first = batch
        .column_by_name("segmented_property_type")
        .unwrap()
        .as_struct();
    assert_eq!(first.column(2).as_string::<i32>().value(0), "Organ");
    assert_eq!(
        batch
            .column_by_name("shared_slice_thickness")
            .unwrap()
            .as_primitive::<Float64Type>()
            .value(0),
        3.0
    );
    assert!(
        batch.column_by_name("slice_thickness").unwrap().is_null(0),
        "not the one within"
    );
    assert!(batch.column_by_name("roi_names").unwrap().is_null(0));
}

#[test]
fn signed_pixel_values_where_the_file_has_no_representation() {
    let padding = implicit(0x0028_0120, 2, &(-2000i16).to_le_bytes());
    for (signed, expected) in [(1, -2000), (0, 63_536)] {
        let set = [
            implicit(0x0008_0018, 6, b"1.2.3\0"),
            implicit(0x0020_000D, 4, b"1.2\0"),
            implicit(0x0020_000E, 4, b"1.4\0"),
            implicit(0x0028_0103, 2, &[signed, 0]),
            padding.clone(),
        ];
        let (batch, _) = row(&set.concat());
        let value = batch
            .column_by_name("pixel_padding_value")
            .unwrap()
            .as_primitive::<Int32Type>()
            .value(0);
        assert_eq!(value, expected);
    }
}

#[test]
fn items_have_their_own_character_set() {
    let latin = [
        el(0x0008_0005, "CS", b"ISO_IR 100"),
        el(0x0008_0104, "LO", b"J\xe9"),
    ]
    .concat();
    let inherits = el(0x0008_0104, "LO", "é".as_bytes());
    let bytes = [
        el(0x0008_0005, "CS", b"ISO_IR 192"),
        ids(),
        sequence(0x0040_A043, &[latin, inherits]),
        el(0x0040_A730, "LO", "ü".as_bytes()),
    ];
    let set = dataset(&part10(EXPLICIT, &bytes.concat()));
    let items = &set["0040A043"]["Value"];
    assert_eq!(
        (
            &items[0]["00080104"]["Value"][0],
            &items[1]["00080104"]["Value"][0]
        ),
        (&"Jé".into(), &"é".into())
    );
    assert_eq!(set["0040A730"]["Value"][0], "ü");
}

#[test]
fn batches_start_anew_and_take_their_epoch() {
    let mut rows = InstanceRows::new(2);
    let mut scratch = Scratch::default();
    let bytes = part10(EXPLICIT, &ids());
    for round in 1..=2 {
        for _ in 0..round {
            let header =
                read_header(&mut BytesSource::new(&bytes), &Limits::default(), &mut scratch).unwrap();
            let header_hash = header.hash(1);
            rows.append(
                &header,
                &Origin {
                    provider: "p",
                    source_uri: "u",
                    file_size: 1,
                    header_hash,
                },
            );
        }
        assert!(rows.bytes() > 500);
        let batch = rows.finish().unwrap();
        assert_eq!((batch.num_rows(), rows.len(), rows.bytes()), (round, 0, 0));
        let stamped = with_epoch(&batch, 9).unwrap();
        assert_eq!(
            stamped
                .column_by_name("ingested_epoch")
                .unwrap()
                .as_primitive::<Int64Type>()
                .value(0),
            9
        );
        assert_eq!(stamped.schema(), instances_schema());
    }
}

#[test]
fn the_columns_that_identify_are_never_null() {
    let names = COLUMNS[..3].iter().map(|c| c.name).collect::<Vec<_>>();
    assert_eq!(
        names,
        ["sop_instance_uid", "series_instance_uid", "study_instance_uid"]
    );
    // The meta group's UID stands in; a UID with a binary VR counts; both would fail the whole batch.
    let meta = [
        &[0; 128][..],
        b"DICM",
        &el(0x0002_0003, "UI", b"1.2.9\0"),
        &ids()[14..],
    ]
    .concat();
    assert_eq!(text(&row(&meta).0, "sop_instance_uid").as_deref(), Some("1.2.9"));
    let binary = [el(0x0008_0018, "OB", b"1.2.3\0"), ids().split_off(14)].concat();
    assert_eq!(
        text(&row(&part10(EXPLICIT, &binary)).0, "sop_instance_uid").as_deref(),
        Some("1.2.3")
    );
}
