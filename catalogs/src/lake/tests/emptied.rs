//! A table that is emptied: rows that come meanwhile come before it, and go, or after it, and stay.

use super::*;

/// `full`: whether there is anything to take out.
async fn a_truncate_is_not_moved_over_rows_that_came(full: bool) {
    let (store, lake) = memory().await;
    let other = handle(&store).await;
    if full {
        append(&lake, &["a"], vec![0]).await.unwrap();
    }
    let begin = async |ids: Vec<i64>, empties: bool| {
        let epoch = lake.latest().await.unwrap();
        let mut transaction = lake.begin(Arc::clone(&epoch));
        if empties {
            transaction.truncate(&table(&epoch, "a")).await.unwrap();
        }
        let added = transaction.append(&table(&epoch, "a"), vec![rows(ids)]).await;
        added.unwrap();
        transaction
    };
    // One after the other, by two processes.
    let mut empties = begin(vec![1], true).await;
    append(&other, &["a"], vec![2]).await.unwrap();
    assert!(!empties.rebase(&lake.latest().await.unwrap()));
    // At once, as one epoch: its rows would stand before the truncate's, as if they had been there.
    let (adds, empties) = (begin(vec![3], false).await, begin(vec![4], true).await);
    assert!(!adds.accepts(&empties));
}

#[tokio::test]
async fn a_truncate_of_an_empty_table_is_not_moved_over_rows_that_came() {
    a_truncate_is_not_moved_over_rows_that_came(false).await;
}

#[tokio::test]
async fn a_truncate_of_a_full_table_is_not_moved_over_rows_that_came() {
    a_truncate_is_not_moved_over_rows_that_came(true).await;
}
