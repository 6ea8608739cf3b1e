use super::*;

fn date(text: &str) -> Result<i64, Problem> {
    read(text, Kind::Date, Zone::Fixed(0), Order::Mdy)
}

fn time(text: &str) -> Result<i64, Problem> {
    read(text, Kind::Time, Zone::Fixed(0), Order::Mdy)
}

fn timestamp(text: &str) -> Result<i64, Problem> {
    read(text, Kind::Timestamp, Zone::Fixed(0), Order::Mdy)
}

fn timestamptz(text: &str) -> Result<i64, Problem> {
    read(text, Kind::Timestamptz, Zone::Fixed(3600), Order::Mdy)
}

#[test]
fn every_form_of_a_date() {
    for text in [
        "1999-01-08",
        "1999-1-8",
        "19990108",
        "990108",
        "January 8, 1999",
        "8 Jan 1999",
        "1999 Jan 08",
        "Jan-08-1999",
        "08-Jan-99",
        "1/8/1999",
        "1999.008",
        "1999-01-08 23:59:59+05",
        "J2451187",
        "1999-01-08 AD",
        "Fri Jan 8 1999",
        "y1999m01d08",
    ] {
        assert_eq!(date(text), Ok(10_599), "{text}");
    }
    assert_eq!(date("January 8, 99 BC"), Ok(-755_315));
    assert_eq!(
        read("1/8/1999", Kind::Date, Zone::Fixed(0), Order::Dmy),
        Ok(10_804)
    );
    assert_eq!(read("99/1/8", Kind::Date, Zone::Fixed(0), Order::Ymd), Ok(10_599));
    assert_eq!(date("epoch"), Ok(0));
    assert_eq!(date("infinity"), Ok(i32::MAX.into()));
}

#[test]
fn every_form_of_a_time() {
    let at = |hours: i64, minutes: i64, micros: i64| Ok((hours * 60 + minutes) * 60_000_000 + micros);
    assert_eq!(time("10:30"), at(10, 30, 0));
    assert_eq!(time("10:30:05.5"), at(10, 30, 5_500_000));
    assert_eq!(time("103005"), at(10, 30, 5_000_000));
    assert_eq!(time("1030"), at(10, 30, 0));
    assert_eq!(time("T103005"), at(10, 30, 5_000_000));
    assert_eq!(time("10:30 PM"), at(22, 30, 0));
    assert_eq!(time("12:30 am"), at(0, 30, 0));
    assert_eq!(time("10:30+05"), at(10, 30, 0));
    assert_eq!(time("10:30 PST"), at(10, 30, 0));
    assert_eq!(time("2020-01-01 10:30"), at(10, 30, 0));
    assert_eq!(time("allballs"), at(0, 0, 0));
    assert_eq!(time("24:00:00"), at(24, 0, 0));
    assert_eq!(time("23:59:59.9999999"), at(24, 0, 0));
    assert_eq!(time("25:00"), Err(Problem::Range));
    assert_eq!(time("13:30 PM"), Err(Problem::Range));
    assert_eq!(time("10:60"), Err(Problem::Range));
    assert_eq!(time(""), Err(Problem::Syntax));
    assert_eq!(time("10:30 America/New_York"), Err(Problem::Syntax));
}

#[test]
fn a_zone_counts_for_moments_alone() {
    for text in [
        "1997-02-10 17:32:01 -0800",
        "1997-02-10 17:32:01 PST",
        "19970210T173201 America/Los_Angeles",
        "19970210T173201-08",
        "Feb 10 17:32:01 1997 PST",
        "1997-02-10T17:32:01-08",
    ] {
        assert_eq!(timestamp(text), Ok(855_595_921_000_000), "{text}");
        assert_eq!(timestamptz(text), Ok(855_624_721_000_000), "{text}");
    }
    assert_eq!(timestamptz("1997-02-10 17:32:01"), Ok(855_592_321_000_000));
    assert_eq!(timestamptz("1997-02-10 17:32:01Z"), Ok(855_595_921_000_000));
    assert_eq!(timestamp("1970-01-01 23:59:59.9999996"), Ok(86_400_000_000));
    assert_eq!(timestamp("1970-01-01 24:00"), Ok(86_400_000_000));
}

#[test]
fn what_is_no_date_is_told() {
    for (text, problem) in [
        ("", Problem::Syntax),
        ("Doe^Jane", Problem::Syntax),
        ("2024-02-30", Problem::Range),
        ("2024-13-01", Problem::Range),
        ("0000-01-01", Problem::Range),
        ("294277-01-01", Problem::Range),
        ("2024-01-01 25:00", Problem::Range),
        ("2024-01-01 10:00+20", Problem::Displacement),
        ("2024-01-01 10:00 Nowhere/Land", Problem::UnknownZone),
        ("today", Problem::Current),
        ("2024-01-01 é", Problem::Syntax),
    ] {
        assert_eq!(timestamp(text), Err(problem), "{text}");
    }
}
