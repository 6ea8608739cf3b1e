//! `var_samp`, `var_pop`, `stddev_samp` and `stddev_pop` of whole numbers and numerics: numeric, and exact to the last digit that is shown.
//! DataFusion computes them as floats, which are right to some 15 digits, and forget a small spread of large numbers. Of floats they are
//! DataFusion's.
//!
//! `(N Σx² − (Σx)²) / (N (N − 1))`, the square root of that with its digits, as PostgreSQL's `numeric_stddev_internal`. PostgreSQL gives as
//! many digits behind the point as make 16 that tell something; here there are 16 always, or as many as the argument has.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType, Decimal128Type, Field, FieldRef, Int64Type};
use datafusion::common::{Result, ScalarValue, internal_datafusion_err, plan_err};
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::format_state_name;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Documentation, GroupsAccumulator, Signature, Volatility,
};
use num_bigint::{BigInt, Sign};

use crate::Error;

/// Digits behind the point, if the argument has no more.
const DIGITS: i8 = 16;

/// Puts the four in the place of those that are registered.
///
/// # Errors
/// One of them is not registered.
pub(super) fn register(registry: &mut dyn FunctionRegistry) -> Result<()> {
    for (name, sample, root) in [
        ("var_samp", true, false),
        ("var_pop", false, false),
        ("stddev_samp", true, true),
        ("stddev_pop", false, true),
    ] {
        let inner = registry.udaf(name)?;
        let _ = registry.register_udaf(Arc::new(AggregateUDF::from(Moments {
            inner,
            sample,
            root,
            signature: Signature::user_defined(Volatility::Immutable),
        })))?;
    }
    Ok(())
}

/// The function that is extended, and what of the numbers it tells.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Moments {
    inner: Arc<AggregateUDF>,
    /// Of a sample, else of all that there are.
    sample: bool,
    /// The deviation, else the variance.
    root: bool,
    signature: Signature,
}

impl Moments {
    fn own(&self, args: &AccumulatorArgs<'_>) -> Option<Totals> {
        let digits = digits_of(args.return_field.data_type())?;
        let scale = match args.expr_fields.first()?.data_type() {
            DataType::Decimal128(_, scale) => *scale,
            _ => 0,
        };
        Some(Totals {
            sample: self.sample,
            root: self.root,
            scale: u32::try_from(scale).ok()?,
            digits: u32::try_from(digits).ok()?,
            count: 0,
            sum: BigInt::ZERO,
            squares: BigInt::ZERO,
            seen: args.is_distinct.then(HashSet::new),
        })
    }
}

/// The digits of a result that is ours.
fn digits_of(result: &DataType) -> Option<i8> {
    match result {
        DataType::Decimal128(_, digits) => Some(*digits),
        _ => None,
    }
}

impl AggregateUDFImpl for Moments {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        match types {
            [DataType::Decimal128(precision, scale)] if *scale >= 0 => {
                Ok(vec![DataType::Decimal128(*precision, *scale)])
            }
            [of] if of.is_integer() => Ok(vec![DataType::Decimal128(20, 0)]),
            [of] if of.is_numeric() || of.is_null() => Ok(vec![DataType::Float64]),
            _ => plan_err!("Failed to coerce arguments of {}", self.inner.name()),
        }
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match types {
            [DataType::Decimal128(_, scale)] => {
                Ok(DataType::Decimal128(DECIMAL128_MAX_PRECISION, DIGITS.max(*scale)))
            }
            [of] if of.is_integer() => Ok(DataType::Decimal128(DECIMAL128_MAX_PRECISION, DIGITS)),
            _ => Ok(DataType::Float64),
        }
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        match self.own(&args) {
            Some(totals) => Ok(Box::new(totals)),
            None => self.inner.accumulator(args),
        }
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        if digits_of(args.return_type()).is_none() {
            return self.inner.state_fields(args);
        }
        let field = |part, of| Arc::new(Field::new(format_state_name(args.name, part), of, true));
        Ok(vec![
            field("count", DataType::Int64),
            field("sum", DataType::Binary),
            field("squares", DataType::Binary),
        ])
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        digits_of(args.return_field.data_type()).is_none() && self.inner.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        self.inner.create_groups_accumulator(args)
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        match self.own(&args) {
            Some(totals) => Ok(Box::new(totals)),
            None => self.inner.create_sliding_accumulator(args),
        }
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }
}

/// Numbers that were added, as integers: without their point.
#[derive(Debug)]
struct Totals {
    sample: bool,
    root: bool,
    /// Digits of the numbers behind the point.
    scale: u32,
    /// Those of the result.
    digits: u32,
    count: i64,
    sum: BigInt,
    squares: BigInt,
    /// The numbers themselves, of which each counts once.
    seen: Option<HashSet<i128>>,
}

impl Totals {
    fn add(&mut self, numbers: impl Iterator<Item = i128>, back: bool) {
        // What fits is added up as a machine's number first: a batch is thousands of them.
        let (mut count, mut sum, mut squares) = (0_i64, 0_i128, 0_i128);
        for number in numbers {
            if self.seen.as_mut().is_some_and(|seen| !seen.insert(number)) {
                continue;
            }
            count += 1;
            let added = sum.checked_add(number);
            let squared = number
                .checked_mul(number)
                .and_then(|square| squares.checked_add(square));
            match (added, squared) {
                (Some(added), Some(squared)) => (sum, squares) = (added, squared),
                _ => {
                    let number = BigInt::from(number);
                    self.move_by(0, number.clone(), &number * &number, back);
                }
            }
        }
        self.move_by(count, sum.into(), squares.into(), back);
    }

    fn move_by(&mut self, count: i64, sum: BigInt, squares: BigInt, back: bool) {
        match back {
            false => {
                self.count += count;
                self.sum += sum;
                self.squares += squares;
            }
            true => {
                self.count -= count;
                self.sum -= sum;
                self.squares -= squares;
            }
        }
    }

    fn all(&mut self, values: &[ArrayRef], back: bool) -> Result<()> {
        let [values] = values else {
            return Err(internal_datafusion_err!("a variance takes one argument"));
        };
        let values = match values.data_type() {
            DataType::Decimal128(..) => Arc::clone(values),
            _ => cast(values, &DataType::Decimal128(DECIMAL128_MAX_PRECISION, 0))?,
        };
        let values = values.as_primitive::<Decimal128Type>();
        self.add(values.iter().flatten(), back);
        Ok(())
    }

    /// The result without its point; `None` if there are too few numbers.
    fn result(&self) -> Option<BigInt> {
        let count = BigInt::from(self.count);
        let divisor = match self.sample {
            true => &count * BigInt::from(self.count - 1),
            false => &count * &count,
        };
        if self.count == 0 || divisor.sign() != Sign::Plus {
            return None;
        }
        let spread = &count * &self.squares - &self.sum * &self.sum;
        let ten = BigInt::from(10);
        let variance = rounded(
            spread * ten.pow(self.digits),
            &(divisor * ten.pow(2 * self.scale)),
        );
        if !self.root {
            return Some(variance);
        }
        // The root of four times as much is twice the root, and its last bit tells how to round.
        let twice = (variance * ten.pow(self.digits) * BigInt::from(4)).sqrt();
        Some((twice + 1) / 2)
    }
}

/// A quotient of what is not negative, halves up.
fn rounded(dividend: BigInt, divisor: &BigInt) -> BigInt {
    (dividend * 2 + divisor) / (divisor * BigInt::from(2))
}

impl Accumulator for Totals {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.all(values, false)
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.all(values, true)
    }

    fn supports_retract_batch(&self) -> bool {
        self.seen.is_none()
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let result = match self.result() {
            Some(result) => {
                let fits = i128::try_from(result).ok().filter(|result| {
                    result.unsigned_abs() < 10_u128.pow(u32::from(DECIMAL128_MAX_PRECISION))
                });
                Some(fits.ok_or_else(|| Error::NumericOverflow("numeric".to_owned()))?)
            }
            None => None,
        };
        let digits = i8::try_from(self.digits).unwrap_or(DIGITS);
        Ok(ScalarValue::Decimal128(result, DECIMAL128_MAX_PRECISION, digits))
    }

    fn size(&self) -> usize {
        let seen = self
            .seen
            .as_ref()
            .map_or(0, |seen| seen.capacity() * size_of::<i128>() * 2);
        let digits = self.sum.bits().saturating_add(self.squares.bits()) / 8;
        size_of_val(self) + seen + usize::try_from(digits).unwrap_or(0)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let (sum, squares) = match &self.seen {
            Some(seen) => (
                seen.iter().flat_map(|number| number.to_le_bytes()).collect(),
                Vec::new(),
            ),
            None => (self.sum.to_signed_bytes_le(), self.squares.to_signed_bytes_le()),
        };
        Ok(vec![
            ScalarValue::Int64(Some(self.count)),
            ScalarValue::Binary(Some(sum)),
            ScalarValue::Binary(Some(squares)),
        ])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [counts, sums, squares] = states else {
            return Err(internal_datafusion_err!(
                "three values are what is known of numbers"
            ));
        };
        let counts: &Int64Array = counts.as_primitive::<Int64Type>();
        let (sums, squares): (&BinaryArray, &BinaryArray) = (sums.as_binary(), squares.as_binary());
        for row in 0..counts.len() {
            if self.seen.is_some() {
                let (numbers, _) = sums.value(row).as_chunks::<16>();
                self.add(numbers.iter().map(|number| i128::from_le_bytes(*number)), false);
                continue;
            }
            let read = BigInt::from_signed_bytes_le;
            self.move_by(
                counts.value(row),
                read(sums.value(row)),
                read(squares.value(row)),
                false,
            );
        }
        Ok(())
    }
}
