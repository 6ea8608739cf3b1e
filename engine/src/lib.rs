//! The embedding API of Radlake, an analytical lakehouse for medical-imaging research.
//!
//! A [`Lakehouse`] is a lake that has been opened: a directory or bucket of Delta tables under one catalog. A
//! [`Session`] is somebody's view of it. Statements go in as text, rows come out as Arrow batches:
//!
//! ```no_run
//! use futures::TryStreamExt;
//! use radlake::{Identity, Lakehouse, Response};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let lakehouse = Lakehouse::open("/data/lake").await?;
//! let session = lakehouse.session(Identity::role("radlake")).await?;
//! if let Response::Rows { mut stream, .. } = session.sql("SELECT * FROM imaging.studies").await? {
//!     while let Some(batch) = stream.try_next().await? {
//!         println!("{} studies", batch.num_rows());
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Everything that psql gets, an embedder gets; the server uses nothing but this crate. Text is parsed once
//! (`radlake-sql`), names resolve against one epoch of the lake, and a table is reached only as a `SecuredTable`.

mod enumeration;
mod error;
mod exchange;
mod govern;
mod guard;
mod identity;
mod interrupt;
mod lakehouse;
mod lanes;
pub mod pg_catalog;
mod pixels;
mod planner;
mod policy;
mod resources;
mod sequences;
mod session;
mod settings;
mod similar;
mod spill;
mod system;
mod upkeep;
mod write;

pub use datafusion::common::ScalarValue;
pub use datafusion::execution::SendableRecordBatchStream as RowStream;
pub use error::{Error, Result, Violation};
pub use exchange::Notification;
pub use identity::{Identity, ScramVerifier};
pub use lakehouse::{Lakehouse, LakehouseBuilder, SUPERUSER};
pub use radlake_catalogs::Error as LakeError;
pub use radlake_catalogs::FORMAT as LAKE_FORMAT;
pub use radlake_catalogs::dicom::synthetic;
pub use radlake_catalogs::ingest;
pub use radlake_catalogs::{CheckOptions, CheckReport, Finding, FindingKind, OptimizeReport, VacuumReport};
pub use radlake_sql::{Copy, OptionValue, ast};
pub use radlake_sql::{Kind, Statement};
pub use radlake_udfs::datetime::read as datetimes;
pub use radlake_udfs::types::numeric as numerics;
pub use radlake_udfs::vectors;
pub use session::{BINARY, CancelHandle, Notice, Prepared, Response, Session, Standing, TransactionStatus};
pub use upkeep::{LOG_RETENTION, RETENTION, UpkeepOptions, Vacuum};
pub use write::copy::{CopyTarget, Incoming, LINE, Rejected, Rejects};

/// Splits a text into its statements and parses each.
///
/// # Errors
/// [`Error::Syntax`] with the position in the text, [`Error::TooComplex`].
pub fn parse(text: &str) -> Result<Vec<Statement>> {
    Ok(radlake_sql::parse(text)?)
}

/// Radiomics of the regions that sessions read: settings, and the values of one `roi` of `imaging.regions`.
pub mod radiomics {
    pub use radlake_udfs::image::roi::image_in;
    pub use radlake_udfs::radiomics::{Context, Profile, Settings, Value, of_region};
}

/// A question that the tables answer, with its query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cohort {
    /// A short name of letters, digits and `_`.
    pub name: &'static str,
    /// The question in words.
    pub title: &'static str,
    /// The query.
    pub sql: &'static str,
}

/// The cohort queries that ship with Radlake, for demonstrations and as examples.
#[must_use]
pub fn cohorts() -> Vec<Cohort> {
    radlake_sql::cohorts::COHORTS.iter().map(cohort).collect()
}

/// Queries that ship with Radlake and whose results have pictures, to be written as pages.
#[must_use]
pub fn pages() -> Vec<Cohort> {
    radlake_sql::cohorts::PAGES.iter().map(cohort).collect()
}

fn cohort(cohort: &radlake_sql::cohorts::Cohort) -> Cohort {
    Cohort {
        name: cohort.name,
        title: cohort.question(),
        sql: cohort.sql(),
    }
}
