"""COPY beside PostgreSQL 15: the same bytes in and out, the same errors, and nothing left of what was broken off."""

import os
import struct
import subprocess
import threading

import psycopg
import pytest

COLUMNS = (
    "id int, name text, code varchar(5), f float8, r real, b bool, d date, ts timestamp, tz timestamptz, "
    "n numeric(10,2), u uuid, j jsonb, y bytea, a int[], t time, i8 bigint, i2 smallint"
)
ROWS = [
    "(1, 'plain', 'abc', 1.5, 0.1, true, '2020-02-29', '2020-01-01 12:34:56.789', '2020-01-01 12:00+02', 12.30,"
    " '00000000-0000-0000-0000-0000000000ff', '{\"a\": 1}', '\\xdead', '{1,NULL,3}', '12:34:56', 9223372036854775807, -1)",
    "(2, E'tab\\there, comma \"quoted\" \\\\ back\\nnew\\rreturn', '', 'NaN', '-Infinity', false, '0001-01-01',"
    " '1999-12-31 23:59:59', '1969-12-31 23:59:59+00', -0.01, NULL, '[]', '', '{}', '00:00', 0, 32767)",
    "(3, '', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
    "(4, '\\N', '\\.', 1e300, 1e-10, true, '9999-12-31', NULL, NULL, 99999999.99, NULL, 'null', '\\x00ff', '{4}',"
    " '23:59:59.999999', -9223372036854775808, -32768)",
]
OUT = [
    "",
    "(NULL 'nil', DELIMITER '|')",
    "(HEADER)",
    "(FORMAT csv)",
    "(FORMAT csv, HEADER, FORCE_QUOTE *)",
    "(FORMAT csv, FORCE_QUOTE (id, name), QUOTE '''', ESCAPE '\\', DELIMITER ';', NULL 'x')",
    "CSV HEADER QUOTE AS '\"' FORCE QUOTE name",
    "WITH DELIMITER AS ',' NULL AS 'NULL'",
    "(FORMAT binary)",
    "WITH BINARY",
]
WRONG = [
    "t FROM STDIN (FORMAT xml)",
    "t FROM STDIN (FORMAT csv, FORMAT csv)",
    "t FROM STDIN (nonsense 1)",
    "t FROM STDIN (DELIMITER 'ab')",
    "t FROM STDIN (DELIMITER E'\\n')",
    "t FROM STDIN (DELIMITER 'a')",
    "t FROM STDIN (NULL E'\\n')",
    "t FROM STDIN (QUOTE '\"')",
    "t FROM STDIN (ESCAPE '\"')",
    "t FROM STDIN (FORMAT csv, QUOTE 'ab')",
    "t FROM STDIN (FORMAT csv, QUOTE ',')",
    "t FROM STDIN (FORMAT csv, ESCAPE 'ab')",
    "t FROM STDIN (FORMAT csv, FORCE_QUOTE (id))",
    "t FROM STDIN (FORCE_NULL (id))",
    "t TO STDOUT (FORMAT csv, FORCE_NULL (id))",
    "t TO STDOUT (FORMAT csv, FORCE_NOT_NULL (id))",
    "t TO STDOUT (FORCE_QUOTE (id))",
    "t TO STDOUT (FORMAT csv, FORCE_QUOTE (gone))",
    "t TO STDOUT (FORMAT csv, FORCE_QUOTE 1)",
    "t FROM STDIN (FORMAT csv, NULL 'a,b')",
    "t FROM STDIN (FORMAT csv, NULL '\"')",
    "t FROM STDIN (FORMAT binary, DELIMITER ',')",
    "t FROM STDIN (FORMAT binary, NULL 'x')",
    "t FROM STDIN (FORMAT binary, HEADER)",
    "t FROM STDIN (FORMAT csv, HEADER nonsense)",
    "t TO STDOUT (FORMAT csv, HEADER match)",
    "t FROM STDIN (ENCODING 'klingon')",
    "t (gone) FROM STDIN",
    "t (id, id) FROM STDIN",
    "gone FROM STDIN",
    "v TO STDOUT",
    "gone TO STDOUT",
]
# Table, options, data: what does not fit.
BROKEN = [
    ("a int, b text", "", "1\tx\n2\n"),
    ("a int, b text", "", "1\tx\ty\n"),
    ("a int, b text", "", "x\ty\n"),
    ("a int, b text", "", "1\tx\n99999999999\ty\n"),
    ("a int NOT NULL, b text", "", "1\tx\n\\N\ty\n"),
    ("a int CHECK (a > 0), b text", "(FORMAT csv)", "1,x\n2,y\n-1,z\n"),
    ("a int PRIMARY KEY", "", "1\n2\n1\n"),
    ("a varchar(3)", "", "abc\nabcd\n"),
    ("a date", "", "2020-01-01\n2020-02-30\n"),
    ("a date", "", "tomorrowish\n"),
    ("a bool", "", "t\nmaybe\n"),
    ("a uuid", "", "x\n"),
    ("a jsonb", "", "{\n"),
    ("a numeric(4,2)", "", "1.5\n123.4\n"),
    ("a int, b text", "(FORMAT csv)", "1,x\n2,\"x\n"),
    ("a int, b text", "(FORMAT csv)", "1,x\n2,y\r\n"),
    ("a int, b text", "", "1\tx\r\n2\ty\n"),
    ("a int, b text", "(FORMAT csv, HEADER match)", "a,c\n1,x\n"),
    ("a int, b text", "(FORMAT csv, HEADER match)", "a\n1\n"),
    ("a int, b text", "(FORMAT binary)", "no signature at all\n"),
    ("a int", "(FORMAT binary)", b"PGCOPY\n\xff\r\n\0" + struct.pack("!iihhi", 0, 0, 2, 0, 0)),
    ("a int", "(FORMAT binary)", b"PGCOPY\n\xff\r\n\0" + struct.pack("!iihih", 0, 0, 1, 6, 7) + b"xx"),
    ("a text", "", b"x\n\xff\xfe\n"),
]
# Table, options, data: what fits in a way that is easily got wrong.
READ = [
    ("a int, b text", "", "1\tx\n2\t\\N\n\\.\n3\tz\n"),
    ("a int, b text", "", "1\tx\r\n2\ty\r\n"),
    ("a int, b text", "", "1\tx\r2\ty"),
    ("a int, b text", "", "1\ta\\\nb\\tc\\x41\\102\\q\\\\\n"),
    ("a text", "", "\nx\n\n"),
    ("a text", "(FORMAT csv)", "\n\"\"\nx\n"),
    ("a int, b text", "(FORMAT csv, HEADER)", "b;a,x\n1,\"a\"\"b\"\n2,\" c \"\n3,d\"e,f\"g\n"),
    ("a int, b text, c text", "(FORMAT csv, FORCE_NOT_NULL (b), FORCE_NULL (c))", "1,,\"\"\n2,\"\",\n"),
    ("a int, b text", "(FORMAT csv, QUOTE '''', ESCAPE '\\', DELIMITER ';')", "1;'it\\'s; \\\\ x'\n"),
    ("a int, b text DEFAULT 'none', c int GENERATED ALWAYS AS (a * 2) STORED", "", "5\tx\n"),
    ("a int, b text", "(FORMAT csv) WHERE a > 1", "1,x\n2,y\n3,z\n"),
    ("a int, b text", "(FORMAT csv, HEADER match)", "a,b\n1,x\n"),
    ("a text", "(ENCODING 'latin1')", "Z\u00fcrich\n".encode("latin1")),
    ("a bool, b float8", "(FORMAT csv)", "yes,inf\noff,-1e-5\nT, 2 \n"),
]


@pytest.fixture(scope="module")
def both(demo_server, postgres):
    """Both systems with the same table `t`, in a schema of one's own."""
    with (
        psycopg.connect(**demo_server.dsn, autocommit=True) as ours,
        psycopg.connect(**postgres.dsn, autocommit=True) as theirs,
    ):
        for connection in (ours, theirs):
            connection.execute("CREATE SCHEMA copying")
            connection.execute("SET search_path TO copying")
            connection.execute("SET timezone TO 'UTC'")
            connection.execute(f"CREATE TABLE t ({COLUMNS})")
            connection.execute(f"INSERT INTO t VALUES {', '.join(ROWS)}")
            connection.execute("CREATE VIEW v AS SELECT id FROM t")
        yield ours, theirs
        for connection in (ours, theirs):
            connection.execute("DROP SCHEMA copying CASCADE")


def pull(connection, statement):
    with connection.cursor().copy(statement) as copy:
        return [bytes(piece) for piece in copy]


def push(connection, statement, data, piece=5):
    cursor = connection.cursor()
    data = data.encode() if isinstance(data, str) else data
    with cursor.copy(statement) as copy:
        for at in range(0, len(data), piece):
            copy.write(data[at : at + piece])
    return cursor.statusmessage


def error(connection, action):
    with pytest.raises(psycopg.Error) as caught:
        action(connection)
    assert connection.execute("SELECT 1").fetchone() == (1,), "the connection lives"
    return caught.value


@pytest.mark.parametrize("options", OUT)
def test_out(both, options):
    ours, theirs = (pull(connection, f"COPY (SELECT * FROM t ORDER BY id) TO STDOUT {options}") for connection in both)
    assert ours == theirs
    ours, theirs = (pull(c, f"COPY t (id, u) TO STDOUT {options.replace(', name', '').replace('QUOTE name', 'QUOTE id')}") for c in both)
    assert sorted(ours) == sorted(theirs)


@pytest.mark.parametrize("options", OUT)
def test_what_comes_out_goes_in(both, options):
    back = options.replace(", FORCE_QUOTE *", "").replace("FORCE_QUOTE (id, name), ", "").replace(" FORCE QUOTE name", "")
    seen = []
    for connection in both:
        # What the other wrote.
        data = b"".join(pull(both[1], f"COPY (SELECT * FROM t) TO STDOUT {options}"))
        connection.execute("CREATE TABLE back (LIKE t)")
        assert push(connection, f"COPY back FROM STDIN {back}", data, 7) == "COPY 4"
        seen.append(pull(connection, "COPY (SELECT * FROM back ORDER BY id) TO STDOUT (FORMAT csv)"))
        connection.execute("DROP TABLE back")
    assert seen[0] == seen[1]


@pytest.mark.parametrize("statement", WRONG)
def test_wrong_statements(both, statement):
    ours, theirs = (error(connection, lambda c: pull(c, f"COPY {statement}")) for connection in both)
    assert ours.sqlstate == theirs.sqlstate, f"{ours} / {theirs}"
    if ours.sqlstate not in ("42P01", "42601") and "gone))" not in statement:
        assert ours.diag.message_primary == theirs.diag.message_primary


@pytest.mark.parametrize("columns, options, data", BROKEN)
def test_rows_that_do_not_fit(both, columns, options, data):
    found = []
    for connection in both:
        connection.execute(f"CREATE TABLE broken ({columns})")
        try:
            caught = error(connection, lambda c: push(c, f"COPY broken FROM STDIN {options}", data))
            assert connection.execute("SELECT count(*) FROM broken").fetchone() == (0,)
        finally:
            connection.execute("DROP TABLE broken")
        found.append(caught)
    ours, theirs = found
    assert ours.sqlstate == theirs.sqlstate, f"{ours} / {theirs}"
    context = theirs.diag.context
    if ours.sqlstate == "23505":
        # The key is looked for when all rows are there.
        return
    if context and ours.diag.context:
        # PostgreSQL shows the value, which may be a patient's.
        assert ours.diag.context in context or ours.sqlstate == "22021", f"{ours.diag.context} / {context}"
    if ours.sqlstate == "22P04" and "header line field" not in theirs.diag.message_primary:
        assert ours.diag.message_primary == theirs.diag.message_primary
    assert "secret" not in str(ours)


@pytest.mark.parametrize("columns, options, data", READ)
def test_rows_that_do_fit(both, columns, options, data):
    seen = []
    for connection in both:
        for piece in (1, 1000):
            connection.execute("DROP TABLE IF EXISTS fits")
            connection.execute(f"CREATE TABLE fits ({columns})")
            listed = "(a, b)" if "GENERATED" in columns else ""
            tag = push(connection, f"COPY fits {listed} FROM STDIN {options}", data, piece)
            rows = connection.execute("SELECT * FROM fits", prepare=False).fetchall()
            connection.execute("DROP TABLE fits")
            seen.append((tag, sorted(map(repr, rows))))
    assert all(one == seen[-1] for one in seen), seen


def test_psycopg_rows_and_types(both):
    for connection in both:
        connection.execute("CREATE TABLE typed (a int, b text, c timestamptz)")
        for binary in ("", "(FORMAT binary)"):
            with connection.cursor().copy(f"COPY typed FROM STDIN {binary}") as copy:
                copy.set_types(["int4", "text", "timestamptz"])
                for i in range(1000):
                    copy.write_row((i, None if i % 7 == 0 else f"n\t{i}", None))
            with connection.cursor().copy(f"COPY (SELECT a, b FROM typed ORDER BY a) TO STDOUT {binary}") as copy:
                copy.set_types(["int4", "text"])
                rows = list(copy.rows())
        assert len(rows) == 2000 and rows[-1] == (999, "n\t999"), rows[-1]
        # Within a transaction of the extended protocol.
        with connection.transaction():
            with connection.cursor().copy("COPY typed (a) FROM STDIN") as copy:
                copy.write("-1\n")
            assert connection.execute("SELECT count(*) FROM typed WHERE a = -1").fetchone() == (1,)
        connection.execute("DROP TABLE typed")


def test_what_is_broken_off_leaves_nothing(both, demo_server):
    ours = both[0]
    ours.execute("CREATE TABLE off (a int)")

    def breaks(connection):
        with connection.cursor().copy("COPY off FROM STDIN") as copy:
            copy.write("1\n" * 100_000)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        breaks(ours)
    lost = psycopg.connect(**demo_server.dsn)
    with pytest.raises(psycopg.OperationalError), lost.cursor().copy("COPY copying.off FROM STDIN") as copy:
        copy.write("1\n" * 100_000)
        lost.close()
    with pytest.raises(ZeroDivisionError), ours.transaction():
        with ours.cursor().copy("COPY off FROM STDIN") as copy:
            copy.write("1\n")
        assert ours.execute("SELECT count(*) FROM off").fetchone() == (1,)
        raise ZeroDivisionError
    assert ours.execute("SELECT count(*) FROM off").fetchone() == (0,)
    ours.execute("DROP TABLE off")


def test_copies_at_once_are_all_there(both, demo_server):
    ours = both[0]
    ours.execute("CREATE TABLE many (a int PRIMARY KEY, b text)")

    def load(first):
        with psycopg.connect(**demo_server.dsn, autocommit=True) as connection:
            push(connection, "COPY copying.many FROM STDIN", "".join(f"{first + i}\tx\n" for i in range(100)), 50)

    threads = [threading.Thread(target=load, args=(i * 100,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ours.execute("SELECT count(*), count(DISTINCT a) FROM many").fetchone() == (600, 600)
    ours.execute("DROP TABLE many")


def test_psql_copies_files(both, demo_server, postgres, tmp_path):
    seen = []
    for number, server in enumerate((demo_server, postgres)):
        source, target = tmp_path / f"in{number}.csv", tmp_path / f"out{number}.csv"
        source.write_text('id,name\n1,"a ""b"""\n2,\n3,ü\n')
        script = [
            "SET search_path TO copying",
            "CREATE TABLE files (id int, name text)",
            f"\\copy files FROM '{source}' WITH (FORMAT csv, HEADER match)",
            f"\\copy (SELECT * FROM files ORDER BY id) TO '{target}' CSV HEADER",
            "\\copy files FROM STDIN\n7\tx\n\\.\n",
            "COPY files TO STDOUT",
            "DROP TABLE files",
        ]
        dsn = server.dsn
        text = "".join(line + ("\n" if line.startswith("\\") else ";\n") for line in script)
        done = subprocess.run(
            ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", dsn["host"], "-p", str(dsn["port"]), "-U", dsn["user"], dsn["dbname"]],
            input=text,
            env={**os.environ, "PGPASSWORD": str(dsn.get("password", ""))},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        seen.append((target.read_text(), sorted(done.stdout.splitlines())))
    assert seen[0] == seen[1]
