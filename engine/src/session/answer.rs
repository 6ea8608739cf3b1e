//! The answer to a statement that writes.

use datafusion::physical_plan::stream::RecordBatchStreamAdapter;

use super::Response;
use crate::write::Outcome;

/// Its tag, or the rows of RETURNING.
pub(crate) fn answer(outcome: Outcome) -> Response {
    match outcome.returned {
        None => Response::Command { tag: outcome.tag },
        Some((schema, batches)) => {
            let batches = futures::stream::iter(batches.into_iter().map(Ok));
            Response::Rows {
                schema: schema.clone(),
                stream: Box::pin(RecordBatchStreamAdapter::new(schema, batches)),
            }
        }
    }
}
