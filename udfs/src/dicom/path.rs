//! Where in a data set a value stands: `RequestedProcedureCodeSequence[0].CodeMeaning`.

use super::json::{Cursor, Malformed};
use super::tag;

/// Longest path that is understood, in elements.
const MAX_STEPS: usize = 32;

/// Why a text is not a path into a data set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// The dictionary has no such keyword.
    #[error("\"{keyword}\" is no DICOM keyword{}; private elements are named by tag, such as (0009,1001)", .similar.map(|s| format!(" (did you mean {s}?)")).unwrap_or_default())]
    UnknownKeyword {
        /// What stood where a keyword or tag was expected.
        keyword: String,
        /// The keyword that was probably meant.
        similar: Option<&'static str>,
    },
    /// What stands in brackets is not the number of an item.
    #[error("\"{step}\": the number of an item, from 0, is wanted between [ and ]")]
    Item {
        /// The element of the path with its brackets.
        step: String,
    },
    /// An element of the path is empty.
    #[error("\"{path}\" lacks a keyword or tag: wanted is Keyword, (gggg,eeee) or Sequence[0].Keyword")]
    Empty {
        /// The whole path.
        path: String,
    },
    /// The path has too many elements.
    #[error("a path may have {MAX_STEPS} elements, this one has {steps}")]
    TooLong {
        /// Elements of the path.
        steps: usize,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    /// The tag as DICOM JSON writes it: eight hexadecimal digits.
    key: String,
    /// Which item of a sequence, or which of several values.
    item: Option<usize>,
}

/// A path into a data set in DICOM JSON (PS3.18 annex F).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    steps: Vec<Step>,
}

impl Path {
    /// Reads a path: elements separated by dots, each a keyword or a tag, `[n]` behind it for an item of a sequence (the first
    /// if it is left out) or for one of several values.
    ///
    /// # Errors
    /// Names the element that is not understood.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        let parts = text.split('.').count();
        if parts > MAX_STEPS {
            return Err(PathError::TooLong { steps: parts });
        }
        let step = |part: &str| {
            let part = part.trim();
            let (name, item) = match part.split_once('[') {
                None => (part, None),
                Some((name, rest)) => {
                    let item = rest
                        .strip_suffix(']')
                        .filter(|n| n.bytes().all(|b| b.is_ascii_digit()));
                    match item.and_then(|n| n.parse().ok()) {
                        Some(n) => (name.trim(), Some(n)),
                        None => {
                            return Err(PathError::Item {
                                step: part.to_owned(),
                            });
                        }
                    }
                }
            };
            if name.is_empty() {
                return Err(PathError::Empty {
                    path: text.to_owned(),
                });
            }
            let Some(tag) = tag::parse(name).or_else(|| tag::of_keyword(name)) else {
                return Err(PathError::UnknownKeyword {
                    keyword: name.to_owned(),
                    similar: tag::similar_keyword(name),
                });
            };
            Ok(Step {
                key: format!("{:04X}{:04X}", tag.group(), tag.element()),
                item,
            })
        };
        Ok(Self {
            steps: text.split('.').map(step).collect::<Result<_, _>>()?,
        })
    }

    /// Writes the value at this path of the data set `json` into `out`, which is emptied first; `false` where there is none.
    ///
    /// Several values are joined by backslashes, as DICOM does; of a person's name the alphabetic representation is taken; an
    /// item or a whole sequence comes as DICOM JSON; inline binaries as base64, those stored elsewhere as their URI.
    pub(crate) fn seek(&self, json: &str, out: &mut String) -> Result<bool, Malformed> {
        out.clear();
        let Some((last, sequences)) = self.steps.split_last() else {
            return Ok(false);
        };
        let mut at = Cursor::new(json);
        for step in sequences {
            let found = at.members(|key, _| Ok(key.eq_ignore_ascii_case(&step.key)))?
                && at.member("Value")?
                && at.element(step.item.unwrap_or(0))?
                && at.peek()? == b'{';
            if !found {
                return Ok(false);
            }
        }
        if !at.members(|key, _| Ok(key.eq_ignore_ascii_case(&last.key)))? {
            return Ok(false);
        }
        let mut vr = None;
        let (mut values, mut other) = (None, None);
        let _ = at.members(|key, mut value| {
            match key {
                "vr" => vr = Some(value.string()?),
                "Value" => values = Some(value),
                "InlineBinary" | "BulkDataURI" => other = Some(value),
                _ => {}
            }
            Ok(false)
        })?;
        match (values, other) {
            (Some(values), _) => render(values, vr.as_deref() == Some("SQ"), last.item, out),
            (None, Some(mut other)) => {
                out.push_str(&other.string()?);
                Ok(!out.is_empty())
            }
            (None, None) => Ok(false),
        }
    }
}

/// Writes the array of values at `values`, or the one that is asked for.
fn render(
    mut values: Cursor<'_>,
    sequence: bool,
    item: Option<usize>,
    out: &mut String,
) -> Result<bool, Malformed> {
    if let Some(item) = item {
        return Ok(values.element(item)?
            && if sequence {
                raw(values, out)?
            } else {
                one(values, out)?
            });
    }
    if sequence {
        let empty = !values.clone().element(0)?;
        return Ok(!empty && raw(values, out)?);
    }
    let mut any = false;
    let _ = values.elements(|i, value| {
        if i > 0 {
            out.push('\\');
        }
        any |= one(value, out)?;
        Ok(false)
    })?;
    Ok(any)
}

fn raw(mut value: Cursor<'_>, out: &mut String) -> Result<bool, Malformed> {
    out.push_str(value.skip()?);
    Ok(true)
}

/// Writes one value; `false` where it is empty, which for DICOM is no value.
fn one(mut value: Cursor<'_>, out: &mut String) -> Result<bool, Malformed> {
    let before = out.len();
    match value.peek()? {
        b'"' => out.push_str(&value.string()?),
        b'{' => {
            if value.member("Alphabetic")? {
                // Trailing empty components say nothing, as for dicom_person_name.
                out.push_str(value.string()?.trim_end_matches('^'));
            }
        }
        b'[' => out.push_str(value.skip()?),
        _ => match value.scalar()? {
            "null" => {}
            scalar => out.push_str(scalar),
        },
    }
    Ok(out.len() > before)
}

#[cfg(test)]
mod tests {
    use super::{Path, PathError};

    const DATASET: &str = r#"{
        "00080008": {"vr": "CS", "Value": ["ORIGINAL", null, "AXIAL"]},
        "00080060": {"vr": "CS", "Value": ["CT"]},
        "00100010": {"vr": "PN", "Value": [{"Ideographic": "山田^太郎", "Alphabetic": "Yamada^Tarou"}]},
        "00100020": {"vr": "LO", "Value": ["A\\B \"q\" \u00e9"]},
        "00180050": {"Value": [1.25], "vr": "DS"},
        "00280030": {"vr": "DS", "Value": [0.5, 0.25]},
        "00321064": {"vr": "SQ", "Value": [
            {"00080100": {"vr": "SH", "Value": ["X"]}, "00080104": {"vr": "LO", "Value": ["Chest, \"CT\""]}},
            {"00080104": {"vr": "LO", "Value": ["Second"]}}]},
        "0040A730": {"vr": "SQ", "Value": []},
        "00091001": {"vr": "UN", "InlineBinary": "AAEC"},
        "00189999": {"vr": "OW", "BulkDataURI": "x"},
        "00201041": {"vr": "DS", "Value": [null]},
        "00204000": {"vr": "LT"}
    }"#;

    fn seek(path: &str) -> Option<String> {
        let mut out = String::from("left over");
        Path::parse(path)
            .unwrap()
            .seek(DATASET, &mut out)
            .unwrap()
            .then_some(out)
    }

    #[test]
    fn values() {
        assert_eq!(seek("SliceThickness").as_deref(), Some("1.25"));
        assert_eq!(seek("(0018,0050)").as_deref(), Some("1.25"));
        assert_eq!(seek("00180050").as_deref(), Some("1.25"));
        assert_eq!(seek("PixelSpacing").as_deref(), Some("0.5\\0.25"));
        assert_eq!(seek("PixelSpacing[1]").as_deref(), Some("0.25"));
        assert_eq!(seek("PixelSpacing[2]"), None);
        assert_eq!(seek("ImageType").as_deref(), Some("ORIGINAL\\\\AXIAL"));
        assert_eq!(seek("PatientName").as_deref(), Some("Yamada^Tarou"));
        assert_eq!(seek("PatientID").as_deref(), Some("A\\B \"q\" é"));
        assert_eq!(seek("(0009,1001)").as_deref(), Some("AAEC"));
        assert_eq!(seek("00189999").as_deref(), Some("x"));
    }

    #[test]
    fn sequences() {
        assert_eq!(
            seek("RequestedProcedureCodeSequence[0].CodeMeaning").as_deref(),
            Some("Chest, \"CT\"")
        );
        assert_eq!(
            seek("RequestedProcedureCodeSequence.CodeMeaning").as_deref(),
            Some("Chest, \"CT\"")
        );
        assert_eq!(seek("(0032,1064)[1].00080104").as_deref(), Some("Second"));
        assert_eq!(seek("RequestedProcedureCodeSequence[2].CodeMeaning"), None);
        let item = seek("RequestedProcedureCodeSequence[1]").unwrap();
        assert_eq!(item, r#"{"00080104": {"vr": "LO", "Value": ["Second"]}}"#);
        assert!(seek("RequestedProcedureCodeSequence").unwrap().starts_with('['));
        assert_eq!(seek("ContentSequence"), None);
        assert_eq!(seek("Modality.CodeMeaning"), None);
    }

    #[test]
    fn empty_and_absent_are_null() {
        assert_eq!(seek("SliceLocation"), None);
        assert_eq!(seek("ImageComments"), None);
        assert_eq!(seek("StudyDate"), None);
    }

    #[test]
    fn errors_name_what_is_wrong() {
        let error = |path: &str| Path::parse(path).unwrap_err().to_string();
        assert!(error("SliceThicknes").contains("\"SliceThicknes\""));
        assert!(error("slice_thickness").contains("did you mean SliceThickness?"));
        assert!(error("Modality[x]").contains("Modality[x]"));
        assert!(error("Modality[-1]").contains("Modality[-1]"));
        assert!(error("Modality[1").contains("Modality[1"));
        assert!(error("Modality[99999999999999999999999]").contains("from 0"));
        assert_eq!(Path::parse(""), Err(PathError::Empty { path: String::new() }));
        assert!(error("Modality..CodeMeaning").contains("lacks"));
        assert!(error("[0]").contains("lacks"));
        assert!(error(&"Modality.".repeat(100)).contains("101"));
    }

    #[test]
    fn malformed_json_is_an_error() {
        let path = Path::parse("Modality").unwrap();
        let mut out = String::new();
        for bad in [
            "",
            "no",
            "[]",
            "{\"00080060\":",
            "{\"00080060\":{\"Value\":[\"CT\"",
            "{\"00080060\":1}",
        ] {
            assert!(path.seek(bad, &mut out).is_err(), "{bad}");
        }
    }
}
