//! Ingestion: from folders and archives of files to `imaging.instances`, `imaging.series`,
//! `imaging.files` and `imaging.sources`.

mod archive;
mod bucket;
mod cut;
mod decide;
mod draft;
mod failure;
mod files;
mod gone;
mod holdings;
mod lake;
#[cfg(test)]
mod memory;
mod outcome;
mod parse;
mod pipeline;
mod plan;
mod reads;
mod rename;
mod report;
mod run;
mod schema;
mod seen;
mod sources;
mod streams;
mod tables;
mod take;
mod target;
mod upgrade;
mod uri;
mod walk;

pub use files::files_schema;
pub use holdings::{Holding, holdings};
pub use lake::run;
pub use rename::{Renamed, rename_provider};
pub use report::{IngestReport, Progress, Snapshot};
pub use run::IngestOptions;
pub use schema::lacking;
pub use sources::sources_schema;
pub use tables::tables;
pub use take::{Selection, TakenOut, delete_instances, forget};
pub use upgrade::{Upgraded, upgrade};
pub use walk::{bucket_url, local_path};
