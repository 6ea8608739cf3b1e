-- settings
SET extra_float_digits = 3; SET application_name = 'DBeaver - Main';
-- version
SELECT version() ~ '^PostgreSQL 15' AS version;
-- session
SELECT current_schema(), session_user;
-- search path
SHOW search_path;
-- databases
SELECT db.oid = (SELECT oid FROM pg_database WHERE datname = current_database()) AS here, db.datallowconn, db.datistemplate, db.datconnlimit, pg_catalog.pg_encoding_to_char(db.encoding) AS encoding
FROM pg_catalog.pg_database db WHERE datname = current_database();
-- database with everything
-- without: description
SELECT db.oid > 0 AS known, pg_catalog.shobj_description(db.oid, 'pg_database') AS description FROM pg_catalog.pg_database db WHERE 1 = 1 AND datallowconn AND NOT datistemplate OR db.datname = current_database();
-- schemas
-- about: trial
SELECT n.oid,n.*,d.description FROM pg_catalog.pg_namespace n LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=n.oid AND d.objsubid=0 AND d.classoid='pg_namespace'::regclass ORDER BY nspname;
-- types
-- with: 'trial'::regnamespace::oid::int8
SELECT t.oid, t.typname, t.typlen, t.typbyval, t.typtype, t.typcategory, t.typrelid, t.typelem, t.typbasetype, t.typtypmod, c.relkind, format_type(nullif(t.typbasetype, 0), t.typtypmod) as base_type_name, d.description
FROM pg_catalog.pg_type t LEFT OUTER JOIN pg_catalog.pg_type et ON et.oid=t.typelem LEFT OUTER JOIN pg_catalog.pg_class c ON c.oid=t.typrelid LEFT OUTER JOIN pg_catalog.pg_description d ON t.oid=d.objoid
WHERE t.typname IS NOT NULL AND (c.relkind IS NULL OR c.relkind = 'c') AND (et.typcategory IS NULL OR et.typcategory <> 'C') AND t.typnamespace = $1;
-- base types
SELECT t.oid, t.typname, t.typlen, t.typbyval, t.typtype, t.typcategory, t.typispreferred, t.typdelim, t.typelem, t.typarray, t.typinput, t.typoutput, t.typreceive, t.typsend, t.typalign, t.typstorage, t.typnotnull, t.typbasetype, t.typtypmod, t.typcollation
FROM pg_catalog.pg_type t WHERE t.typnamespace = 'pg_catalog'::regnamespace
  AND t.typname IN ('bool', 'int2', 'int4', 'int8', 'float4', 'float8', 'numeric', 'text', 'varchar', 'bpchar', 'bytea', 'date', 'time', 'timestamp', 'timestamptz', 'interval', 'uuid', 'json', 'jsonb', '_int4', '_text') ORDER BY t.oid;
-- tables
-- with: 'trial'::regnamespace::oid::int8
-- without: relfilenode relam relpages relallvisible reltoastrelid relfrozenxid relminmxid reltuples
SELECT c.oid,c.*,d.description,pg_catalog.pg_get_expr(c.relpartbound, c.oid) as partition_expr, pg_catalog.pg_get_partkeydef(c.oid) as partition_key
FROM pg_catalog.pg_class c LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=c.oid AND d.objsubid=0 AND d.classoid='pg_class'::regclass
WHERE c.relnamespace=$1 AND c.relkind not in ('i','I','c','S') ORDER BY c.relname;
-- sizes of tables
-- with: 'trial'::regnamespace::oid::int8
select c.relname, pg_catalog.pg_total_relation_size(c.oid) >= 0 as total_rel_size, pg_catalog.pg_relation_size(c.oid) >= 0 as rel_size
FROM pg_class c WHERE c.relnamespace=$1 AND c.relkind = 'r' ORDER BY 1;
-- columns
-- with: 'trial.study'::regclass::oid::int8
-- without: atthasmissing
SELECT c.relname,a.*,pg_catalog.pg_get_expr(ad.adbin, ad.adrelid, true) as def_value,dsc.description,dep.objid
FROM pg_catalog.pg_attribute a INNER JOIN pg_catalog.pg_class c ON (a.attrelid=c.oid)
LEFT OUTER JOIN pg_catalog.pg_attrdef ad ON (a.attrelid=ad.adrelid AND a.attnum = ad.adnum)
LEFT OUTER JOIN pg_catalog.pg_description dsc ON (c.oid=dsc.objoid AND a.attnum = dsc.objsubid)
LEFT OUTER JOIN pg_depend dep on dep.refobjid = a.attrelid AND dep.deptype = 'i' and dep.refobjsubid = a.attnum and dep.classid = dep.refclassid
WHERE NOT a.attisdropped AND c.oid=$1 AND a.attnum > 0 ORDER BY a.attnum;
-- system columns
-- with: 'trial.site'::regclass::oid::int8
SELECT a.attname, a.attnum, a.atttypid, a.attlen FROM pg_catalog.pg_attribute a WHERE a.attrelid = $1 ORDER BY a.attnum;
-- columns with the transaction
-- with: 'trial.site'::regclass::oid::int8
SELECT a.attname, a.xmin::text::int8 > 0 AS state FROM pg_catalog.pg_attribute a WHERE a.attrelid = $1 AND a.attnum > 0 ORDER BY a.attnum;
-- state of the catalogs
SELECT max(age(c.xmin)) >= 0 AS aged FROM pg_catalog.pg_class c;
-- constraints
-- with: 'trial'::regnamespace::oid::int8
-- without: conbin
SELECT c.oid,c.*,t.relname as tabrelname,rt.relnamespace as refnamespace,d.description, case when c.contype='c' then "substring"(pg_get_constraintdef(c.oid), 7) else null end consrc_copy
FROM pg_catalog.pg_constraint c INNER JOIN pg_catalog.pg_class t ON t.oid=c.conrelid LEFT OUTER JOIN pg_catalog.pg_class rt ON rt.oid=c.confrelid
LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=c.oid AND d.objsubid=0 AND d.classoid='pg_constraint'::regclass
WHERE t.relnamespace=$1 ORDER BY c.conname;
-- references
-- with: 'trial.site'::regclass::oid::int8
SELECT r.conname, conrelid::regclass::text AS referring, pg_get_constraintdef(r.oid) FROM pg_catalog.pg_constraint r WHERE r.confrelid = $1 AND r.contype = 'f';
-- indexes
-- with: 'trial'::regnamespace::oid::int8
-- without: indclass
SELECT i.*,i.indkey as keys,c.relname,c.relnamespace,tc.relname as tabrelname,dsc.description,pg_catalog.pg_get_expr(i.indpred, i.indrelid) as pred_expr,pg_catalog.pg_get_expr(i.indexprs, i.indrelid, true) as expr
FROM pg_catalog.pg_index i INNER JOIN pg_catalog.pg_class c ON c.oid=i.indexrelid INNER JOIN pg_catalog.pg_class tc ON tc.oid=i.indrelid
LEFT OUTER JOIN pg_catalog.pg_description dsc ON i.indexrelid=dsc.objoid WHERE c.relnamespace=$1 ORDER BY tabrelname, c.relname;
-- definition of an index
-- with: 'trial.study_site'::regclass::oid::int8
SELECT pg_catalog.pg_get_indexdef($1::oid), pg_catalog.pg_get_indexdef($1::oid, 1, true), pg_catalog.pg_get_indexdef($1::oid, 2, true);
-- access methods
SELECT am.oid, am.amname, am.amhandler, am.amtype FROM pg_catalog.pg_am am WHERE amname IN ('heap', 'btree') ORDER BY am.oid;
-- languages
SELECT l.lanname, l.lanispl, l.lanpltrusted FROM pg_catalog.pg_language l WHERE lanname IN ('internal', 'c', 'sql') ORDER BY l.oid;
-- table spaces
SELECT t.oid, t.spcname, pg_tablespace_location(t.oid) loc FROM pg_catalog.pg_tablespace t ORDER BY t.oid;
-- collations
SELECT c.collname, c.collencoding FROM pg_catalog.pg_collation c WHERE collname IN ('default', 'C', 'POSIX') ORDER BY c.oid;
-- procedures
-- with: 'trial'::regnamespace::oid::int8
SELECT p.oid as poid,p.*,pg_catalog.pg_get_expr(p.proargdefaults, 0) as arg_defaults,d.description FROM pg_catalog.pg_proc p
LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=p.oid AND d.classoid='pg_proc'::regclass WHERE p.pronamespace=$1 ORDER BY p.proname;
-- sequences
-- with: 'trial'::regnamespace::oid::int8
SELECT c.relname FROM pg_catalog.pg_class c WHERE c.relkind = 'S' AND c.relnamespace = $1 ORDER BY 1;
-- triggers
-- with: 'trial.study'::regclass::oid::int8
SELECT x.oid,x.*,p.pronamespace as func_schema_id,d.description FROM pg_catalog.pg_trigger x LEFT OUTER JOIN pg_catalog.pg_proc p ON p.oid=x.tgfoid
LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=x.oid AND d.objsubid=0 WHERE x.tgrelid=$1 AND NOT x.tgisinternal;
-- rules
-- with: 'trial.doses'::regclass::oid::int8
SELECT rulename, ev_type, ev_enabled, is_instead FROM pg_catalog.pg_rewrite WHERE ev_class = $1;
-- event triggers
SELECT et.oid, et.evtname, d.description FROM pg_event_trigger et LEFT OUTER JOIN pg_catalog.pg_description d ON et.oid = d.objoid;
-- definition of a view
-- with: 'trial.doses'::regclass::oid::int8
SELECT pg_catalog.pg_get_viewdef($1::oid, true);
-- rights of a table
-- with: 'trial.site'::regclass::oid::int8
SELECT c.relname, c.relacl FROM pg_catalog.pg_class c WHERE c.oid = $1;
-- rights of columns
-- with: 'trial.site'::regclass::oid::int8
SELECT attname, attacl FROM pg_catalog.pg_attribute WHERE attrelid = $1 AND attnum > 0 ORDER BY attnum;
-- rights in information_schema
-- without: table_catalog
SELECT * FROM information_schema.table_privileges WHERE table_schema='trial' AND table_name='site' AND grantee = 'trial_reader';
-- roles
-- about: trial_reader
SELECT a.oid, a.rolname, a.rolsuper, a.rolinherit, a.rolcreaterole, a.rolcreatedb, a.rolcanlogin, a.rolconnlimit, a.rolvaliduntil, a.rolbypassrls, a.rolconfig, pd.description
FROM pg_catalog.pg_roles a left join pg_catalog.pg_shdescription pd on a.oid = pd.objoid ORDER BY a.rolname;
-- members of roles
SELECT member, roleid, admin_option FROM pg_auth_members WHERE roleid = (SELECT oid FROM pg_roles WHERE rolname = 'trial_reader');
-- policies
SELECT * FROM pg_catalog.pg_policies WHERE schemaname='trial' AND tablename='site';
-- extensions
SELECT e.oid, cfg.tbls, n.nspname as schema_name, e.* FROM pg_catalog.pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
LEFT JOIN (SELECT ARRAY_AGG(ns.nspname || '.' || cls.relname) tbls, oid_ext FROM (SELECT unnest(e1.extconfig) oid, e1.oid oid_ext FROM pg_catalog.pg_extension e1) c
  JOIN pg_class cls ON cls.oid = c.oid JOIN pg_namespace ns ON ns.oid = cls.relnamespace GROUP BY oid_ext) cfg ON cfg.oid_ext = e.oid WHERE e.extname <> 'plpgsql' ORDER BY e.oid;
-- inheritance
-- with: 'trial.study'::regclass::oid::int8
SELECT i.*,c.relnamespace FROM pg_catalog.pg_inherits i,pg_catalog.pg_class c WHERE i.inhrelid=$1 AND c.oid=i.inhparent ORDER BY i.inhseqno;
-- dependencies
-- with: 'trial.site'::regclass::oid::int8
SELECT DISTINCT dep.deptype, cl.relkind, srcobj.relname FROM pg_depend dep JOIN pg_rewrite rw ON rw.oid = dep.objid JOIN pg_class cl ON cl.oid = rw.ev_class
JOIN pg_class srcobj ON srcobj.oid = dep.refobjid WHERE dep.refobjid = $1;
-- statistics of a table
-- with: 'trial.site'::regclass::oid::int8
SELECT n_live_tup >= 0 AS live, seq_scan >= 0 AS scans FROM pg_catalog.pg_stat_all_tables WHERE relid = $1;
-- sessions
SELECT sa.datname = current_database() AS here, sa.usename, sa.application_name, sa.state, sa.backend_type FROM pg_catalog.pg_stat_activity sa WHERE sa.pid = pg_backend_pid();
-- locks
SELECT count(*) >= 0 AS some FROM pg_catalog.pg_locks bl LEFT JOIN pg_catalog.pg_stat_activity a ON bl.pid = a.pid WHERE NOT bl.granted;
-- transaction
SELECT txid_current() > 0 AS id;
-- settings of the server
-- without: boot_val
SELECT name, setting, unit, vartype, context, boot_val, reset_val FROM pg_catalog.pg_settings WHERE name IN ('DateStyle', 'statement_timeout', 'extra_float_digits', 'search_path', 'TimeZone') ORDER BY name;
-- encodings
SELECT pg_catalog.pg_encoding_to_char(i) AS encname, i AS encid FROM pg_catalog.generate_series(0, 42) i WHERE pg_catalog.pg_encoding_to_char(i) = 'UTF8';
-- search of objects
-- about: trial
SELECT DISTINCT c.oid, c.relname, c.relnamespace, c.relkind, d.description FROM pg_catalog.pg_class c LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=c.oid AND d.objsubid=0
WHERE c.relkind in ('r','v','m') AND c.relname ILIKE 'stud%' ORDER BY c.relname LIMIT 100;
-- plan
EXPLAIN (FORMAT JSON, COSTS OFF) SELECT 1 AS one;
-- rows with places
SELECT x.* FROM trial.site x ORDER BY 1 LIMIT 200;
