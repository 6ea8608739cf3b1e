"""What PostgreSQL answers to statements of tools and Radlake does not, with the reason. The list is strict: what works must leave it."""


def of(tool, reason, *names):
    return {(tool, name): reason for name in names}


NAMES = "names that functions make are told as text (25), on PostgreSQL as name (19)"
LIMIT = "0A000: a sub-query with LIMIT that names columns of the outer query"
SEQUENCES = "columns that count have no sequence: neither in pg_class nor in pg_sequence, pg_depend and pg_attrdef"

MISSING = {
    **of("superset", NAMES, "schema"),
    **of("superset", "42601: a parameter beside sql_identifier and beside name has conflicting types", "tables and views by one parameter"),
    **of("superset", SEQUENCES, "serial columns of 1.4"),
    **of("superset", "no rows, since indisprimary = 'f' takes the literal for a text", "indexes of 1.4"),
    **of("superset", "the text of a view is as written, columns without their table", "definition of a view"),
    **of("grafana", "42883: IN (SELECT …) within CASE of ORDER BY is not planned", "tables"),
    **of("grafana", "avg(numeric) has 16 digits behind the point, on PostgreSQL 20", "time column of macro __timeGroup"),
    **of("tableau", "an OID or 0 by CASE is told as int8", "columns"),
    **of("dbeaver", NAMES, "session", "databases", "encodings"),
    **of("dbeaver", "regproc is told as text", "base types", "access methods"),
    **of("dbeaver", "no columns of the system: ctid, xmin, …", "system columns"),
    **of("dbeaver", "42883: age(xid)", "state of the catalogs"),
    **of("dbeaver", "conkey of a CHECK is NULL; indexes and operators of foreign keys are not told", "constraints"),
    **of("dbeaver", "the text of a view is as written, columns without their table", "definition of a view"),
    **of("dbeaver", "seq_scan is NULL", "statistics of a table"),
    **of("dbeaver", "42883: txid_current()", "transaction"),
    **of("dbeaver", "0A000: EXPLAIN (FORMAT JSON)", "plan"),
    **of("pgadmin", "42883: pg_show_all_settings()", "settings"),
    **of("pgadmin", NAMES, "database", "properties of a table", "functions", "roles"),
    **of("pgadmin", "no row of the own session in pg_stat_gssapi", "encryption"),
    **of("pgadmin", "0A000: ARRAY(WITH RECURSIVE …) that names columns of the outer query", "role"),
    **of("pgadmin", LIMIT, "schemas"),
    **of("pgadmin", "EXISTS of a column = ANY(conkey) among what is selected is false where it is true", "columns"),
    **of("pgadmin", "42883: aclexplode()", "rights of a table"),
    **of("pgadmin", "pg_get_expr() of a CHECK is NULL", "checks"),
    **of("pgadmin", "views have no rule _RETURN in pg_rewrite", "views"),
    **of("pgadmin", "pg_statio_all_tables has no rows of tables", "statistics of a table"),
    **of("pg_dump", "42704: synchronize_seqscans; then 42883: acldefault()", "--table=trial.site", "--table=trial.doses", "--schema=trial"),
    **of("npgsql", "\"char\" by CASE is told as text", "version and types"),
    **of("npgsql", "character_data by CASE is told as text, on PostgreSQL as varchar", "columns for Power BI"),
    **of("pgcli", SEQUENCES, "columns of tables"),
    **of("pgcli", "no rows: a sub-query that unnests an array of the outer query takes the outer row along", "foreign keys"),
    **of("pgcli", "regtype[]::text[] tells numbers", "functions"),
    **of("pgcli", "the text of a view is as written, columns without their table", "text of a view"),
    **of("ibis", "42883: date(timestamptz), a type's name as a function", "dates"),
    **of("ibis", "42883: the subscript CASE … END + 1 counts as numeric", "arrays"),
    **of("dbt", "42601: COMMENT … IS with a literal between dollars, by which dbt writes what persist_docs keeps", "persist_docs"),
    **of("dbt", "42P01: without pg_rewrite and pg_depend dbt does not know which views CASCADE takes along", "view over a view"),
    **of("dbt", "42702: in MERGE a name in VALUES is the source's alone", "merge"),
}


def missing(tool):
    return {name: why for (t, name), why in MISSING.items() if t == tool}
