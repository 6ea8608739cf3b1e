//! Which relation a name means: the one door from SQL to data.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use datafusion::catalog::{SchemaProvider, TableProvider};
use datafusion::common::TableReference;
use radlake_catalogs::{
    Epoch, Lake, LakeTable, Relation, SequenceObject, TableObject, Transaction, ViewObject,
    is_temporary_schema,
};

use crate::error::nearest;
use crate::pg_catalog::SystemCatalogs;
use crate::policy::{
    Authority, Command, FUNCTIONS, Privilege, Reading, Rights, SecuredTable, Shaping, Subject, Verdict,
    binds, decide, function_grants, masks, may_execute, using,
};
use crate::{Error, Result};

/// The session's own schema, by the name that everybody's has.
pub(crate) const PG_TEMP: &str = "pg_temp";
const PG_CATALOG: &str = "pg_catalog";
const INFORMATION_SCHEMA: &str = "information_schema";

/// The names of one epoch as one session sees them.
pub(crate) struct Names {
    pub(crate) database: Arc<str>,
    pub(crate) epoch: Arc<Epoch>,
    /// Whose rights hold, whichever epoch is read.
    authority: Authority,
    lake: Lake,
    subject: Subject,
    /// Who asks for the whole, while `subject` may be the owner of a view that is read.
    caller: Subject,
    /// Whom policies and masks bind, where it is not the subject: the lake's own views read with its rights, and show each reader
    /// no more than the tables do.
    bound: Option<Subject>,
    /// Schemas searched for a name without one; `pg_catalog` is the first unless it is named.
    path: Vec<String>,
    system: SystemCatalogs,
    /// The transaction whose own changes are seen.
    work: Option<Arc<Transaction>>,
    locals: Locals,
    /// An earlier epoch, of whose files somebody's vacuum may have taken some: they are looked for before they are read.
    earlier: bool,
    /// Within a view of an earlier epoch whose past the reader has no right to: its owner's right to rows that are gone is not lent.
    without_history: bool,
    /// Tables whose policies are being compiled: one that meets itself would never end.
    compiling: Vec<u32>,
    /// `row_security`: off, a query that policies would bind is refused.
    row_security: bool,
    /// Where it is noted what shapes the query, if somebody wants to know.
    shaping: Option<Shaping>,
}

/// Relations that exist for one query of a statement that writes, in a schema of a name that nobody can guess: a client's text
/// must not reach them.
#[derive(Clone, Default)]
pub(crate) struct Locals {
    pub(crate) schema: Arc<str>,
    pub(crate) relations: Vec<(String, Arc<dyn TableProvider>)>,
}

/// What a name means.
pub(crate) enum Found {
    /// A table, secured, or a relation of the system schemas.
    Table(Arc<dyn TableProvider>),
    /// A table whose policies or masks bind, to be put behind them.
    Governed(Box<Governed>),
    /// A view, to be planned for this session, and which of its columns may be read.
    View(Arc<ViewObject>, Verdict),
}

/// A table with what is to stand before it.
pub(crate) struct Governed {
    pub(crate) table: SecuredTable,
    /// Its entry whose rights and policies hold.
    pub(crate) object: Arc<TableObject>,
    pub(crate) before: Before,
}

/// What policies and masks put before a table.
#[derive(Debug, Clone, Default)]
pub(crate) struct Before {
    /// The condition on its rows.
    pub(crate) using: Option<String>,
    /// What is shown in place of columns, by their names.
    pub(crate) masks: BTreeMap<String, String>,
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Names")
            .field("epoch", &self.epoch.number)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Names {
    pub(crate) fn new(
        database: &str,
        lake: Lake,
        epoch: Arc<Epoch>,
        subject: Subject,
        mut path: Vec<String>,
        system: SystemCatalogs,
    ) -> Self {
        if !path.iter().any(|schema| schema == PG_CATALOG) {
            let after = path.first().is_some_and(|first| is_temporary_schema(first));
            path.insert(usize::from(after), PG_CATALOG.to_owned());
        }
        Self {
            database: Arc::from(database),
            authority: Authority::of(Arc::clone(&epoch)),
            epoch,
            lake,
            caller: subject.clone(),
            bound: None,
            subject,
            path,
            system,
            work: None,
            locals: Locals::default(),
            earlier: false,
            without_history: false,
            compiling: Vec::new(),
            row_security: true,
            shaping: None,
        }
    }

    /// Has names mean what a transaction has made of them so far.
    pub(crate) fn within(mut self, work: Arc<Transaction>) -> Self {
        self.work = Some(work);
        self
    }

    /// Has other rights hold than those of the epoch that is read.
    pub(crate) fn under(mut self, authority: Authority) -> Self {
        self.authority = authority;
        self
    }

    /// Has data files be looked for before they are read, where the epoch was chosen among earlier ones.
    pub(crate) fn chosen(mut self, earlier: bool) -> Self {
        self.earlier = earlier;
        self
    }

    /// Adds relations for one query.
    pub(crate) fn with_locals(mut self, locals: Locals) -> Self {
        self.locals = locals;
        self
    }

    /// The lake.
    pub(crate) fn lake(&self) -> &Lake {
        &self.lake
    }

    /// The names of an earlier epoch, for the same role as today; the system schemas have no earlier ones.
    pub(crate) fn as_of(&self, epoch: Arc<Epoch>) -> Self {
        Self {
            database: Arc::clone(&self.database),
            epoch,
            authority: self.authority.clone(),
            lake: self.lake.clone(),
            subject: self.subject.clone(),
            caller: self.caller.clone(),
            bound: self.bound.clone(),
            path: self
                .path
                .iter()
                .filter(|schema| *schema != PG_CATALOG)
                .cloned()
                .collect(),
            system: self.system.clone(),
            work: None,
            locals: Locals::default(),
            earlier: true,
            without_history: self.without_history,
            compiling: self.compiling.clone(),
            row_security: self.row_security,
            shaping: self.shaping.clone(),
        }
    }

    /// The relation that a reference means, if there is one.
    pub(crate) async fn find(&self, reference: &TableReference) -> Result<Option<Found>> {
        let name = reference.table();
        match reference {
            TableReference::Bare { .. } => {
                // Schemas that it may not use are not searched, as in PostgreSQL.
                for schema in self.path.iter().filter(|schema| self.may_use(schema)) {
                    if let Some(found) = self.find_in(schema, name).await? {
                        return Ok(Some(found));
                    }
                }
                Ok(None)
            }
            TableReference::Full { catalog, .. } if *catalog != self.database => {
                Err(Error::unsupported(format!(
                    "cross-database references are not implemented: \"{catalog}.{}.{name}\"",
                    reference.schema().unwrap_or_default()
                )))
            }
            TableReference::Partial { schema, .. } | TableReference::Full { schema, .. } => {
                let own = self.epoch.temporary().filter(|_| &**schema == PG_TEMP);
                let schema = own.map_or(&**schema, |own| own.schema());
                if !self.may_use(schema) {
                    let message = format!("permission denied for schema {schema}");
                    return Err(Error::InsufficientPrivilege(message));
                }
                self.find_in(schema, name).await
            }
        }
    }

    /// False for a schema that is there but closed to the subject.
    fn may_use(&self, name: &str) -> bool {
        let schema = match self.authority.schema(name) {
            // Nobody else's is among those of the epoch.
            _ if is_temporary_schema(name) => return true,
            Some(schema) => schema,
            None if self.epoch.schema(name).is_none() => return true,
            // It is gone: nobody can be granted anything in it any more.
            None => return self.subject.superuser,
        };
        decide(&self.subject, Rights::of_schema(schema), Privilege::Usage) != Verdict::Nothing
    }

    /// The entry of a table whose rights hold: today's, in terms of the columns of then.
    fn governing(&self, then: &Arc<TableObject>) -> Result<Arc<TableObject>> {
        // Policies that bind a reader of the lake's own view are of today, as those of a table are.
        let free = self.subject.superuser && self.bound.is_none();
        // Nobody else changes what is the session's own.
        if is_temporary_schema(&then.schema) || free || self.authority.is(&self.epoch) {
            return Ok(Arc::clone(then));
        }
        match self.authority.relation(then.oid) {
            Some(Relation::Table(today)) => Ok(Arc::new(today.rights_in(then))),
            _ => Err(denied_for(then)),
        }
    }

    /// Refuses a table's earlier state to who may not see rows that are gone since, if there may be such.
    fn check_history(&self, then: &TableObject, today: &TableObject) -> Result<()> {
        if !self.earlier || is_temporary_schema(&then.schema) {
            return Ok(());
        }
        let held = !self.without_history
            && decide(&self.subject, Rights::of_table(today), Privilege::History) != Verdict::Nothing;
        let there = self.authority.relation(then.oid);
        let kept = matches!(there, Some(Relation::Table(now)) if now.location == then.location && !now.has_lost_rows_since(then.version));
        match held || kept {
            true => Ok(()),
            false => Err(Error::NoHistory {
                relation: then.name.clone(),
            }),
        }
    }

    /// Whether a view's owner lends the subject the right to rows that are gone since, where an earlier epoch is read.
    pub(crate) fn lends_history(&self, view: &ViewObject) -> bool {
        let today = match self.authority.relation(view.oid) {
            Some(Relation::View(today)) => today,
            _ => view,
        };
        !self.earlier || decide(&self.subject, Rights::of_view(today), Privilege::History) != Verdict::Nothing
    }

    /// Without the right to rows that are gone since.
    pub(crate) fn without_history(mut self) -> Self {
        self.without_history = true;
        self
    }

    /// The entry of a view whose rights hold. One that showed something else then is for those to whom it belongs.
    fn governing_view(&self, then: &Arc<ViewObject>) -> Option<Arc<ViewObject>> {
        if is_temporary_schema(&then.schema) || self.subject.superuser || self.authority.is(&self.epoch) {
            return Some(Arc::clone(then));
        }
        match self.authority.relation(then.oid) {
            Some(Relation::View(today)) if today.sql == then.sql || self.subject.owns(today.owner) => {
                Some(Arc::clone(today))
            }
            _ => None,
        }
    }

    /// The same names for another subject: a view's owner, with whose rights the view reads.
    pub(crate) fn acting(&self, subject: Subject) -> Self {
        Self {
            database: Arc::clone(&self.database),
            epoch: Arc::clone(&self.epoch),
            authority: self.authority.clone(),
            lake: self.lake.clone(),
            subject,
            caller: self.caller.clone(),
            bound: None,
            path: self.path.clone(),
            system: self.system.clone(),
            work: self.work.clone(),
            locals: Locals::default(),
            earlier: self.earlier,
            without_history: self.without_history,
            compiling: self.compiling.clone(),
            row_security: self.row_security,
            shaping: self.shaping.clone(),
        }
    }

    /// The same names for one of the lake's own views: policies and masks go on to bind who reads it.
    pub(crate) fn acting_for_lake(&self, owner: Subject) -> Self {
        let mut names = self.acting(owner);
        names.bound = Some(self.whom_policies_bind().clone());
        names
    }

    fn whom_policies_bind(&self) -> &Subject {
        self.bound.as_ref().unwrap_or(&self.subject)
    }

    /// Whether policies may take rows out without a word.
    pub(crate) fn row_security(mut self, on: bool) -> Self {
        self.row_security = on;
        self
    }

    /// The same names for a policy or mask of a table: its own names are qualified, whatever the search path is.
    pub(crate) fn within_policy(&self, oid: u32, rows: Locals) -> Self {
        // Sub-queries of policies read with the rights of whom the policies bind.
        let mut names = self.acting(self.whom_policies_bind().clone());
        names.path = vec![PG_CATALOG.to_owned()];
        // Who is permitted what is of today too, whichever epoch the statement reads.
        let (epoch, own) = self.authority.for_policies();
        names.epoch = Arc::clone(epoch);
        names.earlier = false;
        names.without_history = false;
        if !own {
            names.work = None;
        }
        names.locals = rows;
        names.compiling.push(oid);
        names
    }

    /// What policies and masks put before a table, if they bind.
    ///
    /// # Errors
    /// [`Error::InsufficientPrivilege`] where `row_security` is off, or the columns were others then;
    /// [`Error::InvalidDefinition`] for a policy that reads its own table.
    pub(crate) fn before(
        &self,
        then: &TableObject,
        today: &TableObject,
        command: Command,
    ) -> Result<Option<Before>> {
        let who = self.whom_policies_bind();
        let bound = binds(who, today);
        let using = bound.then(|| using(who, today, command));
        let mut masks = masks(who, today);
        // What was masked and is gone since stays masked.
        for (column, mask) in crate::policy::masks(who, then) {
            if then.column_in(&column, today).is_none() {
                masks.entry(column).or_insert(mask);
            }
        }
        if using.is_none() && masks.is_empty() {
            return Ok(None);
        }
        if bound && !self.row_security {
            return Err(Error::InsufficientPrivilege(format!(
                "query would be affected by row-level security policy for table \"{}\"",
                today.name
            )));
        }
        // As in PostgreSQL: what asks nothing further comes to an end.
        let asks = |text: &String| text.to_ascii_uppercase().contains("SELECT");
        let endless = using.iter().chain(masks.values()).any(asks);
        if endless && self.compiling.contains(&today.oid) {
            return Err(Error::InvalidDefinition(format!(
                "infinite recursion detected in policy for relation \"{}\"",
                today.name
            )));
        }
        // Policies and masks are today's, and name columns that may have been others then.
        let texts = using.iter().chain(masks.values());
        if let Some(column) = texts.filter_map(|text| today.differs_for(then, text)).next() {
            return Err(Error::InsufficientPrivilege(format!(
                "permission denied for table {}: column \"{column}\" has changed since that epoch, and policies are about that of today",
                today.name
            )));
        }
        Ok(Some(Before { using, masks }))
    }

    /// The same names, noting what shapes a query.
    pub(crate) fn telling(&self, shaping: &Shaping) -> Self {
        let mut names = self.acting(self.subject.clone());
        shaping.role(&self.subject, self.authority.roles());
        names.shaping = Some(shaping.clone());
        names
    }

    /// Where it is noted what shapes the query.
    pub(crate) fn shaping(&self) -> Option<&Shaping> {
        self.shaping.as_ref()
    }

    fn tell(&self, table: &TableObject, before: Option<&Before>) {
        let Some(shaping) = &self.shaping else {
            return;
        };
        let masks = before.iter().flat_map(|before| &before.masks);
        let reading = Reading {
            subject: &self.subject,
            bound: self.whom_policies_bind(),
            table,
            masks: masks
                .map(|(column, mask)| (column.as_str(), mask.as_str()))
                .collect(),
            epoch: self.earlier.then_some(self.epoch.number),
            within_policy: !self.compiling.is_empty(),
        };
        shaping.table(&reading, self.authority.roles());
    }

    /// Whether who asks may call a function: for the functions of views too it is he who needs the right, as in PostgreSQL.
    pub(crate) fn may_execute(&self, function: &str) -> bool {
        let schema = self.authority.schema(FUNCTIONS);
        schema.is_none_or(|schema| may_execute(&self.caller, function_grants(schema, function)))
    }

    /// Whose roles and rights hold.
    pub(crate) fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Who asks.
    pub(crate) fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The same names for who asks for the whole, wherever a view was met.
    pub(crate) fn for_caller(&self) -> Self {
        self.acting(self.caller.clone())
    }

    async fn find_in(&self, schema: &str, name: &str) -> Result<Option<Found>> {
        if !self.locals.relations.is_empty() && schema == &*self.locals.schema {
            let mut locals = self.locals.relations.iter();
            let local = locals.find(|(known, _)| known == name);
            return Ok(local.map(|(_, local)| Found::Table(Arc::clone(local))));
        }
        match schema {
            PG_CATALOG => Ok(self.system.pg_catalog().table(name).await?.map(Found::Table)),
            INFORMATION_SCHEMA => Ok(self
                .system
                .information_schema()
                .table(name)
                .await?
                .map(Found::Table)),
            _ => match self.epoch.get_relation(schema, name) {
                Some(Relation::Table(object)) => {
                    crate::write::view::check_populated(object)?;
                    let table = match &self.work {
                        Some(work) if work.touches(object.oid) => work.open_table(object.oid).await?,
                        _ => self.lake.table_in(&self.epoch, object).await?,
                    };
                    // Else a count would come from the log although the rows are gone.
                    if self.earlier {
                        table.check_files().await?;
                    }
                    let today = self.governing(object)?;
                    self.check_history(object, &today)?;
                    let table = SecuredTable::new(table, &today, self.subject.clone())?;
                    let before = self.before(object, &today, Command::Select)?;
                    self.tell(&today, before.as_ref());
                    Ok(Some(match before {
                        None => Found::Table(Arc::new(table)),
                        Some(before) => Found::Governed(Box::new(Governed {
                            table,
                            object: today,
                            before,
                        })),
                    }))
                }
                Some(Relation::View(view)) => {
                    let governing = self.governing_view(view);
                    let verdict = governing.map(|today| {
                        let verdict = decide(&self.subject, Rights::of_view(&today), Privilege::Select);
                        (verdict, today.owner)
                    });
                    match verdict {
                        Some((verdict, owner)) if verdict != Verdict::Nothing => {
                            // It reads with the rights of whom it belongs to today.
                            let mut view = view.as_ref().clone();
                            view.owner = owner;
                            Ok(Some(Found::View(Arc::new(view), verdict)))
                        }
                        _ => Err(Error::InsufficientPrivilege(format!(
                            "permission denied for view {name}"
                        ))),
                    }
                }
                Some(Relation::Sequence(sequence)) => Ok(Some(self.sequence(sequence).await?)),
                None => Ok(None),
            },
        }
    }

    /// A sequence as a relation: one row that tells where it stands.
    async fn sequence(&self, then: &Arc<SequenceObject>) -> Result<Found> {
        let today = match self.authority.relation(then.oid) {
            Some(Relation::Sequence(today)) => today,
            _ => then,
        };
        if decide(&self.subject, Rights::of_sequence(today), Privilege::Select) == Verdict::Nothing {
            return Err(Error::InsufficientPrivilege(format!(
                "permission denied for sequence {}",
                then.name
            )));
        }
        let at = match self.system.sequences() {
            Some(sequences) => sequences.position(then).await?,
            None => then.initial,
        };
        Ok(Found::Table(crate::sequences::row(at)?))
    }

    /// A table as it is, for what the lake itself looks up on behalf of who asks.
    pub(crate) async fn lake_table(&self, schema: &str, name: &str) -> Result<Arc<LakeTable>> {
        let Some(object) = self.epoch.table(schema, name) else {
            return Err(self.missing(&TableReference::partial(schema, name)));
        };
        Ok(match &self.work {
            Some(work) if work.touches(object.oid) => work.open_table(object.oid).await?,
            _ => self.lake.table(object).await?,
        })
    }

    /// Where functions and types of the lake's own are searched for by a bare name: nowhere in policies and masks, which whoever they bind
    /// would have mean his own by his search path.
    fn path_of_own(&self) -> &[String] {
        match self.compiling.is_empty() {
            true => &self.path,
            false => &[],
        }
    }

    /// Puts the queries of the lake's own functions in the place of their calls.
    pub(super) fn own_functions(
        &self,
        statement: &mut radlake_sql::ast::Statement,
        is_engines: &dyn Fn(&str) -> bool,
    ) -> Result<()> {
        if self.epoch.functions().next().is_none() {
            return Ok(());
        }
        super::own_functions::rewrite(
            statement,
            &super::own_functions::Calls {
                epoch: &self.epoch,
                path: self.path_of_own(),
                is_engines,
                today: &|oid| self.authority.function(oid),
                may_use: &|schema| self.may_use(schema),
                caller: &self.caller,
                for_another: self.subject.oid != self.caller.oid || self.subject.role != self.caller.role,
            },
        )
    }

    /// Has casts to the lake's own types check their values.
    pub(super) fn own_types(&self, statement: &mut radlake_sql::ast::Statement) -> Result<()> {
        super::own_types::rewrite(statement, &self.epoch, self.path_of_own(), &|schema| {
            self.may_use(schema)
        })
    }

    /// The error for a reference that means nothing.
    pub(crate) fn missing(&self, reference: &TableReference) -> Error {
        let written = match reference {
            TableReference::Bare { table } => table.to_string(),
            TableReference::Partial { schema, table } | TableReference::Full { schema, table, .. } => {
                format!("{schema}.{table}")
            }
        };
        let name = reference.table();
        let same = self
            .epoch
            .all_relations()
            .find(|relation| relation.name() == name);
        let similar = || {
            let schema = reference.schema();
            let candidates = self
                .epoch
                .all_relations()
                .filter(|r| schema.is_none_or(|schema| schema == r.schema()));
            let near = nearest(name, candidates.map(Relation::name))?;
            self.epoch
                .all_relations()
                .find(|relation| relation.name() == near)
        };
        let hint = same
            .or_else(similar)
            .map(|relation| format!("Perhaps you meant \"{}.{}\".", relation.schema(), relation.name()));
        Error::UndefinedTable {
            name: written,
            hint,
            position: None,
        }
    }
}

fn denied_for(table: &TableObject) -> Error {
    Error::InsufficientPrivilege(format!("permission denied for table {}", table.name))
}
