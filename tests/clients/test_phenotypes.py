"""Phenotypes: thirty scripts of the shape that cohort definitions have for PostgreSQL, unchanged through psql, beside PostgreSQL itself."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

import psycopg
import pytest
from support import PASSWORD, Lake, Server

FOLDER = pathlib.Path(__file__).with_name("phenotypes")
sys.path.insert(0, str(FOLDER))
import generate  # noqa: E402

SCRIPTS = sorted(FOLDER.glob("[0-9][0-9]_*.sql"))
# Whom nobody must be found by.
EMPTY = {27}

pytestmark = pytest.mark.skipif(shutil.which("psql") is None, reason="psql is not installed (postgresql-client)")


def psql(dsn, script, folder):
    """Runs a script to its first error; returns what psql said and the seconds it took."""
    start = time.monotonic()
    done = subprocess.run(
        ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=verbose", "-h", dsn["host"], "-p", str(dsn["port"])]
        + ["-U", dsn["user"], "-d", dsn["dbname"], "-f", str(script)],
        env={**os.environ, "PGPASSWORD": PASSWORD, "PGOPTIONS": "-c client_min_messages=warning"},
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
    )
    return done, time.monotonic() - start


@pytest.fixture(scope="module")
def persons(full):
    return 10_000 if full else 1_000


@pytest.fixture(scope="module")
def data(tmp_path_factory, persons):
    """The folder of the generated tables."""
    folder = tmp_path_factory.mktemp("omop")
    generate.write(folder, persons)
    return folder


@pytest.fixture(scope="module")
def theirs(postgres, data):
    """A database of PostgreSQL's with the data, dropped behind the tests."""
    with psycopg.connect(**postgres.dsn, autocommit=True) as connection:
        connection.execute("CREATE DATABASE phenotypes")
    dsn = {**postgres.dsn, "dbname": "phenotypes"}
    load(dsn, data)
    with psycopg.connect(**dsn, autocommit=True) as connection:
        connection.execute("ANALYZE")
    yield dsn
    with psycopg.connect(**postgres.dsn, autocommit=True) as connection:
        connection.execute("DROP DATABASE phenotypes WITH (FORCE)")


@pytest.fixture(scope="module")
def ours(radlake, tmp_path_factory, data):
    """A server of ours with the same data."""
    lake = Lake(radlake, tmp_path_factory.mktemp("phenotypes") / "lake")
    lake.init()
    with Server(lake) as server:
        load(server.dsn, data)
        yield server.dsn


@pytest.fixture(scope="module")
def times(persons):
    """The seconds of every script on both sides, printed at the end: a ratio on a busy machine is no reason to fail."""
    seen = {}
    yield seen
    ratios = sorted(mine / other for mine, other in seen.values())
    print(f"\n{persons} persons, seconds of psql with us and with PostgreSQL:")
    for name, (mine, other) in seen.items():
        print(f"{name:50} {mine:7.2f} {other:7.2f} {mine / other:6.1f}x")
    if ratios:
        print(f"median {ratios[len(ratios) // 2]:.1f}x, worst {ratios[-1]:.1f}x")


def load(dsn, folder):
    for script in ("schema.sql", "load.sql"):
        done, _ = psql(dsn, script, folder)
        assert done.returncode == 0, done.stderr


def results(dsn):
    """All rows of all tables in the schema of results, sorted, by table."""
    with psycopg.connect(**dsn, autocommit=True) as connection:
        tables = connection.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'results' ORDER BY table_name"
        ).fetchall()
        # As text, so that 1.50 and 1.5 differ.
        rows = {}
        for (table,) in tables:
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT * FROM results.{table}")
                types = [column.type_code for column in cursor.description]
                rows[table] = types, sorted(tuple("" if x is None else str(x) for x in row) for row in cursor)
        return rows


def cohort(dsn, number):
    """The cohorts of a script in their own order: its number, or its number and two digits more."""
    with psycopg.connect(**dsn, autocommit=True) as connection:
        return connection.execute(
            "SELECT * FROM results.cohort WHERE cohort_definition_id = %s OR cohort_definition_id / 100 = %s "
            "ORDER BY cohort_definition_id, subject_id, cohort_start_date, cohort_end_date",
            (number, number),
        ).fetchall()


def clear(dsn):
    """Leaves what the script before us made out of the comparison, even if it failed half way."""
    known = {name.partition(".")[2] for name in generate.TABLES if name.startswith("results.")}
    with psycopg.connect(**dsn, autocommit=True) as connection:
        tables = connection.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'results'").fetchall()
        for (table,) in tables:
            connection.execute(f"DELETE FROM results.{table}" if table in known else f"DROP TABLE results.{table}")


def test_there_are_thirty():
    assert [int(script.name[:2]) for script in SCRIPTS] == list(range(1, 31))


def test_the_generator_is_deterministic(tmp_path):
    for name in ("a", "b"):
        generate.write(tmp_path / name, 50)
    for path in sorted((tmp_path / "a").iterdir()):
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name


# What is not as PostgreSQL has it among all persons; strict, so that it shows when it is.
MISSING = {21: "a numeric without a scale keeps no zeros that end it: 8.3 for 8.30"}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_phenotype(script, theirs, ours, data, times, full, request):
    number = int(script.name[:2])
    if full and number in MISSING:
        request.applymarker(pytest.mark.xfail(reason=MISSING[number], strict=True))
    clear(theirs)
    clear(ours)
    done, other = psql(theirs, script, data)
    assert done.returncode == 0, f"PostgreSQL itself refuses it: {done.stderr}"
    expected = cohort(theirs, number)
    assert bool(expected) == (number not in EMPTY)
    done, mine = psql(ours, script, data)
    assert done.returncode == 0, done.stderr
    times[script.stem] = mine, other
    assert cohort(ours, number) == expected
    found, wanted = results(ours), results(theirs)
    assert found.keys() == wanted.keys()
    for table in wanted:
        assert found[table] == wanted[table], table


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_scripts_leave_no_temporary_table(script):
    """What a script makes it drops, so that scripts follow each other in one session."""
    text = re.sub(r"--.*", "", script.read_text())
    made = re.findall(r"CREATE TEMP TABLE (?:IF NOT EXISTS )?(\w+)|INTO TEMP (\w+)", text, re.IGNORECASE)
    assert {(a or b).lower() for a, b in made} <= {name.lower() for name in re.findall(r"DROP TABLE (?:IF EXISTS )?(\w+)", text)}
