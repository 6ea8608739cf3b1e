//! Recording: a script's answers as PostgreSQL gives them.

use std::path::Path;

use sqllogictest::{
    DefaultColumnType, ExpectedError, QueryExpect, Record, RecordOutput, StatementExpect, default_normalizer,
    default_validator, update_record_with_output,
};
use tokio_postgres::Config;

use crate::slt::{Dialect, Refusal, runner};

/// Runs one script against PostgreSQL at `config` and writes into it what PostgreSQL answered. Answers that hold already
/// keep their spelling; refusals become `statement error (SQLSTATE)`, as messages may differ.
///
/// # Errors
/// If the script cannot be read or written.
pub async fn record_file(path: &Path, config: &Config) -> Result<(), String> {
    let records = sqllogictest::parse_file::<DefaultColumnType>(path).map_err(|e| e.to_string())?;
    let mut runner = runner(config, Dialect::Postgres);
    let mut text = String::new();
    for record in records {
        let output = runner.apply_record(record.clone()).await;
        let record = match refusal(&output) {
            Some(refusal) => refused(record, refusal),
            // The types tell how a script shows a column, which is its author's choice; their number is not.
            None => update_record_with_output(
                &record,
                &output,
                " ",
                default_validator,
                default_normalizer,
                |found, written| found.len() == written.len(),
            )
            .unwrap_or_else(|| answered(record, &output)),
        };
        text.push_str(&format!("{record}\n"));
    }
    runner.shutdown_async().await;
    let text = text.trim_end().to_owned() + "\n";
    std::fs::write(path, text).map_err(|e| e.to_string())
}

fn refusal(output: &RecordOutput<DefaultColumnType>) -> Option<&Refusal> {
    match output {
        RecordOutput::Query { error, .. } | RecordOutput::Statement { error, .. } => {
            error.as_ref()?.downcast_ref::<Refusal>()
        }
        _ => None,
    }
}

/// What sqllogictest leaves as it is: a statement with rows that was expected to be refused.
fn answered(
    mut record: Record<DefaultColumnType>,
    output: &RecordOutput<DefaultColumnType>,
) -> Record<DefaultColumnType> {
    if let (Record::Statement { expected, .. }, RecordOutput::Query { error: None, .. }) =
        (&mut record, output)
        && matches!(expected, StatementExpect::Error(_))
    {
        *expected = StatementExpect::Ok;
    }
    record
}

/// The record with the refusal as what is expected, unless that is expected already.
fn refused(mut record: Record<DefaultColumnType>, refusal: &Refusal) -> Record<DefaultColumnType> {
    let code = refusal.code.as_deref();
    let holds = |expected: &ExpectedError| expected.is_match(&refusal.to_string(), code);
    let found = || match code {
        Some(code) => ExpectedError::SqlState(code.to_owned()),
        None => ExpectedError::from_actual_error(None, &refusal.to_string()),
    };
    match &mut record {
        Record::Statement { expected, .. } if !matches!(&*expected, StatementExpect::Error(error) if holds(error)) =>
        {
            *expected = StatementExpect::Error(found());
        }
        Record::Query { expected, .. } if !matches!(&*expected, QueryExpect::Error(error) if holds(error)) => {
            *expected = QueryExpect::Error(found());
        }
        _ => {}
    }
    record
}
