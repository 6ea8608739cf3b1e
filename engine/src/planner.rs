//! From a syntax tree to a plan that runs: names, types and functions as one session sees one epoch.

mod arguments;
mod arrays;
mod booleans;
mod clock;
mod counts;
mod decimals;
mod dialect;
mod domains;
mod enums;
mod equalities;
mod excluding;
mod expressions;
mod floats;
mod governed;
mod grouped;
mod hypothetical;
mod integers;
mod intervals;
mod joins;
mod json;
mod limits;
mod lists;
mod literals;
mod moments;
mod names;
mod nested;
mod nothing;
mod numbers;
mod numerics;
mod operators;
mod orders;
mod origin;
pub(crate) mod own_functions;
pub(crate) mod own_types;
mod patterns;
mod postgres;
mod provider;
mod pushdown;
mod quantified;
mod readings;
mod recursion;
mod regexes;
mod round_digits;
mod rounding;
mod row_values;
mod scales;
mod series;
mod sets;
mod shapes;
mod sliding;
mod spans;
mod sparing;
mod subqueries;
pub(crate) mod template;
mod texts;
mod told;
mod types;
mod using;
mod uuids;
mod vectors;
mod versions;
mod wanted;
mod wordings;
mod yielding;
mod zones;

use std::collections::{BTreeSet, HashMap};
use std::future::Future;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::common::{ParamValues, ScalarValue, TableReference};
use datafusion::datasource::{ViewTable, provider_as_source, source_as_provider};
use datafusion::error::DataFusionError;
use datafusion::execution::SessionState;
use datafusion::execution::context::SQLOptions;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, TableSource};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::sql::parser::Statement as EngineStatement;
use datafusion::sql::planner::{ParserOptions, PlannerContext, SqlToRel};
use radlake_catalogs::ViewObject;
use radlake_catalogs::segments::PixelReader;
use radlake_sql::{Statement, ast};
use radlake_udfs::privacy::PrivacyKey;

pub(crate) use governed::Shown;
#[cfg(test)]
pub(crate) use json::functions as json_functions;
pub(crate) use names::{Before, Found, Locals, Names, PG_TEMP};
pub(crate) use origin::tables as tables_read;
use provider::Provider;
pub(crate) use readings::{DateStyle, read_text};
pub(crate) use shapes::holds_query;

use crate::pg_catalog::{self, Keys};
use crate::pixels::{self, PixelTable};
use crate::policy::{SecuredView, Subject, Verdict};
use crate::similar;
use crate::{Error, Result};

/// Property of a view that reads with the caller's rights.
pub(crate) const SECURITY_INVOKER: &str = "security_invoker";

/// Property of a view of the lake's own outside of the schemas that are the lake's.
pub(crate) const LAKES_VIEW: &str = "radlake.view";

/// Schemas whose views the lake makes, of tables that have policies of their own.
const LAKES_OWN: &[&str] = &["imaging", "radiomics"];

/// Whether policies and masks bind who reads a view, rather than its owner.
fn lakes_own(view: &ViewObject) -> bool {
    LAKES_OWN.contains(&view.schema.as_str()) || view.properties.contains_key(LAKES_VIEW)
}

/// Views that read views, at most so many deep.
const MAX_VIEW_DEPTH: usize = 32;

/// Plans the statements of one session at one epoch.
#[derive(Clone)]
pub(crate) struct Planner {
    pub(crate) state: SessionState,
    pub(crate) names: Arc<Names>,
    /// For functions that masks call.
    pub(crate) key: PrivacyKey,
    /// Where the tables are noted whose rows are read, if anybody wants to know.
    pub(crate) reads: Option<Arc<Mutex<BTreeSet<u32>>>>,
}

/// A plan before it is optimised, and what its columns are to a client.
#[derive(Debug, Clone)]
pub(crate) struct Planned {
    pub(crate) plan: LogicalPlan,
    /// Names, types and origins of the result's columns.
    pub(crate) schema: SchemaRef,
}

impl Planner {
    /// Plans a query; `parameters` are the types of `$1`, `$2` … as far as they are known.
    pub(crate) async fn plan(
        &self,
        statement: &Statement,
        parameters: &[Option<DataType>],
    ) -> Result<LogicalPlan> {
        let shown = Box::pin(self.plan_with(statement, parameters, Keys::Shown)).await;
        // One form in which pgcli asks for keys cannot be planned, and it would complete nothing at all after an error:
        // it is answered as in a lake without keys. Whatever else cannot be planned is refused.
        if !pg_catalog::takes_keys_apart(statement.ast()) {
            return shown;
        }
        match shown {
            Ok(plan) if self.can_run(&plan, parameters).await => Ok(plan),
            _ => Box::pin(self.plan_with(statement, parameters, Keys::Hidden)).await,
        }
    }

    /// Whether a plan can be made executable, whatever its parameters are.
    async fn can_run(&self, plan: &LogicalPlan, parameters: &[Option<DataType>]) -> bool {
        let nulls = parameters.iter().map(|data_type| {
            let data_type = data_type.as_ref().unwrap_or(&DataType::Utf8);
            ScalarValue::try_from(data_type).unwrap_or(ScalarValue::Null)
        });
        let nulls = ParamValues::from(nulls.collect::<Vec<_>>());
        match plan.clone().replace_params_with_values(&nulls) {
            Ok(plan) => Box::pin(self.physical(&plan)).await.is_ok(),
            Err(_) => false,
        }
    }

    async fn plan_with(
        &self,
        statement: &Statement,
        parameters: &[Option<DataType>],
        keys: Keys,
    ) -> Result<LogicalPlan> {
        let mut query = statement.ast().clone();
        pg_catalog::rewrite(&mut query, keys);
        self.own_objects(&mut query)?;
        dialect::rewrite(&mut query)?;
        self.plan_at_depth(query, parameters, 0)
            .await
            .map_err(|located| match located {
                Located {
                    error,
                    place: Some((line, column)),
                } => error.at(statement.position(line, column)),
                Located { error, place: None } => {
                    let place = place_of(&error, statement.ast());
                    error.at(place.and_then(|(line, column)| statement.position(line, column)))
                }
            })
    }

    /// Puts what the lake's own functions and types stand for in their places.
    fn own_objects(&self, query: &mut ast::Statement) -> Result<()> {
        let is_engines = |name: &str| {
            self.state.scalar_functions().contains_key(name)
                || self.state.aggregate_functions().contains_key(name)
                || self.state.window_functions().contains_key(name)
                || self.state.table_functions().contains_key(name)
        };
        self.names.own_functions(query, &is_engines)?;
        self.names.own_types(query)
    }

    /// Analyses a plan, which gives its columns their final types.
    pub(crate) fn analyse(&self, plan: LogicalPlan) -> Result<Planned> {
        let (origins, told) = (origin::trace(&plan), told::trace(&plan));
        let analysed =
            self.state
                .analyzer()
                .execute_and_check(plan.clone(), self.state.config_options(), |_, _| {})?;
        let schema = client_schema(&analysed, &origins, told);
        Ok(Planned { plan, schema })
    }

    /// A plan with its types as they will be.
    pub(crate) fn analysed(&self, plan: LogicalPlan) -> Result<LogicalPlan> {
        let analyzer = self.state.analyzer();
        Ok(analyzer.execute_and_check(plan, self.state.config_options(), |_, _| {})?)
    }

    /// Optimises a plan and makes it executable.
    pub(crate) async fn physical(
        &self,
        plan: &LogicalPlan,
    ) -> Result<(Arc<dyn ExecutionPlan>, LogicalPlan, SchemaRef)> {
        if let Some(reads) = &self.reads {
            let found = origin::tables(plan)?;
            reads.lock().unwrap_or_else(PoisonError::into_inner).extend(found);
        }
        let (origins, told) = (origin::trace(plan), told::trace(plan));
        let optimised = self.state.optimize(plan)?;
        let physical = self
            .state
            .query_planner()
            .create_physical_plan(&optimised, &self.state)
            .await?;
        let schema = client_schema(&optimised, &origins, told);
        Ok((physical, optimised, schema))
    }

    fn plan_at_depth<'a>(
        &'a self,
        query: ast::Statement,
        parameters: &'a [Option<DataType>],
        depth: usize,
    ) -> Pin<Box<dyn Future<Output = Result<LogicalPlan, Located>> + Send + 'a>> {
        Box::pin(async move {
            let statement = EngineStatement::Statement(Box::new(query));
            let references = self.state.resolve_table_references(&statement)?;
            let mut sources: HashMap<TableReference, Arc<dyn TableSource>> =
                HashMap::with_capacity(references.len());
            let mut features = None;
            for reference in references {
                if let Some(version) = reference.catalog().and_then(radlake_sql::Version::of) {
                    let source = self.source_as_of(version, &reference, depth).await?;
                    sources.insert(reference, source);
                    continue;
                }
                // What is not found may still be a table function; the provider complains if it is not.
                if let Some(found) = self.names.find(&reference).await? {
                    sources.insert(reference, self.source(found, depth).await?);
                } else if reference.schema().is_none() && similar::is_one(reference.table()) {
                    features = Some(self.features(depth).await?);
                }
            }
            let EngineStatement::Statement(mut query) = statement else {
                return Err(Error::internal("a statement of an unexpected kind").into());
            };
            joins::rewrite(&mut query, &sources)?;
            grouped::rewrite(&mut query, &sources);
            let mut provider = Provider::new(&self.state, &self.names, sources);
            provider.features = features;
            let fields = parameters
                .iter()
                .map(|known| known.clone().map(parameter_field))
                .collect();
            let mut context = PlannerContext::new().with_prepare_param_data_types(fields);
            let planner = SqlToRel::new_with_options(&provider, parser_options(&self.state));
            let plan = planner.sql_statement_to_plan_with_context(*query, &mut context);
            provider.check_functions()?;
            let plan = plan?;
            // A second fence: whatever the statement was taken for, its plan must only read.
            SQLOptions::new()
                .with_allow_ddl(false)
                .with_allow_dml(false)
                .with_allow_statements(false)
                .verify_plan(&plan)
                .map_err(|_| Error::unsupported("only queries can be planned"))?;
            Ok(plan)
        })
    }

    /// `radiomics.features` as who asks may see it.
    async fn features(&self, depth: usize) -> Result<Arc<dyn TableProvider>> {
        let reference = TableReference::partial("radiomics", "features");
        match self.names.find(&reference).await? {
            Some(found) => {
                let source = Box::pin(self.source(found, depth + 1)).await?;
                Ok(source_as_provider(&source)?)
            }
            None => Err(Error::InvalidParameter(
                "there are no features to compare cases by; radlake radiomics computes them".to_owned(),
            )),
        }
    }

    async fn source(&self, found: Found, depth: usize) -> Result<Arc<dyn TableSource>> {
        match found {
            Found::Table(provider) => Ok(provider_as_source(provider)),
            Found::Governed(governed) => Ok(provider_as_source(Arc::new(
                self.governed(*governed, depth).await?,
            ))),
            Found::View(view, verdict) => {
                if depth >= MAX_VIEW_DEPTH {
                    return Err(Error::TooComplex(format!(
                        "views are nested more than {MAX_VIEW_DEPTH} deep"
                    )));
                }
                Ok(provider_as_source(self.view(&view, verdict, depth).await?))
            }
        }
    }

    async fn view(
        &self,
        view: &ViewObject,
        verdict: Verdict,
        depth: usize,
    ) -> Result<Arc<dyn TableProvider>> {
        if let Some(kind) = pixels::Kind::of(view) {
            return Box::pin(self.pixels(kind, view, verdict, depth)).await;
        }
        let name = view.qualified_name();
        let mut statements = radlake_sql::parse(&view.sql)?;
        let (Some(statement), true) = (statements.pop(), statements.is_empty()) else {
            return Err(Error::internal(format!("view {name} is not one statement")));
        };
        let mut query = statement.ast().clone();
        pg_catalog::rewrite_view(&mut query);
        self.own_objects(&mut query)?;
        dialect::rewrite(&mut query)?;
        // A view reads with its owner's rights, unless it says otherwise.
        let invoker = view
            .properties
            .get(SECURITY_INVOKER)
            .is_some_and(|value| value == "true");
        let names = match invoker {
            // Within a view that reads with its owner's rights too, as in PostgreSQL.
            true => Arc::new(self.names.for_caller()),
            false => {
                let owner = Subject::owner(self.names.authority().roles(), view.owner);
                let acting = match lakes_own(view) {
                    true => self.names.acting_for_lake(owner),
                    false => self.names.acting(owner),
                };
                Arc::new(match self.names.lends_history(view) {
                    true => acting,
                    false => acting.without_history(),
                })
            }
        };
        if let Some(shaping) = self.names.shaping() {
            let owner = names.subject().role.as_str();
            shaping.view(
                view,
                &match (invoker, owner) {
                    (true, _) => "the rights of who asks".to_owned(),
                    (_, "") => "the lake's rights; policies and masks bind who asks".to_owned(),
                    _ if lakes_own(view) => {
                        format!("the rights of its owner {owner}; policies and masks bind who asks")
                    }
                    _ => format!("the rights of its owner {owner}"),
                },
            );
        }
        let acting = Self {
            state: self.state.clone(),
            names,
            key: self.key.clone(),
            reads: self.reads.clone(),
        };
        // Places are the view's, not the statement's.
        let plan = acting
            .plan_at_depth(query, &[], depth + 1)
            .await
            .map_err(|located| located.error)?;
        let plan = with_columns_of(view, plan)?;
        // Whoever could read what it reads sees through it; anybody else sees its rows, of the columns that he may read.
        let through = invoker || self.names.subject().owns(view.owner);
        if !through || verdict != Verdict::Everything {
            let plain = origin::trace(&plan).iter().map(Option::is_some).collect();
            let settled = acting.analysed(plan.clone())?;
            let schema = Arc::clone(settled.schema().inner());
            return Ok(Arc::new(SecuredView::new(
                &view.name, plan, schema, plain, verdict,
            )));
        }
        let alias = TableReference::full(
            self.names.database.clone(),
            view.schema.clone(),
            view.name.clone(),
        );
        let plan = LogicalPlanBuilder::from(plan).alias(alias)?.build()?;
        Ok(Arc::new(ViewTable::new(plan, Some(view.sql.clone()))))
    }
}

impl Planner {
    /// One of the views whose columns are read from files: with the lake's rights, while policies and masks bind who asks.
    async fn pixels(
        &self,
        kind: pixels::Kind,
        view: &ViewObject,
        verdict: Verdict,
        depth: usize,
    ) -> Result<Arc<dyn TableProvider>> {
        if depth >= MAX_VIEW_DEPTH {
            return Err(Error::TooComplex(format!(
                "views are nested more than {MAX_VIEW_DEPTH} deep"
            )));
        }
        let owner = Subject::owner(self.names.authority().roles(), view.owner);
        let acting = self.names.acting_for_lake(owner);
        let acting = Self {
            state: self.state.clone(),
            names: Arc::new(match self.names.lends_history(view) {
                true => acting,
                false => acting.without_history(),
            }),
            key: self.key.clone(),
            reads: self.reads.clone(),
        };
        let table = async |name: &str| -> Result<Arc<dyn TableProvider>> {
            let reference = TableReference::partial("imaging", name);
            let found = acting.names.find(&reference).await?;
            let found = found.ok_or_else(|| acting.names.missing(&reference))?;
            let source = acting.source(found, depth + 1).await?;
            Ok(source_as_provider(&source)?)
        };
        let (rows, seen) = (table(kind.table()).await?, table("instances").await?);
        let instances = acting.names.lake_table("imaging", "instances").await?;
        let pixels = PixelReader::new(instances);
        Ok(Arc::new(PixelTable::new(kind, rows, seen, pixels, verdict)))
    }
}

/// The plan with the columns that the view was made with: `*` in its text means those that its tables had then.
fn with_columns_of(view: &ViewObject, plan: LogicalPlan) -> Result<LogicalPlan> {
    let Some(columns) = view
        .columns
        .as_ref()
        .filter(|columns| !columns.fields().is_empty())
    else {
        return Ok(plan);
    };
    if plan.schema().fields().len() <= columns.fields().len() {
        return Ok(plan);
    }
    let mut kept = Vec::with_capacity(columns.fields().len());
    for wanted in columns.fields() {
        let known = plan.schema().columns();
        let mut found = known.iter().zip(plan.schema().fields()).filter(|(_, field)| {
            pg_catalog::output_name(field.name()) == wanted.name().as_str() || field.name() == wanted.name()
        });
        match (found.next(), found.next()) {
            (Some((column, _)), None) => kept.push(Expr::Column(column.clone())),
            _ => {
                return Err(Error::unsupported(format!(
                    "view \"{}\" was made with other columns than its text has now: make it again",
                    view.name
                )));
            }
        }
    }
    Ok(LogicalPlanBuilder::from(plan).project(kept)?.build()?)
}

/// An error and the line and column of the tree that it is about.
struct Located {
    error: Error,
    place: Option<(u64, u64)>,
}

impl From<Error> for Located {
    fn from(error: Error) -> Self {
        Self { error, place: None }
    }
}

impl From<DataFusionError> for Located {
    fn from(error: DataFusionError) -> Self {
        let span = error.diagnostic().and_then(|diagnostic| diagnostic.span);
        Self {
            place: span.map(|span| (span.start.line, span.start.column)),
            error: error.into(),
        }
    }
}

/// Where a statement names the relation that an error misses.
fn place_of(error: &Error, statement: &ast::Statement) -> Option<(u64, u64)> {
    let Error::UndefinedTable { name, .. } = error else {
        return None;
    };
    let mut place = None;
    let _ = ast::visit_relations(statement, |relation| {
        let parts = relation.0.iter().filter_map(|part| part.as_ident());
        let written = parts
            .map(|part| part.value.as_str())
            .collect::<Vec<_>>()
            .join(".");
        match relation.0.first().and_then(|part| part.as_ident()) {
            Some(first) if written.eq_ignore_ascii_case(name) => {
                place = Some((first.span.start.line, first.span.start.column));
                ControlFlow::Break(())
            }
            _ => ControlFlow::Continue(()),
        }
    });
    place
}

fn parameter_field(data_type: DataType) -> FieldRef {
    Arc::new(Field::new("", data_type, true))
}

fn parser_options(state: &SessionState) -> ParserOptions {
    let options = &state.config_options().sql_parser;
    ParserOptions {
        parse_float_as_decimal: options.parse_float_as_decimal,
        enable_ident_normalization: options.enable_ident_normalization,
        enable_options_value_normalization: false,
        support_varchar_with_length: options.support_varchar_with_length,
        map_string_types_to_utf8view: options.map_string_types_to_utf8view,
        collect_spans: options.collect_spans,
        default_null_ordering: options.default_null_ordering.as_str().into(),
    }
}

/// The columns of a result as clients see them: PostgreSQL's names, where they come from, NULLs always possible.
fn client_schema(
    plan: &LogicalPlan,
    origins: &[Option<origin::Origin>],
    mut told: Vec<Option<String>>,
) -> SchemaRef {
    let fields = plan.schema().fields().iter().enumerate().map(|(index, field)| {
        let mut metadata = HashMap::new();
        let cast = pg_catalog::output_type(field.name()).map(str::to_owned);
        let cast = cast.or_else(|| field.metadata().get("pg_type").cloned());
        if let Some(name) = cast.or_else(|| told.get_mut(index).and_then(Option::take)) {
            metadata.insert("pg_type".to_owned(), name);
        }
        if let Some(Some(origin)) = origins.get(index) {
            metadata.insert("table_oid".to_owned(), origin.table.to_string());
            metadata.insert("attnum".to_owned(), origin.column.to_string());
        }
        Field::new(
            pg_catalog::output_name(field.name()),
            field.data_type().clone(),
            true,
        )
        .with_metadata(metadata)
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// The rule that computes correlated sub-queries, for plans that are not made here.
#[cfg(test)]
pub(crate) fn correlated() -> Arc<dyn datafusion::optimizer::AnalyzerRule + Send + Sync> {
    Arc::new(domains::Domains)
}
