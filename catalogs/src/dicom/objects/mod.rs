//! Objects whose meaning is not in their typed columns: segmentations, structure sets, measurement reports. Read from a header's
//! sequences into plain values; nothing is placed or measured here.

mod groups;
mod image;
mod pixels;
mod rtstruct;
mod seg;
mod sr;

pub(crate) use groups::FrameGeometry;
pub(crate) use image::{Image, ImageFrame, read_image};
pub(crate) use pixels::{Pixels, plain};
pub(crate) use rtstruct::{Roi, StructureSet, read_structure_set};
pub(crate) use seg::{SegFrame, SegKind, SegSegment, Segmentation, read_segmentation};
pub(crate) use sr::{Measurement, read_measurements};
