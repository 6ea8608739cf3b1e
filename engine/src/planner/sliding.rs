//! Aggregates of floating point numbers over frames that move: `sum(x) OVER (ORDER BY t ROWS 6 PRECEDING)`.
//!
//! The query engine takes what has left the frame out of the sum again. Of floating point numbers nothing can be taken out: one NaN or
//! infinity would stay for good, and a large number takes the digits of the small ones with it. PostgreSQL computes such a frame anew, and
//! so does this.

use std::collections::VecDeque;
use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::compute::concat;
use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result, ScalarValue, exec_err};
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Expr, ExprSchemable, LogicalPlan, ReversedUDAF, Signature,
    WindowFunctionDefinition,
};
use datafusion::optimizer::AnalyzerRule;

use super::expressions;
use crate::interrupt::Over;

/// Pieces of a frame beyond which they are put together.
const PIECES: usize = 32;

/// The rule, which is to run when types have been made to agree.
#[derive(Debug)]
pub(super) struct Sliding;

impl AnalyzerRule for Sliding {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        match expressions::holds(&plan, |_| false, |expr| matches!(expr, Expr::WindowFunction(_)))? {
            true => expressions::rewrite(plan, one),
            false => Ok(plan),
        }
    }

    fn name(&self) -> &str {
        "sliding"
    }
}

fn one(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let Expr::WindowFunction(mut call) = expr else {
        return Ok(Transformed::no(expr));
    };
    let WindowFunctionDefinition::AggregateUDF(function) = &call.fun else {
        return Ok(Transformed::no(Expr::WindowFunction(call)));
    };
    let floats = || {
        call.params
            .args
            .iter()
            .any(|argument| matches!(argument.get_type(schema), Ok(of) if of.is_floating()))
    };
    if call.params.window_frame.start_bound.is_unbounded()
        || !is_inexact(function.name())
        || function.inner().is::<Anew>()
        || !floats()
    {
        return Ok(Transformed::no(Expr::WindowFunction(call)));
    }
    let anew = AggregateUDF::from(Anew {
        inner: Arc::clone(function),
    });
    call.fun = WindowFunctionDefinition::AggregateUDF(Arc::new(anew));
    Ok(Transformed::yes(Expr::WindowFunction(call)))
}

/// Aggregates that add, and of which each number changes all digits.
fn is_inexact(function: &str) -> bool {
    matches!(function, "sum" | "avg" | "corr")
        || ["covar", "regr_", "stddev", "var"]
            .iter()
            .any(|family| function.starts_with(family))
}

/// An aggregate that computes every frame anew.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Anew {
    inner: Arc<AggregateUDF>,
}

impl AggregateUDFImpl for Anew {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(types)
    }

    fn return_field(&self, fields: &[FieldRef]) -> Result<FieldRef> {
        self.inner.return_field(fields)
    }

    fn is_nullable(&self) -> bool {
        self.inner.is_nullable()
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        self.inner.accumulator(args)
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let inner = Arc::clone(&self.inner);
        let (return_field, schema, name) = (args.return_field, args.schema.clone(), args.name.to_owned());
        let (ignore_nulls, is_reversed, is_distinct) =
            (args.ignore_nulls, args.is_reversed, args.is_distinct);
        let (order_bys, exprs) = (args.order_bys.to_vec(), args.exprs.to_vec());
        let expr_fields = args.expr_fields.to_vec();
        let fresh = move || {
            inner.accumulator(AccumulatorArgs {
                return_field: Arc::clone(&return_field),
                schema: &schema,
                ignore_nulls,
                order_bys: &order_bys,
                is_reversed,
                name: &name,
                is_distinct,
                exprs: &exprs,
                expr_fields: &expr_fields,
            })
        };
        Ok(Box::new(Frame {
            current: fresh()?,
            fresh: Box::new(fresh),
            pieces: VecDeque::new(),
            stale: false,
            over: Over::current(),
        }))
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        self.inner.state_fields(args)
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(types)
    }

    fn default_value(&self, data_type: &DataType) -> Result<ScalarValue> {
        self.inner.default_value(data_type)
    }

    /// The last digits tell in which order numbers were added.
    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::NotSupported
    }
}

/// Makes an accumulator that has seen nothing.
type Fresh = Box<dyn Fn() -> Result<Box<dyn Accumulator>> + Send + Sync>;

/// What is in the frame, and the aggregate of it unless something has left since.
struct Frame {
    fresh: Fresh,
    current: Box<dyn Accumulator>,
    pieces: VecDeque<Vec<ArrayRef>>,
    stale: bool,
    over: Option<Over>,
}

impl Debug for Frame {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame")
            .field("current", &self.current)
            .field("pieces", &self.pieces.len())
            .finish_non_exhaustive()
    }
}

fn rows(values: &[ArrayRef]) -> usize {
    values.first().map_or(0, |column| column.len())
}

impl Frame {
    fn put_together(&mut self) -> Result<()> {
        let width = self.pieces.front().map_or(0, Vec::len);
        let whole = (0..width)
            .map(|at| {
                let parts: Vec<_> = self
                    .pieces
                    .iter()
                    .filter_map(|piece| piece.get(at).map(|column| column.as_ref()))
                    .collect();
                Ok(concat(&parts)?)
            })
            .collect::<Result<Vec<_>>>()?;
        self.pieces = VecDeque::from([whole]);
        Ok(())
    }
}

impl Accumulator for Frame {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        if rows(values) == 0 {
            return Ok(());
        }
        self.pieces.push_back(values.to_vec());
        match self.stale {
            true => Ok(()),
            false => self.current.update_batch(values),
        }
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let mut gone = rows(values);
        while gone > 0 {
            self.stale = true;
            let Some(first) = self.pieces.front_mut() else {
                break;
            };
            let held = rows(first);
            if held <= gone {
                self.pieces.pop_front();
                gone -= held;
                continue;
            }
            for column in first.iter_mut() {
                *column = column.slice(gone, held - gone);
            }
            gone = 0;
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        // A wide frame takes long, and is computed without waiting for anything.
        if self.over.as_ref().is_some_and(Over::is_set) {
            return exec_err!("the statement is over");
        }
        if self.stale {
            if self.pieces.len() > PIECES {
                self.put_together()?;
            }
            self.current = (self.fresh)()?;
            for piece in &self.pieces {
                self.current.update_batch(piece)?;
            }
            self.stale = false;
        }
        self.current.evaluate()
    }

    fn size(&self) -> usize {
        let held: usize = self
            .pieces
            .iter()
            .flatten()
            .map(|column| column.to_data().get_slice_memory_size().unwrap_or_default())
            .sum();
        size_of::<Self>() + self.current.size() + held
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let _ = self.evaluate()?;
        self.current.state()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.current.merge_batch(states)
    }
}
