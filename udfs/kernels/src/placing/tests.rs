//! Frames cut out of random masks must give these masks back, whichever way they were cut.

use super::*;
use crate::mask::Mask;
use crate::random::Random;

fn grid(random: &mut Random) -> Geometry {
    let axes = random.axes();
    Geometry {
        size: [7, 5, 6],
        spacing: [0.7, 1.1, 2.5],
        origin: [-50.0, 20.0, 9.0],
        direction: std::array::from_fn(|k| axes[k % 3][k / 3]),
    }
}

fn random_mask(random: &mut Random, grid: &Geometry) -> Mask {
    Mask::new(
        grid.clone(),
        (0..grid.len()).map(|_| random.below(4) == 0).collect(),
    )
    .unwrap()
}

/// A frame with columns along `axes[0]`, rows along `axes[1]` (each with a sign) at `slice` of the third axis; its first
/// pixel is the voxel `start` along the two. Pixels outside the grid are inside the segment if `beyond`.
pub(super) fn cut(
    mask: &Mask,
    axes: [(usize, i64); 2],
    slice: i64,
    start: [i64; 2],
    size: [usize; 2],
    beyond: bool,
) -> (Plane, Vec<bool>) {
    let grid = &mask.geometry;
    let normal = 3 - axes[0].0 - axes[1].0;
    let voxel = |c: usize, r: usize| {
        let mut v = [0i64; 3];
        v[normal] = slice;
        v[axes[0].0] = start[0] + axes[0].1 * c as i64;
        v[axes[1].0] = start[1] + axes[1].1 * r as i64;
        v
    };
    let cosines =
        |(axis, sign): (usize, i64)| std::array::from_fn(|k| grid.direction[3 * k + axis] * sign as f64);
    let plane = Plane {
        position: grid.physical(voxel(0, 0).map(|v| v as f64)),
        row: cosines(axes[0]),
        column: cosines(axes[1]),
        spacing: [grid.spacing[axes[1].0], grid.spacing[axes[0].0]],
        size,
        key: None,
    };
    let pixels = (0..size[0] * size[1])
        .map(|k| {
            let v = voxel(k % size[1], k / size[1]);
            if (0..3).any(|k| v[k] < 0 || v[k] >= grid.size[k] as i64) {
                return beyond;
            }
            let [x, y, z] = v.map(|v| v as usize);
            mask.voxels[x + grid.size[0] * (y + grid.size[1] * z)]
        })
        .collect();
    (plane, pixels)
}

fn run(grid: &Geometry, frames: &[(Plane, Vec<bool>)], measures: Measures) -> Placing {
    let planes: Vec<Plane> = frames.iter().map(|f| f.0.clone()).collect();
    place(grid, &planes, measures, |at, pixels| {
        pixels.copy_from_slice(&frames[at].1);
        Ok(())
    })
    .unwrap()
}

fn voxels(placing: &Placing, grid: &Geometry) -> Vec<bool> {
    placing
        .mask
        .as_ref()
        .map_or_else(|| vec![false; grid.len()], |m| m.expand(grid).unwrap().voxels)
}

/// Flipped, transposed, on any axis, in any order, without the empty frames.
#[test]
fn frames_come_back_whichever_way_round() {
    let mut random = Random(3);
    for turn in 0..120 {
        let grid = grid(&mut random);
        let mask = random_mask(&mut random, &grid);
        let columns = turn % 3;
        let rows = (columns + 1 + random.below(2)) % 3;
        let axes = [columns, rows].map(|a| (a, if random.below(2) == 0 { 1 } else { -1 }));
        let start = axes.map(|(a, sign)| if sign > 0 { 0 } else { grid.size[a] as i64 - 1 });
        let normal = 3 - columns - rows;
        let mut frames: Vec<_> = (0..grid.size[normal] as i64)
            .map(|k| {
                cut(
                    &mask,
                    axes,
                    k,
                    start,
                    [grid.size[rows], grid.size[columns]],
                    false,
                )
            })
            .collect();
        frames.retain(|f| f.1.contains(&true));
        random.shuffle(&mut frames);
        let found = run(&grid, &frames, Measures::default());
        assert_eq!(found.findings, Findings::default());
        assert_eq!(voxels(&found, &grid), mask.voxels);
        // The box is tight, and lies where it says.
        assert_eq!(found.mask, PlacedMask::new(&mask));
    }
}

#[test]
fn parts_of_slices_and_what_is_outside() {
    let mut random = Random(5);
    let grid = grid(&mut random);
    let mask = Mask::new(grid.clone(), vec![true; grid.len()]).unwrap();
    let axes = [(0, 1), (1, 1)];
    let frames = [
        cut(&mask, axes, 2, [1, 2], [2, 3], true),
        cut(&mask, axes, 3, [-1, 3], [4, 3], true),
        cut(&mask, axes, 9, [0, 0], [2, 2], true),
        cut(&mask, axes, 2, [1, 2], [2, 3], true),
    ];
    let found = run(&grid, &frames, Measures::default());
    let expected = Findings {
        clipped: vec![1],
        outside: vec![2],
        voxels_outside: 12 - 4 + 4,
        repeated: vec![(0, 3)],
        ..Findings::default()
    };
    assert_eq!(found.findings, expected);
    assert_eq!(voxels(&found, &grid).iter().filter(|v| **v).count(), 6 + 4);
    // OR, not the last one.
    let mut other = frames[0].clone();
    other.1.fill(false);
    let both = run(&grid, &[frames[0].clone(), other], Measures::default());
    assert_eq!(both.mask.unwrap().mask.count(), 6);
    assert_eq!(run(&grid, &[], Measures::default()).mask, None);
}

/// Frames twice as fine as the source, and half-voxel shifted ones: each source voxel has the nearest frame pixel.
#[test]
fn other_grids_are_resampled() {
    let mut random = Random(9);
    for (start, size) in [
        ([0.0, -0.25, 0.25], [14, 10, 12]),
        ([0.3, -0.25, 0.25], [14, 10, 12]),
        ([2.3, 1.75, 2.25], [6, 4, 5]),
    ] {
        let source = grid(&mut random);
        let fine = Geometry {
            size,
            spacing: source.spacing.map(|v| v / 2.0),
            origin: source.physical(start),
            ..source.clone()
        };
        let mask = random_mask(&mut random, &fine);
        let frames: Vec<_> = (0..size[2] as i64)
            .map(|k| cut(&mask, [(0, 1), (1, 1)], k, [0, 0], [size[1], size[0]], false))
            .collect();
        let found = run(&source, &frames, Measures::default());
        assert!(found.findings.resampled && found.findings.inferred_spacing);
        let expected: Vec<bool> = (0..source.len())
            .map(|k| {
                let voxel = [k % 7, k / 7 % 5, k / 35].map(|v| v as f64);
                let at = fine
                    .index(source.physical(voxel))
                    .unwrap()
                    .map(|v| (v + 0.5 + 1e-9).floor());
                let inside = (0..3).all(|k| at[k] >= 0.0 && at[k] < fine.size[k] as f64);
                inside && {
                    let [x, y, z] = at.map(|v| v as usize);
                    mask.voxels[x + size[0] * (y + size[1] * z)]
                }
            })
            .collect();
        assert!(expected.contains(&true));
        assert_eq!(voxels(&found, &source), expected);
        let placed = found.mask.unwrap();
        assert_eq!(
            placed.mask.geometry.origin,
            source.physical(placed.low.map(|v| v as f64))
        );
    }
}

/// Frames at every second slice that say they are two slices apart fill those between; without that they are copied. The
/// last slice's centre is half-way out of the last frame: it is out.
#[test]
fn thick_frames_fill_the_slices_between() {
    let source = Geometry::new([4, 4, 6], [1.0, 1.0, 2.0]).unwrap();
    let mask = Mask::new(source.clone(), vec![true; 96]).unwrap();
    let frames: Vec<_> = [0, 2, 4]
        .map(|k| cut(&mask, [(0, 1), (1, 1)], k, [0, 0], [4, 4], true))
        .into();
    let thick = Measures {
        between_slices: Some(4.0),
        thickness: None,
    };
    assert_eq!(
        voxels(&run(&source, &frames, thick), &source)
            .iter()
            .filter(|v| **v)
            .count(),
        80
    );
    assert_eq!(
        run(&source, &frames, Measures::default())
            .mask
            .unwrap()
            .mask
            .count(),
        48
    );
    // A claim that the positions belie.
    let wrong = Measures {
        between_slices: Some(3.0),
        thickness: None,
    };
    let found = run(&source, &frames, wrong);
    assert!(!found.findings.resampled);
    // Far away.
    let far = Geometry {
        origin: [500.0, 0.3, 0.0],
        ..source
    };
    let found = run(&far, &frames, Measures::default());
    assert_eq!((found.mask, found.findings.outside), (None, vec![0, 1, 2]));
    assert!(found.findings.resampled);
    // A tenth of a millimetre is the same voxel; a quarter of a small one at most.
    for (spacing, shift, resampled) in [
        (1.0, 0.09, false),
        (1.0, 0.11, true),
        (0.2, 0.045, false),
        (0.2, 0.055, true),
    ] {
        let source = Geometry::new([4, 4, 6], [spacing, spacing, 2.0]).unwrap();
        let mask = Mask::new(source.clone(), vec![true; 96]).unwrap();
        let mut frame = cut(&mask, [(0, 1), (1, 1)], 2, [0, 0], [4, 4], true);
        frame.0.position[0] += shift;
        assert_eq!(
            run(&source, &[frame], Measures::default()).findings.resampled,
            resampled
        );
    }
}

#[test]
fn hostile_frames_are_refused() {
    let source = Geometry::new([4, 4, 6], [1.0, 1.0, 2.0]).unwrap();
    let mask = Mask::new(source.clone(), vec![true; 96]).unwrap();
    let good = cut(&mask, [(0, 1), (1, 1)], 0, [0, 0], [4, 4], true).0;
    let place_with = |source: &Geometry, spoil: fn(&mut Plane)| {
        let mut planes = [good.clone(), good.clone()];
        spoil(&mut planes[1]);
        place(source, &planes, Measures::default(), |_, _| Ok(()))
    };
    // A terabyte for the pixels of one frame.
    assert!(matches!(
        place_with(&source, |p| p.size = [1 << 20; 2]),
        Err(Error::BadSize { .. })
    ));
    assert!(matches!(
        place_with(&source, |p| p.position[2] = f64::NAN),
        Err(Error::BadPlane { plane: 1, .. })
    ));
    assert!(matches!(
        place_with(&source, |p| p.row = [0.0; 3]),
        Err(Error::BadPlane { plane: 1, .. })
    ));
    // Two orientations of which one is not the grid's.
    assert!(matches!(
        place_with(&source, |p| (p.row, p.column) =
            ([0.8, 0.6, 0.0], [-0.6, 0.8, 0.0])),
        Err(Error::NoGrid { .. })
    ));
    let mut none = source.clone();
    none.size[0] = 0;
    assert!(matches!(place_with(&none, |_| ()), Err(Error::BadSize { .. })));
    let refused = place(&source, &[good], Measures::default(), |_, _| {
        Err(Error::EmptyMask)
    });
    assert_eq!(refused, Err(Error::EmptyMask));
}
