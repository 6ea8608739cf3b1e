//! The system relations as PostgreSQL 15 declares them: names, OIDs, columns and types, read from `data/relations.tsv`
//! (one line per relation, written by a query on a PostgreSQL 15's own `pg_class`, `pg_attribute` and `pg_type`).

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use super::types::{self, PG_TYPE_KEY};

/// OID of the schema `pg_catalog`.
pub(crate) const PG_CATALOG: u32 = 11;
/// OID of the schema `information_schema`.
pub(crate) const INFORMATION_SCHEMA: u32 = 13_207;
/// OID of the schema `public`.
pub(crate) const PUBLIC: u32 = 2200;

/// A relation of `pg_catalog` or `information_schema`.
#[derive(Debug)]
pub(crate) struct Declared {
    /// `pg_class.oid`.
    pub(crate) oid: u32,
    /// OID of its schema.
    pub(crate) namespace: u32,
    /// Name.
    pub(crate) name: &'static str,
    /// `pg_class.relkind`: "r" or "v".
    pub(crate) kind: &'static str,
    /// Columns with their PostgreSQL types in the metadata.
    pub(crate) schema: SchemaRef,
}

/// Relations of `pg_catalog` that PostgreSQL keeps from everybody but superusers.
const CLOSED: [&str; 12] = [
    "pg_authid",
    "pg_backend_memory_contexts",
    "pg_config",
    "pg_file_settings",
    "pg_hba_file_rules",
    "pg_ident_file_mappings",
    "pg_largeobject",
    "pg_replication_origin_status",
    "pg_shadow",
    "pg_shmem_allocations",
    "pg_statistic",
    "pg_statistic_ext_data",
];

impl Declared {
    /// Whether only superusers may read it.
    pub(crate) fn is_closed(&self) -> bool {
        self.namespace == PG_CATALOG && CLOSED.contains(&self.name)
    }
}

static RELATIONS: LazyLock<Vec<Declared>> = LazyLock::new(|| parse(include_str!("data/relations.tsv")));

static BY_NAME: LazyLock<HashMap<(u32, &'static str), &'static Declared>> =
    LazyLock::new(|| RELATIONS.iter().map(|r| ((r.namespace, r.name), r)).collect());

/// All system relations.
pub(crate) fn relations() -> &'static [Declared] {
    &RELATIONS
}

/// A system relation by its schema's OID and its name.
pub(crate) fn relation(namespace: u32, name: &str) -> Option<&'static Declared> {
    // The lifetime of the key is the caller's: look up by a pair of that lifetime.
    BY_NAME.get(&(namespace, name) as &(u32, &str)).copied()
}

/// Columns of the system relations of a name.
pub(crate) fn columns_of_catalogs(name: &str) -> Vec<String> {
    let known = RELATIONS.iter().filter(|relation| relation.name == name);
    let fields = known.flat_map(|relation| relation.schema.fields().iter());
    fields.map(|field| field.name().clone()).collect()
}

fn parse(text: &'static str) -> Vec<Declared> {
    text.lines().filter_map(parse_line).collect()
}

/// A relation from its line: OID, schema, name, kind, columns.
pub(crate) fn parse_line(line: &'static str) -> Option<Declared> {
    let mut cells = line.split('\t');
    let oid = cells.next()?.parse().ok()?;
    let namespace = match cells.next()? {
        "pg_catalog" => PG_CATALOG,
        _ => INFORMATION_SCHEMA,
    };
    let (name, kind) = (cells.next()?, cells.next()?);
    let fields: Vec<Field> = cells.next()?.split(' ').filter_map(parse_column).collect();
    Some(Declared {
        oid,
        namespace,
        name,
        kind,
        schema: Arc::new(Schema::new(fields)),
    })
}

/// `name:typname` with a trailing `!` for NOT NULL.
///
/// Every field is nullable for the planner all the same: PostgreSQL checks NOT NULL when storing, and an outer join of these
/// relations must not be simplified on the word of a declaration.
fn parse_column(text: &'static str) -> Option<Field> {
    let (name, rest) = text.split_once(':')?;
    let (typname, not_null) = match rest.strip_suffix('!') {
        Some(typname) => (typname, true),
        None => (rest, false),
    };
    let data_type = types::arrow_type_named(typname).unwrap_or(DataType::Utf8);
    let mut metadata = HashMap::from([(PG_TYPE_KEY.to_owned(), typname.to_owned())]);
    if not_null {
        metadata.insert(NOT_NULL_KEY.to_owned(), "true".to_owned());
    }
    Some(Field::new(name, data_type, true).with_metadata(metadata))
}

/// Metadata key of columns that PostgreSQL declares NOT NULL.
pub(crate) const NOT_NULL_KEY: &str = "pg_not_null";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_declarations_are_postgresqls() {
        let class = relation(PG_CATALOG, "pg_class").expect("pg_class is declared");
        assert_eq!(
            (class.oid, class.kind, class.schema.fields().len()),
            (1259, "r", 33)
        );
        let tables = relation(INFORMATION_SCHEMA, "tables").expect("information_schema.tables is declared");
        assert_eq!(tables.schema.fields().len(), 12);
        assert_eq!(
            relations().len(),
            include_str!("data/relations.tsv").lines().count()
        );
    }
}
