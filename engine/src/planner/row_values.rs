//! Comparisons of rows, `(a, b) = (c, d)`, field by field and with three answers, as PostgreSQL has them ("Row-wise Comparison").
//! DataFusion would compare structs, to which NULL is equal to NULL.

use radlake_sql::ast::{
    BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, Query,
    SelectItem, SetExpr, TableAlias, TableAliasColumnDef, TableFactor, TableWithJoins, UnaryOperator, Value,
};

use super::quantified;
use crate::pg_catalog::select_one;
use crate::{Error, Result};

/// Rewrites a comparison of rows; anything else stays as it is.
///
/// # Errors
/// [`Error::Syntax`] for rows of unequal length; [`Error::Unsupported`] for operators that rows do not have here.
pub(super) fn rewrite(expr: &mut Expr) -> Result<()> {
    let rewritten = match expr {
        Expr::BinaryOp { left, op, right } => match (fields(left), fields(right)) {
            (Some(left), Some(right)) => Some(compare(&left, op, &right)?),
            _ => None,
        },
        Expr::IsDistinctFrom(left, right) => pairs(left, right)?.map(distinct),
        Expr::IsNotDistinctFrom(left, right) => pairs(left, right)?.map(|pairs| not(distinct(pairs))),
        Expr::InList {
            expr: row,
            list,
            negated,
        } => match fields(row) {
            Some(row) => {
                let mut found = Vec::new();
                for element in list.iter() {
                    let element = fields(element).ok_or_else(unequal)?;
                    found.push(compare(&row, &BinaryOperator::Eq, &element)?);
                }
                let any = joined(found, &BinaryOperator::Or);
                any.map(|any| if *negated { not(any) } else { any })
            }
            None => None,
        },
        Expr::AnyOp {
            left,
            compare_op,
            right,
            ..
        } => quantified(left, compare_op, right, true)?,
        Expr::AllOp {
            left,
            compare_op,
            right,
        } => quantified(left, compare_op, right, false)?,
        Expr::IsNull(row) => fields(row).and_then(|row| all(row, Expr::IsNull)),
        Expr::IsNotNull(row) => fields(row).and_then(|row| all(row, Expr::IsNotNull)),
        _ => None,
    };
    if let Some(rewritten) = rewritten {
        *expr = Expr::Nested(Box::new(rewritten));
    }
    Ok(())
}

/// `(a, b) IN (SELECT …)` as EXISTS, in a condition that is reached by AND and OR only: there NULL counts as false, and the two are the
/// same.
pub(super) fn sets(condition: &mut Expr) {
    match condition {
        Expr::Nested(inner) => sets(inner),
        Expr::BinaryOp {
            left,
            op: BinaryOperator::And | BinaryOperator::Or,
            right,
        } => {
            sets(left);
            sets(right);
        }
        Expr::InSubquery {
            expr,
            subquery,
            negated: false,
        } => {
            if let Some(row) = fields(expr) {
                *condition = exists(row, subquery);
            }
        }
        _ => {}
    }
}

/// `(a, b) op ANY (SELECT …)` as a sub-query of one row.
fn quantified(row: &Expr, op: &BinaryOperator, rows: &Expr, any: bool) -> Result<Option<Expr>> {
    let (Some(row), Expr::Subquery(query)) = (fields(row), rows) else {
        return Ok(None);
    };
    let elements: Vec<Expr> = (0..row.len()).map(element).collect();
    let compared = compare(&row, op, &elements)?;
    let found = over(query, row.len(), quantified::of_rows(compared, any), None);
    Ok(Some(Expr::Subquery(Box::new(found))))
}

fn exists(row: Vec<Expr>, query: &Query) -> Expr {
    let width = row.len();
    let same = row
        .into_iter()
        .enumerate()
        .map(|(at, field)| binary(element(at), &BinaryOperator::Eq, field));
    let same = joined(same.collect(), &BinaryOperator::And);
    let one = Expr::Value(Value::Number("1".to_owned(), false).with_empty_span());
    Expr::Exists {
        subquery: Box::new(over(query, width, one, same)),
        negated: false,
    }
}

/// Name of the relation that has the rows of a query: no client's, so that names of others are the outer query's.
fn rows() -> Ident {
    Ident::with_quote('"', "__radlake_rows")
}

fn column(at: usize) -> Ident {
    Ident::with_quote('"', format!("__radlake_{at}"))
}

fn element(at: usize) -> Expr {
    Expr::CompoundIdentifier(vec![rows(), column(at)])
}

/// `SELECT output FROM (query) AS rows WHERE condition`.
fn over(query: &Query, width: usize, output: Expr, condition: Option<Expr>) -> Query {
    let columns = (0..width).map(|at| TableAliasColumnDef {
        name: column(at),
        data_type: None,
    });
    let relation = TableFactor::Derived {
        lateral: false,
        subquery: Box::new(query.clone()),
        alias: Some(TableAlias {
            explicit: true,
            name: rows(),
            columns: columns.collect(),
            at: None,
        }),
        sample: None,
    };
    let mut found = select_one(SelectItem::UnnamedExpr(output));
    if let SetExpr::Select(select) = found.body.as_mut() {
        select.from = vec![TableWithJoins {
            relation,
            joins: Vec::new(),
        }];
        select.selection = condition;
    }
    found
}

/// The fields of `(a, b)` or `ROW(a, b)`.
fn fields(expr: &Expr) -> Option<Vec<Expr>> {
    match expr {
        Expr::Nested(inner) => fields(inner),
        Expr::Tuple(fields) => Some(fields.clone()),
        Expr::Function(Function {
            name,
            args: FunctionArguments::List(list),
            over: None,
            ..
        }) if name.0.len() == 1 && name.to_string().eq_ignore_ascii_case("row") => {
            let argument = |argument: &FunctionArg| match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
                _ => None,
            };
            list.args.iter().map(argument).collect()
        }
        _ => None,
    }
}

fn pairs(left: &Expr, right: &Expr) -> Result<Option<Vec<(Expr, Expr)>>> {
    match (fields(left), fields(right)) {
        (Some(left), Some(right)) if left.len() == right.len() => {
            Ok(Some(left.into_iter().zip(right).collect()))
        }
        (Some(_), Some(_)) => Err(unequal()),
        _ => Ok(None),
    }
}

fn unequal() -> Error {
    Error::Syntax {
        message: "unequal number of entries in row expressions".to_owned(),
        position: None,
    }
}

fn compare(left: &[Expr], op: &BinaryOperator, right: &[Expr]) -> Result<Expr> {
    if left.len() != right.len() {
        return Err(unequal());
    }
    let pairs = left.iter().zip(right);
    let each = |op: &BinaryOperator| {
        pairs
            .clone()
            .map(|(l, r)| binary(l.clone(), op, r.clone()))
            .collect()
    };
    let compared = match op {
        BinaryOperator::Eq => joined(each(op), &BinaryOperator::And),
        BinaryOperator::NotEq => joined(each(op), &BinaryOperator::Or),
        BinaryOperator::Lt | BinaryOperator::LtEq => ordered(left, op, &BinaryOperator::Lt, right),
        BinaryOperator::Gt | BinaryOperator::GtEq => ordered(left, op, &BinaryOperator::Gt, right),
        _ => None,
    };
    compared.ok_or_else(|| Error::unsupported(format!("operator {op} of rows")))
}

/// The first field that differs decides; the last one by the operator itself.
fn ordered(left: &[Expr], op: &BinaryOperator, strict: &BinaryOperator, right: &[Expr]) -> Option<Expr> {
    let (l, r) = (left.first()?.clone(), right.first()?.clone());
    if left.len() == 1 {
        return Some(binary(l, op, r));
    }
    let rest = ordered(left.get(1..)?, op, strict, right.get(1..)?)?;
    let tie = binary(
        binary(l.clone(), &BinaryOperator::Eq, r.clone()),
        &BinaryOperator::And,
        rest,
    );
    Some(binary(binary(l, strict, r), &BinaryOperator::Or, tie))
}

fn distinct(pairs: Vec<(Expr, Expr)>) -> Expr {
    let each = pairs
        .into_iter()
        .map(|(l, r)| Expr::IsDistinctFrom(Box::new(l), Box::new(r)));
    joined(each.collect(), &BinaryOperator::Or).unwrap_or_else(super::dialect::null)
}

fn all(row: Vec<Expr>, test: fn(Box<Expr>) -> Expr) -> Option<Expr> {
    joined(
        row.into_iter().map(|field| test(Box::new(field))).collect(),
        &BinaryOperator::And,
    )
}

fn joined(exprs: Vec<Expr>, op: &BinaryOperator) -> Option<Expr> {
    exprs.into_iter().reduce(|left, right| binary(left, op, right))
}

fn binary(left: Expr, op: &BinaryOperator, right: Expr) -> Expr {
    let side = |expr| Box::new(Expr::Nested(Box::new(expr)));
    Expr::BinaryOp {
        left: side(left),
        op: op.clone(),
        right: side(right),
    }
}

fn not(expr: Expr) -> Expr {
    Expr::UnaryOp {
        op: UnaryOperator::Not,
        expr: Box::new(Expr::Nested(Box::new(expr))),
    }
}
