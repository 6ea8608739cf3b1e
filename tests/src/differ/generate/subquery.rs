//! Sub-queries in expressions, of every form.

use super::super::expr::Expr;
use super::super::query::{Group, Item, Query};
use super::super::ty::Ty;
use super::{Generator, Place};

impl Generator<'_> {
    /// A sub-query that makes one value.
    pub(super) fn scalar(&mut self, place: &Place, ty: Ty) -> Expr {
        self.nest -= 1;
        let query = if self.rng.chance(50) {
            // One group, so one row.
            let (mut select, inner) = self.plain_from(&place.scope);
            let grouped = Place {
                keys: Some(vec![]),
                rows: inner.scope.clone(),
                ..Place::default()
            };
            let expr = self.expr(&grouped, ty, 1);
            let counted = self.aggregate(&grouped, ty);
            // A literal alone would make no group of the rows.
            let aggregated = expr.to_string().contains('(') && matches!(expr, Expr::Aggregate(_));
            select.items = vec![Item::named(if aggregated { expr } else { counted }, 0)];
            Query::plain(select)
        } else {
            let (mut select, inner) = self.plain_from(&place.scope);
            select.items = vec![Item::named(self.expr(&inner, ty, 1), 0)];
            let mut query = Query::plain(select);
            query.order = Some(self.directions());
            query.limit = Some(1);
            query.offset = self.rng.chance(25).then(|| self.rng.below(4));
            query
        };
        Expr::Query {
            template: "(QUERY)",
            args: vec![],
            query: Box::new(query),
            ty,
        }
    }

    /// IN, EXISTS, ANY, ALL.
    pub(super) fn quantified(&mut self, place: &Place) -> Expr {
        self.nest -= 1;
        let predicate = |template, args, query| Expr::Query {
            template,
            args,
            query: Box::new(query),
            ty: Ty::Bool,
        };
        if self.rng.chance(30) {
            let template = self.rng.pick(&["EXISTS (QUERY)", "NOT EXISTS (QUERY)"]);
            let query = self.members(place, &[Ty::Int]);
            return predicate(template, vec![], query);
        }
        if self.rng.chance(15) {
            let tys = [self.ty_at(place), self.ty_at(place)];
            let args = tys.iter().map(|ty| self.expr(place, *ty, 0)).collect();
            let template = self.rng.pick(&[
                "((?, ?) IN (QUERY))",
                "((?, ?) NOT IN (QUERY))",
                "((?, ?) = ANY (QUERY))",
            ]);
            let query = self.members(place, &tys);
            return predicate(template, args, query);
        }
        let ty = self.ty_at(place);
        let template = self.rng.pick(&[
            "(? IN (QUERY))",
            "(? IN (QUERY))",
            "(? NOT IN (QUERY))",
            "(? NOT IN (QUERY))",
            "(? = ANY (QUERY))",
            "(? > ALL (QUERY))",
            "(? <> ALL (QUERY))",
            "(? < ANY (QUERY))",
            "(? >= SOME (QUERY))",
        ]);
        let args = vec![self.expr(place, ty, 1)];
        let query = self.members(place, &[ty]);
        predicate(template, args, query)
    }

    /// A query of columns of these families, of any number of rows.
    fn members(&mut self, place: &Place, tys: &[Ty]) -> Query {
        if self.rng.chance(15) {
            return self.query(&place.scope, tys);
        }
        let (mut select, inner) = self.plain_from(&place.scope);
        let item = |g: &mut Self, at: usize| Item::named(g.expr(&inner, tys[at], 1), at);
        select.items = (0..tys.len()).map(|at| item(self, at)).collect();
        if self.rng.chance(15) {
            select.group = Group::By(
                select
                    .items
                    .iter()
                    .filter_map(|item| match item {
                        Item::Expr {
                            expr: e @ Expr::Column { .. },
                            ..
                        } => Some(e.clone()),
                        _ => None,
                    })
                    .collect(),
            );
            if select.group.clone().keys_mut().len() < tys.len() {
                select.group = Group::None;
            }
        }
        let mut query = Query::plain(select);
        if self.rng.chance(20) {
            query.order = Some(self.directions());
            query.limit = Some(self.rng.range(0, 4));
            query.offset = self.rng.chance(40).then(|| self.rng.below(4));
        }
        query
    }
}
