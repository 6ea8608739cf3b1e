//! What reading costs, and that scans are right.

#![expect(
    clippy::disallowed_methods,
    reason = "the scan alone is under test, without a session"
)]

use std::sync::atomic::Ordering;

use arrow::array::{
    ArrayRef, FixedSizeBinaryArray, IntervalMonthDayNanoArray, Time64MicrosecondArray, UInt32Array,
};
use arrow::datatypes::{IntervalMonthDayNano, IntervalUnit, TimeUnit};
use datafusion::physical_plan::displayable;

use super::probe::Probe;
use super::*;

#[tokio::test]
async fn a_warm_lake_is_asked_one_question() {
    let (store, writer) = memory().await;
    append(&writer, &["a", "b"], vec![1]).await.unwrap();
    let probe = Arc::new(Probe::new(Arc::clone(&store) as _));
    let lake = Lake::open_in(storage(Arc::clone(&probe) as _)).await.unwrap();
    let epoch = lake.latest().await.unwrap();
    lake.table(&table(&epoch, "a")).await.unwrap();
    let counts = || {
        (
            probe.heads.swap(0, Ordering::SeqCst),
            probe.others.swap(0, Ordering::SeqCst),
        )
    };
    counts();
    let epoch = lake.latest().await.unwrap();
    lake.table(&table(&epoch, "a")).await.unwrap();
    assert_eq!(counts(), (1, 0), "one HEAD, nothing else");
    // Another process commits: the epoch's commit and file, the table's one commit, no listing.
    append(&writer, &["a"], vec![2]).await.unwrap();
    let epoch = lake.latest().await.unwrap();
    assert_eq!(counts(), (2, 2));
    lake.table(&table(&epoch, "a")).await.unwrap();
    assert_eq!(counts(), (0, 1));
    // What it commits itself it does not read back.
    let epoch = append(&lake, &["a"], vec![3]).await.unwrap();
    counts();
    lake.table(&table(&epoch, "a")).await.unwrap();
    assert_eq!(counts(), (0, 0));
}

#[tokio::test]
async fn files_are_skipped_by_statistics_and_order_is_known() {
    let (_, lake) = memory().await;
    for from in [0, 100, 200] {
        append(&lake, &["a"], (from..from + 100).rev().collect())
            .await
            .unwrap();
    }
    let epoch = lake.latest().await.unwrap();
    let provider = lake.table(&table(&epoch, "a")).await.unwrap();
    let context = SessionContext::new();
    let kept = |sql: &str| {
        let schema = datafusion::common::DFSchema::try_from(schema()).unwrap();
        let expr = context.state().create_logical_expr(sql, &schema).unwrap();
        provider.prune(&context.state(), &[expr]).unwrap().len()
    };
    assert_eq!(kept("id = 150"), 1);
    assert_eq!(kept("id > 150"), 2);
    assert_eq!(kept("id IN (1, 250)"), 2);
    assert_eq!(kept("id < 0"), 0);
    assert_eq!(kept("note = 'note 42'"), 1);
    assert_eq!(kept("note IS NULL"), 0);
    assert_eq!(kept("id % 7 = 1"), 3);
    context.register_table("t", Arc::clone(&provider) as _).unwrap();
    let count = |sql: &'static str| async { context.sql(sql).await.unwrap().collect().await.unwrap() };
    let found = count("SELECT id FROM t WHERE note = 'note 242'").await;
    assert_eq!(found[0].column(0).as_primitive::<Int64Type>().values(), &[242]);
    let frame = context.sql("SELECT id FROM t ORDER BY id").await.unwrap();
    let plan = frame.clone().create_physical_plan().await.unwrap();
    let text = displayable(plan.as_ref()).indent(false).to_string();
    assert!(
        !text.contains("SortExec"),
        "files that do not overlap are in order:\n{text}"
    );
    let batches = frame.collect().await.unwrap();
    let ordered: Vec<i64> = batches
        .iter()
        .flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec())
        .collect();
    assert_eq!(ordered, (0..300).collect::<Vec<_>>());
    // Filters go into the scan.
    let plan = context
        .sql("SELECT id FROM t WHERE note = 'note 5'")
        .await
        .unwrap()
        .create_physical_plan()
        .await
        .unwrap();
    let text = displayable(plan.as_ref()).indent(false).to_string();
    assert!(!text.contains("FilterExec"), "{text}");
}

/// A cluster key with NULLs: they come first in each file and bounds do not tell of them, so that files whose bounds do not
/// overlap are not in order all the same.
#[tokio::test]
async fn nulls_in_the_key_stay_in_order() {
    let (_, lake) = memory().await;
    let notes = |notes: &[Option<&str>]| {
        let ids: Int64Array = (0..notes.len() as i64).collect();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(ids),
            Arc::new(notes.iter().copied().collect::<StringArray>()),
        ];
        RecordBatch::try_new(schema(), columns).unwrap()
    };
    let files = [
        notes(&[Some("b"), None, Some("a")]),
        notes(&[Some("d"), Some("c"), None, None]),
        notes(&[None]),
    ];
    lake.transact(|epoch| {
        let lake = &lake;
        async move {
            let mut transaction = lake.begin(epoch);
            let keyed = TableObject::new("s", "keyed", schema()).with_cluster_key(["note"]);
            transaction.create_table(keyed).await?;
            Ok(transaction)
        }
    })
    .await
    .unwrap();
    let mut expected: Vec<Option<&str>> = Vec::new();
    for file in &files {
        let mut epoch = lake
            .transact(|epoch| {
                let lake = &lake;
                async move {
                    let object = table(&epoch, "keyed");
                    let mut transaction = lake.begin(epoch);
                    transaction.append(&object, vec![file.clone()]).await?;
                    Ok(transaction)
                }
            })
            .await
            .unwrap();
        expected.extend(file.column(1).as_string::<i32>());
        // Of one file, of several, and of what they were merged into.
        if expected.len() == 8 {
            check_order(&lake, &epoch, &expected, false).await;
            epoch = lake.optimize(table(&epoch, "keyed").oid).await.unwrap();
            assert_eq!(table(&epoch, "keyed").files, 1);
        }
        let one_file = table(&epoch, "keyed").files == 1;
        check_order(&lake, &epoch, &expected, one_file).await;
    }
}

/// The notes in order, with as many partitions as may be; `declared`: from the order of the file itself.
async fn check_order(lake: &Lake, epoch: &Epoch, notes: &[Option<&str>], declared: bool) {
    let mut expected = notes.to_vec();
    expected.sort_unstable();
    for partitions in [1, 4] {
        let config = datafusion::prelude::SessionConfig::new().with_target_partitions(partitions);
        let context = SessionContext::new_with_config(config);
        let provider = lake.table(&table(epoch, "keyed")).await.unwrap();
        context.register_table("t", provider).unwrap();
        for (nulls, sorts) in [("FIRST", !declared), ("LAST", true)] {
            let sql = format!("SELECT note FROM t ORDER BY note NULLS {nulls}");
            let frame = context.sql(&sql).await.unwrap();
            let plan = frame.clone().create_physical_plan().await.unwrap();
            let text = displayable(plan.as_ref()).indent(false).to_string();
            assert_eq!(text.contains("SortExec"), sorts, "{sql}\n{text}");
            let batches = frame.collect().await.unwrap();
            let columns: Vec<_> = batches
                .iter()
                .map(|batch| batch.column(0).as_string::<i32>())
                .collect();
            let mut seen: Vec<Option<&str>> = columns.iter().flat_map(|column| column.iter()).collect();
            if nulls == "LAST" {
                let at = seen.iter().position(Option::is_none).unwrap_or(seen.len());
                seen.rotate_left(at);
            }
            assert_eq!(seen, expected, "{sql} in {partitions} partitions\n{text}");
        }
    }
}

#[tokio::test]
async fn types_that_delta_lacks_come_back() {
    let (store, lake) = memory().await;
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new(Int64Array::from(vec![Some(1), Some(2), None]))),
        (
            "at",
            Arc::new(Time64MicrosecondArray::from(vec![
                Some(43_200_000_000),
                Some(1),
                None,
            ])),
        ),
        (
            "n",
            Arc::new(UInt32Array::from(vec![Some(u32::MAX), Some(3), None])),
        ),
        (
            "uuid",
            Arc::new(
                FixedSizeBinaryArray::try_from_sparse_iter_with_size(
                    [Some([7u8; 16]), Some([9u8; 16]), None].into_iter(),
                    16,
                )
                .unwrap(),
            ),
        ),
        (
            "span",
            Arc::new(IntervalMonthDayNanoArray::from(vec![
                Some(IntervalMonthDayNano::new(14, -3, 5_000_000_000)),
                Some(IntervalMonthDayNano::new(0, 0, 1_000)),
                None,
            ])),
        ),
    ];
    let schema = Arc::new(Schema::new(
        columns
            .iter()
            .map(|(name, array)| Field::new(*name, array.data_type().clone(), true))
            .collect::<Vec<_>>(),
    ));
    assert_eq!(
        schema.field(1).data_type(),
        &DataType::Time64(TimeUnit::Microsecond)
    );
    assert_eq!(
        schema.field(4).data_type(),
        &DataType::Interval(IntervalUnit::MonthDayNano)
    );
    let batch = RecordBatch::try_new(
        Arc::clone(&schema),
        columns.into_iter().map(|(_, array)| array).collect(),
    )
    .unwrap();
    let epoch = lake
        .transact(|epoch| {
            let (lake, batch, schema) = (&lake, batch.clone(), Arc::clone(&schema));
            async move {
                let mut transaction = lake.begin(epoch);
                let made = transaction
                    .create_table(TableObject::new("s", "types", schema).with_cluster_key(["at"]))
                    .await?;
                transaction.append(&made, vec![batch]).await?;
                Ok(transaction)
            }
        })
        .await
        .unwrap();
    let cold = handle(&store).await;
    let object = cold
        .latest()
        .await
        .unwrap()
        .table("s", "types")
        .unwrap()
        .as_ref()
        .clone();
    assert_eq!(object.arrow_schema, schema);
    let context = SessionContext::new();
    context
        .register_table("t", cold.table(&object).await.unwrap())
        .unwrap();
    let rows = |sql: &'static str| {
        let context = context.clone();
        async move {
            let batches = context.sql(sql).await.unwrap().collect().await.unwrap();
            batches.iter().map(RecordBatch::num_rows).sum::<usize>()
        }
    };
    let all = context
        .sql("SELECT * FROM t ORDER BY id")
        .await
        .unwrap()
        .collect()
        .await
        .unwrap();
    assert_eq!(all[0], batch);
    assert_eq!(
        rows("SELECT id FROM t WHERE at = arrow_cast('12:00:00', 'Time64(µs)')").await,
        1
    );
    assert_eq!(
        rows("SELECT id FROM t WHERE at > arrow_cast('12:00:01', 'Time64(µs)')").await,
        0
    );
    assert_eq!(
        rows("SELECT id FROM t WHERE at < arrow_cast('12:00:00', 'Time64(µs)')").await,
        1
    );
    assert_eq!(rows("SELECT id FROM t WHERE n = 4294967295").await, 1);
    assert_eq!(rows("SELECT id FROM t WHERE n IS NULL").await, 1);
    assert_eq!(
        rows("SELECT id FROM t WHERE span = INTERVAL '1 year 2 months -3 days 5 seconds'").await,
        1
    );
    assert_eq!(rows("SELECT id FROM t WHERE uuid = arrow_cast(X'07070707070707070707070707070707', 'FixedSizeBinary(16)')").await, 1);
    drop(epoch);
}

/// A million instances in no order of their UIDs: one is found by Bloom filters and page indexes alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures time: for a release build on a quiet machine"]
async fn one_of_a_million_is_found_at_once() {
    const ROWS: i64 = 1_000_000;
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::create(folder.path().to_str().unwrap(), seed())
        .await
        .unwrap();
    let schema = Arc::new(Schema::new(vec![
        Field::new("study_instance_uid", DataType::Utf8, false),
        Field::new("sop_instance_uid", DataType::Utf8, false),
        Field::new("rows", DataType::Int64, true),
    ]));
    let uid = |of: i64| {
        format!(
            "1.2.826.0.1.3680043.8.498.{}",
            blake3::hash(&of.to_le_bytes()).to_hex().as_str().split_at(30).0
        )
    };
    let batches = (0..10).map(|part| {
        let ids: Vec<i64> = (part * ROWS / 10..(part + 1) * ROWS / 10).collect();
        let studies: StringArray = ids.iter().map(|id| Some(uid(-1 - id / 500))).collect();
        let instances: StringArray = ids.iter().map(|id| Some(uid(*id))).collect();
        RecordBatch::try_new(
            Arc::clone(&schema),
            vec![
                Arc::new(studies),
                Arc::new(instances),
                Arc::new(Int64Array::from(ids)),
            ],
        )
        .unwrap()
    });
    let batches: Vec<RecordBatch> = batches.collect();
    let epoch = lake
        .transact(|epoch| {
            let (lake, schema, batches) = (&lake, Arc::clone(&schema), batches.clone());
            async move {
                let mut transaction = lake.begin(epoch);
                let object = TableObject::new("s", "i", schema).with_cluster_key(["study_instance_uid"]);
                let object = transaction.create_table(object).await?;
                let stream = futures::stream::iter(batches.into_iter().map(Ok::<_, Error>));
                let staged = transaction.stage(&object, stream).await?;
                transaction.add_staged(&object, staged)?;
                Ok(transaction)
            }
        })
        .await
        .unwrap();
    let context = SessionContext::new();
    context
        .register_table("t", lake.table(&table(&epoch, "i")).await.unwrap())
        .unwrap();
    let mut times = Vec::new();
    for i in 0..20 {
        let id = i * 49_999;
        let started = std::time::Instant::now();
        let sql = format!("SELECT rows FROM t WHERE sop_instance_uid = '{}'", uid(id));
        let batches = context.sql(&sql).await.unwrap().collect().await.unwrap();
        times.push(started.elapsed());
        let found: Vec<i64> = batches
            .iter()
            .flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec())
            .collect();
        assert_eq!(found, [id]);
    }
    println!(
        "{} files; first {:?}, then {:?}",
        table(&epoch, "i").files,
        times[0],
        &times[1..]
    );
    times.sort();
    assert!(times[10].as_millis() < 10, "{times:?}");
}
