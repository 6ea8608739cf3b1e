//! `EXCLUDE CURRENT ROW | GROUP | TIES` of a window's frame.
//!
//! The query engine has no such frames. An aggregate, `first_value`, `last_value` or `nth_value` over one becomes a window function of
//! ours: it is given the frame, takes out of it what is left out, and computes what stays anew for each row, as PostgreSQL does. Functions
//! that do not look at frames are left as they are, without the mark (`radlake_sql::extend::EXCLUDE`).

use std::fmt::{self, Debug, Formatter};
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::{filter, partition};
use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result, ScalarValue, exec_err, not_impl_err};
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::expr::{NullTreatment, WindowFunction};
use datafusion::logical_expr::function::{AccumulatorArgs, PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion::logical_expr::{
    AggregateUDF, Expr, ExprSchemable, LogicalPlan, PartitionEvaluator, ReversedUDWF, Signature, Volatility,
    WindowFunctionDefinition, WindowUDF, WindowUDFImpl,
};
use datafusion::optimizer::AnalyzerRule;
use datafusion::physical_expr::expressions::{Column, Literal};
use datafusion::physical_plan::PhysicalExpr;
use radlake_sql::ast;
use radlake_sql::extend::EXCLUDE;

use super::expressions;
use crate::interrupt::Over;

/// Whether an expression among a window's partitions is the mark.
pub(super) fn is_mark(expr: &ast::Expr) -> bool {
    match expr {
        ast::Expr::Nested(inner) => is_mark(inner),
        ast::Expr::Value(value) => {
            matches!(&value.value, ast::Value::SingleQuotedString(text) if text.starts_with(EXCLUDE))
        }
        _ => false,
    }
}

/// What a frame leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Left {
    CurrentRow,
    Group,
    Ties,
}

impl Left {
    fn of(expr: &Expr) -> Option<Self> {
        let Expr::Literal(ScalarValue::Utf8(Some(text)), _) = expr else {
            return None;
        };
        match text.strip_prefix(EXCLUDE)? {
            "current row" => Some(Self::CurrentRow),
            "group" => Some(Self::Group),
            "ties" => Some(Self::Ties),
            _ => None,
        }
    }
}

/// The rule, which is to run when types have been made to agree and functions are what they will be.
#[derive(Debug)]
pub(super) struct Excluding;

impl AnalyzerRule for Excluding {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        let marked = |expr: &Expr| match expr {
            Expr::WindowFunction(call) => call.params.partition_by.iter().any(|by| Left::of(by).is_some()),
            _ => false,
        };
        match expressions::holds(&plan, |_| false, marked)? {
            true => expressions::rewrite(plan, one),
            false => Ok(plan),
        }
    }

    fn name(&self) -> &str {
        "excluding"
    }
}

fn one(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let Expr::WindowFunction(call) = expr else {
        return Ok(Transformed::no(expr));
    };
    let Some(left) = call.params.partition_by.iter().find_map(Left::of) else {
        return Ok(Transformed::no(Expr::WindowFunction(call)));
    };
    let WindowFunction { fun, mut params } = *call;
    let (_, field) = Expr::WindowFunction(Box::new(WindowFunction {
        fun: fun.clone(),
        params: params.clone(),
    }))
    .to_field(schema)?;
    params.partition_by.retain(|by| Left::of(by).is_none());
    let whole = |fun, params| {
        Ok(Transformed::yes(Expr::WindowFunction(Box::new(WindowFunction {
            fun,
            params,
        }))))
    };
    let of = match &fun {
        WindowFunctionDefinition::AggregateUDF(function) => Of::Aggregate(Arc::clone(function)),
        WindowFunctionDefinition::WindowUDF(function) => match function.name() {
            "first_value" => Of::First,
            "last_value" => Of::Last,
            "nth_value" => Of::Nth,
            // Of these the frame decides nothing.
            _ => return whole(fun, params),
        },
    };
    if params.distinct || params.null_treatment == Some(NullTreatment::IgnoreNulls) {
        return not_impl_err!("EXCLUDE with DISTINCT or IGNORE NULLS");
    }
    let arguments = params.args.len();
    let filtered = params.filter.is_some();
    params.args.extend(params.filter.take().map(|filter| *filter));
    params
        .args
        .extend(params.order_by.iter().map(|key| key.expr.clone()));
    let function = Rest {
        of,
        left,
        arguments,
        filtered,
        data_type: field.data_type().clone(),
        signature: Signature::variadic_any(Volatility::Immutable),
    };
    whole(
        WindowFunctionDefinition::WindowUDF(Arc::new(WindowUDF::from(function))),
        params,
    )
}

/// What is computed of the rows that stay.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Of {
    Aggregate(Arc<AggregateUDF>),
    First,
    Last,
    Nth,
}

/// A window function of what stays of a frame: of its arguments, a filter if there is one, and the keys of the window's order.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Rest {
    of: Of,
    left: Left,
    arguments: usize,
    filtered: bool,
    data_type: DataType,
    signature: Signature,
}

impl WindowUDFImpl for Rest {
    fn name(&self) -> &str {
        match &self.of {
            Of::Aggregate(function) => function.name(),
            Of::First => "first_value",
            Of::Last => "last_value",
            Of::Nth => "nth_value",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn partition_evaluator(&self, args: PartitionEvaluatorArgs<'_>) -> Result<Box<dyn PartitionEvaluator>> {
        let expressions = args
            .input_exprs()
            .iter()
            .zip(args.input_fields())
            .take(self.arguments)
            .enumerate()
            .map(|(at, (expression, field))| match expression.is::<Literal>() {
                // Some look at their constants, such as what string_agg puts between texts.
                true => Arc::clone(expression),
                false => Arc::new(Column::new(field.name(), at)),
            })
            .collect();
        let fields: Vec<FieldRef> = args.input_fields().iter().take(self.arguments).cloned().collect();
        Ok(Box::new(Frames {
            of: self.of.clone(),
            left: self.left,
            arguments: self.arguments,
            filtered: self.filtered,
            returns: Arc::new(Field::new(self.name(), self.data_type.clone(), true)),
            fields,
            expressions,
            row: 0,
            peers: None,
            over: Over::current(),
        }))
    }

    fn field(&self, args: WindowUDFFieldArgs<'_>) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(args.name(), self.data_type.clone(), true)))
    }

    fn reverse_expr(&self) -> ReversedUDWF {
        ReversedUDWF::NotSupported
    }
}

/// The frames of one partition, from its first row to its last.
struct Frames {
    of: Of,
    left: Left,
    arguments: usize,
    filtered: bool,
    returns: FieldRef,
    fields: Vec<FieldRef>,
    expressions: Vec<Arc<dyn PhysicalExpr>>,
    row: usize,
    /// The rows that the order does not tell apart, and which of these the row is among.
    peers: Option<(Vec<Range<usize>>, usize)>,
    over: Option<Over>,
}

impl Debug for Frames {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frames")
            .field("of", &self.of)
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}

impl PartitionEvaluator for Frames {
    fn uses_window_frame(&self) -> bool {
        true
    }

    fn supports_bounded_execution(&self) -> bool {
        false
    }

    fn evaluate(&mut self, values: &[ArrayRef], range: &Range<usize>) -> Result<ScalarValue> {
        // A wide frame takes long, and is computed without waiting for anything.
        if self.over.as_ref().is_some_and(Over::is_set) {
            return exec_err!("the statement is over");
        }
        let row = self.row;
        self.row += 1;
        let (arguments, others) = values.split_at(self.arguments.min(values.len()));
        let (filters, keys) = others.split_at(usize::from(self.filtered).min(others.len()));
        let rows = values.first().map_or(0, |column| column.len());
        let peers = self.peers_of(keys, row, rows)?;
        let pieces = stay(self.left, row, &peers, range);
        match &self.of {
            Of::Aggregate(function) => self.aggregated(function, arguments, filters.first(), &pieces),
            of => {
                let Some(column) = arguments.first() else {
                    return exec_err!("a window function without a value");
                };
                let wanted = match of {
                    Of::First => nth(&pieces, 0),
                    Of::Last => pieces
                        .iter()
                        .rev()
                        .find(|piece| !piece.is_empty())
                        .map(|piece| piece.end - 1),
                    _ => {
                        let place = match arguments.get(1) {
                            Some(places) => ScalarValue::try_from_array(places, row)?,
                            None => ScalarValue::Null,
                        };
                        match place.cast_to(&DataType::Int64)? {
                            ScalarValue::Int64(Some(place)) if place > 0 => {
                                nth(&pieces, usize::try_from(place - 1).unwrap_or(usize::MAX))
                            }
                            ScalarValue::Int64(None) => None,
                            _ => return exec_err!("argument of nth_value must be greater than zero"),
                        }
                    }
                };
                match wanted {
                    Some(at) => ScalarValue::try_from_array(column, at)?.cast_to(self.returns.data_type()),
                    None => ScalarValue::try_from(self.returns.data_type()),
                }
            }
        }
    }
}

impl Frames {
    /// The rows that the order does not tell from this one.
    fn peers_of(&mut self, keys: &[ArrayRef], row: usize, rows: usize) -> Result<Range<usize>> {
        if keys.is_empty() {
            return Ok(0..rows);
        }
        let (ranges, at) = match &mut self.peers {
            Some(known) => known,
            none => none.insert((partition(keys)?.ranges(), 0)),
        };
        while ranges.get(*at).is_some_and(|range| range.end <= row) {
            *at += 1;
        }
        Ok(ranges.get(*at).cloned().unwrap_or(row..row + 1))
    }

    fn aggregated(
        &self,
        function: &AggregateUDF,
        arguments: &[ArrayRef],
        condition: Option<&ArrayRef>,
        pieces: &[Range<usize>],
    ) -> Result<ScalarValue> {
        let schema = Schema::new(self.fields.iter().map(Arc::clone).collect::<Vec<_>>());
        let mut accumulator = function.accumulator(AccumulatorArgs {
            return_field: Arc::clone(&self.returns),
            schema: &schema,
            ignore_nulls: false,
            order_bys: &[],
            is_reversed: false,
            name: function.name(),
            is_distinct: false,
            exprs: &self.expressions,
            expr_fields: &self.fields,
        })?;
        for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
            let mut part: Vec<ArrayRef> = arguments
                .iter()
                .map(|column| column.slice(piece.start, piece.len()))
                .collect();
            if let Some(condition) = condition {
                let condition = condition.slice(piece.start, piece.len());
                let condition = condition.as_boolean();
                part = part
                    .iter()
                    .map(|column| filter(column, condition))
                    .collect::<Result<_, _>>()?;
            }
            if part.first().is_some_and(|column| !column.is_empty()) {
                accumulator.update_batch(&part)?;
            }
        }
        accumulator.evaluate()
    }
}

/// What of a frame stays, in its order.
fn stay(left: Left, row: usize, peers: &Range<usize>, frame: &Range<usize>) -> [Range<usize>; 3] {
    let out = match left {
        Left::CurrentRow => row..row + 1,
        Left::Group | Left::Ties => peers.clone(),
    };
    let own = match left {
        Left::Ties if frame.contains(&row) => row..row + 1,
        _ => row..row,
    };
    let piece = |start: usize, end: usize| start..end.max(start);
    [
        piece(frame.start, frame.end.min(out.start)),
        own,
        piece(frame.start.max(out.end), frame.end),
    ]
}

/// The row at a place, from 0, of what stays.
fn nth(pieces: &[Range<usize>], mut place: usize) -> Option<usize> {
    for piece in pieces {
        match place < piece.len() {
            true => return Some(piece.start + place),
            false => place -= piece.len(),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(left: Left, row: usize, peers: Range<usize>, frame: Range<usize>) -> Vec<usize> {
        stay(left, row, &peers, &frame).into_iter().flatten().collect()
    }

    #[test]
    fn what_stays_of_a_frame() {
        assert_eq!(rows(Left::CurrentRow, 2, 1..4, 0..6), [0, 1, 3, 4, 5]);
        assert_eq!(rows(Left::Group, 2, 1..4, 0..6), [0, 4, 5]);
        assert_eq!(rows(Left::Ties, 2, 1..4, 0..6), [0, 2, 4, 5]);
        // Frames that the row is not in.
        assert_eq!(rows(Left::Ties, 2, 1..4, 3..6), [4, 5]);
        assert_eq!(rows(Left::CurrentRow, 2, 1..4, 3..6), [3, 4, 5]);
        assert_eq!(rows(Left::Group, 5, 5..6, 0..2), [0, 1]);
        assert_eq!(rows(Left::Group, 1, 0..6, 1..3), [0_usize; 0]);
        assert_eq!(nth(&stay(Left::Group, 2, &(1..4), &(0..6)), 1), Some(4));
        assert_eq!(nth(&stay(Left::Group, 2, &(1..4), &(0..6)), 3), None);
    }
}
