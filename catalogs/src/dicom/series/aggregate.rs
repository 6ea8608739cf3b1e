//! Rows of `imaging.series` from all instances of the series.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanBuilder, Date32Array, Float64Array, Float64Builder, Int32Array,
    Int64Array, ListBuilder, RecordBatch, StringArray, StringBuilder, UInt32Array,
};
use arrow::compute::kernels::zip::zip;
use arrow::compute::{cast, concat, is_not_null, take};
use arrow::datatypes::{DataType, Date32Type, Field, Float64Type, Int32Type, Int64Type};
use arrow::error::ArrowError;
use rustc_hash::FxHashMap;

use super::frames;
use super::geometry::{Geometry, Plane, geometry};
use super::schema::{COLUMNS, MAX_DISTINCT, Rule, SeriesColumn, series_schema, source_columns};
use crate::dicom::instances_schema;

type Result<T> = std::result::Result<T, ArrowError>;

/// Pixel spacings that differ by no more than this, relatively, are one.
const PIXEL_SPACING_TOLERANCE: f64 = 0.01;

/// The series of `batches`: rows of `imaging.instances`, of which the columns [`source_columns`] are used, and `dataset`
/// where there is one (for the positions of frames in multi-frame instances). A series is complete only if all its
/// instances are in `batches`. `epoch` becomes `ingested_epoch`. The rows are sorted by study, series and provider.
///
/// # Errors
/// A column that is missing or of another type than `instances_schema()` says.
pub fn aggregate(batches: &[RecordBatch], epoch: i64) -> Result<RecordBatch> {
    let source = Source::new(batches)?;
    let groups = source.groups()?;
    let facts: Vec<Facts> = groups.iter().map(|rows| source.facts(rows)).collect();
    let mut columns = Vec::with_capacity(COLUMNS.len());
    for column in COLUMNS.iter() {
        columns.push(source.column(column, &groups, &facts, epoch)?);
    }
    RecordBatch::try_new(series_schema(), columns)
}

/// All instances side by side, one array per column.
struct Source {
    columns: FxHashMap<&'static str, ArrayRef>,
    /// Planes of the frames of multi-frame instances, by row.
    frames: FxHashMap<u32, Vec<Plane>>,
    len: usize,
}

/// Row numbers of one series, in the order that the rules ask for.
type Group = Vec<u32>;

/// What is computed for a series beyond the rules of single columns.
struct Facts {
    instances: i64,
    frames: i64,
    frame_of_reference: Option<String>,
    frames_of_reference: i32,
    geometry: Geometry,
    is_volume: bool,
}

impl Source {
    fn new(batches: &[RecordBatch]) -> Result<Self> {
        let schema = instances_schema();
        let mut columns = FxHashMap::default();
        for name in source_columns() {
            let wanted = schema.field_with_name(name)?.data_type();
            columns.insert(*name, gather(batches, name, wanted)?);
        }
        let len = batches.iter().map(RecordBatch::num_rows).sum();
        let mut source = Self {
            columns,
            frames: FxHashMap::default(),
            len,
        };
        let mut offset = 0;
        for batch in batches {
            source.place_frames(batch, offset)?;
            offset += batch.num_rows();
        }
        Ok(source)
    }

    /// Reads the positions of frames. Data sets are taken batch by batch: side by side they could pass 2 GiB.
    fn place_frames(&mut self, batch: &RecordBatch, offset: usize) -> Result<()> {
        let Some(column) = batch.column_by_name("dataset") else {
            return Ok(());
        };
        if !(0..batch.num_rows()).any(|row| column.is_valid(row) && self.is_enhanced(offset + row)) {
            return Ok(());
        }
        let dataset = cast(column, &DataType::LargeUtf8)?;
        let dataset = dataset.as_string::<i64>();
        for row in 0..batch.num_rows() {
            if dataset.is_valid(row) && self.is_enhanced(offset + row) {
                let planes = frames::planes(dataset.value(row));
                if !planes.is_empty() {
                    self.frames.insert((offset + row) as u32, planes);
                }
            }
        }
        Ok(())
    }

    fn get(&self, name: &str) -> Result<&ArrayRef> {
        self.columns
            .get(name)
            .ok_or_else(|| ArrowError::SchemaError(format!("no column {name} among a series' sources")))
    }

    fn text(&self, name: &str) -> Result<&StringArray> {
        Ok(self.get(name)?.as_string::<i32>())
    }

    /// Series in the order of study, series, provider; rows within by instance number, then UID.
    fn groups(&self) -> Result<Vec<Group>> {
        let keys = [
            self.text("study_instance_uid")?,
            self.text("series_instance_uid")?,
            self.text("provider")?,
        ];
        let number = self.get("instance_number")?.as_primitive::<Int32Type>();
        let uid = self.text("sop_instance_uid")?;
        let key = |row: &u32| keys.map(|k| k.value(*row as usize));
        let rank = |row: &u32| {
            let row = *row as usize;
            (
                number.is_null(row),
                if number.is_null(row) { 0 } else { number.value(row) },
                uid.value(row),
            )
        };
        let mut rows: Vec<u32> = (0..self.len as u32).collect();
        rows.sort_unstable_by(|a, b| key(a).cmp(&key(b)).then_with(|| rank(a).cmp(&rank(b))));
        Ok(rows
            .chunk_by(|a, b| key(a) == key(b))
            .map(<[u32]>::to_vec)
            .collect())
    }

    fn facts(&self, rows: &[u32]) -> Facts {
        let count = |name: &str, row: u32| {
            self.columns
                .get(name)
                .and_then(|c| numbers(c, row as usize).next())
        };
        let mut frames = 0i64;
        let mut planes = Vec::new();
        let mut placed = true;
        let mut references: BTreeSet<&str> = BTreeSet::new();
        for &row in rows {
            let of_this = count("number_of_frames", row).map_or(1, |n| n.clamp(1.0, 1e9) as i64);
            if count("rows", row).is_some() {
                frames += of_this;
            }
            if let Some(uid) = self
                .columns
                .get("frame_of_reference_uid")
                .map(|c| c.as_string::<i32>())
                && uid.is_valid(row as usize)
            {
                references.insert(uid.value(row as usize));
            }
            let before = planes.len();
            self.planes(row, of_this, &mut planes);
            placed &= planes.len() > before;
        }
        let geometry = geometry(&planes);
        let one_matrix = ["rows", "columns"]
            .iter()
            .all(|name| self.spread(&[name], rows) == Some(0.0));
        let spacing = self.spread(&["pixel_spacing", "shared_pixel_spacing"], rows);
        let is_volume = placed
            && geometry.is_regular()
            && geometry.planes == planes.len()
            && one_matrix
            && spacing.is_some_and(|relative| relative <= PIXEL_SPACING_TOLERANCE)
            && references.len() <= 1;
        Facts {
            instances: rows.len() as i64,
            frames,
            frame_of_reference: match references.len() {
                1 => references.first().map(|uid| (*uid).to_owned()),
                _ => None,
            },
            frames_of_reference: references.len() as i32,
            geometry,
            is_volume,
        }
    }

    /// The planes of one instance: of its frames if it is multi-frame, else its own.
    fn planes(&self, row: u32, frames: i64, out: &mut Vec<Plane>) {
        if let Some(planes) = self.frames.get(&row) {
            out.extend(planes);
            return;
        }
        let row = row as usize;
        // Several frames at one stated position (RT Dose, NM) are no stack that could be measured.
        if frames == 1
            && let (Some(position), Some(orientation)) = (
                self.array(
                    row,
                    &["image_position_patient", "first_frame_image_position_patient"],
                ),
                self.array(
                    row,
                    &["image_orientation_patient", "shared_image_orientation_patient"],
                ),
            )
        {
            out.push(Plane {
                position,
                orientation,
            });
        }
    }

    fn is_enhanced(&self, row: usize) -> bool {
        let valid = |name: &str| self.columns.get(name).is_some_and(|c| c.is_valid(row));
        valid("number_of_frames") || valid("first_frame_image_position_patient")
    }

    fn array<const N: usize>(&self, row: usize, names: &[&str]) -> Option<[f64; N]> {
        let column = names
            .iter()
            .filter_map(|n| self.columns.get(n))
            .find(|c| c.is_valid(row))?;
        let values: Vec<f64> = numbers(column, row).collect();
        values.try_into().ok()
    }

    /// (largest − smallest) / smallest over the rows; `None` without a number.
    fn spread(&self, names: &[&str], rows: &[u32]) -> Option<f64> {
        let least = self.extreme(names, rows, f64::min)?;
        let most = self.extreme(names, rows, f64::max)?;
        Some(if least == most {
            0.0
        } else {
            (most - least) / least.abs()
        })
    }

    fn extreme(&self, names: &[&str], rows: &[u32], pick: fn(f64, f64) -> f64) -> Option<f64> {
        let of_row = |row: &u32| {
            let row = *row as usize;
            let column = names
                .iter()
                .filter_map(|n| self.columns.get(n))
                .find(|c| c.is_valid(row))?;
            numbers(column, row).filter(|v| v.is_finite()).reduce(pick)
        };
        rows.iter().filter_map(of_row).reduce(pick)
    }

    fn column(
        &self,
        column: &SeriesColumn,
        groups: &[Group],
        facts: &[Facts],
        epoch: i64,
    ) -> Result<ArrayRef> {
        match column.rule {
            Rule::Key => {
                let first = UInt32Array::from_iter_values(groups.iter().map(|rows| rows[0]));
                take(self.get(column.name)?, &first, None)
            }
            Rule::First(names) => self.first(names, groups),
            Rule::Min(names) => Ok(self.extremes(names, groups, f64::min, &column.data_type)),
            Rule::Max(names) => Ok(self.extremes(names, groups, f64::max, &column.data_type)),
            Rule::Texts(name) => self.texts(name, groups),
            Rule::Numbers(name) => self.numbers(name, groups),
            Rule::Sum(name) => {
                let from = self.get(name)?;
                let sum = |rows: &Group| {
                    rows.iter()
                        .flat_map(|row| numbers(from, *row as usize))
                        .sum::<f64>() as i64
                };
                Ok(Arc::new(Int64Array::from_iter_values(groups.iter().map(sum))))
            }
            Rule::Computed => computed(column.name, facts, epoch),
        }
    }

    fn first(&self, names: &[&str], groups: &[Group]) -> Result<ArrayRef> {
        let mut merged = Arc::clone(self.get(names[0])?);
        for name in &names[1..] {
            merged = zip(&is_not_null(&merged)?, &merged, self.get(name)?)?;
        }
        let first = |rows: &Group| rows.iter().copied().find(|row| merged.is_valid(*row as usize));
        take(&merged, &UInt32Array::from_iter(groups.iter().map(first)), None)
    }

    fn extremes(
        &self,
        names: &[&str],
        groups: &[Group],
        pick: fn(f64, f64) -> f64,
        to: &DataType,
    ) -> ArrayRef {
        let values = groups.iter().map(|rows| self.extreme(names, rows, pick));
        match to {
            DataType::Int32 => Arc::new(values.map(|v| v.map(|v| v as i32)).collect::<Int32Array>()),
            DataType::Date32 => Arc::new(values.map(|v| v.map(|v| v as i32)).collect::<Date32Array>()),
            _ => Arc::new(values.collect::<Float64Array>()),
        }
    }

    fn texts(&self, name: &str, groups: &[Group]) -> Result<ArrayRef> {
        let column = self.get(name)?;
        let field = Arc::new(Field::new("item", DataType::Utf8, true));
        let mut out = ListBuilder::new(StringBuilder::new()).with_field(field);
        for rows in groups {
            let texts: BTreeSet<String> = rows
                .iter()
                .filter_map(|row| text(column, *row as usize))
                .collect();
            out.append_option((!texts.is_empty()).then(|| texts.into_iter().take(MAX_DISTINCT).map(Some)));
        }
        Ok(Arc::new(out.finish()))
    }

    fn numbers(&self, name: &str, groups: &[Group]) -> Result<ArrayRef> {
        let column = self.get(name)?;
        let field = Arc::new(Field::new("item", DataType::Float64, true));
        let mut out = ListBuilder::new(Float64Builder::new()).with_field(field);
        for rows in groups {
            let all = rows.iter().flat_map(|row| numbers(column, *row as usize));
            let mut found: Vec<f64> = all.filter(|v| v.is_finite()).collect();
            found.sort_by(f64::total_cmp);
            found.dedup();
            out.append_option((!found.is_empty()).then(|| found.into_iter().take(MAX_DISTINCT).map(Some)));
        }
        Ok(Arc::new(out.finish()))
    }
}

/// One column of all batches, in the type that the schema says (a reader may give views or dictionaries).
fn gather(batches: &[RecordBatch], name: &str, wanted: &DataType) -> Result<ArrayRef> {
    let mut parts = Vec::with_capacity(batches.len());
    for batch in batches {
        let column = batch
            .column_by_name(name)
            .ok_or_else(|| ArrowError::SchemaError(format!("no column {name} among a series' instances")))?;
        parts.push(cast(column, wanted)?);
    }
    if parts.is_empty() {
        return Ok(arrow::array::new_empty_array(wanted));
    }
    let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
    concat(&parts)
}

/// The numbers of a cell: one of a number or date, all of an array of doubles, none of NULL.
fn numbers(column: &ArrayRef, row: usize) -> Box<dyn Iterator<Item = f64> + '_> {
    if column.is_null(row) {
        return Box::new(std::iter::empty());
    }
    match column.data_type() {
        DataType::Int32 => Box::new(std::iter::once(f64::from(
            column.as_primitive::<Int32Type>().value(row),
        ))),
        DataType::Int64 => Box::new(std::iter::once(
            column.as_primitive::<Int64Type>().value(row) as f64
        )),
        DataType::Date32 => Box::new(std::iter::once(f64::from(
            column.as_primitive::<Date32Type>().value(row),
        ))),
        DataType::Float64 => Box::new(std::iter::once(column.as_primitive::<Float64Type>().value(row))),
        DataType::List(_) => {
            let values = column.as_list::<i32>().value(row);
            match values.as_primitive_opt::<Float64Type>() {
                // A NULL inside becomes NaN: the array keeps its length, and no rule takes it for a number.
                Some(values) => {
                    let all: Vec<f64> = values.iter().map(|v| v.unwrap_or(f64::NAN)).collect();
                    Box::new(all.into_iter())
                }
                None => Box::new(std::iter::empty()),
            }
        }
        _ => Box::new(std::iter::empty()),
    }
}

/// The text of a cell; of an array its texts joined by `\`.
fn text(column: &ArrayRef, row: usize) -> Option<String> {
    if column.is_null(row) {
        return None;
    }
    match column.data_type() {
        DataType::Utf8 => Some(column.as_string::<i32>().value(row).to_owned()),
        DataType::List(_) => {
            let values = column.as_list::<i32>().value(row);
            let texts: Vec<&str> = values
                .as_string_opt::<i32>()?
                .iter()
                .map(Option::unwrap_or_default)
                .collect();
            Some(texts.join("\\"))
        }
        _ => None,
    }
}

fn computed(name: &str, facts: &[Facts], epoch: i64) -> Result<ArrayRef> {
    let long =
        |f: fn(&Facts) -> i64| Ok(Arc::new(Int64Array::from_iter_values(facts.iter().map(f))) as ArrayRef);
    let int =
        |f: fn(&Facts) -> i32| Ok(Arc::new(Int32Array::from_iter_values(facts.iter().map(f))) as ArrayRef);
    let float = |f: fn(&Facts) -> Option<f64>| {
        Ok(Arc::new(facts.iter().map(f).collect::<Float64Array>()) as ArrayRef)
    };
    let boolean = |f: fn(&Facts) -> Option<bool>| {
        let mut out = BooleanBuilder::new();
        facts.iter().for_each(|x| out.append_option(f(x)));
        Ok(Arc::new(out.finish()) as ArrayRef)
    };
    match name {
        "instance_count" => long(|f| f.instances),
        "frame_count" => long(|f| f.frames),
        "frame_of_reference_uid" => Ok(Arc::new(
            facts
                .iter()
                .map(|f| f.frame_of_reference.as_deref())
                .collect::<StringArray>(),
        )),
        "frame_of_reference_count" => int(|f| f.frames_of_reference),
        "plane_count" => long(|f| f.geometry.planes as i64),
        "orientation_count" => int(|f| f.geometry.orientations as i32),
        "orientation" => {
            let names = facts.iter().map(|f| f.geometry.orientation.map(|o| o.as_str()));
            Ok(Arc::new(names.collect::<StringArray>()))
        }
        "obliquity_degrees" => float(|f| f.geometry.obliquity_degrees),
        "position_count" => long(|f| f.geometry.positions as i64),
        "duplicate_positions" => long(|f| f.geometry.duplicate_positions as i64),
        "slice_spacing_mm" => float(|f| f.geometry.slice_spacing),
        "spacing_min_mm" => float(|f| f.geometry.spacing_range.map(|r| r.0)),
        "spacing_max_mm" => float(|f| f.geometry.spacing_range.map(|r| r.1)),
        "uniform_spacing" => boolean(|f| f.geometry.uniform),
        "gaps" => long(|f| f.geometry.gaps as i64),
        "missing_slices" => long(|f| i64::try_from(f.geometry.missing_slices).unwrap_or(i64::MAX)),
        "stack_length_mm" => float(|f| f.geometry.length),
        "is_volume" => boolean(|f| Some(f.is_volume)),
        "ingested_epoch" => Ok(Arc::new(Int64Array::from_value(epoch, facts.len()))),
        other => Err(ArrowError::SchemaError(format!(
            "imaging.series.{other} has no rule"
        ))),
    }
}

#[cfg(test)]
#[path = "aggregate_tests.rs"]
mod tests;
