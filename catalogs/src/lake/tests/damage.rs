//! Files that lie: emptied, torn, gone. They are refused by name, or read round where the log is whole.

use std::fmt::Debug;
use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::ObjectStoreExt;
use object_store::path::Path;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::VacuumOptions;
use crate::delta::log::commit_path;
use crate::lake::catalog::CATALOG;

pub(super) async fn get(store: &InMemory, path: &Path) -> Bytes {
    store.get(path).await.unwrap().bytes().await.unwrap()
}

pub(super) async fn put(store: &InMemory, path: &Path, content: impl Into<Bytes>) {
    store.put(path, content.into().into()).await.unwrap();
}

/// Leaves the first half of a file.
pub(super) async fn tear(store: &InMemory, path: &Path) {
    let content = get(store, path).await;
    put(store, path, content.slice(..content.len() / 2)).await;
}

pub(super) async fn files(store: &InMemory, folder: &str, holding: &str) -> Vec<Path> {
    let listed: Vec<_> = store.list(Some(&Path::from(folder))).try_collect().await.unwrap();
    let paths = listed.into_iter().map(|file| file.location);
    let mut paths: Vec<Path> = paths.filter(|path| path.as_ref().contains(holding)).collect();
    paths.sort();
    paths
}

/// The file that a refusal names, and why.
fn refused<T: Debug>(result: Result<T>) -> (String, String) {
    match result {
        Err(Error::Damaged { path, reason }) => (path, reason),
        other => panic!("not refused by name: {other:?}"),
    }
}

/// What a scan of the table says.
async fn scan(lake: &Lake, object: &TableObject) -> String {
    let provider = lake.table(object).await.unwrap();
    let rows = SessionContext::new().read_table(provider).unwrap();
    rows.collect().await.unwrap_err().to_string()
}

#[tokio::test]
async fn a_commit_without_a_whole_line_is_refused_by_name() {
    let (store, lake) = memory().await;
    append(&lake, &["a"], vec![1]).await.unwrap();
    let epoch = append(&lake, &["a"], vec![2]).await.unwrap();
    let object = table(&epoch, "a");
    let path = commit_path(&object.location, object.version);
    let whole = get(&store, &path).await;
    for torn in [
        "".into(),
        "\n".into(),
        vec![0; 512].into(),
        whole.slice(..whole.len() / 2),
    ] {
        put(&store, &path, torn).await;
        let (named, _) = refused(handle(&store).await.table(&object).await);
        assert_eq!(named, path.as_ref());
    }
    put(&store, &path, whole).await;
    assert_eq!(ids(&handle(&store).await, &epoch, "a").await, [1, 2]);
}

#[tokio::test]
async fn a_damaged_catalog_is_refused_by_name() {
    let (store, lake) = memory().await;
    let epoch = append(&lake, &["a"], vec![1]).await.unwrap();
    let open = || Lake::open_in(storage(Arc::clone(&store) as _));
    let commit = commit_path(CATALOG, i64::try_from(epoch.number).unwrap());
    let file = files(&store, CATALOG, "/epoch-").await.pop().unwrap();
    for path in [commit, file] {
        let whole = get(&store, &path).await;
        put(&store, &path, "").await;
        assert_eq!(refused(open().await).0, path.as_ref());
        put(&store, &path, whole.slice(..whole.len() / 2)).await;
        assert_eq!(refused(open().await).0, path.as_ref());
        if path.as_ref().ends_with(".parquet") {
            store.delete(&path).await.unwrap();
            let (named, reason) = refused(open().await);
            assert_eq!(
                (named.as_str(), reason.as_str()),
                (path.as_ref(), "the catalog's file is missing")
            );
        }
        put(&store, &path, whole).await;
    }
    open().await.unwrap();
}

#[tokio::test]
async fn damage_that_a_checkpoint_makes_up_for_is_read_round() {
    let (store, lake) = memory().await;
    for id in 1..4 {
        append(&lake, &["a"], vec![id]).await.unwrap();
    }
    let epoch = lake.latest().await.unwrap();
    let object = table(&epoch, "a");
    lake.checkpoint(Some(object.oid)).await.unwrap();
    let checkpoint = files(&store, &object.location, ".checkpoint.")
        .await
        .pop()
        .unwrap();

    let commit = commit_path(&object.location, 2);
    let whole = get(&store, &commit).await;
    put(&store, &commit, "").await;
    assert_eq!(ids(&handle(&store).await, &epoch, "a").await, [1, 2, 3]);
    let mut earlier = object.clone();
    earlier.version = 2;
    let (named, _) = refused(handle(&store).await.table(&earlier).await);
    assert_eq!(named, commit.as_ref(), "before the checkpoint");
    put(&store, &commit, whole).await;

    // The other way round: the log is whole, the checkpoint is not.
    tear(&store, &checkpoint).await;
    assert_eq!(ids(&handle(&store).await, &epoch, "a").await, [1, 2, 3]);
    let options = VacuumOptions {
        table: None,
        retention: Duration::ZERO,
        log_retention: Duration::ZERO,
        dry_run: false,
    };
    tokio::time::sleep(Duration::from_millis(5)).await;
    lake.vacuum(&options, &CancellationToken::new()).await.unwrap();
    assert_eq!(
        ids(&handle(&store).await, &epoch, "a").await,
        [1, 2, 3],
        "vacuum takes no commit that only a torn checkpoint stands for"
    );
    store.delete(&commit_path(&object.location, 0)).await.unwrap();
    let (named, _) = refused(handle(&store).await.table(&object).await);
    assert_eq!(named, checkpoint.as_ref());
}

#[tokio::test]
async fn a_missing_data_file_is_refused_by_name_and_nothing_is_published() {
    let (store, lake) = memory().await;
    let then = append(&lake, &["a", "b"], vec![1]).await.unwrap();
    let gone = files(&store, &table(&then, "a").location, "/part-")
        .await
        .pop()
        .unwrap();
    append(&lake, &["a"], vec![2]).await.unwrap();
    let now = delete(&lake, "a", 1).await.unwrap();
    let content = get(&store, &gone).await;
    store.delete(&gone).await.unwrap();

    for only in [Some(("s", "a")), None] {
        let (named, reason) = refused(lake.restore(then.number, only, "r").await);
        assert_eq!(
            (named.as_str(), reason.as_str()),
            (gone.as_ref(), "the data file is missing")
        );
    }
    assert_eq!(lake.latest().await.unwrap().number, now.number);
    assert_eq!(ids(&lake, &now, "a").await, [2]);

    let object = table(&then, "a");
    let earlier = lake.table(&object).await.unwrap();
    assert_eq!(refused(earlier.check_files().await).0, gone.as_ref());
    let said = scan(&lake, &object).await;
    assert!(said.contains(gone.as_ref()) && said.contains("missing"), "{said}");

    let mut garbage = content.to_vec();
    let end = garbage.len();
    garbage[end - 4..].fill(b'x');
    put(&store, &gone, garbage).await;
    let said = scan(&handle(&store).await, &object).await;
    assert!(
        said.contains(gone.as_ref()) && said.contains("is damaged"),
        "{said}"
    );

    put(&store, &gone, content).await;
    let back = lake.restore(then.number, None, "r").await.unwrap();
    assert_eq!(ids(&lake, &back, "a").await, [1]);
}
