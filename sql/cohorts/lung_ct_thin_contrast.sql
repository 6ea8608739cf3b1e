-- Which contrast CTs of the chest are volumes of slices no thicker than 1.5 mm?
SELECT
  provider,
  patient_id,
  study_date,
  series_description,
  instance_count AS slices,
  slice_thickness_max_mm AS thickness_mm,
  round(slice_spacing_mm::numeric, 2) AS spacing_mm,
  contrast_bolus_agent AS contrast
FROM imaging.series
WHERE modality = 'CT'
  AND body_part_examined IN ('CHEST', 'LUNG', 'THORAX')
  AND contrast_bolus_agent IS NOT NULL
  AND slice_thickness_max_mm <= 1.5
  AND is_volume
ORDER BY provider, patient_id, study_date, series_description
