//! `pg_type`: PostgreSQL's own types, the composites of struct columns, the row types of relations, and their arrays.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use radlake_catalogs::TypeDefinition;

use crate::pg_catalog::base_types::{self, BaseType};
use crate::pg_catalog::model::{Model, OwnType};
use crate::pg_catalog::{declared::Declared, rows::Rows, statics, types};

pub(super) fn rows(declared: &'static Declared, model: &Model) -> Result<RecordBatch, ArrowError> {
    let own = model.relations.iter().filter(|r| r.row_type != 0);
    let types: Vec<BaseType> = base_types::all()
        .iter()
        .cloned()
        .chain(own.flat_map(|r| {
            let composite = composite(r.row_type, &r.name, r.namespace, r.oid);
            let array = array(&composite);
            [composite, array]
        }))
        .chain(model.own_types.values().flat_map(|own| {
            let one = own_type(own);
            let array = array(&one);
            [one, array]
        }))
        .collect();
    Rows::new(declared, &types)
        .column("oid", |t| t.oid)
        .column("typname", |t| t.name.as_str())
        .column("typnamespace", |t| t.namespace)
        .column("typowner", |t| {
            let own = model.own_types.get(&t.oid).map(|own| own.object.owner);
            own.filter(|owner| *owner != 0).unwrap_or(model.owner)
        })
        .column("typlen", |t| t.len)
        .column("typbyval", |t| t.byval)
        .column("typtype", |t| t.kind.as_str())
        .column("typcategory", |t| t.category.as_str())
        .column("typispreferred", |t| t.preferred)
        .column("typisdefined", |_| true)
        .column("typdelim", |t| t.delim.as_str())
        .column("typrelid", |t| t.relid)
        .column("typsubscript", |t| t.subscript)
        .column("typelem", |t| t.elem)
        .column("typarray", |t| t.array)
        .column("typinput", |t| t.input)
        .column("typoutput", |t| t.output)
        .column("typreceive", |t| t.receive)
        .column("typsend", |t| t.send)
        .column("typmodin", |t| t.modin)
        .column("typmodout", |t| t.modout)
        .column("typanalyze", |t| t.analyze)
        .column("typalign", |t| t.align.as_str())
        .column("typstorage", |t| t.storage.as_str())
        .column("typnotnull", |t| t.notnull)
        .column("typbasetype", |t| t.basetype)
        .column("typtypmod", |t| t.typmod)
        .column("typndims", |t| t.ndims)
        .column("typcollation", |t| t.collation)
        .finish()
}

fn proc(name: &str) -> u32 {
    statics::proc_oid(name)
        .and_then(|oid| oid.try_into().ok())
        .unwrap_or_default()
}

fn composite(oid: u32, name: &str, namespace: u32, relation: u32) -> BaseType {
    BaseType {
        oid,
        name: name.to_owned(),
        namespace,
        len: -1,
        kind: "c".to_owned(),
        category: "C".to_owned(),
        delim: ",".to_owned(),
        relid: relation,
        array: oid + 1,
        input: proc("record_in"),
        output: proc("record_out"),
        receive: proc("record_recv"),
        send: proc("record_send"),
        align: "d".to_owned(),
        storage: "x".to_owned(),
        typmod: -1,
        ..BaseType::default()
    }
}

/// An enumeration, or a domain, which is as the type below it.
fn own_type(own: &OwnType) -> BaseType {
    let TypeDefinition::Domain(domain) = &own.object.definition else {
        return BaseType {
            oid: own.object.oid,
            name: own.object.name.clone(),
            namespace: own.namespace,
            len: 4,
            byval: true,
            kind: "e".to_owned(),
            category: "E".to_owned(),
            delim: ",".to_owned(),
            array: types::array_of_own(own.object.oid),
            input: proc("enum_in"),
            output: proc("enum_out"),
            receive: proc("enum_recv"),
            send: proc("enum_send"),
            align: "i".to_owned(),
            storage: "p".to_owned(),
            typmod: -1,
            ..BaseType::default()
        };
    };
    let known = base_types::get(own.base).cloned().unwrap_or_default();
    BaseType {
        oid: own.object.oid,
        name: own.object.name.clone(),
        namespace: own.namespace,
        kind: "d".to_owned(),
        array: types::array_of_own(own.object.oid),
        elem: 0,
        preferred: false,
        input: proc("domain_in"),
        receive: proc("domain_recv"),
        notnull: domain.not_null,
        basetype: own.base,
        typmod: -1,
        ..known
    }
}

fn array(element: &BaseType) -> BaseType {
    BaseType {
        oid: element.array,
        name: format!("_{}", element.name),
        namespace: element.namespace,
        len: -1,
        kind: "b".to_owned(),
        category: "A".to_owned(),
        delim: ",".to_owned(),
        subscript: proc("array_subscript_handler"),
        elem: element.oid,
        input: proc("array_in"),
        output: proc("array_out"),
        receive: proc("array_recv"),
        send: proc("array_send"),
        analyze: proc("array_typanalyze"),
        align: "d".to_owned(),
        storage: "x".to_owned(),
        typmod: -1,
        ..BaseType::default()
    }
}
