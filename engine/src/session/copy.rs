//! COPY: rows in and out of a session as streams of batches. How they are written down is the embedder's affair.

use radlake_sql::{Kind, Statement, ast};

use super::{Inner, Response, Session};
use crate::write::copy::{CopyTarget, Incoming};
use crate::{Error, Result};

impl Session {
    /// The table and columns that a COPY FROM writes.
    ///
    /// # Errors
    /// What is wrong with the statement.
    pub async fn copy_target(&self, statement: &Statement) -> Result<CopyTarget> {
        let target = Box::pin(self.inner.copy_target(statement));
        Box::pin(self.inner.following(statement, target)).await
    }

    /// Writes the rows of a COPY FROM, all or none; gives PostgreSQL's tag. An error among the rows ends it.
    ///
    /// # Errors
    /// What is wrong with the statement or a row; [`Error::Row`] says which.
    pub async fn copy_in(&self, statement: &Statement, incoming: Incoming) -> Result<String> {
        // On the heap: a whole write stands in it.
        let copied = Box::pin(self.inner.copy_in(statement, incoming));
        Box::pin(self.inner.following(statement, copied)).await
    }

    /// The rows of a COPY TO.
    ///
    /// # Errors
    /// What is wrong with the statement; errors of single rows come with the rows.
    pub async fn copy_out(&self, statement: &Statement) -> Result<Response> {
        let source = self.inner.copy_source(statement);
        let copied = Box::pin(async {
            let query = source.await?;
            self.inner.run(&query).await
        });
        Box::pin(self.inner.following(statement, copied)).await
    }

    /// Makes the open transaction a no-op if one under the same application id was committed before; true if one was.
    ///
    /// # Errors
    /// [`Error::NoTransaction`] outside BEGIN … COMMIT.
    pub async fn application(&self, id: &str) -> Result<bool> {
        if !self.inner.in_transaction() {
            return Err(Error::NoTransaction("an application id"));
        }
        let epoch = self.inner.read_epoch().await?;
        let work = self.inner.take_work();
        let mut work = work.unwrap_or_else(|| self.inner.lake().begin(epoch));
        work.app(id, 1);
        let published = work.is_published();
        self.inner.keep_work(work);
        Ok(published)
    }
}

impl Inner {
    pub(crate) fn open_work(&self) -> Option<radlake_catalogs::Transaction> {
        self.transaction().work.clone()
    }

    /// The query whose rows a COPY TO gives.
    async fn copy_source(&self, statement: &Statement) -> Result<Statement> {
        let ast::Statement::Copy {
            source,
            to: true,
            target: ast::CopyTarget::Stdout,
            ..
        } = statement.ast()
        else {
            return Err(super::refuse(statement));
        };
        let query = match source {
            ast::CopySource::Query(query) => ast::Statement::Query(query.clone()),
            ast::CopySource::Table { table_name, columns } => {
                let columns = self.copy_columns(table_name, columns).await?;
                let text = format!("SELECT {columns} FROM {table_name}");
                let parsed = radlake_sql::parse(&text)?.pop();
                let parsed = parsed.ok_or_else(|| Error::internal("a COPY was turned into no query"))?;
                parsed.ast().clone()
            }
        };
        let query = statement.within(query);
        match query.kind() {
            Kind::Query | Kind::Write => Ok(query),
            _ => Err(super::refuse(statement)),
        }
    }

    async fn copy_columns(&self, table: &ast::ObjectName, columns: &[ast::Ident]) -> Result<String> {
        let epoch = self.read_epoch().await?;
        let (path, database) = (self.search_path(), self.database());
        let (schema, name) = crate::write::target::resolve(&epoch, &path, &database, table)?;
        let found = schema
            .as_deref()
            .and_then(|schema| epoch.get_relation(schema, &name));
        if matches!(found, Some(radlake_catalogs::Relation::View(_))) {
            return Err(Error::WrongObjectHint {
                message: format!("cannot copy from view \"{name}\""),
                hint: "Try the COPY (SELECT ...) TO variant.".to_owned(),
            });
        }
        if !columns.is_empty() {
            let list: Vec<String> = columns.iter().map(ToString::to_string).collect();
            return Ok(list.join(", "));
        }
        // Computed columns are computed again by whoever reads them back.
        Ok(match found {
            Some(radlake_catalogs::Relation::Table(table)) => crate::write::target::stored(table).join(", "),
            _ => "*".to_owned(),
        })
    }
}
