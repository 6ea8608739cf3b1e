//! `radlake check`: what is damaged is named, what is written down twice is mended, what is whole is left alone.

use object_store::ObjectStoreExt;
use object_store::path::Path;
use tokio_util::sync::CancellationToken;

use super::damage::{files, get, put, tear};
use super::*;
use crate::delta::log::commit_path;
use crate::lake::catalog::CATALOG;
use crate::lake::intent::Intent;
use crate::{CheckOptions, CheckReport, FindingKind};

async fn check(store: &Arc<InMemory>, repair: bool, deep: bool) -> CheckReport {
    let options = CheckOptions { repair, deep };
    let cancel = CancellationToken::new();
    Lake::check_in(storage(Arc::clone(store) as _), options, &cancel, &|_| {})
        .await
        .unwrap()
}

fn of(report: &CheckReport, kind: FindingKind) -> Vec<&str> {
    let findings = report.findings.iter().filter(|finding| finding.kind == kind);
    findings.map(|finding| finding.path.as_str()).collect()
}

/// Everything in the store, to the byte.
async fn everything(store: &InMemory) -> Vec<(Path, bytes::Bytes)> {
    let mut all = Vec::new();
    for path in files(store, "", "").await {
        let content = get(store, &path).await;
        all.push((path, content));
    }
    all
}

/// Three commits of one table, two of the other; a checkpoint; an orphan.
async fn lake() -> (Arc<InMemory>, Arc<Epoch>) {
    let (store, lake) = memory().await;
    append(&lake, &["a"], vec![1, 2]).await.unwrap();
    append(&lake, &["a", "b"], vec![3]).await.unwrap();
    let epoch = delete(&lake, "a", 1).await.unwrap();
    let object = table(&epoch, "a");
    lake.checkpoint(Some(object.oid)).await.unwrap();
    put(
        &store,
        &Path::from(format!("{}/part-x.parquet", object.location)),
        "x",
    )
    .await;
    (store, epoch)
}

#[tokio::test]
async fn a_whole_lake_is_whole_and_left_as_it_is() {
    let (store, epoch) = lake().await;
    let before = everything(&store).await;
    for (repair, deep) in [(false, false), (false, true), (true, true)] {
        let report = check(&store, repair, deep).await;
        assert_eq!(report.findings, [], "{report:?}");
        assert_eq!((report.epoch, report.tables), (Some(epoch.number), 2));
        assert_eq!((report.files, report.rows, report.orphans), (3, 3, 1));
        // Of the catalog 4, of the tables 4 and 2.
        assert_eq!((report.commits, report.intents), (10, 0));
    }
    assert!(everything(&store).await == before, "nothing was written");
    let (nowhere, cancel) = (storage(Arc::new(InMemory::new())), CancellationToken::new());
    let nothing = Lake::check_in(nowhere, CheckOptions::default(), &cancel, &|_| {}).await;
    assert!(matches!(nothing, Err(Error::NoLake { .. })));
}

#[tokio::test]
async fn commits_are_mended_to_the_byte() {
    let (store, epoch) = lake().await;
    let before = everything(&store).await;
    let location = table(&epoch, "a").location;
    let newest = i64::try_from(epoch.number).unwrap();
    let file = files(&store, CATALOG, "/epoch-").await.pop().unwrap();
    let damages = [
        vec![commit_path(&location, 0)],
        vec![commit_path(&location, 2), commit_path(&location, 3)],
        vec![commit_path(CATALOG, newest)],
        vec![commit_path(CATALOG, newest - 1), commit_path(CATALOG, newest)],
        vec![commit_path(&location, 3), commit_path(CATALOG, newest)],
        vec![file.clone()],
        vec![file, commit_path(&location, 1)],
    ];
    for paths in damages {
        for half in [false, true] {
            for path in &paths {
                if half {
                    tear(&store, path).await;
                } else {
                    put(&store, path, "").await;
                }
            }
            let seen = everything(&store).await;
            let report = check(&store, false, false).await;
            let named = of(&report, FindingKind::Damaged);
            for path in &paths {
                assert!(named.contains(&path.as_ref()), "{path}: {report:?}");
            }
            assert!(everything(&store).await == seen, "looking writes nothing");

            let report = check(&store, true, false).await;
            assert_eq!(report.damaged(), 0, "{report:?}");
            assert_eq!(
                of(&report, FindingKind::Repaired).len(),
                paths.len(),
                "{report:?}"
            );
            for (path, content) in &before {
                assert!(get(&store, path).await == *content, "{path} after {paths:?}");
            }
            let lake = handle(&store).await;
            assert_eq!(ids(&lake, &lake.latest().await.unwrap(), "a").await, [2, 3]);
        }
    }
    // A commit that is gone altogether.
    let gone = commit_path(&location, 2);
    store.delete(&gone).await.unwrap();
    assert_eq!(
        of(&check(&store, false, false).await, FindingKind::Damaged),
        [gone.as_ref()]
    );
    assert_eq!(
        of(&check(&store, true, false).await, FindingKind::Repaired),
        [gone.as_ref()]
    );
    assert!(everything(&store).await == before);
}

#[tokio::test]
async fn a_commit_torn_between_lines_is_seen_by_the_catalog() {
    let (store, epoch) = lake().await;
    let object = table(&epoch, "b");
    let path = commit_path(&object.location, object.version);
    let whole = get(&store, &path).await;
    let line = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    put(&store, &path, whole.slice(..line)).await;
    for deep in [false, true] {
        assert_eq!(
            of(&check(&store, false, deep).await, FindingKind::Damaged),
            [path.as_ref()]
        );
    }
    assert_eq!(
        of(&check(&store, true, false).await, FindingKind::Repaired),
        [path.as_ref()]
    );
    assert!(get(&store, &path).await == whole);
}

#[tokio::test]
async fn what_nobody_wrote_down_twice_is_named_and_left() {
    let (store, epoch) = lake().await;
    let object = table(&epoch, "a");
    let path = commit_path(&object.location, object.version);
    // Without the intent nobody knows what the commit said.
    store.delete(&Intent::path(epoch.number)).await.unwrap();
    put(&store, &path, "").await;
    let seen = everything(&store).await;
    let report = check(&store, true, true).await;
    assert!(
        of(&report, FindingKind::Damaged).contains(&path.as_ref()),
        "{report:?}"
    );
    assert!(everything(&store).await == seen);
}

#[tokio::test]
async fn a_torn_checkpoint_is_made_again() {
    let (store, epoch) = lake().await;
    let object = table(&epoch, "a");
    let path = files(&store, &object.location, ".checkpoint.")
        .await
        .pop()
        .unwrap();
    tear(&store, &path).await;
    assert_eq!(
        of(&check(&store, false, false).await, FindingKind::Damaged),
        [path.as_ref()]
    );
    let report = check(&store, true, false).await;
    assert_eq!(
        (report.damaged(), of(&report, FindingKind::Repaired)),
        (0, vec![path.as_ref()])
    );
    // It stands for the commits before it, as the old one did.
    for version in 0..object.version {
        store
            .delete(&commit_path(&object.location, version))
            .await
            .unwrap();
    }
    let lake = handle(&store).await;
    assert_eq!(ids(&lake, &epoch, "a").await, [2, 3]);
    // With the log it was made of gone, a torn one is all that there is: it stays.
    tear(&store, &path).await;
    let torn = get(&store, &path).await;
    assert!(check(&store, true, false).await.damaged() > 0);
    assert!(get(&store, &path).await == torn);
}

#[tokio::test]
async fn data_files_are_looked_into() {
    let (store, epoch) = lake().await;
    let lake = handle(&store).await;
    let location = table(&epoch, "a").location;
    let provider = lake.table(&table(&epoch, "a")).await.unwrap();
    let live: Vec<Path> = provider.files().map(|file| file.location.clone()).collect();
    let parts = files(&store, &location, "/part-").await;
    let old = parts
        .iter()
        .find(|path| !live.contains(path) && !path.as_ref().ends_with("part-x.parquet"))
        .unwrap();
    let named = async |deep| {
        let report = check(&store, true, deep).await;
        let found: Vec<(String, String)> = report
            .findings
            .into_iter()
            .map(|finding| (finding.path, finding.text))
            .collect();
        found
    };
    let whole = get(&store, &live[0]).await;
    let mut end = whole.to_vec();
    let length = end.len();
    end[length - 4..].fill(b'x');
    // A page of the data, which the footer does not tell of.
    let mut page = whole.to_vec();
    page[4..40].fill(0xff);
    for (content, said, deep) in [
        (
            whole.slice(..whole.len() - 1).to_vec(),
            "bytes, the log says",
            false,
        ),
        (Vec::new(), "has 0 bytes, the log says", false),
        (end, "", false),
        (page, "", true),
    ] {
        put(&store, &live[0], content).await;
        let found = named(deep).await;
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].0 == live[0].as_ref() && found[0].1.contains(said),
            "{found:?}"
        );
    }
    store.delete(&live[0]).await.unwrap();
    assert_eq!(
        named(false).await,
        [(live[0].to_string(), "the data file is missing".to_owned())]
    );
    put(&store, &live[0], whole).await;

    store.delete(old).await.unwrap();
    let found = named(false).await;
    assert!(found.len() == 1 && found[0].0 == old.as_ref(), "{found:?}");
    assert!(
        found[0].1.contains("the newest epoch does without it"),
        "{found:?}"
    );
}

#[tokio::test]
async fn decisions_that_wait_are_told_and_carried_out() {
    let (store, epoch) = lake().await;
    let newest = i64::try_from(epoch.number).unwrap();
    // As if the writer had died before the catalog's commit.
    store.delete(&commit_path(CATALOG, newest)).await.unwrap();
    let report = check(&store, false, false).await;
    assert_eq!(
        (report.epoch, report.intents, report.damaged()),
        (Some(epoch.number - 1), 1, 0)
    );
    let report = check(&store, true, false).await;
    assert_eq!((report.epoch, report.intents), (Some(epoch.number), 0));
    assert_eq!(
        of(&report, FindingKind::Repaired),
        [Intent::path(epoch.number).as_ref()]
    );

    put(&store, &Intent::path(epoch.number + 1), "").await;
    let report = check(&store, true, false).await;
    assert_eq!(
        of(&report, FindingKind::Damaged),
        [Intent::path(epoch.number + 1).as_ref()]
    );
}
