//! Expressions by chance.

use super::super::expr::Expr;
use super::super::ty::Ty;
use super::super::values::typed;
use super::catalogue::{COMPARISONS, makers};
use super::{Generator, Place};

impl Generator<'_> {
    /// An expression of a family, so deep at most.
    pub(super) fn expr(&mut self, place: &Place, ty: Ty, depth: usize) -> Expr {
        if depth == 0 || self.rng.chance(25) {
            return self.leaf(place, ty);
        }
        if place.windows && self.rng.chance(12) {
            return self.window(place, ty);
        }
        if self.nest > 0 && self.rng.chance(12) {
            return self.scalar(place, ty);
        }
        if self.rng.chance(18) {
            return self.conditional(place, ty, depth - 1);
        }
        if ty == Ty::Bool && self.rng.chance(60) {
            return self.predicate(place, depth - 1);
        }
        let makers: Vec<_> = makers(ty).collect();
        if makers.is_empty() {
            return self.leaf(place, ty);
        }
        let (_, template, args) = self.rng.one(&makers);
        let args = args.iter().map(|ty| self.expr(place, *ty, depth - 1)).collect();
        Expr::node(template, args, ty)
    }

    /// A column, a literal, or in a grouped query a key or an aggregate.
    pub(super) fn leaf(&mut self, place: &Place, ty: Ty) -> Expr {
        if let Some(keys) = &place.keys {
            let keys: Vec<Expr> = keys.iter().filter(|k| k.ty() == ty).cloned().collect();
            if !keys.is_empty() && self.rng.chance(50) {
                return self.rng.one(&keys);
            }
            return self.aggregate(place, ty);
        }
        if self.rng.chance(85) {
            let outer = self.rng.chance(25);
            if let Some(column) = place.scope.column(self.rng, ty, outer) {
                return column;
            }
        }
        Expr::literal(typed(self.rng, ty), ty)
    }

    /// CASE, COALESCE and the like, which any family has.
    fn conditional(&mut self, place: &Place, ty: Ty, depth: usize) -> Expr {
        let value = |g: &mut Self| g.expr(place, ty, depth);
        match self.rng.below(6) {
            0 => {
                let condition = self.expr(place, Ty::Bool, depth);
                let (a, b) = (self.expr(place, ty, depth), self.expr(place, ty, depth));
                Expr::node("CASE WHEN ? THEN ? ELSE ? END", vec![condition, a, b], ty)
            }
            1 => {
                let condition = self.expr(place, Ty::Bool, depth);
                let a = value(self);
                Expr::node("CASE WHEN ? THEN ? END", vec![condition, a], ty)
            }
            2 => {
                let (of, a, b) = (self.leaf(place, Ty::Int), value(self), value(self));
                Expr::node("CASE ? WHEN 1 THEN ? WHEN 2 THEN ? END", vec![of, a, b], ty)
            }
            3 => Expr::node("NULLIF(?, ?)", vec![value(self), value(self)], ty),
            // Arrays and flags have no greatest one in every engine's mind, but in PostgreSQL's they have.
            4 => {
                let template = self.rng.pick(&["greatest(?, ?)", "least(?, ?)"]);
                Expr::node(template, vec![value(self), value(self)], ty)
            }
            _ => Expr::node("COALESCE(?, ?)", vec![value(self), value(self)], ty),
        }
    }

    /// A truth about values of any family.
    pub(super) fn predicate(&mut self, place: &Place, depth: usize) -> Expr {
        if self.nest > 0 && self.rng.chance(30) {
            return self.quantified(place);
        }
        let ty = self.ty_at(place);
        let value = |g: &mut Self| g.expr(place, ty, depth.min(1));
        match self.rng.below(9) {
            0 => {
                let template = self.rng.pick(&["(? IS NULL)", "(? IS NOT NULL)"]);
                Expr::node(template, vec![value(self)], Ty::Bool)
            }
            1 => {
                let templates = [
                    "(? BETWEEN ? AND ?)",
                    "(? NOT BETWEEN ? AND ?)",
                    "(? BETWEEN SYMMETRIC ? AND ?)",
                ];
                let template = self.rng.one(&templates);
                Expr::node(template, vec![value(self), value(self), value(self)], Ty::Bool)
            }
            2 => {
                let template = self.rng.pick(&["(? IN (?, ?, ?))", "(? NOT IN (?, ?, ?))"]);
                let mut args = vec![value(self)];
                args.extend((0..3).map(|_| Expr::literal(typed(self.rng, ty), ty)));
                Expr::node(template, args, Ty::Bool)
            }
            _ => {
                let template = self.rng.pick(COMPARISONS);
                Expr::node(template, vec![value(self), value(self)], Ty::Bool)
            }
        }
    }
}
