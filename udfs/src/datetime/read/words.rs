//! The words of dates and times.

/// A part of a date or time that a word announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    Julian,
    /// The `T` before a time.
    Time,
    /// What stands for nothing in an input (`dow`).
    Other,
}

/// What a word says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    Month(i32),
    /// A day of the week, which is not looked at.
    Weekday,
    /// Which half of the day; true for the second.
    Half(bool),
    /// Which era; true for BC.
    Era(bool),
    Unit(Unit),
    Infinity(bool),
    Epoch,
    /// `now`, `today` …: what it is depends on the time.
    Current,
    /// Midnight, UTC.
    AllBalls,
    /// `dst`, an hour ahead of the zone before it.
    Summer,
    /// `at`, `on`.
    Ignored,
}

/// The word, in lower case; `None` if it is none of dates and times.
pub(super) fn word(text: &str) -> Option<Word> {
    Some(match text {
        "jan" | "january" => Word::Month(1),
        "feb" | "february" => Word::Month(2),
        "mar" | "march" => Word::Month(3),
        "apr" | "april" => Word::Month(4),
        "may" => Word::Month(5),
        "jun" | "june" => Word::Month(6),
        "jul" | "july" => Word::Month(7),
        "aug" | "august" => Word::Month(8),
        "sep" | "sept" | "september" => Word::Month(9),
        "oct" | "october" => Word::Month(10),
        "nov" | "november" => Word::Month(11),
        "dec" | "december" => Word::Month(12),
        "mon" | "monday" | "tue" | "tues" | "tuesday" | "wed" | "weds" | "wednesday" | "thu" | "thur"
        | "thurs" | "thursday" | "fri" | "friday" | "sat" | "saturday" | "sun" | "sunday" => Word::Weekday,
        "am" => Word::Half(false),
        "pm" => Word::Half(true),
        "ad" => Word::Era(false),
        "bc" => Word::Era(true),
        "y" => Word::Unit(Unit::Year),
        "m" => Word::Unit(Unit::Month),
        "d" => Word::Unit(Unit::Day),
        "h" => Word::Unit(Unit::Hour),
        "mm" => Word::Unit(Unit::Minute),
        "s" => Word::Unit(Unit::Second),
        "j" | "jd" | "julian" => Word::Unit(Unit::Julian),
        "t" => Word::Unit(Unit::Time),
        "dow" | "doy" | "isodow" | "isoyear" => Word::Unit(Unit::Other),
        "infinity" => Word::Infinity(true),
        "-infinity" => Word::Infinity(false),
        "epoch" => Word::Epoch,
        "now" | "today" | "tomorrow" | "yesterday" => Word::Current,
        "allballs" => Word::AllBalls,
        "dst" => Word::Summer,
        "at" | "on" => Word::Ignored,
        _ => return None,
    })
}
