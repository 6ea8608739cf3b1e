-- view: One row per patient, of a provider and an issuer; who has no patient ID is told apart by study. What a column shows of a patient is of one series, the newest by study date
-- provider: Hospital that brought the data
-- patient_id: PatientID (0010,0020)
-- issuer_of_patient_id: IssuerOfPatientID (0010,0021)
-- patient_name: PatientName (0010,0010)
-- patient_birth_date: PatientBirthDate (0010,0030)
-- patient_sex: PatientSex (0010,0040)
-- patient_names: Number of different names, carets at the end aside; more than one is a conflict, or a change
-- patient_birth_dates: Number of different dates of birth; more than one is a conflict
-- patient_sexes: Number of different sexes; more than one is a conflict
-- first_study_date: Earliest StudyDate (0008,0020)
-- last_study_date: Latest StudyDate (0008,0020)
-- modalities: The different values of Modality (0008,0060), sorted
-- studies: Number of studies
-- series: Number of series
-- instances: Number of instances
-- total_bytes: Size of all files in bytes
-- ingested_epoch: Newest epoch that brought any of it
SELECT
  provider,
  patient_id,
  issuer_of_patient_id,
  min(patient_name) FILTER (WHERE newest = 1) AS patient_name,
  min(patient_birth_date) FILTER (WHERE newest = 1) AS patient_birth_date,
  min(patient_sex) FILTER (WHERE newest = 1) AS patient_sex,
  greatest(count(DISTINCT rtrim(patient_name, '^=')), max(patient_name_count)) AS patient_names,
  greatest(count(DISTINCT patient_birth_date), max(patient_birth_date_count)) AS patient_birth_dates,
  greatest(count(DISTINCT patient_sex), max(patient_sex_count)) AS patient_sexes,
  min(study_date) AS first_study_date,
  max(study_date) AS last_study_date,
  array_agg(DISTINCT modality ORDER BY modality) FILTER (WHERE modality IS NOT NULL) AS modalities,
  count(DISTINCT study_instance_uid) AS studies,
  count(*) AS series,
  sum(instance_count)::int8 AS instances,
  sum(total_bytes)::int8 AS total_bytes,
  max(ingested_epoch) AS ingested_epoch
FROM (
  SELECT
    *,
    CASE WHEN patient_id IS NULL THEN study_instance_uid END AS without_id,
    row_number() OVER (
      PARTITION BY provider, issuer_of_patient_id, patient_id, CASE WHEN patient_id IS NULL THEN study_instance_uid END
      ORDER BY study_date DESC NULLS LAST, study_time DESC NULLS LAST, study_instance_uid, series_instance_uid
    ) AS newest
  FROM imaging.series
) AS s
GROUP BY provider, issuer_of_patient_id, patient_id, without_id
