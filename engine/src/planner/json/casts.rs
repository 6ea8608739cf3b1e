//! Casts of a jsonb that is a number or a truth value to numbers and `boolean`.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanBuilder, Int64Builder, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::common::{Result, internal_err};
use datafusion::logical_expr::expr::{Cast, ScalarFunction};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use radlake_udfs::json::scalar;

use super::name_of;
use crate::Error;

/// What a document is read as.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Read {
    name: &'static str,
    gives: DataType,
    /// PostgreSQL's name of the type that is wanted, for messages.
    wanted: String,
    signature: Signature,
}

/// A cast of a jsonb, if there is one to such a type.
pub(super) fn planned(cast: Cast) -> Option<Expr> {
    let to = cast.field.data_type();
    let (name, gives) = match to {
        DataType::Boolean => ("jsonb_bool", DataType::Boolean),
        whole if whole.is_integer() => ("jsonb_int8", DataType::Int64),
        number if number.is_numeric() => ("jsonb_numeric", DataType::Utf8),
        _ => return None,
    };
    let same = *to == gives;
    let read = ScalarUDF::from(Read {
        name,
        gives,
        wanted: name_of(to),
        signature: Signature::any(1, Volatility::Immutable),
    });
    let value = Expr::ScalarFunction(ScalarFunction::new_udf(Arc::new(read), vec![*cast.expr]));
    Some(match same {
        true => value,
        false => Expr::Cast(Cast {
            expr: Box::new(value),
            field: cast.field,
        }),
    })
}

impl Read {
    fn refused<T>(&self, kind: &str) -> Result<T> {
        let kind = if kind == "number" { "numeric" } else { kind };
        Err(Error::InvalidParameter(format!("cannot cast jsonb {kind} to type {}", self.wanted)).into())
    }

    fn run(&self, columns: &[ArrayRef]) -> Result<ArrayRef> {
        let [documents] = columns else {
            return internal_err!("{} takes a document", self.name);
        };
        let documents = cast(documents, &DataType::Utf8)?;
        let documents = documents.as_string::<i32>().iter();
        let number = |document: &str| -> Result<String> {
            match scalar(document)? {
                ("number", digits) => Ok(digits),
                (kind, _) => self.refused(kind),
            }
        };
        match self.gives {
            DataType::Boolean => {
                let mut out = BooleanBuilder::new();
                for document in documents {
                    out.append_option(match document.map(scalar).transpose()? {
                        None => None,
                        Some(("boolean", word)) => Some(word == "true"),
                        Some((kind, _)) => return self.refused(kind),
                    });
                }
                Ok(Arc::new(out.finish()))
            }
            DataType::Int64 => {
                let mut out = Int64Builder::new();
                for document in documents {
                    let rounded = match document.map(number).transpose()? {
                        None => None,
                        Some(digits) => match rounded(&digits) {
                            Some(whole) => Some(whole),
                            None => return Err(Error::NumericOverflow(self.wanted.clone()).into()),
                        },
                    };
                    out.append_option(rounded);
                }
                Ok(Arc::new(out.finish()))
            }
            _ => {
                let mut out = StringBuilder::new();
                for document in documents {
                    out.append_option(document.map(number).transpose()?);
                }
                Ok(Arc::new(out.finish()))
            }
        }
    }
}

/// The whole number next to a number, halves away from zero.
fn rounded(digits: &str) -> Option<i64> {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let value: i64 = whole.parse().ok()?;
    match fraction.starts_with(['5', '6', '7', '8', '9']) {
        true if whole.starts_with('-') => value.checked_sub(1),
        true => value.checked_add(1),
        false => Some(value),
    }
}

impl ScalarUDFImpl for Read {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.gives.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        radlake_udfs::by_row(&args, |columns| self.run(columns))
    }
}
