"""Rows in and out: COPY of a CSV file, an UPDATE of one row in a hundred, lookups by key, and whole tables over the wire.

    transfer.py --radlake BINARY [--postgres BINDIR] [--rows N] [--wide N] [--runs N]

Radlake and PostgreSQL listen on 127.0.0.1 with their own settings and are measured in turns, in one run; DuckDB loads the same CSV into a
file of its own, with as many threads as there are cores, and `deltalake` updates a Delta table of the same rows. Of what a server sends
the bytes are counted and dropped, so that no client's decoding is in the figures. Prints a JSON object per line: what, peer, seconds (best
run), and how many times PostgreSQL's (or the named peer's) speed Radlake's is.
"""

import argparse
import json
import os
import pathlib
import random
import shutil
import socket
import struct
import tempfile
import time

import numpy
import psycopg
import pyarrow
import pyarrow.compute
import pyarrow.csv

import commits

LONG = "id bigint, uid text, age int, value double precision, day date, label text"
WIDE = (
    "id bigint, a int, b smallint, c bigint, d double precision, e real, f boolean, g date, h timestamp, i text, j text, k numeric(12,2)"
)
BATCH = 500_000


def uids(ids):
    """Unique identifiers of DICOM's form, in no order."""
    mixed = (ids.astype(numpy.uint64) * numpy.uint64(0x9E3779B97F4A7C15)) >> numpy.uint64(4)
    return pyarrow.compute.binary_join_element_wise("1.2.826.0.1.3680043", pyarrow.array(mixed).cast("string"), ".")


def long_rows(start, count):
    ids = numpy.arange(start, start + count)
    random_numbers = numpy.random.default_rng(start)
    return pyarrow.table(
        {
            "id": ids,
            "uid": uids(ids),
            "age": random_numbers.integers(0, 100, count, dtype=numpy.int32),
            "value": random_numbers.normal(size=count),
            "day": pyarrow.array(random_numbers.integers(10_000, 20_000, count, dtype=numpy.int32), pyarrow.date32()),
            "label": pyarrow.array(random_numbers.integers(0, 50, count)).cast("string"),
        }
    )


def wide_rows(start, count):
    ids = numpy.arange(start, start + count)
    numbers = numpy.random.default_rng(start)
    cents = pyarrow.array(numbers.integers(0, 10**9, count) / 100)
    return pyarrow.table(
        {
            "id": ids,
            "a": numbers.integers(0, 10**6, count, dtype=numpy.int32),
            "b": numbers.integers(0, 10**4, count, dtype=numpy.int16),
            "c": numbers.integers(0, 10**15, count),
            "d": numbers.normal(size=count),
            "e": numbers.normal(size=count).astype(numpy.float32),
            "f": numbers.integers(0, 2, count).astype(bool),
            "g": pyarrow.array(numbers.integers(10_000, 20_000, count, dtype=numpy.int32), pyarrow.date32()),
            "h": pyarrow.array(numbers.integers(10**15, 2 * 10**15, count), pyarrow.timestamp("us")),
            "i": pyarrow.array(numbers.integers(0, 1000, count)).cast("string"),
            "j": uids(ids),
            "k": pyarrow.compute.round(cents, 2),
        }
    )


def write_csv(path, rows, make):
    with pyarrow.csv.CSVWriter(path, make(0, 1).schema) as writer:
        for start in range(0, rows, BATCH):
            writer.write_table(make(start, min(BATCH, rows - start)))


def say(what, peer, seconds, **more):
    print(json.dumps({"what": what, "peer": peer, "seconds": round(seconds, 4), **more}), flush=True)


def timed(work):
    start = time.monotonic()
    work()
    return time.monotonic() - start


def copy_in(dsn, table, path):
    with psycopg.connect(**dsn) as connection, connection.cursor() as cursor:
        with cursor.copy(f"COPY {table} FROM STDIN (FORMAT csv, HEADER)") as copy, open(path, "rb") as file:
            while block := file.read(1 << 20):
                copy.write(block)


def message(kind, body):
    return kind + struct.pack("!I", len(body) + 4) + body


def received(dsn, *messages):
    """Sends messages over a connection that is logged in and reads until the server is ready; returns seconds and bytes."""
    with psycopg.connect(**dsn, autocommit=True, sslmode="disable") as connection:
        with socket.socket(fileno=os.dup(connection.pgconn.socket)) as stream:
            stream.setblocking(True)
            stream.settimeout(600)
            buffer, total, last = bytearray(1 << 20), 0, b""
            start = time.monotonic()
            stream.sendall(b"".join(messages))
            while not last.endswith(b"Z\x00\x00\x00\x05I"):
                count = stream.recv_into(buffer)
                if not count:
                    raise SystemExit("the server hung up")
                total += count
                last = (last + bytes(buffer[max(0, count - 6) : count]))[-6:]
            seconds = time.monotonic() - start
    if total < 10_000:
        raise SystemExit(f"only {total} bytes: an error? {bytes(buffer[:300])!r}")
    return seconds, total


def query(sql):
    return (message(b"Q", sql.encode() + b"\0"),)


def in_binary(sql):
    parse = message(b"P", b"\0" + sql.encode() + b"\0" + struct.pack("!H", 0))
    bind = message(b"B", b"\0\0" + struct.pack("!HHHH", 0, 0, 1, 1))
    return parse, bind, message(b"E", b"\0" + struct.pack("!I", 0)), message(b"S", b"")


def lookups(dsn, rows, count=300):
    """Milliseconds of the median of prepared lookups by UID."""
    wanted = uids(numpy.array(random.Random(1).sample(range(rows), count))).to_pylist()
    times = []
    with psycopg.connect(**dsn, autocommit=True) as connection:
        for uid in wanted:
            start = time.monotonic()
            found = connection.execute("SELECT * FROM long WHERE uid = %s", (uid,), prepare=True).fetchall()
            times.append(time.monotonic() - start)
            assert len(found) == 1, found
    return sorted(times[count // 5 :])[len(times[count // 5 :]) // 2]


def duckdb_load(folder, path):
    import duckdb

    with duckdb.connect(str(folder / "duck.db")) as connection:
        connection.execute(f"CREATE TABLE long ({LONG})")
        connection.execute(f"COPY long FROM '{path}' (FORMAT csv, HEADER)")


def delta_update(folder, rows):
    import deltalake

    where = str(folder / "delta")
    for start in range(0, rows, BATCH):
        deltalake.write_deltalake(where, long_rows(start, min(BATCH, rows - start)), mode="append")
    table = deltalake.DeltaTable(where)
    return timed(lambda: table.update(updates={"value": "value + 1"}, predicate="id % 100 = 7"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--radlake", required=True)
    parser.add_argument("--postgres", default=commits.glob.glob("/usr/lib/postgresql/*/bin")[-1:])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--wide", type=int, default=5_000_000)
    parser.add_argument("--runs", type=int, default=2)
    options = parser.parse_args()
    binaries = options.postgres if isinstance(options.postgres, str) else options.postgres[0]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        folder.chmod(0o755)
        servers = {"Radlake": commits.Radlake(folder, options.radlake), "PostgreSQL": commits.Postgres(folder, binaries)}
        try:
            measure(folder, servers, options)
        finally:
            for server in servers.values():
                server.process.terminate()
                server.process.wait()


def measure(folder, servers, options):
    def best(what, work):
        found = {}
        for _ in range(options.runs):
            for name, server in servers.items():
                seconds = work(server.dsn)
                found[name] = min(seconds, found.get(name, seconds))
        for name, seconds in found.items():
            say(what, name, seconds)
        say(what, "ratio", 0, speed_of_postgresql=round(found["PostgreSQL"] / found["Radlake"], 2))
        return found

    def run(dsn, *statements):
        with psycopg.connect(**dsn, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    path = folder / "long.csv"
    write_csv(path, options.rows, long_rows)

    def load(dsn):
        run(dsn, "DROP TABLE IF EXISTS long", f"CREATE TABLE long ({LONG})")
        return timed(lambda: copy_in(dsn, "long", path))

    loaded = best("COPY FROM csv", load)
    duck = timed(lambda: duckdb_load(folder, path))
    say("COPY FROM csv", "DuckDB", duck, radlake_speed_of_duckdb=round(duck / loaded["Radlake"], 2))
    (folder / "duck.db").unlink()

    changed = best("UPDATE 1 %", lambda dsn: timed(lambda: run(dsn, "UPDATE long SET value = value + 1 WHERE id % 100 = 7")))
    delta = delta_update(folder, options.rows)
    say("UPDATE 1 %", "deltalake", delta, radlake_speed_of_deltalake=round(delta / changed["Radlake"], 2))
    shutil.rmtree(folder / "delta")

    keyed = LONG.replace("uid text", "uid text PRIMARY KEY")
    for name, server in servers.items():
        run(server.dsn, "DROP TABLE long", f"CREATE TABLE long ({keyed})")
        say("COPY FROM csv, with a key", name, timed(lambda: copy_in(server.dsn, "long", path)))
    path.unlink()
    best("prepared lookup by UID", lambda dsn: lookups(dsn, options.rows))
    for server in servers.values():
        run(server.dsn, "DROP TABLE long")

    path = folder / "wide.csv"
    write_csv(path, options.wide, wide_rows)
    for server in servers.values():
        run(server.dsn, f"CREATE TABLE wide ({WIDE})")
        copy_in(server.dsn, "wide", path)
    run(servers["PostgreSQL"].dsn, "VACUUM ANALYZE wide")
    path.unlink()
    for what, messages in {
        "COPY TO text": query("COPY wide TO STDOUT"),
        "COPY TO binary": query("COPY wide TO STDOUT (FORMAT binary)"),
        "SELECT binary": in_binary("SELECT * FROM wide"),
        "SELECT text": query("SELECT * FROM wide"),
    }.items():
        best(what, lambda dsn: received(dsn, *messages)[0])


if __name__ == "__main__":
    main()
