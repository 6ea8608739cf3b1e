-- view: One row per study and patient, of a provider. What a column shows of study and patient is of one series, the newest by study date
-- study_instance_uid: StudyInstanceUID (0020,000D)
-- provider: Hospital that brought the data
-- patient_id: PatientID (0010,0020)
-- issuer_of_patient_id: IssuerOfPatientID (0010,0021)
-- patients: Number of patients that the study has, by issuer and ID; each has a row, and more than one is a conflict
-- patient_name: PatientName (0010,0010)
-- patient_birth_date: PatientBirthDate (0010,0030)
-- patient_sex: PatientSex (0010,0040)
-- patient_names: Number of different names, carets at the end aside; more than one is a conflict
-- patient_birth_dates: Number of different dates of birth; more than one is a conflict
-- patient_sexes: Number of different sexes; more than one is a conflict
-- patient_age: PatientAge (0010,1010) at the study; see dicom_age_years()
-- study_date: StudyDate (0008,0020)
-- study_time: StudyTime (0008,0030)
-- study_id: StudyID (0020,0010)
-- accession_number: AccessionNumber (0008,0050)
-- study_description: StudyDescription (0008,1030)
-- modalities: The different values of Modality (0008,0060), sorted
-- body_parts: The different values of BodyPartExamined (0018,0015), sorted
-- series: Number of series
-- volumes: Number of series that are a volume: one orientation, even spacing, no gaps
-- instances: Number of instances
-- frames: Number of frames
-- total_bytes: Size of all files in bytes
-- ingested_epoch: Newest epoch that brought any of it
SELECT
  study_instance_uid,
  provider,
  patient_id,
  issuer_of_patient_id,
  greatest(count(*) OVER w, max(max(patient_count)) OVER w) AS patients,
  min(patient_name) FILTER (WHERE newest = 1) AS patient_name,
  min(patient_birth_date) FILTER (WHERE newest = 1) AS patient_birth_date,
  min(patient_sex) FILTER (WHERE newest = 1) AS patient_sex,
  greatest(count(DISTINCT rtrim(patient_name, '^=')), max(patient_name_count)) AS patient_names,
  greatest(count(DISTINCT patient_birth_date), max(patient_birth_date_count)) AS patient_birth_dates,
  greatest(count(DISTINCT patient_sex), max(patient_sex_count)) AS patient_sexes,
  min(patient_age) FILTER (WHERE newest = 1) AS patient_age,
  min(study_date) FILTER (WHERE newest = 1) AS study_date,
  min(study_time) FILTER (WHERE newest = 1) AS study_time,
  min(study_id) FILTER (WHERE newest = 1) AS study_id,
  min(accession_number) FILTER (WHERE newest = 1) AS accession_number,
  min(study_description) FILTER (WHERE newest = 1) AS study_description,
  array_agg(DISTINCT modality ORDER BY modality) FILTER (WHERE modality IS NOT NULL) AS modalities,
  array_agg(DISTINCT body_part_examined ORDER BY body_part_examined) FILTER (WHERE body_part_examined IS NOT NULL) AS body_parts,
  count(*) AS series,
  count(*) FILTER (WHERE is_volume) AS volumes,
  sum(instance_count)::int8 AS instances,
  sum(frame_count)::int8 AS frames,
  sum(total_bytes)::int8 AS total_bytes,
  max(ingested_epoch) AS ingested_epoch
FROM (
  SELECT
    *,
    row_number() OVER (
      PARTITION BY study_instance_uid, provider, issuer_of_patient_id, patient_id
      ORDER BY study_date DESC NULLS LAST, study_time DESC NULLS LAST, series_instance_uid
    ) AS newest
  FROM imaging.series
) AS s
GROUP BY study_instance_uid, provider, issuer_of_patient_id, patient_id
WINDOW w AS (PARTITION BY study_instance_uid, provider)
