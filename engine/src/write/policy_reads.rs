//! What policies of other tables read: it is not dropped, nor are its columns changed, under them.
//!
//! Policies are kept as text. A table that takes the name of one that is gone would decide what is seen, and a column that
//! comes later could be taken for the policy's own table's.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use radlake_catalogs::{Relation, TableObject};
use radlake_sql::ast;

use super::Writer;
use super::insert::expression;
use super::target::resolve;
use crate::{Error, Result};

/// A policy that reads a relation.
pub(super) struct PolicyRead {
    policy: String,
    /// The table that it is a policy of.
    table: TableObject,
    text: String,
    /// The relation that it reads.
    reads: Relation,
}

impl PolicyRead {
    fn names(&self, column: &str) -> bool {
        self.text.to_lowercase().contains(&column.to_lowercase())
    }

    fn to_be_dropped(&self, what: &str) -> Error {
        Error::Dependents {
            message: format!("cannot drop {what} because other objects depend on it"),
            detail: format!(
                "policy {} on table {} depends on it; drop that policy first",
                self.policy, self.table.name
            ),
        }
    }
}

impl Writer<'_> {
    /// The policies of tables that are not among `relations`, and read one that is.
    pub(super) fn policies_that_read(&self, relations: &BTreeSet<u32>) -> Result<Vec<PolicyRead>> {
        let (epoch, database) = (self.epoch()?, self.session.database());
        let mut found = Vec::new();
        for table in epoch.tables().filter(|table| !relations.contains(&table.oid)) {
            for policy in &table.row_security.policies {
                for text in [&policy.using, &policy.check].into_iter().flatten() {
                    let mut reads = None;
                    // Names in it are qualified: no search path counts.
                    let _ = ast::visit_relations(&expression(text)?, |name| {
                        let relation = resolve(&epoch, &[], &database, name).ok();
                        let relation = relation.and_then(|(schema, last)| {
                            let relation = epoch.get_relation(schema.as_deref()?, &last)?;
                            relations.contains(&relation.oid()).then(|| relation.clone())
                        });
                        reads = relation;
                        match reads.is_some() {
                            true => ControlFlow::Break(()),
                            false => ControlFlow::Continue(()),
                        }
                    });
                    if let Some(reads) = reads {
                        found.push(PolicyRead {
                            policy: policy.name.clone(),
                            table: table.as_ref().clone(),
                            text: text.clone(),
                            reads,
                        });
                    }
                }
            }
        }
        Ok(found)
    }

    /// Refuses to drop what a policy of a table that stays reads, with CASCADE too: without a policy more might be seen.
    pub(super) fn no_policy_reads(&self, dropped: &BTreeSet<u32>) -> Result<()> {
        match self.policies_that_read(dropped)?.first() {
            None => Ok(()),
            Some(read) => {
                let kind = if matches!(read.reads, Relation::Table(_)) {
                    "table"
                } else {
                    "view"
                };
                Err(read.to_be_dropped(&format!("{kind} {}", read.reads.name())))
            }
        }
    }

    /// Refuses to change a column that a policy of another table names, as far as its text tells.
    pub(super) fn no_policy_names(&self, table: u32, column: &str) -> Result<()> {
        let read = self.policies_that_read(&BTreeSet::from([table]))?;
        match read.iter().find(|read| read.names(column)) {
            None => Ok(()),
            Some(read) => Err(read.to_be_dropped(&format!("or change column {column}"))),
        }
    }

    /// Refuses a new name of a column that a policy of another table has for its own.
    pub(super) fn no_policy_takes(&self, relation: u32, column: &str) -> Result<()> {
        let read = self.policies_that_read(&BTreeSet::from([relation]))?;
        let takes = |read: &&PolicyRead| {
            read.table.arrow_schema.field_with_name(column).is_ok() && read.names(column)
        };
        match read.iter().find(takes) {
            None => Ok(()),
            Some(read) => Err(Error::Unsupported {
                what: format!(
                    "a column \"{column}\" that policy \"{}\" of \"{}\" could take for its own table's is not supported",
                    read.policy, read.table.name
                ),
                hint: Some("Make the policy anew afterwards, with its columns qualified.".to_owned()),
            }),
        }
    }
}
