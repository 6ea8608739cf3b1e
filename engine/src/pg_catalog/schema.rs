//! The schemas `pg_catalog` and `information_schema` as DataFusion sees them.

use arrow::array::{Array, AsArray, PrimitiveArray, RecordBatch};
use arrow::datatypes::{SchemaRef, UInt32Type};
use async_trait::async_trait;
use datafusion::catalog::{SchemaProvider, Session, TableProvider};
use datafusion::common::{Result, ScalarValue};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use std::sync::Arc;

use super::context::Context;
use super::declared::{self, Declared, PG_CATALOG};
use super::epoch_catalog::EpochCatalog;
use super::error::CatalogError;
use super::figures;
use super::information_schema::{self, Viewer};
use super::presets;
use super::relations::{pg_cursors, pg_locks, pg_sequence, pg_settings, pg_stat_activity};
use super::session::{SessionView, Setting};

/// One of the two system schemas, for one session at one epoch.
#[derive(Debug)]
pub struct SystemSchema {
    namespace: u32,
    catalog: Arc<EpochCatalog>,
    session: Arc<dyn SessionView>,
}

impl SystemSchema {
    pub(crate) fn new(namespace: u32, catalog: Arc<EpochCatalog>, session: Arc<dyn SessionView>) -> Self {
        Self {
            namespace,
            catalog,
            session,
        }
    }

    /// The session's settings and the constants beside them, by name.
    fn settings(&self) -> Vec<Setting> {
        let mut settings = self.session.settings();
        for preset in presets::all() {
            if !settings.iter().any(|s| s.name.eq_ignore_ascii_case(preset.name)) {
                settings.push(Setting {
                    name: preset.name.to_owned(),
                    value: preset.value.to_owned(),
                    default: preset.value.to_owned(),
                    unit: None,
                    category: "Preset Options",
                    description: "Kept for clients of PostgreSQL; has no effect.",
                    context: if preset.settable { "user" } else { "internal" },
                    vartype: "string",
                });
            }
        }
        settings.sort_by_cached_key(|s| s.name.to_lowercase());
        settings
    }

    fn rows(&self, relation: &'static Declared) -> Result<RecordBatch> {
        let context = Context {
            catalog: Arc::clone(&self.catalog),
            session: Arc::clone(&self.session),
        };
        if self.namespace != PG_CATALOG {
            return Ok(match context.is_superuser() {
                true => self.catalog.rows(relation)?,
                false => information_schema::rows(relation, &Viewer::of(&context))?,
            });
        }
        if relation.is_closed() && !context.is_superuser() {
            let kind = if relation.kind == "v" { "view" } else { "table" };
            return Err(CatalogError::Denied(kind, relation.name.to_owned()).into());
        }
        let batch = match relation.name {
            "pg_cursors" => pg_cursors::rows(relation, &self.session.cursors())?,
            "pg_locks" => pg_locks::rows(
                relation,
                &self
                    .session
                    .member()
                    .map(|member| member.locks())
                    .unwrap_or_default(),
            )?,
            "pg_sequences" => pg_sequence::by_name(relation, &context)?,
            "pg_settings" => pg_settings::rows(relation, &self.settings())?,
            "pg_stat_activity" => {
                pg_stat_activity::rows(relation, self.catalog.model(), &self.session.activity())?
            }
            "pg_stat_gssapi" => pg_stat_activity::gssapi(relation, &self.session.activity())?,
            _ => self.catalog.rows(relation)?,
        };
        Ok(figures::shown(&context, relation.name, batch)?)
    }
}

#[async_trait]
impl SchemaProvider for SystemSchema {
    fn table_names(&self) -> Vec<String> {
        declared::relations()
            .iter()
            .filter(|r| r.namespace == self.namespace)
            .map(|r| r.name.to_owned())
            .collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let Some(relation) = declared::relation(self.namespace, name) else {
            return Ok(None);
        };
        Ok(Some(Arc::new(SystemTable::new(self.rows(relation)?))))
    }

    fn table_exist(&self, name: &str) -> bool {
        declared::relation(self.namespace, name).is_some()
    }
}

/// A system relation's rows. It forwards no write, so that a session cannot change what it is told.
#[derive(Debug)]
struct SystemTable {
    rows: RecordBatch,
    /// The column that the rows are sorted by and mostly asked for by: `pg_attribute.attrelid`, an `oid`.
    key: Option<usize>,
}

impl SystemTable {
    fn new(rows: RecordBatch) -> Self {
        let schema = rows.schema();
        let named = ["attrelid", "objoid", "oid"]
            .iter()
            .find_map(|name| schema.index_of(name).ok());
        let key = named.filter(|index| {
            rows.column(*index)
                .as_primitive_opt::<UInt32Type>()
                .is_some_and(|keys| keys.null_count() == 0 && keys.values().is_sorted())
        });
        Self { rows, key }
    }

    /// The key that a condition asks for, if it is `key = constant`.
    fn wanted(&self, filter: &Expr) -> Option<u32> {
        let name = self.rows.schema().field(self.key?).name().clone();
        let Expr::BinaryExpr(BinaryExpr {
            left,
            op: Operator::Eq,
            right,
        }) = filter
        else {
            return None;
        };
        let (column, literal) = match (left.as_ref(), right.as_ref()) {
            (Expr::Column(column), Expr::Literal(value, _))
            | (Expr::Literal(value, _), Expr::Column(column)) => (column, value),
            _ => return None,
        };
        match literal {
            ScalarValue::UInt32(Some(key)) if column.name == name => Some(*key),
            _ => None,
        }
    }

    /// The rows of one key.
    fn slice(&self, key: u32) -> RecordBatch {
        let keys = self
            .key
            .and_then(|index| self.rows.column(index).as_primitive_opt::<UInt32Type>());
        let Some(keys) = keys.map(PrimitiveArray::values) else {
            return self.rows.clone();
        };
        let start = keys.partition_point(|k| *k < key);
        let end = keys.partition_point(|k| *k <= key);
        self.rows.slice(start, end - start)
    }
}

#[async_trait]
impl TableProvider for SystemTable {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let exact = |filter: &&Expr| match self.wanted(filter) {
            Some(_) => TableProviderFilterPushDown::Exact,
            None => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(exact).collect())
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mut keys = filters.iter().filter_map(|filter| self.wanted(filter));
        let rows = match keys.next() {
            // Two keys at once are no row.
            Some(key) if keys.any(|other| other != key) => self.slice(key).slice(0, 0),
            Some(key) => self.slice(key),
            None => self.rows.clone(),
        };
        let exec = MemorySourceConfig::try_new_exec(&[vec![rows]], self.rows.schema(), projection.cloned())?;
        Ok(exec)
    }
}
