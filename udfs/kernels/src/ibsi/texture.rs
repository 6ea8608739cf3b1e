//! Texture with IBSI's aggregations (3.6 to 3.11): in 2D per slice, in 2.5D merged over slices, in 3D.
//!
//! `2D_avg`: mean over slices and directions; `2D_comb`: directions of a slice merged, mean over slices; `2_5D_avg`:
//! slices merged, mean over directions; `2_5D_comb`: all merged; `3D_avg` and `3D_comb`: mean over, or merged from, the 13
//! directions. Matrices without directions have `2D`, `2_5D` and `3D` only.

use super::Settings;
use crate::error::Result;
use crate::feature::{Feature, Undefined, feature};
use crate::levels::Levels;
use crate::matrix::glcm_features::{self, GlcmFeatures};
use crate::matrix::gldzm::BorderDistance;
use crate::matrix::ngtdm::NgtdmFeatures;
use crate::matrix::size_features::{self, SizeFeatures};
use crate::matrix::{Cell, glcm, gldm, gldzm, glrlm, glszm, merge, neighbourhood, ngtdm};
use crate::neighbours::{Offset, directions, offsets};
use crate::pyradiomics::Want;

/// The classes of this module, in order.
pub(super) const CLASSES: [&str; 6] = ["cm", "rlm", "szm", "dzm", "ngt", "ngl"];

/// The texture features of the classes that are wanted. `inside` is the morphological mask in the box of `levels`.
pub(super) fn features(
    levels: &Levels,
    inside: &[bool],
    settings: &Settings,
    want: Want<'_>,
) -> Result<Vec<Feature>> {
    let mut out = Vec::new();
    if want("cm")? {
        co_occurrence(levels, settings, &mut out)?;
    }
    if want("rlm")? {
        run_length(levels, &mut out)?;
    }
    let zones = [
        offsets(levels.size, &[1], Some(0))?,
        offsets(levels.size, &[1], None)?,
    ];
    if want("szm")? {
        size_zone(levels, &zones, &mut out);
    }
    if want("dzm")? {
        distance_zone(levels, inside, &zones, &mut out)?;
    }
    let [grey_tone_wanted, dependence_wanted] = [want("ngt")?, want("ngl")?];
    if !(grey_tone_wanted || dependence_wanted) {
        return Ok(out);
    }
    let every: Vec<usize> = (1..=settings.distance).collect();
    let around = [
        neighbourhood::survey(
            levels,
            &offsets(levels.size, &every, Some(0))?,
            settings.coarseness,
        ),
        neighbourhood::survey(levels, &offsets(levels.size, &every, None)?, settings.coarseness),
    ];
    if grey_tone_wanted {
        grey_tone(levels, &around, &mut out);
    }
    if dependence_wanted {
        undirected(
            levels,
            &mut |range, flat, cells| gldm::count(levels, &around[usize::from(!flat)], range, cells),
            &mut |aggregation, found| append(&mut out, "ngl", &NGLDM, aggregation, found),
        );
    }
    Ok(out)
}

fn co_occurrence(levels: &Levels, settings: &Settings, out: &mut Vec<Feature>) -> Result<()> {
    let near = [settings.distance];
    let mut counting = glcm::Scratch::default();
    let mut scratch = glcm_features::Scratch::default();
    let highest = levels.highest();
    directional(
        levels,
        [
            directions(levels.size, &near, Some(0))?,
            directions(levels.size, &near, None)?,
        ],
        &mut |members, direction, cells| glcm::count(levels, members, direction, true, &mut counting, cells),
        &mut |cells| GlcmFeatures::new(cells, highest, None, &mut scratch),
        GlcmFeatures::mean,
        &mut |aggregation, found| append(out, "cm", &GLCM, aggregation, found),
    );
    Ok(())
}

fn run_length(levels: &Levels, out: &mut Vec<Feature>) -> Result<()> {
    let mut counting = glrlm::Scratch::default();
    let mut scratch = size_features::Scratch::default();
    directional(
        levels,
        [
            directions(levels.size, &[1], Some(0))?,
            directions(levels.size, &[1], None)?,
        ],
        &mut |members, direction, cells| glrlm::count(levels, members, direction, &mut counting, cells),
        &mut |cells| SizeFeatures::new(cells, None, &mut scratch),
        SizeFeatures::mean,
        &mut |aggregation, found| append(out, "rlm", &GLRLM, aggregation, found),
    );
    Ok(())
}

fn size_zone(levels: &Levels, zones: &[Vec<Offset>; 2], out: &mut Vec<Feature>) {
    let mut counting = glszm::Scratch::default();
    undirected(
        levels,
        &mut |range, flat, cells| {
            glszm::count(
                levels,
                &levels.members[range],
                &zones[usize::from(!flat)],
                None,
                &mut counting,
                cells,
            );
        },
        &mut |aggregation, found| append(out, "szm", &GLSZM, aggregation, found),
    );
}

fn distance_zone(
    levels: &Levels,
    inside: &[bool],
    zones: &[Vec<Offset>; 2],
    out: &mut Vec<Feature>,
) -> Result<()> {
    let border = [
        BorderDistance::new(levels, inside, true)?,
        BorderDistance::new(levels, inside, false)?,
    ];
    let mut counting = glszm::Scratch::default();
    undirected(
        levels,
        &mut |range, flat, cells| {
            let k = usize::from(!flat);
            gldzm::count(
                levels,
                &levels.members[range],
                &zones[k],
                &border[k],
                &mut counting,
                cells,
            );
        },
        &mut |aggregation, found| append(out, "dzm", &GLDZM, aggregation, found),
    );
    Ok(())
}

type Named<T> = (&'static str, fn(&T) -> f64);
/// Appends the cells of the member voxels in one direction.
type CountDirection<'a> = &'a mut dyn FnMut(&[u32], Offset, &mut Vec<Cell>);
/// Appends the cells of a range of member voxels; `true`: neighbours are those of the slice.
type CountRange<'a> = &'a mut dyn FnMut(std::ops::Range<usize>, bool, &mut Vec<Cell>);

fn append<T>(
    out: &mut Vec<Feature>,
    class: &'static str,
    names: &[Named<T>],
    aggregation: &'static str,
    found: Option<T>,
) {
    out.extend(names.iter().map(|(name, value)| {
        let value = found.as_ref().map_or(f64::NAN, value);
        Feature {
            aggregation,
            ..feature(class, name, value, Undefined::NoNeighbours)
        }
    }));
}

/// The six aggregations of matrices that have a direction.
fn directional<T>(
    levels: &Levels,
    [flat, deep]: [Vec<Offset>; 2],
    count: CountDirection<'_>,
    describe: &mut dyn FnMut(&[Cell]) -> Option<T>,
    mean: fn(&[T]) -> Option<T>,
    out: &mut dyn FnMut(&'static str, Option<T>),
) {
    let (mut single, mut merged) = (Vec::new(), Vec::new());
    let mut per_direction: Vec<Vec<Cell>> = vec![Vec::new(); flat.len()];
    let mut cells = Vec::new();
    for slice in levels.slices() {
        let mut of_slice = Vec::new();
        for (&direction, sum) in flat.iter().zip(&mut per_direction) {
            cells.clear();
            count(slice, direction, &mut cells);
            single.extend(describe(&cells));
            of_slice.extend_from_slice(&cells);
            sum.extend_from_slice(&cells);
        }
        merge(&mut of_slice);
        merged.extend(describe(&of_slice));
    }
    out("2D_avg", mean(&single));
    out("2D_comb", mean(&merged));
    let mut describe_all = |matrices: &mut [Vec<Cell>]| {
        let mut all = Vec::new();
        let mut found = Vec::new();
        for matrix in matrices {
            merge(matrix);
            found.extend(describe(matrix));
            all.append(matrix);
        }
        merge(&mut all);
        (mean(&found), describe(&all))
    };
    let (average, combined) = describe_all(&mut per_direction);
    out("2_5D_avg", average);
    out("2_5D_comb", combined);
    let mut matrices: Vec<Vec<Cell>> = deep
        .iter()
        .map(|&direction| {
            let mut cells = Vec::new();
            count(&levels.members, direction, &mut cells);
            cells
        })
        .collect();
    let (average, combined) = describe_all(&mut matrices);
    out("3D_avg", average);
    out("3D_comb", combined);
}

/// Ranges of the member voxels of each slice.
fn slice_ranges(levels: &Levels) -> Vec<std::ops::Range<usize>> {
    let mut start = 0;
    levels
        .slices()
        .map(|slice| {
            let range = start..start + slice.len();
            start = range.end;
            range
        })
        .collect()
}

/// The three aggregations of matrices without direction.
fn undirected(
    levels: &Levels,
    count: CountRange<'_>,
    out: &mut dyn FnMut(&'static str, Option<SizeFeatures>),
) {
    let mut scratch = size_features::Scratch::default();
    let (mut single, mut all, mut cells) = (Vec::new(), Vec::new(), Vec::new());
    for range in slice_ranges(levels) {
        cells.clear();
        count(range.clone(), true, &mut cells);
        single.extend(SizeFeatures::new(&cells, Some(range.len() as f64), &mut scratch));
        all.extend_from_slice(&cells);
    }
    out("2D", SizeFeatures::mean(&single));
    let voxels = Some(levels.members.len() as f64);
    merge(&mut all);
    out("2_5D", SizeFeatures::new(&all, voxels, &mut scratch));
    cells.clear();
    count(0..levels.members.len(), false, &mut cells);
    out("3D", SizeFeatures::new(&cells, voxels, &mut scratch));
}

fn grey_tone(levels: &Levels, around: &[neighbourhood::Neighbourhood; 2], out: &mut Vec<Feature>) {
    let (mut single, mut all, mut rows) = (Vec::new(), Vec::new(), Vec::new());
    for range in slice_ranges(levels) {
        rows.clear();
        ngtdm::count(levels, &around[0], range, false, &mut rows);
        single.extend(NgtdmFeatures::new(&rows));
        all.extend_from_slice(&rows);
    }
    append(out, "ngt", &NGTDM, "2D", NgtdmFeatures::mean(&single));
    ngtdm::merge(&mut all);
    append(out, "ngt", &NGTDM, "2_5D", NgtdmFeatures::new(&all));
    rows.clear();
    ngtdm::count(levels, &around[1], 0..levels.members.len(), false, &mut rows);
    append(out, "ngt", &NGTDM, "3D", NgtdmFeatures::new(&rows));
}

const GLCM: [Named<GlcmFeatures>; 25] = [
    ("joint_max", |f| f.joint_max),
    ("joint_avg", |f| f.joint_average),
    ("joint_var", |f| f.joint_variance),
    ("joint_entr", |f| f.joint_entropy),
    ("diff_avg", |f| f.difference_average),
    ("diff_var", |f| f.difference_variance),
    ("diff_entr", |f| f.difference_entropy),
    ("sum_avg", |f| f.sum_average),
    ("sum_var", |f| f.sum_variance),
    ("sum_entr", |f| f.sum_entropy),
    ("energy", |f| f.energy),
    ("contrast", |f| f.contrast),
    ("dissimilarity", |f| f.difference_average),
    ("inv_diff", |f| f.inverse_difference),
    ("inv_diff_norm", |f| f.inverse_difference_normalised),
    ("inv_diff_mom", |f| f.inverse_difference_moment),
    ("inv_diff_mom_norm", |f| f.inverse_difference_moment_normalised),
    ("inv_var", |f| f.inverse_variance),
    ("corr", |f| f.correlation),
    ("auto_corr", |f| f.autocorrelation),
    ("clust_tend", |f| f.sum_variance),
    ("clust_shade", |f| f.cluster_shade),
    ("clust_prom", |f| f.cluster_prominence),
    ("info_corr1", |f| f.information_correlation_1),
    ("info_corr2", |f| f.information_correlation_2),
];

const GLRLM: [Named<SizeFeatures>; 16] = [
    ("sre", |f| f.small),
    ("lre", |f| f.large),
    ("lgre", |f| f.low_grey),
    ("hgre", |f| f.high_grey),
    ("srlge", |f| f.small_low),
    ("srhge", |f| f.small_high),
    ("lrlge", |f| f.large_low),
    ("lrhge", |f| f.large_high),
    ("glnu", |f| f.grey_nonuniformity),
    ("glnu_norm", |f| f.grey_nonuniformity_normalised),
    ("rlnu", |f| f.size_nonuniformity),
    ("rlnu_norm", |f| f.size_nonuniformity_normalised),
    ("r_perc", |f| f.percentage),
    ("gl_var", |f| f.grey_variance),
    ("rl_var", |f| f.size_variance),
    ("rl_entr", |f| f.entropy),
];

const GLSZM: [Named<SizeFeatures>; 16] = [
    ("sze", |f| f.small),
    ("lze", |f| f.large),
    ("lgze", |f| f.low_grey),
    ("hgze", |f| f.high_grey),
    ("szlge", |f| f.small_low),
    ("szhge", |f| f.small_high),
    ("lzlge", |f| f.large_low),
    ("lzhge", |f| f.large_high),
    ("glnu", |f| f.grey_nonuniformity),
    ("glnu_norm", |f| f.grey_nonuniformity_normalised),
    ("zsnu", |f| f.size_nonuniformity),
    ("zsnu_norm", |f| f.size_nonuniformity_normalised),
    ("z_perc", |f| f.percentage),
    ("gl_var", |f| f.grey_variance),
    ("zs_var", |f| f.size_variance),
    ("zs_entr", |f| f.entropy),
];

const GLDZM: [Named<SizeFeatures>; 16] = [
    ("sde", |f| f.small),
    ("lde", |f| f.large),
    ("lgze", |f| f.low_grey),
    ("hgze", |f| f.high_grey),
    ("sdlge", |f| f.small_low),
    ("sdhge", |f| f.small_high),
    ("ldlge", |f| f.large_low),
    ("ldhge", |f| f.large_high),
    ("glnu", |f| f.grey_nonuniformity),
    ("glnu_norm", |f| f.grey_nonuniformity_normalised),
    ("zdnu", |f| f.size_nonuniformity),
    ("zdnu_norm", |f| f.size_nonuniformity_normalised),
    ("z_perc", |f| f.percentage),
    ("gl_var", |f| f.grey_variance),
    ("zd_var", |f| f.size_variance),
    ("zd_entr", |f| f.entropy),
];

const NGTDM: [Named<NgtdmFeatures>; 5] = [
    ("coarseness", |f| f.coarseness),
    ("contrast", |f| f.contrast),
    ("busyness", |f| f.busyness),
    ("complexity", |f| f.complexity),
    ("strength", |f| f.strength),
];

const NGLDM: [Named<SizeFeatures>; 17] = [
    ("lde", |f| f.small),
    ("hde", |f| f.large),
    ("lgce", |f| f.low_grey),
    ("hgce", |f| f.high_grey),
    ("ldlge", |f| f.small_low),
    ("ldhge", |f| f.small_high),
    ("hdlge", |f| f.large_low),
    ("hdhge", |f| f.large_high),
    ("glnu", |f| f.grey_nonuniformity),
    ("glnu_norm", |f| f.grey_nonuniformity_normalised),
    ("dcnu", |f| f.size_nonuniformity),
    ("dcnu_norm", |f| f.size_nonuniformity_normalised),
    ("dc_perc", |f| f.percentage),
    ("gl_var", |f| f.grey_variance),
    ("dc_var", |f| f.size_variance),
    ("dc_entr", |f| f.entropy),
    ("dc_energy", |f| f.energy),
];
