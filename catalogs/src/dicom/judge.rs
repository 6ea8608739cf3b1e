//! The reader judged against peers on files of others: run by hand with a folder in `RADLAKE_DICOM_DIR`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use dicom_core::Tag;
use dicom_object::{InMemDicomObject, OpenFileOptions};
use serde_json::Value;

use super::*;

pub(super) fn folder() -> Option<PathBuf> {
    std::env::var_os("RADLAKE_DICOM_DIR").map(PathBuf::from)
}

pub(super) fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path)
            } else {
                files.push(path)
            }
        }
    }
    files.sort();
    files
}

/// Prints what becomes of each file, and writes rows as JSON lines to `RADLAKE_DICOM_ROWS` if that is set.
#[test]
#[ignore = "wants a folder in RADLAKE_DICOM_DIR"]
fn outcomes() {
    let Some(dir) = folder() else { return };
    let mut scratch = Scratch::default();
    let mut rows = InstanceRows::new(64);
    for path in files(&dir) {
        let name = path.strip_prefix(&dir).unwrap().display().to_string();
        let mut source = FileSource::open(&path).unwrap();
        let size = source.size().unwrap();
        match read_header(&mut source, &Limits::default(), &mut scratch) {
            Ok(header) => {
                let origin = Origin {
                    provider: "p",
                    source_uri: &name,
                    file_size: size,
                    header_hash: header.hash(size),
                };
                let appended = rows.append(&header, &origin);
                println!("ok {name} {} warnings", appended.warnings);
            }
            Err(refusal) => println!("{} {name}: {}", refusal.code(), refusal.reason()),
        }
    }
    let batch = rows.finish().unwrap();
    if let Some(path) = std::env::var_os("RADLAKE_DICOM_ROWS") {
        let mut writer = arrow::json::LineDelimitedWriter::new(fs::File::create(path).unwrap());
        writer.write(&batch).unwrap();
        writer.finish().unwrap();
    }
}

/// What differs between our JSON of a data set and dicom-rs' reading of it.
fn differences(ours: &Value, theirs: &InMemDicomObject, path: &str, out: &mut Vec<String>) {
    let wanted = |tag: Tag| tag.element() != 0 && tag.group() != 2 && tag != Tag(0xFFFC, 0xFFFC);
    let mut count = 0;
    for element in theirs.iter().filter(|e| wanted(e.header().tag)) {
        count += 1;
        let header = element.header();
        let tag = format!("{:04X}{:04X}", header.tag.group(), header.tag.element());
        let Some(ours) = ours.get(&tag) else {
            out.push(format!("{path}{tag} is missing"));
            continue;
        };
        let none = Vec::new();
        let values = ours.get("Value").and_then(Value::as_array).unwrap_or(&none);
        if let Some(items) = element.items() {
            if items.len() != values.len() {
                out.push(format!(
                    "{path}{tag} has {} items, not {}",
                    values.len(),
                    items.len()
                ));
            }
            for (item, value) in items.iter().zip(values) {
                differences(value, item, &format!("{path}{tag}."), out);
            }
            continue;
        }
        let vr = ours["vr"].as_str().unwrap();
        if header.vr == dicom_core::VR::UN {
            continue; // It leaves what the dictionary knows as bytes.
        }
        if vr != header.vr.to_string() {
            out.push(format!("{path}{tag} is {vr}, not {}", header.vr));
        }
        if matches!(vr, "OB" | "OW" | "UN" | "OF" | "OD" | "OL" | "OV" | "AT") {
            continue;
        }
        let Ok(texts) = element.to_multi_str() else {
            continue;
        };
        let blank = [' ', '\0'];
        let texts: Vec<&str> = texts.iter().map(|t| t.trim_matches(blank)).collect();
        let texts: &[&str] = if texts.iter().all(|t| t.is_empty()) {
            &[]
        } else {
            &texts
        };
        let same = |(a, b): (&Value, &&str)| match a {
            Value::Null => b.is_empty(),
            Value::Number(n) => b.parse::<f64>().is_ok_and(|b| {
                // serde_json reads to within one unit in the last place; dicom-rs writes an FL as a single.
                n.as_f64()
                    .is_some_and(|n| (n - b).abs() <= 1e-15 * b.abs() || (vr == "FL" && n as f32 == b as f32))
            }),
            Value::String(s) => s.trim_matches(blank) == *b,
            name => {
                let part = |group: &str| name.get(group).and_then(Value::as_str).unwrap_or("").to_owned();
                let name = [part("Alphabetic"), part("Ideographic"), part("Phonetic")].join("=");
                name.trim_end_matches('=') == b.trim_end_matches('=')
            }
        };
        // It knows the first character set only.
        let known = texts.iter().all(|t| t.is_ascii()) && !texts.concat().contains('\x1B');
        if known && (texts.len() != values.len() || !values.iter().zip(texts).all(same)) {
            out.push(format!("{path}{tag} {vr} differs: {values:?}, not {texts:?}"));
        }
    }
    let have = ours.as_object().map_or(0, serde_json::Map::len);
    if have != count {
        out.push(format!("{path} has {have} elements, not {count}"));
    }
}

/// `None` if one of the two refuses the file.
fn judge(bytes: &[u8]) -> Option<Vec<String>> {
    let theirs = OpenFileOptions::new()
        .read_until(dicom_dictionary_std::tags::PIXEL_DATA)
        .from_reader(bytes)
        .ok()?;
    let mut scratch = Scratch::default();
    read_header(&mut BytesSource::new(bytes), &Limits::default(), &mut scratch).ok()?;
    let mut out = Vec::new();
    differences(&testing::dataset(bytes), &theirs, "", &mut out);
    Some(out)
}

#[test]
fn synthetic_files_read_as_dicom_rs_reads_them() {
    use synthetic::{Encoding, Patient, SeriesBuilder, StudyBuilder, Syntax};
    let study = StudyBuilder::new("judge")
        .patient(Patient::new("P-1", "Doe^Jane"))
        .series(SeriesBuilder::ct(2))
        .series(SeriesBuilder::mr(1))
        .series(SeriesBuilder::pt(1))
        .series(SeriesBuilder::mg())
        .series(SeriesBuilder::seg(2));
    let mut judged = 0;
    for instance in study.instances() {
        for syntax in [
            Syntax::ImplicitLittle,
            Syntax::ExplicitLittle,
            Syntax::ExplicitBig,
            Syntax::Deflated,
        ] {
            for undefined_lengths in [false, true] {
                let encoding = Encoding {
                    undefined_lengths,
                    ..syntax.into()
                };
                let differences = judge(&instance.bytes(&encoding)).unwrap();
                assert!(
                    differences.is_empty(),
                    "{} {syntax:?}: {differences:?}",
                    instance.path
                );
                judged += 1;
            }
        }
    }
    assert!(judged >= 48, "{judged}");
}

#[test]
#[ignore = "wants a folder in RADLAKE_DICOM_DIR"]
fn files_read_as_dicom_rs_reads_them() {
    let Some(dir) = folder() else { return };
    let (mut same, mut other) = (0, 0);
    for path in files(&dir) {
        match judge(&fs::read(&path).unwrap()) {
            None => {}
            Some(differences) if differences.is_empty() => same += 1,
            Some(differences) => {
                other += 1;
                println!("{}: {differences:?}", path.strip_prefix(&dir).unwrap().display());
            }
        }
    }
    println!("{same} the same, {other} not");
}
