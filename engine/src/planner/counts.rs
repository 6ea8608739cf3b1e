//! Groups and counts that DataFusion plans otherwise than PostgreSQL, said in another way on the syntax tree.
//!
//! - `count(t.*)` counts the rows of `t` that are there, NULLs or not: all rows, unless an outer join makes some up.
//! - `GROUP BY x HAVING x = outer.y` of a correlated sub-query is a condition on rows: DataFusion takes it from WHERE alone.

use std::ops::ControlFlow;

use radlake_sql::ast::{
    BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, GroupByExpr, Ident,
    JoinOperator, ObjectNamePart, Query, Select, TableFactor, VisitMut, VisitorMut,
};

use crate::write::target::folded;

/// Says both in another way, in one select.
pub(super) fn rewrite(select: &mut Select) {
    let Some(relations) = relations(select) else {
        return;
    };
    if !relations.outer {
        let mut counts = Counts {
            names: &relations.names,
            depth: 0,
        };
        let _ = VisitMut::visit(&mut select.projection, &mut counts);
        let _ = VisitMut::visit(&mut select.having, &mut counts);
    }
    correlated_groups(select, &relations.names);
}

/// The names of what a select reads, folded.
struct Relations {
    names: Vec<String>,
    /// Whether an outer join makes up rows.
    outer: bool,
}

/// `None` if there is anything but tables, views and sub-queries, joined by their names.
fn relations(select: &Select) -> Option<Relations> {
    use JoinOperator as J;
    let mut found = Relations {
        names: Vec::new(),
        outer: false,
    };
    for from in &select.from {
        found.names.push(name(&from.relation)?);
        for join in &from.joins {
            found.names.push(name(&join.relation)?);
            match join.join_operator {
                J::Join(_) | J::Inner(_) | J::CrossJoin(_) => {}
                _ => found.outer = true,
            }
        }
    }
    Some(found)
}

fn name(factor: &TableFactor) -> Option<String> {
    match factor {
        TableFactor::Table {
            name,
            alias,
            args: None,
            ..
        } => match (alias, name.0.last()?) {
            (Some(alias), _) => Some(folded(&alias.name)),
            (None, ObjectNamePart::Identifier(last)) => Some(folded(last)),
            _ => None,
        },
        TableFactor::Derived {
            alias: Some(alias), ..
        } => Some(folded(&alias.name)),
        _ => None,
    }
}

/// The calls of `count` in a select itself, not in sub-queries.
struct Counts<'n> {
    names: &'n [String],
    depth: usize,
}

impl Counts<'_> {
    fn is_row(&self, argument: &FunctionArg) -> bool {
        let FunctionArg::Unnamed(FunctionArgExpr::QualifiedWildcard(of)) = argument else {
            return false;
        };
        match of.0.as_slice() {
            [ObjectNamePart::Identifier(name)] => self.names.contains(&folded(name)),
            _ => false,
        }
    }
}

impl VisitorMut for Counts<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let (0, Expr::Function(function)) = (self.depth, expr)
            && is_count(function)
            && let FunctionArguments::List(list) = &mut function.args
            && list.duplicate_treatment.is_none()
            && let [argument] = list.args.as_mut_slice()
            && self.is_row(argument)
        {
            *argument = FunctionArg::Unnamed(FunctionArgExpr::Wildcard);
        }
        ControlFlow::Continue(())
    }
}

fn is_count(function: &Function) -> bool {
    match function.name.0.as_slice() {
        [ObjectNamePart::Identifier(name)] => folded(name) == "count",
        _ => false,
    }
}

/// Moves `x = outer.y` from HAVING to WHERE, where `x` is grouped by: it is the same for all rows of a group.
fn correlated_groups(select: &mut Select, names: &[String]) {
    let GroupByExpr::Expressions(keys, modifiers) = &select.group_by else {
        return;
    };
    let keys: Option<Vec<Vec<String>>> = keys.iter().map(column).collect();
    let (Some(keys), true) = (keys, modifiers.is_empty()) else {
        return;
    };
    let Some(having) = select.having.take() else {
        return;
    };
    for condition in conjuncts(having) {
        let place = match is_correlated_key(&condition, &keys, names) {
            true => &mut select.selection,
            false => &mut select.having,
        };
        *place = Some(match place.take() {
            Some(others) => Expr::BinaryOp {
                left: Box::new(nested(others)),
                op: BinaryOperator::And,
                right: Box::new(nested(condition)),
            },
            None => condition,
        });
    }
}

fn nested(expr: Expr) -> Expr {
    match expr {
        Expr::Nested(_) => expr,
        other => Expr::Nested(Box::new(other)),
    }
}

fn conjuncts(expr: Expr) -> Vec<Expr> {
    let (mut found, mut rest) = (Vec::new(), vec![expr]);
    while let Some(expr) = rest.pop() {
        match expr {
            Expr::BinaryOp {
                left,
                op: BinaryOperator::And,
                right,
            } => rest.extend([*right, *left]),
            other => found.push(other),
        }
    }
    found
}

/// `x = outer.y` or the other way round: `outer` is no relation of the select, so that `y` can be of the query around alone.
fn is_correlated_key(condition: &Expr, keys: &[Vec<String>], names: &[String]) -> bool {
    let Expr::BinaryOp {
        left,
        op: BinaryOperator::Eq,
        right,
    } = condition
    else {
        return false;
    };
    let (Some(left), Some(right)) = (column(left), column(right)) else {
        return false;
    };
    let of_outer = |column: &[String]| matches!(column, [relation, _] if !names.contains(relation));
    keys.contains(&left) && of_outer(&right) || keys.contains(&right) && of_outer(&left)
}

fn column(expr: &Expr) -> Option<Vec<String>> {
    let all = |parts: &[Ident]| parts.iter().map(folded).collect();
    match expr {
        Expr::Identifier(name) => Some(all(std::slice::from_ref(name))),
        Expr::CompoundIdentifier(parts) => Some(all(parts)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use radlake_sql::ast::{SetExpr, Statement};

    use super::*;

    fn rewritten(sql: &str) -> String {
        let statements = radlake_sql::parse(sql).expect(sql);
        let mut tree = statements[0].ast().clone();
        let Statement::Query(query) = &mut tree else {
            panic!("{sql}")
        };
        let SetExpr::Select(select) = query.body.as_mut() else {
            panic!("{sql}")
        };
        rewrite(select);
        tree.to_string()
    }

    #[test]
    fn whole_rows_are_counted_unless_an_outer_join_makes_them_up() {
        for (sql, want) in [
            ("SELECT COUNT(t.*) FROM t", "SELECT COUNT(*) FROM t"),
            (
                "SELECT count(X.*) FROM t AS x CROSS JOIN u",
                "SELECT count(*) FROM t AS x CROSS JOIN u",
            ),
            (
                "SELECT count(t.*) FROM t LEFT JOIN u ON true",
                "SELECT count(t.*) FROM t LEFT JOIN u ON true",
            ),
            ("SELECT count(t.*) FROM u", "SELECT count(t.*) FROM u"),
            (
                "SELECT count(DISTINCT t.*) FROM t",
                "SELECT count(DISTINCT t.*) FROM t",
            ),
            ("SELECT max(t.*) FROM t", "SELECT max(t.*) FROM t"),
            (
                "SELECT (SELECT count(t.*) FROM u) FROM t",
                "SELECT (SELECT count(t.*) FROM u) FROM t",
            ),
        ] {
            assert_eq!(rewritten(sql), want);
        }
    }

    #[test]
    fn conditions_on_keys_of_the_query_around_are_conditions_on_rows() {
        for (sql, want) in [
            (
                "SELECT 1 FROM t GROUP BY t.x HAVING t.x = o.y",
                "SELECT 1 FROM t WHERE t.x = o.y GROUP BY t.x",
            ),
            (
                "SELECT 1 FROM t WHERE a OR b GROUP BY x HAVING count(*) > 1 AND o.y = x",
                "SELECT 1 FROM t WHERE (a OR b) AND (o.y = x) GROUP BY x HAVING count(*) > 1",
            ),
            // Of the select itself, not a key, or not of one relation: PostgreSQL has its own word on it.
            (
                "SELECT 1 FROM t GROUP BY t.x HAVING t.x = t.y",
                "SELECT 1 FROM t GROUP BY t.x HAVING t.x = t.y",
            ),
            (
                "SELECT 1 FROM t GROUP BY t.x HAVING t.z = o.y",
                "SELECT 1 FROM t GROUP BY t.x HAVING t.z = o.y",
            ),
            (
                "SELECT 1 FROM t GROUP BY ROLLUP (x) HAVING x = o.y",
                "SELECT 1 FROM t GROUP BY ROLLUP (x) HAVING x = o.y",
            ),
        ] {
            assert_eq!(rewritten(sql), want);
        }
    }
}
