//! One row of regions or volumes: which files it needs, whether who asks may see them, and what they hold.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::datasource::provider_as_source;
use datafusion::error::Result;
use datafusion::execution::SessionState;
use datafusion::logical_expr::{LogicalPlanBuilder, ident};
use datafusion::physical_plan::collect;
use datafusion::prelude::lit;
use radlake_catalogs::segments::{PixelReader, Pixels, Region, Reserve};
use radlake_udfs::image::roi::{ImageValue, image_array};

use super::Kind;
use crate::Error;

/// Where pixels come from, for who asks.
pub(super) struct Source {
    pub(super) kind: Kind,
    pub(super) pixels: Arc<PixelReader>,
    /// `imaging.instances` as he may see it.
    pub(super) seen: Arc<dyn TableProvider>,
    pub(super) state: SessionState,
    /// Voxels around a region's box; `None`: all of the image.
    pub(super) margin: Option<usize>,
    /// What he may see of the series that were asked for last: rows of one series come together, and each is a query.
    pub(super) known: Mutex<VecDeque<(Vec<String>, Seen)>>,
}

/// SOP Instance UIDs.
type Seen = Arc<HashSet<String>>;

/// Series that are remembered.
const REMEMBERED: usize = 16;

/// What is needed of a row.
pub(super) struct Row {
    instance: Option<String>,
    series: Option<String>,
    segment: Option<i64>,
    source: Option<String>,
    status: Option<String>,
    reason: Option<String>,
}

impl Row {
    pub(super) fn of(row: &RecordBatch) -> Result<Self> {
        let text = |name: &str| -> Result<Option<String>> {
            let Some(column) = row.column_by_name(name) else {
                return Ok(None);
            };
            let column = cast(column, &DataType::Utf8)?;
            let column = column.as_string::<i32>();
            Ok(column.is_valid(0).then(|| column.value(0).to_owned()))
        };
        let segment = match row.column_by_name("segment_number") {
            Some(column) => {
                let column = cast(column, &DataType::Int64)?;
                let column = column.as_primitive::<Int64Type>();
                column.is_valid(0).then(|| column.value(0))
            }
            None => None,
        };
        Ok(Self {
            instance: text("sop_instance_uid")?,
            series: text("series_instance_uid")?,
            segment,
            source: text("source_series_instance_uid")?,
            status: text("status")?,
            reason: text("reason")?,
        })
    }
}

impl Kind {
    /// Whether a column of pixels is among those that are asked for.
    pub(super) fn reads_pixels(self, schema: &SchemaRef) -> bool {
        let columns = self.pixel_columns();
        columns
            .iter()
            .any(|column| schema.index_of(column.name()).is_ok())
    }
}

impl Source {
    /// The columns of pixels of one row: those, and why there are none.
    pub(super) async fn read(&self, row: &Row, memory: Reserve) -> Result<(ArrayRef, ArrayRef)> {
        let read = match self.kind {
            Kind::Regions => self.region(row, memory).await?,
            Kind::Volumes => self.volume(row, memory).await?,
        };
        let (value, reason) = match read {
            Ok(pixels) => (Some(value(pixels, self.margin)), None),
            Err(reason) => (None, Some(reason)),
        };
        let pixels = image_array(vec![value], self.kind == Kind::Regions)?;
        Ok((pixels, Arc::new(StringArray::from(vec![reason]))))
    }

    async fn region(&self, row: &Row, memory: Reserve) -> Result<std::result::Result<Pixels, String>> {
        if row.status.as_deref() != Some("placed") {
            let reason = row.reason.clone();
            return Ok(Err(
                reason.unwrap_or_else(|| "its source images are not in the lake".to_owned())
            ));
        }
        // A column that is masked says nothing: what cannot be found by it is not shown.
        let (Some(instance), Some(series), Some(segment), Some(source)) =
            (&row.instance, &row.series, row.segment, &row.source)
        else {
            return Ok(Err(HIDDEN.to_owned()));
        };
        let seen = self.seen(&[series, source]).await?;
        let region = Region {
            instance: instance.clone(),
            segment,
            source: source.clone(),
            margin: self.margin,
        };
        Ok(self
            .pixels
            .region(&region, &seen, memory)
            .await
            .map_err(Error::from)?)
    }

    async fn volume(&self, row: &Row, memory: Reserve) -> Result<std::result::Result<Pixels, String>> {
        let Some(series) = &row.series else {
            return Ok(Err(HIDDEN.to_owned()));
        };
        let seen = self.seen(&[series]).await?;
        Ok(self
            .pixels
            .volume(series, &seen, memory)
            .await
            .map_err(Error::from)?)
    }

    /// The instances of series that who asks may see.
    async fn seen(&self, series: &[&String]) -> Result<Seen> {
        let key: Vec<String> = series.iter().map(|uid| (*uid).clone()).collect();
        let found = {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known
                .iter()
                .find(|(of, _)| *of == key)
                .map(|(_, seen)| Arc::clone(seen))
        };
        if let Some(seen) = found {
            return Ok(seen);
        }
        let list = series.iter().map(|uid| lit(uid.as_str())).collect();
        let plan = LogicalPlanBuilder::scan("seen", provider_as_source(Arc::clone(&self.seen)), None)?
            .filter(ident("series_instance_uid").in_list(list, false))?
            .project([ident("sop_instance_uid")])?
            .build()?;
        let plan = self.state.create_physical_plan(&plan).await?;
        let mut seen = HashSet::new();
        for batch in collect(plan, self.state.task_ctx()).await? {
            let column = cast(batch.column(0), &DataType::Utf8)?;
            seen.extend(column.as_string::<i32>().iter().flatten().map(str::to_owned));
        }
        let seen = Arc::new(seen);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            known.pop_front();
        }
        known.push_back((key, Arc::clone(&seen)));
        Ok(seen)
    }
}

/// Why a row has no pixels whose instances are not all to be seen.
const HIDDEN: &str = "it is of images that may not be seen";

fn value(pixels: Pixels, margin: Option<usize>) -> ImageValue {
    ImageValue {
        margin: margin.filter(|_| pixels.mask.is_some()),
        geometry: pixels.geometry,
        voxels: pixels.voxels,
        mask: pixels.mask,
        modality: pixels.modality,
        units: pixels.units,
    }
}
