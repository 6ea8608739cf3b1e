"""No expression of a client's is evaluated on a row that a policy hides or on a value that a mask hides, wherever it stands.

Every expression here fails on hidden rows and values alone. An error is therefore a leak; so is a hidden value in any text.
"""

import asyncio

import psycopg
import pytest
from support import Lake, Server

DENIED = psycopg.errors.InsufficientPrivilege
SECRET = "secret of anna"
# What hidden rows and masked columns hold, in texts and in numbers.
HIDDEN = ["Vermeer", "7777777"]
# Of every expression: what the owner is told, who reads the hidden rows too.
EXPRESSIONS = {
    "1 / (c.x - 5)": "22012",
    "7 % (c.x - 5)": "22012",
    "CAST(c.code AS int)": "22P02",
    "length(substr(c.name, 1, c.x - 6))": "22",
    "CAST(c.big AS smallint)": "22003",
    "c.big * c.big": "22003",
    "CAST(sqrt(c.x - 6) AS int)": "22",
    "CAST(extract(year FROM CAST(c.day AS date)) AS int)": "22007",
    "CAST(extract(month FROM make_date(2000, c.x - 5, 1)) AS int)": "22008",
    "ascii(chr(c.x - 6))": "22",
    "length(CAST(CAST(c.js AS json) AS text))": "22P02",
    "length(CAST(CAST(c.code || '-0000-0000-0000-000000000000' AS uuid) AS text))": "22P02",
    "length(decode(c.code, 'hex'))": "22",
    "CASE WHEN c.name LIKE '%meer%' THEN 1 / (c.x - c.x) ELSE 1 END": "22012",
    "CASE WHEN 'x' ~ c.js THEN 1 ELSE 2 END": "2201B",
    "(SELECT d.id FROM {plain} d WHERE d.x < 6)": "21000",
}
# Where an expression may stand. `{t}` is the table with its alias, `{u}` the table once more as d.
READS = {
    "list": "SELECT {e} FROM {t}",
    "where": "SELECT c.id FROM {t} WHERE {e} < 1000000",
    "where among others": "SELECT c.id FROM {t} WHERE c.site = 'south' OR {e} IS NULL OR c.id > 0",
    "hash join": "SELECT c.id FROM {t} JOIN {u} ON c.id = d.id AND {e} < 1000000",
    "join by the expression": "SELECT c.id FROM {t} JOIN {u} ON {e} = d.x",
    "nested loop": "SELECT c.id FROM {t} JOIN {u} ON {e} > d.id",
    "outer join": "SELECT c.id FROM {t} LEFT JOIN {u} ON c.id = d.id AND {e} > 0",
    "full join": "SELECT c.id FROM {u} FULL JOIN {t} ON c.id = d.id WHERE {e} > 0",
    "order": "SELECT c.id FROM {t} ORDER BY {e}, c.id LIMIT 1",
    "limit": "SELECT {e} FROM {t} LIMIT 100",
    "group": "SELECT {e}, count(*) FROM {t} GROUP BY 1",
    "aggregate": "SELECT sum({e}), count(*) FILTER (WHERE {e} > 0) FROM {t}",
    "having": "SELECT c.site FROM {t} GROUP BY c.site HAVING max({e}) > 0",
    "case": "SELECT CASE WHEN {e} > 0 THEN 1 ELSE 2 END FROM {t}",
    "window": "SELECT sum({e}) OVER (PARTITION BY c.site ORDER BY c.id) FROM {t}",
    "window's order": "SELECT row_number() OVER (PARTITION BY {e} ORDER BY {e}) FROM {t}",
    "distinct": "SELECT DISTINCT {e} FROM {t}",
    "set": "SELECT {e} FROM {t} EXCEPT SELECT d.x FROM {u}",
    "cte": "WITH q AS (SELECT {e} AS e FROM {t}) SELECT * FROM q WHERE e > 0",
    "recursive cte": "WITH RECURSIVE r(n, d) AS (SELECT {e}, 0 FROM {t} UNION ALL SELECT n, d + 1 FROM r WHERE d < 1) SELECT * FROM r",
    "recursive step": "WITH RECURSIVE r(n) AS (SELECT 1 UNION SELECT {e} FROM r JOIN {t} ON c.id > 0 WHERE r.n = 1) SELECT * FROM r",
    "lateral": "SELECT q.e FROM {u}, LATERAL (SELECT {e} AS e FROM {t} WHERE c.id = d.id) q",
    "exists": "SELECT 1 WHERE EXISTS (SELECT 1 FROM {t} WHERE {e} > 1000000)",
    "in": "SELECT d.id FROM {u} WHERE d.x IN (SELECT {e} FROM {t})",
    "scalar": "SELECT (SELECT max({e}) FROM {t})",
    "view": "CREATE VIEW ward.v AS SELECT c.*, {e} AS e FROM {t}; SELECT e FROM ward.v WHERE e IS NOT NULL",
    "invoker's view": "CREATE VIEW ward.v WITH (security_invoker = true) AS SELECT {e} AS e FROM {t}; SELECT e FROM ward.v",
    "above a view": "CREATE VIEW ward.v AS SELECT * FROM {t}; SELECT {e} FROM ward.v c WHERE {e} > 0",
    "prepared": "PREPARE p AS SELECT {e} FROM {t}; EXECUTE p; EXECUTE p",
    "copy": "COPY (SELECT {e} FROM {t}) TO STDOUT",
    "explain": "EXPLAIN ANALYZE SELECT {e} FROM {t} WHERE {e} > 0",
    "explain verbose": "EXPLAIN (ANALYZE, VERBOSE) SELECT {e} FROM {t}",
    "table as": "CREATE TABLE ward.made AS SELECT {e} AS e FROM {t}",
    "insert": "INSERT INTO ward.taken SELECT {e} FROM {t}",
    "update from": "UPDATE ward.taken SET e = {e} FROM {t} WHERE {e} < 1000000",
    "delete using": "DELETE FROM ward.taken USING {t} WHERE {e} < 1000000",
    "merge from": "MERGE INTO ward.taken m USING (SELECT {e} AS e FROM {t}) s ON m.e = s.e WHEN NOT MATCHED THEN INSERT VALUES (s.e)",
}
WRITES = {
    "update": "UPDATE {t} SET score = {e}",
    "update where": "UPDATE {t} SET score = 1 WHERE {e} < 1000000",
    "update beside": "UPDATE {t} SET score = 1 FROM {u} WHERE d.id = c.id AND {e} < 1000000",
    "update returning": "UPDATE {t} SET score = 1 WHERE c.id > 0 RETURNING {e}",
    "delete": "DELETE FROM {t} WHERE {e} < 1000000",
    "delete beside": "DELETE FROM {t} USING {u} WHERE d.id = c.id AND {e} < 1000000",
    "delete returning": "DELETE FROM {t} RETURNING {e}",
    "merge on": "MERGE INTO {t} USING (VALUES (1)) s(n) ON {e} = s.n WHEN MATCHED THEN DO NOTHING",
    "merge when": "MERGE INTO {t} USING (SELECT d.id FROM {u}) s ON c.id = s.id WHEN MATCHED AND {e} < 0 THEN DELETE",
    "merge set": "MERGE INTO {t} USING (SELECT d.id FROM {u}) s ON c.id = s.id WHEN MATCHED THEN UPDATE SET score = {e}",
    "merge delete": "MERGE INTO {t} USING (VALUES (1)) s(n) ON {e} > 1000000 WHEN MATCHED THEN DELETE",
}
# On the owner's table these do not come to the expression, whatever is hidden.
NEVER = {"where among others"}


def texts(error):
    """All that a client is told of an error."""
    fields = ["message_primary", "message_detail", "message_hint", "context", "internal_query", "column_name", "constraint_name"]
    return " ".join(str(getattr(error.diag, field)) for field in fields) + str(error)


class Ward:
    """Tables of the same rows: governed, masked, and as a role without secrets may see them."""

    COLUMNS = "id int PRIMARY KEY, site text, x int, name text, code text, big int, day text, js text, score int CHECK (score <> -1)"
    OPEN = "({}, 'north', {}, 'Hals', '1{}2{}0000', 30, '2001-02-03', '1', 1)"
    SHUT = "({}, 'south', 5, 'Vermeer', 'Vermeer', 7777777, 'Vermeer', '(', 1)"

    def __init__(self, server):
        self.server = server
        self.admin = psycopg.connect(**server.dsn, autocommit=True)
        seen = [self.OPEN.format(i, 9 + i, i, i) for i in range(1, 4)]
        hidden = [self.SHUT.format(i) for i in range(4, 7)]
        labels = {"x": "7", "name": "''Hals''", "code": "''12340000''", "big": "30", "day": "''2001-02-03''", "js": "''1''"}
        for text in [
            "CREATE SCHEMA ward",
            *[f"CREATE ROLE {name} LOGIN PASSWORD '{SECRET}'" for name in ("anna", "mila", "boss")],
            "GRANT USAGE, CREATE ON SCHEMA ward TO anna, mila, boss",
            *[f"CREATE TABLE ward.{name} ({self.COLUMNS})" for name in ("cases", "copy", "masked")],
            f"INSERT INTO ward.cases VALUES {', '.join(seen + hidden)}",
            f"INSERT INTO ward.copy VALUES {', '.join(seen)}",
            f"INSERT INTO ward.masked VALUES {', '.join(hidden)}",
            "CREATE TABLE ward.taken (e bigint)",
            "INSERT INTO ward.taken VALUES (1)",
            *[f"ALTER TABLE ward.{name} OWNER TO boss" for name in ("cases", "copy", "masked")],
            "GRANT ALL ON ward.cases, ward.copy, ward.masked, ward.taken TO anna, mila, boss",
        ]:
            self.admin.execute(text)
        # Of before anything was hidden.
        self.before = self.admin.execute("SELECT max(epoch) FROM system.epochs").fetchone()[0]
        for text in [
            *[f"SECURITY LABEL FOR anon ON COLUMN ward.masked.{c} IS 'MASKED WITH VALUE {v}'" for c, v in labels.items()],
            "SECURITY LABEL FOR anon ON ROLE mila IS 'MASKED'",
            "CREATE POLICY north ON ward.cases USING (site = 'north')",
            "ALTER TABLE ward.cases ENABLE ROW LEVEL SECURITY",
        ]:
            self.admin.execute(text)
        self.roles = {
            name: psycopg.connect(**{**server.dsn, "user": name, "password": SECRET}, autocommit=True, prepare_threshold=None)
            for name in ("anna", "mila", "boss")
        }

    def close(self):
        for connection in [self.admin, *self.roles.values()]:
            connection.close()

    def run(self, role, text):
        """The rows of the last statement that has some; nothing stays of what was done."""
        connection, rows = self.roles[role], []
        connection.execute("BEGIN")
        try:
            for part in text.split("; "):
                if part.startswith("COPY"):
                    with connection.cursor().copy(part) as copied:
                        rows = [bytes(line) for line in copied]
                else:
                    cursor = connection.execute(part)
                    rows = cursor.fetchall() if cursor.description else [cursor.rowcount]
        finally:
            connection.execute("ROLLBACK")
            if "PREPARE" in text:
                connection.execute("DEALLOCATE ALL")
        return rows


@pytest.fixture(scope="module")
def ward(radlake, tmp_path_factory):
    lake = Lake(radlake, tmp_path_factory.mktemp("leaks") / "lake")
    lake.init()
    with Server(lake, "--upkeep-interval", "0s") as server:
        ward = Ward(server)
        yield ward
        ward.close()


def statement(template, expression, table, plain=None):
    plain = plain or table
    return template.format(e=expression.replace("{plain}", plain), t=f"{table} c", u=f"{plain} d")


def silent(ward, role, text, wanted=None):
    """Runs it without an error or a hidden value; what went wrong otherwise."""
    try:
        rows = ward.run(role, text)
    except psycopg.Error as error:
        return f"{role}: {text}\n  {error.sqlstate} {texts(error)}"
    if any(hidden in repr(rows) for hidden in HIDDEN):
        return f"{role}: {text}\n  tells {rows}"
    if wanted is not None and sorted(map(repr, rows)) != sorted(map(repr, wanted)):
        return f"{role}: {text}\n  gives {rows}\n  not {wanted}"
    return None


def failing(ward, role, text):
    try:
        ward.run(role, text)
    except psycopg.Error as error:
        return error
    return None


def report(failures):
    failures = [failure for failure in failures if failure]
    assert not failures, f"{len(failures)}\n" + "\n".join(failures[:10])


@pytest.mark.parametrize("place", [*READS, *WRITES])
def test_no_expression_meets_a_hidden_row(ward, place):
    template = {**READS, **WRITES}[place]
    failures = []
    for expression in EXPRESSIONS:
        wanted = None
        if "EXPLAIN" not in template:
            wanted = ward.run("anna", statement(template, expression, "ward.copy"))
        failures.append(silent(ward, "anna", statement(template, expression, "ward.cases"), wanted))
    report(failures)
    # Who sees those rows meets the error: the statement would have told of them.
    if place not in NEVER:
        error = failing(ward, "boss", statement(template, "1 / (c.x - 5)", "ward.cases"))
        assert error and error.sqlstate == "22012", error


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_each_expression_fails_on_hidden_rows(ward, expression):
    error = failing(ward, "boss", statement(READS["list"], expression, "ward.cases"))
    assert error and error.sqlstate.startswith(EXPRESSIONS[expression]), error


@pytest.mark.parametrize("place", READS)
def test_no_expression_meets_a_masked_value(ward, place):
    failures = [silent(ward, "mila", statement(READS[place], expression, "ward.masked")) for expression in list(EXPRESSIONS)[:-1]]
    report(failures)


@pytest.mark.parametrize("place", [place for place in READS if "VIEW" not in READS[place]])
def test_no_expression_meets_a_hidden_row_of_an_earlier_epoch(ward, place):
    """That epoch knows no policy and no mask: today's bind."""
    epoch = f"FOR VERSION AS OF {ward.before} AS"
    failures = []
    for expression in EXPRESSIONS:
        for role, table in [("anna", "cases"), ("mila", "masked")]:
            if role == "mila" and "{plain}" in expression:
                continue
            text = READS[place].format(
                e=expression.replace("{plain} d", f"ward.{table} {epoch} d"), t=f"ward.{table} {epoch} c", u=f"ward.{table} {epoch} d"
            )
            failures.append(silent(ward, role, text))
    report(failures)


def test_no_expression_meets_a_hidden_row_of_a_session_in_an_earlier_epoch(ward):
    failures = []
    for role, table in [("anna", "cases"), ("mila", "masked")]:
        ward.roles[role].execute(f"SET radlake.epoch = {ward.before}")
        try:
            for template in READS.values():
                if template.startswith(("SELECT", "WITH", "COPY", "EXPLAIN", "PREPARE")):
                    for expression in list(EXPRESSIONS)[:-1]:
                        failures.append(silent(ward, role, statement(template, expression, f"ward.{table}")))
        finally:
            ward.roles[role].execute("RESET radlake.epoch")
    report(failures)


@pytest.mark.parametrize("place", [*READS, *WRITES])
def test_errors_on_rows_that_are_seen_tell_of_no_other(ward, place):
    """A row of hers fails: she is told so, as on the copy, and nothing of what stands beside it."""
    template = {**READS, **WRITES}[place]
    for expression, state in [("1 / (c.x - 10)", "22012"), ("CAST(c.name AS int)", "22P02")]:
        error = failing(ward, "anna", statement(template, expression, "ward.cases"))
        beside = failing(ward, "anna", statement(template, expression, "ward.copy"))
        assert bool(error) == bool(beside), (expression, error, beside)
        if error:
            assert error.sqlstate == state, (expression, error)
            assert not any(hidden in texts(error) for hidden in HIDDEN), error


def test_parameters_and_portals_of_the_protocol(ward):
    anna = ward.roles["anna"]
    for query in [
        "SELECT %s / (c.x - 5) FROM ward.cases c WHERE %s / (c.x - 5) < 9",
        "SELECT c.id FROM ward.cases c WHERE c.x / (c.x - 5) > %s ORDER BY c.x / (c.x - 5) LIMIT %s",
        "UPDATE ward.cases c SET score = 1 WHERE %s / (c.x - 5) < %s",
    ]:
        for _ in range(3):
            anna.execute(query, (1, 9), prepare=True)


def test_portals(ward):
    """Rows are fetched one by one: none of them is hidden, and the end comes without an error."""
    import asyncpg

    async def fetched(query, *values):
        dsn = ward.server.dsn
        anna = await asyncpg.connect(host=dsn["host"], port=dsn["port"], user="anna", password=SECRET, database=dsn["dbname"])
        try:
            async with anna.transaction():
                cursor, rows = await anna.cursor(query, *values), []
                while row := await cursor.fetch(1):
                    rows += row
                return [tuple(row) for row in rows]
        finally:
            await anna.close()

    for expression in EXPRESSIONS:
        for template in ("SELECT c.id, {e} FROM {t} WHERE {e} < 1000000 AND c.id >= $1", "SELECT c.id FROM {t} WHERE c.id >= $1 ORDER BY {e}"):
            rows = asyncio.run(fetched(statement(template, expression, "ward.cases"), 0))
            assert {row[0] for row in rows} <= {1, 2, 3}, rows
            assert not any(hidden in repr(rows) for hidden in HIDDEN)


CONSTRAINTS = [
    ("UPDATE ward.cases SET score = -1 WHERE id = 1", "23514"),
    ("UPDATE ward.cases SET id = 2 WHERE id = 1", "23505"),
    ("UPDATE ward.cases SET id = 5 WHERE id = 1", "23505"),
    ("INSERT INTO ward.cases (id, site, score) VALUES (7, 'north', -1)", "23514"),
    ("INSERT INTO ward.cases (id, site) VALUES (5, 'north')", "23505"),
    ("INSERT INTO ward.cases (id, site) VALUES (5, 'north') ON CONFLICT (id) DO UPDATE SET score = 1 / (cases.x - 5)", "42501"),
    ("INSERT INTO ward.cases (id, site) VALUES (5, 'north') ON CONFLICT (id) DO UPDATE SET name = cases.name || cases.code", "42501"),
    ("INSERT INTO ward.cases (id, site) VALUES (7, 'south')", "42501"),
    ("UPDATE ward.cases SET site = 'south', name = name || 'Hals'", "42501"),
    ("UPDATE ward.cases SET id = NULL WHERE id = 1", "23502"),
    ("MERGE INTO ward.cases c USING (VALUES (5)) s(id) ON c.id = s.id WHEN NOT MATCHED THEN INSERT (id, site) VALUES (s.id, 'north')", "23505"),
]


@pytest.mark.parametrize("text, state", CONSTRAINTS)
def test_errors_of_constraints_and_policies_tell_no_hidden_value(ward, text, state):
    error = failing(ward, "anna", text)
    assert error and error.sqlstate == state, error
    assert not any(hidden in texts(error) for hidden in HIDDEN), error


def test_hidden_rows_do_not_show_in_what_is_told_of_a_table(ward):
    """Sizes, statistics and plans are for who sees the whole table; counts are of what is seen."""
    for text in [
        "SELECT count(*) FROM ward.cases",
        "SELECT count(*) FROM ward.cases WHERE x < 6 OR id > 0",
    ]:
        assert ward.run("anna", text) == [(3,)]
    assert ward.run("anna", "SELECT min(x), max(big), count(DISTINCT name) FROM ward.cases") == [(10, 30, 1)]
    assert ward.run("anna", "SELECT reltuples FROM pg_class WHERE oid = 'ward.cases'::regclass")[0][0] in (-1, 0)
    assert ward.run("anna", "SELECT * FROM pg_stats WHERE schemaname = 'ward' AND tablename = 'cases'") == []
    for explain in ["EXPLAIN", "EXPLAIN VERBOSE", "EXPLAIN ANALYZE", "EXPLAIN (ANALYZE, VERBOSE)"]:
        plan = repr(ward.run("anna", f"{explain} SELECT * FROM ward.cases WHERE x > 0"))
        for told in ["south", "north", "parquet", "6 rows", "rows=6", *HIDDEN]:
            assert told not in plan, (told, plan)
