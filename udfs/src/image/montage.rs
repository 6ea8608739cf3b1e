//! `montage(roi, n [, window])`: slices of a region side by side.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryBuilder};
use arrow::datatypes::DataType;
use datafusion::common::exec_err;
use datafusion::error::Result;

use super::function::{Arguments, Declared};
use super::kind::Kind;
use super::png::Picture;
use super::render::{Window, areas, picture};
use super::roi::ImageView;
use crate::document::{Family, document};

/// Most slices.
const MOST: i64 = 100;
/// Pixels of a slice's longer side.
const SIDE: usize = 192;

pub(super) fn declared() -> Declared {
    Declared {
        name: "montage",
        kinds: &[Kind::Roi, Kind::Integer, Kind::Numbers],
        needed: 2,
        returns: DataType::Binary,
        run,
        documentation: document(
            Family::Image,
            "montage(roi, n, window)",
            "PNG of n slices of a region, evenly spaced from its first to its last, in rows of a grid as square as can be, with the outline \
             of the mask in yellow. The longer side of a slice has 192 pixels. A region of fewer slices shows each of them once; one whose \
             mask is empty those of its whole box.",
            &[
                ("roi", "A region: the column `roi` of imaging.regions."),
                ("n", "Number of slices, 1 to 100."),
                (
                    "window",
                    "Centre and width of the values from black to white. Left out or NULL: {40,400} of CT, else from the 1st to the 99th \
                     percentile of these slices.",
                ),
            ],
            "SELECT montage(roi, 9) FROM imaging.regions LIMIT 1;",
        ),
    }
}

/// The middles of `n` equal parts of the slices with voxels of the region.
fn slices(view: &ImageView, mask: &[u8], n: usize) -> Vec<usize> {
    let areas = areas(view, mask);
    let first = areas.iter().position(|&n| n > 0).unwrap_or(0);
    let last = areas.iter().rposition(|&n| n > 0).unwrap_or(areas.len() - 1);
    let count = last + 1 - first;
    let n = n.min(count);
    (0..n).map(|i| first + (2 * i + 1) * count / (2 * n)).collect()
}

/// Pictures of one size in rows of a grid; cells that are left over are black.
fn grid(pictures: &[Picture]) -> Option<Picture> {
    let one = pictures.first()?;
    let across = (1..).find(|across| across * across >= pictures.len())?;
    let down = pictures.len().div_ceil(across);
    let (length, width) = (one.width * one.channels, one.width * across);
    let mut samples = vec![0; length * across * one.height * down];
    for (at, picture) in pictures.iter().enumerate() {
        let (left, top) = (at % across * length, at / across * one.height);
        for (row, from) in picture.samples.chunks_exact(length).enumerate() {
            let start = (top + row) * length * across + left;
            samples[start..start + length].copy_from_slice(from);
        }
    }
    Some(Picture {
        width,
        height: one.height * down,
        channels: one.channels,
        samples,
    })
}

fn run(arguments: &Arguments) -> Result<ArrayRef> {
    let name = arguments.name;
    let mut out = BinaryBuilder::new();
    for row in arguments.rows() {
        let (view, n) = (arguments.image(0, row)?, arguments.integer(1, row));
        let (Some(view), Some(n)) = (&view, n) else {
            out.append_null();
            continue;
        };
        let count = match usize::try_from(n) {
            Ok(count) if (1..=MOST).contains(&n) => count,
            _ => return exec_err!("{name}: n must be within 1 and {MOST}, not {n}"),
        };
        let Some(mask) = view.mask() else {
            out.append_null();
            continue;
        };
        let slices = slices(view, mask, count);
        let window = match arguments.numbers(2, row)? {
            Some(window) => Window::new(name, window)?,
            None => Window::of(view, &slices),
        };
        let pictures: Vec<Picture> = slices.iter().map(|&z| picture(view, z, SIDE, window)).collect();
        let png = grid(&pictures).map(|grid| grid.png()).transpose()?;
        out.append_option(png);
    }
    Ok(Arc::new(out.finish()))
}

#[cfg(test)]
mod tests {
    use crate::image::png::tests::read;
    use crate::image::roi::{image_array, image_at};
    use crate::image::samples::{ball, column, empty};
    use crate::testing::{run, text};
    use arrow::array::{Array, AsArray};

    #[test]
    fn slices_through_the_region() {
        let array = image_array(vec![Some(ball()), Some(empty())], true).unwrap();
        let chosen = |row: usize, n: usize| {
            let view = image_at("montage", array.as_struct(), row).unwrap().unwrap();
            let mask = view.mask().unwrap().to_vec();
            super::slices(&view, &mask, n)
        };
        // The ball is in slices 2 to 4, the box has 0 to 6.
        assert_eq!(chosen(0, 1), [3]);
        assert_eq!(chosen(0, 2), [2, 4]);
        assert_eq!(chosen(0, 9), [2, 3, 4]);
        assert_eq!(chosen(1, 3), [1, 3, 5]);
    }

    #[test]
    fn a_grid() {
        let size = |n: usize| {
            let sql = format!("SELECT montage(a, {n}) FROM t");
            let answer = run(&sql, column(vec![Some(empty())])).unwrap();
            let found = read(answer.as_binary::<i32>().value(0));
            assert_eq!(found.channels, 3);
            [found.width, found.height]
        };
        // 9 × 8 mm: 192 × 171.
        assert_eq!(size(1), [192, 171]);
        assert_eq!(size(2), [384, 171]);
        assert_eq!(size(5), [576, 342]);
        assert_eq!(size(100), [576, 513]);
    }

    #[test]
    fn what_is_refused() {
        for (call, said) in [
            ("montage(a, 0)", "n must be within 1 and 100"),
            ("montage(a, 101)", "n must be within"),
            ("montage(a)", "No function matches"),
            ("montage(a, 1.5)", "No function matches"),
        ] {
            let error = run(&format!("SELECT {call} FROM t"), column(vec![Some(ball())])).unwrap_err();
            assert!(error.to_string().contains(said), "{call}: {error}");
        }
        let nothing = run("SELECT montage(a, 4) FROM t", column(vec![None])).unwrap();
        assert!(nothing.is_null(0));
        assert_eq!(text("montage(NULL, 4) IS NULL").as_deref(), Some("true"));
    }
}
