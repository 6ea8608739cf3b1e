//! Features of a co-occurrence matrix: IBSI 3.6, PyRadiomics `radiomics.glcm`.

use super::cells::Cell;

/// The 25 features of IBSI (section 3.6) and PyRadiomics' maximal correlation coefficient, of one matrix.
/// Comments give IBSI's code and PyRadiomics' name.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct GlcmFeatures {
    /// GYBY, MaximumProbability.
    pub joint_max: f64,
    /// 60VM, JointAverage.
    pub joint_average: f64,
    /// UR99, SumSquares.
    pub joint_variance: f64,
    /// TU9B, JointEntropy.
    pub joint_entropy: f64,
    /// TF7R, DifferenceAverage; equal to dissimilarity 8S9J.
    pub difference_average: f64,
    /// D3YU, DifferenceVariance.
    pub difference_variance: f64,
    /// NTRS, DifferenceEntropy.
    pub difference_entropy: f64,
    /// ZGXS, SumAverage.
    pub sum_average: f64,
    /// OEEB; equal to ClusterTendency (DG8W).
    pub sum_variance: f64,
    /// P6QZ, SumEntropy.
    pub sum_entropy: f64,
    /// 8ZQL, JointEnergy.
    pub energy: f64,
    /// ACUI, Contrast.
    pub contrast: f64,
    /// IB1Z, Id.
    pub inverse_difference: f64,
    /// NDRX, Idn.
    pub inverse_difference_normalised: f64,
    /// WF0Z, Idm.
    pub inverse_difference_moment: f64,
    /// 1QCO, Idmn.
    pub inverse_difference_moment_normalised: f64,
    /// E8JP, InverseVariance.
    pub inverse_variance: f64,
    /// NI2N, Correlation; 1 for a flat matrix.
    pub correlation: f64,
    /// QWB0, Autocorrelation.
    pub autocorrelation: f64,
    /// 7NFM, ClusterShade.
    pub cluster_shade: f64,
    /// AE86, ClusterProminence.
    pub cluster_prominence: f64,
    /// R8DG, Imc1.
    pub information_correlation_1: f64,
    /// JN9H, Imc2.
    pub information_correlation_2: f64,
    /// MCC: square root of the second largest eigenvalue of Q (PyRadiomics only); NaN unless asked for.
    pub maximal_correlation: f64,
}

/// PyRadiomics adds numpy's `spacing(1)` inside logarithms and to divisors.
const EPS: f64 = f64::EPSILON;

/// Up to this many cells of px·py the entropies are summed as PyRadiomics does; above, by their expansion in EPS.
const DIRECT_CELLS: usize = 4096;

/// Reused marginal distributions.
#[derive(Debug, Default)]
pub struct Scratch {
    rows: Vec<f64>,
    columns: Vec<f64>,
    sums: Vec<f64>,
    differences: Vec<f64>,
}

fn entropy(p: f64) -> f64 {
    if p > 0.0 { -p * p.log2() } else { 0.0 }
}

impl GlcmFeatures {
    /// Features of a matrix of counts (rows ascending, as [`super::glcm::count`] and [`super::merge`] order them).
    /// `highest` is N_g; `mcc` asks for MCC and tells how many levels the region has. `None` for an empty matrix.
    pub fn new(cells: &[Cell], highest: usize, mcc: Option<usize>, scratch: &mut Scratch) -> Option<Self> {
        let total: f64 = cells.iter().map(|c| c.n).sum();
        if total <= 0.0 {
            return None;
        }
        for (buffer, length) in [
            (&mut scratch.rows, highest + 1),
            (&mut scratch.columns, highest + 1),
            (&mut scratch.sums, 2 * highest + 1),
            (&mut scratch.differences, highest),
        ] {
            buffer.clear();
            buffer.resize(length, 0.0);
        }
        let Scratch {
            rows,
            columns,
            sums,
            differences,
        } = scratch;
        let mut f = Self {
            maximal_correlation: f64::NAN,
            ..Self::default()
        };
        for c in cells {
            let p = c.n / total;
            let (i, j) = (c.i as usize, c.j as usize);
            rows[i] += p;
            columns[j] += p;
            sums[i + j] += p;
            differences[i.abs_diff(j)] += p;
            f.joint_max = f.joint_max.max(p);
            f.energy += p * p;
            f.joint_entropy += entropy(p);
            f.autocorrelation += p * f64::from(c.i) * f64::from(c.j);
        }
        let weighted = |p: &[f64]| -> f64 { p.iter().enumerate().map(|(k, p)| k as f64 * p).sum() };
        let spread = |p: &[f64], mean: f64| -> f64 {
            p.iter()
                .enumerate()
                .map(|(k, p)| p * (k as f64 - mean).powi(2))
                .sum()
        };
        let (mean_i, mean_j) = (weighted(rows), weighted(columns));
        f.joint_average = mean_i;
        f.joint_variance = spread(rows, mean_i);
        f.differences(differences, highest as f64);
        f.sum_average = weighted(sums);
        f.sum_entropy = sums.iter().map(|&p| entropy(p)).sum();
        for (k, p) in sums.iter().enumerate().filter(|(_, p)| **p > 0.0) {
            let d = k as f64 - mean_i - mean_j;
            f.sum_variance += p * d * d;
            f.cluster_shade += p * d * d * d;
            f.cluster_prominence += p * d * d * d * d;
        }
        let covariance: f64 = cells
            .iter()
            .map(|c| c.n / total * (f64::from(c.i) - mean_i) * (f64::from(c.j) - mean_j))
            .sum();
        let deviation = f.joint_variance.sqrt() * spread(columns, mean_j).sqrt();
        f.correlation = if deviation == 0.0 {
            1.0
        } else {
            covariance / (deviation + EPS)
        };
        f.information(cells, total, rows, columns);
        if let Some(present) = mcc {
            f.maximal_correlation = super::mcc::maximal_correlation(cells, total, rows, columns, present);
        }
        Some(f)
    }

    fn differences(&mut self, differences: &[f64], highest: f64) {
        for (k, &p) in differences.iter().enumerate().filter(|(_, p)| **p > 0.0) {
            let d = k as f64;
            self.difference_average += d * p;
            self.contrast += d * d * p;
            self.difference_entropy += entropy(p);
            self.inverse_difference += p / (1.0 + d);
            self.inverse_difference_normalised += p / (1.0 + d / highest);
            self.inverse_difference_moment += p / (1.0 + d * d);
            self.inverse_difference_moment_normalised += p / (1.0 + d * d / (highest * highest));
            if k > 0 {
                self.inverse_variance += p / (d * d);
            }
        }
        let mean = self.difference_average;
        self.difference_variance = differences
            .iter()
            .enumerate()
            .map(|(k, p)| p * (k as f64 - mean).powi(2))
            .sum();
    }

    /// Information correlations. HXY1 and HXY2 run over products px·py; with many levels the second is a sum over the
    /// whole square, which splits into one sum per marginal but for EPS, whose effect is kept to first order.
    fn information(&mut self, cells: &[Cell], total: f64, rows: &[f64], columns: &[f64]) {
        let hx: f64 = rows.iter().map(|&p| entropy(p)).sum();
        let hy: f64 = columns.iter().map(|&p| entropy(p)).sum();
        let used = |p: &[f64]| p.iter().filter(|p| **p > 0.0).count();
        let square = used(rows) * used(columns);
        let (mut hxy1, mut hxy2, mut hxy) = (0.0, 0.0, self.joint_entropy);
        if square <= DIRECT_CELLS {
            hxy = 0.0;
            for c in cells {
                let (p, q) = (c.n / total, rows[c.i as usize] * columns[c.j as usize]);
                hxy -= p * (p + EPS).log2();
                hxy1 -= p * (q + EPS).log2();
            }
            for px in rows.iter().filter(|p| **p > 0.0) {
                for py in columns.iter().filter(|p| **p > 0.0) {
                    hxy2 -= px * py * (px * py + EPS).log2();
                }
            }
        } else {
            let slope = EPS / std::f64::consts::LN_2;
            hxy -= slope * cells.len() as f64;
            for c in cells {
                let (p, px, py) = (c.n / total, rows[c.i as usize], columns[c.j as usize]);
                hxy1 -= p * (px.log2() + py.log2() + slope / (px * py));
            }
            hxy2 = hx + hy - slope * square as f64;
        }
        let divisor = hx.max(hy);
        self.information_correlation_1 = if divisor == 0.0 {
            0.0
        } else {
            (hxy - hxy1) / divisor
        };
        // Rounding can put HXY above HXY2 where rows and columns are independent; the value is 0 there.
        self.information_correlation_2 = (1.0 - (-2.0 * (hxy2 - hxy)).exp()).max(0.0).sqrt();
    }
}

impl GlcmFeatures {
    /// Mean of each feature over several matrices; `None` for none.
    pub fn mean(found: &[Self]) -> Option<Self> {
        if found.is_empty() {
            return None;
        }
        let mean = |value: fn(&Self) -> f64| found.iter().map(value).sum::<f64>() / found.len() as f64;
        Some(Self {
            joint_max: mean(|f| f.joint_max),
            joint_average: mean(|f| f.joint_average),
            joint_variance: mean(|f| f.joint_variance),
            joint_entropy: mean(|f| f.joint_entropy),
            difference_average: mean(|f| f.difference_average),
            difference_variance: mean(|f| f.difference_variance),
            difference_entropy: mean(|f| f.difference_entropy),
            sum_average: mean(|f| f.sum_average),
            sum_variance: mean(|f| f.sum_variance),
            sum_entropy: mean(|f| f.sum_entropy),
            energy: mean(|f| f.energy),
            contrast: mean(|f| f.contrast),
            inverse_difference: mean(|f| f.inverse_difference),
            inverse_difference_normalised: mean(|f| f.inverse_difference_normalised),
            inverse_difference_moment: mean(|f| f.inverse_difference_moment),
            inverse_difference_moment_normalised: mean(|f| f.inverse_difference_moment_normalised),
            inverse_variance: mean(|f| f.inverse_variance),
            correlation: mean(|f| f.correlation),
            autocorrelation: mean(|f| f.autocorrelation),
            cluster_shade: mean(|f| f.cluster_shade),
            cluster_prominence: mean(|f| f.cluster_prominence),
            information_correlation_1: mean(|f| f.information_correlation_1),
            information_correlation_2: mean(|f| f.information_correlation_2),
            maximal_correlation: mean(|f| f.maximal_correlation),
        })
    }
}
