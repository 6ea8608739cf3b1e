//! The type vector: casts (on the syntax tree) and operators (while a statement is planned) become functions.
//!
//! See [`radlake_udfs::vectors`] for the two forms that vectors have.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType as ArrowType, Field};
use datafusion::common::{DFSchema, Result as Planned, ScalarValue, internal_err};
use datafusion::logical_expr::expr::{Placeholder, ScalarFunction};
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{BinaryExpr, Expr as Plan, ExprSchemable, Operator, ScalarUDF};
use radlake_sql::ast::{ArrayElemTypeDef, BinaryOperator, CastKind, DataType, Expr, Value};
use radlake_udfs::vectors::{self, MAX_DIMENSIONS, Metric, TYPE};

use super::dialect::{call, null};
use crate::pg_catalog::{pg_type_of, type_name};
use crate::{Error, Result};

/// Rewrites a cast to vector.
///
/// # Errors
/// What is wrong with a literal or with the dimensions; [`Error::Unsupported`] for arrays of vectors.
pub(super) fn rewrite(expr: &mut Expr) -> Result<()> {
    let (value, wanted) = match expr {
        Expr::Cast {
            kind: CastKind::Cast | CastKind::DoubleColon,
            expr: inner,
            data_type,
            ..
        } => match named(data_type)? {
            Some(wanted) => (std::mem::replace(inner.as_mut(), null()), wanted),
            None => return Ok(()),
        },
        Expr::TypedString(typed) => match named(&typed.data_type)? {
            Some(wanted) => (Expr::Value(typed.value.clone()), wanted),
            None => return Ok(()),
        },
        _ => return Ok(()),
    };
    let (value, found) = read(value)?;
    if let (Some(expected), Some(found)) = (wanted, found)
        && expected != found
    {
        return Err(vectors::VectorError::WrongDimensions { expected, found }.into());
    }
    let mut arguments = vec![value];
    if let Some(dimensions) = wanted.or(found) {
        arguments.push(Expr::Value(Value::Number(dimensions.to_string(), false).into()));
    }
    *expr = call("vector_in", arguments);
    Ok(())
}

/// Whether a type is a vector, and of how many dimensions if it says so.
fn named(data_type: &DataType) -> Result<Option<Option<usize>>> {
    match data_type {
        DataType::Custom(name, modifiers) if type_name(name).is_some_and(|name| name == TYPE) => {
            match modifiers.as_slice() {
                [] => Ok(Some(None)),
                [digits] => dimensions(digits).map(|dimensions| Some(Some(dimensions))),
                _ => Err(Error::InvalidParameter("invalid type modifier".to_owned())),
            }
        }
        DataType::Array(
            ArrayElemTypeDef::SquareBracket(element, _) | ArrayElemTypeDef::AngleBracket(element),
        ) => match named(element)? {
            Some(_) => Err(Error::unsupported("arrays of vectors")),
            None => Ok(None),
        },
        _ => Ok(None),
    }
}

fn dimensions(digits: &str) -> Result<usize> {
    match digits.parse::<i64>().map(usize::try_from) {
        Ok(Ok(0) | Err(_)) => Err(Error::InvalidParameter(
            "dimensions for type vector must be at least 1".to_owned(),
        )),
        Ok(Ok(dimensions)) if dimensions <= MAX_DIMENSIONS => Ok(dimensions),
        Ok(Ok(_)) => Err(Error::InvalidParameter(format!(
            "dimensions for type vector cannot exceed {MAX_DIMENSIONS}"
        ))),
        Err(_) => Err(Error::InvalidParameter("invalid type modifier".to_owned())),
    }
}

/// A value that becomes a vector, with its dimensions if they are seen. A literal is read at once: it is an error whether or not
/// there are rows.
fn read(expr: Expr) -> Result<(Expr, Option<usize>)> {
    match expr {
        Expr::Nested(inner) => read(*inner),
        Expr::Value(mut value) => {
            let mut found = None;
            match &mut value.value {
                Value::SingleQuotedString(text) => {
                    let vector = vectors::parse(text)?;
                    *text = vectors::print(&vector);
                    found = Some(vector.len());
                }
                Value::Placeholder(_) => {
                    let text = Expr::Cast {
                        kind: CastKind::DoubleColon,
                        expr: Box::new(Expr::Value(value)),
                        data_type: DataType::Text,
                        array: false,
                        format: None,
                    };
                    return Ok((text, None));
                }
                _ => {}
            }
            Ok((Expr::Value(value), found))
        }
        Expr::Array(array) => {
            let found = Some(array.elem.len()).filter(|found| *found > 0);
            Ok((Expr::Array(array), found))
        }
        other => Ok((other, None)),
    }
}

/// Whether a planned expression is a vector. A cast of the engine's keeps the metadata of what it casts.
fn is_vector(expr: &Plan, schema: &DFSchema) -> bool {
    let is_field = |field: &Field| {
        vectors::dimensions(field.data_type()).is_some()
            || field.data_type().is_string()
                && field.metadata().get("pg_type").is_some_and(|named| named == TYPE)
    };
    match expr {
        Plan::Alias(alias) => is_vector(&alias.expr, schema),
        Plan::Placeholder(_) => false,
        Plan::Literal(value, _) => vectors::dimensions(&value.data_type()).is_some(),
        Plan::Cast(cast) => vectors::dimensions(cast.field.data_type()).is_some(),
        Plan::ScalarSubquery(subquery) => {
            let fields = subquery.subquery.schema().fields();
            fields.first().is_some_and(|field| is_field(field))
        }
        other => other.to_field(schema).is_ok_and(|(_, field)| is_field(&field)),
    }
}

/// Plans the operators.
#[derive(Debug)]
pub(super) struct Operators {
    functions: HashMap<String, Arc<ScalarUDF>>,
}

impl Operators {
    pub(super) fn new() -> Self {
        let named = |function: Arc<ScalarUDF>| (function.name().to_owned(), function);
        Self {
            functions: vectors::all().into_iter().map(named).collect(),
        }
    }

    fn call(&self, name: &str, arguments: Vec<Plan>) -> Planned<Plan> {
        match self.functions.get(name) {
            Some(function) => Ok(Plan::ScalarFunction(ScalarFunction::new_udf(
                Arc::clone(function),
                arguments,
            ))),
            None => internal_err!("{name} is no function"),
        }
    }

    fn plan(&self, expr: &RawBinaryExpr, schema: &DFSchema) -> Planned<Option<Plan>> {
        let RawBinaryExpr { op, left, right } = expr;
        let metric = match op {
            BinaryOperator::Custom(operator) => Metric::of_operator(operator),
            _ => None,
        };
        let compared = match op {
            BinaryOperator::Eq => Some(Operator::Eq),
            BinaryOperator::NotEq => Some(Operator::NotEq),
            BinaryOperator::Lt => Some(Operator::Lt),
            BinaryOperator::LtEq => Some(Operator::LtEq),
            BinaryOperator::Gt => Some(Operator::Gt),
            BinaryOperator::GtEq => Some(Operator::GtEq),
            _ => None,
        };
        let is_one = is_vector(left, schema) || is_vector(right, schema);
        if metric.is_none() && !is_one {
            return Ok(None);
        }
        let (Some(a), Some(b), true) = (vector(left, schema)?, vector(right, schema)?, is_one) else {
            return undefined(left, op, right, schema);
        };
        match (metric, compared) {
            (Some(metric), _) => self.call(vectors::function_of(metric), vec![a, b]).map(Some),
            (None, Some(operator)) => {
                let order = self.call("vector_cmp", vec![a, b])?;
                let zero = Plan::Literal(ScalarValue::Int32(Some(0)), None);
                Ok(Some(Plan::BinaryExpr(BinaryExpr::new(
                    Box::new(order),
                    operator,
                    Box::new(zero),
                ))))
            }
            (None, None)
                if matches!(
                    op,
                    BinaryOperator::Plus
                        | BinaryOperator::Minus
                        | BinaryOperator::Multiply
                        | BinaryOperator::StringConcat
                ) =>
            {
                Err(Error::Unsupported {
                    what: format!("vector {op} vector"),
                    hint: Some("Cast to real[] and compute with its elements.".to_owned()),
                }
                .into())
            }
            (None, None) => undefined(left, op, right, schema),
        }
    }
}

impl ExprPlanner for Operators {
    fn plan_binary_op(
        &self,
        expr: RawBinaryExpr,
        schema: &DFSchema,
    ) -> Planned<PlannerResult<RawBinaryExpr>> {
        Ok(match self.plan(&expr, schema)? {
            Some(planned) => PlannerResult::Planned(planned),
            None => PlannerResult::Original(expr),
        })
    }
}

/// A vector, or what has no type yet and becomes one.
fn vector(expr: &Plan, schema: &DFSchema) -> Planned<Option<Plan>> {
    Ok(match expr {
        Plan::Literal(ScalarValue::Utf8(Some(text)), metadata) if metadata.is_none() => {
            let read = vectors::parse(text).map_err(Error::from)?;
            let text = ScalarValue::Utf8(Some(vectors::print(&read)));
            Some(Plan::Literal(text, None))
        }
        Plan::Literal(value, _) if value.is_null() => Some(Plan::Literal(ScalarValue::Utf8(None), None)),
        Plan::Placeholder(Placeholder { id, field }) => {
            let known = field.as_ref().map(|field| field.data_type());
            let text = known.is_none_or(|known| known.is_string() || known.is_null());
            text.then(|| {
                Plan::Placeholder(Placeholder {
                    id: id.clone(),
                    field: Some(Arc::new(Field::new("", ArrowType::Utf8, true))),
                })
            })
        }
        other => is_vector(other, schema).then(|| other.clone()),
    })
}

fn undefined<T>(left: &Plan, op: &BinaryOperator, right: &Plan, schema: &DFSchema) -> Planned<T> {
    let name = |expr: &Plan| match expr {
        Plan::Literal(value, _) if value.data_type().is_string() || value.is_null() => "unknown".to_owned(),
        Plan::Placeholder(_) => "unknown".to_owned(),
        other if is_vector(other, schema) => TYPE.to_owned(),
        other => other.get_type(schema).map_or_else(
            |_| "unknown".to_owned(),
            |found| {
                let pg = pg_type_of(&Field::new("", found, true));
                crate::pg_catalog::types::format_builtin(pg.oid, -1).unwrap_or_else(|| "unknown".to_owned())
            },
        ),
    };
    Err(Error::undefined_operator(format!("{} {op} {}", name(left), name(right))).into())
}
