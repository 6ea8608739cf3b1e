"""The doors: who may come in, how long one may say nothing, how long a message may be."""

import contextlib
import os
import socket
import struct
import time

import psycopg
import pytest
from psycopg import errors
from support import Lake, Server

ROLE = {"user": "visitor", "password": "knock knock"}


@pytest.fixture(scope="module")
def lake(radlake, tmp_path_factory):
    lake = Lake(radlake, tmp_path_factory.mktemp("doors") / "lake")
    lake.init()
    lake.run("sql", "-c", f"CREATE ROLE {ROLE['user']} LOGIN PASSWORD '{ROLE['password']}'")
    lake.run("sql", "-c", "CREATE TABLE public.kept AS SELECT 1 AS n")
    return lake


@pytest.fixture(scope="module")
def server(lake):
    with Server(lake, "--login-timeout", "3") as server:
        yield server


def connect(server, **changes):
    return psycopg.connect(**{**server.dsn, **changes}, autocommit=True)


def knock(server):
    return socket.create_connection(("127.0.0.1", server.port), timeout=20)


def startup(server, user="radlake"):
    """A client that has said who it is, and says no more."""
    stream = knock(server)
    body = b"user\0" + user.encode() + b"\0database\0radlake\0\0"
    stream.sendall(struct.pack("!ii", len(body) + 8, 196608) + body)
    return stream


def read(stream, n):
    data = b""
    while len(data) < n:
        more = stream.recv(n - len(data))
        if not more:
            return None
        data += more
    return data


def message(stream):
    """The server's next message; None at the end of the connection."""
    try:
        head = read(stream, 5)
    except ConnectionResetError:
        return None
    if head is None:
        return None
    return head[:1], read(stream, struct.unpack("!i", head[1:])[0] - 4)


def until(stream, kind):
    """The messages up to one of a kind, or to the end."""
    seen = []
    while (got := message(stream)) is not None:
        seen.append(got)
        if got[0] == kind:
            break
    return seen


def fields(body):
    return {field[:1].decode(): field[1:].decode() for field in body.split(b"\0") if field}


def refusal(stream):
    """Severity, SQLSTATE and text of an error, after which the connection ends."""
    kind, body = message(stream)
    assert kind == b"E", (kind, body)
    assert message(stream) is None
    error = fields(body)
    return error["S"], error["C"], error["M"]


@contextlib.contextmanager
def bare(server, **changes):
    """A session as psycopg opened it, and its bare socket."""
    with contextlib.closing(connect(server, **changes)) as connection:
        stream = socket.socket(fileno=os.dup(connection.fileno()))
        stream.settimeout(30)
        with stream:
            yield stream, connection


def frame(kind, body=b""):
    return kind + struct.pack("!i", len(body) + 4) + body


def query(stream, text):
    """The answer to a query as kinds and bodies, ReadyForQuery last."""
    stream.sendall(frame(b"Q", text.encode() + b"\0"))
    return until(stream, b"Z")


def errors_of(messages):
    return [fields(body)["C"] for kind, body in messages if kind == b"E"]


def eventually(check, patience=10):
    end = time.monotonic() + patience
    while True:
        with contextlib.suppress(psycopg.OperationalError):
            if check():
                return
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


# Who comes in.


def test_clients_that_only_begin_a_login_keep_nobody_out(lake):
    with Server(lake, "--max-connections", "8") as server, contextlib.ExitStack() as waiting:
        for _ in range(100):
            stream = waiting.enter_context(startup(server))
            assert message(stream)[0] == b"R"
        for role in [{}, ROLE]:
            with connect(server, **role) as connection:
                assert connection.execute("SELECT 1").fetchone() == (1,)


def test_the_last_places_are_for_superusers(lake):
    with Server(lake, "--max-connections", "5") as server, contextlib.ExitStack() as inside:
        for _ in range(2):
            first = inside.enter_context(connect(server, **ROLE))
        assert first.execute("SHOW max_connections").fetchone() == ("5",)
        assert first.execute("SHOW superuser_reserved_connections").fetchone() == ("3",)
        settings = "SELECT setting, context FROM pg_settings WHERE name = 'max_connections'"
        assert first.execute(settings).fetchone() == ("5", "postmaster")
        with pytest.raises(errors.CantChangeRuntimeParam):
            first.execute("SET max_connections = 7")
        with pytest.raises(psycopg.OperationalError, match="reserved for non-replication superuser connections"):
            connect(server, **ROLE)
        for _ in range(3):
            inside.enter_context(connect(server))
        for role in [{}, ROLE]:
            with pytest.raises(psycopg.OperationalError, match="sorry, too many clients already"):
                connect(server, **role)
        first.close()
        with pytest.raises(psycopg.OperationalError, match="reserved"):
            eventually(lambda: connect(server).close() is None)
            connect(server, **ROLE)


@pytest.mark.parametrize("arguments, reserved", [((), "0"), (("--superuser-reserved-connections", "1"), None)])
def test_a_single_place_is_for_everybody(lake, arguments, reserved):
    if reserved is None:
        done = lake.run("serve", "--listen", "127.0.0.1:0", "--max-connections", "1", *arguments, check=False)
        assert done.returncode != 0 and "--superuser-reserved-connections" in done.stderr
        return
    with Server(lake, "--max-connections", "1") as server, connect(server, **ROLE) as connection:
        assert connection.execute("SHOW superuser_reserved_connections").fetchone() == (reserved,)


def test_an_address_has_a_quarter_of_the_places_to_log_in(lake):
    with Server(lake, "--max-logins", "8") as server, contextlib.ExitStack() as waiting:
        # The place of the one that asked whether the server is up must be free again.
        time.sleep(0.5)
        silent, begun = waiting.enter_context(knock(server)), waiting.enter_context(startup(server))
        assert message(begun)[0] == b"R"
        with knock(server) as third:
            assert refusal(third) == ("FATAL", "53300", "sorry, too many clients already")
        # A client that has begun to talk can read it too.
        with startup(server) as third:
            assert refusal(third)[1] == "53300"
        # Those that take their time make room, the oldest first.
        time.sleep(2.1)
        with connect(server, **ROLE) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        assert message(silent) is None
        with connect(server), knock(server), knock(server):
            assert refusal(begun)[:2] == ("FATAL", "53300")


def test_who_says_nothing_is_not_waited_for(lake):
    with Server(lake, "--startup-timeout", "1", "--login-timeout", "2") as server:
        begin = time.monotonic()
        with knock(server) as silent, knock(server) as halting, startup(server) as begun:
            halting.sendall(b"\0\0\0\x40\0\x03")
            assert message(begun)[0] == b"R"
            assert message(silent) is None and message(halting) is None
            assert 0.5 < time.monotonic() - begin < 1.9
            assert refusal(begun) == ("FATAL", "57014", "canceling authentication due to timeout")
            assert time.monotonic() - begin < 5


# How long one may say nothing.


IN_TRANSACTION = "idle_in_transaction_session_timeout"


@pytest.mark.parametrize("prepare, setting, fail, code", [
    ((), "idle_session_timeout", False, "57P05"),
    (("BEGIN", "INSERT INTO kept VALUES (2)"), IN_TRANSACTION, False, "25P03"),
    (("BEGIN ISOLATION LEVEL REPEATABLE READ", "SELECT * FROM kept"), IN_TRANSACTION, False, "25P03"),
    (("BEGIN", "INSERT INTO kept VALUES (3)"), IN_TRANSACTION, True, "25P03"),
], ids=["idle", "written", "read", "failed"])
def test_idle_sessions_end(server, prepare, setting, fail, code):
    with bare(server) as (stream, connection):
        pid = connection.info.backend_pid
        for statement in prepare:
            assert not errors_of(query(stream, statement))
        assert not errors_of(query(stream, f"SET {setting} = '300ms'"))
        if fail:
            assert errors_of(query(stream, "SELECT 1/0")) == ["22012"]
        begin = time.monotonic()
        severity, told, text = refusal(stream)
        assert (severity, told) == ("FATAL", code)
        assert text == {
            "57P05": "terminating connection due to idle-session timeout",
            "25P03": "terminating connection due to idle-in-transaction timeout",
        }[code]
        assert 0.2 < time.monotonic() - begin < 5
    with connect(server) as other:
        activity = f"SELECT count(*) FROM pg_stat_activity WHERE pid = {pid}"
        other.prepare_threshold = None
        eventually(lambda: other.execute(activity).fetchone() == (0,))
        assert other.execute("UPDATE kept SET n = 1 RETURNING n").fetchall() == [(1,)]


def test_the_other_timeout_does_not_count(server):
    with bare(server) as (stream, _):
        query(stream, "SET idle_in_transaction_session_timeout = '200ms'")
        time.sleep(0.5)
        query(stream, "SET idle_session_timeout = '200ms'; SET idle_in_transaction_session_timeout = 0; BEGIN")
        time.sleep(0.5)
        # A statement that runs is not idle.
        assert not errors_of(query(stream, f"SET {IN_TRANSACTION} = '200ms'; SELECT count(*) FROM generate_series(1, 3000000)"))
        assert not errors_of(query(stream, "COMMIT; SET idle_session_timeout = 0"))


def test_timeouts_of_the_startup_packet_count(server):
    with bare(server, options="-c idle_session_timeout=300ms") as (stream, _):
        assert refusal(stream)[1] == "57P05"


# How long a message may be.


def test_messages_before_the_login_are_small(server):
    with knock(server) as stream:
        stream.sendall(struct.pack("!ii", 10_001, 196608) + b"user\0")
        assert message(stream) is None
    with startup(server) as stream:
        assert message(stream)[0] == b"R"
        stream.sendall(b"p" + struct.pack("!i", 100_000))
        assert refusal(stream)[:2] == ("FATAL", "08P01")


def pour(stream, kind, length):
    """A message of so many bytes."""
    stream.sendall(kind + struct.pack("!i", length))
    left, piece = length - 4, b"x" * (1 << 20)
    while left:
        left -= stream.send(piece[:left])


def test_texts_end_where_the_parser_does(server):
    with bare(server) as (stream, _):
        before = server.memory("VmRSS")
        for kind in [b"Q", b"F"]:
            pour(stream, kind, 200 << 20)
            assert errors_of(until(stream, b"Z")) == ["54000"]
        pour(stream, b"P", 200 << 20)
        stream.sendall(frame(b"S"))
        assert errors_of(until(stream, b"Z")) == ["54000"]
        assert server.memory("VmRSS") - before < 60 << 20
        # The session goes on.
        assert [kind for kind, _ in query(stream, "SELECT 1")] == [b"T", b"D", b"C", b"Z"]
        text = "SELECT 1 --" + "x" * ((16 << 20) - 11)
        assert not errors_of(query(stream, text))
        # What no PostgreSQL takes ends it.
        stream.sendall(b"Q" + struct.pack("!i", 0x7FFFFFFF))
        assert refusal(stream)[:2] == ("FATAL", "08P01")


def test_a_piece_of_copy_ends_where_it_did(server):
    with bare(server) as (stream, _):
        stream.sendall(frame(b"Q", b"COPY kept FROM STDIN\0"))
        assert until(stream, b"G")[-1][0] == b"G"
        pour(stream, b"d", (256 << 20) + 1)
        assert errors_of(until(stream, b"Z")) == ["54000"]
        assert not errors_of(query(stream, "SELECT 1"))


def parse(name, text=b""):
    return frame(b"P", name + b"\0" + text + b"\0\0\0")


def test_a_session_keeps_so_many_statements(server):
    with bare(server) as (stream, connection):
        stream.sendall(b"".join(parse(b"s%d" % i) for i in range(10_000)) + frame(b"S"))
        assert not errors_of(until(stream, b"Z"))
        stream.sendall(parse(b"more") + frame(b"S"))
        [error] = [fields(body) for kind, body in until(stream, b"Z") if kind == b"E"]
        assert error["C"] == "54000" and "DEALLOCATE" in error["H"]
        # The one without a name has its place; one that is closed gives its own.
        stream.sendall(parse(b"") + frame(b"C", b"Ss1\0") + parse(b"more") + frame(b"S"))
        assert not errors_of(until(stream, b"Z"))
        assert not errors_of(query(stream, "DEALLOCATE ALL"))
        long = b"SELECT 1 --" + b"x" * (12 << 20)
        stream.sendall(parse(b"a", long) + parse(b"b", long) + parse(b"c", long) + frame(b"S"))
        assert errors_of(until(stream, b"Z")) == ["54000"]
        stream.sendall(frame(b"C", b"Sa\0") + parse(b"c", long) + frame(b"S"))
        assert not errors_of(until(stream, b"Z"))


def test_prepare_is_bounded_too(server):
    with connect(server) as connection:
        long = "SELECT 1 --" + "x" * (12 << 20)
        cursor = psycopg.ClientCursor(connection)
        for name in ["a", "b"]:
            cursor.execute(f"PREPARE {name} AS {long}")
        with pytest.raises(errors.ProgramLimitExceeded, match="DEALLOCATE"):
            cursor.execute(f"PREPARE c AS {long}")
        cursor.execute("DEALLOCATE a")
        cursor.execute(f"PREPARE c AS {long}")


def test_a_session_keeps_so_many_portals(server):
    def bind(name):
        return frame(b"B", name + b"\0\0\0\0\0\0\0\0")

    with bare(server) as (stream, _):
        query(stream, "BEGIN")
        stream.sendall(parse(b"", b"SELECT 1") + b"".join(bind(b"p%d" % i) for i in range(1_000)) + bind(b"") + frame(b"S"))
        assert not errors_of(until(stream, b"Z"))
        stream.sendall(bind(b"more") + frame(b"S"))
        assert errors_of(until(stream, b"Z")) == ["54000"]
        # The transaction has failed, and its portals are gone.
        query(stream, "ROLLBACK")
        stream.sendall(parse(b"", b"SELECT 1") + bind(b"more") + frame(b"S"))
        assert not errors_of(until(stream, b"Z"))


# What is left of a COPY, and clients that do not read.


@pytest.mark.parametrize("stray", [
    frame(b"f", b"why"), frame(b"f", b"\xff\0"), frame(b"f", b"why\0"), frame(b"c"), frame(b"c", b"x"), frame(b"d", b"1\n"),
], ids=lambda stray: stray.hex())
def test_what_belongs_to_a_copy_is_not_answered_outside(server, stray):
    with bare(server) as (stream, _):
        stream.sendall(stray)
        assert [kind for kind, _ in query(stream, "SELECT 1")] == [b"T", b"D", b"C", b"Z"]
        # In the middle of a pipeline too.
        stream.sendall(parse(b"") + stray + frame(b"S"))
        assert [kind for kind, _ in until(stream, b"Z")] == [b"1", b"Z"]


@pytest.mark.parametrize("statement", [
    "SELECT repeat('x', 1000) FROM generate_series(1, 10000000)",
    "COPY (SELECT repeat('x', 1000) FROM generate_series(1, 10000000)) TO STDOUT",
])
@pytest.mark.parametrize("how", ["cancel", "timeout"])
def test_a_client_that_does_not_read_can_be_ended(server, statement, how):
    with bare(server) as (stream, connection), connect(server) as other:
        pid = connection.info.backend_pid
        activity = f"SELECT count(*) FROM pg_stat_activity WHERE pid = {pid}"
        # A prepared statement would show the sessions that were there when it was planned.
        other.prepare_threshold = None
        if how == "timeout":
            query(stream, "SET statement_timeout = '1s'")
        stream.sendall(frame(b"Q", statement.encode() + b"\0"))
        time.sleep(1)
        assert other.execute(activity).fetchone() == (1,)
        if how == "cancel":
            connection.pgconn.get_cancel().cancel()
        # What is left in its buffers is offered for --login-timeout.
        eventually(lambda: other.execute(activity).fetchone() == (0,), patience=15)


def test_a_slow_reader_that_cancels_goes_on(server):
    with bare(server) as (stream, connection):
        stream.sendall(frame(b"Q", b"SELECT repeat('x', 1000) FROM generate_series(1, 10000000)\0"))
        time.sleep(0.5)
        connection.pgconn.get_cancel().cancel()
        time.sleep(1)
        seen = until(stream, b"Z")
        assert errors_of(seen) == ["57014"] and seen[-1] == (b"Z", b"I")
        assert not errors_of(query(stream, "SELECT 1"))
