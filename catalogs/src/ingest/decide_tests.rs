use super::*;
use crate::dicom::synthetic::{Encoding, Instance, SeriesBuilder, StudyBuilder};
use crate::dicom::{BytesSource, InstanceRows, Limits, Origin, Scratch, read_header};

/// Outcomes and rows of (name, bytes) as a worker makes them.
fn parsed(files: &[(&str, Vec<u8>)]) -> Parsed {
    let mut rows = InstanceRows::new(8);
    let mut scratch = Scratch::default();
    let mut outcomes = Vec::new();
    for (name, bytes) in files {
        let size = bytes.len() as u64;
        let verdict = match read_header(&mut BytesSource::new(bytes), &Limits::default(), &mut scratch) {
            Ok(header) => {
                let header_hash = header.hash(size);
                let sop_instance_uid = header.sop_instance_uid().to_owned();
                rows.append(
                    &header,
                    &Origin {
                        provider: "p",
                        source_uri: name,
                        file_size: size,
                        header_hash,
                    },
                );
                Verdict::Instance {
                    sop_instance_uid,
                    header_hash,
                    content_hash: None,
                    warnings: 0,
                    warned: Vec::new(),
                }
            }
            Err(refusal) => Verdict::Refused(Failure::new(refusal.code(), refusal.reason())),
        };
        outcomes.push(Outcome {
            uri: (*name).to_owned(),
            size: Some(size),
            modified_us: Some(5),
            verdict,
        });
    }
    Parsed {
        outcomes,
        rows: rows.finish().unwrap(),
        extracted: Vec::new(),
        bytes_read: 0,
    }
}

fn instances(n: usize) -> Vec<Instance> {
    StudyBuilder::new("d")
        .series(SeriesBuilder::ct(n))
        .instances()
        .collect()
}

fn bytes(instance: &Instance) -> Vec<u8> {
    instance.bytes(&Encoding::default())
}

fn changed(instance: &Instance) -> Vec<u8> {
    let mut other = instance.clone();
    other
        .dataset
        .put(dicom_dictionary_std::tags::PATIENT_COMMENTS, "changed");
    bytes(&other)
}

fn statuses(decision: &Decision) -> Vec<(&str, Status, Option<&str>)> {
    decision
        .files
        .iter()
        .map(|f| (f.uri.as_str(), f.status, f.reason_code))
        .collect()
}

#[test]
fn the_first_of_a_uid_stays() {
    let i = instances(3);
    let first = parsed(&[("z", bytes(&i[2])), ("b", bytes(&i[0]))]);
    let second = parsed(&[
        ("c", bytes(&i[0])),
        ("d", changed(&i[0])),
        ("a", bytes(&i[1])),
        ("e", b"x".to_vec()),
    ]);
    let decision = decide(&[first, second], &KnownFiles::default(), &HashMap::new(), "p");
    let expected = [
        ("a", Status::Ingested, None),
        ("b", Status::Ingested, None),
        ("c", Status::Duplicate, Some("same_content")),
        ("d", Status::Conflict, Some("other_content")),
        ("e", Status::Refused, Some("not_dicom")),
        ("z", Status::Ingested, None),
    ];
    assert_eq!(statuses(&decision), expected);
    // Sorted by UID, wherever they came.
    let mut expected = [(&i[2], (0, 0)), (&i[0], (0, 1)), (&i[1], (1, 2))];
    expected.sort_by_key(|(instance, _)| &instance.sop_instance_uid);
    assert_eq!(decision.accepted, expected.map(|(_, at)| at));
    assert_eq!(
        (
            decision.duplicates,
            decision.conflicts,
            decision.refused["not_dicom"]
        ),
        (1, 1, 1)
    );
    assert!(!decision.files[3].reason.as_ref().unwrap().contains("changed"));
}

#[test]
fn what_the_lake_has_is_compared() {
    let i = instances(4);
    let part = parsed(&[
        ("same", bytes(&i[0])),
        ("elsewhere", bytes(&i[1])),
        ("other", bytes(&i[2])),
        ("new", bytes(&i[3])),
    ]);
    let existing: HashMap<String, Existing> = (0..3)
        .map(|n| {
            let Verdict::Instance {
                sop_instance_uid,
                header_hash,
                ..
            } = &part.outcomes[n].verdict
            else {
                panic!()
            };
            let hash = if n == 2 {
                "0".repeat(32)
            } else {
                header_hash.to_hex()
            };
            let uri = if n == 0 { "same" } else { "there" };
            (
                sop_instance_uid.clone(),
                Existing {
                    header_hash: hash,
                    source_uri: uri.into(),
                    provider: "p".into(),
                    ..Existing::default()
                },
            )
        })
        .collect();
    let decision = decide(&[part], &KnownFiles::default(), &existing, "p");
    let expected = [
        ("elsewhere", Status::Duplicate, Some("same_content")),
        ("new", Status::Ingested, None),
        ("other", Status::Conflict, Some("other_content")),
        ("same", Status::Ingested, Some("touched")),
    ];
    assert_eq!(statuses(&decision), expected);
    assert_eq!(decision.accepted, [(0, 3)]);
}

#[test]
fn known_files_are_not_recorded_again_and_passing_failures_are_tried_again() {
    let i = instances(2);
    let mut part = parsed(&[("a", bytes(&i[0])), ("b", bytes(&i[1])), ("c", b"x".to_vec())]);
    part.outcomes[2].verdict = Verdict::Refused(Failure::new(code::IO_ERROR, "x"));
    let key = |n: usize| {
        (
            part.outcomes[n].uri.clone(),
            part.outcomes[n].size,
            part.outcomes[n].modified_us,
        )
    };
    let mut known = KnownFiles::default();
    known.insert(key(0), "ingested", None, None);
    known.insert(key(1), "refused", Some(code::IO_ERROR), None);
    known.insert(key(2), "refused", Some(code::IO_ERROR), None);
    let decision = decide(&[part], &known, &HashMap::new(), "p");
    // `a` is settled, `b` can be read now, `c` still cannot, and says so already.
    assert_eq!(statuses(&decision), [("b", Status::Ingested, None)]);
    assert_eq!((decision.unchanged, decision.accepted), (2, vec![(0, 1)]));
}

#[test]
fn other_pixels_under_the_same_header_are_a_conflict_if_bytes_were_hashed() {
    let hashed = |content: Option<&str>| Existing {
        header_hash: "h".into(),
        source_uri: content.unwrap_or("u").into(),
        content_hash: content.map(str::to_owned),
        ..Existing::default()
    };
    assert_eq!(
        compare(&hashed(Some("1")), &hashed(Some("2"))),
        Beside::Other { pixels_only: true }
    );
    assert_eq!(compare(&hashed(Some("1")), &hashed(None)), Beside::Same);
}

#[test]
fn accepted_rows_come_in_their_order() {
    let i = instances(3);
    let batch = [
        parsed(&[("z", bytes(&i[2])), ("b", bytes(&i[0]))]),
        parsed(&[("a", bytes(&i[1]))]),
    ];
    let decision = decide(&batch, &KnownFiles::default(), &HashMap::new(), "p");
    let rows = assemble(&batch, &decision.accepted).unwrap();
    let uids: Vec<_> = rows[0]
        .column_by_name("sop_instance_uid")
        .unwrap()
        .as_string::<i32>()
        .iter()
        .flatten()
        .collect();
    assert!(uids.len() == 3 && uids.is_sorted());
}
