//! Functions in SQL of the lake's own: a call becomes the function's query, planned with the rights and the search path of who calls, as
//! PostgreSQL does with functions that have no settings of their own.

use std::ops::ControlFlow;
use std::sync::Arc;

use radlake_catalogs::{Epoch, FunctionObject};
use radlake_sql::ast::{
    self, BinaryOperator, CaseWhen, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, ObjectName,
    Query, SelectItem, SetExpr, Statement, TableAlias, TableFactor, Value, Visit, VisitMut, Visitor,
    VisitorMut,
};

mod trees;

use trees::{Places, cast, derived, filtered, first_row, holds_query, relations, select, value_of};
pub(crate) use trees::{bare, columns, gathers, parsed, reads, reads_anything};

use super::own_types::varies;
use crate::policy::{Privilege, Rights, Subject, Verdict, decide};
use crate::write::target::folded;
use crate::{Error, Result};

/// How many functions may call each other.
const MAX_DEPTH: usize = 32;
/// How many expressions the calls of one statement may become: arguments are written wherever they are used.
const MAX_SIZE: usize = 20_000;

/// What calls are looked up with.
pub(super) struct Calls<'a> {
    pub(super) epoch: &'a Epoch,
    pub(super) path: &'a [String],
    /// Whether the engine has a function of that name, which comes first where no schema is said.
    pub(super) is_engines: &'a dyn Fn(&str) -> bool,
    /// The function as it is today, whose rights hold.
    pub(super) today: &'a dyn Fn(u32) -> Option<Arc<FunctionObject>>,
    /// Whether the schema is open to whoever reads.
    pub(super) may_use: &'a dyn Fn(&str) -> bool,
    /// Who calls.
    pub(super) caller: &'a Subject,
    /// Whether the statement reads with the rights of somebody else: a view's owner.
    pub(super) for_another: bool,
}

/// The function that a name means.
pub(crate) fn named(epoch: &Epoch, path: &[String], name: &ObjectName) -> Option<Arc<FunctionObject>> {
    let parts: Vec<String> = name
        .0
        .iter()
        .map(|part| part.as_ident().map(folded))
        .collect::<Option<_>>()?;
    match parts.as_slice() {
        [only] => path
            .iter()
            .find_map(|schema| epoch.function(schema, only))
            .cloned(),
        [.., schema, last] => epoch.function(schema, last).cloned(),
        [] => None,
    }
}

/// Puts the queries of functions in the place of their calls.
///
/// # Errors
/// 42501 without EXECUTE, 42883 for arguments that it does not take, 0A000 for calls that cannot be told apart from what is around them.
pub(super) fn rewrite(statement: &mut Statement, calls: &Calls<'_>) -> Result<()> {
    within(statement, calls, 0)
}

fn within<T: VisitMut>(tree: &mut T, calls: &Calls<'_>, depth: usize) -> Result<()> {
    match VisitMut::visit(tree, &mut Inliner { calls, depth }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

struct Inliner<'a, 'c> {
    calls: &'a Calls<'c>,
    depth: usize,
}

impl VisitorMut for Inliner<'_, '_> {
    type Break = Error;

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        match self.scalar(expr) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }

    fn post_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Error> {
        match self.in_from(factor) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }
}

impl Inliner<'_, '_> {
    fn find(&self, name: &ObjectName) -> Result<Option<Arc<FunctionObject>>> {
        if let [ast::ObjectNamePart::Identifier(only)] = name.0.as_slice()
            && (self.calls.is_engines)(&folded(only))
        {
            return Ok(None);
        }
        let open: Vec<String> = match name.0.len() {
            // Schemas that it may not use are not searched.
            1 => {
                let path = self.calls.path.iter();
                path.filter(|schema| (self.calls.may_use)(schema))
                    .cloned()
                    .collect()
            }
            _ => Vec::new(),
        };
        let Some(found) = named(self.calls.epoch, &open, name) else {
            return Ok(None);
        };
        if !(self.calls.may_use)(&found.schema) {
            return Err(Error::InsufficientPrivilege(format!(
                "permission denied for schema {}",
                found.schema
            )));
        }
        // Of one that is gone today nobody has a right.
        let allowed = match (self.calls.today)(found.oid) {
            Some(today) => {
                let rights = Rights::new(today.owner, &today.grants, None);
                decide(self.calls.caller, rights, Privilege::Execute) == Verdict::Everything
            }
            None => self.calls.caller.superuser,
        };
        if !allowed {
            return Err(Error::InsufficientPrivilege(format!(
                "permission denied for function {}",
                found.name
            )));
        }
        if self.depth >= MAX_DEPTH {
            return Err(Error::TooComplex(format!(
                "functions call each other more than {MAX_DEPTH} deep: \"{}\"",
                found.name
            )));
        }
        Ok(Some(found))
    }

    fn scalar(&self, expr: &mut Expr) -> Result<()> {
        let Expr::Function(call) = expr else {
            return Ok(());
        };
        let Some(function) = self.find(&call.name)? else {
            return Ok(());
        };
        let plain = call.filter.is_none() && call.over.is_none() && call.within_group.is_empty();
        let FunctionArguments::List(list) = &call.args else {
            return Err(undefined(&function));
        };
        if !plain || list.duplicate_treatment.is_some() || !list.clauses.is_empty() {
            return Err(Error::WrongObject(format!(
                "DISTINCT, ORDER BY, FILTER or OVER specified, but {} is not an aggregate function",
                function.name
            )));
        }
        if function.returns.set {
            return Err(Error::Unsupported {
                what: format!(
                    "the function {}, which gives any number of rows, outside FROM",
                    function.name
                ),
                hint: Some(format!("Call it in FROM: SELECT … FROM {}(…).", function.name)),
            });
        }
        *expr = self.call(&function, &list.args)?;
        Ok(())
    }

    /// One value.
    fn call(&self, function: &FunctionObject, given: &[FunctionArg]) -> Result<Expr> {
        let arguments = arguments(function, given)?;
        let plain = bare(&parsed(&function.query)?).is_some();
        let query = self.query(function, &arguments)?;
        let value = match value_of(&query).filter(|_| plain) {
            Some(value) => Expr::Nested(Box::new(value.clone())),
            None => Expr::Subquery(Box::new(first_row(query)?)),
        };
        let mut value = cast(value, &function.returns.data_type)?;
        if function.strict && !arguments.is_empty() {
            let nulls = arguments
                .iter()
                .map(|argument| Expr::IsNull(Box::new(argument.clone())))
                .reduce(|one, other| Expr::BinaryOp {
                    left: Box::new(one),
                    op: BinaryOperator::Or,
                    right: Box::new(other),
                });
            if let Some(condition) = nulls {
                value = Expr::Case {
                    case_token: ast::helpers::attached_token::AttachedToken::empty(),
                    end_token: ast::helpers::attached_token::AttachedToken::empty(),
                    operand: None,
                    conditions: vec![CaseWhen {
                        condition,
                        result: cast(Expr::Value(Value::Null.into()), &function.returns.data_type)?,
                    }],
                    else_result: Some(Box::new(value)),
                };
            }
        }
        Ok(value)
    }

    /// Rows.
    fn in_from(&self, factor: &mut TableFactor) -> Result<()> {
        let (name, args, alias, lateral) = match factor {
            TableFactor::Table {
                name,
                args: Some(args),
                alias,
                with_ordinality,
                ..
            } => (name.clone(), args.args.clone(), alias.clone(), *with_ordinality),
            TableFactor::Function {
                name,
                args,
                alias,
                with_ordinality,
                ..
            } => (name.clone(), args.clone(), alias.clone(), *with_ordinality),
            _ => return Ok(()),
        };
        let Some(function) = self.find(&name)? else {
            return Ok(());
        };
        if lateral {
            return Err(Error::unsupported(format!(
                "WITH ORDINALITY of the function {}",
                function.name
            )));
        }
        let arguments = arguments(&function, &args)?;
        let outer = arguments.iter().any(|argument| !columns(argument).is_empty());
        let alias_name = alias.as_ref().map_or_else(
            || Ident::with_quote('"', &function.name),
            |alias| alias.name.clone(),
        );
        let mut query = match function.returns.set {
            true => self.query(&function, &arguments)?,
            false => select(SelectItem::UnnamedExpr(self.call(&function, &args)?), None)?,
        };
        if function.strict && function.returns.set {
            for argument in &arguments {
                query = filtered(query, argument)?;
            }
        }
        let types: Vec<(String, String)> = match function.returns.columns.as_slice() {
            [] => vec![(
                alias
                    .as_ref()
                    .map_or_else(|| function.name.clone(), |alias| folded(&alias.name)),
                function.returns.data_type.clone(),
            )],
            columns => columns.to_vec(),
        };
        // Each column in the type that was said, by a name that nothing within has.
        let mut items = Vec::with_capacity(types.len());
        let mut inner = Vec::with_capacity(types.len());
        for (at, (name, data_type)) in types.iter().enumerate() {
            let place = Ident::with_quote('"', format!("radlake.{at}"));
            items.push(SelectItem::ExprWithAlias {
                expr: cast(Expr::Identifier(place.clone()), data_type)?,
                alias: Ident::with_quote('"', name),
            });
            inner.push(place);
        }
        let rows = derived(query, "radlake.rows", inner);
        let mut shown = select(items.remove(0), Some(rows))?;
        if let SetExpr::Select(select) = shown.body.as_mut() {
            select.projection.extend(items);
        }
        *factor = TableFactor::Derived {
            lateral: outer,
            subquery: Box::new(shown),
            alias: Some(TableAlias {
                explicit: true,
                name: alias_name,
                columns: alias.map(|alias| alias.columns).unwrap_or_default(),
                at: None,
            }),
            sample: None,
        };
        Ok(())
    }

    /// The function's query with its arguments in their places, and the functions that it calls in theirs.
    fn query(&self, function: &FunctionObject, arguments: &[Expr]) -> Result<Query> {
        let mut statement = Statement::Query(Box::new(parsed(&function.query)?));
        crate::pg_catalog::rewrite_view(&mut statement);
        let Statement::Query(query) = statement else {
            return Err(Error::internal("a function is no query"));
        };
        let mut query = *query;
        let reads = reads(&query);
        if reads && self.calls.for_another {
            // It would read with the rights of the view's owner, and whoever owns the function says what.
            return Err(Error::Unsupported {
                what: format!("the function {}, which reads tables, in a view", function.name),
                hint: Some("Write its query in the view.".to_owned()),
            });
        }
        for argument in arguments {
            check_argument(function, argument, &query, reads)?;
        }
        let mut places = Places {
            arguments,
            used: vec![0; arguments.len()],
        };
        if let ControlFlow::Break(number) = VisitMut::visit(&mut query, &mut places) {
            return Err(Error::UndefinedParameter(number));
        }
        for (argument, used) in arguments.iter().zip(&places.used) {
            let often = usize::from(function.strict) + used;
            if often > 1 && varies(argument, false) {
                return Err(Error::Unsupported {
                    what: format!(
                        "the function {} of what is another value each time: it uses the argument more than once",
                        function.name
                    ),
                    hint: Some("Compute the value in a sub-query in FROM, and give its column.".to_owned()),
                });
            }
        }
        within(&mut query, self.calls, self.depth + 1)?;
        if size(&query) > MAX_SIZE {
            return Err(Error::TooComplex(format!(
                "the calls of function {} become more than {MAX_SIZE} expressions",
                function.name
            )));
        }
        Ok(query)
    }
}

/// How many expressions a query holds.
fn size(query: &Query) -> usize {
    struct Count(usize);
    impl Visitor for Count {
        type Break = ();

        fn pre_visit_expr(&mut self, _: &Expr) -> ControlFlow<()> {
            self.0 += 1;
            match self.0 > MAX_SIZE {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        }
    }
    let mut count = Count(0);
    let _ = query.visit(&mut count);
    count.0
}

fn undefined(function: &FunctionObject) -> Error {
    Error::UndefinedFunction {
        name: function.name.clone(),
        hint: Some(format!(
            "It takes {}.",
            match function.arguments.as_slice() {
                [] => "no arguments".to_owned(),
                arguments => {
                    let types = arguments.iter().map(|argument| argument.data_type.as_str());
                    format!("({})", types.collect::<Vec<_>>().join(", "))
                }
            }
        )),
        position: None,
    }
}

/// What a function is called with, in the order and the types in which it was declared.
fn arguments(function: &FunctionObject, given: &[FunctionArg]) -> Result<Vec<Expr>> {
    let mut values: Vec<Option<Expr>> = vec![None; function.arguments.len()];
    for (at, argument) in given.iter().enumerate() {
        let (place, value) = match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) => (Some(at), value),
            FunctionArg::Named {
                name,
                arg: FunctionArgExpr::Expr(value),
                ..
            } => {
                let wanted = folded(name);
                let mut known = function.arguments.iter();
                (
                    known.position(|known| known.name.as_deref() == Some(wanted.as_str())),
                    value,
                )
            }
            _ => return Err(undefined(function)),
        };
        let slot = place.and_then(|place| values.get_mut(place));
        let slot = slot.ok_or_else(|| undefined(function))?;
        if slot.replace(value.clone()).is_some() {
            return Err(undefined(function));
        }
    }
    let declared = function.arguments.iter();
    values
        .into_iter()
        .zip(declared)
        .map(|(value, declared)| {
            let value = match (value, &declared.default) {
                (Some(value), _) => value,
                (None, Some(default)) => crate::write::expression(default)?,
                (None, None) => return Err(undefined(function)),
            };
            cast(Expr::Nested(Box::new(value)), &declared.data_type)
        })
        .collect()
}

/// Refuses an argument that would mean something else within the function's query.
fn check_argument(function: &FunctionObject, argument: &Expr, query: &Query, reads: bool) -> Result<()> {
    if !reads {
        return Ok(());
    }
    let refuse = |why: String, hint: &str| {
        Err(Error::Unsupported {
            what: format!("the function {} of {why}", function.name),
            hint: Some(hint.to_owned()),
        })
    };
    let names = relations(query);
    for column in columns(argument) {
        match column.as_slice() {
            [column] => {
                return refuse(
                    format!("the column {column} without the name of its table"),
                    "Say the name of the table before it: its query reads tables that may have such a column too.",
                );
            }
            [.., table, _] if names.contains(table) => {
                return refuse(
                    format!("a column of {table}, which it reads too"),
                    "Give the table another name in the statement (FROM … AS …).",
                );
            }
            _ => {}
        }
    }
    if holds_query(argument) {
        return refuse(
            "a query".to_owned(),
            "Compute the value in a sub-query in FROM, and give its column.",
        );
    }
    match gathers(argument) {
        true => refuse(
            "an aggregate".to_owned(),
            "Compute the aggregate in a sub-query in FROM, and give its column.",
        ),
        false => Ok(()),
    }
}
