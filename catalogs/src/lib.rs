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
mod sequence;
pub mod system;
mod user_type;

pub use columns::ColumnNumbers;
pub use default_rights::DefaultRight;
pub use delta::LakeTable;
pub use epoch::{Epoch, Relation};
pub use error::{Error, Result};
pub use lake::{
    CheckOptions, CheckReport, Commitment, DELETE_ROWS, DROP, Edits, FORMAT, Finding, FindingKind, Lake,
    ON_COMMIT, OptimizeOptions, OptimizeReport, Pin, StagedFiles, TEMPORARY_OIDS, Temporary, Transaction,
    VacuumOptions, VacuumReport, is_temporary_schema,
};
pub use object::{
    FIRST_OID, Grant, Membership, Object, RoleObject, SchemaObject, SettingObject, TableObject, ViewObject,
};
pub use row_security::{Policy, RowSecurity, mentions};
pub use sequence::{Counting, OwnedBy, Position, SequenceObject};
pub use user_type::{Argument, Domain, DomainCheck, FunctionObject, Returns, TypeDefinition, TypeObject};
