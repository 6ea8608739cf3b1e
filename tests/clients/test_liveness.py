"""Statements that compute without a pause: each can be ended, and none of them keeps others waiting."""

import asyncio
import threading
import time

import asyncpg
import psycopg
import pytest
from support import Lake, Server

# Each would go on for hours. The number is what makes it so: rows × rows.
ENDLESS = {
    "nested loop that matches nothing": "select count(*) from big a, big b where (a.i + b.i) % 3 = 5",
    "nested loop, outer": "select count(*) from big a left join big b on (a.i + b.i) % 3 = 5",
    "nested loop, not exists": "select count(*) from big a where not exists (select from big b where (a.i + b.i) % 3 = 5)",
    "cross join": "select sum((a.i + b.i) % 7) from big a, big b",
    "cross join, ordered": "select a.i from big a, big b order by a.i + b.i limit 1",
    "hash join, condition beside it": "select count(*) from big a join big b on a.one = b.one and (a.i + b.i) % 3 = 5",
    "hash join, one key": "select sum((a.i + b.i) % 7) from big a join big b on a.one = b.one",
    "hash join, outer": "select count(*) from big a full join big b on a.one = b.one and (a.i + b.i) % 3 = 5",
    "half a join, one key": "select count(*) from big a where exists (select from big b where a.one = b.one and a.i + b.i < 0)",
    "scalar sub-query": "select (select count(*) from big a, big b where (a.i + b.i) % 3 = 5)",
    "recursion": "with recursive r(n) as (select 1 union all select n from r) select count(*) from r",
    "series": "select count(*) from generate_series(1, 1000000000000) g",
    "aggregate by many": "select count(*) from (select a.i, b.i, count(*) from big a, big b group by 1, 2) s",
    "write": "insert into sink select a.i from big a, big b where (a.i + b.i) % 3 = 5",
    "delete": "delete from sink using big a, big b where sink.i = a.i and (a.i + b.i) % 3 = 5",
    "function": "select count(*) from big a, big b where length(repeat('x', a.i % 10)) + b.i < 0",
}


@pytest.fixture(scope="module")
def server(radlake, tmp_path_factory):
    lake = Lake(radlake, tmp_path_factory.mktemp("liveness") / "lake")
    lake.init()
    with Server(lake, "--upkeep-interval", "0s") as server:
        with psycopg.connect(**server.dsn, autocommit=True) as connection:
            connection.execute("create table big as select i, 1 as one from generate_series(1, 1000000) g(i)")
            connection.execute("create table sink (i int)")
            connection.execute("insert into sink select i from generate_series(1, 100000) g(i)")
        yield server


def processor_seconds(server):
    fields = open(f"/proc/{server.process.pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def is_quiet(server, within=20):
    """Whether nothing computes any more: a second with next to no processor time."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        before = processor_seconds(server)
        time.sleep(1)
        if processor_seconds(server) - before < 0.15:
            return True
    return False


@pytest.mark.parametrize("kind", ENDLESS)
def test_a_statement_ends_with_its_time(server, kind):
    with psycopg.connect(**server.dsn, autocommit=True) as connection:
        connection.execute("set statement_timeout = '500ms'")
        with pytest.raises(psycopg.Error) as caught:
            connection.execute(ENDLESS[kind])
        assert caught.value.sqlstate == "57014"
        assert connection.execute("select 1").fetchone() == (1,)
    assert is_quiet(server), "it was answered, and still computes"


@pytest.mark.parametrize("kind", ["nested loop that matches nothing", "hash join, condition beside it", "write"])
def test_a_cancelled_statement_computes_no_longer(server, kind):
    with psycopg.connect(**server.dsn, autocommit=True) as connection:
        timer = threading.Timer(0.5, connection.cancel)
        timer.start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute(ENDLESS[kind])
        timer.join()
        assert connection.execute("select 1").fetchone() == (1,)
    assert is_quiet(server)


def test_a_statement_ends_with_its_client(server):
    connection = psycopg.connect(**server.dsn, autocommit=True)
    connection.pgconn.send_query(ENDLESS["nested loop that matches nothing"].encode())
    time.sleep(0.5)
    connection.close()
    assert is_quiet(server)


def test_the_time_of_a_suspended_portal_is_not_another_statements(server):
    async def run():
        connection = await asyncpg.connect(**{name: value for name, value in server.dsn.items() if name != "dbname"}, database="radlake")
        async with connection.transaction():
            await connection.execute("set statement_timeout = '400ms'")
            cursor = await connection.cursor("select i from generate_series(1, 1000000) g(i)")
            assert len(await cursor.fetch(5)) == 5
            await connection.execute("set statement_timeout = 0")
            await asyncio.sleep(0.6)
            # Longer than the server waits for the engine's own answer.
            slow = "select count(*) from big a, (select * from big limit 40) b where (a.i + b.i) % 3 = 5"
            start = time.monotonic()
            assert await connection.fetchval(slow) == 0
            print("slow statement:", time.monotonic() - start)
        await connection.close()

    asyncio.run(run())


def test_others_are_served_beside_eight_of_them(server):
    busy = [psycopg.connect(**server.dsn, autocommit=True) for _ in range(8)]
    for connection in busy:
        connection.pgconn.send_query(ENDLESS["nested loop that matches nothing"].encode())
    time.sleep(1)
    slowest = []
    with psycopg.connect(**server.dsn, autocommit=True) as connection:
        for statement in ["select 1"] * 20 + ["select count(*) from sink", "insert into sink values (1)"]:
            start = time.monotonic()
            connection.execute(statement)
            slowest.append((time.monotonic() - start, statement))
    print("slowest beside eight joins:", max(slowest))
    # A bound for a machine that does other things as well; served one after the other they would never be.
    assert max(slowest)[0] < 10
    for connection in busy:
        connection.close()
    assert is_quiet(server)
