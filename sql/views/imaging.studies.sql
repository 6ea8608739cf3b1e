-- view: One row per study and provider, summed up from imaging.series
-- study_instance_uid: StudyInstanceUID (0020,000D)
-- provider: Hospital that brought the data
-- patient_id: PatientID (0010,0020)
-- issuer_of_patient_id: IssuerOfPatientID (0010,0021)
-- patient_name: PatientName (0010,0010)
-- patient_birth_date: PatientBirthDate (0010,0030)
-- patient_sex: PatientSex (0010,0040)
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
  min(patient_id) AS patient_id,
  min(issuer_of_patient_id) AS issuer_of_patient_id,
  min(patient_name) AS patient_name,
  min(patient_birth_date) AS patient_birth_date,
  min(patient_sex) AS patient_sex,
  min(patient_age) AS patient_age,
  min(study_date) AS study_date,
  min(study_time) AS study_time,
  min(study_id) AS study_id,
  min(accession_number) AS accession_number,
  min(study_description) AS study_description,
  array_agg(DISTINCT modality ORDER BY modality) FILTER (WHERE modality IS NOT NULL) AS modalities,
  array_agg(DISTINCT body_part_examined ORDER BY body_part_examined) FILTER (WHERE body_part_examined IS NOT NULL) AS body_parts,
  count(*) AS series,
  count(*) FILTER (WHERE is_volume) AS volumes,
  sum(instance_count)::int8 AS instances,
  sum(frame_count)::int8 AS frames,
  sum(total_bytes)::int8 AS total_bytes,
  max(ingested_epoch) AS ingested_epoch
FROM imaging.series
GROUP BY study_instance_uid, provider
