//! Queries by chance.

use super::super::query::{Body, Cte, Distinct, Group, Item, Query, Select};
use super::super::scope::Scope;
use super::super::ty::Ty;
use super::{Generator, Place};

const DIRECTIONS: &[&str] = &[
    "",
    "",
    " DESC",
    " NULLS FIRST",
    " DESC NULLS LAST",
    " ASC NULLS LAST",
];

impl Generator<'_> {
    /// A whole statement.
    pub(super) fn top(&mut self) -> Query {
        let mut with = vec![];
        if self.rng.chance(15) {
            for _ in 0..self.rng.range(1, 2) {
                let tys: Vec<Ty> = (0..self.rng.range(1, 4)).map(|_| self.some_ty()).collect();
                let query = self.query(&Scope::default(), &tys);
                let name = self.alias("w");
                let columns = tys
                    .iter()
                    .enumerate()
                    .map(|(i, ty)| (format!("c{}", i + 1), *ty))
                    .collect();
                self.ctes.push((name.clone(), columns));
                let hint = self.rng.pick(&["", "", " MATERIALIZED", " NOT MATERIALIZED"]);
                with.push(Cte { name, hint, query });
            }
        }
        let mut query = if self.rng.chance(8) {
            // All columns, in the order in which joins bring them.
            let (mut select, place) = self.plain_from(&Scope::default());
            select.items = vec![Item::Star];
            if self.rng.chance(50) {
                select.filter = Some(self.expr(&place, Ty::Bool, 2));
            }
            Query::plain(select)
        } else {
            let tys: Vec<Ty> = (0..self.rng.range(1, 5)).map(|_| self.some_ty()).collect();
            self.query(&Scope::default(), &tys)
        };
        query.with = with;
        query
    }

    /// A query of columns `c1`, `c2` … of these families.
    pub(super) fn query(&mut self, outer: &Scope, tys: &[Ty]) -> Query {
        let mut body = Body::Select(Box::new(self.select(outer, tys)));
        while self.rng.chance(12) {
            let op = self.rng.pick(&[
                "UNION",
                "UNION ALL",
                "INTERSECT",
                "INTERSECT ALL",
                "EXCEPT",
                "EXCEPT ALL",
            ]);
            let right = Body::Select(Box::new(self.select(outer, tys)));
            body = Body::Set {
                op,
                left: Box::new(body),
                right: Box::new(right),
            };
        }
        // In a set operation each side's DISTINCT ON would need an order of its own.
        let on = match &mut body {
            Body::Select(select) => matches!(select.distinct, Distinct::On(_)),
            set => {
                undistinct(set);
                false
            }
        };
        let order = (on || self.rng.chance(35)).then(|| self.directions());
        let limited = order.is_some() && self.rng.chance(40);
        Query {
            with: vec![],
            body,
            limit: (limited && self.rng.chance(85)).then(|| self.rng.below(8)),
            offset: (limited && self.rng.chance(35)).then(|| self.rng.below(5)),
            order,
        }
    }

    pub(super) fn directions(&mut self) -> Vec<&'static str> {
        (0..self.rng.range(1, 3))
            .map(|_| self.rng.pick(DIRECTIONS))
            .collect()
    }

    /// FROM and WHERE, with no items yet.
    pub(super) fn plain_from(&mut self, outer: &Scope) -> (Select, Place) {
        let (from, level) = self.from(outer);
        let place = Place::rows(outer.with(level));
        let filter = self.rng.chance(60).then(|| self.predicate(&place, 1));
        let select = Select {
            distinct: Distinct::No,
            items: vec![],
            from: Some(from),
            filter,
            group: Group::None,
            having: None,
        };
        (select, place)
    }

    fn select(&mut self, outer: &Scope, tys: &[Ty]) -> Select {
        if self.rng.chance(2) {
            let place = Place::rows(outer.clone());
            return Select {
                distinct: Distinct::No,
                items: self.items(&place, tys),
                from: None,
                filter: None,
                group: Group::None,
                having: None,
            };
        }
        let (mut select, mut place) = self.plain_from(outer);
        if self.rng.chance(30) {
            let (group, keys) = self.group(&place);
            let sets = !matches!(group, Group::By(_) | Group::None);
            select.group = group;
            let mut grouped = Place {
                scope: Scope::default(),
                keys: Some(keys.clone()),
                rows: place.scope,
                windows: false,
            };
            if self.rng.chance(25) {
                select.having = Some(self.predicate(&grouped, 1));
            }
            grouped.windows = self.rng.chance(20);
            select.items = self.items(&grouped, tys);
            if sets && tys[0] == Ty::Int {
                select.items[0] = Item::named(self.grouping(&keys), 0);
            }
            // Without a key and an aggregate there would be no group.
            if keys.is_empty() && tys.contains(&Ty::Int) && select.having.is_none() {
                let at = tys.iter().position(|ty| *ty == Ty::Int).expect("just found");
                select.items[at] = Item::named(self.aggregate(&grouped, Ty::Int), at);
            }
        } else {
            place.windows = self.rng.chance(25);
            select.items = self.items(&place, tys);
        }
        match self.rng.below(12) {
            0 => select.distinct = Distinct::Yes,
            1 => select.distinct = Distinct::On(self.rng.range(1, tys.len())),
            _ => {}
        }
        select
    }

    fn items(&mut self, place: &Place, tys: &[Ty]) -> Vec<Item> {
        let depth = self.rng.range(0, 2);
        tys.iter()
            .enumerate()
            .map(|(at, ty)| Item::named(self.expr(place, *ty, depth), at))
            .collect()
    }
}

fn undistinct(body: &mut Body) {
    match body {
        Body::Select(select) => {
            if matches!(select.distinct, Distinct::On(_)) {
                select.distinct = Distinct::Yes;
            }
        }
        Body::Set { left, right, .. } => {
            undistinct(left);
            undistinct(right);
        }
    }
}
