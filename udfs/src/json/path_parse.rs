//! Paths of SQL/JSON, `jsonpath`, as a tree.

use datafusion::common::{not_impl_err, plan_err};
use datafusion::error::Result;

/// A path: how it is read, and what is found.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Path {
    pub(super) strict: bool,
    pub(super) expr: Expr,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compare {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expr {
    Root,
    Current,
    Last,
    Variable(String),
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    /// What is found from an item on.
    Step(Box<Expr>, Step),
    Compare(Box<Expr>, Compare, Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    IsUnknown(Box<Expr>),
    Exists(Box<Expr>),
    StartsWith(Box<Expr>, Box<Expr>),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    Key(String),
    AnyKey,
    AnyElement,
    Elements(Vec<(Expr, Option<Expr>)>),
    Filter(Box<Expr>),
    Type,
    Size,
    Abs,
    Floor,
    Ceiling,
}

impl Expr {
    fn is_predicate(&self) -> bool {
        matches!(
            self,
            Self::Compare(..)
                | Self::And(..)
                | Self::Or(..)
                | Self::Not(_)
                | Self::IsUnknown(_)
                | Self::Exists(_)
                | Self::StartsWith(..)
        )
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Variable(String),
    Number(String),
    Sign(&'static str),
}

const SIGNS: &[&str] = &[
    "**", "==", "!=", "<>", "<=", ">=", "&&", "||", "$", "@", ".", "*", "[", "]", "(", ")", "?", ",", "<",
    ">", "!", "+", "-", "/", "%", "{", "}",
];

fn wrong<T>() -> Result<T> {
    plan_err!("syntax error in jsonpath")
}

fn tokens(text: &str) -> Result<Vec<Token>> {
    let mut out = Vec::new();
    let mut rest = text;
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\n', '\r', '\u{c}']);
        let Some(first) = rest.chars().next() else {
            return Ok(out);
        };
        if rest.starts_with("/*") {
            return not_impl_err!("comments in jsonpath");
        }
        let quoted = rest.strip_prefix('$').filter(|after| after.starts_with('"'));
        if first == '"' || quoted.is_some() {
            let (value, after) = string(quoted.unwrap_or(rest))?;
            out.push(match quoted {
                Some(_) => Token::Variable(value),
                None => Token::Text(value),
            });
            rest = after;
            continue;
        }
        if let Some(after) = rest.strip_prefix('$').filter(|after| after.starts_with(in_word)) {
            let end = after.find(|c| !in_word(c)).unwrap_or(after.len());
            let (name, after) = after.split_at(end);
            out.push(Token::Variable(name.to_owned()));
            rest = after;
            continue;
        }
        let fraction = rest
            .strip_prefix('.')
            .is_some_and(|after| after.starts_with(|c: char| c.is_ascii_digit()));
        if first.is_ascii_digit()
            || (fraction
                && !matches!(
                    out.last(),
                    Some(Token::Word(_) | Token::Sign("$" | "@" | "]" | ")"))
                ))
        {
            let mut end = 0;
            let mut before = ' ';
            for c in rest.chars() {
                let part = c.is_ascii_digit()
                    || c == '.'
                    || matches!(c, 'e' | 'E')
                    || (matches!(c, '+' | '-') && matches!(before, 'e' | 'E'));
                if !part {
                    break;
                }
                before = c;
                end += c.len_utf8();
            }
            let (digits, after) = rest.split_at(end);
            // `1.` and `.5` are numbers here, and none of JSON.
            let is_json = super::document::parse(digits).is_ok();
            if !is_json || after.starts_with(in_word) {
                return not_impl_err!("the number {digits} in jsonpath in this form");
            }
            out.push(Token::Number(digits.to_owned()));
            rest = after;
            continue;
        }
        if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            out.push(Token::Sign(sign));
            rest = rest.get(sign.len()..).unwrap_or_default();
            continue;
        }
        if first == '\\' {
            return not_impl_err!("escapes in names in jsonpath; write the name in quotes");
        }
        if !in_word(first) {
            return wrong();
        }
        let end = rest.find(|c| !in_word(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        out.push(Token::Word(word.to_owned()));
        rest = after;
    }
}

/// The string that a text begins with, and what is behind it.
fn string(text: &str) -> Result<(String, &str)> {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => {
                let (literal, rest) = text.split_at(at + 1);
                return match super::document::parse(literal) {
                    Ok(super::document::Json::String(value)) => Ok((value, rest)),
                    _ => not_impl_err!("a string with other escapes than JSON's in jsonpath"),
                };
            }
            _ => {}
        }
    }
    wrong()
}

/// Paths within each other.
const DEPTH: usize = 64;

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

pub(super) fn parse(text: &str) -> Result<Path> {
    let mut parser = Parser {
        tokens: tokens(text)?,
        at: 0,
        depth: 0,
    };
    let strict = parser.word("strict");
    if !strict {
        let _ = parser.word("lax");
    }
    let expr = parser.or()?;
    match parser.at == parser.tokens.len() {
        true => Ok(Path { strict, expr }),
        false => wrong(),
    }
}

impl Parser {
    fn sign(&mut self, wanted: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some(Token::Sign(sign)) if *sign == wanted);
        self.at += usize::from(found);
        found
    }

    fn word(&mut self, wanted: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some(Token::Word(word)) if word == wanted);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, sign: &str) -> Result<()> {
        if self.sign(sign) { Ok(()) } else { wrong() }
    }

    fn or(&mut self) -> Result<Expr> {
        self.depth += 1;
        if self.depth > DEPTH {
            return not_impl_err!("a jsonpath nested deeper than {DEPTH} levels");
        }
        let mut left = self.and()?;
        while self.sign("||") {
            left = Expr::Or(predicate(left)?, predicate(self.and()?)?);
        }
        self.depth -= 1;
        Ok(left)
    }

    fn and(&mut self) -> Result<Expr> {
        let mut left = self.comparison()?;
        while self.sign("&&") {
            left = Expr::And(predicate(left)?, predicate(self.comparison()?)?);
        }
        Ok(left)
    }

    fn comparison(&mut self) -> Result<Expr> {
        if self.sign("!") {
            let operand = match self.tokens.get(self.at) {
                Some(Token::Word(word)) if word == "exists" => self.accessor()?,
                Some(Token::Sign("(")) => self.accessor()?,
                _ => return wrong(),
            };
            return Ok(Expr::Not(predicate(operand)?));
        }
        let left = self.accessor()?;
        let operators = [
            ("==", Compare::Eq),
            ("!=", Compare::Ne),
            ("<>", Compare::Ne),
            ("<=", Compare::Le),
            (">=", Compare::Ge),
            ("<", Compare::Lt),
            (">", Compare::Gt),
        ];
        for (sign, operator) in operators {
            if self.sign(sign) {
                let right = self.accessor()?;
                return Ok(Expr::Compare(value(left)?, operator, value(right)?));
            }
        }
        if self.word("starts") {
            if !self.word("with") {
                return wrong();
            }
            let start = self.primary()?;
            return match start {
                Expr::Text(_) | Expr::Variable(_) => Ok(Expr::StartsWith(value(left)?, Box::new(start))),
                _ => wrong(),
            };
        }
        if self.word("like_regex") {
            return not_impl_err!("like_regex in jsonpath; use ~ on the text");
        }
        if let Some(Token::Sign("+" | "-" | "*" | "/" | "%")) = self.tokens.get(self.at) {
            return not_impl_err!("arithmetic in jsonpath; take the values out and compute with them");
        }
        Ok(left)
    }

    fn accessor(&mut self) -> Result<Expr> {
        let mut expr = self.primary()?;
        loop {
            let step = if self.sign(".") {
                self.member()?
            } else if self.sign("[") {
                self.subscripts()?
            } else if self.sign("?") {
                self.expect("(")?;
                let filter = predicate(self.or()?)?;
                self.expect(")")?;
                Step::Filter(filter)
            } else {
                return Ok(expr);
            };
            expr = Expr::Step(Box::new(expr), step);
        }
    }

    fn member(&mut self) -> Result<Step> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        let name = match token {
            Some(Token::Sign("*")) => return Ok(Step::AnyKey),
            Some(Token::Sign("**")) => return not_impl_err!(".** in jsonpath"),
            Some(Token::Text(name)) => return Ok(Step::Key(name)),
            Some(Token::Word(name)) => name,
            _ => return wrong(),
        };
        if !self.sign("(") {
            return Ok(Step::Key(name));
        }
        self.expect(")")
            .or_else(|_| not_impl_err!("the method .{name}() in jsonpath"))?;
        Ok(match name.as_str() {
            "type" => Step::Type,
            "size" => Step::Size,
            "abs" => Step::Abs,
            "floor" => Step::Floor,
            "ceiling" => Step::Ceiling,
            "double" | "keyvalue" | "datetime" => return not_impl_err!("the method .{name}() in jsonpath"),
            _ => return wrong(),
        })
    }

    fn subscripts(&mut self) -> Result<Step> {
        if self.sign("*") {
            self.expect("]")?;
            return Ok(Step::AnyElement);
        }
        let mut all = Vec::new();
        loop {
            let from = self.or()?;
            let to = if self.word("to") { Some(self.or()?) } else { None };
            all.push((from, to));
            if !self.sign(",") {
                break;
            }
        }
        self.expect("]")?;
        Ok(Step::Elements(all))
    }

    fn primary(&mut self) -> Result<Expr> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        Ok(match token {
            Some(Token::Sign("$")) => Expr::Root,
            Some(Token::Sign("@")) => Expr::Current,
            Some(Token::Variable(name)) => Expr::Variable(name),
            Some(Token::Text(text)) => Expr::Text(text),
            Some(Token::Number(digits)) => Expr::Number(digits),
            Some(Token::Sign("-")) => match self.tokens.get(self.at) {
                Some(Token::Number(digits)) => {
                    let negative = format!("-{digits}");
                    self.at += 1;
                    Expr::Number(negative)
                }
                _ => {
                    return not_impl_err!(
                        "arithmetic in jsonpath; take the values out and compute with them"
                    );
                }
            },
            Some(Token::Sign("+")) => return not_impl_err!("arithmetic in jsonpath"),
            Some(Token::Sign("(")) => {
                let inner = self.or()?;
                self.expect(")")?;
                match self.word("is") {
                    true if self.word("unknown") => Expr::IsUnknown(predicate(inner)?),
                    true => return wrong(),
                    false => inner,
                }
            }
            Some(Token::Word(word)) => match word.as_str() {
                "null" => Expr::Null,
                "true" => Expr::Bool(true),
                "false" => Expr::Bool(false),
                "last" => Expr::Last,
                "exists" => {
                    self.expect("(")?;
                    let inner = value(self.or()?)?;
                    self.expect(")")?;
                    Expr::Exists(inner)
                }
                _ => return wrong(),
            },
            _ => return wrong(),
        })
    }
}

fn predicate(expr: Expr) -> Result<Box<Expr>> {
    if expr.is_predicate() {
        Ok(Box::new(expr))
    } else {
        wrong()
    }
}

fn value(expr: Expr) -> Result<Box<Expr>> {
    if expr.is_predicate() {
        wrong()
    } else {
        Ok(Box::new(expr))
    }
}
