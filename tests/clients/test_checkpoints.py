"""Checkpoints: others start from ours, and we from theirs."""

import json

import psycopg
import pytest
from support import Lake, Server

deltalake = pytest.importorskip("deltalake", reason="deltalake is not installed")
polars = pytest.importorskip("polars", reason="polars is not installed")


@pytest.fixture
def table(radlake, tmp_path):
    """A table of some commits, one of which takes rows out, and its folder."""
    lake = Lake(radlake, tmp_path / "lake")
    lake.init()
    with Server(lake, "--upkeep-interval", "0s") as server, psycopg.connect(**server.dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE public.t (id int, note text, at timestamp)")
        for i in range(5):
            connection.execute("INSERT INTO t VALUES (%s, %s, '2024-01-01')", (i, f"n{i}"))
        connection.execute("DELETE FROM t WHERE id = 3")
    return lake, lake.path / "public" / "t"


def commits(folder):
    return sorted((folder / "_delta_log").glob("*.json"))


def test_others_start_from_our_checkpoint(table):
    lake, folder = table
    lake.run("checkpoint", "public.t")
    hint = json.loads((folder / "_delta_log" / "_last_checkpoint").read_text())
    # Without the commits before it there is only the checkpoint to read.
    for commit in commits(folder):
        if int(commit.stem) < hint["version"]:
            commit.unlink()
    theirs = deltalake.DeltaTable(str(folder))
    assert theirs.version() == hint["version"]
    assert sorted(theirs.to_pyarrow_table().to_pydict()["id"]) == [0, 1, 2, 4]
    assert sorted(polars.read_delta(str(folder))["id"].to_list()) == [0, 1, 2, 4]
    # And they write on upon it.
    theirs.delete("id = 0")
    assert sorted(deltalake.DeltaTable(str(folder)).to_pyarrow_table().to_pydict()["id"]) == [1, 2, 4]


def test_we_start_from_their_checkpoint(table):
    lake, folder = table
    deltalake.DeltaTable(str(folder)).create_checkpoint()
    first = commits(folder)[0]
    first.unlink()
    assert lake.sql("SELECT count(*) AS n, sum(id) AS s FROM t") == {"n": 4, "s": 7}


def test_a_torn_checkpoint_is_survived(table):
    lake, folder = table
    lake.run("checkpoint", "public.t")
    (checkpoint,) = (folder / "_delta_log").glob("*.checkpoint.parquet")
    content = checkpoint.read_bytes()
    checkpoint.write_bytes(content[: len(content) // 2])
    assert lake.sql("SELECT count(*) AS n, sum(id) AS s FROM t") == {"n": 4, "s": 7}
