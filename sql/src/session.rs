//! The session's own statements: settings, transactions, prepared statements.

use sqlparser::ast::{
    CloseCursor, ContextModifier, DataType, Declare, DeclareType, DiscardObject, Expr, Function, FunctionArg,
    FunctionArgExpr, FunctionArguments, Ident, ObjectName, Query, Reset, Set,
    SetSessionAuthorizationParamKind, Statement, TransactionAccessMode, TransactionIsolationLevel,
    TransactionMode, UnaryOperator, Value,
};

use crate::extend::FETCH;

/// A procedure of the schema `radlake`, with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Procedure {
    /// Its name, in lower case.
    pub name: String,
    /// The table, as SQL writes it; all of them if there is none.
    pub table: Option<String>,
    /// `dry_run => …`, if said.
    pub dry_run: Option<bool>,
    /// Other arguments by name: texts, or NULL.
    pub named: Vec<(String, Option<String>)>,
}

/// Where FETCH and MOVE go from where a cursor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// So many rows on; negative ones back, none for the row where it is.
    Forward(i64),
    /// To the end.
    ForwardAll,
    /// To the beginning, backwards.
    BackwardAll,
    /// To the row of that number, from 1; negative ones count from the end, 0 is before the first.
    Absolute(i64),
    /// To the row that is so many further on.
    Relative(i64),
}

/// A statement of the session, out of its syntax tree.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Command {
    /// `SET [LOCAL] name = value`; `None` is DEFAULT.
    Set {
        /// Setting, in lower case.
        name: String,
        /// Its new value, lists joined by ", ".
        value: Option<String>,
        /// True if the transaction's end takes it back.
        local: bool,
    },
    /// `SHOW name`.
    Show(String),
    /// `SHOW ALL`.
    ShowAll,
    /// `RESET name`.
    Reset(String),
    /// `RESET ALL`.
    ResetAll,
    /// `BEGIN`, `START TRANSACTION`.
    Begin {
        /// `READ ONLY` (true) or `READ WRITE` (false), if said.
        read_only: Option<bool>,
        /// The isolation level in PostgreSQL's words, if said.
        isolation: Option<&'static str>,
        /// The tag: PostgreSQL answers with the word that was used.
        tag: &'static str,
    },
    /// `SET TRANSACTION`, or `SET SESSION CHARACTERISTICS AS TRANSACTION`.
    Transaction {
        /// `READ ONLY` (true) or `READ WRITE` (false), if said.
        read_only: Option<bool>,
        /// The isolation level in PostgreSQL's words, if said.
        isolation: Option<&'static str>,
        /// True for the session's later transactions, false for the current one.
        session: bool,
    },
    /// `COMMIT`, `END`.
    Commit {
        /// `AND CHAIN`: another transaction begins.
        chain: bool,
    },
    /// `ROLLBACK`, `ABORT`.
    Rollback {
        /// `AND CHAIN`: another transaction begins.
        chain: bool,
    },
    /// `SAVEPOINT name`.
    Savepoint(String),
    /// `RELEASE SAVEPOINT name`.
    Release(String),
    /// `ROLLBACK TO SAVEPOINT name`.
    RollbackTo(String),
    /// `DISCARD ALL | PLANS | SEQUENCES | TEMP`.
    Discard(&'static str),
    /// `PREPARE name (types) AS statement`.
    Prepare {
        /// Its name.
        name: String,
        /// Declared types of the parameters; may be fewer than there are.
        types: Vec<DataType>,
        /// What it runs.
        statement: Box<Statement>,
    },
    /// `EXECUTE name (values)`.
    Execute {
        /// Its name.
        name: String,
        /// Expressions for the parameters.
        values: Vec<Expr>,
    },
    /// `CALL radlake.name(…)`.
    Call(Procedure),
    /// `DEALLOCATE name`; `None` is ALL.
    Deallocate(Option<String>),
    /// `DECLARE name CURSOR FOR query`.
    Declare {
        /// Its name.
        name: String,
        /// Rows come in the binary format.
        binary: bool,
        /// `SCROLL` (true) or `NO SCROLL` (false), if said.
        scroll: Option<bool>,
        /// It outlives its transaction.
        hold: bool,
        /// What it runs.
        query: Box<Query>,
    },
    /// `FETCH`, `MOVE`.
    Fetch {
        /// The cursor.
        cursor: String,
        /// Which rows.
        direction: Direction,
        /// MOVE: without giving them.
        moves: bool,
    },
    /// `CLOSE name`; `None` is ALL.
    Close(Option<String>),
    /// `UNLISTEN channel`; `None` is all.
    Unlisten(Option<String>),
    /// `LISTEN channel`.
    Listen(String),
    /// `NOTIFY channel, 'payload'`.
    Notify {
        /// The channel.
        channel: String,
        /// What it says; may be empty.
        payload: String,
    },
}

/// True if [`command`] may know it.
pub(crate) fn is_session(ast: &Statement) -> bool {
    match ast {
        Statement::Set(_)
        | Statement::ShowVariable { .. }
        | Statement::ShowTables { .. }
        | Statement::ShowSchemas { .. }
        | Statement::ShowDatabases { .. }
        | Statement::Reset(_)
        | Statement::StartTransaction { .. }
        | Statement::Commit { .. }
        | Statement::Rollback { .. }
        | Statement::Savepoint { .. }
        | Statement::ReleaseSavepoint { .. }
        | Statement::Discard { .. }
        | Statement::Prepare { .. }
        | Statement::Execute { .. }
        | Statement::Deallocate { .. }
        | Statement::Close { .. }
        | Statement::LISTEN { .. }
        | Statement::NOTIFY { .. }
        | Statement::UNLISTEN { .. } => true,
        Statement::Declare { stmts } => declared(stmts).is_some(),
        // Some calls stand for statements that write.
        Statement::Call(_) => crate::extend::procedure(ast).is_none_or(|(name, _)| name == FETCH),
        _ => false,
    }
}

/// A call of one of ours; `None` for others, and for arguments that are no literals.
fn procedure(function: &Function) -> Option<Procedure> {
    let [schema, name] = function.name.0.as_slice() else {
        return None;
    };
    if folded(schema.as_ident()?) != "radlake" {
        return None;
    }
    let mut procedure = Procedure {
        name: folded(name.as_ident()?),
        table: None,
        dry_run: None,
        named: Vec::new(),
    };
    // They say by name what is meant.
    let by_name = matches!(procedure.name.as_str(), "forget" | "holdings");
    let arguments = match &function.args {
        FunctionArguments::None => &[],
        FunctionArguments::List(list) => list.args.as_slice(),
        FunctionArguments::Subquery(_) => return None,
    };
    for (place, argument) in arguments.iter().enumerate() {
        let (name, value) = match argument {
            FunctionArg::Unnamed(value) => (["table", "dry_run"].get(place)?.to_string(), value),
            FunctionArg::Named { name, arg, .. } => (folded(name), arg),
            FunctionArg::ExprNamed { .. } => return None,
        };
        let FunctionArgExpr::Expr(Expr::Value(value)) = value else {
            return None;
        };
        match (name.as_str(), &value.value) {
            ("table", Value::SingleQuotedString(table)) => procedure.table = Some(table.clone()),
            ("table", Value::Null) => {}
            ("dry_run", Value::Boolean(dry)) => procedure.dry_run = Some(*dry),
            (_, Value::SingleQuotedString(text)) if by_name => {
                procedure.named.push((name, Some(text.clone())));
            }
            (_, Value::Null) if by_name => procedure.named.push((name, None)),
            _ => return None,
        }
    }
    Some(procedure)
}

/// The session's statement as a command; `None` if it is none, or has parts that PostgreSQL has not.
#[must_use]
pub fn command(ast: &Statement) -> Option<Command> {
    Some(match ast {
        Statement::Set(set) => set_command(set)?,
        Statement::Call(function) => match crate::extend::procedure(ast) {
            Some((FETCH, arguments)) => fetch(&arguments)?,
            _ => Command::Call(procedure(function)?),
        },
        Statement::Declare { stmts } => declared(stmts)?,
        Statement::ShowVariable { variable } => show(variable)?,
        Statement::Reset(reset) => match &reset.reset {
            Reset::ALL => Command::ResetAll,
            Reset::ConfigurationParameter(name) => Command::Reset(dotted(name)),
        },
        Statement::StartTransaction {
            modes,
            begin,
            statements,
            ..
        } if statements.is_empty() => {
            let tag = if *begin { "BEGIN" } else { "START TRANSACTION" };
            Command::Begin {
                read_only: read_only(modes),
                isolation: isolation(modes),
                tag,
            }
        }
        Statement::Commit { chain, .. } => Command::Commit { chain: *chain },
        Statement::Rollback {
            chain,
            savepoint: None,
        } => Command::Rollback { chain: *chain },
        Statement::Rollback {
            savepoint: Some(name),
            ..
        } => Command::RollbackTo(folded(name)),
        Statement::Savepoint { name } => Command::Savepoint(folded(name)),
        Statement::ReleaseSavepoint { name } => Command::Release(folded(name)),
        Statement::Discard { object_type } => Command::Discard(match object_type {
            DiscardObject::ALL => "ALL",
            DiscardObject::PLANS => "PLANS",
            DiscardObject::SEQUENCES => "SEQUENCES",
            DiscardObject::TEMP => "TEMP",
        }),
        Statement::Prepare {
            name,
            data_types,
            statement,
        } => Command::Prepare {
            name: folded(name),
            types: data_types.clone(),
            statement: statement.clone(),
        },
        Statement::Execute {
            name: Some(name),
            parameters,
            immediate: false,
            using,
            into,
            ..
        } if using.is_empty() && into.is_empty() => Command::Execute {
            name: name.0.last()?.as_ident().map(folded)?,
            values: parameters.clone(),
        },
        Statement::Deallocate { name, .. }
            if name.quote_style.is_none() && name.value.eq_ignore_ascii_case("all") =>
        {
            Command::Deallocate(None)
        }
        Statement::Deallocate { name, .. } => Command::Deallocate(Some(folded(name))),
        Statement::Close {
            cursor: CloseCursor::All,
        } => Command::Close(None),
        Statement::Close {
            cursor: CloseCursor::Specific { name },
        } => Command::Close(Some(folded(name))),
        Statement::UNLISTEN { channel } => Command::Unlisten((channel.value != "*").then(|| folded(channel))),
        Statement::LISTEN { channel } => Command::Listen(folded(channel)),
        Statement::NOTIFY { channel, payload } => Command::Notify {
            channel: folded(channel),
            payload: payload.clone().unwrap_or_default(),
        },
        _ => return None,
    })
}

/// A cursor, of the only kind of declaration that PostgreSQL has.
fn declared(declarations: &[Declare]) -> Option<Command> {
    let [declaration] = declarations else {
        return None;
    };
    let [name] = declaration.names.as_slice() else {
        return None;
    };
    let cursor = declaration.declare_type == Some(DeclareType::Cursor);
    let plain = declaration.data_type.is_none() && declaration.assignment.is_none();
    if !cursor || !plain {
        return None;
    }
    Some(Command::Declare {
        name: folded(name),
        binary: declaration.binary == Some(true),
        scroll: declaration.scroll,
        hold: declaration.hold == Some(true),
        query: declaration.for_query.clone()?,
    })
}

fn fetch(arguments: &[&Expr]) -> Option<Command> {
    let text = |at: usize| match arguments.get(at)? {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => Some(text.as_str()),
            _ => None,
        },
        _ => None,
    };
    let (verb, direction, count, cursor) = (text(0)?, text(1)?, text(2)?, text(3)?);
    let number = || count.parse::<i64>().ok();
    Some(Command::Fetch {
        cursor: cursor.to_owned(),
        direction: match (direction, count) {
            ("FORWARD", "ALL") => Direction::ForwardAll,
            ("BACKWARD", "ALL") => Direction::BackwardAll,
            ("FORWARD", _) => Direction::Forward(number()?),
            ("BACKWARD", _) => Direction::Forward(number()?.checked_neg()?),
            ("ABSOLUTE", _) => Direction::Absolute(number()?),
            _ => Direction::Relative(number()?),
        },
        moves: verb == "MOVE",
    })
}

fn set_command(set: &Set) -> Option<Command> {
    Some(match set {
        Set::SingleAssignment {
            scope,
            variable,
            values,
            hivevar: false,
        } => {
            if matches!(scope, Some(ContextModifier::Global)) {
                return None;
            }
            Command::Set {
                name: dotted(variable),
                value: setting_value(values)?,
                local: matches!(scope, Some(ContextModifier::Local)),
            }
        }
        Set::SetTimeZone { local, value } => {
            let value = match setting_value(std::slice::from_ref(value))? {
                // SET TIME ZONE LOCAL is the same as DEFAULT.
                Some(text) if text.eq_ignore_ascii_case("local") => None,
                other => other,
            };
            Command::Set {
                name: "timezone".to_owned(),
                value,
                local: *local,
            }
        }
        Set::SetNames {
            charset_name,
            collation_name: None,
        } => Command::Set {
            name: "client_encoding".to_owned(),
            value: Some(charset_name.value.clone()),
            local: false,
        },
        // Settings to PostgreSQL too, though not everybody may set them to everything.
        Set::SetRole {
            context_modifier,
            role_name,
        } => Command::Set {
            name: "role".to_owned(),
            value: Some(role_name.as_ref().map_or_else(|| "none".to_owned(), folded)),
            local: *context_modifier == Some(ContextModifier::Local),
        },
        Set::SetSessionAuthorization(authorization) => Command::Set {
            name: "session_authorization".to_owned(),
            value: match &authorization.kind {
                SetSessionAuthorizationParamKind::Default => None,
                SetSessionAuthorizationParamKind::User(role) => Some(folded(role)),
            },
            local: authorization.scope == ContextModifier::Local,
        },
        Set::SetTransaction {
            modes,
            snapshot: None,
            session,
        } => Command::Transaction {
            read_only: read_only(modes),
            isolation: isolation(modes),
            session: *session,
        },
        _ => return None,
    })
}

/// The value of a SET: `Some(None)` is DEFAULT, `None` no value that a setting can have.
fn setting_value(values: &[Expr]) -> Option<Option<String>> {
    if let [
        Expr::Identifier(Ident {
            value,
            quote_style: None,
            ..
        }),
    ] = values
        && value.eq_ignore_ascii_case("default")
    {
        return Some(None);
    }
    let texts: Option<Vec<String>> = values.iter().map(value_text).collect();
    Some(Some(texts?.join(", ")))
}

fn value_text(value: &Expr) -> Option<String> {
    match value {
        Expr::Identifier(name) => Some(folded(name)),
        Expr::CompoundIdentifier(names) => Some(names.iter().map(folded).collect::<Vec<_>>().join(".")),
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) | Value::EscapedStringLiteral(text) => Some(text.clone()),
            Value::DollarQuotedString(text) => Some(text.value.clone()),
            Value::Number(number, _) => Some(number.clone()),
            Value::Boolean(on) => Some(if *on { "true" } else { "false" }.to_owned()),
            _ => None,
        },
        Expr::UnaryOp {
            op: UnaryOperator::Minus,
            expr,
        } => Some(format!("-{}", value_text(expr)?)),
        Expr::UnaryOp {
            op: UnaryOperator::Plus,
            expr,
        } => value_text(expr),
        // SET TIME ZONE INTERVAL '+02:00' HOUR TO MINUTE
        Expr::Interval(interval) => {
            let unit = match (&interval.leading_field, &interval.last_field) {
                (Some(unit), None) => format!(" {}", unit.to_string().to_lowercase()),
                _ => String::new(),
            };
            Some(format!("interval '{}{unit}'", value_text(&interval.value)?))
        }
        _ => None,
    }
}

fn show(variable: &[Ident]) -> Option<Command> {
    let words: Vec<String> = variable.iter().map(folded).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    Some(match words.as_slice() {
        ["all"] => Command::ShowAll,
        ["time", "zone"] => Command::Show("timezone".to_owned()),
        ["transaction", "isolation", "level"] => Command::Show("transaction_isolation".to_owned()),
        ["session", "authorization"] => Command::Show("session_authorization".to_owned()),
        [] => return None,
        // The parser takes any words; a setting's name is one, perhaps with a dot.
        [name] => Command::Show((*name).to_owned()),
        words => Command::Show(words.join(".")),
    })
}

fn read_only(modes: &[TransactionMode]) -> Option<bool> {
    modes.iter().rev().find_map(|mode| match mode {
        TransactionMode::AccessMode(access) => Some(matches!(access, TransactionAccessMode::ReadOnly)),
        TransactionMode::IsolationLevel(_) => None,
    })
}

fn isolation(modes: &[TransactionMode]) -> Option<&'static str> {
    modes.iter().rev().find_map(|mode| match mode {
        TransactionMode::AccessMode(_) => None,
        TransactionMode::IsolationLevel(level) => Some(match level {
            TransactionIsolationLevel::ReadUncommitted => "read uncommitted",
            TransactionIsolationLevel::ReadCommitted => "read committed",
            TransactionIsolationLevel::RepeatableRead | TransactionIsolationLevel::Snapshot => {
                "repeatable read"
            }
            TransactionIsolationLevel::Serializable => "serializable",
        }),
    })
}

/// An identifier as PostgreSQL folds it.
fn folded(name: &Ident) -> String {
    match name.quote_style {
        Some(_) => name.value.clone(),
        None => name.value.to_lowercase(),
    }
}

fn dotted(name: &ObjectName) -> String {
    // Settings have no case, quoted or not.
    let parts = name
        .0
        .iter()
        .filter_map(|part| part.as_ident())
        .map(|part| part.value.to_lowercase());
    parts.collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests;
