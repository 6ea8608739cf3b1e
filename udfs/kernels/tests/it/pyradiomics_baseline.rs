//! PyRadiomics' own stored values (`data/baseline` of its repository): three cases under eight settings.
#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(
    clippy::disallowed_methods,
    reason = "golden values are files; the functions under test read none"
)]

use std::collections::HashMap;

use radlake_kernels::neighbours::WeightingNorm;
use radlake_kernels::pyradiomics::{self, Settings};
use radlake_kernels::resample::Interpolator;
use radlake_kernels::resegment::{Mode, Resegmentation};
use radlake_kernels::{Discretisation, Error};

use crate::support;

/// Cells of a line of CSV with quotes.
fn cells(line: &str) -> Vec<String> {
    let (mut out, mut quoted) = (vec![String::new()], false);
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => out.push(String::new()),
            c => out.last_mut().unwrap().push(c),
        }
    }
    out
}

/// The value of a key in the text of a Python dictionary.
fn setting<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let rest = text.split_once(&format!("'{key}': "))?.1;
    let end = if rest.starts_with('[') {
        rest.find(']')? + 1
    } else {
        rest.find([',', '}'])?
    };
    Some(rest[..end].trim_matches('\'')).filter(|v| *v != "None")
}

fn numbers(text: &str) -> Vec<f64> {
    text.trim_matches(['[', ']'])
        .split(',')
        .map(|w| w.trim().parse().unwrap())
        .collect()
}

fn settings(text: &str) -> Settings {
    let number = |key: &str| setting(text, key).map(|v| v.parse::<f64>().unwrap());
    let yes = |key: &str| setting(text, key) == Some("True");
    let mut s = Settings {
        minimum_dimensions: 1,
        ..Settings::default()
    };
    s.discretisation = match number("binCount") {
        Some(count) => Discretisation::PyRadiomicsCount(count as usize),
        None => Discretisation::PyRadiomicsWidth(number("binWidth").unwrap_or(25.0)),
    };
    s.force_2d = yes("force2D").then(|| number("force2Ddimension").unwrap_or(0.0) as usize);
    s.distances = numbers(setting(text, "distances").unwrap_or("[1]"))
        .iter()
        .map(|d| *d as usize)
        .collect();
    s.symmetrical_glcm = setting(text, "symmetricalGLCM") != Some("False");
    s.weighting_norm = match setting(text, "weightingNorm") {
        None => WeightingNorm::None,
        Some("infinity") => WeightingNorm::Infinity,
        Some("euclidean") => WeightingNorm::Euclidean,
        Some("manhattan") => WeightingNorm::Manhattan,
        Some(_) => WeightingNorm::NoWeighting,
    };
    s.gldm_a = number("gldm_a").unwrap_or(0.0) as u16;
    s.voxel_array_shift = number("voxelArrayShift").unwrap_or(0.0);
    s.normalise =
        yes("normalize").then(|| (number("normalizeScale").unwrap_or(1.0), number("removeOutliers")));
    s.resample = setting(text, "resampledPixelSpacing").and_then(|spacing| {
        let how = match setting(text, "interpolator")? {
            "sitkNearestNeighbor" | "1" => Interpolator::Nearest,
            "sitkLinear" | "2" => Interpolator::Linear,
            _ => Interpolator::BSpline,
        };
        let spacing = numbers(spacing);
        Some(([spacing[0], spacing[1], spacing[2]], how))
    });
    s.pad_distance = number("padDistance").unwrap_or(5.0) as usize;
    s.resegment = setting(text, "resegmentRange").map(|range| {
        let range = numbers(range);
        let mode = match setting(text, "resegmentMode") {
            Some("relative") => Mode::Relative,
            Some("sigma") => Mode::Sigma,
            _ => Mode::Absolute,
        };
        Resegmentation {
            low: range[0],
            high: range.get(1).copied(),
            mode,
        }
    });
    s.resegment_shape = yes("resegmentShape");
    s
}

#[test]
fn stored_baselines() {
    let (mut compared, mut missed) = (0, Vec::new());
    for case in ["brain1", "breast1", "lung1"] {
        let (Some(image), Some(labels)) = (
            support::reference(&format!("pyradiomics/{case}_image.nrrd")),
            support::reference(&format!("pyradiomics/{case}_label.nrrd")),
        ) else {
            return;
        };
        let (image, mask) = (support::nrrd(&image), support::mask(&support::nrrd(&labels)));
        let mut done: HashMap<String, Vec<radlake_kernels::Feature>> = HashMap::new();
        for class in ["firstorder", "glcm", "gldm", "glrlm", "glszm", "ngtdm", "shape"] {
            let Some(table) = support::reference(&format!("pyradiomics/baseline/baseline_{class}.csv"))
            else {
                return;
            };
            let text = std::fs::read_to_string(table).unwrap();
            let rows: Vec<Vec<String>> = text.lines().map(cells).collect();
            let configured = rows
                .iter()
                .find(|r| r[0] == "diagnostics_Configuration_Settings")
                .unwrap();
            for (column, name) in rows[0].iter().enumerate().skip(1) {
                if name.split('_').next() != Some(case) {
                    continue;
                }
                let text = &configured[column];
                if !done.contains_key(text) {
                    let result: Result<_, Error> = pyradiomics::extract(&image, &mask, &settings(text));
                    done.insert(text.clone(), result.unwrap());
                }
                let features = &done[text];
                for row in rows.iter().filter(|r| r[0].starts_with("original_")) {
                    let Ok(wanted) = row[column].parse::<f64>() else {
                        continue;
                    };
                    let short = row[0].rsplit('_').next().unwrap();
                    let Some(found) = features.iter().find(|f| f.class == class && f.name == short) else {
                        // Two features that PyRadiomics has since withdrawn stand in old tables.
                        println!("{name} {}: not computed", row[0]);
                        continue;
                    };
                    compared += 1;
                    let got = found.value.unwrap_or(f64::NAN);
                    let apart = (got - wanted).abs();
                    if !(apart <= 1e-9 * wanted.abs() || apart < 1e-11) {
                        println!("{name} {}: got {got}, stored {wanted}", row[0]);
                        missed.push(format!("{name} {short}"));
                    }
                }
            }
        }
    }
    println!("{compared} compared, {} missed", missed.len());
    // PyRadiomics 3.0.1 itself no longer gives these four: the stored column is of an older mesh.
    let known = ["Sphericity", "SurfaceVolumeRatio", "MeshVolume", "SurfaceArea"]
        .map(|name| format!("brain1 {name}"));
    assert_eq!((compared, missed), (1995, known.to_vec()));
}
