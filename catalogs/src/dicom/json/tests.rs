use serde_json::json;

use crate::dicom::testing::*;

/// The `dataset` of a file with these elements beside its UIDs.
fn with(elements: &[Vec<u8>]) -> serde_json::Value {
    dataset(&part10(EXPLICIT, &[ids(), elements.concat()].concat()))
}

#[test]
fn values_by_representation() {
    let set = with(&[
        el(0x0028_0009, "AT", &[0x18, 0, 0x63, 0x10]),
        el(0x0028_0010, "US", &[0, 2]),
        el(0x0028_1050, "DS", b"40\\-.5\\+1.50\\1e3\\x\\"),
        el(0x0029_0010, "LO", b"MAKER "),
        el(
            0x0029_1001,
            "FD",
            &[
                f64::NAN.to_le_bytes(),
                f64::NEG_INFINITY.to_le_bytes(),
                0.1f64.to_le_bytes(),
            ]
            .concat(),
        ),
        el(0x0029_1002, "FL", &1.5f32.to_le_bytes()),
        el(0x0029_1003, "UV", &u64::MAX.to_le_bytes()),
        el(0x0029_1004, "SV", &(-5i64).to_le_bytes()),
        el(0x0029_1005, "IS", b"12\\1.0\\x "),
        el(0x0029_1006, "UN", b"abc "),
        el(0x0029_1007, "US", b"abc"),
        el(0x0029_1008, "LT", b" a\\b \r\n\"\x07 "),
        el(0x0029_1009, "LO", b" a \\\\b "),
    ]);
    assert_eq!(set["00280009"], json!({"vr": "AT", "Value": ["00181063"]}));
    assert_eq!(set["00280010"], json!({"vr": "US", "Value": [512]}));
    assert_eq!(
        set["00281050"],
        json!({"vr": "DS", "Value": [40, -0.5, 1.5, 1000.0, "x", null]})
    );
    assert_eq!(set["00290010"], json!({"vr": "LO", "Value": ["MAKER"]}));
    assert_eq!(
        set["00291001"],
        json!({"vr": "FD", "Value": ["NaN", "-Infinity", 0.1]})
    );
    assert_eq!(set["00291002"], json!({"vr": "FL", "Value": [1.5]}));
    assert_eq!(
        set["00291003"],
        json!({"vr": "UV", "Value": ["18446744073709551615"]})
    );
    assert_eq!(set["00291004"], json!({"vr": "SV", "Value": [-5]}));
    assert_eq!(set["00291005"], json!({"vr": "IS", "Value": [12, 1, "x"]}));
    assert_eq!(set["00291006"], json!({"vr": "UN", "InlineBinary": "YWJjIA=="}));
    assert_eq!(set["00291007"], json!({"vr": "US", "InlineBinary": "YWJj"}));
    assert_eq!(
        set["00291008"],
        json!({"vr": "LT", "Value": [" a\\b \r\n\"\u{7}"]})
    );
    assert_eq!(set["00291009"], json!({"vr": "LO", "Value": ["a", null, "b"]}));
}

#[test]
fn names_have_their_writing_systems() {
    let set = with(&[el(0x0010_0010, "PN", b"A^B==C\\D")]);
    assert_eq!(
        set["00100010"]["Value"],
        json!([{"Alphabetic": "A^B", "Phonetic": "C"}, {"Alphabetic": "D"}])
    );
}

#[test]
fn what_is_long_or_no_part_of_the_set_is_left_out() {
    let set = with(&[
        el(0x0028_0000, "UL", &[1, 0, 0, 0]),
        el(0x0029_1001, "OB", &[1; 4096]),
        el(0x0029_1002, "OB", &[1; 4098]),
        el(0x0029_1003, "OB", &vec![1; 70_000]),
        el(0x0029_1004, "LO", b""),
        sequence(0x0088_0200, &[el(0x7FE0_0010, "OB", &[1, 2])]),
        sequence(0x0088_0201, &[]),
    ]);
    assert!(set.get("00020010").is_none() && set.get("00280000").is_none());
    assert!(set["00291001"]["InlineBinary"].is_string());
    for tag in ["00291002", "00291003"] {
        assert_eq!(set[tag], json!({"vr": "OB"}));
    }
    assert_eq!(set["00291004"], json!({"vr": "LO"}));
    assert_eq!(
        set["00880200"],
        json!({"vr": "SQ", "Value": [{"7FE00010": {"vr": "OB"}}]})
    );
    assert_eq!(set["00880201"], json!({"vr": "SQ"}));
}
