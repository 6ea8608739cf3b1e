//! Aggregates and groups.

use super::super::expr::{Aggregate, Expr};
use super::super::query::Group;
use super::super::scope::Scope;
use super::super::ty::Ty;
use super::super::values::typed;
use super::catalogue::AGGREGATES;
use super::{Generator, Place};

impl Generator<'_> {
    /// An aggregate over the rows of a grouped query.
    pub(super) fn aggregate(&mut self, place: &Place, ty: Ty) -> Expr {
        // An aggregate of an outer query's columns alone would be the outer query's.
        let levels = place.rows.levels.last().cloned().into_iter().collect();
        let rows = Place::rows(Scope { levels });
        let filter = self.rng.chance(15).then(|| self.predicate(&rows, 1));
        let depth = usize::from(self.rng.chance(40));
        let mut aggregate = Aggregate {
            function: "count",
            args: vec![],
            distinct: false,
            order: None,
            filter,
            ty,
        };
        let known: Vec<_> = AGGREGATES.iter().filter(|(made, ..)| *made == ty).collect();
        if !known.is_empty() && self.rng.chance(65) {
            let (_, function, args, distinct) = self.rng.one(&known);
            aggregate.function = function;
            aggregate.args = args.iter().map(|ty| self.expr(&rows, *ty, depth)).collect();
            aggregate.distinct = *distinct && self.rng.chance(25);
        } else if ty == Ty::Text && self.rng.chance(50) {
            let text = self.expr(&rows, Ty::Text, depth);
            aggregate.function = "string_agg";
            // The driver of the type: a bare literal would be of no type yet.
            aggregate.args = vec![
                Expr::node("(?)::text", vec![text], Ty::Text),
                Expr::literal("','", Ty::Text),
            ];
            aggregate.order = Some(self.rng.pick(&["", " DESC"]));
            aggregate.distinct = self.rng.chance(20);
        } else if ty == Ty::Ints {
            let element = self.expr(&rows, Ty::Int, depth);
            aggregate.function = "array_agg";
            aggregate.args = vec![Expr::node("(?)::int", vec![element], Ty::Int)];
            aggregate.order = Some(self.rng.pick(&["", " DESC", " NULLS FIRST", " DESC NULLS LAST"]));
            aggregate.distinct = self.rng.chance(20);
        } else if ty == Ty::Bool {
            aggregate.function = "bool_or";
            aggregate.args = vec![self.expr(&rows, Ty::Bool, depth)];
        } else {
            aggregate.function = self.rng.pick(&["min", "max"]);
            aggregate.args = vec![self.expr(&rows, ty, depth)];
        }
        Expr::Aggregate(Box::new(aggregate))
    }

    /// What to group by, and the keys as the items may name them.
    pub(super) fn group(&mut self, place: &Place) -> (Group, Vec<Expr>) {
        let n = self.rng.below(4);
        let mut keys: Vec<Expr> = vec![];
        let sets = n > 0 && self.rng.chance(20);
        for _ in 0..n {
            let ty = self.ty_at(place);
            let key = if !sets && self.rng.chance(25) {
                self.expr(place, ty, 1)
            } else {
                match place.scope.column(self.rng, ty, false) {
                    Some(column) => column,
                    None => continue,
                }
            };
            // A bare literal would be the place of a column.
            let literal = matches!(key, Expr::Literal { .. });
            if !literal && !keys.iter().any(|k| k.to_string() == key.to_string()) {
                keys.push(key);
            }
        }
        if keys.is_empty() {
            return (Group::None, keys);
        }
        let group = match self.rng.below(3) {
            _ if !sets => Group::By(keys.clone()),
            0 => Group::Rollup(keys.clone()),
            1 => Group::Cube(keys.clone()),
            _ => {
                let mut set = |_| {
                    let mut set: Vec<usize> = (0..keys.len()).collect();
                    self.rng.shuffle(&mut set);
                    set.truncate(self.rng.below(keys.len() + 1));
                    set
                };
                let sets: Vec<Vec<usize>> = (0..3).map(&mut set).collect();
                // A key that no set has could stand in no item.
                let all = (0..keys.len()).collect();
                Group::Sets(keys.clone(), [sets, vec![all]].concat())
            }
        };
        (group, keys)
    }

    /// `grouping(key)` of grouping sets, else a literal.
    pub(super) fn grouping(&mut self, keys: &[Expr]) -> Expr {
        if keys.is_empty() {
            return Expr::literal(typed(self.rng, Ty::Int), Ty::Int);
        }
        Expr::node("grouping(?)", vec![self.rng.one(keys)], Ty::Int)
    }
}
