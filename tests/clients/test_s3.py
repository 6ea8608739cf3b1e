"""Lakes in a bucket: two processes over one, at work, and one of them killed."""

import concurrent.futures
import json
import os
import random
import threading
import time

import psycopg
import pytest
from history import History, prepare
from s3 import BUCKET
from support import Server

SEED = int(os.environ.get("RADLAKE_SEED", time.time_ns() % 1_000_000))


@pytest.fixture
def lake(radlake, s3, tmp_path):
    lake = s3.lake(radlake, tmp_path.name, tmp_path)
    lake.init()
    return lake


def connect(server):
    return psycopg.connect(**server.dsn, autocommit=True)


def rows(connection, text, *values):
    return connection.execute(text, values).fetchall()


def test_one_of_many_conditional_writes_succeeds(s3):
    """What every decision hangs on, in a single PUT as at the end of one in parts."""

    def single(n):
        return s3.request("PUT", f"/{BUCKET}/one", b"%d" % n, {"If-None-Match": "*"})[0]

    def parts(n):
        answer = s3.request("POST", f"/{BUCKET}/parts?uploads")[1].decode()
        upload = answer.partition("<UploadId>")[2].partition("</UploadId>")[0]
        assert s3.request("PUT", f"/{BUCKET}/parts?partNumber=1&uploadId={upload}", b"%d" % n)[0] == 200
        return complete(upload)

    def complete(upload):
        listed = s3.request("GET", f"/{BUCKET}/parts?uploadId={upload}")[1].decode()
        tag = listed.partition("<ETag>")[2].partition("</ETag>")[0]
        body = f"<CompleteMultipartUpload><Part><ETag>{tag}</ETag><PartNumber>1</PartNumber></Part></CompleteMultipartUpload>"
        return s3.request("POST", f"/{BUCKET}/parts?uploadId={upload}", body.encode(), {"If-None-Match": "*"})[0]

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        for write in (single, parts):
            assert sorted(pool.map(write, range(32))) == [200] + 31 * [412], write.__name__


def test_a_lake_in_a_bucket(lake, s3, tmp_path, pydicom_files):
    assert lake.run("init", check=False).returncode != 0, "made twice"
    with Server(lake) as one, Server(lake) as two, connect(one) as a, connect(two) as b:
        a.execute("CREATE SCHEMA ward")
        b.execute("CREATE TABLE ward.t (id int PRIMARY KEY, v text NOT NULL, n double precision CHECK (n < 1000))")
        a.execute("INSERT INTO ward.t SELECT i, 'v' || i, i / 2.0 FROM generate_series(1, 100) g(i)")
        assert rows(b, "SELECT count(*), sum(n) FROM ward.t") == [(100, 2525.0)]
        first, when = rows(a, "SELECT max(epoch), max(committed_at) FROM system.epochs")[0]
        with pytest.raises(psycopg.errors.UniqueViolation):
            b.execute("INSERT INTO ward.t VALUES (7, 'again', 1)")
        with pytest.raises(psycopg.errors.CheckViolation):
            b.execute("INSERT INTO ward.t VALUES (700, 'much', 1000)")
        b.execute("UPDATE ward.t SET v = 'changed' WHERE id <= 10")
        a.execute("DELETE FROM ward.t WHERE id > 90")
        b.execute(
            "MERGE INTO ward.t USING (VALUES (1), (1001)) s(id) ON t.id = s.id WHEN MATCHED THEN DELETE "
            "WHEN NOT MATCHED THEN INSERT VALUES (s.id, 'merged', 0)"
        )
        a.execute("INSERT INTO ward.t VALUES (2, 'x', 1), (1002, 'x', 1) ON CONFLICT (id) DO UPDATE SET v = 'upserted'")
        wanted = [("changed", 8), ("merged", 1), ("upserted", 1), ("v11", 1)]
        text = "SELECT v, count(*) FROM ward.t WHERE id <= 11 OR id = 1001 GROUP BY 1 ORDER BY 1"
        assert rows(b, text) == wanted
        with b.transaction():
            b.execute("CREATE TABLE ward.u (id int)")
            b.execute("INSERT INTO ward.u SELECT id FROM ward.t")
            assert not rows(a, "SELECT FROM information_schema.tables WHERE table_name = 'u'")
        count = rows(a, "SELECT count(*) FROM ward.t")[0][0]
        assert count == 91 and rows(a, "SELECT count(*) FROM ward.u") == [(91,)]
        with pytest.raises(ZeroDivisionError), a.transaction():
            a.execute("TRUNCATE ward.u")
            1 / 0
        assert rows(b, "SELECT count(*) FROM ward.u") == [(91,)]
        with a.cursor().copy("COPY ward.u FROM STDIN") as copy:
            for i in range(20_000):
                copy.write_row((i,))
        with b.cursor().copy("COPY ward.u TO STDOUT") as copy:
            assert sum(bytes(part).count(b"\n") for part in copy) == 20_091
        file = tmp_path / "rows.csv"
        file.write_text("id,text\n" + "".join(f"{i},{'x' * 50}{i}\n" for i in range(5000)))
        assert json.loads(lake.run("load", "ward.loaded", file, "--format", "json").stdout)["rows"] == 5000
        instances = "SELECT count(*), count(DISTINCT sop_instance_uid) FROM imaging.instances"
        lake.ingest(pydicom_files / "test_files", provider="p")
        taken = rows(a, instances)
        assert taken[0][0] > 20
        lake.ingest(pydicom_files / "test_files", provider="p")
        assert rows(b, instances) == taken
        # Time travel, upkeep, back to the beginning.
        assert rows(b, f"SELECT count(*), sum(n) FROM ward.t FOR VERSION AS OF {first}") == [(100, 2525.0)]
        assert rows(b, f"SELECT count(*) FROM ward.t FOR SYSTEM_TIME AS OF '{when.isoformat()}'") == [(100,)]
        for i in range(5):
            (a, b)[i % 2].execute(f"INSERT INTO ward.u VALUES ({-i})")
        b.execute("CALL radlake.optimize('ward.u')")
        a.execute("CALL radlake.checkpoint('ward.u')")
        assert rows(a, "SELECT count(*), min(id) FROM ward.u") == [(20_096, -4)]
        b.execute("CALL radlake.vacuum()")
        lake.run("restore", "--epoch", first, "ward.t")
        assert rows(a, "SELECT count(*), sum(n) FROM ward.t") == [(100, 2525.0)]
        assert rows(b, "SELECT count(*) FROM ward.u") == [(20_096,)]
    lake.run("optimize")
    lake.run("vacuum", "--retain", "0s", "--force")
    lake.run("check")


def test_two_processes_write_at_once(lake, s3, full, tmp_path, pydicom_files):
    clients, each = (24, 20) if full else (6, 4)
    with Server(lake) as first, Server(lake) as second, connect(first) as connection:
        prepare(connection)
        history = History(SEED, [first, second], clients, each, ["CALL radlake.optimize('h.items')"])
        history.start()
        ingest = threading.Thread(target=lake.ingest, args=[pydicom_files / "test_files"], kwargs={"provider": "p"})
        ingest.start()
        history.finish()
        ingest.join()
        committed = history.check(s3.download(lake, tmp_path / "copy"), connection)
        assert rows(connection, "SELECT count(*) FROM imaging.instances")[0][0] > 20
        print(f"seed {SEED}: {committed} committed, {history.conflicts} conflicts")
    lake.run("check")


def test_what_a_killed_process_left_is_carried_out_by_the_other(lake, s3, full, tmp_path):
    kills, each = (40, 60) if full else (2, 5)
    moment = random.Random(SEED)
    with Server(lake) as steady, connect(steady) as connection:
        shaky = Server(lake).__enter__()
        prepare(connection)
        history = History(SEED, [steady, shaky], 6, each)
        history.vanishing.add(shaky.port)
        history.start()
        killed = 0
        while killed < kills and not history.is_over():
            time.sleep(moment.uniform(0.05, 1))
            shaky.kill()
            killed += 1
            promised = {token for token, op in list(history.acknowledged.items()) if op[0] != "upkeep"}
            there = {token for (token,) in rows(connection, "SELECT token FROM h.journal")}
            assert promised <= there, f"seed {SEED}: lost {sorted(promised - there)}"
            shaky = Server(lake, port=shaky.port).__enter__()
        history.finish()
        history.check(s3.download(lake, tmp_path / "copy"), connection)
        with connect(shaky) as other:
            history.check(s3.download(lake, tmp_path / "copy"), other)
        shaky.kill()
    lake.run("check")
