//! NIfTI-1 and NIfTI-2, single files (`n+1`, `n+2`): <https://nifti.nimh.nih.gov>, `nifti1.h` and `nifti2.h`.

use radlake_kernels::Geometry;

use crate::VolumeFile;
use crate::error::{Error, Result, header};
use crate::samples::{SampleType, Samples};

const NAME: &str = "NIfTI";

/// Offsets of a version's fields.
struct Layout {
    size: usize,
    magic: usize,
    dim: usize,
    datatype: usize,
    pixdim: usize,
    vox_offset: usize,
    slope: usize,
    qform: usize,
    quatern: usize,
    srow: usize,
    units: usize,
    wide: bool,
}

const V1: Layout = Layout {
    size: 348,
    magic: 344,
    dim: 40,
    datatype: 70,
    pixdim: 76,
    vox_offset: 108,
    slope: 112,
    qform: 252,
    quatern: 256,
    srow: 280,
    units: 123,
    wide: false,
};

const V2: Layout = Layout {
    size: 540,
    magic: 4,
    dim: 16,
    datatype: 12,
    pixdim: 104,
    vox_offset: 168,
    slope: 176,
    qform: 344,
    quatern: 352,
    srow: 400,
    units: 500,
    wide: true,
};

/// Version and byte order (true: big-endian) of a header, by its size field.
pub(crate) fn version(head: &[u8]) -> Option<(u8, bool)> {
    let first: [u8; 4] = head.get(..4)?.try_into().ok()?;
    match (i32::from_le_bytes(first), i32::from_be_bytes(first)) {
        (348, _)
            if head
                .get(344..346)
                .is_some_and(|magic| magic == b"n+" || magic == b"ni") =>
        {
            Some((1, false))
        }
        (_, 348)
            if head
                .get(344..346)
                .is_some_and(|magic| magic == b"n+" || magic == b"ni") =>
        {
            Some((1, true))
        }
        (540, _) => Some((2, false)),
        (_, 540) => Some((2, true)),
        _ => None,
    }
}

/// Fields of a header, in its byte order.
struct Fields<'a> {
    bytes: &'a [u8],
    big: bool,
    wide: bool,
}

impl Fields<'_> {
    fn raw<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut raw = [0; N];
        if let Some(from) = self.bytes.get(at..at + N) {
            raw.copy_from_slice(from);
        }
        if self.big {
            raw.reverse();
        }
        raw
    }

    fn short(&self, at: usize) -> i64 {
        i64::from(i16::from_le_bytes(self.raw(at)))
    }

    /// An element of `dim`: 16 bits in the first version, 64 in the second.
    fn dim(&self, at: usize, i: usize) -> i64 {
        match self.wide {
            true => i64::from_le_bytes(self.raw(at + 8 * i)),
            false => self.short(at + 2 * i),
        }
    }

    /// A floating-point number: 32 bits in the first version, 64 in the second.
    fn real(&self, at: usize, i: usize) -> f64 {
        match self.wide {
            true => f64::from_le_bytes(self.raw(at + 8 * i)),
            false => f64::from(f32::from_le_bytes(self.raw(at + 4 * i))),
        }
    }

    fn code(&self, at: usize, i: usize) -> i64 {
        match self.wide {
            true => i64::from(i32::from_le_bytes(self.raw(at + 4 * i))),
            false => self.short(at + 2 * i),
        }
    }
}

/// A header that was looked at.
struct Header<'a> {
    fields: Fields<'a>,
    layout: Layout,
    geometry: Geometry,
    oriented: bool,
}

fn parse(bytes: &[u8]) -> Result<Header<'_>> {
    let (version, big) = version(bytes).ok_or(Error::Unknown)?;
    let layout = if version == 1 { V1 } else { V2 };
    if bytes.len() < layout.size {
        return Err(header(NAME, "it ends early"));
    }
    if bytes.get(layout.magic..layout.magic + 2) != Some(b"n+") {
        return Err(Error::Unsupported {
            what: "a header without its voxels (.hdr and .img)".to_owned(),
            hint: "convert it to one file, .nii or .nii.gz",
        });
    }
    let fields = Fields {
        bytes,
        big,
        wide: layout.wide,
    };
    let size = size(&fields, layout.dim)?;
    let (geometry, oriented) = geometry(&fields, &layout, size)?;
    geometry.check()?;
    Ok(Header {
        fields,
        layout,
        geometry,
        oriented,
    })
}

/// Grid, and whether the file says it.
pub(crate) fn head(bytes: &[u8]) -> Result<(Geometry, bool)> {
    let header = parse(bytes)?;
    kind(header.fields.short(header.layout.datatype))?;
    Ok((header.geometry, header.oriented))
}

pub(crate) fn read(bytes: &[u8], limit: usize) -> Result<VolumeFile> {
    let Header {
        fields,
        layout,
        geometry,
        oriented,
    } = parse(bytes)?;
    let kind = kind(fields.short(layout.datatype))?;
    let count = geometry.len();
    if count.saturating_mul(kind.size()) > limit {
        return Err(Error::TooLarge { limit });
    }
    let offset = match layout.wide {
        true => i64::from_le_bytes(fields.raw(layout.vox_offset)) as f64,
        false => fields.real(layout.vox_offset, 0),
    };
    if !(offset >= layout.size as f64 && offset <= bytes.len() as f64) {
        return Err(header(NAME, "vox_offset lies outside of the file"));
    }
    let samples = Samples::new(kind, &bytes[offset as usize..], count, fields.big)?;
    // A slope of 0 says that there is none.
    let (slope, intercept) = match (fields.real(layout.slope, 0), fields.real(layout.slope, 1)) {
        (slope, _) if slope == 0.0 || !slope.is_finite() => (1.0, 0.0),
        (slope, intercept) if intercept.is_finite() => (slope, intercept),
        (slope, _) => (slope, 0.0),
    };
    Ok(VolumeFile {
        geometry,
        oriented,
        samples,
        slope,
        intercept,
        labels: Vec::new(),
    })
}

/// Voxels along x, y and z; further axes must have length 1.
fn size(fields: &Fields<'_>, at: usize) -> Result<[usize; 3]> {
    let axes = fields.dim(at, 0);
    if !(1..=7).contains(&axes) {
        return Err(header(NAME, "dim[0] is no number of axes"));
    }
    let length = |axis: i64| match axis <= axes {
        true => fields.dim(at, axis as usize),
        false => 1,
    };
    if let Some(axis) = (4..=7).find(|axis| length(*axis) > 1) {
        return Err(Error::Unsupported {
            what: format!(
                "a volume of {} along axis {axis} (times, directions or components)",
                length(axis)
            ),
            hint: "write each as a file of its own",
        });
    }
    let mut size = [0; 3];
    for (axis, n) in size.iter_mut().enumerate() {
        *n = usize::try_from(length(axis as i64 + 1))
            .ok()
            .filter(|n| *n > 0)
            .ok_or_else(|| header(NAME, format!("dim[{}] is not positive", axis + 1)))?;
    }
    Ok(size)
}

fn kind(code: i64) -> Result<SampleType> {
    Ok(match code {
        2 => SampleType::U8,
        4 => SampleType::I16,
        8 => SampleType::I32,
        16 => SampleType::F32,
        64 => SampleType::F64,
        256 => SampleType::I8,
        512 => SampleType::U16,
        768 => SampleType::U32,
        1024 => SampleType::I64,
        1280 => SampleType::U64,
        1 | 32 | 128 | 1536 | 1792 | 2048 | 2304 => {
            return Err(Error::Unsupported {
                what: format!("datatype {code} (binary, complex, colour or 128 bits)"),
                hint: "convert it to an integer or floating-point type",
            });
        }
        _ => return Err(header(NAME, format!("datatype {code} is unknown"))),
    })
}

/// The grid in LPS, and whether the file says it. The sform if it is said and is a rotation, else the qform, as ITK and nibabel do where
/// both agree.
fn geometry(fields: &Fields<'_>, layout: &Layout, size: [usize; 3]) -> Result<(Geometry, bool)> {
    // The low three bits are the unit of lengths; 0 is unknown, and then everybody writes millimetres.
    let unit = match fields
        .bytes
        .get(if fields.wide && fields.big {
            layout.units + 3
        } else {
            layout.units
        })
        .map(|units| units & 7)
    {
        Some(1) => 1000.0,
        Some(3) => 1e-3,
        _ => 1.0,
    };
    let pixdim: [f64; 4] = std::array::from_fn(|i| fields.real(layout.pixdim, i));
    let (qform, sform) = (fields.code(layout.qform, 0), fields.code(layout.qform, 1));
    let rows: [[f64; 4]; 3] =
        std::array::from_fn(|r| std::array::from_fn(|c| fields.real(layout.srow, 4 * r + c)));
    let mut sheared = false;
    if sform > 0 {
        let columns = std::array::from_fn(|c| std::array::from_fn(|r| rows[r][c]));
        match of_columns(columns, rows.map(|row| row[3]), size, unit) {
            Some(grid) => return Ok((grid, true)),
            None => sheared = true,
        }
    }
    let spacing: [f64; 3] = std::array::from_fn(|k| pixdim[k + 1].abs());
    if qform > 0 {
        let q: [f64; 3] = std::array::from_fn(|k| fields.real(layout.quatern, k));
        let offset: [f64; 3] = std::array::from_fn(|k| fields.real(layout.quatern, k + 3));
        let rotation = rotation(q, pixdim[0]);
        let columns = std::array::from_fn(|c| std::array::from_fn(|r| rotation[r][c] * spacing[c]));
        return match of_columns(columns, offset, size, unit) {
            Some(grid) => Ok((grid, true)),
            None => Err(header(NAME, "its qform is no rotation with spacings")),
        };
    }
    if sheared {
        return Err(Error::Unsupported {
            what: "an sform with shear or of no volume".to_owned(),
            hint: "resample it onto a grid of right angles",
        });
    }
    let mut grid = Geometry::new(size, spacing.map(|mm| mm * unit))?;
    // Method 1 of the standard gives axes in RAS and no position.
    grid.direction[0] = -1.0;
    grid.direction[4] = -1.0;
    Ok((grid, false))
}

/// The rotation matrix of a quaternion (b, c, d), with `qfac`, row by row (`nifti1.h`, method 2).
fn rotation([b, c, d]: [f64; 3], qfac: f64) -> [[f64; 3]; 3] {
    let rest = 1.0 - (b * b + c * c + d * d);
    let (a, [b, c, d]) = match rest < 1e-7 {
        true => {
            let length = (b * b + c * c + d * d).sqrt();
            (0.0, [b / length, c / length, d / length])
        }
        false => (rest.sqrt(), [b, c, d]),
    };
    let flip = if qfac < 0.0 { -1.0 } else { 1.0 };
    [
        [
            a * a + b * b - c * c - d * d,
            2.0 * (b * c - a * d),
            flip * 2.0 * (b * d + a * c),
        ],
        [
            2.0 * (b * c + a * d),
            a * a + c * c - b * b - d * d,
            flip * 2.0 * (c * d - a * b),
        ],
        [
            2.0 * (b * d - a * c),
            2.0 * (c * d + a * b),
            flip * (a * a + d * d - b * b - c * c),
        ],
    ]
}

/// A grid from the columns of a matrix (voxel steps) and an origin, in RAS; `None` if the columns are not at right angles.
fn of_columns(columns: [[f64; 3]; 3], origin: [f64; 3], size: [usize; 3], unit: f64) -> Option<Geometry> {
    const SIGN: [f64; 3] = [-1.0, -1.0, 1.0];
    let spacing = columns.map(|column| column.iter().map(|v| v * v).sum::<f64>().sqrt());
    if !spacing.iter().all(|mm| mm.is_finite() && *mm > 0.0) {
        return None;
    }
    let direction: [f64; 9] = std::array::from_fn(|k| SIGN[k / 3] * columns[k % 3][k / 3] / spacing[k % 3]);
    let dot = |a: usize, b: usize| {
        (0..3)
            .map(|r| direction[3 * r + a] * direction[3 * r + b])
            .sum::<f64>()
    };
    // What float32 leaves of a right angle.
    if [dot(0, 1), dot(0, 2), dot(1, 2)]
        .iter()
        .any(|dot| dot.abs() > 1e-4)
    {
        return None;
    }
    Some(Geometry {
        size,
        spacing: spacing.map(|mm| mm * unit),
        origin: std::array::from_fn(|k| SIGN[k] * origin[k] * unit),
        direction,
    })
}
