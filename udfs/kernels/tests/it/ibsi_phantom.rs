//! IBSI's digital phantom from the distributed files: the typed copy in `ibsi::phantom` is the same.

use radlake_kernels::ibsi::phantom;

use crate::support;

#[test]
fn the_typed_phantom_is_the_published_one() {
    let (Some(values), Some(image), Some(labels)) = (
        support::reference("ibsi/reference/ibsi_1_dig_phantom.csv"),
        support::reference("ibsi/digital_phantom/image.nii.gz"),
        support::reference("ibsi/digital_phantom/mask.nii.gz"),
    ) else {
        return;
    };
    let (typed, mask) = phantom::phantom().unwrap();
    assert_eq!(typed.values, support::nifti(&image).values);
    assert_eq!(mask, support::mask(&support::nifti(&labels)));
    let published = support::ibsi_reference(&values);
    let typed: Vec<(String, f64, f64)> = phantom::check()
        .unwrap()
        .iter()
        .map(|c| {
            let suffix = if c.aggregation.is_empty() {
                String::new()
            } else {
                format!("_{}", c.aggregation)
            };
            (format!("{}{suffix}", c.feature), c.reference, c.tolerance)
        })
        .collect();
    assert_eq!(typed, published);
}
