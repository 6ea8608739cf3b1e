//! The tables that ingestion fills, as a new lake is seeded with them.

use super::files_schema;
use crate::TableObject;
use crate::dicom::instances_schema;
use crate::dicom::series::series_schema;

/// `imaging.instances`, `imaging.series` and `imaging.files`, with the keys that their files are sorted by.
pub fn tables() -> [TableObject; 3] {
    [
        TableObject::new("imaging", "instances", instances_schema())
            .with_cluster_key(["study_instance_uid", "series_instance_uid", "sop_instance_uid"])
            .with_comment("A row per DICOM instance: its attributes, where its file is, its whole header as JSON"),
        TableObject::new("imaging", "series", series_schema())
            .with_cluster_key(["study_instance_uid", "series_instance_uid", "provider"])
            .with_comment("A row per series and provider: counts, sizes, acquisition, geometry; kept with imaging.instances"),
        TableObject::new("imaging", "files", files_schema())
            .with_cluster_key(["uri"])
            .with_bloom_columns(["sop_instance_uid"])
            .with_comment("A row per file offered for ingestion and what became of it"),
    ]
}
