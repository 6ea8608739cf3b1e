-- Incidence of cancer by calendar year, gender and decade of age: years CROSS JOINed to observation periods, time at
-- risk cut to both, people leave at their first diagnosis.

CREATE TEMP TABLE calendar
AS
SELECT y.calendar_year,
  TO_DATE(TO_CHAR(y.calendar_year,'0000')||'-'||TO_CHAR(1,'00')||'-'||TO_CHAR(1,'00'), 'YYYY-MM-DD') as year_start,
  TO_DATE(TO_CHAR(y.calendar_year,'0000')||'-'||TO_CHAR(12,'00')||'-'||TO_CHAR(31,'00'), 'YYYY-MM-DD') as year_end
FROM (
  select distinct CAST(EXTRACT(YEAR FROM observation_period_start_date) AS INT) as calendar_year from cdm.OBSERVATION_PERIOD
  UNION
  select distinct CAST(EXTRACT(YEAR FROM observation_period_end_date) AS INT) from cdm.OBSERVATION_PERIOD
) y
;
ANALYZE calendar
;

CREATE TEMP TABLE outcomes
AS
SELECT co.person_id, MIN(co.condition_start_date) as start_date
FROM cdm.CONDITION_OCCURRENCE co
WHERE co.condition_concept_id IN (
  select ca.descendant_concept_id
  from vocab.CONCEPT_ANCESTOR ca
  join vocab.CONCEPT c on c.concept_id = ca.descendant_concept_id and c.standard_concept = 'S' and c.domain_id = 'Condition'
  where ca.ancestor_concept_id = 2000000001
)
GROUP BY co.person_id
;
ANALYZE outcomes
;

CREATE TEMP TABLE at_risk
AS
SELECT op.person_id, cal.calendar_year, p.gender_concept_id,
  CAST(FLOOR((cal.calendar_year - p.year_of_birth) / 10) * 10 AS INT) as age_group,
  GREATEST(op.observation_period_start_date, cal.year_start) as start_date,
  LEAST(op.observation_period_end_date, cal.year_end, COALESCE(o.start_date, cal.year_end)) as end_date,
  CASE WHEN o.start_date BETWEEN cal.year_start AND cal.year_end AND o.start_date BETWEEN op.observation_period_start_date AND op.observation_period_end_date THEN 1 ELSE 0 END as is_case
FROM cdm.OBSERVATION_PERIOD op
CROSS JOIN calendar cal
JOIN cdm.PERSON p on p.person_id = op.person_id
LEFT JOIN outcomes o on o.person_id = op.person_id
WHERE op.observation_period_start_date <= cal.year_end AND op.observation_period_end_date >= cal.year_start
  AND (o.start_date IS NULL OR o.start_date >= GREATEST(op.observation_period_start_date, cal.year_start))
;
ANALYZE at_risk
;

DROP TABLE IF EXISTS results.incidence_rate;
CREATE TABLE results.incidence_rate (
  calendar_year int NOT NULL,
  gender_concept_id int NOT NULL,
  age_group int NOT NULL,
  person_count bigint NOT NULL,
  case_count bigint NOT NULL,
  person_days bigint NOT NULL,
  rate_per_1000 numeric(18,4),
  cases_so_far bigint
);

INSERT INTO results.incidence_rate (calendar_year, gender_concept_id, age_group, person_count, case_count, person_days, rate_per_1000, cases_so_far)
SELECT calendar_year, gender_concept_id, age_group, COUNT(DISTINCT person_id), SUM(is_case), SUM((CAST(end_date AS DATE) - CAST(start_date AS DATE)) + 1),
  CASE WHEN SUM((CAST(end_date AS DATE) - CAST(start_date AS DATE)) + 1) > 0
    THEN 1000.0 * SUM(is_case) * 365.25 / SUM((CAST(end_date AS DATE) - CAST(start_date AS DATE)) + 1) END,
  SUM(SUM(is_case)) OVER (PARTITION BY gender_concept_id, age_group ORDER BY calendar_year ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
FROM at_risk
GROUP BY calendar_year, gender_concept_id, age_group
;

DELETE FROM results.cohort where cohort_definition_id = 29;
INSERT INTO results.cohort (cohort_definition_id, subject_id, cohort_start_date, cohort_end_date)
SELECT 29, a.person_id, MIN(a.start_date), MAX(a.end_date)
FROM at_risk a
WHERE a.person_id IN (select person_id from at_risk where is_case = 1)
GROUP BY a.person_id
;

TRUNCATE TABLE calendar;
DROP TABLE calendar;
TRUNCATE TABLE outcomes;
DROP TABLE outcomes;
TRUNCATE TABLE at_risk;
DROP TABLE at_risk;
