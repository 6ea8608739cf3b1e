-- Patients and studies of each collection: two distinct counts over many groups.
SELECT collection_id, count(DISTINCT PatientID) AS patients, count(DISTINCT StudyInstanceUID) AS studies
FROM idc_index GROUP BY collection_id ORDER BY collection_id
