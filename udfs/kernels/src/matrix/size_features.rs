//! Features of matrices "grey level × size", shared by GLRLM (IBSI 3.7), GLSZM (3.8), GLDZM (3.9) and NGLDM (3.11).
//!
//! The same sixteen formulas apply to run lengths, zone sizes, zone distances and dependence counts.

use super::cells::Cell;

/// Features of one matrix. "Small" and "large" read short/long run, small/large zone, small/large distance, low/high
/// dependence. Comments give IBSI's codes for GLRLM / GLSZM / GLDZM / NGLDM.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SizeFeatures {
    /// 22OV / 5QRC / 0GBI / SODN.
    pub small: f64,
    /// W4KF / 48P8 / MB4I / IMOQ.
    pub large: f64,
    /// V3SW / XMSY / S1RA / TL9H.
    pub low_grey: f64,
    /// G3QZ / 5GN9 / K26C / OAE7.
    pub high_grey: f64,
    /// HTZT / 5RAI / RUVG / EQ3F.
    pub small_low: f64,
    /// GD3A / HW1V / DKNJ / JA6D.
    pub small_high: f64,
    /// IVPO / YH51 / A7WM / NBZI.
    pub large_low: f64,
    /// 3KUM / J17V / KLTH / 9QMG.
    pub large_high: f64,
    /// R5YN / JNSA / VFT7 / FP8K.
    pub grey_nonuniformity: f64,
    /// OVBL / Y1RO / 7HP3 / 5SPA.
    pub grey_nonuniformity_normalised: f64,
    /// W92Y / 4JP3 / V294 / Z87G.
    pub size_nonuniformity: f64,
    /// IC23 / VB3A / IATH / OKJI.
    pub size_nonuniformity_normalised: f64,
    /// 9ZK5 / P30P / VIWW / 6XV8.
    pub percentage: f64,
    /// 8CE5 / BYLV / QK93 / 1PFV.
    pub grey_variance: f64,
    /// SXLW / 3NSA / 7WT1 / DNX2.
    pub size_variance: f64,
    /// HJ9O / GU8N / GBDU / FCBV.
    pub entropy: f64,
    /// – / – / – / CAS9.
    pub energy: f64,
}

/// Reused marginal sums.
#[derive(Debug, Default)]
pub struct Scratch {
    greys: Vec<f64>,
    sizes: Vec<(u32, f64)>,
}

impl SizeFeatures {
    /// No feature has a value.
    pub(crate) const UNDEFINED: Self = Self {
        small: f64::NAN,
        large: f64::NAN,
        low_grey: f64::NAN,
        high_grey: f64::NAN,
        small_low: f64::NAN,
        small_high: f64::NAN,
        large_low: f64::NAN,
        large_high: f64::NAN,
        grey_nonuniformity: f64::NAN,
        grey_nonuniformity_normalised: f64::NAN,
        size_nonuniformity: f64::NAN,
        size_nonuniformity_normalised: f64::NAN,
        percentage: f64::NAN,
        grey_variance: f64::NAN,
        size_variance: f64::NAN,
        entropy: f64::NAN,
        energy: f64::NAN,
    };

    /// Features of a matrix of counts. `voxels` divides the percentage: the number of voxels that the matrix describes;
    /// `None` where that is the sum of all sizes. `None` for an empty matrix.
    pub fn new(cells: &[Cell], voxels: Option<f64>, scratch: &mut Scratch) -> Option<Self> {
        let total: f64 = cells.iter().map(|c| c.n).sum();
        if total <= 0.0 {
            return None;
        }
        let Scratch { greys, sizes } = scratch;
        greys.clear();
        greys.resize(cells.iter().map(|c| c.i as usize + 1).max().unwrap_or(0), 0.0);
        sizes.clear();
        let mut f = Self::default();
        let mut covered = 0.0;
        for c in cells {
            let (i, j, n) = (f64::from(c.i), f64::from(c.j), c.n);
            let (i2, j2) = (i * i, j * j);
            f.small += n / j2;
            f.large += n * j2;
            f.low_grey += n / i2;
            f.high_grey += n * i2;
            f.small_low += n / (i2 * j2);
            f.small_high += n * i2 / j2;
            f.large_low += n * j2 / i2;
            f.large_high += n * i2 * j2;
            covered += n * j;
            let p = n / total;
            f.entropy -= p * p.log2();
            f.energy += p * p;
            greys[c.i as usize] += n;
            sizes.push((c.j, n));
        }
        for sum in [
            &mut f.small,
            &mut f.large,
            &mut f.low_grey,
            &mut f.high_grey,
            &mut f.small_low,
            &mut f.small_high,
            &mut f.large_low,
            &mut f.large_high,
        ] {
            *sum /= total;
        }
        sizes.sort_unstable_by_key(|s| s.0);
        sizes.dedup_by(|later, kept| {
            let same = later.0 == kept.0;
            if same {
                kept.1 += later.1;
            }
            same
        });
        let squares: f64 = greys.iter().map(|n| n * n).sum();
        f.grey_nonuniformity = squares / total;
        f.grey_nonuniformity_normalised = squares / (total * total);
        let squares: f64 = sizes.iter().map(|s| s.1 * s.1).sum();
        f.size_nonuniformity = squares / total;
        f.size_nonuniformity_normalised = squares / (total * total);
        f.percentage = total / voxels.unwrap_or(covered);
        f.grey_variance = variance(greys.iter().enumerate().map(|(i, n)| (i as f64, n / total)));
        f.size_variance = variance(sizes.iter().map(|s| (f64::from(s.0), s.1 / total)));
        Some(f)
    }
}

impl SizeFeatures {
    /// Mean of each feature over several matrices; `None` for none.
    pub fn mean(found: &[Self]) -> Option<Self> {
        if found.is_empty() {
            return None;
        }
        let mean = |value: fn(&Self) -> f64| found.iter().map(value).sum::<f64>() / found.len() as f64;
        Some(Self {
            small: mean(|f| f.small),
            large: mean(|f| f.large),
            low_grey: mean(|f| f.low_grey),
            high_grey: mean(|f| f.high_grey),
            small_low: mean(|f| f.small_low),
            small_high: mean(|f| f.small_high),
            large_low: mean(|f| f.large_low),
            large_high: mean(|f| f.large_high),
            grey_nonuniformity: mean(|f| f.grey_nonuniformity),
            grey_nonuniformity_normalised: mean(|f| f.grey_nonuniformity_normalised),
            size_nonuniformity: mean(|f| f.size_nonuniformity),
            size_nonuniformity_normalised: mean(|f| f.size_nonuniformity_normalised),
            percentage: mean(|f| f.percentage),
            grey_variance: mean(|f| f.grey_variance),
            size_variance: mean(|f| f.size_variance),
            entropy: mean(|f| f.entropy),
            energy: mean(|f| f.energy),
        })
    }
}

fn variance(values: impl Iterator<Item = (f64, f64)> + Clone) -> f64 {
    let mean: f64 = values.clone().map(|(v, p)| v * p).sum();
    values.map(|(v, p)| p * (v - mean) * (v - mean)).sum()
}
