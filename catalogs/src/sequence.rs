//! Sequences: what their objects say, and which numbers come next.

use serde::{Deserialize, Serialize};

use crate::object::Grant;

/// A sequence: numbers that are given once each.
///
/// The object says how it counts. How far it has come is no part of the catalog, as in PostgreSQL: a number that was given is not given
/// again, whatever becomes of the transaction that asked (`lake/sequences.rs`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SequenceObject {
    /// Identity; 0 until the catalog gives one.
    pub oid: u32,
    /// Schema it is in.
    pub schema: String,
    /// Name.
    pub name: String,
    /// OID of the role that owns it; 0 = nobody.
    pub owner: u32,
    /// `COMMENT ON`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// How it counts.
    #[serde(flatten)]
    pub counting: Counting,
    /// Where its numbers are noted: another one with each RESTART, which takes effect with its transaction.
    pub generation: String,
    /// How far it had come when this generation began.
    pub initial: Position,
    /// The column that it goes with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owned_by: Option<OwnedBy>,
    /// Who has which right to it, beside its owner.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<Grant>,
}

/// How a sequence counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counting {
    /// Its type, as SQL names it: `smallint`, `integer`, `bigint`.
    pub data_type: String,
    /// The first number, and RESTART's.
    pub start: i64,
    /// From one to the next; never 0.
    pub increment: i64,
    /// Least number.
    pub minimum: i64,
    /// Greatest number.
    pub maximum: i64,
    /// Begins again at the other end.
    pub cycle: bool,
    /// `CACHE`: kept and shown; how many numbers a process takes at once is its own affair.
    pub cache: i64,
}

impl Default for Counting {
    fn default() -> Self {
        Self {
            data_type: "bigint".to_owned(),
            start: 1,
            increment: 1,
            minimum: 1,
            maximum: i64::MAX,
            cycle: false,
            cache: 1,
        }
    }
}

/// The column that a sequence goes with: it is dropped with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnedBy {
    /// OID of the table.
    pub table: u32,
    /// The column's name.
    pub column: String,
    /// An identity column's, which nobody drops or gives away by itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub identity: bool,
}

/// How far a sequence has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The last number that was given, or the first that will be.
    pub last: i64,
    /// Whether `last` was given.
    pub called: bool,
}

impl SequenceObject {
    /// `schema.name`.
    pub fn qualified_name(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }

    /// Has it begin anew, at a position; older numbers are noted elsewhere.
    pub fn begin_at(&mut self, position: Position) {
        self.generation = uuid::Uuid::new_v4().simple().to_string();
        self.initial = position;
    }
}

/// Numbers in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// The first.
    pub first: i64,
    /// The last, which may be the first.
    pub last: i64,
}

impl Counting {
    /// The next numbers behind a position, at most `wanted` (at least one) and none beyond the end where it begins again. `None` at the end of one that does not.
    pub fn next(&self, from: Position, wanted: u64) -> Option<Run> {
        let end = if self.increment > 0 {
            self.maximum
        } else {
            self.minimum
        };
        let within = |number: i64| (self.minimum..=self.maximum).contains(&number);
        let first = match from.called {
            false => Some(from.last),
            true => from.last.checked_add(self.increment),
        };
        let first = match first.filter(|first| within(*first)) {
            Some(first) => first,
            None if self.cycle && self.increment > 0 => self.minimum,
            None if self.cycle => self.maximum,
            None => return None,
        };
        // Of i128: from one end of i64 to the other is more than i64 holds.
        let left = (i128::from(end) - i128::from(first)) / i128::from(self.increment);
        let steps = left.min(i128::from(wanted.max(1)) - 1).max(0);
        let last = i128::from(first) + steps * i128::from(self.increment);
        Some(Run {
            first,
            last: i64::try_from(last).unwrap_or(first),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(last: i64, called: bool) -> Position {
        Position { last, called }
    }

    #[test]
    fn numbers_follow_one_another_up_to_the_end() {
        let up = Counting {
            maximum: 5,
            ..Counting::default()
        };
        assert_eq!(up.next(at(1, false), 1), Some(Run { first: 1, last: 1 }));
        assert_eq!(up.next(at(1, true), 2), Some(Run { first: 2, last: 3 }));
        assert_eq!(up.next(at(3, true), 100), Some(Run { first: 4, last: 5 }));
        assert_eq!(up.next(at(5, true), 1), None);
        let round = Counting { cycle: true, ..up };
        assert_eq!(round.next(at(5, true), 100), Some(Run { first: 1, last: 5 }));
    }

    #[test]
    fn they_go_down_and_by_steps() {
        let down = Counting {
            increment: -3,
            minimum: -10,
            maximum: -1,
            start: -1,
            ..Counting::default()
        };
        assert_eq!(down.next(at(-1, false), 3), Some(Run { first: -1, last: -7 }));
        assert_eq!(
            down.next(at(-7, true), 3),
            Some(Run {
                first: -10,
                last: -10
            })
        );
        assert_eq!(down.next(at(-10, true), 3), None);
    }

    #[test]
    fn the_ends_of_64_bits_are_ends() {
        let up = Counting {
            minimum: i64::MIN,
            ..Counting::default()
        };
        assert_eq!(up.next(at(i64::MAX, true), 1), None);
        let all = up.next(at(i64::MIN, false), u64::MAX);
        assert_eq!(
            all,
            Some(Run {
                first: i64::MIN,
                last: i64::MAX - 1
            })
        );
        let wide = Counting {
            increment: i64::MAX,
            ..Counting::default()
        };
        assert_eq!(wide.next(at(1, true), 5), None);
    }
}
