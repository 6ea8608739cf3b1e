-- Segmented tumours, the largest first.
SELECT
  thumbnail(tumour.roi, 192) AS image,
  tumour.provider,
  tumour.patient_id,
  ct.study_date,
  ct.series_description AS series,
  tumour.modality AS outlined_by,
  tumour.label,
  round(volume_ml(tumour.roi)::numeric, 2) AS volume_ml,
  round(max_diameter_mm(tumour.roi)::numeric, 1) AS diameter_mm,
  round(mean_hu(tumour.roi)::numeric, 1) AS mean_hu,
  coalesce(tumour.roi_reason, tumour.reason) AS why_no_image
FROM imaging.regions AS tumour
LEFT JOIN imaging.series AS ct ON ct.series_instance_uid = tumour.source_series_instance_uid
ORDER BY volume_ml DESC NULLS LAST, tumour.provider, tumour.patient_id, tumour.modality
