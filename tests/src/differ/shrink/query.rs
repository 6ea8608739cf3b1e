//! Smaller queries.

use super::super::expr::Expr;
use super::super::query::{Body, Cte, Distinct, From, Group, Item, On, Query, Select};
use super::expr::{each, fewer};

impl Query {
    pub fn smaller(&self) -> Vec<Self> {
        let mut found = vec![];
        let ctes = fewer(&self.with, 0)
            .into_iter()
            .chain(each(&self.with, Cte::smaller));
        found.extend(ctes.map(|with| Self { with, ..self.clone() }));
        if self.limit.is_some() || self.offset.is_some() {
            found.push(Self {
                limit: None,
                offset: None,
                ..self.clone()
            });
            found.push(Self {
                offset: None,
                ..self.clone()
            });
        }
        if let Some(order) = &self.order {
            // Columns go with their own directions.
            let width = self.body.width().unwrap_or(0);
            let all: Vec<&'static str> = (0..width).map(|at| order[at % order.len()]).collect();
            for at in 0..width {
                let mut order = all.clone();
                let _ = order.remove(at);
                found.extend(self.body.without_item(at).map(|body| Self {
                    body,
                    order: Some(order),
                    ..self.clone()
                }));
            }
            if self.limit.is_none() && self.offset.is_none() && !self.body.needs_order() {
                found.push(Self {
                    order: None,
                    ..self.clone()
                });
            }
            if order.iter().any(|direction| !direction.is_empty()) {
                found.push(Self {
                    order: Some(vec![""]),
                    ..self.clone()
                });
            }
        }
        found.extend(
            self.body
                .smaller()
                .into_iter()
                .map(|body| Self { body, ..self.clone() }),
        );
        found
    }
}

impl Cte {
    fn smaller(&self) -> Vec<Self> {
        let queries = self.query.smaller().into_iter();
        let mut found: Vec<Self> = queries
            .map(|query| Self {
                query,
                ..self.clone()
            })
            .collect();
        if !self.hint.is_empty() {
            found.push(Self {
                hint: "",
                ..self.clone()
            });
        }
        found
    }
}

impl Body {
    /// DISTINCT ON takes the first of an order.
    fn needs_order(&self) -> bool {
        matches!(self, Self::Select(s) if matches!(s.distinct, Distinct::On(_)))
    }

    fn smaller(&self) -> Vec<Self> {
        match self {
            Self::Select(s) => s
                .smaller()
                .into_iter()
                .map(|s| Self::Select(Box::new(s)))
                .collect(),
            Self::Set { op, left, right } => {
                let set = |left: Self, right: Self| Self::Set {
                    op,
                    left: Box::new(left),
                    right: Box::new(right),
                };
                let mut found = vec![left.as_ref().clone(), right.as_ref().clone()];
                found.extend((0..self.width().unwrap_or(0)).filter_map(|at| self.without_item(at)));
                found.extend(
                    left.smaller()
                        .into_iter()
                        .map(|left| set(left, right.as_ref().clone())),
                );
                found.extend(
                    right
                        .smaller()
                        .into_iter()
                        .map(|right| set(left.as_ref().clone(), right)),
                );
                found
            }
        }
    }

    /// Without a column, on all sides.
    pub fn without_item(&self, at: usize) -> Option<Self> {
        match self {
            Self::Select(s) => {
                let mut s = s.clone();
                if s.items.len() < 2 || at >= s.items.len() {
                    return None;
                }
                let _ = s.items.remove(at);
                Some(Self::Select(s))
            }
            Self::Set { op, left, right } => Some(Self::Set {
                op,
                left: Box::new(left.without_item(at)?),
                right: Box::new(right.without_item(at)?),
            }),
        }
    }
}

impl Select {
    fn smaller(&self) -> Vec<Self> {
        let mut found = vec![];
        if self.distinct != Distinct::No {
            found.push(Self {
                distinct: Distinct::No,
                ..self.clone()
            });
        }
        if let Some(from) = &self.from {
            found.push(self.with_from(None));
            found.extend(from.smaller().into_iter().map(|from| self.with_from(Some(from))));
        }
        if let Some(filter) = &self.filter {
            let filters = filter.smaller().into_iter().map(Some).chain([None]);
            found.extend(filters.map(|filter| Self {
                filter,
                ..self.clone()
            }));
        }
        if let Some(having) = &self.having {
            let having = having.smaller().into_iter().map(Some).chain([None]);
            found.extend(having.map(|having| Self {
                having,
                ..self.clone()
            }));
        }
        found.extend(self.group.smaller().into_iter().map(|group| Self {
            group,
            ..self.clone()
        }));
        let item = |item: &Item| match item {
            Item::Star => vec![],
            Item::Expr { expr, alias } => {
                let smaller = expr.smaller().into_iter();
                smaller
                    .map(|expr| Item::Expr {
                        expr,
                        alias: alias.clone(),
                    })
                    .collect()
            }
        };
        let items = fewer(&self.items, 1).into_iter().chain(each(&self.items, item));
        found.extend(items.map(|items| Self {
            items,
            ..self.clone()
        }));
        found
    }

    /// With another FROM: what names a part that has gone becomes a value.
    fn with_from(&self, from: Option<From>) -> Self {
        let before = self.from.as_ref().map(From::names).unwrap_or_default();
        let after = from.as_ref().map(From::names).unwrap_or_default();
        let gone: Vec<String> = before.into_iter().filter(|name| !after.contains(name)).collect();
        let mut select = Self { from, ..self.clone() };
        if !gone.is_empty() {
            select.visit(&mut |e| without(e, &gone));
        }
        select
    }
}

/// Puts a value in place of a column of one of these parts, and takes it out of keys of an order.
pub fn without(e: &mut Expr, gone: &[String]) {
    let names = |e: &Expr| matches!(e, Expr::Column { qualifier: Some(q), .. } if gone.contains(q));
    if names(e) {
        *e = Expr::plain(e.ty());
    }
    if let Expr::Window(w) = e {
        w.keys.retain(|key| !names(key));
        w.order.retain(|(key, _)| !names(key));
    }
}

impl Group {
    fn smaller(&self) -> Vec<Self> {
        match self {
            Self::None => vec![],
            Self::By(keys) => {
                let mut found = vec![Self::None];
                let keys = fewer(keys, 1).into_iter().chain(each(keys, Expr::smaller));
                found.extend(keys.map(Self::By));
                found
            }
            Self::Rollup(keys) => {
                let mut found = vec![Self::By(keys.clone())];
                found.extend(fewer(keys, 1).into_iter().map(Self::Rollup));
                found
            }
            Self::Cube(keys) => {
                let mut found = vec![Self::By(keys.clone()), Self::Rollup(keys.clone())];
                found.extend(fewer(keys, 1).into_iter().map(Self::Cube));
                found
            }
            Self::Sets(keys, sets) => {
                let mut found = vec![Self::By(keys.clone())];
                let fewer_sets = fewer(sets, 1).into_iter().chain(each(sets, |set| fewer(set, 0)));
                found.extend(fewer_sets.map(|sets| Self::Sets(keys.clone(), sets)));
                found
            }
        }
    }
}

impl From {
    pub fn smaller(&self) -> Vec<Self> {
        match self {
            Self::Table { .. } | Self::Other { .. } => vec![],
            Self::Derived {
                lateral,
                query,
                alias,
            } => {
                let derived = |lateral, query| Self::Derived {
                    lateral,
                    query: Box::new(query),
                    alias: alias.clone(),
                };
                let mut found: Vec<Self> = query
                    .smaller()
                    .into_iter()
                    .map(|q| derived(*lateral, q))
                    .collect();
                if *lateral {
                    found.push(derived(false, query.as_ref().clone()));
                }
                found
            }
            Self::Join {
                kind,
                left,
                right,
                on,
            } => {
                let join = |kind, left: Self, right: Self, on| Self::Join {
                    kind,
                    left: Box::new(left),
                    right: Box::new(right),
                    on,
                };
                let (l, r) = (left.as_ref(), right.as_ref());
                let mut found = vec![l.clone(), r.clone()];
                if !matches!(*kind, "JOIN" | "CROSS JOIN") && !matches!(on, On::Nothing) {
                    found.push(join("JOIN", l.clone(), r.clone(), on.clone()));
                }
                let ons = match on {
                    On::Nothing => vec![],
                    On::Expr(e) => e.smaller().into_iter().map(On::Expr).collect(),
                    On::Using(columns) => fewer(columns, 1).into_iter().map(On::Using).collect(),
                };
                found.extend(ons.into_iter().map(|on| join(kind, l.clone(), r.clone(), on)));
                found.extend(
                    l.smaller()
                        .into_iter()
                        .map(|l| join(kind, l, r.clone(), on.clone())),
                );
                found.extend(
                    r.smaller()
                        .into_iter()
                        .map(|r| join(kind, l.clone(), r, on.clone())),
                );
                found
            }
        }
    }
}
