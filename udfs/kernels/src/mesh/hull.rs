//! Convex hull of a mesh: IBSI's density features (R3ER, 7T7F).

/// Volume and area of a convex hull.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Hull {
    /// mm³.
    pub volume: f64,
    /// mm².
    pub area: f64,
}

struct Face {
    corners: [usize; 3],
    normal: [f64; 3],
    offset: f64,
}

/// Hull of points given as twice (x, y, z) in voxels; `None` where all lie in one plane.
///
/// Points of a voxel mesh are full of coplanar groups, which the incremental algorithm dislikes: each point is moved by a
/// fixed pseudo-random 10⁻⁷ of a voxel, which is what volume and area are exact to.
pub fn convex_hull(points: &[[i32; 3]], spacing: [f64; 3]) -> Option<Hull> {
    let mut state = 0x2545_F491_4F6C_DD1Du64;
    let mut jitter = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        ((state >> 11) as f64 / (1u64 << 53) as f64 - 0.5) * 2e-7
    };
    let points: Vec<[f64; 3]> = points
        .iter()
        .map(|p| std::array::from_fn(|k| (0.5 * f64::from(p[k]) + jitter()) * spacing[k]))
        .collect();
    let mut faces = tetrahedron(&points, spacing)?;
    let mut edges: Vec<[usize; 2]> = Vec::new();
    for (k, &point) in points.iter().enumerate() {
        let above = |face: &Face| dot(face.normal, point) > face.offset;
        edges.clear();
        faces.retain(|face| {
            let visible = above(face) && !face.corners.contains(&k);
            if visible {
                let [a, b, c] = face.corners;
                edges.extend([[a, b], [b, c], [c, a]]);
            }
            !visible
        });
        // The horizon: edges of removed faces whose twin was not removed.
        edges.sort_unstable();
        for edge in &edges {
            if edges.binary_search(&[edge[1], edge[0]]).is_err() {
                faces.push(face(&points, [edge[0], edge[1], k]));
            }
        }
    }
    let centre = points[faces.first()?.corners[0]];
    let mut hull = Hull::default();
    for f in &faces {
        let twice_area = dot(f.normal, f.normal).sqrt();
        hull.area += 0.5 * twice_area;
        hull.volume += (f.offset - dot(f.normal, centre)) / 6.0;
    }
    Some(hull)
}

fn face(points: &[[f64; 3]], corners: [usize; 3]) -> Face {
    let [a, b, c] = corners.map(|k| points[k]);
    let normal = cross(sub(b, a), sub(c, a));
    Face {
        corners,
        normal,
        offset: dot(normal, a),
    }
}

/// Four points that span the most space, found greedily.
fn tetrahedron(points: &[[f64; 3]], spacing: [f64; 3]) -> Option<Vec<Face>> {
    let best = |score: &dyn Fn([f64; 3]) -> f64| {
        (0..points.len()).max_by(|&a, &b| score(points[a]).total_cmp(&score(points[b])))
    };
    let a = best(&|p| -p[0])?;
    let b = best(&|p| dot(sub(p, points[a]), sub(p, points[a])))?;
    let line = sub(points[b], points[a]);
    let c = best(&|p| {
        let n = cross(line, sub(p, points[a]));
        dot(n, n)
    })?;
    let normal = cross(line, sub(points[c], points[a]));
    let d = best(&|p| dot(normal, sub(p, points[a])).abs())?;
    let height = dot(normal, sub(points[d], points[a]));
    let thin = 1e-5 * spacing.iter().fold(f64::INFINITY, |m, s| m.min(*s));
    if height.abs() <= thin * dot(normal, normal).sqrt() {
        return None;
    }
    let (b, c) = if height > 0.0 { (c, b) } else { (b, c) };
    Some(
        [[a, b, c], [a, d, b], [b, d, c], [c, d, a]]
            .map(|corners| face(points, corners))
            .into(),
    )
}

fn sub(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    std::array::from_fn(|k| a[k] - b[k])
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn cross(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_with_points_inside_and_on_its_faces() {
        let mut points = Vec::new();
        for x in 0..=4 {
            for y in 0..=6 {
                for z in 0..=2 {
                    points.push([2 * x, 2 * y, 2 * z]);
                }
            }
        }
        let hull = convex_hull(&points, [1.0, 0.5, 3.0]).unwrap();
        assert!((hull.volume - 4.0 * 3.0 * 6.0).abs() < 1e-4);
        assert!((hull.area - 2.0 * (12.0 + 24.0 + 18.0)).abs() < 1e-4);
        assert_eq!(convex_hull(&points[..1], [1.0; 3]), None);
        let flat: Vec<_> = points.iter().filter(|p| p[2] == 0).copied().collect();
        assert_eq!(convex_hull(&flat, [1.0; 3]), None);
    }
}
