"""psycopg2, asyncpg and pg8000 as the matrix uses them."""

import asyncio
import contextlib
import io
import re
import select
import threading
import time

from matrix_client import Client, ended, numbered


class Psycopg2(Client):
    needs = ("psycopg2",)

    def open(self):
        import psycopg2.extras

        psycopg2.extras.register_uuid()
        self.driver = psycopg2
        self.connection = psycopg2.connect(**self.dsn)
        self.connection.autocommit = True

    def close(self):
        self.connection.close()

    def run(self, statement, parameters=()):
        with self.connection.cursor() as cursor:
            if parameters:
                statement = numbered(statement.replace("%", "%%"), lambda _: "%s")
            cursor.execute(statement, parameters or None)
            rows = cursor.fetchall() if cursor.description else None
            return [(c.name, c.type_code) for c in cursor.description or ()], rows, cursor.statusmessage

    def described(self, case):
        with self.connection.cursor() as cursor:
            cursor.execute(case.statement)
            return [tuple(c) for c in cursor.description]

    def fields(self, case):
        try:
            self.run(case.statement)
        except self.driver.Error as error:
            return type(error).__name__, str(error), error.diag.constraint_name
        return None

    def pieces(self, case):
        self.connection.autocommit = False
        with self.connection, self.connection.cursor("named") as cursor:
            cursor.itersize = 300
            cursor.execute(case.statement)
            first = cursor.fetchmany(10)
            return first, len(list(cursor))

    def large(self, case):
        with self.connection.cursor() as cursor:
            cursor.execute(case.statement)
            rows = cursor.fetchall()
        return len(rows), sum(r[0] for r in rows), sum(r[1] for r in rows), rows[0], rows[-1]

    def insert_many(self, case):
        with self.connection.cursor() as cursor:
            head = case.statement.split("VALUES")[0]
            self.driver.extras.execute_values(cursor, f"{head} VALUES %s", case.parameters)
            return cursor.rowcount, self.run("SELECT * FROM person ORDER BY id")

    def transaction(self, case):
        self.connection.autocommit = False
        with self.connection:
            self.run("INSERT INTO person VALUES (4, 'D', 1)")
        self.run("DELETE FROM person WHERE id = 1")
        self.connection.rollback()
        self.connection.set_session(isolation_level="SERIALIZABLE")
        return self.run("SHOW transaction_isolation"), self.run(case.statement)

    def copy_out(self, case):
        into = io.BytesIO()
        with self.connection.cursor() as cursor:
            cursor.copy_expert(case.statement, into)
            return into.getvalue(), cursor.rowcount

    def copy_in(self, case):
        data = io.BytesIO()
        with self.connection.cursor() as cursor:
            cursor.copy_expert(case.steps[0], data)
            data.seek(0)
            cursor.copy_expert(case.statement, data)
            return cursor.rowcount, self.run(case.steps[1])

    def listen(self, case):
        self.run(f"LISTEN {case.statement}")
        with contextlib.closing(Psycopg2(self.server)) as other:
            for payload in case.parameters:
                other.run("SELECT pg_notify($1, $2)", (case.statement, payload))
        deadline = time.monotonic() + 10
        while len(self.connection.notifies) < len(case.parameters) and time.monotonic() < deadline:
            select.select([self.connection], [], [], 1)
            self.connection.poll()
        return [(notice.channel, notice.payload) for notice in self.connection.notifies]

    def cancel(self, case):
        threading.Timer(0.5, self.connection.cancel).start()
        return ended(self, case)


class Asyncpg(Client):
    needs = ("asyncpg",)

    def open(self):
        import asyncpg

        self.driver = asyncpg
        self.loop = asyncio.Runner()
        dsn = dict(self.dsn)
        dsn["database"] = dsn.pop("dbname")
        self.connect = lambda: asyncpg.connect(**dsn)
        self.connection = self.wait(self.connect())

    def wait(self, coroutine):
        return self.loop.run(coroutine)

    def close(self):
        self.wait(self.connection.close())
        self.loop.close()

    def run(self, statement, parameters=()):
        return self.wait(self.answer(statement, parameters))

    async def answer(self, statement, parameters=()):
        prepared = await self.connection.prepare(statement)
        rows = await prepared.fetch(*parameters)
        columns = [(a.name, a.type.name, a.type.kind) for a in prepared.get_attributes()]
        takes = [(t.name, t.kind) for t in prepared.get_parameters()]
        return columns, takes, [tuple(row) for row in rows], prepared.get_statusmsg()

    def described(self, case):
        return self.run(case.statement)[0]

    def prepared(self, case):
        async def again():
            prepared = await self.connection.prepare(case.statement)
            answers = []
            for number, value in enumerate(case.parameters):
                if number == 1:
                    for step in case.steps:
                        await self.connection.execute(step)
                try:
                    answers.append([tuple(row) for row in await prepared.fetch(value)])
                except self.driver.PostgresError as error:
                    answers.append(("error", error.sqlstate))
                answers.append([tuple(row) for row in await self.connection.fetch(case.statement, value)])
            return answers

        return self.wait(again())

    def insert_many(self, case):
        self.wait(self.connection.executemany(case.statement, case.parameters))
        return self.run("SELECT * FROM person ORDER BY id")

    def fields(self, case):
        try:
            self.run(case.statement)
        except self.driver.PostgresError as error:
            fields = error.as_dict()
            # Where in PostgreSQL's own source it was raised.
            return type(error).__name__, {k: v for k, v in fields.items() if not k.startswith("server_source")}
        return None

    def transaction(self, case):
        async def carried():
            class Undone(Exception):
                pass

            async with self.connection.transaction():
                await self.connection.execute("INSERT INTO person VALUES (4, 'D', 1)")
                with contextlib.suppress(Undone):
                    async with self.connection.transaction():
                        await self.connection.execute("DELETE FROM person")
                        raise Undone
            with contextlib.suppress(Undone):
                async with self.connection.transaction(isolation="serializable"):
                    await self.connection.execute("DELETE FROM person WHERE id = 1")
                    raise Undone
            return await self.answer(case.statement)

        return self.wait(carried())

    def pieces(self, case):
        async def fetched():
            async with self.connection.transaction():
                cursor = await self.connection.cursor(case.statement)
                first = await cursor.fetch(300)
                skipped = await cursor.forward(100)
                return len(first), skipped, tuple(await cursor.fetchrow()), len(await cursor.fetch(10000))

        return self.wait(fetched())

    def large(self, case):
        rows = self.wait(self.connection.fetch(case.statement))
        return len(rows), sum(r[0] for r in rows), sum(r[1] for r in rows), tuple(rows[0]), tuple(rows[-1])

    def copy_out(self, case):
        query, options = re.match(r"COPY \((.*)\) TO STDOUT \((.*)\)", case.statement).groups()
        form = re.search(r"FORMAT (\w+)", options).group(1)
        into = io.BytesIO()
        more = {"header": True} if "HEADER" in options else {}
        tag = self.wait(self.connection.copy_from_query(query, output=into, format=form, **more))
        return into.getvalue(), tag

    def records(self, case):
        columns = ["id", "t", "n", "d"]
        tag = self.wait(self.connection.copy_records_to_table("taken", records=case.parameters, columns=columns))
        return tag, self.run(case.statement)

    def listen(self, case):
        async def heard():
            got, done = [], asyncio.Event()

            def take(_, __, channel, payload):
                got.append((channel, payload))
                if len(got) == len(case.parameters):
                    done.set()

            await self.connection.add_listener(case.statement, take)
            other = await self.connect()
            for payload in case.parameters:
                await other.execute("SELECT pg_notify($1, $2)", case.statement, payload)
            await other.close()
            await asyncio.wait_for(done.wait(), 10)
            await self.connection.remove_listener(case.statement, take)
            return got

        return self.wait(heard())

    def cancel(self, case):
        async def timed():
            try:
                await self.connection.fetch(case.statement, timeout=0.5)
            except asyncio.TimeoutError:
                return await self.answer("SELECT 1 AS a")

        return self.wait(timed())


class Pg8000(Client):
    needs = ("pg8000",)

    def open(self):
        import pg8000.dbapi

        dsn = dict(self.dsn)
        dsn["database"] = dsn.pop("dbname")
        self.driver = pg8000.dbapi
        self.connection = self.driver.connect(**dsn)
        self.connection.autocommit = True

    def close(self):
        self.connection.close()

    def run(self, statement, parameters=()):
        cursor = self.connection.cursor()
        if parameters:
            statement = numbered(statement.replace("%", "%%"), lambda _: "%s")
        cursor.execute(statement, parameters)
        rows = [tuple(row) for row in cursor.fetchall()] if cursor.description else None
        return [tuple(c) for c in cursor.description or ()], rows, cursor.rowcount

    def fields(self, case):
        try:
            self.run(case.statement)
        except self.driver.DatabaseError as error:
            # File, line and routine of PostgreSQL's own source.
            return {key: value for key, value in error.args[0].items() if key not in "FLR"}
        return None

    def transaction(self, case):
        self.connection.autocommit = False
        self.run("INSERT INTO person VALUES (4, 'D', 1)")
        self.connection.commit()
        self.run("DELETE FROM person WHERE id = 1")
        self.connection.rollback()
        return self.run(case.statement)

    def large(self, case):
        rows = self.run(case.statement)[1]
        return len(rows), sum(r[0] for r in rows), sum(r[1] for r in rows), rows[0], rows[-1]

    def copy_out(self, case):
        into = io.BytesIO()
        cursor = self.connection.cursor()
        cursor.execute(case.statement, stream=into)
        return into.getvalue(), cursor.rowcount

    def copy_in(self, case):
        data = io.BytesIO()
        cursor = self.connection.cursor()
        cursor.execute(case.steps[0], stream=data)
        data.seek(0)
        cursor.execute(case.statement, stream=data)
        return cursor.rowcount, self.run(case.steps[1])

    def listen(self, case):
        self.run(f"LISTEN {case.statement}")
        with contextlib.closing(Pg8000(self.server)) as other:
            for payload in case.parameters:
                other.run("SELECT pg_notify($1, $2)", (case.statement, payload))
        deadline = time.monotonic() + 10
        while len(self.connection.notifications) < len(case.parameters) and time.monotonic() < deadline:
            self.run("SELECT 1 AS a")
        return [(channel, payload) for _, channel, payload in self.connection.notifications]
