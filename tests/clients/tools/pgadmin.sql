-- settings
SET DateStyle=ISO; SET client_min_messages=notice; SELECT set_config('bytea_output','hex',false) FROM pg_show_all_settings() WHERE name = 'bytea_output'; SET client_encoding='utf-8';
-- settings of older ones
SELECT set_config('bytea_output','hex',false) FROM pg_settings WHERE name = 'bytea_output';
-- database
SELECT db.datname = current_database() AS here, db.datallowconn, pg_encoding_to_char(db.encoding) AS serverencoding, has_database_privilege(db.oid, 'CREATE') as cancreate, datistemplate
FROM pg_catalog.pg_database db WHERE db.datname = current_database();
-- encryption
SELECT gss_authenticated, encrypted FROM pg_catalog.pg_stat_gssapi WHERE pid = pg_backend_pid();
-- role
SELECT roles.oid > 0 as id, roles.rolname as name, roles.rolsuper as is_superuser, CASE WHEN roles.rolsuper THEN true ELSE roles.rolcreaterole END as can_create_role,
  CASE WHEN roles.rolsuper THEN true ELSE roles.rolcreatedb END as can_create_db,
  CASE WHEN 'pg_signal_backend' = ANY(ARRAY(WITH RECURSIVE cte AS (
    SELECT pg_roles.oid, pg_roles.rolname FROM pg_roles WHERE pg_roles.oid = roles.oid
    UNION ALL SELECT m.roleid, pgr.rolname FROM cte cte_1 JOIN pg_auth_members m ON m.member = cte_1.oid JOIN pg_roles pgr ON pgr.oid = m.roleid)
  SELECT rolname FROM cte)) THEN True ELSE False END as can_signal_backend
FROM pg_catalog.pg_roles as roles WHERE rolname = current_user;
-- recovery
SELECT CASE WHEN usesuper THEN pg_catalog.pg_is_in_recovery() ELSE FALSE END as inrecovery, CASE WHEN usesuper AND pg_catalog.pg_is_in_recovery() THEN pg_is_wal_replay_paused() ELSE FALSE END as isreplaypaused
FROM pg_catalog.pg_user WHERE usename=current_user;
-- replication
SELECT CASE WHEN (SELECT count(extname) FROM pg_catalog.pg_extension WHERE extname='bdr') > 0 THEN 'pgd' WHEN (SELECT COUNT(*) FROM pg_replication_slots) > 0 THEN 'log' ELSE NULL END as type;
-- databases
-- without: description
SELECT db.datname = current_database() AS here, db.datallowconn, ta.spcname, pg_catalog.shobj_description(db.oid, 'pg_database') AS description
FROM pg_catalog.pg_database db LEFT OUTER JOIN pg_catalog.pg_tablespace ta ON db.dattablespace = ta.oid WHERE db.datname = current_database();
-- schemas
-- about: trial
SELECT nsp.oid, nsp.nspname as name, has_schema_privilege(nsp.oid, 'CREATE') as can_create, has_schema_privilege(nsp.oid, 'USAGE') as has_usage, des.description
FROM pg_catalog.pg_namespace nsp LEFT OUTER JOIN pg_catalog.pg_description des ON (des.objoid=nsp.oid AND des.classoid='pg_namespace'::regclass)
WHERE nspname NOT LIKE E'pg\\_%' AND NOT (nsp.nspname = 'information_schema' AND EXISTS (SELECT 1 FROM pg_catalog.pg_class WHERE relname = 'tables' AND relnamespace = nsp.oid LIMIT 1)) ORDER BY nspname;
-- tables
-- with: 'trial'::regnamespace::oid::int8
SELECT rel.oid, rel.relname AS name, (SELECT count(*) FROM pg_catalog.pg_trigger WHERE tgrelid=rel.oid AND tgisinternal = FALSE) AS triggercount,
  (SELECT count(*) FROM pg_catalog.pg_trigger WHERE tgrelid=rel.oid AND tgisinternal = FALSE AND tgenabled = 'O') AS has_enable_triggers,
  (CASE WHEN rel.relkind = 'p' THEN true ELSE false END) AS is_partitioned, nsp.nspname AS schema, nsp.oid AS schemaoid,
  (SELECT count(1) FROM pg_catalog.pg_inherits WHERE inhrelid=rel.oid LIMIT 1) as is_inherits, (SELECT count(1) FROM pg_catalog.pg_inherits WHERE inhparent=rel.oid LIMIT 1) as is_inherited, des.description
FROM pg_catalog.pg_class rel INNER JOIN pg_catalog.pg_namespace nsp ON rel.relnamespace = nsp.oid LEFT OUTER JOIN pg_catalog.pg_description des ON (des.objoid=rel.oid AND des.objsubid=0 AND des.classoid='pg_class'::regclass)
WHERE rel.relkind IN ('r','t','f','p') AND rel.relnamespace = $1 AND NOT rel.relispartition ORDER BY rel.relname;
-- properties of a table
-- with: 'trial.site'::regclass::oid::int8
SELECT rel.oid, rel.relname AS name, rel.reltablespace AS spcoid, rel.relacl AS relacl_str, rel.relhassubclass, rel.relrowsecurity AS rlspolicy, rel.relforcerowsecurity AS forcerlspolicy, rel.relkind, rel.relpersistence,
  (CASE WHEN rel.relkind = 'r' THEN true ELSE false END) AS is_table, (CASE WHEN length(spc.spcname::text) > 0 THEN spc.spcname ELSE (SELECT sp.spcname FROM pg_catalog.pg_database dtb JOIN pg_catalog.pg_tablespace sp ON dtb.dattablespace=sp.oid WHERE dtb.datname = current_database()) END) as spcname,
  pg_catalog.pg_get_userbyid(rel.relowner) AS relowner, rel.relhasoids IS NULL AS no
FROM (SELECT c.*, NULL::bool AS relhasoids FROM pg_catalog.pg_class c) rel LEFT OUTER JOIN pg_catalog.pg_tablespace spc ON spc.oid=rel.reltablespace WHERE rel.oid = $1;
-- key of a table
-- with: 'trial.study'::regclass::oid::int8
SELECT con.conname, con.conkey, substring(array_to_string(array_agg(att.attname ORDER BY att.attnum), ', ') FROM 1) AS names
FROM pg_catalog.pg_constraint con JOIN pg_catalog.pg_attribute att ON att.attrelid = con.conrelid AND att.attnum = ANY(con.conkey) WHERE con.conrelid = $1 AND con.contype = 'p' GROUP BY 1, 2;
-- columns
-- with: 'trial.study'::regclass::oid::int8
SELECT att.attname as name, att.atttypid, att.attlen, att.attnum, att.attndims, att.atttypmod, att.attacl, att.attnotnull, att.attoptions, att.attstattarget, att.attstorage, att.attidentity,
  pg_catalog.pg_get_expr(def.adbin, def.adrelid) AS defval, pg_catalog.format_type(ty.oid,NULL) AS typname, pg_catalog.format_type(ty.oid,att.atttypmod) AS displaytypname,
  CASE WHEN ty.typelem > 0 THEN ty.typelem ELSE ty.oid END as elemoid, (SELECT nspname FROM pg_catalog.pg_namespace WHERE oid = ty.typnamespace) as typnspname, ty.typstorage AS defaultstorage, description,
  CASE WHEN length(coll.collname::text) > 0 AND length(nspc.nspname::text) > 0 THEN pg_catalog.concat(pg_catalog.quote_ident(nspc.nspname),'.',pg_catalog.quote_ident(coll.collname)) ELSE '' END AS collspcname,
  EXISTS(SELECT 1 FROM pg_catalog.pg_constraint WHERE conrelid=att.attrelid AND contype='f' AND att.attnum=ANY(conkey)) As is_fk,
  (SELECT count(1) FROM pg_catalog.pg_type t2 WHERE t2.typname=ty.typname) > 1 AS isdup, indkey
FROM pg_catalog.pg_attribute att JOIN pg_catalog.pg_type ty ON ty.oid=atttypid
LEFT OUTER JOIN pg_catalog.pg_attrdef def ON adrelid=att.attrelid AND adnum=att.attnum
LEFT OUTER JOIN pg_catalog.pg_description des ON (des.objoid=att.attrelid AND des.objsubid=att.attnum AND des.classoid='pg_class'::regclass)
LEFT OUTER JOIN pg_catalog.pg_index pi ON pi.indrelid=att.attrelid AND indisprimary
LEFT OUTER JOIN pg_catalog.pg_collation coll ON att.attcollation=coll.oid LEFT OUTER JOIN pg_catalog.pg_namespace nspc ON coll.collnamespace=nspc.oid
WHERE att.attrelid = $1 AND att.attnum > 0 AND att.attisdropped IS FALSE ORDER BY att.attnum;
-- rights of a table
-- with: 'trial.site'::regclass::oid::int8
SELECT 'relacl' as deftype, COALESCE(gt.rolname, 'PUBLIC') grantee, g.rolname grantor, pg_catalog.array_agg(privilege_type ORDER BY privilege_type) as privileges, pg_catalog.array_agg(is_grantable) as grantable
FROM (SELECT d.grantee, d.grantor, d.is_grantable, CASE d.privilege_type WHEN 'DELETE' THEN 'd' WHEN 'INSERT' THEN 'a' WHEN 'SELECT' THEN 'r' WHEN 'UPDATE' THEN 'w' ELSE 'UNKNOWN' END AS privilege_type
  FROM (SELECT rel.relacl FROM pg_catalog.pg_class rel WHERE rel.oid = $1) acl, (SELECT (aclexplode(c.relacl)).grantee AS grantee, (aclexplode(c.relacl)).grantor AS grantor, (aclexplode(c.relacl)).is_grantable AS is_grantable, (aclexplode(c.relacl)).privilege_type AS privilege_type
    FROM pg_catalog.pg_class c WHERE c.oid = $1) d) d
LEFT JOIN pg_catalog.pg_roles g ON (d.grantor = g.oid) LEFT JOIN pg_catalog.pg_roles gt ON (d.grantee = gt.oid) GROUP BY g.rolname, gt.rolname ORDER BY 2;
-- foreign keys
-- with: 'trial.study'::regclass::oid::int8
SELECT ct.oid, conname as name, condeferrable, condeferred, confupdtype, confdeltype, CASE confmatchtype WHEN 's' THEN FALSE WHEN 'f' THEN TRUE END AS confmatchtype, conkey, confkey,
  nl.nspname as fknsp, cl.relname as fktab, nr.nspname as refnsp, cr.relname as reftab, description as comment, convalidated, conislocal
FROM pg_catalog.pg_constraint ct JOIN pg_catalog.pg_class cl ON cl.oid=conrelid JOIN pg_catalog.pg_namespace nl ON nl.oid=cl.relnamespace JOIN pg_catalog.pg_class cr ON cr.oid=confrelid
JOIN pg_catalog.pg_namespace nr ON nr.oid=cr.relnamespace LEFT OUTER JOIN pg_catalog.pg_description des ON (des.objoid=ct.oid AND des.classoid='pg_constraint'::regclass)
WHERE ct.contype='f' AND ct.conrelid = $1 ORDER BY conname;
-- columns of foreign keys
SELECT DISTINCT att.attnum, cl.relname, att.attname, att2.attname AS refcol FROM (SELECT con.*, unnest(con.conkey) AS parent, unnest(con.confkey) AS child FROM pg_catalog.pg_constraint con WHERE con.contype = 'f' AND con.conrelid = 'trial.study'::regclass) con
JOIN pg_catalog.pg_class cl ON cl.oid = con.conrelid JOIN pg_catalog.pg_attribute att ON att.attrelid = con.conrelid AND att.attnum = con.parent JOIN pg_catalog.pg_attribute att2 ON att2.attrelid = con.confrelid AND att2.attnum = con.child;
-- checks
SELECT c.oid, conname as name, relname, nspname, description as comment, pg_catalog.pg_get_expr(conbin, conrelid, true) as consrc, connoinherit, convalidated
FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_class cl ON cl.oid=conrelid JOIN pg_catalog.pg_namespace nl ON nl.oid=relnamespace
LEFT OUTER JOIN pg_catalog.pg_description des ON (des.objoid=c.oid AND des.classoid='pg_constraint'::regclass) WHERE contype = 'c' AND conrelid = 'trial.study'::regclass;
-- indexes
SELECT DISTINCT ON (cls.relname) cls.oid, cls.relname as name, indrelid, indkey, indisclustered, indisvalid, indisunique, indisprimary, n.nspname, indnatts, cls.reltablespace AS spcoid, tab.relname as tabname, pg_catalog.pg_get_expr(idx.indpred, idx.indrelid, true) as indconstraint, contype, condeferrable, condeferred, am.amname
FROM pg_catalog.pg_index idx JOIN pg_catalog.pg_class cls ON cls.oid=indexrelid JOIN pg_catalog.pg_class tab ON tab.oid=indrelid JOIN pg_catalog.pg_namespace n ON n.oid=tab.relnamespace JOIN pg_catalog.pg_am am ON am.oid=cls.relam
LEFT JOIN pg_catalog.pg_depend dep ON (dep.classid = cls.tableoid AND dep.objid = cls.oid AND dep.refobjsubid = '0' AND dep.refclassid=(SELECT oid FROM pg_catalog.pg_class WHERE relname='pg_constraint') AND dep.deptype='i')
LEFT OUTER JOIN pg_catalog.pg_constraint con ON (con.tableoid = dep.refclassid AND con.oid = dep.refobjid)
WHERE indrelid = 'trial.study'::regclass AND (conname IS NULL OR conname = cls.relname) ORDER BY cls.relname;
-- views
SELECT c.oid, c.relname AS name, description AS comment, c.reltablespace AS spcoid, pg_catalog.pg_get_userbyid(c.relowner) AS owner, pg_catalog.pg_get_viewdef(c.oid, true) AS definition
FROM pg_catalog.pg_class c LEFT OUTER JOIN pg_catalog.pg_description des ON (des.objoid=c.oid and des.objsubid=0 AND des.classoid='pg_class'::regclass)
WHERE ((c.relhasrules AND (EXISTS (SELECT r.rulename FROM pg_catalog.pg_rewrite r WHERE ((r.ev_class = c.oid) AND (bpchar(r.ev_type) = '1'::bpchar))))) AND (c.relkind = 'v'::char)) AND c.relnamespace = 'trial'::regnamespace ORDER BY c.relname;
-- functions
SELECT pr.oid, pr.proname || '(' || COALESCE(pg_catalog.pg_get_function_identity_arguments(pr.oid), '') || ')' as name, lanname, pg_catalog.pg_get_userbyid(proowner) as funcowner
FROM pg_catalog.pg_proc pr JOIN pg_catalog.pg_type typ ON typ.oid=prorettype JOIN pg_catalog.pg_language lng ON lng.oid=prolang WHERE pr.prokind IN ('f', 'w') AND pronamespace = 'trial'::regnamespace ORDER BY proname;
-- roles
-- about: trial_reader
SELECT r.oid, r.rolname, r.rolcanlogin, r.rolsuper, pg_catalog.shobj_description(r.oid, 'pg_authid') AS description, ARRAY(SELECT rm.rolname FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles rm ON rm.oid = m.roleid WHERE m.member = r.oid ORDER BY rm.rolname) AS rolmembership
FROM pg_catalog.pg_roles r ORDER BY r.rolcanlogin, r.rolname;
-- dashboard
SELECT 'session_stats' AS chart_name, pg_catalog.row_to_json(t) IS NOT NULL AS chart_data FROM (SELECT
  (SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE datname = current_database()) AS "Total",
  (SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE state = 'active' AND datname = current_database()) AS "Active") t
UNION ALL SELECT 'tps_stats' AS chart_name, pg_catalog.row_to_json(t) IS NOT NULL AS chart_data FROM (SELECT
  (SELECT sum(xact_commit) + sum(xact_rollback) FROM pg_catalog.pg_stat_database WHERE datname = current_database()) AS "Transactions",
  (SELECT sum(blks_read) FROM pg_catalog.pg_stat_database WHERE datname = current_database()) AS "Reads") t;
-- sessions of the dashboard
SELECT datname = current_database() AS here, usename, application_name, coalesce(client_port, 0) > 0 AS port, state, pg_catalog.pg_blocking_pids(pid) AS blocking_pids, wait_event, query_start IS NOT NULL AS started
FROM pg_catalog.pg_stat_activity WHERE pid = pg_backend_pid();
-- statistics of a table
SELECT seq_scan >= 0 AS "Sequential scans", n_tup_ins >= 0 AS "Tuples inserted", last_vacuum IS NULL AS "Last vacuum", pg_catalog.pg_size_pretty(pg_catalog.pg_relation_size(stat.relid)) IS NOT NULL AS "Table size"
FROM pg_catalog.pg_stat_all_tables stat JOIN pg_catalog.pg_statio_all_tables statio ON stat.relid = statio.relid JOIN pg_catalog.pg_class cl ON cl.oid=stat.relid WHERE stat.relid = 'trial.site'::regclass;
-- key of a result's table
SELECT at.attname, at.attnum, ty.typname FROM pg_catalog.pg_attribute at LEFT JOIN pg_catalog.pg_type ty ON (ty.oid = at.atttypid) WHERE attrelid='trial.study'::regclass
  AND attnum = ANY ((SELECT con.conkey FROM pg_catalog.pg_class rel LEFT OUTER JOIN pg_catalog.pg_constraint con ON con.conrelid=rel.oid AND con.contype='p' WHERE rel.relkind IN ('r','s','t','p') AND rel.oid = 'trial.study'::regclass)::oid[]) ORDER BY 2;
-- types of a result
-- with: '{23,1043,16}'
SELECT oid, pg_catalog.format_type(oid, NULL) AS typname FROM pg_catalog.pg_type WHERE oid = ANY($1::oid[]) ORDER BY oid;
