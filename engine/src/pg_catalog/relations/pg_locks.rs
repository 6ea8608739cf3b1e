//! `pg_locks`: advisory locks, of which nothing is hidden in PostgreSQL either. A lake's tables are never locked.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use crate::exchange::{Key, LockShown, Mode};
use crate::pg_catalog::model::DATABASE;
use crate::pg_catalog::{declared::Declared, rows::Rows};

/// The two halves of a key, and how PostgreSQL says which kind it is.
fn parts(key: Key) -> (u32, u32, i32) {
    match key {
        Key::One(number) => ((number >> 32) as u32, number as u32, 1),
        Key::Two(one, other) => (one as u32, other as u32, 2),
    }
}

pub(crate) fn rows(declared: &'static Declared, locks: &[LockShown]) -> Result<RecordBatch, ArrowError> {
    Rows::new(declared, locks)
        .column("locktype", |_| "advisory")
        .column("database", |_| DATABASE)
        .column("classid", |lock| parts(lock.key).0)
        .column("objid", |lock| parts(lock.key).1)
        .column("objsubid", |lock| parts(lock.key).2)
        .column("pid", |lock| lock.pid)
        .column("mode", |lock| match lock.mode {
            Mode::Exclusive => "ExclusiveLock",
            Mode::Shared => "ShareLock",
        })
        .column("granted", |lock| lock.granted)
        .column("fastpath", |_| false)
        .finish()
}
