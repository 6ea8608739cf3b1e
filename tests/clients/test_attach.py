"""Tables that Python's deltalake wrote: attached, read and written; refused by name where they have more than plain tables."""

import datetime
import json

import psycopg
import pytest
from support import Lake, Server

deltalake = pytest.importorskip("deltalake", reason="deltalake is not installed")
pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")


@pytest.fixture(scope="module")
def lake(radlake, tmp_path_factory):
    lake = Lake(radlake, tmp_path_factory.mktemp("attach") / "lake")
    lake.init()
    return lake


@pytest.fixture(scope="module")
def server(lake):
    with Server(lake, "--upkeep-interval", "0s") as server:
        yield server


@pytest.fixture
def connection(server):
    with psycopg.connect(**server.dsn, autocommit=True) as connection:
        yield connection


def rows(n):
    return pa.table(
        {
            "id": pa.array(range(n), pa.int64()),
            "name": [f"n{i}" if i % 3 else None for i in range(n)],
            "at": pa.array([datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)] * n, pa.timestamp("us", "UTC")),
            "x": [i / 4 for i in range(n)],
        }
    )


def test_an_attached_table_is_read_and_written(lake, connection):
    folder = lake.path / "labs" / "blood"
    deltalake.write_deltalake(str(folder), rows(10))
    deltalake.write_deltalake(str(folder), rows(5), mode="append")
    deltalake.DeltaTable(str(folder)).delete("id = 4")
    connection.execute(f"CREATE TABLE public.blood USING delta LOCATION '{folder}'")
    ours = connection.execute("SELECT id, name, at, x FROM blood ORDER BY id, x").fetchall()
    theirs = deltalake.DeltaTable(str(folder)).to_pyarrow_table().sort_by("id").to_pylist()
    assert ours == [tuple(row.values()) for row in theirs] and len(ours) == 13
    # Nothing was written to its log by attaching it; then both write.
    assert deltalake.DeltaTable(str(folder)).version() == 2
    connection.execute("INSERT INTO blood VALUES (100, 'ours', now(), 1)")
    deltalake.write_deltalake(str(folder), rows(1), mode="append")
    connection.execute("UPDATE blood SET x = -1 WHERE id = 100")
    connection.execute("DELETE FROM blood WHERE id = 1")
    ours = sorted(connection.execute("SELECT id, x FROM blood").fetchall())
    theirs = deltalake.DeltaTable(str(folder)).to_pyarrow_table().to_pylist()
    assert ours == sorted((row["id"], row["x"]) for row in theirs)
    assert (100, -1.0) in ours and len(ours) == 13
    for text, state in [
        (f"CREATE TABLE public.blood USING delta LOCATION '{folder}'", "42P07"),
        (f"CREATE TABLE public.blood2 USING delta LOCATION '{folder}'", "42710"),
        (f"CREATE TABLE public.o USING delta LOCATION '{folder.parent / 'nothing'}'", "42704"),
        ("CREATE TABLE public.o USING delta LOCATION '/etc'", "0A000"),
        ("CREATE TABLE public.o USING delta LOCATION '../elsewhere'", "0A000"),
        ("CREATE TABLE public.o USING delta LOCATION '_radlake/catalog'", "0A000"),
        ("CREATE TABLE public.o (x int) USING delta LOCATION 'labs/blood'", "0A000"),
        ("CREATE TABLE public.o USING parquet LOCATION 'labs/blood'", "0A000"),
    ]:
        with pytest.raises(psycopg.Error) as refused:
            connection.execute(text)
        assert refused.value.sqlstate == state, (text, refused.value)


def test_vacuum_leaves_an_attached_tables_rows(lake, connection):
    folder = lake.path / "labs" / "deep" / "urine"
    deltalake.write_deltalake(str(folder), rows(10))
    # One that is nobody's stays too.
    strange = lake.path / "labs" / "strange"
    deltalake.write_deltalake(str(strange), rows(3))
    connection.execute("CREATE TABLE public.urine USING delta LOCATION 'labs/deep/urine'")
    lake.run("vacuum", "--retain", "0s", "--force")
    assert connection.execute("SELECT count(*) FROM urine").fetchone() == (10,)
    assert deltalake.DeltaTable(str(strange)).to_pyarrow_table().num_rows == 3


def constrained(path):
    deltalake.write_deltalake(path, rows(3))
    deltalake.DeltaTable(path).alter.add_constraint({"positive": "x >= 0"})


def protocol(feature, path):
    """A table whose protocol asks for a feature, as other writers make it."""
    deltalake.write_deltalake(path, rows(3))
    features = {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": [feature], "writerFeatures": [feature]}
    with open(f"{path}/_delta_log/{1:020}.json", "w") as commit:
        commit.write(json.dumps({"protocol": features}))


@pytest.mark.parametrize(
    "feature, make",
    [
        ("partition columns", lambda path: deltalake.write_deltalake(path, rows(3), partition_by=["id"])),
        (
            "changeDataFeed",
            lambda path: deltalake.write_deltalake(path, rows(3), configuration={"delta.enableChangeDataFeed": "true"}),
        ),
        (
            "appendOnly",
            lambda path: deltalake.write_deltalake(path, rows(3), configuration={"delta.appendOnly": "true"}),
        ),
        ("checkConstraints", constrained),
        ("deletionVectors", lambda path: protocol("deletionVectors", path)),
        ("columnMapping", lambda path: protocol("columnMapping", path)),
        ("typeWidening", lambda path: protocol("typeWidening", path)),
    ],
)
def test_what_is_not_supported_is_refused_by_name(lake, connection, feature, make):
    folder = lake.path / "labs" / f"refused_{''.join(c for c in feature if c.isalpha())}"
    make(str(folder))
    with pytest.raises(psycopg.errors.FeatureNotSupported) as refused:
        connection.execute(f"CREATE TABLE public.refused USING delta LOCATION '{folder}'")
    assert feature in str(refused.value), refused.value
    with pytest.raises(psycopg.errors.UndefinedTable):
        connection.execute("SELECT * FROM refused")
