//! Types of the lake's own in a statement: what casts to an enumeration or a domain become, before the statement is planned.

use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType as ArrowType, FieldRef};
use datafusion::common::{Result as EngineResult, ScalarValue, exec_err, internal_err};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use radlake_catalogs::{Domain, Epoch, TypeDefinition, TypeObject};
use radlake_sql::ast::{
    self, ArrayElemTypeDef, CastKind, DataType, Expr, Ident, ObjectName, ObjectNamePart, Value, VisitMut,
    Visitor, VisitorMut,
};

use super::dialect::call;
use super::enums;
use crate::enumeration::Enumeration;
use crate::error::Violation;
use crate::write::target::folded;
use crate::{Error, Result};

/// A value of a domain, once its conditions are known: `domain_value(value, holds, domain, constraint)`.
const DOMAIN_VALUE: &str = "domain_value";

/// What casts become.
pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    let mut functions = enums::functions();
    functions.push(Arc::new(ScalarUDF::from(DomainValue {
        signature: Signature::any(5, Volatility::Immutable),
    })));
    functions
}

/// The lake's own type that a name means; PostgreSQL's own come first, whatever the search path says.
pub(crate) fn named(epoch: &Epoch, path: &[String], name: &ObjectName) -> Option<Arc<TypeObject>> {
    let parts: Vec<String> = name
        .0
        .iter()
        .map(|part| part.as_ident().map(folded))
        .collect::<Option<_>>()?;
    match parts.as_slice() {
        // PostgreSQL's own are never shadowed: texts that are kept name them without their schema.
        [only] if is_postgresqls(only) => None,
        [only] => path
            .iter()
            .find_map(|schema| epoch.own_type(schema, only))
            .cloned(),
        [.., schema, last] => epoch.own_type(schema, last).cloned(),
        [] => None,
    }
}

fn is_postgresqls(name: &str) -> bool {
    crate::pg_catalog::types::arrow_type_named(name).is_some()
}

/// The lake's own type that a type of the grammar means, and whether it is an array of it.
pub(crate) fn meant<'t>(
    data_type: &'t DataType,
    find: &dyn Fn(&ObjectName) -> Option<Arc<TypeObject>>,
) -> Option<(Arc<TypeObject>, &'t ObjectName, bool)> {
    match data_type {
        DataType::Custom(name, modifiers) if modifiers.is_empty() => {
            find(name).map(|found| (found, name, false))
        }
        DataType::Array(ArrayElemTypeDef::SquareBracket(element, _)) => {
            meant(element, find).map(|(found, name, _)| (found, name, true))
        }
        _ => None,
    }
}

/// Has casts to the lake's own types check their values.
///
/// # Errors
/// [`Error::Unsupported`] for arrays of domains, and casts to a domain of what may be another value each time.
pub(super) fn rewrite(
    statement: &mut ast::Statement,
    epoch: &Epoch,
    path: &[String],
    may_use: &dyn Fn(&str) -> bool,
) -> Result<()> {
    let find = |name: &ObjectName| named(epoch, path, name);
    let mut casts = Casts {
        epoch,
        find: &find,
        may_use,
    };
    match statement.visit(&mut casts) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

/// The enumeration that a name written by us holds, as a field's metadata has it.
fn written(name: &ObjectName) -> Option<Enumeration> {
    match name.0.as_slice() {
        [
            ObjectNamePart::Identifier(Ident {
                value,
                quote_style: Some(_),
                ..
            }),
        ] => Enumeration::named(value),
        _ => None,
    }
}

#[derive(Clone, Copy)]
struct Casts<'f> {
    epoch: &'f Epoch,
    may_use: &'f dyn Fn(&str) -> bool,
    find: &'f dyn Fn(&ObjectName) -> Option<Arc<TypeObject>>,
}

impl VisitorMut for Casts<'_> {
    type Break = Error;

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        match self.cast(expr) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }
}

impl Casts<'_> {
    fn cast(&self, expr: &mut Expr) -> Result<()> {
        let (value, data_type) = match expr {
            Expr::Cast {
                kind: CastKind::Cast | CastKind::DoubleColon,
                expr: inner,
                data_type,
                ..
            } => (inner.as_ref().clone(), data_type.clone()),
            Expr::TypedString(typed) => (Expr::Value(typed.value.clone()), typed.data_type.clone()),
            _ => return Ok(()),
        };
        // A name that only we write; whoever writes it too gets the type that there is, or none.
        if let Some((of, array)) = written_type(&data_type)
            && self.epoch.own_type_by_oid(of.oid).is_some_and(|own| is(own, &of))
        {
            *expr = read(value, &of, array);
            return Ok(());
        }
        let Some((own, _, array)) = meant(&data_type, self.find) else {
            return Ok(());
        };
        if !(self.may_use)(&own.schema) {
            return Err(Error::InsufficientPrivilege(format!(
                "permission denied for schema {}",
                own.schema
            )));
        }
        *expr = match &own.definition {
            TypeDefinition::Enum { labels } => {
                let of = Enumeration {
                    oid: own.oid,
                    name: own.name.clone(),
                    labels: labels.clone(),
                };
                read(value, &of, array)
            }
            TypeDefinition::Domain(_) if array => {
                return Err(Error::unsupported("an array of a domain"));
            }
            TypeDefinition::Domain(domain) => self.domain(value, &own, domain)?,
        };
        Ok(())
    }

    /// The value in the type below, of which each condition is looked at.
    fn domain(&self, value: Expr, own: &TypeObject, domain: &Domain) -> Result<Expr> {
        let checked = domain.not_null || !domain.checks.is_empty();
        if checked && varies(&value, true) {
            return Err(Error::Unsupported {
                what: format!(
                    "a cast to the domain \"{}\" of a query or of what is another value each time",
                    own.name
                ),
                hint: Some("Compute the value in a sub-query in FROM, and cast its column.".to_owned()),
            });
        }
        let mut below = Expr::Cast {
            kind: CastKind::Cast,
            expr: Box::new(value),
            data_type: type_of(&domain.base)?,
            array: false,
            format: None,
        };
        // The type below may be one of the lake's own.
        self.cast(&mut below)?;
        let text = |text: &str| Expr::Value(Value::SingleQuotedString(text.to_owned()).into());
        let mut found = below.clone();
        if domain.not_null {
            let holds = Expr::IsNotNull(Box::new(below.clone()));
            found = call(
                DOMAIN_VALUE,
                vec![found, holds, text(&own.schema), text(&own.name), text("")],
            );
        }
        for check in &domain.checks {
            let mut holds = condition(&check.expression, &below)?;
            // Casts within the condition.
            if let ControlFlow::Break(error) = holds.visit(&mut { *self }) {
                return Err(error);
            }
            found = call(
                DOMAIN_VALUE,
                vec![
                    found,
                    holds,
                    text(&own.schema),
                    text(&own.name),
                    text(&check.name),
                ],
            );
        }
        Ok(found)
    }
}

fn is(own: &TypeObject, of: &Enumeration) -> bool {
    matches!(&own.definition, TypeDefinition::Enum { labels } if *labels == of.labels && own.name == of.name)
}

fn written_type(data_type: &DataType) -> Option<(Enumeration, bool)> {
    match data_type {
        DataType::Custom(name, modifiers) if modifiers.is_empty() => written(name).map(|of| (of, false)),
        DataType::Array(ArrayElemTypeDef::SquareBracket(element, _)) => {
            written_type(element).map(|(of, _)| (of, true))
        }
        _ => None,
    }
}

/// A text, or an array of them, as values of an enumeration.
fn read(value: Expr, of: &Enumeration, array: bool) -> Expr {
    let data_type = match array {
        true => DataType::Array(ArrayElemTypeDef::SquareBracket(Box::new(DataType::Text), None)),
        false => DataType::Text,
    };
    let value = Expr::Cast {
        kind: CastKind::Cast,
        expr: Box::new(value),
        data_type,
        array: false,
        format: None,
    };
    let of = Expr::Value(Value::SingleQuotedString(of.to_string()).into());
    call(enums::IN, vec![value, of])
}

/// A type that is kept as text.
fn type_of(text: &str) -> Result<DataType> {
    match crate::write::expression(&format!("CAST(NULL AS {text})"))? {
        Expr::Cast { data_type, .. } => Ok(data_type),
        _ => Err(Error::internal("a type is kept as something else")),
    }
}

/// A domain's condition with something in the place of VALUE.
pub(crate) fn condition(expression: &str, value: &Expr) -> Result<Expr> {
    struct Values<'v>(&'v Expr);
    impl VisitorMut for Values<'_> {
        type Break = ();

        fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
            if is_value(expr) {
                *expr = Expr::Nested(Box::new(self.0.clone()));
            }
            ControlFlow::Continue(())
        }
    }
    let mut condition = crate::write::expression(expression)?;
    let _ = condition.visit(&mut Values(value));
    Ok(condition)
}

fn is_value(expr: &Expr) -> bool {
    matches!(expr, Expr::Identifier(ident) if ident.quote_style.is_none() && ident.value.eq_ignore_ascii_case("value"))
}

/// Whether an expression may be another value each time that it is computed; with `queries`, any query counts as that.
pub(super) fn varies(expr: &Expr, queries: bool) -> bool {
    const VOLATILE: &[&str] = &[
        "random",
        "nextval",
        "setval",
        "gen_random_uuid",
        "uuid_generate_v4",
        "clock_timestamp",
        "timeofday",
    ];
    struct Any(bool);
    impl Visitor for Any {
        type Break = ();

        fn pre_visit_query(&mut self, _: &ast::Query) -> ControlFlow<()> {
            match self.0 {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        }

        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            match expr {
                Expr::Function(function) => {
                    let last = function.name.0.last().and_then(|part| part.as_ident());
                    match last.is_some_and(|name| VOLATILE.contains(&folded(name).as_str())) {
                        true => ControlFlow::Break(()),
                        false => ControlFlow::Continue(()),
                    }
                }
                _ => ControlFlow::Continue(()),
            }
        }
    }
    ast::Visit::visit(expr, &mut Any(queries)).is_break()
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct DomainValue {
    signature: Signature,
}

impl ScalarUDFImpl for DomainValue {
    fn name(&self) -> &str {
        DOMAIN_VALUE
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[ArrowType]) -> EngineResult<ArrowType> {
        match types.first() {
            Some(value) => Ok(value.clone()),
            None => internal_err!("a domain's value is missing"),
        }
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> EngineResult<FieldRef> {
        match args.arg_fields.first() {
            Some(value) => Ok(Arc::new(
                value.as_ref().clone().with_name(DOMAIN_VALUE).with_nullable(true),
            )),
            None => internal_err!("a domain's value is missing"),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> EngineResult<ColumnarValue> {
        let [value, holds, schema, domain, constraint] = args.args.as_slice() else {
            return exec_err!("a domain's value is checked with five arguments");
        };
        let holds = holds.to_array(args.number_rows)?;
        let broken = match holds.data_type() {
            // A condition that is NULL.
            ArrowType::Null => false,
            _ => match holds.as_boolean_opt() {
                Some(holds) => (0..holds.len()).any(|row| holds.is_valid(row) && !holds.value(row)),
                None => return exec_err!("a domain's condition is no truth value"),
            },
        };
        if !broken {
            return Ok(value.clone());
        }
        let text = |value: &ColumnarValue| match value {
            ColumnarValue::Scalar(ScalarValue::Utf8(Some(text))) => text.clone(),
            _ => String::new(),
        };
        Err(violated(&text(schema), &text(domain), &text(constraint)).into())
    }
}

/// What is said of a value that is none of a domain; without a constraint it is NULL.
pub(crate) fn violated(schema: &str, domain: &str, constraint: &str) -> Error {
    let of = |message| Violation::of_domain(schema, domain, message);
    match constraint {
        "" => Error::NotNullViolation(of(format!("domain {domain} does not allow null values"))),
        _ => {
            let message = format!("value for domain {domain} violates check constraint \"{constraint}\"");
            Error::CheckViolation(of(message).constraint(constraint))
        }
    }
}
