//! Cursors: DECLARE, FETCH, MOVE and CLOSE.
//!
//! A cursor is a query that has begun; its rows are computed when they are fetched, and those that were passed are gone unless it was
//! declared SCROLL. What is kept is in memory up to a bound, and beyond it in the spill folder.

mod kept;
mod place;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, MutexGuard, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use chrono::{DateTime, Utc};
use datafusion::common::ScalarValue;
use datafusion::error::DataFusionError;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::StreamExt;
use radlake_sql::session::{Command, Direction, command};
use radlake_sql::{Kind, Statement, ast};

use super::{Inner, Prepared, Response, Standing, rows};
use crate::guard::Guard;
use crate::pg_catalog::CursorShown;
use crate::planner::tables_read;
use crate::{Error, Result, RowStream};
use kept::Kept;
use place::{Place, Span};

/// Metadata of a result whose rows the client wants in the binary format.
pub const BINARY: &str = "radlake.binary";

/// Cursors that a session may have at once: each is a query that has begun.
const CURSORS: usize = 1_000;

/// A query whose rows are taken bit by bit.
pub(super) struct Cursor {
    statement: String,
    schema: SchemaRef,
    /// What is still to be computed.
    rows: Option<RowStream>,
    kept: Kept,
    place: Place,
    scroll: bool,
    hold: bool,
    binary: bool,
    created: DateTime<Utc>,
    /// The order in which cursors were declared.
    number: u64,
    /// Rights as they were, while it reads from tables.
    standing: Option<Standing>,
}

/// The cursors of a session.
#[derive(Default)]
pub(super) struct Cursors {
    open: HashMap<String, Cursor>,
    declared: u64,
}

impl Cursors {
    /// What `pg_cursors` shows.
    fn shown(&self) -> Vec<CursorShown> {
        let mut cursors: Vec<(&String, &Cursor)> = self.open.iter().collect();
        cursors.sort_by_key(|(_, cursor)| cursor.number);
        let shown = cursors.into_iter().map(|(name, cursor)| CursorShown {
            name: name.clone(),
            statement: cursor.statement.clone(),
            holdable: cursor.hold,
            binary: cursor.binary,
            scrollable: cursor.scroll,
            created: cursor.created,
        });
        shown.collect()
    }
}

impl Inner {
    fn cursors(&self) -> MutexGuard<'_, Cursors> {
        self.cursors.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// DECLARE: plans the query and begins it.
    pub(super) async fn declare(
        self: &Arc<Self>,
        statement: &Statement,
        values: Vec<ScalarValue>,
        prepared: Option<&Prepared>,
    ) -> Result<Response> {
        let Some(Command::Declare {
            name,
            binary,
            scroll,
            hold,
            ..
        }) = command(statement.ast())
        else {
            return Err(super::refuse(statement));
        };
        if !hold && !self.in_transaction() {
            return Err(Error::NoTransaction("DECLARE CURSOR"));
        }
        {
            let cursors = self.cursors();
            if cursors.open.contains_key(&name) {
                return Err(Error::DuplicateCursor(name));
            }
            if cursors.open.len() >= CURSORS {
                return Err(Error::LimitExceeded(format!(
                    "too many cursors: a session has at most {CURSORS}; CLOSE those that are not needed any more"
                )));
            }
        }
        let body = body(statement)?;
        let locks = radlake_sql::query::row_locks(body.ast());
        if let Some(lock) = locks.first() {
            let kind = if hold {
                "DECLARE CURSOR WITH HOLD"
            } else {
                "DECLARE SCROLL CURSOR"
            };
            if hold || scroll == Some(true) {
                return Err(Error::unsupported(format!(
                    "{kind} ... FOR {} is not supported; cursors that lock rows are plain ones",
                    lock.lock_type
                )));
            }
        }
        let locking = self.locking(&locks)?;
        self.facts.began(statement.text());
        // Before it is planned: what is revoked meanwhile is not given.
        let rights = self.lake().known();
        // It lasts longer than the statement, whose time and cancel are not its own.
        let (guard, apart) = (self.guard(), Guard::apart(&self.lakehouse.resources().lanes));
        let (this, query, prepared) = (Arc::clone(self), body.clone(), prepared.cloned());
        let begun = apart.run(async move {
            let (key, planner) = this.planner().await?;
            let plan = this
                .logical(&planner, &key, &query, prepared.as_ref(), values)
                .await?;
            let tables = tables_read(&plan)?;
            if locking {
                this.lock_rows(&planner, &plan)?;
            }
            let (stream, schema) = planner.stream(&plan).await?;
            Ok((stream, schema, tables))
        });
        let (stream, schema, tables) = tokio::select! {
            biased;
            stopped = guard.stopped() => return Err(stopped),
            begun = begun => begun?,
        };
        let Response::Rows { schema, stream } = rows::guarded(Arc::clone(self), apart, schema, stream) else {
            return Err(Error::internal("a query gave no rows"));
        };
        let schema = match binary {
            true => {
                let metadata = [(BINARY.to_owned(), "true".to_owned())].into();
                Arc::new(Schema::new_with_metadata(schema.fields().clone(), metadata))
            }
            false => schema,
        };
        let scroll = scroll == Some(true);
        let mut cursor = Cursor {
            statement: statement.text().to_owned(),
            schema,
            rows: Some(stream),
            kept: Kept::new(self.lakehouse.resources().spill_folder()),
            place: Place::default(),
            scroll,
            hold,
            binary,
            created: Utc::now(),
            number: 0,
            standing: Some(self.standing_of(rights, tables)),
        };
        // Without BEGIN its transaction ends with the statement.
        if hold && !self.in_transaction() {
            cursor.hold_rows(self, &guard).await?;
        }
        let mut cursors = self.cursors();
        cursors.declared += 1;
        cursor.number = cursors.declared;
        cursors.open.insert(name, cursor);
        drop(cursors);
        self.show_cursors();
        Ok(Response::Command {
            tag: "DECLARE CURSOR".to_owned(),
        })
    }

    /// FETCH and MOVE. The cursor is taken out while it moves: one that fails is gone, as its transaction is.
    pub(super) async fn fetch(
        self: &Arc<Self>,
        name: String,
        direction: Direction,
        moves: bool,
    ) -> Result<Response> {
        let guard = self.guard();
        let cursor = self.cursors().open.remove(&name);
        let mut cursor = cursor.ok_or_else(|| Error::UndefinedCursor(name.clone()))?;
        let outcome = cursor.go(self, &guard, direction).await;
        let span = match outcome {
            Ok(span) => span,
            // Where it cannot go it stays; what it could not compute it never will.
            Err(error @ Error::NotScrollable) => {
                self.cursors().open.insert(name, cursor);
                return Err(error);
            }
            Err(error) => {
                self.show_cursors();
                return Err(error);
            }
        };
        if !moves {
            return Ok(giving(Arc::clone(self), guard, name, cursor, span));
        }
        let mut count = 0;
        let mut span = span;
        loop {
            match cursor.next(&guard, &mut span).await {
                Ok(Some(batch)) => count += batch.num_rows(),
                Ok(None) => break,
                Err(error) => {
                    self.show_cursors();
                    return Err(error);
                }
            }
        }
        self.cursors().open.insert(name, cursor);
        Ok(Response::Command {
            tag: format!("MOVE {count}"),
        })
    }

    /// The columns of a cursor.
    pub(super) fn cursor_columns(&self, name: &str) -> Result<SchemaRef> {
        let cursors = self.cursors();
        let cursor = cursors.open.get(name);
        cursor
            .map(|cursor| Arc::clone(&cursor.schema))
            .ok_or_else(|| Error::UndefinedCursor(name.to_owned()))
    }

    /// CLOSE; `None` is ALL.
    pub(super) fn close(&self, name: Option<&str>) -> Result<&'static str> {
        // Dropped when nobody holds the lock any more: what they are is told by what is left.
        let closed: Vec<Cursor> = match name {
            None => self.cursors().open.drain().map(|(_, cursor)| cursor).collect(),
            Some(name) => self.cursors().open.remove(name).into_iter().collect(),
        };
        self.show_cursors();
        match name {
            None => Ok("CLOSE CURSOR ALL"),
            Some(_) if !closed.is_empty() => Ok("CLOSE CURSOR"),
            Some(name) => Err(Error::UndefinedCursor(name.to_owned())),
        }
    }

    /// The number of the cursor that was declared last: what a savepoint remembers.
    pub(super) fn cursors_declared(&self) -> u64 {
        self.cursors().declared
    }

    /// ROLLBACK, to a savepoint or whole: what was declared since is gone.
    pub(super) fn close_cursors_since(&self, number: u64) {
        self.cursors().open.retain(|_, cursor| cursor.number <= number);
        self.show_cursors();
    }

    /// COMMIT: cursors end, except those that hold their rows.
    ///
    /// # Errors
    /// Those of the rows that are computed now.
    pub(super) async fn commit_cursors(&self) -> Result<()> {
        let mut held = BTreeMap::new();
        {
            let mut cursors = self.cursors();
            cursors.open.retain(|_, cursor| cursor.hold);
            let unfinished = cursors.open.iter().filter(|(_, cursor)| cursor.rows.is_some());
            let names: Vec<String> = unfinished.map(|(name, _)| name.clone()).collect();
            for name in names {
                if let Some(cursor) = cursors.open.remove(&name) {
                    held.insert(name, cursor);
                }
            }
        }
        if held.is_empty() {
            self.show_cursors();
            return Ok(());
        }
        let guard = self.guard();
        for (name, mut cursor) in held {
            cursor.hold_rows(self, &guard).await?;
            self.cursors().open.insert(name, cursor);
        }
        self.show_cursors();
        Ok(())
    }

    fn show_cursors(&self) {
        let shown = self.cursors().shown();
        self.facts.show_cursors(shown);
    }
}

/// The query of a DECLARE, as a statement.
///
/// # Errors
/// [`Error::Unsupported`] for one that changes rows.
pub(super) fn body(statement: &Statement) -> Result<Statement> {
    let Some(Command::Declare { query, .. }) = command(statement.ast()) else {
        return Err(super::refuse(statement));
    };
    let body = statement.within(ast::Statement::Query(query));
    match body.kind() {
        Kind::Query => Ok(body),
        _ => Err(Error::unsupported("a cursor over a query that changes rows")),
    }
}

impl Cursor {
    /// Where a direction leads, and which rows that gives.
    async fn go(&mut self, inner: &Inner, guard: &Guard, direction: Direction) -> Result<Span> {
        if let Some(standing) = &self.standing {
            inner.still_stands(standing).await?;
        }
        // From the end, which has to be known.
        if matches!(direction, Direction::Absolute(row) if row < 0) {
            if !self.scroll {
                return Err(Error::NotScrollable);
            }
            while self.read(guard).await? {}
        }
        let span = self.place.span(direction, self.kept.rows());
        match self.scroll || self.place.is_ahead(&span) {
            true => Ok(span),
            false => Err(Error::NotScrollable),
        }
    }

    /// Reads one more batch; false at the end.
    async fn read(&mut self, guard: &Guard) -> Result<bool> {
        let Some(rows) = &mut self.rows else {
            return Ok(false);
        };
        let batch = tokio::select! {
            biased;
            stopped = guard.stopped() => return Err(stopped),
            batch = rows.next() => batch,
        };
        match batch {
            Some(batch) => {
                self.kept.push(batch.map_err(Error::from)?)?;
                Ok(true)
            }
            None => {
                self.rows = None;
                self.standing = None;
                Ok(false)
            }
        }
    }

    /// The next rows of a span; none when it is done, and the cursor where it leads.
    async fn next(&mut self, guard: &Guard, span: &mut Span) -> Result<Option<RecordBatch>> {
        while let Some(row) = span.next() {
            if !self.scroll {
                self.kept.forget_before(row);
            }
            if row < self.kept.rows() {
                let batch = self.kept.from(row, span.wanted(), span.goes_back())?;
                span.took(batch.num_rows() as u64);
                return rows::relabelled(&batch, &self.schema).map(Some);
            }
            if !self.read(guard).await? {
                span.ends();
            }
        }
        self.place.reach(span, self.kept.rows());
        Ok(None)
    }

    /// Computes all that is left, so that the transaction can end.
    async fn hold_rows(&mut self, inner: &Inner, guard: &Guard) -> Result<()> {
        if let Some(standing) = &self.standing {
            inner.still_stands(standing).await?;
        }
        while self.read(guard).await? {}
        Ok(())
    }
}

/// Rows of a FETCH as they are computed; the cursor comes back with the last of them.
fn giving(inner: Arc<Inner>, guard: Guard, name: String, cursor: Cursor, span: Span) -> Response {
    let schema = Arc::clone(&cursor.schema);
    let state = Some((inner, guard, name, cursor, span));
    let stream = futures::stream::unfold(state, |state| async {
        let (inner, guard, name, mut cursor, mut span) = state?;
        match cursor.next(&guard, &mut span).await {
            Ok(Some(batch)) => Some((Ok(batch), Some((inner, guard, name, cursor, span)))),
            Ok(None) => {
                inner.cursors().open.insert(name, cursor);
                None
            }
            Err(error) => {
                inner.failed();
                inner.show_cursors();
                Some((Err(DataFusionError::from(error)), None))
            }
        }
    });
    let stream: std::pin::Pin<Box<dyn futures::Stream<Item = _> + Send>> = Box::pin(stream);
    Response::Rows {
        schema: Arc::clone(&schema),
        stream: Box::pin(RecordBatchStreamAdapter::new(schema, stream)),
    }
}
