//! The structs in which images come as values: `volume` (voxels on a grid) and `roi` (the same around a region, with its mask).
//!
//! Both are plain structs, so that every field can be read in SQL: `(roi).spacing`. Voxels are float32 in the modality's units, columns
//! fastest, then rows, then slices. Lists of the grid have three numbers, along columns, rows and slices; `direction` has nine: column
//! `a` of the row-major matrix is the direction of axis `a` in the patient, as in ITK.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryBuilder, Float32Array, Float64Array, Int32Array, ListArray, StringArray,
    StructArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, Fields, Float32Type, Float64Type, Int32Type};
use arrow::error::ArrowError;
use datafusion::common::exec_err;
use datafusion::error::Result;
use radlake_kernels::Geometry;

/// A value to be put into a column of regions or volumes.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageValue {
    /// The grid.
    pub geometry: Geometry,
    /// One per voxel, columns fastest.
    pub voxels: Vec<f32>,
    /// Of a region, 1 where a voxel is in it and 0 elsewhere, as many as voxels.
    pub mask: Option<Vec<u8>>,
    /// Modality (0008,0060).
    pub modality: Option<String>,
    /// Units of the voxels: HU, BQML, ...
    pub units: Option<String>,
    /// Of a region, how many voxels around its box are shown where the image has them; `None`: all of the image.
    pub margin: Option<usize>,
}

fn list(of: DataType) -> DataType {
    DataType::List(Arc::new(Field::new_list_field(of, true)))
}

fn fields(with_mask: bool) -> Fields {
    let mask = with_mask.then(|| Field::new("mask", DataType::Binary, true));
    [
        Some(Field::new("voxels", list(DataType::Float32), true)),
        mask,
        Some(Field::new("size", list(DataType::Int32), true)),
        Some(Field::new("spacing", list(DataType::Float64), true)),
        Some(Field::new("origin", list(DataType::Float64), true)),
        Some(Field::new("direction", list(DataType::Float64), true)),
        Some(Field::new("modality", DataType::Utf8, true)),
        Some(Field::new("units", DataType::Utf8, true)),
        with_mask.then(|| Field::new("margin", DataType::Int32, true)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The type of `imaging.regions.roi`.
pub fn roi_type() -> DataType {
    DataType::Struct(fields(true))
}

/// The type of `imaging.volumes.volume`.
pub fn volume_type() -> DataType {
    DataType::Struct(fields(false))
}

/// A column of regions (`with_mask`) or volumes.
///
/// # Errors
/// More voxels in one column than 2³¹ - 1.
pub fn image_array(mut values: Vec<Option<ImageValue>>, with_mask: bool) -> Result<ArrayRef, ArrowError> {
    let lengths: Vec<Option<usize>> = values
        .iter()
        .map(|v| v.as_ref().map(|v| v.voxels.len()))
        .collect();
    // A single value is not copied: it may be a gigabyte.
    let voxels = match values.as_mut_slice() {
        [Some(only)] => Float32Array::from(std::mem::take(&mut only.voxels)),
        all => Float32Array::from_iter_values(all.iter().flatten().flat_map(|v| v.voxels.iter().copied())),
    };
    let all = || values.iter().map(Option::as_ref);
    let numbers = |f: fn(&Geometry) -> &[f64]| -> Result<ArrayRef, ArrowError> {
        let flat =
            Float64Array::from_iter_values(all().flatten().flat_map(|v| f(&v.geometry).iter().copied()));
        lists(
            DataType::Float64,
            all().map(|v| v.map(|v| f(&v.geometry).len())),
            Arc::new(flat),
        )
    };
    let sizes = Int32Array::from_iter_values(
        all()
            .flatten()
            .flat_map(|v| v.geometry.size.map(|n| i32::try_from(n).unwrap_or(i32::MAX))),
    );
    let mut columns: Vec<ArrayRef> = vec![lists(DataType::Float32, lengths.into_iter(), Arc::new(voxels))?];
    if with_mask {
        let mut masks = BinaryBuilder::new();
        for value in all() {
            masks.append_option(value.and_then(|v| v.mask.as_deref()));
        }
        columns.push(Arc::new(masks.finish()));
    }
    columns.push(lists(
        DataType::Int32,
        all().map(|v| v.map(|_| 3)),
        Arc::new(sizes),
    )?);
    columns.push(numbers(|g| &g.spacing)?);
    columns.push(numbers(|g| &g.origin)?);
    columns.push(numbers(|g| &g.direction)?);
    columns.push(Arc::new(
        all().map(|v| v?.modality.as_deref()).collect::<StringArray>(),
    ));
    columns.push(Arc::new(
        all().map(|v| v?.units.as_deref()).collect::<StringArray>(),
    ));
    if with_mask {
        let margins = all().map(|v| v?.margin.map(|n| i32::try_from(n).unwrap_or(i32::MAX)));
        columns.push(Arc::new(margins.collect::<Int32Array>()));
    }
    let valid: NullBuffer = all().map(|v| v.is_some()).collect::<Vec<_>>().into();
    Ok(Arc::new(StructArray::try_new(
        fields(with_mask),
        columns,
        Some(valid),
    )?))
}

fn lists(
    of: DataType,
    lengths: impl Iterator<Item = Option<usize>> + Clone,
    values: ArrayRef,
) -> Result<ArrayRef, ArrowError> {
    let mut offsets = vec![0_i32];
    let mut end = 0_i32;
    for length in lengths.clone() {
        end = i32::try_from(length.unwrap_or_default())
            .ok()
            .and_then(|length| end.checked_add(length))
            .ok_or_else(|| ArrowError::InvalidArgumentError("too many voxels for one column".to_owned()))?;
        offsets.push(end);
    }
    let valid: NullBuffer = lengths.map(|n| n.is_some()).collect::<Vec<_>>().into();
    let field = Arc::new(Field::new_list_field(of, true));
    let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
    Ok(Arc::new(ListArray::try_new(field, offsets, values, Some(valid))?))
}

/// A region or volume of a column, checked: a client may have put the struct together himself.
#[derive(Debug, Clone)]
pub struct ImageView {
    /// The grid.
    pub geometry: Geometry,
    voxels: ArrayRef,
    mask: Option<ArrayRef>,
    /// Modality (0008,0060).
    pub modality: Option<String>,
    /// Units of the voxels.
    pub units: Option<String>,
    /// Of a region, how many voxels around its box it shows; `None`: all of the image, or of a volume.
    pub margin: Option<usize>,
}

impl ImageView {
    /// One per voxel, columns fastest.
    pub fn voxels(&self) -> &[f32] {
        self.voxels.as_primitive::<Float32Type>().values()
    }

    /// Not zero where a voxel is in the region; `None` of a volume.
    pub fn mask(&self) -> Option<&[u8]> {
        Some(self.mask.as_ref()?.as_binary::<i32>().value(0))
    }
}

/// The value of a row of a column of regions or volumes, which may be of NULLs alone; `None` if it is NULL.
///
/// # Errors
/// As [`image_at`].
pub fn image_in(function: &str, column: &ArrayRef, row: usize) -> Result<Option<ImageView>> {
    match column.as_struct_opt() {
        Some(column) => image_at(function, column, row),
        None if column.data_type().is_null() => Ok(None),
        None => exec_err!("{function}: no region or volume: {}", column.data_type()),
    }
}

/// The value of a row; `None` if it is NULL. `function` is named by errors.
///
/// # Errors
/// A struct whose parts do not fit together.
pub fn image_at(function: &str, column: &StructArray, row: usize) -> Result<Option<ImageView>> {
    if column.is_null(row) {
        return Ok(None);
    }
    let part = |name: &str| -> Option<ArrayRef> {
        let part = column.column_by_name(name)?;
        part.is_valid(row).then(|| part.slice(row, 1))
    };
    let item = |name: &str| -> Option<ArrayRef> {
        let part = part(name)?;
        let values = part.as_list_opt::<i32>()?.value(0);
        (values.null_count() == 0).then_some(values)
    };
    let three = |name: &str| -> Option<[f64; 3]> {
        let values = item(name)?;
        values
            .as_primitive_opt::<Float64Type>()?
            .values()
            .as_ref()
            .try_into()
            .ok()
    };
    let parts = || -> Option<ImageView> {
        let size = item("size")?;
        let size: [i32; 3] = size
            .as_primitive_opt::<Int32Type>()?
            .values()
            .as_ref()
            .try_into()
            .ok()?;
        let direction = item("direction")?;
        let geometry = Geometry {
            size: [
                usize::try_from(size[0]).ok()?,
                usize::try_from(size[1]).ok()?,
                usize::try_from(size[2]).ok()?,
            ],
            spacing: three("spacing")?,
            origin: three("origin")?,
            direction: direction
                .as_primitive_opt::<Float64Type>()?
                .values()
                .as_ref()
                .try_into()
                .ok()?,
        };
        geometry.check().ok()?;
        let text = |name: &str| Some(part(name)?.as_string_opt::<i32>()?.value(0).to_owned());
        let view = ImageView {
            voxels: item("voxels").filter(|v| v.as_primitive_opt::<Float32Type>().is_some())?,
            mask: part("mask"),
            modality: text("modality"),
            units: text("units"),
            margin: part("margin").and_then(|part| {
                let margin = part.as_primitive_opt::<Int32Type>()?.value(0);
                Some(usize::try_from(margin).unwrap_or_default())
            }),
            geometry,
        };
        let voxels = view.geometry.len();
        (view.voxels.len() == voxels && view.mask().is_none_or(|mask| mask.len() == voxels)).then_some(view)
    };
    match parts() {
        Some(view) => Ok(Some(view)),
        None => exec_err!("{function}: the struct is no region or volume: its parts do not fit together"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out() {
        let value = ImageValue {
            geometry: Geometry::new([2, 1, 3], [1.0, 2.0, 3.0]).unwrap(),
            voxels: vec![0.0, 1.0, 2.0, 3.0, 4.0, -5.5],
            mask: Some(vec![0, 1, 1, 0, 0, 1]),
            modality: Some("CT".to_owned()),
            units: None,
            margin: Some(3),
        };
        let array = image_array(vec![None, Some(value.clone())], true).unwrap();
        assert_eq!(*array.data_type(), roi_type());
        let array = array.as_struct();
        assert!(image_at("f", array, 0).unwrap().is_none());
        let view = image_at("f", array, 1).unwrap().unwrap();
        assert_eq!(view.geometry, value.geometry);
        assert_eq!(
            (view.voxels(), view.mask()),
            (&value.voxels[..], value.mask.as_deref())
        );
        assert_eq!((view.modality, view.units), (value.modality.clone(), None));
        assert_eq!(view.margin, Some(3));
        let volume = image_array(vec![Some(ImageValue { mask: None, ..value })], false).unwrap();
        assert_eq!(*volume.data_type(), volume_type());
        assert!(
            image_at("f", volume.as_struct(), 0)
                .unwrap()
                .unwrap()
                .mask()
                .is_none()
        );
    }

    #[test]
    fn parts_that_do_not_fit_are_refused() {
        let value = ImageValue {
            geometry: Geometry::new([2, 2, 2], [1.0; 3]).unwrap(),
            voxels: vec![0.0; 7],
            mask: Some(vec![0; 8]),
            modality: None,
            units: None,
            margin: None,
        };
        let array = image_array(vec![Some(value)], true).unwrap();
        assert!(
            image_at("mean_hu", array.as_struct(), 0)
                .unwrap_err()
                .to_string()
                .contains("mean_hu")
        );
    }
}
