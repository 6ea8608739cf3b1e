"""Attacks from day one: identity, files by SQL, foreign cancels, hostile statements, broken frames."""

import hashlib
import os
import pathlib
import random
import socket
import struct
import subprocess
import time

import psycopg
import pytest
from psycopg import errors, pq
from support import Server


def connect(server, **changes):
    return psycopg.connect(**{**server.dsn, **changes}, autocommit=True)


def test_no_login_without_the_password(demo_server):
    for password in ["", "wrong", None]:
        with pytest.raises(psycopg.OperationalError) as failed:
            connect(demo_server, password=password).close()
        assert "correct horse" not in str(failed.value)


def test_unknown_user_and_wrong_password_look_the_same(demo_server):
    def message(user):
        with pytest.raises(psycopg.OperationalError) as failed:
            connect(demo_server, user=user, password="wrong").close()
        return str(failed.value).replace(user, "USER").split("FATAL:")[-1].strip()

    assert message("radlake") == message("nobody")
    assert "password authentication failed" in message("nobody")


def startup(server, user="radlake", **parameters):
    """A connection after its startup message, and the first answer to it."""
    stream = socket.create_connection(("127.0.0.1", server.port), timeout=20)
    pairs = {"user": user, "database": "radlake", **parameters}
    body = b"".join(k.encode() + b"\0" + v.encode() + b"\0" for k, v in pairs.items()) + b"\0"
    stream.sendall(struct.pack("!ii", len(body) + 8, 196608) + body)
    return stream, message(stream)


def message(stream):
    kind = stream.recv(1)
    if not kind:
        return None
    (length,) = struct.unpack("!i", read(stream, 4))
    return kind, read(stream, length - 4)


def read(stream, n):
    data = b""
    while len(data) < n:
        more = stream.recv(n - len(data))
        assert more, "the server hung up"
        data += more
    return data


@pytest.mark.parametrize("user", ["radlake", "nobody", "postgres", ""])
def test_scram_is_the_only_way_in(demo_server, user):
    """No trust, no cleartext, no MD5: whoever comes is asked for SCRAM-SHA-256 (or refused)."""
    stream, (kind, body) = startup(demo_server, user)
    stream.close()
    if kind == b"E":
        assert not user
        return
    assert kind == b"R"
    assert struct.unpack("!i", body[:4]) == (10,), "SASL"
    assert b"SCRAM-SHA-256\0" in body


def test_nothing_is_answered_before_login(demo_server):
    stream, _ = startup(demo_server)
    query = b"SELECT 1\0"
    stream.sendall(b"Q" + struct.pack("!i", len(query) + 4) + query)
    answer = message(stream)
    assert answer is None or answer[0] == b"E", answer
    stream.close()


def test_interleaved_logins_do_not_mix(demo_server):
    """Logins share no state: a hundred at once, half with a wrong password."""
    from concurrent.futures import ThreadPoolExecutor

    def login(i):
        try:
            with connect(demo_server, password=demo_server.dsn["password"] if i % 2 else f"wrong {i}") as c:
                return c.execute("SELECT 1").fetchone() == (1,)
        except psycopg.OperationalError:
            return False

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(login, range(100))) == [bool(i % 2) for i in range(100)]


def test_verifiers_are_not_passwords(demo_server, demo_lake):
    """Neither the password nor SaltedPassword is anywhere in the lake; what is stored cannot be used to log in."""
    secret = demo_server.dsn["password"].encode()
    for path in demo_lake.path.rglob("*"):
        if path.is_file():
            assert secret not in path.read_bytes(), path


FILES = [
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM \"/etc/passwd\"",
    "SELECT * FROM 'file:///etc/passwd'",
    "SELECT * FROM '{lake}/_radlake/catalog'",
    "SELECT * FROM \"{lake}/_radlake/catalog\"",
    "SELECT * FROM read_parquet('{lake}/_radlake/catalog')",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM parquet_metadata('{lake}')",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT lo_import('/etc/passwd')",
    "COPY imaging.series TO '{out}'",
    "COPY (SELECT 1) TO '{out}'",
    "COPY (SELECT 1) TO '{out}.parquet' STORED AS PARQUET",
    "COPY imaging.series FROM '/etc/passwd'",
    "COPY (SELECT 1) TO PROGRAM 'touch {out}'",
    "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
    "CREATE EXTERNAL TABLE t STORED AS PARQUET LOCATION '{out}'",
    "CREATE UNBOUNDED EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
    "INSERT INTO '{out}' SELECT 1",
    "CREATE TABLE t AS SELECT * FROM '/etc/passwd'",
    "CREATE FUNCTION f() RETURNS int LANGUAGE c AS '/lib/x86_64-linux-gnu/libc.so.6', 'system'",
    "LOAD '/tmp/x.so'",
    "SET datafusion.catalog.location = '/etc'",
    "SET datafusion.sql_parser.dialect = 'mysql'",
    "SET datafusion.execution.parquet.pushdown_filters = false",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO '{out}'",
    "EXPLAIN CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
    "PREPARE p AS COPY (SELECT 1) TO '{out}'",
    "DESCRIBE '/etc/passwd'",
    "DROP TABLE imaging.series",
    "DROP SCHEMA imaging CASCADE",
    "DELETE FROM imaging.series",
    "UPDATE imaging.series SET modality = 'X'",
    "TRUNCATE imaging.series",
    "ALTER TABLE imaging.series DROP COLUMN modality",
    "DELETE FROM pg_catalog.pg_class",
    "INSERT INTO pg_catalog.pg_namespace VALUES (1)",
]


@pytest.mark.parametrize("extended", [False, True], ids=["simple", "extended"])
@pytest.mark.parametrize("attack", FILES)
def test_sql_opens_no_files_and_breaks_nothing(demo_server, demo_lake, tmp_path, attack, extended):
    out = tmp_path / "out"
    statement = attack.format(lake=demo_lake.path, out=out)
    with connect(demo_server) as connection:
        before = connection.execute("SELECT count(*) FROM imaging.series").fetchone()
        with pytest.raises(psycopg.Error) as refused:
            if extended:
                connection.execute(statement, prepare=True, binary=True)
            else:
                psycopg.ClientCursor(connection).execute(statement)
        assert refused.value.sqlstate and refused.value.sqlstate != "XX000", refused.value
        assert "root:" not in str(refused.value)
        assert not list(tmp_path.iterdir())
        assert connection.execute("SELECT count(*) FROM imaging.series").fetchone() == before


HOSTILE = {
    "nested brackets": "SELECT " + "(" * 50_000 + "1" + ")" * 50_000,
    "nested selects": "SELECT * FROM " + "(SELECT * FROM " * 3_000 + "imaging.series" + ") t" * 3_000,
    "long sum": "SELECT " + "+".join(["1"] * 100_000),
    "long and": "SELECT 1 WHERE " + " AND ".join(["1=1"] * 50_000),
    "nested case": "SELECT " + "CASE WHEN true THEN " * 5_000 + "1" + " END" * 5_000,
    "nested not": "SELECT " + "NOT " * 50_000 + "true",
    "nested minus": "SELECT " + "- " * 50_000 + "1",
    "nested arrays": "SELECT " + "ARRAY[" * 10_000 + "1" + "]" * 10_000,
    "nested casts": "SELECT 1" + "::int8" * 20_000,
    "nested functions": "SELECT " + "abs(" * 20_000 + "1" + ")" * 20_000,
    "nested unions": " UNION ALL ".join(["SELECT 1"] * 5_000),
    "nested with": "WITH " + ", ".join(f"t{i} AS (SELECT * FROM t{i - 1})" if i else "t0 AS (SELECT 1)" for i in range(1500))
    + " SELECT * FROM t1499",
    "many joins": "SELECT count(*) FROM " + ", ".join(f"imaging.series s{i}" for i in range(400)),
    "wide list": "SELECT 1 WHERE 1 IN (" + ",".join(map(str, range(100_000))) + ")",
    "memory": "SELECT repeat(repeat(repeat('x', 10000), 10000), 10000)",
    "memory of an aggregate": "SELECT count(DISTINCT repeat('x', 1000) || a.v || b.v) "
    "FROM generate_series(1, 100000) a(v), generate_series(1, 1000) b(v)",
    "pattern": "SELECT repeat('a', 100) ~ '" + "(a*)*" * 200 + "b'",
    "endless recursion": "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t",
    "huge series": "SELECT count(*) FROM generate_series(1, 9223372036854775807)",
    "zero byte": "SELECT 'a\x01\x02'",
    "comments": "/*" * 50_000 + "*/" * 50_000 + " SELECT 1",
    "quotes": "SELECT " + "'" * 99_999,
    "semicolons": ";" * 100_000,
}


@pytest.fixture(scope="module")
def victims(demo_lake):
    """Servers to be attacked: the next one when one died."""
    servers = []

    def server():
        if not servers or not servers[-1].alive():
            servers.append(Server(demo_lake).__enter__())
        return servers[-1]

    yield server
    for server in servers:
        server.__exit__()


@pytest.mark.timeout(90)
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_statements_cost_one_statement(victims, name):
    """Whatever a statement does, the server lives, and another session is answered."""
    victim = victims()
    with connect(victim) as connection:
        connection.execute("SET statement_timeout = '8s'")
        start = time.monotonic()
        try:
            psycopg.ClientCursor(connection).execute(HOSTILE[name])
        except psycopg.Error as error:
            # A server that died shows as a broken connection.
            assert error.sqlstate, f"{name}: {error}"
        assert time.monotonic() - start < 30, name
    assert victim.alive(), f"{name}: the server died\n{victim.log()[-3000:]}"
    with connect(victim) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def cancel(server, pid, secret):
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as stream:
        stream.sendall(struct.pack("!iiii", 16, 80877102, pid, secret))
        stream.recv(1)


def test_cancel_with_a_wrong_secret_does_nothing(demo_server):
    statement = "SELECT count(*) FROM generate_series(1, 30000000) a"
    with connect(demo_server) as connection:
        pid = connection.info.backend_pid
        pgconn = connection.pgconn
        pgconn.send_query(statement.encode())
        for secret in [0, 1, -1, 0x7FFFFFFF, *(random.getrandbits(31) for _ in range(50))]:
            cancel(demo_server, pid, secret)
        for other in range(max(pid - 5, 1), pid + 5):
            cancel(demo_server, other, 0)
        results = []
        while (result := pgconn.get_result()) is not None:
            results.append((result.status, result.error_message))
        assert [status for status, _ in results] == [pq.ExecStatus.TUPLES_OK], results


def test_cancel_with_the_right_secret_stops_the_stream(demo_server):
    with connect(demo_server) as connection:
        rows = 0
        with pytest.raises(errors.QueryCanceled):
            for _ in connection.cursor().stream("SELECT v FROM generate_series(1, 100000000) a(v)"):
                rows += 1
                if rows == 1000:
                    connection.cancel_safe()
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_statement_timeout_covers_the_stream(demo_server):
    with connect(demo_server) as connection:
        connection.execute("SET statement_timeout = 300")
        start = time.monotonic()
        with pytest.raises(errors.QueryCanceled, match="statement timeout"):
            for _ in connection.cursor().stream("SELECT v FROM generate_series(1, 1000000000) a(v)"):
                pass
        assert time.monotonic() - start < 20
        connection.execute("SET statement_timeout = 0")
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_sessions_are_apart(demo_server):
    with connect(demo_server) as one, connect(demo_server) as two:
        one.execute("SET search_path = imaging")
        one.execute("SET statement_timeout = '55s'")
        assert one.execute("SELECT count(*) > 0 FROM series").fetchone() == (True,)
        with pytest.raises(errors.UndefinedTable):
            two.execute("SELECT count(*) FROM series")
        assert two.execute("SHOW statement_timeout").fetchone() == ("0",)


@pytest.mark.parametrize("seed", range(40))
def test_broken_frames_cost_one_connection(demo_server, seed):
    """Random bytes before and after login; declared lengths that lie."""
    rng = random.Random(seed)
    with socket.create_connection(("127.0.0.1", demo_server.port), timeout=5) as stream:
        match seed % 4:
            case 0:
                stream.sendall(rng.randbytes(rng.randrange(1, 4000)))
            case 1:
                stream.sendall(struct.pack("!ii", rng.choice([0x7FFFFFFF, -1, 0, 4, 7, 10**9]), 196608) + rng.randbytes(50))
            case 2:
                stream.sendall(struct.pack("!ii", 8, rng.choice([80877103, 80877104])) + rng.randbytes(200))
            case _:
                kind, body = startup(demo_server)[1]
                stream.sendall(b"p" + struct.pack("!i", rng.choice([0x7FFFFFFF, 3, -5])) + rng.randbytes(100))
        stream.settimeout(1)
        try:
            stream.recv(1000)
        except OSError:
            pass
    assert demo_server.alive()


@pytest.mark.parametrize("frame", [
    b"Q" + struct.pack("!i", 0x7FFFFFFF) + b"SELECT 1",
    b"B" + struct.pack("!i", 12) + b"\0\0\x7f\xff\x7f\xff\x00\x00",
    b"P" + struct.pack("!i", 9) + b"\0\0\x7f\xff\0",
    b"D" + struct.pack("!i", 6) + b"X\0",
    b"E" + struct.pack("!i", 9) + b"\0\x7f\xff\xff\xff",
    b"\xff" + struct.pack("!i", 4),
    b"d" + struct.pack("!i", 5) + b"x",
    b"Q" + struct.pack("!i", 6) + b"\xff\xfe",
], ids=lambda f: f[:1].hex())
def test_broken_frames_after_login(demo_server, frame):
    connection = connect(demo_server)
    stream = socket.socket(fileno=os.dup(connection.fileno()))
    stream.setblocking(True)
    stream.settimeout(2)
    stream.sendall(frame)
    try:
        stream.recv(1000)
    except OSError:
        pass
    stream.close()
    connection.close()
    assert demo_server.alive()
    with connect(demo_server) as other:
        assert other.execute("SELECT 1").fetchone() == (1,)


def test_outside_loopback_needs_tls(demo_lake):
    process = subprocess.run(
        demo_lake.command("serve", "--listen", "0.0.0.0:54399"),
        env={**os.environ, "RADLAKE_PASSWORD": "x"}, capture_output=True, text=True, timeout=20,
    )
    assert process.returncode != 0
    assert "tls" in process.stderr.lower() or "certificate" in process.stderr.lower(), process.stderr


def test_a_certificate_that_does_not_load_stops_the_server(demo_lake, tmp_path):
    broken = tmp_path / "broken.pem"
    broken.write_text("no certificate")
    process = subprocess.run(
        demo_lake.command("serve", "--listen", "127.0.0.1:54398", "--tls-cert", str(broken), "--tls-key", str(broken)),
        capture_output=True, text=True, timeout=20,
    )
    assert process.returncode != 0
    assert str(broken) in process.stderr


def test_init_refuses_a_lake_that_is_there(demo_lake):
    def digest():
        files = sorted(path for path in demo_lake.path.rglob("*") if path.is_file())
        return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()

    before = digest()
    done = demo_lake.run("init", check=False)
    assert done.returncode != 0
    assert "exists" in done.stderr or "already" in done.stderr, done.stderr
    assert digest() == before


def test_lake_is_closed_to_other_users(demo_lake):
    mode = pathlib.Path(demo_lake.path).stat().st_mode & 0o777
    assert mode & 0o007 == 0, oct(mode)


def test_errors_do_not_tell_the_catalog(demo_server):
    """What Grafana asks for its list of tables, by somebody without any rights."""
    with connect(demo_server) as connection:
        connection.execute("CREATE ROLE prying LOGIN PASSWORD 'look but do not see'")
    statement = (
        "SELECT 1 FROM information_schema.tables ORDER BY CASE WHEN quote_ident(table_schema) IN (SELECT trim(s[i]) "
        "FROM generate_series(1, 2) i, string_to_array(current_setting('search_path'), ',') s) THEN 0 ELSE 1 END"
    )
    try:
        with connect(demo_server, user="prying", password="look but do not see") as connection:
            told = ""
            try:
                connection.execute(statement)
            except psycopg.Error as error:
                told = str(error)
            assert "SCRAM-SHA-256" not in told and len(told) < 1000, f"{len(told)} characters"
    finally:
        with connect(demo_server) as connection:
            connection.execute("DROP ROLE prying")
