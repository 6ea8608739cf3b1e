//! Window functions.

use super::super::expr::{Expr, Window};
use super::super::ty::Ty;
use super::{Generator, Place};

const DIRECTIONS: &[&str] = &["", " DESC", " NULLS FIRST", " DESC NULLS LAST"];
/// Frames that depend on how equal rows are ordered.
const ROWS: &[&str] = &[
    "ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING",
    "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW",
    "ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING",
    "ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING",
    "ROWS 2 PRECEDING",
    "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW EXCLUDE CURRENT ROW",
];
/// Frames that do not.
const PEERS: &[&str] = &[
    "",
    "",
    "RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW",
    "RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING",
    "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING",
    "GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW",
    "RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE TIES",
];

impl Generator<'_> {
    /// A window function that makes the family, with one answer only.
    pub(super) fn window(&mut self, place: &Place, ty: Ty) -> Expr {
        // Windows do not nest.
        let inner = Place {
            windows: false,
            ..place.clone()
        };
        let keys = match &place.keys {
            None => place.scope.levels.last().and_then(|level| level.keys()),
            Some(_) => None,
        };
        let partition = (0..self.rng.below(3))
            .map(|_| {
                let ty = self.ty_at(&inner);
                self.leaf(&inner, ty)
            })
            .collect();
        let mut order = vec![];
        for _ in 0..self.rng.range(1, 2) {
            let ty = self.ty_at(&inner);
            let depth = usize::from(self.rng.chance(30));
            order.push((self.expr(&inner, ty, depth), self.rng.pick(DIRECTIONS)));
        }
        // A bare number would look like the place of a column.
        order.retain(|(e, _)| !matches!(e, Expr::Literal { .. }));
        let mut window = Window {
            call: Expr::plain(ty),
            partition,
            order,
            keys: vec![],
            frame: "",
            ty,
        };
        let depth = usize::from(self.rng.chance(30));
        let arg = self.expr(&inner, ty, depth);
        match keys {
            Some(keys) if self.rng.chance(60) => {
                window.keys = keys;
                let (template, frames) = match (self.rng.below(5), ty) {
                    (0 | 1, Ty::Int) => (self.rng.pick(&["row_number()", "ntile(3)"]), false),
                    (0, _) => (self.rng.pick(&["lag(?)", "lead(?)"]), false),
                    (1, _) => (self.rng.pick(&["lag(?, 2)", "lead(?, 2)", "lag(?, 0)"]), false),
                    (2, _) => (
                        self.rng
                            .pick(&["first_value(?)", "last_value(?)", "nth_value(?, 2)"]),
                        true,
                    ),
                    _ => (self.framed(ty), true),
                };
                window.call = Expr::node(template, vec![arg], ty);
                if frames && self.rng.chance(60) {
                    window.frame = self.rng.pick(ROWS);
                }
            }
            _ => {
                let rank = ty == Ty::Int && self.rng.chance(50);
                let template = match (rank, ty) {
                    (true, _) => self.rng.pick(&["rank()", "dense_rank()"]),
                    (_, Ty::Float) if self.rng.chance(50) => {
                        self.rng.pick(&["percent_rank()", "cume_dist()"])
                    }
                    _ => self.framed(ty),
                };
                window.call = Expr::node(template, vec![arg], ty);
                if template.contains('?') && !window.order.is_empty() {
                    window.frame = self.rng.pick(PEERS);
                }
            }
        }
        Expr::Window(Box::new(window))
    }

    /// An aggregate whose answer is the same in any order of the frame's rows.
    fn framed(&mut self, ty: Ty) -> &'static str {
        match ty {
            Ty::Int => self.rng.pick(&["count(*)", "count(?)", "min(?)", "max(?)"]),
            Ty::Num | Ty::Float => self.rng.pick(&["sum(?)", "avg(?)", "min(?)", "max(?)"]),
            Ty::Bool => self.rng.pick(&["bool_and(?)", "bool_or(?)"]),
            Ty::Interval => self.rng.pick(&["sum(?)", "max(?)"]),
            _ => self.rng.pick(&["min(?)", "max(?)"]),
        }
    }
}
