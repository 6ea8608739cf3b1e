//! Statements that change rows or relations: the one place where tables are written.
//!
//! A statement is carried out upon a transaction of the lake ([`Work`]): it reads what that transaction has so far, and
//! stages what it changes. A statement of its own is committed at its end, and built again if another writer was first;
//! within BEGIN … COMMIT the session keeps the transaction, and commits all of it as one epoch.

mod assign;
pub(crate) mod attach;
mod comment;
mod conflict;
pub(crate) mod constraint;
pub(crate) mod copy;
mod define;
mod delete;
mod drop;
pub(crate) mod index;
mod insert;
mod like;
mod maintain;
mod merge;
mod opened;
mod others;
pub(crate) mod own_functions;
pub(crate) mod own_types;
mod pipeline;
mod policy_reads;
mod relation;
mod schema;
mod select_into;
pub(crate) mod sequence;
mod splice;
pub(crate) mod target;
mod temporary;
mod texts;
mod unique;
mod update;
pub(crate) mod view;
mod with;

use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::common::{ParamValues, ScalarValue};
use datafusion::datasource::MemTable;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::EmptyRecordBatchStream;
use futures::TryStreamExt;
use radlake_catalogs::delta::RowIds;
use radlake_catalogs::{Epoch, LakeTable, TableObject, Temporary, Transaction as Work};
use radlake_sql::Statement;
use radlake_sql::{ast, extend};

use crate::interrupt::Over;
use crate::planner::{Locals, Planner};
use crate::policy::{ReturnedRows, SecuredTable, Subject};
use crate::session::{Inner, Response, span};
use crate::{Error, Result, RowStream};
pub(crate) use insert::expression;
use others::Others;
pub(crate) use splice::Splices;
use target::Target;

/// What a statement did.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// PostgreSQL's tag.
    pub(crate) tag: String,
    /// Rows of RETURNING.
    pub(crate) returned: Option<(SchemaRef, Vec<RecordBatch>)>,
}

impl Outcome {
    pub(crate) fn tag(tag: impl Into<String>) -> Self {
        Self {
            tag: tag.into(),
            returned: None,
        }
    }
}

/// Values of `$1`, `$2` …
#[derive(Debug, Clone, Default)]
pub(crate) struct Parameters {
    /// `None` where a client leaves the type open, while the statement is being prepared.
    pub(crate) types: Vec<Option<DataType>>,
    pub(crate) values: Vec<ScalarValue>,
}

/// Carries out one statement upon one transaction.
pub(crate) struct Writer<'a> {
    pub(crate) session: &'a Inner,
    parameters: &'a Parameters,
    pub(crate) work: &'a mut Work,
    /// What the parts of one statement read: the state before the first of them.
    before: Option<Work>,
    /// Rows that the parts of a statement returned, by the names that later parts read them by.
    given: Vec<(String, Arc<dyn TableProvider>)>,
    /// Tag of an ALTER that is written otherwise than it was parsed.
    tag: Option<String>,
    /// The client's parts of the queries that the statement is turned into.
    pub(crate) splices: Splices,
    /// Types of parameters as planning finds them, for a statement that is only prepared: its queries give no rows.
    probe: Option<&'a Mutex<Vec<Option<DataType>>>>,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(session: &'a Inner, parameters: &'a Parameters, work: &'a mut Work) -> Self {
        Self {
            session,
            parameters,
            work,
            before: None,
            given: Vec::new(),
            tag: None,
            splices: Splices::default(),
            probe: None,
        }
    }

    /// Goes through a statement without reading a row, to learn its parameters' types and its columns.
    pub(crate) fn probing(self, types: &'a Mutex<Vec<Option<DataType>>>) -> Self {
        Self {
            probe: Some(types),
            ..self
        }
    }

    /// Carries it out. An error leaves the transaction in no state to go on with.
    pub(crate) async fn carry_out(&mut self, statement: &Statement) -> Result<Outcome> {
        self.tag = written_kind(statement.text());
        if !radlake_sql::query::row_locks(statement.ast()).is_empty() {
            return Err(Error::unsupported(
                "FOR UPDATE and FOR SHARE within a statement that writes, or in a view",
            ));
        }
        self.authorise(statement.ast())?;
        if let Some(outcome) = self.govern(statement.ast()) {
            return outcome;
        }
        let qualified = self.with_types_qualified(statement.ast())?;
        match qualified.as_ref().unwrap_or_else(|| statement.ast()) {
            ast::Statement::CreateType { name, representation } => {
                self.create_type(name, representation.as_ref())
            }
            ast::Statement::AlterType(alter) => self.alter_type(alter),
            ast::Statement::CreateDomain(create) => Box::pin(self.create_domain(create)).await,
            ast::Statement::CreateFunction(create) => Box::pin(self.create_function(create)).await,
            ast::Statement::DropFunction(drop) => self.drop_function(drop),
            ast::Statement::DropDomain(drop) => {
                let cascade = drop.drop_behavior == Some(ast::DropBehavior::Cascade);
                self.drop_types(
                    "domain",
                    std::slice::from_ref(&drop.name),
                    drop.if_exists,
                    cascade,
                )?;
                Ok(Outcome::tag("DROP DOMAIN"))
            }
            ast::Statement::Insert(insert) => Box::pin(self.insert(insert, None)).await,
            ast::Statement::Update(update) => Box::pin(self.update(update, None)).await,
            ast::Statement::Delete(delete) => Box::pin(self.delete(delete, None)).await,
            ast::Statement::Merge(merge) => Box::pin(self.merge(merge, None)).await,
            ast::Statement::Query(query) => Box::pin(self.query(query)).await,
            ast::Statement::CreateTable(create) => Box::pin(self.create_table(create)).await,
            ast::Statement::CreateView(create) => Box::pin(self.create_view(create)).await,
            ast::Statement::CreateSchema {
                schema_name,
                if_not_exists,
                ..
            } => self.create_schema(schema_name, *if_not_exists),
            ast::Statement::Drop {
                object_type,
                if_exists,
                names,
                cascade,
                ..
            } => self.drop_objects(*object_type, *if_exists, names, *cascade),
            ast::Statement::Truncate(truncate) => Box::pin(self.truncate(truncate)).await,
            ast::Statement::Comment {
                object_type,
                object_name,
                comment,
                if_exists,
            } => self.comment(object_type, object_name, comment.clone(), *if_exists),
            ast::Statement::AlterTable(alter) => Box::pin(self.alter_table(alter)).await,
            ast::Statement::AlterSchema(alter) => self.alter_schema(alter),
            ast::Statement::CreateIndex(create) => self.create_index(create),
            ast::Statement::CreatePolicy(create) => Box::pin(self.create_policy(create)).await,
            ast::Statement::AlterPolicy(alter) => Box::pin(self.alter_policy(alter)).await,
            ast::Statement::DropPolicy(drop) => self.drop_policy(drop),
            ast::Statement::Analyze(analyze) => self.analyze(analyze),
            ast::Statement::Call(_) => match extend::procedure(statement.ast()) {
                Some((extend::REFRESH, arguments)) => Box::pin(self.refresh(&arguments)).await,
                Some((extend::CLUSTER, arguments)) => Box::pin(self.cluster(&arguments)).await,
                Some((extend::LABEL, arguments)) => Box::pin(self.label(&arguments)).await,
                Some((extend::REASSIGN_OWNED, arguments)) => self.reassign_owned(&arguments),
                Some((extend::DROP_OWNED, arguments)) => self.drop_owned(&arguments),
                Some((extend::COMMENT, arguments)) => self.comment_on_constraint(&arguments),
                Some((extend::VACUUM, arguments)) => self.vacuum(&arguments),
                Some((extend::LOCK, arguments)) => self.lock_tables(&arguments),
                Some((extend::SEQUENCE, arguments)) => Box::pin(self.define_sequence(&arguments)).await,
                _ => Err(crate::session::refuse(statement)),
            },
            _ => Err(crate::session::refuse(statement)),
        }
    }

    /// A query with a write inside.
    async fn query(&mut self, query: &ast::Query) -> Result<Outcome> {
        if let Some(with) = &query.with
            && with.cte_tables.iter().any(|cte| with::writes(&cte.query))
        {
            return Box::pin(self.parts(query, with)).await;
        }
        self.body(query, query.with.as_ref()).await
    }

    /// The statement behind WITH.
    async fn body(&mut self, query: &ast::Query, with: Option<&ast::With>) -> Result<Outcome> {
        match query.body.as_ref() {
            ast::SetExpr::Insert(ast::Statement::Insert(insert)) => self.insert(insert, with).await,
            ast::SetExpr::Update(ast::Statement::Update(update)) => self.update(update, with).await,
            ast::SetExpr::Delete(ast::Statement::Delete(delete)) => Box::pin(self.delete(delete, with)).await,
            ast::SetExpr::Merge(_) if with.is_some_and(|with| with.recursive) => Err(Error::Syntax {
                message: "WITH RECURSIVE is not supported for MERGE statement".to_owned(),
                position: None,
            }),
            ast::SetExpr::Merge(ast::Statement::Merge(merge)) => self.merge(merge, with).await,
            ast::SetExpr::Select(select) if select.into.is_some() => self.select_into(query, select).await,
            _ => Err(Error::internal("a query without a write was to be carried out")),
        }
    }

    /// The catalog as the transaction has it so far.
    pub(crate) fn epoch(&self) -> Result<Arc<Epoch>> {
        Ok(self.work.preview()?)
    }

    fn resolve_table(&self, name: &ast::ObjectName) -> Result<Arc<TableObject>> {
        let (path, database) = (self.session.search_path(), self.session.database());
        let table = target::table(&*self.epoch()?, &path, &database, name)?;
        writable(&table)?;
        texts::check_rules(&table)?;
        Ok(table)
    }

    /// A table that DELETE may name: of ingestion's, the one whose rows all others follow.
    fn resolve_deletable(&self, name: &ast::ObjectName) -> Result<Arc<TableObject>> {
        let (path, database) = (self.session.search_path(), self.session.database());
        let table = target::table(&*self.epoch()?, &path, &database, name)?;
        match (table.schema.as_str(), table.name.as_str()) {
            ("imaging", "instances") => Ok(table),
            _ => self.resolve_table(name),
        }
    }

    /// The target as the transaction has it so far: its rows with their places.
    async fn open(&self, target: &Target) -> Result<(Arc<LakeTable>, Arc<dyn TableProvider>)> {
        let table = self.seen().open_table(target.object.oid).await?;
        let rows: Arc<dyn TableProvider> = Arc::new(RowIds::new(Arc::clone(&table)));
        // What a statement may do with the rows was decided when it began; keys are checked whoever writes.
        let secured = SecuredTable::over(Arc::clone(&table), rows, &target.object, Subject::lake())?;
        Ok((table, Arc::new(secured)))
    }

    /// A planner that sees the transaction, and `locals` in the statement's own schema.
    pub(crate) fn planner(&self, locals: Vec<(&'static str, Arc<dyn TableProvider>)>) -> Result<Planner> {
        let locals = locals.into_iter().map(|(name, local)| (name.to_owned(), local));
        let locals = locals.chain(self.given.iter().cloned()).collect();
        self.session.planner_within(self.seen(), self.locals(locals))
    }

    /// A planner that reads with the rights of a role that owns something.
    fn planner_for(&self, owner: u32) -> Result<Planner> {
        let owner = Subject::owner(self.authority()?.roles(), owner);
        self.session
            .planner_as(self.seen(), Locals::default(), Some(owner))
    }

    /// Relations under the name of the statement's own schema.
    fn locals(&self, locals: Vec<(String, Arc<dyn TableProvider>)>) -> Locals {
        Locals {
            schema: Arc::from(self.splices.schema()),
            relations: locals,
        }
    }

    /// What queries of this statement see.
    fn seen(&self) -> &Work {
        self.before.as_ref().unwrap_or(self.work)
    }

    /// The rows of a query.
    async fn rows(&self, planner: &Planner, sql: &str) -> Result<RowStream> {
        let plan = self.plan(planner, sql).await?;
        Ok(self.stream(planner, plan).await?.0)
    }

    /// The rows of a query, all of them.
    async fn collected(&self, planner: &Planner, sql: &str) -> Result<Vec<RecordBatch>> {
        let rows = self.rows(planner, sql).await?;
        Ok(rows.try_collect().await?)
    }

    /// The rows of a plan, and its columns; none where the statement is only prepared.
    async fn stream(&self, planner: &Planner, plan: LogicalPlan) -> Result<(RowStream, SchemaRef)> {
        if let Some(probe) = self.probe {
            let mut types = probe.lock().unwrap_or_else(PoisonError::into_inner);
            *types = crate::session::parameter_types(&plan, &types)?;
            let schema = planner.analyse(plan)?.schema;
            let nothing: RowStream = Box::pin(EmptyRecordBatchStream::new(Arc::clone(&schema)));
            return Ok((nothing, schema));
        }
        let plan = match self.parameters.values.is_empty() {
            true => plan,
            false => plan.replace_params_with_values(&ParamValues::from(self.parameters.values.clone()))?,
        };
        planner.stream(&plan).await
    }

    /// Plans text of ours, with the client's parts in it.
    async fn plan(&self, planner: &Planner, sql: &str) -> Result<LogicalPlan> {
        self.planned(planner, self.splices.statement(sql)?).await
    }

    /// Plans a tree.
    async fn plan_query(&self, planner: &Planner, query: &ast::Query) -> Result<LogicalPlan> {
        let some = self.splices.statement("SELECT 1")?;
        let query = ast::Statement::Query(Box::new(query.clone()));
        self.planned(planner, some.within(query)).await
    }

    async fn planned(&self, planner: &Planner, statement: Statement) -> Result<LogicalPlan> {
        // Places in our text say nothing to the client.
        match self.probe {
            Some(found) => {
                let types = found.lock().unwrap_or_else(PoisonError::into_inner).clone();
                Box::pin(crate::session::plan_open(planner, &statement, &types)).await
            }
            None => planner.plan(&statement, &self.parameters.types).await,
        }
        .map_err(Error::nowhere)
    }

    /// Rows of RETURNING over `rows`, which have all columns of the target, then those of `others`.
    async fn returning(
        &self,
        target: &Target,
        items: Option<&Vec<ast::SelectItem>>,
        rows: Vec<RecordBatch>,
        others: &Others,
    ) -> Result<Option<(SchemaRef, Vec<RecordBatch>)>> {
        let Some(items) = items else {
            return Ok(None);
        };
        let (schema, rows) = others.numbered(target, rows)?;
        let mut local: Arc<dyn TableProvider> = Arc::new(MemTable::try_new(schema, vec![rows])?);
        if let Some((today, subject)) = self.bound_by(&target.object)? {
            local = Arc::new(ReturnedRows::new(local, today, &subject));
        }
        let planner = self.planner(vec![("returned", local)])?;
        let returned = self.splices.local("returned");
        let mut query = self
            .splices
            .tree(&format!("SELECT 1 FROM {}", others.sources(target, &returned)))?;
        if let ast::SetExpr::Select(select) = query.body.as_mut() {
            select.projection = others.items(target, items);
        }
        let plan = self.plan_query(&planner, &query).await?;
        let (rows, schema) = self.stream(&planner, plan).await?;
        let batches: Vec<RecordBatch> = rows.try_collect().await?;
        let batches = batches
            .iter()
            .map(|batch| crate::session::relabelled(batch, &schema))
            .collect::<Result<Vec<_>>>()?;
        Ok(Some((schema, batches)))
    }
}

/// Refuses tables that statements do not change.
fn writable(table: &TableObject) -> Result<()> {
    if table.properties.contains_key(view::MATERIALIZED) {
        return Err(Error::WrongObject(format!(
            "cannot change materialized view \"{}\"",
            table.name
        )));
    }
    if table.schema == "imaging" || table.schema == "system" {
        return Err(Error::InsufficientPrivilege(format!(
            "permission denied: \"{}\" is written by ingestion only (DELETE FROM imaging.instances and CALL radlake.forget take out of it)",
            table.name
        )));
    }
    Ok(())
}

/// The tag of `ALTER VIEW` and `ALTER MATERIALIZED VIEW`.
fn written_kind(text: &str) -> Option<String> {
    let mut words = text.split_whitespace().map(str::to_ascii_uppercase);
    let (first, second, third) = (words.next()?, words.next()?, words.next()?);
    match (first.as_str(), second.as_str(), third.as_str()) {
        ("ALTER", "VIEW", _) => Some("ALTER VIEW".to_owned()),
        ("ALTER", "SEQUENCE", _) => Some("ALTER SEQUENCE".to_owned()),
        ("ALTER", "MATERIALIZED", "VIEW") => Some("ALTER MATERIALIZED VIEW".to_owned()),
        _ => None,
    }
}

/// What became of a statement, and of the session's temporary objects.
type Done = (Outcome, Option<Temporary>);

impl Inner {
    /// Runs a statement of [`radlake_sql::Kind::Write`].
    pub(crate) async fn write(
        self: &Arc<Self>,
        statement: &Statement,
        parameters: Parameters,
    ) -> Result<Response> {
        // LOCK changes nothing: pg_dump locks what it reads.
        if !matches!(extend::procedure(statement.ast()), Some((extend::LOCK, _))) {
            self.may_write(crate::session::name_of(statement))?;
        }
        let guard = self.guard();
        self.facts.began(statement.text());
        let (this, owned) = (Arc::clone(self), statement.clone());
        let outcome = match self.in_transaction() {
            true => {
                guard
                    .run(async move { this.write_within(&owned, &parameters).await })
                    .await?
            }
            false => {
                guard
                    .run(async move { this.write_alone(&owned, &parameters).await })
                    .await?
            }
        };
        Ok(crate::session::answer(outcome))
    }

    /// Refuses to write in a transaction that only reads, or an earlier epoch; `what` is what would.
    pub(crate) fn may_write(&self, what: String) -> Result<()> {
        let read_only = match self.in_transaction() {
            true => "transaction_read_only",
            false => "default_transaction_read_only",
        };
        if self.facts.setting(read_only).as_deref() == Some("on") {
            return Err(Error::ReadOnly(what));
        }
        if self.chosen_epoch().is_some() {
            return Err(Error::ReadOnlyEpoch(what));
        }
        Ok(())
    }

    /// As a part of the open transaction.
    async fn write_within(&self, statement: &Statement, parameters: &Parameters) -> Result<Outcome> {
        // Asked for first: READ COMMITTED moves what was written before to the newest epoch.
        let epoch = self.read_epoch().await?;
        let mut work = self.take_work().unwrap_or_else(|| self.lake().begin(epoch));
        work.user(self.current_role());
        work.statement(crate::session::name_of(statement));
        let outcome = Writer::new(self, parameters, &mut work)
            .carry_out(statement)
            .await?;
        self.keep_work(work);
        Ok(outcome)
    }

    /// As a transaction of its own.
    async fn write_alone(
        self: &Arc<Self>,
        statement: &Statement,
        parameters: &Parameters,
    ) -> Result<Outcome> {
        let done: Arc<Mutex<Option<Done>>> = Arc::default();
        let (lake, kind) = (self.lake(), crate::session::name_of(statement));
        lake.transact(|epoch| {
            let (this, done, kind) = (Arc::clone(self), Arc::clone(&done), kind.clone());
            async move {
                span::reads(&epoch);
                let epoch = this
                    .joined(epoch)
                    .map_err(datafusion::error::DataFusionError::from)?;
                let mut work = this.lake().begin(epoch);
                work.user(this.current_role());
                work.statement(kind);
                if let Some(over) = Over::current() {
                    work.commitment(over.commitment().clone());
                }
                if this.facts.setting("default_transaction_isolation").as_deref() == Some("serializable") {
                    work.serializable();
                }
                let outcome = Writer::new(&this, parameters, &mut work)
                    .carry_out(statement)
                    .await;
                let outcome = outcome.map_err(datafusion::error::DataFusionError::from)?;
                sequence::settle(&this, &mut work)?;
                let temporary = work.leave_temporary().await?;
                *done.lock().unwrap_or_else(PoisonError::into_inner) = Some((outcome, temporary));
                Ok(work)
            }
        })
        .await?;
        let outcome = done.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (outcome, temporary) =
            outcome.ok_or_else(|| Error::internal("a statement was committed without being carried out"))?;
        self.keep_temporary(temporary);
        Ok(outcome)
    }
}
