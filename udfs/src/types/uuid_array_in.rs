//! `uuid_array_in(texts)`: what a cast to uuid[] becomes.

use std::sync::LazyLock;

use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::internal_err;
use datafusion::common::utils::take_function_args;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::typed;
use super::uuid::uuids;
use crate::document::{Family, document};
use crate::rows::by_row;

/// The SQL function `uuid_array_in`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct UuidArrayIn {
    signature: Signature,
}

impl Default for UuidArrayIn {
    fn default() -> Self {
        Self {
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }
}

impl ScalarUDFImpl for UuidArrayIn {
    fn name(&self) -> &str {
        "uuid_array_in"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let [values] = take_function_args(self.name(), types)?;
        Ok(vec![match values {
            DataType::List(_) => values.clone(),
            _ => DataType::new_list(DataType::Utf8, true),
        }])
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        internal_err!("{}: the field is asked for", self.name())
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let data_type = match arguments.arg_fields {
            [values] if matches!(values.data_type(), DataType::List(_)) => values.data_type().clone(),
            _ => DataType::new_list(DataType::Utf8, true),
        };
        Ok(typed(self.name(), data_type, "_uuid"))
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        by_row(&args, |values| {
            let [values] = take_function_args(self.name(), values)?;
            uuids(values)
        })
    }

    fn documentation(&self) -> Option<&Documentation> {
        static DOC: LazyLock<Documentation> = LazyLock::new(|| {
            document(
                Family::Text,
                "uuid_array_in(texts)",
                "UUIDs in lower case with hyphens, each read in any of PostgreSQL's forms.",
                &[("texts", "An array of texts.")],
                "SELECT uuid_array_in(ARRAY['A0EEBC999C0B4EF8BB6D6BB9BD380A11']);",
            )
        });
        Some(&DOC)
    }
}
