-- view: IDC: one row per series of CT, MR, PT, XA or RF that names a contrast agent; of imaging.instances
-- seriesinstanceuid: SeriesInstanceUID (0020,000E)
-- contrastbolusagent: The different values of ContrastBolusAgent (0018,0010), sorted; NULL if there is none
-- contrastbolusingredient: NULL: no column of imaging.instances has ContrastBolusIngredient (0018,1048); see dicom_tag()
-- contrastbolusroute: The different values of ContrastBolusRoute (0018,1040), sorted; NULL if there is none
SELECT
  series_instance_uid AS SeriesInstanceUID,
  array_agg(DISTINCT contrast_bolus_agent ORDER BY contrast_bolus_agent) FILTER (WHERE contrast_bolus_agent IS NOT NULL) AS ContrastBolusAgent,
  NULL::text[] AS ContrastBolusIngredient,
  array_agg(DISTINCT contrast_bolus_route ORDER BY contrast_bolus_route) FILTER (WHERE contrast_bolus_route IS NOT NULL) AS ContrastBolusRoute
FROM imaging.instances
WHERE modality IN ('CT', 'MR', 'PT', 'XA', 'RF') AND (contrast_bolus_agent IS NOT NULL OR contrast_bolus_route IS NOT NULL)
GROUP BY series_instance_uid
