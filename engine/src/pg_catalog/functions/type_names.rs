//! `format_type`, `pg_encoding_to_char`: names of types and encodings.

use super::{Arg, Outcome, Spec};
use crate::pg_catalog::context::Context;
use crate::pg_catalog::rows::Value;

pub(super) const FUNCTIONS: &[Spec] = &[
    Spec::new("format_type", (2, 2), "text", format_type).called_on_null(),
    Spec::new("pg_encoding_to_char", (1, 1), "name", encoding_to_char),
    Spec::new("getdatabaseencoding", (0, 0), "name", |_, _| Ok("UTF8".into())),
    Spec::new("pg_client_encoding", (0, 0), "name", |_, _| Ok("UTF8".into())),
    Spec::new("pg_char_to_encoding", (1, 1), "int4", char_to_encoding),
];

fn format_type(context: &Context, args: &[Arg<'_>]) -> Outcome {
    let Some(oid) = args.first().and_then(|a| a.oid()) else {
        return Ok(Value::Null);
    };
    if oid == 0 {
        return Ok("-".into());
    }
    let typmod = args
        .get(1)
        .and_then(|a| a.int())
        .and_then(|m| i32::try_from(m).ok())
        .unwrap_or(-1);
    Ok(context
        .type_name(oid, typmod)
        .unwrap_or_else(|| "???".to_owned())
        .into())
}

/// PostgreSQL's encodings by number; the lake itself is UTF8.
const ENCODINGS: [&str; 42] = [
    "SQL_ASCII",
    "EUC_JP",
    "EUC_CN",
    "EUC_KR",
    "EUC_TW",
    "EUC_JIS_2004",
    "UTF8",
    "MULE_INTERNAL",
    "LATIN1",
    "LATIN2",
    "LATIN3",
    "LATIN4",
    "LATIN5",
    "LATIN6",
    "LATIN7",
    "LATIN8",
    "LATIN9",
    "LATIN10",
    "WIN1256",
    "WIN1258",
    "WIN866",
    "WIN874",
    "KOI8R",
    "WIN1251",
    "WIN1252",
    "ISO_8859_5",
    "ISO_8859_6",
    "ISO_8859_7",
    "ISO_8859_8",
    "WIN1250",
    "WIN1253",
    "WIN1254",
    "WIN1255",
    "WIN1257",
    "KOI8U",
    "SJIS",
    "BIG5",
    "GBK",
    "UHC",
    "GB18030",
    "JOHAB",
    "SHIFT_JIS_2004",
];

fn encoding_to_char(_: &Context, args: &[Arg<'_>]) -> Outcome {
    let number = args
        .first()
        .and_then(|a| a.int())
        .and_then(|n| usize::try_from(n).ok());
    Ok(number
        .and_then(|n| ENCODINGS.get(n))
        .copied()
        .unwrap_or_default()
        .into())
}

fn char_to_encoding(_: &Context, args: &[Arg<'_>]) -> Outcome {
    let name = args.first().and_then(|a| a.text()).unwrap_or_default();
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let found = ENCODINGS
        .iter()
        .position(|n| n.replace('_', "").eq_ignore_ascii_case(&plain));
    Ok(found.and_then(|n| i64::try_from(n).ok()).unwrap_or(-1).into())
}
