"""Programs of PostgreSQL as the matrix uses them: psql, pgbench, and a PostgreSQL server whose foreign tables are ours."""

import contextlib
import os
import re
import signal
import subprocess
import tempfile
import time

import psycopg
from matrix_client import Client


class Psql(Client):
    """psql, whose queries are simple ones."""

    needs = ("psql",)
    takes_parameters = False
    sessions = 1

    def open(self):
        dsn = self.dsn
        self.place = ["-h", dsn["host"], "-p", str(dsn["port"]), "-U", dsn["user"]]
        self.environment = {**os.environ, "PGPASSWORD": dsn["password"], "LC_ALL": "C.UTF-8", "PGTZ": "UTC"}

    def close(self):
        pass

    def started(self, *arguments):
        return subprocess.Popen(
            ["psql", "-X", *self.place, "-d", self.dsn["dbname"], "-P", "pager=off", "-P", "null=(null)", *arguments],
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def told(self, *commands, stdin=b"", settings=("VERBOSITY=sqlstate",)):
        """Both outputs of psql; its exit code is 1 if the last command failed."""
        arguments = [part for command in commands for part in ("-c", command)]
        arguments += [part for setting in settings for part in ("-v", setting)]
        process = self.started(*arguments)
        out, err = process.communicate(stdin, timeout=120)
        return process.returncode, out, err.decode()

    def run(self, statement, parameters=()):
        code, out, err = self.told(statement)
        assert code == 0, err
        return out.decode()

    def query(self, case):
        return self.run(case.statement)

    def described(self, case):
        code, out, err = self.told(stdin=f"{case.statement} \\gdesc\n".encode())
        return code, out.decode(), err

    def script(self, case):
        code, out, err = self.told(*case.steps)
        return code, out.decode(), err

    def fields(self, case):
        return self.told(case.statement, settings=())

    def pieces(self, case):
        return self.told(case.statement, settings=("FETCH_COUNT=300",))

    def large(self, case):
        out = self.run(case.statement).splitlines()
        return len(out), out[:4], out[-4:]

    def copy_out(self, case):
        return self.told("\\" + case.statement.replace("COPY", "copy", 1))

    def copy_in(self, case):
        code, data, err = self.told("\\" + case.steps[0].replace("COPY", "copy", 1))
        assert code == 0, err
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            command = case.statement.replace("COPY", "copy", 1).replace("STDIN", f"'{file.name}'")
            return self.told("\\" + command, case.steps[1])

    def listen(self, case):
        quoted = [payload.replace("'", "''") for payload in case.parameters]
        code, out, err = self.told(f"LISTEN {case.statement}", *(f"NOTIFY {case.statement}, '{p}'" for p in quoted))
        return code, re.sub(r"PID \d+", "PID n", out.decode()), err

    def cancel(self, case):
        process = self.started("-v", "VERBOSITY=sqlstate", "-c", case.statement, "-c", "SELECT 1 AS a")
        time.sleep(0.7)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
        return process.returncode, out, err

    def reflect(self, case):
        command = {
            "tables": r"\dt study|site",
            "views": r"\dv study*",
            "columns": r"\d study_doses",
            "primary key": r"\d study_pkey",
            "foreign keys": r"\d site",
            "indexes": r"\di study*",
            "unique constraints": r"\d study",
            "checks": r"\d+ study",
            "comments": r"\dt+ site",
        }[case.statement]
        # Unaligned, since sizes are those of files, which are others.
        code, out, err = self.told(r"\pset format unaligned", command, settings=("HIDE_TABLEAM=on",))
        return code, re.sub(r"\d+ (bytes|kB)", "n kB", out.decode()), err


class Pgbench(Client):
    needs = ("pgbench",)
    query = script = prepared = insert_many = None
    takes_parameters = False
    sessions = 1

    def open(self):
        Psql.open(self)

    def close(self):
        pass

    def bench(self, *arguments):
        done = subprocess.run(
            ["pgbench", *self.place, *arguments, self.dsn["dbname"]],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return re.findall(r"(number of transactions.*|number of failed.*|query mode.*)", done.stdout)

    def rows(self, statement):
        with psycopg.connect(**self.dsn, autocommit=True) as connection:
            return connection.execute(statement).fetchall()

    def load(self, case):
        script = (
            "\\set id :client_id * 1000 + 10\n"
            "SELECT count(*) AS n, max(id) AS m FROM person WHERE id < :id \\gset\n"
            "INSERT INTO person SELECT :id + count(*), 'of ' || :client_id, 1.5 FROM person WHERE id >= :id AND id < :id + 1000;\n"
            "SELECT name, weight FROM person WHERE id = :id;\n"
        )
        with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
            file.write(script)
            file.flush()
            told = self.bench("-n", "-f", file.name, "-M", case.statement, "-c", "2", "-j", "2", "-t", "10")
        return told, self.rows("SELECT * FROM person ORDER BY id")

    def removed(self):
        for table in ("pgbench_history", "pgbench_tellers", "pgbench_accounts", "pgbench_branches"):
            with psycopg.connect(**self.dsn, autocommit=True) as connection:
                connection.execute(f"DROP TABLE IF EXISTS {table}")

    def tables_of_tpcb(self, case):
        self.removed()
        try:
            # Tables, their rows by COPY, keys; without VACUUM.
            self.bench("-i", "-I", "dtgp", "-s", "1", "-q")
            return self.rows("SELECT count(*), sum(aid), min(abalance) FROM pgbench_accounts")
        finally:
            self.removed()

    def tpcb(self, case):
        self.removed()
        try:
            # The rows made by the server.
            self.bench("-i", "-I", "dtGp", "-s", "1", "-q")
            told = self.bench("-n", "-M", case.statement, "-c", "1", "-t", "5")
            sums = self.rows(
                "SELECT (SELECT count(*) FROM pgbench_history), (SELECT sum(abalance) FROM pgbench_accounts) = "
                "(SELECT sum(delta) FROM pgbench_history)"
            )
            return told, sums
        finally:
            self.removed()


class PostgresFdw(Client):
    """Foreign tables of PostgreSQL 15, which asks the server for their rows. `near` is that PostgreSQL."""

    needs = ("postgres_fdw", "psycopg")
    takes_parameters = False
    sessions = 1
    # What names no foreign table, or is found wrong before the other server is asked.
    without = ("no rows", "information_schema", "missing column: fields", "table exists: fields", "division by zero: fields", "value too long: fields")
    script = prepared = insert_many = None
    near = None

    def open(self):
        self.connection = psycopg.connect(**self.near, autocommit=True)
        dsn = self.dsn
        for statement in (
            "CREATE EXTENSION IF NOT EXISTS postgres_fdw",
            "DROP SERVER IF EXISTS far CASCADE",
            "DROP SCHEMA IF EXISTS far CASCADE",
            "CREATE SCHEMA far",
            "CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw "
            f"OPTIONS (host '{dsn['host']}', port '{dsn['port']}', dbname '{dsn['dbname']}', fetch_size '70')",
            f"CREATE USER MAPPING FOR CURRENT_USER SERVER far OPTIONS (user '{dsn['user']}', password '{dsn['password']}')",
            "IMPORT FOREIGN SCHEMA public FROM SERVER far INTO far",
            "SET search_path = far",
        ):
            self.connection.execute(statement)

    def close(self):
        with contextlib.suppress(psycopg.Error):
            self.connection.execute("DROP SERVER far CASCADE")
        self.connection.close()

    def run(self, statement, parameters=()):
        cursor = self.connection.execute(statement)
        return cursor.statusmessage, cursor.fetchall() if cursor.description else None

    def query(self, case):
        """Only what names a table of ours asks the other server."""
        plan = self.run("EXPLAIN (VERBOSE, COSTS OFF) " + case.statement)[1]
        assert "Remote SQL" in str(plan), plan
        return self.run(case.statement), plan

    def fields(self, case):
        try:
            self.run(case.statement)
        except psycopg.Error as error:
            assert "remote SQL command" in error.diag.context, "the other server was asked"
            return error.sqlstate, error.diag.message_primary, error.diag.message_detail, error.diag.context
        return None

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

    def joined(self, case):
        with self.connection.transaction():
            self.run("CREATE TEMP TABLE beside (id int, colour text)")
            self.run("INSERT INTO beside VALUES (1, 'red'), (3, 'blue'), (9, 'none')")
            self.run("ANALYZE person")
            told = self.query(case)
            self.run("DROP TABLE beside")
        return told

    def imported(self, case):
        return self.run(
            "SELECT attname, format_type(atttypid, atttypmod), attnotnull, attfdwoptions FROM pg_attribute "
            "WHERE attrelid = 'far.person'::regclass AND attnum > 0 ORDER BY attnum"
        )
