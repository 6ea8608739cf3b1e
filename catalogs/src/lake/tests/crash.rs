//! A crash at every single write: what is left is all or nothing, and doing it again does it once.

use std::sync::atomic::Ordering;

use super::probe::Probe;
use super::*;

/// A transaction over two tables and the catalog, which takes files out of one of them.
async fn change(lake: &Lake) -> Result<Arc<Epoch>> {
    lake.transact(|epoch| async move {
        let (a, b) = (table(&epoch, "a"), table(&epoch, "b"));
        let mut transaction = lake.begin(epoch);
        transaction.app("job", 7).statement("MERGE");
        if transaction.is_published() {
            return Ok(transaction);
        }
        transaction.truncate(&a).await?;
        transaction.append(&a, vec![rows(10..13)]).await?;
        transaction.append(&b, vec![rows(10..13)]).await?;
        transaction.put_object(crate::ViewObject::new("s", "v", "SELECT 1"))?;
        Ok(transaction)
    })
    .await
}

async fn state(lake: &Lake) -> (Vec<i64>, Vec<i64>, bool) {
    let epoch = lake.latest().await.unwrap();
    (
        ids(lake, &epoch, "a").await,
        ids(lake, &epoch, "b").await,
        epoch.view("s", "v").is_some(),
    )
}

#[tokio::test]
async fn a_commit_is_all_or_nothing() {
    let before = (vec![1, 2], vec![2], false);
    let after = (vec![10, 11, 12], vec![2, 10, 11, 12], true);
    let mut outcomes = [0, 0];
    for answer_lost in [false, true] {
        for writes in 0.. {
            let (store, lake) = memory().await;
            append(&lake, &["a"], vec![1]).await.unwrap();
            append(&lake, &["a", "b"], vec![2]).await.unwrap();
            let mut probe = Probe::new(Arc::clone(&store) as _);
            probe.answer_lost = answer_lost;
            probe.left.store(writes, Ordering::SeqCst);
            let probe = Arc::new(probe);
            // Opening writes nothing.
            let doomed = Lake::open_in(storage(Arc::clone(&probe) as _)).await.unwrap();
            let done = change(&doomed).await;
            // A reader that was there all the time sees the one or the other, without waiting for anybody.
            let seen = state(&lake).await;
            assert!(seen == before || seen == after, "{writes}: {seen:?}");
            let lake = handle(&store).await;
            let left = state(&lake).await;
            assert!(left == before || left == after, "{writes}: {left:?}");
            assert!(done.is_err() || left == after, "an acknowledged commit is there");
            outcomes[usize::from(left == after)] += 1;
            let number = lake.latest().await.unwrap().number;
            change(&lake).await.unwrap();
            assert_eq!(state(&lake).await, after, "{writes}");
            assert_eq!(lake.latest().await.unwrap().number, 3);
            assert_eq!(number == 3, left == after);
            if done.is_ok() {
                assert!(writes > 5);
                break;
            }
        }
    }
    assert!(outcomes.iter().all(|count| *count > 3), "{outcomes:?}");
}

/// Opening alone finishes a commit that was decided: nobody has to write for it, and readers find it done.
#[tokio::test]
async fn opening_rolls_forward() {
    let mut rolled = Vec::new();
    for writes in 0.. {
        let (store, lake) = memory().await;
        append(&lake, &["a", "b"], vec![2]).await.unwrap();
        let probe = Probe::new(Arc::clone(&store) as _);
        probe.left.store(writes, Ordering::SeqCst);
        let doomed = Lake::open_in(storage(Arc::new(probe))).await.unwrap();
        if change(&doomed).await.is_ok() {
            break;
        }
        let exists = |path: String| {
            let lake = &lake;
            async move { lake.storage().exists(&path.into()).await.unwrap() }
        };
        let decided = exists(super::super::Intent::path(2).to_string()).await;
        let commit = |place: String| exists(format!("{place}/_delta_log/00000000000000000002.json"));
        let (a, b) = (commit("s/a".into()).await, commit("s/b".into()).await);
        let published = commit("_radlake/catalog".into()).await;
        assert!(
            decided || !(a || b || published),
            "{writes}: nothing before the decision"
        );

        let opened = handle(&store).await;
        let known = opened.known();
        assert_eq!(known.number, if decided { 2 } else { 1 }, "{writes}");
        assert_eq!(commit("_radlake/catalog".into()).await, decided, "{writes}");
        let expected = if decided {
            (vec![10, 11, 12], vec![2, 10, 11, 12], true)
        } else {
            (vec![2], vec![2], false)
        };
        assert_eq!(state(&opened).await, expected, "{writes}");
        if decided && !published {
            rolled.push((a, b));
        }
    }
    // With the decision alone, and between the tables' commits and the catalog's.
    assert!(
        rolled.contains(&(false, false)) && rolled.contains(&(true, true)),
        "{rolled:?}"
    );
}

#[tokio::test]
async fn another_writer_finishes_what_a_crash_left() {
    // The last write of a commit is the catalog's; without it the intent waits.
    let mut unfinished = 0;
    for writes in 0..8 {
        let (store, lake) = memory().await;
        append(&lake, &["a", "b"], vec![2]).await.unwrap();
        let probe = Probe::new(Arc::clone(&store) as _);
        probe.left.store(writes, Ordering::SeqCst);
        let doomed = Lake::open_in(storage(Arc::new(probe))).await.unwrap();
        assert!(change(&doomed).await.is_err() || writes == 7);
        let decided = lake
            .storage()
            .exists(&super::super::Intent::path(2))
            .await
            .unwrap();
        unfinished += usize::from(decided && lake.latest().await.unwrap().number == 1);
        append(&lake, &["a"], vec![99]).await.unwrap();
        let expected = if decided {
            vec![10, 11, 12, 99]
        } else {
            vec![2, 99]
        };
        assert_eq!(state(&lake).await.0, expected);
    }
    assert!(unfinished >= 3, "{unfinished}");
}

#[tokio::test]
async fn a_lake_is_made_whole_or_not_at_all() {
    for writes in 0.. {
        let store = Arc::new(InMemory::new());
        let probe = Probe::new(Arc::clone(&store) as _);
        probe.left.store(writes, Ordering::SeqCst);
        let made = Lake::create_in(storage(Arc::new(probe)), seed()).await;
        let found = Lake::open_in(storage(Arc::clone(&store) as _)).await;
        match &found {
            Ok(lake) => assert_eq!(lake.latest().await.unwrap().relations("s").count(), 2),
            Err(error) => assert!(matches!(error, Error::NoLake { .. }) && writes == 0, "{error}"),
        }
        if made.is_ok() {
            assert!(found.is_ok() && writes > 3);
            break;
        }
    }
}
