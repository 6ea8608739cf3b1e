//! A table at one version, as DataFusion reads it.

use std::sync::Arc;

use arrow::compute::SortOptions;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::scalar::ScalarValue;
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, DFSchema, Statistics};
use datafusion::config::TableParquetOptions;
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::datasource::physical_plan::{
    FileGroup, FileScanConfig, FileScanConfigBuilder, ParquetSource,
};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::Result as DataFusionResult;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;
use object_store::ObjectMeta;

use super::files::{DataFile, FileSet};
use super::present;
use super::prune::FilePruning;
use super::reader::{CachingReaderFactory, Pages};
use super::schema::physical_schema;
use super::writer::sorted_by_key;
use crate::Result;
use crate::lake::{Pin, Storage};
use crate::object::TableObject;

/// Bytes at the end of a file that are fetched first: a footer with its page index, most often.
const FOOTER_BYTES: usize = 256 << 10;

/// A table at one version. Immutable; scans are DataFusion's own Parquet scans over the files of that version.
#[derive(Debug)]
pub struct LakeTable {
    object: TableObject,
    physical: SchemaRef,
    files: Arc<FileSet>,
    storage: Storage,
    /// While plans of it live, its files do.
    pin: Arc<Pin>,
}

impl LakeTable {
    pub(crate) fn new(object: TableObject, files: Arc<FileSet>, storage: Storage) -> Result<Self> {
        let physical = physical_schema(&object.arrow_schema)?;
        Ok(Self {
            object,
            physical,
            pin: storage.pins.table(&files.location, files.version),
            files,
            storage,
        })
    }

    /// The table's entry in the catalog.
    pub fn object(&self) -> &TableObject {
        &self.object
    }

    /// Version of the Delta log that is read.
    pub fn version(&self) -> i64 {
        self.files.version
    }

    /// Live data files, by path.
    pub fn files(&self) -> impl ExactSizeIterator<Item = &Arc<DataFile>> {
        self.files.files.values()
    }

    /// Looks whether every data file is there, as long as the log says: for versions that are not the newest, whose files are easily
    /// taken by somebody else's vacuum.
    ///
    /// # Errors
    /// [`Error::Damaged`] with the name of one that is not.
    pub async fn check_files(&self) -> Result<()> {
        present::check(&self.storage, &self.files).await
    }

    /// Rows, if the log tells of every file.
    pub fn rows(&self) -> Option<u64> {
        self.files.rows()
    }

    /// Files that can hold rows which all of `filters` let through.
    pub fn prune(&self, state: &dyn Session, filters: &[Expr]) -> DataFusionResult<Vec<Arc<DataFile>>> {
        let files: Vec<Arc<DataFile>> = self.files().cloned().collect();
        let Some(filter) = conjunction(filters.iter().cloned()) else {
            return Ok(files);
        };
        let schema = DFSchema::try_from(Arc::clone(&self.object.arrow_schema))?;
        let predicate = state.create_physical_expr(filter, &schema)?;
        // A predicate that says nothing about bounds keeps every file.
        let Ok(predicate) = PruningPredicateBuilder::new()
            .with_file_schema(Arc::clone(&self.object.arrow_schema))
            .try_build(predicate)
        else {
            return Ok(files);
        };
        if predicate.always_true() || files.is_empty() {
            return Ok(files);
        }
        let pruning = FilePruning {
            files: &files,
            logical: &self.object.arrow_schema,
            physical: &self.physical,
        };
        let keep = predicate.prune(&pruning)?;
        Ok(files
            .into_iter()
            .zip(keep)
            .filter_map(|(file, keep)| keep.then_some(file))
            .collect())
    }

    /// A scan of some of the table's files.
    pub(crate) fn scan_files(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        files: &[Arc<DataFile>],
        limit: Option<usize>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        self.scan_pages(state, projection, files, limit, Pages::All)
    }

    fn scan_pages(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        files: &[Arc<DataFile>],
        limit: Option<usize>,
        pages: Pages,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        if files.is_empty() {
            let schema = &self.object.arrow_schema;
            let projected = match projection {
                Some(columns) => Arc::new(schema.project(columns)?),
                None => Arc::clone(schema),
            };
            return Ok(Arc::new(EmptyExec::new(projected)));
        }
        let (groups, ordering) = self.groups(files, state.config().target_partitions().max(1));
        let statistics = self.statistics(files);
        let config = self.scan_config(state, groups, ordering, statistics, pages);
        let config = config
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }

    /// All rows of files in the order of the cluster key, without more memory than a batch of each file and what
    /// files that are not sorted take to be. Without a cluster key: file after file.
    pub(crate) fn merged(
        &self,
        state: &dyn Session,
        files: &[Arc<DataFile>],
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        let sorted = files.iter().all(|file| sorted_by_key(file.path(), &self.object));
        let listed = files.iter().map(|file| self.partitioned_file(file, false));
        let Some(ordering) = self.ordering() else {
            return self.in_order(state, None, files);
        };
        let groups = listed.map(|file| FileGroup::new(vec![file])).collect();
        let declared = if sorted {
            vec![ordering.clone()]
        } else {
            Vec::new()
        };
        let config = self.scan_config(state, groups, declared, self.statistics(files), Pages::All);
        let mut plan: Arc<dyn ExecutionPlan> = DataSourceExec::from_data_source(config.build());
        if !sorted {
            plan = Arc::new(SortExec::new(ordering.clone(), plan).with_preserve_partitioning(true));
        }
        Ok(Arc::new(SortPreservingMergeExec::new(ordering, plan)))
    }

    /// All rows of files, file after file, each in its own order, from one partition.
    pub(crate) fn in_order(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        files: &[Arc<DataFile>],
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        let listed = files.iter().map(|file| self.partitioned_file(file, false));
        let group = FileGroup::new(listed.collect());
        let config = self.scan_config(state, vec![group], Vec::new(), self.statistics(files), Pages::All);
        let config = config.with_projection_indices(projection.cloned())?;
        Ok(DataSourceExec::from_data_source(config.build()))
    }

    fn scan_config(
        &self,
        state: &dyn Session,
        groups: Vec<FileGroup>,
        ordering: Vec<LexOrdering>,
        statistics: Statistics,
        pages: Pages,
    ) -> FileScanConfigBuilder {
        let runtime = state.runtime_env();
        runtime.register_object_store(self.storage.scan_url.as_ref(), Arc::clone(&self.storage.store));
        let mut options = TableParquetOptions {
            global: state.config_options().execution.parquet.clone(),
            ..Default::default()
        };
        options.global.pushdown_filters = true;
        options.global.reorder_filters = true;
        options.global.enable_page_index = true;
        options.global.bloom_filter_on_read = true;
        let cache = runtime.cache_manager.get_file_metadata_cache();
        let source = ParquetSource::new(Arc::clone(&self.object.arrow_schema))
            .with_table_parquet_options(options)
            .with_metadata_size_hint(FOOTER_BYTES)
            .with_parquet_file_reader_factory(Arc::new(CachingReaderFactory {
                inner: CachedParquetFileReaderFactory::new(Arc::clone(&self.storage.store), cache),
                cache: self.storage.ranges.clone(),
                pages,
                store: Arc::clone(&self.storage.store),
                _pin: Arc::clone(&self.pin),
            }));
        FileScanConfigBuilder::new(self.storage.scan_url.clone(), Arc::new(source))
            .with_file_groups(groups)
            .with_statistics(statistics)
            .with_output_ordering(ordering)
    }

    /// Files in groups that are read at the same time, and the order in which each group's rows come, if there is one.
    fn groups(&self, files: &[Arc<DataFile>], partitions: usize) -> (Vec<FileGroup>, Vec<LexOrdering>) {
        // NULLs come first within a file, but bounds do not tell of them: files with NULLs cannot follow one another.
        let sorted = files.iter().all(|file| sorted_by_key(file.path(), &self.object))
            && (files.len() == 1 || files.iter().all(|file| self.key_without_nulls(file)));
        let ordering = if sorted { self.ordering() } else { None };
        let listed: Vec<PartitionedFile> = files
            .iter()
            .map(|file| self.partitioned_file(file, ordering.is_some()))
            .collect();
        if let Some(ordering) = ordering {
            let whole = [FileGroup::new(listed.clone())];
            let split = FileScanConfig::split_groups_by_statistics_with_target_partitions(
                &self.object.arrow_schema,
                &whole,
                &ordering,
                partitions,
            );
            // Files that overlap much would make as many groups: then order is not worth its price.
            if let Ok(groups) = split
                && groups.len() <= partitions
            {
                return (groups, vec![ordering]);
            }
        }
        (FileGroup::new(listed).split_files(partitions), Vec::new())
    }

    fn key_without_nulls(&self, file: &DataFile) -> bool {
        let columns = &file.stats().columns;
        self.object.cluster_key.iter().all(|name| {
            columns
                .get(name.as_str())
                .is_some_and(|stats| stats.nulls == Some(0))
        })
    }

    fn ordering(&self) -> Option<LexOrdering> {
        let options = SortOptions {
            descending: false,
            nulls_first: true,
        };
        let column = |name: &String| {
            let column = Column::new_with_schema(name, &self.object.arrow_schema).ok()?;
            // Bounds, by which groups are made, are of types that are stored as they are.
            let stored = self.physical.field(column.index()).data_type();
            let same = stored == self.object.arrow_schema.field(column.index()).data_type();
            same.then(|| PhysicalSortExpr::new(Arc::new(column), options))
        };
        LexOrdering::new(self.object.cluster_key.iter().map_while(column))
    }

    fn partitioned_file(&self, file: &Arc<DataFile>, bounds: bool) -> PartitionedFile {
        let at = chrono::DateTime::from_timestamp_millis(file.add.modification_time).unwrap_or_default();
        // Files never change: the log's word on size and time is the file's, and what caches go by.
        let listed = PartitionedFile::new_from_meta(ObjectMeta {
            location: file.location.clone(),
            last_modified: at,
            size: file.size(),
            e_tag: None,
            version: None,
        });
        if bounds {
            listed.with_statistics(Arc::new(self.bounds(file)))
        } else {
            listed
        }
    }

    /// Rows and bytes of files, exact where the log tells of all; NULLs and bounds are left to the Parquet footers.
    fn statistics(&self, files: &[Arc<DataFile>]) -> Statistics {
        let mut statistics = Statistics::new_unknown(&self.object.arrow_schema);
        if let Some(rows) = files.iter().map(|file| file.rows()).sum::<Option<u64>>() {
            statistics.num_rows = Precision::Exact(rows as usize);
        }
        statistics.total_byte_size =
            Precision::Inexact(files.iter().map(|file| file.size()).sum::<u64>() as usize);
        statistics
    }

    /// Bounds of the cluster key in one file, by which files are put in order.
    fn bounds(&self, file: &Arc<DataFile>) -> Statistics {
        let one = [Arc::clone(file)];
        let pruning = FilePruning {
            files: &one,
            logical: &self.object.arrow_schema,
            physical: &self.physical,
        };
        let mut statistics = self.statistics(&one);
        for name in &self.object.cluster_key {
            let Ok(index) = self.object.arrow_schema.index_of(name) else {
                continue;
            };
            let column = datafusion::common::Column::from_name(name);
            let value = |array: Option<arrow::array::ArrayRef>| {
                array
                    .and_then(|array| ScalarValue::try_from_array(&array, 0).ok())
                    .filter(|value| !value.is_null())
                    .map_or(Precision::Absent, Precision::Inexact)
            };
            let nulls = file
                .stats()
                .columns
                .get(name.as_str())
                .and_then(|stats| stats.nulls);
            statistics.column_statistics[index] = ColumnStatistics {
                null_count: nulls.map_or(Precision::Absent, |nulls| Precision::Exact(nulls as usize)),
                min_value: value(pruning.min_values(&column)),
                max_value: value(pruning.max_values(&column)),
                ..ColumnStatistics::new_unknown()
            };
        }
        statistics
    }
}

#[async_trait]
impl TableProvider for LakeTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.object.arrow_schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn statistics(&self) -> Option<Statistics> {
        let files: Vec<Arc<DataFile>> = self.files().cloned().collect();
        Some(self.statistics(&files))
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> DataFusionResult<Vec<TableProviderFilterPushDown>> {
        // The filter above goes into the scan as the plan is optimised; here it tells which files are read at all.
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        let files = self.prune(state, filters)?;
        let pages = if filters.is_empty() {
            Pages::All
        } else {
            Pages::ByBounds
        };
        self.scan_pages(state, projection, &files, limit, pages)
    }
}
