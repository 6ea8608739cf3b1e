use std::fs;
use std::path::{Path, PathBuf};

use arrow::compute::cast;

use super::*;
use crate::Object;
use crate::dicom::synthetic::{Encoding, SeriesBuilder, StudyBuilder, many};
use crate::ingest::memory::sorted;
use crate::ingest::tables;
use crate::object::SchemaObject;

pub(crate) async fn new_lake(dir: &Path) -> Lake {
    let imaging = SchemaObject {
        name: "imaging".into(),
        ..SchemaObject::default()
    };
    let mut seed = vec![Object::Schema(imaging)];
    seed.extend(tables().map(Object::Table));
    Lake::create(dir.to_str().unwrap(), seed).await.unwrap()
}

pub(crate) async fn ingest(lake: &Lake, options: IngestOptions) -> IngestReport {
    run(lake, options, Arc::new(()), CancellationToken::new())
        .await
        .unwrap()
}

pub(crate) fn options(dir: &Path) -> IngestOptions {
    IngestOptions {
        workers: 2,
        ..IngestOptions::new("p", vec![dir.to_path_buf()])
    }
}

/// The tables without `ingested_epoch`, sorted by their keys.
pub(crate) async fn content(lake: &Lake) -> [RecordBatch; 6] {
    let epoch = lake.latest().await.unwrap();
    let keys: [&[&str]; 6] = [
        &["sop_instance_uid"],
        &["study_instance_uid", "series_instance_uid", "provider"],
        &["uri", "provider", "modified_at", "status"],
        &["sop_instance_uid", "provider", "uri"],
        &["sop_instance_uid", "segment_number"],
        &["sop_instance_uid", "measurement_group", "measurement_number"],
    ];
    let mut out = Vec::new();
    let names = [
        "instances",
        "series",
        "files",
        "sources",
        "segments",
        "measurements",
    ];
    for (name, key) in names.iter().zip(keys) {
        let table = lake.table(epoch.table("imaging", name).unwrap()).await.unwrap();
        let schema = Arc::clone(&table.object().arrow_schema);
        let batches = SessionContext::new()
            .read_table(table)
            .unwrap()
            .collect()
            .await
            .unwrap();
        let batches: Vec<RecordBatch> = batches
            .iter()
            .map(|batch| {
                let columns = batch
                    .columns()
                    .iter()
                    .zip(schema.fields())
                    .map(|(c, f)| cast(c, f.data_type()).unwrap());
                RecordBatch::try_new(Arc::clone(&schema), columns.collect()).unwrap()
            })
            .collect();
        out.push(sorted(&batches, schema, key));
    }
    out.try_into().unwrap()
}

pub(crate) fn study(key: &str) -> StudyBuilder {
    StudyBuilder::new(key)
        .series(SeriesBuilder::ct(30).missing(&[9]))
        .series(SeriesBuilder::mr(8))
        .series(SeriesBuilder::seg(5))
}

pub(crate) fn write(dir: &Path, study: &StudyBuilder) -> usize {
    fs::create_dir_all(dir).unwrap();
    let mut n = 0;
    for (i, instance) in study.instances().enumerate() {
        fs::write(dir.join(format!("{i:03}")), instance.bytes(&Encoding::default())).unwrap();
        n += 1;
    }
    n
}

#[tokio::test(flavor = "multi_thread")]
async fn files_become_an_epoch_and_again_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (source, home) = (dir.path().join("in"), dir.path().join("lake"));
    let n = write(&source, &study("a"));
    fs::write(source.join("x.txt"), "x").unwrap();
    let lake = new_lake(&home).await;
    let report = ingest(&lake, options(&source)).await;
    assert_eq!(
        (report.ingested, report.refused_total(), report.series),
        (n as u64, 1, 3)
    );
    assert_eq!((report.epochs.len(), report.segments.placed), (1, 1));
    assert_eq!(report.segments.epochs, [lake.latest().await.unwrap().number]);
    let tables = content(&lake).await;
    assert_eq!(
        tables.each_ref().map(RecordBatch::num_rows),
        [n, 3, n + 1, n, 1, 0]
    );
    let again = ingest(&lake, options(&source)).await;
    assert_eq!((again.unchanged, again.epochs.len()), (n as u64 + 1, 0));
    // From the disk, too.
    drop(lake);
    let lake = Lake::open(home.to_str().unwrap()).await.unwrap();
    assert_eq!(ingest(&lake, options(&source)).await.unchanged, n as u64 + 1);
    assert!(content(&lake).await == tables);
}

#[tokio::test(flavor = "multi_thread")]
async fn small_batches_end_in_the_same_tables() {
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("in");
    for key in ["a", "b", "c"] {
        write(&source.join(key), &study(key));
    }
    let whole = new_lake(&dir.path().join("whole")).await;
    ingest(&whole, options(&source)).await;
    let pieces = new_lake(&dir.path().join("pieces")).await;
    let report = ingest(
        &pieces,
        IngestOptions {
            batch_instances: 4,
            workers: 3,
            ..options(&source)
        },
    )
    .await;
    assert!(report.epochs.len() > 10, "{report:?}");
    assert!(content(&pieces).await == content(&whole).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_series_that_grows_replaces_its_row_and_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("in");
    let n = write(&source, &study("a"));
    write(&source, &study("a"));
    let other = dir.path().join("other");
    write(&other, &study("b"));
    let late: Vec<(PathBuf, Vec<u8>)> = (0..n)
        .filter(|i| i % 3 == 0)
        .map(|i| source.join(format!("{i:03}")))
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();
    late.iter().for_each(|(path, _)| fs::remove_file(path).unwrap());
    let lake = new_lake(&dir.path().join("lake")).await;
    ingest(&lake, options(&source)).await;
    ingest(&lake, options(&other)).await;
    late.iter()
        .for_each(|(path, bytes)| fs::write(path, bytes).unwrap());
    ingest(&lake, options(&source)).await;
    let whole = new_lake(&dir.path().join("whole")).await;
    ingest(&whole, options(dir.path())).await;
    let ([_, grown, ..], [_, expected, ..]) = (content(&lake).await, content(&whole).await);
    assert_eq!(grown.num_rows(), 6);
    assert!(grown == expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_at_once_lose_and_double_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("in");
    many(&source, 900).unwrap();
    let home = dir.path().join("lake");
    let one = new_lake(&home).await;
    // A second process: its own view of the same folder.
    let two = Lake::open(home.to_str().unwrap()).await.unwrap();
    let small = || IngestOptions {
        batch_instances: 128,
        ..options(&source)
    };
    let (first, second) = tokio::join!(ingest(&one, small()), ingest(&two, small()));
    assert_eq!(first.ingested + second.ingested, 900);
    let whole = new_lake(&dir.path().join("whole")).await;
    ingest(&whole, options(&source)).await;
    assert!(content(&one).await == content(&whole).await);
    assert!(content(&two).await == content(&whole).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lake_itself_is_not_read() {
    let dir = tempfile::tempdir().unwrap();
    let n = write(&dir.path().join("in"), &study("a"));
    let lake = new_lake(&dir.path().join("lake")).await;
    let report = ingest(&lake, options(dir.path())).await;
    assert_eq!((report.offered, report.ingested), (n as u64, n as u64));
}
