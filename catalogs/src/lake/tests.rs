//! Tests of the lake: two handles on one store stand for two processes.

mod check;
mod crash;
mod damage;
mod emptied;
mod foreign;
mod power;
mod probe;
mod races;
mod reads;
mod trust;
mod upkeep;

use std::sync::Arc;

use arrow::array::{Array, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use datafusion::prelude::SessionContext;
use object_store::ObjectStore;
use object_store::memory::InMemory;
use url::Url;

use super::{Lake, Storage};
use crate::epoch::Epoch;
use crate::object::{Object, SchemaObject, TableObject};
use crate::{Error, Result};

fn storage(store: Arc<dyn ObjectStore>) -> Storage {
    let url = Url::parse(&format!("memory:///{}", uuid::Uuid::new_v4())).unwrap();
    Storage::with_store(url, store).unwrap()
}

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("id", DataType::Int64, false),
        Field::new("note", DataType::Utf8, true),
    ]))
}

fn rows(ids: impl IntoIterator<Item = i64>) -> RecordBatch {
    let ids: Vec<i64> = ids.into_iter().collect();
    let notes: StringArray = ids.iter().map(|id| Some(format!("note {id}"))).collect();
    RecordBatch::try_new(schema(), vec![Arc::new(Int64Array::from(ids)), Arc::new(notes)]).unwrap()
}

fn seed() -> Vec<Object> {
    let mut seed: Vec<Object> = vec![
        SchemaObject {
            name: "s".into(),
            ..SchemaObject::default()
        }
        .into(),
    ];
    seed.extend(["a", "b"].map(|name| {
        TableObject::new("s", name, schema())
            .with_cluster_key(["id"])
            .into()
    }));
    seed
}

async fn memory() -> (Arc<InMemory>, Lake) {
    let store = Arc::new(InMemory::new());
    let lake = Lake::create_in(storage(Arc::clone(&store) as _), seed())
        .await
        .unwrap();
    (store, lake)
}

async fn handle(store: &Arc<InMemory>) -> Lake {
    Lake::open_in(storage(Arc::clone(store) as _)).await.unwrap()
}

fn table(epoch: &Epoch, name: &str) -> TableObject {
    epoch.table("s", name).unwrap().as_ref().clone()
}

async fn append(lake: &Lake, tables: &[&str], ids: Vec<i64>) -> Result<Arc<Epoch>> {
    lake.transact(|epoch| {
        let ids = ids.clone();
        async move {
            let mut transaction = lake.begin(Arc::clone(&epoch));
            transaction.statement("INSERT");
            for name in tables {
                transaction
                    .append(&table(&epoch, name), vec![rows(ids.clone())])
                    .await?;
            }
            Ok(transaction)
        }
    })
    .await
}

/// Ids of a table, sorted; refuses an epoch whose counters are wrong.
async fn ids(lake: &Lake, epoch: &Epoch, name: &str) -> Vec<i64> {
    let object = table(epoch, name);
    let provider = lake.table(&object).await.unwrap();
    assert_eq!(provider.rows(), Some(object.rows), "{name} at {}", epoch.number);
    assert_eq!(provider.files().len() as u64, object.files);
    let batches = SessionContext::new()
        .read_table(provider)
        .unwrap()
        .collect()
        .await
        .unwrap();
    let mut ids: Vec<i64> = batches
        .iter()
        .flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec())
        .collect();
    ids.sort_unstable();
    ids
}

/// Deletes one id by rewriting the files that hold it.
async fn delete(lake: &Lake, name: &str, id: i64) -> Result<Arc<Epoch>> {
    lake.transact(|epoch| async move {
        let object = table(&epoch, name);
        let provider = lake.table(&object).await?;
        let mut transaction = lake.begin(epoch);
        transaction.statement("DELETE");
        let context = SessionContext::new();
        for file in provider.files() {
            let plan = provider.scan_files(&context.state(), None, &[Arc::clone(file)], None)?;
            let batches = datafusion::physical_plan::collect(plan, context.task_ctx()).await?;
            let found: Vec<i64> = batches
                .iter()
                .flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec())
                .collect();
            if found.contains(&id) {
                let rest: Vec<i64> = found.into_iter().filter(|other| *other != id).collect();
                let batches = if rest.is_empty() { vec![] } else { vec![rows(rest)] };
                transaction
                    .replace_files(&object, &[file.path().to_owned()], batches)
                    .await?;
            }
        }
        Ok(transaction)
    })
    .await
}

#[tokio::test]
async fn objects_come_and_go() {
    let (store, lake) = memory().await;
    let first = lake.latest().await.unwrap();
    assert_eq!(
        (first.number, first.schemas().len(), first.relations("s").count()),
        (0, 1, 2)
    );
    let oid = first.table("s", "a").unwrap().oid;
    assert!(oid >= crate::FIRST_OID);
    let epoch = lake
        .transact(|epoch| {
            let lake = &lake;
            async move {
                let mut transaction = lake.begin(epoch);
                let made = transaction
                    .create_table(TableObject::new("s", "c", schema()))
                    .await?;
                transaction.append(&made, vec![rows(0..10)]).await?;
                transaction.put_object(crate::ViewObject::new("s", "v", "SELECT 1"))?;
                transaction.drop_object(oid)?;
                let again = transaction.put_object(SchemaObject {
                    name: "s".into(),
                    ..Default::default()
                });
                assert!(matches!(again, Err(Error::Exists { .. })), "{again:?}");
                let again = transaction
                    .create_table(TableObject::new("s", "v", schema()))
                    .await;
                assert!(matches!(again, Err(Error::Exists { .. })), "{again:?}");
                let nowhere = transaction.put_object(crate::ViewObject::new("x", "v", "SELECT 1"));
                assert!(matches!(nowhere, Err(Error::NotFound { .. })), "{nowhere:?}");
                Ok(transaction)
            }
        })
        .await
        .unwrap();
    assert!(epoch.table("s", "a").is_none() && epoch.view("s", "v").is_some());
    assert_eq!(ids(&lake, &epoch, "c").await, (0..10).collect::<Vec<_>>());
    // OIDs are never used twice, also after a restart; the folder of the dropped table is left alone.
    let highest = epoch.objects().map(|object| object.oid()).max().unwrap();
    let mut transaction = lake.begin(epoch);
    transaction.drop_object(highest).unwrap();
    lake.commit(transaction).await.unwrap();
    let other = handle(&store).await;
    let epoch = other
        .transact(|epoch| {
            let lake = &other;
            async move {
                let mut transaction = lake.begin(epoch);
                transaction
                    .create_table(TableObject::new("s", "a", schema()))
                    .await?;
                Ok(transaction)
            }
        })
        .await
        .unwrap();
    let again = table(&epoch, "a");
    assert!(
        again.oid > highest && again.location != first.table("s", "a").unwrap().location,
        "{again:?}"
    );
    // The old epoch is as it was.
    assert!(other.at(0).await.unwrap().table("s", "a").is_some());
    assert!(matches!(other.at(99).await, Err(Error::NoEpoch { epoch: 99 })));
    let history = lake.history(10).await.unwrap();
    assert_eq!(
        history.iter().map(|record| record.epoch).collect::<Vec<_>>(),
        [3, 2, 1, 0]
    );
    assert_eq!((history[2].tables.len(), history[2].tables[0].rows_in), (1, 10));
    assert_eq!(crate::system::epochs_to_batch(&history).unwrap().num_rows(), 4);
}

#[tokio::test]
async fn a_folder_is_made_and_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a lake");
    let path = path.to_str().unwrap();
    assert!(matches!(Lake::open(path).await, Err(Error::NoLake { .. })));
    let lake = Lake::create(path, seed()).await.unwrap();
    append(&lake, &["a", "b"], vec![3, 1, 2]).await.unwrap();
    assert!(matches!(
        Lake::create(path, seed()).await,
        Err(Error::LakeExists { .. })
    ));
    let again = Lake::open(path).await.unwrap();
    let epoch = again.latest().await.unwrap();
    assert_eq!((epoch.number, again.url()), (1, lake.url()));
    assert_eq!(ids(&again, &epoch, "b").await, [1, 2, 3]);
    assert!(
        folder
            .path()
            .join("a lake/s/a/_delta_log/00000000000000000001.json")
            .is_file()
    );
}

#[tokio::test]
async fn a_transaction_kept_too_long_conflicts() {
    let (_, lake) = memory().await;
    let epoch = lake.latest().await.unwrap();
    let mut blind = lake.begin(Arc::clone(&epoch));
    blind.append(&table(&epoch, "a"), vec![rows(0..2)]).await.unwrap();
    let mut reading = lake.begin(Arc::clone(&epoch));
    reading
        .append(&table(&epoch, "a"), vec![rows(5..6)])
        .await
        .unwrap();
    reading.serializable();
    append(&lake, &["a"], vec![2]).await.unwrap();
    let epoch = lake.commit(blind).await.unwrap();
    assert_eq!(ids(&lake, &epoch, "a").await, [0, 1, 2]);
    assert!(matches!(lake.commit(reading).await, Err(Error::Conflict { .. })));
    assert_eq!(lake.latest().await.unwrap().number, 2);
}

#[tokio::test]
async fn rows_must_fit() {
    let (_, lake) = memory().await;
    let epoch = lake.latest().await.unwrap();
    let mut transaction = lake.begin(Arc::clone(&epoch));
    let object = table(&epoch, "a");
    let field = |name: &str| Schema::new(vec![Field::new(name, DataType::Int64, true)]);
    let batch = |name: &str, value: Option<i64>| {
        RecordBatch::try_new(
            Arc::new(field(name)),
            vec![Arc::new(Int64Array::from(vec![value]))],
        )
        .unwrap()
    };
    let unknown = transaction.append(&object, vec![batch("idd", Some(1))]).await;
    assert!(unknown.unwrap_err().to_string().contains("no column \"idd\""));
    let null = transaction.append(&object, vec![batch("id", None)]).await;
    assert!(null.unwrap_err().to_string().contains("must not be NULL"));
    transaction
        .append(&object, vec![batch("id", Some(7))])
        .await
        .unwrap();
    let epoch = lake.commit(transaction).await.unwrap();
    assert_eq!(ids(&lake, &epoch, "a").await, [7]);
    let provider = lake.table(&table(&epoch, "a")).await.unwrap();
    let batches = SessionContext::new()
        .read_table(provider)
        .unwrap()
        .collect()
        .await
        .unwrap();
    assert!(batches[0].column(1).is_null(0));
}
