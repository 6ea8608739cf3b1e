//! What has no type of its own beside a uuid is one, and is read as it.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::expr::{Cast, ScalarFunction};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan, Operator, Projection, ScalarUDF, Union};
use datafusion::optimizer::AnalyzerRule;
use radlake_udfs::types;

use super::super::expressions;
use crate::Error;

/// Functions whose arguments are of one type, or an array and elements of it.
const OF_ONE_TYPE: &[&str] = &[
    "array_append",
    "array_has",
    "array_position",
    "array_positions",
    "array_prepend",
    "array_remove",
    "array_replace",
    "coalesce",
    "greatest",
    "in_array",
    "least",
    "make_array",
    "nullif",
];

/// The rule. It is to run before types are made to agree, and when sub-queries in conditions have become comparisons.
#[derive(Debug)]
pub(in crate::planner) struct Uuids {
    one: Option<Arc<ScalarUDF>>,
    many: Option<Arc<ScalarUDF>>,
}

impl Uuids {
    pub(in crate::planner) fn new() -> Self {
        let named = |name: &str| types::all().into_iter().find(|function| function.name() == name);
        Self {
            one: named("uuid_in"),
            many: named("uuid_array_in"),
        }
    }
}

impl AnalyzerRule for Uuids {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        if !concerns(&plan)? {
            return Ok(plan);
        }
        expressions::rewrite_nodes(plan, |plan| self.node(plan))
    }

    fn name(&self) -> &str {
        "uuids"
    }
}

/// Whether a plan has to do with the type.
fn concerns(plan: &LogicalPlan) -> Result<bool> {
    expressions::holds(
        plan,
        is_field,
        |expr| matches!(expr, Expr::ScalarFunction(call) if call.func.name().starts_with("uuid_")),
    )
}

/// A uuid, or an array of them.
fn is_field(field: &Field) -> bool {
    match field.data_type() {
        DataType::FixedSizeBinary(16) => true,
        DataType::Utf8 | DataType::List(_) => {
            let named = field.metadata().get("pg_type");
            named.is_some_and(|named| named == "uuid" || named == "_uuid")
        }
        _ => false,
    }
}

/// Whether a planned expression is of the type, or an array of it. A cast of the engine's keeps the metadata of what it casts.
fn is_uuid(expr: &Expr, schema: &DFSchema) -> bool {
    match expr {
        Expr::Alias(alias) => is_uuid(&alias.expr, schema),
        Expr::Cast(_) | Expr::TryCast(_) | Expr::Literal(..) | Expr::Placeholder(_) => false,
        Expr::ScalarSubquery(subquery) => {
            let fields = subquery.subquery.schema().fields();
            fields.first().is_some_and(|field| is_field(field))
        }
        other => other.to_field(schema).is_ok_and(|(_, field)| is_field(&field)),
    }
}

/// Whether it is kept as bytes: in tables that others wrote.
fn is_bytes(expr: &Expr, schema: &DFSchema) -> bool {
    let found = expr.get_type(schema);
    found.is_ok_and(|found| matches!(found, DataType::FixedSizeBinary(16)))
}

fn undefined<T>(operator: impl std::fmt::Display) -> Result<T> {
    Err(Error::undefined_operator(operator).into())
}

impl Uuids {
    fn node(&self, plan: LogicalPlan) -> Result<LogicalPlan> {
        let mut schema = merge_schema(&plan.inputs());
        schema.merge(plan.schema());
        let names = NamePreserver::new(&plan);
        let plan = plan
            .map_expressions(|expr| {
                let name = names.save(&expr);
                let rewritten = expr.transform_up(|expr| self.one(expr, &schema))?;
                Ok(rewritten.update_data(|expr| name.restore(expr)))
            })
            .data()?;
        match plan {
            LogicalPlan::Union(union) => self.union(union),
            other => Ok(other),
        }
    }

    /// Inputs of UNION have the types of one another.
    fn union(&self, mut union: Union) -> Result<LogicalPlan> {
        for at in 0..union.schema.fields().len() {
            let is = |input: &Arc<LogicalPlan>| input.schema().fields().get(at).is_some_and(|f| is_field(f));
            if !union.inputs.iter().any(is) {
                continue;
            }
            for input in &mut union.inputs {
                let LogicalPlan::Projection(projection) = input.as_ref() else {
                    continue;
                };
                let mut expressions = projection.expr.clone();
                let Some(expr) = expressions.get_mut(at) else {
                    continue;
                };
                let name = NamePreserver::new(input.as_ref()).save(expr);
                let mut literal = expr.clone().unalias();
                if !matches!(literal, Expr::Literal(..)) {
                    continue;
                }
                self.read(&mut literal)?;
                *expr = name.restore(call(self.one.as_ref(), literal));
                let projection = Projection::try_new(expressions, Arc::clone(&projection.input))?;
                *input = Arc::new(LogicalPlan::Projection(projection));
            }
        }
        Ok(LogicalPlan::Union(union))
    }

    fn one(&self, expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
        match expr {
            Expr::BinaryExpr(mut binary) if expressions::is_comparison(binary.op) => {
                let mut values = [binary.left.as_mut(), binary.right.as_mut()];
                let done = self.agree(&mut values, schema)?;
                Ok(Transformed::new_transformed(Expr::BinaryExpr(binary), done))
            }
            Expr::BinaryExpr(binary) if is_pattern(binary.op) && is_uuid(&binary.left, schema) => {
                undefined(format!("uuid {} unknown", binary.op))
            }
            Expr::Like(like) if is_uuid(&like.expr, schema) => undefined("uuid ~~ unknown"),
            Expr::InList(mut list) => {
                let mut values: Vec<&mut Expr> = list.list.iter_mut().collect();
                values.push(list.expr.as_mut());
                let done = self.agree(&mut values, schema)?;
                Ok(Transformed::new_transformed(Expr::InList(list), done))
            }
            Expr::Between(mut between) => {
                let mut values = [between.expr.as_mut(), between.low.as_mut(), between.high.as_mut()];
                let done = self.agree(&mut values, schema)?;
                Ok(Transformed::new_transformed(Expr::Between(between), done))
            }
            Expr::Case(mut case) => {
                if let Some(base) = case.expr.as_deref_mut() {
                    let whens = case.when_then_expr.iter_mut().map(|(when, _)| when.as_mut());
                    let mut values: Vec<&mut Expr> = whens.chain([base]).collect();
                    let _ = self.agree(&mut values, schema)?;
                }
                let results = case.when_then_expr.iter_mut().map(|(_, then)| then.as_mut());
                let mut results: Vec<&mut Expr> = results.chain(case.else_expr.as_deref_mut()).collect();
                let is_one = self.agree(&mut results, schema)?;
                let case = Expr::Case(case);
                Ok(Transformed::yes(match is_one && is_text(&case, schema) {
                    true => call(self.one.as_ref(), case),
                    false => case,
                }))
            }
            Expr::ScalarFunction(call) => self.function(call, schema),
            Expr::AggregateFunction(call)
                if matches!(call.func.name(), "min" | "max")
                    && call.params.args.iter().any(|argument| is_uuid(argument, schema)) =>
            {
                Err(Error::UndefinedFunction {
                    name: format!("{}(uuid)", call.func.name()),
                    hint: None,
                    position: None,
                }
                .into())
            }
            other => Ok(Transformed::no(other)),
        }
    }

    fn function(&self, mut function: ScalarFunction, schema: &DFSchema) -> Result<Transformed<Expr>> {
        let name = function.func.name();
        if let ("uuid_in", [value]) = (name, function.args.as_slice()) {
            let found = value.get_type(schema)?;
            if !found.is_string() && !found.is_null() && !is_bytes(value, schema) {
                let found = crate::pg_catalog::pg_type_of(&Field::new("", found, true));
                let found = crate::pg_catalog::types::format_builtin(found.oid, -1).unwrap_or_default();
                return Err(Error::CannotCast(format!("cannot cast type {found} to uuid")).into());
            }
        }
        if !OF_ONE_TYPE.contains(&name) {
            return Ok(Transformed::no(Expr::ScalarFunction(function)));
        }
        let is_choice = matches!(name, "coalesce" | "nullif" | "greatest" | "least");
        let mut values: Vec<&mut Expr> = function.args.iter_mut().collect();
        let is_one = self.agree(&mut values, schema)?;
        let chosen = Expr::ScalarFunction(function);
        Ok(match is_one && is_choice && is_text(&chosen, schema) {
            true => Transformed::yes(call(self.one.as_ref(), chosen)),
            false => Transformed::new_transformed(chosen, is_one),
        })
    }

    /// Reads what has no type among values of one type, if one of them is a uuid. Whether one is.
    fn agree(&self, values: &mut [&mut Expr], schema: &DFSchema) -> Result<bool> {
        if !values.iter().any(|value| is_uuid(value, schema)) {
            return Ok(false);
        }
        for value in values.iter_mut() {
            if is_uuid(value, schema) {
                // Bytes and texts are compared as texts.
                if is_bytes(value, schema) {
                    let bytes = std::mem::take(*value);
                    **value = call(self.one.as_ref(), bytes);
                }
                continue;
            }
            if let Expr::Cast(Cast { expr, field }) = &**value
                && field.data_type().is_string()
                && !matches!(expr.as_ref(), Expr::Placeholder(_))
            {
                return undefined("uuid = text");
            }
            self.read(value)?;
        }
        Ok(true)
    }

    /// Reads a literal, or an array of them.
    fn read(&self, value: &mut Expr) -> Result<()> {
        match value {
            Expr::Literal(ScalarValue::Utf8(Some(text)), _) => *text = types::uuid(text)?,
            Expr::Literal(ScalarValue::List(array), _) if is_texts(array.value_type()) => {
                let list = std::mem::take(value);
                *value = call(self.many.as_ref(), list);
            }
            Expr::ScalarFunction(array) if array.func.name() == "make_array" => {
                array.args.iter_mut().try_for_each(|element| self.read(element))?;
            }
            _ => {}
        }
        Ok(())
    }
}

fn is_texts(data_type: DataType) -> bool {
    data_type == DataType::Utf8
}

fn is_text(expr: &Expr, schema: &DFSchema) -> bool {
    expr.get_type(schema).is_ok_and(|found| found.is_string())
}

const fn is_pattern(op: Operator) -> bool {
    matches!(
        op,
        Operator::RegexMatch
            | Operator::RegexIMatch
            | Operator::RegexNotMatch
            | Operator::RegexNotIMatch
            | Operator::LikeMatch
            | Operator::ILikeMatch
            | Operator::NotLikeMatch
            | Operator::NotILikeMatch
    )
}

fn call(function: Option<&Arc<ScalarUDF>>, value: Expr) -> Expr {
    match function {
        Some(function) => Expr::ScalarFunction(ScalarFunction::new_udf(Arc::clone(function), vec![value])),
        None => value,
    }
}
