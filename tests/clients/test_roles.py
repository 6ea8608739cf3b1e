"""Rights as several connections and processes see them: logins, what is revoked while others are at work, earlier epochs."""

import psycopg
import pytest
from support import Lake, Server

DENIED = psycopg.errors.InsufficientPrivilege


@pytest.fixture(scope="module")
def lake(radlake, tmp_path_factory):
    lake = Lake(radlake, tmp_path_factory.mktemp("roles") / "lake")
    lake.init()
    return lake


@pytest.fixture(scope="module")
def servers(lake):
    """Two processes over one lake."""
    with Server(lake, "--upkeep-interval", "0s") as first, Server(lake, "--upkeep-interval", "0s") as second:
        yield first, second


@pytest.fixture
def admin(servers):
    with psycopg.connect(**servers[0].dsn, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS ward CASCADE")
        connection.execute("DROP ROLE IF EXISTS anna, team")
        connection.execute("CREATE SCHEMA ward")
        connection.execute("CREATE TABLE ward.cases (id int PRIMARY KEY, stage text)")
        connection.execute("INSERT INTO ward.cases VALUES (1, 'I'), (2, 'II')")
        connection.execute("CREATE ROLE anna LOGIN PASSWORD 'secret of anna'")
        connection.execute("CREATE ROLE team")
        connection.execute("GRANT USAGE ON SCHEMA ward TO anna")
        connection.execute("GRANT SELECT ON ward.cases TO anna")
        yield connection


def login(server, **other):
    dsn = {**server.dsn, "user": "anna", "password": "secret of anna", **other}
    return psycopg.connect(**dsn, autocommit=True)


def count(connection):
    return connection.execute("SELECT count(*) FROM ward.cases").fetchone()[0]


def test_login(admin, servers):
    with login(servers[1]) as anna:
        assert count(anna) == 2
        assert anna.execute("SELECT session_user").fetchone() == ("anna",)
    with pytest.raises(psycopg.OperationalError, match="password"):
        login(servers[0], password="wrong")
    admin.execute("ALTER ROLE anna NOLOGIN")
    with pytest.raises(psycopg.OperationalError):
        login(servers[0])


def test_login_has_an_end(admin, servers):
    admin.execute("ALTER ROLE anna VALID UNTIL '2001-01-01'")
    with pytest.raises(psycopg.OperationalError):
        login(servers[0])
    admin.execute("ALTER ROLE anna VALID UNTIL 'infinity' CONNECTION LIMIT 1")
    with login(servers[0]) as anna:
        assert count(anna) == 2
        with pytest.raises(psycopg.OperationalError, match="too many connections"):
            login(servers[0])


@pytest.mark.parametrize("which", [0, 1])
def test_revoked_is_revoked_for_open_connections(admin, servers, which):
    with login(servers[which]) as anna:
        assert count(anna) == 2
        admin.execute("REVOKE SELECT ON ward.cases FROM anna")
        with pytest.raises(DENIED):
            count(anna)
        admin.execute("GRANT SELECT ON ward.cases TO anna")
        assert count(anna) == 2
        admin.execute("REVOKE USAGE ON SCHEMA ward FROM anna")
        with pytest.raises(DENIED):
            count(anna)


@pytest.mark.parametrize("level", ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"])
@pytest.mark.parametrize("which", [0, 1])
def test_revoked_is_revoked_for_open_transactions(admin, servers, which, level):
    admin.execute("GRANT INSERT ON ward.cases TO anna")
    for first in ("SELECT 1", "SELECT count(*) FROM ward.cases", "INSERT INTO ward.cases VALUES (7, 'x')"):
        with login(servers[which]) as anna:
            anna.execute(f"BEGIN ISOLATION LEVEL {level}")
            anna.execute(first)
            admin.execute("REVOKE SELECT, INSERT ON ward.cases FROM anna")
            # What has written cannot go on upon a table that has changed.
            with pytest.raises((DENIED, psycopg.errors.SerializationFailure)):
                count(anna)
            anna.execute("ROLLBACK")
            anna.execute(f"BEGIN ISOLATION LEVEL {level}")
            with pytest.raises(DENIED):
                anna.execute("INSERT INTO ward.cases VALUES (8, 'x')")
            anna.execute("ROLLBACK")
        admin.execute("GRANT SELECT, INSERT ON ward.cases TO anna")


def test_a_transaction_sees_its_own_grants(admin):
    admin.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    admin.execute("GRANT USAGE ON SCHEMA ward TO team")
    admin.execute("GRANT SELECT ON ward.cases TO team")
    admin.execute("CREATE ROLE later IN ROLE team")
    admin.execute("SET LOCAL ROLE later")
    assert count(admin) == 2
    admin.execute("ROLLBACK")
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        admin.execute("SET ROLE later")


def test_members_that_are_no_more(admin, servers):
    admin.execute("REVOKE SELECT ON ward.cases FROM anna")
    admin.execute("GRANT SELECT ON ward.cases TO team")
    admin.execute("GRANT USAGE ON SCHEMA ward TO team")
    admin.execute("GRANT team TO anna")
    with login(servers[0]) as anna, login(servers[1]) as acting:
        acting.execute("SET ROLE team")
        assert count(anna) == count(acting) == 2
        admin.execute("REVOKE team FROM anna")
        for connection in (anna, acting):
            with pytest.raises(DENIED):
                count(connection)
        acting.execute("RESET ROLE")
        assert acting.execute("SELECT current_user").fetchone() == ("anna",)


def test_who_is_gone_acts_no_more(admin, servers):
    with login(servers[1]) as anna:
        assert count(anna) == 2
        admin.execute("REVOKE ALL ON ward.cases FROM anna")
        admin.execute("REVOKE ALL ON SCHEMA ward FROM anna")
        admin.execute("DROP ROLE anna")
        with pytest.raises(psycopg.Error):
            anna.execute("SELECT 1")


def test_prepared_statements_are_of_who_acts(admin):
    assert admin.execute("SELECT id FROM ward.cases WHERE id = %s", (1,), prepare=True).fetchall() == [(1,)]
    admin.execute("PREPARE p AS SELECT count(*) FROM ward.cases")
    assert admin.execute("EXECUTE p").fetchall() == [(2,)]
    admin.execute("SET ROLE team")
    with pytest.raises(DENIED):
        admin.execute("SELECT id FROM ward.cases WHERE id = %s", (1,), prepare=True)
    with pytest.raises(DENIED):
        admin.execute("EXECUTE p")
    admin.execute("RESET ROLE")
    assert admin.execute("EXECUTE p").fetchall() == [(2,)]


def test_earlier_epochs_have_todays_rights(admin, servers):
    then = admin.execute("SELECT max(epoch) FROM system.epochs").fetchone()[0]
    with login(servers[0]) as anna:
        assert anna.execute(f"SELECT count(*) FROM ward.cases FOR VERSION AS OF {then}").fetchone() == (2,)
        admin.execute("REVOKE SELECT ON ward.cases FROM anna")
        with pytest.raises(DENIED):
            anna.execute(f"SELECT count(*) FROM ward.cases FOR VERSION AS OF {then}")
        anna.execute(f"SET radlake.epoch = {then}")
        with pytest.raises(DENIED):
            count(anna)
        admin.execute("GRANT SELECT (id) ON ward.cases TO anna")
        assert anna.execute("SELECT count(id) FROM ward.cases").fetchone() == (2,)
        with pytest.raises(DENIED):
            anna.execute("SELECT stage FROM ward.cases")
        admin.execute("DROP TABLE ward.cases")
        with pytest.raises(DENIED):
            anna.execute("SELECT id FROM ward.cases")


def test_what_others_may_see_is_not_widened_by_an_older_view(admin, servers):
    admin.execute("CREATE VIEW ward.shown AS SELECT id, stage FROM ward.cases")
    admin.execute("GRANT SELECT ON ward.shown TO anna")
    then = admin.execute("SELECT max(epoch) FROM system.epochs").fetchone()[0]
    with login(servers[0]) as anna:
        assert anna.execute("SELECT count(*) FROM ward.shown").fetchone() == (2,)
        admin.execute("CREATE OR REPLACE VIEW ward.shown AS SELECT id, NULL::text AS stage FROM ward.cases")
        assert anna.execute("SELECT stage FROM ward.shown LIMIT 1").fetchone() == (None,)
        with pytest.raises(DENIED):
            anna.execute(f"SELECT stage FROM ward.shown FOR VERSION AS OF {then}")


def test_copy_and_upkeep(admin, servers):
    with login(servers[0]) as anna:
        with anna.cursor().copy("COPY ward.cases TO STDOUT") as out:
            assert b"".join(out) == b"1\tI\n2\tII\n"
        with pytest.raises(DENIED), anna.cursor().copy("COPY ward.cases FROM STDIN") as copy:
            copy.write("3\tIII\n")
        admin.execute("GRANT INSERT (id) ON ward.cases TO anna")
        with pytest.raises(DENIED), anna.cursor().copy("COPY ward.cases FROM STDIN") as copy:
            copy.write("3\tIII\n")
        with anna.cursor().copy("COPY ward.cases (id) FROM STDIN") as copy:
            copy.write("3\n")
        assert count(anna) == 3
        for closed in (
            "CALL radlake.optimize('ward.cases')",
            "CALL radlake.vacuum('ward.cases')",
            "CALL radlake.checkpoint('ward.cases')",
            "SELECT * FROM system.epochs",
            "SELECT * FROM radlake_epochs()",
            "CREATE TABLE t USING delta LOCATION 'ward/cases'",
            "SELECT * INTO ward.t FROM ward.cases",
            "CREATE TABLE ward.t AS SELECT * FROM ward.cases",
            "CREATE MATERIALIZED VIEW ward.t AS SELECT * FROM ward.cases",
            "SELECT * FROM imaging.instances",
            "EXPLAIN SELECT * FROM imaging.instances",
            "ALTER TABLE ward.cases RENAME TO other",
            "COMMENT ON COLUMN ward.cases.id IS 'x'",
        ):
            with pytest.raises(DENIED):
                anna.execute(closed)


def test_a_materialized_view_is_filled_with_its_owners_rights(admin):
    admin.execute("CREATE TABLE ward.hidden (x int)")
    admin.execute("INSERT INTO ward.hidden VALUES (42)")
    admin.execute("GRANT CREATE, USAGE ON SCHEMA ward TO team")
    admin.execute("GRANT SELECT ON ward.hidden TO team")
    admin.execute("SET ROLE team")
    admin.execute("CREATE MATERIALIZED VIEW ward.kept AS SELECT x FROM ward.hidden")
    admin.execute("RESET ROLE")
    admin.execute("REVOKE SELECT ON ward.hidden FROM team")
    with pytest.raises(DENIED):
        admin.execute("REFRESH MATERIALIZED VIEW ward.kept")


def test_rights_through_the_extended_protocol(admin):
    for statement in (
        "CREATE ROLE prepared",
        "GRANT team TO prepared",
        "GRANT SELECT ON ward.cases TO prepared",
        "REVOKE SELECT ON ward.cases FROM prepared",
        "ALTER ROLE prepared LOGIN",
        "DROP ROLE prepared",
    ):
        admin.execute(statement, prepare=True)


def test_copy_only_where_one_may_write(admin):
    admin.execute("CREATE TABLE ward.copied (x int)")
    for setting, error in (
        ("default_transaction_read_only = on", psycopg.errors.ReadOnlySqlTransaction),
        ("radlake.epoch = 1", psycopg.errors.ReadOnlySqlTransaction),
    ):
        admin.execute(f"SET {setting}")
        with pytest.raises(error):
            with admin.cursor().copy("COPY ward.copied FROM STDIN") as copy:
                copy.write("1\n")
        admin.execute(f"RESET {setting.split()[0]}")
    assert admin.execute("SELECT count(*) FROM ward.copied").fetchone() == (0,)


def test_a_view_of_an_earlier_epoch_has_its_schema(admin, servers):
    admin.execute("SET search_path = ward")
    epoch = admin.execute("SELECT max(epoch) FROM system.epochs").fetchone()[0]
    admin.execute(f"CREATE VIEW ward.then AS SELECT stage FROM cases FOR VERSION AS OF {epoch}")
    admin.execute("RESET search_path")
    admin.execute("GRANT SELECT ON ward.then TO anna")
    admin.execute("GRANT CREATE ON SCHEMA public TO anna")
    with login(servers[0]) as anna:
        anna.execute("CREATE TABLE public.cases (stage text)")
        assert anna.execute("SELECT count(*) FROM ward.then").fetchone() == (2,)
        anna.execute("DROP TABLE public.cases")
    admin.execute("REVOKE CREATE ON SCHEMA public FROM anna")
