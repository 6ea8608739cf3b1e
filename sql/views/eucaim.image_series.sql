-- view: EUCAIM, output schema: one row per series of a provider, with the mandatory tags; of imaging.series
-- series_uid: SeriesInstanceUID (0020,000E)
-- study_uid: StudyInstanceUID (0020,000D)
-- study_id: Key of the study: the patient's, \ and StudyInstanceUID (0020,000D)
-- series_number: SeriesNumber (0020,0011)
-- series_description: SeriesDescription (0008,103E)
-- series_manufacturer: Manufacturer (0008,0070) in EUCAIM's codes: Siemens, GE, Philips, Toshiba; NULL for others, of which no code is known
-- series_body_site_code: BodyPartExamined (0018,0015) in EUCAIM's codes: BREAST, COLON, LUNG, PELVIS, PROSTATE; NULL for others, of which no code is known
-- series_body_site_location: BodyPartExamined (0018,0015), as the file says it
-- series_body_site_laterality: Laterality (0020,0060), as the file says it
-- series_acquisition_date: Earliest AcquisitionDate (0008,0022)
-- series_modality: Modality (0008,0060) in EUCAIM's codes: CT, MR, PT; NULL for others, of which no code is known
SELECT
  series_instance_uid AS series_uid,
  study_instance_uid AS study_uid,
  provider || '\' || coalesce(issuer_of_patient_id, '') || '\' || coalesce(patient_id, '\' || study_instance_uid) || '\' || study_instance_uid AS study_id,
  series_number AS series_number,
  series_description AS series_description,
  CASE WHEN upper(manufacturer) LIKE 'SIEMENS%' THEN 'IMG1000044' WHEN upper(manufacturer) LIKE 'GE MEDICAL%' OR upper(manufacturer) LIKE 'GE HEALTHCARE%' OR upper(manufacturer) IN ('GE', 'GENERAL ELECTRIC') THEN 'IMG1000047' WHEN upper(manufacturer) LIKE 'PHILIPS%' THEN 'IMG1000046' WHEN upper(manufacturer) LIKE 'TOSHIBA%' THEN 'IMG1000045' END AS series_manufacturer,
  CASE upper(body_part_examined) WHEN 'BREAST' THEN 'BP1000136' WHEN 'COLON' THEN 'BP1000257' WHEN 'LUNG' THEN 'BP1000113' WHEN 'PELVIS' THEN 'BP1000092' WHEN 'PROSTATE' THEN 'BP1000021' END AS series_body_site_code,
  body_part_examined AS series_body_site_location,
  laterality AS series_body_site_laterality,
  first_acquisition_date AS series_acquisition_date,
  CASE modality WHEN 'CT' THEN 'IMG1000026' WHEN 'MR' THEN 'IMG1000038' WHEN 'PT' THEN 'IMG1004451' END AS series_modality
FROM imaging.series
