//! Names of output columns: PostgreSQL's rule (`FigureColname`), and several columns of one name, which it allows.

use datafusion::sql::sqlparser::ast::{
    AccessExpr, DataType, Expr, FunctionArguments, GroupByExpr, Ident, OrderByKind, Query, Select,
    SelectItem, SetExpr, Statement, TrimWhereField, Value, Visit, VisitMut, Visitor, VisitorMut,
};
use std::collections::HashSet;
use std::ops::ControlFlow;

use super::ast::{bare, custom_type, folded, last};
use super::{functions, system_columns};

/// Separates a name from the number that makes it unique. No client can type it into an identifier by accident.
const MARK: char = '\u{1}';

/// Separates a name from the PostgreSQL type that a cast gave the column and that no Arrow type tells (`'{}'::json`).
const TYPE_MARK: char = '\u{2}';

/// The name a client sees for a column of a planned statement.
#[must_use]
pub fn output_name(name: &str) -> &str {
    name.split_once([MARK, TYPE_MARK]).map_or(name, |(name, _)| name)
}

/// A name that the client sees as another's.
pub(crate) fn numbered_name(name: &str, number: usize) -> String {
    format!("{name}{MARK}{number}")
}

/// The type (`pg_type.typname`) that a column of a planned statement was cast to, where no Arrow type tells it.
#[must_use]
pub fn output_type(name: &str) -> Option<&str> {
    name.split_once(TYPE_MARK).map(|(_, typname)| typname)
}

/// Gives every computed output column PostgreSQL's name.
/// With `typed`, a statement's own output also carries the type of its casts ([`output_type`]).
pub(super) fn name_columns(statement: &mut Statement, typed: bool) {
    let _ = VisitMut::visit(
        statement,
        &mut Namer {
            typed,
            ..Namer::default()
        },
    );
}

#[derive(Default)]
struct Namer {
    typed: bool,
    depth: usize,
    /// Names by which the statement's own query groups or sorts.
    referenced: HashSet<String>,
    /// Columns by which the statement's own query is sorted under a qualifier (`ORDER BY t.a`).
    sorted_by: HashSet<String>,
}

/// `SELECT DISTINCT upper(a) … ORDER BY upper(a)`: once the output has a name, the planner no longer sees that the key is it, so
/// the key becomes the output's position.
fn order_by_position(query: &mut Query) {
    let SetExpr::Select(select) = query.body.as_ref() else {
        return;
    };
    let outputs: Option<Vec<&Expr>> = select
        .projection
        .iter()
        .map(|item| match item {
            SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => Some(expr),
            _ => None,
        })
        .collect();
    let (Some(outputs), Some(order_by)) = (outputs, query.order_by.as_mut()) else {
        return;
    };
    let OrderByKind::Expressions(keys) = &mut order_by.kind else {
        return;
    };
    for key in keys
        .iter_mut()
        .filter(|key| !is_column(&key.expr) && !matches!(key.expr, Expr::Value(_)))
    {
        if let Some(position) = outputs.iter().position(|output| **output == key.expr) {
            key.expr = Expr::Value(Value::Number((position + 1).to_string(), false).with_empty_span());
        }
    }
}

impl VisitorMut for Namer {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        order_by_position(query);
        self.depth += 1;
        if self.depth == 1 {
            self.sorted_by = qualified_keys(query);
            self.referenced = referenced(query);
        }
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        let wildcard = select
            .projection
            .iter()
            .any(|i| matches!(i, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..)));
        let grouped = !matches!(&select.group_by, GroupByExpr::Expressions(e, _) if e.is_empty());
        let mut taken: HashSet<String> = HashSet::new();
        let mut number = 0_usize;
        for item in &mut select.projection {
            let (name, plain, cast) = match item {
                SelectItem::UnnamedExpr(expr) => {
                    let plain = is_column(expr) && !system_columns::is_one(expr);
                    (figure(expr), plain, cast_type(expr))
                }
                SelectItem::ExprWithAlias { expr, alias } => (folded(alias), false, cast_type(expr)),
                _ => continue,
            };
            let again = !taken.insert(name.clone());
            // Beside a wildcard, any plain column may be one of its columns again.
            // An output that bears the name of another column of the sort would be taken for it.
            let shadows = self.depth == 1 && !plain && self.sorted_by.contains(&name);
            let unique = if again || (wildcard && plain) || shadows {
                number += 1;
                format!("{name}{MARK}{number}")
            } else if plain {
                continue;
            } else {
                name
            };
            let output = output_name(&unique);
            let typed = self.typed && self.depth == 1 && !grouped && !self.referenced.contains(output);
            let unique = match cast.filter(|_| typed) {
                Some(typname) => format!("{unique}{TYPE_MARK}{typname}"),
                None => unique,
            };
            let alias = Ident::with_quote('"', unique);
            match item {
                SelectItem::UnnamedExpr(expr) => {
                    let expr = std::mem::replace(expr, super::ast::null());
                    *item = SelectItem::ExprWithAlias { expr, alias };
                }
                SelectItem::ExprWithAlias { alias: old, .. } => *old = alias,
                _ => {}
            }
        }
        ControlFlow::Continue(())
    }
}

/// The type of a cast whose values another type's array holds.
fn cast_type(expr: &Expr) -> Option<String> {
    const TOLD_BY_NAME: [&str; 9] = [
        "bpchar", "char", "inet", "json", "jsonb", "name", "uuid", "varchar", "xid",
    ];
    let Expr::Cast { data_type, .. } = bare(expr) else {
        return None;
    };
    type_name(data_type)
        .filter(|t| TOLD_BY_NAME.contains(&t.as_str()))
        .filter(|_| !matches!(data_type, DataType::Array(_)))
}

/// The names without a qualifier in a query's sort.
fn referenced(query: &Query) -> HashSet<String> {
    let Some(OrderByKind::Expressions(keys)) = query.order_by.as_ref().map(|o| &o.kind) else {
        return HashSet::new();
    };
    struct Names(HashSet<String>);
    impl Visitor for Names {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            if let Expr::Identifier(ident) = expr {
                self.0.insert(folded(ident));
            }
            ControlFlow::Continue(())
        }
    }
    let mut names = Names(HashSet::new());
    let _ = Visit::visit(keys, &mut names);
    names.0
}

/// The columns that a query's sort names with a qualifier, unless it also names them without one.
fn qualified_keys(query: &Query) -> HashSet<String> {
    let Some(OrderByKind::Expressions(keys)) = query.order_by.as_ref().map(|o| &o.kind) else {
        return HashSet::new();
    };
    let mut qualified = HashSet::new();
    let mut bare = HashSet::new();
    for key in keys {
        match &key.expr {
            Expr::Identifier(ident) => bare.insert(folded(ident)),
            Expr::CompoundIdentifier(idents) => {
                idents.last().is_some_and(|ident| qualified.insert(folded(ident)))
            }
            _ => false,
        };
    }
    qualified.difference(&bare).cloned().collect()
}

fn is_column(expr: &Expr) -> bool {
    match expr {
        Expr::Identifier(ident) => !functions::is_register(ident),
        Expr::CompoundIdentifier(_) => true,
        _ => false,
    }
}

/// The name PostgreSQL gives an expression without an alias.
pub(super) fn figure(expr: &Expr) -> String {
    figure_strong(expr).map_or_else(|| "?column?".to_owned(), |(name, _)| name)
}

/// The name and whether it is a good one: a type's name or `case` yields to a better one from inside.
fn figure_strong(expr: &Expr) -> Option<(String, bool)> {
    let strong = |name: &str| Some((name.to_owned(), true));
    match expr {
        Expr::Identifier(ident) => Some((folded(ident), true)),
        Expr::CompoundIdentifier(idents) => idents.last().map(|i| (folded(i), true)),
        Expr::CompoundFieldAccess { root, access_chain } => {
            let field = access_chain.iter().rev().find_map(|access| match access {
                AccessExpr::Dot(Expr::Identifier(ident)) => Some((folded(ident), true)),
                _ => None,
            });
            field.or_else(|| figure_strong(root))
        }
        Expr::Nested(inner) | Expr::Collate { expr: inner, .. } => figure_strong(inner),
        Expr::Function(function) => {
            if matches!(function.args, FunctionArguments::Subquery(_)) {
                return strong("array");
            }
            last(&function.name).map(|name| (name, true))
        }
        Expr::Cast {
            expr: inner,
            data_type,
            ..
        } => figure_strong(inner)
            .filter(|(_, strong)| *strong)
            .or_else(|| Some((type_name(data_type)?, false))),
        Expr::Case { else_result, .. } => {
            let inner = else_result
                .as_deref()
                .and_then(figure_strong)
                .filter(|(_, strong)| *strong);
            inner.or_else(|| Some(("case".to_owned(), false)))
        }
        Expr::Subquery(query) => match query.body.as_ref() {
            SetExpr::Select(select) => match select.projection.first()? {
                SelectItem::UnnamedExpr(inner) => figure_strong(inner),
                SelectItem::ExprWithAlias { alias, .. } => Some((folded(alias), true)),
                _ => None,
            },
            _ => None,
        },
        Expr::Exists { negated: false, .. } => strong("exists"),
        Expr::Array(_) => strong("array"),
        Expr::Tuple(_) => strong("row"),
        Expr::Extract { .. } => strong("extract"),
        Expr::Substring { .. } => strong("substring"),
        Expr::Position { .. } => strong("position"),
        Expr::Overlay { .. } => strong("overlay"),
        Expr::Ceil { .. } => strong("ceil"),
        Expr::Floor { .. } => strong("floor"),
        Expr::Trim { trim_where, .. } => strong(match trim_where {
            Some(TrimWhereField::Leading) => "ltrim",
            Some(TrimWhereField::Trailing) => "rtrim",
            _ => "btrim",
        }),
        Expr::AtTimeZone { .. } => strong("timezone"),
        Expr::Interval(_) => Some(("interval".to_owned(), false)),
        Expr::TypedString(typed) => Some((type_name(&typed.data_type)?, false)),
        _ => None,
    }
}

/// `pg_type.typname` of a type as SQL writes it; arrays have their element's.
fn type_name(data_type: &DataType) -> Option<String> {
    use datafusion::sql::sqlparser::ast::ArrayElemTypeDef;
    if let DataType::Array(
        ArrayElemTypeDef::SquareBracket(element, _) | ArrayElemTypeDef::AngleBracket(element),
    ) = data_type
    {
        return type_name(element);
    }
    if let Some(custom) = custom_type(data_type) {
        return Some(custom);
    }
    let text = data_type.to_string().to_lowercase();
    let bare = text.split('(').next().unwrap_or(&text).trim();
    Some(
        match bare {
            "boolean" => "bool",
            "smallint" => "int2",
            "int" | "integer" => "int4",
            "bigint" => "int8",
            "real" => "float4",
            "float" | "double" | "double precision" => "float8",
            "decimal" | "dec" => "numeric",
            "character varying" => "varchar",
            "char" | "character" => "bpchar",
            "timestamp with time zone" => "timestamptz",
            "timestamp without time zone" => "timestamp",
            "time without time zone" => "time",
            other => other,
        }
        .to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
    use datafusion::sql::sqlparser::parser::Parser;

    /// Expected names are what PostgreSQL 15 prints.
    #[test]
    fn names_are_postgresqls() {
        let cases = [
            ("1", "?column?"),
            ("a + 1", "?column?"),
            ("t.a", "a"),
            ("count(*)", "count"),
            ("a::text", "a"),
            ("'x'::text", "text"),
            ("1::int", "int4"),
            ("CAST(1 AS double precision)", "float8"),
            ("CASE WHEN a THEN 1 END", "case"),
            ("CASE WHEN a THEN 1 ELSE b END", "b"),
            ("(SELECT max(x) FROM t)", "max"),
            ("EXISTS (SELECT 1)", "exists"),
            ("ARRAY[1]", "array"),
            ("ARRAY(SELECT 1)", "array"),
            ("true", "?column?"),
            ("NULL", "?column?"),
            ("extract(year from a)", "extract"),
            ("pg_catalog.format_type(a, b)", "format_type"),
            ("a[1]", "a"),
            ("'2020-01-01'::date", "date"),
            ("coalesce(a, b)", "coalesce"),
        ];
        for (sql, name) in cases {
            let expr = Parser::new(&PostgreSqlDialect {})
                .try_with_sql(sql)
                .and_then(|mut p| p.parse_expr())
                .expect(sql);
            assert_eq!(figure(&expr), name, "{sql}");
        }
    }
}
