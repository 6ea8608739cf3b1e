//! What PostgreSQL's regular expressions find in a text, one match after the other.

use std::ops::Range;

use datafusion::common::exec_err;
use datafusion::error::Result;
use regex::Regex;

use super::pattern::{compile, leftmost_is_longest, posix};

/// A regular expression with its flags.
#[derive(Debug)]
pub struct Finder {
    regex: Regex,
    /// The flag `g`.
    all: bool,
}

/// A match: where, and what its groups are.
#[derive(Debug, PartialEq, Eq)]
pub struct Match {
    /// All of it, in bytes.
    pub whole: Range<usize>,
    /// Its groups, without the first, which is all of it.
    pub groups: Vec<Option<Range<usize>>>,
}

impl Finder {
    /// Of a pattern and the flags `g`, `i`, `c` and `s`.
    ///
    /// # Errors
    /// Other flags, and patterns of which PostgreSQL may find another part of a text, are not supported.
    pub fn new(pattern: &str, flags: &str) -> Result<Self> {
        let (mut all, mut insensitive) = (false, false);
        for flag in flags.chars() {
            match flag {
                'g' => all = true,
                'i' => insensitive = true,
                'c' => insensitive = false,
                's' => {}
                'b' | 'e' | 'm' | 'n' | 'p' | 'q' | 't' | 'w' | 'x' => {
                    return exec_err!(
                        "invalid regular expression: flags other than g, i, c and s are not supported"
                    );
                }
                _ => return exec_err!("invalid regular expression option"),
            }
        }
        leftmost_is_longest(pattern)?;
        let pattern = posix(pattern)?;
        let regex = compile(&match insensitive {
            true => format!("(?i){pattern}"),
            false => pattern,
        })?;
        Ok(Self { regex, all })
    }

    /// Whether `g` is among the flags.
    #[must_use]
    pub fn is_global(&self) -> bool {
        self.all
    }

    /// The matches in a text, from the left, from a byte on: all of them, or the first alone.
    #[must_use]
    pub fn matches(&self, text: &str, from: usize, all: bool) -> Vec<Match> {
        let mut found = Vec::new();
        let mut start = from;
        while start <= text.len() {
            let Some(captures) = self.regex.captures_at(text, start) else {
                break;
            };
            let Some(whole) = captures.get(0).map(|whole| whole.range()) else {
                break;
            };
            // Behind a match of nothing it goes on with the next character.
            start = match whole.is_empty() {
                true => {
                    let next = text.get(whole.end..).and_then(|rest| rest.chars().next());
                    whole.end + next.map_or(1, char::len_utf8)
                }
                false => whole.end,
            };
            let groups = captures
                .iter()
                .skip(1)
                .map(|group| group.map(|group| group.range()));
            found.push(Match {
                whole,
                groups: groups.collect(),
            });
            if !all {
                break;
            }
        }
        found
    }

    /// What lies between the matches that are not empty, or stand between two characters.
    #[must_use]
    pub fn split<'t>(&self, text: &'t str) -> Vec<&'t str> {
        let (mut parts, mut end) = (Vec::new(), 0);
        for found in self.matches(text, 0, true) {
            if found.whole.start < text.len() && found.whole.end > end {
                parts.push(text.get(end..found.whole.start).unwrap_or_default());
                end = found.whole.end;
            }
        }
        parts.push(text.get(end..).unwrap_or_default());
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::Finder;

    #[test]
    fn texts_are_split_as_postgresql_does() {
        let split = |pattern: &str, text| Finder::new(pattern, "").unwrap().split(text).join("|");
        assert_eq!(split("\\s+", "the quick  brown"), "the|quick|brown");
        assert_eq!(split("\\s*", "a bc"), "a|b|c");
        assert_eq!(split("x", ""), "");
        assert_eq!(split(",", ",a,"), "|a|");
        assert_eq!(Finder::new("a*", "g").unwrap().matches("aab", 0, true).len(), 3);
        assert!(Finder::new("a", "z").is_err());
    }
}
