-- Drug eras of tamoxifen or of tyrosine kinase inhibitors that last half a year, from age 40 to 75; until the
-- era ends and two weeks more.

CREATE TEMP TABLE Codesets  (codeset_id int NOT NULL,
  concept_id bigint NOT NULL
)
;

INSERT INTO Codesets (codeset_id, concept_id)
SELECT 0 as codeset_id, c.concept_id FROM (select distinct I.concept_id FROM
(
  select concept_id from vocab.CONCEPT where concept_id in (2000000220,2000000202)
  UNION
  select c.concept_id
  from vocab.CONCEPT c
  join vocab.CONCEPT_ANCESTOR ca on c.concept_id = ca.descendant_concept_id
  and ca.ancestor_concept_id in (2000000220,2000000202)
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
    -- Begin Drug Era Criteria
    select C.person_id, C.drug_era_id as event_id, C.start_date, C.end_date,
      C.visit_occurrence_id, C.start_date as sort_date
    from
    (
      select de.person_id, de.drug_era_id, de.drug_concept_id, CAST(NULL as bigint) as visit_occurrence_id, de.drug_era_start_date as start_date,
        de.drug_era_end_date as end_date, de.drug_exposure_count as occurrence_count, de.gap_days
      FROM cdm.DRUG_ERA de
      JOIN Codesets cs on (de.drug_concept_id = cs.concept_id and cs.codeset_id = 0)
    ) C
    JOIN cdm.PERSON P on C.person_id = P.person_id
    WHERE (EXTRACT(YEAR FROM C.start_date) - P.year_of_birth >= 40 and EXTRACT(YEAR FROM C.start_date) - P.year_of_birth <= 75)
      AND (CAST(C.end_date AS DATE) - CAST(C.start_date AS DATE)) >= 180
      AND C.gap_days < 60
    -- End Drug Era Criteria
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

-- date offset strategy

CREATE TEMP TABLE strategy_ends

AS
SELECT
event_id, person_id,
  case when (cast(end_date as date) + 14*INTERVAL'1 day') > op_end_date then op_end_date else cast((cast(end_date as date) + 14*INTERVAL'1 day') as date) end as end_date

FROM
included_events;
ANALYZE strategy_ends
;

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
person_id, min(start_date) as start_date, cast((max(end_date) + -14*INTERVAL'1 day') as date) as end_date

FROM
(
  select person_id, start_date, end_date, sum(is_start) over (partition by person_id order by start_date, is_start desc, end_date rows unbounded preceding) group_idx
  from (
    select person_id, start_date, end_date,
      case when max(end_date) over (partition by person_id order by start_date, end_date rows between unbounded preceding and 1 preceding) >= start_date then 0 else 1 end is_start
    from (
      select person_id, start_date, (end_date + 14*INTERVAL'1 day') as end_date
      from cohort_rows
    ) CR
  ) ST
) GR
group by person_id, group_idx;
ANALYZE final_cohort
;

DELETE FROM results.cohort where cohort_definition_id = 15;
INSERT INTO results.cohort (cohort_definition_id, subject_id, cohort_start_date, cohort_end_date)
select 15 as cohort_definition_id, person_id, start_date, end_date
FROM final_cohort CO
;

-- BEGIN: Censored Stats

delete from results.cohort_censor_stats where cohort_definition_id = 15;

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
