//! `quote_ident`, `quote_literal`, `quote_nullable`.

use super::{Arg, Outcome, Spec};
use crate::pg_catalog::context::Context;
use crate::pg_catalog::error::CatalogError;
use crate::pg_catalog::names;
use crate::pg_catalog::rows::Value;

pub(super) const FUNCTIONS: &[Spec] = &[
    Spec::new("quote_ident", (1, 1), "text", |_, args| {
        Ok(text(args).map(|t| names::quote(&t)).into())
    }),
    Spec::new("quote_literal", (1, 1), "text", |_, args| {
        Ok(text(args).map(|t| literal(&t)).into())
    }),
    Spec::new("like_escape", (2, 2), "text", like_escape),
    Spec::new("quote_nullable", (1, 1), "text", nullable).called_on_null(),
];

fn text(args: &[Arg<'_>]) -> Option<String> {
    match args.first()? {
        Arg::Text(t) => Some((*t).to_owned()),
        Arg::Int(v) => Some(v.to_string()),
        Arg::Bool(v) => Some(v.to_string()),
        Arg::Null => None,
    }
}

/// A text as a literal of SQL.
pub(crate) fn literal(text: &str) -> String {
    let doubled = text.replace('\'', "''");
    if text.contains('\\') {
        format!(" E'{}'", doubled.replace('\\', "\\\\"))
            .trim_start()
            .to_owned()
    } else {
        format!("'{doubled}'")
    }
}

fn nullable(_: &Context, args: &[Arg<'_>]) -> Outcome {
    Ok(text(args)
        .map_or_else(|| "NULL".to_owned(), |t| literal(&t))
        .into())
}

/// A LIKE pattern with another escape character (or none) as one with a backslash, which is the only one the plan knows.
fn like_escape(_: &Context, args: &[Arg<'_>]) -> Outcome {
    let (Some(pattern), Some(escape)) = (text(args), args.get(1).and_then(|a| a.text())) else {
        return Ok(Value::Null);
    };
    let mut escapes = escape.chars();
    let (escape, None) = (escapes.next(), escapes.next()) else {
        return Err(CatalogError::InvalidParameter(
            "invalid escape string: it must be empty or one character".to_owned(),
        ));
    };
    let mut out = String::with_capacity(pattern.len());
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            c if Some(c) == escape => {
                out.push('\\');
                out.extend(chars.next());
            }
            '\\' => out.push_str("\\\\"),
            c => out.push(c),
        }
    }
    Ok(out.into())
}

#[cfg(test)]
mod tests {
    use super::literal;

    #[test]
    fn literals_are_quoted_as_in_postgresql() {
        assert_eq!(literal("a'b"), "'a''b'");
        assert_eq!(literal("a'b\\c"), "E'a''b\\\\c'");
    }
}
