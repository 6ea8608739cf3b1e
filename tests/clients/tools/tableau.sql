-- settings
SET DateStyle = 'ISO'; SET extra_float_digits = 2; SET client_min_messages TO warning;
-- isolation
SHOW transaction_isolation;
-- tables
-- about: trial
select relname, nspname, relkind from pg_catalog.pg_class c, pg_catalog.pg_namespace n
where relkind in ('r', 'v', 'm', 'f', 'p') and nspname not in ('pg_catalog', 'information_schema', 'pg_toast', 'pg_temp_1') and n.oid = relnamespace
order by nspname, relname;
-- columns
select n.nspname, c.relname, a.attname, a.atttypid, t.typname, a.attnum, a.attlen, a.atttypmod, a.attnotnull, c.relhasrules, c.relkind, c.oid,
  pg_get_expr(d.adbin, d.adrelid), case t.typtype when 'd' then t.typbasetype else 0 end, t.typtypmod, 0, attidentity, c.relhassubclass
from (((pg_catalog.pg_class c inner join pg_catalog.pg_namespace n on n.oid = c.relnamespace and c.oid = 'trial.study'::regclass)
  inner join pg_catalog.pg_attribute a on (not a.attisdropped) and a.attnum > 0 and a.attrelid = c.oid)
  inner join pg_catalog.pg_type t on t.oid = a.atttypid)
  left outer join pg_attrdef d on a.atthasdef and d.adrelid = a.attrelid and d.adnum = a.attnum
order by n.nspname, c.relname, attnum;
-- primary key
select ta.attname, ia.attnum, ic.relname, n.nspname, tc.relname
from pg_catalog.pg_attribute ta, pg_catalog.pg_attribute ia, pg_catalog.pg_class tc, pg_catalog.pg_index i, pg_catalog.pg_namespace n, pg_catalog.pg_class ic
where tc.relname = 'study' AND n.nspname = 'trial' AND tc.oid = i.indrelid AND n.oid = tc.relnamespace AND i.indisprimary = 't'
  AND ia.attrelid = i.indexrelid AND ta.attrelid = i.indrelid AND ta.attnum = i.indkey[ia.attnum-1]
  AND (NOT ta.attisdropped) AND (NOT ia.attisdropped) AND ic.oid = i.indexrelid
order by ia.attnum;
-- foreign keys
select n2.nspname as "PKTABLE_SCHEM", c2.relname as "PKTABLE_NAME", a2.attname as "PKCOLUMN_NAME",
  n1.nspname as "FKTABLE_SCHEM", c1.relname as "FKTABLE_NAME", a1.attname as "FKCOLUMN_NAME", i::int2 as "KEY_SEQ",
  case ref.confupdtype when 'c' then 0::int2 when 'n' then 2::int2 when 'd' then 4::int2 when 'r' then 1::int2 else 3::int2 end as "UPDATE_RULE",
  ref.conname as "FK_NAME", cn.conname as "PK_NAME"
from (((((((select cn.oid, conrelid, conkey, confrelid, confkey, generate_series(array_lower(conkey, 1), array_upper(conkey, 1)) as i,
      confupdtype, confdeltype, conname, condeferrable, condeferred
    from pg_catalog.pg_constraint cn, pg_catalog.pg_class c, pg_catalog.pg_namespace n
    where contype = 'f' and conrelid = c.oid and relname = 'study' and n.oid = c.relnamespace and n.nspname = 'trial') ref
  inner join pg_catalog.pg_class c1 on c1.oid = ref.conrelid)
  inner join pg_catalog.pg_namespace n1 on n1.oid = c1.relnamespace)
  inner join pg_catalog.pg_attribute a1 on a1.attrelid = c1.oid and a1.attnum = conkey[i])
  inner join pg_catalog.pg_class c2 on c2.oid = ref.confrelid)
  inner join pg_catalog.pg_namespace n2 on n2.oid = c2.relnamespace)
  inner join pg_catalog.pg_attribute a2 on a2.attrelid = c2.oid and a2.attnum = confkey[i])
  left outer join pg_catalog.pg_constraint cn on cn.conrelid = ref.confrelid and cn.contype = 'p'
order by ref.oid, ref.i;
-- temporary table
CREATE LOCAL TEMPORARY TABLE "#Tableau_1_Connect" ("COL" INTEGER) ON COMMIT PRESERVE ROWS;
-- temporary table from a query
SELECT * INTO TEMPORARY TABLE "#Tableau_1_Check" FROM (SELECT 1 AS COL) AS CHECKTEMP LIMIT 1;
-- subquery probe
SELECT "SUBQUERY"."COL" AS "COL" FROM (SELECT 1 AS "COL") "SUBQUERY" LIMIT 1;
-- top of a subquery
SELECT "site"."name" AS "name" FROM "trial"."site" "site"
INNER JOIN (SELECT "site"."name" AS "name", COUNT(1) AS "$__alias__0" FROM "trial"."site" "site" GROUP BY 1 ORDER BY 2 DESC NULLS LAST LIMIT 1) "t0"
  ON ("site"."name" IS NOT DISTINCT FROM "t0"."name") GROUP BY 1 HAVING (COUNT(1) > 9);
-- cursor with hold
BEGIN; DECLARE "SQL_CUR0x7fb46c01e3b0" CURSOR WITH HOLD FOR SELECT CAST("site"."name" AS TEXT) AS "name", COUNT(DISTINCT "site"."code") AS "ctd" FROM "trial"."site" "site" GROUP BY 1 ORDER BY 1;
  FETCH 2048 IN "SQL_CUR0x7fb46c01e3b0"; COMMIT; FETCH 2048 IN "SQL_CUR0x7fb46c01e3b0"; CLOSE "SQL_CUR0x7fb46c01e3b0";
-- parts of dates
SELECT CAST(EXTRACT(YEAR FROM "study"."seen") AS INTEGER) AS "yr", CAST(TRUNC(EXTRACT(QUARTER FROM "study"."seen")) AS INTEGER) AS "qr",
  CAST(DATE_TRUNC('MONTH', CAST("study"."seen" AS TIMESTAMP)) AS DATE) AS "mn", SUM("study"."dose") AS "sum" FROM "trial"."study" "study" GROUP BY 1, 2, 3 ORDER BY 1;
