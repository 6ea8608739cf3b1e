//! Neighbourhood grey-tone difference matrix: IBSI IPET, PyRadiomics `radiomics.ngtdm`.

use super::neighbourhood::Neighbourhood;
use crate::levels::Levels;

/// One grey level: voxels and the sum of their differences to the mean of their neighbours.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    /// Grey level.
    pub level: u16,
    /// Voxels of this level.
    pub n: f64,
    /// Sum of absolute differences.
    pub s: f64,
}

/// Adds member voxels `range` to `rows` (ascending by level; levels without voxels are left out). Voxels without a
/// neighbour have difference 0 in PyRadiomics and do not count in IBSI: `lonely` says whether they do.
pub fn count(
    levels: &Levels,
    around: &Neighbourhood,
    range: std::ops::Range<usize>,
    lonely: bool,
    rows: &mut Vec<Row>,
) {
    let dense = levels.dense();
    let mut table = vec![(0u32, 0.0f64); levels.present.len()];
    for k in range {
        let voxel = levels.members[k] as usize;
        let neighbours = around.count[k];
        let entry = &mut table[usize::from(dense[voxel]) - 1];
        if neighbours > 0 {
            let mean = f64::from(around.sum[k]) / f64::from(neighbours);
            entry.0 += 1;
            entry.1 += (f64::from(levels.grey[voxel]) - mean).abs();
        } else if lonely {
            entry.0 += 1;
        }
    }
    let found = table.iter().zip(&levels.present).filter(|(entry, _)| entry.0 > 0);
    rows.extend(found.map(|(&(n, s), &level)| Row {
        level,
        n: f64::from(n),
        s,
    }));
}

/// Sums rows of the same level, for matrices merged over slices.
pub fn merge(rows: &mut Vec<Row>) {
    rows.sort_unstable_by_key(|r| r.level);
    rows.dedup_by(|later, kept| {
        let same = later.level == kept.level;
        if same {
            kept.n += later.n;
            kept.s += later.s;
        }
        same
    });
}

/// The five features, with IBSI's codes.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct NgtdmFeatures {
    /// QCDE; 10⁶ where all differences are 0.
    pub coarseness: f64,
    /// 65HE; 0 for one level.
    pub contrast: f64,
    /// NQ30; 0 for one level.
    pub busyness: f64,
    /// HDEZ.
    pub complexity: f64,
    /// 1X9X; 0 where all differences are 0.
    pub strength: f64,
}

impl NgtdmFeatures {
    /// Features of a matrix without empty rows; `None` if it has no voxels.
    pub fn new(rows: &[Row]) -> Option<Self> {
        let total: f64 = rows.iter().map(|r| r.n).sum();
        if total <= 0.0 {
            return None;
        }
        let sums: f64 = rows.iter().map(|r| r.s).sum();
        let weighted: f64 = rows.iter().map(|r| r.n / total * r.s).sum();
        let levels = rows.len() as f64;
        let p = |r: &Row| r.n / total;
        let mean: f64 = rows.iter().map(|r| p(r) * f64::from(r.level)).sum();
        // Σᵢ Σⱼ pᵢ pⱼ (i − j)² is twice the variance.
        let spread: f64 = 2.0
            * rows
                .iter()
                .map(|r| p(r) * (f64::from(r.level) - mean).powi(2))
                .sum::<f64>();
        let contrast = if rows.len() > 1 {
            spread * sums / total / (levels * (levels - 1.0))
        } else {
            0.0
        };
        let (mut complexity, mut strength) = (0.0, 0.0);
        for (k, a) in rows.iter().enumerate() {
            for b in &rows[..k] {
                let apart = f64::from(a.level - b.level);
                complexity += apart * (p(a) * a.s + p(b) * b.s) / (p(a) + p(b));
                strength += (p(a) + p(b)) * apart * apart;
            }
        }
        let mut products: Vec<f64> = rows.iter().map(|r| f64::from(r.level) * p(r)).collect();
        products.sort_unstable_by(f64::total_cmp);
        // Σᵢ Σⱼ |xᵢ − xⱼ| over sorted x: each is added as often as it is the larger of a pair, less the smaller ones.
        let apart: f64 = 2.0
            * products
                .iter()
                .enumerate()
                .map(|(k, x)| (2.0 * k as f64 + 1.0 - levels) * x)
                .sum::<f64>();
        Some(Self {
            coarseness: if weighted == 0.0 { 1e6 } else { 1.0 / weighted },
            contrast,
            busyness: if rows.len() < 2 || apart == 0.0 {
                0.0
            } else {
                weighted / apart
            },
            complexity: 2.0 * complexity / total,
            strength: if sums == 0.0 { 0.0 } else { 2.0 * strength / sums },
        })
    }
}

impl NgtdmFeatures {
    /// Mean of each feature over several matrices; `None` for none.
    pub fn mean(found: &[Self]) -> Option<Self> {
        if found.is_empty() {
            return None;
        }
        let mean = |value: fn(&Self) -> f64| found.iter().map(value).sum::<f64>() / found.len() as f64;
        Some(Self {
            coarseness: mean(|f| f.coarseness),
            contrast: mean(|f| f.contrast),
            busyness: mean(|f| f.busyness),
            complexity: mean(|f| f.complexity),
            strength: mean(|f| f.strength),
        })
    }
}
