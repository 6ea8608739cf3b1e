//! Tables on Delta: the lake, its epochs, DICOM ingestion. Knows nothing of users.

mod columns;
mod default_rights;
pub mod delta;
pub mod dicom;
mod epoch;
mod error;
pub mod ingest;
mod lake;
mod object;
mod row_security;
pub mod segments;
pub mod system;

pub use columns::ColumnNumbers;
pub use default_rights::DefaultRight;
pub use delta::LakeTable;
pub use epoch::{Epoch, Relation};
pub use error::{Error, Result};
pub use lake::{
    CheckOptions, CheckReport, Commitment, Edits, FORMAT, Finding, FindingKind, Lake, OptimizeOptions,
    OptimizeReport, Pin, StagedFiles, Transaction, VacuumOptions, VacuumReport,
};
pub use object::{
    FIRST_OID, Grant, Membership, Object, RoleObject, SchemaObject, SettingObject, TableObject, ViewObject,
};
pub use row_security::{Policy, RowSecurity, mentions};
