use arrow::array::{RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};

use super::*;
use crate::object::SchemaObject;
use crate::{Lake, TableObject};

async fn append(lake: &Lake, uids: &[&str]) {
    let column = Arc::new(StringArray::from(uids.to_vec()));
    lake.transact(|epoch| {
        let column = Arc::clone(&column);
        async move {
            let object = epoch.table("s", "t").unwrap().as_ref().clone();
            let batch = RecordBatch::try_new(Arc::clone(&object.arrow_schema), vec![column]).unwrap();
            let mut transaction = lake.begin(epoch);
            transaction.append(&object, vec![batch]).await?;
            Ok(transaction)
        }
    })
    .await
    .unwrap();
}

async fn table(lake: &Lake) -> Arc<LakeTable> {
    let epoch = lake.latest().await.unwrap();
    lake.table(epoch.table("s", "t").unwrap()).await.unwrap()
}

#[tokio::test]
async fn only_new_files_are_read() {
    let schema = Arc::new(Schema::new(vec![Field::new("uid", DataType::Utf8, false)]));
    let seed = vec![
        SchemaObject {
            name: "s".into(),
            ..SchemaObject::default()
        }
        .into(),
        TableObject::new("s", "t", schema)
            .with_cluster_key(["uid"])
            .into(),
    ];
    let lake = Lake::create(&format!("memory:///{}", uuid::Uuid::new_v4()), seed)
        .await
        .unwrap();
    let context = SessionContext::new();
    let mut seen = Seen::default();
    let mut reads = Vec::new();
    let mut refresh = async |seen: &mut Seen| {
        let table = table(&lake).await;
        reads.push(seen.refresh(&context, &table, "uid").await.unwrap());
    };
    refresh(&mut seen).await;
    assert!(!seen.may_have("1.1"));
    append(&lake, &["1.1", "1.3"]).await;
    append(&lake, &["1.2"]).await;
    refresh(&mut seen).await;
    refresh(&mut seen).await;
    append(&lake, &["1.0"]).await;
    refresh(&mut seen).await;
    // What was rewritten is read anew, once.
    let oid = table(&lake).await.object().oid;
    lake.optimize(oid).await.unwrap();
    refresh(&mut seen).await;
    refresh(&mut seen).await;
    assert!(["1.0", "1.1", "1.2", "1.3"].iter().all(|uid| seen.may_have(uid)));
    assert!(!seen.may_have("1.4"));
    assert_eq!((seen.hashes.len(), seen.files.len()), (4, 1));
    assert_eq!(reads, [0, 2, 0, 1, 1, 0].map(Some));
}
