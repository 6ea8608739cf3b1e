//! PostgreSQL 15's own types (`data/types.tsv`: the rows of its `pg_type` without row types), and ours (`data/own_types.tsv`).

use std::collections::HashMap;
use std::sync::LazyLock;

use super::types::{PgKind, PgType, is_own};

/// A row of `pg_type`; the fields bear the columns' names without `typ`.
#[derive(Debug, Clone, Default)]
pub(crate) struct BaseType {
    pub(crate) oid: u32,
    pub(crate) name: String,
    pub(crate) namespace: u32,
    pub(crate) len: i16,
    pub(crate) byval: bool,
    pub(crate) kind: String,
    pub(crate) category: String,
    pub(crate) preferred: bool,
    pub(crate) delim: String,
    pub(crate) relid: u32,
    pub(crate) subscript: u32,
    pub(crate) elem: u32,
    pub(crate) array: u32,
    pub(crate) input: u32,
    pub(crate) output: u32,
    pub(crate) receive: u32,
    pub(crate) send: u32,
    pub(crate) modin: u32,
    pub(crate) modout: u32,
    pub(crate) analyze: u32,
    pub(crate) align: String,
    pub(crate) storage: String,
    pub(crate) notnull: bool,
    pub(crate) basetype: u32,
    pub(crate) typmod: i32,
    pub(crate) ndims: i32,
    pub(crate) collation: u32,
}

static TYPES: LazyLock<Vec<BaseType>> = LazyLock::new(|| {
    let theirs = include_str!("data/types.tsv").lines();
    let mut all: Vec<BaseType> = theirs
        .chain(include_str!("data/own_types.tsv").lines())
        .filter_map(parse)
        .collect();
    all.sort_by_key(|t| t.oid);
    all
});
static BY_OID: LazyLock<HashMap<u32, &'static BaseType>> =
    LazyLock::new(|| TYPES.iter().map(|t| (t.oid, t)).collect());

/// All of them, by OID.
pub(crate) fn all() -> &'static [BaseType] {
    &TYPES
}

/// One by OID.
pub(crate) fn get(oid: u32) -> Option<&'static BaseType> {
    BY_OID.get(&oid).copied()
}

fn parse(line: &str) -> Option<BaseType> {
    let mut cells = line.split('\t');
    let mut next = || cells.next();
    fn number<T: std::str::FromStr>(cell: Option<&str>) -> Option<T> {
        cell?.parse().ok()
    }
    fn flag(cell: Option<&str>) -> Option<bool> {
        Some(cell? == "t")
    }
    Some(BaseType {
        oid: number(next())?,
        name: next()?.to_owned(),
        namespace: number(next())?,
        len: number(next())?,
        byval: flag(next())?,
        kind: next()?.to_owned(),
        category: next()?.to_owned(),
        preferred: flag(next())?,
        delim: next()?.to_owned(),
        relid: 0,
        subscript: number(next())?,
        elem: number(next())?,
        array: number(next())?,
        input: number(next())?,
        output: number(next())?,
        receive: number(next())?,
        send: number(next())?,
        modin: number(next())?,
        modout: number(next())?,
        analyze: number(next())?,
        align: next()?.to_owned(),
        storage: next()?.to_owned(),
        notnull: flag(next())?,
        basetype: number(next())?,
        typmod: number(next())?,
        ndims: number(next())?,
        collation: number(next())?,
    })
}

/// How a column of a type is stored, as `pg_attribute` copies it from `pg_type`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Storage {
    pub(crate) by_value: bool,
    pub(crate) align: &'static str,
    pub(crate) storage: &'static str,
    pub(crate) collation: u32,
}

/// The storage of a type; composites and their arrays as PostgreSQL stores all such.
pub(crate) fn storage(pg_type: &PgType) -> Storage {
    match get(pg_type.oid) {
        Some(t) => Storage {
            by_value: t.byval,
            align: &t.align,
            storage: &t.storage,
            collation: t.collation,
        },
        None if is_own(pg_type.oid) => Storage {
            by_value: true,
            align: "i",
            storage: "p",
            collation: 0,
        },
        None => {
            let collation = match &pg_type.kind {
                PgKind::Array(element) => get(element.oid).map_or(0, |t| t.collation),
                _ => 0,
            };
            Storage {
                by_value: false,
                align: "d",
                storage: "x",
                collation,
            }
        }
    }
}
