"""Generated histories: clients that write at once over several servers, and a check that what is left has a serial order.

Every transaction adds its own number to `journal`, whose Delta log is the order in which they were committed. The check
plays them in that order on a model: what the tables hold must be what the model holds, row by row.
"""

import json
import random
import threading
import time
import urllib.parse

import polars
import psycopg

PRIME = 1_000_003
ACCOUNTS = 20
EACH = 1000
TOTAL = 2 * ACCOUNTS * EACH


def prepare(connection):
    connection.execute("CREATE SCHEMA h")
    connection.execute("CREATE TABLE h.journal (token int)")
    connection.execute("CREATE TABLE h.items (id int PRIMARY KEY, v bigint NOT NULL)")
    connection.execute("CREATE TABLE h.scratch (id int)")
    for name in "ab":
        connection.execute(f"CREATE TABLE h.{name} (id int, amount bigint)")
        rows = ", ".join(f"({i}, {EACH})" for i in range(ACCOUNTS))
        connection.execute(f"INSERT INTO h.{name} VALUES {rows}")


class Model:
    """What the transactions do, one after the other."""

    def __init__(self):
        self.items = {}
        self.scratch = []
        self.accounts = {name: {i: EACH for i in range(ACCOUNTS)} for name in "ab"}

    def play(self, op):
        kind, *args = op
        getattr(self, kind)(*args)

    def insert(self, first, count):
        for i in range(first, first + count):
            assert i not in self.items, f"{i} twice"
            self.items[i] = i

    def update(self, modulus, rest):
        for i in self.items:
            if i % modulus == rest:
                self.items[i] = (self.items[i] * 3 + 1) % PRIME

    def delete(self, modulus, rest):
        self.items = {i: v for i, v in self.items.items() if i % modulus != rest}

    def merge(self, ids):
        for i in ids:
            self.items[i] = (self.items[i] + 7) % PRIME if i in self.items else 11

    def upsert(self, ids):
        for i in ids:
            self.items[i] = (self.items[i] * 2 + 5) % PRIME if i in self.items else 22

    def truncate(self, token):
        self.scratch = [token]

    def scribble(self, token):
        self.scratch.append(token)

    def transfer(self, source, sink, one, other, amount):
        self.accounts[source][one] -= amount
        self.accounts[sink][other] += amount

    def copy(self, first, count):
        self.insert(first, count)

    def ctas(self, name):
        pass

    def upkeep(self, statement):
        pass


def statements(op, token):
    """The SQL of an operation, the numbering aside."""
    kind, *args = op
    if kind == "insert":
        first, count = args
        return [f"INSERT INTO h.items SELECT i, i FROM generate_series({first}, {first + count - 1}) AS g(i)"]
    if kind == "update":
        return ["UPDATE h.items SET v = (v * 3 + 1) % {} WHERE id % {} = {}".format(PRIME, *args)]
    if kind == "delete":
        return ["DELETE FROM h.items WHERE id % {} = {}".format(*args)]
    if kind == "merge":
        values = ", ".join(f"({i})" for i in args[0])
        return [
            f"MERGE INTO h.items AS t USING (VALUES {values}) AS s(id) ON t.id = s.id "
            f"WHEN MATCHED THEN UPDATE SET v = (t.v + 7) % {PRIME} WHEN NOT MATCHED THEN INSERT (id, v) VALUES (s.id, 11)"
        ]
    if kind == "upsert":
        values = ", ".join(f"({i}, 22)" for i in args[0])
        return [
            f"INSERT INTO h.items AS t VALUES {values} ON CONFLICT (id) DO UPDATE SET v = (t.v * 2 + 5) % {PRIME}"
        ]
    if kind == "truncate":
        return ["TRUNCATE h.scratch", f"INSERT INTO h.scratch VALUES ({token})"]
    if kind == "scribble":
        return [f"INSERT INTO h.scratch VALUES ({token})"]
    if kind == "transfer":
        source, sink, one, other, amount = args
        return [
            f"UPDATE h.{source} SET amount = amount - {amount} WHERE id = {one}",
            f"UPDATE h.{sink} SET amount = amount + {amount} WHERE id = {other}",
        ]
    if kind == "ctas":
        return [
            f"CREATE TABLE h.{args[0]} AS SELECT (SELECT sum(amount) FROM h.a) + (SELECT sum(amount) FROM h.b) AS total"
        ]
    return []


class Client(threading.Thread):
    """One client's statements, in an order that the seed decides."""

    def __init__(self, history, number, dsn, count):
        super().__init__(name=f"client {number}", daemon=True)
        self.history, self.number, self.dsn, self.count = history, number, dsn, count
        self.random = random.Random(history.seed * 100_003 + number)
        self.connection = None
        self.failure = None

    def choose(self, token):
        pick = self.random.choices(
            ["insert", "copy", "update", "delete", "merge", "upsert", "truncate", "scribble", "transfer", "ctas", "upkeep"],
            [5, 2, 3, 1, 2, 2, 1, 2, 6, 1, 1 if self.history.upkeep else 0],
        )[0]
        fresh = token * 10
        known = [self.random.randrange(max(10, self.history.highest * 10)) for _ in range(3)]
        known = sorted(set(known))
        if pick in ("insert", "copy"):
            return (pick, fresh, self.random.randint(1, 9))
        if pick == "update":
            return (pick, 7, self.random.randrange(7))
        if pick == "delete":
            return (pick, 101, self.random.randrange(101))
        if pick in ("merge", "upsert"):
            # Places that no insert takes, each once: a statement that names one twice is refused.
            return (pick, sorted({i for i in known if i % 10 == 9} | {fresh + 9}))
        if pick in ("truncate", "scribble"):
            return (pick, token)
        if pick == "transfer":
            one, other = self.random.choice(["ab", "ba"])
            return (pick, one, other, self.random.randrange(ACCOUNTS), self.random.randrange(ACCOUNTS), self.random.randint(1, 50))
        if pick == "ctas":
            return (pick, f"c{token}")
        return (pick, self.random.choice(self.history.upkeep))

    def run(self):
        try:
            for at in range(self.count):
                self.step(self.number * self.count + at + 1)
        except BaseException as failure:
            self.failure = failure
        finally:
            if self.connection:
                self.connection.close()

    def step(self, token):
        op = self.choose(token)
        for attempt in range(200):
            try:
                if self.connection is None or self.connection.closed:
                    self.connection = psycopg.connect(**self.dsn, connect_timeout=30)
                    # Only so is the order of commits the order in which they follow from each other.
                    self.connection.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
                self.transaction(op, token)
                self.history.acknowledged[token] = op
                return
            except psycopg.errors.SerializationFailure:
                self.connection.rollback()
                self.history.conflicts += 1
            except psycopg.OperationalError as error:
                # Only the server that is killed may go away.
                if not self.history.may_vanish(self.dsn):
                    raise
                self.connection = None
                time.sleep(0.05)
                if token in self.history.begun:
                    # Whether it was committed is not known: it is in the journal, or nothing of it is anywhere.
                    return
                assert attempt < 199, error
            time.sleep(self.random.random() * 0.02 * min(attempt + 1, 10))
        raise AssertionError(f"{op}: others were first 200 times")

    def transaction(self, op, token):
        self.history.offered[token] = op
        if op[0] == "upkeep":
            self.connection.autocommit = True
            try:
                self.connection.execute(op[1])
            finally:
                self.connection.autocommit = False
            return
        if op[0] == "copy":
            first, count = op[1:]
            with self.connection.cursor().copy("COPY h.items FROM STDIN") as copy:
                for i in range(first, first + count):
                    copy.write_row((i, i))
        for sql in statements(op, token):
            self.connection.execute(sql)
        self.connection.execute(f"INSERT INTO h.journal VALUES ({token})")
        self.history.begun.add(token)
        try:
            self.connection.commit()
        except psycopg.errors.SerializationFailure:
            self.history.begun.discard(token)
            raise


class Reader(threading.Thread):
    """Sums over two tables: the same at any time, in one statement and in one transaction."""

    def __init__(self, history, dsn):
        super().__init__(name="reader", daemon=True)
        self.history, self.dsn, self.failure, self.seen = history, dsn, None, 0

    def run(self):
        try:
            while not self.history.over.is_set():
                try:
                    with psycopg.connect(**self.dsn, connect_timeout=30) as connection:
                        self.look(connection)
                except psycopg.OperationalError:
                    if not self.history.may_vanish(self.dsn):
                        raise
                    time.sleep(0.05)
        except BaseException as failure:
            self.failure = failure

    def look(self, connection):
        both = "SELECT (SELECT sum(amount) FROM h.a) + (SELECT sum(amount) FROM h.b)"
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        while not self.history.over.is_set():
            total = connection.execute(both).fetchone()[0]
            assert total == TOTAL, f"{total} in one statement"
            one = connection.execute("SELECT sum(amount) FROM h.a").fetchone()[0]
            other = connection.execute("SELECT sum(amount) FROM h.b").fetchone()[0]
            assert one + other == TOTAL, f"{one} + {other} in one transaction"
            rows, keys = connection.execute("SELECT count(*), count(DISTINCT id) FROM h.items").fetchone()
            assert rows == keys, "a key twice"
            connection.rollback()
            self.seen += 1


class History:
    """Clients and readers over servers."""

    def __init__(self, seed, servers, clients, each, upkeep=()):
        self.seed, self.servers, self.upkeep = seed, servers, list(upkeep)
        self.highest = clients * each + 1
        self.offered, self.acknowledged, self.begun, self.conflicts = {}, {}, set(), 0
        self.over = threading.Event()
        self.vanishing = set()
        self.clients = [Client(self, n, servers[n % len(servers)].dsn, each) for n in range(clients)]
        self.readers = [Reader(self, server.dsn) for server in servers]

    def may_vanish(self, dsn):
        return dsn["port"] in self.vanishing

    def start(self):
        for thread in self.readers + self.clients:
            thread.start()

    def is_over(self):
        return not any(client.is_alive() for client in self.clients)

    def finish(self):
        for client in self.clients:
            client.join()
        self.over.set()
        for reader in self.readers:
            reader.join()
        for thread in self.clients + self.readers:
            if thread.failure:
                raise AssertionError(f"{thread.name}, seed {self.seed}: {thread.failure!r}") from thread.failure

    def order(self, lake):
        """The numbers in the journal, as its log has them."""
        logs = [log for log in lake.path.rglob("_delta_log") if log.parent.name.startswith("journal")]
        assert len(logs) == 1, logs
        numbers = {}
        for commit in sorted(logs[0].glob("*.json")):
            for line in commit.read_text().splitlines():
                action = json.loads(line)
                if "add" in action:
                    path = urllib.parse.unquote(action["add"]["path"])
                    numbers[path] = polars.read_parquet(logs[0].parent / path)["token"].to_list()
                elif "remove" in action:
                    numbers.pop(urllib.parse.unquote(action["remove"]["path"]), None)
        return [token for tokens in numbers.values() for token in tokens]

    def check(self, lake, connection):
        order = self.order(lake)
        assert len(order) == len(set(order)), f"seed {self.seed}: twice in the journal"
        there = {token for (token,) in connection.execute("SELECT token FROM h.journal").fetchall()}
        assert there == set(order)
        needed = {token for token, op in self.acknowledged.items() if op[0] != "upkeep"}
        assert needed <= there, f"seed {self.seed}: lost {sorted(needed - there)}"
        assert there <= self.begun, f"seed {self.seed}: nobody committed {sorted(there - self.begun)}"
        model = Model()
        for token in order:
            model.play(self.offered[token])
        items = dict(connection.execute("SELECT id, v FROM h.items").fetchall())
        wrong = {i: (items.get(i), model.items.get(i)) for i in items.keys() | model.items.keys() if items.get(i) != model.items.get(i)}
        assert not wrong, f"seed {self.seed}: {len(wrong)} rows differ from the serial order, such as {list(wrong.items())[:5]}"
        scratch = sorted(i for (i,) in connection.execute("SELECT id FROM h.scratch").fetchall())
        assert scratch == sorted(model.scratch), f"seed {self.seed}: scratch"
        for name in "ab":
            found = dict(connection.execute(f"SELECT id, amount FROM h.{name}").fetchall())
            assert found == model.accounts[name], f"seed {self.seed}: {name}"
        made = {op[1] for token in order if (op := self.offered[token])[0] == "ctas"}
        tables = {name for (name,) in connection.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'h' AND table_name LIKE 'c%'"
        ).fetchall()}
        assert tables == made, f"seed {self.seed}: tables {tables ^ made}"
        for name in sorted(made)[:20]:
            assert connection.execute(f"SELECT total FROM h.{name}").fetchone() == (TOTAL,)
        return len(order)
