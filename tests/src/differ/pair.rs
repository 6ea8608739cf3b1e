//! Both engines side by side.

use super::answer::{Answer, Engine};
use super::compare::{Outcome, Rules};
use super::statement::Statement;
use super::table::Table;
use super::tally::Tally;
use super::wire::Wire;

/// Both engines, PostgreSQL's answer being the right one.
pub struct Pair {
    postgres: Box<dyn Engine>,
    radlake: Box<dyn Engine>,
}

impl Pair {
    /// Two servers to connect to.
    pub fn new(postgres: tokio_postgres::Config, radlake: tokio_postgres::Config) -> Self {
        Self::of(Wire::new(postgres), Wire::new(radlake))
    }

    pub(super) fn of(postgres: impl Engine + 'static, radlake: impl Engine + 'static) -> Self {
        Self {
            postgres: Box::new(postgres),
            radlake: Box::new(radlake),
        }
    }

    /// Begins a session in a new schema.
    pub(super) fn session(&mut self, schema: &str, zone: &str) -> Result<(), String> {
        for wire in [&mut self.postgres, &mut self.radlake] {
            wire.session(vec!["SET client_min_messages = error".to_owned()])?;
            let _ = wire.run(&format!("DROP SCHEMA IF EXISTS {schema} CASCADE"));
            match wire.run(&format!("CREATE SCHEMA {schema}")) {
                Answer::Done(_) => {}
                other => return Err(format!("CREATE SCHEMA: {other}")),
            }
        }
        self.resume(schema, zone)
    }

    /// Goes on in a schema that is there.
    pub(super) fn resume(&mut self, schema: &str, zone: &str) -> Result<(), String> {
        for (wire, timeout) in [(&mut self.postgres, 1), (&mut self.radlake, 10)] {
            wire.session(vec![
                "SET client_min_messages = error".to_owned(),
                format!("SET statement_timeout = '{timeout}s'"),
                format!("SET search_path = {schema}"),
                format!("SET TimeZone = '{zone}'"),
            ])?;
        }
        Ok(())
    }

    pub(super) fn both(&mut self, sql: &str) -> (Answer, Answer) {
        let postgres = self.postgres.run(sql);
        // What PostgreSQL itself takes too long for is not worth waiting for twice.
        match &postgres {
            Answer::Failed { code, .. } if code == "57014" => (postgres.clone(), postgres),
            _ => (postgres, self.radlake.run(sql)),
        }
    }

    pub(super) fn drop(&mut self, schema: &str) {
        drop(self.both(&format!("DROP SCHEMA IF EXISTS {schema} CASCADE")));
    }

    /// Runs a statement on both; a write ends with the table's rows, and is undone unless it is to be kept and both agree.
    pub(super) fn answer(&mut self, statement: &Statement, keep: bool) -> (Answer, Answer, Outcome) {
        let sql = statement.to_string();
        let rules = Rules::of(statement);
        let Statement::Write(write) = statement else {
            let (a, b) = self.both(&sql);
            let mut outcome = rules.compare(&a, &b);
            if outcome == Outcome::Same {
                let (a, b) = (self.postgres.describe(&sql), self.radlake.describe(&sql));
                if let Some(what) = described_otherwise(a, b) {
                    outcome = Outcome::Type(what);
                }
            }
            return (a, b, outcome);
        };
        drop(self.both("BEGIN"));
        let (mut a, mut b) = self.both(&sql);
        let mut outcome = rules.compare(&a, &b);
        if outcome == Outcome::Same {
            (a, b) = self.both(&format!("SELECT * FROM {}", write.table));
            outcome = Rules::default().compare(&a, &b);
        }
        let end = if keep && outcome == Outcome::Same {
            "COMMIT"
        } else {
            "ROLLBACK"
        };
        let (c, d) = self.both(end);
        if outcome == Outcome::Same {
            outcome = Rules::default().compare(&c, &d);
        }
        (a, b, outcome)
    }

    /// Makes the tables, and leaves out what Radlake does not take.
    pub(super) fn create(&mut self, tables: &mut Vec<Table>, tally: &mut Tally) {
        tables.retain_mut(|table| {
            let (a, b) = self.both(&table.create());
            let outcome = Rules::default().compare(&a, &b);
            tally.note(&outcome, &a);
            if outcome != Outcome::Same {
                return false;
            }
            let sqls: Vec<String> = table.batches.iter().map(|batch| table.insert(batch)).collect();
            let mut sqls = sqls.iter();
            table.batches.retain(|_| {
                let sql = sqls.next().expect("one each");
                let ours = self.radlake.run(sql);
                if matches!(ours, Answer::Done(_)) {
                    drop(self.postgres.run(sql));
                    return true;
                }
                tally.note(
                    &Rules::default().compare(&Answer::Done(0), &ours),
                    &Answer::Done(0),
                );
                false
            });
            true
        });
    }
}

type Described = Option<Vec<(String, u32)>>;

/// What is different about the columns, as names and OIDs of types.
fn described_otherwise(postgres: Described, ours: Described) -> Option<String> {
    let (Some(postgres), Some(ours)) = (&postgres, &ours) else {
        return (postgres.is_some() != ours.is_some()).then(|| "described by one side only".to_owned());
    };
    let (a, b) = postgres.iter().zip(ours).find(|(a, b)| a != b)?;
    Some(match a.0 == b.0 {
        true => format!("type {} instead of {}", b.1, a.1),
        false => format!("column {} instead of {}", b.0, a.0),
    })
}
