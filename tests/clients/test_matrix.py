"""Each client with each feature, on Radlake and on PostgreSQL 15: what a client is told there, it is told here."""

import contextlib
import datetime
import importlib.util
import pathlib
import shutil

import matrix_table
import psycopg
import pytest
from matrix import CASES, CLIENTS, LIMITS, MISSING, pairs
from matrix_table import CLASSES, known
from support import Lake, Server

PAIRS = pairs(CLASSES)


@pytest.fixture(scope="module")
def own(radlake, tmp_path_factory):
    lake = Lake(radlake, tmp_path_factory.mktemp("matrix") / "lake")
    lake.init()
    with Server(lake) as server:
        place = Place(server)
        yield place
        place.close()


@pytest.fixture(scope="module")
def other(postgres):
    place = Place(postgres)
    yield place
    place.close()


def installed(needed, postgres):
    """Whether a module, a program or an extension of PostgreSQL is there."""
    if needed == "postgres_fdw":
        with psycopg.connect(**postgres.dsn) as connection:
            return bool(connection.execute("SELECT 1 FROM pg_available_extensions WHERE name = %s", (needed,)).fetchall())
    if needed.startswith("/"):
        return pathlib.Path(needed).exists()
    if needed in ("psql", "pgbench", "node"):
        return shutil.which(needed) is not None
    return importlib.util.find_spec(needed) is not None


class Place:
    """A server with the tables of the last case, and the sessions that cases have left open."""

    def __init__(self, server):
        self.server = server
        self.setup = None
        self.sessions = {}

    def prepare(self, case):
        if case.setup == self.setup:
            return
        self.setup = None
        with psycopg.connect(**self.server.dsn, autocommit=True) as connection:
            for table in reversed(case.tables):
                connection.execute(f"DROP TABLE IF EXISTS {table} CASCADE")
            for statement in case.setup:
                connection.execute(statement)
        self.setup = case.setup

    def answer(self, name, case):
        """What a client is told. Its session goes on to the next case only if nothing has changed."""
        if not case.reads or case.setup != self.setup:
            self.close()
        self.prepare(case)
        session = self.sessions.pop(name, None) or CLASSES[name](self.server)
        try:
            told = plain(getattr(session, case.does)(case))
        except BaseException:
            with contextlib.suppress(Exception):
                session.close()
            self.setup = None
            raise
        if case.reads and case.does in ("query", "described", "fields", "script"):
            self.sessions[name] = session
        else:
            session.close()
        if not case.reads:
            self.setup = None
        return told

    def close(self):
        while self.sessions:
            self.sessions.popitem()[1].close()


def plain(value):
    """A value with its type, as text that can be compared: NaN is like NaN, and 1 is not 1.0."""
    kind = type(value).__name__
    if isinstance(value, dict):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [kind, *(plain(item) for item in value)]
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"{kind} {bytes(value)!r}"
    if isinstance(value, datetime.datetime) and value.tzinfo:
        return f"{kind} {value.isoformat()} {value.utcoffset()}"
    if kind == "DataFrame" and hasattr(value, "to_dicts"):
        return [kind, str(value.schema), plain([list(row) for row in value.rows()])]
    if kind == "DataFrame":
        return [kind, str(value.dtypes.to_dict()), str(list(value.columns)), plain(value.values.tolist())]
    if kind == "Table" and hasattr(value, "to_pylist"):
        return [kind, value.schema.to_string(show_field_metadata=False), plain(value.to_pylist())]
    return f"{kind} {value!r}"


@pytest.mark.parametrize(("name", "case"), PAIRS, ids=[f"{name}-{case.name}".replace(" ", "_") for name, case in PAIRS])
def test_answers_are_postgresqls(name, case, own, other, request):
    client = CLASSES[name]
    for needed in client.needs:
        if not installed(needed, other.server):
            pytest.skip(f"{needed} is not installed (tests/clients/requirements.txt)")
    client.near = other.server.dsn
    limit = known(LIMITS, name, case)
    if limit:
        # Here the client itself is at an end, so PostgreSQL is no use either.
        with pytest.raises(BaseException) as raised:
            other.answer(name, case)
        assert not isinstance(raised.value, (KeyboardInterrupt, SystemExit))
        return
    there = other.answer(name, case)
    assert there != "NoneType None", "the case did nothing"
    missing = known(MISSING, name, case)
    if missing:
        request.applymarker(pytest.mark.xfail(reason=missing, strict=True))
    assert own.answer(name, case) == there


def test_what_is_known_is_of_cases_that_there_are():
    there = {(name, case.name) for name, case in PAIRS}
    assert {*LIMITS, *MISSING} <= there
    assert not {*LIMITS} & {*MISSING}


def test_each_client_has_cases():
    assert {name for name, _ in PAIRS} == set(CLIENTS) == set(CLASSES)
    assert {case.name for _, case in PAIRS} == {case.name for case in CASES}
    assert len({case.name for case in CASES}) == len(CASES)


def test_the_committed_table_is_this_one():
    path = pathlib.Path(__file__).parents[2] / "docs" / "clients.md"
    assert path.read_text() == matrix_table.page(), "write it anew: python tests/clients/matrix_table.py > docs/clients.md"
