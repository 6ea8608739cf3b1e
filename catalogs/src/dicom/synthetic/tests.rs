use dicom_dictionary_std::tags;
use dicom_object::{FileDicomObject, InMemDicomObject, OpenFileOptions};

use super::*;

fn read(bytes: &[u8]) -> FileDicomObject<InMemDicomObject> {
    OpenFileOptions::new().from_reader(bytes).unwrap()
}

/// Without Pixel Data, whose VR is OW in implicit syntax whatever it was written as.
fn json(object: FileDicomObject<InMemDicomObject>) -> String {
    let mut object = object.into_inner();
    object.remove_element(tags::PIXEL_DATA);
    dicom_json::to_string(&object).unwrap()
}

fn study() -> StudyBuilder {
    StudyBuilder::new("t")
        .charset(CharacterSet::Utf8)
        .patient(Patient::new("P1", "Müller^Käthe"))
        .series(SeriesBuilder::ct(4).localizers(1).missing(&[2]))
        .series(SeriesBuilder::seg(4))
        .series(SeriesBuilder::rtstruct())
}

#[test]
fn every_syntax_reads_back_the_same() {
    for instance in study().instances() {
        let reference = read(&instance.bytes(&Encoding::default()));
        for syntax in [Syntax::ImplicitLittle, Syntax::ExplicitBig, Syntax::Deflated] {
            for undefined_lengths in [false, true] {
                let encoding = Encoding {
                    undefined_lengths,
                    ..Encoding::from(syntax)
                };
                let other = read(&instance.bytes(&encoding));
                assert_eq!(other.meta().transfer_syntax(), syntax.uid());
                assert!(json(other) == json(reference.clone()), "{syntax:?}");
            }
        }
    }
}

#[test]
fn a_series_has_the_slices_asked_for() {
    let study = study();
    let instances: Vec<_> = study.instances().collect();
    assert_eq!(instances.len(), 1 + 3 + 1 + 1);
    let z = |i: &Instance| {
        let object = read(&i.bytes(&Encoding::default()));
        object
            .element(tags::IMAGE_POSITION_PATIENT)
            .unwrap()
            .to_multi_float64()
            .unwrap()[2]
    };
    assert_eq!(
        instances[1..4].iter().map(z).collect::<Vec<_>>(),
        [-600.0, -597.5, -592.5]
    );
    let scout = read(&instances[0].bytes(&Encoding::default()));
    assert!(
        scout
            .element(tags::IMAGE_TYPE)
            .unwrap()
            .to_str()
            .unwrap()
            .contains("LOCALIZER")
    );
}

#[test]
fn uids_are_unique_and_bytes_repeat() {
    let bytes = |s: StudyBuilder| {
        s.instances()
            .map(|i| i.bytes(&Encoding::default()))
            .collect::<Vec<_>>()
    };
    assert_eq!(bytes(study()), bytes(study()));
    let mut uids: Vec<String> = study().instances().map(|i| i.sop_instance_uid).collect();
    let n = uids.len();
    uids.sort();
    uids.dedup();
    assert_eq!(uids.len(), n);
}

#[test]
fn the_cohort_is_what_it_says() {
    let cohort = demo_cohort(1);
    let series: usize = cohort.studies().iter().map(|s| s.study.series_count()).sum();
    assert!((250..600).contains(&series), "{series}");
    for modality in [
        Modality::Ct,
        Modality::Mr,
        Modality::Pt,
        Modality::Mg,
        Modality::Seg,
        Modality::RtStruct,
    ] {
        for hospital in Cohort::hospitals() {
            assert!(
                cohort
                    .studies()
                    .iter()
                    .any(|s| s.hospital == hospital && s.has(modality)),
                "{hospital} {modality:?}"
            );
        }
    }
    let other = demo_cohort(2);
    let uid = |c: &Cohort| c.studies()[0].study.study_instance_uid();
    assert_eq!(uid(&cohort), uid(&demo_cohort(1)));
    assert_ne!(uid(&cohort), uid(&other));
}

#[test]
fn many_writes_exactly_n_files() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = many(dir.path(), 450).unwrap();
    let mut files = 0;
    let mut total = 0;
    for entry in walkdir::WalkDir::new(dir.path()) {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            files += 1;
            total += entry.metadata().unwrap().len();
        }
    }
    assert_eq!((files, total), (450, bytes));
}
