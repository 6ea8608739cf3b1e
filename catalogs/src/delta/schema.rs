//! Arrow types as Delta has them, and back.
//!
//! What Delta lacks is stored as the nearest type, with the Arrow type in the column's metadata ([`TYPE_KEY`]), so that
//! other readers still read it. Scans cast it back.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields, IntervalUnit, Schema, SchemaRef, TimeUnit};
use serde_json::{Map, Value, json};

use crate::{Error, Result};

/// Key of a column's metadata that holds the Arrow type where the stored type is another.
pub const TYPE_KEY: &str = "radlake.type";

/// The schema of a table's files: every type one that Delta has. Columns stay in place.
pub fn physical_schema(schema: &Schema) -> Result<SchemaRef> {
    let fields = schema
        .fields()
        .iter()
        .map(|field| physical_field(field))
        .collect::<Result<Fields>>()?;
    Ok(Arc::new(Schema::new(fields)))
}

fn physical_field(field: &Field) -> Result<FieldRef> {
    let data_type = physical_type(field.data_type())
        .map_err(|reason| Error::invalid(format!("column \"{}\": {reason}", field.name())))?;
    Ok(Arc::new(Field::new(field.name(), data_type, field.is_nullable())))
}

fn physical_type(data_type: &DataType) -> std::result::Result<DataType, String> {
    let nested = |field: &FieldRef| -> std::result::Result<FieldRef, String> {
        Ok(Arc::new(Field::new(
            field.name(),
            physical_type(field.data_type())?,
            field.is_nullable(),
        )))
    };
    Ok(match data_type {
        DataType::Boolean
        | DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::Float32
        | DataType::Float64
        | DataType::Utf8
        | DataType::Binary
        | DataType::Date32
        | DataType::Decimal128(_, _) => data_type.clone(),
        DataType::UInt8 => DataType::Int16,
        DataType::UInt16 => DataType::Int32,
        DataType::UInt32 | DataType::Time64(_) | DataType::Duration(_) => DataType::Int64,
        DataType::UInt64 => DataType::Decimal128(20, 0),
        DataType::Time32(_) => DataType::Int32,
        DataType::Float16 => DataType::Float32,
        DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => DataType::Binary,
        DataType::Date64 => DataType::Date32,
        // Casts of other intervals to text and back lose nothing either; MonthDayNano is PostgreSQL's.
        DataType::Interval(IntervalUnit::MonthDayNano | IntervalUnit::DayTime | IntervalUnit::YearMonth) => {
            DataType::Utf8
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            return Err("nanoseconds do not fit; use microseconds".into());
        }
        DataType::Timestamp(_, Some(_)) => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        DataType::Timestamp(_, None) => DataType::Timestamp(TimeUnit::Microsecond, None),
        DataType::Decimal32(precision, scale) | DataType::Decimal64(precision, scale) => {
            DataType::Decimal128(*precision, *scale)
        }
        DataType::Dictionary(_, values) => physical_type(values)?,
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _) => {
            // Delta's (and Parquet's) name of an array's element.
            let inner = physical_type(item.data_type())?;
            DataType::List(Arc::new(Field::new("element", inner, item.is_nullable())))
        }
        DataType::Struct(fields) => DataType::Struct(
            fields
                .iter()
                .map(nested)
                .collect::<std::result::Result<Fields, _>>()?,
        ),
        DataType::Map(entries, sorted) => DataType::Map(nested(entries)?, *sorted),
        other => return Err(format!("type {other} cannot be stored")),
    })
}

/// The Delta schema (JSON text of `metaData.schemaString`) of a table with these columns.
pub fn delta_schema(schema: &Schema) -> Result<String> {
    let physical = physical_schema(schema)?;
    let fields = schema
        .fields()
        .iter()
        .zip(physical.fields())
        .map(|(logical, stored)| {
            let mut metadata: Map<String, Value> = logical
                .metadata()
                .iter()
                .map(|(key, value)| (key.clone(), Value::from(value.as_str())))
                .collect();
            metadata.remove(TYPE_KEY);
            if !same_type(logical.data_type(), stored.data_type()) {
                metadata.insert(
                    TYPE_KEY.into(),
                    serde_json::to_string(logical.data_type())?.into(),
                );
            }
            Ok(json!({
                "name": stored.name(),
                "type": delta_type(stored.data_type())?,
                "nullable": stored.is_nullable(),
                "metadata": metadata,
            }))
        })
        .collect::<Result<Vec<Value>>>()?;
    Ok(json!({ "type": "struct", "fields": fields }).to_string())
}

/// Whether a Delta reader gets `logical` from `stored` without being told (names of list elements aside).
fn same_type(logical: &DataType, stored: &DataType) -> bool {
    match (logical, stored) {
        (DataType::List(a), DataType::List(b)) => same_type(a.data_type(), b.data_type()),
        (DataType::Struct(a), DataType::Struct(b)) => a
            .iter()
            .zip(b.iter())
            .all(|(a, b)| same_type(a.data_type(), b.data_type())),
        _ => logical == stored,
    }
}

fn delta_type(data_type: &DataType) -> Result<Value> {
    Ok(match data_type {
        DataType::Boolean => "boolean".into(),
        DataType::Int8 => "byte".into(),
        DataType::Int16 => "short".into(),
        DataType::Int32 => "integer".into(),
        DataType::Int64 => "long".into(),
        DataType::Float32 => "float".into(),
        DataType::Float64 => "double".into(),
        DataType::Utf8 => "string".into(),
        DataType::Binary => "binary".into(),
        DataType::Date32 => "date".into(),
        DataType::Timestamp(_, Some(_)) => "timestamp".into(),
        DataType::Timestamp(_, None) => "timestamp_ntz".into(),
        DataType::Decimal128(precision, scale) => format!("decimal({precision},{scale})").into(),
        DataType::List(item) => json!({
            "type": "array", "elementType": delta_type(item.data_type())?, "containsNull": item.is_nullable(),
        }),
        DataType::Struct(fields) => {
            let fields = fields
                .iter()
                .map(|field| {
                    Ok(json!({
                        "name": field.name(), "type": delta_type(field.data_type())?,
                        "nullable": field.is_nullable(), "metadata": {},
                    }))
                })
                .collect::<Result<Vec<Value>>>()?;
            json!({ "type": "struct", "fields": fields })
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(pair) if pair.len() == 2 => json!({
                "type": "map", "keyType": delta_type(pair[0].data_type())?,
                "valueType": delta_type(pair[1].data_type())?, "valueContainsNull": pair[1].is_nullable(),
            }),
            other => return Err(Error::internal(format!("map of {other}"))),
        },
        other => return Err(Error::internal(format!("{other} is not a type of Delta"))),
    })
}

/// Whether a table with these columns needs Delta's feature `timestampNtz`.
pub fn needs_timestamp_ntz(schema: &Schema) -> bool {
    fn within(data_type: &DataType) -> bool {
        match data_type {
            DataType::Timestamp(_, None) => true,
            DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
                within(item.data_type())
            }
            DataType::Struct(fields) => fields.iter().any(|field| within(field.data_type())),
            DataType::Map(entries, _) => within(entries.data_type()),
            DataType::Dictionary(_, values) => within(values),
            _ => false,
        }
    }
    schema.fields().iter().any(|field| within(field.data_type()))
}

/// Arrow columns of a Delta schema, stored types cast back where [`TYPE_KEY`] says so.
pub fn arrow_schema(schema_string: &str) -> Result<SchemaRef> {
    let value: Value = serde_json::from_str(schema_string)?;
    let fields = value["fields"]
        .as_array()
        .ok_or_else(|| Error::invalid("a Delta schema without fields"))?;
    let fields = fields.iter().map(arrow_field).collect::<Result<Fields>>()?;
    Ok(Arc::new(Schema::new(fields)))
}

fn arrow_field(value: &Value) -> Result<FieldRef> {
    let name = value["name"]
        .as_str()
        .ok_or_else(|| Error::invalid("a column of a Delta schema without a name"))?;
    let mut data_type = arrow_type(&value["type"])?;
    let mut metadata = std::collections::HashMap::new();
    for (key, entry) in value["metadata"].as_object().into_iter().flatten() {
        match (key.as_str(), entry) {
            (TYPE_KEY, Value::String(text)) => data_type = serde_json::from_str(text)?,
            (_, Value::String(text)) => {
                metadata.insert(key.clone(), text.clone());
            }
            _ => {}
        }
    }
    let nullable = value["nullable"].as_bool().unwrap_or(true);
    Ok(Arc::new(
        Field::new(name, data_type, nullable).with_metadata(metadata),
    ))
}

fn arrow_type(value: &Value) -> Result<DataType> {
    if let Some(name) = value.as_str() {
        return Ok(match name {
            "boolean" => DataType::Boolean,
            "byte" => DataType::Int8,
            "short" => DataType::Int16,
            "integer" => DataType::Int32,
            "long" => DataType::Int64,
            "float" => DataType::Float32,
            "double" => DataType::Float64,
            "string" => DataType::Utf8,
            "binary" => DataType::Binary,
            "date" => DataType::Date32,
            "timestamp" => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            "timestamp_ntz" => DataType::Timestamp(TimeUnit::Microsecond, None),
            other => decimal(other)
                .ok_or_else(|| Error::invalid(format!("type {other} of Delta is not read here")))?,
        });
    }
    let nullable = |key: &str| value[key].as_bool().unwrap_or(true);
    Ok(match value["type"].as_str() {
        Some("array") => DataType::List(Arc::new(Field::new(
            "item",
            arrow_type(&value["elementType"])?,
            nullable("containsNull"),
        ))),
        Some("struct") => DataType::Struct(
            value["fields"]
                .as_array()
                .into_iter()
                .flatten()
                .map(arrow_field)
                .collect::<Result<Fields>>()?,
        ),
        Some("map") => {
            let pair = Fields::from(vec![
                Field::new("key", arrow_type(&value["keyType"])?, false),
                Field::new(
                    "value",
                    arrow_type(&value["valueType"])?,
                    nullable("valueContainsNull"),
                ),
            ]);
            DataType::Map(
                Arc::new(Field::new("key_value", DataType::Struct(pair), false)),
                false,
            )
        }
        other => {
            return Err(Error::invalid(format!(
                "type {other:?} of Delta is not read here"
            )));
        }
    })
}

fn decimal(name: &str) -> Option<DataType> {
    let (precision, scale) = name
        .strip_prefix("decimal(")?
        .strip_suffix(')')?
        .split_once(',')?;
    Some(DataType::Decimal128(
        precision.trim().parse().ok()?,
        scale.trim().parse().ok()?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_comes_back() {
        let item = |data_type| Arc::new(Field::new("item", data_type, true));
        let types = [
            DataType::Boolean,
            DataType::Int16,
            DataType::UInt8,
            DataType::UInt32,
            DataType::UInt64,
            DataType::Float32,
            DataType::Utf8,
            DataType::LargeUtf8,
            DataType::FixedSizeBinary(16),
            DataType::Date32,
            DataType::Time64(TimeUnit::Microsecond),
            DataType::Interval(IntervalUnit::MonthDayNano),
            DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            DataType::Timestamp(TimeUnit::Microsecond, None),
            DataType::Timestamp(TimeUnit::Millisecond, None),
            DataType::Decimal128(38, 6),
            DataType::List(item(DataType::Float64)),
            DataType::List(item(DataType::Time64(TimeUnit::Microsecond))),
            DataType::FixedSizeList(item(DataType::Float32), 3),
            DataType::Struct(Fields::from(vec![Field::new("value", DataType::Utf8, true)])),
        ];
        let fields: Vec<Field> = types
            .iter()
            .enumerate()
            .map(|(i, t)| {
                Field::new(format!("c{i}"), t.clone(), i % 2 == 0)
                    .with_metadata([("comment".to_owned(), format!("column {i}"))].into())
            })
            .collect();
        let schema = Schema::new(fields);
        let text = delta_schema(&schema).unwrap();
        assert_eq!(arrow_schema(&text).unwrap().as_ref(), &schema);
        assert!(text.contains("\"comment\":\"column 3\""));
        assert!(needs_timestamp_ntz(&schema));
        // What is stored has no type that Delta lacks.
        let stored = physical_schema(&schema).unwrap();
        assert_eq!(delta_schema(&stored).unwrap().matches(TYPE_KEY).count(), 0);
    }

    #[test]
    fn nanoseconds_are_refused() {
        let field = Field::new("at", DataType::Timestamp(TimeUnit::Nanosecond, None), true);
        let error = delta_schema(&Schema::new(vec![field])).unwrap_err();
        assert!(error.to_string().contains("\"at\""), "{error}");
    }
}
