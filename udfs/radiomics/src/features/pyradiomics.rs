//! Profile `pyradiomics`.

use radlake_kernels::image_types::{ImageType, Prepared};
use radlake_kernels::pyradiomics::intensity_of;
use radlake_kernels::{Error as Refused, Feature, Mask, Undefined, Volume};

use super::{Stop, Value};
use crate::dictionary::Entry;
use crate::error::{Error, Result};
use crate::settings::{Image, PyRadiomics};

/// Shape is of the region, whatever the image.
fn is_shape(entry: &Entry) -> bool {
    entry.class.starts_with("shape")
}

/// PyRadiomics' names of the images of one type, in the order of their columns.
fn images(image: &Image) -> Vec<String> {
    match image.kind {
        ImageType::Wavelet => {
            let bands: &[&str] = match image.settings.force_2d {
                None => &["LLH", "LHL", "LHH", "HLL", "HLH", "HHL", "HHH", "LLL"],
                Some(_) => &["LH", "HL", "HH", "LL"],
            };
            bands.iter().map(|band| format!("wavelet-{band}")).collect()
        }
        // Python prints whole numbers with a decimal.
        ImageType::LoG(sigma) => vec![format!("log-sigma-{sigma:?}-mm-3D").replace('.', "-")],
        ImageType::GradientPerVoxel => vec!["gradient".to_owned()],
        _ => vec![image.name()],
    }
}

fn column(image: &str, entry: &Entry) -> String {
    format!(
        "{}_{}",
        image.to_ascii_lowercase().replace(['-', '.'], "_"),
        entry.name
    )
}

pub(super) fn names(s: &PyRadiomics) -> Vec<String> {
    let shape = s
        .features
        .iter()
        .filter(|e| is_shape(e))
        .map(|e| column("original", e));
    let derived = s.images.iter().flat_map(images).flat_map(|image| {
        let measured = s.features.iter().filter(|e| !is_shape(e));
        measured.map(move |e| column(&image, e)).collect::<Vec<String>>()
    });
    shape.chain(derived).collect()
}

/// All columns; with `only` those of other images stay undefined.
pub(super) fn extract(
    image: &Volume,
    mask: &Mask,
    s: &PyRadiomics,
    only: Option<&str>,
    stop: Stop<'_>,
) -> Result<Vec<Value>> {
    let (shape, measured): (Vec<&Entry>, Vec<&Entry>) = s.features.iter().partition(|e| is_shape(e));
    let filters = s.images.iter().any(|i| i.kind != ImageType::Original) && !measured.is_empty();
    check(stop)?;
    let prepared = Prepared::new(image, mask, &s.base, filters)?;
    let mut values = vec![Err(Undefined::Degenerate); shape.len()];
    if !shape.is_empty() {
        check(stop)?;
        fill(&mut values, &shape, &prepared.shape(&s.base)?);
    }
    if measured.is_empty() {
        return Ok(values);
    }
    let want = |class: &str| {
        if stop() {
            return Err(Refused::Cancelled);
        }
        Ok(measured.iter().any(|e| e.class == class))
    };
    for derived in &s.images {
        let names = images(derived);
        let first = values.len();
        values.resize(
            first + names.len() * measured.len(),
            Err(Undefined::NoFilteredImage),
        );
        let wanted = |name: &str| only.is_none_or(|only| only == name);
        if !names.iter().any(|name| wanted(name)) {
            continue;
        }
        check(stop)?;
        let visited = prepared.visit(derived.kind, &derived.settings, &wanted, &mut |name, region| {
            let found = intensity_of(region, &derived.settings, &want)?;
            if let Some(at) = names.iter().position(|n| n == name) {
                let start = first + at * measured.len();
                if let Some(block) = values.get_mut(start..start + measured.len()) {
                    fill(block, &measured, &found);
                }
            }
            Ok(())
        });
        match visited {
            // As PyRadiomics, which warns and leaves such an image out.
            Err(Refused::BadSetting {
                name: "sigma" | "imageType",
                ..
            }) => {}
            other => other?,
        }
    }
    Ok(values)
}

pub(super) fn extract_one(
    image: &Volume,
    mask: &Mask,
    s: &PyRadiomics,
    name: &str,
    stop: Stop<'_>,
) -> Result<Option<Value>> {
    let Some(at) = names(s).iter().position(|n| n == name) else {
        return Ok(None);
    };
    let mut one = s.clone();
    let found = s.features.iter().find_map(|entry| {
        if is_shape(entry) {
            return (column("original", entry) == name).then_some((*entry, None));
        }
        let mut derived = s
            .images
            .iter()
            .flat_map(|i| images(i).into_iter().map(move |n| (i, n)));
        derived
            .find(|(_, image)| column(image, entry) == name)
            .map(|(i, image)| (*entry, Some((i, image))))
    });
    let Some((entry, derived)) = found else {
        return Ok(None);
    };
    one.features = vec![entry];
    one.images = Vec::new();
    let mut only = None;
    if let Some((image, name)) = derived {
        let mut image = image.clone();
        image.settings.mcc = entry.name == "glcm_mcc";
        one.images = vec![image];
        only = Some(name);
    }
    let values = extract(image, mask, &one, only.as_deref(), stop)?;
    // One feature of one type of image: as many values as that has images.
    let position = only.map_or(0, |name| {
        let names = one.images.first().map(images).unwrap_or_default();
        names.iter().position(|n| *n == name).unwrap_or(at)
    });
    Ok(values.get(position).copied())
}

fn check(stop: Stop<'_>) -> Result<()> {
    if stop() { Err(Error::Cancelled) } else { Ok(()) }
}

/// Puts what the kernels found where its column is; a feature that they do not name is derived from others.
fn fill(block: &mut [Value], entries: &[&Entry], found: &[Feature]) {
    let mut next = 0;
    for (value, entry) in block.iter_mut().zip(entries) {
        let fits = |f: &Feature| f.class == entry.class && f.name == entry.feature;
        // Both are in the same order: the search ends at once.
        let ahead = found.get(next..).unwrap_or_default();
        match ahead.iter().position(fits) {
            Some(at) => {
                next += at + 1;
                if let Some(feature) = found.get(next - 1) {
                    *value = feature.value;
                }
            }
            None => {
                if let Some(feature) = derived(entry, found) {
                    *value = feature;
                }
            }
        }
    }
}

/// The features that PyRadiomics calls deprecated (`radiomics.shape`, `radiomics.firstorder`, `radiomics.shape2D`).
fn derived(entry: &Entry, found: &[Feature]) -> Option<Value> {
    use std::f64::consts::PI;
    let of = |name: &str| {
        let feature = found.iter().find(|f| f.class == entry.class && f.name == name);
        feature.map(|f| f.value)
    };
    let finite = |value: f64| {
        if value.is_finite() {
            Ok(value)
        } else {
            Err(Undefined::Degenerate)
        }
    };
    let solid = |formula: fn(f64, f64) -> f64| {
        let (volume, area) = (of("MeshVolume")?, of("SurfaceArea")?);
        Some(volume.and_then(|v| area.and_then(|a| finite(formula(v, a)))))
    };
    match entry.name {
        "shape_compactness1" => solid(|v, a| v / (a.powf(1.5) * PI.sqrt())),
        "shape_compactness2" => solid(|v, a| 36.0 * PI * v * v / (a * a * a)),
        "shape_sphericaldisproportion" => solid(|v, a| a / (36.0 * PI * v * v).cbrt()),
        "shape2d_sphericaldisproportion" => Some(of("Sphericity")?.and_then(|s| finite(1.0 / s))),
        "firstorder_standarddeviation" => Some(of("Variance")?.map(f64::sqrt)),
        _ => None,
    }
}
