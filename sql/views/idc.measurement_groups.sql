-- view: IDC: one row per group of a measurement report (TID 1500) that has a measurement; of imaging.measurements. IDC leaves out groups without a finding, site, segmentation or tracking; here they are
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
-- finding: Finding (121071, DCM): codevalue, codingschemedesignator, codemeaning
-- findingsite: Finding Site (363698007, SCT), if all measurements of the group have the same: codevalue, codingschemedesignator, codemeaning
SELECT
  m.patient_id AS PatientID,
  m.sop_instance_uid AS SOPInstanceUID,
  m.series_instance_uid AS SeriesInstanceUID,
  min(r.series_description) AS SeriesDescription,
  m.measurement_group - 1 AS measurementGroup_number,
  min(m.segmentation_sop_instance_uid) AS segmentationInstanceUID,
  min(s.series_instance_uid) AS segmentationSeriesUID,
  min(m.segment_number) AS segmentationSegmentNumber,
  min(m.source_series_instance_uid) AS sourceSegmentedSeriesUID,
  min(m.tracking_id) AS trackingIdentifier,
  min(m.tracking_uid) AS trackingUniqueIdentifier,
  CASE WHEN count(m.finding) = count(*) AND min((m.finding).value) = max((m.finding).value) AND min((m.finding).scheme) = max((m.finding).scheme) AND min((m.finding).meaning) IS NOT DISTINCT FROM max((m.finding).meaning) THEN named_struct('codevalue', min((m.finding).value), 'codingschemedesignator', min((m.finding).scheme), 'codemeaning', min((m.finding).meaning)) END AS finding,
  CASE WHEN count(m.finding_site) = count(*) AND min((m.finding_site).value) = max((m.finding_site).value) AND min((m.finding_site).scheme) = max((m.finding_site).scheme) AND min((m.finding_site).meaning) IS NOT DISTINCT FROM max((m.finding_site).meaning) THEN named_struct('codevalue', min((m.finding_site).value), 'codingschemedesignator', min((m.finding_site).scheme), 'codemeaning', min((m.finding_site).meaning)) END AS findingSite
FROM imaging.measurements AS m
LEFT JOIN imaging.instances AS r ON r.sop_instance_uid = m.sop_instance_uid
LEFT JOIN imaging.instances AS s ON s.sop_instance_uid = m.segmentation_sop_instance_uid
GROUP BY m.patient_id, m.sop_instance_uid, m.series_instance_uid, m.measurement_group
