//! Tests of `document`.

use super::{parse, validate};

#[test]
fn numbers() {
    for (text, expected) in [
        ("0", "0"),
        ("-0", "0"),
        ("-0.0", "0.0"),
        ("1.0", "1.0"),
        ("1e2", "100"),
        ("1.50e1", "15.0"),
        ("1.5E+2", "150"),
        ("12e-1", "1.2"),
        ("1e-3", "0.001"),
        ("-12.5e-3", "-0.0125"),
        ("0.001e2", "0.1"),
        ("0.001e3", "1"),
        ("0e5", "0"),
        (
            "123456789012345678901234567890.10",
            "123456789012345678901234567890.10",
        ),
    ] {
        assert_eq!(parse(text).unwrap().to_text().unwrap(), expected, "{text}");
    }
    for text in ["1e131072", "1e-16384", "1e99999999999"] {
        assert!(parse(text).unwrap().to_text().is_err(), "{text}");
    }
}

#[test]
fn malformed() {
    for text in [
        "",
        " ",
        "nul",
        "nullx",
        "01",
        "1.",
        ".5",
        "+1",
        "1e",
        "-",
        "[1,]",
        "[1",
        "{\"a\"}",
        "{\"a\":}",
        "{a:1}",
        "{\"a\":1,}",
        "\"a",
        "\"\\x\"",
        "\"\\u12\"",
        "\"a\nb\"",
        "1 2",
        "'a'",
        "[1 2]",
        "tru",
        "NaN",
    ] {
        assert!(parse(text).is_err(), "{text}");
        assert!(validate(text).is_err(), "{text}");
    }
    for text in ["\"\\u0000\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\""] {
        assert!(parse(text).is_err(), "{text}");
        assert!(validate(text).is_ok(), "{text}");
    }
    assert!(parse(&"[".repeat(100_000)).is_err());
    assert!(validate(&format!("{}{}", "[".repeat(512), "]".repeat(512))).is_ok());
}
