-- Four cohorts at once, of the stages of lung cancer at diagnosis, in a transaction; the stage nearest to the diagnosis
-- counts, the higher of two.

BEGIN;

CREATE TEMP TABLE stages
AS
WITH
diagnoses (person_id, start_date)  AS (
  select co.person_id, min(co.condition_start_date)
  from cdm.CONDITION_OCCURRENCE co
  join vocab.CONCEPT_ANCESTOR ca on co.condition_concept_id = ca.descendant_concept_id and ca.ancestor_concept_id = 2000000010
  group by co.person_id
),
staged (person_id, start_date, stage, ordinal)  AS (
  select d.person_id, d.start_date, m.measurement_concept_id - 2000000310,
    row_number() over (
      partition by d.person_id
      order by ABS((CAST(m.measurement_date AS DATE) - CAST(d.start_date AS DATE))), m.measurement_concept_id desc, m.measurement_id
    )
  from diagnoses d
  join cdm.MEASUREMENT m on m.person_id = d.person_id
    and m.measurement_date >= (d.start_date + -30*INTERVAL'1 day')
    and m.measurement_date <= (d.start_date + 60*INTERVAL'1 day')
  where m.measurement_concept_id in (2000000311,2000000312,2000000313,2000000314)
)
SELECT person_id, start_date, stage
FROM staged
WHERE ordinal = 1
;
ANALYZE stages
;

DELETE FROM results.cohort where cohort_definition_id in (2501,2502,2503,2504);
INSERT INTO results.cohort (cohort_definition_id, subject_id, cohort_start_date, cohort_end_date)
select 2500 + s.stage, s.person_id, s.start_date, COALESCE(d.death_date, op.observation_period_end_date)
from stages s
join cdm.OBSERVATION_PERIOD op on op.person_id = s.person_id
  and s.start_date >= op.observation_period_start_date and s.start_date <= op.observation_period_end_date
left join cdm.DEATH d on d.person_id = s.person_id and d.death_date <= op.observation_period_end_date
;

COMMIT;

BEGIN;

DROP TABLE IF EXISTS results.survival_by_stage;
CREATE TABLE results.survival_by_stage (
  cohort_definition_id int NOT NULL,
  person_count bigint NOT NULL,
  death_count bigint NOT NULL,
  person_days bigint NOT NULL,
  median_days int,
  one_year_survivors bigint
);

INSERT INTO results.survival_by_stage
select q.cohort_definition_id, count(*), sum(q.died), sum(q.days),
  min(case when q.days_rank >= 0.5 * q.total then q.days end),
  sum(case when q.days >= 365 then 1 else 0 end)
from (
  select c.cohort_definition_id, case when d.person_id is null then 0 else 1 end as died,
    (CAST(c.cohort_end_date AS DATE) - CAST(c.cohort_start_date AS DATE)) as days,
    rank() over (partition by c.cohort_definition_id order by (CAST(c.cohort_end_date AS DATE) - CAST(c.cohort_start_date AS DATE))) as days_rank,
    count(*) over (partition by c.cohort_definition_id) as total
  from results.cohort c
  left join cdm.DEATH d on d.person_id = c.subject_id and d.death_date = c.cohort_end_date
  where c.cohort_definition_id between 2501 and 2504
) q
group by q.cohort_definition_id
;

TRUNCATE TABLE stages;
DROP TABLE stages;

COMMIT;

-- What is taken back leaves nothing.
BEGIN;
DELETE FROM results.cohort where cohort_definition_id between 2501 and 2504;
ROLLBACK;
