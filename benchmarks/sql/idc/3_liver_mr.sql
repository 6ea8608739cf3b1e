-- Every column of a selective pair of filters.
SELECT * FROM idc_index WHERE Modality = 'MR' AND BodyPartExamined = 'LIVER'
