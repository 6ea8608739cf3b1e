//! A synthetic study: who, when, where, and its series.

use chrono::NaiveDate;
use dicom_core::Tag;
use dicom_dictionary_std::tags;

use super::charset::CharacterSet;
use super::dataset::{Dataset, PIXEL_DATA, Value};
use super::encode::{Encoding, Syntax, encode};
use super::modality;
use super::phantom::Phantom;
use super::series::{Modality, Pixels, SAGITTAL, SeriesBuilder};
use super::uid::uid;

/// Who was examined. All of it invented.
#[derive(Debug, Clone)]
pub struct Patient {
    /// Patient ID.
    pub id: String,
    /// Patient's Name, Unicode, components divided by `^`, groups by `=`.
    pub name: String,
    /// Patient's Birth Date; its distance to the study's date gives Patient's Age.
    pub birth_date: Option<NaiveDate>,
    /// Patient's Sex: F, M or O.
    pub sex: String,
    /// Patient's Size, m.
    pub size_m: Option<f64>,
    /// Patient's Weight, kg.
    pub weight_kg: Option<f64>,
}

impl Patient {
    /// Somebody of whom only ID and name are known.
    pub fn new(id: &str, name: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            birth_date: None,
            sex: "O".to_owned(),
            size_m: None,
            weight_kg: None,
        }
    }
}

/// One DICOM instance, not yet encoded.
#[derive(Debug, Clone)]
pub struct Instance {
    /// A relative path: `<patient>/<study>/<series number>/<instance number>.dcm`, where the study is its date.
    pub path: String,
    /// SOP Instance UID.
    pub sop_instance_uid: String,
    /// Series Instance UID.
    pub series_instance_uid: String,
    /// All elements.
    pub dataset: Dataset,
    pixels: Pixels,
}

impl Instance {
    /// The bytes of the file. Images whose pixels are RLE are written as such, whatever `encoding` says.
    pub fn bytes(&self, encoding: &Encoding) -> Vec<u8> {
        let mut encoding = *encoding;
        if self.pixels == Pixels::Rle && matches!(self.dataset.get(PIXEL_DATA), Some(Value::Fragments(_))) {
            encoding.syntax = Syntax::Rle;
        }
        encode(&self.dataset, &encoding)
    }
}

/// Describes a study; [`instances`](Self::instances) makes its files. Everything derives from `key` and what is set.
#[derive(Debug, Clone)]
pub struct StudyBuilder {
    key: String,
    pub(crate) patient: Patient,
    pub(crate) charset: CharacterSet,
    pub(crate) date: NaiveDate,
    pub(crate) description: String,
    pub(crate) institution: String,
    attributes: Dataset,
    series: Vec<SeriesBuilder>,
}

impl StudyBuilder {
    /// A study of 2021-03-15 of a patient named after `key`, without series.
    pub fn new(key: &str) -> Self {
        Self {
            key: key.to_owned(),
            patient: Patient::new(key, "Doe^Jane"),
            charset: CharacterSet::Ascii,
            date: NaiveDate::from_ymd_opt(2021, 3, 15).unwrap_or_default(),
            description: "Synthetic study".to_owned(),
            institution: "Synthetic Hospital".to_owned(),
            attributes: Dataset::new(),
            series: Vec::new(),
        }
    }

    /// Another key: other UIDs for an otherwise equal study.
    #[must_use]
    pub fn key(mut self, key: &str) -> Self {
        self.key = key.to_owned();
        self
    }

    /// Who was examined.
    #[must_use]
    pub fn patient(mut self, patient: Patient) -> Self {
        self.patient = patient;
        self
    }

    /// Specific Character Set of all instances.
    #[must_use]
    pub fn charset(mut self, charset: CharacterSet) -> Self {
        self.charset = charset;
        self
    }

    /// Study Date, also of series and acquisitions.
    #[must_use]
    pub fn date(mut self, date: NaiveDate) -> Self {
        self.date = date;
        self
    }

    /// Study Description.
    #[must_use]
    pub fn description(mut self, text: &str) -> Self {
        self.description = text.to_owned();
        self
    }

    /// Institution Name.
    #[must_use]
    pub fn institution(mut self, text: &str) -> Self {
        self.institution = text.to_owned();
        self
    }

    /// An attribute of every instance; replaces what the builder would write, except where a series sets its own.
    #[must_use]
    pub fn set(mut self, tag: Tag, value: impl Into<Value>) -> Self {
        self.attributes.put(tag, value);
        self
    }

    /// Adds a series; they are numbered from 1.
    #[must_use]
    pub fn series(mut self, series: SeriesBuilder) -> Self {
        self.series.push(series);
        self
    }

    /// Number of series.
    pub fn series_count(&self) -> usize {
        self.series.len()
    }

    /// Study Instance UID.
    pub fn study_instance_uid(&self) -> String {
        uid(&[&self.key, "study"])
    }

    /// Series Instance UID of the `n`-th series, from 1.
    pub fn series_instance_uid(&self, n: usize) -> String {
        uid(&[&self.key, "series", &n.to_string()])
    }

    /// All instances, series by series. SEG and RTSTRUCT refer to the first image series of the study.
    pub fn instances(&self) -> impl Iterator<Item = Instance> + '_ {
        (1..)
            .zip(&self.series)
            .flat_map(|(number, series)| self.series_instances(number, series))
    }

    fn series_instances(&self, number: usize, series: &SeriesBuilder) -> Vec<Instance> {
        let mut common = Dataset::new();
        self.study_level(&mut common);
        self.series_level(&mut common, number, series);
        let positions = match series.modality {
            // One file whatever the number of slices: the frames carry the positions.
            Modality::Seg | Modality::RtStruct => vec![(0, series.origin)],
            _ => series.positions(&format!("{}/{number}", self.key)),
        };
        let scouts = (0..series.localizers).map(|i| (None, i, [0.0, -250.0 + i as f64, 0.0]));
        let images = positions
            .into_iter()
            .map(|(slice, position)| (Some(slice), slice, position));
        scouts
            .chain(images)
            .enumerate()
            .map(|(i, (slice, index, position))| {
                let mut dataset = common.clone();
                let orientation = if slice.is_some() {
                    series.orientation
                } else {
                    SAGITTAL
                };
                self.instance_level(&mut dataset, number, i + 1, series, index, position, orientation);
                if slice.is_none() {
                    dataset.put(tags::IMAGE_TYPE, "ORIGINAL\\PRIMARY\\LOCALIZER");
                }
                self.finish(dataset, number, i + 1, series)
            })
            .collect()
    }

    fn finish(&self, mut dataset: Dataset, number: usize, i: usize, series: &SeriesBuilder) -> Instance {
        for overrides in [&self.attributes, &series.attributes] {
            for (tag, vr, value) in overrides.iter() {
                dataset.put_vr(tag, vr, value.clone());
            }
        }
        Instance {
            path: format!(
                "{}/{}/{number:03}/{i:05}.dcm",
                file_name(&self.patient.id),
                self.date.format("%Y%m%d")
            ),
            sop_instance_uid: dataset.text(tags::SOP_INSTANCE_UID).to_owned(),
            series_instance_uid: dataset.text(tags::SERIES_INSTANCE_UID).to_owned(),
            dataset,
            pixels: series.pixels,
        }
    }

    fn study_level(&self, d: &mut Dataset) {
        let date = self.date.format("%Y%m%d").to_string();
        if let Some(term) = self.charset.term() {
            d.put(tags::SPECIFIC_CHARACTER_SET, term);
        }
        d.put(tags::PATIENT_ID, &self.patient.id)
            .put(tags::PATIENT_NAME, &self.patient.name)
            .put(tags::PATIENT_SEX, &self.patient.sex)
            .put(tags::STUDY_INSTANCE_UID, self.study_instance_uid())
            .put(tags::STUDY_DATE, &date)
            .put(tags::STUDY_TIME, "101500")
            .put(tags::STUDY_ID, &date[2..])
            .put(
                tags::ACCESSION_NUMBER,
                format!("A{:.9}", &uid(&[&self.key, "accession"])[5..]),
            )
            .put(tags::STUDY_DESCRIPTION, &self.description)
            .put(tags::REFERRING_PHYSICIAN_NAME, "Roe^Richard")
            .put(tags::INSTITUTION_NAME, &self.institution);
        match self.patient.birth_date {
            Some(birth) => {
                d.put(tags::PATIENT_BIRTH_DATE, birth.format("%Y%m%d").to_string());
                if let Some(years) = self.date.years_since(birth) {
                    d.put(tags::PATIENT_AGE, format!("{years:03}Y"));
                }
            }
            None => {
                d.put(tags::PATIENT_BIRTH_DATE, "");
            }
        }
        if let Some(size) = self.patient.size_m {
            d.put(tags::PATIENT_SIZE, size);
        }
        if let Some(weight) = self.patient.weight_kg {
            d.put(tags::PATIENT_WEIGHT, weight);
        }
    }

    fn series_level(&self, d: &mut Dataset, number: usize, series: &SeriesBuilder) {
        let date = self.date.format("%Y%m%d").to_string();
        d.put(tags::SOP_CLASS_UID, series.modality.sop_class())
            .put(tags::MODALITY, series.modality.term())
            .put(tags::SERIES_INSTANCE_UID, self.series_instance_uid(number))
            .put(tags::SERIES_NUMBER, number as i32)
            .put(tags::SERIES_DESCRIPTION, &series.description)
            .put(tags::SERIES_DATE, &date)
            .put(tags::SERIES_TIME, format!("10{:02}00", (15 + 3 * number) % 60))
            .put(tags::ACQUISITION_DATE, &date)
            .put(tags::CONTENT_DATE, &date)
            .put(tags::INSTANCE_CREATION_DATE, &date)
            .put(tags::MANUFACTURER, "Radlake Synthetic")
            .put(tags::MANUFACTURER_MODEL_NAME, "Phantom One")
            .put(tags::DEVICE_SERIAL_NUMBER, "0001")
            .put(tags::SOFTWARE_VERSIONS, "1.0")
            .put(tags::STATION_NAME, "STATION1");
        modality::series(d, series);
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one call site; a struct of these would say no more"
    )]
    fn instance_level(
        &self,
        d: &mut Dataset,
        number: usize,
        i: usize,
        series: &SeriesBuilder,
        slice: usize,
        position: [f64; 3],
        orientation: [f64; 6],
    ) {
        let time = format!(
            "{:02}{:02}{:02}.{:06}",
            10 + i / 3600 % 12,
            i / 60 % 60,
            i % 60,
            1000 * (i % 1000)
        );
        d.put(
            tags::SOP_INSTANCE_UID,
            uid(&[&self.key, "instance", &number.to_string(), &i.to_string()]),
        )
        .put(tags::INSTANCE_NUMBER, i as i32)
        .put(tags::ACQUISITION_NUMBER, 1)
        .put(tags::ACQUISITION_TIME, &time)
        .put(tags::CONTENT_TIME, &time);
        match series.modality {
            Modality::Ct | Modality::Mr | Modality::Pt => {
                let along: f64 = series.normal().iter().zip(position).map(|(n, p)| n * p).sum();
                d.put(
                    tags::FRAME_OF_REFERENCE_UID,
                    uid(&[&self.key, "frame of reference"]),
                )
                .put(tags::POSITION_REFERENCE_INDICATOR, "")
                .put(tags::IMAGE_POSITION_PATIENT, &position[..])
                .put(tags::IMAGE_ORIENTATION_PATIENT, &orientation[..])
                .put(tags::SLICE_LOCATION, along)
                .put(tags::SLICE_THICKNESS, series.thickness);
                if series.modality == Modality::Mr {
                    d.put(tags::SPACING_BETWEEN_SLICES, series.spacing);
                }
                d.put(tags::PIXEL_SPACING, &[series.pixel_spacing; 2][..]);
            }
            Modality::Mg => modality::mammography_view(d, slice, &self.date),
            Modality::Seg => modality::segmentation(d, series, &self.references()),
            Modality::RtStruct => modality::structure_set(d, series, &self.references()),
        }
        if matches!(series.modality, Modality::Seg | Modality::RtStruct) {
            d.put(
                tags::FRAME_OF_REFERENCE_UID,
                uid(&[&self.key, "frame of reference"]),
            );
        } else {
            pixels(d, series, &series.phantom(slice, position));
        }
    }

    /// What SEG and RTSTRUCT refer to.
    fn references(&self) -> modality::References {
        let first = self
            .series
            .iter()
            .position(|s| !matches!(s.modality, Modality::Seg | Modality::RtStruct));
        let number = first.map_or(1, |i| i + 1);
        let source = first.and_then(|i| self.series.get(i));
        modality::References {
            study: self.study_instance_uid(),
            series: self.series_instance_uid(number),
            sop_class: source.map_or(Modality::Ct, |s| s.modality).sop_class(),
            // Localizers come first and are not referred to.
            instances: (1..=source.map_or(0, |s| s.positions(&format!("{}/{number}", self.key)).len()))
                .map(|i| {
                    let i = i + source.map_or(0, |s| s.localizers);
                    uid(&[&self.key, "instance", &number.to_string(), &i.to_string()])
                })
                .collect(),
            frame_of_reference: uid(&[&self.key, "frame of reference"]),
            images: source.map(|s| (s.clone(), s.positions(&format!("{}/{number}", self.key)))),
        }
    }

    /// Whether there is a series of `modality`.
    pub fn has(&self, modality: Modality) -> bool {
        self.series.iter().any(|series| series.modality == modality)
    }
}

fn pixels(d: &mut Dataset, series: &SeriesBuilder, phantom: &Phantom) {
    d.put(tags::SAMPLES_PER_PIXEL, 1u16)
        .put(tags::PHOTOMETRIC_INTERPRETATION, "MONOCHROME2")
        .put(tags::ROWS, series.rows)
        .put(tags::COLUMNS, series.columns)
        .put(tags::BITS_ALLOCATED, 16u16)
        .put(tags::BITS_STORED, 12u16)
        .put(tags::HIGH_BIT, 11u16)
        .put(tags::PIXEL_REPRESENTATION, 0u16);
    match series.pixels {
        Pixels::None => {}
        Pixels::Native => {
            d.put(PIXEL_DATA, Value::U16(phantom.native()));
        }
        Pixels::Rle => {
            d.put(PIXEL_DATA, Value::Fragments(vec![phantom.rle()]));
        }
    }
}

/// A patient ID as a folder: anything unusual becomes `_`.
fn file_name(id: &str) -> String {
    id.chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '-' {
                c
            } else {
                '_'
            }
        })
        .collect()
}
