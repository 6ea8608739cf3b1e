//! Profile `ibsi`.

use std::borrow::Cow;
use std::collections::HashMap;

use radlake_kernels::resample::{crop, resample_ibsi};
use radlake_kernels::resegment::{Mode, Resegmentation};
use radlake_kernels::{Error as Refused, Mask, PixelType, Undefined, Volume, ibsi};

use super::{Stop, Value};
use crate::dictionary::Entry;
use crate::error::Result;
use crate::settings::Ibsi;

/// How far local intensity looks beyond the region, mm: the radius of 1 cm³, rounded up.
const REACH: f64 = 6.3;

/// Feature and aggregation of every column.
fn columns(s: &Ibsi) -> impl Iterator<Item = (&'static Entry, &'static str)> + '_ {
    s.features.iter().flat_map(|entry| {
        let all = entry.aggregations().iter();
        let wanted = all.filter(|a| a.is_empty() || s.aggregations.contains(a));
        wanted.map(move |a| (*entry, *a))
    })
}

fn column((entry, aggregation): (&Entry, &str)) -> String {
    if aggregation.is_empty() {
        return entry.name.to_owned();
    }
    format!("{}_{}", entry.name, aggregation.to_ascii_lowercase())
}

pub(super) fn names(s: &Ibsi) -> Vec<String> {
    columns(s).map(column).collect()
}

pub(super) fn extract(image: &Volume, mask: &Mask, s: &Ibsi, stop: Stop<'_>) -> Result<Vec<Value>> {
    let want = |class: &str| {
        if stop() {
            return Err(Refused::Cancelled);
        }
        Ok(s.wants(class))
    };
    want("")?;
    let (image, mask) = prepare(image, mask, s)?;
    want("")?;
    let intensity = resegment(&image, &mask, s)?;
    let found = ibsi::extract_of(&image, &mask, &intensity, &s.kernel, &want)?;
    let found: HashMap<(&str, &str, &str), Value> = found
        .iter()
        .map(|f| ((f.class, f.name, f.aggregation), f.value))
        .collect();
    let value = |(entry, aggregation): (&'static Entry, &'static str)| {
        let known = found.get(&(entry.class, entry.feature, aggregation));
        known.copied().unwrap_or(Err(Undefined::NotFinite))
    };
    Ok(columns(s).map(value).collect())
}

pub(super) fn extract_one(
    image: &Volume,
    mask: &Mask,
    s: &Ibsi,
    name: &str,
    stop: Stop<'_>,
) -> Result<Option<Value>> {
    let Some((entry, aggregation)) = columns(s).find(|c| column(*c) == name) else {
        return Ok(None);
    };
    let one = Ibsi {
        features: vec![entry],
        aggregations: vec![aggregation],
        ..s.clone()
    };
    Ok(extract(image, mask, &one, stop)?.first().copied())
}

/// Resamples, and cuts off what no feature looks at.
fn prepare<'a>(image: &'a Volume, mask: &'a Mask, s: &Ibsi) -> Result<(Cow<'a, Volume>, Cow<'a, Mask>)> {
    if image.geometry.size != mask.geometry.size {
        let (image, mask) = (image.geometry.size, mask.geometry.size);
        return Err(Refused::SizeMismatch { image, mask }.into());
    }
    let (mut whole, mut region) = (Cow::Borrowed(image), Cow::Borrowed(mask));
    if let Some((spacing, how)) = s.resample {
        let round = s
            .round
            .unwrap_or(matches!(image.pixel, PixelType::Integer { .. }));
        let (image, mask) = resample_ibsi(image, mask, spacing, how, round)?;
        (whole, region) = (Cow::Owned(image), Cow::Owned(mask));
    }
    let margin = whole.geometry.spacing.map(|mm| (REACH / mm).ceil() as usize + 1);
    let bounds = region
        .bounding_box()?
        .grow(margin.into_iter().max().unwrap_or_default(), region.geometry.size);
    if bounds.size() == region.geometry.size {
        return Ok((whole, region));
    }
    let (image, mask) = crop(&whole, &region, bounds)?;
    Ok((Cow::Owned(image), Cow::Owned(mask)))
}

/// The intensity mask: range and outliers are each taken from the same region (IBSI 2.8).
fn resegment(image: &Volume, mask: &Mask, s: &Ibsi) -> Result<Mask> {
    let mut intensity = mask.clone();
    let mut keep = |range: Resegmentation| -> Result<()> {
        let kept = range.apply(image, mask)?;
        for (a, b) in intensity.voxels.iter_mut().zip(&kept.voxels) {
            *a &= b;
        }
        Ok(())
    };
    let [low, high] = s.kernel.range;
    if low.is_some() || high.is_some() {
        keep(Resegmentation {
            low: low.unwrap_or(f64::NEG_INFINITY),
            high,
            mode: Mode::Absolute,
        })?;
    }
    if let Some(sigma) = s.outliers {
        keep(Resegmentation {
            low: -sigma,
            high: Some(sigma),
            mode: Mode::Sigma,
        })?;
    }
    Ok(intensity)
}
