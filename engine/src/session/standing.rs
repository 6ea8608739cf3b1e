//! How rights stand while a client takes a query's rows in several parts: what was revoked since the last part is not given.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::sql::sqlparser::ast;
use radlake_catalogs::{Epoch, Relation, RoleObject, TableObject, ViewObject};

use super::{Inner, Prepared, Session};
use crate::planner::tables_read;
use crate::policy::{Via, closure};
use crate::write::target::folded;
use crate::{Error, Result};

/// The rights under which a query began, who asked, and the tables whose rows it reads.
#[derive(Debug, Clone)]
pub struct Standing {
    epoch: Arc<Epoch>,
    roles: BTreeSet<u32>,
    tables: BTreeSet<u32>,
}

impl Session {
    /// How rights stand now, before a statement runs.
    ///
    /// # Errors
    /// [`Error::Internal`] if its plan cannot be read.
    pub fn standing(&self, prepared: &Prepared) -> Result<Standing> {
        let tables = match prepared.any_plan() {
            Some(plan) => tables_read(plan)?,
            None => BTreeSet::new(),
        };
        Ok(self.inner.standing_of(self.inner.lake().known(), tables))
    }

    /// Refuses to go on with a query if whoever asked has other roles, or what it reads other rights, than when it began. What is
    /// granted meanwhile counts too: nobody can tell from its plan what it would have been.
    ///
    /// # Errors
    /// [`Error::Serialization`]; [`Error::Storage`] if nobody can tell.
    pub async fn still_stands(&self, standing: &Standing) -> Result<()> {
        self.inner.still_stands(standing).await
    }
}

impl Inner {
    /// Rights as an epoch has them, for who acts now and for the tables of a query.
    pub(super) fn standing_of(&self, epoch: Arc<Epoch>, tables: BTreeSet<u32>) -> Standing {
        let named = |name: &str| epoch.role(name).map(|role| role.oid);
        let session = self.facts.session_named();
        let acting = self.facts.set_role().and_then(|role| named(&role.name));
        let roles = [Some(self.facts.login()), named(&session.name), acting];
        Standing {
            roles: roles.into_iter().flatten().collect(),
            epoch,
            tables,
        }
    }

    /// [`Session::still_stands`].
    pub(super) async fn still_stands(&self, standing: &Standing) -> Result<()> {
        let newest = self.lake().latest().await?;
        if newest.number == standing.epoch.number || standing.is_as_in(&newest) {
            return Ok(());
        }
        Err(Error::Serialization(
            "rights to what this query reads have changed since it began: run it again".to_owned(),
        ))
    }
}

impl Standing {
    fn is_as_in(&self, newest: &Epoch) -> bool {
        let same_schema = |relation: &Relation| {
            let rights = |epoch: &Epoch| {
                let schema = epoch.schema(relation.schema());
                schema.map(|schema| (schema.owner, schema.grants.clone(), schema.settled))
            };
            rights(&self.epoch) == rights(newest)
        };
        let same_rights = |relation: &Relation| match relation {
            Relation::Table(table) => same_table(table, newest),
            Relation::View(view) => same_view(view, newest),
            // It has no rows that a cursor goes on to read.
            Relation::Sequence(_) => true,
        };
        let same = |relation: &Relation| {
            let owner = match relation {
                Relation::Table(table) => table.owner,
                Relation::View(view) => view.owner,
                Relation::Sequence(sequence) => sequence.owner,
            };
            same_rights(relation) && same_schema(relation) && same_role(owner, &self.epoch, newest)
        };
        // A plan does not say which views it went through: those that come to its tables may be among them.
        let concerned = |relation: &Relation| match relation {
            Relation::Table(table) => self.tables.contains(&table.oid),
            Relation::View(view) => self.comes_to_its_tables(view),
            Relation::Sequence(_) => false,
        };
        self.roles
            .iter()
            .all(|role| same_role(*role, &self.epoch, newest))
            && self
                .epoch
                .all_relations()
                .all(|relation| same(relation) || !concerned(relation))
    }

    /// True if a view reads a table of the query, itself or through other views. It goes by bare names: one too many costs a client
    /// a second try, one too few would be a leak.
    fn comes_to_its_tables(&self, view: &ViewObject) -> bool {
        let mut seen = BTreeSet::new();
        let mut open = vec![view.sql.clone()];
        while let Some(text) = open.pop() {
            let Some(names) = names_read(&text) else {
                return true;
            };
            for relation in self
                .epoch
                .all_relations()
                .filter(|relation| names.contains(relation.name()))
            {
                if self.tables.contains(&relation.oid()) {
                    return true;
                }
                if let (Relation::View(view), true) = (&relation, seen.insert(relation.oid())) {
                    open.push(view.sql.clone());
                }
            }
        }
        false
    }
}

/// The bare names of what a query reads; `None` if it cannot be read.
fn names_read(text: &str) -> Option<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for statement in radlake_sql::parse(text).ok()? {
        let _ = ast::visit_relations(statement.ast(), |name| {
            if let Some(last) = name.0.last().and_then(|part| part.as_ident()) {
                names.insert(folded(last));
            }
            ControlFlow::<()>::Continue(())
        });
    }
    Some(names)
}

/// True if a table gives the same rights as before. What was dropped had no reader after it; who has begun to read goes on, as in
/// PostgreSQL.
fn same_table(then: &Arc<TableObject>, newest: &Epoch) -> bool {
    match newest.relation_by_oid(then.oid) {
        None => true,
        Some(Relation::Table(now)) => {
            Arc::ptr_eq(then, now)
                || then.owner == now.owner
                    && then.grants == now.grants
                    && then.row_security == now.row_security
        }
        Some(Relation::View(_) | Relation::Sequence(_)) => false,
    }
}

/// True if a view gives the same rights as before.
fn same_view(then: &Arc<ViewObject>, newest: &Epoch) -> bool {
    match newest.relation_by_oid(then.oid) {
        None => true,
        Some(Relation::View(now)) => {
            Arc::ptr_eq(then, now)
                || then.owner == now.owner
                    && then.grants == now.grants
                    && then.sql == now.sql
                    && then.properties == now.properties
        }
        Some(Relation::Table(_) | Relation::Sequence(_)) => false,
    }
}

/// True if a role is a member of the same roles as before, and they may do the same.
fn same_role(oid: u32, before: &Epoch, now: &Epoch) -> bool {
    // A password or a comment is no right.
    let rights = |epoch: &Epoch| {
        let find = |oid: u32| epoch.roles().find(|role| role.oid == oid);
        let bare = |role: &Arc<RoleObject>| {
            let mut role = role.as_ref().clone();
            (role.verifier, role.comment, role.connection_limit) = (None, None, None);
            role
        };
        let roles = closure(epoch, find(oid)?, Via::Any);
        Some(
            roles
                .into_iter()
                .map(|oid| find(oid).map(bare))
                .collect::<Vec<_>>(),
        )
    };
    rights(before) == rights(now)
}
