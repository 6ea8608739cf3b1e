//! Measures against SimpleITK 2.5.7 and NumPy 2.4.6 on masks that both can make, and against every pair of voxels.

use super::*;
use crate::geometry::Geometry;
use crate::placed::PlacedMask;
use crate::random::Random;

fn grid() -> Geometry {
    Geometry::new([20, 16, 12], [0.7, 1.3, 2.5]).unwrap()
}

fn scattered(random: &mut Random, one_in: usize) -> Mask {
    let grid = grid();
    let voxels = (0..grid.len()).map(|_| random.below(one_in) == 0).collect();
    Mask::new(grid, voxels).unwrap()
}

fn ellipsoid(centre: [f64; 3], radii: [f64; 3]) -> Mask {
    let grid = grid();
    let voxels = (0..grid.len())
        .map(|k| [k % 20, k / 20 % 16, k / 320].map(|v| v as f64))
        .map(|v| {
            (0..3)
                .map(|k| ((v[k] - centre[k]) / radii[k]).powi(2))
                .sum::<f64>()
                <= 1.0
        })
        .collect();
    Mask::new(grid, voxels).unwrap()
}

fn near(got: &[f64], want: &[f64]) {
    for (g, w) in got.iter().zip(want) {
        assert!((g - w).abs() < 1e-9, "{got:?} {want:?}");
    }
}

/// `HausdorffDistanceImageFilter` and `LabelOverlapMeasuresImageFilter` on the same voxels (the generator is repeated in
/// Python); surfaces, percentiles and means from all pairs in NumPy.
#[test]
fn equals_simpleitk() {
    let mut random = Random(2026);
    let (a, b) = (scattered(&mut random, 50), scattered(&mut random, 50));
    let ball = ellipsoid([9.0, 8.0, 6.0], [8.0, 7.0, 5.0]);
    let mut hollow = ball.clone();
    let core = ellipsoid([9.0, 8.0, 6.0], [6.0, 5.0, 3.0]);
    hollow
        .voxels
        .iter_mut()
        .zip(&core.voxels)
        .for_each(|(v, c)| *v &= !c);
    let apart = (
        ellipsoid([8.0, 7.0, 5.0], [6.0, 5.0, 3.0]),
        ellipsoid([11.0, 8.0, 6.0], [7.0, 4.0, 4.0]),
    );
    // Voxels of both; Hausdorff, Dice; largest, 95th percentile and mean of surface distances.
    let cases = [
        (
            (a, b),
            [84, 66],
            [7.119691004531024, 0.04],
            [7.119691004531024, 5.352569476429054, 2.8282785938567168],
        ),
        (
            apart,
            [361, 463],
            [5.576737397439475, 0.5461165048543689],
            [5.576737397439475, 5.019023099986042, 1.6612602507616026],
        ),
        (
            (ball, hollow),
            [1157, 796],
            [4.396589587396122, 0.8151561699948797],
            [2.5, 2.1, 0.351896618273237],
        ),
    ];
    for ((a, b), counts, [hausdorff, overlap], surfaces) in cases {
        // Also where each is kept in its own box.
        let boxes = [&a, &b].map(|m| PlacedMask::new(m).unwrap().mask);
        for [a, b] in [[&a, &b], [&boxes[0], &boxes[1]], [&boxes[1], &a], [&b, &boxes[0]]] {
            let mut got = [a.count(), b.count()];
            got.sort_unstable();
            let mut want = counts;
            want.sort_unstable();
            assert_eq!(got, want);
            let found = surface_distances(a, b).unwrap();
            near(
                &[hausdorff_mm(a, b).unwrap(), dice(a, b).unwrap()],
                &[hausdorff, overlap],
            );
            near(&[found.largest, found.percentile_95, found.mean], &surfaces);
        }
    }
}

/// `LabelShapeStatisticsImageFilter`: centroid and physical size.
#[test]
fn centroid_and_volume_equal_simpleitk() {
    let mut mask = ellipsoid([8.0, 7.0, 5.0], [6.0, 5.0, 3.0]);
    mask.geometry.origin = [5.0, 6.0, 7.0];
    mask.geometry.direction = [0.8, -0.6, 0.0, 0.6, 0.8, 0.0, 0.0, 0.0, 1.0];
    for (k, voxel) in mask.voxels.iter_mut().enumerate() {
        *voxel &= k % 20 <= 9;
    }
    assert_eq!(mask.count(), 244);
    near(
        &centroid(&mask).unwrap(),
        &[3.1708196721311475, 16.003114754098362, 19.5],
    );
    near(&[volume_ml(&mask)], &[0.5551]);
    let boxed = PlacedMask::new(&mask).unwrap();
    near(&centroid(&boxed.mask).unwrap(), &centroid(&mask).unwrap());
}

#[test]
fn distances_equal_all_pairs() {
    let mut random = Random(17);
    for _ in 0..60 {
        let size = [1 + random.below(9), 1 + random.below(9), 1 + random.below(9)];
        let spacing = [
            0.1 + random.unit(),
            0.1 + random.unit(),
            0.1 + 3.0 * random.unit(),
        ];
        let one_in = 1 + random.below(40);
        let n = size.iter().product();
        let members: Vec<bool> = (0..n).map(|_| random.below(one_in) == 0).collect();
        let at = |k: usize| [k % size[0], k / size[0] % size[1], k / (size[0] * size[1])];
        for (k, got) in edt::squared(size, spacing, &members).into_iter().enumerate() {
            let distance = |m: usize| -> f64 {
                (0..3)
                    .map(|a| (at(k)[a].abs_diff(at(m)[a]) as f64 * spacing[a]).powi(2))
                    .sum()
            };
            let want = (0..n)
                .filter(|&m| members[m])
                .map(distance)
                .fold(f64::INFINITY, f64::min);
            assert!(got == want || (got - want).abs() < 1e-12 * want, "{got} {want}");
        }
    }
}

#[test]
fn lattices_that_differ_are_refused() {
    let a = ellipsoid([8.0, 7.0, 5.0], [6.0, 5.0, 3.0]);
    let spoil: [fn(&mut Geometry); 5] = [
        |g| g.origin[0] += 0.35,
        |g| g.spacing[2] = 2.6,
        |g| g.direction = [-1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        |g| g.direction = [0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, -1.0],
        |g| g.origin[1] = 1e12,
    ];
    for spoil in spoil {
        let mut b = a.clone();
        spoil(&mut b.geometry);
        assert!(matches!(dice(&a, &b), Err(Error::LatticeMismatch { .. })));
        assert!(matches!(hausdorff_mm(&a, &b), Err(Error::LatticeMismatch { .. })));
        assert!(matches!(
            surface_distances(&a, &b),
            Err(Error::LatticeMismatch { .. })
        ));
    }
    // Whole voxels apart is the same lattice; far apart on it is too much to measure distances in.
    let mut b = a.clone();
    b.geometry.origin = [0.7 * 40.0, -1.3, 2.5];
    assert_eq!(dice(&a, &b), Ok(0.0));
    b.geometry.origin = [0.7 * 1e6, 1.3 * 1e4, 0.0];
    assert!(matches!(hausdorff_mm(&a, &b), Err(Error::BadSize { .. })));
}

#[test]
fn empty_masks_have_no_measures() {
    let a = ellipsoid([8.0, 7.0, 5.0], [6.0, 5.0, 3.0]);
    let empty = Mask::new(grid(), vec![false; grid().len()]).unwrap();
    assert_eq!(dice(&a, &empty), Ok(0.0));
    assert_eq!(dice(&empty, &empty), Err(Error::EmptyMask));
    assert_eq!(hausdorff_mm(&a, &empty), Err(Error::EmptyMask));
    assert_eq!(surface_distances(&empty, &a), Err(Error::EmptyMask));
    assert_eq!(centroid(&empty), Err(Error::EmptyMask));
    assert_eq!(max_diameters(&empty), Err(Error::EmptyMask));
    assert_eq!(volume_ml(&empty), 0.0);
}

/// The axial diameter is that of the planes across the patient's long axis, whichever axis of the grid that is.
#[test]
fn axial_diameter_follows_the_patient() {
    let mut mask = Mask::new(grid(), vec![false; grid().len()]).unwrap();
    // A bar of 10 × 4 × 2 voxels.
    for (k, voxel) in mask.voxels.iter_mut().enumerate() {
        let [x, y, z] = [k % 20, k / 20 % 16, k / 320];
        *voxel = (3..13).contains(&x) && (2..6).contains(&y) && (4..6).contains(&z);
    }
    let found = max_diameters(&mask).unwrap();
    // Vertices of the mesh, half a voxel outside the centres: 10 by 3 voxels, or 9 by 4.
    let in_plane =
        |n: f64, m: f64, a: f64, b: f64| ((n * a).hypot((m - 1.0) * b)).max(((n - 1.0) * a).hypot(m * b));
    near(
        &[found.planes.slice, found.axial],
        &[in_plane(10.0, 4.0, 0.7, 1.3); 2],
    );
    // A sagittal grid: slices are across x, rows of it are axial.
    mask.geometry.direction = [0.0, 0.0, -1.0, 1.0, 0.0, 0.0, 0.0, -1.0, 0.0];
    let found = max_diameters(&mask).unwrap();
    near(
        &[found.planes.column, found.axial],
        &[in_plane(10.0, 2.0, 0.7, 2.5); 2],
    );
}
