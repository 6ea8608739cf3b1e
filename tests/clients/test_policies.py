"""Row policies and masks as several connections and processes see them, in earlier epochs too; what errors tell."""

import psycopg
import pytest
from support import Lake, Server

DENIED = psycopg.errors.InsufficientPrivilege
HIDDEN = "Vermeer"


@pytest.fixture(scope="module")
def servers(radlake, tmp_path_factory):
    """Two processes over one lake."""
    lake = Lake(radlake, tmp_path_factory.mktemp("policies") / "lake")
    lake.init()
    with Server(lake, "--upkeep-interval", "0s") as first, Server(lake, "--upkeep-interval", "0s") as second:
        yield first, second


@pytest.fixture
def admin(servers):
    with psycopg.connect(**servers[0].dsn, autocommit=True) as connection:
        for text in [
            "DROP SCHEMA IF EXISTS ward CASCADE",
            "DROP ROLE IF EXISTS anna",
            "CREATE SCHEMA ward",
            "CREATE TABLE ward.cases (id int PRIMARY KEY, site text, name text)",
            f"INSERT INTO ward.cases VALUES (1, 'north', 'Hals'), (2, 'north', 'Steen'), (5, 'south', '{HIDDEN}')",
            "CREATE TABLE ward.permits (role text, site text)",
            "INSERT INTO ward.permits VALUES ('anna', 'north')",
            "CREATE ROLE anna LOGIN PASSWORD 'secret of anna'",
            "GRANT USAGE, CREATE ON SCHEMA ward TO anna",
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ward.cases TO anna",
            "GRANT SELECT ON ward.permits TO anna",
        ]:
            connection.execute(text)
        yield connection


def govern(admin):
    admin.execute("ALTER TABLE ward.cases ENABLE ROW LEVEL SECURITY")
    admin.execute(
        "CREATE POLICY p ON ward.cases USING (EXISTS (SELECT 1 FROM ward.permits p WHERE p.role = current_user AND p.site = cases.site))"
    )


def login(server):
    return psycopg.connect(**{**server.dsn, "user": "anna", "password": "secret of anna"}, autocommit=True)


def count(connection, source="ward.cases"):
    return connection.execute(f"SELECT count(*) FROM {source}").fetchone()[0]


def test_a_policy_binds_at_the_next_statement_of_every_connection(admin, servers):
    with login(servers[0]) as here, login(servers[1]) as there:
        prepared = [lambda c=c: c.execute("SELECT count(*) FROM ward.cases", prepare=True).fetchone()[0] for c in (here, there)]
        assert [ask() for ask in prepared] == [3, 3]
        govern(admin)
        assert [ask() for ask in prepared] == [2, 2]
        admin.execute("DELETE FROM ward.permits")
        assert [ask() for ask in prepared] == [0, 0]
        admin.execute("DROP POLICY p ON ward.cases")
        assert [ask() for ask in prepared] == [0, 0]
        admin.execute("ALTER TABLE ward.cases DISABLE ROW LEVEL SECURITY")
        assert [ask() for ask in prepared] == [3, 3]


def test_a_transaction_does_not_outlive_a_policy(admin, servers):
    with login(servers[1]) as anna:
        anna.execute("CREATE TABLE ward.mine (id int)")
        anna.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        anna.execute("INSERT INTO ward.mine VALUES (1)")
        assert count(anna) == 3
        anna.execute("INSERT INTO ward.cases VALUES (9, 'south', 'x')")
        govern(admin)
        assert count(anna) == 2
        with pytest.raises(DENIED):
            anna.execute("INSERT INTO ward.cases VALUES (10, 'south', 'x')")
        anna.execute("ROLLBACK")
        anna.execute("BEGIN")
        anna.execute("INSERT INTO ward.cases VALUES (9, 'north', 'x')")
        admin.execute("CREATE POLICY q ON ward.cases AS RESTRICTIVE FOR INSERT WITH CHECK (id > 100)")
        with pytest.raises(psycopg.errors.SerializationFailure):
            anna.execute("COMMIT")
    assert count(admin) == 3


def test_earlier_epochs_are_read_under_todays_policies_and_permits(admin, servers):
    admin.execute("INSERT INTO ward.permits VALUES ('anna', 'south')")
    then = admin.execute("SELECT max(epoch) FROM system.epochs").fetchone()[0]
    govern(admin)
    admin.execute("DELETE FROM ward.permits WHERE site = 'south'")
    with login(servers[1]) as anna:
        assert count(anna) == 2
        assert count(anna, f"ward.cases FOR VERSION AS OF {then}") == 2
        anna.execute(f"SET radlake.epoch = {then}")
        assert count(anna) == 2
        anna.execute("RESET radlake.epoch")
        admin.execute("ALTER TABLE ward.cases ADD COLUMN more int")
        assert count(anna, f"ward.cases FOR VERSION AS OF {then}") == 2
        # What a policy names was not there, or was another, then.
        admin.execute("CREATE POLICY r ON ward.cases AS RESTRICTIVE USING (more IS NULL)")
        assert count(anna) == 2
        with pytest.raises(DENIED):
            count(anna, f"ward.cases FOR VERSION AS OF {then}")


FALLIBLE = [
    "SELECT 1 / (id - 5) FROM ward.cases",
    "SELECT id FROM ward.cases WHERE 1 / (id - 5) < 9",
    f"SELECT id FROM ward.cases WHERE CASE WHEN name = '{HIDDEN}' THEN 1 / (id - id) ELSE 1 END = 1",
    "SELECT a.id FROM ward.cases a JOIN ward.cases b ON 1 / (a.id - 5) = 1 / (b.id - 5)",
    "SELECT id FROM ward.cases ORDER BY 1 / (id - 5) LIMIT 1",
    "SELECT 1 / (id - 5), count(*) FROM ward.cases GROUP BY 1 HAVING min(1 / (id - 5)) < 9",
    "SELECT sum(1 / (id - 5)) OVER (ORDER BY id) FROM ward.cases",
    "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r JOIN ward.cases ON 1 / (id - 5) < 9 WHERE n < 2) SELECT count(*) FROM r",
    "COPY (SELECT 1 / (id - 5) FROM ward.cases) TO STDOUT",
    "EXPLAIN ANALYZE SELECT 1 / (id - 5) FROM ward.cases",
    "CREATE TABLE ward.copy AS SELECT 1 / (id - 5) AS x FROM ward.cases",
    "UPDATE ward.cases SET name = (1 / (id - 5))::text",
    "UPDATE ward.cases SET name = 'x' WHERE 1 / (id - 5) < 9 RETURNING 1 / (id - 5)",
    "MERGE INTO ward.cases c USING (VALUES (1)) v(x) ON 1 / (c.id - 5) = v.x WHEN MATCHED THEN DO NOTHING",
    "DELETE FROM ward.cases WHERE 1 / (id - 5) > 9",
]


@pytest.mark.parametrize("text", FALLIBLE)
def test_no_condition_is_evaluated_on_hidden_rows(admin, servers, text):
    govern(admin)
    with login(servers[0]) as anna:
        with anna.cursor() as cursor:
            if text.startswith("COPY"):
                with cursor.copy(text) as rows:
                    assert len(list(rows)) > 0
            else:
                cursor.execute(text)
    # Without the policy it fails: the statement would find the row.
    admin.execute("ALTER TABLE ward.cases DISABLE ROW LEVEL SECURITY")
    admin.execute("DROP TABLE IF EXISTS ward.copy")
    with login(servers[0]) as anna, pytest.raises(psycopg.errors.DivisionByZero):
        if text.startswith("COPY"):
            with anna.cursor().copy(text) as rows:
                list(rows)
        else:
            anna.execute(text)


def test_plans_and_errors_tell_nothing_of_what_is_hidden(admin, servers):
    govern(admin)
    with login(servers[0]) as anna:
        for option in ["", "ANALYZE", "VERBOSE", "ANALYZE, VERBOSE"]:
            text = f"EXPLAIN ({option}) SELECT name FROM ward.cases" if option else "EXPLAIN SELECT name FROM ward.cases"
            plan = "\n".join(line for (line,) in anna.execute(text))
            assert "permits" not in plan and ".parquet" not in plan and "BarrierExec" in plan, plan
        with pytest.raises(psycopg.Error) as told:
            anna.execute("SELECT name::int FROM ward.cases")
        assert HIDDEN not in str(told.value)
        figures = anna.execute("SELECT reltuples, pg_relation_size(oid) FROM pg_class WHERE relname = 'cases'").fetchone()
        assert figures == (-1, None)
        assert anna.execute("SELECT row_security_active('ward.cases')").fetchone() == (True,)


def test_masks_take_effect_everywhere_and_their_functions_are_theirs(admin, servers):
    with login(servers[1]) as anna:
        names = "SELECT name FROM ward.cases ORDER BY id"
        assert anna.execute(names).fetchone() == ("Hals",)
        admin.execute("SECURITY LABEL FOR anon ON COLUMN ward.cases.name IS 'MASKED WITH FUNCTION pseudonym(name)'")
        assert anna.execute(names).fetchone() == ("Hals",)
        admin.execute("SECURITY LABEL FOR anon ON ROLE anna IS 'MASKED'")
        masked = anna.execute(names).fetchone()[0]
        assert len(masked) == 32
        with login(servers[0]) as elsewhere:
            assert elsewhere.execute(names).fetchone()[0] == masked
        for probe in ["SELECT pseudonym('Hals')", "SELECT id FROM ward.cases WHERE name = pseudonym('Hals')"]:
            with pytest.raises(DENIED):
                anna.execute(probe)
        assert "Hals" not in b"".join(bytes(part) for part in anna.cursor().copy("COPY ward.cases TO STDOUT").__enter__()).decode()
    admin.execute("SECURITY LABEL FOR anon ON COLUMN ward.cases.name IS NULL")
