-- Which segmented lung tumours are uneven inside: above 1 ml, and of more than 1 bit of entropy?
SELECT
  f.provider,
  f.patient_id,
  round((f.original_shape_meshvolume / 1000)::numeric, 1) AS volume_ml,
  round(f.original_firstorder_entropy::numeric, 2) AS entropy_bit,
  round(f.original_glcm_contrast::numeric, 2) AS contrast,
  round(f.original_shape_sphericity::numeric, 3) AS sphericity
FROM radiomics.features AS f
JOIN imaging.segments AS s USING (sop_instance_uid, segment_number)
WHERE f.status = 'computed'
  AND s.modality = 'SEG'
  AND code_matches(s.anatomic_region, 'SCT:39607008')
  AND f.original_shape_meshvolume > 1000
  AND f.original_firstorder_entropy > 1
ORDER BY entropy_bit DESC, f.provider, f.patient_id
