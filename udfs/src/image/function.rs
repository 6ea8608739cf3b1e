//! What the functions over images have in common: kinds of arguments, rows, and one implementation of DataFusion's trait.

use std::hash::{Hash, Hasher};

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimestampMicrosecondType};
use datafusion::common::{exec_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::scalar::ScalarValue;
use radlake_kernels::{Error, Mask};

use super::kind::{Kind, coerce_all};
use super::roi::{ImageView, image_at};

/// A function whose answer depends on nothing but its arguments.
pub(super) struct Declared {
    /// Its name in SQL.
    pub(super) name: &'static str,
    /// Its arguments.
    pub(super) kinds: &'static [Kind],
    /// How many of them there must be; the others may be left out.
    pub(super) needed: usize,
    /// The type of its answers.
    pub(super) returns: DataType,
    /// Computes them, one per row.
    pub(super) run: fn(&Arguments) -> Result<ArrayRef>,
    /// Its documentation, whose arguments are named as in calls by name.
    pub(super) documentation: Documentation,
}

impl Declared {
    /// The function as it is registered.
    pub(super) fn function(self) -> ScalarUDF {
        let names = self.documentation.arguments.iter().flatten();
        let names: Vec<String> = names.map(|(name, _)| name.clone()).collect();
        let plain = Signature::user_defined(Volatility::Immutable);
        let signature = plain.clone().with_parameter_names(names).unwrap_or(plain);
        ScalarUDF::from(ImageFunction {
            declared: self,
            signature,
        })
    }
}

struct ImageFunction {
    declared: Declared,
    signature: Signature,
}

impl std::fmt::Debug for ImageFunction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.declared.name)
    }
}

// A name is a function's identity: no two of them have the same.
impl PartialEq for ImageFunction {
    fn eq(&self, other: &Self) -> bool {
        self.declared.name == other.declared.name
    }
}

impl Eq for ImageFunction {}

impl Hash for ImageFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.declared.name.hash(state);
    }
}

impl ScalarUDFImpl for ImageFunction {
    fn name(&self) -> &str {
        self.declared.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        let Declared {
            name, kinds, needed, ..
        } = &self.declared;
        if !(*needed..=kinds.len()).contains(&given.len()) {
            return if *needed == kinds.len() {
                plan_err!("{name} takes {needed} argument(s), not {}", given.len())
            } else {
                plan_err!(
                    "{name} takes {needed} to {} arguments, not {}",
                    kinds.len(),
                    given.len()
                )
            };
        }
        coerce_all(name, kinds, given)
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.declared.returns.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arguments = Arguments::new(self.declared.name, &args)?;
        let answer = (self.declared.run)(&arguments)?;
        if arguments.constant {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&answer, 0)?));
        }
        Ok(ColumnarValue::Array(answer))
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.declared.documentation)
    }
}

/// The arguments of a batch, of the types that their kinds stand for. A constant is kept once, since an image may be a gigabyte.
pub(super) struct Arguments {
    /// The function, for messages.
    pub(super) name: &'static str,
    columns: Vec<(ArrayRef, bool)>,
    rows: usize,
    constant: bool,
}

impl Arguments {
    fn new(name: &'static str, args: &ScalarFunctionArgs) -> Result<Self> {
        let columns = args.args.iter().map(|value| match value {
            ColumnarValue::Array(array) => Ok((array.clone(), false)),
            ColumnarValue::Scalar(scalar) => Ok((scalar.to_array_of_size(1)?, true)),
        });
        let columns: Vec<_> = columns.collect::<Result<_>>()?;
        let constant = columns.iter().all(|(_, constant)| *constant);
        Ok(Self {
            name,
            columns,
            rows: if constant { 1 } else { args.number_rows },
            constant,
        })
    }

    /// The rows to compute, in order.
    pub(super) fn rows(&self) -> std::ops::Range<usize> {
        0..self.rows
    }

    /// Argument `k` and the place of `row` in it; `None` where it is NULL or left out.
    fn at(&self, k: usize, row: usize) -> Option<(&ArrayRef, usize)> {
        let (column, constant) = self.columns.get(k)?;
        let row = if *constant { 0 } else { row };
        // Arrays of the type Null have no bitmap.
        (column.is_valid(row) && !column.data_type().is_null()).then_some((column, row))
    }

    /// A region or volume.
    ///
    /// # Errors
    /// A struct whose parts do not fit together.
    pub(super) fn image(&self, k: usize, row: usize) -> Result<Option<ImageView>> {
        match self.at(k, row) {
            Some((column, row)) => match column.as_struct_opt() {
                Some(column) => image_at(self.name, column, row),
                None => exec_err!("{}: no region or volume: {}", self.name, column.data_type()),
            },
            None => Ok(None),
        }
    }

    /// The mask of a region, on its grid; `None` where region or mask is NULL.
    ///
    /// # Errors
    /// As [`Arguments::image`].
    pub(super) fn mask(&self, k: usize, row: usize) -> Result<Option<Mask>> {
        let Some(view) = self.image(k, row)? else {
            return Ok(None);
        };
        let voxels = view.mask().map(|mask| mask.iter().map(|&v| v != 0).collect());
        Ok(voxels.map(|voxels| Mask {
            geometry: view.geometry,
            voxels,
        }))
    }

    /// A number.
    pub(super) fn number(&self, k: usize, row: usize) -> Option<f64> {
        let (column, row) = self.at(k, row)?;
        Some(column.as_primitive_opt::<Float64Type>()?.value(row))
    }

    /// An integer.
    pub(super) fn integer(&self, k: usize, row: usize) -> Option<i64> {
        let (column, row) = self.at(k, row)?;
        Some(column.as_primitive_opt::<Int64Type>()?.value(row))
    }

    /// An instant, in microseconds; of two arguments both have a zone or neither has.
    pub(super) fn instant(&self, k: usize, row: usize) -> Option<i64> {
        let (column, row) = self.at(k, row)?;
        Some(column.as_primitive_opt::<TimestampMicrosecondType>()?.value(row))
    }

    /// A text.
    pub(super) fn text(&self, k: usize, row: usize) -> Option<&str> {
        let (column, row) = self.at(k, row)?;
        Some(column.as_string_opt::<i32>()?.value(row))
    }

    /// A text of a struct's field.
    pub(super) fn field(&self, k: usize, row: usize, name: &str) -> Option<&str> {
        let (column, row) = self.at(k, row)?;
        let field = column
            .as_struct_opt()?
            .column_by_name(name)?
            .as_string_opt::<i32>()?;
        field.is_valid(row).then(|| field.value(row))
    }

    /// An array of numbers, as many as `N`.
    ///
    /// # Errors
    /// Another number of them, or a NULL among them.
    pub(super) fn numbers<const N: usize>(&self, k: usize, row: usize) -> Result<Option<[f64; N]>> {
        let Some((column, row)) = self.at(k, row) else {
            return Ok(None);
        };
        let values = column.as_list_opt::<i32>().map(|list| list.value(row));
        let values = values.as_ref().and_then(|v| v.as_primitive_opt::<Float64Type>());
        let whole = values
            .filter(|v| v.null_count() == 0)
            .map(|v| v.values().as_ref());
        match whole.and_then(|v: &[f64]| <[f64; N]>::try_from(v).ok()) {
            Some(numbers) => Ok(Some(numbers)),
            None => exec_err!("{}: an array of {N} numbers is wanted", self.name),
        }
    }
}

/// A kernel's answer: NULL of an empty region, an error of everything else that it refuses.
///
/// # Errors
/// The kernel's, with the function's name.
pub(super) fn measured<T>(function: &str, answer: Result<T, Error>) -> Result<Option<T>> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(Error::EmptyMask) => Ok(None),
        Err(error) => exec_err!("{function}: {error}"),
    }
}
