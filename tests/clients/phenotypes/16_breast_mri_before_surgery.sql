-- MRI of the breast before mastectomy, in a nested criterion: surgery in a stay that began after the MRI.

CREATE TEMP TABLE Codesets  (codeset_id int NOT NULL,
  concept_id bigint NOT NULL
)
;

INSERT INTO Codesets (codeset_id, concept_id)
SELECT 0 as codeset_id, c.concept_id FROM (select distinct I.concept_id FROM
(
  select concept_id from vocab.CONCEPT where concept_id in (2000000107)
) I
) C UNION ALL
SELECT 1 as codeset_id, c.concept_id FROM (select distinct I.concept_id FROM
(
  select concept_id from vocab.CONCEPT where concept_id in (2000000120)
  UNION
  select c.concept_id
  from vocab.CONCEPT c
  join vocab.CONCEPT_ANCESTOR ca on c.concept_id = ca.descendant_concept_id
  and ca.ancestor_concept_id in (2000000120)
  and c.invalid_reason is null
) I
) C UNION ALL
SELECT 2 as codeset_id, c.concept_id FROM (select distinct I.concept_id FROM
(
  select concept_id from vocab.CONCEPT where concept_id in (2000000020)
  UNION
  select c.concept_id
  from vocab.CONCEPT c
  join vocab.CONCEPT_ANCESTOR ca on c.concept_id = ca.descendant_concept_id
  and ca.ancestor_concept_id in (2000000020)
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
    -- Begin Procedure Occurrence Criteria
    select C.person_id, C.procedure_occurrence_id as event_id, C.start_date, C.end_date,
      C.visit_occurrence_id, C.start_date as sort_date
    from
    (
      select po.person_id, po.procedure_occurrence_id, po.procedure_concept_id, po.visit_occurrence_id, po.procedure_date as start_date,
        COALESCE(po.procedure_end_date, (po.procedure_date + 1*INTERVAL'1 day')) as end_date, po.quantity
      FROM cdm.PROCEDURE_OCCURRENCE po
      JOIN Codesets cs on (po.procedure_concept_id = cs.concept_id and cs.codeset_id = 0)
    ) C
    -- End Procedure Occurrence Criteria
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
ALTER TABLE qualified_events ADD COLUMN days_observed int
;
UPDATE qualified_events SET days_observed = (CAST(op_end_date AS DATE) - CAST(start_date AS DATE))
;
DELETE FROM qualified_events WHERE days_observed < 180
;
CREATE INDEX idx_qualified_events ON qualified_events (person_id, event_id)
;

--- Inclusion Rule 0: surgery in a stay after

CREATE TEMP TABLE Inclusion_0

AS
SELECT
0 as inclusion_rule_id, person_id, event_id

FROM
(
  select pe.person_id, pe.event_id
  FROM qualified_events pe
  JOIN (
  -- Begin Criteria Group
  select 0 as index_id, person_id, event_id
  FROM
  (
    select E.person_id, E.event_id
    FROM qualified_events E
    INNER JOIN
    (
      -- Begin Correlated Criteria
      select 0 as index_id, cc.person_id, cc.event_id
      from (SELECT p.person_id, p.event_id
      FROM qualified_events P
      JOIN (
        -- Begin Procedure Occurrence Criteria
        select C.person_id, C.procedure_occurrence_id as event_id, C.start_date, C.end_date,
          C.visit_occurrence_id, C.start_date as sort_date
        from
        (
          select po.person_id, po.procedure_occurrence_id, po.procedure_concept_id, po.visit_occurrence_id, po.procedure_date as start_date,
            COALESCE(po.procedure_end_date, (po.procedure_date + 1*INTERVAL'1 day')) as end_date, po.quantity
          FROM cdm.PROCEDURE_OCCURRENCE po
          JOIN Codesets cs on (po.procedure_concept_id = cs.concept_id and cs.codeset_id = 1)
        ) C
        JOIN cdm.VISIT_OCCURRENCE V on C.visit_occurrence_id = V.visit_occurrence_id and C.person_id = V.person_id
        WHERE V.visit_concept_id in (9201)
        -- End Procedure Occurrence Criteria
      ) A on A.person_id = P.person_id AND A.START_DATE >= P.OP_START_DATE AND A.START_DATE <= P.OP_END_DATE AND A.START_DATE >= (P.START_DATE + 1*INTERVAL'1 day') AND A.START_DATE <= (P.START_DATE + 180*INTERVAL'1 day')
      ) cc
      GROUP BY cc.person_id, cc.event_id
      HAVING COUNT(cc.event_id) >= 1
      -- End Correlated Criteria
    ) CQ on E.person_id = CQ.person_id and E.event_id = CQ.event_id
    GROUP BY E.person_id, E.event_id
    HAVING COUNT(index_id) = 1
  ) G
  -- End Criteria Group
) AC on AC.person_id = pe.person_id AND AC.event_id = pe.event_id
) Results
;
ANALYZE Inclusion_0
;

--- Inclusion Rule 1: cancer within a month

CREATE TEMP TABLE Inclusion_1

AS
SELECT
1 as inclusion_rule_id, person_id, event_id

FROM
(
  select pe.person_id, pe.event_id
  FROM qualified_events pe
  JOIN (
  -- Begin Criteria Group
  select 0 as index_id, person_id, event_id
  FROM
  (
    select E.person_id, E.event_id
    FROM qualified_events E
    INNER JOIN
    (
      -- Begin Correlated Criteria
      select 0 as index_id, cc.person_id, cc.event_id
      from (SELECT p.person_id, p.event_id
      FROM qualified_events P
      JOIN (
        -- Begin Condition Occurrence Criteria
        select C.person_id, C.condition_occurrence_id as event_id, C.start_date, C.end_date,
          C.visit_occurrence_id, C.start_date as sort_date
        from
        (
          select co.person_id, co.condition_occurrence_id, co.condition_concept_id, co.visit_occurrence_id, co.condition_start_date as start_date,
            COALESCE(co.condition_end_date, (co.condition_start_date + 1*INTERVAL'1 day')) as end_date, co.stop_reason
          FROM cdm.CONDITION_OCCURRENCE co
          JOIN Codesets cs on (co.condition_concept_id = cs.concept_id and cs.codeset_id = 2)
        ) C
        -- End Condition Occurrence Criteria
      ) A on A.person_id = P.person_id AND A.START_DATE >= P.OP_START_DATE AND A.START_DATE <= P.OP_END_DATE AND A.START_DATE >= (P.START_DATE + -30*INTERVAL'1 day') AND A.START_DATE <= (P.START_DATE + 30*INTERVAL'1 day')
      ) cc
      GROUP BY cc.person_id, cc.event_id
      HAVING COUNT(cc.event_id) >= 1
      -- End Correlated Criteria
    ) CQ on E.person_id = CQ.person_id and E.event_id = CQ.event_id
    GROUP BY E.person_id, E.event_id
    HAVING COUNT(index_id) = 1
  ) G
  -- End Criteria Group
) AC on AC.person_id = pe.person_id AND AC.event_id = pe.event_id
) Results
;
ANALYZE Inclusion_1
;

CREATE TEMP TABLE inclusion_events

AS
SELECT
inclusion_rule_id, person_id, event_id

FROM
(select inclusion_rule_id, person_id, event_id from Inclusion_0
UNION ALL
select inclusion_rule_id, person_id, event_id from Inclusion_1) I;
ANALYZE inclusion_events
;
TRUNCATE TABLE Inclusion_0;
DROP TABLE Inclusion_0;

TRUNCATE TABLE Inclusion_1;
DROP TABLE Inclusion_1;

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
  WHERE (MG.inclusion_rule_mask = POWER(cast(2 as bigint),2)-1)
)
SELECT
event_id, person_id, start_date, end_date, op_start_date, op_end_date

FROM
cteIncludedEvents Results
WHERE Results.ordinal = 1
;
ANALYZE included_events
;

-- from entry to exit, joined where they meet

CREATE TEMP TABLE cohort_rows

AS
WITH
cohort_ends (event_id, person_id, end_date)  AS (
    -- cohort exit dates
    -- nobody stays longer than observed
    select event_id, person_id, op_end_date as end_date from included_events
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
person_id, min(start_date) as start_date, cast((max(end_date) + 0*INTERVAL'1 day') as date) as end_date

FROM
(
  select person_id, start_date, end_date, sum(is_start) over (partition by person_id order by start_date, is_start desc, end_date rows unbounded preceding) group_idx
  from (
    select person_id, start_date, end_date,
      case when max(end_date) over (partition by person_id order by start_date, end_date rows between unbounded preceding and 1 preceding) >= start_date then 0 else 1 end is_start
    from (
      select person_id, start_date, (end_date + 0*INTERVAL'1 day') as end_date
      from cohort_rows
    ) CR
  ) ST
) GR
group by person_id, group_idx;
ANALYZE final_cohort
;

DELETE FROM results.cohort where cohort_definition_id = 16;
INSERT INTO results.cohort (cohort_definition_id, subject_id, cohort_start_date, cohort_end_date)
select 16 as cohort_definition_id, person_id, start_date, end_date
FROM final_cohort CO
;

-- Inclusion impact

delete from results.cohort_inclusion where cohort_definition_id = 16;
insert into results.cohort_inclusion (cohort_definition_id, rule_sequence, name)
select 16 as cohort_definition_id, rule_sequence, name
FROM (
  SELECT CAST(0 as int) as rule_sequence, CAST('surgery in a stay after' as varchar(255)) as name UNION ALL
  SELECT CAST(1 as int) as rule_sequence, CAST('cancer within a month' as varchar(255)) as name
) R;

CREATE TEMP TABLE inclusion_rules

AS
SELECT
CAST(cohort_definition_id as int) as cohort_definition_id, CAST(rule_sequence as int) as rule_sequence

FROM
results.cohort_inclusion where cohort_definition_id = 16;
ANALYZE inclusion_rules
;

-- of every person the event that meets most rules

CREATE TEMP TABLE best_events

AS
SELECT
q.person_id, q.event_id

FROM
qualified_events Q
join (
  SELECT R.person_id, R.event_id, ROW_NUMBER() OVER (PARTITION BY R.person_id ORDER BY R.rule_count DESC,R.min_rule_id ASC, R.start_date ASC, R.event_id) AS rank_value
  FROM (
    SELECT Q.person_id, Q.event_id, COALESCE(COUNT(DISTINCT I.inclusion_rule_id), 0) AS rule_count, COALESCE(MIN(I.inclusion_rule_id), 0) AS min_rule_id, Q.start_date
    FROM qualified_events Q
    LEFT JOIN inclusion_events I ON q.person_id = i.person_id AND q.event_id = i.event_id
    GROUP BY Q.person_id, Q.event_id, Q.start_date
  ) R
) ranked on Q.person_id = ranked.person_id and Q.event_id = ranked.event_id
WHERE ranked.rank_value = 1
;
ANALYZE best_events
;

-- calculate matching group counts, mode 0
delete from results.cohort_inclusion_result where cohort_definition_id = 16 and mode_id = 0;
insert into results.cohort_inclusion_result (cohort_definition_id, inclusion_rule_mask, person_count, mode_id)
select 16 as cohort_definition_id, inclusion_rule_mask, count(*) as person_count, 0 as mode_id
from
(
  select Q.person_id, Q.event_id, CAST(SUM(coalesce(POWER(cast(2 as bigint), I.inclusion_rule_id), 0)) AS bigint) as inclusion_rule_mask
  from qualified_events Q
  LEFT JOIN inclusion_events I on q.person_id = i.person_id and q.event_id = i.event_id
  GROUP BY Q.person_id, Q.event_id
) MG -- matching groups
group by inclusion_rule_mask
;

-- calculate gain counts, mode 0
delete from results.cohort_inclusion_stats where cohort_definition_id = 16 and mode_id = 0;
insert into results.cohort_inclusion_stats (cohort_definition_id, rule_sequence, person_count, gain_count, person_total, mode_id)
select ir.cohort_definition_id, ir.rule_sequence, coalesce(T.person_count, 0) as person_count, coalesce(SR.person_count, 0) gain_count, EventTotal.total, 0 as mode_id
from inclusion_rules ir
left join
(
  select i.inclusion_rule_id, count(i.event_id) as person_count
  from qualified_events Q
  JOIN inclusion_events i on Q.person_id = I.person_id and Q.event_id = i.event_id
  group by i.inclusion_rule_id
) T on ir.rule_sequence = T.inclusion_rule_id
CROSS JOIN (select count(*) as total_rules from inclusion_rules) RuleTotal
CROSS JOIN (select count(Q.event_id) as total from qualified_events Q) EventTotal
LEFT JOIN results.cohort_inclusion_result SR on SR.mode_id = 0 AND SR.cohort_definition_id = 16 AND (POWER(cast(2 as bigint),RuleTotal.total_rules) - POWER(cast(2 as bigint),ir.rule_sequence) - 1) = SR.inclusion_rule_mask -- all rules but this one
;

-- calculate totals, mode 0
delete from results.cohort_summary_stats where cohort_definition_id = 16 and mode_id = 0;
insert into results.cohort_summary_stats (cohort_definition_id, base_count, final_count, mode_id)
select 16 as cohort_definition_id, PC.total as person_count, coalesce(FC.total, 0) as final_count, 0 as mode_id
FROM
(select count(Q.event_id) as total from qualified_events Q) PC,
(select sum(sr.person_count) as total
  from results.cohort_inclusion_result sr
  CROSS JOIN (select count(*) as total_rules from inclusion_rules) RuleTotal
  where sr.mode_id = 0 and sr.cohort_definition_id = 16 and sr.inclusion_rule_mask = POWER(cast(2 as bigint),RuleTotal.total_rules)-1
) FC
;

-- calculate matching group counts, mode 1
delete from results.cohort_inclusion_result where cohort_definition_id = 16 and mode_id = 1;
insert into results.cohort_inclusion_result (cohort_definition_id, inclusion_rule_mask, person_count, mode_id)
select 16 as cohort_definition_id, inclusion_rule_mask, count(*) as person_count, 1 as mode_id
from
(
  select Q.person_id, Q.event_id, CAST(SUM(coalesce(POWER(cast(2 as bigint), I.inclusion_rule_id), 0)) AS bigint) as inclusion_rule_mask
  from qualified_events Q JOIN best_events B on B.person_id = Q.person_id and B.event_id = Q.event_id
  LEFT JOIN inclusion_events I on q.person_id = i.person_id and q.event_id = i.event_id
  GROUP BY Q.person_id, Q.event_id
) MG -- matching groups
group by inclusion_rule_mask
;

-- calculate gain counts, mode 1
delete from results.cohort_inclusion_stats where cohort_definition_id = 16 and mode_id = 1;
insert into results.cohort_inclusion_stats (cohort_definition_id, rule_sequence, person_count, gain_count, person_total, mode_id)
select ir.cohort_definition_id, ir.rule_sequence, coalesce(T.person_count, 0) as person_count, coalesce(SR.person_count, 0) gain_count, EventTotal.total, 1 as mode_id
from inclusion_rules ir
left join
(
  select i.inclusion_rule_id, count(i.event_id) as person_count
  from qualified_events Q JOIN best_events B on B.person_id = Q.person_id and B.event_id = Q.event_id
  JOIN inclusion_events i on Q.person_id = I.person_id and Q.event_id = i.event_id
  group by i.inclusion_rule_id
) T on ir.rule_sequence = T.inclusion_rule_id
CROSS JOIN (select count(*) as total_rules from inclusion_rules) RuleTotal
CROSS JOIN (select count(Q.event_id) as total from qualified_events Q JOIN best_events B on B.person_id = Q.person_id and B.event_id = Q.event_id) EventTotal
LEFT JOIN results.cohort_inclusion_result SR on SR.mode_id = 1 AND SR.cohort_definition_id = 16 AND (POWER(cast(2 as bigint),RuleTotal.total_rules) - POWER(cast(2 as bigint),ir.rule_sequence) - 1) = SR.inclusion_rule_mask -- all rules but this one
;

-- calculate totals, mode 1
delete from results.cohort_summary_stats where cohort_definition_id = 16 and mode_id = 1;
insert into results.cohort_summary_stats (cohort_definition_id, base_count, final_count, mode_id)
select 16 as cohort_definition_id, PC.total as person_count, coalesce(FC.total, 0) as final_count, 1 as mode_id
FROM
(select count(distinct Q.person_id) as total from qualified_events Q) PC,
(select sum(sr.person_count) as total
  from results.cohort_inclusion_result sr
  CROSS JOIN (select count(*) as total_rules from inclusion_rules) RuleTotal
  where sr.mode_id = 1 and sr.cohort_definition_id = 16 and sr.inclusion_rule_mask = POWER(cast(2 as bigint),RuleTotal.total_rules)-1
) FC
;

TRUNCATE TABLE best_events;
DROP TABLE best_events;

TRUNCATE TABLE inclusion_rules;
DROP TABLE inclusion_rules;

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

TRUNCATE TABLE Codesets;
DROP TABLE Codesets;
