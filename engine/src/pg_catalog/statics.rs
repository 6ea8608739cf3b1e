//! Rows that are the same in every PostgreSQL (functions, operators, casts, collations …), taken from `datafusion-pg-catalog`
//! and brought to the columns that PostgreSQL 15 declares.

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int32Array, RecordBatch, StringArray, new_null_array,
};
use arrow::compute::{cast, concat_batches, filter_record_batch};
use arrow::datatypes::{DataType, Field, Int32Type};
use arrow::error::ArrowError;
use datafusion::catalog::TableFunctionImpl;
use datafusion_pg_catalog::pg_catalog::{ArrowTable, PgCatalogStaticTables};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use super::declared::Declared;
use super::rows::{Value, array};

/// Objects from here on are made when a cluster is initialised, not part of PostgreSQL itself.
const FIRST_UNPINNED: i32 = 12_000;

/// The bootstrap superuser that owns PostgreSQL's own objects.
const BOOTSTRAP_OWNER: i32 = 10;

static TABLES: LazyLock<Option<PgCatalogStaticTables>> =
    LazyLock::new(|| PgCatalogStaticTables::try_new().ok());

/// OIDs of PostgreSQL's functions by the name that a `regproc` column shows.
static PROCS: LazyLock<HashMap<String, i64>> = LazyLock::new(|| {
    let mut procs = HashMap::new();
    for batch in TABLES.iter().flat_map(|t| t.pg_proc.data()) {
        let (Some(oids), Some(names)) = (
            column::<Int32Array>(batch, "oid"),
            column::<StringArray>(batch, "proname"),
        ) else {
            continue;
        };
        for row in 0..batch.num_rows() {
            procs
                .entry(names.value(row).to_owned())
                .or_insert_with(|| i64::from(oids.value(row)));
        }
    }
    procs
});

fn column<'b, A: 'static>(batch: &'b RecordBatch, name: &str) -> Option<&'b A> {
    batch.column_by_name(name)?.as_any().downcast_ref()
}

fn table(name: &str) -> Option<&'static ArrowTable> {
    let t = TABLES.as_ref()?;
    let table = match name {
        "pg_aggregate" => &t.pg_aggregate,
        "pg_am" => &t.pg_am,
        "pg_amop" => &t.pg_amop,
        "pg_amproc" => &t.pg_amproc,
        "pg_cast" => &t.pg_cast,
        "pg_collation" => &t.pg_collation,
        "pg_conversion" => &t.pg_conversion,
        "pg_language" => &t.pg_language,
        "pg_opclass" => &t.pg_opclass,
        "pg_operator" => &t.pg_operator,
        "pg_opfamily" => &t.pg_opfamily,
        "pg_proc" => &t.pg_proc,
        "pg_range" => &t.pg_range,
        "pg_tablespace" => &t.pg_tablespace,
        "pg_ts_config" => &t.pg_ts_config,
        "pg_ts_dict" => &t.pg_ts_dict,
        "pg_ts_parser" => &t.pg_ts_parser,
        "pg_ts_template" => &t.pg_ts_template,
        _ => return None,
    };
    Some(table.as_ref())
}

/// Whether a relation has static rows.
pub(crate) fn has(name: &str) -> bool {
    table(name).is_some()
}

/// `pg_get_keywords()`.
pub(crate) fn keywords() -> Option<Arc<dyn TableFunctionImpl>> {
    TABLES
        .as_ref()
        .map(|t| Arc::clone(&t.pg_get_keywords) as Arc<dyn TableFunctionImpl>)
}

/// The static rows of a system relation; None for relations without any. `owner` is the role shown as the owner.
///
/// # Errors
/// An Arrow error if the rows do not fit the declaration, which would be a defect.
pub(crate) fn rows(declared: &'static Declared, owner: u32) -> Option<Result<RecordBatch, ArrowError>> {
    Some(adapt(declared, table(declared.name)?, owner))
}

fn adapt(declared: &'static Declared, table: &ArrowTable, owner: u32) -> Result<RecordBatch, ArrowError> {
    let mut batch = concat_batches(&table.schema(), table.data())?;
    if matches!(declared.name, "pg_language" | "pg_proc") {
        // What an initialised cluster adds (PL/pgSQL) is not there in a lake.
        let oids = column::<Int32Array>(&batch, "oid")
            .ok_or_else(|| ArrowError::SchemaError("no oid".to_owned()))?;
        let keep: BooleanArray = oids.iter().map(|oid| oid.map(|o| o < FIRST_UNPINNED)).collect();
        batch = filter_record_batch(&batch, &keep)?;
    }
    let columns = declared.schema.fields().iter().map(|field| {
        let Some(source) = batch.column_by_name(source_name(field.name())) else {
            return Ok(new_null_array(field.data_type(), batch.num_rows()));
        };
        if field.name().ends_with("owner") {
            return replace_owner(source, field, owner);
        }
        convert(source, field)
    });
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    RecordBatch::try_new(declared.schema.clone(), columns)
}

/// Columns that later versions of PostgreSQL renamed.
fn source_name(name: &str) -> &str {
    if name == "colliculocale" {
        "colllocale"
    } else {
        name
    }
}

fn replace_owner(source: &ArrayRef, field: &Field, owner: u32) -> Result<ArrayRef, ArrowError> {
    let oids = source
        .as_primitive_opt::<Int32Type>()
        .ok_or_else(|| ArrowError::CastError(field.name().clone()))?;
    array(
        field.data_type(),
        oids.iter().map(|oid| {
            oid.map(|o| {
                if o == BOOTSTRAP_OWNER {
                    i64::from(owner)
                } else {
                    i64::from(o)
                }
            })
            .into()
        }),
    )
}

fn convert(source: &ArrayRef, field: &Field) -> Result<ArrayRef, ArrowError> {
    let Some(texts) = source.as_any().downcast_ref::<StringArray>() else {
        return cast(source, field.data_type());
    };
    match field.data_type() {
        DataType::Utf8 => Ok(Arc::clone(source)),
        DataType::UInt32 => array(
            field.data_type(),
            texts
                .iter()
                .map(|t| t.map(|t| proc_oid(t).unwrap_or_default()).into()),
        ),
        DataType::List(element) => {
            let values = texts
                .iter()
                .map(|t| t.map_or(Value::Null, |t| vector(t, element.data_type())));
            array(field.data_type(), values)
        }
        other => cast(source, other),
    }
}

/// OID of a function by the name a `regproc` shows; "-" is 0.
pub(crate) fn proc_oid(name: &str) -> Option<i64> {
    PROCS
        .get(name.strip_prefix("pg_catalog.").unwrap_or(name))
        .copied()
}

/// Result and argument types of PostgreSQL's functions by OID.
static SIGNATURES: LazyLock<HashMap<u32, (u32, Vec<u32>)>> = LazyLock::new(|| {
    let mut signatures = HashMap::new();
    for batch in TABLES.iter().flat_map(|t| t.pg_proc.data()) {
        let columns = (
            column::<Int32Array>(batch, "oid"),
            column::<Int32Array>(batch, "prorettype"),
            column::<StringArray>(batch, "proargtypes"),
        );
        let (Some(oids), Some(results), Some(arguments)) = columns else {
            continue;
        };
        for row in 0..batch.num_rows() {
            let types = arguments
                .value(row)
                .split(' ')
                .filter_map(|t| t.parse().ok())
                .collect();
            if let (Ok(oid), Ok(result)) = (oids.value(row).try_into(), results.value(row).try_into()) {
                signatures.insert(oid, (result, types));
            }
        }
    }
    signatures
});

/// Result type and argument types of one of PostgreSQL's functions.
pub(crate) fn proc_signature(oid: u32) -> Option<(u32, &'static [u32])> {
    SIGNATURES
        .get(&oid)
        .map(|(result, arguments)| (*result, arguments.as_slice()))
}

/// PostgreSQL's comments on its own objects: (object, catalog) -> text.
static COMMENTS: LazyLock<HashMap<(u32, u32), String>> = LazyLock::new(|| {
    let mut comments = HashMap::new();
    for batch in TABLES.iter().flat_map(|t| t.pg_description.data()) {
        let columns = (
            column::<Int32Array>(batch, "objoid"),
            column::<Int32Array>(batch, "classoid"),
            column::<StringArray>(batch, "description"),
        );
        let (Some(objects), Some(classes), Some(texts)) = columns else {
            continue;
        };
        for row in 0..batch.num_rows() {
            if let (Ok(object), Ok(class)) = (objects.value(row).try_into(), classes.value(row).try_into()) {
                comments.insert((object, class), texts.value(row).to_owned());
            }
        }
    }
    comments
});

/// PostgreSQL's comment on one of its own objects, by the object's OID and its catalog's.
pub(crate) fn comment(object: u32, class: u32) -> Option<&'static str> {
    COMMENTS.get(&(object, class)).map(String::as_str)
}

/// All of PostgreSQL's comments on its own objects: object, catalog, text.
pub(crate) fn comments() -> impl Iterator<Item = (u32, u32, &'static str)> {
    COMMENTS
        .iter()
        .map(|((object, class), text)| (*object, *class, text.as_str()))
}

/// The name of one of PostgreSQL's functions.
pub(crate) fn proc_name(oid: u32) -> Option<&'static str> {
    static NAMES: LazyLock<HashMap<i64, &'static str>> =
        LazyLock::new(|| PROCS.iter().map(|(name, oid)| (*oid, name.as_str())).collect());
    NAMES.get(&i64::from(oid)).copied()
}

/// `{a,b}` or `1 2 3` as an array value. None of the static rows has quoted elements with commas in them that matter here.
fn vector<'a>(text: &'a str, element: &DataType) -> Value<'a> {
    let inner = text.trim_start_matches('{').trim_end_matches('}');
    let parts = inner.split([',', ' ']).filter(|p| !p.is_empty());
    if element == &DataType::Utf8 {
        return Value::Texts(parts.map(|p| Cow::Borrowed(p.trim_matches('"'))).collect());
    }
    Value::Ints(parts.filter_map(|p| p.parse().ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg_catalog::declared::{PG_CATALOG, relation};

    #[test]
    fn every_static_relation_fits_its_declaration() {
        for name in [
            "pg_aggregate",
            "pg_am",
            "pg_cast",
            "pg_collation",
            "pg_operator",
            "pg_proc",
            "pg_range",
            "pg_tablespace",
        ] {
            let declared = relation(PG_CATALOG, name).expect("declared");
            let batch = rows(declared, 16_385).expect("static").expect("fits");
            assert!(batch.num_rows() > 1, "{name}");
        }
        assert_eq!(proc_oid("array_in"), Some(750));
    }
}
