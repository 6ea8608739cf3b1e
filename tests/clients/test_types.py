"""Every type, text and binary: the same bytes as PostgreSQL's, and the same values from every driver."""

import asyncio
import datetime
import decimal
import json
import math
import uuid

import asyncpg
import psycopg
import pytest

# One expression per line, of every type that a table of ours can have, with extremes, NULLs and arrays.
EXPRESSIONS = [
    "true", "false", "NULL::bool", "ARRAY[true, NULL, false]",
    "1::int2", "(-32768)::int2", "NULL::int2",
    "0::int4", "2147483647::int4", "(-2147483648)::int4", "NULL::int4", "ARRAY[1, NULL, -3]::int4[]",
    "9223372036854775807::int8", "(-9223372036854775808)::int8", "NULL::int8", "ARRAY[1, NULL, -3]::int8[]",
    "1.5::float4", "0.1::float4", "'NaN'::float4", "'Infinity'::float4", "'1e-40'::float4", "NULL::float4",
    "0.1::float8", "'-0'::float8", "'1e300'::float8", "123456789012345680::float8", "1e15::float8", "1e16::float8",
    "1e-5::float8", "0.0001::float8", "'4.9e-324'::float8", "'NaN'::float8", "'-Infinity'::float8", "NULL::float8",
    "ARRAY[0.5, NULL, 'NaN']::float8[]",
    "0::numeric(5,0)", "123.4500::numeric(10,4)", "(-0.0001)::numeric(10,4)", "99999999.99::numeric(20,2)",
    "'12345678901234567890123456789.123456789'::numeric(38,9)", "10000::numeric(20,0)", "NULL::numeric",
    "''::text", "'a'::text", "'é\u65e5\u672c😀'::text", "'a\\b''c\"d'::text", "NULL::text",
    "ARRAY['a', NULL, '', 'NULL', 'null', 'a,b', '\"q\"', 'b\\s', '{}', ' x ', 'é']::text[]",
    "NULL::text[]", "ARRAY[]::text[]", "ARRAY[]::int4[]", "ARRAY[NULL]::text[]",
    "'2024-02-29'::date", "'1600-01-01'::date", "'9999-12-31'::date", "'0001-01-01'::date", "NULL::date",
    "ARRAY['2024-02-29', NULL]::date[]",
    "'00:00:00'::time", "'23:59:59.999999'::time", "'12:34:56.5'::time", "NULL::time",
    "'2024-02-29 12:34:56.789'::timestamp", "'1969-12-31 23:59:59.999999'::timestamp", "NULL::timestamp",
    "'2024-02-29 12:34:56+02'::timestamptz", "'1900-01-01 00:00:00+00'::timestamptz", "NULL::timestamptz",
    "ARRAY['2024-02-29 12:34:56+00', NULL]::timestamptz[]",
    "interval '1 day 2 hours'", "interval '-3 months 5 days 00:00:01.5'", "interval '0'", "NULL::interval",
    "'\\xdeadbeef'::bytea", "''::bytea", "NULL::bytea",
    "1::oid", "NULL",
]


def ask(connection, statement, binary):
    """(type, bytes) of the one value that a statement answers, as they came over the wire."""
    cursor = connection.cursor(binary=binary)
    cursor.execute(statement)
    result = cursor.pgresult
    return result.ftype(0), result.get_value(0, 0)


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_bytes_are_those_of_postgres(connection, postgres, expression, binary):
    with psycopg.connect(**postgres.dsn, autocommit=True) as peer:
        expected = ask(peer, f"SELECT {expression}", binary)
    assert ask(connection, f"SELECT {expression}", binary) == expected


PARAMETERS = [
    (True, "bool"), (None, "int4"), (7, "int2"), (-7, "int4"), (2**62, "int8"), (0.1, "float8"), (1.5, "float4"),
    ("a'b\\c é", "text"), (datetime.date(2024, 2, 29), "date"), (datetime.time(1, 2, 3, 4), "time"),
    (datetime.datetime(2024, 2, 29, 1, 2, 3, 4), "timestamp"),
    (datetime.datetime(2024, 2, 29, 1, 2, 3, 4, datetime.UTC), "timestamptz"),
    (decimal.Decimal("123.4500"), "numeric"), (b"\x00\xff", "bytea"),
    ([1, None, 3], "int4[]"), (["a", None, 'b"'], "text[]"), ([0.5, None], "float8[]"), (None, "text"),
    (uuid.UUID(int=5), "uuid"),
]


@pytest.mark.parametrize("value,kind", PARAMETERS, ids=lambda v: str(v)[:20])
def test_parameters_come_back(demo_server, connection, value, kind):
    for binary in (False, True):
        placeholder = "%b" if binary else "%t"
        try:
            row = connection.execute(f"SELECT {placeholder}::{kind} AS v", [value], binary=binary).fetchone()
        except psycopg.NotSupportedError:
            assert value is None  # %b of None has no dumper
            continue
        assert row == (value,)

    async def fetch():
        peer = await asyncpg.connect(**asyncpg_dsn(demo_server))
        try:
            return await peer.fetchval(f"SELECT $1::{kind}", value)
        finally:
            await peer.close()

    assert asyncio.run(fetch()) == value


def test_null_parameters_do_not_shift_others(connection):
    row = connection.execute("SELECT %s::int4, %s::text, %s::int4", [1, None, 3]).fetchone()
    assert row == (1, None, 3)


@pytest.mark.parametrize(
    "condition,values,count",
    [
        ("t = ANY (%s)", ["a", "c"], 2), ("t <> ALL (%s)", ["a"], 2), ("i = ANY (%s)", [1, 2, 9], 2),
        ("i > ANY (%s)", [2, 9], 1), ("d = ANY (%s)", [datetime.date(2024, 1, 2)], 1), ("i <= ALL (%s)", [2, 3], 2),
        ("f = ANY (%s)", [2.5], 1), ("t = ANY (%s)", [], 0), ("t <> ALL (%s)", [], 3),
    ],
)  # fmt: skip
def test_lists_take_the_type_of_what_they_are_compared_with(connection, condition, values, count):
    days = ", ".join(f"({i}, '{t}', date '2024-01-0{i}', {i}.5::float8)" for i, t in [(1, "a"), (2, "b"), (3, "c")])
    rows = f"(VALUES {days}) v(i, t, d, f)"
    assert connection.execute(f"SELECT count(*) FROM {rows} WHERE {condition}", [values]).fetchone() == (count,)


def test_integer_datetimes_is_reported(connection):
    """Without it pgjdbc takes binary timestamps for floats."""
    assert connection.info.parameter_status("integer_datetimes") == "on"


def test_parameter_types_are_inferred(connection):
    """A parameter beside a column has the column's type, as in PostgreSQL."""
    rows = connection.execute(
        "SELECT DISTINCT modality FROM imaging.series WHERE modality = %s AND instance_count > %s", ["CT", 0]
    ).fetchall()
    assert rows == [("CT",)]


def asyncpg_dsn(server):
    dsn = dict(server.dsn)
    dsn["database"] = dsn.pop("dbname")
    return dsn


TABLES = ["imaging.instances", "imaging.series", "imaging.studies", "imaging.patients", "imaging.files",
          "system.functions", "system.epochs"]


def plain(value):
    """A value in a form in which all drivers agree."""
    match value:
        case float():
            return "NaN" if math.isnan(value) else value
        case datetime.datetime() if value.tzinfo:
            return value.astimezone(datetime.UTC).isoformat()
        case datetime.datetime() | datetime.date() | datetime.time():
            return value.isoformat()
        case datetime.timedelta():
            return value.total_seconds()
        case list():
            return [plain(v) for v in value]
        case tuple():
            return [plain(v) for v in value]
        case asyncpg.Record():
            return [plain(v) for v in value.values()]
        case decimal.Decimal() | uuid.UUID():
            return str(value)
    return value


def read_psycopg(server, statement, binary):
    with psycopg.connect(**server.dsn, autocommit=True) as connection:
        info = psycopg.types.composite.CompositeInfo.fetch(connection, "imaging.code")
        if info:
            psycopg.types.composite.register_composite(info, connection)
        cursor = connection.execute(statement, binary=binary)
        return [d.name for d in cursor.description], [[plain(v) for v in row] for row in cursor]


def read_asyncpg(server, statement):
    async def fetch():
        connection = await asyncpg.connect(**asyncpg_dsn(server))
        try:
            return await connection.fetch(statement)
        finally:
            await connection.close()

    rows = asyncio.run(fetch())
    return [[plain(v) for v in row.values()] for row in rows]


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("which", ["demo_server", "pydicom_server"])
def test_drivers_agree_on_every_column(request, which, table):
    server = request.getfixturevalue(which)
    statement = f"SELECT * FROM {table} ORDER BY 1, 2, 3 LIMIT 500"
    names, text = read_psycopg(server, statement, binary=False)
    assert text, f"{table} is empty"
    _, binary = read_psycopg(server, statement, binary=True)
    other = read_asyncpg(server, statement)
    for n, name in enumerate(names):
        column = [row[n] for row in text]
        assert [row[n] for row in binary] == column, f"{table}.{name}: psycopg text and binary"
        assert [row[n] for row in other] == column, f"{table}.{name}: asyncpg"


def raw_rows(server, statement, binary):
    with psycopg.connect(**server.dsn, autocommit=True) as connection:
        cursor = connection.cursor(binary=binary)
        cursor.execute(statement)
        r = cursor.pgresult
        types = [r.ftype(i) for i in range(r.nfields)]
        rows = [[r.get_value(i, j) for j in range(r.nfields)] for i in range(r.ntuples)]
        return types, [[v if v is None else (v.hex() if binary else v.decode()) for v in row] for row in rows]


def test_tables_show_every_type(pydicom_server):
    """What the drivers are compared on: a value and a NULL of each type that a column of ours has, and a NULL in an array."""
    seen = {True: set(), False: set()}
    with psycopg.connect(**pydicom_server.dsn, autocommit=True) as connection:
        names = dict(connection.execute("SELECT oid, typname::text FROM pg_type").fetchall())
        columns = connection.execute(
            "SELECT DISTINCT t.typname::text FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
            "JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_type t ON t.oid = a.atttypid "
            "WHERE n.nspname IN ('imaging', 'system') AND c.relkind IN ('r', 'v') AND a.attnum > 0 "
            # What files hold is compared in test_segments.py and test_volumes.py.
            "AND a.attname NOT IN ('roi', 'volume')"
        ).fetchall()
    for table in TABLES:
        types, rows = raw_rows(pydicom_server, f"SELECT * FROM {table} ORDER BY 1, 2, 3 LIMIT 200", binary=True)
        for row in rows:
            for kind, value in zip(types, row, strict=True):
                seen[value is None].add(names[kind])
    declared = {name for (name,) in columns}
    assert {"bool", "int4", "int8", "float8", "text", "date", "time", "timestamptz", "_text", "_float8", "_int4"} <= declared
    assert declared <= seen[False], f"no value of {declared - seen[False]}"
    assert declared <= seen[True], f"no NULL of {declared - seen[True]}"
    _, rows = read_psycopg(pydicom_server, "SELECT * FROM imaging.instances", binary=True)
    assert any(isinstance(value, list) and None in value for row in rows for value in row), "no array with a NULL in it"


@pytest.mark.parametrize("statements", [
    [f"SELECT * FROM {table} ORDER BY 1, 2, 3 LIMIT 200" for table in TABLES],
    [f"SELECT {e} AS v" for e in EXPRESSIONS],
], ids=["tables", "expressions"])
@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
def test_node_postgres(pydicom_server, node, binary, statements):
    """node-postgres gets the very values that libpq gets, and its own parsers accept them.

    Of binary values it keeps what is left of the bytes when they are read as UTF-8.
    """
    request = {**pydicom_server.dsn, "statements": statements, "binary": binary}
    answers = json.loads(node("node_postgres.js", json.dumps(request)))
    assert len(answers) == len(statements)
    for statement, answer in zip(statements, answers, strict=True):
        types, rows = raw_rows(pydicom_server, statement, binary)
        assert answer["formats"] == ["binary" if binary else "text"], statement
        assert answer["types"] == types, statement
        if binary:
            rows = [[v if v is None else bytes.fromhex(v).decode(errors="replace") for v in row] for row in rows]
        assert answer["rows"] == rows, statement
        assert answer["parsed"] == len(rows), statement


def test_node_postgres_parameters(pydicom_server, node):
    request = {**pydicom_server.dsn, "parameters": [
        ["SELECT $1::int4 + 1 AS v", [41], 42],
        ["SELECT $1::text AS v", ["é\"'\\"], "é\"'\\"],
        ["SELECT $1::float8 AS v", [0.1], 0.1],
        ["SELECT $1::bool AS v", [True], True],
        ["SELECT $1::text AS v", [None], None],
        ["SELECT $1::text[] AS v", [["a", None, "b,c"]], ["a", None, "b,c"]],
        ["SELECT count(*)::int4 > 0 AS v FROM imaging.instances WHERE modality = $1", ["CT"], True],
    ]}
    answers = json.loads(node("node_postgres.js", json.dumps(request)))
    assert answers == [expected for _, _, expected in request["parameters"]]
