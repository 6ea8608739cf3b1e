-- version
select pg_catalog.version() ~ '^PostgreSQL 15\.\d+' AS version;
-- schema
select current_schema();
-- settings
show standard_conforming_strings;
-- isolation
show transaction isolation level;
-- schemas
-- about: trial
SELECT pg_catalog.pg_namespace.nspname FROM pg_catalog.pg_namespace WHERE pg_catalog.pg_namespace.nspname NOT LIKE 'pg\_%' ORDER BY pg_catalog.pg_namespace.nspname;
-- tables
SELECT pg_catalog.pg_class.relname FROM pg_catalog.pg_class JOIN pg_catalog.pg_namespace ON pg_catalog.pg_namespace.oid = pg_catalog.pg_class.relnamespace
WHERE pg_catalog.pg_class.relkind = ANY (ARRAY['r', 'p']) AND pg_catalog.pg_class.relpersistence != 't' AND pg_catalog.pg_namespace.nspname = $1 ORDER BY 1;
-- tables and views by one parameter
SELECT table_name::text FROM information_schema.tables WHERE table_schema = $1 UNION SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relkind IN ('v', 'm') ORDER BY 1;
-- views of 1.4
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relkind IN ('v', 'm') ORDER BY 1;
-- OID of a table in 1.4
SELECT c.oid > 0 AS found FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE (n.nspname = $1) AND c.relname = 'study' AND c.relkind in ('r', 'v', 'm', 'f', 'p');
-- columns of 1.4
SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod),
  (SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid) FROM pg_catalog.pg_attrdef d WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.atthasdef) AS DEFAULT,
  a.attnotnull, a.attrelid as table_oid, pgd.description as comment, a.attgenerated as generated,
  (SELECT json_build_object('always', a.attidentity = 'a', 'start', s.seqstart, 'increment', s.seqincrement, 'minvalue', s.seqmin, 'maxvalue', s.seqmax, 'cache', s.seqcache, 'cycle', s.seqcycle)
    FROM pg_catalog.pg_sequence s JOIN pg_catalog.pg_class c on s.seqrelid = c."oid"
    WHERE c.relkind = 'S' AND a.attidentity != '' AND s.seqrelid = pg_catalog.pg_get_serial_sequence(a.attrelid::regclass::text, a.attname)::regclass::oid) as identity_options
FROM pg_catalog.pg_attribute a LEFT JOIN pg_catalog.pg_description pgd ON (pgd.objoid = a.attrelid AND pgd.objsubid = a.attnum)
WHERE a.attrelid = 'trial.study'::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum;
-- serial columns of 1.4
SELECT a.attname, pg_catalog.pg_get_expr(d.adbin, d.adrelid) FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = 'trial.serials'::regclass ORDER BY 1;
-- primary key of 1.4
SELECT a.attname FROM pg_attribute a JOIN (
  SELECT unnest(i.indkey) attnum, generate_subscripts(i.indkey, 1) ord, i.indrelid FROM pg_index i WHERE i.indisprimary AND i.indrelid = 'trial.study'::regclass
) k ON a.attnum = k.attnum AND a.attrelid = k.indrelid WHERE a.attrelid = 'trial.study'::regclass ORDER BY k.ord;
-- name of the primary key of 1.4
SELECT conname FROM pg_catalog.pg_constraint r WHERE r.conrelid = 'trial.study'::regclass AND r.contype = 'p' ORDER BY 1;
-- foreign keys of 1.4
SELECT r.conname, pg_catalog.pg_get_constraintdef(r.oid, true) as condef, n.nspname as conschema FROM pg_catalog.pg_constraint r, pg_namespace n, pg_class c
WHERE r.conrelid = 'trial.study'::regclass AND r.contype = 'f' AND c.oid = confrelid AND n.oid = c.relnamespace ORDER BY 1;
-- indexes of 1.4
SELECT i.relname as relname, ix.indisunique, ix.indexprs, a.attname, a.attnum, c.conrelid, ix.indkey::varchar, ix.indoption::varchar, i.reloptions, am.amname,
  pg_get_expr(ix.indpred, ix.indrelid), ix.indnkeyatts as indnkeyatts
FROM pg_class t join pg_index ix on t.oid = ix.indrelid join pg_class i on i.oid = ix.indexrelid
  left outer join pg_attribute a on t.oid = a.attrelid and a.attnum = ANY(ix.indkey)
  left outer join pg_constraint c on (ix.indrelid = c.conrelid and ix.indexrelid = c.conindid and c.contype in ('p', 'u', 'x'))
  left outer join pg_am am on i.relam = am.oid
WHERE t.relkind IN ('r', 'v', 'f', 'm', 'p') and t.oid = 'trial.study'::regclass and ix.indisprimary = 'f'
ORDER BY t.relname, i.relname, a.attnum;
-- unique constraints of 1.4
SELECT cons.conname as name, cons.conkey as key, a.attnum as col_num, a.attname as col_name FROM pg_catalog.pg_constraint cons
join pg_attribute a on cons.conrelid = a.attrelid AND a.attnum = ANY(cons.conkey) WHERE cons.conrelid = 'trial.study'::regclass AND cons.contype = 'u';
-- comment of a table
SELECT pgd.description as table_comment FROM pg_catalog.pg_description pgd WHERE pgd.objsubid = 0 AND pgd.objoid = 'trial.site'::regclass;
-- enums of 1.4
SELECT t.typname as "name", pg_catalog.pg_type_is_visible(t.oid) as "visible", n.nspname as "schema", e.enumlabel as "label"
FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_catalog.pg_enum e ON t.oid = e.enumtypid
WHERE t.typtype = 'e' ORDER BY "schema", "name", e.oid;
-- domains of 1.4
-- about: trial
SELECT t.typname as "name", pg_catalog.format_type(t.typbasetype, t.typtypmod) as "attype", not t.typnotnull as "nullable", t.typdefault as "default",
  pg_catalog.pg_type_is_visible(t.oid) as "visible", n.nspname as "schema"
FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace WHERE t.typtype = 'd';
-- definition of a view
SELECT pg_get_viewdef(c.oid) view_def FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = 'doses' AND c.relkind IN ('v', 'm');
-- functions for completion
SELECT count(*) > 100 AS many FROM (SELECT DISTINCT proname AS function_name FROM pg_proc UNION SELECT word AS function_name FROM pg_get_keywords()) f;
-- functions in information_schema
SELECT routine_name AS function_name FROM information_schema.routines WHERE routine_schema = 'trial';
-- estimate of costs
-- fails
EXPLAIN SELECT nothing FROM trial.site;
-- session for cancelling
SELECT pg_backend_pid() > 0 AS pid;
-- cancelling
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = -1;
-- time grains
SELECT DATE_TRUNC('week', seen) + INTERVAL '6 days' AS week, DATE_TRUNC('day', seen) + INTERVAL '5 minute' * FLOOR(EXTRACT(MINUTE FROM seen) / 5) AS minutes, COUNT(*) AS count
FROM trial.study WHERE seen >= TO_TIMESTAMP('2024-01-01 00:00:00.000000', 'YYYY-MM-DD HH24:MI:SS.US') GROUP BY 1, 2 ORDER BY count DESC LIMIT 1000;
