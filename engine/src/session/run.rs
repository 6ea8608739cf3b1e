//! Running queries.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use arrow::datatypes::DataType;
use datafusion::common::{ParamValues, ScalarValue};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::collect;
use radlake_catalogs::{Epoch, Lake, Pin, Temporary, Transaction as Work};
use radlake_sql::{Kind, Statement, ast};

use super::{Inner, PlannerKey, Prepared, Response, commands, explain, refusal, rows, span};
use crate::pg_catalog::{SessionView, SystemCatalogs};
use crate::pixels::RoiMargin;
use crate::planner::{DateStyle, Locals, Names, Planner};
use crate::policy::{Authority, Subject};
use crate::session::Facts;
use crate::settings::zone_name;
use crate::write::Parameters;
use crate::{Error, Lakehouse, Result};

impl Inner {
    pub(super) async fn run(self: &Arc<Self>, statement: &Statement) -> Result<Response> {
        match statement.kind() {
            Kind::Query => self.query(statement, None, Vec::new()).await,
            Kind::Session => commands::run(self, statement).await,
            Kind::Write | Kind::Govern => self.write(statement, Parameters::default()).await,
            _ => Err(refusal::refuse(statement)),
        }
    }

    pub(super) async fn execute(
        self: &Arc<Self>,
        prepared: &Prepared,
        values: Vec<ScalarValue>,
    ) -> Result<Response> {
        let expected = prepared.param_types().len();
        if values.len() != expected {
            return Err(Error::ParameterCount {
                given: values.len(),
                expected,
            });
        }
        let statement = prepared.statement();
        match statement.kind() {
            Kind::Query => self.query(statement, Some(prepared), values).await,
            Kind::Write => {
                let types = prepared.param_types().to_vec();
                let values = values
                    .into_iter()
                    .zip(&types)
                    .map(|(value, data_type)| typed(value, data_type))
                    .collect::<Result<_>>()?;
                let types = types.into_iter().map(Some).collect();
                self.write(statement, Parameters { types, values }).await
            }
            Kind::Session if !values.is_empty() => self.declare(statement, values, Some(prepared)).await,
            _ => self.run(statement).await,
        }
    }

    async fn query(
        self: &Arc<Self>,
        statement: &Statement,
        prepared: Option<&Prepared>,
        values: Vec<ScalarValue>,
    ) -> Result<Response> {
        let guard = self.guard();
        self.facts.began(statement.text());
        let locks = radlake_sql::query::row_locks(statement.ast());
        let locking = self.locking(&locks)?;
        if let Some(body) = explain::body(statement)? {
            return explain::run(self, guard, statement, &body, values).await;
        }
        let (this, statement, prepared) = (Arc::clone(self), statement.clone(), prepared.cloned());
        let started = guard.run(async move {
            let (key, planner) = this.planner().await?;
            let plan = this
                .logical(&planner, &key, &statement, prepared.as_ref(), values)
                .await?;
            if locking {
                this.lock_rows(&planner, &plan)?;
            }
            let (stream, schema) = planner.stream(&plan).await?;
            if let Some(announced) = prepared.as_ref().and_then(Prepared::columns) {
                check_unchanged(&announced, &schema)?;
            }
            Ok((schema, stream))
        });
        let (schema, stream) = started.await?;
        Ok(rows::guarded(Arc::clone(self), guard, schema, stream))
    }

    /// The plan of a statement with values in place of its parameters.
    pub(super) async fn logical(
        &self,
        planner: &Planner,
        key: &PlannerKey,
        statement: &Statement,
        prepared: Option<&Prepared>,
        values: Vec<ScalarValue>,
    ) -> Result<LogicalPlan> {
        let types = prepared.map(Prepared::param_types).unwrap_or_default();
        let values: Vec<ScalarValue> = values
            .into_iter()
            .zip(types)
            .map(|(value, data_type)| typed(value, data_type))
            .collect::<Result<_>>()?;
        let plan = match prepared.and_then(|prepared| prepared.plan(key)) {
            Some(plan) => LogicalPlan::clone(&plan),
            None => {
                let types: Vec<_> = types.iter().cloned().map(Some).collect();
                planner.plan(statement, &types).await?
            }
        };
        match values.is_empty() {
            true => without_parameters(plan),
            false => Ok(plan.replace_params_with_values(&ParamValues::from(values))?),
        }
    }

    /// The value of an expression without columns, as EXECUTE's arguments are.
    pub(super) async fn evaluate(
        self: &Arc<Self>,
        statement: &Statement,
        value: ast::Expr,
        data_type: &DataType,
    ) -> Result<ScalarValue> {
        let query = ast::Statement::Query(Box::new(ast::Query {
            with: None,
            body: Box::new(ast::SetExpr::Values(ast::Values {
                explicit_row: false,
                value_keyword: false,
                rows: vec![ast::Parens::with_empty_span(vec![value])],
            })),
            order_by: None,
            limit_clause: None,
            fetch: None,
            locks: Vec::new(),
            for_clause: None,
            settings: None,
            format_clause: None,
            pipe_operators: Vec::new(),
        }));
        let (this, query) = (Arc::clone(self), statement.within(query));
        let guard = self.guard();
        let computed = guard.run(async move {
            let (_, planner) = this.planner().await?;
            let plan = without_parameters(planner.plan(&query, &[]).await?)?;
            let (physical, _, _) = planner.physical(&plan).await?;
            Ok(collect(physical, planner.state.task_ctx()).await?)
        });
        let batches = computed.await?;
        let column = batches
            .first()
            .filter(|batch| batch.num_rows() == 1)
            .map(|batch| Arc::clone(batch.column(0)));
        let column = column.ok_or_else(|| Error::internal("an argument has no value"))?;
        typed(ScalarValue::try_from_array(&column, 0)?, data_type)
    }

    /// The planner for the newest epoch, or for the one that the transaction or `radlake.epoch` pins.
    pub(super) async fn planner(&self) -> Result<(PlannerKey, Arc<Planner>)> {
        let (epoch, work, changes) = {
            let epoch = self.epoch().await?;
            let transaction = self.transaction();
            let work = transaction.work.clone();
            let changes = if work.is_some() { transaction.changes } else { 0 };
            (epoch, work, changes)
        };
        let chosen = self.chosen_epoch().is_some();
        let work = work.filter(|_| !chosen);
        let authority = match &work {
            Some(work) => self.authority(&epoch, work.epoch()),
            // Rights are today's, whichever epoch is read.
            None => Authority::of(self.known()),
        };
        let subject = self.subject_at(authority.roles())?;
        // Which role acts is a setting.
        let settings = self.facts.settings().version();
        let key = PlannerKey {
            epoch: epoch.number,
            rights: authority.number(),
            changes,
            temporary: epoch.temporary().map_or(0, Temporary::generation),
            settings,
        };
        let kept = self.kept_planner(&key);
        let planner = match kept {
            Some(planner) => planner,
            None => {
                let planner = Arc::new(self.new_planner(
                    epoch,
                    authority,
                    subject,
                    work.map(Arc::new),
                    Locals::default(),
                )?);
                self.keep_planner(key.clone(), Arc::clone(&planner));
                planner
            }
        };
        // The time of `now()` is the statement's.
        let mut planner = Planner::clone(&planner);
        planner.state.mark_start_execution();
        planner.reads = self.noted_reads();
        Ok((key, Arc::new(planner)))
    }

    /// A planner that sees what a transaction has made so far, and `locals`.
    pub(crate) fn planner_within(&self, work: &Work, locals: Locals) -> Result<Planner> {
        self.planner_as(work, locals, None)
    }

    /// The same for another than who acts.
    pub(crate) fn planner_as(
        &self,
        work: &Work,
        locals: Locals,
        subject: Option<Subject>,
    ) -> Result<Planner> {
        let epoch = work.preview()?;
        let authority = self.authority(&epoch, work.epoch());
        let acting = self.subject_at(authority.roles())?;
        let subject = subject.unwrap_or(acting);
        let mut planner =
            self.new_planner(epoch, authority, subject, Some(Arc::new(work.clone())), locals)?;
        planner.state.mark_start_execution();
        Ok(planner)
    }

    pub(crate) fn lakehouse(&self) -> &Lakehouse {
        &self.lakehouse
    }

    pub(crate) fn lake(&self) -> Lake {
        self.lakehouse.lake().clone()
    }

    pub(crate) fn database(&self) -> String {
        self.lakehouse.database().to_owned()
    }

    /// Whether the engine has a function of that name.
    pub(crate) fn is_function(&self, name: &str) -> bool {
        self.lakehouse.is_function(name)
    }

    pub(crate) fn search_path(&self) -> Vec<String> {
        self.facts.search_path()
    }

    pub(crate) fn current_role(&self) -> String {
        self.facts.current_role()
    }

    pub(crate) fn session_role(&self) -> String {
        self.facts.session_role()
    }

    pub(crate) fn in_transaction(&self) -> bool {
        self.transaction().is_open()
    }

    /// What the open transaction has written, to be added to.
    pub(crate) fn take_work(&self) -> Option<Work> {
        self.transaction().work.take()
    }

    pub(crate) fn keep_work(&self, work: Work) {
        let mut transaction = self.transaction();
        transaction.work = Some(work);
        transaction.changes += 1;
    }

    /// The epoch that the next statement reads.
    pub(crate) async fn read_epoch(&self) -> Result<Arc<Epoch>> {
        self.epoch().await
    }

    async fn epoch(&self) -> Result<Arc<Epoch>> {
        let epoch = self.find_epoch().await?;
        span::reads(&epoch);
        Ok(epoch)
    }

    async fn find_epoch(&self) -> Result<Arc<Epoch>> {
        let lake = self.lakehouse.lake();
        if let Some(number) = self.chosen_epoch() {
            // Rights are the newest epoch's.
            lake.latest().await?;
            let epoch = lake.at(number).await?;
            self.keep_pin(Some(lake.pin(&epoch)));
            return self.joined(epoch);
        }
        self.keep_pin(None);
        let repeatable = self.is_repeatable();
        if repeatable {
            lake.latest().await?;
        }
        {
            let mut transaction = self.transaction();
            transaction.started = true;
            if repeatable {
                // One that has written reads what it was built upon, and its own.
                if let Some(work) = &transaction.work {
                    return Ok(work.preview()?);
                }
                if let Some(epoch) = &transaction.pinned {
                    return self.joined(Arc::clone(epoch));
                }
            }
        }
        let epoch = lake.latest().await?;
        let mut transaction = self.transaction();
        if repeatable && transaction.is_open() {
            transaction.pinned = Some(Arc::clone(&epoch));
            transaction.pin = Some(lake.pin(&epoch));
        }
        // READ COMMITTED: what it has written so far goes along to the newest epoch, or there is no way to commit it.
        if let Some(work) = &mut transaction.work {
            let moves = work.epoch().number != epoch.number;
            if !work.rebase(&epoch) {
                return Err(Error::Serialization(
                    "could not serialize access due to concurrent update".to_owned(),
                ));
            }
            let preview = work.preview()?;
            transaction.changes += u64::from(moves);
            return Ok(preview);
        }
        drop(transaction);
        self.joined(epoch)
    }

    /// Whether policies may take rows out without a word.
    pub(crate) fn row_security(&self) -> bool {
        self.facts.setting("row_security").as_deref() != Some("off")
    }

    /// The epoch that `radlake.epoch` says.
    pub(crate) fn chosen_epoch(&self) -> Option<u64> {
        self.facts.setting("radlake.epoch")?.parse().ok()
    }

    fn keep_pin(&self, pin: Option<Arc<Pin>>) {
        *self.pin.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = pin;
    }

    /// Whether the transaction reads one epoch from its beginning to its end.
    fn is_repeatable(&self) -> bool {
        matches!(
            self.facts.setting("transaction_isolation").as_deref(),
            Some("repeatable read" | "serializable")
        )
    }

    /// Whose rights hold for a transaction that has made `own` of the epoch `base`.
    pub(crate) fn authority(&self, own: &Arc<Epoch>, base: &Arc<Epoch>) -> Authority {
        Authority::within(Arc::clone(own), Arc::clone(base), self.known())
    }

    /// Where a serializable transaction notes the tables that it reads.
    fn noted_reads(&self) -> Option<Arc<Mutex<BTreeSet<u32>>>> {
        let serializable = self.facts.setting("transaction_isolation").as_deref() == Some("serializable");
        let transaction = self.transaction();
        (serializable && transaction.is_open()).then(|| Arc::clone(&transaction.reads))
    }

    fn new_planner(
        &self,
        epoch: Arc<Epoch>,
        authority: Authority,
        subject: Subject,
        work: Option<Arc<Work>>,
        locals: Locals,
    ) -> Result<Planner> {
        let own = work
            .as_ref()
            .is_some_and(|work| !Arc::ptr_eq(work.epoch(), &epoch));
        let catalog = self
            .lakehouse
            .epoch_catalog(&epoch, own || epoch.temporary().is_some());
        let view: Arc<Facts> = Arc::clone(&self.facts);
        let system = SystemCatalogs::new(catalog, view);
        let mut state = self.lakehouse.template().clone();
        system.register_functions(&mut state)?;
        for (name, function) in system.table_functions() {
            state.register_udtf(name, function);
        }
        let options = state.config_mut().options_mut();
        let zone = self.facts.setting("TimeZone");
        options.execution.time_zone = zone.as_deref().map(zone_name);
        options.extensions.insert(DateStyle {
            style: self.facts.setting("DateStyle").unwrap_or_default(),
        });
        options.extensions.insert(RoiMargin {
            voxels: self
                .facts
                .setting("radlake.roi_margin")
                .and_then(|margin| margin.parse().ok()),
        });
        let key = self.lakehouse.key().clone();
        if subject.superuser {
            options.extensions.insert(key.clone());
        }
        let names = Names::new(
            self.lakehouse.database(),
            self.lakehouse.lake().clone(),
            epoch,
            subject,
            self.facts.search_path(),
            system,
        )
        .under(authority)
        .chosen(self.chosen_epoch().is_some())
        .row_security(self.row_security());
        let names = match work {
            Some(work) => names.within(work),
            None => names,
        };
        Ok(Planner {
            key,
            reads: self.noted_reads(),
            state,
            names: Arc::new(names.with_locals(locals)),
        })
    }

    fn kept_planner(&self, key: &PlannerKey) -> Option<Arc<Planner>> {
        let kept = self
            .planner
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        kept.as_ref()
            .filter(|(made, _)| made == key)
            .map(|(_, planner)| Arc::clone(planner))
    }

    fn keep_planner(&self, key: PlannerKey, planner: Arc<Planner>) {
        *self
            .planner
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = Some((key, planner));
    }
}

/// A value in its parameter's type.
fn typed(value: ScalarValue, data_type: &DataType) -> Result<ScalarValue> {
    if value.data_type() == *data_type {
        return Ok(value);
    }
    if let (ScalarValue::Utf8(Some(text)), true) = (&value, data_type.is_temporal()) {
        return crate::planner::read_text(text, data_type);
    }
    Ok(value.cast_to(data_type)?)
}

/// Parameters of a statement that was run without any.
fn without_parameters(plan: LogicalPlan) -> Result<LogicalPlan> {
    match plan.get_parameter_names()?.into_iter().min() {
        Some(name) => Err(Error::UndefinedParameter(name.trim_start_matches('$').to_owned())),
        None => Ok(plan),
    }
}

/// A client was told the columns when it prepared; it could not read others.
fn check_unchanged(announced: &arrow::datatypes::Schema, found: &arrow::datatypes::Schema) -> Result<()> {
    let same = announced.fields().len() == found.fields().len()
        && announced
            .fields()
            .iter()
            .zip(found.fields())
            .all(|(a, b)| a.data_type() == b.data_type());
    if same {
        Ok(())
    } else {
        Err(Error::ResultTypeChanged)
    }
}
