"""Results of any size pass through a server of bounded memory."""

import asyncio
import socket
import struct
import threading
import time

import asyncpg
import psycopg
import pytest
from support import Server

LIMIT = 600 * 2**20


@pytest.fixture()
def server(demo_lake):
    """A server of its own: peak memory is that of this test."""
    with Server(demo_lake) as server:
        yield server


def drain(server, statement):
    """Runs a statement by the extended protocol with max_rows = 0 and counts rows and bytes; keeps nothing.

    Written on the socket: libpq would copy each row into Python.
    """
    with psycopg.connect(**server.dsn, autocommit=True) as connection:
        stream = socket.socket(fileno=socket.dup(connection.fileno()))
        try:
            stream.setblocking(True)

            def send(kind, body):
                return kind + struct.pack("!i", len(body) + 4) + body

            text = statement.encode() + b"\0"
            stream.sendall(
                send(b"P", b"\0" + text + b"\0\0")
                + send(b"B", b"\0\0" + struct.pack("!hhhh", 0, 0, 1, 1))
                + send(b"D", b"P\0")
                + send(b"E", b"\0" + struct.pack("!i", 0))
                + send(b"S", b"")
            )
            rows = size = need = 0
            kind = None
            buffer = bytearray()
            chunk = bytearray(1 << 20)
            while True:
                n = stream.recv_into(chunk)
                assert n, f"the server hung up after {rows} rows\n{server.log()[-3000:]}"
                size += n
                view = memoryview(chunk)[:n]
                at = 0
                while at < n:
                    if need:
                        step = min(need, n - at)
                        if kind == b"E":
                            buffer += view[at : at + step]
                        need -= step
                        at += step
                        if need == 0 and kind == b"E":
                            raise AssertionError(bytes(buffer))
                        continue
                    head = 5 - len(buffer)
                    buffer += view[at : at + head]
                    at += min(head, n - at)
                    if len(buffer) == 5:
                        kind, need = bytes(buffer[:1]), struct.unpack("!i", buffer[1:])[0] - 4
                        buffer.clear()
                        rows += kind == b"D"
                        if kind == b"Z":
                            return rows, size
        finally:
            stream.close()


def test_large_result_by_the_extended_protocol(server, full):
    """5 GB (1 GB unless RADLAKE_TEST_FULL=1) with max_rows = 0 and under 600 MB."""
    target = (5 if full else 1) * 10**9
    rows, size = drain(server, f"SELECT value, repeat('x', 2000) AS filler FROM generate_series(1, {target // 2000}) t(value)")
    assert rows == target // 2000
    assert size > target
    peak = server.memory()
    print(f"\n{size / 1e9:.1f} GB, peak {peak / 2**20:.0f} MiB")
    assert peak < LIMIT


def test_large_result_of_tables(server, full):
    """The same from Parquet: whole headers in a cross join."""
    limit = 10**9 * (5 if full else 1)
    with psycopg.connect(**server.dsn, autocommit=True) as connection:
        n, size = connection.execute("SELECT count(*), avg(octet_length(dataset)) FROM imaging.instances").fetchone()
    times = int(limit / (n * float(size))) + 1
    rows, size = drain(server, f"SELECT i.* FROM imaging.instances i CROSS JOIN generate_series(1, {times}) g(n)")
    assert rows == n * times
    peak = server.memory()
    print(f"\n{size / 1e9:.1f} GB, peak {peak / 2**20:.0f} MiB")
    assert peak < LIMIT


def test_slow_reader_holds_no_memory(server):
    """A client that asks for gigabytes and reads nothing costs a few buffers, and its end frees them."""
    clients = []
    for _ in range(8):
        connection = psycopg.connect(**server.dsn, autocommit=True)
        connection.pgconn.send_query_params(
            b"SELECT value, repeat('x', 2000) AS filler FROM generate_series(1, 10000000) t(value)", []
        )
        clients.append(connection)
    time.sleep(5)
    busy = server.memory("VmRSS")
    for connection in clients:
        connection.close()
    assert busy < 2 * LIMIT, f"{busy / 2**20:.0f} MiB"
    # Their statements end with them: the processor is free again.
    time.sleep(2)
    before = cpu(server)
    time.sleep(2)
    assert cpu(server) - before < 1.0, "statements of clients that went away still run"


def cpu(server):
    """Seconds of processor time that the server has used."""
    import os
    import pathlib

    fields = pathlib.Path(f"/proc/{server.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_max_rows_suspends_the_portal(server):
    """Portals with max_rows hand out their rows in pieces and forget none."""

    async def fetch():
        dsn = dict(server.dsn)
        connection = await asyncpg.connect(database=dsn.pop("dbname"), **dsn)
        try:
            async with connection.transaction():
                statement = "SELECT value FROM generate_series(1, 12345) t(value) ORDER BY value"
                return [row[0] async for row in connection.cursor(statement, prefetch=1000)]
        finally:
            await connection.close()

    assert asyncio.run(fetch()) == list(range(1, 12346))


def test_many_sessions_at_once(server):
    failures = []

    def work(i):
        try:
            with psycopg.connect(**server.dsn, autocommit=True) as connection:
                for n in range(5):
                    answer = connection.execute("SELECT count(*), %s::int4 FROM imaging.series", [i * n]).fetchone()
                    assert answer[1] == i * n
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures[:3]
