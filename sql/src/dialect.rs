//! PostgreSQL's dialect as the parser has it, but for one option that makes parsing exponential.

use std::any::{Any, TypeId};

use sqlparser::dialect::{Dialect, PostgreSqlDialect, Precedence};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};

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

#[cfg(test)]
mod tests {
    use crate::parse;

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
