//! Moving a transaction upon the epoch of a writer that was first.

use std::sync::Arc;

use super::{TableChange, Transaction};
use crate::epoch::Epoch;
use crate::lake::is_temporary;
use crate::object::Object;

impl Transaction {
    /// Moves it upon a newer epoch if what it changes is there as it was: `false` if it must be built again, or is lost.
    /// Rows that are only added go with whatever others did to the table's rows. What it read may be older: whoever
    /// cares says [`Transaction::serializable`].
    pub fn rebase(&mut self, epoch: &Arc<Epoch>) -> bool {
        if self.epoch.number == epoch.number {
            return true;
        }
        // A session's own objects go along.
        let joined = match self.epoch.temporary().map(|temporary| temporary.join(epoch)) {
            Some(Ok(joined)) => joined,
            Some(Err(_)) => return false,
            None => Arc::clone(epoch),
        };
        let epoch = &joined;
        if self.serializable || !self.fits(epoch) {
            return false;
        }
        let shift = epoch.next_oid - self.epoch.next_oid;
        let first = self.epoch.next_oid;
        let moved = |oid: u32| {
            if oid >= first && !is_temporary(oid) {
                oid.checked_add(shift)
            } else {
                Some(oid)
            }
        };
        if moved(self.next_oid).is_none() {
            return false;
        }
        let (old_epoch, old_puts) = (Arc::clone(&self.epoch), self.puts.clone());
        let (old_tables, old_next) = (self.tables.clone(), self.next_oid);
        let old_attached = self.attached.clone();
        // Its new objects take the numbers that follow upon those of the winners', and what it gives them to follows.
        if shift > 0 {
            let puts = std::mem::take(&mut self.puts);
            self.puts = puts
                .into_iter()
                .filter_map(|(oid, mut object)| {
                    let new = Arc::make_mut(&mut object);
                    new.set_oid(moved(oid)?);
                    new.map_roles(|role| moved(role).unwrap_or(role));
                    Some((object.oid(), object))
                })
                .collect();
            let tables = std::mem::take(&mut self.tables);
            self.tables = tables
                .into_iter()
                .filter_map(|(oid, change)| Some((moved(oid)?, change)))
                .collect();
            let attached = std::mem::take(&mut self.attached);
            self.attached = attached.into_iter().filter_map(moved).collect();
            self.next_oid += shift;
        }
        self.epoch = Arc::clone(epoch);
        self.recatalogued();
        if self.puts.values().all(|object| self.check_name(object).is_ok()) {
            return true;
        }
        (self.epoch, self.puts, self.tables, self.next_oid) = (old_epoch, old_puts, old_tables, old_next);
        self.attached = old_attached;
        self.recatalogued();
        false
    }

    /// Whether everything that it changes is in `epoch` as it was.
    fn fits(&self, epoch: &Epoch) -> bool {
        let same = |oid: &u32| {
            let old = self.epoch.object(*oid);
            // What it makes itself is in neither.
            old.is_none_or(|old| epoch.object(*oid) == Some(old))
        };
        let appended = |(oid, change): (&u32, &TableChange)| {
            let old = self.epoch.table_by_oid(*oid);
            let moves = change.removes.is_empty() || change.rearranges;
            let Some(old) = old.filter(|_| moves && !self.puts.contains_key(oid)) else {
                return same(oid);
            };
            epoch.table_by_oid(*oid).is_some_and(|new| {
                // Files that are merged must be there still; which others came does not matter.
                (change.removes.is_empty() || new.shrunk <= old.version)
                    && old.location == new.location
                    && old.arrow_schema == new.arrow_schema
                    && old.columns == new.columns
                    && old.cluster_key == new.cluster_key
                    && old.properties == new.properties
                    // What was revoked, or a new policy forbids, is not committed under the rights of before.
                    && old.owner == new.owner
                    && old.grants == new.grants
                    && old.row_security == new.row_security
            })
        };
        let emptied = |oid: &u32| match self.epoch.object(*oid).map(Arc::as_ref) {
            Some(Object::Schema(schema)) => epoch
                .relations(&schema.name)
                .all(|relation| self.drops.contains(&relation.oid())),
            _ => true,
        };
        let new_keys =
            |(oid, columns): (&u32, &Vec<String>)| same(oid) || self.keys_are_new(*oid, columns, epoch);
        self.reads.iter().all(same)
            && self.roles_fit(epoch)
            && self.keyed.iter().all(new_keys)
            && self.puts.keys().all(same)
            && self.drops.iter().all(|oid| same(oid) && emptied(oid))
            && self.tables.iter().all(appended)
    }

    /// Whether the roles that its objects name are there still, and nobody has named meanwhile those that it drops. A number
    /// without a role would be a right of nobody's, until nobody knows whose.
    fn roles_fit(&self, epoch: &Epoch) -> bool {
        let is_role =
            |epoch: &Epoch, oid: u32| matches!(epoch.object(oid).map(Arc::as_ref), Some(Object::Role(_)));
        let there = |oid: &u32| !is_role(&self.epoch, *oid) || is_role(epoch, *oid);
        let dropped: Vec<u32> = self
            .drops
            .iter()
            .copied()
            .filter(|oid| is_role(&self.epoch, *oid))
            .collect();
        let unnamed = |object: &&Arc<Object>| {
            let oid = object.oid();
            self.puts.contains_key(&oid)
                || self.drops.contains(&oid)
                || self.epoch.object(oid) == Some(*object)
                || !object.roles().iter().any(|role| dropped.contains(role))
        };
        self.puts.values().all(|object| object.roles().iter().all(there))
            && (dropped.is_empty() || epoch.objects().all(|object| unnamed(&object)))
    }
}
