//! The session's own statements.

use std::sync::{Arc, PoisonError};

use arrow::array::{RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::ScalarValue;
use radlake_catalogs::{Temporary, Transaction as Work};
use radlake_sql::Statement;
use radlake_sql::ast;
use radlake_sql::session::{Command, command};

use super::facts::{ROLE, SESSION_AUTHORIZATION};
use super::{Inner, Response, refusal, rows};
use crate::pg_catalog::{PgTypePlanner, preset};
use crate::{Error, Result};
use datafusion::logical_expr::planner::TypePlanner;

/// The columns of a command's result, if it has rows.
pub(super) fn columns(inner: &Inner, statement: &Statement) -> Result<Option<SchemaRef>> {
    Ok(match command(statement.ast()) {
        Some(Command::Show(name)) => Some(text_columns(&[&spelled(inner, &name)?])),
        Some(Command::Call(procedure)) => Some(crate::upkeep::columns(&procedure)?),
        Some(Command::Fetch {
            cursor, moves: false, ..
        }) => Some(inner.cursor_columns(&cursor)?),
        Some(Command::ShowAll) => Some(text_columns(&["name", "setting", "description"])),
        Some(Command::Execute { name, .. }) => match inner.prepared().get(&name) {
            Some(prepared) => prepared.columns(),
            None => return Err(Error::UndefinedStatement(name)),
        },
        _ => None,
    })
}

pub(super) async fn run(inner: &Arc<Inner>, statement: &Statement) -> Result<Response> {
    let Some(command) = command(statement.ast()) else {
        return Err(refusal::refuse(statement));
    };
    inner.facts.began(statement.text());
    let tag = match command {
        Command::Call(procedure) => return Box::pin(crate::upkeep::run(inner, procedure)).await,
        Command::Set { name, value, local } => {
            Box::pin(check_epoch(inner, &name, value.as_deref())).await?;
            set(inner, &name, value.as_deref(), local)?;
            "SET"
        }
        Command::Reset(name) => {
            set(inner, &name, None, false)?;
            "RESET"
        }
        Command::ResetAll => {
            inner.facts.settings().reset_all();
            "RESET"
        }
        Command::Show(name) => return show(inner, &name),
        Command::ShowAll => return show_all(inner),
        Command::Begin {
            read_only,
            isolation,
            tag,
        } => {
            begin(inner, read_only, isolation)?;
            tag
        }
        Command::Transaction {
            read_only,
            isolation,
            session,
        } => {
            characteristics(inner, read_only, isolation, session)?;
            "SET"
        }
        Command::Commit { chain } => end(inner, true, chain).await?,
        Command::Rollback { chain } => end(inner, false, chain).await?,
        Command::Savepoint(name) => {
            let settings = inner.facts.settings().snapshot();
            let (cursors, said) = (inner.cursors_declared(), inner.facts.member.mark());
            inner.transaction().savepoint(name, settings, cursors, said)?;
            "SAVEPOINT"
        }
        Command::Release(name) => {
            inner.transaction().release(&name)?;
            "RELEASE"
        }
        Command::RollbackTo(name) => {
            let (settings, cursors, said) = inner.transaction().roll_back_to(&name)?;
            inner.facts.member.back_to(said);
            inner.facts.settings().roll_back_to(settings);
            inner.close_cursors_since(cursors);
            "ROLLBACK"
        }
        Command::Discard(what) => {
            discard(inner, what)?;
            return Ok(Response::Command {
                tag: format!("DISCARD {what}"),
            });
        }
        Command::Prepare {
            name,
            types,
            statement: body,
        } => {
            prepare(inner, name, &types, &statement.within(*body)).await?;
            "PREPARE"
        }
        Command::Execute { name, values } => return execute(inner, statement, name, values).await,
        Command::Declare { .. } => return Box::pin(inner.declare(statement, Vec::new(), None)).await,
        Command::Fetch {
            cursor,
            direction,
            moves,
        } => return Box::pin(inner.fetch(cursor, direction, moves)).await,
        Command::Close(name) => inner.close(name.as_deref())?,
        Command::Listen(channel) => {
            inner.facts.member.listen(&channel);
            "LISTEN"
        }
        Command::Notify { channel, payload } => {
            inner.facts.member.notify(&channel, &payload)?;
            "NOTIFY"
        }
        Command::Unlisten(channel) => {
            inner.facts.member.unlisten(channel.as_deref());
            "UNLISTEN"
        }
        Command::Deallocate(None) => {
            inner.prepared().clear();
            "DEALLOCATE ALL"
        }
        Command::Deallocate(Some(name)) => match inner.prepared().remove(&name) {
            Some(_) => "DEALLOCATE",
            None => return Err(Error::UndefinedStatement(name)),
        },
        _ => return Err(refusal::refuse(statement)),
    };
    Ok(Response::Command { tag: tag.to_owned() })
}

/// An epoch that cannot be read is refused when it is chosen, and not within a transaction that has written.
async fn check_epoch(inner: &Inner, name: &str, value: Option<&str>) -> Result<()> {
    let chosen = value.filter(|_| name == "radlake.epoch");
    let Some(number) = chosen.and_then(|value| value.parse::<u64>().ok()) else {
        return Ok(());
    };
    if inner.transaction().work.is_some() {
        return Err(Error::ActiveTransaction("SET radlake.epoch"));
    }
    inner.lake().at(number).await?;
    Ok(())
}

fn set(inner: &Inner, name: &str, value: Option<&str>, local: bool) -> Result<()> {
    // Outside a transaction a local value would end at once.
    if local && !inner.transaction().is_open() {
        return Ok(());
    }
    if name.eq_ignore_ascii_case(ROLE) || name.eq_ignore_ascii_case(SESSION_AUTHORIZATION) {
        return inner.act_as(&name.to_ascii_lowercase(), value, local);
    }
    match inner.facts.set(name, value, local) {
        // What tunes things that are not here may be set to no effect.
        Err(Error::UndefinedSetting(name)) => match preset(&name) {
            Some(preset) if preset.settable => Ok(()),
            Some(preset) => Err(Error::FixedSetting(preset.name.to_owned())),
            None => Err(Error::UndefinedSetting(name)),
        },
        set => set.map(|_| ()),
    }
}

fn spelled(inner: &Inner, name: &str) -> Result<String> {
    if inner.facts.setting(name).is_none() {
        return match preset(name) {
            Some(preset) => Ok(preset.name.to_owned()),
            None => Err(Error::UndefinedSetting(name.to_owned())),
        };
    }
    Ok(crate::settings::declared(name).map_or_else(|| name.to_owned(), |setting| setting.name.to_owned()))
}

fn show(inner: &Inner, name: &str) -> Result<Response> {
    let spelled = spelled(inner, name)?;
    let value = inner
        .facts
        .setting(name)
        .or_else(|| preset(name).map(|preset| preset.value.to_owned()));
    text_rows(&[&spelled], &[vec![value.unwrap_or_default()]])
}

fn show_all(inner: &Inner) -> Result<Response> {
    let settings = inner.facts.settings().list();
    let rows: Vec<Vec<String>> = settings
        .into_iter()
        .map(|s| vec![s.name, s.value, s.description.to_owned()])
        .collect();
    text_rows(&["name", "setting", "description"], &rows)
}

fn begin(inner: &Inner, read_only: Option<bool>, isolation: Option<&'static str>) -> Result<()> {
    if inner.transaction().is_open() {
        // PostgreSQL warns and goes on; the server says so. What came before in the same text becomes a part of it.
        inner.transaction().make_explicit();
        return characteristics(inner, read_only, isolation, false);
    }
    open(inner, false, read_only, isolation)
}

/// Begins the transaction that the statements of one text share.
pub(super) fn begin_implicit(inner: &Inner) -> Result<()> {
    let begun = inner.transaction().is_open();
    if begun {
        return Ok(());
    }
    open(inner, true, None, None)
}

/// Commits the transaction that the statements of one text share, if it is still that.
pub(super) async fn end_implicit(inner: &Inner) -> Result<()> {
    let implicit = inner.transaction().is_implicit();
    if implicit {
        end(inner, true, false).await?;
    }
    Ok(())
}

fn open(
    inner: &Inner,
    implicit: bool,
    read_only: Option<bool>,
    isolation: Option<&'static str>,
) -> Result<()> {
    let cursors = inner.cursors_declared();
    inner.transaction().begin(implicit, cursors);
    inner.facts.settings().begin();
    let default = |name: &str| inner.facts.setting(name);
    let isolation = isolation
        .map(str::to_owned)
        .or_else(|| default("default_transaction_isolation"));
    let read_only = match read_only {
        Some(read_only) => Some(on_off(read_only).to_owned()),
        None => default("default_transaction_read_only"),
    };
    inner
        .facts
        .set("transaction_isolation", isolation.as_deref(), true)?;
    inner
        .facts
        .set("transaction_read_only", read_only.as_deref(), true)?;
    Ok(())
}

fn characteristics(
    inner: &Inner,
    read_only: Option<bool>,
    isolation: Option<&'static str>,
    session: bool,
) -> Result<()> {
    let (prefix, local) = if session { ("default_", false) } else { ("", true) };
    if local && !inner.transaction().is_open() {
        return Ok(());
    }
    if local {
        may_change(inner, read_only, isolation)?;
    }
    if let Some(isolation) = isolation {
        inner
            .facts
            .set(&format!("{prefix}transaction_isolation"), Some(isolation), local)?;
    }
    if let Some(read_only) = read_only {
        inner.facts.set(
            &format!("{prefix}transaction_read_only"),
            Some(on_off(read_only)),
            local,
        )?;
    }
    Ok(())
}

/// What a transaction has read cannot have been read otherwise.
fn may_change(inner: &Inner, read_only: Option<bool>, isolation: Option<&'static str>) -> Result<()> {
    let (started, nested) = {
        let transaction = inner.transaction();
        (transaction.started, transaction.is_nested())
    };
    let differs = |name: &str, wanted: &str| inner.facts.setting(name).as_deref() != Some(wanted);
    if isolation.is_some_and(|level| differs("transaction_isolation", level)) {
        if started {
            return Err(Error::TooLate(
                "SET TRANSACTION ISOLATION LEVEL must be called before any query",
            ));
        }
        if nested {
            return Err(Error::TooLate(
                "SET TRANSACTION ISOLATION LEVEL must not be called in a subtransaction",
            ));
        }
    }
    if read_only == Some(false) && differs("transaction_read_only", "off") && started {
        return Err(Error::TooLate(
            "transaction read-write mode must be set before any query",
        ));
    }
    Ok(())
}

fn on_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

async fn end(inner: &Inner, commit: bool, chain: bool) -> Result<&'static str> {
    let (open, implicit, failed) = {
        let transaction = inner.transaction();
        (
            transaction.is_open(),
            transaction.is_implicit(),
            transaction.status() == super::TransactionStatus::Failed,
        )
    };
    if chain && (!open || implicit) {
        return Err(Error::NoTransaction(if commit {
            "COMMIT AND CHAIN"
        } else {
            "ROLLBACK AND CHAIN"
        }));
    }
    let mut committed = commit && !failed;
    let cursors = inner.transaction().cursors;
    let mut lost = None;
    if open && committed {
        // Rows that are held are computed before anything is published: an error among them takes all back.
        if let Err(error) = inner.commit_cursors().await {
            (committed, lost) = (false, Some(error));
        }
    }
    let kept = ["transaction_isolation", "transaction_read_only"].map(|name| inner.facts.setting(name));
    let reads = Arc::clone(&inner.transaction().reads);
    let mut work = inner.transaction().end();
    if let Some(work) = &mut work {
        // Only a serializable one has any.
        for oid in reads.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            work.reads(*oid);
        }
    }
    let published = match work {
        Some(mut work) if committed => match settled(inner, &mut work).await {
            Ok(temporary) => inner
                .lake()
                .commit(work)
                .await
                .map(|_| inner.keep_temporary(temporary)),
            Err(error) => Err(error),
        },
        _ => Ok(()),
    };
    if let Err(error) = published {
        inner.facts.settings().end(false);
        inner.close_cursors_since(cursors);
        inner.facts.ended(false);
        return Err(match Error::from(error) {
            Error::InDoubt(message) => Error::CommitInDoubt(message),
            error => error,
        });
    }
    if open {
        inner.facts.settings().end(committed);
        inner.facts.ended(committed);
        if !committed {
            inner.close_cursors_since(cursors);
        }
    }
    if let Some(error) = lost {
        return Err(error);
    }
    if chain {
        begin(inner, None, None)?;
        let [isolation, read_only] = kept;
        inner
            .facts
            .set("transaction_isolation", isolation.as_deref(), true)?;
        inner
            .facts
            .set("transaction_read_only", read_only.as_deref(), true)?;
    }
    Ok(if committed || commit && !open {
        "COMMIT"
    } else {
        "ROLLBACK"
    })
}

/// What a transaction's sequences have come to goes with it, and what is temporary stays with the session.
async fn settled(inner: &Inner, work: &mut Work) -> radlake_catalogs::Result<Option<Temporary>> {
    crate::write::sequence::settle(inner, work)?;
    work.leave_temporary().await
}

fn discard(inner: &Inner, what: &str) -> Result<()> {
    if what == "ALL" {
        if inner.transaction().is_open() {
            return Err(Error::ActiveTransaction("DISCARD ALL"));
        }
        inner.act_as(SESSION_AUTHORIZATION, None, false)?;
        inner.prepared().clear();
        inner.close(None)?;
        inner.facts.member.leave();
        inner.facts.settings().reset_all();
    }
    if matches!(what, "ALL" | "SEQUENCES") {
        inner.facts.sequences.forget();
    }
    if matches!(what, "ALL" | "TEMP") {
        // What the open transaction has made of them would come back with its end.
        if inner.transaction().is_open() {
            return Err(Error::ActiveTransaction("DISCARD TEMP"));
        }
        inner.discard_temporary();
    }
    Ok(())
}

async fn prepare(inner: &Arc<Inner>, name: String, types: &[ast::DataType], body: &Statement) -> Result<()> {
    if inner.prepared().contains_key(&name) {
        return Err(Error::DuplicateStatement(name));
    }
    room(inner, body)?;
    let types = types
        .iter()
        .map(|sql_type| data_type(inner, sql_type))
        .collect::<Result<Vec<_>>>()?;
    let prepared = Box::pin(inner.prepare(body, &types)).await?;
    inner.prepared().insert(name, Arc::new(prepared));
    Ok(())
}

/// Whether the session may keep one more statement.
fn room(inner: &Inner, body: &Statement) -> Result<()> {
    const STATEMENTS: usize = 10_000;
    const BYTES: usize = 32 << 20;
    let prepared = inner.prepared();
    let texts = prepared
        .values()
        .map(|prepared| prepared.statement().text().len());
    let reason = if prepared.len() >= STATEMENTS {
        format!("at most {STATEMENTS}")
    } else if texts.sum::<usize>() + body.text().len() > BYTES {
        format!("at most {} MiB", BYTES >> 20)
    } else {
        return Ok(());
    };
    Err(Error::LimitExceeded(format!(
        "too many prepared statements: a session keeps {reason}; DEALLOCATE those that are not needed any more"
    )))
}

/// The Arrow type of a declared parameter; `unknown` leaves it open.
fn data_type(_inner: &Inner, sql_type: &ast::DataType) -> Result<Option<DataType>> {
    let text = sql_type.to_string().to_lowercase();
    if text == "unknown" {
        return Ok(None);
    }
    if let Some(field) = PgTypePlanner.plan_type_field(sql_type)? {
        return Ok(Some(field.data_type().clone()));
    }
    // Names that SQL has words for are spelled in many ways: the catalog knows them by one.
    let custom = ast::DataType::Custom(
        ast::ObjectName(vec![ast::ObjectNamePart::Identifier(ast::Ident::new(
            text.clone(),
        ))]),
        Vec::new(),
    );
    match PgTypePlanner.plan_type_field(&custom)? {
        Some(field) => Ok(Some(field.data_type().clone())),
        None => Err(Error::UndefinedObject {
            kind: "type",
            name: text,
        }),
    }
}

async fn execute(
    inner: &Arc<Inner>,
    statement: &Statement,
    name: String,
    values: Vec<ast::Expr>,
) -> Result<Response> {
    let Some(prepared) = inner.prepared().get(&name).cloned() else {
        return Err(Error::UndefinedStatement(name));
    };
    let expected = prepared.param_types().len();
    if values.len() != expected {
        return Err(Error::Syntax {
            message: format!(
                "wrong number of parameters for prepared statement \"{name}\": expected {expected}, got {}",
                values.len()
            ),
            position: None,
        });
    }
    let mut scalars: Vec<ScalarValue> = Vec::with_capacity(values.len());
    for (value, data_type) in values.into_iter().zip(prepared.param_types()) {
        scalars.push(inner.evaluate(statement, value, data_type).await?);
    }
    Box::pin(inner.execute(&prepared, scalars)).await
}

fn text_columns(names: &[&str]) -> SchemaRef {
    Arc::new(Schema::new(
        names
            .iter()
            .map(|name| Field::new(*name, DataType::Utf8, true))
            .collect::<Vec<_>>(),
    ))
}

fn text_rows(names: &[&str], rows: &[Vec<String>]) -> Result<Response> {
    let column = |index: usize| -> Arc<dyn arrow::array::Array> {
        Arc::new(
            rows.iter()
                .map(|row| row.get(index).map(String::as_str))
                .collect::<StringArray>(),
        )
    };
    let batch = RecordBatch::try_new(text_columns(names), (0..names.len()).map(column).collect())
        .map_err(|error| Error::internal(format!("rows of SHOW: {error}")))?;
    Ok(rows::ready(batch))
}
