//! Arrays as PostgreSQL sees them: NULLs leave an answer open, an empty one has no length, and places are counted from 1 up.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanBuilder, Int32Array, ListArray, Scalar, new_empty_array,
};
use arrow::buffer::OffsetBuffer;
use arrow::compute::kernels::cmp::{distinct, eq};
use arrow::compute::{cast, concat, filter};
use arrow::datatypes::{DataType, Field, Int32Type, Int64Type};
use datafusion::common::{DFSchema, Result, ScalarValue, internal_err};
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{Expr, ExprSchemable};

use radlake_udfs::datetime::read::Zone;
use radlake_udfs::types::numeric;

use super::super::texts;
use super::Named;

/// A length, which nothing has that has no elements.
pub(super) const LENGTH: Named = Named {
    name: "array_length_or_null",
    returns: |types, _| Ok(types.first().cloned().unwrap_or(DataType::Int32)),
    run: |values, to| {
        let [length] = values else {
            return internal_err!("one argument");
        };
        let lengths = cast(length, &DataType::Int32)?;
        let lengths: Int32Array = lengths
            .as_primitive::<Int32Type>()
            .iter()
            .map(|length| length.filter(|length| *length > 0))
            .collect();
        let lengths: ArrayRef = Arc::new(lengths);
        Ok(cast(&lengths, to)?)
    },
};

/// Whether the elements of an array have texts of their own: see [`PUT_OUT`].
pub(super) fn is_put_out(list: &Expr, schema: &DFSchema) -> bool {
    matches!(list.get_type(schema), Ok(DataType::List(item)) if item.data_type().is_floating() || numeric::is_open(item.data_type()))
}

/// An array of numbers as one of texts, for what joins them.
pub(super) const PUT_OUT: Named = Named {
    name: "array_texts",
    returns: |_, _| Ok(DataType::new_list(DataType::Utf8, true)),
    run: |values, _| {
        let [lists] = values else {
            return internal_err!("one array expected");
        };
        let lists = lists.as_list::<i32>();
        let texts = texts::texts(lists.values(), &Zone::parse("UTC")?)?;
        Ok(Arc::new(ListArray::try_new(
            Arc::new(Field::new_list_field(DataType::Utf8, true)),
            lists.offsets().clone(),
            Arc::new(texts),
            lists.nulls().cloned(),
        )?))
    },
};

/// A place in an array; NULL for those that it does not have.
pub(super) const INDEX: Named = Named {
    name: "array_index",
    returns: |_, _| Ok(DataType::Int64),
    run: |values, _| {
        let [index] = values else {
            return internal_err!("one argument");
        };
        let index = index.as_primitive::<Int64Type>();
        Ok(Arc::new(
            index
                .iter()
                .map(|index| index.filter(|index| *index > 0))
                .collect::<arrow::array::Int64Array>(),
        ))
    },
};

/// `element = ANY (list)`: as a list of values where it is written out, which prunes files.
pub(super) fn is_any(list: &Expr, element: &Expr, schema: &DFSchema) -> Result<Option<Expr>> {
    let wanted = element.get_type(schema)?;
    let written = match list {
        Expr::ScalarFunction(call) if call.func.name() == "make_array" => Some(call.args.clone()),
        Expr::Literal(ScalarValue::List(array), _) if array.len() == 1 && !array.is_null(0) => {
            let elements = array.value(0);
            let values = (0..elements.len()).map(|i| ScalarValue::try_from_array(&elements, i));
            let values = values.collect::<Result<Vec<_>>>()?;
            Some(
                values
                    .into_iter()
                    .map(|value| Expr::Literal(value, None))
                    .collect(),
            )
        }
        _ => None,
    };
    if let Some(written) = written.filter(|written| !written.is_empty()) {
        let same = written
            .iter()
            .all(|e| e.get_type(schema).is_ok_and(|t| t == wanted || t.is_null()));
        if same {
            return Ok(Some(Expr::InList(InList::new(
                Box::new(element.clone()),
                written,
                false,
            ))));
        }
    }
    match list.get_type(schema)? {
        DataType::List(field) if field.data_type() == &wanted => {
            Ok(Some(ANY.call(vec![list.clone(), element.clone()])))
        }
        _ => Ok(None),
    }
}

/// Whether a list holds no lists, and elements of the type of `element`.
pub(super) fn is_plain(list: &Expr, element: &Expr, schema: &DFSchema) -> Result<bool> {
    let element = element.get_type(schema)?;
    Ok(match list.get_type(schema)? {
        DataType::List(item) => {
            !item.data_type().is_nested() && (element.is_null() || item.data_type() == &element)
        }
        _ => false,
    })
}

/// A list without the elements that are as the one given; NULLs are alike.
pub(super) const REMOVE: Named = Named {
    name: "array_without",
    returns: |types, _| match types {
        [list, _] => Ok(list.clone()),
        _ => internal_err!("a list and an element"),
    },
    run: |values, to| {
        let ([lists, elements], DataType::List(item)) = (values, to) else {
            return internal_err!("a list and an element");
        };
        let lists = lists.as_list::<i32>();
        let elements = cast(elements, item.data_type())?;
        let mut kept: Vec<ArrayRef> = vec![new_empty_array(item.data_type())];
        let mut lengths = Vec::with_capacity(lists.len());
        for row in 0..lists.len() {
            if lists.is_null(row) {
                lengths.push(0);
                continue;
            }
            let list = lists.value(row);
            let others = distinct(&list, &Scalar::new(elements.slice(row, 1)))?;
            let rest = filter(&list, &others)?;
            lengths.push(rest.len());
            kept.push(rest);
        }
        let kept: Vec<&dyn Array> = kept.iter().map(AsRef::as_ref).collect();
        Ok(Arc::new(ListArray::try_new(
            Arc::clone(item),
            OffsetBuffer::from_lengths(lengths),
            concat(&kept)?,
            lists.nulls().cloned(),
        )?))
    },
};

const ANY: Named = Named {
    name: "equals_any",
    returns: |_, _| Ok(DataType::Boolean),
    run: |values, _| {
        let [lists, elements] = values else {
            return internal_err!("a list and an element");
        };
        let lists = lists.as_list::<i32>();
        let mut out = BooleanBuilder::with_capacity(elements.len());
        for row in 0..elements.len() {
            out.append_option(any(lists.is_valid(row).then(|| lists.value(row)), elements, row)?);
        }
        Ok(Arc::new(out.finish()))
    },
};

fn any(list: Option<ArrayRef>, elements: &ArrayRef, row: usize) -> Result<Option<bool>> {
    let Some(list) = list else { return Ok(None) };
    if list.is_empty() {
        return Ok(Some(false));
    }
    if elements.is_null(row) {
        return Ok(None);
    }
    let equal = eq(&list, &Scalar::new(elements.slice(row, 1)))?;
    if equal.iter().any(|equal| equal == Some(true)) {
        return Ok(Some(true));
    }
    Ok((list.null_count() == 0).then_some(false))
}
