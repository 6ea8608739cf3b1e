-- Series, instances and size of each modality.
SELECT Modality, count(*) AS series, sum(instanceCount) AS instances, sum(series_size_MB) AS megabytes
FROM idc_index GROUP BY Modality ORDER BY series DESC, Modality
