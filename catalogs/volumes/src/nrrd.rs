//! NRRD with attached data: <https://teem.sourceforge.net/nrrd/format.html>.

use radlake_kernels::Geometry;

use crate::error::{Error, Result, header};
use crate::labels::Label;
use crate::samples::{SampleType, Samples, inflate};
use crate::{MAX_HEAD, VolumeFile};

const NAME: &str = "NRRD";

/// What a header says.
#[derive(Default)]
struct Fields<'a> {
    kind: Option<SampleType>,
    dimension: Option<usize>,
    sizes: Vec<usize>,
    encoding: Option<&'a str>,
    big: Option<bool>,
    space: Option<&'a str>,
    directions: Option<Vec<Option<Vec<f64>>>>,
    origin: Option<Vec<f64>>,
    spacings: Option<Vec<f64>>,
    line_skip: usize,
    byte_skip: i64,
    pairs: Vec<(&'a str, &'a str)>,
}

/// Grid, and whether the file says it.
pub(crate) fn head(bytes: &[u8]) -> Result<(Geometry, bool)> {
    grid(&parse(bytes)?.0)
}

pub(crate) fn read(bytes: &[u8], limit: usize) -> Result<VolumeFile> {
    let (fields, data) = parse(bytes)?;
    let (geometry, oriented) = grid(&fields)?;
    let kind = fields.kind.ok_or_else(|| header(NAME, "type is missing"))?;
    let count = geometry.len();
    let expected = count.saturating_mul(kind.size());
    if expected > limit {
        return Err(Error::TooLarge { limit });
    }
    let samples = samples(&fields, kind, data, count, expected, limit)?;
    Ok(VolumeFile {
        geometry,
        oriented,
        samples,
        slope: 1.0,
        intercept: 0.0,
        labels: labels(&fields.pairs),
    })
}

fn grid(fields: &Fields<'_>) -> Result<(Geometry, bool)> {
    let dimension = fields
        .dimension
        .ok_or_else(|| header(NAME, "dimension is missing"))?;
    if fields.sizes.len() != dimension {
        return Err(header(NAME, "sizes are not as many as dimension says"));
    }
    // Axes of length 1 beyond space are no obstacle.
    let long: Vec<usize> = (0..dimension).filter(|axis| fields.sizes[*axis] > 1).collect();
    let spatial: Vec<usize> = match (&fields.directions, dimension) {
        (Some(directions), _) => (0..dimension)
            .filter(|axis| directions.get(*axis).is_some_and(Option::is_some))
            .collect(),
        (None, 1..=3) => (0..dimension).collect(),
        (None, _) => long.clone(),
    };
    if spatial.len() > 3 || spatial.is_empty() || long.iter().any(|axis| !spatial.contains(axis)) {
        return Err(Error::Unsupported {
            what: format!("a volume of {dimension} axes (times, layers or components)"),
            hint: "write each as a file of its own; of segmentations with layers, export one label map",
        });
    }
    let size: [usize; 3] = std::array::from_fn(|k| spatial.get(k).map_or(1, |axis| fields.sizes[*axis]));
    let (geometry, oriented) = geometry(fields, &spatial, size)?;
    geometry.check()?;
    Ok((geometry, oriented))
}

/// The header's fields, and what follows it.
fn parse(bytes: &[u8]) -> Result<(Fields<'_>, &[u8])> {
    let mut fields = Fields::default();
    let mut at = 0;
    loop {
        let rest = &bytes[at..bytes.len().min(MAX_HEAD)];
        let Some(length) = rest.iter().position(|b| *b == b'\n') else {
            return Err(Error::Unsupported {
                what: "a header without its voxels".to_owned(),
                hint: "write header and data into one .nrrd file",
            });
        };
        at += length + 1;
        let line = rest[..length].strip_suffix(b"\r").unwrap_or(&rest[..length]);
        if line.is_empty() {
            return Ok((fields, &bytes[at..]));
        }
        let line = std::str::from_utf8(line).map_err(|_| header(NAME, "a line is no UTF-8"))?;
        if line.starts_with("NRRD") || line.starts_with('#') {
            continue;
        }
        if let Some((key, value)) = line.split_once(":=") {
            fields.pairs.push((key, value));
        } else if let Some((name, value)) = line.split_once(": ") {
            field(&mut fields, &name.to_ascii_lowercase(), value.trim())?;
        } else if let Some(name) = line.strip_suffix(':') {
            field(&mut fields, &name.to_ascii_lowercase(), "")?;
        } else {
            return Err(header(NAME, "a line is neither field nor key"));
        }
    }
}

fn field<'a>(fields: &mut Fields<'a>, name: &str, value: &'a str) -> Result<()> {
    let number = |what: &str| header(NAME, format!("{what} is no number"));
    match name {
        "type" => fields.kind = Some(kind(value)?),
        "dimension" => {
            let n = value.parse().map_err(|_| number("dimension"))?;
            if !(1..=16).contains(&n) {
                return Err(header(NAME, "dimension is not between 1 and 16"));
            }
            fields.dimension = Some(n);
        }
        "sizes" => {
            fields.sizes = words(value)
                .map(str::parse)
                .collect::<std::result::Result<_, _>>()
                .map_err(|_| number("sizes"))?;
            if fields.sizes.contains(&0) {
                return Err(header(NAME, "a size is 0"));
            }
        }
        "encoding" => fields.encoding = Some(value),
        "endian" => {
            fields.big = Some(match value.to_ascii_lowercase().as_str() {
                "little" => false,
                "big" => true,
                _ => return Err(header(NAME, "endian is neither little nor big")),
            });
        }
        "space" => fields.space = Some(value),
        "space dimension" if value != "3" => {
            return Err(header(NAME, "space dimension is not 3"));
        }
        "space directions" => fields.directions = Some(vectors(value)?),
        "space origin" => {
            let mut all = vectors(value)?;
            fields.origin = all.pop().flatten();
        }
        "spacings" => {
            fields.spacings = Some(
                words(value)
                    .map(str::parse)
                    .collect::<std::result::Result<_, _>>()
                    .map_err(|_| number("spacings"))?,
            );
        }
        "line skip" | "lineskip" => fields.line_skip = value.parse().map_err(|_| number("line skip"))?,
        "byte skip" | "byteskip" => fields.byte_skip = value.parse().map_err(|_| number("byte skip"))?,
        "data file" | "datafile" => {
            return Err(Error::Unsupported {
                what: "a header whose voxels are in another file".to_owned(),
                hint: "write header and data into one .nrrd file",
            });
        }
        _ => {}
    }
    Ok(())
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_ascii_whitespace()
}

/// `(1,0,0) none (0,1,0)`.
fn vectors(text: &str) -> Result<Vec<Option<Vec<f64>>>> {
    let wrong = || header(NAME, "a vector is not (x,y,z)");
    let mut all = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("none") {
            all.push(None);
            rest = after.trim_start();
            continue;
        }
        let (inner, after) = rest
            .strip_prefix('(')
            .and_then(|rest| rest.split_once(')'))
            .ok_or_else(wrong)?;
        let vector: Vec<f64> = inner
            .split(',')
            .map(|n| n.trim().parse())
            .collect::<std::result::Result<_, _>>()
            .map_err(|_| wrong())?;
        if vector.len() != 3 {
            return Err(wrong());
        }
        all.push(vector.iter().all(|n| !n.is_nan()).then_some(vector));
        rest = after.trim_start();
    }
    Ok(all)
}

fn kind(name: &str) -> Result<SampleType> {
    Ok(match name {
        "signed char" | "int8" | "int8_t" => SampleType::I8,
        "uchar" | "unsigned char" | "uint8" | "uint8_t" => SampleType::U8,
        "short" | "short int" | "signed short" | "signed short int" | "int16" | "int16_t" => SampleType::I16,
        "ushort" | "unsigned short" | "unsigned short int" | "uint16" | "uint16_t" => SampleType::U16,
        "int" | "signed int" | "int32" | "int32_t" => SampleType::I32,
        "uint" | "unsigned int" | "uint32" | "uint32_t" => SampleType::U32,
        "longlong"
        | "long long"
        | "long long int"
        | "signed long long"
        | "signed long long int"
        | "int64"
        | "int64_t" => SampleType::I64,
        "ulonglong" | "unsigned long long" | "unsigned long long int" | "uint64" | "uint64_t" => {
            SampleType::U64
        }
        "float" => SampleType::F32,
        "double" => SampleType::F64,
        _ => return Err(header(NAME, "type is none that is read (block, or unknown)")),
    })
}

fn geometry(fields: &Fields<'_>, spatial: &[usize], size: [usize; 3]) -> Result<(Geometry, bool)> {
    let Some(directions) = &fields.directions else {
        let spacing = std::array::from_fn(|k| {
            let given = spatial
                .get(k)
                .and_then(|axis| fields.spacings.as_ref()?.get(*axis).copied());
            given.filter(|mm| mm.is_finite() && *mm > 0.0).unwrap_or(1.0)
        });
        return Ok((Geometry::new(size, spacing)?, false));
    };
    // To LPS.
    let sign: [f64; 3] = match fields.space.map(str::to_ascii_lowercase).as_deref() {
        Some("left-posterior-superior" | "lps") => [1.0, 1.0, 1.0],
        Some("right-anterior-superior" | "ras") => [-1.0, -1.0, 1.0],
        Some("left-anterior-superior" | "las") => [1.0, -1.0, 1.0],
        Some("scanner-xyz" | "3d-right-handed") | None => {
            return Err(Error::Unsupported {
                what: "space directions in a space that is not the patient's".to_owned(),
                hint: "say space: left-posterior-superior, or what it is",
            });
        }
        Some(_) => return Err(header(NAME, "space is none of a patient")),
    };
    let mut vectors: Vec<[f64; 3]> = Vec::new();
    for axis in spatial {
        if let Some(Some(v)) = directions.get(*axis) {
            vectors.push([v[0] * sign[0], v[1] * sign[1], v[2] * sign[2]]);
        }
    }
    if vectors.len() != 3 {
        return Err(Error::Unsupported {
            what: "a plane without a third direction".to_owned(),
            hint: "give it a direction and a thickness along a third axis of size 1",
        });
    }
    let spacing: [f64; 3] = std::array::from_fn(|k| vectors[k].iter().map(|v| v * v).sum::<f64>().sqrt());
    if !spacing.iter().all(|mm| mm.is_finite() && *mm > 0.0) {
        return Err(header(NAME, "a space direction has no length"));
    }
    let direction: [f64; 9] = std::array::from_fn(|k| vectors[k % 3][k / 3] / spacing[k % 3]);
    let dot = |a: usize, b: usize| {
        (0..3)
            .map(|r| direction[3 * r + a] * direction[3 * r + b])
            .sum::<f64>()
    };
    if [dot(0, 1), dot(0, 2), dot(1, 2)]
        .iter()
        .any(|dot| dot.abs() > 1e-4)
    {
        return Err(Error::Unsupported {
            what: "a grid without right angles".to_owned(),
            hint: "resample it onto a grid of right angles",
        });
    }
    let origin = fields.origin.clone().unwrap_or_else(|| vec![0.0; 3]);
    let grid = Geometry {
        size,
        spacing,
        origin: std::array::from_fn(|k| sign[k] * origin[k]),
        direction,
    };
    Ok((grid, true))
}

fn samples(
    fields: &Fields<'_>,
    kind: SampleType,
    mut data: &[u8],
    count: usize,
    expected: usize,
    limit: usize,
) -> Result<Samples> {
    let big = match (fields.big, kind.size()) {
        (Some(big), _) => big,
        (None, 1) => false,
        (None, _) if matches!(fields.encoding, Some("ascii" | "text" | "txt")) => false,
        (None, _) => return Err(header(NAME, "endian is missing")),
    };
    for _ in 0..fields.line_skip {
        let line = data
            .iter()
            .position(|b| *b == b'\n')
            .ok_or(Error::Short { found: 0, expected })?;
        data = &data[line + 1..];
    }
    let packed;
    let encoding = fields.encoding.unwrap_or_default().to_ascii_lowercase();
    let raw = match encoding.as_str() {
        "raw" => {
            if fields.byte_skip == -1 {
                data = &data[data.len().saturating_sub(expected)..];
            }
            data
        }
        "gz" | "gzip" => {
            packed = inflate(
                flate2::read::MultiGzDecoder::new(skipped(data, fields.byte_skip, expected)?),
                limit,
            )?;
            &packed
        }
        "bz2" | "bzip2" => {
            packed = inflate(
                bzip2::read::MultiBzDecoder::new(skipped(data, fields.byte_skip, expected)?),
                limit,
            )?;
            &packed
        }
        "ascii" | "text" | "txt" => {
            return Samples::of_text(kind, skipped(data, fields.byte_skip, expected)?, count);
        }
        "" => return Err(header(NAME, "encoding is missing")),
        _ => {
            return Err(Error::Unsupported {
                what: "this encoding of voxels".to_owned(),
                hint: "write it as raw, gzip or bzip2",
            });
        }
    };
    let raw = match encoding.as_str() {
        "raw" => skipped(raw, fields.byte_skip, expected)?,
        _ => raw,
    };
    Samples::new(kind, raw, count, big)
}

fn skipped(data: &[u8], skip: i64, expected: usize) -> Result<&[u8]> {
    let skip = usize::try_from(skip.max(0)).unwrap_or(usize::MAX);
    data.get(skip..).ok_or(Error::Short { found: 0, expected })
}

/// `Segment0_LabelValue:=1`, `Segment0_Name:=Tumour` as 3D Slicer writes them.
fn labels(pairs: &[(&str, &str)]) -> Vec<Label> {
    let mut labels: Vec<Label> = pairs
        .iter()
        .filter_map(|(key, value)| {
            let segment = key.strip_prefix("Segment")?.strip_suffix("_LabelValue")?;
            let name = format!("Segment{segment}_Name");
            let (_, name) = pairs.iter().find(|(key, _)| *key == name)?;
            Some(Label {
                value: value.trim().parse().ok()?,
                name: name.trim().to_owned(),
            })
        })
        .collect();
    labels.sort_by_key(|label| label.value);
    labels.dedup_by_key(|label| label.value);
    labels
}
