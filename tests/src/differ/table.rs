//! Tables of a round: columns, rows, and how the rows are cut into statements.

use super::rng::Rng;
use super::ty::Ty;
use super::values::literal;

#[derive(Debug, Clone)]
pub struct Column {
    pub name: String,
    pub ty: Ty,
    pub sql: &'static str,
}

/// A table with its rows as literals, in the batches that are inserted by one statement each.
#[derive(Debug, Clone)]
pub struct Table {
    pub name: String,
    pub columns: Vec<Column>,
    pub batches: Vec<Vec<Vec<String>>>,
    /// No two rows share their `id`, nor is one NULL.
    pub unique: bool,
}

/// Names that tables share, with the types that they may have.
const POOL: &[(&str, Ty, &[&str])] = &[
    ("k", Ty::Int, &["int2", "int4"]),
    ("n", Ty::Int, &["int8", "int4"]),
    ("t", Ty::Text, &["text"]),
    ("v", Ty::Text, &["varchar(12)", "varchar(20)"]),
    ("x", Ty::Float, &["float8"]),
    ("g", Ty::Num, &["numeric(10,2)", "numeric(12,3)"]),
    ("name", Ty::Text, &["text", "varchar(30)"]),
    ("ok", Ty::Bool, &["bool"]),
    ("d", Ty::Date, &["date"]),
    ("ts", Ty::Ts, &["timestamp"]),
    ("tz", Ty::Tz, &["timestamptz"]),
    ("iv", Ty::Interval, &["interval"]),
    ("a", Ty::Ints, &["int[]"]),
    ("w", Ty::Big, &["int8", "int4"]),
];

impl Table {
    fn random(rng: &mut Rng, name: String) -> Self {
        let mut columns = vec![Column {
            name: "id".into(),
            ty: Ty::Int,
            sql: rng.pick(&["int4", "int8"]),
        }];
        for (name, ty, sqls) in POOL {
            // The common ones stand in most tables, so that joins have names to share.
            let percent = if matches!(*name, "k" | "t" | "g" | "d") {
                75
            } else {
                40
            };
            if rng.chance(percent) {
                columns.push(Column {
                    name: (*name).to_owned(),
                    ty: *ty,
                    sql: rng.pick(sqls),
                });
            }
        }
        let unique = rng.chance(70);
        let rows = match rng.below(12) {
            0 => 0,
            1 => 1,
            2 => 40,
            _ => rng.range(2, 12),
        };
        let mut rows: Vec<Vec<String>> = (0..rows)
            .map(|id| {
                let cell = |(at, column): (usize, &Column)| match at {
                    0 if unique => (id + 1).to_string(),
                    _ if rng.chance(12) => "NULL".to_owned(),
                    _ => literal(rng, column.ty, column.sql),
                };
                columns.iter().enumerate().map(cell).collect()
            })
            .collect();
        if rng.chance(50) {
            rng.shuffle(&mut rows);
        }
        let mut batches = vec![];
        while !rows.is_empty() {
            let n = if rng.chance(40) {
                rows.len()
            } else {
                rng.range(1, rows.len())
            };
            batches.push(rows.drain(..n).collect());
        }
        Self {
            name,
            columns,
            batches,
            unique,
        }
    }

    /// The tables of a round.
    pub fn schema(rng: &mut Rng) -> Vec<Self> {
        let n = rng.range(3, 6);
        (1..=n).map(|i| Self::random(rng, format!("t{i}"))).collect()
    }

    /// Drops the other columns, but for the first, as a table needs one.
    pub fn keep_columns(&mut self, keep: &dyn Fn(&str) -> bool) {
        let mut kept: Vec<bool> = self.columns.iter().map(|c| keep(&c.name)).collect();
        if !kept.contains(&true) {
            kept[0] = true;
        }
        let mut at = kept.iter();
        self.columns.retain(|_| *at.next().expect("one each"));
        for row in self.batches.iter_mut().flatten() {
            let mut at = kept.iter();
            row.retain(|_| *at.next().expect("one each"));
        }
    }

    pub fn create(&self) -> String {
        let columns: Vec<String> = self
            .columns
            .iter()
            .map(|c| format!("{} {}", c.name, c.sql))
            .collect();
        format!("CREATE TABLE {} ({})", self.name, columns.join(", "))
    }

    pub fn insert(&self, batch: &[Vec<String>]) -> String {
        let rows: Vec<String> = batch.iter().map(|row| format!("({})", row.join(", "))).collect();
        format!("INSERT INTO {} VALUES {}", self.name, rows.join(", "))
    }

    /// All statements that make the table.
    pub fn script(&self) -> Vec<String> {
        let inserts = self.batches.iter().map(|batch| self.insert(batch));
        std::iter::once(self.create()).chain(inserts).collect()
    }
}
