"""Names of tables, schemas and columns: what was acknowledged is read back, by us after a restart and by others."""

import psycopg
import pytest
from psycopg import sql
from support import Lake, Server

deltalake = pytest.importorskip("deltalake", reason="deltalake is not installed")
polars = pytest.importorskip("polars", reason="polars is not installed")

NAMES = [
    "_t",
    "__",
    "a b",
    " lead",
    "trail ",
    "a.b",
    ".a",
    "..",
    "a$b",
    "a#b",
    "~a",
    "a~5Fb",
    "a%b",
    "%41",
    "%2F",
    "é",
    "e\u0301",
    "日本語",
    'a"b',
    "a'b",
    "a`b",
    "a/b",
    "a\\b",
    "a?b&c=d",
    "a=b",
    "a,b;c{d}(e)",
    "[a]",
    "a\tb\nc",
    "*",
    ":",
    "null",
    "select",
    "Mixed",
    "0",
    "x" * 63,
    "é" * 31,
    "#" * 63,
    "_" * 63,
    "😀" * 15,
]


def folder_of(lake, schema, table):
    """Where the catalog says that a table's rows are."""
    catalog = deltalake.DeltaTable(str(lake.path / "_radlake" / "catalog")).to_pyarrow_table().to_pylist()
    (row,) = (row for row in catalog if (row["kind"], row["schema"], row["name"]) == ("table", schema, table))
    return lake.path / row["location"]


@pytest.fixture(scope="module")
def named(radlake, tmp_path_factory):
    """A lake in which each name is a schema, its table and the table's columns, and its server after a restart."""
    lake = Lake(radlake, tmp_path_factory.mktemp("names") / "lake")
    lake.init()
    with Server(lake, "--upkeep-interval", "0s") as server, psycopg.connect(**server.dsn, autocommit=True) as connection:
        for name in NAMES:
            n = sql.Identifier(name)
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(n))
            connection.execute(sql.SQL("CREATE TABLE {}.{} ({} int, other text)").format(n, n, n))
            for i in range(3):
                insert = sql.SQL("INSERT INTO {}.{} VALUES ({}, {})")
                connection.execute(insert.format(n, n, sql.Literal(i), sql.Literal(name)))
            connection.execute(sql.SQL("DELETE FROM {}.{} WHERE {} = 1").format(n, n, n))
            connection.execute(sql.SQL("UPDATE {}.{} SET {} = {} + 10 WHERE {} = 2").format(n, n, n, n, n))
    with Server(lake, "--upkeep-interval", "0s") as server:
        yield lake, server


@pytest.mark.parametrize("name", NAMES)
def test_is_read_back(named, name):
    lake, server = named
    n = sql.Identifier(name)
    with psycopg.connect(**server.dsn, autocommit=True) as connection:
        cursor = connection.execute(sql.SQL("SELECT * FROM {}.{} ORDER BY 1").format(n, n))
        assert [column.name for column in cursor.description] == [name, "other"]
        assert cursor.fetchall() == [(0, name), (12, name)]
        qualified = sql.SQL("SELECT {}.{}, count(*), min({}) FROM {}.{} WHERE {} > 5 GROUP BY {}.{}")
        assert connection.execute(qualified.format(n, n, n, n, n, n, n, n)).fetchall() == [(12, 1, 12)]
        found = connection.execute(
            "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
            "WHERE c.oid = %s::regclass AND a.attnum = 1",
            (n.as_string(connection) + "." + n.as_string(connection),),
        )
        assert found.fetchall() == [(name, name)]


@pytest.mark.parametrize("name", NAMES)
def test_others_read_it(named, name):
    lake, _ = named
    folder = folder_of(lake, name, name)
    assert folder.is_dir()
    theirs = deltalake.DeltaTable(str(folder)).to_pyarrow_table().to_pydict()
    assert sorted(theirs) == sorted([name, "other"])
    assert sorted(theirs[name]) == [0, 12]
    assert sorted(polars.read_delta(str(folder))[name].to_list()) == [0, 12]
