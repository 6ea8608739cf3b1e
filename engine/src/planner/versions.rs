//! Relations as of an earlier epoch, under today's rights.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::{ScalarValue, TableReference};
use datafusion::logical_expr::TableSource;
use datafusion::physical_plan::collect;
use radlake_sql::{Version, ast};

use super::Planner;
use crate::{Error, Result};

impl Planner {
    /// The relation that a reference names in the epoch that its database stands for.
    pub(super) async fn source_as_of(
        &self,
        version: Version,
        reference: &TableReference,
        depth: usize,
    ) -> Result<Arc<dyn TableSource>> {
        let lake = self.names.lake();
        let epoch = match version {
            Version::Epoch(number) => lake.at(number).await?,
            Version::Time(time) => lake.at_time(self.time(&time).await?).await?,
        };
        let names = Arc::new(self.names.as_of(epoch));
        let then = Self {
            names,
            ..self.clone()
        };
        let reference = match reference.schema() {
            None | Some("") => TableReference::bare(reference.table()),
            Some(schema) => TableReference::partial(schema, reference.table()),
        };
        match then.names.find(&reference).await? {
            Some(found) => then.source(found, depth).await,
            None => Err(then.names.missing(&reference)),
        }
    }

    /// The time that an expression gives now.
    async fn time(&self, text: &str) -> Result<DateTime<Utc>> {
        let mut statements = radlake_sql::parse(&format!("SELECT CAST(({text}) AS timestamptz)"))?;
        let (Some(statement), true) = (statements.pop(), statements.is_empty()) else {
            return Err(Error::syntax("FOR SYSTEM_TIME AS OF takes one expression"));
        };
        let reads = ast::visit_relations(statement.ast(), |_| std::ops::ControlFlow::Break(()));
        if reads.is_break() {
            return Err(Error::unsupported("FOR SYSTEM_TIME AS OF a query"));
        }
        let plan = self.plan(&statement, &[]).await.map_err(Error::nowhere)?;
        if !plan.get_parameter_names()?.is_empty() {
            return Err(Error::unsupported("FOR SYSTEM_TIME AS OF a parameter"));
        }
        let (physical, _, _) = self.physical(&plan).await?;
        let batches = collect(physical, self.state.task_ctx()).await?;
        let column = batches.iter().find(|batch| batch.num_rows() == 1);
        let column = column.map(|batch| Arc::clone(batch.column(0)));
        let column = column.ok_or_else(|| Error::internal("a time has no value"))?;
        let microseconds = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        match ScalarValue::try_from_array(&column, 0)?.cast_to(&microseconds)? {
            ScalarValue::TimestampMicrosecond(Some(time), _) => {
                DateTime::from_timestamp_micros(time).ok_or(Error::DatetimeOverflow)
            }
            _ => Err(Error::InvalidParameter(
                "FOR SYSTEM_TIME AS OF takes a time, not NULL".to_owned(),
            )),
        }
    }
}
