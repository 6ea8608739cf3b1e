-- view: EUCAIM, output schema: one row per study and patient of a provider; of imaging.series
-- study_id: Key of the study: the patient's, \ and StudyInstanceUID (0020,000D)
-- procedure_id: Key of the procedure, which is the study's: a table or view eucaim.procedure of your own names it
-- patient_id: Key of the patient: provider, issuer of the ID and PatientID (0010,0020) with \ between, which no ID has; of who has no ID, the study
-- study_uid: StudyInstanceUID (0020,000D)
-- imagingtimepoint: NULL: clinical; the lake's own tables have it
-- study_offset_from_diagnosis: NULL: no date of diagnosis is known of images
-- study_offset_unit: NULL: no date of diagnosis is known of images
SELECT
  provider || '\' || coalesce(issuer_of_patient_id, '') || '\' || coalesce(patient_id, '\' || study_instance_uid) || '\' || study_instance_uid AS study_id,
  provider || '\' || coalesce(issuer_of_patient_id, '') || '\' || coalesce(patient_id, '\' || study_instance_uid) || '\' || study_instance_uid AS procedure_id,
  provider || '\' || coalesce(issuer_of_patient_id, '') || '\' || coalesce(patient_id, '\' || study_instance_uid) AS patient_id,
  study_instance_uid AS study_uid,
  NULL::int4 AS imagingtimepoint,
  NULL::numeric(5,2) AS study_offset_from_diagnosis,
  NULL::text AS study_offset_unit
FROM (
  SELECT DISTINCT provider, issuer_of_patient_id, patient_id, study_instance_uid FROM imaging.series
) AS s
