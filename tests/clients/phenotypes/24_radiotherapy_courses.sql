-- Courses of radiotherapy: sessions no more than a week apart, of five sessions or more. The sessions are taken by
-- SELECT INTO, numbered by ALTER TABLE and UPDATE, and read through an index.

SELECT po.person_id, po.procedure_occurrence_id as event_id, po.procedure_date as start_date
INTO TEMP sessions
FROM cdm.PROCEDURE_OCCURRENCE po
WHERE po.procedure_concept_id = 2000000131
;

CREATE INDEX idx_sessions ON sessions (person_id, start_date);

ALTER TABLE sessions ADD is_start int;
ALTER TABLE sessions ADD COLUMN course int DEFAULT 0;

UPDATE sessions
SET is_start = s.is_start
FROM (
  select event_id,
    case when lag(start_date) over (partition by person_id order by start_date, event_id) >= (start_date + -7*INTERVAL'1 day') then 0 else 1 end as is_start
  from sessions
) s
WHERE sessions.event_id = s.event_id
;

UPDATE sessions
SET course = s.course
FROM (
  select event_id, SUM(is_start) OVER (PARTITION BY person_id ORDER BY start_date, is_start desc, event_id ROWS UNBOUNDED PRECEDING) as course
  from sessions
) s
WHERE sessions.event_id = s.event_id
;

ANALYZE sessions
;

CREATE TEMP TABLE courses (person_id bigint NOT NULL, course int NOT NULL, start_date date NOT NULL, end_date date NOT NULL, session_count int NOT NULL);

INSERT INTO courses
select person_id, course, min(start_date), max(start_date), count(*)
from sessions
group by person_id, course
having count(*) >= 5
;

DELETE FROM courses
WHERE person_id in (select person_id from cdm.DEATH d where d.death_date <= (courses.end_date + 14*INTERVAL'1 day'))
;

DELETE FROM results.cohort where cohort_definition_id = 24;
INSERT INTO results.cohort (cohort_definition_id, subject_id, cohort_start_date, cohort_end_date)
select 24, c.person_id, c.start_date, c.end_date
from courses c
where exists (
  select 1
  from cdm.CONDITION_OCCURRENCE co, vocab.CONCEPT_ANCESTOR ca
  where co.condition_concept_id = ca.descendant_concept_id and ca.ancestor_concept_id = 2000000001
    and co.person_id = c.person_id and co.condition_start_date <= c.start_date
)
;

-- Radiation pneumonitis within half a year is the outcome.
DELETE FROM results.cohort where cohort_definition_id = 2401;
INSERT INTO results.cohort (cohort_definition_id, subject_id, cohort_start_date, cohort_end_date)
select 2401, co.person_id, min(co.condition_start_date), max(COALESCE(co.condition_end_date, (co.condition_start_date + 1*INTERVAL'1 day')))
from cdm.CONDITION_OCCURRENCE co
join results.cohort c on c.subject_id = co.person_id and c.cohort_definition_id = 24
where co.condition_concept_id = 2000000057
  and co.condition_start_date between c.cohort_start_date and (c.cohort_end_date + 180*INTERVAL'1 day')
group by co.person_id
;

TRUNCATE TABLE sessions;
DROP TABLE sessions;
TRUNCATE TABLE courses;
DROP TABLE courses;
