//! Texts as arrays: `'{a,NULL,"b"}'::text[]`, `column::int4[]`, and casts of `ARRAY[…]`, which PostgreSQL applies to the elements.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, ListBuilder, StringBuilder};
use arrow::datatypes::{DataType as ArrowType, Field};
use datafusion::common::{Result as EngineResult, ScalarValue, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use radlake_sql::ast::{AccessExpr, Array, ArrayElemTypeDef, CastKind, DataType, Expr, Subscript, Value};

use super::dialect::call;
use crate::{Error, Result};

/// Brackets within brackets: PostgreSQL's arrays have six dimensions at most.
const MAX_DIMENSIONS: usize = 6;

/// Name of the function that reads texts and leaves arrays as they are.
const ARRAY_IN: &str = "array_in";

/// Rewrites a cast to an array type.
///
/// # Errors
/// [`Error::InvalidText`] for a literal that is no array.
pub(super) fn rewrite(expr: &mut Expr) -> Result<()> {
    let Expr::Cast {
        expr: inner,
        data_type,
        ..
    } = expr
    else {
        return Ok(());
    };
    let DataType::Array(ArrayElemTypeDef::SquareBracket(element, _)) = &*data_type else {
        return Ok(());
    };
    match inner.as_mut() {
        // Texts alone are cast as one column.
        Expr::Array(array) if array.elem.is_empty() || array.elem.iter().all(is_text) => {}
        Expr::Array(array) => {
            for value in &mut array.elem {
                let target = match bare(value) {
                    Expr::Array(_) => data_type.clone(),
                    _ => (**element).clone(),
                };
                let mut cast_value = cast(std::mem::replace(value, Expr::Value(Value::Null.into())), target);
                rewrite(&mut cast_value)?;
                super::literals::rewrite(&mut cast_value)?;
                *value = cast_value;
            }
            *expr = std::mem::replace(inner.as_mut(), Expr::Value(Value::Null.into()));
        }
        Expr::Value(value) => {
            if let Value::SingleQuotedString(text) = &value.value {
                let parsed = parse(text).ok_or_else(|| Error::InvalidText {
                    type_name: format!("{}[]", element.to_string().to_lowercase()),
                })?;
                *expr = written(parsed, data_type);
            }
        }
        Expr::Subquery(_) => {}
        _ => {
            let value = std::mem::replace(inner.as_mut(), Expr::Value(Value::Null.into()));
            **inner = call(ARRAY_IN, vec![value]);
        }
    }
    Ok(())
}

/// Several subscripts of which one is a slice are a slice of each dimension in PostgreSQL, not one after the other.
///
/// # Errors
/// [`Error::Unsupported`] for them.
pub(super) fn subscripts(chain: &[AccessExpr]) -> Result<()> {
    let is_slice = |access: &AccessExpr| matches!(access, AccessExpr::Subscript(Subscript::Slice { .. }));
    match chain.len() > 1 && chain.iter().any(is_slice) {
        true => Err(Error::unsupported(
            "slices of several dimensions; (a[1:2])[1] is an element of a slice",
        )),
        false => Ok(()),
    }
}

/// `a[2:3]`, where a bound may be left out.
pub(super) fn slice(expr: &mut Expr) {
    let Expr::CompoundFieldAccess { root, access_chain } = expr else {
        return;
    };
    let [
        AccessExpr::Subscript(Subscript::Slice {
            lower_bound,
            upper_bound,
            stride: None,
        }),
    ] = access_chain.as_mut_slice()
    else {
        return;
    };
    let number = |digits: &str| Expr::Value(Value::Number(digits.to_owned(), false).into());
    let low = lower_bound.take().unwrap_or_else(|| number("1"));
    let high = upper_bound.take().unwrap_or_else(|| number("2147483647"));
    let root = std::mem::replace(root.as_mut(), super::dialect::null());
    *expr = call("array_part", vec![root, low, high]);
}

fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Nested(inner) => bare(inner),
        other => other,
    }
}

fn is_text(expr: &Expr) -> bool {
    matches!(expr, Expr::Value(value) if matches!(value.value, Value::SingleQuotedString(_) | Value::Null))
}

fn cast(value: Expr, data_type: DataType) -> Expr {
    Expr::Cast {
        kind: CastKind::DoubleColon,
        expr: Box::new(value),
        data_type,
        array: false,
        format: None,
    }
}

/// An array literal's content.
#[derive(Debug, PartialEq, Eq)]
enum Item {
    Null,
    Text(String),
    Array(Vec<Self>),
}

fn written(item: Item, data_type: &DataType) -> Expr {
    let text = |item| match item {
        Item::Text(text) => Expr::Value(Value::SingleQuotedString(text).into()),
        Item::Null | Item::Array(_) => Expr::Value(Value::Null.into()),
    };
    match item {
        Item::Array(items) if items.iter().any(|item| matches!(item, Item::Array(_))) => Expr::Array(Array {
            elem: items.into_iter().map(|item| written(item, data_type)).collect(),
            named: true,
        }),
        Item::Array(items) => cast(
            Expr::Array(Array {
                elem: items.into_iter().map(text).collect(),
                named: true,
            }),
            data_type.clone(),
        ),
        other => text(other),
    }
}

/// Reads a literal such as `{a,"b, c",NULL}` or `{{1,2},{3,4}}`.
fn parse(text: &str) -> Option<Item> {
    let mut chars = text.trim().chars().peekable();
    let item = array(&mut chars, 1)?;
    chars.next().is_none().then_some(item)
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn space(chars: &mut Chars<'_>) {
    while chars.next_if(|c| c.is_whitespace()).is_some() {}
}

fn array(chars: &mut Chars<'_>, depth: usize) -> Option<Item> {
    if chars.next() != Some('{') || depth > MAX_DIMENSIONS {
        return None;
    }
    let mut items = Vec::new();
    space(chars);
    if chars.next_if_eq(&'}').is_some() {
        return Some(Item::Array(items));
    }
    loop {
        space(chars);
        items.push(match chars.peek()? {
            '{' => array(chars, depth + 1)?,
            '"' => quoted(chars)?,
            _ => plain(chars)?,
        });
        space(chars);
        match chars.next()? {
            ',' => {}
            '}' => break,
            _ => return None,
        }
    }
    // PostgreSQL's arrays are boxes: every row is as long as the first.
    let length = |item: &Item| match item {
        Item::Array(items) => Some(items.len()),
        _ => None,
    };
    let first = items.first().and_then(length);
    items
        .iter()
        .all(|item| length(item) == first)
        .then_some(Item::Array(items))
}

fn quoted(chars: &mut Chars<'_>) -> Option<Item> {
    let _ = chars.next();
    let mut text = String::new();
    loop {
        match chars.next()? {
            '"' => return Some(Item::Text(text)),
            '\\' => text.push(chars.next()?),
            c => text.push(c),
        }
    }
}

fn plain(chars: &mut Chars<'_>) -> Option<Item> {
    let (mut text, mut escaped) = (String::new(), false);
    while let Some(c) = chars.next_if(|c| !matches!(c, ',' | '}')) {
        match c {
            '{' | '"' => return None,
            '\\' => {
                escaped = true;
                text.push(chars.next()?);
            }
            c => text.push(c),
        }
    }
    let text = text.trim_end();
    if text.is_empty() {
        return None;
    }
    Some(match !escaped && text.eq_ignore_ascii_case("null") {
        true => Item::Null,
        false => Item::Text(text.to_owned()),
    })
}

/// The function `array_in(value)`: the elements of a text as texts, anything else as it is.
pub(super) fn function() -> ScalarUDF {
    ScalarUDF::from(ArrayIn {
        signature: Signature::any(1, Volatility::Immutable),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ArrayIn {
    signature: Signature,
}

fn holds_text(data_type: &ArrowType) -> bool {
    matches!(
        data_type,
        ArrowType::Utf8 | ArrowType::LargeUtf8 | ArrowType::Utf8View
    )
}

impl ScalarUDFImpl for ArrayIn {
    fn name(&self) -> &str {
        ARRAY_IN
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[ArrowType]) -> EngineResult<ArrowType> {
        match arguments {
            [text] if holds_text(text) => Ok(ArrowType::List(Arc::new(Field::new_list_field(
                ArrowType::Utf8,
                true,
            )))),
            [other] => Ok(other.clone()),
            _ => exec_err!("array_in takes one argument"),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> EngineResult<ColumnarValue> {
        let Some(value) = args.args.first() else {
            return exec_err!("array_in takes one argument");
        };
        if !holds_text(&value.data_type()) {
            return Ok(value.clone());
        }
        let constant = matches!(value, ColumnarValue::Scalar(_));
        let texts = value.to_array(if constant { 1 } else { args.number_rows })?;
        let lists = read(&texts)?;
        Ok(match constant {
            true => ColumnarValue::Scalar(ScalarValue::try_from_array(&lists, 0)?),
            false => ColumnarValue::Array(lists),
        })
    }
}

fn read(texts: &ArrayRef) -> EngineResult<ArrayRef> {
    let texts = arrow::compute::cast(texts, &ArrowType::Utf8)?;
    let mut lists = ListBuilder::new(StringBuilder::new());
    for text in texts.as_string::<i32>() {
        let Some(text) = text else {
            lists.append_null();
            continue;
        };
        let malformed = || Error::InvalidText {
            type_name: "array".to_owned(),
        };
        let Some(Item::Array(items)) = parse(text) else {
            return Err(malformed().into());
        };
        for item in items {
            match item {
                Item::Text(text) => lists.values().append_value(text),
                Item::Null => lists.values().append_null(),
                Item::Array(_) => {
                    return Err(Error::unsupported("a text of several dimensions as an array").into());
                }
            }
        }
        lists.append(true);
    }
    Ok(Arc::new(lists.finish()))
}

#[cfg(test)]
mod tests {
    use super::{Item, parse};

    #[test]
    fn literals_are_read_as_postgresql_does() {
        let text = |text: &str| Item::Text(text.to_owned());
        assert_eq!(
            parse(r#" {a, NULL ,"b\"", "NULL",\n ull, a b } "#),
            Some(Item::Array(vec![
                text("a"),
                Item::Null,
                text("b\""),
                text("NULL"),
                text("n ull"),
                text("a b")
            ]))
        );
        assert_eq!(parse("{}"), Some(Item::Array(vec![])));
        assert_eq!(
            parse("{{1,2},{3,4}}"),
            Some(Item::Array(vec![
                Item::Array(vec![text("1"), text("2")]),
                Item::Array(vec![text("3"), text("4")])
            ]))
        );
        for malformed in [
            "",
            "a",
            "{a",
            "a}",
            "{a,}",
            "{,a}",
            "{a}b",
            "{\"a}",
            "{{1,2},{3}}",
            "{{1},2}",
            "{{{{{{{1}}}}}}}",
        ] {
            assert_eq!(parse(malformed), None, "{malformed}");
        }
    }
}
