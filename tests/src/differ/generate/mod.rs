//! Statements by chance: typed well enough that PostgreSQL takes most of them.

mod catalogue;
mod expr;
mod from;
mod group;
mod probe;
mod select;
mod subquery;
mod window;
mod write;

use super::expr::Expr;
use super::rng::Rng;
use super::scope::Scope;
use super::statement::Statement;
use super::table::Table;
use super::ty::Ty;

/// Makes the statements of a round.
pub struct Generator<'a> {
    rng: &'a mut Rng,
    tables: &'a [Table],
    /// Queries in WITH that may be named here.
    ctes: Vec<(String, Vec<(String, Ty)>)>,
    /// Numbers of aliases and of queries in WITH.
    count: usize,
    /// How many more queries may be nested.
    nest: usize,
}

/// Where an expression stands.
#[derive(Debug, Clone, Default)]
struct Place {
    scope: Scope,
    /// In a grouped query: its keys, beside which only aggregates may stand.
    keys: Option<Vec<Expr>>,
    /// The scope of the rows that aggregates see.
    rows: Scope,
    /// Window functions may stand here.
    windows: bool,
}

impl Place {
    fn rows(scope: Scope) -> Self {
        Self {
            rows: scope.clone(),
            scope,
            ..Self::default()
        }
    }
}

impl<'a> Generator<'a> {
    pub fn new(rng: &'a mut Rng, tables: &'a [Table]) -> Self {
        Self {
            rng,
            tables,
            ctes: vec![],
            count: 0,
            nest: 0,
        }
    }

    /// The next statement.
    pub fn statement(&mut self) -> Statement {
        self.ctes.clear();
        self.count = 0;
        self.nest = self.rng.below(3);
        if self.rng.chance(6) {
            Statement::Query(self.probe())
        } else if self.rng.chance(15) {
            Statement::Write(self.write())
        } else {
            Statement::Query(self.top())
        }
    }

    fn alias(&mut self, letter: &str) -> String {
        self.count += 1;
        format!("{letter}{}", self.count)
    }

    /// A family that has columns at the place, if chance finds one.
    fn ty_at(&mut self, place: &Place) -> Ty {
        let scope = if place.keys.is_some() {
            &place.rows
        } else {
            &place.scope
        };
        let mut ty = self.some_ty();
        for _ in 0..3 {
            if !scope.columns(ty).is_empty() {
                break;
            }
            ty = self.some_ty();
        }
        ty
    }

    fn some_ty(&mut self) -> Ty {
        const COMMON: [Ty; 6] = [Ty::Int, Ty::Int, Ty::Text, Ty::Num, Ty::Date, Ty::Float];
        if self.rng.chance(55) {
            self.rng.one(&COMMON)
        } else {
            self.rng.one(&Ty::ALL)
        }
    }
}
