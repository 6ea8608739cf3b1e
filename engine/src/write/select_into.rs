//! SELECT … INTO: a table made of a query.

use radlake_sql::ast;

use super::{Outcome, Writer};
use crate::{Error, Result};

impl Writer<'_> {
    pub(super) async fn select_into(&mut self, query: &ast::Query, select: &ast::Select) -> Result<Outcome> {
        let Some(into) = &select.into else {
            return Err(Error::internal("SELECT without INTO is no write"));
        };
        let own = self.is_own(&into.name, into.temporary);
        if !own {
            self.may_create(&into.name)?;
        }
        let (schema, name) = self.place_new(&into.name, own)?;
        if self.epoch()?.get_relation(&schema, &name).is_some() {
            return Err(Error::DuplicateTable(name));
        }
        let mut plain = query.clone();
        if let ast::SetExpr::Select(select) = plain.body.as_mut() {
            select.into = None;
        }
        self.create_as(schema, name, &plain, &[], None).await
    }
}
