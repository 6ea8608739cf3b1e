//! Which columns a place in a statement sees.

use super::expr::Expr;
use super::rng::Rng;
use super::ty::Ty;

/// One part of FROM.
#[derive(Debug, Clone)]
pub struct Source {
    pub alias: String,
    pub columns: Vec<(String, Ty)>,
    /// A column that no two rows share.
    pub key: Option<String>,
}

/// The FROM of one SELECT.
#[derive(Debug, Clone, Default)]
pub struct Level {
    pub sources: Vec<Source>,
    /// Columns that USING or NATURAL has made one.
    pub merged: Vec<(String, Ty)>,
}

impl Level {
    fn knows(&self, name: &str) -> bool {
        self.sources
            .iter()
            .any(|s| s.columns.iter().any(|(c, _)| c == name))
    }

    /// The columns by which any order becomes total, if every source has one.
    pub fn keys(&self) -> Option<Vec<Expr>> {
        let key = |source: &Source| {
            let name = source.key.clone()?;
            let ty = source.columns.iter().find(|(c, _)| *c == name)?.1;
            Some(Expr::Column {
                qualifier: Some(source.alias.clone()),
                name,
                ty,
            })
        };
        if self.sources.is_empty() {
            return None;
        }
        self.sources.iter().map(key).collect()
    }

    /// Names that occur once, or have been made one: what USING may name.
    pub fn joinable(&self) -> Vec<(String, Ty)> {
        let mut names = self.merged.clone();
        for source in &self.sources {
            for (name, ty) in &source.columns {
                let count = self
                    .sources
                    .iter()
                    .filter(|s| s.columns.iter().any(|(c, _)| c == name))
                    .count();
                if count == 1 && !names.iter().any(|(n, _)| n == name) {
                    names.push((name.clone(), *ty));
                }
            }
        }
        names
    }
}

/// Levels of nested queries, innermost last.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    pub levels: Vec<Level>,
}

impl Scope {
    /// All ways to name a column of a family, with the number of queries that they reach out of.
    pub fn columns(&self, ty: Ty) -> Vec<(usize, Expr)> {
        let mut found = vec![];
        for (depth, level) in self.levels.iter().rev().enumerate() {
            let inner = &self.levels[self.levels.len() - depth..];
            for source in &level.sources {
                let hidden = inner
                    .iter()
                    .any(|l| l.sources.iter().any(|s| s.alias == source.alias));
                for (name, found_ty) in source.columns.iter().filter(|(_, t)| *t == ty) {
                    let column = |qualifier| Expr::Column {
                        qualifier,
                        name: name.clone(),
                        ty: *found_ty,
                    };
                    if !hidden {
                        found.push((depth, column(Some(source.alias.clone()))));
                    }
                    if level.joinable().iter().any(|(n, _)| n == name) && !inner.iter().any(|l| l.knows(name))
                    {
                        found.push((depth, column(None)));
                    }
                }
            }
        }
        found
    }

    /// A column of the family; of an outer query only where it is wanted or nothing else is there.
    pub fn column(&self, rng: &mut Rng, ty: Ty, outer: bool) -> Option<Expr> {
        let mut all = self.columns(ty);
        let wanted: Vec<_> = all
            .iter()
            .filter(|(depth, _)| (*depth > 0) == outer)
            .cloned()
            .collect();
        if !wanted.is_empty() {
            all = wanted;
        }
        (!all.is_empty()).then(|| rng.one(&all).1)
    }

    pub fn with(&self, level: Level) -> Self {
        let mut scope = self.clone();
        scope.levels.push(level);
        scope
    }
}
