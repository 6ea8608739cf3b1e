//! `thumbnail(image, size [, window])`: a small picture of a region or a volume.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryBuilder};
use arrow::datatypes::DataType;
use datafusion::common::exec_err;
use datafusion::error::Result;

use super::function::{Arguments, Declared};
use super::kind::Kind;
use super::render::{Window, areas, picture};
use super::roi::ImageView;
use crate::document::{Family, document};

/// Pixels of the longer side.
const SIZES: std::ops::RangeInclusive<i64> = 16..=2048;

pub(super) fn declared() -> Declared {
    Declared {
        name: "thumbnail",
        kinds: &[Kind::Image, Kind::Integer, Kind::Numbers],
        needed: 2,
        returns: DataType::Binary,
        run,
        documentation: document(
            Family::Image,
            "thumbnail(image, size, window)",
            "PNG of the slice of a region that has most of its voxels, with the outline of the mask in yellow, or of a volume's middle slice, \
             in grey of eight bits. Slices are shown as stored, first row on top, and as wide and high as they are in mm. The same value \
             gives the same bytes.",
            &[
                ("image", "A region or a volume."),
                ("size", "Pixels of the longer side, 16 to 2048."),
                (
                    "window",
                    "Centre and width of the values from black to white. Left out or NULL: {40,400} of CT, else from the 1st to the 99th \
                     percentile of the slice.",
                ),
            ],
            "SELECT thumbnail(roi, 256, ARRAY[-600, 1500]) FROM imaging.regions LIMIT 1;",
        ),
    }
}

/// The first slice with the most voxels of the region; the middle one without a mask, or of one that is empty.
fn most(view: &ImageView) -> usize {
    let areas = view.mask().map(|mask| areas(view, mask)).unwrap_or_default();
    let largest = areas.iter().copied().max().filter(|&n| n > 0);
    let first = largest.and_then(|largest| areas.iter().position(|&n| n == largest));
    first.unwrap_or(view.geometry.size[2] / 2)
}

fn run(arguments: &Arguments) -> Result<ArrayRef> {
    let name = arguments.name;
    let mut out = BinaryBuilder::new();
    for row in arguments.rows() {
        let (Some(view), Some(size)) = (arguments.image(0, row)?, arguments.integer(1, row)) else {
            out.append_null();
            continue;
        };
        let longest = match usize::try_from(size) {
            Ok(longest) if SIZES.contains(&size) => longest,
            _ => return exec_err!("{name}: size must be within 16 and 2048, not {size}"),
        };
        let slice = most(&view);
        let window = match arguments.numbers(2, row)? {
            Some(window) => Window::new(name, window)?,
            None => Window::of(&view, &[slice]),
        };
        out.append_value(picture(&view, slice, longest, window).png()?);
    }
    Ok(Arc::new(out.finish()))
}

#[cfg(test)]
mod tests {
    use crate::image::png::Picture;
    use crate::image::png::tests::read;
    use crate::image::roi::ImageValue;
    use crate::image::samples::{ball, column, empty, volumes};
    use crate::testing::{run, text};
    use arrow::array::{Array, ArrayRef, AsArray};

    fn picture(sql: &str, columns: Vec<ArrayRef>) -> Picture {
        let answer = run(sql, columns).unwrap();
        read(answer.as_binary::<i32>().value(0))
    }

    #[test]
    fn a_region_has_its_outline() {
        // Slice 3 of 0 to 6; 9 × 8 mm of pixels of 1 mm.
        let found = picture("SELECT thumbnail(a, 18) FROM t", column(vec![Some(ball())]));
        assert_eq!((found.width, found.height, found.channels), (18, 16, 3));
        let at = |x: usize, y: usize| &found.samples[3 * (x + 18 * y)..][..3];
        let yellow = [255, 214, 0];
        let outline = found.samples.chunks(3).filter(|p| *p == yellow).count();
        // Radius √10 at 4, 4: from 1 to 7, which is from 2 to 15 of the picture.
        assert_eq!(
            (at(2, 8), at(15, 8), at(8, 2)),
            (&yellow[..], &yellow[..], &yellow[..])
        );
        assert!(at(8, 8) != yellow && at(0, 0) != yellow, "{outline}");
        assert!((30..70).contains(&outline), "{outline}");
        // Every value of the slice is between 216 and 287, from 240 on white.
        assert_eq!(at(17, 15), [255; 3]);
        assert_eq!(
            at(0, 0),
            [((216.0 - 40.0) / 400.0_f64 * 255.0 + 127.5).round() as u8; 3]
        );
    }

    #[test]
    fn a_volume_is_grey() {
        let mut image = ball();
        image.geometry.spacing = [1.0, 2.0, 1.0];
        image.modality = Some("MR".to_owned());
        image.units = None;
        let found = picture(
            "SELECT thumbnail(a, 32) FROM t",
            volumes(vec![Some(image.clone())]),
        );
        assert_eq!((found.width, found.height, found.channels), (18, 32, 1));
        let first = (found.samples[0], found.samples[found.samples.len() - 1]);
        assert_eq!(first, (0, 255));
        let window = "SELECT thumbnail(a, 32, ARRAY[251, 1000]) FROM t";
        let found = picture(window, volumes(vec![Some(image.clone())]));
        assert!(found.samples.iter().all(|level| (110..145).contains(level)));
        let same = |image: &ImageValue| {
            let answer = run(
                "SELECT thumbnail(a, 100) FROM t",
                volumes(vec![Some(image.clone())]),
            );
            answer.unwrap().as_binary::<i32>().value(0).to_vec()
        };
        assert_eq!(same(&image), same(&image));
    }

    #[test]
    fn values_that_are_none() {
        let mut hollow = empty();
        hollow.modality = None;
        hollow.units = None;
        hollow.voxels.fill(f32::NAN);
        let found = picture(
            "SELECT thumbnail(a, 16) FROM t",
            column(vec![Some(hollow.clone())]),
        );
        assert!(found.samples.iter().all(|&level| level == 0));
        hollow.voxels.fill(7.0);
        let found = picture("SELECT thumbnail(a, 16) FROM t", column(vec![Some(hollow)]));
        assert!(found.samples.iter().all(|&level| level == 128));
        // A thousand times as high as wide.
        let mut thin = ball();
        thin.geometry.spacing = [1e-6, 1e3, 1.0];
        let found = picture("SELECT thumbnail(a, 16) FROM t", column(vec![Some(thin)]));
        assert_eq!((found.width, found.height), (1, 16));
    }

    #[test]
    fn what_is_refused() {
        for (call, said) in [
            ("thumbnail(a, 15)", "size must be within"),
            ("thumbnail(a, 2049)", "size must be within"),
            ("thumbnail(a, -9223372036854775808)", "size must be within"),
            ("thumbnail(a, 64, ARRAY[40])", "array of 2 numbers"),
            ("thumbnail(a, 64, ARRAY[40, NULL])", "array of 2 numbers"),
            ("thumbnail(a, 64, ARRAY[40, 0])", "window"),
            ("thumbnail(a, 64, 40)", "No function matches"),
            ("thumbnail(a)", "No function matches"),
        ] {
            let error = run(&format!("SELECT {call} FROM t"), column(vec![Some(ball())])).unwrap_err();
            assert!(error.to_string().contains(said), "{call}: {error}");
        }
        let nothing = run("SELECT thumbnail(a, 64) FROM t", column(vec![None])).unwrap();
        assert!(nothing.is_null(0));
        assert_eq!(text("thumbnail(NULL, 64) IS NULL").as_deref(), Some("true"));
    }
}
