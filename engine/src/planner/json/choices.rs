//! Values of json and jsonb of which one is chosen: CASE, coalesce, nullif, UNION.

use std::sync::Arc;

use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result, ScalarValue, not_impl_err};
use datafusion::logical_expr::expr::{Case, ScalarFunction};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan, Projection, Union, lit};

use super::operators::document;
use super::values::Values;
use super::{Kind, build, no_operator, type_of};
use crate::Error;
use crate::pg_catalog::ONLY_VALUE;

impl Values {
    /// Inputs of UNION have the types of one another: what has none yet is read as jsonb.
    pub(super) fn union(&self, mut union: Union) -> Result<LogicalPlan> {
        let kinds: Vec<Option<Kind>> = (0..union.schema.fields().len())
            .map(|at| {
                union.inputs.iter().find_map(|input| {
                    input
                        .schema()
                        .fields()
                        .get(at)
                        .and_then(|field| Kind::of_field(field))
                })
            })
            .collect();
        for input in &mut union.inputs {
            for (at, kind) in kinds.iter().enumerate() {
                let found = input
                    .schema()
                    .fields()
                    .get(at)
                    .and_then(|field| Kind::of_field(field));
                let Some(kind) = kind.filter(|kind| Some(*kind) != found) else {
                    continue;
                };
                let LogicalPlan::Projection(projection) = input.as_ref() else {
                    return not_impl_err!("set operations of {} and other types", kind.name());
                };
                let mut expressions = projection.expr.clone();
                let Some(expr) = expressions.get_mut(at) else {
                    continue;
                };
                let name = NamePreserver::new(input.as_ref()).save(expr);
                let literal = expr.clone().unalias();
                if !matches!(literal, Expr::Literal(..)) || kind == Kind::Json {
                    return not_impl_err!("set operations of {} and other types", kind.name());
                }
                let schema = projection.input.schema();
                let Some(read) = document(&self.functions, &literal, schema)? else {
                    return not_impl_err!("set operations of {} and other types", kind.name());
                };
                *expr = name.restore(read);
                let projection = Projection::try_new(expressions, Arc::clone(&projection.input))?;
                *input = Arc::new(LogicalPlan::Projection(projection));
            }
        }
        Ok(LogicalPlan::Union(union))
    }

    pub(super) fn case(&self, mut case: Case, schema: &DFSchema) -> Result<Transformed<Expr>> {
        let mut done = false;
        if let Some(base) = case.expr.clone() {
            let whens: Vec<&Expr> = case
                .when_then_expr
                .iter()
                .map(|(when, _)| when.as_ref())
                .collect();
            let any = |expr: &Expr| Kind::of_planned(expr, schema).is_some();
            if any(&base) || whens.iter().any(|when| any(when)) {
                for (when, _) in &mut case.when_then_expr {
                    match self.compared(&base, "=", when, schema)? {
                        Some((one, other)) => {
                            case.expr = Some(Box::new(one));
                            **when = other;
                        }
                        None => return no_operator(&base, "=", when, schema),
                    }
                }
                done = true;
            }
        }
        let results = case.when_then_expr.iter_mut().map(|(_, then)| then.as_mut());
        let mut results: Vec<&mut Expr> = results.chain(case.else_expr.as_deref_mut()).collect();
        match self.merged(&mut results, "CASE", schema)? {
            Some(kind) => {
                let call = self.functions.call(kind.input(), vec![Expr::Case(case)])?;
                Ok(Transformed::yes(call))
            }
            None => Ok(Transformed::new_transformed(Expr::Case(case), done)),
        }
    }

    /// Values of which one is chosen get the type of one of them; what has no type is read as it.
    fn merged(&self, values: &mut [&mut Expr], what: &str, schema: &DFSchema) -> Result<Option<Kind>> {
        let mut kinds = values.iter().filter_map(|value| Kind::of_planned(value, schema));
        let Some(kind) = kinds.next() else {
            return Ok(None);
        };
        for value in values {
            match Kind::of_planned(value, schema) {
                Some(other) if other == kind => {}
                None if type_of(value, schema) == "unknown" => {
                    if kind == Kind::Jsonb
                        && let Some(read) = document(&self.functions, value, schema)?
                    {
                        **value = read;
                    }
                }
                other => {
                    let other = other.map_or_else(|| type_of(value, schema), |kind| kind.name().to_owned());
                    let message = format!("{what} types {} and {other} cannot be matched", kind.name());
                    return Err(Error::DatatypeMismatch(message).into());
                }
            }
        }
        Ok(Some(kind))
    }

    pub(super) fn function(&self, mut call: ScalarFunction, schema: &DFSchema) -> Result<Transformed<Expr>> {
        match (call.func.name(), call.args.as_slice()) {
            (name @ ("json_in" | "jsonb_in"), [value]) => {
                let target = name.trim_end_matches("_in");
                match value.get_type(schema) {
                    Ok(found) if !found.is_string() && !found.is_null() => Err(Error::CannotCast(format!(
                        "cannot cast type {} to {target}",
                        type_of(value, schema)
                    ))
                    .into()),
                    _ => Ok(Transformed::no(Expr::ScalarFunction(call))),
                }
            }
            ("coalesce", _) => {
                let mut values: Vec<&mut Expr> = call.args.iter_mut().collect();
                match self.merged(&mut values, "COALESCE", schema)? {
                    Some(kind) => {
                        let chosen = Expr::ScalarFunction(call);
                        self.functions
                            .call(kind.input(), vec![chosen])
                            .map(Transformed::yes)
                    }
                    None => Ok(Transformed::no(Expr::ScalarFunction(call))),
                }
            }
            ("nullif", [one, other]) => {
                let (Some((left, right)), Some(one)) = (
                    self.compared(one, "=", other, schema)?,
                    document(&self.functions, one, schema)?,
                ) else {
                    return Ok(Transformed::no(Expr::ScalarFunction(call)));
                };
                let null = lit(ScalarValue::Utf8(None));
                let case = Case::new(
                    None,
                    vec![(Box::new(left.eq(right)), Box::new(null))],
                    Some(Box::new(one)),
                );
                self.functions
                    .call("jsonb_in", vec![Expr::Case(case)])
                    .map(Transformed::yes)
            }
            (name @ ("greatest" | "least"), arguments)
                if arguments
                    .iter()
                    .any(|argument| Kind::of_planned(argument, schema).is_some()) =>
            {
                not_impl_err!("{name} of json or jsonb")
            }
            (name, _) if build::is_maker(name) => {
                // What comes out of a sub-query that is computed once has no metadata.
                let mut done = false;
                for value in &mut call.args {
                    let once = match value {
                        Expr::ScalarSubquery(_) => true,
                        Expr::ScalarFunction(call) => call.func.name() == ONLY_VALUE,
                        _ => false,
                    };
                    if once && let Some(kind) = Kind::of_planned(value, schema) {
                        *value = self.functions.call(kind.input(), vec![std::mem::take(value)])?;
                        done = true;
                    }
                }
                Ok(Transformed::new_transformed(Expr::ScalarFunction(call), done))
            }
            _ => Ok(Transformed::no(Expr::ScalarFunction(call))),
        }
    }
}
