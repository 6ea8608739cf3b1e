//! The simple protocol: a text of statements, run one after the other.

use pgwire::messages::response::{CommandComplete, EmptyQueryResponse, TransactionStatus};
use radlake::{Response, Statement};

use super::codec::put;
use super::connection::Connection;
use super::describe::{formats_of, put_row_description};
use super::encode::RowEncoder;
use super::rows::{Rows, Sent};
use super::running::{self, Batches};
use super::sqlstate::{Fault, put_notice, put_warning};
use super::watch::Watch;

/// Texts up to this many bytes are parsed where they arrive: sooner done than handed over.
const SHORT_TEXT: usize = 16 << 10;

impl Connection {
    /// The statements of a text. A long one is parsed on a thread of its own, as it takes a while.
    pub(super) async fn parse_text(&self, text: &str) -> Result<Vec<Statement>, Fault> {
        if text.len() <= SHORT_TEXT {
            return Ok(self.session.parse(text)?);
        }
        let (session, text) = (self.session.clone(), text.to_owned());
        let parsed = tokio::task::spawn_blocking(move || session.parse(&text));
        Ok(running::run(async { parsed.await.map_err(|_| radlake::Error::Cancelled)? }).await??)
    }

    /// Runs every statement of `text` up to the first that fails.
    pub(crate) async fn simple_query(&mut self, text: &str) -> Result<(), Fault> {
        // As in PostgreSQL, a simple query ends the unnamed statement and portal.
        self.statements.remove("");
        self.portals.remove("");
        let statements = self.parse_text(text).await?;
        if statements.is_empty() {
            put(&EmptyQueryResponse::new(), self.wire.write_buffer_mut());
        }
        for (at, statement) in statements.iter().enumerate() {
            // Several statements are one transaction, unless BEGIN and COMMIT among them say otherwise.
            if statements.len() > 1 {
                self.session.begin_implicit()?;
            }
            let last = at + 1 == statements.len();
            let before = self.status();
            let watch = self.watch(statement);
            if let Some(copy) = statement.copy() {
                let tag = Box::pin(self.copy(statement, copy, &watch)).await?;
                if last {
                    self.end_implicit().await?;
                }
                put(&CommandComplete::new(tag), self.wire.write_buffer_mut());
                continue;
            }
            match self.run_statement(statement, &watch).await? {
                Response::Rows { schema, stream } => {
                    let formats = formats_of(&schema);
                    put_row_description(&schema, &formats, self.wire.write_buffer_mut());
                    let batches = Batches::new(stream);
                    let mut rows = Rows::new(batches, RowEncoder::new(&schema, &formats, self.style()));
                    if let Sent::All(count) = rows.send(&mut self.wire, &watch, 0).await? {
                        if last {
                            self.end_implicit().await?;
                        }
                        let tag = row_tag(statement, count);
                        put(&CommandComplete::new(tag), self.wire.write_buffer_mut());
                    }
                }
                Response::Command { tag } => {
                    if last {
                        self.end_implicit().await?;
                    }
                    self.command_complete(statement, before, tag);
                }
                Response::Empty => put(&EmptyQueryResponse::new(), self.wire.write_buffer_mut()),
            }
        }
        Ok(())
    }

    /// Commits what the statements of one text or pipeline have changed.
    pub(crate) async fn end_implicit(&mut self) -> Result<(), Fault> {
        let session = self.session.clone();
        running::run(async move { session.end_implicit().await }).await??;
        Ok(())
    }

    async fn run_statement(&mut self, statement: &Statement, watch: &Watch) -> Result<Response, Fault> {
        if let Some(tag) = self.deallocate(statement) {
            return Ok(Response::Command { tag });
        }
        let (session, owned) = (self.session.clone(), statement.clone());
        let running = running::run(async move { session.run(&owned).await });
        tokio::select! {
            biased;
            response = running => Ok(response??),
            fault = watch.stopped(self.wire.get_ref()) => Err(fault),
        }
    }

    /// In a failed transaction only its end is accepted.
    pub(crate) fn check_transaction(&self, statement: &Statement) -> Result<(), Fault> {
        let ends = matches!(
            keyword(statement, 0).as_str(),
            "COMMIT" | "END" | "ROLLBACK" | "ABORT"
        );
        if self.status() == TransactionStatus::Error && !ends {
            return Err(radlake::Error::FailedTransaction.into());
        }
        Ok(())
    }

    /// Acknowledges a command; `before` is the transaction as it was before it.
    pub(crate) fn command_complete(&mut self, statement: &Statement, before: TransactionStatus, tag: String) {
        let within = before != TransactionStatus::Idle;
        let warning = match keyword(statement, 0).as_str() {
            "BEGIN" | "START" if within => Some(("25001", "there is already a transaction in progress")),
            "COMMIT" | "END" | "ROLLBACK" | "ABORT" if !within => {
                Some(("25P01", "there is no transaction in progress"))
            }
            "DISCARD" if keyword(statement, 1) == "ALL" => {
                self.statements.clear();
                self.portals.clear();
                None
            }
            _ => None,
        };
        let out = self.wire.write_buffer_mut();
        if let Some((code, message)) = warning {
            put_warning(code, message, out);
        }
        for notice in self.session.drain_notices() {
            put_notice(&notice, out);
        }
        put(&CommandComplete::new(tag), out);
    }

    /// DEALLOCATE ends what Parse made too; returns its tag if that was meant. The session knows those of PREPARE.
    pub(crate) fn deallocate(&mut self, statement: &Statement) -> Option<String> {
        if keyword(statement, 0) != "DEALLOCATE" {
            return None;
        }
        let text = statement.text().trim().trim_end_matches(';');
        let mut words = text.split_whitespace().skip(1).peekable();
        words.next_if(|word| word.eq_ignore_ascii_case("prepare"));
        let name = words.next().unwrap_or_default();
        if name.eq_ignore_ascii_case("all") {
            self.statements.clear();
            return None;
        }
        let name = match name.strip_prefix('"').and_then(|name| name.strip_suffix('"')) {
            Some(quoted) => quoted.replace("\"\"", "\""),
            None => name.to_lowercase(),
        };
        self.statements.remove(&name).map(|_| "DEALLOCATE".to_owned())
    }
}

/// The statement's n-th word in upper case.
fn keyword(statement: &Statement, index: usize) -> String {
    let words = statement
        .text()
        .split(|c: char| c.is_whitespace() || c == ';')
        .filter(|word| !word.is_empty());
    words
        .into_iter()
        .nth(index)
        .unwrap_or_default()
        .to_ascii_uppercase()
}

/// The command tag of a statement that returned `count` rows.
pub(crate) fn row_tag(statement: &Statement, count: u64) -> String {
    match statement.writes_by() {
        Some("INSERT") => return format!("INSERT 0 {count}"),
        Some(other) => return format!("{other} {count}"),
        None => {}
    }
    match keyword(statement, 0).as_str() {
        "SHOW" => "SHOW".to_owned(),
        "EXPLAIN" => "EXPLAIN".to_owned(),
        "FETCH" => format!("FETCH {count}"),
        _ => format!("SELECT {count}"),
    }
}
