//! DROP TABLE, VIEW, SCHEMA, and what depends on them.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use radlake_catalogs::{Object, Relation, is_temporary_schema};
use radlake_sql::ast;

use super::target::{folded, resolve};
use super::texts::text_of;
use super::view::MATERIALIZED;
use super::{Outcome, Writer};
use crate::{Error, Result};

impl Writer<'_> {
    pub(super) fn drop_objects(
        &mut self,
        object_type: ast::ObjectType,
        if_exists: bool,
        names: &[ast::ObjectName],
        cascade: bool,
    ) -> Result<Outcome> {
        let tag = format!("DROP {object_type}");
        match object_type {
            ast::ObjectType::Table
            | ast::ObjectType::View
            | ast::ObjectType::MaterializedView
            | ast::ObjectType::Sequence => {
                let mut dropped = BTreeSet::new();
                for name in names {
                    dropped.extend(self.relation_to_drop(object_type, name, if_exists)?);
                }
                self.drop_relations(dropped, cascade)?;
            }
            ast::ObjectType::Schema => {
                for name in names {
                    self.drop_schema(name, if_exists, cascade)?;
                }
            }
            ast::ObjectType::Index => {
                let mut dropped = BTreeSet::new();
                for name in names {
                    dropped.extend(self.index_to_drop(name, if_exists)?);
                }
                for (table, index) in dropped {
                    self.drop_index(table, &index)?;
                }
            }
            ast::ObjectType::Type => self.drop_types("type", names, if_exists, cascade)?,
            other => return Err(Error::unsupported(format!("DROP {other} is not supported"))),
        }
        Ok(Outcome::tag(tag))
    }

    fn relation_to_drop(
        &self,
        wanted: ast::ObjectType,
        name: &ast::ObjectName,
        if_exists: bool,
    ) -> Result<Option<u32>> {
        let (epoch, path) = (self.epoch()?, self.session.search_path());
        let (schema, last) = resolve(&epoch, &path, &self.session.database(), name)?;
        if let Some(schema) = schema.as_deref()
            && ["imaging", "system", "pg_catalog", "information_schema"].contains(&schema)
        {
            return Err(Error::InsufficientPrivilege(format!(
                "permission denied: \"{last}\" belongs to the lake itself"
            )));
        }
        let found = schema
            .as_deref()
            .and_then(|schema| epoch.get_relation(schema, &last));
        let kind = match wanted {
            ast::ObjectType::Table => "table",
            ast::ObjectType::View => "view",
            ast::ObjectType::Sequence => "sequence",
            _ => "materialized view",
        };
        match (found, wanted) {
            (Some(Relation::Table(table)), ast::ObjectType::Table | ast::ObjectType::MaterializedView)
                if table.properties.contains_key(MATERIALIZED)
                    == (wanted == ast::ObjectType::MaterializedView) =>
            {
                Ok(Some(table.oid))
            }
            (Some(Relation::View(view)), ast::ObjectType::View) => Ok(Some(view.oid)),
            (Some(Relation::Sequence(sequence)), ast::ObjectType::Sequence) => Ok(Some(sequence.oid)),
            (Some(_), _) => Err(Error::WrongObject(format!("\"{last}\" is not a {kind}"))),
            (None, _) if if_exists => {
                self.session
                    .notice("00000", format!("{kind} \"{name}\" does not exist, skipping"));
                Ok(None)
            }
            (None, _) => Err(Error::MissingRelation {
                kind,
                name: name.to_string(),
            }),
        }
    }

    /// Drops relations; views that read them go too with CASCADE, or hold them without.
    pub(crate) fn drop_relations(&mut self, mut dropped: BTreeSet<u32>, cascade: bool) -> Result<()> {
        loop {
            let Some((view, on)) = self.dependent(&dropped)? else {
                break;
            };
            if !cascade {
                return Err(Error::Dependents {
                    message: format!("cannot drop {on} because other objects depend on it"),
                    detail: format!("view {} depends on {on}", view.1),
                });
            }
            dropped.insert(view.0);
        }
        self.no_policy_reads(&dropped)?;
        dropped.extend(
            self.sequences_of(&dropped, None)?
                .iter()
                .map(|sequence| sequence.oid),
        );
        self.release_sequences(&dropped, cascade)?;
        for oid in dropped {
            self.work.drop_object(oid)?;
        }
        Ok(())
    }

    /// A view that is not dropped but reads what is: its OID and name, and the name of what it reads.
    pub(super) fn dependent(&self, dropped: &BTreeSet<u32>) -> Result<Option<((u32, String), String)>> {
        let epoch = self.epoch()?;
        let path = self.session.search_path();
        for relation in epoch.all_relations() {
            let Some(text) = text_of(relation).filter(|_| !dropped.contains(&relation.oid())) else {
                continue;
            };
            let view = relation;
            for statement in radlake_sql::parse(text)? {
                let mut reads = None;
                let _ = ast::visit_relations(statement.ast(), |name| {
                    let found = resolve(&epoch, &path, &self.session.database(), name).ok();
                    let found = found.and_then(|(schema, last)| {
                        let relation = epoch.get_relation(schema.as_deref()?, &last)?;
                        dropped.contains(&relation.oid()).then(|| relation.clone())
                    });
                    match found {
                        Some(relation) => {
                            reads = Some(relation);
                            ControlFlow::Break(())
                        }
                        None => ControlFlow::Continue(()),
                    }
                });
                if let Some(relation) = reads {
                    let kind = if matches!(relation, Relation::Table(_)) {
                        "table"
                    } else {
                        "view"
                    };
                    let on = format!("{kind} {}", relation.name());
                    return Ok(Some(((view.oid(), view.name().to_owned()), on)));
                }
            }
        }
        Ok(None)
    }

    fn drop_schema(&mut self, name: &ast::ObjectName, if_exists: bool, cascade: bool) -> Result<()> {
        let epoch = self.epoch()?;
        let wanted = name
            .0
            .last()
            .and_then(|part| part.as_ident())
            .map(folded)
            .unwrap_or_default();
        let Some(schema) = epoch.schema(&wanted) else {
            return if if_exists {
                Ok(())
            } else {
                Err(Error::UndefinedSchema(wanted))
            };
        };
        if ["imaging", "system", "public"].contains(&wanted.as_str()) || is_temporary_schema(&wanted) {
            return Err(Error::InsufficientPrivilege(format!(
                "schema \"{wanted}\" belongs to the lake itself"
            )));
        }
        let inside: BTreeSet<u32> = epoch.relations(&wanted).map(Relation::oid).collect();
        if !inside.is_empty() && !cascade {
            let first = epoch
                .relations(&wanted)
                .next()
                .map(Relation::name)
                .unwrap_or_default();
            return Err(Error::Dependents {
                message: format!("cannot drop schema {wanted} because other objects depend on it"),
                detail: format!("{first} depends on schema {wanted}"),
            });
        }
        let within = |object: &&Object| {
            matches!(object, Object::Type(_) | Object::Function(_))
                && object.schema() == Some(wanted.as_str())
        };
        let others: Vec<Object> = self.work.objects().filter(within).cloned().collect();
        if let (Some(first), false) = (others.first(), cascade) {
            return Err(Error::Dependents {
                message: format!("cannot drop schema {wanted} because other objects depend on it"),
                detail: format!("{} {} depends on schema {wanted}", first.kind(), first.name()),
            });
        }
        self.drop_relations(inside, cascade)?;
        self.drop_others(others)?;
        self.forget_defaults_in(schema.oid)?;
        self.work.drop_object(schema.oid)?;
        Ok(())
    }

    /// Drops types and functions, which nothing that stays may use.
    pub(crate) fn drop_others(&mut self, others: Vec<Object>) -> Result<()> {
        for other in &others {
            self.work.drop_object(other.oid())?;
        }
        for other in &others {
            let Object::Type(own) = other else { continue };
            if let Some((_, user)) = self.uses(own)? {
                return Err(Error::Dependents {
                    message: format!("cannot drop type {} because other objects depend on it", own.name),
                    detail: format!("{user} depends on type {}", own.name),
                });
            }
        }
        Ok(())
    }

    /// The object of the transaction with this OID, as a copy to be changed.
    pub(super) fn object(&self, oid: u32) -> Result<Object> {
        let found = self.work.object(oid).cloned();
        found.ok_or_else(|| Error::internal("an object is gone within its statement"))
    }
}
