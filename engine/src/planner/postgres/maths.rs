//! Functions of numbers: `div`, `sign`, `factorial`, `width_bucket`, digits of a numeric, and `~`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, Float64Array, Int32Array, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type, Float64Type, Int64Type};
use datafusion::common::{Result, internal_err, not_impl_err};
use radlake_udfs::datetime::NumberPattern;
use radlake_udfs::types::numeric;

use super::{Named, doubles, longs, texts, unknown};
use crate::Error;

/// The most digits of a numeric.
const DIGITS: u8 = 38;
/// Numerics without a fraction.
const WHOLE: DataType = DataType::Decimal128(DIGITS, 0);

fn out_of_range() -> Error {
    Error::NumericOverflow("numeric field".to_owned())
}

/// Digits behind the point of an exact number.
fn scale(given: &DataType) -> Option<i8> {
    match given {
        DataType::Decimal128(_, scale) | DataType::Decimal256(_, scale) => Some(*scale),
        given if given.is_integer() => Some(0),
        _ => None,
    }
}

fn is_exact(given: &DataType) -> bool {
    scale(given).is_some() || given.is_null()
}

fn is_number(given: &DataType) -> bool {
    given.is_numeric() || given.is_null()
}

/// Exact numbers as decimals of one scale.
fn decimals(values: &ArrayRef, scale: i8) -> Result<Decimal128Array> {
    let options = arrow::compute::CastOptions {
        safe: false,
        ..Default::default()
    };
    let target = DataType::Decimal128(DIGITS, scale);
    let decimals = arrow::compute::cast_with_options(values, &target, &options)?;
    Ok(decimals.as_primitive::<Decimal128Type>().clone())
}

fn whole(values: Vec<Option<i128>>) -> Result<ArrayRef> {
    let limit = 10_i128.pow(DIGITS.into());
    match values.iter().flatten().all(|value| value.abs() < limit) {
        true => Ok(Arc::new(
            Decimal128Array::from(values).with_precision_and_scale(DIGITS, 0)?,
        )),
        false => Err(out_of_range().into()),
    }
}

/// The whole part of a quotient of numerics.
pub(super) const QUOTIENT: Named = Named {
    name: "div",
    returns: |types, _| match types {
        [left, right] if is_exact(left) && is_exact(right) => Ok(WHOLE),
        _ => unknown("div", types),
    },
    run: |values, _| {
        let [left, right] = values else {
            return internal_err!("div takes two arguments");
        };
        let common = scale(left.data_type()).max(scale(right.data_type())).unwrap_or(0);
        let (left, right) = (decimals(left, common)?, decimals(right, common)?);
        let quotients = left.iter().zip(&right).map(|pair| match pair {
            (Some(_), Some(0)) => Err(Error::DivisionByZero),
            (Some(left), Some(right)) => Ok(Some(left / right)),
            _ => Ok(None),
        });
        whole(quotients.collect::<std::result::Result<_, _>>()?)
    },
};

/// -1, 0 or 1.
pub(super) const SIGN: Named = Named {
    name: "sign",
    returns: |types, _| match types {
        [DataType::Decimal128(..) | DataType::Decimal256(..)] => Ok(WHOLE),
        [other] if is_number(other) => Ok(DataType::Float64),
        _ => unknown("sign", types),
    },
    run: |values, to| {
        let [value] = values else {
            return internal_err!("sign takes one argument");
        };
        if to != &DataType::Float64 {
            let scale = scale(value.data_type()).unwrap_or(0);
            return whole(
                decimals(value, scale)?
                    .iter()
                    .map(|v| v.map(i128::signum))
                    .collect(),
            );
        }
        let signs: Float64Array = doubles(value)?.as_primitive::<Float64Type>().unary(|value| {
            match value == 0.0 || value.is_nan() {
                true => value,
                false => value.signum(),
            }
        });
        Ok(Arc::new(signs))
    },
};

/// The least whole number that is not less.
pub(super) const CEIL: Named = Named {
    name: "ceil",
    returns: |types, _| to_whole("ceil", types),
    run: |values, to| {
        cut(values, to, f64::ceil, |value, unit| {
            value.div_euclid(unit) + i128::from(value.rem_euclid(unit) != 0)
        })
    },
};

/// The greatest whole number that is not greater.
pub(super) const FLOOR: Named = Named {
    name: "floor",
    returns: |types, _| to_whole("floor", types),
    run: |values, to| cut(values, to, f64::floor, i128::div_euclid),
};

fn to_whole(name: &str, types: &[DataType]) -> Result<DataType> {
    match types {
        [DataType::Decimal128(..) | DataType::Decimal256(..)] => Ok(WHOLE),
        [other] if is_number(other) || other.is_string() => Ok(DataType::Float64),
        _ => unknown(name, types),
    }
}

fn cut(
    values: &[ArrayRef],
    to: &DataType,
    float: fn(f64) -> f64,
    exact: fn(i128, i128) -> i128,
) -> Result<ArrayRef> {
    let [value] = values else {
        return internal_err!("one number expected");
    };
    if to == &DataType::Float64 {
        let cut: Float64Array = doubles(value)?.as_primitive::<Float64Type>().unary(float);
        return Ok(Arc::new(cut));
    }
    let digits = scale(value.data_type()).unwrap_or(0);
    let unit = 10_i128.pow(digits.max(0).unsigned_abs().into());
    whole(
        decimals(value, digits)?
            .iter()
            .map(|v| v.map(|v| exact(v, unit)))
            .collect(),
    )
}

/// A number that is read by a pattern, which comes first: it says the scale.
pub(super) const NUMBER_OF: Named = Named {
    name: "number_of_pattern",
    returns: |types, pattern| match (types, pattern) {
        ([pattern, text], Some(constant)) if pattern.is_string() && (text.is_string() || text.is_null()) => {
            Ok(DataType::Decimal128(
                DIGITS,
                digits_of(&NumberPattern::parse(constant)?),
            ))
        }
        ([_, _], None) => not_impl_err!("to_number with a pattern that is no constant"),
        _ => unknown("to_number", types),
    },
    run: |values, to| {
        let ([patterns, given], DataType::Decimal128(_, scale)) = (values, to) else {
            return internal_err!("to_number takes a text and a pattern");
        };
        let (patterns, given) = (texts(patterns)?, texts(given)?);
        // A constant, by the type's promise.
        let pattern = patterns
            .iter()
            .flatten()
            .next()
            .map(NumberPattern::parse)
            .transpose()?;
        let numbers = given.iter().map(|text| {
            let (Some(text), Some(pattern)) = (text, &pattern) else {
                return Ok(None);
            };
            pattern.read(text)?.map(Some).ok_or_else(|| {
                Error::InvalidText {
                    type_name: "numeric".to_owned(),
                }
                .into()
            })
        });
        let numbers = numbers.collect::<Result<Decimal128Array>>()?;
        Ok(Arc::new(numbers.with_precision_and_scale(DIGITS, *scale)?))
    },
};

fn digits_of(pattern: &NumberPattern) -> i8 {
    i8::try_from(pattern.scale())
        .unwrap_or(i8::MAX)
        .min(DIGITS.cast_signed())
}

/// The product of the whole numbers up to one.
pub(super) const FACTORIAL: Named = Named {
    name: "factorial",
    returns: |types, _| match types {
        [number] if number.is_integer() || number.is_null() => Ok(WHOLE),
        _ => unknown("factorial", types),
    },
    run: |values, _| {
        let [number] = values else {
            return internal_err!("factorial takes one argument");
        };
        let products = longs(number)?
            .as_primitive::<Int64Type>()
            .iter()
            .map(|number| {
                let Some(number) = number else { return Ok(None) };
                let product = (0..=33)
                    .contains(&number)
                    .then(|| (1..=i128::from(number)).product());
                product.map(Some).ok_or_else(out_of_range)
            })
            .collect::<std::result::Result<_, _>>()?;
        whole(products)
    },
};

/// In which of `count` parts between two bounds a number lies, or between which of some thresholds.
pub(super) const WIDTH_BUCKET: Named = Named {
    name: "width_bucket",
    returns: |types, _| match types {
        [value, low, high, count]
            if [value, low, high].into_iter().all(is_number) && (count.is_integer() || count.is_null()) =>
        {
            Ok(DataType::Int32)
        }
        [value, DataType::List(item)] if is_number(value) && is_number(item.data_type()) => {
            Ok(DataType::Int32)
        }
        _ => unknown("width_bucket", types),
    },
    run: |values, _| match values {
        [value, low, high, count] => {
            let counts = longs(count)?;
            let counts = counts.as_primitive::<Int64Type>();
            let exact = [value, low, high].map(|column| scale(column.data_type()));
            if let [Some(a), Some(b), Some(c)] = exact {
                let scale = a.max(b).max(c);
                let columns = [
                    decimals(value, scale)?,
                    decimals(low, scale)?,
                    decimals(high, scale)?,
                ];
                return buckets(counts, |row, count| {
                    let [value, low, high] =
                        columns.each_ref().map(|c| c.is_valid(row).then(|| c.value(row)));
                    let (Some(value), Some(low), Some(high)) = (value, low, high) else {
                        return Ok(None);
                    };
                    exact_bucket(value, low, high, count.into()).map(Some)
                });
            }
            let columns = [doubles(value)?, doubles(low)?, doubles(high)?];
            buckets(counts, |row, count| {
                let [value, low, high] = columns.each_ref().map(|column| {
                    let column = column.as_primitive::<Float64Type>();
                    column.is_valid(row).then(|| column.value(row))
                });
                let (Some(value), Some(low), Some(high)) = (value, low, high) else {
                    return Ok(None);
                };
                float_bucket(value, low, high, count).map(Some)
            })
        }
        [value, thresholds] => {
            let values = doubles(value)?;
            let values = values.as_primitive::<Float64Type>();
            let lists = thresholds.as_list::<i32>();
            let mut out = Int32Array::builder(values.len());
            for row in 0..values.len() {
                if values.is_null(row) || lists.is_null(row) {
                    out.append_null();
                    continue;
                }
                let list = doubles(&lists.value(row))?;
                let list = list.as_primitive::<Float64Type>();
                if list.null_count() > 0 {
                    return Err(Error::NullNotAllowed("thresholds array must not contain NULLs").into());
                }
                // What is not a number is beyond every threshold.
                let value = values.value(row);
                let below = list
                    .values()
                    .partition_point(|bound| *bound <= value || value.is_nan());
                out.append_value(i32::try_from(below).unwrap_or(i32::MAX));
            }
            Ok(Arc::new(out.finish()))
        }
        _ => internal_err!("width_bucket takes two or four arguments"),
    },
};

fn buckets(counts: &Int64Array, one: impl Fn(usize, i64) -> Result<Option<i64>>) -> Result<ArrayRef> {
    let mut out = Int32Array::builder(counts.len());
    for row in 0..counts.len() {
        if counts.is_null(row) {
            out.append_null();
            continue;
        }
        let bucket = one(row, counts.value(row))?;
        let bucket = bucket
            .map(|bucket| i32::try_from(bucket).map_err(|_| Error::NumericOverflow("integer".to_owned())));
        out.append_option(bucket.transpose()?);
    }
    Ok(Arc::new(out.finish()))
}

const COUNT: Error = Error::InvalidBuckets("count must be greater than zero");
const BOUNDS: Error = Error::InvalidBuckets("lower bound cannot equal upper bound");

fn exact_bucket(value: i128, low: i128, high: i128, count: i128) -> Result<i64> {
    if count <= 0 {
        return Err(COUNT.into());
    }
    if low == high {
        return Err(BOUNDS.into());
    }
    let (from, to, value) = match low < high {
        true => (low, high, value),
        false => (-low, -high, -value),
    };
    let bucket = if value < from {
        Some(0)
    } else if value >= to {
        Some(count + 1)
    } else {
        count.checked_mul(value - from).map(|part| part / (to - from) + 1)
    };
    bucket
        .and_then(|bucket| i64::try_from(bucket).ok())
        .ok_or_else(|| out_of_range().into())
}

fn float_bucket(value: f64, low: f64, high: f64, count: i64) -> Result<i64> {
    if count <= 0 {
        return Err(COUNT.into());
    }
    if value.is_nan() || low.is_nan() || high.is_nan() {
        return Err(Error::InvalidBuckets("operand, lower bound, and upper bound cannot be NaN").into());
    }
    if !low.is_finite() || !high.is_finite() {
        return Err(Error::InvalidBuckets("lower and upper bounds must be finite").into());
    }
    if low == high {
        return Err(BOUNDS.into());
    }
    let (before, behind, part) = match low < high {
        true => (value < low, value >= high, (value - low) / (high - low)),
        false => (value > low, value <= high, (low - value) / (low - high)),
    };
    Ok(if before {
        0
    } else if behind {
        count + 1
    } else {
        let place = (count as f64 * part) as i64;
        place.min(count - 1) + 1
    })
}

/// Digits behind the point that a number needs.
pub(super) const MIN_SCALE: Named = Named {
    name: "min_scale",
    returns: |types, _| match types {
        [number] if is_exact(number) => Ok(DataType::Int32),
        _ => unknown("min_scale", types),
    },
    run: |values, _| {
        let [number] = values else {
            return internal_err!("min_scale takes one argument");
        };
        let digits = scale(number.data_type()).unwrap_or(0);
        let needed: Int32Array = decimals(number, digits)?
            .iter()
            .map(|value| {
                value.map(|mut value| {
                    let mut needed = i32::from(digits);
                    while needed > 0 && value % 10 == 0 {
                        value /= 10;
                        needed -= 1;
                    }
                    needed
                })
            })
            .collect();
        Ok(Arc::new(needed))
    },
};

/// Digits behind the point that a number is shown with: those of its column, if that has a number of them.
pub(super) const SCALE: Named = Named {
    name: "scale",
    returns: |types, _| match types {
        [number] if is_exact(number) => Ok(DataType::Int32),
        _ => unknown("scale", types),
    },
    run: |values, to| {
        let [number] = values else {
            return internal_err!("scale takes one argument");
        };
        if numeric::is_open(number.data_type()) {
            return (MIN_SCALE.run)(values, to);
        }
        let digits = scale(number.data_type()).unwrap_or(0);
        let digits: Int32Array = (0..number.len())
            .map(|row| number.is_valid(row).then_some(digits.into()))
            .collect();
        Ok(Arc::new(digits))
    },
};

/// All bits of a whole number the other way.
pub(super) const BIT_NOT: Named = Named {
    name: "bit_not",
    returns: |types, _| match types {
        [number] if number.is_integer() => Ok(number.clone()),
        _ => unknown("~", types),
    },
    run: |values, to| {
        let [number] = values else {
            return internal_err!("~ takes one operand");
        };
        let inverted: Int64Array = longs(number)?.as_primitive::<Int64Type>().unary(|value| !value);
        let inverted: ArrayRef = Arc::new(inverted);
        Ok(cast(&inverted, to)?)
    },
};

#[cfg(test)]
mod tests {
    use super::{exact_bucket, float_bucket};

    #[test]
    fn buckets_are_counted_from_either_bound() {
        assert_eq!(exact_bucket(3, 0, 10, 10).unwrap(), 4);
        assert_eq!(exact_bucket(3, 10, 0, 10).unwrap(), 8);
        assert_eq!(exact_bucket(-1, 0, 10, 10).unwrap(), 0);
        assert_eq!(exact_bucket(10, 0, 10, 10).unwrap(), 11);
        assert_eq!(float_bucket(5.35, 0.024, 10.06, 5).unwrap(), 3);
        assert!(float_bucket(1.0, 1.0, 1.0, 5).is_err());
        assert!(exact_bucket(1, 0, 1, 0).is_err());
    }
}
