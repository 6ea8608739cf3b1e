//! `uuid_in(text)`: what a cast to uuid becomes.

use std::sync::LazyLock;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::utils::take_function_args;
use datafusion::common::{exec_err, internal_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::typed;
use super::uuid::{texts_of_bytes, uuids};
use crate::document::{Family, document};
use crate::rows::by_row;

/// The SQL function `uuid_in`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct UuidIn {
    signature: Signature,
}

impl Default for UuidIn {
    fn default() -> Self {
        Self {
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }
}

impl ScalarUDFImpl for UuidIn {
    fn name(&self) -> &str {
        "uuid_in"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let [value] = take_function_args(self.name(), types)?;
        // What is no text is said to be no cast where its type has a name, in the engine.
        Ok(vec![match value {
            value if value.is_string() || value.is_null() => DataType::Utf8,
            other => other.clone(),
        }])
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        internal_err!("{}: the field is asked for", self.name())
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let _ = arguments;
        Ok(typed(self.name(), DataType::Utf8, "uuid"))
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        by_row(&args, |values| {
            let [values] = take_function_args(self.name(), values)?;
            match (values.data_type(), values.as_fixed_size_binary_opt()) {
                (DataType::Utf8, _) => uuids(values),
                (DataType::FixedSizeBinary(16), Some(bytes)) => texts_of_bytes(bytes),
                (other, _) => exec_err!("cannot cast type {other} to uuid"),
            }
        })
    }

    fn documentation(&self) -> Option<&Documentation> {
        static DOC: LazyLock<Documentation> = LazyLock::new(|| {
            document(
                Family::Text,
                "uuid_in(text)",
                "A UUID in lower case with hyphens, read in any of PostgreSQL's forms.",
                &[(
                    "text",
                    "A UUID: upper or lower case, with or without braces and hyphens.",
                )],
                "SELECT uuid_in('{A0EEBC999C0B4EF8BB6D6BB9BD380A11}');  -- a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
            )
        });
        Some(&DOC)
    }
}
