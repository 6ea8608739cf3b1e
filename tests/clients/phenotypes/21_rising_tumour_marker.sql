-- Carcinoembryonic antigen that rose by half or more since the last value and above the upper quartile of the
-- rising values; percentiles by window functions, and the last values by LAG.

DROP TABLE IF EXISTS rising;

CREATE TEMP TABLE Codesets  (codeset_id int NOT NULL,
  concept_id bigint NOT NULL
)
;

INSERT INTO Codesets (codeset_id, concept_id)
SELECT 0 as codeset_id, c.concept_id FROM (select distinct I.concept_id FROM
(
  select concept_id from vocab.CONCEPT where concept_id in (2000000302)
) I
) C UNION ALL
SELECT 1 as codeset_id, c.concept_id FROM (select distinct I.concept_id FROM
(
  select concept_id from vocab.CONCEPT where concept_id in (2000000001)
  UNION
  select c.concept_id
  from vocab.CONCEPT c
  join vocab.CONCEPT_ANCESTOR ca on c.concept_id = ca.descendant_concept_id
  and ca.ancestor_concept_id in (2000000001)
  and c.invalid_reason is null
) I
LEFT JOIN
(
  select concept_id from vocab.CONCEPT where concept_id in (2000000040)
  UNION
  select c.concept_id
  from vocab.CONCEPT c
  join vocab.CONCEPT_ANCESTOR ca on c.concept_id = ca.descendant_concept_id
  and ca.ancestor_concept_id in (2000000040)
  and c.invalid_reason is null
) E ON I.concept_id = E.concept_id
WHERE E.concept_id is null
) C
;

CREATE TEMP TABLE rising
AS
WITH
markers (person_id, measurement_id, start_date, value, last_value, last_date)  AS (
  select m.person_id, m.measurement_id, m.measurement_date, m.value_as_number,
    lag(m.value_as_number) over (partition by m.person_id order by m.measurement_date, m.measurement_id),
    lag(m.measurement_date) over (partition by m.person_id order by m.measurement_date, m.measurement_id)
  from cdm.MEASUREMENT m
  join Codesets cs on m.measurement_concept_id = cs.concept_id and cs.codeset_id = 0
  where m.unit_concept_id = 8842 and m.value_as_number is not null
),
cteChanges (person_id, measurement_id, start_date, value, ratio, gap_days)  AS (
  select person_id, measurement_id, start_date, value,
    round(value / nullif(last_value, 0), 4), (CAST(start_date AS DATE) - CAST(last_date AS DATE))
  from markers
  where last_value is not null
)
SELECT
person_id, measurement_id, start_date, value, ratio, gap_days,
  row_number() over (order by value, measurement_id) as value_rank,
  count(*) over () as value_count,
  ntile(4) over (order by value, measurement_id) as quartile
FROM cteChanges
WHERE ratio >= 1.25 and gap_days between 30 and 180
;
ANALYZE rising
;

CREATE TEMP TABLE final_cohort
AS
SELECT
r.person_id, min(r.start_date) as start_date, max(op.observation_period_end_date) as end_date
FROM rising r
JOIN cdm.OBSERVATION_PERIOD op on r.person_id = op.person_id
  and r.start_date between op.observation_period_start_date and op.observation_period_end_date
CROSS JOIN (
  select max(case when value_rank <= 0.5 * value_count then value end) as median_value from rising
) Q
WHERE r.value > Q.median_value
  and exists (
    select 1
    from cdm.CONDITION_OCCURRENCE co
    join Codesets cs on co.condition_concept_id = cs.concept_id and cs.codeset_id = 1
    where co.person_id = r.person_id and co.condition_start_date <= r.start_date
  )
GROUP BY r.person_id
;
ANALYZE final_cohort
;

DELETE FROM results.cohort where cohort_definition_id = 21;
INSERT INTO results.cohort (cohort_definition_id, subject_id, cohort_start_date, cohort_end_date)
select 21 as cohort_definition_id, person_id, start_date, end_date
FROM final_cohort CO
;

DROP TABLE IF EXISTS results.marker_distribution;
CREATE TABLE results.marker_distribution (
  cohort_definition_id int NOT NULL,
  count_value bigint NOT NULL,
  min_value numeric,
  p10_value numeric,
  p25_value numeric,
  median_value numeric,
  p75_value numeric,
  p90_value numeric,
  max_value numeric,
  avg_value numeric,
  stdev_value numeric
)
;

INSERT INTO results.marker_distribution (cohort_definition_id, count_value, min_value, p10_value, p25_value, median_value, p75_value, p90_value, max_value, avg_value, stdev_value)
select 21, o.total, o.min_value,
  MIN(case when s.accumulated >= .10 * o.total then s.value end),
  MIN(case when s.accumulated >= .25 * o.total then s.value end),
  MIN(case when s.accumulated >= .50 * o.total then s.value end),
  MIN(case when s.accumulated >= .75 * o.total then s.value end),
  MIN(case when s.accumulated >= .90 * o.total then s.value end),
  o.max_value, o.avg_value, o.stdev_value
from (
  select s.value, s.total, SUM(p.total) as accumulated
  from (select value, COUNT(*) as total from rising group by value) s
  join (select value, COUNT(*) as total from rising group by value) p on p.value <= s.value
  group by s.value, s.total
) s
cross join (
  select COUNT(*) as total, MIN(value) as min_value, MAX(value) as max_value,
    CAST(AVG(value) AS NUMERIC(18,4)) as avg_value, CAST(STDDEV(value) AS NUMERIC(18,4)) as stdev_value
  from rising
) o
group by o.total, o.min_value, o.max_value, o.avg_value, o.stdev_value
;

TRUNCATE TABLE rising;
DROP TABLE rising;
TRUNCATE TABLE final_cohort;
DROP TABLE final_cohort;
TRUNCATE TABLE Codesets;
DROP TABLE Codesets;
