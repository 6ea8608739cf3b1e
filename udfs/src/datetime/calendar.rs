//! The Gregorian calendar, reckoned backwards without end, as PostgreSQL counts it (`src/backend/utils/adt/timestamp.c`).
//!
//! Years are astronomical: 0 is 1 BC. Days are Julian days. Intervals pass through here as well, whose years, months and days are
//! no date, and get what PostgreSQL gives them.

/// The Julian day of 1 January 1970.
pub(super) const EPOCH: i64 = 2_440_588;

/// Microseconds of a day.
pub(super) const DAY: i64 = 86_400_000_000;

/// A date's Julian day.
pub(super) fn julian(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = match month > 2 {
        true => (year + 4800, month + 1),
        false => (year + 4799, month + 13),
    };
    let century = year / 100;
    year * 365 - 32_167 + year / 4 - century + century / 4 + 7834 * month / 256 + day
}

/// Year, month and day of days since 1970.
pub(super) fn date(days: i64) -> (i64, i64, i64) {
    // Years begin in March here, so that a leap day is their last.
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// The day of the week, from Sunday, 0.
pub(super) fn weekday(julian: i64) -> i64 {
    (julian + 1).rem_euclid(7)
}

/// The Julian day on which an ISO year begins.
pub(super) fn iso_start(year: i64) -> i64 {
    let fourth = julian(year, 1, 4);
    fourth - weekday(fourth - 1)
}

/// ISO year and week of a date.
fn iso(year: i64, month: i64, day: i64) -> (i64, i64) {
    let at = julian(year, month, day);
    let (mut iso_year, mut start) = (year, iso_start(year));
    if at < start {
        iso_year -= 1;
        start = iso_start(iso_year);
    }
    let week = (at - start) / 7 + 1;
    if week >= 52 {
        let next = iso_start(year + 1);
        if at >= next {
            return (iso_year + 1, (at - next) / 7 + 1);
        }
    }
    (iso_year, week)
}

/// The ISO year of a date.
pub(super) fn iso_year(year: i64, month: i64, day: i64) -> i64 {
    iso(year, month, day).0
}

/// The ISO week of a date.
pub(super) fn iso_week(year: i64, month: i64, day: i64) -> i64 {
    iso(year, month, day).1
}

/// The day of the ISO year, from 1.
pub(super) fn iso_day(year: i64, month: i64, day: i64) -> i64 {
    julian(year, month, day) - iso_start(iso_year(year, month, day)) + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_are_each_others_opposite() {
        for days in (-1_000_000..1_000_000).step_by(97) {
            let (year, month, day) = date(days);
            assert_eq!(julian(year, month, day), days + EPOCH, "{year}-{month}-{day}");
        }
        assert_eq!(date(0), (1970, 1, 1));
        assert_eq!(date(-1), (1969, 12, 31));
        assert_eq!(date(19_782), (2024, 2, 29));
        assert_eq!(julian(2000, 1, 1), 2_451_545);
        assert_eq!(weekday(julian(2024, 7, 1)), 1);
    }

    #[test]
    fn iso_years_begin_on_mondays() {
        assert_eq!(iso(2021, 1, 3), (2020, 53));
        assert_eq!(iso(2021, 1, 4), (2021, 1));
        assert_eq!(iso(2024, 12, 30), (2025, 1));
        assert_eq!(iso(2024, 7, 1), (2024, 27));
        assert_eq!(iso_day(2024, 1, 3), 3);
        // 15 March 44 BC.
        assert_eq!((iso(-43, 3, 15), iso_day(-43, 3, 15)), ((-43, 11), 75));
    }
}
