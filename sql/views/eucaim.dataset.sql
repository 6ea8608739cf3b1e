-- view: EUCAIM: one row per provider, which is the data set; names of the ingestion schema and of the output schema side by side; of imaging.series
-- identifier: Provider
-- title: Provider
-- description: NULL: the lake has none
-- dataset_id: Provider
-- dataset_title: Provider
-- dataset_description: NULL: the lake has none
SELECT
  provider AS identifier,
  provider AS title,
  NULL::text AS description,
  provider AS dataset_id,
  provider AS dataset_title,
  NULL::text AS dataset_description
FROM imaging.series
GROUP BY provider
