//! Planes of the frames of an enhanced multi-frame instance, from its functional groups in `dataset` (DICOM JSON), and of a dose.

use serde::Deserialize;

use radlake_kernels::orientation::normal;

use super::geometry::{Plane, SAME_POSITION};

/// The parts of a data set that place its frames; everything else is passed over without being built.
#[derive(Deserialize)]
struct Groups {
    #[serde(rename = "52009229", default)]
    shared: Sequence<Group>,
    #[serde(rename = "52009230", default)]
    per_frame: Sequence<Group>,
}

#[derive(Deserialize, Default)]
struct Group {
    #[serde(rename = "00209116", default)]
    orientation: Sequence<Orientation>,
    #[serde(rename = "00209113", default)]
    position: Sequence<Position>,
}

#[derive(Deserialize)]
struct Orientation {
    #[serde(rename = "00200037")]
    value: Option<Numbers>,
}

#[derive(Deserialize)]
struct Position {
    #[serde(rename = "00200032")]
    value: Option<Numbers>,
}

#[derive(Deserialize)]
struct Sequence<T> {
    #[serde(rename = "Value", default = "Vec::new")]
    items: Vec<T>,
}

impl<T> Default for Sequence<T> {
    fn default() -> Self {
        Self { items: Vec::new() }
    }
}

/// DS values: numbers, or texts where the number was not one that JSON can hold as written.
#[derive(Deserialize)]
struct Numbers {
    #[serde(rename = "Value", default)]
    values: Vec<Number>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Parsed(f64),
    Text(String),
    Other(serde::de::IgnoredAny),
}

impl Numbers {
    fn array<const N: usize>(&self) -> Option<[f64; N]> {
        if self.values.len() != N {
            return None;
        }
        let mut out = [f64::NAN; N];
        for (to, from) in out.iter_mut().zip(&self.values) {
            *to = match from {
                Number::Parsed(v) => *v,
                Number::Text(text) => text.trim().parse().ok()?,
                Number::Other(_) => return None,
            };
        }
        Some(out)
    }
}

fn orientation(group: &Group) -> Option<[f64; 6]> {
    group.orientation.items.first()?.value.as_ref()?.array()
}

fn position(group: &Group) -> Option<[f64; 3]> {
    group.position.items.first()?.value.as_ref()?.array()
}

/// A plane for each frame that has a position and, itself or shared, an orientation. Nothing where the text is no JSON.
///
/// Frames of a segmentation that lie at one position (one per segment) are one plane: the same place is not a slice
/// that came twice.
pub(crate) fn planes(dataset: &str) -> Vec<Plane> {
    let Ok(groups) = serde_json::from_str::<Groups>(dataset) else {
        return Vec::new();
    };
    let shared = groups.shared.items.first();
    let shared_orientation = shared.and_then(orientation);
    let shared_position = shared.and_then(position);
    let frame = |group: &Group| {
        Some(Plane {
            position: position(group).or(shared_position)?,
            orientation: orientation(group).or(shared_orientation)?,
        })
    };
    let mut planes: Vec<Plane> = groups.per_frame.items.iter().filter_map(frame).collect();
    // Segment Sequence: the data set is a segmentation.
    if dataset.contains("\"00620002\"") {
        let key = |p: &Plane| p.position.map(f64::to_bits);
        planes.sort_by_key(key);
        planes.dedup_by_key(|p| key(p));
    }
    planes
}

/// The planes of an RT Dose from its first and its Grid Frame Offset Vector (PS3.3 §C.8.8.3.2): offsets along the normal that start
/// at zero, or places on the patient's axis of the first plane and those behind it, which only axial planes have. Nothing where the
/// vector is neither.
pub(crate) fn dose_planes(first: &Plane, offsets: &[f64]) -> Vec<Plane> {
    let (Some(start), Some(n)) = (offsets.first(), normal(&first.orientation)) else {
        return Vec::new();
    };
    let [x, y, z] = first.position;
    let axial = n[2].abs() > 1.0 - 1e-6;
    let position = |offset: &f64| -> Option<[f64; 3]> {
        if *start == 0.0 {
            Some(std::array::from_fn(|i| first.position[i] + n[i] * offset))
        } else if axial && (start - z).abs() < SAME_POSITION {
            Some([x, y, *offset])
        } else {
            None
        }
    };
    let planes = offsets.iter().filter_map(position).map(|position| Plane {
        position,
        orientation: first.orientation,
    });
    planes.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dose_lies_where_its_offsets_say() {
        let first = |z: f64, orientation| Plane {
            position: [1.0, 2.0, z],
            orientation,
        };
        const AXIAL: [f64; 6] = [1., 0., 0., 0., 1., 0.];
        const PRONE: [f64; 6] = [1., 0., 0., 0., -1., 0.];
        const CORONAL: [f64; 6] = [1., 0., 0., 0., 0., -1.];
        let places = |first: Plane, offsets: &[f64], axis: usize| -> Vec<f64> {
            let planes = dose_planes(&first, offsets);
            planes.iter().map(|p| p.position[axis]).collect()
        };
        assert_eq!(
            places(first(-50.0, AXIAL), &[0.0, 2.5, 5.0], 2),
            [-50.0, -47.5, -45.0]
        );
        assert_eq!(
            places(first(-50.0, PRONE), &[0.0, 2.5, 5.0], 2),
            [-50.0, -52.5, -55.0]
        );
        assert_eq!(places(first(0.0, CORONAL), &[0.0, 3.0], 1), [2.0, 5.0]);
        // Places on the axis instead of offsets.
        assert_eq!(places(first(-50.0, AXIAL), &[-50.0, -47.5], 2), [-50.0, -47.5]);
        assert!(places(first(-50.0, AXIAL), &[-40.0, -37.5], 2).is_empty());
        assert!(places(first(-50.0, CORONAL), &[-50.0, -47.5], 2).is_empty());
        assert!(places(first(0.0, AXIAL), &[], 2).is_empty());
    }

    const FRAMES: &str = r#"{
        "00080060":{"vr":"CS","Value":["MR"]},
        "52009229":{"vr":"SQ","Value":[{"00209116":{"vr":"SQ","Value":[{"00200037":{"vr":"DS","Value":[1,0,0,0,1,0]}}]}}]},
        "52009230":{"vr":"SQ","Value":[
            {"00209113":{"vr":"SQ","Value":[{"00200032":{"vr":"DS","Value":[0,0,-5.5]}}]}},
            {"00209113":{"vr":"SQ","Value":[{"00200032":{"vr":"DS","Value":["0"," 0 ","2.5"]}}]}},
            {"00209113":{"vr":"SQ"}},
            {"00209113":{"vr":"SQ","Value":[{"00200032":{"vr":"DS","Value":[0,null,1]}}]}}]}}"#;

    #[test]
    fn frames_have_the_shared_orientation_and_their_own_positions() {
        let planes = planes(FRAMES);
        assert_eq!(
            planes.iter().map(|p| p.position[2]).collect::<Vec<_>>(),
            [-5.5, 2.5]
        );
        assert_eq!(planes[0].orientation, [1., 0., 0., 0., 1., 0.]);
    }

    #[test]
    fn frames_of_two_segments_at_one_place_are_one_plane() {
        let twice = FRAMES.replace("-5.5", "2.5");
        assert_eq!(planes(&twice).len(), 2);
        let segments = twice.replacen('{', r#"{"00620002":{"vr":"SQ"},"#, 1);
        assert_eq!(planes(&segments).len(), 1);
    }

    #[test]
    fn no_json_no_planes() {
        assert!(planes("{").is_empty() && planes("{}").is_empty());
    }
}
