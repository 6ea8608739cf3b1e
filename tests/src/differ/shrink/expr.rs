//! Smaller expressions.

use super::super::expr::{Aggregate, Expr, Window};
use super::super::ty::Ty;

/// Each list with one of its members replaced by something smaller.
pub fn each<T: Clone>(list: &[T], smaller: impl Fn(&T) -> Vec<T>) -> Vec<Vec<T>> {
    let mut found = vec![];
    for (at, item) in list.iter().enumerate() {
        for item in smaller(item) {
            let mut list = list.to_vec();
            list[at] = item;
            found.push(list);
        }
    }
    found
}

/// Each list without one of its members, but for the last.
pub fn fewer<T: Clone>(list: &[T], least: usize) -> Vec<Vec<T>> {
    if list.len() <= least {
        return vec![];
    }
    (0..list.len())
        .map(|at| {
            let mut list = list.to_vec();
            let _ = list.remove(at);
            list
        })
        .collect()
}

impl Expr {
    /// All that one step makes of it.
    pub fn smaller(&self) -> Vec<Self> {
        let ty = self.ty();
        let mut found = vec![];
        if !matches!(self, Self::Literal { .. }) {
            found.push(Self::plain(ty));
            found.push(Self::literal(format!("NULL::{}", ty.sql()), ty));
        } else if ty == Ty::Text {
            found.push(Self::plain(ty));
        }
        match self {
            Self::Column { .. } | Self::Literal { .. } => {}
            Self::Node { template, args, ty } => {
                found.extend(args.iter().filter(|a| a.ty() == *ty).cloned());
                found.extend(
                    each(args, Self::smaller)
                        .into_iter()
                        .map(|args| Self::node(template, args, *ty)),
                );
            }
            Self::Query {
                template,
                args,
                query,
                ty,
            } => {
                let with = |args: Vec<Self>, query| Self::Query {
                    template,
                    args,
                    query: Box::new(query),
                    ty: *ty,
                };
                found.extend(query.smaller().into_iter().map(|query| with(args.clone(), query)));
                let args = each(args, Self::smaller);
                found.extend(args.into_iter().map(|args| with(args, query.as_ref().clone())));
            }
            Self::Aggregate(a) => found.extend(a.smaller().into_iter().map(|a| Self::Aggregate(Box::new(a)))),
            Self::Window(w) => found.extend(w.smaller().into_iter().map(|w| Self::Window(Box::new(w)))),
        }
        found
    }
}

impl Aggregate {
    fn smaller(&self) -> Vec<Self> {
        let mut found = vec![];
        if let Some(filter) = &self.filter {
            let filters = filter.smaller().into_iter().map(Some).chain([None]);
            found.extend(filters.map(|filter| Self {
                filter,
                ..self.clone()
            }));
        }
        if self.distinct {
            found.push(Self {
                distinct: false,
                ..self.clone()
            });
        }
        // The order stays, though its direction may go: without one any answer would be right.
        if self.order.is_some_and(|order| !order.is_empty()) {
            found.push(Self {
                order: Some(""),
                ..self.clone()
            });
        }
        found.extend(
            each(&self.args, Expr::smaller)
                .into_iter()
                .map(|args| Self { args, ..self.clone() }),
        );
        found
    }
}

impl Window {
    /// The keys stay: without them any order would be right.
    fn smaller(&self) -> Vec<Self> {
        let mut found = vec![];
        if !self.frame.is_empty() {
            found.push(Self {
                frame: "",
                ..self.clone()
            });
        }
        let partitions = fewer(&self.partition, 0)
            .into_iter()
            .chain(each(&self.partition, Expr::smaller));
        found.extend(partitions.map(|partition| Self {
            partition,
            ..self.clone()
        }));
        let by = |(e, direction): &(Expr, &'static str)| {
            let mut smaller: Vec<_> = e.smaller().into_iter().map(|e| (e, *direction)).collect();
            if !direction.is_empty() {
                smaller.push((e.clone(), ""));
            }
            smaller
        };
        let orders = fewer(&self.order, 0).into_iter().chain(each(&self.order, by));
        found.extend(orders.map(|order| Self {
            order,
            ..self.clone()
        }));
        if let Expr::Node { template, args, ty } = &self.call {
            found.extend(each(args, Expr::smaller).into_iter().map(|args| Self {
                call: Expr::node(template, args, *ty),
                ..self.clone()
            }));
        }
        found
    }
}
