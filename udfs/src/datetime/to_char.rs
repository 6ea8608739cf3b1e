//! `to_char(value, pattern)`: a date, a time, an interval or a number, written as a pattern says.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, StringArray, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type, Float64Type};
use datafusion::common::utils::take_function_args;
use datafusion::common::{not_impl_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::calendar::DAY;
use super::pattern::number::NumberPattern;
use super::pattern::{Parts, Pattern};
use super::value::{Value, Values, Zone, answer, coerced, is_text};
use crate::document::{Family, document};
use crate::text::Text;

const NAME: &str = "to_char";

/// The SQL function `to_char`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ToChar {
    signature: Signature,
}

impl Default for ToChar {
    fn default() -> Self {
        Self {
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }
}

/// A date is midnight in the session's zone.
fn midnight(value: Value, zone: Option<Zone>) -> Result<Value> {
    match (value, zone) {
        (Value::Date(days), Some(zone)) => {
            let shown = days.saturating_mul(DAY);
            let offset = zone.offset_of_local(shown)?;
            Ok(Value::Timestamptz {
                at: shown.saturating_sub(offset * 1_000_000),
                offset,
            })
        }
        _ => Ok(value),
    }
}

/// Numbers as their patterns say.
fn numbers(array: &ArrayRef, patterns: &Text<'_>) -> Result<StringArray> {
    let decimals = match array.data_type() {
        DataType::Float32 | DataType::Float64 => None,
        DataType::Decimal128(_, scale) => Some((cast(array, &DataType::Decimal128(38, *scale))?, *scale)),
        _ => Some((cast(array, &DataType::Decimal128(38, 0))?, 0)),
    };
    let narrow = array.data_type() == &DataType::Float32;
    let floats = match decimals {
        None => Some(cast(array, &DataType::Float64)?),
        Some(_) => None,
    };
    let mut out = StringBuilder::new();
    let mut known: Option<(&str, NumberPattern)> = None;
    for row in 0..array.len() {
        let (true, Some(text)) = (array.is_valid(row), patterns.get(row)) else {
            out.append_null();
            continue;
        };
        let (_, pattern) = match known.take() {
            Some(known) if known.0 == text => known,
            _ => (text, NumberPattern::parse(text)?),
        };
        let written = match (&decimals, &floats) {
            (Some((values, scale)), _) => {
                pattern.decimal(values.as_primitive::<Decimal128Type>().value(row), *scale)?
            }
            (None, Some(values)) => pattern.float(
                values.as_primitive::<Float64Type>().value(row),
                if narrow { 6 } else { 15 },
            )?,
            (None, None) => String::new(),
        };
        out.append_value(written);
        known = Some((text, pattern));
    }
    Ok(out.finish())
}

impl ScalarUDFImpl for ToChar {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let [value, pattern] = take_function_args(NAME, types)?;
        let value = coerced(value).unwrap_or_else(|| value.clone());
        Ok(vec![value, pattern.clone()])
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        let [value, pattern] = take_function_args(NAME, types)?;
        if !is_text(pattern) {
            return plan_err!("function {NAME}({value}, {pattern}) does not exist");
        }
        match coerced(value) {
            Some(_) => Ok(DataType::Utf8),
            None if value.is_numeric() => Ok(DataType::Utf8),
            None => not_impl_err!("to_char of {value}"),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [value, pattern] = take_function_args(NAME, &args.args)?;
        let pattern = Text::new(pattern)?;
        let constant = pattern.is_constant() && matches!(value, ColumnarValue::Scalar(_));
        let array = value.to_array(if constant { 1 } else { args.number_rows })?;
        if array.data_type().is_numeric() {
            return answer(Arc::new(numbers(&array, &pattern)?), constant);
        }
        let values = Values::new(&array)?;
        let zone = match &values {
            Values::Date(_) => {
                let session = args.config_options.execution.time_zone.as_deref();
                Some(Zone::parse(session.unwrap_or("UTC"))?)
            }
            Values::Timestamptz(_, zone) => Some(*zone),
            _ => None,
        };
        let mut out = StringBuilder::new();
        let mut known: Option<(&str, Pattern)> = None;
        let mut text = String::new();
        for row in 0..array.len() {
            // As in PostgreSQL, an empty pattern gives NULL.
            let (Some(value), Some(pattern)) =
                (values.get(row)?, pattern.get(row).filter(|text| !text.is_empty()))
            else {
                out.append_null();
                continue;
            };
            let (_, parsed) = match known.take() {
                Some(known) if known.0 == pattern => known,
                _ => (pattern, Pattern::parse(pattern)),
            };
            text.clear();
            parsed.write(&Parts::new(midnight(value, zone)?, zone)?, &mut text)?;
            out.append_value(&text);
            known = Some((pattern, parsed));
        }
        answer(Arc::new(out.finish()), constant)
    }

    fn documentation(&self) -> Option<&Documentation> {
        static DOC: LazyLock<Documentation> = LazyLock::new(|| {
            document(
                Family::DateTime,
                "to_char(value, pattern)",
                "A date, timestamp, timestamptz, time, interval or number as text. The pattern is PostgreSQL's: YYYY, MM, DD, HH24, MI, \
                 SS, MS, Month, Day, TZ and so on, of numbers 9, 0, D, G, S, MI, PR, RN, EEEE and V, with FM before and TH behind; what is in quotation marks or no keyword stays.",
                &[
                    (
                        "value",
                        "A date, timestamp, timestamptz, time, interval or number.",
                    ),
                    ("pattern", "Text such as `YYYY-MM-DD`."),
                ],
                "SELECT to_char(DATE '2024-07-01', 'FMDay, FMDDth FMMonth YYYY');  -- Monday, 1st July 2024",
            )
        });
        Some(&DOC)
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{error, text, texts};
    use arrow::array::{ArrayRef, IntervalMonthDayNanoArray, StringViewArray, TimestampMicrosecondArray};
    use arrow::datatypes::IntervalMonthDayNano;
    use std::sync::Arc;

    fn at(pattern: &str) -> String {
        let call = format!("to_char(TIMESTAMP '2024-07-01 13:08:09.012345', '{pattern}')");
        text(&call).unwrap()
    }

    fn interval(months: i32, days: i32, micros: i64, pattern: &str) -> String {
        let value = IntervalMonthDayNano::new(months, days, micros * 1000);
        let column: ArrayRef = Arc::new(IntervalMonthDayNanoArray::from(vec![value]));
        let sql = format!("SELECT to_char(a, '{pattern}') FROM t");
        texts(&sql, vec![column]).unwrap().remove(0).unwrap()
    }

    // What PostgreSQL 15.18 answers, here and below.
    #[test]
    fn numbers_of_timestamps() {
        assert_eq!(
            at(
                "HH HH12 HH24 MI SS MS US FF1 FF2 FF3 FF4 FF5 FF6 SSSS SSSSS AM PM A.M. pm a.m. TZ tz OF TZH TZM|"
            ),
            "01 01 13 08 09 012 012345 0 01 012 0123 01234 012345 47289 47289 PM PM P.M. pm p.m.   +00 +00 00|"
        );
        assert_eq!(
            at("YYYY YYY YY Y Y,YYY IYYY IYY IY I MM DD D ID DDD IDDD WW IW W Q CC J AD"),
            "2024 024 24 4 2,024 2024 024 24 4 07 01 2 1 183 183 27 27 1 3 21 2460493 AD"
        );
    }

    #[test]
    fn names_and_literals() {
        assert_eq!(
            at("Month|MONTH|month|Mon|MON|mon|Day|DAY|day|Dy|DY|dy|RM|rm|FMMonth|FMRM|TMMonth|DDth|FMDDTH"),
            "July     |JULY     |july     |Jul|JUL|jul|Monday   |MONDAY   |monday   |Mon|MON|mon|VII |vii |July|VII|July|01st|1ST"
        );
        assert_eq!(
            at(r#""Yes \" YYYY" \YYYY FMabc FMXX"#),
            r#"Yes " YYYY \2024 aad XX"#
        );
        assert_eq!(
            text("to_char(TIMESTAMP '2024-01-11', 'é Hh Yyyy Iyyy FX DD SP DDSP DDthth')").as_deref(),
            Some("é Hh 4024 4024  11 SP 11 11thth")
        );
        assert_eq!(
            text(
                "to_char(TIMESTAMP '2024-01-03', 'HH12:MI Dth ith FMHH24th HH24th SSSSth MSth Qth IDDDth Y,YYYth CCth \"th\"TH')"
            )
            .as_deref(),
            Some("12:00 4th 4th 0th 00th 0th 000th 1st 003rd 2,024th 21st thTH")
        );
    }

    #[test]
    fn of_dates_and_moments() {
        assert_eq!(
            text("to_char(DATE '2024-07-01', 'YYYY-MM-DD HH24:MI TZ OF')").as_deref(),
            Some("2024-07-01 00:00 UTC +00")
        );
        let moment = "arrow_cast('2024-07-01T13:08:09Z', 'Timestamp(Microsecond, Some(\"Europe/Berlin\"))')";
        assert_eq!(
            text(&format!("to_char({moment}, 'HH24 TZ tz OF TZH:TZM')")).as_deref(),
            Some("15 CEST cest +02 +02:00")
        );
        let moment = "arrow_cast('2024-07-01T13:08:09Z', 'Timestamp(Microsecond, Some(\"Asia/Kolkata\"))')";
        assert_eq!(
            text(&format!("to_char({moment}, 'TZ OF FMOF')")).as_deref(),
            Some("IST +05:30 +5:30")
        );
    }

    #[test]
    fn before_christ_and_far_ahead() {
        let day = |year, month, day| {
            let days = super::super::calendar::julian(year, month, day) - super::super::calendar::EPOCH;
            let at: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![
                days * super::DAY + 25_689_012_345,
            ]));
            move |pattern: &str| {
                let sql = format!("SELECT to_char(a, '{pattern}') FROM t");
                texts(&sql, vec![Arc::clone(&at)]).unwrap().remove(0).unwrap()
            }
        };
        assert_eq!(
            day(-43, 3, 15)(
                "YYYY,YYY YY Y Y,YYY IYYY IYY IY I CC BC B.C. ad MM DD DDD D ID IDDD WW W IW Q J"
            ),
            "0044,044 44 4 0,044 0044 044 44 4 -01 BC B.C. bc 03 15 074 6 5 075 11 3 11 1 1705428"
        );
        assert_eq!(
            day(12_345, 1, 1)("YYYY YYY YY Y Y,YYY CC"),
            "12345 345 45 5 12,345 124"
        );
    }

    #[test]
    fn of_intervals_and_times() {
        assert_eq!(
            interval(
                -14,
                -3,
                -14_706_789_000,
                "YYYY YY MM DD HH12 HH24 MI SS MS US CC RM Q W WW DDD J SSSS|Y,YYY IYYY IW IDDD AM"
            ),
            "-0001 -01 -02 -3 -04 -04 -05 -06 -789 -789000 00 XI   0 1 -59 -423 1720599 -14706|0,-01 -0002 39 273 AM"
        );
        assert_eq!(
            interval(12, 0, 360_000_000_000, "YYYY HH12 HH24 MI RM|FMRM MM Q CC DDD"),
            "0001 04 100 00 XII |XII 00  00 360"
        );
        assert_eq!(
            interval(0, 0, -500_000, "SS MS US FF3 FF1 SSth"),
            "00 -500 -500000 -500 -5 00th"
        );
        assert_eq!(interval(0, 0, -90_000_000_000, "HH24 HH12"), "-25 -01");
        assert_eq!(
            interval(0, 0, 0, "RM|Q|MM|J|W|WW|IW|IYYY"),
            "||00|1721028|1|01|48|-001"
        );
        assert_eq!(
            text("to_char(TIME '13:02', 'HH12:MI AM YYYY')").as_deref(),
            Some("01:02 PM 0000")
        );
        assert!(
            error("to_char(INTERVAL '1 day', 'Mon')")
                .contains("invalid format specification for an interval value")
        );
    }

    #[test]
    fn patterns_of_a_column() {
        let at: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![
            Some(0),
            Some(0),
            Some(0),
            None,
            Some(0),
        ]));
        let patterns: ArrayRef = Arc::new(StringViewArray::from(vec![
            Some("YYYY"),
            Some("DD"),
            Some(""),
            Some("DD"),
            None,
        ]));
        assert_eq!(
            texts("SELECT to_char(a, b) FROM t", vec![at, patterns]).unwrap(),
            [Some("1970".to_owned()), Some("01".to_owned()), None, None, None]
        );
    }

    #[test]
    fn other_types_are_refused() {
        assert_eq!(text("to_char(125.8, '999D9')").as_deref(), Some(" 125.8"));
        assert!(error("to_char(true, '9')").contains("to_char of Boolean"));
        assert!(error("to_char('2024-01-01', 'YYYY')").contains("to_char of Utf8"));
        assert!(error("to_char(DATE '2024-01-01', 1)").contains("does not exist"));
    }
}
