//! Arrays made, cut and compared: `array_fill`, `trim_array`, slices, `array_dims`, `=` and `<`.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int32Array, ListArray, StringArray, UInt32Array, make_comparator,
    new_empty_array,
};
use arrow::buffer::OffsetBuffer;
use arrow::compute::{SortOptions, concat, take};
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::{Result, internal_err};

use super::{Named, longs, unknown};
use crate::Error;

/// Elements that an array may have.
const MOST: i64 = 134_217_727;

/// An array of one dimension or more that holds one value.
pub(super) const FILL: Named = Named {
    name: "array_fill",
    returns: |types, _| {
        let (value, fits) = match types {
            [value, DataType::List(of)] => (value, of.data_type().is_integer() || of.data_type().is_null()),
            [value, DataType::Null] => (value, true),
            _ => return unknown("array_fill", types),
        };
        if !fits {
            return unknown("array_fill", types);
        }
        let value = if value.is_null() { &DataType::Utf8 } else { value };
        Ok(DataType::new_list(value.clone(), true))
    },
    run: |values, to| {
        let ([values, lengths], DataType::List(item)) = (values, to) else {
            return internal_err!("array_fill takes a value and an array");
        };
        let values = arrow::compute::cast(values, item.data_type())?;
        let Some(lengths) = lengths.as_list_opt::<i32>() else {
            return Err(Error::NullNotAllowed("dimension array or low bound array cannot be null").into());
        };
        let (mut places, mut sizes) = (Vec::new(), Vec::new());
        for row in 0..values.len() {
            if lengths.is_null(row) {
                return Err(
                    Error::NullNotAllowed("dimension array or low bound array cannot be null").into(),
                );
            }
            let given = longs(&lengths.value(row))?;
            let given = given.as_primitive::<Int64Type>();
            if given.null_count() > 0 {
                return Err(Error::NullNotAllowed("dimension values cannot be null").into());
            }
            let length = match given.values().as_ref() {
                [] => 0,
                [length] => *length,
                _ => return Err(Error::unsupported("array_fill of several dimensions").into()),
            };
            if !(0..=MOST).contains(&length) {
                return Err(Error::LimitExceeded(
                    "array size exceeds the maximum allowed (134217727)".to_owned(),
                )
                .into());
            }
            let length = usize::try_from(length).unwrap_or(0);
            sizes.push(length);
            places.extend(std::iter::repeat_n(u32::try_from(row).unwrap_or(0), length));
        }
        Ok(Arc::new(ListArray::try_new(
            Arc::clone(item),
            OffsetBuffer::from_lengths(sizes),
            take(&values, &UInt32Array::from(places), None)?,
            None,
        )?))
    },
};

/// Elements from a place to another; a bound that is left out is NULL in a list of which the last says so.
pub(super) const SLICE: Named = Named {
    name: "array_part",
    returns: |types, _| match types {
        [list @ DataType::List(_), low, high]
            if [low, high]
                .iter()
                .all(|bound| bound.is_integer() || bound.is_null()) =>
        {
            Ok(list.clone())
        }
        _ => unknown("array_part", types),
    },
    run: |values, to| {
        let [lists, low, high] = values else {
            return internal_err!("a list and two places");
        };
        let (low, high) = (longs(low)?, longs(high)?);
        let (low, high) = (low.as_primitive::<Int64Type>(), high.as_primitive::<Int64Type>());
        cut(lists, to, |row, length| {
            let (low, high) = (
                low.is_valid(row).then(|| low.value(row)),
                high.is_valid(row).then(|| high.value(row)),
            );
            let (low, high) = (low?.max(1), high?.min(length));
            Some(if low > high {
                (0, 0)
            } else {
                (low - 1, high - low + 1)
            })
        })
    },
};

/// An array without its last elements.
pub(super) const TRIM: Named = Named {
    name: "trim_array",
    returns: |types, _| match types {
        [list @ DataType::List(_), count] if count.is_integer() || count.is_null() => Ok(list.clone()),
        _ => unknown("trim_array", types),
    },
    run: |values, to| {
        let [lists, counts] = values else {
            return internal_err!("a list and a number");
        };
        let counts = longs(counts)?;
        let counts = counts.as_primitive::<Int64Type>();
        for (list, count) in lists.as_list::<i32>().iter().zip(counts) {
            if let (Some(list), Some(count)) = (list, count)
                && !(0..=list.len() as i64).contains(&count)
            {
                return Err(Error::ArraySubscript(
                    "number of elements to trim must be between 0 and the array's length",
                )
                .into());
            }
        }
        cut(lists, to, |row, length| {
            counts.is_valid(row).then(|| (0, length - counts.value(row)))
        })
    },
};

/// Of each list the elements from a place on, and as many as are said; NULL where nothing is.
fn cut(lists: &ArrayRef, to: &DataType, part: impl Fn(usize, i64) -> Option<(i64, i64)>) -> Result<ArrayRef> {
    let DataType::List(item) = to else {
        return internal_err!("a list expected");
    };
    let lists = lists.as_list::<i32>();
    let mut parts: Vec<ArrayRef> = vec![new_empty_array(item.data_type())];
    let (mut lengths, mut valid) = (Vec::new(), Vec::new());
    for row in 0..lists.len() {
        let list = lists.is_valid(row).then(|| lists.value(row));
        let found = list.and_then(|list| {
            let (from, length) = part(row, list.len() as i64)?;
            Some(list.slice(usize::try_from(from).ok()?, usize::try_from(length).ok()?))
        });
        valid.push(found.is_some());
        lengths.push(found.as_ref().map_or(0, |found| found.len()));
        parts.extend(found);
    }
    let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
    Ok(Arc::new(ListArray::try_new(
        Arc::clone(item),
        OffsetBuffer::from_lengths(lengths),
        concat(&parts)?,
        Some(valid.into()),
    )?))
}

/// The bounds of each dimension: `[1:2][1:3]`.
pub(super) const DIMS: Named = Named {
    name: "array_dims",
    returns: |types, _| match types {
        [DataType::List(_) | DataType::Null] => Ok(DataType::Utf8),
        _ => unknown("array_dims", types),
    },
    run: |values, _| {
        let [lists] = values else {
            return internal_err!("array_dims takes one argument");
        };
        let Some(lists) = lists.as_list_opt::<i32>() else {
            return Ok(arrow::array::new_null_array(&DataType::Utf8, lists.len()));
        };
        let texts: StringArray = (0..lists.len())
            .map(|row| {
                let mut text = String::new();
                let mut inner = lists.is_valid(row).then(|| lists.value(row))?;
                loop {
                    if inner.is_empty() {
                        break;
                    }
                    text.push_str(&format!("[1:{}]", inner.len()));
                    match inner.as_list_opt::<i32>() {
                        Some(deeper) if deeper.is_valid(0) => {
                            let next = deeper.value(0);
                            inner = next;
                        }
                        _ => break,
                    }
                }
                (!text.is_empty()).then_some(text)
            })
            .collect();
        Ok(Arc::new(texts))
    },
};

/// How two arrays stand to one another, element by element: -1, 0 or 1. NULLs are alike, and the greatest.
pub(in super::super) const COMPARE: Named = Named {
    name: "array_cmp",
    returns: |_, _| Ok(DataType::Int32),
    run: |values, _| {
        let [left, right] = values else {
            return internal_err!("two arrays expected");
        };
        let compare = comparator(left, right)?;
        let signs: Int32Array = (0..left.len())
            .map(|row| (left.is_valid(row) && right.is_valid(row)).then(|| compare(row, row) as i32))
            .collect();
        Ok(Arc::new(signs))
    },
};

fn comparator(
    left: &ArrayRef,
    right: &ArrayRef,
) -> Result<Box<dyn Fn(usize, usize) -> Ordering + Send + Sync>> {
    let options = SortOptions {
        descending: false,
        nulls_first: false,
    };
    Ok(make_comparator(left, right, options)?)
}

/// Whether two arrays have an element in common.
pub(in super::super) const OVERLAP: Named = Named {
    name: "array_overlap",
    returns: |types, _| match types {
        [DataType::List(_), DataType::List(_)] => Ok(DataType::Boolean),
        _ => unknown("&&", types),
    },
    run: |values, _| {
        related(values, |left, right, equal| {
            (0..left).any(|l| (0..right).any(|r| equal(l, r)))
        })
    },
};

/// Whether the first array has all elements of the second.
pub(in super::super) const CONTAINS: Named = Named {
    name: "array_contains_all",
    returns: |types, _| match types {
        [DataType::List(_), DataType::List(_)] => Ok(DataType::Boolean),
        _ => unknown("@>", types),
    },
    run: |values, _| {
        related(values, |left, right, equal| {
            (0..right).all(|r| (0..left).any(|l| equal(l, r)))
        })
    },
};

/// Whether two elements, named by their places in the one array and in the other, are alike.
type Equal<'a> = &'a dyn Fn(usize, usize) -> bool;

/// NULLs are like nothing.
fn related(values: &[ArrayRef], one: fn(usize, usize, Equal<'_>) -> bool) -> Result<ArrayRef> {
    let [left, right] = values else {
        return internal_err!("two arrays expected");
    };
    let (left, right) = (left.as_list::<i32>(), right.as_list::<i32>());
    let mut out = Vec::with_capacity(left.len());
    for row in 0..left.len() {
        if left.is_null(row) || right.is_null(row) {
            out.push(None);
            continue;
        }
        let (left, right) = (left.value(row), right.value(row));
        let right = arrow::compute::cast(&right, left.data_type())?;
        let compare = comparator(&left, &right)?;
        let (left_nulls, right_nulls) = (left.logical_nulls(), right.logical_nulls());
        let equal = |l: usize, r: usize| {
            left_nulls.as_ref().is_none_or(|n| n.is_valid(l))
                && right_nulls.as_ref().is_none_or(|n| n.is_valid(r))
                && compare(l, r) == Ordering::Equal
        };
        out.push(Some(one(left.len(), right.len(), &equal)));
    }
    Ok(Arc::new(BooleanArray::from(out)))
}
