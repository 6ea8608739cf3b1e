//! `dicom_uid_name(uid)`: the name of a UID that DICOM registers.

use std::sync::LazyLock;

use arrow::array::StringBuilder;
use arrow::datatypes::DataType;
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature};

use crate::document::{Family, document};
use crate::text::{map1, text_signature};

const NAME: &str = "dicom_uid_name";

/// PS3.6 annex A: SOP classes, transfer syntaxes, frames of reference, coding schemes and the rest; UID and name, sorted.
/// A file of our own, as the dictionary crate publishes SOP classes only.
static UIDS: LazyLock<Vec<(&str, &str)>> = LazyLock::new(|| {
    include_str!("uids.tsv")
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .collect()
});

/// The SQL function `dicom_uid_name`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct DicomUidName {
    signature: Signature,
}

impl Default for DicomUidName {
    fn default() -> Self {
        Self {
            signature: text_signature(1),
        }
    }
}

impl ScalarUDFImpl for DicomUidName {
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
        map1::<StringBuilder>(NAME, &args, |uid| Ok(name(uid)))
    }

    fn documentation(&self) -> Option<&Documentation> {
        static DOC: LazyLock<Documentation> = LazyLock::new(|| {
            document(
                Family::Dicom,
                "dicom_uid_name(uid)",
                "Name of a UID that DICOM registers (PS3.6 annex A): SOP classes, transfer syntaxes, well-known frames of \
                 reference, coding schemes. NULL for any other UID.",
                &[(
                    "uid",
                    "Text such as `1.2.840.10008.5.1.4.1.1.2`, the column `sop_class_uid`.",
                )],
                "SELECT dicom_uid_name('1.2.840.10008.5.1.4.1.1.2');  -- CT Image Storage",
            )
        });
        Some(&DOC)
    }
}

/// The registered name of a UID; padding around it does not count.
pub fn name(uid: &str) -> Option<&'static str> {
    let uid = uid.trim_matches([' ', '\0']);
    let i = UIDS.binary_search_by(|(known, _)| (*known).cmp(uid)).ok()?;
    UIDS.get(i).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::{UIDS, name};
    use crate::testing::text;

    #[test]
    fn table_is_sorted_and_whole() {
        assert!(UIDS.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!(UIDS.len(), include_str!("uids.tsv").lines().count());
        assert!(
            UIDS.iter()
                .all(|(uid, name)| uid.starts_with("1.2.840.") && !name.is_empty())
        );
    }

    /// The file and the dictionary crate agree where both have a constant.
    #[test]
    fn agrees_with_the_dictionary() {
        use dicom_dictionary_std::uids;
        assert_eq!(name(uids::CT_IMAGE_STORAGE), Some("CT Image Storage"));
        assert_eq!(name(uids::SEGMENTATION_STORAGE), Some("Segmentation Storage"));
        assert_eq!(
            name(uids::EXPLICIT_VR_LITTLE_ENDIAN),
            Some("Explicit VR Little Endian")
        );
        assert_eq!(
            name(uids::JPEG_BASELINE8_BIT),
            Some("JPEG Baseline (Process 1): Default Transfer Syntax for Lossy JPEG 8 Bit Image Compression")
        );
        assert_eq!(
            name("1.2.840.10008.1.4.1.1"),
            Some("Talairach Brain Atlas Frame of Reference")
        );
    }

    #[test]
    fn in_sql() {
        assert_eq!(
            text("dicom_uid_name('1.2.840.10008.5.1.4.1.1.2')").as_deref(),
            Some("CT Image Storage")
        );
        assert_eq!(
            text("dicom_uid_name('1.2.840.10008.5.1.4.1.1.2 ')").as_deref(),
            Some("CT Image Storage")
        );
        assert_eq!(text("dicom_uid_name('1.2.3')"), None);
        assert_eq!(text("dicom_uid_name('')"), None);
        assert_eq!(text("dicom_uid_name(NULL)"), None);
    }
}
