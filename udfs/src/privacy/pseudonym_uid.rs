//! `pseudonym_uid(uid)`: another UID for a UID, the same wherever it stands in the lake.

use arrow::datatypes::DataType;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::key::pseudonyms;
use crate::document::{Family, document};
use crate::text::text_signature;

const NAME: &str = "pseudonym_uid";

/// The SQL function `pseudonym_uid`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct PseudonymUid {
    signature: Signature,
}

impl Default for PseudonymUid {
    fn default() -> Self {
        let mut signature = text_signature(1);
        signature.volatility = Volatility::Stable;
        Self { signature }
    }
}

impl ScalarUDFImpl for PseudonymUid {
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
        pseudonyms(NAME, &args, |hash| {
            let mut number = [0; 16];
            number.copy_from_slice(&hash[..16]);
            format!("2.25.{}", u128::from_be_bytes(number))
        })
    }

    fn documentation(&self) -> Option<&Documentation> {
        static DOC: std::sync::LazyLock<Documentation> = std::sync::LazyLock::new(|| {
            document(
                Family::Privacy,
                "pseudonym_uid(uid)",
                "Another DICOM UID for a UID, under 2.25 (PS3.5 annex B.2), from HMAC-SHA-256 under the lake's own key. The \
                 same UID has the same one in every table, so that studies, series and instances still belong together.",
                &[("uid", "A UID.")],
                "SELECT pseudonym_uid('1.2.3') LIKE '2.25.%';  -- true",
            )
        });
        Some(&DOC)
    }
}
