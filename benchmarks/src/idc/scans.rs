//! What filters spare: the figures of a query's Parquet scans, by EXPLAIN ANALYZE.

use arrow::array::AsArray;
use futures::TryStreamExt;
use radlake::{Response, Session};

use crate::Result;

/// How many of something were looked at, and how many were left to read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Pruned {
    total: u64,
    left: u64,
}

/// Figures of all scans of one query together.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Scans {
    /// Row groups, by their minima and maxima.
    pub(super) by_bounds: Pruned,
    /// Row groups, by Bloom filters; those that bounds have left.
    pub(super) by_bloom: Pruned,
    /// Rows, by the bounds of their pages, in row groups that are left.
    pub(super) by_pages: Pruned,
    /// Bytes that were read of files.
    pub(super) bytes: f64,
    /// Milliseconds: planning, then execution without a client.
    pub(super) milliseconds: [f64; 2],
}

/// Runs a query under EXPLAIN ANALYZE, twice: the second time footers and indices are in memory, as for the wire.
pub(super) async fn explain(session: &Session, sql: &str) -> Result<Scans> {
    let mut lines = Vec::new();
    for _ in 0..2 {
        lines.clear();
        let Response::Rows { mut stream, .. } = session.sql(&format!("EXPLAIN ANALYZE {sql}")).await? else {
            return Err("EXPLAIN gave no rows".into());
        };
        while let Some(batch) = stream.try_next().await? {
            let text = batch.column(0).as_string::<i32>();
            lines.extend(text.iter().flatten().map(str::to_owned));
        }
    }
    Ok(Scans::of(lines.iter().map(String::as_str)))
}

impl Scans {
    fn of<'a>(lines: impl Iterator<Item = &'a str>) -> Self {
        let mut scans = Self::default();
        for line in lines {
            let time = |name: &str| line.strip_prefix(name)?.strip_suffix(" ms")?.parse().ok();
            if let Some(planning) = time("Planning Time: ") {
                scans.milliseconds[0] = planning;
            }
            if let Some(execution) = time("Execution Time: ") {
                scans.milliseconds[1] = execution;
            }
            let Some((_, metrics)) = line
                .trim_start()
                .strip_prefix("DataSourceExec")
                .and_then(|scan| scan.trim_end_matches(']').rsplit_once("metrics=["))
            else {
                continue;
            };
            for (name, value) in metrics.split(", ").filter_map(|metric| metric.split_once('=')) {
                match name {
                    "row_groups_pruned_statistics" => scans.by_bounds.add(value),
                    "row_groups_pruned_bloom_filter" => scans.by_bloom.add(value),
                    "page_index_rows_pruned" => scans.by_pages.add(value),
                    "bytes_scanned" => scans.bytes += quantity(value).unwrap_or_default(),
                    _ => {}
                }
            }
        }
        scans
    }
}

impl Pruned {
    /// Adds `8 total → 1 matched`.
    fn add(&mut self, text: &str) {
        let counts: Vec<f64> = text
            .split('→')
            .filter_map(|part| quantity(part.trim().rsplit_once(' ')?.0))
            .collect();
        if let [total, left] = counts[..] {
            self.total += total as u64;
            self.left += left as u64;
        }
    }
}

impl std::fmt::Display for Pruned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.total == 0 {
            f.write_str("-")
        } else {
            write!(f, "{} of {}", self.left, self.total)
        }
    }
}

/// `8`, `131.07 K`, `12.30 M`, `1.20 B` (a thousand million).
fn quantity(text: &str) -> Option<f64> {
    let (number, unit) = text.split_once(' ').unwrap_or((text, ""));
    let scale = match unit {
        "" => 1.0,
        "K" => 1e3,
        "M" => 1e6,
        "B" => 1e9,
        _ => return None,
    };
    Some(number.parse::<f64>().ok()? * scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_scans_are_summed() {
        let scan = "    DataSourceExec: file_groups={1 group: [[a, b]]}, predicate=m@1 = MR, \
            metrics=[output_rows=1, row_groups_pruned_statistics=8 total → 3 matched, \
            row_groups_pruned_bloom_filter=3 total → 1 matched, \
            page_index_rows_pruned=131.07 K total → 512 matched, bytes_scanned=30.50 K]";
        let lines = [
            scan,
            "HashJoinExec: metrics=[bytes_scanned=1]",
            scan,
            "Planning Time: 1.500 ms",
        ];
        let expected = Scans {
            by_bounds: Pruned { total: 16, left: 6 },
            by_bloom: Pruned { total: 6, left: 2 },
            by_pages: Pruned {
                total: 262_140,
                left: 1024,
            },
            bytes: 61_000.0,
            milliseconds: [1.5, 0.0],
        };
        assert_eq!(Scans::of(lines.into_iter()), expected);
    }
}
