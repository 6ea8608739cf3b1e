//! IBSI's CT phantom under configurations A to E (reference manual 5), against all published values.
#![expect(clippy::unwrap_used, reason = "tests")]

use radlake_kernels::ibsi::{self, IntensityVolume};
use radlake_kernels::resample::{Interpolator, resample_ibsi};
use radlake_kernels::resegment::{Mode, Resegmentation};
use radlake_kernels::{Discretisation, Mask, Volume};

use crate::support;

struct Configuration {
    name: &'static str,
    /// Spacing (0: as it is) and interpolator.
    resample: Option<([f64; 3], Interpolator)>,
    range: [Option<f64>; 2],
    outliers: bool,
    discretisation: Discretisation,
    intensity_volume: IntensityVolume,
}

fn phantom() -> Option<(Volume, Mask)> {
    let image = support::reference("ibsi/ct_phantom/nifti/image.nii.gz")?;
    let labels = support::reference("ibsi/ct_phantom/nifti/mask.nii.gz")?;
    let mut image = support::nifti(&image);
    image.values.iter_mut().for_each(|v| *v = v.round());
    Some((image, support::mask(&support::nifti(&labels))))
}

/// Both masks after re-segmentation: range and outliers are each taken from the same region.
fn resegment(image: &Volume, mask: &Mask, c: &Configuration) -> Mask {
    let mut result = mask.clone();
    let mut restrict = |low, high, mode| {
        let kept = Resegmentation { low, high, mode }.apply(image, mask).unwrap();
        result
            .voxels
            .iter_mut()
            .zip(&kept.voxels)
            .for_each(|(a, b)| *a &= b);
    };
    if let Some(low) = c.range[0] {
        restrict(low, c.range[1], Mode::Absolute);
    }
    if c.outliers {
        restrict(-3.0, Some(3.0), Mode::Sigma);
    }
    result
}

fn check(c: &Configuration, compared: usize) {
    let file = format!("ibsi/reference/ibsi_1_chest_config_{}.csv", c.name);
    let (Some(reference), Some((image, mask))) = (support::reference(&file), phantom()) else {
        return;
    };
    let reference: Vec<_> = support::ibsi_reference(&reference)
        .into_iter()
        .filter(|(tag, ..)| {
            !["img_", "vox_", "mean_", "min_", "max_", "int_mask", "morph_mask"]
                .iter()
                .any(|p| tag.starts_with(p))
        })
        .collect();
    let (image, mask) = match c.resample {
        Some((spacing, how)) => resample_ibsi(&image, &mask, spacing, how, true).unwrap(),
        None => (image, mask),
    };
    let intensity = resegment(&image, &mask, c);
    println!(
        "{}: {} voxels, {} after re-segmentation",
        c.name,
        mask.count(),
        intensity.count()
    );
    let settings = ibsi::Settings {
        discretisation: c.discretisation,
        intensity_volume: c.intensity_volume,
        range: c.range,
        ..ibsi::Settings::default()
    };
    let features = ibsi::extract(&image, &mask, &intensity, &settings).unwrap();
    assert_eq!(support::compare(&features, &reference), (compared, 0));
}

#[test]
fn configuration_a() {
    check(
        &Configuration {
            name: "a",
            resample: None,
            range: [Some(-500.0), Some(400.0)],
            outliers: false,
            discretisation: Discretisation::IbsiWidth {
                width: 25.0,
                start: Some(-500.0),
            },
            intensity_volume: IntensityVolume::Discrete,
        },
        346,
    );
}

#[test]
fn configuration_b() {
    check(
        &Configuration {
            name: "b",
            resample: Some(([2.0, 2.0, 0.0], Interpolator::Linear)),
            range: [Some(-500.0), Some(400.0)],
            outliers: false,
            discretisation: Discretisation::IbsiCount(32),
            intensity_volume: IntensityVolume::Discrete,
        },
        346,
    );
}

#[test]
fn configuration_c() {
    check(
        &Configuration {
            name: "c",
            resample: Some(([2.0; 3], Interpolator::Linear)),
            range: [Some(-1000.0), Some(400.0)],
            outliers: false,
            discretisation: Discretisation::IbsiWidth {
                width: 25.0,
                start: Some(-1000.0),
            },
            intensity_volume: IntensityVolume::Width(2.5),
        },
        210,
    );
}

#[test]
fn configuration_d() {
    check(
        &Configuration {
            name: "d",
            resample: Some(([2.0; 3], Interpolator::Linear)),
            range: [None, None],
            outliers: true,
            discretisation: Discretisation::IbsiCount(32),
            intensity_volume: IntensityVolume::Discrete,
        },
        210,
    );
}

#[test]
fn configuration_e() {
    check(
        &Configuration {
            name: "e",
            resample: Some(([2.0; 3], Interpolator::BSpline)),
            range: [Some(-1000.0), Some(400.0)],
            outliers: true,
            discretisation: Discretisation::IbsiCount(32),
            intensity_volume: IntensityVolume::Count(1000),
        },
        210,
    );
}
