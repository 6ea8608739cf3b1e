"""Earlier epochs: read by number and by time, chosen for a session, brought back."""

import psycopg
import pytest
from support import Lake, Server

ERRORS = {"unknown": "22023", "expired": "72000", "write": "25006"}


@pytest.fixture(scope="module")
def lake(radlake, tmp_path_factory):
    lake = Lake(radlake, tmp_path_factory.mktemp("epochs") / "lake")
    lake.init()
    return lake


@pytest.fixture(scope="module")
def server(lake):
    with Server(lake, "--upkeep-interval", "0s") as server:
        yield server


@pytest.fixture
def connection(server):
    with psycopg.connect(**server.dsn, autocommit=True) as connection:
        yield connection


def epoch(connection):
    return connection.execute("SELECT max(epoch) FROM system.epochs").fetchone()[0]


def ids(connection, relation):
    return [row[0] for row in connection.execute(f"SELECT id FROM {relation} ORDER BY id")]


def test_each_epoch_can_be_read(connection):
    connection.execute("CREATE TABLE public.h (id int PRIMARY KEY, x int)")
    expected, times = {epoch(connection): []}, []
    for text, rows in [
        ("INSERT INTO h VALUES (1, 1), (2, 2)", [1, 2]),
        ("DELETE FROM h WHERE id = 1", [2]),
        ("INSERT INTO h SELECT i, i FROM generate_series(3, 5) g(i)", [2, 3, 4, 5]),
        ("TRUNCATE h", []),
        ("ALTER TABLE h ADD COLUMN y text", []),
        ("INSERT INTO h VALUES (9, 9, 'y')", [9]),
    ]:
        connection.execute(text)
        expected[epoch(connection)] = rows
        times.append((connection.execute("SELECT now()").fetchone()[0], rows))
    for number, rows in expected.items():
        assert ids(connection, f"h FOR VERSION AS OF {number}") == rows, number
        assert ids(connection, f"public.h FOR VERSION AS OF {number} AS a") == rows, number
        connection.execute(f"SET radlake.epoch = {number}")
        assert ids(connection, "h") == rows, number
        connection.execute("SET radlake.epoch = DEFAULT")
    for time, rows in times:
        assert ids(connection, f"h FOR SYSTEM_TIME AS OF '{time}'") == rows, time
    # Columns are those of that epoch.
    first = min(number for number, rows in expected.items() if rows)
    with pytest.raises(psycopg.errors.UndefinedColumn):
        connection.execute(f"SELECT y FROM h FOR VERSION AS OF {first}")
    # Two epochs in one statement, and one of them written into today's.
    joined = f"SELECT count(*) FROM h FOR VERSION AS OF {first} a FULL JOIN h b ON a.id = b.id"
    assert connection.execute(joined).fetchone() == (3,)
    connection.execute(f"INSERT INTO h SELECT id, x FROM h FOR VERSION AS OF {first}")
    assert ids(connection, "h") == [1, 2, 9]


def test_an_epoch_is_read_only(connection):
    connection.execute("CREATE TABLE public.r AS SELECT 1 AS id")
    number = epoch(connection)
    connection.execute(f"SET radlake.epoch = {number}")
    for text in ["INSERT INTO r VALUES (2)", "CREATE TABLE r2 (x int)", "DELETE FROM r"]:
        with pytest.raises(psycopg.Error) as refused:
            connection.execute(text)
        assert refused.value.sqlstate == ERRORS["write"], text
    connection.execute("RESET radlake.epoch")
    for text in [f"DELETE FROM r FOR VERSION AS OF {number}", f"UPDATE r FOR VERSION AS OF {number} SET id = 3"]:
        with pytest.raises(psycopg.Error):
            connection.execute(text)
    connection.execute("INSERT INTO r VALUES (2)")
    assert ids(connection, "r") == [1, 2]


def test_a_transaction_reads_its_epoch(server):
    with psycopg.connect(**server.dsn) as reader, psycopg.connect(**server.dsn, autocommit=True) as writer:
        writer.execute("CREATE TABLE public.s AS SELECT 1 AS id")
        number = epoch(writer)
        reader.execute(f"SET LOCAL radlake.epoch = {number}")
        writer.execute("INSERT INTO s VALUES (2)")
        assert ids(reader, "s") == [1]
        reader.commit()
        assert ids(reader, "s") == [1, 2]


@pytest.mark.parametrize(
    "text, state",
    [
        ("SELECT * FROM system.epochs FOR VERSION AS OF 999999", ERRORS["unknown"]),
        ("SET radlake.epoch = 999999", ERRORS["unknown"]),
        ("SELECT * FROM imaging.files FOR SYSTEM_TIME AS OF '1999-01-01'", ERRORS["expired"]),
        ("SELECT * FROM imaging.files FOR SYSTEM_TIME AS OF 'soon'", "22007"),
        ("SELECT * FROM imaging.files FOR SYSTEM_TIME AS OF NULL", "22023"),
        ("SELECT * FROM imaging.files FOR SYSTEM_TIME AS OF (SELECT max(committed_at) FROM system.epochs)", "0A000"),
        ("SELECT * FROM imaging.files FOR VERSION AS OF 'x'", "42601"),
        ("SELECT * FROM nothing FOR VERSION AS OF 0", "42P01"),
    ],
)
def test_mistakes_are_told(connection, text, state):
    with pytest.raises(psycopg.Error) as refused:
        connection.execute(text)
    assert refused.value.sqlstate == state, refused.value


def test_an_epoch_comes_back(lake, connection):
    connection.execute("CREATE TABLE public.a AS SELECT 1 AS id")
    connection.execute("CREATE TABLE public.b AS SELECT 1 AS id")
    connection.execute("CREATE VIEW public.av AS SELECT id FROM a")
    good = epoch(connection)
    connection.execute("INSERT INTO a VALUES (2)")
    connection.execute("DROP VIEW av")
    connection.execute("DROP TABLE b")
    connection.execute("CREATE TABLE public.c AS SELECT 1 AS id")
    bad = epoch(connection)
    lake.run("restore", "--epoch", good, "public.b")
    assert ids(connection, "a") == [1, 2] and ids(connection, "b") == [1]
    lake.run("restore", "--epoch", good)
    assert ids(connection, "a") == [1] and ids(connection, "av") == [1]
    with pytest.raises(psycopg.errors.UndefinedTable):
        connection.execute("SELECT * FROM c")
    assert epoch(connection) == bad + 2
    row = connection.execute(f"SELECT role, statement FROM system.epochs WHERE epoch = {bad + 2}").fetchone()
    assert row == ("radlake", "RESTORE")
    # All history is kept, and the table goes on.
    assert ids(connection, f"c FOR VERSION AS OF {bad}") == [1]
    connection.execute("INSERT INTO a VALUES (7)")
    assert ids(connection, "a") == [1, 7]
    assert lake.run("restore", "--epoch", "999999", check=False).returncode == 1
    table = pytest.importorskip("deltalake", reason="deltalake is not installed").DeltaTable
    for name, rows in [("a", [1, 7]), ("b", [1])]:
        read = table(str(lake.path / "public" / name)).to_pyarrow_table().sort_by("id")
        assert read.to_pydict()["id"] == rows, name


def test_a_time_that_is_shown_is_its_epoch(connection):
    """system.epochs shows microseconds; an epoch's time has no more, and no two epochs have the same."""
    connection.execute("CREATE TABLE public.shown (id int)")
    for i in range(8):
        connection.execute("INSERT INTO shown VALUES (%s)", (i,))
    epochs = connection.execute(
        "SELECT epoch, committed_at::text FROM system.epochs WHERE 'public.shown' = ANY (tables) ORDER BY epoch"
    ).fetchall()
    assert len({at for _, at in epochs}) == len(epochs)
    for number, at in epochs:
        assert ids(connection, f"shown FOR SYSTEM_TIME AS OF '{at}'") == ids(connection, f"shown FOR VERSION AS OF {number}")
