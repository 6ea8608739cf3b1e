//! `imaging.regions` and `imaging.volumes`: rows of `imaging.segments` and `imaging.series` as who asks may see them, with what their
//! files hold beside them.
//!
//! They are views in the catalog, with rights of their own; what they show is put together here. The rows stand behind the policies
//! and masks of the tables that they are of, and no pixel is shown of an instance that policies on `imaging.instances` hide. Files are
//! read only for rows that are left of all conditions on other columns, and only if a column of pixels is asked for.

mod exec;
mod rows;

use std::fmt;
use std::sync::{Arc, Mutex};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::common::extensions_options;
use datafusion::config::ConfigExtension;
use datafusion::datasource::empty::EmptyTable;
use datafusion::datasource::{TableType, provider_as_source};
use datafusion::error::Result as EngineResult;
use datafusion::execution::SessionState;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::{ident, lit};
use radlake_catalogs::ViewObject;
use radlake_catalogs::dicom::series::series_schema;
use radlake_catalogs::segments::{PixelReader, segments_schema};
use radlake_sql::views::View;
use radlake_udfs::image::roi::{roi_type, volume_type};

use self::exec::PixelExec;
use crate::policy::Verdict;
use crate::{Error, Result};

extensions_options! {
    /// The session's `radlake.roi_margin`.
    pub struct RoiMargin {
        /// Voxels around a region's box; `None`: all of the image.
        pub voxels: Option<usize>, default = Some(1)
    }
}

impl ConfigExtension for RoiMargin {
    const PREFIX: &'static str = "radlake_roi_margin";
}

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Regions,
    Volumes,
}

impl Kind {
    /// Of a view, if it is one of the two and still has the text that the lake gave it.
    pub(crate) fn of(view: &ViewObject) -> Option<Self> {
        let text = |name: &str| {
            let mut views = radlake_sql::views::VIEWS.iter();
            views.any(|v| v.schema == "imaging" && v.name == name && v.sql() == view.sql)
        };
        match (view.schema.as_str(), view.name.as_str()) {
            ("imaging", "regions") if text("regions") => Some(Self::Regions),
            ("imaging", "volumes") if text("volumes") => Some(Self::Volumes),
            _ => None,
        }
    }

    /// The table whose rows they are.
    pub(crate) fn table(self) -> &'static str {
        match self {
            Self::Regions => "segments",
            Self::Volumes => "series",
        }
    }

    /// Its columns.
    fn schema(self) -> SchemaRef {
        match self {
            Self::Regions => segments_schema(),
            Self::Volumes => series_schema(),
        }
    }

    fn function(self) -> &'static str {
        match self {
            Self::Regions => "radlake_regions",
            Self::Volumes => "radlake_volumes",
        }
    }

    /// The columns that are read from files: the pixels, and why there are none.
    fn pixel_columns(self) -> [Field; 2] {
        match self {
            Self::Regions => [
                Field::new("roi", roi_type(), true),
                Field::new("roi_reason", DataType::Utf8, true),
            ],
            Self::Volumes => [
                Field::new("volume", volume_type(), true),
                Field::new("volume_reason", DataType::Utf8, true),
            ],
        }
    }

    /// What is needed of a row to find its files.
    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Regions => &[
                "sop_instance_uid",
                "series_instance_uid",
                "segment_number",
                "source_series_instance_uid",
                "status",
                "reason",
            ],
            Self::Volumes => &["series_instance_uid"],
        }
    }

    fn columns_of(self, table: &SchemaRef) -> SchemaRef {
        // What only upkeep wants stays out, and comments are the view's.
        let kept = table
            .fields()
            .iter()
            .filter(|field| field.name() != "header_hash");
        let plain = |field: &Arc<Field>| field.as_ref().clone().with_metadata(Default::default());
        Arc::new(Schema::new(
            kept.map(plain).chain(self.pixel_columns()).collect::<Vec<_>>(),
        ))
    }
}

/// The columns of the table whose rows a view of the lake's shows with what their files hold.
pub(crate) fn table_of(view: &View) -> Option<SchemaRef> {
    let kinds = [Kind::Regions, Kind::Volumes];
    let of = |kind: &Kind| view.sql() == format!("SELECT * FROM {}()", kind.function());
    kinds.into_iter().find(of).map(Kind::schema)
}

/// The rows of one of the two, for one who asks.
pub(crate) struct PixelTable {
    kind: Kind,
    /// The rows as he may see them.
    rows: Arc<dyn TableProvider>,
    /// `imaging.instances` as he may see it.
    seen: Arc<dyn TableProvider>,
    pixels: Arc<PixelReader>,
    /// Which columns he may read.
    verdict: Verdict,
    schema: SchemaRef,
}

impl fmt::Debug for PixelTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PixelTable")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

impl PixelTable {
    pub(crate) fn new(
        kind: Kind,
        rows: Arc<dyn TableProvider>,
        seen: Arc<dyn TableProvider>,
        pixels: PixelReader,
        verdict: Verdict,
    ) -> Self {
        Self {
            schema: kind.columns_of(&rows.schema()),
            kind,
            rows,
            seen,
            pixels: Arc::new(pixels),
            verdict,
        }
    }

    /// The tables that are read.
    pub(crate) fn parts(&self) -> [&Arc<dyn TableProvider>; 2] {
        [&self.rows, &self.seen]
    }

    fn check<'c>(&self, columns: impl IntoIterator<Item = &'c str>) -> Result<()> {
        match self.verdict.covers(columns) {
            true => Ok(()),
            false => Err(Error::InsufficientPrivilege(format!(
                "permission denied for view {}",
                match self.kind {
                    Kind::Regions => "regions",
                    Kind::Volumes => "volumes",
                }
            ))),
        }
    }

    fn is_of_pixels(&self, column: &str) -> bool {
        self.kind
            .pixel_columns()
            .iter()
            .any(|field| field.name() == column)
    }
}

#[async_trait]
impl TableProvider for PixelTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    /// All rows below are seen by who asks: conditions on them tell nothing that the rows do not, and those that the table's own
    /// barrier does not let through are evaluated above it.
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> EngineResult<Vec<TableProviderFilterPushDown>> {
        let answer = |filter: &&Expr| {
            let mut columns = filter.column_refs().into_iter();
            match columns.any(|column| self.is_of_pixels(&column.name)) || filter.is_volatile() {
                true => TableProviderFilterPushDown::Unsupported,
                false => TableProviderFilterPushDown::Exact,
            }
        };
        Ok(filters.iter().map(answer).collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> EngineResult<Arc<dyn ExecutionPlan>> {
        let schema = match projection {
            Some(projection) => Arc::new(self.schema.project(projection)?),
            None => Arc::clone(&self.schema),
        };
        self.check(schema.fields().iter().map(|field| field.name().as_str()))?;
        for filter in filters {
            self.check(filter.column_refs().iter().map(|column| column.name.as_str()))?;
        }
        let wanted: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
        let with_pixels = wanted.iter().any(|column| self.is_of_pixels(column));
        let mut read: Vec<&str> = wanted
            .iter()
            .copied()
            .filter(|column| !self.is_of_pixels(column))
            .collect();
        let keys = if with_pixels { self.kind.keys() } else { &[] };
        for key in keys {
            if !read.contains(key) {
                read.push(key);
            }
        }
        // Rows without columns are counted by one of them.
        if read.is_empty() {
            read.push("series_instance_uid");
        }
        let mut plan = LogicalPlanBuilder::scan("rows", provider_as_source(Arc::clone(&self.rows)), None)?;
        if self.kind == Kind::Volumes {
            // Objects about images are none.
            let image = ident("modality").in_list(NO_IMAGES.iter().map(|m| lit(*m)).collect(), true);
            plan = plan.filter(ident("modality").is_null().or(image))?;
        }
        for filter in filters {
            plan = plan.filter(unqualified(filter.clone())?)?;
        }
        plan = plan.limit(0, limit)?;
        plan = plan.project(read.iter().map(|column| ident(*column)))?;
        let rows = state.create_physical_plan(&plan.build()?).await?;
        let Some(state) = state.as_any().downcast_ref::<SessionState>() else {
            return Err(Error::internal("a session of another kind").into());
        };
        Ok(Arc::new(PixelExec::new(rows, schema, self.source(state))))
    }
}

impl PixelTable {
    fn source(&self, state: &SessionState) -> rows::Source {
        rows::Source {
            kind: self.kind,
            pixels: Arc::clone(&self.pixels),
            seen: Arc::clone(&self.seen),
            state: state.clone(),
            margin: match state.config_options().extensions.get::<RoiMargin>() {
                Some(margin) => margin.voxels,
                None => Some(1),
            },
            known: Mutex::default(),
        }
    }
}

/// Modalities of series that hold no images.
const NO_IMAGES: &[&str] = &[
    "SEG", "RTSTRUCT", "RTPLAN", "SR", "PR", "KO", "REG", "RWV", "DOC", "PLAN",
];

/// A condition whose columns are those of the plan that it is put into, whatever they were qualified by.
fn unqualified(filter: Expr) -> EngineResult<Expr> {
    use datafusion::common::tree_node::{Transformed, TreeNode};
    let placed = filter.transform(|part| {
        Ok(match part {
            Expr::Column(column) => Transformed::yes(ident(column.name)),
            other => Transformed::no(other),
        })
    })?;
    Ok(placed.data)
}

/// `radlake_regions()` and `radlake_volumes()`: the columns of the two, and no rows. They stand in the texts of the views, in whose
/// place [`PixelTable`] is planned.
#[derive(Debug)]
struct Columns(Kind);

impl TableFunctionImpl for Columns {
    fn call_with_args(&self, args: TableFunctionArgs) -> EngineResult<Arc<dyn TableProvider>> {
        if !args.exprs().is_empty() {
            return Err(Error::InvalidParameter("this function takes no arguments".to_owned()).into());
        }
        Ok(Arc::new(EmptyTable::new(self.0.columns_of(&self.0.schema()))))
    }
}

/// Registers the table functions.
pub(crate) fn register(state: &mut SessionState) {
    for kind in [Kind::Regions, Kind::Volumes] {
        state.register_udtf(kind.function(), Arc::new(Columns(kind)));
    }
}
