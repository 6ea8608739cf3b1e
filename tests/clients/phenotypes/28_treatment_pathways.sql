-- Pathways of treatment after the first cancer: the order of the first three kinds of treatment, combined where two
-- begin within a fortnight; of every pathway that five or more took, the people are a cohort.

CREATE TEMP TABLE target
AS
WITH
cteFirst (person_id, index_date, ordinal)  AS (
  select co.person_id, co.condition_start_date, row_number() over (partition by co.person_id order by co.condition_start_date, co.condition_occurrence_id)
  from cdm.CONDITION_OCCURRENCE co
  join vocab.CONCEPT_ANCESTOR ca on ca.descendant_concept_id = co.condition_concept_id and ca.ancestor_concept_id in (2000000010,2000000020,2000000030)
)
SELECT f.person_id, f.index_date, op.observation_period_end_date as end_date
FROM cteFirst f
JOIN cdm.OBSERVATION_PERIOD op on op.person_id = f.person_id and f.index_date between op.observation_period_start_date and op.observation_period_end_date
WHERE f.ordinal = 1
;
ANALYZE target
;

CREATE TEMP TABLE treatments  (person_id bigint, kind varchar(20), start_date date);

INSERT INTO treatments (person_id, kind, start_date)
select E.person_id, E.kind, min(E.start_date)
from (
  select po.person_id, CASE WHEN ca.ancestor_concept_id = 2000000120 THEN 'surgery' ELSE 'radiation' END as kind, po.procedure_date as start_date
  from cdm.PROCEDURE_OCCURRENCE po
  join vocab.CONCEPT_ANCESTOR ca on ca.descendant_concept_id = po.procedure_concept_id and ca.ancestor_concept_id in (2000000120,2000000131)
  UNION ALL
  select de.person_id, CASE WHEN tk.descendant_concept_id is not null THEN 'targeted' ELSE 'chemotherapy' END, de.drug_exposure_start_date
  from cdm.DRUG_EXPOSURE de
  join vocab.CONCEPT_ANCESTOR ca on ca.descendant_concept_id = de.drug_concept_id and ca.ancestor_concept_id = 2000000200
  left join vocab.CONCEPT_ANCESTOR tk on tk.descendant_concept_id = de.drug_concept_id and tk.ancestor_concept_id = 2000000202
) E
join target t on t.person_id = E.person_id and E.start_date >= t.index_date and E.start_date <= t.end_date
group by E.person_id, E.kind
;
ANALYZE treatments
;

CREATE TEMP TABLE steps
AS
WITH
marked (person_id, kind, start_date, is_start)  AS (
  select person_id, kind, start_date,
    case when start_date <= (lag(start_date) over (partition by person_id order by start_date, kind) + 14*INTERVAL'1 day') then 0 else 1 end
  from treatments
),
numbered (person_id, kind, start_date, step)  AS (
  select person_id, kind, start_date, sum(is_start) over (partition by person_id order by start_date, kind rows unbounded preceding)
  from marked
)
SELECT person_id, step, min(start_date) as start_date, STRING_AGG(kind, '+' ORDER BY kind) as combination
FROM numbered
GROUP BY person_id, step
;
ANALYZE steps
;

CREATE TEMP TABLE pathways
AS
SELECT person_id,
  MAX(CASE WHEN step = 1 THEN combination END) as step_1,
  COALESCE(MAX(CASE WHEN step = 2 THEN combination END), '') as step_2,
  COALESCE(MAX(CASE WHEN step = 3 THEN combination END), '') as step_3,
  MIN(start_date) as start_date, MAX(start_date) as last_date
FROM steps
GROUP BY person_id
;
ANALYZE pathways
;

DROP TABLE IF EXISTS results.pathway_counts;
CREATE TABLE results.pathway_counts
AS
SELECT ROW_NUMBER() OVER (ORDER BY COUNT(*) DESC, step_1, step_2, step_3) as pathway_rank,
  step_1, step_2, step_3, COUNT(*) as person_count,
  STRING_AGG(DISTINCT SUBSTR(step_1, 1, 4), '/') as abbreviation
FROM pathways
GROUP BY step_1, step_2, step_3
HAVING COUNT(*) >= 5
;

DELETE FROM results.cohort where cohort_definition_id = 28;
INSERT INTO results.cohort (cohort_definition_id, subject_id, cohort_start_date, cohort_end_date)
select 28, p.person_id, p.start_date, GREATEST(p.last_date, CAST((p.start_date + 30*INTERVAL'1 day') AS DATE))
from pathways p
join results.pathway_counts c on c.step_1 = p.step_1 and c.step_2 = p.step_2 and c.step_3 = p.step_3
;

TRUNCATE TABLE target;
DROP TABLE target;
TRUNCATE TABLE treatments;
DROP TABLE treatments;
TRUNCATE TABLE steps;
DROP TABLE steps;
TRUNCATE TABLE pathways;
DROP TABLE pathways;
