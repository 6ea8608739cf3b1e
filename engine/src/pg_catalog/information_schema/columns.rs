//! `columns`, `attributes` (of composite types), `element_types` (of arrays) and `user_defined_types`.

use arrow::array::RecordBatch;
use arrow::datatypes::Field;
use arrow::error::ArrowError;
use radlake_catalogs::Counting;
use std::borrow::Cow;

use super::viewer::Viewer;
use super::{typed, yes_or_no};
use crate::pg_catalog::declared::{Declared, NOT_NULL_KEY};
use crate::pg_catalog::model::{Composite, OwnType, Relation};
use crate::pg_catalog::relations::pg_attrdef;
use crate::pg_catalog::rows::Rows;
use crate::pg_catalog::types::{PgKind, PgType, pg_type_of};
use crate::write::own_types::OfDomain;
use crate::write::sequence::sequence_of;
use crate::write::target::{GENERATED, IDENTITY};

struct Column<'m> {
    relation: &'m Relation,
    schema: &'m str,
    number: i64,
    field: &'m Field,
    pg_type: PgType,
    udt: (String, String),
    domain: Option<&'m OwnType>,
}

fn collect<'m>(viewer: &Viewer<'m>, composite: bool) -> Vec<Column<'m>> {
    let model = viewer.model;
    let wanted = model.relations.iter().filter(|r| match composite {
        true => r.kind == "c",
        false => matches!(r.kind, "r" | "v"),
    });
    wanted
        .flat_map(|relation| {
            let schema = model.schema_name(relation.namespace);
            // Types are everybody's.
            let seen = (!composite).then(|| viewer.columns(relation));
            relation
                .schema
                .fields()
                .iter()
                .zip(1_i64..)
                .filter(move |(field, _)| seen.as_ref().is_none_or(|seen| seen.contains(field.name())))
                .map(move |(field, number)| {
                    let pg_type = pg_type_of(field);
                    let udt = typed::udt(model, &pg_type);
                    Column {
                        relation,
                        schema,
                        number,
                        field,
                        pg_type,
                        udt,
                        domain: OfDomain::of(field).and_then(|of| model.own_types.get(&of.oid)),
                    }
                })
        })
        .collect()
}

/// How an identity column counts.
fn counting<'m>(column: &Column<'_>, viewer: &Viewer<'m>) -> Option<&'m Counting> {
    column.field.metadata().get(IDENTITY)?;
    let sequence = viewer.model.sequences.get(&sequence_of(column.field)?)?;
    Some(&sequence.counting)
}

impl Column<'_> {
    fn nullable(&self) -> bool {
        self.field.is_nullable() && !self.field.metadata().contains_key(NOT_NULL_KEY)
    }
}

pub(super) fn columns(declared: &'static Declared, viewer: &Viewer<'_>) -> Result<RecordBatch, ArrowError> {
    let columns = collect(viewer, false);
    Rows::new(declared, &columns)
        .column("table_catalog", |_| viewer.model.database.as_str())
        .column("table_schema", |c| c.schema)
        .column("table_name", |c| c.relation.name.as_str())
        .column("column_name", |c| c.field.name().as_str())
        .column("ordinal_position", |c| c.number)
        .column("column_default", |c| {
            let generated = c.field.metadata().contains_key(GENERATED);
            let default = pg_attrdef::expression(c.field, viewer.model);
            default.filter(|_| !generated).map(Cow::into_owned)
        })
        .column("is_nullable", |c| yes_or_no(c.nullable()))
        .column("data_type", |c| typed::data_type(&c.pg_type))
        .column("character_maximum_length", |c| typed::characters(&c.pg_type))
        .column("character_octet_length", |c| typed::octets(&c.pg_type))
        .column("numeric_precision", |c| typed::precision(&c.pg_type))
        .column("numeric_precision_radix", |c| typed::radix(&c.pg_type))
        .column("numeric_scale", |c| typed::scale(&c.pg_type))
        .column("datetime_precision", |c| typed::datetime(&c.pg_type))
        .column("domain_catalog", |c| {
            c.domain.as_ref().map(|_| viewer.model.database.as_str())
        })
        .column("domain_schema", |c| {
            c.domain.map(|own| viewer.model.schema_name(own.namespace))
        })
        .column("domain_name", |c| c.domain.map(|own| own.object.name.as_str()))
        .column("udt_catalog", |_| viewer.model.database.as_str())
        .column("udt_schema", |c| c.udt.0.as_str())
        .column("udt_name", |c| c.udt.1.as_str())
        .column("dtd_identifier", |c| c.number.to_string())
        .column("is_self_referencing", |_| "NO")
        .column("is_identity", |c| {
            yes_or_no(c.field.metadata().contains_key(IDENTITY))
        })
        .column("identity_generation", |c| {
            let identity = c.field.metadata().get(IDENTITY).map(String::as_str);
            identity.map(|how| if how == "always" { "ALWAYS" } else { "BY DEFAULT" })
        })
        .column("identity_start", |c| {
            counting(c, viewer).map(|c| c.start.to_string())
        })
        .column("identity_increment", |c| {
            counting(c, viewer).map(|c| c.increment.to_string())
        })
        .column("identity_maximum", |c| {
            counting(c, viewer).map(|c| c.maximum.to_string())
        })
        .column("identity_minimum", |c| {
            counting(c, viewer).map(|c| c.minimum.to_string())
        })
        .column("identity_cycle", |c| {
            yes_or_no(counting(c, viewer).is_some_and(|c| c.cycle))
        })
        .column("is_generated", |c| {
            match c.field.metadata().contains_key(GENERATED) {
                true => "ALWAYS",
                false => "NEVER",
            }
        })
        .column("generation_expression", |c| {
            c.field.metadata().get(GENERATED).map(String::as_str)
        })
        .column("is_updatable", |c| yes_or_no(c.relation.kind == "r"))
        .finish()
}

pub(super) fn attributes(
    declared: &'static Declared,
    viewer: &Viewer<'_>,
) -> Result<RecordBatch, ArrowError> {
    let columns = collect(viewer, true);
    Rows::new(declared, &columns)
        .column("udt_catalog", |_| viewer.model.database.as_str())
        .column("udt_schema", |c| c.schema)
        .column("udt_name", |c| c.relation.name.as_str())
        .column("attribute_name", |c| c.field.name().as_str())
        .column("ordinal_position", |c| c.number)
        .column("is_nullable", |c| yes_or_no(c.nullable()))
        .column("data_type", |c| typed::data_type(&c.pg_type))
        .column("character_octet_length", |c| typed::octets(&c.pg_type))
        .column("numeric_precision", |c| typed::precision(&c.pg_type))
        .column("numeric_precision_radix", |c| typed::radix(&c.pg_type))
        .column("numeric_scale", |c| typed::scale(&c.pg_type))
        .column("datetime_precision", |c| typed::datetime(&c.pg_type))
        .column("attribute_udt_catalog", |_| viewer.model.database.as_str())
        .column("attribute_udt_schema", |c| c.udt.0.as_str())
        .column("attribute_udt_name", |c| c.udt.1.as_str())
        .column("dtd_identifier", |c| c.number.to_string())
        .column("is_derived_reference_attribute", |_| "NO")
        .finish()
}

pub(super) fn element_types(
    declared: &'static Declared,
    viewer: &Viewer<'_>,
) -> Result<RecordBatch, ArrowError> {
    let arrays: Vec<(Column<'_>, PgType)> = [false, true]
        .into_iter()
        .flat_map(|composite| collect(viewer, composite))
        .filter_map(|column| match column.pg_type.kind.clone() {
            PgKind::Array(element) => Some((column, *element)),
            _ => None,
        })
        .collect();
    Rows::new(declared, &arrays)
        .column("object_catalog", |_| viewer.model.database.as_str())
        .column("object_schema", |(c, _)| c.schema)
        .column("object_name", |(c, _)| c.relation.name.as_str())
        .column("object_type", |(c, _)| {
            if c.relation.kind == "c" {
                "USER-DEFINED TYPE"
            } else {
                "TABLE"
            }
        })
        .column("collection_type_identifier", |(c, _)| c.number.to_string())
        .column("data_type", |(_, element)| typed::data_type(element))
        .column("udt_catalog", |_| viewer.model.database.as_str())
        .column("udt_schema", |(_, element)| typed::udt(viewer.model, element).0)
        .column("udt_name", |(_, element)| typed::udt(viewer.model, element).1)
        .column("dtd_identifier", |(c, _)| format!("a{}", c.number))
        .finish()
}

pub(super) fn user_defined_types(
    declared: &'static Declared,
    viewer: &Viewer<'_>,
) -> Result<RecordBatch, ArrowError> {
    Rows::new(declared, &viewer.model.composites)
        .column("user_defined_type_catalog", |_| viewer.model.database.as_str())
        .column("user_defined_type_schema", |c: &Composite| {
            viewer.model.schema_name(c.namespace)
        })
        .column("user_defined_type_name", |c| c.name.as_str())
        .column("user_defined_type_category", |_| "STRUCTURED")
        .column("is_instantiable", |_| "YES")
        .finish()
}
