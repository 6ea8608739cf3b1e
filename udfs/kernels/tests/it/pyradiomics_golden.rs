//! A synthetic region (an ellipsoid with a hole, anisotropic) against numbers that PyRadiomics 3.0.1 gave for it. The
//! table of numbers is the reason for this file's length.
#![expect(clippy::unwrap_used, reason = "tests")]

use radlake_kernels::image_types::{self, ImageType};
use radlake_kernels::neighbours::WeightingNorm;
use radlake_kernels::pyradiomics::{Settings, extract};
use radlake_kernels::resample::Interpolator;
use radlake_kernels::{Discretisation, Geometry, Mask, PixelType, Volume};

fn region() -> (Volume, Mask) {
    let [nx, ny, nz] = [11, 9, 6];
    let grid = Geometry::new([nx, ny, nz], [0.8, 1.0, 2.5]).unwrap();
    let mut state = 7u32;
    let (mut values, mut inside) = (Vec::new(), Vec::new());
    for k in 0..nx * ny * nz {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let (x, y, z) = ((k % nx) as i32, (k / nx % ny) as i32, (k / (nx * ny)) as f64);
        let noise = (state >> 16) as i32 % 400 - 150;
        values.push(f64::from(noise.div_euclid(4) + 15 * x - 10 * y));
        let ball =
            f64::from((x - 5).pow(2)) / 25.0 + f64::from((y - 4).pow(2)) / 16.0 + (z - 2.5).powi(2) / 6.25;
        inside.push(ball <= 1.0 && (x, y) != (5, 4));
    }
    (
        Volume::new(grid.clone(), values, PixelType::INT16).unwrap(),
        Mask::new(grid, inside).unwrap(),
    )
}

fn check(settings: &Settings, golden: &[(&str, f64)]) {
    let (image, mask) = region();
    let features = extract(&image, &mask, settings).unwrap();
    assert_eq!(features.len(), golden.len());
    for feature in features {
        let name = format!("{}_{}", feature.class, feature.name);
        let (_, wanted) = golden.iter().find(|(n, _)| *n == name).unwrap();
        let got = feature.value.unwrap();
        assert!(
            (got - wanted).abs() <= 1e-9 * wanted.abs() + 1e-12,
            "{name}: {got}, PyRadiomics {wanted}"
        );
    }
}

#[test]
fn default_settings() {
    check(&Settings::default(), &DEFAULT);
}

#[test]
fn flat_neighbourhoods_and_weights() {
    let settings = Settings {
        discretisation: Discretisation::PyRadiomicsCount(16),
        force_2d: Some(0),
        distances: vec![1, 2],
        weighting_norm: WeightingNorm::Euclidean,
        gldm_a: 1,
        voxel_array_shift: 100.0,
        ..Settings::default()
    };
    check(&settings, &FORCED);
}

#[test]
fn resampled() {
    let settings = Settings {
        discretisation: Discretisation::PyRadiomicsWidth(10.0),
        resample: Some(([1.0; 3], Interpolator::BSpline)),
        symmetrical_glcm: false,
        ..Settings::default()
    };
    check(&settings, &RESAMPLED);
}

/// The transform of a single-precision image is computed in single precision, as PyWavelets does.
#[test]
fn wavelets_of_a_single_precision_image() {
    let (image, mask) = region();
    let values = image.values.iter().map(|v| f64::from(*v as f32 * 0.37)).collect();
    let image = Volume::new(image.geometry, values, PixelType::Float32).unwrap();
    let settings = Settings {
        discretisation: Discretisation::PyRadiomicsWidth(3.0),
        ..Settings::default()
    };
    let bands = image_types::extract(&image, &mask, &settings, &[ImageType::Wavelet]).unwrap();
    assert_eq!(bands.len(), SINGLE.len());
    for (name, maximum, mean, median) in SINGLE {
        let band = bands.iter().find(|b| b.image == name).unwrap();
        for (feature, wanted) in [("Maximum", maximum), ("Mean", mean), ("Median", median)] {
            let found = band.features.iter().find(|f| f.name == feature).unwrap();
            let got = found.value.unwrap();
            assert!(
                (got - wanted).abs() <= 1e-12 * wanted.abs(),
                "{name} {feature}: {got}, PyRadiomics {wanted}"
            );
        }
    }
}

#[rustfmt::skip]
const SINGLE: [(&str, f64, f64, f64); 8] = [
    ("wavelet-LLH", 23.59105110168457, 0.012868495881557465, -0.8474054336547852),
    ("wavelet-LHL", 48.93465805053711, 3.4652864655852316, 2.412831664085388),
    ("wavelet-LHH", 25.79231071472168, 0.0457125554792583, 0.1917526200413704),
    ("wavelet-HLL", 27.404781341552734, -3.6334403733164073, -3.0821590423583984),
    ("wavelet-HLH", 27.106338500976562, 0.5277508810907602, 0.26819854974746704),
    ("wavelet-HHL", 24.867603302001953, 0.3882237143069506, 0.16749826073646545),
    ("wavelet-HHH", 25.91167640686035, -0.08506299417465925, 0.17407608777284622),
    ("wavelet-LLL", 147.72862243652344, 49.45273089215159, 48.88905334472656),
];

#[rustfmt::skip]
const DEFAULT: [(&str, f64); 107] = [
    ("shape_Elongation", 0.7069562617045717),
    ("shape_Flatness", 0.7064577615168085),
    ("shape_LeastAxisLength", 7.375635565834312),
    ("shape_MajorAxisLength", 10.440306508910549),
    ("shape_Maximum2DDiameterColumn", 11.872657663724665),
    ("shape_Maximum2DDiameterRow", 11.661903789690601),
    ("shape_Maximum2DDiameterSlice", 8.487638069569178),
    ("shape_Maximum3DDiameter", 11.872657663724665),
    ("shape_MeshVolume", 389.3333333333333),
    ("shape_MinorAxisLength", 7.38084006058931),
    ("shape_Sphericity", 0.7988318552330089),
    ("shape_SurfaceArea", 322.78237158643213),
    ("shape_SurfaceVolumeRatio", 0.8290643105815895),
    ("shape_VoxelVolume", 400.0),
    ("firstorder_10Percentile", -14.0),
    ("firstorder_90Percentile", 119.0),
    ("firstorder_Energy", 957537.0),
    ("firstorder_Entropy", 3.0291688901810168),
    ("firstorder_InterquartileRange", 63.25),
    ("firstorder_Kurtosis", 2.6220056223107426),
    ("firstorder_Maximum", 172.0),
    ("firstorder_MeanAbsoluteDeviation", 40.018299999999996),
    ("firstorder_Mean", 48.665),
    ("firstorder_Median", 48.0),
    ("firstorder_Minimum", -81.0),
    ("firstorder_Range", 253.0),
    ("firstorder_RobustMeanAbsoluteDeviation", 29.437765817305888),
    ("firstorder_RootMeanSquared", 69.19309936691664),
    ("firstorder_Skewness", 0.07019855528904667),
    ("firstorder_TotalEnergy", 1915074.0),
    ("firstorder_Uniformity", 0.14055000000000004),
    ("firstorder_Variance", 2419.402775000001),
    ("glcm_Autocorrelation", 43.27186992116377),
    ("glcm_ClusterProminence", 361.2613019859339),
    ("glcm_ClusterShade", 1.2421810594954723),
    ("glcm_ClusterTendency", 11.860105318964129),
    ("glcm_Contrast", 3.353267883674065),
    ("glcm_Correlation", 0.5584371314370636),
    ("glcm_DifferenceAverage", 1.4649827611875095),
    ("glcm_DifferenceEntropy", 2.077557188991377),
    ("glcm_DifferenceVariance", 1.1943523053368905),
    ("glcm_Id", 0.5093888254577158),
    ("glcm_Idm", 0.44905206456798613),
    ("glcm_Idmn", 0.9740338730911997),
    ("glcm_Idn", 0.8891449243126541),
    ("glcm_Imc1", -0.16484527567858734),
    ("glcm_Imc2", 0.7882789225806273),
    ("glcm_InverseVariance", 0.44944351751161743),
    ("glcm_JointAverage", 6.414400699816797),
    ("glcm_JointEnergy", 0.027298753289647145),
    ("glcm_JointEntropy", 5.493365339822114),
    ("glcm_MCC", 0.6353504404002237),
    ("glcm_MaximumProbability", 0.05828700070668095),
    ("glcm_SumAverage", 12.828801399633592),
    ("glcm_SumEntropy", 3.725386895984138),
    ("glcm_SumSquares", 3.803343300659549),
    ("gldm_DependenceEntropy", 5.693186027041151),
    ("gldm_DependenceNonUniformity", 28.28),
    ("gldm_DependenceNonUniformityNormalized", 0.1414),
    ("gldm_DependenceVariance", 4.2084),
    ("gldm_GrayLevelNonUniformity", 28.11),
    ("gldm_GrayLevelVariance", 3.9764),
    ("gldm_HighGrayLevelEmphasis", 45.45),
    ("gldm_LargeDependenceEmphasis", 24.1),
    ("gldm_LargeDependenceHighGrayLevelEmphasis", 1073.09),
    ("gldm_LargeDependenceLowGrayLevelEmphasis", 0.7622231521239503),
    ("gldm_LowGrayLevelEmphasis", 0.04024530547564909),
    ("gldm_SmallDependenceEmphasis", 0.1360457821554548),
    ("gldm_SmallDependenceHighGrayLevelEmphasis", 6.983312503149407),
    ("gldm_SmallDependenceLowGrayLevelEmphasis", 0.009128065068193773),
    ("glrlm_GrayLevelNonUniformity", 24.00793270907057),
    ("glrlm_GrayLevelNonUniformityNormalized", 0.13845490122270726),
    ("glrlm_GrayLevelVariance", 4.102886619079561),
    ("glrlm_HighGrayLevelRunEmphasis", 45.55667612720708),
    ("glrlm_LongRunEmphasis", 1.5036954331467207),
    ("glrlm_LongRunHighGrayLevelEmphasis", 68.02627356113088),
    ("glrlm_LongRunLowGrayLevelEmphasis", 0.05797632403069034),
    ("glrlm_LowGrayLevelRunEmphasis", 0.04139082654459646),
    ("glrlm_RunEntropy", 3.625406549692758),
    ("glrlm_RunLengthNonUniformity", 132.34747139172185),
    ("glrlm_RunLengthNonUniformityNormalized", 0.7615575402600552),
    ("glrlm_RunPercentage", 0.8669230769230769),
    ("glrlm_RunVariance", 0.16822436179625205),
    ("glrlm_ShortRunEmphasis", 0.894969047661206),
    ("glrlm_ShortRunHighGrayLevelEmphasis", 40.82449664272978),
    ("glrlm_ShortRunLowGrayLevelEmphasis", 0.037960980790427874),
    ("glszm_GrayLevelNonUniformity", 3.2222222222222223),
    ("glszm_GrayLevelNonUniformityNormalized", 0.11934156378600823),
    ("glszm_GrayLevelVariance", 6.587105624142661),
    ("glszm_HighGrayLevelZoneEmphasis", 54.55555555555556),
    ("glszm_LargeAreaEmphasis", 149.4814814814815),
    ("glszm_LargeAreaHighGrayLevelEmphasis", 6222.518518518518),
    ("glszm_LargeAreaLowGrayLevelEmphasis", 4.575734263728391),
    ("glszm_LowGrayLevelZoneEmphasis", 0.0704011312746482),
    ("glszm_SizeZoneNonUniformity", 7.074074074074074),
    ("glszm_SizeZoneNonUniformityNormalized", 0.262002743484225),
    ("glszm_SmallAreaEmphasis", 0.4938956725252573),
    ("glszm_SmallAreaHighGrayLevelEmphasis", 30.00376136478693),
    ("glszm_SmallAreaLowGrayLevelEmphasis", 0.04603361675901026),
    ("glszm_ZoneEntropy", 4.310443057719017),
    ("glszm_ZonePercentage", 0.135),
    ("glszm_ZoneVariance", 94.61179698216735),
    ("ngtdm_Busyness", 0.44055860111849504),
    ("ngtdm_Coarseness", 0.03609805335241491),
    ("ngtdm_Complexity", 49.602059456886906),
    ("ngtdm_Contrast", 0.07878205106390279),
    ("ngtdm_Strength", 1.430416884025936),
];

#[rustfmt::skip]
const FORCED: [(&str, f64); 107] = [
    ("shape_Elongation", 0.7069562617045717),
    ("shape_Flatness", 0.7064577615168085),
    ("shape_LeastAxisLength", 7.375635565834312),
    ("shape_MajorAxisLength", 10.440306508910549),
    ("shape_Maximum2DDiameterColumn", 11.872657663724665),
    ("shape_Maximum2DDiameterRow", 11.661903789690601),
    ("shape_Maximum2DDiameterSlice", 8.487638069569178),
    ("shape_Maximum3DDiameter", 11.872657663724665),
    ("shape_MeshVolume", 389.3333333333333),
    ("shape_MinorAxisLength", 7.38084006058931),
    ("shape_Sphericity", 0.7988318552330089),
    ("shape_SurfaceArea", 322.78237158643213),
    ("shape_SurfaceVolumeRatio", 0.8290643105815895),
    ("shape_VoxelVolume", 400.0),
    ("firstorder_10Percentile", -14.0),
    ("firstorder_90Percentile", 119.0),
    ("firstorder_Energy", 4904137.0),
    ("firstorder_Entropy", 3.6151961564988007),
    ("firstorder_InterquartileRange", 63.25),
    ("firstorder_Kurtosis", 2.6220056223107426),
    ("firstorder_Maximum", 172.0),
    ("firstorder_MeanAbsoluteDeviation", 40.018299999999996),
    ("firstorder_Mean", 48.665),
    ("firstorder_Median", 48.0),
    ("firstorder_Minimum", -81.0),
    ("firstorder_Range", 253.0),
    ("firstorder_RobustMeanAbsoluteDeviation", 29.437765817305888),
    ("firstorder_RootMeanSquared", 156.59082029288945),
    ("firstorder_Skewness", 0.07019855528904667),
    ("firstorder_TotalEnergy", 9808274.0),
    ("firstorder_Uniformity", 0.09215000000000001),
    ("firstorder_Variance", 2419.402775000001),
    ("glcm_Autocorrelation", 79.28534969570055),
    ("glcm_ClusterProminence", 2027.584771639396),
    ("glcm_ClusterShade", 17.158165666010007),
    ("glcm_ClusterTendency", 28.021530200352615),
    ("glcm_Contrast", 8.10942795964682),
    ("glcm_Correlation", 0.5511091666190706),
    ("glcm_DifferenceAverage", 2.3171549730829377),
    ("glcm_DifferenceEntropy", 2.6504611044702155),
    ("glcm_DifferenceVariance", 2.7402207903638303),
    ("glcm_Id", 0.404062663379707),
    ("glcm_Idm", 0.3189544052016221),
    ("glcm_Idmn", 0.9705755231702363),
    ("glcm_Idn", 0.8803756926607356),
    ("glcm_Imc1", -0.10811221182610943),
    ("glcm_Imc2", 0.7334813629545085),
    ("glcm_InverseVariance", 0.3481972605164571),
    ("glcm_JointAverage", 8.620169611760785),
    ("glcm_JointEnergy", 0.011349383570227117),
    ("glcm_JointEntropy", 6.756298368681772),
    ("glcm_MCC", 0.6034487502651894),
    ("glcm_MaximumProbability", 0.022546510284278284),
    ("glcm_SumAverage", 17.24033922352157),
    ("glcm_SumEntropy", 4.419284516886897),
    ("glcm_SumSquares", 9.03273953999986),
    ("gldm_DependenceEntropy", 6.2643519901866105),
    ("gldm_DependenceNonUniformity", 21.14),
    ("gldm_DependenceNonUniformityNormalized", 0.1057),
    ("gldm_DependenceVariance", 7.081600000000001),
    ("gldm_GrayLevelNonUniformity", 18.43),
    ("gldm_GrayLevelVariance", 9.571975),
    ("gldm_HighGrayLevelEmphasis", 85.175),
    ("gldm_LargeDependenceEmphasis", 52.24),
    ("gldm_LargeDependenceHighGrayLevelEmphasis", 4355.565),
    ("gldm_LargeDependenceLowGrayLevelEmphasis", 0.9276277476538352),
    ("gldm_LowGrayLevelEmphasis", 0.02845665382482654),
    ("gldm_SmallDependenceEmphasis", 0.055528151082685086),
    ("gldm_SmallDependenceHighGrayLevelEmphasis", 5.644763157348997),
    ("gldm_SmallDependenceLowGrayLevelEmphasis", 0.0037283971017693495),
    ("glrlm_GrayLevelNonUniformity", 71.70229564607958),
    ("glrlm_GrayLevelNonUniformityNormalized", 0.09049350274950865),
    ("glrlm_GrayLevelVariance", 9.724354005543592),
    ("glrlm_HighGrayLevelRunEmphasis", 84.99401696879093),
    ("glrlm_LongRunEmphasis", 1.308993213296211),
    ("glrlm_LongRunHighGrayLevelEmphasis", 111.83493673746756),
    ("glrlm_LongRunLowGrayLevelEmphasis", 0.03534783879574211),
    ("glrlm_LowGrayLevelRunEmphasis", 0.029356948329577474),
    ("glrlm_RunEntropy", 4.090761592972552),
    ("glrlm_RunLengthNonUniformity", 652.2801036776015),
    ("glrlm_RunLengthNonUniformityNormalized", 0.8232248468996712),
    ("glrlm_RunPercentage", 0.908394955462406),
    ("glrlm_RunVariance", 0.09713845514664644),
    ("glrlm_ShortRunEmphasis", 0.9263433445246556),
    ("glrlm_ShortRunHighGrayLevelEmphasis", 78.57830215021589),
    ("glrlm_ShortRunLowGrayLevelEmphasis", 0.027905243701097888),
    ("glszm_GrayLevelNonUniformity", 11.75),
    ("glszm_GrayLevelNonUniformityNormalized", 0.08639705882352941),
    ("glszm_GrayLevelVariance", 10.330395761245676),
    ("glszm_HighGrayLevelZoneEmphasis", 86.50735294117646),
    ("glszm_LargeAreaEmphasis", 2.8529411764705883),
    ("glszm_LargeAreaHighGrayLevelEmphasis", 241.28676470588235),
    ("glszm_LargeAreaLowGrayLevelEmphasis", 0.06908923227239905),
    ("glszm_LowGrayLevelZoneEmphasis", 0.03152416631441322),
    ("glszm_SizeZoneNonUniformity", 69.8970588235294),
    ("glszm_SizeZoneNonUniformityNormalized", 0.5139489619377162),
    ("glszm_SmallAreaEmphasis", 0.7420343137254901),
    ("glszm_SmallAreaHighGrayLevelEmphasis", 65.82235498366013),
    ("glszm_SmallAreaLowGrayLevelEmphasis", 0.025269579948819385),
    ("glszm_ZoneEntropy", 4.786877583108306),
    ("glszm_ZonePercentage", 0.68),
    ("glszm_ZoneVariance", 0.6903114186851211),
    ("ngtdm_Busyness", 0.23695731150354055),
    ("ngtdm_Coarseness", 0.035901058448505455),
    ("ngtdm_Complexity", 163.44389563293342),
    ("ngtdm_Contrast", 0.1358853906924843),
    ("ngtdm_Strength", 2.898434207382755),
];

#[rustfmt::skip]
const RESAMPLED: [(&str, f64); 107] = [
    ("shape_Elongation", 0.6899869596998254),
    ("shape_Flatness", 0.6468192134690188),
    ("shape_LeastAxisLength", 6.988712704293824),
    ("shape_MajorAxisLength", 10.804738880300079),
    ("shape_Maximum2DDiameterColumn", 11.661903789690601),
    ("shape_Maximum2DDiameterRow", 11.661903789690601),
    ("shape_Maximum2DDiameterSlice", 8.06225774829855),
    ("shape_Maximum3DDiameter", 11.832159566199232),
    ("shape_MeshVolume", 375.6666666666667),
    ("shape_MinorAxisLength", 7.455128930368746),
    ("shape_Sphericity", 0.7844843171654159),
    ("shape_SurfaceArea", 320.94821610076207),
    ("shape_SurfaceVolumeRatio", 0.8543430774643178),
    ("shape_VoxelVolume", 380.0),
    ("firstorder_10Percentile", -10.100000000000001),
    ("firstorder_90Percentile", 112.30000000000007),
    ("firstorder_Energy", 1756914.0),
    ("firstorder_Entropy", 4.206164936518382),
    ("firstorder_InterquartileRange", 65.25),
    ("firstorder_Kurtosis", 2.744573203143388),
    ("firstorder_Maximum", 174.0),
    ("firstorder_MeanAbsoluteDeviation", 37.40096952908587),
    ("firstorder_Mean", 49.76315789473684),
    ("firstorder_Median", 50.0),
    ("firstorder_Minimum", -89.0),
    ("firstorder_Range", 263.0),
    ("firstorder_RobustMeanAbsoluteDeviation", 26.84732081024931),
    ("firstorder_RootMeanSquared", 67.99601381505273),
    ("firstorder_Skewness", 0.03470738095045048),
    ("firstorder_TotalEnergy", 1756914.0),
    ("firstorder_Uniformity", 0.061689750692520764),
    ("firstorder_Variance", 2147.0860110803324),
    ("glcm_Autocorrelation", 221.859590573928),
    ("glcm_ClusterProminence", 10617.148784404304),
    ("glcm_ClusterShade", 42.87720423268141),
    ("glcm_ClusterTendency", 64.12362703594567),
    ("glcm_Contrast", 15.407949767248622),
    ("glcm_Correlation", 0.6832052950253887),
    ("glcm_DifferenceAverage", 3.104475968632914),
    ("glcm_DifferenceEntropy", 3.031639326863164),
    ("glcm_DifferenceVariance", 5.389668855155078),
    ("glcm_Id", 0.36266174993776795),
    ("glcm_Idm", 0.27248036223357824),
    ("glcm_Idmn", 0.9800279912677309),
    ("glcm_Idn", 0.902311637716083),
    ("glcm_Imc1", -0.29143167065124675),
    ("glcm_Imc2", 0.9512202153133514),
    ("glcm_InverseVariance", 0.271634412050169),
    ("glcm_JointAverage", 14.515777196613394),
    ("glcm_JointEnergy", 0.00920018502554993),
    ("glcm_JointEntropy", 7.007711582807439),
    ("glcm_MCC", 0.8149278439859943),
    ("glcm_MaximumProbability", 0.02424892379480365),
    ("glcm_SumAverage", 28.9604877949766),
    ("glcm_SumEntropy", 4.9055284573232),
    ("glcm_SumSquares", 18.95082010458255),
    ("gldm_DependenceEntropy", 6.359599695449964),
    ("gldm_DependenceNonUniformity", 71.93157894736842),
    ("gldm_DependenceNonUniformityNormalized", 0.18929362880886427),
    ("gldm_DependenceVariance", 2.7489196675900276),
    ("gldm_GrayLevelNonUniformity", 23.442105263157895),
    ("gldm_GrayLevelVariance", 21.34296398891967),
    ("gldm_HighGrayLevelEmphasis", 232.81578947368422),
    ("gldm_LargeDependenceEmphasis", 12.326315789473684),
    ("gldm_LargeDependenceHighGrayLevelEmphasis", 2775.926315789474),
    ("gldm_LargeDependenceLowGrayLevelEmphasis", 0.07856611367850189),
    ("gldm_LowGrayLevelEmphasis", 0.010247801714519883),
    ("gldm_SmallDependenceEmphasis", 0.2662795194832319),
    ("gldm_SmallDependenceHighGrayLevelEmphasis", 62.87056363751642),
    ("gldm_SmallDependenceLowGrayLevelEmphasis", 0.005518250702571015),
    ("glrlm_GrayLevelNonUniformity", 21.205215468183727),
    ("glrlm_GrayLevelNonUniformityNormalized", 0.0606855572025622),
    ("glrlm_GrayLevelVariance", 21.916521654589303),
    ("glrlm_HighGrayLevelRunEmphasis", 233.32675880720055),
    ("glrlm_LongRunEmphasis", 1.2839491097248925),
    ("glrlm_LongRunHighGrayLevelEmphasis", 297.93222543320985),
    ("glrlm_LongRunLowGrayLevelEmphasis", 0.012352283224457647),
    ("glrlm_LowGrayLevelRunEmphasis", 0.01061060697937094),
    ("glrlm_RunEntropy", 4.595838130156816),
    ("glrlm_RunLengthNonUniformity", 297.6330246318856),
    ("glrlm_RunLengthNonUniformityNormalized", 0.8502034026176465),
    ("glrlm_RunPercentage", 0.9194331983805668),
    ("glrlm_RunVariance", 0.09625234748643953),
    ("glrlm_ShortRunEmphasis", 0.9377147335434818),
    ("glrlm_ShortRunHighGrayLevelEmphasis", 219.24386915220742),
    ("glrlm_ShortRunLowGrayLevelEmphasis", 0.010222924745385874),
    ("glszm_GrayLevelNonUniformity", 6.290322580645161),
    ("glszm_GrayLevelNonUniformityNormalized", 0.05072840790842872),
    ("glszm_GrayLevelVariance", 31.652640478668054),
    ("glszm_HighGrayLevelZoneEmphasis", 242.6048387096774),
    ("glszm_LargeAreaEmphasis", 22.016129032258064),
    ("glszm_LargeAreaHighGrayLevelEmphasis", 4973.629032258064),
    ("glszm_LargeAreaLowGrayLevelEmphasis", 0.14061058246982683),
    ("glszm_LowGrayLevelZoneEmphasis", 0.018295554099065057),
    ("glszm_SizeZoneNonUniformity", 34.74193548387097),
    ("glszm_SizeZoneNonUniformityNormalized", 0.28017689906347554),
    ("glszm_SmallAreaEmphasis", 0.543825413060336),
    ("glszm_SmallAreaHighGrayLevelEmphasis", 129.7257966843547),
    ("glszm_SmallAreaLowGrayLevelEmphasis", 0.015060821722600226),
    ("glszm_ZoneEntropy", 5.869153266483753),
    ("glszm_ZonePercentage", 0.3263157894736842),
    ("glszm_ZoneVariance", 12.624869927159208),
    ("ngtdm_Busyness", 0.12465288727331807),
    ("ngtdm_Coarseness", 0.022786471392608185),
    ("ngtdm_Complexity", 553.0463497474121),
    ("ngtdm_Contrast", 0.13749343814616485),
    ("ngtdm_Strength", 5.202541900550568),
];
