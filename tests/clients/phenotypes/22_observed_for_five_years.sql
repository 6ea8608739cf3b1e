-- Everybody observed for five years without a break, from the hundredth day of observation or 1 January 2010, whatever
-- is later, to the end of the year before observation ends; observation periods as events.

CREATE TEMP TABLE IF NOT EXISTS Codesets  (codeset_id int NOT NULL,
  concept_id bigint NOT NULL
)
;

CREATE TEMP TABLE qualified_events
AS
WITH
primary_events (event_id, person_id, start_date, end_date, op_start_date, op_end_date, visit_occurrence_id)  AS (
  select P.ordinal as event_id, P.person_id, P.start_date, P.end_date, op_start_date, op_end_date, cast(P.visit_occurrence_id as bigint) as visit_occurrence_id
  FROM
  (
    select E.person_id, E.start_date, E.end_date,
      row_number() OVER (PARTITION BY E.person_id ORDER BY E.sort_date ASC, E.event_id) ordinal,
      OP.observation_period_start_date as op_start_date, OP.observation_period_end_date as op_end_date, cast(E.visit_occurrence_id as bigint) as visit_occurrence_id
    FROM
    (
      -- Begin Observation Period Criteria
      select C.person_id, C.observation_period_id as event_id,
        GREATEST((C.start_date + 100*INTERVAL'1 day'), TO_DATE('2010-01-01', 'YYYY-MM-DD')) as start_date, C.end_date,
        CAST(NULL as bigint) as visit_occurrence_id, C.start_date as sort_date
      from
      (
        select op.person_id, op.observation_period_id, op.period_type_concept_id, op.observation_period_start_date as start_date, op.observation_period_end_date as end_date,
          row_number() over (PARTITION BY op.person_id ORDER BY op.observation_period_start_date) as ordinal
        FROM cdm.OBSERVATION_PERIOD op
      ) C
      JOIN cdm.PERSON P on C.person_id = P.person_id
      WHERE (CAST(C.end_date AS DATE) - CAST(C.start_date AS DATE)) >= 1826
        AND EXTRACT(YEAR FROM C.start_date) - P.year_of_birth >= 35
        AND EXTRACT(MONTH FROM C.start_date) <= 9
      -- End Observation Period Criteria
    ) E
    JOIN cdm.observation_period OP on E.person_id = OP.person_id and E.start_date >= OP.observation_period_start_date and E.start_date <= op.observation_period_end_date
  ) P
)
SELECT
event_id, person_id, start_date, end_date, op_start_date, op_end_date, visit_occurrence_id
FROM primary_events
;
ANALYZE qualified_events
;

CREATE INDEX idx_qualified_person ON qualified_events (person_id ASC)
;

CREATE TEMP TABLE cohort_rows
AS
SELECT
q.person_id, CAST(q.start_date AS DATE) as start_date,
  LEAST(q.op_end_date, TO_DATE(TO_CHAR(EXTRACT(YEAR FROM q.op_end_date) - 1,'0000')||'-'||TO_CHAR(12,'00')||'-'||TO_CHAR(31,'00'), 'YYYY-MM-DD')) as end_date,
  CAST(DATE_TRUNC('month', q.start_date) as DATE) as first_of_month,
  (DATE_TRUNC('MONTH', q.start_date) + INTERVAL '1 MONTH - 1 day')::DATE as last_of_month
FROM qualified_events q
JOIN cdm.PERSON p on p.person_id = q.person_id
LEFT JOIN cdm.DEATH d on d.person_id = q.person_id and d.death_date <= q.op_end_date
WHERE d.person_id is null
  and (p.race_concept_id in (8527, 8516) or p.ethnicity_concept_id = 38003563)
;
ANALYZE cohort_rows
;

DELETE FROM results.cohort where cohort_definition_id = 22;
INSERT INTO results.cohort (cohort_definition_id, subject_id, cohort_start_date, cohort_end_date)
select 22 as cohort_definition_id, person_id, start_date, end_date
FROM cohort_rows CO
WHERE start_date between first_of_month and last_of_month and start_date <= end_date
;

TRUNCATE TABLE cohort_rows;
DROP TABLE cohort_rows;

TRUNCATE TABLE qualified_events;
DROP TABLE qualified_events;

DROP TABLE IF EXISTS Codesets;
