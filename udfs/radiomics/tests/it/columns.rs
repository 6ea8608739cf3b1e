//! Columns: their names, order and number, and values that come alone.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::cell::Cell;
use std::collections::HashSet;

use radlake_kernels::image_types::{self, ImageType};
use radlake_kernels::{Geometry, Mask, PixelType, Undefined, Volume, pyradiomics};
use radlake_radiomics::dictionary::{self, ENTRIES};
use radlake_radiomics::{Error, Profile, Settings, extract, extract_one};

/// A ball with a hole in a noisy image, anisotropic.
fn region(size: [usize; 3]) -> (Volume, Mask) {
    let [nx, ny, nz] = size;
    let grid = Geometry::new(size, [0.8, 1.0, 2.5]).unwrap();
    let mut state = 7u32;
    let (mut values, mut inside) = (Vec::new(), Vec::new());
    for k in 0..nx * ny * nz {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let (x, y, z) = ((k % nx) as i32, (k / nx % ny) as i32, (k / (nx * ny)) as i32);
        values.push(f64::from((state >> 16) as i32 % 400 - 150 + 15 * x - 10 * y));
        let ball = (x - 9).pow(2) + (y - 8).pow(2) + (z - nz as i32 / 2).pow(2) * 3;
        inside.push(ball <= 20 && (x, y) != (9, 8));
    }
    (
        Volume::new(grid.clone(), values, PixelType::INT16).unwrap(),
        Mask::new(grid, inside).unwrap(),
    )
}

fn read(text: &str) -> Settings {
    Settings::from_text(text).unwrap()
}

const IMAGES: &str = "imageType: {Original: {}, LoG: {sigma: [3, 1.0]}, Wavelet: {binWidth: 10}, Square: {}, \
    SquareRoot: {}, Logarithm: {}, Exponential: {}, Gradient: {gradientUseSpacing: false}}";

#[test]
fn names_are_pyradiomics_folded() {
    let names = Settings::default().names();
    assert_eq!(names.len(), 107);
    assert_eq!(names[0], "original_shape_elongation");
    for name in [
        "original_glcm_contrast",
        "original_firstorder_10percentile",
        "original_ngtdm_strength",
    ] {
        assert!(names.contains(&name.to_owned()), "{name}");
    }
    let names = read(IMAGES).names();
    assert_eq!(names.len(), 14 + 16 * 93);
    for name in [
        "wavelet_hlh_firstorder_mean",
        "wavelet_lll_glcm_mcc",
        "log_sigma_3_0_mm_3d_glszm_zoneentropy",
        "log_sigma_1_0_mm_3d_gldm_dependenceentropy",
        "gradient_glrlm_runentropy",
        "squareroot_firstorder_energy",
    ] {
        assert!(names.contains(&name.to_owned()), "{name}");
    }
    let flat = read("{force2D: true, imageType: {Wavelet: {}}}").names();
    assert_eq!(flat.len(), 14 + 9 + 4 * 93);
    assert!(flat.contains(&"original_shape2d_perimeter".to_owned()));
    assert!(flat.contains(&"wavelet_ll_glcm_id".to_owned()));
}

#[test]
fn ibsi_names_are_tags() {
    let all = read("{profile: ibsi, dimension: [2D, 2.5D, 3D]}").names();
    // 75 without aggregation, 41 in six ways, 54 in three.
    assert_eq!(all.len(), 75 + 41 * 6 + 54 * 3);
    let names = read("profile: ibsi").names();
    assert_eq!(names.len(), 75 + 41 * 2 + 54);
    for name in [
        "cm_contrast_3d_avg",
        "cm_contrast_3d_comb",
        "szm_sze_3d",
        "stat_mean",
        "morph_volume",
    ] {
        assert!(names.contains(&name.to_owned()), "{name}");
    }
    let flat =
        read("{profile: ibsi, dimension: 2.5D, aggregation: merge, featureClass: {cm: [corr], ngl: }}");
    assert_eq!(flat.names().len(), 1 + 17);
    assert_eq!(flat.names()[0], "cm_corr_2_5d_comb");
}

#[test]
fn every_name_has_one_entry_and_every_entry_a_name() {
    for (profile, text) in [
        (
            Profile::Ibsi,
            "{profile: ibsi, dimension: [2D, 2.5D, 3D]}".to_owned(),
        ),
        (
            Profile::PyRadiomics,
            format!("force2D: true\n{IMAGES}\n{}", every_class()),
        ),
    ] {
        let names = read(&text).names();
        let unique: HashSet<&String> = names.iter().collect();
        assert_eq!(unique.len(), names.len());
        let mut met = HashSet::new();
        for name in &names {
            let fits: Vec<&str> = dictionary::of(profile)
                .filter(|e| match profile {
                    Profile::Ibsi => e.aggregations().iter().any(|a| {
                        let suffix = if a.is_empty() {
                            String::new()
                        } else {
                            format!("_{}", a.to_lowercase())
                        };
                        *name == format!("{}{suffix}", e.name)
                    }),
                    Profile::PyRadiomics => name
                        .strip_suffix(e.name)
                        .and_then(|image| image.strip_suffix('_'))
                        .is_some_and(|image| !image.contains("_shape") && !image.is_empty()),
                })
                .map(|e| e.name)
                .collect();
            assert_eq!(fits.len(), 1, "{name}: {fits:?}");
            met.extend(fits);
        }
        assert_eq!(met.len(), ENTRIES.iter().filter(|e| e.profile == profile).count());
    }
}

/// Every feature by name, those included that must be named.
fn every_class() -> String {
    let mut text = "featureClass:\n".to_owned();
    let mut last = "";
    for entry in dictionary::of(Profile::PyRadiomics) {
        if entry.class != last {
            text += &format!("  {}:\n", entry.class);
            last = entry.class;
        }
        text += &format!("    - {}\n", entry.feature);
    }
    text
}

#[test]
fn values_are_the_kernels_own_in_order() {
    let (image, mask) = region([20, 17, 9]);
    let settings = read(IMAGES);
    let values = extract(&image, &mask, &settings, &|| false).unwrap();
    let names = settings.names();
    assert_eq!(values.len(), names.len());
    let kernel = |width: f64, kinds: &[ImageType]| {
        let own = pyradiomics::Settings {
            discretisation: radlake_kernels::Discretisation::PyRadiomicsWidth(width),
            ..pyradiomics::Settings::default()
        };
        image_types::extract(&image, &mask, &own, kinds).unwrap()
    };
    let mut derived = kernel(
        25.0,
        &[
            ImageType::Original,
            ImageType::LoG(1.0),
            ImageType::LoG(3.0),
            ImageType::Square,
            ImageType::SquareRoot,
            ImageType::Logarithm,
            ImageType::Exponential,
            ImageType::GradientPerVoxel,
        ],
    );
    derived.extend(kernel(10.0, &[ImageType::Wavelet]));
    let mut compared = 0;
    for one in derived {
        for feature in one.features {
            let name = format!("{}_{}_{}", one.image, feature.class, feature.name);
            let name = name.to_lowercase().replace(['-', '.'], "_");
            let at = names.iter().position(|n| *n == name).unwrap();
            assert_eq!(values[at], feature.value, "{name}");
            compared += 1;
        }
    }
    assert_eq!(compared, names.len());
}

#[test]
fn the_box_of_the_region_gives_what_the_whole_image_gives() {
    let (image, mask) = region([20, 17, 9]);
    for extra in [
        "{}",
        "{normalize: true}",
        "{resegmentRange: [0, 300]}",
        "{resampledPixelSpacing: [1, 1, 1]}",
    ] {
        // With a filter the whole image is kept; the original image's features are the same.
        let with = extra.replace(
            '}',
            if extra == "{}" {
                "imageType: {Original: , Square: }}"
            } else {
                ", imageType: {Original: , Square: }}"
            },
        );
        let alone = extract(&image, &mask, &read(extra), &|| false).unwrap();
        let filtered = extract(&image, &mask, &read(&with), &|| false).unwrap();
        assert_eq!(alone[..], filtered[..alone.len()], "{extra}");
    }
}

#[test]
fn one_feature_is_what_it_is_among_all() {
    let (image, mask) = region([20, 17, 9]);
    let settings = read(&format!("{IMAGES}\n"));
    let (names, values) = (
        settings.names(),
        extract(&image, &mask, &settings, &|| false).unwrap(),
    );
    for at in (0..names.len()).step_by(29).chain([0, 13, names.len() - 1]) {
        let one = extract_one(&image, &mask, &settings, &names[at], &|| false).unwrap();
        assert_eq!(one, values[at], "{}", names[at]);
    }
    let settings = read("{profile: ibsi, dimension: [2D, 3D]}");
    let (names, values) = (
        settings.names(),
        extract(&image, &mask, &settings, &|| false).unwrap(),
    );
    for at in (0..names.len()).step_by(17) {
        let one = extract_one(&image, &mask, &settings, &names[at], &|| false).unwrap();
        assert_eq!(one, values[at], "{}", names[at]);
    }
    let unknown = extract_one(&image, &mask, &settings, "original_glcm_contrast", &|| false);
    assert!(matches!(unknown, Err(Error::UnknownFeature { .. })));
}

#[test]
fn fewer_features_are_the_same_features() {
    let (image, mask) = region([20, 17, 9]);
    let all = Settings::default();
    let (names, values) = (all.names(), extract(&image, &mask, &all, &|| false).unwrap());
    let few =
        read("featureClass: {glszm: [ZoneVariance, LargeAreaEmphasis], glcm: [Id], firstorder: [Mean]}");
    let found = extract(&image, &mask, &few, &|| false).unwrap();
    assert_eq!(
        few.names(),
        [
            "original_firstorder_mean",
            "original_glcm_id",
            "original_glszm_largeareaemphasis",
            "original_glszm_zonevariance",
        ]
    );
    for (name, value) in few.names().iter().zip(found) {
        assert_eq!(value, values[names.iter().position(|n| n == name).unwrap()]);
    }
}

#[test]
fn deprecated_features_are_computed_where_they_are_named() {
    let (image, mask) = region([20, 17, 9]);
    let settings = read(
        "featureClass: {shape: [MeshVolume, SurfaceArea, Sphericity, Compactness1, Compactness2, \
         SphericalDisproportion], firstorder: [Variance, StandardDeviation]}",
    );
    let names = settings.names();
    let values = extract(&image, &mask, &settings, &|| false).unwrap();
    let of = |name: &str| values[names.iter().position(|n| n == name).unwrap()].unwrap();
    let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-12 * b.abs(), "{a} {b}");
    let sphericity = of("original_shape_sphericity");
    near(of("original_shape_sphericaldisproportion"), 1.0 / sphericity);
    near(of("original_shape_compactness2"), sphericity.powi(3));
    near(
        of("original_shape_compactness1"),
        (sphericity.powi(3)).sqrt() / (6.0 * std::f64::consts::PI),
    );
    near(
        of("original_firstorder_standarddeviation").powi(2),
        of("original_firstorder_variance"),
    );
}

#[test]
fn what_is_not_defined_has_a_reason() {
    // Two slices: no Laplacian can be made, and no shape of a slice measured.
    let (image, mask) = region([20, 17, 2]);
    let settings = read("{force2D: true, imageType: {Original: , LoG: {sigma: [1]}}}");
    let (names, values) = (
        settings.names(),
        extract(&image, &mask, &settings, &|| false).unwrap(),
    );
    assert_eq!(names.len(), values.len());
    for (name, value) in names.iter().zip(values) {
        let wanted = match name {
            n if n.starts_with("log") => Some(Undefined::NoFilteredImage),
            n if n.contains("shape2d") => Some(Undefined::Degenerate),
            _ => None,
        };
        assert_eq!(value.err(), wanted, "{name}");
    }
    let (image, mask) = region([20, 17, 1]);
    let values = extract(
        &image,
        &mask,
        &read("{force2D: true, featureClass: {shape2D: }}"),
        &|| false,
    );
    assert!(values.unwrap().iter().all(|v| v.is_ok()));
}

#[test]
fn a_stop_is_heard_between_classes() {
    let (image, mask) = region([20, 17, 9]);
    for text in ["{}", "profile: ibsi", IMAGES] {
        let settings = read(text);
        let asked = Cell::new(0);
        let count = || {
            asked.set(asked.get() + 1);
            false
        };
        extract(&image, &mask, &settings, &count).unwrap();
        assert!(asked.get() > 6, "{}", asked.get());
        for last in 0..asked.get() {
            let left = Cell::new(last);
            let stop = || {
                left.set(left.get() - 1);
                left.get() < 0
            };
            assert_eq!(extract(&image, &mask, &settings, &stop), Err(Error::Cancelled));
        }
    }
}

#[test]
fn a_crop_with_the_context_gives_what_the_whole_image_gives() {
    let (image, mask) = region([30, 28, 14]);
    let bounds = mask.bounding_box().unwrap();
    let gradient = "imageType: {Original: {}, Gradient: {}}";
    let cropped = "{preCrop: true, padDistance: 3, imageType: {Wavelet: {}, LoG: {sigma: [1.5]}}}";
    for text in ["{}", gradient, cropped, "profile: ibsi"] {
        let settings = read(text);
        let context = settings.context();
        let spacing = image.geometry.spacing;
        let margin = (0..30)
            .find(|margin| context.is_within(*margin, spacing))
            .unwrap();
        let around = bounds.grow(margin, image.geometry.size);
        let part = radlake_kernels::resample::crop(&image, &mask, around).unwrap();
        let whole = extract(&image, &mask, &settings, &|| false).unwrap();
        let of_part = extract(&part.0, &part.1, &settings, &|| false).unwrap();
        for ((name, a), b) in settings.names().iter().zip(&whole).zip(&of_part) {
            let same = match (a, b) {
                (Ok(a), Ok(b)) => (a - b).abs() <= 1e-9 * a.abs().max(1e-6),
                (a, b) => a == b,
            };
            assert!(same, "{text}: {name}: {a:?} and {b:?}");
        }
    }
}
