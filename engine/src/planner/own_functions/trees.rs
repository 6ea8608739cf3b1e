//! What is asked of the trees of functions' queries, and trees that are made of them.

use std::ops::ControlFlow;

use radlake_catalogs::{Epoch, FunctionObject};
use radlake_sql::ast::{
    self, CastKind, DataType, Expr, Function, Ident, Query, Select, SelectItem, SetExpr, Statement,
    TableAlias, TableAliasColumnDef, TableFactor, Value, Visit, Visitor, VisitorMut,
};

use super::{MAX_DEPTH, named};
use crate::write::target::folded;
use crate::{Error, Result};

/// Whether an expression holds an aggregate, a window function, or one that gives rows.
pub(crate) fn gathers(expr: &Expr) -> bool {
    struct Aggregates;
    impl Visitor for Aggregates {
        type Break = ();

        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            const NAMES: &[&str] = &[
                "any_value",
                "array_agg",
                "avg",
                "bit_and",
                "bit_or",
                "bit_xor",
                "bool_and",
                "bool_or",
                "corr",
                "count",
                "every",
                "generate_series",
                "generate_subscripts",
                "json_agg",
                "json_object_agg",
                "jsonb_agg",
                "jsonb_object_agg",
                "max",
                "min",
                "mode",
                "regexp_matches",
                "regexp_split_to_table",
                "stddev",
                "string_agg",
                "string_to_table",
                "sum",
                "unnest",
                "variance",
                "grouping",
                "median",
            ];
            let Expr::Function(Function {
                name,
                over,
                within_group,
                ..
            }) = expr
            else {
                return ControlFlow::Continue(());
            };
            let last = name.0.last().and_then(|part| part.as_ident()).map(folded);
            let gathers = last.is_some_and(|last| {
                NAMES.contains(&last.as_str())
                    || [
                        "_pop",
                        "_samp",
                        "_array_elements",
                        "_array_elements_text",
                        "_each",
                        "_each_text",
                        "_object_keys",
                    ]
                    .iter()
                    .any(|end| last.ends_with(end))
                    || last.starts_with("percentile")
                    || last.starts_with("regr_")
                    || last.starts_with("approx_")
            });
            match gathers || over.is_some() || !within_group.is_empty() {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        }
    }
    expr.visit(&mut Aggregates).is_break()
}

pub(super) fn holds_query(expr: &Expr) -> bool {
    struct Any;
    impl Visitor for Any {
        type Break = ();

        fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
            ControlFlow::Break(())
        }
    }
    expr.visit(&mut Any).is_break()
}

/// The columns that an expression names, in parts.
pub(crate) fn columns(expr: &Expr) -> Vec<Vec<String>> {
    struct Columns(Vec<Vec<String>>);
    impl Visitor for Columns {
        type Break = ();

        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            match expr {
                Expr::Identifier(ident) => self.0.push(vec![folded(ident)]),
                Expr::CompoundIdentifier(parts) => self.0.push(parts.iter().map(folded).collect()),
                _ => {}
            }
            ControlFlow::Continue(())
        }
    }
    let mut found = Columns(Vec::new());
    let _ = expr.visit(&mut found);
    found.0
}

/// Names by which a query knows what it reads.
pub(super) fn relations(query: &Query) -> Vec<String> {
    struct Names(Vec<String>);
    impl Visitor for Names {
        type Break = ();

        fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
            let alias = match factor {
                TableFactor::Table { name, alias, .. } => {
                    self.0
                        .extend(name.0.last().and_then(|part| part.as_ident()).map(folded));
                    alias
                }
                TableFactor::Derived { alias, .. }
                | TableFactor::Function { alias, .. }
                | TableFactor::UNNEST { alias, .. }
                | TableFactor::NestedJoin { alias, .. } => alias,
                _ => &None,
            };
            self.0.extend(alias.as_ref().map(|alias| folded(&alias.name)));
            ControlFlow::Continue(())
        }
    }
    let mut names = Names(Vec::new());
    let _ = query.visit(&mut names);
    names.0
}

/// Whether a function reads anything, itself or by functions that it calls.
pub(crate) fn reads_anything(function: &FunctionObject, epoch: &Epoch, path: &[String]) -> bool {
    struct Any<'e> {
        epoch: &'e Epoch,
        path: &'e [String],
        depth: usize,
    }
    impl Any<'_> {
        fn function(&self, function: &FunctionObject) -> bool {
            let mut inner = Any {
                epoch: self.epoch,
                path: self.path,
                depth: self.depth + 1,
            };
            // What cannot be told is taken for one that reads.
            let query = parsed(&function.query);
            self.depth > MAX_DEPTH || query.is_ok_and(|query| query.visit(&mut inner).is_break())
        }
    }
    impl Visitor for Any<'_> {
        type Break = ();

        fn pre_visit_table_factor(&mut self, _: &TableFactor) -> ControlFlow<()> {
            ControlFlow::Break(())
        }

        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            let Expr::Function(call) = expr else {
                return ControlFlow::Continue(());
            };
            let called = named(self.epoch, self.path, &call.name);
            match called.is_some_and(|called| self.function(&called)) {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        }
    }
    Any {
        epoch,
        path,
        depth: 0,
    }
    .function(function)
}

/// Whether a query reads anything.
pub(crate) fn reads(query: &Query) -> bool {
    struct Any;
    impl Visitor for Any {
        type Break = ();

        fn pre_visit_table_factor(&mut self, _: &TableFactor) -> ControlFlow<()> {
            ControlFlow::Break(())
        }
    }
    query.visit(&mut Any).is_break()
}

pub(super) struct Places<'a> {
    pub(super) arguments: &'a [Expr],
    pub(super) used: Vec<usize>,
}

impl VisitorMut for Places<'_> {
    type Break = String;

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<String> {
        let Expr::Value(value) = &*expr else {
            return ControlFlow::Continue(());
        };
        let Value::Placeholder(place) = &value.value else {
            return ControlFlow::Continue(());
        };
        let number = place.trim_start_matches('$');
        let at = number
            .parse::<usize>()
            .ok()
            .and_then(|number| number.checked_sub(1));
        match at.and_then(|at| Some((self.used.get_mut(at)?, self.arguments.get(at)?))) {
            Some((used, argument)) => {
                *used += 1;
                *expr = argument.clone();
                ControlFlow::Continue(())
            }
            None => ControlFlow::Break(number.to_owned()),
        }
    }
}

/// The one value of a query that reads nothing.
pub(crate) fn bare(query: &Query) -> Option<&Expr> {
    let plain = query.with.is_none()
        && query.order_by.is_none()
        && query.limit_clause.is_none()
        && query.fetch.is_none()
        && query.locks.is_empty();
    let SetExpr::Select(select) = query.body.as_ref() else {
        return None;
    };
    let empty = matches!(&select.group_by, ast::GroupByExpr::Expressions(keys, modifiers) if keys.is_empty() && modifiers.is_empty());
    let simple = select.from.is_empty()
        && select.selection.is_none()
        && select.having.is_none()
        && select.distinct.is_none()
        && select.qualify.is_none()
        && empty;
    value_of(query).filter(|_| plain && simple)
}

/// The expression of a query of one column.
pub(super) fn value_of(query: &Query) -> Option<&Expr> {
    match query.body.as_ref() {
        SetExpr::Select(select) => match select.projection.as_slice() {
            [SelectItem::UnnamedExpr(value) | SelectItem::ExprWithAlias { expr: value, .. }] => Some(value),
            _ => None,
        },
        _ => None,
    }
}

/// The first row of a query: a function gives one value.
pub(super) fn first_row(mut query: Query) -> Result<Query> {
    if gives_one_row(&query) {
        return Ok(query);
    }
    if query.limit_clause.is_some() || query.fetch.is_some() {
        let all = SelectItem::Wildcard(ast::WildcardAdditionalOptions::default());
        query = select(all, Some(derived(query, "radlake.all", Vec::new())))?;
    }
    query.limit_clause = Some(ast::LimitClause::LimitOffset {
        limit: Some(Expr::Value(Value::Number("1".to_owned(), false).into())),
        offset: None,
        limit_by: Vec::new(),
    });
    Ok(query)
}

/// Whether a query is an aggregate of everything that it reads.
fn gives_one_row(query: &Query) -> bool {
    let SetExpr::Select(select) = query.body.as_ref() else {
        return false;
    };
    let empty = matches!(&select.group_by, ast::GroupByExpr::Expressions(keys, modifiers) if keys.is_empty() && modifiers.is_empty());
    let one = |item: &SelectItem| match item {
        SelectItem::UnnamedExpr(Expr::Function(call))
        | SelectItem::ExprWithAlias {
            expr: Expr::Function(call),
            ..
        } => {
            let name = call.name.to_string().to_lowercase();
            call.over.is_none()
                && ["count", "sum", "min", "max", "avg", "bool_and", "bool_or"].contains(&name.as_str())
        }
        _ => false,
    };
    empty && select.having.is_none() && select.projection.iter().all(one)
}

/// A query that is kept as text.
pub(crate) fn parsed(text: &str) -> Result<Query> {
    let mut statements = radlake_sql::parse(text)?;
    match (statements.pop(), statements.is_empty()) {
        (Some(statement), true) => match statement.ast() {
            Statement::Query(query) => Ok(query.as_ref().clone()),
            _ => Err(Error::internal("a function is no query")),
        },
        _ => Err(Error::internal("a function is not one query")),
    }
}

pub(super) fn cast(value: Expr, data_type: &str) -> Result<Expr> {
    let data_type: DataType = match crate::write::expression(&format!("CAST(NULL AS {data_type})"))? {
        Expr::Cast { data_type, .. } => data_type,
        _ => return Err(Error::internal("a type is kept as something else")),
    };
    Ok(Expr::Cast {
        kind: CastKind::Cast,
        expr: Box::new(value),
        data_type,
        array: false,
        format: None,
    })
}

/// `SELECT item [FROM from]`.
pub(super) fn select(item: SelectItem, from: Option<TableFactor>) -> Result<Query> {
    let mut query = parsed("SELECT 1")?;
    if let SetExpr::Select(select) = query.body.as_mut() {
        let select: &mut Select = select.as_mut();
        select.projection = vec![item];
        select.from.extend(from.map(|relation| ast::TableWithJoins {
            relation,
            joins: Vec::new(),
        }));
    }
    Ok(query)
}

pub(super) fn derived(query: Query, name: &str, columns: Vec<Ident>) -> TableFactor {
    TableFactor::Derived {
        lateral: false,
        subquery: Box::new(query),
        alias: Some(TableAlias {
            explicit: true,
            name: Ident::with_quote('"', name),
            columns: columns
                .into_iter()
                .map(|name| TableAliasColumnDef {
                    name,
                    data_type: None,
                })
                .collect(),
            at: None,
        }),
        sample: None,
    }
}

/// No rows for NULL.
pub(super) fn filtered(query: Query, argument: &Expr) -> Result<Query> {
    let mut outer = select(
        SelectItem::Wildcard(ast::WildcardAdditionalOptions::default()),
        Some(derived(query, "radlake.all", Vec::new())),
    )?;
    if let SetExpr::Select(select) = outer.body.as_mut() {
        select.selection = Some(Expr::IsNotNull(Box::new(argument.clone())));
    }
    Ok(outer)
}
