//! IBSI's CT phantom from its DICOM files: slices to a grid, contours to the mask that IBSI published.
#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::disallowed_methods, reason = "the functions under test read no files")]

use radlake_kernels::Geometry;
use radlake_kernels::contours::{Findings, Tolerance, rasterise};
use radlake_kernels::planes::{Plane, stacks};

use crate::{dicom, support};

/// The grid of the CT, whose files come in the order of their names.
fn grid() -> Option<Geometry> {
    let folder = support::reference("ibsi/ct_phantom/dicom/image")?;
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|f| f.unwrap().path())
        .collect();
    files.sort();
    let planes: Vec<Plane> = files
        .iter()
        .map(|file| {
            let slice = dicom::read(file, &[]);
            let (cosines, spacing) = (slice.numbers(0x0020_0037), slice.numbers(0x0028_0030));
            Plane {
                position: slice.numbers(0x0020_0032).try_into().unwrap(),
                row: cosines[..3].try_into().unwrap(),
                column: cosines[3..].try_into().unwrap(),
                spacing: spacing.try_into().unwrap(),
                size: [slice.short(0x0028_0010), slice.short(0x0028_0011)],
                key: None,
            }
        })
        .collect();
    let mut found = stacks(&planes, None).unwrap();
    assert_eq!(found.len(), 1);
    let stack = found.remove(0);
    assert_eq!(stack.findings, radlake_kernels::planes::Findings::default());
    Some(stack.geometry)
}

/// As SimpleITK 2.5.7 prints it for the same folder.
#[test]
fn ct_phantom_has_simpleitks_grid() {
    let Some(grid) = grid() else { return };
    assert_eq!(grid.size, [204, 201, 60]);
    assert_eq!(
        grid.spacing,
        [0.97699999809265, 0.97699999809265, 2.9999999999998486]
    );
    assert_eq!(
        grid.origin,
        [-174.39450073242, -79.625503540039, -100.40000152587]
    );
    assert_eq!(grid.direction, [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
}

#[test]
fn ct_phantom_contours_give_the_published_mask() {
    let (Some(grid), Some(file), Some(labels)) = (
        grid(),
        support::reference("ibsi/ct_phantom/dicom/DCM_RS_00060.dcm"),
        support::reference("ibsi/ct_phantom/nifti/mask.nii.gz"),
    ) else {
        return;
    };
    let (rois, contours) = (0x3006_0039, 0x3006_0040);
    let set = dicom::read(&file, &[rois, contours]);
    let points: Vec<Vec<[f64; 3]>> = set.items(rois)[0]
        .items(contours)
        .iter()
        .map(|c| {
            assert_eq!(c.text(0x3006_0042), "CLOSED_PLANAR");
            let numbers = c.numbers(0x3006_0050);
            numbers.chunks_exact(3).map(|p| [p[0], p[1], p[2]]).collect()
        })
        .collect();
    assert_eq!(points.len(), 26);
    let start = std::time::Instant::now();
    let found = rasterise(&grid, &points, &Tolerance::default()).unwrap();
    println!("GTV-1: {:?}, {:?}", start.elapsed(), found.findings);
    let got = found.mask.unwrap().expand(&grid).unwrap();
    let wanted = support::mask(&support::nifti(&labels));
    let differ = got
        .voxels
        .iter()
        .zip(&wanted.voxels)
        .filter(|(a, b)| a != b)
        .count();
    println!("{} voxels, {differ} differ", got.count());
    assert_eq!((got.count(), differ), (125_256, 0));
    let findings = Findings {
        off_plane: found.findings.off_plane,
        ..Findings::default()
    };
    assert_eq!(found.findings, findings);
    assert!(findings.off_plane < 1e-4);
}
