"""What an error says of a violated constraint beside its message: the fields that object mappers read, as PostgreSQL gives them, without values."""

import re

import psycopg
import pytest
from support import Lake, Server

SCHEMA = """
CREATE SCHEMA strict;
CREATE DOMAIN strict.positive AS int CONSTRAINT above_zero CHECK (VALUE > 0);
CREATE DOMAIN strict.given AS text NOT NULL;
CREATE TABLE strict.site (code int, "Part" int, name text NOT NULL, dose int CONSTRAINT small CHECK (dose < 100), PRIMARY KEY (code, "Part"));
CREATE TABLE strict.typed (p strict.positive, g strict.given);
CREATE TABLE strict.loose (a int, b int);
INSERT INTO strict.site VALUES (1, 1, 'a', 1);
INSERT INTO strict.loose VALUES (1, NULL), (1, 200);
"""
STATEMENTS = (
    "INSERT INTO strict.site VALUES (1, 1, 'b', 2)",
    "INSERT INTO strict.site SELECT 2, 2, 'x', 1 FROM generate_series(1, 2)",
    "INSERT INTO strict.site VALUES (2, 1, 'b', 2), (3, 1, 'c', 2); UPDATE strict.site SET code = 1 WHERE code = 2",
    "INSERT INTO strict.site VALUES (4, 1, NULL, 2)",
    "INSERT INTO strict.site VALUES (NULL, 1, 'c', 2)",
    "UPDATE strict.site SET name = NULL",
    "INSERT INTO strict.site VALUES (5, 1, 'c', 200)",
    "UPDATE strict.site SET dose = 100",
    "INSERT INTO strict.site VALUES (1, 1, 'c', 300) ON CONFLICT (code, \"Part\") DO UPDATE SET dose = excluded.dose",
    "MERGE INTO strict.site s USING (VALUES (9)) v (c) ON s.code = v.c WHEN NOT MATCHED THEN INSERT VALUES (v.c, 1, 'm', 500)",
    "INSERT INTO strict.typed VALUES (0, 'x')",
    "INSERT INTO strict.typed VALUES (1, NULL)",
    "SELECT CAST(-1 AS strict.positive)",
    "ALTER TABLE strict.loose ADD CONSTRAINT loose_key PRIMARY KEY (a)",
    "ALTER TABLE strict.loose ALTER b SET NOT NULL",
    "ALTER TABLE strict.loose ADD CONSTRAINT few CHECK (b < 100)",
    "CREATE TYPE strict.twice AS ENUM ('a', 'a')",
)
FIELDS = "sqlstate message_primary schema_name table_name column_name datatype_name constraint_name".split()


@pytest.fixture(scope="module")
def both(radlake, postgres, tmp_path_factory):
    lake = Lake(radlake, tmp_path_factory.mktemp("violations") / "lake")
    lake.init()
    with Server(lake) as server:
        for place in (server, postgres):
            with psycopg.connect(**place.dsn, autocommit=True) as connection:
                connection.execute(SCHEMA)
        yield server, postgres


def told(server, statement):
    with psycopg.connect(**server.dsn) as connection:
        # Names of types without their schema, as messages have them within the search path.
        connection.execute("SET search_path = strict")
        with pytest.raises(psycopg.Error) as raised:
            connection.execute(statement)
        connection.rollback()
    return raised.value.diag


@pytest.mark.parametrize("statement", STATEMENTS)
def test_fields_are_postgresqls(statement, both):
    ours, theirs = (told(server, statement) for server in both)
    assert {field: getattr(ours, field) for field in FIELDS} == {field: getattr(theirs, field) for field in FIELDS}
    # Rows are never told, and of keys their columns only.
    detail = theirs.message_detail
    told_of_rows = detail is None or detail.startswith("Failing row")
    assert ours.message_detail == (None if told_of_rows else re.sub(r"=\(.*\) ", " ", detail))


def test_copy_tells_of_the_constraint(both):
    for server in both:
        with psycopg.connect(**server.dsn) as connection, pytest.raises(psycopg.errors.CheckViolation) as raised:
            with connection.cursor().copy("COPY strict.site FROM STDIN") as copy:
                copy.write("7\t1\tn\t1000\n")
        diag = raised.value.diag
        assert (diag.schema_name, diag.table_name, diag.constraint_name) == ("strict", "site", "small")
