"""The cases that every client is put through, on Radlake and on PostgreSQL 15; what it answers there is what it must answer here."""

import dataclasses
import datetime
import decimal
import re
import uuid

from matrix_known import LIMITS, MISSING

__all__ = ["CASES", "CLIENTS", "LIMITS", "MISSING", "Case", "pairs"]

CLIENTS = (
    "psql",
    "pgbench",
    "postgres_fdw",
    "psycopg",
    "psycopg binary",
    "psycopg async",
    "psycopg named cursor",
    "psycopg pipeline",
    "psycopg2",
    "asyncpg",
    "pg8000",
    "JDBC",
    "ODBC",
    "ODBC UseDeclareFetch",
    "node-postgres",
    "SQLAlchemy",
    "pandas",
    "ADBC",
    "polars ADBC",
    "polars connectorx",
)


@dataclasses.dataclass(frozen=True)
class Case:
    """A statement with what it needs.

    `does` is the method of a client that carries it out: a client without it has no such feature. Parameters are numbered as in
    PostgreSQL, each used once and in order, since most clients have other placeholders. A step that begins with `2>` is
    a second session's.
    """

    name: str
    feature: str
    statement: str = ""
    setup: tuple = ()
    parameters: tuple = ()
    steps: tuple = ()
    does: str = "query"
    without: tuple = ()

    @property
    def reads(self):
        """Whether it leaves everything as it was, so that the next case can have the same tables."""
        if self.feature == "errors" or self.does in ("fields", "described", "large", "pieces", "copy_out", "reflect"):
            return True
        return self.does == "query" and re.match("SELECT|WITH", self.statement) is not None

    @property
    def tables(self):
        made = (*self.setup, *self.steps)
        return [m.group(1) for s in made if (m := re.search(r"CREATE (?:UNLOGGED )?TABLE (\w+)", s))]


def typed(name, *columns):
    """A type's values through a table; each column is its type and literals, and every table ends with a row of NULLs."""
    names = "abcdef"[: len(columns)]
    table = re.sub(r"\W+", "_", f"kept {name}".replace("[]", " array")).strip("_").lower()
    declared = ", ".join(f"{n} {c[0]}" for n, c in zip(names, columns))
    rows = [[f"'{v}'" for v in row] for row in zip(*(c[1:] for c in columns))]
    rows.append(["NULL"] * len(columns))
    values = ", ".join(f"({i}, {', '.join(row)})" for i, row in enumerate(rows))
    return Case(
        name=name,
        feature="types",
        setup=(f"CREATE TABLE {table} (id int PRIMARY KEY, {declared})", f"INSERT INTO {table} VALUES {values}"),
        statement=f"SELECT * FROM {table} ORDER BY id",
    )


def together(*cases):
    """Cases that read only, over one set of tables."""
    setup = tuple(statement for case in cases for statement in case.setup)
    return tuple(dataclasses.replace(case, setup=setup) for case in cases)


TYPES = together(
    typed("integers", ("int2", -32768, 32767), ("int4", -2147483648, 2147483647), ("int8", -(2**63), 2**63 - 1)),
    typed("floats", ("float4", 1.5, "NaN", "-Infinity", "1e-30"), ("float8", 0.1, "NaN", "Infinity", "-1.7e308")),
    typed("numeric(10,2)", ("numeric(10,2)", "12345678.90", "-0.01", "0")),
    typed("numeric", ("numeric", "1234567890123456789.0123456789", "-0.10", "100", "0.000000001")),
    typed("boolean", ("bool", "true", "false")),
    typed("text", ("text", "it''s \"quoted\"", "", "tab\tand\nline, \\ 100%", "naïve Größe 漢字 🩻"), ("varchar(9)", "a", "", " ", "ü")),
    typed("bytea", ("bytea", "", r"\x00ff27225c0a", r"\xdeadbeef")),
    typed("date", ("date", "2024-02-29", "1969-12-31", "0001-01-01", "9999-12-31")),
    typed("time", ("time", "00:00:00", "23:59:59.999999")),
    typed("timestamp", ("timestamp", "2024-02-29 12:34:56.789012", "1969-12-31 23:59:59", "0001-01-01 00:00:00")),
    typed("timestamptz", ("timestamptz", "2024-02-29 12:34:56.789012+05:30", "1969-12-31 23:59:59+00")),
    typed("interval", ("interval", "3 days 04:05:06.789", "-1 hour", "0")),
    typed("interval with months", ("interval", "1 year 2 months 3 days", "-1 month")),
    typed("uuid", ("uuid", "00000000-0000-0000-0000-000000000000", "c0ffee00-1234-5678-9abc-def012345678")),
    typed("int[]", ("int[]", "{1,2,3}", "{}", "{NULL,-1}")),
    typed("text[]", ("text[]", '{a,"b,c","d\\\\e","NULL",NULL,"",ü}', "{}")),
    typed("json", ("json", '{"b": 1,  "a": [true, null, "ü"]}', "[]", "null")),
    typed("jsonb", ("jsonb", '{"b": 1,  "a": [true, null, "ü"]}', "[1.50, 1e3]", '"x"')),
)

# Apart, so that the others are tested where these cannot be stored.
TYPES += (typed("NaN as numeric", ("numeric(10,2)", "NaN")),)

MODIFIED = ("CREATE TABLE modified (n numeric(10,2), v varchar(9), u numeric)",)

DESCRIBED = (
    Case("modifiers of columns", "columns described", "SELECT n, v FROM modified", MODIFIED, does="described"),
    Case("numeric without modifier", "columns described", "SELECT u, sum(n) AS s, avg(n) AS a, 1.5 + 1 AS e FROM modified GROUP BY u", MODIFIED, does="described"),
    Case("generate_series of int4", "columns described", "SELECT g FROM generate_series(1, 3) g", MODIFIED, does="described"),
    Case("sums and counts", "columns described", "SELECT count(*) AS c, sum(1) AS s, sum(1::int8) AS b, max(2::int2) AS m FROM modified", MODIFIED, does="described"),
)

PERSON = (
    "CREATE TABLE person (id int PRIMARY KEY, name text NOT NULL, weight numeric(10,2))",
    "INSERT INTO person VALUES (1, 'Anna', 61.50), (2, 'Bela', NULL), (3, 'Cem', 80.25)",
)


def parameter(name, type_, *values):
    names = ", ".join(f"CAST(${i} AS {type_}) AS p{i}" for i in range(1, len(values) + 1))
    return Case(name=f"parameter {name}", feature="parameters", statement=f"SELECT {names}", parameters=values)


ZONE = datetime.timezone.utc
PARAMETERS = (
    parameter("integer", "int4", 0, -5, None),
    parameter("int8", "int8", 2**40, None),
    parameter("float", "float8", 0.1, float("nan"), float("-inf"), None),
    parameter("numeric", "numeric", decimal.Decimal("12.3400"), decimal.Decimal("-1e-7"), None),
    parameter("boolean", "bool", True, False, None),
    parameter("text", "text", "it's \"q\" \\ 漢字 🩻", "", None),
    parameter("bytea", "bytea", b"\x00\xff'\\", b"", None),
    parameter("date", "date", datetime.date(2024, 2, 29), None),
    parameter("timestamp", "timestamp", datetime.datetime(2024, 2, 29, 1, 2, 3, 456789), None),
    parameter("timestamptz", "timestamptz", datetime.datetime(2024, 2, 29, 1, 2, 3, tzinfo=ZONE), None),
    parameter("interval", "interval", datetime.timedelta(days=3, seconds=5, microseconds=7), None),
    parameter("uuid", "uuid", uuid.UUID("c0ffee00-1234-5678-9abc-def012345678"), None),
    parameter("int[]", "int[]", [1, 2, 3], [], None),
    parameter("text[]", "text[]", ["a", 'b,"c', ""], None),
    Case("untyped parameters", "parameters", "SELECT name FROM person WHERE id = $1 AND name = $2", PERSON, (2, "Bela")),
    Case(
        "array as a list", "parameters", "SELECT id FROM person WHERE id = ANY ($1) ORDER BY id", PERSON, ([1, 3],), does="query"
    ),
    Case(
        "INSERT with parameters",
        "parameters",
        "INSERT INTO person (id, name, weight) VALUES ($1, $2, $3)",
        PERSON,
        ((4, "Dora", decimal.Decimal("70.10")), (5, "it's", None), (6, "", decimal.Decimal("0"))),
        does="insert_many",
    ),
    Case(
        "LIMIT and OFFSET",
        "parameters",
        "SELECT id FROM person ORDER BY id LIMIT $1 OFFSET $2",
        PERSON,
        (1, 1),
    ),
)

STATEMENTS = (
    Case(
        "same statement again",
        "prepared statements",
        "SELECT id, name, weight FROM person WHERE id > $1 ORDER BY id",
        PERSON,
        (0, 1, 2, 9),
        does="prepared",
    ),
    Case(
        "table altered between runs",
        "prepared statements",
        "SELECT * FROM person WHERE id = $1",
        PERSON,
        (1, 2),
        ("ALTER TABLE person ADD COLUMN more int",),
        does="prepared",
    ),
    Case(
        "PREPARE and EXECUTE",
        "prepared statements",
        setup=PERSON,
        steps=(
            "PREPARE p (int) AS SELECT name FROM person WHERE id = $1",
            "EXECUTE p (1)",
            "EXECUTE p (2)",
            "DEALLOCATE p",
            "EXECUTE p (1)",
        ),
        does="script",
    ),
    Case("INSERT RETURNING", "RETURNING", "INSERT INTO person VALUES (7, 'Gül', 1.5), (8, 'Ha', 2) RETURNING *", PERSON, does="query"),
    Case("UPDATE RETURNING", "RETURNING", "UPDATE person SET weight = weight + 1 WHERE id = 1 RETURNING id, weight", PERSON),
    Case("DELETE RETURNING", "RETURNING", "DELETE FROM person WHERE id = 2 RETURNING id AS gone", PERSON),
    Case("upsert", "RETURNING", "INSERT INTO person VALUES (1, 'New') ON CONFLICT (id) DO UPDATE SET name = excluded.name RETURNING *", PERSON),
    Case("no rows", "queries", "SELECT id, name FROM person WHERE false", PERSON),
    Case("columns of one name", "queries", "SELECT id AS a, name AS a FROM person ORDER BY id", PERSON, without=("pandas", "ADBC", "polars ADBC", "polars connectorx")),
    Case("expressions without names", "queries", "SELECT 1, 'x', now() IS NULL, count(*), 1.5 + 1, NULL FROM person", PERSON),
    Case("aggregates", "queries", "SELECT count(*) AS n, sum(id) AS s, avg(id) AS m, min(name) AS l, sum(weight) AS w FROM person", PERSON),
    Case("WITH and windows", "queries", "WITH p AS (SELECT * FROM person) SELECT id, row_number() OVER (ORDER BY id DESC) AS r FROM p ORDER BY id", PERSON),
    Case("CREATE TABLE AS", "queries", setup=PERSON, steps=("CREATE TABLE made AS SELECT id, weight FROM person", "SELECT * FROM made ORDER BY id", "DROP TABLE made"), does="script"),
    Case("tags of commands", "queries", setup=PERSON, steps=("UPDATE person SET weight = 1", "DELETE FROM person WHERE id > 1", "INSERT INTO person VALUES (9, 'I', 0)", "SELECT 1 AS a", "TRUNCATE person"), does="script"),
    Case("100,000 rows", "large results", "SELECT CAST(g AS int8) AS id, g * 1.5::float8 AS x, 'row ' || g AS t FROM generate_series(1, 100000) g ORDER BY 1", does="large"),
    Case("fetched in pieces", "cursors", "SELECT CAST(g AS int4) AS id, 'row ' || g AS t FROM generate_series(1, 1000) g ORDER BY g", does="pieces"),
    Case(
        "DECLARE and FETCH",
        "cursors",
        setup=PERSON,
        steps=("BEGIN", "DECLARE c SCROLL CURSOR FOR SELECT id FROM person ORDER BY id", "FETCH 2 FROM c", "FETCH PRIOR FROM c", "MOVE 1 IN c", "FETCH ALL FROM c", "CLOSE c", "FETCH c", "ROLLBACK"),
        does="script",
    ),
)

TRANSACTIONS = (
    Case("commit, rollback, savepoint by the API", "transactions", "SELECT * FROM person ORDER BY id", PERSON, does="transaction"),
    Case(
        "BEGIN, SAVEPOINT, ROLLBACK TO",
        "transactions",
        setup=PERSON,
        steps=("BEGIN", "INSERT INTO person VALUES (4, 'D', 1)", "SAVEPOINT s", "DELETE FROM person", "SELECT count(*) FROM person", "ROLLBACK TO s", "SELECT 1 / 0", "SELECT 1", "ROLLBACK TO s", "RELEASE s", "COMMIT", "SELECT count(*) FROM person"),
        does="script",
    ),
    Case("isolation levels", "transactions", steps=("BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY", "SHOW transaction_isolation", "SHOW transaction_read_only", "COMMIT", "SHOW transaction_isolation"), does="script"),
    Case("read only", "transactions", setup=PERSON, steps=("BEGIN READ ONLY", "DELETE FROM person", "ROLLBACK"), does="script"),
    Case("temporary table", "temporary tables", setup=PERSON, steps=("CREATE TEMP TABLE mine AS SELECT id FROM person", "INSERT INTO mine VALUES (9)", "SELECT * FROM mine ORDER BY id", "2> SELECT * FROM mine", "DROP TABLE mine", "SELECT * FROM mine"), does="script"),
    Case("ON COMMIT DROP", "temporary tables", steps=("BEGIN", "CREATE TEMP TABLE mine (a int) ON COMMIT DROP", "INSERT INTO mine VALUES (1)", "SELECT * FROM mine", "COMMIT", "SELECT * FROM mine"), does="script"),
    Case("advisory locks", "advisory locks", steps=("SELECT pg_try_advisory_lock(7) AS got", "2> SELECT pg_try_advisory_lock(7) AS got", "SELECT pg_advisory_unlock(7) AS freed", "2> SELECT pg_try_advisory_lock(7) AS got", "2> SELECT pg_advisory_unlock(7) AS freed"), does="script"),
    Case("LISTEN and NOTIFY", "LISTEN/NOTIFY", "images", parameters=("first", "second, it's", ""), does="listen"),
    Case("NOTIFY in other letters", "LISTEN/NOTIFY", "images", parameters=("naïve 漢",), does="listen"),
    Case("cancel", "cancel", "SELECT pg_sleep(60)", does="cancel"),
    Case("statement_timeout", "cancel", steps=("SET statement_timeout = '100ms'", "SELECT pg_sleep(60)", "RESET statement_timeout", "SELECT 1 AS a"), does="script"),
)

CHECKED = ("CREATE TABLE checked (id int PRIMARY KEY, a int NOT NULL CONSTRAINT positive CHECK (a > 0), b varchar(3))", "INSERT INTO checked VALUES (1, 1)")


def fails(name, statement, setup=CHECKED):
    return (
        Case(name, "errors", setup=setup, steps=(statement, "SELECT 1 AS a"), does="script"),
        Case(f"{name}: fields", "error fields", statement, setup, does="fields"),
    )


ERRORS = (
    *fails("missing table", "SELECT * FROM nowhere"),
    *fails("missing column", "SELECT id, colour FROM checked"),
    *fails("missing function", "SELECT no_such(1)"),
    *fails("syntax error", "SELEC 1"),
    *fails("division by zero", "SELECT 1 / (id - 1) FROM checked"),
    *fails("primary key violated", "INSERT INTO checked VALUES (1, 2)"),
    *fails("NOT NULL violated", "INSERT INTO checked VALUES (2, NULL)"),
    *fails("check violated", "INSERT INTO checked VALUES (2, -1)"),
    *fails("value too long", "INSERT INTO checked VALUES (2, 1, 'four')"),
    *fails("text that is no number", "SELECT CAST('x' AS int)"),
    *fails("number out of range", "SELECT CAST(99999 AS int2)"),
    *fails("table exists", "CREATE TABLE checked (a int)"),
    *fails("types without operator", "SELECT true + 1"),
)

MIXED = (
    "CREATE TABLE mixed (id int PRIMARY KEY, t text, n numeric(10,2), b bytea, d date, z timestamptz, a int[], j jsonb)",
    "INSERT INTO mixed VALUES (1, E'tab\\t\"q\" it''s, \\\\ 漢', 1.50, '\\x00ff', '2024-02-29', '2024-02-29 12:00+01', '{1,NULL}', '{\"k\": 1}'), "
    "(2, '', NULL, '', NULL, NULL, '{}', 'null'), (3, NULL, -7, NULL, '1900-01-01', NULL, NULL, NULL)",
)
EMPTIED = (*MIXED, "CREATE TABLE taken (id int PRIMARY KEY, t text, n numeric(10,2), b bytea, d date, z timestamptz, a int[], j jsonb)")

COPIES = (
    *(
        Case(f"COPY TO {form}", "COPY", f"COPY (SELECT * FROM mixed ORDER BY id) TO STDOUT ({options})", MIXED, does="copy_out")
        for form, options in (("text", "FORMAT text"), ("csv", "FORMAT csv, HEADER"), ("binary", "FORMAT binary"))
    ),
    # What goes in is what came out of the same server.
    *(
        Case(
            f"COPY FROM {form}",
            "COPY",
            f"COPY taken FROM STDIN ({options})",
            EMPTIED,
            steps=(f"COPY (SELECT * FROM mixed ORDER BY id) TO STDOUT ({options})", "SELECT * FROM taken ORDER BY id"),
            does="copy_in",
        )
        for form, options in (("text", "FORMAT text"), ("csv", "FORMAT csv, HEADER"), ("binary", "FORMAT binary"))
    ),
    Case("COPY FROM with a bad line", "COPY", "COPY taken (id, t) FROM STDIN", EMPTIED, parameters=(b"1\ta\nx\tb\n",), steps=("SELECT * FROM taken",), does="copy_bad"),
    Case("records by COPY", "COPY", "SELECT id, t, n, d FROM taken ORDER BY id", EMPTIED, parameters=((1, "ü", decimal.Decimal("1.50"), datetime.date(2024, 2, 29)), (2, None, None, None)), does="records"),
)

REFLECTED = (
    "CREATE TABLE site (code varchar(8) PRIMARY KEY, name text NOT NULL)",
    "COMMENT ON TABLE site IS 'Where images come from'",
    "CREATE TABLE study (id int GENERATED BY DEFAULT AS IDENTITY, part int NOT NULL DEFAULT 1, site varchar(8) REFERENCES site (code), "
    "label text, dose numeric(10,2) CONSTRAINT dose_positive CHECK (dose > 0), tags text[], seen timestamptz DEFAULT now(), "
    "PRIMARY KEY (id, part), CONSTRAINT study_label UNIQUE (label))",
    "CREATE INDEX study_site ON study (site, dose DESC)",
    "COMMENT ON COLUMN study.dose IS 'in mGy'",
    "CREATE VIEW study_doses AS SELECT id, dose FROM study",
)


def reflected(what):
    return Case(what, "reflection", what, REFLECTED, does="reflect")


REFLECTION = (
    *(reflected(what) for what in ("tables", "views", "columns", "primary key", "foreign keys", "indexes", "unique constraints", "checks", "comments")),
    Case(
        "information_schema",
        "reflection",
        "SELECT column_name, data_type, is_nullable, character_maximum_length, numeric_precision, numeric_scale, udt_name "
        "FROM information_schema.columns WHERE table_name = 'study' ORDER BY ordinal_position",
        REFLECTED,
    ),
)

FRAMES = (
    Case("frame written", "frames", "SELECT * FROM framed ORDER BY id", does="write"),
    Case("frame appended", "frames", "SELECT * FROM framed ORDER BY id", does="append"),
    Case("joined with a local table", "federation", "SELECT p.name, l.colour FROM person p JOIN beside l ON l.id = p.id ORDER BY 1", PERSON, does="joined"),
    Case("tables and keys imported", "federation", "SELECT * FROM person", PERSON, does="imported"),
    Case("aggregate pushed down", "federation", "SELECT count(*) AS n, max(name COLLATE \"C\") AS m, avg(weight) AS w FROM person WHERE id < 3", PERSON, does="query"),
    *(Case(f"select and insert, {mode}", "load", mode, PERSON, does="load") for mode in ("simple", "extended", "prepared")),
    Case("TPC-B tables (-i)", "load", "Ig", does="tables_of_tpcb"),
    Case("TPC-B", "load", "prepared", does="tpcb"),
)

CASES = (*TYPES, *DESCRIBED, *PARAMETERS, *STATEMENTS, *TRANSACTIONS, *ERRORS, *COPIES, *REFLECTION, *FRAMES)


def pairs(clients):
    """Each client with each case that it can carry out: `clients` are names with their classes."""
    return [(name, case) for case in CASES for name in CLIENTS if suits(clients[name], name, case)]


def suits(client, name, case):
    if name in case.without or case.name in client.without or not getattr(client, case.does, None):
        return False
    if case.parameters and not client.takes_parameters and case.does != "listen":
        return False
    if name == "postgres_fdw" and not any(f" {table}" in case.statement for table in case.tables):
        return False
    return client.sessions > 1 or not any(step.startswith("2>") for step in case.steps)
