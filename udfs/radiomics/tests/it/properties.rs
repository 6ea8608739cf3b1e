//! Equal meaning has an equal hash, another meaning another.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::HashMap;

use proptest::prelude::*;
use proptest::sample::{Index, subsequence};
use radlake_radiomics::Settings;

/// Keys with two values that mean different things, neither the default, and each another spelling of the first.
const KEYS: [(&str, &str, &str, &str); 16] = [
    ("binWidth", "5", "12.5", "5.0"),
    ("voxelArrayShift", "100", "-7", "1e2"),
    ("symmetricalGLCM", "false", "true", "False"),
    ("weightingNorm", "euclidean", "infinity", "'euclidean'"),
    ("gldm_a", "1", "2", "1.0"),
    ("distances", "[2, 1]", "[2]", "[1, 2, 2]"),
    ("force2D", "true", "false", "True"),
    ("normalize", "true", "false", "yes"),
    (
        "resampledPixelSpacing",
        "[1, 1, 2]",
        "[1, 1, 3]",
        "[1.0, 1, 2.00]",
    ),
    ("interpolator", "sitkLinear", "sitkNearestNeighbor", "2"),
    ("resegmentRange", "[3, -3]", "[3]", "[-3, 3.0]"),
    ("resegmentMode", "sigma", "relative", "\"sigma\""),
    ("minimumROISize", "10", "20", "'10'"),
    ("minimumROIDimensions", "1", "3", "1.0"),
    (
        "imageType",
        "{LoG: {sigma: [2, 1]}, Original: }",
        "{Square: {}}",
        "{Original: {}, LoG: {sigma: [1.0, 2.0, 2]}}",
    ),
    (
        "featureClass",
        "{glcm: [Id, Contrast]}",
        "{glcm: }",
        "{glcm: [Contrast, Id, Id]}",
    ),
];

fn text(keys: &[(&str, &str)], nested: bool) -> String {
    let section = |key: &str| key == "imageType" || key == "featureClass";
    let mut out = String::new();
    for (key, value) in keys.iter().filter(|(key, _)| !nested || section(key)) {
        out += &format!("{key}: {value}\n");
    }
    if nested && keys.iter().any(|(key, _)| !section(key)) {
        out += "setting:\n";
        for (key, value) in keys.iter().filter(|(key, _)| !section(key)) {
            out += &format!("  {key}: {value}\n");
        }
    }
    out
}

fn read(text: &str) -> Settings {
    Settings::from_text(text).unwrap()
}

proptest! {
    #[test]
    fn spelling_and_order_do_not_matter(chosen in subsequence((0..KEYS.len()).collect::<Vec<_>>(), 0..=KEYS.len()).prop_shuffle(), nested: bool) {
        let one: Vec<_> = chosen.iter().map(|k| (KEYS[*k].0, KEYS[*k].1)).collect();
        let mut other: Vec<_> = chosen.iter().map(|k| (KEYS[*k].0, KEYS[*k].3)).collect();
        other.sort_unstable();
        let (one, other) = (read(&text(&one, nested)), read(&text(&other, !nested)));
        prop_assert_eq!(one.canonical(), other.canonical());
        prop_assert_eq!(one.settings_hash(), other.settings_hash());
        prop_assert_eq!(one.names(), other.names());
    }

    #[test]
    fn another_value_is_another_hash(chosen in subsequence((0..KEYS.len()).collect::<Vec<_>>(), 1..=KEYS.len()), changed: Index) {
        let mut keys: HashMap<&str, &str> = chosen.iter().map(|k| (KEYS[*k].0, KEYS[*k].1)).collect();
        // Some have an effect only beside another.
        keys.entry("resampledPixelSpacing").or_insert("[1, 1, 1]");
        keys.entry("resegmentRange").or_insert("[1, 2]");
        let listed = |keys: &HashMap<&str, &str>| {
            let keys: Vec<_> = keys.iter().map(|(k, v)| (*k, *v)).collect();
            read(&text(&keys, true))
        };
        let before = listed(&keys);
        let k = chosen[changed.index(chosen.len())];
        keys.insert(KEYS[k].0, KEYS[k].2);
        prop_assert_ne!(before.settings_hash(), listed(&keys).settings_hash(), "{}", KEYS[k].0);
    }

    #[test]
    fn no_text_ends_in_a_panic(text in "[ -~\n\t]{0,300}") {
        let _ = Settings::from_text(&text);
    }

    #[test]
    fn no_value_ends_in_a_panic(k in 0..KEYS.len(), value in "[-0-9a-zA-Z\\[\\]{},.: ~&*!|>'\"%@`]{0,40}", ibsi: bool) {
        let profile = if ibsi { "ibsi" } else { "pyradiomics" };
        let _ = Settings::from_pairs([("profile", profile), (KEYS[k].0, value.as_str())]);
    }
}

#[test]
fn what_has_no_effect_is_not_in_the_hash() {
    let default = Settings::default().settings_hash();
    for text in [
        "normalizeScale: 100",
        "interpolator: sitkLinear",
        "padDistance: 9",
        "resegmentMode: sigma",
        "force2Ddimension: 2",
        "sigma: [1]",
        "gradientUseSpacing: false",
        "label: 5",
        "additionalInfo: false",
        "lbp2DRadius: 2",
        "imageType: {Original: {binWidth: 25.0}}",
        "featureClass: {shape: , firstorder: [], glcm: , gldm: , glrlm: , glszm: , ngtdm: }",
    ] {
        assert_eq!(read(text).settings_hash(), default, "{text}");
    }
    let every = ["ibsi", "pyradiomics"].map(|p| read(&format!("profile: {p}")).settings_hash());
    assert_ne!(every[0], every[1]);
    assert!(every[0].len() == 16 && every[0].bytes().all(|b| b.is_ascii_hexdigit()));
}

#[test]
fn each_setting_of_ibsi_changes_the_hash() {
    let default = read("profile: ibsi").settings_hash();
    let mut seen = vec![default];
    for text in [
        "binWidth: 25",
        "binWidth: 26",
        "{binWidth: 25, resegmentRange: [-500, 400]}",
        "{binWidth: 25, resegmentRange: [-500, null]}",
        "binCount: 64",
        "discretisation: none",
        "ivhBinWidth: 2.5",
        "ivhBinCount: 1000",
        "resampledPixelSpacing: [2, 2, 2]",
        "{resampledPixelSpacing: [2, 2, 2], interpolator: bspline}",
        "{resampledPixelSpacing: [2, 2, 2], roundIntensities: True}",
        "{resampledPixelSpacing: [2, 2, 2], roundIntensities: false}",
        "outlierSigma: 3",
        "distance: 2",
        "ngldmCoarseness: 1",
        "dimension: 2D",
        "dimension: [2D, 3D]",
        "aggregation: merge",
        "featureClass: {stat: [mean]}",
    ] {
        let entries = text.strip_prefix('{').map_or(text, |t| t.trim_end_matches('}'));
        let hash = read(&format!("{{profile: ibsi, {entries}}}")).settings_hash();
        assert!(!seen.contains(&hash), "{text}");
        seen.push(hash);
    }
    let same = "{profile: ibsi, discretisation: FBN, binCount: 32, ivhDiscretisation: none, dimension: [3D], \
        aggregation: [merge, average], distance: 1.0, resegmentRange: [~, ~], imageType: {Original: {}}}";
    assert_eq!(read(same).settings_hash(), seen[0]);
}

#[test]
fn the_canonical_text_stays() {
    let text = "{binWidth: 25.0, imageType: {Original: }, featureClass: {glcm: [Id], shape: }, removeOutliers: 3, normalize: yes}";
    let wanted = "featureClass.glcm=Id
featureClass.shape=all
imageType.original.bins=width 25
imageType.original.distances=1
imageType.original.force2Ddimension=none
imageType.original.gldm_a=0
imageType.original.symmetricalGLCM=true
imageType.original.voxelArrayShift=0
imageType.original.weightingNorm=none
minimumROIDimensions=2
minimumROISize=none
normalize=true
normalizeScale=1
preCrop=false
profile=pyradiomics
removeOutliers=3
resampledPixelSpacing=none
resegmentRange=none
";
    assert_eq!(read(text).canonical(), wanted);
    // What is stored must be found again: this changes only with RESULTS_VERSION.
    assert_eq!(Settings::default().settings_hash(), "3fe4c1178ba769a6");
}
