//! The demonstration cohort: three hospitals, four cancers, a few hundred series around an operation.

use std::io;
use std::path::Path;

use chrono::{Days, NaiveDate};
use dicom_dictionary_std::tags;

use super::dataset::{Value, code};
use super::encode::{Encoding, Syntax};
use super::people;
use super::series::{Ball, CORONAL, Modality, Pixels, SAGITTAL, SeriesBuilder};
use super::study::StudyBuilder;
use super::uid::Rng;

/// A hospital of the cohort: its name as a provider and folder, its scanners.
struct Site {
    name: &'static str,
    institution: &'static str,
    manufacturer: &'static str,
    ct: &'static str,
    mr: &'static str,
    kernels: [&'static str; 2],
}

static SITES: [Site; 3] = [
    Site {
        name: "rhine",
        institution: "Rhine University Hospital",
        manufacturer: "SIEMENS",
        ct: "SOMATOM Definition AS",
        mr: "MAGNETOM Skyra",
        kernels: ["B31f", "B60f"],
    },
    Site {
        name: "aegean",
        institution: "Aegean General Hospital",
        manufacturer: "GE MEDICAL SYSTEMS",
        ct: "Revolution CT",
        mr: "SIGNA Premier",
        kernels: ["STANDARD", "LUNG"],
    },
    Site {
        name: "pacific",
        institution: "Pacific Medical Center",
        manufacturer: "Philips",
        ct: "Brilliance 64",
        mr: "Ingenia",
        kernels: ["B", "L"],
    },
];

/// A study of the cohort and the hospital that brings it.
#[derive(Debug, Clone)]
pub struct DemoStudy {
    /// Provider and folder name.
    pub hospital: &'static str,
    /// The study.
    pub study: StudyBuilder,
}

/// What [`Cohort::write`] wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// Providers; each has a folder of that name.
    pub hospitals: Vec<&'static str>,
    /// Number of series.
    pub series: usize,
    /// Number of files, two per hospital of which are not readable as DICOM on purpose.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
}

/// All studies of the demonstration.
#[derive(Debug, Clone)]
pub struct Cohort {
    studies: Vec<DemoStudy>,
}

/// The cohort of `seed`: 84 patients, a few hundred series, about 4,000 instances; the same for the same seed.
pub fn demo_cohort(seed: u64) -> Cohort {
    let mut studies = Vec::new();
    for (index, site) in SITES.iter().enumerate() {
        for number in 0..28 {
            let id = format!("{}-{:04}", site.name[..2].to_uppercase(), number + 1);
            let mut rng = Rng::new(seed, &[site.name, &id]);
            let case = Case::new(&mut rng, seed, index, &id, number);
            studies.extend(case.studies(&mut rng).into_iter().map(|study| DemoStudy {
                hospital: site.name,
                study,
            }));
        }
    }
    Cohort { studies }
}

impl Cohort {
    /// The hospitals' names: providers, and folders below the one given to [`write`](Self::write).
    pub fn hospitals() -> Vec<&'static str> {
        SITES.iter().map(|site| site.name).collect()
    }

    /// The studies, hospital by hospital and patient by patient.
    pub fn studies(&self) -> &[DemoStudy] {
        &self.studies
    }

    /// Writes all files below `dir`, a folder per hospital. Files of an earlier call are overwritten.
    ///
    /// Each hospital's folder also has what real exports have: a log that is no DICOM, and a file cut short.
    ///
    /// # Errors
    /// The first folder or file that cannot be written.
    pub fn write(&self, dir: &Path) -> io::Result<Written> {
        let mut written = Written {
            hospitals: Self::hospitals(),
            ..Written::default()
        };
        for site in &SITES {
            let root = dir.join(site.name);
            std::fs::create_dir_all(&root)?;
            std::fs::write(root.join("export.log"), b"export finished, 0 errors\n")?;
            written.files += 1;
            written.bytes += 26;
            let mut cut = None;
            for DemoStudy { study, .. } in self.studies.iter().filter(|s| s.hospital == site.name) {
                written.series += study.series_count();
                for instance in study.instances() {
                    let path = root.join(&instance.path);
                    if let Some(folder) = path.parent() {
                        std::fs::create_dir_all(folder)?;
                    }
                    let bytes = instance.bytes(&encoding_of(site, &instance.dataset));
                    std::fs::write(&path, &bytes)?;
                    written.files += 1;
                    written.bytes += bytes.len() as u64;
                    cut.get_or_insert(bytes);
                }
            }
            if let Some(mut bytes) = cut {
                bytes.truncate(600);
                std::fs::write(root.join("incomplete.dcm"), &bytes)?;
                written.files += 1;
                written.bytes += bytes.len() as u64;
            }
        }
        Ok(written)
    }
}

/// Each hospital exports in its own transfer syntax. Images are RLE Lossless in any case, see `Instance::bytes`.
fn encoding_of(site: &Site, dataset: &super::Dataset) -> Encoding {
    let syntax = match (site.name, dataset.text(tags::MODALITY)) {
        ("aegean", _) => Syntax::ImplicitLittle,
        ("pacific", "SEG" | "MR") => Syntax::Deflated,
        _ => Syntax::ExplicitLittle,
    };
    Encoding {
        undefined_lengths: site.name == "pacific",
        ..Encoding::from(syntax)
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Cancer {
    Lung,
    Breast,
    Colorectal,
    Prostate,
}

/// One patient's course: a base study with everything that all studies share, and the day of the operation.
struct Case {
    key: String,
    site: &'static Site,
    base: StudyBuilder,
    cancer: Cancer,
    surgery: NaiveDate,
}

impl Case {
    fn new(rng: &mut Rng, seed: u64, index: usize, id: &str, number: usize) -> Self {
        let site = &SITES[index % SITES.len()];
        let cancer = match number {
            0..8 => Cancer::Lung,
            8..16 => Cancer::Breast,
            16..22 => Cancer::Colorectal,
            _ => Cancer::Prostate,
        };
        let sex = match cancer {
            Cancer::Breast => "F",
            Cancer::Prostate => "M",
            _ => rng.pick(&["F", "M"]),
        };
        let (patient, charset) = people::patient(rng, index, id, sex);
        let first = NaiveDate::from_ymd_opt(2018, 1, 8).unwrap_or_default();
        let surgery = first
            .checked_add_days(Days::new(rng.below(1500) as u64))
            .unwrap_or(first);
        let (icd10, diagnosis) = match cancer {
            Cancer::Lung => ("C34.1", "Malignant neoplasm of upper lobe, bronchus or lung"),
            Cancer::Breast => ("C50.4", "Malignant neoplasm of upper-outer quadrant of breast"),
            Cancer::Colorectal => ("C18.7", "Malignant neoplasm of sigmoid colon"),
            Cancer::Prostate => ("C61", "Malignant neoplasm of prostate"),
        };
        let key = format!("demo/{seed}/{}/{id}", site.name);
        let base = StudyBuilder::new(&key)
            .patient(patient)
            .charset(charset)
            .institution(site.institution)
            .set(tags::MANUFACTURER, site.manufacturer)
            .set(tags::ISSUER_OF_PATIENT_ID, site.name)
            .set(tags::ADMITTING_DIAGNOSES_DESCRIPTION, diagnosis)
            .set(
                tags::ADMITTING_DIAGNOSES_CODE_SEQUENCE,
                code(icd10, "I10", diagnosis),
            );
        Self {
            key,
            site,
            base,
            cancer,
            surgery,
        }
    }

    fn study(&self, name: &str, days: i64, description: &str) -> StudyBuilder {
        let date = self
            .surgery
            .checked_add_signed(chrono::TimeDelta::days(days))
            .unwrap_or(self.surgery);
        self.base
            .clone()
            .key(&format!("{}/{name}", self.key))
            .date(date)
            .description(description)
    }

    fn studies(&self, rng: &mut Rng) -> Vec<StudyBuilder> {
        let before = -rng.between(7, 45);
        let after = rng.between(60, 200);
        match self.cancer {
            Cancer::Lung => self.lung(rng, before, after),
            Cancer::Breast => self.breast(rng, before),
            Cancer::Colorectal => self.colorectal(rng, before, after),
            Cancer::Prostate => self.prostate(rng, before),
        }
    }

    fn ct(&self, rng: &mut Rng, slices: usize, description: &str, part: &str, kernel: &str) -> SeriesBuilder {
        let spacing = [1.0, 1.25, 2.0, 2.5, 5.0][rng.below(5)];
        let contrast = rng.chance(0.6);
        let mut series = SeriesBuilder::ct(slices)
            .description(description)
            .spacing(spacing)
            .matrix(512, 512, [0.648, 0.703125, 0.78125, 0.9765625][rng.below(4)])
            .origin([-180.0, -180.0, -600.0 + rng.below(80) as f64])
            .pixels(Pixels::Rle)
            .set(tags::MANUFACTURER_MODEL_NAME, self.site.ct)
            .set(tags::BODY_PART_EXAMINED, part)
            .set(tags::KVP, [100.0, 120.0, 120.0, 140.0][rng.below(4)])
            .set(tags::X_RAY_TUBE_CURRENT, rng.between(90, 420) as i32)
            .set(tags::CONVOLUTION_KERNEL, kernel)
            .set(
                tags::CTD_IVOL,
                Value::F64(vec![rng.between(300, 1400) as f64 / 100.0]),
            );
        if contrast {
            series = series
                .set(
                    tags::CONTRAST_BOLUS_AGENT,
                    rng.pick(&["Iohexol 350", "Iopromide 370", "Iomeprol 400"]),
                )
                .set(tags::CONTRAST_BOLUS_ROUTE, "IV")
                .set(tags::CONTRAST_BOLUS_VOLUME, 80.0 + 5.0 * rng.below(9) as f64);
        }
        // What real archives have: lost slices, uneven tables, slices sent twice, overlapping reconstruction.
        match rng.below(8) {
            0 => series.missing(&[slices / 2]),
            1 => series.jitter(0.4 * spacing),
            2 => series.duplicate(1),
            3 => series.thickness(2.0 * spacing),
            _ => series,
        }
    }

    fn mr(&self, description: &str, part: &str, slices: usize, te: f64, tr: f64) -> SeriesBuilder {
        SeriesBuilder::mr(slices)
            .description(description)
            .spacing(3.3)
            .thickness(3.0)
            .matrix(256, 256, 0.78125)
            .pixels(Pixels::Rle)
            .set(tags::MANUFACTURER_MODEL_NAME, self.site.mr)
            .set(tags::BODY_PART_EXAMINED, part)
            .set(tags::ECHO_TIME, te)
            .set(tags::REPETITION_TIME, tr)
            .set(
                tags::MAGNETIC_FIELD_STRENGTH,
                if self.site.name == "aegean" { 1.5 } else { 3.0 },
            )
    }

    /// A lesion that the stack holds whole. What it is like derives from the patient alone.
    fn with_lesion(&self, series: SeriesBuilder) -> SeriesBuilder {
        let mut rng = Rng::new(0, &["lesion", &self.key]);
        let depth = series.slices as f64 * series.spacing;
        let ball = Ball {
            at: [0.58 + 0.08 * rng.unit(), 0.42 + 0.1 * rng.unit()],
            radius_mm: (6.0 + 18.0 * rng.unit()).min(0.46 * depth),
            contrast: 20 + rng.below(60) as u16,
            scatter: 5 + rng.below(40) as u16,
            grain: 1 + rng.below(3) as u16,
        };
        series.lesion(ball)
    }

    fn lung(&self, rng: &mut Rng, before: i64, after: i64) -> Vec<StudyBuilder> {
        let soft = self
            .ct(rng, 14, "Thorax soft tissue", "CHEST", self.site.kernels[0])
            .localizers(1);
        let soft = self.with_lesion(soft);
        let sharp = self.ct(rng, 12, "Thorax lung", "CHEST", self.site.kernels[1]);
        let seg = SeriesBuilder::seg(14)
            .description("Lung lesion")
            .spacing(soft.spacing)
            .matrix(512, 512, 0.7);
        let mut staging = self
            .study("pre", before, "CT thorax, pre-operative")
            .series(soft)
            .series(sharp);
        staging = staging.series(seg.matrix(64, 64, 5.625));
        if rng.chance(0.5) {
            staging = staging.series(SeriesBuilder::rtstruct().description("Planning structures"));
        }
        let mut studies = vec![staging];
        if rng.chance(0.6) {
            let ac = self.ct(
                rng,
                10,
                "CT for attenuation correction",
                "WHOLEBODY",
                self.site.kernels[0],
            );
            let pet = SeriesBuilder::pt(16)
                .matrix(168, 168, 4.07283)
                .pixels(Pixels::Rle)
                .set(tags::MANUFACTURER_MODEL_NAME, "Biograph 64");
            studies.push(
                self.study("pet", before + 3, "FDG PET/CT whole body")
                    .series(ac)
                    .series(pet),
            );
        }
        let follow_up = self.ct(rng, 12, "Thorax follow-up", "CHEST", self.site.kernels[0]);
        studies.push(
            self.study("post", after, "CT thorax, follow-up")
                .series(follow_up),
        );
        studies
    }

    fn breast(&self, rng: &mut Rng, before: i64) -> Vec<StudyBuilder> {
        let views = SeriesBuilder::mg().matrix(832, 640, 0.28).pixels(Pixels::Rle);
        let mut studies = vec![
            self.study("mg", before - 10, "Digital mammography")
                .set(tags::MANUFACTURER_MODEL_NAME, "Mammomat Revelation")
                .series(views),
        ];
        if rng.chance(0.75) {
            let mut study = self
                .study("mr", before, "MR breast")
                .series(self.mr("t2_tirm_tra", "BREAST", 12, 60.0, 4000.0))
                .series(self.mr("t1_sag", "BREAST", 10, 4.8, 9.0).orientation(SAGITTAL));
            for phase in 0..3 {
                let mut dynamic = self
                    .mr(&format!("t1_fl3d_dyn_{phase}"), "BREAST", 12, 1.9, 4.6)
                    .set(tags::SCANNING_SEQUENCE, "GR")
                    .set(tags::MR_ACQUISITION_TYPE, "3D")
                    .set(tags::TEMPORAL_POSITION_IDENTIFIER, phase + 1);
                if phase > 0 {
                    dynamic = dynamic.set(tags::CONTRAST_BOLUS_AGENT, "Gadobutrol");
                }
                study = study.series(dynamic);
            }
            studies.push(study);
        }
        studies
    }

    fn colorectal(&self, rng: &mut Rng, before: i64, after: i64) -> Vec<StudyBuilder> {
        let venous = self
            .ct(rng, 16, "Abdomen portal venous", "ABDOMEN", self.site.kernels[0])
            .localizers(2);
        let coronal = self
            .ct(rng, 10, "Abdomen coronal", "ABDOMEN", self.site.kernels[0])
            .orientation(CORONAL)
            .set(tags::IMAGE_TYPE, "DERIVED\\SECONDARY\\REFORMATTED");
        let follow_up = self.ct(
            rng,
            14,
            "Abdomen follow-up",
            "ABDOMENPELVIS",
            self.site.kernels[0],
        );
        vec![
            self.study("pre", before, "CT abdomen and pelvis, staging")
                .series(venous)
                .series(coronal),
            self.study("post", after, "CT abdomen and pelvis, follow-up")
                .series(follow_up),
        ]
    }

    fn prostate(&self, rng: &mut Rng, before: i64) -> Vec<StudyBuilder> {
        // Axial planes tilted by 10 to 50 degrees towards the prostate: oblique from 37 on.
        let tilt = (10.0 + rng.below(41) as f64).to_radians();
        let oblique = [1.0, 0.0, 0.0, 0.0, tilt.cos(), -tilt.sin()];
        let mut study = self
            .study("mr", before, "Multiparametric MR prostate")
            .series(
                self.mr("t2_tse_tra", "PROSTATE", 14, 101.0, 4500.0)
                    .orientation(oblique),
            )
            .series(
                self.mr("t2_tse_sag", "PROSTATE", 12, 98.0, 3800.0)
                    .orientation(SAGITTAL),
            )
            .series(
                self.mr("t2_tse_cor", "PROSTATE", 12, 98.0, 3800.0)
                    .orientation(CORONAL),
            );
        for b in [50.0, 800.0, 1400.0] {
            study = study.series(
                self.mr(&format!("ep2d_diff_b{b}"), "PROSTATE", 12, 71.0, 5200.0)
                    .orientation(oblique)
                    .set(tags::SCANNING_SEQUENCE, "EP")
                    .set(tags::DIFFUSION_B_VALUE, Value::F64(vec![b])),
            );
        }
        vec![study]
    }
}

impl DemoStudy {
    /// Whether the study has a series of `modality`.
    pub fn has(&self, modality: Modality) -> bool {
        self.study.has(modality)
    }
}
