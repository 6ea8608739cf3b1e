//! Tests of `functions`.

use crate::testing::{error, text, texts};
use arrow::array::StringArray;
use std::sync::Arc;

#[test]
fn normal_form() {
    for (given, expected) in [
        (r#"{"bb":1,"a":2,"c":3,"a":4}"#, r#"{"a": 4, "c": 3, "bb": 1}"#),
        (
            r#" [ 1.0 , 1e2 , null , true , "x" ] "#,
            r#"[1.0, 100, null, true, "x"]"#,
        ),
        ("{}", "{}"),
        ("[[], {}]", "[[], {}]"),
        (r#""\u0041\/\u001f\ud83d\ude00""#, "\"A/\\u001f😀\""),
        (r#""\n\t\"\\é""#, r#""\n\t\"\\é""#),
    ] {
        let answer = text(&format!("jsonb_in('{given}')"));
        assert_eq!(answer.as_deref(), Some(expected), "{given}");
    }
    assert_eq!(text("jsonb_in(NULL)"), None);
    assert!(error("jsonb_in('{a: 1}')").contains("invalid input syntax for type json"));
}

#[test]
fn json_is_kept() {
    assert_eq!(
        text(r#"json_in(' {"b":1,  "a":1e2}')"#).as_deref(),
        Some(r#" {"b":1,  "a":1e2}"#)
    );
    assert!(error("json_in('[1,]')").contains("invalid input syntax for type json"));
}

#[test]
fn concatenation() {
    for (left, right, expected) in [
        (r#"{"a":1,"b":2}"#, r#"{"b":3}"#, r#"{"a": 1, "b": 3}"#),
        ("[1]", "[2, 3]", "[1, 2, 3]"),
        ("1", "2", "[1, 2]"),
        ("[1]", r#"{"a":2}"#, r#"[1, {"a": 2}]"#),
        (r#"{"a":2}"#, "3", r#"[{"a": 2}, 3]"#),
        ("[]", "[]", "[]"),
    ] {
        let answer = text(&format!("jsonb_concat('{left}', '{right}')"));
        assert_eq!(answer.as_deref(), Some(expected), "{left} || {right}");
    }
    assert_eq!(text("jsonb_concat('1', NULL)"), None);
}

#[test]
fn parts() {
    for (call, expected) in [
        (r#"json_object_field('{"a": [1,  2]}', 'a')"#, Some("[1,  2]")),
        (r#"jsonb_object_field('{"a": [1,  2]}', 'a')"#, Some("[1, 2]")),
        (r#"json_object_field('{"a": 1, "a": 2}', 'a')"#, Some("2")),
        (r#"json_object_field('{"a": 1}', 'b')"#, None),
        (r#"json_object_field_text('{"a": null}', 'a')"#, None),
        (r#"json_object_field('{"a": null}', 'a')"#, Some("null")),
        (
            r#"json_object_field_text('{"a": "x\ny"}', 'a')"#,
            Some(
                "x
y",
            ),
        ),
        ("json_array_element('[1, 2]', -1)", Some("2")),
        ("json_array_element('[1, 2]', -3)", None),
        ("json_array_element('5', 0)", None),
        ("jsonb_array_element('5', 0)", Some("5")),
        (
            r#"jsonb_extract_path('{"a":[1,{"b":2}]}', 'a', '-1', 'b')"#,
            Some("2"),
        ),
        (r#"jsonb_extract_path('{"a":1}', ARRAY['a'])"#, Some("1")),
        (r#"jsonb_extract_path_text('"a"', '0')"#, None),
        (r#"jsonb_delete('[1,"a","a"]', 'a')"#, Some("[1]")),
        ("jsonb_delete('[1,2,3]', -1)", Some("[1, 2]")),
        ("jsonb_delete('[1,2,3]', 5)", Some("[1, 2, 3]")),
        ("json_typeof('null')", Some("null")),
        ("jsonb_array_length('[1,2]')", Some("2")),
        (r#"jsonb_exists('"a"', 'a')"#, Some("true")),
    ] {
        assert_eq!(text(call).as_deref(), expected, "{call}");
    }
    assert!(error("jsonb_delete('1', 'a')").contains("cannot delete from scalar"));
    assert!(error("jsonb_array_length('1')").contains("cannot get array length of a scalar"));
}

#[test]
fn rows() {
    let column = Arc::new(StringArray::from(vec![Some("[1,2]"), None, Some("{\"a\":1}")]));
    let expected = [Some("[1, 2]".to_owned()), None, Some("{\"a\": 1}".to_owned())];
    assert_eq!(
        texts("SELECT jsonb_in(a) FROM t", vec![column]).unwrap(),
        expected
    );
}
