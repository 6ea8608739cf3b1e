//! Rows of `imaging.series` from all instances of the series.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanBuilder, Date32Array, Float64Array, Float64Builder, Int32Array,
    Int64Array, ListBuilder, RecordBatch, StringArray, StringBuilder, UInt32Array,
};
use arrow::compute::kernels::zip::zip;
use arrow::compute::{cast, is_not_null, take};
use arrow::datatypes::{DataType, Field, Int32Type};
use arrow::error::ArrowError;
use rustc_hash::FxHashMap;

use super::cells::{gather, numbers, plain, text, texts};
use super::frames;
use super::geometry::{Geometry, Plane, geometry};
use super::schema::{
    COLUMNS, MAX_DISTINCT, PIXEL_SPACING, Rule, SeriesColumn, series_schema, source_columns,
};
use crate::dicom::{Items, instances_schema};

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
        // Rows may be another distance apart than columns; each are compared with themselves.
        let even = |axis| {
            self.spacing_spread(axis, rows)
                .is_some_and(|relative| relative <= PIXEL_SPACING_TOLERANCE)
        };
        let is_volume = placed
            && geometry.is_regular()
            && geometry.planes == planes.len()
            && one_matrix
            && even(0)
            && even(1)
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
        let (Some(position), Some(orientation)) = (
            self.array(
                row,
                &["image_position_patient", "first_frame_image_position_patient"],
            ),
            self.array(
                row,
                &["image_orientation_patient", "shared_image_orientation_patient"],
            ),
        ) else {
            return;
        };
        let first = Plane {
            position,
            orientation,
        };
        let offsets: Vec<f64> = self
            .columns
            .get("grid_frame_offset_vector")
            .map_or(Vec::new(), |column| numbers(column, row).collect());
        // Several frames at one stated position (NM) are no stack that could be measured.
        if frames == 1 {
            out.push(first);
        } else if offsets.len() as i64 == frames {
            out.extend(frames::dose_planes(&first, &offsets));
        }
    }

    /// Whether functional groups place frames: only then the data set is read once more, for which frame lies where.
    fn is_enhanced(&self, row: usize) -> bool {
        let positions = self.columns.get("image_positions_patient");
        positions.is_some_and(|c| c.is_valid(row))
    }

    fn array<const N: usize>(&self, row: usize, names: &[&str]) -> Option<[f64; N]> {
        let column = names
            .iter()
            .filter_map(|n| self.columns.get(n))
            .find(|c| c.is_valid(row))?;
        let values: Vec<f64> = numbers(column, row).collect();
        values.try_into().ok()
    }

    /// The first of the columns that is not NULL in a row.
    fn said(&self, names: &[&'static str], row: usize) -> Option<&ArrayRef> {
        names
            .iter()
            .filter_map(|n| self.columns.get(n))
            .find(|c| c.is_valid(row))
    }

    /// (largest − smallest) / smallest over the rows; `None` without a number.
    fn spread(&self, names: &[&'static str], rows: &[u32]) -> Option<f64> {
        let least = self.extreme(names, rows, f64::min)?;
        let most = self.extreme(names, rows, f64::max)?;
        Some(relative(least, most))
    }

    /// As [`Source::spread`], of the distances of rows (0) or columns (1).
    fn spacing_spread(&self, axis: usize, rows: &[u32]) -> Option<f64> {
        let distances = rows.iter().flat_map(|row| {
            let row = *row as usize;
            let column = self.said(PIXEL_SPACING, row);
            column
                .into_iter()
                .flat_map(move |column| numbers(column, row).skip(axis).step_by(2))
        });
        let (least, most) =
            distances
                .filter(|d| d.is_finite())
                .fold(None, |range: Option<(f64, f64)>, d| {
                    Some(range.map_or((d, d), |(least, most)| (least.min(d), most.max(d))))
                })?;
        Some(relative(least, most))
    }

    fn extreme(&self, names: &[&'static str], rows: &[u32], pick: fn(f64, f64) -> f64) -> Option<f64> {
        let of_row = |row: &u32| {
            let row = *row as usize;
            let column = self.said(names, row)?;
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
            Rule::Texts(names) => Ok(self.texts(names, groups)),
            Rule::Numbers(names) => Ok(self.numbers(names, groups)),
            Rule::Sum(name) => {
                let from = self.get(name)?;
                let sum = |rows: &Group| {
                    rows.iter()
                        .flat_map(|row| numbers(from, *row as usize))
                        .sum::<f64>() as i64
                };
                Ok(Arc::new(Int64Array::from_iter_values(groups.iter().map(sum))))
            }
            Rule::Count(names) => self.count(names, groups),
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
        names: &[&'static str],
        groups: &[Group],
        pick: fn(f64, f64) -> f64,
        to: &DataType,
    ) -> ArrayRef {
        let values = groups.iter().map(|rows| self.extreme(names, rows, pick));
        match to {
            DataType::Int32 => Arc::new(
                values
                    .map(|v| v.map(|v| v.round() as i32))
                    .collect::<Int32Array>(),
            ),
            DataType::Date32 => Arc::new(values.map(|v| v.map(|v| v as i32)).collect::<Date32Array>()),
            _ => Arc::new(values.collect::<Float64Array>()),
        }
    }

    fn count(&self, names: &[&str], groups: &[Group]) -> Result<ArrayRef> {
        let columns = names.iter().map(|n| self.get(n)).collect::<Result<Vec<_>>>()?;
        let count = |rows: &Group| {
            let mut found = BTreeSet::new();
            let mut last = None;
            for row in rows.iter().map(|row| *row as usize) {
                // One column or two; nearly always what the row before said.
                let values = [0, 1].map(|i| columns.get(i).and_then(|column| plain(column, row)));
                let counts = names.len() > 1 || values[0].is_some();
                if counts && last.as_ref() != Some(&values) {
                    last = Some(values.clone());
                    found.insert(values);
                }
            }
            found.len() as i32
        };
        Ok(Arc::new(Int32Array::from_iter_values(groups.iter().map(count))))
    }

    fn texts(&self, names: &[&'static str], groups: &[Group]) -> ArrayRef {
        let field = Arc::new(Field::new("item", DataType::Utf8, true));
        let mut out = ListBuilder::new(StringBuilder::new()).with_field(field);
        for rows in groups {
            let mut found = BTreeSet::new();
            for row in rows.iter().map(|row| *row as usize) {
                let mut said = names.iter().filter_map(|n| self.columns.get(n).map(|c| (*n, c)));
                match said.find(|(_, column)| column.is_valid(row)) {
                    Some((name, column)) if of_frames(name) => found.extend(texts(column, row)),
                    Some((_, column)) => found.extend(text(column, row)),
                    None => {}
                }
            }
            out.append_option((!found.is_empty()).then(|| found.into_iter().take(MAX_DISTINCT).map(Some)));
        }
        Arc::new(out.finish())
    }

    fn numbers(&self, names: &[&'static str], groups: &[Group]) -> ArrayRef {
        let field = Arc::new(Field::new("item", DataType::Float64, true));
        let mut out = ListBuilder::new(Float64Builder::new()).with_field(field);
        for rows in groups {
            let all = rows.iter().flat_map(|row| {
                let row = *row as usize;
                let column = self.said(names, row);
                column.into_iter().flat_map(move |column| numbers(column, row))
            });
            let mut found: Vec<f64> = all.filter(|v| v.is_finite()).collect();
            found.sort_by(f64::total_cmp);
            found.dedup();
            out.append_option((!found.is_empty()).then(|| found.into_iter().take(MAX_DISTINCT).map(Some)));
        }
        Arc::new(out.finish())
    }
}

/// (most − least) / least.
fn relative(least: f64, most: f64) -> f64 {
    if least == most {
        0.0
    } else {
        (most - least) / least.abs()
    }
}

/// Whether a column of instances is an array with an entry per value of frames.
fn of_frames(name: &str) -> bool {
    let column = crate::dicom::COLUMNS.iter().find(|c| c.name == name);
    column.is_some_and(|c| c.items == Items::Frames)
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

#[cfg(test)]
#[path = "volume_tests.rs"]
mod volume_tests;
