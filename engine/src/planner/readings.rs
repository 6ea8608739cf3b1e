//! Texts that are cast to dates and times, of literals and of columns: read as PostgreSQL reads them, not as Arrow would.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Date32Array, ListArray, StringArray, Time64MicrosecondArray,
    TimestampMicrosecondArray,
};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::common::{
    Result, ScalarValue, exec_datafusion_err, exec_err, extensions_options, internal_err,
};
use datafusion::config::{ConfigExtension, ConfigOptions};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use radlake_udfs::datetime::read::{self, Kind, Order, Problem, Zone};

use crate::Error;

/// Name of the function.
pub(super) const DATETIME_IN: &str = "datetime_in";

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

extensions_options! {
    /// The session's `DateStyle`.
    pub struct DateStyle {
        /// As it is shown: `ISO, MDY`.
        pub style: String, default = "ISO, MDY".to_owned()
    }
}

impl ConfigExtension for DateStyle {
    const PREFIX: &'static str = "radlake_datestyle";
}

/// The order of the parts of a date in the session.
pub(super) fn order(config: &ConfigOptions) -> Order {
    let style = config.extensions.get::<DateStyle>();
    style.map_or_else(Order::default, |style| Order::of_style(&style.style))
}

/// Whether a cast from one type to the other reads a text as a date or time.
pub(super) fn is_reading(from: &DataType, to: &DataType) -> bool {
    match (from, to) {
        (DataType::List(from), DataType::List(to)) => is_reading(from.data_type(), to.data_type()),
        (from, to) => from.is_string() && kind(to).is_some(),
    }
}

/// `text::to` in a session's zone.
pub(super) fn reading(text: Expr, to: &DataType, zone: &Arc<str>, order: Order) -> Expr {
    let function = ScalarUDF::from(DatetimeIn {
        to: to.clone(),
        zone: Arc::clone(zone),
        order,
        signature: Signature::any(1, Volatility::Immutable),
    });
    Expr::ScalarFunction(ScalarFunction::new_udf(Arc::new(function), vec![text]))
}

fn kind(to: &DataType) -> Option<Kind> {
    match to {
        DataType::Date32 | DataType::Date64 => Some(Kind::Date),
        DataType::Time32(_) | DataType::Time64(_) => Some(Kind::Time),
        DataType::Timestamp(_, None) => Some(Kind::Timestamp),
        DataType::Timestamp(_, Some(_)) => Some(Kind::Timestamptz),
        _ => None,
    }
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Date => "date",
        Kind::Time => "time",
        Kind::Timestamp => "timestamp",
        Kind::Timestamptz => "timestamp with time zone",
    }
}

/// What is told of a text that was not read. The text itself may be a patient's.
pub(super) fn error(problem: Problem, type_name: &str) -> DataFusionError {
    let error = match problem {
        Problem::Syntax => Error::InvalidDatetime {
            type_name: type_name.to_owned(),
        },
        Problem::Range => Error::DatetimeOverflow,
        Problem::Displacement => Error::ZoneDisplacement,
        Problem::UnknownZone => Error::InvalidParameter("time zone not recognized".to_owned()),
        Problem::Current => Error::Unsupported {
            what: format!("the words now, today, tomorrow and yesterday as {type_name}"),
            hint: Some("Use now(), CURRENT_DATE and what is added to them.".to_owned()),
        },
        Problem::Unsupported(what) => Error::unsupported(what),
    };
    DataFusionError::External(Box::new(error))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct DatetimeIn {
    to: DataType,
    zone: Arc<str>,
    order: Order,
    signature: Signature,
}

impl ScalarUDFImpl for DatetimeIn {
    fn name(&self) -> &str {
        DATETIME_IN
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.to.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let zone = Zone::parse(&self.zone)?;
        radlake_udfs::by_row(&args, |values| match values {
            [values] => values_of(values, &self.to, zone, self.order),
            _ => exec_err!("{DATETIME_IN} takes one argument"),
        })
    }
}

/// The dates or times that texts, or lists of texts, are.
fn values_of(values: &ArrayRef, to: &DataType, zone: Zone, order: Order) -> Result<ArrayRef> {
    if let (DataType::List(field), Some(lists)) = (to, values.as_list_opt::<i32>()) {
        let elements = values_of(lists.values(), field.data_type(), zone, order)?;
        let lists = ListArray::try_new(
            Arc::clone(field),
            lists.offsets().clone(),
            elements,
            lists.nulls().cloned(),
        )?;
        return Ok(Arc::new(lists));
    }
    let Some(kind) = kind(to) else {
        return internal_err!("{to} is no date or time");
    };
    let texts = cast(values, &DataType::Utf8)?;
    let texts = texts.as_string::<i32>();
    let read: ArrayRef = match kind {
        Kind::Date => {
            let days = numbers(texts, kind, zone, order)?.into_iter();
            let days = days.map(|day| day.map(i32::try_from).transpose());
            let days: std::result::Result<Date32Array, _> = days.collect();
            Arc::new(days.map_err(|_| exec_datafusion_err!("date out of range"))?)
        }
        Kind::Time => Arc::new(Time64MicrosecondArray::from(numbers(texts, kind, zone, order)?)),
        Kind::Timestamp => Arc::new(TimestampMicrosecondArray::from(numbers(
            texts, kind, zone, order,
        )?)),
        Kind::Timestamptz => {
            let moments = TimestampMicrosecondArray::from(numbers(texts, kind, zone, order)?);
            let utc = moments.with_timezone("UTC");
            Arc::new(utc)
        }
    };
    match read.data_type() == to {
        true => Ok(read),
        // Another unit or another zone; the moment stays.
        false => Ok(cast(&read, to)?),
    }
}

fn numbers(texts: &StringArray, kind: Kind, zone: Zone, order: Order) -> Result<Vec<Option<i64>>> {
    let one = |text: &str| {
        let number = read::read(text, kind, zone, order)?;
        let infinite = match kind {
            Kind::Date => number == i64::from(i32::MAX) || number == i64::from(i32::MIN),
            Kind::Time => false,
            Kind::Timestamp | Kind::Timestamptz => number == i64::MAX || number == i64::MIN,
        };
        if infinite {
            return Err(Problem::Unsupported("infinite dates and times"));
        }
        match kind == Kind::Time && number >= DAY {
            true => Err(Problem::Unsupported("the time 24:00:00")),
            false => Ok(number),
        }
    };
    texts
        .iter()
        .map(|text| text.map(one).transpose())
        .collect::<std::result::Result<_, Problem>>()
        .map_err(|problem| error(problem, name(kind)))
}

/// A parameter that came as a text, in UTC where it says no zone.
///
/// # Errors
/// It is no value of the type.
pub(crate) fn read_text(text: &str, to: &DataType) -> crate::Result<ScalarValue> {
    if kind(to).is_none() {
        return Ok(ScalarValue::from(text).cast_to(to)?);
    }
    let values: ArrayRef = Arc::new(StringArray::from(vec![text]));
    let values = values_of(&values, to, Zone::Fixed(0), Order::default())?;
    Ok(ScalarValue::try_from_array(&values, 0)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_texts_are_read_too() {
        let item = Arc::new(arrow::datatypes::Field::new_list_field(DataType::Date32, true));
        let texts =
            ListArray::from_iter_primitive::<arrow::datatypes::Int32Type, _, _>([Some(vec![Some(1)])]);
        let texts = cast(&texts, &DataType::new_list(DataType::Utf8, true)).unwrap();
        let to = DataType::List(item);
        assert!(is_reading(texts.data_type(), &to));
        assert!(values_of(&texts, &to, Zone::Fixed(0), Order::Mdy).is_err());
    }
}
