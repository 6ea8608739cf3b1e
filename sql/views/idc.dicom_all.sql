-- view: IDC: one row per instance, of imaging.instances: elements of one value or several by their keywords. Sequences are in imaging.instances.dataset alone
-- collection_id: Provider that brought the instance first; the lake has no other collections
-- analysis_result_id: NULL: the lake keeps no results of IDC
-- crdc_study_uuid: NULL: IDC's own number of the study
-- crdc_series_uuid: NULL: IDC's own number of the series
-- crdc_instance_uuid: NULL: IDC's own number of the instance
-- gcs_url: NULL: the file is where imaging.sources says
-- aws_url: NULL: the file is where imaging.sources says
-- instance_size: Bytes of the file
-- instance_hash: NULL: IDC's is an MD5 of the file, which the lake does not compute
-- source_doi: NULL: the lake keeps no DOI
-- license_short_name: NULL: the lake keeps no licences
-- license_long_name: NULL: the lake keeps no licences
-- license_url: NULL: the lake keeps no licences
-- sopinstanceuid: SOPInstanceUID (0008,0018)
-- seriesinstanceuid: SeriesInstanceUID (0020,000E)
-- studyinstanceuid: StudyInstanceUID (0020,000D)
-- patientid: PatientID (0010,0020)
-- sopclassuid: SOPClassUID (0008,0016)
-- transfersyntaxuid: TransferSyntaxUID (0002,0010)
-- modality: Modality (0008,0060)
-- frameofreferenceuid: FrameOfReferenceUID (0020,0052)
-- seriesnumber: SeriesNumber (0020,0011)
-- instancenumber: InstanceNumber (0020,0013)
-- acquisitionnumber: AcquisitionNumber (0020,0012)
-- issuerofpatientid: IssuerOfPatientID (0010,0021)
-- patientname: PatientName (0010,0010)
-- patientbirthdate: PatientBirthDate (0010,0030)
-- patientsex: PatientSex (0010,0040)
-- patientage: PatientAge (0010,1010)
-- patientsize: PatientSize (0010,1020)
-- patientweight: PatientWeight (0010,1030)
-- ethnicgroup: EthnicGroup (0010,2160)
-- patientspeciesdescription: PatientSpeciesDescription (0010,2201)
-- patientidentityremoved: PatientIdentityRemoved (0012,0062)
-- deidentificationmethod: DeidentificationMethod (0012,0063)
-- longitudinaltemporalinformationmodified: LongitudinalTemporalInformationModified (0028,0303)
-- clinicaltrialsponsorname: ClinicalTrialSponsorName (0012,0010)
-- clinicaltrialprotocolid: ClinicalTrialProtocolID (0012,0020)
-- clinicaltrialsiteid: ClinicalTrialSiteID (0012,0030)
-- clinicaltrialsubjectid: ClinicalTrialSubjectID (0012,0040)
-- clinicaltrialtimepointid: ClinicalTrialTimePointID (0012,0050)
-- studyid: StudyID (0020,0010)
-- studydate: StudyDate (0008,0020)
-- studytime: StudyTime (0008,0030)
-- studydescription: StudyDescription (0008,1030)
-- accessionnumber: AccessionNumber (0008,0050)
-- referringphysicianname: ReferringPhysicianName (0008,0090)
-- admittingdiagnosesdescription: AdmittingDiagnosesDescription (0008,1080)
-- requestedproceduredescription: RequestedProcedureDescription (0032,1060)
-- seriesdate: SeriesDate (0008,0021)
-- seriestime: SeriesTime (0008,0031)
-- seriesdescription: SeriesDescription (0008,103E)
-- protocolname: ProtocolName (0018,1030)
-- bodypartexamined: BodyPartExamined (0018,0015)
-- laterality: Laterality (0020,0060)
-- imagelaterality: ImageLaterality (0020,0062)
-- patientposition: PatientPosition (0018,5100)
-- viewposition: ViewPosition (0018,5101)
-- performedprocedurestepdescription: PerformedProcedureStepDescription (0040,0254)
-- manufacturer: Manufacturer (0008,0070)
-- manufacturermodelname: ManufacturerModelName (0008,1090)
-- deviceserialnumber: DeviceSerialNumber (0018,1000)
-- softwareversions: SoftwareVersions (0018,1020)
-- stationname: StationName (0008,1010)
-- institutionname: InstitutionName (0008,0080)
-- institutionaldepartmentname: InstitutionalDepartmentName (0008,1040)
-- imagetype: ImageType (0008,0008)
-- specificcharacterset: SpecificCharacterSet (0008,0005)
-- timezoneoffsetfromutc: TimezoneOffsetFromUTC (0008,0201)
-- instancecreationdate: InstanceCreationDate (0008,0012)
-- acquisitiondate: AcquisitionDate (0008,0022)
-- acquisitiontime: AcquisitionTime (0008,0032)
-- acquisitiondatetime: AcquisitionDateTime (0008,002A)
-- contentdate: ContentDate (0008,0023)
-- contenttime: ContentTime (0008,0033)
-- contentlabel: ContentLabel (0070,0080)
-- contentdescription: ContentDescription (0070,0081)
-- contrastbolusagent: ContrastBolusAgent (0018,0010)
-- contrastbolusroute: ContrastBolusRoute (0018,1040)
-- contrastbolusvolume: ContrastBolusVolume (0018,1041)
-- derivationdescription: DerivationDescription (0008,2111)
-- rows: Rows (0028,0010)
-- columns: Columns (0028,0011)
-- numberofframes: NumberOfFrames (0028,0008)
-- samplesperpixel: SamplesPerPixel (0028,0002)
-- photometricinterpretation: PhotometricInterpretation (0028,0004)
-- bitsallocated: BitsAllocated (0028,0100)
-- bitsstored: BitsStored (0028,0101)
-- highbit: HighBit (0028,0102)
-- pixelrepresentation: PixelRepresentation (0028,0103)
-- smallestimagepixelvalue: SmallestImagePixelValue (0028,0106)
-- largestimagepixelvalue: LargestImagePixelValue (0028,0107)
-- pixelpaddingvalue: PixelPaddingValue (0028,0120)
-- burnedinannotation: BurnedInAnnotation (0028,0301)
-- lossyimagecompression: LossyImageCompression (0028,2110)
-- lossyimagecompressionratio: LossyImageCompressionRatio (0028,2112)
-- rescaleintercept: RescaleIntercept (0028,1052)
-- rescaleslope: RescaleSlope (0028,1053)
-- rescaletype: RescaleType (0028,1054)
-- windowcenter: WindowCenter (0028,1050)
-- windowwidth: WindowWidth (0028,1051)
-- presentationintenttype: PresentationIntentType (0008,0068)
-- imagepositionpatient: ImagePositionPatient (0020,0032)
-- imageorientationpatient: ImageOrientationPatient (0020,0037)
-- pixelspacing: PixelSpacing (0028,0030)
-- imagerpixelspacing: ImagerPixelSpacing (0018,1164)
-- slicethickness: SliceThickness (0018,0050)
-- spacingbetweenslices: SpacingBetweenSlices (0018,0088)
-- slicelocation: SliceLocation (0020,1041)
-- kvp: KVP (0018,0060)
-- xraytubecurrent: XRayTubeCurrent (0018,1151)
-- exposuretime: ExposureTime (0018,1150)
-- exposure: Exposure (0018,1152)
-- ctdivol: CTDIvol (0018,9345)
-- convolutionkernel: ConvolutionKernel (0018,1210)
-- filtertype: FilterType (0018,1160)
-- reconstructiondiameter: ReconstructionDiameter (0018,1100)
-- datacollectiondiameter: DataCollectionDiameter (0018,0090)
-- gantrydetectortilt: GantryDetectorTilt (0018,1120)
-- tableheight: TableHeight (0018,1130)
-- scanoptions: ScanOptions (0018,0022)
-- spiralpitchfactor: SpiralPitchFactor (0018,9311)
-- singlecollimationwidth: SingleCollimationWidth (0018,9306)
-- totalcollimationwidth: TotalCollimationWidth (0018,9307)
-- distancesourcetodetector: DistanceSourceToDetector (0018,1110)
-- distancesourcetopatient: DistanceSourceToPatient (0018,1111)
-- scanningsequence: ScanningSequence (0018,0020)
-- sequencevariant: SequenceVariant (0018,0021)
-- sequencename: SequenceName (0018,0024)
-- mracquisitiontype: MRAcquisitionType (0018,0023)
-- repetitiontime: RepetitionTime (0018,0080)
-- echotime: EchoTime (0018,0081)
-- inversiontime: InversionTime (0018,0082)
-- flipangle: FlipAngle (0018,1314)
-- numberofaverages: NumberOfAverages (0018,0083)
-- magneticfieldstrength: MagneticFieldStrength (0018,0087)
-- imagingfrequency: ImagingFrequency (0018,0084)
-- imagednucleus: ImagedNucleus (0018,0085)
-- echonumbers: EchoNumbers (0018,0086)
-- echotrainlength: EchoTrainLength (0018,0091)
-- percentphasefieldofview: PercentPhaseFieldOfView (0018,0094)
-- pixelbandwidth: PixelBandwidth (0018,0095)
-- acquisitionmatrix: AcquisitionMatrix (0018,1310)
-- inplanephaseencodingdirection: InPlanePhaseEncodingDirection (0018,1312)
-- receivecoilname: ReceiveCoilName (0018,1250)
-- sar: SAR (0018,1316)
-- diffusionbvalue: DiffusionBValue (0018,9087)
-- temporalpositionidentifier: TemporalPositionIdentifier (0020,0100)
-- numberoftemporalpositions: NumberOfTemporalPositions (0020,0105)
-- triggertime: TriggerTime (0018,1060)
-- units: Units (0054,1001)
-- suvtype: SUVType (0054,1006)
-- decaycorrection: DecayCorrection (0054,1102)
-- decayfactor: DecayFactor (0054,1321)
-- correctedimage: CorrectedImage (0028,0051)
-- attenuationcorrectionmethod: AttenuationCorrectionMethod (0054,1101)
-- scattercorrectionmethod: ScatterCorrectionMethod (0054,1105)
-- reconstructionmethod: ReconstructionMethod (0054,1103)
-- decaycorrected: DecayCorrected (0018,9758)
-- decaycorrectiondatetime: DecayCorrectionDateTime (0018,9701)
-- framereferencetime: FrameReferenceTime (0054,1300)
-- actualframeduration: ActualFrameDuration (0018,1242)
-- breastimplantpresent: BreastImplantPresent (0028,1300)
-- bodypartthickness: BodyPartThickness (0018,11A0)
-- compressionforce: CompressionForce (0018,11A2)
-- positionerprimaryangle: PositionerPrimaryAngle (0018,1510)
-- anodetargetmaterial: AnodeTargetMaterial (0018,1191)
-- organdose: OrganDose (0040,0316)
-- transducerfrequency: TransducerFrequency (0018,6030)
-- mechanicalindex: MechanicalIndex (0018,5022)
-- frametime: FrameTime (0018,1063)
-- segmentationtype: SegmentationType (0062,0001)
-- structuresetlabel: StructureSetLabel (3006,0002)
-- rtplanlabel: RTPlanLabel (300A,0002)
-- doseunits: DoseUnits (3004,0002)
-- dosetype: DoseType (3004,0004)
-- dosesummationtype: DoseSummationType (3004,000A)
-- dosegridscaling: DoseGridScaling (3004,000E)
-- gridframeoffsetvector: GridFrameOffsetVector (3004,000C)
-- completionflag: CompletionFlag (0040,A491)
-- containeridentifier: ContainerIdentifier (0040,0512)
-- totalpixelmatrixcolumns: TotalPixelMatrixColumns (0048,0006)
-- totalpixelmatrixrows: TotalPixelMatrixRows (0048,0007)
SELECT
  provider AS collection_id,
  NULL::text AS analysis_result_id,
  NULL::text AS crdc_study_uuid,
  NULL::text AS crdc_series_uuid,
  NULL::text AS crdc_instance_uuid,
  NULL::text AS gcs_url,
  NULL::text AS aws_url,
  file_size AS instance_size,
  NULL::text AS instance_hash,
  NULL::text AS Source_DOI,
  NULL::text AS license_short_name,
  NULL::text AS license_long_name,
  NULL::text AS license_url,
  sop_instance_uid AS SOPInstanceUID,
  series_instance_uid AS SeriesInstanceUID,
  study_instance_uid AS StudyInstanceUID,
  patient_id AS PatientID,
  sop_class_uid AS SOPClassUID,
  transfer_syntax_uid AS TransferSyntaxUID,
  modality AS Modality,
  frame_of_reference_uid AS FrameOfReferenceUID,
  series_number AS SeriesNumber,
  instance_number AS InstanceNumber,
  acquisition_number AS AcquisitionNumber,
  issuer_of_patient_id AS IssuerOfPatientID,
  patient_name AS PatientName,
  patient_birth_date AS PatientBirthDate,
  patient_sex AS PatientSex,
  patient_age AS PatientAge,
  patient_size AS PatientSize,
  patient_weight AS PatientWeight,
  ethnic_group AS EthnicGroup,
  patient_species_description AS PatientSpeciesDescription,
  patient_identity_removed AS PatientIdentityRemoved,
  deidentification_method AS DeidentificationMethod,
  longitudinal_temporal_information_modified AS LongitudinalTemporalInformationModified,
  clinical_trial_sponsor_name AS ClinicalTrialSponsorName,
  clinical_trial_protocol_id AS ClinicalTrialProtocolID,
  clinical_trial_site_id AS ClinicalTrialSiteID,
  clinical_trial_subject_id AS ClinicalTrialSubjectID,
  clinical_trial_time_point_id AS ClinicalTrialTimePointID,
  study_id AS StudyID,
  study_date AS StudyDate,
  study_time AS StudyTime,
  study_description AS StudyDescription,
  accession_number AS AccessionNumber,
  referring_physician_name AS ReferringPhysicianName,
  admitting_diagnoses_description AS AdmittingDiagnosesDescription,
  requested_procedure_description AS RequestedProcedureDescription,
  series_date AS SeriesDate,
  series_time AS SeriesTime,
  series_description AS SeriesDescription,
  protocol_name AS ProtocolName,
  body_part_examined AS BodyPartExamined,
  laterality AS Laterality,
  image_laterality AS ImageLaterality,
  patient_position AS PatientPosition,
  view_position AS ViewPosition,
  performed_procedure_step_description AS PerformedProcedureStepDescription,
  manufacturer AS Manufacturer,
  manufacturer_model_name AS ManufacturerModelName,
  device_serial_number AS DeviceSerialNumber,
  software_versions AS SoftwareVersions,
  station_name AS StationName,
  institution_name AS InstitutionName,
  institutional_department_name AS InstitutionalDepartmentName,
  image_type AS ImageType,
  specific_character_set AS SpecificCharacterSet,
  timezone_offset_from_utc AS TimezoneOffsetFromUTC,
  instance_creation_date AS InstanceCreationDate,
  acquisition_date AS AcquisitionDate,
  acquisition_time AS AcquisitionTime,
  acquisition_date_time AS AcquisitionDateTime,
  content_date AS ContentDate,
  content_time AS ContentTime,
  content_label AS ContentLabel,
  content_description AS ContentDescription,
  contrast_bolus_agent AS ContrastBolusAgent,
  contrast_bolus_route AS ContrastBolusRoute,
  contrast_bolus_volume AS ContrastBolusVolume,
  derivation_description AS DerivationDescription,
  rows AS Rows,
  columns AS Columns,
  number_of_frames AS NumberOfFrames,
  samples_per_pixel AS SamplesPerPixel,
  photometric_interpretation AS PhotometricInterpretation,
  bits_allocated AS BitsAllocated,
  bits_stored AS BitsStored,
  high_bit AS HighBit,
  pixel_representation AS PixelRepresentation,
  smallest_image_pixel_value AS SmallestImagePixelValue,
  largest_image_pixel_value AS LargestImagePixelValue,
  pixel_padding_value AS PixelPaddingValue,
  burned_in_annotation AS BurnedInAnnotation,
  lossy_image_compression AS LossyImageCompression,
  lossy_image_compression_ratio AS LossyImageCompressionRatio,
  rescale_intercept AS RescaleIntercept,
  rescale_slope AS RescaleSlope,
  rescale_type AS RescaleType,
  window_center AS WindowCenter,
  window_width AS WindowWidth,
  presentation_intent_type AS PresentationIntentType,
  image_position_patient AS ImagePositionPatient,
  image_orientation_patient AS ImageOrientationPatient,
  pixel_spacing AS PixelSpacing,
  imager_pixel_spacing AS ImagerPixelSpacing,
  slice_thickness AS SliceThickness,
  spacing_between_slices AS SpacingBetweenSlices,
  slice_location AS SliceLocation,
  kvp AS KVP,
  x_ray_tube_current AS XRayTubeCurrent,
  exposure_time AS ExposureTime,
  exposure AS Exposure,
  ctdi_vol AS CTDIvol,
  convolution_kernel AS ConvolutionKernel,
  filter_type AS FilterType,
  reconstruction_diameter AS ReconstructionDiameter,
  data_collection_diameter AS DataCollectionDiameter,
  gantry_detector_tilt AS GantryDetectorTilt,
  table_height AS TableHeight,
  scan_options AS ScanOptions,
  spiral_pitch_factor AS SpiralPitchFactor,
  single_collimation_width AS SingleCollimationWidth,
  total_collimation_width AS TotalCollimationWidth,
  distance_source_to_detector AS DistanceSourceToDetector,
  distance_source_to_patient AS DistanceSourceToPatient,
  scanning_sequence AS ScanningSequence,
  sequence_variant AS SequenceVariant,
  sequence_name AS SequenceName,
  mr_acquisition_type AS MRAcquisitionType,
  repetition_time AS RepetitionTime,
  echo_time AS EchoTime,
  inversion_time AS InversionTime,
  flip_angle AS FlipAngle,
  number_of_averages AS NumberOfAverages,
  magnetic_field_strength AS MagneticFieldStrength,
  imaging_frequency AS ImagingFrequency,
  imaged_nucleus AS ImagedNucleus,
  echo_numbers AS EchoNumbers,
  echo_train_length AS EchoTrainLength,
  percent_phase_field_of_view AS PercentPhaseFieldOfView,
  pixel_bandwidth AS PixelBandwidth,
  acquisition_matrix AS AcquisitionMatrix,
  in_plane_phase_encoding_direction AS InPlanePhaseEncodingDirection,
  receive_coil_name AS ReceiveCoilName,
  sar AS SAR,
  diffusion_b_value AS DiffusionBValue,
  temporal_position_identifier AS TemporalPositionIdentifier,
  number_of_temporal_positions AS NumberOfTemporalPositions,
  trigger_time AS TriggerTime,
  units AS Units,
  suv_type AS SUVType,
  decay_correction AS DecayCorrection,
  decay_factor AS DecayFactor,
  corrected_image AS CorrectedImage,
  attenuation_correction_method AS AttenuationCorrectionMethod,
  scatter_correction_method AS ScatterCorrectionMethod,
  reconstruction_method AS ReconstructionMethod,
  decay_corrected AS DecayCorrected,
  decay_correction_date_time AS DecayCorrectionDateTime,
  frame_reference_time AS FrameReferenceTime,
  actual_frame_duration AS ActualFrameDuration,
  breast_implant_present AS BreastImplantPresent,
  body_part_thickness AS BodyPartThickness,
  compression_force AS CompressionForce,
  positioner_primary_angle AS PositionerPrimaryAngle,
  anode_target_material AS AnodeTargetMaterial,
  organ_dose AS OrganDose,
  transducer_frequency AS TransducerFrequency,
  mechanical_index AS MechanicalIndex,
  frame_time AS FrameTime,
  segmentation_type AS SegmentationType,
  structure_set_label AS StructureSetLabel,
  rt_plan_label AS RTPlanLabel,
  dose_units AS DoseUnits,
  dose_type AS DoseType,
  dose_summation_type AS DoseSummationType,
  dose_grid_scaling AS DoseGridScaling,
  grid_frame_offset_vector AS GridFrameOffsetVector,
  completion_flag AS CompletionFlag,
  container_identifier AS ContainerIdentifier,
  total_pixel_matrix_columns AS TotalPixelMatrixColumns,
  total_pixel_matrix_rows AS TotalPixelMatrixRows
FROM imaging.instances
