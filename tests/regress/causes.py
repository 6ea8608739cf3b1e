"""Names for causes of wrong answers, guessed by script and statement; what none fits gets the general name that compare.py finds."""

import re

CAUSES = [
    (r"create_view|rules", r"pg_get_(view|rule)def|pg_views", "text of views and rules is not made anew from the parsed query"),
    (r"updatable_views", r"information_schema|is_(insertable|updatable)", "views over views and joins: is_updatable in the catalogs"),
    (r"guc|horology|date|merge|timestamp(tz)?", r"(?i)datestyle|timestamp|date|SELECT \* FROM new_meas|d1",
     None),
    (r"foreign_key|triggers|truncate|inherit|alter_table", r"(?i)fktable|pktable|trigtest|trig_table|trunc|inh_fk", "foreign keys: actions are not done"),
    (r"constraints", r"(?i)unique_tbl", "UNIQUE is not enforced"),
    (r"stats|mvcc|insert|dbsize", r"(?i)pg_stat|oid|relation_size", "statistics views are empty, sizes and OIDs are others"),
    (r"tablespace|create_index|strings", r"(?i)relfilenode|toast|reindex", "no toast tables, no file nodes"),
    (r".*", r"(?i)reltoastrelid|toast", "no toast tables, no file nodes"),
    (r".*", r"(?i)has_function_privilege|has_table_privilege", "has_…_privilege says yes"),
    (r"roleattributes", r"(?i)rolcreate|rolrepl", "attributes of roles are not kept"),
    (r"password", r".*", "passwords are not shown in pg_authid"),
    (r".*", r"(?i)pg_prepared_statements", "pg_prepared_statements is empty"),
    (r".*", r"(?i)pg_locks", "pg_locks is empty"),
    (r".*", r"(?i)pg_get_serial_sequence|pg_sequences|identity", "sequences behind identity columns are not in the catalogs"),
    (r".*", r"(?i)reloptions", "storage parameters are not kept"),
    (r"tablesample", r"(?i)tablesample", "TABLESAMPLE is ignored"),
    (r".*sanity|init_privs|sysviews|misc_sanity", r".*", "rows of PostgreSQL's own catalogs"),
    (r"indexing|index_including|cluster|create_table_like|create_index|generated", r"(?i)pg_class|pg_index|pg_attr|indexdef|information_schema",
     "names, expressions and parts of indexes in the catalogs"),
    (r"inherit", r"(?i)pg_constraint", "names and expressions of constraints in the catalogs"),
    (r"collate.*", r".*", "collations other than C are taken as C"),
    (r"uuid", r".*", "uuid: kept as the text that came"),
    (r"name", r".*", "name: not cut to 63 bytes"),
    (r"json.*", r".*", "json: another value"),
    (r"strings", r"(?i)encode|decode", "encode of a literal: taken as text instead of bytea"),
    (r".*", r"(?i)to_char\(now\(\), '(of|tzh)", "time zone '-02:00': sign turned round"),
]  # fmt: skip


def named(script, statement, general):
    for scripts, statements, name in CAUSES:
        if re.fullmatch(scripts, script) and re.search(statements, statement):
            if name is None:
                if re.match(r"(date|timestamp|timestamptz|text): another value", general):
                    if re.search(r"(?i)to_char\(now\(\), '(of|tzh)", statement):
                        return "time zone '-02:00': sign turned round"
                    if re.search(r"(?i)timestamp(tz)?_tbl|d1", statement) and script.startswith("timestamp"):
                        return "input of timestamps: zone or era left out of account"
                    if script in ("guc", "horology", "date", "merge"):
                        return "datestyle: only ISO is written"
                continue
            return name
    return general
