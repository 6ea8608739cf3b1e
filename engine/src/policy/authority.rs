//! Whose word counts on rights while a statement runs.
//!
//! A statement may read an earlier epoch, or a transaction's own state upon one, but rights are today's: what was revoked is
//! revoked for every open transaction too. A transaction that has itself granted something is to see that, unless another has
//! changed the same since.

use std::sync::Arc;

use radlake_catalogs::{Epoch, FunctionObject, Object, Relation, SchemaObject};

/// The epochs that roles and rights are taken from.
#[derive(Debug, Clone)]
pub(crate) struct Authority {
    /// What the transaction has made of the catalog.
    own: Arc<Epoch>,
    /// The epoch that it began with.
    base: Arc<Epoch>,
    /// The newest epoch.
    latest: Arc<Epoch>,
}

impl Authority {
    /// One epoch is all there is.
    pub(crate) fn of(epoch: Arc<Epoch>) -> Self {
        Self {
            own: Arc::clone(&epoch),
            base: Arc::clone(&epoch),
            latest: epoch,
        }
    }

    /// Of a transaction.
    pub(crate) fn within(own: Arc<Epoch>, base: Arc<Epoch>, latest: Arc<Epoch>) -> Self {
        Self { own, base, latest }
    }

    /// The newest epoch that counts.
    pub(crate) fn number(&self) -> u64 {
        self.latest.number
    }

    /// True if these are the rights that the epoch itself has.
    pub(crate) fn is(&self, epoch: &Arc<Epoch>) -> bool {
        Arc::ptr_eq(&self.own, epoch) && self.base.number == self.latest.number
    }

    /// The entry of a function in SQL whose rights hold.
    pub(crate) fn function(&self, oid: u32) -> Option<Arc<FunctionObject>> {
        fn of(epoch: &Epoch, oid: u32) -> Option<&FunctionObject> {
            match epoch.object(oid)?.as_ref() {
                Object::Function(function) => Some(function),
                _ => None,
            }
        }
        let rights = |function: &FunctionObject| (function.owner, function.grants.clone());
        let (base, latest) = (of(&self.base, oid), of(&self.latest, oid));
        let found = match base.map(rights) == latest.map(rights) {
            true => of(&self.own, oid),
            false => latest,
        };
        found.cloned().map(Arc::new)
    }

    /// The entry of a relation whose rights hold.
    pub(crate) fn relation(&self, oid: u32) -> Option<&Relation> {
        let (base, latest) = (self.base.relation_by_oid(oid), self.latest.relation_by_oid(oid));
        let unchanged = match (base, latest) {
            (None, None) => true,
            (Some(Relation::Table(base)), Some(Relation::Table(latest))) => {
                base.owner == latest.owner
                    && base.grants == latest.grants
                    && base.row_security == latest.row_security
            }
            (Some(Relation::View(base)), Some(Relation::View(latest))) => {
                base.owner == latest.owner && base.grants == latest.grants && base.sql == latest.sql
            }
            (Some(Relation::Sequence(base)), Some(Relation::Sequence(latest))) => {
                base.owner == latest.owner && base.grants == latest.grants
            }
            _ => false,
        };
        match unchanged {
            true => self.own.relation_by_oid(oid),
            false => latest,
        }
    }

    /// The epoch that policies read: today's, whichever the statement reads. True if it is the transaction's own.
    pub(crate) fn for_policies(&self) -> (&Arc<Epoch>, bool) {
        match self.base.number == self.latest.number {
            true => (&self.own, true),
            false => (&self.latest, false),
        }
    }

    /// The entry of a schema whose rights hold.
    pub(crate) fn schema(&self, name: &str) -> Option<&Arc<SchemaObject>> {
        let rights = |schema: &Arc<SchemaObject>| {
            (
                schema.owner,
                schema.grants.clone(),
                schema.settled,
                schema.functions.clone(),
            )
        };
        let (base, latest) = (self.base.schema(name), self.latest.schema(name));
        match base.map(rights) == latest.map(rights) {
            true => self.own.schema(name),
            false => latest,
        }
    }

    /// The epoch whose roles hold.
    pub(crate) fn roles(&self) -> &Arc<Epoch> {
        match self.base.number == self.latest.number || self.base.roles().eq(self.latest.roles()) {
            true => &self.own,
            false => &self.latest,
        }
    }
}
