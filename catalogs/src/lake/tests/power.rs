//! A power cut: of what was not asked to be on the disk, anything may be missing or torn.

use std::fs;
use std::path::{Path, PathBuf};

use super::*;

/// What a power cut leaves of a file.
#[derive(Debug, Clone, Copy)]
enum Damage {
    Empty,
    Half,
    Zeros,
    Gone,
}

fn damage(path: &Path, how: Damage) {
    let content = fs::read(path).unwrap();
    match how {
        Damage::Empty => fs::write(path, []).unwrap(),
        Damage::Half => fs::write(path, &content[..content.len() / 2]).unwrap(),
        Damage::Zeros => fs::write(path, vec![0; content.len()]).unwrap(),
        Damage::Gone => fs::remove_file(path).unwrap(),
    }
}

/// The files that follow from intents: commits of tables and of the catalog after the first, and the catalog's files.
fn redoable(lake: &Path) -> Vec<PathBuf> {
    let walk = walkdir::WalkDir::new(lake).sort_by_file_name();
    walk.into_iter()
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| {
            let text = path.strip_prefix(lake).unwrap().to_string_lossy().into_owned();
            let first = text.ends_with("00000000000000000000.json");
            (text.contains("_delta_log/") && text.ends_with(".json") && !first)
                || (text.starts_with("_radlake/catalog/epoch-")
                    && !text.starts_with("_radlake/catalog/epoch-00000000000000000000"))
        })
        .collect()
}

/// A lake of four commits of which the disk was asked for nothing but the intents and data files.
async fn four_commits(folder: &Path) -> PathBuf {
    let path = folder.join("lake");
    let lake = Lake::create(path.to_str().unwrap(), seed()).await.unwrap();
    append(&lake, &["a"], vec![1]).await.unwrap();
    append(&lake, &["a", "b"], vec![2]).await.unwrap();
    append(&lake, &["b"], vec![3]).await.unwrap();
    append(&lake, &["a"], vec![4]).await.unwrap();
    drop(lake);
    fs::write(path.join("_radlake/synced.json"), r#"{"epoch":0}"#).unwrap();
    path
}

async fn check(path: &Path, what: &str) {
    let lake = Lake::open(path.to_str().unwrap())
        .await
        .unwrap_or_else(|error| panic!("{what}: {error}"));
    let epoch = lake.latest().await.unwrap();
    assert_eq!(epoch.number, 4, "{what}");
    assert_eq!(ids(&lake, &epoch, "a").await, [1, 2, 4], "{what}");
    assert_eq!(ids(&lake, &epoch, "b").await, [2, 3], "{what}");
    let earlier = lake.at(2).await.unwrap();
    assert_eq!(ids(&lake, &earlier, "b").await, [2], "{what}");
    append(&lake, &["b"], vec![5]).await.unwrap();
    let epoch = lake.latest().await.unwrap();
    assert_eq!(ids(&lake, &epoch, "b").await, [2, 3, 5], "{what}");
}

#[tokio::test]
async fn every_single_file_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let count = redoable(&four_commits(folder.path()).await).len();
    assert_eq!(count, 5 + 4 + 4, "commits of tables, of the catalog, its files");
    for at in 0..count {
        for how in [Damage::Empty, Damage::Half, Damage::Zeros, Damage::Gone] {
            let folder = tempfile::tempdir().unwrap();
            let path = four_commits(folder.path()).await;
            let file = redoable(&path).swap_remove(at);
            damage(&file, how);
            check(&path, &format!("{how:?} {}", file.display())).await;
        }
    }
}

#[tokio::test]
async fn all_of_them_come_back() {
    for how in [Damage::Empty, Damage::Half, Damage::Zeros, Damage::Gone] {
        let folder = tempfile::tempdir().unwrap();
        let path = four_commits(folder.path()).await;
        for file in redoable(&path) {
            damage(&file, how);
        }
        check(&path, &format!("{how:?}")).await;
    }
}

#[tokio::test]
async fn the_mark_follows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lake");
    let lake = Lake::create(path.to_str().unwrap(), seed()).await.unwrap();
    append(&lake, &["a"], vec![1]).await.unwrap();
    for _ in 0..1000 {
        if fs::read_to_string(path.join("_radlake/synced.json")).unwrap() == r#"{"epoch":1}"# {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the mark was not moved");
}

#[tokio::test]
async fn epochs_that_are_not_published_are_made_whole_first() {
    for how in [Damage::Empty, Damage::Half, Damage::Zeros] {
        let folder = tempfile::tempdir().unwrap();
        let path = four_commits(folder.path()).await;
        // Nothing of the last two epochs is in the catalog's log, and the table's commit of the last is torn.
        for epoch in [3, 4] {
            fs::remove_file(path.join(format!("_radlake/catalog/_delta_log/{epoch:020}.json"))).unwrap();
        }
        let last = redoable(&path)
            .into_iter()
            .rfind(|file| file.to_string_lossy().contains("s/a/_delta_log"))
            .unwrap();
        damage(&last, how);
        check(&path, &format!("{how:?}")).await;
    }
}

#[tokio::test]
async fn what_vacuum_took_is_not_missed() {
    let folder = tempfile::tempdir().unwrap();
    let path = four_commits(folder.path()).await;
    let lake = Lake::open(path.to_str().unwrap()).await.unwrap();
    let options = crate::VacuumOptions {
        table: None,
        retention: std::time::Duration::ZERO,
        log_retention: std::time::Duration::from_secs(1_000_000),
        dry_run: false,
    };
    // The catalog's files outlive writers that may be about to read them: as if they were old.
    for file in redoable(&path) {
        let old = std::time::SystemTime::now() - std::time::Duration::from_secs(100_000);
        let file = fs::File::options().append(true).open(file).unwrap();
        file.set_modified(old).unwrap();
    }
    let cancel = tokio_util::sync::CancellationToken::new();
    let report = lake.vacuum(&options, &cancel).await.unwrap();
    assert_eq!(report.horizon, 4);
    drop(lake);
    assert!(
        redoable(&path)
            .iter()
            .filter(|file| file.extension().unwrap() == "parquet")
            .count()
            < 4,
        "files of the catalog are gone"
    );
    // Also where the mark was left behind, as by a version that did not move it.
    fs::write(path.join("_radlake/synced.json"), r#"{"epoch":0}"#).unwrap();
    let lake = Lake::open(path.to_str().unwrap()).await.unwrap();
    let epoch = lake.latest().await.unwrap();
    assert_eq!(ids(&lake, &epoch, "a").await, [1, 2, 4]);
    assert_eq!(ids(&lake, &epoch, "b").await, [2, 3]);
}

#[tokio::test]
async fn a_mark_that_lies_keeps_nobody_out() {
    for mark in ["", "{", r#"{"epoch":999}"#] {
        let folder = tempfile::tempdir().unwrap();
        let path = four_commits(folder.path()).await;
        fs::write(path.join("_radlake/synced.json"), mark).unwrap();
        check(&path, mark).await;
    }
}

#[tokio::test]
async fn what_stands_in_the_place_of_an_aborted_commit_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = four_commits(folder.path()).await;
    let lake = Lake::open(path.to_str().unwrap()).await.unwrap();
    // Epoch 5 is taken back: somebody else's commit comes between the decision and the table's log.
    let epoch = lake.latest().await.unwrap();
    let mut transaction = lake.begin(Arc::clone(&epoch));
    transaction
        .append(&table(&epoch, "a"), vec![rows([5])])
        .await
        .unwrap();
    let intent = transaction.seal().unwrap();
    let place = path.join(format!("s/a/_delta_log/{:020}.json", intent.tables[0].version));
    let foreign = r#"{"commitInfo":{"operation":"WRITE"}}"#;
    fs::write(&place, foreign).unwrap();
    let decision = path.join("_radlake/intents/00000000000000000005.json");
    fs::write(decision, serde_json::to_vec(&intent).unwrap()).unwrap();
    drop((lake, transaction));
    let lake = Lake::open(path.to_str().unwrap()).await.unwrap();
    assert_eq!(lake.latest().await.unwrap().number, 5);
    drop(lake);
    fs::remove_file(&place).unwrap();
    fs::write(path.join("_radlake/synced.json"), r#"{"epoch":4}"#).unwrap();
    let _lake = Lake::open(path.to_str().unwrap()).await.unwrap();
    assert!(!place.exists(), "ours was taken back and does not come again");
}
