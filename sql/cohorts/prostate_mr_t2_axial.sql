-- Which axial T2 series of the prostate are volumes, and how old were the patients?
SELECT
  provider,
  patient_id,
  dicom_age_years(patient_age)::int4 AS age,
  study_date,
  series_description,
  magnetic_field_strength AS tesla,
  instance_count AS slices,
  round(slice_spacing_mm::numeric, 2) AS spacing_mm
FROM imaging.series
WHERE modality = 'MR'
  AND body_part_examined = 'PROSTATE'
  AND series_description ILIKE '%t2%'
  AND orientation = 'axial'
  AND is_volume
ORDER BY provider, patient_id, study_date, series_description
