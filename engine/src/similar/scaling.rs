//! `similar_scaling([settings_hash])`: the median and spread by which `similar_cases` makes features comparable, over the cases
//! that who asks may see; a row per settings, modality and feature.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int32Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::TableType;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::error::Result as EngineResult;
use datafusion::logical_expr::{Documentation, Expr, ident};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::lit;

use super::{Compared, Features, Group, SECTION, written};
use crate::{Error, Result};

/// Its name.
pub(super) const NAME: &str = "similar_scaling";

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let column = |name: &str, kind| Field::new(name, kind, true);
    Arc::new(Schema::new(vec![
        column("settings_hash", DataType::Utf8),
        column("modality", DataType::Utf8),
        column("feature", DataType::Utf8),
        column("cases", DataType::Int32),
        column("present", DataType::Int32),
        column("median", DataType::Float64),
        column("spread", DataType::Float64),
        column("used", DataType::Boolean),
        column("reason", DataType::Utf8),
    ]))
});

pub(super) fn documentation() -> Documentation {
    Documentation::builder(
        SECTION,
        "How similar_cases scales features, over the cases that the role sees: per settings and modality a row for each feature with its median, \
         its spread and the cases that have it, or the reason why it is left out.",
        "similar_scaling([settings_hash])",
    )
    .with_argument("settings_hash", "of these settings alone")
    .with_sql_example("SELECT feature, median, spread FROM similar_scaling() WHERE modality = 'CT' AND used")
    .build()
}

/// A call, over the features that who asks may see.
#[derive(Debug)]
pub(super) struct SimilarScaling {
    features: Features,
    settings_hash: Option<String>,
}

impl SimilarScaling {
    /// # Errors
    /// Arguments that are none: perhaps a hash of settings.
    pub(super) fn new(features: Features, arguments: &[Expr]) -> Result<Self> {
        let settings_hash = written(arguments, 0).map(str::to_owned);
        if arguments.len() > 1 || (arguments.len() == 1 && settings_hash.is_none()) {
            return Err(Error::InvalidParameter(format!(
                "{NAME} takes no argument, or a settings_hash that is written out"
            )));
        }
        Ok(Self {
            features,
            settings_hash,
        })
    }

    /// A batch per group: no more than one group's features are held at once.
    async fn answer(&self, state: &dyn Session) -> EngineResult<Vec<RecordBatch>> {
        let asked = match &self.settings_hash {
            Some(hash) => ident("settings_hash").eq(lit(hash.as_str())),
            None => lit(true),
        };
        let mut batches = Vec::new();
        for group in self.features.groups(state, asked).await? {
            let compared = self.features.of(state, &group, &[]).await?;
            batches.push(batch(&group, &compared)?);
        }
        Ok(batches)
    }
}

fn batch(group: &Group, compared: &Compared) -> EngineResult<RecordBatch> {
    let rows: Vec<_> = compared.scaling.rows(&compared.names).collect();
    let same =
        |value: Option<&str>| -> ArrayRef { Arc::new(StringArray::from_iter(rows.iter().map(|_| value))) };
    let number = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
    let cases = compared.values.iter().map(|column| number(column.len()));
    // The scale of what is left out has zeros where nothing was computed.
    let medians = rows
        .iter()
        .map(|(_, centre, _, present, _)| (*present > 0).then_some(*centre));
    let spreads = rows
        .iter()
        .map(|(_, _, spread, _, reason)| reason.is_none().then_some(*spread));
    let used = rows.iter().map(|(.., reason)| Some(reason.is_none()));
    let columns: Vec<ArrayRef> = vec![
        same(Some(&group.settings_hash)),
        same(group.modality.as_deref()),
        Arc::new(StringArray::from_iter_values(rows.iter().map(|(name, ..)| *name))),
        Arc::new(Int32Array::from_iter_values(cases)),
        Arc::new(Int32Array::from_iter_values(
            rows.iter().map(|(_, _, _, present, _)| number(*present)),
        )),
        Arc::new(Float64Array::from_iter(medians)),
        Arc::new(Float64Array::from_iter(spreads)),
        Arc::new(BooleanArray::from_iter(used)),
        Arc::new(StringArray::from_iter(rows.iter().map(|(.., reason)| *reason))),
    ];
    Ok(RecordBatch::try_new(Arc::clone(&SCHEMA), columns)?)
}

#[async_trait]
impl TableProvider for SimilarScaling {
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
    ) -> EngineResult<Arc<dyn ExecutionPlan>> {
        let batches = self.answer(state).await?;
        let exec = MemorySourceConfig::try_new_exec(&[batches], self.schema(), projection.cloned())?;
        Ok(exec)
    }
}
