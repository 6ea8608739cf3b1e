-- Segmentations beside the CT series of the same study.
SELECT ct.SeriesInstanceUID AS ct, seg.SeriesInstanceUID AS seg
FROM idc_index ct JOIN idc_index seg ON ct.StudyInstanceUID = seg.StudyInstanceUID
WHERE ct.Modality = 'CT' AND seg.Modality = 'SEG' AND ct.collection_id LIKE 'nsclc%'
