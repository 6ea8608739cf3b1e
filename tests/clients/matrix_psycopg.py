"""psycopg 3 as the matrix uses it, in six ways."""

import asyncio
import contextlib
import re
import threading

import psycopg
from matrix_client import Client, ended, numbered


class Psycopg(Client):
    needs = ("psycopg",)
    binary = False
    prepare = None

    def open(self):
        self.connection = psycopg.connect(**self.dsn, autocommit=True)

    def close(self):
        self.connection.close()

    def ask(self, cursor, statement, parameters):
        if parameters:
            statement = numbered(statement.replace("%", "%%"), lambda _: "%s")
        return cursor.execute(statement, parameters or None, prepare=self.prepare)

    @staticmethod
    def columns(cursor):
        return [(c.name, c.type_code) for c in cursor.description or ()]

    def run(self, statement, parameters=()):
        with self.connection.cursor(binary=self.binary) as cursor:
            self.ask(cursor, statement, parameters)
            rows = cursor.fetchall() if cursor.description else None
            return self.columns(cursor), rows, cursor.statusmessage

    def insert_many(self, case):
        with self.connection.cursor() as cursor:
            cursor.executemany(numbered(case.statement, lambda _: "%s"), case.parameters)
            return cursor.rowcount, self.run("SELECT * FROM person ORDER BY id")

    def prepared(self, case):
        self.prepare = True
        return super().prepared(case)

    def large(self, case):
        with self.connection.cursor(binary=self.binary) as cursor:
            rows = cursor.execute(case.statement).fetchall()
        return len(rows), sum(r[0] for r in rows), sum(r[1] for r in rows), rows[0], rows[-1]


class PsycopgFull(Psycopg):
    def fields(self, case):
        try:
            self.run(case.statement)
        except psycopg.Error as error:
            told = error.diag
            names = "severity sqlstate message_primary message_detail message_hint statement_position schema_name"
            names += " table_name column_name datatype_name constraint_name"
            return {name: getattr(told, name) for name in names.split()}
        return None

    def described(self, case):
        with self.connection.cursor() as cursor:
            told = cursor.execute(case.statement).description
            return [(c.name, c.type_code, c.display_size, c.internal_size, c.precision, c.scale) for c in told]

    def pieces(self, case):
        with self.connection.cursor() as cursor:
            return [len(rows) for rows in iter(lambda: cursor.fetchmany(300), [])] if cursor.execute(case.statement) else None

    def transaction(self, case):
        with self.connection.transaction():
            self.run("INSERT INTO person VALUES (4, 'D', 1)")
            with self.connection.transaction() as inner:
                self.run("DELETE FROM person")
                raise psycopg.Rollback(inner)
        with self.connection.transaction() as outer:
            self.run("DELETE FROM person WHERE id = 1")
            raise psycopg.Rollback(outer)
        return self.run(case.statement)

    def copy_out(self, case):
        with self.connection.cursor() as cursor, cursor.copy(case.statement) as copy:
            return b"".join(bytes(part) for part in copy), cursor.statusmessage

    def copy_in(self, case):
        with self.connection.cursor() as cursor:
            with cursor.copy(case.steps[0]) as copy:
                data = b"".join(bytes(part) for part in copy)
            with cursor.copy(case.statement) as copy:
                for at in range(0, len(data), 7):
                    copy.write(data[at : at + 7])
            return cursor.rowcount, self.run(case.steps[1])

    def copy_bad(self, case):
        try:
            with self.connection.cursor() as cursor, cursor.copy(case.statement) as copy:
                copy.write(case.parameters[0])
        except psycopg.Error as error:
            return error.sqlstate, error.diag.context, self.run(case.steps[0])
        return None

    def records(self, case):
        with self.connection.cursor() as cursor:
            with cursor.copy("COPY taken (id, t, n, d) FROM STDIN (FORMAT binary)") as copy:
                copy.set_types(["int4", "text", "numeric", "date"])
                for row in case.parameters:
                    copy.write_row(row)
            return cursor.rowcount, self.run(case.statement)

    def listen(self, case):
        self.run(f"LISTEN {case.statement}")
        with psycopg.connect(**self.dsn, autocommit=True) as other:
            for payload in case.parameters:
                other.execute("SELECT pg_notify(%s, %s)", (case.statement, payload))
        heard = self.connection.notifies(timeout=10, stop_after=len(case.parameters))
        return [(notice.channel, notice.payload) for notice in heard]

    def cancel(self, case):
        timer = threading.Timer(0.5, self.connection.cancel_safe)
        timer.start()
        return ended(self, case)


class PsycopgBinary(Psycopg):
    binary = True


class PsycopgNamed(Psycopg):
    """A server-side cursor: DECLARE, FETCH, CLOSE."""

    def run(self, statement, parameters=()):
        if not re.match("SELECT|WITH", statement):
            return super().run(statement, parameters)
        with self.connection.transaction(), self.connection.cursor(name="named") as cursor:
            if parameters:
                statement = numbered(statement.replace("%", "%%"), lambda _: "%s")
            cursor.execute(statement, parameters or None)
            return self.columns(cursor), cursor.fetchall()

    def large(self, case):
        with self.connection.transaction(), self.connection.cursor(name="named") as cursor:
            cursor.itersize = 20000
            cursor.execute(case.statement)
            rows = list(cursor)
        return len(rows), sum(r[0] for r in rows), sum(r[1] for r in rows), rows[0], rows[-1]

    def pieces(self, case):
        with self.connection.transaction(), self.connection.cursor(name="named", scrollable=True) as cursor:
            cursor.execute(case.statement)
            first = cursor.fetchmany(300)
            cursor.scroll(100)
            cursor.scroll(-50)
            return self.columns(cursor), first, cursor.fetchone(), len(cursor.fetchall())


class PsycopgPipeline(Psycopg):
    """Statements sent without waiting for answers."""

    prepare = True
    sessions = 1

    def run(self, statement, parameters=()):
        with self.connection.pipeline():
            cursors = [self.connection.cursor() for _ in range(3)]
            self.ask(cursors[0], "SELECT 'before' AS a", ())
            self.ask(cursors[1], statement, parameters)
            self.ask(cursors[2], "SELECT 'after' AS a", ())
            got = [(self.columns(c), c.fetchall() if c.description else None, c.statusmessage) for c in cursors]
        return got

    def script(self, case):
        """All steps at once; the first that fails takes those behind it with it."""
        cursors = [self.connection.cursor() for _ in case.steps]
        try:
            with self.connection.pipeline():
                for cursor, step in zip(cursors, case.steps):
                    self.ask(cursor, step, ())
            state = None
        except psycopg.Error as error:
            state = error.sqlstate
        self.connection.rollback()
        told = [(self.columns(c), c.fetchall() if c.description else None, c.statusmessage) for c in cursors]
        return told, state, self.run("SELECT 1 AS a")


class PsycopgAsync(Client):
    needs = ("psycopg",)
    columns = staticmethod(Psycopg.columns)

    def open(self):
        self.loop = asyncio.Runner()
        self.connection = self.wait(psycopg.AsyncConnection.connect(**self.dsn, autocommit=True))

    def wait(self, coroutine):
        return self.loop.run(coroutine)

    def close(self):
        self.wait(self.connection.close())
        self.loop.close()

    def run(self, statement, parameters=()):
        return self.wait(self.answer(statement, parameters))

    async def answer(self, statement, parameters):
        if parameters:
            statement = numbered(statement.replace("%", "%%"), lambda _: "%s")
        async with self.connection.cursor() as cursor:
            await cursor.execute(statement, parameters or None)
            rows = await cursor.fetchall() if cursor.description else None
            return self.columns(cursor), rows, cursor.statusmessage

    def cancel(self, case):
        async def cancelled():
            task = asyncio.ensure_future(self.answer(case.statement, ()))
            await asyncio.sleep(0.5)
            # The driver cancels on the server what is cancelled in Python.
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            return await self.answer("SELECT 1 AS a", ())

        return self.wait(asyncio.wait_for(cancelled(), 20))

    def copy_out(self, case):
        async def copied():
            async with self.connection.cursor() as cursor:
                async with cursor.copy(case.statement) as copy:
                    return b"".join([bytes(part) async for part in copy])

        return self.wait(copied())

    def listen(self, case):
        async def heard():
            await self.connection.execute(f"LISTEN {case.statement}")
            async with await psycopg.AsyncConnection.connect(**self.dsn, autocommit=True) as other:
                for payload in case.parameters:
                    await other.execute("SELECT pg_notify(%s, %s)", (case.statement, payload))
            notices = self.connection.notifies(timeout=10, stop_after=len(case.parameters))
            return [(notice.channel, notice.payload) async for notice in notices]

        return self.wait(heard())
