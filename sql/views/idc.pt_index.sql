-- view: IDC: one row per series of PET Image Storage; Enhanced PET is not in it, as in IDC; of imaging.instances
-- seriesinstanceuid: SeriesInstanceUID (0020,000E)
-- seriestype: Both values of SeriesType (0054,1000) with / between, of the first instance that has it; read from dataset
-- units: Units (0054,1001), of the first instance that has it
-- decaycorrection: DecayCorrection (0054,1102), of the first instance that has it
-- correctedimage: CorrectedImage (0028,0051), of the first instance that has it
-- randomscorrectionmethod: RandomsCorrectionMethod (0054,1100), of the first instance that has it; read from dataset
-- reconstructionmethod: ReconstructionMethod (0054,1103), of the first instance that has it
-- actualframeduration: The different values of ActualFrameDuration (0018,1242), ms, sorted; NULL if there is none
-- scattercorrectionmethod: ScatterCorrectionMethod (0054,1105), of the first instance that has it
-- attenuationcorrectionmethod: AttenuationCorrectionMethod (0054,1101), of the first instance that has it
-- radionuclidecodemeaning: CodeMeaning of RadionuclideCodeSequence (0054,0300), of the first instance that has it
-- radionuclidetotaldose: RadionuclideTotalDose (0018,1074), Bq, of the first instance that has it
-- radiopharmaceuticalstarttime: RadiopharmaceuticalStartTime (0018,1072) as text, of the first instance that has it
-- radiopharmaceutical: Radiopharmaceutical (0018,0031), of the first instance that has it
-- pixelspacing_row_mm: Distance of rows, mm: first value of PixelSpacing (0028,0030), of the first instance that has it
-- pixelspacing_col_mm: Distance of columns, mm: second value of PixelSpacing (0028,0030), of the first instance that has it
-- rows: Rows (0028,0010), of the first instance that has it
-- columns: Columns (0028,0011), of the first instance that has it
-- slicethickness: SliceThickness (0018,0050), mm, of the first instance that has it
-- numberofslices: NumberOfSlices (0054,0081), of the first instance that has it; read from dataset
-- numberoftimeslices: NumberOfTimeSlices (0054,0101), of the first instance that has it; read from dataset
SELECT
  series_instance_uid AS SeriesInstanceUID,
  first_value(replace(dicom_tag(dataset, 'SeriesType'), '\', '/') ORDER BY instance_number, sop_instance_uid) FILTER (WHERE replace(dicom_tag(dataset, 'SeriesType'), '\', '/') IS NOT NULL) AS SeriesType,
  first_value(units ORDER BY instance_number, sop_instance_uid) FILTER (WHERE units IS NOT NULL) AS Units,
  first_value(decay_correction ORDER BY instance_number, sop_instance_uid) FILTER (WHERE decay_correction IS NOT NULL) AS DecayCorrection,
  first_value(corrected_image ORDER BY instance_number, sop_instance_uid) FILTER (WHERE corrected_image IS NOT NULL) AS CorrectedImage,
  first_value(dicom_tag(dataset, 'RandomsCorrectionMethod') ORDER BY instance_number, sop_instance_uid) FILTER (WHERE dicom_tag(dataset, 'RandomsCorrectionMethod') IS NOT NULL) AS RandomsCorrectionMethod,
  first_value(reconstruction_method ORDER BY instance_number, sop_instance_uid) FILTER (WHERE reconstruction_method IS NOT NULL) AS ReconstructionMethod,
  array_agg(DISTINCT actual_frame_duration::float8 ORDER BY actual_frame_duration::float8) FILTER (WHERE actual_frame_duration IS NOT NULL) AS ActualFrameDuration,
  first_value(scatter_correction_method ORDER BY instance_number, sop_instance_uid) FILTER (WHERE scatter_correction_method IS NOT NULL) AS ScatterCorrectionMethod,
  first_value(attenuation_correction_method ORDER BY instance_number, sop_instance_uid) FILTER (WHERE attenuation_correction_method IS NOT NULL) AS AttenuationCorrectionMethod,
  first_value((radionuclide_code).meaning ORDER BY instance_number, sop_instance_uid) FILTER (WHERE (radionuclide_code).meaning IS NOT NULL) AS RadionuclideCodeMeaning,
  first_value(radionuclide_total_dose ORDER BY instance_number, sop_instance_uid) FILTER (WHERE radionuclide_total_dose IS NOT NULL) AS RadionuclideTotalDose,
  first_value(radiopharmaceutical_start_time::text ORDER BY instance_number, sop_instance_uid) FILTER (WHERE radiopharmaceutical_start_time::text IS NOT NULL) AS RadiopharmaceuticalStartTime,
  first_value(radiopharmaceutical ORDER BY instance_number, sop_instance_uid) FILTER (WHERE radiopharmaceutical IS NOT NULL) AS Radiopharmaceutical,
  first_value(pixel_spacing[1] ORDER BY instance_number, sop_instance_uid) FILTER (WHERE pixel_spacing[1] IS NOT NULL) AS PixelSpacing_row_mm,
  first_value(pixel_spacing[2] ORDER BY instance_number, sop_instance_uid) FILTER (WHERE pixel_spacing[2] IS NOT NULL) AS PixelSpacing_col_mm,
  first_value(rows ORDER BY instance_number, sop_instance_uid) FILTER (WHERE rows IS NOT NULL) AS Rows,
  first_value(columns ORDER BY instance_number, sop_instance_uid) FILTER (WHERE columns IS NOT NULL) AS Columns,
  first_value(slice_thickness ORDER BY instance_number, sop_instance_uid) FILTER (WHERE slice_thickness IS NOT NULL) AS SliceThickness,
  first_value(substring(dicom_tag(dataset, 'NumberOfSlices') FROM '^[0-9]{1,9}$')::int4 ORDER BY instance_number, sop_instance_uid) FILTER (WHERE substring(dicom_tag(dataset, 'NumberOfSlices') FROM '^[0-9]{1,9}$')::int4 IS NOT NULL) AS NumberOfSlices,
  first_value(substring(dicom_tag(dataset, 'NumberOfTimeSlices') FROM '^[0-9]{1,9}$')::int4 ORDER BY instance_number, sop_instance_uid) FILTER (WHERE substring(dicom_tag(dataset, 'NumberOfTimeSlices') FROM '^[0-9]{1,9}$')::int4 IS NOT NULL) AS NumberOfTimeSlices
FROM imaging.instances
WHERE sop_class_uid = '1.2.840.10008.5.1.4.1.1.128'
GROUP BY series_instance_uid
