//! Sequences as they are made, changed and dropped, and the columns that count by them.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::{Field, Schema};
use radlake_catalogs::{Counting, Epoch, Object, OwnedBy, Position, Relation, SequenceObject, TableObject};
use radlake_sql::ast;

use super::define::Draft;
use super::target::{IDENTITY, SEQUENCE, folded, resolve, written_name};
use super::{Outcome, Writer};
use crate::pg_catalog::parse_name;
use crate::{Error, Result};

/// Longest name that PostgreSQL makes of a table's and a column's.
const LONGEST: usize = 63;

/// An option of CREATE or ALTER SEQUENCE, with its value; `None` is NO, or NONE.
type Option_ = (String, Option<ast::Expr>);

/// A column of a draft that is to have a sequence of its own.
#[derive(Debug, Clone)]
pub(super) struct Numbered {
    pub(super) column: String,
    pub(super) counting: Counting,
    pub(super) identity: bool,
}

impl Writer<'_> {
    /// CREATE SEQUENCE and ALTER SEQUENCE, as the procedure that they are read as.
    pub(super) async fn define_sequence(&mut self, arguments: &[&ast::Expr]) -> Result<Outcome> {
        let [verb, temporary, lenient, name, options @ ..] = arguments else {
            return Err(Error::internal("a sequence without a name"));
        };
        let (temporary, lenient) = (is_true(temporary), is_true(lenient));
        let name = written_name(name)?;
        let options: Vec<Option_> = options
            .chunks_exact(2)
            .map(|pair| {
                let value = (!is_null(pair[1])).then(|| pair[1].clone());
                (said(pair[0]), value)
            })
            .collect();
        if let Some(twice) = options.iter().enumerate().find_map(|(at, (option, _))| {
            let before = options[..at].iter().any(|(other, _)| other == option);
            before.then_some(option)
        }) {
            return Err(Error::syntax(format!(
                "conflicting or redundant options: {twice}"
            )));
        }
        match said(verb).as_str() {
            "CREATE" => self.create_sequence(&name, temporary, lenient, &options),
            _ => self.alter_sequence(&name, lenient, &options).await,
        }
    }

    fn create_sequence(
        &mut self,
        name: &ast::ObjectName,
        temporary: bool,
        lenient: bool,
        options: &[Option_],
    ) -> Result<Outcome> {
        let done = || Outcome::tag("CREATE SEQUENCE");
        let own = self.is_own(name, temporary);
        let (schema, name) = self.place_new(name, own)?;
        if self.epoch()?.get_relation(&schema, &name).is_some() {
            if lenient {
                self.session
                    .notice("42P07", format!("relation \"{name}\" already exists, skipping"));
                return Ok(done());
            }
            return Err(Error::DuplicateTable(name));
        }
        if options.iter().any(|(option, _)| option == "RESTART") {
            return Err(Error::syntax("syntax error at or near \"RESTART\""));
        }
        let counting = counting(None, options)?;
        let owned_by = self.owner_column(options, &schema)?.flatten();
        self.put_sequence(schema, name, counting, owned_by)?;
        Ok(done())
    }

    fn put_sequence(
        &mut self,
        schema: String,
        name: String,
        counting: Counting,
        owned_by: Option<OwnedBy>,
    ) -> Result<u32> {
        let owner = self.acting_oid()?;
        let mut sequence = SequenceObject {
            grants: self.sequence_born_with(owner, &schema)?,
            schema,
            name,
            owner,
            owned_by,
            ..SequenceObject::default()
        };
        sequence.begin_at(Position {
            last: counting.start,
            called: false,
        });
        sequence.counting = counting;
        self.session.facts.sequences.begins(&sequence);
        Ok(self.work.put_object(sequence)?)
    }

    async fn alter_sequence(
        &mut self,
        name: &ast::ObjectName,
        lenient: bool,
        options: &[Option_],
    ) -> Result<Outcome> {
        let done = Outcome::tag("ALTER SEQUENCE");
        let epoch = self.epoch()?;
        let sequence = match self.relation(&epoch, name) {
            Ok(Relation::Sequence(sequence)) => sequence,
            Ok(other) => {
                return Err(Error::WrongObject(format!(
                    "\"{}\" is not a sequence",
                    other.name()
                )));
            }
            Err(Error::UndefinedTable { .. }) if lenient => {
                self.session
                    .notice("00000", format!("relation \"{name}\" does not exist, skipping"));
                return Ok(done);
            }
            Err(error) => return Err(error),
        };
        if options.is_empty() {
            return Err(Error::syntax("syntax error at end of input"));
        }
        let mut new = sequence.as_ref().clone();
        if let Some(owned_by) = self.owner_column(options, &sequence.schema)? {
            if sequence.owned_by.as_ref().is_some_and(|owned| owned.identity) {
                return Err(Error::unsupported("cannot change ownership of identity sequence"));
            }
            new.owned_by = owned_by;
        }
        if options.iter().any(|(option, _)| option != "OWNED BY") {
            new.counting = counting(Some(&sequence.counting), options)?;
            let mut at = self.session.facts.sequences.position(&sequence).await?;
            if let Some((_, restart)) = options.iter().find(|(option, _)| option == "RESTART") {
                let last = restart.as_ref().map(number).transpose()?;
                at = Position {
                    last: last.unwrap_or(new.counting.start),
                    called: false,
                };
            }
            let (least, most) = (new.counting.minimum, new.counting.maximum);
            if at.last < least {
                let message = format!(
                    "RESTART value ({}) cannot be less than MINVALUE ({least})",
                    at.last
                );
                return Err(Error::InvalidParameter(message));
            }
            if at.last > most {
                let message = format!(
                    "RESTART value ({}) cannot be greater than MAXVALUE ({most})",
                    at.last
                );
                return Err(Error::InvalidParameter(message));
            }
            new.begin_at(at);
            self.session.facts.sequences.begins(&new);
        }
        self.work.put_object(new)?;
        Ok(done)
    }

    /// What OWNED BY says, if it is said: a column of a table, or none.
    fn owner_column(&self, options: &[Option_], schema: &str) -> Result<Option<Option<OwnedBy>>> {
        let Some((_, value)) = options.iter().find(|(option, _)| option == "OWNED BY") else {
            return Ok(None);
        };
        let Some(value) = value else {
            return Ok(Some(None));
        };
        let mut name = written_name(value)?;
        let column = name.0.pop().and_then(|part| part.as_ident().map(folded));
        let Some(column) = column.filter(|_| !name.0.is_empty()) else {
            return Err(Error::syntax(
                "invalid OWNED BY option: specify OWNED BY table.column or OWNED BY NONE",
            ));
        };
        let epoch = self.epoch()?;
        let Relation::Table(table) = self.relation(&epoch, &name)? else {
            return Err(Error::WrongObject(format!(
                "sequence cannot be owned by relation \"{name}\""
            )));
        };
        if table.schema != schema {
            return Err(Error::PrerequisiteState(
                "sequence must be in same schema as table it is linked to".to_owned(),
            ));
        }
        let subject = self.subject()?;
        if !subject.owns(table.owner) {
            return Err(Error::PrerequisiteState(
                "sequence must have same owner as table it is linked to".to_owned(),
            ));
        }
        if table.arrow_schema.field_with_name(&column).is_err() {
            return Err(Error::UndefinedColumn {
                name: format!("\"{column}\" of relation \"{}\"", table.name),
                hint: None,
                position: None,
            });
        }
        Ok(Some(Some(OwnedBy {
            table: table.oid,
            column,
            identity: false,
        })))
    }

    /// Makes the sequences of a draft's columns, and has the columns count by them. `table` is 0 while there is none: [`Writer::own`]
    /// says later whose they are. Gives their OIDs.
    pub(super) fn number(
        &mut self,
        draft: &mut Draft,
        schema: &str,
        name: &str,
        table: u32,
    ) -> Result<Vec<u32>> {
        let mut made = Vec::new();
        for numbered in std::mem::take(&mut draft.numbered) {
            let wanted = sequence_name(name, &numbered.column);
            let epoch = self.epoch()?;
            let free = (0_u32..).map(|n| match n {
                0 => wanted.clone(),
                n => format!("{wanted}{n}"),
            });
            let mut free =
                free.filter(|wanted| epoch.get_relation(schema, wanted).is_none() && wanted != name);
            let sequence = free.next().unwrap_or_default();
            let owned_by = OwnedBy {
                table,
                column: numbered.column.clone(),
                identity: numbered.identity,
            };
            let oid = self.put_sequence(schema.to_owned(), sequence, numbered.counting, Some(owned_by))?;
            if let Some(field) = draft
                .fields
                .iter_mut()
                .find(|field| *field.name() == numbered.column)
            {
                *field = counting_by(field, Some(oid));
            }
            made.push(oid);
        }
        Ok(made)
    }

    /// Has sequences go with a table that was made after them.
    pub(super) fn own(&mut self, sequences: &[u32], table: u32) -> Result<()> {
        for oid in sequences {
            if let Object::Sequence(mut sequence) = self.object(*oid)? {
                if let Some(owned) = &mut sequence.owned_by {
                    owned.table = table;
                }
                self.work.put_object(sequence)?;
            }
        }
        Ok(())
    }

    /// The sequence of a default that is `nextval('name')` and nothing else: it is known by its number from then on.
    pub(super) fn sequence_of_default(&self, value: &ast::Expr) -> Result<Option<u32>> {
        let Some(text) = named_by_nextval(value) else {
            return Ok(None);
        };
        let name = parse_name(&text).unwrap_or_default();
        let parts = name.into_iter().map(|part| ast::Ident::with_quote('"', part));
        let parts = parts.map(ast::ObjectNamePart::Identifier).collect();
        let (epoch, path) = (self.epoch()?, self.session.search_path());
        let (schema, last) = resolve(&epoch, &path, &self.session.database(), &ast::ObjectName(parts))?;
        let found = schema
            .as_deref()
            .and_then(|schema| epoch.get_relation(schema, &last));
        match found {
            Some(Relation::Sequence(sequence)) => Ok(Some(sequence.oid)),
            Some(other) => Err(Error::WrongObject(format!(
                "\"{}\" is not a sequence",
                other.name()
            ))),
            None => Err(Error::UndefinedTable {
                name: text,
                hint: None,
                position: None,
            }),
        }
    }

    /// The sequences that go with tables, or with one column of a table.
    pub(super) fn sequences_of(
        &self,
        tables: &BTreeSet<u32>,
        column: Option<&str>,
    ) -> Result<Vec<Arc<SequenceObject>>> {
        let epoch = self.epoch()?;
        let goes = |owned: &OwnedBy| {
            tables.contains(&owned.table) && column.is_none_or(|column| owned.column == column)
        };
        let sequences = epoch.sequences();
        Ok(sequences
            .filter(|sequence| sequence.owned_by.as_ref().is_some_and(goes))
            .cloned()
            .collect())
    }

    /// Gives a sequence to a role.
    pub(super) fn give_sequence(&mut self, sequence: &SequenceObject, owner: u32) -> Result<()> {
        let mut sequence = sequence.clone();
        crate::govern::change_owner(&mut sequence.grants, sequence.owner, owner);
        sequence.owner = owner;
        self.work.put_object(sequence)?;
        Ok(())
    }

    /// Has the sequences of a table begin anew: RESTART IDENTITY.
    pub(super) fn restart_sequences(&mut self, table: u32) -> Result<()> {
        for sequence in self.sequences_of(&BTreeSet::from([table]), None)? {
            let mut sequence = sequence.as_ref().clone();
            sequence.begin_at(Position {
                last: sequence.counting.start,
                called: false,
            });
            self.session.facts.sequences.begins(&sequence);
            self.work.put_object(sequence)?;
        }
        Ok(())
    }

    /// What holds sequences that are to be dropped: columns that count by them. With CASCADE they count no more.
    pub(super) fn release_sequences(&mut self, dropped: &BTreeSet<u32>, cascade: bool) -> Result<()> {
        let epoch = self.epoch()?;
        let going: Vec<_> = epoch
            .sequences()
            .filter(|one| dropped.contains(&one.oid))
            .cloned()
            .collect();
        if going.is_empty() {
            return Ok(());
        }
        for sequence in &going {
            let owned = sequence
                .owned_by
                .as_ref()
                .filter(|owned| owned.identity && !dropped.contains(&owned.table));
            if let Some(table) = owned.and_then(|owned| Some((epoch.table_by_oid(owned.table)?, owned))) {
                return Err(Error::Dependents {
                    message: format!(
                        "cannot drop sequence {} because column {} of table {} requires it",
                        sequence.name, table.1.column, table.0.name
                    ),
                    detail: format!(
                        "You can drop column {} of table {} instead.",
                        table.1.column, table.0.name
                    ),
                });
            }
        }
        let counts = |field: &Field| {
            let oid = sequence_of(field)?;
            going.iter().find(|sequence| sequence.oid == oid)
        };
        let tables: Vec<Arc<TableObject>> = epoch.tables().cloned().collect();
        for table in tables.iter().filter(|table| !dropped.contains(&table.oid)) {
            let mut holds = table
                .arrow_schema
                .fields()
                .iter()
                .filter_map(|field| Some((field, counts(field)?)));
            let Some((field, sequence)) = holds.next() else {
                continue;
            };
            if !cascade {
                return Err(Error::Dependents {
                    message: format!(
                        "cannot drop sequence {} because other objects depend on it",
                        sequence.name
                    ),
                    detail: format!(
                        "default value for column {} of table {} depends on sequence {}",
                        field.name(),
                        table.name,
                        sequence.name
                    ),
                });
            }
            let mut table = table.as_ref().clone();
            let fields = table
                .arrow_schema
                .fields()
                .iter()
                .map(|field| match counts(field) {
                    Some(_) => counting_by(field, None),
                    None => field.as_ref().clone(),
                });
            table.arrow_schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
            self.work.put_object(table)?;
        }
        Ok(())
    }
}

/// Writes into a transaction how far its new sequences have come.
pub(crate) fn settle(
    session: &crate::session::Inner,
    work: &mut super::Work,
) -> radlake_catalogs::Result<()> {
    let sequences = &session.facts.sequences;
    let moved: Vec<SequenceObject> = work
        .objects()
        .filter_map(|object| match object {
            Object::Sequence(sequence) => {
                let initial = sequences.gone_on(sequence)?;
                Some(SequenceObject {
                    initial,
                    ..sequence.clone()
                })
            }
            _ => None,
        })
        .collect();
    for sequence in moved {
        let shared = Arc::new(sequence);
        if sequences.published(&shared).is_none() {
            work.put_object(shared.as_ref().clone())?;
        }
    }
    Ok(())
}

/// The OID of the sequence that a column counts by.
pub(crate) fn sequence_of(field: &Field) -> Option<u32> {
    field.metadata().get(SEQUENCE)?.parse().ok()
}

/// A column that counts by a sequence, or by none.
pub(super) fn counting_by(field: &Field, sequence: Option<u32>) -> Field {
    let mut metadata = field.metadata().clone();
    match sequence {
        Some(oid) => metadata.insert(SEQUENCE.to_owned(), oid.to_string()),
        None => {
            metadata.remove(IDENTITY);
            metadata.remove(SEQUENCE)
        }
    };
    field.clone().with_metadata(metadata)
}

/// The sequence that a name means at an epoch, for a draft that copies it.
pub(super) fn counting_of(epoch: &Epoch, field: &Field) -> Option<Counting> {
    Some(epoch.sequence(sequence_of(field)?)?.counting.clone())
}

/// How an identity column counts.
pub(super) fn counting_of_identity(data_type: &str, options: &[ast::SequenceOptions]) -> Result<Counting> {
    use ast::SequenceOptions as S;
    let mut told: Vec<Option_> = vec![("AS".to_owned(), Some(text(data_type)))];
    for option in options {
        let (name, value) = match option {
            S::IncrementBy(value, _) => ("INCREMENT", Some(value.clone())),
            S::MinValue(value) => ("MINVALUE", value.clone()),
            S::MaxValue(value) => ("MAXVALUE", value.clone()),
            S::StartWith(value, _) => ("START", Some(value.clone())),
            S::Cache(value) => ("CACHE", Some(value.clone())),
            // The parser says true of NO CYCLE.
            S::Cycle(no) => ("CYCLE", Some(boolean(!no))),
        };
        told.push((name.to_owned(), value));
    }
    counting(None, &told)
}

/// How a column of a type counts without options.
pub(super) fn counting_as(data_type: &str) -> Result<Counting> {
    counting(None, &[("AS".to_owned(), Some(text(data_type)))])
}

/// How a sequence counts that had counted as `before`, in PostgreSQL's order of checks.
fn counting(before: Option<&Counting>, options: &[Option_]) -> Result<Counting> {
    let option = |wanted: &str| {
        options
            .iter()
            .find(|(option, _)| option == wanted)
            .map(|(_, value)| value)
    };
    let mut new = before.cloned().unwrap_or_default();
    let ends = |data_type: &str| match data_type {
        "smallint" => (i64::from(i16::MIN), i64::from(i16::MAX)),
        "integer" => (i64::from(i32::MIN), i64::from(i32::MAX)),
        _ => (i64::MIN, i64::MAX),
    };
    let (old_least, old_most) = ends(&new.data_type);
    if let Some(Some(data_type)) = option("AS") {
        new.data_type = match said(data_type).as_str() {
            "smallint" | "int2" => "smallint".to_owned(),
            "integer" | "int" | "int4" => "integer".to_owned(),
            "bigint" | "int8" => "bigint".to_owned(),
            _ => {
                return Err(Error::InvalidParameter(
                    "sequence type must be smallint, integer, or bigint".to_owned(),
                ));
            }
        };
    }
    if let Some(Some(increment)) = option("INCREMENT") {
        new.increment = number(increment)?;
        if new.increment == 0 {
            return Err(Error::InvalidParameter("INCREMENT must not be zero".to_owned()));
        }
    }
    if let Some(Some(cycle)) = option("CYCLE") {
        new.cycle = is_true(cycle);
    }
    let (least, most) = ends(&new.data_type);
    let up = new.increment > 0;
    // An end that was the type's goes with the type.
    let retyped = option("AS").is_some();
    match option("MAXVALUE") {
        Some(Some(value)) => new.maximum = number(value)?,
        None if before.is_some() && !(retyped && new.maximum == old_most) => {}
        _ => new.maximum = if up { most } else { -1 },
    }
    match option("MINVALUE") {
        Some(Some(value)) => new.minimum = number(value)?,
        None if before.is_some() && !(retyped && new.minimum == old_least) => {}
        _ => new.minimum = if up { 1 } else { least },
    }
    for (word, value) in [("MAXVALUE", new.maximum), ("MINVALUE", new.minimum)] {
        if value < least || value > most {
            return Err(Error::InvalidParameter(format!(
                "{word} ({value}) is out of range for sequence data type {}",
                new.data_type
            )));
        }
    }
    if new.minimum >= new.maximum {
        return Err(Error::InvalidParameter(format!(
            "MINVALUE ({}) must be less than MAXVALUE ({})",
            new.minimum, new.maximum
        )));
    }
    match option("START") {
        Some(Some(start)) => new.start = number(start)?,
        _ if before.is_some() => {}
        _ => new.start = if up { new.minimum } else { new.maximum },
    }
    if new.start < new.minimum {
        return Err(Error::InvalidParameter(format!(
            "START value ({}) cannot be less than MINVALUE ({})",
            new.start, new.minimum
        )));
    }
    if new.start > new.maximum {
        return Err(Error::InvalidParameter(format!(
            "START value ({}) cannot be greater than MAXVALUE ({})",
            new.start, new.maximum
        )));
    }
    if let Some(Some(cache)) = option("CACHE") {
        new.cache = number(cache)?;
        if new.cache < 1 {
            return Err(Error::InvalidParameter(format!(
                "CACHE ({}) must be greater than zero",
                new.cache
            )));
        }
    }
    Ok(new)
}

/// `table_column_seq`, shortened as PostgreSQL does: the longer of the two gives way.
fn sequence_name(table: &str, column: &str) -> String {
    let (mut table, mut column) = (table.to_owned(), column.to_owned());
    while table.len() + column.len() + "__seq".len() > LONGEST {
        let longer = if table.len() > column.len() {
            &mut table
        } else {
            &mut column
        };
        longer.pop();
    }
    format!("{table}_{column}_seq")
}

/// What a default that is `nextval('…')` and nothing else names.
fn named_by_nextval(value: &ast::Expr) -> Option<String> {
    let ast::Expr::Function(function) = value else {
        return None;
    };
    let named = match function.name.0.as_slice() {
        [name] => name.as_ident().map(folded),
        [schema, name] if schema.as_ident().map(folded).as_deref() == Some("pg_catalog") => {
            name.as_ident().map(folded)
        }
        _ => None,
    };
    let ast::FunctionArguments::List(list) = &function.args else {
        return None;
    };
    let [ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(argument))] = list.args.as_slice() else {
        return None;
    };
    let argument = match argument {
        ast::Expr::Cast { expr, .. } => expr.as_ref(),
        other => other,
    };
    match (named.as_deref(), argument) {
        (Some("nextval"), ast::Expr::Value(text)) => match &text.value {
            ast::Value::SingleQuotedString(text) => Some(text.clone()),
            _ => None,
        },
        _ => None,
    }
}

fn number(value: &ast::Expr) -> Result<i64> {
    let text = value.to_string().replace(' ', "");
    text.trim_start_matches('+')
        .parse()
        .map_err(|_| Error::InvalidParameter(format!("value \"{text}\" is out of range for type bigint")))
}

fn said(value: &ast::Expr) -> String {
    match value {
        ast::Expr::Value(text) => match &text.value {
            ast::Value::SingleQuotedString(text) => text.clone(),
            other => other.to_string(),
        },
        other => other.to_string(),
    }
}

fn is_true(value: &ast::Expr) -> bool {
    matches!(value, ast::Expr::Value(value) if value.value == ast::Value::Boolean(true))
}

fn is_null(value: &ast::Expr) -> bool {
    matches!(value, ast::Expr::Value(value) if value.value == ast::Value::Null)
}

fn text(value: &str) -> ast::Expr {
    ast::Expr::Value(ast::Value::SingleQuotedString(value.to_owned()).into())
}

fn boolean(value: bool) -> ast::Expr {
    ast::Expr::Value(ast::Value::Boolean(value).into())
}
