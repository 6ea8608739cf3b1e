//! PostgreSQL's dialect as the parser has it, but for one option that makes parsing exponential.

use std::any::{Any, TypeId};
use std::ops::ControlFlow;

use sqlparser::ast::{BinaryOperator, Expr, UnaryOperator, Visit, Visitor};
use sqlparser::dialect::{Dialect, PostgreSqlDialect, Precedence};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::Token;

/// PostgreSQL's dialect. Names of arguments are identifiers (`f(a => 1)`): where they may be expressions, which only
/// `json_object('a': 1)` needs, the parser reads each argument twice, and nested calls 2^depth times.
#[derive(Debug, Default)]
pub(crate) struct PostgreSql {
    postgresql: PostgreSqlDialect,
    /// Relations may be read as of an epoch; see [`crate::versions`].
    pub(crate) versioned: bool,
}

macro_rules! as_postgresql {
    ($($name:ident($($argument:ident: $type:ty),*) -> $result:ty;)*) => {$(
        fn $name(&self, $($argument: $type),*) -> $result {
            self.postgresql.$name($($argument),*)
        }
    )*};
}

impl Dialect for PostgreSql {
    /// Where the parser asks for the dialect by its type, this is PostgreSQL's.
    fn dialect(&self) -> TypeId {
        self.postgresql.type_id()
    }

    fn supports_named_fn_args_with_expr_name(&self) -> bool {
        false
    }

    fn supports_table_versioning(&self) -> bool {
        self.versioned
    }

    /// `CREATE TABLE t USING delta LOCATION '…'`.
    fn supports_create_table_using(&self) -> bool {
        true
    }

    /// `x::text COLLATE "C"` and `x BETWEEN SYMMETRIC a AND b`, which the parser does not have.
    fn parse_infix(
        &self,
        parser: &mut Parser,
        expr: &Expr,
        _precedence: u8,
    ) -> Option<Result<Expr, ParserError>> {
        if parser.parse_keyword(Keyword::COLLATE) {
            if let Err(error) = small(expr) {
                return Some(Err(error));
            }
            let collation = parser.parse_object_name(false);
            return Some(collation.map(|collation| Expr::Collate {
                expr: Box::new(expr.clone()),
                collation,
            }));
        }
        let negated = parser.parse_keywords(&[Keyword::NOT, Keyword::BETWEEN]);
        let between = negated || parser.parse_keyword(Keyword::BETWEEN);
        if !between {
            return None;
        }
        let symmetric = match &parser.peek_token_ref().token {
            Token::Word(word) if word.quote_style.is_none() => match word.value.to_ascii_uppercase().as_str()
            {
                "SYMMETRIC" => Some(true),
                "ASYMMETRIC" => Some(false),
                _ => None,
            },
            _ => None,
        };
        let Some(symmetric) = symmetric else {
            parser.prev_token();
            if negated {
                parser.prev_token();
            }
            return None;
        };
        parser.advance_token();
        Some(self.between(parser, expr, negated, symmetric))
    }

    as_postgresql! {
        identifier_quote_style(identifier: &str) -> Option<char>;
        is_delimited_identifier_start(ch: char) -> bool;
        is_identifier_start(ch: char) -> bool;
        is_identifier_part(ch: char) -> bool;
        supports_unicode_string_literal() -> bool;
        is_reserved_for_identifier(keyword: Keyword) -> bool;
        is_custom_operator_part(ch: char) -> bool;
        get_next_precedence(parser: &Parser) -> Option<Result<u8, ParserError>>;
        supports_filter_during_aggregation() -> bool;
        supports_group_by_expr() -> bool;
        prec_value(precedence: Precedence) -> u8;
        allow_extract_custom() -> bool;
        allow_extract_single_quotes() -> bool;
        supports_create_index_with_clause() -> bool;
        supports_explain_with_utility_options() -> bool;
        supports_listen_notify() -> bool;
        supports_factorial_operator() -> bool;
        supports_bitwise_shift_operators() -> bool;
        supports_comment_on() -> bool;
        supports_load_extension() -> bool;
        supports_named_fn_args_with_colon_operator() -> bool;
        supports_empty_projections() -> bool;
        supports_nested_comments() -> bool;
        supports_string_escape_constant() -> bool;
        supports_numeric_literal_underscores() -> bool;
        supports_array_typedef_with_brackets() -> bool;
        supports_geometric_types() -> bool;
        supports_set_names() -> bool;
        supports_alter_column_type_using() -> bool;
        supports_notnull_operator() -> bool;
        supports_interval_options() -> bool;
        supports_insert_table_alias() -> bool;
        supports_create_table_like_parenthesized() -> bool;
        supports_select_wildcard_with_alias() -> bool;
        supports_comma_separated_trim() -> bool;
        supports_xml_expressions() -> bool;
        supports_comment_optimizer_hint() -> bool;
    }
}

/// Expressions in what is copied while parsing: nested, copies would grow without end.
const COPIED: usize = 1024;

fn small(expr: &Expr) -> Result<(), ParserError> {
    struct Count(usize);
    impl Visitor for Count {
        type Break = ();
        fn pre_visit_expr(&mut self, _: &Expr) -> ControlFlow<()> {
            self.0 += 1;
            match self.0 > COPIED {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        }
    }
    match Visit::visit(expr, &mut Count(0)) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(ParserError::ParserError(
            "an operand of COLLATE or BETWEEN SYMMETRIC is too large".to_owned(),
        )),
    }
}

impl PostgreSql {
    /// What follows `BETWEEN [A]SYMMETRIC`. With bounds in either order it is, as in PostgreSQL, BETWEEN of the one order or of the other.
    fn between(
        &self,
        parser: &mut Parser,
        expr: &Expr,
        negated: bool,
        symmetric: bool,
    ) -> Result<Expr, ParserError> {
        let precedence = self.prec_value(Precedence::Between);
        let low = parser.parse_subexpr(precedence)?;
        parser.expect_keyword(Keyword::AND)?;
        let high = parser.parse_subexpr(precedence)?;
        [expr, &low, &high].into_iter().try_for_each(small)?;
        let between = |low: &Expr, high: &Expr| Expr::Between {
            expr: Box::new(expr.clone()),
            negated: false,
            low: Box::new(low.clone()),
            high: Box::new(high.clone()),
        };
        let found = match symmetric {
            true => Expr::BinaryOp {
                left: Box::new(between(&low, &high)),
                op: BinaryOperator::Or,
                right: Box::new(between(&high, &low)),
            },
            false => between(&low, &high),
        };
        let found = Expr::Nested(Box::new(found));
        Ok(match negated {
            true => Expr::Nested(Box::new(Expr::UnaryOp {
                op: UnaryOperator::Not,
                expr: Box::new(found),
            })),
            false => found,
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::parse;

    fn read(expression: &str) -> String {
        parse(&format!("SELECT {expression}")).unwrap()[0]
            .ast()
            .to_string()
    }

    #[test]
    fn bounds_in_either_order() {
        assert_eq!(
            read("a BETWEEN SYMMETRIC 2 AND 1 + 1 AND b"),
            "SELECT (a BETWEEN 2 AND 1 + 1 OR a BETWEEN 1 + 1 AND 2) AND b"
        );
        assert_eq!(
            read("a + 1 NOT BETWEEN symmetric 2 AND 1"),
            "SELECT (NOT (a + 1 BETWEEN 2 AND 1 OR a + 1 BETWEEN 1 AND 2))"
        );
        assert_eq!(read("a BETWEEN ASYMMETRIC 2 AND 1"), "SELECT (a BETWEEN 2 AND 1)");
        assert_eq!(read("a NOT BETWEEN 2 AND 1"), "SELECT a NOT BETWEEN 2 AND 1");
        assert_eq!(read("a NOT LIKE b"), "SELECT a NOT LIKE b");
    }

    #[test]
    fn copies_do_not_grow_without_end() {
        let nested = |open: &str, close: &str| format!("SELECT {}1{}", open.repeat(40), close.repeat(40));
        assert!(parse(&nested("1 BETWEEN SYMMETRIC (", ") AND 2")).is_err());
        assert!(parse(&nested("1 BETWEEN SYMMETRIC 2 AND (", ")")).is_err());
        assert!(parse(&nested("(", ") BETWEEN SYMMETRIC 2 AND 3")).is_err());
    }

    #[test]
    fn a_cast_is_collated() {
        assert_eq!(
            read(r#"a::text COLLATE "C" < b COLLATE pg_catalog."C"::varchar"#),
            r#"SELECT a::TEXT COLLATE "C" < b COLLATE pg_catalog."C"::VARCHAR"#
        );
        assert_eq!(
            read(r#"(a || b) COLLATE "C" || 'x'::text COLLATE "C" || c"#),
            r#"SELECT (a || b) COLLATE "C" || 'x'::TEXT COLLATE "C" || c"#
        );
    }

    /// Read twice per level, any of these would take until the end of days: the test would not end.
    #[test]
    fn nesting_is_read_once() {
        let nests = [
            ("f(", "1", ")"),
            ("f(a => ", "1", ")"),
            ("f(1, ", "1", ")"),
            ("count(DISTINCT ", "1", ")"),
            ("sum(", "1", ") OVER ()"),
            ("ARRAY[", "1", "]"),
            ("ARRAY(SELECT ", "1", ")"),
            ("ROW(", "1", ")"),
            ("(", "1", ")"),
            ("(1, ", "1", ")"),
            ("(SELECT ", "1", ")"),
            ("(VALUES (", "1", "))"),
            ("CAST(", "1", " AS int)"),
            ("CASE WHEN ", "true", " THEN true END"),
            ("CASE ", "1", " WHEN 1 THEN 1 END"),
            ("EXISTS (SELECT ", "1", ")"),
            ("NOT (", "true", ")"),
            ("1 IN (", "1", ")"),
            ("1 IN (SELECT ", "1", ")"),
            ("1 = ANY(", "x", ")"),
            ("extract(year FROM ", "x", ")"),
            ("position('a' IN ", "x", ")"),
            ("substring(", "x", " FROM 1 FOR 2)"),
            ("trim(BOTH 'a' FROM ", "x", ")"),
            ("overlay(", "x", " PLACING 'a' FROM 1)"),
            ("ceil(", "x", ")"),
            ("interval(", "x", ")"),
            ("coalesce(", "x", ", 1)"),
            ("x[", "1", "]"),
            ("{fn f(", "1", ")}"),
            ("date(", "x", ")"),
            ("left(", "x", ", 1)"),
            ("f(VARIADIC ", "x", ")"),
            ("(", "x", ").a"),
            ("f(x -> ", "x", ")"),
        ];
        for (open, inner, close) in nests {
            let text = format!("SELECT {}{inner}{}", open.repeat(40), close.repeat(40));
            let _ = parse(&text);
            let text = format!("SELECT * FROM t WHERE {}{inner}", open.repeat(40));
            assert!(parse(&text).is_err(), "unclosed {open}");
        }
        let froms = [
            ("(SELECT * FROM ", "t", ") a"),
            ("(", "t", ")"),
            ("(t JOIN ", "t", " USING (a))"),
            ("LATERAL (SELECT * FROM ", "t", ") a"),
            ("f(", "1", ")"),
            ("unnest(", "x", ")"),
        ];
        for (open, inner, close) in froms {
            let _ = parse(&format!(
                "SELECT * FROM {}{inner}{}",
                open.repeat(40),
                close.repeat(40)
            ));
            let text = format!("SELECT * FROM {}{inner}", open.repeat(40));
            assert!(parse(&text).is_err(), "unclosed {open}");
        }
    }
}
