//! Which rows are wanted, in words that the planner does not know: `FETCH FIRST`, `TABLESAMPLE`.

use radlake_sql::ast::{
    Expr, LimitClause, ObjectName, Query, TableAlias, TableFactor, TableSample, TableSampleKind,
    TableSampleMethod, Value,
};

use crate::{Error, Result};

/// A query.
///
/// # Errors
/// [`Error::Unsupported`] for WITH TIES and PERCENT; [`Error::Syntax`] for two limits.
pub(super) fn query(query: &mut Query) -> Result<()> {
    // They are the session's affair.
    query.locks.clear();
    let Some(fetch) = query.fetch.take() else {
        return Ok(());
    };
    if fetch.with_ties {
        return Err(Error::Unsupported {
            what: "FETCH FIRST … WITH TIES".to_owned(),
            hint: Some("Take the rows whose rank() OVER (ORDER BY …) is at most so many.".to_owned()),
        });
    }
    if fetch.percent {
        return Err(Error::syntax("syntax error at or near \"percent\""));
    }
    let wanted = fetch.quantity.unwrap_or_else(|| number("1"));
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
