//! Parameter files with the keys of PyRadiomics' examples, and every key of its schema.
#![expect(clippy::unwrap_used, reason = "tests")]

use radlake_kernels::Discretisation;
use radlake_kernels::image_types::ImageType;
use radlake_kernels::neighbours::WeightingNorm;
use radlake_kernels::resample::Interpolator;
use radlake_radiomics::settings::PyRadiomics;
use radlake_radiomics::{Error, Profile, Settings};

fn pyradiomics(text: &str) -> PyRadiomics {
    match Settings::from_text(text).unwrap() {
        Settings::PyRadiomics(settings) => settings,
        Settings::Ibsi(_) => unreachable!("another profile"),
    }
}

#[test]
fn a_file_for_computed_tomography() {
    let s = pyradiomics(
        "
# Features of CT.
imageType:
  Original: {}
  LoG:
    sigma: [1.0, 2.0, 3.0, 4.0, 5.0]
  Wavelet: {}
featureClass:
  shape:
  firstorder: []
  glcm:
    - 'JointEntropy'
    - 'Contrast' # quoted or not
    - Id
  glrlm:
setting:
  interpolator: 'sitkBSpline'
  resampledPixelSpacing: [1, 1, 1]
  padDistance: 10
  binWidth: 25
  voxelArrayShift: 1000
  label: 1
",
    );
    assert_eq!(s.images.len(), 7);
    assert_eq!(s.images[1].kind, ImageType::LoG(1.0));
    assert_eq!(s.features.len(), 14 + 18 + 3 + 16);
    assert_eq!(s.base.resample, Some(([1.0; 3], Interpolator::BSpline)));
    assert_eq!((s.base.pad_distance, s.base.voxel_array_shift), (10, 1000.0));
    assert!(!s.base.mcc && !s.wants("glszm"));
}

#[test]
fn a_file_for_slices_of_magnetic_resonance() {
    let s = pyradiomics(
        "
imageType:
  Original: {}
  LoG: {sigma: [2.0, 3.0]}
  Wavelet: {}
featureClass: {shape2D: , firstorder: , glcm: , glrlm: , glszm: , gldm: , ngtdm: }
setting:
  normalize: true
  normalizeScale: 100
  interpolator: sitkBSpline
  resampledPixelSpacing: [2, 2, 0]
  padDistance: 10
  preCrop: true
  force2D: true
  force2Ddimension: 0
  binWidth: 5
  voxelArrayShift: 300
",
    );
    assert_eq!(s.base.force_2d, Some(0));
    assert_eq!(s.base.normalise, Some((100.0, None)));
    assert!(s.wants("shape2D") && !s.wants("shape"));
    assert_eq!(s.features.len(), 9 + 93);
}

#[test]
fn nothing_is_the_default() {
    for text in [
        "",
        "{}",
        "setting:\n",
        "# only a comment\n",
        "setting: {binWidth: ~, binCount: null}",
    ] {
        assert_eq!(Settings::from_text(text).unwrap(), Settings::default(), "{text}");
    }
    let s = pyradiomics("setting: {resampledPixelSpacing: , interpolator: sitkLinear, weightingNorm: }");
    assert_eq!(s.base.resample, None);
    // PyRadiomics resamples only with both.
    assert_eq!(
        pyradiomics("{resampledPixelSpacing: [1, 1, 1], interpolator: }")
            .base
            .resample,
        None
    );
}

#[test]
fn image_types_have_settings_of_their_own() {
    let s = pyradiomics(
        "
setting: {binWidth: 25, gldm_a: 1, binCount: 64}
imageType:
  Original: {binCount: , distances: [2, 1]}
  Square: {weightingNorm: euclidean, symmetricalGLCM: false, force2D: true, force2Ddimension: 2}
  Gradient: {gradientUseSpacing: false}
",
    );
    let [original, square, gradient] = s.images.as_slice() else {
        panic!("three images");
    };
    assert_eq!(
        original.settings.discretisation,
        Discretisation::PyRadiomicsWidth(25.0)
    );
    assert_eq!(original.settings.distances, [1, 2]);
    assert_eq!(
        square.settings.discretisation,
        Discretisation::PyRadiomicsCount(64)
    );
    assert_eq!(square.settings.weighting_norm, WeightingNorm::Euclidean);
    assert_eq!((square.settings.force_2d, square.settings.gldm_a), (Some(2), 1));
    assert_eq!(gradient.kind, ImageType::GradientPerVoxel);
}

#[test]
fn pairs_are_a_file() {
    let pairs = [
        ("binWidth", "10"),
        ("imageType", "{\"LoG\": {\"sigma\": [1.5]}}"),
        ("featureClass", "{glcm: [Id]}"),
    ];
    let file = "{setting: {binWidth: 10}, imageType: {LoG: {sigma: [1.5]}}, featureClass: {glcm: [Id]}}";
    assert_eq!(
        Settings::from_pairs(pairs).unwrap(),
        Settings::from_text(file).unwrap()
    );
    let ibsi = Settings::from_pairs([("profile", "ibsi"), ("binWidth", "2.5")]).unwrap();
    assert_eq!(ibsi.profile(), Profile::Ibsi);
    assert_eq!(Settings::from_text("label: 7").unwrap().label(), 7);
    let long = "1".repeat(70_000);
    assert!(matches!(
        Settings::from_pairs([("binWidth", long.as_str())]),
        Err(Error::Syntax { .. })
    ));
}

/// Every key of PyRadiomics' schema with a value that it accepts, and whether it can be honoured.
const SCHEMA: [(&str, &str, bool); 39] = [
    ("minimumROIDimensions", "1", true),
    ("minimumROISize", "50", true),
    ("geometryTolerance", "1e-5", true),
    ("correctMask", "true", true),
    ("additionalInfo", "false", true),
    ("label", "255", true),
    ("label_channel", "0", true),
    ("label_channel", "1", false),
    ("binWidth", "0.5", true),
    ("binCount", "32", true),
    ("normalize", "true", true),
    ("normalizeScale", "100", true),
    ("removeOutliers", "3", true),
    ("resampledPixelSpacing", "[1, 1, 0]", true),
    ("interpolator", "sitkLinear", true),
    ("interpolator", "sitkHammingWindowedSinc", false),
    ("padDistance", "10", true),
    ("distances", "[1, 2]", true),
    ("force2D", "true", true),
    ("force2Ddimension", "2", true),
    ("resegmentRange", "[-3, 3]", true),
    ("resegmentMode", "sigma", true),
    ("resegmentShape", "true", true),
    ("preCrop", "true", true),
    ("sigma", "[1, 2]", true),
    ("start_level", "0", true),
    ("level", "1", true),
    ("wavelet", "coif1", true),
    ("gradientUseSpacing", "false", true),
    ("lbp2DRadius", "1", true),
    ("lbp2DSamples", "9", true),
    ("lbp2DMethod", "uniform", true),
    ("lbp3DLevels", "2", true),
    ("lbp3DIcosphereRadius", "1", true),
    ("lbp3DIcosphereSubdivision", "1", true),
    ("voxelArrayShift", "300", true),
    ("symmetricalGLCM", "false", true),
    ("weightingNorm", "no_weighting", true),
    ("gldm_a", "2", true),
];

#[test]
fn every_key_of_the_schema_is_known() {
    for (key, value, honoured) in SCHEMA {
        let result = Settings::from_text(&format!("setting:\n  {key}: {value}\n"));
        assert_eq!(result.is_ok(), honoured, "{key}: {value}: {result:?}");
        if let Err(error) = result {
            let text = error.to_string();
            assert!(text.contains(key) && text.contains(value), "{text}");
        }
        let wrong = Settings::from_text(&format!("setting:\n  {key}: {{a: b}}\n"));
        assert!(matches!(wrong, Err(Error::Setting { .. })), "{key}: {wrong:?}");
    }
}

#[test]
fn what_cannot_be_honoured_is_refused_by_name() {
    for (text, key, hint) in [
        (
            "imageType: {LBP2D: {}}",
            "imageType.LBP2D",
            "remove the image type",
        ),
        (
            "imageType: {LBP3D: {lbp3DLevels: 3}}",
            "imageType.LBP3D",
            "remove the image type",
        ),
        ("imageType: {LoG: {}}", "imageType.LoG.sigma", "list the widths"),
        (
            "imageType: {Wavelet: {wavelet: db4}}",
            "imageType.Wavelet.wavelet",
            "db4: only coif1",
        ),
        (
            "imageType: {Wavelet: {level: 2}}",
            "imageType.Wavelet.level",
            "only one level",
        ),
        (
            "imageType: {Wavelet: {start_level: 1}}",
            "imageType.Wavelet.start_level",
            "only the first",
        ),
        (
            "imageType: {Square: {normalize: true}}",
            "imageType.Square.normalize",
            "set it under setting",
        ),
        (
            "imageType: {Square: {label: 2}}",
            "imageType.Square.label",
            "set it under setting",
        ),
        (
            "voxelSetting: {kernelRadius: 2}",
            "voxelSetting.kernelRadius",
            "remove the section",
        ),
        (
            "setting: {label_channel: 2}",
            "setting.label_channel",
            "choose the row",
        ),
        (
            "setting: {interpolator: 4}",
            "setting.interpolator",
            "use sitkNearestNeighbor",
        ),
        (
            "featureClass: {shape2D: }",
            "featureClass.shape2D",
            "force2D: true",
        ),
        (
            "featureClass: {glcm: [Homogeneity1]}",
            "featureClass.glcm",
            "list Id",
        ),
        (
            "featureClass: {gldm: [DependencePercentage]}",
            "featureClass.gldm",
            "leave it out",
        ),
        (
            "featureClass: {glcm: [contrast]}",
            "featureClass.glcm",
            "Contrast",
        ),
        ("featureClass: {glcm: true}", "featureClass.glcm", "list of names"),
        ("setting: {binWidth: 0}", "setting.binWidth", "above zero"),
        ("setting: {binWidth: .inf}", "setting.binWidth", "above zero"),
        ("setting: {binWidth: nan}", "setting.binWidth", "above zero"),
        ("setting: {binCount: 1.5}", "setting.binCount", "whole number"),
        ("setting: {distances: []}", "setting.distances", "1 to 64"),
        (
            "setting: {resampledPixelSpacing: [1, 1]}",
            "setting.resampledPixelSpacing",
            "x, y and z",
        ),
        (
            "setting: {resegmentRange: [1, 2, 3]}",
            "setting.resegmentRange",
            "1 to 2",
        ),
        (
            "setting: {normalize: maybe}",
            "setting.normalize",
            "true or false",
        ),
        ("setting: {dimension: 3D}", "setting.dimension", "profile: ibsi"),
        (
            "{profile: ibsi, normalize: true}",
            "setting.normalize",
            "profile: pyradiomics",
        ),
        (
            "{profile: ibsi, imageType: {LoG: {}}}",
            "imageType.LoG",
            "of profile pyradiomics",
        ),
        (
            "{profile: ibsi, binWidth: 1, binCount: 2}",
            "setting.discretisation",
            "set one",
        ),
        (
            "{profile: ibsi, roundIntensities: 1}",
            "setting.roundIntensities",
            "true, false or auto",
        ),
        (
            "{profile: ibsi, discretisation: FBS}",
            "setting.discretisation",
            "needs binWidth",
        ),
        ("profile: mirp", "profile", "one of ibsi, pyradiomics"),
        ("{binWidth: 5, setting: {binWidth: 5}}", "binWidth", "once"),
    ] {
        let error = Settings::from_text(text).unwrap_err();
        let Error::Setting { key: found, .. } = &error else {
            panic!("{text}: {error}");
        };
        assert_eq!(found, key, "{text}");
        assert!(error.to_string().contains(hint), "{text}: {error}");
    }
}

#[test]
fn unknown_keys_are_refused_with_the_right_spelling() {
    for (text, hint) in [
        ("setting: {binwidth: 25}", "spelt binWidth"),
        ("{bin_width: 25}", "spelt binWidth"),
        ("imageType: {Log: {sigma: [1]}}", "spelt LoG"),
        ("imageType: {Original: {BinWidth: 25}}", "spelt binWidth"),
        ("featureClass: {GLCM: }", "spelt glcm"),
        ("setting: {enableCExtensions: true}", "known here are"),
        ("{profile: ibsi, featureClass: {glcm: }}", "known here are morph"),
    ] {
        let error = Settings::from_text(text).unwrap_err();
        assert!(matches!(error, Error::UnknownKey { .. }), "{text}: {error}");
        assert!(error.to_string().contains(hint), "{text}: {error}");
    }
    let long = format!("{}: 1", "k".repeat(500));
    assert!(Settings::from_text(&long).unwrap_err().to_string().len() < 1200);
}
