//! Casts to and from PostgreSQL's names for OIDs: `'imaging.series'::regclass`, `c.oid::regclass::text`, `typreceive::text`.

use datafusion::sql::sqlparser::ast::{
    ArrayElemTypeDef, BinaryOperator, CastKind, DataType, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArguments, Ident, Query, SelectItem, SetExpr, Value,
};
use std::collections::HashSet;
use std::sync::LazyLock;

use super::ast::{bare, call, custom_type, folded, is_text};
use super::naming;
use crate::pg_catalog::declared;
use crate::pg_catalog::types::PG_TYPE_KEY;

/// The function family (`regclassin`, `regclassout`) of a type that names OIDs.
fn family(typname: &str) -> Option<&'static str> {
    Some(match typname {
        "regclass" => "regclass",
        "regtype" => "regtype",
        "regproc" | "regprocedure" => "regproc",
        "regnamespace" => "regnamespace",
        "regrole" => "regrole",
        _ => return None,
    })
}

/// Columns of `pg_catalog` that hold functions by OID and show them by name.
static REGPROC_COLUMNS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let fields = declared::relations().iter().flat_map(|r| r.schema.fields());
    fields
        .filter(|f| f.metadata().get(PG_TYPE_KEY).is_some_and(|t| t == "regproc"))
        .map(|f| f.name().as_str())
        .collect()
});

fn is_regproc_column(expr: &Expr) -> bool {
    let last = match bare(expr) {
        Expr::Identifier(ident) => Some(ident),
        Expr::CompoundIdentifier(idents) => idents.last(),
        _ => None,
    };
    last.is_some_and(|ident| REGPROC_COLUMNS.contains(folded(ident).as_str()))
}

/// A cast to a name for OIDs becomes its lookup; a cast of such a lookup to text, the name.
pub(super) fn rewrite(expr: &mut Expr) {
    match expr {
        Expr::Function(function) if puts_out(function) => {
            if let FunctionArguments::List(list) = &mut function.args {
                for argument in &mut list.args {
                    if let FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) = argument {
                        by_name(value);
                    }
                }
            }
            return;
        }
        Expr::BinaryOp {
            left,
            op: BinaryOperator::StringConcat,
            right,
        } => {
            by_name(left);
            by_name(right);
            return;
        }
        _ => {}
    }
    let Expr::Cast {
        expr: inner,
        data_type,
        ..
    } = expr
    else {
        return;
    };
    if let Some(family) = custom_type(data_type).and_then(|t| family(&t)) {
        let inner = take(inner);
        *expr = call(&format!("{family}in"), vec![inner]);
        return;
    }
    if let Some(element) = element_type(data_type) {
        if let Some(family) = custom_type(element).and_then(|t| family(&t)) {
            *expr = call(&format!("{family}in_array"), vec![lines(take(inner))]);
        } else if is_text(element)
            && let Some(family) = array_family(inner)
        {
            *expr = call(&format!("{family}out_array"), vec![lines(take(inner))]);
        }
        return;
    }
    if is_bytea(data_type) {
        if let Some(hex) = bytea_literal(inner) {
            *expr = Expr::Value(Value::HexStringLiteral(hex).with_empty_span());
        }
        return;
    }
    if !is_text(data_type) {
        return;
    }
    by_names(inner);
    if let Some(family) = lookup_family(inner) {
        let inner = take(inner);
        *expr = call(&format!("{family}out"), vec![inner]);
    } else if is_regproc_column(inner) {
        let inner = take(inner);
        *expr = call("regprocout", vec![inner]);
    }
}

/// Functions that put their arguments out as texts, or make documents of them.
fn puts_out(function: &Function) -> bool {
    const NAMES: &[&str] = &[
        "array_agg",
        "array_to_string",
        "concat",
        "concat_ws",
        "format",
        "json_agg",
        "json_build_array",
        "json_build_object",
        "json_object_agg",
        "jsonb_agg",
        "jsonb_build_array",
        "jsonb_build_object",
        "jsonb_object_agg",
        "to_json",
        "to_jsonb",
    ];
    super::ast::last(&function.name).is_some_and(|name| NAMES.contains(&name.as_str()))
}

fn element_type(data_type: &DataType) -> Option<&DataType> {
    match data_type {
        DataType::Array(ArrayElemTypeDef::SquareBracket(element, _)) => Some(element.as_ref()),
        _ => None,
    }
}

/// The elements of an array as lines, which functions of the catalog read.
fn lines(array: Expr) -> Expr {
    let text = |text: &str| Expr::Value(Value::SingleQuotedString(text.to_owned()).with_empty_span());
    let array = match bare(&array) {
        Expr::Value(value) if matches!(value.value, Value::SingleQuotedString(_)) => Expr::Cast {
            kind: CastKind::DoubleColon,
            expr: Box::new(array),
            data_type: DataType::Array(ArrayElemTypeDef::SquareBracket(Box::new(DataType::Text), None)),
            array: false,
            format: None,
        },
        _ => array,
    };
    // NULL is no name, and is refused as such.
    call("array_to_string", vec![array, text("\n"), text("NULL")])
}

/// The family of an array of OIDs that were looked up by names.
fn array_family(expr: &Expr) -> Option<&'static str> {
    match bare(expr) {
        Expr::Function(function) => family(super::ast::last(&function.name)?.strip_suffix("in_array")?),
        Expr::Array(array) => {
            let first = lookup_family(array.elem.first()?)?;
            let all = array
                .elem
                .iter()
                .all(|element| lookup_family(element) == Some(first));
            all.then_some(first)
        }
        _ => None,
    }
}

/// Such an array is put out by names.
fn by_names(expr: &mut Expr) {
    if let Some(family) = array_family(expr) {
        let inner = take(expr);
        *expr = call(&format!("{family}out_array"), vec![lines(inner)]);
    }
}

/// An OID that was looked up by a name is put out as one.
fn by_name(expr: &mut Expr) {
    by_names(expr);
    if let Some(family) = lookup_family(expr) {
        let inner = take(expr);
        *expr = call(&format!("{family}out"), vec![inner]);
    }
}

fn is_bytea(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Bytea) || custom_type(data_type).is_some_and(|t| t == "bytea")
}

/// The bytes of a literal in one of bytea's two input formats (`\\xdeadbeef`, or escapes such as `\\000`), in hexadecimal.
fn bytea_literal(expr: &Expr) -> Option<String> {
    let Expr::Value(value) = bare(expr) else {
        return None;
    };
    let (Value::SingleQuotedString(text) | Value::EscapedStringLiteral(text)) = &value.value else {
        return None;
    };
    if let Some(hex) = text.strip_prefix("\\x") {
        let digits: String = hex.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        let valid = digits.len().is_multiple_of(2) && digits.bytes().all(|b| b.is_ascii_hexdigit());
        return valid.then_some(digits);
    }
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        match (first, after) {
            (b'\\', [b'\\', more @ ..]) => {
                bytes.push(b'\\');
                rest = more;
            }
            (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', more @ ..]) => {
                bytes.push((a - b'0') * 64 + (b - b'0') * 8 + (c - b'0'));
                rest = more;
            }
            (b'\\', _) => return None,
            (byte, _) => {
                bytes.push(*byte);
                rest = after;
            }
        }
    }
    Some(bytes.iter().map(|b| format!("{b:02x}")).collect())
}

fn take(expr: &mut Expr) -> Expr {
    std::mem::replace(expr, super::ast::null())
}

/// The family of a call that gives an OID by name.
fn lookup_family(expr: &Expr) -> Option<&'static str> {
    let Expr::Function(function) = bare(expr) else {
        return None;
    };
    let name = super::ast::last(&function.name)?;
    let typname = name
        .strip_prefix("to_")
        .or_else(|| name.strip_suffix("in"))
        .unwrap_or(&name);
    family(typname)
}

/// In a statement's own output, a value of such a type is shown by its name.
pub(super) fn show_names(query: &mut Query) {
    show_in(query.body.as_mut());
}

fn show_in(body: &mut SetExpr) {
    match body {
        SetExpr::Select(select) => select.projection.iter_mut().for_each(show_item),
        SetExpr::SetOperation { left, right, .. } => {
            show_in(left);
            show_in(right);
        }
        SetExpr::Query(query) => show_names(query),
        _ => {}
    }
}

fn show_item(item: &mut SelectItem) {
    let (expr, alias) = match item {
        SelectItem::UnnamedExpr(expr) => (&*expr, None),
        SelectItem::ExprWithAlias { expr, alias } => (&*expr, Some(alias.clone())),
        _ => return,
    };
    let is_array = |expr: &Expr| match bare(expr) {
        Expr::Cast { data_type, .. } => element_type(data_type)
            .and_then(custom_type)
            .and_then(|t| family(&t)),
        _ => None,
    };
    if let Some(family) = is_array(expr) {
        let alias = alias.unwrap_or_else(|| Ident::with_quote('"', naming::figure(expr)));
        let shown = call(&format!("{family}out_array"), vec![lines(expr.clone())]);
        *item = SelectItem::ExprWithAlias { expr: shown, alias };
        return;
    }
    let family = match bare(expr) {
        Expr::Cast { data_type, .. } => custom_type(data_type).and_then(|t| family(&t)),
        Expr::Function(_) => lookup_family(expr).filter(|_| !is_lookup_itself(expr)),
        other if is_regproc_column(other) => Some("regproc"),
        _ => None,
    };
    let Some(family) = family else { return };
    let alias = alias.unwrap_or_else(|| Ident::with_quote('"', naming::figure(expr)));
    let shown = call(&format!("{family}out"), vec![expr.clone()]);
    *item = SelectItem::ExprWithAlias { expr: shown, alias };
}

/// Calls of the internal `…in` functions do not come from users.
fn is_lookup_itself(expr: &Expr) -> bool {
    matches!(bare(expr), Expr::Function(f) if super::ast::last(&f.name).is_some_and(|n| n.ends_with("in")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytea_literals_are_read_as_postgresql_does() {
        let hex = |text: &str| {
            bytea_literal(&Expr::Value(
                Value::SingleQuotedString(text.to_owned()).with_empty_span(),
            ))
        };
        assert_eq!(hex("\\xDEAD be ef").as_deref(), Some("DEADbeef"));
        assert_eq!(hex("a\\000\\\\").as_deref(), Some("61005c"));
        assert_eq!(hex("\\xabc"), None);
        assert_eq!(hex("\\9"), None);
    }
}
