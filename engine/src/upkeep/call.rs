//! `CALL radlake.optimize('t')`, `CALL radlake.vacuum('t', dry_run => true)`, `CALL radlake.checkpoint('t')`.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use radlake_sql::session::Procedure;
use tokio_util::sync::CancellationToken;

use super::Vacuum;
use crate::session::{Inner, Response, ready};
use crate::{Error, Result};

/// The columns of a procedure's answer.
pub(crate) fn columns(procedure: &Procedure) -> Result<SchemaRef> {
    let columns: &[(&str, DataType)] = match procedure.name.as_str() {
        "optimize" => &[
            ("table", DataType::Utf8),
            ("files_removed", DataType::Int64),
            ("files_added", DataType::Int64),
            ("bytes_removed", DataType::Int64),
            ("bytes_added", DataType::Int64),
        ],
        "vacuum" => &[
            ("dry_run", DataType::Boolean),
            ("oldest_epoch", DataType::Int64),
            ("files", DataType::Int64),
            ("bytes", DataType::Int64),
            ("log_files", DataType::Int64),
        ],
        "checkpoint" => &[("table", DataType::Utf8)],
        other => {
            return Err(Error::UndefinedFunction {
                name: format!("procedure radlake.{other}"),
                hint: Some("There are radlake.optimize, radlake.vacuum and radlake.checkpoint.".to_owned()),
                position: None,
            });
        }
    };
    let fields = columns
        .iter()
        .map(|(name, data_type)| Field::new(*name, data_type.clone(), true));
    Ok(Arc::new(Schema::new(fields.collect::<Vec<_>>())))
}

/// Runs a procedure. It commits on its own, so it cannot be part of a transaction.
pub(crate) async fn run(inner: &Arc<Inner>, procedure: Procedure) -> Result<Response> {
    let schema = columns(&procedure)?;
    if inner.in_transaction() {
        return Err(Error::ActiveTransaction("CALL"));
    }
    if procedure.dry_run.is_some() && procedure.name != "vacuum" {
        return Err(Error::InvalidParameter(format!(
            "radlake.{} has no argument dry_run",
            procedure.name
        )));
    }
    // Who acts, beside who logged in: SET ROLE gives up what it gives up.
    let epoch = inner.lake().latest().await?;
    if !inner.subject_at(&epoch)?.superuser {
        return Err(Error::InsufficientPrivilege(
            "permission denied for upkeep: only superusers may".to_owned(),
        ));
    }
    let lakehouse = inner.lakehouse().clone();
    let identity = inner.facts.identity.clone();
    let retention =
        std::time::Duration::from_millis(inner.facts.settings().milliseconds("radlake.retention"));
    let guard = inner.guard();
    let columns = guard.run(async move {
        let table = procedure.table.as_deref();
        // A cancelled statement drops this future: what was not committed is left to vacuum.
        let cancel = CancellationToken::new();
        let int = |values: Vec<u64>| -> ArrayRef {
            Arc::new(Int64Array::from_iter_values(
                values.into_iter().map(|value| value as i64),
            ))
        };
        let columns: Vec<ArrayRef> = match procedure.name.as_str() {
            "optimize" => {
                let done = lakehouse.optimize(&identity, table, &cancel, &|_, _| {}).await?;
                vec![
                    Arc::new(StringArray::from_iter_values(done.iter().map(|(name, _)| name))),
                    int(done.iter().map(|(_, report)| report.removed).collect()),
                    int(done.iter().map(|(_, report)| report.added).collect()),
                    int(done.iter().map(|(_, report)| report.bytes_removed).collect()),
                    int(done.iter().map(|(_, report)| report.bytes_added).collect()),
                ]
            }
            "vacuum" => {
                let how = Vacuum {
                    retention,
                    dry_run: procedure.dry_run.unwrap_or(false),
                    force: false,
                };
                let report = lakehouse.vacuum(&identity, table, how, &cancel).await?;
                vec![
                    Arc::new(BooleanArray::from(vec![how.dry_run])),
                    int(vec![report.horizon]),
                    int(vec![report.files]),
                    int(vec![report.bytes]),
                    int(vec![report.logs]),
                ]
            }
            _ => {
                let names = lakehouse.checkpoint(&identity, table).await?;
                vec![Arc::new(StringArray::from_iter_values(names))]
            }
        };
        Ok(columns)
    });
    let batch = RecordBatch::try_new(schema, columns.await?)
        .map_err(|error| Error::internal(format!("rows of CALL: {error}")))?;
    Ok(ready(batch))
}
