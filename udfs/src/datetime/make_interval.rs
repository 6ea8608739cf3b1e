//! `make_interval(years, months, weeks, days, hours, mins, secs)`: an interval of its parts.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, AsArray, IntervalMonthDayNanoBuilder};
use arrow::datatypes::{
    DataType, Float64Type, Int64Type, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit,
};
use datafusion::common::{exec_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::value::answer;
use crate::document::{Family, document};

const NAME: &str = "make_interval";

/// The position of the seconds, which have a fraction.
const SECONDS: usize = 6;

/// The SQL function `make_interval`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct MakeInterval {
    signature: Signature,
}

impl Default for MakeInterval {
    fn default() -> Self {
        Self {
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }
}

/// The interval of years, months, weeks, days, hours and minutes; nothing where it lies outside the type's range.
fn interval(parts: [i64; SECONDS], seconds: f64) -> Option<IntervalMonthDayNano> {
    let [years, months, weeks, days, hours, minutes] = parts;
    let months = years.checked_mul(12)?.checked_add(months)?;
    let days = weeks.checked_mul(7)?.checked_add(days)?;
    let micros = (seconds * 1e6).round_ties_even();
    if !(-9.2e18..=9.2e18).contains(&micros) {
        return None;
    }
    let nanos = hours
        .checked_mul(3_600_000_000)?
        .checked_add(minutes.checked_mul(60_000_000)?)?
        .checked_add(micros as i64)?
        .checked_mul(1000)?;
    let (months, days) = (i32::try_from(months).ok()?, i32::try_from(days).ok()?);
    Some(IntervalMonthDayNanoType::make_value(months, days, nanos))
}

impl ScalarUDFImpl for MakeInterval {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let coerced = types.iter().enumerate().map(|(at, given)| match at {
            SECONDS if given.is_numeric() || given.is_null() => DataType::Float64,
            0..SECONDS if given.is_integer() || given.is_null() => DataType::Int64,
            _ => given.clone(),
        });
        Ok(coerced.collect())
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        let fits = |(at, given): (usize, &DataType)| match at {
            SECONDS => *given == DataType::Float64,
            _ => *given == DataType::Int64,
        };
        if types.len() > SECONDS + 1 || !types.iter().enumerate().all(fits) {
            let types: Vec<_> = types.iter().map(DataType::to_string).collect();
            return plan_err!("function {NAME}({}) does not exist", types.join(", "));
        }
        Ok(DataType::Interval(IntervalUnit::MonthDayNano))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let constant = args
            .args
            .iter()
            .all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { args.number_rows };
        let columns = args
            .args
            .iter()
            .map(|arg| arg.to_array(rows))
            .collect::<Result<Vec<_>>>()?;
        let mut out = IntervalMonthDayNanoBuilder::with_capacity(rows);
        for row in 0..rows {
            if columns.iter().any(|column| column.is_null(row)) {
                out.append_null();
                continue;
            }
            let mut parts = [0; SECONDS];
            for (part, column) in parts.iter_mut().zip(&columns) {
                *part = column.as_primitive::<Int64Type>().value(row);
            }
            let seconds = match columns.get(SECONDS) {
                Some(column) => column.as_primitive::<Float64Type>().value(row),
                None => 0.0,
            };
            match interval(parts, seconds) {
                Some(interval) => out.append_value(interval),
                None => return exec_err!("interval out of range"),
            }
        }
        answer(Arc::new(out.finish()), constant)
    }

    fn documentation(&self) -> Option<&Documentation> {
        static DOC: LazyLock<Documentation> = LazyLock::new(|| {
            document(
                Family::DateTime,
                "make_interval(years, months, weeks, days, hours, mins, secs)",
                "An interval of its parts. What is left out at the end is 0.",
                &[
                    ("years", "Years, a whole number."),
                    ("months", "Months, a whole number."),
                    ("weeks", "Weeks, a whole number."),
                    ("days", "Days, a whole number."),
                    ("hours", "Hours, a whole number."),
                    ("mins", "Minutes, a whole number."),
                    ("secs", "Seconds, with their fraction."),
                ],
                "SELECT make_interval(0, 0, 0, 10);  -- 10 days",
            )
        });
        Some(&DOC)
    }
}

#[cfg(test)]
mod tests {
    use super::interval;
    use crate::testing::{error, run};
    use arrow::array::{Array, ArrayRef, AsArray, Int32Array};
    use arrow::datatypes::{IntervalMonthDayNano, IntervalMonthDayNanoType};
    use std::sync::Arc;

    fn made(arguments: &str) -> IntervalMonthDayNano {
        let answer = run(&format!("SELECT make_interval({arguments})"), vec![]).unwrap();
        answer.as_primitive::<IntervalMonthDayNanoType>().value(0)
    }

    #[test]
    fn in_sql() {
        assert_eq!(made(""), IntervalMonthDayNano::new(0, 0, 0));
        assert_eq!(made("1"), IntervalMonthDayNano::new(12, 0, 0));
        assert_eq!(
            made("1, 2, 3, 4, 5, 6, 7.1234565"),
            IntervalMonthDayNano::new(14, 25, 18_367_123_456_000)
        );
        assert_eq!(
            made("0, 0, 0, 0, 0, 0, -1.5"),
            IntervalMonthDayNano::new(0, 0, -1_500_000_000)
        );
        for wrong in ["1.5", "'a'", "1, 2, 3, 4, 5, 6, 7, 8"] {
            assert!(
                error(&format!("make_interval({wrong})")).contains("make_interval"),
                "{wrong}"
            );
        }
        assert!(error("make_interval(2000000000)").contains("interval out of range"));
    }

    #[test]
    fn of_columns() {
        let days: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), None]));
        let answer = run("SELECT make_interval(0, 0, 0, a) FROM t", vec![days]).unwrap();
        let answer = answer.as_primitive::<IntervalMonthDayNanoType>();
        assert_eq!(answer.value(0), IntervalMonthDayNano::new(0, 1, 0));
        assert!(answer.is_null(1));
    }

    #[test]
    fn what_is_no_number_is_out_of_range() {
        for seconds in [f64::NAN, f64::INFINITY, -1e300] {
            assert_eq!(interval([0; 6], seconds), None, "{seconds}");
        }
    }
}
