//! Makes a DataFusion function of a row-wise body.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::pg_catalog::context::Context;
use crate::pg_catalog::error::CatalogError;
use crate::pg_catalog::rows::{Value, array};
use crate::pg_catalog::types;

/// One argument of one row.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Arg<'a> {
    /// NULL, or a value of a type that no catalog function reads.
    Null,
    Int(i64),
    Bool(bool),
    Text(&'a str),
}

impl<'a> Arg<'a> {
    /// The argument as an OID: an integer, or a text of digits.
    pub(crate) fn oid(self) -> Option<u32> {
        match self {
            Arg::Int(v) => u32::try_from(v).ok(),
            Arg::Text(t) => t.trim().parse().ok(),
            _ => None,
        }
    }

    pub(crate) fn int(self) -> Option<i64> {
        match self {
            Arg::Int(v) => Some(v),
            Arg::Text(t) => t.trim().parse().ok(),
            _ => None,
        }
    }

    pub(crate) fn text(self) -> Option<&'a str> {
        if let Arg::Text(t) = self { Some(t) } else { None }
    }

    pub(crate) fn bool(self) -> Option<bool> {
        match self {
            Arg::Bool(v) => Some(v),
            Arg::Text(t) => match t {
                "t" | "true" | "on" | "yes" | "1" => Some(true),
                "f" | "false" | "off" | "no" | "0" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }
}

/// What a body gives for a row.
pub(crate) type Outcome = Result<Value<'static>, CatalogError>;

/// A function: its name, what it takes and gives, and what it does.
#[derive(Debug)]
pub(crate) struct Spec {
    pub(crate) name: &'static str,
    /// Smallest and largest number of arguments.
    pub(crate) arguments: (usize, usize),
    /// Result type by its name in `pg_type`.
    pub(crate) returns: &'static str,
    /// NULL for a NULL argument without asking the body.
    pub(crate) strict: bool,
    pub(crate) volatile: bool,
    pub(crate) body: fn(&Context, &[Arg<'_>]) -> Outcome,
    /// For a constant argument: all rows at once.
    pub(crate) many: Option<Many>,
}

/// A body that gives the numbers of all rows for one argument.
pub(crate) type Many = fn(&Context, Arg<'_>, usize) -> Result<Vec<i64>, CatalogError>;

impl Spec {
    /// A strict stable function.
    pub(crate) const fn new(
        name: &'static str,
        arguments: (usize, usize),
        returns: &'static str,
        body: fn(&Context, &[Arg<'_>]) -> Outcome,
    ) -> Self {
        Self {
            name,
            arguments,
            returns,
            strict: true,
            volatile: false,
            body,
            many: None,
        }
    }

    /// The function gives all rows at once where its argument is constant.
    pub(crate) const fn many(mut self, many: Many) -> Self {
        self.many = Some(many);
        self
    }

    /// The function is called for NULL arguments too.
    pub(crate) const fn called_on_null(mut self) -> Self {
        self.strict = false;
        self
    }

    /// The function has effects: it is called once per row, never folded.
    pub(crate) const fn volatile(mut self) -> Self {
        self.volatile = true;
        self
    }
}

/// The DataFusion function of a spec.
pub(crate) fn function(spec: &'static Spec, context: &Arc<Context>) -> ScalarUDF {
    let (least, most) = spec.arguments;
    let forms = (least..=most)
        .map(|n| {
            if n == 0 {
                TypeSignature::Nullary
            } else {
                TypeSignature::Any(n)
            }
        })
        .collect();
    let volatility = if spec.volatile {
        Volatility::Volatile
    } else {
        Volatility::Stable
    };
    let signature = Signature::one_of(forms, volatility);
    let returns = types::arrow_type_named(spec.returns).unwrap_or(DataType::Utf8);
    ScalarUDF::from(CatalogFunction {
        spec,
        signature,
        returns,
        context: Arc::clone(context),
    })
}

#[derive(Debug)]
struct CatalogFunction {
    spec: &'static Spec,
    signature: Signature,
    returns: DataType,
    context: Arc<Context>,
}

impl PartialEq for CatalogFunction {
    fn eq(&self, other: &Self) -> bool {
        self.spec.name == other.spec.name && Arc::ptr_eq(&self.context, &other.context)
    }
}

impl Eq for CatalogFunction {}

impl Hash for CatalogFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.spec.name.hash(state);
        Arc::as_ptr(&self.context).hash(state);
    }
}

impl ScalarUDFImpl for CatalogFunction {
    fn name(&self) -> &str {
        self.spec.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(self.returns.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let constant = args.args.iter().all(|a| matches!(a, ColumnarValue::Scalar(_))) && !self.spec.volatile;
        let rows = if constant { 1 } else { args.number_rows };
        let columns = args
            .args
            .iter()
            .map(|a| a.to_array(rows).and_then(|a| Column::new(&a)))
            .collect::<Result<Vec<_>>>()?;
        if let (Some(many), [ColumnarValue::Scalar(_)], [column], true) =
            (self.spec.many, args.args.as_slice(), columns.as_slice(), rows > 0)
            && !matches!(column.at(0), Arg::Null)
        {
            let numbers = many(&self.context, column.at(0), rows)?;
            return Ok(ColumnarValue::Array(Arc::new(Int64Array::from(numbers))));
        }
        let mut values = Vec::with_capacity(rows);
        let mut row_args = Vec::with_capacity(columns.len());
        for row in 0..rows {
            row_args.clear();
            row_args.extend(columns.iter().map(|c| c.at(row)));
            let null = self.spec.strict && row_args.iter().any(|a| matches!(a, Arg::Null));
            values.push(if null {
                Value::Null
            } else {
                (self.spec.body)(&self.context, &row_args)?
            });
        }
        let result = array(&self.returns, values.into_iter())?;
        if constant {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?));
        }
        Ok(ColumnarValue::Array(result))
    }
}

/// An argument's values in one of the three forms that bodies read.
enum Column {
    Int(Int64Array),
    Bool(BooleanArray),
    Text(StringArray),
    Other,
}

impl Column {
    fn new(array: &ArrayRef) -> Result<Self> {
        Ok(match array.data_type() {
            t if t.is_integer() => {
                Self::Int(cast(array, &DataType::Int64)?.as_primitive::<Int64Type>().clone())
            }
            DataType::Boolean => Self::Bool(array.as_boolean().clone()),
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
                Self::Text(cast(array, &DataType::Utf8)?.as_string::<i32>().clone())
            }
            DataType::Dictionary(_, value) => return Self::new(&cast(array, value)?),
            _ => Self::Other,
        })
    }

    fn at(&self, row: usize) -> Arg<'_> {
        match self {
            Self::Int(a) if a.is_valid(row) => Arg::Int(a.value(row)),
            Self::Bool(a) if a.is_valid(row) => Arg::Bool(a.value(row)),
            Self::Text(a) if a.is_valid(row) => Arg::Text(a.value(row)),
            _ => Arg::Null,
        }
    }
}
