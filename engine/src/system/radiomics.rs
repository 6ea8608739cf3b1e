//! `radlake_radiomics_dictionary()` and `radlake_radiomics_check()`: what features are, and that they are right.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, BooleanBuilder, Float64Builder, ListBuilder, RecordBatch, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::TableType;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::ExecutionPlan;
use radlake_udfs::radiomics::{dictionary, phantom_check};

use super::scan_of;

static DICTIONARY: LazyLock<SchemaRef> = LazyLock::new(|| {
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    let texts = DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true)));
    let number = |name: &str| Field::new(name, DataType::Float64, true);
    Arc::new(Schema::new(vec![
        text("name"),
        text("profile"),
        text("class"),
        text("pyradiomics_name"),
        text("ibsi_code"),
        text("definition"),
        text("unit"),
        number("least"),
        number("greatest"),
        text("source"),
        Field::new("aggregations", texts, true),
        Field::new("is_default", DataType::Boolean, true),
    ]))
});

static CHECK: LazyLock<SchemaRef> = LazyLock::new(|| {
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    let number = |name: &str| Field::new(name, DataType::Float64, true);
    Arc::new(Schema::new(vec![
        text("feature"),
        text("aggregation"),
        number("value"),
        number("reference"),
        number("tolerance"),
        Field::new("ok", DataType::Boolean, true),
    ]))
});

/// Which of the two.
#[derive(Debug, Clone, Copy)]
pub(super) enum Radiomics {
    Dictionary,
    Check,
}

#[async_trait]
impl TableProvider for Radiomics {
    fn schema(&self) -> SchemaRef {
        Arc::clone(match self {
            Self::Dictionary => &DICTIONARY,
            Self::Check => &CHECK,
        })
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let batch = match self {
            Self::Dictionary => words()?,
            // Some hundredths of a second of computing.
            Self::Check => tokio::task::spawn_blocking(checked)
                .await
                .map_err(|error| DataFusionError::External(Box::new(error)))??,
        };
        scan_of(batch, projection)
    }
}

fn words() -> Result<RecordBatch> {
    let mut texts: [StringBuilder; 8] = [(); 8].map(|()| StringBuilder::new());
    let mut numbers = [Float64Builder::new(), Float64Builder::new()];
    let mut aggregations = ListBuilder::new(StringBuilder::new());
    let mut defaults = BooleanBuilder::new();
    for entry in dictionary::ENTRIES.iter() {
        let source = entry.source();
        let values = [
            Some(entry.name),
            Some(entry.profile.name()),
            Some(entry.class),
            entry.pyradiomics,
            entry.ibsi,
            Some(entry.definition),
            Some(entry.unit),
            Some(source.as_str()),
        ];
        for (column, value) in texts.iter_mut().zip(values) {
            column.append_option(value);
        }
        for (k, column) in numbers.iter_mut().enumerate() {
            let bound = entry.range.map(|range| range[k]);
            column.append_option(bound.filter(|bound| bound.is_finite()));
        }
        for suffix in entry.aggregations().iter().filter(|suffix| !suffix.is_empty()) {
            aggregations.values().append_value(suffix.to_ascii_lowercase());
        }
        aggregations.append(true);
        defaults.append_value(!entry.named_only());
    }
    let [name, profile, class, pyradiomics, ibsi, definition, unit, source] =
        texts.map(|mut column| Arc::new(column.finish()) as ArrayRef);
    let [least, greatest] = numbers.map(|mut column| Arc::new(column.finish()) as ArrayRef);
    let columns = vec![
        name,
        profile,
        class,
        pyradiomics,
        ibsi,
        definition,
        unit,
        least,
        greatest,
        source,
        Arc::new(aggregations.finish()),
        Arc::new(defaults.finish()),
    ];
    Ok(RecordBatch::try_new(Arc::clone(&DICTIONARY), columns)?)
}

fn checked() -> Result<RecordBatch> {
    let checks = phantom_check().map_err(|error| DataFusionError::External(Box::new(error)))?;
    let (mut features, mut aggregations) = (StringBuilder::new(), StringBuilder::new());
    let (mut values, mut references, mut tolerances) = (
        Float64Builder::new(),
        Float64Builder::new(),
        Float64Builder::new(),
    );
    let mut ok = BooleanBuilder::new();
    for check in checks {
        features.append_value(check.feature);
        aggregations
            .append_option(Some(check.aggregation.to_ascii_lowercase()).filter(|text| !text.is_empty()));
        values.append_value(check.value);
        references.append_value(check.reference);
        tolerances.append_value(check.tolerance);
        ok.append_value(check.ok);
    }
    let columns: Vec<ArrayRef> = vec![
        Arc::new(features.finish()),
        Arc::new(aggregations.finish()),
        Arc::new(values.finish()),
        Arc::new(references.finish()),
        Arc::new(tolerances.finish()),
        Arc::new(ok.finish()),
    ];
    Ok(RecordBatch::try_new(Arc::clone(&CHECK), columns)?)
}
