//! Stored values of a volume.

use std::io::Read;

use crate::error::{Error, Result};

/// Types of stored values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum SampleType {
    I8,
    U8,
    I16,
    U16,
    I32,
    U32,
    I64,
    U64,
    F32,
    F64,
}

impl SampleType {
    /// Bytes of a value.
    pub fn size(self) -> usize {
        match self {
            Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::I64 | Self::U64 | Self::F64 => 8,
        }
    }
}

/// Stored values, x fastest, as the file has them.
#[derive(Debug, Clone, PartialEq)]
pub struct Samples {
    kind: SampleType,
    /// Little-endian.
    bytes: Vec<u8>,
}

impl Samples {
    /// `count` values at the start of `bytes`.
    pub(crate) fn new(kind: SampleType, bytes: &[u8], count: usize, big_endian: bool) -> Result<Self> {
        let expected = count.saturating_mul(kind.size());
        let Some(bytes) = bytes.get(..expected) else {
            return Err(Error::Short {
                found: bytes.len(),
                expected,
            });
        };
        let mut bytes = bytes.to_vec();
        if big_endian && kind.size() > 1 {
            bytes.chunks_exact_mut(kind.size()).for_each(<[u8]>::reverse);
        }
        Ok(Self { kind, bytes })
    }

    /// Values written as text, separated by white space.
    pub(crate) fn of_text(kind: SampleType, text: &[u8], count: usize) -> Result<Self> {
        let mut bytes = Vec::new();
        let mut found = 0;
        for word in text
            .split(u8::is_ascii_whitespace)
            .filter(|word| !word.is_empty())
        {
            if found == count {
                break;
            }
            let word = std::str::from_utf8(word).map_err(|_| Error::Damaged)?;
            push(kind, word, &mut bytes).ok_or(Error::Damaged)?;
            found += 1;
        }
        match found == count {
            true => Ok(Self { kind, bytes }),
            false => Err(Error::Short {
                found: found.saturating_mul(kind.size()),
                expected: count.saturating_mul(kind.size()),
            }),
        }
    }

    /// Their type.
    pub fn kind(&self) -> SampleType {
        self.kind
    }

    /// Number of values.
    pub fn len(&self) -> usize {
        self.bytes.len() / self.kind.size()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The bytes, little-endian, as many a value as its type says.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Writes slope × value + intercept of the values from number `from` on as little-endian `f32`, four bytes each, as many as fit
    /// into `out`; gives their number.
    pub fn write_f32(&self, from: usize, slope: f64, intercept: f64, out: &mut [u8]) -> usize {
        let rest = self.len().saturating_sub(from);
        let mut written = 0;
        for (value, to) in self.values_from(from).zip(out.chunks_exact_mut(4)).take(rest) {
            to.copy_from_slice(&((value * slope + intercept) as f32).to_le_bytes());
            written += 1;
        }
        written
    }

    /// The values as `f64`; integers beyond 2⁵³ are rounded.
    pub fn values(&self) -> impl Iterator<Item = f64> + '_ {
        self.values_from(0)
    }

    fn values_from(&self, from: usize) -> impl Iterator<Item = f64> + '_ {
        let kind = self.kind;
        let start = from.saturating_mul(kind.size()).min(self.bytes.len());
        self.bytes[start..].chunks_exact(kind.size()).map(move |b| {
            // As wide as the widest, so that a shorter value is its low bytes.
            let mut wide = [0_u8; 8];
            wide[..b.len()].copy_from_slice(b);
            let bits = u64::from_le_bytes(wide);
            match kind {
                SampleType::I8 => f64::from(bits as u8 as i8),
                SampleType::U8 => f64::from(bits as u8),
                SampleType::I16 => f64::from(bits as u16 as i16),
                SampleType::U16 => f64::from(bits as u16),
                SampleType::I32 => f64::from(bits as u32 as i32),
                SampleType::U32 => f64::from(bits as u32),
                SampleType::I64 => bits as i64 as f64,
                SampleType::U64 => bits as f64,
                SampleType::F32 => f64::from(f32::from_bits(bits as u32)),
                SampleType::F64 => f64::from_bits(bits),
            }
        })
    }
}

fn push(kind: SampleType, word: &str, out: &mut Vec<u8>) -> Option<()> {
    match kind {
        SampleType::I8 => out.extend(word.parse::<i8>().ok()?.to_le_bytes()),
        SampleType::U8 => out.extend(word.parse::<u8>().ok()?.to_le_bytes()),
        SampleType::I16 => out.extend(word.parse::<i16>().ok()?.to_le_bytes()),
        SampleType::U16 => out.extend(word.parse::<u16>().ok()?.to_le_bytes()),
        SampleType::I32 => out.extend(word.parse::<i32>().ok()?.to_le_bytes()),
        SampleType::U32 => out.extend(word.parse::<u32>().ok()?.to_le_bytes()),
        SampleType::I64 => out.extend(word.parse::<i64>().ok()?.to_le_bytes()),
        SampleType::U64 => out.extend(word.parse::<u64>().ok()?.to_le_bytes()),
        SampleType::F32 => out.extend(word.parse::<f32>().ok()?.to_le_bytes()),
        SampleType::F64 => out.extend(word.parse::<f64>().ok()?.to_le_bytes()),
    }
    Some(())
}

/// All that a decoder gives, up to `limit` bytes.
pub(crate) fn inflate(from: impl Read, limit: usize) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    from.take(limit as u64 + 1)
        .read_to_end(&mut out)
        .map_err(|_| Error::Damaged)?;
    match out.len() > limit {
        true => Err(Error::TooLarge { limit }),
        false => Ok(out),
    }
}

/// At most `limit` bytes at the start.
pub(crate) fn start(from: impl Read, limit: usize) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    match from.take(limit as u64).read_to_end(&mut out) {
        Ok(_) => Ok(out),
        Err(_) if !out.is_empty() => Ok(out),
        Err(_) => Err(Error::Damaged),
    }
}
