//! Ingestion: from folders and archives of files to `imaging.instances`, `imaging.series` and `imaging.files`.

mod archive;
mod decide;
mod failure;
mod files;
mod lake;
#[cfg(test)]
mod memory;
mod outcome;
mod parse;
mod pipeline;
mod plan;
mod reads;
mod report;
mod run;
mod seen;
mod streams;
mod tables;
mod target;
mod uri;
mod walk;

pub use files::files_schema;
pub use lake::run;
pub use report::{IngestReport, Progress, Snapshot};
pub use run::IngestOptions;
pub use tables::tables;
