//! `pg_size_pretty`, `pg_table_size` and relatives: bytes by the catalog's counters, no listing of storage.

use super::{Arg, Outcome, Spec};
use crate::pg_catalog::context::Context;
use crate::pg_catalog::rows::Value;

pub(super) const FUNCTIONS: &[Spec] = &[
    Spec::new("pg_size_pretty", (1, 1), "text", pretty),
    Spec::new("pg_table_size", (1, 1), "int8", relation_size),
    Spec::new("pg_relation_size", (1, 2), "int8", relation_size),
    Spec::new("pg_total_relation_size", (1, 1), "int8", relation_size),
    Spec::new("pg_indexes_size", (1, 1), "int8", |_, _| Ok(Value::Int(0))),
    Spec::new("pg_database_size", (1, 1), "int8", database_size),
    Spec::new("pg_tablespace_location", (1, 1), "text", |_, _| Ok("".into())),
    Spec::new("pg_tablespace_size", (1, 1), "int8", database_size),
];

const UNITS: [&str; 6] = ["bytes", "kB", "MB", "GB", "TB", "PB"];

/// PostgreSQL's rule: a unit is used up to 10 times the next one; halves round away from zero.
fn size_pretty(bytes: i64) -> String {
    let mut size = bytes;
    let limit = 10 * 1024;
    if size.saturating_abs() < limit {
        return format!("{size} bytes");
    }
    // One bit is kept below the unit for rounding.
    size >>= 9;
    for (i, unit) in UNITS.iter().enumerate().skip(1) {
        let last = i + 1 == UNITS.len();
        if size.saturating_abs() < limit * 2 - 1 || last {
            let rounded = (size + size.signum()) / 2;
            return format!("{rounded} {unit}");
        }
        size >>= 10;
    }
    format!("{bytes} bytes")
}

fn pretty(_: &Context, args: &[Arg<'_>]) -> Outcome {
    Ok(args.first().and_then(|a| a.int()).map(size_pretty).into())
}

fn relation_size(context: &Context, args: &[Arg<'_>]) -> Outcome {
    let relation = super::relation(context, args)?.filter(|relation| context.reads_whole(relation));
    Ok(relation.map(|r| r.bytes).into())
}

fn database_size(context: &Context, _: &[Arg<'_>]) -> Outcome {
    Ok(Value::Int(
        context
            .model()
            .relations
            .iter()
            .filter(|relation| relation.bytes > 0 && context.reads_whole(relation))
            .map(|relation| relation.bytes)
            .sum(),
    ))
}

#[cfg(test)]
mod tests {
    use super::size_pretty;

    #[test]
    fn sizes_read_as_in_postgresql_15() {
        let cases = [
            (0, "0 bytes"),
            (10_239, "10239 bytes"),
            (10_240, "10 kB"),
            (10_752, "11 kB"),
            (10_485_247, "10239 kB"),
            (10_485_248, "10 MB"),
            (1_000_000_000, "954 MB"),
            (1_000_000_000_000, "931 GB"),
            (-10_240, "-10 kB"),
            (i64::MAX, "8192 PB"),
        ];
        for (bytes, text) in cases {
            assert_eq!(size_pretty(bytes), text, "{bytes}");
        }
    }
}
