//! `namein(text)`: what a cast to name becomes.

use std::sync::LazyLock;

use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::internal_err;
use datafusion::common::utils::take_function_args;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::name::names;
use super::typed;
use crate::document::{Family, document};
use crate::rows::by_row;

/// The SQL function `namein`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct NameIn {
    signature: Signature,
}

impl Default for NameIn {
    fn default() -> Self {
        Self {
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }
}

impl ScalarUDFImpl for NameIn {
    fn name(&self) -> &str {
        "namein"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let [_] = take_function_args(self.name(), types)?;
        Ok(vec![DataType::Utf8])
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        internal_err!("{}: the field is asked for", self.name())
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let _ = arguments;
        Ok(typed(self.name(), DataType::Utf8, "name"))
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        by_row(&args, |values| {
            let [values] = take_function_args(self.name(), values)?;
            Ok(names(values))
        })
    }

    fn documentation(&self) -> Option<&Documentation> {
        static DOC: LazyLock<Documentation> = LazyLock::new(|| {
            document(
                Family::Text,
                "namein(text)",
                "The first characters of a text that fit into 63 bytes.",
                &[("text", "Text to cut.")],
                "SELECT namein(repeat('x', 70));",
            )
        });
        Some(&DOC)
    }
}
