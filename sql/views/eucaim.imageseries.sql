-- view: EUCAIM, ingestion schema: one row per series of a provider, with the mandatory tags; of imaging.series
-- imagestudyidentifier: Key of the study: the patient's, \ and StudyInstanceUID (0020,000D)
-- imagestudyuid: StudyInstanceUID (0020,000D)
-- imageseriesuid: SeriesInstanceUID (0020,000E)
-- imageseriesnumber: SeriesNumber (0020,0011)
-- description: SeriesDescription (0008,103E)
-- manufacturer: Manufacturer (0008,0070)
-- bodypartexamined: BodyPartExamined (0018,0015) in EUCAIM's codes: BREAST, COLON, LUNG, PELVIS, PROSTATE; NULL for others, of which no code is known
-- patientid: PatientID (0010,0020)
-- modality: Modality (0008,0060)
-- bodypartexaminedoriginal: BodyPartExamined (0018,0015)
-- acquisitiondate: Earliest AcquisitionDate (0008,0022)
SELECT
  provider || '\' || coalesce(issuer_of_patient_id, '') || '\' || coalesce(patient_id, '\' || study_instance_uid) || '\' || study_instance_uid AS imagestudyidentifier,
  study_instance_uid AS imagestudyuid,
  series_instance_uid AS imageseriesuid,
  series_number AS imageseriesnumber,
  series_description AS description,
  manufacturer AS manufacturer,
  CASE upper(body_part_examined) WHEN 'BREAST' THEN 'BP1000136' WHEN 'COLON' THEN 'BP1000257' WHEN 'LUNG' THEN 'BP1000113' WHEN 'PELVIS' THEN 'BP1000092' WHEN 'PROSTATE' THEN 'BP1000021' END AS bodypartexamined,
  patient_id AS patientid,
  modality AS modality,
  body_part_examined AS bodypartexaminedoriginal,
  first_acquisition_date AS acquisitiondate
FROM imaging.series
