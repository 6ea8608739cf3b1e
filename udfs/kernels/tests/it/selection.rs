//! Parts of an extraction are the same as the whole's: classes that are asked for, images that come one at a time.
#![expect(clippy::unwrap_used, reason = "tests")]

use radlake_kernels::filters::{wavelet, wavelet_bands};
use radlake_kernels::image_types::{self, ImageType, Prepared};
use radlake_kernels::resample::crop;
use radlake_kernels::{
    BoundingBox, Error, Feature, Geometry, Mask, PixelType, Region, Volume, ibsi, pyradiomics,
};

fn region() -> (Volume, Mask) {
    let [nx, ny, nz] = [14, 13, 8];
    let grid = Geometry::new([nx, ny, nz], [0.8, 1.0, 2.5]).unwrap();
    let mut state = 7u32;
    let (mut values, mut inside) = (Vec::new(), Vec::new());
    for k in 0..nx * ny * nz {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let (x, y, z) = ((k % nx) as i32, (k / nx % ny) as i32, (k / (nx * ny)) as i32);
        values.push(f64::from((state >> 16) as i32 % 200 + 10 * x));
        inside.push((x - 7).pow(2) + (y - 6).pow(2) + 2 * (z - 4).pow(2) <= 18 && (x, y) != (7, 6));
    }
    (
        Volume::new(grid.clone(), values, PixelType::INT16).unwrap(),
        Mask::new(grid, inside).unwrap(),
    )
}

fn of_class(all: &[Feature], class: &str) -> Vec<Feature> {
    all.iter().filter(|f| f.class == class).cloned().collect()
}

#[test]
fn a_class_alone_is_the_class_among_all() {
    let (image, mask) = region();
    let settings = pyradiomics::Settings::default();
    let cropped = Region::crop(&image, &mask).unwrap();
    let all = pyradiomics::intensity(&cropped, &settings).unwrap();
    for class in ["firstorder", "glcm", "gldm", "glrlm", "glszm", "ngtdm"] {
        let one = pyradiomics::intensity_of(&cropped, &settings, &|c| Ok(c == class)).unwrap();
        assert_eq!(one, of_class(&all, class), "{class}");
        assert!(!one.is_empty());
    }
    let settings = ibsi::Settings::default();
    let all = ibsi::extract(&image, &mask, &mask, &settings).unwrap();
    for class in [
        "morph", "loc", "stat", "ih", "ivh", "cm", "rlm", "szm", "dzm", "ngt", "ngl",
    ] {
        let one = ibsi::extract_of(&image, &mask, &mask, &settings, &|c| Ok(c == class)).unwrap();
        assert_eq!(one, of_class(&all, class), "{class}");
        assert!(!one.is_empty());
    }
}

#[test]
fn an_answer_can_stop() {
    let (image, mask) = region();
    let stop = |class: &str| {
        if class == "glszm" || class == "szm" {
            Err(Error::Cancelled)
        } else {
            Ok(true)
        }
    };
    let cropped = Region::crop(&image, &mask).unwrap();
    let settings = pyradiomics::Settings::default();
    assert_eq!(
        pyradiomics::intensity_of(&cropped, &settings, &stop),
        Err(Error::Cancelled)
    );
    let settings = ibsi::Settings::default();
    assert_eq!(
        ibsi::extract_of(&image, &mask, &mask, &settings, &stop),
        Err(Error::Cancelled)
    );
}

#[test]
fn images_one_at_a_time_are_all_images() {
    let (image, mask) = region();
    let settings = pyradiomics::Settings::default();
    let kinds = [ImageType::Original, ImageType::LoG(1.0), ImageType::Wavelet];
    let together = image_types::extract(&image, &mask, &settings, &kinds).unwrap();
    let prepared = Prepared::new(&image, &mask, &settings, true).unwrap();
    let mut met = 0;
    for kind in kinds {
        prepared
            .visit(kind, &settings, &|_| true, &mut |name, region| {
                let own = pyradiomics::intensity(region, &settings)?;
                let same = together.iter().find(|d| d.image == name).unwrap();
                assert_eq!(own, same.features[same.features.len() - own.len()..], "{name}");
                met += 1;
                Ok(())
            })
            .unwrap();
    }
    assert_eq!(met, 10);
    let shape = prepared.shape(&settings).unwrap();
    assert_eq!(shape, together[0].features[..14]);
    let mut names = Vec::new();
    let only = |name: &str| name == "wavelet-HLH";
    let note = &mut |name: &str, _: &Region| {
        names.push(name.to_owned());
        Ok(())
    };
    prepared
        .visit(ImageType::Wavelet, &settings, &only, note)
        .unwrap();
    assert_eq!(names, ["wavelet-HLH"]);
}

#[test]
fn sub_bands_one_at_a_time_are_all_sub_bands() {
    let (image, mask) = region();
    let bounds = mask.bounding_box().unwrap();
    for flat in [None, Some(0), Some(2)] {
        let all = wavelet(&image, bounds, flat).unwrap();
        let mut met = 0;
        wavelet_bands(&image, bounds, flat, &|_| true, &mut |name, volume| {
            let (_, same) = all.iter().find(|(known, _)| known == name).unwrap();
            assert_eq!(volume, *same);
            met += 1;
            Ok(())
        })
        .unwrap();
        assert_eq!(met, if flat.is_none() { 8 } else { 4 });
        let last = all.last().map(|(name, _)| name.as_str());
        assert_eq!(last, Some(if flat.is_none() { "LLL" } else { "LL" }));
    }
}

#[test]
fn a_gradient_per_voxel_is_one_of_unit_spacing() {
    let (mut image, mut mask) = region();
    let settings = pyradiomics::Settings::default();
    let gradient = |image: &Volume, mask: &Mask, kind| {
        image_types::extract(image, mask, &settings, &[kind]).unwrap()[0].features[8].value
    };
    let per_voxel = gradient(&image, &mask, ImageType::GradientPerVoxel);
    assert_ne!(gradient(&image, &mask, ImageType::Gradient), per_voxel);
    let unit = Geometry::new(image.geometry.size, [1.0; 3]).unwrap();
    (image.geometry, mask.geometry) = (unit.clone(), unit);
    assert_eq!(gradient(&image, &mask, ImageType::Gradient), per_voxel);
}

#[test]
fn a_box_is_cut_out_of_both() {
    let (image, mask) = region();
    let bounds = BoundingBox {
        low: [2, 3, 1],
        high: [9, 8, 4],
    };
    let (part, inside) = crop(&image, &mask, bounds).unwrap();
    assert_eq!(part.geometry.size, [8, 6, 4]);
    assert_eq!(part.values[0], image.values[2 + 14 * (3 + 13)]);
    assert_eq!(inside.voxels.len(), 8 * 6 * 4);
    for (low, high) in [([2, 3, 1], [14, 8, 4]), ([3, 3, 1], [2, 8, 4])] {
        assert!(matches!(
            crop(&image, &mask, BoundingBox { low, high }),
            Err(Error::SizeMismatch { .. })
        ));
    }
}
