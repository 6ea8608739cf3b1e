//! A lake of an older Radlake gets the tables, columns and views of this one.

use std::sync::{Arc, Mutex, PoisonError};

use radlake_catalogs::ingest::{self, Upgraded};
use radlake_catalogs::segments::catch_up;
use radlake_catalogs::{Epoch, Relation, ViewObject};
use radlake_sql::views::{VIEWS, View};
use tokio_util::sync::CancellationToken;

use super::{Lakehouse, init};
use crate::planner::LAKES_VIEW;
use crate::{Identity, Result};

impl Lakehouse {
    /// Tables, columns and views of this Radlake that the lake lacks, or has in an older form; empty if it is up to date.
    ///
    /// # Errors
    /// [`crate::Error::Storage`] if the lake cannot be read.
    pub async fn lacking(&self) -> Result<Vec<String>> {
        let epoch = self.lake().latest().await?;
        let mut lacking = ingest::lacking(&epoch);
        for view in VIEWS
            .iter()
            .filter(|view| is_free(&epoch, view.schema, view.name))
        {
            match epoch.view(view.schema, view.name) {
                Some(there) if there.sql == view.sql() => {}
                _ => lacking.push(format!("{}.{}", view.schema, view.name)),
            }
        }
        Ok(lacking)
    }

    /// Brings tables and views of `imaging` and `system` up to date, as one epoch. Owners, rights and policies stay; earlier epochs
    /// stay as they are.
    ///
    /// # Errors
    /// [`crate::Error::InsufficientPrivilege`] for all but superusers, [`crate::Error::Lake`] for a lake whose tables are of other types.
    pub async fn upgrade(&self, identity: &Identity) -> Result<Upgraded> {
        self.check_upkeep(identity).await?;
        let lacking = self.lacking().await?;
        if lacking.is_empty() {
            return Ok(Upgraded::default());
        }
        // Planned over a lake in memory that is as the new one will be.
        let password = uuid::Uuid::new_v4().to_string();
        let views = init::views(super::SUPERUSER, &init::relations(super::SUPERUSER, &password)?).await?;
        let done: Arc<Mutex<Upgraded>> = Arc::default();
        let lake = self.lake();
        let epoch = lake
            .transact(|epoch| {
                let (views, done) = (views.clone(), Arc::clone(&done));
                async move {
                    let owner = epoch.schema("imaging").map_or(0, |schema| schema.owner);
                    let mut work = lake.begin(Arc::clone(&epoch));
                    work.user(identity.name());
                    work.statement("UPGRADE");
                    let upgraded = ingest::upgrade(&mut work, owner).await?;
                    for schema in init::schemas(owner) {
                        if epoch.schema(&schema.name).is_none() {
                            work.put_object(schema)?;
                        }
                    }
                    for view in views {
                        if is_free(&epoch, &view.schema, &view.name)
                            && let Some(view) = renewed(&epoch, view, owner)
                        {
                            work.put_object(view)?;
                        }
                    }
                    let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
                    *done = upgraded;
                    let kept = init::OF_OTHERS.iter().filter(|schema| !is_ours(&epoch, schema));
                    done.kept = kept.map(|schema| (*schema).to_owned()).collect();
                    Ok(work)
                }
            })
            .await?;
        // What the files of segmentations and reports say, which a lake without these tables did not keep. It can be done again.
        let workers = std::thread::available_parallelism().map_or(2, usize::from);
        catch_up(lake, workers, &CancellationToken::new()).await?;
        let mut done = done.lock().unwrap_or_else(PoisonError::into_inner).clone();
        done.added = lacking;
        done.epoch = Some(epoch.number);
        Ok(done)
    }
}

/// Whether a schema is the lake's, or nobody's yet.
fn is_ours(epoch: &Epoch, schema: &str) -> bool {
    let is_marked = |view: &View| {
        let found = epoch.view(view.schema, view.name);
        found.is_some_and(|view| view.properties.contains_key(LAKES_VIEW))
    };
    !init::OF_OTHERS.contains(&schema)
        || epoch.schema(schema).is_none()
        || VIEWS.iter().any(|view| view.schema == schema && is_marked(view))
}

/// Whether a view of ours may take its place: nothing of somebody else's is there.
fn is_free(epoch: &Epoch, schema: &str, name: &str) -> bool {
    is_ours(epoch, schema)
        && match epoch.get_relation(schema, name) {
            Some(Relation::View(view)) => {
                !init::OF_OTHERS.contains(&schema) || view.properties.contains_key(LAKES_VIEW)
            }
            Some(Relation::Table(_) | Relation::Sequence(_)) => !init::OF_OTHERS.contains(&schema),
            None => true,
        }
}

/// A view as it will be; `None` if it is so.
fn renewed(epoch: &Epoch, view: ViewObject, owner: u32) -> Option<ViewObject> {
    match epoch.view(&view.schema, &view.name) {
        Some(there) if there.sql == view.sql => None,
        Some(there) => Some(ViewObject {
            oid: there.oid,
            owner: there.owner,
            grants: there.grants.clone(),
            properties: there.properties.clone(),
            ..view
        }),
        None => Some(ViewObject { owner, ..view }),
    }
}
