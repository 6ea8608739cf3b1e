//! The extended protocol: prepared statements, portals, and rows as many as the client asks for.

use std::sync::Arc;

use arrow::datatypes::DataType;
use bytes::Bytes;
use pgwire::messages::data::NoData;
use pgwire::messages::extendedquery::{BindComplete, CloseComplete, ParseComplete, PortalSuspended};
use pgwire::messages::response::{CommandComplete, EmptyQueryResponse};
use radlake::pg_catalog::is_read_as_used;
use radlake::{Kind, Prepared, Response, ScalarValue, Standing};

use super::codec::put;
use super::connection::Connection;
use super::describe::{formats, formats_of, put_parameter_description, put_row_description};
use super::encode::{Format, RowEncoder};
use super::frontend::{Bind, Target};
use super::kept::Bounds;
use super::parameters;
use super::query::row_tag;
use super::rows::{Rows, Sent};
use super::running::{self, Batches};
use super::sqlstate::{Fault, Report};
use super::types::{UNKNOWN, arrow_type_of};
use super::watch::Watch;

/// A statement that Parse made.
pub(crate) struct Named {
    /// `None` for an empty text.
    prepared: Option<Arc<Prepared>>,
    /// The types of its parameters as the client was told, or said itself.
    oids: Vec<u32>,
}

/// A statement with its parameters, and how far it has run.
pub(crate) struct Portal {
    named: Arc<Named>,
    parameters: Vec<ScalarValue>,
    formats: Vec<Format>,
    /// Bytes that its parameters came in.
    bytes: usize,
    state: State,
}

/// Statements by name.
pub(crate) static STATEMENTS: Bounds = Bounds {
    what: "prepared statements",
    entries: 10_000,
    // Their texts; what is made of them takes many times that.
    bytes: 32 << 20,
    hint: "DEALLOCATE those that are not needed any more.",
};

/// Portals by name.
pub(crate) static PORTALS: Bounds = Bounds {
    what: "portals",
    entries: 1_000,
    // Their parameters, as long as those of one message may be.
    bytes: 256 << 20,
    hint: "Close those that are not needed any more, or end the transaction.",
};

enum State {
    Bound,
    /// Rows are on their way; the rights under which they began, if they are asked for in parts.
    Running(Rows, Option<Standing>),
    Done,
}

fn protocol(message: String) -> Fault {
    Report::error("08P01", message).into()
}

impl Connection {
    pub(crate) async fn parse(&mut self, name: String, sql: &str, types: Vec<u32>) -> Result<(), Fault> {
        if !name.is_empty() && self.statements.contains_key(&name) {
            return Err(
                Report::error("42P05", format!("prepared statement \"{name}\" already exists")).into(),
            );
        }
        let bytes = name.len() + sql.len();
        self.statements.room(&name, bytes)?;
        let mut statements = self.parse_text(sql).await?;
        if statements.len() > 1 {
            let message = "cannot insert multiple commands into a prepared statement";
            return Err(Report::error("42601", message).into());
        }
        let named = match statements.pop() {
            None => Named {
                prepared: None,
                oids: Vec::new(),
            },
            Some(statement) => {
                let known: Vec<Option<DataType>> = types.iter().map(|oid| arrow_type_of(*oid)).collect();
                let (session, watch) = (self.session.clone(), self.watch(&statement));
                let planning = running::run(async move { session.prepare(&statement, &known).await });
                let prepared = tokio::select! {
                    biased;
                    prepared = planning => prepared??,
                    fault = watch.stopped(self.wire.get_ref()) => return Err(fault),
                };
                let oids = prepared
                    .param_oids()
                    .iter()
                    .enumerate()
                    .map(|(index, inferred)| match types.get(index).copied() {
                        Some(said) if said != 0 && said != UNKNOWN && !is_read_as_used(said) => said,
                        _ => *inferred,
                    })
                    .collect();
                Named {
                    prepared: Some(Arc::new(prepared)),
                    oids,
                }
            }
        };
        self.statements.insert(name, bytes, Arc::new(named));
        put(&ParseComplete::new(), self.wire.write_buffer_mut());
        Ok(())
    }

    fn statement(&self, name: &str) -> Result<Arc<Named>, Fault> {
        self.statements.get(name).cloned().ok_or_else(|| {
            let message = match name {
                "" => "unnamed prepared statement does not exist".to_owned(),
                name => format!("prepared statement \"{name}\" does not exist"),
            };
            Report::error("26000", message).into()
        })
    }

    pub(crate) async fn bind(&mut self, bind: Bind) -> Result<(), Fault> {
        let named = self.statement(&bind.statement)?;
        if !bind.portal.is_empty() && self.portals.contains_key(&bind.portal) {
            return Err(Report::error("42P03", format!("portal \"{}\" already exists", bind.portal)).into());
        }
        let bytes = bind.portal.len() + bind.parameters.iter().flatten().map(Bytes::len).sum::<usize>();
        self.portals.room(&bind.portal, bytes)?;
        if let Some(prepared) = &named.prepared {
            self.check_transaction(prepared.statement())?;
        }
        let (given, wanted) = (bind.parameters.len(), named.oids.len());
        if given != wanted {
            return Err(protocol(format!(
                "bind message supplies {given} parameters, but prepared statement \"{}\" requires {wanted}",
                bind.statement
            )));
        }
        let codes = bind.parameter_formats.len();
        if codes > 1 && codes != given {
            return Err(protocol(format!(
                "bind message has {codes} parameter formats but {given} parameters"
            )));
        }
        let parameter_formats = formats(&bind.parameter_formats, given).map_err(protocol)?;
        let targets = named
            .prepared
            .as_ref()
            .map_or(&[][..], |prepared| prepared.param_types());
        let zone = self.style().zone;
        let parameters = bind
            .parameters
            .iter()
            .enumerate()
            .map(|(index, bytes)| {
                let source = parameters::Source {
                    oid: named.oids[index],
                    format: parameter_formats[index],
                    zone: &zone,
                };
                parameters::read(bytes.as_deref(), &source, &targets[index])
                    .map_err(|error| error.at(index + 1))
            })
            .collect::<Result<Vec<_>, Report>>()?;
        let columns = named
            .prepared
            .as_ref()
            .and_then(|prepared| prepared.columns())
            .map_or(0, |schema| schema.fields().len());
        let formats = match columns {
            0 => Vec::new(),
            columns => formats(&bind.result_formats, columns).map_err(protocol)?,
        };
        self.portals.insert(
            bind.portal,
            bytes,
            Portal {
                named,
                parameters,
                formats,
                bytes,
                state: State::Bound,
            },
        );
        put(&BindComplete::new(), self.wire.write_buffer_mut());
        Ok(())
    }

    pub(crate) async fn describe(&mut self, target: Target, name: &str) -> Result<(), Fault> {
        let (named, formats) = match target {
            Target::Statement => {
                let named = self.statement(name)?;
                put_parameter_description(&named.oids, self.wire.write_buffer_mut());
                (named, None)
            }
            Target::Portal => match (self.portals.get(name), self.session.cursor_columns(name)) {
                (Some(portal), _) => (portal.named.clone(), Some(portal.formats.clone())),
                // To PostgreSQL a cursor is a portal: drivers that declare one ask so for its columns.
                (None, Some(schema)) => {
                    put_row_description(&schema, &formats_of(&schema), self.wire.write_buffer_mut());
                    return Ok(());
                }
                (None, None) => return Err(no_portal(name)),
            },
        };
        let out = self.wire.write_buffer_mut();
        match named.prepared.as_ref().and_then(|prepared| prepared.columns()) {
            Some(schema) => {
                // A statement's formats are not known before Bind.
                let formats = formats.unwrap_or_else(|| vec![Format::Text; schema.fields().len()]);
                put_row_description(&schema, &formats, out);
            }
            None => put(&NoData::new(), out),
        }
        Ok(())
    }

    pub(crate) async fn execute(&mut self, name: &str, max_rows: i32) -> Result<(), Fault> {
        // Taken out while it runs: a portal that fails is gone.
        let mut portal = self.portals.remove(name).ok_or_else(|| no_portal(name))?;
        self.execute_portal(name, &mut portal, u64::try_from(max_rows).unwrap_or(0))
            .await?;
        self.portals.insert(name.to_owned(), portal.bytes, portal);
        Ok(())
    }

    async fn execute_portal(&mut self, name: &str, portal: &mut Portal, limit: u64) -> Result<(), Fault> {
        let named = portal.named.clone();
        let Some(prepared) = &named.prepared else {
            put(&EmptyQueryResponse::new(), self.wire.write_buffer_mut());
            return Ok(());
        };
        let statement = prepared.statement();
        self.check_transaction(statement)?;
        let (watch, before) = (self.watch(statement), self.status());
        if let (State::Bound, Some(copy)) = (&portal.state, statement.copy()) {
            portal.state = State::Done;
            let tag = Box::pin(self.copy(statement, copy, &watch)).await?;
            put(&CommandComplete::new(tag), self.wire.write_buffer_mut());
            return Ok(());
        }
        if let State::Running(_, Some(standing)) = &portal.state {
            let (session, standing) = (self.session.clone(), standing.clone());
            running::run(async move { session.still_stands(&standing).await }).await??;
        }
        if matches!(portal.state, State::Bound) {
            // Whoever asks for all rows comes back for none.
            let standing = (limit > 0).then(|| self.session.standing(prepared)).transpose()?;
            // What is sent before one Sync is one transaction.
            if statement.kind() == Kind::Write && !self.is_last_of_pipeline().await {
                self.session.begin_implicit()?;
            }
            match self.start(prepared, portal.parameters.clone(), &watch).await? {
                Response::Rows { schema, stream } => {
                    if schema.fields().len() != portal.formats.len() {
                        return Err(Report::error("0A000", "cached plan must not change result type").into());
                    }
                    let rows = Rows::new(
                        Batches::new(stream),
                        RowEncoder::new(&schema, &portal.formats, self.style()),
                    );
                    portal.state = State::Running(rows, standing);
                }
                Response::Command { tag } => {
                    portal.state = State::Done;
                    self.command_complete(statement, before, tag);
                    return Ok(());
                }
                Response::Empty => {
                    put(&EmptyQueryResponse::new(), self.wire.write_buffer_mut());
                    return Ok(());
                }
            }
        }
        match &mut portal.state {
            State::Running(rows, _) => match rows.send(&mut self.wire, &watch, limit).await? {
                Sent::All(count) => {
                    portal.state = State::Done;
                    put(
                        &CommandComplete::new(row_tag(statement, count)),
                        self.wire.write_buffer_mut(),
                    );
                }
                Sent::Suspended => put(&PortalSuspended::new(), self.wire.write_buffer_mut()),
            },
            _ if portal.formats.is_empty() => {
                return Err(Report::error("55000", format!("portal \"{name}\" cannot be run")).into());
            }
            _ => put(
                &CommandComplete::new(row_tag(statement, 0)),
                self.wire.write_buffer_mut(),
            ),
        }
        Ok(())
    }

    async fn start(
        &mut self,
        prepared: &Arc<Prepared>,
        parameters: Vec<ScalarValue>,
        watch: &Watch,
    ) -> Result<Response, Fault> {
        if let Some(tag) = self.deallocate(prepared.statement()) {
            return Ok(Response::Command { tag });
        }
        let (session, owned) = (self.session.clone(), prepared.clone());
        let running = running::run(async move { session.execute(&owned, parameters).await });
        tokio::select! {
            biased;
            response = running => Ok(response??),
            fault = watch.stopped(self.wire.get_ref()) => Err(fault),
        }
    }

    pub(crate) fn close(&mut self, target: Target, name: &str) -> Result<(), Fault> {
        // Closing what is not there is no error.
        match target {
            Target::Statement => drop(self.statements.remove(name)),
            Target::Portal => drop(self.portals.remove(name)),
        }
        put(&CloseComplete::new(), self.wire.write_buffer_mut());
        Ok(())
    }
}

fn no_portal(name: &str) -> Fault {
    Report::error("34000", format!("portal \"{name}\" does not exist")).into()
}
