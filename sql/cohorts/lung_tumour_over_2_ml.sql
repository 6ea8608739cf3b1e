-- Which segmented lung tumours above 2 ml are on a contrast CT of slices no thicker than 2.5 mm?
SELECT
  tumour.provider,
  tumour.patient_id,
  ct.study_date,
  round(volume_ml(tumour.roi)::numeric, 1) AS volume_ml,
  round(max_diameter_mm(tumour.roi)::numeric, 1) AS diameter_mm,
  round(mean_hu(tumour.roi)::numeric) AS mean_hu,
  round(ct.slice_spacing_mm::numeric, 2) AS spacing_mm
FROM imaging.regions AS tumour
JOIN imaging.series AS ct ON ct.series_instance_uid = tumour.source_series_instance_uid
WHERE tumour.modality = 'SEG'
  AND code_matches(tumour.property_type, 'SCT:108369006')
  AND code_matches(tumour.anatomic_region, 'SCT:39607008')
  AND ct.modality = 'CT'
  AND ct.contrast_bolus_agent IS NOT NULL
  AND ct.slice_spacing_mm <= 2.5
  AND volume_ml(tumour.roi) > 2
ORDER BY volume_ml DESC, tumour.provider, tumour.patient_id
