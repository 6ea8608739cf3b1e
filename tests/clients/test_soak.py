"""A server under mixed load for a long time, while clients cancel, run out of time, are terminated and break off at any moment.

At the end it must be the server it was: no statement, no session, no thread, no open file and no memory more than at the
beginning, and the tables hold what was acknowledged. RADLAKE_SOAK_SECONDS says how long; RADLAKE_SEED plays the same choices.
"""

import collections
import os
import pathlib
import random
import socket
import struct
import threading
import time

import psycopg
import pytest
from psycopg import errors
from support import Lake, Server, reset

FULL = os.environ.get("RADLAKE_TEST_FULL") == "1"
SECONDS = int(os.environ.get("RADLAKE_SOAK_SECONDS", 1800 if FULL else 30))
SEED = int(os.environ.get("RADLAKE_SEED", time.time_ns() % 1_000_000))
REPORT_EVERY = 300
ACCOUNTS, EACH = 20, 1000
# Above the beginning, which is measured after the same load without faults, and once pools of threads had time to shrink.
MORE_THREADS, MORE_FILES, MORE_MEMORY = 4, 8, 384 * 2**20
# Nothing of the transaction is there; and: it may be there.
UNDONE = (errors.QueryCanceled, errors.SerializationFailure, errors.DeadlockDetected)
IN_DOUBT = {"40003", "08007", "57P01", "25P03"}


class Worker(threading.Thread):
    """A client that goes on whatever is done to it, and fails if the server says or holds what it may not."""

    pause = 0.05

    def __init__(self, soak, number):
        super().__init__(name=f"{type(self).__name__} {number}", daemon=True)
        self.soak, self.number, self.failure = soak, number, None
        self.random = random.Random(SEED * 1009 + number)
        self.link = threading.Lock()
        self.connection = self.undisturbed = None
        self.phase = "idle"

    def run(self):
        try:
            self.undisturbed = self.soak.connect()
            while not self.soak.over.is_set():
                self.turn()
                self.phase = "idle"
                time.sleep(self.random.random() * self.pause)
        except BaseException as failure:
            self.failure = failure
            self.soak.over.set()
        finally:
            for connection in (self.connection, self.undisturbed):
                if connection:
                    connection.close()

    def turn(self):
        pid = None
        try:
            if self.connection is None:
                self.phase = "login"
                connection = self.soak.connect()
                with self.link:
                    self.connection = connection
            pid = self.connection.info.backend_pid
            self.connection.autocommit = True
            if self.random.random() < 0.2:
                limit = self.random.choice([0, 0, 0, 5, 50, 500])
                self.connection.execute(f"SET statement_timeout = {limit}")
            self.soak.count[self.name.split()[0]] += 1
            self.work(self.connection)
            self.done()
        except UNDONE as error:
            self.soak.count[error.sqlstate] += 1
            self.roll_back(pid)
            self.undone()
        except psycopg.Error as error:
            # What psycopg says by itself has no code.
            broken = self.connection is None or self.connection.closed or error.sqlstate is None
            if not broken and error.sqlstate not in IN_DOUBT:
                raise
            self.soak.count[error.sqlstate or "broken"] += 1
            self.leave(pid)
            self.in_doubt()

    def roll_back(self, pid):
        try:
            self.connection.rollback()
        except psycopg.Error:
            self.leave(pid)

    def leave(self, pid):
        """Closes the connection, and waits until the server has no session of it."""
        with self.link:
            if self.connection:
                self.connection.close()
            self.connection = None
        end = time.monotonic() + 60
        while pid and self.ask("SELECT count(*) FROM pg_stat_activity WHERE pid = %s", pid) != [(0,)]:
            assert time.monotonic() < end, f"a session that ended is there after a minute; it was: {self.phase}"
            time.sleep(0.1)

    def ask(self, text, *values):
        return self.undisturbed.execute(text, values).fetchall()

    def work(self, connection):
        raise NotImplementedError

    def done(self):
        pass

    def undone(self):
        pass

    def in_doubt(self):
        pass


class Reader(Worker):
    """Looks up, joins, adds up, copies out; at times without end."""

    def work(self, connection):
        kind = self.random.choice(["point", "point", "join", "aggregate", "rows", "stream", "out", "transaction", "endless"])
        self.phase = kind
        if kind == "point":
            uid, patient = self.random.choice(self.soak.uids)
            text = "SELECT patient_id FROM imaging.instances WHERE sop_instance_uid = %s"
            assert connection.execute(text, (uid,)).fetchall() == [(patient,)]
        elif kind == "join":
            text = "SELECT count(*) FROM imaging.instances i JOIN imaging.series s USING (series_instance_uid)"
            assert connection.execute(text).fetchone()[0] == self.soak.instances
        elif kind == "aggregate":
            text = "SELECT modality, count(*) FROM imaging.instances GROUP BY 1 ORDER BY 2 DESC"
            assert sum(n for _, n in connection.execute(text)) == self.soak.instances
        elif kind == "rows":
            text = "SELECT sop_instance_uid, series_instance_uid, patient_id FROM imaging.instances"
            assert len(connection.execute(text).fetchall()) == self.soak.instances
        elif kind == "stream":
            rows = connection.cursor().stream("SELECT sop_instance_uid FROM imaging.instances WHERE rows > %s", (0,))
            assert sum(1 for _ in rows) <= self.soak.instances
        elif kind == "out":
            form = self.random.choice(["text", "csv", "binary"])
            with connection.cursor().copy(f"COPY imaging.instances (sop_instance_uid, rows) TO STDOUT (FORMAT {form})") as copy:
                size = 0
                for part in copy:
                    size += len(part)
            assert self.soak.sizes.setdefault(form, size) == size
        elif kind == "transaction":
            with connection.transaction():
                self.sums(connection)
        else:
            connection.execute(f"SET statement_timeout = {self.random.choice([300, 1000])}")
            endless = "SELECT count(*) FROM generate_series(1, 10000000) a(i), generate_series(1, 10000000) b(i) WHERE (a.i + b.i) % 3 = 5"
            text = self.random.choice([endless, f"INSERT INTO soak.accounts {endless.replace('count(*)', 'a.i, b.i')}"])
            connection.execute(text)
            raise AssertionError("it has an end")

    def sums(self, connection):
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        for _ in range(2):
            total = connection.execute("SELECT sum(amount) FROM soak.accounts").fetchone()[0]
            assert total == ACCOUNTS * EACH, total


class Writer(Worker):
    """Has keys of its own in a table of all, and knows what they hold."""

    def __init__(self, soak, number):
        super().__init__(soak, number)
        self.rows, self.planned, self.next = {}, None, number * 10_000_000

    def work(self, connection):
        kinds = ["insert", "copy", "update", "upsert", "merge", "delete", "transaction"]
        kind = "delete" if len(self.rows) > 1000 else self.random.choice(kinds)
        rows = dict(self.rows)
        self.planned, self.phase = rows, kind
        fresh = range(self.next, self.next + self.random.randint(1, 40))
        self.next = fresh.stop
        rest = self.random.randrange(7)
        mine = f"worker = {self.number} AND id % 7 = {rest}"
        known = self.random.sample(sorted(rows), min(5, len(rows)))
        values = ", ".join(f"({i}, {self.number}, 2)" for i in [*known, *fresh])
        if kind == "insert":
            rows.update(dict.fromkeys(fresh, 1))
            connection.execute(f"INSERT INTO soak.items SELECT i, {self.number}, 1 FROM generate_series({fresh.start}, {fresh.stop - 1}) g(i)")
        elif kind == "copy":
            rows.update(dict.fromkeys(fresh, 3))
            with connection.cursor().copy("COPY soak.items FROM STDIN") as copy:
                for i in fresh:
                    copy.write_row((i, self.number, 3))
        elif kind == "update":
            self.update(rows, rest)
            connection.execute(f"UPDATE soak.items SET v = v + 1 WHERE {mine}")
        elif kind == "delete":
            for i in [i for i in rows if i % 7 == rest]:
                del rows[i]
            connection.execute(f"DELETE FROM soak.items WHERE {mine}")
        elif kind == "upsert":
            rows.update({i: rows.get(i, -8) + 10 for i in [*known, *fresh]})
            connection.execute(f"INSERT INTO soak.items AS t VALUES {values} ON CONFLICT (id) DO UPDATE SET v = t.v + 10")
        elif kind == "merge":
            rows.update({i: rows.get(i, -98) + 100 for i in [*known, *fresh]})
            connection.execute(
                f"MERGE INTO soak.items t USING (VALUES {values}) s(id, worker, v) ON t.id = s.id "
                "WHEN MATCHED THEN UPDATE SET v = t.v + 100 WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.worker, s.v)"
            )
        else:
            self.update(rows, rest)
            rows.update(dict.fromkeys(fresh, 2))
            with connection.transaction():
                connection.execute(f"UPDATE soak.items SET v = v + 1 WHERE {mine}")
                values = ", ".join(f"({i}, {self.number}, 2)" for i in fresh)
                connection.execute(f"INSERT INTO soak.items VALUES {values}")

    @staticmethod
    def update(rows, rest):
        rows.update({i: v + 1 for i, v in rows.items() if i % 7 == rest})

    def there(self):
        return dict(self.ask("SELECT id, v FROM soak.items WHERE worker = %s", self.number))

    def differences(self, rows):
        there = self.there()
        return {i: (there.get(i), rows.get(i)) for i in there.keys() | rows.keys() if there.get(i) != rows.get(i)}

    def done(self):
        self.rows, self.planned = self.planned or self.rows, None
        self.soak.acknowledged += 1
        if self.random.random() < 0.1:
            wrong = self.differences(self.rows)
            assert not wrong, f"acknowledged, and not so after {self.phase} (there, expected): {list(wrong.items())[:5]}"

    def undone(self):
        self.planned = None
        wrong = self.differences(self.rows)
        assert not wrong, f"refused, and {len(wrong)} rows changed by {self.phase} (there, expected): {list(wrong.items())[:5]}"

    def in_doubt(self):
        planned, self.planned = self.planned, None
        if planned is None or not self.differences(self.rows):
            return
        wrong = self.differences(planned)
        assert not wrong, f"{self.phase} is there by half (there, expected): {list(wrong.items())[:5]}"
        self.rows = planned
        self.soak.count["broken and there"] += 1


class Transfer(Worker):
    """Moves amounts in transactions that disturb each other."""

    def work(self, connection):
        self.phase = "transaction"
        one, other = self.random.sample(range(ACCOUNTS), 2)
        connection.execute(f"SET idle_in_transaction_session_timeout = {self.random.choice([0, 20])}")
        with connection.transaction():
            connection.execute("UPDATE soak.accounts SET amount = amount - 1 WHERE id = %s", (one,))
            self.phase = "idle in transaction"
            time.sleep(self.random.random() * 0.05)
            self.phase = "transaction"
            connection.execute("UPDATE soak.accounts SET amount = amount + 1 WHERE id = %s", (other,))


class Definer(Worker):
    """Makes tables and views and drops them: what is there is all of them or none."""

    pause = 0.5

    def work(self, connection):
        self.phase = "definition"
        self.soak.made += 1
        name = f"soak.t{self.soak.made}"
        connection.execute(f"CREATE TABLE {name} AS SELECT sop_instance_uid, rows FROM imaging.instances LIMIT 100")
        connection.execute(f"ALTER TABLE {name} ADD COLUMN more int")
        connection.execute(f"CREATE VIEW {name}v AS SELECT count(*) AS n FROM {name}")
        assert connection.execute(f"SELECT n FROM {name}v").fetchone() == (100,)
        connection.execute(f"DROP TABLE {name} CASCADE")


class Upkeep(Worker):
    pause = 4

    def work(self, connection):
        self.phase = "upkeep"
        calls = ["optimize('soak.items')", "optimize('soak.accounts')", "checkpoint('soak.items')", "vacuum('soak.items')"]
        connection.execute(f"CALL radlake.{self.random.choice(calls)}")


class Newcomer(Worker):
    """Breaks off in the middle of its login, by the bare socket."""

    pause = 0.5

    def turn(self):
        body = b"user\0radlake\0database\0radlake\0\0"
        startup = struct.pack("!ii", len(body) + 8, 196608) + body
        with socket.create_connection(("127.0.0.1", self.soak.server.port), timeout=20) as stream:
            stream.sendall(startup[: self.random.choice([0, 3, 8, 20, len(startup), len(startup)])])
            time.sleep(self.random.random() * 0.05)
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.soak.count["rst in login"] += 1


class Chaos(threading.Thread):
    """Does to the workers what networks and administrators do."""

    def __init__(self, soak):
        super().__init__(name="chaos", daemon=True)
        self.soak, self.failure, self.random = soak, None, random.Random(SEED)
        self.phases = collections.Counter()

    def run(self):
        try:
            with self.soak.connect() as admin:
                while not self.soak.over.is_set():
                    time.sleep(self.random.random() * 0.2)
                    self.disturb(self.random.choice(self.soak.workers), admin)
        except BaseException as failure:
            self.failure = failure
            self.soak.over.set()

    def disturb(self, worker, admin):
        kind = self.random.choice(["cancel", "cancel", "rst", "terminate"][: 4 if self.soak.terminates else 3])
        # Most find somebody at work if they look for him.
        for _ in range(50):
            if worker.phase != "idle":
                break
            time.sleep(0.001)
        with worker.link:
            connection, phase = worker.connection, worker.phase
            if connection is None or connection.closed:
                return
            try:
                pid = connection.info.backend_pid
                if kind == "cancel":
                    connection.cancel_safe(timeout=20)
                elif kind == "rst":
                    # The number may be somebody else's by now.
                    with socket.socket(fileno=os.dup(connection.pgconn.socket)) as stream:
                        if stream.getpeername()[1] == self.soak.server.port:
                            reset(stream)
            except (psycopg.Error, OSError):
                return
        if kind == "terminate":
            admin.execute(f"SELECT pg_terminate_backend({pid})")
        self.soak.count[kind] += 1
        self.phases[kind, phase] += 1


class Soak:
    def __init__(self, server):
        self.server = server
        self.over = threading.Event()
        self.count, self.sizes = collections.Counter(), {}
        self.acknowledged = self.made = 0
        with self.connect() as connection:
            self.uids = connection.execute("SELECT sop_instance_uid, patient_id FROM imaging.instances LIMIT 500").fetchall()
            self.instances = connection.execute("SELECT count(*) FROM imaging.instances").fetchone()[0]
            try:
                self.terminates = connection.execute("SELECT pg_terminate_backend(0)").fetchone() == (False,)
            except errors.UndefinedFunction:
                # Sessions that are idle within a transaction are ended by the server all the same.
                self.terminates = False
            self.epoch = connection.execute("SELECT max(epoch) FROM system.epochs").fetchone()[0]
        self.workers = []
        self.begin = time.monotonic()

    def connect(self):
        return psycopg.connect(**self.server.dsn, autocommit=True, connect_timeout=30)

    def prepare(self):
        with self.connect() as connection:
            connection.execute("CREATE SCHEMA soak")
            connection.execute("CREATE TABLE soak.items (id bigint PRIMARY KEY, worker int NOT NULL, v bigint NOT NULL)")
            connection.execute("CREATE TABLE soak.accounts (id int, amount bigint)")
            connection.execute(f"INSERT INTO soak.accounts SELECT i, {EACH} FROM generate_series(0, {ACCOUNTS - 1}) g(i)")

    def load(self, seconds, *others):
        """Lets everybody work for a time."""
        kinds = [Reader, Reader, Reader, Writer, Writer, Writer, Transfer, Transfer, Definer, Upkeep]
        old = {worker.number: worker for worker in self.workers}
        self.over.clear()
        self.workers = []
        for number, kind in enumerate(kinds, 1):
            worker = kind(self, number)
            if number in old and kind is Writer:
                worker.rows, worker.next = old[number].rows, old[number].next
            self.workers.append(worker)
        threads = [*self.workers, *(other(self) for other in others)]
        if others:
            threads.append(Newcomer(self, 99))
        for thread in threads:
            thread.start()
        end, report = time.monotonic() + seconds, time.monotonic() + REPORT_EVERY
        while time.monotonic() < end and not self.over.wait(1):
            if time.monotonic() > report:
                self.tell("under load")
                report += REPORT_EVERY
        self.over.set()
        for thread in threads:
            thread.join(120)
            assert not thread.is_alive(), f"{thread.name} waits for an answer that does not come: {thread}"
        for thread in threads:
            if thread.failure:
                raise AssertionError(f"{thread.name}, seed {SEED}: {thread.failure!r}") from thread.failure
        return threads

    def state(self):
        process = pathlib.Path(f"/proc/{self.server.process.pid}")
        status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
        memory = int(status["VmRSS"].split()[0]) * 1024
        return {"threads": int(status["Threads"]), "files": len(list((process / "fd").iterdir())), "memory": memory}

    def settled(self, within=40):
        """The state once it has come to rest: pools let their threads go after ten seconds without work."""
        end, last = time.monotonic() + within, None
        while time.monotonic() < end:
            time.sleep(12 if last is None else 3)
            state = self.state()
            if last and state["threads"] >= last["threads"] and state["files"] >= last["files"]:
                break
            last = state
        return state

    def tell(self, when):
        state = self.state()
        statements = sum(n for name, n in self.count.items() if name[0].isupper())
        faults = {name: n for name, n in sorted(self.count.items()) if not name[0].isupper()}
        print(
            f"{time.monotonic() - self.begin:6.0f} s {when}: {state['threads']} threads, {state['files']} files, "
            f"{state['memory'] / 2**20:.0f} MiB, {statements} turns, {self.acknowledged} writes acknowledged, {faults}",
            flush=True,
        )


@pytest.fixture
def server(radlake, tmp_path):
    lake = Lake(radlake, tmp_path / "demo")
    lake.demo()
    with Server(lake, "--upkeep-interval", "10s") as server:
        yield server


@pytest.mark.timeout(SECONDS + 400)
def test_it_is_the_server_it_was(server):
    soak = Soak(server)
    soak.prepare()
    soak.load(8)
    begin = soak.settled()
    soak.count.clear()
    soak.tell(f"seed {SEED}, begin")
    *_, chaos, _ = soak.load(SECONDS, Chaos)
    with soak.connect() as connection:
        activity = "SELECT pid, state, query FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        until = time.monotonic() + 20
        while others := connection.execute(activity).fetchall():
            assert time.monotonic() < until, f"nobody is connected, and these are there: {others}"
            time.sleep(0.2)
    end = soak.settled()
    soak.tell("end")
    print("disturbed:", {" in ".join(key): n for key, n in sorted(chaos.phases.items())})
    assert end["threads"] <= begin["threads"] + MORE_THREADS, (begin, end)
    assert end["files"] <= begin["files"] + MORE_FILES, (begin, end)
    assert end["memory"] <= begin["memory"] + MORE_MEMORY, (begin, end)
    for kind in ["cancel", "rst", "57014", "25P03", *(["terminate", "57P01"] if soak.terminates else [])]:
        assert soak.count[kind], f"no {kind}: {soak.count}"
    with soak.connect() as connection:
        for worker in soak.workers:
            if isinstance(worker, Writer):
                there = connection.execute("SELECT id, v FROM soak.items WHERE worker = %s", (worker.number,)).fetchall()
                assert sorted(there) == sorted(worker.rows.items()), f"seed {SEED}: rows of {worker.name}"
        total = sum(len(worker.rows) for worker in soak.workers if isinstance(worker, Writer))
        assert connection.execute("SELECT count(*), count(DISTINCT id) FROM soak.items").fetchone() == (total, total)
        assert connection.execute("SELECT count(*), sum(amount) FROM soak.accounts").fetchone() == (ACCOUNTS, ACCOUNTS * EACH)
        assert connection.execute("SELECT count(*) FROM imaging.instances").fetchone() == (soak.instances,)
        epochs = connection.execute("SELECT max(epoch) FROM system.epochs").fetchone()[0] - soak.epoch
    assert epochs >= soak.acknowledged / 10, "writes became no epochs"
    assert server.stop() == 0
    checked = server.lake.run("check", check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
