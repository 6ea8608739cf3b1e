//! An engine behind the PostgreSQL protocol.

use std::time::Duration;

use tokio::runtime::Runtime;
use tokio_postgres::{Client, Config, SimpleQueryMessage};

use super::answer::{Answer, Engine};
use crate::server::connect;

/// Longer than the `statement_timeout` of its session: what passes this hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection that is made anew, with the session's settings, when it is lost.
pub struct Wire {
    runtime: Runtime,
    config: Config,
    client: Option<Client>,
    /// Settings that hold for the session.
    settings: Vec<String>,
}

impl Wire {
    pub fn new(config: Config) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        Self {
            runtime: runtime.expect("a runtime"),
            config,
            client: None,
            settings: vec![],
        }
    }

    fn ensure(&mut self) -> Result<(), String> {
        if self.client.as_ref().is_some_and(|client| !client.is_closed()) {
            return Ok(());
        }
        let (config, settings) = (&self.config, &self.settings);
        let client = self.runtime.block_on(async {
            let client = connect(config).await.map_err(|e| format!("{e:?}"))?;
            for setting in settings {
                client
                    .batch_execute(setting)
                    .await
                    .map_err(|e| format!("{setting}: {e:?}"))?;
            }
            Ok::<_, String>(client)
        })?;
        self.client = Some(client);
        Ok(())
    }
}

impl Engine for Wire {
    fn session(&mut self, settings: Vec<String>) -> Result<(), String> {
        self.settings = settings;
        self.client = None;
        self.ensure()
    }

    fn run(&mut self, sql: &str) -> Answer {
        if let Err(why) = self.ensure() {
            return Answer::Lost(why);
        }
        let client = self.client.as_ref().expect("connected");
        let answer = self.runtime.block_on(async {
            match tokio::time::timeout(PATIENCE, client.simple_query(sql)).await {
                Ok(Ok(messages)) => collect(messages),
                Ok(Err(error)) => match error.as_db_error() {
                    Some(db) => Answer::Failed {
                        code: db.code().code().to_owned(),
                        message: db.message().to_owned(),
                    },
                    None => Answer::Lost(error.to_string()),
                },
                Err(_) => Answer::Lost("no answer in time".to_owned()),
            }
        });
        if matches!(answer, Answer::Lost(_)) {
            self.client = None;
        }
        answer
    }

    fn describe(&mut self, sql: &str) -> Option<Vec<(String, u32)>> {
        self.ensure().ok()?;
        let client = self.client.as_ref().expect("connected");
        let prepared = self.runtime.block_on(async {
            tokio::time::timeout(PATIENCE, client.prepare(sql))
                .await
                .ok()?
                .ok()
        })?;
        let column = |c: &tokio_postgres::Column| (c.name().to_owned(), c.type_().oid());
        Some(prepared.columns().iter().map(column).collect())
    }
}

fn collect(messages: Vec<SimpleQueryMessage>) -> Answer {
    let (mut columns, mut rows, mut written) = (None, vec![], 0);
    for message in messages {
        match message {
            SimpleQueryMessage::RowDescription(names) => {
                columns = Some(names.iter().map(|c| c.name().to_owned()).collect());
            }
            SimpleQueryMessage::Row(row) => {
                rows.push((0..row.len()).map(|i| row.get(i).map(str::to_owned)).collect());
            }
            SimpleQueryMessage::CommandComplete(n) => written = n,
            _ => {}
        }
    }
    match columns {
        Some(names) => Answer::Rows { names, rows },
        None => Answer::Done(written),
    }
}
