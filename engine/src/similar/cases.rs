//! `similar_cases(segment, k [, settings_hash])`: the patients whose segments' features are nearest to those of one segment, each with the
//! nearest of his segments.

use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

use arrow::array::{
    ArrayRef, AsArray, Float64Array, Int32Array, ListBuilder, RecordBatch, StringArray, StringBuilder,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Int32Type, Schema, SchemaRef, TimestampMicrosecondType};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::TableType;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::error::Result as EngineResult;
use datafusion::logical_expr::{Documentation, Expr, ident};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::lit;
use datafusion::scalar::ScalarValue;
use radlake_udfs::radiomics::similar::Neighbour;

use super::{Compared, Features, Group, SECTION, plain, text, written};
use crate::{Error, Result};

/// Its name.
pub(super) const NAME: &str = "similar_cases";
/// Features that are named as those that tell two cases apart.
const CONTRIBUTIONS: usize = 5;
/// Columns of `radiomics.features` that say whose features they are.
const KEYS: [&str; 6] = [
    "sop_instance_uid",
    "segment_number",
    "provider",
    "issuer_of_patient_id",
    "patient_id",
    "label",
];

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    let texts = DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true)));
    Arc::new(Schema::new(vec![
        Field::new("rank", DataType::Int32, true),
        Field::new("distance", DataType::Float64, true),
        text("sop_instance_uid"),
        Field::new("segment_number", DataType::Int32, true),
        text("provider"),
        text("patient_id"),
        text("label"),
        text("modality"),
        text("settings_hash"),
        Field::new("shared_features", DataType::Int32, true),
        Field::new("contributions", texts, true),
    ]))
});

pub(super) fn documentation() -> Documentation {
    Documentation::builder(
        SECTION,
        "The k patients whose segments' features are nearest to those of one segment, of the same settings and modality, each with the \
         nearest of his segments, its distance and the features that tell the two apart most. similar_scaling has what scales them.",
        "similar_cases(segment, k [, settings_hash])",
    )
    .with_argument("segment", "SOP Instance UID, /, number of the segment")
    .with_argument("k", "how many, from 0 to 10000")
    .with_argument("settings_hash", "of the features; the newest of the segment if it is left out")
    .with_sql_example("SELECT rank, distance, patient_id, contributions FROM similar_cases('1.2.840.113619.2.1/1', 3)")
    .build()
}

/// A call, over the features that who asks may see.
#[derive(Debug)]
pub(super) struct SimilarCases {
    features: Features,
    instance: String,
    segment: i32,
    k: usize,
    settings_hash: Option<String>,
}

impl SimilarCases {
    /// # Errors
    /// Arguments that are none: `'SOP Instance UID/segment number'`, how many, perhaps a hash of settings.
    pub(super) fn new(features: Features, arguments: &[Expr]) -> Result<Self> {
        let wrong = || {
            Error::InvalidParameter(format!(
                "{NAME} takes a segment ('SOP Instance UID/segment number'), how many, and perhaps a settings_hash, all of them written out"
            ))
        };
        let literal = |at: usize| match arguments.get(at) {
            Some(Expr::Literal(value, _)) => Some(value),
            _ => None,
        };
        let (instance, segment) = written(arguments, 0)
            .and_then(|text| text.rsplit_once('/'))
            .ok_or_else(wrong)?;
        let k = match literal(1).map(|value| value.cast_to(&DataType::Int64)) {
            Some(Ok(ScalarValue::Int64(Some(k)))) => k,
            _ => return Err(wrong()),
        };
        let settings_hash = written(arguments, 2).map(str::to_owned);
        let unreadable = settings_hash.is_none() && literal(2).is_none_or(|value| !value.is_null());
        if !(2..=3).contains(&arguments.len()) || (arguments.len() == 3 && unreadable) {
            return Err(wrong());
        }
        let k = usize::try_from(k).ok().filter(|k| *k <= 10_000).ok_or_else(|| {
            Error::InvalidParameter(format!("{NAME}: the number of cases is not from 0 to 10000"))
        })?;
        Ok(Self {
            features,
            instance: instance.to_owned(),
            segment: segment.trim().parse().map_err(|_| wrong())?,
            k,
            settings_hash,
        })
    }

    /// The group of the segment's newest features, or of those that were asked for.
    async fn asked(&self, state: &dyn Session) -> EngineResult<Group> {
        let mut this = ident("sop_instance_uid")
            .eq(lit(self.instance.as_str()))
            .and(ident("segment_number").eq(lit(self.segment)));
        if let Some(hash) = &self.settings_hash {
            this = this.and(ident("settings_hash").eq(lit(hash.as_str())));
        }
        let columns = ["settings_hash", "modality", "computed_at"];
        let mut newest: Option<(i64, Group)> = None;
        for batch in self.features.rows(state, this, &columns).await? {
            let (hashes, modalities) = (plain(&batch, 0)?, plain(&batch, 1)?);
            let at = batch.column(2).as_primitive::<TimestampMicrosecondType>();
            for row in 0..batch.num_rows() {
                if newest.as_ref().is_none_or(|(when, _)| at.value(row) > *when) {
                    let group = Group::new(text(&hashes, row), text(&modalities, row))?;
                    newest = Some((at.value(row), group));
                }
            }
        }
        newest.map(|(_, group)| group).ok_or_else(|| {
            Error::InvalidParameter(format!(
                "{NAME}: there are no features of this segment; radlake radiomics computes them"
            ))
            .into()
        })
    }

    async fn answer(&self, state: &dyn Session) -> EngineResult<RecordBatch> {
        let group = self.asked(state).await?;
        let Compared {
            batches,
            names,
            values,
            scaling,
        } = self.features.of(state, &group, &KEYS).await?;
        let mut cases: Vec<Case> = Vec::new();
        for batch in &batches {
            cases.extend(Case::all(batch)?);
        }
        // The order of rows is that of files: ties are told apart by what does not change.
        let mut order: Vec<usize> = (0..cases.len()).collect();
        order.sort_by(|a, b| cases[*a].key().cmp(&cases[*b].key()));
        let this = |case: &Case| case.instance == self.instance && case.segment == self.segment;
        let Some(query) = cases.iter().position(this) else {
            return Err(Error::internal("the segment was there a moment ago").into());
        };
        let of_case = |at: usize| -> Vec<Option<f64>> { values.iter().map(|column| column[at]).collect() };
        // Another segment of the same patient is no similar case: often it is the same tumour, outlined twice.
        let others: Vec<usize> = order
            .into_iter()
            .filter(|at| !cases[*at].is_of_the_same_patient(&cases[query]))
            .collect();
        let rows: Vec<Vec<Option<f64>>> = others.iter().map(|at| of_case(*at)).collect();
        let asked = of_case(query);
        // A patient is one case, however many segments he has: the nearest of them.
        let mut patients = HashSet::new();
        let found: Vec<Neighbour> = scaling
            .similar(&asked, &rows, rows.len(), 0)
            .into_iter()
            .filter(|near| patients.insert(cases[others[near.case]].patient()))
            .take(self.k)
            .map(|near| Neighbour {
                contributions: scaling.contributions(&asked, &rows[near.case], CONTRIBUTIONS),
                ..near
            })
            .collect();
        let case = |n: &Neighbour| &cases[others[n.case]];
        let texts = |f: &dyn Fn(&Case) -> Option<String>| -> ArrayRef {
            Arc::new(found.iter().map(|n| f(case(n))).collect::<StringArray>())
        };
        let mut contributions = ListBuilder::new(StringBuilder::new());
        for neighbour in &found {
            for part in &neighbour.contributions {
                let name = names.get(part.feature).map_or("", String::as_str);
                contributions.values().append_value(format!(
                    "{name}: {:+.1} and {:+.1}, {:.0} %",
                    part.a,
                    part.b,
                    part.share * 100.0
                ));
            }
            contributions.append(true);
        }
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int32Array::from_iter_values(
                1..=i32::try_from(found.len()).unwrap_or(i32::MAX),
            )),
            Arc::new(found.iter().map(|n| Some(n.distance)).collect::<Float64Array>()),
            texts(&|case| Some(case.instance.clone())),
            Arc::new(
                found
                    .iter()
                    .map(|n| Some(case(n).segment))
                    .collect::<Int32Array>(),
            ),
            texts(&|case| case.provider.clone()),
            texts(&|case| case.patient.clone()),
            texts(&|case| case.label.clone()),
            texts(&|_| group.modality.clone()),
            texts(&|_| Some(group.settings_hash.clone())),
            Arc::new(
                found
                    .iter()
                    .map(|n| Some(i32::try_from(n.shared).unwrap_or(i32::MAX)))
                    .collect::<Int32Array>(),
            ),
            Arc::new(contributions.finish()),
        ];
        Ok(RecordBatch::try_new(Arc::clone(&SCHEMA), columns)?)
    }
}

/// Whose features they are.
struct Case {
    instance: String,
    segment: i32,
    provider: Option<String>,
    issuer: Option<String>,
    patient: Option<String>,
    label: Option<String>,
}

impl Case {
    fn all(batch: &RecordBatch) -> EngineResult<Vec<Self>> {
        let [instances, providers, issuers, patients, labels] =
            [0, 2, 3, 4, 5].map(|column| plain(batch, column));
        let columns = [instances?, providers?, issuers?, patients?, labels?];
        let segments = cast(batch.column(1), &DataType::Int32)?;
        let segments = segments.as_primitive::<Int32Type>();
        let case = |row: usize| {
            let [instance, provider, issuer, patient, label] =
                columns.each_ref().map(|column| text(column, row));
            Self {
                instance: instance.unwrap_or_default(),
                segment: segments.value(row),
                provider,
                issuer,
                patient,
                label,
            }
        };
        Ok((0..batch.num_rows()).map(case).collect())
    }

    fn key(&self) -> (&str, i32) {
        (&self.instance, self.segment)
    }

    /// What tells patients apart; who has no ID, or whose is masked, is told apart by segment.
    fn patient(&self) -> [Option<&str>; 3] {
        match &self.patient {
            Some(patient) => [self.provider.as_deref(), self.issuer.as_deref(), Some(patient)],
            None => [Some(&self.instance), None, None],
        }
    }

    fn is_of_the_same_patient(&self, other: &Self) -> bool {
        self.patient() == other.patient()
    }
}

#[async_trait]
impl TableProvider for SimilarCases {
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
        let batch = self.answer(state).await?;
        let exec = MemorySourceConfig::try_new_exec(&[vec![batch]], self.schema(), projection.cloned())?;
        Ok(exec)
    }
}
