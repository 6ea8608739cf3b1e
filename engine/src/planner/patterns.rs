//! `x SIMILAR TO pattern` and `substring(x FROM pattern)` as functions.

use radlake_sql::ast::{Expr, UnaryOperator, Value};

use super::dialect::{call, null};
use crate::{Error, Result};

/// Rewrites the two; anything else stays as it is.
///
/// # Errors
/// [`Error::Unsupported`] for substring with a pattern of SIMILAR TO.
pub(super) fn rewrite(expr: &mut Expr) -> Result<()> {
    let take = |expr: &mut Box<Expr>| std::mem::replace(expr.as_mut(), null());
    match expr {
        Expr::SimilarTo {
            negated,
            expr: value,
            pattern,
            escape_char,
        } => {
            let negated = *negated;
            let mut arguments = vec![take(value), take(pattern)];
            arguments.extend(escape_char.take().map(Expr::Value));
            let found = call("similar_to", arguments);
            *expr = match negated {
                true => Expr::Nested(Box::new(Expr::UnaryOp {
                    op: UnaryOperator::Not,
                    expr: Box::new(found),
                })),
                false => found,
            };
        }
        // `substring(text FROM pattern)`
        Expr::Substring {
            expr: value,
            substring_from: Some(from),
            substring_for: None,
            ..
        } => {
            // A place that is written out needs no function that looks for a pattern.
            if matches!(from.as_ref(), Expr::Value(value) if !matches!(value.value, Value::SingleQuotedString(_)))
            {
                return Ok(());
            }
            *expr = call("substring_from", vec![take(value), take(from)]);
        }
        // `substring(text FROM pattern FOR escape)`
        Expr::Substring {
            substring_for: Some(length),
            ..
        } if matches!(length.as_ref(), Expr::Value(value) if matches!(value.value, Value::SingleQuotedString(_))) =>
        {
            return Err(Error::unsupported("substring with a pattern of SIMILAR TO"));
        }
        _ => {}
    }
    Ok(())
}
