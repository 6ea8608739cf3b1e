use std::fs;
use std::path::Path;

use super::*;
use crate::dicom::synthetic::{Encoding, SeriesBuilder, StudyBuilder, many};
use crate::ingest::memory::Memory;

fn study(key: &str) -> StudyBuilder {
    StudyBuilder::new(key)
        .series(SeriesBuilder::ct(40).localizers(1).missing(&[9]))
        .series(SeriesBuilder::mr(12))
        .series(SeriesBuilder::seg(6))
}

/// Two studies, a file that comes twice, one with another's UID, one that is no DICOM, one that is cut short.
fn fill(dir: &Path) {
    for key in ["a", "b"] {
        for (i, instance) in study(key).instances().enumerate() {
            let folder = dir.join(key).join(format!("{}", i % 3));
            fs::create_dir_all(&folder).unwrap();
            fs::write(
                folder.join(format!("{i:03}")),
                instance.bytes(&Encoding::default()),
            )
            .unwrap();
        }
    }
    let mut first = study("a").instances().next().unwrap();
    fs::write(dir.join("z-twice"), first.bytes(&Encoding::default())).unwrap();
    first
        .dataset
        .put(dicom_dictionary_std::tags::PATIENT_COMMENTS, "other");
    fs::write(dir.join("z-other"), first.bytes(&Encoding::default())).unwrap();
    fs::write(dir.join("readme.txt"), "hello").unwrap();
    fs::write(dir.join("cut"), &first.bytes(&Encoding::default())[..500]).unwrap();
}

fn options(dir: &Path) -> IngestOptions {
    IngestOptions {
        workers: 2,
        ..IngestOptions::new("p", vec![dir.to_path_buf()])
    }
}

async fn ingest(target: &Memory, options: IngestOptions) -> IngestReport {
    run(target, None, options, Arc::new(()), CancellationToken::new())
        .await
        .unwrap()
}

/// 39 + 1 + 12 + 1 instances of each study.
const INSTANCES: u64 = 2 * 53;

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_becomes_tables() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path());
    let lake = Memory::default();
    let report = ingest(&lake, options(dir.path())).await;
    assert_eq!((report.offered, report.ingested), (INSTANCES + 4, INSTANCES));
    assert_eq!(
        (report.duplicates, report.conflicts, report.refused_total()),
        (1, 1, 2)
    );
    assert_eq!(
        report.refused.keys().collect::<Vec<_>>(),
        ["not_dicom", "truncated"]
    );
    assert_eq!((report.series, report.studies, report.patients), (6, 2, 2));
    assert_eq!(report.epochs, [1]);
    let [instances, series, files, sources, ..] = lake.content();
    assert_eq!(
        (instances.num_rows(), series.num_rows(), files.num_rows()),
        (106, 6, 110)
    );
    assert_eq!(sources.num_rows(), 107);
}

#[tokio::test(flavor = "multi_thread")]
async fn again_is_nothing() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path());
    let lake = Memory::default();
    ingest(&lake, options(dir.path())).await;
    let before = lake.content();
    let report = ingest(&lake, options(dir.path())).await;
    assert_eq!(
        (report.offered, report.unchanged, report.ingested),
        (INSTANCES + 4, INSTANCES + 4, 0)
    );
    assert_eq!((report.epochs.len(), report.bytes_read), (0, 0));
    assert!(lake.content() == before);
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_workers_nor_batches_show() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path());
    let reference = Memory::default();
    ingest(
        &reference,
        IngestOptions {
            workers: 1,
            ..options(dir.path())
        },
    )
    .await;
    for (workers, batch_instances) in [(4, 50_000), (2, 1), (3, 64)] {
        let lake = Memory::default();
        let report = ingest(
            &lake,
            IngestOptions {
                workers,
                batch_instances,
                ..options(dir.path())
            },
        )
        .await;
        assert_eq!(report.epochs.len() > 1, batch_instances < 100);
        assert!(
            lake.content() == reference.content(),
            "{workers} workers, batches of {batch_instances}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_dies_is_taken_up_where_it_stood() {
    let dir = tempfile::tempdir().unwrap();
    many(dir.path(), 1500).unwrap();
    let reference = Memory::default();
    ingest(&reference, options(dir.path())).await;
    let lake = Memory::default();
    let small = || IngestOptions {
        batch_instances: 150,
        ..options(dir.path())
    };
    for epoch in 1..4 {
        *lake.dies_after.lock().unwrap() = Some(epoch);
        let result = run(&lake, None, small(), Arc::new(()), CancellationToken::new()).await;
        assert!(result.unwrap_err().to_string().contains("killed"));
        assert_eq!(lake.epoch(), epoch);
    }
    *lake.dies_after.lock().unwrap() = None;
    let report = ingest(&lake, small()).await;
    assert!(
        report.unchanged >= 450 && report.ingested + report.unchanged == 1500,
        "{report:?}"
    );
    assert!(lake.content() == reference.content());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_run_is_taken_up_where_it_stood() {
    struct CancelAt(CancellationToken, u64);
    impl Progress for CancelAt {
        fn update(&self, snapshot: &Snapshot) {
            if snapshot.batches >= self.1 {
                self.0.cancel();
            }
        }
    }
    let dir = tempfile::tempdir().unwrap();
    many(dir.path(), 1200).unwrap();
    let reference = Memory::default();
    ingest(&reference, options(dir.path())).await;
    let lake = Memory::default();
    let small = || IngestOptions {
        batch_instances: 100,
        ..options(dir.path())
    };
    let cancel = CancellationToken::new();
    let watch = Arc::new(CancelAt(cancel.clone(), 2));
    let report = run(&lake, None, small(), watch, cancel).await.unwrap();
    assert!(report.cancelled && report.epochs.len() == 2, "{report:?}");
    assert_eq!(lake.epoch(), 2);
    let report = ingest(&lake, small()).await;
    assert!(!report.cancelled);
    assert!(lake.content() == reference.content());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_writers_of_the_same_files_do_everything_once() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path());
    let reference = Memory::default();
    ingest(&reference, options(dir.path())).await;
    let lake = Arc::new(Memory::default());
    // Another run of the same files comes in between our decision and its publication, with a part of them.
    let (other, half) = (Arc::clone(&lake), options(&dir.path().join("a")));
    let hook = move || -> futures::future::BoxFuture<'static, ()> {
        Box::pin(async move {
            ingest(&other, half).await;
        })
    };
    *lake.between.lock().unwrap() = Some(Box::new(hook));
    let report = ingest(&lake, options(dir.path())).await;
    assert_eq!((report.ingested, report.unchanged), (53, 53));
    assert!(lake.content() == reference.content());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_providers_of_one_instance_have_a_series_each() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path());
    let lake = Memory::default();
    ingest(&lake, options(dir.path())).await;
    let [instances, series, ..] = lake.content();
    let other = IngestOptions {
        provider: "q".into(),
        ..options(dir.path())
    };
    let report = ingest(&lake, other).await;
    assert_eq!(
        (report.ingested, report.duplicates, report.conflicts),
        (0, INSTANCES + 1, 1)
    );
    let [instances_after, series_after, files, sources, ..] = lake.content();
    assert!(instances_after == instances);
    assert_eq!(files.num_rows() as u64, 2 * (INSTANCES + 4));
    assert_eq!(sources.num_rows() as u64, 2 * (INSTANCES + 1));
    // A row of each, the same but for who brought it.
    assert_eq!(series_after.num_rows(), 2 * series.num_rows());
    let alone = Memory::default();
    let other = IngestOptions {
        provider: "q".into(),
        ..options(dir.path())
    };
    ingest(&alone, other).await;
    let of_both = arrow::compute::concat_batches(&series.schema(), [&series, &alone.content()[1]]).unwrap();
    let keys = ["study_instance_uid", "series_instance_uid", "provider"];
    assert!(crate::ingest::memory::by_keys(&of_both, &keys) == series_after);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_what_a_run_would_do() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path());
    let lake = Memory::default();
    let dry = IngestOptions {
        dry_run: true,
        batch_instances: 10,
        ..options(dir.path())
    };
    let said = ingest(&lake, dry).await;
    assert_eq!(lake.epoch(), 0);
    let done = ingest(&lake, options(dir.path())).await;
    let same = |r: &IngestReport| {
        (
            r.offered,
            r.ingested,
            r.duplicates,
            r.conflicts,
            r.refused.clone(),
            r.series,
        )
    };
    assert_eq!(same(&said), same(&done));
    assert!(said.dry_run && said.epochs.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_series_that_grows_is_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let builder = StudyBuilder::new("grow")
        .series(SeriesBuilder::ct(10))
        .series(SeriesBuilder::mr(4));
    let files: Vec<_> = builder
        .instances()
        .map(|i| i.bytes(&Encoding::default()))
        .collect();
    let put = |i: usize| fs::write(dir.path().join(format!("{i:02}")), &files[i]).unwrap();
    let lake = Memory::default();
    (0..files.len()).filter(|i| i % 2 == 0).for_each(put);
    ingest(&lake, options(dir.path())).await;
    (0..files.len()).for_each(put);
    ingest(&lake, options(dir.path())).await;
    let whole = Memory::default();
    ingest(&whole, options(dir.path())).await;
    let ([_, grown, ..], [_, series, ..]) = (lake.content(), whole.content());
    // All but `total_bytes`, `…_epoch` and the like could differ by a mistake; nothing may.
    assert!(grown == series);
    let spacing = grown.column_by_name("slice_spacing_mm").unwrap();
    assert_eq!(spacing.as_primitive::<arrow::datatypes::Float64Type>().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_of_the_operator_stops_before_it_begins() {
    let lake = Memory::default();
    let no_path = IngestOptions::new("p", vec!["/no/such/folder".into()]);
    let error = run(&lake, None, no_path, Arc::new(()), CancellationToken::new())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("/no/such/folder"));
    let nobody = IngestOptions::new(" ", vec!["/".into()]);
    assert!(
        run(&lake, None, nobody, Arc::new(()), CancellationToken::new())
            .await
            .is_err()
    );
}
