//! A case that stands on its own: settings, tables, a statement.

use std::time::{Duration, Instant};

use super::super::statement::Statement;
use super::super::table::Table;
use super::expr::fewer;

/// All that it takes to see a difference.
#[derive(Debug, Clone)]
pub struct Case {
    pub zone: String,
    pub tables: Vec<Table>,
    /// Writes that have been committed before.
    pub before: Vec<Statement>,
    pub statement: Statement,
}

impl Case {
    /// What makes the tables, in the schema at hand.
    pub fn setup(&self) -> Vec<String> {
        let tables = self.tables.iter().flat_map(Table::script);
        tables
            .chain(self.before.iter().map(ToString::to_string))
            .collect()
    }

    /// The whole as a script.
    pub fn script(&self) -> String {
        let mut lines = vec![format!("SET TimeZone = '{}';", self.zone)];
        lines.extend(self.setup().into_iter().map(|s| format!("{s};")));
        lines.push(format!("{};", self.statement));
        if let Statement::Write(write) = &self.statement {
            lines.push(format!("SELECT * FROM {};", write.table));
        }
        lines.join("\n")
    }

    fn uses(&self, name: &str) -> bool {
        let mut texts = vec![self.statement.to_string()];
        texts.extend(self.before.iter().map(ToString::to_string));
        let word = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
        texts.iter().any(|text| text.split(word).any(|w| w == name))
    }

    /// Smaller in what it stands on; the statement stays.
    fn less_data(&self) -> Vec<Self> {
        let mut found = vec![];
        // Mostly the statement needs its own tables alone.
        let mut bare = Self {
            before: vec![],
            ..self.clone()
        };
        let own = bare.clone();
        bare.tables.retain(|table| own.uses(&table.name));
        for table in &mut bare.tables {
            table.keep_columns(&|name| own.uses(name));
        }
        found.push(bare);
        if !self.before.is_empty() {
            found.push(Self {
                before: vec![],
                ..self.clone()
            });
            found.extend(fewer(&self.before, 0).into_iter().map(|before| Self {
                before,
                ..self.clone()
            }));
        }
        let change = |at: usize, change: &dyn Fn(&mut Table)| {
            let mut case = self.clone();
            change(&mut case.tables[at]);
            case
        };
        for (at, table) in self.tables.iter().enumerate() {
            if !self.uses(&table.name) {
                let mut case = self.clone();
                let _ = case.tables.remove(at);
                found.push(case);
                continue;
            }
            for (i, batch) in table.batches.iter().enumerate() {
                found.push(change(at, &|t| drop(t.batches.remove(i))));
                for part in [2, 4, 8, batch.len()] {
                    let size = batch.len().div_ceil(part.max(1));
                    for start in (0..batch.len()).step_by(size.max(1)) {
                        let end = (start + size).min(batch.len());
                        if end - start < batch.len() {
                            found.push(change(at, &|t| drop(t.batches[i].drain(start..end))));
                        }
                    }
                }
            }
            if table.batches.len() > 1 {
                found.push(change(at, &|t| t.batches = vec![t.batches.concat()]));
            }
            for column in table.columns.iter().filter(|column| !self.uses(&column.name)) {
                found.push(change(at, &|t| t.keep_columns(&|name| name != column.name)));
            }
        }
        found.sort_by_key(|case| case.setup().join("").len());
        let length = self.setup().join("").len();
        found.retain(|case| case.setup().join("").len() < length);
        found
    }
}

/// Shrinks as long as `differs` says of the smaller one that it still does. It is told whether the tables have changed.
pub fn shrink(mut case: Case, patience: Duration, differs: &mut dyn FnMut(&Case, bool) -> bool) -> Case {
    let start = Instant::now();
    // Statements first, as they need no tables to be made anew; once more at the end, as fewer rows may need less of it.
    for _ in 0..2 {
        for data in [false, true] {
            'again: loop {
                let smaller: Vec<Case> = if data {
                    case.less_data()
                } else {
                    let statements = case.statement.smaller().into_iter();
                    statements
                        .map(|statement| Case {
                            statement,
                            ..case.clone()
                        })
                        .collect()
                };
                for candidate in smaller {
                    if start.elapsed() > patience {
                        return case;
                    }
                    if differs(&candidate, data) {
                        case = candidate;
                        continue 'again;
                    }
                }
                break;
            }
        }
    }
    case
}
