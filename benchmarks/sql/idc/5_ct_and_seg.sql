-- Patients who have both CT and segmentations.
SELECT PatientID FROM idc_index WHERE Modality IN ('CT', 'SEG')
GROUP BY PatientID HAVING count(DISTINCT Modality) = 2
