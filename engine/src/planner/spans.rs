//! `sum`, `avg`, `min` and `max` of intervals, which DataFusion's of the same name do not take, or compare part by part.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array};
use arrow::datatypes::{
    DataType, Field, FieldRef, Int64Type, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit,
};
use datafusion::common::{Result, ScalarValue, internal_err, not_impl_err};
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Documentation, Expr, GroupsAccumulator, Operator,
    ReversedUDAF, SetMonotonicity, Signature, StatisticsArgs, TypeSignature,
};

use super::postgres::intervals;
use crate::Error;

const INTERVAL: DataType = DataType::Interval(IntervalUnit::MonthDayNano);

/// Puts the four in the place of those that are registered.
///
/// # Errors
/// One of them is not registered.
pub(super) fn register(registry: &mut dyn FunctionRegistry) -> Result<()> {
    for (name, kind) in [
        ("sum", Kind::Sum),
        ("avg", Kind::Average),
        ("min", Kind::Least),
        ("max", Kind::Greatest),
    ] {
        let inner = registry.udaf(name)?;
        let signature = extended(inner.signature());
        let _ = registry.register_udaf(Arc::new(AggregateUDF::from(OfIntervals {
            inner,
            kind,
            signature,
        })))?;
    }
    Ok(())
}

/// A signature that takes intervals too.
fn extended(signature: &Signature) -> Signature {
    let mut extended = signature.clone();
    extended.type_signature = match extended.type_signature {
        TypeSignature::UserDefined => TypeSignature::UserDefined,
        TypeSignature::OneOf(mut forms) => {
            forms.push(TypeSignature::Exact(vec![INTERVAL]));
            TypeSignature::OneOf(forms)
        }
        other => TypeSignature::OneOf(vec![other, TypeSignature::Exact(vec![INTERVAL])]),
    };
    extended
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Sum,
    Average,
    Least,
    Greatest,
}

/// The function that is extended, and what it does with intervals.
#[derive(Debug, PartialEq, Eq, Hash)]
struct OfIntervals {
    inner: Arc<AggregateUDF>,
    kind: Kind,
    signature: Signature,
}

fn is_interval(of: &DataType) -> bool {
    matches!(of, DataType::Interval(_))
}

fn takes_interval(args: &AccumulatorArgs<'_>) -> bool {
    is_interval(args.return_field.data_type())
}

impl OfIntervals {
    fn own(&self, args: &AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        if args.is_distinct && matches!(self.kind, Kind::Sum | Kind::Average) {
            return not_impl_err!("DISTINCT of intervals in {}", self.inner.name());
        }
        Ok(Box::new(Spans {
            kind: self.kind,
            count: 0,
            total: [0; 3],
        }))
    }
}

impl AggregateUDFImpl for OfIntervals {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match types {
            [of] if is_interval(of) => Ok(INTERVAL),
            _ => self.inner.return_type(types),
        }
    }

    fn is_nullable(&self) -> bool {
        self.inner.is_nullable()
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        match takes_interval(&args) {
            true => self.own(&args),
            false => self.inner.accumulator(args),
        }
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        if !is_interval(args.return_type()) {
            return self.inner.state_fields(args);
        }
        let field = |part: &str| {
            Arc::new(Field::new(
                format_state_name(args.name, part),
                DataType::Int64,
                true,
            ))
        };
        Ok(["count", "months", "days", "micros"].map(field).into())
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        !takes_interval(&args) && self.inner.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        self.inner.create_groups_accumulator(args)
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        match takes_interval(&args) {
            true if matches!(self.kind, Kind::Least | Kind::Greatest) => {
                not_impl_err!("{} of intervals over a frame that moves", self.inner.name())
            }
            true => self.own(&args),
            false => self.inner.create_sliding_accumulator(args),
        }
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.inner.order_sensitivity()
    }

    fn simplify_expr_op_literal(
        &self,
        function: &AggregateFunction,
        argument: &Expr,
        op: Operator,
        literal: &Expr,
        is_left: bool,
    ) -> Result<Option<Expr>> {
        self.inner
            .simplify_expr_op_literal(function, argument, op, literal, is_left)
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        self.inner.inner().reverse_expr()
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        match types {
            [of] if is_interval(of) => Ok(vec![INTERVAL]),
            _ => self.inner.coerce_types(types),
        }
    }

    fn is_descending(&self) -> Option<bool> {
        self.inner.is_descending()
    }

    fn value_from_stats(&self, args: &StatisticsArgs<'_>) -> Option<ScalarValue> {
        match is_interval(args.return_type) {
            true => None,
            false => self.inner.value_from_stats(args),
        }
    }

    fn default_value(&self, of: &DataType) -> Result<ScalarValue> {
        self.inner.default_value(of)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }

    fn set_monotonicity(&self, of: &DataType) -> SetMonotonicity {
        match is_interval(of) {
            true => SetMonotonicity::NotMonotonic,
            false => self.inner.inner().set_monotonicity(of),
        }
    }
}

/// Intervals that were added, or the one that is the least or the greatest.
#[derive(Debug)]
struct Spans {
    kind: Kind,
    count: i64,
    /// Months, days and microseconds.
    total: [i64; 3],
}

/// The length, a month having 30 days.
fn length([months, days, micros]: [i64; 3]) -> i128 {
    (i128::from(months) * 30 + i128::from(days)) * 86_400_000_000 + i128::from(micros)
}

impl Spans {
    fn take(&mut self, count: i64, parts: [i64; 3], back: bool) -> Result<()> {
        if count == 0 {
            return Ok(());
        }
        match self.kind {
            Kind::Sum | Kind::Average => {
                for (total, part) in self.total.iter_mut().zip(parts) {
                    let moved = match back {
                        true => total.checked_sub(part),
                        false => total.checked_add(part),
                    };
                    *total = moved.ok_or(Error::DatetimeOverflow)?;
                }
            }
            Kind::Least if self.count > 0 && length(parts) >= length(self.total) => {}
            Kind::Greatest if self.count > 0 && length(parts) <= length(self.total) => {}
            Kind::Least | Kind::Greatest => self.total = parts,
        }
        self.count += if back { -count } else { count };
        Ok(())
    }

    fn all(&mut self, values: &[ArrayRef], back: bool) -> Result<()> {
        let [values] = values else {
            return internal_err!("an aggregate of intervals takes one argument");
        };
        for value in values.as_primitive::<IntervalMonthDayNanoType>().iter().flatten() {
            let parts = [value.months.into(), value.days.into(), value.nanoseconds / 1000];
            self.take(1, parts, back)?;
        }
        Ok(())
    }

    fn result(&self) -> Option<IntervalMonthDayNano> {
        let [months, days, micros] = self.total;
        if self.kind == Kind::Average {
            let count = self.count as f64;
            let [months, days, micros] = [months as f64, days as f64, micros as f64];
            return intervals::spilled(months / count, days / count, micros / count);
        }
        intervals::made(i32::try_from(months).ok()?, i32::try_from(days).ok()?, micros)
    }
}

impl Accumulator for Spans {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.all(values, false)
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.all(values, true)
    }

    fn supports_retract_batch(&self) -> bool {
        matches!(self.kind, Kind::Sum | Kind::Average)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        if self.count == 0 {
            return Ok(ScalarValue::IntervalMonthDayNano(None));
        }
        let result = self.result().ok_or(Error::DatetimeOverflow)?;
        Ok(ScalarValue::IntervalMonthDayNano(Some(result)))
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let numbers = std::iter::once(self.count).chain(self.total);
        Ok(numbers.map(|number| ScalarValue::Int64(Some(number))).collect())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let numbers: Vec<&Int64Array> = states
            .iter()
            .map(|state| state.as_primitive::<Int64Type>())
            .collect();
        let [counts, months, days, micros] = numbers.as_slice() else {
            return internal_err!("four numbers are what is known of intervals");
        };
        for row in 0..counts.len() {
            let parts = [months.value(row), days.value(row), micros.value(row)];
            self.take(counts.value(row), parts, false)?;
        }
        Ok(())
    }
}
