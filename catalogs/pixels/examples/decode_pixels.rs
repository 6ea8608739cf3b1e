//! `decode_pixels FILE [--raw OUT]`: a line of JSON per frame of a DICOM file, or one that says why it is refused.
//!
//! `{"frame":0,"rows":2,"columns":2,"samples":1,"type":"i16","fnv":"…"}`, the last FNV-1a of the samples as little endian
//! bytes; `{"refused":"…"}`. With `--raw` these bytes of all frames go to a file. Holds for tests against pydicom; the
//! element's value is put together again from what dicom-object makes of it.

use std::error::Error;
use std::io::Write;

use dicom_object::file::ReadPreamble;
use dicom_object::{DefaultDicomObject, OpenFileOptions, Tag};
use radlake_pixels::{
    Encoding, ExtendedOffsets, Kind, Layout, Limits, Photometric, PixelData, Result as PixelResult,
    decode_frame,
};

const PIXEL_DATA: Tag = Tag(0x7FE0, 0x0010);
const FLOAT: Tag = Tag(0x7FE0, 0x0008);
const DOUBLE: Tag = Tag(0x7FE0, 0x0009);

fn main() {
    let mut arguments = std::env::args().skip(1);
    let Some(file) = arguments.next() else {
        eprintln!("usage: decode_pixels FILE [--raw OUT]");
        std::process::exit(2);
    };
    let raw = arguments
        .next()
        .filter(|option| option == "--raw")
        .and_then(|_| arguments.next());
    if let Err(error) = run(&file, raw.as_deref()) {
        println!("{{\"refused\":{:?}}}", error.to_string());
    }
}

fn run(file: &str, raw: Option<&str>) -> Result<(), Box<dyn Error>> {
    let object = open(file)?;
    let encoding = Encoding::from_uid(object.meta().transfer_syntax())?;
    let layout = layout(&object)?;
    let value = value(&object, layout.kind, encoding == Encoding::NativeBig)?;
    let data = value.pixel_data()?;
    let mut out = raw.map(std::fs::File::create).transpose()?;
    for n in 0..layout.frames {
        let frame = decode_frame(&data, &layout, encoding, n, &Limits::default())?;
        let bytes = frame.samples.to_le_bytes();
        let fnv = bytes.iter().fold(0xCBF2_9CE4_8422_2325_u64, |hash, &byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
        });
        println!(
            "{{\"frame\":{n},\"rows\":{},\"columns\":{},\"samples\":{},\"type\":\"{}\",\"photometric\":\"{:?}\",\"fnv\":\"{fnv:016x}\"}}",
            frame.rows,
            frame.columns,
            frame.samples_per_pixel,
            frame.samples.type_name(),
            frame.photometric,
        );
        if let Some(out) = &mut out {
            out.write_all(&bytes)?;
        }
    }
    Ok(())
}

/// With a preamble or without one.
fn open(file: &str) -> Result<DefaultDicomObject, Box<dyn Error>> {
    let open = |preamble| OpenFileOptions::new().read_preamble(preamble).open_file(file);
    Ok(open(ReadPreamble::Auto).or_else(|_| open(ReadPreamble::Never))?)
}

fn layout(object: &DefaultDicomObject) -> Result<Layout, Box<dyn Error>> {
    let number = |group, element, absent: Option<u16>| -> Result<u16, Box<dyn Error>> {
        match (object.element_opt(Tag(group, element))?, absent) {
            (Some(found), _)
                if found
                    .value()
                    .primitive()
                    .is_some_and(|v| v.calculate_byte_len() > 0) =>
            {
                Ok(found.to_int::<u16>()?)
            }
            (_, Some(absent)) => Ok(absent),
            _ => Err(format!("no ({group:04X},{element:04X})").into()),
        }
    };
    let there = |tag| object.element_opt(tag).map(|element| element.is_some());
    let kind = match (there(FLOAT)?, there(DOUBLE)?) {
        (true, _) => Kind::Float,
        (_, true) => Kind::DoubleFloat,
        _ => Kind::Integer,
    };
    let bits_allocated = number(0x0028, 0x0100, None)?;
    let photometric = object
        .element_opt(Tag(0x0028, 0x0004))?
        .map(|e| e.to_str())
        .transpose()?;
    let frames = object
        .element_opt(Tag(0x0028, 0x0008))?
        .map(|e| e.to_int::<u32>())
        .transpose()?;
    Ok(Layout {
        kind,
        rows: number(0x0028, 0x0010, None)?,
        columns: number(0x0028, 0x0011, None)?,
        frames: frames.unwrap_or(1),
        samples_per_pixel: number(0x0028, 0x0002, Some(1))?,
        bits_allocated,
        bits_stored: number(0x0028, 0x0101, Some(bits_allocated))?,
        high_bit: number(0x0028, 0x0102, Some(bits_allocated.saturating_sub(1)))?,
        signed: number(0x0028, 0x0103, Some(0))? == 1,
        planar_configuration: number(0x0028, 0x0006, Some(0))?,
        photometric: Photometric::from_name(photometric.as_deref().unwrap_or("")),
    })
}

/// The element's value as it stands in the file.
struct Value {
    bytes: Vec<u8>,
    encapsulated: bool,
    words: bool,
    offsets: Vec<u64>,
    lengths: Vec<u64>,
}

impl Value {
    fn pixel_data(&self) -> PixelResult<PixelData<'_>> {
        match (self.encapsulated, self.offsets.is_empty()) {
            (true, true) => PixelData::encapsulated(&self.bytes),
            (true, false) => {
                let table = ExtendedOffsets {
                    offsets: &self.offsets,
                    lengths: &self.lengths,
                };
                PixelData::encapsulated_with(&self.bytes, table)
            }
            (false, _) if self.words => Ok(PixelData::native(&self.bytes).in_words()),
            (false, _) => Ok(PixelData::native(&self.bytes)),
        }
    }
}

fn value(object: &DefaultDicomObject, kind: Kind, big: bool) -> Result<Value, Box<dyn Error>> {
    let tag = match kind {
        Kind::Integer => PIXEL_DATA,
        Kind::Float => FLOAT,
        Kind::DoubleFloat => DOUBLE,
    };
    let element = object.element(tag)?;
    let table = |element| -> Result<Vec<u64>, Box<dyn Error>> {
        let found = object.element_opt(Tag(0x7FE0, element))?;
        Ok(found
            .map(|e| e.to_multi_int::<u64>())
            .transpose()?
            .unwrap_or_default())
    };
    let (offsets, lengths) = (table(0x0001)?, table(0x0002)?);
    if let Some(fragments) = element.fragments() {
        let table: Vec<u8> = element
            .value()
            .offset_table()
            .unwrap_or(&[])
            .iter()
            .flat_map(|o| o.to_le_bytes())
            .collect();
        let mut bytes = Vec::new();
        for item in std::iter::once(&table).chain(fragments) {
            bytes.extend([0xFE, 0xFF, 0x00, 0xE0]);
            bytes.extend((item.len() as u32).to_le_bytes());
            bytes.extend(item);
        }
        return Ok(Value {
            bytes,
            encapsulated: true,
            words: false,
            offsets,
            lengths,
        });
    }
    let primitive = element.value().primitive().ok_or("pixel data is a sequence")?;
    // dicom-object has turned words and floats; back to the order of the file.
    let mut bytes = primitive.to_bytes().into_owned();
    let (width, words) = match element.vr().to_string() {
        "OW" => (2, true),
        "OF" | "OL" => (4, false),
        "OD" | "OV" => (8, false),
        _ => (1, false),
    };
    if big {
        bytes.chunks_exact_mut(width).for_each(<[u8]>::reverse);
    }
    Ok(Value {
        bytes,
        encapsulated: false,
        words,
        offsets,
        lengths,
    })
}
