//! Calls a function through SQL, as a session does: with coercion, planning and optimisation.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float64Type};
use datafusion::error::Result;
use datafusion::prelude::SessionContext;

/// Runs `sql` with every function registered and `t(v, …)` as the table of `columns` named a, b, ….
pub(crate) fn run(sql: &str, columns: Vec<ArrayRef>) -> Result<ArrayRef> {
    let mut context = SessionContext::new();
    crate::register_all(&mut context)?;
    let batch = if columns.is_empty() {
        None
    } else {
        let named = columns
            .into_iter()
            .zip('a'..)
            .map(|(c, name)| (name.to_string(), c));
        Some(RecordBatch::try_from_iter_with_nullable(
            named.map(|(n, c)| (n, c, true)),
        )?)
    };
    if let Some(batch) = batch {
        let _ = context.register_batch("t", batch)?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let batches = runtime.block_on(async { context.sql(sql).await?.collect().await })?;
    let batch = arrow::compute::concat_batches(&batches[0].schema(), &batches)?;
    Ok(Arc::clone(batch.column(0)))
}

/// The texts that `sql` answers.
pub(crate) fn texts(sql: &str, columns: Vec<ArrayRef>) -> Result<Vec<Option<String>>> {
    let answer = arrow::compute::cast(&run(sql, columns)?, &DataType::Utf8)?;
    Ok(answer
        .as_string::<i32>()
        .iter()
        .map(|v| v.map(str::to_owned))
        .collect())
}

/// The one text that `SELECT <expression>` answers.
pub(crate) fn text(expression: &str) -> Option<String> {
    texts(&format!("SELECT {expression}"), vec![]).unwrap().remove(0)
}

/// The one number that `SELECT <expression>` answers.
pub(crate) fn number(expression: &str) -> Option<f64> {
    let answer = run(&format!("SELECT {expression}"), vec![]).unwrap();
    answer.as_primitive::<Float64Type>().iter().next().unwrap()
}

/// The message of the error that `SELECT <expression>` ends in.
pub(crate) fn error(expression: &str) -> String {
    run(&format!("SELECT {expression}"), vec![])
        .unwrap_err()
        .to_string()
}
