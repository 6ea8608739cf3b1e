//! The modules of PS3.3 that one modality adds: CT, MR, PET, mammography. SEG and RTSTRUCT are in `derived`.

use chrono::NaiveDate;
use dicom_dictionary_std::tags;

use super::dataset::{Dataset, Value, code};
use super::series::{Modality, SeriesBuilder};

pub(crate) use super::derived::{References, segmentation, structure_set};

/// Stored values of air, body and lesion.
pub(crate) fn stored_values(modality: Modality) -> (u16, u16, u16) {
    match modality {
        Modality::Ct => (24, 1064, 1104),
        Modality::Mr => (8, 420, 760),
        Modality::Pt => (2, 300, 2900),
        _ => (0, 1800, 2600),
    }
}

/// What all instances of a series share.
pub(crate) fn series(d: &mut Dataset, series: &SeriesBuilder) {
    match series.modality {
        Modality::Ct => ct(d),
        Modality::Mr => mr(d),
        Modality::Pt => pt(d, series),
        Modality::Mg => mg(d, series),
        Modality::Seg | Modality::RtStruct => {}
    }
}

fn ct(d: &mut Dataset) {
    d.put(tags::IMAGE_TYPE, "ORIGINAL\\PRIMARY\\AXIAL")
        .put(tags::BODY_PART_EXAMINED, "CHEST")
        .put(tags::PATIENT_POSITION, "HFS")
        .put(tags::SCAN_OPTIONS, "HELIX")
        .put(tags::KVP, 120.0)
        .put(tags::DATA_COLLECTION_DIAMETER, 500.0)
        .put(tags::RECONSTRUCTION_DIAMETER, 360.0)
        .put(tags::PROTOCOL_NAME, "Synthetic CT")
        .put(tags::DISTANCE_SOURCE_TO_DETECTOR, 1040.0)
        .put(tags::DISTANCE_SOURCE_TO_PATIENT, 570.0)
        .put(tags::GANTRY_DETECTOR_TILT, 0.0)
        .put(tags::TABLE_HEIGHT, 152.0)
        .put(tags::ROTATION_DIRECTION, "CW")
        .put(tags::EXPOSURE_TIME, 500)
        .put(tags::X_RAY_TUBE_CURRENT, 220)
        .put(tags::EXPOSURE, 110)
        .put(tags::FILTER_TYPE, "BODY")
        .put(tags::GENERATOR_POWER, 26)
        .put(tags::FOCAL_SPOTS, 1.2)
        .put(tags::CONVOLUTION_KERNEL, "B31f")
        .put(tags::SINGLE_COLLIMATION_WIDTH, Value::F64(vec![0.6]))
        .put(tags::TOTAL_COLLIMATION_WIDTH, Value::F64(vec![38.4]))
        .put(tags::SPIRAL_PITCH_FACTOR, Value::F64(vec![0.9]))
        .put(tags::CTD_IVOL, Value::F64(vec![7.43]))
        .put(tags::RESCALE_INTERCEPT, -1024.0)
        .put(tags::RESCALE_SLOPE, 1.0)
        .put(tags::RESCALE_TYPE, "HU")
        .put(tags::WINDOW_CENTER, "40\\-600")
        .put(tags::WINDOW_WIDTH, "400\\1500");
}

fn mr(d: &mut Dataset) {
    d.put(tags::IMAGE_TYPE, "ORIGINAL\\PRIMARY\\M\\ND")
        .put(tags::BODY_PART_EXAMINED, "PROSTATE")
        .put(tags::PATIENT_POSITION, "HFS")
        .put(tags::SCANNING_SEQUENCE, "SE")
        .put(tags::SEQUENCE_VARIANT, "SK\\SP")
        .put(tags::SCAN_OPTIONS, "PFP")
        .put(tags::MR_ACQUISITION_TYPE, "2D")
        .put(tags::SEQUENCE_NAME, "*tse2d1_25")
        .put(tags::REPETITION_TIME, 4500.0)
        .put(tags::ECHO_TIME, 101.0)
        .put(tags::NUMBER_OF_AVERAGES, 2.0)
        .put(tags::IMAGING_FREQUENCY, 123.25)
        .put(tags::IMAGED_NUCLEUS, "1H")
        .put(tags::ECHO_NUMBERS, 1)
        .put(tags::MAGNETIC_FIELD_STRENGTH, 3.0)
        .put(tags::NUMBER_OF_PHASE_ENCODING_STEPS, 320)
        .put(tags::ECHO_TRAIN_LENGTH, 25)
        .put(tags::PERCENT_SAMPLING, 100.0)
        .put(tags::PIXEL_BANDWIDTH, 200.0)
        .put(tags::PROTOCOL_NAME, "t2_tse_tra")
        .put(tags::RECEIVE_COIL_NAME, "Body_18")
        .put(tags::IN_PLANE_PHASE_ENCODING_DIRECTION, "ROW")
        .put(tags::ACQUISITION_MATRIX, Value::U16(vec![0, 320, 288, 0]))
        .put(tags::FLIP_ANGLE, 160.0)
        .put(tags::SAR, 1.2);
}

fn pt(d: &mut Dataset, series: &SeriesBuilder) {
    let dose = Dataset::new()
        .with(tags::RADIOPHARMACEUTICAL, "Fluorodeoxyglucose")
        .with(tags::RADIOPHARMACEUTICAL_START_TIME, "091500.00")
        .with(tags::RADIONUCLIDE_TOTAL_DOSE, 3.55e8)
        .with(tags::RADIONUCLIDE_HALF_LIFE, 6586.2)
        .with(tags::RADIONUCLIDE_POSITRON_FRACTION, 0.97)
        .with(
            tags::RADIONUCLIDE_CODE_SEQUENCE,
            code("77004003", "SCT", "^18^Fluorine"),
        )
        .with(
            tags::RADIOPHARMACEUTICAL_CODE_SEQUENCE,
            code("35321007", "SCT", "Fluorodeoxyglucose F^18^"),
        );
    d.put(tags::IMAGE_TYPE, "ORIGINAL\\PRIMARY")
        .put(tags::BODY_PART_EXAMINED, "WHOLEBODY")
        .put(tags::PATIENT_POSITION, "HFS")
        .put(tags::ACTUAL_FRAME_DURATION, 120_000)
        .put(tags::SERIES_TYPE, "WHOLE BODY\\IMAGE")
        .put(tags::UNITS, "BQML")
        .put(tags::COUNTS_SOURCE, "EMISSION")
        .put(
            tags::NUMBER_OF_SLICES,
            series.slices.min(usize::from(u16::MAX)) as u16,
        )
        .put(tags::CORRECTED_IMAGE, "DECY\\ATTN\\SCAT\\DTIM\\RAN\\NORM")
        .put(tags::RANDOMS_CORRECTION_METHOD, "DLYD")
        .put(tags::ATTENUATION_CORRECTION_METHOD, "CT")
        .put(tags::DECAY_CORRECTION, "START")
        .put(tags::SCATTER_CORRECTION_METHOD, "Model based")
        .put(tags::RECONSTRUCTION_METHOD, "OSEM 3i21s")
        .put(tags::FRAME_REFERENCE_TIME, 60_000.0)
        .put(tags::RADIOPHARMACEUTICAL_INFORMATION_SEQUENCE, dose)
        .put(tags::RESCALE_INTERCEPT, 0.0)
        .put(tags::RESCALE_SLOPE, 3.25);
}

fn mg(d: &mut Dataset, series: &SeriesBuilder) {
    d.put(tags::IMAGE_TYPE, "DERIVED\\PRIMARY")
        .put(tags::BODY_PART_EXAMINED, "BREAST")
        .put(tags::PRESENTATION_INTENT_TYPE, "FOR PRESENTATION")
        .put(tags::KVP, 29.0)
        .put(tags::EXPOSURE_TIME, 980)
        .put(tags::EXPOSURE, 82)
        .put(tags::ANODE_TARGET_MATERIAL, "TUNGSTEN")
        .put(tags::FILTER_MATERIAL, "RHODIUM")
        .put(tags::BODY_PART_THICKNESS, 56.0)
        .put(tags::COMPRESSION_FORCE, 110.0)
        .put(tags::ORGAN_DOSE, 0.0135)
        .put(tags::IMAGER_PIXEL_SPACING, &[series.pixel_spacing; 2][..])
        .put(tags::POSITIONER_TYPE, "MAMMOGRAPHIC")
        .put(tags::BREAST_IMPLANT_PRESENT, "NO")
        .put(tags::PIXEL_INTENSITY_RELATIONSHIP, "LOG")
        .put(tags::PIXEL_INTENSITY_RELATIONSHIP_SIGN, Value::I16(vec![-1]))
        .put(tags::RESCALE_INTERCEPT, 0.0)
        .put(tags::RESCALE_SLOPE, 1.0)
        .put(tags::RESCALE_TYPE, "US")
        .put(tags::PRESENTATION_LUT_SHAPE, "IDENTITY")
        .put(tags::LOSSY_IMAGE_COMPRESSION, "00")
        .put(tags::BURNED_IN_ANNOTATION, "NO");
}

/// The view of one image of a screening series: R-CC, L-CC, R-MLO, L-MLO.
pub(crate) fn mammography_view(d: &mut Dataset, i: usize, date: &NaiveDate) {
    let (laterality, view, view_code) = [
        ("R", "CC", code("399162004", "SCT", "cranio-caudal")),
        ("L", "CC", code("399162004", "SCT", "cranio-caudal")),
        ("R", "MLO", code("399368009", "SCT", "medio-lateral oblique")),
        ("L", "MLO", code("399368009", "SCT", "medio-lateral oblique")),
    ][i % 4]
        .clone();
    let mut view_code = view_code;
    view_code.put(tags::VIEW_MODIFIER_CODE_SEQUENCE, Vec::<Dataset>::new());
    d.put(tags::IMAGE_LATERALITY, laterality)
        .put(tags::VIEW_POSITION, view)
        .put(tags::VIEW_CODE_SEQUENCE, view_code)
        .put(tags::ANATOMIC_REGION_SEQUENCE, code("76752008", "SCT", "Breast"))
        .put(
            tags::ACQUISITION_DATE_TIME,
            format!("{}1015{:02}.000000+0100", date.format("%Y%m%d"), i % 60),
        )
        .put(
            tags::PATIENT_ORIENTATION,
            if laterality == "R" { "P\\L" } else { "A\\R" },
        );
}
