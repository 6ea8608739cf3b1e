//! COPY, which is read here and not by the parser: the parser knows neither all of its options nor its old spellings, and
//! takes what follows `FROM STDIN;` for data.

use sqlparser::ast::{CopySource, CopyTarget, Expr, Ident, Statement};
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, Word};

/// What a COPY says beside its table or query and its target, which stand in the tree.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Copy {
    /// Options in the order they were written, names in lower case as in the list of today's syntax.
    pub options: Vec<(String, OptionValue)>,
    /// `WHERE …` of COPY FROM.
    pub filter: Option<Expr>,
}

/// The value of an option.
#[derive(Debug, Clone, PartialEq)]
pub enum OptionValue {
    /// None: `(HEADER)`.
    None,
    /// A word or number, in lower case unless quoted: `(FORMAT csv)`.
    Word(String),
    /// A string.
    Text(String),
    /// `*`
    Star,
    /// `(a, b)`
    List(Vec<String>),
}

/// Reads a COPY from its first word on.
pub(crate) fn parse(parser: &mut Parser<'_>) -> Result<(Statement, Copy), ParserError> {
    word(parser, &["copy"]);
    let mut copy = Copy::default();
    if is_next(parser, "binary") {
        word(parser, &["binary"]);
        copy.add("format", OptionValue::Word("binary".to_owned()));
    }
    let source = if parser.consume_token(&Token::LParen) {
        let query = parser.parse_query()?;
        parser.expect_token(&Token::RParen)?;
        CopySource::Query(query)
    } else {
        let table_name = parser.parse_object_name(false)?;
        let columns = match parser.consume_token(&Token::LParen) {
            true => {
                let columns = parser.parse_comma_separated(Parser::parse_identifier)?;
                parser.expect_token(&Token::RParen)?;
                columns
            }
            false => Vec::new(),
        };
        CopySource::Table { table_name, columns }
    };
    let to = match word(parser, &["from", "to"]) {
        Some("to") => true,
        Some(_) if matches!(source, CopySource::Table { .. }) => false,
        _ => return parser.expected("FROM or TO", parser.peek_token()),
    };
    let target = target(parser)?;
    if word(parser, &["using"]).is_some() {
        if word(parser, &["delimiters"]).is_none() {
            return parser.expected("DELIMITERS", parser.peek_token());
        }
        copy.add("delimiter", OptionValue::Text(parser.parse_literal_string()?));
    } else if word(parser, &["delimiters"]).is_some() {
        copy.add("delimiter", OptionValue::Text(parser.parse_literal_string()?));
    }
    let _with = word(parser, &["with"]);
    if parser.consume_token(&Token::LParen) {
        loop {
            copy.option(parser)?;
            if !parser.consume_token(&Token::Comma) {
                break;
            }
        }
        parser.expect_token(&Token::RParen)?;
    } else {
        while copy.old_option(parser)? {}
    }
    if !to && word(parser, &["where"]).is_some() {
        copy.filter = Some(parser.parse_expr()?);
    }
    let ast = Statement::Copy {
        source,
        to,
        target,
        options: Vec::new(),
        legacy_options: Vec::new(),
        values: Vec::new(),
    };
    Ok((ast, copy))
}

fn target(parser: &mut Parser<'_>) -> Result<CopyTarget, ParserError> {
    Ok(match word(parser, &["stdin", "stdout", "program"]) {
        Some("stdin") => CopyTarget::Stdin,
        Some("stdout") => CopyTarget::Stdout,
        Some(_) => CopyTarget::Program {
            command: parser.parse_literal_string()?,
        },
        None => CopyTarget::File {
            filename: parser.parse_literal_string()?,
        },
    })
}

impl Copy {
    fn add(&mut self, name: &str, value: OptionValue) {
        self.options.push((name.to_owned(), value));
    }

    /// `name [value]` of today's list.
    fn option(&mut self, parser: &mut Parser<'_>) -> Result<(), ParserError> {
        let name = folded(&parser.parse_identifier()?);
        let next = parser.peek_token();
        let value = match next.token {
            Token::Comma | Token::RParen => OptionValue::None,
            Token::Mul => {
                parser.next_token();
                OptionValue::Star
            }
            Token::LParen => {
                parser.next_token();
                let names = parser.parse_comma_separated(Parser::parse_identifier)?;
                parser.expect_token(&Token::RParen)?;
                OptionValue::List(names.iter().map(folded).collect())
            }
            Token::Word(word) => {
                parser.next_token();
                OptionValue::Word(folded(&word.into_ident(next.span)))
            }
            Token::Number(digits, _) => {
                parser.next_token();
                OptionValue::Word(digits)
            }
            _ => OptionValue::Text(parser.parse_literal_string()?),
        };
        self.add(&name, value);
        Ok(())
    }

    /// An option as it was written before the list; false at the end.
    fn old_option(&mut self, parser: &mut Parser<'_>) -> Result<bool, ParserError> {
        let words = [
            "binary",
            "freeze",
            "csv",
            "header",
            "delimiter",
            "null",
            "quote",
            "escape",
            "encoding",
            "force",
        ];
        let Some(name) = word(parser, &words) else {
            return Ok(false);
        };
        match name {
            "binary" | "csv" => self.add("format", OptionValue::Word(name.to_owned())),
            "freeze" | "header" => self.add(name, OptionValue::None),
            "force" => {
                let name = match word(parser, &["quote", "null", "not"]) {
                    Some("quote") => "force_quote",
                    Some("null") => "force_null",
                    Some(_) if word(parser, &["null"]).is_some() => "force_not_null",
                    _ => return parser.expected("QUOTE, NULL or NOT NULL", parser.peek_token()),
                };
                let value = match parser.consume_token(&Token::Mul) {
                    true => OptionValue::Star,
                    false => {
                        let names = parser.parse_comma_separated(Parser::parse_identifier)?;
                        OptionValue::List(names.iter().map(folded).collect())
                    }
                };
                self.add(name, value);
            }
            name => {
                let _as = word(parser, &["as"]);
                self.add(name, OptionValue::Text(parser.parse_literal_string()?));
            }
        }
        Ok(true)
    }
}

fn folded(ident: &Ident) -> String {
    match ident.quote_style {
        Some(_) => ident.value.clone(),
        None => ident.value.to_lowercase(),
    }
}

fn matches(word: &Word, wanted: &str) -> bool {
    word.quote_style.is_none() && word.value.eq_ignore_ascii_case(wanted)
}

/// Takes the next word if it is one of these.
fn word<'a>(parser: &mut Parser<'_>, wanted: &[&'a str]) -> Option<&'a str> {
    let Token::Word(next) = parser.peek_token().token else {
        return None;
    };
    let found = wanted.iter().find(|wanted| matches(&next, wanted)).copied();
    if found.is_some() {
        parser.next_token();
    }
    found
}

/// True if `BINARY` is the old option and not the name of a table.
fn is_next(parser: &Parser<'_>, wanted: &str) -> bool {
    let followed = !matches!(&parser.peek_nth_token(1).token, Token::Word(next)
        if matches(next, "from") || matches(next, "to"));
    let name = !matches!(parser.peek_nth_token(1).token, Token::LParen | Token::Period);
    followed && name && matches!(&parser.peek_token().token, Token::Word(next) if matches(next, wanted))
}

/// True if a COPY begins here.
pub(crate) fn begins(parser: &Parser<'_>) -> bool {
    matches!(&parser.peek_token().token, Token::Word(next) if matches(next, "copy"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (String, Copy) {
        let mut statements = crate::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(statements.len(), 1, "{text}");
        let statement = statements.remove(0);
        (
            statement.ast().to_string(),
            statement.copy().expect("a copy").clone(),
        )
    }

    #[test]
    fn todays_and_old_syntax_say_the_same() {
        let new = "COPY t (a, \"B\") FROM STDIN (FORMAT csv, HEADER, DELIMITER ';', NULL 'x', QUOTE '''', FORCE_NOT_NULL (a, b))";
        let old = "copy t(a,\"B\") from stdin with csv header delimiter as ';' null 'x' quote as '''' force not null a, b";
        assert_eq!(read(new), read(old));
        assert_eq!(
            read("COPY BINARY t TO STDOUT"),
            read("COPY t TO STDOUT (FORMAT BINARY)")
        );
        assert_eq!(
            read("COPY t TO STDOUT USING DELIMITERS '|' WITH NULL AS ''"),
            read("COPY t TO STDOUT (DELIMITER '|', NULL '')")
        );
        assert_eq!(
            read("COPY (SELECT 1; ) TO STDOUT".replace("; ", "").as_str()).1,
            Copy::default()
        );
        assert_eq!(
            read("COPY t TO STDOUT CSV FORCE QUOTE *").1.options[1],
            ("force_quote".to_owned(), OptionValue::Star)
        );
        assert!(read("COPY t FROM STDIN WHERE a > 1").1.filter.is_some());
    }

    #[test]
    fn what_follows_is_the_next_statement() {
        assert_eq!(crate::parse("COPY t FROM STDIN; SELECT 1").unwrap().len(), 2);
        for text in [
            "COPY t",
            "COPY (SELECT 1) FROM STDIN",
            "COPY t TO STDOUT (",
            "COPY t FROM STDIN nonsense",
        ] {
            assert!(crate::parse(text).is_err(), "{text}");
        }
    }
}
