"""What BI tools and SQL editors ask of the catalogs, on Radlake and on PostgreSQL 15: the same columns, types and rows.

The tools themselves are large and want a desktop or a server; what they send is in `tools/`.
"""

import os
import re
import shutil
import subprocess

import pytest
import tools
from tools_known import MISSING

STATEMENTS = tools.statements()


@pytest.fixture(scope="module")
def both(radlake, postgres, tmp_path_factory):
    with tools.places(radlake, postgres, tmp_path_factory.mktemp("tools")) as places:
        yield places


@pytest.mark.parametrize("statement", STATEMENTS, ids=str)
def test_answers_are_postgresqls(statement, both, request):
    own, other = both
    there = other.answer(statement)
    assert (there[0] == "error") == statement.fails, there
    missing = MISSING.get((statement.tool, statement.name))
    if missing:
        request.applymarker(pytest.mark.xfail(reason=missing, strict=True))
    assert own.answer(statement) == there


@pytest.mark.skipif(shutil.which("pg_dump") is None, reason="pg_dump is not installed (postgresql-client)")
@pytest.mark.parametrize("which", ["--table=trial.site", "--table=trial.doses", "--schema=trial"])
def test_pg_dump_writes_postgresqls_schema(which, both, request):
    own, other = both
    there = dumped(other.server, which)
    assert "trial.site" in there or "trial.doses" in there
    missing = MISSING.get(("pg_dump", which))
    if missing:
        request.applymarker(pytest.mark.xfail(reason=missing, strict=True))
    assert dumped(own.server, which) == there


def dumped(server, which):
    dsn = server.dsn
    done = subprocess.run(
        ["pg_dump", "--schema-only", which, "-h", dsn["host"], "-p", str(dsn["port"]), "-U", dsn["user"], dsn["dbname"]],
        env={**os.environ, "PGPASSWORD": dsn["password"]},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    # The version, and a token that is another each time.
    return re.sub(r"^(-- Dumped.*|\\(un)?restrict .*)\n", "", done.stdout, flags=re.M)


def test_what_is_known_is_of_statements_that_there_are():
    named = [(statement.tool, statement.name) for statement in STATEMENTS]
    assert len(set(named)) == len(named)
    assert {key for key in MISSING if key[0] not in tools.PROGRAMS} <= {*named}
