//! The list: CSV with a header, as PyRadiomics' batches have it (`Image`, `Mask`, `Label`), and who and what it is of.

use std::collections::{HashMap, HashSet};

/// A row: an image, perhaps a label volume of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) image: String,
    pub(super) mask: Option<String>,
    /// The value of the label volume that is meant; without, each value above 0 is a segment.
    pub(super) label: Option<i64>,
    pub(super) label_name: Option<String>,
    pub(super) patient_id: String,
    pub(super) issuer: Option<String>,
    pub(super) sex: Option<String>,
    pub(super) study_uid: Option<String>,
    pub(super) study_id: Option<String>,
    /// YYYYMMDD.
    pub(super) study_date: Option<String>,
    pub(super) study_description: Option<String>,
    pub(super) series_description: Option<String>,
    pub(super) modality: Option<String>,
    pub(super) body_part: Option<String>,
    pub(super) units: Option<String>,
}

impl Pair {
    /// Whether two rows say the same of an image.
    pub(super) fn is_of_the_same_image(&self, other: &Self) -> bool {
        let bare = |pair: &Self| Self {
            mask: None,
            label: None,
            label_name: None,
            ..pair.clone()
        };
        bare(self) == bare(other)
    }

    /// The name of the label volume's instance among the list's members.
    pub(super) fn mask_member(&self, mask: &str) -> String {
        let label = self.label.map(|label| format!("#{label}")).unwrap_or_default();
        format!("{}/{mask}{label}", self.image)
    }
}

/// Names of columns in lower case, without `_`, `-` and blanks, and the field that they are; the first is the one to write.
const COLUMNS: &[(&str, &[&str])] = &[
    ("image", &["image", "imagepath", "imagefile"]),
    ("mask", &["mask", "maskpath", "maskfile", "segmentation"]),
    ("label", &["label", "labelvalue"]),
    ("label_name", &["labelname", "roi", "roiname"]),
    (
        "patient_id",
        &[
            "patientid",
            "patient",
            "id",
            "subject",
            "subjectid",
            "participantid",
        ],
    ),
    ("issuer_of_patient_id", &["issuerofpatientid", "issuer"]),
    ("patient_sex", &["patientsex", "sex"]),
    ("study_instance_uid", &["studyinstanceuid", "studyuid"]),
    ("study_id", &["studyid", "session", "sessionid"]),
    ("study_date", &["studydate", "date"]),
    ("study_description", &["studydescription"]),
    ("series_description", &["seriesdescription"]),
    ("modality", &["modality"]),
    ("body_part_examined", &["bodypartexamined", "bodypart"]),
    ("units", &["units", "rescaletype"]),
];

/// Reads a list.
///
/// # Errors
/// What is wrong with it, and in which line; values are not repeated.
pub(super) fn parse(text: &[u8]) -> Result<Vec<Pair>, String> {
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
    let head = text.split(|b| *b == b'\n').next().unwrap_or_default();
    let delimiter = [b',', b'\t', b';']
        .into_iter()
        .max_by_key(|delimiter| head.iter().filter(|b| *b == delimiter).count())
        .unwrap_or(b',');
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .trim(csv::Trim::All)
        .from_reader(text);
    let header = reader.headers().map_err(|error| told(&error))?.clone();
    let mut columns: HashMap<&str, usize> = HashMap::new();
    for (at, name) in header.iter().enumerate() {
        let bare: String = name
            .chars()
            .filter(|c| !matches!(c, '_' | '-' | ' '))
            .collect::<String>()
            .to_lowercase();
        if let Some((field, _)) = COLUMNS.iter().find(|(_, names)| names.contains(&bare.as_str()))
            && columns.insert(field, at).is_some()
        {
            return Err(format!("two columns of the list are {field}"));
        }
    }
    for needed in ["image", "patient_id"] {
        if !columns.contains_key(needed) {
            let known: Vec<&str> = COLUMNS.iter().map(|(field, _)| *field).collect();
            return Err(format!(
                "the list has no column {needed}; its first line names columns, of which are read: {}",
                known.join(", ")
            ));
        }
    }
    let mut pairs = Vec::new();
    let mut seen = HashSet::new();
    for record in reader.records() {
        let record = record.map_err(|error| told(&error))?;
        let line = record.position().map_or(0, csv::Position::line);
        if record.iter().all(str::is_empty) {
            continue;
        }
        let pair = pair(&record, &columns).map_err(|reason| format!("line {line} of the list: {reason}"))?;
        let mask = pair.mask.as_ref().map(|mask| pair.mask_member(mask));
        if !seen.insert((pair.image.clone(), mask)) {
            return Err(format!(
                "line {line} of the list: the same image, mask and label stand above"
            ));
        }
        pairs.push(pair);
    }
    Ok(pairs)
}

fn pair(record: &csv::StringRecord, columns: &HashMap<&str, usize>) -> Result<Pair, String> {
    let get = |field: &str| -> Option<String> {
        let text = record.get(*columns.get(field)?)?;
        (!text.is_empty()).then(|| text.to_owned())
    };
    let label = match get("label") {
        None => None,
        Some(text) => Some(
            text.parse()
                .ok()
                .filter(|label| (1..=i64::from(u16::MAX)).contains(label))
                .ok_or("label is no number from 1 to 65535")?,
        ),
    };
    let pair = Pair {
        image: get("image").ok_or("image is empty")?,
        mask: get("mask"),
        label,
        label_name: get("label_name"),
        patient_id: get("patient_id").ok_or("patient_id is empty")?,
        issuer: get("issuer_of_patient_id"),
        sex: get("patient_sex").map(|sex| sex.to_uppercase()),
        study_uid: get("study_instance_uid"),
        study_id: get("study_id"),
        study_date: get("study_date").map(|date| day(&date)).transpose()?,
        study_description: get("study_description"),
        series_description: get("series_description"),
        modality: get("modality").map(|modality| modality.to_uppercase()),
        body_part: get("body_part_examined").map(|part| part.to_uppercase()),
        units: get("units"),
    };
    // What DICOM's value representations hold (PS3.5 6.2): a value that is cut is another value.
    for (field, value, most) in [
        ("patient_id", Some(&pair.patient_id), 64),
        ("issuer_of_patient_id", pair.issuer.as_ref(), 64),
        ("study_id", pair.study_id.as_ref(), 16),
        ("study_description", pair.study_description.as_ref(), 64),
        ("series_description", pair.series_description.as_ref(), 64),
        ("label_name", pair.label_name.as_ref(), 64),
        ("modality", pair.modality.as_ref(), 16),
        ("body_part_examined", pair.body_part.as_ref(), 16),
        ("units", pair.units.as_ref(), 16),
        ("study_instance_uid", pair.study_uid.as_ref(), 64),
    ] {
        let Some(value) = value else { continue };
        if value.chars().count() > most {
            return Err(format!("{field} is longer than {most} characters"));
        }
        if value.contains('\\') || value.chars().any(char::is_control) {
            return Err(format!("{field} holds a backslash or a control character"));
        }
    }
    let code = |value: &String| {
        value
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_' || b == b' ')
    };
    if ![&pair.modality, &pair.body_part].into_iter().flatten().all(code) {
        return Err("modality and body_part_examined are capital letters, digits, blanks and _".to_owned());
    }
    if pair
        .sex
        .as_ref()
        .is_some_and(|sex| !["F", "M", "O"].contains(&sex.as_str()))
    {
        return Err("patient_sex is F, M or O".to_owned());
    }
    let uid = |uid: &String| uid.bytes().all(|b| b.is_ascii_digit() || b == b'.') && !uid.starts_with('.');
    if !pair.study_uid.iter().all(uid) {
        return Err("study_instance_uid is no UID: digits and dots".to_owned());
    }
    Ok(pair)
}

/// A day as DICOM writes it.
fn day(text: &str) -> Result<String, &'static str> {
    let digits: String = text.chars().filter(|c| *c != '-').collect();
    chrono::NaiveDate::parse_from_str(&digits, "%Y%m%d")
        .ok()
        .filter(|_| digits.len() == 8 && (text.len() == 8 || text.len() == 10))
        .map(|_| digits)
        .ok_or("study_date is no day as 2024-12-31")
}

/// What the reader says, without the values that it repeats.
fn told(error: &csv::Error) -> String {
    let line = error.position().map_or(0, csv::Position::line);
    match error.kind() {
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => {
            format!("line {line} of the list has {len} fields where the first has {expected_len}")
        }
        csv::ErrorKind::Utf8 { .. } => format!("line {line} of the list is no UTF-8"),
        _ => format!("line {line} of the list cannot be read as CSV"),
    }
}
