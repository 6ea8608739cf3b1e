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
        for path in column.frames.map_or(&[][..], |frames| frames.paths) {
            let (last, sequences) = path.split_last().unwrap();
            let vr = column.frames.unwrap().vr.as_str();
            assert_eq!(entry(*last).1.relaxed().to_string(), vr, "{}", column.name);
            assert!(!sequences.is_empty(), "{}", column.name);
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
            Vr::UL => &[Long, IntList],
            Vr::SQ => &[Code],
            _ => &[Text, TextList],
        };
        assert!(allowed.contains(&column.data_type), "{}", column.name);
        // Only these know how to keep an entry per item, or the values of frames.
        let arrays: &[ColumnType] = match column.items {
            Items::First => continue,
            Items::Each => &[TextList, IntList],
            Items::Frames => &[TextList, IntList, FloatList],
        };
        assert!(arrays.contains(&column.data_type), "{}", column.name);
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
        "Nominal thickness of the slice, mm; (0018,0050) DS, or of all frames (0028,9110) > (0018,0050) DS"
    );
    let comment = |name: &str| schema.field_with_name(name).unwrap().metadata()["comment"].clone();
    assert!(comment("modality").ends_with("; (0008,0060) CS"));
    assert!(comment("echo_times").ends_with("; of frames (0018,9114) > (0018,9082) FD"));
    assert!(comment("table_height").ends_with(
        "; (0018,1130) DS, or of all frames (0018,9304) > (0018,1130) or (0018,9732) > (0018,1130) DS"
    ));
}
