//! Functions that give rows, on the syntax tree: of lists that are unnested, in FROM and in what a query puts out.

use std::ops::ControlFlow;

use radlake_sql::ast::{
    BinaryOperator, DataType, Expr, Function, FunctionArguments, Ident, Select, SelectItem, SetExpr,
    TableAlias, TableFactor, TableWithJoins, Value, VisitMut, VisitorMut,
};

use super::super::dialect::{call, null};
use super::calls::{ROW_OR_COLUMN, VALUE, arguments, cast, marked, name_of};
use super::lists::PLACES;
use crate::pg_catalog::select_one;
use crate::write::target::folded;
use crate::{Error, Result};

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
        name: "aclexplode",
        columns: &[
            ("grantor", "acl_grantors", None),
            ("grantee", "acl_grantees", None),
            ("privilege_type", "acl_privileges", None),
            ("is_grantable", "acl_options", Some("acl_option")),
        ],
    },
    Rows {
        name: "jsonb_path_query",
        columns: &[("", "jsonb_path_query_list", Some("jsonb_in"))],
    },
];

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
    if let ("aclexplode", Some(given)) = (name.as_str(), arguments(&list.args)) {
        return Ok(Some(call("unnest", vec![call("acl_rows", acl_lines(given))])));
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
    if let TableFactor::UNNEST {
        with_ordinality: true,
        array_exprs,
        alias,
        ..
    } = factor
    {
        if let Some(numbered) = unnested(array_exprs, alias.as_ref())? {
            *factor = numbered;
        }
        return Ok(());
    }
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
    if ordinality && function == "unnest" {
        let arrays = arguments(args).unwrap_or_default();
        if let Some(numbered) = unnested(&arrays, alias.as_ref())? {
            *factor = numbered;
        }
        return Ok(());
    }
    if ordinality && record.is_none() && rows.is_none() {
        return Err(Error::unsupported(format!(
            "WITH ORDINALITY of {function}; number its rows with row_number() OVER (ORDER BY …)"
        )));
    }
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
        let given = match function.as_str() {
            "aclexplode" => acl_lines(given),
            _ => given,
        };
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
        outputs.push(numbered(list));
    }
    // Aliases of a record's columns are what defines them.
    let names = alias.as_ref().map(|alias| TableAlias {
        columns: match record {
            Some(_) => Vec::new(),
            None => alias.columns.clone(),
        },
        ..alias.clone()
    });
    if let Some(derived) = derived(outputs, names.as_ref(), Ident::new(&function)) {
        *factor = derived;
    }
    Ok(())
}

/// Functions of the catalog read no lists: the entries of an access list, line by line.
fn acl_lines(given: Vec<Expr>) -> Vec<Expr> {
    let mark = || Expr::Value(Value::SingleQuotedString("\n".to_owned()).into());
    let lines = |list| call("array_to_string", vec![list, mark()]);
    given.into_iter().map(lines).collect()
}

/// `unnest(array) WITH ORDINALITY`.
fn unnested(arrays: &[Expr], alias: Option<&TableAlias>) -> Result<Option<TableFactor>> {
    let [array] = arrays else {
        return Err(Error::unsupported("WITH ORDINALITY of several arrays"));
    };
    let name = Ident::new("unnest");
    let named = alias.map_or_else(|| name.clone(), |alias| alias.name.clone());
    let elements = call("unnest", vec![array.clone()]);
    let outputs = vec![(named, elements), numbered(array.clone())];
    Ok(derived(outputs, alias, name))
}

/// The column that numbers the elements of a list.
fn numbered(list: Expr) -> (Ident, Expr) {
    (
        Ident::new("ordinality"),
        call("unnest", vec![call(PLACES, vec![list])]),
    )
}

/// The sub-query of such columns, the first of which an alias may name; `None` if it names more than there are.
fn derived(mut outputs: Vec<(Ident, Expr)>, alias: Option<&TableAlias>, name: Ident) -> Option<TableFactor> {
    if let Some(alias) = alias {
        if alias.columns.len() > outputs.len() {
            return None;
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
    Some(TableFactor::Derived {
        lateral: true,
        subquery: Box::new(query),
        alias: Some(TableAlias {
            explicit: true,
            name: alias.map_or(name, |alias| alias.name.clone()),
            columns: Vec::new(),
            at: None,
        }),
        sample: None,
    })
}

fn no_columns() -> Error {
    Error::Syntax {
        message: "a column definition list is required for functions returning \"record\"".to_owned(),
        position: None,
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
