//! RETURNING with columns of the other tables of UPDATE … FROM and DELETE … USING.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use datafusion::error::DataFusionError;
use radlake_sql::ast;

use super::Writer;
use super::insert::list;
use super::target::{Target, folded, quoted};
use crate::Result;

/// Column that joins the parts of a row which RETURNING is about.
const NUMBER: &str = "radlake.number";

/// The columns of the other tables, in the order of FROM.
#[derive(Debug, Default)]
pub(super) struct Others {
    /// Name of the table, and its column.
    columns: Vec<(String, FieldRef)>,
}

impl Writer<'_> {
    /// The columns of `tables`, if they are asked for.
    pub(super) async fn others(
        &self,
        asked: bool,
        with: Option<&ast::With>,
        tables: Option<&Vec<ast::TableWithJoins>>,
    ) -> Result<Others> {
        let Some(tables) = tables.filter(|_| asked) else {
            return Ok(Others::default());
        };
        let mut query = self.splices.tree(&format!(
            "SELECT * FROM {}",
            list(tables.iter().map(|tables| self.splices.tables(tables)))
        ))?;
        query.with = with.cloned();
        let planner = self.planner(Vec::new())?;
        let plan = self.plan_query(&planner, &query).await?;
        let columns = plan
            .schema()
            .iter()
            .map(|(table, field)| {
                let table = table.map_or_else(String::new, |table| table.table().to_owned());
                (table, Arc::clone(field))
            })
            .collect();
        Ok(Others { columns })
    }
}

impl Others {
    /// Names under which the columns go along with the places of rows.
    pub(super) fn names(&self) -> Vec<String> {
        (0..self.columns.len()).map(name).collect()
    }

    /// The columns, as the last of a select list.
    pub(super) fn selected(&self) -> String {
        let columns = self.columns.iter().enumerate().map(|(at, (table, field))| {
            let qualifier = match table.as_str() {
                "" => String::new(),
                table => format!("{}.", quoted(table)),
            };
            format!(", {qualifier}{} AS {}", quoted(field.name()), quoted(&name(at)))
        });
        columns.collect()
    }

    /// Rows of the target, with the columns that went along.
    pub(super) fn joined(&self, rows: &RecordBatch, along: &[ArrayRef]) -> Result<RecordBatch> {
        if self.columns.is_empty() {
            return Ok(rows.clone());
        }
        let mut fields: Vec<FieldRef> = rows.schema().fields().iter().cloned().collect();
        let mut columns = rows.columns().to_vec();
        for (at, column) in along.iter().enumerate() {
            fields.push(Arc::new(Field::new(name(at), column.data_type().clone(), true)));
            columns.push(Arc::clone(column));
        }
        Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(DataFusionError::from)?)
    }

    /// The rows with a number each, if there is more than one table to tell apart.
    pub(super) fn numbered(
        &self,
        target: &Target,
        rows: Vec<RecordBatch>,
    ) -> Result<(SchemaRef, Vec<RecordBatch>)> {
        let Some(first) = rows.first() else {
            let mut fields: Vec<FieldRef> = target.object.arrow_schema.fields().iter().cloned().collect();
            let others = self.columns.iter().enumerate();
            fields.extend(
                others
                    .map(|(at, (_, field))| Arc::new(Field::new(name(at), field.data_type().clone(), true))),
            );
            if !self.columns.is_empty() {
                fields.push(Arc::new(Field::new(NUMBER, DataType::Int64, true)));
            }
            return Ok((Arc::new(Schema::new(fields)), rows));
        };
        if self.columns.is_empty() {
            return Ok((first.schema(), rows));
        }
        let mut fields: Vec<FieldRef> = first.schema().fields().iter().cloned().collect();
        fields.push(Arc::new(Field::new(NUMBER, DataType::Int64, true)));
        let schema = Arc::new(Schema::new(fields));
        let mut next = 0_i64;
        let mut numbered = Vec::with_capacity(rows.len());
        for batch in rows {
            let after = next + batch.num_rows() as i64;
            let mut columns = batch.columns().to_vec();
            columns.push(Arc::new(Int64Array::from_iter_values(next..after)));
            next = after;
            numbered.push(RecordBatch::try_new(Arc::clone(&schema), columns).map_err(DataFusionError::from)?);
        }
        Ok((schema, numbered))
    }

    /// Tables in the order of FROM, each once.
    fn tables(&self) -> Vec<&str> {
        let mut tables: Vec<&str> = Vec::new();
        for (table, _) in &self.columns {
            if !tables.contains(&table.as_str()) {
                tables.push(table);
            }
        }
        tables
    }

    /// What RETURNING's expressions read: the target under its name, and each other table under its own; all of it out of
    /// `returned`.
    pub(super) fn sources(&self, target: &Target, returned: &str) -> String {
        let alias = quoted(&target.alias);
        if self.columns.is_empty() {
            return format!("{returned} AS {alias}");
        }
        let number = |at: usize| format!("{} AS {}", quoted(NUMBER), quoted(&format!("{NUMBER}.{at}")));
        let own = target.columns.iter().map(|column| quoted(&column.name));
        let own = list(own.chain([number(0)]));
        let mut sources = format!("(SELECT {own} FROM {returned}) AS {alias}");
        for (nth, table) in self.tables().into_iter().enumerate() {
            let columns = self
                .columns
                .iter()
                .enumerate()
                .filter(|(_, (of, _))| of == table)
                .map(|(at, (_, field))| format!("{} AS {}", quoted(&name(at)), quoted(field.name())));
            let columns = list(columns.chain([number(nth + 1)]));
            // A table of no name is known by its columns alone.
            let table = quoted(if table.is_empty() {
                "radlake.unnamed"
            } else {
                table
            });
            sources += &format!(
                " JOIN (SELECT {columns} FROM {returned}) AS {table} ON {alias}.{} = {table}.{}",
                quoted(&format!("{NUMBER}.0")),
                quoted(&format!("{NUMBER}.{}", nth + 1))
            );
        }
        sources
    }

    /// RETURNING's select list, with `*` spelled out: the numbers are nobody's.
    pub(super) fn items(&self, target: &Target, items: &[ast::SelectItem]) -> Vec<ast::SelectItem> {
        if self.columns.is_empty() {
            return items.to_vec();
        }
        let column = |table: &str, name: &str| {
            let parts = [table, name].map(|part| ast::Ident::with_quote('"', part));
            ast::SelectItem::UnnamedExpr(ast::Expr::CompoundIdentifier(parts.to_vec()))
        };
        let own = || {
            let columns = target.columns.iter();
            columns.map(|own| column(&target.alias, &own.name))
        };
        let of = |wanted: Option<&str>| -> Vec<ast::SelectItem> {
            let others = self
                .columns
                .iter()
                .filter(|(table, _)| wanted.is_none_or(|wanted| wanted == table));
            let others = others.map(|(table, field)| {
                let table = if table.is_empty() {
                    "radlake.unnamed"
                } else {
                    table
                };
                column(table, field.name())
            });
            others.collect()
        };
        let mut spelled = Vec::with_capacity(items.len());
        for item in items {
            match item {
                ast::SelectItem::Wildcard(_) => {
                    spelled.extend(own());
                    spelled.extend(of(None));
                }
                ast::SelectItem::QualifiedWildcard(
                    ast::SelectItemQualifiedWildcardKind::ObjectName(name),
                    _,
                ) => {
                    let name = name
                        .0
                        .last()
                        .and_then(|part| part.as_ident())
                        .map(folded)
                        .unwrap_or_default();
                    if name == target.alias {
                        spelled.extend(own());
                    } else {
                        match of(Some(&name)) {
                            none if none.is_empty() => spelled.push(item.clone()),
                            columns => spelled.extend(columns),
                        }
                    }
                }
                other => spelled.push(other.clone()),
            }
        }
        spelled
    }
}

fn name(at: usize) -> String {
    format!("radlake.other.{at}")
}
