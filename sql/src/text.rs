//! Trees as text that is read again: what is kept of views, defaults and constraints.
//!
//! The parser's own writing of a tree is not faithful everywhere: quotation marks in strings, modifiers of types and others come out
//! such that they are read as something else. What was checked on a tree must hold of its text, so text that is read as another
//! tree is given to nobody.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, Query, SelectItem, SetExpr, Statement, Value, ValueWithSpan, VisitMut, VisitorMut,
};

/// The text of a query; `None` if there is none that is read as the same tree.
#[must_use]
pub fn query(query: &Query) -> Option<String> {
    let mut query = query.clone();
    let _ = VisitMut::visit(&mut query, &mut Strings);
    let text = query.to_string();
    match read(&text)? {
        Statement::Query(again) if *again == query => Some(text),
        _ => None,
    }
}

/// The text of an expression; `None` if there is none that is read as the same tree.
#[must_use]
pub fn expression(expression: &Expr) -> Option<String> {
    let mut expression = expression.clone();
    let _ = VisitMut::visit(&mut expression, &mut Strings);
    let text = expression.to_string();
    // Within parentheses, so that nothing of it can be taken for what stands behind an expression.
    let Statement::Query(mut again) = read(&format!("SELECT ({text})"))? else {
        return None;
    };
    let SetExpr::Select(select) = again.body.as_mut() else {
        return None;
    };
    match (select.projection.pop(), select.projection.is_empty()) {
        (Some(SelectItem::UnnamedExpr(Expr::Nested(found))), true) if *found == expression => {
            // What is behind the only column would be no part of the expression.
            select.projection.push(SelectItem::UnnamedExpr(nothing()));
            (again.to_string() == "SELECT NULL").then_some(text)
        }
        _ => None,
    }
}

fn read(text: &str) -> Option<Statement> {
    let mut statements = crate::parse(text).ok()?;
    let only = statements.pop()?;
    statements.is_empty().then(|| only.ast().clone())
}

fn nothing() -> Expr {
    Expr::Value(Value::Null.into())
}

/// Writes strings that would not be read again as they are with escapes.
struct Strings;

impl VisitorMut for Strings {
    type Break = ();

    fn pre_visit_value(&mut self, value: &mut ValueWithSpan) -> ControlFlow<()> {
        let escaped = match &value.value {
            Value::SingleQuotedString(text) if text.contains("''") || text.contains("\\'") => text,
            Value::NationalStringLiteral(text) if text.contains('\'') => text,
            _ => return ControlFlow::Continue(()),
        };
        value.value = Value::EscapedStringLiteral(escaped.clone());
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query_of(text: &str) -> Query {
        match read(text) {
            Some(Statement::Query(query)) => *query,
            other => panic!("{text}: {other:?}"),
        }
    }

    fn expression_of(text: &str) -> Expr {
        let mut query = query_of(&format!("SELECT {text}"));
        match query.body.as_mut() {
            SetExpr::Select(select) => match select.projection.pop() {
                Some(SelectItem::UnnamedExpr(expression)) => expression,
                other => panic!("{text}: {other:?}"),
            },
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn usual_texts_stay() {
        for text in [
            "1",
            "now()",
            "CURRENT_TIMESTAMP",
            "'it''s'",
            "'a\\b'",
            "a LIKE 'x\\_%' ESCAPE '\\'",
            "(a + 1) * 2 > b AND c IS DISTINCT FROM d OR e",
            "'x'::TEXT",
            "NUMERIC '1.5'",
            "INTERVAL '1 day'",
            "CASE WHEN a THEN 'b' ELSE 'c' END",
            "ARRAY[1, 2]",
            "a ->> 'b'",
            "$x$it's$x$",
            "X'61'",
        ] {
            assert_eq!(expression(&expression_of(text)).as_deref(), Some(text));
        }
        for text in [
            "SELECT a, b AS c FROM s.t AS x WHERE a = 'it''s' GROUP BY a ORDER BY 1",
            "WITH q AS (SELECT 1) SELECT * FROM q UNION ALL VALUES (2)",
            "SELECT \"A\" FROM \"S\".\"T\" AS \"T\" JOIN u USING(x)",
        ] {
            assert_eq!(query(&query_of(text)).as_deref(), Some(text));
        }
    }

    #[test]
    fn strings_are_read_again_as_they_are() {
        for text in ["'a''''b'", r"'a\''b'", "'it''''''s'"] {
            let tree = expression_of(text);
            let text = expression(&tree).unwrap();
            let Expr::Value(again) = expression_of(&text) else {
                panic!("{text}");
            };
            let Expr::Value(tree) = tree else { panic!("{text}") };
            assert_eq!(again.value.into_string(), tree.value.into_string());
        }
    }

    #[test]
    fn what_would_be_read_as_another_tree_has_no_text() {
        for text in [
            "X'61'' IS NOT NULL AND note = ''c'",
            "'x'::name(') || note || upper(''x''')",
            "a.\"b\"\"c\\\"\"d\"",
        ] {
            let tree = expression_of(text);
            assert!(
                expression(&tree).is_none() || expression_of(&tree.to_string()) == tree,
                "{text}"
            );
        }
        assert_eq!(
            expression(&expression_of("X'61'' IS NOT NULL AND note = ''c'")),
            None
        );
        assert_eq!(
            expression(&expression_of("'x'::name(') || note || upper(''x''')")),
            None
        );
        assert_eq!(query(&query_of("SELECT X'61'' FROM s.t --'")), None);
    }
}
