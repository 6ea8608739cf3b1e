//! Others on our tables: delta-rs reads them, and what it writes is taken in or refused.

#![expect(
    clippy::disallowed_methods,
    reason = "what delta-rs reads, not what a session reads"
)]

use std::sync::atomic::{AtomicBool, Ordering};

use deltalake::{DeltaTable, DeltaTableBuilder};
use object_store::{ObjectStoreExt, PutMode};

use super::probe::Probe;
use super::*;
use crate::delta::files::FileSet;
use crate::delta::log::{advance, commit_path};

async fn open(store: &Arc<InMemory>, location: &str) -> DeltaTable {
    let address = Url::parse(&format!("memory:///{location}/")).unwrap();
    let store = Arc::clone(store) as Arc<dyn ObjectStore>;
    DeltaTableBuilder::from_url(address.clone())
        .unwrap()
        .with_storage_backend(store, address)
        .load()
        .await
        .unwrap()
}

async fn read(table: &DeltaTable, column: &str) -> Vec<String> {
    let provider = table.table_provider().await.unwrap();
    let context = SessionContext::new();
    let frame = context
        .read_table(provider)
        .unwrap()
        .select_columns(&[column])
        .unwrap();
    let mut values = Vec::new();
    for batch in frame.collect().await.unwrap() {
        for row in 0..batch.num_rows() {
            values.push(arrow::util::display::array_value_to_string(batch.column(0), row).unwrap());
        }
    }
    values.sort();
    values
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn delta_rs_reads_what_we_write() {
    let (store, lake) = memory().await;
    for i in 0..5 {
        append(&lake, &["a", "b"], vec![i, i + 10]).await.unwrap();
    }
    delete(&lake, "a", 3).await.unwrap();
    let oid = lake.latest().await.unwrap().table("s", "a").unwrap().oid;
    let epoch = lake.optimize(oid).await.unwrap();
    for name in ["a", "b"] {
        let object = table(&epoch, name);
        let theirs = open(&store, &object.location).await;
        assert_eq!(theirs.version(), Some(object.version as u64));
        let mut ours: Vec<String> = ids(&lake, &epoch, name)
            .await
            .iter()
            .map(i64::to_string)
            .collect();
        ours.sort();
        assert_eq!(read(&theirs, "id").await, ours);
    }
    // The catalog is a table as any other.
    let catalog = open(&store, "_radlake/catalog").await;
    assert_eq!(catalog.version(), Some(epoch.number));
    let mut kinds = vec!["lake".to_owned()];
    kinds.extend(epoch.objects().map(|object| object.kind().to_owned()));
    kinds.sort();
    assert_eq!(read(&catalog, "kind").await, kinds);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checkpoints_hold_the_same_files() {
    let (store, lake) = memory().await;
    for i in 0..7 {
        append(&lake, &["a"], vec![i]).await.unwrap();
    }
    delete(&lake, "a", 2).await.unwrap();
    let storage = lake.storage();
    crate::delta::log::checkpoint(storage, "s/a", 6).await.unwrap();
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
async fn what_delta_rs_appends_is_taken_in() {
    let (store, lake) = memory().await;
    append(&lake, &["a", "b"], vec![1]).await.unwrap();
    open(&store, "s/a")
        .await
        .write(vec![rows([50, 51])])
        .await
        .unwrap();
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
    assert_eq!(
        read(&open(&store, "s/a").await, "id").await,
        ["1", "2", "50", "51"]
    );
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
                open(&store, "s/b").await.write(vec![rows([50])]).await.unwrap();
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
    assert_eq!(read(&open(&store, "s/a").await, "id").await, ["1", "2"]);
    assert_eq!(read(&open(&store, "s/b").await, "id").await, ["1", "2", "50"]);
}
