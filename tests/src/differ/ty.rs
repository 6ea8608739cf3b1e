//! Families of types: as much of PostgreSQL's typing as keeps most statements valid.

/// What an expression is, whatever its width.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ty {
    Int,
    /// Integers at the ends of their ranges: compared and counted, kept out of arithmetic, where they would only fail.
    Big,
    Num,
    Float,
    Text,
    Bool,
    Date,
    Ts,
    Tz,
    Interval,
    Ints,
}

impl Ty {
    pub const ALL: [Self; 11] = [
        Self::Int,
        Self::Text,
        Self::Num,
        Self::Float,
        Self::Bool,
        Self::Date,
        Self::Ts,
        Self::Tz,
        Self::Interval,
        Self::Ints,
        Self::Big,
    ];

    /// The type that literals of the family have.
    pub fn sql(self) -> &'static str {
        match self {
            Self::Int => "int4",
            Self::Big => "int8",
            Self::Num => "numeric",
            Self::Float => "float8",
            Self::Text => "text",
            Self::Bool => "bool",
            Self::Date => "date",
            Self::Ts => "timestamp",
            Self::Tz => "timestamptz",
            Self::Interval => "interval",
            Self::Ints => "int[]",
        }
    }

    /// The shortest value that says nothing: what the shrinker puts in an expression's place.
    pub fn plain(self) -> &'static str {
        match self {
            Self::Int => "1",
            Self::Big => "int8 '1'",
            Self::Num => "1.5",
            Self::Float => "float8 '1'",
            Self::Text => "'a'",
            Self::Bool => "true",
            Self::Date => "date '2024-01-01'",
            Self::Ts => "timestamp '2024-01-01'",
            Self::Tz => "timestamptz '2024-01-01'",
            Self::Interval => "interval '1 day'",
            Self::Ints => "int[] '{1}'",
        }
    }
}
