//! What must not bring the kernels down: empty, tiny, flat, huge, ill-fitting and non-finite input.
#![expect(clippy::unwrap_used, reason = "tests")]

use radlake_kernels::filters::{Pointwise, gradient_magnitude, laplacian_of_gaussian, pointwise, wavelet};
use radlake_kernels::ibsi;
use radlake_kernels::image_types::{self, ImageType};
use radlake_kernels::neighbours::WeightingNorm;
use radlake_kernels::pyradiomics::{Settings, extract};
use radlake_kernels::resample::{Interpolator, resample_ibsi, resample_pyradiomics};
use radlake_kernels::resegment::{Mode, Resegmentation};
use radlake_kernels::{
    BoundingBox, Discretisation, Error, Feature, Geometry, Mask, PixelType, Undefined, Volume,
};

fn pair(size: [usize; 3], value: impl Fn(usize) -> f64, inside: impl Fn(usize) -> bool) -> (Volume, Mask) {
    let grid = Geometry::new(size, [1.0, 0.8, 2.5]).unwrap();
    let n = grid.len();
    (
        Volume::new(grid.clone(), (0..n).map(value).collect(), PixelType::Float64).unwrap(),
        Mask::new(grid, (0..n).map(inside).collect()).unwrap(),
    )
}

fn noise(k: usize) -> f64 {
    (k.wrapping_mul(2_654_435_761) >> 7) as f64 % 500.0 - 250.0
}

fn value(features: &[Feature], class: &str, name: &str) -> Result<f64, Undefined> {
    features
        .iter()
        .find(|f| f.class == class && f.name == name)
        .unwrap()
        .value
}

#[test]
fn buffers_that_do_not_fit() {
    let grid = Geometry::new([2, 3, 4], [1.0; 3]).unwrap();
    assert!(matches!(
        Volume::new(grid.clone(), vec![0.0; 23], PixelType::Float64),
        Err(Error::WrongLength { .. })
    ));
    assert!(matches!(
        Mask::new(grid, vec![true; 25]),
        Err(Error::WrongLength { .. })
    ));
    let (image, _) = pair([4, 4, 4], noise, |_| true);
    let (_, mask) = pair([4, 4, 5], noise, |_| true);
    let settings = Settings::default();
    assert!(matches!(
        extract(&image, &mask, &settings),
        Err(Error::SizeMismatch { .. })
    ));
    let ibsi_settings = ibsi::Settings::default();
    assert!(matches!(
        ibsi::extract(&image, &mask, &mask, &ibsi_settings),
        Err(Error::SizeMismatch { .. })
    ));
    let range = Resegmentation {
        low: 0.0,
        high: None,
        mode: Mode::Absolute,
    };
    assert!(matches!(
        range.apply(&image, &mask),
        Err(Error::SizeMismatch { .. })
    ));
    let outside = BoundingBox {
        low: [0; 3],
        high: [4, 3, 3],
    };
    assert!(wavelet(&image, outside, None).is_err());
    assert!(laplacian_of_gaussian(&image, outside, 1.0).is_err());
    assert!(gradient_magnitude(&image, outside, true).is_err());
    assert!(pointwise(&image, outside, Pointwise::Square).is_err());
}

#[test]
fn empty_and_single() {
    let (image, mask) = pair([5, 5, 5], noise, |_| false);
    assert_eq!(
        extract(&image, &mask, &Settings::default()),
        Err(Error::EmptyMask)
    );
    assert_eq!(
        ibsi::extract(&image, &mask, &mask, &ibsi::Settings::default()),
        Err(Error::EmptyMask)
    );
    let (image, mask) = pair([5, 5, 5], noise, |k| k == 62);
    assert_eq!(
        extract(&image, &mask, &Settings::default()),
        Err(Error::RegionTooSmall {
            voxels: 1,
            dimensions: 0
        })
    );
    // IBSI does not refuse a voxel; what is not defined says so.
    let features = ibsi::extract(&image, &mask, &mask, &ibsi::Settings::default()).unwrap();
    assert_eq!(value(&features, "stat", "mean"), Ok(noise(62)));
    assert!(value(&features, "cm", "contrast").is_err());
    assert!(value(&features, "morph", "moran_i").is_err());
    for feature in &features {
        assert!(feature.value.is_ok_and(f64::is_finite) || feature.value.is_err());
    }
}

#[test]
fn not_finite() {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let (image, mask) = pair(
            [6, 6, 6],
            |k| if k == 100 { bad } else { noise(k) },
            |k| k % 2 == 0,
        );
        assert_eq!(
            extract(&image, &mask, &Settings::default()),
            Err(Error::NotFinite { count: 1 })
        );
        // Outside the region anything may stand.
        let (image, mask) = pair(
            [6, 6, 6],
            |k| if k == 101 { bad } else { noise(k) },
            |k| k % 2 == 0,
        );
        assert!(extract(&image, &mask, &Settings::default()).is_ok());
        let features = ibsi::extract(&image, &mask, &mask, &ibsi::Settings::default()).unwrap();
        assert!(value(&features, "loc", "peak_loc").unwrap().is_finite());
        let normalise = Settings {
            normalise: Some((100.0, None)),
            ..Settings::default()
        };
        assert!(matches!(
            extract(&image, &mask, &normalise),
            Err(Error::BadSetting { .. })
        ));
        for kind in [
            ImageType::Square,
            ImageType::Wavelet,
            ImageType::LoG(1.0),
            ImageType::Gradient,
        ] {
            // An error, or numbers; never a panic.
            let _ = image_types::extract(&image, &mask, &Settings::default(), &[kind]);
        }
    }
}

#[test]
fn flat_regions() {
    let (image, mask) = pair([7, 6, 5], |_| -37.0, |k| k % 5 != 0);
    let features = extract(&image, &mask, &Settings::default()).unwrap();
    // PyRadiomics' conventions for one grey level.
    for (class, name, expected) in [
        ("firstorder", "Skewness", 0.0),
        ("firstorder", "Kurtosis", 0.0),
        ("glcm", "Correlation", 1.0),
        ("glcm", "MCC", 1.0),
        ("glcm", "Imc2", 0.0),
        ("ngtdm", "Coarseness", 1e6),
        ("ngtdm", "Contrast", 0.0),
        ("ngtdm", "Busyness", 0.0),
        ("ngtdm", "Strength", 0.0),
    ] {
        assert_eq!(value(&features, class, name), Ok(expected), "{class} {name}");
    }
    let features = ibsi::extract(&image, &mask, &mask, &ibsi::Settings::default()).unwrap();
    assert_eq!(value(&features, "morph", "moran_i"), Err(Undefined::FlatRegion));
    let normalise = Settings {
        normalise: Some((1.0, None)),
        ..Settings::default()
    };
    assert!(matches!(
        extract(&image, &mask, &normalise),
        Err(Error::BadSetting { .. })
    ));
}

#[test]
fn voxels_without_neighbours() {
    // Every second voxel along each axis: no two touch.
    let lonely = |k: usize| [k % 9, k / 9 % 9, k / 81].iter().all(|p| p & 1 == 0);
    let (image, mask) = pair([9, 9, 9], noise, lonely);
    let features = extract(&image, &mask, &Settings::default()).unwrap();
    assert_eq!(value(&features, "glcm", "Contrast"), Err(Undefined::NoNeighbours));
    assert_eq!(value(&features, "glszm", "ZonePercentage"), Ok(1.0));
    assert!(value(&features, "glrlm", "RunPercentage").is_ok());
    // Differences to no neighbours: 0 in PyRadiomics, not counted in IBSI.
    assert_eq!(value(&features, "ngtdm", "Coarseness"), Ok(1e6));
    let features = ibsi::extract(&image, &mask, &mask, &ibsi::Settings::default()).unwrap();
    assert_eq!(
        value(&features, "ngt", "coarseness"),
        Err(Undefined::NoNeighbours)
    );
}

#[test]
fn absurd_settings() {
    let (image, mask) = pair([8, 7, 6], noise, |k| k % 7 != 3);
    let with = |change: &dyn Fn(&mut Settings)| {
        let mut settings = Settings::default();
        change(&mut settings);
        extract(&image, &mask, &settings)
    };
    for width in [0.0, -5.0, f64::NAN, f64::INFINITY] {
        let result = with(&|s| s.discretisation = Discretisation::PyRadiomicsWidth(width));
        assert!(matches!(result, Err(Error::BadSetting { .. })));
    }
    let tiny = with(&|s| s.discretisation = Discretisation::PyRadiomicsWidth(1e-9));
    assert!(matches!(tiny, Err(Error::TooManyLevels { .. })));
    let many = with(&|s| s.discretisation = Discretisation::PyRadiomicsCount(usize::MAX));
    assert!(matches!(many, Err(Error::TooManyLevels { .. })));
    // As many levels as are allowed: slow paths, same rules.
    assert!(with(&|s| s.discretisation = Discretisation::PyRadiomicsCount(50_000)).is_ok());
    for distances in [vec![], vec![0], vec![1, usize::MAX]] {
        assert!(matches!(
            with(&|s| s.distances = distances.clone()),
            Err(Error::BadSetting { .. })
        ));
    }
    assert!(with(&|s| s.distances = vec![64]).is_ok());
    assert!(matches!(
        with(&|s| s.force_2d = Some(7)),
        Err(Error::BadSetting { .. })
    ));
    assert!(with(&|s| s.gldm_a = u16::MAX).is_ok());
    let range = Resegmentation {
        low: 1e9,
        high: None,
        mode: Mode::Absolute,
    };
    assert_eq!(with(&|s| s.resegment = Some(range)), Err(Error::EmptyMask));
    let range = Resegmentation {
        low: f64::NAN,
        high: None,
        mode: Mode::Sigma,
    };
    assert!(matches!(
        with(&|s| s.resegment = Some(range)),
        Err(Error::BadSetting { .. })
    ));
    for spacing in [[-1.0, 1.0, 1.0], [f64::NAN; 3], [f64::INFINITY, 1.0, 1.0]] {
        let result = with(&|s| s.resample = Some((spacing, Interpolator::Linear)));
        assert!(matches!(result, Err(Error::BadSpacing { .. })), "{spacing:?}");
    }
    // A grid of 10²⁷ voxels is refused before it is allocated.
    let result = with(&|s| s.resample = Some(([1e-9; 3], Interpolator::Nearest)));
    assert!(matches!(result, Err(Error::BadSize { .. })));
    assert!(matches!(
        resample_ibsi(&image, &mask, [1e-9; 3], Interpolator::Nearest, false),
        Err(Error::BadSize { .. })
    ));
    assert!(resample_pyradiomics(&image, &mask, [1e6; 3], Interpolator::BSpline, usize::MAX).is_ok());
    for sigma in [0.0, -1.0, f64::NAN, 1e9] {
        assert!(image_types::extract(&image, &mask, &Settings::default(), &[ImageType::LoG(sigma)]).is_err());
    }
}

#[test]
fn every_number_is_finite() {
    type Shape = ([usize; 3], fn(usize) -> bool);
    let shapes: [Shape; 6] = [
        ([1, 1, 2], |_| true),
        ([1, 9, 1], |_| true),
        ([9, 9, 1], |k| k % 4 != 1),
        ([2, 2, 2], |k| k != 0),
        ([12, 3, 5], |k| k % 11 == 0),
        ([3, 3, 300], |k| k % 3 != 1),
    ];
    for (size, inside) in shapes {
        let (image, mask) = pair(size, noise, inside);
        for norm in [
            WeightingNorm::None,
            WeightingNorm::Manhattan,
            WeightingNorm::NoWeighting,
        ] {
            for symmetrical_glcm in [true, false] {
                let settings = Settings {
                    weighting_norm: norm,
                    symmetrical_glcm,
                    minimum_dimensions: 1,
                    force_2d: (size[2] == 1).then_some(0),
                    ..Settings::default()
                };
                let features = extract(&image, &mask, &settings).unwrap();
                assert!(features.iter().filter_map(|f| f.value.ok()).all(f64::is_finite));
            }
        }
        for how in [Interpolator::Nearest, Interpolator::Linear, Interpolator::BSpline] {
            let (image, mask) = resample_ibsi(&image, &mask, [0.7, 0.9, 1.1], how, true).unwrap();
            let settings = ibsi::Settings {
                distance: 2,
                ..ibsi::Settings::default()
            };
            let features = ibsi::extract(&image, &mask, &mask, &settings).unwrap();
            assert!(features.iter().filter_map(|f| f.value.ok()).all(f64::is_finite));
        }
    }
}
