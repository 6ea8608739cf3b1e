//! LIKE in CREATE TABLE.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::{FieldRef, Schema};
use radlake_catalogs::Relation;
use radlake_sql::ast;
use radlake_sql::extend::LIKE;

use super::Writer;
use super::constraint::{self, Rule};
use super::define::Draft;
use super::define::integer_name;
use super::sequence::{Numbered, counting_as, counting_of};
use super::target::{DEFAULT, GENERATED, IDENTITY, SEQUENCE, written_name};
use crate::{Error, Result};

/// The name of the model and the options of a LIKE clause, if the column stands for one.
pub(super) fn clause(column: &ast::ColumnDef) -> Option<(ast::Expr, Vec<String>)> {
    if column.name.quote_style.is_none() || !column.name.value.starts_with(LIKE) {
        return None;
    }
    let [option] = column.options.as_slice() else {
        return None;
    };
    let ast::ColumnOption::Check(check) = &option.option else {
        return None;
    };
    let ast::Expr::Function(function) = check.expr.as_ref() else {
        return None;
    };
    let ast::FunctionArguments::List(list) = &function.args else {
        return None;
    };
    let mut arguments = list.args.iter().filter_map(|argument| match argument {
        ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(value)) => Some(value),
        _ => None,
    });
    let model = arguments.next()?.clone();
    let options = arguments.filter_map(|argument| match argument {
        ast::Expr::Value(value) => match &value.value {
            ast::Value::SingleQuotedString(text) => Some(text.clone()),
            _ => None,
        },
        _ => None,
    });
    Some((model, options.collect()))
}

impl Writer<'_> {
    /// Adds a model's columns to the draft of table `table`, and of what else it has what is asked for.
    pub(super) fn like(
        &self,
        draft: &mut Draft,
        table: &str,
        model: &ast::Expr,
        options: &[String],
    ) -> Result<()> {
        const KNOWN: [&str; 8] = [
            "comments",
            "compression",
            "constraints",
            "defaults",
            "generated",
            "identity",
            "indexes",
            "storage",
        ];
        let mut wanted: BTreeSet<&str> = BTreeSet::new();
        for option in options {
            let (sign, option) = option.split_at(1);
            let named: Vec<&str> = match option {
                "all" => KNOWN.to_vec(),
                "statistics" => Vec::new(),
                option if KNOWN.contains(&option) => vec![option],
                other => return Err(Error::syntax(format!("syntax error at or near \"{other}\""))),
            };
            for option in named {
                match sign {
                    "+" => wanted.insert(option),
                    _ => wanted.remove(option),
                };
            }
        }
        let oid = self.named(&written_name(model)?, false)?.unwrap_or_default();
        let epoch = self.epoch()?;
        if let Some(model) = epoch.relation_by_oid(oid) {
            self.authorise_like(model)?;
        }
        let (columns, constraints) = match epoch.relation_by_oid(oid) {
            Some(Relation::Table(model)) => (Arc::clone(&model.arrow_schema), constraint::of(model)?),
            Some(Relation::View(view)) => (
                view.columns.clone().unwrap_or_else(|| Arc::new(Schema::empty())),
                Vec::new(),
            ),
            Some(Relation::Sequence(sequence)) => {
                return Err(Error::WrongObject(format!(
                    "relation \"{}\" is invalid in LIKE clause",
                    sequence.name
                )));
            }
            None => return Err(Error::internal("a relation is gone within its statement")),
        };
        let kept = |field: &FieldRef| {
            let mut metadata = field.metadata().clone();
            for (key, option) in [
                (DEFAULT, "defaults"),
                (GENERATED, "generated"),
                (IDENTITY, "identity"),
                ("comment", "comments"),
            ] {
                if !wanted.contains(option) {
                    metadata.remove(key);
                }
            }
            // An identity column of the new table counts by itself; a default goes on by the model's sequence.
            let identity = field.metadata().contains_key(IDENTITY);
            if identity || !wanted.contains("defaults") {
                metadata.remove(SEQUENCE);
            }
            field.as_ref().clone().with_metadata(metadata)
        };
        for field in columns.fields() {
            if field.metadata().contains_key(IDENTITY) && wanted.contains("identity") {
                let counting = match counting_of(&epoch, field) {
                    Some(counting) => counting,
                    None => counting_as(integer_name(field.data_type())?)?,
                };
                draft.numbered.push(Numbered {
                    column: field.name().clone(),
                    counting,
                    identity: true,
                });
            }
            if draft.fields.iter().any(|known| known.name() == field.name()) {
                return Err(Error::DuplicateColumn(field.name().clone()));
            }
            draft.fields.push(kept(field));
        }
        for constraint in constraints {
            let name = match &constraint.rule {
                Rule::Check { .. } if wanted.contains("constraints") => constraint.name.clone(),
                Rule::PrimaryKey { .. } if wanted.contains("indexes") => format!("{table}_pkey"),
                Rule::Unique { columns } if wanted.contains("indexes") => {
                    draft.free(&format!("{table}_{}_key", columns.join("_")))
                }
                _ => continue,
            };
            draft.add(name, constraint.rule)?;
            if wanted.contains("comments")
                && let Some(last) = draft.constraints.last_mut()
            {
                last.comment = constraint.comment;
            }
        }
        Ok(())
    }
}
