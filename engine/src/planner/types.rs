//! SQL's date and time types as PostgreSQL has them: microseconds, `timestamptz` in the session's zone.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};
use datafusion::common::Result;
use datafusion::logical_expr::planner::TypePlanner;
use radlake_sql::ast::{self, TimezoneInfo};

use crate::pg_catalog::PgTypePlanner;

/// Plans the names of types.
#[derive(Debug)]
pub(crate) struct Types {
    zone: Arc<str>,
}

impl Types {
    /// With the session's time zone.
    pub(crate) fn new(zone: &str) -> Self {
        Self {
            zone: Arc::from(zone),
        }
    }
}

impl TypePlanner for Types {
    fn plan_type_field(&self, sql_type: &ast::DataType) -> Result<Option<FieldRef>> {
        let data_type = match sql_type {
            ast::DataType::Timestamp(_, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone) => {
                DataType::Timestamp(TimeUnit::Microsecond, None)
            }
            ast::DataType::Timestamp(_, TimezoneInfo::Tz | TimezoneInfo::WithTimeZone) => {
                DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::clone(&self.zone)))
            }
            ast::DataType::Time(_, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone) => {
                DataType::Time64(TimeUnit::Microsecond)
            }
            _ => return PgTypePlanner.plan_type_field(sql_type),
        };
        Ok(Some(Arc::new(Field::new("", data_type, true))))
    }
}
