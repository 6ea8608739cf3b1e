//! `CALL radlake.optimize('t')`, `CALL radlake.vacuum('t', dry_run => true)`, `CALL radlake.checkpoint('t')`,
//! `CALL radlake.forget(provider => 'p')`.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use radlake_catalogs::ingest::Selection;
use radlake_sql::session::Procedure;
use tokio_util::sync::CancellationToken;

use super::Vacuum;
use crate::session::{Inner, Response, ready};
use crate::{Error, Result};

/// The arguments of `radlake.forget`, `dry_run` aside.
const FORGET: &[&str] = &["provider", "patient", "issuer", "study", "series", "instance"];

/// What `radlake.forget` was asked to forget. NULL says nothing, but of an issuer that there is none.
fn selection(procedure: &Procedure) -> Result<Selection> {
    let mut selection = Selection::default();
    for (name, value) in &procedure.named {
        let place = match name.as_str() {
            "provider" => &mut selection.provider,
            "patient" => &mut selection.patient,
            "study" => &mut selection.study,
            "series" => &mut selection.series,
            "instance" => &mut selection.instance,
            _ => {
                selection.issuer = Some(value.clone());
                continue;
            }
        };
        if value.is_none() {
            // A client's variable that was not set must not forget more than was meant.
            return Err(Error::InvalidParameter(format!(
                "{name} of radlake.forget is NULL"
            )));
        }
        place.clone_from(value);
    }
    Ok(selection)
}

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
        "holdings" => &[
            ("table", DataType::Utf8),
            ("file", DataType::Utf8),
            ("rows", DataType::Int64),
            ("first_epoch", DataType::Int64),
            ("last_epoch", DataType::Int64),
        ],
        "forget" => &[
            ("dry_run", DataType::Boolean),
            ("instances", DataType::Int64),
            ("handed_over", DataType::Int64),
            ("series", DataType::Int64),
            ("series_remade", DataType::Int64),
            ("files", DataType::Int64),
            ("sources", DataType::Int64),
            ("epoch", DataType::Int64),
        ],
        other => {
            return Err(Error::UndefinedFunction {
                name: format!("procedure radlake.{other}"),
                hint: Some(
                    "There are radlake.optimize, radlake.vacuum, radlake.checkpoint, radlake.forget and radlake.holdings."
                        .to_owned(),
                ),
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
    let forget = matches!(procedure.name.as_str(), "forget" | "holdings");
    if forget && procedure.table.is_some() {
        return Err(Error::InvalidParameter(format!(
            "radlake.{} takes its arguments by name: {}",
            procedure.name,
            FORGET.join(", ")
        )));
    }
    let known: &[&str] = if forget { FORGET } else { &[] };
    if let Some((name, _)) = procedure
        .named
        .iter()
        .find(|(name, _)| !known.contains(&name.as_str()))
    {
        return Err(Error::InvalidParameter(format!(
            "radlake.{} has no argument {name}",
            procedure.name
        )));
    }
    if procedure.dry_run.is_some() && !matches!(procedure.name.as_str(), "vacuum" | "forget") {
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
            "holdings" => {
                let found = lakehouse.holdings(&identity, &selection(&procedure)?).await?;
                vec![
                    Arc::new(StringArray::from_iter_values(
                        found.iter().map(|held| &held.table),
                    )),
                    Arc::new(StringArray::from_iter_values(found.iter().map(|held| &held.file))),
                    int(found.iter().map(|held| held.rows).collect()),
                    int(found.iter().map(|held| held.first_epoch).collect()),
                    int(found.iter().map(|held| held.last_epoch).collect()),
                ]
            }
            "forget" => {
                let dry_run = procedure.dry_run.unwrap_or(false);
                let done = lakehouse
                    .forget(&identity, selection(&procedure)?, dry_run)
                    .await?;
                vec![
                    Arc::new(BooleanArray::from(vec![dry_run])),
                    int(vec![done.instances]),
                    int(vec![done.handed_over]),
                    int(vec![done.series]),
                    int(vec![done.series_remade]),
                    int(vec![done.files]),
                    int(vec![done.sources]),
                    Arc::new(Int64Array::from(vec![done.epoch.map(|epoch| epoch as i64)])),
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
