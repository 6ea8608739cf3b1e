use super::*;
use crate::dicom::synthetic::{Encoding, Modality, SAGITTAL, SeriesBuilder, StudyBuilder};
use crate::dicom::{BytesSource, InstanceRows, Limits, Origin, Scratch, read_header};
use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int64Type};

/// Rows of `imaging.instances` of a synthetic study.
fn rows(study: &StudyBuilder, provider: &str) -> RecordBatch {
    let mut rows = InstanceRows::new(16);
    let mut scratch = Scratch::default();
    for instance in study.instances() {
        let bytes = instance.bytes(&Encoding::default());
        let header = read_header(&mut BytesSource::new(&bytes), &Limits::default(), &mut scratch).unwrap();
        let origin = Origin {
            provider,
            source_uri: &instance.path,
            file_size: bytes.len() as u64,
            header_hash: header.hash(bytes.len() as u64),
        };
        rows.append(&header, &origin);
    }
    rows.finish().unwrap()
}

fn float(batch: &RecordBatch, name: &str, row: usize) -> Option<f64> {
    let column = batch.column_by_name(name).unwrap();
    column
        .is_valid(row)
        .then(|| column.as_primitive::<Float64Type>().value(row))
}

fn long(batch: &RecordBatch, name: &str, row: usize) -> i64 {
    batch
        .column_by_name(name)
        .unwrap()
        .as_primitive::<Int64Type>()
        .value(row)
}

fn string(batch: &RecordBatch, name: &str, row: usize) -> Option<String> {
    text(batch.column_by_name(name).unwrap(), row)
}

fn boolean(batch: &RecordBatch, name: &str, row: usize) -> bool {
    batch.column_by_name(name).unwrap().as_boolean().value(row)
}

fn row_of(batch: &RecordBatch, uid: &str) -> usize {
    let column = batch
        .column_by_name("series_instance_uid")
        .unwrap()
        .as_string::<i32>();
    (0..batch.num_rows())
        .find(|row| column.value(*row) == uid)
        .unwrap()
}

#[test]
fn a_study_becomes_its_series() {
    let study = StudyBuilder::new("s")
        .series(SeriesBuilder::ct(20).spacing(1.25).localizers(2).missing(&[7]))
        .series(
            SeriesBuilder::mr(12)
                .spacing(3.3)
                .orientation(SAGITTAL)
                .description("sag"),
        )
        .series(SeriesBuilder::seg(20).spacing(1.25))
        .series(SeriesBuilder::mg());
    let instances = rows(&study, "p");
    let series = aggregate(std::slice::from_ref(&instances), 7).unwrap();
    assert_eq!(series.num_rows(), 4);
    let ct = row_of(&series, &study.series_instance_uid(1));
    assert_eq!(
        string(&series, "modality", ct).as_deref(),
        Some(Modality::Ct.term())
    );
    assert_eq!(
        (
            long(&series, "instance_count", ct),
            long(&series, "frame_count", ct)
        ),
        (21, 21)
    );
    assert_eq!(
        (long(&series, "gaps", ct), long(&series, "missing_slices", ct)),
        (1, 1)
    );
    assert_eq!(float(&series, "slice_spacing_mm", ct), Some(1.25));
    assert_eq!(string(&series, "orientation", ct).as_deref(), Some("axial"));
    assert!(!boolean(&series, "is_volume", ct));
    assert_eq!(
        string(&series, "image_types", ct).as_deref(),
        Some("ORIGINAL\\PRIMARY\\AXIAL\\ORIGINAL\\PRIMARY\\LOCALIZER")
    );
    let mr = row_of(&series, &study.series_instance_uid(2));
    assert_eq!(string(&series, "orientation", mr).as_deref(), Some("sagittal"));
    assert_eq!(
        (
            float(&series, "slice_spacing_mm", mr),
            boolean(&series, "is_volume", mr)
        ),
        (Some(3.3), true)
    );
    assert_eq!(string(&series, "series_description", mr).as_deref(), Some("sag"));
    let seg = row_of(&series, &study.series_instance_uid(3));
    assert_eq!(
        (
            long(&series, "instance_count", seg),
            long(&series, "frame_count", seg)
        ),
        (1, 20)
    );
    assert_eq!(
        (
            float(&series, "slice_spacing_mm", seg),
            long(&series, "plane_count", seg)
        ),
        (Some(1.25), 20)
    );
    assert_eq!(
        string(&series, "referenced_series_instance_uid", seg),
        Some(study.series_instance_uid(1))
    );
    let mg = row_of(&series, &study.series_instance_uid(4));
    assert_eq!(
        (
            long(&series, "instance_count", mg),
            long(&series, "plane_count", mg)
        ),
        (4, 0)
    );
    assert_eq!(string(&series, "orientation", mg), None);
    let bytes: i64 = (0..4).map(|row| long(&series, "total_bytes", row)).sum();
    let sizes = instances
        .column_by_name("file_size")
        .unwrap()
        .as_primitive::<Int64Type>();
    assert_eq!(bytes, sizes.values().iter().sum::<i64>());
    assert_eq!(long(&series, "ingested_epoch", 0), 7);
}

#[test]
fn neither_order_nor_batches_matter() {
    let study = StudyBuilder::new("o")
        .series(SeriesBuilder::ct(9).jitter(0.5))
        .series(SeriesBuilder::mr(5));
    let all = rows(&study, "p");
    let expected = aggregate(std::slice::from_ref(&all), 1).unwrap();
    let reversed = UInt32Array::from_iter_values((0..all.num_rows() as u32).rev());
    let reversed = arrow::compute::take_record_batch(&all, &reversed).unwrap();
    let pieces = [reversed.slice(0, 3), reversed.slice(3, 8), reversed.slice(11, 3)];
    assert_eq!(aggregate(&pieces, 1).unwrap(), expected);
}

#[test]
fn a_series_of_two_providers_is_two_rows() {
    let study = StudyBuilder::new("two").series(SeriesBuilder::ct(3));
    let series = aggregate(&[rows(&study, "b"), rows(&study, "a")], 1).unwrap();
    let providers: Vec<_> = (0..2)
        .map(|row| string(&series, "provider", row).unwrap())
        .collect();
    assert_eq!(
        (series.num_rows(), providers),
        (2, vec!["a".to_owned(), "b".to_owned()])
    );
}

#[test]
fn two_patients_in_one_series_are_counted() {
    use crate::dicom::testing::{EXPLICIT, el, ids, part10, row};
    let instance = |uid: &[u8], id: &[u8], name: &[u8], born: &[u8]| {
        let own = [
            el(0x0008_0018, "UI", uid),
            el(0x0010_0010, "PN", name),
            el(0x0010_0020, "LO", id),
            el(0x0010_0030, "DA", born),
            el(0x0010_0040, "CS", b"F "),
        ];
        row(&part10(EXPLICIT, &[own.concat(), ids().split_off(14)].concat())).0
    };
    let counts = |series: &RecordBatch| {
        [
            "patient_count",
            "patient_name_count",
            "patient_birth_date_count",
            "patient_sex_count",
        ]
        .map(|name| series[name].as_primitive::<Int32Type>().value(0))
    };
    let one = [
        instance(b"1.1\0", b"A ", b"Roe^Jane^^", b"19500101"),
        instance(b"1.2\0", b"A ", b"Roe^Jane", b""),
    ];
    assert_eq!(counts(&aggregate(&one, 1).unwrap()), [1, 1, 1, 1]);
    let two = [
        one[0].clone(),
        instance(b"1.3\0", b"", b"Doe^Jane", b"19600101"),
        instance(b"1.4\0", b"B ", b"Doe^Jane", b""),
    ];
    assert_eq!(counts(&aggregate(&two, 1).unwrap()), [3, 2, 2, 1]);
}

#[test]
fn nothing_makes_no_series() {
    assert_eq!(aggregate(&[], 1).unwrap().num_rows(), 0);
}
