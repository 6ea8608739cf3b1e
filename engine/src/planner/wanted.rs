//! Which rows are wanted, in words that the planner does not know: `FETCH FIRST`, `TABLESAMPLE`.

use std::ops::ControlFlow;

use radlake_sql::ast::{
    Expr, GroupByExpr, LimitClause, ObjectName, OrderBy, OrderByExpr, OrderByKind, Query, SelectItem,
    SetExpr, TableAlias, TableFactor, TableSample, TableSampleKind, TableSampleMethod, Value, VisitMut,
    VisitorMut, WindowType,
};

use crate::write::target::folded;
use crate::{Error, Result};

/// A query.
///
/// # Errors
/// [`Error::Unsupported`] for WITH TIES of what has no rows of its own; [`Error::Syntax`] for two limits.
pub(super) fn query(query: &mut Query) -> Result<()> {
    if let Some(lock) = query.locks.first() {
        lockable(query, &lock.lock_type.to_string())?;
    }
    // What they ask of the transaction is the session's affair.
    query.locks.clear();
    let Some(fetch) = query.fetch.take() else {
        return Ok(());
    };
    if fetch.percent {
        return Err(Error::syntax("syntax error at or near \"percent\""));
    }
    let wanted = fetch.quantity.unwrap_or_else(|| number("1"));
    if fetch.with_ties {
        return with_ties(query, &wanted);
    }
    match &mut query.limit_clause {
        None => {
            query.limit_clause = Some(LimitClause::LimitOffset {
                limit: Some(wanted),
                offset: None,
                limit_by: Vec::new(),
            });
        }
        Some(LimitClause::LimitOffset { limit, .. }) if limit.is_none() => *limit = Some(wanted),
        Some(_) => return Err(Error::syntax("multiple LIMIT clauses not allowed")),
    }
    Ok(())
}

/// `FETCH FIRST n ROWS WITH TIES`: the rows whose rank is at most n, behind those that OFFSET skips.
fn with_ties(query: &mut Query, wanted: &Expr) -> Result<()> {
    let refused = |what: &str| Error::Unsupported {
        what: format!("FETCH FIRST … WITH TIES of {what}"),
        hint: Some("Take the rows whose rank() OVER (ORDER BY …) is at most so many.".to_owned()),
    };
    let order = match &query.order_by {
        Some(OrderBy {
            kind: OrderByKind::Expressions(order),
            ..
        }) if !order.is_empty() => order.clone(),
        _ => {
            return Err(Error::syntax(
                "WITH TIES cannot be specified without ORDER BY clause",
            ));
        }
    };
    let skipped = match query.limit_clause.take() {
        None => number("0"),
        Some(LimitClause::LimitOffset {
            limit: None, offset, ..
        }) => offset.map_or_else(|| number("0"), |offset| offset.value),
        Some(_) => return Err(Error::syntax("multiple LIMIT clauses not allowed")),
    };
    let SetExpr::Select(select) = query.body.as_mut() else {
        return Err(refused("UNION, INTERSECT, EXCEPT or VALUES"));
    };
    if select.distinct.is_some() || select.qualify.is_some() {
        return Err(refused("DISTINCT"));
    }
    let mut by = order;
    for one in &mut by {
        if let Some(meant) = output(&select.projection, &one.expr) {
            one.expr = meant;
        }
    }
    let mut condition = self::select(
        "SELECT row_number() OVER () > radlake_skipped AND rank() OVER () <= radlake_skipped + radlake_wanted",
    )?;
    let _ = VisitMut::visit(
        &mut condition,
        &mut Ties {
            by: &by,
            skipped: &skipped,
            wanted,
        },
    );
    if let SetExpr::Select(made) = *condition.body
        && let Some(SelectItem::UnnamedExpr(condition)) = made.projection.into_iter().next()
    {
        select.qualify = Some(condition);
    }
    Ok(())
}

/// Puts a query's own parts into the condition: as trees, since a tree's text may be read as another.
struct Ties<'q> {
    by: &'q [OrderByExpr],
    skipped: &'q Expr,
    wanted: &'q Expr,
}

impl VisitorMut for Ties<'_> {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::Identifier(name) if name.value == "radlake_skipped" => *expr = self.skipped.clone(),
            Expr::Identifier(name) if name.value == "radlake_wanted" => *expr = self.wanted.clone(),
            Expr::Function(function) => {
                if let Some(WindowType::WindowSpec(window)) = &mut function.over {
                    window.order_by = self.by.to_vec();
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// What ORDER BY means by a number or by a name of the output.
fn output(projection: &[SelectItem], by: &Expr) -> Option<Expr> {
    let named = |item: &SelectItem| match item {
        SelectItem::ExprWithAlias { expr, .. } | SelectItem::UnnamedExpr(expr) => Some(expr.clone()),
        _ => None,
    };
    match by {
        Expr::Value(value) => match &value.value {
            Value::Number(digits, _) => {
                let place: usize = digits.to_string().parse().ok()?;
                projection.get(place.checked_sub(1)?).and_then(named)
            }
            _ => None,
        },
        Expr::Identifier(name) => projection.iter().find_map(|item| match item {
            SelectItem::ExprWithAlias { expr, alias } if folded(alias) == folded(name) => Some(expr.clone()),
            _ => None,
        }),
        _ => None,
    }
}

/// Rows of a result that are made of several, or of none, cannot be locked.
fn lockable(query: &Query, lock: &str) -> Result<()> {
    let clause = match query.body.as_ref() {
        SetExpr::Select(select) => {
            let grouped = !matches!(&select.group_by, GroupByExpr::Expressions(by, _) if by.is_empty());
            [
                (select.distinct.is_some(), "DISTINCT clause"),
                (grouped, "GROUP BY clause"),
                (select.having.is_some(), "HAVING clause"),
            ]
            .into_iter()
            .find_map(|(there, clause)| there.then_some(clause))
        }
        SetExpr::SetOperation { .. } => Some("UNION/INTERSECT/EXCEPT"),
        SetExpr::Values(_) => Some("VALUES"),
        _ => None,
    };
    match clause {
        Some(clause) => Err(Error::unsupported(format!(
            "FOR {lock} is not allowed with {clause}"
        ))),
        None => Ok(()),
    }
}

/// `t TABLESAMPLE method (percent)`: each row by a chance of its own, which is a sample of pages too.
///
/// # Errors
/// [`Error::Unsupported`] for other methods and for REPEATABLE; [`Error::InvalidParameter`] for a percentage out of range.
pub(super) fn sampled(factor: &mut TableFactor) -> Result<()> {
    let (name, alias, sample) = match factor {
        TableFactor::Table {
            name, alias, sample, ..
        } => (name, alias, sample),
        TableFactor::Derived { sample: Some(_), .. } => {
            return Err(Error::unsupported(
                "TABLESAMPLE of a sub-query; sample its tables",
            ));
        }
        _ => return Ok(()),
    };
    let Some(TableSampleKind::BeforeTableAlias(sample) | TableSampleKind::AfterTableAlias(sample)) = sample
    else {
        return Ok(());
    };
    let percent = percent(sample)?;
    let alias = alias.clone().or_else(|| called(name));
    let source = format!("SELECT * FROM {name} WHERE random() < {percent} / 100.0::float8");
    let subquery = select(&source)?;
    *factor = TableFactor::Derived {
        lateral: false,
        subquery: Box::new(subquery),
        alias,
        sample: None,
    };
    Ok(())
}

fn percent(sample: &TableSample) -> Result<f64> {
    let plain = sample.bucket.is_none() && sample.offset.is_none();
    match &sample.name {
        Some(TableSampleMethod::Bernoulli | TableSampleMethod::System) if plain => {}
        _ => {
            return Err(Error::unsupported(
                "TABLESAMPLE by another method than BERNOULLI and SYSTEM",
            ));
        }
    }
    if sample.seed.is_some() {
        return Err(Error::unsupported("TABLESAMPLE … REPEATABLE"));
    }
    let quantity = sample
        .quantity
        .as_ref()
        .filter(|quantity| quantity.unit.is_none());
    let value = quantity.and_then(|quantity| match &quantity.value {
        Expr::Value(value) => match &value.value {
            Value::Number(digits, _) => digits.to_string().parse::<f64>().ok(),
            _ => None,
        },
        _ => None,
    });
    match value {
        Some(percent) if (0.0..=100.0).contains(&percent) => Ok(percent),
        Some(_) => Err(Error::InvalidParameter(
            "sample percentage must be between 0 and 100".to_owned(),
        )),
        None => Err(Error::unsupported(
            "TABLESAMPLE with a percentage that is no number",
        )),
    }
}

/// A table is called by the last part of its name.
fn called(name: &ObjectName) -> Option<TableAlias> {
    let last = name.0.last()?.as_ident()?;
    Some(TableAlias {
        explicit: true,
        name: last.clone(),
        columns: Vec::new(),
        at: None,
    })
}

fn number(digits: &str) -> Expr {
    Expr::value(Value::Number(digits.to_owned(), false))
}

/// A query of ours.
fn select(text: &str) -> Result<Query> {
    let statement = radlake_sql::parse(text)?.pop();
    match statement.map(|statement| statement.ast().clone()) {
        Some(radlake_sql::ast::Statement::Query(query)) => Ok(*query),
        _ => Err(Error::internal("a query of ours is none")),
    }
}
