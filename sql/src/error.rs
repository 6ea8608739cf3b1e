//! What is wrong with a statement's text.

use sqlparser::parser::ParserError;

use crate::split::Places;

/// Why a text is no statement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SyntaxError {
    /// The text does not follow the grammar.
    #[error("syntax error{}{message}", if .message.starts_with(" at") { "" } else { ": " })]
    Grammar {
        /// What was found and what was expected.
        message: String,
        /// Where, in characters from 1, if the parser says so.
        position: Option<usize>,
    },
    /// The text nests deeper, or chains more operators, than is safe to plan.
    #[error("statement too complex: {reason}")]
    TooComplex {
        /// Which limit it passes.
        reason: String,
    },
}

impl SyntaxError {
    /// Where in the text, in characters from 1.
    #[must_use]
    pub fn position(&self) -> Option<usize> {
        match self {
            Self::Grammar { position, .. } => *position,
            Self::TooComplex { .. } => None,
        }
    }

    /// From the parser's error about `text`.
    pub(crate) fn from_parser(error: ParserError, places: &Places<'_>) -> Self {
        match error {
            ParserError::RecursionLimitExceeded => Self::TooComplex {
                reason: "expressions or subqueries nest too deeply; put parts into WITH queries".into(),
            },
            ParserError::TokenizerError(message) | ParserError::ParserError(message) => {
                let (message, place) = located(&message);
                let position = place.and_then(|(line, column)| places.character(line, column));
                Self::Grammar {
                    message: worded(message),
                    position,
                }
            }
        }
    }
}

/// Splits the parser's " at Line: 1, Column: 8" off its message.
fn located(message: &str) -> (&str, Option<(u64, u64)>) {
    let Some((text, place)) = message.rsplit_once(" at Line: ") else {
        return (message, None);
    };
    let place = place.split_once(", Column: ").and_then(|(line, column)| {
        let column: String = column.chars().take_while(char::is_ascii_digit).collect();
        Some((line.parse().ok()?, column.parse().ok()?))
    });
    (text, place)
}

/// PostgreSQL's words where the parser says what it expected and found.
fn worded(message: &str) -> String {
    let Some((expected, found)) = message
        .strip_prefix("Expected: ")
        .and_then(|rest| rest.rsplit_once(", found: "))
    else {
        return message.to_owned();
    };
    match found {
        "EOF" => format!(" at end of input: expected {expected}"),
        found => format!(" at or near \"{found}\": expected {expected}"),
    }
}
