//! Expressions, which print as SQL.

use std::fmt;

use super::query::Query;
use super::ty::Ty;

/// An expression. What takes arguments is a template in which `?` stands for each of them, so that a new function is a line of
/// the catalogue and nothing else.
#[derive(Debug, Clone)]
pub enum Expr {
    Column {
        qualifier: Option<String>,
        name: String,
        ty: Ty,
    },
    Literal {
        text: String,
        ty: Ty,
    },
    Node {
        template: &'static str,
        args: Vec<Expr>,
        ty: Ty,
    },
    /// A template in which `QUERY` stands for a query.
    Query {
        template: &'static str,
        args: Vec<Expr>,
        query: Box<Query>,
        ty: Ty,
    },
    Aggregate(Box<Aggregate>),
    Window(Box<Window>),
}

/// `function(DISTINCT args ORDER BY first argument) FILTER (WHERE …)`.
#[derive(Debug, Clone)]
pub struct Aggregate {
    /// A name, or a template where it has a `?`.
    pub function: &'static str,
    pub args: Vec<Expr>,
    pub distinct: bool,
    /// Direction by which the first argument is ordered: then what is equal is the same, and the answer is one.
    pub order: Option<&'static str>,
    pub filter: Option<Expr>,
    pub ty: Ty,
}

/// `call OVER (PARTITION BY … ORDER BY … frame)`.
#[derive(Debug, Clone)]
pub struct Window {
    pub call: Expr,
    pub partition: Vec<Expr>,
    pub order: Vec<(Expr, &'static str)>,
    /// Further keys that make the order total, where the function's answer would depend on it.
    pub keys: Vec<Expr>,
    pub frame: &'static str,
    pub ty: Ty,
}

impl Expr {
    pub fn ty(&self) -> Ty {
        match self {
            Self::Column { ty, .. }
            | Self::Literal { ty, .. }
            | Self::Node { ty, .. }
            | Self::Query { ty, .. } => *ty,
            Self::Aggregate(a) => a.ty,
            Self::Window(w) => w.ty,
        }
    }

    pub fn node(template: &'static str, args: Vec<Self>, ty: Ty) -> Self {
        Self::Node { template, args, ty }
    }

    pub fn literal(text: impl Into<String>, ty: Ty) -> Self {
        Self::Literal {
            text: text.into(),
            ty,
        }
    }

    /// The value that says nothing.
    pub fn plain(ty: Ty) -> Self {
        Self::literal(ty.plain(), ty)
    }

    /// Calls `f` with this expression and all below, those of sub-queries too, outermost first.
    pub fn visit(&mut self, f: &mut dyn FnMut(&mut Expr)) {
        f(self);
        match self {
            Self::Column { .. } | Self::Literal { .. } => {}
            Self::Node { args, .. } => args.iter_mut().for_each(|a| a.visit(f)),
            Self::Query { args, query, .. } => {
                args.iter_mut().for_each(|a| a.visit(f));
                query.visit(f);
            }
            Self::Aggregate(a) => {
                a.args.iter_mut().for_each(|a| a.visit(f));
                a.filter.iter_mut().for_each(|a| a.visit(f));
            }
            Self::Window(w) => {
                w.call.visit(f);
                w.partition.iter_mut().for_each(|a| a.visit(f));
                w.order.iter_mut().for_each(|(a, _)| a.visit(f));
                w.keys.iter_mut().for_each(|a| a.visit(f));
            }
        }
    }
}

/// Joins what prints with commas.
pub fn list<T: fmt::Display>(items: &[T]) -> String {
    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
    items.join(", ")
}

fn fill(f: &mut fmt::Formatter<'_>, template: &str, args: &[Expr]) -> fmt::Result {
    let mut parts = template.split('?');
    f.write_str(parts.next().unwrap_or_default())?;
    for (i, part) in parts.enumerate() {
        match args.get(i) {
            Some(arg) => write!(f, "{arg}{part}")?,
            None => f.write_str(part)?,
        }
    }
    Ok(())
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Column {
                qualifier: Some(q),
                name,
                ..
            } => write!(f, "{q}.{name}"),
            Self::Column { name, .. } => f.write_str(name),
            Self::Literal { text, .. } => f.write_str(text),
            Self::Node { template, args, .. } => fill(f, template, args),
            Self::Query {
                template,
                args,
                query,
                ..
            } => {
                let (before, after) = template.split_once("QUERY").expect("a place for the query");
                fill(f, before, args)?;
                write!(f, "{query}{after}")
            }
            Self::Aggregate(a) => a.fmt(f),
            Self::Window(w) => w.fmt(f),
        }
    }
}

impl fmt::Display for Aggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.function.contains('?') {
            fill(f, self.function, &self.args)?;
        } else {
            write!(
                f,
                "{}({}",
                self.function,
                if self.distinct { "DISTINCT " } else { "" }
            )?;
            if self.args.is_empty() {
                f.write_str("*")?;
            }
            f.write_str(&list(&self.args))?;
            if let (Some(order), Some(first)) = (self.order, self.args.first()) {
                write!(f, " ORDER BY {first}{order}")?;
            }
            f.write_str(")")?;
        }
        if let Some(filter) = &self.filter {
            write!(f, " FILTER (WHERE {filter})")?;
        }
        Ok(())
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = vec![];
        if !self.partition.is_empty() {
            parts.push(format!("PARTITION BY {}", list(&self.partition)));
        }
        let mut order: Vec<String> = self
            .order
            .iter()
            .map(|(e, direction)| format!("{e}{direction}"))
            .collect();
        order.extend(self.keys.iter().map(ToString::to_string));
        if !order.is_empty() {
            parts.push(format!("ORDER BY {}", order.join(", ")));
        }
        if !self.frame.is_empty() {
            parts.push(self.frame.to_owned());
        }
        write!(f, "{} OVER ({})", self.call, parts.join(" "))
    }
}
