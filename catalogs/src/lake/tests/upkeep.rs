//! Vacuum, compaction beside other writers, checkpoints, time travel and going back.

use std::time::Duration;

use futures::TryStreamExt;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::epoch::Relation;
use crate::object::{Grant, RoleObject, ViewObject};
use crate::{Transaction, VacuumOptions, VacuumReport};

async fn vacuum(lake: &Lake, dry_run: bool) -> VacuumReport {
    let options = VacuumOptions {
        table: None,
        retention: Duration::ZERO,
        log_retention: Duration::ZERO,
        dry_run,
    };
    // Files of this very moment are not older than now.
    tokio::time::sleep(Duration::from_millis(5)).await;
    lake.vacuum(&options, &CancellationToken::new()).await.unwrap()
}

async fn names(store: &Arc<InMemory>) -> Vec<String> {
    let listed: Vec<_> = store.list(None).try_collect().await.unwrap();
    listed.into_iter().map(|file| file.location.to_string()).collect()
}

async fn data_files(store: &Arc<InMemory>) -> usize {
    names(store)
        .await
        .iter()
        .filter(|name| name.contains("/part-"))
        .count()
}

#[tokio::test]
async fn vacuum_takes_what_no_kept_epoch_needs() {
    let (store, lake) = memory().await;
    for id in 0..3 {
        append(&lake, &["a"], vec![id]).await.unwrap();
    }
    let before = lake.latest().await.unwrap();
    let epoch = lake.optimize(table(&before, "a").oid).await.unwrap();
    assert_eq!(data_files(&store).await, 4);

    let pin = lake.pin(&before);
    assert_eq!(vacuum(&lake, false).await.files, 0, "a pinned epoch");
    assert_eq!(ids(&lake, &before, "a").await, [0, 1, 2]);
    drop(pin);

    let dry = vacuum(&lake, true).await;
    assert_eq!(
        (dry.files, data_files(&store).await),
        (3, 4),
        "a dry run removes nothing"
    );
    let done = vacuum(&lake, false).await;
    assert_eq!((done.files, done.horizon), (3, epoch.number));
    assert_eq!(data_files(&store).await, 1);
    assert_eq!(vacuum(&lake, false).await.files, 0, "nothing is left to do");

    for lake in [&lake, &handle(&store).await] {
        assert_eq!(ids(lake, &lake.latest().await.unwrap(), "a").await, [0, 1, 2]);
        let gone = lake.at(before.number).await;
        assert!(matches!(gone, Err(Error::ExpiredEpoch { .. })), "{gone:?}");
    }
}

#[tokio::test]
async fn vacuum_within_retention_takes_nothing() {
    let (store, lake) = memory().await;
    let before = append(&lake, &["a"], vec![1]).await.unwrap();
    append(&lake, &["a"], vec![2]).await.unwrap();
    lake.optimize(table(&before, "a").oid).await.unwrap();
    let options = VacuumOptions {
        table: None,
        retention: Duration::from_secs(3600),
        log_retention: Duration::ZERO,
        dry_run: false,
    };
    let done = lake.vacuum(&options, &CancellationToken::new()).await.unwrap();
    assert_eq!((done.files, done.logs, data_files(&store).await), (0, 0, 3));
    assert_eq!(ids(&lake, &lake.at(before.number).await.unwrap(), "a").await, [1]);
}

#[tokio::test]
async fn what_was_rolled_back_goes_and_what_is_open_stays() {
    let (store, lake) = memory().await;
    let epoch = append(&lake, &["a"], vec![1]).await.unwrap();
    let logs = names(&store).await;
    let mut open = lake.begin(Arc::clone(&epoch));
    open.append(&table(&epoch, "a"), vec![rows([2])]).await.unwrap();
    let new = open
        .create_table(TableObject::new("s", "new", schema()))
        .await
        .unwrap();
    open.append(&new, vec![rows([3])]).await.unwrap();
    assert_eq!(vacuum(&lake, false).await.files, 0, "its transaction is open");
    assert_eq!(data_files(&store).await, 3);
    drop(open);
    assert_eq!(vacuum(&lake, false).await.files, 2);
    let left = names(&store).await;
    let left: Vec<_> = left
        .into_iter()
        .filter(|name| !name.contains("horizon") && !name.contains("vacuums/"))
        .filter(|name| !name.contains(&format!("{:020}", epoch.number + 1)))
        .collect();
    assert_eq!(left, logs, "no file and no trace in any log");
}

#[tokio::test]
async fn a_dropped_tables_rows_go_and_its_name_is_free() {
    let (store, lake) = memory().await;
    let epoch = append(&lake, &["a"], vec![1]).await.unwrap();
    let old = table(&epoch, "a");
    let drop_table = async {
        let mut transaction = lake.begin(lake.latest().await.unwrap());
        transaction.drop_object(old.oid).unwrap();
        lake.commit(transaction).await.unwrap()
    };
    drop_table.await;
    assert_eq!(vacuum(&lake, false).await.files, 1);
    let mut transaction = lake.begin(lake.latest().await.unwrap());
    let new = transaction
        .create_table(TableObject::new("s", "a", schema()))
        .await
        .unwrap();
    transaction.append(&new, vec![rows([7])]).await.unwrap();
    assert_ne!(new.location, old.location);
    let epoch = lake.commit(transaction).await.unwrap();
    assert_eq!(ids(&lake, &epoch, "a").await, [7]);
    assert_eq!(ids(&handle(&store).await, &epoch, "a").await, [7]);
}

/// A compaction as `optimize` makes it, up to its commit.
async fn compaction(lake: &Lake) -> Transaction {
    let epoch = lake.latest().await.unwrap();
    let object = table(&epoch, "a");
    let all = ids(lake, &epoch, "a").await;
    let paths: Vec<String> = {
        let provider = lake.table(&object).await.unwrap();
        provider.files().map(|file| file.path().to_owned()).collect()
    };
    let mut transaction = lake.begin(epoch);
    transaction
        .replace_files(&object, &paths, vec![rows(all)])
        .await
        .unwrap();
    transaction.rearranges(object.oid);
    transaction
}

#[tokio::test]
async fn a_compaction_goes_with_appends_but_not_with_what_takes_its_files() {
    let (store, lake) = memory().await;
    let other = handle(&store).await;
    for id in 0..3 {
        append(&lake, &["a"], vec![id]).await.unwrap();
    }
    let merged = compaction(&lake).await;
    append(&other, &["a"], vec![3]).await.unwrap();
    append(&other, &["a"], vec![4]).await.unwrap();
    let epoch = lake.commit(merged).await.unwrap();
    assert_eq!(ids(&lake, &epoch, "a").await, [0, 1, 2, 3, 4]);

    // Two compactions of the same files: one is first.
    let (one, two) = (compaction(&lake).await, compaction(&other).await);
    lake.commit(one).await.unwrap();
    assert!(matches!(other.commit(two).await, Err(Error::Conflict { .. })));

    // And one that a DELETE was faster than.
    append(&lake, &["a"], vec![5]).await.unwrap();
    let merged = compaction(&lake).await;
    let epoch = other.latest().await.unwrap();
    let mut delete = other.begin(epoch);
    let object = table(delete.epoch(), "a");
    delete.truncate(&object).await.unwrap();
    other.commit(delete).await.unwrap();
    assert!(matches!(lake.commit(merged).await, Err(Error::Conflict { .. })));
    let epoch = lake.latest().await.unwrap();
    assert_eq!(ids(&lake, &epoch, "a").await, Vec::<i64>::new());
}

#[tokio::test]
async fn logs_end_where_a_checkpoint_begins() {
    let (store, lake) = memory().await;
    for id in 0..20 {
        append(&lake, &["a"], vec![id]).await.unwrap();
    }
    let oid = table(&lake.known(), "a").oid;
    lake.checkpoint(Some(oid)).await.unwrap();
    lake.checkpoint(None).await.unwrap();
    append(&lake, &["a"], vec![20]).await.unwrap();
    assert!(vacuum(&lake, false).await.logs > 30);
    let left = names(&store).await;
    let commits = left
        .iter()
        .filter(|name| name.starts_with("s/a/_delta_log/0") && name.ends_with(".json"));
    assert_eq!(commits.count(), 2, "{left:?}");
    let fresh = handle(&store).await;
    for lake in [&lake, &fresh] {
        let epoch = append(lake, &["a"], vec![30]).await.unwrap();
        assert_eq!(
            lake.history(1000).await.unwrap().first().unwrap().epoch,
            epoch.number
        );
    }
    let epoch = fresh.latest().await.unwrap();
    assert_eq!(ids(&fresh, &epoch, "a").await.len(), 23);
}

#[tokio::test]
async fn a_time_means_the_epoch_that_was_the_newest() {
    let (_, lake) = memory().await;
    let mut epochs = vec![lake.latest().await.unwrap()];
    for id in 0..9 {
        tokio::time::sleep(Duration::from_millis(2)).await;
        epochs.push(append(&lake, &["a"], vec![id]).await.unwrap());
    }
    let tick = chrono::TimeDelta::microseconds(1);
    for pair in epochs.windows(2) {
        assert_eq!(
            lake.at_time(pair[0].committed_at).await.unwrap().number,
            pair[0].number
        );
        let before = pair[1].committed_at - tick;
        assert_eq!(lake.at_time(before).await.unwrap().number, pair[0].number);
    }
    let last = epochs.last().unwrap();
    assert_eq!(
        lake.at_time(last.committed_at + tick).await.unwrap().number,
        last.number
    );
    let early = lake.at_time(epochs[0].committed_at - tick).await;
    assert!(matches!(early, Err(Error::NoEpochAt { .. })), "{early:?}");
}

/// Who may do what does not go back: neither what was revoked since nor an owner who is gone.
#[tokio::test]
async fn rights_do_not_go_back() {
    let (_, lake) = memory().await;
    let mut transaction = lake.begin(lake.latest().await.unwrap());
    let role = |name: &str| RoleObject {
        name: name.to_owned(),
        ..RoleObject::default()
    };
    let [owner, gone, reader] =
        ["owner", "gone", "r"].map(|name| transaction.put_object(role(name)).unwrap());
    let grant = |privilege: &str, column: Option<&str>| Grant {
        grantee: reader,
        grantor: owner,
        privilege: privilege.to_owned(),
        column: column.map(str::to_owned),
        grantable: false,
    };
    let granted = vec![grant("SELECT", None)];
    let mut a = table(transaction.epoch(), "a").with_owner(gone);
    a.grants.clone_from(&granted);
    transaction.put_object(a.clone()).unwrap();
    let mut b = table(transaction.epoch(), "b").with_owner(gone);
    b.grants.clone_from(&granted);
    let b = transaction.put_object(b).unwrap();
    let mut v = ViewObject::new("s", "v", "SELECT 1");
    (v.owner, v.grants) = (gone, granted);
    let v = transaction.put_object(v).unwrap();
    let then = lake.commit(transaction).await.unwrap();

    let mut transaction = lake.begin(Arc::clone(&then));
    let mut a = table(&then, "a").with_owner(owner);
    let mut columns: Vec<Field> = a
        .arrow_schema
        .fields()
        .iter()
        .map(|f| f.as_ref().clone())
        .collect();
    columns.push(Field::new("more", DataType::Int64, true));
    a.arrow_schema = Arc::new(Schema::new(columns));
    a.grants = vec![
        grant("SELECT", Some("id")),
        grant("SELECT", Some("more")),
        grant("INSERT", None),
    ];
    transaction.put_object(a).unwrap();
    for oid in [b, v, gone] {
        transaction.drop_object(oid).unwrap();
    }
    lake.commit(transaction).await.unwrap();

    let back = lake.restore(then.number, None, "r").await.unwrap();
    let a = table(&back, "a");
    assert_eq!(a.owner, owner);
    assert_eq!(a.grants, [grant("SELECT", Some("id")), grant("INSERT", None)]);
    assert_eq!(a.arrow_schema.fields().len(), 2);
    let b = table(&back, "b");
    assert_eq!((b.owner, b.grants.len()), (reader, 0), "who restores owns it");
    match back.get_relation("s", "v") {
        Some(Relation::View(v)) => assert_eq!((v.owner, v.grants.len()), (reader, 0)),
        other => panic!("{other:?}"),
    }
    let same = lake.restore(back.number, None, "r").await.unwrap();
    assert_eq!(same.number, back.number);
}

#[tokio::test]
async fn an_earlier_epoch_comes_back_as_a_new_one() {
    let (store, lake) = memory().await;
    let good = append(&lake, &["a", "b"], vec![1, 2]).await.unwrap();
    append(&lake, &["a"], vec![3]).await.unwrap();
    lake.optimize(table(&good, "a").oid).await.unwrap();
    let mut transaction = lake.begin(lake.latest().await.unwrap());
    transaction.drop_object(table(&good, "b").oid).unwrap();
    let new = transaction
        .create_table(TableObject::new("s", "c", schema()))
        .await
        .unwrap();
    transaction.append(&new, vec![rows([9])]).await.unwrap();
    let bad = lake.commit(transaction).await.unwrap();

    let one = lake.restore(good.number, Some(("s", "b")), "r").await.unwrap();
    assert_eq!(ids(&lake, &one, "b").await, [1, 2]);
    assert_eq!(ids(&lake, &one, "a").await, [1, 2, 3], "only that table");

    let back = lake.restore(good.number, None, "r").await.unwrap();
    assert_eq!(back.number, one.number + 1);
    for name in ["a", "b"] {
        assert_eq!(ids(&lake, &back, name).await, [1, 2], "{name}");
        assert_eq!(ids(&handle(&store).await, &back, name).await, [1, 2], "{name}");
    }
    assert!(back.table("s", "c").is_none());
    let again = lake.restore(bad.number, None, "r").await.unwrap();
    assert_eq!(ids(&lake, &again, "a").await, [1, 2, 3]);
    assert_eq!(ids(&lake, &again, "c").await, [9]);
    assert!(again.table("s", "b").is_none());
    let same = lake.restore(again.number, None, "r").await.unwrap();
    assert_eq!(same.number, again.number, "nothing differs");
    assert!(matches!(
        lake.restore(99, None, "r").await,
        Err(Error::NoEpoch { .. })
    ));
}
