//! Enumerations where they are compared, sorted, chosen from and cast.
//!
//! They are texts to the engine, which sorts texts by their letters: here whatever asks for an order asks for the labels' places. What
//! stands beside one without a type of its own is read as one of the labels.

mod functions;

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Column, DFSchema, Result, ScalarValue, not_impl_err};
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::expr::{Cast, ScalarFunction, Sort};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{
    Distinct, Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, Operator, Projection, ScalarUDF, Union,
    Unnest,
};
use datafusion::optimizer::AnalyzerRule;

use functions::{AT, OUT, PLACE};
pub(super) use functions::{IN, functions};

use super::expressions;
use crate::Error;
use crate::enumeration::Enumeration;
use crate::pg_catalog::types::PG_TYPE_KEY;

/// The rule. It is to run before types are made to agree.
#[derive(Debug)]
pub(super) struct Enums {
    read: Arc<ScalarUDF>,
    written: Arc<ScalarUDF>,
    place: Arc<ScalarUDF>,
    at: Arc<ScalarUDF>,
}

impl Enums {
    pub(super) fn new() -> Self {
        Self {
            read: functions::function(IN),
            written: functions::function(OUT),
            place: functions::function(PLACE),
            at: functions::function(AT),
        }
    }
}

impl AnalyzerRule for Enums {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        let concerns = expressions::holds(
            &plan,
            |field| {
                field
                    .metadata()
                    .get(PG_TYPE_KEY)
                    .is_some_and(|name| Enumeration::is_one(name))
            },
            |expr| matches!(expr, Expr::ScalarFunction(call) if call.func.name().starts_with("enum_")),
        )?;
        match concerns {
            true => expressions::rewrite_nodes(plan, |plan| self.node(plan)),
            false => Ok(plan),
        }
    }

    fn name(&self) -> &str {
        "enums"
    }
}

/// Functions that give one of their arguments.
const CHOICES: &[&str] = &["coalesce", "nullif", "greatest", "least"];

/// The type of a planned expression, if it is an enumeration. A cast of the engine's keeps the metadata of what it casts.
fn of(expr: &Expr, schema: &DFSchema) -> Option<Enumeration> {
    match expr {
        Expr::Alias(alias) => of(&alias.expr, schema),
        Expr::Cast(_) | Expr::TryCast(_) | Expr::Literal(..) | Expr::Placeholder(_) => None,
        Expr::ScalarSubquery(subquery) => {
            let fields = subquery.subquery.schema().fields();
            fields.first().and_then(|field| Enumeration::of(field))
        }
        Expr::Case(case) => {
            let results = case.when_then_expr.iter().map(|(_, then)| then.as_ref());
            results
                .chain(case.else_expr.as_deref())
                .find_map(|result| of(result, schema))
        }
        Expr::ScalarFunction(call) if CHOICES.contains(&call.func.name()) => {
            call.args.iter().find_map(|argument| of(argument, schema))
        }
        other => other
            .to_field(schema)
            .ok()
            .and_then(|(_, field)| Enumeration::of(&field)),
    }
}

/// The type of the elements of a planned array, if it is an enumeration.
fn of_elements(expr: &Expr, schema: &DFSchema) -> Option<Enumeration> {
    match expr {
        Expr::Alias(alias) => of_elements(&alias.expr, schema),
        Expr::Cast(_) | Expr::TryCast(_) | Expr::Literal(..) | Expr::Placeholder(_) => None,
        other => {
            let (_, field) = other.to_field(schema).ok()?;
            let name = field.metadata().get(PG_TYPE_KEY)?;
            Enumeration::named(name.strip_prefix('_')?)
        }
    }
}

fn undefined<T>(operator: impl std::fmt::Display) -> Result<T> {
    Err(Error::undefined_operator(operator).into())
}

/// The text of a literal; none for NULL.
fn literal(expr: &Expr) -> std::result::Result<Option<&str>, ()> {
    match expr {
        Expr::Literal(ScalarValue::Utf8(text), _) => Ok(text.as_deref()),
        Expr::Literal(value, _) if value.is_null() => Ok(None),
        _ => Err(()),
    }
}

/// Refuses to sort arrays of an enumeration, whose elements are texts.
fn unordered(expr: &Expr, schema: &DFSchema) -> Result<()> {
    match of_elements(expr, schema) {
        Some(of) => not_impl_err!("the order of arrays of the enum {}", of.name),
        None => Ok(()),
    }
}

/// Whether an operator asks which of two values comes first.
const fn orders(op: Operator) -> bool {
    matches!(op, Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq)
}

impl Enums {
    fn call(function: &Arc<ScalarUDF>, value: Expr, of: &Enumeration) -> Expr {
        let of = Expr::Literal(ScalarValue::Utf8(Some(of.to_string())), None);
        Expr::ScalarFunction(ScalarFunction::new_udf(Arc::clone(function), vec![value, of]))
    }

    fn placed(&self, value: &mut Expr, of: &Enumeration) {
        let inner = std::mem::take(value);
        *value = Self::call(&self.place, inner, of);
    }

    fn sorted(&self, keys: &mut [Sort], schema: &DFSchema) {
        for key in keys {
            if let Some(of) = of(&key.expr, schema) {
                self.placed(&mut key.expr, &of);
            }
        }
    }

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
            LogicalPlan::Sort(mut sort) => {
                let schema = Arc::clone(sort.input.schema());
                sort.expr
                    .iter()
                    .try_for_each(|key| unordered(&key.expr, &schema))?;
                self.sorted(&mut sort.expr, &schema);
                Ok(LogicalPlan::Sort(sort))
            }
            LogicalPlan::Distinct(Distinct::On(mut distinct)) => {
                let schema = Arc::clone(distinct.input.schema());
                // Both alike: what is told apart by must be what is sorted by first.
                for key in &mut distinct.on_expr {
                    if let Some(of) = of(key, &schema) {
                        self.placed(key, &of);
                    }
                }
                if let Some(keys) = &mut distinct.sort_expr {
                    self.sorted(keys, &schema);
                }
                Ok(LogicalPlan::Distinct(Distinct::On(distinct)))
            }
            LogicalPlan::Aggregate(_) => self.extremes(plan),
            LogicalPlan::Unnest(unnest) => self.elements(unnest),
            LogicalPlan::Union(union) => self.union(union),
            other => Ok(other),
        }
    }

    /// `min` and `max` are those of the places, and shown as labels above.
    fn extremes(&self, plan: LogicalPlan) -> Result<LogicalPlan> {
        let LogicalPlan::Aggregate(mut aggregate) = plan else {
            return Ok(plan);
        };
        let input = Arc::clone(aggregate.input.schema());
        let groups = aggregate.schema.fields().len() - aggregate.aggr_expr.len();
        let mut changed = Vec::new();
        for (at, expr) in aggregate.aggr_expr.iter_mut().enumerate() {
            let name = expr.schema_name().to_string();
            let inner = std::mem::take(expr).unalias();
            let found = match &inner {
                Expr::AggregateFunction(call) if matches!(call.func.name(), "min" | "max") => {
                    let argument = call.params.args.first();
                    argument.map_or(Ok(()), |argument| unordered(argument, &input))?;
                    argument
                        .and_then(|argument| of(argument, &input))
                        .map(|of| (of, false))
                }
                Expr::AggregateFunction(call) if call.func.name() == "array_agg" => {
                    let argument = call.params.args.first();
                    argument
                        .and_then(|argument| of(argument, &input))
                        .map(|of| (of, true))
                }
                _ => None,
            };
            *expr = match (inner, found) {
                (Expr::AggregateFunction(mut call), Some((of, list))) => {
                    if let Some(argument) = call.params.args.first_mut().filter(|_| !list) {
                        self.placed(argument, &of);
                    }
                    changed.push((groups + at, of, list));
                    Expr::AggregateFunction(call).alias(&name)
                }
                (inner, _) if inner.schema_name().to_string() == name => inner,
                (inner, _) => inner.alias(&name),
            };
        }
        if changed.is_empty() {
            return Ok(LogicalPlan::Aggregate(aggregate));
        }
        let plan = LogicalPlan::Aggregate(aggregate).recompute_schema()?;
        let columns: Vec<Column> = plan.schema().columns();
        let shown = columns.into_iter().enumerate().map(|(at, column)| {
            let name = column.name.clone();
            let column = Expr::Column(column);
            match changed.iter().find(|(changed, ..)| *changed == at) {
                Some((_, of, true)) => Self::call(&self.read, column, of).alias(name),
                Some((_, of, false)) => Self::call(&self.at, column, of).alias(name),
                None => column,
            }
        });
        let shown: Vec<Expr> = shown.collect();
        LogicalPlanBuilder::from(plan).project(shown)?.build()
    }

    /// What comes out of an array of an enumeration is of it too.
    fn elements(&self, unnest: Unnest) -> Result<LogicalPlan> {
        let input = unnest.input.schema();
        let lists = unnest.list_type_columns.iter().filter_map(|(at, list)| {
            let name = input.field(*at).metadata().get(PG_TYPE_KEY)?;
            let of = Enumeration::named(name.strip_prefix('_')?)?;
            (list.depth == 1).then(|| (list.output_column.clone(), of))
        });
        let lists: Vec<(Column, Enumeration)> = lists.collect();
        if lists.is_empty() {
            return Ok(LogicalPlan::Unnest(unnest));
        }
        let columns = unnest.schema.columns().into_iter().map(|column| {
            match lists.iter().find(|(list, _)| list.name == column.name) {
                Some((_, of)) => {
                    let (relation, name) = (column.relation.clone(), column.name.clone());
                    Self::call(&self.read, Expr::Column(column), of).alias_qualified(relation, name)
                }
                None => Expr::Column(column),
            }
        });
        let columns: Vec<Expr> = columns.collect();
        LogicalPlanBuilder::from(LogicalPlan::Unnest(unnest))
            .project(columns)?
            .build()
    }

    /// Literals of UNION's inputs are read as what the others give.
    fn union(&self, mut union: Union) -> Result<LogicalPlan> {
        for at in 0..union.schema.fields().len() {
            let found = |input: &Arc<LogicalPlan>| {
                let fields = input.schema().fields();
                fields.get(at).and_then(|field| Enumeration::of(field))
            };
            let Some(of) = union.inputs.iter().find_map(found) else {
                continue;
            };
            for input in &mut union.inputs {
                if let Some(other) = found(input) {
                    if other != of {
                        let message = format!("UNION types {} and {} cannot be matched", of.name, other.name);
                        return Err(Error::DatatypeMismatch(message).into());
                    }
                    continue;
                }
                let given = match input.as_ref() {
                    LogicalPlan::Projection(projection) => projection.expr.get(at).cloned(),
                    _ => None,
                };
                let literal = given.clone().map(Expr::unalias);
                let (Some(expr), Some(Expr::Literal(..)), LogicalPlan::Projection(projection)) =
                    (given, literal, input.as_ref())
                else {
                    let message = format!("UNION types {} and text cannot be matched", of.name);
                    return Err(Error::DatatypeMismatch(message).into());
                };
                let name = NamePreserver::new(input.as_ref()).save(&expr);
                let mut expressions = projection.expr.clone();
                expressions[at] = name.restore(Self::call(&self.read, expr.unalias(), &of));
                let projection = Projection::try_new(expressions, Arc::clone(&projection.input))?;
                *input = Arc::new(LogicalPlan::Projection(projection));
            }
            // What came out of expressions has learnt its type since the columns were described.
            let mut fields: Vec<_> = union
                .schema
                .iter()
                .map(|(qualifier, field)| (qualifier.cloned(), Arc::clone(field)))
                .collect();
            if let Some((_, field)) = fields.get_mut(at) {
                let mut metadata = field.metadata().clone();
                metadata.insert(PG_TYPE_KEY.to_owned(), of.to_string());
                *field = Arc::new(field.as_ref().clone().with_metadata(metadata));
            }
            let metadata = union.schema.metadata().clone();
            union.schema = Arc::new(DFSchema::new_with_metadata(fields, metadata)?);
        }
        Ok(LogicalPlan::Union(union))
    }

    fn one(&self, expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
        match expr {
            Expr::BinaryExpr(mut binary) if expressions::is_comparison(binary.op) => {
                let op = binary.op;
                if orders(op) {
                    unordered(&binary.left, schema)?;
                    unordered(&binary.right, schema)?;
                }
                let mut values = [binary.left.as_mut(), binary.right.as_mut()];
                let found = self.agree(&mut values, schema, &op)?;
                if let (Some(of), true) = (&found, orders(op)) {
                    values.into_iter().for_each(|value| self.placed(value, of));
                }
                Ok(Transformed::new_transformed(
                    Expr::BinaryExpr(binary),
                    found.is_some(),
                ))
            }
            Expr::Between(mut between) => {
                let mut values = [between.expr.as_mut(), between.low.as_mut(), between.high.as_mut()];
                let found = self.agree(&mut values, schema, &">=")?;
                if let Some(of) = &found {
                    values.into_iter().for_each(|value| self.placed(value, of));
                }
                Ok(Transformed::new_transformed(
                    Expr::Between(between),
                    found.is_some(),
                ))
            }
            Expr::InList(mut list) => {
                let mut values: Vec<&mut Expr> = list.list.iter_mut().collect();
                values.push(list.expr.as_mut());
                let found = self.agree(&mut values, schema, &"=")?;
                Ok(Transformed::new_transformed(Expr::InList(list), found.is_some()))
            }
            Expr::Like(like) => match of(&like.expr, schema) {
                Some(of) => undefined(format!("{} ~~ unknown", of.name)),
                None => Ok(Transformed::no(Expr::Like(like))),
            },
            Expr::Case(mut case) => {
                if let Some(base) = case.expr.as_deref_mut() {
                    let whens = case.when_then_expr.iter_mut().map(|(when, _)| when.as_mut());
                    let mut values: Vec<&mut Expr> = whens.chain([base]).collect();
                    let _ = self.agree(&mut values, schema, &"=")?;
                }
                let results = case.when_then_expr.iter_mut().map(|(_, then)| then.as_mut());
                let mut results: Vec<&mut Expr> = results.chain(case.else_expr.as_deref_mut()).collect();
                let found = self.agree(&mut results, schema, &"CASE")?;
                Ok(match found {
                    Some(of) => Transformed::yes(Self::call(&self.read, Expr::Case(case), &of)),
                    None => Transformed::no(Expr::Case(case)),
                })
            }
            Expr::Cast(cast) => Ok(self.cast(cast, schema)),
            Expr::ScalarFunction(call) if call.func.name() == "make_array" => {
                let of = call.args.iter().find_map(|argument| of(argument, schema));
                Ok(match of {
                    Some(of) => Transformed::yes(Self::call(&self.read, Expr::ScalarFunction(call), &of)),
                    None => Transformed::no(Expr::ScalarFunction(call)),
                })
            }
            // An element is of the type too.
            Expr::ScalarFunction(call) if call.func.name() == "array_element" => {
                let of = call.args.first().and_then(|array| of_elements(array, schema));
                Ok(match of {
                    Some(of) => Transformed::yes(Self::call(&self.read, Expr::ScalarFunction(call), &of)),
                    None => Transformed::no(Expr::ScalarFunction(call)),
                })
            }
            Expr::ScalarFunction(call) if CHOICES.contains(&call.func.name()) => self.choice(call, schema),
            Expr::ScalarFunction(call) if call.func.name().starts_with("enum_") => self.of_type(call, schema),
            Expr::AggregateFunction(mut call) => {
                self.sorted(&mut call.params.order_by, schema);
                Ok(Transformed::yes(Expr::AggregateFunction(call)))
            }
            Expr::WindowFunction(mut call) => {
                self.sorted(&mut call.params.order_by, schema);
                let argument = call.params.args.first();
                if let Some(of) = argument.and_then(|argument| of(argument, schema))
                    && !matches!(call.fun.name(), "count" | "array_agg" | "string_agg")
                {
                    let shown = Expr::WindowFunction(call.clone()).to_field(schema);
                    let kept = shown.is_ok_and(|(_, field)| Enumeration::of(&field) == Some(of));
                    if !kept || matches!(call.fun.name(), "min" | "max") {
                        return not_impl_err!("the window function {} of an enum", call.fun.name());
                    }
                }
                Ok(Transformed::yes(Expr::WindowFunction(call)))
            }
            other => Ok(Transformed::no(other)),
        }
    }

    /// As a text it is not sorted by its places any more.
    fn cast(&self, mut cast: Cast, schema: &DFSchema) -> Transformed<Expr> {
        match of(&cast.expr, schema) {
            Some(of) => {
                let inner = std::mem::take(cast.expr.as_mut());
                let text = Self::call(&self.written, inner, &of);
                match cast.field.data_type().is_string() {
                    true => Transformed::yes(text),
                    false => {
                        *cast.expr = text;
                        Transformed::yes(Expr::Cast(cast))
                    }
                }
            }
            None => Transformed::no(Expr::Cast(cast)),
        }
    }

    /// `enum_range` and its like, of a type that is known here.
    fn of_type(&self, call: ScalarFunction, schema: &DFSchema) -> Result<Transformed<Expr>> {
        let name = call.func.name().to_owned();
        if [IN, OUT, PLACE, AT].contains(&name.as_str()) {
            return Ok(Transformed::no(Expr::ScalarFunction(call)));
        }
        let Some(of) = call.args.iter().find_map(|argument| of(argument, schema)) else {
            return Err(Error::DatatypeMismatch("could not determine actual enum type".to_owned()).into());
        };
        let bound = |nth: usize| match call.args.get(nth) {
            None => Ok(None),
            Some(Expr::ScalarFunction(read)) if read.func.name() == IN => match read.args.first() {
                Some(Expr::Cast(cast)) => literal(&cast.expr),
                Some(other) => literal(other),
                None => Ok(None),
            },
            Some(_) => Err(()),
        };
        let bounds = match call.args.len() {
            2 => (bound(0), bound(1)),
            _ => (Ok(None), Ok(None)),
        };
        let (Ok(from), Ok(to)) = bounds else {
            return not_impl_err!("enum_range between anything but literals");
        };
        let Some((labels, array)) = functions::of_type(&name, &of, (from, to)) else {
            return not_impl_err!("the function {name}");
        };
        let texts = labels.iter().map(|label| ScalarValue::Utf8(Some(label.clone())));
        let value = match array {
            true => ScalarValue::List(ScalarValue::new_list_nullable(
                &texts.collect::<Vec<_>>(),
                &DataType::Utf8,
            )),
            false => texts.into_iter().next().unwrap_or(ScalarValue::Utf8(None)),
        };
        Ok(Transformed::yes(Self::call(
            &self.read,
            Expr::Literal(value, None),
            &of,
        )))
    }

    fn choice(&self, mut call: ScalarFunction, schema: &DFSchema) -> Result<Transformed<Expr>> {
        let ranked = matches!(call.func.name(), "greatest" | "least");
        let mut values: Vec<&mut Expr> = call.args.iter_mut().collect();
        let Some(of) = self.agree(&mut values, schema, &call.func.name().to_owned())? else {
            return Ok(Transformed::no(Expr::ScalarFunction(call)));
        };
        if ranked {
            values.into_iter().for_each(|value| self.placed(value, &of));
            let chosen = Expr::ScalarFunction(call);
            return Ok(Transformed::yes(Self::call(&self.at, chosen, &of)));
        }
        let chosen = Expr::ScalarFunction(call);
        Ok(Transformed::yes(Self::call(&self.read, chosen, &of)))
    }

    /// Reads what has no type among values of which one is of an enumeration, which all must be of.
    fn agree(
        &self,
        values: &mut [&mut Expr],
        schema: &DFSchema,
        operator: &dyn std::fmt::Display,
    ) -> Result<Option<Enumeration>> {
        let Some(wanted) = values.iter().find_map(|value| of(value, schema)) else {
            return Ok(None);
        };
        for value in values.iter_mut() {
            match of(value, schema) {
                // Labels of an earlier epoch have other places.
                Some(found) if found == wanted => continue,
                Some(found) => return undefined(format!("{} {operator} {}", wanted.name, found.name)),
                None => {}
            }
            let unknown = match &**value {
                Expr::Literal(found, _) => found.data_type().is_string() || found.is_null(),
                Expr::Placeholder(_) => true,
                Expr::Cast(cast) => matches!(cast.expr.as_ref(), Expr::Placeholder(_)),
                // An array of literals, as `= ANY` has it.
                other => other.get_type(schema).is_ok_and(|found| found.is_nested()),
            };
            if !unknown {
                return undefined(format!("{} {operator} text", wanted.name));
            }
            if matches!(&**value, Expr::Literal(found, _) if !found.is_null()) {
                let literal = std::mem::take(*value);
                if let Expr::Literal(ScalarValue::Utf8(Some(text)), _) = &literal
                    && !wanted.labels.contains(text)
                {
                    return Err(wanted.invalid().into());
                }
                **value = literal;
            }
        }
        Ok(Some(wanted))
    }
}
