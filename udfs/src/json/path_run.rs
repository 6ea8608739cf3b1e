//! What paths of SQL/JSON find, as `src/backend/utils/adt/jsonpath_exec.c` does.

use std::borrow::Cow;

use datafusion::error::{DataFusionError, Result};

use super::document::Json;
use super::order::sort_key;
use super::path_parse::{Compare, Expr, Path, Step};

/// An error of the document, which predicates take for unknown and `silent` for nothing; or any other.
#[derive(Debug)]
pub(super) enum Stop {
    Document(String),
    Other(DataFusionError),
}

impl From<DataFusionError> for Stop {
    fn from(error: DataFusionError) -> Self {
        Self::Other(error)
    }
}

type Found<'a> = Result<Vec<Json<'a>>, Stop>;

fn missed<T>(message: &str) -> Result<T, Stop> {
    Err(Stop::Document(message.to_owned()))
}

/// What a path is followed through.
pub(super) struct Run<'a> {
    pub(super) root: &'a Json<'a>,
    pub(super) variables: &'a Json<'a>,
    pub(super) strict: bool,
}

/// Everything that a path finds.
pub(super) fn find<'a>(path: &Path, root: &'a Json<'a>, variables: &'a Json<'a>) -> Found<'a> {
    let run = Run {
        root,
        variables,
        strict: path.strict,
    };
    run.items(&path.expr, root, None)
}

impl<'a> Run<'a> {
    /// The items that an expression gives; `last` is the place of an array's last element.
    fn items(&self, expr: &Expr, current: &Json<'a>, last: Option<usize>) -> Found<'a> {
        Ok(vec![match expr {
            Expr::Root => self.root.clone(),
            Expr::Current => current.clone(),
            Expr::Last => match last {
                Some(place) => whole(place),
                None => {
                    return Err(Stop::Other(datafusion::common::plan_datafusion_err!(
                        "LAST is allowed only in array subscripts"
                    )));
                }
            },
            Expr::Variable(name) => self.variable(name)?,
            Expr::Null => Json::Null,
            Expr::Bool(value) => Json::Bool(*value),
            Expr::Number(digits) => number(digits),
            Expr::Text(text) => Json::String(text.clone()),
            Expr::Step(from, step) => {
                let mut out = Vec::new();
                for item in self.items(from, current, last)? {
                    self.step(step, &item, !self.strict, &mut out)?;
                }
                return Ok(out);
            }
            predicate => match self.truth(predicate, current, last)? {
                Some(value) => Json::Bool(value),
                None => Json::Null,
            },
        }])
    }

    fn variable(&self, name: &str) -> Result<Json<'a>, Stop> {
        let Json::Object(pairs) = self.variables else {
            return Err(Stop::Other(datafusion::common::exec_datafusion_err!(
                "\"vars\" argument is not an object"
            )));
        };
        match pairs.iter().find(|(key, _)| key == name) {
            Some((_, value)) => Ok(value.clone()),
            None => Err(Stop::Other(datafusion::common::exec_datafusion_err!(
                "could not find jsonpath variable \"{name}\""
            ))),
        }
    }

    /// What a step finds; `unwrap` is whether elements count where an array is.
    fn step(&self, step: &Step, item: &Json<'a>, unwrap: bool, out: &mut Vec<Json<'a>>) -> Result<(), Stop> {
        let spread = matches!(
            step,
            Step::Key(_) | Step::AnyKey | Step::Filter(_) | Step::Abs | Step::Floor | Step::Ceiling
        );
        if let (Json::Array(items), true, true) = (item, spread, unwrap) {
            return items
                .iter()
                .try_for_each(|item| self.step(step, item, false, out));
        }
        match (step, item) {
            (Step::Key(wanted), Json::Object(pairs)) => match pairs.iter().find(|(key, _)| key == wanted) {
                Some((_, value)) => out.push(value.clone()),
                None if self.strict => return missed("JSON object does not contain the key"),
                None => {}
            },
            (Step::Key(_), _) if self.strict => {
                return missed("jsonpath member accessor can only be applied to an object");
            }
            (Step::AnyKey, Json::Object(pairs)) => out.extend(pairs.iter().map(|(_, value)| value.clone())),
            (Step::AnyKey, _) if self.strict => {
                return missed("jsonpath wildcard member accessor can only be applied to an object");
            }
            (Step::Key(_) | Step::AnyKey, _) => {}
            (Step::AnyElement, Json::Array(items)) => out.extend(items.iter().cloned()),
            (Step::AnyElement, _) if self.strict => {
                return missed("jsonpath wildcard array accessor can only be applied to an array");
            }
            (Step::AnyElement, scalar) => out.push(scalar.clone()),
            (Step::Elements(subscripts), item) => {
                let items = match item {
                    Json::Array(items) => items.as_slice(),
                    _ if self.strict => {
                        return missed("jsonpath array accessor can only be applied to an array");
                    }
                    scalar => std::slice::from_ref(scalar),
                };
                for (from, to) in subscripts {
                    self.elements(from, to.as_ref(), item, items, out)?;
                }
            }
            (Step::Filter(filter), item) => {
                if self.truth(filter, item, None)? == Some(true) {
                    out.push(item.clone());
                }
            }
            (Step::Type, item) => out.push(Json::String(super::functions::type_of(item).to_owned())),
            (Step::Size, Json::Array(items)) => out.push(whole(items.len())),
            (Step::Size, _) if self.strict => {
                return missed("jsonpath item method .size() can only be applied to an array");
            }
            (Step::Size, _) => out.push(whole(1)),
            (Step::Abs | Step::Floor | Step::Ceiling, item @ Json::Number(_)) => {
                out.push(number(&rounded(step, &item.to_text()?)));
            }
            (Step::Abs | Step::Floor | Step::Ceiling, _) => {
                return missed("jsonpath item method can only be applied to a numeric value");
            }
        }
        Ok(())
    }

    fn elements(
        &self,
        from: &Expr,
        to: Option<&Expr>,
        item: &Json<'a>,
        items: &[Json<'a>],
        out: &mut Vec<Json<'a>>,
    ) -> Result<(), Stop> {
        let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
        let last = items.len().checked_sub(1);
        let index = |expr: &Expr| -> Result<i64, Stop> {
            if matches!(expr, Expr::Last) && last.is_none() {
                return Ok(-1);
            }
            let found = self.items(expr, item, last)?;
            match found.as_slice() {
                [number @ Json::Number(_)] => {
                    let digits = number.to_text()?;
                    let whole = digits.split_once('.').map_or(digits.as_str(), |(whole, _)| whole);
                    match whole.parse::<i32>() {
                        Ok(index) => Ok(index.into()),
                        Err(_) => missed("jsonpath array subscript is out of integer range"),
                    }
                }
                _ => missed("jsonpath array subscript is not a single numeric value"),
            }
        };
        let first = index(from)?;
        let end = to.map_or(Ok(first), index)?;
        if self.strict && (first < 0 || first > end || end >= length) {
            return missed("jsonpath array subscript is out of bounds");
        }
        let places = first.max(0)..=end.min(length - 1);
        let taken = places
            .filter_map(|place| usize::try_from(place).ok())
            .filter_map(|place| items.get(place));
        out.extend(taken.cloned());
        Ok(())
    }

    /// True, false or unknown.
    fn truth(&self, expr: &Expr, current: &Json<'a>, last: Option<usize>) -> Result<Option<bool>, Stop> {
        Ok(match expr {
            Expr::And(left, right) => match self.truth(left, current, last)? {
                Some(false) => Some(false),
                left => match (left, self.truth(right, current, last)?) {
                    (left, Some(true)) => left,
                    (_, right) => right,
                },
            },
            Expr::Or(left, right) => match self.truth(left, current, last)? {
                Some(true) => Some(true),
                left => match (left, self.truth(right, current, last)?) {
                    (left, Some(false)) => left,
                    (_, right) => right,
                },
            },
            Expr::Not(operand) => self.truth(operand, current, last)?.map(|truth| !truth),
            Expr::IsUnknown(operand) => Some(self.truth(operand, current, last)?.is_none()),
            Expr::Exists(path) => match self.items(path, current, last) {
                Ok(found) => Some(!found.is_empty()),
                Err(Stop::Document(_)) => None,
                Err(other) => return Err(other),
            },
            Expr::Compare(left, operator, right) => {
                let compare = |one: &Json<'_>, other: &Json<'_>| compared(one, *operator, other);
                self.pairs(left, right, true, current, last, &compare)?
            }
            Expr::StartsWith(left, right) => {
                let starts = |one: &Json<'_>, other: &Json<'_>| {
                    Ok(match (one, other) {
                        (Json::String(one), Json::String(other)) => Some(one.starts_with(other.as_str())),
                        _ => None,
                    })
                };
                self.pairs(left, right, false, current, last, &starts)?
            }
            _ => {
                return Err(Stop::Other(datafusion::common::internal_datafusion_err!(
                    "no predicate of jsonpath"
                )));
            }
        })
    }

    /// Whether a condition is true of any pair of items.
    fn pairs(
        &self,
        left: &Expr,
        right: &Expr,
        unwrap: bool,
        current: &Json<'a>,
        last: Option<usize>,
        holds: &dyn Fn(&Json<'_>, &Json<'_>) -> Result<Option<bool>>,
    ) -> Result<Option<bool>, Stop> {
        let side = |expr: &Expr, unwrap: bool| match self.items(expr, current, last) {
            Ok(found) if unwrap && !self.strict => Ok(Some(found.into_iter().flat_map(elements).collect())),
            Ok(found) => Ok(Some(found)),
            Err(Stop::Document(_)) => Ok(None),
            Err(other) => Err(other),
        };
        let (Some(left), Some(right)): (Option<Vec<_>>, Option<Vec<_>>) =
            (side(left, true)?, side(right, unwrap)?)
        else {
            return Ok(None);
        };
        let (mut unknown, mut found) = (false, false);
        for one in &left {
            for other in &right {
                match holds(one, other)? {
                    Some(true) if !self.strict => return Ok(Some(true)),
                    Some(true) => found = true,
                    Some(false) => {}
                    None if self.strict => return Ok(None),
                    None => unknown = true,
                }
            }
        }
        Ok(match (found, unknown) {
            (true, _) => Some(true),
            (false, true) => None,
            (false, false) => Some(false),
        })
    }
}

fn elements(item: Json<'_>) -> Vec<Json<'_>> {
    match item {
        Json::Array(items) => items,
        other => vec![other],
    }
}

fn whole<'a>(value: usize) -> Json<'a> {
    Json::Number(Cow::Owned(value.to_string()))
}

fn number<'a>(digits: &str) -> Json<'a> {
    Json::Number(Cow::Owned(digits.to_owned()))
}

/// The absolute value, or the whole number below or above.
fn rounded(step: &Step, digits: &str) -> String {
    let (negative, size) = match digits.strip_prefix('-') {
        Some(size) => (true, size),
        None => (false, digits),
    };
    if *step == Step::Abs {
        return size.to_owned();
    }
    let (whole, fraction) = size.split_once('.').unwrap_or((size, ""));
    let away = fraction.bytes().any(|digit| digit != b'0') && negative == (*step == Step::Floor);
    let mut out: Vec<u8> = whole.bytes().collect();
    if away {
        let mut carry = true;
        for digit in out.iter_mut().rev() {
            if !carry {
                break;
            }
            carry = *digit == b'9';
            *digit = if carry { b'0' } else { *digit + 1 };
        }
        if carry {
            out.insert(0, b'1');
        }
    }
    let text = String::from_utf8_lossy(&out).into_owned();
    match negative && text.bytes().any(|digit| digit != b'0') {
        true => format!("-{text}"),
        false => text,
    }
}

fn compared(one: &Json<'_>, operator: Compare, other: &Json<'_>) -> Result<Option<bool>> {
    let order = match (one, other) {
        (Json::Null, Json::Null) => std::cmp::Ordering::Equal,
        (Json::Null, _) | (_, Json::Null) => return Ok(Some(operator == Compare::Ne)),
        (Json::Bool(one), Json::Bool(other)) => one.cmp(other),
        (Json::String(one), Json::String(other)) => one.as_bytes().cmp(other.as_bytes()),
        (Json::Number(_), Json::Number(_)) => sort_key(one)?.cmp(&sort_key(other)?),
        _ => return Ok(None),
    };
    Ok(Some(match operator {
        Compare::Eq => order.is_eq(),
        Compare::Ne => order.is_ne(),
        Compare::Lt => order.is_lt(),
        Compare::Le => order.is_le(),
        Compare::Gt => order.is_gt(),
        Compare::Ge => order.is_ge(),
    }))
}
