"""What PostgreSQL answers to statements of tools and Radlake does not, with the reason. The list is strict: what works must leave it."""


def of(tool, reason, *names):
    return {(tool, name): reason for name in names}


TEXTS = "defaults and conditions are told as they were written, without PostgreSQL's casts"

MISSING = {
    **of("superset", "42601: a parameter beside sql_identifier and beside name has conflicting types", "tables and views by one parameter"),
    **of("superset", TEXTS, "serial columns of 1.4"),
    **of("superset", "int2vector as a varchar is told as an array", "indexes of 1.4"),
    **of("superset", "the text of a view is as written, columns without their table", "definition of a view"),
    **of("grafana", "avg(numeric) has 16 digits behind the point, on PostgreSQL 20", "time column of macro __timeGroup"),
    **of("tableau", "an OID or 0 by CASE is told as int8", "columns"),
    **of("dbeaver", "generate_series of int4 gives int8", "encodings"),
    **of("dbeaver", "regproc is told as text", "base types", "access methods"),
    **of("dbeaver", "no columns of the system: ctid, xmin, …", "system columns"),
    **of("dbeaver", "42883: age() of a column of type xid", "state of the catalogs"),
    **of("dbeaver", "conditions are told as they were written; operators of foreign keys are not told", "constraints"),
    **of("dbeaver", "the text of a view is as written, columns without their table", "definition of a view"),
    **of("dbeaver", "a plan in JSON tells of the operators of Radlake", "plan"),
    **of("pgadmin", "a name out of CASE or an array of names that a sub-query gives is told as text, on PostgreSQL as name", "properties of a table", "roles"),
    **of("pgadmin", "0A000: ARRAY(WITH RECURSIVE …) that names columns of the outer query", "role"),
    **of("pgadmin", TEXTS, "checks"),
    **of("pgadmin", "the text of a view is as written, columns without their table", "views"),
    **of("pgadmin", "pg_statio_all_tables has no rows of tables", "statistics of a table"),
    **of("pg_dump", "the text of a view is as written, columns without their table", "--table=trial.doses"),
    **of("pg_dump", TEXTS, "--schema=trial"),
    **of("npgsql", "\"char\" by CASE below a join is told as text", "version and types"),
    **of("npgsql", "character_data by CASE is told as text, on PostgreSQL as varchar", "columns for Power BI"),
    **of("pgcli", TEXTS, "columns of tables"),
    **of("pgcli", "no rows: a select without FROM that unnests an array of the outer query is answered as in a lake without keys", "foreign keys"),
    **of("pgcli", "regtype[]::text[] tells numbers", "functions"),
    **of("pgcli", "the text of a view is as written, columns without their table", "text of a view"),
    **of("ibis", "42883: the subscript CASE … END + 1 counts as numeric", "arrays"),
    **of("dbt", "42601: COMMENT … IS with a literal between dollars, by which dbt writes what persist_docs keeps", "persist_docs"),
    **of("dbt", "42P01: without pg_rewrite and pg_depend dbt does not know which views CASCADE takes along", "view over a view"),
    **of("dbt", "42702: in MERGE a name in VALUES is the source's alone", "merge"),
}


def missing(tool):
    return {name: why for (t, name), why in MISSING.items() if t == tool}
