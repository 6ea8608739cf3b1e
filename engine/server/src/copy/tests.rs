//! Bytes in, rows out, whatever the pieces.

use arrow::datatypes::{DataType, Field, Schema};
use arrow::util::pretty::pretty_format_batches;
use radlake::{CopyTarget, Rejects};

use super::*;
use crate::wire::Zone;

fn options(text: &str) -> Options {
    let mut statements = radlake_sql_parse(&format!("COPY t FROM STDIN {text}"));
    let statement = statements.remove(0);
    Options::of(statement.copy().unwrap(), statement.ast())
        .unwrap_or_else(|report| panic!("{text}: {report:?}"))
}

fn radlake_sql_parse(text: &str) -> Vec<radlake::Statement> {
    radlake::parse(text).unwrap()
}

async fn read(with: &str, bytes: &[u8], piece: usize, rejects: Option<Rejects>) -> Result<String, Error> {
    let target = CopyTarget {
        table: "t".to_owned(),
        columns: Arc::new(Schema::new(vec![
            Field::new("a", DataType::Int32, true),
            Field::new("b", DataType::Utf8, true),
        ])),
    };
    let shape = Shape::new(options(with), &target, Zone::Utc, rejects).unwrap();
    let pieces: Vec<_> = bytes
        .chunks(piece)
        .map(|piece| Ok(Bytes::copy_from_slice(piece)))
        .collect();
    let batches: Vec<RecordBatch> = decode(futures::stream::iter(pieces).boxed(), shape)
        .try_collect()
        .await?;
    let mut lines = Vec::new();
    for line in pretty_format_batches(&batches).unwrap().to_string().lines() {
        if line.starts_with("| ") && !line.contains("radlake.line") {
            lines.push(
                line.split('|')
                    .map(str::trim)
                    .collect::<Vec<_>>()
                    .join("|")
                    .trim_matches('|')
                    .to_owned(),
            );
        }
    }
    Ok(lines.join(" "))
}

#[tokio::test]
async fn rows_are_read_as_postgresql_reads_them() {
    for (with, text, rows) in [
        ("", "1\tx\n2\t\\N\n3\t\n", "1|1|x 2|2 3|3"),
        ("", "1\ta\\tb\\x41\\101\\\\\n", "1|1|a\tbAA\\"),
        ("(FORMAT csv)", "1,x\n2,\n3,\"\"\n", "1|1|x 2|2 3|3"),
        (
            "(FORMAT csv, HEADER)",
            "a,b\n1,\"x\ny\"\n2,\"a\"\"b\"\n",
            "3|1|x y 4|2|a\"b",
        ),
        (
            "(FORMAT csv, DELIMITER ';', QUOTE '''')",
            "1;'a;b'\r\n2;c'd'e\r\n",
            "1|1|a;b 2|2|cde",
        ),
        (
            "(FORMAT csv, NULL 'x', FORCE_NULL (b))",
            "1,x\n2,\"x\"\n3,y\n",
            "1|1 2|2 3|3|y",
        ),
        ("(FORMAT csv, HEADER match)", "a,b\n1,2\n", "2|1|2"),
        (
            "(FORMAT csv, ENCODING 'latin1')",
            "1,Z\u{fc}rich\n",
            "1|1|Z\u{fc}rich",
        ),
    ] {
        let bytes = match with.contains("latin1") {
            true => text.chars().map(|c| c as u8).collect(),
            false => text.as_bytes().to_vec(),
        };
        for piece in [1, 3, 1000] {
            assert_eq!(
                read(with, &bytes, piece, None).await.unwrap(),
                rows,
                "{with} {text:?} by {piece}"
            );
        }
    }
}

#[tokio::test]
async fn errors_say_where_and_keep_values_to_themselves() {
    for (with, text, message, context) in [
        ("", "1\tx\n2\n", "missing data for column \"b\"", "COPY t, line 2"),
        (
            "",
            "1\tx\ty\n",
            "extra data after last expected column",
            "COPY t, line 1",
        ),
        (
            "(FORMAT csv)",
            "1,\"x\n\"\nsecret,y\n",
            "invalid input syntax for type integer",
            "COPY t, line 3, column a",
        ),
        (
            "(FORMAT csv)",
            "99999999999,y\n",
            "integer out of range",
            "COPY t, line 1, column a",
        ),
        (
            "(FORMAT csv)",
            "1,\"x\n",
            "unterminated CSV quoted field",
            "COPY t, line 2",
        ),
        (
            "(FORMAT csv, HEADER match)",
            "a,secret\n",
            "column name mismatch in header line field 2: expected \"b\"",
            "COPY t, line 1",
        ),
    ] {
        let error = read(with, text.as_bytes(), 4, None).await.unwrap_err();
        assert_eq!(
            (error.to_string().as_str(), error.context().as_deref()),
            (message, Some(context)),
            "{text:?}"
        );
    }
    let error = read("", b"1\t\xff\n", 10, None).await.unwrap_err();
    assert_eq!(error.context().as_deref(), Some("COPY t, line 1, column b"));
}

#[tokio::test]
async fn rows_that_do_not_fit_are_set_aside() {
    let rejects = Rejects::default();
    let text = b"1,x\nq,y\n3\n4,z\n5,5,5\n";
    let rows = read("(FORMAT csv)", text, 7, Some(rejects.clone()))
        .await
        .unwrap();
    assert_eq!(rows, "1|1|x 4|4|z");
    let found: Vec<_> = rejects
        .take()
        .into_iter()
        .map(|r| (r.line, r.column, r.reason))
        .collect();
    assert_eq!(
        found[0],
        (
            2,
            Some("a".to_owned()),
            "invalid input syntax for type integer".to_owned()
        )
    );
    assert_eq!(found[1], (3, None, "missing data for column \"b\"".to_owned()));
    assert_eq!(found[2].0, 5);
}
