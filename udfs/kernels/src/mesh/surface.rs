//! Area and volume of the triangle mesh: IBSI C0JK and RNU0, PyRadiomics `cshape.c`.

use super::PaddedMask;
use super::table::{EDGES, TRIANGLES};

/// Area and enclosed volume of a mesh.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Surface {
    /// mm².
    pub area: f64,
    /// mm³.
    pub volume: f64,
}

/// What one kind of cube adds: its triangles depend on nothing but which corners are inside.
#[derive(Clone, Copy, Default)]
struct Cubes {
    count: i64,
    /// Sums of cube positions x, y, z, in voxels.
    at: [i64; 3],
}

/// Marching cubes in one pass: cubes are only counted per kind, with the sum of their positions, which is all that area
/// and volume depend on. A triangle moved by t changes its signed volume by t · (a×b + b×c + c×a)/6.
pub fn surface(mask: &PaddedMask) -> Surface {
    let mut kinds = [Cubes::default(); 256];
    let [nx, ny, nz] = mask.size;
    let mut column = vec![0u8; nx];
    for z in 0..nz - 1 {
        for y in 0..ny - 1 {
            let row = |y: usize, z: usize| &mask.voxels[nx * (y + ny * z)..nx * (y + ny * z) + nx];
            let rows = row(y, z)
                .iter()
                .zip(row(y + 1, z))
                .zip(row(y, z + 1).iter().zip(row(y + 1, z + 1)));
            for (corner, ((a, b), (c, d))) in column.iter_mut().zip(rows) {
                *corner = a | b << 3 | c << 4 | d << 7;
            }
            for (x, pair) in column.windows(2).enumerate() {
                let next = (pair[1] & 0x11) << 1 | (pair[1] & 0x88) >> 1;
                let kind = pair[0] | next;
                if kind != 0 && kind != 0xff {
                    let cubes = &mut kinds[usize::from(kind)];
                    cubes.count += 1;
                    cubes.at[0] += x as i64;
                    cubes.at[1] += y as i64;
                    cubes.at[2] += z as i64;
                }
            }
        }
    }
    let mut total = Surface {
        area: 0.0,
        volume: 0.0,
    };
    for (kind, cubes) in kinds.iter().enumerate().filter(|(_, c)| c.count > 0) {
        let (kind, sign) = if kind & 0x80 != 0 {
            (kind ^ 0xff, -1.0)
        } else {
            (kind, 1.0)
        };
        for triangle in TRIANGLES[kind].chunks_exact(3) {
            // (x, y, z) in mm from the cube's corner 0.
            let corner = |k: usize| -> [f64; 3] {
                let edge = EDGES[usize::from(triangle[k])];
                std::array::from_fn(|axis| 0.5 * f64::from(edge[2 - axis]) * mask.spacing[axis])
            };
            let (a, b, c) = (corner(0), corner(1), corner(2));
            let sub = |u: [f64; 3], v: [f64; 3]| -> [f64; 3] { std::array::from_fn(|k| u[k] - v[k]) };
            let normal = cross(sub(a, c), sub(b, c));
            total.area += cubes.count as f64 * 0.5 * dot(normal, normal).sqrt();
            let moved: f64 = (0..3)
                .map(|k| normal[k] * cubes.at[k] as f64 * mask.spacing[k])
                .sum();
            // The table's orientation is that of (z, y, x) coordinates: the mirror image of (x, y, z).
            total.volume -= sign * (cubes.count as f64 * dot(cross(a, b), c) + moved) / 6.0;
        }
    }
    total
}

fn cross(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    ]
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}
