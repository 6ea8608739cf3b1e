//! The columns of `imaging.instances`: [`COLUMNS`] is the one table that makes them and that documents them.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock},
};

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};

use super::Vr;

mod columns;
#[cfg(test)]
mod tests;

pub use columns::COLUMNS;

/// A typed column of `imaging.instances` and the element that fills it.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Name in SQL: the keyword in snake_case.
    pub name: &'static str,
    /// Keyword of PS3.6 of the element itself (not of the sequences around it).
    pub keyword: &'static str,
    /// Tags from the outermost sequence to the element. Sequences give their first item, except as `items` says.
    pub path: &'static [u32],
    /// Which items of the outermost sequence are taken.
    pub items: Items,
    /// Enhanced multi-frame images: where functional groups have what the element says of other images. The value counts if all
    /// frames have the same.
    pub frames: Option<Frames>,
    /// VR of PS3.6.
    pub vr: Vr,
    /// Type in SQL.
    pub data_type: ColumnType,
    /// What it means, with the unit: the comment that `\d+` shows.
    pub meaning: &'static str,
}

/// Which items of a sequence a column is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Items {
    /// The first one; the column holds one value.
    First,
    /// All of them; the column is an array with an entry per item, NULL where an item says nothing.
    Each,
    /// The path is one within functional groups, shared (5200,9229) or of a frame (5200,9230); the column is an array of the
    /// different values of the frames, in their order.
    Frames,
}

/// Places in functional groups, and the VR there.
#[derive(Debug, Clone, Copy)]
pub struct Frames {
    /// Paths within a group, of which an instance has one at most.
    pub paths: &'static [&'static [u32]],
    /// VR of PS3.6.
    pub vr: Vr,
}

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// Text.
    Text,
    /// Array of text.
    TextList,
    /// 32-bit integer.
    Int,
    /// 64-bit integer.
    Long,
    /// Array of 32-bit integers.
    IntList,
    /// Double.
    Float,
    /// Array of doubles.
    FloatList,
    /// Day.
    Date,
    /// Time of day, microseconds.
    Time,
    /// Instant, microseconds UTC.
    Timestamp,
    /// First item of a code sequence: struct(value, scheme, meaning).
    Code,
}

impl ColumnType {
    /// The Arrow type.
    pub fn arrow(self) -> DataType {
        let list = |item| DataType::List(Arc::new(Field::new("item", item, true)));
        match self {
            Self::Text => DataType::Utf8,
            Self::TextList => list(DataType::Utf8),
            Self::Int => DataType::Int32,
            Self::Long => DataType::Int64,
            Self::IntList => list(DataType::Int32),
            Self::Float => DataType::Float64,
            Self::FloatList => list(DataType::Float64),
            Self::Date => DataType::Date32,
            Self::Time => DataType::Time64(TimeUnit::Microsecond),
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Code => DataType::Struct(code_fields()),
        }
    }
}

/// Fields of a code: `value`, `scheme`, `meaning`.
pub fn code_fields() -> Fields {
    static FIELDS: LazyLock<Fields> = LazyLock::new(|| {
        ["value", "scheme", "meaning"]
            .map(|n| Field::new(n, DataType::Utf8, true))
            .to_vec()
            .into()
    });
    FIELDS.clone()
}

/// Name, type, nullable and meaning of the columns after [`COLUMNS`]: what Radlake knows of the file, and the whole header.
pub(super) const BOOKKEEPING: [(&str, ColumnType, bool, &str); 11] = [
    (
        "private_diffusion_b_value",
        ColumnType::Float,
        true,
        "Diffusion weighting in private elements, s/mm2: of GE (0043,xx39), Siemens (0019,xx0C) or its CSA header, Philips (2001,xx03)",
    ),
    (
        "private_diffusion_gradient_orientation",
        ColumnType::FloatList,
        true,
        "Direction of the diffusion gradient, x, y, z in the patient's coordinates, in Siemens' (0019,xx0E) or CSA header",
    ),
    (
        "transfer_syntax_uid",
        ColumnType::Text,
        true,
        "How the file is encoded (0002,0010); NULL if it does not say",
    ),
    ("file_size", ColumnType::Long, false, "Bytes of the file"),
    (
        "pixel_data_offset",
        ColumnType::Long,
        true,
        "Byte of the file where the Pixel Data element starts; NULL without pixels or if the data set is deflated",
    ),
    (
        "warnings",
        ColumnType::Int,
        false,
        "Values that did not parse and other faults the reader passed over",
    ),
    (
        "header_hash",
        ColumnType::Text,
        false,
        "BLAKE3, 128 bits, of the header and the file's size",
    ),
    ("provider", ColumnType::Text, false, "Who brought the file"),
    (
        "source_uri",
        ColumnType::Text,
        false,
        "Where the file is; members of archives as archive!/member",
    ),
    (
        "ingested_epoch",
        ColumnType::Long,
        false,
        "Epoch of the lake that made the row visible",
    ),
    (
        "dataset",
        ColumnType::Text,
        true,
        "The whole header as DICOM JSON (PS3.18 F); binaries over 4 KiB and pixels left out",
    ),
];

/// The schema of `imaging.instances`: [`COLUMNS`], then the bookkeeping columns, `dataset` last. The meaning stands in
/// each field's metadata under `comment`.
pub fn instances_schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        let comment = |meaning: String| HashMap::from([("comment".to_owned(), meaning)]);
        let typed = COLUMNS.iter().map(|c| {
            let required =
                ["sop_instance_uid", "series_instance_uid", "study_instance_uid"].contains(&c.name);
            Field::new(c.name, c.data_type.arrow(), !required).with_metadata(comment(c.comment()))
        });
        let kept = BOOKKEEPING.iter().map(|(n, t, nullable, m)| {
            Field::new(*n, t.arrow(), *nullable).with_metadata(comment((*m).to_owned()))
        });
        Arc::new(Schema::new(typed.chain(kept).collect::<Vec<_>>()))
    });
    Arc::clone(&SCHEMA)
}

impl Column {
    /// The comment that SQL shows: the meaning, and where the value comes from, as in `(0018,0050) DS`.
    pub fn comment(&self) -> String {
        let place = |path: &[u32]| {
            let tags = path
                .iter()
                .map(|t| format!("({:04X},{:04X})", t >> 16, t & 0xFFFF));
            tags.collect::<Vec<_>>().join(" > ")
        };
        let of = match self.items {
            Items::Frames => "of frames ",
            Items::First | Items::Each => "",
        };
        let zone = match self.vr {
            Vr::DT => ", where it names no zone in that of (0008,0201), or in UTC",
            _ => "",
        };
        let own = format!(
            "{}{zone}; {of}{} {}",
            self.meaning,
            place(self.path),
            self.vr.as_str()
        );
        match self.frames {
            Some(frames) => {
                let places: Vec<String> = frames.paths.iter().map(|path| place(path)).collect();
                format!(
                    "{own}, or of all frames {} {}",
                    places.join(" or "),
                    frames.vr.as_str()
                )
            }
            None => own,
        }
    }
}
