use arrow::datatypes::{DataType, IntervalMonthDayNano, TimeUnit};

use super::*;

fn text(oid: u32, text: &str, target: &DataType) -> Result<ScalarValue, Invalid> {
    let zone = Zone::parse("Europe/Berlin").unwrap();
    read(
        Some(text.as_bytes()),
        &Source {
            oid,
            format: Format::Text,
            zone: &zone,
        },
        target,
    )
}

fn binary(oid: u32, bytes: &[u8], target: &DataType) -> Result<ScalarValue, Invalid> {
    read(
        Some(bytes),
        &Source {
            oid,
            format: Format::Binary,
            zone: &Zone::Utc,
        },
        target,
    )
}

#[test]
fn words_and_numbers_are_read_as_postgresql_reads_them() {
    for (word, value) in [
        ("t", true),
        ("TRUE", true),
        ("of", false),
        ("on", true),
        ("0", false),
        ("n", false),
    ] {
        assert_eq!(
            text(16, word, &DataType::Boolean),
            Ok(ScalarValue::Boolean(Some(value))),
            "{word}"
        );
    }
    assert_eq!(text(16, "o", &DataType::Boolean), Err(Invalid::Syntax("boolean")));
    assert_eq!(
        text(23, " 42 ", &DataType::Int32),
        Ok(ScalarValue::Int32(Some(42)))
    );
    assert_eq!(text(23, "42x", &DataType::Int32), Err(Invalid::Syntax("integer")));
    assert_eq!(
        text(23, "2147483648", &DataType::Int32),
        Err(Invalid::Range("integer"))
    );
    assert_eq!(
        text(701, "-Infinity", &DataType::Float64),
        Ok(ScalarValue::Float64(Some(f64::NEG_INFINITY)))
    );
    assert_eq!(
        text(17, "\\x00fF", &DataType::Binary),
        Ok(ScalarValue::Binary(Some(vec![0, 255])))
    );
    assert_eq!(
        text(17, "a\\\\\\001", &DataType::Binary),
        Ok(ScalarValue::Binary(Some(b"a\\\x01".to_vec())))
    );
    assert_eq!(
        text(1700, "-1.50e3", &DataType::Decimal128(38, 0)),
        Ok(ScalarValue::Decimal128(Some(-1500), 38, 0))
    );
    // `numeric` without a scale loses nothing silently; with one it is rounded.
    assert_eq!(
        text(1700, "0.100000000000", &DataType::Decimal128(38, 10)),
        Ok(ScalarValue::Decimal128(Some(1_000_000_000), 38, 10))
    );
    assert_eq!(
        text(1700, "1.005", &DataType::Decimal128(6, 2)),
        Ok(ScalarValue::Decimal128(Some(101), 6, 2))
    );
    for long in [
        "0.000000000001",
        "-1.12345678901",
        "1e-12",
        "1.00000000000000000000000000000000000000001",
    ] {
        assert!(
            matches!(
                text(1700, long, &DataType::Decimal128(38, 10)),
                Err(Invalid::Unsupported(_))
            ),
            "{long}"
        );
    }
    assert_eq!(
        text(1700, "1e-200", &DataType::Decimal128(38, 0)),
        Err(Invalid::Range("numeric"))
    );
}

#[test]
fn instants_without_a_zone_are_in_the_sessions() {
    let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let at = |micros| {
        Ok(ScalarValue::TimestampMicrosecond(
            Some(micros),
            Some("UTC".into()),
        ))
    };
    assert_eq!(text(1184, "1970-01-01 01:00:00", &utc), at(0));
    assert_eq!(text(1184, "1970-01-01 01:00:00+00", &utc), at(3_600_000_000));
    assert_eq!(text(1184, "1970-01-01T00:00:00Z", &utc), at(0));
    assert_eq!(text(1184, "infinity", &utc), at(i64::MAX));
    let local = DataType::Timestamp(TimeUnit::Microsecond, None);
    assert_eq!(
        text(1114, "1970-01-01 01:00:00+05", &local),
        Ok(ScalarValue::TimestampMicrosecond(Some(3_600_000_000), None))
    );
}

#[test]
fn intervals_have_every_spelling() {
    let target = DataType::Interval(arrow::datatypes::IntervalUnit::MonthDayNano);
    let is = |months, days, micros: i64| {
        Ok(ScalarValue::IntervalMonthDayNano(Some(
            IntervalMonthDayNano::new(months, days, micros * 1_000),
        )))
    };
    for (written, expected) in [
        ("1 year 2 mons 3 days 04:05:06.5", is(14, 3, 14_706_500_000)),
        ("-1 years -2 mons +3 days -04:05:06", is(-14, 3, -14_706_000_000)),
        ("3 days, 4:05:06", is(0, 3, 14_706_000_000)),
        ("P1Y2M3DT4H5M6S", is(14, 3, 14_706_000_000)),
        ("90 minutes ago", is(0, 0, -5_400_000_000)),
        ("1.5 days", is(0, 1, 43_200_000_000)),
        ("2h", is(0, 0, 7_200_000_000)),
        ("15", is(0, 0, 15_000_000)),
    ] {
        assert_eq!(text(1186, written, &target), expected, "{written}");
    }
    for broken in ["", "x", "1 fortnight", "P", "1:99:00", "P1X"] {
        assert_eq!(
            text(1186, broken, &target),
            Err(Invalid::Syntax("interval")),
            "{broken}"
        );
    }
}

#[test]
fn nulls_take_the_type_of_the_statement() {
    let source = Source {
        oid: 25,
        format: Format::Text,
        zone: &Zone::Utc,
    };
    assert_eq!(
        read(None, &source, &DataType::Int32),
        Ok(ScalarValue::Int32(None))
    );
}

#[test]
fn binary_lies_are_errors_not_panics() {
    let list = DataType::new_list(DataType::Int32, true);
    for bytes in [
        &b""[..],
        b"\0\0\0\x01",
        // One dimension of two billion items.
        b"\0\0\0\x01\0\0\0\0\0\0\0\x17\x7f\xff\xff\xff\0\0\0\x01",
        // Six dimensions whose product overflows.
        b"\0\0\0\x06\0\0\0\0\0\0\0\x17\x7f\xff\xff\xff\0\0\0\x01\x7f\xff\xff\xff\0\0\0\x01\x7f\xff\xff\xff\0\0\0\x01\x7f\xff\xff\xff\0\0\0\x01\x7f\xff\xff\xff\0\0\0\x01\x7f\xff\xff\xff\0\0\0\x01",
        // An item of a gigabyte.
        b"\0\0\0\x01\0\0\0\0\0\0\0\x17\0\0\0\x01\0\0\0\x01\x40\0\0\0",
        b"\0\0\0\x07\0\0\0\0\0\0\0\x17",
    ] {
        assert_eq!(binary(1007, bytes, &list), Err(Invalid::Binary), "{bytes:?}");
    }
    assert_eq!(binary(23, b"\0\0", &DataType::Int32), Err(Invalid::Binary));
    assert_eq!(binary(25, b"\xff", &DataType::Utf8), Err(Invalid::Encoding));
    assert_eq!(
        binary(1700, b"\0\x02\0\0\0\0\0\0\0\x01", &DataType::Decimal128(38, 0)),
        Err(Invalid::Binary)
    );
    assert_eq!(
        binary(
            1700,
            b"\0\x01\x7f\xff\0\0\0\0\0\x01",
            &DataType::Decimal128(38, 0)
        ),
        Err(Invalid::Range("numeric"))
    );
    assert_eq!(binary(3802, b"\x02{}", &DataType::Utf8), Err(Invalid::Binary));
}
