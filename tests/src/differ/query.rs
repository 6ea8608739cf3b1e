//! Queries, which print as SQL.

use std::fmt;

use super::expr::{Expr, list};

/// `WITH … body ORDER BY … LIMIT …`.
#[derive(Debug, Clone)]
pub struct Query {
    pub with: Vec<Cte>,
    pub body: Body,
    /// Orders by every column, so that the order is total; the directions are taken in turn.
    pub order: Option<Vec<&'static str>>,
    /// Only with an order: without, any rows would be right.
    pub limit: Option<usize>,
    pub offset: Option<usize>,
}

#[derive(Debug, Clone)]
pub struct Cte {
    pub name: String,
    /// ` MATERIALIZED`, ` NOT MATERIALIZED` or nothing.
    pub hint: &'static str,
    pub query: Query,
}

#[derive(Debug, Clone)]
pub enum Body {
    Select(Box<Select>),
    /// Two bodies under `UNION`, `INTERSECT ALL` and so on.
    Set {
        op: &'static str,
        left: Box<Body>,
        right: Box<Body>,
    },
}

#[derive(Debug, Clone)]
pub struct Select {
    pub distinct: Distinct,
    pub items: Vec<Item>,
    pub from: Option<From>,
    pub filter: Option<Expr>,
    pub group: Group,
    pub having: Option<Expr>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Distinct {
    No,
    Yes,
    /// ON so many of the first items.
    On(usize),
}

#[derive(Debug, Clone)]
pub enum Item {
    Star,
    Expr { expr: Expr, alias: Option<String> },
}

#[derive(Debug, Clone)]
pub enum Group {
    None,
    By(Vec<Expr>),
    Rollup(Vec<Expr>),
    Cube(Vec<Expr>),
    /// Sets of places in the list.
    Sets(Vec<Expr>, Vec<Vec<usize>>),
}

#[derive(Debug, Clone)]
pub enum From {
    Table {
        name: String,
        alias: Option<String>,
    },
    Derived {
        lateral: bool,
        query: Box<Query>,
        alias: String,
    },
    /// A function or a list of VALUES, with its alias.
    Other {
        text: String,
        alias: String,
    },
    Join {
        kind: &'static str,
        left: Box<From>,
        right: Box<From>,
        on: On,
    },
}

#[derive(Debug, Clone)]
pub enum On {
    /// CROSS and NATURAL.
    Nothing,
    Expr(Expr),
    Using(Vec<String>),
}

impl Query {
    pub fn plain(select: Select) -> Self {
        Self {
            with: vec![],
            body: Body::Select(Box::new(select)),
            order: None,
            limit: None,
            offset: None,
        }
    }

    pub fn visit(&mut self, f: &mut dyn FnMut(&mut Expr)) {
        self.with.iter_mut().for_each(|c| c.query.visit(f));
        self.body.visit(f);
    }
}

impl Body {
    pub fn visit(&mut self, f: &mut dyn FnMut(&mut Expr)) {
        match self {
            Self::Select(select) => select.visit(f),
            Self::Set { left, right, .. } => {
                left.visit(f);
                right.visit(f);
            }
        }
    }

    /// How many columns it has, where that can be told.
    pub fn width(&self) -> Option<usize> {
        match self {
            Self::Select(s) => s
                .items
                .iter()
                .all(|i| matches!(i, Item::Expr { .. }))
                .then_some(s.items.len()),
            Self::Set { left, .. } => left.width(),
        }
    }
}

impl Select {
    pub fn visit(&mut self, f: &mut dyn FnMut(&mut Expr)) {
        for item in &mut self.items {
            if let Item::Expr { expr, .. } = item {
                expr.visit(f);
            }
        }
        self.from.iter_mut().for_each(|from| from.visit(f));
        self.filter.iter_mut().for_each(|e| e.visit(f));
        self.having.iter_mut().for_each(|e| e.visit(f));
        self.group.keys_mut().iter_mut().for_each(|e| e.visit(f));
    }
}

impl Group {
    pub fn keys_mut(&mut self) -> &mut [Expr] {
        match self {
            Self::None => &mut [],
            Self::By(k) | Self::Rollup(k) | Self::Cube(k) | Self::Sets(k, _) => k,
        }
    }
}

impl From {
    pub fn visit(&mut self, f: &mut dyn FnMut(&mut Expr)) {
        match self {
            Self::Table { .. } | Self::Other { .. } => {}
            Self::Derived { query, .. } => query.visit(f),
            Self::Join { left, right, on, .. } => {
                left.visit(f);
                right.visit(f);
                if let On::Expr(e) = on {
                    e.visit(f);
                }
            }
        }
    }

    /// The names by which its parts are known.
    pub fn names(&self) -> Vec<String> {
        match self {
            Self::Table { name, alias } => vec![alias.clone().unwrap_or_else(|| name.clone())],
            Self::Derived { alias, .. } | Self::Other { alias, .. } => vec![alias.clone()],
            Self::Join { left, right, .. } => [left.names(), right.names()].concat(),
        }
    }
}

impl Item {
    /// The item of this place under its name, `c1`, `c2` …
    pub fn named(expr: Expr, at: usize) -> Self {
        Self::Expr {
            expr,
            alias: Some(format!("c{}", at + 1)),
        }
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.with.is_empty() {
            write!(f, "WITH {} ", list(&self.with))?;
        }
        self.body.fmt(f)?;
        if let (Some(directions), Some(width)) = (&self.order, self.body.width()) {
            let keys: Vec<String> = (0..width)
                .map(|i| format!("{}{}", i + 1, directions[i % directions.len()]))
                .collect();
            write!(f, " ORDER BY {}", keys.join(", "))?;
        }
        if let Some(n) = self.limit {
            write!(f, " LIMIT {n}")?;
        }
        if let Some(n) = self.offset {
            write!(f, " OFFSET {n}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Cte {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} AS{} ({})", self.name, self.hint, self.query)
    }
}

impl fmt::Display for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Select(s) => s.fmt(f),
            Self::Set { op, left, right } => {
                let side = |body: &Self| match body {
                    Self::Select(s) => s.to_string(),
                    Self::Set { .. } => format!("({body})"),
                };
                write!(f, "{} {op} {}", side(left), side(right))
            }
        }
    }
}

impl fmt::Display for Select {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SELECT ")?;
        match self.distinct {
            Distinct::No => {}
            Distinct::Yes => f.write_str("DISTINCT ")?,
            Distinct::On(n) => {
                let keys: Vec<String> = (1..=n.min(self.items.len())).map(|i| i.to_string()).collect();
                write!(f, "DISTINCT ON ({}) ", keys.join(", "))?;
            }
        }
        f.write_str(&list(&self.items))?;
        if let Some(from) = &self.from {
            write!(f, " FROM {from}")?;
        }
        if let Some(filter) = &self.filter {
            write!(f, " WHERE {filter}")?;
        }
        match &self.group {
            Group::None => {}
            Group::By(keys) => write!(f, " GROUP BY {}", list(keys))?,
            Group::Rollup(keys) => write!(f, " GROUP BY ROLLUP ({})", list(keys))?,
            Group::Cube(keys) => write!(f, " GROUP BY CUBE ({})", list(keys))?,
            Group::Sets(keys, sets) => {
                let set = |set: &Vec<usize>| {
                    let keys: Vec<String> = set
                        .iter()
                        .filter_map(|i| keys.get(*i))
                        .map(ToString::to_string)
                        .collect();
                    format!("({})", keys.join(", "))
                };
                let sets: Vec<String> = sets.iter().map(set).collect();
                write!(f, " GROUP BY GROUPING SETS ({})", sets.join(", "))?;
            }
        }
        if let Some(having) = &self.having {
            write!(f, " HAVING {having}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Star => f.write_str("*"),
            Self::Expr { expr, alias: None } => expr.fmt(f),
            Self::Expr { expr, alias: Some(a) } => write!(f, "{expr} AS {a}"),
        }
    }
}

impl fmt::Display for From {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table { name, alias: None } => f.write_str(name),
            Self::Table { name, alias: Some(a) } => write!(f, "{name} AS {a}"),
            Self::Derived {
                lateral,
                query,
                alias,
            } => {
                write!(
                    f,
                    "{}({query}) AS {alias}",
                    if *lateral { "LATERAL " } else { "" }
                )
            }
            Self::Other { text, .. } => f.write_str(text),
            Self::Join {
                kind,
                left,
                right,
                on,
            } => {
                write!(f, "{left} {kind} ")?;
                match right.as_ref() {
                    Self::Join { .. } => write!(f, "({right})")?,
                    right => right.fmt(f)?,
                }
                match on {
                    On::Nothing => Ok(()),
                    On::Expr(e) => write!(f, " ON {e}"),
                    On::Using(columns) => write!(f, " USING ({})", columns.join(", ")),
                }
            }
        }
    }
}
