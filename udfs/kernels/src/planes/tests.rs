//! Stacks against what SimpleITK makes of the same slices, and what it does not tell.

use super::*;

const AXIAL: [[f64; 3]; 2] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]];

fn plane(position: [f64; 3], [row, column]: [[f64; 3]; 2]) -> Plane {
    Plane {
        position,
        row,
        column,
        spacing: [0.7, 0.9],
        size: [4, 5],
        key: None,
    }
}

fn axial(at: &[f64]) -> Vec<Plane> {
    at.iter().map(|z| plane([0.0, 0.0, *z], AXIAL)).collect()
}

fn only(planes: &[Plane]) -> Stack {
    let mut found = stacks(planes, None).unwrap();
    assert_eq!(found.len(), 1);
    found.remove(0)
}

fn near(got: &[f64], want: &[f64]) {
    assert_eq!(got.len(), want.len());
    for (g, w) in got.iter().zip(want) {
        assert!((g - w).abs() < 1e-9, "{got:?} {want:?}");
    }
}

/// Series written with pydicom 3.0.2, read with SimpleITK 2.5.7 (`ImageSeriesReader`, order of `GetGDCMSeriesFileNames`):
/// size, spacing, origin, direction and the order of files as it gave them.
#[test]
fn equals_simpleitk() {
    let sagittal = [[0.0, 1.0, 0.0], [0.0, 0.0, -1.0]];
    let oblique = [[0.8, 0.6, 0.0], [0.0, 0.0, 1.0]];
    let flipped = [[-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]];
    let identity = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
    let cases = [
        (
            axial(&[0.0, -2.5, -5.0, -7.5, -10.0]),
            2.5,
            [0.0, 0.0, -10.0],
            identity,
            vec![4, 3, 2, 1, 0],
        ),
        (
            (0..5)
                .map(|k| plane([3.0 * f64::from(k), 1.0, 2.0], sagittal))
                .collect(),
            3.0,
            [12.0, 1.0, 2.0],
            [0.0, 0.0, -1.0, 1.0, 0.0, 0.0, 0.0, -1.0, 0.0],
            vec![4, 3, 2, 1, 0],
        ),
        (
            [3.0, 1.0, 0.0, 2.0]
                .iter()
                .map(|k| plane([5.0 + 1.2 * k, 6.0 - 1.6 * k, 7.0], oblique))
                .collect(),
            2.0,
            [5.0, 6.0, 7.0],
            [0.8, 0.0, 0.6, 0.6, 0.0, -0.8, 0.0, 1.0, 0.0],
            vec![2, 1, 3, 0],
        ),
        (
            (0..4)
                .map(|k| plane([0.0, 0.0, 2.5 * f64::from(k)], flipped))
                .collect(),
            2.5,
            [0.0, 0.0, 7.5],
            [-1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, -1.0],
            vec![3, 2, 1, 0],
        ),
    ];
    for (planes, spacing, origin, direction, order) in cases {
        let stack = only(&planes);
        assert_eq!(stack.geometry.size, [5, 4, order.len()]);
        near(&stack.geometry.spacing, &[0.9, 0.7, spacing]);
        near(&stack.geometry.origin, &origin);
        near(&stack.geometry.direction, &direction);
        assert_eq!(stack.planes, order.into_iter().map(Some).collect::<Vec<_>>());
        assert_eq!(stack.findings, Findings::default());
    }
}

#[test]
fn gaps_are_places_without_a_plane() {
    for (at, planes, gaps) in [
        (
            vec![0.0, 2.5, 5.0, 12.5, 15.0],
            vec![Some(0), Some(1), Some(2), None, None, Some(3), Some(4)],
            vec![3, 4],
        ),
        // More gaps than neighbours: the smallest distance decides.
        (
            vec![10.0, 0.0, 4.0, 6.0],
            vec![Some(1), None, Some(2), Some(3), None, Some(0)],
            vec![1, 4],
        ),
    ] {
        let stack = only(&axial(&at));
        assert_eq!(stack.planes, planes);
        assert_eq!(stack.findings.gaps, gaps);
        assert_eq!(stack.findings.irregular, None);
        let [first, second] = [at[1].min(at[0]), 2.5];
        assert_eq!(stack.geometry.origin[2], first);
        assert_eq!(stack.geometry.spacing[2], if gaps[0] == 3 { second } else { 2.0 });
    }
    // Far too sparse to be gaps: kilometres of empty grid are not made.
    let sparse = only(&axial(&[0.0, 1.0, 900_000.0]));
    assert_eq!(sparse.planes.len(), 3);
    assert!(sparse.findings.irregular.is_some());
}

#[test]
fn irregular_spacing_is_told_at_one_percent() {
    let stack = only(&axial(&[0.0, 2.5, 5.2, 7.5, 10.0]));
    assert_eq!(stack.geometry.spacing[2], 2.5);
    let told = stack.findings.irregular.unwrap();
    near(&[told.smallest, told.largest, told.deviation], &[2.3, 2.7, 0.2]);
    assert_eq!(
        only(&axial(&[0.0, 2.5, 5.024, 7.5, 10.0])).findings.irregular,
        None
    );
    assert!(
        only(&axial(&[0.0, 2.5, 5.027, 7.5, 10.0]))
            .findings
            .irregular
            .is_some()
    );
}

#[test]
fn duplicates_are_split_by_key_or_reported() {
    let mut planes = axial(&[0.0, 1.0, 2.0, 0.0, 1.0, 2.0, 0.0, 1.0]);
    let stack = only(&planes);
    assert_eq!(stack.planes, [Some(0), Some(1), Some(2)]);
    assert_eq!(
        stack.findings.duplicates,
        [(0, 3), (0, 6), (1, 4), (1, 7), (2, 5)]
    );
    for (k, plane) in planes.iter_mut().enumerate() {
        plane.key = Some(10 - k as i64 / 3);
    }
    let found = stacks(&planes, None).unwrap();
    let got: Vec<_> = found
        .iter()
        .map(|s| (s.key, s.planes.clone(), s.findings.incomplete))
        .collect();
    assert_eq!(
        got,
        [
            (Some(9), vec![Some(3), Some(4), Some(5)], false),
            (Some(10), vec![Some(0), Some(1), Some(2)], false),
            (Some(8), vec![Some(6), Some(7)], true),
        ]
    );
    // Keys that differ from slice to slice tell nothing apart.
    for (k, plane) in planes.iter_mut().enumerate() {
        plane.key = Some(k as i64);
    }
    assert_eq!(only(&planes).findings.duplicates.len(), 5);
}

#[test]
fn tilt_is_told_and_orientations_are_split() {
    let mut planes: Vec<Plane> = (0..5)
        .map(|k| plane([0.0, 0.3 * f64::from(k), 2.5 * f64::from(k)], AXIAL))
        .collect();
    let stack = only(&planes);
    let tilt = stack.findings.tilt.unwrap();
    near(&tilt.shear, &[0.0, 0.12]);
    near(&[tilt.largest, tilt.residual], &[1.2, 0.0]);
    assert_eq!(stack.geometry.spacing[2], 2.5);
    planes.push(plane([0.0; 3], [[0.0, 1.0, 0.0], [0.0, 0.0, -1.0]]));
    let found = stacks(&planes, Some(7.0)).unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!(found[1].planes, [Some(5)]);
    assert_eq!(found[1].geometry.spacing[2], 7.0);
    // Cosines within 0.01 are one orientation.
    planes[5] = plane(
        [0.0, 0.0, 12.5],
        [[0.999_95, 0.009, 0.0], [-0.009, 0.999_95, 0.0]],
    );
    assert_eq!(only(&planes).planes.len(), 6);
}

#[test]
fn planes_that_are_none_are_refused_by_name() {
    type Spoil = fn(&mut Plane);
    let spoil: [(&str, Spoil); 8] = [
        ("Image Position (Patient)", |p| p.position[1] = f64::NAN),
        ("Image Position (Patient)", |p| p.position[1] = f64::INFINITY),
        ("Pixel Spacing", |p| p.spacing[0] = 0.0),
        ("Pixel Spacing", |p| p.spacing[1] = f64::NAN),
        ("Rows or Columns", |p| p.size[1] = 0),
        ("Image Orientation (Patient)", |p| p.row = [0.5, 0.0, 0.0]),
        ("Image Orientation (Patient)", |p| p.column = [0.6, 0.8, 0.0]),
        ("Image Orientation (Patient)", |p| p.column[0] = f64::NAN),
    ];
    for (part, spoil) in spoil {
        let mut planes = axial(&[0.0, 1.0, 2.0]);
        spoil(&mut planes[1]);
        assert!(
            matches!(stacks(&planes, None), Err(Error::BadPlane { plane: 1, what, .. }) if what == part),
            "{part}"
        );
    }
    assert!(stacks(&axial(&[0.0]), Some(0.0)).is_err());
    assert_eq!(stacks(&[], None), Ok(vec![]));
}

/// Any order and any rigid orientation give back the grid that the slices were cut from.
#[test]
fn shuffled_slices_give_their_grid() {
    let mut random = crate::random::Random(7);
    for _ in 0..200 {
        let [row, column, normal] = random.axes();
        let spacing = 0.5 + 4.0 * random.unit();
        let origin: [f64; 3] = std::array::from_fn(|_| 300.0 * random.unit() - 150.0);
        let count = 2 + random.below(40);
        let mut order: Vec<usize> = (0..count).collect();
        random.shuffle(&mut order);
        let planes: Vec<Plane> = order
            .iter()
            .map(|&k| {
                let at = std::array::from_fn(|a| origin[a] + normal[a] * spacing * k as f64);
                plane(at, [row, column])
            })
            .collect();
        let stack = only(&planes);
        assert_eq!(stack.findings, Findings::default());
        assert_eq!(
            stack.planes.iter().map(|p| order[p.unwrap()]).collect::<Vec<_>>(),
            (0..count).collect::<Vec<_>>()
        );
        near(&stack.geometry.origin, &origin);
        near(&stack.geometry.spacing, &[0.9, 0.7, spacing]);
    }
}

#[test]
fn many_planes_are_stacked_and_many_orientations_are_refused() {
    let planes = axial(
        &(0..100_000)
            .map(|k| f64::from(k * 7919 % 100_000))
            .collect::<Vec<_>>(),
    );
    assert_eq!(only(&planes).planes.len(), 100_000);
    let mut planes = planes;
    for (k, p) in planes.iter_mut().enumerate() {
        let angle = k as f64 * 0.02;
        (p.row, p.column) = ([angle.cos(), angle.sin(), 0.0], [-angle.sin(), angle.cos(), 0.0]);
        p.size[0] += k / 300;
    }
    assert!(matches!(stacks(&planes, None), Err(Error::TooMany { .. })));
}
