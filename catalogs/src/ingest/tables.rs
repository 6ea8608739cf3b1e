//! The tables that ingestion fills, as a new lake is seeded with them.

use super::{files_schema, sources_schema};
use crate::TableObject;
use crate::dicom::instances_schema;
use crate::dicom::series::series_schema;
use crate::segments::{measurements_schema, segments_schema};

/// The tables of `imaging`, with the keys that their files are sorted by.
pub fn tables() -> [TableObject; 6] {
    [
        TableObject::new("imaging", "instances", instances_schema())
            .with_comment("One row per SOP instance: the header's attributes, pixels excepted")
            .with_cluster_key(["study_instance_uid", "series_instance_uid", "sop_instance_uid"])
            .with_bloom_columns(["study_instance_uid", "series_instance_uid", "sop_instance_uid"]),
        TableObject::new("imaging", "series", series_schema())
            .with_comment(
                "One row per series and provider, with counts, sizes and geometry of what that provider brought, kept up to date by ingestion",
            )
            .with_cluster_key(["study_instance_uid", "series_instance_uid"])
            .with_bloom_columns(["study_instance_uid", "series_instance_uid"]),
        TableObject::new("imaging", "files", files_schema())
            .with_comment("One row per file offered to ingestion, with its outcome")
            .with_cluster_key(["uri"])
            .with_bloom_columns(["uri", "sop_instance_uid"]),
        TableObject::new("imaging", "sources", sources_schema())
            .with_comment(
                "One row per instance, provider that brought it, and file that holds it: several providers may have brought an instance",
            )
            .with_cluster_key(["study_instance_uid", "series_instance_uid", "sop_instance_uid"])
            .with_bloom_columns(["series_instance_uid", "sop_instance_uid", "uri"]),
        TableObject::new("imaging", "segments", segments_schema())
            .with_comment("One row per segment of a segmentation or region of a structure set, with its size and place where they are known")
            .with_cluster_key(["study_instance_uid", "series_instance_uid", "sop_instance_uid"])
            .with_bloom_columns(["study_instance_uid", "sop_instance_uid", "source_series_instance_uid"]),
        TableObject::new("imaging", "measurements", measurements_schema())
            .with_comment("One row per measurement or evaluation of a report (TID 1500), with its segment, finding and site")
            .with_cluster_key(["study_instance_uid", "series_instance_uid", "sop_instance_uid"])
            .with_bloom_columns(["study_instance_uid", "sop_instance_uid", "segmentation_sop_instance_uid"]),
    ]
}
