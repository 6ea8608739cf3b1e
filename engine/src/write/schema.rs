//! CREATE SCHEMA and ALTER SCHEMA.

use std::collections::BTreeSet;

use radlake_catalogs::{Object, Relation, SchemaObject, is_temporary_schema};
use radlake_sql::ast;

use super::target::folded;
use super::texts::Renamed;
use super::view::set_options;
use super::{Outcome, Writer};
use crate::govern::change_owner;
use crate::planner::PG_TEMP;
use crate::{Error, Result};

impl Writer<'_> {
    pub(super) fn create_schema(&mut self, name: &ast::SchemaName, if_not_exists: bool) -> Result<Outcome> {
        let authorization = match name {
            ast::SchemaName::Simple(_) => None,
            ast::SchemaName::NamedAuthorization(_, owner) | ast::SchemaName::UnnamedAuthorization(owner) => {
                Some(owner)
            }
        };
        let name = match name {
            ast::SchemaName::Simple(name) | ast::SchemaName::NamedAuthorization(name, _) => name
                .0
                .last()
                .and_then(|part| part.as_ident())
                .map(folded)
                .unwrap_or_default(),
            ast::SchemaName::UnnamedAuthorization(role) => folded(role),
        };
        if name.starts_with("pg_") || name == "radlake" || name == "information_schema" {
            return Err(Error::ReservedName(name));
        }
        let epoch = self.epoch()?;
        if epoch.schema(&name).is_some() {
            return match if_not_exists {
                true => {
                    self.session
                        .notice("42P06", format!("schema \"{name}\" already exists, skipping"));
                    Ok(Outcome::tag("CREATE SCHEMA"))
                }
                false => Err(Error::DuplicateSchema(name)),
            };
        }
        let owner = match authorization {
            Some(owner) => self.new_owner(&ast::Owner::Ident(owner.clone()))?,
            None => self.acting_oid()?,
        };
        let grants = self.schema_born_with(owner)?;
        self.work.put_object(SchemaObject {
            name,
            owner,
            grants,
            ..SchemaObject::default()
        })?;
        Ok(Outcome::tag("CREATE SCHEMA"))
    }

    pub(super) fn alter_schema(&mut self, alter: &ast::AlterSchema) -> Result<Outcome> {
        let name = alter.name.0.last().and_then(|part| part.as_ident());
        let mut name = name.map(folded).unwrap_or_default();
        if alter.operations.len() > 1 {
            return Err(Error::syntax("syntax error at or near \",\""));
        }
        for operation in &alter.operations {
            let epoch = self.epoch()?;
            let schema = epoch
                .schema(&name)
                .ok_or_else(|| Error::UndefinedSchema(name.clone()))?;
            let mut schema = schema.as_ref().clone();
            if ["imaging", "system", "public", "pg_catalog", "information_schema"].contains(&name.as_str()) {
                return Err(Error::InsufficientPrivilege(format!(
                    "schema \"{name}\" belongs to the lake itself"
                )));
            }
            match operation {
                ast::AlterSchemaOperation::Rename { name: new } => {
                    let new = new.0.last().and_then(|part| part.as_ident());
                    let new = new.map(folded).unwrap_or_default();
                    if new.starts_with("pg_") || new == "radlake" || new == "information_schema" {
                        return Err(Error::ReservedName(new));
                    }
                    if epoch.schema(&new).is_some() {
                        return Err(Error::DuplicateSchema(new));
                    }
                    schema.name.clone_from(&new);
                    self.work.put_object(schema)?;
                    self.carry_along(&name, &new)?;
                    name = new;
                }
                ast::AlterSchemaOperation::OwnerTo { owner } => {
                    let owner = self.new_owner(owner)?;
                    change_owner(&mut schema.grants, schema.owner, owner);
                    schema.owner = owner;
                    self.work.put_object(schema)?;
                }
                other => {
                    return Err(Error::unsupported(format!(
                        "ALTER SCHEMA {other} is not supported"
                    )));
                }
            }
        }
        Ok(Outcome::tag("ALTER SCHEMA"))
    }

    /// What is in a schema that has a new name, and the texts that name it.
    fn carry_along(&mut self, old: &str, new: &str) -> Result<()> {
        let inside: Vec<Object> = self
            .work
            .objects()
            .filter(|object| object.schema() == Some(old))
            .cloned()
            .collect();
        for object in inside {
            match object {
                Object::Table(mut table) => {
                    new.clone_into(&mut table.schema);
                    self.work.put_object(table)?;
                }
                Object::View(mut view) => {
                    new.clone_into(&mut view.schema);
                    self.work.put_object(view)?;
                }
                Object::Sequence(mut sequence) => {
                    new.clone_into(&mut sequence.schema);
                    self.work.put_object(sequence)?;
                }
                Object::Type(mut own) => {
                    self.not_in_texts(&own)?;
                    new.clone_into(&mut own.schema);
                    self.work.put_object(own)?;
                }
                Object::Function(mut function) => {
                    new.clone_into(&mut function.schema);
                    self.work.put_object(function)?;
                }
                _ => {}
            }
        }
        self.rename_in_texts(&Renamed::Schema {
            old: old.to_owned(),
            new: new.to_owned(),
        })
    }

    /// The OID of a role that is to own something.
    pub(crate) fn new_owner(&self, owner: &ast::Owner) -> Result<u32> {
        let name = match owner {
            ast::Owner::Ident(name) => folded(name),
            ast::Owner::SessionUser => self.session.session_role(),
            _ => return self.acting_oid(),
        };
        match self.epoch()?.role(&name) {
            Some(role) => Ok(role.oid),
            None => Err(Error::UndefinedObject { kind: "role", name }),
        }
    }

    /// RENAME TO, SET SCHEMA and OWNER TO, which tables and views have in common; `None` for anything else.
    fn alter_relation(&mut self, oid: u32, operation: &ast::AlterTableOperation) -> Result<Option<()>> {
        use ast::AlterTableOperation as Op;
        let relation = || -> Result<Relation> {
            let epoch = self.epoch()?;
            let found = epoch.relation_by_oid(oid).cloned();
            let found = found.ok_or_else(|| Error::internal("a relation is gone within its statement"))?;
            if ["imaging", "system"].contains(&found.schema()) {
                return Err(Error::InsufficientPrivilege(format!(
                    "permission denied: \"{}\" belongs to the lake itself",
                    found.name()
                )));
            }
            Ok(found)
        };
        match operation {
            Op::SetOptionsParens { options } => {
                let Relation::View(view) = relation()? else {
                    return Ok(None);
                };
                let mut view = view.as_ref().clone();
                set_options(&mut view.properties, options)?;
                self.work.put_object(view)?;
                Ok(Some(()))
            }
            Op::OwnerTo { new_owner } => {
                let owner = self.new_owner(new_owner)?;
                match relation()? {
                    Relation::Table(table) => {
                        let mut table = table.as_ref().clone();
                        change_owner(&mut table.grants, table.owner, owner);
                        table.owner = owner;
                        self.work.put_object(table)?;
                    }
                    Relation::View(view) => {
                        let mut view = view.as_ref().clone();
                        change_owner(&mut view.grants, view.owner, owner);
                        view.owner = owner;
                        self.work.put_object(view)?;
                    }
                    Relation::Sequence(sequence) => {
                        if sequence.owned_by.is_some() {
                            return Err(Error::unsupported(format!(
                                "cannot change owner of sequence \"{}\": it is linked to a table",
                                sequence.name
                            )));
                        }
                        self.give_sequence(&sequence, owner)?;
                    }
                }
                for sequence in self.sequences_of(&BTreeSet::from([oid]), None)? {
                    self.give_sequence(&sequence, owner)?;
                }
                Ok(Some(()))
            }
            Op::RenameTable {
                table_name: ast::RenameTableNameKind::To(new) | ast::RenameTableNameKind::As(new),
            } => {
                let parts: Vec<&ast::Ident> = new.0.iter().filter_map(|part| part.as_ident()).collect();
                match parts.as_slice() {
                    [name] => self.move_relation(&relation()?, None, Some(folded(name)))?,
                    [schema, same]
                        if same.quote_style == Some(radlake_sql::extend::OURS)
                            && same.value == radlake_sql::extend::SAME_NAME =>
                    {
                        self.move_relation(&relation()?, Some(folded(schema)), None)?;
                    }
                    _ => return Err(Error::syntax("syntax error at or near \".\"")),
                }
                Ok(Some(()))
            }
            _ => Ok(None),
        }
    }

    fn move_relation(
        &mut self,
        relation: &Relation,
        schema: Option<String>,
        name: Option<String>,
    ) -> Result<()> {
        let (old_schema, old_name) = (relation.schema().to_owned(), relation.name().to_owned());
        let schema = schema.unwrap_or_else(|| old_schema.clone());
        let name = name.unwrap_or_else(|| old_name.clone());
        let epoch = self.epoch()?;
        let own = schema == PG_TEMP || is_temporary_schema(&schema);
        if own != is_temporary_schema(&old_schema) {
            return Err(Error::unsupported(
                "cannot move objects into or out of temporary schemas",
            ));
        }
        if epoch.schema(&schema).is_none() {
            return Err(Error::UndefinedSchema(schema));
        }
        if ["imaging", "system", "pg_catalog", "information_schema"].contains(&schema.as_str()) {
            return Err(Error::InsufficientPrivilege(format!(
                "permission denied for schema {schema}"
            )));
        }
        self.may_create_within(&schema)?;
        if schema == old_schema && name == old_name && self.moves_schema_only(&schema, relation) {
            return Ok(());
        }
        if epoch.get_relation(&schema, &name).is_some() {
            return Err(Error::DuplicateTable(name));
        }
        match relation {
            Relation::Table(table) => {
                let mut table = table.as_ref().clone();
                (table.schema, table.name) = (schema.clone(), name.clone());
                self.work.put_object(table)?;
            }
            Relation::View(view) => {
                let mut view = view.as_ref().clone();
                (view.schema, view.name) = (schema.clone(), name.clone());
                self.work.put_object(view)?;
            }
            Relation::Sequence(sequence) => {
                let mut sequence = sequence.as_ref().clone();
                if sequence.owned_by.is_some() && schema != old_schema {
                    return Err(Error::unsupported(
                        "cannot move an owned sequence into another schema",
                    ));
                }
                (sequence.schema, sequence.name) = (schema.clone(), name.clone());
                self.work.put_object(sequence)?;
            }
        }
        if schema != old_schema {
            for sequence in self.sequences_of(&BTreeSet::from([relation.oid()]), None)? {
                let mut sequence = sequence.as_ref().clone();
                schema.clone_into(&mut sequence.schema);
                self.work.put_object(sequence)?;
            }
        }
        self.rename_in_policies(relation.oid(), &old_name, &name)?;
        self.rename_in_texts(&Renamed::Relation {
            old: (old_schema, old_name),
            new: (schema, name),
        })
    }

    /// SET SCHEMA to the schema that a relation is in does nothing; RENAME to its own name is a mistake.
    fn moves_schema_only(&self, schema: &str, relation: &Relation) -> bool {
        schema == relation.schema()
    }

    pub(super) async fn alter_table(&mut self, alter: &ast::AlterTable) -> Result<Outcome> {
        // ALTER VIEW is read as ALTER TABLE: the tag is of what was written.
        let done = Outcome::tag(self.tag.clone().unwrap_or_else(|| "ALTER TABLE".to_owned()));
        if alter.operations.len() > 1 && alter.operations.iter().any(renames) {
            return Err(Error::syntax("syntax error at or near \",\""));
        }
        // Once, as whoever may do it was asked: later operations are about the same relation whatever its name is by then.
        let oid = match self.named(&alter.name, true)? {
            Some(oid) => oid,
            None if alter.if_exists => {
                self.session.notice(
                    "00000",
                    format!("relation \"{}\" does not exist, skipping", alter.name),
                );
                return Ok(done);
            }
            // For its error.
            None => self.resolve_table(&alter.name)?.oid,
        };
        for operation in &alter.operations {
            if self.alter_relation(oid, operation)?.is_some() {
                continue;
            }
            if self.switch_row_security(oid, operation)? {
                continue;
            }
            match self.epoch()?.relation_by_oid(oid) {
                Some(Relation::Table(table)) => super::writable(table)?,
                Some(other) => {
                    return Err(Error::WrongObject(format!("\"{}\" is not a table", other.name())));
                }
                None => return Err(Error::internal("a relation is gone within its statement")),
            }
            let table = self.work.table(oid)?;
            Box::pin(self.alter(table, operation)).await?;
        }
        Ok(done)
    }
}

/// What PostgreSQL's grammar has on its own only, not in a list.
fn renames(operation: &ast::AlterTableOperation) -> bool {
    use ast::AlterTableOperation as Op;
    matches!(
        operation,
        Op::RenameTable { .. } | Op::RenameColumn { .. } | Op::RenameConstraint { .. }
    )
}
