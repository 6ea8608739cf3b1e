//! Results on their way out: computed ahead in a task of their own, stopped when told to, with errors in our words.

use std::pin::Pin;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use datafusion::error::DataFusionError;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{Stream, StreamExt, TryStreamExt};
use tokio::sync::mpsc;

use super::{Inner, Response};
use crate::guard::{Aborting, Guard, panicked};
use crate::{Error, Result, RowStream};

/// Batches that are computed before the reader asks for them.
const AHEAD: usize = 1;

/// Wraps a plan's stream: `schema` is what the client sees, column by column.
pub(super) fn guarded(inner: Arc<Inner>, guard: Guard, schema: SchemaRef, mut stream: RowStream) -> Response {
    let (sender, receiver) = mpsc::channel(AHEAD);
    // Operators may compute for long without a pause. In a task of its own that delays neither a cancel nor a timeout.
    let task = guard.spawn(async move {
        while let Some(batch) = stream.next().await {
            let failed = batch.is_err();
            if sender.send(batch).await.is_err() || failed {
                return;
            }
        }
    });
    let rows = Rows {
        inner,
        guard,
        schema: Arc::clone(&schema),
        receiver,
        task: Some(task),
    };
    let stream = futures::stream::unfold(Some(rows), |rows| async {
        let mut rows = rows?;
        match rows.next().await {
            Ok(Some(batch)) => Some((Ok(batch), Some(rows))),
            Ok(None) => None,
            Err(error) => {
                rows.inner.failed();
                // Nothing follows an error; dropping the rows stops the task.
                Some((Err(DataFusionError::from(error)), None))
            }
        }
    });
    let stream: Pin<Box<dyn Stream<Item = _> + Send>> = Box::pin(stream);
    Response::Rows {
        schema: Arc::clone(&schema),
        stream: Box::pin(RecordBatchStreamAdapter::new(schema, stream)),
    }
}

struct Rows {
    inner: Arc<Inner>,
    guard: Guard,
    schema: SchemaRef,
    receiver: mpsc::Receiver<datafusion::error::Result<RecordBatch>>,
    task: Option<Aborting<()>>,
}

impl Rows {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        let received = tokio::select! {
            biased;
            stopped = self.guard.stopped() => return Err(stopped),
            received = self.receiver.recv() => received,
        };
        if let Some(batch) = received {
            return relabelled(&batch?, &self.schema).map(Some);
        }
        // The task is over: by itself, or because it panicked.
        match self.task.take() {
            Some(mut task) => match (&mut task.0).await {
                Ok(()) => Ok(None),
                Err(error) => Err(panicked(&error)),
            },
            None => Ok(None),
        }
    }
}

/// The same columns under the client's names.
pub(crate) fn relabelled(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let columns: Result<Vec<ArrayRef>> = batch
        .columns()
        .iter()
        .zip(schema.fields())
        .map(|(column, field)| match column.data_type() == field.data_type() {
            true => Ok(Arc::clone(column)),
            // Types agree up to names and nullability of nested fields.
            false => Ok(arrow::compute::cast(column, field.data_type()).map_err(DataFusionError::from)?),
        })
        .collect();
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns?, &options)
        .map_err(|error| Error::internal(format!("a result's columns are not as announced: {error}")))
}

/// A result that is there already.
pub(crate) fn ready(batch: RecordBatch) -> Response {
    let schema = batch.schema();
    let stream = futures::stream::iter([Ok(batch)]);
    Response::Rows {
        schema: Arc::clone(&schema),
        stream: Box::pin(RecordBatchStreamAdapter::new(schema, stream)),
    }
}

/// An answer with all its rows computed.
pub(super) async fn collected(response: Response) -> Result<Response> {
    let Response::Rows { schema, stream } = response else {
        return Ok(response);
    };
    let batches: Vec<RecordBatch> = stream.try_collect().await?;
    let stream = futures::stream::iter(batches.into_iter().map(Ok));
    Ok(Response::Rows {
        schema: Arc::clone(&schema),
        stream: Box::pin(RecordBatchStreamAdapter::new(schema, stream)),
    })
}

/// Computes what is left of an answer.
pub(super) async fn drain(response: Response) -> Result<()> {
    if let Response::Rows { mut stream, .. } = response {
        while stream.try_next().await?.is_some() {}
    }
    Ok(())
}
