//! `OPERATOR(pg_catalog.~)` and `COLLATE`.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, ObjectNamePart, Value,
};

pub(super) fn rewrite(expr: &mut Expr) {
    match expr {
        // Text compares by bytes whatever the collation, which is what "default" and "C" mean here.
        Expr::Collate { expr: inner, .. } => {
            let inner = std::mem::replace(inner.as_mut(), super::ast::null());
            *expr = inner;
        }
        Expr::BinaryOp { op, left, right } => {
            let BinaryOperator::PGCustomBinaryOperator(path) = op else {
                return;
            };
            let Some(symbol) = path.last().cloned() else {
                return;
            };
            if let Some(plain) = plain_operator(&symbol) {
                *op = plain;
                return;
            }
            // LIKE is an operator to PostgreSQL.
            let (negated, any_case) = match symbol.as_str() {
                "~~" => (false, false),
                "!~~" => (true, false),
                "~~*" => (false, true),
                "!~~*" => (true, true),
                _ => return,
            };
            let take = |side: &mut Box<Expr>| Box::new(std::mem::replace(side.as_mut(), super::ast::null()));
            let (left, right) = (take(left), take(right));
            *expr = if any_case {
                Expr::ILike {
                    negated,
                    any: false,
                    expr: left,
                    pattern: right,
                    escape_char: None,
                }
            } else {
                Expr::Like {
                    negated,
                    any: false,
                    expr: left,
                    pattern: right,
                    escape_char: None,
                }
            };
        }
        Expr::Like {
            pattern,
            escape_char: escape,
            ..
        }
        | Expr::ILike {
            pattern,
            escape_char: escape,
            ..
        } => {
            let Some(character) = escape.as_ref().map(|e| e.value.clone()) else {
                return;
            };
            if matches!(&character, Value::SingleQuotedString(c) if c == "\\") {
                return;
            }
            *escape = None;
            let plain = std::mem::replace(pattern.as_mut(), super::ast::null());
            **pattern = super::ast::call(
                "like_escape",
                vec![plain, Expr::Value(character.with_empty_span())],
            );
        }
        _ => {}
    }
}

/// `x LIKE ANY (SELECT …)`, `x LIKE ALL (…)` as comparisons, which they are in PostgreSQL.
pub(super) fn like_sets(expr: &mut Expr) {
    let (negated, any, left, pattern, any_case) = match &*expr {
        Expr::Like {
            negated,
            any,
            expr,
            pattern,
            escape_char: None,
        } => (*negated, *any, expr, pattern, false),
        Expr::ILike {
            negated,
            any,
            expr,
            pattern,
            escape_char: None,
        } => (*negated, *any, expr, pattern, true),
        _ => return,
    };
    let compare_op = match (negated, any_case) {
        (false, false) => BinaryOperator::PGLikeMatch,
        (true, false) => BinaryOperator::PGNotLikeMatch,
        (false, true) => BinaryOperator::PGILikeMatch,
        (true, true) => BinaryOperator::PGNotILikeMatch,
    };
    let left = left.clone();
    if any {
        *expr = Expr::AnyOp {
            left,
            compare_op,
            right: unnested(pattern),
            is_some: false,
        };
        return;
    }
    // The parser takes ALL for the name of a function.
    let Expr::Function(function) = pattern.as_ref() else {
        return;
    };
    let all = match function.name.0.as_slice() {
        [ObjectNamePart::Identifier(name)] => {
            name.quote_style.is_none() && name.value.eq_ignore_ascii_case("all")
        }
        _ => false,
    };
    let right = match &function.args {
        FunctionArguments::Subquery(query) if all => Expr::Subquery(query.clone()),
        FunctionArguments::List(list) if all => match list.args.as_slice() {
            [FunctionArg::Unnamed(FunctionArgExpr::Expr(list))] => list.clone(),
            _ => return,
        },
        _ => return,
    };
    *expr = Expr::AllOp {
        left,
        compare_op,
        right: Box::new(right),
    };
}

fn unnested(expr: &Expr) -> Box<Expr> {
    match expr {
        Expr::Nested(inner) if matches!(inner.as_ref(), Expr::Subquery(_)) => inner.clone(),
        other => Box::new(other.clone()),
    }
}

fn plain_operator(symbol: &str) -> Option<BinaryOperator> {
    Some(match symbol {
        "~" => BinaryOperator::PGRegexMatch,
        "~*" => BinaryOperator::PGRegexIMatch,
        "!~" => BinaryOperator::PGRegexNotMatch,
        "!~*" => BinaryOperator::PGRegexNotIMatch,
        "=" => BinaryOperator::Eq,
        "<>" | "!=" => BinaryOperator::NotEq,
        "<" => BinaryOperator::Lt,
        "<=" => BinaryOperator::LtEq,
        ">" => BinaryOperator::Gt,
        ">=" => BinaryOperator::GtEq,
        "+" => BinaryOperator::Plus,
        "-" => BinaryOperator::Minus,
        "*" => BinaryOperator::Multiply,
        "/" => BinaryOperator::Divide,
        "%" => BinaryOperator::Modulo,
        "||" => BinaryOperator::StringConcat,
        _ => return None,
    })
}
