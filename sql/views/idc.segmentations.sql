-- view: IDC: one row per segment of a segmentation, what is said of it side by side; of imaging.segments
-- patientid: PatientID (0010,0020)
-- studyinstanceuid: StudyInstanceUID (0020,000D)
-- seriesinstanceuid: SeriesInstanceUID (0020,000E) of the segmentation
-- sopinstanceuid: SOPInstanceUID (0008,0018) of the segmentation
-- frameofreferenceuid: FrameOfReferenceUID (0020,0052)
-- segmentationtype: SegmentationType (0062,0001)
-- anatomicregion: AnatomicRegionSequence: codevalue, codingschemedesignator, codemeaning
-- anatomicregionmodifier: AnatomicRegionModifierSequence: codevalue, codingschemedesignator, codemeaning
-- segmentedpropertycategory: SegmentedPropertyCategoryCodeSequence: codevalue, codingschemedesignator, codemeaning
-- segmentedpropertytype: SegmentedPropertyTypeCodeSequence: codevalue, codingschemedesignator, codemeaning
-- segmentalgorithmtype: SegmentAlgorithmType (0062,0008)
-- segmentalgorithmname: SegmentAlgorithmName (0062,0009)
-- segmentnumber: SegmentNumber (0062,0004)
-- trackinguid: TrackingUID (0062,0021)
-- trackingid: TrackingID (0062,0020)
-- segmented_seriesinstanceuid: Series that was segmented
-- viewer_url: NULL: IDC's viewer does not have the lake's images
SELECT
  patient_id AS PatientID,
  study_instance_uid AS StudyInstanceUID,
  series_instance_uid AS SeriesInstanceUID,
  sop_instance_uid AS SOPInstanceUID,
  frame_of_reference_uid AS FrameOfReferenceUID,
  segmentation_type AS SegmentationType,
  CASE WHEN anatomic_region IS NOT NULL THEN named_struct('codevalue', (anatomic_region).value, 'codingschemedesignator', (anatomic_region).scheme, 'codemeaning', (anatomic_region).meaning) END AS AnatomicRegion,
  CASE WHEN anatomic_region_modifier IS NOT NULL THEN named_struct('codevalue', (anatomic_region_modifier).value, 'codingschemedesignator', (anatomic_region_modifier).scheme, 'codemeaning', (anatomic_region_modifier).meaning) END AS AnatomicRegionModifier,
  CASE WHEN property_category IS NOT NULL THEN named_struct('codevalue', (property_category).value, 'codingschemedesignator', (property_category).scheme, 'codemeaning', (property_category).meaning) END AS SegmentedPropertyCategory,
  CASE WHEN property_type IS NOT NULL THEN named_struct('codevalue', (property_type).value, 'codingschemedesignator', (property_type).scheme, 'codemeaning', (property_type).meaning) END AS SegmentedPropertyType,
  algorithm_type AS SegmentAlgorithmType,
  algorithm_name AS SegmentAlgorithmName,
  segment_number AS SegmentNumber,
  tracking_uid AS TrackingUID,
  tracking_id AS TrackingID,
  source_series_instance_uid AS segmented_SeriesInstanceUID,
  NULL::text AS viewer_url
FROM imaging.segments
WHERE segmentation_type IN ('BINARY', 'FRACTIONAL', 'LABELMAP')
