//! Readers for the reference data beside the checkout (`shared/data`), which is never part of the project.
#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(
    clippy::disallowed_methods,
    reason = "golden values are files; the functions under test read none"
)]

use std::io::Read;
use std::path::{Path, PathBuf};

use radlake_kernels::{Feature, Geometry, Mask, PixelType, Volume};

/// A file of the reference data; `None` (and a line that says so) where it is absent.
pub(crate) fn reference(path: &str) -> Option<PathBuf> {
    let root = Path::new("../../../shared/data"); // tests run in their package
    let file = root.join(path);
    if file.exists() {
        return Some(file);
    }
    eprintln!("skipped: reference data {path} is not beside the checkout");
    None
}

fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes)
        .read_to_end(&mut out)
        .unwrap();
    out
}

/// NIfTI-1, little-endian, int16 or float32 or uint8; axes taken as they are.
pub(crate) fn nifti(path: &Path) -> Volume {
    let bytes = gunzip(&std::fs::read(path).unwrap());
    let i16_at = |at: usize| i16::from_le_bytes([bytes[at], bytes[at + 1]]);
    let f32_at = |at: usize| f32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let size = [42, 44, 46].map(|at| i16_at(at) as usize);
    let spacing = [80, 84, 88].map(|at| f64::from(f32_at(at)));
    let body = &bytes[f32_at(108) as usize..];
    let n: usize = size.iter().product();
    let values: Vec<f64> = match i16_at(70) {
        2 => body[..n].iter().map(|&b| f64::from(b)).collect(),
        4 => body[..2 * n]
            .chunks_exact(2)
            .map(|b| f64::from(i16::from_le_bytes([b[0], b[1]])))
            .collect(),
        16 => body[..4 * n]
            .chunks_exact(4)
            .map(|b| f64::from(f32::from_le_bytes(b.try_into().unwrap())))
            .collect(),
        other => {
            assert_eq!(other, 4, "NIfTI type");
            Vec::new()
        }
    };
    Volume::new(Geometry::new(size, spacing).unwrap(), values, PixelType::INT16).unwrap()
}

/// NRRD with attached gzip data of type short or int.
pub(crate) fn nrrd(path: &Path) -> Volume {
    let bytes = std::fs::read(path).unwrap();
    let end = bytes.windows(2).position(|w| w == b"\n\n").unwrap();
    let header = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let field = |name: &str| {
        let line = header.lines().find(|l| l.starts_with(name)).unwrap();
        line.split_once(": ").unwrap().1.to_owned()
    };
    let numbers = |text: &str| -> Vec<f64> {
        text.split(|c: char| "(), ".contains(c))
            .filter(|w| !w.is_empty())
            .map(|w| w.parse().unwrap())
            .collect()
    };
    let size = numbers(&field("sizes"));
    let axes = numbers(&field("space directions"));
    let origin = numbers(&field("space origin"));
    let spacing: [f64; 3] =
        std::array::from_fn(|a| (0..3).map(|k| axes[3 * a + k].powi(2)).sum::<f64>().sqrt());
    let geometry = Geometry {
        size: std::array::from_fn(|k| size[k] as usize),
        spacing,
        origin: std::array::from_fn(|k| origin[k]),
        direction: std::array::from_fn(|k| axes[3 * (k % 3) + k / 3] / spacing[k % 3]),
    };
    assert!(field("encoding").starts_with("gz"));
    let body = gunzip(&bytes[end + 2..]);
    let values = match field("type").as_str() {
        "short" => body
            .chunks_exact(2)
            .map(|b| f64::from(i16::from_le_bytes([b[0], b[1]])))
            .collect(),
        "int" => body
            .chunks_exact(4)
            .map(|b| f64::from(i32::from_le_bytes(b.try_into().unwrap())))
            .collect(),
        other => {
            assert_eq!(other, "short", "NRRD type");
            Vec::new()
        }
    };
    Volume::new(geometry, values, PixelType::INT16).unwrap()
}

/// The voxels of a label volume that are not zero.
pub(crate) fn mask(labels: &Volume) -> Mask {
    Mask::new(
        labels.geometry.clone(),
        labels.values.iter().map(|v| *v != 0.0).collect(),
    )
    .unwrap()
}

/// `reference value;tolerance;tag` of IBSI: tag, value, tolerance (0 where three significant digits must agree).
pub(crate) fn ibsi_reference(path: &Path) -> Vec<(String, f64, f64)> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .skip(1)
        .filter_map(|line| {
            let mut cells = line.trim_start_matches('\u{feff}').split(';');
            let (value, tolerance, tag) = (cells.next()?, cells.next()?, cells.next()?);
            Some((
                tag.trim().to_owned(),
                value.parse().ok()?,
                tolerance.parse().unwrap_or(0.0),
            ))
        })
        .collect()
}

/// IBSI's tag of a feature.
pub(crate) fn tag(feature: &Feature) -> String {
    let suffix = if feature.aggregation.is_empty() {
        String::new()
    } else {
        format!("_{}", feature.aggregation)
    };
    format!("{}_{}{suffix}", feature.class, feature.name)
}

/// Compares with the reference, and tells each miss; returns compared and missed.
pub(crate) fn compare(found: &[(String, f64)], reference: &[(String, f64, f64)]) -> (usize, usize) {
    let (mut compared, mut missed) = (0, 0);
    for (wanted, value, tolerance) in reference {
        let Some((_, got)) = found.iter().find(|(name, _)| *name == wanted.to_lowercase()) else {
            println!("not computed: {wanted} = {value}");
            continue;
        };
        compared += 1;
        // Published values are rounded to three digits.
        let digits = |v: f64| 10f64.powf(v.abs().log10().floor() - 2.0);
        let allowed = if *value == 0.0 {
            5e-4
        } else {
            0.501 * digits(*value)
        } + tolerance;
        if (got - value).abs() > allowed || got.is_nan() {
            missed += 1;
            println!("{wanted}: got {got}, reference {value} ± {tolerance}");
        }
    }
    (compared, missed)
}
