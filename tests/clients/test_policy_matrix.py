"""Who may do what with which table and column, beside `policy_matrix.txt`, which tells it.

Tables are those that the catalogs show in the lake's own schemas, and `ward.cases`. Whoever adds a table, or a kind of statement
to `authorise.rs`, adds it to the matrix or exempts it below. `RADLAKE_POLICY_MATRIX=record` writes the file anew, to be read
before it is committed.
"""

import collections
import os
import pathlib
import re

import psycopg
import pytest
from support import Lake, Server

GOLDEN = pathlib.Path(__file__).with_name("policy_matrix.txt")
ENGINE = pathlib.Path(__file__).resolve().parents[2] / "engine/src/govern/authorise.rs"
SECRET = "secret of roles"
EXEMPT_TABLES = {
    "imaging.regions": "reads all files that a role may see, at each statement: test_segments.py",
    "radiomics.features": "an ordinary table, as those of ward, with policies of its own: test_radiomics.py",
    "radiomics.settings": "an ordinary table, as those of ward: test_radiomics.py",
    "imaging.volumes": "reads all files that a role may see, at each statement: test_segments.py",
}
# Whole schemas of views: each takes longer than all of `imaging`.
EXEMPT_SCHEMAS = {
    "idc": "views over imaging, which policies bind as its own: test_idc.py",
    "eucaim": "views over imaging, which policies bind as its own: test_idc.py",
}
EXEMPT_STATEMENTS = {
    "Query": "the actions select …",
    "CreateRole": "about roles: test_roles.py",
    "AlterRole": "about roles: test_roles.py",
    "CreateSchema": "about no table: roles.slt",
    "AlterSchema": "about no table: roles.slt",
    "Call": "in no transaction: test_upkeep_asks_who_acts",
    "CreateType": "types have no rows: own_types.slt",
    "AlterType": "types have no rows: own_types.slt",
    "CreateDomain": "types have no rows: own_types.slt",
    "DropDomain": "types have no rows: own_types.slt",
    "CreateFunction": "planned as a query of who calls: own_functions.slt",
    "DropFunction": "about no table: own_functions.slt",
    "Drop": "the action drop",
    "Merge": "the actions merge …",
}
ROLES = {
    "stranger": "nothing but USAGE of the schemas",
    "ruled": "all rights to rows; a policy shows one provider",
    "unruled": "all rights to rows; no policy",
    "masked": "all rights to rows; a policy shows all rows, masks apply",
    "columned": "SELECT, INSERT and UPDATE of one column; a policy shows all rows",
    "reader": "SELECT; a policy shows all rows",
    "writer": "INSERT, UPDATE, DELETE, TRUNCATE and no SELECT; a policy shows all rows",
    "free": "all rights to rows, BYPASSRLS",
    "boss": "owns ward.cases, and has no right to anything else",
    "radlake": "the superuser",
}
# `{t}` is the table, `{c}` a column of it, `{v}` and `{w}` values for that, of which a policy shows the first.
ACTIONS = {
    "select": "SELECT * FROM {t}",
    "select count": "SELECT count(*) FROM {t}",
    "select column": "SELECT {c} FROM {t}",
    "select earlier": "SELECT {c} FROM {t} FOR VERSION AS OF {epoch}",
    "select in a view": "CREATE VIEW ward.made AS SELECT {c} FROM {t}; SELECT * FROM ward.made",
    "select into": "CREATE TABLE ward.made AS SELECT {c} FROM {t}; SELECT * FROM ward.made",
    "copy to": "COPY {t} TO STDOUT",
    "explain": "EXPLAIN SELECT {c} FROM {t}",
    "explain analyze": "EXPLAIN ANALYZE SELECT {c} FROM {t}",
    "insert": "INSERT INTO {t} ({c}) VALUES ({v})",
    "insert foreign": "INSERT INTO {t} ({c}) VALUES ({w})",
    "insert returning": "INSERT INTO {t} ({c}) VALUES ({v}) RETURNING {c}",
    "insert or nothing": "INSERT INTO {t} ({c}) VALUES ({v}) ON CONFLICT DO NOTHING",
    "insert or update": "INSERT INTO {t} AS t ({c}) VALUES ({v}) ON CONFLICT (id) DO UPDATE SET {c} = {v}",
    "copy from": "COPY {t} ({c}) FROM STDIN",
    "update": "UPDATE {t} SET {c} = {v}",
    "update read": "UPDATE {t} SET {c} = {c}",
    "update foreign": "UPDATE {t} SET {c} = {w}",
    "update returning": "UPDATE {t} SET {c} = {v} RETURNING {c}",
    "delete": "DELETE FROM {t}",
    "delete read": "DELETE FROM {t} WHERE {c} IS NOT NULL",
    "delete returning": "DELETE FROM {t} RETURNING {c}",
    "merge update": "MERGE INTO {t} t USING (VALUES (1)) s(n) ON t.{c} IS NOT NULL WHEN MATCHED THEN UPDATE SET {c} = {v}",
    "merge delete": "MERGE INTO {t} t USING (VALUES (1)) s(n) ON t.{c} IS NOT NULL WHEN MATCHED THEN DELETE",
    "merge insert": "MERGE INTO {t} t USING (VALUES (1)) s(n) ON false WHEN NOT MATCHED THEN INSERT ({c}) VALUES ({v})",
    "truncate": "TRUNCATE {t}",
    "refer": "CREATE TABLE ward.made (id int REFERENCES {t})",
    "make like": "CREATE TABLE ward.made (LIKE {t})",
    "create in its schema": "CREATE TABLE {s}.made (id int)",
    "create view": "CREATE VIEW {s}.made AS SELECT 1 AS one",
    "create index": "CREATE INDEX made ON {t} ({c})",
    "add column": "ALTER TABLE {t} ADD COLUMN made int",
    "drop column": "ALTER TABLE {t} DROP COLUMN {c}",
    "rename column": "ALTER TABLE {t} RENAME COLUMN {c} TO made",
    "rename": "ALTER TABLE {t} RENAME TO made",
    "set schema": "ALTER TABLE {t} SET SCHEMA public",
    "owner to": "ALTER TABLE {t} OWNER TO ruled",
    "enable row security": "ALTER TABLE {t} ENABLE ROW LEVEL SECURITY",
    "disable row security": "ALTER TABLE {t} DISABLE ROW LEVEL SECURITY",
    "force row security": "ALTER TABLE {t} FORCE ROW LEVEL SECURITY",
    "create policy": "CREATE POLICY made ON {t} USING (true)",
    "alter policy": "ALTER POLICY every ON {t} USING (true)",
    "drop policy": "DROP POLICY every ON {t}",
    "label": "SECURITY LABEL FOR anon ON COLUMN {t}.{c} IS 'MASKED WITH VALUE NULL'",
    "comment": "COMMENT ON TABLE {t} IS 'made'",
    "comment column": "COMMENT ON COLUMN {t}.{c} IS 'made'",
    "grant": "GRANT SELECT ON {t} TO stranger",
    "revoke": "REVOKE SELECT ON {t} FROM reader",
    "analyze": "ANALYZE {t}",
    "drop": "DROP TABLE {t}",
    "drop view": "DROP VIEW {t}",
    "see its columns": "SELECT column_name FROM information_schema.columns WHERE table_schema = '{s}' AND table_name = '{n}'",
    "see its size": "SELECT 1 FROM pg_class WHERE oid = '{t}'::regclass AND reltuples > 0",
}
# Statements of which only one kind of action reads `{t}` whole: their rows are counted.
COUNTED = ("select", "copy to", "update", "delete", "merge update", "merge delete", "see")
# `{c}` are one column or all, `{n}` as many NULLs.
OF_COLUMNS = {
    "select": "SELECT {c} FROM {t}",
    "insert": "INSERT INTO {t} ({c}) SELECT {n} WHERE false",
    "update": "UPDATE {t} SET {s} WHERE false",
}


class Matrix:
    def __init__(self, server):
        self.admin = psycopg.connect(**server.dsn, autocommit=True, prepare_threshold=None)
        run = self.admin.execute
        run("CREATE SCHEMA ward")
        run("CREATE TABLE ward.cases (id int PRIMARY KEY DEFAULT 1000, provider text, name text, code text)")
        run("INSERT INTO ward.cases VALUES (1, 'rhine', 'Hals', 'h'), (2, 'rhine', 'Steen', 's'), (3, 'aegean', 'Vermeer', 'v')")
        for role in ROLES:
            if role != "radlake":
                run(f"CREATE ROLE {role}" + (" BYPASSRLS" if role == "free" else ""))
        run("SECURITY LABEL FOR anon ON ROLE masked IS 'MASKED'")
        everybody = ", ".join(role for role in ROLES if role != "radlake")
        # Whoever makes something in `ward` may: what is made of a table is the question.
        run(f"GRANT CREATE, USAGE ON SCHEMA ward TO {everybody}")
        self.tables = {}
        shown = run(
            "SELECT n.nspname, c.relname, c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND c.relkind NOT IN ('i', 'I') UNION"
            " SELECT table_schema, table_name, CASE table_type WHEN 'VIEW' THEN 'v' ELSE 'r' END FROM information_schema.tables"
            " WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        for schema, name, kind in sorted(shown):
            table = f"{schema}.{name}"
            if table in EXEMPT_TABLES or schema in EXEMPT_SCHEMAS or kind == "c":
                continue
            columns = run(
                "SELECT column_name FROM information_schema.columns WHERE table_schema = %s AND table_name = %s ORDER BY ordinal_position",
                (schema, name),
            ).fetchall()
            self.tables[table] = [column for (column,) in columns]
            self.govern(table, kind)
        run("ALTER TABLE ward.cases OWNER TO boss")
        self.epoch = run("SELECT max(epoch) FROM system.epochs").fetchone()[0]

    def govern(self, table, kind):
        run, column, schema = self.admin.execute, self.column(table), table.split(".")[0]
        for role in [role for role in ROLES if role not in ("radlake", "boss")]:
            run(f"GRANT USAGE ON SCHEMA {schema} TO {role}")
        run(f"GRANT SELECT ON {table} TO reader, ruled, unruled, masked, free")
        if kind == "v":
            return
        run(f"GRANT INSERT, UPDATE, DELETE, TRUNCATE ON {table} TO writer, ruled, unruled, masked, free")
        run(f"GRANT SELECT ({column}), INSERT ({column}), UPDATE ({column}) ON {table} TO columned")
        run(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        run(f"CREATE POLICY every ON {table} TO reader, writer, masked, columned USING (true)")
        run(f"CREATE POLICY one ON {table} TO ruled USING ({column} = 'rhine')")
        masked = [name for name in self.tables[table] if name in ("name", "patient_id", "uri", "series_description")]
        for name in masked:
            run(f"SECURITY LABEL FOR anon ON COLUMN {table}.{name} IS 'MASKED WITH VALUE ''masked'''")

    def column(self, table):
        return "provider" if "provider" in self.tables[table] else self.tables[table][0]

    def fill(self, template, table):
        schema, name = table.split(".")
        known = self.column(table) == "provider"
        values = {"v": "'rhine'", "w": "'aegean'"} if known else {"v": "NULL", "w": "NULL"}
        return template.format(t=table, s=schema, n=name, c=self.column(table), epoch=self.epoch, **values)

    def rows(self, role, text):
        """What a statement ends with: rows, how many, or an SQLSTATE."""
        self.admin.execute("BEGIN")
        try:
            self.admin.execute(f"SET LOCAL ROLE {role}")
            rows, count = None, None
            for part in text.split("; "):
                if part.startswith("COPY"):
                    with self.admin.cursor().copy(part) as copied:
                        if part.endswith("STDIN"):
                            copied.write("rhine\n")
                        else:
                            rows = [bytes(line) for line in copied]
                            count = len(rows)
                else:
                    cursor = self.admin.execute(part)
                    rows, count = cursor.fetchall() if cursor.description else None, cursor.rowcount
            return rows, count, None
        except psycopg.Error as error:
            assert error.sqlstate and not error.sqlstate.startswith("XX"), (role, text, error)
            return None, None, error.sqlstate
        finally:
            self.admin.execute("ROLLBACK")

    def outcome(self, role, action, text, whole):
        rows, count, state = self.rows(role, text)
        if state == "42501":
            return "denied"
        if state:
            return state
        if not action.startswith(COUNTED):
            return "allowed"
        if action == "select count":
            count, all_rows = rows[0][0], whole[0][0][0] if whole[0] else 0
        else:
            all_rows = whole[1]
        return "no rows" if count == 0 and all_rows != 0 else "all rows" if count == all_rows else "some rows"

    def of_columns(self, role, action, table, columns, whole):
        """What becomes of each column; asked of one after the other only where not all are allowed at once."""
        nulls, sets = ", ".join("NULL" for _ in columns), ", ".join(f"{column} = NULL" for column in columns)
        rows, _, state = self.rows(role, OF_COLUMNS[action].format(t=table, c=", ".join(columns), n=nulls, s=sets))
        if state and len(columns) > 1:
            return {key: value for column in columns for key, value in self.of_columns(role, action, table, [column], whole).items()}
        if state or action != "select":
            return dict.fromkeys(columns, {None: "allowed", "42501": "denied"}.get(state, state))
        found = {}
        for at, column in enumerate(columns):
            # Values that are not there, or more often than they are there, are masks.
            other = collections.Counter(repr(row[at]) for row in rows) - whole[column]
            found[column] = "masked" if other else "shown" if rows or not whole[column] else "no rows"
        return found

    def lines(self):
        for table, columns in self.tables.items():
            actions = {action: self.fill(template, table) for action, template in ACTIONS.items()}
            whole = {action: self.rows("radlake", text) for action, text in actions.items()}
            rows = self.rows("radlake", f"SELECT {', '.join(columns)} FROM {table}")[0]
            values = {column: collections.Counter(repr(row[at]) for row in rows) for at, column in enumerate(columns)}
            for role in ROLES:
                found = collections.defaultdict(list)
                for action, text in actions.items():
                    found[self.outcome(role, action, text, whole[action])].append(action)
                for outcome, done in sorted(found.items()):
                    yield f"{table} {role} {outcome}: {', '.join(done)}"
                for action in OF_COLUMNS:
                    found = collections.defaultdict(list)
                    for column, outcome in self.of_columns(role, action, table, columns, values).items():
                        found[outcome].append(column)
                    for outcome, of in sorted(found.items()):
                        names = "every column" if len(of) == len(columns) else ", ".join(of)
                        yield f"{table} {role} {action} of columns {outcome}: {names}"
            yield ""


@pytest.fixture(scope="module")
def matrix(radlake, tmp_path_factory):
    lake = Lake(radlake, tmp_path_factory.mktemp("matrix"))
    lake.demo()
    with Server(lake, "--upkeep-interval", "0s") as server:
        matrix = Matrix(server)
        yield matrix
        matrix.admin.close()


def head():
    yield "# Who may do what: test_policy_matrix.py, which says what the actions are. Written by RADLAKE_POLICY_MATRIX=record."
    for role, what in ROLES.items():
        yield f"# {role}: {what}"
    yield ""


def test_the_matrix_is_as_the_golden_file_has_it(matrix):
    found = [*head(), *matrix.lines()]
    if os.environ.get("RADLAKE_POLICY_MATRIX") == "record":
        GOLDEN.write_text("\n".join(found))
    golden = GOLDEN.read_text().split("\n")
    known = {line.split()[0] for line in golden if line and not line.startswith("#")}
    unknown = set(matrix.tables) - known
    assert not unknown, f"neither in the matrix nor exempted: {sorted(unknown)}"
    assert not known - set(matrix.tables), f"no longer there: {sorted(known - set(matrix.tables))}"
    changed = [f"- {line}" for line in golden if line not in set(found)] + [f"+ {line}" for line in found if line not in set(golden)]
    assert not changed, "\n".join(changed[:60])


def test_every_statement_that_is_authorised_has_an_action_or_an_exemption():
    spelled = {re.match(r"[A-Z ]+", part).group() for text in ACTIONS.values() for part in text.split("; ")}
    tokens = {"".join(word.capitalize() for word in words.split()) for words in spelled}
    kinds = set(re.findall(r"\bS::([A-Z]\w+)", ENGINE.read_text()))
    assert kinds, "authorise.rs is written otherwise than it was"
    missing = [kind for kind in kinds - set(EXEMPT_STATEMENTS) if not any(token.startswith(kind) for token in tokens)]
    assert not missing, f"neither an action nor exempted: {sorted(missing)}"


def test_nothing_that_is_hidden_or_masked_comes_by_the_lakes_views(matrix):
    """What the lake makes of governed tables shows no more than they do."""
    for view in [table for table in matrix.tables if table.startswith("imaging.") and "provider" in matrix.tables[table]]:
        rows, _, state = matrix.rows("ruled", f"SELECT DISTINCT provider FROM {view}")
        assert state or [row for row in rows if row != ("rhine",)] == [], (view, rows, state)
        rows, _, state = matrix.rows("unruled", f"SELECT provider FROM {view}")
        assert state or rows == [], (view, rows, state)


@pytest.mark.parametrize("call", ["optimize('{t}')", "vacuum('{t}', dry_run => true)", "checkpoint('{t}')"])
def test_upkeep_asks_who_acts(matrix, call):
    for table in ("ward.cases", "imaging.files"):
        for role in [role for role in ROLES if (role, table) != ("boss", "ward.cases") and role != "radlake"]:
            matrix.admin.execute(f"SET ROLE {role}")
            try:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    matrix.admin.execute("CALL radlake." + call.format(t=table))
            finally:
                matrix.admin.execute("RESET ROLE")
