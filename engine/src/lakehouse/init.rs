//! What a new lake holds.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use radlake_catalogs::ingest::tables;
use radlake_catalogs::{Lake, Object, RoleObject, SchemaObject, ViewObject};
use radlake_sql::views::{VIEWS, View};

use super::Lakehouse;
use crate::pixels;
use crate::planner::LAKES_VIEW;
use crate::resources::Resources;
use crate::{Error, Identity, Result, ScramVerifier};

/// As in PostgreSQL: the first role has the OID 10.
const SUPERUSER_OID: u32 = 10;

const SCHEMAS: &[(&str, &str)] = &[
    (
        "eucaim",
        "EUCAIM's names for what is in imaging; docs/idc.md says which",
    ),
    (
        "idc",
        "IDC's names for what is in imaging; docs/idc.md says which",
    ),
    ("imaging", "DICOM: files, instances, series, studies, patients"),
    ("public", "For everybody's tables and views"),
    ("radiomics", "Features computed from regions"),
    ("system", "The lake about itself"),
];

/// Schemas of names that others have given. A lake may have had one of its own, and whoever may can put something else in the place of
/// a view: what does not bear the mark [`LAKES_VIEW`] is never touched.
pub(super) const OF_OTHERS: &[&str] = &["eucaim", "idc"];

/// The objects of a lake's first epoch.
pub(super) async fn seed(superuser: &str, password: &str) -> Result<Vec<Object>> {
    let mut objects = relations(superuser, password)?;
    let views = views(superuser, &objects).await?;
    objects.extend(views.into_iter().map(Object::from));
    Ok(objects)
}

/// All but the views.
pub(super) fn relations(superuser: &str, password: &str) -> Result<Vec<Object>> {
    if superuser.is_empty() || superuser.len() > 63 || superuser.starts_with("pg_") {
        return Err(Error::InvalidParameter(format!(
            "\"{superuser}\" is no name for a role: choose another"
        )));
    }
    let role = RoleObject {
        oid: SUPERUSER_OID,
        name: superuser.to_owned(),
        comment: Some("Made with the lake; may do everything".to_owned()),
        superuser: true,
        login: true,
        verifier: Some(ScramVerifier::new(password)?.to_string()),
        ..RoleObject::default()
    };
    let mut objects: Vec<Object> = vec![role.into()];
    objects.extend(schemas(SUPERUSER_OID).map(Object::from));
    objects.extend(
        tables()
            .into_iter()
            .map(|table| Object::from(table.with_owner(SUPERUSER_OID))),
    );
    Ok(objects)
}

/// The schemas that every lake has.
pub(super) fn schemas(owner: u32) -> impl Iterator<Item = SchemaObject> {
    SCHEMAS.iter().map(move |(name, comment)| SchemaObject {
        name: (*name).to_owned(),
        comment: Some((*comment).to_owned()),
        owner,
        ..SchemaObject::default()
    })
}

/// The views with their columns, which are found by planning them over a lake of the same tables in memory.
pub(super) async fn views(superuser: &str, objects: &[Object]) -> Result<Vec<ViewObject>> {
    let url = format!("memory:///init-{}", uuid::Uuid::new_v4());
    let lake = Lake::create(&url, objects.to_vec()).await?;
    let session = Lakehouse::new(lake, Resources::new(None, None, Some(1))?)
        .await?
        .session(Identity::role(superuser))
        .await?;
    let mut views = Vec::with_capacity(VIEWS.len());
    for view in VIEWS {
        let statements = session.parse(view.sql())?;
        let [statement] = statements.as_slice() else {
            return Err(Error::internal(format!(
                "view {}.{} is not one statement",
                view.schema, view.name
            )));
        };
        let prepared = session.prepare(statement, &[]).await?;
        let columns = prepared
            .columns()
            .ok_or_else(|| Error::internal(format!("view {} has no columns", view.name)))?;
        let object =
            ViewObject::new(view.schema, view.name, view.sql()).with_columns(commented(view, &columns));
        let mut object = ViewObject {
            owner: SUPERUSER_OID,
            ..object
        };
        if OF_OTHERS.contains(&view.schema) {
            object.properties.insert(LAKES_VIEW.to_owned(), "true".to_owned());
        }
        views.push(match view.comment() {
            Some(comment) => object.with_comment(comment),
            None => object,
        });
    }
    Ok(views)
}

fn commented(view: &View, columns: &Schema) -> SchemaRef {
    let comments: HashMap<&str, &str> = view.columns().collect();
    // Rows of a table with columns beside them: the table's columns say what they are.
    let of_table = pixels::table_of(view);
    let field = |field: &Arc<Field>| {
        let own = comments.get(field.name().as_str()).map(|text| (*text).to_owned());
        let comment = own
            .or_else(|| {
                let table = of_table.as_ref()?.field_with_name(field.name()).ok()?;
                table.metadata().get("comment").cloned()
            })
            .map(|text| ("comment".to_owned(), text));
        let kept = field
            .metadata()
            .get("pg_type")
            .map(|name| ("pg_type".to_owned(), name.clone()));
        field
            .as_ref()
            .clone()
            .with_metadata(comment.into_iter().chain(kept).collect())
    };
    Arc::new(Schema::new(
        columns.fields().iter().map(field).collect::<Vec<_>>(),
    ))
}
