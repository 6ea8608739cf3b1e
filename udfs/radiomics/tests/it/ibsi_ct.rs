//! IBSI's CT phantom under configurations A to E (reference manual 5), each a text of settings, against all published
//! values; and the digital phantom through settings.
#![expect(clippy::unwrap_used, reason = "tests")]

use radlake_kernels::ibsi;
use radlake_kernels::{Mask, Volume};
use radlake_radiomics::{Settings, extract, phantom_check};

use crate::support;

fn phantom() -> Option<(Volume, Mask)> {
    let image = support::reference("ibsi/ct_phantom/nifti/image.nii.gz")?;
    let labels = support::reference("ibsi/ct_phantom/nifti/mask.nii.gz")?;
    let mut image = support::nifti(&image);
    image.values.iter_mut().for_each(|v| *v = v.round());
    Some((image, support::mask(&support::nifti(&labels))))
}

/// Compares with the reference, and tells each miss; returns compared and missed.
fn compare(found: &[(String, f64)], reference: &[(String, f64, f64)]) -> (usize, usize) {
    let (mut compared, mut missed) = (0, 0);
    for (tag, value, tolerance) in reference {
        let Some((_, got)) = found.iter().find(|(name, _)| *name == tag.to_lowercase()) else {
            println!("not computed: {tag} = {value}");
            continue;
        };
        compared += 1;
        // Published values are rounded to three digits.
        let digits = match *value {
            0.0 => 5e-4,
            v => 0.501 * 10f64.powf(v.abs().log10().floor() - 2.0),
        };
        if (got - value).abs() > digits + tolerance || got.is_nan() {
            missed += 1;
            println!("{tag}: got {got}, reference {value} ± {tolerance}");
        }
    }
    (compared, missed)
}

fn check(name: &str, settings: &str, compared: usize) {
    let file = format!("ibsi/reference/ibsi_1_chest_config_{name}.csv");
    let (Some(reference), Some((image, mask))) = (support::reference(&file), phantom()) else {
        return;
    };
    let settings = Settings::from_text(&format!("profile: ibsi\n{settings}")).unwrap();
    let values = extract(&image, &mask, &settings, &|| false).unwrap();
    let found: Vec<(String, f64)> = settings
        .names()
        .into_iter()
        .zip(values.into_iter().map(|v| v.unwrap_or(f64::NAN)))
        .collect();
    assert_eq!(
        compare(&found, &support::ibsi_reference(&reference)),
        (compared, 0)
    );
}

#[test]
fn configuration_a() {
    check(
        "a",
        "binWidth: 25\nresegmentRange: [-500, 400]\ndimension: [2D, 2.5D]\n",
        346,
    );
}

#[test]
fn configuration_b() {
    check(
        "b",
        "binCount: 32\nresegmentRange: [-500, 400]\ndimension: [2D, 2.5D]\n\
         resampledPixelSpacing: [2, 2, 0]\ninterpolator: linear\n",
        346,
    );
}

#[test]
fn configuration_c() {
    check(
        "c",
        "binWidth: 25\nivhBinWidth: 2.5\nresegmentRange: [-1000, 400]\nresampledPixelSpacing: [2, 2, 2]\n",
        210,
    );
}

#[test]
fn configuration_d() {
    check(
        "d",
        "binCount: 32\noutlierSigma: 3\nresampledPixelSpacing: [2, 2, 2]\n",
        210,
    );
}

#[test]
fn configuration_e() {
    check(
        "e",
        "binCount: 32\nivhBinCount: 1000\nresegmentRange: [-1000, 400]\noutlierSigma: 3\n\
         resampledPixelSpacing: [2, 2, 2]\ninterpolator: bspline\nroundIntensities: true\n",
        210,
    );
}

#[test]
fn the_box_of_the_region_gives_what_the_whole_image_gives() {
    let Some((image, mask)) = phantom() else {
        return;
    };
    let settings = Settings::from_text(
        "{profile: ibsi, binWidth: 25, resegmentRange: [-500, 400], dimension: [2D, 2.5D, 3D]}",
    )
    .unwrap();
    let Settings::Ibsi(own) = &settings else {
        panic!("another profile");
    };
    let intensity = radlake_kernels::resegment::Resegmentation {
        low: -500.0,
        high: Some(400.0),
        mode: radlake_kernels::resegment::Mode::Absolute,
    };
    let intensity = intensity.apply(&image, &mask).unwrap();
    let whole = ibsi::extract(&image, &mask, &intensity, &own.kernel).unwrap();
    let values = extract(&image, &mask, &settings, &|| false).unwrap();
    assert_eq!(values.len(), whole.len());
    for (name, value) in settings.names().iter().zip(values) {
        let same = whole
            .iter()
            .find(|f| support::tag(f).to_lowercase() == *name)
            .unwrap();
        let (a, b) = (value.unwrap(), same.value.unwrap());
        assert!((a - b).abs() <= 1e-12 * b.abs(), "{name}: {a}, whole image {b}");
    }
}

#[test]
fn the_digital_phantom_through_settings() {
    let (image, mask) = ibsi::phantom::phantom().unwrap();
    let settings =
        Settings::from_text("{profile: ibsi, discretisation: none, dimension: [2D, 2.5D, 3D]}").unwrap();
    let values = extract(&image, &mask, &settings, &|| false).unwrap();
    let names = settings.names();
    let checks = phantom_check().unwrap();
    for check in &checks {
        let suffix = match check.aggregation {
            "" => String::new(),
            aggregation => format!("_{}", aggregation.to_lowercase()),
        };
        let name = format!("{}{suffix}", check.feature);
        let at = names.iter().position(|n| *n == name).unwrap();
        assert_eq!(values[at], Ok(check.value), "{name}");
        assert!(check.ok, "{name}");
    }
    // One feature has no published value.
    assert_eq!(names.len(), checks.len() + 1);
}
