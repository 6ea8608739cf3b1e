-- Chemotherapy from 2012 to 2018: what began before is cut there, what lasts longer ends there; censored at
-- metastasis and at death.

CREATE TEMP TABLE Codesets  (codeset_id int NOT NULL,
  concept_id bigint NOT NULL
)
;

INSERT INTO Codesets (codeset_id, concept_id)
SELECT 0 as codeset_id, c.concept_id FROM (select distinct I.concept_id FROM
(
  select concept_id from vocab.CONCEPT where concept_id in (2000000200)
  UNION
  select c.concept_id
  from vocab.CONCEPT c
  join vocab.CONCEPT_ANCESTOR ca on c.concept_id = ca.descendant_concept_id
  and ca.ancestor_concept_id in (2000000200)
  and c.invalid_reason is null
) I
LEFT JOIN
(
  select concept_id from vocab.CONCEPT where concept_id in (2000000202)
  UNION
  select c.concept_id
  from vocab.CONCEPT c
  join vocab.CONCEPT_ANCESTOR ca on c.concept_id = ca.descendant_concept_id
  and ca.ancestor_concept_id in (2000000202)
  and c.invalid_reason is null
) E ON I.concept_id = E.concept_id
WHERE E.concept_id is null
) C UNION ALL
SELECT 1 as codeset_id, c.concept_id FROM (select distinct I.concept_id FROM
(
  select concept_id from vocab.CONCEPT where concept_id in (2000000040)
  UNION
  select c.concept_id
  from vocab.CONCEPT c
  join vocab.CONCEPT_ANCESTOR ca on c.concept_id = ca.descendant_concept_id
  and ca.ancestor_concept_id in (2000000040)
  and c.invalid_reason is null
) I
) C
;

ANALYZE Codesets
;

CREATE TEMP TABLE qualified_events
AS
WITH
primary_events (event_id, person_id, start_date, end_date, op_start_date, op_end_date, visit_occurrence_id)  AS (
-- Begin Primary Events
select P.ordinal as event_id, P.person_id, P.start_date, P.end_date, op_start_date, op_end_date, cast(P.visit_occurrence_id as bigint) as visit_occurrence_id
FROM
(
  select E.person_id, E.start_date, E.end_date,
         row_number() OVER (PARTITION BY E.person_id ORDER BY E.sort_date ASC, E.event_id) ordinal,
         OP.observation_period_start_date as op_start_date, OP.observation_period_end_date as op_end_date, cast(E.visit_occurrence_id as bigint) as visit_occurrence_id
  FROM
  (
    -- Begin Drug Exposure Criteria
    select C.person_id, C.drug_exposure_id as event_id, C.start_date, C.end_date,
      C.visit_occurrence_id, C.start_date as sort_date
    from
    (
      select de.person_id, de.drug_exposure_id, de.drug_concept_id, de.visit_occurrence_id, de.drug_exposure_start_date as start_date,
        COALESCE(de.drug_exposure_end_date, (de.drug_exposure_start_date + de.days_supply*INTERVAL'1 day'), (de.drug_exposure_start_date + 1*INTERVAL'1 day')) as end_date, de.days_supply, de.quantity, de.refills
      FROM cdm.DRUG_EXPOSURE de
      JOIN Codesets cs on (de.drug_concept_id = cs.concept_id and cs.codeset_id = 0)
    ) C
    -- End Drug Exposure Criteria
  ) E
  JOIN cdm.observation_period OP on E.person_id = OP.person_id and E.start_date >=  OP.observation_period_start_date and E.start_date <= op.observation_period_end_date
  WHERE (OP.OBSERVATION_PERIOD_START_DATE + 0*INTERVAL'1 day') <= E.START_DATE AND (E.START_DATE + 0*INTERVAL'1 day') <= OP.OBSERVATION_PERIOD_END_DATE
) P

-- End Primary Events
)
SELECT
event_id, person_id, start_date, end_date, op_start_date, op_end_date, visit_occurrence_id
FROM
(
  select pe.event_id, pe.person_id, pe.start_date, pe.end_date, pe.op_start_date, pe.op_end_date, row_number() over (partition by pe.person_id order by pe.start_date ASC, pe.event_id) as ordinal, cast(pe.visit_occurrence_id as bigint) as visit_occurrence_id
  FROM primary_events pe

) QE

;
ANALYZE qualified_events
;

CREATE TEMP TABLE inclusion_events  (inclusion_rule_id bigint,
	person_id bigint,
	event_id bigint
);

CREATE TEMP TABLE included_events

AS
WITH
cteIncludedEvents(event_id, person_id, start_date, end_date, op_start_date, op_end_date, ordinal)  AS (
  SELECT event_id, person_id, start_date, end_date, op_start_date, op_end_date, row_number() over (partition by person_id order by start_date ASC, event_id ASC) as ordinal
  from
  (
    select Q.event_id, Q.person_id, Q.start_date, Q.end_date, Q.op_start_date, Q.op_end_date, SUM(coalesce(POWER(cast(2 as bigint), I.inclusion_rule_id), 0)) as inclusion_rule_mask
    from qualified_events Q
    LEFT JOIN inclusion_events I on I.person_id = Q.person_id and I.event_id = Q.event_id
    GROUP BY Q.event_id, Q.person_id, Q.start_date, Q.end_date, Q.op_start_date, Q.op_end_date
  ) MG -- matching groups
)
SELECT
event_id, person_id, start_date, end_date, op_start_date, op_end_date

FROM
cteIncludedEvents Results

;
ANALYZE included_events
;

-- custom era strategy

CREATE TEMP TABLE drugTarget

AS
WITH
ctePersons(person_id)  AS (
  SELECT DISTINCT person_id FROM included_events
)
SELECT
person_id, drug_exposure_start_date, drug_exposure_end_date

FROM
(
  select de.PERSON_ID, DRUG_EXPOSURE_START_DATE, COALESCE(DRUG_EXPOSURE_END_DATE, (DRUG_EXPOSURE_START_DATE + DAYS_SUPPLY*INTERVAL'1 day'), (DRUG_EXPOSURE_START_DATE + 1*INTERVAL'1 day')) as DRUG_EXPOSURE_END_DATE
  FROM cdm.DRUG_EXPOSURE DE
  JOIN ctePersons p on de.person_id = p.person_id
  JOIN Codesets cs on cs.codeset_id = 0 AND de.drug_concept_id = cs.concept_id

  UNION ALL

  select de.PERSON_ID, DRUG_EXPOSURE_START_DATE, COALESCE(DRUG_EXPOSURE_END_DATE, (DRUG_EXPOSURE_START_DATE + DAYS_SUPPLY*INTERVAL'1 day'), (DRUG_EXPOSURE_START_DATE + 1*INTERVAL'1 day')) as DRUG_EXPOSURE_END_DATE
  FROM cdm.DRUG_EXPOSURE DE
  JOIN ctePersons p on de.person_id = p.person_id
  JOIN Codesets cs on cs.codeset_id = 0 AND de.drug_source_concept_id = cs.concept_id
) E
;
ANALYZE drugTarget
;

CREATE TEMP TABLE strategy_ends

AS
SELECT
et.event_id, et.person_id, ERAS.era_end_date as end_date

FROM
included_events et
JOIN
(
  select ENDS.person_id, min(drug_exposure_start_date) as era_start_date, (ENDS.era_end_date + 14*INTERVAL'1 day') as era_end_date
  from
  (
    select de.person_id, de.drug_exposure_start_date, MIN(e.END_DATE) as era_end_date
    FROM drugTarget DE
    JOIN
    (
      --cteEndDates
      select PERSON_ID, (EVENT_DATE + -60*INTERVAL'1 day') as END_DATE -- without the padding of 60
      FROM
      (
        select PERSON_ID, EVENT_DATE, EVENT_TYPE,
        MAX(START_ORDINAL) OVER (PARTITION BY PERSON_ID ORDER BY EVENT_DATE, EVENT_TYPE, START_ORDINAL ROWS UNBOUNDED PRECEDING) AS start_ordinal,
        ROW_NUMBER() OVER (PARTITION BY PERSON_ID ORDER BY EVENT_DATE, EVENT_TYPE, START_ORDINAL) AS OVERALL_ORD
        from
        (
          Select PERSON_ID, DRUG_EXPOSURE_START_DATE AS EVENT_DATE, 0 as EVENT_TYPE, ROW_NUMBER() OVER (PARTITION BY PERSON_ID ORDER BY DRUG_EXPOSURE_START_DATE) as START_ORDINAL
          from drugTarget D

          UNION ALL

          -- ends have no number of their own and wait 60 days for the next start
          select PERSON_ID, (DRUG_EXPOSURE_END_DATE + 60*INTERVAL'1 day'), 1 as EVENT_TYPE, NULL
          FROM drugTarget D
        ) RAWDATA
      ) E
      WHERE 2 * E.START_ORDINAL - E.OVERALL_ORD = 0
    ) E on DE.PERSON_ID = E.PERSON_ID and E.END_DATE >= DE.DRUG_EXPOSURE_START_DATE
    GROUP BY de.person_id, de.drug_exposure_start_date
  ) ENDS
  GROUP BY ENDS.person_id, ENDS.era_end_date
) ERAS on ERAS.person_id = et.person_id
WHERE et.start_date between ERAS.era_start_date and ERAS.era_end_date
;
ANALYZE strategy_ends
;

TRUNCATE TABLE drugTarget;
DROP TABLE drugTarget;

-- from entry to exit, joined where they meet

CREATE TEMP TABLE cohort_rows

AS
WITH
cohort_ends (event_id, person_id, end_date)  AS (
    -- cohort exit dates
    -- nobody stays longer than observed
    select event_id, person_id, op_end_date as end_date from included_events
    UNION ALL
    -- End Date Strategy
    SELECT event_id, person_id, end_date from strategy_ends
    UNION ALL
    -- Censor Events
    select i.event_id, i.person_id, MIN(c.start_date) as end_date
    FROM included_events i
    JOIN
    (
      -- Begin Condition Occurrence Criteria
      select C.person_id, C.condition_occurrence_id as event_id, C.start_date, C.end_date,
        C.visit_occurrence_id, C.start_date as sort_date
      from
      (
        select co.person_id, co.condition_occurrence_id, co.condition_concept_id, co.visit_occurrence_id, co.condition_start_date as start_date,
          COALESCE(co.condition_end_date, (co.condition_start_date + 1*INTERVAL'1 day')) as end_date, co.stop_reason
        FROM cdm.CONDITION_OCCURRENCE co
        JOIN Codesets cs on (co.condition_concept_id = cs.concept_id and cs.codeset_id = 1)
      ) C
      -- End Condition Occurrence Criteria
    ) C on C.person_id = I.person_id and C.start_date >= I.start_date and C.START_DATE <= I.op_end_date
    GROUP BY i.event_id, i.person_id
    UNION ALL
    -- Censor Events
    select i.event_id, i.person_id, MIN(c.start_date) as end_date
    FROM included_events i
    JOIN
    (
      -- Begin Death Criteria
      select C.person_id, C.person_id as event_id, C.start_date, C.end_date,
        CAST(NULL as bigint) as visit_occurrence_id, C.start_date as sort_date
      from
      (
        select d.person_id, d.cause_concept_id, d.death_date as start_date, (d.death_date + 1*INTERVAL'1 day') as end_date
        FROM cdm.DEATH d
      ) C
      -- End Death Criteria
    ) C on C.person_id = I.person_id and C.start_date >= I.start_date and C.START_DATE <= I.op_end_date
    GROUP BY i.event_id, i.person_id
),
first_ends (person_id, start_date, end_date)  AS (
  select F.person_id, F.start_date, F.end_date
  FROM (
    select I.event_id, I.person_id, I.start_date, E.end_date, row_number() over (partition by I.person_id, I.event_id order by E.end_date) as ordinal
    from included_events I
    join cohort_ends E on I.event_id = E.event_id and I.person_id = E.person_id and E.end_date >= I.start_date
  ) F
  WHERE F.ordinal = 1
)
SELECT
person_id, start_date, end_date

FROM
first_ends;
ANALYZE cohort_rows
;

CREATE TEMP TABLE final_cohort

AS
SELECT
person_id, min(start_date) as start_date, cast((max(end_date) + -30*INTERVAL'1 day') as date) as end_date

FROM
(
  select person_id, start_date, end_date, sum(is_start) over (partition by person_id order by start_date, is_start desc, end_date rows unbounded preceding) group_idx
  from (
    select person_id, start_date, end_date,
      case when max(end_date) over (partition by person_id order by start_date, end_date rows between unbounded preceding and 1 preceding) >= start_date then 0 else 1 end is_start
    from (
      select person_id, start_date, (end_date + 30*INTERVAL'1 day') as end_date
      from cohort_rows
    ) CR
  ) ST
) GR
group by person_id, group_idx;
ANALYZE final_cohort
;

DELETE FROM results.cohort where cohort_definition_id = 19;
INSERT INTO results.cohort (cohort_definition_id, subject_id, cohort_start_date, cohort_end_date)
select 19 as cohort_definition_id, person_id, start_date, end_date
FROM (
  -- censoring window
  select person_id, CASE WHEN start_date < TO_DATE('2012-01-01', 'YYYY-MM-DD') THEN TO_DATE('2012-01-01', 'YYYY-MM-DD') ELSE start_date END as start_date, LEAST(cast(end_date as date), TO_DATE('2018-12-31', 'YYYY-MM-DD')) as end_date
  FROM final_cohort
) CO
WHERE start_date <= end_date
;

delete from results.cohort_censor_stats where cohort_definition_id = 19;
insert into results.cohort_censor_stats (cohort_definition_id, lost_count)
select 19 as cohort_definition_id, coalesce(FC.total_people - TC.total, 0) as lost_count
FROM
( select count(*) as total_people FROM final_cohort ) FC,
( select count(*) as total FROM results.cohort where cohort_definition_id = 19 ) TC
;

-- BEGIN: Censored Stats

delete from results.cohort_censor_stats where cohort_definition_id = 19;

-- END: Censored Stats

TRUNCATE TABLE cohort_rows;
DROP TABLE cohort_rows;

TRUNCATE TABLE final_cohort;
DROP TABLE final_cohort;

TRUNCATE TABLE inclusion_events;
DROP TABLE inclusion_events;

TRUNCATE TABLE qualified_events;
DROP TABLE qualified_events;

TRUNCATE TABLE included_events;
DROP TABLE included_events;

TRUNCATE TABLE strategy_ends;
DROP TABLE strategy_ends;

TRUNCATE TABLE Codesets;
DROP TABLE Codesets;
