//! Rows that are the same in every PostgreSQL (functions, operators, casts, collations …): a PostgreSQL 15's own (`facts.rs`).

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use super::declared::Declared;
use super::facts::{Cell, Facts};

/// Whether a relation has static rows.
pub(crate) fn has(name: &str) -> bool {
    Facts::of(name).is_some()
}

/// The static rows of a system relation; None for relations without any. `owner` is the role shown as the owner.
///
/// # Errors
/// An Arrow error if the rows do not fit the declaration, which would be a defect.
pub(crate) fn rows(declared: &'static Declared, owner: u32) -> Option<Result<RecordBatch, ArrowError>> {
    Some(Facts::of(declared.name)?.batch(declared, owner))
}

/// Some columns of a relation's static rows; no rows if it has none.
fn select<const N: usize>(relation: &str, columns: [&str; N]) -> impl Iterator<Item = [Cell; N]> {
    Facts::of(relation)
        .and_then(|facts| facts.select(columns))
        .into_iter()
        .flatten()
}

/// OIDs and names of what is the same in every PostgreSQL.
pub(crate) fn named(
    relation: &'static str,
    column: &'static str,
) -> impl Iterator<Item = (u32, Cow<'static, str>)> {
    select(relation, ["oid", column]).filter_map(|[oid, name]| Some((oid?.parse().ok()?, name?)))
}

/// One of PostgreSQL's functions.
struct Proc {
    name: Cow<'static, str>,
    result: u32,
    arguments: Vec<u32>,
}

static PROCS: LazyLock<HashMap<u32, Proc>> = LazyLock::new(|| {
    select("pg_proc", ["oid", "proname", "prorettype", "proargtypes"])
        .filter_map(|[oid, name, result, arguments]| {
            let proc = Proc {
                name: name?,
                result: result?.parse().ok()?,
                arguments: arguments?.split(' ').filter_map(|t| t.parse().ok()).collect(),
            };
            Some((oid?.parse().ok()?, proc))
        })
        .collect()
});

/// OIDs by name, in order: functions of one name differ by their arguments.
static NAMES: LazyLock<HashMap<&'static str, Vec<u32>>> = LazyLock::new(|| {
    let mut names: HashMap<&str, Vec<u32>> = HashMap::new();
    for (oid, proc) in PROCS.iter() {
        names.entry(&proc.name).or_default().push(*oid);
    }
    for oids in names.values_mut() {
        oids.sort_unstable();
    }
    names
});

/// OID of a function by its name, which may have `pg_catalog.` before it; the first of those with that name.
pub(crate) fn proc_oid(name: &str) -> Option<i64> {
    NAMES
        .get(name.strip_prefix("pg_catalog.").unwrap_or(name))
        .and_then(|oids| oids.first())
        .map(|oid| i64::from(*oid))
}

/// Whether PostgreSQL has a function of that name.
pub(crate) fn is_postgresqls(name: &str) -> bool {
    NAMES.contains_key(name)
}

/// Result type and argument types of one of PostgreSQL's functions.
pub(crate) fn proc_signature(oid: u32) -> Option<(u32, &'static [u32])> {
    PROCS.get(&oid).map(|p| (p.result, p.arguments.as_slice()))
}

/// The name of one of PostgreSQL's functions.
pub(crate) fn proc_name(oid: u32) -> Option<&'static str> {
    PROCS.get(&oid).map(|p| p.name.as_ref())
}

/// The default operator classes of B-trees, by the type that they are for.
static BTREES: LazyLock<HashMap<u32, i64>> = LazyLock::new(|| {
    select("pg_opclass", ["opcmethod", "opcdefault", "opcintype", "oid"])
        .filter(|[method, default, ..]| method.as_deref() == Some("403") && default.as_deref() == Some("t"))
        .filter_map(|[_, _, of, oid]| Some((of?.parse().ok()?, oid?.parse().ok()?)))
        .collect()
});

/// The default operator class of a type in an index; 0 if it has none.
pub(crate) fn btree_class(of: u32) -> i64 {
    // Of varchar it is that of text, to which it is cast.
    let of = if of == 1043 { 25 } else { of };
    BTREES.get(&of).copied().unwrap_or(0)
}

/// Whether several of PostgreSQL's functions have a name.
pub(crate) fn is_overloaded(name: &str) -> bool {
    NAMES.get(name).is_some_and(|oids| oids.len() > 1)
}

/// PostgreSQL's comments on its own objects, sorted: object, catalog, text.
static COMMENTS: LazyLock<Vec<(u32, u32, Cow<'static, str>)>> = LazyLock::new(|| {
    let mut comments: Vec<_> = select("pg_description", ["objoid", "classoid", "description"])
        .filter_map(|[object, class, text]| Some((object?.parse().ok()?, class?.parse().ok()?, text?)))
        .collect();
    comments.sort_unstable();
    comments
});

/// PostgreSQL's comment on one of its own objects, by the object's OID and its catalog's.
pub(crate) fn comment(object: u32, class: u32) -> Option<&'static str> {
    let found = COMMENTS.binary_search_by_key(&(object, class), |(object, class, _)| (*object, *class));
    COMMENTS.get(found.ok()?).map(|(.., text)| text.as_ref())
}

/// All of PostgreSQL's comments on its own objects, sorted: object, catalog, text.
pub(crate) fn comments() -> impl Iterator<Item = (u32, u32, &'static str)> {
    COMMENTS
        .iter()
        .map(|(object, class, text)| (*object, *class, text.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg_catalog::declared::{PG_CATALOG, relation, relations};
    use arrow::array::AsArray;
    use arrow::datatypes::UInt32Type;
    use arrow::util::display::array_value_to_string;

    const OWNER: u32 = 16_385;

    fn of(name: &str) -> RecordBatch {
        let declared = relation(PG_CATALOG, name).expect("declared");
        rows(declared, OWNER).expect("static").expect("fits")
    }

    /// A row as text, column by column.
    fn row(name: &str, key: u32, columns: &[&str]) -> Vec<String> {
        let batch = of(name);
        let keys = batch.column(0).as_primitive::<UInt32Type>();
        let at = keys.values().iter().position(|k| *k == key).expect("a row");
        columns
            .iter()
            .map(|column| {
                let values = batch.column_by_name(column).expect("a column");
                array_value_to_string(values, at).expect("a text")
            })
            .collect()
    }

    #[test]
    fn every_static_relation_fits_its_declaration() {
        let mut counts = Vec::new();
        for declared in relations().iter().filter(|r| has(r.name)) {
            let batch = of(declared.name);
            let keys = batch.column(0).as_primitive::<UInt32Type>();
            assert!(keys.values().is_sorted(), "{}", declared.name);
            for (field, column) in declared.schema.fields().iter().zip(batch.columns()) {
                if field.name().ends_with("owner") {
                    let owners = column.as_primitive::<UInt32Type>();
                    assert!(owners.values().iter().all(|o| *o == OWNER), "{field}");
                }
            }
            counts.push((declared.name, batch.num_rows()));
        }
        counts.sort_unstable();
        // PostgreSQL 15's count(*), without PL/pgSQL, information_schema's functions and the C library's collations.
        let expected = [
            ("pg_aggregate", 148),
            ("pg_am", 7),
            ("pg_amop", 945),
            ("pg_amproc", 696),
            ("pg_cast", 229),
            ("pg_collation", 810),
            ("pg_conversion", 128),
            ("pg_description", 5134),
            ("pg_language", 3),
            ("pg_opclass", 177),
            ("pg_operator", 799),
            ("pg_opfamily", 146),
            ("pg_proc", 3230),
            ("pg_range", 6),
            ("pg_tablespace", 2),
            ("pg_ts_config", 29),
            ("pg_ts_dict", 29),
            ("pg_ts_parser", 1),
            ("pg_ts_template", 5),
        ];
        assert_eq!(counts, expected);
    }

    #[test]
    fn rows_are_postgresqls() {
        let array_in = [
            "proname",
            "procost",
            "proisstrict",
            "proargtypes",
            "proargnames",
            "prosrc",
        ];
        assert_eq!(
            row("pg_proc", 750, &array_in),
            ["array_in", "1.0", "true", "[2275, 26, 23]", "", "array_in"]
        );
        let arrays = ["proallargtypes", "proargmodes", "proargnames"];
        assert_eq!(
            row("pg_proc", 2289, &arrays),
            [
                "[1009, 25, 25]",
                "[i, o, o]",
                "[options_array, option_name, option_value]"
            ]
        );
        // int4 + int4 is int4pl, avg(bigint) starts and ends with functions of its own, each by its OID.
        let operator = ["oprname", "oprcode", "oprrest"];
        assert_eq!(row("pg_operator", 551, &operator), ["+", "177", "0"]);
        let aggregate = [
            "aggkind",
            "aggtransfn",
            "aggfinalfn",
            "aggtranstype",
            "agginitval",
        ];
        assert_eq!(
            row("pg_aggregate", 2100, &aggregate),
            ["n", "2746", "3389", "2281", ""]
        );
        let collation = [
            "collname",
            "collencoding",
            "collcollate",
            "colliculocale",
            "collversion",
        ];
        assert_eq!(row("pg_collation", 950, &collation), ["C", "-1", "C", "", ""]);
    }

    #[test]
    fn functions_are_found_by_name_and_oid() {
        assert_eq!(proc_oid("array_in"), Some(750));
        assert_eq!(proc_oid("pg_catalog.array_in"), Some(750));
        assert_eq!(proc_oid("array_inn"), None);
        assert_eq!(proc_name(750), Some("array_in"));
        assert_eq!(proc_signature(750), Some((2277, [2275, 26, 23].as_slice())));
        assert!(is_overloaded("avg") && !is_overloaded("array_in"));
    }

    #[test]
    fn comments_are_postgresqls() {
        assert_eq!(comment(177, 1255), Some("implementation of + operator"));
        assert_eq!(comment(551, 2617), Some("add"));
        assert_eq!(comment(177, 2617), None);
    }
}
