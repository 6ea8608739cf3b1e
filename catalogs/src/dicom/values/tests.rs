use super::*;

#[test]
fn dates() {
    assert_eq!(date(b"19700101"), Some(0));
    assert_eq!(date(b"20240229 "), Some(19_782));
    assert_eq!(date(b"1993.08.22"), Some(8_634));
    assert_eq!(date(b"00010101"), Some(-719_162));
    for bad in [
        &b""[..],
        b"20230229",
        b"2024",
        b"20241301",
        b"2024-01-01",
        b"20240101-20240202",
        b"00000101",
        b"2024010a",
    ] {
        assert_eq!(date(bad), None, "{}", bad.escape_ascii());
    }
}

#[test]
fn times() {
    assert_eq!(time(b"00"), Some(0));
    assert_eq!(time(b"0730"), Some(27_000_000_000));
    assert_eq!(time(b"235960.5"), Some(86_399_500_000));
    assert_eq!(time(b"10:20:30.25"), Some(37_230_250_000));
    assert_eq!(time(b"102030.123456 "), Some(37_230_123_456));
    for bad in [
        &b""[..],
        b"7",
        b"2400",
        b"1061",
        b"102030.",
        b"102030.1234567",
        b"10203",
        b"1020.5",
        b"10:20:30.1234567890",
    ] {
        assert_eq!(time(bad), None, "{}", bad.escape_ascii());
    }
}

#[test]
fn instants() {
    assert_eq!(date_time(b"1970", 0), Some(0));
    assert_eq!(date_time(b"19700101010000", 3600), Some(0));
    assert_eq!(
        date_time(b"19700101000000.000001-0100", 7200),
        Some(3_600_000_001)
    );
    assert_eq!(date_time(b"197002+0000", 3600), Some(31 * 86_400_000_000));
    for bad in [
        &b""[..],
        b"197",
        b"19701",
        b"1970010",
        b"197001012",
        b"19700101+9900",
        b"19700101+1",
        b"19700101+01000",
    ] {
        assert_eq!(date_time(bad, 0), None, "{}", bad.escape_ascii());
    }
}

#[test]
fn numbers() {
    assert_eq!(decimal(b" 1.5e3 "), Some(1500.0));
    assert_eq!(decimal(b"+.5"), Some(0.5));
    assert_eq!(decimal(b"-1."), Some(-1.0));
    for bad in [&b""[..], b"nan", b"inf", b"1e999", b"1,5", b"--1", b"0x10"] {
        assert_eq!(decimal(bad), None, "{}", bad.escape_ascii());
    }
    assert_eq!(integer(b" +12 "), Some(12));
    assert_eq!(integer(b"-2147483648"), Some(-2_147_483_648));
    assert_eq!(integer(b"12.0"), Some(12));
    for bad in [&b""[..], b"12.5", b"1 2", b"9999999999999999999999"] {
        assert_eq!(integer(bad), None, "{}", bad.escape_ascii());
    }
}

#[test]
fn uids() {
    assert_eq!(uid_text(b"1.2.3\0"), Some("1.2.3"));
    assert_eq!(uid_text(b" 1.2.3 "), Some("1.2.3"));
    for bad in [&b""[..], b"\0", b"1 2", b"1\\2", b"1/2", &[b'1'; 129]] {
        assert_eq!(uid_text(bad), None);
    }
}
