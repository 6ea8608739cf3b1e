//! From planes to pixels: components of lower resolution are interpolated.

use super::Plane;
use super::header::Frame;

/// The samples of each pixel side by side.
pub(super) fn interleave(frame: &Frame, planes: &[Plane]) -> Vec<u32> {
    let (width, height, channels) = (frame.width, frame.height, planes.len());
    let mut out = vec![0; width * height * channels];
    for (channel, (plane, component)) in planes.iter().zip(&frame.components).enumerate() {
        let (columns, rows) = frame.size(component);
        let x = Axis::new(component.h, frame.h_max, columns);
        let y = Axis::new(component.v, frame.v_max, rows);
        let whole = component.h == frame.h_max && component.v == frame.v_max;
        for row in 0..height {
            let places = out[row * width * channels..][..width * channels].iter_mut();
            let places = places.skip(channel).step_by(channels);
            if whole {
                for (place, &value) in places.zip(&plane.samples[row * plane.width..]) {
                    *place = value.into();
                }
                continue;
            }
            let (top, bottom, down) = y.at(row);
            let (top, bottom) = (
                &plane.samples[top * plane.width..],
                &plane.samples[bottom * plane.width..],
            );
            for (column, place) in places.enumerate() {
                let (left, right, across) = x.at(column);
                let mix = |line: &[u16]| {
                    (x.whole - across) * u32::from(line[left]) + across * u32::from(line[right])
                };
                let sum = (y.whole - down) * mix(top) + down * mix(bottom);
                *place = (sum + x.whole * y.whole / 2) / (x.whole * y.whole);
            }
        }
    }
    out
}

/// Linear interpolation along one axis, samples centred in the area that they stand for (T.81 A.1.1, as JFIF has it).
struct Axis {
    own: usize,
    most: usize,
    size: usize,
    /// Weight of one sample alone.
    whole: u32,
}

impl Axis {
    fn new(own: usize, most: usize, size: usize) -> Self {
        Self {
            own,
            most,
            size,
            whole: 2 * most as u32,
        }
    }

    /// The samples before and after a place at full resolution, and the weight of the latter.
    fn at(&self, place: usize) -> (usize, usize, u32) {
        // In units of 1 / (2 most) of a sample: the centre of the place less half a sample.
        let centre = ((2 * place + 1) * self.own).saturating_sub(self.most);
        let before = (centre / (2 * self.most)).min(self.size - 1);
        (
            before,
            (before + 1).min(self.size - 1),
            (centre % (2 * self.most)) as u32,
        )
    }
}
