//! Cases that are like one another by their features: the table functions `similar_cases` and `similar_scaling`.
//!
//! Both read `radiomics.features` as who asks may see it: whom he may not see is no neighbour of anybody, and no part of the scaling.
//! Cases are compared within a [`Group`], and what scales them comes from [`Features::of`] alone, so that what the one shows is
//! what the other compares by.

mod cases;
mod scaling;

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::provider_as_source;
use datafusion::error::Result as EngineResult;
use datafusion::logical_expr::{DocSection, Documentation, Expr, LogicalPlanBuilder, ident};
use datafusion::physical_plan::collect;
use datafusion::prelude::lit;
use radlake_udfs::radiomics::similar::Scaling;

use crate::{Error, Result};

/// Whether a table function is one of these.
pub(crate) fn is_one(name: &str) -> bool {
    [cases::NAME, scaling::NAME].contains(&name)
}

/// What a call of one of them reads.
///
/// # Errors
/// Arguments that it does not take.
pub(crate) fn call(
    name: &str,
    features: &Arc<dyn TableProvider>,
    arguments: &[Expr],
) -> Result<Arc<dyn TableProvider>> {
    let features = Features(Arc::clone(features));
    match name {
        cases::NAME => Ok(Arc::new(cases::SimilarCases::new(features, arguments)?)),
        scaling::NAME => Ok(Arc::new(scaling::SimilarScaling::new(features, arguments)?)),
        _ => Err(Error::internal("a table function that is none")),
    }
}

/// How they document themselves, by name.
pub(crate) fn documented() -> impl Iterator<Item = (&'static str, &'static Documentation)> {
    static BOTH: LazyLock<[(&str, Documentation); 2]> = LazyLock::new(|| {
        [
            (cases::NAME, cases::documentation()),
            (scaling::NAME, scaling::documentation()),
        ]
    });
    BOTH.iter().map(|(name, documentation)| (*name, documentation))
}

const SECTION: DocSection = DocSection {
    include: true,
    label: "Radiomics Functions",
    description: None,
};

/// `radiomics.features` as who asks may see it.
#[derive(Debug)]
struct Features(Arc<dyn TableProvider>);

impl Features {
    /// The columns that are features.
    fn names(&self) -> Vec<String> {
        let schema = self.0.schema();
        let numbers = schema
            .fields()
            .iter()
            .filter(|field| *field.data_type() == DataType::Float64);
        numbers.map(|field| field.name().clone()).collect()
    }

    /// Rows with features that fulfil a condition, with these columns.
    async fn rows<S: AsRef<str>>(
        &self,
        state: &dyn Session,
        condition: Expr,
        columns: &[S],
    ) -> EngineResult<Vec<RecordBatch>> {
        let computed = ident("status").eq(lit("computed"));
        let plan = LogicalPlanBuilder::scan("rows", provider_as_source(Arc::clone(&self.0)), None)?
            .filter(computed.and(condition))?
            .project(columns.iter().map(|column| ident(column.as_ref())))?
            .build()?;
        collect(state.create_physical_plan(&plan).await?, state.task_ctx()).await
    }

    /// The groups in which cases are compared, of rows that fulfil a condition.
    async fn groups(&self, state: &dyn Session, condition: Expr) -> EngineResult<BTreeSet<Group>> {
        let mut groups = BTreeSet::new();
        for batch in self
            .rows(state, condition, &["settings_hash", "modality"])
            .await?
        {
            let (hashes, modalities) = (plain(&batch, 0)?, plain(&batch, 1)?);
            for row in 0..batch.num_rows() {
                groups.insert(Group::new(text(&hashes, row), text(&modalities, row))?);
            }
        }
        Ok(groups)
    }

    /// The cases of a group, and how they are scaled.
    async fn of(&self, state: &dyn Session, group: &Group, keys: &[&str]) -> EngineResult<Compared> {
        let names = self.names();
        let columns: Vec<&str> = keys
            .iter()
            .copied()
            .chain(names.iter().map(String::as_str))
            .collect();
        let mut values: Vec<Vec<Option<f64>>> = vec![Vec::new(); names.len()];
        let batches = self.rows(state, group.condition(), &columns).await?;
        for batch in &batches {
            for (column, values) in batch.columns().iter().skip(keys.len()).zip(&mut values) {
                values.extend(column.as_primitive::<Float64Type>().iter());
            }
        }
        let scaling = Scaling::of(&values);
        Ok(Compared {
            batches,
            names,
            values,
            scaling,
        })
    }
}

/// What is compared: features by the same settings, of images of the same modality.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Group {
    settings_hash: String,
    modality: Option<String>,
}

impl Group {
    /// # Errors
    /// No hash: a mask hides by which settings features are, and those of different settings are not comparable.
    fn new(settings_hash: Option<String>, modality: Option<String>) -> Result<Self> {
        let settings_hash = settings_hash.ok_or_else(|| {
            Error::InsufficientPrivilege(
                "permission denied to compare cases: a mask hides the settings_hash of their features"
                    .to_owned(),
            )
        })?;
        Ok(Self {
            settings_hash,
            modality,
        })
    }

    fn condition(&self) -> Expr {
        let of_modality = match &self.modality {
            Some(modality) => ident("modality").eq(lit(modality.as_str())),
            None => ident("modality").is_null(),
        };
        ident("settings_hash")
            .eq(lit(self.settings_hash.as_str()))
            .and(of_modality)
    }
}

/// The cases of a group: their rows, keys first; their features, a column each; and the scaling over all of them.
struct Compared {
    batches: Vec<RecordBatch>,
    names: Vec<String>,
    values: Vec<Vec<Option<f64>>>,
    scaling: Scaling,
}

/// Texts, however the file has them.
fn plain(batch: &RecordBatch, column: usize) -> EngineResult<ArrayRef> {
    Ok(cast(batch.column(column), &DataType::Utf8)?)
}

/// One of [`plain`]'s.
fn text(column: &ArrayRef, row: usize) -> Option<String> {
    column
        .is_valid(row)
        .then(|| column.as_string::<i32>().value(row).to_owned())
}

/// A text that is written out as an argument.
fn written(arguments: &[Expr], at: usize) -> Option<&str> {
    match arguments.get(at) {
        Some(Expr::Literal(value, _)) => value.try_as_str().flatten(),
        _ => None,
    }
}
