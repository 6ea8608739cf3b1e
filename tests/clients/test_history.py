"""Earlier epochs: which column is which whatever it was called, and who may see rows that are gone since."""

import asyncio
import subprocess

import asyncpg
import psycopg
import pytest
from support import Lake, Server

DENIED = psycopg.errors.InsufficientPrivilege
PASSWORD = "secret of anna"


@pytest.fixture(scope="module")
def lake(radlake, tmp_path_factory):
    lake = Lake(radlake, tmp_path_factory.mktemp("history") / "lake")
    lake.init()
    return lake


@pytest.fixture(scope="module")
def server(lake):
    with Server(lake, "--upkeep-interval", "0s") as server:
        yield server


@pytest.fixture
def admin(server):
    with psycopg.connect(**server.dsn, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS ward CASCADE")
        connection.execute("DROP ROLE IF EXISTS anna, boss")
        connection.execute("CREATE SCHEMA ward")
        connection.execute("CREATE ROLE boss")
        connection.execute(f"CREATE ROLE anna LOGIN PASSWORD '{PASSWORD}'")
        connection.execute("GRANT ALL ON SCHEMA ward TO boss")
        connection.execute("GRANT USAGE ON SCHEMA ward TO anna")
        connection.execute("CREATE TABLE ward.cases (id int, name text, site text)")
        connection.execute("ALTER TABLE ward.cases OWNER TO boss")
        connection.execute("INSERT INTO ward.cases VALUES (1, 'Doe^One', 'north'), (2, 'Doe^Two', 'south')")
        yield connection


@pytest.fixture
def anna(admin, server):
    with psycopg.connect(**{**server.dsn, "user": "anna", "password": PASSWORD}, autocommit=True) as connection:
        yield connection


def epoch(admin):
    return admin.execute("SELECT max(epoch) FROM system.epochs").fetchone()[0]


def rows(connection, query):
    return sorted(connection.execute(query).fetchall())


def without_rewriting(admin, statement):
    """Rows that are gone are another matter: whoever is asked here may see them."""
    admin.execute(statement)
    admin.execute("GRANT radlake.history ON ward.cases TO anna")


def test_a_column_that_came_later_under_a_name_opens_no_older_one(admin, anna):
    then = epoch(admin)
    without_rewriting(admin, "ALTER TABLE ward.cases DROP COLUMN name")
    admin.execute("ALTER TABLE ward.cases ADD COLUMN name text DEFAULT 'harmless'")
    admin.execute("GRANT SELECT (id, name) ON ward.cases TO anna")
    assert rows(anna, "SELECT id, name FROM ward.cases") == [(1, "harmless"), (2, "harmless")]
    assert rows(anna, f"SELECT id FROM ward.cases FOR VERSION AS OF {then}") == [(1,), (2,)]
    for query in (
        f"SELECT name FROM ward.cases FOR VERSION AS OF {then}",
        f"SELECT id FROM ward.cases FOR VERSION AS OF {then} WHERE name = 'Doe^One'",
        f"SELECT * FROM ward.cases FOR VERSION AS OF {then}",
    ):
        with pytest.raises(DENIED):
            anna.execute(query)
    anna.execute(f"SET radlake.epoch = {then}")
    with pytest.raises(DENIED):
        anna.execute("SELECT name FROM ward.cases")


def test_a_column_keeps_its_rights_under_its_older_name(admin, anna):
    admin.execute("GRANT SELECT (id, name) ON ward.cases TO anna")
    then = epoch(admin)
    without_rewriting(admin, "ALTER TABLE ward.cases RENAME COLUMN name TO label")
    admin.execute("ALTER TABLE ward.cases RENAME COLUMN site TO name")
    assert rows(anna, "SELECT label FROM ward.cases") == [("Doe^One",), ("Doe^Two",)]
    assert rows(anna, f"SELECT name FROM ward.cases FOR VERSION AS OF {then}") == [("Doe^One",), ("Doe^Two",)]
    with pytest.raises(DENIED):
        anna.execute("SELECT name FROM ward.cases")
    with pytest.raises(DENIED):
        anna.execute(f"SELECT site FROM ward.cases FOR VERSION AS OF {then}")


def test_masks_go_with_the_column(admin, anna):
    admin.execute("SECURITY LABEL FOR anon ON ROLE anna IS 'MASKED'")
    admin.execute("SECURITY LABEL FOR anon ON COLUMN ward.cases.name IS 'MASKED WITH VALUE ''x'''")
    admin.execute("GRANT SELECT ON ward.cases TO anna")
    then = epoch(admin)
    without_rewriting(admin, "ALTER TABLE ward.cases RENAME COLUMN name TO label")
    admin.execute("ALTER TABLE ward.cases RENAME COLUMN site TO name")
    assert rows(anna, "SELECT label, name FROM ward.cases") == [("x", "north"), ("x", "south")]
    at_then = f"SELECT name, site FROM ward.cases FOR VERSION AS OF {then}"
    assert rows(anna, at_then) == [("x", "north"), ("x", "south")]
    # What was masked and is gone stays masked.
    admin.execute("ALTER TABLE ward.cases DROP COLUMN label")
    assert rows(anna, at_then) == [("x", "north"), ("x", "south")]


def test_a_restored_column_is_masked_as_it_was(admin, anna, lake, server):
    admin.execute("SECURITY LABEL FOR anon ON ROLE anna IS 'MASKED'")
    admin.execute("SECURITY LABEL FOR anon ON COLUMN ward.cases.name IS 'MASKED WITH VALUE ''x'''")
    admin.execute("GRANT SELECT ON ward.cases TO anna")
    then = epoch(admin)
    admin.execute("ALTER TABLE ward.cases DROP COLUMN name")
    admin.execute("ALTER TABLE ward.cases ADD COLUMN name text DEFAULT 'harmless'")
    admin.execute("GRANT SELECT (name) ON ward.cases TO anna")
    lake.run("restore", "--epoch", str(then), "ward.cases")
    assert rows(anna, "SELECT id, name FROM ward.cases") == [(1, "x"), (2, "x")]
    assert admin.execute("SELECT has_column_privilege('anna', 'ward.cases', 'name', 'SELECT')").fetchone() == (True,)
    admin.execute("REVOKE SELECT ON ward.cases FROM anna")
    with pytest.raises(DENIED):
        anna.execute("SELECT name FROM ward.cases")


def test_restore_is_refused_where_a_policy_would_read_another_column(admin, lake):
    then = epoch(admin)
    admin.execute("ALTER TABLE ward.cases DROP COLUMN site")
    admin.execute("ALTER TABLE ward.cases ADD COLUMN site text")
    admin.execute("CREATE POLICY p ON ward.cases USING (site = 'north')")
    ended = lake.run("restore", "--epoch", str(then), "ward.cases", check=False)
    assert ended.returncode == 1
    assert "policy" in ended.stderr and "site" in ended.stderr
    admin.execute("DROP POLICY p ON ward.cases")
    lake.run("restore", "--epoch", str(then), "ward.cases")


def test_rows_that_are_gone_are_for_who_has_the_right(admin, anna):
    admin.execute("GRANT SELECT ON ward.cases TO anna")
    then = epoch(admin)
    earlier = f"SELECT id FROM ward.cases FOR VERSION AS OF {then}"
    admin.execute("INSERT INTO ward.cases VALUES (3, 'Doe^Three', 'north')")
    assert rows(anna, earlier) == [(1,), (2,)]
    # Files that are merged lose no rows.
    admin.execute("CALL radlake.optimize('ward.cases')")
    assert rows(anna, earlier) == [(1,), (2,)]
    admin.execute("DELETE FROM ward.cases WHERE id = 1")
    with pytest.raises(DENIED, match="gone since"):
        anna.execute(earlier)
    anna.execute(f"SET radlake.epoch = {then}")
    with pytest.raises(DENIED):
        anna.execute("SELECT count(*) FROM ward.cases")
    anna.execute("RESET radlake.epoch")
    # The newest rows go on to be seen, in newer epochs too.
    assert rows(anna, "SELECT id FROM ward.cases") == [(2,), (3,)]
    assert rows(anna, f"SELECT id FROM ward.cases FOR VERSION AS OF {epoch(admin)}") == [(2,), (3,)]
    # Nobody is given it in passing; the owner has it.
    admin.execute("GRANT ALL ON ward.cases TO anna")
    with pytest.raises(DENIED):
        anna.execute(earlier)
    admin.execute("GRANT radlake.history ON ward.cases TO anna")
    assert rows(anna, earlier) == [(1,), (2,)]
    assert admin.execute("SELECT has_table_privilege('anna', 'ward.cases', 'radlake.history')").fetchone() == (True,)
    admin.execute("REVOKE ALL ON ward.cases FROM anna")
    admin.execute("GRANT SELECT ON ward.cases TO anna")
    with pytest.raises(DENIED):
        anna.execute(earlier)
    admin.execute("GRANT boss TO anna")
    assert rows(anna, earlier) == [(1,), (2,)]


def test_a_view_lends_its_owners_rights_but_not_to_what_is_gone(admin, anna):
    admin.execute("SET ROLE boss")
    admin.execute("CREATE VIEW ward.listed AS SELECT id FROM ward.cases")
    admin.execute("RESET ROLE")
    admin.execute("GRANT SELECT ON ward.listed TO anna")
    then = epoch(admin)
    earlier = f"SELECT id FROM ward.listed FOR VERSION AS OF {then}"
    assert rows(anna, earlier) == [(1,), (2,)]
    admin.execute("DELETE FROM ward.cases WHERE id = 1")
    assert rows(anna, "SELECT id FROM ward.listed") == [(2,)]
    with pytest.raises(DENIED):
        anna.execute(earlier)
    admin.execute("GRANT radlake.history ON ward.listed TO anna")
    assert rows(anna, earlier) == [(1,), (2,)]


def test_a_repeatable_transaction_goes_on_to_see_its_own_state(admin, anna):
    admin.execute("GRANT SELECT ON ward.cases TO anna")
    anna.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    assert rows(anna, "SELECT id FROM ward.cases") == [(1,), (2,)]
    admin.execute("DELETE FROM ward.cases WHERE id = 1")
    assert rows(anna, "SELECT id FROM ward.cases") == [(1,), (2,)]
    anna.execute("COMMIT")
    assert rows(anna, "SELECT id FROM ward.cases") == [(2,)]


def test_a_table_that_is_gone_is_for_superusers(admin, anna):
    admin.execute("GRANT SELECT ON ward.cases TO anna")
    then = epoch(admin)
    admin.execute("DROP TABLE ward.cases")
    with pytest.raises(DENIED):
        anna.execute(f"SELECT id FROM ward.cases FOR VERSION AS OF {then}")
    assert rows(admin, f"SELECT id FROM ward.cases FOR VERSION AS OF {then}") == [(1,), (2,)]


def explained(connection, query):
    return "\n".join(line for (line,) in connection.execute(f"EXPLAIN (POLICIES) {query}").fetchall())


def test_explain_policies_says_what_shapes_a_query(admin, anna):
    admin.execute("SECURITY LABEL FOR anon ON ROLE anna IS 'MASKED'")
    admin.execute("SECURITY LABEL FOR anon ON COLUMN ward.cases.name IS 'MASKED WITH VALUE ''x'''")
    admin.execute("GRANT SELECT (id, name) ON ward.cases TO anna")
    admin.execute("CREATE TABLE ward.permits (role text, site text)")
    admin.execute("GRANT SELECT ON ward.permits TO anna")
    admin.execute(
        "CREATE POLICY permitted ON ward.cases FOR SELECT TO anna"
        " USING (site IN (SELECT p.site FROM ward.permits p WHERE p.role = CURRENT_USER))"
    )
    admin.execute("CREATE POLICY few ON ward.cases AS RESTRICTIVE USING (id < 10)")
    admin.execute("ALTER TABLE ward.cases ENABLE ROW LEVEL SECURITY")
    said = explained(anna, "SELECT id, name FROM ward.cases")
    for part in (
        "Role anna: sees masked columns by their masks",
        "Table ward.cases\n  Columns: id, name, by the rights of anna",
        "policy permitted (FOR SELECT TO anna): ",
        "policy few (FOR ALL TO PUBLIC): ",
        "Column name: shown as 'x' (masked)",
        "Table ward.permits, read by a policy\n  Columns: all",
    ):
        assert part in said, said
    assert "Rows: none" not in said
    with pytest.raises(DENIED):
        explained(anna, "SELECT site FROM ward.cases")
    said = explained(admin, "SELECT * FROM ward.cases")
    assert "a superuser, whom nothing binds" in said and "Rows: all: radlake is a superuser" in said, said
    admin.execute("SET ROLE boss")
    admin.execute("CREATE VIEW ward.listed AS SELECT id FROM ward.cases")
    assert "boss owns the table, and policies are not forced" in explained(admin, "SELECT * FROM ward.cases")
    admin.execute("RESET ROLE")
    admin.execute("GRANT SELECT ON ward.listed TO anna")
    said = explained(anna, "SELECT * FROM ward.listed")
    assert "View ward.listed: reads with the rights of its owner boss" in said, said
    admin.execute("DROP POLICY permitted ON ward.cases")
    assert "Rows: none: no policy lets anna see any" in explained(anna, "SELECT id FROM ward.cases")
    then = epoch(admin)
    assert f"as of epoch {then}" in explained(anna, f"SELECT id FROM ward.cases FOR VERSION AS OF {then}")


def matrix(lake, *arguments, check=True):
    command = [str(lake.binary), "govern", "matrix", str(lake.path), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert not check or done.returncode == 0, done.stderr
    return done


def test_the_matrix_counts_what_each_role_sees(admin, lake):
    admin.execute("GRANT SELECT (id, site) ON ward.cases TO anna")
    admin.execute("CREATE POLICY p ON ward.cases USING (site = 'north')")
    admin.execute("ALTER TABLE ward.cases ENABLE ROW LEVEL SECURITY")
    admin.execute("CREATE TABLE ward.closed (id int)")
    ended = matrix(lake, "--schema", "ward", "--format", "csv")
    lines = ended.stdout.splitlines()
    assert lines[0] == "role,relation,rights,rows,remark"
    assert 'anna,ward.cases,"SELECT (id, site)",1,' in lines
    assert 'anna,ward.closed,"",,' in lines
    assert 'boss,ward.cases,"SELECT, INSERT, UPDATE, DELETE, TRUNCATE",2,' in lines
    assert "radlake,ward.cases,all (superuser),2," in lines
    admin.execute("REVOKE USAGE ON SCHEMA ward FROM anna")
    ended = matrix(lake, "--schema", "ward", "--role", "anna", "--format", "csv")
    assert any("permission denied for schema ward" in line for line in ended.stdout.splitlines())
    ended = matrix(lake, "--role", "nobody at all", check=False)
    assert ended.returncode == 2 and "does not exist" in ended.stderr


@pytest.mark.parametrize(
    "change",
    [
        "REVOKE SELECT ON ward.many FROM anna",
        "CREATE POLICY p ON ward.many USING (id < 100)",
        "SECURITY LABEL FOR anon ON COLUMN ward.many.name IS 'MASKED WITH VALUE ''x'''",
        "REVOKE USAGE ON SCHEMA ward FROM anna",
        "REVOKE team FROM anna",
        "ALTER ROLE team BYPASSRLS",
    ],
)
def test_what_is_revoked_is_not_given_by_an_open_portal(admin, server, change):
    admin.execute("CREATE TABLE ward.many AS SELECT i AS id, 'name ' || i AS name FROM generate_series(1, 5000) s(i)")
    admin.execute("GRANT SELECT ON ward.many TO anna")
    admin.execute("DROP ROLE IF EXISTS team")
    admin.execute("CREATE ROLE team")
    admin.execute("GRANT team TO anna")
    admin.execute("CREATE VIEW ward.apart AS SELECT 1 AS a")

    async def fetch(change, after):
        connection = await asyncpg.connect(
            host=server.dsn["host"],
            port=server.dsn["port"],
            user="anna",
            password=PASSWORD,
            database=server.dsn["dbname"],
        )
        try:
            async with connection.transaction():
                cursor = await connection.cursor("SELECT id, name FROM ward.many ORDER BY id")
                assert len(await cursor.fetch(10)) == 10
                admin.execute(change)
                return len(await cursor.fetch(after))
        finally:
            await connection.close()

    # What concerns nobody who reads it stops nobody.
    for harmless in (
        "CREATE TABLE ward.other (id int)",
        "GRANT SELECT ON ward.cases TO anna",
        "INSERT INTO ward.many VALUES (0, 'y')",
        "GRANT team TO boss",
        "CREATE OR REPLACE VIEW ward.apart AS SELECT 1 AS a, 2 AS b",
    ):
        assert asyncio.run(fetch(harmless, 20)) == 20, harmless
    with pytest.raises(asyncpg.exceptions.SerializationError, match="rights"):
        asyncio.run(fetch(change, 20))


@pytest.mark.parametrize(
    "change",
    [
        "REVOKE SELECT ON ward.seen FROM anna",
        "CREATE OR REPLACE VIEW ward.inner_one AS SELECT id FROM ward.cases WHERE id < 0",
        "ALTER ROLE boss NOBYPASSRLS",
    ],
)
def test_a_cursor_knows_the_views_that_it_went_through(admin, anna, change):
    admin.execute("ALTER ROLE boss BYPASSRLS")
    admin.execute("CREATE VIEW ward.inner_one AS SELECT id FROM ward.cases")
    admin.execute("ALTER VIEW ward.inner_one OWNER TO boss")
    admin.execute("CREATE VIEW ward.seen AS SELECT id FROM ward.inner_one")
    admin.execute("GRANT SELECT ON ward.seen TO anna")
    anna.execute("BEGIN")
    anna.execute("DECLARE c CURSOR FOR SELECT id FROM ward.seen")
    assert len(anna.execute("FETCH 1 FROM c").fetchall()) == 1
    admin.execute(change)
    with pytest.raises(psycopg.errors.SerializationFailure, match="rights"):
        anna.execute("FETCH 1 FROM c")
    anna.execute("ROLLBACK")
