//! Tables behind their policies and masks: compiled where a name is resolved, with the identity of who asks.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::{FieldRef, Schema};
use datafusion::catalog::TableProvider;
use radlake_catalogs::TableObject;

use super::names::Governed;
use super::{Before, Locals, MAX_VIEW_DEPTH, Planner, dialect};
use crate::pg_catalog;
use crate::policy::{Below, SecuredTable};
use crate::write::target::{quoted, sql_type_of};
use crate::{Error, Result};

/// A column below a barrier: its expression, and what it is called and typed above.
pub(crate) struct Shown {
    pub(crate) expression: String,
    pub(crate) field: FieldRef,
}

impl Planner {
    /// Puts a table behind what binds who reads it.
    pub(super) async fn governed(&self, governed: Governed, depth: usize) -> Result<SecuredTable> {
        let Governed {
            table,
            object,
            before,
        } = governed;
        let rows = Arc::clone(table.rows());
        let schema = rows.schema();
        let fields = schema.fields().iter();
        let shown = fields.map(|field| Shown::of(&object, field, &before)).collect();
        let below = self.below(&object, rows, shown, &before, None, depth).await?;
        Ok(table.behind(below))
    }

    /// The plan that stands below a barrier: `shown` of a table's rows, as far as `before` lets them through.
    pub(crate) async fn below(
        &self,
        object: &TableObject,
        rows: Arc<dyn TableProvider>,
        shown: Vec<Shown>,
        before: &Before,
        private: Option<String>,
        depth: usize,
    ) -> Result<Below> {
        if depth >= MAX_VIEW_DEPTH {
            return Err(Error::TooComplex(format!(
                "policies and views are nested more than {MAX_VIEW_DEPTH} deep"
            )));
        }
        let locals = Locals {
            schema: Arc::from(format!("radlake {}", uuid::Uuid::new_v4().simple())),
            relations: vec![("rows".to_owned(), rows)],
        };
        let items: Vec<String> = shown
            .iter()
            .map(|shown| format!("{} AS {}", shown.expression, quoted(shown.field.name())))
            .collect();
        let mut sql = format!(
            "SELECT {} FROM {}.rows AS {}",
            items.join(", "),
            quoted(&locals.schema),
            quoted(&object.name)
        );
        if let Some(using) = &before.using {
            sql += &format!(" WHERE {using}");
        }
        let mut statements = radlake_sql::parse(&sql)?;
        let (Some(statement), true) = (statements.pop(), statements.is_empty()) else {
            return Err(Error::internal("a policy is not one expression"));
        };
        let mut query = statement.ast().clone();
        pg_catalog::rewrite_view(&mut query);
        let acting = Self {
            state: self.state.clone(),
            names: Arc::new(self.names.within_policy(object.oid, locals)),
            key: self.key.clone(),
            reads: self.reads.clone(),
        };
        // With the names of the policy: its text has their schemas.
        acting.own_objects(&mut query)?;
        dialect::rewrite(&mut query)?;
        let plan = acting
            .plan_at_depth(query, &[], depth + 1)
            .await
            .map_err(|located| located.error.nowhere())?;
        if let Some(name) = plan.get_parameter_names()?.into_iter().min() {
            return Err(Error::UndefinedParameter(name.trim_start_matches('$').to_owned()));
        }
        let fields: Vec<FieldRef> = shown.into_iter().map(|shown| shown.field).collect();
        if plan.schema().fields().len() != fields.len() {
            return Err(Error::internal("a policy changed the columns of its table"));
        }
        Ok(Below {
            plan,
            schema: Arc::new(Schema::new(fields)),
            key: (!before.masks.is_empty()).then(|| self.key.clone()),
            hides_rows: before.using.is_some(),
            masked: before.masks.keys().cloned().collect::<BTreeSet<_>>(),
            private,
        })
    }
}

impl Shown {
    /// A column as masks leave it.
    pub(crate) fn of(object: &TableObject, field: &FieldRef, before: &Before) -> Self {
        let own = format!("{}.{}", quoted(&object.name), quoted(field.name()));
        match before.masks.get(field.name()) {
            None => Self {
                expression: own,
                field: Arc::clone(field),
            },
            Some(mask) => Self {
                expression: match sql_type_of(field) {
                    Some(sql_type) => format!("CAST({mask} AS {sql_type})"),
                    None => mask.clone(),
                },
                field: Arc::new(field.as_ref().clone().with_nullable(true)),
            },
        }
    }
}
