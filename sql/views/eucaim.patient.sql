-- view: EUCAIM, output schema: one row per patient of a provider, as the newest series by study date shows it; of imaging.series. That a patient is here says nothing about cancer
-- patient_id: Key of the patient: provider, issuer of the ID and PatientID (0010,0020) with \ between, which no ID has; of who has no ID, the study
-- dataset_id: Provider
-- patient_birth_date: PatientBirthDate (0010,0030)
-- patient_birth_sex: PatientSex (0010,0040) in EUCAIM's codes: M, F; NULL for O and none, for which no code is known
-- patient_gender: NULL: clinical; the lake's own tables have it
-- patient_race: NULL: clinical; the lake's own tables have it
-- patient_ethnicity: NULL: clinical; the lake's own tables have it
-- patient_managing_organization: Provider
-- patient_diagnostic_category: NULL: clinical; the lake's own tables have it
-- patient_deceased: NULL: clinical; the lake's own tables have it
-- patient_date_of_last_contact: NULL: clinical; the lake's own tables have it
-- patient_cause_of_death: NULL: clinical; the lake's own tables have it
SELECT
  provider || '\' || coalesce(issuer_of_patient_id, '') || '\' || coalesce(patient_id, '\' || study_instance_uid) AS patient_id,
  provider AS dataset_id,
  patient_birth_date AS patient_birth_date,
  CASE patient_sex WHEN 'M' THEN 'COM1000180' WHEN 'F' THEN 'COM1000177' END AS patient_birth_sex,
  NULL::text AS patient_gender,
  NULL::text AS patient_race,
  NULL::text AS patient_ethnicity,
  provider AS patient_managing_organization,
  NULL::text AS patient_diagnostic_category,
  NULL::bool AS patient_deceased,
  NULL::date AS patient_date_of_last_contact,
  NULL::text AS patient_cause_of_death
FROM (
  SELECT
    *,
    row_number() OVER (
      PARTITION BY provider, issuer_of_patient_id, patient_id, CASE WHEN patient_id IS NULL THEN study_instance_uid END
      ORDER BY study_date DESC NULLS LAST, study_time DESC NULLS LAST, study_instance_uid, series_instance_uid
    ) AS newest
  FROM imaging.series
) AS s
WHERE newest = 1
