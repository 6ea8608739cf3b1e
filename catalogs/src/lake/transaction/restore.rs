//! Going back: the newest epoch becomes what an earlier one was, as a new epoch. Nothing of the history goes.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{TableChange, Transaction};
use crate::delta::log::read_commit;
use crate::delta::present;
use crate::epoch::Epoch;
use crate::lake::Lake;
use crate::object::{Grant, Object, TableObject};
use crate::{Error, Result};

impl Lake {
    /// Brings back an earlier epoch's schemas, tables and views, or one table by schema and name, as a new epoch. Roles and
    /// settings stay as they are. Gives the new epoch; the newest if nothing differs.
    ///
    /// # Errors
    /// [`Error::NoEpoch`], [`Error::ExpiredEpoch`]; [`Error::NotFound`] if the epoch has no such table; [`Error::Damaged`] if a data
    /// file of it is gone.
    pub async fn restore(&self, epoch: u64, table: Option<(&str, &str)>, user: &str) -> Result<Arc<Epoch>> {
        let then = self.at(epoch).await?;
        let _pin = self.pin(&then);
        self.transact(|newest| {
            let then = Arc::clone(&then);
            async move {
                let mut transaction = self.begin(newest);
                transaction.statement("RESTORE").user(user).serializable();
                match table {
                    None => transaction.restore_all(&then).await?,
                    Some((schema, name)) => {
                        let object = then
                            .table(schema, name)
                            .ok_or_else(|| Error::not_found("table", format!("{schema}.{name}")))?;
                        transaction.restore_table(object.as_ref().clone()).await?;
                    }
                }
                Ok(transaction)
            }
        })
        .await
    }
}

/// Whether an object goes back with the lake: who may do what does not.
fn goes_back(object: &Object) -> bool {
    !matches!(object, Object::Role(_) | Object::Setting(_))
}

/// The owner and the grants of an object that has them.
fn rights(object: &Object) -> Option<(u32, &[Grant])> {
    match object {
        Object::Schema(schema) => Some((schema.owner, &schema.grants)),
        Object::Table(table) => Some((table.owner, &table.grants)),
        Object::View(view) => Some((view.owner, &view.grants)),
        Object::Sequence(sequence) => Some((sequence.owner, &sequence.grants)),
        Object::Type(own) => Some((own.owner, &[])),
        Object::Function(function) => Some((function.owner, &function.grants)),
        Object::Role(_) | Object::Setting(_) => None,
    }
}

impl Transaction {
    async fn restore_all(&mut self, then: &Epoch) -> Result<()> {
        let now = Arc::clone(&self.epoch);
        let gone = now
            .objects()
            .filter(|object| goes_back(object) && then.object(object.oid()).is_none());
        self.drops.extend(gone.map(|object| object.oid()));
        for object in then.objects().filter(|object| goes_back(object)) {
            match object.as_ref() {
                Object::Table(table) => self.restore_table(table.clone()).await?,
                other => {
                    let mut other = other.clone();
                    self.rights_of_now(&mut other)?;
                    if now.object(other.oid()).map(Arc::as_ref) != Some(&other) {
                        self.puts.insert(other.oid(), Arc::new(other));
                    }
                }
            }
        }
        self.recatalogued();
        if !self.is_empty() {
            self.forget_after = Some(then.number);
        }
        Ok(())
    }

    /// Gives an object of then its owner and grants of now: what was revoked since stays revoked. Of what is gone nobody has
    /// a right but its owner, or who restores it where that role is gone too.
    fn rights_of_now(&self, then: &mut Object) -> Result<()> {
        let there = self.epoch.object(then.oid()).map(Arc::as_ref);
        if let (Object::Table(then), Some(Object::Table(now))) = (&mut *then, there) {
            return then.take_rights_of(now);
        }
        let now = there.and_then(rights);
        let kept = now.map(|(owner, grants)| (owner, grants.to_vec()));
        if let (Object::Schema(then), Some(Object::Schema(now))) = (&mut *then, there) {
            then.settled = now.settled;
            then.functions = now.functions.clone();
        }
        let mut none = Vec::new();
        let (owner, grants) = match then {
            Object::Schema(schema) => (&mut schema.owner, &mut schema.grants),
            Object::Table(table) => (&mut table.owner, &mut table.grants),
            Object::View(view) => (&mut view.owner, &mut view.grants),
            Object::Sequence(sequence) => (&mut sequence.owner, &mut sequence.grants),
            Object::Type(own) => (&mut own.owner, &mut none),
            Object::Function(function) => (&mut function.owner, &mut function.grants),
            Object::Role(_) | Object::Setting(_) => return Ok(()),
        };
        match kept {
            Some(now) => (*owner, *grants) = now,
            None => {
                grants.clear();
                if *owner != 0 && !self.epoch.roles().any(|role| role.oid == *owner) {
                    let user = self.user.as_deref().and_then(|user| self.epoch.role(user));
                    *owner = user.map_or(0, |role| role.oid);
                }
            }
        }
        Ok(())
    }

    /// The table as it was: its entry, and its files by taking out and adding again.
    async fn restore_table(&mut self, then: TableObject) -> Result<()> {
        let mut then = Object::Table(then);
        self.rights_of_now(&mut then)?;
        let Object::Table(mut then) = then else {
            return Ok(());
        };
        let old = self.lake.files(&then.location, then.version).await?;
        let newest = self.epoch.table_by_oid(then.oid).cloned();
        let head = match &newest {
            Some(table) => table.version,
            // Dropped since: its log ends where it was dropped.
            None => self.head(&then.location, then.version).await?,
        };
        let new = self.lake.files(&then.location, head).await?;
        let mut change = TableChange::default();
        let mut adds = BTreeMap::new();
        for (path, file) in &old.files {
            if !new.files.contains_key(path) {
                adds.insert(path.clone(), file.add.clone());
            }
        }
        for (path, file) in &new.files {
            if !old.files.contains_key(path) {
                change.removes.insert(file.path().to_owned(), Arc::clone(file));
            }
        }
        change.adds = adds.into_values().collect();
        // Counters go from where they are: the change brings them to what they were.
        then.version = head;
        then.rows = new.rows().unwrap_or_default();
        then.bytes = new.bytes();
        then.files = new.files.len() as u64;
        then.shrunk = newest.as_ref().map_or(head, |table| table.shrunk);
        then.lost = newest.as_ref().map_or(Some(head), |table| table.lost);
        let same = newest.as_ref().is_some_and(|table| **table == then);
        if same && change.adds.is_empty() && change.removes.is_empty() {
            return Ok(());
        }
        self.check_restored(&then)?;
        // Whoever vacuums a table without Radlake knows nothing of our epochs: nothing is published that cannot be read.
        present::check(self.lake.storage(), &old).await?;
        self.drops.remove(&then.oid);
        if !(change.adds.is_empty() && change.removes.is_empty()) {
            self.tables.insert(then.oid, change);
        }
        self.puts.insert(then.oid, Arc::new(Object::Table(then)));
        self.recatalogued();
        Ok(())
    }

    /// A table alone comes back only where nothing else has its name.
    fn check_restored(&self, table: &TableObject) -> Result<()> {
        let taken = |other: &&Object| {
            other.oid() != table.oid
                && other.schema() == Some(table.schema.as_str())
                && other.name() == table.name
        };
        match self.objects().find(taken) {
            Some(other) => Err(Error::Exists {
                kind: other.kind(),
                name: other.qualified_name(),
            }),
            None => Ok(()),
        }
    }

    async fn head(&self, location: &str, from: i64) -> Result<i64> {
        let mut head = from;
        while read_commit(self.lake.storage(), location, head + 1)
            .await?
            .is_some()
        {
            head += 1;
        }
        Ok(head)
    }
}
