//! Values whose representation PostgreSQL 15 itself gave.
//!
//! `postgres15.tsv` holds, per expression, PostgreSQL's text and its binary form in hex. To take it anew from a
//! running server: `RADLAKE_POSTGRES='host=… user=…' cargo test -p radlake-server oracle`.

use std::sync::Arc;

use arrow::array::*;
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::*;

use super::{Format, RowEncoder, Style};
use crate::wire::encode::Zone;

/// Tests run in their package.
const GOLDEN: &str = "src/wire/encode/postgres15.tsv";

/// A value as PostgreSQL writes the expression, the function that sends it, and the same value in Arrow.
struct Case {
    sql: String,
    send: &'static str,
    array: ArrayRef,
    pg_type: Option<&'static str>,
}

fn case(sql: impl Into<String>, send: &'static str, array: impl Array + 'static) -> Case {
    Case {
        sql: sql.into(),
        send,
        array: Arc::new(array),
        pg_type: None,
    }
}

fn typed(pg_type: &'static str, case: Case) -> Case {
    Case {
        pg_type: Some(pg_type),
        ..case
    }
}

/// A small generator, so that the cases never change.
fn random(seed: u64) -> impl Iterator<Item = u64> {
    std::iter::successors(Some(seed), |state| {
        let mut x = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        Some(x ^ (x >> 31))
    })
    .skip(1)
}

fn floats() -> Vec<Case> {
    let mut all: Vec<f64> = vec![
        0.0,
        -0.0,
        1.0,
        -1.5,
        0.1,
        1e-4,
        9.9e-5,
        1e-5,
        1e14,
        1e15,
        1e16,
        123456789012345.6,
        1234567890123456.7,
        999999999999999.9,
        1e100,
        5e-324,
        f64::MAX,
        f64::MIN_POSITIVE,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        9007199254740993.0,
        9007199254740992.0,
        9007199254740994.0,
        18014398509481984.0,
        1.8446744073709552e19,
        1e22,
        1e23,
        0.3,
        2.0f64.powi(60),
        2.0f64.powi(64),
        2.0f64.powi(77),
    ];
    all.extend(
        random(1)
            .filter_map(|bits| Some(f64::from_bits(bits)).filter(|f| f.is_finite()))
            .take(60),
    );
    // Large integers, where decimals can lie half-way between two floats.
    all.extend(random(2).take(60).map(|bits| (bits >> (bits % 11)) as f64));
    all.extend(
        random(3)
            .take(40)
            .map(|bits| (bits % 100_000_000) as f64 / 1000.0),
    );
    let mut cases: Vec<Case> = all
        .into_iter()
        .map(|f| {
            case(
                format!("'{f:e}'::float8").replace("inf", "Infinity"),
                "float8send",
                Float64Array::from(vec![f]),
            )
        })
        .collect();
    let mut all: Vec<f32> = vec![
        0.0,
        -0.0,
        1.0,
        0.1,
        1e-4,
        1e-5,
        99999.0,
        100000.0,
        999999.9,
        1e6,
        1234567.0,
        33554448.0,
        67108872.0,
        16777216.0,
        16777218.0,
        f32::MAX,
        f32::MIN_POSITIVE,
        1e-45,
        f32::NAN,
        f32::INFINITY,
    ];
    all.extend(
        random(4)
            .filter_map(|bits| Some(f32::from_bits(bits as u32)).filter(|f| f.is_finite()))
            .take(60),
    );
    all.extend(
        random(5)
            .take(120)
            .map(|bits| ((bits as u32) >> (bits >> 60)) as f32),
    );
    cases.extend(all.into_iter().map(|f| {
        case(
            format!("'{f:e}'::float4").replace("inf", "Infinity"),
            "float4send",
            Float32Array::from(vec![f]),
        )
    }));
    cases
}

fn numbers() -> Vec<Case> {
    let mut cases = vec![
        case("true", "boolsend", BooleanArray::from(vec![true])),
        case("false", "boolsend", BooleanArray::from(vec![false])),
        case("'-32768'::int2", "int2send", Int16Array::from(vec![i16::MIN])),
        case("'7'::int2", "int2send", Int8Array::from(vec![7])),
        case(
            "'-2147483648'::int4",
            "int4send",
            Int32Array::from(vec![i32::MIN]),
        ),
        case(
            "'9223372036854775807'::int8",
            "int8send",
            Int64Array::from(vec![i64::MAX]),
        ),
        case(
            "'-9223372036854775808'::int8",
            "int8send",
            Int64Array::from(vec![i64::MIN]),
        ),
        case("'4294967295'::oid", "oidsend", UInt32Array::from(vec![u32::MAX])),
        case("'42'::int8", "int8send", UInt64Array::from(vec![42])),
    ];
    for (text, unscaled, precision, scale) in [
        ("0", 0i128, 10, 0),
        ("0.00", 0, 10, 2),
        ("1", 1, 10, 0),
        ("-1.50", -150, 10, 2),
        ("0.0001", 1, 10, 4),
        ("0.00012", 12, 10, 5),
        ("10000", 10000, 10, 0),
        ("9999.9999", 99_999_999, 10, 4),
        ("12345.678", 12_345_678, 10, 3),
        ("100000000", 100_000_000, 10, 0),
        ("-0.000000000000000000000000000000000001", -1, 38, 36),
        (
            "99999999999999999999999999999999999999",
            99_999_999_999_999_999_999_999_999_999_999_999_999,
            38,
            0,
        ),
        (
            "12345678901234567890.123456789012345678",
            12_345_678_901_234_567_890_123_456_789_012_345_678,
            38,
            18,
        ),
    ] {
        let array = Decimal128Array::from(vec![unscaled])
            .with_precision_and_scale(precision, scale)
            .unwrap();
        cases.push(case(format!("'{text}'::numeric"), "numeric_send", array));
    }
    let wide =
        i256::from_string("1234567890123456789012345678901234567890123456789012345678901234567890").unwrap();
    for value in [wide, wide.wrapping_neg()] {
        let array = Decimal256Array::from(vec![value])
            .with_precision_and_scale(76, 30)
            .unwrap();
        let sign = if value < i256::ZERO { "-" } else { "" };
        cases.push(case(
            format!(
                "'{sign}1234567890123456789012345678901234567890.123456789012345678901234567890'::numeric"
            ),
            "numeric_send",
            array,
        ));
    }
    cases
}

fn times() -> Vec<Case> {
    let mut cases = Vec::new();
    for (text, days) in [
        ("1970-01-01", 0),
        ("2000-01-01", 10_957),
        ("1969-12-31", -1),
        ("2024-02-29", 19_782),
        ("1900-02-28", -25_509),
        ("0001-01-01", -719_162),
        ("0001-12-31 BC", -719_163),
        ("0044-03-15 BC", -735_160),
        ("12345-06-07", 3_789_548),
        ("infinity", i32::MAX),
        ("-infinity", i32::MIN),
    ] {
        cases.push(case(
            format!("'{text}'::date"),
            "date_send",
            Date32Array::from(vec![days]),
        ));
    }
    for (text, micros) in [
        ("00:00:00", 0),
        ("23:59:59.999999", 86_399_999_999),
        ("12:34:56.5", 45_296_500_000),
        ("01:02:03.000001", 3_723_000_001),
        ("24:00:00", 86_400_000_000),
    ] {
        cases.push(case(
            format!("'{text}'::time"),
            "time_send",
            Time64MicrosecondArray::from(vec![micros]),
        ));
    }
    for (text, micros) in [
        ("1970-01-01 00:00:00", 0i64),
        ("1969-12-31 23:59:59.999999", -1),
        ("2026-11-23 17:46:49.123", 1_795_456_009_123_000),
        ("0044-03-15 12:00:00 BC", -63_517_780_800_000_000),
        ("294247-01-10 04:00:54.775806", i64::MAX - 1),
        ("infinity", i64::MAX),
        ("-infinity", i64::MIN),
    ] {
        cases.push(case(
            format!("'{text}'::timestamp"),
            "timestamp_send",
            TimestampMicrosecondArray::from(vec![micros]),
        ));
        cases.push(case(
            format!("'{text}'::timestamp at time zone 'UTC'"),
            "timestamptz_send",
            TimestampMicrosecondArray::from(vec![micros]).with_timezone("UTC"),
        ));
    }
    for text in [
        "1880-01-01 00:00:00",
        "1945-06-01 12:00:00",
        "2024-07-01 00:00:00",
        "2024-10-27 01:30:00",
        "2036-07-01 00:00:00",
        "2080-07-01 00:00:00",
        "2080-12-01 00:00:00",
        "2500-07-01 00:00:00",
        "2501-01-01 00:00:00",
    ] {
        let micros = chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S")
            .unwrap()
            .and_utc()
            .timestamp_micros();
        cases.push(case(
            format!("'{text}'::timestamp at time zone 'UTC'"),
            "timestamptz_send",
            TimestampMicrosecondArray::from(vec![micros]).with_timezone("UTC"),
        ));
    }
    cases.push(case(
        "'2001-02-03 04:05:06.789012'::timestamp",
        "timestamp_send",
        TimestampNanosecondArray::from(vec![981_173_106_789_012_345]),
    ));
    cases.push(case(
        "'2001-02-03 04:05:06'::timestamp",
        "timestamp_send",
        TimestampSecondArray::from(vec![981_173_106]),
    ));
    for (months, days, micros) in [
        (0, 0, 0i64),
        (14, 3, 14_706_789_000),
        (-14, 3, -14_706_000_000),
        (-14, -3, 14_706_000_000),
        (1, 1, 1),
        (12, 0, 0),
        (0, 1, 0),
        (0, -1, 3_600_000_000),
        (0, 0, 360_000_000_000_000),
        (25, 0, -1_500_000),
    ] {
        let value = IntervalMonthDayNano::new(months, days, micros * 1_000);
        cases.push(case(
            format!(
                "make_interval(months => {months}, days => {days}) + '1 microsecond'::interval * {micros}"
            ),
            "interval_send",
            IntervalMonthDayNanoArray::from(vec![value]),
        ));
    }
    cases
}

fn strings() -> Vec<Case> {
    vec![
        case(
            "'Größe, \"x\"'::text",
            "textsend",
            StringArray::from(vec!["Größe, \"x\""]),
        ),
        case("''::text", "textsend", StringViewArray::from(vec![""])),
        case(
            "'\\x00ff7f5c'::bytea",
            "byteasend",
            BinaryArray::from(vec![&b"\x00\xff\x7f\\"[..]]),
        ),
        typed(
            "jsonb",
            case(
                "'{\"a\": 1}'::jsonb",
                "jsonb_send",
                StringArray::from(vec!["{\"a\": 1}"]),
            ),
        ),
        typed(
            "json",
            case(
                "'{\"a\":1}'::json",
                "json_send",
                LargeStringArray::from(vec!["{\"a\":1}"]),
            ),
        ),
        typed(
            "uuid",
            case(
                "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid",
                "uuid_send",
                StringArray::from(vec!["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]),
            ),
        ),
        typed(
            "uuid",
            case(
                "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid",
                "uuid_send",
                FixedSizeBinaryArray::try_from_iter(
                    [vec![
                        0xa0, 0xee, 0xbc, 0x99, 0x9c, 0x0b, 0x4e, 0xf8, 0xbb, 0x6d, 0x6b, 0xb9, 0xbd, 0x38,
                        0x0a, 0x11,
                    ]]
                    .into_iter(),
                )
                .unwrap(),
            ),
        ),
        case("'CT'::text", "textsend", {
            let array: DictionaryArray<Int32Type> = ["MR", "CT"].into_iter().collect();
            array.slice(1, 1)
        }),
    ]
}

fn list(values: ArrayRef) -> ListArray {
    let field = Arc::new(Field::new_list_field(values.data_type().clone(), true));
    ListArray::new(field, OffsetBuffer::from_lengths([values.len()]), values, None)
}

fn nested() -> Vec<Case> {
    let words = StringArray::from(vec![
        Some("a"),
        None,
        Some(""),
        Some("NULL"),
        Some("null"),
        Some("b c"),
        Some("x\"y"),
        Some("p\\q"),
        Some("{"),
        Some("d,e"),
        Some("é"),
        Some("t\tu"),
    ]);
    let composite = |first: Option<&str>, second: Option<i32>| {
        StructArray::from(vec![
            (
                Arc::new(Field::new("a", DataType::Utf8, true)),
                Arc::new(StringArray::from(vec![first])) as ArrayRef,
            ),
            (
                Arc::new(Field::new("b", DataType::Int32, true)),
                Arc::new(Int32Array::from(vec![second])),
            ),
            (
                Arc::new(Field::new("c", DataType::Date32, true)),
                Arc::new(Date32Array::from(vec![0])),
            ),
        ])
    };
    let mut cases = vec![
        case(
            "ARRAY[1,NULL,-3]::int4[]",
            "array_send",
            list(Arc::new(Int32Array::from(vec![Some(1), None, Some(-3)]))),
        ),
        case(
            "'{}'::int4[]",
            "array_send",
            list(Arc::new(Int32Array::from(Vec::<i32>::new()))),
        ),
        case(
            "ARRAY[0.5,'NaN',1e20]::float8[]",
            "array_send",
            list(Arc::new(Float64Array::from(vec![0.5, f64::NAN, 1e20]))),
        ),
        case(
            "ARRAY['a',NULL,'','NULL','null','b c','x\"y','p\\q','{','d,e','é',E't\\tu']::text[]",
            "array_send",
            list(Arc::new(words)),
        ),
        case("ARRAY[[1,2],[3,NULL]]::int4[]", "array_send", {
            let inner = ListArray::from_iter_primitive::<Int32Type, _, _>([
                Some(vec![Some(1), Some(2)]),
                Some(vec![Some(3), None]),
            ]);
            list(Arc::new(inner))
        }),
    ];
    for (sql, first, second) in [
        ("ROW('x'::text, 1, '1970-01-01'::date)", Some("x"), Some(1)),
        ("ROW(NULL::text, NULL::int, '1970-01-01'::date)", None, None),
        ("ROW(''::text, 1, '1970-01-01'::date)", Some(""), Some(1)),
        ("ROW('a b'::text, 1, '1970-01-01'::date)", Some("a b"), Some(1)),
        (
            "ROW('(\"\\,)'::text, 1, '1970-01-01'::date)",
            Some("(\"\\,)"),
            Some(1),
        ),
        ("ROW('NULL'::text, 1, '1970-01-01'::date)", Some("NULL"), Some(1)),
    ] {
        cases.push(case(sql, "record_send", composite(first, second)));
    }
    cases.push(case(
        "ARRAY[ROW('a b'::text, 1, '1970-01-01'::date)]",
        "array_send",
        list(Arc::new(composite(Some("a b"), Some(1)))),
    ));
    cases
}

fn ours(case: &Case, format: Format) -> Vec<u8> {
    let mut field = Field::new("v", case.array.data_type().clone(), true);
    if let Some(name) = case.pg_type {
        field = field.with_metadata([("pg_type".to_owned(), name.to_owned())].into());
    }
    let schema = Arc::new(Schema::new(vec![field]));
    let batch = RecordBatch::try_new(schema.clone(), vec![case.array.clone()]).unwrap();
    let style = Style {
        zone: Zone::parse("Europe/Berlin").unwrap(),
        ..Style::default()
    };
    let mut out = bytes::BytesMut::new();
    RowEncoder::new(&schema, &[format], style)
        .bind(&batch)
        .unwrap()
        .data_row(0, &mut out)
        .unwrap();
    // 'D', length, one column, its length.
    assert_eq!(out[0], b'D');
    assert_eq!(
        u32::from_be_bytes(out[1..5].try_into().unwrap()) as usize,
        out.len() - 1
    );
    assert_eq!(
        u32::from_be_bytes(out[7..11].try_into().unwrap()) as usize,
        out.len() - 11
    );
    out[11..].to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Asks a running server for the text and binary form of every case.
fn record(cases: &[Case], connection: &str) {
    let mut script =
        "set timezone='Europe/Berlin'; set datestyle='ISO'; set intervalstyle='postgres';\n".to_owned();
    for case in cases {
        let sql = &case.sql;
        script.push_str(&format!(
            "select encode(convert_to(format('%s', x),'UTF8'),'hex'), encode({}(x),'hex') from (select {sql} as x) q;\n",
            case.send
        ));
    }
    let path = std::env::temp_dir().join("radlake-oracle.sql");
    std::fs::write(&path, script).unwrap();
    let run = std::process::Command::new("psql")
        .args([
            connection,
            "-X",
            "-q",
            "-At",
            "-F",
            "\t",
            "-v",
            "ON_ERROR_STOP=1",
            "-f",
        ])
        .arg(&path)
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let answers = String::from_utf8(run.stdout).unwrap();
    assert_eq!(answers.lines().count(), cases.len());
    let lines: Vec<String> = cases
        .iter()
        .zip(answers.lines())
        .map(|(case, answer)| format!("{}\t{answer}\n", case.sql.replace('\t', "\\t")))
        .collect();
    std::fs::write(GOLDEN, lines.concat()).unwrap();
}

#[test]
fn values_are_written_as_postgresql_writes_them() {
    let cases: Vec<Case> = [floats(), numbers(), times(), strings(), nested()]
        .into_iter()
        .flatten()
        .collect();
    if let Ok(connection) = std::env::var("RADLAKE_POSTGRES") {
        record(&cases, &connection);
    }
    let golden = std::fs::read_to_string(GOLDEN).unwrap();
    assert_eq!(
        golden.lines().count(),
        cases.len(),
        "cases were added: record anew"
    );
    let mut wrong = Vec::new();
    for (case, line) in cases.iter().zip(golden.lines()) {
        let mut columns = line.split('\t');
        assert_eq!(
            columns.next().unwrap(),
            case.sql,
            "cases were changed: record anew"
        );
        let (text, binary) = (columns.next().unwrap(), columns.next().unwrap());
        let (our_text, mut our_binary) = (ours(case, Format::Text), ours(case, Format::Binary));
        if case.sql.starts_with("ARRAY[ROW") {
            // PostgreSQL's row has no name; here every shape of a composite is a type, so that drivers can look it up.
            our_binary[8..12].copy_from_slice(&2249u32.to_be_bytes());
        }
        if hex(&our_text) != text {
            let bytes: Vec<u8> = (0..text.len())
                .step_by(2)
                .map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap())
                .collect();
            wrong.push(format!(
                "{}: PostgreSQL {} ours {}",
                case.sql,
                String::from_utf8_lossy(&bytes),
                String::from_utf8_lossy(&our_text)
            ));
        }
        if hex(&our_binary) != binary {
            wrong.push(format!(
                "{}: PostgreSQL {binary} ours {}",
                case.sql,
                hex(&our_binary)
            ));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn postgresqls_values_are_read_back_as_parameters() {
    use crate::wire::parameters::{Source, read};
    use crate::wire::types::pg_type_of;

    let cases: Vec<Case> = [floats(), numbers(), times(), strings(), nested()]
        .into_iter()
        .flatten()
        .collect();
    let golden = std::fs::read_to_string(GOLDEN).unwrap();
    let zone = Zone::parse("Europe/Berlin").unwrap();
    let mut wrong = Vec::new();
    for (case, line) in cases.iter().zip(golden.lines()) {
        // Row values are no parameters.
        if case.sql.contains("ROW(") {
            continue;
        }
        let mut field = Field::new("v", case.array.data_type().clone(), true);
        if let Some(name) = case.pg_type {
            field = field.with_metadata([("pg_type".to_owned(), name.to_owned())].into());
        }
        let (oid, kind) = (pg_type_of(&field).oid, case.array.data_type());
        let forms: Vec<Vec<u8>> = line
            .split('\t')
            .skip(1)
            .map(|hex| {
                (0..hex.len())
                    .step_by(2)
                    .map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap())
                    .collect()
            })
            .collect();
        for (format, bytes) in [(Format::Text, &forms[0]), (Format::Binary, &forms[1])] {
            let source = Source {
                oid,
                format,
                zone: &zone,
            };
            let same = match read(Some(bytes), &source, kind) {
                Err(error) => Err(format!("{error:?}")),
                Ok(value) => {
                    let again = Case {
                        sql: String::new(),
                        send: "",
                        array: value.to_array().unwrap(),
                        pg_type: case.pg_type,
                    };
                    let shown = ours(&again, Format::Text);
                    if shown == forms[0] {
                        Ok(())
                    } else {
                        Err(String::from_utf8_lossy(&shown).into_owned())
                    }
                }
            };
            if let Err(found) = same {
                wrong.push(format!("{} as {format:?}: {found}", case.sql));
            }
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
