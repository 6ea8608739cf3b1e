//! The bytes of DICOM Pixel Data in, samples out.
//!
//! [`PixelData`] says where the frames lie in the value of the element, [`Layout`] what the data set says of them,
//! [`Encoding`] what the transfer syntax makes of them; [`decode_frame`] gives one [`Frame`]. [`ModalityLut`] turns
//! stored values into those of the modality. Pure functions over slices: no files, no DICOM parsing, no threads.
//!
//! Streams are hostile until decoded: a codec starts only when the stream's own header agrees with the layout, whose
//! size [`Limits`] bounds, so that no stream decides how much memory is taken; whatever is wrong is a [`PixelError`].
//!
//! # Colour
//!
//! What `pixel_array` of pydicom 3 does with colours is done here. Three samples per pixel of YBR_FULL or
//! YBR_FULL_422 become RGB, whatever the encoding (PS3.3 C.7.6.3.1.2), except where a JPEG or JPEG-LS stream names
//! its components `R`, `G`, `B`. A JPEG stream with a JFIF marker is YBR whatever the data set says. The transforms
//! of YBR_RCT and YBR_ICT are part of JPEG 2000 and undone where the stream says that it has one. YBR_PARTIAL_*, HSV
//! and the like, and the indices of PALETTE COLOR stay as they are. [`Frame::photometric`] is what came of it.

mod bits;
mod colour;
mod data;
mod decode;
mod deflated;
mod encoding;
mod error;
mod frame;
mod guard;
mod jpeg;
mod jpeg2000;
mod jpegls;
mod layout;
mod modality;
mod native;
mod rle;
mod words;

pub use bits::unpack_bits;
pub use data::{ExtendedOffsets, PixelData};
pub use decode::decode_frame;
pub use encoding::Encoding;
pub use error::{PixelError, Result};
pub use frame::{Frame, Samples};
pub use layout::{Kind, Layout, Limits, Photometric};
pub use modality::ModalityLut;
