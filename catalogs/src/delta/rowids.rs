//! A table with the places of its rows: what statements that change rows read.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, Int64Array, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::TableType;
use datafusion::error::{DataFusionError, Result as DataFusionResult};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties};
use futures::{StreamExt, TryStreamExt};

use super::{DataFile, LakeTable};

/// Name of the column that numbers the files of a table: `Int32`, the place in [`LakeTable::files`].
pub const FILE_COLUMN: &str = "radlake.file";
/// Name of the column that numbers the rows of a file from 0: `Int64`.
pub const ROW_COLUMN: &str = "radlake.row";

/// A [`LakeTable`] with two more columns, [`FILE_COLUMN`] and [`ROW_COLUMN`], behind its own.
#[derive(Debug)]
pub struct RowIds {
    table: Arc<LakeTable>,
    schema: SchemaRef,
}

impl RowIds {
    /// The table with the places of its rows.
    pub fn new(table: Arc<LakeTable>) -> Self {
        let own = &table.object().arrow_schema;
        let mut fields: Vec<_> = own.fields().iter().cloned().collect();
        fields.push(Arc::new(Field::new(FILE_COLUMN, DataType::Int32, false)));
        fields.push(Arc::new(Field::new(ROW_COLUMN, DataType::Int64, false)));
        let schema = Arc::new(Schema::new(fields));
        Self { table, schema }
    }

    /// The table.
    pub fn table(&self) -> &Arc<LakeTable> {
        &self.table
    }
}

#[async_trait]
impl TableProvider for RowIds {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> DataFusionResult<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        let own = self.schema.fields().len() - 2;
        let wanted: Vec<usize> = match projection {
            Some(columns) => columns.clone(),
            None => (0..self.schema.fields().len()).collect(),
        };
        let read: Vec<usize> = wanted.iter().copied().filter(|column| *column < own).collect();
        // Bounds of whole files do not reach the two columns; filters on those are not for pruning.
        let prunable: Vec<Expr> = filters
            .iter()
            .filter(|filter| {
                let names = filter.column_refs();
                !names
                    .iter()
                    .any(|name| [FILE_COLUMN, ROW_COLUMN].contains(&name.name.as_str()))
            })
            .cloned()
            .collect();
        let kept = self.table.prune(state, &prunable)?;
        let numbered = self
            .table
            .files()
            .enumerate()
            .filter(|(_, file)| kept.iter().any(|keep| Arc::ptr_eq(keep, file)));
        let partitions = state.config().target_partitions().max(1);
        let mut parts: Vec<Vec<Part>> = Vec::new();
        for (at, (number, file)) in numbered.enumerate() {
            let number = i32::try_from(number)
                .map_err(|_| DataFusionError::Execution("the table has too many files".to_owned()))?;
            let plan = self.table.whole_file(state, Some(&read), file)?;
            if at < partitions {
                parts.push(Vec::new());
            }
            parts[at % partitions].push(Part { number, plan });
        }
        if parts.is_empty() {
            parts.push(Vec::new());
        }
        let schema = Arc::new(self.schema.project(&wanted)?);
        Ok(Arc::new(RowIdsExec::new(parts, wanted, own, schema)))
    }
}

#[derive(Debug, Clone)]
struct Part {
    number: i32,
    plan: Arc<dyn ExecutionPlan>,
}

/// Reads files whole and in order, and numbers their rows. A leaf: nothing that filters, splits or reorders the scans
/// inside may reach them.
#[derive(Debug)]
struct RowIdsExec {
    parts: Vec<Vec<Part>>,
    /// Columns of the output by their places in the full schema; those from `own` on are the two numbers.
    wanted: Vec<usize>,
    own: usize,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
}

impl RowIdsExec {
    fn new(parts: Vec<Vec<Part>>, wanted: Vec<usize>, own: usize, schema: SchemaRef) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&schema)),
            Partitioning::UnknownPartitioning(parts.len()),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self {
            parts,
            wanted,
            own,
            schema,
            properties: Arc::new(properties),
        }
    }
}

impl DisplayAs for RowIdsExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files: usize = self.parts.iter().map(Vec::len).sum();
        write!(f, "RowIdsExec: files={files}")
    }
}

impl ExecutionPlan for RowIdsExec {
    fn name(&self) -> &str {
        "RowIdsExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DataFusionResult<TreeNodeRecursion>,
    ) -> DataFusionResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        _children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> DataFusionResult<SendableRecordBatchStream> {
        let parts = self.parts.get(partition).cloned().unwrap_or_default();
        let (wanted, own, schema) = (self.wanted.clone(), self.own, Arc::clone(&self.schema));
        let batches = futures::stream::iter(parts).map(move |part| {
            let (wanted, schema) = (wanted.clone(), Arc::clone(&schema));
            let mut first = 0_i64;
            let rows = part.plan.execute(0, Arc::clone(&context))?;
            Ok::<_, DataFusionError>(rows.map(move |batch| {
                let batch = batch?;
                let numbered = number(&batch, &wanted, own, part.number, first, &schema)?;
                first += batch.num_rows() as i64;
                Ok::<_, DataFusionError>(numbered)
            }))
        });
        let stream = batches.try_flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            Arc::clone(&self.schema),
            stream,
        )))
    }
}

fn number(
    batch: &RecordBatch,
    wanted: &[usize],
    own: usize,
    file: i32,
    first: i64,
    schema: &SchemaRef,
) -> DataFusionResult<RecordBatch> {
    let rows = batch.num_rows();
    let mut read = batch.columns().iter();
    let columns = wanted
        .iter()
        .map(|column| -> DataFusionResult<ArrayRef> {
            Ok(match column.checked_sub(own) {
                None => Arc::clone(
                    read.next()
                        .ok_or_else(|| DataFusionError::Internal("a column was not read".to_owned()))?,
                ),
                Some(0) => Arc::new(Int32Array::from_value(file, rows)),
                Some(_) => Arc::new(Int64Array::from_iter_values(first..first + rows as i64)),
            })
        })
        .collect::<DataFusionResult<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(
        Arc::clone(schema),
        columns,
        &options,
    )?)
}

impl LakeTable {
    /// All rows of one file in the order they stand in it, from one partition.
    pub(crate) fn whole_file(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        file: &Arc<DataFile>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        self.in_order(state, projection, std::slice::from_ref(file))
    }
}
