-- A sample of three hundred of those who were imaged twice in a year, drawn by rank of a hash that does not change;
-- and how old they were, by decades.

DROP TABLE IF EXISTS imaged;

CREATE TEMP TABLE imaged
AS
WITH
images (person_id, event_id, start_date, following)  AS (
  select po.person_id, po.procedure_occurrence_id, po.procedure_date,
    lead(po.procedure_date, 1) over (partition by po.person_id order by po.procedure_date, po.procedure_occurrence_id)
  from cdm.PROCEDURE_OCCURRENCE po
  join (
    select distinct ca.descendant_concept_id as concept_id
    from vocab.CONCEPT_ANCESTOR ca
    where ca.ancestor_concept_id in (2000000100)
  ) cs on po.procedure_concept_id = cs.concept_id
)
SELECT person_id, min(start_date) as start_date, max(following) as end_date, count(*) as image_count
FROM images
WHERE following is not null and (CAST(following AS DATE) - CAST(start_date AS DATE)) <= 365
GROUP BY person_id
HAVING COUNT(*) >= 2
;
ANALYZE imaged
;

DELETE FROM results.cohort where cohort_definition_id = 23;
INSERT INTO results.cohort (cohort_definition_id, subject_id, cohort_start_date, cohort_end_date)
SELECT 23, person_id, start_date, end_date
FROM (
  SELECT person_id, start_date, end_date, DENSE_RANK() OVER (ORDER BY MD5(CAST(person_id AS VARCHAR)), person_id) as seq
  FROM imaged
) d
WHERE d.seq <= 300
;

DROP TABLE IF EXISTS results.imaged_by_age;
CREATE TABLE results.imaged_by_age
AS
SELECT
CAST(FLOOR((EXTRACT(YEAR FROM c.cohort_start_date) - p.year_of_birth) / 10) AS INT) as age_decile,
  CASE WHEN p.gender_concept_id = 8507 THEN 'men' WHEN p.gender_concept_id = 8532 THEN 'women' ELSE 'unknown' END as gender,
  COUNT(DISTINCT c.subject_id) as person_count,
  SUM((CAST(c.cohort_end_date AS DATE) - CAST(c.cohort_start_date AS DATE))) as day_count,
  ROUND(1.0 * COUNT(*) / SUM(COUNT(*)) OVER (), 6) as proportion
FROM results.cohort c
JOIN cdm.PERSON p on c.subject_id = p.person_id
WHERE c.cohort_definition_id = 23
GROUP BY CAST(FLOOR((EXTRACT(YEAR FROM c.cohort_start_date) - p.year_of_birth) / 10) AS INT),
  CASE WHEN p.gender_concept_id = 8507 THEN 'men' WHEN p.gender_concept_id = 8532 THEN 'women' ELSE 'unknown' END
HAVING COUNT(DISTINCT c.subject_id) >= 1
;

-- The ten with most images are a cohort of their own.
DELETE FROM results.cohort where cohort_definition_id = 2301;
INSERT INTO results.cohort (cohort_definition_id, subject_id, cohort_start_date, cohort_end_date)
SELECT 2301, person_id, start_date, end_date
FROM imaged
ORDER BY image_count DESC, person_id
LIMIT 10
;

TRUNCATE TABLE imaged;
DROP TABLE imaged;
