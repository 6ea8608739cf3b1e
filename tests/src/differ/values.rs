//! Literals: plain ones, and those at which engines tend to part.

use super::rng::Rng;
use super::ty::Ty;

const TEXTS: &[&str] = &[
    "'a'",
    "'b'",
    "'A'",
    "'ab'",
    "'abc'",
    "''",
    "'ba'",
    "'Ä'",
    "'ß'",
    "'日本'",
    "'e\u{301}'",
    "'a%b'",
    "'a_b'",
    "' a '",
    "'it''s'",
    "'NULL'",
    "'10'",
    "'2'",
    "'aB c'",
    "'z'",
    "'😀a'",
];
const FLOATS: &[&str] = &[
    "'NaN'",
    "'-0'",
    "'0'",
    "'Infinity'",
    "'-Infinity'",
    "0.1",
    "1e15",
    "-1.5",
    "2.5",
    "3.5",
];
const NUMS: &[&str] = &[
    "0", "0.00", "1.5", "-2.25", "10.01", "0.01", "-0.05", "1.50", "2", "100.10", "0.50", "99.995",
];
const DATES: &[&str] = &[
    "2024-03-31",
    "2024-10-27",
    "2024-03-10",
    "2023-02-28",
    "2024-02-29",
    "1999-12-31",
    "2024-01-31",
    "1969-07-20",
    "2024-12-30",
    "2021-01-03",
];
const TIMES: &[&str] = &[
    "00:00:00",
    "01:30:00",
    "02:00:00",
    "02:30:00",
    "02:59:59.999999",
    "03:00:00",
    "23:59:59.5",
    "12:00:00",
    "00:59:59",
    "01:00:00",
];
const INTERVALS: &[&str] = &[
    "1 day",
    "2 hours",
    "1 month",
    "-1 month",
    "1 day 02:30:00",
    "00:00:00.5",
    "1 year 2 months",
    "-3 days",
    "90 minutes",
    "0",
];
pub const ZONES: &[&str] = &[
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "America/St_Johns",
];

/// A value of a family; of its column's type where `sql` names one.
pub fn literal(rng: &mut Rng, ty: Ty, sql: &str) -> String {
    match ty {
        Ty::Int => match rng.below(10) {
            0 => format!("-{}", rng.range(1, 9)),
            1 => rng.range(10, 120).to_string(),
            _ => rng.below(8).to_string(),
        },
        Ty::Big => rng
            .pick(if sql == "int4" {
                &["2147483647", "-2147483648", "0", "1", "-1"]
            } else {
                &[
                    "9223372036854775807",
                    "-9223372036854775808",
                    "9007199254740993",
                    "0",
                    "2147483648",
                ]
            })
            .to_owned(),
        Ty::Num => rng.pick(NUMS).to_owned(),
        Ty::Float => match rng.below(4) {
            0 => rng.pick(FLOATS).to_owned(),
            // Eighths add up to the same sum in any order.
            _ => (f64::from(u32::try_from(rng.below(800)).expect("small")) / 8.0 - 20.0).to_string(),
        },
        Ty::Text => match rng.below(40) {
            0 if sql == "text" => format!(
                "repeat('{}', {})",
                rng.pick(&["x", "ä", "ab"]),
                rng.range(20, 400)
            ),
            _ => rng.pick(TEXTS).to_owned(),
        },
        Ty::Bool => rng.pick(&["true", "false"]).to_owned(),
        Ty::Date => format!("'{}'", rng.pick(DATES)),
        Ty::Ts => format!("'{} {}'", rng.pick(DATES), rng.pick(TIMES)),
        Ty::Tz => format!(
            "'{} {}{}'",
            rng.pick(DATES),
            rng.pick(TIMES),
            rng.pick(&["+00", "+02", "-05", "+05:30"])
        ),
        Ty::Interval => format!("'{}'", rng.pick(INTERVALS)),
        Ty::Ints => rng
            .pick(&["'{}'", "'{1}'", "'{1,2}'", "'{2,1}'", "'{NULL,3}'", "'{3,3,0}'"])
            .to_owned(),
    }
}

/// A literal that says its type, for expressions.
pub fn typed(rng: &mut Rng, ty: Ty) -> String {
    if rng.chance(6) {
        return format!("NULL::{}", ty.sql());
    }
    let text = literal(rng, ty, "");
    match ty {
        Ty::Int | Ty::Bool => text,
        // A minus would bind closer to what stands before than to the number.
        Ty::Num => format!("({text})"),
        Ty::Text if rng.chance(70) => text,
        Ty::Text => format!("{text}::text"),
        Ty::Float | Ty::Big => format!("({})::{}", text, ty.sql()),
        _ => format!(
            "{} {text}",
            if ty == Ty::Ints {
                return format!("{text}::int[]");
            } else {
                ty.sql()
            }
        ),
    }
}
