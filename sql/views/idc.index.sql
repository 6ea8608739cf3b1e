-- view: IDC: one row per series, of a provider; of imaging.series
-- collection_id: Provider that brought the series; the lake has no other collections
-- analysis_result_id: NULL: the lake keeps no results of IDC
-- patientid: PatientID (0010,0020)
-- seriesinstanceuid: SeriesInstanceUID (0020,000E); a series that two providers bring has a row for each
-- studyinstanceuid: StudyInstanceUID (0020,000D)
-- source_doi: NULL: the lake keeps no DOI
-- patientage: PatientAge (0010,1010), as 045Y; see dicom_age_years()
-- patientsex: PatientSex (0010,0040)
-- studydate: StudyDate (0008,0020) as text, 2001-12-31, as in IDC
-- studydescription: StudyDescription (0008,1030)
-- bodypartexamined: BodyPartExamined (0018,0015), as the file says it
-- modality: Modality (0008,0060)
-- sopclassuid: SOPClassUID (0008,0016); of a series with several the first in their order
-- sop_class_name: Name of the SOP class
-- transfersyntaxuid: TransferSyntaxUID (0002,0010); several in their order, with commas between
-- transfer_syntax_name: Name of the transfer syntax; several with commas between, NULL beyond three
-- manufacturer: Manufacturer (0008,0070)
-- manufacturermodelname: ManufacturerModelName (0008,1090)
-- seriesdate: SeriesDate (0008,0021) as text, 2001-12-31, as in IDC
-- seriesdescription: SeriesDescription (0008,103E)
-- seriesnumber: SeriesNumber (0020,0011) as text, as in IDC
-- instancecount: Number of instances
-- license_short_name: NULL: the lake keeps no licences
-- series_init_idc_version: NULL: versions of IDC; imaging.series.ingested_epoch is the lake's own
-- series_revised_idc_version: NULL: versions of IDC
-- aws_bucket: NULL: the files are where imaging.sources says
-- crdc_series_uuid: NULL: IDC's own number of the series
-- series_aws_url: NULL: the files are where imaging.sources says
-- series_size_mb: Size of all files in megabytes of a million bytes
SELECT
  provider AS collection_id,
  NULL::text AS analysis_result_id,
  patient_id AS PatientID,
  series_instance_uid AS SeriesInstanceUID,
  study_instance_uid AS StudyInstanceUID,
  NULL::text AS source_DOI,
  patient_age AS PatientAge,
  patient_sex AS PatientSex,
  to_char(study_date, 'YYYY-MM-DD') AS StudyDate,
  study_description AS StudyDescription,
  body_part_examined AS BodyPartExamined,
  modality AS Modality,
  sop_class_uids[1] AS SOPClassUID,
  dicom_uid_name(sop_class_uids[1]) AS sop_class_name,
  array_to_string(transfer_syntax_uids, ',') AS TransferSyntaxUID,
  CASE WHEN cardinality(transfer_syntax_uids) <= 3 THEN nullif(concat_ws(',', dicom_uid_name(transfer_syntax_uids[1]), dicom_uid_name(transfer_syntax_uids[2]), dicom_uid_name(transfer_syntax_uids[3])), '') END AS transfer_syntax_name,
  manufacturer AS Manufacturer,
  manufacturer_model_name AS ManufacturerModelName,
  to_char(series_date, 'YYYY-MM-DD') AS SeriesDate,
  series_description AS SeriesDescription,
  series_number::text AS SeriesNumber,
  instance_count AS instanceCount,
  NULL::text AS license_short_name,
  NULL::int4 AS series_init_idc_version,
  NULL::int4 AS series_revised_idc_version,
  NULL::text AS aws_bucket,
  NULL::text AS crdc_series_uuid,
  NULL::text AS series_aws_url,
  round(total_bytes / 1000000.0, 2)::float8 AS series_size_MB
FROM imaging.series
