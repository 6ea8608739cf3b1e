//! FROM: tables, joins and what stands in for tables.

use super::super::expr::Expr;
use super::super::query::{From, On};
use super::super::scope::{Level, Scope, Source};
use super::super::ty::Ty;
use super::{Generator, Place};

impl Generator<'_> {
    /// One to five parts joined, and what they bring in sight.
    pub(super) fn from(&mut self, outer: &Scope) -> (From, Level) {
        // Sub-queries run for each row of what is around them.
        let most = if outer.levels.is_empty() { 20 } else { 15 };
        let parts = match self.rng.below(most) {
            0..=7 => 1,
            8..=14 => 2,
            15..=17 => 3,
            18 => 4,
            _ => 5,
        };
        let (mut from, source) = self.part(outer, &Level::default());
        let mut level = Level {
            sources: vec![source],
            merged: vec![],
        };
        for _ in 1..parts {
            let (right, source) = self.part(outer, &level);
            (from, level) = self.join(outer, from, level, right, source);
        }
        (from, level)
    }

    fn join(
        &mut self,
        outer: &Scope,
        left: From,
        mut level: Level,
        right: From,
        source: Source,
    ) -> (From, Level) {
        let before = level.joinable();
        let shared: Vec<(String, Ty)> = before
            .iter()
            .filter(|c| source.columns.contains(c))
            .cloned()
            .collect();
        let doubled = source.columns.iter().any(|(name, _)| {
            level
                .sources
                .iter()
                .any(|s| s.columns.iter().any(|(c, _)| c == name))
                && !before.iter().any(|(b, _)| b == name)
        });
        let mut kind = self.rng.pick(&[
            "JOIN",
            "INNER JOIN",
            "LEFT JOIN",
            "LEFT JOIN",
            "RIGHT JOIN",
            "FULL JOIN",
        ]);
        let lateral = matches!(right, From::Derived { lateral: true, .. });
        if lateral {
            kind = self.rng.pick(&["JOIN", "LEFT JOIN"]);
        }
        // A name that was made one is two again, unless this join makes it one once more.
        let common: Vec<(String, Ty)> = level
            .merged
            .iter()
            .filter(|c| source.columns.iter().any(|(n, _)| *n == c.0))
            .cloned()
            .collect();
        level.merged.retain(|c| !common.contains(c));
        level.sources.push(source);
        // Products of many tables are large, and tell no more than those of two.
        let few = level.sources.len() < 3;
        let (kind, on) = if few && self.rng.chance(8) {
            ("CROSS JOIN", On::Nothing)
        } else if !shared.is_empty() && !doubled && shared.len() < 5 && self.rng.chance(15) {
            level.merged.extend(shared);
            let natural = [
                "NATURAL JOIN",
                "NATURAL LEFT JOIN",
                "NATURAL RIGHT JOIN",
                "NATURAL FULL JOIN",
            ];
            (natural[if lateral { 0 } else { self.rng.below(4) }], On::Nothing)
        } else if !shared.is_empty() && self.rng.chance(30) {
            let mut columns = shared;
            self.rng.shuffle(&mut columns);
            columns.truncate(self.rng.range(1, 2));
            level.merged.extend(columns.clone());
            (
                kind,
                On::Using(columns.into_iter().map(|(name, _)| name).collect()),
            )
        } else {
            (kind, On::Expr(self.on(outer, &level, kind)))
        };
        level.merged.sort_by(|a, b| a.0.cmp(&b.0));
        level.merged.dedup();
        let join = From::Join {
            kind,
            left: Box::new(left),
            right: Box::new(right),
            on,
        };
        (join, level)
    }

    /// A condition between the last part and those before.
    fn on(&mut self, outer: &Scope, level: &Level, kind: &str) -> Expr {
        let (right, left) = level.sources.split_last().expect("two parts");
        let mut pairs = vec![];
        for source in left {
            for (name, ty) in &source.columns {
                for (other, _) in right.columns.iter().filter(|(_, t)| t == ty) {
                    pairs.push((source.alias.clone(), name.clone(), other.clone(), *ty));
                }
            }
        }
        if pairs.is_empty() {
            return Expr::literal("true", Ty::Bool);
        }
        let equal = |g: &mut Self, template| {
            let (alias, name, other, ty) = g.rng.one(&pairs);
            let column = |alias: &str, name: String| Expr::Column {
                qualifier: Some(alias.to_owned()),
                name,
                ty,
            };
            Expr::node(
                template,
                vec![column(&alias, name), column(&right.alias, other)],
                Ty::Bool,
            )
        };
        let first = equal(self, "(? = ?)");
        // PostgreSQL has FULL JOIN only with conditions that it can hash or merge.
        if kind == "FULL JOIN" || self.rng.chance(55) {
            return first;
        }
        let more = match self.rng.below(3) {
            0 => {
                let template = self.rng.pick(&["(? < ?)", "(? >= ?)", "(? <> ?)", "(? = ?)"]);
                equal(self, template)
            }
            _ => {
                let place = Place::rows(outer.with(level.clone()));
                self.predicate(&place, 1)
            }
        };
        let few = level.sources.len() < 3;
        let template = if few && self.rng.chance(30) {
            "(? OR ?)"
        } else {
            "(? AND ?)"
        };
        Expr::node(template, vec![first, more], Ty::Bool)
    }

    /// One part, under a name that is not taken.
    fn part(&mut self, outer: &Scope, beside: &Level) -> (From, Source) {
        let taken = |name: &str| beside.sources.iter().any(|s| s.alias == name);
        if self.nest > 0 && self.rng.chance(20) {
            self.nest -= 1;
            let lateral = !beside.sources.is_empty() && self.rng.chance(25);
            let scope = if lateral {
                outer.with(beside.clone())
            } else {
                outer.clone()
            };
            let tys: Vec<Ty> = (0..self.rng.range(1, 4)).map(|_| self.some_ty()).collect();
            let query = self.query(&scope, &tys);
            let alias = self.alias("q");
            let columns = tys
                .iter()
                .enumerate()
                .map(|(i, ty)| (format!("c{}", i + 1), *ty))
                .collect();
            let source = Source {
                alias: alias.clone(),
                columns,
                key: None,
            };
            return (
                From::Derived {
                    lateral,
                    query: Box::new(query),
                    alias,
                },
                source,
            );
        }
        if !self.ctes.is_empty() && self.rng.chance(60) {
            let ctes = self.ctes.clone();
            let (name, columns) = self.rng.one(&ctes);
            let alias = (taken(&name) || self.rng.chance(30)).then(|| self.alias("w"));
            let source = Source {
                alias: alias.clone().unwrap_or_else(|| name.clone()),
                columns,
                key: None,
            };
            return (From::Table { name, alias }, source);
        }
        if self.rng.chance(4) {
            let alias = self.alias("s");
            let text = match self.rng.below(2) {
                0 => format!("generate_series(0, {}) AS {alias}(k)", self.rng.range(1, 9)),
                _ => format!("(VALUES (1), (2), (NULL), (2)) AS {alias}(k)"),
            };
            let source = Source {
                alias: alias.clone(),
                columns: vec![("k".to_owned(), Ty::Int)],
                key: None,
            };
            return (From::Other { text, alias }, source);
        }
        let table = &self.tables[self.rng.below(self.tables.len())];
        let alias = (taken(&table.name) || self.rng.chance(50)).then(|| self.alias("a"));
        let source = Source {
            alias: alias.clone().unwrap_or_else(|| table.name.clone()),
            columns: table.columns.iter().map(|c| (c.name.clone(), c.ty)).collect(),
            key: table.unique.then(|| "id".to_owned()),
        };
        let name = table.name.clone();
        (From::Table { name, alias }, source)
    }
}
