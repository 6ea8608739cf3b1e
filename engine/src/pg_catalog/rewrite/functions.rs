//! Function calls: schema qualifiers, the special registers without parentheses, array literals, and functions in FROM.

use datafusion::sql::sqlparser::ast::{
    Array, ArrayElemTypeDef, CastKind, DataType, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArguments, Ident, JoinOperator, ObjectName, Select, SelectItem, SetExpr, TableAlias,
    TableAliasColumnDef, TableFactor, TableWithJoins, TimezoneInfo, Value, ValueWithSpan,
};
use std::collections::HashSet;
use std::sync::LazyLock;

use super::ast::{bare, call, folded, null, select_one};
use crate::pg_catalog::functions::{self, array_or_empty::ARRAY_OR_EMPTY};

/// Schemas whose functions are called by their bare name.
const SCHEMAS: [&str; 3] = ["pg_catalog", "information_schema", "public"];

/// Names of the functions that are shown in `public`.
static RADLAKES: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let functions = radlake_udfs::all();
    functions
        .iter()
        .map(|function| function.name().to_owned())
        .collect()
});

/// Words that PostgreSQL reads as a call although the parser sees a column.
const REGISTERS: [&str; 3] = ["current_schema", "current_role", "session_user"];

pub(super) fn rewrite(expr: &mut Expr) {
    match expr {
        Expr::Function(function) => {
            strip_schema(&mut function.name);
            if let Some(cast) = cast_by_name(function) {
                *expr = cast;
            }
        }
        Expr::Identifier(ident) if is_register(ident) => {
            *expr = call(&folded(ident), Vec::new());
        }
        Expr::AnyOp { right, .. } | Expr::AllOp { right, .. } => {
            if let Some(text) = string(right) {
                let elements = array_literal(text).unwrap_or_default();
                **right = array(elements);
            }
        }
        Expr::Cast {
            expr: inner,
            data_type,
            ..
        } => {
            if let (DataType::Array(ArrayElemTypeDef::SquareBracket(..)), Some(elements)) =
                (&*data_type, string(inner).and_then(array_literal))
            {
                **inner = array(elements);
            }
        }
        _ => {}
    }
}

/// Whether an identifier is one of PostgreSQL's words for a call.
pub(super) fn is_register(ident: &Ident) -> bool {
    ident.quote_style.is_none() && REGISTERS.contains(&folded(ident).as_str())
}

/// `date(x)`: a type's name as a function casts to it.
fn cast_by_name(function: &Function) -> Option<Expr> {
    let [name] = function.name.0.as_slice() else {
        return None;
    };
    let data_type = match folded(name.as_ident()?).as_str() {
        "bool" => DataType::Boolean,
        "bpchar" | "text" | "varchar" => DataType::Text,
        "date" => DataType::Date,
        "float4" => DataType::Real,
        "float8" => DataType::DoublePrecision,
        "int2" => DataType::SmallInt(None),
        "int4" => DataType::Integer(None),
        "int8" => DataType::BigInt(None),
        "timestamptz" => DataType::Timestamp(None, TimezoneInfo::WithTimeZone),
        _ => return None,
    };
    let plain = function.over.is_none() && function.filter.is_none() && function.within_group.is_empty();
    let FunctionArguments::List(list) = &function.args else {
        return None;
    };
    match list.args.as_slice() {
        [FunctionArg::Unnamed(FunctionArgExpr::Expr(value))] if plain => Some(Expr::Cast {
            kind: CastKind::Cast,
            expr: Box::new(value.clone()),
            data_type,
            array: false,
            format: None,
        }),
        _ => None,
    }
}

fn strip_schema(name: &mut ObjectName) {
    let schema = name.0.first().and_then(|part| part.as_ident()).map(folded);
    let Some(schema) = schema.filter(|s| name.0.len() == 2 && SCHEMAS.contains(&s.as_str())) else {
        return;
    };
    // In `public` there are Radlake's functions and those that people make, which keep their schema: a bare name is searched for.
    let last = name.0.last().and_then(|part| part.as_ident()).map(folded);
    if schema != "public" || last.is_some_and(|last| RADLAKES.contains(&last)) {
        name.0.remove(0);
    }
}

fn string(expr: &Expr) -> Option<&str> {
    match bare(expr) {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

fn array(elements: Vec<Option<String>>) -> Expr {
    let value = |element: Option<String>| match element {
        Some(text) => Expr::Value(Value::SingleQuotedString(text).with_empty_span()),
        None => null(),
    };
    Expr::Array(Array {
        elem: elements.into_iter().map(value).collect(),
        named: true,
    })
}

/// The elements of a one-dimensional array literal (`{a,"b, c",NULL}`); None if the text is no such literal.
fn array_literal(text: &str) -> Option<Vec<Option<String>>> {
    let inner = text.trim().strip_prefix('{')?.strip_suffix('}')?;
    let mut elements = Vec::new();
    let mut chars = inner.chars().peekable();
    if inner.trim().is_empty() {
        return Some(elements);
    }
    loop {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        if chars.next_if_eq(&'"').is_some() {
            let mut element = String::new();
            loop {
                match chars.next()? {
                    '"' => break,
                    '\\' => element.push(chars.next()?),
                    c => element.push(c),
                }
            }
            elements.push(Some(element));
        } else {
            let mut element = String::new();
            while let Some(c) = chars.next_if(|c| *c != ',') {
                match c {
                    '{' | '}' | '"' => return None,
                    '\\' => element.push(chars.next()?),
                    c => element.push(c),
                }
            }
            let element = element.trim();
            if element.is_empty() {
                return None;
            }
            elements.push((!element.eq_ignore_ascii_case("null")).then(|| element.to_owned()));
        }
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        match chars.next() {
            None => return Some(elements),
            Some(',') => {}
            Some(_) => return None,
        }
    }
}

/// Functions in FROM: `pg_catalog.unnest(…) x` and `generate_series(…) s`, whose alias names the column too.
pub(super) fn rewrite_from(from: &mut [TableWithJoins]) {
    for table in from.iter_mut() {
        std::iter::once(&mut table.relation)
            .chain(table.joins.iter_mut().map(|join| &mut join.relation))
            .for_each(all_settings);
    }
    for table in from {
        rewrite_factor(&mut table.relation);
        for join in &mut table.joins {
            rewrite_factor(&mut join.relation);
            // CROSS JOIN LATERAL and the comma mean the same for a function.
            if matches!(join.join_operator, JoinOperator::CrossApply) {
                join.join_operator =
                    JoinOperator::CrossJoin(datafusion::sql::sqlparser::ast::JoinConstraint::None);
            }
        }
    }
}

/// `pg_show_all_settings()`, which `pg_settings` is a view of.
fn all_settings(factor: &mut TableFactor) {
    if let TableFactor::Table {
        name, args, alias, ..
    } = factor
        && args.as_ref().is_some_and(|args| args.args.is_empty())
        && super::ast::last(name).is_some_and(|name| name == "pg_show_all_settings")
    {
        *args = None;
        *name = ObjectName::from(vec![Ident::new("pg_catalog"), Ident::new("pg_settings")]);
        alias.get_or_insert_with(|| TableAlias {
            explicit: true,
            name: Ident::new("pg_show_all_settings"),
            columns: Vec::new(),
            at: None,
        });
    }
}

/// `coalesce(x.names, '{}')` where the derived table `x` makes `names` by an aggregate into an array: the literal is an array too.
pub(super) fn rewrite_array_defaults(select: &mut Select) {
    let factors = select
        .from
        .iter()
        .flat_map(|t| std::iter::once(&t.relation).chain(t.joins.iter().map(|j| &j.relation)));
    let mut arrays: HashSet<(String, String)> = HashSet::new();
    for factor in factors {
        let TableFactor::Derived {
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
        for item in &inner.projection {
            if let SelectItem::ExprWithAlias { expr, alias: column } = item
                && makes_array(expr)
            {
                arrays.insert((folded(&alias.name), folded(column)));
            }
        }
    }
    if arrays.is_empty() {
        return;
    }
    for item in &mut select.projection {
        let (SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) = item else {
            continue;
        };
        let Expr::Function(function) = &*expr else {
            continue;
        };
        let FunctionArguments::List(list) = &function.args else {
            continue;
        };
        let [
            FunctionArg::Unnamed(FunctionArgExpr::Expr(value)),
            FunctionArg::Unnamed(FunctionArgExpr::Expr(default)),
        ] = list.args.as_slice()
        else {
            continue;
        };
        let Expr::CompoundIdentifier(idents) = value else {
            continue;
        };
        let [.., table, column] = idents.as_slice() else {
            continue;
        };
        let known = arrays.contains(&(folded(table), folded(column)));
        if known
            && string(default) == Some("{}")
            && super::ast::last(&function.name).as_deref() == Some("coalesce")
        {
            *expr = call(ARRAY_OR_EMPTY, vec![value.clone()]);
        }
    }
}

fn makes_array(expr: &Expr) -> bool {
    match bare(expr) {
        Expr::Array(_) => true,
        Expr::Function(f) => {
            super::ast::last(&f.name).is_some_and(|n| n == "array_agg" || n == ARRAY_OR_EMPTY)
        }
        _ => false,
    }
}

fn rewrite_factor(factor: &mut TableFactor) {
    match factor {
        TableFactor::Table {
            name,
            args: Some(args),
            alias,
            with_ordinality,
            ..
        } => {
            strip_schema(name);
            name_column(name, alias.as_mut());
            if is(name, "generate_series") {
                args.args.iter_mut().for_each(widen);
            }
            if is(name, "unnest") && !*with_ordinality {
                let arrays = args.args.iter().filter_map(unnamed).cloned().collect();
                *factor = unnest(arrays, alias.take());
            } else if let Some(rows) = rows_of_list(name, &args.args).filter(|_| !*with_ordinality) {
                let alias = alias.take().unwrap_or_else(|| TableAlias {
                    explicit: true,
                    name: Ident::new(super::ast::last(name).unwrap_or_default()),
                    columns: Vec::new(),
                    at: None,
                });
                *factor = unnest(vec![rows], Some(alias));
                // The alias of one column names it too.
                rewrite_factor(factor);
            } else if let Some(derived) =
                scalar_in_from(name, &args.args, alias.as_ref()).filter(|_| !*with_ordinality)
            {
                *factor = derived;
            }
        }
        TableFactor::Function {
            name,
            args,
            alias,
            with_ordinality,
            ..
        } => {
            strip_schema(name);
            name_column(name, alias.as_mut());
            if is(name, "unnest") && !*with_ordinality {
                let arrays = args.iter().filter_map(unnamed).cloned().collect();
                *factor = unnest(arrays, alias.take());
            }
        }
        TableFactor::UNNEST {
            alias: alias @ None,
            array_exprs,
            with_ordinality: false,
            ..
        } if array_exprs.len() == 1 => {
            let name = Ident::new("unnest");
            let columns = vec![TableAliasColumnDef {
                name: name.clone(),
                data_type: None,
            }];
            *alias = Some(TableAlias {
                explicit: false,
                name,
                columns,
                at: None,
            });
        }
        TableFactor::UNNEST {
            alias: Some(alias),
            array_exprs,
            with_ordinality: false,
            ..
        } if array_exprs.len() == 1 && alias.columns.is_empty() => {
            alias.columns.push(TableAliasColumnDef {
                name: alias.name.clone(),
                data_type: None,
            });
        }
        TableFactor::NestedJoin { table_with_joins, .. } => {
            rewrite_from(std::slice::from_mut(table_with_joins))
        }
        _ => {}
    }
}

/// `FROM f(…) AS a` of a function that gives one value: one row with that value in a column named like the alias.
fn scalar_in_from(
    name: &ObjectName,
    args: &[FunctionArg],
    alias: Option<&TableAlias>,
) -> Option<TableFactor> {
    let function = super::ast::last(name)?;
    if functions::returns(&function).is_none() && !SCALARS.contains(&function.as_str()) {
        return None;
    }
    let column = alias.map_or_else(
        || Ident::new(&function),
        |a| {
            a.columns
                .first()
                .map_or_else(|| a.name.clone(), |c| c.name.clone())
        },
    );
    let value = call(&function, args.iter().filter_map(unnamed).cloned().collect());
    let projection = SelectItem::ExprWithAlias {
        expr: value,
        alias: column,
    };
    let alias = TableAlias {
        explicit: true,
        name: alias.map_or_else(|| Ident::new(&function), |a| a.name.clone()),
        columns: Vec::new(),
        at: None,
    };
    Some(TableFactor::Derived {
        lateral: false,
        subquery: Box::new(select_one(projection)),
        alias: Some(alias),
        sample: None,
    })
}

/// A function that gives a list here, of which the rows are asked for: of a series, where it is one of times.
fn rows_of_list(name: &ObjectName, args: &[FunctionArg]) -> Option<Expr> {
    let function = super::ast::last(name)?;
    let arguments: Vec<Expr> = args.iter().filter_map(unnamed).cloned().collect();
    let is_number = |expr: &Expr| match expr {
        Expr::UnaryOp { expr, .. } => matches!(expr.as_ref(), Expr::Value(value) if is_digits(value)),
        Expr::Value(value) => is_digits(value),
        _ => false,
    };
    let listed = match function.as_str() {
        "regexp_matches" | "regexp_split_to_table" | "string_to_table" => true,
        "generate_series" => matches!(arguments.as_slice(), [_, _, step] if !is_number(step)),
        _ => false,
    };
    (listed && name.0.len() == 1).then(|| call(&function, arguments))
}

fn is_digits(value: &ValueWithSpan) -> bool {
    matches!(value.value, Value::Number(..))
}

/// Functions beside the catalog's that are seen in FROM.
const SCALARS: [&str; 4] = ["string_to_array", "now", "regexp_match", "array_length"];

fn is(name: &ObjectName, wanted: &str) -> bool {
    name.0.len() == 1 && super::ast::last(name).is_some_and(|n| n == wanted)
}

/// `generate_series` plans over bigint bounds; PostgreSQL's functions of array bounds and its casts give integer.
fn widen(arg: &mut FunctionArg) {
    let FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) = arg else {
        return;
    };
    let narrow = match bare(expr) {
        Expr::Function(f) => super::ast::last(&f.name)
            .is_some_and(|n| ["array_upper", "array_lower", "array_length"].contains(&n.as_str())),
        Expr::Cast { data_type, .. } => matches!(
            data_type,
            DataType::Int(_) | DataType::Integer(_) | DataType::Int4(_) | DataType::SmallInt(_)
        ),
        _ => false,
    };
    if narrow {
        let inner = std::mem::replace(expr, null());
        *expr = Expr::Cast {
            kind: CastKind::DoubleColon,
            expr: Box::new(inner),
            data_type: DataType::BigInt(None),
            array: false,
            format: None,
        };
    }
}

/// A function that returns one column gives it the alias's name.
fn name_column(name: &ObjectName, alias: Option<&mut TableAlias>) {
    let single = [
        "unnest",
        "generate_series",
        "generate_subscripts",
        "regexp_split_to_table",
        "string_to_table",
    ];
    let Some(alias) = alias else { return };
    if alias.columns.is_empty() && single.iter().any(|f| is(name, f)) {
        alias.columns.push(TableAliasColumnDef {
            name: alias.name.clone(),
            data_type: None,
        });
    }
}

fn unnamed(arg: &FunctionArg) -> Option<&Expr> {
    match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
        _ => None,
    }
}

fn unnest(array_exprs: Vec<Expr>, alias: Option<TableAlias>) -> TableFactor {
    let alias = alias.or_else(|| {
        let name = Ident::new("unnest");
        (array_exprs.len() == 1).then(|| TableAlias {
            explicit: false,
            name: name.clone(),
            columns: vec![TableAliasColumnDef {
                name,
                data_type: None,
            }],
            at: None,
        })
    });
    TableFactor::UNNEST {
        alias,
        array_exprs,
        with_offset: false,
        with_offset_alias: None,
        with_ordinality: false,
    }
}

#[cfg(test)]
mod tests {
    use super::array_literal;

    #[test]
    fn array_literals_are_read_as_postgresql_does() {
        let some = |s: &str| Some(s.to_owned());
        assert_eq!(array_literal("{}"), Some(vec![]));
        assert_eq!(
            array_literal("{r, \"a,\\\"b\", NULL}"),
            Some(vec![some("r"), some("a,\"b"), None])
        );
        assert_eq!(array_literal("{a"), None);
        assert_eq!(array_literal("{{a}}"), None);
    }
}
