//! A literal beside a boolean is one, and is read as PostgreSQL reads it: `indisprimary = 'f'`; so is one beside arrays in a CASE.
//! `concat` puts booleans out as `t` and `f`.

use arrow::datatypes::DataType;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::expr::Case;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan};
use datafusion::optimizer::AnalyzerRule;

use super::{arrays, expressions, postgres};
use crate::Error;

/// The rule. It is to run before types are made to agree.
#[derive(Debug)]
pub(super) struct Booleans;

impl AnalyzerRule for Booleans {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        match expressions::holds(&plan, |_| false, may_be)? {
            true => expressions::rewrite(plan, one),
            false => Ok(plan),
        }
    }

    fn name(&self) -> &str {
        "booleans"
    }
}

/// Whether a literal without a type of its own stands beside something that may be a boolean.
fn may_be(expr: &Expr) -> bool {
    match expr {
        Expr::BinaryExpr(binary) if expressions::is_comparison(binary.op) => {
            is_open(&binary.left) != is_open(&binary.right)
        }
        Expr::InList(list) => !is_open(&list.expr) && list.list.iter().any(is_open),
        Expr::Case(case) => results(case).any(is_open),
        Expr::ScalarFunction(call) if puts_out(call.func.name()) => true,
        Expr::ScalarFunction(call) => is_choice(call.func.name()) && call.args.iter().any(is_open),
        _ => false,
    }
}

fn one(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    if !may_be(&expr) {
        return Ok(Transformed::no(expr));
    }
    match expr {
        Expr::BinaryExpr(mut binary) => {
            let done = agree(&mut [binary.left.as_mut(), binary.right.as_mut()], schema)?;
            Ok(Transformed::new_transformed(Expr::BinaryExpr(binary), done))
        }
        Expr::InList(mut list) => {
            let mut values: Vec<&mut Expr> = list.list.iter_mut().collect();
            values.push(list.expr.as_mut());
            let done = agree(&mut values, schema)?;
            Ok(Transformed::new_transformed(Expr::InList(list), done))
        }
        Expr::Case(mut case) => {
            let of = results(&case).filter(|value| !is_open(value)).find_map(|value| {
                value
                    .get_type(schema)
                    .ok()
                    .filter(|of| matches!(of, DataType::List(_)))
            });
            let Some(of) = of else {
                return Ok(Transformed::no(Expr::Case(case)));
            };
            let thens = case.when_then_expr.iter_mut().map(|(_, then)| then);
            for value in thens
                .chain(case.else_expr.as_mut())
                .filter(|value| is_open(value))
            {
                let text = std::mem::take(value.as_mut());
                **value = arrays::function().call(vec![text]).cast_to(&of, schema)?;
            }
            Ok(Transformed::yes(Expr::Case(case)))
        }
        Expr::ScalarFunction(mut call) if puts_out(call.func.name()) => {
            let mut done = false;
            for value in &mut call.args {
                if matches!(value.get_type(schema), Ok(DataType::Boolean)) {
                    *value = postgres::as_output(std::mem::take(value));
                    done = true;
                }
            }
            Ok(Transformed::new_transformed(Expr::ScalarFunction(call), done))
        }
        Expr::ScalarFunction(mut call) => {
            let mut values: Vec<&mut Expr> = call.args.iter_mut().collect();
            let done = agree(&mut values, schema)?;
            Ok(Transformed::new_transformed(Expr::ScalarFunction(call), done))
        }
        other => Ok(Transformed::no(other)),
    }
}

/// Reads the literals among values of one type, if the others are booleans.
fn agree(values: &mut [&mut Expr], schema: &DFSchema) -> Result<bool> {
    let mut others = values.iter().filter(|value| !is_open(value)).peekable();
    let booleans = others.peek().is_some()
        && others.all(|value| matches!(value.get_type(schema), Ok(DataType::Boolean | DataType::Null)))
        && values
            .iter()
            .any(|value| matches!(value.get_type(schema), Ok(DataType::Boolean)));
    if !booleans {
        return Ok(false);
    }
    for value in values.iter_mut() {
        if let Expr::Literal(ScalarValue::Utf8(Some(text)), _) = &**value {
            let read = read(text).ok_or_else(|| Error::InvalidText {
                type_name: "boolean".to_owned(),
            })?;
            **value = Expr::Literal(ScalarValue::Boolean(Some(read)), None);
        }
    }
    Ok(true)
}

/// What a CASE may give.
fn results(case: &Case) -> impl Iterator<Item = &Expr> {
    let thens = case.when_then_expr.iter().map(|(_, then)| then);
    thens.chain(case.else_expr.as_ref()).map(AsRef::as_ref)
}

/// Functions that put their arguments out: `t` for true, which as a text is `true`.
fn puts_out(function: &str) -> bool {
    matches!(function, "concat" | "concat_ws")
}

fn is_choice(function: &str) -> bool {
    matches!(function, "coalesce" | "nullif")
}

/// A text literal; one that was cast is none.
fn is_open(expr: &Expr) -> bool {
    matches!(expr, Expr::Literal(ScalarValue::Utf8(Some(_)), _))
}

/// PostgreSQL's spellings: any beginning that is no beginning of another word, in any case, with blanks around it.
fn read(text: &str) -> Option<bool> {
    let text = text.trim().to_ascii_lowercase();
    let begins = |word: &str, least: usize| text.len() >= least && word.starts_with(&text);
    if begins("true", 1) || begins("yes", 1) || begins("on", 2) || text == "1" {
        return Some(true);
    }
    (begins("false", 1) || begins("no", 1) || begins("off", 2) || text == "0").then_some(false)
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn spellings_are_those_of_postgres() {
        for text in ["t", "tr", "TRUE", " y ", "yes", "on", "1"] {
            assert_eq!(read(text), Some(true), "{text}");
        }
        for text in ["f", "fals", "n", "No", "of", "off", "0"] {
            assert_eq!(read(text), Some(false), "{text}");
        }
        for text in ["", "o", "2", "truee", "yess", "null"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
