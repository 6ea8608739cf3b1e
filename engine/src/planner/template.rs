//! What every session's state is copied from: functions, rules and options of the query engine.

use std::sync::Arc;

use datafusion::config::Dialect;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::execution::{FunctionRegistry, SessionState, SessionStateDefaults};
use datafusion::logical_expr::planner::ExprPlanner;
use datafusion::optimizer::{Analyzer, AnalyzerRule};
use datafusion::prelude::SessionConfig;
use radlake_catalogs::Lake;

use super::arguments::Arguments;
use super::arrays;
use super::booleans::Booleans;
use super::clock;
use super::decimals::Decimals;
use super::domains::Domains;
use super::enums::Enums;
use super::equalities;
use super::excluding::Excluding;
use super::floats::Floats;
use super::integers::Integers;
use super::json;
use super::lists::Lists;
use super::moments;
use super::nested::Nested;
use super::numbers::Numbers;
use super::numerics::Numerics;
use super::operators::Operators;
use super::orders::Orders;
use super::own_types;
use super::postgres::{self, Functions};
use super::pushdown;
use super::round_digits::RoundDigits;
use super::rounding::Rounding;
use super::series;
use super::sets::Sets;
use super::sliding::Sliding;
use super::spans;
use super::subqueries::Subqueries;
use super::uuids::Uuids;
use super::vectors;
use super::yielding::Yielding;
use super::zones::Zones;
use crate::resources::Resources;
use crate::{Result, system};

/// Functions of the query engine that say where data is stored, or would do I/O.
const REMOVED: &[&str] = &["input_file_name", "file_row_index"];

/// Builds the template. It knows no table and no way to open a file: names are resolved by the planner alone.
pub(crate) fn build(resources: &Resources, lake: &Lake) -> Result<SessionState> {
    let mut state = SessionStateBuilder::new()
        .with_config(config(resources.threads))
        .with_runtime_env(Arc::clone(&resources.runtime))
        .with_expr_planners(expr_planners())
        .with_scalar_functions(SessionStateDefaults::default_scalar_functions())
        .with_higher_order_functions(SessionStateDefaults::default_higher_order_functions())
        .with_aggregate_functions(SessionStateDefaults::default_aggregate_functions())
        .with_window_functions(SessionStateDefaults::default_window_functions())
        .with_table_function_list(SessionStateDefaults::default_table_functions())
        .with_analyzer_rules(analyzer_rules())
        .with_optimizer_rules(equalities::rules())
        .with_physical_optimizer_rules(pushdown::rules())
        .with_physical_optimizer_rule(Arc::new(Yielding))
        .build();
    for name in REMOVED {
        state.deregister_udf(name)?;
    }
    radlake_udfs::register_all(&mut state)?;
    spans::register(&mut state)?;
    moments::register(&mut state)?;
    series::register(&mut state)?;
    clock::register(&mut state)?;
    let _ = state.register_udf(Arc::new(arrays::function()))?;
    for function in postgres::functions() {
        let _ = state.register_udf(function)?;
    }
    for function in own_types::functions() {
        let _ = state.register_udf(function)?;
    }
    for function in json::functions() {
        let _ = state.register_udf(function)?;
    }
    #[cfg(test)]
    crate::policy::recorder::register(&mut state)?;
    system::register(&mut state, lake);
    Ok(state)
}

/// What sub-queries mean is settled before types are made to agree, the rest after.
fn analyzer_rules() -> Vec<Arc<dyn AnalyzerRule + Send + Sync>> {
    let mut rules: Vec<Arc<dyn AnalyzerRule + Send + Sync>> = vec![
        Arc::new(json::lateral::Lateral),
        Arc::new(Orders),
        Arc::new(Arguments),
        Arc::new(Domains),
        Arc::new(Subqueries),
        Arc::new(json::Values::new()),
        Arc::new(Uuids::new()),
        Arc::new(Enums::new()),
        Arc::new(Lists),
        Arc::new(Booleans),
        Arc::new(Floats),
        Arc::new(Numbers),
        Arc::new(RoundDigits),
        Arc::new(Sets),
    ];
    rules.extend(Analyzer::new().rules);
    rules.push(Arc::new(Functions));
    rules.push(Arc::new(Nested));
    rules.push(Arc::new(Sliding));
    rules.push(Arc::new(Zones));
    rules.push(Arc::new(Rounding::new()));
    rules.push(Arc::new(Numerics::new()));
    rules.push(Arc::new(Decimals));
    rules.push(Arc::new(Excluding));
    rules
}

/// Ours first: the first that plans an operator wins.
fn expr_planners() -> Vec<Arc<dyn ExprPlanner>> {
    let ours: [Arc<dyn ExprPlanner>; 4] = [
        Arc::new(vectors::Operators::new()),
        Arc::new(json::Operators::new()),
        Arc::new(Operators),
        Arc::new(Integers::new()),
    ];
    ours.into_iter()
        .chain(SessionStateDefaults::default_expr_planners())
        .collect()
}

fn config(threads: usize) -> SessionConfig {
    let mut config = SessionConfig::new()
        .with_target_partitions(threads)
        .with_create_default_catalog_and_schema(false)
        .with_information_schema(false);
    let options = config.options_mut();
    options.sql_parser.dialect = Dialect::PostgreSQL;
    options.sql_parser.map_string_types_to_utf8view = false;
    options.sql_parser.enable_ident_normalization = true;
    // 0.1 is numeric in PostgreSQL, and exact.
    options.sql_parser.parse_float_as_decimal = true;
    options.sql_parser.collect_spans = true;
    // The order of a sub-query is looked after by a rule.
    options.sql_parser.enable_subquery_sort_elimination = false;
    options.execution.time_zone = Some("UTC".to_owned());
    options.execution.parquet.pushdown_filters = true;
    options.execution.parquet.reorder_filters = true;
    options.execution.parquet.schema_force_view_types = false;
    options.explain.show_sizes = false;
    config
}
