//! A lake that has been opened.

mod init;
mod upgrade;

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use datafusion::logical_expr::ScalarUDF;
use radlake_catalogs::ingest::{
    self, Holding, IngestOptions, IngestReport, Progress, Renamed, Selection, TakenOut,
};
use radlake_catalogs::{Epoch, Lake, RoleObject};
use radlake_udfs::privacy::PrivacyKey;
use tokio_util::sync::CancellationToken;

use crate::exchange::Exchange;
use crate::pg_catalog::EpochCatalog;
use crate::planner::template;
use crate::resources::Resources;
use crate::session::Facts;
use crate::{Error, Identity, Response, Result, ScramVerifier, Session};
use datafusion::execution::SessionState;

/// The role that `radlake init` makes.
pub const SUPERUSER: &str = "radlake";

/// The one database of a lake, as PostgreSQL's clients see it.
const DATABASE: &str = "radlake";

/// A lake that has been opened. Clones are the same lakehouse.
#[derive(Clone)]
pub struct Lakehouse {
    shared: Arc<Shared>,
}

struct Shared {
    lake: Lake,
    resources: Resources,
    /// What every session's state is copied from.
    key: PrivacyKey,
    template: SessionState,
    /// Functions of ours, for `system.functions` and `pg_proc`.
    functions: Arc<[Arc<ScalarUDF>]>,
    /// The system relations of the newest epochs that were asked for, newest last.
    catalogs: Mutex<Vec<(u64, Arc<EpochCatalog>)>>,
    /// The open sessions, for `pg_stat_activity`.
    sessions: Arc<Mutex<Vec<Weak<Facts>>>>,
    exchange: Arc<Exchange>,
}

impl std::fmt::Debug for Lakehouse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lakehouse")
            .field("url", &self.shared.lake.url().as_str())
            .finish_non_exhaustive()
    }
}

/// How a lake is opened.
#[derive(Debug, Clone)]
#[must_use]
pub struct LakehouseBuilder {
    url: String,
    memory: Option<u64>,
    temp: Option<PathBuf>,
    threads: Option<usize>,
}

impl LakehouseBuilder {
    /// Bytes for all statements together; sorts, joins and aggregations beyond it spill to disk. Half of the machine's
    /// memory unless said otherwise.
    pub fn memory_limit(self, bytes: u64) -> Self {
        Self {
            memory: Some(bytes),
            ..self
        }
    }

    /// Folder to spill to; the system's for temporary files unless said otherwise.
    pub fn temp_dir(self, path: impl Into<PathBuf>) -> Self {
        Self {
            temp: Some(path.into()),
            ..self
        }
    }

    /// Into how many parts a statement's work is split; one per core unless said otherwise.
    pub fn threads(self, threads: usize) -> Self {
        Self {
            threads: Some(threads),
            ..self
        }
    }

    /// Opens the lake, finishing what a crash left behind.
    ///
    /// # Errors
    /// [`Error::Lake`] if there is none, [`Error::Storage`] if its storage fails.
    pub async fn open(self) -> Result<Lakehouse> {
        let lake = Lake::open(&self.url).await?;
        let resources = Resources::new(self.memory, self.temp.as_deref(), self.threads)?;
        Lakehouse::new(lake, resources).await
    }
}

impl Lakehouse {
    /// Opens a lake with limits of one's own. `url` is a path or the URL of a folder in an object store.
    pub fn builder(url: impl Into<String>) -> LakehouseBuilder {
        LakehouseBuilder {
            url: url.into(),
            memory: None,
            temp: None,
            threads: None,
        }
    }

    /// Opens a lake.
    ///
    /// # Errors
    /// As [`LakehouseBuilder::open`].
    pub async fn open(url: &str) -> Result<Self> {
        Self::builder(url).open().await
    }

    /// Makes a lake: its schemas, tables, views and a superuser, of whose password only a verifier is kept.
    ///
    /// # Errors
    /// [`Error::Lake`] if there is one already.
    pub async fn init(url: &str, superuser: &str, password: &str) -> Result<Self> {
        let seed = init::seed(superuser, password).await?;
        let lake = Lake::create(url, seed).await?;
        Self::new(lake, Resources::new(None, None, None)?).await
    }

    async fn new(lake: Lake, resources: Resources) -> Result<Self> {
        let functions = radlake_udfs::all().into();
        let template = template::build(&resources, &lake)?;
        let secret = lake.secret().await?;
        let shared = Shared {
            lake,
            resources,
            key: secret.map(|secret| PrivacyKey::new(&secret)).unwrap_or_default(),
            template,
            functions,
            catalogs: Mutex::default(),
            sessions: Arc::default(),
            exchange: Arc::default(),
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// The name of the lake's one database.
    #[must_use]
    pub fn database(&self) -> &str {
        DATABASE
    }

    /// True if a client may connect to a database of this name.
    #[must_use]
    pub fn has_database(&self, name: &str) -> bool {
        name == DATABASE
    }

    /// The lake's address.
    #[must_use]
    pub fn url(&self) -> &str {
        self.shared.lake.url().as_str()
    }

    /// What is kept of a role's password; `None` if there is no such role or it may not log in.
    ///
    /// # Errors
    /// [`Error::Storage`] if the lake cannot be read.
    pub async fn scram_verifier(&self, role: &str) -> Result<Option<ScramVerifier>> {
        let epoch = self.shared.lake.latest().await?;
        let verifier = epoch
            .role(role)
            .filter(|role| role.login && !has_ended(role))
            .and_then(|role| role.verifier.as_deref());
        verifier.map(str::parse).transpose()
    }

    /// Opens a session for a role. Whoever calls this vouches for the identity.
    ///
    /// # Errors
    /// [`Error::InvalidRole`] if there is no such role or it may not log in.
    pub async fn session(&self, identity: Identity) -> Result<Session> {
        let epoch = self.shared.lake.latest().await?;
        let role = epoch.role(identity.name()).filter(|role| role.login);
        let Some(role) = role else {
            return Err(Error::InvalidRole(identity.name().to_owned()));
        };
        let (superuser, login) = (role.superuser, role.oid);
        if let Some(limit) = role.connection_limit.filter(|_| !superuser)
            && self.sessions_of(login) >= limit as usize
        {
            return Err(Error::TooManyConnections(role.name.clone()));
        }
        let identity = identity.with_oid(login);
        Ok(Session::new(
            self.clone(),
            identity,
            login,
            superuser,
            epoch.settings(),
        ))
    }

    /// Brings DICOM files into the lake. See [`ingest::run`].
    ///
    /// # Errors
    /// [`Error::InsufficientPrivilege`] for all but superusers, and what stops an ingest as a whole; single files that are
    /// refused are in the report.
    pub async fn ingest(
        &self,
        identity: &Identity,
        options: IngestOptions,
        progress: Arc<dyn Progress>,
        cancel: CancellationToken,
    ) -> Result<IngestReport> {
        let epoch = self.shared.lake.latest().await?;
        match identity.role_at(&epoch) {
            Some(role) if role.superuser => {}
            Some(_) => {
                return Err(Error::InsufficientPrivilege(
                    "permission denied to ingest: only superusers may".to_owned(),
                ));
            }
            None => return Err(Error::InvalidRole(identity.name().to_owned())),
        }
        Ok(ingest::run(&self.shared.lake, options, progress, cancel).await?)
    }

    /// Takes instances out of all tables of `imaging`, as one epoch. See [`ingest::forget`].
    ///
    /// # Errors
    /// [`Error::InsufficientPrivilege`] for all but superusers, [`Error::InvalidParameter`] for a selection that says too little.
    pub async fn forget(&self, identity: &Identity, selection: Selection, dry_run: bool) -> Result<TakenOut> {
        self.check_upkeep(identity).await?;
        let done = ingest::forget(&self.shared.lake, identity.name(), selection, dry_run).await;
        let done = done.map_err(|error| match error {
            radlake_catalogs::Error::Invalid(message) => Error::InvalidParameter(message),
            other => Error::from(other),
        })?;
        if !dry_run {
            self.sweep_features(identity).await?;
        }
        Ok(done)
    }

    /// Takes rows of `radiomics.features` out whose segments are gone, as an epoch of its own; gives how many. Until then nobody but
    /// superusers sees them: the table's policy asks for the segment.
    ///
    /// # Errors
    /// [`Error::InsufficientPrivilege`] for who may not delete them, [`Error::Storage`] if the lake cannot be read or written.
    pub fn sweep_features<'a>(
        &'a self,
        identity: &'a Identity,
    ) -> Pin<Box<dyn Future<Output = Result<u64>> + Send + 'a>> {
        // A session may be what asks for it, and it asks a session: the future must not hold itself.
        Box::pin(async move {
            if self
                .lake()
                .latest()
                .await?
                .table("radiomics", "features")
                .is_none()
            {
                return Ok(0);
            }
            let session = self.session(identity.clone()).await?;
            let orphans = "DELETE FROM radiomics.features AS f WHERE NOT EXISTS (SELECT 1 FROM imaging.segments AS s \
                           WHERE s.sop_instance_uid = f.sop_instance_uid AND s.segment_number = f.segment_number)";
            match session.sql(orphans).await? {
                Response::Command { tag } => {
                    Ok(tag.rsplit(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0))
                }
                _ => Ok(0),
            }
        })
    }

    /// The data files that hold rows of some instances, in every epoch that can be read. See [`ingest::holdings`].
    ///
    /// # Errors
    /// As [`Lakehouse::forget`].
    pub async fn holdings(&self, identity: &Identity, selection: &Selection) -> Result<Vec<Holding>> {
        self.check_upkeep(identity).await?;
        let done = ingest::holdings(&self.shared.lake, selection).await;
        done.map_err(|error| match error {
            radlake_catalogs::Error::Invalid(message) => Error::InvalidParameter(message),
            other => other.into(),
        })
    }

    /// Has all that a provider brought be another's, as one epoch. See [`ingest::rename_provider`].
    ///
    /// # Errors
    /// As [`Lakehouse::forget`].
    pub async fn rename_provider(&self, identity: &Identity, from: &str, to: &str) -> Result<Renamed> {
        self.check_upkeep(identity).await?;
        let done = ingest::rename_provider(&self.shared.lake, identity.name(), from, to).await;
        done.map_err(|error| match error {
            radlake_catalogs::Error::Invalid(message) => Error::InvalidParameter(message),
            other => other.into(),
        })
    }

    /// How many sessions a role has opened in this process.
    fn sessions_of(&self, role: u32) -> usize {
        let sessions = self
            .shared
            .sessions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        sessions
            .iter()
            .filter_map(Weak::upgrade)
            .filter(|facts| facts.login() == role)
            .count()
    }

    /// A session begins: the others see it in `pg_stat_activity`.
    pub(crate) fn enter(&self, facts: &Arc<Facts>) {
        facts.meet(Arc::downgrade(&self.shared.sessions));
        let mut sessions = self
            .shared
            .sessions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|session| session.strong_count() > 0);
        sessions.push(Arc::downgrade(facts));
    }

    /// What sessions have in common beside the lake.
    pub(crate) fn exchange(&self) -> &Arc<Exchange> {
        &self.shared.exchange
    }

    pub(crate) fn lake(&self) -> &Lake {
        &self.shared.lake
    }

    pub(crate) fn resources(&self) -> &Resources {
        &self.shared.resources
    }

    /// The key of pseudonyms: for masks, and for superusers.
    pub(crate) fn key(&self) -> &PrivacyKey {
        &self.shared.key
    }

    /// Whether the engine has a function of that name.
    pub(crate) fn is_function(&self, name: &str) -> bool {
        let template = &self.shared.template;
        template.scalar_functions().contains_key(name)
            || template.aggregate_functions().contains_key(name)
            || template.window_functions().contains_key(name)
            || template.table_functions().contains_key(name)
    }

    pub(crate) fn template(&self) -> &SessionState {
        &self.shared.template
    }

    /// The system relations of an epoch, shared by all sessions that read it; of a session's own view of one if it has
    /// changed the catalog in a transaction.
    pub(crate) fn epoch_catalog(&self, epoch: &Arc<Epoch>, own: bool) -> Arc<EpochCatalog> {
        if own {
            return Arc::new(EpochCatalog::new(
                Arc::clone(epoch),
                DATABASE,
                Arc::clone(&self.shared.functions),
            ));
        }
        const KEPT: usize = 4;
        let mut catalogs = self
            .shared
            .catalogs
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some((_, catalog)) = catalogs.iter().find(|(number, _)| *number == epoch.number) {
            return Arc::clone(catalog);
        }
        let catalog = Arc::new(EpochCatalog::new(
            Arc::clone(epoch),
            DATABASE,
            Arc::clone(&self.shared.functions),
        ));
        if catalogs.len() == KEPT {
            catalogs.remove(0);
        }
        catalogs.push((epoch.number, Arc::clone(&catalog)));
        catalog
    }
}

/// True if a role's password is no longer valid. One that cannot be read has ended.
fn has_ended(role: &RoleObject) -> bool {
    role.valid_until.as_deref().is_some_and(|until| {
        chrono::DateTime::parse_from_rfc3339(until).map_or(true, |until| until < chrono::Utc::now())
    })
}
