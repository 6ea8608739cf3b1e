//! What a writer may not trust: that it was awake, that its files are there, the storage, the clocks, the space on the disk.

use std::time::Duration;

use chrono::TimeDelta;
use object_store::ObjectStoreExt;
use object_store::path::Path;
use tokio_util::sync::CancellationToken;

use super::probe::Probe;
use super::*;
use crate::delta::log::commit_path;
use crate::lake::CATALOG;
use crate::lake::intent::Intent;
use crate::{VacuumOptions, VacuumReport};

/// As another process that thinks that all files are old.
async fn vacuum(lake: &Lake) -> VacuumReport {
    let options = VacuumOptions {
        table: None,
        retention: Duration::ZERO,
        log_retention: Duration::ZERO,
        dry_run: false,
    };
    tokio::time::sleep(Duration::from_millis(5)).await;
    lake.vacuum(&options, &CancellationToken::new()).await.unwrap()
}

/// A storage elsewhere: the scheme makes the difference.
fn bucket(store: Arc<dyn ObjectStore>) -> Storage {
    let url = Url::parse(&format!("s3://bucket/{}", uuid::Uuid::new_v4())).unwrap();
    Storage::with_store(url, store).unwrap()
}

/// The lake after a long time: the commits and intents that follow upon `from` are gone, for ten epochs.
async fn long_passed(store: &Arc<InMemory>, lake: &Lake, from: u64) {
    for id in 0..20 {
        append(lake, &["a"], vec![id]).await.unwrap();
    }
    let newest = lake.latest().await.unwrap().number;
    lake.checkpoint(None).await.unwrap();
    lake.set_horizon(newest - 5).await.unwrap();
    for number in from + 1..=from + 10 {
        let commit = commit_path(CATALOG, i64::try_from(number).unwrap());
        store.delete(&commit).await.unwrap();
        store.delete(&Intent::path(number)).await.unwrap();
    }
}

#[tokio::test]
async fn a_handle_that_slept_lists_anew() {
    let (store, lake) = memory().await;
    let sleeper = handle(&store).await;
    long_passed(&store, &lake, sleeper.known().number).await;
    sleeper.inner.awake.sleep();
    let newest = lake.latest().await.unwrap().number;
    assert_eq!(sleeper.latest().await.unwrap().number, newest);
    let epoch = append(&sleeper, &["b"], vec![7]).await.unwrap();
    assert_eq!(epoch.number, newest + 1);
    assert_eq!(ids(&lake, &lake.latest().await.unwrap(), "b").await, [7]);
}

#[tokio::test]
async fn a_handle_that_sleeps_while_it_builds_forks_nothing() {
    let (store, lake) = memory().await;
    let sleeper = handle(&store).await;
    let began = sleeper.known().number;
    let mut built = 0;
    let epoch = sleeper
        .transact(|epoch| {
            built += 1;
            let (first, sleeper, lake, store) = (built == 1, sleeper.clone(), lake.clone(), store.clone());
            async move {
                let mut transaction = sleeper.begin(Arc::clone(&epoch));
                transaction.append(&table(&epoch, "b"), vec![rows([7])]).await?;
                if first {
                    long_passed(&store, &lake, began).await;
                    sleeper.inner.awake.sleep();
                }
                Ok(transaction)
            }
        })
        .await
        .unwrap();
    assert_eq!(epoch.number, began + 21);
    let newest = lake.latest().await.unwrap();
    assert_eq!(newest.number, epoch.number);
    assert_eq!(ids(&lake, &newest, "b").await, [7]);
    assert_eq!(ids(&lake, &newest, "a").await.len(), 20);
}

#[tokio::test]
async fn files_that_a_vacuum_takes_are_not_committed() {
    let (store, lake) = memory().await;
    let other = handle(&store).await;
    let epoch = lake.latest().await.unwrap();
    let mut transaction = lake.begin(Arc::clone(&epoch));
    transaction
        .append(&table(&epoch, "a"), vec![rows([1])])
        .await
        .unwrap();
    assert_eq!(vacuum(&other).await.files, 1);
    // Nor after others wrote.
    append(&other, &["b"], vec![2]).await.unwrap();
    let late = lake.commit(transaction).await;
    assert!(matches!(late, Err(Error::Conflict { .. })), "{late:?}");
    let newest = lake.latest().await.unwrap();
    assert_eq!(ids(&lake, &newest, "a").await, [0; 0]);

    // What it did not take goes on.
    let mut transaction = lake.begin(Arc::clone(&newest));
    transaction
        .append(&table(&newest, "a"), vec![rows([3])])
        .await
        .unwrap();
    let options = VacuumOptions {
        table: None,
        retention: Duration::from_secs(3600),
        log_retention: Duration::ZERO,
        dry_run: false,
    };
    other.vacuum(&options, &CancellationToken::new()).await.unwrap();
    let done = lake.commit(transaction).await.unwrap();
    assert_eq!(ids(&other, &done, "a").await, [3]);
}

#[tokio::test]
async fn files_that_are_committed_before_the_list_is_published_stay() {
    let (store, lake) = memory().await;
    let epoch = lake.latest().await.unwrap();
    let mut transaction = lake.begin(Arc::clone(&epoch));
    transaction
        .append(&table(&epoch, "a"), vec![rows([1])])
        .await
        .unwrap();
    let transaction = Arc::new(std::sync::Mutex::new(Some(transaction)));
    let mut probe = Probe::new(Arc::clone(&store) as _);
    let committing = lake.clone();
    probe.before_write = Some(Box::new(move |path| {
        let (lake, transaction) = (committing.clone(), Arc::clone(&transaction));
        Box::pin(async move {
            if path.as_ref().contains("/vacuums/") {
                let transaction = transaction.lock().unwrap().take();
                lake.commit(transaction.unwrap()).await.unwrap();
            }
        })
    }));
    let other = Lake::open_in(storage(Arc::new(probe))).await.unwrap();
    assert_eq!(vacuum(&other).await.files, 0);
    let newest = other.latest().await.unwrap();
    assert_eq!(newest.number, epoch.number + 2, "the rows, and the list");
    assert_eq!(ids(&other, &newest, "a").await, [1]);
}

#[tokio::test]
async fn a_storage_that_writes_over_files_is_refused() {
    let store = Arc::new(InMemory::new());
    let mut probe = Probe::new(Arc::clone(&store) as _);
    probe.writes_over = true;
    let probe = Arc::new(probe);
    let refused = Lake::create_in(bucket(Arc::clone(&probe) as _), seed()).await;
    assert!(
        refused
            .as_ref()
            .is_err_and(|error| error.to_string().contains("If-None-Match")),
        "{refused:?}"
    );
    // One that is moved there is not opened.
    Lake::create_in(bucket(Arc::clone(&store) as _), seed())
        .await
        .unwrap();
    Lake::open_in(bucket(Arc::clone(&store) as _)).await.unwrap();
    let refused = Lake::open_in(bucket(probe)).await;
    assert!(refused.is_err(), "{refused:?}");
}

#[tokio::test]
async fn a_clock_that_is_ahead_decides_nothing_and_removes_nothing() {
    let store = Arc::new(InMemory::new());
    let lake = Lake::create_in(bucket(Arc::clone(&store) as _), seed())
        .await
        .unwrap();
    let epoch = append(&lake, &["a"], vec![1]).await.unwrap();
    let ahead = async |minutes| {
        let mut probe = Probe::new(Arc::clone(&store) as _);
        probe.behind = TimeDelta::minutes(minutes);
        Lake::open_in(bucket(Arc::new(probe))).await.unwrap()
    };
    let wrong = ahead(6).await;
    let refused = append(&wrong, &["a"], vec![2]).await;
    assert!(
        refused
            .as_ref()
            .is_err_and(|error| error.to_string().contains("ahead of the storage's")),
        "{refused:?}"
    );
    assert_eq!(lake.latest().await.unwrap().number, epoch.number);
    // By its own clock all of this would be older than the retention.
    let mut transaction = lake.begin(Arc::clone(&epoch));
    transaction
        .append(&table(&epoch, "a"), vec![rows([5])])
        .await
        .unwrap();
    let options = VacuumOptions {
        table: None,
        retention: Duration::from_secs(300),
        log_retention: Duration::ZERO,
        dry_run: false,
    };
    let done = wrong.vacuum(&options, &CancellationToken::new()).await.unwrap();
    assert_eq!((done.files, done.horizon), (0, 0));
    append(&ahead(4).await, &["a"], vec![3]).await.unwrap();
    let done = lake.commit(transaction).await.unwrap();
    assert_eq!(ids(&lake, &done, "a").await, [1, 3, 5]);
}

#[tokio::test]
async fn vacuum_begins_on_a_disk_that_is_full() {
    let folder = tempfile::tempdir().unwrap();
    let url = folder.path().join("lake");
    let lake = Lake::create(url.to_str().unwrap(), seed()).await.unwrap();
    for id in 0..3 {
        append(&lake, &["a"], vec![id]).await.unwrap();
    }
    let epoch = lake.latest().await.unwrap();
    lake.optimize(table(&epoch, "a").oid).await.unwrap();
    let mut probe = Probe::new(lake.store());
    probe.full_beside = Some(Path::from("_radlake/reserve"));
    let probe: Arc<dyn ObjectStore> = Arc::new(probe);
    let full = Storage::with_store(lake.url().clone(), Arc::clone(&probe)).unwrap();
    let full = Lake::open_in(full).await.unwrap();
    let refused = append(&full, &["a"], vec![9]).await;
    assert!(refused.is_err(), "{refused:?}");
    assert_eq!(vacuum(&full).await.files, 3);
    let newest = full.latest().await.unwrap();
    assert_eq!(
        ids(&lake, &lake.at(newest.number).await.unwrap(), "a").await,
        [0, 1, 2]
    );
    let reserve = Path::from("_radlake/reserve");
    assert!(
        probe.head(&reserve).await.is_ok(),
        "it is put aside again for the next time"
    );
}
