"""vector(n): text and binary, as parameters and as columns, and COPY."""

import struct

import psycopg
import pytest
from psycopg.adapt import Dumper, Loader
from psycopg.pq import Format

OID = 16010


class Vector(tuple):
    """A vector that is sent and received as pgvector's binary form."""


class Sent(Dumper):
    format = Format.BINARY
    oid = OID

    def dump(self, value):
        return struct.pack(f">HH{len(value)}f", len(value), 0, *value)


class Received(Loader):
    format = Format.BINARY

    def load(self, data):
        dimensions, unused = struct.unpack(">HH", data[:4])
        assert unused == 0
        return Vector(struct.unpack(f">{dimensions}f", data[4:]))


@pytest.fixture
def table(connection):
    connection.execute("DROP TABLE IF EXISTS vectors")
    connection.execute("CREATE TABLE vectors (id int, v vector(3))")
    yield connection
    connection.execute("DROP TABLE vectors")


def test_text(table):
    table.execute("INSERT INTO vectors VALUES (%s, %s), (%s, %s)", (1, "[1,2,3]", 2, None))
    cursor = table.execute("SELECT id, v FROM vectors ORDER BY v <-> %s, id LIMIT 2", ("[1,2,4]",))
    assert cursor.fetchall() == [(1, "[1,2,3]"), (2, None)]
    assert cursor.description[1].type_code == OID
    assert cursor.pgresult.fmod(1) == 3
    assert table.execute("SELECT %s::vector <-> '[0,0]'", ("[3,4]",)).fetchone() == (5.0,)
    with pytest.raises(psycopg.errors.InvalidTextRepresentation) as refused:
        table.execute("SELECT v <-> %s FROM vectors", ("[4711,x]",)).fetchall()
    assert "4711" not in str(refused.value)


def test_binary(table):
    table.adapters.register_dumper(Vector, Sent)
    table.adapters.register_loader(OID, Received)
    sent = Vector((0.5, -2.0, 3.25))
    table.execute("INSERT INTO vectors VALUES (1, %b), (2, '[1,1,1]')", (sent,))
    cursor = table.cursor(binary=True)
    rows = cursor.execute("SELECT v, v <-> %b FROM vectors ORDER BY v <-> %b LIMIT 1", (sent, sent)).fetchall()
    assert rows == [(sent, 0.0)]
    assert cursor.execute("SELECT %b::vector(3)", (sent,)).fetchone() == (sent,)
    assert cursor.execute("SELECT %b::vector", (sent,)).fetchone() == (sent,)
    with pytest.raises(psycopg.DataError) as refused:
        cursor.execute("INSERT INTO vectors VALUES (1, %b)", (Vector((1.0, 2.0)),))
    assert refused.value.sqlstate == "22000"


@pytest.mark.parametrize("form", ["text", "csv", "binary"])
def test_copy(table, form):
    table.execute("INSERT INTO vectors VALUES (1, '[1,2.5,3]'), (2, NULL), (3, '[0,0,-1]')")
    with table.cursor().copy(f"COPY vectors TO STDOUT (FORMAT {form})") as copy:
        data = b"".join(copy)
    if form == "text":
        assert data == b"1\t[1,2.5,3]\n2\t\\N\n3\t[0,0,-1]\n"
    table.execute("TRUNCATE vectors")
    with table.cursor().copy(f"COPY vectors FROM STDIN (FORMAT {form})") as copy:
        copy.write(data)
    rows = table.execute("SELECT id, v::text FROM vectors ORDER BY id").fetchall()
    assert rows == [(1, "[1,2.5,3]"), (2, None), (3, "[0,0,-1]")]


def test_copy_refuses_other_dimensions(table):
    for line, code in [("1\t[1,2]\n", "22000"), ("1\tx\n", "22P02"), ("1\t[1,2,inf]\n", "22000")]:
        with pytest.raises(psycopg.Error) as refused:
            with table.cursor().copy("COPY vectors FROM STDIN") as copy:
                copy.write(line)
        assert refused.value.sqlstate == code


def test_a_masked_vector_orders_nothing(demo_server, table):
    """With a parameter as with a literal, as text and as binary: what is hidden is near to nothing."""
    table.execute("INSERT INTO vectors SELECT i, ARRAY[i, i, -i]::vector FROM generate_series(1, 2000) AS g(i)")
    table.execute("CREATE ROLE near_masked LOGIN PASSWORD 'x'")
    try:
        table.execute("GRANT SELECT ON vectors TO near_masked")
        table.execute("SECURITY LABEL FOR anon ON ROLE near_masked IS 'MASKED'")
        text, binary = "[1500,1500,-1500]", Vector((1500.0, 1500.0, -1500.0))
        for mask, told in [("NULL", 0), ("''[0,0,0]''", 1)]:
            table.execute(f"SECURITY LABEL FOR anon ON COLUMN vectors.v IS 'MASKED WITH VALUE {mask}'")
            with psycopg.connect(**{**demo_server.dsn, "user": "near_masked", "password": "x"}, autocommit=True) as reader:
                reader.adapters.register_dumper(Vector, Sent)
                for operator in ["<->", "<#>", "<=>", "<+>"]:
                    for place, value in [("%s", text), ("%b", binary)]:
                        near = f"SELECT id FROM vectors ORDER BY v {operator} {place}, id LIMIT 3"
                        # A plan that is kept hides as much.
                        for prepare in (False, True, True):
                            found = reader.execute(near, (value,), prepare=prepare).fetchall()
                            assert found == [(1,), (2,), (3,)], (mask, operator, place)
                assert reader.execute("SELECT count(DISTINCT v <-> %s) FROM vectors", (text,)).fetchone() == (told,)
            assert table.execute("SELECT id FROM vectors ORDER BY v <-> %s LIMIT 1", (text,)).fetchone() == (1500,)
    finally:
        table.execute("REVOKE ALL ON vectors FROM near_masked")
        table.execute("DROP ROLE near_masked")


def test_every_row_has_its_own(table):
    """Files hold lists, which become vectors again batch by batch, whatever rows a condition leaves."""
    table.execute(
        "INSERT INTO vectors SELECT i, CASE WHEN i % 11 > 0 THEN ARRAY[i, i + 1, -i]::vector END FROM generate_series(1, 60000) AS g(i)"
    )
    own = "(v::real[])[1] = id AND (v::real[])[2] = id + 1 AND (v::real[])[3] = -id"
    conditions = {
        "true": lambda i: True,
        "id % 7 = 3": lambda i: i % 7 == 3,
        "id BETWEEN 20001 AND 20003": lambda i: 20001 <= i <= 20003,
        "id > 59990 AND v IS NOT NULL": lambda i: i > 59990 and i % 11 > 0,
        "id % 5000 > 4000": lambda i: i % 5000 > 4000,
    }
    for condition, holds in conditions.items():
        found = table.execute(
            f"SELECT count(*), count(v), count(*) FILTER (WHERE {own}) FROM vectors WHERE {condition}"
        ).fetchone()
        ids = [i for i in range(1, 60001) if holds(i)]
        valid = sum(i % 11 > 0 for i in ids)
        assert found == (len(ids), valid, valid), condition
    near = "ORDER BY v <-> '[30001,30002,-30001]', id LIMIT 3 OFFSET 1"
    assert table.execute(f"SELECT id FROM vectors {near}").fetchall() == [(30000,), (30002,), (29999,)]


def test_other_writers(demo_lake, connection):
    """To others a vector is a list of floats. What is none is refused when it is read, never shown as another."""
    deltalake = pytest.importorskip("deltalake", reason="deltalake is not installed")
    pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    folder = str(demo_lake.path / "public" / "foreign_vectors")
    connection.execute("CREATE TABLE foreign_vectors (id int, v vector(3))")
    connection.execute("INSERT INTO foreign_vectors VALUES (1, '[1,2,3]'), (2, NULL)")
    theirs = deltalake.DeltaTable(folder).to_pyarrow_table().sort_by("id").to_pylist()
    assert theirs == [{"id": 1, "v": [1.0, 2.0, 3.0]}, {"id": 2, "v": None}]

    def write(identifier, vector):
        lists = pa.array([vector], pa.list_(pa.float32()))
        rows = pa.table({"id": pa.array([identifier], pa.int32()), "v": lists})
        deltalake.write_deltalake(folder, rows, mode="append")
        # A writer of ours finds what others have committed.
        connection.execute("INSERT INTO foreign_vectors VALUES (0, NULL)")

    write(3, [4.0, 5.0, 6.0])
    assert connection.execute("SELECT v FROM foreign_vectors WHERE id = 3").fetchone() == ("[4,5,6]",)
    for identifier, vector, code in [(4, [7.0, None, 9.0], "22004"), (5, [7.0, 8.0], "22000")]:
        write(identifier, vector)
        rows = f"FROM foreign_vectors WHERE id = {identifier}"
        for statement in [f"SELECT v {rows}", f"SELECT id {rows} ORDER BY v <-> '[1,2,3]' LIMIT 1"]:
            with pytest.raises(psycopg.DataError) as refused:
                connection.execute(statement).fetchall()
            assert refused.value.sqlstate == code, statement
    connection.execute("DROP TABLE foreign_vectors")
