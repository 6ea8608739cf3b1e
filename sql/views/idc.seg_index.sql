-- view: IDC: one row per series of segmentations; of imaging.segments. Its arrays are each by themselves: idc.segmentations has the segments one by one
-- seriesinstanceuid: SeriesInstanceUID (0020,000E) of the segmentation
-- segmentationtype: SegmentationType (0062,0001); of a series with several the first in their order
-- total_segments: Number of different segment numbers
-- algorithmtype: The different values of SegmentAlgorithmType (0062,0008), sorted, with commas between
-- algorithmname: The different values of SegmentAlgorithmName (0062,0009), sorted, with commas between
-- segmented_seriesinstanceuid: Series that was segmented; of several the first in their order
-- segmentedpropertycategory_codemeanings: The different values of SegmentedPropertyCategoryCodeSequence, sorted; NULL if there is none
-- segmentedpropertytype_codemeanings: The different values of SegmentedPropertyTypeCodeSequence, sorted; NULL if there is none
-- anatomicregion_codemeanings: The different values of AnatomicRegionSequence, sorted; NULL if there is none
SELECT
  series_instance_uid AS SeriesInstanceUID,
  min(segmentation_type) AS SegmentationType,
  count(DISTINCT segment_number) AS total_segments,
  array_to_string(array_agg(DISTINCT algorithm_type ORDER BY algorithm_type) FILTER (WHERE algorithm_type IS NOT NULL), ',') AS AlgorithmType,
  array_to_string(array_agg(DISTINCT algorithm_name ORDER BY algorithm_name) FILTER (WHERE algorithm_name IS NOT NULL), ',') AS AlgorithmName,
  min(source_series_instance_uid) AS segmented_SeriesInstanceUID,
  array_agg(DISTINCT (property_category).meaning ORDER BY (property_category).meaning) FILTER (WHERE (property_category).meaning IS NOT NULL) AS SegmentedPropertyCategory_CodeMeanings,
  array_agg(DISTINCT (property_type).meaning ORDER BY (property_type).meaning) FILTER (WHERE (property_type).meaning IS NOT NULL) AS SegmentedPropertyType_CodeMeanings,
  array_agg(DISTINCT (anatomic_region).meaning ORDER BY (anatomic_region).meaning) FILTER (WHERE (anatomic_region).meaning IS NOT NULL) AS AnatomicRegion_CodeMeanings
FROM imaging.segments
WHERE segmentation_type IN ('BINARY', 'FRACTIONAL', 'LABELMAP')
GROUP BY series_instance_uid
