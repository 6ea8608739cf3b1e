//! Several sessions' transactions as one: they share an epoch, and what a commit costs.

use super::Transaction;

impl Transaction {
    /// Whether `next`, built upon the same epoch, can be part of the epoch that this one makes, as if it came right after
    /// it. Only rows of tables that are there already change in such an epoch, and a table from which one of them takes
    /// files belongs to that one alone.
    pub(in crate::lake) fn accepts(&self, next: &Self) -> bool {
        let alone = |oid: &u32| {
            let of = |transaction: &Self| {
                let change = transaction.tables.get(oid)?;
                Some(!change.removes.is_empty() || change.rearranges)
            };
            matches!((of(self), of(next)), (Some(mine), Some(its)) if mine || its)
        };
        self.epoch.number == next.epoch.number
            && self.changes_rows_only()
            && next.changes_rows_only()
            && !next.tables.keys().any(alone)
            && !next.reads.iter().any(|oid| self.touches(*oid))
            && (self.keyed.iter().chain(&next.keyed))
                .all(|(oid, columns)| self.keys_differ(next, *oid, columns))
    }

    fn changes_rows_only(&self) -> bool {
        self.puts.is_empty()
            && self.drops.is_empty()
            && self.attached.is_empty()
            && self.forget_after.is_none()
            && self.vacuumed.is_none()
            // They are remembered by the table that they were brought to.
            && self.apps.is_empty()
            && !self.serializable
    }

    /// Takes in what `next` changes; asked for by [`Transaction::accepts`].
    pub(in crate::lake) fn take_in(&mut self, next: &Self) {
        for (oid, change) in &next.tables {
            let own = self.tables.entry(*oid).or_default();
            own.adds.extend(change.adds.iter().cloned());
            own.removes.extend(
                change
                    .removes
                    .iter()
                    .map(|(path, file)| (path.clone(), file.clone())),
            );
            own.rearranges |= change.rearranges;
        }
        self.reads.extend(&next.reads);
        let keyed = next.keyed.iter();
        self.keyed
            .extend(keyed.map(|(oid, columns)| (*oid, columns.clone())));
        join(&mut self.statement, next.statement.as_deref());
        join(&mut self.user, next.user.as_deref());
    }
}

/// Notes another name beside those that are there.
fn join(names: &mut Option<String>, next: Option<&str>) {
    match (names, next) {
        (Some(names), Some(next)) => {
            if !names.split(", ").any(|name| name == next) {
                names.push_str(", ");
                names.push_str(next);
            }
        }
        (names, next) => {
            if names.is_none() {
                *names = next.map(str::to_owned);
            }
        }
    }
}
