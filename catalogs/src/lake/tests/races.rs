//! Writers at once, from two handles that know nothing of each other.

use std::collections::BTreeSet;

use super::*;
use crate::object::{Grant, Membership, RoleObject};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_between_two_writers() {
    let (store, lake) = memory().await;
    let other = handle(&store).await;
    let write = |lake: Lake, from: i64| {
        tokio::spawn(async move {
            for i in 0..100 {
                // Every third goes to both tables.
                let tables: &[&str] = if i % 3 == 0 { &["a", "b"] } else { &["a"] };
                append(&lake, tables, vec![from + i]).await.unwrap();
            }
        })
    };
    let writers = [
        write(lake.clone(), 0),
        write(other.clone(), 1000),
        write(other.clone(), 2000),
    ];
    for writer in writers {
        writer.await.unwrap();
    }
    let epoch = lake.latest().await.unwrap();
    assert!(epoch.number <= 300, "those of one process may go together");
    let expected: Vec<i64> = [0, 1000, 2000]
        .iter()
        .flat_map(|from| *from..*from + 100)
        .collect();
    assert_eq!(ids(&lake, &epoch, "a").await, expected);
    assert_eq!(ids(&other, &epoch, "b").await.len(), 3 * 34);
    // From nothing: by way of the checkpoints that were written meanwhile.
    let cold = handle(&store).await;
    assert_eq!(ids(&cold, &cold.latest().await.unwrap(), "a").await, expected);
    let head = storage_exists(&store, "_radlake/catalog/_delta_log/_last_checkpoint").await;
    assert!(head, "the catalog has a checkpoint");
}

async fn storage_exists(store: &Arc<InMemory>, path: &str) -> bool {
    storage(Arc::clone(store) as _)
        .exists(&path.into())
        .await
        .unwrap()
}

/// Each transaction reads the greatest id and adds the next: a lost update would make an id twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_read_still_holds() {
    let (store, lake) = memory().await;
    append(&lake, &["a"], vec![0]).await.unwrap();
    let other = handle(&store).await;
    let write = |lake: Lake| {
        tokio::spawn(async move {
            for _ in 0..25 {
                let lake = &lake;
                lake.transact(|epoch| async move {
                    let object = table(&epoch, "a");
                    let top = ids(lake, &epoch, "a").await.pop().unwrap();
                    let mut transaction = lake.begin(epoch);
                    transaction.serializable();
                    transaction.append(&object, vec![rows([top + 1])]).await?;
                    Ok(transaction)
                })
                .await
                .unwrap();
            }
        })
    };
    let writers = [write(lake.clone()), write(other)];
    for writer in writers {
        writer.await.unwrap();
    }
    let epoch = lake.latest().await.unwrap();
    assert_eq!(ids(&lake, &epoch, "a").await, (0..=50).collect::<Vec<_>>());
}

/// delta-rs lets two compactions of the same files both win, and a DELETE lose to one: rows come twice, or back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn compactions_and_deletes_neither_duplicate_nor_revive() {
    let (store, lake) = memory().await;
    for from in 0..6 {
        append(&lake, &["a"], (from * 10..from * 10 + 10).collect())
            .await
            .unwrap();
    }
    let other = handle(&store).await;
    let oid = lake.latest().await.unwrap().table("s", "a").unwrap().oid;
    let compact = |lake: Lake| {
        tokio::spawn(async move {
            for _ in 0..12 {
                lake.optimize(oid).await.unwrap();
                tokio::task::yield_now().await;
            }
        })
    };
    let remove = |lake: Lake, step: i64| {
        tokio::spawn(async move {
            for i in 0..12 {
                delete(&lake, "a", i * 5 + step).await.unwrap();
            }
        })
    };
    let add = |lake: Lake, from: i64| {
        tokio::spawn(async move {
            for i in 0..12 {
                append(&lake, &["a"], vec![from + i]).await.unwrap();
            }
        })
    };
    let work = [
        compact(lake.clone()),
        compact(other.clone()),
        remove(lake.clone(), 0),
        remove(other.clone(), 1),
        add(lake.clone(), 1000),
        add(other.clone(), 2000),
    ];
    let watch = handle(&store).await;
    let stop = tokio_util::sync::CancellationToken::new();
    let watcher = tokio::spawn({
        let stop = stop.clone();
        async move {
            while !stop.is_cancelled() {
                let epoch = watch.latest().await.unwrap();
                let seen = ids(&watch, &epoch, "a").await;
                let distinct: BTreeSet<i64> = seen.iter().copied().collect();
                assert_eq!(
                    distinct.len(),
                    seen.len(),
                    "no row twice at epoch {}",
                    epoch.number
                );
                tokio::task::yield_now().await;
            }
        }
    });
    for task in work {
        task.await.unwrap();
    }
    stop.cancel();
    watcher.await.unwrap();
    let epoch = lake.optimize(oid).await.unwrap();
    let gone: BTreeSet<i64> = (0..12).flat_map(|i| [i * 5, i * 5 + 1]).collect();
    let mut expected: Vec<i64> = (0..60).filter(|id| !gone.contains(id)).collect();
    expected.extend((1000..1012).chain(2000..2012));
    assert_eq!(ids(&lake, &epoch, "a").await, expected);
    assert_eq!(epoch.table("s", "a").unwrap().files, 1);
    let compactions = lake.history(1000).await.unwrap();
    assert!(
        compactions
            .iter()
            .filter(|record| record.statement == "OPTIMIZE")
            .count()
            > 1
    );
}

#[tokio::test]
async fn two_handles_in_step() {
    let (store, lake) = memory().await;
    append(&lake, &["a"], vec![1]).await.unwrap();
    append(&lake, &["a"], vec![2]).await.unwrap();
    let other = handle(&store).await;
    let epoch = lake.latest().await.unwrap();
    let object = table(&epoch, "a");
    // Both rewrite the same files upon the same epoch: the second is refused, not merged.
    let rewrite = |lake: Lake, epoch: Arc<Epoch>, object: TableObject| async move {
        let files: Vec<String> = lake
            .table(&object)
            .await
            .unwrap()
            .files()
            .map(|file| file.path().to_owned())
            .collect();
        let mut transaction = lake.begin(epoch);
        transaction
            .replace_files(&object, &files, vec![rows([1, 2])])
            .await
            .unwrap();
        transaction
    };
    let first = rewrite(lake.clone(), Arc::clone(&epoch), object.clone()).await;
    let second = rewrite(other.clone(), other.latest().await.unwrap(), object).await;
    lake.commit(first).await.unwrap();
    assert!(matches!(other.commit(second).await, Err(Error::Conflict { .. })));
    let epoch = other.latest().await.unwrap();
    assert_eq!(ids(&other, &epoch, "a").await, [1, 2]);
}

/// A DELETE and a compaction that read the same files, committed in either order: the later one is refused, so that rows
/// neither come back nor come twice, and done again it holds.
#[tokio::test]
async fn a_delete_and_a_compaction_in_step() {
    for delete_first in [true, false] {
        let (store, lake) = memory().await;
        for from in [0, 10, 20] {
            append(&lake, &["a"], (from..from + 10).collect()).await.unwrap();
        }
        let other = handle(&store).await;
        let epoch = other.latest().await.unwrap();
        let object = table(&epoch, "a");
        let provider = other.table(&object).await.unwrap();
        let paths: Vec<String> = provider.files().map(|file| file.path().to_owned()).collect();
        assert_eq!(paths.len(), 3);
        // The rewrite of DELETE … WHERE id = 5, or of a compaction: decided on one epoch, committed on a later one.
        let mut late = other.begin(Arc::clone(&epoch));
        if delete_first {
            late.replace_files(&object, &paths, vec![rows(0..30)])
                .await
                .unwrap();
            delete(&lake, "a", 5).await.unwrap();
        } else {
            let first = rows((0..10).filter(|id| *id != 5));
            let file = provider
                .files()
                .find(|file| file.stats().columns["id"].min == Some(0.into()))
                .unwrap();
            late.replace_files(&object, &[file.path().to_owned()], vec![first])
                .await
                .unwrap();
            lake.optimize(object.oid).await.unwrap();
        }
        assert!(matches!(other.commit(late).await, Err(Error::Conflict { .. })));
        if delete_first {
            other.optimize(object.oid).await.unwrap();
        } else {
            delete(&other, "a", 5).await.unwrap();
        }
        let epoch = lake.latest().await.unwrap();
        assert_eq!(epoch.table("s", "a").unwrap().files, 1);
        let expected: Vec<i64> = (0..30).filter(|id| *id != 5).collect();
        assert_eq!(ids(&lake, &epoch, "a").await, expected);
    }
}

/// The same on a disk, where names are given by links.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_handles_on_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let lake = Lake::create(path, seed()).await.unwrap();
    let other = Lake::open(path).await.unwrap();
    let oid = lake.latest().await.unwrap().table("s", "a").unwrap().oid;
    let write = |lake: Lake, from: i64| {
        tokio::spawn(async move {
            for i in 0..15 {
                append(&lake, &["a", "b"], vec![from + i]).await.unwrap();
                if i % 5 == 4 {
                    lake.optimize(oid).await.unwrap();
                }
            }
        })
    };
    let writers = [write(lake.clone(), 0), write(other, 100)];
    for writer in writers {
        writer.await.unwrap();
    }
    let cold = Lake::open(path).await.unwrap();
    let epoch = cold.latest().await.unwrap();
    let expected: Vec<i64> = (0..15).chain(100..115).collect();
    assert_eq!(ids(&cold, &epoch, "a").await, expected);
    assert_eq!(ids(&cold, &epoch, "b").await, expected);
}

/// What two writers of one table may not do, writers of two tables may.
#[tokio::test]
async fn only_what_touches_conflicts() {
    let (store, lake) = memory().await;
    append(&lake, &["a", "b"], vec![1]).await.unwrap();
    let other = handle(&store).await;
    let emptied = |lake: &Lake, epoch: &Arc<Epoch>, name: &'static str| {
        let (mut transaction, table) = (lake.begin(Arc::clone(epoch)), table(epoch, name));
        async move {
            transaction.truncate(&table).await.unwrap();
            transaction
        }
    };
    let epoch = lake.latest().await.unwrap();
    other.latest().await.unwrap();
    let (a, b, again) = (
        emptied(&lake, &epoch, "a").await,
        emptied(&other, &epoch, "b").await,
        emptied(&other, &epoch, "a").await,
    );
    lake.commit(a).await.unwrap();
    other.commit(b).await.unwrap();
    assert!(matches!(other.commit(again).await, Err(Error::Conflict { .. })));
    let epoch = lake.latest().await.unwrap();
    assert!(ids(&lake, &epoch, "a").await.is_empty() && ids(&lake, &epoch, "b").await.is_empty());
}

/// Two make tables at once: both are there, under different OIDs, and with their own rows; of one name only one is.
#[tokio::test]
async fn tables_made_at_once_have_their_own_numbers() {
    let (store, lake) = memory().await;
    let other = handle(&store).await;
    let epoch = lake.latest().await.unwrap();
    let made = |lake: &Lake, name: &'static str, id: i64| {
        let mut transaction = lake.begin(Arc::clone(&epoch));
        let schema = table(&epoch, "a").schema;
        async move {
            let new = TableObject::new(schema, name, super::schema());
            let new = transaction.create_table(new).await.unwrap();
            transaction.append(&new, vec![rows([id])]).await.unwrap();
            transaction
        }
    };
    let (x, y, again) = (
        made(&lake, "x", 1).await,
        made(&other, "y", 2).await,
        made(&other, "x", 3).await,
    );
    lake.commit(x).await.unwrap();
    let epoch = other.commit(y).await.unwrap();
    assert_ne!(table(&epoch, "x").oid, table(&epoch, "y").oid);
    assert_eq!(ids(&lake, &epoch, "x").await, [1]);
    assert_eq!(ids(&lake, &epoch, "y").await, [2]);
    assert!(matches!(other.commit(again).await, Err(Error::Conflict { .. })));
}

/// A role that is made while another is: its rights and memberships go where it goes, not to who has its number now.
#[tokio::test]
async fn rights_of_a_new_role_follow_it() {
    let (store, lake) = memory().await;
    let other = handle(&store).await;
    let epoch = lake.latest().await.unwrap();
    other.latest().await.unwrap();
    let role = |name: &str| RoleObject {
        name: name.to_owned(),
        ..RoleObject::default()
    };
    let mut first = lake.begin(Arc::clone(&epoch));
    first.put_object(role("guest")).unwrap();

    let mut second = other.begin(Arc::clone(&epoch));
    let auditor = second.put_object(role("auditor")).unwrap();
    let mut member = role("member");
    member.memberships.push(Membership {
        role: auditor,
        grantor: auditor,
        admin: true,
        admin_only: false,
    });
    second.put_object(member).unwrap();
    let mut changed = table(&epoch, "a");
    changed.grants.push(Grant {
        grantee: auditor,
        grantor: auditor,
        privilege: "SELECT".to_owned(),
        column: None,
        grantable: false,
    });
    second.put_object(changed).unwrap();
    let new = TableObject::new("s", "new", schema()).with_owner(auditor);
    second.create_table(new).await.unwrap();

    lake.commit(first).await.unwrap();
    let epoch = other.commit(second).await.unwrap();
    let auditor = epoch.role("auditor").unwrap().oid;
    assert_ne!(auditor, epoch.role("guest").unwrap().oid);
    let membership = &epoch.role("member").unwrap().memberships[0];
    assert_eq!((membership.role, membership.grantor), (auditor, auditor));
    let grant = &table(&epoch, "a").grants[0];
    assert_eq!((grant.grantee, grant.grantor), (auditor, auditor));
    assert_eq!(table(&epoch, "new").owner, auditor);
}

/// Whoever is given something must be there when it is: one of the two, who gives and who drops, is lost.
#[tokio::test]
async fn a_role_that_is_dropped_is_given_nothing() {
    for drops_first in [true, false] {
        let (store, lake) = memory().await;
        let other = handle(&store).await;
        let mut transaction = lake.begin(lake.latest().await.unwrap());
        let guest = transaction
            .put_object(RoleObject {
                name: "guest".to_owned(),
                ..RoleObject::default()
            })
            .unwrap();
        let epoch = lake.commit(transaction).await.unwrap();
        other.latest().await.unwrap();
        let mut drops = lake.begin(Arc::clone(&epoch));
        drops.drop_object(guest).unwrap();
        let mut gives = other.begin(Arc::clone(&epoch));
        let mut changed = table(&epoch, "a");
        changed.grants.push(Grant {
            grantee: guest,
            grantor: 0,
            privilege: "SELECT".to_owned(),
            column: None,
            grantable: false,
        });
        gives.put_object(changed).unwrap();
        let second = if drops_first {
            lake.commit(drops).await.unwrap();
            other.commit(gives).await
        } else {
            other.commit(gives).await.unwrap();
            lake.commit(drops).await
        };
        assert!(
            matches!(second, Err(Error::Conflict { .. })),
            "{drops_first}: {second:?}"
        );
    }
}

/// Waits until so many transactions wait for their commit.
async fn until_waiting(lake: &Lake, wanted: usize) {
    while lake.inner.waiting.lock().unwrap().len() < wanted {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_at_the_same_time_is_one_epoch() {
    let (store, lake) = memory().await;
    let held = Arc::clone(&lake.inner.commit).lock_owned().await;
    let writers: Vec<_> = (0..10)
        .map(|id| {
            let lake = lake.clone();
            let tables: &[&str] = if id % 2 == 0 { &["a", "b"] } else { &["a"] };
            tokio::spawn(async move { append(&lake, tables, vec![id]).await.unwrap().number })
        })
        .collect();
    until_waiting(&lake, 10).await;
    drop(held);
    for writer in writers {
        assert_eq!(writer.await.unwrap(), 1);
    }
    let cold = handle(&store).await;
    let epoch = cold.latest().await.unwrap();
    assert_eq!(ids(&cold, &epoch, "a").await, (0..10).collect::<Vec<_>>());
    assert_eq!(ids(&cold, &epoch, "b").await, [0, 2, 4, 6, 8]);
    assert_eq!(epoch.table("s", "a").unwrap().rows, 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_leaves_the_queue_is_not_committed() {
    let (_, lake) = memory().await;
    let held = Arc::clone(&lake.inner.commit).lock_owned().await;
    let stays = tokio::spawn({
        let lake = lake.clone();
        async move { append(&lake, &["a"], vec![1]).await.unwrap() }
    });
    until_waiting(&lake, 1).await;
    let leaves = tokio::spawn({
        let lake = lake.clone();
        async move { append(&lake, &["a"], vec![2]).await }
    });
    until_waiting(&lake, 2).await;
    leaves.abort();
    assert!(leaves.await.unwrap_err().is_cancelled());
    // One that was given up is not committed either, though somebody still waits for its answer.
    let commitment = crate::Commitment::default();
    let given_up = tokio::spawn({
        let (lake, commitment) = (lake.clone(), commitment.clone());
        async move {
            let epoch = lake.latest().await.unwrap();
            let mut transaction = lake.begin(Arc::clone(&epoch));
            transaction
                .append(&table(&epoch, "a"), vec![rows([3])])
                .await
                .unwrap();
            transaction.commitment(commitment);
            lake.commit(transaction).await
        }
    });
    until_waiting(&lake, 3).await;
    assert!(commitment.give_up());
    drop(held);
    let epoch = stays.await.unwrap();
    assert!(given_up.await.unwrap().is_err());
    assert_eq!(ids(&lake, &lake.latest().await.unwrap(), "a").await, [1]);
    assert_eq!(epoch.number, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_read_what_another_writes_does_not_go_along() {
    let (_, lake) = memory().await;
    append(&lake, &["a"], vec![0]).await.unwrap();
    let held = Arc::clone(&lake.inner.commit).lock_owned().await;
    // Each adds the number of rows that it sees.
    let writers: Vec<_> = (0..5)
        .map(|_| {
            let lake = lake.clone();
            tokio::spawn(async move {
                let lake = &lake;
                lake.transact(|epoch| async move {
                    let seen = ids(lake, &epoch, "a").await.len() as i64;
                    let mut transaction = lake.begin(Arc::clone(&epoch));
                    let table = table(&epoch, "a");
                    transaction.append(&table, vec![rows([seen])]).await?;
                    transaction.reads(table.oid);
                    Ok(transaction)
                })
                .await
                .unwrap();
            })
        })
        .collect();
    until_waiting(&lake, 5).await;
    drop(held);
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(
        ids(&lake, &lake.latest().await.unwrap(), "a").await,
        [0, 1, 2, 3, 4, 5]
    );
}
