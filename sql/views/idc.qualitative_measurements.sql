-- view: IDC: one row per coded evaluation of a measurement report (TID 1500); of imaging.measurements. IDC leaves out groups without a finding, site, segmentation or tracking; here they are
-- patientid: PatientID (0010,0020) of the report
-- sopinstanceuid: SOPInstanceUID (0008,0018) of the report
-- seriesinstanceuid: SeriesInstanceUID (0020,000E) of the report
-- seriesdescription: SeriesDescription (0008,103E) of the report
-- measurementgroup_number: Measurement group within the report, from 0 as in IDC; imaging.measurements counts from 1
-- segmentationinstanceuid: SOPInstanceUID of the segmentation that was measured
-- segmentationseriesuid: SeriesInstanceUID of that segmentation; NULL if it is not in the lake
-- segmentationsegmentnumber: Its segment
-- sourcesegmentedseriesuid: Series that was measured on, as the report says (121232, DCM)
-- trackingidentifier: Tracking Identifier (112039, DCM)
-- trackinguniqueidentifier: Tracking Unique Identifier (112040, DCM)
-- quantity: What was judged: codevalue, codingschemedesignator, codemeaning
-- value: What it was judged to be: codevalue, codingschemedesignator, codemeaning
-- finding: Finding (121071, DCM): codevalue, codingschemedesignator, codemeaning
-- findingsite: Finding Site (363698007, SCT): codevalue, codingschemedesignator, codemeaning
SELECT
  m.patient_id AS PatientID,
  m.sop_instance_uid AS SOPInstanceUID,
  m.series_instance_uid AS SeriesInstanceUID,
  r.series_description AS SeriesDescription,
  m.measurement_group - 1 AS measurementGroup_number,
  m.segmentation_sop_instance_uid AS segmentationInstanceUID,
  s.series_instance_uid AS segmentationSeriesUID,
  m.segment_number AS segmentationSegmentNumber,
  m.source_series_instance_uid AS sourceSegmentedSeriesUID,
  m.tracking_id AS trackingIdentifier,
  m.tracking_uid AS trackingUniqueIdentifier,
  CASE WHEN m.concept IS NOT NULL THEN named_struct('codevalue', (m.concept).value, 'codingschemedesignator', (m.concept).scheme, 'codemeaning', (m.concept).meaning) END AS Quantity,
  CASE WHEN m.code_value IS NOT NULL THEN named_struct('codevalue', (m.code_value).value, 'codingschemedesignator', (m.code_value).scheme, 'codemeaning', (m.code_value).meaning) END AS Value,
  CASE WHEN m.finding IS NOT NULL THEN named_struct('codevalue', (m.finding).value, 'codingschemedesignator', (m.finding).scheme, 'codemeaning', (m.finding).meaning) END AS finding,
  CASE WHEN m.finding_site IS NOT NULL THEN named_struct('codevalue', (m.finding_site).value, 'codingschemedesignator', (m.finding_site).scheme, 'codemeaning', (m.finding_site).meaning) END AS findingSite
FROM imaging.measurements AS m
LEFT JOIN imaging.instances AS r ON r.sop_instance_uid = m.sop_instance_uid
LEFT JOIN imaging.instances AS s ON s.sop_instance_uid = m.segmentation_sop_instance_uid
WHERE m.value_type = 'CODE'
