//! What DataFusion's SQL planner asks: tables, functions, types. Tables are those that [`super::Names`] found, no others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::{DataType, SchemaRef};
use datafusion::catalog::cte_worktable::CteWorkTable;
use datafusion::catalog::{TableFunctionArgs, TableProvider};
use datafusion::common::{DFSchema, ScalarValue, TableReference};
use datafusion::config::ConfigOptions;
use datafusion::datasource::provider_as_source;
use datafusion::error::Result;
use datafusion::execution::SessionState;
use datafusion::logical_expr::planner::{ContextProvider, ExprPlanner, RelationPlanner, TypePlanner};
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{AggregateUDF, Expr, HigherOrderUDF, ScalarUDF, TableSource, WindowUDF};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;

use super::names::Names;
use super::types::Types;
use crate::Error;
use crate::similar;

/// Table functions that tell of what others do: for superusers, and behind views.
const CLOSED: &[&str] = &["radlake_epochs", "radlake_regions", "radlake_volumes"];

pub(super) struct Provider<'a> {
    pub(super) state: &'a SessionState,
    pub(super) names: &'a Names,
    pub(super) sources: HashMap<TableReference, Arc<dyn TableSource>>,
    /// Of whose features cases are compared, if the statement asks for similar ones.
    pub(super) features: Option<Arc<dyn TableProvider>>,
    /// A function that is named and may not be called. Who asks for one by name cannot be told why there is none.
    denied: Mutex<Option<String>>,
}

impl<'a> Provider<'a> {
    pub(super) fn new(
        state: &'a SessionState,
        names: &'a Names,
        sources: HashMap<TableReference, Arc<dyn TableSource>>,
    ) -> Self {
        Self {
            state,
            names,
            sources,
            features: None,
            denied: Mutex::default(),
        }
    }

    /// Refuses what was planned, or was not, with a function that may not be called.
    pub(super) fn check_functions(&self) -> crate::Result<()> {
        let denied = self.denied.lock().unwrap_or_else(PoisonError::into_inner);
        match denied.as_deref() {
            None => Ok(()),
            Some(function) => Err(Error::InsufficientPrivilege(format!(
                "permission denied for function {function}"
            ))),
        }
    }
}

impl ContextProvider for Provider<'_> {
    fn get_table_source(&self, name: TableReference) -> Result<Arc<dyn TableSource>> {
        match self.sources.get(&name) {
            Some(source) => Ok(Arc::clone(source)),
            None => Err(self.names.missing(&name).into()),
        }
    }

    fn get_table_function_source(&self, name: &str, args: Vec<Expr>) -> Result<Arc<dyn TableSource>> {
        let function = self.state.table_functions().get(name);
        let similar = self.features.as_ref().filter(|_| similar::is_one(name));
        if function.is_none() && similar.is_none() {
            return Err(Error::UndefinedFunction {
                name: format!("{name}()"),
                hint: None,
                position: None,
            }
            .into());
        }
        if CLOSED.contains(&name) && !self.names.subject().superuser {
            let message = format!("permission denied for function {name}");
            return Err(Error::InsufficientPrivilege(message).into());
        }
        let context = SimplifyContext::builder()
            .with_config_options(Arc::clone(self.state.config_options()))
            .with_query_execution_start_time(self.state.execution_props().query_execution_start_time)
            .build();
        let simplifier = ExprSimplifier::new(context);
        let schema = DFSchema::empty();
        let simplified = |arg| {
            simplifier
                .coerce(arg, &schema)
                .and_then(|arg| simplifier.simplify(arg))
        };
        // Its whole numbers are of one type, as those of casts and NULLs of functions' arguments are not.
        let whole = |arg: Expr| match arg {
            Expr::Literal(value, _) if name == "generate_series" && value.is_null() => {
                Ok(Expr::Literal(ScalarValue::Null, None))
            }
            Expr::Literal(value, _) if name == "generate_series" && value.data_type().is_integer() => {
                Ok(Expr::Literal(value.cast_to(&DataType::Int64)?, None))
            }
            other => Ok(other),
        };
        let args = args
            .into_iter()
            .map(|arg| simplified(arg).and_then(whole))
            .collect::<Result<Vec<_>>>()?;
        Ok(provider_as_source(match (similar, function) {
            (Some(features), _) => similar::call(name, features, &args)?,
            (None, Some(function)) => {
                function.create_table_provider_with_args(TableFunctionArgs::new(&args, self.state))?
            }
            (None, None) => return Err(Error::internal("a table function that is none").into()),
        }))
    }

    fn create_cte_work_table(&self, name: &str, schema: SchemaRef) -> Result<Arc<dyn TableSource>> {
        Ok(provider_as_source(Arc::new(CteWorkTable::new(name, schema))))
    }

    fn get_expr_planners(&self) -> &[Arc<dyn ExprPlanner>] {
        self.state.expr_planners()
    }

    fn get_relation_planners(&self) -> &[Arc<dyn RelationPlanner>] {
        self.state.relation_planners()
    }

    fn get_type_planner(&self) -> Option<Arc<dyn TypePlanner>> {
        Some(Arc::new(Types::new(
            self.state
                .config_options()
                .execution
                .time_zone
                .as_deref()
                .unwrap_or("UTC"),
        )))
    }

    fn get_function_meta(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        let found = self.state.scalar_functions().get(name)?;
        if !self.names.may_execute(found.name()) {
            let mut denied = self.denied.lock().unwrap_or_else(PoisonError::into_inner);
            denied.get_or_insert_with(|| found.name().to_owned());
        }
        Some(Arc::clone(found))
    }

    fn get_higher_order_meta(&self, name: &str) -> Option<Arc<HigherOrderUDF>> {
        self.state.higher_order_functions().get(name).cloned()
    }

    fn get_aggregate_meta(&self, name: &str) -> Option<Arc<AggregateUDF>> {
        self.state.aggregate_functions().get(name).cloned()
    }

    fn get_window_meta(&self, name: &str) -> Option<Arc<WindowUDF>> {
        self.state.window_functions().get(name).cloned()
    }

    fn get_variable_type(&self, _variable_names: &[String]) -> Option<DataType> {
        None
    }

    fn options(&self) -> &ConfigOptions {
        self.state.config_options()
    }

    fn udf_names(&self) -> Vec<String> {
        self.state.scalar_functions().keys().cloned().collect()
    }

    fn higher_order_function_names(&self) -> Vec<String> {
        self.state.higher_order_functions().keys().cloned().collect()
    }

    fn udaf_names(&self) -> Vec<String> {
        self.state.aggregate_functions().keys().cloned().collect()
    }

    fn udwf_names(&self) -> Vec<String> {
        self.state.window_functions().keys().cloned().collect()
    }
}
