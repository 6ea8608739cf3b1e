use std::collections::HashSet;

use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry, VirtualVr};
use dicom_dictionary_std::StandardDataDictionary;

use super::*;

fn entry(tag: u32) -> (&'static str, VirtualVr) {
    let tag = dicom_core::Tag((tag >> 16) as u16, (tag & 0xFFFF) as u16);
    let entry = StandardDataDictionary
        .by_tag(tag)
        .unwrap_or_else(|| panic!("{tag} is not in PS3.6"));
    (entry.alias(), entry.vr())
}

#[test]
fn columns_are_those_of_the_dictionary() {
    for column in COLUMNS {
        let (last, sequences) = column.path.split_last().unwrap();
        let (alias, vr) = entry(*last);
        assert_eq!(alias, column.keyword, "{}", column.name);
        match vr {
            VirtualVr::Exact(vr) => assert_eq!(vr.to_string(), column.vr.as_str(), "{}", column.name),
            vr => assert!(vr == VirtualVr::Xs && column.vr == Vr::US, "{}", column.name),
        }
        for tag in sequences {
            assert_eq!(
                entry(*tag).1,
                VirtualVr::Exact(dicom_core::VR::SQ),
                "{}",
                column.name
            );
        }
    }
}

#[test]
fn names_are_the_keywords() {
    let mut names = HashSet::new();
    for column in COLUMNS {
        assert!(names.insert(column.name), "twice: {}", column.name);
        let keyword = column.keyword.to_lowercase();
        let plain = column.name.replace('_', "");
        if column.path.len() == 1 && column.data_type != ColumnType::Code {
            assert_eq!(plain, keyword, "{}", column.name);
        } else if column.data_type == ColumnType::Code && column.path.len() == 1 {
            let keyword = keyword.trim_end_matches("sequence");
            assert!(
                keyword == plain || keyword.trim_end_matches("code") == plain,
                "{}",
                column.name
            );
        }
        assert!(
            !column.meaning.is_empty() && (column.meaning.ends_with("...") || !column.meaning.ends_with('.')),
            "{}",
            column.name
        );
    }
}

#[test]
fn types_are_those_of_the_vr() {
    use ColumnType::*;
    for column in COLUMNS {
        let allowed: &[ColumnType] = match column.vr {
            Vr::DA => &[Date],
            Vr::TM => &[Time],
            Vr::DT => &[Timestamp],
            Vr::DS | Vr::FD | Vr::FL => &[Float, FloatList],
            Vr::IS | Vr::US | Vr::SL | Vr::SS => &[Int, IntList],
            Vr::UL => &[Long],
            Vr::SQ => &[Code],
            _ => &[Text, TextList],
        };
        assert!(allowed.contains(&column.data_type), "{}", column.name);
        // Only these two know how to keep an entry per item.
        assert!(
            column.items == Items::First || matches!(column.data_type, TextList | IntList),
            "{}",
            column.name
        );
    }
}

#[test]
fn schema_ends_with_the_dataset_and_every_field_has_a_comment() {
    let schema = instances_schema();
    assert_eq!(schema.fields().len(), COLUMNS.len() + BOOKKEEPING.len());
    assert_eq!(schema.field(schema.fields().len() - 1).name(), "dataset");
    for field in schema.fields() {
        assert!(field.metadata().contains_key("comment"), "{}", field.name());
    }
    let thickness = schema.field_with_name("slice_thickness").unwrap();
    assert_eq!(
        thickness.metadata()["comment"],
        "Nominal thickness of the slice, mm; (0018,0050) DS"
    );
}
