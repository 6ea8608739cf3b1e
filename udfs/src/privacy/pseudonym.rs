//! `pseudonym(value)`: another name for a value, the same wherever it stands in the lake.

use std::fmt::Write;

use arrow::datatypes::DataType;
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature};

use super::key::pseudonyms;
use crate::document::{Family, document};
use crate::text::text_signature;

const NAME: &str = "pseudonym";

/// The SQL function `pseudonym`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Pseudonym {
    signature: Signature,
}

impl Default for Pseudonym {
    fn default() -> Self {
        let mut signature = text_signature(1);
        signature.volatility = datafusion::logical_expr::Volatility::Stable;
        Self { signature }
    }
}

impl ScalarUDFImpl for Pseudonym {
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
            hash[..16]
                .iter()
                .fold(String::with_capacity(32), |mut text, byte| {
                    let _ = write!(text, "{byte:02x}");
                    text
                })
        })
    }

    fn documentation(&self) -> Option<&Documentation> {
        static DOC: std::sync::LazyLock<Documentation> = std::sync::LazyLock::new(|| {
            document(
                Family::Privacy,
                "pseudonym(value)",
                "Another name for a value: 32 hexadecimal digits of HMAC-SHA-256 under the lake's own key. The same value has \
                 the same pseudonym in every table, so that joins go on working; without the key, values cannot be tried.",
                &[("value", "An identifier, such as a patient's.")],
                "SELECT pseudonym('P1') = pseudonym('P1');  -- true",
            )
        });
        Some(&DOC)
    }
}
