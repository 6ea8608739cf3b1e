//! PostgreSQL's regular expressions in operators (`~`, `~*`, `!~`, `!~*`) and functions (`regexp_…`): their patterns are made such of
//! the crate `regex`, and refused where that would find another part of the text.

use radlake_sql::ast::{
    BinaryOperator, CastKind, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments,
    Value,
};

use super::dialect::{call, null};
use crate::{Error, Result};

/// Functions, with whether it matters what is found and not only that, and the place of their flags.
const FUNCTIONS: &[(&str, bool, usize)] = &[("regexp_like", false, 2), ("regexp_replace", true, 3)];

/// Rewrites the patterns; anything else stays as it is.
///
/// # Errors
/// [`Error::Unsupported`] for flags that the query engine reads otherwise.
pub(super) fn rewrite(expr: &mut Expr) -> Result<()> {
    match expr {
        Expr::BinaryOp {
            op:
                BinaryOperator::PGRegexMatch
                | BinaryOperator::PGRegexIMatch
                | BinaryOperator::PGRegexNotMatch
                | BinaryOperator::PGRegexNotIMatch,
            right,
            ..
        } if !is_pattern(right) => wrap(right, "regex_pattern"),
        Expr::Function(function) => functions(function)?,
        _ => {}
    }
    Ok(())
}

fn functions(function: &mut Function) -> Result<()> {
    // Whatever schema it is named with.
    let Some(name) = function.name.0.last().and_then(|part| part.as_ident()) else {
        return Ok(());
    };
    let name = name.value.to_lowercase();
    let Some((_, exact, flags)) = FUNCTIONS.iter().find(|(known, ..)| *known == name) else {
        return Ok(());
    };
    let FunctionArguments::List(list) = &mut function.args else {
        return Ok(());
    };
    let mut arguments: Vec<&mut Expr> = list
        .args
        .iter_mut()
        .filter_map(|argument| match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
            _ => None,
        })
        .collect();
    if let Some(flags) = arguments.get_mut(*flags) {
        check_flags(flags)?;
    }
    if let Some(pattern) = arguments.get_mut(1)
        && !is_pattern(pattern)
    {
        wrap(pattern, if *exact { "regex_exact" } else { "regex_pattern" });
        if name == "regexp_replace"
            && let Some(text) = arguments.get_mut(2)
        {
            wrap(text, "regex_replacement");
        }
    }
    Ok(())
}

/// Of the flags, `g` and `i` mean the same to both; `s` is how it is anyway.
fn check_flags(flags: &mut Expr) -> Result<()> {
    if let Expr::Value(value) = flags
        && let Value::SingleQuotedString(text) = &mut value.value
        && text.chars().all(|flag| matches!(flag, 'g' | 'i' | 's'))
    {
        text.retain(|flag| flag != 's');
        return Ok(());
    }
    Err(Error::unsupported(
        "flags of a regular expression other than the literals 'g', 'i' and 's'",
    ))
}

/// Expressions may be visited again, in a statement that was put together from parts of another.
fn is_pattern(expr: &Expr) -> bool {
    matches!(expr, Expr::Function(function) if matches!(function.name.to_string().as_str(), "regex_pattern" | "regex_exact"))
}

fn wrap(expr: &mut Expr, function: &str) {
    let mut inner = std::mem::replace(expr, null());
    // Of a function's argument alone the planner would not know what a parameter is.
    if matches!(&inner, Expr::Value(value) if matches!(value.value, Value::Placeholder(_))) {
        inner = Expr::Cast {
            kind: CastKind::DoubleColon,
            expr: Box::new(inner),
            data_type: DataType::Text,
            array: false,
            format: None,
        };
    }
    *expr = call(function, vec![inner]);
}
