-- Cohorts out of cohorts: platinum, radiotherapy, both at the same time, and one without the other.

DELETE FROM results.cohort where cohort_definition_id in (2601,2602,2603,2604,2605);

INSERT INTO results.cohort (cohort_definition_id, subject_id, cohort_start_date, cohort_end_date)
select 2601, de.person_id, de.drug_era_start_date, de.drug_era_end_date
from cdm.DRUG_ERA de
where de.drug_concept_id in (
  select descendant_concept_id from vocab.CONCEPT_ANCESTOR where ancestor_concept_id = 2000000201
)
;

INSERT INTO results.cohort (cohort_definition_id, subject_id, cohort_start_date, cohort_end_date)
select 2602, po.person_id, min(po.procedure_date), max(po.procedure_date)
from cdm.PROCEDURE_OCCURRENCE po
where po.procedure_concept_id = 2000000131
group by po.person_id
;

CREATE TEMP TABLE target_cohorts
AS
SELECT cohort_definition_id, subject_id, cohort_start_date, cohort_end_date
FROM results.cohort
WHERE cohort_definition_id IN (2601, 2602)
;
ANALYZE target_cohorts
;

-- both at the same time: every stretch between two days on which one begins or ends
CREATE TEMP TABLE overlapping
AS
WITH
cteDays (subject_id, event_date)  AS (
  select subject_id, cohort_start_date from target_cohorts
  UNION
  select subject_id, CAST((cohort_end_date + 1*INTERVAL'1 day') AS DATE) from target_cohorts
),
cteStretches (subject_id, start_date, end_date)  AS (
  select subject_id, event_date, CAST((LEAD(event_date) OVER (PARTITION BY subject_id ORDER BY event_date) + -1*INTERVAL'1 day') AS DATE)
  from cteDays
)
SELECT s.subject_id, s.start_date, s.end_date, COUNT(DISTINCT t.cohort_definition_id) as cohort_count
FROM cteStretches s
JOIN target_cohorts t on t.subject_id = s.subject_id and t.cohort_start_date <= s.start_date and t.cohort_end_date >= s.end_date
WHERE s.end_date is not null
GROUP BY s.subject_id, s.start_date, s.end_date
;
ANALYZE overlapping
;

INSERT INTO results.cohort (cohort_definition_id, subject_id, cohort_start_date, cohort_end_date)
select 2603, subject_id, min(start_date), max(end_date)
from overlapping
where cohort_count = 2
group by subject_id
;

-- one and never the other
INSERT INTO results.cohort (cohort_definition_id, subject_id, cohort_start_date, cohort_end_date)
select 2604, t.subject_id, min(t.cohort_start_date), max(t.cohort_end_date)
from target_cohorts t
join (
  select subject_id from target_cohorts where cohort_definition_id = 2601
  EXCEPT
  select subject_id from target_cohorts where cohort_definition_id = 2602
) x on x.subject_id = t.subject_id
group by t.subject_id
;

INSERT INTO results.cohort (cohort_definition_id, subject_id, cohort_start_date, cohort_end_date)
select 2605, a.subject_id, LEAST(a.cohort_start_date, b.cohort_start_date), GREATEST(a.cohort_end_date, b.cohort_end_date)
from (select subject_id, min(cohort_start_date) as cohort_start_date, max(cohort_end_date) as cohort_end_date from target_cohorts where cohort_definition_id = 2601 group by subject_id) a,
  (select subject_id, min(cohort_start_date) as cohort_start_date, max(cohort_end_date) as cohort_end_date from target_cohorts where cohort_definition_id = 2602 group by subject_id) b
where a.subject_id = b.subject_id
  and a.subject_id in (
    select subject_id from target_cohorts where cohort_definition_id = 2601
    INTERSECT
    select subject_id from target_cohorts where cohort_definition_id = 2602
  )
;

TRUNCATE TABLE target_cohorts;
DROP TABLE target_cohorts;
TRUNCATE TABLE overlapping;
DROP TABLE overlapping;
