//! Largest distances between mesh vertices: IBSI L0JK, PyRadiomics Maximum3DDiameter and Maximum2DDiameter*.
//!
//! PyRadiomics compares all pairs. Only corners of convex hulls can be ends of a diameter, so the hull of each
//! axis-aligned plane is taken first, in exact integer arithmetic; a corner of the whole must be one in each of the three
//! planes through it.

/// The four diameters of a mesh, mm.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Diameters {
    /// Between any two vertices.
    pub any: f64,
    /// Within a plane of constant z ("Slice").
    pub slice: f64,
    /// Within a plane of constant y ("Column").
    pub column: f64,
    /// Within a plane of constant x ("Row").
    pub row: f64,
}

/// A vertex as twice (x, y, z) in voxels.
pub type Vertex = [i32; 3];

/// Diameters of vertices, and the vertices that can be corners of their convex hull.
pub fn diameters(vertices: &[Vertex], spacing: [f64; 3]) -> (Diameters, Vec<Vertex>) {
    let mut within = [0.0; 3];
    let mut corners: Option<Vec<Vertex>> = None;
    for axis in [2, 1, 0] {
        let (largest, mut found) = plane_corners(vertices, axis, spacing);
        within[axis] = largest;
        corners = Some(match corners {
            None => found,
            Some(mut kept) => {
                found.sort_unstable();
                kept.retain(|p| found.binary_search(p).is_ok());
                kept
            }
        });
    }
    let mut corners = corners.unwrap_or_default();
    corners.sort_unstable();
    let any = farthest(&corners, spacing);
    (
        Diameters {
            any,
            slice: within[2],
            column: within[1],
            row: within[0],
        },
        corners,
    )
}

/// Hull corners of every plane of constant `axis`, and the largest distance within one of these planes.
fn plane_corners(vertices: &[Vertex], axis: usize, spacing: [f64; 3]) -> (f64, Vec<Vertex>) {
    let (u, v) = ((axis + 1) % 3, (axis + 2) % 3);
    let extent = |k: usize| vertices.iter().map(|p| p[k]).max().unwrap_or(0) as usize + 1;
    let rows = extent(u);
    // Of each row (constant axis and u) only the two ends can be corners.
    let mut ends = vec![(i32::MAX, i32::MIN); extent(axis) * rows];
    for p in vertices {
        let end = &mut ends[p[axis] as usize * rows + p[u] as usize];
        *end = (end.0.min(p[v]), end.1.max(p[v]));
    }
    let mut largest = 0.0f64;
    let mut found = Vec::new();
    let mut plane: Vec<[i32; 2]> = Vec::new();
    for (at, row) in ends.chunks_exact(rows).enumerate() {
        plane.clear();
        for (k, end) in row.iter().enumerate().filter(|(_, end)| end.0 <= end.1) {
            plane.push([k as i32, end.0]);
            if end.1 > end.0 {
                plane.push([k as i32, end.1]);
            }
        }
        let corners = hull(&plane);
        largest = largest.max(farthest(&corners, [spacing[u], spacing[v]]));
        found.extend(corners.iter().map(|c| {
            let mut p = [at as i32; 3];
            (p[u], p[v]) = (c[0], c[1]);
            p
        }));
    }
    (largest, found)
}

/// Largest distance (mm) between points of a plane, given as twice the position in voxels; the points are sorted.
pub(super) fn planar(points: &mut Vec<[i32; 2]>, spacing: [f64; 2]) -> f64 {
    points.sort_unstable();
    points.dedup();
    farthest(&hull(points), spacing)
}

/// Corners of the convex hull of sorted points (Andrew's monotone chain), without points on its sides.
fn hull(points: &[[i32; 2]]) -> Vec<[i32; 2]> {
    if points.len() < 3 {
        return points.to_vec();
    }
    let turn = |a: [i32; 2], b: [i32; 2], c: [i32; 2]| {
        let d = |p: [i32; 2], k: usize| i64::from(p[k]) - i64::from(a[k]);
        d(b, 0) * d(c, 1) - d(b, 1) * d(c, 0)
    };
    let mut chain: Vec<[i32; 2]> = Vec::new();
    let extend = |chain: &mut Vec<[i32; 2]>, base: usize, p: [i32; 2]| {
        while chain.len() >= base + 2 && turn(chain[chain.len() - 2], chain[chain.len() - 1], p) <= 0 {
            chain.pop();
        }
        chain.push(p);
    };
    for &p in points {
        extend(&mut chain, 0, p);
    }
    let base = chain.len() - 1;
    for &p in points.iter().rev().skip(1) {
        extend(&mut chain, base, p);
    }
    chain.pop();
    chain
}

/// Largest distance between any two points, mm.
fn farthest<const D: usize>(points: &[[i32; D]], spacing: [f64; D]) -> f64 {
    let mut largest = 0.0f64;
    for (k, a) in points.iter().enumerate() {
        for b in &points[..k] {
            let squared: f64 = (0..D)
                .map(|d| {
                    let apart = f64::from(a[d] - b[d]) * 0.5 * spacing[d];
                    apart * apart
                })
                .sum();
            largest = largest.max(squared);
        }
    }
    largest.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against all pairs, as PyRadiomics computes it.
    #[test]
    fn equals_brute_force() {
        let mut state = 12345u32;
        let mut next = move |n: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((state >> 16) % n) as i32
        };
        let spacing = [0.7, 1.3, 2.5];
        for count in [1, 2, 3, 10, 200] {
            let points: Vec<Vertex> = (0..count).map(|_| [next(9), next(12), next(7)]).collect();
            let (got, _) = diameters(&points, spacing);
            let within = |axis: usize| {
                let mut largest = 0.0f64;
                for a in &points {
                    let same: Vec<Vertex> = points.iter().filter(|b| b[axis] == a[axis]).copied().collect();
                    largest = largest.max(farthest(&same, spacing));
                }
                largest
            };
            assert_eq!(got.any, farthest(&points, spacing));
            assert_eq!(
                [got.row, got.column, got.slice],
                [within(0), within(1), within(2)]
            );
        }
    }
}
