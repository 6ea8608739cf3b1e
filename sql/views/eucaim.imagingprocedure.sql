-- view: EUCAIM, ingestion schema: one row per study and patient of a provider, as the newest of its series shows it; of imaging.series
-- procedureidentifier: Key of the study: the patient's, \ and StudyInstanceUID (0020,000D)
-- primarycancerconditionidentifier: NULL: clinical; the lake's own tables have it
-- patientidentifier: Key of the patient: provider, issuer of the ID and PatientID (0010,0020) with \ between, which no ID has; of who has no ID, the study
-- offsetfromdiagnosis: NULL: no date of diagnosis is known of images
-- offsetuniteucaim: NULL: no date of diagnosis is known of images
-- offsetunitoriginal: NULL: no date of diagnosis is known of images
-- performeddate: StudyDate (0008,0020)
-- imagingprocedureeucaim: NULL: no code is known
-- imagingprocedureoriginal: StudyDescription (0008,1030)
-- imagingtimepoint: NULL: clinical; the lake's own tables have it
-- episode: NULL: clinical; the lake's own tables have it
-- episodestartdate: NULL: clinical; the lake's own tables have it
SELECT
  provider || '\' || coalesce(issuer_of_patient_id, '') || '\' || coalesce(patient_id, '\' || study_instance_uid) || '\' || study_instance_uid AS procedureidentifier,
  NULL::text AS primarycancerconditionidentifier,
  provider || '\' || coalesce(issuer_of_patient_id, '') || '\' || coalesce(patient_id, '\' || study_instance_uid) AS patientidentifier,
  NULL::numeric(5,2) AS offsetfromdiagnosis,
  NULL::text AS offsetuniteucaim,
  NULL::text AS offsetunitoriginal,
  to_char(study_date, 'YYYY-MM-DD') AS performeddate,
  NULL::text AS imagingprocedureeucaim,
  study_description AS imagingprocedureoriginal,
  NULL::int4 AS imagingtimepoint,
  NULL::int4 AS episode,
  NULL::text AS episodestartdate
FROM (
  SELECT
    *,
    row_number() OVER (
      PARTITION BY provider, issuer_of_patient_id, patient_id, study_instance_uid
      ORDER BY study_date DESC NULLS LAST, study_time DESC NULLS LAST, series_instance_uid
    ) AS newest
  FROM imaging.series
) AS s
WHERE newest = 1
