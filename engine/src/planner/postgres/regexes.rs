//! What regular expressions find: as rows (`regexp_matches`, `regexp_split_to_table`), as arrays, as numbers.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Int32Builder, Int64Array, ListBuilder, StringArray, StringBuilder,
};
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::{Result, internal_err};
use radlake_udfs::strings::{Finder, Match};

use super::{Named, longs, texts, unknown};
use crate::Error;

fn list_of_texts() -> DataType {
    DataType::new_list(DataType::Utf8, true)
}

/// The groups of each match, or all of it where there are none: a list of lists, whose rows are asked for.
pub(super) const MATCHES: Named = Named {
    name: "regexp_matches",
    returns: |types, _| found("regexp_matches", types, DataType::new_list(list_of_texts(), true)),
    run: |values, _| {
        let mut rows = ListBuilder::new(ListBuilder::new(StringBuilder::new()));
        each(values, 2, |given| {
            let Some((finder, text)) = given else {
                rows.append_null();
                return Ok(());
            };
            for found in finder.matches(text, 0, finder.is_global()) {
                push(&found, text, rows.values().values());
                rows.values().append(true);
            }
            rows.append(true);
            Ok(())
        })?;
        Ok(Arc::new(rows.finish()))
    },
};

/// The same of the first match.
pub(super) const MATCH: Named = Named {
    name: "regexp_match",
    returns: |types, _| found("regexp_match", types, list_of_texts()),
    run: |values, _| {
        let mut rows = ListBuilder::new(StringBuilder::new());
        each(values, 2, |given| {
            let first = given.map(|(finder, text)| match finder.is_global() {
                true => Err(Error::InvalidParameter(
                    "regexp_match() does not support the \"global\" option".to_owned(),
                )),
                false => Ok((finder.matches(text, 0, false).into_iter().next(), text)),
            });
            match first.transpose()? {
                Some((Some(found), text)) => {
                    push(&found, text, rows.values());
                    rows.append(true);
                }
                _ => rows.append_null(),
            }
            Ok(())
        })?;
        Ok(Arc::new(rows.finish()))
    },
};

fn push(found: &Match, text: &str, out: &mut StringBuilder) {
    let part = |range: &std::ops::Range<usize>| text.get(range.clone()).unwrap_or_default();
    if found.groups.is_empty() {
        out.append_value(part(&found.whole));
    }
    for group in &found.groups {
        out.append_option(group.as_ref().map(part));
    }
}

/// What lies between the matches.
pub(super) const SPLIT: Named = Named {
    name: "regexp_split_to_array",
    returns: |types, _| found("regexp_split_to_array", types, list_of_texts()),
    run: |values, _| split(values),
};

/// The same, whose rows are asked for.
pub(super) const SPLIT_TO_TABLE: Named = Named {
    name: "regexp_split_to_table",
    returns: |types, _| found("regexp_split_to_table", types, list_of_texts()),
    run: |values, _| split(values),
};

fn split(values: &[ArrayRef]) -> Result<ArrayRef> {
    let mut rows = ListBuilder::new(StringBuilder::new());
    each(values, 2, |given| {
        let Some((finder, text)) = given else {
            rows.append_null();
            return Ok(());
        };
        if finder.is_global() {
            return Err(Error::InvalidParameter(
                "regexp_split_to_array() does not support the \"global\" option".to_owned(),
            )
            .into());
        }
        for part in finder.split(text) {
            rows.values().append_value(part);
        }
        rows.append(true);
        Ok(())
    })?;
    Ok(Arc::new(rows.finish()))
}

/// The N-th match or a group of it: `regexp_substr(text, pattern, start, N, flags, group)`.
pub(super) const SUBSTR: Named = Named {
    name: "regexp_substr",
    returns: |types, _| placed("regexp_substr", types, 6, DataType::Utf8),
    run: |values, _| {
        let mut out = StringBuilder::new();
        nth(values, false, |found| {
            out.append_option(found.map(|(text, range)| text.get(range).unwrap_or_default()));
        })?;
        Ok(Arc::new(out.finish()))
    },
};

/// Where it begins, or what comes behind it: `regexp_instr(text, pattern, start, N, end, flags, group)`.
pub(super) const INSTR: Named = Named {
    name: "regexp_instr",
    returns: |types, _| placed("regexp_instr", types, 7, DataType::Int32),
    run: |values, _| {
        let mut out = Int32Builder::new();
        let ends = match values.get(4) {
            Some(ends) => longs(ends)?.as_primitive::<Int64Type>().clone(),
            None => Int64Array::from(vec![0; values.first().map_or(0, |first| first.len())]),
        };
        let given: Vec<bool> = (0..ends.len())
            .map(|row| values.iter().all(|value| value.is_valid(row)))
            .collect();
        let mut row = 0;
        nth(values, true, |found| {
            let place = match (given.get(row), found) {
                (Some(true), Some((text, range))) => {
                    let at = if ends.value(row) == 1 {
                        range.end
                    } else {
                        range.start
                    };
                    let before = text.get(..at).unwrap_or_default().chars().count();
                    Some(i32::try_from(before).unwrap_or(i32::MAX).saturating_add(1))
                }
                (Some(true), None) => Some(0),
                _ => None,
            };
            out.append_option(place);
            row += 1;
        })?;
        Ok(Arc::new(out.finish()))
    },
};

/// How many there are: `regexp_count(text, pattern, start, flags)`.
pub(super) const COUNT: Named = Named {
    name: "regexp_count",
    returns: |types, _| placed("regexp_count", types, 4, DataType::Int32),
    run: |values, _| {
        let starts = values.get(2).map(longs).transpose()?;
        let mut out = Int32Builder::new();
        let mut row = 0;
        each(values, 3, |given| {
            let start = starts.as_ref().map_or(Some(1), |starts| {
                let starts = starts.as_primitive::<Int64Type>();
                starts.is_valid(row).then(|| starts.value(row))
            });
            row += 1;
            let (Some((finder, text)), Some(start)) = (given, start) else {
                out.append_null();
                return Ok(());
            };
            let count = match from(text, positive("start", start)?) {
                Some(from) => finder.matches(text, from, true).len(),
                None => 0,
            };
            out.append_value(i32::try_from(count).unwrap_or(i32::MAX));
            Ok(())
        })?;
        Ok(Arc::new(out.finish()))
    },
};

fn positive(name: &str, value: i64) -> Result<i64> {
    match value > 0 {
        true => Ok(value),
        false => Err(Error::InvalidParameter(format!("invalid value for parameter \"{name}\"")).into()),
    }
}

/// The byte at which the character of a place begins.
fn from(text: &str, place: i64) -> Option<usize> {
    let before = usize::try_from(place - 1).ok()?;
    let at = text.char_indices().nth(before).map(|(at, _)| at);
    at.or_else(|| (text.chars().count() == before).then_some(text.len()))
}

/// Gives `out` the text and the part of it that is asked for, for each row.
fn nth(
    values: &[ArrayRef],
    with_end: bool,
    mut out: impl FnMut(Option<(&str, std::ops::Range<usize>)>),
) -> Result<()> {
    let number = |at: usize| values.get(at).map(longs).transpose();
    let (starts, counts) = (number(2)?, number(3)?);
    let flags = if with_end { 5 } else { 4 };
    let (ends, groups) = (if with_end { number(4)? } else { None }, number(flags + 1)?);
    let mut row = 0;
    each(values, flags, |given| {
        let value = |column: &Option<ArrayRef>, default: i64| match column {
            Some(column) => {
                let column = column.as_primitive::<Int64Type>();
                column.is_valid(row).then(|| column.value(row))
            }
            None => Some(default),
        };
        let numbers = (
            value(&starts, 1),
            value(&counts, 1),
            value(&ends, 0),
            value(&groups, 0),
        );
        row += 1;
        let (Some((finder, text)), (Some(start), Some(count), Some(end), Some(group))) = (given, numbers)
        else {
            out(None);
            return Ok(());
        };
        let (start, count) = (positive("start", start)?, positive("n", count)?);
        if !(0..=1).contains(&end) || group < 0 || finder.is_global() {
            return Err(Error::InvalidParameter(
                "invalid value for a parameter of a regular expression".to_owned(),
            )
            .into());
        }
        let place = usize::try_from(count - 1).unwrap_or(usize::MAX);
        let found = from(text, start).and_then(|from| {
            let found = finder.matches(text, from, count > 1).into_iter().nth(place)?;
            match usize::try_from(group).ok()?.checked_sub(1) {
                None => Some(found.whole),
                Some(group) => found.groups.into_iter().nth(group)?,
            }
        });
        out(found.map(|range| (text, range)));
        Ok(())
    })
}

fn found(name: &str, types: &[DataType], result: DataType) -> Result<DataType> {
    match types.len() {
        2 | 3 if types.iter().all(|one| one.is_string() || one.is_null()) => Ok(result),
        _ => unknown(name, types),
    }
}

fn placed(name: &str, types: &[DataType], most: usize, result: DataType) -> Result<DataType> {
    let fits = |one: &DataType| one.is_string() || one.is_null() || one.is_integer();
    match (2..=most).contains(&types.len()) && types.iter().all(fits) {
        true => Ok(result),
        false => unknown(name, types),
    }
}

/// Runs `one` for each row with its expression and its text; with nothing where one of them is NULL.
fn each(
    values: &[ArrayRef],
    flags_at: usize,
    mut one: impl FnMut(Option<(&Finder, &str)>) -> Result<()>,
) -> Result<()> {
    let [given, patterns, ..] = values else {
        return internal_err!("a text and a pattern expected");
    };
    let (given, patterns) = (texts(given)?, texts(patterns)?);
    let flags: Option<StringArray> = values.get(flags_at).map(texts).transpose()?;
    let mut known: Option<(&str, &str, Finder)> = None;
    for row in 0..given.len() {
        let flag = match &flags {
            Some(flags) => flags.is_valid(row).then(|| flags.value(row)),
            None => Some(""),
        };
        let (true, true, Some(flag)) = (given.is_valid(row), patterns.is_valid(row), flag) else {
            one(None)?;
            continue;
        };
        let pattern = patterns.value(row);
        let finder = match known.take() {
            Some((last, with, finder)) if last == pattern && with == flag => finder,
            _ => Finder::new(pattern, flag)?,
        };
        one(Some((&finder, given.value(row))))?;
        known = Some((pattern, flag, finder));
    }
    Ok(())
}
