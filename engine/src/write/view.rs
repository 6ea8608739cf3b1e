//! CREATE VIEW, CREATE MATERIALIZED VIEW and REFRESH.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::datatypes::Schema;
use radlake_catalogs::{Relation, TableObject, ViewObject};
use radlake_sql::ast;
use radlake_sql::extend::NO_DATA;

use super::define::stored;
use super::pipeline::Gate;
use super::target::{Target, folded, quoted, written_name};
use super::temporary::reads_temporary;
use super::texts::query_text;
use super::{Outcome, Writer};
use crate::planner::SECURITY_INVOKER;
use crate::{Error, Result};

/// Property of a table that is a materialized view: its query.
pub(crate) const MATERIALIZED: &str = "materialized";
/// Property of one that has not been filled.
pub(crate) const UNPOPULATED: &str = "unpopulated";

impl Writer<'_> {
    pub(super) async fn create_view(&mut self, create: &ast::CreateView) -> Result<Outcome> {
        if create.materialized {
            return self.create_materialized(create).await;
        }
        let query = self.qualified(&create.query)?;
        let mut own = self.is_own(&create.name, create.temporary);
        if !own && reads_temporary(&query) {
            self.session.notice(
                "00000",
                format!("view \"{}\" will be a temporary view", create.name),
            );
            own = true;
        }
        let (schema, name) = self.place_new(&create.name, own)?;
        let epoch = self.epoch()?;
        let old = match epoch.get_relation(&schema, &name) {
            None => None,
            Some(Relation::View(view)) if create.or_replace => Some(Arc::clone(view)),
            Some(Relation::Table(_)) if create.or_replace => {
                return Err(Error::WrongObject(format!("\"{name}\" is not a view")));
            }
            Some(_) => return Err(Error::DuplicateTable(name)),
        };
        let mut sql = query_text(&query)?;
        let planner = self.planner(Vec::new())?;
        let plan = self.plan(&planner, &sql).await?;
        let mut found = planner.analyse(plan)?.schema;
        if !create.columns.is_empty() {
            let mut names: Vec<String> = create.columns.iter().map(|column| folded(&column.name)).collect();
            if names.len() > found.fields().len() {
                return Err(Error::syntax(
                    "CREATE VIEW specifies more column names than columns",
                ));
            }
            names.extend(
                found
                    .fields()
                    .iter()
                    .skip(names.len())
                    .map(|field| field.name().clone()),
            );
            let list: Vec<String> = names.iter().map(|name| quoted(name)).collect();
            sql = format!("SELECT * FROM ({sql}) AS {}({})", quoted(&name), list.join(", "));
            let fields = found.fields().iter().zip(&names);
            let fields = fields.map(|(field, name)| field.as_ref().clone().with_name(name));
            found = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        }
        let mut names = BTreeSet::new();
        if let Some(twice) = found
            .fields()
            .iter()
            .find(|field| !names.insert(field.name().clone()))
        {
            return Err(Error::DuplicateColumn(twice.name().clone()));
        }
        if let Some(columns) = old.as_ref().and_then(|old| old.columns.as_ref()) {
            let keeps = columns.fields().len() <= found.fields().len()
                && columns
                    .fields()
                    .iter()
                    .zip(found.fields())
                    .all(|(old, new)| old.name() == new.name());
            for new in found.fields().iter().skip(columns.fields().len()) {
                let oid = old.as_ref().map_or(0, |old| old.oid);
                self.no_policy_takes(oid, new.name())?;
            }
            if !keeps {
                return Err(Error::InvalidTableDefinition(
                    "cannot drop or rename columns of a view".to_owned(),
                ));
            }
        }
        let columns = found
            .fields()
            .iter()
            .map(|field| stored(field.name(), field))
            .collect::<Vec<_>>();
        let mut view = ViewObject::new(schema, name, sql).with_columns(Arc::new(Schema::new(columns)));
        match old {
            Some(old) => {
                view.oid = old.oid;
                view.owner = old.owner;
                view.comment = old.comment.clone();
                view.grants = old.grants.clone();
            }
            None => {
                view.owner = self.acting_oid()?;
                view.grants = self.born_with(view.owner, &view.schema)?;
            }
        }
        view.properties = view_properties(&create.options)?;
        self.work.put_object(view)?;
        Ok(Outcome::tag("CREATE VIEW"))
    }

    /// A table that is filled by a query, and again by each REFRESH.
    async fn create_materialized(&mut self, create: &ast::CreateView) -> Result<Outcome> {
        let (schema, name) = self.place(&create.name)?;
        if self.epoch()?.get_relation(&schema, &name).is_some() {
            if create.if_not_exists {
                self.session
                    .notice("42P07", format!("relation \"{name}\" already exists, skipping"));
                return Ok(Outcome::tag("CREATE MATERIALIZED VIEW"));
            }
            return Err(Error::DuplicateTable(name));
        }
        let inner = without_data(&create.query);
        let query = self.qualified(inner.unwrap_or(&create.query))?;
        if reads_temporary(&query) {
            return Err(Error::unsupported(
                "materialized views must not use temporary tables or views",
            ));
        }
        let names: Vec<String> = create.columns.iter().map(|column| folded(&column.name)).collect();
        let text = query_text(&query)?;
        let filled = match inner {
            None => text.clone(),
            Some(_) => format!("SELECT * FROM ({text}) AS q LIMIT 0"),
        };
        let outcome = self
            .create_as(
                schema.clone(),
                name.clone(),
                &self.splices.tree(&filled)?,
                &names,
                None,
            )
            .await?;
        let epoch = self.epoch()?;
        let table = epoch.table(&schema, &name);
        let table = table.ok_or_else(|| Error::internal("a table was made and is not there"))?;
        let mut table = table.as_ref().clone();
        table.properties.insert(MATERIALIZED.to_owned(), text);
        if inner.is_some() {
            table.properties.insert(UNPOPULATED.to_owned(), "true".to_owned());
        }
        self.work.put_object(table)?;
        Ok(match inner {
            None => outcome,
            Some(_) => Outcome::tag("CREATE MATERIALIZED VIEW"),
        })
    }

    /// REFRESH MATERIALIZED VIEW, as the parser was given it. Readers go on with the rows that were there, CONCURRENTLY or
    /// not.
    pub(super) async fn refresh(&mut self, arguments: &[&ast::Expr]) -> Result<Outcome> {
        let [name, empty] = arguments else {
            return Err(Error::internal("REFRESH of nothing"));
        };
        let empty = matches!(empty, ast::Expr::Value(value) if value.value == ast::Value::Boolean(true));
        let name = written_name(name)?;
        let oid = self.named(&name, false)?.unwrap_or_default();
        let epoch = self.epoch()?;
        let materialized = epoch.table_by_oid(oid).and_then(|table| {
            let query = table.properties.get(MATERIALIZED)?;
            Some((table.as_ref().clone(), query.clone()))
        });
        let Some((mut table, query)) = materialized else {
            let last = name.0.last().and_then(|part| part.as_ident()).map(folded);
            return Err(Error::unsupported(format!(
                "\"{}\" is not a materialized view",
                last.unwrap_or_default()
            )));
        };
        let query = match empty {
            false => query,
            true => format!("SELECT * FROM ({query}) AS q LIMIT 0"),
        };
        // Whoever asks for it, the view shows what its owner may see.
        let planner = self.planner_for(table.owner)?;
        let rows = self.rows(&planner, &query).await?;
        self.work.truncate(&table).await?;
        match empty {
            true => table.properties.insert(UNPOPULATED.to_owned(), "true".to_owned()),
            false => table.properties.remove(UNPOPULATED),
        };
        self.work.put_object(table.clone())?;
        let target = Target::new(table, None);
        let all: Vec<usize> = (0..target.columns.len()).collect();
        let gate = Gate::new(&target, &[], &[], &all);
        self.append(&target, &[], rows, gate, false).await?;
        Ok(Outcome::tag("REFRESH MATERIALIZED VIEW"))
    }
}

/// Refuses to read a materialized view that has not been filled.
pub(crate) fn check_populated(table: &TableObject) -> Result<()> {
    match table.properties.contains_key(UNPOPULATED) {
        true => Err(Error::NotPopulated(table.name.clone())),
        false => Ok(()),
    }
}

/// The query of WITH NO DATA, as the parser was given it.
fn without_data(query: &ast::Query) -> Option<&ast::Query> {
    let ast::SetExpr::Select(select) = query.body.as_ref() else {
        return None;
    };
    match select.from.as_slice() {
        [
            ast::TableWithJoins {
                relation:
                    ast::TableFactor::Derived {
                        subquery,
                        alias: Some(alias),
                        ..
                    },
                ..
            },
        ] if alias.name.quote_style.is_some() && alias.name.value == NO_DATA => Some(subquery),
        _ => None,
    }
}

/// What `WITH (…)` says of a view.
fn view_properties(options: &ast::CreateTableOptions) -> Result<BTreeMap<String, String>> {
    let mut properties = BTreeMap::new();
    if let ast::CreateTableOptions::With(options) | ast::CreateTableOptions::Options(options) = options {
        set_options(&mut properties, options)?;
    }
    Ok(properties)
}

/// Sets options of a view among its properties.
pub(super) fn set_options(
    properties: &mut BTreeMap<String, String>,
    options: &[ast::SqlOption],
) -> Result<()> {
    for option in options {
        let (name, value) = match option {
            ast::SqlOption::KeyValue { key, value } => (folded(key), value.to_string()),
            ast::SqlOption::Ident(key) => (folded(key), "true".to_owned()),
            other => {
                return Err(Error::unsupported(format!(
                    "the view option {other} is not supported"
                )));
            }
        };
        let value = match value.trim_matches('\'').to_lowercase().as_str() {
            "true" | "on" | "1" | "yes" => true,
            "false" | "off" | "0" | "no" => false,
            _ => {
                return Err(Error::InvalidParameter(format!(
                    "invalid value for boolean option \"{name}\": {value}"
                )));
            }
        };
        match name.as_str() {
            SECURITY_INVOKER if value => {
                properties.insert(name, "true".to_owned());
            }
            SECURITY_INVOKER => {
                properties.remove(&name);
            }
            // Every view has one.
            "security_barrier" => {}
            _ => {
                return Err(Error::InvalidParameter(format!(
                    "unrecognized parameter \"{name}\""
                )));
            }
        }
    }
    Ok(())
}
