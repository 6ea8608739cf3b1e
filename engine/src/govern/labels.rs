//! SECURITY LABEL FOR anon, as PostgreSQL Anonymizer has it: masks of columns, and roles that see them.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use radlake_sql::ast;

use super::denied;
use crate::planner::{Before, Shown};
use crate::policy::{LABEL, MASKED, Subject, fallible_mask, mask_expression};
use crate::write::target::{folded, written_name};
use crate::write::{Outcome, Writer};
use crate::{Error, Result};

/// The one provider of labels.
const PROVIDER: &str = "anon";

/// What a label is put on.
enum Labelled {
    Column(ast::ObjectName, ast::Ident),
    Role(ast::Ident),
}

fn labelled(arguments: &[&ast::Expr]) -> Result<(Labelled, Option<String>)> {
    let text = |argument: &ast::Expr| match argument {
        ast::Expr::Value(value) => value.value.clone().into_string(),
        _ => None,
    };
    let [provider, kind, name, label] = arguments else {
        return Err(Error::internal("a label of nothing"));
    };
    if let Some(provider) = text(provider)
        && !provider.eq_ignore_ascii_case(PROVIDER)
    {
        return Err(Error::InvalidParameter(format!(
            "security label provider \"{provider}\" is not loaded"
        )));
    }
    let mut name = written_name(name)?;
    let last = name.0.pop().and_then(|part| part.as_ident().cloned());
    let last = last.ok_or_else(|| Error::syntax("a label is put on something"))?;
    let on = match text(kind).as_deref() {
        Some("COLUMN") if !name.0.is_empty() => Labelled::Column(name, last),
        Some("COLUMN") => return Err(Error::syntax("column name must be qualified")),
        Some("ROLE") if name.0.is_empty() => Labelled::Role(last),
        kind => {
            return Err(Error::unsupported(format!(
                "security labels on {} are not supported: columns and roles have them",
                kind.unwrap_or("this").to_lowercase()
            )));
        }
    };
    Ok((on, text(label)))
}

impl Writer<'_> {
    pub(crate) async fn label(&mut self, arguments: &[&ast::Expr]) -> Result<Outcome> {
        let (on, label) = labelled(arguments)?;
        match on {
            Labelled::Role(name) => {
                let epoch = self.epoch()?;
                let mut role = self.role(&epoch, &name)?.clone();
                match label.as_deref().map(str::trim) {
                    None => drop(role.properties.remove(LABEL)),
                    Some(label) if label.eq_ignore_ascii_case(MASKED) => {
                        role.properties.insert(LABEL.to_owned(), MASKED.to_owned());
                    }
                    Some(_) => {
                        return Err(Error::InvalidParameter(format!(
                            "a role's label is {MASKED} or NULL"
                        )));
                    }
                }
                self.work.put_object(role)?;
            }
            Labelled::Column(table, column) => {
                let mut table = self.policed(&table)?;
                let column = folded(&column);
                if table.arrow_schema.field_with_name(&column).is_err() {
                    return Err(Error::UndefinedColumn {
                        name: format!("\"{column}\" of relation \"{}\"", table.name),
                        hint: None,
                        position: None,
                    });
                }
                match label {
                    None => drop(table.row_security.masks.remove(&column)),
                    Some(label) => {
                        self.check_mask(&table, &column, &label).await?;
                        table.row_security.masks.insert(column, label);
                    }
                }
                self.work.put_object(table)?;
            }
        }
        Ok(Outcome::tag("SECURITY LABEL"))
    }

    /// Compiles a mask, so that nobody meets one that cannot be shown.
    async fn check_mask(
        &self,
        table: &radlake_catalogs::TableObject,
        column: &str,
        label: &str,
    ) -> Result<()> {
        let Some(expression) = mask_expression(label) else {
            return Err(Error::InvalidParameter(
                "a column's label is MASKED WITH FUNCTION f(…), MASKED WITH VALUE …, or NULL".to_owned(),
            ));
        };
        let tree = self.splices.expression(expression)?;
        if crate::planner::holds_query(&tree) {
            return Err(Error::unsupported("a mask with a query in it is not supported"));
        }
        let mut before = Before::default();
        before.masks.insert(column.to_owned(), expression.to_owned());
        let rows: Arc<dyn TableProvider> = self.work.open_table(table.oid).await?;
        let planner = self.planner(Vec::new())?;
        let shown = rows
            .schema()
            .fields()
            .iter()
            .map(|field| Shown::of(table, field, &before))
            .collect();
        let below = planner.below(table, rows, shown, &before, None, 0).await?;
        let at = below.schema.index_of(column).unwrap_or_default();
        let analysed = planner.analysed(below.plan)?;
        let field = analysed.schema().field(at);
        if field.data_type() != below.schema.field(at).data_type() {
            return Err(Error::DatatypeMismatch(format!(
                "a mask of column \"{column}\" must have its type"
            )));
        }
        match fallible_mask(&analysed)? {
            None => Ok(()),
            Some(what) => Err(Error::Unsupported {
                what: format!("{what} in a mask, which may fail on a value that it hides, is not supported"),
                hint: Some("The functions for privacy take any value.".to_owned()),
            }),
        }
    }

    /// Labels of columns are for the table's owner, those of roles for superusers: they bind who cannot take them off.
    pub(crate) fn may_label(&self, subject: &Subject, arguments: &[&ast::Expr]) -> Result<()> {
        match labelled(arguments)?.0 {
            Labelled::Column(table, _) => self.may_police(subject, &table),
            Labelled::Role(_) => Err(denied("must be superuser to label roles")),
        }
    }
}
