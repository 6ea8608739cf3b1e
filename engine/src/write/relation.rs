//! CREATE SCHEMA, CREATE VIEW, COMMENT ON, ALTER TABLE.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use arrow::datatypes::{Field, Schema};
use radlake_catalogs::{Object, Relation, SchemaObject, TableObject, ViewObject};
use radlake_sql::ast;

use super::constraint::{self, Rule};
use super::define::{Draft, stored};
use super::pipeline::{Gate, layers};
use super::target::{DEFAULT, Target, folded, quoted, resolve};
use super::unique::Keys;
use super::{Outcome, Writer};
use crate::{Error, Result};

impl Writer<'_> {
    pub(super) fn create_schema(&mut self, name: &ast::SchemaName, if_not_exists: bool) -> Result<Outcome> {
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
                true => Ok(Outcome::tag("CREATE SCHEMA")),
                false => Err(Error::DuplicateSchema(name)),
            };
        }
        let owner = epoch
            .role(&self.session.current_role())
            .map_or(0, |role| role.oid);
        self.work.put_object(SchemaObject {
            name,
            owner,
            ..SchemaObject::default()
        })?;
        Ok(Outcome::tag("CREATE SCHEMA"))
    }

    pub(super) async fn create_view(&mut self, create: &ast::CreateView) -> Result<Outcome> {
        if create.materialized || create.temporary {
            return Err(Error::unsupported(
                "materialized and temporary views are not supported",
            ));
        }
        let (schema, name) = self.place(&create.name)?;
        let epoch = self.epoch()?;
        let old = match epoch.get_relation(&schema, &name) {
            None => None,
            Some(Relation::View(view)) if create.or_replace => Some(Arc::clone(view)),
            Some(_) if create.if_not_exists => return Ok(Outcome::tag("CREATE VIEW")),
            Some(Relation::Table(_)) if create.or_replace => {
                return Err(Error::WrongObject(format!("\"{name}\" is not a view")));
            }
            Some(_) => return Err(Error::DuplicateTable(name)),
        };
        let mut sql = create.query.to_string();
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
        view.owner = epoch
            .role(&self.session.current_role())
            .map_or(0, |role| role.oid);
        if let Some(old) = old {
            view.oid = old.oid;
            view.comment = old.comment.clone();
            view.properties = old.properties.clone();
        }
        self.work.put_object(view)?;
        Ok(Outcome::tag("CREATE VIEW"))
    }

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
                let wanted = name
                    .0
                    .last()
                    .and_then(|part| part.as_ident())
                    .map(folded)
                    .unwrap_or_default();
                let epoch = self.epoch()?;
                let schema = epoch.schema(&wanted).ok_or(Error::UndefinedSchema(wanted))?;
                let mut schema = schema.as_ref().clone();
                schema.comment = comment;
                self.work.put_object(schema)?;
            }
            ast::CommentObject::Table | ast::CommentObject::View => {
                let Some(oid) = self.named(name, if_exists)? else {
                    return Ok(done());
                };
                match self.object(oid)? {
                    Object::Table(mut table) => {
                        table.comment = comment;
                        self.work.put_object(table)?;
                    }
                    Object::View(mut view) => {
                        view.comment = comment;
                        self.work.put_object(view)?;
                    }
                    _ => {}
                }
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
            other => return Err(Error::unsupported(format!("COMMENT ON {other} is not supported"))),
        }
        Ok(done())
    }

    fn named(&self, name: &ast::ObjectName, if_exists: bool) -> Result<Option<u32>> {
        let (epoch, path) = (self.epoch()?, self.session.search_path());
        let (schema, last) = resolve(&epoch, &path, &self.session.database(), name)?;
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

    pub(super) async fn alter_table(&mut self, alter: &ast::AlterTable) -> Result<Outcome> {
        let done = Outcome::tag("ALTER TABLE");
        if alter.if_exists && self.named(&alter.name, true)?.is_none() {
            return Ok(done);
        }
        let oid = self.resolve_table(&alter.name)?.oid;
        for operation in &alter.operations {
            let table = self.work.table(oid)?;
            Box::pin(self.alter(table, operation)).await?;
        }
        Ok(done)
    }

    async fn alter(&mut self, mut table: TableObject, operation: &ast::AlterTableOperation) -> Result<()> {
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
            Op::RenameTable {
                table_name: ast::RenameTableNameKind::To(name) | ast::RenameTableNameKind::As(name),
            } => {
                let new = name
                    .0
                    .last()
                    .and_then(|part| part.as_ident())
                    .map(folded)
                    .unwrap_or_default();
                self.move_table(table, None, Some(new))
            }
            Op::AlterColumn { column_name, op } => self.alter_column(table, &folded(column_name), op).await,
            Op::AddConstraint { constraint, .. } => {
                let mut draft = Draft::of(&table)?;
                let name = table.name.clone();
                self.constraint(&mut draft, &name, constraint, None)?;
                constraint::put(&mut table, &draft.constraints)?;
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
        let mut draft = Draft::of(&table)?;
        let name = table.name.clone();
        self.column(&mut draft, &name, column).await?;
        table.arrow_schema = Arc::new(Schema::new(draft.fields));
        constraint::put(&mut table, &draft.constraints)?;
        self.check_expressions(&table).await?;
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
        constraints.retain(|constraint| match &constraint.rule {
            Rule::PrimaryKey { columns } | Rule::Unique { columns } | Rule::ForeignKey { columns, .. } => {
                !columns.iter().any(|column| column == name)
            }
            Rule::Check { expression } => !reads(expression),
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
        // Other readers must not find what was dropped: the files are written without it.
        self.rewrite(table.clone(), &HashMap::new()).await?;
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
        table.cluster_key = table.cluster_key.iter().map(named).collect();
        table.bloom_columns = table.bloom_columns.iter().map(named).collect();
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
                Rule::Check { .. } => {}
            }
        }
        constraint::put(&mut table, &constraints)?;
        self.rewrite(table, &HashMap::from([(new.to_owned(), quoted(old))]))
            .await
    }

    fn move_table(
        &mut self,
        mut table: TableObject,
        schema: Option<String>,
        name: Option<String>,
    ) -> Result<()> {
        if let Some((view, on)) = self.dependent(&BTreeSet::from([table.oid]))? {
            return Err(Error::Dependents {
                message: format!("cannot rename {on} because other objects depend on it"),
                detail: format!("view {} keeps its query as text", view.1),
            });
        }
        let (schema, name) = (schema.unwrap_or(table.schema), name.unwrap_or(table.name));
        if self.epoch()?.get_relation(&schema, &name).is_some() {
            return Err(Error::DuplicateTable(name));
        }
        (table.schema, table.name) = (schema, name);
        self.work.put_object(table)?;
        Ok(())
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
            Op::SetDefault { value } => {
                metadata.insert(DEFAULT.to_owned(), value.to_string());
            }
            Op::DropDefault => {
                metadata.remove(DEFAULT);
            }
            Op::DropNotNull => *field = field.clone().with_nullable(true),
            Op::SetNotNull => {
                *field = field.clone().with_nullable(false);
                rewrites = Some(HashMap::new());
            }
            Op::SetDataType { data_type, using, .. } => {
                let typed = self.typed(name, data_type).await?;
                let kept = field.is_nullable();
                metadata.retain(|key, _| key.starts_with("radlake.default") || key == "comment");
                metadata.extend(typed.metadata().clone());
                *field = typed.with_nullable(kept);
                let value = using.as_ref().map_or_else(|| quoted(name), ToString::to_string);
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
    async fn rewrite(&mut self, table: TableObject, values: &HashMap<String, String>) -> Result<()> {
        let old = Target::new(self.work.table(table.oid)?, None);
        let target = Target::new(table.clone(), None);
        let constraints = constraint::of(&table)?;
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
        let first = format!("SELECT {items} FROM \"radlake\".\"target\" AS {alias}");
        let all: Vec<usize> = (0..target.columns.len()).collect();
        let sql = layers(&target, &constraints, &first, &[], &all);
        let (_, local) = self.open(&old).await?;
        let planner = self.planner(vec![("target", local)])?;
        let rows = self.rows(&planner, &sql).await?;
        let gate = Gate::new(&target, &constraints, &[], &all);
        self.work.truncate(&old.object).await?;
        self.work.put_object(table)?;
        self.append(&target, &constraints, rows, gate, false).await?;
        // The keys of rows that were there count as new ones under a new constraint.
        self.unique(&target, &constraints, Keys::everything(&constraints))
            .await
    }
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

fn missing_column(table: &TableObject, name: &str) -> Error {
    Error::UndefinedColumn {
        name: format!("\"{name}\" of relation \"{}\"", table.name),
        hint: None,
        position: None,
    }
}
