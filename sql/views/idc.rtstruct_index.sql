-- view: IDC: one row per series of structure sets; of imaging.segments. Its arrays are each by themselves: imaging.segments has the regions one by one
-- seriesinstanceuid: SeriesInstanceUID (0020,000E) of the structure set
-- total_rois: Number of different ROI numbers
-- roinames: The different values of ROIName (3006,0026), sorted; NULL if there is none
-- roigenerationalgorithms: The different values of ROIGenerationAlgorithm (3006,0036), sorted; NULL if there is none
-- rtroiinterpretedtypes: The different values of RTROIInterpretedType (3006,00A4), sorted; NULL if there is none
-- referenced_seriesinstanceuid: Series that the regions are drawn on; of several the first in their order
SELECT
  series_instance_uid AS SeriesInstanceUID,
  count(DISTINCT segment_number) AS total_rois,
  array_agg(DISTINCT label ORDER BY label) FILTER (WHERE label IS NOT NULL) AS ROINames,
  array_agg(DISTINCT algorithm_type ORDER BY algorithm_type) FILTER (WHERE algorithm_type IS NOT NULL) AS ROIGenerationAlgorithms,
  array_agg(DISTINCT interpreted_type ORDER BY interpreted_type) FILTER (WHERE interpreted_type IS NOT NULL) AS RTROIInterpretedTypes,
  min(source_series_instance_uid) AS referenced_SeriesInstanceUID
FROM imaging.segments
WHERE segmentation_type = 'CONTOURS'
GROUP BY series_instance_uid
