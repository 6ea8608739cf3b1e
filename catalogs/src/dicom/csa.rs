//! The CSA header of Siemens images: a list of named texts within one private element, (0029,xx10).
//!
//! Two versions: the second starts with `SV10` and says how long a value is; the first says so relative to the number of values of
//! its first tag. All numbers are little endian, whatever the data set is.

/// What a header says of diffusion.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub(super) struct Diffusion {
    /// `B_value`, s/mm2.
    pub(super) b_value: Option<f64>,
    /// `DiffusionGradientDirection`: x, y, z in the patient's coordinates.
    pub(super) direction: Option<[f64; 3]>,
}

struct Reader<'a> {
    left: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.left.split_at_checked(n)?;
        self.left = tail;
        Some(head)
    }

    fn number(&mut self) -> Option<i32> {
        let bytes = self.take(4)?.first_chunk()?;
        Some(i32::from_le_bytes(*bytes))
    }

    fn count(&mut self) -> Option<usize> {
        usize::try_from(self.number()?).ok()
    }
}

/// Reads a header as far as it makes sense; what does not is as if it were not there.
pub(super) fn diffusion(bytes: &[u8]) -> Diffusion {
    let mut out = Diffusion::default();
    let _ = read(bytes, &mut out);
    out
}

fn read(bytes: &[u8], out: &mut Diffusion) -> Option<()> {
    let mut reader = Reader { left: bytes };
    let second = bytes.starts_with(b"SV10");
    if second {
        reader.take(8)?;
    }
    let tags = reader.count()?;
    reader.take(4)?;
    let mut first_items = None;
    for _ in 0..tags {
        let name = until_nul(reader.take(64)?);
        // Number of values, VR, the scanner's own type.
        reader.take(12)?;
        let items = reader.count()?;
        reader.take(4)?;
        let base = *first_items.get_or_insert(items);
        let mut numbers = Vec::new();
        for _ in 0..items {
            let head = [
                reader.number()?,
                reader.number()?,
                reader.number()?,
                reader.number()?,
            ];
            let len = if second {
                usize::try_from(head[1]).ok()?
            } else {
                usize::try_from(head[0]).ok()?.checked_sub(base)?
            };
            let value = reader.take(len)?;
            // Values start at multiples of four.
            reader.take(len.next_multiple_of(4) - len)?;
            let text = until_nul(value).trim_ascii();
            if matches!(name, B_VALUE | DIRECTION) && !text.is_empty() {
                numbers.push(super::values::decimal(text)?);
            }
        }
        match name {
            B_VALUE => out.b_value = numbers.first().copied(),
            DIRECTION => out.direction = numbers.try_into().ok(),
            _ => {}
        }
    }
    Some(())
}

const B_VALUE: &[u8] = b"B_value";
const DIRECTION: &[u8] = b"DiffusionGradientDirection";

fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|b| *b == 0).next().unwrap_or_default()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A header of either version, made as the scanner does: six places a tag, of which the first are filled.
    pub(in crate::dicom) fn header(second: bool, tags: &[(&str, &str, &[&str])]) -> Vec<u8> {
        let mut out = Vec::new();
        let number = |out: &mut Vec<u8>, n: usize| out.extend((n as u32).to_le_bytes());
        if second {
            out.extend(b"SV10\x04\x03\x02\x01");
        }
        number(&mut out, tags.len());
        number(&mut out, 77);
        for (name, vr, values) in tags {
            let mut field = name.as_bytes().to_vec();
            field.resize(64, 0);
            out.extend(field);
            number(&mut out, values.len());
            out.extend([vr.as_bytes(), &[0, 0]].concat());
            number(&mut out, 0);
            number(&mut out, 6);
            number(&mut out, 77);
            for i in 0..6 {
                let value = values
                    .get(i)
                    .map_or(Vec::new(), |v| format!("{v}\0").into_bytes());
                let len = value.len();
                let heads = if second {
                    [len, len, 77, len]
                } else {
                    [len + 6, 6, 77, 6]
                };
                heads.iter().for_each(|n| number(&mut out, *n));
                out.extend(&value);
                out.resize(out.len().next_multiple_of(4), 0);
            }
        }
        out.extend([0; 4]);
        out
    }

    const TAGS: &[(&str, &str, &[&str])] = &[
        ("EchoLinePosition", "IS", &["64"]),
        ("B_value", "IS", &["1000    "]),
        ("B_matrix", "FD", &["1", "2", "3", "4", "5", "6"]),
        (
            "DiffusionGradientDirection",
            "FD",
            &["0.70710677", "-0.5", "  0.50000000"],
        ),
    ];

    #[test]
    fn both_versions() {
        for second in [true, false] {
            assert_eq!(
                diffusion(&header(second, TAGS)),
                Diffusion {
                    b_value: Some(1000.0),
                    direction: Some([0.707_106_77, -0.5, 0.5]),
                },
                "{second}"
            );
        }
        let unweighted: &[(&str, &str, &[&str])] = &[
            ("B_value", "IS", &["0"]),
            ("DiffusionGradientDirection", "FD", &[]),
        ];
        assert_eq!(
            diffusion(&header(true, unweighted)),
            Diffusion {
                b_value: Some(0.0),
                direction: None
            }
        );
    }

    #[test]
    fn what_is_no_header_says_nothing() {
        assert_eq!(diffusion(b""), Diffusion::default());
        assert_eq!(diffusion(&[0xFF; 400]), Diffusion::default());
        let whole = header(true, TAGS);
        for end in 0..whole.len() {
            diffusion(&whole[..end]);
        }
        // Hostile counts cost no more than the bytes there are.
        let mut many = whole;
        many[8..12].copy_from_slice(&i32::MAX.to_le_bytes());
        assert_eq!(diffusion(&many).b_value, Some(1000.0));
    }
}
