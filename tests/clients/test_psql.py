"""psql: backslash commands, joins, \\watch and Ctrl-C, beside PostgreSQL's own answers where it can give them."""

import os
import re
import shutil
import signal
import subprocess
import time

import psycopg
import pytest

pytestmark = pytest.mark.skipif(shutil.which("psql") is None, reason="psql is not installed (postgresql-client)")


def start_psql(server, *arguments, **options):
    dsn = server.dsn
    return subprocess.Popen(
        ["psql", "-X", "-h", dsn["host"], "-p", str(dsn["port"]), "-U", dsn["user"], "-d", dsn["dbname"]]
        + ["-v", "ON_ERROR_STOP=1", "-P", "pager=off", *arguments],
        env={**os.environ, "PGPASSWORD": dsn["password"], "LC_ALL": "C.UTF-8", "PGTZ": "UTC"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def psql(server, *commands, check=True, arguments=()):
    wanted = [part for command in commands for part in ("-c", command)]
    process = start_psql(server, *arguments, *wanted)
    out, err = process.communicate(timeout=120)
    if check:
        assert process.returncode == 0, f"{commands}\n{out}\n{err}"
        assert "ERROR" not in err, err
    return out if check else (process.returncode, out, err)


def test_lists_databases(demo_server):
    out = psql(demo_server, r"\l")
    assert re.search(r"^ radlake +\| radlake +\| UTF8", out, re.M), out


def test_lists_schemas(demo_server):
    out = psql(demo_server, r"\dn")
    for schema in ("imaging", "system"):
        assert re.search(rf"^ {schema} +\| radlake", out, re.M), out
    assert "List of schemas" in out


def test_lists_tables(demo_server):
    out = psql(demo_server, r"\dt imaging.*")
    for table in ("instances", "series", "files"):
        assert re.search(rf"^ imaging \| {table} +\| table \| radlake", out, re.M), out
    out = psql(demo_server, r"\dv imaging.*")
    for view in ("studies", "patients"):
        assert re.search(rf"^ imaging \| {view} +\| view \| radlake", out, re.M), out


@pytest.mark.parametrize("command", [
    r"\conninfo", r"\d", r"\dt", r"\dt *.*", r"\d+ imaging.instances", r"\d imaging.files", r"\d imaging.studies",
    r"\d+ imaging.patients", r"\dn+", r"\l+", r"\dt+ imaging.*", r"\dv+ imaging.*", r"\df dicom*", r"\df+ orientation",
    r"\du", r"\dp imaging.*", r"\dT imaging.*", r"\dd", r"\di", r"\ds", r"\dm", r"\dx", r"\dO", r"\db", r"\drds", r"\encoding",
    r"\dconfig statement_timeout", r"\sv imaging.studies", r"\dC", r"\do", r"\da count", r"\des", r"\dL", r"\dRp", r"\dy",
])
def test_backslash_commands_answer(demo_server, command):
    psql(demo_server, command)


def mirror(server, postgres, schema):
    """Builds the tables of a schema of ours in PostgreSQL, by the types that our catalog gives."""
    with psycopg.connect(**server.dsn, autocommit=True) as ours, psycopg.connect(**postgres.dsn, autocommit=True) as theirs:
        columns = ours.execute(
            "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, "
            "       col_description(c.oid, a.attnum) "
            "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid "
            "WHERE n.nspname = %s AND c.relkind = 'r' AND a.attnum > 0 ORDER BY c.relname, a.attnum",
            [schema],
        ).fetchall()
        assert columns
        theirs.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
        theirs.execute(f"CREATE SCHEMA {schema}")
        theirs.execute(f"CREATE TYPE {schema}.code AS (value text, scheme text, meaning text)")
        for table in dict.fromkeys(row[0] for row in columns):
            body = ", ".join(
                f'"{name}" {kind}{" NOT NULL" if fixed else ""}' for t, name, kind, fixed, _ in columns if t == table
            )
            theirs.execute(f"CREATE TABLE {schema}.{table} ({body})")
            for t, name, _, _, comment in columns:
                if t == table and comment:
                    theirs.execute(
                        psycopg.sql.SQL("COMMENT ON COLUMN {}.{}.{} IS {}").format(
                            *map(psycopg.sql.Identifier, (schema, table, name)), psycopg.sql.Literal(comment)
                        )
                    )


@pytest.mark.parametrize("command", [r"\d imaging.series", r"\d imaging.instances", r"\d imaging.files", r"\dt imaging.*"])
def test_descriptions_are_those_of_postgres(demo_server, postgres, command):
    """psql prints the same for our table as for one of the same columns in PostgreSQL, to the letter."""
    mirror(demo_server, postgres, "imaging")
    assert psql(demo_server, command) == psql(postgres, command)


POLICIES = """
CREATE ROLE shown_own; CREATE ROLE shown_ann; CREATE ROLE "shown ""odd"" one";
CREATE SCHEMA shown; GRANT ALL ON SCHEMA shown TO shown_own;
SET ROLE shown_own;
CREATE TABLE shown.t (a int, b text, c bool, d bool);
CREATE POLICY p1 ON shown.t USING (c);
CREATE POLICY p2 ON shown.t FOR SELECT TO shown_own, shown_ann USING (d);
CREATE POLICY p3 ON shown.t AS RESTRICTIVE FOR INSERT TO "shown ""odd"" one" WITH CHECK (c);
CREATE POLICY p4 ON shown.t AS RESTRICTIVE FOR UPDATE USING (d) WITH CHECK (c);
CREATE POLICY p5 ON shown.t FOR DELETE USING (true);
CREATE TABLE shown.enabled (c bool);
CREATE POLICY p ON shown.enabled USING (c);
ALTER TABLE shown.enabled ENABLE ROW LEVEL SECURITY;
CREATE TABLE shown.forced (c bool);
CREATE POLICY p ON shown.forced USING (c);
ALTER TABLE shown.forced ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE TABLE shown.none (c bool);
ALTER TABLE shown.none ENABLE ROW LEVEL SECURITY;
GRANT SELECT, INSERT ON shown.t TO shown_ann WITH GRANT OPTION;
GRANT UPDATE ON shown.t TO shown_ann;
GRANT SELECT (a), UPDATE (a, b) ON shown.t TO shown_ann, "shown ""odd"" one";
GRANT SELECT ON shown.enabled TO PUBLIC;
"""


@pytest.fixture(scope="module")
def with_policies(demo_server, postgres):
    for server in (demo_server, postgres):
        with psycopg.connect(**server.dsn, autocommit=True) as connection:
            for statement in POLICIES.split(";")[:-1]:
                connection.execute(statement)
    return demo_server, postgres


@pytest.mark.parametrize("command", [
    r"\d shown.t", r"\d shown.enabled", r"\d shown.forced", r"\d shown.none", r"\dp shown.*",
])
def test_policies_and_rights_are_shown_as_in_postgres(with_policies, command):
    server, postgres = with_policies
    assert psql(server, command) == psql(postgres, command)


def test_every_column_has_a_comment(demo_server):
    out = psql(demo_server, r"\d+ imaging.series", arguments=["-A", "-F", "\t"])
    rows = [line.split("\t") for line in out.splitlines() if line.count("\t") >= 6][1:]
    assert len(rows) > 10, out
    assert not [row[0] for row in rows if not row[-1].strip()], "columns without a comment"


def test_join(demo_server):
    out = psql(
        demo_server,
        "SELECT count(*) = (SELECT count(*) FROM imaging.instances) AS whole FROM imaging.series s "
        "JOIN imaging.instances i USING (series_instance_uid)",
    )
    assert out == " whole \n-------\n t\n(1 row)\n\n"


def test_names_without_schema_by_search_path(demo_server):
    out = psql(demo_server, "SET search_path = imaging, public", "SELECT count(*) > 0 AS some FROM series", arguments=["-At"])
    assert out.splitlines() == ["SET", "t"]


def test_watch(demo_server, tmp_path):
    script = tmp_path / "watch.sql"
    script.write_text("SELECT count(*) FROM imaging.series \\watch 0.3\n")
    process = start_psql(demo_server, "-At", "-f", str(script))
    time.sleep(3)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    answers = [line for line in out.splitlines() if line.strip().isdigit()]
    assert len(answers) >= 3 and len(set(answers)) == 1, out + err


def test_ctrl_c(demo_server):
    """Ctrl-C stops a running result, at once and with PostgreSQL's words."""
    process = start_psql(
        demo_server, "-q", "-At", "-o", "/dev/null", "-c", "SELECT * FROM imaging.instances a, imaging.instances b"
    )
    time.sleep(4)
    assert process.poll() is None, process.communicate()
    start = time.monotonic()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert "canceling statement due to user request" in err, err
    assert time.monotonic() - start < 5


def test_errors_read_as_in_postgres(demo_server, postgres):
    mirror(demo_server, postgres, "imaging")
    for statement in [
        "SELECT * FROM nowhere",
        "SELECT * FROM imaging.nowhere",
        "SELECT nothing FROM imaging.series",
        "SELECT nofunction(1)",
        "SELEC 1",
        "SELECT 1 +",
        "SELECT 1/0",
        "SELECT 'x'::int4",
        "SELECT 'x'::date",
    ]:
        ours, theirs = (psql(server, statement, check=False, arguments=["-v", "VERBOSITY=sqlstate"])
                        for server in (demo_server, postgres))
        assert (ours[0], ours[2]) == (theirs[0], theirs[2]), statement
