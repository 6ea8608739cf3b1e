//! CREATE TYPE … AS ENUM, CREATE DOMAIN, ALTER TYPE, DROP TYPE, DROP DOMAIN; and what columns of such types ask of their values.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::datatypes::{Field, Schema};
use radlake_catalogs::{Domain, DomainCheck, Epoch, FunctionObject, Object, TypeDefinition, TypeObject};
use radlake_sql::ast::{self, VisitMut, VisitorMut};
use serde::{Deserialize, Serialize};

use super::constraint::{Constraint, Rule};
use super::target::folded;
use super::texts::{self, expression_text};
use super::{Outcome, Writer};
use crate::enumeration::Enumeration;
use crate::error::Violation;
use crate::pg_catalog::types::PG_TYPE_KEY;
use crate::planner::{own_functions, own_types};
use crate::{Error, Result};

/// Key of a column's metadata that holds its domain ([`OfDomain`]).
pub(crate) const DOMAIN: &str = "radlake.domain";

/// PostgreSQL's greatest length of a label, in bytes.
const LONGEST_LABEL: usize = 63;

/// A column's domain, as the column keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OfDomain {
    pub(crate) oid: u32,
    name: String,
    not_null: bool,
    checks: Vec<DomainCheck>,
}

impl OfDomain {
    /// Of a field that has one.
    pub(crate) fn of(field: &Field) -> Option<Self> {
        serde_json::from_str(field.metadata().get(DOMAIN)?).ok()
    }

    /// Whether NULL is no value of it.
    pub(super) const fn refuses_null(&self) -> bool {
        self.not_null
    }

    /// What it asks of a column.
    pub(super) fn constraints(&self, column: &str, epoch: &Epoch) -> Result<Vec<Constraint>> {
        // It may have been renamed since, or its schema.
        let own = epoch.own_type_by_oid(self.oid);
        let (schema, name) = own.map_or(("", self.name.as_str()), |own| {
            (own.schema.as_str(), own.name.as_str())
        });
        let value = ast::Expr::Identifier(ast::Ident::with_quote('"', column));
        let constraint = |called: &str, expression: String| Constraint {
            name: called.to_owned(),
            rule: Rule::Domain {
                schema: schema.to_owned(),
                domain: name.to_owned(),
                expression,
            },
            comment: None,
        };
        let mut found = Vec::new();
        if self.not_null {
            found.push(constraint("", format!("{value} IS NOT NULL")));
        }
        for check in &self.checks {
            let condition = own_types::condition(&check.expression, &value)?;
            found.push(constraint(&check.name, condition.to_string()));
        }
        Ok(found)
    }
}

impl Writer<'_> {
    /// The lake's own type that a name means.
    pub(crate) fn own_type(&self, name: &ast::ObjectName) -> Result<Option<Arc<TypeObject>>> {
        Ok(own_types::named(
            &*self.epoch()?,
            &self.session.search_path(),
            name,
        ))
    }

    /// The statement with the schema before each name of the lake's own types and functions in it, if it is one of which texts are kept.
    pub(super) fn with_types_qualified(&self, statement: &ast::Statement) -> Result<Option<ast::Statement>> {
        let kept = matches!(
            statement,
            ast::Statement::CreateTable(_)
                | ast::Statement::AlterTable(_)
                | ast::Statement::CreateDomain(_)
                | ast::Statement::CreateView(_)
                | ast::Statement::AlterView { .. }
                | ast::Statement::CreateIndex(_)
        );
        if !kept {
            return Ok(None);
        }
        let copied = matches!(
            statement,
            ast::Statement::CreateTable(ast::CreateTable { query: Some(_), .. })
        );
        let mut statement = statement.clone();
        self.qualify_own(&mut statement, !copied)?;
        Ok(Some(statement))
    }

    /// Puts the schema before each name of the lake's own types and functions, so that what is kept of it means the same whatever the
    /// search path is. A `rule` is computed with the rights of whoever writes or of a view's owner: functions must not read there.
    pub(super) fn qualify_own<T: VisitMut>(&self, tree: &mut T, rule: bool) -> Result<()> {
        let epoch = self.epoch()?;
        if epoch.own_types().next().is_none() && epoch.functions().next().is_none() {
            return Ok(());
        }
        let path = self.session.search_path();
        let find = |name: &ast::ObjectName| own_types::named(&epoch, &path, name);
        let function = |name: &ast::ObjectName| match name.0.as_slice() {
            [ast::ObjectNamePart::Identifier(only)] if self.session.is_function(&folded(only)) => None,
            _ => own_functions::named(&epoch, &path, name),
        };
        let mut names = Names {
            types: &find,
            functions: &function,
            reads: &|function| own_functions::reads_anything(function, &epoch, &path),
            rule,
        };
        match tree.visit(&mut names) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(name) => Err(Error::unsupported(format!(
                "the function {name}, which reads tables, in the definition of a table, a view, a policy or a domain"
            ))),
        }
    }

    pub(super) fn create_type(
        &mut self,
        name: &ast::ObjectName,
        representation: Option<&ast::UserDefinedTypeRepresentation>,
    ) -> Result<Outcome> {
        let Some(ast::UserDefinedTypeRepresentation::Enum { labels }) = representation else {
            return Err(Error::Unsupported {
                what: "CREATE TYPE of anything but an enum".to_owned(),
                hint: Some("CREATE TYPE … AS ENUM and CREATE DOMAIN are there.".to_owned()),
            });
        };
        let mut known: Vec<String> = Vec::with_capacity(labels.len());
        for label in labels {
            let label = label.value.clone();
            fits(&label)?;
            if known.contains(&label) {
                const INDEX: &str = "pg_enum_typid_label_index";
                let message = format!("duplicate key value violates unique constraint \"{INDEX}\"");
                let violation = Violation::of_table("pg_catalog", "pg_enum", message).constraint(INDEX);
                let key = ["enumtypid".to_owned(), "enumlabel".to_owned()];
                return Err(Error::UniqueViolation(violation.key(&key, false)));
            }
            known.push(label);
        }
        self.put_type(name, TypeDefinition::Enum { labels: known })?;
        Ok(Outcome::tag("CREATE TYPE"))
    }

    fn put_type(&mut self, name: &ast::ObjectName, definition: TypeDefinition) -> Result<()> {
        let (schema, name) = self.place_new(name, false)?;
        self.no_type_named(&schema, &name)?;
        let owner = self.acting_oid()?;
        self.work.put_object(TypeObject {
            schema,
            name,
            owner,
            definition,
            ..TypeObject::default()
        })?;
        Ok(())
    }

    /// Tables and views are types too, of their rows.
    fn no_type_named(&self, schema: &str, name: &str) -> Result<()> {
        let epoch = self.epoch()?;
        match epoch.own_type(schema, name).is_some() || epoch.get_relation(schema, name).is_some() {
            true => Err(Error::DuplicateObject(format!("type \"{name}\" already exists"))),
            false => Ok(()),
        }
    }

    pub(super) async fn create_domain(&mut self, create: &ast::CreateDomain) -> Result<Outcome> {
        if create.collation.is_some() {
            return Err(Error::unsupported("a domain with a collation"));
        }
        let (schema, name) = self.place_new(&create.name, false)?;
        self.no_type_named(&schema, &name)?;
        let find = |name: &ast::ObjectName| self.own_type(name).ok().flatten();
        let mut base = create.data_type.clone();
        let below = match own_types::meant(&base, &find) {
            Some((_, _, true)) => {
                return Err(Error::unsupported(
                    "a domain over an array of a type of one's own",
                ));
            }
            Some((own, _, false)) => Some(own),
            None => None,
        };
        let mut domain = Domain::default();
        if let Some(own) = below {
            match &own.definition {
                TypeDefinition::Domain(known) => domain = known.clone(),
                TypeDefinition::Enum { .. } => {
                    qualify(&mut base, &find);
                    domain.base = base.to_string();
                }
            }
        } else {
            let _ = self.typed("value", &base).await?;
            domain.base = base.to_string();
        }
        if let Some(default) = &create.default {
            domain.default = Some(expression_text(default, texts::DEFAULT_PLACE)?);
        }
        for constraint in &create.constraints {
            let ast::TableConstraint::Check(check) = constraint else {
                return Err(Error::unsupported(format!("constraint {constraint} of a domain")));
            };
            let expression = expression_text(&check.expr, texts::CHECK_PLACE)?;
            if let Some(not_null) = not_null(&expression) {
                domain.not_null = not_null;
                continue;
            }
            let taken = |wanted: &str| domain.checks.iter().any(|known| known.name == wanted);
            let made = || {
                let numbered = (1..).map(|number| format!("{name}_check{number}"));
                let mut names = std::iter::once(format!("{name}_check")).chain(numbered);
                names.find(|name| !taken(name)).unwrap_or_default()
            };
            let called = check.name.as_ref().map_or_else(made, folded);
            if taken(&called) {
                return Err(Error::DuplicateObject(format!(
                    "constraint \"{called}\" for domain \"{name}\" already exists"
                )));
            }
            domain.checks.push(DomainCheck {
                name: called,
                expression,
            });
        }
        // Planned once now, so that a mistake shows here and not at the first row.
        let value = ast::Expr::Identifier(ast::Ident::with_quote('"', "value"));
        let planner = self.planner(Vec::new())?;
        for check in &domain.checks {
            let condition = own_types::condition(&check.expression, &value)?;
            let sql = format!(
                "SELECT 1 FROM (SELECT CAST(NULL AS {}) AS \"value\") AS d WHERE {condition}",
                domain.base
            );
            let plan = self.plan(&planner, &sql).await?;
            planner.analyse(plan)?;
        }
        if let Some(default) = &domain.default {
            let sql = format!("SELECT CAST({default} AS {})", domain.base);
            let plan = self.plan(&planner, &sql).await?;
            planner.analyse(plan)?;
        }
        self.put_type(&create.name, TypeDefinition::Domain(domain))?;
        Ok(Outcome::tag("CREATE DOMAIN"))
    }

    /// A column's field as a type of the lake's own makes it: an enumeration's name, or a domain with its default.
    pub(super) async fn of_own_type(&self, name: &str, sql_type: &ast::DataType) -> Result<Option<Field>> {
        let find = |name: &ast::ObjectName| self.own_type(name).ok().flatten();
        let Some((own, _, array)) = own_types::meant(sql_type, &find) else {
            return Ok(None);
        };
        let TypeDefinition::Domain(domain) = &own.definition else {
            return Ok(None);
        };
        if array {
            return Err(Error::unsupported("an array of a domain"));
        }
        let below = type_named(&domain.base)?;
        let field = Box::pin(self.typed(name, &below)).await?;
        let mut metadata = field.metadata().clone();
        let kept = OfDomain {
            oid: own.oid,
            name: own.name.clone(),
            not_null: domain.not_null,
            checks: domain.checks.clone(),
        };
        let kept =
            serde_json::to_string(&kept).map_err(|error| Error::internal(format!("a domain: {error}")))?;
        metadata.insert(DOMAIN.to_owned(), kept);
        if let Some(default) = &domain.default {
            metadata.insert(super::target::DEFAULT.to_owned(), default.clone());
        }
        Ok(Some(field.with_metadata(metadata)))
    }

    pub(super) fn alter_type(&mut self, alter: &ast::AlterType) -> Result<Outcome> {
        let own = self.type_to_change(&alter.name, "type")?;
        let mut own = own.as_ref().clone();
        match &alter.operation {
            ast::AlterTypeOperation::Rename(rename) => {
                let new = folded(&rename.new_name);
                self.no_type_named(&own.schema, &new)?;
                self.not_in_texts(&own)?;
                own.name = new;
                self.relabel(&own)?;
                self.work.put_object(own)?;
            }
            ast::AlterTypeOperation::AddValue(add) => {
                let TypeDefinition::Enum { labels } = &mut own.definition else {
                    return Err(not_enum(&own.name));
                };
                let label = add.value.value.clone();
                fits(&label)?;
                if labels.contains(&label) {
                    let message = format!("enum label \"{label}\" already exists");
                    if !add.if_not_exists {
                        return Err(Error::DuplicateObject(message));
                    }
                    self.session.notice("42710", format!("{message}, skipping"));
                    return Ok(Outcome::tag("ALTER TYPE"));
                }
                let place = |neighbour: &ast::Ident| {
                    let found = labels.iter().position(|known| *known == neighbour.value);
                    found.ok_or_else(|| {
                        Error::InvalidParameter(format!(
                            "\"{}\" is not an existing enum label",
                            neighbour.value
                        ))
                    })
                };
                let at = match &add.position {
                    None => labels.len(),
                    Some(ast::AlterTypeAddValuePosition::Before(neighbour)) => place(neighbour)?,
                    Some(ast::AlterTypeAddValuePosition::After(neighbour)) => place(neighbour)? + 1,
                };
                labels.insert(at, label);
                self.relabel(&own)?;
                self.work.put_object(own)?;
            }
            ast::AlterTypeOperation::RenameValue(rename) => {
                if let Some((_, user)) = self.uses(&own)? {
                    return Err(Error::Unsupported {
                        what: format!("renaming a label of type \"{}\", which {user} uses", own.name),
                        hint: Some(
                            "Files hold the labels: add the new one by ADD VALUE, and UPDATE the rows."
                                .to_owned(),
                        ),
                    });
                }
                let TypeDefinition::Enum { labels } = &mut own.definition else {
                    return Err(not_enum(&own.name));
                };
                let (from, to) = (&rename.from.value, rename.to.value.clone());
                fits(&to)?;
                if labels.contains(&to) {
                    return Err(Error::DuplicateObject(format!(
                        "enum label \"{to}\" already exists"
                    )));
                }
                let Some(label) = labels.iter_mut().find(|label| *label == from) else {
                    return Err(Error::InvalidParameter(format!(
                        "\"{from}\" is not an existing enum label"
                    )));
                };
                *label = to;
                self.work.put_object(own)?;
            }
        }
        Ok(Outcome::tag("ALTER TYPE"))
    }

    /// Gives columns of an enumeration its labels of now.
    fn relabel(&mut self, own: &TypeObject) -> Result<()> {
        let TypeDefinition::Enum { labels } = &own.definition else {
            return Ok(());
        };
        let name = Enumeration {
            oid: own.oid,
            name: own.name.clone(),
            labels: labels.clone(),
        }
        .to_string();
        let renamed = |schema: &Schema| -> Option<Schema> {
            let mut changed = false;
            let fields: Vec<Field> = schema
                .fields()
                .iter()
                .map(|field| {
                    let mut field = field.as_ref().clone();
                    let known = field.metadata().get(PG_TYPE_KEY);
                    if let Some(known) = known.filter(|known| Enumeration::is_named(known, own.oid)) {
                        let array = if known.starts_with('_') { "_" } else { "" };
                        let mut metadata: HashMap<String, String> = field.metadata().clone();
                        metadata.insert(PG_TYPE_KEY.to_owned(), format!("{array}{name}"));
                        field.set_metadata(metadata);
                        changed = true;
                    }
                    field
                })
                .collect();
            changed.then(|| Schema::new_with_metadata(fields, schema.metadata().clone()))
        };
        let mut changed: Vec<Object> = Vec::new();
        for object in self.work.objects() {
            match object {
                Object::Table(table) => {
                    if let Some(schema) = renamed(&table.arrow_schema) {
                        let mut table = table.clone();
                        table.arrow_schema = Arc::new(schema);
                        changed.push(Object::Table(table));
                    }
                }
                Object::View(view) => {
                    if let Some(schema) = view.columns.as_deref().and_then(renamed) {
                        let mut view = view.clone();
                        view.columns = Some(Arc::new(schema));
                        changed.push(Object::View(view));
                    }
                }
                _ => {}
            }
        }
        for object in changed {
            self.work.put_object(object)?;
        }
        Ok(())
    }

    /// DROP TYPE and DROP DOMAIN; `kind` is what the statement calls them.
    pub(super) fn drop_types(
        &mut self,
        kind: &'static str,
        names: &[ast::ObjectName],
        if_exists: bool,
        cascade: bool,
    ) -> Result<()> {
        for name in names {
            let own = match self.type_to_change(name, kind) {
                Ok(own) => own,
                Err(Error::UndefinedObject { .. }) if if_exists => {
                    self.session
                        .notice("00000", format!("type \"{name}\" does not exist, skipping"));
                    continue;
                }
                Err(error) => return Err(error),
            };
            if let Some((_, user)) = self.uses(&own)? {
                if cascade {
                    return Err(Error::Unsupported {
                        what: format!("DROP {} … CASCADE: {user} uses it", kind.to_uppercase()),
                        hint: Some("Drop what uses it first.".to_owned()),
                    });
                }
                return Err(Error::Dependents {
                    message: format!("cannot drop type {} because other objects depend on it", own.name),
                    detail: format!("{user} depends on type {}", own.name),
                });
            }
            self.work.drop_object(own.oid)?;
        }
        Ok(())
    }

    fn type_to_change(&self, name: &ast::ObjectName, kind: &'static str) -> Result<Arc<TypeObject>> {
        let own = self.own_type(name)?.ok_or_else(|| Error::UndefinedObject {
            kind: "type",
            name: name.to_string(),
        })?;
        match (kind, &own.definition) {
            ("domain", TypeDefinition::Enum { .. }) => {
                Err(Error::WrongObject(format!("\"{name}\" is not a domain")))
            }
            _ => Ok(own),
        }
    }

    /// What uses a type: the OID of its schema's object, and its name for messages.
    pub(super) fn uses(&self, own: &TypeObject) -> Result<Option<(u32, String)>> {
        for object in self.work.objects() {
            let Object::Table(table) = object else { continue };
            for field in table.arrow_schema.fields() {
                let known = field.metadata().get(PG_TYPE_KEY);
                let is = known.is_some_and(|known| Enumeration::is_named(known, own.oid))
                    || OfDomain::of(field).is_some_and(|domain| domain.oid == own.oid);
                if is {
                    let column = field.name();
                    return Ok(Some((
                        table.oid,
                        format!("column {column} of table {}", table.name),
                    )));
                }
            }
        }
        Ok(self.named_in_text(own)?.map(|user| (0, user)))
    }

    /// Refuses to give another name to a type that a text names.
    pub(super) fn not_in_texts(&self, own: &TypeObject) -> Result<()> {
        match self.named_in_text(own)? {
            Some(user) => Err(Error::Unsupported {
                what: format!("renaming type \"{}\", which {user} names", own.name),
                hint: Some("Drop what names it first, and make it again after.".to_owned()),
            }),
            None => Ok(()),
        }
    }

    /// What names a type in a text that is kept.
    fn named_in_text(&self, own: &TypeObject) -> Result<Option<String>> {
        // Texts that are kept have the schema before each name.
        let name = own.qualified_name().to_lowercase();
        let names = |text: &str| text.replace(['"', '\\'], "").to_lowercase().contains(&name);
        for object in self.work.objects() {
            let found = match object {
                Object::View(view) => names(&view.sql).then(|| format!("view {}", view.name)),
                Object::Table(table) => {
                    let fields = table.arrow_schema.fields().iter();
                    let mut metadata = fields.flat_map(|field| field.metadata().iter());
                    let kept =
                        |key: &str| [super::target::DEFAULT, super::target::GENERATED, DOMAIN].contains(&key);
                    let in_columns = metadata.any(|(key, text)| kept(key) && names(text));
                    let in_rules = table.properties.values().any(|text| names(text));
                    let policies = table.row_security.policies.iter();
                    let in_policies = policies
                        .flat_map(|policy| policy.using.iter().chain(policy.check.iter()))
                        .any(|text| names(text));
                    (in_columns || in_rules || in_policies).then(|| format!("table {}", table.name))
                }
                Object::Type(other) if other.oid != own.oid => match &other.definition {
                    TypeDefinition::Domain(domain) => {
                        let checks = domain.checks.iter().map(|check| check.expression.as_str());
                        let mut texts = checks
                            .chain(domain.default.as_deref())
                            .chain([domain.base.as_str()]);
                        texts.any(names).then(|| format!("type {}", other.name))
                    }
                    TypeDefinition::Enum { .. } => None,
                },
                Object::Function(function) => {
                    let types = function
                        .arguments
                        .iter()
                        .map(|argument| argument.data_type.as_str());
                    let columns = function.returns.columns.iter().map(|(_, found)| found.as_str());
                    let mut texts = types
                        .chain(columns)
                        .chain([function.returns.data_type.as_str(), function.body.as_str()]);
                    texts.any(names).then(|| format!("function {}", function.name))
                }
                _ => None,
            };
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }
}

struct Names<'f> {
    types: &'f dyn Fn(&ast::ObjectName) -> Option<Arc<TypeObject>>,
    functions: &'f dyn Fn(&ast::ObjectName) -> Option<Arc<FunctionObject>>,
    reads: &'f dyn Fn(&FunctionObject) -> bool,
    /// What is defined is computed with the rights of whoever writes, or of a view's owner, and functions must not read there.
    rule: bool,
}
impl VisitorMut for Names<'_> {
    type Break = String;

    fn post_visit_expr(&mut self, expr: &mut ast::Expr) -> ControlFlow<String> {
        match expr {
            ast::Expr::Cast { data_type, .. } => qualify(data_type, self.types),
            ast::Expr::TypedString(typed) => qualify(&mut typed.data_type, self.types),
            ast::Expr::Function(call) => return self.function(&mut call.name),
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn post_visit_table_factor(&mut self, factor: &mut ast::TableFactor) -> ControlFlow<String> {
        match factor {
            ast::TableFactor::Table {
                name, args: Some(_), ..
            }
            | ast::TableFactor::Function { name, .. } => self.function(name),
            _ => ControlFlow::Continue(()),
        }
    }
}
impl Names<'_> {
    fn function(&self, name: &mut ast::ObjectName) -> ControlFlow<String> {
        if let Some(function) = (self.functions)(name) {
            if self.rule && (self.reads)(&function) {
                return ControlFlow::Break(function.name.clone());
            }
            *name = qualified(&function.schema, &function.name);
        }
        ControlFlow::Continue(())
    }
}

/// A type that is kept as text.
pub(super) fn type_named(text: &str) -> Result<ast::DataType> {
    match super::insert::expression(&format!("CAST(NULL AS {text})"))? {
        ast::Expr::Cast { data_type, .. } => Ok(data_type),
        _ => Err(Error::internal("a type is kept as something else")),
    }
}

/// Puts the schema before the name of a type of the lake's own.
pub(super) fn qualify(
    data_type: &mut ast::DataType,
    find: &dyn Fn(&ast::ObjectName) -> Option<Arc<TypeObject>>,
) {
    match data_type {
        ast::DataType::Custom(name, modifiers) if modifiers.is_empty() => {
            if let Some(own) = find(name) {
                *name = qualified(&own.schema, &own.name);
            }
        }
        ast::DataType::Array(ast::ArrayElemTypeDef::SquareBracket(element, _)) => qualify(element, find),
        _ => {}
    }
}

fn qualified(schema: &str, name: &str) -> ast::ObjectName {
    let idents = [schema, name].map(|part| ast::Ident::with_quote('"', part));
    ast::ObjectName::from(idents.to_vec())
}

fn fits(label: &str) -> Result<()> {
    match label.len() > LONGEST_LABEL || label.is_empty() {
        true => Err(Error::InvalidName(format!(
            "invalid enum label: it must have 1 to {LONGEST_LABEL} bytes"
        ))),
        false => Ok(()),
    }
}

fn not_enum(name: &str) -> Error {
    Error::WrongObject(format!("\"{name}\" is not an enum"))
}

/// NOT NULL and NULL of a domain, as the grammar's rewriting has them.
fn not_null(expression: &str) -> Option<bool> {
    match expression {
        radlake_sql::extend::DOMAIN_NOT_NULL => Some(true),
        radlake_sql::extend::DOMAIN_NULL => Some(false),
        _ => None,
    }
}
