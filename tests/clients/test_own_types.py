"""Types and functions of one's own as drivers see them, on Radlake as on PostgreSQL 15."""

import asyncio
import enum

import asyncpg
import psycopg
import pytest
import sqlalchemy
from psycopg.types.enum import EnumInfo, register_enum
from support import Lake, Server


@pytest.fixture(scope="module")
def both(radlake, postgres, tmp_path_factory):
    lake = Lake(radlake, tmp_path_factory.mktemp("own_types") / "lake")
    lake.init()
    with Server(lake) as server:
        yield server, postgres


def answers(both, ask):
    """What each of the two says, which must be the same."""
    own, other = (ask(server) for server in both)
    assert own == other
    return own


def test_psycopg(both):
    class Mood(enum.Enum):
        SAD = "sad"
        OK = "ok"
        HAPPY = "happy"

    def ask(server):
        with psycopg.connect(**server.dsn, autocommit=True) as connection:
            connection.execute("CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy')")
            connection.execute("CREATE TABLE felt (id int, m mood, ms mood[])")
            info = EnumInfo.fetch(connection, "mood")
            register_enum(info, connection, Mood, mapping={member: member.value for member in Mood})
            for binary in (False, True):
                connection.cursor(binary=binary).execute(
                    "INSERT INTO felt VALUES (%s, %s, %s)", (int(binary), Mood.HAPPY, [Mood.SAD, Mood.OK]), binary=binary
                )
            rows = connection.execute("SELECT * FROM felt ORDER BY id").fetchall()
            rows += connection.cursor(binary=True).execute("SELECT m, ms FROM felt WHERE m > %s", (Mood.OK,)).fetchall()
            with pytest.raises(psycopg.errors.InvalidTextRepresentation):
                connection.execute("INSERT INTO felt VALUES (9, 'angry')")
            return info.labels, rows

    labels, rows = answers(both, ask)
    assert list(labels) == ["sad", "ok", "happy"]
    assert rows[0] == (0, Mood.HAPPY, [Mood.SAD, Mood.OK])


def test_copy(both):
    def ask(server):
        with psycopg.connect(**server.dsn, autocommit=True) as connection:
            connection.execute("CREATE TYPE stage AS ENUM ('I', 'II', 'III')")
            connection.execute("CREATE DOMAIN percent AS int CHECK (VALUE BETWEEN 0 AND 100)")
            connection.execute("CREATE TABLE seen (s stage, p percent)")
            for form, rows in (("text", b"I\t5\nIII\t\\N\n"), ("csv", b"II,100\n")):
                with connection.cursor().copy(f"COPY seen FROM STDIN (FORMAT {form})") as copy:
                    copy.write(rows)
            states = []
            for row in (b"IV,1\n", b"I,101\n"):
                with pytest.raises(psycopg.Error) as raised, connection.cursor().copy(
                    "COPY seen FROM STDIN (FORMAT csv)"
                ) as copy:
                    copy.write(row)
                states.append(raised.value.sqlstate)
            with connection.cursor().copy("COPY (SELECT * FROM seen ORDER BY s DESC) TO STDOUT") as copy:
                out = b"".join(bytes(part) for part in copy)
            with connection.cursor().copy("COPY (SELECT s FROM seen ORDER BY s) TO STDOUT (FORMAT binary)") as copy:
                binary = b"".join(bytes(part) for part in copy)
            return states, out, binary

    states, out, _ = answers(both, ask)
    assert states == ["22P02", "23514"]
    assert out == b"III\t\\N\nII\t100\nI\t5\n"


def test_asyncpg(both):
    async def run(server):
        dsn = server.dsn
        connection = await asyncpg.connect(
            host=dsn["host"], port=dsn["port"], user=dsn["user"], password=dsn["password"], database=dsn["dbname"]
        )
        try:
            await connection.execute("CREATE TYPE side AS ENUM ('left', 'right')")
            await connection.execute("CREATE TABLE lung (id int, s side)")
            await connection.execute("INSERT INTO lung VALUES (1, 'right'), (2, 'left')")
            await connection.execute("INSERT INTO lung VALUES ($1, $2::text::side)", 3, "left")
            return [tuple(row) for row in await connection.fetch("SELECT id, s FROM lung ORDER BY s, id")]
        finally:
            await connection.close()

    assert answers(both, lambda server: asyncio.run(run(server))) == [(2, "left"), (3, "left"), (1, "right")]


def test_sqlalchemy(both):
    def ask(server):
        dsn = server.dsn
        url = sqlalchemy.URL.create(
            "postgresql+psycopg", dsn["user"], dsn["password"], dsn["host"], dsn["port"], dsn["dbname"]
        )
        engine = sqlalchemy.create_engine(url)
        metadata = sqlalchemy.MetaData()
        cases = sqlalchemy.Table(
            "cases",
            metadata,
            sqlalchemy.Column("id", sqlalchemy.Integer, primary_key=True),
            sqlalchemy.Column("sex", sqlalchemy.Enum("female", "male", name="sex"), nullable=False),
        )
        metadata.create_all(engine)
        with engine.begin() as connection:
            connection.execute(cases.insert(), [{"id": 1, "sex": "male"}, {"id": 2, "sex": "female"}])
            rows = connection.execute(cases.select().order_by(cases.c.sex)).fetchall()
            found = connection.execute(cases.select().where(cases.c.sex == "male")).fetchall()
        inspector = sqlalchemy.inspect(engine)
        enums = [(one["name"], one["labels"]) for one in inspector.get_enums() if one["name"] == "sex"]
        columns = [(one["name"], repr(one["type"])) for one in inspector.get_columns("cases")]
        metadata.drop_all(engine)
        left = [one["name"] for one in sqlalchemy.inspect(engine).get_enums() if one["name"] == "sex"]
        engine.dispose()
        return [tuple(row) for row in rows + found], enums, columns, left

    rows, enums, _, left = answers(both, ask)
    assert rows == [(2, "female"), (1, "male"), (1, "male")]
    assert enums == [("sex", ["female", "male"])]
    assert left == []


def test_psql_describes_them(both):
    import os
    import subprocess

    def ask(server):
        dsn = server.dsn
        commands = [
            "CREATE SCHEMA shown",
            "SET search_path = shown",
            "CREATE TYPE grade AS ENUM ('low', 'high')",
            "CREATE FUNCTION raise(g int, by int DEFAULT 1) RETURNS int LANGUAGE SQL IMMUTABLE AS 'SELECT g + by'",
            r"\dT+ grade",
            r"\df raise",
            r"\dT",
        ]
        arguments = [argument for command in commands for argument in ("-c", command)]
        done = subprocess.run(
            ["psql", "-X", "-q", "-h", dsn["host"], "-p", str(dsn["port"]), "-U", dsn["user"], *arguments, dsn["dbname"]],
            env={**os.environ, "PGPASSWORD": dsn["password"]},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "grade" in answers(both, ask)


def test_a_restart_and_another_server(radlake, tmp_path):
    lake = Lake(radlake, tmp_path / "lake")
    lake.init()
    with Server(lake) as one, psycopg.connect(**one.dsn, autocommit=True) as first:
        first.execute("CREATE TYPE size AS ENUM ('s', 'm')")
        first.execute("CREATE FUNCTION bigger(n int) RETURNS int LANGUAGE SQL AS 'SELECT n + 1'")
        first.execute("CREATE TABLE shirt (s size)")
        first.execute("INSERT INTO shirt VALUES ('m'), ('s')")
        with Server(lake) as two, psycopg.connect(**two.dsn, autocommit=True) as second:
            second.execute("ALTER TYPE size ADD VALUE 'xs' BEFORE 's'")
            first.execute("INSERT INTO shirt VALUES ('xs')")
            assert second.execute("SELECT s FROM shirt ORDER BY s").fetchall() == [("xs",), ("s",), ("m",)]
            assert second.execute("SELECT bigger(1)").fetchall() == [(2,)]
    with Server(lake) as again, psycopg.connect(**again.dsn, autocommit=True) as third:
        assert third.execute("SELECT max(s), bigger(2) FROM shirt").fetchall() == [("m", 3)]


def test_a_mask_is_not_taken_over(radlake, tmp_path):
    """Whoever a mask binds makes a function of the name that it calls."""
    lake = Lake(radlake, tmp_path / "lake")
    lake.init()
    with Server(lake) as server, psycopg.connect(**server.dsn, autocommit=True) as connection:
        for statement in (
            "CREATE ROLE bob",
            "CREATE SCHEMA bobs AUTHORIZATION bob",
            "CREATE TABLE names (name text)",
            "INSERT INTO names VALUES ('Eve')",
            "CREATE FUNCTION hide(t text) RETURNS text LANGUAGE SQL IMMUTABLE AS $$ SELECT upper(left(t, 1)) $$",
            "GRANT SELECT ON names TO bob",
            "SECURITY LABEL FOR anon ON ROLE bob IS 'MASKED'",
        ):
            connection.execute(statement)
        label = "SECURITY LABEL FOR anon ON COLUMN names.name IS 'MASKED WITH FUNCTION %s(name)'"
        with pytest.raises(psycopg.errors.UndefinedFunction):
            connection.execute(label % "hide")
        connection.execute(label % "public.hide")
        connection.execute("SET ROLE bob")
        connection.execute("CREATE FUNCTION bobs.hide(t text) RETURNS text LANGUAGE SQL IMMUTABLE AS 'SELECT t'")
        for path in ("public", "bobs, public", "bobs"):
            connection.execute(f"SET search_path = {path}")
            assert connection.execute("SELECT name FROM public.names").fetchall() == [("E",)]
        connection.execute("RESET ROLE")
        with pytest.raises(psycopg.errors.DependentObjectsStillExist):
            connection.execute("DROP FUNCTION public.hide(text)")
