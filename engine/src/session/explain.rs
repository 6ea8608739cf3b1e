//! EXPLAIN, with PostgreSQL's one column of text.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::ScalarValue;
use datafusion::physical_plan::display::DisplayableExecutionPlan;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use futures::TryStreamExt;
use radlake_sql::Statement;
use radlake_sql::ast;
use radlake_sql::query::explain_options;

use super::{Inner, Response, rows};
use crate::guard::Guard;
use crate::planner::Planner;
use crate::policy::Shaping;
use crate::{Error, Result};

/// The columns of its result.
pub(super) fn schema(statement: &Statement) -> SchemaRef {
    let column = Field::new("QUERY PLAN", DataType::Utf8, true);
    let json = explain_options(statement.ast()).is_ok_and(|options| options.json);
    let metadata = match json {
        true => HashMap::from([("pg_type".to_owned(), "json".to_owned())]),
        false => HashMap::new(),
    };
    Arc::new(Schema::new(vec![column.with_metadata(metadata)]))
}

/// The statement that is to be explained, if this is an EXPLAIN.
pub(super) fn body(statement: &Statement) -> Result<Option<Statement>> {
    let ast::Statement::Explain { statement: body, .. } = statement.ast() else {
        return Ok(None);
    };
    explain_options(statement.ast()).map_err(|option| Error::Unsupported {
        what: format!("EXPLAIN option {option} is not supported"),
        hint: Some(
            "ANALYZE and VERBOSE are, in FORMAT TEXT or JSON; POLICIES too, in FORMAT TEXT without ANALYZE."
                .to_owned(),
        ),
    })?;
    Ok(Some(statement.within(ast::Statement::clone(body))))
}

pub(super) async fn run(
    inner: &Arc<Inner>,
    guard: Guard,
    statement: &Statement,
    body: &Statement,
    values: Vec<ScalarValue>,
) -> Result<Response> {
    let options = explain_options(statement.ast()).unwrap_or_default();
    let types: Vec<_> = values.iter().map(|value| Some(value.data_type())).collect();
    let prepared = if values.is_empty() {
        None
    } else {
        Some(Box::pin(inner.prepare(body, &types)).await?)
    };
    let (this, body) = (Arc::clone(inner), body.clone());
    let superuser = inner.subject_at(&inner.lake().known())?.superuser;
    let text = guard.run(async move {
        let begun = Instant::now();
        let (key, planner) = this.planner().await?;
        if options.policies {
            return shaping(&planner, &body, &types).await;
        }
        let plan = this
            .logical(&planner, &key, &body, prepared.as_ref(), values)
            .await?;
        let (physical, optimised, _) = planner.physical(&plan).await?;
        let planned = begun.elapsed();
        let mut text = String::new();
        if options.json && !options.analyze {
            return document(serde_json::json!({ "Plan": described(physical.as_ref(), false) }));
        }
        if options.verbose && !options.json {
            text.push_str(&format!(
                "Logical plan\n{}\nPhysical plan\n",
                optimised.display_indent()
            ));
        }
        if !options.analyze {
            text.push_str(
                &DisplayableExecutionPlan::new(physical.as_ref())
                    .indent(options.verbose)
                    .to_string(),
            );
            return Ok(text);
        }
        let begun = Instant::now();
        let mut stream = execute_stream(Arc::clone(&physical), planner.state.task_ctx())?;
        let mut count = 0;
        while let Some(batch) = stream.try_next().await? {
            count += batch.num_rows();
        }
        let ran = begun.elapsed();
        if options.json {
            return document(serde_json::json!({
                "Plan": described(physical.as_ref(), true),
                "Planning Time": milliseconds(planned),
                "Triggers": [],
                "Execution Time": milliseconds(ran),
            }));
        }
        let display = DisplayableExecutionPlan::with_metrics(physical.as_ref());
        text.push_str(&display.indent(options.verbose).to_string());
        text.push_str(&format!("Rows: {count}\n"));
        text.push_str(&format!("Planning Time: {:.3} ms\n", planned.as_secs_f64() * 1e3));
        text.push_str(&format!("Execution Time: {:.3} ms\n", ran.as_secs_f64() * 1e3));
        Ok(text)
    });
    let mut text = text.await?;
    if !superuser {
        text = without_files(&text);
    }
    let lines: StringArray = match options.json {
        true => std::iter::once(Some(text.as_str())).collect(),
        false => text.lines().map(Some).collect(),
    };
    let batch = RecordBatch::try_new(schema(statement), vec![Arc::new(lines)])
        .map_err(|error| Error::internal(format!("EXPLAIN's result: {error}")))?;
    Ok(rows::ready(batch))
}

fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

/// The one document of FORMAT JSON, which is a list of one plan.
fn document(plan: serde_json::Value) -> Result<String> {
    serde_json::to_string_pretty(&serde_json::Value::Array(vec![plan]))
        .map_err(|error| Error::internal(format!("EXPLAIN's document: {error}")))
}

/// A node and those below it, by the names that PostgreSQL has for them; costs are not known beforehand, and left out.
fn described(plan: &dyn ExecutionPlan, ran: bool) -> serde_json::Value {
    let mut node = serde_json::Map::new();
    let mut put = |key: &str, value: serde_json::Value| node.insert(key.to_owned(), value);
    let operator = plan.name();
    put("Node Type", node_type(operator).into());
    put("Parallel Aware", false.into());
    put("Async Capable", false.into());
    put("Operator", operator.into());
    let shown = DisplayableExecutionPlan::new(plan).one_line().to_string();
    put("Details", shown.trim_end().into());
    if let Some(metrics) = plan.metrics().filter(|_| ran) {
        if let Some(rows) = metrics.output_rows() {
            put("Actual Rows", rows.into());
        }
        if let Some(nanoseconds) = metrics.elapsed_compute() {
            let time = Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX));
            put("Actual Total Time", milliseconds(time).into());
        }
        put("Actual Loops", 1.into());
    }
    let below: Vec<_> = plan
        .children()
        .into_iter()
        .map(|child| described(child.as_ref(), ran))
        .collect();
    if !below.is_empty() {
        put("Plans", below.into());
    }
    serde_json::Value::Object(node)
}

/// PostgreSQL's name of an operator that it has too.
fn node_type(operator: &str) -> &str {
    match operator {
        "DataSourceExec" => "Seq Scan",
        "HashJoinExec" => "Hash Join",
        "SortMergeJoinExec" => "Merge Join",
        "NestedLoopJoinExec" | "CrossJoinExec" => "Nested Loop",
        "AggregateExec" => "Aggregate",
        "SortExec" => "Sort",
        "SortPreservingMergeExec" => "Gather Merge",
        "CoalescePartitionsExec" => "Gather",
        "GlobalLimitExec" | "LocalLimitExec" => "Limit",
        "UnionExec" => "Append",
        "WindowAggExec" | "BoundedWindowAggExec" => "WindowAgg",
        "RecursiveQueryExec" => "Recursive Union",
        "ProjectionExec" | "FilterExec" | "PlaceholderRowExec" | "EmptyExec" => "Result",
        other => other.strip_suffix("Exec").unwrap_or(other),
    }
}

/// What shapes a query for who asks it. It is planned to its end, so that what would be refused is.
async fn shaping(planner: &Planner, body: &Statement, types: &[Option<DataType>]) -> Result<String> {
    let shaping = Shaping::default();
    let mut planner = planner.clone();
    planner.names = Arc::new(planner.names.telling(&shaping));
    let plan = planner.plan(body, types).await?;
    match types.is_empty() {
        true => drop(planner.physical(&plan).await?),
        // Without their values it is not made executable.
        false => drop(planner.analysed(plan)?),
    }
    Ok(shaping.text())
}

/// A plan without the names of the lake's files and what is known of them, which are for superusers. Rows behind policies, masks
/// and others' views are not in a plan at all: a barrier shows nothing of what is below it.
fn without_files(plan: &str) -> String {
    let mut shown = String::with_capacity(plan.len());
    let mut rest = plan;
    while let Some((before, files)) = rest.split_once("file_groups={") {
        shown.push_str(before);
        shown.push_str("file_groups={…}");
        // Groups are lists of lists of names, none of which has a brace.
        rest = files.split_once('}').map_or("", |(_, after)| after);
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::without_files;

    #[test]
    fn names_of_files_are_left_out() {
        let plan = "DataSourceExec: file_groups={2 groups: [[a/part-1.parquet], [b]]}, projection=[x]\n  A";
        assert_eq!(
            without_files(plan),
            "DataSourceExec: file_groups={…}, projection=[x]\n  A"
        );
    }
}
