//! `dicom_keyword(tag)`: the keyword of a tag.

use std::sync::LazyLock;

use arrow::array::StringBuilder;
use arrow::datatypes::DataType;
use datafusion::common::exec_err;
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature};

use super::tag;
use crate::document::{Family, document};
use crate::text::{map1, text_signature};

const NAME: &str = "dicom_keyword";

/// The SQL function `dicom_keyword`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct DicomKeyword {
    signature: Signature,
}

impl Default for DicomKeyword {
    fn default() -> Self {
        Self {
            signature: text_signature(1),
        }
    }
}

impl ScalarUDFImpl for DicomKeyword {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        map1::<StringBuilder>(NAME, &args, |text| {
            let text = text.trim();
            if let Some(tag) = tag::parse(text) {
                return Ok(tag::keyword(tag));
            }
            match tag::of_keyword(text) {
                Some(tag) => Ok(tag::keyword(tag)),
                None => {
                    exec_err!("dicom_keyword: \"{text}\" is neither a tag such as (0018,0050) nor a keyword")
                }
            }
        })
    }

    fn documentation(&self) -> Option<&Documentation> {
        static DOC: LazyLock<Documentation> = LazyLock::new(|| {
            document(
                Family::Dicom,
                "dicom_keyword(tag)",
                "Keyword of a tag in DICOM's dictionary (PS3.6). NULL for tags that the dictionary does not have, such as \
                 private ones. A keyword answers itself.",
                &[(
                    "tag",
                    "Text of the form `(0018,0050)`, `0018,0050` or `00180050`.",
                )],
                "SELECT dicom_keyword('(0018,0050)');  -- SliceThickness",
            )
        });
        Some(&DOC)
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{error, text};

    #[test]
    fn in_sql() {
        assert_eq!(
            text("dicom_keyword('(0018,0050)')").as_deref(),
            Some("SliceThickness")
        );
        assert_eq!(
            text("dicom_keyword('00180050')").as_deref(),
            Some("SliceThickness")
        );
        assert_eq!(
            text("dicom_keyword('SliceThickness')").as_deref(),
            Some("SliceThickness")
        );
        assert_eq!(
            text("dicom_keyword('(6004,0010)')").as_deref(),
            Some("OverlayRows")
        );
        assert_eq!(text("dicom_keyword('(0009,1001)')"), None);
        assert_eq!(text("dicom_keyword(NULL)"), None);
        assert!(error("dicom_keyword('slice')").contains("\"slice\""));
    }
}
