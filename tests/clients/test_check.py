"""Files that lie: emptied commits, torn checkpoints, data files that somebody took. Named, read round, mended by `radlake check`."""

import psycopg
import pytest
from support import Lake, Server

DeltaTable = pytest.importorskip("deltalake", reason="deltalake is not installed").DeltaTable


@pytest.fixture
def lake(radlake, tmp_path):
    lake = Lake(radlake, tmp_path / "lake")
    lake.init()
    return lake


def serve(lake):
    return Server(lake, "--upkeep-interval", "0s")


def refused(connection, statement):
    with pytest.raises(psycopg.Error) as refusal:
        connection.execute(statement)
    return refusal.value


def check(lake, *arguments):
    done = lake.run("check", *arguments, check=False)
    return done.returncode, done.stdout + done.stderr


def log(lake, table="public/t"):
    return sorted((lake.path / table / "_delta_log").glob("*.json"))


def settle(lake):
    """Says that everything is on the disk: what is torn then was not torn by a power cut, and opening the lake does not mend it."""
    newest = int(log(lake, "_radlake/catalog")[-1].stem)
    (lake.path / "_radlake/synced.json").write_text(f'{{"epoch":{newest}}}')


def test_an_emptied_commit_is_refused_and_mended(lake):
    with serve(lake) as server, psycopg.connect(**server.dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE t (id int, v int)")
        connection.execute("INSERT INTO t VALUES (1, 1), (2, 2)")
        connection.execute("UPDATE t SET v = v * 100")
    assert check(lake)[0] == 0
    settle(lake)
    commit = log(lake)[-1]
    for content in (b"", commit.read_bytes()[:100]):
        commit.write_bytes(content)
        with serve(lake) as server, psycopg.connect(**server.dsn, autocommit=True) as connection:
            for statement in ("SELECT * FROM t", "SELECT count(*) FROM t", "UPDATE t SET v = 0"):
                error = refused(connection, statement)
                assert error.sqlstate == "XX001" and commit.name in str(error), error
                assert "radlake check" in error.diag.message_hint
            # Others are read as ever, also by the server that met the damage.
            assert connection.execute("SELECT count(*) FROM imaging.instances").fetchone() == (0,)
            code, said = check(lake)
            assert code == 1 and f"damaged: public/t/_delta_log/{commit.name}" in said, said
            code, said = check(lake, "--repair")
            assert code == 0 and f"repaired: public/t/_delta_log/{commit.name}" in said, said
            assert connection.execute("SELECT * FROM t ORDER BY 1").fetchall() == [(1, 100), (2, 200)]
    # The catalog's own: the lake does not open, and check does.
    settle(lake)
    commit = log(lake, "_radlake/catalog")[-1]
    commit.write_bytes(b"")
    done = lake.run("sql", "-c", "SELECT 1", check=False)
    assert done.returncode == 1 and commit.name in done.stderr, done
    code, said = check(lake)
    assert code == 1 and commit.name in said, said
    assert check(lake, "--repair")[0] == 0
    assert lake.sql("SELECT sum(v) AS s FROM t") == {"s": 300}


def test_missing_files_of_an_earlier_epoch_are_refused(lake):
    with serve(lake) as server, psycopg.connect(**server.dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE t (id int, v int)")
        connection.execute("INSERT INTO t SELECT i, i FROM generate_series(1, 10) g(i)")
        epoch = connection.execute("SELECT max(epoch) FROM system.epochs").fetchone()[0]
        connection.execute("UPDATE t SET v = v + 1")
        vacuum = DeltaTable(str(lake.path / "public/t")).vacuum
        (gone,) = vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
        for relation in (f"t FOR VERSION AS OF {epoch}", "t"):
            if relation == "t":
                connection.execute(f"SET radlake.epoch = {epoch}")
            for what in ("sum(v)", "count(*)"):
                error = refused(connection, f"SELECT {what} FROM {relation}")
                assert error.sqlstate == "XX001" and gone in str(error), error
        connection.execute("SET radlake.epoch = DEFAULT")
        for table in (["t"], []):
            done = lake.run("restore", "--epoch", epoch, *table, check=False)
            assert done.returncode == 1 and gone in done.stderr, done
        assert connection.execute("SELECT max(epoch) FROM system.epochs").fetchone() == (epoch + 1,)
        assert connection.execute("SELECT sum(v) FROM t").fetchone() == (65,)
        code, said = check(lake, "--repair")
        assert code == 1 and gone in said and "earlier ones do not" in said, said
        # The newest epoch's.
        for path in (lake.path / "public/t").glob("part-*"):
            path.unlink()
        error = refused(connection, "SELECT v FROM t")
        assert error.sqlstate == "XX001" and "part-" in str(error), error


def test_a_torn_checkpoint_is_read_round_and_made_again(lake):
    with serve(lake) as server, psycopg.connect(**server.dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE t (i int)")
        for i in range(135):
            connection.execute(f"INSERT INTO t VALUES ({i})")
        connection.execute("CALL radlake.checkpoint('t')")
    whole = {"n": 135}
    count = "SELECT count(*) AS n FROM t"
    checkpoint = sorted((lake.path / "public/t/_delta_log").glob("*.checkpoint.parquet"))[-1]
    content = checkpoint.read_bytes()
    checkpoint.write_bytes(content[: len(content) // 2])
    assert lake.sql(count) == whole
    code, said = check(lake)
    assert code == 1 and checkpoint.name in said, said
    code, said = check(lake, "--repair", "--deep")
    assert code == 0 and f"repaired: public/t/_delta_log/{checkpoint.name}" in said, said
    assert len(DeltaTable(str(lake.path / "public/t")).file_uris()) == 135
    # A commit that the checkpoint stands for.
    settle(lake)
    commit = log(lake)[-3]
    commit.write_bytes(b"")
    assert lake.sql(count) == whole
    checkpoint.unlink()
    done = lake.run("sql", "-c", count, check=False)
    assert done.returncode == 1 and commit.name in done.stderr, done
    assert check(lake, "--repair")[0] == 0
    assert lake.sql(count) == whole
