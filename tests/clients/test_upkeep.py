"""Compaction, vacuum and checkpoints: by CALL, on the command line, and by a server on its own."""

import os
import subprocess
import threading
import time

import psycopg
import pytest
from support import PASSWORD, Lake, Server


@pytest.fixture
def lake(radlake, tmp_path):
    lake = Lake(radlake, tmp_path / "lake")
    lake.init()
    return lake


def data_files(lake, table="public/t"):
    return sorted(path for path in (lake.path / table).rglob("part-*") if path.is_file())


def everything(lake):
    return {path.relative_to(lake.path) for path in lake.path.rglob("*") if path.is_file()}


def small_commits(connection, count, table="t"):
    for i in range(count):
        connection.execute(f"INSERT INTO {table} VALUES ({i}, 'n{i}')")


def sums(connection):
    return connection.execute("SELECT count(*), sum(id), count(DISTINCT id) FROM t").fetchone()


def test_small_files_are_merged_and_old_ones_removed(lake):
    with Server(lake, "--upkeep-interval", "0s") as server, psycopg.connect(**server.dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE public.t (id int, note text)")
        small_commits(connection, 30)
        assert len(data_files(lake)) == 30
        row = connection.execute("CALL radlake.optimize('t')").fetchone()
        assert row[:3] == ("public.t", 30, 1)
        assert sums(connection) == (30, 435, 30)
        # Within retention nothing goes.
        assert connection.execute("CALL radlake.vacuum('t')").fetchone()[2] == 0
        assert connection.execute("CALL radlake.vacuum(dry_run => true)").fetchone()[2] == 0
        assert len(data_files(lake)) == 31
        assert connection.execute("CALL radlake.checkpoint('t')").fetchall() == [("public.t",)]
        assert list((lake.path / "public/t/_delta_log").glob("*.checkpoint.parquet"))
        connection.execute("SET radlake.retention = 0")
        for text, state in [
            ("CALL radlake.optimize('nothing')", "42P01"),
            ("CALL radlake.polish('t')", "42883"),
            ("CALL radlake.vacuum('t')", "22023"),
            ("BEGIN; CALL radlake.optimize('t')", "25001"),
        ]:
            with pytest.raises(psycopg.Error) as refused:
                connection.execute(text)
            assert refused.value.sqlstate == state, (text, refused.value)
            connection.execute("ROLLBACK")
    assert lake.run("vacuum", "--retain", "0s", check=False).returncode == 1
    named = lake.run("vacuum", "--retain", "0s", "--dry-run").stdout
    assert named.count("public/t/part-") == 30 and len(data_files(lake)) == 31
    lake.run("vacuum", "--retain", "0s", "--force")
    assert len(data_files(lake)) == 1
    lake.run("vacuum", "--retain", "0s", "--force")
    assert lake.sql("SELECT count(*) AS n, sum(id) AS s FROM t") == {"n": 30, "s": 435}
    done = lake.run("sql", "-c", "SELECT * FROM t FOR VERSION AS OF 5", check=False)
    assert "72000" in done.stderr, done.stderr
    table = pytest.importorskip("deltalake", reason="deltalake is not installed").DeltaTable
    assert sorted(table(str(lake.path / "public/t")).to_pyarrow_table().to_pydict()["id"]) == list(range(30))


def test_a_long_log_is_read_from_its_checkpoint(lake):
    with Server(lake, "--upkeep-interval", "0s") as server, psycopg.connect(**server.dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE public.t (id int, note text)")
        small_commits(connection, 140)
    with Server(lake, "--upkeep-interval", "0s") as server, psycopg.connect(**server.dsn, autocommit=True) as connection:
        assert sums(connection) == (140, 9730, 140)
        assert "no checkpoint written" not in server.log()
    assert list((lake.path / "public/t/_delta_log").glob("*.checkpoint.parquet"))


def test_what_was_rolled_back_leaves_nothing(lake, full):
    """1 GB with RADLAKE_TEST_FULL=1."""
    rows = 50_000_000 if full else 200_000
    with Server(lake, "--upkeep-interval", "0s") as server, psycopg.connect(**server.dsn) as connection:
        connection.execute("CREATE TABLE public.t (id bigint, x double precision, y text)")
        connection.commit()
        before = everything(lake)
        written = f"SELECT i, random(), md5(i::text) FROM generate_series(1, {rows}) g(i)"
        connection.execute(f"INSERT INTO t {written}")
        connection.execute(f"CREATE TABLE public.u AS {written}")
        size = sum((lake.path / path).stat().st_size for path in everything(lake) - before)
        assert size > (1_000_000_000 if full else 1_000_000), size
        connection.rollback()
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (0,)
        connection.commit()
    lake.run("vacuum", "--retain", "0s", "--force")
    left = everything(lake) - before
    assert not [path for path in left if path.parts[0] != "_radlake"], left
    # What vacuum was about to remove is an epoch of its own, so that no writer misses it.
    logs = [path for path in left if "_delta_log" in path.parts]
    assert [path.parts[1] for path in logs] == ["catalog"], left
    log = (lake.path / "public/t/_delta_log").glob("*.json")
    assert [path.name for path in log] == ["00000000000000000000.json"]


@pytest.mark.parametrize("retained", ["processes", "one server"])
def test_nothing_is_lost_or_doubled(radlake, lake, retained):
    """Appends, deletes and updates beside two compactions, in one process and in three."""
    with Server(lake, "--upkeep-interval", "0s") as one, Server(lake, "--upkeep-interval", "0s") as two:
        second = two if retained == "processes" else one
        with psycopg.connect(**one.dsn, autocommit=True) as connection:
            connection.execute("CREATE TABLE public.t (id int, note text)")
            connection.execute("INSERT INTO t SELECT i, 'x' FROM generate_series(1, 1000) g(i)")
        failures, stop = [], threading.Event()
        committed = {"inserted": 0, "deleted": 0}

        def client(server, work):
            try:
                with psycopg.connect(**server.dsn, autocommit=True) as connection:
                    work(connection)
            except Exception as error:  # noqa: BLE001 - what it was is told below
                failures.append(error)

        def attempt(connection, text):
            for _ in range(200):
                try:
                    return connection.execute(text).rowcount
                except psycopg.errors.SerializationFailure:
                    continue
            raise AssertionError(f"{text}: never committed")

        def inserts(connection):
            for i in range(40):
                attempt(connection, f"INSERT INTO t VALUES ({10_000 + i}, 'new')")
                committed["inserted"] += 1

        def deletes(connection):
            for i in range(15):
                committed["deleted"] += attempt(connection, f"DELETE FROM t WHERE id = {i * 7 + 1}")
                attempt(connection, f"UPDATE t SET note = note || '.' WHERE id = {500 + i}")

        def optimizes(connection):
            while not stop.is_set():
                attempt(connection, "CALL radlake.optimize('t')")

        def reads(connection):
            while not stop.is_set():
                count, distinct = connection.execute("SELECT count(*), count(DISTINCT id) FROM t").fetchone()
                assert count == distinct, "a row is there twice"

        writers = [threading.Thread(target=client, args=job) for job in [(one, inserts), (second, deletes)]]
        others = [(one, optimizes), (second, optimizes), (second, reads)]
        others = [threading.Thread(target=client, args=job) for job in others]
        for thread in writers + others:
            thread.start()
        for thread in writers:
            thread.join(300)
        stop.set()
        for thread in others:
            thread.join(60)
        assert not failures, failures
        with psycopg.connect(**second.dsn, autocommit=True) as connection:
            count, distinct, dots = connection.execute(
                "SELECT count(*), count(DISTINCT id), count(*) FILTER (WHERE note = 'x.') FROM t"
            ).fetchone()
        assert (count, distinct, dots) == (1025, 1025, 15) and committed == {"inserted": 40, "deleted": 15}


def test_a_server_merges_on_its_own(lake):
    arguments = ["--upkeep-interval", "1s", "--upkeep-percent", "100", "--upkeep-files", "10"]
    with Server(lake, *arguments) as server, psycopg.connect(**server.dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE public.t (id int, note text)")
        small_commits(connection, 40)
        end = time.monotonic() + 60
        merged = "SELECT count(*) FROM system.epochs WHERE statement = 'OPTIMIZE'"
        while connection.execute(merged).fetchone() == (0,):
            assert time.monotonic() < end, server.log()
            time.sleep(0.2)
        assert sums(connection) == (40, 780, 40)


def test_an_interrupted_compaction_goes_on(radlake, lake):
    lake.run("sql", "-c", "CREATE TABLE public.t (id int, note text)")
    for i in range(3):
        lake.run("sql", "-c", f"INSERT INTO t SELECT i, 'x' FROM generate_series({i * 1000 + 1}, {i * 1000 + 1000}) g(i)")
    environment = {**os.environ, "RADLAKE_PASSWORD": PASSWORD}
    killed = subprocess.Popen(lake.command("optimize"), env=environment, stdout=subprocess.DEVNULL)
    killed.kill()
    killed.wait()
    lake.run("optimize")
    assert "Nothing to do" in lake.run("optimize").stdout
    lake.run("checkpoint")
    assert lake.sql("SELECT count(*) AS n FROM t") == {"n": 3000}
