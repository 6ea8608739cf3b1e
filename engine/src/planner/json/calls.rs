//! Calls that are said otherwise, on the syntax tree: aggregates are made of `array_agg`, functions that give rows of `unnest`, and
//! whole rows as arguments are marked for [`super::Operators`], which knows what columns there are.

use std::ops::ControlFlow;

use radlake_sql::ast::{
    BinaryOperator, CastKind, DataType, DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArgumentClause, FunctionArguments, Ident, JoinOperator, ObjectName, OrderByExpr, OrderByOptions,
    Select, SelectItem, SetExpr, TableAlias, TableFactor, TableWithJoins, Value, Visit, VisitMut, Visitor,
    VisitorMut,
};

use super::super::dialect::{call, null};
use super::lists::PLACES;
use crate::pg_catalog::select_one;
use crate::write::target::folded;
use crate::{Error, Result};

/// The operator that marks a name which may be a row's.
pub(super) const ROW_OR_COLUMN: &str = "\u{1}row";
/// The operator that marks a name which is a row's.
pub(super) const ROW: &str = "\u{1}row*";
/// The operator that marks a name which may be that of a relation of one value.
pub(super) const VALUE: &str = "\u{1}value";

/// Functions that take a row.
const OF_ROWS: &[&str] = &[
    "json_agg",
    "json_build_array",
    "json_build_object",
    "json_object_agg",
    "jsonb_agg",
    "jsonb_build_array",
    "jsonb_build_object",
    "jsonb_object_agg",
    "row_to_json",
    "to_json",
    "to_jsonb",
];

/// A function that gives rows: its columns, and how the values are read, as nothing, json or jsonb.
struct Rows {
    name: &'static str,
    columns: &'static [(&'static str, &'static str, Option<&'static str>)],
}

/// A column without a name is named like the function or its alias.
const ROWS: &[Rows] = &[
    Rows {
        name: "json_array_elements",
        columns: &[("value", "json_array_elements_list", Some("json_in"))],
    },
    Rows {
        name: "jsonb_array_elements",
        columns: &[("value", "jsonb_array_elements_list", Some("jsonb_in"))],
    },
    Rows {
        name: "json_array_elements_text",
        columns: &[("value", "json_array_elements_text_list", None)],
    },
    Rows {
        name: "jsonb_array_elements_text",
        columns: &[("value", "jsonb_array_elements_text_list", None)],
    },
    Rows {
        name: "json_object_keys",
        columns: &[("", "json_object_keys_list", None)],
    },
    Rows {
        name: "jsonb_object_keys",
        columns: &[("", "jsonb_object_keys_list", None)],
    },
    Rows {
        name: "json_each",
        columns: &[
            ("key", "json_object_keys_list", None),
            ("value", "json_each_list", Some("json_in")),
        ],
    },
    Rows {
        name: "jsonb_each",
        columns: &[
            ("key", "jsonb_object_keys_list", None),
            ("value", "jsonb_each_list", Some("jsonb_in")),
        ],
    },
    Rows {
        name: "json_each_text",
        columns: &[
            ("key", "json_object_keys_list", None),
            ("value", "json_each_text_list", None),
        ],
    },
    Rows {
        name: "jsonb_each_text",
        columns: &[
            ("key", "jsonb_object_keys_list", None),
            ("value", "jsonb_each_text_list", None),
        ],
    },
    Rows {
        name: "jsonb_path_query",
        columns: &[("", "jsonb_path_query_list", Some("jsonb_in"))],
    },
];

fn name_of(name: &ObjectName) -> Option<String> {
    match name.0.as_slice() {
        [only] => only.as_ident().map(folded),
        _ => None,
    }
}

fn arguments(args: &[FunctionArg]) -> Option<Vec<Expr>> {
    args.iter()
        .map(|argument| match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(typed(expr.clone())),
            _ => None,
        })
        .collect()
}

/// Of a function's argument alone the planner would not know what a parameter is.
fn typed(expr: Expr) -> Expr {
    match &expr {
        Expr::Value(value) if matches!(value.value, Value::Placeholder(_)) => cast(expr, DataType::Text),
        _ => expr,
    }
}

fn cast(expr: Expr, data_type: DataType) -> Expr {
    Expr::Cast {
        kind: CastKind::DoubleColon,
        expr: Box::new(expr),
        data_type,
        array: false,
        format: None,
    }
}

fn marked(expr: Expr, mark: &str) -> Expr {
    Expr::BinaryOp {
        left: Box::new(expr),
        op: BinaryOperator::Custom(mark.to_owned()),
        right: Box::new(null()),
    }
}

/// Marks arguments that are rows, or may be.
pub(in crate::planner) fn whole_rows(function: &mut Function) {
    let named = name_of(&function.name).filter(|name| OF_ROWS.contains(&name.as_str()));
    let (Some(_), FunctionArguments::List(list)) = (named, &mut function.args) else {
        return;
    };
    for argument in &mut list.args {
        match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr @ Expr::Identifier(_))) => {
                let name = std::mem::replace(expr, null());
                *expr = marked(name, ROW_OR_COLUMN);
            }
            FunctionArg::Unnamed(FunctionArgExpr::QualifiedWildcard(name)) => {
                if let Some(name) = name_of(name) {
                    let text = Expr::Value(Value::SingleQuotedString(name).into());
                    *argument = FunctionArg::Unnamed(FunctionArgExpr::Expr(marked(text, ROW)));
                }
            }
            _ => {}
        }
    }
}

/// Rewrites a call of an aggregate, or of a function that takes arrays of texts.
///
/// # Errors
/// [`Error::Unsupported`] for forms that there are not.
pub(in crate::planner) fn rewrite(expr: &mut Expr) -> Result<()> {
    let Expr::Function(function) = expr else {
        return Ok(());
    };
    let Some(name) = name_of(&function.name) else {
        return Ok(());
    };
    match name.as_str() {
        "json_agg" | "jsonb_agg" | "json_object_agg" | "jsonb_object_agg" => {
            if let Some(aggregate) = aggregate(&name, function)? {
                *expr = aggregate;
            }
        }
        "jsonb_set" | "jsonb_set_lax" | "jsonb_insert" | "jsonb_delete_path" => {
            if let FunctionArguments::List(list) = &mut function.args {
                for (place, argument) in list.args.iter_mut().enumerate() {
                    if let FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) = argument
                        && let Expr::Value(value) = &*expr
                    {
                        let text = typed(expr.clone());
                        match (place, &value.value) {
                            (1, Value::SingleQuotedString(_) | Value::Placeholder(_)) => {
                                *expr = call("array_in", vec![text]);
                            }
                            (0 | 2, Value::Placeholder(_)) => *expr = text,
                            _ => {}
                        }
                    }
                }
            }
        }
        "json_object" | "jsonb_object" => {
            if let FunctionArguments::List(list) = &mut function.args {
                for argument in &mut list.args {
                    if let FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) = argument
                        && let Expr::Value(value) = &*expr
                    {
                        if let Value::SingleQuotedString(text) = &value.value
                            && text.trim_start().trim_start_matches('{').len() + 1 < text.trim_start().len()
                        {
                            return Err(Error::unsupported(format!(
                                "{name} of an array of arrays; give keys and values as two arrays"
                            )));
                        }
                        let text = std::mem::replace(expr, null());
                        *expr = call("array_in", vec![cast(text, DataType::Text)]);
                    }
                }
            }
        }
        _ => {}
    }
    Ok(())
}

/// `json_agg(x ORDER BY y)` is `json_agg_items(array_agg(json_agg_item(x) ORDER BY y))`. Of distinct values those themselves are
/// gathered, and sorted as PostgreSQL sorts them.
fn aggregate(name: &str, function: &mut Function) -> Result<Option<Expr>> {
    let prefix = if name.starts_with("jsonb") {
        "jsonb"
    } else {
        "json"
    };
    let FunctionArguments::List(list) = &mut function.args else {
        return Ok(None);
    };
    let distinct = list.duplicate_treatment == Some(DuplicateTreatment::Distinct);
    let values: Option<Vec<Expr>> = list
        .args
        .iter()
        .map(|argument| match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
            _ => None,
        })
        .collect();
    let pairs = name.ends_with("object_agg");
    let (inner, outer) = match (values, pairs, distinct) {
        (Some(values), false, true) if values.len() == 1 => {
            let ordered = list
                .clauses
                .iter()
                .any(|clause| matches!(clause, FunctionArgumentClause::OrderBy(_)));
            let value = values.into_iter().next().unwrap_or_else(null);
            if !ordered {
                list.clauses
                    .push(FunctionArgumentClause::OrderBy(vec![OrderByExpr {
                        expr: value.clone(),
                        options: OrderByOptions::default(),
                        with_fill: None,
                    }]));
            }
            (value, "agg_distinct")
        }
        (Some(values), false, false) if values.len() == 1 => {
            (call(&format!("{prefix}_agg_item"), values), "agg_items")
        }
        (Some(values), true, false) if values.len() == 2 => {
            (call(&format!("{prefix}_agg_pair"), values), "agg_pairs")
        }
        (Some(values), true, true) if values.len() == 2 => {
            return Err(Error::unsupported(format!(
                "DISTINCT in {name}; make the rows distinct in a sub-query"
            )));
        }
        _ => return Ok(None),
    };
    list.args = vec![FunctionArg::Unnamed(FunctionArgExpr::Expr(inner))];
    function.name = ObjectName::from(vec![Ident::new("array_agg")]);
    let gathered = Expr::Function(function.clone());
    Ok(Some(call(&format!("{prefix}_{outer}"), vec![gathered])))
}

/// A call in the output of a query that gives rows: as rows of a list.
///
/// # Errors
/// [`Error::Unsupported`] for functions whose rows have several columns.
pub(in crate::planner) fn in_output(function: &Function) -> Result<Option<Expr>> {
    let Some(name) = name_of(&function.name) else {
        return Ok(None);
    };
    let FunctionArguments::List(list) = &function.args else {
        return Ok(None);
    };
    if RECORDS.iter().any(|(record, ..)| *record == name) {
        return Err(Error::unsupported(format!(
            "{name} in the SELECT list; put it into FROM"
        )));
    }
    let (Some(rows), Some(given)) = (ROWS.iter().find(|rows| rows.name == name), arguments(&list.args))
    else {
        return Ok(None);
    };
    match rows.columns {
        [(_, function, read)] => {
            let rows = call("unnest", vec![call(function, given)]);
            Ok(Some(match read {
                Some(read) => call(read, vec![rows]),
                None => rows,
            }))
        }
        _ => Err(Error::unsupported(format!(
            "{name} in the SELECT list; put it into FROM"
        ))),
    }
}

/// Whether a function gives rows.
pub(in crate::planner) fn gives_rows(function: &Function) -> bool {
    name_of(&function.name).is_some_and(|name| ROWS.iter().any(|rows| rows.name == name))
}

/// Functions whose columns are defined by who calls them: whether they give a row for each element of an array.
const RECORDS: &[(&str, bool)] = &[
    ("json_to_record", false),
    ("jsonb_to_record", false),
    ("json_to_recordset", true),
    ("jsonb_to_recordset", true),
];

/// A function of JSON in FROM becomes a sub-query over lists.
///
/// # Errors
/// [`Error::Unsupported`] for columns that cannot be read, [`Error::Syntax`] for a record without columns.
pub(in crate::planner) fn in_from(factor: &mut TableFactor) -> Result<()> {
    let (name, args, alias, ordinality) = match factor {
        TableFactor::Table {
            name,
            args: Some(args),
            alias,
            with_ordinality,
            ..
        } => (name, args.args.as_slice(), alias, *with_ordinality),
        TableFactor::Function {
            name,
            args,
            alias,
            with_ordinality,
            ..
        } => (name, args.as_slice(), alias, *with_ordinality),
        _ => return Ok(()),
    };
    let Some(function) = name_of(name) else {
        return Ok(());
    };
    if function.ends_with("_populate_record") || function.ends_with("_populate_recordset") {
        return Err(Error::unsupported(format!(
            "{function}; use json[b]_to_record[set] with a list of columns"
        )));
    }
    let record = RECORDS.iter().find(|(record, _)| *record == function);
    let rows = ROWS.iter().find(|rows| rows.name == function);
    let Some(given) = arguments(args).filter(|_| record.is_some() || rows.is_some()) else {
        return Ok(());
    };
    let mut outputs: Vec<(Ident, Expr)> = Vec::new();
    let mut first = None;
    if let Some((_, set)) = record {
        let columns = alias
            .as_ref()
            .map(|alias| alias.columns.as_slice())
            .unwrap_or_default();
        let document = given.into_iter().next().unwrap_or_else(null);
        let document = match function.starts_with("jsonb") {
            true => call("jsonb_in", vec![document]),
            false => document,
        };
        for column in columns {
            let Some(data_type) = &column.data_type else {
                return Err(no_columns());
            };
            let key = folded(&column.name);
            let value = |list: &str, one: &str| {
                let key = Expr::Value(Value::SingleQuotedString(key.clone()).into());
                match set {
                    true => call("unnest", vec![call(list, vec![document.clone(), key])]),
                    false => call(one, vec![document.clone(), key]),
                }
            };
            let value = match data_type {
                DataType::JSON | DataType::JSONB => value("json_fields_list", "json_record_field"),
                DataType::Array(_) | DataType::Custom(..) => {
                    return Err(Error::unsupported(format!(
                        "a column of the type {data_type} in {function}; take it as jsonb"
                    )));
                }
                DataType::Varchar(Some(_))
                | DataType::CharacterVarying(Some(_))
                | DataType::Char(_)
                | DataType::Character(_) => {
                    return Err(Error::unsupported(format!(
                        "a column of the type {data_type} in {function}; take it as text"
                    )));
                }
                _ => value("json_fields_text_list", "json_record_field_text"),
            };
            first.get_or_insert_with(|| call("json_array_elements_list", vec![document.clone()]));
            outputs.push((column.name.clone(), cast(value, data_type.clone())));
        }
        if outputs.is_empty() {
            return Err(no_columns());
        }
    } else if let Some(rows) = rows {
        for (name, list, read) in rows.columns {
            let list = call(list, given.clone());
            first.get_or_insert_with(|| list.clone());
            let values = call("unnest", vec![list]);
            let column = match (name.is_empty(), alias.as_ref()) {
                (false, _) => Ident::new(*name),
                (true, Some(alias)) => alias.name.clone(),
                (true, None) => Ident::new(&function),
            };
            outputs.push((
                column,
                match read {
                    Some(read) => call(read, vec![values]),
                    None => values,
                },
            ));
        }
    }
    if let Some(list) = first.filter(|_| ordinality) {
        if record.is_some() {
            return Err(Error::unsupported(format!("WITH ORDINALITY of {function}")));
        }
        outputs.push((
            Ident::new("ordinality"),
            call("unnest", vec![call(PLACES, vec![list])]),
        ));
    }
    // Aliases of columns name the first of them.
    if record.is_none()
        && let Some(alias) = alias.as_ref()
    {
        if alias.columns.len() > outputs.len() {
            return Ok(());
        }
        for (output, column) in outputs.iter_mut().zip(&alias.columns) {
            output.0 = column.name.clone();
        }
    }
    let mut query = select_one(SelectItem::UnnamedExpr(null()));
    if let SetExpr::Select(select) = query.body.as_mut() {
        select.projection = outputs
            .into_iter()
            .map(|(alias, expr)| SelectItem::ExprWithAlias { expr, alias })
            .collect();
    }
    *factor = TableFactor::Derived {
        lateral: true,
        subquery: Box::new(query),
        alias: Some(TableAlias {
            explicit: true,
            name: alias
                .as_ref()
                .map_or_else(|| Ident::new(&function), |alias| alias.name.clone()),
            columns: Vec::new(),
            at: None,
        }),
        sample: None,
    };
    Ok(())
}

fn no_columns() -> Error {
    Error::Syntax {
        message: "a column definition list is required for functions returning \"record\"".to_owned(),
        position: None,
    }
}

/// Refuses whole rows of relations that an outer join may leave without any: PostgreSQL's row is NULL then, and ours of NULLs.
///
/// # Errors
/// [`Error::Unsupported`].
pub(in crate::planner) fn check(select: &Select) -> Result<()> {
    use JoinOperator as J;
    struct Marked<'a>(&'a [String]);
    impl Visitor for Marked<'_> {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            match expr {
                Expr::BinaryOp {
                    left,
                    op: BinaryOperator::Custom(mark),
                    ..
                } if mark.starts_with(ROW_OR_COLUMN) => {
                    let name = match left.as_ref() {
                        Expr::Identifier(name) => folded(name),
                        other => other.to_string().trim_matches('\'').to_owned(),
                    };
                    match self.0.contains(&name) {
                        true => ControlFlow::Break(()),
                        false => ControlFlow::Continue(()),
                    }
                }
                _ => ControlFlow::Continue(()),
            }
        }
    }
    let outer = |join: &JoinOperator| {
        matches!(
            join,
            J::Left(_) | J::LeftOuter(_) | J::Right(_) | J::RightOuter(_) | J::FullOuter(_)
        )
    };
    let mut names = Vec::new();
    for from in select
        .from
        .iter()
        .filter(|from| from.joins.iter().any(|join| outer(&join.join_operator)))
    {
        relations(from, &mut names);
    }
    if names.is_empty() {
        return Ok(());
    }
    let mut marked = Marked(&names);
    let found = Visit::visit(&select.projection, &mut marked).is_break()
        || Visit::visit(&select.having, &mut marked).is_break()
        || Visit::visit(&select.selection, &mut marked).is_break();
    match found {
        true => Err(Error::unsupported(
            "a whole row of a table of an outer join; make an object of its columns with json_build_object",
        )),
        false => Ok(()),
    }
}

fn relations(from: &TableWithJoins, names: &mut Vec<String>) {
    for factor in std::iter::once(&from.relation).chain(from.joins.iter().map(|join| &join.relation)) {
        match factor {
            TableFactor::Table {
                alias: Some(alias), ..
            }
            | TableFactor::Derived {
                alias: Some(alias), ..
            } => {
                names.push(folded(&alias.name));
            }
            TableFactor::Table { name, .. } => {
                names.extend(name.0.last().and_then(|part| part.as_ident()).map(folded));
            }
            TableFactor::NestedJoin { table_with_joins, .. } => relations(table_with_joins, names),
            _ => {}
        }
    }
}

/// Names of relations of one value stand for the value: `SELECT e ->> 'a' FROM jsonb_array_elements(…) e`.
pub(in crate::planner) fn values(select: &mut Select) {
    struct Names<'a>(&'a [String]);
    impl VisitorMut for Names<'_> {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
            if let Expr::BinaryOp {
                left,
                op: BinaryOperator::Custom(mark),
                ..
            } = expr
                && mark == ROW_OR_COLUMN
                && matches!(left.as_ref(), Expr::Identifier(name) if self.0.contains(&folded(name)))
            {
                VALUE.clone_into(mark);
            }
            ControlFlow::Continue(())
        }
        fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
            if matches!(expr, Expr::Identifier(name) if self.0.contains(&folded(name))) {
                let name = std::mem::replace(expr, null());
                *expr = marked(name, VALUE);
            }
            ControlFlow::Continue(())
        }
    }
    let mut scalars = Vec::new();
    select
        .from
        .iter()
        .for_each(|from| of_one_value(from, &mut scalars));
    if scalars.is_empty() {
        return;
    }
    for item in &mut select.projection {
        if let SelectItem::UnnamedExpr(Expr::Identifier(name)) = item
            && scalars.contains(&folded(name))
        {
            let (alias, expr) = (name.clone(), Expr::Identifier(name.clone()));
            *item = SelectItem::ExprWithAlias { expr, alias };
        }
    }
    let mut names = Names(&scalars);
    let _ = VisitMut::visit(&mut select.projection, &mut names);
    let _ = VisitMut::visit(&mut select.selection, &mut names);
    let _ = VisitMut::visit(&mut select.group_by, &mut names);
    let _ = VisitMut::visit(&mut select.having, &mut names);
}

/// The aliases of calls that became sub-queries of one column.
fn of_one_value(from: &TableWithJoins, names: &mut Vec<String>) {
    for factor in std::iter::once(&from.relation).chain(from.joins.iter().map(|join| &join.relation)) {
        let TableFactor::Derived {
            lateral: true,
            subquery,
            alias: Some(alias),
            ..
        } = factor
        else {
            continue;
        };
        let SetExpr::Select(inner) = subquery.body.as_ref() else {
            continue;
        };
        let lists = |expr: &Expr| match expr {
            Expr::Function(function) => function.to_string().contains("_list("),
            _ => false,
        };
        if let ([SelectItem::ExprWithAlias { expr, .. }], true) =
            (inner.projection.as_slice(), inner.from.is_empty())
            && lists(expr)
        {
            names.push(folded(&alias.name));
        }
    }
}
