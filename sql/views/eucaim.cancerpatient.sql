-- view: EUCAIM, ingestion schema: one row per patient of a provider, as the newest series by study date shows it; of imaging.series. That a patient is here says nothing about cancer
-- identifier: Key of the patient: provider, issuer of the ID and PatientID (0010,0020) with \ between, which no ID has; of who has no ID, the study
-- datasetidentifier: Provider
-- birthdate: PatientBirthDate (0010,0030), 2001-12-31
-- birthsexeucaim: PatientSex (0010,0040) in EUCAIM's codes: M, F; NULL for O and none, for which no code is known
-- birthsexoriginal: PatientSex (0010,0040)
-- ethnicity: NULL: clinical; the lake's own tables have it
-- managingorganization: Provider
-- diagnosticcategoryeucaim: NULL: clinical; the lake's own tables have it
-- diagnosticcategoryoriginal: NULL: clinical; the lake's own tables have it
-- deceased: NULL: clinical; the lake's own tables have it
-- lastcontactdate: NULL: clinical; the lake's own tables have it
-- causeofdeatheucaim: NULL: clinical; the lake's own tables have it
-- causeofdeathoriginal: NULL: clinical; the lake's own tables have it
SELECT
  provider || '\' || coalesce(issuer_of_patient_id, '') || '\' || coalesce(patient_id, '\' || study_instance_uid) AS identifier,
  provider AS datasetidentifier,
  to_char(patient_birth_date, 'YYYY-MM-DD') AS birthdate,
  CASE patient_sex WHEN 'M' THEN 'COM1000180' WHEN 'F' THEN 'COM1000177' END AS birthsexeucaim,
  patient_sex AS birthsexoriginal,
  NULL::text AS ethnicity,
  provider AS managingorganization,
  NULL::text AS diagnosticcategoryeucaim,
  NULL::text AS diagnosticcategoryoriginal,
  NULL::bool AS deceased,
  NULL::text AS lastcontactdate,
  NULL::text AS causeofdeatheucaim,
  NULL::text AS causeofdeathoriginal
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
