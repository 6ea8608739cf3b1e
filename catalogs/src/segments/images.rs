//! The images of a series as `imaging.instances` has them, and the grids that their planes make.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type};
use datafusion::catalog::TableProvider;
use datafusion::prelude::{Expr, col, lit};
use radlake_kernels::planes::{Plane, Stack, stacks};

use crate::Result;
use crate::dicom::objects::{FrameGeometry, ImageFrame};
use crate::ingest::Reader;

/// Where the lake has an instance, and by what it is known again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Located {
    /// SOP Instance UID.
    pub(crate) instance: String,
    /// Its file, as ingestion named it.
    pub(crate) uri: String,
    /// Fingerprint of its header.
    pub(crate) header_hash: String,
}

/// A row of `imaging.instances` that is an image.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ImageRow {
    pub(crate) located: Located,
    pub(crate) rows: u32,
    pub(crate) columns: u32,
    /// Number of Frames, if it says so.
    pub(crate) frames: Option<i64>,
    pub(crate) geometry: FrameGeometry,
    pub(crate) phase: u64,
}

const COLUMNS: [&str; 21] = [
    "sop_instance_uid",
    "source_uri",
    "header_hash",
    "rows",
    "columns",
    "number_of_frames",
    "image_position_patient",
    "image_orientation_patient",
    "pixel_spacing",
    "imager_pixel_spacing",
    "slice_thickness",
    "temporal_position_identifier",
    "trigger_time",
    "echo_numbers",
    "echo_time",
    "flip_angle",
    "inversion_time",
    "diffusion_b_value",
    "image_type",
    "sop_class_uid",
    "spacing_between_slices",
];

/// The images of a series, in the order of their UIDs. Memory: those rows.
pub(crate) async fn images_of(
    reader: &Reader,
    instances: &Arc<dyn TableProvider>,
    condition: Expr,
) -> Result<Vec<ImageRow>> {
    let mut found = Vec::new();
    for batch in reader.columns(instances, condition, &COLUMNS).await? {
        let batch = Batch::of(&batch)?;
        // Segmentations have rows and columns, and are no images to place others on.
        let image = |row: &usize| !SEGMENTATIONS.contains(&batch.text(3, *row).as_str());
        found.extend((0..batch.rows).filter(image).filter_map(|row| batch.image(row)));
    }
    found.sort_by(|a, b| a.located.instance.cmp(&b.located.instance));
    Ok(found)
}

/// The images of a series of this UID.
pub(crate) fn of_series(series: &str) -> Expr {
    col("series_instance_uid").eq(lit(series))
}

/// Segmentation Storage and Label Map Segmentation Storage.
const SEGMENTATIONS: [&str; 2] = ["1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"];

struct Batch {
    rows: usize,
    texts: [ArrayRef; 4],
    integers: [ArrayRef; 3],
    lists: [ArrayRef; 4],
    floats: [ArrayRef; 2],
    /// As text, for what tells images at one place apart.
    others: Vec<ArrayRef>,
}

impl Batch {
    fn of(batch: &RecordBatch) -> Result<Self> {
        let column = |i: usize, to: &DataType| -> Result<ArrayRef> { Ok(cast(batch.column(i), to)?) };
        let list = DataType::List(Arc::new(Field::new_list_field(DataType::Float64, true)));
        let text = &DataType::Utf8;
        Ok(Self {
            rows: batch.num_rows(),
            texts: [
                column(0, text)?,
                column(1, text)?,
                column(2, text)?,
                column(19, text)?,
            ],
            integers: [
                column(3, &DataType::Int64)?,
                column(4, &DataType::Int64)?,
                column(5, &DataType::Int64)?,
            ],
            lists: [
                column(6, &list)?,
                column(7, &list)?,
                column(8, &list)?,
                column(9, &list)?,
            ],
            floats: [column(10, &DataType::Float64)?, column(20, &DataType::Float64)?],
            others: (11..19).map(|i| Arc::clone(batch.column(i))).collect(),
        })
    }

    fn text(&self, column: usize, row: usize) -> String {
        self.texts[column].as_string::<i32>().value(row).to_owned()
    }

    fn image(&self, row: usize) -> Option<ImageRow> {
        let text = |i: usize| self.text(i, row);
        let integer = |i: usize| {
            let column = self.integers[i].as_primitive::<Int64Type>();
            column.is_valid(row).then(|| column.value(row))
        };
        let size = |i: usize| integer(i).and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0);
        let float = |i: usize| {
            let column = self.floats[i].as_primitive::<Float64Type>();
            column.is_valid(row).then(|| column.value(row))
        };
        Some(ImageRow {
            rows: size(0)?,
            columns: size(1)?,
            located: Located {
                instance: text(0),
                uri: text(1),
                header_hash: text(2),
            },
            frames: integer(2),
            geometry: FrameGeometry {
                position: array(&self.lists[0], row),
                orientation: array(&self.lists[1], row),
                spacing: array(&self.lists[2], row).or_else(|| array(&self.lists[3], row)),
                between: float(1),
                thickness: float(0),
            },
            phase: self.phase(row),
        })
    }

    fn phase(&self, row: usize) -> u64 {
        let mut hasher = blake3::Hasher::new();
        for column in &self.others {
            if column.is_valid(row)
                && let Ok(text) = arrow::util::display::array_value_to_string(column, row)
            {
                hasher.update(text.as_bytes());
            }
            hasher.update(&[0xFF]);
        }
        let mut number = [0; 8];
        hasher.finalize_xof().fill(&mut number);
        u64::from_le_bytes(number)
    }
}

fn array<const N: usize>(lists: &ArrayRef, row: usize) -> Option<[f64; N]> {
    let list = lists.as_list::<i32>();
    if list.is_null(row) {
        return None;
    }
    let values = list.value(row);
    let values = values.as_primitive::<Float64Type>();
    if values.len() != N || values.null_count() > 0 {
        return None;
    }
    Some(std::array::from_fn(|i| values.value(i)))
}

/// A grid, and of which image and frame each of its slices is.
#[derive(Debug, Clone)]
pub(crate) struct Grid {
    pub(crate) stack: Stack,
    /// Per slice the image and its frame, both from 0.
    pub(crate) slices: Vec<Option<(usize, usize)>>,
}

/// The grids that frames make, those with most slices first. Frames without a place in space are left out.
///
/// # Errors
/// Why planes are none, for people.
pub(crate) fn grids(
    frames: impl Iterator<Item = ((usize, usize), ImageFrame, [u32; 2])>,
) -> std::result::Result<Vec<Grid>, String> {
    let (mut planes, mut of) = (Vec::new(), Vec::new());
    let mut between = None;
    for (which, frame, size) in frames {
        if let Some(plane) = plane(&frame.geometry, size, frame.phase) {
            planes.push(plane);
            of.push(which);
            between = between.or(frame.geometry.between).or(frame.geometry.thickness);
        }
    }
    let between = between.map(f64::abs).filter(|mm| *mm >= 1e-6 && mm.is_finite());
    let found = stacks(&planes, between).map_err(|error| error.to_string())?;
    Ok(found
        .into_iter()
        .map(|stack| Grid {
            slices: stack.planes.iter().map(|plane| plane.map(|p| of[p])).collect(),
            stack,
        })
        .collect())
}

/// A frame as a plane; `None` if it has no place.
pub(crate) fn plane(at: &FrameGeometry, [rows, columns]: [u32; 2], phase: u64) -> Option<Plane> {
    let [a, b, c, d, e, f] = at.orientation?;
    Some(Plane {
        position: at.position?,
        row: [a, b, c],
        column: [d, e, f],
        spacing: at.spacing?,
        size: [rows as usize, columns as usize],
        key: Some(phase.cast_signed()),
    })
}
