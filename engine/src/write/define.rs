//! CREATE TABLE: columns and constraints, LIKE, AS.

use std::collections::HashMap;

use arrow::datatypes::{DataType, Field, Schema};
use radlake_catalogs::{TableObject, is_temporary_schema};
use radlake_sql::ast;
use std::sync::Arc;

use super::constraint::{self, Constraint, Rule};
use super::sequence::{Numbered, counting_as, counting_of_identity};
use super::target::{DEFAULT, GENERATED, IDENTITY, LENGTH, SEQUENCE, folded, resolve};
use super::texts::{CHECK_PLACE, DEFAULT_PLACE, GENERATED_PLACE, expression_text};
use super::{Outcome, Writer};
use crate::pg_catalog::pg_type_of;
use crate::pg_catalog::types::{PG_TYPE_KEY, VECTOR_TYPE};
use crate::{Error, Result};

/// A table that is being described.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) fields: Vec<Field>,
    pub(super) constraints: Vec<Constraint>,
    /// Columns that are to have sequences of their own.
    pub(super) numbered: Vec<Numbered>,
    /// Of a temporary table.
    pub(super) temporary: bool,
}

impl Writer<'_> {
    pub(super) async fn create_table(&mut self, create: &ast::CreateTable) -> Result<Outcome> {
        if create.external || create.file_format.is_some() {
            return Err(Error::unsupported("CREATE EXTERNAL TABLE is not supported"));
        }
        if let Some(hive) = &create.hive_formats
            && (hive.location.is_some() || hive.storage.is_some() || hive.row_format.is_some())
        {
            return self.attach(create, hive).await;
        }
        if create.inherits.is_some() || create.partition_by.is_some() || create.partition_of.is_some() {
            return Err(Error::unsupported(
                "inheritance and partitions are not supported: tables are clustered",
            ));
        }
        let own = self.is_own(&create.name, create.temporary);
        let (schema, name) = self.place_new(&create.name, own)?;
        let on_commit = super::temporary::on_commit(create.on_commit, own)?;
        let taken = self.epoch()?.get_relation(&schema, &name).is_some();
        let tag = if create.query.is_some() {
            "SELECT 0"
        } else {
            "CREATE TABLE"
        };
        if taken && create.if_not_exists {
            self.session
                .notice("42P07", format!("relation \"{name}\" already exists, skipping"));
            return Ok(Outcome::tag(if create.query.is_some() {
                "CREATE TABLE AS"
            } else {
                tag
            }));
        }
        if taken {
            return Err(Error::DuplicateTable(name));
        }
        if let Some(query) = &create.query {
            let names: Vec<String> = create.columns.iter().map(|column| folded(&column.name)).collect();
            return self.create_as(schema, name, query, &names, on_commit).await;
        }
        let mut draft = Draft {
            temporary: own,
            ..Draft::default()
        };
        for column in &create.columns {
            if let Some((model, options)) = super::like::clause(column) {
                self.like(&mut draft, &name, &model, &options)?;
                continue;
            }
            self.column(&mut draft, &name, column).await?;
        }
        for table_constraint in &create.constraints {
            self.constraint(&mut draft, &name, table_constraint, None)?;
        }
        let sequences = self.number(&mut draft, &schema, &name, 0)?;
        let mut table = self.finish(schema, name, draft).await?;
        super::temporary::note(&mut table, on_commit);
        let table = self.work.create_table(table).await?;
        self.own(&sequences, table.oid)?;
        Ok(Outcome::tag(tag))
    }

    /// CREATE TABLE AS: rows go straight to the table's files.
    pub(super) async fn create_as(
        &mut self,
        schema: String,
        name: String,
        query: &ast::Query,
        names: &[String],
        on_commit: Option<&'static str>,
    ) -> Result<Outcome> {
        let planner = self.planner(Vec::new())?;
        let plan = self.plan_query(&planner, query).await?;
        let found = planner.analyse(plan)?.schema;
        if names.len() > found.fields().len() {
            return Err(Error::syntax("too many column names were specified"));
        }
        let mut draft = Draft::default();
        for (at, field) in found.fields().iter().enumerate() {
            let name = names.get(at).unwrap_or_else(|| field.name());
            if draft.fields.iter().any(|known| known.name() == name) {
                return Err(Error::DuplicateColumn(name.clone()));
            }
            let mut column = stored(name, field);
            if field.data_type() == &DataType::Null {
                column = Field::new(name, DataType::Utf8, true);
            }
            check_kept(&column)?;
            draft.fields.push(column);
        }
        let mut table = self.finish(schema, name, draft).await?;
        super::temporary::note(&mut table, on_commit);
        let table = self.work.create_table(table).await?;
        let target = super::target::Target::new(table, None);
        let all: Vec<usize> = (0..target.columns.len()).collect();
        let gate = super::pipeline::Gate::new(&target, &[], &[], &all);
        let plan = self.plan_query(&planner, query).await?;
        let (rows, _) = self.stream(&planner, plan).await?;
        let (count, _) = self.append(&target, &[], rows, gate, false).await?;
        Ok(Outcome::tag(format!("SELECT {count}")))
    }

    /// Schema and name of a relation that is to be made.
    pub(crate) fn place(&self, name: &ast::ObjectName) -> Result<(String, String)> {
        let (epoch, path) = (self.epoch()?, self.session.search_path());
        let (found, last) = resolve(&epoch, &path, &self.session.database(), name)?;
        let qualified = name.0.len() > 1;
        let schema = match found {
            Some(schema) if qualified => schema,
            // The session's own schema is searched, but what is made goes there only by a word.
            _ => path
                .iter()
                .find(|schema| epoch.schema(schema).is_some() && !is_temporary_schema(schema))
                .cloned()
                .ok_or_else(|| Error::UndefinedSchema("public".to_owned()))?,
        };
        if ["pg_catalog", "information_schema", "imaging", "system"].contains(&schema.as_str()) {
            return Err(Error::InsufficientPrivilege(format!(
                "permission denied for schema {schema}"
            )));
        }
        if epoch.schema(&schema).is_none() {
            return Err(Error::UndefinedSchema(schema));
        }
        Ok((schema, last))
    }

    pub(super) async fn finish(&mut self, schema: String, name: String, draft: Draft) -> Result<TableObject> {
        let mut fields = draft.fields;
        if let Some(key) = constraint::primary_key(&draft.constraints).and_then(Constraint::key) {
            for field in &mut fields {
                if key.contains(field.name()) {
                    // Keys are compared as they are written: 1.0 and 1 would be two.
                    if matches!(pg_type_of(field).oid, 114 | 3802) {
                        return Err(Error::unsupported("primary keys of json and jsonb"));
                    }
                    *field = field.clone().with_nullable(false);
                }
            }
        }
        numbers_come_last(&fields)?;
        let owner = self.acting_oid()?;
        let grants = self.born_with(owner, &schema)?;
        let mut table = TableObject::new(schema, name, Arc::new(Schema::new(fields))).with_owner(owner);
        table.grants = grants;
        for key in draft.constraints.iter().filter_map(Constraint::key) {
            constraint::looked_up(&mut table, key);
        }
        constraint::put(&mut table, &draft.constraints)?;
        // Expressions are planned once now, so that a mistake shows here and not at the first row.
        self.check_expressions(&table).await?;
        Ok(table)
    }

    /// Plans defaults, generated columns and checks of a table.
    pub(super) async fn check_expressions(&self, table: &TableObject) -> Result<()> {
        let target = super::target::Target::new(table.clone(), None);
        let constraints = constraint::enforced(table, &*self.epoch()?)?;
        let given = target
            .columns
            .iter()
            .filter(|column| column.generated.is_none())
            .map(|column| {
                let expression = column.default.as_deref().unwrap_or("NULL");
                format!(
                    "{} AS {}",
                    column.cast(expression),
                    super::target::quoted(&column.name)
                )
            });
        let first = format!("SELECT {}", super::insert::list(given));
        if first == "SELECT " {
            return Ok(());
        }
        let sql = super::pipeline::layers(&target, &constraints, &format!("({first})"), &[], &[]);
        let planner = self.planner(Vec::new())?;
        let plan = self.plan(&planner, &sql).await?;
        planner.analyse(plan)?;
        Ok(())
    }

    /// Adds a column with its options to the draft of table `table`.
    pub(super) async fn column(&self, draft: &mut Draft, table: &str, column: &ast::ColumnDef) -> Result<()> {
        let name = folded(&column.name);
        if draft.fields.iter().any(|field| field.name() == &name) {
            return Err(Error::DuplicateColumn(name));
        }
        let mut metadata: HashMap<String, String> = HashMap::new();
        let mut nullable = true;
        let serial = serial(&column.data_type);
        let mut field = match serial.clone() {
            Some(data_type) => {
                draft.numbered.push(Numbered {
                    column: name.clone(),
                    counting: counting_as(integer_name(&data_type)?)?,
                    identity: false,
                });
                nullable = false;
                Field::new(&name, data_type, true)
            }
            None => match self.of_own_type(&name, &column.data_type).await? {
                Some(field) => field,
                None => self.typed(&name, &column.data_type).await?,
            },
        };
        for option in &column.options {
            let called = option.name.as_ref().map(folded);
            match &option.option {
                ast::ColumnOption::Null => {}
                ast::ColumnOption::NotNull => nullable = false,
                ast::ColumnOption::Default(value) => {
                    if serial.is_some() {
                        return Err(Error::syntax(format!(
                            "multiple default values specified for column \"{name}\" of table \"{table}\""
                        )));
                    }
                    match self.sequence_of_default(value)? {
                        Some(oid) => metadata.insert(SEQUENCE.to_owned(), oid.to_string()),
                        None => metadata.insert(DEFAULT.to_owned(), expression_text(value, DEFAULT_PLACE)?),
                    };
                }
                ast::ColumnOption::Generated {
                    generated_as,
                    generation_expr,
                    sequence_options,
                    ..
                } => {
                    if generation_expr.is_none() {
                        let options = sequence_options.as_deref().unwrap_or_default();
                        draft.numbered.push(Numbered {
                            column: name.clone(),
                            counting: counting_of_identity(integer_name(field.data_type())?, options)?,
                            identity: true,
                        });
                    }
                    match (generation_expr, generated_as) {
                        (Some(value), _) => {
                            let text = expression_text(value, GENERATED_PLACE)?;
                            metadata.insert(GENERATED.to_owned(), text)
                        }
                        (None, ast::GeneratedAs::ByDefault) => {
                            nullable = false;
                            metadata.insert(IDENTITY.to_owned(), "by default".to_owned())
                        }
                        (None, _) => {
                            nullable = false;
                            metadata.insert(IDENTITY.to_owned(), "always".to_owned())
                        }
                    };
                }
                ast::ColumnOption::PrimaryKey(_) => {
                    let name = called.unwrap_or_else(|| format!("{table}_pkey"));
                    draft.add(
                        name,
                        Rule::PrimaryKey {
                            columns: vec![folded(&column.name)],
                        },
                    )?;
                }
                ast::ColumnOption::Unique(_) => {
                    let made = format!("{table}_{name}_key");
                    draft.add(
                        called.unwrap_or(made),
                        Rule::Unique {
                            columns: vec![name.clone()],
                        },
                    )?;
                }
                ast::ColumnOption::Check(check) => {
                    let called = called.or_else(|| check.name.as_ref().map(folded));
                    let made = draft.free(&format!("{table}_{name}_check"));
                    let expression = expression_text(&check.expr, CHECK_PLACE)?;
                    draft.add(called.unwrap_or(made), Rule::Check { expression })?;
                }
                ast::ColumnOption::ForeignKey(key) => {
                    constraint::check_actions(key)?;
                    self.may_reference(&key.foreign_table, &key.referred_columns)?;
                    self.references_its_kind(draft.temporary, &key.foreign_table)?;
                    let rule = Rule::ForeignKey {
                        columns: vec![name.clone()],
                        table: key.foreign_table.to_string(),
                        referenced: key.referred_columns.iter().map(folded).collect(),
                    };
                    draft.add(called.unwrap_or_else(|| format!("{table}_{name}_fkey")), rule)?;
                }
                ast::ColumnOption::Comment(comment) => {
                    metadata.insert("comment".to_owned(), comment.clone());
                }
                other => {
                    return Err(Error::unsupported(format!(
                        "column option {other} is not supported"
                    )));
                }
            }
        }
        for option in &column.options {
            if let ast::ColumnOption::Default(value) = &option.option {
                self.check_default(&field, value).await?;
            }
        }
        for (key, value) in field.metadata() {
            // A column's own default comes before its domain's.
            metadata.entry(key.clone()).or_insert_with(|| value.clone());
        }
        field = field.with_nullable(nullable).with_metadata(metadata);
        draft.fields.push(field);
        Ok(())
    }

    /// A default that is a literal must be one of the column's type.
    async fn check_default(&self, field: &Field, value: &ast::Expr) -> Result<()> {
        let column = super::target::Column::of(field);
        super::assign::check_literal(&column, value, "default expression")?;
        if let ast::Expr::Value(text) = value
            && matches!(text.value, ast::Value::SingleQuotedString(_))
        {
            let planner = self.planner(Vec::new())?;
            let cast = column.cast(&value.to_string());
            let _ = self.collected(&planner, &format!("SELECT {cast}")).await?;
        }
        Ok(())
    }

    /// A column of a type as SQL names it.
    pub(super) async fn typed(&self, name: &str, sql_type: &ast::DataType) -> Result<Field> {
        let (length, bare) = match sql_type {
            ast::DataType::Varchar(Some(ast::CharacterLength::IntegerLength { length, .. }))
            | ast::DataType::CharacterVarying(Some(ast::CharacterLength::IntegerLength { length, .. })) => {
                (Some(*length), "varchar".to_owned())
            }
            ast::DataType::Char(length) | ast::DataType::Character(length) => match length {
                Some(ast::CharacterLength::IntegerLength { length, .. }) => {
                    (Some(*length), "varchar".to_owned())
                }
                _ => (Some(1), "varchar".to_owned()),
            },
            ast::DataType::Timestamp(Some(digits), _)
            | ast::DataType::Time(Some(digits), _)
            | ast::DataType::Interval {
                precision: Some(digits),
                ..
            } if *digits < 6 => {
                return Err(Error::Unsupported {
                    what: format!("a column of type {sql_type}"),
                    hint: Some(
                        "Columns keep microseconds: leave the digits out, and cast to fewer where they are read."
                            .to_owned(),
                    ),
                });
            }
            other => (None, other.to_string()),
        };
        let planner = self.planner(Vec::new())?;
        let plan = self
            .plan(&planner, &format!("SELECT CAST(NULL AS {bare})"))
            .await?;
        let schema = planner.analyse(plan)?.schema;
        let found = schema
            .fields()
            .first()
            .ok_or_else(|| Error::internal("a type has no column"))?;
        let mut field = stored(name, found);
        check_kept(&field)?;
        if let Some(length) = length {
            let mut metadata = field.metadata().clone();
            metadata.insert(LENGTH.to_owned(), length.to_string());
            field = field.with_metadata(metadata);
        }
        Ok(field)
    }

    /// Adds a constraint of a whole table to its draft.
    pub(super) fn constraint(
        &self,
        draft: &mut Draft,
        table: &str,
        constraint: &ast::TableConstraint,
        named: Option<&ast::Ident>,
    ) -> Result<()> {
        let key = |columns: &[ast::IndexColumn]| -> Result<Vec<String>> {
            columns
                .iter()
                .map(|column| match &column.column.expr {
                    ast::Expr::Identifier(ident) => Ok(folded(ident)),
                    other => Err(Error::unsupported(format!("{other} is no column of a key"))),
                })
                .collect()
        };
        let named = named.map(folded);
        let called = |name: &Option<ast::Ident>| named.clone().or_else(|| name.as_ref().map(folded));
        let (name, rule) = match constraint {
            ast::TableConstraint::PrimaryKey(primary) => {
                let columns = key(&primary.columns)?;
                (
                    called(&primary.name).unwrap_or_else(|| format!("{table}_pkey")),
                    Rule::PrimaryKey { columns },
                )
            }
            ast::TableConstraint::Unique(unique) => {
                let columns = key(&unique.columns)?;
                let made = format!("{table}_{}_key", columns.join("_"));
                (called(&unique.name).unwrap_or(made), Rule::Unique { columns })
            }
            ast::TableConstraint::Check(check) => {
                let made = draft.free(&format!("{table}_check"));
                let expression = expression_text(&check.expr, CHECK_PLACE)?;
                (called(&check.name).unwrap_or(made), Rule::Check { expression })
            }
            ast::TableConstraint::ForeignKey(foreign) => {
                constraint::check_actions(foreign)?;
                self.may_reference(&foreign.foreign_table, &foreign.referred_columns)?;
                self.references_its_kind(draft.temporary, &foreign.foreign_table)?;
                let columns: Vec<String> = foreign.columns.iter().map(folded).collect();
                let made = format!("{table}_{}_fkey", columns.join("_"));
                let rule = Rule::ForeignKey {
                    columns,
                    table: foreign.foreign_table.to_string(),
                    referenced: foreign.referred_columns.iter().map(folded).collect(),
                };
                (called(&foreign.name).unwrap_or(made), rule)
            }
            other => return Err(Error::unsupported(format!("constraint {other} is not supported"))),
        };
        draft.add(name, rule)
    }
}

/// Generated columns are computed before identity columns without a sequence get their numbers: one that is made of another would be NULL.
pub(super) fn numbers_come_last(fields: &[Field]) -> Result<()> {
    let has = |field: &&Field, key: &str| {
        field.metadata().contains_key(key) && !field.metadata().contains_key(SEQUENCE)
    };
    for generated in fields.iter().filter_map(|field| field.metadata().get(GENERATED)) {
        let named = |field: &&Field| radlake_catalogs::mentions(generated, field.name());
        if let Some(column) = fields.iter().filter(|field| has(field, IDENTITY)).find(named) {
            return Err(Error::unsupported(format!(
                "a generated column that is made of the identity column \"{}\"",
                column.name()
            )));
        }
    }
    Ok(())
}

impl Draft {
    /// The draft of a table that is there.
    pub(super) fn of(table: &TableObject) -> Result<Self> {
        Ok(Self {
            temporary: is_temporary_schema(&table.schema),
            fields: table
                .arrow_schema
                .fields()
                .iter()
                .map(|field| field.as_ref().clone())
                .collect(),
            constraints: constraint::of(table)?,
            numbered: Vec::new(),
        })
    }

    pub(super) fn add(&mut self, name: String, rule: Rule) -> Result<()> {
        if let Rule::PrimaryKey { columns } | Rule::Unique { columns } | Rule::ForeignKey { columns, .. } =
            &rule
        {
            // A column's own constraint is described before the column itself is.
            let known = |column: &&String| self.fields.iter().any(|field| field.name() == *column);
            if let Some(missing) = columns.iter().find(|column| columns.len() > 1 && !known(column)) {
                return Err(Error::UndefinedColumn {
                    name: format!("\"{missing}\" named in key"),
                    hint: None,
                    position: None,
                });
            }
        }
        if matches!(rule, Rule::PrimaryKey { .. }) && constraint::primary_key(&self.constraints).is_some() {
            return Err(Error::InvalidTableDefinition(
                "multiple primary keys for a table are not allowed".to_owned(),
            ));
        }
        if self.constraints.iter().any(|known| known.name == name) {
            return Err(Error::DuplicateObject(format!(
                "constraint \"{name}\" already exists"
            )));
        }
        self.constraints.push(Constraint {
            name,
            rule,
            comment: None,
        });
        Ok(())
    }

    /// A name that no constraint has yet: the wanted one, or with a number behind it.
    pub(super) fn free(&self, wanted: &str) -> String {
        let taken = |name: &str| self.constraints.iter().any(|known| known.name == name);
        let numbered = (1..).map(|number| format!("{wanted}{number}"));
        std::iter::once(wanted.to_owned())
            .chain(numbered)
            .find(|name| !taken(name))
            .unwrap_or_default()
    }
}

/// `serial` and its kin.
fn serial(sql_type: &ast::DataType) -> Option<DataType> {
    match sql_type.to_string().to_lowercase().as_str() {
        "smallserial" | "serial2" => Some(DataType::Int16),
        "serial" | "serial4" => Some(DataType::Int32),
        "bigserial" | "serial8" => Some(DataType::Int64),
        _ => None,
    }
}

/// A type that identity columns may have, as sequences name it.
pub(super) fn integer_name(data_type: &DataType) -> Result<&'static str> {
    match data_type {
        DataType::Int16 => Ok("smallint"),
        DataType::Int32 => Ok("integer"),
        DataType::Int64 => Ok("bigint"),
        _ => Err(Error::InvalidParameter(
            "identity column type must be smallint, integer, or bigint".to_owned(),
        )),
    }
}

/// A result's column as a table keeps it.
pub(super) fn stored(name: &str, field: &Field) -> Field {
    let data_type = keep(field.data_type());
    let mut metadata = HashMap::new();
    if let Some(pg_type) = field.metadata().get(PG_TYPE_KEY) {
        let bare = Field::new(name, data_type.clone(), true);
        // Only what the Arrow type alone does not tell.
        let told = bare
            .clone()
            .with_metadata(HashMap::from([(PG_TYPE_KEY.to_owned(), pg_type.clone())]));
        if pg_type_of(&bare) != pg_type_of(&told) {
            metadata.insert(PG_TYPE_KEY.to_owned(), pg_type.clone());
        }
    }
    Field::new(name, data_type, true).with_metadata(metadata)
}

/// A table's vectors lie side by side, each as long as the others.
fn check_kept(field: &Field) -> Result<()> {
    if pg_type_of(field).oid == VECTOR_TYPE && !matches!(field.data_type(), DataType::FixedSizeList(..)) {
        return Err(Error::Unsupported {
            what: format!("column \"{}\" of type vector without dimensions", field.name()),
            hint: Some("Say how many dimensions it has: vector(107).".to_owned()),
        });
    }
    Ok(())
}

/// The type that files keep of a computed one.
fn keep(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Utf8View | DataType::LargeUtf8 => DataType::Utf8,
        DataType::BinaryView | DataType::LargeBinary => DataType::Binary,
        DataType::Dictionary(_, value) => keep(value),
        DataType::Timestamp(_, Some(_)) => {
            DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, Some("UTC".into()))
        }
        DataType::Timestamp(_, None) => DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, None),
        DataType::Time64(_) | DataType::Time32(_) => {
            DataType::Time64(arrow::datatypes::TimeUnit::Microsecond)
        }
        DataType::List(item) | DataType::LargeList(item) | DataType::ListView(item) => {
            DataType::List(Arc::new(Field::new("item", keep(item.data_type()), true)))
        }
        other => other.clone(),
    }
}
