"""Tables of one's own: psycopg's transactions, two writers at once, other readers of what was written."""

import psycopg
import pytest


@pytest.fixture
def schema(demo_server, request):
    """A schema for one test, dropped behind it."""
    name = "w_" + "".join(c if c.isalnum() else "_" for c in request.node.name)[:40].lower()
    with psycopg.connect(**demo_server.dsn, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
        yield name
        connection.execute(f"DROP SCHEMA {name} CASCADE")


def test_parameters_and_transactions(demo_server, schema):
    with psycopg.connect(**demo_server.dsn) as connection:
        cursor = connection.cursor()
        cursor.execute(f"CREATE TABLE {schema}.t (id int PRIMARY KEY, name text, f float8, d date, a int[])")
        rows = [(i, f"n{i}", i / 2, "2020-01-01", [i, None]) for i in range(20)]
        cursor.executemany(f"INSERT INTO {schema}.t VALUES (%s, %s, %s, %s, %s)", rows)
        cursor.execute(f"UPDATE {schema}.t SET name = %s WHERE id = %s RETURNING id, name, a", ("x", 3))
        assert cursor.fetchall() == [(3, "x", [3, None])] and cursor.rowcount == 1
        connection.commit()
        cursor.execute(f"DELETE FROM {schema}.t WHERE id = ANY(%s)", ([1, 2],))
        assert cursor.rowcount == 2
        connection.rollback()
        assert cursor.execute(f"SELECT count(*), sum(f) FROM {schema}.t").fetchone() == (20, 95.0)


def test_the_second_of_two_writers_is_told(demo_server, schema):
    with psycopg.connect(**demo_server.dsn) as first, psycopg.connect(**demo_server.dsn) as second:
        first.execute(f"CREATE TABLE {schema}.a AS SELECT 1 AS x")
        first.execute(f"CREATE TABLE {schema}.b AS SELECT 1 AS x")
        first.commit()
        first.execute(f"UPDATE {schema}.a SET x = 2")
        second.execute(f"UPDATE {schema}.a SET x = 3")
        first.commit()
        with pytest.raises(psycopg.errors.SerializationFailure):
            second.commit()
        # Of different tables both are taken.
        first.execute(f"UPDATE {schema}.a SET x = x + 10")
        second.execute(f"UPDATE {schema}.b SET x = x + 20")
        first.commit()
        second.commit()
        assert first.execute(f"SELECT a.x, b.x FROM {schema}.a, {schema}.b").fetchone() == (12, 21)


def test_a_lost_connection_leaves_nothing(demo_server, schema):
    connection = psycopg.connect(**demo_server.dsn)
    connection.execute(f"CREATE TABLE {schema}.gone AS SELECT 1 AS x")
    connection.close()
    with psycopg.connect(**demo_server.dsn) as connection, pytest.raises(psycopg.errors.UndefinedTable):
        connection.execute(f"SELECT * FROM {schema}.gone")


def test_other_readers_agree(demo_lake, demo_server, schema):
    table = pytest.importorskip("deltalake", reason="deltalake is not installed").DeltaTable
    with psycopg.connect(**demo_server.dsn, autocommit=True) as connection:
        connection.execute(f"CREATE TABLE {schema}.t (id int, n numeric(6,2), at timestamptz, a text[])")
        connection.execute(
            f"INSERT INTO {schema}.t SELECT i, i / 4.0, '2020-01-01 00:00:00+00', ARRAY['x', NULL] "
            "FROM generate_series(1, 1000) AS g(i)"
        )
        connection.execute(f"UPDATE {schema}.t SET n = 0 WHERE id % 2 = 0")
        connection.execute(f"DELETE FROM {schema}.t WHERE id > 500")
        ours = connection.execute(f"SELECT id, n, at, a FROM {schema}.t ORDER BY id").fetchall()
    rows = table(str(demo_lake.path / schema / "t")).to_pyarrow_table().sort_by("id").to_pylist()
    assert [tuple(row.values()) for row in rows] == ours and len(ours) == 500


def test_a_pipeline_is_one_transaction(demo_server, schema):
    with psycopg.connect(**demo_server.dsn, autocommit=True) as connection:
        connection.execute(f"CREATE TABLE {schema}.t (x int)")
        with pytest.raises(psycopg.errors.DivisionByZero), connection.pipeline():
            connection.execute(f"INSERT INTO {schema}.t VALUES (%s)", (1,))
            connection.execute("SELECT 1 / %s::int", (0,))
        assert connection.execute(f"SELECT count(*) FROM {schema}.t").fetchone() == (0,)
        with connection.pipeline():
            connection.execute(f"INSERT INTO {schema}.t VALUES (%s)", (1,))
            seen = connection.execute(f"SELECT count(*) FROM {schema}.t")
            connection.execute(f"UPDATE {schema}.t SET x = x + 1")
        assert seen.fetchone() == (1,)
        assert connection.execute(f"SELECT x FROM {schema}.t").fetchone() == (2,)


def test_keys_conflict_with_their_table_only(demo_server, schema):
    with psycopg.connect(**demo_server.dsn) as first, psycopg.connect(**demo_server.dsn) as second:
        first.execute(f"CREATE TABLE {schema}.a (id int PRIMARY KEY)")
        first.execute(f"CREATE TABLE {schema}.b (id int PRIMARY KEY)")
        first.commit()
        first.execute(f"INSERT INTO {schema}.a VALUES (1)")
        second.execute(f"INSERT INTO {schema}.b VALUES (1)")
        first.commit()
        second.commit()
        first.execute(f"INSERT INTO {schema}.a VALUES (2)")
        second.execute(f"INSERT INTO {schema}.a VALUES (2)")
        first.commit()
        with pytest.raises(psycopg.errors.SerializationFailure):
            second.commit()
