//! DICOM: from the bytes of a file to rows of `imaging.instances`, and the series made of them.
//!
//! [`read_header`] reads a file up to Pixel Data, under [`Limits`], into a [`Header`]: a flat list of elements over its
//! bytes. [`InstanceRows`] turns headers into Arrow columns, as the table [`COLUMNS`] says. What cannot be read is
//! refused with a [`Refusal`].

mod begin;
mod charset;
mod csa;
mod element;
mod hash;
mod header;
#[cfg(test)]
mod hostile;
mod json;
#[cfg(test)]
mod judge;
mod limits;
mod numbers;
pub(crate) mod objects;
mod refusal;
mod rows;
mod schema;
pub mod series;
mod source;
mod syntax;
pub mod synthetic;
#[cfg(test)]
mod testing;
mod tree;
mod values;
mod vr;
mod walk;
mod warning;
mod window;

pub use element::{Element, ITEM, ITEM_END, SEQUENCE_END};
pub use hash::HeaderHash;
pub use header::{Header, Scratch, read_header};
pub use limits::{INLINE_BINARY_MAX, Limits};
pub use refusal::{Place, Refusal};
pub use rows::{Appended, InstanceRows, Origin, with_epoch};
pub use schema::{COLUMNS, Column, ColumnType, Frames, Items, code_fields, instances_schema};
pub use source::{BytesSource, FileSource, HeaderSource, StreamSource};
pub use tree::Code;
pub(crate) use tree::{DataSet, Tree};
pub use vr::Vr;
pub use warning::Warning;
