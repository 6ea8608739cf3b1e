use super::*;

const AXIAL: [f64; 6] = [1., 0., 0., 0., 1., 0.];

fn stack(orientation: [f64; 6], depths: impl IntoIterator<Item = f64>) -> Vec<Plane> {
    let n = normal(&orientation).unwrap();
    depths
        .into_iter()
        .map(|d| Plane {
            position: std::array::from_fn(|i| [-180., -170., 30.][i] + d * n[i]),
            orientation,
        })
        .collect()
}

fn every(spacing: f64, n: usize) -> impl Iterator<Item = f64> {
    (0..n).map(move |i| spacing * i as f64)
}

#[test]
fn uniform_stack_is_a_volume() {
    for spacing in [0.625, 1.0 / 3.0, 5.0] {
        let g = geometry(&stack(AXIAL, every(spacing, 120)));
        assert_eq!(
            (
                g.planes,
                g.positions,
                g.orientations,
                g.gaps,
                g.duplicate_positions
            ),
            (120, 120, 1, 0, 0)
        );
        assert_eq!(g.slice_spacing, Some((spacing * 1e6).round() / 1e6));
        assert_eq!(g.orientation, Some(Anatomical::Axial));
        assert!(g.is_regular());
    }
}

#[test]
fn order_does_not_matter() {
    let mut planes = stack(AXIAL, every(2.5, 40));
    planes.extend(stack([0., 1., 0., 0., 0., -1.], every(10., 2)));
    planes.extend(stack(AXIAL, [5.0, 7.5]));
    let expected = geometry(&planes);
    for step in [3, 7, 13] {
        let n = planes.len();
        let shuffled: Vec<Plane> = (0..n).map(|i| planes[i * step % n]).collect();
        assert_eq!(geometry(&shuffled), expected);
    }
}

#[test]
fn a_gap_is_counted_and_does_not_move_the_spacing() {
    let depths = every(2.0, 30).filter(|d| !(20.0..26.0).contains(d) && *d != 40.0);
    let g = geometry(&stack(AXIAL, depths));
    assert_eq!(
        (g.slice_spacing, g.gaps, g.missing_slices, g.uniform),
        (Some(2.0), 2, 4, Some(false))
    );
    assert_eq!(g.spacing_range, Some((2.0, 8.0)));
    assert!(!g.is_regular());
}

#[test]
fn jitter_within_a_percent_is_uniform_beyond_is_not() {
    let jittered = |mm: f64| {
        geometry(&stack(
            AXIAL,
            every(3.0, 21).map(|d| d + if d % 2.0 == 0.0 { mm } else { -mm }),
        ))
    };
    assert_eq!(jittered(0.007).uniform, Some(true));
    assert_eq!(jittered(0.007).slice_spacing, Some(3.0));
    let rough = jittered(0.2);
    assert_eq!((rough.uniform, rough.gaps), (Some(false), 0));
    assert_eq!(rough.spacing_range, Some((2.6, 3.4)));
}

#[test]
fn oblique_stacks_are_measured_along_their_own_normal() {
    let (sin, cos) = 40f64.to_radians().sin_cos();
    let g = geometry(&stack([1., 0., 0., 0., cos, -sin], every(3.3, 20)));
    assert_eq!(
        (g.orientation, g.slice_spacing),
        (Some(Anatomical::Oblique), Some(3.3))
    );
    assert_eq!(g.obliquity_degrees, Some(40.0));
    assert!(g.is_regular());
}

#[test]
fn a_sheared_stack_is_no_volume() {
    // A tilted gantry: positions step along z, normals do not.
    let (sin, cos) = 15f64.to_radians().sin_cos();
    let orientation = [1., 0., 0., 0., cos, sin];
    let planes: Vec<Plane> = every(5.0, 10)
        .map(|z| Plane {
            position: [0., 0., z],
            orientation,
        })
        .collect();
    let g = geometry(&planes);
    assert_eq!(g.uniform, Some(true));
    assert_eq!(g.slice_spacing, Some(4.829629));
    assert!(!g.aligned && !g.is_regular());
}

#[test]
fn duplicates_are_counted_once_per_position() {
    let mut planes = stack(AXIAL, every(1.0, 10));
    planes.extend(stack(AXIAL, [3.0, 3.001, 7.0]));
    let g = geometry(&planes);
    assert_eq!((g.planes, g.positions, g.duplicate_positions), (13, 10, 3));
    assert_eq!(
        (g.slice_spacing, g.uniform, g.is_regular()),
        (Some(1.0), Some(true), false)
    );
}

#[test]
fn localizers_do_not_spoil_the_main_stack() {
    let mut planes = stack([0., 1., 0., 0., 0., -1.], every(50.0, 2));
    planes.extend(stack([1., 0., 0., 0., 0., -1.], [0.0]));
    planes.extend(stack(AXIAL, every(1.25, 64)));
    let g = geometry(&planes);
    assert_eq!((g.orientations, g.planes, g.positions), (3, 67, 64));
    assert_eq!(
        (g.orientation, g.slice_spacing),
        (Some(Anatomical::Axial), Some(1.25))
    );
    assert!(!g.is_regular());
}

#[test]
fn rounding_of_cosines_is_one_orientation() {
    let mut planes = stack(AXIAL, every(1.0, 5));
    planes.extend(stack(
        [0.9999, 0.004, 0., -0.004, 0.9999, 0.],
        every(1.0, 5).map(|d| d + 5.0),
    ));
    assert_eq!(geometry(&planes).orientations, 1);
}

#[test]
fn what_is_not_a_number_is_left_out() {
    let mut planes = stack(AXIAL, every(1.0, 4));
    planes.push(Plane {
        position: [0., f64::NAN, 0.],
        orientation: AXIAL,
    });
    planes.push(Plane {
        position: [0., f64::INFINITY, 0.],
        orientation: AXIAL,
    });
    planes.push(Plane {
        position: [0.; 3],
        orientation: [0.; 6],
    });
    assert_eq!(geometry(&planes).planes, 4);
    assert_eq!(geometry(&planes[4..]), Geometry::default());
    assert_eq!(geometry(&[]), Geometry::default());
    let single = geometry(&planes[..1]);
    assert_eq!(
        (single.positions, single.slice_spacing, single.uniform),
        (1, None, None)
    );
}

#[test]
fn hostile_positions_stay_finite_in_effort() {
    let g = geometry(&stack(AXIAL, [0.0, 1.0, 2.0, 1e300, -1e300]));
    assert_eq!(g.positions, 5);
    assert!(g.missing_slices > 0 && !g.is_regular());
    let same = geometry(&stack(AXIAL, [0.0; 50]));
    assert_eq!((same.positions, same.duplicate_positions), (1, 49));
}
