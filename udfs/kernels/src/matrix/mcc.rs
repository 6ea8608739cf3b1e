//! Maximal correlation coefficient: square root of the second largest eigenvalue of
//! Q(i, j) = Σₖ p(i, k) p(j, k) / (pₓ(i) p_y(k) + ε), PyRadiomics `radiomics.glcm` MCC.
//!
//! Without ε, Q is similar to B Bᵀ with B = Dₓ^(−½) P D_y^(−½), whose largest eigenvalue is 1 with the known eigenvector
//! √pₓ. Lanczos with full reorthogonalisation in its complement finds the second in a few dozen sparse products, where a
//! general eigenvalue solver costs N_g³. ε (2⁻⁵²) moves eigenvalues of rare pairs in the sixth digit, so it is put back
//! by first-order perturbation.

use super::cells::Cell;

const EPS: f64 = f64::EPSILON;

/// Sparse B and what is needed to undo its scaling.
struct Scaled {
    /// Row, column, B, and ε/(pₓ p_y) of each cell.
    cells: Vec<(u32, u32, f64, f64)>,
    /// √pₓ per row.
    root: Vec<f64>,
    columns: usize,
}

impl Scaled {
    /// B Bᵀ v.
    fn square(&self, v: &[f64], middle: &mut [f64], out: &mut [f64]) {
        middle.fill(0.0);
        out.fill(0.0);
        for &(i, j, b, _) in &self.cells {
            middle[j as usize] += b * v[i as usize];
        }
        for &(i, j, b, _) in &self.cells {
            out[i as usize] += b * middle[j as usize];
        }
    }

    /// First-order change of the eigenvalue of unit vector `v` by ε.
    fn shift(&self, v: &[f64], middle: &mut [f64]) -> f64 {
        middle.fill(0.0);
        for &(i, j, b, _) in &self.cells {
            middle[j as usize] += b * v[i as usize];
        }
        -self
            .cells
            .iter()
            .map(|&(i, j, b, e)| v[i as usize] * b * e / (1.0 + e) * middle[j as usize])
            .sum::<f64>()
    }
}

/// MCC of a matrix with marginals `rows` and `columns` (indexed by grey level); `present` levels occur in the region.
/// 1 for a region of one level; 0 where only one of several levels has neighbours.
pub(super) fn maximal_correlation(
    cells: &[Cell],
    total: f64,
    rows: &[f64],
    columns: &[f64],
    present: usize,
) -> f64 {
    let number = |p: &[f64]| {
        let mut next = 0;
        let index: Vec<u32> = p
            .iter()
            .map(|p| {
                if *p > 0.0 {
                    next += 1;
                    next - 1
                } else {
                    u32::MAX
                }
            })
            .collect();
        (index, next as usize)
    };
    let ((row_index, n), (column_index, m)) = (number(rows), number(columns));
    if present < 2 {
        return 1.0;
    }
    let scaled = Scaled {
        cells: cells
            .iter()
            .map(|c| {
                let q = rows[c.i as usize] * columns[c.j as usize];
                (
                    row_index[c.i as usize],
                    column_index[c.j as usize],
                    c.n / total / q.sqrt(),
                    EPS / q,
                )
            })
            .collect(),
        root: rows.iter().filter(|p| **p > 0.0).map(|p| p.sqrt()).collect(),
        columns: m,
    };
    let mut middle = vec![0.0; scaled.columns];
    let components = components(&scaled, n);
    let count = components.iter().copied().max().map_or(0, |c| c as usize + 1);
    if count > 1 {
        // Rows that share no column with others: eigenvalue 1 once per component, told apart by ε only.
        let mut vectors = vec![0.0; count];
        for (k, &c) in components.iter().enumerate() {
            vectors[c as usize] += scaled.root[k] * scaled.root[k];
        }
        let mut values: Vec<f64> = (0..count as u32)
            .map(|c| {
                let norm = vectors[c as usize].sqrt();
                let v: Vec<f64> = (0..n)
                    .map(|k| {
                        if components[k] == c {
                            scaled.root[k] / norm
                        } else {
                            0.0
                        }
                    })
                    .collect();
                1.0 + scaled.shift(&v, &mut middle)
            })
            .collect();
        values.sort_unstable_by(f64::total_cmp);
        return values[count - 2].max(0.0).sqrt();
    }
    let (value, vector) = second_eigenpair(&scaled, &mut middle);
    (value + scaled.shift(&vector, &mut middle)).max(0.0).sqrt()
}

/// Component number of each row; rows are joined by a shared column.
fn components(scaled: &Scaled, n: usize) -> Vec<u32> {
    let mut parent: Vec<u32> = (0..(n + scaled.columns) as u32).collect();
    fn find(parent: &mut [u32], mut k: u32) -> u32 {
        while parent[k as usize] != k {
            parent[k as usize] = parent[parent[k as usize] as usize];
            k = parent[k as usize];
        }
        k
    }
    for &(i, j, ..) in &scaled.cells {
        let (a, b) = (find(&mut parent, i), find(&mut parent, j + n as u32));
        parent[a.max(b) as usize] = a.min(b);
    }
    let mut names = vec![u32::MAX; n + scaled.columns];
    let mut next = 0;
    (0..n as u32)
        .map(|k| {
            let root = find(&mut parent, k) as usize;
            if names[root] == u32::MAX {
                names[root] = next;
                next += 1;
            }
            names[root]
        })
        .collect()
}

/// Largest eigenvalue of B Bᵀ in the complement of √pₓ, with its unit vector.
fn second_eigenpair(scaled: &Scaled, middle: &mut [f64]) -> (f64, Vec<f64>) {
    let n = scaled.root.len();
    if n < 2 {
        return (0.0, vec![0.0; n]);
    }
    // Any start that is not orthogonal to the wanted vector will do; this one is fixed, so results repeat.
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    let mut start: Vec<f64> = (0..n)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5
        })
        .collect();
    let mut basis: Vec<Vec<f64>> = vec![scaled.root.clone()];
    orthogonalise(&mut start, &basis);
    if normalise(&mut start) == 0.0 {
        return (0.0, vec![0.0; n]);
    }
    basis.push(start);
    let (mut diagonal, mut off) = (Vec::new(), Vec::new());
    let mut next = vec![0.0; n];
    loop {
        let last = basis.len() - 1;
        scaled.square(&basis[last], middle, &mut next);
        diagonal.push(dot(&next, &basis[last]));
        let mut fresh = next.clone();
        orthogonalise(&mut fresh, &basis);
        orthogonalise(&mut fresh, &basis);
        let beta = normalise(&mut fresh);
        let steps = diagonal.len();
        let full = steps + 1 >= n || beta < 1e-14;
        if full || steps % 4 == 0 {
            let value = largest_of_tridiagonal(&diagonal, &off);
            let small = eigenvector_of_tridiagonal(&diagonal, &off, value);
            // The error of a Ritz value is at most the square of its residual over the gap to its neighbours.
            let residual = beta * small.last().copied().unwrap_or(0.0).abs();
            if full || residual < 1e-9 {
                let mut vector = vec![0.0; n];
                for (weight, direction) in small.iter().zip(&basis[1..]) {
                    for (v, d) in vector.iter_mut().zip(direction) {
                        *v += weight * d;
                    }
                }
                normalise(&mut vector);
                return (value, vector);
            }
        }
        off.push(beta);
        basis.push(fresh);
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn orthogonalise(v: &mut [f64], basis: &[Vec<f64>]) {
    for direction in basis {
        let along = dot(v, direction);
        for (v, d) in v.iter_mut().zip(direction) {
            *v -= along * d;
        }
    }
}

fn normalise(v: &mut [f64]) -> f64 {
    let norm = dot(v, v).sqrt();
    if norm > 0.0 {
        v.iter_mut().for_each(|v| *v /= norm);
    }
    norm
}

/// Bisection with Sturm counts: eigenvalues of B Bᵀ lie in [0, 1].
fn largest_of_tridiagonal(diagonal: &[f64], off: &[f64]) -> f64 {
    let all_below = |x: f64| {
        let mut pivot = 1.0;
        for (k, d) in diagonal.iter().enumerate() {
            let squared = if k == 0 { 0.0 } else { off[k - 1] * off[k - 1] };
            pivot = d - x - squared / pivot;
            if pivot == 0.0 {
                pivot = -f64::MIN_POSITIVE;
            }
            if pivot > 0.0 {
                return false;
            }
        }
        true
    };
    let (mut low, mut high) = (-1e-9, 1.0 + 1e-9);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if all_below(middle) {
            high = middle
        } else {
            low = middle
        }
    }
    0.5 * (low + high)
}

/// Unit eigenvector by two steps of inverse iteration (Gaussian elimination with partial pivoting on three diagonals).
fn eigenvector_of_tridiagonal(diagonal: &[f64], off: &[f64], value: f64) -> Vec<f64> {
    let n = diagonal.len();
    let mut v = vec![1.0; n];
    for _ in 0..3 {
        let mut d: Vec<f64> = diagonal.iter().map(|x| x - value).collect();
        let mut u: Vec<f64> = off.to_vec();
        u.push(0.0);
        let mut w = vec![0.0; n];
        let tiny = |x: f64| if x.abs() < 1e-16 { 1e-16 } else { x };
        for k in 0..n.saturating_sub(1) {
            let below = off[k];
            if below.abs() > d[k].abs() {
                let (pivot, right, far) = (below, d[k + 1], u[k + 1]);
                let factor = d[k] / pivot;
                d[k + 1] = u[k] - factor * right;
                u[k + 1] = -factor * far;
                (d[k], u[k], w[k]) = (pivot, right, far);
                v.swap(k, k + 1);
                v[k + 1] -= factor * v[k];
            } else {
                d[k] = tiny(d[k]);
                let factor = below / d[k];
                d[k + 1] -= factor * u[k];
                v[k + 1] -= factor * v[k];
            }
        }
        for k in (0..n).rev() {
            let mut rest = v[k];
            if k + 1 < n {
                rest -= u[k] * v[k + 1];
            }
            if k + 2 < n {
                rest -= w[k] * v[k + 2];
            }
            v[k] = rest / tiny(d[k]);
        }
        normalise(&mut v);
    }
    v
}
