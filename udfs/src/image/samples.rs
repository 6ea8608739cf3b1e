//! Regions for tests.

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::Float64Type;
use radlake_kernels::Geometry;

use super::roi::{ImageValue, image_array};

/// A ball in a box of 9 × 8 × 7 voxels of 1 × 1 × 3 mm; a voxel's value is its place in the box.
pub(crate) fn ball() -> ImageValue {
    let mut geometry = Geometry::new([9, 8, 7], [1.0, 1.0, 3.0]).unwrap();
    geometry.origin = [-10.0, 20.0, 30.0];
    let mut mask = vec![0; geometry.len()];
    for (at, member) in mask.iter_mut().enumerate() {
        let place = [at % 9, at / 9 % 8, at / 72].map(|v| v as f64);
        let apart = (place[0] - 4.0).powi(2) + (place[1] - 4.0).powi(2) + (3.0 * (place[2] - 3.0)).powi(2);
        *member = u8::from(apart <= 10.0) * 255;
    }
    ImageValue {
        voxels: (0..geometry.len()).map(|v| v as f32).collect(),
        mask: Some(mask),
        modality: Some("CT".to_owned()),
        units: Some("HU".to_owned()),
        margin: Some(1),
        geometry,
    }
}

/// The same box without a member.
pub(crate) fn empty() -> ImageValue {
    let ball = ball();
    ImageValue {
        mask: Some(vec![0; ball.voxels.len()]),
        ..ball
    }
}

/// A table's one column, `a`, of regions.
pub(crate) fn column(values: Vec<Option<ImageValue>>) -> Vec<ArrayRef> {
    vec![image_array(values, true).unwrap()]
}

/// A table's one column, `a`, of volumes.
pub(crate) fn volumes(values: Vec<Option<ImageValue>>) -> Vec<ArrayRef> {
    vec![image_array(values, false).unwrap()]
}

/// The numbers that `sql` answers over `t`.
pub(crate) fn numbers(sql: &str, columns: Vec<ArrayRef>) -> Vec<Option<f64>> {
    let answer = crate::testing::run(sql, columns).unwrap();
    answer.as_primitive::<Float64Type>().iter().collect()
}
