//! `x op ANY (q)`, `x op ALL (q)`, EXISTS and IN where their value is asked for: true, false or NULL.
//!
//! A sub-query becomes an aggregate of one row, [`value`], which the rule of the domains can compute for all outer values. Of an array
//! that is written out each element is compared; ANY of another is said by ALL, of which DataFusion has all three answers.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Column, DFSchema, ExprSchema, Result, ScalarValue};
use datafusion::functions_aggregate::expr_fn::{bool_and, bool_or};
use datafusion::logical_expr::expr::{InSubquery, SetComparison, SetQuantifier};
use datafusion::logical_expr::{BinaryExpr, Expr, Like, LogicalPlanBuilder, Operator, Subquery, lit, when};
use radlake_sql::ast::{self, BinaryOperator, UnaryOperator};

use super::dialect::{call, null};
use super::shapes::calls_volatile;

/// The names of the relation and of the columns that stand for a sub-query's rows: none of a client's.
const SET: &str = "__radlake_quantified";
const VALUE: &str = "__radlake_element";
const DECIDED: &str = "__radlake_decided";
const OPEN: &str = "__radlake_open";

/// A comparison with the rows of a sub-query as a scalar sub-query, of three answers. `schema` is that of the value.
///
/// `None` if the value cannot be computed within the sub-query.
pub(super) fn value(set: &SetComparison, schema: &DFSchema) -> Result<Option<Expr>> {
    let SetComparison {
        expr,
        subquery,
        op,
        quantifier,
    } = set;
    let within = expr.exists(|expr| {
        Ok(matches!(
            expr,
            Expr::ScalarSubquery(_)
                | Expr::Exists(_)
                | Expr::InSubquery(_)
                | Expr::SetComparison(_)
                | Expr::OuterReferenceColumn(..)
        ))
    })?;
    if within || expr.is_volatile() {
        return Ok(None);
    }
    let of_outer = expr
        .as_ref()
        .clone()
        .transform_up(|expr| match expr {
            Expr::Column(column) => {
                let field = Arc::clone(schema.field_from_column(&column)?);
                Ok(Transformed::yes(Expr::OuterReferenceColumn(field, column)))
            }
            other => Ok(Transformed::no(other)),
        })
        .data()?;
    let rows = subquery.subquery.as_ref().clone();
    let Some((qualifier, field)) = rows.schema().iter().next() else {
        return Ok(None);
    };
    let element = Expr::Column(Column::from((qualifier, field)));
    let compared = comparison(of_outer, *op, Expr::Column(Column::new(Some(SET), VALUE)));
    let (decided, decides) = match quantifier {
        SetQuantifier::Any => (bool_or(compared.clone()), true),
        SetQuantifier::All => (bool_and(compared.clone()), false),
    };
    let column = |name: &str| Expr::Column(Column::new_unqualified(name));
    let found = match decides {
        true => column(DECIDED),
        false => Expr::Not(Box::new(column(DECIDED))),
    };
    let answer = when(found, lit(decides))
        .when(column(OPEN), lit(ScalarValue::Boolean(None)))
        .otherwise(lit(!decides))?;
    let plan = LogicalPlanBuilder::from(rows)
        .project([element.alias(VALUE)])?
        .alias(SET)?
        .aggregate(
            Vec::<Expr>::new(),
            [decided.alias(DECIDED), bool_or(compared.is_null()).alias(OPEN)],
        )?
        .project([answer.alias(VALUE)])?
        .build()?;
    Ok(Some(Expr::ScalarSubquery(Subquery {
        outer_ref_columns: plan.all_out_ref_exprs(),
        subquery: Arc::new(plan),
        spans: subquery.spans.clone(),
    })))
}

/// IN as a comparison.
pub(super) fn of_set(set: InSubquery) -> SetComparison {
    let (op, quantifier) = match set.negated {
        true => (Operator::NotEq, SetQuantifier::All),
        false => (Operator::Eq, SetQuantifier::Any),
    };
    SetComparison {
        expr: set.expr,
        subquery: set.subquery,
        op,
        quantifier,
    }
}

/// `left op right`, where LIKE is an operator too.
pub(super) fn comparison(left: Expr, op: Operator, right: Expr) -> Expr {
    let like = match op {
        Operator::LikeMatch => Some((false, false)),
        Operator::ILikeMatch => Some((false, true)),
        Operator::NotLikeMatch => Some((true, false)),
        Operator::NotILikeMatch => Some((true, true)),
        _ => None,
    };
    let (left, right) = (Box::new(left), Box::new(right));
    match like {
        Some((negated, any_case)) => Expr::Like(Like::new(negated, left, right, None, any_case)),
        None => Expr::BinaryExpr(BinaryExpr::new(left, op, right)),
    }
}

/// ANY and ALL of an array, on the syntax tree; anything else stays as it is.
pub(super) fn arrays(expr: &mut ast::Expr) {
    let (left, op, right, any) = match &*expr {
        ast::Expr::AnyOp {
            left,
            compare_op,
            right,
            ..
        } => (left, compare_op, right, true),
        ast::Expr::AllOp {
            left,
            compare_op,
            right,
        } => (left, compare_op, right, false),
        _ => return,
    };
    if matches!(right.as_ref(), ast::Expr::Subquery(_)) {
        return;
    }
    let said = match negated(op) {
        // An array's elements, where nothing is compared but by its pattern.
        None => written(right).and_then(|elements| {
            let each = elements.iter().map(|element| pattern(left, op, element));
            let each: Option<Vec<ast::Expr>> = each.collect();
            let op = if any {
                BinaryOperator::Or
            } else {
                BinaryOperator::And
            };
            each.filter(|each| each.len() == 1 || !calls_volatile(left.as_ref()))
                .and_then(|each| balanced(each, &op))
        }),
        // What is not so for none: DataFusion has `= ANY` as a search, and forgets the NULLs of the others.
        Some(opposite) if any && *op != BinaryOperator::Eq => Some(ast::Expr::UnaryOp {
            op: UnaryOperator::Not,
            expr: Box::new(ast::Expr::Nested(Box::new(ast::Expr::AllOp {
                left: left.clone(),
                compare_op: opposite,
                right: right.clone(),
            }))),
        }),
        Some(_) => None,
    };
    if let Some(said) = said {
        *expr = ast::Expr::Nested(Box::new(said));
    }
}

fn negated(op: &BinaryOperator) -> Option<BinaryOperator> {
    Some(match op {
        BinaryOperator::Eq => BinaryOperator::NotEq,
        BinaryOperator::NotEq => BinaryOperator::Eq,
        BinaryOperator::Lt => BinaryOperator::GtEq,
        BinaryOperator::LtEq => BinaryOperator::Gt,
        BinaryOperator::Gt => BinaryOperator::LtEq,
        BinaryOperator::GtEq => BinaryOperator::Lt,
        _ => return None,
    })
}

/// The elements of an array that is written out.
fn written(expr: &ast::Expr) -> Option<&[ast::Expr]> {
    match expr {
        ast::Expr::Nested(inner) => written(inner),
        ast::Expr::Cast { expr, .. } => written(expr),
        ast::Expr::Array(array) => Some(array.elem.as_slice()),
        _ => None,
    }
}

fn pattern(left: &ast::Expr, op: &BinaryOperator, element: &ast::Expr) -> Option<ast::Expr> {
    let like = |negated, any_case| {
        let (expr, pattern) = (Box::new(left.clone()), Box::new(element.clone()));
        match any_case {
            true => ast::Expr::ILike {
                negated,
                any: false,
                expr,
                pattern,
                escape_char: None,
            },
            false => ast::Expr::Like {
                negated,
                any: false,
                expr,
                pattern,
                escape_char: None,
            },
        }
    };
    Some(match op {
        BinaryOperator::PGLikeMatch => like(false, false),
        BinaryOperator::PGILikeMatch => like(false, true),
        BinaryOperator::PGNotLikeMatch => like(true, false),
        BinaryOperator::PGNotILikeMatch => like(true, true),
        BinaryOperator::PGRegexMatch
        | BinaryOperator::PGRegexIMatch
        | BinaryOperator::PGRegexNotMatch
        | BinaryOperator::PGRegexNotIMatch => ast::Expr::BinaryOp {
            left: Box::new(left.clone()),
            op: op.clone(),
            right: Box::new(element.clone()),
        },
        _ => return None,
    })
}

/// A tree, not a chain: as deep as the logarithm of its length.
fn balanced(mut exprs: Vec<ast::Expr>, op: &BinaryOperator) -> Option<ast::Expr> {
    while exprs.len() > 1 {
        let mut rest = exprs.into_iter();
        let mut pairs = Vec::new();
        while let Some(left) = rest.next() {
            pairs.push(match rest.next() {
                Some(right) => ast::Expr::Nested(Box::new(ast::Expr::BinaryOp {
                    left: Box::new(left),
                    op: op.clone(),
                    right: Box::new(right),
                })),
                None => left,
            });
        }
        exprs = pairs;
    }
    exprs.pop()
}

/// `CASE WHEN bool_or(c) THEN true WHEN bool_or(c IS NULL) THEN NULL ELSE false END`, and its like for ALL: of a row with the rows of a
/// sub-query.
pub(super) fn of_rows(compared: ast::Expr, any: bool) -> ast::Expr {
    let boolean = |value| ast::Expr::Value(ast::Value::Boolean(value).into());
    let open = call("bool_or", vec![ast::Expr::IsNull(Box::new(compared.clone()))]);
    let found = match any {
        true => call("bool_or", vec![compared]),
        false => ast::Expr::UnaryOp {
            op: UnaryOperator::Not,
            expr: Box::new(call("bool_and", vec![compared])),
        },
    };
    let when = |condition, result| ast::CaseWhen { condition, result };
    ast::Expr::Case {
        case_token: ast::helpers::attached_token::AttachedToken::empty(),
        end_token: ast::helpers::attached_token::AttachedToken::empty(),
        operand: None,
        conditions: vec![when(found, boolean(any)), when(open, null())],
        else_result: Some(Box::new(boolean(!any))),
    }
}
