"""Temporary tables and cursors, as drivers use them: whose they are, what they cost the lake, and how they end."""

import asyncio
import subprocess
import threading
import time

import psycopg
import pytest
from support import PASSWORD, Lake, Server

asyncpg = pytest.importorskip("asyncpg", reason="asyncpg is not installed")


@pytest.fixture(scope="module")
def place(radlake, tmp_path_factory):
    """A server with a spill folder of its own."""
    lake = Lake(radlake, tmp_path_factory.mktemp("temporary") / "lake")
    lake.init()
    spill = tmp_path_factory.mktemp("spill")
    with Server(lake, "--temp-dir", spill) as server:
        server.spill = spill
        yield server


def connect(server, **more):
    return psycopg.connect(**{**server.dsn, **more}, autocommit=True)


def files(folder):
    try:
        return list(folder.rglob("*.parquet"))
    except FileNotFoundError:
        # A folder that went while it was listed.
        return files(folder)


def waited(condition):
    """Whether it comes true within some seconds: a session ends after its client has gone."""
    deadline = time.monotonic() + 20
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_each_session_has_its_own(place):
    with connect(place) as one, connect(place) as two:
        one.execute("CREATE TEMP TABLE own (a int)")
        one.execute("INSERT INTO own VALUES (1), (2)")
        with pytest.raises(psycopg.errors.UndefinedTable):
            two.execute("SELECT * FROM own")
        schema = one.execute("SELECT nspname FROM pg_namespace WHERE oid = pg_my_temp_schema()").fetchone()
        schema = schema or one.execute("SELECT (current_schemas(true))[1]").fetchone()
        with pytest.raises(psycopg.errors.UndefinedTable):
            two.execute(f"SELECT * FROM {schema[0]}.own")
        assert two.execute("SELECT count(*) FROM pg_class WHERE relname = 'own'").fetchone() == (0,)
        two.execute("CREATE TEMP TABLE own AS SELECT 'two' AS b")
        assert one.execute("SELECT count(*) FROM own").fetchone() == (2,)
        assert two.execute("SELECT b FROM own").fetchone() == ("two",)


def test_nothing_of_them_is_published(place):
    with connect(place) as connection:
        connection.execute("CREATE TABLE kept (a int)")
        before = connection.execute("SELECT max(epoch) FROM system.epochs").fetchone()
        connection.execute("CREATE TEMP TABLE work AS SELECT g AS a FROM generate_series(1, 1000) g")
        connection.execute("UPDATE work SET a = a + 1 WHERE a < 100")
        connection.execute("DELETE FROM work WHERE a > 900")
        connection.execute("CREATE TEMP VIEW v AS SELECT * FROM work")
        connection.execute("DROP VIEW v")
        assert connection.execute("SELECT max(epoch) FROM system.epochs").fetchone() == before
        # Beside a table of the lake, in one transaction: one epoch, of that table alone.
        with connection.transaction():
            connection.execute("INSERT INTO kept SELECT a FROM work WHERE a <= 10")
            connection.execute("DELETE FROM work")
        rows = connection.execute("SELECT count(*) FROM kept").fetchone()
        assert rows == (9,)
        assert connection.execute("SELECT count(*) FROM work").fetchone() == (0,)
        assert connection.execute("SELECT max(epoch) FROM system.epochs").fetchone() == (before[0] + 1,)
    intents = place.lake.path / "_radlake" / "intents"
    for intent in intents.glob("*.json"):
        assert "pg_temp" not in intent.read_text()


def test_two_servers_conflict_over_the_lakes_tables_alone(place):
    """A transaction that lost keeps its session's tables as they were before it."""
    with connect(place) as one, connect(place) as two:
        one.execute("CREATE TABLE shared (a int)")
        one.execute("INSERT INTO shared VALUES (1)")
        one.execute("CREATE TEMP TABLE noted (a int)")
        one.execute("BEGIN")
        one.execute("UPDATE shared SET a = 2")
        one.execute("INSERT INTO noted VALUES (1)")
        two.execute("UPDATE shared SET a = 3")
        with pytest.raises(psycopg.errors.SerializationFailure):
            one.execute("COMMIT")
        assert one.execute("SELECT count(*) FROM noted").fetchone() == (0,)
        one.execute("INSERT INTO noted VALUES (5)")
        assert one.execute("SELECT a FROM noted").fetchone() == (5,)


def test_rows_go_with_their_table_and_their_session(place):
    assert waited(lambda: not files(place.spill)), "sessions of other tests are over"
    with connect(place) as connection:
        connection.execute("CREATE TEMP TABLE big AS SELECT g, repeat('x', 100) AS x FROM generate_series(1, 100000) g")
        assert files(place.spill)
        for _ in range(5):
            connection.execute("UPDATE big SET g = g + 1")
        assert len(files(place.spill)) < 10, "what was replaced is gone"
        connection.execute("DROP TABLE big")
        assert not files(place.spill)
        connection.execute("CREATE TEMP TABLE left_over AS SELECT 1 AS a")
        assert files(place.spill)
    assert waited(lambda: not files(place.spill))


def test_roles_share_no_temporary_table(place):
    with connect(place) as connection:
        connection.execute("CREATE ROLE temp_other")
        connection.execute("CREATE TEMP TABLE mine AS SELECT 1 AS a")
        connection.execute("SET ROLE temp_other")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT * FROM mine")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("DROP TABLE mine")
        connection.execute("CREATE TEMP TABLE theirs AS SELECT 2 AS a")
        assert connection.execute("SELECT a FROM theirs").fetchone() == (2,)
        connection.execute("RESET ROLE")
        connection.execute("GRANT SELECT ON mine TO temp_other")
        connection.execute("SET ROLE temp_other")
        assert connection.execute("SELECT a FROM mine").fetchone() == (1,)


def test_copy_and_prepared_statements(place):
    with connect(place) as connection:
        connection.execute("CREATE TEMP TABLE c (a int, b text)")
        with connection.cursor().copy("COPY c FROM STDIN") as copy:
            for row in [(1, "x"), (2, "y")]:
                copy.write_row(row)
        with connection.cursor().copy("COPY c TO STDOUT") as copy:
            assert sorted(copy.rows()) == [("1", "x"), ("2", "y")]
        for a in range(10):
            connection.execute("INSERT INTO c VALUES (%s, %s)", (a, str(a)), prepare=True)
        assert connection.execute("SELECT count(*) FROM c WHERE a = ANY(%s)", ([1, 2],), prepare=True).fetchone() == (4,)
        # The plan is of the table that the name means now.
        connection.execute("DROP TABLE c")
        connection.execute("CREATE TEMP TABLE c (a int, b text)")
        assert connection.execute("SELECT count(*) FROM c WHERE a = ANY(%s)", ([1, 2],), prepare=True).fetchone() == (0,)


def test_named_cursors_of_psycopg(place):
    with psycopg.connect(**place.dsn) as connection:
        with connection.cursor(name="big") as cursor:
            cursor.itersize = 1000
            cursor.execute("SELECT g FROM generate_series(1, 30000) g WHERE g <= %s ORDER BY g", (25_000,))
            assert [row[0] for row in cursor] == list(range(1, 25_001))
        with connection.cursor(name="back", scrollable=True) as cursor:
            cursor.execute("SELECT g FROM generate_series(1, 10) g ORDER BY g")
            cursor.scroll(5)
            assert cursor.fetchone() == (6,)
            cursor.scroll(-2)
            assert cursor.fetchone() == (5,)
            cursor.scroll(0, mode="absolute")
            assert cursor.fetchmany(2) == [(1,), (2,)]
        held = connection.cursor(name="held", withhold=True)
        held.execute("SELECT g FROM generate_series(1, 5) g ORDER BY g")
        assert held.fetchone() == (1,)
        connection.commit()
        assert held.fetchall() == [(2,), (3,), (4,), (5,)]
        with connection.cursor(name="binary") as cursor:
            cursor.execute("SELECT 1.5::float8, '2020-01-02'::date", binary=True)
            assert str(cursor.fetchone()) == "(1.5, datetime.date(2020, 1, 2))"


def test_binary_cursors_of_the_simple_protocol(place):
    with psycopg.connect(**place.dsn) as connection:
        connection.execute("DECLARE b BINARY CURSOR FOR SELECT 258::int4")
        result = connection.pgconn.exec_(b"FETCH 1 FROM b")
        assert (result.fformat(0), result.get_value(0, 0)) == (1, b"\x00\x00\x01\x02")


def test_cursors_of_asyncpg(place):
    async def run():
        connection = await asyncpg.connect(
            **{key: value for key, value in place.dsn.items() if key != "dbname"}, database="radlake"
        )
        async with connection.transaction():
            rows = [row[0] async for row in connection.cursor("SELECT g FROM generate_series(1, 500) g ORDER BY g")]
        await connection.close()
        return rows

    assert asyncio.run(run()) == list(range(1, 501))


def test_psql_fetches_by_count(place):
    done = subprocess.run(
        ["psql", "-X", "-At", "-v", "FETCH_COUNT=100", "-h", "127.0.0.1", "-p", str(place.port), "-U", "radlake", "radlake"],
        input="SELECT g FROM generate_series(1, 1050) g ORDER BY g;\nSELECT 'then';\n",
        env={"PGPASSWORD": PASSWORD, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [*map(str, range(1, 1051)), "then"]


def test_time_runs_for_each_fetch_and_not_for_the_cursor(place):
    with psycopg.connect(**place.dsn) as connection:
        connection.execute("SET LOCAL statement_timeout = '1s'")
        connection.execute("DECLARE slow NO SCROLL CURSOR FOR SELECT g FROM generate_series(1, 100000) g ORDER BY g")
        for expected in range(1, 4):
            time.sleep(0.6)
            assert connection.execute("FETCH 1 FROM slow").fetchone() == (expected,)
        # A sort that no second is enough for.
        connection.execute("DECLARE never CURSOR FOR SELECT count(*) FROM generate_series(1, 30000) a, generate_series(1, 30000) b WHERE a + b = -1")
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute("FETCH 1 FROM never")


def test_a_cancel_ends_the_fetch_that_runs_and_no_idle_cursor(place):
    with connect(place) as connection:
        connection.execute("DECLARE idle CURSOR WITH HOLD FOR SELECT g FROM generate_series(1, 10) g ORDER BY g")
        threading.Timer(0.5, connection.cancel).start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute("SELECT count(*) FROM generate_series(1, 30000) a, generate_series(1, 30000) b WHERE a + b = -1")
        assert connection.execute("FETCH 2 FROM idle").fetchall() == [(1,), (2,)]


def test_a_cursor_keeps_what_it_read_within_bounds(place):
    """Forward and back over more than it keeps in memory."""
    with psycopg.connect(**place.dsn) as connection:
        connection.execute("DECLARE far SCROLL CURSOR FOR SELECT g, repeat('y', 50) AS y FROM generate_series(1, 300000) g ORDER BY g")
        assert connection.execute("MOVE ALL FROM far").statusmessage == "MOVE 300000"
        assert list(place.spill.rglob("cursor-*"))
        assert connection.execute("FETCH ABSOLUTE 3 FROM far").fetchone()[0] == 3
        assert connection.execute("FETCH LAST FROM far").fetchone()[0] == 300_000
        assert [row[0] for row in connection.execute("FETCH BACKWARD 3 FROM far")] == [299_999, 299_998, 299_997]
        connection.execute("CLOSE far")
        assert not list(place.spill.rglob("cursor-*"))


def test_a_revoked_right_ends_a_cursor(place):
    with connect(place) as admin:
        admin.execute("CREATE TABLE secret AS SELECT g AS a FROM generate_series(1, 100) g")
        admin.execute(f"CREATE ROLE cursor_reader LOGIN PASSWORD '{PASSWORD}'")
        admin.execute("GRANT SELECT ON secret TO cursor_reader")
        with psycopg.connect(**{**place.dsn, "user": "cursor_reader"}) as connection:
            connection.execute("DECLARE s CURSOR FOR SELECT a FROM secret")
            assert len(connection.execute("FETCH 5 FROM s").fetchall()) == 5
            admin.execute("REVOKE SELECT ON secret FROM cursor_reader")
            with pytest.raises(psycopg.errors.SerializationFailure):
                connection.execute("FETCH 5 FROM s")


def test_locks_make_conflicts_seen(place):
    with connect(place) as one, connect(place) as two:
        one.execute("CREATE TABLE locked (a int, b int)")
        one.execute("INSERT INTO locked VALUES (1, 1)")
        one.execute("CREATE TABLE other (a int)")
        one.execute("BEGIN")
        assert one.execute("SELECT b FROM locked WHERE a = 1 FOR UPDATE").fetchone() == (1,)
        two.execute("UPDATE locked SET b = 2")
        with pytest.raises(psycopg.errors.SerializationFailure):
            one.execute("INSERT INTO other VALUES (1)")
            one.execute("COMMIT")
        one.execute("ROLLBACK")
        assert one.execute("SELECT count(*) FROM other").fetchone() == (0,)
