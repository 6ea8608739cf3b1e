//! COMMENT ON.

use std::sync::Arc;

use arrow::datatypes::Schema;
use radlake_catalogs::{Object, Relation};
use radlake_sql::ast;

use super::constraint;
use super::index;
use super::target::folded;
use super::view::MATERIALIZED;
use super::{Outcome, Writer};
use crate::{Error, Result};

impl Writer<'_> {
    pub(super) fn comment(
        &mut self,
        kind: &ast::CommentObject,
        name: &ast::ObjectName,
        comment: Option<String>,
        if_exists: bool,
    ) -> Result<Outcome> {
        let done = || Outcome::tag("COMMENT");
        let comment = comment.filter(|comment| !comment.is_empty());
        match kind {
            ast::CommentObject::Schema => {
                let wanted = last(name);
                let epoch = self.epoch()?;
                let schema = epoch.schema(&wanted).ok_or(Error::UndefinedSchema(wanted))?;
                let mut schema = schema.as_ref().clone();
                schema.comment = comment;
                self.work.put_object(schema)?;
            }
            ast::CommentObject::Table
            | ast::CommentObject::View
            | ast::CommentObject::MaterializedView
            | ast::CommentObject::Sequence => {
                let Some(oid) = self.named(name, if_exists)? else {
                    return Ok(done());
                };
                let object = self.object(oid)?;
                let (is, wanted) = match (&object, kind) {
                    (Object::Table(table), ast::CommentObject::Table) => {
                        (!table.properties.contains_key(MATERIALIZED), "table")
                    }
                    (Object::Table(table), ast::CommentObject::MaterializedView) => {
                        (table.properties.contains_key(MATERIALIZED), "materialized view")
                    }
                    (Object::View(_), ast::CommentObject::View) => (true, "view"),
                    (Object::Sequence(_), ast::CommentObject::Sequence) => (true, "sequence"),
                    (_, ast::CommentObject::Sequence) => (false, "sequence"),
                    (_, ast::CommentObject::Table) => (false, "table"),
                    (_, ast::CommentObject::View) => (false, "view"),
                    _ => (false, "materialized view"),
                };
                if !is {
                    return Err(Error::WrongObject(format!(
                        "\"{}\" is not a {wanted}",
                        object.name()
                    )));
                }
                match object {
                    Object::Table(mut table) => {
                        table.comment = comment;
                        self.work.put_object(table)?;
                    }
                    Object::View(mut view) => {
                        view.comment = comment;
                        self.work.put_object(view)?;
                    }
                    Object::Sequence(mut sequence) => {
                        sequence.comment = comment;
                        self.work.put_object(sequence)?;
                    }
                    _ => {}
                }
            }
            ast::CommentObject::Function => {
                let function = self.own_function(name)?.ok_or_else(|| Error::UndefinedFunction {
                    name: name.to_string(),
                    hint: None,
                    position: None,
                })?;
                let mut function = function.as_ref().clone();
                function.comment = comment;
                self.work.put_object(function)?;
            }
            ast::CommentObject::Type | ast::CommentObject::Domain => {
                let own = match self.own_type(name)? {
                    Some(own) => own,
                    None if if_exists => return Ok(done()),
                    None => {
                        return Err(Error::UndefinedObject {
                            kind: "type",
                            name: name.to_string(),
                        });
                    }
                };
                let mut own = own.as_ref().clone();
                own.comment = comment;
                self.work.put_object(own)?;
            }
            ast::CommentObject::Column => {
                let mut relation = name.clone();
                let column = relation
                    .0
                    .pop()
                    .and_then(|part| part.as_ident().map(folded))
                    .unwrap_or_default();
                let Some(oid) = self.named(&relation, if_exists)? else {
                    return Ok(done());
                };
                let set = |schema: &Schema| commented(schema, &column, comment.as_deref());
                match self.object(oid)? {
                    Object::Table(mut table) => {
                        table.arrow_schema = Arc::new(set(&table.arrow_schema)?);
                        self.work.put_object(table)?;
                    }
                    Object::View(mut view) => {
                        let columns = view.columns.as_deref().map(set).transpose()?;
                        view.columns = columns.map(Arc::new);
                        self.work.put_object(view)?;
                    }
                    _ => {}
                }
            }
            ast::CommentObject::Role | ast::CommentObject::User => {
                let wanted = last(name);
                let epoch = self.epoch()?;
                let role = epoch.role(&wanted).ok_or(Error::UndefinedObject {
                    kind: "role",
                    name: wanted,
                })?;
                let mut role = role.as_ref().clone();
                role.comment = comment;
                self.work.put_object(role)?;
            }
            ast::CommentObject::Index => {
                let (oid, wanted) = self.index_named(name)?;
                let mut table = self.work.table(oid)?;
                let mut constraints = constraint::of(&table)?;
                let mut indexes = index::of(&table)?;
                if let Some(index) = indexes.iter_mut().find(|index| index.name == wanted) {
                    index.comment = comment;
                    index::put(&mut table, &indexes)?;
                } else if let Some(found) = constraints.iter_mut().find(|found| found.name == wanted) {
                    found.comment = comment;
                    constraint::put(&mut table, &constraints)?;
                }
                self.work.put_object(table)?;
            }
            other => return Err(Error::unsupported(format!("COMMENT ON {other} is not supported"))),
        }
        Ok(done())
    }

    /// COMMENT ON CONSTRAINT, as the parser was given it.
    pub(super) fn comment_on_constraint(&mut self, arguments: &[&ast::Expr]) -> Result<Outcome> {
        let [ast::Expr::Identifier(name), table, comment] = arguments else {
            return Err(Error::syntax("COMMENT ON CONSTRAINT name ON table IS comment"));
        };
        let comment = match comment {
            ast::Expr::Value(value) => match &value.value {
                ast::Value::SingleQuotedString(text) => Some(text.clone()).filter(|text| !text.is_empty()),
                ast::Value::Null => None,
                other => return Err(Error::syntax(format!("syntax error at or near \"{other}\""))),
            },
            other => return Err(Error::syntax(format!("syntax error at or near \"{other}\""))),
        };
        let table = super::target::written_name(table)?;
        let mut table = self.resolve_table(&table)?.as_ref().clone();
        let mut constraints = constraint::of(&table)?;
        let wanted = folded(name);
        let Some(found) = constraints.iter_mut().find(|found| found.name == wanted) else {
            return Err(Error::MissingConstraint {
                name: wanted,
                table: table.name,
            });
        };
        found.comment = comment;
        constraint::put(&mut table, &constraints)?;
        self.work.put_object(table)?;
        Ok(Outcome::tag("COMMENT"))
    }

    pub(crate) fn named(&self, name: &ast::ObjectName, if_exists: bool) -> Result<Option<u32>> {
        let (epoch, path) = (self.epoch()?, self.session.search_path());
        let (schema, last) = super::target::resolve(&epoch, &path, &self.session.database(), name)?;
        match schema.and_then(|schema| epoch.get_relation(&schema, &last).map(Relation::oid)) {
            Some(oid) => Ok(Some(oid)),
            None if if_exists => Ok(None),
            None => Err(Error::UndefinedTable {
                name: name.to_string(),
                hint: None,
                position: None,
            }),
        }
    }
}

fn last(name: &ast::ObjectName) -> String {
    let part = name.0.last().and_then(|part| part.as_ident());
    part.map(folded).unwrap_or_default()
}

fn commented(schema: &Schema, column: &str, comment: Option<&str>) -> Result<Schema> {
    let at = schema.index_of(column).map_err(|_| Error::UndefinedColumn {
        name: format!("\"{column}\""),
        hint: None,
        position: None,
    })?;
    let fields = schema.fields().iter().enumerate().map(|(place, field)| {
        let mut field = field.as_ref().clone();
        if place == at {
            let mut metadata = field.metadata().clone();
            match comment {
                Some(comment) => metadata.insert("comment".to_owned(), comment.to_owned()),
                None => metadata.remove("comment"),
            };
            field = field.with_metadata(metadata);
        }
        field
    });
    Ok(Schema::new(fields.collect::<Vec<_>>()))
}
