//! Which of a provider's files are no longer where they were.

use std::collections::{BTreeSet, HashMap};

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use datafusion::prelude::{col, lit};

use super::reads::{Reader, texts};
use super::target::View;
use super::uri;
use crate::{Error, Result};

/// A row of `imaging.files`.
struct File {
    uri: String,
    modified: Option<i64>,
    status: String,
}

/// The files below `roots` that a provider brought and that are gone: nothing is at their path, or they were members of an archive
/// that has been written anew, and read to its end since, without them. What cannot be looked at is not gone.
pub(crate) async fn uris(
    reader: &Reader,
    view: &View,
    provider: &str,
    roots: &[String],
) -> Result<BTreeSet<String>> {
    let mut files = Vec::new();
    for root in roots {
        // `0` follows upon `/`, and `!` comes before it.
        let below = col("provider")
            .eq(lit(provider))
            .and(col("current"))
            .and(col("uri").gt_eq(lit(root.as_str())))
            .and(col("uri").lt(lit(format!("{root}0"))));
        for batch in reader
            .columns(&view.files, below, &["uri", "modified_at", "status"])
            .await?
        {
            let (uris, statuses) = (texts(&batch, 0)?, texts(&batch, 2)?);
            let plain = DataType::Timestamp(TimeUnit::Microsecond, None);
            let modified = arrow::compute::cast(batch.column(1), &plain)?;
            let modified = modified.as_primitive::<TimestampMicrosecondType>();
            for row in 0..batch.num_rows() {
                let uri = uris.as_string::<i32>().value(row);
                let rest = uri.strip_prefix(root.as_str());
                if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || rest.starts_with("!/"))
                {
                    files.push(File {
                        uri: uri.to_owned(),
                        modified: modified.is_valid(row).then(|| modified.value(row)),
                        status: statuses.as_string::<i32>().value(row).to_owned(),
                    });
                }
            }
        }
    }
    let look = tokio::task::spawn_blocking(move || absent(files));
    look.await
        .map_err(|error| Error::internal(format!("looking for files: {error}")))
}

fn absent(files: Vec<File>) -> BTreeSet<String> {
    let archives: HashMap<String, Option<i64>> = files
        .iter()
        .filter(|file| file.status == "archive")
        .map(|file| (file.uri.clone(), file.modified))
        .collect();
    let mut looked: HashMap<String, bool> = HashMap::new();
    let mut absent = BTreeSet::new();
    for file in files {
        let gone = match file.uri.split_once("!/") {
            None => uri::is_gone(&file.uri),
            Some((archive, _)) => {
                let there = *looked
                    .entry(archive.to_owned())
                    .or_insert_with(|| uri::is_gone(archive));
                there
                    || archives
                        .get(archive)
                        .is_some_and(|written| *written != file.modified)
            }
        };
        if gone {
            absent.insert(file.uri);
        }
    }
    absent
}
