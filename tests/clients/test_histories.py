"""Many clients over two processes on one lake, and servers that are killed in the middle of it."""

import os
import random
import subprocess
import time

import psycopg
import pytest
from history import History, prepare
from support import PASSWORD, Lake, Server

# RADLAKE_SEED plays a history again; otherwise each run has its own.
SEED = int(os.environ.get("RADLAKE_SEED", time.time_ns() % 1_000_000))


@pytest.fixture
def lake(radlake, tmp_path):
    lake = Lake(radlake, tmp_path / "lake")
    lake.init()
    return lake


def upkeep(connection):
    """The statements of upkeep that this version has."""
    found = []
    for statement in ("CALL radlake.optimize('h.items')", "CALL radlake.vacuum('h.scratch')"):
        try:
            connection.execute(statement)
            found.append(statement)
        except psycopg.Error:
            pass
    return found


def test_what_is_committed_has_a_serial_order(lake, full, request):
    clients, each = (200, 20) if full else (24, 8)
    with Server(lake) as first, Server(lake) as second:
        with psycopg.connect(**first.dsn, autocommit=True) as connection:
            prepare(connection)
            history = History(SEED, [first, second], clients, each, upkeep(connection))
            start = time.monotonic()
            history.start()
            ingest = None
            if data := pydicom_files(request):
                # A third process writes other tables meanwhile.
                ingest = subprocess.Popen(
                    lake.command("ingest", data, "--provider", "p"),
                    env={**os.environ, "RADLAKE_PASSWORD": PASSWORD},
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            history.finish()
            if ingest:
                assert ingest.wait(600) == 0, ingest.stderr.read()
            seconds = time.monotonic() - start
            committed = history.check(lake, connection)
            with psycopg.connect(**second.dsn, autocommit=True) as other:
                history.check(lake, other)
            looks = [reader.seen for reader in history.readers]
            print(f"seed {SEED}: {committed} committed, {history.conflicts} conflicts, {looks} looks in {seconds:.0f} s")
            assert min(looks) > 0


def pydicom_files(request):
    try:
        return request.getfixturevalue("pydicom_files")
    except pytest.skip.Exception:
        return None


def test_kills_lose_nothing_and_disturb_nobody(lake, full):
    kills = 200 if full else 4
    clients, each = (24, 200) if full else (8, 25)
    moment = random.Random(SEED)
    with Server(lake) as steady:
        shaky = Server(lake).__enter__()
        port = shaky.port
        with psycopg.connect(**steady.dsn, autocommit=True) as connection:
            prepare(connection)
            history = History(SEED, [steady, shaky], clients, each)
            history.vanishing.add(port)
            history.start()
            killed = 0
            while killed < kills and not history.is_over():
                time.sleep(moment.uniform(0.05, 1.5))
                before = len(history.acknowledged)
                shaky.kill()
                killed += 1
                # What was acknowledged is there, for the other process at once.
                promised = {token for token, op in list(history.acknowledged.items()) if op[0] != "upkeep"}
                there = {token for (token,) in connection.execute("SELECT token FROM h.journal").fetchall()}
                assert promised <= there, f"seed {SEED}: lost {sorted(promised - there)} after {before}"
                shaky = Server(lake, port=port).__enter__()
            history.finish()
            committed = history.check(lake, connection)
            with psycopg.connect(**shaky.dsn, autocommit=True) as other:
                history.check(lake, other)
            print(f"seed {SEED}: {killed} kills, {committed} committed, {history.conflicts} conflicts")
            assert killed >= min(kills, 2)
        shaky.__exit__(None, None, None)
