-- A fifth of the table, three columns: the manifest of one collection's CT.
SELECT SeriesInstanceUID, series_aws_url, series_size_MB
FROM idc_index WHERE collection_id = 'nlst' AND Modality = 'CT'
