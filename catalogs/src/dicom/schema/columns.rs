//! The table of typed columns, by module of PS3.3. A row: name, keyword, path, VR, type, meaning; where Enhanced images have it.

use super::{
    Column,
    ColumnType::{self, *},
    Frames, Items,
};
use crate::dicom::Vr::{self, *};

const fn c(
    name: &'static str,
    keyword: &'static str,
    path: &'static [u32],
    vr: Vr,
    data_type: ColumnType,
    meaning: &'static str,
) -> Column {
    Column {
        name,
        keyword,
        path,
        items: Items::First,
        frames: None,
        vr,
        data_type,
        meaning,
    }
}

const fn each(
    name: &'static str,
    keyword: &'static str,
    path: &'static [u32],
    vr: Vr,
    data_type: ColumnType,
    meaning: &'static str,
) -> Column {
    Column {
        name,
        keyword,
        path,
        items: Items::Each,
        frames: None,
        vr,
        data_type,
        meaning,
    }
}

const fn frames(
    name: &'static str,
    keyword: &'static str,
    path: &'static [u32],
    vr: Vr,
    data_type: ColumnType,
    meaning: &'static str,
) -> Column {
    Column {
        items: Items::Frames,
        ..c(name, keyword, path, vr, data_type, meaning)
    }
}

impl Column {
    /// The functional groups of Enhanced images have it at these places.
    const fn or(self, paths: &'static [&'static [u32]], vr: Vr) -> Self {
        Self {
            frames: Some(Frames { paths, vr }),
            ..self
        }
    }
}

/// Every typed column of `imaging.instances`, in the order in which it has them.
#[rustfmt::skip]
pub static COLUMNS: &[Column] = &[
    // Identity. The first three come first: a row has them whatever their elements look like.
    c("sop_instance_uid", "SOPInstanceUID", &[0x0008_0018], UI, Text, "Identifies the instance, worldwide"),
    c("series_instance_uid", "SeriesInstanceUID", &[0x0020_000E], UI, Text, "Identifies the series"),
    c("study_instance_uid", "StudyInstanceUID", &[0x0020_000D], UI, Text, "Identifies the study"),
    c("patient_id", "PatientID", &[0x0010_0020], LO, Text, "Identifies the patient within the issuer"),
    c("sop_class_uid", "SOPClassUID", &[0x0008_0016], UI, Text, "Kind of object; dicom_uid_name() gives its name"),
    c("modality", "Modality", &[0x0008_0060], CS, Text, "Kind of equipment: CT, MR, PT, MG, US, SEG, RTSTRUCT, ..."),
    c("frame_of_reference_uid", "FrameOfReferenceUID", &[0x0020_0052], UI, Text, "Identifies the coordinate system in space"),
    c("series_number", "SeriesNumber", &[0x0020_0011], IS, Int, "Number of the series within the study"),
    c("instance_number", "InstanceNumber", &[0x0020_0013], IS, Int, "Number of the instance within the series"),
    c("acquisition_number", "AcquisitionNumber", &[0x0020_0012], IS, Int, "Number of the acquisition within the series"),

    // Patient
    c("issuer_of_patient_id", "IssuerOfPatientID", &[0x0010_0021], LO, Text, "Who gave the patient ID"),
    c("patient_name", "PatientName", &[0x0010_0010], PN, Text, "Name: family^given^middle^prefix^suffix, writing systems parted by ="),
    c("patient_birth_date", "PatientBirthDate", &[0x0010_0030], DA, Date, "Date of birth"),
    c("patient_sex", "PatientSex", &[0x0010_0040], CS, Text, "Sex: M, F, O"),
    c("patient_age", "PatientAge", &[0x0010_1010], AS, Text, "Age at the study, as 045Y; dicom_age_years() makes it a number"),
    c("patient_size", "PatientSize", &[0x0010_1020], DS, Float, "Height, m"),
    c("patient_weight", "PatientWeight", &[0x0010_1030], DS, Float, "Weight, kg"),
    c("ethnic_group", "EthnicGroup", &[0x0010_2160], SH, Text, "Ethnic group"),
    c("patient_species_description", "PatientSpeciesDescription", &[0x0010_2201], LO, Text, "Species, for animals"),
    c("patient_species_code", "PatientSpeciesCodeSequence", &[0x0010_2202], SQ, Code, "Species as a code"),
    c("patient_identity_removed", "PatientIdentityRemoved", &[0x0012_0062], CS, Text, "Whether identity was removed: YES, NO"),
    c("deidentification_method", "DeidentificationMethod", &[0x0012_0063], LO, TextList, "How identity was removed"),
    c("longitudinal_temporal_information_modified", "LongitudinalTemporalInformationModified", &[0x0028_0303], CS, Text, "Dates UNMODIFIED, MODIFIED or REMOVED"),

    // Clinical trial
    c("clinical_trial_sponsor_name", "ClinicalTrialSponsorName", &[0x0012_0010], LO, Text, "Sponsor of the trial"),
    c("clinical_trial_protocol_id", "ClinicalTrialProtocolID", &[0x0012_0020], LO, Text, "Protocol of the trial"),
    c("clinical_trial_site_id", "ClinicalTrialSiteID", &[0x0012_0030], LO, Text, "Site of the trial"),
    c("clinical_trial_subject_id", "ClinicalTrialSubjectID", &[0x0012_0040], LO, Text, "Subject of the trial"),
    c("clinical_trial_time_point_id", "ClinicalTrialTimePointID", &[0x0012_0050], LO, Text, "Visit of the trial"),

    // Study
    c("study_id", "StudyID", &[0x0020_0010], SH, Text, "The equipment's number for the study"),
    c("study_date", "StudyDate", &[0x0008_0020], DA, Date, "Day the study started"),
    c("study_time", "StudyTime", &[0x0008_0030], TM, Time, "Time the study started"),
    c("study_description", "StudyDescription", &[0x0008_1030], LO, Text, "What the study is"),
    c("accession_number", "AccessionNumber", &[0x0008_0050], SH, Text, "Number of the order in the department's system"),
    c("referring_physician_name", "ReferringPhysicianName", &[0x0008_0090], PN, Text, "Who referred the patient"),
    c("admitting_diagnoses_description", "AdmittingDiagnosesDescription", &[0x0008_1080], LO, TextList, "Diagnoses on admission"),
    c("procedure_code", "ProcedureCodeSequence", &[0x0008_1032], SQ, Code, "Procedure performed, as a code"),
    c("requested_procedure_description", "RequestedProcedureDescription", &[0x0032_1060], LO, Text, "Procedure ordered"),

    // Series
    c("series_date", "SeriesDate", &[0x0008_0021], DA, Date, "Day the series started"),
    c("series_time", "SeriesTime", &[0x0008_0031], TM, Time, "Time the series started"),
    c("series_description", "SeriesDescription", &[0x0008_103E], LO, Text, "What the series is"),
    c("protocol_name", "ProtocolName", &[0x0018_1030], LO, Text, "Protocol chosen at the console"),
    c("body_part_examined", "BodyPartExamined", &[0x0018_0015], CS, Text, "Part of the body"),
    c("anatomic_region", "AnatomicRegionSequence", &[0x0008_2218], SQ, Code, "Part of the body as a code"),
    c("laterality", "Laterality", &[0x0020_0060], CS, Text, "Side of a paired body part, of the series: L, R"),
    c("image_laterality", "ImageLaterality", &[0x0020_0062], CS, Text, "Side of a paired body part, of the image: L, R, U, B"),
    c("patient_position", "PatientPosition", &[0x0018_5100], CS, Text, "Patient relative to the equipment: HFS, FFS, HFP, ..."),
    c("view_position", "ViewPosition", &[0x0018_5101], CS, Text, "Radiographic view: PA, LL, CC, MLO, ..."),
    c("performed_procedure_step_description", "PerformedProcedureStepDescription", &[0x0040_0254], LO, Text, "What was performed"),

    // Equipment
    c("manufacturer", "Manufacturer", &[0x0008_0070], LO, Text, "Maker of the equipment"),
    c("manufacturer_model_name", "ManufacturerModelName", &[0x0008_1090], LO, Text, "Model of the equipment"),
    c("device_serial_number", "DeviceSerialNumber", &[0x0018_1000], LO, Text, "Serial number of the equipment"),
    c("software_versions", "SoftwareVersions", &[0x0018_1020], LO, TextList, "Software of the equipment"),
    c("station_name", "StationName", &[0x0008_1010], SH, Text, "Name of the equipment at the site"),
    c("institution_name", "InstitutionName", &[0x0008_0080], LO, Text, "Where the equipment stands"),
    c("institutional_department_name", "InstitutionalDepartmentName", &[0x0008_1040], LO, Text, "Department where the equipment stands"),

    // Image and acquisition
    c("image_type", "ImageType", &[0x0008_0008], CS, TextList, "ORIGINAL or DERIVED, PRIMARY or SECONDARY, then what the modality adds"),
    c("specific_character_set", "SpecificCharacterSet", &[0x0008_0005], CS, TextList, "Character sets of the text in the file; here all text is UTF-8"),
    c("timezone_offset_from_utc", "TimezoneOffsetFromUTC", &[0x0008_0201], SH, Text, "Offset of the file's times from UTC, as +0100"),
    c("instance_creation_date", "InstanceCreationDate", &[0x0008_0012], DA, Date, "Day the instance was made"),
    c("acquisition_date", "AcquisitionDate", &[0x0008_0022], DA, Date, "Day the acquisition started"),
    c("acquisition_time", "AcquisitionTime", &[0x0008_0032], TM, Time, "Time the acquisition started"),
    c("acquisition_date_time", "AcquisitionDateTime", &[0x0008_002A], DT, Timestamp, "Instant the acquisition started"),
    c("content_date", "ContentDate", &[0x0008_0023], DA, Date, "Day the pixels were made"),
    c("content_time", "ContentTime", &[0x0008_0033], TM, Time, "Time the pixels were made"),
    c("content_label", "ContentLabel", &[0x0070_0080], CS, Text, "Label of a segmentation, presentation state, ..."),
    c("content_description", "ContentDescription", &[0x0070_0081], LO, Text, "What the content is"),
    c("contrast_bolus_agent", "ContrastBolusAgent", &[0x0018_0010], LO, Text, "Contrast agent"),
    c("contrast_bolus_route", "ContrastBolusRoute", &[0x0018_1040], LO, Text, "How the contrast agent was given"),
    c("contrast_bolus_volume", "ContrastBolusVolume", &[0x0018_1041], DS, Float, "Volume of contrast agent, ml"),
    c("derivation_description", "DerivationDescription", &[0x0008_2111], ST, Text, "How the image was derived"),

    // Pixels
    c("rows", "Rows", &[0x0028_0010], US, Int, "Height of the image, pixels"),
    c("columns", "Columns", &[0x0028_0011], US, Int, "Width of the image, pixels"),
    c("number_of_frames", "NumberOfFrames", &[0x0028_0008], IS, Int, "Frames of the image; NULL means one"),
    c("samples_per_pixel", "SamplesPerPixel", &[0x0028_0002], US, Int, "Colour planes"),
    c("photometric_interpretation", "PhotometricInterpretation", &[0x0028_0004], CS, Text, "What a sample means: MONOCHROME2, RGB, ..."),
    c("bits_allocated", "BitsAllocated", &[0x0028_0100], US, Int, "Bits a sample takes"),
    c("bits_stored", "BitsStored", &[0x0028_0101], US, Int, "Bits of a sample that are used"),
    c("high_bit", "HighBit", &[0x0028_0102], US, Int, "Highest bit of a sample that is used"),
    c("pixel_representation", "PixelRepresentation", &[0x0028_0103], US, Int, "0 unsigned, 1 two's complement"),
    c("smallest_image_pixel_value", "SmallestImagePixelValue", &[0x0028_0106], US, Int, "Smallest stored value in the image"),
    c("largest_image_pixel_value", "LargestImagePixelValue", &[0x0028_0107], US, Int, "Largest stored value in the image"),
    c("pixel_padding_value", "PixelPaddingValue", &[0x0028_0120], US, Int, "Stored value of pixels that are outside of the image"),
    c("burned_in_annotation", "BurnedInAnnotation", &[0x0028_0301], CS, Text, "Whether the pixels show text that identifies the patient: YES, NO"),
    c("lossy_image_compression", "LossyImageCompression", &[0x0028_2110], CS, Text, "Whether pixels were ever compressed with loss: 00, 01"),
    c("lossy_image_compression_ratio", "LossyImageCompressionRatio", &[0x0028_2112], DS, FloatList, "Ratio of each compression with loss"),
    c("rescale_intercept", "RescaleIntercept", &[0x0028_1052], DS, Float, "Added to stored value * slope").or(&[&[0x0028_9145, 0x0028_1052]], DS),
    c("rescale_slope", "RescaleSlope", &[0x0028_1053], DS, Float, "Multiplies the stored value").or(&[&[0x0028_9145, 0x0028_1053]], DS),
    c("rescale_type", "RescaleType", &[0x0028_1054], LO, Text, "Unit after rescaling: HU, US, ...").or(&[&[0x0028_9145, 0x0028_1054]], LO),
    c("window_center", "WindowCenter", &[0x0028_1050], DS, FloatList, "Centres of the display windows").or(&[&[0x0028_9132, 0x0028_1050]], DS),
    c("window_width", "WindowWidth", &[0x0028_1051], DS, FloatList, "Widths of the display windows").or(&[&[0x0028_9132, 0x0028_1051]], DS),
    c("presentation_intent_type", "PresentationIntentType", &[0x0008_0068], CS, Text, "FOR PRESENTATION or FOR PROCESSING"),

    // Geometry
    c("image_position_patient", "ImagePositionPatient", &[0x0020_0032], DS, FloatList, "Centre of the first pixel x, y, z, mm").or(&[&[0x0020_9113, 0x0020_0032]], DS),
    c("image_orientation_patient", "ImageOrientationPatient", &[0x0020_0037], DS, FloatList, "Direction cosines of rows, then columns").or(&[&[0x0020_9116, 0x0020_0037]], DS),
    c("pixel_spacing", "PixelSpacing", &[0x0028_0030], DS, FloatList, "Distance of rows, then of columns, mm").or(&[&[0x0028_9110, 0x0028_0030]], DS),
    c("imager_pixel_spacing", "ImagerPixelSpacing", &[0x0018_1164], DS, FloatList, "Distance of rows, then of columns, at the detector, mm"),
    c("slice_thickness", "SliceThickness", &[0x0018_0050], DS, Float, "Nominal thickness of the slice, mm").or(&[&[0x0028_9110, 0x0018_0050]], DS),
    c("spacing_between_slices", "SpacingBetweenSlices", &[0x0018_0088], DS, Float, "Distance of slices, mm").or(&[&[0x0028_9110, 0x0018_0088]], DS),
    c("slice_location", "SliceLocation", &[0x0020_1041], DS, Float, "Position of the slice relative to some point, mm"),
    c("shared_pixel_spacing", "PixelSpacing", &[0x5200_9229, 0x0028_9110, 0x0028_0030], DS, FloatList, "Enhanced multi-frame: distance of rows, then of columns, of all frames, mm"),
    c("shared_slice_thickness", "SliceThickness", &[0x5200_9229, 0x0028_9110, 0x0018_0050], DS, Float, "Enhanced multi-frame: thickness of all frames, mm"),
    c("shared_spacing_between_slices", "SpacingBetweenSlices", &[0x5200_9229, 0x0028_9110, 0x0018_0088], DS, Float, "Enhanced multi-frame: distance of frames, mm"),
    c("shared_image_orientation_patient", "ImageOrientationPatient", &[0x5200_9229, 0x0020_9116, 0x0020_0037], DS, FloatList, "Enhanced multi-frame: direction cosines of all frames"),
    c("first_frame_image_position_patient", "ImagePositionPatient", &[0x5200_9230, 0x0020_9113, 0x0020_0032], DS, FloatList, "Enhanced multi-frame: position of the first frame, mm"),

    // CT, radiography
    c("kvp", "KVP", &[0x0018_0060], DS, Float, "Peak voltage, kV").or(&[&[0x0018_9325, 0x0018_0060]], DS),
    c("x_ray_tube_current", "XRayTubeCurrent", &[0x0018_1151], IS, Int, "Tube current, mA").or(&[&[0x0018_9321, 0x0018_9330]], FD),
    c("exposure_time", "ExposureTime", &[0x0018_1150], IS, Int, "Time of exposure, ms").or(&[&[0x0018_9321, 0x0018_9328]], FD),
    c("exposure", "Exposure", &[0x0018_1152], IS, Int, "Exposure, mAs").or(&[&[0x0018_9321, 0x0018_9332]], FD),
    c("ctdi_vol", "CTDIvol", &[0x0018_9345], FD, Float, "Volume CT dose index, mGy").or(&[&[0x0018_9321, 0x0018_9345]], FD),
    c("convolution_kernel", "ConvolutionKernel", &[0x0018_1210], SH, TextList, "Reconstruction kernel").or(&[&[0x0018_9314, 0x0018_1210]], SH),
    c("filter_type", "FilterType", &[0x0018_1160], SH, Text, "Filter in the beam").or(&[&[0x0018_9325, 0x0018_1160]], SH),
    c("reconstruction_diameter", "ReconstructionDiameter", &[0x0018_1100], DS, Float, "Diameter of the reconstructed region, mm").or(&[&[0x0018_9314, 0x0018_1100], &[0x0018_9749, 0x0018_1100]], DS),
    c("data_collection_diameter", "DataCollectionDiameter", &[0x0018_0090], DS, Float, "Diameter of the region with data, mm").or(&[&[0x0018_9304, 0x0018_0090], &[0x0018_9732, 0x0018_0090]], DS),
    c("gantry_detector_tilt", "GantryDetectorTilt", &[0x0018_1120], DS, Float, "Tilt of the gantry, degrees").or(&[&[0x0018_9304, 0x0018_1120], &[0x0018_9732, 0x0018_1120]], DS),
    c("table_height", "TableHeight", &[0x0018_1130], DS, Float, "Height of the table, mm").or(&[&[0x0018_9304, 0x0018_1130], &[0x0018_9732, 0x0018_1130]], DS),
    c("scan_options", "ScanOptions", &[0x0018_0022], CS, TextList, "Options of the acquisition: HELICAL MODE, FS, ..."),
    c("spiral_pitch_factor", "SpiralPitchFactor", &[0x0018_9311], FD, Float, "Pitch: table feed per rotation over collimation").or(&[&[0x0018_9308, 0x0018_9311]], FD),
    c("single_collimation_width", "SingleCollimationWidth", &[0x0018_9306], FD, Float, "Width of one detector row, mm").or(&[&[0x0018_9304, 0x0018_9306]], FD),
    c("total_collimation_width", "TotalCollimationWidth", &[0x0018_9307], FD, Float, "Width of all detector rows, mm").or(&[&[0x0018_9304, 0x0018_9307]], FD),
    c("distance_source_to_detector", "DistanceSourceToDetector", &[0x0018_1110], DS, Float, "Distance of source and detector, mm").or(&[&[0x0018_9312, 0x0018_1110]], DS),
    c("distance_source_to_patient", "DistanceSourceToPatient", &[0x0018_1111], DS, Float, "Distance of source and isocentre or patient, mm"),

    // MR
    c("scanning_sequence", "ScanningSequence", &[0x0018_0020], CS, TextList, "Kind of sequence: SE, IR, GR, EP, RM"),
    c("sequence_variant", "SequenceVariant", &[0x0018_0021], CS, TextList, "Variant of the sequence: SK, SP, MP, ..."),
    c("sequence_name", "SequenceName", &[0x0018_0024], SH, Text, "The maker's name of the sequence"),
    c("mr_acquisition_type", "MRAcquisitionType", &[0x0018_0023], CS, Text, "2D or 3D"),
    c("repetition_time", "RepetitionTime", &[0x0018_0080], DS, Float, "TR, ms").or(&[&[0x0018_9112, 0x0018_0080]], DS),
    c("echo_time", "EchoTime", &[0x0018_0081], DS, Float, "TE, ms").or(&[&[0x0018_9114, 0x0018_9082]], FD),
    c("inversion_time", "InversionTime", &[0x0018_0082], DS, Float, "TI, ms").or(&[&[0x0018_9115, 0x0018_9079]], FD),
    c("flip_angle", "FlipAngle", &[0x0018_1314], DS, Float, "Flip angle, degrees").or(&[&[0x0018_9112, 0x0018_1314]], DS),
    c("number_of_averages", "NumberOfAverages", &[0x0018_0083], DS, Float, "Times each point was measured").or(&[&[0x0018_9119, 0x0018_0083]], DS),
    c("magnetic_field_strength", "MagneticFieldStrength", &[0x0018_0087], DS, Float, "Field, T"),
    c("imaging_frequency", "ImagingFrequency", &[0x0018_0084], DS, Float, "Precession frequency, MHz").or(&[&[0x0018_9006, 0x0018_9098]], FD),
    c("imaged_nucleus", "ImagedNucleus", &[0x0018_0085], SH, Text, "Nucleus: 1H, 31P, ..."),
    c("echo_numbers", "EchoNumbers", &[0x0018_0086], IS, IntList, "Echo numbers of the image"),
    c("echo_train_length", "EchoTrainLength", &[0x0018_0091], IS, Int, "Lines of k-space per excitation").or(&[&[0x0018_9112, 0x0018_0091]], IS),
    c("percent_phase_field_of_view", "PercentPhaseFieldOfView", &[0x0018_0094], DS, Float, "Phase over frequency field of view, %").or(&[&[0x0018_9125, 0x0018_0094]], DS),
    c("pixel_bandwidth", "PixelBandwidth", &[0x0018_0095], DS, Float, "Bandwidth, Hz/pixel").or(&[&[0x0018_9006, 0x0018_0095]], DS),
    c("acquisition_matrix", "AcquisitionMatrix", &[0x0018_1310], US, IntList, "Frequency rows, columns, phase rows, columns"),
    c("in_plane_phase_encoding_direction", "InPlanePhaseEncodingDirection", &[0x0018_1312], CS, Text, "ROW or COL").or(&[&[0x0018_9125, 0x0018_1312]], CS),
    c("receive_coil_name", "ReceiveCoilName", &[0x0018_1250], SH, Text, "Coil that received").or(&[&[0x0018_9042, 0x0018_1250]], SH),
    c("sar", "SAR", &[0x0018_1316], DS, Float, "Specific absorption rate, W/kg"),
    c("diffusion_b_value", "DiffusionBValue", &[0x0018_9087], FD, Float, "Diffusion weighting, s/mm2").or(&[&[0x0018_9117, 0x0018_9087]], FD),
    c("temporal_position_identifier", "TemporalPositionIdentifier", &[0x0020_0100], IS, Int, "Position in a dynamic series"),
    c("number_of_temporal_positions", "NumberOfTemporalPositions", &[0x0020_0105], IS, Int, "Positions in a dynamic series"),
    c("trigger_time", "TriggerTime", &[0x0018_1060], DS, Float, "Time since the trigger, ms"),

    // PT
    c("units", "Units", &[0x0054_1001], CS, Text, "Unit after rescaling: BQML, CNTS, GML, ..."),
    c("suv_type", "SUVType", &[0x0054_1006], CS, Text, "What an SUV is normalised by: BSA, BW, LBM, ..."),
    c("decay_correction", "DecayCorrection", &[0x0054_1102], CS, Text, "Instant that decay was corrected to: NONE, START, ADMIN"),
    c("decay_factor", "DecayFactor", &[0x0054_1321], DS, Float, "Factor that corrected for decay").or(&[&[0x0018_9736, 0x0054_1321]], DS),
    c("corrected_image", "CorrectedImage", &[0x0028_0051], CS, TextList, "Corrections applied: DECY, ATTN, SCAT, ..."),
    c("attenuation_correction_method", "AttenuationCorrectionMethod", &[0x0054_1101], LO, Text, "How attenuation was corrected"),
    c("scatter_correction_method", "ScatterCorrectionMethod", &[0x0054_1105], LO, Text, "How scatter was corrected"),
    c("reconstruction_method", "ReconstructionMethod", &[0x0054_1103], LO, Text, "How the image was reconstructed"),
    c("decay_corrected", "DecayCorrected", &[0x0018_9758], CS, Text, "Enhanced PET: whether decay was corrected: YES, NO"),
    c("decay_correction_date_time", "DecayCorrectionDateTime", &[0x0018_9701], DT, Timestamp, "Enhanced PET: instant that decay was corrected to"),
    c("frame_reference_time", "FrameReferenceTime", &[0x0054_1300], DS, Float, "Time of the pixels since the series' start, ms"),
    c("actual_frame_duration", "ActualFrameDuration", &[0x0018_1242], IS, Int, "Duration of the frame, ms").or(&[&[0x0020_9111, 0x0018_9220]], FD),
    c("radiopharmaceutical", "Radiopharmaceutical", &[0x0054_0016, 0x0018_0031], LO, Text, "Radiopharmaceutical"),
    c("radiopharmaceutical_start_time", "RadiopharmaceuticalStartTime", &[0x0054_0016, 0x0018_1072], TM, Time, "Time of injection"),
    c("radiopharmaceutical_start_date_time", "RadiopharmaceuticalStartDateTime", &[0x0054_0016, 0x0018_1078], DT, Timestamp, "Instant of injection"),
    c("radionuclide_total_dose", "RadionuclideTotalDose", &[0x0054_0016, 0x0018_1074], DS, Float, "Activity injected, Bq"),
    c("radionuclide_half_life", "RadionuclideHalfLife", &[0x0054_0016, 0x0018_1075], DS, Float, "Half-life, s"),
    c("radionuclide_code", "RadionuclideCodeSequence", &[0x0054_0016, 0x0054_0300], SQ, Code, "Radionuclide"),

    // Enhanced multi-frame images, segmentations and parametric maps: what differs between frames
    frames("image_positions_patient", "ImagePositionPatient", &[0x0020_9113, 0x0020_0032], DS, FloatList, "Enhanced multi-frame: x, y, z of each position of a frame, mm"),
    frames("image_orientations_patient", "ImageOrientationPatient", &[0x0020_9116, 0x0020_0037], DS, FloatList, "Enhanced multi-frame: direction cosines of rows, then columns, of each orientation of a frame"),
    frames("pixel_spacings", "PixelSpacing", &[0x0028_9110, 0x0028_0030], DS, FloatList, "Enhanced multi-frame: distance of rows, then of columns, of each spacing, mm"),
    frames("slice_thicknesses", "SliceThickness", &[0x0028_9110, 0x0018_0050], DS, FloatList, "Enhanced multi-frame: thicknesses, mm"),
    frames("spacings_between_slices", "SpacingBetweenSlices", &[0x0028_9110, 0x0018_0088], DS, FloatList, "Enhanced multi-frame: distances of slices, mm"),
    frames("rescale_intercepts", "RescaleIntercept", &[0x0028_9145, 0x0028_1052], DS, FloatList, "Enhanced multi-frame: what is added to stored value * slope"),
    frames("rescale_slopes", "RescaleSlope", &[0x0028_9145, 0x0028_1053], DS, FloatList, "Enhanced multi-frame: what multiplies the stored value"),
    frames("rescale_types", "RescaleType", &[0x0028_9145, 0x0028_1054], LO, TextList, "Enhanced multi-frame: units after rescaling"),
    frames("window_centers", "WindowCenter", &[0x0028_9132, 0x0028_1050], DS, FloatList, "Enhanced multi-frame: centres of the display windows"),
    frames("window_widths", "WindowWidth", &[0x0028_9132, 0x0028_1051], DS, FloatList, "Enhanced multi-frame: widths of the display windows"),
    frames("real_world_value_intercepts", "RealWorldValueIntercept", &[0x0040_9096, 0x0040_9224], FD, FloatList, "Enhanced multi-frame: what is added to stored value * slope to give a quantity"),
    frames("real_world_value_slopes", "RealWorldValueSlope", &[0x0040_9096, 0x0040_9225], FD, FloatList, "Enhanced multi-frame: what multiplies the stored value to give a quantity"),
    frames("real_world_value_units", "CodeValue", &[0x0040_9096, 0x0040_08EA, 0x0008_0100], SH, TextList, "Enhanced multi-frame: units of the quantities, UCUM: Bq/ml, g/ml{SUVbw}, um2/s, ..."),
    frames("frame_acquisition_durations", "FrameAcquisitionDuration", &[0x0020_9111, 0x0018_9220], FD, FloatList, "Enhanced multi-frame: times of acquisition, ms"),
    frames("temporal_position_indexes", "TemporalPositionIndex", &[0x0020_9111, 0x0020_9128], UL, IntList, "Enhanced multi-frame: positions in a dynamic series"),
    frames("kvps", "KVP", &[0x0018_9325, 0x0018_0060], DS, FloatList, "Enhanced CT: peak voltages, kV"),
    frames("filter_types", "FilterType", &[0x0018_9325, 0x0018_1160], SH, TextList, "Enhanced CT: filters in the beam"),
    frames("x_ray_tube_currents", "XRayTubeCurrentInmA", &[0x0018_9321, 0x0018_9330], FD, FloatList, "Enhanced CT: tube currents, mA"),
    frames("exposure_times", "ExposureTimeInms", &[0x0018_9321, 0x0018_9328], FD, FloatList, "Enhanced CT: times of exposure, ms"),
    frames("exposures", "ExposureInmAs", &[0x0018_9321, 0x0018_9332], FD, FloatList, "Enhanced CT: exposures, mAs"),
    frames("ctdi_vols", "CTDIvol", &[0x0018_9321, 0x0018_9345], FD, FloatList, "Enhanced CT: volume CT dose indexes, mGy"),
    frames("convolution_kernels", "ConvolutionKernel", &[0x0018_9314, 0x0018_1210], SH, TextList, "Enhanced CT: reconstruction kernels, each with its values joined by \\"),
    frames("reconstruction_diameters", "ReconstructionDiameter", &[0x0018_9314, 0x0018_1100], DS, FloatList, "Enhanced CT: diameters of the reconstructed regions, mm"),
    frames("pet_reconstruction_diameters", "ReconstructionDiameter", &[0x0018_9749, 0x0018_1100], DS, FloatList, "Enhanced PET: diameters of the reconstructed regions, mm"),
    frames("data_collection_diameters", "DataCollectionDiameter", &[0x0018_9304, 0x0018_0090], DS, FloatList, "Enhanced CT: diameters of the regions with data, mm"),
    frames("pet_data_collection_diameters", "DataCollectionDiameter", &[0x0018_9732, 0x0018_0090], DS, FloatList, "Enhanced PET: diameters of the regions with data, mm"),
    frames("gantry_detector_tilts", "GantryDetectorTilt", &[0x0018_9304, 0x0018_1120], DS, FloatList, "Enhanced CT: tilts of the gantry, degrees"),
    frames("pet_gantry_detector_tilts", "GantryDetectorTilt", &[0x0018_9732, 0x0018_1120], DS, FloatList, "Enhanced PET: tilts of the gantry, degrees"),
    frames("table_heights", "TableHeight", &[0x0018_9304, 0x0018_1130], DS, FloatList, "Enhanced CT: heights of the table, mm"),
    frames("pet_table_heights", "TableHeight", &[0x0018_9732, 0x0018_1130], DS, FloatList, "Enhanced PET: heights of the table, mm"),
    frames("spiral_pitch_factors", "SpiralPitchFactor", &[0x0018_9308, 0x0018_9311], FD, FloatList, "Enhanced CT: pitches"),
    frames("single_collimation_widths", "SingleCollimationWidth", &[0x0018_9304, 0x0018_9306], FD, FloatList, "Enhanced CT: widths of one detector row, mm"),
    frames("total_collimation_widths", "TotalCollimationWidth", &[0x0018_9304, 0x0018_9307], FD, FloatList, "Enhanced CT: widths of all detector rows, mm"),
    frames("distances_source_to_detector", "DistanceSourceToDetector", &[0x0018_9312, 0x0018_1110], DS, FloatList, "Enhanced CT: distances of source and detector, mm"),
    frames("repetition_times", "RepetitionTime", &[0x0018_9112, 0x0018_0080], DS, FloatList, "Enhanced MR: TR, ms"),
    frames("echo_times", "EffectiveEchoTime", &[0x0018_9114, 0x0018_9082], FD, FloatList, "Enhanced MR: TE, ms"),
    frames("inversion_times", "InversionTimes", &[0x0018_9115, 0x0018_9079], FD, FloatList, "Enhanced MR: TI, ms"),
    frames("flip_angles", "FlipAngle", &[0x0018_9112, 0x0018_1314], DS, FloatList, "Enhanced MR: flip angles, degrees"),
    frames("echo_train_lengths", "EchoTrainLength", &[0x0018_9112, 0x0018_0091], IS, IntList, "Enhanced MR: lines of k-space per excitation"),
    frames("numbers_of_averages", "NumberOfAverages", &[0x0018_9119, 0x0018_0083], DS, FloatList, "Enhanced MR: times each point was measured"),
    frames("transmitter_frequencies", "TransmitterFrequency", &[0x0018_9006, 0x0018_9098], FD, FloatList, "Enhanced MR: precession frequencies, MHz"),
    frames("pixel_bandwidths", "PixelBandwidth", &[0x0018_9006, 0x0018_0095], DS, FloatList, "Enhanced MR: bandwidths, Hz/pixel"),
    frames("percent_phase_fields_of_view", "PercentPhaseFieldOfView", &[0x0018_9125, 0x0018_0094], DS, FloatList, "Enhanced MR: phase over frequency fields of view, %"),
    frames("in_plane_phase_encoding_directions", "InPlanePhaseEncodingDirection", &[0x0018_9125, 0x0018_1312], CS, TextList, "Enhanced MR: ROW, COLUMN, OTHER"),
    frames("receive_coil_names", "ReceiveCoilName", &[0x0018_9042, 0x0018_1250], SH, TextList, "Enhanced MR: coils that received"),
    frames("diffusion_b_values", "DiffusionBValue", &[0x0018_9117, 0x0018_9087], FD, FloatList, "Enhanced MR: diffusion weightings, s/mm2"),
    frames("diffusion_directionalities", "DiffusionDirectionality", &[0x0018_9117, 0x0018_9075], CS, TextList, "Enhanced MR: DIRECTIONAL, BMATRIX, ISOTROPIC, NONE"),
    frames("diffusion_gradient_orientations", "DiffusionGradientOrientation", &[0x0018_9117, 0x0018_9076, 0x0018_9089], FD, FloatList, "Enhanced MR: x, y, z of each direction of the diffusion gradient"),
    frames("nominal_cardiac_trigger_delay_times", "NominalCardiacTriggerDelayTime", &[0x0018_9118, 0x0020_9153], FD, FloatList, "Enhanced MR, CT: times since the R wave, ms"),
    frames("decay_factors", "DecayFactor", &[0x0018_9736, 0x0054_1321], DS, FloatList, "Enhanced PET: factors that corrected for decay"),

    // MG, US
    c("view_code", "ViewCodeSequence", &[0x0054_0220], SQ, Code, "Mammographic view"),
    c("breast_implant_present", "BreastImplantPresent", &[0x0028_1300], CS, Text, "Whether there is an implant: YES, NO"),
    c("body_part_thickness", "BodyPartThickness", &[0x0018_11A0], DS, Float, "Thickness of the compressed part, mm"),
    c("compression_force", "CompressionForce", &[0x0018_11A2], DS, Float, "Force of compression, N"),
    c("positioner_primary_angle", "PositionerPrimaryAngle", &[0x0018_1510], DS, Float, "Angle of the beam, degrees"),
    c("anode_target_material", "AnodeTargetMaterial", &[0x0018_1191], CS, Text, "Anode: MOLYBDENUM, TUNGSTEN, RHODIUM"),
    c("organ_dose", "OrganDose", &[0x0040_0316], DS, Float, "Mean glandular dose, dGy"),
    c("transducer_frequency", "TransducerFrequency", &[0x0018_6030], UL, Long, "Frequency of the transducer, kHz"),
    c("mechanical_index", "MechanicalIndex", &[0x0018_5022], DS, Float, "Mechanical index"),
    c("frame_time", "FrameTime", &[0x0018_1063], DS, Float, "Time per frame, ms"),
    c("ultrasound_physical_delta_x", "PhysicalDeltaX", &[0x0018_6011, 0x0018_602C], FD, Float, "Width of a pixel in the first region, in its own unit"),
    c("ultrasound_physical_delta_y", "PhysicalDeltaY", &[0x0018_6011, 0x0018_602E], FD, Float, "Height of a pixel in the first region, in its own unit"),

    // SEG
    c("segmentation_type", "SegmentationType", &[0x0062_0001], CS, Text, "BINARY, FRACTIONAL, LABELMAP"),
    each("segment_numbers", "SegmentNumber", &[0x0062_0002, 0x0062_0004], US, IntList, "Number of each segment"),
    each("segment_labels", "SegmentLabel", &[0x0062_0002, 0x0062_0005], LO, TextList, "Label of each segment"),
    each("segment_algorithm_types", "SegmentAlgorithmType", &[0x0062_0002, 0x0062_0008], CS, TextList, "How each segment was made: AUTOMATIC, SEMIAUTOMATIC, MANUAL"),
    each("segmented_property_types", "CodeMeaning", &[0x0062_0002, 0x0062_000F, 0x0008_0104], LO, TextList, "What each segment shows"),
    c("segmented_property_type", "SegmentedPropertyTypeCodeSequence", &[0x0062_0002, 0x0062_000F], SQ, Code, "What the first segment shows, as a code"),
    c("referenced_series_instance_uid", "SeriesInstanceUID", &[0x0008_1115, 0x0020_000E], UI, Text, "Series that the object was made from"),

    // RT
    c("structure_set_label", "StructureSetLabel", &[0x3006_0002], SH, Text, "Label of the structure set"),
    each("roi_numbers", "ROINumber", &[0x3006_0020, 0x3006_0022], IS, IntList, "Number of each region of interest"),
    each("roi_names", "ROIName", &[0x3006_0020, 0x3006_0026], LO, TextList, "Name of each region of interest"),
    each("rt_roi_interpreted_types", "RTROIInterpretedType", &[0x3006_0080, 0x3006_00A4], CS, TextList, "Kind of each observed region: GTV, CTV, ORGAN, ..."),
    c("rt_referenced_series_instance_uid", "SeriesInstanceUID", &[0x3006_0010, 0x3006_0012, 0x3006_0014, 0x0020_000E], UI, Text, "Series that the regions were drawn on"),
    c("rt_plan_label", "RTPlanLabel", &[0x300A_0002], SH, Text, "Label of the plan"),
    c("dose_units", "DoseUnits", &[0x3004_0002], CS, Text, "GY or RELATIVE"),
    c("dose_type", "DoseType", &[0x3004_0004], CS, Text, "PHYSICAL, EFFECTIVE, ERROR"),
    c("dose_summation_type", "DoseSummationType", &[0x3004_000A], CS, Text, "What the dose is of: PLAN, BEAM, FRACTION, ..."),
    c("dose_grid_scaling", "DoseGridScaling", &[0x3004_000E], DS, Float, "Multiplies stored values to give dose"),
    c("grid_frame_offset_vector", "GridFrameOffsetVector", &[0x3004_000C], DS, FloatList, "Offsets of the planes of a dose from the first, or their places, mm"),

    // SR, slide microscopy
    c("concept_name", "ConceptNameCodeSequence", &[0x0040_A043], SQ, Code, "Title of the report"),
    c("completion_flag", "CompletionFlag", &[0x0040_A491], CS, Text, "Whether the report is COMPLETE or PARTIAL"),
    c("container_identifier", "ContainerIdentifier", &[0x0040_0512], LO, Text, "Slide or block"),
    c("total_pixel_matrix_columns", "TotalPixelMatrixColumns", &[0x0048_0006], UL, Long, "Width of the whole slide, pixels"),
    c("total_pixel_matrix_rows", "TotalPixelMatrixRows", &[0x0048_0007], UL, Long, "Height of the whole slide, pixels"),
];
