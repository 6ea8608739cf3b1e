//! RowDescription and ParameterDescription.

use arrow::datatypes::{Field, Schema};
use bytes::{BufMut, BytesMut};

use super::encode::Format;
use super::types::{self, pg_type_of};

/// The formats of a result that nobody chose formats for: text, unless a cursor was declared BINARY.
pub(crate) fn formats_of(schema: &Schema) -> Vec<Format> {
    let format = match schema.metadata().contains_key(radlake::BINARY) {
        true => Format::Binary,
        false => Format::Text,
    };
    vec![format; schema.fields().len()]
}

/// Appends the RowDescription of a result; `formats` holds one entry per column.
pub(crate) fn put_row_description(schema: &Schema, formats: &[Format], out: &mut BytesMut) {
    out.put_u8(b'T');
    let at = out.len();
    out.put_i32(0);
    out.put_i16(i16::try_from(schema.fields().len()).unwrap_or(i16::MAX));
    for (field, format) in schema.fields().iter().zip(formats) {
        let pg = pg_type_of(field);
        // A zero byte would end the name early and shift everything after it.
        out.put_slice(
            types::column_name(field)
                .split('\0')
                .next()
                .unwrap_or_default()
                .as_bytes(),
        );
        out.put_u8(0);
        out.put_u32(number(field, "table_oid"));
        out.put_i16(number(field, "attnum"));
        out.put_u32(pg.oid);
        out.put_i16(pg.len);
        out.put_i32(pg.typmod);
        out.put_i16(format.code());
    }
    let length = i32::try_from(out.len() - at).unwrap_or(i32::MAX);
    out[at..at + 4].copy_from_slice(&length.to_be_bytes());
}

/// A number that the engine left in the field's metadata; 0 where the column comes from no table.
fn number<T: std::str::FromStr + Default>(field: &Field, key: &str) -> T {
    field
        .metadata()
        .get(key)
        .and_then(|text| text.parse().ok())
        .unwrap_or_default()
}

/// Appends the ParameterDescription of a statement.
pub(crate) fn put_parameter_description(oids: &[u32], out: &mut BytesMut) {
    out.put_u8(b't');
    out.put_i32(6 + 4 * oids.len() as i32);
    out.put_u16(oids.len() as u16);
    oids.iter().for_each(|oid| out.put_u32(*oid));
}

/// The format of each column from the codes of Bind: none is text for all, one is for all, otherwise one each.
pub(crate) fn formats(codes: &[i16], columns: usize) -> Result<Vec<Format>, String> {
    let format = |code: &i16| match code {
        0 => Ok(Format::Text),
        1 => Ok(Format::Binary),
        other => Err(format!("unsupported format code: {other}")),
    };
    match codes {
        [] => Ok(vec![Format::Text; columns]),
        [one] => Ok(vec![format(one)?; columns]),
        each if each.len() == columns => each.iter().map(format).collect(),
        each => Err(format!(
            "bind message has {} result formats but query has {columns} columns",
            each.len()
        )),
    }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::DataType;

    use super::*;

    #[test]
    fn a_row_description_names_table_type_and_format() {
        let field = Field::new("sop", DataType::Int32, true).with_metadata(
            [
                ("table_oid".into(), "16400".into()),
                ("attnum".into(), "3".into()),
            ]
            .into(),
        );
        let mut out = BytesMut::new();
        put_row_description(&Schema::new(vec![field]), &[Format::Binary], &mut out);
        let mut expected = BytesMut::from(&b"T\0\0\0\x1c\0\x01sop\0"[..]);
        expected.put_u32(16400);
        expected.put_i16(3);
        expected.put_u32(23);
        expected.put_i16(4);
        expected.put_i32(-1);
        expected.put_i16(1);
        assert_eq!(out, expected);
    }

    #[test]
    fn format_codes_cover_every_column_or_are_refused() {
        assert_eq!(formats(&[], 2), Ok(vec![Format::Text, Format::Text]));
        assert_eq!(formats(&[1], 2), Ok(vec![Format::Binary, Format::Binary]));
        assert_eq!(formats(&[0, 1], 2), Ok(vec![Format::Text, Format::Binary]));
        // Shorter than the columns: the message that crashed other servers.
        assert!(formats(&[0, 1], 3).is_err());
        assert!(formats(&[2], 1).is_err());
    }
}
