"""The two sides: sessions over libpq as psql has them, with a time limit, and the servers that they talk to."""

import dataclasses
import pathlib
import select
import shutil
import sys
import time

from psycopg import pq

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "clients"))
from support import Lake, Postgres, Server, find_binary  # noqa: E402, F401

LIMIT = 10
# What pg_regress sets, if both take it.
SETTINGS = {"timezone": "PST8PDT", "datestyle": "Postgres, MDY", "intervalstyle": "postgres_verbose"}


class Lost(Exception):
    """The connection ended within a statement."""


class Hang(Exception):
    """A statement went on after it was cancelled."""


@dataclasses.dataclass
class Answer:
    """What came back: results of (columns, rows, tag), and the SQLSTATE and message of an error."""

    results: list
    state: str | None = None
    message: str = ""
    late: bool = False


def text(value):
    return value.decode(errors="replace") if value is not None else None


class Session:
    """A connection that speaks the simple protocol."""

    def __init__(self, dsn):
        self.dsn = dsn
        self.open()

    def open(self):
        words = " ".join(f"{key}='{value}'" for key, value in {**self.dsn, "connect_timeout": 20}.items())
        self.connection = pq.PGconn.connect(words.encode())
        if self.connection.status != pq.ConnStatus.OK:
            raise Lost(text(self.connection.error_message))
        self.connection.notice_handler = None

    def close(self):
        self.connection.finish()

    @property
    def status(self):
        return self.connection.transaction_status

    @property
    def within(self):
        return self.status == pq.TransactionStatus.INTRANS

    @property
    def failed(self):
        return self.status == pq.TransactionStatus.INERROR

    def wait(self, deadline):
        """Reads until a result is there; False if it is not by `deadline`."""
        connection = self.connection
        while True:
            if connection.flush() == 0 and not connection.is_busy():
                return True
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            if select.select([connection.socket], [], [], left)[0]:
                connection.consume_input()

    def run(self, sql, data=None, limit=LIMIT):
        try:
            return self.exchange(sql, data, limit)
        except Exception as error:
            if isinstance(error, Hang):
                raise
            raise Lost(str(error)) from error

    def exchange(self, sql, data, limit):
        connection = self.connection
        connection.send_query(sql.encode())
        answer = Answer([])
        deadline = time.monotonic() + limit
        while True:
            if not self.wait(deadline):
                if answer.late:
                    raise Hang(sql)
                answer.late = True
                connection.get_cancel().cancel()
                deadline = time.monotonic() + limit
                continue
            result = connection.get_result()
            if result is None:
                if connection.status != pq.ConnStatus.OK:
                    raise Lost(answer.message)
                return answer
            self.take(result, answer, data)

    def take(self, result, answer, data):
        status = result.status
        if status == pq.ExecStatus.FATAL_ERROR:
            answer.state = text(result.error_field(pq.DiagnosticField.SQLSTATE)) or "lost"
            answer.message = text(result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY)) or ""
        elif status == pq.ExecStatus.COPY_IN:
            if data:
                self.connection.put_copy_data(data if isinstance(data, bytes) else data.encode())
            self.connection.put_copy_end(None if data is not None else b"no data")
        elif status == pq.ExecStatus.COPY_OUT:
            rows = []
            while True:
                size, line = self.connection.get_copy_data(0)
                if size <= 0:
                    break
                rows.append((text(bytes(line)),))
            answer.results.append(([("copy", 25)], rows, "COPY"))
        else:
            columns = [(text(result.fname(i)), result.ftype(i)) for i in range(result.nfields)]
            rows = [
                tuple(text(result.get_value(row, i)) for i in range(result.nfields)) for row in range(result.ntuples)
            ]
            answer.results.append((columns, rows, text(result.command_status) or ""))


class PostgresSide:
    """PostgreSQL with a database that each script gets anew."""

    def __init__(self, folder):
        folder.mkdir()
        self.server = Postgres(folder)

    def __enter__(self):
        self.server.__enter__()
        self.admin = Session(self.server.dsn)
        self.admin.run("CREATE DATABASE base TEMPLATE template0")
        return self

    def __exit__(self, *_):
        self.server.__exit__()

    def base(self):
        return Session({**self.server.dsn, "dbname": "base"})

    def fresh(self):
        self.clean()
        answer = self.admin.run("CREATE DATABASE radlake TEMPLATE base", limit=60)
        assert not answer.state, answer.message
        return Session({**self.server.dsn, "dbname": "radlake"})

    def clean(self):
        """What scripts left in the cluster."""
        names = self.admin.run("SELECT datname FROM pg_database WHERE datname !~ '^(base|postgres|template.)$'")
        for (name,) in names.results[0][1]:
            self.admin.run(f'ALTER DATABASE "{name}" IS_TEMPLATE false')
            self.admin.run(f'DROP DATABASE "{name}" WITH (FORCE)', limit=60)
        for (name,) in self.admin.run("SELECT spcname FROM pg_tablespace WHERE spcname !~ '^pg_'").results[0][1]:
            self.admin.run(f'DROP TABLESPACE "{name}"')
        for _ in range(2):
            for (name,) in self.admin.run(
                "SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_' AND rolname <> 'radlake'"
            ).results[0][1]:
                self.admin.run(f'DROP OWNED BY "{name}"')
                self.admin.run(f'DROP ROLE "{name}"')


class RadlakeSide:
    """A server over a lake that each script gets anew, as a copy."""

    def __init__(self, binary, folder):
        self.binary, self.folder = binary, folder
        self.server = None
        folder.mkdir()
        Lake(binary, folder / "base").init()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        if self.server:
            self.server.__exit__()
            self.server = None

    def start(self, name):
        self.stop()
        self.server = Server(Lake(self.binary, self.folder / name), "--memory", "2GiB")
        self.server.__enter__()
        return Session(self.server.dsn)

    def base(self):
        return self.start("base")

    def fresh(self, name):
        self.stop()
        path = self.folder / f"{name}.lake"
        shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(self.folder / "base", path)
        return self.start(path.name)

    def again(self):
        """A session after the server has died or hangs."""
        path = self.server.lake.path
        return self.start(path.name)

    def alive(self):
        time.sleep(0.3)
        return self.server.alive()
