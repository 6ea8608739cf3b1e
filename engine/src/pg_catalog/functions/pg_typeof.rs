//! `pg_typeof(value)`: the name of an expression's type.

use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use crate::enumeration::Enumeration;
use crate::pg_catalog::types::{PG_TYPE_KEY, PgKind, PgType, format_builtin, pg_type_of};

/// The function. Its result is text; PostgreSQL's `regtype` shows the same.
pub(crate) fn pg_typeof() -> ScalarUDF {
    ScalarUDF::from(PgTypeof {
        signature: Signature::any(1, Volatility::Stable),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct PgTypeof {
    signature: Signature,
}

impl ScalarUDFImpl for PgTypeof {
    fn name(&self) -> &str {
        "pg_typeof"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let Some(field) = args.arg_fields.first() else {
            return internal_err!("pg_typeof takes one argument");
        };
        let name = match field.data_type() {
            DataType::Null => "unknown".to_owned(),
            _ => match field
                .metadata()
                .get(PG_TYPE_KEY)
                .filter(|name| Enumeration::is_one(name))
            {
                Some(name) => match name.strip_prefix('_') {
                    Some(element) => format!("{}[]", enumeration(element)),
                    None => enumeration(name),
                },
                None => shown(&pg_type_of(field)),
            },
        };
        Ok(ColumnarValue::Scalar(ScalarValue::Utf8(Some(name))))
    }
}

fn enumeration(name: &str) -> String {
    Enumeration::named(name).map_or_else(String::new, |of| crate::pg_catalog::names::quote(&of.name))
}

fn shown(pg_type: &PgType) -> String {
    if let Some(name) = format_builtin(pg_type.oid, -1) {
        return name;
    }
    match &pg_type.kind {
        PgKind::Array(element) => format!("{}[]", shown(element)),
        _ if pg_type.name() == "code" => "imaging.code".to_owned(),
        _ => "record".to_owned(),
    }
}
