//! A lake in memory, for tests: three tables, epochs, and other writers that come in between when a test says so.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::compute::{
    SortColumn, concat_batches, filter_record_batch, lexsort_to_indices, take_record_batch,
};
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::datasource::MemTable;

use super::files_schema;
use super::target::{Changes, Plan, SeriesKey, Target, View};
use crate::Result;
use crate::dicom::instances_schema;
use crate::dicom::series::series_schema;

type Hook = Box<dyn FnOnce() -> futures::future::BoxFuture<'static, ()> + Send>;

#[derive(Default)]
struct State {
    epoch: u64,
    instances: Vec<RecordBatch>,
    series: Vec<RecordBatch>,
    files: Vec<RecordBatch>,
    apps: HashSet<(String, i64)>,
}

#[derive(Default)]
pub(crate) struct Memory {
    state: Mutex<State>,
    /// Runs once, after the next plan is made and before it is published.
    pub(crate) between: Mutex<Option<Hook>>,
    /// Epochs after which commits fail, as a writer that is killed.
    pub(crate) dies_after: Mutex<Option<u64>>,
}

impl Memory {
    /// The three tables, sorted by their keys, without `ingested_epoch`: what must be equal however it came about.
    pub(crate) fn content(&self) -> [RecordBatch; 3] {
        let state = self.state.lock().unwrap();
        [
            sorted(&state.instances, instances_schema(), &["sop_instance_uid"]),
            sorted(
                &state.series,
                series_schema(),
                &["study_instance_uid", "series_instance_uid", "provider"],
            ),
            sorted(
                &state.files,
                files_schema(),
                &["uri", "provider", "modified_at", "status"],
            ),
        ]
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.state.lock().unwrap().epoch
    }
}

pub(crate) fn sorted(batches: &[RecordBatch], schema: SchemaRef, keys: &[&str]) -> RecordBatch {
    let all = concat_batches(&schema, batches).unwrap();
    let columns: Vec<SortColumn> = keys
        .iter()
        .map(|key| SortColumn {
            values: Arc::clone(all.column_by_name(key).unwrap()),
            options: None,
        })
        .collect();
    let sorted = take_record_batch(&all, &lexsort_to_indices(&columns, None).unwrap()).unwrap();
    let kept: Vec<usize> = (0..schema.fields().len())
        .filter(|i| schema.field(*i).name() != "ingested_epoch")
        .collect();
    sorted.project(&kept).unwrap()
}

fn table(schema: SchemaRef, batches: &[RecordBatch]) -> Arc<MemTable> {
    Arc::new(MemTable::try_new(schema, vec![batches.to_vec()]).unwrap())
}

fn without(batch: &RecordBatch, keys: &std::collections::BTreeSet<SeriesKey>) -> RecordBatch {
    let text = |name: &str| -> ArrayRef { Arc::clone(batch.column_by_name(name).unwrap()) };
    let (study, series, provider) = (
        text("study_instance_uid"),
        text("series_instance_uid"),
        text("provider"),
    );
    let value = |column: &ArrayRef, row: usize| column.as_string::<i32>().value(row).to_owned();
    let keep: BooleanArray = (0..batch.num_rows())
        .map(|row| Some(!keys.contains(&(value(&study, row), value(&series, row), value(&provider, row)))))
        .collect();
    filter_record_batch(batch, &keep).unwrap()
}

#[async_trait]
impl Target for Memory {
    async fn view(&self) -> Result<View> {
        let state = self.state.lock().unwrap();
        Ok(View {
            epoch: state.epoch,
            instances: table(instances_schema(), &state.instances),
            series: table(series_schema(), &state.series),
            files: table(files_schema(), &state.files),
        })
    }

    async fn commit(&self, app: (&str, i64), plan: &dyn Plan) -> Result<Option<u64>> {
        loop {
            let view = self.view().await?;
            if self
                .dies_after
                .lock()
                .unwrap()
                .is_some_and(|last| view.epoch >= last)
            {
                return Err(crate::Error::internal("killed"));
            }
            let Some(changes) = plan.changes(&view).await? else {
                return Ok(None);
            };
            let hook = self.between.lock().unwrap().take();
            if let Some(hook) = hook {
                hook().await;
            }
            let mut state = self.state.lock().unwrap();
            if state.epoch != view.epoch {
                continue;
            }
            assert!(state.apps.insert((app.0.to_owned(), app.1)));
            let Changes {
                instances,
                files,
                series,
                replaced_series,
            } = changes;
            state.instances.extend(instances);
            state.files.push(files);
            state.series = state
                .series
                .iter()
                .map(|batch| without(batch, &replaced_series))
                .collect();
            state.series.push(series);
            state.epoch += 1;
            return Ok(Some(state.epoch));
        }
    }
}
