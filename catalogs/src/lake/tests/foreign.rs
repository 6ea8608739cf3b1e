//! Others on our tables: what they write is taken in or refused. What they read is seen by `tests/clients`, with delta-rs and polars.

use std::sync::atomic::{AtomicBool, Ordering};

use object_store::path::Path;
use object_store::{ObjectStoreExt, PutMode};
use parquet::arrow::ArrowWriter;
use serde_json::json;

use super::probe::Probe;
use super::*;
use crate::delta::files::FileSet;
use crate::delta::log::{advance, commit_path};

/// An append by somebody who knows nothing of Radlake: a file, and the next commit, with no more statistics than the number of rows.
async fn write(store: &Arc<InMemory>, location: &str, batch: &RecordBatch) {
    let version = (0..)
        .zip(heads(store, location).await)
        .take_while(|(_, there)| *there)
        .count();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    let content = writer.into_inner().unwrap();
    let name = format!("part-{version}-{}.snappy.parquet", uuid::Uuid::new_v4());
    let stats = format!("{{\"numRecords\":{}}}", batch.num_rows());
    let add = json!({"add": {"path": name, "partitionValues": {}, "size": content.len(), "modificationTime": 1, "dataChange": true, "stats": stats}});
    let info = json!({"commitInfo": {"operation": "WRITE"}});
    store
        .put(&Path::from(format!("{location}/{name}")), content.into())
        .await
        .unwrap();
    let commit = commit_path(location, i64::try_from(version).unwrap());
    store
        .put_opts(&commit, format!("{info}\n{add}\n").into(), PutMode::Create.into())
        .await
        .unwrap();
}

/// Whether there is a commit, for each version until some are missing.
async fn heads(store: &Arc<InMemory>, location: &str) -> Vec<bool> {
    let mut found = Vec::new();
    while found.last() != Some(&false) {
        let version = i64::try_from(found.len()).unwrap();
        found.push(store.head(&commit_path(location, version)).await.is_ok());
    }
    found
}

/// The identifiers in a table as its log alone has them.
async fn read(store: &Arc<InMemory>, location: &str) -> Vec<i64> {
    let head = heads(store, location).await.len() as i64 - 2;
    let storage = storage(Arc::clone(store) as _);
    let files = advance(&storage, &FileSet::empty(location), head).await.unwrap();
    let mut ids = Vec::new();
    for file in files.files.values() {
        let content = store.get(&file.location).await.unwrap().bytes().await.unwrap();
        let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReader::try_new(content, 1024).unwrap();
        for batch in reader {
            ids.extend_from_slice(batch.unwrap()["id"].as_primitive::<Int64Type>().values());
        }
    }
    ids.sort_unstable();
    ids
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checkpoints_hold_the_same_files() {
    let (store, lake) = memory().await;
    for i in 0..7 {
        append(&lake, &["a"], vec![i]).await.unwrap();
    }
    delete(&lake, "a", 2).await.unwrap();
    let storage = lake.storage();
    crate::delta::log::write_checkpoint(storage, "s/a", 6)
        .await
        .unwrap();
    assert!(
        storage
            .exists(&"s/a/_delta_log/00000000000000000006.checkpoint.parquet".into())
            .await
            .unwrap()
    );
    let replayed = advance(storage, &FileSet::empty("s/a"), 8).await.unwrap();
    for version in 0..6 {
        store.delete(&commit_path("s/a", version)).await.unwrap();
    }
    let loaded = crate::delta::log::load(storage, "s/a", 8).await.unwrap();
    let facts = |set: &FileSet| -> Vec<(String, u64, i64, Option<u64>)> {
        let files = set.files.iter();
        files
            .map(|(path, file)| (path.clone(), file.size(), file.add.modification_time, file.rows()))
            .collect()
    };
    assert_eq!(facts(&loaded), facts(&replayed));
    assert_eq!(
        (loaded.files.len(), loaded.metadata, loaded.protocol),
        (6, replayed.metadata, replayed.protocol)
    );
    // And a handle that knows nothing reads it.
    let cold = handle(&store).await;
    assert_eq!(
        ids(&cold, &cold.latest().await.unwrap(), "a").await,
        [0, 1, 3, 4, 5, 6]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_torn_checkpoint_is_passed_over() {
    let (store, lake) = memory().await;
    for i in 0..7 {
        append(&lake, &["a"], vec![i]).await.unwrap();
    }
    let storage = lake.storage();
    let path = |version: i64| Path::from(format!("s/a/_delta_log/{version:020}.checkpoint.parquet"));
    for version in [3, 6] {
        crate::delta::log::write_checkpoint(storage, "s/a", version)
            .await
            .unwrap();
    }
    let whole = store.get(&path(6)).await.unwrap().bytes().await.unwrap();
    store
        .put(&path(6), whole.slice(..whole.len() / 2).into())
        .await
        .unwrap();
    for version in 0..3 {
        store.delete(&commit_path("s/a", version)).await.unwrap();
    }
    // From the one before, and the commits since.
    let loaded = crate::delta::log::load(storage, "s/a", 7).await.unwrap();
    assert_eq!(loaded.files.len(), 7);
    // With no other to start from the damaged file is named.
    store.delete(&path(3)).await.unwrap();
    let error = crate::delta::log::load(storage, "s/a", 7).await.unwrap_err();
    assert!(
        error.to_string().contains("00000000000000000006.checkpoint"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_append_is_taken_in() {
    let (store, lake) = memory().await;
    append(&lake, &["a", "b"], vec![1]).await.unwrap();
    write(&store, "s/a", &rows([50, 51])).await;
    // Not before a writer of ours comes by: a reader's epoch stands.
    let epoch = lake.latest().await.unwrap();
    assert_eq!(ids(&lake, &epoch, "a").await, [1]);
    let epoch = append(&lake, &["a", "b"], vec![2]).await.unwrap();
    assert_eq!(ids(&lake, &epoch, "a").await, [1, 2, 50, 51]);
    assert_eq!(ids(&lake, &epoch, "b").await, [1, 2]);
    let statements: Vec<String> = lake
        .history(9)
        .await
        .unwrap()
        .into_iter()
        .map(|record| record.statement)
        .collect();
    assert_eq!(statements, ["INSERT", "ADOPT", "INSERT", "CREATE LAKE"]);
    assert_eq!(read(&store, "s/a").await, [1, 2, 50, 51]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changed_columns_are_refused_by_name() {
    let (store, lake) = memory().await;
    let log = r#"{"metaData":{"id":"x","format":{"provider":"parquet","options":{}},"schemaString":"{\"type\":\"struct\",\"fields\":[{\"name\":\"id\",\"type\":\"string\",\"nullable\":true,\"metadata\":{}}]}","partitionColumns":[],"configuration":{}}}"#;
    store
        .put_opts(&commit_path("s/a", 1), log.into(), PutMode::Create.into())
        .await
        .unwrap();
    let error = append(&lake, &["a", "b"], vec![1]).await.unwrap_err();
    assert!(
        matches!(&error, Error::Foreign { table, version: 1, .. } if table == "s.a"),
        "{error}"
    );
    // The other table goes on.
    let epoch = append(&lake, &["b"], vec![1]).await.unwrap();
    assert_eq!(ids(&lake, &epoch, "b").await, [1]);
    assert_eq!(ids(&lake, &epoch, "a").await, Vec::<i64>::new());
}

#[tokio::test]
async fn features_are_refused_by_name() {
    let (store, lake) = memory().await;
    for (action, feature) in [
        (
            r#"{"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["deletionVectors"],"writerFeatures":["deletionVectors"]}}"#,
            "deletionVectors",
        ),
        (
            r#"{"metaData":{"id":"x","format":{"provider":"parquet"},"schemaString":"{}","partitionColumns":[],"configuration":{"delta.columnMapping.mode":"name"}}}"#,
            "columnMapping",
        ),
        (
            r#"{"add":{"path":"x.parquet","size":1,"modificationTime":1,"dataChange":true,"deletionVector":{"storageType":"u"}}}"#,
            "deletionVectors",
        ),
        (
            r#"{"add":{"path":"../x.parquet","size":1,"modificationTime":1,"dataChange":true}}"#,
            "files outside",
        ),
    ] {
        store.put(&commit_path("s/a", 1), action.into()).await.unwrap();
        let error = advance(lake.storage(), &FileSet::empty("s/a"), 1)
            .await
            .unwrap_err();
        assert!(
            matches!(&error, Error::Feature { feature: found, .. } if found.starts_with(feature)),
            "{error}"
        );
    }
}

/// Somebody outside writes to one of two tables after we decided: the other table's part is taken back, and all is done
/// again upon what they wrote.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_commit_in_the_very_moment_does_not_halve_ours() {
    let (store, first) = memory().await;
    append(&first, &["a", "b"], vec![1]).await.unwrap();
    let mut probe = Probe::new(Arc::clone(&store) as _);
    let (once, inside) = (Arc::new(AtomicBool::new(true)), Arc::clone(&store));
    probe.before_write = Some(Box::new(move |path| {
        let (once, store) = (Arc::clone(&once), Arc::clone(&inside));
        Box::pin(async move {
            if path.as_ref().contains("intents") && once.swap(false, Ordering::SeqCst) {
                write(&store, "s/b", &rows([50])).await;
            }
        })
    }));
    let lake = Lake::open_in(storage(Arc::new(probe))).await.unwrap();
    let epoch = append(&lake, &["a", "b"], vec![2]).await.unwrap();
    assert_eq!(ids(&lake, &epoch, "a").await, [1, 2]);
    assert_eq!(ids(&lake, &epoch, "b").await, [1, 2, 50]);
    let history = first.history(9).await.unwrap();
    assert!(
        history.iter().any(|record| record.aborted.is_some()),
        "{history:?}"
    );
    // Heads agree with what is pinned, for readers outside too.
    assert_eq!(read(&store, "s/a").await, [1, 2]);
    assert_eq!(read(&store, "s/b").await, [1, 2, 50]);
}
