//! Settings as text, and their hash.

use radlake_kernels::Discretisation;
use radlake_kernels::ibsi::IntensityVolume;
use radlake_kernels::neighbours::WeightingNorm;
use radlake_kernels::pyradiomics::Settings as Kernel;
use radlake_kernels::resample::Interpolator;
use radlake_kernels::resegment::Mode;
use sha2::{Digest, Sha256};

use super::{Ibsi, Profile, PyRadiomics, select};

type Lines = Vec<(String, String)>;

/// First 16 hexadecimal digits of SHA-256.
pub(super) fn hash(canonical: &str, version: u32) -> String {
    let digest = Sha256::digest(format!("{canonical}results={version}\n"));
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

fn numbers(values: &[f64]) -> String {
    let texts: Vec<String> = values.iter().map(f64::to_string).collect();
    texts.join(",")
}

fn interpolator(how: Interpolator) -> &'static str {
    match how {
        Interpolator::Nearest => "nearest",
        Interpolator::Linear => "linear",
        Interpolator::BSpline => "bspline",
    }
}

fn bins(discretisation: Discretisation) -> String {
    match discretisation {
        Discretisation::PyRadiomicsWidth(width) => format!("width {width}"),
        Discretisation::PyRadiomicsCount(count) | Discretisation::IbsiCount(count) => {
            format!("count {count}")
        }
        Discretisation::IbsiWidth { width, start: None } => format!("width {width}"),
        Discretisation::IbsiWidth {
            width,
            start: Some(start),
        } => format!("width {width} from {start}"),
        Discretisation::Identity => "none".to_owned(),
    }
}

/// Lines of a profile `pyradiomics`.
pub(super) fn pyradiomics(s: &PyRadiomics) -> Lines {
    let base = &s.base;
    let mut lines = Lines::new();
    let mut line = |key: &str, value: String| lines.push((key.to_owned(), value));
    if let Some((scale, outliers)) = base.normalise {
        line("normalizeScale", scale.to_string());
        line(
            "removeOutliers",
            outliers.map_or_else(|| "none".to_owned(), |o| o.to_string()),
        );
    }
    line("normalize", base.normalise.is_some().to_string());
    match base.resample {
        Some((spacing, how)) => {
            line("resampledPixelSpacing", numbers(&spacing));
            line("interpolator", interpolator(how).to_owned());
        }
        None => {
            line("resampledPixelSpacing", "none".to_owned());
            line("preCrop", base.pre_crop.to_string());
        }
    }
    if base.resample.is_some() || base.pre_crop {
        line("padDistance", base.pad_distance.to_string());
    }
    match base.resegment {
        Some(range) => {
            let bounds: Vec<f64> = std::iter::once(range.low).chain(range.high).collect();
            let mode = match range.mode {
                Mode::Absolute => "absolute",
                Mode::Relative => "relative",
                Mode::Sigma => "sigma",
            };
            line("resegmentRange", numbers(&bounds));
            line("resegmentMode", mode.to_owned());
            line("resegmentShape", base.resegment_shape.to_string());
        }
        None => line("resegmentRange", "none".to_owned()),
    }
    line("minimumROIDimensions", base.minimum_dimensions.to_string());
    line(
        "minimumROISize",
        base.minimum_size
            .map_or_else(|| "none".to_owned(), |n| n.to_string()),
    );
    if s.wants("shape2D") {
        let flat = base
            .force_2d
            .map_or_else(|| "none".to_owned(), |axis| axis.to_string());
        line("shape2D.force2Ddimension", flat);
    }
    for image in &s.images {
        texture(&mut lines, &image.name(), &image.settings);
    }
    lines.extend(select::canonical(&s.features, Profile::PyRadiomics));
    lines
}

fn texture(lines: &mut Lines, image: &str, settings: &Kernel) {
    let mut line = |key: &str, value: String| lines.push((format!("imageType.{image}.{key}"), value));
    line("bins", bins(settings.discretisation));
    line("voxelArrayShift", settings.voxel_array_shift.to_string());
    line("symmetricalGLCM", settings.symmetrical_glcm.to_string());
    let norm = match settings.weighting_norm {
        WeightingNorm::None => "none",
        WeightingNorm::Infinity => "infinity",
        WeightingNorm::Euclidean => "euclidean",
        WeightingNorm::Manhattan => "manhattan",
        WeightingNorm::NoWeighting => "no_weighting",
    };
    line("weightingNorm", norm.to_owned());
    line("gldm_a", settings.gldm_a.to_string());
    let mut distances: Vec<f64> = settings.distances.iter().map(|d| *d as f64).collect();
    distances.sort_by(f64::total_cmp);
    distances.dedup();
    line("distances", numbers(&distances));
    let flat = settings
        .force_2d
        .map_or_else(|| "none".to_owned(), |axis| axis.to_string());
    line("force2Ddimension", flat);
}

/// Lines of a profile `ibsi`.
pub(super) fn ibsi(s: &Ibsi) -> Lines {
    let mut lines = Lines::new();
    let mut line = |key: &str, value: String| lines.push((key.to_owned(), value));
    line("bins", bins(s.kernel.discretisation));
    let volumes = match s.kernel.intensity_volume {
        IntensityVolume::Discrete => "none".to_owned(),
        IntensityVolume::Width(width) => format!("width {width}"),
        IntensityVolume::Count(count) => format!("count {count}"),
    };
    line("ivhBins", volumes);
    match s.resample {
        Some((spacing, how)) => {
            line("resampledPixelSpacing", numbers(&spacing));
            line("interpolator", interpolator(how).to_owned());
            let round = s.round.map_or_else(|| "auto".to_owned(), |r| r.to_string());
            line("roundIntensities", round);
        }
        None => line("resampledPixelSpacing", "none".to_owned()),
    }
    let bound = |b: Option<f64>| b.map_or_else(|| "none".to_owned(), |b| b.to_string());
    let [low, high] = s.kernel.range.map(bound);
    line("resegmentRange", format!("{low},{high}"));
    line("outlierSigma", bound(s.outliers));
    line("distance", s.kernel.distance.to_string());
    line("ngldmCoarseness", s.kernel.coarseness.to_string());
    line("aggregations", s.aggregations.join(","));
    lines.extend(select::canonical(&s.features, Profile::Ibsi));
    lines
}
