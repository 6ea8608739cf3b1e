//! Ordered-set aggregates over the ordered list of a group's values: `percentile_disc`, `percentile_cont` of several fractions, `mode`.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Float64Builder, ListArray, ListBuilder, UInt32Array, new_empty_array,
};
use arrow::buffer::OffsetBuffer;
use arrow::compute::{cast, concat, filter, is_not_null, take};
use arrow::datatypes::{DataType, Float64Type};
use arrow::row::{RowConverter, SortField};
use datafusion::common::{Result, internal_err};

use super::{Named, doubles, unknown};
use crate::Error;

fn item(name: &str, types: &[DataType]) -> Result<DataType> {
    match types.first() {
        Some(DataType::List(item)) => Ok(item.data_type().clone()),
        Some(DataType::Null) => Ok(DataType::Utf8),
        _ => unknown(name, types),
    }
}

/// The value that occurs most often; of several the first.
pub(super) const MODE: Named = Named {
    name: "mode_of_ordered",
    returns: |types, _| item("mode", types),
    run: |values, to| {
        let [lists] = values else {
            return internal_err!("mode takes no arguments");
        };
        picked(lists, to, |list, _| {
            let rows = RowConverter::new(vec![SortField::new(list.data_type().clone())])?;
            let rows = rows.convert_columns(&[Arc::clone(list)])?;
            let (mut best, mut longest, mut from) = (None, 0, 0);
            for at in 0..list.len() {
                if rows.row(at) != rows.row(from) {
                    from = at;
                }
                if at - from + 1 > longest {
                    longest = at - from + 1;
                    best = Some(from);
                }
            }
            Ok(best)
        })
    },
};

fn fraction(value: f64) -> Result<f64> {
    match (0.0..=1.0).contains(&value) {
        true => Ok(value),
        false => Err(
            Error::NumericOverflow("percentile value, which is to lie between 0 and 1,".to_owned()).into(),
        ),
    }
}

/// The first value that a fraction of all is not beyond.
fn discrete(length: usize, fraction: f64) -> Option<usize> {
    let last = length.checked_sub(1)?;
    let wanted = (fraction * length as f64).ceil() as usize;
    Some(wanted.saturating_sub(1).min(last))
}

/// One value for a fraction, or an array of them for several.
pub(super) const DISC: Named = Named {
    name: "percentile_disc_of_ordered",
    returns: |types, _| {
        let item = item("percentile_disc", types)?;
        match types {
            [_, DataType::List(fractions)] if fractions.data_type().is_numeric() => {
                Ok(DataType::new_list(item, true))
            }
            [_, fraction] if fraction.is_numeric() || fraction.is_null() => Ok(item),
            _ => unknown("percentile_disc", types),
        }
    },
    run: |values, to| {
        let [lists, fractions] = values else {
            return internal_err!("percentile_disc takes a fraction");
        };
        if let DataType::List(of) = fractions.data_type() {
            let fractions = fractions.as_list::<i32>();
            let _ = of;
            let DataType::List(field) = to else {
                return internal_err!("percentile_disc of several gives an array");
            };
            let lists = lists.as_list_opt::<i32>();
            let mut parts: Vec<ArrayRef> = vec![new_empty_array(field.data_type())];
            let (mut lengths, mut valid) = (Vec::new(), Vec::new());
            for row in 0..fractions.len() {
                let list = match lists {
                    Some(lists) if lists.is_valid(row) && fractions.is_valid(row) => {
                        given(&lists.value(row))?
                    }
                    _ => new_empty_array(field.data_type()),
                };
                valid.push(!list.is_empty());
                if list.is_empty() {
                    lengths.push(0);
                    continue;
                }
                let wanted = doubles(&fractions.value(row))?;
                let places = wanted.as_primitive::<Float64Type>().iter().map(|wanted| {
                    let place = wanted
                        .map(fraction)
                        .transpose()?
                        .and_then(|wanted| discrete(list.len(), wanted));
                    Ok(place.and_then(|place| u32::try_from(place).ok()))
                });
                let places = places.collect::<Result<UInt32Array>>()?;
                lengths.push(places.len());
                parts.push(take(&list, &places, None)?);
            }
            let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
            return Ok(Arc::new(ListArray::try_new(
                Arc::clone(field),
                OffsetBuffer::from_lengths(lengths),
                concat(&parts)?,
                Some(valid.into()),
            )?));
        }
        let fractions = doubles(fractions)?;
        let fractions = fractions.as_primitive::<Float64Type>().clone();
        picked(lists, to, move |list, row| match fractions.is_valid(row) {
            true => Ok(discrete(list.len(), fraction(fractions.value(row))?)),
            false => Ok(None),
        })
    },
};

/// An array of values between the values for several fractions.
pub(super) const CONT: Named = Named {
    name: "percentile_cont_of_ordered",
    returns: |types, _| match types {
        [DataType::List(item), DataType::List(fractions)]
            if item.data_type().is_numeric() && fractions.data_type().is_numeric() =>
        {
            Ok(DataType::new_list(DataType::Float64, true))
        }
        _ => unknown("percentile_cont", types),
    },
    run: |values, _| {
        let [lists, fractions] = values else {
            return internal_err!("percentile_cont takes fractions");
        };
        let (lists, fractions) = (lists.as_list::<i32>(), fractions.as_list::<i32>());
        let mut out = ListBuilder::new(Float64Builder::new());
        for row in 0..lists.len() {
            if lists.is_null(row) || fractions.is_null(row) {
                out.append_null();
                continue;
            }
            let list = doubles(&given(&lists.value(row))?)?;
            let list = list.as_primitive::<Float64Type>().values();
            if list.is_empty() {
                out.append_null();
                continue;
            }
            for wanted in doubles(&fractions.value(row))?.as_primitive::<Float64Type>() {
                let Some(wanted) = wanted else {
                    out.values().append_null();
                    continue;
                };
                let place = fraction(wanted)? * (list.len() - 1) as f64;
                let below = list.get(place.floor() as usize).copied().unwrap_or(f64::NAN);
                let above = list.get(place.ceil() as usize).copied().unwrap_or(below);
                out.values().append_value(match below == above {
                    true => below,
                    false => below + (place - place.floor()) * (above - below),
                });
            }
            out.append(true);
        }
        Ok(Arc::new(out.finish()))
    },
};

/// A list without its NULLs, which these aggregates pass over.
fn given(list: &ArrayRef) -> Result<ArrayRef> {
    match list.null_count() {
        0 => Ok(Arc::clone(list)),
        _ => Ok(filter(list, &is_not_null(list)?)?),
    }
}

/// Of each list the value of a place.
fn picked(
    lists: &ArrayRef,
    to: &DataType,
    place: impl Fn(&ArrayRef, usize) -> Result<Option<usize>>,
) -> Result<ArrayRef> {
    let Some(lists) = lists.as_list_opt::<i32>() else {
        return Ok(arrow::array::new_null_array(to, lists.len()));
    };
    let mut values = Vec::with_capacity(lists.len());
    for row in 0..lists.len() {
        let list = match lists.is_valid(row) {
            true => given(&lists.value(row))?,
            false => new_empty_array(to),
        };
        values.push(match place(&list, row)? {
            Some(at) => list.slice(at, 1),
            None => arrow::array::new_null_array(to, 1),
        });
    }
    let parts: Vec<&dyn Array> = values.iter().map(AsRef::as_ref).collect();
    match parts.is_empty() {
        true => Ok(new_empty_array(to)),
        false => Ok(cast(&concat(&parts)?, to)?),
    }
}
