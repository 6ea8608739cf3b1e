//! Values of json and jsonb where they are compared, sorted, chosen from and cast.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, Result, not_impl_err};
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::expr::{Between, Cast, InList, InSubquery, Like, Sort};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{
    BinaryExpr, Distinct, Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, Operator,
};
use datafusion::optimizer::AnalyzerRule;

use super::super::expressions;
use super::operators::{Functions, document};
use super::{Kind, casts, name_of, no_operator, type_of};
use crate::Error;

/// The rule. It is to run before types are made to agree, and when sub-queries in conditions have become comparisons.
#[derive(Debug)]
pub(in crate::planner) struct Values {
    pub(super) functions: Functions,
}

impl Values {
    pub(in crate::planner) fn new() -> Self {
        Self {
            functions: Functions::new(),
        }
    }
}

impl AnalyzerRule for Values {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        if !concerns(&plan)? {
            return Ok(plan);
        }
        let plan = expressions::rewrite_nodes(plan, |plan| self.node(plan))?;
        no_arrays(&plan)?;
        Ok(plan)
    }

    fn name(&self) -> &str {
        "json_values"
    }
}

/// Whether a plan has to do with the two types.
fn concerns(plan: &LogicalPlan) -> Result<bool> {
    expressions::holds(
        plan,
        |field| Kind::of_field(field).is_some(),
        |expr| matches!(expr, Expr::ScalarFunction(call) if call.func.name().starts_with("json")),
    )
}

/// Refuses documents of arrays of documents: an array does not know that its texts are some.
fn no_arrays(plan: &LogicalPlan) -> Result<()> {
    let (mut gathered, mut written) = (false, false);
    let _ = plan.apply_with_subqueries(|plan| {
        let mut schema = merge_schema(&plan.inputs());
        schema.merge(plan.schema());
        let _ = plan.apply_expressions(|expr| {
            expr.apply(|expr| {
                let (name, arguments) = match expr {
                    Expr::ScalarFunction(call) => (call.func.name(), &call.args),
                    Expr::AggregateFunction(call) => (call.func.name(), &call.params.args),
                    Expr::WindowFunction(call) => (call.fun.name(), &call.params.args),
                    _ => return Ok(TreeNodeRecursion::Continue),
                };
                written |= super::build::writes_arrays(name);
                gathered |= matches!(name, "make_array" | "array_agg")
                    && arguments
                        .iter()
                        .any(|argument| Kind::of_planned(argument, &schema).is_some());
                Ok(TreeNodeRecursion::Continue)
            })
        })?;
        Ok(TreeNodeRecursion::Continue)
    })?;
    match gathered && written {
        true => not_impl_err!(
            "an array of json or jsonb in a document; make it with json_agg or json_build_array"
        ),
        false => Ok(()),
    }
}

fn without_operator<T>(what: &str) -> Result<T> {
    Err(Error::UndefinedFunction {
        name: format!("{}{what}", crate::error::MISSING),
        hint: None,
        position: None,
    }
    .into())
}

impl Values {
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
                self.sorted(&mut sort.expr, &schema)?;
                Ok(LogicalPlan::Sort(sort))
            }
            LogicalPlan::Aggregate(aggregate) => {
                let schema = aggregate.input.schema();
                aggregate
                    .group_expr
                    .iter()
                    .try_for_each(|key| comparable(key, schema))?;
                Ok(LogicalPlan::Aggregate(aggregate))
            }
            LogicalPlan::Distinct(Distinct::All(input)) => {
                let mut fields = input.schema().fields().iter();
                match fields.any(|field| Kind::of_field(field) == Some(Kind::Json)) {
                    true => without_operator("an equality operator for type json"),
                    false => Ok(LogicalPlan::Distinct(Distinct::All(input))),
                }
            }
            LogicalPlan::Distinct(Distinct::On(distinct)) => {
                let schema = distinct.input.schema();
                let keys = distinct.on_expr.iter();
                let sorted = distinct.sort_expr.iter().flatten().map(|key| &key.expr);
                match keys
                    .chain(sorted)
                    .any(|key| Kind::of_planned(key, schema).is_some())
                {
                    true => not_impl_err!("DISTINCT ON by json or jsonb"),
                    false => Ok(LogicalPlan::Distinct(Distinct::On(distinct))),
                }
            }
            LogicalPlan::Join(mut join) => {
                let (left, right) = (Arc::clone(join.left.schema()), Arc::clone(join.right.schema()));
                for (one, other) in &mut join.on {
                    match (Kind::of_planned(one, &left), Kind::of_planned(other, &right)) {
                        (None, None) => {}
                        (Some(Kind::Jsonb), Some(Kind::Jsonb)) => {
                            *one = self.key(std::mem::take(one))?;
                            *other = self.key(std::mem::take(other))?;
                        }
                        _ => {
                            let (one, other) = (type_of(one, &left), type_of(other, &right));
                            return Err(Error::undefined_operator(format!("{one} = {other}")).into());
                        }
                    }
                }
                Ok(LogicalPlan::Join(join))
            }
            LogicalPlan::Union(union) => self.union(union),
            other => Ok(other),
        }
    }

    pub(super) fn key(&self, document: Expr) -> Result<Expr> {
        self.functions.call("jsonb_sort_key", vec![document])
    }

    fn sorted(&self, keys: &mut [Sort], schema: &DFSchema) -> Result<()> {
        for key in keys {
            match Kind::of_planned(&key.expr, schema) {
                Some(Kind::Json) => return without_operator("an ordering operator for type json"),
                Some(Kind::Jsonb) => key.expr = self.key(std::mem::take(&mut key.expr))?,
                None => {}
            }
        }
        Ok(())
    }

    /// The operands of a comparison, if one of them is a jsonb, as what is compared for them.
    pub(super) fn compared(
        &self,
        left: &Expr,
        operator: impl std::fmt::Display,
        right: &Expr,
        schema: &DFSchema,
    ) -> Result<Option<(Expr, Expr)>> {
        if Kind::of_planned(left, schema).is_none() && Kind::of_planned(right, schema).is_none() {
            return Ok(None);
        }
        let one = document(&self.functions, left, schema)?;
        let other = document(&self.functions, right, schema)?;
        match (one, other) {
            (Some(one), Some(other)) => Ok(Some((self.key(one)?, self.key(other)?))),
            _ => no_operator(left, operator, right, schema),
        }
    }

    fn one(&self, expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
        match expr {
            Expr::Cast(cast) => self.cast(cast, schema),
            Expr::BinaryExpr(binary) => self.binary(binary, schema),
            Expr::InList(list) => self.list(list, schema),
            Expr::Between(between) => self.between(between, schema),
            Expr::Case(case) => self.case(case, schema),
            Expr::Like(like) => unlike(like, schema),
            Expr::InSubquery(set) => self.set(set, schema),
            Expr::SetComparison(set) => match Kind::of_planned(&set.expr, schema) {
                Some(kind) => not_impl_err!("ANY and ALL of {}", kind.name()),
                None => Ok(Transformed::no(Expr::SetComparison(set))),
            },
            Expr::ScalarFunction(call) => self.function(call, schema),
            Expr::AggregateFunction(mut call) => {
                self.aggregate(
                    call.func.name(),
                    call.params.distinct,
                    &mut call.params.args,
                    schema,
                )?;
                self.sorted(&mut call.params.order_by, schema)?;
                Ok(Transformed::yes(Expr::AggregateFunction(call)))
            }
            Expr::WindowFunction(mut call) => {
                let name = call.fun.name().to_owned();
                self.aggregate(&name, call.params.distinct, &mut call.params.args, schema)?;
                call.params
                    .partition_by
                    .iter()
                    .try_for_each(|key| comparable(key, schema))?;
                self.sorted(&mut call.params.order_by, schema)?;
                Ok(Transformed::yes(Expr::WindowFunction(call)))
            }
            other => Ok(Transformed::no(other)),
        }
    }

    fn cast(&self, cast: Cast, schema: &DFSchema) -> Result<Transformed<Expr>> {
        match Kind::of_planned(&cast.expr, schema) {
            None => Ok(Transformed::no(Expr::Cast(cast))),
            Some(_) if cast.field.data_type().is_string() => self
                .functions
                .call("json_out", vec![*cast.expr])
                .map(Transformed::yes),
            Some(kind) => {
                let to = name_of(cast.field.data_type());
                match (kind == Kind::Jsonb).then(|| casts::planned(cast)).flatten() {
                    Some(read) => Ok(Transformed::yes(read)),
                    None => {
                        Err(Error::CannotCast(format!("cannot cast type {} to {to}", kind.name())).into())
                    }
                }
            }
        }
    }

    fn binary(&self, binary: BinaryExpr, schema: &DFSchema) -> Result<Transformed<Expr>> {
        let BinaryExpr { left, op, right } = &binary;
        if *op == Operator::StringConcat {
            return match self.concatenated(left, right, schema)? {
                Some(concatenated) => Ok(Transformed::yes(concatenated)),
                None => Ok(Transformed::no(Expr::BinaryExpr(binary))),
            };
        }
        if !expressions::is_comparison(*op) {
            let is_pattern = matches!(
                op,
                Operator::RegexMatch
                    | Operator::RegexIMatch
                    | Operator::RegexNotMatch
                    | Operator::RegexNotIMatch
                    | Operator::LikeMatch
                    | Operator::ILikeMatch
                    | Operator::NotLikeMatch
                    | Operator::NotILikeMatch
            );
            return match is_pattern && Kind::of_planned(left, schema).is_some() {
                true => no_operator(left, op, right, schema),
                false => Ok(Transformed::no(Expr::BinaryExpr(binary))),
            };
        }
        Ok(match self.compared(left, op, right, schema)? {
            Some((one, other)) => Transformed::yes(Expr::BinaryExpr(BinaryExpr::new(
                Box::new(one),
                *op,
                Box::new(other),
            ))),
            None => Transformed::no(Expr::BinaryExpr(binary)),
        })
    }

    /// `||` of two jsonb. Beside a text, json and jsonb are texts.
    fn concatenated(&self, left: &Expr, right: &Expr, schema: &DFSchema) -> Result<Option<Expr>> {
        let (one, other) = (Kind::of_planned(left, schema), Kind::of_planned(right, schema));
        if one.is_none() && other.is_none() {
            return Ok(None);
        }
        if let (Some(Kind::Jsonb), _) | (_, Some(Kind::Jsonb)) = (one, other)
            && let Some(first) = document(&self.functions, left, schema)?
            && let Some(second) = document(&self.functions, right, schema)?
        {
            return self.functions.call("jsonb_concat", vec![first, second]).map(Some);
        }
        let is_text = |kind: Option<Kind>, expr: &Expr| {
            kind.is_none()
                && expr
                    .get_type(schema)
                    .is_ok_and(|found| found.is_string() || found.is_null())
        };
        match is_text(one, left) || is_text(other, right) {
            true => Ok(None),
            false => no_operator(left, "||", right, schema),
        }
    }

    fn list(&self, list: InList, schema: &DFSchema) -> Result<Transformed<Expr>> {
        let any = |expr: &Expr| Kind::of_planned(expr, schema).is_some();
        if !any(&list.expr) && !list.list.iter().any(any) {
            return Ok(Transformed::no(Expr::InList(list)));
        }
        let mut compared = None;
        let mut elements = Vec::with_capacity(list.list.len());
        for element in &list.list {
            match self.compared(&list.expr, "=", element, schema)? {
                Some((one, other)) => {
                    compared = Some(one);
                    elements.push(other);
                }
                None => return no_operator(&list.expr, "=", element, schema),
            }
        }
        let expr = compared.map_or_else(|| list.expr.clone(), Box::new);
        Ok(Transformed::yes(Expr::InList(InList::new(
            expr,
            elements,
            list.negated,
        ))))
    }

    /// `j IN (SELECT …)`.
    fn set(&self, set: InSubquery, schema: &DFSchema) -> Result<Transformed<Expr>> {
        let inner = Arc::clone(set.subquery.subquery.schema());
        let Some(column) = inner.columns().into_iter().next().map(Expr::Column) else {
            return Ok(Transformed::no(Expr::InSubquery(set)));
        };
        match (
            Kind::of_planned(&set.expr, schema),
            Kind::of_planned(&column, &inner),
        ) {
            (None, None) => return Ok(Transformed::no(Expr::InSubquery(set))),
            (Some(Kind::Jsonb), Some(Kind::Jsonb)) => {}
            (one, other) => {
                let name = |kind: Option<Kind>, expr: &Expr, schema: &DFSchema| {
                    kind.map_or_else(|| type_of(expr, schema), |kind| kind.name().to_owned())
                };
                let (one, other) = (name(one, &set.expr, schema), name(other, &column, &inner));
                return Err(Error::undefined_operator(format!("{one} = {other}")).into());
            }
        }
        let keys = LogicalPlanBuilder::from(Arc::clone(&set.subquery.subquery))
            .project([self.key(column)?])?
            .build()?;
        let subquery = set.subquery.with_plan(Arc::new(keys));
        let expr = Box::new(self.key(*set.expr)?);
        Ok(Transformed::yes(Expr::InSubquery(InSubquery::new(
            expr,
            subquery,
            set.negated,
        ))))
    }

    fn between(&self, between: Between, schema: &DFSchema) -> Result<Transformed<Expr>> {
        let low = self.compared(&between.expr, ">=", &between.low, schema)?;
        let high = self.compared(&between.expr, "<=", &between.high, schema)?;
        match (low, high) {
            (Some((expr, low)), Some((_, high))) => Ok(Transformed::yes(Expr::Between(Between::new(
                Box::new(expr),
                between.negated,
                Box::new(low),
                Box::new(high),
            )))),
            (None, None) => Ok(Transformed::no(Expr::Between(between))),
            _ => not_impl_err!("BETWEEN of jsonb and other types"),
        }
    }

    fn aggregate(&self, name: &str, distinct: bool, arguments: &mut [Expr], schema: &DFSchema) -> Result<()> {
        let [argument] = arguments else {
            return Ok(());
        };
        match Kind::of_planned(argument, schema) {
            Some(kind) if matches!(name, "min" | "max") => Err(Error::UndefinedFunction {
                name: format!("{name}({})", kind.name()),
                hint: None,
                position: None,
            }
            .into()),
            Some(Kind::Json) if distinct => without_operator("an equality operator for type json"),
            Some(Kind::Jsonb) if distinct && name == "array_agg" => {
                not_impl_err!("DISTINCT of jsonb in an array; make the rows distinct in a sub-query")
            }
            Some(Kind::Jsonb) if distinct && name == "count" => {
                *argument = self.key(std::mem::take(argument))?;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// What groups and windows are made by has equality.
fn comparable(key: &Expr, schema: &DFSchema) -> Result<()> {
    match Kind::of_planned(key, schema) {
        Some(Kind::Json) => without_operator("an equality operator for type json"),
        _ => Ok(()),
    }
}

fn unlike(like: Like, schema: &DFSchema) -> Result<Transformed<Expr>> {
    if Kind::of_planned(&like.expr, schema).is_none() {
        return Ok(Transformed::no(Expr::Like(like)));
    }
    let operator = match (like.negated, like.case_insensitive) {
        (false, false) => "~~",
        (true, false) => "!~~",
        (false, true) => "~~*",
        (true, true) => "!~~*",
    };
    no_operator(&like.expr, operator, &like.pattern, schema)
}
