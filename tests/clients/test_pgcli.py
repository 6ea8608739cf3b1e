"""pgcli: what it asks for its completions, and its own backslash commands, on Radlake and on PostgreSQL 15."""

import pytest
import tools
from tools_known import missing

pytest.importorskip("pgcli", reason="pgcli is not installed (tests/clients/requirements.txt)")
from pgcli.pgexecute import PGExecute  # noqa: E402
from pgspecial.main import PGSpecial  # noqa: E402

# What PostgreSQL answers and Radlake does not. Strict.
MISSING = missing("pgcli")


@pytest.fixture(scope="module")
def both(radlake, postgres, tmp_path_factory):
    with tools.places(radlake, postgres, tmp_path_factory.mktemp("pgcli")) as places:
        yield [session(place.server.dsn) for place in places]


def session(dsn):
    return PGExecute(dsn["dbname"], dsn["user"], dsn["password"], dsn["host"], dsn["port"])


def ours(rows):
    """What is of our schema: others are each server's own."""
    return sorted(repr(tuple(row)) for row in rows if "trial" in tuple(row))


ASKED = {
    "search path": lambda session: session.search_path(),
    "schemas": lambda session: [name for name in session.schemata() if name in ("trial", "pg_catalog", "information_schema", "public")],
    "tables": lambda session: ours(session.tables()),
    "views": lambda session: ours(session.views()),
    "columns of tables": lambda session: ours(session.table_columns()),
    "columns of views": lambda session: ours(session.view_columns()),
    "foreign keys": lambda session: ours(session.foreignkeys()),
    "functions": lambda session: [f for f in map(repr, session.functions()) if "'lower'" in f or "'generate_series'" in f or "'trial'" in f],
    "types": lambda session: ours(session.datatypes()),
    "databases": lambda session: "radlake" in session.databases() or "postgres" in session.databases(),
    "text of a view": lambda session: session.view_definition("trial.doses"),
    "time zone": lambda session: session.get_timezone(),
    "words as they are written": lambda session: sorted(word for word in session.casing() if word in ("Odd", "Name", "trial")),
}
COMMANDS = (
    r"\d trial.site", r"\d+ trial.study", r"\d trial.doses", r"\dt trial.*", r"\dt+ trial.site", r"\dv trial.*", r"\di trial.site*", r"\ds trial.*", r"\dn trial",
    r"\dn+ trial", r"\df trial.*", r"\dT trial.*", r"\du trial_reader", r"\dp trial.site", r"\dx nothing", r"\db", r"\dD trial.*", r"\dF simple",
)


@pytest.mark.parametrize("what", ASKED)
def test_completions_are_postgresqls(what, both, request):
    own, other = both
    there = ASKED[what](other)
    if what in MISSING:
        request.applymarker(pytest.mark.xfail(reason=MISSING[what], strict=True))
    assert ASKED[what](own) == there


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_are_postgresqls(command, both, request):
    own, other = both
    there = printed(other, command)
    if command in MISSING:
        request.applymarker(pytest.mark.xfail(reason=MISSING[command], strict=True))
    assert printed(own, command) == there


def printed(session, command):
    """Titles, rows and what stands below of each table that a command prints; an error as its first line."""
    answers = []
    for title, rows, headers, status, _, success, *_ in session.run(command, PGSpecial()):
        rows = [[str(value) for value in row] for row in rows or []]
        # Sizes of files, of which each server has its own.
        hidden = [i for i, header in enumerate(headers or []) if header == "Size"]
        rows = [[value for i, value in enumerate(row) if i not in hidden] for row in rows]
        answers.append((title, headers and list(headers), rows, str(status).partition("\n")[0], success))
    return answers


def test_what_is_known_is_asked():
    assert {*MISSING} <= {*ASKED, *COMMANDS}
