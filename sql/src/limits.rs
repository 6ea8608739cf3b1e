//! Statements that would overflow a stack are refused before they are parsed.
//!
//! The parser bounds its own recursion, but it builds `a OR b OR c …` without any, and what walks or drops such a tree
//! recurses once per operator.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::SyntaxError;

/// Operators in a row that build one another's operand. PostgreSQL with its default stack takes a few thousand too.
const MAX_CHAIN: usize = 2_000;

/// The same for operators other than AND, OR and `||`, whose chains cannot be balanced: the planner asks each for its type and
/// name, which goes through all below it.
const MAX_ARITHMETIC: usize = 200;

/// Joins and items of one FROM clause; each makes a table as wide as all before it.
const MAX_JOINS: usize = 200;

/// Set operations in a row.
const MAX_SETS: usize = 500;

/// Levels of brackets. The parser has a limit of its own, in levels of its grammar.
const MAX_DEPTH: usize = 200;

/// Brackets within one another that follow a word of [`reread`]. Where such a bracket holds a mistake, the parser reads it
/// again as if the word were a name, and so twice as often with each level.
const MAX_REREAD: usize = 14;

/// Bytes of a statement's text.
pub(crate) const MAX_TEXT: usize = 16 << 20;

/// Levels of the parser's grammar: one or two for a pair of brackets, a few for a subquery. Unoptimised, a level takes
/// some 10 kB of stack.
pub(crate) const RECURSION: usize = 100;

/// Checks the tokens of a text.
pub(crate) fn check(tokens: &[TokenWithSpan]) -> Result<(), SyntaxError> {
    // Chain lengths of the open brackets, innermost last. A comma starts a new expression, but tables and joins go on.
    let mut open = vec![Level::default()];
    // Words of `reread` just before this token, and those before all brackets that are open.
    let (mut words, mut rereads) = (0, 0);
    for token in tokens {
        let before = std::mem::take(&mut words);
        match &token.token {
            Token::Whitespace(_) => words = before,
            Token::Word(word) if reread(word.keyword) => words = before + 1,
            _ => {}
        }
        match &token.token {
            Token::LParen | Token::LBracket | Token::LBrace => {
                if open.len() > MAX_DEPTH {
                    return Err(too_complex(format!("more than {MAX_DEPTH} levels of brackets")));
                }
                // `a[1][2]…` and `f()()…` chain as well.
                if let Some(level) = open.last_mut() {
                    level.operators += usize::from(token.token == Token::LBracket);
                }
                rereads += before;
                if rereads > MAX_REREAD {
                    return Err(too_complex(format!(
                        "more than {MAX_REREAD} of CAST, NOT, ARRAY and their like within one another"
                    )));
                }
                open.push(Level {
                    rereads: before,
                    ..Level::default()
                });
            }
            Token::RParen | Token::RBracket | Token::RBrace => {
                if open.len() > 1 {
                    rereads -= open.pop().map_or(0, |level| level.rereads);
                }
            }
            Token::SemiColon => {
                open = vec![Level::default()];
                rereads = 0;
            }
            other => {
                if let Some(level) = open.last_mut() {
                    level.note(other);
                }
            }
        }
        if open
            .iter()
            .rev()
            .take(2)
            .any(|level| level.operators > MAX_CHAIN || level.arithmetic > MAX_ARITHMETIC)
        {
            return Err(too_complex(format!(
                "more than {MAX_CHAIN} operators in a row, or {MAX_ARITHMETIC} of arithmetic"
            )));
        }
        if open
            .iter()
            .rev()
            .take(2)
            .any(|level| level.joins > MAX_JOINS || level.sets > MAX_SETS)
        {
            return Err(too_complex(format!(
                "more than {MAX_JOINS} joins or {MAX_SETS} set operations in a row"
            )));
        }
    }
    Ok(())
}

/// Words that begin an expression of their own grammar but may be names as well.
fn reread(keyword: Keyword) -> bool {
    matches!(
        keyword,
        Keyword::ARRAY
            | Keyword::BOX
            | Keyword::CASE
            | Keyword::CAST
            | Keyword::CEIL
            | Keyword::CIRCLE
            | Keyword::CONVERT
            | Keyword::CURRENT_CATALOG
            | Keyword::CURRENT_DATE
            | Keyword::CURRENT_TIME
            | Keyword::CURRENT_TIMESTAMP
            | Keyword::CURRENT_USER
            | Keyword::EXISTS
            | Keyword::EXTRACT
            | Keyword::FLOOR
            | Keyword::INTERVAL
            | Keyword::LINE
            | Keyword::LOCALTIME
            | Keyword::LOCALTIMESTAMP
            | Keyword::LSEG
            | Keyword::NOT
            | Keyword::OVERLAY
            | Keyword::PATH
            | Keyword::POINT
            | Keyword::POLYGON
            | Keyword::POSITION
            | Keyword::SAFE_CAST
            | Keyword::SESSION_USER
            | Keyword::SUBSTR
            | Keyword::SUBSTRING
            | Keyword::TRIM
            | Keyword::TRY_CAST
            | Keyword::USER
    )
}

fn too_complex(reason: String) -> SyntaxError {
    SyntaxError::TooComplex {
        reason: format!("{reason}; use IN lists, arrays or a table of values"),
    }
}

#[derive(Default)]
struct Level {
    /// Since the last comma, without those of arithmetic.
    operators: usize,
    /// Those that make chains which cannot be balanced, since the last AND, OR or comma.
    arithmetic: usize,
    /// Joins, and commas within FROM.
    joins: usize,
    /// Set operations.
    sets: usize,
    /// Words of [`reread`] before its bracket.
    rereads: usize,
    from: bool,
}

impl Level {
    fn expression(&mut self) {
        self.operators = 0;
        self.arithmetic = 0;
    }

    fn note(&mut self, token: &Token) {
        match token {
            Token::Comma if self.from => self.joins += 1,
            Token::Comma => self.expression(),
            Token::Word(word) => match word.keyword {
                Keyword::FROM => self.from = true,
                Keyword::WHERE
                | Keyword::SELECT
                | Keyword::GROUP
                | Keyword::ORDER
                | Keyword::VALUES
                | Keyword::SET => {
                    self.from = false;
                    self.expression();
                }
                Keyword::JOIN => self.joins += 1,
                Keyword::UNION | Keyword::EXCEPT | Keyword::INTERSECT => {
                    self.sets += 1;
                    self.joins = 0;
                }
                // One condition of many, side by side.
                Keyword::WHEN => {
                    self.operators += 1;
                    self.arithmetic = 0;
                }
                Keyword::AND | Keyword::OR => {
                    self.operators += 1;
                    self.arithmetic = 0;
                }
                Keyword::NOT
                | Keyword::IS
                | Keyword::LIKE
                | Keyword::ILIKE
                | Keyword::BETWEEN
                | Keyword::IN
                | Keyword::COLLATE
                | Keyword::AT
                | Keyword::SIMILAR
                | Keyword::OPERATOR
                | Keyword::CASE => self.operators += 1,
                _ => {}
            },
            Token::Number(..)
            | Token::SingleQuotedString(_)
            | Token::Whitespace(_)
            | Token::Period
            | Token::Placeholder(_)
            | Token::EOF => {}
            Token::StringConcat | Token::DoubleColon => self.operators += 1,
            // Every other token is an operator, `->` among them.
            _ => self.arithmetic += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{SyntaxError, parse};

    fn refused(text: &str) -> bool {
        matches!(parse(text), Err(SyntaxError::TooComplex { .. }))
    }

    #[test]
    fn what_would_overflow_the_stack_is_refused() {
        assert!(refused(&format!(
            "SELECT {}1{}",
            "(".repeat(20_000),
            ")".repeat(20_000)
        )));
        assert!(refused(&format!("SELECT 1{}", " + 1".repeat(20_000))));
        assert!(refused(&format!("SELECT 1{}", " + 1".repeat(250))));
        assert!(refused(&format!("SELECT 1{}", "::int".repeat(20_000))));
        assert!(refused(&format!("SELECT {}1", "- ".repeat(20_000))));
        assert!(refused(&format!("SELECT {}true", "NOT ".repeat(20_000))));
        assert!(refused(&format!(
            "SELECT 1{}",
            " UNION ALL SELECT 1".repeat(20_000)
        )));
        assert!(refused(&format!("SELECT * FROM t{}", ", t".repeat(20_000))));
        assert!(refused(&format!(
            "SELECT * FROM t{}",
            " CROSS JOIN t".repeat(20_000)
        )));
        assert!(refused(&format!("SELECT a{}", "[1]".repeat(20_000))));
        assert!(refused(&format!(
            "SELECT {}1{}",
            "CASE WHEN true THEN ".repeat(10_000),
            " END".repeat(10_000)
        )));
        assert!(refused(&format!(
            "{}SELECT 1{}",
            "SELECT * FROM (".repeat(1_000),
            ") t".repeat(1_000)
        )));
    }

    #[test]
    fn what_is_long_but_flat_is_not() {
        let list = vec!["1"; 20_000].join(", ");
        assert!(parse(&format!("SELECT {list}")).is_ok());
        assert!(parse(&format!("SELECT 1 WHERE 1 IN ({list})")).is_ok());
        assert!(parse(&format!("VALUES {}", vec!["(1, 'a', -2)"; 20_000].join(", "))).is_ok());
        assert!(parse(&vec!["SELECT 1 + 1"; 5_000].join("; ")).is_ok());
        assert!(parse(&format!("SELECT 1{}", " + 1".repeat(190))).is_ok());
        assert!(parse(&format!("SELECT CASE {} END", "WHEN 1 = 2 THEN 3 ".repeat(1_500))).is_ok());
        assert!(parse(&format!("SELECT 1 WHERE true{}", " AND 1 + 1 = 2".repeat(900))).is_ok());
        assert!(parse(&format!("SELECT {}1{}", "(".repeat(30), ")".repeat(30))).is_ok());
    }

    #[test]
    fn a_chain_at_the_limit_is_parsed_and_dropped_on_a_small_stack() {
        let chain = format!("SELECT 1{}", " || 1".repeat(1_990));
        let thread = std::thread::Builder::new()
            .stack_size(2 << 20)
            .spawn(move || drop(parse(&chain).unwrap()));
        thread.unwrap().join().unwrap();
    }
}
