//! Functions and operators that PostgreSQL has and DataFusion does not, where others say the same: `mod(a, b)` is `a % b`, `|/ x` is
//! `sqrt(x)`, `mode()` is what an ordered list has most of.

use radlake_sql::ast::{
    BinaryOperator, CastKind, DataType, DuplicateTreatment, ExactNumberInfo, Expr, Function, FunctionArg,
    FunctionArgExpr, FunctionArgumentClause, FunctionArguments, Ident, ObjectName, OrderByExpr,
    OrderByOptions, TimezoneInfo, UnaryOperator, Value,
};

use radlake_udfs::types::numeric::without_zeros;

use super::dialect::{call, null};
use super::{hypothetical, quantified};
use crate::{Error, Result};

/// Functions under another name.
const RENAMED: &[(&str, &str)] = &[
    ("ceiling", "ceil"),
    ("every", "bool_and"),
    ("variance", "var_samp"),
];

/// Functions whose rows are asked for: they give a list.
pub(super) const SET_RETURNING: &[&str] = &[
    "regexp_matches",
    "regexp_split_to_table",
    "string_to_table",
    "pg_listening_channels",
];

/// Rewrites an expression; anything else stays as it is.
///
/// # Errors
/// [`Error::Unsupported`] for ordered-set aggregates of another kind, [`Error::UndefinedFunction`] for what PostgreSQL does not have.
pub(super) fn rewrite(expr: &mut Expr) -> Result<()> {
    match expr {
        Expr::UnaryOp { op, expr: operand } => {
            let function = match op {
                UnaryOperator::PGAbs => "abs",
                UnaryOperator::PGSquareRoot => "sqrt",
                UnaryOperator::PGCubeRoot => "cbrt",
                UnaryOperator::BitwiseNot => "bit_not",
                _ => return Ok(()),
            };
            let operand = std::mem::replace(operand.as_mut(), null());
            *expr = call(function, vec![operand]);
        }
        Expr::BinaryOp {
            left,
            op: BinaryOperator::PGStartsWith,
            right,
        } => {
            let arguments = [left, right].map(|side| std::mem::replace(side.as_mut(), null()));
            *expr = call("starts_with", arguments.into());
        }
        Expr::Like { any: true, .. } | Expr::ILike { any: true, .. } => like_any(expr),
        Expr::AnyOp { .. } | Expr::AllOp { .. } => quantified::arrays(expr),
        Expr::Function(function) if function.name.0.len() == 1 && function.over.is_none() => {
            if let Some(reworded) = reworded(function)? {
                *expr = reworded;
            }
        }
        Expr::Function(function) if function.name.0.len() == 1 => rename(function),
        Expr::Cast {
            expr: inner,
            data_type: DataType::Text | DataType::Varchar(None) | DataType::CharacterVarying(None),
            ..
        } => {
            if let Expr::Function(function) = inner.as_mut()
                && name(function) == "trim_scale"
            {
                function.name = ObjectName::from(vec![Ident::new("trimmed_scale")]);
            }
        }
        _ => {}
    }
    Ok(())
}

/// `x LIKE ANY (ARRAY[a, b])` is `x LIKE a OR x LIKE b`; of what is no list that is written out it is left as it is.
fn like_any(expr: &mut Expr) {
    let (Expr::Like { pattern, .. } | Expr::ILike { pattern, .. }) = &*expr else {
        return;
    };
    let Expr::Array(array) = unwrapped(pattern) else {
        return;
    };
    let one = |wanted: &Expr| {
        let mut one = expr.clone();
        if let Expr::Like { any, pattern, .. } | Expr::ILike { any, pattern, .. } = &mut one {
            *any = false;
            **pattern = wanted.clone();
        }
        one
    };
    let any = array.elem.iter().map(one).reduce(|left, right| Expr::BinaryOp {
        left: Box::new(left),
        op: BinaryOperator::Or,
        right: Box::new(right),
    });
    if let Some(any) = any {
        *expr = Expr::Nested(Box::new(any));
    }
}

fn unwrapped(expr: &Expr) -> &Expr {
    match expr {
        Expr::Nested(inner) => unwrapped(inner),
        other => other,
    }
}

fn name(function: &Function) -> String {
    function.name.to_string().to_lowercase()
}

fn rename(function: &mut Function) {
    let name = name(function);
    if let Some((_, other)) = RENAMED.iter().find(|(known, _)| *known == name) {
        function.name = ObjectName::from(vec![Ident::new(*other)]);
    }
}

/// The arguments of a plain call: nothing where there is more to it than its arguments.
fn arguments(function: &Function) -> Option<Vec<Expr>> {
    let FunctionArguments::List(list) = &function.args else {
        return None;
    };
    if list.duplicate_treatment.is_some() || !list.clauses.is_empty() {
        return None;
    }
    list.args
        .iter()
        .map(|argument| match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
            _ => None,
        })
        .collect()
}

fn reworded(function: &mut Function) -> Result<Option<Expr>> {
    rename(function);
    let name = name(function);
    if !function.within_group.is_empty() {
        return ordered_set(&name, function);
    }
    if name == "median" {
        return undefined("median");
    }
    sorted(&name, function);
    if name == "make_interval" {
        positional(function);
    }
    let Some(given) = arguments(function) else {
        return Ok(None);
    };
    Ok(match (name.as_str(), given.as_slice()) {
        ("mod", [left, right]) => Some(Expr::Nested(Box::new(Expr::BinaryOp {
            left: Box::new(Expr::Nested(Box::new(left.clone()))),
            op: BinaryOperator::Modulo,
            right: Box::new(Expr::Nested(Box::new(right.clone()))),
        }))),
        ("to_number", [text, pattern]) => {
            Some(call("number_of_pattern", vec![pattern.clone(), text.clone()]))
        }
        ("encode" | "decode", [value, Expr::Value(encoding)]) if matches!(&encoding.value, Value::SingleQuotedString(text) if text.eq_ignore_ascii_case("escape")) => {
            Some(call(&format!("{name}_escape"), vec![value.clone()]))
        }
        // A literal that fits is `integer`.
        ("pg_column_size", [literal @ Expr::Value(value)]) if matches!(&value.value, Value::Number(digits, _) if digits.parse::<i32>().is_ok()) => {
            Some(call(
                "pg_column_size",
                vec![cast(literal.clone(), DataType::Integer(None))],
            ))
        }
        ("trim_scale", [Expr::Value(value)]) => match &value.value {
            Value::Number(digits, _) => {
                let digits = without_zeros(digits).to_owned();
                let whole = !digits.contains('.');
                let number = Expr::Value(Value::Number(digits, false).into());
                let numeric = DataType::Numeric(ExactNumberInfo::PrecisionAndScale(38, 0));
                Some(if whole { cast(number, numeric) } else { number })
            }
            _ => None,
        },
        ("age", [from]) => {
            let today = Expr::Function(bare("current_date"));
            Some(call("age", vec![today, from.clone()]))
        }
        ("make_timestamptz", [parts @ .., zone]) if parts.len() == 6 => {
            let shown = call("make_timestamp", parts.to_vec());
            let zone = call("zone_of_iso", vec![zone.clone()]);
            Some(call("timezone", vec![zone, shown]))
        }
        ("make_timestamptz", parts) if parts.len() == 6 => {
            Some(moment(call("make_timestamp", parts.to_vec())))
        }
        ("to_timestamp", [text, pattern]) => Some(moment(call(
            "timestamp_of_pattern",
            vec![text.clone(), pattern.clone()],
        ))),
        ("timeofday", []) => Some(call(
            "to_char",
            vec![
                call("clock_timestamp", Vec::new()),
                Expr::Value(Value::SingleQuotedString("Dy Mon DD HH24:MI:SS.US YYYY TZ".to_owned()).into()),
            ],
        )),
        ("date_trunc", [unit, time, zone]) => {
            let shown = call("timezone", vec![zone.clone(), moment(time.clone())]);
            let cut = call("date_trunc", vec![unit.clone(), shown]);
            Some(call("timezone", vec![zone.clone(), cut]))
        }
        ("gen_random_uuid", []) => Some(Expr::Cast {
            kind: CastKind::DoubleColon,
            expr: Box::new(call("uuid", Vec::new())),
            data_type: DataType::Uuid,
            array: false,
            format: None,
        }),
        ("format", [format, rest @ ..]) if !rest.is_empty() => {
            let shown = rest.iter().map(|value| as_text(value.clone()));
            let all = std::iter::once(format.clone()).chain(shown).collect();
            match rest.iter().all(is_shown) {
                true => None,
                false => Some(call("format", all)),
            }
        }
        ("percentile_cont" | "percentile_disc" | "mode" | "rank_of" | "approx_median", _) => {
            return Err(Error::WrongObject(format!(
                "WITHIN GROUP is required for ordered-set aggregate {name}"
            )));
        }
        _ => None,
    })
}

/// PostgreSQL sorts to find what is distinct, and queries count on it.
fn sorted(name: &str, function: &mut Function) {
    let FunctionArguments::List(list) = &mut function.args else {
        return;
    };
    if !matches!(name, "string_agg" | "array_agg")
        || list.duplicate_treatment != Some(DuplicateTreatment::Distinct)
        || !list.clauses.is_empty()
    {
        return;
    }
    if let Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(value))) = list.args.first() {
        list.clauses
            .push(FunctionArgumentClause::OrderBy(vec![OrderByExpr {
                expr: value.clone(),
                options: OrderByOptions::default(),
                with_fill: None,
            }]));
    }
}

/// `make_interval(days => 10)`, with zeros for what is left out.
fn positional(function: &mut Function) {
    const NAMES: [&str; 7] = ["years", "months", "weeks", "days", "hours", "mins", "secs"];
    let FunctionArguments::List(list) = &mut function.args else {
        return;
    };
    if !list
        .args
        .iter()
        .any(|argument| matches!(argument, FunctionArg::Named { .. }))
    {
        return;
    }
    let mut places: [Option<FunctionArgExpr>; 7] = Default::default();
    for (at, argument) in list.args.iter().enumerate() {
        let (place, value) = match argument {
            FunctionArg::Unnamed(value) => (Some(at), value),
            FunctionArg::Named { name, arg, .. } => (
                NAMES
                    .iter()
                    .position(|known| name.value.eq_ignore_ascii_case(known)),
                arg,
            ),
            FunctionArg::ExprNamed { .. } => return,
        };
        match place.and_then(|place| places.get_mut(place)) {
            Some(free @ None) => *free = Some(value.clone()),
            _ => return,
        }
    }
    let zero = || FunctionArgExpr::Expr(Expr::Value(Value::Number("0".to_owned(), false).into()));
    list.args = places
        .into_iter()
        .map(|place| FunctionArg::Unnamed(place.unwrap_or_else(zero)))
        .collect();
}

fn undefined(name: &str) -> Result<Option<Expr>> {
    Err(Error::UndefinedFunction {
        name: format!("{name}()"),
        hint: Some("percentile_cont(0.5) WITHIN GROUP (ORDER BY …) is the median.".to_owned()),
        position: None,
    })
}

/// `name` without parentheses.
fn bare(name: &str) -> Function {
    Function {
        name: ObjectName::from(vec![Ident::new(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::None,
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    }
}

/// `expr::timestamptz`, which is in the session's zone.
fn moment(expr: Expr) -> Expr {
    cast(expr, DataType::Timestamp(None, TimezoneInfo::WithTimeZone))
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

/// A value as it is put out. Expressions may be visited again.
fn as_text(value: Expr) -> Expr {
    if is_shown(&value) {
        return value;
    }
    Expr::Cast {
        kind: CastKind::DoubleColon,
        expr: Box::new(call("as_output", vec![value])),
        data_type: DataType::Text,
        array: false,
        format: None,
    }
}

fn is_shown(value: &Expr) -> bool {
    matches!(value, Expr::Cast { expr, data_type: DataType::Text, .. }
        if matches!(expr.as_ref(), Expr::Function(function) if name(function) == "as_output"))
}

/// Aggregates over an ordered list.
fn ordered_set(name: &str, function: &mut Function) -> Result<Option<Expr>> {
    let of_list = match name {
        "mode" => "mode_of_ordered",
        "percentile_disc" => "percentile_disc_of_ordered",
        "percentile_cont" => "percentile_cont_of_ordered",
        _ if hypothetical::NAMES.contains(&name) => {
            let Some(given) = arguments(function) else {
                return Err(Error::unsupported(format!("this form of {name}")));
            };
            return hypothetical::rewrite(name, &given, function).map(Some);
        }
        _ => return Ok(None),
    };
    let (Some(given), [order]) = (arguments(function), function.within_group.as_slice()) else {
        return Err(Error::unsupported(format!("this form of {name}")));
    };
    let fits = match name {
        "mode" => given.is_empty(),
        _ => given.len() == 1,
    };
    if !fits {
        return undefined(name);
    }
    // The query engine has one of a single fraction.
    if name == "percentile_cont" && !given.iter().any(is_array) {
        return Ok(None);
    }
    let mut list = listed(order.clone());
    list.filter = function.filter.take();
    let all = std::iter::once(Expr::Function(list)).chain(given).collect();
    Ok(Some(call(of_list, all)))
}

fn is_array(expr: &Expr) -> bool {
    match expr {
        Expr::Array(_) => true,
        Expr::Nested(inner) => is_array(inner),
        Expr::Cast { data_type, .. } => matches!(data_type, DataType::Array(_)),
        Expr::Function(function) => name(function) == "make_array",
        _ => false,
    }
}

/// `array_agg(x ORDER BY x)`.
fn listed(order: OrderByExpr) -> Function {
    let mut list = match call("array_agg", vec![order.expr.clone()]) {
        Expr::Function(function) => function,
        _ => bare("array_agg"),
    };
    if let FunctionArguments::List(arguments) = &mut list.args {
        arguments
            .clauses
            .push(FunctionArgumentClause::OrderBy(vec![order]));
    }
    list
}
