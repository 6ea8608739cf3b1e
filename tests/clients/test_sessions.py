"""What sessions do to one another: messages to channels, advisory locks, cancelling and terminating. On PostgreSQL too."""

import asyncio
import threading
import time

import asyncpg
import psycopg
import pytest
from support import PASSWORD, Lake, Server


@pytest.fixture(scope="module")
def own(radlake, tmp_path_factory):
    lake = Lake(radlake, tmp_path_factory.mktemp("sessions") / "lake")
    lake.init()
    with Server(lake) as server:
        yield server.dsn


@pytest.fixture(params=["radlake", "postgres"])
def dsn(request, own):
    if request.param == "radlake":
        return own
    return request.getfixturevalue("postgres").dsn


@pytest.fixture
def role(dsn):
    """A role that is no superuser, and how it connects."""
    with connect(dsn) as admin:
        admin.execute("DROP ROLE IF EXISTS clerk")
        admin.execute(f"CREATE ROLE clerk LOGIN PASSWORD '{PASSWORD}'")
    return {**dsn, "user": "clerk", "password": PASSWORD}


def connect(dsn, **more):
    return psycopg.connect(**{**dsn, **more}, autocommit=True)


def heard(connection, timeout=0.5):
    return [(n.channel, n.payload) for n in connection.notifies(timeout=timeout)]


def waited(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.05)


def test_who_listens_hears_what_is_committed(dsn):
    with connect(dsn) as one, connect(dsn) as other:
        one.execute("LISTEN images")
        one.execute('LISTEN "Other"')
        channels = one.execute("SELECT pg_listening_channels() ORDER BY 1").fetchall()
        assert channels == [("Other",), ("images",)]
        other.execute("NOTIFY images, 'new'")
        assert heard(one) == [("images", "new")]
        other.execute("SELECT pg_notify('Other', '')")
        assert heard(one) == [("Other", "")]
        other.execute("BEGIN")
        other.execute("NOTIFY images, 'a'")
        other.execute("SAVEPOINT s")
        other.execute("NOTIFY images, 'undone'")
        other.execute("ROLLBACK TO s")
        other.execute("NOTIFY images, 'b'")
        other.execute("NOTIFY images, 'a'")
        assert heard(one, 0.2) == []
        other.execute("COMMIT")
        assert heard(one) == [("images", "a"), ("images", "b")]
        other.execute("BEGIN")
        other.execute("NOTIFY images, 'lost'")
        other.execute("ROLLBACK")
        with pytest.raises(psycopg.Error):
            other.execute("SELECT pg_notify('images', 'x'), 1 / (random() * 0)::int")
        one.execute("UNLISTEN images")
        other.execute("NOTIFY images, 'nobody'")
        assert heard(one, 0.2) == []
        one.execute("BEGIN")
        one.execute("LISTEN images")
        one.execute("ROLLBACK")
        other.execute("NOTIFY images, 'nobody'")
        assert heard(one, 0.2) == []
        one.execute("NOTIFY \"Other\", 'to myself'")
        assert heard(one) == [("Other", "to myself")]
        one.execute("DISCARD ALL")
        other.execute("NOTIFY \"Other\", 'nobody'")
        assert heard(one, 0.2) == []


def test_within_a_transaction_nothing_is_heard(dsn):
    with connect(dsn) as one, connect(dsn) as other:
        one.execute("LISTEN c")
        one.execute("BEGIN")
        other.execute("NOTIFY c, 'later'")
        one.execute("SELECT 1")
        assert heard(one, 0.2) == []
        one.execute("COMMIT")
        assert heard(one) == [("c", "later")]


@pytest.mark.parametrize(
    "statement",
    ["SELECT pg_notify('', 'x')", f"SELECT pg_notify('{'c' * 64}', 'x')", f"SELECT pg_notify('c', '{'x' * 8000}')"],
)
def test_what_cannot_be_sent(dsn, statement):
    with connect(dsn) as one, pytest.raises(psycopg.errors.InvalidParameterValue):
        one.execute(statement)


def test_asyncpg_listens(dsn):
    async def listen():
        arguments = {
            "host": dsn["host"],
            "port": dsn["port"],
            "user": dsn["user"],
            "password": dsn.get("password"),
            "database": dsn["dbname"],
        }
        one, other = await asyncpg.connect(**arguments), await asyncpg.connect(**arguments)
        got = asyncio.Queue()
        await one.add_listener("cases", lambda _, pid, channel, payload: got.put_nowait((pid, channel, payload)))
        pid = await other.fetchval("SELECT pg_backend_pid()")
        await other.execute("SELECT pg_notify($1, $2)", "cases", "x")
        said = await asyncio.wait_for(got.get(), 10)
        await one.close()
        await other.close()
        return said == (pid, "cases", "x")

    assert asyncio.run(listen())


def test_advisory_locks(dsn):
    def one_of(connection, text):
        return connection.execute(text).fetchone()[0]

    with connect(dsn) as one, connect(dsn) as other:
        assert one_of(one, "SELECT pg_try_advisory_lock(7)")
        assert not one_of(other, "SELECT pg_try_advisory_lock(7)")
        assert not one_of(other, "SELECT pg_try_advisory_lock_shared(7)")
        assert one_of(other, "SELECT pg_try_advisory_lock(0, 7)")
        shown = one.execute(
            "SELECT classid::bigint, objid::bigint, objsubid, mode, granted FROM pg_locks"
            " WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
        ).fetchall()
        assert shown == [(0, 7, 1, "ExclusiveLock", True)]
        assert one_of(one, "SELECT pg_advisory_unlock(7)")
        assert not one_of(one, "SELECT pg_advisory_unlock(7)")
        one.execute("BEGIN")
        one.execute("SELECT pg_advisory_xact_lock(-5)")
        assert not one_of(other, "SELECT pg_try_advisory_lock(-5)")
        one.execute("COMMIT")
        assert one_of(other, "SELECT pg_try_advisory_lock(-5)")
        other.execute("SELECT pg_advisory_unlock_all()")
        # A statement is a transaction of its own.
        one.execute("SELECT pg_advisory_xact_lock(6)")
        assert one_of(other, "SELECT pg_try_advisory_lock(6)")
        other.close()
        waited(lambda: one_of(one, "SELECT pg_try_advisory_lock(6)"))


def test_a_lock_is_waited_for(dsn):
    with connect(dsn) as one, connect(dsn) as other, connect(dsn) as third:
        one.execute("SELECT pg_advisory_lock(1)")
        pids = [c.execute("SELECT pg_backend_pid()").fetchone()[0] for c in (one, other)]
        thread = threading.Thread(target=other.execute, args=("SELECT pg_advisory_lock(1)",))
        thread.start()
        waited(lambda: third.execute("SELECT pg_blocking_pids(%s)", (pids[1],)).fetchone()[0] == [pids[0]])
        assert thread.is_alive()
        one.execute("SELECT pg_advisory_unlock(1)")
        thread.join(20)
        assert not thread.is_alive()


def test_a_circle_of_locks_is_told(dsn):
    with connect(dsn) as one, connect(dsn) as other:
        one.execute("SELECT pg_advisory_lock(1)")
        other.execute("SELECT pg_advisory_lock(2)")
        failed = []

        def lock(connection, key):
            try:
                connection.execute("SELECT pg_advisory_lock(%s)", (key,))
            except psycopg.errors.DeadlockDetected:
                failed.append(key)
                connection.execute("SELECT pg_advisory_unlock_all()")

        threads = [threading.Thread(target=lock, args=pair) for pair in ((one, 2), (other, 1))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert len(failed) == 1


def test_waiting_for_a_lock_ends_with_the_time_and_by_cancel(dsn):
    with connect(dsn) as one, connect(dsn) as other:
        one.execute("SELECT pg_advisory_lock(1)")
        other.execute("SET statement_timeout = 200")
        with pytest.raises(psycopg.errors.QueryCanceled):
            other.execute("SELECT pg_advisory_lock(1)")
        other.execute("SET statement_timeout = 0")
        pid = other.execute("SELECT pg_backend_pid()").fetchone()[0]
        ended = []

        def wait():
            with pytest.raises(psycopg.errors.QueryCanceled):
                other.execute("SELECT pg_advisory_lock(1)")
            ended.append(True)

        thread = threading.Thread(target=wait)
        thread.start()
        waited(lambda: one.execute("SELECT cardinality(pg_blocking_pids(%s))", (pid,)).fetchone()[0] == 1)
        assert one.execute("SELECT pg_cancel_backend(%s)", (pid,)).fetchone() == (True,)
        thread.join(20)
        assert ended
        assert other.execute("SELECT 1").fetchone() == (1,)


def test_terminate_ends_a_session_and_its_statement(dsn):
    with connect(dsn) as one:
        for statement in (None, "SELECT pg_sleep(60)"):
            other = connect(dsn)
            pid = other.execute("SELECT pg_backend_pid()").fetchone()[0]
            caught = []

            def run(other=other, statement=statement, caught=caught):
                try:
                    other.execute(statement)
                except psycopg.Error as error:
                    caught.append(error.sqlstate)

            thread = threading.Thread(target=run if statement else lambda: None)
            thread.start()
            time.sleep(0.3)
            assert one.execute("SELECT pg_terminate_backend(%s)", (pid,)).fetchone() == (True,)
            thread.join(20)
            assert caught == (["57P01"] if statement else [])
            waited(
                lambda pid=pid: one.execute("SELECT count(*) FROM pg_stat_activity WHERE pid = %s", (pid,)).fetchone()
                == (0,)
            )
            with pytest.raises(psycopg.OperationalError):
                other.execute("SELECT 1")
        assert one.execute("SELECT pg_terminate_backend(2147483647)").fetchone() == (False,)


def test_who_may_end_what(dsn, role):
    with connect(dsn) as admin, connect(role) as clerk, connect(role) as same:
        pid = admin.execute("SELECT pg_backend_pid()").fetchone()[0]
        for function in ("pg_cancel_backend", "pg_terminate_backend"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="superuser"):
                clerk.execute(f"SELECT {function}(%s)", (pid,))
        assert admin.execute("SELECT 1").fetchone() == (1,)
        admin.execute("DROP ROLE IF EXISTS visitor")
        admin.execute(f"CREATE ROLE visitor LOGIN PASSWORD '{PASSWORD}'")
        with connect(role, user="visitor") as visitor:
            pid = clerk.execute("SELECT pg_backend_pid()").fetchone()[0]
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="member of the role"):
                visitor.execute("SELECT pg_terminate_backend(%s)", (pid,))
        assert same.execute("SELECT pg_terminate_backend(%s)", (pid,)).fetchone() == (True,)
        with pytest.raises(psycopg.OperationalError):
            waited(lambda: clerk.execute("SELECT 1") is None)
