//! CREATE FUNCTION … LANGUAGE SQL and DROP FUNCTION.

use std::ops::ControlFlow;
use std::sync::Arc;

use radlake_catalogs::{Argument, Epoch, FunctionObject, Object, Relation, Returns};
use radlake_sql::ast::{self, VisitMut, Visitor, VisitorMut};

use super::own_types::qualify;
use super::target::{folded, resolve};
use super::texts::{DEFAULT_PLACE, expression_text, query_text};
use super::{Outcome, Writer};
use crate::planner::{own_functions, own_types};
use crate::policy::{Privilege, everybodys};
use crate::{Error, Result};

impl Writer<'_> {
    /// The function in SQL that a name means.
    pub(crate) fn own_function(&self, name: &ast::ObjectName) -> Result<Option<Arc<FunctionObject>>> {
        Ok(own_functions::named(
            &*self.epoch()?,
            &self.session.search_path(),
            name,
        ))
    }

    pub(super) async fn create_function(&mut self, create: &ast::CreateFunction) -> Result<Outcome> {
        refuse_options(create)?;
        let (schema, name) = self.place_new(&create.name, false)?;
        let epoch = self.epoch()?;
        let old = epoch.function(&schema, &name).cloned();
        let arguments = self.arguments(create.args.as_deref().unwrap_or_default())?;
        let returns = self.returns(create.return_type.as_ref())?;
        if let Some(old) = &old {
            let same = |one: &[Argument], other: &[Argument]| {
                let types =
                    |all: &[Argument]| all.iter().map(|a| a.data_type.to_lowercase()).collect::<Vec<_>>();
                types(one) == types(other)
            };
            match (same(&old.arguments, &arguments), create.or_replace) {
                (false, _) => {
                    return Err(Error::Unsupported {
                        what: format!("a second function of the name \"{name}\" with other arguments"),
                        hint: Some("Give it a name of its own, or drop the first.".to_owned()),
                    });
                }
                (true, false) => {
                    return Err(Error::DuplicateFunction(format!(
                        "function \"{name}\" already exists with same argument types"
                    )));
                }
                (true, true) if old.returns != returns => {
                    return Err(Error::InvalidFunction(
                        "cannot change return type of existing function".to_owned(),
                    ));
                }
                (true, true) => {}
            }
        }
        if self.session.is_function(&name) {
            return Err(Error::Unsupported {
                what: format!("a function of the name \"{name}\", which Radlake has"),
                hint: Some(
                    "Give it another name: calls of that one are always of the function that is there."
                        .to_owned(),
                ),
            });
        }
        let body = body_of(create)?;
        let query = self.compiled(&name, &arguments, &returns, &body)?;
        let owner = self.acting_oid()?;
        let mut function = FunctionObject {
            schema,
            name,
            owner,
            arguments,
            returns,
            body,
            query,
            volatility: match create.behavior {
                Some(ast::FunctionBehavior::Immutable) => "immutable",
                Some(ast::FunctionBehavior::Stable) => "stable",
                Some(ast::FunctionBehavior::Volatile) | None => "volatile",
            }
            .to_owned(),
            strict: matches!(
                create.called_on_null,
                Some(ast::FunctionCalledOnNull::Strict | ast::FunctionCalledOnNull::ReturnsNullOnNullInput)
            ),
            grants: everybodys(),
            ..FunctionObject::default()
        };
        for grant in &mut function.grants {
            grant.grantor = owner;
        }
        if let Some(old) = old {
            function.oid = old.oid;
            function.owner = old.owner;
            function.grants.clone_from(&old.grants);
            function.comment.clone_from(&old.comment);
        }
        self.work.put_object(function.clone())?;
        self.plan_once(&function).await?;
        Ok(Outcome::tag("CREATE FUNCTION"))
    }

    fn arguments(&self, declared: &[ast::OperateFunctionArg]) -> Result<Vec<Argument>> {
        let mut arguments: Vec<Argument> = Vec::with_capacity(declared.len());
        for argument in declared {
            if !matches!(argument.mode, None | Some(ast::ArgMode::In)) {
                return Err(Error::Unsupported {
                    what: "OUT, INOUT and VARIADIC arguments".to_owned(),
                    hint: Some("RETURNS TABLE (…) gives several columns.".to_owned()),
                });
            }
            let name = argument.name.as_ref().map(folded);
            if name.is_some() && arguments.iter().any(|known| known.name == name) {
                return Err(Error::InvalidFunction(format!(
                    "parameter name \"{}\" used more than once",
                    name.unwrap_or_default()
                )));
            }
            let default = argument.default_expr.as_ref();
            if default.is_none() && arguments.last().is_some_and(|last| last.default.is_some()) {
                return Err(Error::InvalidFunction(
                    "input parameters after one with a default value must also have defaults".to_owned(),
                ));
            }
            arguments.push(Argument {
                name,
                data_type: self.type_text(&argument.data_type)?,
                default: default
                    .map(|default| expression_text(default, DEFAULT_PLACE))
                    .transpose()?,
            });
        }
        Ok(arguments)
    }

    fn type_text(&self, data_type: &ast::DataType) -> Result<String> {
        let find = |name: &ast::ObjectName| self.own_type(name).ok().flatten();
        let mut data_type = data_type.clone();
        qualify(&mut data_type, &find);
        without_modifiers(&mut data_type);
        let text = data_type.to_string();
        match text.to_lowercase().as_str() {
            "void" | "trigger" | "record" | "anyelement" | "anyarray" | "refcursor" => {
                Err(Error::Unsupported {
                    what: format!("the type {text} of a function"),
                    hint: Some(
                        "A function in SQL takes and gives values of types that columns have.".to_owned(),
                    ),
                })
            }
            _ => Ok(text),
        }
    }

    fn returns(&self, declared: Option<&ast::FunctionReturnType>) -> Result<Returns> {
        let (data_type, set) = match declared {
            Some(ast::FunctionReturnType::DataType(ast::DataType::Table(Some(columns)))) => {
                let columns = columns
                    .iter()
                    .map(|column| Ok((folded(&column.name), self.type_text(&column.data_type)?)));
                return Ok(Returns {
                    set: true,
                    columns: columns.collect::<Result<_>>()?,
                    ..Returns::default()
                });
            }
            Some(ast::FunctionReturnType::DataType(data_type)) => (data_type, false),
            Some(ast::FunctionReturnType::SetOf(data_type)) => (data_type, true),
            None => {
                return Err(Error::InvalidFunction(
                    "function result type must be specified".to_owned(),
                ));
            }
        };
        let find = |name: &ast::ObjectName| self.own_type(name).ok().flatten();
        if let ast::DataType::Custom(name, _) = data_type
            && own_types::meant(data_type, &find).is_none()
        {
            let (path, database) = (self.session.search_path(), self.session.database());
            let epoch = self.epoch()?;
            let found = resolve(&epoch, &path, &database, name)?;
            if let (Some(schema), last) = found
                && epoch.get_relation(&schema, &last).is_some()
            {
                return Err(Error::Unsupported {
                    what: format!("a function that gives rows of {last}"),
                    hint: Some("RETURNS TABLE (…) names the columns.".to_owned()),
                });
            }
        }
        Ok(Returns {
            data_type: self.type_text(data_type)?,
            set,
            columns: Vec::new(),
        })
    }

    /// The query of a function, with a number in the place of each argument's name.
    fn compiled(
        &self,
        function: &str,
        arguments: &[Argument],
        returns: &Returns,
        body: &str,
    ) -> Result<String> {
        let mut statements = radlake_sql::parse(body)?;
        let only = statements.pop();
        let (Some(statement), true) = (only, statements.is_empty()) else {
            return Err(Error::Unsupported {
                what: "a function of several statements, or none".to_owned(),
                hint: Some("WITH puts queries together.".to_owned()),
            });
        };
        let ast::Statement::Query(query) = statement.ast() else {
            return Err(Error::unsupported("a function that does anything but a query"));
        };
        if super::with::writes(query) {
            return Err(Error::unsupported("a function that writes"));
        }
        let mut query = query.as_ref().clone();
        let named: Vec<(usize, &str)> = (1..)
            .zip(arguments)
            .filter_map(|(number, argument)| Some((number, argument.name.as_deref()?)))
            .collect();
        if !named.is_empty() {
            let known = self.columns_within(&query)?;
            let mut names = Arguments {
                function,
                named: &named,
                columns: &known,
            };
            if let ControlFlow::Break(name) = query.visit(&mut names) {
                return Err(Error::Unsupported {
                    what: format!(
                        "the argument \"{name}\", which is also the name of a column that the function reads"
                    ),
                    hint: Some(format!(
                        "Say {function}.{name} for the argument, or give it another name."
                    )),
                });
            }
        }
        let wanted = match returns.columns.len() {
            0 => 1,
            columns => columns,
        };
        if let ast::SetExpr::Select(select) = query.body.as_ref() {
            let plain = |item: &ast::SelectItem| {
                matches!(
                    item,
                    ast::SelectItem::UnnamedExpr(_) | ast::SelectItem::ExprWithAlias { .. }
                )
            };
            if select.projection.iter().all(plain) && select.projection.len() != wanted {
                return Err(Error::InvalidFunction(format!(
                    "return type mismatch in function declared to return {}",
                    match returns.columns.is_empty() {
                        true => returns.data_type.as_str(),
                        false => "record",
                    }
                )));
            }
        }
        if let Some(value) = own_functions::bare(&query)
            && own_functions::gathers(value)
            && !returns.set
        {
            return Err(Error::Unsupported {
                what: "a function that is an aggregate, a window function or rows without FROM".to_owned(),
                hint: Some("Give it a FROM, or RETURNS SETOF.".to_owned()),
            });
        }
        // What it reads is settled now: no search path and no WITH around a call makes it something else.
        let query = self.qualified_freely(&query)?;
        if super::temporary::reads_temporary(&query) {
            return Err(Error::unsupported(
                "a function that reads temporary tables or views",
            ));
        }
        query_text(&query)
    }

    /// Names of columns that a query may mean: of what it reads, and those that it names itself.
    fn columns_within(&self, query: &ast::Query) -> Result<Vec<String>> {
        struct Found<'e> {
            epoch: &'e Epoch,
            path: Vec<String>,
            database: String,
            columns: Vec<String>,
        }
        impl Visitor for Found<'_> {
            type Break = ();

            fn pre_visit_relation(&mut self, name: &ast::ObjectName) -> ControlFlow<()> {
                let found = resolve(self.epoch, &self.path, &self.database, name).ok();
                let relation =
                    found.and_then(|(schema, last)| self.epoch.get_relation(schema.as_deref()?, &last));
                let schema = match relation {
                    Some(Relation::Table(table)) => Some(Arc::clone(&table.arrow_schema)),
                    Some(Relation::View(view)) => view.columns.clone(),
                    _ => None,
                };
                let fields = schema.iter().flat_map(|schema| schema.fields().iter());
                self.columns.extend(fields.map(|field| field.name().clone()));
                if relation.is_none()
                    && let Some(last) = name.0.last().and_then(|part| part.as_ident()).map(folded)
                {
                    self.columns.extend(crate::pg_catalog::columns_of_catalogs(&last));
                }
                ControlFlow::Continue(())
            }

            fn pre_visit_query(&mut self, query: &ast::Query) -> ControlFlow<()> {
                let tables = query.with.iter().flat_map(|with| &with.cte_tables);
                let listed = tables.flat_map(|cte| &cte.alias.columns);
                self.columns.extend(listed.map(|column| folded(&column.name)));
                if let ast::SetExpr::Select(select) = query.body.as_ref() {
                    for item in &select.projection {
                        match item {
                            ast::SelectItem::ExprWithAlias { alias, .. } => self.columns.push(folded(alias)),
                            // A column without a name has that of its function.
                            ast::SelectItem::UnnamedExpr(value) => self.columns.extend(name_of(value)),
                            _ => {}
                        }
                    }
                }
                ControlFlow::Continue(())
            }

            fn pre_visit_table_factor(&mut self, factor: &ast::TableFactor) -> ControlFlow<()> {
                let alias = match factor {
                    ast::TableFactor::Table { alias, .. }
                    | ast::TableFactor::Derived { alias, .. }
                    | ast::TableFactor::Function { alias, .. }
                    | ast::TableFactor::UNNEST { alias, .. } => alias.as_ref(),
                    _ => None,
                };
                if let ast::TableFactor::Table {
                    name, args: Some(_), ..
                }
                | ast::TableFactor::Function { name, .. } = factor
                {
                    let last = name.0.last().and_then(|part| part.as_ident()).map(folded);
                    self.columns.extend(last);
                    self.columns.push("ordinality".to_owned());
                }
                if let Some(alias) = alias {
                    self.columns.push(folded(&alias.name));
                    self.columns
                        .extend(alias.columns.iter().map(|column| folded(&column.name)));
                }
                ControlFlow::Continue(())
            }
        }
        let epoch = self.epoch()?;
        let mut found = Found {
            epoch: &epoch,
            path: self.session.search_path(),
            database: self.session.database(),
            columns: Vec::new(),
        };
        let _ = ast::Visit::visit(query, &mut found);
        Ok(found.columns)
    }

    /// Plans a call, so that a mistake shows now.
    async fn plan_once(&self, function: &FunctionObject) -> Result<()> {
        let nulls = function
            .arguments
            .iter()
            .map(|argument| format!("CAST(NULL AS {})", argument.data_type));
        let name = [&function.schema, &function.name].map(|part| super::target::quoted(part));
        let call = format!("{}({})", name.join("."), nulls.collect::<Vec<_>>().join(", "));
        let planner = self.planner(Vec::new())?;
        let plan = self.plan(&planner, &format!("SELECT * FROM {call}")).await?;
        planner.analyse(plan)?;
        Ok(())
    }

    pub(super) fn drop_function(&mut self, drop: &ast::DropFunction) -> Result<Outcome> {
        for description in &drop.func_desc {
            let Some(function) = self.own_function(&description.name)? else {
                let name = description.name.to_string();
                if drop.if_exists {
                    self.session
                        .notice("00000", format!("function {name}() does not exist, skipping"));
                    continue;
                }
                return Err(Error::UndefinedFunction {
                    name,
                    hint: None,
                    position: None,
                });
            };
            if description
                .args
                .as_ref()
                .is_some_and(|args| args.len() != function.arguments.len())
            {
                return Err(Error::UndefinedFunction {
                    name: description.to_string(),
                    hint: None,
                    position: None,
                });
            }
            if let Some(user) = self.calls(&function) {
                if drop.drop_behavior == Some(ast::DropBehavior::Cascade) {
                    return Err(Error::Unsupported {
                        what: format!("DROP FUNCTION … CASCADE: {user} uses it"),
                        hint: Some("Drop what uses it first.".to_owned()),
                    });
                }
                return Err(Error::Dependents {
                    message: format!(
                        "cannot drop function {} because other objects depend on it",
                        function.name
                    ),
                    detail: format!("{user} depends on function {}", function.name),
                });
            }
            self.work.drop_object(function.oid)?;
        }
        Ok(Outcome::tag("DROP FUNCTION"))
    }

    /// What calls a function in a text that is kept. Texts of functions are not looked at: PostgreSQL does not know what they call either.
    fn calls(&self, function: &FunctionObject) -> Option<String> {
        let name = function.qualified_name().to_lowercase();
        let calls = |text: &str| {
            text.replace(['"', '\\'], "")
                .to_lowercase()
                .contains(&format!("{name}("))
        };
        self.work.objects().find_map(|object| match object {
            Object::View(view) => calls(&view.sql).then(|| format!("view {}", view.name)),
            Object::Table(table) => {
                let fields = table.arrow_schema.fields().iter();
                let kept = fields.flat_map(|field| field.metadata().values());
                let policies = table.row_security.policies.iter();
                let policies = policies.flat_map(|policy| policy.using.iter().chain(policy.check.iter()));
                let mut texts = kept
                    .chain(table.properties.values())
                    .chain(policies)
                    .chain(table.row_security.masks.values());
                texts
                    .any(|text| calls(text))
                    .then(|| format!("table {}", table.name))
            }
            _ => None,
        })
    }
}

/// Puts `$1` … in the place of arguments' names; stops at one that a column may have too.
struct Arguments<'a> {
    function: &'a str,
    named: &'a [(usize, &'a str)],
    columns: &'a [String],
}

impl VisitorMut for Arguments<'_> {
    type Break = String;

    fn post_visit_expr(&mut self, expr: &mut ast::Expr) -> ControlFlow<String> {
        let find = |name: &str| self.named.iter().find(|(_, known)| *known == name);
        let found = match &*expr {
            ast::Expr::Identifier(ident) => {
                let name = folded(ident);
                match find(&name) {
                    Some(_) if self.columns.contains(&name) => return ControlFlow::Break(name),
                    found => found,
                }
            }
            ast::Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                [function, name] if folded(function) == self.function => find(&folded(name)),
                _ => None,
            },
            _ => None,
        };
        if let Some((number, _)) = found {
            *expr = ast::Expr::Value(ast::Value::Placeholder(format!("${number}")).into());
        }
        ControlFlow::Continue(())
    }
}

/// The name of a column that is said none.
fn name_of(value: &ast::Expr) -> Option<String> {
    match value {
        ast::Expr::Function(call) => call.name.0.last().and_then(|part| part.as_ident()).map(folded),
        ast::Expr::Cast { expr, .. } | ast::Expr::Nested(expr) => name_of(expr),
        ast::Expr::Case { .. } => Some("case".to_owned()),
        ast::Expr::Subquery(query) => match query.body.as_ref() {
            ast::SetExpr::Select(select) => match select.projection.as_slice() {
                [ast::SelectItem::UnnamedExpr(value)] => name_of(value),
                [ast::SelectItem::ExprWithAlias { alias, .. }] => Some(folded(alias)),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

fn refuse_options(create: &ast::CreateFunction) -> Result<()> {
    let language = create.language.as_ref().map(folded);
    let is_return = matches!(create.function_body, Some(ast::CreateFunctionBody::Return(_)));
    let what = match language.as_deref() {
        None if !is_return => return Err(Error::InvalidFunction("no language specified".to_owned())),
        Some(other) if other != "sql" => Some(format!("functions in {other}")),
        _ if create.security == Some(ast::FunctionSecurity::Definer) => {
            Some("SECURITY DEFINER: a function reads with the rights of who calls it".to_owned())
        }
        _ if !create.set_params.is_empty() => Some("a function with settings of its own".to_owned()),
        _ if create.temporary || create.or_alter || create.if_not_exists || create.using.is_some() => {
            Some("this form of CREATE FUNCTION".to_owned())
        }
        _ => None,
    };
    match what {
        Some(what) => Err(Error::Unsupported {
            what,
            hint: Some(
                "CREATE FUNCTION … LANGUAGE SQL of one query is there; a view reads with its owner's rights."
                    .to_owned(),
            ),
        }),
        None => Ok(()),
    }
}

fn body_of(create: &ast::CreateFunction) -> Result<String> {
    match &create.function_body {
        Some(ast::CreateFunctionBody::AsBeforeOptions {
            body: ast::Expr::Value(value),
            link_symbol: None,
        }) => match &value.value {
            ast::Value::SingleQuotedString(text) | ast::Value::EscapedStringLiteral(text) => Ok(text.clone()),
            ast::Value::DollarQuotedString(quoted) => Ok(quoted.value.clone()),
            _ => Err(Error::syntax("the body of a function is a text")),
        },
        Some(ast::CreateFunctionBody::Return(value)) => Ok(format!("SELECT {value}")),
        _ => Err(Error::unsupported("this form of a function's body")),
    }
}

/// Lengths and precisions of arguments and results say nothing, as in PostgreSQL.
fn without_modifiers(data_type: &mut ast::DataType) {
    use ast::DataType as T;
    match data_type {
        T::Varchar(length) | T::CharacterVarying(length) | T::CharVarying(length) => *length = None,
        T::Char(_) | T::Character(_) => *data_type = T::Text,
        T::Numeric(digits) | T::Decimal(digits) | T::Dec(digits) => *digits = ast::ExactNumberInfo::None,
        T::Timestamp(digits, _) | T::Time(digits, _) => *digits = None,
        T::Array(ast::ArrayElemTypeDef::SquareBracket(element, _)) => without_modifiers(element),
        _ => {}
    }
}

/// The right that functions have.
pub(crate) const ON_FUNCTION: &[Privilege] = &[Privilege::Execute];
