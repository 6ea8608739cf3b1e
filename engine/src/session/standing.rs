//! How rights stand while a client takes a query's rows in several parts: what was revoked since the last part is not given.

use std::collections::BTreeSet;
use std::sync::Arc;

use radlake_catalogs::{Epoch, Relation};

use super::{Inner, Prepared, Session};
use crate::planner::tables_read;
use crate::{Error, Result};

/// The rights under which a query began, and the tables whose rows it reads.
#[derive(Debug, Clone)]
pub struct Standing {
    epoch: Arc<Epoch>,
    tables: BTreeSet<u32>,
}

impl Session {
    /// How rights stand now, before a statement runs.
    ///
    /// # Errors
    /// [`Error::Internal`] if its plan cannot be read.
    pub fn standing(&self, prepared: &Prepared) -> Result<Standing> {
        Ok(Standing {
            epoch: self.inner.lake().known(),
            tables: match prepared.any_plan() {
                Some(plan) => tables_read(plan)?,
                None => BTreeSet::new(),
            },
        })
    }

    /// Refuses to go on with a query if roles, or rights to what it reads, are others than when it began. What is granted meanwhile
    /// counts too: nobody can tell from its plan what it would have been.
    ///
    /// # Errors
    /// [`Error::Serialization`]; [`Error::Storage`] if nobody can tell.
    pub async fn still_stands(&self, standing: &Standing) -> Result<()> {
        self.inner.still_stands(standing).await
    }
}

impl Inner {
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
    /// Rights as an epoch has them, to the tables of a query.
    pub(super) fn of(epoch: Arc<Epoch>, tables: BTreeSet<u32>) -> Self {
        Self { epoch, tables }
    }

    fn is_as_in(&self, newest: &Epoch) -> bool {
        // A password or a comment is no right; roles that came since are nobody's rights yet.
        let role = |epoch: &Epoch, oid: u32| {
            let mut role = epoch.roles().find(|role| role.oid == oid)?.as_ref().clone();
            (role.verifier, role.comment, role.connection_limit) = (None, None, None);
            Some(role)
        };
        let mut before = self.epoch.roles().map(|role| role.oid);
        if !before.all(|oid| role(&self.epoch, oid) == role(newest, oid)) {
            return false;
        }
        let same = |then: &Relation| match (then, newest.relation_by_oid(then.oid())) {
            // What was dropped had no reader after it; who has begun to read goes on, as in PostgreSQL.
            (_, None) => true,
            (Relation::Table(then), Some(Relation::Table(now))) => {
                Arc::ptr_eq(then, now)
                    || then.owner == now.owner
                        && then.grants == now.grants
                        && then.row_security == now.row_security
            }
            (Relation::View(then), Some(Relation::View(now))) => {
                Arc::ptr_eq(then, now)
                    || then.owner == now.owner
                        && then.grants == now.grants
                        && then.sql == now.sql
                        && then.properties == now.properties
            }
            _ => false,
        };
        let schemas = |relation: &Relation| {
            let rights = |epoch: &Epoch| {
                let schema = epoch.schema(relation.schema());
                schema.map(|schema| (schema.owner, schema.grants.clone(), schema.settled))
            };
            rights(&self.epoch) == rights(newest)
        };
        // A plan does not say which views it went through.
        let mut relations = self.epoch.all_relations().filter(|relation| {
            matches!(relation, Relation::View(_)) || self.tables.contains(&relation.oid())
        });
        relations.all(|relation| same(relation) && schemas(relation))
    }
}
