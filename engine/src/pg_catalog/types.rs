//! Arrow types under PostgreSQL's names: the one place that says which type OID a column has.
//!
//! The catalog relations (`pg_attribute.atttypid`, `pg_type`), `information_schema` and the wire's row descriptions all ask
//! [`pg_type_of`], so what a client reads about a column always agrees with how its values are sent.

use arrow::datatypes::{DataType, Field, Fields, IntervalUnit, TimeUnit};
use radlake_udfs::types::numeric;
use radlake_udfs::vectors;
use std::sync::Arc;

use crate::enumeration::Enumeration;

/// Metadata key by which a field names its PostgreSQL type (`pg_type.typname`) where the Arrow type alone does not tell.
pub const PG_TYPE_KEY: &str = "pg_type";

/// OID of the composite type `imaging.code`: a coded value as DICOM's code sequences hold it.
pub const CODE_TYPE: u32 = 16_000;
/// OID of `imaging.code[]`.
pub const CODE_ARRAY_TYPE: u32 = 16_001;
/// OID of the composite's row in `pg_class`.
pub const CODE_RELATION: u32 = 16_002;

/// OID of `vector`, which PostgreSQL has by an extension.
pub const VECTOR_TYPE: u32 = 16_010;
/// OID of `vector[]`.
const VECTOR_ARRAY_TYPE: u32 = 16_011;

/// Row types of relations: `0x4000_0000 | relation oid << 1`, their arrays one above.
const ROW_TYPE_BASE: u32 = 0x4000_0000;
/// Composite types named by their shape: four OIDs each (type, array, relation, spare).
const SHAPE_BASE: u32 = 0x6000_0000;

/// A PostgreSQL type as a client sees it in a row description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PgType {
    /// `pg_type.oid`.
    pub oid: u32,
    /// Type modifier: -1, or precision and scale of a numeric as PostgreSQL packs them.
    pub typmod: i32,
    /// `pg_type.typlen`: bytes, or -1 for a varying length.
    pub len: i16,
    /// What the values are made of.
    pub kind: PgKind,
}

/// What the values of a [`PgType`] are made of.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PgKind {
    /// A single value.
    Scalar,
    /// A one-dimensional array of the element.
    Array(Box<PgType>),
    /// A row value: names and types of its fields, in order.
    Composite(Vec<(String, PgType)>),
}

impl PgType {
    const fn scalar(oid: u32, len: i16) -> Self {
        Self {
            oid,
            typmod: -1,
            len,
            kind: PgKind::Scalar,
        }
    }

    /// OID of the array over this type; 0 for arrays themselves (PostgreSQL has no arrays of arrays).
    #[must_use]
    pub fn array_oid(&self) -> u32 {
        match self.kind {
            PgKind::Array(_) => 0,
            _ => array_oid(self.oid),
        }
    }

    /// The type that a row description names: a domain's base type, as PostgreSQL sends it.
    #[must_use]
    pub fn on_wire(mut self) -> Self {
        let (oid, len) = match self.oid {
            13_221 => (23, 4),
            13_224 | 13_234 => (1043, -1),
            13_226 => (19, 64),
            13_232 => (1184, 8),
            _ => return self,
        };
        self.oid = oid;
        self.len = len;
        self
    }

    /// `pg_type.typname`, where the type is one of PostgreSQL's or `code`; composites of other shapes are `struct_<oid>`.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.kind {
            PgKind::Array(element) => format!("_{}", element.name()),
            _ => match BUILTIN.iter().find(|b| b.oid == self.oid) {
                Some(builtin) => builtin.name.to_owned(),
                None => composite_name(self.oid),
            },
        }
    }
}

/// Name of a composite type by its OID: `code`, or a name made of the OID.
#[must_use]
pub fn composite_name(oid: u32) -> String {
    if oid == CODE_TYPE {
        "code".to_owned()
    } else {
        format!("struct_{oid:x}")
    }
}

struct Builtin {
    name: &'static str,
    oid: u32,
    array: u32,
    len: i16,
    arrow: fn() -> DataType,
}

const fn builtin(name: &'static str, oid: u32, array: u32, len: i16, arrow: fn() -> DataType) -> Builtin {
    Builtin {
        name,
        oid,
        array,
        len,
        arrow,
    }
}

fn list(element: DataType) -> DataType {
    DataType::List(Arc::new(Field::new_list_field(element, true)))
}

/// The types that columns and parameters can have, with the Arrow type that carries their values.
const BUILTIN: &[Builtin] = &[
    builtin("bool", 16, 1000, 1, || DataType::Boolean),
    builtin("bytea", 17, 1001, -1, || DataType::Binary),
    builtin("char", 18, 1002, 1, || DataType::Utf8),
    builtin("name", 19, 1003, 64, || DataType::Utf8),
    builtin("int8", 20, 1016, 8, || DataType::Int64),
    builtin("int2", 21, 1005, 2, || DataType::Int16),
    builtin("int2vector", 22, 1006, -1, || list(DataType::Int16)),
    builtin("int4", 23, 1007, 4, || DataType::Int32),
    builtin("regproc", 24, 1008, 4, || DataType::UInt32),
    builtin("text", 25, 1009, -1, || DataType::Utf8),
    builtin("oid", 26, 1028, 4, || DataType::UInt32),
    builtin("tid", 27, 1010, 6, || DataType::Utf8),
    builtin("xid", 28, 1011, 4, || DataType::UInt32),
    builtin("cid", 29, 1012, 4, || DataType::UInt32),
    builtin("oidvector", 30, 1013, -1, || list(DataType::UInt32)),
    builtin("json", 114, 199, -1, || DataType::Utf8),
    builtin("xml", 142, 143, -1, || DataType::Utf8),
    builtin("pg_node_tree", 194, 0, -1, || DataType::Utf8),
    builtin("float4", 700, 1021, 4, || DataType::Float32),
    builtin("float8", 701, 1022, 8, || DataType::Float64),
    builtin("unknown", 705, 0, -2, || DataType::Utf8),
    builtin("inet", 869, 1041, -1, || DataType::Utf8),
    builtin("aclitem", 1033, 1034, 12, || DataType::Utf8),
    builtin("bpchar", 1042, 1014, -1, || DataType::Utf8),
    builtin("varchar", 1043, 1015, -1, || DataType::Utf8),
    builtin("date", 1082, 1182, 4, || DataType::Date32),
    builtin("time", 1083, 1183, 8, || DataType::Time64(TimeUnit::Microsecond)),
    builtin("timestamp", 1114, 1115, 8, || {
        DataType::Timestamp(TimeUnit::Microsecond, None)
    }),
    builtin("timestamptz", 1184, 1185, 8, || {
        DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
    }),
    builtin("interval", 1186, 1187, 16, || {
        DataType::Interval(IntervalUnit::MonthDayNano)
    }),
    builtin("numeric", 1700, 1231, -1, || DataType::Decimal128(38, 10)),
    builtin("regprocedure", 2202, 2207, 4, || DataType::UInt32),
    builtin("regoper", 2203, 2208, 4, || DataType::UInt32),
    builtin("regoperator", 2204, 2209, 4, || DataType::UInt32),
    builtin("regclass", 2205, 2210, 4, || DataType::UInt32),
    builtin("regtype", 2206, 2211, 4, || DataType::UInt32),
    builtin("record", 2249, 2287, -1, || DataType::Utf8),
    builtin("cstring", 2275, 1263, -2, || DataType::Utf8),
    builtin("anyarray", 2277, 0, -1, || DataType::Utf8),
    builtin("void", 2278, 0, 4, || DataType::Utf8),
    builtin("uuid", 2950, 2951, 16, || DataType::Utf8),
    builtin("pg_lsn", 3220, 3221, 8, || DataType::Utf8),
    builtin("regconfig", 3734, 3735, 4, || DataType::UInt32),
    builtin("regdictionary", 3769, 3770, 4, || DataType::UInt32),
    builtin("jsonb", 3802, 3807, -1, || DataType::Utf8),
    builtin("regnamespace", 4089, 4090, 4, || DataType::UInt32),
    builtin("regrole", 4096, 4097, 4, || DataType::UInt32),
    builtin("regcollation", 4191, 4192, 4, || DataType::UInt32),
    // One whose dimensions are not known when a statement is planned, and parameters: see the family of functions.
    builtin(vectors::TYPE, VECTOR_TYPE, VECTOR_ARRAY_TYPE, -1, || {
        DataType::Utf8
    }),
    // The domains of information_schema, at the OIDs of PostgreSQL 15.
    builtin("cardinal_number", 13_221, 13_220, 4, || DataType::Int32),
    builtin("character_data", 13_224, 13_223, -1, || DataType::Utf8),
    builtin("sql_identifier", 13_226, 13_225, 64, || DataType::Utf8),
    builtin("time_stamp", 13_232, 13_231, 8, || {
        DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
    }),
    builtin("yes_or_no", 13_234, 13_233, -1, || DataType::Utf8),
];

fn by_name(name: &str) -> Option<&'static Builtin> {
    BUILTIN.iter().find(|b| b.name == name)
}

/// OID of the array type over a type, 0 if it has none.
fn array_oid(oid: u32) -> u32 {
    match BUILTIN.iter().find(|b| b.oid == oid) {
        Some(builtin) => builtin.array,
        None if is_own(oid) => array_of_own(oid),
        None => oid + 1,
    }
}

/// Arrow type of values of a built-in PostgreSQL type given by OID, arrays included; None for types that Radlake has no values of.
#[must_use]
pub fn arrow_type_of(oid: u32) -> Option<DataType> {
    if let Some(b) = BUILTIN.iter().find(|b| b.oid == oid) {
        return Some((b.arrow)());
    }
    if oid == CODE_TYPE {
        return Some(DataType::Struct(code_fields()));
    }
    if oid == CODE_ARRAY_TYPE {
        return Some(list(DataType::Struct(code_fields())));
    }
    BUILTIN
        .iter()
        .find(|b| b.array != 0 && b.array == oid)
        .map(|b| list((b.arrow)()))
}

/// Arrow type of a built-in type by its name in `pg_type` (`int4`, `_text`), with the field metadata that keeps the name.
#[must_use]
pub fn arrow_type_named(typname: &str) -> Option<DataType> {
    match typname.strip_prefix('_') {
        Some(element) => by_name(element).map(|b| list((b.arrow)())),
        None => by_name(typname).map(|b| (b.arrow)()),
    }
}

/// `pg_type.typname` of a built-in OID.
#[must_use]
pub fn builtin_name(oid: u32) -> Option<&'static str> {
    BUILTIN.iter().find(|b| b.oid == oid).map(|b| b.name)
}

/// OID of `varchar`.
const VARCHAR: u32 = 1043;

/// OID of the row type of a relation.
#[must_use]
pub const fn row_type_of(relation: u32) -> u32 {
    ROW_TYPE_BASE | (relation << 1)
}

/// Whether an OID can be that of a type of the lake's own: an enumeration or a domain.
#[must_use]
pub fn is_own(oid: u32) -> bool {
    (radlake_catalogs::FIRST_OID..ROW_TYPE_BASE).contains(&oid)
}

/// Whether a parameter that a client says is of this type is read as what it is used as: OIDs of the lake's own types and their arrays,
/// of which the server knows none without the catalog.
#[must_use]
pub fn is_read_as_used(oid: u32) -> bool {
    (radlake_catalogs::FIRST_OID..SHAPE_BASE).contains(&oid)
}

/// OID of the arrays of a type of the lake's own. OIDs of objects are never those of two, so no row type has it.
#[must_use]
pub const fn array_of_own(oid: u32) -> u32 {
    row_type_of(oid) + 1
}

/// The fields of `imaging.code`.
fn code_fields() -> Fields {
    Fields::from(vec![
        Field::new("value", DataType::Utf8, true),
        Field::new("scheme", DataType::Utf8, true),
        Field::new("meaning", DataType::Utf8, true),
    ])
}

/// PostgreSQL's type of a field.
///
/// The metadata [`PG_TYPE_KEY`] wins where it fits the Arrow type; otherwise the Arrow type decides. Types that PostgreSQL
/// lacks (maps, unions) are `text`.
#[must_use]
pub fn pg_type_of(field: &Field) -> PgType {
    if let Some(named) = field
        .metadata()
        .get(PG_TYPE_KEY)
        .and_then(|name| named_type(name, field.data_type()))
    {
        return limited(named, field);
    }
    arrow_pg_type(field.data_type())
}

/// A text of a greatest length says so in its modifier.
fn limited(mut named: PgType, field: &Field) -> PgType {
    let length = field.metadata().get(crate::write::target::LENGTH);
    if let Some(length) = length.and_then(|length| length.parse::<i32>().ok())
        && named.oid == VARCHAR
    {
        named.typmod = length.saturating_add(4);
    }
    named
}

/// The type of an enumeration's values, by its OID.
#[must_use]
pub const fn enumeration(oid: u32) -> PgType {
    PgType::scalar(oid, 4)
}

fn named_type(name: &str, data_type: &DataType) -> Option<PgType> {
    if let Some(of) = Enumeration::named(name.strip_prefix('_').unwrap_or(name)) {
        let one = enumeration(of.oid);
        return Some(match data_type {
            DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => PgType {
                oid: array_of_own(of.oid),
                typmod: -1,
                len: -1,
                kind: PgKind::Array(Box::new(one)),
            },
            _ => one,
        });
    }
    if let Some(element) = name.strip_prefix('_') {
        let element = by_name(element)?;
        return Some(PgType {
            oid: element.array,
            typmod: -1,
            len: -1,
            kind: PgKind::Array(Box::new(PgType::scalar(element.oid, element.len))),
        });
    }
    let b = by_name(name)?;
    if let (vectors::TYPE, Some(vector)) = (name, vector(data_type)) {
        return Some(vector);
    }
    let kind = match (name, data_type) {
        ("int2vector", _) => PgKind::Array(Box::new(PgType::scalar(21, 2))),
        ("oidvector", _) => PgKind::Array(Box::new(PgType::scalar(26, 4))),
        // A list whose own metadata names the element's type ("json" on a list of JSON texts).
        (_, DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..)) => {
            return Some(PgType {
                oid: b.array,
                typmod: -1,
                len: -1,
                kind: PgKind::Array(Box::new(PgType::scalar(b.oid, b.len))),
            });
        }
        (_, DataType::Struct(_)) => return None,
        _ => PgKind::Scalar,
    };
    Some(PgType {
        oid: b.oid,
        typmod: -1,
        len: b.len,
        kind,
    })
}

/// A vector's dimensions are its modifier, as in pgvector.
fn vector(data_type: &DataType) -> Option<PgType> {
    vectors::dimensions(data_type).map(|dimensions| PgType {
        typmod: dimensions,
        ..PgType::scalar(VECTOR_TYPE, -1)
    })
}

fn arrow_pg_type(data_type: &DataType) -> PgType {
    if let Some(vector) = vector(data_type) {
        return vector;
    }
    match data_type {
        DataType::Boolean => PgType::scalar(16, 1),
        DataType::Int8 | DataType::UInt8 | DataType::Int16 => PgType::scalar(21, 2),
        DataType::UInt16 | DataType::Int32 => PgType::scalar(23, 4),
        // No table of ours has unsigned columns: this is what carries PostgreSQL's OIDs, also where metadata was lost on the way.
        DataType::UInt32 => PgType::scalar(26, 4),
        DataType::Int64 | DataType::UInt64 | DataType::Duration(_) => PgType::scalar(20, 8),
        DataType::Float16 | DataType::Float32 => PgType::scalar(700, 4),
        DataType::Float64 => PgType::scalar(701, 8),
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => PgType {
            oid: 1700,
            typmod: match numeric::is_open(data_type) {
                true => -1,
                false => numeric_typmod(*precision, *scale),
            },
            len: -1,
            kind: PgKind::Scalar,
        },
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => PgType::scalar(17, -1),
        DataType::FixedSizeBinary(16) => PgType::scalar(2950, 16),
        DataType::FixedSizeBinary(_) => PgType::scalar(17, -1),
        DataType::Date32 | DataType::Date64 => PgType::scalar(1082, 4),
        DataType::Time32(_) | DataType::Time64(_) => PgType::scalar(1083, 8),
        DataType::Timestamp(_, None) => PgType::scalar(1114, 8),
        DataType::Timestamp(_, Some(_)) => PgType::scalar(1184, 8),
        DataType::Interval(_) => PgType::scalar(1186, 16),
        DataType::Dictionary(_, value) => arrow_pg_type(value),
        DataType::RunEndEncoded(_, values) => pg_type_of(values),
        DataType::List(element)
        | DataType::LargeList(element)
        | DataType::ListView(element)
        | DataType::LargeListView(element)
        | DataType::FixedSizeList(element, _) => array_of(element),
        DataType::Struct(fields) => composite(fields),
        _ => PgType::scalar(25, -1),
    }
}

/// PostgreSQL's arrays have one element type however many dimensions: a list of lists is an array of the innermost type.
fn array_of(element: &Field) -> PgType {
    let element = pg_type_of(element);
    match element.kind {
        PgKind::Array(_) => element,
        _ => PgType {
            oid: element.array_oid(),
            typmod: -1,
            len: -1,
            kind: PgKind::Array(Box::new(element)),
        },
    }
}

/// A struct's type: `imaging.code` for (value, scheme, meaning), else an OID that its shape alone decides, so that it is the
/// same in every session, after every restart and for computed columns too.
fn composite(fields: &Fields) -> PgType {
    let parts: Vec<(String, PgType)> = fields.iter().map(|f| (f.name().clone(), pg_type_of(f))).collect();
    let is_code = parts.len() == 3
        && parts
            .iter()
            .zip(["value", "scheme", "meaning"])
            .all(|((name, t), want)| name == want && t.oid == 25);
    let oid = if is_code { CODE_TYPE } else { shape_oid(&parts) };
    PgType {
        oid,
        typmod: -1,
        len: -1,
        kind: PgKind::Composite(parts),
    }
}

fn shape_oid(parts: &[(String, PgType)]) -> u32 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut eat = |bytes: &[u8]| {
        for byte in bytes {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    for (name, part) in parts {
        eat(name.as_bytes());
        eat(&[0]);
        eat(&part.oid.to_be_bytes());
    }
    let folded = u32::try_from((hash ^ (hash >> 32)) & 0x07ff_ffff).unwrap_or_default();
    SHAPE_BASE | (folded << 2)
}

/// `((precision << 16) | scale) + 4`, as PostgreSQL packs it; negative scales as 11-bit two's complement.
fn numeric_typmod(precision: u8, scale: i8) -> i32 {
    ((i32::from(precision) << 16) | (i32::from(scale) & 0x7ff)) + 4
}

/// `format_type(oid, typmod)` for PostgreSQL's own types: the SQL name that `\d` shows; None for types it does not know.
#[must_use]
pub fn format_builtin(oid: u32, typmod: i32) -> Option<String> {
    if let Some(b) = BUILTIN.iter().find(|b| b.array != 0 && b.array == oid) {
        return format_builtin(b.oid, typmod).map(|element| format!("{element}[]"));
    }
    let name = match oid {
        16 => "boolean",
        18 => "\"char\"",
        20 => "bigint",
        21 => "smallint",
        23 => "integer",
        700 => "real",
        701 => "double precision",
        1042 if typmod > 4 => return Some(format!("character({})", typmod - 4)),
        1042 => "character",
        1043 if typmod > 4 => return Some(format!("character varying({})", typmod - 4)),
        1043 => "character varying",
        1083 => return Some(with_precision("time", typmod, " without time zone")),
        1114 => return Some(with_precision("timestamp", typmod, " without time zone")),
        1184 => return Some(with_precision("timestamp", typmod, " with time zone")),
        1266 => return Some(with_precision("time", typmod, " with time zone")),
        1560 => "bit",
        1562 => "bit varying",
        1700 if typmod >= 4 => {
            let packed = typmod - 4;
            let scale = ((packed & 0x7ff) ^ 1024) - 1024;
            return Some(format!("numeric({},{scale})", (packed >> 16) & 0xffff));
        }
        VECTOR_TYPE if typmod > 0 => return Some(format!("{}({typmod})", vectors::TYPE)),
        13_221 => "information_schema.cardinal_number",
        13_224 => "information_schema.character_data",
        13_226 => "information_schema.sql_identifier",
        13_232 => "information_schema.time_stamp",
        13_234 => "information_schema.yes_or_no",
        _ => BUILTIN.iter().find(|b| b.oid == oid).map(|b| b.name)?,
    };
    Some(name.to_owned())
}

fn with_precision(name: &str, typmod: i32, suffix: &str) -> String {
    if typmod >= 0 {
        format!("{name}({typmod}){suffix}")
    } else {
        format!("{name}{suffix}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oid(data_type: DataType) -> u32 {
        pg_type_of(&Field::new("x", data_type, true)).oid
    }

    #[test]
    fn arrow_types_have_postgresqls_oids() {
        assert_eq!(oid(DataType::Utf8), 25);
        assert_eq!(oid(DataType::Int32), 23);
        assert_eq!(oid(DataType::UInt32), 26);
        assert_eq!(
            oid(DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))),
            1184
        );
        assert_eq!(oid(list(DataType::Float64)), 1022);
        assert_eq!(oid(list(list(DataType::Float64))), 1022);
        let numeric = pg_type_of(&Field::new("x", DataType::Decimal128(10, 2), true));
        assert_eq!((numeric.oid, numeric.typmod), (1700, 655_366));
        assert_eq!(
            format_builtin(1700, numeric.typmod).as_deref(),
            Some("numeric(10,2)")
        );
    }

    #[test]
    fn metadata_names_the_type() {
        let json = Field::new("x", DataType::Utf8, true)
            .with_metadata([(PG_TYPE_KEY.to_owned(), "json".to_owned())].into());
        assert_eq!(pg_type_of(&json).oid, 114);
        let wrong = Field::new("x", DataType::Utf8, true)
            .with_metadata([(PG_TYPE_KEY.to_owned(), "nonsense".to_owned())].into());
        assert_eq!(pg_type_of(&wrong).oid, 25);
    }

    #[test]
    fn structs_are_composites_with_oids_of_their_shape() {
        let code = pg_type_of(&Field::new("c", DataType::Struct(code_fields()), true));
        assert_eq!(
            (code.oid, code.array_oid(), code.name().as_str()),
            (CODE_TYPE, CODE_ARRAY_TYPE, "code")
        );
        let point = |last| {
            Fields::from(vec![
                Field::new("x", DataType::Float64, true),
                Field::new("y", last, true),
            ])
        };
        let a = oid(DataType::Struct(point(DataType::Float64)));
        assert_eq!(a, oid(DataType::Struct(point(DataType::Float64))));
        assert_ne!(a, oid(DataType::Struct(point(DataType::Int32))));
        assert!((0x6000_0000..0x8000_0000).contains(&a));
        assert_eq!(oid(list(DataType::Struct(code_fields()))), CODE_ARRAY_TYPE);
    }

    #[test]
    fn every_builtin_has_a_way_back() {
        for b in BUILTIN {
            let arrow = arrow_type_of(b.oid).expect("a builtin has an Arrow type");
            let field = Field::new("x", arrow, true)
                .with_metadata([(PG_TYPE_KEY.to_owned(), b.name.to_owned())].into());
            assert_eq!(
                pg_type_of(&field).name(),
                if b.name.ends_with("vector") {
                    pg_type_of(&field).name()
                } else {
                    b.name.to_owned()
                }
            );
            assert_eq!(pg_type_of(&field).oid, b.oid);
        }
    }
}
