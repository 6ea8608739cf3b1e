//! Contours with voxels that can be counted by hand, and random ones against a test of every point.

use super::*;
use crate::random::Random;

fn grid() -> Geometry {
    Geometry::new([10, 8, 4], [1.0, 1.0, 2.0]).unwrap()
}

fn rectangle(x: [f64; 2], y: [f64; 2], z: f64) -> Vec<[f64; 3]> {
    vec![[x[0], y[0], z], [x[1], y[0], z], [x[1], y[1], z], [x[0], y[1], z]]
}

fn run(grid: &Geometry, contours: &[Vec<[f64; 3]>]) -> Rasterised {
    rasterise(grid, contours, &Tolerance::default()).unwrap()
}

fn count(found: &Rasterised) -> usize {
    found.mask.as_ref().map_or(0, |m| m.mask.count())
}

/// The rows of a slice as text.
fn picture(found: &Rasterised, grid: &Geometry, z: usize) -> Vec<String> {
    let mask = found.mask.as_ref().unwrap().expand(grid).unwrap();
    let [nx, ny, _] = grid.size;
    mask.voxels[nx * ny * z..nx * ny * (z + 1)]
        .chunks_exact(nx)
        .map(|row| row.iter().map(|&v| if v { '#' } else { '.' }).collect())
        .collect()
}

#[test]
fn centres_on_the_edge_belong_to_the_lower_side() {
    let grid = grid();
    let found = run(&grid, &[rectangle([2.0, 5.0], [1.0, 3.0], 4.0)]);
    assert_eq!(found.findings, Findings::default());
    let placed = found.mask.as_ref().unwrap();
    assert_eq!((placed.low, placed.mask.geometry.size), ([2, 1, 2], [3, 2, 1]));
    assert_eq!(placed.mask.geometry.origin, [2.0, 1.0, 4.0]);
    assert_eq!(count(&found), 6);
    // Noise of files and transformations does not decide; drawn the other way round is the same.
    let mut noisy = rectangle([2.0 + 1e-8, 5.0 + 1e-8], [1.0 + 1e-8, 3.0 + 1e-8], 4.0);
    noisy.reverse();
    assert_eq!(run(&grid, &[noisy]).mask, found.mask);
    // Neighbours share an edge and no voxel.
    let left = rectangle([2.0, 5.0], [1.0, 3.0], 4.0);
    let right = rectangle([5.0, 7.0], [1.0, 3.0], 4.0);
    assert_eq!(count(&run(&grid, &[left, right])), 10);
}

#[test]
fn holes_and_keyholes() {
    let grid = grid();
    let outer = rectangle([0.5, 7.5], [0.5, 6.5], 0.0);
    let inner = rectangle([2.5, 5.5], [2.5, 4.5], 0.0);
    let hole = run(&grid, &[outer.clone(), inner.clone()]);
    assert_eq!(count(&hole), 7 * 6 - 3 * 2);
    let mut keyhole = outer;
    keyhole.push(keyhole[0]);
    keyhole.extend([0, 3, 2, 1, 0].map(|k| inner[k]));
    assert_eq!(run(&grid, &[keyhole]).mask, hole.mask);
    // A concave outline.
    let u = [
        [0.5, 0.5],
        [8.5, 0.5],
        [8.5, 5.5],
        [6.5, 5.5],
        [6.5, 2.5],
        [2.5, 2.5],
        [2.5, 5.5],
        [0.5, 5.5],
    ];
    let found = run(&grid, &[u.iter().map(|p| [p[0], p[1], 6.0]).collect()]);
    assert_eq!(
        picture(&found, &grid, 3),
        [
            "..........",
            ".########.",
            ".########.",
            ".##....##.",
            ".##....##.",
            ".##....##.",
            "..........",
            "..........",
        ]
    );
}

#[test]
fn slices_are_found_by_tolerance() {
    let grid = grid();
    let at = |z| rectangle([1.5, 3.5], [1.5, 3.5], z);
    let found = run(&grid, &[at(0.4), at(5.9), at(-1.1), at(7.1)]);
    assert_eq!(found.findings.no_slice, [2, 3]);
    assert_eq!(found.findings.gaps, [1, 2]);
    assert!((found.findings.off_plane - 0.4).abs() < 1e-9);
    assert_eq!(count(&found), 8);
    let strict = Tolerance {
        slice: 0.1,
        ..Tolerance::default()
    };
    let found = rasterise(&grid, &[at(0.4), at(5.9)], &strict).unwrap();
    assert_eq!(found.findings.no_slice, [0]);
    // Half-way: the upper slice.
    assert_eq!(run(&grid, &[at(1.0)]).mask.unwrap().low[2], 1);
    // Thinner slices than the grid's do not cancel each other.
    let found = run(&grid, &[at(2.0), at(2.8), at(1.2)]);
    assert_eq!(found.findings.superseded, [1, 2]);
    assert_eq!(count(&found), 4);
    let mut leaning = at(2.0);
    leaning[2][2] = 2.3;
    let found = run(&grid, &[leaning, vec![[1.0; 3]; 2], at(2.0)]);
    assert_eq!(
        (&found.findings.oblique[..], &found.findings.degenerate[..]),
        (&[0][..], &[1][..])
    );
}

#[test]
fn what_lies_outside_is_told() {
    let grid = grid();
    let contours = [
        rectangle([-20.0, 2.5], [3.5, 40.0], 0.0),
        rectangle([11.0, 20.0], [1.0, 3.0], 2.0),
        rectangle([4.2, 4.4], [4.2, 4.4], 4.0),
        rectangle([-50.0, 50.0], [-50.0, 50.0], 6.0),
    ];
    let found = run(&grid, &contours);
    // 22.5 × 36.5 mm of which 3 × 4 are within the grid's edges; and 100 × 100 of which 10 × 8 are.
    let lost = [22.5 * 36.5 - 3.0 * 4.0, 100.0 * 100.0 - 80.0];
    assert_eq!(found.findings.clipped, [(0, lost[0]), (3, lost[1])]);
    assert_eq!(found.findings.outside, [1]);
    assert_eq!(found.findings.empty_slices, [1, 2]);
    assert_eq!(count(&found), 3 * 4 + 80);
    // In millimetres, whichever way it is drawn; a triangle of which a corner is cut off.
    let wide = Geometry::new([10, 8, 4], [2.0, 1.5, 2.0]).unwrap();
    let mut corner = vec![[1.0, 1.0, 0.0], [1.0, 2.0, 0.0], [29.0, 1.0, 0.0]];
    for _ in 0..2 {
        let clipped = run(&wide, &[corner.clone()]).findings.clipped;
        // What lies beyond x = 19 is a triangle of 10 × 10/28 mm.
        assert!(
            (clipped[0].1 - 0.5 * 10.0 * 10.0 / 28.0).abs() < 1e-5,
            "{clipped:?}"
        );
        corner.reverse();
    }
    let found = run(&grid, &contours[1..2]);
    assert_eq!((found.mask, found.findings.empty_slices), (None, vec![1]));
    assert_eq!(run(&grid, &[]).mask, None);
}

#[test]
fn points_that_are_none_are_refused_by_name() {
    for bad in [f64::NAN, f64::NEG_INFINITY, 1e300] {
        let mut contour = rectangle([1.0, 2.0], [1.0, 2.0], 0.0);
        contour[3][1] = bad;
        let good = rectangle([1.0, 2.0], [1.0, 2.0], 0.0);
        assert_eq!(
            rasterise(&grid(), &[good, contour], &Tolerance::default()),
            Err(Error::BadContour { contour: 1, point: 3 })
        );
    }
    let many = vec![[0.0; 3]; MAX_POINTS + 1];
    assert!(matches!(
        rasterise(&grid(), &[many], &Tolerance::default()),
        Err(Error::TooMany { .. })
    ));
    let mut none = grid();
    none.size[2] = 0;
    assert!(rasterise(&none, &[[[0.0; 3]; 3]], &Tolerance::default()).is_err());
    let loose = Tolerance {
        slice: 0.6,
        parallel: f64::NAN,
    };
    assert!(rasterise(&grid(), &[[[0.0; 3]; 3]], &loose).is_err());
}

/// Several random polygons, also crossing themselves, on an oblique grid, against the even-odd rule at each centre.
#[test]
fn equals_a_test_of_every_point() {
    let mut random = Random(11);
    for _ in 0..100 {
        let axes = random.axes();
        let grid = Geometry {
            size: [17, 13, 3],
            spacing: [0.7, 1.1, 3.0],
            origin: [-50.0, 20.0, 9.0],
            direction: std::array::from_fn(|k| axes[k % 3][k / 3]),
        };
        let polygons: Vec<Vec<[f64; 2]>> = (0..1 + random.below(3))
            .map(|_| {
                (0..3 + random.below(9))
                    .map(|_| [24.0 * random.unit() - 4.0, 20.0 * random.unit() - 4.0])
                    .collect()
            })
            .collect();
        let contours: Vec<Vec<[f64; 3]>> = polygons
            .iter()
            .map(|p| p.iter().map(|q| grid.physical([q[0], q[1], 1.0])).collect())
            .collect();
        let found = run(&grid, &contours);
        let mut expected = vec![false; grid.len()];
        for (k, voxel) in expected[17 * 13..2 * 17 * 13].iter_mut().enumerate() {
            let (x, y) = ((k % 17) as f64, (k / 17) as f64);
            for p in &polygons {
                for (a, b) in p.iter().zip(p.iter().cycle().skip(1)) {
                    if (a[1] <= y) != (b[1] <= y) {
                        *voxel ^= a[0] + (y - a[1]) * (b[0] - a[0]) / (b[1] - a[1]) <= x;
                    }
                }
            }
        }
        match found.mask {
            Some(placed) => assert_eq!(placed.expand(&grid).unwrap().voxels, expected),
            None => assert!(!expected.contains(&true)),
        }
    }
}

#[test]
fn a_million_points_are_filled() {
    let grid = Geometry::new([512, 512, 2], [1.0; 3]).unwrap();
    let circle: Vec<[f64; 3]> = (0..1_000_000)
        .map(|k| f64::from(k) * std::f64::consts::TAU / 1e6)
        .map(|t| [256.0 + 200.0 * t.cos(), 256.0 + 200.0 * t.sin(), 1.0])
        .collect();
    let found = run(&grid, &[circle]);
    assert!((count(&found) as f64 / (std::f64::consts::PI * 200.0 * 200.0) - 1.0).abs() < 1e-3);
}

/// Every edge across the whole slice: refused before it is filled.
#[test]
fn zigzags_are_refused() {
    let grid = Geometry::new([512, 512, 1], [1.0; 3]).unwrap();
    let zigzag: Vec<[f64; 3]> = (0..1_000_000)
        .map(|k| [f64::from(k) * 5e-4, if k % 2 == 0 { -10.0 } else { 600.0 }, 0.0])
        .collect();
    let refused = rasterise(&grid, &[zigzag], &Tolerance::default());
    assert!(matches!(refused, Err(Error::TooMany { .. })));
}
