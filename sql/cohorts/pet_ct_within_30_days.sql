-- Which patients have a PET and a CT within 30 days of each other?
SELECT
  pet.provider,
  pet.patient_id,
  pet.study_date AS pet_date,
  ct.study_date AS ct_date,
  abs(pet.study_date - ct.study_date) AS days_apart,
  pet.radiopharmaceutical,
  count(DISTINCT ct.series_instance_uid) AS ct_series
FROM imaging.series AS pet
JOIN imaging.series AS ct ON ct.provider = pet.provider AND ct.patient_id = pet.patient_id
  AND ct.issuer_of_patient_id IS NOT DISTINCT FROM pet.issuer_of_patient_id
WHERE pet.modality = 'PT'
  AND ct.modality = 'CT'
  AND ct.study_date BETWEEN pet.study_date - 30 AND pet.study_date + 30
GROUP BY pet.provider, pet.issuer_of_patient_id, pet.patient_id, pet.study_date, ct.study_date, pet.radiopharmaceutical
ORDER BY days_apart, pet.provider, pet.patient_id, pet.study_date, ct.study_date
