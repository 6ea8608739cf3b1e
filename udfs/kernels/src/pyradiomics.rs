//! The `pyradiomics` profile: the features of PyRadiomics 3.0.1 under its names and with its conventions.

mod settings;

use std::borrow::Cow;

use crate::error::{Error, Result};
use crate::feature::{Feature, Undefined, feature};
use crate::firstorder;
use crate::levels::Levels;
use crate::mask::{BoundingBox, Mask};
use crate::matrix::glcm_features::{self, GlcmFeatures};
use crate::matrix::ngtdm::NgtdmFeatures;
use crate::matrix::size_features::{self, SizeFeatures};
use crate::matrix::{Cell, glcm, gldm, glrlm, glszm, merge, neighbourhood, ngtdm};
use crate::neighbours::{WeightingNorm, directions, offsets};
use crate::normalise::Normalisation;
use crate::region::Region;
use crate::resample::{crop_mask, crop_volume, resample_pyradiomics};
use crate::shape::Shape;
use crate::shape2d;
use crate::volume::Volume;

pub use settings::Settings;

/// Asked by class before its features are computed: whether they are wanted. An error ends the computation with it
/// ([`Error::Cancelled`]).
pub type Want<'a> = &'a dyn Fn(&str) -> Result<bool>;

/// Every class.
pub(crate) const EVERY: Want<'static> = &|_| Ok(true);

/// An image and its mask, normalised and resampled.
#[derive(Debug)]
pub(crate) struct Base<'a> {
    pub(crate) image: Cow<'a, Volume>,
    pub(crate) mask: Cow<'a, Mask>,
}

/// The two masks of a region.
#[derive(Debug)]
pub(crate) struct Masks {
    /// Before re-segmentation: shape is measured on it.
    pub(crate) shape_mask: Mask,
    /// Box of `shape_mask`.
    pub(crate) shape_bounds: BoundingBox,
    /// After re-segmentation: intensities and texture are measured on it.
    pub(crate) mask: Mask,
}

/// Normalises and resamples (`featureextractor.loadImage`); what neither changes is borrowed.
pub(crate) fn base<'a>(image: &'a Volume, mask: &'a Mask, settings: &Settings) -> Result<Base<'a>> {
    if image.geometry.size != mask.geometry.size {
        return Err(Error::SizeMismatch {
            image: image.geometry.size,
            mask: mask.geometry.size,
        });
    }
    let mut base = Base {
        image: Cow::Borrowed(image),
        mask: Cow::Borrowed(mask),
    };
    if let Some((scale, outliers)) = settings.normalise {
        base.image = Cow::Owned(Normalisation::of(image, scale, outliers)?.apply(image));
    }
    if let Some((spacing, interpolator)) = settings.resample {
        let (image, mask) = resample_pyradiomics(
            &base.image,
            &base.mask,
            spacing,
            interpolator,
            settings.pad_distance,
        )?;
        base = Base {
            image: Cow::Owned(image),
            mask: Cow::Owned(mask),
        };
    } else if settings.pre_crop {
        let bounds = mask
            .bounding_box()?
            .grow(settings.pad_distance, mask.geometry.size);
        base = Base {
            image: Cow::Owned(crop_volume(&base.image, bounds.low, bounds.high)),
            mask: Cow::Owned(crop_mask(mask, bounds.low, bounds.high)),
        };
    }
    Ok(base)
}

/// [`base`], cropped to the mask's box: nothing of the image's size is copied unless it is resampled.
pub(crate) fn cropped_base<'a>(image: &'a Volume, mask: &'a Mask, settings: &Settings) -> Result<Base<'a>> {
    if settings.resample.is_some() || image.geometry.size != mask.geometry.size {
        return base(image, mask, settings);
    }
    let bounds = mask.bounding_box()?;
    let mut part = crop_volume(image, bounds.low, bounds.high);
    if let Some((scale, outliers)) = settings.normalise {
        part = Normalisation::of(image, scale, outliers)?.apply(&part);
    }
    Ok(Base {
        image: Cow::Owned(part),
        mask: Cow::Owned(crop_mask(mask, bounds.low, bounds.high)),
    })
}

/// Checks and re-segments (`featureextractor.execute`).
pub(crate) fn resegment(base: &Base<'_>, settings: &Settings) -> Result<Masks> {
    let bounds = check(&base.mask, settings)?;
    let Some(range) = &settings.resegment else {
        let mask = base.mask.clone().into_owned();
        return Ok(Masks {
            shape_mask: mask.clone(),
            shape_bounds: bounds,
            mask,
        });
    };
    let mask = range.apply(&base.image, &base.mask)?;
    let voxels = mask.count();
    if voxels <= 1 {
        return Err(Error::RegionTooSmall {
            voxels,
            dimensions: 0,
        });
    }
    let bounds = check(&mask, settings)?;
    // PyRadiomics crops to the box of the re-segmented mask before it measures the shape of the mask before.
    let shape_mask = if settings.resegment_shape {
        mask.clone()
    } else {
        within(&base.mask, bounds)
    };
    Ok(Masks {
        shape_bounds: shape_mask.bounding_box()?,
        shape_mask,
        mask,
    })
}

/// The voxels of a mask inside a box.
fn within(mask: &Mask, bounds: BoundingBox) -> Mask {
    let mut kept = Mask {
        geometry: mask.geometry.clone(),
        voxels: vec![false; mask.voxels.len()],
    };
    let [nx, ny, _] = mask.geometry.size;
    for z in bounds.low[2]..=bounds.high[2] {
        for y in bounds.low[1]..=bounds.high[1] {
            let row = nx * (y + ny * z);
            let line = row + bounds.low[0]..=row + bounds.high[0];
            kept.voxels[line.clone()].copy_from_slice(&mask.voxels[line]);
        }
    }
    kept
}

/// `imageoperations.checkMask`: a single voxel, too few dimensions or too few voxels are refused.
fn check(mask: &Mask, settings: &Settings) -> Result<BoundingBox> {
    let bounds = mask.bounding_box()?;
    let (dimensions, voxels) = (bounds.dimensions(), mask.count());
    let small = settings.minimum_size.is_some_and(|least| voxels <= least);
    if dimensions == 0 || dimensions < settings.minimum_dimensions || small {
        return Err(Error::RegionTooSmall { voxels, dimensions });
    }
    Ok(bounds)
}

/// All features of the original image: preprocessing, shape, first order, texture.
pub fn extract(image: &Volume, mask: &Mask, settings: &Settings) -> Result<Vec<Feature>> {
    let base = cropped_base(image, mask, settings)?;
    let masks = resegment(&base, settings)?;
    let region = Region::crop(&base.image, &masks.mask)?;
    let mut features = if settings.resegment.is_none() {
        shape(&region, settings)?
    } else {
        shape(
            &Region::crop_to(&base.image, &masks.shape_mask, masks.shape_bounds)?,
            settings,
        )?
    };
    features.extend(intensity(&region, settings)?);
    Ok(features)
}

/// Shape features of a region; with `force2D` and a single slice also the 2D ones.
pub fn shape(region: &Region, settings: &Settings) -> Result<Vec<Feature>> {
    let mut features = Shape::new(region)?.pyradiomics();
    if let Some(flat) = settings
        .force_2d
        .filter(|flat| *flat < 3 && region.size[2 - flat] == 1)
    {
        features.extend(shape2d::pyradiomics(region, flat)?);
    }
    Ok(features)
}

/// First-order and texture features of a region (of the original or of a filtered image).
pub fn intensity(region: &Region, settings: &Settings) -> Result<Vec<Feature>> {
    intensity_of(region, settings, EVERY)
}

/// [`intensity`] of the classes that are wanted.
pub fn intensity_of(region: &Region, settings: &Settings, want: Want<'_>) -> Result<Vec<Feature>> {
    let pad = settings
        .distances
        .iter()
        .copied()
        .max()
        .unwrap_or(1)
        .min(crate::neighbours::MAX_DISTANCE);
    let levels = Levels::new(region, &settings.discretisation.apply(region)?, pad)?;
    let mut features = Vec::new();
    if want("firstorder")? {
        features = firstorder::pyradiomics(region, &levels, settings.voxel_array_shift);
    }
    texture_of(&levels, settings, &mut features, want)?;
    Ok(features)
}

/// Texture features of a discretised region, appended.
pub fn texture(levels: &Levels, settings: &Settings, features: &mut Vec<Feature>) -> Result<()> {
    texture_of(levels, settings, features, EVERY)
}

/// [`texture`] of the classes that are wanted.
pub fn texture_of(
    levels: &Levels,
    settings: &Settings,
    features: &mut Vec<Feature>,
    want: Want<'_>,
) -> Result<()> {
    if want("glcm")? {
        glcm_features(levels, settings, features)?;
    }
    let [gldm, glrlm, glszm, ngtdm] = [want("gldm")?, want("glrlm")?, want("glszm")?, want("ngtdm")?];
    let mut scratch = size_features::Scratch::default();
    let mut cells = Vec::new();
    // Zones start from neighbours alike, if they are counted anyhow.
    let around = if gldm || ngtdm {
        Some(neighbourhood::survey(
            levels,
            &offsets(levels.size, &settings.distances, settings.force_2d)?,
            settings.gldm_a,
        ))
    } else {
        None
    };
    let every = 0..levels.members.len();
    if let Some(around) = around.as_ref().filter(|_| gldm) {
        want("gldm")?;
        gldm::count(levels, around, every.clone(), &mut cells);
        let found = SizeFeatures::new(&cells, None, &mut scratch);
        append(features, "gldm", &GLDM, found.as_ref());
    }
    if glrlm {
        want("glrlm")?;
        let found = glrlm_mean(levels, settings, &mut scratch)?;
        append(features, "glrlm", &GLRLM, found.as_ref());
    }
    if glszm {
        want("glszm")?;
        cells.clear();
        let same = settings.gldm_a == 0 && settings.distances == [1];
        let alike = around
            .as_ref()
            .filter(|_| same)
            .map(|around| around.dependent.as_slice());
        let around_zone = offsets(levels.size, &[1], settings.force_2d)?;
        glszm::count(
            levels,
            &levels.members,
            &around_zone,
            alike,
            &mut glszm::Scratch::default(),
            &mut cells,
        );
        let found = SizeFeatures::new(&cells, None, &mut scratch);
        append(features, "glszm", &GLSZM, found.as_ref());
    }
    if let Some(around) = around.as_ref().filter(|_| ngtdm) {
        want("ngtdm")?;
        let mut rows = Vec::new();
        ngtdm::count(levels, around, every, true, &mut rows);
        let ngtdm = NgtdmFeatures::new(&rows).unwrap_or_default();
        for (name, value) in [
            ("Busyness", ngtdm.busyness),
            ("Coarseness", ngtdm.coarseness),
            ("Complexity", ngtdm.complexity),
            ("Contrast", ngtdm.contrast),
            ("Strength", ngtdm.strength),
        ] {
            features.push(feature("ngtdm", name, value, Undefined::NotFinite));
        }
    }
    Ok(())
}

/// The features of GLCM, appended.
fn glcm_features(levels: &Levels, settings: &Settings, features: &mut Vec<Feature>) -> Result<()> {
    let glcm = glcm_mean(levels, settings)?;
    for (name, value) in GLCM.iter().filter(|(name, _)| settings.mcc || *name != "MCC") {
        // For one grey level PyRadiomics answers before it looks at any matrix.
        let flat = *name == "MCC" && levels.present.len() == 1;
        let value = if flat {
            1.0
        } else {
            glcm.as_ref().map_or(f64::NAN, value)
        };
        features.push(feature("glcm", name, value, Undefined::NoNeighbours));
    }
    Ok(())
}

fn append(
    features: &mut Vec<Feature>,
    class: &'static str,
    names: &[Named<SizeFeatures>],
    values: Option<&SizeFeatures>,
) {
    features.extend(names.iter().map(|(name, value)| {
        feature(
            class,
            name,
            values.map_or(f64::NAN, value),
            Undefined::NoNeighbours,
        )
    }));
}

/// Mean over directions, or the one matrix of all directions weighted by exp(−length²).
fn glcm_mean(levels: &Levels, settings: &Settings) -> Result<Option<GlcmFeatures>> {
    let (mut counting, mut scratch) = (glcm::Scratch::default(), glcm_features::Scratch::default());
    let highest = levels.highest();
    let mcc = settings.mcc.then_some(levels.present.len());
    let mut cells: Vec<Cell> = Vec::new();
    let mut found = Vec::new();
    for direction in directions(levels.size, &settings.distances, settings.force_2d)? {
        let before = cells.len();
        glcm::count(
            levels,
            &levels.members,
            direction,
            settings.symmetrical_glcm,
            &mut counting,
            &mut cells,
        );
        match settings.weighting_norm.length(direction, levels.spacing) {
            None => {
                found.extend(GlcmFeatures::new(&cells, highest, mcc, &mut scratch));
                cells.clear();
            }
            Some(length) => {
                let even = settings.weighting_norm == WeightingNorm::NoWeighting;
                let weight = if even { 1.0 } else { (-length * length).exp() };
                cells[before..].iter_mut().for_each(|c| c.n *= weight);
            }
        }
    }
    if settings.weighting_norm != WeightingNorm::None {
        merge(&mut cells);
        found.extend(GlcmFeatures::new(&cells, highest, mcc, &mut scratch));
    }
    Ok(GlcmFeatures::mean(&found))
}

/// Mean over directions, or the one matrix of all directions weighted by their length.
fn glrlm_mean(
    levels: &Levels,
    settings: &Settings,
    scratch: &mut size_features::Scratch,
) -> Result<Option<SizeFeatures>> {
    let mut counting = glrlm::Scratch::default();
    let mut cells: Vec<Cell> = Vec::new();
    let mut found = Vec::new();
    let all = directions(levels.size, &[1], settings.force_2d)?;
    for &direction in &all {
        let before = cells.len();
        glrlm::count(levels, &levels.members, direction, &mut counting, &mut cells);
        if cells[before..].iter().all(|c| c.j == 1) && !glrlm::has_lines(levels, direction) {
            cells.truncate(before);
        }
        match settings.weighting_norm.length(direction, levels.spacing) {
            None => {
                found.extend(SizeFeatures::new(&cells, None, scratch));
                cells.clear();
            }
            Some(length) => cells[before..].iter_mut().for_each(|c| c.n *= length),
        }
    }
    if settings.weighting_norm != WeightingNorm::None {
        merge(&mut cells);
        found.extend(SizeFeatures::new(&cells, None, scratch));
    }
    let single = settings.weighting_norm != WeightingNorm::None || all.len() == 1;
    if found.is_empty() && single {
        // PyRadiomics keeps the only matrix even if it is empty: two of its sums are then 0, all quotients undefined.
        return Ok(Some(SizeFeatures {
            entropy: 0.0,
            size_variance: 0.0,
            ..SizeFeatures::UNDEFINED
        }));
    }
    Ok(SizeFeatures::mean(&found))
}

type Named<T> = (&'static str, fn(&T) -> f64);

const GLCM: [Named<GlcmFeatures>; 24] = [
    ("Autocorrelation", |f| f.autocorrelation),
    ("ClusterProminence", |f| f.cluster_prominence),
    ("ClusterShade", |f| f.cluster_shade),
    ("ClusterTendency", |f| f.sum_variance),
    ("Contrast", |f| f.contrast),
    ("Correlation", |f| f.correlation),
    ("DifferenceAverage", |f| f.difference_average),
    ("DifferenceEntropy", |f| f.difference_entropy),
    ("DifferenceVariance", |f| f.difference_variance),
    ("Id", |f| f.inverse_difference),
    ("Idm", |f| f.inverse_difference_moment),
    ("Idmn", |f| f.inverse_difference_moment_normalised),
    ("Idn", |f| f.inverse_difference_normalised),
    ("Imc1", |f| f.information_correlation_1),
    ("Imc2", |f| f.information_correlation_2),
    ("InverseVariance", |f| f.inverse_variance),
    ("JointAverage", |f| f.joint_average),
    ("JointEnergy", |f| f.energy),
    ("JointEntropy", |f| f.joint_entropy),
    ("MCC", |f| f.maximal_correlation),
    ("MaximumProbability", |f| f.joint_max),
    ("SumAverage", |f| f.sum_average),
    ("SumEntropy", |f| f.sum_entropy),
    ("SumSquares", |f| f.joint_variance),
];

const GLDM: [Named<SizeFeatures>; 14] = [
    ("DependenceEntropy", |f| f.entropy),
    ("DependenceNonUniformity", |f| f.size_nonuniformity),
    ("DependenceNonUniformityNormalized", |f| {
        f.size_nonuniformity_normalised
    }),
    ("DependenceVariance", |f| f.size_variance),
    ("GrayLevelNonUniformity", |f| f.grey_nonuniformity),
    ("GrayLevelVariance", |f| f.grey_variance),
    ("HighGrayLevelEmphasis", |f| f.high_grey),
    ("LargeDependenceEmphasis", |f| f.large),
    ("LargeDependenceHighGrayLevelEmphasis", |f| f.large_high),
    ("LargeDependenceLowGrayLevelEmphasis", |f| f.large_low),
    ("LowGrayLevelEmphasis", |f| f.low_grey),
    ("SmallDependenceEmphasis", |f| f.small),
    ("SmallDependenceHighGrayLevelEmphasis", |f| f.small_high),
    ("SmallDependenceLowGrayLevelEmphasis", |f| f.small_low),
];

const GLRLM: [Named<SizeFeatures>; 16] = [
    ("GrayLevelNonUniformity", |f| f.grey_nonuniformity),
    ("GrayLevelNonUniformityNormalized", |f| {
        f.grey_nonuniformity_normalised
    }),
    ("GrayLevelVariance", |f| f.grey_variance),
    ("HighGrayLevelRunEmphasis", |f| f.high_grey),
    ("LongRunEmphasis", |f| f.large),
    ("LongRunHighGrayLevelEmphasis", |f| f.large_high),
    ("LongRunLowGrayLevelEmphasis", |f| f.large_low),
    ("LowGrayLevelRunEmphasis", |f| f.low_grey),
    ("RunEntropy", |f| f.entropy),
    ("RunLengthNonUniformity", |f| f.size_nonuniformity),
    ("RunLengthNonUniformityNormalized", |f| {
        f.size_nonuniformity_normalised
    }),
    ("RunPercentage", |f| f.percentage),
    ("RunVariance", |f| f.size_variance),
    ("ShortRunEmphasis", |f| f.small),
    ("ShortRunHighGrayLevelEmphasis", |f| f.small_high),
    ("ShortRunLowGrayLevelEmphasis", |f| f.small_low),
];

const GLSZM: [Named<SizeFeatures>; 16] = [
    ("GrayLevelNonUniformity", |f| f.grey_nonuniformity),
    ("GrayLevelNonUniformityNormalized", |f| {
        f.grey_nonuniformity_normalised
    }),
    ("GrayLevelVariance", |f| f.grey_variance),
    ("HighGrayLevelZoneEmphasis", |f| f.high_grey),
    ("LargeAreaEmphasis", |f| f.large),
    ("LargeAreaHighGrayLevelEmphasis", |f| f.large_high),
    ("LargeAreaLowGrayLevelEmphasis", |f| f.large_low),
    ("LowGrayLevelZoneEmphasis", |f| f.low_grey),
    ("SizeZoneNonUniformity", |f| f.size_nonuniformity),
    ("SizeZoneNonUniformityNormalized", |f| {
        f.size_nonuniformity_normalised
    }),
    ("SmallAreaEmphasis", |f| f.small),
    ("SmallAreaHighGrayLevelEmphasis", |f| f.small_high),
    ("SmallAreaLowGrayLevelEmphasis", |f| f.small_low),
    ("ZoneEntropy", |f| f.entropy),
    ("ZonePercentage", |f| f.percentage),
    ("ZoneVariance", |f| f.size_variance),
];
