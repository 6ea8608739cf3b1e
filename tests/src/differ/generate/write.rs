//! INSERT, UPDATE and DELETE, mostly with sub-queries.

use super::super::expr::Expr;
use super::super::query::{From, Item};
use super::super::scope::{Level, Scope, Source};
use super::super::statement::{Edit, Verb, Write};
use super::super::table::{Column, Table};
use super::super::ty::Ty;
use super::{Generator, Place};

fn source(table: &Table, alias: &str) -> Source {
    Source {
        alias: alias.to_owned(),
        columns: table.columns.iter().map(|c| (c.name.clone(), c.ty)).collect(),
        key: None,
    }
}

impl Generator<'_> {
    pub(super) fn write(&mut self) -> Write {
        let table = self.tables[self.rng.below(self.tables.len())].clone();
        // A column's name that both a table and the written one have must say whose it is: there is always the qualified form.
        let mut level = Level {
            sources: vec![source(&table, &table.name)],
            merged: vec![],
        };
        if self.rng.chance(35) {
            return self.insert(&table, level);
        }
        let unique: Vec<&Table> = self
            .tables
            .iter()
            .filter(|t| t.unique && t.name != table.name)
            .collect();
        let mut other = None;
        if !unique.is_empty() && self.rng.chance(40) {
            let met = self.rng.one(&unique);
            let alias = self.alias("o");
            let ints: Vec<&Column> = table.columns.iter().filter(|c| c.ty == Ty::Int).collect();
            let by = self.rng.one(&ints);
            let column = |qualifier: &str, name: &str| Expr::Column {
                qualifier: Some(qualifier.to_owned()),
                name: name.to_owned(),
                ty: Ty::Int,
            };
            let on = Expr::node(
                "(? = ?)",
                vec![column(&table.name, &by.name), column(&alias, "id")],
                Ty::Bool,
            );
            level.sources.push(source(met, &alias));
            let from = From::Table {
                name: met.name.clone(),
                alias: Some(alias),
            };
            other = Some((from, on));
        }
        let place = Place::rows(Scope::default().with(level));
        let filter = self.rng.chance(80).then(|| {
            self.nest = self.nest.max(1);
            if self.rng.chance(50) {
                self.quantified(&place)
            } else {
                self.predicate(&place, 1)
            }
        });
        let edit = Edit { other, filter };
        let verb = if self.rng.chance(60) {
            let mut columns = table.columns.clone();
            // Of unique numbers they stay unique.
            columns.remove(0);
            self.rng.shuffle(&mut columns);
            columns.truncate(self.rng.range(1, 2));
            let set = columns
                .iter()
                .map(|column| (column.name.clone(), self.assigned(&place, column)))
                .collect();
            Verb::Update { set, edit }
        } else {
            Verb::Delete { edit }
        };
        let returning = self.returning(&place);
        Write {
            table: table.name,
            verb,
            returning,
        }
    }

    fn insert(&mut self, table: &Table, level: Level) -> Write {
        let mut columns = table.columns.clone();
        columns.truncate(self.rng.range(1, columns.len()).max(2));
        // The numbers of a unique table stay unique: it gets no others than above what it has, or none.
        if table.unique {
            columns.retain(|c| c.name != "id");
        }
        if columns.is_empty() {
            columns.push(table.columns[0].clone());
        }
        let (mut select, inner) = self.plain_from(&Scope::default());
        select.items = columns
            .iter()
            .enumerate()
            .map(|(at, column)| Item::named(self.assigned(&inner, column), at))
            .collect();
        let mut query = super::super::query::Query::plain(select);
        query.order = Some(self.directions());
        query.limit = Some(self.rng.range(1, 4));
        let place = Place::rows(Scope::default().with(level));
        let returning = self.returning(&place);
        Write {
            table: table.name.clone(),
            verb: Verb::Insert {
                columns: columns.into_iter().map(|c| c.name).collect(),
                query,
            },
            returning,
        }
    }

    /// A value that the column takes.
    fn assigned(&mut self, place: &Place, column: &Column) -> Expr {
        let value = self.expr(place, column.ty, 1);
        match column.sql {
            "varchar(12)" | "varchar(20)" | "varchar(30)" => Expr::node("left(?, 12)", vec![value], Ty::Text),
            _ => value,
        }
    }

    fn returning(&mut self, place: &Place) -> Vec<Item> {
        if !self.rng.chance(25) {
            return vec![];
        }
        let mut rows = place.clone();
        // Sub-queries in RETURNING see the table as it was: one more thing than is wanted here.
        let nest = std::mem::take(&mut self.nest);
        rows.windows = false;
        let items = (0..2)
            .map(|at| {
                let ty = self.ty_at(&rows);
                Item::named(self.expr(&rows, ty, 1), at)
            })
            .collect();
        self.nest = nest;
        items
    }
}
