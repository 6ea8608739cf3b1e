//! A lake in memory, for tests: its tables, epochs, and other writers that come in between when a test says so.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use arrow::array::RecordBatch;
use arrow::compute::{
    SortColumn, concat_batches, filter_record_batch, lexsort_to_indices, take_record_batch,
};
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::datasource::MemTable;

use super::target::{Change, Plan, Target, View};
use super::{files_schema, sources_schema};
use crate::Result;
use crate::dicom::instances_schema;
use crate::dicom::series::series_schema;
use crate::segments::{measurements_schema, segments_schema};

type Hook = Box<dyn FnOnce() -> futures::future::BoxFuture<'static, ()> + Send>;

#[derive(Default)]
struct State {
    epoch: u64,
    instances: Vec<RecordBatch>,
    series: Vec<RecordBatch>,
    files: Vec<RecordBatch>,
    sources: Vec<RecordBatch>,
    segments: Vec<RecordBatch>,
    measurements: Vec<RecordBatch>,
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
    /// The tables, sorted by their keys, without `ingested_epoch`: what must be equal however it came about.
    pub(crate) fn content(&self) -> [RecordBatch; 6] {
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
            sorted(
                &state.sources,
                sources_schema(),
                &["sop_instance_uid", "provider", "uri"],
            ),
            sorted(
                &state.segments,
                segments_schema(),
                &["sop_instance_uid", "segment_number"],
            ),
            sorted(
                &state.measurements,
                measurements_schema(),
                &["sop_instance_uid", "measurement_group", "measurement_number"],
            ),
        ]
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.state.lock().unwrap().epoch
    }
}

pub(crate) fn sorted(batches: &[RecordBatch], schema: SchemaRef, keys: &[&str]) -> RecordBatch {
    let all = concat_batches(&schema, batches).unwrap();
    let sorted = by_keys(&all, keys);
    let kept: Vec<usize> = (0..schema.fields().len())
        .filter(|i| schema.field(*i).name() != "ingested_epoch")
        .collect();
    sorted.project(&kept).unwrap()
}

pub(crate) fn by_keys(all: &RecordBatch, keys: &[&str]) -> RecordBatch {
    let columns: Vec<SortColumn> = keys
        .iter()
        .map(|key| SortColumn {
            values: Arc::clone(all.column_by_name(key).unwrap()),
            options: None,
        })
        .collect();
    take_record_batch(all, &lexsort_to_indices(&columns, None).unwrap()).unwrap()
}

fn table(schema: SchemaRef, batches: &[RecordBatch]) -> Arc<MemTable> {
    Arc::new(MemTable::try_new(schema, vec![batches.to_vec()]).unwrap())
}

fn carry_out(table: &mut Vec<RecordBatch>, change: Change, schema: &SchemaRef) {
    for batch in table.iter_mut() {
        *batch = filter_record_batch(batch, &change.gone.staying(batch).unwrap()).unwrap();
    }
    for batch in change.new {
        let columns = schema.fields().iter().map(|field| {
            let column = batch.column_by_name(field.name()).unwrap();
            arrow::compute::cast(column, field.data_type()).unwrap()
        });
        let columns = columns.collect();
        table.push(RecordBatch::try_new(Arc::clone(schema), columns).unwrap());
    }
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
            sources: table(sources_schema(), &state.sources),
            segments: table(segments_schema(), &state.segments),
            measurements: table(measurements_schema(), &state.measurements),
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
            let state = &mut *state;
            carry_out(&mut state.instances, changes.instances, &instances_schema());
            carry_out(&mut state.series, changes.series, &series_schema());
            carry_out(&mut state.files, changes.files, &files_schema());
            carry_out(&mut state.sources, changes.sources, &sources_schema());
            carry_out(&mut state.segments, changes.segments, &segments_schema());
            carry_out(
                &mut state.measurements,
                changes.measurements,
                &measurements_schema(),
            );
            state.epoch += 1;
            return Ok(Some(state.epoch));
        }
    }
}
