//! `radlake_functions()`: the documented functions.

use std::sync::{Arc, LazyLock};

use arrow::array::{RecordBatch, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::TableType;
use datafusion::error::Result;
use datafusion::logical_expr::{Documentation, Expr};
use datafusion::physical_plan::ExecutionPlan;

use super::scan_of;
use crate::similar;

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let column = |name: &str| Field::new(name, DataType::Utf8, true);
    let names = ["name", "kind", "syntax", "description", "arguments", "example"];
    Arc::new(Schema::new(names.map(column).to_vec()))
});

#[derive(Debug)]
pub(super) struct Functions;

#[async_trait]
impl TableProvider for Functions {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&SCHEMA)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mut rows: Vec<(&str, &str, &Documentation)> = Vec::new();
        let scalar = state
            .scalar_functions()
            .iter()
            .map(|(name, f)| (name, "scalar", f.documentation()));
        let aggregate = state
            .aggregate_functions()
            .iter()
            .map(|(name, f)| (name, "aggregate", f.documentation()));
        let window = state
            .window_functions()
            .iter()
            .map(|(name, f)| (name, "window", f.documentation()));
        for (name, kind, documentation) in scalar.chain(aggregate).chain(window) {
            rows.extend(documentation.map(|documentation| (name.as_str(), kind, documentation)));
        }
        rows.extend(similar::documented().map(|(name, documentation)| (name, "table", documentation)));
        rows.sort_by_key(|(name, kind, _)| (*name, *kind));
        scan_of(batch(&rows)?, projection)
    }
}

fn batch(rows: &[(&str, &str, &Documentation)]) -> Result<RecordBatch> {
    let mut columns = [(); 6].map(|()| StringBuilder::new());
    for (name, kind, documentation) in rows {
        let arguments = documentation.arguments.iter().flatten();
        let arguments: Vec<String> = arguments.map(|(name, text)| format!("{name}: {text}")).collect();
        let values = [
            Some((*name).to_owned()),
            Some((*kind).to_owned()),
            Some(documentation.syntax_example.clone()),
            Some(documentation.description.trim().to_owned()),
            Some(arguments.join("\n")).filter(|text| !text.is_empty()),
            documentation.sql_example.as_deref().map(example),
        ];
        for (column, value) in columns.iter_mut().zip(values) {
            column.append_option(value);
        }
    }
    let columns = columns
        .into_iter()
        .map(|mut column| Arc::new(column.finish()) as _)
        .collect();
    Ok(RecordBatch::try_new(Arc::clone(&SCHEMA), columns)?)
}

/// Without the fences that manuals put around code.
fn example(text: &str) -> String {
    text.lines()
        .filter(|line| !line.starts_with("```"))
        .collect::<Vec<_>>()
        .join("\n")
        .trim()
        .to_owned()
}
