//! Functional groups (PS3.3 §C.7.6.16): what is said of a frame by its own item, else by the shared one, else by the data set itself.

use crate::dicom::DataSet;

/// Where a frame lies.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct FrameGeometry {
    /// Centre of the first pixel: x, y, z in the patient, mm.
    pub(crate) position: Option<[f64; 3]>,
    /// Direction cosines of rows, then of columns.
    pub(crate) orientation: Option<[f64; 6]>,
    /// Distance of rows, then of columns, mm.
    pub(crate) spacing: Option<[f64; 2]>,
    /// Spacing Between Slices (0018,0088), mm.
    pub(crate) between: Option<f64>,
    /// Slice Thickness (0018,0050), mm.
    pub(crate) thickness: Option<f64>,
}

/// The frames of an object.
pub(crate) struct Groups<'t> {
    root: DataSet<'t>,
    shared: Option<DataSet<'t>>,
    own: Vec<DataSet<'t>>,
    count: usize,
    of_image: FrameGeometry,
    /// Positions along the normal from the first, of a dose (PS3.3 §C.8.8.3.2).
    offsets: Option<Vec<f64>>,
}

/// Frames of one object that are read.
const MAX_FRAMES: usize = 1_000_000;

impl<'t> Groups<'t> {
    /// Of a data set.
    ///
    /// # Errors
    /// Why frames cannot be told apart, for people.
    pub(crate) fn of(root: DataSet<'t>) -> Result<Self, String> {
        let count = root.integer(0x0028_0008).unwrap_or(1);
        let count = usize::try_from(count)
            .ok()
            .filter(|n| (1..=MAX_FRAMES).contains(n))
            .ok_or("Number of Frames is not a number of frames")?;
        let own: Vec<DataSet<'_>> = root.items(0x5200_9230).take(count + 1).collect();
        if !own.is_empty() && own.len() != count {
            return Err(format!("{} of {count} frames are described", own.len()));
        }
        Ok(Self {
            root,
            shared: root.first(0x5200_9229),
            own,
            count,
            of_image: FrameGeometry {
                position: root.array(0x0020_0032),
                orientation: root.array(0x0020_0037),
                // Of projections, at the detector.
                spacing: root.array(0x0028_0030).or_else(|| root.array(0x0018_1164)),
                between: root.float(0x0018_0088),
                thickness: root.float(0x0018_0050),
            },
            offsets: root.floats(0x3004_000C).filter(|all| all.len() == count),
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// The first item of a functional group of a frame.
    pub(crate) fn group(&self, frame: usize, tag: u32) -> Option<DataSet<'t>> {
        let own = self.own.get(frame).and_then(|groups| groups.first(tag));
        own.or_else(|| self.shared?.first(tag))
    }

    /// A functional group of a frame, or the data set where there is no such group.
    pub(crate) fn group_or_root(&self, frame: usize, tag: u32) -> DataSet<'t> {
        self.group(frame, tag).unwrap_or(self.root)
    }

    pub(crate) fn geometry(&self, frame: usize) -> FrameGeometry {
        let measures = self.group(frame, 0x0028_9110);
        let said = FrameGeometry {
            position: self.group(frame, 0x0020_9113).and_then(|g| g.array(0x0020_0032)),
            orientation: self.group(frame, 0x0020_9116).and_then(|g| g.array(0x0020_0037)),
            spacing: measures.and_then(|g| g.array(0x0028_0030)),
            between: measures.and_then(|g| g.float(0x0018_0088)),
            thickness: measures.and_then(|g| g.float(0x0018_0050)),
        };
        let all = FrameGeometry {
            position: said.position.or(self.of_image.position),
            orientation: said.orientation.or(self.of_image.orientation),
            spacing: said.spacing.or(self.of_image.spacing),
            between: said.between.or(self.of_image.between),
            thickness: said.thickness.or(self.of_image.thickness),
        };
        match &self.offsets {
            Some(offsets) => offset(all, offsets[frame]),
            None => all,
        }
    }
}

/// A frame at a distance from the first along the normal.
fn offset(at: FrameGeometry, by: f64) -> FrameGeometry {
    let (Some(position), Some(cosines)) = (at.position, at.orientation) else {
        return at;
    };
    let [a, b, c, d, e, f] = cosines;
    let normal = [b * f - c * e, c * d - a * f, a * e - b * d];
    FrameGeometry {
        position: Some(std::array::from_fn(|k| position[k] + by * normal[k])),
        ..at
    }
}
