//! ALTER TABLE: columns and constraints.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use arrow::datatypes::{Field, Schema};
use radlake_catalogs::{TableObject, mentions};
use radlake_sql::ast;

use super::Writer;
use super::constraint::{self, Constraint, Rule};
use super::define::{Draft, numbers_come_last};
use super::own_types::OfDomain;
use super::pipeline::{Gate, layers};
use super::target::{DEFAULT, IDENTITY, SEQUENCE, Target, folded, quoted};
use super::texts::{DEFAULT_PLACE, TRANSFORM_PLACE, check_rules, expression_text};
use super::unique::Keys;
use crate::error::Violation;
use crate::{Error, Result};

impl Writer<'_> {
    pub(super) async fn alter(
        &mut self,
        mut table: TableObject,
        operation: &ast::AlterTableOperation,
    ) -> Result<()> {
        use ast::AlterTableOperation as Op;
        match operation {
            Op::AddColumn {
                if_not_exists,
                column_def,
                ..
            } => {
                let name = folded(&column_def.name);
                if *if_not_exists && table.arrow_schema.field_with_name(&name).is_ok() {
                    return Ok(());
                }
                self.add_column(table, column_def).await
            }
            Op::DropColumn {
                column_names,
                if_exists,
                drop_behavior,
                ..
            } => {
                for column in column_names {
                    let name = folded(column);
                    if table.arrow_schema.field_with_name(&name).is_err() {
                        if *if_exists {
                            continue;
                        }
                        return Err(missing_column(&table, &name));
                    }
                    let cascade = matches!(drop_behavior, Some(ast::DropBehavior::Cascade));
                    table = self.drop_column(table, &name, cascade).await?;
                }
                Ok(())
            }
            Op::RenameColumn {
                old_column_name,
                new_column_name,
            } => {
                let (old, new) = (folded(old_column_name), folded(new_column_name));
                self.rename_column(table, &old, &new).await
            }
            Op::AlterColumn { column_name, op } => self.alter_column(table, &folded(column_name), op).await,
            Op::AddConstraint { constraint, .. } => {
                let mut draft = Draft::of(&table)?;
                let name = table.name.clone();
                self.constraint(&mut draft, &name, constraint, None)?;
                constraint::put(&mut table, &draft.constraints)?;
                for key in draft.constraints.iter().filter_map(Constraint::key) {
                    constraint::looked_up(&mut table, key);
                }
                if let Some(key) = constraint::primary_key(&draft.constraints).and_then(|key| key.key()) {
                    let fields = table.arrow_schema.fields().iter().map(|field| {
                        let field = field.as_ref().clone();
                        let null = field.is_nullable() && !key.contains(field.name());
                        field.with_nullable(null)
                    });
                    table.arrow_schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
                }
                self.check_expressions(&table).await?;
                self.rewrite(table, &HashMap::new()).await
            }
            Op::RenameConstraint { old_name, new_name } => {
                let (old, new) = (folded(old_name), folded(new_name));
                let mut constraints = constraint::of(&table)?;
                if constraints.iter().any(|constraint| constraint.name == new) {
                    return Err(Error::DuplicateObject(format!(
                        "constraint \"{new}\" for relation \"{}\" already exists",
                        table.name
                    )));
                }
                let found = constraints.iter_mut().find(|constraint| constraint.name == old);
                let found = found.ok_or(Error::UndefinedObject {
                    kind: "constraint",
                    name: old,
                })?;
                found.name = new;
                constraint::put(&mut table, &constraints)?;
                self.work.put_object(table)?;
                Ok(())
            }
            Op::DropConstraint { if_exists, name, .. } => {
                let wanted = folded(name);
                let mut constraints = constraint::of(&table)?;
                let before = constraints.len();
                constraints.retain(|constraint| constraint.name != wanted);
                if constraints.len() == before && !if_exists {
                    return Err(Error::UndefinedObject {
                        kind: "constraint",
                        name: wanted,
                    });
                }
                constraint::put(&mut table, &constraints)?;
                self.work.put_object(table)?;
                Ok(())
            }
            other => Err(Error::unsupported(format!(
                "ALTER TABLE {other} is not supported"
            ))),
        }
    }

    async fn add_column(&mut self, mut table: TableObject, column: &ast::ColumnDef) -> Result<()> {
        self.no_policy_takes(table.oid, &folded(&column.name))?;
        let mut draft = Draft::of(&table)?;
        let name = table.name.clone();
        self.column(&mut draft, &name, column).await?;
        let schema = table.schema.clone();
        self.number(&mut draft, &schema, &name, table.oid)?;
        numbers_come_last(&draft.fields)?;
        table.arrow_schema = Arc::new(Schema::new(draft.fields));
        constraint::put(&mut table, &draft.constraints)?;
        self.check_expressions(&table).await?;
        let added = table.arrow_schema.fields().last();
        if let Some(domain) = added.and_then(|field| OfDomain::of(field))
            && domain.refuses_null()
            && table.rows > 0
            && added.is_some_and(|field| !field.metadata().contains_key(DEFAULT))
        {
            let column = folded(&column.name);
            let message = format!("column \"{column}\" of relation \"{name}\" contains null values");
            let violation = Violation::of_table(&table.schema, &name, message).column(&column);
            return Err(Error::NotNullViolation(violation));
        }
        let target = Target::new(table.clone(), None);
        let new = target.columns.last().cloned();
        let new = new.ok_or_else(|| Error::internal("a column was added and is not there"))?;
        let plain =
            new.default.is_none() && new.generated.is_none() && new.identity.is_none() && !new.not_null;
        if plain && constraint::of(&table)?.len() == constraint::of(&self.work.table(table.oid)?)?.len() {
            // Files without the column read as NULL: nothing is written.
            self.work.put_object(table)?;
            return Ok(());
        }
        let value = new.default.clone().unwrap_or_else(|| "NULL".to_owned());
        self.rewrite(table, &HashMap::from([(new.name.clone(), new.cast(&value))]))
            .await
    }

    async fn drop_column(
        &mut self,
        mut table: TableObject,
        name: &str,
        cascade: bool,
    ) -> Result<TableObject> {
        let reads = |expression: &str| expression.to_lowercase().contains(&name.to_lowercase());
        let mut constraints = constraint::of(&table)?;
        let holds = table.arrow_schema.fields().iter().find(|field| {
            field.name() != name
                && field
                    .metadata()
                    .get(super::target::GENERATED)
                    .is_some_and(|expression| reads(expression))
        });
        if let Some(field) = holds {
            return Err(Error::Dependents {
                message: format!(
                    "cannot drop column {name} of table {} because other objects depend on it",
                    table.name
                ),
                detail: format!("column {} is computed from it", field.name()),
            });
        }
        if let Some((view, _)) = self.dependent(&BTreeSet::from([table.oid]))?.filter(|_| !cascade) {
            return Err(Error::Dependents {
                message: format!(
                    "cannot drop column {name} of table {} because other objects depend on it",
                    table.name
                ),
                detail: format!("view {} reads the table", view.1),
            });
        }
        self.no_policy_names(table.oid, name)?;
        if let Some(policy) = policy_that_names(&table, name) {
            return Err(Error::Dependents {
                message: format!(
                    "cannot drop column {name} of table {} because other objects depend on it",
                    table.name
                ),
                detail: format!("policy {policy} on table {} depends on column {name}", table.name),
            });
        }
        if let Some(masked) = mask_that_names(&table, name) {
            return Err(Error::Dependents {
                message: format!(
                    "cannot drop column {name} of table {} because other objects depend on it",
                    table.name
                ),
                detail: format!("the mask of column {masked} is made from it"),
            });
        }
        table.row_security.masks.remove(name);
        let owned = self.sequences_of(&BTreeSet::from([table.oid]), Some(name))?;
        constraints.retain(|constraint| match &constraint.rule {
            Rule::PrimaryKey { columns } | Rule::Unique { columns } | Rule::ForeignKey { columns, .. } => {
                !columns.iter().any(|column| column == name)
            }
            Rule::Check { expression } | Rule::Domain { expression, .. } => !reads(expression),
        });
        constraint::put(&mut table, &constraints)?;
        let fields = table
            .arrow_schema
            .fields()
            .iter()
            .filter(|field| field.name() != name)
            .cloned();
        table.arrow_schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        table.cluster_key.retain(|column| column != name);
        table.bloom_columns.retain(|column| column != name);
        table.columns.forget(name);
        // Else a later column of the name would be open to who had rights to this one.
        table.grants.retain(|grant| grant.column.as_deref() != Some(name));
        // Other readers must not find what was dropped: the files are written without it.
        self.rewrite(table.clone(), &HashMap::new()).await?;
        if !owned.is_empty() {
            let mut dropped: BTreeSet<u32> = owned.iter().map(|sequence| sequence.oid).collect();
            // Of an identity column too: the column is gone.
            dropped.insert(table.oid);
            self.release_sequences(&dropped, cascade)?;
            for sequence in owned {
                self.work.drop_object(sequence.oid)?;
            }
        }
        self.work.table(table.oid).map_err(Error::from)
    }

    async fn rename_column(&mut self, mut table: TableObject, old: &str, new: &str) -> Result<()> {
        if table.arrow_schema.field_with_name(old).is_err() {
            return Err(missing_column(&table, old));
        }
        if table.arrow_schema.field_with_name(new).is_ok() {
            return Err(Error::DuplicateColumn(new.to_owned()));
        }
        let named = |name: &String| if name == old { new.to_owned() } else { name.clone() };
        let fields = table.arrow_schema.fields().iter().map(|field| {
            let name = named(field.name());
            field.as_ref().clone().with_name(name)
        });
        table.arrow_schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        table.columns.rename(old, new);
        table.cluster_key = table.cluster_key.iter().map(named).collect();
        table.bloom_columns = table.bloom_columns.iter().map(named).collect();
        self.no_policy_names(table.oid, old)?;
        self.no_policy_takes(table.oid, new)?;
        if let Some(policy) = policy_that_names(&table, old) {
            return Err(Error::unsupported(format!(
                "column \"{old}\" cannot be renamed while policy \"{policy}\" names it"
            )));
        }
        let own = table.row_security.masks.get(old);
        let names_itself = own.is_some_and(|mask| mentions(mask, old));
        if names_itself || mask_that_names(&table, old).is_some() {
            return Err(Error::unsupported(format!(
                "column \"{old}\" cannot be renamed while a mask names it: take the mask off, and put it on again"
            )));
        }
        if let Some(mask) = table.row_security.masks.remove(old) {
            table.row_security.masks.insert(new.to_owned(), mask);
        }
        for grant in &mut table.grants {
            grant.column = grant.column.as_ref().map(named);
        }
        let mut constraints = constraint::of(&table)?;
        for constraint in &mut constraints {
            match &mut constraint.rule {
                Rule::PrimaryKey { columns }
                | Rule::Unique { columns }
                | Rule::ForeignKey { columns, .. } => {
                    *columns = columns.iter().map(named).collect();
                }
                Rule::Check { expression } if expression.contains(old) => {
                    return Err(Error::unsupported(format!(
                        "column \"{old}\" cannot be renamed while constraint \"{}\" names it",
                        constraint.name
                    )));
                }
                Rule::Check { .. } | Rule::Domain { .. } => {}
            }
        }
        constraint::put(&mut table, &constraints)?;
        for sequence in self.sequences_of(&BTreeSet::from([table.oid]), Some(old))? {
            let mut sequence = sequence.as_ref().clone();
            if let Some(owned) = &mut sequence.owned_by {
                new.clone_into(&mut owned.column);
            }
            self.work.put_object(sequence)?;
        }
        self.rewrite(table, &HashMap::from([(new.to_owned(), quoted(old))]))
            .await
    }

    async fn alter_column(
        &mut self,
        mut table: TableObject,
        name: &str,
        operation: &ast::AlterColumnOperation,
    ) -> Result<()> {
        use ast::AlterColumnOperation as Op;
        let Ok(at) = table.arrow_schema.index_of(name) else {
            return Err(missing_column(&table, name));
        };
        let mut fields: Vec<Field> = table
            .arrow_schema
            .fields()
            .iter()
            .map(|field| field.as_ref().clone())
            .collect();
        let field = &mut fields[at];
        let mut metadata = field.metadata().clone();
        let mut rewrites = None;
        match operation {
            Op::SetDefault { .. } | Op::DropDefault if metadata.contains_key(IDENTITY) => {
                return Err(Error::syntax(format!(
                    "column \"{name}\" of relation \"{}\" is an identity column",
                    table.name
                )));
            }
            Op::SetDefault { value } => {
                metadata.remove(DEFAULT);
                metadata.remove(SEQUENCE);
                match self.sequence_of_default(value)? {
                    Some(oid) => metadata.insert(SEQUENCE.to_owned(), oid.to_string()),
                    None => metadata.insert(DEFAULT.to_owned(), expression_text(value, DEFAULT_PLACE)?),
                };
            }
            Op::DropDefault => {
                metadata.remove(DEFAULT);
                metadata.remove(SEQUENCE);
            }
            Op::DropNotNull => *field = field.clone().with_nullable(true),
            Op::SetNotNull => {
                *field = field.clone().with_nullable(false);
                rewrites = Some(HashMap::new());
            }
            Op::SetDataType { data_type, using, .. } => {
                self.no_policy_names(table.oid, name)?;
                if let Some(policy) = policy_that_names(&table, name) {
                    return Err(Error::unsupported(format!(
                        "cannot alter type of a column used in a policy definition: policy \"{policy}\""
                    )));
                }
                if table.row_security.masks.contains_key(name) || mask_that_names(&table, name).is_some() {
                    return Err(Error::unsupported(
                        "cannot alter type of a column that is masked, or that a mask names",
                    ));
                }
                let typed = match self.of_own_type(name, data_type).await? {
                    Some(field) => field,
                    None => self.typed(name, data_type).await?,
                };
                let kept = field.is_nullable();
                let kept_keys = [DEFAULT, SEQUENCE, IDENTITY, "comment"];
                metadata.retain(|key, _| kept_keys.contains(&key.as_str()));
                metadata.extend(typed.metadata().clone());
                *field = typed.with_nullable(kept);
                let value = match using {
                    Some(using) => {
                        expression_text(using, TRANSFORM_PLACE)?;
                        self.splices.expr(using)
                    }
                    None => quoted(name),
                };
                rewrites = Some(HashMap::from([(name.to_owned(), format!("({value})"))]));
            }
            other @ Op::AddGenerated { .. } => {
                return Err(Error::unsupported(format!(
                    "ALTER COLUMN {other} is not supported"
                )));
            }
        }
        *field = field.clone().with_metadata(metadata);
        table.arrow_schema = Arc::new(Schema::new(fields));
        self.check_expressions(&table).await?;
        match rewrites {
            Some(values) => self.rewrite(table, &values).await,
            None => {
                self.work.put_object(table)?;
                Ok(())
            }
        }
    }

    /// Writes a table's rows anew in the shape of `table`: a column's value is the one given by name, in terms of the
    /// columns that were there, or what it was.
    pub(super) async fn rewrite(
        &mut self,
        table: TableObject,
        values: &HashMap<String, String>,
    ) -> Result<()> {
        check_rules(&table)?;
        let old = Target::new(self.work.table(table.oid)?, None);
        let target = Target::new(table.clone(), None);
        let constraints = constraint::enforced(&table, &*self.epoch()?)?;
        let alias = quoted(&old.alias);
        let items = target
            .columns
            .iter()
            .filter(|column| column.generated.is_none())
            .map(|column| {
                let name = quoted(&column.name);
                match values.get(&column.name) {
                    Some(value) => format!("{} AS {name}", column.cast(value)),
                    None => format!("{alias}.{name} AS {name}"),
                }
            });
        let items = super::insert::list(items);
        let items = if items.is_empty() {
            "1 AS \"radlake.nothing\"".to_owned()
        } else {
            items
        };
        let first = format!(
            "(SELECT {items} FROM {} AS {alias})",
            self.splices.local("target")
        );
        let all: Vec<usize> = (0..target.columns.len()).collect();
        let mut sql = layers(&target, &constraints, &first, &[], &all);
        if !table.cluster_key.is_empty() {
            let key = table.cluster_key.iter().map(|column| quoted(column));
            sql += &format!(" ORDER BY {}", super::insert::list(key));
        }
        let (_, local) = self.open(&old).await?;
        let planner = self.planner(vec![("target", local)])?;
        let rows = self.rows(&planner, &sql).await?;
        let gate = Gate::new(&target, &constraints, &[], &all).there();
        self.work.truncate(&old.object).await?;
        self.work.put_object(table)?;
        self.append(&target, &constraints, rows, gate, false).await?;
        // The keys of rows that were there count as new ones under a new constraint.
        self.unique(&target, &constraints, Keys::everything(&constraints).there(true))
            .await
    }
}

/// A policy whose text has a column's name in it: rather one too many than one too few.
fn policy_that_names<'t>(table: &'t TableObject, column: &str) -> Option<&'t str> {
    let names = |text: &Option<String>| text.as_deref().is_some_and(|text| mentions(text, column));
    let policies = table.row_security.policies.iter();
    let mut naming = policies.filter(|policy| names(&policy.using) || names(&policy.check));
    naming.next().map(|policy| policy.name.as_str())
}

/// Another column whose mask has a column's name in it.
fn mask_that_names<'t>(table: &'t TableObject, column: &str) -> Option<&'t str> {
    let mut masks = table.row_security.masks.iter();
    let naming = masks.find(|(of, mask)| *of != column && mentions(mask, column));
    naming.map(|(of, _)| of.as_str())
}

fn missing_column(table: &TableObject, name: &str) -> Error {
    Error::UndefinedColumn {
        name: format!("\"{name}\" of relation \"{}\"", table.name),
        hint: None,
        position: None,
    }
}
