//! Operators of json and jsonb as functions: `->`, `->>`, `#>`, `#>>`, `@>`, `<@`, `?`, `?|`, `?&` and `-`.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{Placeholder, ScalarFunction};
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{Expr, ExprSchemable, ScalarUDF};
use datafusion::sql::sqlparser::ast::BinaryOperator;

use super::super::arrays;
use super::{Kind, no_operator};

/// Plans the operators.
#[derive(Debug)]
pub(in crate::planner) struct Operators {
    functions: Functions,
}

/// The functions of the family, by name.
#[derive(Debug)]
pub(super) struct Functions(HashMap<String, Arc<ScalarUDF>>);

impl Functions {
    pub(super) fn new() -> Self {
        let named = |function: Arc<ScalarUDF>| (function.name().to_owned(), function);
        Self(radlake_udfs::json::all().into_iter().map(named).collect())
    }

    pub(super) fn call(&self, name: &str, arguments: Vec<Expr>) -> Result<Expr> {
        match self.0.get(name) {
            Some(function) => Ok(Expr::ScalarFunction(ScalarFunction::new_udf(
                Arc::clone(function),
                arguments,
            ))),
            None => datafusion::common::internal_err!("{name} is no function"),
        }
    }
}

impl Operators {
    pub(in crate::planner) fn new() -> Self {
        Self {
            functions: Functions::new(),
        }
    }

    fn plan(&self, kind: Kind, expr: &RawBinaryExpr, schema: &DFSchema) -> Result<Option<Expr>> {
        let RawBinaryExpr { op, left, right } = expr;
        let prefix = kind.name();
        let wanted = match op {
            BinaryOperator::Arrow => Some(part(right, schema, "")),
            BinaryOperator::LongArrow => Some(part(right, schema, "_text")),
            BinaryOperator::HashArrow => texts(right, schema)
                .map(|path| ("extract_path".to_owned(), path))
                .into(),
            BinaryOperator::HashLongArrow => texts(right, schema)
                .map(|path| ("extract_path_text".to_owned(), path))
                .into(),
            BinaryOperator::Question if kind == Kind::Jsonb => {
                text(right, schema).map(|key| ("exists".to_owned(), key)).into()
            }
            BinaryOperator::QuestionPipe if kind == Kind::Jsonb => texts(right, schema)
                .map(|keys| ("exists_any".to_owned(), keys))
                .into(),
            BinaryOperator::QuestionAnd if kind == Kind::Jsonb => texts(right, schema)
                .map(|keys| ("exists_all".to_owned(), keys))
                .into(),
            BinaryOperator::Minus if kind == Kind::Jsonb => Some(
                text(right, schema)
                    .or_else(|| index(right, schema))
                    .or_else(|| list(right, schema))
                    .map(|what| ("delete".to_owned(), what)),
            ),
            BinaryOperator::HashMinus if kind == Kind::Jsonb => texts(right, schema)
                .map(|path| ("delete_path".to_owned(), path))
                .into(),
            BinaryOperator::AtQuestion if kind == Kind::Jsonb => text(right, schema)
                .map(|path| ("path_exists_opr".to_owned(), path))
                .into(),
            BinaryOperator::AtAt if kind == Kind::Jsonb => text(right, schema)
                .map(|path| ("path_match_opr".to_owned(), path))
                .into(),
            BinaryOperator::HashMinus
            | BinaryOperator::AtQuestion
            | BinaryOperator::AtAt
            | BinaryOperator::Question
            | BinaryOperator::QuestionPipe
            | BinaryOperator::QuestionAnd
            | BinaryOperator::Minus
            | BinaryOperator::Plus
            | BinaryOperator::Multiply
            | BinaryOperator::Divide
            | BinaryOperator::Modulo => Some(None),
            _ => None,
        };
        match wanted {
            Some(Some((name, other))) => self
                .functions
                .call(&format!("{prefix}_{name}"), vec![left.clone(), other])
                .map(Some),
            Some(None) => no_operator(left, op, right, schema),
            None => Ok(None),
        }
    }

    /// `@>` and `<@`, whose operands are both jsonb.
    fn containment(&self, expr: &RawBinaryExpr, schema: &DFSchema) -> Result<Expr> {
        let RawBinaryExpr { op, left, right } = expr;
        let (Some(first), Some(second)) = (self.document(left, schema)?, self.document(right, schema)?)
        else {
            return no_operator(left, op, right, schema);
        };
        let name = match op {
            BinaryOperator::AtArrow => "jsonb_contains",
            _ => "jsonb_contained",
        };
        self.functions.call(name, vec![first, second])
    }

    fn document(&self, expr: &Expr, schema: &DFSchema) -> Result<Option<Expr>> {
        document(&self.functions, expr, schema)
    }
}

/// A jsonb, or what has no type yet and becomes one.
pub(super) fn document(functions: &Functions, expr: &Expr, schema: &DFSchema) -> Result<Option<Expr>> {
    Ok(match expr {
        Expr::Literal(ScalarValue::Utf8(Some(text)), _) => {
            let normal = radlake_udfs::json::literal(text, true)?;
            let literal = Expr::Literal(ScalarValue::Utf8(Some(normal)), None);
            Some(functions.call("jsonb_in", vec![literal])?)
        }
        Expr::Literal(value, _) if value.is_null() => {
            Some(functions.call("jsonb_in", vec![Expr::Literal(ScalarValue::Utf8(None), None)])?)
        }
        Expr::Placeholder(_) => match text(expr, schema) {
            Some(text) => Some(functions.call("jsonb_in", vec![text])?),
            None => None,
        },
        other if Kind::of_planned(other, schema) == Some(Kind::Jsonb) => Some(other.clone()),
        _ => None,
    })
}

impl ExprPlanner for Operators {
    fn plan_binary_op(&self, expr: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        if let BinaryOperator::Custom(mark) = &expr.op
            && let Some(planned) = super::whole::planned(mark, &expr.left, schema)?
        {
            return Ok(PlannerResult::Planned(planned));
        }
        let is_containment = matches!(expr.op, BinaryOperator::AtArrow | BinaryOperator::ArrowAt);
        let right = is_containment
            .then(|| Kind::of_planned(&expr.right, schema))
            .flatten();
        let planned = match Kind::of_planned(&expr.left, schema) {
            Some(_) if is_containment => Some(self.containment(&expr, schema)?),
            None if right.is_some() => Some(self.containment(&expr, schema)?),
            Some(kind) => self.plan(kind, &expr, schema)?,
            None => None,
        };
        Ok(match planned {
            Some(planned) => PlannerResult::Planned(planned),
            None => PlannerResult::Original(expr),
        })
    }
}

/// What `->` takes: a key or an index; with the name of its function.
fn part(right: &Expr, schema: &DFSchema, suffix: &str) -> Option<(String, Expr)> {
    if let Some(key) = text(right, schema) {
        return Some((format!("object_field{suffix}"), key));
    }
    index(right, schema).map(|place| (format!("array_element{suffix}"), place))
}

/// A text, or what has no type yet and becomes one.
fn text(expr: &Expr, schema: &DFSchema) -> Option<Expr> {
    match expr {
        Expr::Placeholder(Placeholder { id, field }) => {
            let known = field.as_ref().map(|field| field.data_type());
            let text = known.is_none_or(|known| known.is_string() || known.is_null());
            text.then(|| {
                Expr::Placeholder(Placeholder {
                    id: id.clone(),
                    field: Some(Arc::new(Field::new("", DataType::Utf8, true))),
                })
            })
        }
        Expr::Literal(value, _) if value.is_null() => Some(Expr::Literal(ScalarValue::Utf8(None), None)),
        other => {
            let is_text = other.get_type(schema).is_ok_and(|found| found.is_string());
            let is_document =
                Kind::of_planned(other, schema).is_some() && !matches!(other, Expr::Literal(..));
            (is_text && !is_document).then(|| other.clone())
        }
    }
}

/// An `int2` or `int4`, or a literal that fits.
fn index(expr: &Expr, schema: &DFSchema) -> Option<Expr> {
    let literal = |expr: &Expr| match expr {
        Expr::Literal(ScalarValue::Int64(Some(value)), _) => i32::try_from(*value).ok(),
        _ => None,
    };
    let value = match expr {
        Expr::Negative(inner) => literal(inner).map(|value| -value),
        other => literal(other),
    };
    if let Some(value) = value {
        return Some(Expr::Literal(ScalarValue::Int32(Some(value)), None));
    }
    let narrow = matches!(
        expr.get_type(schema),
        Ok(DataType::Int8 | DataType::Int16 | DataType::Int32)
    );
    narrow.then(|| expr.clone())
}

fn list(expr: &Expr, schema: &DFSchema) -> Option<Expr> {
    let is_list = matches!(expr.get_type(schema), Ok(DataType::List(item)) if item.data_type().is_string() || item.data_type().is_null());
    is_list.then(|| expr.clone())
}

/// An array of texts, or a text without a type that spells one.
fn texts(expr: &Expr, schema: &DFSchema) -> Option<Expr> {
    match expr {
        Expr::Literal(ScalarValue::Utf8(_), _) | Expr::Placeholder(Placeholder { field: None, .. }) => {
            let function = Arc::new(arrays::function());
            let text = text(expr, schema)?;
            Some(Expr::ScalarFunction(ScalarFunction::new_udf(
                function,
                vec![text],
            )))
        }
        Expr::Literal(value, _) if value.is_null() => Some(Expr::Literal(
            ScalarValue::new_null_list(DataType::Utf8, true, 1),
            None,
        )),
        other => list(other, schema),
    }
}
