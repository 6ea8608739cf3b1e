//! Streams of other encoders give the images that they were made of, and nothing where the data set says otherwise.

#[cfg(test)]
mod common;
#[cfg(test)]
mod hostile;

use common::{element, layout, streams};
use radlake_pixels::{Encoding, Layout, Limits, Photometric, PixelData, PixelError, Samples, decode_frame};

#[test]
fn images_come_back() {
    for stream in streams() {
        let value = element(&stream.bytes);
        let data = PixelData::encapsulated(&value).unwrap();
        let frame = decode_frame(&data, &stream.layout, stream.encoding, 0, &Limits::default())
            .unwrap_or_else(|error| panic!("{}: {error}", stream.name));
        let (got, expected) = (frame.samples.to_f64(), stream.image());
        assert_eq!(got.len(), expected.len());
        for (i, (got, expected)) in got.into_iter().zip(expected).enumerate() {
            let off = (got as i64 - expected).abs();
            assert!(
                off <= stream.off,
                "{}: sample {i} is {got}, not {expected}",
                stream.name
            );
        }
        if stream.layout.samples_per_pixel == 3 {
            assert_eq!(frame.photometric, Photometric::Rgb, "{}", stream.name);
        }
    }
}

#[test]
fn streams_that_contradict_the_data_set() {
    for stream in streams() {
        let value = element(&stream.bytes);
        let data = PixelData::encapsulated(&value).unwrap();
        let channels = 4 - stream.layout.samples_per_pixel;
        for wrong in [
            Layout {
                rows: 13,
                ..stream.layout.clone()
            },
            Layout {
                columns: 15,
                ..stream.layout.clone()
            },
            Layout {
                samples_per_pixel: channels,
                photometric: Photometric::Other,
                ..stream.layout.clone()
            },
        ] {
            let result = decode_frame(&data, &wrong, stream.encoding, 0, &Limits::default());
            assert!(
                matches!(result, Err(PixelError::Mismatch { .. })),
                "{}: {result:?}",
                stream.name
            );
        }
        if stream.layout.bits_stored > 8 {
            let narrow = Layout {
                bits_allocated: 8,
                bits_stored: 8,
                high_bit: 7,
                ..stream.layout.clone()
            };
            let result = decode_frame(&data, &narrow, stream.encoding, 0, &Limits::default());
            assert!(
                matches!(result, Err(PixelError::Mismatch { .. })),
                "{}: {result:?}",
                stream.name
            );
        }
    }
}

#[test]
fn forms_and_kinds_that_do_not_go_together() {
    let eight = layout(8, 1);
    let limits = Limits::default();
    let native = PixelData::native(&[0; 192]);
    for encoding in [Encoding::Rle, Encoding::Jpeg, Encoding::EncapsulatedUncompressed] {
        let result = decode_frame(&native, &eight, encoding, 0, &limits);
        assert!(matches!(result, Err(PixelError::WrongForm { .. })), "{result:?}");
    }
    let value = element(&[7; 192]);
    let items = PixelData::encapsulated(&value).unwrap();
    let result = decode_frame(&items, &eight, Encoding::NativeLittle, 0, &limits);
    assert!(matches!(result, Err(PixelError::WrongForm { .. })), "{result:?}");
    let result = decode_frame(&items, &eight, Encoding::EncapsulatedUncompressed, 1, &limits);
    assert!(
        matches!(result, Err(PixelError::NoSuchFrame { .. })),
        "{result:?}"
    );
    let frame = decode_frame(&items, &eight, Encoding::EncapsulatedUncompressed, 0, &limits).unwrap();
    assert_eq!(frame.samples, Samples::U8(vec![7; 192]));
}
