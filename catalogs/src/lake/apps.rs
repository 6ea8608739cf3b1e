//! Application transactions that were published: what makes a retry a no-op.
//!
//! They are kept by table and by age: a load of many files into one table forgets nothing of another's, nor of its own
//! before a month has passed. Who would have to forget what is younger is refused ([`Transaction::app`]).
//!
//! [`Transaction::app`]: super::Transaction::app

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Application transactions of one table that are remembered however old they are: the newest.
const ALWAYS: usize = 4096;
/// Younger ones are remembered however many there are.
const AGE: TimeDelta = TimeDelta::days(30);
/// Younger ones of one table, at most: the catalog is written whole at each commit.
const MOST: usize = 65_536;

/// What an application has published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct App {
    /// Highest sequence number; a column of its own in the catalog's file.
    #[serde(skip)]
    pub(crate) sequence: i64,
    /// Epoch that recorded it.
    pub(crate) epoch: u64,
    /// When; the time of the lake's making in files that do not say.
    #[serde(default)]
    pub(crate) at: DateTime<Utc>,
    /// OID of the first table that it wrote to; 0 if unknown.
    #[serde(default)]
    pub(crate) table: u32,
}

/// By application id.
pub(crate) type Apps = BTreeMap<String, App>;

/// Forgets what is both old and not among the newest of its table. The same for everybody: `now` is the commit's time.
pub(crate) fn forget(apps: &mut Apps, now: DateTime<Utc>) {
    let mut tables: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
    for app in apps.values() {
        tables.entry(app.table).or_default().push(app.epoch);
    }
    let kept: BTreeMap<u32, u64> = tables
        .into_iter()
        .filter(|(_, epochs)| epochs.len() > ALWAYS)
        .map(|(table, mut epochs)| {
            epochs.sort_unstable();
            (table, epochs[epochs.len() - ALWAYS])
        })
        .collect();
    if !kept.is_empty() {
        let old = |app: &App| now - app.at > AGE;
        apps.retain(|_, app| !old(app) || kept.get(&app.table).is_none_or(|first| app.epoch >= *first));
    }
}

/// Whether `more` ids can be remembered for a table.
///
/// # Errors
/// [`Error::Invalid`] where a younger one would have to be forgotten.
pub(super) fn check_room(apps: &Apps, table: u32, more: usize, now: DateTime<Utc>) -> Result<()> {
    if more == 0 || apps.len() + more <= MOST {
        return Ok(());
    }
    let young = apps
        .values()
        .filter(|app| app.table == table && now - app.at <= AGE);
    if young.count() + more <= MOST {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "more than {MOST} application transactions of one table within {} days cannot be told apart when they are \
         repeated: bring more rows with each",
        AGE.num_days()
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app(epoch: u64, table: u32, at: DateTime<Utc>) -> App {
        App {
            sequence: 1,
            epoch,
            at,
            table,
        }
    }

    #[test]
    fn the_young_and_the_newest_of_each_table_stay() {
        let now = Utc::now();
        let old = now - TimeDelta::days(31);
        let mut apps = Apps::new();
        for n in 0..5000u64 {
            apps.insert(format!("old {n}"), app(n, 1, old));
            apps.insert(format!("young {n}"), app(n, 2, now - TimeDelta::days(29)));
        }
        apps.insert("alone".to_owned(), app(0, 3, old));
        forget(&mut apps, now);
        assert!(!apps.contains_key("old 903") && apps.contains_key("old 904"));
        assert!(apps.contains_key("young 0") && apps.contains_key("alone"));
        assert_eq!(apps.len(), 4096 + 5000 + 1);
    }

    #[test]
    fn the_young_are_not_forgotten_but_more_of_them_refused() {
        let now = Utc::now();
        let ids = (0..MOST as u64).map(|n| (n.to_string(), app(n, 1, now)));
        let mut apps: Apps = ids.collect();
        forget(&mut apps, now);
        assert_eq!(apps.len(), MOST);
        assert!(check_room(&apps, 1, 1, now).is_err());
        assert!(check_room(&apps, 1, 0, now).is_ok() && check_room(&apps, 2, 1, now).is_ok());
        assert!(check_room(&apps, 1, 1, now + TimeDelta::days(31)).is_ok());
    }
}
