-- view: EUCAIM, ingestion schema: one row per study and patient of a provider; of imaging.series
-- id: Key of the study: the patient's, \ and StudyInstanceUID (0020,000D)
-- imagestudyuid: StudyInstanceUID (0020,000D)
-- imagingtimepoint: NULL: clinical; the lake's own tables have it
-- patientidentifier: Key of the patient: provider, issuer of the ID and PatientID (0010,0020) with \ between, which no ID has; of who has no ID, the study
-- datasetidentifier: Provider
-- offsetfromdiagnosis: NULL: no date of diagnosis is known of images
-- offsetuniteucaim: NULL: no date of diagnosis is known of images
-- offsetunitoriginal: NULL: no date of diagnosis is known of images
-- imagingprocedureidentifier: Key of the row of imagingprocedure, which is the study's
-- imagestudycategorycode: NULL: no code is known
SELECT
  provider || '\' || coalesce(issuer_of_patient_id, '') || '\' || coalesce(patient_id, '\' || study_instance_uid) || '\' || study_instance_uid AS id,
  study_instance_uid AS imagestudyuid,
  NULL::int4 AS imagingtimepoint,
  provider || '\' || coalesce(issuer_of_patient_id, '') || '\' || coalesce(patient_id, '\' || study_instance_uid) AS patientidentifier,
  provider AS datasetidentifier,
  NULL::numeric(5,2) AS offsetfromdiagnosis,
  NULL::text AS offsetuniteucaim,
  NULL::text AS offsetunitoriginal,
  provider || '\' || coalesce(issuer_of_patient_id, '') || '\' || coalesce(patient_id, '\' || study_instance_uid) || '\' || study_instance_uid AS imagingprocedureidentifier,
  NULL::text AS imagestudycategorycode
FROM (
  SELECT DISTINCT provider, issuer_of_patient_id, patient_id, study_instance_uid FROM imaging.series
) AS s
