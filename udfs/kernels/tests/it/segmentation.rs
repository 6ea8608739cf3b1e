//! Segmentations from their DICOM files: IBSI's contours give the mask that IBSI published, dcmqi's frames its label volume.
#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::disallowed_methods, reason = "the functions under test read no files")]

use radlake_kernels::Geometry;
use radlake_kernels::contours::{Findings, Tolerance, rasterise};
use radlake_kernels::placing::{self, Measures, Members, own_grid, place};
use radlake_kernels::planes::{Plane, stacks};

use crate::dicom::{self, Dataset};
use crate::support;

/// The grid of a folder of slices, which come in the order of their names.
fn grid(folder: &str) -> Option<Geometry> {
    let folder = support::reference(folder)?;
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|f| f.unwrap().path())
        .collect();
    files.sort();
    let planes: Vec<Plane> = files
        .iter()
        .map(|file| {
            let slice = dicom::read(file, &[]);
            plane(&slice, &slice, &slice, &slice)
        })
        .collect();
    let mut found = stacks(&planes, None).unwrap();
    assert_eq!(found.len(), 1);
    let stack = found.remove(0);
    assert_eq!(stack.findings, radlake_kernels::planes::Findings::default());
    Some(stack.geometry)
}

/// A plane from the data sets that hold its position, orientation, spacing and size.
fn plane(position: &Dataset, orientation: &Dataset, measures: &Dataset, image: &Dataset) -> Plane {
    let cosines = orientation.numbers(0x0020_0037);
    Plane {
        position: position.numbers(0x0020_0032).try_into().unwrap(),
        row: cosines[..3].try_into().unwrap(),
        column: cosines[3..].try_into().unwrap(),
        spacing: measures.numbers(0x0028_0030).try_into().unwrap(),
        size: [image.short(0x0028_0010), image.short(0x0028_0011)],
        key: None,
    }
}

/// As SimpleITK 2.5.7 prints it for the same folder.
#[test]
fn ct_phantom_has_simpleitks_grid() {
    let Some(grid) = grid("ibsi/ct_phantom/dicom/image") else {
        return;
    };
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
        grid("ibsi/ct_phantom/dicom/image"),
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

/// The bits of frames that are no whole bytes follow each other without padding (874 pixels a frame).
fn frame(bits: &[u8], at: usize, length: usize) -> Vec<u8> {
    (at * length..(at + 1) * length)
        .map(|k| bits[k / 8] >> (k % 8) & 1)
        .collect()
}

#[test]
fn segmentation_gives_the_label_volume() {
    let (Some(grid), Some(file), Some(labels)) = (
        grid("seg/dcmqi/24x38x3/image"),
        support::reference("seg/dcmqi/24x38x3/seg/label.seg"),
        support::reference("seg/dcmqi/24x38x3/nrrd/label.nrrd"),
    ) else {
        return;
    };
    let (shared, frames) = (0x5200_9229, 0x5200_9230);
    let (position, orientation, measures) = (0x0020_9113, 0x0020_9116, 0x0028_9110);
    let set = dicom::read(&file, &[shared, frames, position, orientation, measures]);
    let all = &set.items(shared)[0];
    let (orientation, measures) = (&all.items(orientation)[0], &all.items(measures)[0]);
    let planes: Vec<Plane> = set
        .items(frames)
        .iter()
        .map(|f| plane(&f.items(position)[0], orientation, measures, &set))
        .collect();
    let measures = Measures {
        between_slices: Some(measures.numbers(0x0018_0088)[0]),
        thickness: Some(measures.numbers(0x0018_0050)[0]),
    };
    let bits = set.bytes(0x7FE0_0010);
    let found = place(&grid, &planes, measures, |at, marks| {
        Members::NonZero.mark(&frame(bits, at, marks.len()), marks)
    })
    .unwrap();
    assert_eq!(found.findings, placing::Findings::default());
    let wanted = support::mask(&support::nrrd(&labels));
    assert!(wanted.count() > 0);
    let placed = found.mask.unwrap();
    assert_eq!(placed.expand(&grid).unwrap().voxels, wanted.voxels);
    let own = own_grid(&planes, measures).unwrap();
    assert_eq!((own.geometry.size, own.inferred), ([24, 38, 3], false));
    // The label volume's own header, whose numbers are written with other digits.
    assert_eq!(radlake_kernels::measures::dice(&placed.mask, &wanted), Ok(1.0));
}
