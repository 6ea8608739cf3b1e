-- view: One row per patient and provider, summed up from imaging.series
-- provider: Hospital that brought the data
-- patient_id: PatientID (0010,0020)
-- issuer_of_patient_id: IssuerOfPatientID (0010,0021)
-- patient_name: PatientName (0010,0010)
-- patient_birth_date: PatientBirthDate (0010,0030)
-- patient_sex: PatientSex (0010,0040)
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
  min(issuer_of_patient_id) AS issuer_of_patient_id,
  min(patient_name) AS patient_name,
  min(patient_birth_date) AS patient_birth_date,
  min(patient_sex) AS patient_sex,
  min(study_date) AS first_study_date,
  max(study_date) AS last_study_date,
  array_agg(DISTINCT modality ORDER BY modality) FILTER (WHERE modality IS NOT NULL) AS modalities,
  count(DISTINCT study_instance_uid) AS studies,
  count(*) AS series,
  sum(instance_count)::int8 AS instances,
  sum(total_bytes)::int8 AS total_bytes,
  max(ingested_epoch) AS ingested_epoch
FROM imaging.series
GROUP BY provider, patient_id
